"""Heat along one line: conduction and radiation solved together, implicitly, by Newton's method on one tridiagonal system.

    c_v T − h [(1/A) ∂/∂r (A K(T) ∂T/∂r) + n (Γ − n Λ(T))] = e,      c_v = n k_B/(γ − 1)

with e the internal energy that all else leaves. What is radiated is what remains of the equation once it is solved, so energy balances
to rounding however far Newton's method was carried.
"""

import numpy as np

from hpccr.jit import kernel
from hpccr.physics.conduction import parker
from hpccr.physics.cooling import lookup


@kernel
def heat(e, n, h, gas_law, area, volume, gaps, first, per_step, values, T, K, conducted, radiated):
    """Solve for T (n,) [K] in place (it begins as the guess); returns the number of iterations, negative if it did not converge.

    e (n,) [erg/cm³]; n (n,) [1/cm³]; h [s]; gas_law (4,) = k_B/(γ − 1), Γ [erg/s], whether there is radiation, conduction; gaps (n + 1,) distance of midpoints,
    0 at the ends, which conduct nothing; first, per_step, values: the table of Λ over ln T; K (n + 1,), conducted (n,), radiated (n,) [erg/(cm³ s)]: results.
    """
    cells = e.shape[0]
    c, gamma, cools, conducts = gas_law[0], gas_law[1], gas_law[2] > 0.0, gas_law[3] > 0.0
    high, right = np.empty(cells), np.empty(cells)
    iterations, change = 0, 1.0
    K[0] = K[cells] = 0.0
    if not cools and not conducts:
        for j in range(cells):
            T[j] = e[j] / (c * n[j])
            conducted[j] = radiated[j] = 0.0
        return 1
    while change > 1e-7 and iterations < 40:
        iterations += 1
        if conducts:
            here = parker(T[0])
            for j in range(1, cells):
                ahead = parker(T[j])
                K[j] = 0.5 * (here + ahead) * area[j] / gaps[j]
                here = ahead
        change = 0.0
        for j in range(cells):
            diag, b = c * n[j], e[j]
            if cools:
                L, slope = lookup(np.log(T[j]), first, per_step, values)
                nn = h * n[j] * n[j]
                # Where gas is thermally unstable a long step must not turn the system over.
                slope = max(nn * slope / T[j], -0.5 * diag)
                b += h * n[j] * gamma - nn * L + slope * T[j]
                diag += slope
            up, down = h * K[j + 1] / volume[j], h * K[j] / volume[j]
            diag += up + down
            m = 1.0 / (diag - down * high[j - 1]) if j > 0 else 1.0 / diag
            right[j] = (b + down * right[j - 1]) * m if j > 0 else b * m
            high[j] = up * m
        after = 0.0
        for j in range(cells - 1, -1, -1):
            new = right[j] + high[j] * after
            after = new
            new = max(new, 0.1 * T[j])
            change = max(change, abs(new - T[j]) / new)
            T[j] = new
    for j in range(cells):
        up = K[j + 1] * (T[j + 1] - T[j]) if j + 1 < cells else 0.0
        down = K[j] * (T[j] - T[j - 1]) if j > 0 else 0.0
        conducted[j] = (up - down) / volume[j]
        radiated[j] = (c * n[j] * T[j] - e[j]) / h - conducted[j] if cools else 0.0
    return iterations if change <= 1e-7 else -iterations
