"""Half-lives of real phases: an independent solver, convergence, published anchors, grammage."""

import sys
from pathlib import Path

import numpy as np
import pytest
from simulate import advance, deck, simulation

sys.path.insert(0, str(Path(__file__).parents[1] / "reference"))
import cloud_mol  # noqa: E402

from hpccr.problems.cloud import Cloud  # noqa: E402
from hpccr.units import c, kyr, m_p, pc  # noqa: E402


def summary(phase, E, R, end, *settings):
    """The summary of a one-energy cloud: E [GeV], R [pc], end [kyr]."""
    problem = Cloud(deck("cloud_quick", f"medium.phase={phase}", f"source.radius={R} pc", f"axes.z.scale={R} pc",
                         "axes.z.cells=1024", "axes.z.to=2 kpc", "axes.p.cells=1", f"axes.p.from={E} GeV",
                         f"axes.p.to={2 * E} GeV", f"time.end={end} kyr", "output.snapshots=[]", *settings))
    with simulation(problem) as job:
        for _ in advance(job, problem.deck.time.end):
            pass
        return problem, job.summary()


def half_life(*args):
    """t_1/2 [kyr]."""
    return summary(*args)[1]["half_life"]["value"][0]


CASES = [("HISM", 10, 60, True), ("HISM", 1000, 30, True), ("HISM", 10000, 15, False), ("WIM", 10, 15, True),
         ("WIM", 1000, 5, False), ("WIM", 10000, 30, True), ("WNM", 10, 24.22, True), ("WNM", 100, 60, False),
         ("WNM", 3000, 15, False), ("CNM", 10, 4.954, False), ("CNM", 1000, 60, True), ("DiM", 10, 5, True),
         ("DiM", 1000, 5, False), ("DiM", 10000, 15, True)]


@pytest.mark.parametrize("phase, E, R, advection", CASES)
def test_half_life_agrees_with_an_independent_solver(phase, E, R, advection):
    """Method of lines in other variables, on another grid, by scipy's BDF; given our rates, not our code. 0.3 %."""
    guess = Cloud(deck("cloud_quick", f"medium.phase={phase}", f"source.radius={R} pc", "axes.p.cells=1",
                       f"axes.p.from={E} GeV", f"axes.p.to={2 * E} GeV"))
    other = cloud_mol.Cloud(guess.V[0], guess.D_B[0], guess.I0[0], guess.gamma[0], guess.gamma_NL[0] / guess.I0[0],
                            guess.R[0], guess.P0[0], advection=advection)
    expected = cloud_mol.half_lives(other, cells=1200).t / kyr
    _, result = summary(phase, E, R, 1.3 * expected, f"transport.advection={'true' if advection else 'false'}")
    entry = result["half_life"]
    assert entry["value"][0] == pytest.approx(expected, rel=3e-3)
    assert abs(entry["value"][0] - expected) < entry["error"][0]


@pytest.mark.parametrize("phase, E, R", [("HISM", 100, 30), ("WNM", 10, 24.22), ("CNM", 10, 5), ("DiM", 1000, 5)])
def test_half_life_converges_under_refinement(phase, E, R):
    """Each halving of cells and tolerance changes less than the one before, the last less than 0.5 %."""
    end = {"HISM": 60, "WNM": 80, "CNM": 30, "DiM": 1}[phase]
    t = [half_life(phase, E, R, end, f"axes.z.cells={n}", f"time.rtol={rtol}")
         for n, rtol in ((256, 4e-4), (512, 2e-4), (1024, 1e-4), (2048, 5e-5))]
    change = np.abs(np.diff(t)) / t[-1]
    assert change[-1] < 5e-3
    assert change[2] < max(change[0], 1e-3)


def test_saturated_half_life_is_set_by_damping():
    """Strong linear damping: t_1/2 = Π/4Γ (CNM, 10 GeV), within 5 % (K.11)."""
    problem, result = summary("CNM", 10, 4.954, 30, "transport.advection=false")
    expected = problem.Pi[0] / (4 * problem.gamma[0]) / kyr
    assert result["half_life"]["value"][0] == pytest.approx(expected, rel=0.05)


# phase, E [GeV], R_esc [pc], t_1/2 [kyr], of an independent solver; growth 1/2, no advection.
ANCHORS = [("WNM", 10, 24.22, 37.0), ("WNM", 30, 18.02, 16.0), ("WNM", 100, 12.48, 7.03), ("WNM", 300, 9.10, 3.40),
           ("WNM", 1000, 6.36, 1.59), ("WNM", 3000, 4.55, 0.743), ("CNM", 10, 4.954, 9.1), ("CNM", 30, 3.853, 3.94),
           ("CNM", 100, 2.662, 1.39), ("CNM", 1000, 2.609, 1.43), ("DiM", 10, 2.000, 2.90), ("DiM", 300, 2.037, 3.57),
           ("DiM", 1000, 1.974, 2.84)]
BRAHIMI = ["waves.growth_factor=0.5", "transport.advection=false"]


@pytest.mark.parametrize("phase, E, R, expected", ANCHORS)
def test_anchors_of_brahimi(phase, E, R, expected):
    """K.15: 15 % with the default collision rates and cascade cut-off; 3 % with the choices behind the table."""
    assert half_life(phase, E, R, 3 * expected, *BRAHIMI) == pytest.approx(expected, rel=0.15)
    collisions = "molecular" if phase in ("CNM", "DiM") else "atomic"
    same = [*BRAHIMI, "waves.turbulent_cutoff=false", f"medium.collisions={collisions}"]
    assert half_life(phase, E, R, 3 * expected, *same) == pytest.approx(expected, rel=0.03)


def test_energy_conserving_growth_lasts_longer():
    """The default g = 1 gives 1.5–2 times the half-lives of g = 1/2 (K.15)."""
    for phase, E, R, t in (("WNM", 10, 24.22, 37.0), ("CNM", 10, 4.954, 9.1)):
        ratio = half_life(phase, E, R, 4 * t, "transport.advection=false") / half_life(phase, E, R, 4 * t, *BRAHIMI)
        assert 1.5 < ratio < 2.1


@pytest.mark.parametrize("E, R, expected", [(20, 100, 200), (100, 60, 50), (1000, 35, 14)])
def test_anchors_of_nava(E, R, expected):
    """K.16: hot ionised medium, Γ = 2, within 30 %, with and without advection."""
    for advection in ("true", "false"):
        got = half_life("HISM", E, R, 2 * expected, "source.index=2.0", f"transport.advection={advection}")
        assert got == pytest.approx(expected, rel=0.3)


def test_grammage_of_a_test_particle():
    """Release at 0, absorption at L = 100 pc, D = 1e28, n = 1: t_res = L²/2D, X = 0.334 g/cm² (K.43)."""
    _, result = summary("WIM", 10, 0.5, 40000, "medium.n=1 cm-3", "waves.growth_factor=0", "transport.advection=false",
                        "axes.z.to=100 pc", "axes.z.cells=400")
    t_res = (100 * pc) ** 2 / 2e28
    assert result["residence_time"]["value"][0] * kyr == pytest.approx(t_res, rel=2e-3)
    assert result["grammage"]["value"][0] == pytest.approx(1.4 * m_p * c * t_res, rel=2e-3)
    assert result["grammage"]["value"][0] == pytest.approx(0.334, rel=0.01)
    assert result["residence_time"]["left"][0] < 1e-6


def test_grammage_of_molecules():
    """Their mass, 2.14 m_p each, is more than 1.4 m_p."""
    problem, result = summary("DC", 10, 0.5, 100, "waves.growth_factor=0", "transport.advection=false", "axes.z.to=100 pc", "axes.z.cells=50")
    residence = np.array(result["residence_time"]["value"]) * kyr
    assert np.array(result["grammage"]["value"]) == pytest.approx(2.14 * m_p * 1e4 * c * residence, rel=1e-3)


def test_the_whole_line_is_two_half_lines():
    """Waves of both directions, which start at I_0/2 and scatter together, give the half line's P, I and half-life."""
    settings = ["axes.p.cells=3", "axes.p.to=1 TeV", "time.end=5 kyr", "axes.z.to=500 pc", "transport.advection=false"]
    results = []
    for from_, n in (("0 pc", 300), ("-500 pc", 600)):
        problem = Cloud(deck("cloud_quick", *settings, f"axes.z.from={from_}", f"axes.z.cells={n}"))
        with simulation(problem) as job:
            for _ in advance(job, problem.deck.time.end):
                pass
            rows, _ = job.mesh.cells()
            results.append((np.array(job.mesh.array(job.stepper.u)[rows]), job.summary()["half_life"]["value"]))
    (half, t_half), (whole, t_whole) = results
    P = whole[:, 0]
    np.testing.assert_allclose(P[300:], P[:300][::-1], atol=1e-7 * P.max())
    np.testing.assert_allclose(P[300:], half[:, 0], atol=5e-4 * P.max())
    np.testing.assert_allclose(t_whole, t_half, rtol=1e-3)
    total = 0.5 * (np.exp(whole[300:, 1]) + np.exp(whole[300:, 2]))
    np.testing.assert_allclose(total, np.exp(half[:, 1]), rtol=5e-3)


@pytest.mark.parametrize("settings", [["transport.advection=false"], ["transport.advection=true"], ["transport.advection=true", "axes.z.from=-1 kpc"]],
                         ids=["at rest", "carried", "whole line"])
def test_background_pressure_is_a_steady_state(settings):
    """Without a cloud P stays at the background, also where waves part in the middle."""
    problem = Cloud(deck("cloud_quick", "source.energy=1e40 erg", "transport.background=1 eV/cm3", "axes.p.cells=3",
                         "axes.z.cells=100", "time.end=20 kyr", *settings))
    with simulation(problem) as job:
        for _ in advance(job, problem.deck.time.end):
            pass
        P = job.mesh.array(job.stepper.u)[1:-1, 0]
        np.testing.assert_allclose(P / problem.P_background, 1.0, atol=1e-6)


def test_a_background_does_not_change_what_becomes_of_the_cloud():
    """Half-life and residence time of the CRs beside it, while waves carry them: to the error of a step."""
    found = []
    for background in ("0 eV/cm3", "1 eV/cm3"):
        problem = Cloud(deck("cloud_hism", f"transport.background={background}", "axes.p.cells=1", "axes.p.from=10 GeV", "axes.z.cells=128",
                             "time.end=200 kyr"))
        with simulation(problem) as job:
            for _ in advance(job, problem.deck.time.end):
                pass
            told = job.summary()
            assert told["content_error"]["value"] < 1e-12
            found.append([told[name]["value"][0] for name in ("half_life", "residence_time", "grammage")])
    np.testing.assert_allclose(*found, rtol=1e-3)


@pytest.mark.parametrize("cells", [134, 300, 400])
def test_nothing_is_carried_through_the_middle_of_a_whole_line(cells):
    """Its face lies at 0 to rounding only, for some numbers of cells."""
    problem = Cloud(deck("cloud_wnm", "axes.z.from=-1 kpc", "axes.z.to=1 kpc", f"axes.z.cells={cells}", "axes.z.scale=10 pc", "source.radius=40 pc",
                         "transport.advection=true", "axes.p.cells=1", "axes.p.from=10 GeV", "time.end=2 kyr"))
    with simulation(problem) as job:
        for _ in advance(job, problem.deck.time.end):
            pass
        content = job.mesh.array(job.stepper.u)[1:-1, 0, 0] * problem.line().widths
        assert content[:cells // 2].sum() == pytest.approx(content[cells // 2:].sum(), rel=1e-12)
