"""Diffusion, hyperdiffusion and telegraph equation against the kinetic equation and against what is known of them."""

import numpy as np
import pytest

from hpccr.errors import InputError
from hpccr.physics import kinetic_modes
from hpccr.physics.focusing import Focusing
from hpccr.physics.pitch_angle import coefficients, isotropic, power, table
from hpccr.physics.reduced import MODELS, Reduced

ISOTROPIC = coefficients(isotropic())
ODD = table([-1.0, 1.0], [0.5, 1.5])
PERIODIC, WALLS = ("periodic", "periodic"), ("wall", "wall")


def matrices(law, n):
    """(S, M, F) in the n orthonormal polynomials of s, in which the solutions are smooth even where D vanishes at μ = 0."""
    s, weight = law.rule()
    value = np.polynomial.legendre.legvander(s, n - 1)
    slope = np.stack([np.polynomial.legendre.legval(s, np.polynomial.legendre.legder(row)) for row in np.eye(n)[1:]], axis=1)
    slope = np.column_stack([0 * s, slope])
    mu, dmu = law.mu(s), weight * law.slope(s)
    change = np.linalg.inv(np.linalg.cholesky(value.T * dmu @ value)).T
    value, slope = value @ change, slope @ change
    return (-(slope.T * (weight * (1 - mu**2) / law.density(s))) @ slope, value.T * (dmu * mu) @ value,
            -(slope.T * (weight * (1 - mu**2) / 2)) @ value)


def averages(f, faces):
    """Means over the cells of f(z), by Gauss."""
    x, w = np.polynomial.legendre.leggauss(10)
    h = np.diff(faces)[:, None]
    return f(faces[:-1, None] + h * (1 + x) / 2) @ w / 2


def gaussian(z):
    return np.exp(-(z**2) / 2)


def grid(end, n, start=None):
    faces = np.linspace(-end if start is None else start, end, n + 1)
    return faces, (faces[1:] + faces[:-1]) / 2


def slopes(errors, epsilons):
    return np.diff(np.log(errors)) / np.diff(np.log(epsilons))


@pytest.mark.parametrize("q, loose", [(1.0, 0.06), (5 / 3, 0.3)])
def test_orders_in_epsilon(q, loose):
    """Malkov 2015, III: a unit Gaussian at T = 1; ε² for diffusion, ε⁴ for the others. At ε = 0.4, K ε²/κ is 0.2 for q = 5/3."""
    law, epsilons = power(q), np.array([0.05, 0.1, 0.2, 0.4])
    faces, z = grid(16.0, 256)
    c, SM = coefficients(law), matrices(law, 28)
    errors = {model: [] for model in MODELS}
    for epsilon in epsilons:
        exact = kinetic_modes.isotropic_part(z, 4 / epsilon**2, 1.0, SM, epsilon)
        for model in MODELS:
            f = Reduced(model, faces, epsilon, c, ends=PERIODIC).start(gaussian(z)).at(4 / epsilon**2)
            errors[model].append(np.linalg.norm(f - exact) / np.linalg.norm(exact))
    for model, order in zip(MODELS, (2, 4, 4), strict=True):
        found = slopes(errors[model], epsilons)
        assert np.abs(found[:2] - order).max() < 0.05 and np.abs(found - order).max() < loose, (model, found, errors[model])


def test_without_the_layer_all_errors_are_of_order_2():
    faces, z = grid(16.0, 256)
    SM, epsilons = matrices(isotropic(), 24), np.array([0.05, 0.1, 0.2])
    for model in MODELS:
        errors = [np.abs(Reduced(model, faces, e, ISOTROPIC, ends=PERIODIC).start(gaussian(z), layer=False).at(4 / e**2)
                         - kinetic_modes.isotropic_part(z, 4 / e**2, 1.0, SM, e)).max() for e in epsilons]
        np.testing.assert_allclose(slopes(errors, epsilons), 2, atol=0.05)


@pytest.mark.parametrize("law, sigma, order, least",
                         [(isotropic(), 0.5, 4, 0.1), (isotropic(), -1.0, 4, 0.1), (ODD, 0.7, 3, 0.025)])
def test_uniform_focusing(law, sigma, order, least):
    """Eq 9 with σ: ε⁴ remains; the number ∫A f dz is kept, and its mean moves as the kinetic one does.

    With an uneven D, ε³ remains, and at larger ε a part of ε⁴ takes from it.
    """
    faces, z = grid(15.0, 256)
    A, h, SMF = np.exp(sigma * z), z[1] - z[0], matrices(law, 24)
    epsilons, errors, drifts = least * np.array([1.0, 2.0, 4.0]), [], []
    for epsilon in epsilons:
        exact = kinetic_modes.isotropic_part(z, 4 / epsilon**2, 1.0, SMF, epsilon, sigma)
        f = Reduced("hyperdiffusion", faces, epsilon, coefficients(law), sigma).start(gaussian(z)).at(4 / epsilon**2)
        assert A @ f == pytest.approx(np.sqrt(2 * np.pi) / h * np.exp(sigma**2 / 2), rel=1e-9)
        errors.append(np.abs(f - exact).max())
        drifts.append(abs((A * z) @ f / (A @ f) - (A * z) @ exact / (A @ exact)))
    np.testing.assert_allclose(slopes(errors, epsilons), order, atol=0.15)
    np.testing.assert_allclose(slopes(drifts, epsilons), order, atol=0.15)


def dense_kinetics(law, focus, z, f0, t, epsilon, n):
    """f₀ of the kinetic equation on a period, σ(z) as it may be: Fourier's differences in z, n functions of μ."""
    from scipy.linalg import expm

    S, M, F = matrices(law, n)
    k = 2 * np.pi * np.fft.fftfreq(len(z), z[1] - z[0])
    k[len(z) // 2] = 0
    one = np.eye(len(z))
    d_z = np.fft.ifft(1j * k[:, None] * np.fft.fft(one, axis=0), axis=0).real
    generator = np.kron(one, S) - epsilon * (np.kron(d_z, M) - np.kron(np.diag(focus.sigma(z)), F.T))
    start = np.zeros((len(z), n))
    start[:, 0] = f0
    return (expm(t * generator) @ start.ravel()).reshape(len(z), n)[:, 0]


@pytest.mark.parametrize("law, orders", [(isotropic(), (2, 4)), (ODD, (1, 3))], ids=["even", "odd"])
def test_focusing_that_varies(law, orders):
    """Every term of eq 9 for σ(z): also those of σ′, and d″ beside ⟨μW²⟩, for an uneven D."""
    faces, z = grid(2 * np.pi, 40)
    focus = Focusing(lambda z: 0.6 * np.cos(z / 2), lambda z: 1.2 * np.sin(z / 2))
    A, epsilons = np.exp(1.2 * np.sin(z / 2)), np.array([0.1, 0.2, 0.4])

    def mean(g):
        """Over the cells, from values at their centres."""
        return np.fft.irfft(np.fft.rfft(g) * np.sinc(np.fft.rfftfreq(len(g))), len(g))

    f0 = np.exp(np.cos(z / 2 + 0.5))
    for model, order in zip(MODELS, orders, strict=False):
        errors = []
        for epsilon in epsilons:
            exact = mean(A * dense_kinetics(law, focus, z, f0, 4 / epsilon**2, epsilon, 9)) / mean(A)
            reduced = Reduced(model, faces, epsilon, coefficients(law), focus, ends=PERIODIC)
            f = reduced.start(mean(A * f0) / mean(A)).at(4 / epsilon**2)
            errors.append(np.abs(f - exact).max())
        np.testing.assert_allclose(slopes(errors, epsilons), order, atol=0.1)


@pytest.mark.parametrize("model, law", [*((model, isotropic()) for model in MODELS), ("hyperdiffusion", ODD)])
@pytest.mark.parametrize("ends", [PERIODIC, WALLS], ids=["periodic", "walls"])
def test_splines_agree_with_fourier_and_converge(model, law, ends):
    """From cell averages of a Gaussian; faster than the 6th power of the cells, to rounding; with ⟨μW²⟩ as well."""
    errors = []
    for n in (40, 80, 160):
        faces, _ = grid(14.0, n)
        reduced = Reduced(model, faces, 0.2, coefficients(law), ends=ends).start(averages(gaussian, faces))
        errors.append(np.abs(reduced._splines(1.0) - reduced._fourier(1.0)).max())
    assert errors[1] < errors[0] / 2**6 and errors[2] < 1e-11, errors


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("ends", [PERIODIC, WALLS], ids=["periodic", "walls"])
def test_number_is_kept(model, ends):
    """To 1e-13, uneven cells, σ of both signs, a start that touches the ends and has an edge."""
    s = np.linspace(-1, 1, 129)
    faces = 3 * s + 0.4 * np.sin(np.pi * s)
    sigma = 0.8 * np.cos(np.pi * faces / 3)
    sigma -= np.sum((sigma[1:] + sigma[:-1]) / 2 * np.diff(faces)) / 6
    reduced = Reduced(model, faces, 0.3, ISOTROPIC, sigma, ends)
    volume, f0 = reduced.area * np.diff(faces), 1.0 + (np.abs(faces[1:]) < 1)
    for t in (0.0, 1.0, 30.0, 3e5):
        f = reduced.start(f0).at(t)
        assert volume @ f == pytest.approx(volume @ f0, rel=1e-13)
    np.testing.assert_allclose(f, volume @ f0 / volume.sum(), rtol=1e-9)


@pytest.mark.parametrize("model", MODELS)
def test_source_and_escape(model):
    """Steady between an inflow g at one end and free escape at the other: straight, and short of both by Marshak's length."""
    faces = 4 * np.sin(np.linspace(0, np.pi / 2, 41))
    z, length = (faces[1:] + faces[:-1]) / 2, 0.3 * ISOTROPIC.kappa / 2
    for ends, inflow, at in ((("source", "open"), (2.0, 9.0), z), (("open", "source"), (9.0, 2.0), 4 - z)):
        f = Reduced(model, faces, 0.3, ISOTROPIC, ends=ends, inflow=inflow).start(0 * z).at(1e6)
        np.testing.assert_allclose(f, 2 * (4 + length - at) / (4 + 2 * length), rtol=1e-10)


def test_escape_is_that_of_marshak():
    """The slowest mode between open ends falls as e^{−κk²T}, k tan k = 1/ℓ for |z| < 1."""
    from scipy.optimize import brentq

    faces, _ = grid(1.0, 40)
    epsilon, length = 0.2, 0.2 * ISOTROPIC.kappa / 2
    k = brentq(lambda k: k * np.sin(k) - np.cos(k) / length, 0.1, np.pi / 2)
    reduced = Reduced("diffusion", faces, epsilon, ISOTROPIC).start(averages(lambda z: np.cos(k * z), faces), layer=False)
    exact = np.exp(-ISOTROPIC.kappa * k**2 * 1.5) * averages(lambda z: np.cos(k * z), faces)
    np.testing.assert_allclose(reduced.at(150.0), exact, atol=1e-8)


def test_where_K_is_negative():
    """Long flights behind a barrier near the field make K < 0: hyperdiffusion damps all waves, with the right fourth cumulant."""
    law = table([-1, -0.92, -0.915, -0.9, -0.895, 0.895, 0.9, 0.915, 0.92, 1], [3, 3, 1e-3, 1e-3, 3, 3, 1e-3, 1e-3, 3, 3])
    c, epsilon = coefficients(law), 0.05
    assert c.K < -10
    faces, z = grid(60.0, 512)
    reduced = Reduced("hyperdiffusion", faces, epsilon, c, ends=PERIODIC)
    f = reduced.start(averages(gaussian, faces), layer=False).at(4 / epsilon**2)
    f, cell = f / f.sum(), z[1] - z[0]
    square, fourth = f @ (z * z) - cell**2 / 12, f @ (z * z * z * z)
    fourth -= square * cell**2 / 2 + cell**4 / 80
    assert square == pytest.approx(1 + 2 * c.kappa, rel=1e-8)
    assert fourth - 3 * square**2 == pytest.approx(-24 * epsilon**2 * c.K, rel=1e-5)
    noise = np.where(np.arange(512) % 2, 1.0, -1.0)
    assert np.abs(reduced.start(noise, layer=False).at(4 / epsilon**2)).max() < 1
    with pytest.raises(InputError, match="telegraph"):
        Reduced("telegraph", faces, epsilon, c)


def test_telegraph_has_fronts():
    """Nothing is more than √(κ/τ) T beyond the start, where diffusion has some."""
    faces, z = grid(8.0, 1024)
    epsilon, T = 0.4, 0.3
    bump = np.where(np.abs(z) < 1, np.exp(-1 / np.maximum(1 - z**2, 1e-9)), 0.0)
    speed = np.sqrt(ISOTROPIC.kappa / (epsilon**2 * ISOTROPIC.tau))
    beyond = np.abs(z) > 1.05 + speed * T
    ahead = {}
    for model in ("diffusion", "telegraph"):
        reduced = Reduced(model, faces, epsilon, ISOTROPIC, ends=PERIODIC).start(bump, layer=False)
        ahead[model] = np.abs(reduced.at(4 * T / epsilon**2)[beyond]).max()
    assert ahead["telegraph"] < 1e-8 < 1e-6 < ahead["diffusion"], ahead


# With the second ε the wave k = 2 is critical: both rates are −1/2τ.
@pytest.mark.parametrize("epsilon", [0.9, np.sqrt(ISOTROPIC.kappa / (16 * ISOTROPIC.K))])
@pytest.mark.parametrize("t", [1e-9, 1e-3, 1.0, 1e3, 1e9])
def test_telegraph_at_all_times(t, epsilon):
    """Against the equation's own exponential, for waves below and above the one that is critical, and for it."""
    from scipy.linalg import expm

    faces, z = grid(np.pi, 32)
    T = epsilon**2 * t / 4
    tau = epsilon**2 * ISOTROPIC.tau
    for k in (0, 1, 2, 3, 8):
        q = -ISOTROPIC.kappa * k**2
        exact = (expm(T * np.array([[0, 1], [q / tau, -1 / tau]])) @ [1, q])[0]
        f = Reduced("telegraph", faces, epsilon, ISOTROPIC, ends=PERIODIC).start(np.cos(k * z), layer=False).at(t)
        np.testing.assert_allclose(f, exact * np.cos(k * z), atol=1e-11)


def test_no_memory_between_calls():
    faces, z = grid(6.0, 64)
    reduced = Reduced("hyperdiffusion", faces, 0.3, ISOTROPIC).start(gaussian(z))
    first = reduced.at(50.0)
    reduced.at(7.0)
    np.testing.assert_array_equal(reduced.at(50.0), first)


@pytest.mark.parametrize("change, words", [
    (dict(model="wave"), "no such reduced model"), (dict(ends=("open", "shut")), "no such end"),
    (dict(ends=("periodic", "open")), "one end is periodic"), (dict(ends=PERIODIC, sigma=0.3), "area differs"),
    (dict(faces=np.linspace(0, 1, 5)), "8 cells"), (dict(epsilon=0.0), "positive"), (dict(sigma=np.nan), "not finite")])
def test_refusals(change, words):
    given = dict(model="diffusion", faces=np.linspace(0, 1, 20), epsilon=0.1, coefficients=ISOTROPIC) | change
    with pytest.raises(InputError, match=words):
        Reduced(**given)
    with pytest.raises(InputError, match="each cell"):
        Reduced("diffusion", np.linspace(0, 1, 20), 0.1, ISOTROPIC).start(np.ones(18))
