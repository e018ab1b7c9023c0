"""W and the steady modes against closed forms and Legendre series."""

import numpy as np
import pytest
from scipy.linalg import eig

from hpccr.errors import RunError
from hpccr.physics import pitch_spectrum
from hpccr.physics.pitch_spectrum import Hemisphere


def by_legendre(D, count, n=90):
    """λ_j > 0 of d/dμ[D (1 − μ²) ψ'] = −λ μ ψ in n Legendre polynomials."""
    x, weight = np.polynomial.legendre.leggauss(200)
    slope = np.stack([np.polynomial.legendre.legval(x, np.polynomial.legendre.legder(np.eye(n)[k])) * np.sqrt(k + 0.5)
                      for k in range(n)])
    value = np.stack([np.polynomial.legendre.legval(x, np.eye(n)[k]) * np.sqrt(k + 0.5) for k in range(n)])
    found = eig((slope * (weight * D(x) * (1 - x**2))) @ slope.T, (value * (weight * x)) @ value.T, right=False)
    found = found[np.isfinite(found)].real
    return np.sort(found[found > 1.0])[:count]


@pytest.mark.parametrize("D", [lambda mu: np.ones_like(mu), lambda mu: 0.3 + mu**2], ids=["isotropic", "more along the field"])
def test_eigenvalues(D):
    """Of second order in the cells, on a mesh that is fine along the field; 14.528 is the first of D = 1 (Fisch & Kruskal 1980)."""
    exact = by_legendre(D, 4)
    errors = np.array([np.abs(Hemisphere(n, 0.05).modes(D, 4)[0] / exact - 1) for n in (200, 400, 800)])
    assert np.all(np.log2(errors[:-1] / errors[1:]) > 1.9) and np.all(errors[-1] < 2e-4)


def test_first_eigenvalue_of_isotropic_scattering():
    assert Hemisphere(2000, 0.5).modes(np.ones_like, 1)[0][0] == pytest.approx(14.528, abs=1e-3)


def test_eigenfunctions():
    """1 along the field; carry no flux, ∫ μ ψ = 0; orthogonal with weight μ, to each other and to those of −λ, ψ(−μ)."""
    half = Hemisphere(1500, 0.1)
    values, plus, minus = half.modes(lambda mu: 0.1 + mu**4, 3)
    np.testing.assert_array_equal(plus[:, -1], 1.0)
    np.testing.assert_allclose(plus @ half.mass, minus @ half.mass, rtol=1e-9)
    with_self = (plus * half.mass) @ plus.T - (minus * half.mass) @ minus.T
    scale = np.sqrt(np.outer(np.diag(with_self), np.diag(with_self)))
    assert np.abs(with_self / scale - np.eye(3)).max() < 1e-5
    with_other = (plus * half.mass) @ minus.T - (minus * half.mass) @ plus.T
    assert np.abs(with_other / scale).max() < 1e-5
    assert np.all(np.diff(values) > 0) and np.all(np.diag(with_self) > 0)


@pytest.mark.parametrize("q", [1.0, 1.2])
def test_W_of_a_power_law(q):
    """D = |μ|^(q−1): W = μ^(2−q)/(2−q). The first interval has a singularity in it, the others are exact."""
    half = Hemisphere(400, 0.1)
    W = half.anisotropy(lambda mu: mu ** (q - 1))
    exact = np.append(half.mu, 1.0) ** (2 - q) / (2 - q)
    np.testing.assert_allclose(W[1:] - W[0], exact[1:] - exact[0], rtol=1e-6 if q > 1 else 1e-12)
    assert W[0] == pytest.approx(exact[0], rel=1e-12 if q == 1 else 0.02)


def test_cells():
    """μ from 0 to 1, finest along the field; the masses are ∫ μ dμ."""
    half = Hemisphere(300, 0.01)
    assert np.all(np.diff(half.mu) > 0) and half.theta[-1] < 0.005 * 0.01 * 300 and half.mass.sum() == pytest.approx(0.5, rel=1e-12)
    np.testing.assert_allclose(np.cos(half.theta), half.mu)


def test_modes_that_do_not_settle(monkeypatch):
    monkeypatch.setattr(pitch_spectrum, "_MOST", 1)
    with pytest.raises(RunError, match="did not settle"):
        Hemisphere(100, 0.1).modes(np.ones_like, 2)
