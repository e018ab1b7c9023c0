"""Self-generated Alfvén waves on faces: numba loops over plain arrays, layout as in line_kernels.

The unknown is w = ln(I/I_b), I_b the background of one direction. Then I stays positive by itself, no
waves grow without a gradient to the last bit, and without damping the wave equation is *linear* in the
flux of CRs: what a Runge-Kutta or Rosenbrock method keeps of it, it keeps to round-off.
Up to two directions σ = ±1; the waves of all directions scatter, D = D_ISM I_0/ΣI.
"""

import numpy as np

from hpccr.jit import kernel

# exp(w) beyond this would overflow; D is zero there long before.
W_MAX = 300.0


@kernel
def scatter(u, waves, gj, gi, D_ism, D):
    """D on faces: D_ISM n/Σ exp(w_k); D_ism : (lanes,); D : (nodes + 1, lanes), face j at node j − 1."""
    faces, lanes = D.shape
    n = len(waves)
    for j in range(faces):
        row = gj + j - 1
        if row < 0:
            for i in range(lanes):
                D[j, i] = D_ism[i]
            continue
        for i in range(lanes):
            total = 0.0
            for k in range(n):
                total += np.exp(min(u[row, waves[k], gi + i], W_MAX))
            D[j, i] = D_ism[i] * n / total


@kernel
def scatter_derivative(u, waves, k, gj, gi, D, dD):
    """∂D/∂w_k = −D exp(w_k)/Σ exp(w_l) on faces."""
    faces, lanes = D.shape
    for j in range(faces):
        row = gj + j - 1
        if row < 0:
            dD[j, :] = 0.0
            continue
        for i in range(lanes):
            total = 0.0
            for m in range(len(waves)):
                total += np.exp(min(u[row, waves[m], gi + i], W_MAX))
            dD[j, i] = -D[j, i] * np.exp(min(u[row, waves[k], gi + i], W_MAX)) / total


@kernel
def wave_balance(u, p, waves, k, sign, gj, gi, growth, gradient, gamma, gamma_I, b_left, b_right, ends, nodes_on, r):
    """dw_k/dt = G max(0, −σ ∂P/∂x) e^{−w} − 2γ(1 − e^{−w}) − 2γ_I(T − e^{−w}),  T = Σ I/I_0.

    growth : (lanes,) = g V_A/I_b.  gradient : (nodes,) = 1/Δx of the face right of a node, zero where closed.
    gamma, gamma_I : (lanes,) linear rate, and the non-linear Landau rate at I_0.
    ends : local numbers of the first and of the last node with a wave; nodes_on : the same of this rank.
    """
    lanes, n = r.shape[2], len(waves)
    f = waves[k]
    top = u.shape[0] - 1
    for j in range(nodes_on[0], nodes_on[1] + 1):
        at_left, at_right = j == ends[0], j == ends[1]
        row, up = gj + j, min(gj + j + 1, top)
        for i in range(lanes):
            lo = b_left[i] if at_left else u[row, p, gi + i]
            hi = b_right[i] if at_right else u[up, p, gi + i]
            w = min(u[row, f, gi + i], W_MAX)
            decay, total = np.exp(-w), 0.0
            for m in range(n):
                total += np.exp(min(u[row, waves[m], gi + i], W_MAX))
            r[j, f, i] += (growth[i] * max(0.0, -sign * gradient[j] * (hi - lo)) * decay
                           - 2.0 * gamma[i] * (1.0 - decay) - 2.0 * gamma_I[i] * (total / n - decay))


@kernel
def wave_balance_jacobian(u, p, waves, k, sign, gj, gi, growth, gradient, gamma, gamma_I, b_left, b_right,
                          ends, nodes_on, diag, upper):
    """−∂r/∂u of `wave_balance`."""
    lanes, n = diag.shape[3], len(waves)
    f = waves[k]
    top = u.shape[0] - 1
    for j in range(nodes_on[0], nodes_on[1] + 1):
        at_left, at_right = j == ends[0], j == ends[1]
        row, up = gj + j, min(gj + j + 1, top)
        on_lo, on_hi = 0.0 if at_left else 1.0, 0.0 if at_right else 1.0
        for i in range(lanes):
            lo = b_left[i] if at_left else u[row, p, gi + i]
            hi = b_right[i] if at_right else u[up, p, gi + i]
            decay = np.exp(-min(u[row, f, gi + i], W_MAX))
            drive = -sign * gradient[j] * (hi - lo)
            slope = growth[i] * decay * sign * gradient[j] if drive > 0.0 else 0.0
            diag[j, f, p, i] -= on_lo * slope
            upper[j, f, p, i] += on_hi * slope
            diag[j, f, f, i] += (growth[i] * max(0.0, drive) + 2.0 * gamma[i] + 2.0 * gamma_I[i]) * decay
        for m in range(n):
            for i in range(lanes):
                diag[j, f, waves[m], i] += 2.0 * gamma_I[i] * np.exp(min(u[row, waves[m], gi + i], W_MAX)) / n
