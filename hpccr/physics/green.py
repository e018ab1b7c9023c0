"""Green functions of diffusion (Carslaw & Jaeger 1959), and the solutions along characteristics of losses: exact, truths for linear
transport.

Arguments broadcast: lengths [cm], t [s], D [cm²/s], `loss` [s⁻¹].
"""

import numpy as np

from hpccr.units import c, m_p

# --- spreading --------------------------------------------------------------------------------------------------


def heat_slab(z, t, D, loss=0.0):
    """Unit burst in the plane z = 0: e^{−z²/4Dt − λt}/√(4πDt) [cm⁻¹]; λ = `loss` [s⁻¹]; of the shape of z [cm], t [s]."""
    return np.exp(-np.square(z) / (4 * D * t) - loss * t) / np.sqrt(4 * np.pi * D * t)


def heat_sphere(r, t, D, loss=0.0):
    """Unit burst at the origin in 3D: e^{−r²/4Dt − λt}/(4πDt)^{3/2} [cm⁻³], of the shape of r [cm]; t [s]."""
    return np.exp(-np.square(r) / (4 * D * t) - loss * t) / (4 * np.pi * D * t) ** 1.5


def uniform_slab(z, t, R, D, loss=0.0):
    """1 in |z| < R at t = 0, t later: ½[erf((R−z)/√4Dt) + erf((R+z)/√4Dt)] e^{−λt} [1], of the shape of z [cm]."""
    from scipy.special import erf

    width = np.sqrt(4 * D * t)
    return 0.5 * (erf((R - z) / width) + erf((R + z) / width)) * np.exp(-loss * t)


def uniform_sphere(r, t, R, D, loss=0.0):
    """1 in r < R at t = 0, t later [1], of the shape of r > 0 [cm]."""
    width = np.sqrt(4 * D * t)
    wings = np.exp(-(((R - r) / width) ** 2)) - np.exp(-(((R + r) / width) ** 2))
    return uniform_slab(r, t, R, D, loss) - width / (2 * r * np.sqrt(np.pi)) * wings * np.exp(-loss * t)


def shell_burst(r, t, R, D):
    """Unit burst from the sphere r = R, t later: [e^{−(r−R)²/R_d²} − e^{−(r+R)²/R_d²}]/(4π^{3/2} R_d R r) [cm⁻³], R_d² = 4Dt;
    of the shape of r [cm]."""
    R_d = np.sqrt(4 * D * t)
    wings = np.exp(-(((r - R) / R_d) ** 2)) - np.exp(-(((r + R) / R_d) ** 2))
    return wings / (4 * np.pi**1.5 * R_d * R * r)


def steady_source(r, t, D):
    """Unit rate from the origin since t = 0: erfc(r/√4Dt)/(4πDr) [s cm⁻³], of the shape of r [cm]."""
    from scipy.special import erfc

    return erfc(r / np.sqrt(4 * D * t)) / (4 * np.pi * D * r)


# --- losses in momentum -----------------------------------------------------------------------------------------


def quadratic_losses(p, t, b, f0):
    """f(p,t) for ṗ = −b p²: f₀(p₀) (p₀/p)⁴ with p₀ = p/(1 − b t p); 0 above the cut-off 1/(b t).

    p (n,) in any unit, t [s], b in 1/(unit of p × s), f0 callable of momentum: array (n,), in the unit of f0.
    """
    p = np.asarray(p, dtype=float)
    left = 1 - b * t * p
    alive = left > 0
    p0 = p / np.where(alive, left, 1.0)
    return np.where(alive, f0(p0) * (p0 / p) ** 4, 0.0)


def compressed(p, t, a, f0):
    """f(p,t), uniform in z, under V = −a z: f₀(p e^{−at/3}); a power law p^−s grows as e^{s a t/3}.

    p (n,) in any unit, t [s], a [s⁻¹], f0 callable of momentum: array (n,), in the unit of f0.
    """
    return f0(np.asarray(p, dtype=float) * np.exp(-a * t / 3))


# --- matter passed through --------------------------------------------------------------------------------------


def grammage(n, residence_time, v=c):
    """X = 1.4 m_p n v t_res [g/cm²] in a uniform medium; of the shape of `residence_time` [s]; n in hydrogen
    nuclei [cm⁻³], v [cm/s]."""
    return 1.4 * m_p * n * v * residence_time


def residence_time(L, D):
    """Mean time in |z| < L of a test particle released at 0, L²/2D [s]; L [cm] and D [cm²/s] broadcast."""
    return L**2 / (2 * D)
