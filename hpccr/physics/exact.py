"""Closed solutions of the cosmic-ray cloud, and of the waves around it: what problems and tests are held against.

    ∂P/∂t = ∂/∂z[(k_B/I) ∂P/∂z],   ∂I/∂t = −C ∂P/∂z        (k_B = D_B, C = V_A; undamped, in the waves' frame)

conserves Π = (C/k_B) ∫₀^∞ P dz, and a point release is self-similar in ζ = z/√t. With constant advection, shift z. The pairs are
derived by hand, and solve both equations; Malkov et al. (2013) and Malkov (2015) have the release and its approximation.
"""

import numpy as np

# Undamped slab of half-length R without advection: Π → t_1/2 D_ISM/R². At t_1/2, I(R) = I₀ e^{Π/2}.
UNDAMPED_HALF_LIFE = {0.01: 0.9271, 0.1: 0.9450, 0.5: 1.0304, 1.0: 1.1518, 2.0: 1.4549, 3.0: 1.8642, 5.0: 3.1922,
                      7.0: 5.7648, 10.0: 15.286}


# --- exact nonlinear pairs (I, P): each solves both equations ---------------------------------------------------

def pedestal(z, t, k_B=1.0, C=1.0):
    """(I, P) = (2 k_B t/z², 2 k_B/(C z)): the pedestal, D = z²/2t; of the shape of z, k_B/C [cm] and C [cm/s] set the units."""
    return 2 * k_B * t / z**2, 2 * k_B / (C * z)


def cored_pedestal(z, t, b=1.0, k_B=1.0, C=1.0):
    """(I, P) = (2 k_B t, 2 k_B z/C)/(z² + b²t²), of the shape of z; b is a speed, units as in `pedestal` [cm, s]."""
    square = z**2 + (b * t) ** 2
    return 2 * k_B * t / square, 2 * k_B / C * z / square


def coth_pair(z, t, a=1.0, k_B=1.0, C=1.0):
    """(I, P) = (2 k_B a² t/sinh²(az), (2 k_B a/C) coth(az)), of the shape of z; a is a wave number [1/cm]."""
    return 2 * k_B * a**2 * t / np.sinh(a * z) ** 2, 2 * k_B * a / C / np.tanh(a * z)


def tanh_pair(z, t, T, a=1.0, k_B=1.0, C=1.0):
    """(I, P) = (2 k_B a² (T−t)/cosh²(az), (2 k_B a/C) tanh(az)) for t < T, of the shape of z; a [1/cm], t and T [s]."""
    return 2 * k_B * a**2 * (T - t) / np.cosh(a * z) ** 2, 2 * k_B * a / C * np.tanh(a * z)


# --- self-similar point release --------------------------------------------------------------------------------

def point_release(Pi, zeta_max=16.0):
    """Self-similar profiles of a point release, for k_B = C = I₀ = 1.

    I' = −I V, V' = −(ζ/2) I V with I(0) = e^Π, I(∞) = 1 and P = V/√t. In physical units
    P(0,t) = V(0) (D_B/V_A)/√(D_ISM t) and ζ = z/√(D_ISM t).

    Parameters
    ----------
    Pi : float
        Π > 0, up to about 20.
    zeta_max : float
        Where I = 1 is asked for, a pure number; V has fallen below e^{−ζ²/4} there.

    Returns
    -------
    V0 : float
        V(0).
    profile : callable
        zeta array (n,) -> (I, V), each (n,), for 0 ≤ ζ ≤ zeta_max.
    """
    from scipy.integrate import solve_ivp
    from scipy.optimize import brentq

    def shoot(log_V0, dense=False):
        # In ln I and ln V: both stay finite over the e^Π between core and tail. Trial steps may overflow and be refused.
        with np.errstate(over="ignore", invalid="ignore"):
            return solve_ivp(lambda z, y: (-np.exp(y[1]), -0.5 * z * np.exp(y[0])), (0, zeta_max), (Pi, log_V0),
                             method="DOP853", rtol=1e-10, atol=1e-12, dense_output=dense,
                             events=None if dense else _below)

    def miss(log_V0):
        return shoot(log_V0).y[0, -1]

    guess = np.log(Pi / np.sqrt(np.pi) + np.sqrt(2 / np.e) * np.expm1(Pi / 2))
    log_V0 = brentq(miss, guess - 2, guess + 2, xtol=1e-12)
    solution = shoot(log_V0, dense=True).sol
    return np.exp(log_V0), lambda zeta: tuple(np.exp(solution(np.asarray(zeta, dtype=float))))


def _below(z, y):
    """The shot has gone below I = 1: V0 was too large."""
    return y[0] + 1.0


_below.terminal = True


def malkov_profile(z, t, Pi, D_B, V_A, D_ism):
    """P(z,t) of Malkov 2015 eq (5), corrected; approximate to 4-16 % for z² < 4 D_ISM t.

    P = (2 D_B/V_A) [z^{5/3} + (D_NL t)^{5/6}]^{−3/5} e^{−z²/(4 D_ISM t)}, D_NL = F D_ISM e^{−Π}, F = 4 e^Π/V₀².
    z array (n,) [cm], t [s], diffusion coefficients [cm²/s]; P in units of W₀.
    """
    D_NL = 4 / point_release(Pi)[0] ** 2 * D_ism
    core = np.maximum(np.abs(z), 1e-100) ** (5 / 3) + (D_NL * t) ** (5 / 6)
    return 2 * D_B / V_A * core**-0.6 * np.exp(-np.square(z) / (4 * D_ism * t))


# --- half-lives ------------------------------------------------------------------------------------------------

def slab_fraction_inside(t, R, D):
    """Test particles: the share of those from |z| < R that are in |z| < R at t [1]; t > 0 [s], R [cm], D [cm²/s] broadcast."""
    from scipy.special import erf

    x = R / np.sqrt(D * np.asarray(t, dtype=float))
    return erf(x) - (1 - np.exp(-(x**2))) / (x * np.sqrt(np.pi))


def sphere_fraction_inside(t, R, D):
    """The same for a uniform sphere [1], from the distribution of distances within a ball; arguments as in `slab_fraction_inside`
    broadcast."""
    from scipy.special import erf

    q = R / np.sqrt(D * np.asarray(t, dtype=float))          # 2R in units of √(4Dt)
    gauss = np.exp(-(q**2))
    M2 = np.sqrt(np.pi) / 4 * erf(q) - q * gauss / 2
    M3 = (1 - (1 + q**2) * gauss) / 2
    M5 = (2 - (2 + 2 * q**2 + q**4) * gauss) / 2
    a = 2 / q
    return 4 / (3 * np.sqrt(np.pi)) * (3 * M2 - 9 / 4 * a * M3 + 3 / 16 * a**3 * M5)


def half_life_constant(fraction=slab_fraction_inside):
    """t_1/2 D/R² of test particles, a float and pure number: 0.92503 in a slab, 0.10021 in a sphere."""
    from scipy.optimize import brentq

    return brentq(lambda t: fraction(t, 1.0, 1.0) - 0.5, 1e-3, 10.0, xtol=1e-14)


def central_half_time_constant():
    """When the pressure in the middle of a slab has halved, t D/R² = 1.0991 [1]: erf(R/√(4Dt)) = ½."""
    from scipy.special import erfinv

    return 1 / (4 * erfinv(0.5) ** 2)


def damped_half_life(Pi, gamma, growth_factor=1.0):
    """t_1/2 under strong linear damping: I = V_A|∂P/∂z|/(2Γ) makes the flux constant, t = g Π/(4Γ) [s], a float; Γ [s⁻¹]."""
    return growth_factor * Pi / (4 * gamma)


# --- waves in balance ------------------------------------------------------------------------------------------

def balanced_waves(growth, gamma, nonlinear_per_I, I0):
    """I at which growth and damping balance: 0 = G − 2(γ + ν I) I + 2(γ + ν I₀) I₀.

    Parameters
    ----------
    growth : array (n,)
        G = V_A |∂P/∂z| ≥ 0, energy rate [s⁻¹].
    gamma, nonlinear_per_I, I0 : array (n,) or float
        γ and ν [s⁻¹], amplitude rates, not both 0; background level.

    Returns
    -------
    array (n,)
        The positive root, in a form without cancellation: exactly I₀ without growth up to roundoff.
    """
    source = growth / 2 + (gamma + nonlinear_per_I * I0) * I0
    return 2 * source / (gamma + np.sqrt(gamma**2 + 4 * nonlinear_per_I * source))
