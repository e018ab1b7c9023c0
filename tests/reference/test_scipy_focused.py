"""The usual code for pitch-angle transport against exact results: moments, Fourier and Legendre modes, drift."""

from dataclasses import replace

import numpy as np
import pytest

from hpccr.bench.scipy_focused import Lines, run


def exact(z, t, epsilon, width):
    """Means of f0 over equal cells, D = 1, σ = 0, Gaussian start: 24 Legendre modes at each wave number. Array like z."""
    order = np.arange(24)
    scattering, beside = np.diag(-order * (order + 1.0)), order[1:] / np.sqrt(4.0 * order[1:] ** 2 - 1)
    mu = np.diag(beside, 1) + np.diag(beside, -1)
    f0, step, h = np.zeros_like(z), 2 * np.pi / 40, z[1] - z[0]
    for k in np.arange(0, 8 / width, step):
        rates, modes = np.linalg.eig(scattering - 1j * epsilon * k * mu)
        kept = modes[0] * np.exp(rates * t) @ np.linalg.inv(modes)[:, 0]
        kept = (1 if k == 0 else 2) * kept.real
        f0 += kept * np.exp(-((k * width) ** 2) / 2) * np.sinc(k * h / 2 / np.pi) * np.cos(k * z)
    return f0 * width * np.sqrt(2 * np.pi) / 40


def order(errors):
    return np.log2(errors[:-1] / errors[1:])


def spread(found):
    """<z²> of cell means."""
    h = found["z"][1] - found["z"][0]
    return found["z"] ** 2 @ found["f0"] / found["f0"].sum() - h * h / 12


@pytest.mark.parametrize("end", [0.3, 3.0, 30.0])
def test_spread_from_ballistic_to_diffusive(end):
    """<z²> = w² + (ε²/3)[t − (1 − e^{−2t})/2]; of second order in Δμ."""
    errors = []
    for lanes in (8, 16):
        lines = Lines(80, lanes, 0.4, length=8.0, width=0.8)
        wanted = 0.4**2 / 3 * (end + np.expm1(-2 * end) / 2)
        errors.append(abs(spread(run(lines, end, 1e-8)) - 0.8**2 - wanted) / wanted)
    assert errors[1] < 6e-3
    assert order(np.array(errors)) == pytest.approx(2, abs=0.15)


def test_isotropic_part():
    """f0(z) where particles still run ahead, ε = 0.5 and t = 4, against the modes; the error is that of Δμ, of second order."""
    errors = []
    for lanes in (16, 32):
        found = run(Lines(160, lanes, 0.5, length=8.0, width=0.8), 4.0, 1e-8)
        errors.append(np.abs(found["f0"] - exact(found["z"], 4.0, 0.5, 0.8)).max())
    assert errors[1] < 3e-4
    assert order(np.array(errors)) == pytest.approx(2, abs=0.15)


@pytest.mark.parametrize("periodic", [True, False])
def test_streaming_is_of_fifth_order(periodic):
    """−εμ ∂_z of cell means of a narrow Gaussian, with scattering switched off."""
    errors = []
    for cells in (80, 160, 320):
        lines = Lines(cells, 2, 1.0, length=4.0, width=0.5, D=0.0, periodic=periodic)
        value = np.exp(-lines.z_faces**2 / 0.5)
        wanted = -np.diff(value)[:, None] / (8 / cells) * lines.mu
        found = (lines.matrix() @ lines.start().ravel()).reshape(wanted.shape)
        errors.append(np.abs(found - wanted).max())
    assert np.all(np.abs(order(np.array(errors)) - 5) < 0.25)


def test_what_stays():
    """f = const under focusing, to rounding; and the number in a periodic box and through the whole run."""
    L = Lines(24, 12, 0.7, sigma=0.8, periodic=True).matrix()
    assert abs(L @ np.ones(24 * 12)).max() < 1e-12 * abs(L).max()
    lines = Lines(60, 10, 0.7, length=3.0, periodic=True)
    assert abs(lines.matrix().sum(axis=0)).max() < 1e-12 * abs(lines.matrix()).max()
    assert run(lines, 20.0, 1e-5)["f"].sum() == pytest.approx(lines.start().sum(), rel=1e-10)


def test_periodic_box_is_shift_invariant():
    L = Lines(12, 3, 0.7, sigma=0.3, periodic=True).matrix().toarray().reshape(12, 3, 12, 3)
    assert np.allclose(np.roll(L, (1, 1), axis=(0, 2)), L, atol=1e-13)


def test_open_ends_let_out_and_nothing_in():
    """Without scattering all has left after 2 length/(ε |μ|), but for what the ends reflect."""
    lines = Lines(200, 4, 1.0, length=2.0, width=0.2, D=0.0)
    left = run(lines, 8.0, 1e-6)["f"]
    gone = np.abs(lines.mu) > 0.5
    assert np.abs(left[:, gone]).max() < 1e-5


def test_drift_with_focusing():
    """Late speed of the mean of A f, A = e^{σz}: ε L(εσ/2) with Langevin's L(x) = coth x − 1/x for D = 1."""
    lines = Lines(160, 16, 0.5, length=12.0, width=0.8, sigma=0.6)
    means = []
    for end in (8.0, 16.0):
        number = np.exp(lines.sigma * lines.z) * run(lines, end, 1e-8)["f0"]
        means.append(lines.z @ number / number.sum())
    x = lines.epsilon * lines.sigma / 2
    assert (means[1] - means[0]) / 8 == pytest.approx(lines.epsilon * (1 / np.tanh(x) - 1 / x), rel=5e-3)


def test_with_the_jacobian_and_without():
    """The same answer; the sparsity alone costs more evaluations, not fewer."""
    lines = Lines(40, 12, 0.3, length=4.0)
    given, found = (run(lines, 40.0, 1e-5, given_jacobian=known) for known in (True, False))
    assert np.allclose(given["f"], found["f"], atol=2e-5) and given["nfev"] <= found["nfev"]
    assert given["seconds"] > 0 and given["nlu"] > 1


def test_singular_scattering():
    """D = |μ|^{1/2} as Δμ over ∫ dμ/D from centre to centre: κ = 1.6, and the late growth of <z²> is ε²κ/2 per unit of t."""
    lines = Lines(80, 32, 0.2, length=6.0, width=0.8)
    D = np.full(33, np.nan)         # that at |μ| = 1 plays no part
    D[1:-1] = np.diff(lines.mu) / np.diff(2 * np.sign(lines.mu) * np.sqrt(np.abs(lines.mu)))
    early, late = (spread(run(replace(lines, D=D), end, 1e-7)) for end in (20.0, 60.0))
    assert (late - early) / 40 == pytest.approx(0.2**2 * 1.6 / 2, rel=5e-3)
