"""Fluxes across the lanes (momentum, pitch angle): numba loops over plain arrays, layout as in line_kernels.

Face i is the one left of this rank's lane i. The ends of the axis pass what the speed carries out and let
nothing in; where the speed is zero they are closed. u may carry ghosts, inverse_volume (lanes,) is 1/V;
west, diag, east (nodes, fields, fields, lanes) are the blocks of the Jacobian (see system.Blocks). Slopes are limited as by van Leer
(1974).
"""

from hpccr.jit import kernel


@kernel
def advect_lanes(u, f, gj, gi, speed, x, faces, inverse_volume, first, last, bounds, limited, r):
    """r += −(1/V) Δ(S û) along the lanes, upwind with van Leer's limited slope.

    speed : (nodes, lanes + 1) = A V on faces.  x : (lanes + 4,) lane midpoints, x[i + 2] of lane i.
    faces : (lanes + 1,).  first, last : the nodes to treat.  bounds : local numbers of the first and the
    last lane of the whole mesh.
    """
    lanes, end = r.shape[2], u.shape[2] - 1
    low, high = bounds
    for j in range(first, last + 1):
        for i in range(lanes + 1):
            a, b = i - 1, i
            s = speed[j, i]
            value = 0.0
            if s >= 0.0 and a >= low:
                value = u[gj + j, f, gi + a]
                if limited > 0.0 and a - 1 >= low and b <= high:
                    s0 = (value - u[gj + j, f, max(gi + a - 1, 0)]) / (x[a + 2] - x[a + 1])
                    s1 = (u[gj + j, f, min(gi + b, end)] - value) / (x[b + 2] - x[a + 2])
                    if s0 * s1 > 0.0:
                        value += 2.0 * s0 * s1 / (s0 + s1) * (faces[i] - x[a + 2])
            elif s < 0.0 and b <= high:
                value = u[gj + j, f, gi + b]
                if limited > 0.0 and a >= low and b + 1 <= high:
                    s1 = (value - u[gj + j, f, max(gi + a, 0)]) / (x[b + 2] - x[a + 2])
                    s2 = (u[gj + j, f, min(gi + b + 1, end)] - value) / (x[b + 3] - x[b + 2])
                    if s1 * s2 > 0.0:
                        value += 2.0 * s1 * s2 / (s1 + s2) * (faces[i] - x[b + 2])
            flux = s * value
            if i > 0:
                r[j, f, i - 1] -= flux * inverse_volume[i - 1]
            if i < lanes:
                r[j, f, i] += flux * inverse_volume[i]


@kernel
def advect_lanes_jacobian(f, speed, inverse_volume, first, last, bounds, west, diag, east):
    """−∂r/∂u of the first-order upwind part of `advect_lanes`."""
    lanes = diag.shape[3]
    low, high = bounds
    for j in range(first, last + 1):
        for i in range(lanes + 1):
            out = max(speed[j, i], 0.0) if i - 1 >= low else 0.0
            back = min(speed[j, i], 0.0) if i <= high else 0.0
            if i > 0:
                diag[j, f, f, i - 1] += out * inverse_volume[i - 1]
                east[j, f, f, i - 1] += back * inverse_volume[i - 1]
            if i < lanes:
                west[j, f, f, i] -= out * inverse_volume[i]
                diag[j, f, f, i] -= back * inverse_volume[i]


@kernel
def diffuse_lanes(u, f, gj, gi, D, conductance, inverse_volume, first, last, r):
    """r += (1/V) Δ(A D ∂u/∂x) along the lanes.

    D : (nodes, lanes + 1) on faces; conductance : (lanes + 1,) = A/Δx, zero at both ends of the axis.
    """
    lanes = r.shape[2]
    for j in range(first, last + 1):
        for i in range(lanes + 1):
            if conductance[i] == 0.0:
                continue
            flux = -conductance[i] * D[j, i] * (u[gj + j, f, gi + i] - u[gj + j, f, gi + i - 1])
            if i > 0:
                r[j, f, i - 1] -= flux * inverse_volume[i - 1]
            if i < lanes:
                r[j, f, i] += flux * inverse_volume[i]


@kernel
def diffuse_lanes_jacobian(f, D, conductance, inverse_volume, first, last, west, diag, east):
    """−∂r/∂u of `diffuse_lanes`."""
    lanes = diag.shape[3]
    for j in range(first, last + 1):
        for i in range(lanes + 1):
            g = conductance[i] * D[j, i]
            if i > 0:
                diag[j, f, f, i - 1] += g * inverse_volume[i - 1]
                east[j, f, f, i - 1] -= g * inverse_volume[i - 1]
            if i < lanes:
                diag[j, f, f, i] += g * inverse_volume[i]
                west[j, f, f, i] -= g * inverse_volume[i]
