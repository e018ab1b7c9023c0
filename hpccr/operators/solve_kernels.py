"""Block-tridiagonal elimination of many lines at once: numba loops over plain arrays.

Blocks are lower, diag, upper[j, a, b, i]: in the row of node j and field a, the coefficient of field b at
nodes j − 1, j, j + 1, for lane i: all (n, m, m, lanes). No pivoting: the diagonal blocks carry shift + rates.
"""

import numpy as np

from hpccr.jit import kernel


@kernel
def factor(lower, diag, upper):
    """In place: diag ← its inverse after elimination, upper ← diag⁻¹ upper."""
    n, m, lanes = diag.shape[0], diag.shape[1], diag.shape[3]
    pivot, saved = np.empty(lanes), np.empty((m, lanes))
    for j in range(n):
        if j > 0:
            for a in range(m):
                for c in range(m):
                    for b in range(m):
                        for i in range(lanes):
                            diag[j, a, b, i] -= lower[j, a, c, i] * upper[j - 1, c, b, i]
        for k in range(m):                       # Gauss-Jordan inversion of the block
            for i in range(lanes):
                pivot[i] = 1.0 / diag[j, k, k, i]
                diag[j, k, k, i] = 1.0
            for b in range(m):
                for i in range(lanes):
                    diag[j, k, b, i] *= pivot[i]
            for a in range(m):
                if a != k:
                    for i in range(lanes):
                        saved[0, i] = diag[j, a, k, i]
                        diag[j, a, k, i] = 0.0
                    for b in range(m):
                        for i in range(lanes):
                            diag[j, a, b, i] -= saved[0, i] * diag[j, k, b, i]
        for b in range(m):
            for c in range(m):
                for i in range(lanes):
                    saved[c, i] = upper[j, c, b, i]
                    upper[j, c, b, i] = 0.0
            for a in range(m):
                for c in range(m):
                    for i in range(lanes):
                        upper[j, a, b, i] += diag[j, a, c, i] * saved[c, i]


@kernel
def substitute(lower, inverse, upper, x):
    """x (n, m, lanes) ← A⁻¹ x with the factors of `factor`."""
    n, m, lanes = x.shape
    y = np.empty((m, lanes))
    for j in range(n):
        if j > 0:
            for a in range(m):
                for c in range(m):
                    for i in range(lanes):
                        x[j, a, i] -= lower[j, a, c, i] * x[j - 1, c, i]
        for a in range(m):
            for i in range(lanes):
                y[a, i] = x[j, a, i]
                x[j, a, i] = 0.0
        for a in range(m):
            for c in range(m):
                for i in range(lanes):
                    x[j, a, i] += inverse[j, a, c, i] * y[c, i]
    for j in range(n - 2, -1, -1):
        for a in range(m):
            for c in range(m):
                for i in range(lanes):
                    x[j, a, i] -= upper[j, a, c, i] * x[j + 1, c, i]


@kernel
def respond(lower, diag, upper, x, to_left, to_right):
    """`factor` and `substitute` for one field, all arrays (n, lanes), and in the same sweeps how a part of a line answers to its
    neighbours: to_left ← A⁻¹ of lower[0] at node 0, to_right ← A⁻¹ of upper[n − 1] at node n − 1."""
    n, lanes = diag.shape
    for j in range(n):
        if j > 0:
            for i in range(lanes):
                m = 1.0 / (diag[j, i] - lower[j, i] * upper[j - 1, i])
                diag[j, i] = m
                x[j, i] = (x[j, i] - lower[j, i] * x[j - 1, i]) * m
                to_left[j, i] = -lower[j, i] * to_left[j - 1, i] * m
                upper[j, i] *= m
        else:
            for i in range(lanes):
                m = 1.0 / diag[0, i]
                diag[0, i] = m
                x[0, i] *= m
                to_left[0, i] = lower[0, i] * m
                upper[0, i] *= m
    for i in range(lanes):
        to_right[n - 1, i] = upper[n - 1, i]
    for j in range(n - 2, -1, -1):
        for i in range(lanes):
            x[j, i] -= upper[j, i] * x[j + 1, i]
            to_left[j, i] -= upper[j, i] * to_left[j + 1, i]
            to_right[j, i] = -upper[j, i] * to_right[j + 1, i]


@kernel
def multiply(lower, diag, upper, x, gj, gi, y):
    """y (n, m, lanes) ← A x along the lines; x may carry ghosts, whose first own node is (gj, gi)."""
    n, m, lanes = y.shape
    top = x.shape[0] - 1
    for j in range(n):
        below, above = gj + j - 1, gj + j + 1
        for a in range(m):
            for i in range(lanes):
                y[j, a, i] = 0.0
            for c in range(m):
                for i in range(lanes):
                    y[j, a, i] += diag[j, a, c, i] * x[gj + j, c, gi + i]
                if below >= 0:
                    for i in range(lanes):
                        y[j, a, i] += lower[j, a, c, i] * x[below, c, gi + i]
                if above <= top:
                    for i in range(lanes):
                        y[j, a, i] += upper[j, a, c, i] * x[above, c, gi + i]


@kernel
def multiply_lanes(west, east, x, gj, gi, y):
    """y (n, m, lanes) += A x of the couplings west, east (n, m, m, lanes) between neighbouring lanes; x as in `multiply`."""
    n, m, lanes = y.shape
    end = x.shape[2] - 1
    for j in range(n):
        for a in range(m):
            for c in range(m):
                for i in range(lanes):
                    if gi + i - 1 >= 0:
                        y[j, a, i] += west[j, a, c, i] * x[gj + j, c, gi + i - 1]
                    if gi + i + 1 <= end:
                        y[j, a, i] += east[j, a, c, i] * x[gj + j, c, gi + i + 1]
