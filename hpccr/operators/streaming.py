"""Free streaming along z with the speed ε μ: face values of fifth order, upwind, for cells of any widths in a tube of any area."""

import numpy as np

from hpccr.grid.strip import GHOSTS
from hpccr.grid.tube import AT, WEIGHT
from hpccr.operators import pitch_kernels as kernels


def _moments(tube, periodic):
    """Cells of the tube with three more at each end, as ghosts will be: a function (cell, z0, size) -> ∫ A ((z − z0)/size)^k dz/∫ A dz,
    k = 0 … 4, (…, 5); beyond a wall or around a ring the axis goes on in mirror or again."""
    widths, faces = tube.widths, tube.faces
    before, after = (widths[-GHOSTS:], widths[:GHOSTS]) if periodic else (widths[:GHOSTS][::-1], widths[-GHOSTS:][::-1])
    low = faces[0] - np.cumsum(before[::-1])[::-1]
    high = faces[-1] + np.cumsum(after)
    edges = np.concatenate([low, faces, high])
    span = faces[-1] - faces[0]

    def area(z):
        if periodic:
            return tube.area(faces[0] + np.mod(z - faces[0], span))
        return tube.area(np.where(z < faces[0], 2 * faces[0] - z, np.where(z > faces[-1], 2 * faces[-1] - z, z)))

    def moments(cell, z0, size):
        a, b = edges[cell + GHOSTS], edges[cell + GHOSTS + 1]
        at = 0.5 * (a + b)[..., None] + 0.5 * (b - a)[..., None] * AT
        weight = area(at) * WEIGHT
        weight /= weight.sum(axis=-1, keepdims=True)
        x = (at - z0[..., None]) / size[..., None]
        powers = [weight]
        for _ in range(4):
            powers.append(powers[-1] * x)
        return np.stack([each.sum(axis=-1) for each in powers], axis=-1)

    return moments


def face_weights(tube, ends, first, count):
    """Weights of cell averages in face values.

    The value on a face is that of the polynomial that has the averages of five cells: three upwind of the face and two beyond. At
    an open end, or one with a source, cells outside are left out, and the polynomial is of lower order.

    Parameters
    ----------
    tube : Tube
    ends : (str, str)
        "wall", "periodic", or anything open.
    first, count : int
        The cells, whose count + 1 faces are wanted.

    Returns
    -------
    forward, backward : array (5, count + 1)
        Weights of cells i − 3 … i + 1 for flow to the right, and i − 2 … i + 2 for flow to the left, for face i.
    """
    periodic, cells = ends[0] == "periodic", len(tube)
    moments = _moments(tube, periodic)
    low, high = (-GHOSTS if ends[0] in ("wall", "periodic") else 0), cells + (GHOSTS if ends[1] in ("wall", "periodic") else 0)
    faces = first + np.arange(count + 1)
    edge = np.clip(faces, 0, cells)
    at, size = tube.faces[edge], tube.widths[np.clip(faces, 0, cells - 1)]
    result = []
    for offsets in (np.arange(-3, 2), np.arange(-2, 3)):
        cell = faces[:, None] + offsets
        inside = (cell >= low) & (cell < high)
        weights = np.zeros((len(faces), 5))
        # Faces with the same cells missing are solved together.
        for pattern in np.unique(inside, axis=0):
            here, there = (inside == pattern).all(axis=1), np.flatnonzero(pattern)
            if len(there):
                rows = cell[here][:, there]
                # Σ_cells weight · (average of x^k) = x^k at the face, x = 0: 1 for k = 0 and 0 for all others.
                M = moments(rows, at[here][:, None], size[here][:, None])[..., :len(there)]
                wanted = np.zeros((here.sum(), len(there), 1))
                wanted[:, 0] = 1.0
                weights[np.ix_(here, there)] = np.linalg.solve(np.swapaxes(M, 1, 2), wanted)[..., 0]
        # Flow into the domain through an open end brings `inflow`.
        upwind = faces + (-1 if offsets[0] == -3 else 0)
        weights[(upwind < low) | (upwind >= high)] = 0.0
        result.append(np.ascontiguousarray(weights.T))
    return result


class Streaming:
    """−(1/V) Δ(A ε μ f) on a rank's strip.

    Parameters
    ----------
    tube, pitch : Tube, Pitch
    epsilon : float
    ends : (str, str)
        "open", "source", "wall", "periodic".
    inflow : (array (rows,), array (rows,))
        What enters at the two ends if they are open or sources.
    strip : Strip
    """

    def __init__(self, tube, pitch, epsilon, ends, inflow, strip):
        self.strip, self.speed = strip, epsilon * pitch.cosines
        self.forward, self.backward = face_weights(tube, ends, strip.first, strip.count)
        self.inflow = np.array(inflow, dtype=float)
        here = strip.at_first, strip.at_last
        # A wall gives back what it gets, to rounding.
        self._ends = np.array([mine and end in ("open", "source") for mine, end in zip(here, ends)], dtype=np.int64)
        self._walls = [int(mine and end == "wall") for mine, end in zip(here, ends)]
        self.area = np.ascontiguousarray(tube.areas[strip.first:strip.first + strip.count + 1])
        self.inverse_volume, self.widths = 1.0 / tube.volumes[strip.own_cells], pitch.widths

    def rate(self, u, rate, share, through, limited=True):
        """rate ← the change of u in the own cells, both (rows, count + 6); fills the ghosts of u, by messages to the neighbours only.

        through (4,) += share times what enters and what leaves at the left end, and the same at the right end, on this rank, where these
        are open or sources [number/time].
        """
        self.strip.swap(u)
        if self._walls[0] or self._walls[1]:
            kernels.mirror(u, *self._walls)
        kernels.stream(u, self.speed, self.forward, self.backward, self.inflow, self._ends, self.area, self.inverse_volume, self.widths,
                       share, limited, rate, through)
