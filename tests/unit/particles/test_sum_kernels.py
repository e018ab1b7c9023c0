"""The wave sum against numpy's cosine, and that a point's bits depend on nothing but itself."""

import numpy as np
import pytest

from hpccr.particles import sum_kernels
from hpccr.particles.sum_kernels import aligned, cosine, field, lanes, table


def waves(modes, seed=1):
    random = np.random.default_rng(seed)
    k, amplitude = random.standard_normal((modes, 3)), random.standard_normal((modes, 3))
    return k, amplitude / np.sqrt(0.5 * (amplitude**2).sum()), random.uniform(0, 2 * np.pi, modes)


def summed(k, amplitude, phase, r):
    n = lanes(len(r))
    rows = aligned((6, n))
    rows[:3, :len(r)] = r.T
    field(table(k, amplitude, phase), *rows)
    return rows[3:, :len(r)].T


def test_the_polynomial_is_the_interpolation_that_it_says():
    """Multiplied out, the adapted form has the coefficients of the fit."""
    s = 0.125 * (1 - np.cos(np.pi * (np.arange(60) + 0.5) / 60))
    fit = np.polynomial.Chebyshev.fit(s, np.cos(np.pi * np.sqrt(s)), 6, domain=[0, 0.25]).convert(kind=np.polynomial.Polynomial)
    x, A = np.polynomial.Polynomial([0.0, 1.0]), [getattr(sum_kernels, f"A{n}") for n in range(6)]
    z = (x + A[0]) * x + A[1]
    w = (x + A[2]) * z + A[3]
    assert np.allclose((((w + z + A[4]) * w + A[5]) * sum_kernels.LEAD).coef, fit.coef, rtol=1e-6)


def test_cosine_of_half_turns():
    p = np.concatenate([np.linspace(-3, 3, 2001), np.random.default_rng(2).uniform(-1e6, 1e6, 2000)])
    ours = sum_kernels.LEAD * np.array([cosine(x) for x in p])
    # Exact reduction by whole turns, so that the reference has no error of its own at large phases.
    assert np.abs(ours - np.cos(np.pi * np.remainder(p, 2.0))).max() < 1.5e-12


@pytest.mark.parametrize("modes", [1, 2, 3, 4, 5, 64, 255, 1024, 10_000])
def test_field_error_below_1e_11_of_dB(modes):
    k, amplitude, phase = waves(modes)
    r = np.random.default_rng(3).uniform(-10, 10, (50, 3))
    exact = np.cos((r.astype(np.longdouble) @ k.T.astype(np.longdouble)) + phase) @ amplitude
    # Rounding of phases of up to 60 rad adds 1e-14 a wave.
    assert np.abs(summed(k, amplitude, phase, r) - exact).max() < 1e-11


def test_a_point_does_not_know_its_neighbours():
    """The same bits alone, in a crowd, and in another lane."""
    k, amplitude, phase = waves(101)
    r = np.random.default_rng(4).uniform(-100, 100, (300, 3))
    together = summed(k, amplitude, phase, r)
    for place in (0, 7, 31, 32, 200, 299):
        assert np.array_equal(summed(k, amplitude, phase, r[place:place + 1])[0], together[place])
    assert np.array_equal(summed(k, amplitude, phase, r[::-1]), together[::-1])


def test_memory_is_aligned():
    for n in (1, 7, 32, 1000):
        assert aligned((3, n)).ctypes.data % 64 == 0
    assert [lanes(n) for n in (1, 32, 33, 256)] == [32, 32, 64, 256]
