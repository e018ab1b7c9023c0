"""Gas along one line: finite-volume rates of the Euler equations with the force of the CRs, numba loops over plain arrays.

    ∂ρ/∂t + (1/A) ∂(A ρ v)/∂r = 0
    ∂(ρv)/∂t + (1/A) ∂(A ρ v²)/∂r + ∂(P_g + P_c)/∂r = 0
    ∂E/∂t + (1/A) ∂[A (E + P_g) v]/∂r = −v ∂P_c/∂r,        E = ρv²/2 + P_g/(γ − 1)

Godunov fluxes: limited linear states on both sides of a face and the HLLC solution between them (Toro 1994), driven by the total
pressure. Within a fan the gas feels P_c as a constant, so its internal energy per mass behind a wave is e + ½ (S − v)² + P_g (S −
v)/q, q = ρ (S_K − v): positive however large P_c is. A pressure that diffuses across a cell within a step, D k² Δt ≫ 1, neither
carries sound nor jumps: of the differences of P_c between the two sides of a face only the part counts that sound can keep up.
The work of the CRs is P_c Δ(A w) in each cell, with the velocity w that carries them through the faces: what the gas receives is
what they lose, by the same number. Arrays of a line: gas (3, n) = ρ, ρv, E; P (n,) = P_c; closed (2,), whether its
ends are walls; own (2,), the first and the cell past the last of those that count in sums: where a line is cut, two more on either
side belong to other ranks, and what is found for them means nothing. All in CGS units.
"""

import numpy as np

from hpccr.jit import kernel


@kernel(inline="always")
def _limited(low, mid, high, x, k, left, right):
    """The monotonised central slope at x[k]: the values at the faces stay between those of the neighbours, wherever in the cell
    x[k] lies (Mignone 2014)."""
    below, above = mid - low, high - mid
    if below * above <= 0.0:
        return 0.0
    mean = (below / (x[k] - x[k - 1]) * (x[k + 1] - x[k]) + above / (x[k + 1] - x[k]) * (x[k] - x[k - 1])) / (x[k + 1] - x[k - 1])
    a, b = below / (x[k] - left), above / (right - x[k])
    return min(mean, min(a, b)) if mean > 0.0 else max(mean, max(a, b))


@kernel(inline="always")
def _harmonic(low, mid, high, x, k, left, right):
    """Van Leer's slope (Mignone 2014, equation 37): of an exponential, as CRs are ahead of a front, both sides of a face are then
    the same."""
    below, above = (mid - low) / (x[k] - x[k - 1]), (high - mid) / (x[k + 1] - x[k])
    product, a, b = below * above, (x[k] - x[k - 1]) / (x[k] - left), (x[k + 1] - x[k]) / (right - x[k])
    if product <= 0.0:
        return 0.0
    return product * (b * below + a * above) / (below * below + (a + b - 2.0) * product + above * above)


@kernel
def held(gas, P, drift, line, closed, own, rate, w, divergence, tally):
    """As `rates`, for gas that does not move: its velocity carries the CRs, but their work on it stays with whoever holds it."""
    n = P.shape[0]
    faces, area, volume = line[0], line[1], line[2, :n]
    w[0] = 0.0 if closed[0] else gas[1, 0] / gas[0, 0]
    w[n] = 0.0 if closed[1] else gas[1, n - 1] / gas[0, n - 1]
    for j in range(n - 1):
        w[j + 1] = 0.5 * (gas[1, j] / gas[0, j] + gas[1, j + 1] / gas[0, j + 1])
    rate[:] = 0.0
    tally[:] = 0.0
    for j in range(n):
        divergence[j] = (area[j + 1] * w[j + 1] - area[j] * w[j]) / volume[j]
    for j in range(own[0], own[1]):
        tally[WORK] += volume[j] * P[j] * divergence[j]
        tally[FASTEST] = max(tally[FASTEST], max(abs(w[j]), abs(w[j + 1])) / (faces[j + 1] - faces[j]) + drift[j])


@kernel
def states(gas, P, x, faces, closed, law, side):
    """side (2, 4, n + 1): ρ, v, P_g, P_c on the left (0) and the right (1) of each face; P (n,) = P_c, x (n,) centroids.

    law : (2,) γ, and 1 for linear, 0 for constant states in a cell. The velocity within a cell varies by no more than the thermal
    speed, √(P_g/ρ): more would be heat that the cell does not have.
    """
    gamma, sharp = law[0], law[1]
    n = P.shape[0]
    q, at = np.empty((4, n + 2)), np.empty(n + 2)
    for j in range(n):
        q[0, j + 1] = gas[0, j]
        q[1, j + 1] = gas[1, j] / gas[0, j]
        q[2, j + 1] = (gamma - 1.0) * (gas[2, j] - 0.5 * gas[1, j] * gas[1, j] / gas[0, j])
        q[3, j + 1] = P[j]
        at[j + 1] = x[j]
    at[0], at[n + 1] = 2.0 * faces[0] - x[0], 2.0 * faces[n] - x[n - 1]
    for k in (2, 0, 1, 3):
        # Beyond a wall lies the mirror image, beyond an open end more of the same.
        q[k, 0] = -q[k, 1] if k == 1 and closed[0] else q[k, 1]
        q[k, n + 1] = -q[k, n] if k == 1 and closed[1] else q[k, n]
        for j in range(n):
            if k == 3:
                slope = sharp * _harmonic(q[k, j], q[k, j + 1], q[k, j + 2], at, j + 1, faces[j], faces[j + 1])
            else:
                slope = sharp * _limited(q[k, j], q[k, j + 1], q[k, j + 2], at, j + 1, faces[j], faces[j + 1])
            if k == 1:
                most = 2.0 * np.sqrt(q[2, j + 1] / q[0, j + 1]) / (faces[j + 1] - faces[j])
                slope = min(max(slope, -most), most)
            side[1, k, j] = q[k, j + 1] + slope * (faces[j] - at[j + 1])
            side[0, k, j + 1] = q[k, j + 1] + slope * (faces[j + 1] - at[j + 1])
        mirror = -1.0 if k == 1 else 1.0
        side[0, k, 0] = mirror * side[1, k, 0] if closed[0] else side[1, k, 0]
        side[1, k, n] = mirror * side[0, k, n] if closed[1] else side[0, k, n]


@kernel
def fluxes(side, gas, P, soft, hard, closed, gamma, flux, w):
    """flux (6, n + 1): mass, momentum with the total pressure, energy of the gas alone, P_c on the face, heat to the left and to
    the right; by HLLC. side as in `states`. w (n + 1,): see below.

    The CRs are carried by w, the mean of both cells, and as much of the contact's difference from it as sound carries the
    pressure; less where that does not dissipate. Their work at a face is −w (P_R − P_L), that on the motion of the two cells −v_L
    (P* − P_L) − v_R (P_R − P*), P* the mean. What is left, −(w − v̄) (P_R − P_L), heats the cells, each by its own part; but
    where one would cool what the other heats, the two are set off against each other. So diffusing CRs do not cool the gas,
    however cold it is.
    soft (n,) = Σ γ_i P_i over the momenta whose pressure a sound wave of the size of a cell compresses: with γ P_g it sets the
    speed of sound. hard (n,): over all.
    """
    n = soft.shape[0]
    for k in range(n + 1):
        a, b = max(k - 1, 0), min(k, n - 1)
        rL, vL, gL = side[0, 0, k], side[0, 1, k], side[0, 2, k]
        rR, vR, gR = side[1, 0, k], side[1, 1, k], side[1, 2, k]
        cL, cR = np.sqrt((gamma * gL + soft[a]) / rL), np.sqrt((gamma * gR + soft[b]) / rR)
        kept = (soft[a] + soft[b]) / (hard[a] + hard[b] + 1e-300)
        mean, half = 0.5 * (P[a] + P[b]), 0.5 * kept * (side[1, 3, k] - side[0, 3, k])
        pL, pR = mean - half, mean + half
        SL, SR = min(vL - cL, vR - cR), max(vL + cL, vR + cR)
        qL, qR = rL * (SL - vL), rR * (SR - vR)
        S = (gR + pR - gL - pL + qL * vL - qR * vR) / (qL - qR)
        p = gL + pL + qL * (S - vL)
        left = S >= 0.0
        r, v, g, pc = (rL, vL, gL, pL) if left else (rR, vR, gR, pR)
        SK, q = (SL, qL) if left else (SR, qR)
        E = 0.5 * r * v * v + g / (gamma - 1.0)
        if (left and SL >= 0.0) or (not left and SR <= 0.0):
            S, flux[0, k], flux[1, k], flux[2, k] = v, r * v, r * v * v + g + mean, v * (E + g)
        else:
            # Between the outer waves the total pressure has worked on the gas; through the face only the gas's own does.
            star = q / (SK - S)
            E = (E * (SK - v) - g * v + (p - pc) * S) / (SK - S)
            flux[0, k], flux[1, k], flux[2, k] = star * S, star * S * S + p, S * (E + p - mean)
        v_L, v_R = gas[1, a] / gas[0, a], gas[1, b] / gas[0, b]
        w[k] = 0.5 * (v_L + v_R)
        if a < b:
            w[k] += (kept if (P[b] - P[a]) * (S - w[k]) < 0.0 else kept**3) * (S - w[k])
        else:
            w[k] = S
        flux[3, k] = mean
        if k == 0 and closed[0] or k == n and closed[1]:
            # Exactly: rounding must not let anything through a wall.
            w[k] = flux[0, k] = flux[2, k] = 0.0
        to_left = -(w[k] - v_L) * (mean - P[a]) if k > 0 else 0.0
        to_right = -(w[k] - v_R) * (P[b] - mean) if k < n else 0.0
        if to_left * to_right < 0.0:
            both = to_left + to_right
            to_left, to_right = (both, 0.0) if both * to_left > 0.0 else (0.0, both)
        flux[4, k], flux[5, k] = to_left, to_right


# What is added up: Σ V P_c ∇·w, what leaves of mass, energy and momentum, push of P_c and of P_g on the sides, and, not here, what waves
# give; and the fastest signal.
WORK, MASS_OUT, E_OUT, P_OUT, PUSH_RAYS, PUSH_GAS, WAVES, FASTEST = range(8)


@kernel
def rates(gas, P, soft, hard, drift, line, closed, law, own, rate, w, divergence, tally):
    """rate (3, n) = −Δ(A flux)/V + the pressures on the sides of a widening cell + the work of the CRs, of which they lose P_c ∇·w.

    line : (4, n + 1) faces, areas, and, in n cells, volumes, centroids.  w (n + 1,) [cm/s], divergence (n,) = Δ(A w)/V [1/s],
    tally (8,): results. law as in `states`, soft and hard as in `fluxes`; drift (n,) [1/s] is added to a cell's fastest signal.
    """
    n, gamma = P.shape[0], law[0]
    faces, area, volume, x = line[0], line[1], line[2, :n], line[3, :n]
    side, flux = np.empty((2, 4, n + 1)), np.empty((6, n + 1))
    states(gas, P, x, faces, closed, law, side)
    fluxes(side, gas, P, soft, hard, closed, gamma, flux, w)
    tally[:] = 0.0
    for k in range(3):
        for j in range(n):
            rate[k, j] = (area[j] * flux[k, j] - area[j + 1] * flux[k, j + 1]) / volume[j]
    for j in range(n):
        divergence[j] = (area[j + 1] * w[j + 1] - area[j] * w[j]) / volume[j]
        # The pressure that balances a gas at rest: that of the cell itself.
        widening = area[j + 1] - area[j]
        v = gas[1, j] / gas[0, j]
        P_g = (gamma - 1.0) * (gas[2, j] - 0.5 * gas[1, j] * v)
        rate[1, j] += (P_g + P[j]) * widening / volume[j]
        force = -(area[j + 1] * (flux[3, j + 1] - P[j]) + area[j] * (P[j] - flux[3, j]))
        rate[2, j] += (v * force + area[j + 1] * flux[4, j + 1] + area[j] * flux[5, j]) / volume[j]
        if j < own[0] or j >= own[1]:
            continue
        tally[WORK] += volume[j] * P[j] * divergence[j]
        tally[PUSH_RAYS] += P[j] * widening
        tally[PUSH_GAS] += P_g * widening
        c = np.sqrt(max(gamma * P_g + soft[j], 0.0) / gas[0, j])
        signal = (max(abs(v), max(abs(w[j]), abs(w[j + 1]))) + c) / (faces[j + 1] - faces[j])
        tally[FASTEST] = max(tally[FASTEST], signal + drift[j])
    for k, out in ((0, -area[0] if own[0] == 0 else 0.0), (n, area[n] if own[1] == n else 0.0)):
        tally[MASS_OUT] += out * flux[0, k]
        tally[P_OUT] += out * flux[1, k]
        tally[E_OUT] += out * (flux[2, k] + w[k] * flux[3, k])


@kernel
def bend(first, second, last, gamma, own):
    """How far the internal energy bends away from the straight line through the second stage of a step: sum of squares over cells.

    Relative to its end and a tenth of the kinetic energy, beside which it is known no better. first, second, last : (3, n), the gas
    before the step, at its second stage, and after it.
    """
    total = 0.0
    for j in range(own[0], own[1]):
        a = first[2, j] - 0.5 * first[1, j] * first[1, j] / first[0, j]
        b = second[2, j] - 0.5 * second[1, j] * second[1, j] / second[0, j]
        c = last[2, j] - 0.5 * last[1, j] * last[1, j] / last[0, j]
        total += ((c - a - (b - a) / gamma) / (c + 0.1 * (last[2, j] - c))) ** 2
    return total
