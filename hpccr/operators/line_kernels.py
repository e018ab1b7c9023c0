"""Fluxes along the line axis: numba loops over plain arrays.

Arrays are u[j, f, i] (node, field, lane). `u` may carry ghost nodes: (gj, gi) is the place of this rank's
first node in it. Face j is the one left of this rank's node j, between nodes j − 1 and j. The innermost
loop runs over contiguous lanes, many lines at once.
"""

import numpy as np

from hpccr.jit import kernel


@kernel
def diffuse_line(u, f, gj, gi, D, conductance, inverse_volume, b_left, b_right, left_end, right_end, r):
    """r += −(1/V) Δ(A F), F = −D ∂u/∂x, with two-point gradients.

    D : (nodes + 1, lanes) on faces; conductance : (nodes + 1,) = A/Δx, zero where closed.
    b_left, b_right : (lanes,) values at the ends; left_end, right_end : local face numbers of the ends.
    """
    nodes, lanes = r.shape[0], r.shape[2]
    for j in range(nodes + 1):
        if conductance[j] == 0.0:
            continue
        # Only these two faces touch a reservoir, whose slot holds a content and no boundary value.
        from_left, from_right = j == left_end, j == right_end
        for i in range(lanes):
            lo = b_left[i] if from_left else u[gj + j - 1, f, gi + i]
            hi = b_right[i] if from_right else u[gj + j, f, gi + i]
            flux = -conductance[j] * D[j, i] * (hi - lo)
            if j > 0:
                r[j - 1, f, i] -= flux * inverse_volume[j - 1]
            if j < nodes:
                r[j, f, i] += flux * inverse_volume[j]


@kernel
def diffuse_line_jacobian(f, D, conductance, inverse_volume, left_end, right_end, lower, diag, upper):
    """−∂r/∂u of `diffuse_line` at constant D, added to the blocks."""
    nodes, lanes = diag.shape[0], diag.shape[3]
    for j in range(nodes + 1):
        if conductance[j] == 0.0:
            continue
        lo, hi = 0.0 if j == left_end else 1.0, 0.0 if j == right_end else 1.0
        for i in range(lanes):
            g = conductance[j] * D[j, i]
            if j > 0:
                diag[j - 1, f, f, i] += lo * g * inverse_volume[j - 1]
                upper[j - 1, f, f, i] -= hi * g * inverse_volume[j - 1]
            if j < nodes:
                diag[j, f, f, i] += hi * g * inverse_volume[j]
                lower[j, f, f, i] -= lo * g * inverse_volume[j]


@kernel
def diffuse_line_jacobian_of_D(u, f, w, gj, gi, dD, conductance, inverse_volume, b_left, b_right,
                               left_end, right_end, lower, diag):
    """−∂r/∂u_w of `diffuse_line` through D(u_w), with the staggered field w on the same face (node j − 1)."""
    nodes, lanes = diag.shape[0], diag.shape[3]
    for j in range(nodes + 1):
        if conductance[j] == 0.0:
            continue
        from_left, from_right = j == left_end, j == right_end
        for i in range(lanes):
            lo = b_left[i] if from_left else u[gj + j - 1, f, gi + i]
            hi = b_right[i] if from_right else u[gj + j, f, gi + i]
            change = -conductance[j] * dD[j, i] * (hi - lo)
            if j > 0:
                diag[j - 1, f, w, i] += change * inverse_volume[j - 1]
            if j < nodes:
                lower[j, f, w, i] -= change * inverse_volume[j]


@kernel
def advect_line(u, f, gj, gi, speed, x, faces, inverse_volume, b_left, b_right, first, last, limited, r):
    """r += −(1/V) Δ(S û): upwind, with van Leer's limited slope for second order.

    speed : (nodes + 1, lanes) = A V on faces.  x : (nodes + 4,) node positions, x[j + 2] of node j.
    faces : (nodes + 1,) face positions.  first, last : local numbers of the first and last node that
    carries a value; beyond them b_left and b_right flow in.  limited : 1 for second order, 0 for first.
    """
    nodes, lanes, top = r.shape[0], r.shape[2], u.shape[0] - 1
    for j in range(nodes + 1):
        a, b = j - 1, j
        if b < first or a > last:
            continue
        has_a, has_b = a >= first, b <= last
        # A slope needs both neighbours; next to an end the scheme is first order.
        slope_a = limited if a - 1 >= first and b <= last else 0.0
        slope_b = limited if a >= first and b + 1 <= last else 0.0
        ja, jb = max(gj + a, 0), min(gj + b, top)
        jaa, jbb = max(ja - 1, 0), min(jb + 1, top)
        h0, h1, h2 = x[a + 2] - x[a + 1], x[b + 2] - x[a + 2], x[b + 3] - x[b + 2]
        h0, h1, h2 = max(h0, 1e-300), max(h1, 1e-300), max(h2, 1e-300)
        da, db = faces[j] - x[a + 2], faces[j] - x[b + 2]
        for i in range(lanes):
            ua, ub = u[ja, f, gi + i], u[jb, f, gi + i]
            s0, s1, s2 = (ua - u[jaa, f, gi + i]) / h0, (ub - ua) / h1, (u[jbb, f, gi + i] - ub) / h2
            pa, pb = s0 * s1, s1 * s2
            ra = ua + (2.0 * slope_a * da * pa / (s0 + s1) if pa > 0.0 else 0.0)
            rb = ub + (2.0 * slope_b * db * pb / (s1 + s2) if pb > 0.0 else 0.0)
            ra = ra if has_a else b_left[i]
            rb = rb if has_b else b_right[i]
            flux = speed[j, i] * (ra if speed[j, i] >= 0.0 else rb)
            if j > 0:
                r[j - 1, f, i] -= flux * inverse_volume[j - 1]
            if j < nodes:
                r[j, f, i] += flux * inverse_volume[j]


@kernel
def advect_line_jacobian(f, speed, inverse_volume, first, last, lower, diag, upper):
    """−∂r/∂u of the first-order upwind part of `advect_line` (the slopes are left to the W-method)."""
    nodes, lanes = diag.shape[0], diag.shape[3]
    for j in range(nodes + 1):
        if j < first or j - 1 > last:
            continue
        has_a, has_b = 1.0 if j - 1 >= first else 0.0, 1.0 if j <= last else 0.0
        for i in range(lanes):
            out = has_a * max(speed[j, i], 0.0)
            back = has_b * min(speed[j, i], 0.0)
            if j > 0:
                diag[j - 1, f, f, i] += out * inverse_volume[j - 1]
                upper[j - 1, f, f, i] += back * inverse_volume[j - 1]
            if j < nodes:
                lower[j, f, f, i] -= out * inverse_volume[j]
                diag[j, f, f, i] -= back * inverse_volume[j]


@kernel
def react(u, f, gj, gi, rate, source, first, last, r):
    """r += S − L u on nodes first…last; rate, source : (nodes, lanes)."""
    lanes = r.shape[2]
    for j in range(first, last + 1):
        for i in range(lanes):
            r[j, f, i] += source[j, i] - rate[j, i] * u[gj + j, f, gi + i]


@kernel
def react_jacobian(f, rate, first, last, diag):
    """−∂r/∂u of `react`."""
    for j in range(first, last + 1):
        for i in range(diag.shape[3]):
            diag[j, f, f, i] += rate[j, i]


@kernel
def line_flux(u, f, gj, gi, D, conductance, b_left, b_right, left_end, right_end):
    """The diffusive A F through every face left of a node: array (nodes + 1, lanes)."""
    faces, lanes = D.shape
    flux = np.zeros((faces, lanes))
    for j in range(faces):
        if conductance[j] == 0.0:
            continue
        for i in range(lanes):
            lo = b_left[i] if j == left_end else u[gj + j - 1, f, gi + i]
            hi = b_right[i] if j == right_end else u[gj + j, f, gi + i]
            flux[j, i] = -conductance[j] * D[j, i] * (hi - lo)
    return flux
