"""Field lines against quasi-linear theory, an independent integrator, and what holds exactly in any strength of turbulence."""

import numpy as np
import pytest
from ensembles import deck, outcome, variables
from jobs import hpccr, summary
from scipy.integrate import solve_ivp

from hpccr.deck import reader
from hpccr.errors import InputError
from hpccr.output import ensemble_files
from hpccr.particles.fieldline_results import quasi_linear
from hpccr.particles.turbulence import Spectrum, realise, stream
from hpccr.problems import registry
from hpccr.problems.fieldlines import FieldLines

# One decade of waves: L_c is an eighth of L_max, and a line of 20 L_c has some 60 waves nearly across B0 to follow.
CHEAP = ("turbulence.L_min=0.1", "turbulence.modes=64", "ensemble.particles=32", "ensemble.s_end=20", "ensemble.tolerance=1e-4",
         "ensemble.times_per_decade=10", "ensemble.store=[]")


def lines(kind, b, realisations, *settings):
    """Results for δB/B0 = b (None: no mean field)."""
    eta = 1.0 if b is None else b * b / (1.0 + b * b)
    return outcome(deck("fieldlines", *CHEAP, f"turbulence.kind={kind}", f"turbulence.eta={eta!r}",
                        f"ensemble.realisations={realisations}", *settings))


def near(value, error, expected, times=3.0):
    """Whether a value is within 3 errors of the expected one."""
    return np.all(np.abs(np.asarray(value) - expected) < times * np.asarray(error))


# -- quasi-linear theory ------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind, factor", [("isotropic", 0.25), ("alfven", 0.5)])
def test_quasi_linear_diffusion(kind, factor):
    """K.40: D_⊥ = ¼ and ½ (δB/B0)² L_c, in s and in τ, within 3 jackknife errors of 3 %."""
    found = lines(kind, 0.1, 700, "ensemble.parameter=both").summary
    for name in ("D_perp", "D_perp_tau"):
        assert found[name]["error"] < 0.035 * factor * 0.01
        assert near(found[name]["value"], found[name]["error"], factor * 0.01), found[name]
    assert found["ratio_to_qlt"]["value"] == pytest.approx(found["D_perp"]["value"] / (factor * 0.01), rel=2e-3)
    assert found["D_perp"]["converged"] and found["D_perp"]["window"] == pytest.approx([10, 20], rel=0.15)


def test_magnetosonic_waves_hardly_move_field_lines():
    """K.40: below 0.3 of isotropic (0 at leading order)."""
    mag, iso = [lines(kind, 0.3, 150, "ensemble.parameter=s").summary for kind in ("magnetosonic", "isotropic")]
    assert abs(mag["D_perp"]["value"]) + 3 * mag["D_perp"]["error"] < 0.3 * iso["D_perp"]["value"]
    assert mag["qlt"]["value"] == 0.0 and "ratio_to_qlt" not in mag
    assert near(iso["D_perp"]["value"], iso["D_perp"]["error"], 0.25 * 0.09)


def test_slab_waves_with_a_flat_end():
    """D_⊥ = ½ (δB/B0)² L_slab, L_slab = (π/2) E(0)/∫E dk, before the lack of waves below 2π/L_max shows."""
    b, settings = 0.1, ["turbulence.spectrum=bend_over", "turbulence.bend_scale=1", "turbulence.L_min=1", "turbulence.L_max=4000",
                        "turbulence.modes=80", "ensemble.particles=256", "ensemble.parameter=s"]
    spectrum = Spectrum(5 / 3, 1.0, 4000.0, 1.0, 0.0)
    k = np.linspace(0, 2 * np.pi, 200_001)
    L_slab = 0.5 * np.pi / np.trapezoid((1 + k * k) ** (-5 / 6), k) if hasattr(np, "trapezoid") else \
        0.5 * np.pi / np.trapz((1 + k * k) ** (-5 / 6), k)
    assert quasi_linear("slab", None, spectrum, b) == pytest.approx(0.5 * b * b * L_slab, rel=2e-3)
    L_c = FieldLines(deck("fieldlines", *CHEAP, "turbulence.kind=slab", *settings)).field.L_c
    found = lines("slab", b, 24, *settings, f"ensemble.s_end={12 / L_c!r}").summary
    value, error = [found["D_perp"][name] * L_c for name in ("value", "error")]
    # What is missing below k_min: a part (2/π) k_min s, 1 % here; and D is that of small b to b², 1 %.
    assert error < 0.03 * value and abs(value / (0.5 * b * b * L_slab) - 1) < 3 * error / value + 0.02, (value, error, L_slab)
    assert found["ratio_to_qlt"]["value"] == pytest.approx(value / (0.5 * b * b * L_slab), rel=2e-3)
    long = FieldLines(deck("fieldlines", *CHEAP, "turbulence.kind=slab"))
    assert "slab" in long.warnings[0] and not FieldLines(deck("fieldlines", *CHEAP)).warnings


def test_two_dimensional_waves_scale_with_their_strength():
    """With τ, z = τ and r_⊥ follows b(r_⊥): D/b is the same for all b where the lines end at the same b τ. Matthaeus et al.
    (1995) have D = b λ/√2; lines that are trapped in islands, which their theory does not know, make it less."""
    found = [lines("2d", b, 20, "ensemble.parameter=tau", f"ensemble.tau_end={1 / b!r}", f"ensemble.first={0.01 / b!r}",
                   "ensemble.tolerance=1e-7").summary for b in (0.05, 0.5)]
    D = [one["D_perp_tau"]["value"] for one in found]
    assert 10 * D[0] == pytest.approx(D[1], rel=1e-3)
    assert 0.5 < found[0]["ratio_to_qlt_tau"]["value"] < 1.2


def test_theory_of_composites():
    spectrum = Spectrum(5 / 3, 0.01, 100.0, 1.0, 0.0)
    slab, flat = quasi_linear("slab", None, spectrum, 0.1 * 0.2**0.5), quasi_linear("2d", None, spectrum, 0.1 * 0.8**0.5)
    both = quasi_linear("composite", {"slab": 0.2, "2d": 0.8}, spectrum, 0.1)
    # The equation of Matthaeus et al. (1995): D² = D D_slab + D_2D².
    assert both**2 == pytest.approx(both * slab + flat**2) and both > max(slab, flat)
    iso, alfven = [quasi_linear(kind, None, spectrum, 0.1) for kind in ("isotropic", "alfven")]
    assert quasi_linear("composite", {"isotropic": 0.5, "alfven": 0.5}, spectrum, 0.1) == pytest.approx(0.5 * (iso + alfven))
    assert quasi_linear("composite", {"isotropic": 0.5, "2d": 0.5}, spectrum, 0.1) is None
    assert quasi_linear("slab", None, Spectrum(5 / 3, 0.01, 1.0), 0.1) == 0.0
    assert quasi_linear("slab", None, Spectrum(5 / 3, 0.01, 1.0, 1.0, -0.5), 0.1) is None


# -- what holds exactly -------------------------------------------------------------------------------------


@pytest.mark.parametrize("b", [0.1, 1.0, None])
def test_mean_field_along_the_lines(b):
    """The flow dr/dτ = B has no divergence: lines that start anywhere alike remain so, and ⟨Δr⟩ = B0 τ in any turbulence."""
    v = variables(lines("isotropic", b, 60, "ensemble.parameter=tau"))
    mean, error = v["displacement_tau"], v["displacement_tau_error"]
    expected = v["tau"][:, None] * [0.0, 0.0, 0.0 if b is None else 1.0]
    # 34 points of one sample each: 4 errors.
    assert near(mean, error, expected, 4.0), (mean - expected) / error
    assert np.all(error[-1] < 0.35 * v["tau"][-1] ** 0.5)


def test_s_and_tau_agree_in_weak_turbulence():
    """z advances by s (1 − ⟨b_⊥²⟩/2) = s (1 − b²/3), and D_⊥ is the same up to b²."""
    results = lines("isotropic", 0.1, 100, "ensemble.parameter=both")
    v = variables(results)
    short = 1 - v["displacement_s"][-1, 2] / 20
    assert near(short, v["displacement_s_error"][-1, 2] / 20, 0.01 / 3) and abs(short - 0.01 / 3) < 0.001
    assert results.summary["D_perp"]["value"] == pytest.approx(results.summary["D_perp_tau"]["value"], rel=0.03)
    assert np.allclose(v["D_s"], v["D_tau"], rtol=0, atol=0.05 * v["D_s"].max())
    names = [column[0] for column in results.history]
    assert names == ["s", "D_s", "D_s_error", "msd_s", "tau", "D_tau", "D_tau_error", "msd_tau"]


def test_lines_are_straight_at_first():
    """⟨Δx² + Δy²⟩ = τ² ⟨b_⊥²⟩ = ⅔ b² τ² and exponent 2 where no wave has turned; D = ⅓ b² τ."""
    v = variables(lines("isotropic", 0.5, 100, "ensemble.parameter=tau", "ensemble.tau_end=1"))
    assert near(v["msd_tau"][0], v["msd_tau_error"][0], 2 / 3 * 0.25 * 1e-4)
    assert abs(v["msd_tau"][0] / (2 / 3 * 0.25 * 1e-4) - 1) < 0.1
    assert abs(v["exponent_tau"][0] - 2) < 0.02 and abs(v["D_tau"][0] / (0.5 * v["msd_tau"][0] / 0.01) - 1) < 0.02
    assert np.allclose(v["D_tau_mean"], v["msd_tau"] / 4 / v["tau"])


def test_without_mean_field_all_directions_are_alike():
    """η = 1: B_ref is the rms of δB; isotropic waves spread the lines along z as across, in s and in τ."""
    results = lines("isotropic", None, 120, "ensemble.parameter=both")
    v = variables(results)
    for name in ("s", "tau"):
        half = len(v[name]) // 2
        gap = v[f"D_{name}"] - v[f"D_par_{name}"]
        assert near(gap[half:], np.hypot(v[f"D_{name}_error"], v[f"D_par_{name}_error"])[half:], 0.0, 4.0)
        square = v[f"displacement2_{name}"]
        assert near(square[-1, 3], v[f"displacement2_{name}_error"][-1, 3], 0.0, 4.0)
        assert 0.3 < results.summary[{"s": "D_perp", "tau": "D_perp_tau"}[name]]["value"] < 0.8
    assert not {"qlt", "ratio_to_qlt"} & results.summary.keys() and results.summary["dB"]["unit"] == "B_ref"


def test_the_potential_of_two_dimensional_waves_is_constant_along_a_line():
    """B_⊥ = ∇a × z, so B·∇a = 0: lines keep to a surface a(x, y) = const, for ever."""
    problem = FieldLines(deck("fieldlines", *CHEAP, "turbulence.kind=2d", "turbulence.eta=0.5", "ensemble.realisations=1",
                              "ensemble.parameter=s", "ensemble.store=[0, 1, 2, 3]", "ensemble.store_points=200",
                              "ensemble.tolerance=1e-8"))
    waves = problem.field.waves(0)
    height = (waves.amplitude[:, 0] * waves.k[:, 1] - waves.amplitude[:, 1] * waves.k[:, 0]) / (waves.k**2).sum(axis=1)
    unit = problem.units()[-1]
    task = problem.begin(unit)
    while not task.advance():
        pass
    rows = np.array([task.records()[member] for member in range(4)])
    assert problem.members(unit) == [0, 1, 2, 3] and rows.shape == (4, 201, 6)
    a = np.sin(rows[:, :, :3] @ waves.k.T + waves.phase) @ height
    assert np.ptp(rows[:, :, 0], axis=1).max() > 0.05           # they do go somewhere
    assert np.ptp(a, axis=1).max() < 1e-6 * np.abs(height).sum()


# -- files, units, refusals ---------------------------------------------------------------------------------


def test_given_waves_and_starts_against_an_independent_integrator(tmp_path):
    """Through files, in the unit of the waves: 8 lines in 32 waves, kept at 20 points, as DOP853 of scipy at 1e-12."""
    import h5py

    waves = realise("isotropic", None, Spectrum(5 / 3, 0.2, 2.0), 32, 0.7, stream(9, 0, "waves"))
    start = np.random.default_rng(2).uniform(-5, 5, (8, 3))
    ensemble_files.write_waves(tmp_path / "waves.h5", waves, "pc")
    with h5py.File(tmp_path / "starts.h5", "w") as file:
        file["position"], file["direction"], file.attrs["length_unit"] = start, np.tile([0, 0, 1.0], (8, 1)), "pc"
    (tmp_path / "deck.toml").write_text(
        'problem = "fieldlines"\n[turbulence]\nwaves_file = "waves.h5"\n[ensemble]\nrealisations = 1\nstarts_file = "starts.h5"\n'
        's_end = 8.0\ntolerance = 1e-10\nstore = [0, 1, 2, 3, 4, 5, 6, 7]\nstore_points = 20\n')
    hpccr(2, "run", "deck.toml", "--out", "run", cwd=tmp_path)
    L_c = waves.correlation_length()
    entries = summary(tmp_path / "run")
    assert entries["L_c"]["value"] == pytest.approx(L_c) and entries["L_c"]["unit"] == "pc" and entries["steps"]["value"] > 1000
    assert entries["D_perp"]["error"] is None                       # one realisation has no scatter
    with h5py.File(tmp_path / "run" / "orbits.h5", "r") as file:
        assert list(file["id"]) == list(range(8)) and file.attrs["time_unit"] == "L_c" and file.attrs["length_unit"] == "pc"
        s, position, direction = file["time"][...] * L_c, file["position"][...], file["direction"][...]

    def slope(_, y):
        b = waves.field(y[None])[0] + [0, 0, 1]
        return b / np.linalg.norm(b)

    for line in range(8):
        theirs = solve_ivp(slope, (0, s[-1]), start[line], method="DOP853", t_eval=s, rtol=1e-12, atol=1e-13).y.T
        assert np.abs(position[line] - theirs).max() < 1e-7
    b = waves.field(position.reshape(-1, 3)) + [0, 0, 1]
    assert np.abs(direction.reshape(-1, 3) - b / np.linalg.norm(b, axis=1)[:, None]).max() < 1e-9
    with h5py.File(tmp_path / "run" / "snapshots" / "000000.h5", "r") as file:
        across = ((position[:, -1, :2] - start[:, :2]) ** 2).sum(axis=1).mean() / L_c**2
        assert file["msd_s"][-1] == pytest.approx(across, rel=1e-7)


def test_stored_lines_change_no_bit_of_the_tally():
    plain, stored = [outcome(deck("fieldlines", *CHEAP, "ensemble.realisations=2", "ensemble.particles=40", *more))
                     for more in ([], ["ensemble.store=[3, 41]", "ensemble.store_points=7"])]
    one, other = variables(plain), variables(stored)
    assert one.keys() == other.keys() and all(np.array_equal(one[name], other[name]) for name in one)
    assert plain.summary == stored.summary


def test_units_of_length():
    """With L_max in pc the same numbers in L_c, and physical ones beside them; a two-sided L_c is twice as long."""
    bare = lines("isotropic", 0.3, 3)
    physical = lines("isotropic", 0.3, 3, 'turbulence.L_min="10 pc"', 'turbulence.L_max="100 pc"')
    assert physical.summary["D_perp"]["value"] == pytest.approx(bare.summary["D_perp"]["value"], rel=1e-3)
    D, entry, L_c = [physical.summary[name] for name in ("D_perp", "D_perp_physical", "L_c")]
    assert entry["unit"] == L_c["unit"] == "pc" and entry["value"] == pytest.approx(D["value"] * L_c["value"])
    assert variables(physical)["s_physical"][-1] == pytest.approx(20 * L_c["value"])
    two = lines("isotropic", 0.3, 3, "turbulence.correlation=two-sided", "ensemble.s_end=10")
    assert two.summary["D_perp"]["value"] == pytest.approx(0.5 * bare.summary["D_perp"]["value"], rel=0.1)
    assert two.summary["qlt"]["value"] == pytest.approx(0.5 * bare.summary["qlt"]["value"])


@pytest.mark.parametrize("settings, words", [
    (["ensemble.first=30"], ("ensemble] first", "s = 20", "less than 20")),
    (["ensemble.tau_end=0.005"], ("ensemble] first", "tau = 0.005")),
    (["ensemble.store=[64]", "ensemble.realisations=2"], ("store", "no line 64", "0 to 63")),
    (["ensemble.store=[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10]", "ensemble.store_points=10000000"], ("store_points", "at most 1e8")),
    (["ensemble.parameter=t"], ("parameter", "tau", "both")),
    (["ensemble.tolerance=1e-12"], ("tolerance", "1e-10")),
    (["ensemble.starts_file=nowhere.h5"], ("nowhere.h5", "no such file")),
    (["ensemble.t_end=5"], ("t_end", "tau_end"))])
def test_refused(settings, words):
    with pytest.raises(InputError) as refused:
        deck("fieldlines", *CHEAP, *settings)
    assert all(word in str(refused.value) for word in words), refused.value


def test_more_lines_than_starts_are_refused(tmp_path):
    import h5py

    with h5py.File(tmp_path / "starts.h5", "w") as file:
        file["position"], file["direction"] = np.zeros((3, 3)), np.tile([0, 0, 1.0], (3, 1))
    (tmp_path / "deck.toml").write_text('problem = "fieldlines"\n[ensemble]\nstarts_file = "starts.h5"\n')
    assert FieldLines(reader.read(tmp_path / "deck.toml", problems=registry)).particles == 3
    with pytest.raises(InputError, match="4 lines, and 3 starts"):
        reader.read(tmp_path / "deck.toml", ["ensemble.particles=4"], problems=registry)
