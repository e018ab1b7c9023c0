"""The Sedov-Taylor blast wave: energy E set free in a cold uniform gas, on a plane, on an axis or at a point.

    R = (E t²/(α ρ₀))^{1/(d+2)},   r = λR:   v = δ (r/t) U(λ),   ρ = ρ₀ G(λ),   P = ρ₀ δ² (r/t)² G Z(λ)/γ

with δ = 2/(d+2). The energy within any λ stays the same, which gives Z = γ(γ−1)(1−U)U²/[2(γU−1)]; what is left are two
ordinary equations in ln λ, from the strong shock at λ = 1 inwards to γU → 1 at the centre (Sedov 1959; Landau & Lifshitz
1987, section 106; Kamm & Timmes 2007). α is the integral of the energy.
"""

from functools import lru_cache

import numpy as np

_AREA = {1: 2.0, 2: 2 * np.pi, 3: 4 * np.pi}        # of the two faces x = ±1, the cylinder and the sphere of radius 1
_CORE = -12.0                                       # ln λ below which the profiles are power laws, to all digits


def sedov_alpha(gamma=5 / 3, dimension=3):
    """α of R = (E t²/(α ρ₀))^{1/(d+2)}; 0.4936 = 1/2.026 for γ = 5/3 and a point, 0.851 for γ = 1.4.

    Parameters
    ----------
    gamma : float
        γ > 1 of the gas; γ < 7 at a point, from where on the blast is hollow.
    dimension : int
        d = 1, 2, 3: of plane, axis or point; E is per cm², per cm, or in all. A plane drives a shock to each side, and E
        is the energy of both.

    Returns
    -------
    float
        α [1].

    Raises
    ------
    ValueError
        If there is no such d, or γ is out of its range.
    """
    return _similarity(gamma, dimension)[0]


def sedov_radius(t, E, rho, gamma=5 / 3, dimension=3):
    """R(t) [cm] of the shock, of the shape of t [s]; E [erg, erg/cm or erg/cm²], rho = ρ₀ [g/cm³]; d, γ, errors as in `sedov_alpha`."""
    return (E * np.square(t) / (sedov_alpha(gamma, dimension) * rho)) ** (1 / (dimension + 2))


def sedov(r, t, E, rho, gamma=5 / 3, dimension=3):
    """ρ, v, P of the blast wave at r and t.

    Parameters
    ----------
    r : array, any shape
        Distance from the plane, axis or point, ≥ 0 [cm].
    t : float
        Since the explosion, > 0 [s].
    E, rho : float
        Energy [erg, erg/cm or erg/cm²] and density of the cold gas around [g/cm³].
    gamma, dimension
        As in `sedov_alpha`.

    Returns
    -------
    rho, v, P : arrays as r
        [g/cm³, cm/s, erg/cm³], to about 1e-10; at r = R the gas ahead of the shock.

    Raises
    ------
    ValueError
        As `sedov_alpha`.
    """
    _, inside = _similarity(gamma, dimension)
    r = np.asarray(r, dtype=float)
    R = sedov_radius(t, E, rho, gamma, dimension)
    log_lambda = np.log(np.clip(r / R, 1e-300, 1.0))
    # ln(γU − 1) and ln G: linear in ln λ within the core
    w, log_G = inside(np.maximum(log_lambda, _CORE).ravel())[:2].reshape(2, *r.shape)
    within = np.minimum(log_lambda - _CORE, 0.0)
    w = w + _core_slope(gamma, dimension) * within
    log_G = log_G + dimension / (gamma - 1) * within
    U = (1 + np.exp(w)) / gamma
    speed = 2 / (dimension + 2) * R / t
    pressure = (gamma - 1) / 2 * (1 - U) * U**2 * np.exp(log_G + 2 * log_lambda - w)
    ahead = r >= R
    return (np.where(ahead, rho, rho * np.exp(log_G)), np.where(ahead, 0.0, speed * r / R * U),
            np.where(ahead, 0.0, rho * speed**2 * pressure))


def _core_slope(gamma, d):
    """d ln(γU − 1)/d ln λ at the centre, where P no longer depends on λ."""
    return (d - 2 + 2 * gamma) / (gamma - 1)


@lru_cache(maxsize=32)
def _similarity(gamma, d):
    """α, and (ln(γU − 1), ln G, energy beyond λ) as a function of ln λ ≤ 0, array."""
    from scipy.integrate import solve_ivp

    if d not in _AREA:
        raise ValueError(f"dimension = {d!r}, allowed 1, 2, 3")
    if not (gamma > 1 and gamma * (d - 2) < 3 * d - 2):
        raise ValueError(f"gamma = {gamma!r}, allowed above 1, and below 7 in 3 dimensions")

    def slopes(x, y):
        above = np.exp(y[0])
        U = (1 + above) / gamma
        dw = gamma * (((gamma - 1) * d + 2) * U - d - 2) / ((1 - U) * (2 * above / U - gamma) - gamma * above)
        dU = above * dw / gamma
        # λ^{d+2} G (U²/2 + Z/[γ(γ−1)]): kinetic and internal energy per ln λ
        energy = (gamma - 1) / 2 * U**3 * np.exp((d + 2) * x + y[1] - y[0])
        return dw, (d * U + dU) / (1 - U), -energy

    shock = np.log([(gamma - 1) / (gamma + 1), (gamma + 1) / (gamma - 1)])
    path = solve_ivp(slopes, (0, _CORE), (*shock, 0.0), method="DOP853", rtol=1e-12, atol=1e-13, dense_output=True)
    # P is uniform in the core, and its energy grows as λ^d.
    core = -slopes(_CORE, path.y[:, -1])[2] / d
    return _AREA[d] * (2 / (d + 2)) ** 2 * (path.y[2, -1] + core), path.sol
