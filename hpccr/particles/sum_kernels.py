"""The sum of plane waves, where ensembles spend their time.

    dB(r) = sum_m amplitude_m cos(k_m·r + phase_m)

Points are the lanes of the vector unit, waves are taken one after the other: no sum is ever reordered, a point's
bits depend on its place and the waves alone. Two waves at a time, so that all that belongs to them stays in registers. The cosine
is ours, for the library's is not vectorised everywhere: phases are in half turns, the whole half turns are taken off
by adding and subtracting 1.5·2⁵², their parity is the sign, and an even polynomial of degree 12 does the rest.
"""

import numpy as np

from hpccr.jit import kernel

# Lane counts are multiples of this, so that every point goes through the same vector code and none through a scalar tail.
LANES = 32
# Points that are summed together: six rows of them stay in the first-level cache.
BLOCK = 256
# Wave evaluations between two looks at the clock: about 0.05 s.
SLICE = 8e7
# Columns left free at the end of rows of points: rows of a power of two would lie at the same place of the cache.
PAD = 8

# cos(π y) on |y| ≤ 1/2 as a polynomial of sixth degree in s = y²: Chebyshev interpolation, error 8e-13. In the form
#     z = (s + A0) s + A1,   w = (s + A2) z + A3,   ((w + z + A4) w + A5) LEAD
# (Knuth 1997, TAOCP 2, 4.6.4: adapted coefficients) it takes three multiply-adds where Horner takes six, and four additions, for
# which many processors have units of their own; LEAD goes into the amplitudes. test_sum_kernels.py fits and adapts it anew.
A0 = -7.428726520317539
A1 = 42.693106906395094
A2 = -0.07568868517769367
A3 = -657.4845744376993
A4 = 1103.264040163585
A5 = 321150.07338332344
LEAD = 0.0018400057563988147
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


def padded(waves):
    """The waves that so many take: they are summed in pairs."""
    return -(-waves // 2) * 2


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
        k/π, phase/π, amplitude × LEAD; M is the next even number, filled with a wave of no amplitude.
    """
    waves = len(k)
    rows = aligned((padded(waves), 7))
    rows[:waves, :3], rows[:waves, 3] = np.asarray(k) / np.pi, np.asarray(phase) / np.pi
    rows[:waves, 4:] = LEAD * np.asarray(amplitude)
    return rows


@kernel(inline="always", fastmath={"contract"})
def cosine(p):
    """cos(π p)/LEAD: |p| < 2⁵¹, error 1e-12/LEAD."""
    shifted = p + _ROUND
    y = p - (shifted - _ROUND)
    s = y * y
    z = (s + A0) * s + A1
    w = (s + A2) * z + A3
    c = (w + z + A4) * w + A5
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
    for m in range(0, waves.shape[0], 2):
        k0, k1, k2, k3, a0, a1, a2 = (waves[m, 0], waves[m, 1], waves[m, 2], waves[m, 3],
                                      waves[m, 4], waves[m, 5], waves[m, 6])
        l0, l1, l2, l3, b0, b1, b2 = (waves[m + 1, 0], waves[m + 1, 1], waves[m + 1, 2], waves[m + 1, 3],
                                      waves[m + 1, 4], waves[m + 1, 5], waves[m + 1, 6])
        for i in range(n):
            u, v, w = x[i], y[i], z[i]
            f = cosine(k3 + k0 * u + k1 * v + k2 * w)
            g = cosine(l3 + l0 * u + l1 * v + l2 * w)
            bx[i] = bx[i] + a0 * f + b0 * g
            by[i] = by[i] + a1 * f + b1 * g
            bz[i] = bz[i] + a2 * f + b2 * g
