"""Cosmic rays on (r, ln p): explicit rates and implicit line solves, numba loops over plain arrays.

u[j, i] is the number of CRs per volume and per ln p (p N) in cell j of the line and lane i. Arrays have two ghost rows and two ghost
lanes on each side: cell (j, i) of this rank is u[j + 2, i + 2]. The innermost loops run over contiguous lanes.
"""

import numpy as np

from hpccr.jit import kernel

GHOSTS = 2
# Sums over lanes may be taken in any order.
SUMS = {"reassoc", "contract"}


@kernel
def fill_ends(u, first, last, lowest, highest, closed):
    """Ghosts beyond the ends of the mesh, where this rank has them: mirror rows (a wall) or emptiness; power laws go on in p."""
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
def _through(u, row, w, x, face, value):
    """value (lanes,) = u carried with speed w through the face below padded row `row`: upwind, with van Leer's slope.

    x : (rows,) padded midpoints; face : its position.
    """
    n = value.shape[0]
    if w >= 0.0:
        far, near, ahead, a = u[row - 2, 2:2 + n], u[row - 1, 2:2 + n], u[row, 2:2 + n], row - 1
        h0, h1 = 1.0 / (x[a] - x[a - 1]), 1.0 / (x[a + 1] - x[a])
    else:
        far, near, ahead, a = u[row + 1, 2:2 + n], u[row, 2:2 + n], u[row - 1, 2:2 + n], row
        h0, h1 = 1.0 / (x[a] - x[a + 1]), 1.0 / (x[a - 1] - x[a])
    reach = 2.0 * (face - x[a])
    for i in range(n):
        s0, s1 = (near[i] - far[i]) * h0, (ahead[i] - near[i]) * h1
        up = s0 * s1
        value[i] = w * (near[i] + reach * (up / (s0 + s1) if up > 0.0 else 0.0))


@kernel(inline="always")
def _between(row, bend, value):
    """value (lanes + 1,) = u on the lane faces: the harmonic mean of p^α u at both sides, α the reference slope.

    Exact for a power law p^−α, of second order otherwise, and at most twice what either side would give: no flux empties a lane. bend : (2,) = e^{αΔ}, e^{αΔ/2}.
    """
    c, half = bend[0], 2.0 * bend[1]
    for k in range(value.shape[0]):
        below, above = row[k + 1], c * row[k + 2]
        value[k] = half / c * below * above / (below + above + 1e-300)


@kernel(fastmath=SUMS)
def moments(u, stiff, D, energy, bend, out):
    """out (3, rows) ← P_c = ⅓ΣΔε û; Σ γ_i P_i of what sound compresses, and of all [erg/cm³].

    u : padded state (rows + 4, lanes + 4).
    stiff : (rows,) k² Δt for the wave of the size of a cell: what diffuses away in a step (D k² Δt > 1) does not carry sound.
    energy : (5, lanes + 1): Δε across lane faces for work and for losses (zero on faces that another rank counts), what u weighs in the pressure that
    sound waves feel, what leaves with the first and with the last face.
    """
    lanes = D.shape[0]
    face = np.empty(lanes + 1)
    for j in range(stiff.shape[0]):
        row = u[j + 2]
        _between(row, bend, face)
        P, soft, all_of_it = 0.0, 0.0, 0.0
        for k in range(lanes):
            P += energy[0, k] * face[k]
            here = energy[2, k] * row[k + 2]
            soft += here / (1.0 + D[k] * stiff[j])
            all_of_it += here
        out[0, j], out[1, j], out[2, j] = P / 3.0, soft, all_of_it


@kernel
def explicit(u, w, divergence, x, faces, area, volume, energy, bend, step, ends, mix, rate, edge):
    """The rates of advection and adiabatic change: rate (rows, lanes) ← mix[0] × rate + mix[1] × these; returns the energy that leaves through the ends of p per time.

    w, faces, area (rows + 1,), divergence, volume (rows,): of this rank's rows; x (rows + 4,); u, energy, bend as in `moments`.
    step : Δ ln p.  edge : (2, lanes) ← A w û through the first and the last face.
    """
    rows, lanes = rate.shape
    below, above, lane = np.empty(lanes), np.empty(lanes), np.empty(lanes + 1)
    per, gone, old, fresh = 1.0 / step, 0.0, mix[0], mix[1]
    _through(u, 2, w[0], x, faces[0], below)
    for i in range(lanes):
        edge[0, i] = area[0] * below[i]
    for j in range(rows):
        _through(u, j + 3, w[j + 1], x, faces[j + 1], above)
        low, high = area[j] / volume[j], area[j + 1] / volume[j]
        row, s = u[j + 2], divergence[j] / 3.0
        _between(row, bend, lane)
        first, final = lane[0], lane[lanes]
        for k in range(lanes + 1):
            lane[k] *= s * per
        # Nothing comes in through the ends of the axis.
        if ends[2]:
            lane[0] = max(s, 0.0) * per * first
            gone += volume[j] * max(s, 0.0) * energy[3, 0] * first
        if ends[3]:
            lane[lanes] = min(s, 0.0) * per * final
            gone -= volume[j] * min(s, 0.0) * energy[4, lanes] * final
        here = rate[j]
        for i in range(lanes):
            here[i] = old * here[i] + fresh * (low * below[i] - high * above[i] + lane[i + 1] - lane[i])
        for i in range(lanes):
            below[i] = above[i]
    for i in range(lanes):
        edge[1, i] = area[rows] * below[i]
    return gone


@kernel(inline="always")
def _losing(row, depth, loss, per, bend, stay, give, have):
    """The losses of a row for a depth n Δt: a lane keeps u' = have + stay × inflow, and passes on give × u' + … of it.

    û = φ u on the lower face of a lane, upwind: a power law through its neighbours, about the reference slope, to third order; what passes it in the step is
    a (θ u' + (1 − θ) u), a = depth |ṗ|/(p Δ ln p) φ. θ = ½ is of second order, and as much more as keeps a lane from giving what it has not.
    """
    c2, half = bend[0] * bend[0], bend[1]
    for k in range(stay.shape[0]):
        below, here, above = row[k + 1], row[k + 2], c2 * row[k + 3]
        a = depth * loss[k] * per * half * (5.0 * below + 3.0 * above + 1e-300) / (3.0 * below + 5.0 * above + 1e-300)
        implicit = max(0.5 * a, a - 1.0)
        stay[k] = 1.0 / (1.0 + implicit)
        give[k] = implicit
        have[k] = (a - implicit) * here


@kernel
def lose(u, depth, loss, energy, bend, step, out, heat, passed):
    """out (padded) ← u after losses at a depth n Δt (rows,), nothing coming in from above; heat (rows,) ← the energy that the gas receives.

    loss : (lanes + 1,) |d ln p/dt| on lane faces per unit density.  passed : (2, rows) ← what has passed the lowest face, and how much of an inflow would.
    """
    rows, lanes, many = depth.shape[0], loss.shape[0] - 1, 8
    stay, give, have = np.empty((many, lanes)), np.empty((many, lanes)), np.empty((many, lanes))
    flux, part, given = np.empty(many), np.empty(many), np.empty(many)
    # A sweep waits for each result in turn: several rows at once keep the processor busy.
    for first in range(0, rows, many):
        count = min(many, rows - first)
        for b in range(count):
            _losing(u[first + b + 2], depth[first + b], loss, 1.0 / step, bend, stay[b], give[b], have[b])
            flux[b], part[b], given[b] = 0.0, 1.0, 0.0
        for k in range(lanes - 1, -1, -1):
            for b in range(count):
                new = (u[first + b + 2, k + 2] - have[b, k] + flux[b]) * stay[b, k]
                flux[b] = give[b, k] * new + have[b, k]
                part[b] *= give[b, k] * stay[b, k]
                given[b] += energy[1, k] * flux[b]
                out[first + b + 2, k + 2] = new
        for b in range(count):
            heat[first + b], passed[0, first + b], passed[1, first + b] = given[b] * step, flux[b], part[b]


@kernel
def gain(u, depth, loss, energy, bend, step, inflow, out, heat):
    """The same for what comes in from above, inflow (rows,), added to `out` and `heat`."""
    rows, lanes = depth.shape[0], loss.shape[0] - 1
    stay, give, have = np.empty(lanes), np.empty(lanes), np.empty(lanes)
    for j in range(rows):
        _losing(u[j + 2], depth[j], loss, 1.0 / step, bend, stay, give, have)
        flux = inflow[j]
        for k in range(lanes - 1, -1, -1):
            new = flux * stay[k]
            flux = give[k] * new
            out[j + 2, k + 2] += new
            heat[j] += energy[1, k] * flux * step


@kernel(inline="always")
def matrix_row(j, rows, lanes, sign, D, coupling, ends, lower, diag, upper):
    """The coefficients (lanes,) of row j of 1 − h ∇·D∇ + h V_A|∂/∂r|, the sign of the gradient taken from the padded state `sign`.

    Central differences, and as much upwind diffusion as keeps both coefficients from turning positive where a cell is wide. Beyond a wall the
    state is mirrored; beyond an open end it has passed through zero on the face.
    """
    up, down, drag = coupling[0, j], coupling[1, j], coupling[2, j]
    narrow = min(up, down) if min(up, down) > 0.0 else max(up, down)
    before, after = sign[j + 1, 2:2 + lanes], sign[j + 3, 2:2 + lanes]
    f, g = 1.0, 1.0
    if j == 0 and ends[0]:
        before, f = sign[j + 2, 2:2 + lanes], 1.0 if ends[4] else -1.0
    if j == rows - 1 and ends[1]:
        after, g = sign[j + 2, 2:2 + lanes], 1.0 if ends[5] else -1.0
    for i in range(lanes):
        s = drag if g * after[i] > f * before[i] else -drag
        more = max(drag - narrow * D[i], 0.0)
        lower[i] = -down * D[i] - s - more
        upper[i] = -up * D[i] + s - more
        diag[i] = 1.0 - lower[i] - upper[i]
    if j == 0 and ends[0]:
        for i in range(lanes):
            diag[i] += f * lower[i]
            lower[i] = 0.0
    if j == rows - 1 and ends[1]:
        for i in range(lanes):
            diag[i] += g * upper[i]
            upper[i] = 0.0


@kernel
def solve(u, rate, half, weights, sign, D, coupling, ends, work, out):
    """out (padded) ← the solution of [1 − h ∇·D∇ + h V_A|∂/∂r|] out = a u + b rate + c half, line by line (Thomas).

    weights : (3,) a, b, c.  sign : padded state for the sign of the gradient.  coupling : (3, rows) h A/(V Δx) above and below each cell, h V_A/2Δx.
    ends : (6,) whether this rank has the first, the last row, first and last lane; whether the ends of the line are walls.
    work : (rows, lanes).
    """
    rows, lanes = work.shape
    lower, upper, g = np.empty(lanes), np.empty(lanes), np.empty(lanes)
    a, b, c = weights[0], weights[1], weights[2]
    for j in range(rows):
        matrix_row(j, rows, lanes, sign, D, coupling, ends, lower, g, upper)
        here, other, right = u[j + 2, 2:2 + lanes], half[j + 2, 2:2 + lanes], out[j + 2, 2:2 + lanes]
        change, store = rate[j], work[j]
        if j == 0:
            for i in range(lanes):
                m = 1.0 / g[i]
                store[i] = upper[i] * m
                right[i] = (a * here[i] + b * change[i] + c * other[i]) * m
        else:
            before, above = work[j - 1], out[j + 1, 2:2 + lanes]
            for i in range(lanes):
                m = 1.0 / (g[i] - lower[i] * before[i])
                store[i] = upper[i] * m
                right[i] = (a * here[i] + b * change[i] + c * other[i] - lower[i] * above[i]) * m
    for j in range(rows - 2, -1, -1):
        below, above, store = out[j + 2, 2:2 + lanes], out[j + 3, 2:2 + lanes], work[j]
        for i in range(lanes):
            below[i] -= store[i] * above[i]


@kernel
def system(u, rate, half, weights, sign, D, coupling, ends, lower, diag, upper, right):
    """The same as blocks (rows, 1, 1, lanes) and a right side (rows, 1, lanes), for lines that are cut."""
    rows, lanes = right.shape[0], right.shape[2]
    for j in range(rows):
        matrix_row(j, rows, lanes, sign, D, coupling, ends, lower[j, 0, 0], diag[j, 0, 0], upper[j, 0, 0])
        for i in range(lanes):
            right[j, 0, i] = weights[0] * u[j + 2, i + 2] + weights[1] * rate[j, i] + weights[2] * half[j + 2, i + 2]


@kernel(fastmath=SUMS)
def taken(out, sign, D, coupling, ends, energy, lost, left):
    """lost (rows,) ← h × the energy density that the waves take; left (2, lanes) ← h V × what diffuses through the ends per volume of the end cells.

    energy : (lanes,) ε Δ ln p.
    """
    rows, lanes = lost.shape[0], energy.shape[0]
    for j in range(rows):
        drag, up, down = coupling[2, j], coupling[0, j], coupling[1, j]
        narrow = min(up, down) if min(up, down) > 0.0 else max(up, down)
        low, mid, high = out[j + 1, 2:2 + lanes], out[j + 2, 2:2 + lanes], out[j + 3, 2:2 + lanes]
        before, after = sign[j + 1, 2:2 + lanes], sign[j + 3, 2:2 + lanes]
        total = 0.0
        # Ghosts as in matrix_row.
        f = 1.0
        if j == 0 and ends[0]:
            low, before = mid, sign[j + 2, 2:2 + lanes]
            f = 1.0 if ends[4] else -1.0
        g = 1.0
        if j == rows - 1 and ends[1]:
            high, after = mid, sign[j + 2, 2:2 + lanes]
            g = 1.0 if ends[5] else -1.0
        for i in range(lanes):
            s = drag if g * after[i] > f * before[i] else -drag
            more = max(drag - narrow * D[i], 0.0)
            total += energy[i] * (s * (g * high[i] - f * low[i]) - more * (g * high[i] - 2.0 * mid[i] + f * low[i]))
        lost[j] = total
    for i in range(lanes):
        left[0, i] = 2.0 * coupling[1, 0] * D[i] * out[2, i + 2] if ends[0] and not ends[4] else 0.0
        left[1, i] = 2.0 * coupling[0, rows - 1] * D[i] * out[rows + 1, i + 2] if ends[1] and not ends[5] else 0.0


@kernel(fastmath=SUMS)
def mistake(u, second, final, gamma, volume, scale, energy):
    """(Σ scale V |error|, Σ scale V |u below zero|, ΣV energy u) of a step to `final`; the error is estimated to second order of the step.

    u' − u − (u₂ − u)/γ: how far the step bends away from the straight line through its second stage.
    scale, energy : (lanes,) 1/content, ε Δ ln p.
    """
    error, short, inside, part = 0.0, 0.0, 0.0, 1.0 / gamma
    lanes = scale.shape[0]
    for j in range(volume.shape[0]):
        one, two, end = u[j + 2, 2:2 + lanes], second[j + 2, 2:2 + lanes], final[j + 2, 2:2 + lanes]
        total, under, held = 0.0, 0.0, 0.0
        for i in range(lanes):
            total += scale[i] * abs(end[i] - one[i] - part * (two[i] - one[i]))
            under += scale[i] * max(-end[i], 0.0)
            held += energy[i] * end[i]
        error += volume[j] * total
        short += volume[j] * under
        inside += volume[j] * held
    return error, short, inside


@kernel(fastmath=SUMS)
def content(u, volume, total):
    """total (lanes,) = Σ_j V u of the own cells of a padded state."""
    lanes = total.shape[0]
    for i in range(lanes):
        total[i] = 0.0
    for j in range(volume.shape[0]):
        for i in range(lanes):
            total[i] += volume[j] * u[j + 2, i + 2]
