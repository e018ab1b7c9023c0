"""Heat along one line: conduction and radiation solved together, implicitly, by Newton's method on one tridiagonal system.

    c_v T − h [(1/A) ∂/∂r (A K(T) ∂T/∂r) + n (Γ − n Λ(T))] = e,      c_v = n k_B/(γ − 1)

with e the internal energy that all else leaves. What is radiated is what remains of the equation once it is solved, so energy balances
to rounding however far Newton's method was carried. K is that of Parker (1953), Λ that of Koyama & Inutsuka (2002) or of a table.
"""

import numpy as np

from hpccr.jit import kernel
from hpccr.physics.conduction import parker
from hpccr.physics.cooling import lookup

# What `warm` adds up: Σ V of what waves gave, of what was radiated (both times h).
GIVEN, RADIATED = range(2)


@kernel(inline="always")
def _iterate(low, top, gas, e, law, line, gaps, table, values, T, K, work):
    """One iteration for T in the cells low … top − 1, between neighbours that stay; the stretch in which T has changed by more
    than 10⁻⁶: (first, past the last)."""
    n, c, mass, gamma, h = T.shape[0], law[0], law[1], law[2], law[5]
    area, volume, right, high, ln_T = line[1], line[2, :n], work[0], work[1], work[2]
    if law[4] > 0.0:
        for j in range(max(low - 1, 0), min(top + 1, n)):
            right[j] = parker(T[j])
        for j in range(max(low, 1), min(top + 1, n)):
            K[j] = 0.5 * h * (right[j - 1] + right[j]) * area[j] / gaps[j]
    for j in range(low, top):
        ln_T[j] = np.log(T[j])
    last_high, last_right, after = 0.0, T[low - 1] if low > 0 else 0.0, T[top] if top < n else 0.0
    for j in range(low, top):
        diag, b = c * gas[0, j] * volume[j], e[j] * volume[j]
        if law[3] > 0.0:
            L, slope = lookup(ln_T[j], table[0], table[1], values)
            density = gas[0, j] / mass
            hn = h * density * volume[j]
            # Where gas is thermally unstable a long step must not turn the system over.
            slope = max(hn * density * slope / T[j], -0.5 * diag)
            b += hn * (gamma - density * L) + slope * T[j]
            diag += slope
        m = 1.0 / (diag + K[j + 1] + K[j] * (1.0 - last_high))
        last_right, last_high = (b + K[j] * last_right) * m, K[j + 1] * m
        right[j], high[j] = last_right, last_high
    first, past = n, 0
    for j in range(top - 1, low - 1, -1):
        after = right[j] + high[j] * after
        new = max(after, 0.1 * T[j])
        if abs(new - T[j]) > 1e-6 * new:
            first, past = j, max(past, j + 1)
        T[j] = new
    return first, past


@kernel
def warm(gas, before, lost, law, line, gaps, table, values, added, tally):
    """An implicit stage of the gas: gas (3, n), whose E holds all but the heat of this stage, gets its E. Returns the number of
    iterations, negative if there is no solution.

    before : a state whose temperature is the guess.  lost (n,) h × heat from waves [erg/cm³].
    law : (6,) k_B/((γ − 1) m), mass m [g], Γ [erg/s], whether there is radiation, conduction, and h [s].
    line, gaps : areas and volumes as in gas_kernels.rates, distance of midpoints (n + 1,), 0 at the ends, which conduct nothing.
    table, values : (ln T_first, 1/step) and the values of Λ.  added (n,) ← h × all of the heat; tally (2,).
    """
    n, c, volume = lost.shape[0], law[0], line[2, :lost.shape[0]]
    T, K, e, work = np.empty(n), np.zeros(n + 1), np.empty(n), np.empty((3, n))
    for j in range(n):
        e[j] = gas[2, j] - 0.5 * gas[1, j] * gas[1, j] / gas[0, j] + lost[j]
        T[j] = max((before[2, j] - 0.5 * before[1, j] * before[1, j] / before[0, j]) / (c * before[0, j]), 1e-3)
    iterations, low, top = 0, 0, n
    while low < top and iterations < 40:
        iterations += 1
        first, past = _iterate(low, top, gas, e, law, line, gaps, table, values, T, K, work)
        # Only the stretch in which T still changes is solved again; without radiation nothing takes up what a stretch alone leaves over.
        low, top = max(first - 1, 0), min(past + 1, n)
        if law[3] == 0.0 and low < top:
            low, top = 0, n
    tally[:] = 0.0
    for j in range(n):
        rest = c * gas[0, j] * T[j]
        # What is not conducted is radiated: so the sum is right however far the iteration was carried.
        flow = (K[j + 1] * (T[j + 1] - T[j]) if j + 1 < n else 0.0) - (K[j] * (T[j] - T[j - 1]) if j > 0 else 0.0)
        tally[GIVEN] += volume[j] * lost[j]
        if law[3] > 0.0:
            tally[RADIATED] += (e[j] - rest) * volume[j] + flow
        added[j] = rest - e[j] + lost[j]
        gas[2, j] += added[j]
        if not T[j] > 0.0:
            return -1
    return iterations if low >= top else -iterations
