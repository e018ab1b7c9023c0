"""One axis of a tensor-product grid: where its cells lie, and what they measure.

The geometry belongs to the axis, so (z,p), (r,p), (z,μ) and (R,z) are the same problem with other axes:
a flux F through face k of area A_k changes the average u of cell k with volume V_k by

    V_k du_k/dt = −(A_k F_k − A_{k−1} F_{k−1}).
"""

import numpy as np

# metric: (face area A(x), ∫ A dx).  For "momentum" the coordinate is x = ln p, and d³p = 4π p³ d ln p.
METRICS = {
    "slab": (np.ones_like, lambda x: x),
    "cylinder": (lambda x: 2 * np.pi * x, lambda x: np.pi * x * x),
    "sphere": (lambda x: 4 * np.pi * x * x, lambda x: 4 / 3 * np.pi * x * x * x),
    "momentum": (lambda x: 4 * np.pi * np.exp(3 * x), lambda x: 4 / 3 * np.pi * np.exp(3 * x)),
}


class Axis:
    """A cell-centred axis.

    Parameters
    ----------
    name : str
        The field's name of the coordinate: z, r, R, p, mu.
    faces : array (n + 1,)
        Strictly increasing face positions [cm, ln of g cm/s for "momentum", 1].
    metric : str
        One of METRICS.
    closed : (bool, bool)
        Whether nothing passes the lower and the upper end.

    Attributes
    ----------
    centers, widths : array (n,)
        Cell midpoints and face distances, in the unit of `faces`.
    areas : array (n + 1,)
    volumes : array (n,)
        ∫ A dx over each cell, exactly.
    """

    def __init__(self, name, faces, metric="slab", closed=(False, False)):
        self.name, self.metric, self.closed = name, metric, tuple(closed)
        self.faces = np.asarray(faces, dtype=float)
        area, volume = METRICS[metric]
        self.centers = 0.5 * (self.faces[1:] + self.faces[:-1])
        self.widths = np.diff(self.faces)
        self.areas = area(self.faces)
        self.volumes = np.diff(volume(self.faces))

    @property
    def centroids(self):
        """Where the mean of a cell is the value to second order, ∫ x A dx/V of slab and sphere: array (n,)."""
        f = self.faces
        if self.metric == "sphere":
            return 0.75 * (f[1:] + f[:-1]) * (f[1:] ** 2 + f[:-1] ** 2) / (f[1:] ** 2 + f[1:] * f[:-1] + f[:-1] ** 2)
        return self.centers

    def volumes_between(self, low, high):
        """The part of each cell's volume that lies between two positions: array (n,)."""
        return np.diff(METRICS[self.metric][1](np.clip(self.faces, low, high)))

    def part(self, cells):
        """The axis (Axis) of some of its cells, a slice; where it is cut its ends are open."""
        closed = (self.closed[0] and cells.start == 0, self.closed[1] and cells.stop == len(self))
        return Axis(self.name, self.faces[cells.start:cells.stop + 1], self.metric, closed)

    def __len__(self):
        return len(self.centers)


def spaced(cells, lower, upper, spacing="uniform", focus=0.0, scale=1.0):
    """Face positions between two ends.

    Parameters
    ----------
    cells : int
    lower, upper : float
        The ends.
    spacing : str
        "uniform"; "log" (equal ratios); "sinh": x = focus + scale·sinh ξ with equal steps of ξ, so the
        cells are finest at `focus`, nearly equal within `scale` of it, and of equal ratio far away.
    focus, scale : float
        For "sinh", in the unit of the ends.

    Returns
    -------
    array (cells + 1,)
    """
    if spacing == "uniform":
        return np.linspace(lower, upper, cells + 1)
    if spacing == "log":
        return np.geomspace(lower, upper, cells + 1)
    xi = np.linspace(np.arcsinh((lower - focus) / scale), np.arcsinh((upper - focus) / scale), cells + 1)
    faces = focus + scale * np.sinh(xi)
    faces[0], faces[-1] = lower, upper
    return faces


def log_centred(cells, first, last):
    """Faces in ln x of `cells` cells whose midpoints run from ln `first` to ln `last`, both included.

    A momentum axis is read this way: the user asks for spectra at 10 GeV, not for a cell that begins there.
    One cell stands at `first` with a width of a decade.
    """
    if cells == 1:
        half = 0.5 * np.log(10.0)
        return np.log(first) + np.array([-half, half])
    step = np.log(last / first) / (cells - 1)
    return np.log(first) + step * (np.arange(cells + 1) - 0.5)


def powers(faces, at=0.0):
    """What gives moments of a smooth f from its cell averages: ∫ xⁿ f dx = Σ power · average · width, x measured from `at`.

    Of cell averages as if they stood at the midpoints one gets the moments of f smoothed over a cell: ⟨x²⟩ + h²/12 and
    ⟨x⁴⟩ + h²⟨x²⟩/2 + h⁴/80 on equal cells; where their width h varies, g = h dh/dx comes in.

    Returns
    -------
    array (4, cells)
        For n = 0, 1, 2, 4; to fourth order in h or better.
    """
    x, h = 0.5 * (faces[1:] + faces[:-1]) - at, np.diff(faces)
    g = h * np.gradient(h, x)
    square = x * x - h * h / 12 - x * g / 3
    fourth = x * x * x * x - 0.5 * h * h * (x * x - h * h / 12) - 2 / 3 * x * x * x * g - h * h * h * h / 80
    return np.stack([np.ones_like(x), x - g / 6, square, fourth])
