"""G(x) and D(μ) of the Goldreich-Sridhar cascade against direct integrals and their limits."""

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import j1

from hpccr.physics.goldreich_sridhar import RATE, resonance, scattering


def by_quadrature(x, far=3000.0):
    """G(x) from pieces of a quarter of a wave; what lies beyond is the mean of J₁²."""
    edges = np.append(np.geomspace(x, 1.0, 40)[:-1] if x < 1 else [x], np.arange(max(x, 1.0) + (x >= 1) * 0.25, far, 0.25))
    point, weight = np.polynomial.legendre.leggauss(16)
    a, b = edges[:-1], edges[1:]
    z = 0.5 * (a + b)[:, None] + 0.5 * (b - a)[:, None] * point
    whole = (0.5 * (b - a) * ((j1(z) ** 2 * z ** (-13 / 3)) @ weight)).sum() + 3 / (13 * np.pi) * edges[-1] ** (-13 / 3)
    return 16 / 3 * x ** (4 / 3) * whole


@pytest.mark.parametrize("x", [1e-3, 0.1, 1.0, 3.83, 3.99, 4.0, 4.01, 7.5, 60.0])
def test_against_quadrature(x):
    assert resonance(np.array([x]))[0] == pytest.approx(by_quadrature(x), rel=1e-10)


def test_limits():
    """1 at x = 0, from where it falls as x^(4/3); 16/(13π) x^(−3) far out; one value on both sides of each joint."""
    G = resonance(np.array([0.0, 1e-6, 1e4]))
    assert G[0] == 1.0 and 1 - G[1] == pytest.approx(1.08391e-8, rel=1e-4)
    assert G[2] * 1e12 == pytest.approx(16 / (13 * np.pi), rel=3e-4)
    for joint, tight in ((4.0, 1e-11), (1000.0, 1e-7)):
        below, above = resonance(np.array([joint * (1 - 1e-13), joint * (1 + 1e-13)]))
        assert below == pytest.approx(above, rel=tight)


def test_slope():
    """d(G x^(−4/3))/dx = −(16/3) J₁² x^(−13/3), which is 0 where J₁ is."""
    x, h = np.array([0.5, 2.0, 3.8317, 5.0, 30.0]), 1e-5
    slope = (resonance(x + h) * (x + h) ** (-4 / 3) - resonance(x - h) * (x - h) ** (-4 / 3)) / (2 * h)
    np.testing.assert_allclose(slope, -16 / 3 * j1(x) ** 2 * x ** (-13 / 3), rtol=1e-6, atol=1e-9)


def test_shape_keeps_its_size_and_takes_one_number():
    assert resonance(np.full((2, 3), 2.0)).shape == (2, 3) and np.ndim(resonance(2.0)) == 0


def test_scattering():
    """Even, 1 along the field, 0 at μ = 0, ~ ε^(3/2) |μ|^(11/2) (1 − μ²)^(−3/2) away from the field, a function of θ/√ε near it."""
    mu = np.linspace(-1, 1, 201)
    D = scattering(mu, 1e-3)
    np.testing.assert_array_equal(D, scattering(-mu, 1e-3))
    assert D[0] == 1.0 and D[100] == 0.0 and np.all(D >= 0)
    far = 16 / (13 * np.pi) * 1e-9**1.5 * 0.5**5.5 * 0.75**-1.5
    assert scattering(np.array([0.5]), 1e-9)[0] == pytest.approx(far, rel=1e-3)
    t = np.linspace(0, 5, 11)
    np.testing.assert_allclose(scattering(np.cos(t * 1e-3), 1e-6), scattering(np.cos(t * 1e-4), 1e-8), rtol=1e-4)


def test_rate_of_the_spectrum():
    """The quasi-linear integral over the cascade's own spectrum, with all factors, gives (π/8)(v/l)|μ| G."""
    l, v, mu, r_g = 7.0, 3.0, 0.9, 0.02
    gyration = v / r_g
    # B0 = 1: P(k) = N k_⊥^(−10/3) on |k_∥| < k_⊥^(2/3) l^(−1/3), k_⊥ > 1/l; its integral over k-space is δB² = 1.
    N = l ** (-1 / 3) / (6 * np.pi)
    total = quad(lambda k: 2 * np.pi * k * 2 * k ** (2 / 3) * l ** (-1 / 3) * N * k ** (-10 / 3), 1 / l, np.inf)[0]
    assert total == pytest.approx(1.0, rel=1e-6)
    k_par = gyration / (v * mu)
    reach = r_g * np.sqrt(1 - mu**2)
    start = k_par**1.5 * l**0.5

    def integrand(k):
        return 2 * np.pi * k * N * k ** (-10 / 3) * (j1(k * reach) / (k * reach)) ** 2

    integral = sum(quad(integrand, start * a, start * (a + 1), limit=400)[0] for a in range(1, 60))
    # D_μμ/(1 − μ²) = π Ω² Σ_{n=±1} ∫ d³k P (J₁/z)² δ(k_∥ v μ − nΩ)
    D = np.pi * gyration**2 * 2 * integral / (v * mu)
    assert D == pytest.approx(RATE * v / l * scattering(np.array([mu]), r_g / l)[0], rel=1e-6)
