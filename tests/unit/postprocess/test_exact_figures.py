"""postprocess/transport.py and postprocess/gas.py: figures of small runs with the exact solutions, and what they say to bad input."""

import warnings

import numpy as np
import pytest
from figures import both, draw_alone, drawn
from jobs import deck, small

pytest.importorskip("matplotlib")
pytest.importorskip("h5netcdf")

from hpccr import driver  # noqa: E402
from hpccr.deck import reader  # noqa: E402
from hpccr.problems import registry  # noqa: E402

# Script, deck, whether an exact solution is known.
CASES = [("transport", "transport_slab", True), ("transport", "transport_sphere", False), ("gas", "feedback_sod", True),
         ("gas", "feedback_sedov", True), ("gas", "feedback_tube_cr", True), ("gas", "feedback_quick", False)]
SEEN = {"transport": "Particles", "gas": "Gas"}


@pytest.fixture(scope="module")
def run(tmp_path_factory, solo):
    """Makes small runs of decks, each once; only looked at."""
    made = {}

    def of(name):
        if name not in made:
            made[name] = tmp_path_factory.mktemp(name) / "run"
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                path = small(made[name].parent / "deck.toml", name, cells=60, lanes=9, part=1.0 if "feedback" not in name else 0.3, pieces=3)
                assert driver.run(reader.read(path, problems=registry), made[name]) == 0
        return made[name]

    return of


@pytest.mark.parametrize("script", SEEN)
def test_needs_neither_mpi_nor_petsc(run, tmp_path, script):
    done = draw_alone(script, run({"transport": "transport_slab", "gas": "feedback_sod"}[script]), "--out", tmp_path / "out")
    assert done.returncode == 0 and not done.stderr, done.stderr
    assert drawn(tmp_path / "out") == both(script)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("script, name, known", CASES)
def test_figure_with_the_exact_solution(run, tmp_path, inside, load, script, name, known):
    """What is dashed is near to the run, though its cells are coarse: a solution of another deck or time would be far off."""
    status, _, err = inside(script, run(name), "--out", tmp_path)
    assert status == 0 and not err and drawn(tmp_path) == both(script)
    seen = getattr(load(script), SEEN[script])(run(name))
    last = seen.shown[-1]
    exact = seen.exact(last)
    assert (exact is not None) == known
    if known:
        ours, theirs = (last["f"].values, exact) if script == "transport" else (last["P_g"].values, exact[2])
        assert np.abs(ours - theirs).sum() < 0.15 * np.abs(theirs).sum()


@pytest.mark.parametrize("name, setting", [
    ("feedback_sod", "gas.geometry=sphere"), ("feedback_sedov", "gas.geometry=slab"),
    *((name, setting) for name in ("feedback_sod", "feedback_sedov")
      for setting in ("gas.motion=false", "gas.expansion=1 km/(s pc)", "transport.losses=true"))])
def test_no_exact_solution_of_another_problem(run, load, name, setting):
    """A round tube, a plane blast, gas that is held or expands, CRs that lose energy: what is dashed would be wrong."""
    seen = load("gas").Gas(run(name))
    assert seen.exact(seen.shown[-1]) is not None
    seen.deck = deck(name, setting, "source.energy=1e8 erg")
    assert seen.exact(seen.shown[-1]) is None


def test_a_tube_whose_waves_have_met_the_walls_has_no_exact_solution(run, load):
    seen = load("gas").Gas(run("feedback_sod"))
    last = seen.shown[-1].copy(deep=True)
    last["P_g"].values[-1] *= 1.1
    assert seen.exact(seen.shown[-1]) is not None and seen.exact(last) is None


def test_slow_cosmic_rays_in_a_tube_have_their_own_index(tmp_path, solo, load):
    """5/3: the exact solution is as near as that of fast ones; between both there is none."""
    slow = ("source.p_low=1e-3 m_p c2", "source.p_high=0.05 m_p c2", "axes.p.from=1e-4 m_p c2", "axes.p.to=1 m_p c2")
    between = ("source.p_low=0.5 m_p c2", "source.p_high=1 m_p c2", "axes.p.from=1e-2 m_p c2", "axes.p.to=100 m_p c2")
    for name, settings, known in (("slow", slow, True), ("between", between, False)):
        path = small(tmp_path / f"{name}.toml", "feedback_tube_cr", *settings, cells=120, lanes=16, part=0.5)
        assert driver.run(reader.read(path, problems=registry), tmp_path / name) == 0
        seen = load("gas").Gas(tmp_path / name)
        last = seen.shown[-1]
        exact = seen.exact(last)
        assert (exact is not None) == known
        if known:
            for row, variable in ((2, "P_g"), (3, "P_cr")):
                assert np.abs(last[variable].values - exact[row]).sum() < 0.04 * exact[row].sum()


def test_one_momentum_and_a_flow_that_converges(run, tmp_path, solo, load):
    """The spectra's points are inside of their panels; nothing ends where the flow gives momentum."""
    module = load("transport")
    seen = module.Particles(run("transport_sphere"))
    assert seen.last(seen.shown[-1]) is not None
    seen.problem = registry.load("transport")(deck("transport_sphere", "transport.gradient=-1 km/(s pc)"))
    assert seen.last(seen.shown[-1]) is None
    path = small(tmp_path / "deck.toml", "transport_slab", cells=20, lanes=1)
    assert driver.run(reader.read(path, problems=registry), tmp_path / "one") == 0
    one = module.Particles(tmp_path / "one")
    low, high = module.figure(one).axes[3].get_xlim()
    assert low < 0.9 * one.p[0] and 1.1 * one.p[0] < high


def test_figures_of_gas_alone_are_not_empty(run, tmp_path, inside):
    """postprocess/feedback.py leaves out what has no curve, and says so."""
    status, out, err = inside("feedback", run("feedback_sod"), "--out", tmp_path)
    assert status == 0 and "velocity.png" in out and "intensity is not drawn: it would be empty" in err
    assert not {"intensity.png", "spectra.png", "expelled.png"} & set(drawn(tmp_path))


@pytest.mark.parametrize("script, other", [("transport", "feedback_sod"), ("gas", "transport_slab")])
def test_a_run_of_another_problem_is_refused(run, inside, script, other):
    status, _, err = inside(script, run(other))
    assert status == 2 and "not a snapshot of the problem" in err
