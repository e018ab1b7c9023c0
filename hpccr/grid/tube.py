"""Axes of pitch-angle transport: z along a flux tube whose area varies, and μ."""

import numpy as np

from hpccr.grid.axis import Axis

# Gauss points in a cell, for the integrals of smooth functions over it: exact to 9th order.
AT, WEIGHT = np.polynomial.legendre.leggauss(5)


class Tube(Axis):
    """The z axis along a flux tube; parameters as Axis, and

    focusing : physics.focusing.Focusing
        Its law of ln A(z). A = 1 at the lower end of the axis.

    Attributes
    ----------
    sigma : array (cells,)
        σ of each cell, ΔA/∫A dz: then a uniform isotropic f is a steady state of the difference equations.
    """

    def __init__(self, name, faces, focusing, closed=(False, False)):
        super().__init__(name, faces, "slab", closed)
        self.focusing, self._origin = focusing, float(focusing.log_area(self.faces[0]))
        self.areas = self.area(self.faces)
        self._inside = self.integral(np.ones_like)
        self.volumes = self._inside
        sigma = float(focusing.sigma(self.faces[0]))
        if focusing.uniform and sigma != 0:
            # Exactly, however much the area changes over a cell.
            self.volumes = self.areas[:-1] * np.expm1(sigma * self.widths) / sigma
        self.sigma = np.full(len(self.widths), sigma) if focusing.uniform else np.diff(self.areas) / self.volumes

    def area(self, z):
        """A(z), of the shape of z, with A = 1 at the lower end."""
        return np.exp(self.focusing.log_area(z) - self._origin)

    def integral(self, function, low=-np.inf, high=np.inf):
        """∫ A function(z) dz over the part of each cell between low and high: array (cells,)."""
        faces = np.clip(self.faces, low, high)
        centers, widths = 0.5 * (faces[1:] + faces[:-1]), np.diff(faces)
        at = centers[:, None] + 0.5 * widths[:, None] * AT
        return 0.5 * widths * ((self.area(at) * function(at)) @ WEIGHT)

    def average(self, function, low=-np.inf, high=np.inf):
        """The mean of function(z) in each cell, 0 but between low and high, weighted with A: array (cells,)."""
        return self.integral(function, low, high) / self._inside


class Pitch(Axis):
    """The μ axis from −1 to 1, symmetric about 0.

    Parameters
    ----------
    cells : int
    spacing : str
        "uniform"; "graded": cells that are `finest` times as wide at μ = 0 and at ±1 as equal ones would be, where boundary layers
        may stand; "legendre": the Gauss points, whose weights are the widths of the cells.
    finest : float

    Attributes
    ----------
    centers, widths : array (cells,)
        Where values stand, and their weights in ∫ dμ; they add to 2.
    cosines : array (cells,)
        μ that streams in each cell: centers times `stretch`, a little more than one, so that the mean of μ² is 1/3, as it is for
        particles. Then those that scatter isotropically spread as they should.
    """

    def __init__(self, cells, spacing="uniform", finest=0.1):
        nodes = weights = None
        if spacing == "legendre":
            nodes, weights = np.polynomial.legendre.leggauss(cells)
            faces = np.concatenate([[-1.0], -1.0 + np.cumsum(weights)])
        else:
            s = np.linspace(-1.0, 1.0, cells + 1)
            if spacing == "graded":
                # dμ/ds = finest + c s²(1 − s²), whose integral over [0, 1] is one.
                c = 7.5 * (1.0 - finest)
                s = s * (finest + c * s * s * (1 / 3 - s * s / 5))
            faces = s
        # To the last bit, so that walls give back what they get.
        faces = 0.5 * (faces - faces[::-1])
        super().__init__("mu", faces, "slab", (True, True))
        self.spectral = spacing == "legendre"
        if self.spectral:
            self.centers, self.widths = 0.5 * (nodes - nodes[::-1]), 0.5 * (weights + weights[::-1])
            self.volumes = self.widths
        # Never faster than particles are.
        self.stretch = min(np.sqrt(2 / 3 / (self.widths @ self.centers**2)), 1.0 / self.centers[-1])
        self.cosines = self.stretch * self.centers
