"""Cosmic rays on (r, ln p): explicit rates and implicit line solves, numba loops over plain arrays.

u[j, i] is the number of CRs per volume and per ln p (p N) in cell j of the line and lane i. Arrays have two ghost rows and two
ghost lanes on each side: cell (j, i) of this rank is u[j + 2, i + 2]. The innermost loops run over contiguous lanes, of flat
arrays with unsigned indices: only what cannot be negative is turned into vectors, and slices of rows cost more than a short row.
Slopes are limited as by van Leer (1974), lines are solved by elimination (Thomas 1949).
"""

import numpy as np

from hpccr.jit import kernel

# Sums over lanes may be taken in any order.
SUMS = {"reassoc", "contract"}
# What is ahead of diffusing CRs falls by a factor from cell to cell: below this [1/cm³] it is nothing. Numbers below the smallest normal
# ones are slow on some processors.
SMALLEST = 1e-100


@kernel
def fill_ends(u, first, last, lowest, highest, closed):
    """Ghosts beyond the ends of the mesh, where this rank has them: mirror rows (a wall) or emptiness; power laws go on in p.

    u : padded state (rows + 4, lanes + 4).  closed : (2,) whether the ends of the line are walls.
    """
    rows, lanes = u.shape
    for k in range(2):
        if first:
            for i in range(lanes):
                u[1 - k, i] = u[2 + k, i] if closed[0] else 0.0
        if last:
            for i in range(lanes):
                u[rows - 2 + k, i] = u[rows - 3 - k, i] if closed[1] else 0.0
    for k in range(2):
        if lowest:
            for j in range(rows):
                u[j, 1 - k] = min(u[j, 2 - k] * u[j, 2 - k] / max(u[j, 3 - k], 1e-300), 1e3 * u[j, 2 - k])
        if highest:
            for j in range(rows):
                u[j, lanes - 2 + k] = min(u[j, lanes - 3 + k] ** 2 / max(u[j, lanes - 4 + k], 1e-300), 1e3 * u[j, lanes - 3 + k])


@kernel(inline="always")
def _place(j, i, width):
    """The place of u[j, i] in a flat array."""
    return np.uint64(j * width + i)


@kernel(inline="always")
def _through(u, width, row, w, x, face, value):
    """value (lanes,) = u carried with speed w through the face below padded row `row`: upwind, with van Leer's slope.

    x : (rows,) padded midpoints; face : its position.
    """
    step, a = (1, row - 1) if w >= 0.0 else (-1, row)
    far, near, ahead = _place(a - step, 2, width), _place(a, 2, width), _place(a + step, 2, width)
    ahead_of, gap = face - x[a], x[a + step] - x[a]
    # Where the face lies beyond the middle, at the centre of a sphere, the value must not pass the next cell's.
    h0, h1, reach = 1.0 / (x[a] - x[a - step]), 1.0 / gap, 2.0 * ahead_of * min(1.0, 0.5 * gap / ahead_of)
    for k in range(value.shape[0]):
        i = np.uint64(k)
        s0, s1 = (u[near + i] - u[far + i]) * h0, (u[ahead + i] - u[near + i]) * h1
        up = s0 * s1
        value[i] = w * (u[near + i] + reach * (up / (s0 + s1) if up > 0.0 else 0.0))


@kernel(inline="always")
def _between(u, at, bend, value):
    """value (lanes + 1,) = u on the lane faces of the row whose last ghost below has the place `at`: the harmonic mean of p^α u
    at both sides, α the reference slope.

    Exact for a power law p^−α, of second order otherwise, and at most twice what either side would give: no flux empties a lane.
    bend : (3,) = e^{αΔ}, e^{αΔ/2}, and the middle of such a power law over its mean.
    """
    c, factor = bend[0], 2.0 * bend[1] / bend[0] * bend[2]
    for k in range(value.shape[0]):
        i = np.uint64(k)
        below, above = u[at + i], c * u[at + i + np.uint64(1)]
        value[i] = factor * below * above / (below + above + 1e-300)


@kernel(inline="always")
def _upwind(u, at, widens, bend, value):
    """The same from the side that an adiabatic change comes from: from above where the gas widens, from below where it does not.

    A power law through the neighbours of that lane, about the reference slope, to third order.
    """
    c2, half, one = bend[0] * bend[0], bend[2] * (bend[1] if widens else 1.0 / bend[1]), np.uint64(1)
    p, q = (5.0, 3.0) if widens else (3.0, 5.0)
    at = at + one if widens else at
    for k in range(value.shape[0]):
        i = np.uint64(k)
        below, here, above = u[at + i - one], u[at + i], c2 * u[at + i + one]
        value[i] = half * here * (p * below + q * above + 1e-300) / (q * below + p * above + 1e-300)


@kernel(fastmath=SUMS)
def moments(u, widens, stiff, D, energy, bend, out):
    """out (5, rows) ← P_c = ⅓ΣΔε û; Σ γ_i P_i of what sound compresses, and of all; ⅓ΣΔε (û − upwind û), and the positive part of
    it [erg/cm³].

    u : padded state (rows + 4, lanes + 4).  widens : (rows,) whether the gas expands there.
    stiff : (rows,) k² Δt for the wave of the size of a cell: what diffuses away in a step (D k² Δt > 1) does not carry sound.
    energy : (5, lanes + 1): Δε across lane faces for work and for losses (zero on faces that another rank counts), what u weighs
    in the pressure that sound waves feel, what leaves with the first and with the last face.
    """
    lanes, width, flat = D.shape[0], u.shape[1], u.ravel()
    face, side = np.empty(lanes + 1), np.empty(lanes + 1)
    for j in range(stiff.shape[0]):
        _between(flat, _place(j + 2, 1, width), bend, face)
        _upwind(flat, _place(j + 2, 1, width), widens[j], bend, side)
        P, soft, hard, less, more, at = 0.0, 0.0, 0.0, 0.0, 0.0, _place(j + 2, 2, width)
        for k in range(lanes):
            i = np.uint64(k)
            P += energy[0, i] * face[i]
            here = energy[2, i] * flat[at + i]
            soft += here / (1.0 + D[i] * stiff[j])
            hard += here
        for k in range(lanes):
            i = np.uint64(k)
            apart = energy[0, i] * (face[i] - side[i])
            less += apart
            more += max(apart, 0.0)
        out[0, j], out[1, j], out[2, j], out[3, j], out[4, j] = P / 3.0, soft, hard, less / 3.0, more / 3.0


@kernel
def explicit(u, w, divergence, widens, blend, x, faces, area, volume, energy, bend, step, ends, mix, rate, edge):
    """The rates of advection and adiabatic change: rate (rows, lanes) ← mix[0] × rate + mix[1] × these; returns the energy that
    leaves through the ends of p per time.

    w, faces, area (rows + 1,), divergence, volume (rows,): of this rank's rows; x (rows + 4,); u, energy, bend as in `moments`.
    widens, blend : (rows,) the side from which û is upwind, and how far it goes from there to that of P_c, on faces where that is
    more (blend > 0) or less (< 0): so that the work is P_c ∇·w exactly.
    step : Δ ln p.  edge : (2, lanes) ← A w û through the first and the last face.
    """
    rows, lanes = rate.shape
    below, above, lane, face = np.empty(lanes), np.empty(lanes), np.empty(lanes + 1), np.empty(lanes + 1)
    per, gone, old, fresh, one = 1.0 / step, 0.0, mix[0], mix[1], np.uint64(1)
    flat, rates, width = u.ravel(), rate.ravel(), u.shape[1]
    _through(flat, width, 2, w[0], x, faces[0], below)
    edge[0] = area[0] * below
    for j in range(rows):
        _through(flat, width, j + 3, w[j + 1], x, faces[j + 1], above)
        low, high, s = area[j] / volume[j], area[j + 1] / volume[j], divergence[j] / 3.0
        _upwind(flat, _place(j + 2, 1, width), widens[j], bend, lane)
        _between(flat, _place(j + 2, 1, width), bend, face)
        for k in range(lanes + 1):
            i = np.uint64(k)
            apart = face[i] - lane[i]
            lane[i] += blend[j] * max(apart if blend[j] > 0.0 else -apart, 0.0)
        first, final = lane[0], lane[lanes]
        # Nothing comes in through the ends of the axis.
        if ends[2]:
            lane[0] = first if s > 0.0 else 0.0
            gone += volume[j] * max(s, 0.0) * energy[3, 0] * first
        if ends[3]:
            lane[lanes] = final if s < 0.0 else 0.0
            gone -= volume[j] * min(s, 0.0) * energy[4, lanes] * final
        s *= per
        here = np.uint64(j * lanes)
        for k in range(lanes):
            i = np.uint64(k)
            kept = old * rates[here + i] if old != 0.0 else 0.0
            rates[here + i] = kept + fresh * (low * below[i] - high * above[i] + s * (lane[i + one] - lane[i]))
        for k in range(lanes):
            i = np.uint64(k)
            below[i] = above[i]
    edge[1] = area[rows] * below
    return gone


@kernel(inline="always")
def _losing(u, at, depth, loss, per, bend, stay, give, have):
    """The losses of the row whose first own lane has the place `at`, for a depth n Δt: a lane keeps u' = have + stay × inflow,
    and passes on give × u' + … of it.

    û = φ u on the lower face of a lane, upwind: a power law through its neighbours, about the reference slope, to third order;
    what passes it in the step is a (θ u' + (1 − θ) u), a = depth |ṗ|/(p Δ ln p) φ. θ = ½ is of second order, and as much more as
    keeps a lane from giving what it has not.
    """
    c2, half = bend[0] * bend[0], bend[1] * bend[2]
    one = np.uint64(1)
    for k in range(stay.shape[0]):
        i = np.uint64(k)
        below, here, above = u[at + i - one], u[at + i], c2 * u[at + i + one]
        a = depth * per * half * loss[i] * (5.0 * below + 3.0 * above + 1e-300) / (3.0 * below + 5.0 * above + 1e-300)
        implicit = max(0.5 * a, a - 1.0)
        stay[i] = 1.0 / (1.0 + implicit)
        give[i] = implicit
        have[i] = (a - implicit) * here


@kernel
def lose(u, depth, loss, energy, bend, step, out, heat, passed):
    """out (padded) ← u after losses at a depth n Δt (rows,), nothing coming in from above; heat (rows,) ← the energy that the gas
    receives.

    loss : (lanes + 1,) |d ln p/dt| on lane faces per unit density.  passed : (2, rows) ← what has passed the lowest face, and how
    much of an inflow would.
    """
    rows, lanes, width, flat, x, many = depth.shape[0], loss.shape[0] - 1, u.shape[1], u.ravel(), out.ravel(), np.uint64(8)
    stay, give, have = np.empty((many, lanes)), np.empty((many, lanes)), np.empty((many, lanes))
    flux, part, given, at = np.empty(many), np.empty(many), np.empty(many), np.empty(many, np.uint64)
    # A sweep waits for each result in turn: several rows at once keep the processor busy.
    for first in range(0, rows, 8):
        count = np.uint64(min(8, rows - first))
        for b in range(count):
            at[b] = _place(first + b + 2, 2, width)
            _losing(flat, at[b], depth[first + b], loss, 1.0 / step, bend, stay[b], give[b], have[b])
            flux[b], part[b], given[b] = 0.0, 1.0, 0.0
        for k in range(lanes):
            i = np.uint64(lanes - 1 - k)
            weight = energy[1, i]
            for b in range(count):
                new = (flat[at[b] + i] - have[b, i] + flux[b]) * stay[b, i]
                through = give[b, i] * new + have[b, i]
                x[at[b] + i] = new
                part[b] *= give[b, i] * stay[b, i]
                given[b] += weight * through
                flux[b] = through
        for b in range(count):
            heat[first + b], passed[0, first + b], passed[1, first + b] = given[b] * step, flux[b], part[b]


@kernel
def gain(u, depth, loss, energy, bend, step, inflow, out, heat):
    """As `lose`, for what comes in from above, inflow (rows,), added to `out` and `heat`."""
    lanes, width, flat = loss.shape[0] - 1, u.shape[1], u.ravel()
    stay, give, have = np.empty(1), np.empty(1), np.empty(1)
    for j in range(depth.shape[0]):
        flux = inflow[j]
        for k in range(lanes - 1, -1, -1):
            # Weak losses pass nothing on for long.
            if not flux > 1e-25 * inflow[j]:
                break
            _losing(flat, _place(j + 2, k + 2, width), depth[j], loss[k:], 1.0 / step, bend, stay, give, have)
            out[j + 2, k + 2] += flux * stay[0]
            flux *= stay[0] * give[0]
            heat[j] += energy[1, k] * flux * step


@kernel(inline="always")
def _neighbours(j, rows, width, ends):
    """Places of the rows around padded row j + 2, and what stands there times the state: (below, f, above, g).

    Beyond a wall the state is mirrored; beyond an open end it has passed through zero on the face.
    """
    below, above, f, g = j + 1, j + 3, 1.0, 1.0
    if j == 0 and ends[0]:
        below, f = j + 2, 1.0 if ends[4] else -1.0
    if j == rows - 1 and ends[1]:
        above, g = j + 2, 1.0 if ends[5] else -1.0
    return _place(below, 2, width), f, _place(above, 2, width), g


@kernel(inline="always")
def _matrix_row(j, rows, width, sign, D, coupling, ends, lower, upper, diag):
    """The coefficients (lanes,) of row j of 1 − h ∇·D∇ + h V_A|∂/∂r|, the sign of the gradient taken from the flat padded state `sign`.

    Central differences, and as much upwind diffusion as keeps both coefficients from turning positive where a cell is wide.
    """
    up, down, drag = coupling[0, j], coupling[1, j], coupling[2, j]
    narrow = min(up, down) if min(up, down) > 0.0 else max(up, down)
    below, f, above, g = _neighbours(j, rows, width, ends)
    for k in range(lower.shape[0]):
        i = np.uint64(k)
        s = drag if g * sign[above + i] > f * sign[below + i] else -drag
        more = max(drag - narrow * D[i], 0.0)
        lower[i] = -down * D[i] - s - more
        upper[i] = -up * D[i] + s - more
        diag[i] = 1.0 - lower[i] - upper[i]
    if j == 0 and ends[0]:
        for k in range(lower.shape[0]):
            diag[k] += f * lower[k]
            lower[k] = 0.0
    if j == rows - 1 and ends[1]:
        for k in range(lower.shape[0]):
            diag[k] += g * upper[k]
            upper[k] = 0.0


@kernel
def solve(u, rate, half, weights, sign, D, coupling, ends, work, out):
    """out (padded) ← the solution of [1 − h ∇·D∇ + h V_A|∂/∂r|] out = a u + b rate + c half, line by line (Thomas).

    weights : (3,) a, b, c.  sign : padded state for the sign of the gradient.  coupling : (3, rows) h A/(V Δx) above and below
    each cell, h V_A/2Δx.
    ends : (6,) whether this rank has the first, the last row, first and last lane; whether the ends of the line are walls.
    work : (rows + 1, lanes); its first row is zero, as is, here, what `out` has below its first row.
    """
    (rows, lanes), width = rate.shape, u.shape[1]
    lower, upper, diag = np.empty(lanes), np.empty(lanes), np.empty(lanes)
    a, b, c = weights[0], weights[1], weights[2]
    u, rate, half, sign, work, x = u.ravel(), rate.ravel(), half.ravel(), sign.ravel(), work.ravel(), out.ravel()
    out[1, :] = 0.0
    for j in range(rows):
        _matrix_row(j, rows, width, sign, D, coupling, ends, lower, upper, diag)
        at, before, now, last = _place(j + 2, 2, width), _place(j + 1, 2, width), np.uint64((j + 1) * lanes), np.uint64(j * lanes)
        if j == 0:
            lower[:] = 0.0
        for k in range(lanes):
            i = np.uint64(k)
            diag[i] = 1.0 / (diag[i] - lower[i] * work[last + i])
            work[now + i] = upper[i] * diag[i]
        for k in range(lanes):
            i = np.uint64(k)
            value = (a * u[at + i] + b * rate[last + i] + c * half[at + i] - lower[i] * x[before + i]) * diag[i]
            x[at + i] = 0.0 if abs(value) < SMALLEST else value
    for j in range(rows - 2, -1, -1):
        at, after, now = _place(j + 2, 2, width), _place(j + 3, 2, width), np.uint64((j + 1) * lanes)
        for k in range(lanes):
            i = np.uint64(k)
            x[at + i] -= work[now + i] * x[after + i]


@kernel
def system(u, rate, half, weights, sign, D, coupling, ends, lower, diag, upper, right):
    """The equation of `solve` as coefficients lower, diag, upper and a right side, (rows, lanes), for lines that are cut."""
    (rows, lanes), width, sign = right.shape, u.shape[1], sign.ravel()
    for j in range(rows):
        _matrix_row(j, rows, width, sign, D, coupling, ends, lower[j], upper[j], diag[j])
        for i in range(lanes):
            right[j, i] = weights[0] * u[j + 2, i + 2] + weights[1] * rate[j, i] + weights[2] * half[j + 2, i + 2]


@kernel(fastmath=SUMS)
def taken(out, sign, D, coupling, ends, energy, lost, left):
    """lost (rows,) ← h × the energy density that the waves take; left (2, lanes) ← h V × what diffuses through the ends per
    volume of the end cells.

    energy : (lanes,) ε Δ ln p.  out : the solution of `solve`, whose `sign`, `D` (lanes,), `coupling` and `ends` the others are.
    """
    rows, lanes, width, x, sign = lost.shape[0], energy.shape[0], out.shape[1], out.ravel(), sign.ravel()
    for j in range(rows):
        up, down, drag, total = coupling[0, j], coupling[1, j], coupling[2, j], 0.0
        narrow = min(up, down) if min(up, down) > 0.0 else max(up, down)
        below, f, above, g = _neighbours(j, rows, width, ends)
        at = _place(j + 2, 2, width)
        for k in range(lanes):
            i = np.uint64(k)
            low, mid, high = f * x[below + i], x[at + i], g * x[above + i]
            s = drag if g * sign[above + i] > f * sign[below + i] else -drag
            more = max(drag - narrow * D[i], 0.0)
            total += energy[i] * (s * (high - low) - more * (high - 2.0 * mid + low))
        lost[j] = total
    for i in range(lanes):
        left[0, i] = 2.0 * coupling[1, 0] * D[i] * out[2, i + 2] if ends[0] and not ends[4] else 0.0
        left[1, i] = 2.0 * coupling[0, rows - 1] * D[i] * out[rows + 1, i + 2] if ends[1] and not ends[5] else 0.0


@kernel(fastmath=SUMS)
def mistake(u, second, final, gamma, volume, scale, energy):
    """(Σ scale V |error|, Σ scale V |u below zero|, ΣV energy u) of a step to `final`; the error is estimated to second order of
    the step.

    u' − u − (u₂ − u)/γ: how far the step bends away from the straight line through its second stage.
    scale, energy : (lanes,) 1/content, ε Δ ln p.
    """
    error, short, inside, part = 0.0, 0.0, 0.0, 1.0 / gamma
    lanes, width = scale.shape[0], u.shape[1]
    one, two, end = u.ravel(), second.ravel(), final.ravel()
    for j in range(volume.shape[0]):
        total, under, held, at = 0.0, 0.0, 0.0, _place(j + 2, 2, width)
        for k in range(lanes):
            i = np.uint64(k)
            first, last = one[at + i], end[at + i]
            total += scale[i] * abs(last - first - part * (two[at + i] - first))
            # With the volume first, for the product must not underflow.
            under += scale[i] * volume[j] * max(-last, 0.0)
            held += energy[i] * last
        error += volume[j] * total
        short += under
        inside += volume[j] * held
    return error, short, inside


@kernel
def content(u, volume, total):
    """total (lanes,) = Σ_j V u of the own cells of a padded state."""
    total[:] = 0.0
    for j in range(volume.shape[0]):
        for i in range(total.shape[0]):
            total[i] += volume[j] * u[j + 2, i + 2]
