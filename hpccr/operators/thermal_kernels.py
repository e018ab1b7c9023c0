"""Heat along one line: conduction and radiation solved together, implicitly, by Newton's method on one tridiagonal system.

    c_v T − h [(1/A) ∂/∂r (A K(T) ∂T/∂r) + n (Γ − n Λ(T))] = e,      c_v = n k_B/(γ − 1)

with e the internal energy that all else leaves. What is radiated is what remains of the equation once it is solved, so energy balances
to rounding however far Newton's method was carried. K is that of Parker (1953), Λ that of Koyama & Inutsuka (2002) or of a table.

Arrays of a line: gas (3, n), ρ, ρv, E; line, gaps: areas and volumes as in gas_kernels.rates, distance of midpoints (n + 1,), 0 at the
ends, which conduct nothing; T (n,) [K]; e (n,) [erg/cm³]; K (n + 1,), h A K/Δr on faces. own (2,): the first and the cell past the last
that are solved for, which have lost, added (own cells,). law : (6,) k_B/((γ − 1) m), mass m [g], Γ [erg/s], whether there is radiation,
conduction, and h [s]. table, values : (ln T_first, 1/step) and the values of Λ.
"""

import numpy as np

from hpccr.jit import kernel
from hpccr.physics.conduction import parker
from hpccr.physics.cooling import lookup

# What is added up: Σ V of what waves gave, of what was radiated (both times h).
GIVEN, RADIATED = range(2)
# T has changed where it has by more than this part; it falls to no less than this part of itself in an iteration.
_CHANGED, _LEAST = 1e-6, 0.1


@kernel
def begin(gas, before, lost, law, own, T, e):
    """e ← what all else leaves, with h × heat from waves, lost [erg/cm³]; T ← that of `before`, a state with the cells of other ranks."""
    c = law[0]
    for j in range(T.shape[0]):
        T[j] = max((before[2, j] - 0.5 * before[1, j] * before[1, j] / before[0, j]) / (c * before[0, j]), 1e-3)
    for j in range(own[0], own[1]):
        e[j] = gas[2, j] - 0.5 * gas[1, j] * gas[1, j] / gas[0, j] + lost[j - own[0]]


@kernel(inline="always")
def _conduct(low, top, law, line, gaps, T, K, work):
    """K on the faces low … top."""
    if law[4] > 0.0:
        area, n = line[1], T.shape[0]
        for j in range(max(low - 1, 0), min(top + 1, n)):
            work[j] = parker(T[j])
        for j in range(max(low, 1), min(top + 1, n)):
            K[j] = 0.5 * law[5] * (work[j - 1] + work[j]) * area[j] / gaps[j]


@kernel(inline="always")
def _linear(low, top, gas, e, law, line, table, values, T, diag, right):
    """The equations about T in the cells low … top − 1: their diagonal without K, and right sides."""
    c, mass, gamma, h, volume = law[0], law[1], law[2], law[5], line[2]
    for j in range(low, top):
        right[j] = np.log(T[j])
    for j in range(low, top):
        own, b = c * gas[0, j] * volume[j], e[j] * volume[j]
        if law[3] > 0.0:
            L, slope = lookup(right[j], table[0], table[1], values)
            density = gas[0, j] / mass
            hn = h * density * volume[j]
            # Where gas is thermally unstable a long step must not turn the system over.
            slope = max(hn * density * slope / T[j], -0.5 * own)
            b += hn * (gamma - density * L) + slope * T[j]
            own += slope
        diag[j], right[j] = own, b


@kernel(inline="always")
def _iterate(low, top, gas, e, law, line, gaps, table, values, T, K, work):
    """One iteration for T in the cells low … top − 1, between neighbours that stay; the stretch in which T has changed: (first, past
    the last)."""
    n, diag, right, high = T.shape[0], work[0], work[1], work[2]
    _conduct(low, top, law, line, gaps, T, K, right)
    _linear(low, top, gas, e, law, line, table, values, T, diag, right)
    # 1 − high, as a sum: a difference would lose the heat of cells in strong conduction to rounding.
    rest, last_right, after = 1.0, T[low - 1] if low > 0 else 0.0, T[top] if top < n else 0.0
    for j in range(low, top):
        m = 1.0 / (diag[j] + K[j + 1] + K[j] * rest)
        last_right, rest = (right[j] + K[j] * last_right) * m, (diag[j] + K[j] * rest) * m
        right[j], high[j] = last_right, K[j + 1] * m
    first, past = n, 0
    for j in range(top - 1, low - 1, -1):
        after = right[j] + high[j] * after
        new = max(after, _LEAST * T[j])
        if abs(new - T[j]) > _CHANGED * new:
            first, past = j, max(past, j + 1)
        T[j] = new
    return first, past


@kernel
def iterate(gas, e, law, line, gaps, table, values, own, T, K, most):
    """T and K of own cells that no other rank's touch, by at most so many iterations; whether that was enough."""
    work, iterations, low, top = np.empty((3, T.shape[0])), 0, own[0], own[1]
    while low < top and iterations < most:
        iterations += 1
        first, past = _iterate(low, top, gas, e, law, line, gaps, table, values, T, K, work)
        low, top = again(first, past, own[0], own[1], law[3] > 0.0)
    return low >= top


@kernel
def again(first, past, start, stop, radiates):
    """Where T, which has changed in the cells first … past − 1 of start … stop − 1, is to be solved for again: (first, past the last)."""
    if first >= past:
        return stop, stop
    # Without radiation nothing takes up what a stretch alone leaves over.
    return (max(first - 1, start), min(past + 1, stop)) if radiates else (start, stop)


@kernel
def part(gas, e, law, line, gaps, table, values, own, T, K, stretch, answer):
    """One iteration for the own cells of a line that is cut, T in them being answer[0] + answer[1] × T below + answer[2] × T above.

    answer : (3, cells); T holds the cells of other ranks next to the own. Beyond the `stretch` (first, past the last), which
    may lie anywhere, T stays.
    """
    low, top = max(own[0], stretch[0]), min(own[1], stretch[1])
    x, to_below, to_above = answer[0], answer[1], answer[2]
    x[:], to_below[:], to_above[:] = T, 0.0, 0.0
    work = np.empty((3, T.shape[0]))
    diag, right, high = work[0], work[1], work[2]
    if low <= top:
        # Also on a face where the stretch only ends: both ranks must have the same.
        _conduct(low, top, law, line, gaps, T, K, right)
    if low >= top:
        return
    _linear(low, top, gas, e, law, line, table, values, T, diag, right)
    # Next to the part T is unknown only where it is solved for as well.
    below, above = 1.0 if stretch[0] < own[0] else 0.0, 1.0 if stretch[1] > own[1] else 0.0
    # rest = 1 − below − high, as in _iterate.
    last_x, last_below, rest = 0.0 if below > 0.0 or low == 0 else T[low - 1], below, 1.0 - below
    for j in range(low, top):
        m = 1.0 / (diag[j] + K[j + 1] + K[j] * (rest + last_below))
        last_x, last_below, rest = (right[j] + K[j] * last_x) * m, K[j] * last_below * m, (diag[j] + K[j] * rest) * m
        x[j], to_below[j], high[j] = last_x, last_below, K[j + 1] * m
    last_x, last_below, last_above = 0.0 if above > 0.0 or top == T.shape[0] else T[top], 0.0, above
    for j in range(top - 1, low - 1, -1):
        last_x, last_below, last_above = x[j] + high[j] * last_x, to_below[j] + high[j] * last_below, high[j] * last_above
        x[j], to_below[j], to_above[j] = last_x, last_below, last_above


@kernel
def renew(answer, below, above, own, T):
    """T of the own cells ← that of `part` with T below and above; where it has changed: (first, past the last), no cells if nowhere."""
    first, past = T.shape[0], 0
    for j in range(own[0], own[1]):
        new = max(answer[0, j] + answer[1, j] * below + answer[2, j] * above, _LEAST * T[j])
        if abs(new - T[j]) > _CHANGED * new:
            first, past = min(first, j), j + 1
        T[j] = new
    return first, past


@kernel
def close(gas, e, lost, law, line, own, T, K, added, tally):
    """The end of a stage: gas, whose E holds all but its heat, gets its E; added ← h × all of the heat; tally (2,). Whether all
    pressures are positive."""
    n, c, volume, well = T.shape[0], law[0], line[2], True
    tally[:] = 0.0
    for j in range(own[0], own[1]):
        rest, i = c * gas[0, j] * T[j], j - own[0]
        # What is not conducted is radiated: so the sum is right however far the iteration was carried.
        flow = (K[j + 1] * (T[j + 1] - T[j]) if j + 1 < n else 0.0) - (K[j] * (T[j] - T[j - 1]) if j > 0 else 0.0)
        tally[GIVEN] += volume[j] * lost[i]
        if law[3] > 0.0:
            tally[RADIATED] += (e[j] - rest) * volume[j] + flow
        added[i] = rest - e[j] + lost[i]
        gas[2, j] += added[i]
        well &= T[j] > 0.0
    return well
