"""Field lines: dr/ds = B/|B| or dr/dτ = B, by an embedded Runge-Kutta pair with a step of its own for each line.

The lines of a unit are the lanes of one block. All of them take the slopes of a step together, so that the wave sum is
as fast as for orbits, but each has its own parameter, step and next point of output; no lane waits for another. Lines that
have arrived at the end are moved behind the others, and the block shrinks by whole vectors. A line's bits depend on the
waves and its start alone, for lanes do not mix and every loop runs over a multiple of LANES.

A line is a column of an array with the rows below. Lengths in any unit L, B in B_ref, s in L, τ in L/B_ref.
"""

import numpy as np

from hpccr.jit import kernel
from hpccr.particles.sum_kernels import LANES, field

# Position, start, slope at the position, parameter, next step, ln of the error of the last free step, next point, number of
# the line, steps, rejected steps.
X, START, SLOPE, AT, STEP, ERROR, PLACE, LINE, STEPS, REJECTED, ROWS = 0, 3, 6, 9, 10, 11, 12, 13, 14, 15, 16
# Rows of scratch before the slopes: position of the slope (3), step, its error, two of the estimate.
SCRATCH = 7

# Columns of a row of the tally: displacement (3), xx yy zz xy (4), x⁴ y⁴ z⁴ (3).
MOMENTS = 10

# PI control (Hairer, Nørsett & Wanner 1993, IV.2): safety, bounds of the change, weight of the last error, and the ln of that
# below which it does not count.
SAFETY, LEAST, MOST, MEMORY, LOW = 0.9, 0.2, 5.0, 0.04, np.log(1e-4)


@kernel(fastmath={"contract"})
def slope(mean, unit, bx, by, bz):
    """Turn δB of n points, bx, by, bz (n,) [B_ref], into B or, where `unit`, into B/|B|, in place."""
    for i in range(bx.shape[0]):
        bz[i] += mean
    if unit:
        for i in range(bx.shape[0]):
            # At a null of B, where there is no direction, the slope is 0.
            one = 1.0 / np.sqrt(bx[i] * bx[i] + by[i] * by[i] + bz[i] * bz[i] + 1e-300)
            bx[i] *= one
            by[i] *= one
            bz[i] *= one


@kernel
def begin(waves, mean, unit, points, lines, out):
    """Slopes at the start, and the first point of output if that is the start itself; see `advance`."""
    lanes = lines.shape[1]
    bx, by, bz = lines[SLOPE], lines[SLOPE + 1], lines[SLOPE + 2]
    field(waves, lines[X], lines[X + 1], lines[X + 2], bx, by, bz)
    slope(mean, unit, bx, by, bz)
    if points[0] == 0.0:
        for i in range(lanes):
            if lines[PLACE, i] == 0.0:
                store(lines, i, out)


@kernel
def store(lines, i, out):
    """Write lane i at its point of output: its displacement, or position and direction if `out` has six columns.

    `lines` (ROWS, lanes) and `out` (points, 3 or 6, lines) as in `advance`.
    """
    place, line = int(lines[PLACE, i]), int(lines[LINE, i])
    if out.shape[1] == 3:
        for c in range(3):
            out[place, c, line] = lines[X + c, i] - lines[START + c, i]
    else:
        size = np.sqrt(lines[SLOPE, i] ** 2 + lines[SLOPE + 1, i] ** 2 + lines[SLOPE + 2, i] ** 2 + 1e-300)
        for c in range(3):
            out[place, c, line] = lines[X + c, i]
            out[place, 3 + c, line] = lines[SLOPE + c, i] / size
    lines[PLACE, i] += 1.0


@kernel
def pack(lines, points):
    """Move those of `lines` (ROWS, lanes) that have arrived behind the others; returns the lanes that the others take (a multiple of
    LANES)."""
    i, j = 0, lines.shape[1] - 1
    while True:
        while i <= j and lines[PLACE, i] < points:
            i += 1
        while j >= i and not lines[PLACE, j] < points:
            j -= 1
        if i > j:
            return (i + LANES - 1) // LANES * LANES
        for row in range(ROWS):
            lines[row, i], lines[row, j] = lines[row, j], lines[row, i]


@kernel(fastmath={"contract"})
def estimate(tableau, scale, step, slopes, e, f, size):
    """The error of a step in units of the tolerance, `size` (n,): that of Hairer et al. (1993), II.10, for 8(5,3), |e| for 5(4).

    `slopes` (3 (S + 1), lanes) are those of the step `step` (n,), `scale` is 1/tolerance, `e` and `f` (n,) are scratch; `tableau`
    as in `advance`.
    """
    n, stages = step.shape[0], tableau.shape[1]
    for row in range(2):
        total = f if row else size
        for i in range(n):
            total[i] = 0.0
        for c in range(3):
            for i in range(n):
                e[i] = 0.0
            for m in range(stages):
                a = tableau[stages + row, m]
                if a != 0.0:
                    k = slopes[3 * m + c, :n]
                    for i in range(n):
                        e[i] += a * k[i]
            for i in range(n):
                total[i] += e[i] * e[i]
    for i in range(n):
        size[i] = scale * step[i] * size[i] / np.sqrt(size[i] + 0.01 * f[i] + 1e-300)


@kernel
def propose(points, longest, fastest, lines, step):
    """The steps of the first n lines, 0 where a line has arrived, into `step` (n,); see `advance`."""
    for i in range(step.shape[0]):
        h = 0.0
        if lines[PLACE, i] < points.shape[0]:
            speed = np.sqrt(lines[SLOPE, i] ** 2 + lines[SLOPE + 1, i] ** 2 + lines[SLOPE + 2, i] ** 2)
            h = min(lines[STEP, i], longest / max(speed, fastest))
            left = points[int(lines[PLACE, i])] - lines[AT, i]
            # Two equal steps to the next point rather than a long and a short one.
            h = left if h >= left else 0.5 * left if 2.0 * h > left else h
        step[i] = h


@kernel(fastmath={"contract"})
def stage(weights, step, x, slopes, q):
    """Positions q = x + h Σ_m a_m k_m of the next slope, component by component, for the lanes of `step` (n,).

    `weights` (m,) are a row of the tableau, `x` and `q` (3, lanes) positions, `slopes` (3 (S + 1), lanes).
    """
    n = step.shape[0]
    for c in range(3):
        to = q[c, :n]
        for i in range(n):
            to[i] = 0.0
        for m in range(weights.shape[0]):
            a = weights[m]
            if a != 0.0:
                k = slopes[3 * m + c, :n]
                for i in range(n):
                    to[i] += a * k[i]
        begin = x[c, :n]
        for i in range(n):
            to[i] = begin[i] + step[i] * to[i]


@kernel
def judge(i, h, error, power, tolerance, longest, fastest, lines):
    """Choose the next step of line i from the error of this one; returns whether this one counts. See `advance`."""
    change = np.log(error + 1e-10)
    # A step shorter than the tolerance cannot err by more: nulls of B do not stop a line.
    if error > 1.0 and h * fastest > 0.1 * tolerance:
        lines[STEP, i] = h * max(LEAST, SAFETY * np.exp(-power * change))
        lines[REJECTED, i] += 1.0
        return False
    wanted = h * min(MOST, max(LEAST, SAFETY * np.exp((0.75 * MEMORY - power) * change + MEMORY * lines[ERROR, i])))
    if h < lines[STEP, i]:
        # Cut short for a point or by `longest`: the step that was wanted before still is.
        wanted = max(wanted, lines[STEP, i])
    else:
        lines[ERROR, i] = max(change, LOW)
    lines[STEP, i] = min(wanted, longest / fastest)
    lines[STEPS, i] += 1.0
    return True


@kernel
def advance(waves, mean, unit, tableau, order, points, tolerance, longest, fastest, rounds, lines, scratch, out):
    """Up to so many steps of each line.

    Parameters
    ----------
    waves : array (M, 7)
        From sum_kernels.table.
    mean : float
        Mean field along z [B_ref].
    unit : bool
        Whether the parameter is s (slope B/|B|) or τ (slope B).
    tableau, order : array, float
        From fieldline_tableau.
    points : array (points,)
        Values of the parameter for output, increasing; steps end there.
    tolerance, longest : float
        Error that a step may make, and its greatest length [L].
    fastest : float
        |dr/dparameter| of which `longest` is judged at least, so that τ makes no leaps where B is weak.
    rounds : int
    lines : array (ROWS, lanes)
        lanes is a multiple of LANES; lanes without a line have arrived from the beginning.
    scratch : array (SCRATCH + 3 (S + 1), lanes)
    out : array (points, 3 or 6, lines)
        Displacement, or position and direction, at the points; written as the lines get there.

    Returns
    -------
    int
        Lanes that took part, summed over the rounds.
    """
    last, n, work = tableau.shape[1] - 1, pack(lines, points.shape[0]), 0
    place, k = scratch[:3], scratch[SCRATCH:]
    for _ in range(rounds):
        step, error, e, f = scratch[3, :n], scratch[4, :n], scratch[5, :n], scratch[6, :n]
        propose(points, longest, fastest, lines, step)
        k[:3, :n] = lines[SLOPE:SLOPE + 3, :n]
        for j in range(1, last + 1):
            stage(tableau[j, :j], step, lines[X:X + 3], k, place)
            bx, by, bz = k[3 * j, :n], k[3 * j + 1, :n], k[3 * j + 2, :n]
            field(waves, place[0, :n], place[1, :n], place[2, :n], bx, by, bz)
            slope(mean, unit, bx, by, bz)
        estimate(tableau, 1.0 / tolerance, step, k, e, f, error)
        for i in range(n):
            if step[i] > 0.0 and judge(i, step[i], error[i], 1.0 / order, tolerance, longest, fastest, lines):
                for c in range(3):
                    lines[X + c, i], lines[SLOPE + c, i] = place[c, i], k[3 * last + c, i]
                point, at = points[int(lines[PLACE, i])], lines[AT, i] + step[i]
                # Rounding must leave nothing between the two.
                if step[i] == point - lines[AT, i] or at >= point:
                    lines[AT, i] = point
                    store(lines, i, out)
                else:
                    lines[AT, i] = at
        work += n
        n = pack(lines, points.shape[0])
        if n == 0:
            break
    return work


@kernel
def moments(out, count, rows):
    """Sums over the first `count` lines of `out` (points, 3, lines), one after the other, into `rows` (points, MOMENTS)."""
    for t in range(out.shape[0]):
        for q in range(MOMENTS):
            rows[t, q] = 0.0
        for i in range(count):
            dx, dy, dz = out[t, 0, i], out[t, 1, i], out[t, 2, i]
            rows[t, 0] += dx
            rows[t, 1] += dy
            rows[t, 2] += dz
            rows[t, 3] += dx * dx
            rows[t, 4] += dy * dy
            rows[t, 5] += dz * dz
            rows[t, 6] += dx * dy
            rows[t, 7] += dx * dx * dx * dx
            rows[t, 8] += dy * dy * dy * dy
            rows[t, 9] += dz * dz * dz * dz
