"""Fronts of nonlinear conduction, and a spectrum in an expanding gas: truths for conduction and for adiabatic losses.

    ∂T/∂t = ∇·(a Tⁿ ∇T):   T = T_c (1 − r²/r_f²)^{1/n},   T_cⁿ = n r_f²/[2(dn+2) a t],   r_f ∝ (a Qⁿ t)^{1/(dn+2)}

is the spread of a heat Q = ∫T dV set free at once on a plane, on an axis or at a point, d = 1, 2, 3 (Zel'dovich & Kompaneets
1950; Barenblatt 1952; Zel'dovich & Raizer 1967, chapter X). Nothing is warm beyond r_f; n → 0 is the Gaussian. A gas at rest
has a Tⁿ = K(T) (γ−1)/(n_gas k_B), n = 5/2 where Spitzer's K holds.
"""

import numpy as np


def conduction_front(t, Q, a, n=2.5, dimension=3):
    """Radius of the front of an instantaneous source, r_f = [2(dn+2) a Qⁿ t/(n Cⁿ)]^{1/(dn+2)}.

    Parameters
    ----------
    t : array, any shape
        Since the heat was set free, ≥ 0 [s].
    Q : float
        ∫T dV > 0 [K cm^d]: over both sides of a plane, per cm of an axis, or in all.
    a : float
        a Tⁿ is the diffusion coefficient of heat [cm²/s K⁻ⁿ].
    n : float
        Power of T, > 0.
    dimension : int
        d = 1, 2, 3: of plane, axis or point.

    Returns
    -------
    r_f : array as t [cm]
        ∝ t^s, s = 1/(dn+2): 2/19 for n = 5/2 and a point, 2/9 for a plane.

    Raises
    ------
    ValueError
        If n is not positive or there is no such d.
    """
    s = front_exponent(n, dimension)
    return (2 * a * (Q / _content(n, dimension)) ** n * np.asarray(t, dtype=float) / (n * s)) ** s


def front_exponent(n=2.5, dimension=3):
    """s = 1/(dn+2) of r_f ∝ t^s and T(0) ∝ t^{−ds}, a float and pure number; n and d as in `conduction_front`.

    Raises
    ------
    ValueError
        If n is not positive or there is no such d.
    """
    if dimension not in (1, 2, 3):
        raise ValueError(f"dimension = {dimension!r}, allowed 1, 2, 3")
    if not n > 0:
        raise ValueError(f"n = {n!r}, allowed above 0")
    return 1 / (dimension * n + 2)


def conduction_wave(r, t, Q, a, n=2.5, dimension=3):
    """T(r,t) of an instantaneous source [K], of the shape of r ≥ 0 [cm]; t > 0 [s], the others as in `conduction_front`."""
    r_f = conduction_front(t, Q, a, n, dimension)
    centre = Q / (_content(n, dimension) * r_f**dimension)
    # Beyond the front a tiny number stands for 0: of 0, some numpy builds take no power without a false alarm.
    return centre * np.maximum(1 - np.square(r / r_f), 1e-300) ** (1 / n) * (r < r_f)


def _content(n, d):
    """C = ∫(1 − x²)^{1/n} dV over the unit ball of d dimensions: Q = C T_c r_f^d."""
    from scipy.special import gammaln

    return np.pi ** (d / 2) * np.exp(gammaln(1 / n + 1) - gammaln(1 / n + 1 + d / 2))


def expanding_spectrum(p, t, H, N0):
    """N(p,t) per dp of particles tied to a gas that expands as v = H r: e^{−2Ht} N₀(p e^{Ht}), uniform in r.

    ∂N/∂t + ∇·(vN) = H ∂(pN)/∂p: dilution e^{−3Ht}, and ṗ = −Hp, which crowds the momenta by e^{Ht}. A power law p^−s falls
    as e^{−(s+2)Ht}. Where H changes with time, as in v = r/t, H t stands for ∫H dt.

    Parameters
    ----------
    p : array (n,)
        Momentum [g cm/s, or any unit that N0 takes].
    t, H : float
        [s], [s⁻¹]; H < 0 is a collapse.
    N0 : callable
        Momenta (n,) -> N(p, 0) per dp (n,).
    """
    growth = np.exp(H * t)
    return N0(np.asarray(p, dtype=float) * growth) / growth**2
