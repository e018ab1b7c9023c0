"""From moments to coefficients: exact where the moments are exact."""

import numpy as np

from hpccr.particles import orbit_results, running
from hpccr.particles.orbit_kernels import MOMENTS

T = np.geomspace(0.1, 1000.0, 81)


def moments(xx, zz, realisations=4, scatter=0.0):
    """Moments with ⟨Δx²⟩ = ⟨Δy²⟩ = xx(t), ⟨Δz²⟩ = zz(t), each realisation off by a factor 1 ± scatter."""
    whole = np.zeros((realisations, len(T), MOMENTS))
    factor = 1 + scatter * np.linspace(-1, 1, realisations)
    for column, value in ((orbit_results.XX, xx), (orbit_results.YY, xx), (orbit_results.ZZ, zz)):
        whole[:, :, column] = factor[:, None] * value(T)
    return whole


def test_derivative_is_exact_for_parabolas():
    slope = running.slope(T, 3 * T + 0.5 * T**2)
    assert np.allclose(slope[:-1], (3 + T)[:-1])
    assert np.isclose(slope[-1], 3 + 0.5 * (T[-1] + T[-2]))         # backward at the last
    assert np.allclose(running.slope(T[:1], 2 * T[:1]), 2)


def test_running_coefficients_of_diffusion_and_free_flight():
    run = orbit_results.running(T, moments(lambda t: 4 * t, lambda t: t**2))
    assert np.allclose(run["d_perp"][0], 2) and np.allclose(run["d_par"][0][:-1], T[:-1])
    assert np.allclose(run["exponent"][0][:, :2], 1) and np.allclose(run["exponent"][0][:, 2], 2)
    assert np.allclose(run["d_par"][1], 0, atol=1e-12)


def test_plateau_is_the_slope_of_late_times():
    """An offset from the ballistic start does not enter; the error is that of the mean over realisations."""
    found = orbit_results.plateau(T, moments(lambda t: 4 * t + 7, lambda t: 10 * t - 30, 5, 0.1), 0.5)
    perp = found["kappa_perp"]
    assert np.isclose(perp["value"], 2) and perp["converged"] is True
    assert np.isclose(perp["error"], 2 * np.std(0.1 * np.linspace(-1, 1, 5), ddof=1) / np.sqrt(5))
    assert np.isclose(found["kappa_par"]["value"], 5) and perp["window"][1] == T[-1] and 500 <= perp["window"][0] < 600


def test_no_plateau_where_there_is_none():
    found = orbit_results.plateau(T, moments(lambda t: t**0.5, lambda t: t**2, 5, 0.01), 0.5)
    assert found["kappa_perp"]["converged"] is False and found["kappa_par"]["converged"] is False


def test_pitch_angle_coefficient():
    bins = np.zeros((3, 3, 2))
    bins[:, 0], bins[:, 1], bins[:, 2] = [5.0, 0.0], [0.5, 0.0], [2.0, 0.0]
    (D, error), (drift, _) = orbit_results.pitch_angle(bins, 4.0)
    assert np.isclose(D[0], 0.05) and error[0] < 1e-15 and np.isclose(drift[0], 0.025) and np.isnan(D[1])
