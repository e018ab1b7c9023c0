"""Gyration, resonance and the diffusion coefficients built on them.

    r_L = p c/(e B),   k = 1/r_L,   D = D_B/I,   I₀ = D_B/D_ISM

I is the total (magnetic and kinetic) energy of the resonant waves per ln k in units of B²/8π. The
first two are the definitions; D = D_B/I is quasi-linear theory, with the conventions of Malkov et al. (2013), Nava et al. (2016) and
Blasi (2019).
"""

import numpy as np

from hpccr.units import c, e

# D_B/(c r_L). With I the total wave energy the exact quasilinear value is 4/(3π) (Nava+2016); Malkov+2013 write
# κ_B = c r_L/3; the D = c r_L/(3F) of Evoli+2018 and Blasi 2019 has F = I/2.
CONVENTIONS = {"nava": 4 / (3 * np.pi), "malkov": 1 / 3, "blasi": 2 / 3}


def larmor_radius(p, B):
    """r_L of protons [cm], of the shape of p [g cm/s]; B [G]."""
    return np.asarray(p, dtype=float) * c / (e * B)


def bohm_diffusion(p, B, convention="nava"):
    """D_B of the convention, for v = c [cm²/s].

    Parameters
    ----------
    p : array (n,)
        Momentum [g cm/s].
    B : float
        [G]
    convention : str
        One of CONVENTIONS.

    Raises
    ------
    KeyError
        For another word.
    """
    return CONVENTIONS[convention] * c * larmor_radius(p, B)


def interstellar_diffusion(p, D0, E0, slope):
    """D_ISM = D0 (p c/E0)^slope [cm²/s], of the shape of p [g cm/s]; D0 [cm²/s], E0 [erg]."""
    return D0 * (np.asarray(p, dtype=float) * c / E0) ** slope


def background_waves(p, B, D0, E0, slope, convention="nava"):
    """I₀ = D_B/D_ISM, the wave level that gives the interstellar diffusion coefficient, of the shape of p [g cm/s].

    A pure number; the other arguments are those of `bohm_diffusion` and `interstellar_diffusion`.
    """
    return bohm_diffusion(p, B, convention) / interstellar_diffusion(p, D0, E0, slope)
