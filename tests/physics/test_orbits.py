"""Orbits against an independent code, quasi-linear theory, and what must hold exactly."""

import sys
from pathlib import Path

import h5py
import numpy as np
import pytest
from ensembles import deck, outcome, variables
from jobs import hpccr
from scipy.integrate import cumulative_trapezoid

from hpccr.output import ensemble_files
from hpccr.particles.turbulence import Waves
from hpccr.problems.orbits import Orbits

sys.path.insert(0, str(Path(__file__).parents[1] / "reference"))

import orbit_boris  # noqa: E402


def test_sixteen_orbits_in_sixty_four_given_waves(tmp_path):
    """K.42: the same orbits as those of another code, to 1e-6 r_g after Ωt = 10; through files, in the unit of the waves."""
    random = np.random.default_rng(8)
    waves = orbit_boris.isotropic_waves(random, 64, 0.05, 2.0, 5 / 3, 1.0)
    r, v = random.uniform(-3, 3, (16, 3)), random.standard_normal((16, 3))
    v /= np.linalg.norm(v, axis=1)[:, None]
    ensemble_files.write_waves(tmp_path / "waves.h5", Waves(*waves), "pc")
    with h5py.File(tmp_path / "starts.h5", "w") as file:
        file["position"], file["direction"], file.attrs["length_unit"] = r, v, "pc"
    (tmp_path / "deck.toml").write_text(
        'problem = "orbits"\n[turbulence]\nwaves_file = "waves.h5"\n'
        '[ensemble]\nrealisations = 1\nparticles = 16\ngyroradius = 0.3\nstep = 0.02\nt_end = 10.0\n'
        'starts_file = "starts.h5"\nstore = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15]\nstore_every = 10\n')
    hpccr(2, "run", "deck.toml", "--out", "run", cwd=tmp_path)
    position, direction = orbit_boris.orbits(r, v, 0.02, 500, 0.3, waves, 10)
    with h5py.File(tmp_path / "run" / "orbits.h5", "r") as file:
        assert list(file["id"]) == list(range(16)) and np.allclose(file["time"], 0.2 * np.arange(51))
        assert file["position"].shape == (16, 51, 3) and file.attrs["length_unit"] == "pc"
        # The orbits are chaotic, but not yet: rounding has grown to 1e-9 or less.
        assert np.abs(file["position"][...] - position).max() < 1e-8 * 0.3
        assert np.abs(file["direction"][...] - direction).max() < 1e-8


def test_written_waves_give_the_same_orbits(tmp_path):
    """The waves of a realisation, written and read, are the same field: orbits from the same starts agree."""
    text = ('problem = "orbits"\n[turbulence]\n{}\n'
            '[ensemble]\nrealisations = 1\nparticles = 3\ngyroradius = 0.05\nstep = 0.05\nt_end = 20.0\n{}\nstore = [0, 1, 2]\n[output]\nwaves = 1\n')
    (tmp_path / "one.toml").write_text(text.format("eta = 0.3\nmodes = 50", ""))
    (tmp_path / "two.toml").write_text(text.format('waves_file = "one/waves/000000.h5"', 'starts_file = "starts.h5"'))
    both = []
    for name in ("one", "two"):
        hpccr(0, "run", f"{name}.toml", "--out", name, cwd=tmp_path)
        with h5py.File(tmp_path / name / "orbits.h5", "r") as file, h5py.File(tmp_path / "starts.h5", "w") as starts:
            position, direction = file["position"][...], file["direction"][...]
            starts["position"], starts["direction"] = position[:, 0], direction[:, 0]
        both.append(np.concatenate([position / 0.05, direction], axis=2))
    assert np.abs(both[0] - both[1]).max() < 1e-7


def test_running_coefficients_of_an_independent_code():
    """Isotropic Kolmogorov waves, η = 0.5, r_g = 0.5 L_c: within 3 combined errors at all times."""
    at = [30, 60, 120, 240, 480, 960]
    ours = outcome(deck("orbits_quick", "turbulence.modes=64", "turbulence.L_min=0.03", "ensemble.rigidity=0.5", "ensemble.step=0.1", "ensemble.t_end=96.0",
                        "ensemble.realisations=60", "ensemble.particles=64", "ensemble.times_per_decade=30"))
    theirs = orbit_boris.displacements(11, 40, 48, 960, 0.1, set(at), modes=64, L_min=0.03, L_max=1.0, index=5 / 3, rms=1.0, r_g=0.5)
    v = variables(ours)
    mine = np.stack([0.5 * v["displacement2"][:, 2], 0.25 * (v["displacement2"][:, 0] + v["displacement2"][:, 1])])
    mine_error = np.stack([0.5 * v["displacement2_error"][:, 2], 0.25 * np.hypot(v["displacement2_error"][:, 0], v["displacement2_error"][:, 1])])
    other, other_error = theirs.mean(0), theirs.std(0, ddof=1) / np.sqrt(len(theirs))
    for column, n in enumerate(at):
        place = int(np.argmin(np.abs(v["time"] / (0.1 * n) - 1)))
        scale = (0.1 * n) / v["time"][place]        # the nearest time of output, and diffusion between
        error = np.hypot(mine_error[:, place], other_error[:, column])
        gap = np.abs(mine[:, place] * scale - other[:, column])
        slack = np.abs(1 - scale) * other[:, column]
        assert np.all(gap < 3 * error + slack), (n, gap / error)
    assert np.all(mine_error[:, -1] < 0.12 * mine[:, -1])


def test_quasi_linear_pitch_angle_scattering():
    """K.40: D_mumu in slab waves of δB/B0 = 0.05 within 10 % of theory at |μ| = 0.3, 0.5, 0.8."""
    v = variables(outcome(deck("orbits_slab_qlt", "ensemble.t_end=30.0", "ensemble.realisations=120", "ensemble.particles=192")))
    theory = np.where(v["D_mumu_qlt"] > 0, v["D_mumu_qlt"], np.nan)
    ratio, error = v["D_mumu"] / theory, v["D_mumu_error"] / theory
    for mu in (0.3, 0.5, 0.8):
        near = np.abs(np.abs(v["mu"]) - mu) < 0.06
        assert abs(ratio[near].mean() - 1) < 0.10, (mu, ratio[near])
        assert error[near].mean() / np.sqrt(near.sum()) < 0.05


def test_far_above_L_c_the_mean_free_path_is_that_of_small_deflections():
    """r_g ≫ L_c without a mean field: λ/L_c = 2 (r_g/L_c)².

    An unbent orbit meets B across it with ∫2R_T ds = δB² L_c/2 (L_c one-sided; a field without divergence has half of its correlation
    along the line of sight), so ⟨Δθ²⟩ = Ω² L_c t/v and 1/τ = ⟨Δθ²⟩/2t. Many waves, or the orbit sees that they are few.
    """
    for rigidity in (4.0, 12.0):
        settings = (f"ensemble.rigidity={rigidity}", f"ensemble.t_end={20 * rigidity}", "turbulence.eta=1.0", "turbulence.L_min=0.3", "turbulence.modes=1024",
                    "ensemble.steps_per_wave=3", "ensemble.realisations=24", "ensemble.particles=64")
        summary = outcome(deck("orbits_quick", *settings)).summary
        three = [summary[name] for name in ("lambda_par", "lambda_perp", "lambda_perp")]
        mean, error = sum(x["value"] for x in three) / 3, np.sqrt(three[0]["error"] ** 2 + 4 * three[1]["error"] ** 2) / 3
        # The next order in L_c/λ is a few per cent at r_g = 4 L_c.
        assert abs(mean / (2 * rigidity**2) - 1) < 3 * error / mean + 0.05, (rigidity, mean, error)
        assert error < 0.1 * mean


@pytest.fixture(scope="module")
def quick():
    results = outcome(deck("orbits_quick", "turbulence.modes=32", "ensemble.t_end=200.0", "ensemble.half_step=true", "ensemble.unit=32",
                           "turbulence.B0=4 uG", "turbulence.L_c=30 pc", "ensemble.realisations=16"))
    return results, variables(results)


def test_green_kubo_is_the_integral_of_the_velocity_correlation(quick):
    """∫⟨v_i(0) v_j⟩dt by Simpson's rule on early, closely spaced times, against ⟨v_i(0) Δx_j⟩."""
    results = outcome(deck("orbits_quick", "turbulence.modes=32", "ensemble.t_end=20.0", "ensemble.times_per_decade=400", "ensemble.realisations=8"))
    v = variables(results)
    t, c = np.append(0, v["time"]), np.concatenate([np.eye(3)[None] / 3, v["velocity_correlation"]])
    c[0] = c[1]
    integral = cumulative_trapezoid(c, t, axis=0)
    # The trapezoidal rule on steps of up to 2 % of t, over gyrations: 1e-2 of the amplitude of 1/3.
    assert np.abs(integral - v["green_kubo"]).max() < 1e-2


def test_ballistic_at_first(quick):
    _, v = quick
    early = v["time"] < 0.3
    assert np.allclose(v["d_par"][early][:-1], v["time"][early][:-1] / 3, rtol=0.1)      # d = t⟨v_z²⟩
    assert np.all(np.abs(v["exponent"][early][:-1] - 2) < 0.05)


def test_moments_agree_with_each_other(quick):
    _, v = quick
    kurtosis = v["displacement4"] / v["displacement2"][:, :3] ** 2
    late = kurtosis[v["time"] > 50]
    # Isotropic particles on straight lines have 9/5, diffusion 3, which they are on the way to along the field after 200/Ω = 20 L_c/v.
    assert np.allclose(kurtosis[0], 1.8, atol=0.2)
    assert np.all((late[:, 2] > 2.2) & (late[:, 2] < 3.3))
    # Across it particles that diffuse along lines which themselves diffuse have 3⟨z²⟩/⟨|z|⟩² = 3π/2; both are bounds but for the errors.
    assert np.all((late[:, :2] > 2.7) & (late[:, :2] < 1.5 * np.pi + 0.3))


def test_physical_units_are_those_of_the_paper(quick):
    """PHYSICS: r_g = 0.1 L_c with L_c = 30 pc is 3 pc; at 4 µG a rigidity of 11.1 PV."""
    results, v = quick
    assert np.isclose(results.summary["L_c_physical"]["value"], 30, rtol=1e-12)
    years = 3.0 * 3.261563777 * v["time"]                 # a parsec is 3.26 light years
    assert np.allclose(v["time_physical"], years, rtol=1e-6)
    kappa = results.summary["kappa_par"]["value"] * 2.99792458e10 * 3 * 3.0856775814913673e18
    assert np.isclose(results.summary["kappa_par_physical"]["value"], kappa, rtol=1e-9)
    given = deck("orbits_quick", "turbulence.B0=4 uG", "turbulence.L_c=30 pc", "ensemble.rigidity=10 TV")
    problem = Orbits(given)
    # r_L(1 TeV, 1 µG) = 1.0810e-3 pc, so 10 TV at 4 µG over 30 pc: 9e-5.
    assert np.isclose(problem.r_g / problem.field.L_c, 1.0810e-3 * 10 / 4 / 30, rtol=1e-4)


def test_half_the_step_changes_little(quick):
    results, _ = quick
    change = results.summary["step_change"]
    assert len(change["value"]) == 2 and np.all(np.abs(change["value"]) < 4 * np.array(change["error"]) + 0.02)
    assert results.summary["speed_error"]["value"] < 1e-12
