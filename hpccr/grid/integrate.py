"""Integrals of cell averages up to points that are not faces."""

import numpy as np


def weights_below(faces, x):
    """Weights of cell averages in ∫_{faces[0]}^{x} u dx'.

    The integral up to each face is exact; between faces it is the cubic through the four nearest faces, so
    the weights of a smooth u are of fourth order.

    Parameters
    ----------
    faces : array (n + 1,) [cm]
    x : float [cm]
        Inside the axis, else the nearer end is meant.

    Returns
    -------
    array (n,) [cm]
    """
    n = len(faces) - 1
    widths = np.diff(faces)
    x = min(max(x, faces[0]), faces[-1])
    points = min(4, n + 1)
    k = int(np.clip(np.searchsorted(faces, x, side="right") - 2, 0, n + 1 - points))
    nodes = faces[k:k + points]
    weights = np.zeros(n)
    for a in range(points):
        others = np.delete(nodes, a)
        # u dx' up to node a, times the Lagrange polynomial that is one there.
        weights[:k + a] += widths[:k + a] * np.prod((x - others) / (nodes[a] - others))
    return weights


def weights_within(faces, half_length):
    """Weights of cell averages in ∫ u dx over |x| < half_length: array (n,) [cm]."""
    below = weights_below(faces, -half_length) if faces[0] < 0 else 0.0
    return weights_below(faces, half_length) - below
