"""Fluxes along the line axis: numba loops over plain arrays.

Arrays are u[j, f, i] (node, field, lane). `u` may carry ghost nodes: (gj, gi) is the place of this rank's
first node in it. Face j is the one left of this rank's node j, between nodes j − 1 and j. The innermost
loop runs over contiguous lanes, many lines at once.
r (nodes, fields, lanes) is du/dt on this rank, inverse_volume (nodes,) is 1/V, b_left and b_right (lanes,) are values at the ends;
lower, diag, upper (nodes, fields, fields, lanes) are the blocks of the Jacobian (see system.Blocks). Slopes are limited as by van
Leer (1974).
"""

import numpy as np

from hpccr.jit import kernel


@kernel(inline="always")
def difference(u, f, gj, gi, j, b_left, b_right, from_left, from_right, out):
    """out (lanes,) = the values right minus left of face j.

    Only the faces at the two ends touch a reservoir, whose slot holds a content and no boundary value.
    """
    n = out.shape[0]
    # Slices, whose index is seen to be positive: only then does the compiler use vectors.
    if from_left:
        right = u[gj + j, f, gi:gi + n]
        for i in range(n):
            out[i] = right[i] - b_left[i]
    elif from_right:
        left = u[gj + j - 1, f, gi:gi + n]
        for i in range(n):
            out[i] = b_right[i] - left[i]
    else:
        right, left = u[gj + j, f, gi:gi + n], u[gj + j - 1, f, gi:gi + n]
        for i in range(n):
            out[i] = right[i] - left[i]


@kernel(inline="always")
def pass_through(flux, j, f, inverse_volume, r):
    """What leaves node j − 1 through face j enters node j; flux : (lanes,) = A F."""
    if j > 0:
        for i in range(flux.shape[0]):
            r[j - 1, f, i] -= flux[i] * inverse_volume[j - 1]
    if j < r.shape[0]:
        for i in range(flux.shape[0]):
            r[j, f, i] += flux[i] * inverse_volume[j]


@kernel
def diffuse_line(u, f, gj, gi, D, conductance, inverse_volume, b_left, b_right, left_end, right_end, r):
    """r += −(1/V) Δ(A F), F = −D ∂u/∂x, with two-point gradients.

    D : (nodes + 1, lanes) on faces; conductance : (nodes + 1,) = A/Δx, zero where closed.
    b_left, b_right : (lanes,) values at the ends; left_end, right_end : local face numbers of the ends.
    """
    flux = np.empty(r.shape[2])
    for j in range(r.shape[0] + 1):
        if conductance[j] == 0.0:
            continue
        difference(u, f, gj, gi, j, b_left, b_right, j == left_end, j == right_end, flux)
        for i in range(flux.shape[0]):
            flux[i] *= -conductance[j] * D[j, i]
        pass_through(flux, j, f, inverse_volume, r)


@kernel
def diffuse_line_jacobian(f, D, conductance, inverse_volume, left_end, right_end, lower, diag, upper):
    """−∂r/∂u of `diffuse_line` at constant D, added to the blocks."""
    nodes, lanes = diag.shape[0], diag.shape[3]
    for j in range(nodes + 1):
        if conductance[j] == 0.0:
            continue
        if j > 0:
            lo = 0.0 if j == left_end else conductance[j] * inverse_volume[j - 1]
            hi = 0.0 if j == right_end else conductance[j] * inverse_volume[j - 1]
            for i in range(lanes):
                diag[j - 1, f, f, i] += lo * D[j, i]
            for i in range(lanes):
                upper[j - 1, f, f, i] -= hi * D[j, i]
        if j < nodes:
            lo = 0.0 if j == left_end else conductance[j] * inverse_volume[j]
            hi = 0.0 if j == right_end else conductance[j] * inverse_volume[j]
            for i in range(lanes):
                diag[j, f, f, i] += hi * D[j, i]
            for i in range(lanes):
                lower[j, f, f, i] -= lo * D[j, i]


@kernel
def diffuse_line_jacobian_of_D(u, f, w, gj, gi, dD, conductance, inverse_volume, b_left, b_right,
                               left_end, right_end, lower, diag):
    """−∂r/∂u_w of `diffuse_line` through D(u_w), with the staggered field w on the same face (node j − 1).

    dD : (nodes + 1, lanes) = ∂D/∂u_w on faces.
    """
    nodes, lanes = diag.shape[0], diag.shape[3]
    change = np.empty(lanes)
    for j in range(nodes + 1):
        if conductance[j] == 0.0:
            continue
        difference(u, f, gj, gi, j, b_left, b_right, j == left_end, j == right_end, change)
        for i in range(lanes):
            change[i] *= -conductance[j] * dD[j, i]
        if j > 0:
            for i in range(lanes):
                diag[j - 1, f, w, i] += change[i] * inverse_volume[j - 1]
        if j < nodes:
            for i in range(lanes):
                lower[j, f, w, i] -= change[i] * inverse_volume[j]


@kernel
def advect_line(u, f, gj, gi, speed, x, faces, inverse_volume, b_left, b_right, first, last, limited, r):
    """r += −(1/V) Δ(S û): upwind, with van Leer's limited slope for second order.

    speed : (nodes + 1, lanes) = A V on faces.  x : (nodes + 4,) node positions, x[j + 2] of node j.
    faces : (nodes + 1,) face positions.  first, last : local numbers of the first and last node that
    carries a value; beyond them b_left and b_right flow in.  limited : 1 for second order, 0 for first.
    """
    nodes, lanes, top = r.shape[0], r.shape[2], u.shape[0] - 1
    from_a, from_b = np.empty(lanes), np.empty(lanes)
    for j in range(nodes + 1):
        a, b = j - 1, j
        if b < first or a > last:
            continue
        # A slope needs both neighbours; next to an end the scheme is first order.
        slope_a = 2.0 * limited * (faces[j] - x[a + 2]) if a - 1 >= first and b <= last else 0.0
        slope_b = 2.0 * limited * (faces[j] - x[b + 2]) if a >= first and b + 1 <= last else 0.0
        ja, jb = max(gj + a, 0), min(gj + b, top)
        jaa, jbb = max(ja - 1, 0), min(jb + 1, top)
        h0 = 1.0 / max(x[a + 2] - x[a + 1], 1e-300)
        h1 = 1.0 / max(x[b + 2] - x[a + 2], 1e-300)
        h2 = 1.0 / max(x[b + 3] - x[b + 2], 1e-300)
        uaa, ua = u[jaa, f, gi:gi + lanes], u[ja, f, gi:gi + lanes]
        ub, ubb = u[jb, f, gi:gi + lanes], u[jbb, f, gi:gi + lanes]
        if a >= first:
            for i in range(lanes):
                s0, s1 = (ua[i] - uaa[i]) * h0, (ub[i] - ua[i]) * h1
                up = s0 * s1 > 0.0
                from_a[i] = ua[i] + slope_a * (s0 * s1 if up else 0.0) / (s0 + s1 if up else 1.0)
        else:
            from_a[:] = b_left
        if b <= last:
            for i in range(lanes):
                s1, s2 = (ub[i] - ua[i]) * h1, (ubb[i] - ub[i]) * h2
                up = s1 * s2 > 0.0
                from_b[i] = ub[i] + slope_b * (s1 * s2 if up else 0.0) / (s1 + s2 if up else 1.0)
        else:
            from_b[:] = b_right
        for i in range(lanes):
            from_a[i] = max(speed[j, i], 0.0) * from_a[i] + min(speed[j, i], 0.0) * from_b[i]
        pass_through(from_a, j, f, inverse_volume, r)


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
        here = u[gj + j, f, gi:gi + lanes]
        for i in range(lanes):
            r[j, f, i] += source[j, i] - rate[j, i] * here[i]


@kernel
def react_jacobian(f, rate, first, last, diag):
    """−∂r/∂u of `react`."""
    for j in range(first, last + 1):
        for i in range(diag.shape[3]):
            diag[j, f, f, i] += rate[j, i]
