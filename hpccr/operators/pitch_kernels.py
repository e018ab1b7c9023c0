"""Streaming along z and scattering in μ: numba loops over plain arrays.

Arrays are u[j, i]: μ first, then z, which is contiguous, with three ghosts on each side: own cell i is in column i + 3. Loops run
along z with unsigned flat indices, which the compiler turns into vectors.
"""

import numpy as np

from hpccr.jit import kernel

# No face value is larger than so many times the cell that it flows out of, and none is negative: then a cell that is empty
# loses nothing. Steeper than this from cell to cell nothing is resolved.
STEEPEST = 3.0
SMALLEST = 1e-100


@kernel
def stream(u, speed, forward, backward, inflow, ends, area, inverse_volume, widths, share, limited, rate, through):
    """rate ← −(1/V) Δ(A s û), s = ε μ, with fifth-order upwind face values.

    u, rate : (rows, count + 6).  speed : (rows,).  forward, backward : (5, count + 1) weights of the cells i − 3 … i + 1 and
    i − 2 … i + 2 in the value on face i, for positive and negative speed.  inflow : (2, rows) values that enter at the ends.
    ends : (2,) for face 0 and face `count`, 1 or 0: whether `inflow` enters there and what passes is counted.
    area : (count + 1,).  inverse_volume : (count,).  widths : (rows,) of μ.  limited : whether face values are kept within their
    bounds; without, the rate is linear in u.
    through : (4,) += share times what enters and leaves at face 0, and what enters and leaves at face `count`.
    """
    rows, n = rate.shape[0], rate.shape[1] - 6
    faces = np.uint64(n + 1)
    flux = np.empty(n + 1)
    flat, out = u.reshape(-1), rate.reshape(-1)
    ahead, behind = forward.reshape(-1), backward.reshape(-1)
    least = 0.0 if limited else -np.inf
    for j in range(rows):
        s = speed[j]
        weights = ahead if s >= 0.0 else behind
        # The leftmost of the five cells, and the one that it flows out of.
        start = np.uint64(j * (n + 6) + (0 if s >= 0.0 else 1))
        up = np.uint64(j * (n + 6) + (2 if s >= 0.0 else 3))
        for i in range(faces):
            value = (weights[i] * flat[start + i] + weights[faces + i] * flat[start + np.uint64(1) + i]
                     + weights[np.uint64(2) * faces + i] * flat[start + np.uint64(2) + i]
                     + weights[np.uint64(3) * faces + i] * flat[start + np.uint64(3) + i]
                     + weights[np.uint64(4) * faces + i] * flat[start + np.uint64(4) + i])
            most = STEEPEST * max(flat[up + i], 0.0) if limited else np.inf
            flux[i] = s * area[i] * min(max(value, least), most)
        if s >= 0.0 and ends[0] == 1:
            flux[0] = s * area[0] * inflow[0, j]
        if s < 0.0 and ends[1] == 1:
            flux[n] = s * area[n] * inflow[1, j]
        at = np.uint64(j * (n + 6) + 3)
        for i in range(np.uint64(n)):
            out[at + i] = (flux[i] - flux[i + np.uint64(1)]) * inverse_volume[i]
        # To the right it enters at the left end and leaves at the right one.
        side, w = 0 if s >= 0.0 else 1, share * widths[j] * (1.0 if s >= 0.0 else -1.0)
        if ends[0] == 1:
            through[side] += w * flux[0]
        if ends[1] == 1:
            through[3 - side] += w * flux[n]


@kernel
def mirror(u, left, right):
    """Fill the ghosts at walls: what comes back has −μ. u : (rows, count + 6).  left, right : 1 where the strip ends at a wall."""
    rows, n = u.shape[0], u.shape[1] - 6
    for j in range(rows):
        for k in range(3):
            if left == 1:
                u[j, 2 - k] = u[rows - 1 - j, 3 + k]
            if right == 1:
                u[j, n + 3 + k] = u[rows - 1 - j, n + 2 - k]


@kernel
def combine(u, parts, weights, out):
    """out ← u + Σ weights parts; u, out : (rows, count + 6), parts : (many, rows, count + 6), weights : (many,)."""
    here, there, added, size = u.reshape(-1), out.reshape(-1), parts.reshape(-1), np.uint64(u.size)
    for i in range(size):
        there[i] = here[i]
    for k in range(len(weights)):
        part, w = np.uint64(k) * size, weights[k]
        if w != 0.0:
            for i in range(size):
                there[i] += w * added[part + i]


@kernel
def solve(u, parts, weights, tau, lower, inverse, above, widths, out, rate):
    """A stage: out ← (1 − τ S)⁻¹ x with x = u + Σ weights parts, and rate ← S out = (out − x)/τ, less its mean over μ (see `level`).

    By elimination along μ with the factors of `factor`, line by line while it is in the cache.

    u, out, rate : (rows, count + 6), own cells only.  parts : (many, rows, count + 6), weights : (many,).  lower, inverse, above :
    (rows, 1) or (rows, count).  widths : (rows,) of μ, which add to 2.
    """
    many, rows, n = parts.shape[0], parts.shape[1], np.uint64(parts.shape[2] - 6)
    here, there, added, kept = u.reshape(-1), out.reshape(-1), parts.reshape(-1), rate.reshape(-1)
    low, inv, high = lower.reshape(-1), inverse.reshape(-1), above.reshape(-1)
    wide, each = u.shape[1], lower.shape[1] > 1
    mean = np.zeros(n)
    for j in range(rows):
        at, before = np.uint64(j * wide + 3), np.uint64((j - 1) * wide + 3)
        for i in range(n):
            there[at + i] = here[at + i]
        for k in range(many):
            w = weights[k]
            if w != 0.0:
                part = np.uint64((k * rows + j) * wide + 3)
                for i in range(n):
                    there[at + i] += w * added[part + i]
        for i in range(n):
            kept[at + i] = there[at + i]
        if each:
            place = np.uint64(j) * n
            if j > 0:
                for i in range(n):
                    there[at + i] += tau * low[place + i] * there[before + i]
            for i in range(n):
                there[at + i] *= inv[place + i]
        else:
            w, scale = (tau * low[j] if j > 0 else 0.0), inv[j]
            if j > 0:
                for i in range(n):
                    there[at + i] = (there[at + i] + w * there[before + i]) * scale
            else:
                for i in range(n):
                    there[at + i] *= scale
    for j in range(rows - 1, -1, -1):
        at, after = np.uint64(j * wide + 3), np.uint64((j + 1) * wide + 3)
        if j < rows - 1 and each:
            place = np.uint64(j) * n
            for i in range(n):
                there[at + i] += high[place + i] * there[after + i]
        elif j < rows - 1:
            w = high[j]
            for i in range(n):
                there[at + i] += w * there[after + i]
        w, per = 0.5 * widths[j], 1.0 / tau
        for i in range(n):
            value = (there[at + i] - kept[at + i]) * per
            kept[at + i] = value
            mean[i] += w * value
    for j in range(rows):
        at = np.uint64(j * wide + 3)
        for i in range(n):
            kept[at + i] -= mean[i]


@kernel
def factor(tau, lower, diag, upper, inverse, above):
    """Factors `inverse` and `above` of 1 − τ S for one column or many: all (rows, columns), S = (lower, −diag, upper), all positive."""
    rows, columns = diag.shape
    for i in range(columns):
        inverse[0, i] = 1.0 / (1.0 + tau * diag[0, i])
        above[0, i] = tau * upper[0, i] * inverse[0, i]
    for j in range(1, rows):
        for i in range(columns):
            inverse[j, i] = 1.0 / (1.0 + tau * diag[j, i] - tau * lower[j, i] * above[j - 1, i])
            above[j, i] = tau * upper[j, i] * inverse[j, i]


@kernel
def scatter(lower, diag, upper, u, rate):
    """rate ← S u; lower, diag, upper : (rows, 1) or (rows, count), u, rate : (rows, count + 6)."""
    rows, n = rate.shape[0], rate.shape[1] - 6
    flat, out = u.reshape(-1), rate.reshape(-1)
    low, mid, high = lower.reshape(-1), diag.reshape(-1), upper.reshape(-1)
    many = np.uint64(1 if diag.shape[1] > 1 else 0)
    for j in range(rows):
        k = np.uint64(j * diag.shape[1])
        # What lies beyond the ends has the weight zero.
        at = np.uint64(j * (n + 6) + 3)
        below, above = np.uint64(max(j - 1, 0) * (n + 6) + 3), np.uint64(min(j + 1, rows - 1) * (n + 6) + 3)
        if many == 1:
            for i in range(np.uint64(n)):
                out[at + i] = low[k + i] * flat[below + i] - mid[k + i] * flat[at + i] + high[k + i] * flat[above + i]
        else:
            a, b, c = low[k], mid[k], high[k]
            for i in range(np.uint64(n)):
                out[at + i] = a * flat[below + i] - b * flat[at + i] + c * flat[above + i]


@kernel
def part(y, x, inverse_tau, rate):
    """rate ← (y − x)/τ, which is S y after y = (1 − τ S)⁻¹ x; all (rows, count + 6), x and rate may be one array."""
    here, before, out = y.reshape(-1), x.reshape(-1), rate.reshape(-1)
    for i in range(np.uint64(out.size)):
        out[i] = (here[i] - before[i]) * inverse_tau


@kernel
def level(widths, rate):
    """Take from rate (rows, count + 6) its mean over μ: scattering has none but by rounding, which would add up. widths add to 2."""
    rows, wide = rate.shape
    mean, out = np.zeros(wide), rate.reshape(-1)
    for j in range(rows):
        row, w = np.uint64(j * wide), 0.5 * widths[j]
        for i in range(np.uint64(wide)):
            mean[i] += w * out[row + i]
    for j in range(rows):
        row = np.uint64(j * wide)
        for i in range(np.uint64(wide)):
            out[row + i] -= mean[i]


@kernel(fastmath={"reassoc", "contract"})
def finish(u, parts, weights, errors, widths, volumes, new, out):
    """new ← u + Σ weights (E + I), and out ← sums over the own cells of widths·volumes times [error², new², −min(new, 0), max(new, 0),
    (new − u)²].

    u, new : (rows, count + 6).  parts : (2 stages, rows, count + 6), first all E, then all I; weights, and errors which make the
    error : (stages,), of both alike.  widths : (rows,) of μ, volumes : (count,).
    """
    stages, rows, n = len(weights), parts.shape[1], parts.shape[2] - 6
    error = np.empty(n)
    here, added, flat = u.reshape(-1), parts.reshape(-1), new.reshape(-1)
    out[:] = 0.0
    for j in range(rows):
        at = np.uint64(j * (n + 6) + 3)
        for i in range(np.uint64(n)):
            error[i] = 0.0
            flat[at + i] = here[at + i]
        for k in range(stages):
            first, w, e = np.uint64((k * rows + j) * (n + 6) + 3), weights[k], errors[k]
            second = first + np.uint64(stages * rows * (n + 6))
            for i in range(np.uint64(n)):
                both = added[first + i] + added[second + i]
                flat[at + i] += w * both
                error[i] += e * both
        squares = sizes = short = full = change = 0.0
        for i in range(np.uint64(n)):
            value, v = flat[at + i], volumes[i]
            # Numbers below the smallest normal ones would come of tails, and slow arithmetic down tenfold.
            value = value if abs(value) > SMALLEST else 0.0
            flat[at + i] = value
            squares += v * error[i] * error[i]
            sizes += v * value * value
            short += v * max(-value, 0.0)
            full += v * max(value, 0.0)
            change += v * (value - here[at + i]) ** 2
        out[0] += widths[j] * squares
        out[1] += widths[j] * sizes
        out[2] += widths[j] * short
        out[3] += widths[j] * full
        out[4] += widths[j] * change


@kernel
def lift(u, keep):
    """Set what lies below zero in u (rows, count + 6) to zero, and the rest to `keep` times what it was."""
    flat = u.reshape(-1)
    for i in range(np.uint64(flat.size)):
        flat[i] = max(flat[i], 0.0) * keep


@kernel
def project(u, nodes, widths, even, odd):
    """even, odd (count,) ← ½ ∫ f dμ and ½ ∫ μ f dμ; u : (rows, count + 6), nodes, widths : (rows,)."""
    rows, n = u.shape[0], even.shape[0]
    flat = u.reshape(-1)
    even[:] = 0.0
    odd[:] = 0.0
    for j in range(rows):
        w, m = 0.5 * widths[j], 0.5 * widths[j] * nodes[j]
        at = np.uint64(j * (n + 6) + 3)
        for i in range(np.uint64(n)):
            even[i] += w * flat[at + i]
            odd[i] += m * flat[at + i]
