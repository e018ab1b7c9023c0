"""What takes energy from resonant Alfvén waves. All rates Γ are amplitude rates; the energy decays with 2Γ.

    non-linear Landau   Γ = √(π/8) v_ti k I                                (Felice & Kulsrud 2001, Wiener+2013)
    turbulent           Γ = V_A M_A² /(r L)^½ and its other branches       (Farmer & Goldreich 2004, Lazarian 2016)
    ion-neutral         Γ = |Re x| of the full dispersion relation         (Kulsrud & Pearce 1969; see alfven)

with k = 1/r, r = r_L(p), M_A = V_L/V_A and L the injection scale.
"""

from dataclasses import dataclass

import numpy as np

from hpccr.physics import alfven
from hpccr.physics.gyro import larmor_radius
from hpccr.units import k_B, m_p


@dataclass(frozen=True)
class Damping:
    """Damping of the waves that resonate with each momentum.

    Attributes
    ----------
    ion_neutral, turbulent : array (n,)
        Amplitude rates [s⁻¹]; 0 where switched off.
    nonlinear_per_I : array (n,)
        Γ_NLL/I [s⁻¹]; 0 where switched off.
    waves : AlfvenWaves
        The dispersion relation behind them: phase speed, regime, slow and fast rates of the evanescent band.
    """

    ion_neutral: np.ndarray
    turbulent: np.ndarray
    nonlinear_per_I: np.ndarray
    waves: alfven.AlfvenWaves

    @property
    def linear(self):
        """The rate that does not depend on I [s⁻¹]: array (n,)."""
        return self.ion_neutral + self.turbulent

    def rate(self, I):
        """Γ_d(I) [s⁻¹]: array (n,) for I (n,), in units of B²/8π."""
        return self.linear + self.nonlinear_per_I * I


def of_medium(medium, p, *, ion_neutral=True, turbulent=True, nonlinear_landau=True, cutoff=True):
    """All damping rates in a medium.

    The cascade shears the waves at their own phase speed V(k) (Brahimi+2020): V_Ai above the collision frequency,
    V_A below, and nothing in the evanescent band.

    Parameters
    ----------
    medium : Medium
    p : array (n,)
        Momentum of the resonant protons [g cm/s].
    ion_neutral, turbulent, nonlinear_landau : bool
        Switches.
    cutoff : bool
        Whether the cascade ends at `cascade_cutoff`, below which it does not damp.

    Returns
    -------
    Damping
    """
    r = larmor_radius(p, medium.B)
    waves = alfven.waves(1 / r, medium.V_Ai, medium.nu_ni, medium.chi)
    none = np.zeros_like(r)
    shear = none
    if turbulent:
        r_min = cascade_cutoff(medium) if cutoff else 0.0
        shear = turbulent_rate(r, waves.V, mach_alfven(medium), medium.injection_scale, r_min)
    return Damping(ion_neutral=waves.gamma if ion_neutral else none, turbulent=shear,
                   nonlinear_per_I=nonlinear_landau_per_I(r, medium.v_ti) if nonlinear_landau else none,
                   waves=waves)


def nonlinear_landau_per_I(r, v_ti):
    """Γ_NLL/I = √(π/8) v_ti/r [s⁻¹], of the shape of r [cm]; thermal ion speed v_ti [cm/s]."""
    return np.sqrt(np.pi / 8) * v_ti / np.asarray(r, dtype=float)


def turbulent_rate(r, V_A, M_A, L, r_min=0.0):
    """Shearing of a wave packet of length r by a cascade stirred at L [s⁻¹].

    Parameters
    ----------
    r : array (n,)
        [cm]
    V_A : array (n,) or float
        Speed of the waves [cm/s].
    M_A : float
        Alfvén Mach number of the turbulence at L.
    L : float
        [cm]
    r_min : float
        Below it the cascade has ended and damps no more [cm].

    Returns
    -------
    array (n,)
    """
    r = np.asarray(r, dtype=float)
    if M_A <= 1:
        rate = np.select(
            [r < L * M_A**4, r < L * M_A, r < L],
            [V_A * M_A**2 / np.sqrt(r * L), V_A * M_A ** (8 / 3) / (r**2 * L) ** (1 / 3), V_A * M_A**2 / L + 0 * r],
            V_A * M_A**2 * L / r**2)
    else:
        rate = np.where(r < L / M_A**3, V_A * M_A**1.5 / np.sqrt(r * L), V_A * M_A / (r**2 * L) ** (1 / 3))
    return np.where(r < r_min, 0.0, rate)


def mach_alfven(medium):
    """M_A = V_L/V_A with V_L = max(V_A, c_s) (Brahimi+2020): float, a pure number.

    The turbulence is stirred at L, far above every ion-neutral scale, where the whole gas carries the field: V_A is
    the one of the total density.
    """
    return max(1.0, medium.c_s / medium.V_A)


def cascade_cutoff(medium):
    """r_min below which no turbulence is left to shear the waves [cm]: float; 0 without neutrals.

    The cascade ends where neutrals decouple or viscosity acts (Xu & Lazarian; as in Brahimi+2020):
    k_∥ = {−b + [b² + 8 V_A ν_n l_A/ξ_n]^½}/(2 ν_n l_A), b = ν_n + V_Ai²/ν_in, l_A = L M_A⁻⁴ (M_A < 1) or L M_A⁻³;
    l_min = [k_∥ (1 + l_A k_∥)^½]⁻¹ and r_min = l_min^{4/3} L^{−1/3} × (M_A^{4/3} or M_A).
    """
    if medium.n_n == 0:
        return 0.0
    M_A, L = mach_alfven(medium), medium.injection_scale
    l_A = L / M_A ** (4 if M_A < 1 else 3)
    nu_n = neutral_viscosity(medium)
    b = nu_n + medium.V_Ai**2 / medium.nu_in
    source = 2 * medium.V_A / medium.xi_n
    k_par = 2 * source / (b + np.sqrt(b**2 + 4 * nu_n * l_A * source))   # the root, free of cancellation
    l_min = 1 / (k_par * np.sqrt(1 + l_A * k_par))
    return l_min ** (4 / 3) * L ** (-1 / 3) * M_A ** (4 / 3 if M_A < 1 else 1)


def neutral_viscosity(medium):
    """ν_n = c_n l_n n_n/n [cm²/s], a float; c_n the neutrals' sound speed, l_n = c_n/(ν_nn + ν_ni) their free path.

    ν_nn = 1.5e-10 n_n T^0.31 s⁻¹ (Jean+2009).
    """
    c_n2 = 5 / 3 * k_B * medium.temperature / (medium.mass_n * m_p)
    nu_nn = 1.5e-10 * medium.n_n * medium.temperature**0.31
    return c_n2 / (nu_nn + medium.nu_ni) * medium.n_n / medium.n
