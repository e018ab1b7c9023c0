"""Dispersion relation, moments and drift: closed forms for isotropic scattering, coefficients by quadrature, matrix exponentials."""

import numpy as np
import pytest
from scipy.linalg import expm

from hpccr.physics import pitch_angle, pitch_modes

POINTS = np.linspace(-1, 1, 9)
ISOTROPIC, UNEVEN = pitch_angle.isotropic(), pitch_angle.table([-1, 1], [0.5, 1.5])
LAWS = {
    "isotropic": ISOTROPIC, "4/3": pitch_angle.power(4 / 3), "5/3": pitch_angle.power(5 / 3), "1.8": pitch_angle.power(1.8),
    "filled": pitch_angle.filled(5 / 3, 0.01), "uneven": UNEVEN, "table": pitch_angle.table(POINTS, 1 + 0.5 * POINTS + 0.2 * POINTS**2),
    "rough": pitch_angle.table(np.linspace(-1, 1, 201), np.exp(0.3 * np.random.default_rng(1).normal(size=201))),
    "steep": pitch_angle.table([-0.3, 0.4], [0.3, 1.5]),
}
each_law = pytest.mark.parametrize("law", LAWS.values(), ids=LAWS.keys())


def second(t):
    """⟨z²⟩ for D = 1, ε = 1."""
    return (t - (1 - np.exp(-2 * t)) / 2) / 3


def fourth(t):
    """⟨z⁴⟩ for D = 1, ε = 1, from the transform 24 [1/(9p³(p+2)²) + 4/(45 p²(p+2)²(p+6))]."""
    two, six = np.exp(-2 * t), np.exp(-6 * t)
    return 24 * ((t**2 / 8 - t / 4 + 3 / 16 - two * (t / 8 + 3 / 16)) / 9 + 4 / 45 * (t / 24 - 7 / 144 + two * (t / 16 + 3 / 64) + six / 576))


def exponential(law, epsilon, times, sigma, begin, n=24):
    """The hierarchy of moments by the exponential of its block matrix, in Legendre functions; begin (n,)."""
    S, M = pitch_modes.matrices(law, n)
    blocks = np.kron(np.eye(5), S - epsilon * sigma * pitch_modes.focusing(n)) + epsilon * np.kron(np.diag(np.arange(1.0, 5), -1), M)
    start = np.concatenate([begin, np.zeros(4 * n)])
    return np.array([(expm(blocks * t) @ start)[::n] for t in times])


def test_matrices_are_those_of_legendre():
    """D = 1: −l(l+1); D = 1 + aμ couples neighbours; S keeps the number and damps all else; F is the derivative it stands for."""
    l = np.arange(12)
    S, M = pitch_modes.matrices(ISOTROPIC, 12)
    np.testing.assert_allclose(S, -np.diag(l * (l + 1.0)), atol=1e-12)
    x, w = np.polynomial.legendre.leggauss(20)
    basis = np.polynomial.legendre.legvander(x, 11) * np.sqrt(2 * l + 1)
    np.testing.assert_allclose(M, (basis.T * (0.5 * w * x)) @ basis, atol=1e-13)
    slopes = np.stack([np.polynomial.legendre.legval(x, np.polynomial.legendre.legder(row)) for row in np.diag(np.sqrt(2 * l + 1))], axis=1)
    np.testing.assert_allclose(pitch_modes.focusing(12), -(slopes.T * (0.25 * w * (1 - x**2))) @ basis, atol=1e-12)
    S, _ = pitch_modes.matrices(UNEVEN, 12)
    np.testing.assert_allclose(S, -(slopes.T * (0.5 * w * (1 + 0.5 * x) * (1 - x**2))) @ slopes, atol=1e-11)
    assert (S[0] == 0).all() and (np.linalg.eigvalsh(S)[:-1] < -1).all()


def test_isotropic_dispersion():
    """λ(0.1) = −1.667685e-3 to 1e-8; the whole curve as Legendre's matrices have it, past the k where two modes meet."""
    assert pitch_modes.dispersion(ISOTROPIC, 1.0, 0.1) == pytest.approx(-1.667685e-3, abs=1e-8)
    k = np.array([0.0, 0.5, 2.0, 7.0, 30.0])
    S, M = pitch_modes.matrices(ISOTROPIC, 64)
    found = pitch_modes.dispersion(ISOTROPIC, 0.8, k)
    for wave, value in zip(k, found):
        eigenvalues = np.linalg.eigvals(S - 0.8j * wave * M)
        assert np.abs(eigenvalues - value).min() < 1e-11
        assert value.real >= eigenvalues.real.max() - 1e-11 and value.imag > -1e-11
    assert found[0] == pytest.approx(0, abs=1e-15) and np.abs(found.imag).max() > 1


@each_law
def test_long_waves_have_the_coefficients(law):
    """−4λ/(ε²k²) → κ + iεk skew + ε²k²(−K) …: κ, K and the skew of eqs 9-11, corrected, by extrapolation to k = 0."""
    c = pitch_angle.coefficients(law)
    epsilon = 0.3
    k = np.array([0.04, 0.02, 0.01, 0.005]) / epsilon / np.sqrt(abs(c.tau))
    slow = -4 * pitch_modes.dispersion(law, epsilon, k) / (epsilon * k) ** 2
    real, odd = (np.polyfit((epsilon * k) ** 2, y, 3) for y in (slow.real, slow.imag / (epsilon * k)))
    assert real[-1] == pytest.approx(c.kappa, rel=1e-9)
    assert real[-2] == pytest.approx(c.K, rel=1e-6)
    assert odd[-1] == pytest.approx(-c.skew, abs=1e-8)


def test_focusing_in_the_dispersion():
    """Eq. 9 with uniform σ, up to ε³ for uneven D and ε⁴ for even; the ε³ term is (∂ + σ)(∂ + σ/2)∂, not (∂ + σ)²∂ as printed."""
    k, sigma = 0.7, 0.9
    d, one, half = 1j * k, 1j * k + sigma, 1j * k + sigma / 2
    for law, order, slack in ((ISOTROPIC, 4, 0.02), (LAWS["5/3"], 4, 0.1), (UNEVEN, 3, 0.05)):
        c = pitch_angle.coefficients(law)
        misses, printed = [], []
        for epsilon in (0.1, 0.05):
            found = 4 / epsilon**2 * pitch_modes.dispersion(law, epsilon, k, sigma)
            rest = found - one * d * (c.kappa - epsilon**2 * (c.K * d * one + c.mirror * sigma**2 / 8))
            misses.append(abs(rest + epsilon * c.skew * one * half * d))
            printed.append(abs(rest + epsilon * c.skew * one**2 * d))
        assert np.log2(misses[0] / misses[1]) == pytest.approx(order, abs=slack)
    assert np.log2(printed[0] / printed[1]) == pytest.approx(1, abs=0.05)


@each_law
def test_an_isotropic_start_slips_onto_the_slow_mode(law):
    """Its share of the slow mode is 1 + ε²k² slip, up to ε⁴ for even D, ε³ else."""
    modes, slip = pitch_modes.Modes(law), pitch_angle.coefficients(law).slip
    misses = []
    for wave in np.array([0.04, 0.02]) / np.sqrt(slip):
        values, vectors = np.linalg.eig((-np.diag(modes.rate) - 1j * wave * modes.mu)[:40, :40])
        slow = vectors[:, np.argmax(values.real)]
        misses.append(abs(slow[0] ** 2 / (slow @ slow) - 1 - wave**2 * slip))
    assert np.log2(misses[0] / misses[1]) > (3.9 if law.even else 2.9)


def test_modes_of_isotropic_scattering_are_legendre():
    """Rates l(l + 1) and the same M up to signs; the first function is 1."""
    modes = pitch_modes.Modes(ISOTROPIC)
    l = np.arange(12)
    np.testing.assert_allclose(modes.rate[:12], l * (l + 1), atol=1e-10)
    np.testing.assert_allclose(np.abs(modes.mu[:12, :12]), pitch_modes.matrices(ISOTROPIC, 12)[1], atol=1e-10)
    np.testing.assert_allclose(modes.at[:, 0], 1, rtol=1e-12)


def test_moments_of_isotropic_scattering():
    """From ballistic to diffusive: ⟨z²⟩ and ⟨z⁴⟩ exact, odd ones 0."""
    t = np.array([0.0, 0.1, 1.0, 3.0, 30.0, 1e4])
    found = pitch_modes.moments(ISOTROPIC, 0.7, t)
    np.testing.assert_allclose(found[1:, 2], 0.49 * second(t[1:]), rtol=1e-11)
    np.testing.assert_allclose(found[1:, 4], 0.7**4 * fourth(t[1:]), rtol=1e-9)
    assert np.abs(found[:, (1, 3)]).max() < 1e-8 and (found[:, 0] == 1).all() and (found[0, 1:] == 0).all()


@pytest.mark.parametrize("sigma", [0.0, 0.8])
@pytest.mark.parametrize("law", [ISOTROPIC, UNEVEN], ids=["isotropic", "uneven"])
def test_moments_are_those_of_the_hierarchy(law, sigma):
    """All four, for an isotropic start and a beam, with and without focusing, beside a matrix exponential in other functions."""
    times = np.array([0.05, 0.5, 2.0, 10.0])
    x, w = np.polynomial.legendre.leggauss(60)
    beam = (np.polynomial.legendre.legvander(x, 23) * np.sqrt(2 * np.arange(24) + 1)).T @ (w * np.exp(2 * x)) / (w @ np.exp(2 * x))
    for start, begin in ((None, np.eye(24)[0]), (lambda mu: np.exp(2 * mu), beam)):
        found, wanted = pitch_modes.moments(law, 0.7, times, start, sigma), exponential(law, 0.7, times, sigma, begin)
        np.testing.assert_allclose(found, wanted, rtol=1e-9, atol=1e-13)


@each_law
def test_moments_begin_free_and_end_diffusive(law):
    """⟨z²⟩ → ε²t²/3 and ⟨z⁴⟩ → ε⁴t⁴/5 early; d⟨z²⟩/dt → ε²κ/2 late."""
    early = pitch_modes.moments(law, 0.5, [1e-6])[0]
    # The first scatterings take away 1/3 of ⟨D(1 − μ²)⟩ t, and more.
    assert (early[2], early[4]) == pytest.approx(((0.5e-6) ** 2 / 3, (0.5e-6) ** 4 / 5), rel=1e-4)
    late = pitch_modes.moments(law, 0.5, [1000.0, 2000.0])
    assert (late[1, 2] - late[0, 2]) / 1000 == pytest.approx(0.125 * pitch_angle.coefficients(law).kappa, rel=1e-9)


def test_drift_with_focusing():
    """D = 1: ε(coth a − 1/a), a = εσ/2, for either sign; weak focusing: (ε²/4) κσ; the moments tend to it."""
    for sigma in (3.0, -0.5):
        a = 0.7 * sigma / 2
        assert pitch_modes.drift(ISOTROPIC, 0.7, sigma) == pytest.approx(0.7 * (1 / np.tanh(a) - 1 / a), rel=1e-11)
    for law in LAWS.values():
        kappa = pitch_angle.coefficients(law).kappa
        assert pitch_modes.drift(law, 0.1, 1e-4) == pytest.approx(0.0025 * kappa * 1e-4, rel=1e-3)
        mean = pitch_modes.moments(law, 0.5, [200.0, 300.0], sigma=0.9)[:, 1]
        assert (mean[1] - mean[0]) / 100 == pytest.approx(pitch_modes.drift(law, 0.5, 0.9), rel=1e-9)
