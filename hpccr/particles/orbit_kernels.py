"""Orbits in a magnetic field that does not change: dv/dt = v × b, by the Boris (1970) scheme.

Units: speed 1, time 1/Ω, length r_g = v/Ω, field B_ref. The state of n particles is an array (9, n + PAD) with rows x, y,
z, v_x, v_y, v_z, b_x, b_y, b_z, of which the last three are scratch.
"""

from hpccr.jit import kernel
from hpccr.particles.sum_kernels import BLOCK, PAD, field

# Columns of a row of the tally: displacement (3), xx yy zz xy xz yz (6), x⁴ y⁴ z⁴ (3), v_i(0) v_j (9), v_i(0) Δx_j (9).
MOMENTS = 30


@kernel(fastmath={"contract"})
def push(waves, mean, h, steps, state):
    """So many steps of length h: half a drift, the field there, the rotation, half a drift.

    Parameters
    ----------
    waves : array (M, 7)
        From sum_kernels.table, k in 1/r_g.
    mean : float
        Mean field along z [B_ref].
    h : float
        [1/Ω]
    steps : int
    state : array (9, n + PAD)
        n is a multiple of LANES.
    """
    half, lanes = 0.5 * h, state.shape[1] - PAD
    for first in range(0, lanes, BLOCK):
        last = min(first + BLOCK, lanes)
        x, y, z = state[0, first:last], state[1, first:last], state[2, first:last]
        vx, vy, vz = state[3, first:last], state[4, first:last], state[5, first:last]
        bx, by, bz = state[6, first:last], state[7, first:last], state[8, first:last]
        n = last - first
        for _ in range(steps):
            for i in range(n):
                x[i] += half * vx[i]
                y[i] += half * vy[i]
                z[i] += half * vz[i]
            field(waves, x, y, z, bx, by, bz)
            for i in range(n):
                # t = b h/2, s = 2t/(1 + t²); v' = v + v × t; v becomes v + v' × s: a rotation, to rounding.
                tx, ty, tz = half * bx[i], half * by[i], half * (bz[i] + mean)
                s = 2.0 / (1.0 + tx * tx + ty * ty + tz * tz)
                u, v, w = vx[i], vy[i], vz[i]
                px = u + (v * tz - w * ty)
                py = v + (w * tx - u * tz)
                pz = w + (u * ty - v * tx)
                vx[i] = u + s * (py * tz - pz * ty)
                vy[i] = v + s * (pz * tx - px * tz)
                vz[i] = w + s * (px * ty - py * tx)
            for i in range(n):
                x[i] += half * vx[i]
                y[i] += half * vy[i]
                z[i] += half * vz[i]


@kernel
def moments(state, start, count, row):
    """Sums over the first `count` particles, one after the other.

    Parameters
    ----------
    state : array (9, n + PAD)
    start : array (6, n)
        Positions and directions at t = 0.
    count : int
    row : array (MOMENTS,)
        Overwritten.
    """
    for q in range(MOMENTS):
        row[q] = 0.0
    for i in range(count):
        dx, dy, dz = state[0, i] - start[0, i], state[1, i] - start[1, i], state[2, i] - start[2, i]
        row[0] += dx
        row[1] += dy
        row[2] += dz
        row[3] += dx * dx
        row[4] += dy * dy
        row[5] += dz * dz
        row[6] += dx * dy
        row[7] += dx * dz
        row[8] += dy * dz
        row[9] += dx * dx * dx * dx
        row[10] += dy * dy * dy * dy
        row[11] += dz * dz * dz * dz
        for a in range(3):
            v0 = start[3 + a, i]
            for b in range(3):
                row[12 + 3 * a + b] += v0 * state[3 + b, i]
            row[21 + 3 * a] += v0 * dx
            row[22 + 3 * a] += v0 * dy
            row[23 + 3 * a] += v0 * dz


@kernel
def scatter(before, now, count, bins):
    """Changes of the pitch-angle cosine over one lag, sorted by its value before; `before` becomes `now`.

    Parameters
    ----------
    before, now : array (n,)
    count : int
    bins : array (3, m)
        Number, sum of Δμ and of Δμ² over the m equal bins of −1 ≤ μ ≤ 1; added to.
    """
    m = bins.shape[1]
    for i in range(count):
        change = now[i] - before[i]
        k = min(m - 1, max(0, int(0.5 * m * (before[i] + 1.0))))
        bins[0, k] += 1.0
        bins[1, k] += change
        bins[2, k] += change * change
        before[i] = now[i]


@kernel
def speed_error(state, count):
    """Sum of | |v|² − 1 | / 2 over the first `count` particles of `state` (9, n + PAD), which is that of | |v| − 1 |."""
    total = 0.0
    for i in range(count):
        total += 0.5 * abs(state[3, i] ** 2 + state[4, i] ** 2 + state[5, i] ** 2 - 1.0)
    return total
