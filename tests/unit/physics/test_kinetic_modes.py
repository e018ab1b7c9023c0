"""The kinetic equation by modes: exact moments, causality, focusing, and independence of the basis."""

import numpy as np
import pytest
from scipy.special import erf

from hpccr.physics import kinetic_modes, pitch_modes
from hpccr.physics.pitch_angle import isotropic


def matrices(n):
    return *pitch_modes.matrices(isotropic(), n), pitch_modes.focusing(n)


def test_matrices_of_isotropic_scattering():
    """S = −l(l+1), M tridiagonal: what the tests below stand on."""
    l = np.arange(12)
    S, M, _ = matrices(12)
    side = l[1:] / np.sqrt(4 * l[1:] ** 2 - 1)
    np.testing.assert_allclose(S, np.diag(-l * (l + 1)), atol=1e-11)
    np.testing.assert_allclose(M, np.diag(side, 1) + np.diag(side, -1), atol=1e-13)


@pytest.mark.parametrize("t", [0.0, 0.05, 1.0, 10.0, 400.0])
@pytest.mark.parametrize("epsilon", [0.1, 1.0])
def test_spread_is_exact(epsilon, t):
    """⟨z²⟩ = w² + (ε²/3)(t − (1 − e^{−2t})/2): ballistic to diffusive; the number stays."""
    width = 0.7
    spread = width**2 + epsilon**2 / 3 * (t - (1 - np.exp(-2 * t)) / 2)
    z = np.linspace(-11, 11, 401) * np.sqrt(spread)
    f = kinetic_modes.isotropic_part(z, t, width, matrices(32), epsilon)
    step = z[1] - z[0]
    assert f.sum() * step == pytest.approx(np.sqrt(2 * np.pi) * width, rel=1e-10)
    assert z**2 @ f / f.sum() == pytest.approx(spread, rel=1e-10)


def test_free_flight():
    """Before any scattering: the mean of e^{−(z−εμt)²/2w²} over μ."""
    z, t, epsilon, w = np.linspace(-4, 4, 41), 2.0, 0.5, 0.6
    S, M, _ = matrices(60)
    f = kinetic_modes.isotropic_part(z, t, w, (0 * S, M), epsilon)
    d = epsilon * t
    exact = np.sqrt(np.pi / 2) * w / (2 * d) * (erf((z + d) / w / np.sqrt(2)) - erf((z - d) / w / np.sqrt(2)))
    np.testing.assert_allclose(f, exact, atol=1e-12)


def test_nothing_overtakes_the_particles():
    """Beyond εt only what the Gaussian's own tail can be: f₀ ≤ its value at |z| − εt."""
    t, epsilon, w = 3.0, 1.0, 0.2
    z = np.linspace(3.0, 6.0, 61)
    f = kinetic_modes.isotropic_part(z, t, w, matrices(100), epsilon)
    assert (f < np.exp(-((z - epsilon * t) ** 2) / 2 / w**2) + 1e-12).all()


def test_early_and_late_ways_agree(monkeypatch):
    """Matrix exponential and eigenvectors, where both hold."""
    z = np.linspace(-8, 8, 33)
    early = kinetic_modes.isotropic_part(z, 200.0, 1.0, matrices(16), 0.1, sigma=0.5)[:]
    for limit in (0.0, np.inf):
        monkeypatch.setattr(kinetic_modes, "STIFF", limit)
        np.testing.assert_allclose(kinetic_modes.isotropic_part(z, 200.0, 1.0, matrices(16), 0.1), kinetic_modes.isotropic_part(
            z, 200.0, 1.0, matrices(24), 0.1), atol=1e-10)
        np.testing.assert_allclose(kinetic_modes.isotropic_part(z, 200.0, 1.0, matrices(16), 0.1, sigma=0.5), early, atol=1e-10)


def test_periodic_start_is_the_gaussian_far_from_its_images():
    z = np.arange(-20, 20, 0.125)
    line = kinetic_modes.isotropic_part(z, 50.0, 1.0, matrices(24), 0.3)
    ring = kinetic_modes.isotropic_part(z, 50.0, np.exp(-(z**2) / 2), matrices(24), 0.3)
    np.testing.assert_allclose(ring, line, atol=1e-12)


def test_distribution_has_its_moments_and_streams():
    """½∫f dμ = f₀, and ∂f₀/∂t = −ε ∂_z ½∫μf dμ."""
    mu, weight = np.polynomial.legendre.leggauss(32)
    z, epsilon, t, h = np.arange(-10, 10, 0.125), 0.4, 1.3, 1e-4

    def f(t):
        return kinetic_modes.distribution(z, mu, t, 1.0, matrices(24), epsilon)

    np.testing.assert_allclose(f(t) @ weight / 2, kinetic_modes.isotropic_part(z, t, 1.0, matrices(24), epsilon), atol=1e-13)
    flux = f(t) @ (mu * weight) / 2
    k = 2 * np.pi * np.fft.rfftfreq(len(z), 0.125)
    change = (f(t + h) - f(t - h)) @ weight / 2 / (2 * h)
    np.testing.assert_allclose(change, -epsilon * np.fft.irfft(1j * k * np.fft.rfft(flux), len(z)), atol=1e-9)


@pytest.mark.parametrize("sigma", [0.4, -0.8])
def test_focusing_keeps_the_number_and_drives_a_drift(sigma):
    """∫A f₀ dz with A = e^{σz}; late d⟨z⟩/dt = ε⟨μg⟩/⟨g⟩, g = e^{εσμ/2} for D = 1: ε (coth x − 1/x), x = εσ/2."""
    z, epsilon = np.arange(-30, 30, 0.1), 0.5
    A = np.exp(sigma * z)
    means = []
    for t in (20.0, 30.0):
        f = kinetic_modes.isotropic_part(z, t, 0.8, matrices(20), epsilon, sigma)
        inside = np.abs(z - 0.5 * sigma) < 15
        assert A[inside] @ f[inside] * 0.1 == pytest.approx(np.sqrt(2 * np.pi) * 0.8 * np.exp((0.8 * sigma) ** 2 / 2), rel=1e-7)
        means.append((A * z)[inside] @ f[inside] / (A[inside] @ f[inside]))
    x = epsilon * sigma / 2
    assert (means[1] - means[0]) / 10 == pytest.approx(epsilon * (1 / np.tanh(x) - 1 / x), rel=1e-6)
