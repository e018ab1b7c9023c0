"""Steady angular spectra of particles that stream along the field and are scattered in pitch angle.

    μ ∂f/∂z = ∂/∂μ[D (1 − μ²) ∂f/∂μ],   f = a + b (z − ½ W) + Σ c_j e^(−λ_j z) ψ_j(μ),   W' = 1/D,   ∂/∂μ[D (1 − μ²) ψ'] = −λ μ ψ

for D(−μ) = D(μ), z in l and D in v/l. λ = 0 is double: far from a source only a + b (z − ½ W) is left. The others, ±λ_j, are layers
next to it (Bothe 1929; Fisch & Kruskal 1980). Finite volumes on half of the range, fine in the pitch angle θ near the field: ψ is the
sum of an even and an odd part, which D leaves apart and μ joins.
"""

import numpy as np

from hpccr.errors import RunError

# Gauss points in each interval between neighbouring centres; resistances are then exact to rounding where D is smooth.
_GAUSS = 8
# Modes of the block beyond those wanted: each iteration damps what is not wanted as the squares of the λ.
_SPARE = 6
_SETTLED = 1e-11
_MOST = 100


class Hemisphere:
    """Cells in μ from 0 to 1, finest along the field.

    Parameters
    ----------
    cells : int
    scale : float
        Angle θ above which the cells widen in proportion to θ.

    Attributes
    ----------
    theta, mu : array (cells,)
        Centres, from μ = 0 to the field: θ [rad] in the middle of each cell, cos θ.
    mass : array (cells,)
        ∫ μ dμ over each cell.
    """

    def __init__(self, cells, scale):
        half = np.arange(2 * cells + 1) / (2 * cells)
        angle = scale * np.sinh(half * np.arcsinh(0.5 * np.pi / scale))
        angle[-1] = 0.5 * np.pi
        self._edges, self.theta = angle[::2][::-1], angle[1::2][::-1]
        self.mu = np.cos(self.theta)
        self.mass = -0.5 * np.diff(np.sin(self._edges) ** 2)

    def resistance(self, D, power=0):
        """∫ dμ/(D (1 − μ²)^power) from 0 to the first centre, from each centre to the next, and from the last to μ = 1.

        Parameters
        ----------
        D : callable
            Of μ: array (n, m) [v/l].
        power : int
            0 or 1; 1 leaves out the last interval, over which the integral diverges.

        Returns
        -------
        array (cells + 1 − power,)
            [l/v]
        """
        ends = np.concatenate([[0.5 * np.pi], self.theta, [0.0]])[:len(self.theta) + 2 - power]
        point, weight = np.polynomial.legendre.leggauss(_GAUSS)
        middle, half = 0.5 * (ends[:-1] + ends[1:]), 0.5 * (ends[:-1] - ends[1:])
        theta = middle[:, None] + half[:, None] * point
        # dμ = sin θ dθ
        return half * ((np.sin(theta) ** (1 - 2 * power) / D(np.cos(theta))) @ weight)

    def anisotropy(self, D):
        """W at the centres and at μ = 1: array (cells + 1,) [l/v]."""
        return np.cumsum(self.resistance(D))

    def modes(self, D, count):
        """The modes that reach farthest, by inverse iteration of a block of them.

        Parameters
        ----------
        D : callable
            Of μ.
        count : int

        Returns
        -------
        array (count,), array (count, cells), array (count, cells)
            λ_j > 0 [1/l] in increasing order, and ψ_j of e^(−λ_j z) at μ and at −μ, 1 along the field.

        Raises
        ------
        RunError
            The iteration does not settle.
        """
        from scipy.linalg import eigh

        half = _Half(self.resistance(D, 1)[:, None], self.mass[:, None])
        # Anything not orthogonal to the modes will do as a start.
        after = np.cos(np.pi * np.arange(1, count + _SPARE + 1) * self.mu[:, None])
        before = np.zeros(count)
        for _ in range(_MOST):
            even, odd = half.without_flux(np.linalg.qr(after)[0])
            weighted = half.mass * odd
            after, its_odd = half.without_flux(half.even(odd))
            inverse, mix = eigh(after.T @ weighted, even.T @ weighted)
            squares = 1.0 / inverse[:-count - 1:-1]
            after = after @ mix
            if np.all(np.abs(squares - before) <= _SETTLED * squares):
                break
            before = squares
        else:
            raise RunError(f"the modes did not settle in {_MOST} iterations")
        even, odd = after[:, :-count - 1:-1], (its_odd @ mix)[:, :-count - 1:-1]
        values = np.sqrt(squares[:count])
        even, odd = even.T, values[:, None] * odd.T
        both = np.concatenate([even + odd, even - odd], axis=1)
        both /= both[:, len(self.mu) - 1, None]
        return values, both[:, :len(self.mu)], both[:, len(self.mu):]


class _Half:
    """The operator on one hemisphere, for the even and odd part of ψ: A_e e = λ m o, A_o o = λ m e; arrays (cells, columns)."""

    def __init__(self, resistance, mass):
        self.resistance, self.mass = resistance, mass
        self._of_one = self.odd(np.ones_like(mass))

    def odd(self, even):
        """o/λ; o = 0 at μ = 0."""
        flux = np.cumsum((self.mass * even)[::-1], axis=0)[::-1]
        return np.cumsum(self.resistance * flux, axis=0)

    def even(self, odd):
        """e/λ but for a constant; no flux at μ = 0, nor, if ∫ μ o dμ = 0, at μ = 1."""
        flux = np.cumsum((self.mass * odd)[::-1], axis=0)[::-1]
        flux[0] = 0.0
        return np.cumsum(self.resistance * flux, axis=0)

    def without_flux(self, even):
        """The even part with the constant that makes ∫ μ o dμ = 0, and o/λ."""
        odd = self.odd(even)
        constant = (self.mass * odd).sum(axis=0) / (self.mass * self._of_one).sum()
        return even - constant, odd - constant * self._of_one
