"""Self-generated Alfvén waves on faces: numba loops over plain arrays, layout as in line_kernels.

The unknown is w = ln(I/I_b), I_b the background of one direction. Then I stays positive by itself, no
waves grow without a gradient to the last bit, and without damping the wave equation is *linear* in the
flux of CRs: what a Runge-Kutta or Rosenbrock method keeps of it, it keeps to round-off.
Up to two directions σ = ±1; the waves of all directions scatter, D = D_ISM I_0/ΣI
(Malkov et al. 2013; Nava et al. 2016). u, r, diag and upper are those of line_kernels; waves: numbers of the wave fields.
"""

import numpy as np

from hpccr.jit import kernel
from hpccr.operators.line_kernels import difference

# Beyond these exp(±w) would overflow. D is zero long before the upper one, and no accepted state comes near the
# lower one, but a stage of a step that is too long (and then rejected) may.
W_MAX, W_MIN = 300.0, -50.0


@kernel(inline="always")
def exp_row(u, row, f, gi, sign, out):
    """out (lanes,) = exp(±w) of one node."""
    w = u[row, f, gi:gi + out.shape[0]]
    for i in range(out.shape[0]):
        out[i] = np.exp(sign * max(min(w[i], W_MAX), W_MIN))


@kernel(inline="always")
def total_row(u, row, waves, gi, part, out):
    """out (lanes,) = ΣI/I_0 = Σ exp(w_k)/n of one node; part (lanes,) is scratch."""
    n = len(waves)
    exp_row(u, row, waves[0], gi, 1.0, out)
    for k in range(1, n):
        exp_row(u, row, waves[k], gi, 1.0, part)
        for i in range(out.shape[0]):
            out[i] += part[i]
    if n > 1:
        for i in range(out.shape[0]):
            out[i] /= n


@kernel
def scatter(u, waves, gj, gi, D_ism, D):
    """D on faces: D_ISM/(ΣI/I_0); D_ism : (lanes,); D : (nodes + 1, lanes), face j at node j − 1."""
    lanes = D.shape[1]
    total, part = np.empty(lanes), np.empty(lanes)
    for j in range(D.shape[0]):
        row = gj + j - 1
        if row < 0:
            D[j, :] = D_ism
            continue
        total_row(u, row, waves, gi, part, total)
        for i in range(lanes):
            D[j, i] = D_ism[i] / total[i]


@kernel
def scatter_derivative(u, waves, k, gj, gi, D_ism, D, dD):
    """∂D/∂w_k = −D exp(w_k)/Σ exp(w_l) on faces; with D itself known, −D² exp(w_k)/(n D_ISM).

    D, dD : (nodes + 1, lanes).  D_ism : (lanes,).
    """
    lanes = D.shape[1]
    part = np.empty(lanes)
    n = len(waves)
    for j in range(D.shape[0]):
        row = gj + j - 1
        if row < 0:
            dD[j, :] = 0.0
        elif n == 1:
            for i in range(lanes):
                dD[j, i] = -D[j, i]
        else:
            exp_row(u, row, waves[k], gi, 1.0, part)
            for i in range(lanes):
                part[i] *= -D[j, i] / (n * D_ism[i])
            for i in range(lanes):
                dD[j, i] = D[j, i] * part[i]


@kernel(inline="always")
def drive_row(u, p, row, gi, slope, least, b_left, b_right, at_left, at_right, out):
    """out (lanes,) = max(least, slope × ΔP) over the face of one node; slope = −σ/Δx."""
    difference(u, p, row + 1, gi, 0, b_left, b_right, at_left, at_right, out)
    for i in range(out.shape[0]):
        out[i] = max(least, slope * out[i])


@kernel
def wave_balance(u, p, waves, k, sign, gj, gi, growth, gradient, least, gamma, gamma_I, b_left, b_right, ends,
                 nodes_on, r):
    """dw_k/dt = G max(least, −σ ∂P/∂x) e^{−w} − 2γ(1 − e^{−w}) − 2γ_I(T − e^{−w}),  T = ΣI/I_0.

    growth : (lanes,) = g V_A/I_b.  gradient : (nodes,) = 1/Δx of the face right of a node, zero where closed.
    least : 0, or −inf where waves give energy back on a rising pressure.
    gamma, gamma_I : (lanes,) linear rate, and the non-linear Landau rate at I_0.
    ends : local numbers of the first and of the last node with a wave; nodes_on : the same of this rank.
    """
    lanes, f = r.shape[2], waves[k]
    drive, decay, total, part = np.empty(lanes), np.empty(lanes), np.empty(lanes), np.empty(lanes)
    for j in range(nodes_on[0], nodes_on[1] + 1):
        row = gj + j
        drive_row(u, p, row, gi, -sign * gradient[j], least, b_left, b_right, j == ends[0], j == ends[1], drive)
        exp_row(u, row, f, gi, -1.0, decay)
        total_row(u, row, waves, gi, part, total)
        for i in range(lanes):
            drive[i] = growth[i] * drive[i] * decay[i]
        for i in range(lanes):
            drive[i] -= 2.0 * gamma[i] * (1.0 - decay[i])
        for i in range(lanes):
            drive[i] -= 2.0 * gamma_I[i] * (total[i] - decay[i])
        for i in range(lanes):
            r[j, f, i] += drive[i]


@kernel
def wave_balance_jacobian(u, p, waves, k, sign, gj, gi, growth, gradient, least, gamma, gamma_I, b_left,
                          b_right, ends, nodes_on, diag, upper):
    """−∂r/∂u of `wave_balance`."""
    lanes, n, f = diag.shape[3], len(waves), waves[k]
    drive, decay = np.empty(lanes), np.empty(lanes)
    for j in range(nodes_on[0], nodes_on[1] + 1):
        row, slope = gj + j, -sign * gradient[j]
        drive_row(u, p, row, gi, slope, least, b_left, b_right, j == ends[0], j == ends[1], drive)
        exp_row(u, row, f, gi, -1.0, decay)
        for i in range(lanes):
            diag[j, f, f, i] += growth[i] * drive[i] * decay[i]
        for i in range(lanes):
            diag[j, f, f, i] += 2.0 * (gamma[i] + gamma_I[i]) * decay[i]
        # drive becomes ∂(growth)/∂P of the right node, zero where nothing grows.
        for i in range(lanes):
            drive[i] = growth[i] * decay[i] * (slope if drive[i] > least else 0.0)
        if j != ends[0]:
            for i in range(lanes):
                diag[j, f, p, i] += drive[i]
        if j != ends[1]:
            for i in range(lanes):
                upper[j, f, p, i] -= drive[i]
        for m in range(n):
            exp_row(u, row, waves[m], gi, 1.0, drive)
            for i in range(lanes):
                diag[j, f, waves[m], i] += 2.0 / n * gamma_I[i] * drive[i]
