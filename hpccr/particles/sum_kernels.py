"""The sum of plane waves, where ensembles spend their time.

    dB(r) = sum_m amplitude_m cos(k_m·r + phase_m)

Points are the lanes of the vector unit, waves are taken one after the other: no sum is ever reordered, a point's
bits depend on its place and the waves alone. Four waves at a time keep the three components in registers. The cosine
is ours, for the library's is not vectorised everywhere: phases are in half turns, the whole half turns are taken off
by adding and subtracting 1.5·2⁵², their parity is the sign, and an even polynomial of degree 12 does the rest.
"""

import numpy as np

from hpccr.jit import kernel

# Lane counts are multiples of this, so that every point goes through the same vector code and none through a scalar tail.
LANES = 32
# Points that are summed together: six rows of them stay in the first-level cache.
BLOCK = 256

# cos(π y) on |y| ≤ 1/2 as a polynomial in y²: Chebyshev interpolation, error 8e-13 (test_sum_kernels.py fits it anew).
COEFFICIENTS = (0.9999999999992499, -4.934802200250375, 4.058712107562626, -1.3352623156979835,
                0.23532543998656047, -0.02577632859663723, 0.0018400057563988147)
C0, C1, C2, C3, C4, C5, C6 = COEFFICIENTS
# Added to a number below 2⁵¹, it leaves the nearest integer in the last bits.
_ROUND = 6755399441055744.0


def aligned(shape):
    """Zeros on a 64-byte boundary: a vector load that crosses cache lines costs twice."""
    size = int(np.prod(shape))
    room = np.zeros(size + 8)
    first = (-room.ctypes.data // 8) % 8
    return room[first:first + size].reshape(shape)


def lanes(count):
    """The lanes that so many points take."""
    return -(-count // LANES) * LANES


def table(k, amplitude, phase):
    """The waves as the kernels want them.

    Parameters
    ----------
    k, amplitude : array (waves, 3)
    phase : array (waves,)
        [rad]

    Returns
    -------
    array (M, 7)
        k/π, phase/π, amplitude; M is the next multiple of 4, filled with waves of no amplitude.
    """
    waves = len(k)
    rows = aligned((-(-waves // 4) * 4, 7))
    rows[:waves, :3], rows[:waves, 3], rows[:waves, 4:] = np.asarray(k) / np.pi, np.asarray(phase) / np.pi, amplitude
    return rows


@kernel(inline="always", fastmath={"contract"})
def cosine(p):
    """cos(π p): |p| < 2⁵¹, error 8e-13."""
    shifted = p + _ROUND
    y = p - (shifted - _ROUND)
    s = y * y
    c = C0 + s * (C1 + s * (C2 + s * (C3 + s * (C4 + s * (C5 + s * C6)))))
    odd = np.float64(shifted).view(np.int64) << np.int64(63)
    return np.int64(np.float64(c).view(np.int64) ^ odd).view(np.float64)


@kernel(fastmath={"contract"})
def field(waves, x, y, z, bx, by, bz):
    """Sum the waves at n points.

    Parameters
    ----------
    waves : array (M, 7)
        From `table`.
    x, y, z : array (n,)
        n is a multiple of LANES, at most some hundred for speed.
    bx, by, bz : array (n,)
        Overwritten.
    """
    n = x.shape[0]
    for i in range(n):
        bx[i] = 0.0
        by[i] = 0.0
        bz[i] = 0.0
    for m in range(0, waves.shape[0], 4):
        for i in range(n):
            u, v, w, a, b, c = x[i], y[i], z[i], bx[i], by[i], bz[i]
            f = cosine(waves[m, 3] + waves[m, 0] * u + waves[m, 1] * v + waves[m, 2] * w)
            a += waves[m, 4] * f
            b += waves[m, 5] * f
            c += waves[m, 6] * f
            f = cosine(waves[m + 1, 3] + waves[m + 1, 0] * u + waves[m + 1, 1] * v + waves[m + 1, 2] * w)
            a += waves[m + 1, 4] * f
            b += waves[m + 1, 5] * f
            c += waves[m + 1, 6] * f
            f = cosine(waves[m + 2, 3] + waves[m + 2, 0] * u + waves[m + 2, 1] * v + waves[m + 2, 2] * w)
            a += waves[m + 2, 4] * f
            b += waves[m + 2, 5] * f
            c += waves[m + 2, 6] * f
            f = cosine(waves[m + 3, 3] + waves[m + 3, 0] * u + waves[m + 3, 1] * v + waves[m + 3, 2] * w)
            a += waves[m + 3, 4] * f
            b += waves[m + 3, 5] * f
            c += waves[m + 3, 6] * f
            bx[i], by[i], bz[i] = a, b, c
