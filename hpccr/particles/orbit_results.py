"""From the sums over particles to running coefficients, plateaus and pitch-angle diffusion, with errors.

Everything here takes means over realisations (jackknife) of means over the particles of one realisation.
Units: speed 1, time 1/Ω, length r_g.
"""

import numpy as np

from hpccr.particles.jackknife import jackknife
from hpccr.particles.running import exponent, slope
from hpccr.particles.running import plateau as _plateau

# Places in a row of moments, see orbit_kernels.moments.
MEAN, SQUARE, FOURTH, VELOCITY, GREEN_KUBO = slice(0, 3), slice(3, 9), slice(9, 12), slice(12, 21), slice(21, 30)
XX, YY, ZZ = 3, 4, 5

D_PAR = "d_par = (1/2) d<dz^2>/dt"
D_PERP = "d_perp = (1/4) d<dx^2 + dy^2>/dt"


def running(t, moments):
    """d_par, d_perp and the local exponents of the three coordinates, with errors.

    Parameters
    ----------
    t : array (n,)
        [1/Ω]
    moments : array (R, n, MOMENTS)

    Returns
    -------
    dict of (value, error), arrays (n,) and (n, 3)
    """
    return {"d_par": jackknife(lambda m: 0.5 * slope(t, m[:, ZZ]), moments),
            "d_perp": jackknife(lambda m: 0.25 * slope(t, m[:, XX] + m[:, YY]), moments),
            "exponent": jackknife(lambda m: exponent(t, m[:, XX:ZZ + 1]), moments)}


def plateau(t, moments, begin):
    """The diffusion coefficients from the slopes of ⟨Δz²⟩/2 and ⟨Δx² + Δy²⟩/4 at late times.

    Parameters
    ----------
    t : array (n,)
        [1/Ω]
    moments : array (R, n, MOMENTS)
    begin : float
        The window is begin·t_end ≤ t ≤ t_end.

    Returns
    -------
    dict of dict
        kappa_par and kappa_perp, each as running.plateau.
    """
    return {"kappa_par": _plateau(t, 0.5 * moments[:, :, ZZ], begin),
            "kappa_perp": _plateau(t, 0.25 * (moments[:, :, XX] + moments[:, :, YY]), begin)}


def pitch_angle(bins, lag):
    """D_μμ = ⟨Δμ²⟩/2 lag and ⟨Δμ⟩/lag against μ.

    Parameters
    ----------
    bins : array (R, 3, m)
        Number, sum of Δμ, sum of Δμ² (per particle or not).
    lag : float

    Returns
    -------
    (D, error), (drift, error) : arrays (m,)
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        return (jackknife(lambda b: 0.5 * b[2] / b[0] / lag, bins), jackknife(lambda b: b[1] / b[0] / lag, bins))
