"""From the sums over particles to running coefficients, plateaus and pitch-angle diffusion, with errors.

Everything here takes means over realisations (jackknife) of means over the particles of one realisation.
Units: speed 1, time 1/Ω, length r_g.
"""

import numpy as np

from hpccr.particles.jackknife import jackknife

# Places in a row of moments, see orbit_kernels.moments.
MEAN, SQUARE, FOURTH, VELOCITY, GREEN_KUBO = slice(0, 3), slice(3, 9), slice(9, 12), slice(12, 21), slice(21, 30)
XX, YY, ZZ = 3, 4, 5

D_PAR = "d_par = (1/2) d<dz^2>/dt"
D_PERP = "d_perp = (1/4) d<dx^2 + dy^2>/dt"


def slope(t, m):
    """dm/dt on the times t (n,), of second order also where they are not equally far apart, backward at the last; m(0) = 0.

    Parameters
    ----------
    t : array (n,)
        Increasing, above 0.
    m : array (n, …)

    Returns
    -------
    array (n, …)
    """
    t, m = np.concatenate([[0.0], t]), np.concatenate([np.zeros((1, *m.shape[1:])), m])
    return np.gradient(m, t, axis=0)[1:]


def exponent(t, m):
    """d ln m/d ln t: array (n, …); NaN where m is not positive."""
    if len(t) < 2:
        return np.full(m.shape, np.nan)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.gradient(np.log(m), np.log(t), axis=0)


def running(t, moments):
    """d_par, d_perp and the local exponents of the three coordinates, with errors.

    Parameters
    ----------
    t : array (n,)
    moments : array (R, n, MOMENTS)

    Returns
    -------
    dict of (value, error), arrays (n,) and (n, 3)
    """
    return {"d_par": jackknife(lambda m: 0.5 * slope(t, m[:, ZZ]), moments),
            "d_perp": jackknife(lambda m: 0.25 * slope(t, m[:, XX] + m[:, YY]), moments),
            "exponent": jackknife(lambda m: exponent(t, m[:, XX:ZZ + 1]), moments)}


def _fitted(t, m):
    """Slope of the straight line through m(t) by least squares."""
    t = t - t.mean()
    return (t @ m) / (t @ t)


def plateau(t, moments, begin):
    """The diffusion coefficients from the slope of ⟨Δz²⟩ and ⟨Δx² + Δy²⟩ at late times.

    Parameters
    ----------
    t : array (n,)
    moments : array (R, n, MOMENTS)
    begin : float
        The window is begin·t_end ≤ t ≤ t_end.

    Returns
    -------
    dict
        kappa_par, kappa_perp: (value, error, whether the window before gives the same within 3 errors or 10 %); window: (first, last time).
    """
    late = np.flatnonzero(t >= begin * t[-1] * (1 - 1e-9))
    late = late if len(late) > 1 else np.arange(max(0, len(t) - 2), len(t))
    first = t[late[0]]
    early = np.flatnonzero((t >= begin * first * (1 - 1e-9)) & (t <= first))
    found = {"window": (float(first), float(t[-1]))}
    for name, columns, factor in (("kappa_par", (ZZ,), 0.5), ("kappa_perp", (XX, YY), 0.25)):
        def both(mean):
            m = factor * mean[:, list(columns)].sum(axis=1)
            if len(late) < 2:           # one time in all: a straight line through 0
                return np.array([m[-1] / t[-1], np.nan])
            before = _fitted(t[early], m[early]) if len(early) > 1 else np.nan
            k = _fitted(t[late], m[late])
            return np.array([k, k - before])

        (value, change), (error, spread) = jackknife(both, moments)
        flat = bool(abs(change) <= max(0.1 * abs(value), 3.0 * spread)) if np.isfinite(change + spread) else None
        found[name] = (float(value), float(error), flat)
    return found


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
