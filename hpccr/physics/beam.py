"""The narrow beam of CRs along the field that the Goldreich-Sridhar cascade makes (Malkov et al. 2010; Malkov 2015, section IV).

    D(μ) = D_other(μ) + (π/8) (v/l) |μ| G(x)                                            (see goldreich_sridhar)

Everything else that scatters, D_other, makes the large-scale anisotropy: its first eigenfunction ψ, whose slope along the field is
D ψ' = ½ λ ψ. Within θ ~ √ε of the field the Alfven waves scatter more, and ψ is flat: where the distribution would have its minimum
along the field this is an excess, a beam; where it would have its maximum, a deficit of the same size. D_other must not vanish at
μ = 1: with nothing but |μ| G and a resonance that is broadened near μ = 0, the barrier at μ = 0, of ε^(−3/2), takes up the whole
anisotropy, and what is left along the field is ~ ε^(5/2) of it.

    edge     the angle within which the Alfven waves scatter more than all else, |μ| G = D_other
    excess   1 − (ψ/ψ_other)/(ψ/ψ_other)_edge on the axis: how far ψ stays behind what D_other alone would make of it from the edge on
    width    the full width at half of this excess

Outside the edge, G ~ x^(−3) still flattens ψ a little, in wings ~ 1/x that reach as far as the large-scale part and are counted as
part of it. With them, and measured against W of D_other alone, the excess would be 2 to 4 times larger, and over 1e-4 ≤ ε ≤ 1e-2
(λ = 150 l) rise as ε^0.86, its width as ε^0.40: the scaling of the wings is cut off at large angles.
"""

from dataclasses import dataclass

import numpy as np

from hpccr.errors import RunError
from hpccr.physics import goldreich_sridhar
from hpccr.physics.pitch_spectrum import Hemisphere


@dataclass(frozen=True)
class Other:
    """D_other = v/(2 λ) (1 + mirror e^(−(μ/mirror_width)²)): isotropic, of mean free path λ, and stronger near μ = 0.

    Attributes
    ----------
    mean_free_path : float
        [l]
    mirror, mirror_width : float
        Of magnetic mirrors, or of broadened resonances.
    """

    mean_free_path: float
    mirror: float = 0.0
    mirror_width: float = 0.2

    def __call__(self, mu):
        """D_other(μ) [v/l]: array as `mu`."""
        return 0.5 / self.mean_free_path * (1 + self.mirror * np.exp(-((mu / self.mirror_width) ** 2)))


@dataclass(frozen=True)
class Beam:
    """The angular spectrum of CRs of one ε; arrays run from μ = −1 to 1, but `profile` from the axis μ = 1 to μ = 0.

    Attributes
    ----------
    theta, mu : array (cells,)
        [rad], 1
    D : array (cells,)
        [v/l]
    W : array (cells,)
        ∫_0^μ dμ/D [l/v]: f = a + b (z − W/2) with z in l, far from all sources.
    values : array (modes,)
        λ_j [1/l].
    psi : array (modes, cells)
        ψ_j of e^(−λ_j z), 1 along the field.
    profile : array (cells/2,)
        The excess of the first mode along a ray; below 0 outside the edge.
    edge, width : float
        [rad]
    excess, excess_far : float
        Of the first mode, and of W, in parts of their large-scale value along the field. Width, excess and profile are NaN where
        the cone is so wide that the first mode has a node in it.
    """

    theta: np.ndarray
    mu: np.ndarray
    D: np.ndarray
    W: np.ndarray
    values: np.ndarray
    psi: np.ndarray
    profile: np.ndarray
    edge: float
    width: float
    excess: float
    excess_far: float


def spectrum(epsilon, other, cells, modes=3):
    """The spectrum at one ε, with errors ~ 1/cells².

    Parameters
    ----------
    epsilon : float
        r_g/l [1].
    other : Other
    cells : int
        Cells in −1 ≤ μ ≤ 1; even.
    modes : int

    Returns
    -------
    Beam

    Raises
    ------
    RunError
        The Alfven waves scatter less than D_other even along the field, or so nearly that no cell is inside the edge.
    """
    def D(mu):
        return other(mu) + goldreich_sridhar.RATE * goldreich_sridhar.scattering(mu, epsilon)

    half = Hemisphere(cells // 2, np.sqrt(epsilon))
    edge = _edge(half, D, other)
    W, large = half.anisotropy(D), half.anisotropy(other)
    lag = (large - W) / large[-1]
    values, plus, minus = half.modes(D, modes)
    profile, width = _measured(half, plus[0], half.modes(other, 1)[1][0], edge)
    return Beam(theta=np.concatenate([np.pi - half.theta[::-1], half.theta]), mu=np.concatenate([-half.mu[::-1], half.mu]),
                D=D(np.concatenate([half.mu[::-1], half.mu])), W=np.concatenate([-W[-2::-1], W[:-1]]), values=values,
                psi=np.concatenate([minus[:, ::-1], plus], axis=1), profile=profile, edge=edge, width=width,
                excess=float(profile[0]), excess_far=float(lag[-1] - np.interp(edge, half.theta[::-1], lag[-2::-1])))


def _edge(half, D, other):
    """The angle at which D falls to 2 D_other, from the axis outward [rad]."""
    with np.errstate(divide="ignore"):          # far outside the Alfven waves are less than the rounding of all else
        theta, ratio = half.theta[::-1], np.log(D(half.mu[::-1]) / other(half.mu[::-1]) - 1)
    outside = int(np.argmax(ratio < 0))
    if outside == 0:
        raise RunError("there is no beam: along the field the Alfven waves scatter less than all else")
    a, b = outside - 1, outside
    return float(theta[a] + (theta[b] - theta[a]) * ratio[a] / (ratio[a] - ratio[b]))


def _measured(half, psi, large, edge):
    """The profile from the axis outward and its width [rad]; NaN where the cone reaches as far as a node of ψ or of ψ_other."""
    theta = half.theta[::-1]
    # With the cell beyond the edge, from which the share at the edge is interpolated.
    inside = slice(0, int(np.searchsorted(theta, edge)) + 1)
    if np.any(psi[::-1][inside] <= 0) or np.any(large[::-1][inside] <= 0):
        return np.full(len(theta), np.nan), np.nan
    with np.errstate(divide="ignore"):          # a node of ψ_other outside
        share = psi[::-1] / large[::-1]
    profile = 1 - share / np.interp(edge, theta, share)
    half_way = 0.5 * profile[0]
    if not half_way > 0:
        return np.full(len(theta), np.nan), np.nan
    k = int(np.argmax(profile < half_way))
    return profile, float(2 * np.interp(-half_way, -profile[k - 1:k + 1], theta[k - 1:k + 1]))


def power_law(epsilon, values, nominal):
    """How `values` scale with ε.

    Parameters
    ----------
    epsilon, values : array (n,)
        Above 0, or NaN, which does not count; `values` in any unit.
    nominal : float
        The exponent that theory wants.

    Returns
    -------
    float, float
        The exponent by least squares in the logarithms, NaN for a single ε, and the geometric mean of values/ε^nominal.
    """
    known = np.isfinite(values)
    if not known.any():
        return np.nan, np.nan
    x, y = np.log(epsilon[known]), np.log(values[known])
    prefactor = float(np.exp(np.mean(y - nominal * x)))
    if np.ptp(x) == 0:
        return np.nan, prefactor
    x = x - x.mean()
    return float((x @ y) / (x @ x)), prefactor
