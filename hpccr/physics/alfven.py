"""Alfvén waves along B in a partly ionised gas (Kulsrud & Pearce 1969).

With ω = i x, k the wave number, V_Ai the Alfvén speed of the ions and χ = ρ_n/ρ_i:

    x³ + (1+χ) ν_ni x² + k²V_Ai² x + ν_ni k²V_Ai² = 0

The waves are the pair of roots x = −Γ ± i k V. In units of k V_Ai, a = ν_ni/(k V_Ai) and A = (1+χ) a, the pair's
damping u = 2Γ/(k V_Ai) obeys the cubic

    u [(A − u)² + 1] = χ a

whose terms are all positive: nothing cancels, from the decoupled (a → 0) to the coupled end (a → ∞).
Between k_- and k_+ (only for χ > 8) all roots are real and no wave propagates: the evanescent band.
"""

from dataclasses import dataclass

import numpy as np

from hpccr.physics.gyro import larmor_radius
from hpccr.units import e

COUPLED, EVANESCENT, DECOUPLED = 0, 1, 2


@dataclass(frozen=True)
class AlfvenWaves:
    """What the dispersion relation says at every k.

    Attributes
    ----------
    gamma : array (n,)
        Amplitude damping rate Γ ≥ 0 [s⁻¹]. In the evanescent band: the rate at which the magnetic perturbation
        diffuses through the neutrals, the one root that joins the waves' Γ at both edges.
    gamma_slow, gamma_fast : array (n,)
        Smallest and largest |Re x| in the band [s⁻¹]; equal to `gamma` outside.
    V : array (n,)
        Phase speed [cm/s]; 0 in the band.
    regime : int array (n,)
        COUPLED, EVANESCENT or DECOUPLED; without a band (χ ≤ 8) split at k V_Ai = ν_ni (1+χ)^{3/4}, its centre.
    """

    gamma: np.ndarray
    gamma_slow: np.ndarray
    gamma_fast: np.ndarray
    V: np.ndarray
    regime: np.ndarray


def waves(k, V_Ai, nu_ni, chi):
    """Solve the dispersion relation.

    Parameters
    ----------
    k : array (n,)
        Wave numbers [cm⁻¹], positive.
    V_Ai : float
        Alfvén speed of the ions [cm/s].
    nu_ni : float
        Neutral-ion collision rate [s⁻¹].
    chi : float
        ρ_n/ρ_i; 0 for a fully ionised gas.

    Returns
    -------
    AlfvenWaves
    """
    k = np.asarray(k, dtype=float)
    omega = k * V_Ai
    a = nu_ni / omega
    band = evanescent(a, chi)
    u = _pair_damping(a, chi)
    x_r = (1 + chi) * a - u                        # minus the real root
    # |x|² of the pair is a/x_r (product of the roots), so no cancellation in V
    V2 = np.divide(a, x_r, out=np.ones_like(a), where=a > 0) - u**2 / 4
    gamma = 0.5 * u * omega
    slow, fast = gamma.copy(), gamma.copy()
    if band.any():
        rates = _real_roots(a[band], chi) * omega[band]
        slow[band], gamma[band], fast[band] = rates
    V = np.where(band, 0.0, V_Ai * np.sqrt(np.maximum(V2, 0.0)))
    regime = np.where(band, EVANESCENT, np.where(a * (1 + chi) ** 0.75 > 1, COUPLED, DECOUPLED))
    return AlfvenWaves(gamma, slow, fast, V, regime)


def band_edges(V_Ai, nu_ni, chi):
    """(k_-, k_+) between which no wave propagates [cm⁻¹], two floats; (nan, nan) where there is no such band (χ ≤ 8).

    `V_Ai` [cm/s], `nu_ni` [s⁻¹] and `chi` as in `waves`.

    The discriminant of the cubic, 4 q³ s² − (q² + 18 q − 27) s + 4 with q = 1+χ and s = (ν_ni/k V_Ai)², has the
    roots s_± ∝ q² + 18 q − 27 ± √((q−1)(q−9)³).
    """
    s_low, s_high = _band(chi)
    return nu_ni / (V_Ai * np.sqrt(s_high)), nu_ni / (V_Ai * np.sqrt(s_low))


def band_edges_approximate(V_A, V_Ai, nu_in, nu_ni, chi):
    """The literature's estimates (2 ν_ni/(V_A ξ_n), ν_in/(2 V_Ai)) of (k_-, k_+) [cm⁻¹], two floats; speeds [cm/s], rates [s⁻¹]."""
    xi_n = chi / (1 + chi)
    return 2 * nu_ni / (V_A * xi_n), nu_in / (2 * V_Ai)


def resonant_energy(k, B):
    """E = p c of the protons with r_L = 1/k [erg], of the shape of k [cm⁻¹]; B [G]."""
    return e * B / np.asarray(k, dtype=float)


def resonant_wavenumber(p, B):
    """k = 1/r_L(p) [cm⁻¹], of the shape of p [g cm/s]; B [G]."""
    return 1 / larmor_radius(p, B)


def gamma_decoupled(nu_in):
    """Γ = ν_in/2 for k V_Ai ≫ ν_in/2, a float like `nu_in` [s⁻¹]."""
    return nu_in / 2


def gamma_coupled(k, V_A, nu_ni, chi):
    """Γ = ξ_n k²V_A²/(2 ν_ni) for k V_A ≪ ν_ni [s⁻¹], of the shape of k [cm⁻¹]; V_A [cm/s], ν_ni [s⁻¹]."""
    return chi / (1 + chi) * (np.asarray(k) * V_A) ** 2 / (2 * nu_ni)


def evanescent(a, chi):
    """Whether all three roots are real, of the shape of a = ν_ni/(k V_Ai) [1]."""
    s_low, s_high = _band(chi)
    return (a**2 > s_low) & (a**2 < s_high)


def _band(chi):
    """(s_-, s_+): the band in s = (ν_ni/k V_Ai)², nan for χ ≤ 8."""
    q = 1 + chi
    if q <= 9:
        return np.nan, np.nan
    s_high = (q**2 + 18 * q - 27 + np.sqrt((q - 1) * (q - 9) ** 3)) / (8 * q**3)
    return 1 / (q**3 * s_high), s_high


def _pair_damping(a, chi):
    """u > 0 of u[(A−u)² + 1] = χ a, by bisection in ln u: bracketed for every a and χ, accurate to roundoff.

    In the band, where three roots exist, any of them.
    """
    A = (1 + chi) * a
    high = chi * a                                 # (A−u)² ≥ 0
    low = high / (1 + A**2)                        # 0 ≤ u ≤ A
    for _ in range(64):                            # halving the logarithm: 2⁻⁶⁴ of at most ln 10³⁰
        middle = np.sqrt(low * high)
        above = middle * ((A - middle) ** 2 + 1) > chi * a
        low, high = np.where(above, low, middle), np.where(above, middle, high)
    return np.sqrt(low * high)


def _real_roots(a, chi):
    """The three |x|/(k V_Ai) in the band, ascending; array (3, n). Trigonometric formula and two Newton steps."""
    A = (1 + chi) * a
    third = A / 3
    m = np.sqrt(np.maximum(third**2 - 1 / 3, 0.0))
    cosine = (third**3 - third / 2 + a / 2) / np.maximum(m, 1e-300) ** 3
    angle = np.arccos(np.clip(cosine, -1, 1)) / 3
    y = third + 2 * m * np.cos(angle - 2 * np.pi * np.arange(3)[:, None] / 3)
    y = np.sort(y, axis=0)
    for _ in range(2):                             # y³ − A y² + y − a = 0, polished where the slope allows it
        value = ((y - A) * y + 1) * y - a
        slope = (3 * y - 2 * A) * y + 1
        with np.errstate(divide="ignore", invalid="ignore"):
            step = value / slope
        y = np.where(np.abs(step) < 1e-3 * y, y - step, y)
    return y
