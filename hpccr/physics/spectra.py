"""The cosmic rays that a remnant releases: their spectrum, and the slab they fill at the start.

N(E) ∝ E^−Γ between E_min and E_max with ∫ E N dE = E_CR; P is the pressure per ln p in units of W₀ = B²/8π
(Nava et al. 2016, Brahimi+2020).
"""

import numpy as np

from hpccr.units import GeV

NORMALISATIONS = ("sphere", "cylinder")


def energy_spectrum(E, E_cr, index, E_min, E_max):
    """E² N(E), the energy per ln E [erg]; 0 outside [E_min, E_max].

    Parameters
    ----------
    E : array (n,)
        [erg]
    E_cr : float
        Energy of all particles [erg].
    index : float
        Γ, any value including 2.
    E_min, E_max : float
        [erg]

    Returns
    -------
    array (n,)
    """
    E = np.asarray(E, dtype=float)
    s, width = 2 - index, np.log(E_max / E_min)
    x = s * width
    norm = x / np.expm1(x) if x else 1.0           # → E_cr/ln(E_max/E_min) at Γ = 2
    # The ends belong to it, in whatever unit they were written.
    inside = (E >= E_min * (1 - 1e-9)) & (E <= E_max * (1 + 1e-9))
    return np.where(inside, E_cr * norm / width * (E / E_min) ** s, 0.0)


def initial_pressure(energy_per_lnE, R, W0, normalisation="sphere"):
    """P₀ of the slab |z| < R, in units of W₀.

    "sphere": E²N/(4π R³ W₀), the density of a sphere of radius R put into the tube (Brahimi+2020), which overfills
    it by 3/2; "cylinder": E²N/(6π R³ W₀), the exact content of a tube of area π R² and length 2R.

    Parameters
    ----------
    energy_per_lnE : array (n,)
        E² N(E) [erg].
    R : array (n,) or float
        [cm]
    W0 : float
        [erg/cm³]

    Raises
    ------
    ValueError
        For another normalisation.
    """
    if normalisation not in NORMALISATIONS:
        raise ValueError(f"normalisation = {normalisation!r}, allowed {', '.join(NORMALISATIONS)}")
    volume = {"sphere": 4, "cylinder": 6}[normalisation] * np.pi * np.asarray(R, dtype=float) ** 3
    return energy_per_lnE / (volume * W0)


def background_pressure(E, P_GeV, W0, slope=-0.7, E0=GeV):
    """The interstellar CRs' P = P_GeV (E/E0)^slope / W₀, in units of W₀ [erg/cm³], of the shape of E [erg]; P_GeV [erg/cm³], E0 [erg]."""
    return P_GeV / W0 * (np.asarray(E, dtype=float) / E0) ** slope


def slab_profile(z, R, width):
    """½ [erf((z+R)/w) − erf((z−R)/w)]: 1 inside |z| < R, 0 outside; its integral over the line is 2R exactly.

    A pure number; z, R and width [cm] broadcast against each other.
    """
    from scipy.special import erfc

    z = np.abs(z)
    return 0.5 * (erfc((z - R) / width) - erfc((z + R) / width))


def slab_cell_averages(edges, R, width):
    """Exact averages of `slab_profile` over cells; never negative, and 1 inside without roundoff.

    Parameters
    ----------
    edges : array (n + 1,)
        Increasing cell edges anywhere on the line [cm].
    R, width : array (m,) or float
        Half-length of the slab and width of its edge [cm].

    Returns
    -------
    array (n,), or (n, m) where R or width is an array
    """
    R, width = np.broadcast_arrays(np.asarray(R, dtype=float), np.asarray(width, dtype=float))
    z = np.asarray(edges, dtype=float).reshape((-1,) + (1,) * R.ndim)

    # ½ erfc((z−R)/w) integrates to min(z, R) − ½ w ierfc(|z−R|/w): the sharp edge and a decaying correction
    def smear(x):
        return 0.5 * width * _ierfc(np.abs(x) / width)

    sharp, soft = np.clip(z, -R, R), smear(z + R) - smear(z - R)
    content = np.diff(sharp, axis=0) + np.diff(soft, axis=0)
    return content / np.diff(z, axis=0)


def suppression_exponent(V_A, D_B, P0, R):
    """Π = (V_A/D_B) ∫₀^∞ P dz of the slab, (V_A/D_B) P₀ R: the waves grow by at most e^Π.

    A pure number; V_A [cm/s], D_B [cm²/s], P0 in units of W₀ and R [cm] broadcast.
    """
    return V_A / D_B * P0 * R


def _ierfc(x):
    """∫_x^∞ erfc for x ≥ 0, with full relative accuracy in the tail."""
    from scipy.special import erfcx

    return np.exp(-np.square(x)) * (1 / np.sqrt(np.pi) - x * erfcx(x))
