"""From mean square displacements to running coefficients and plateaus, whatever runs: time, arc length or τ.

Sources of error are realisations: everything is a jackknife over their means. t stands for any of them, in any unit.
"""

import numpy as np

from hpccr.particles.jackknife import jackknife


def slope(t, m):
    """dm/dt on the points t (n,), of second order also where they are not equally far apart, backward at the last; m(0) = 0.

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


def plateau(t, m, begin):
    """The slope of a curve at the end.

    Parameters
    ----------
    t : array (n,)
    m : array (R, n)
        The curve in each realisation, such as ⟨Δz²⟩/2.
    begin : float
        The window is begin·t_end ≤ t ≤ t_end.

    Returns
    -------
    dict
        value, error: of the straight line through the mean curve by least squares; window: [first, last point]; converged:
        whether the window before gives the same within 3 errors or 10 %, None if errors of a tenth and more leave it open.
    """
    late = np.flatnonzero(t >= begin * t[-1] * (1 - 1e-9))
    late = late if len(late) > 1 else np.arange(max(0, len(t) - 2), len(t))
    early = np.flatnonzero((t >= begin * t[late[0]] * (1 - 1e-9)) & (t <= t[late[0]]))

    def both(mean):
        if len(late) < 2:               # one point in all: a straight line through 0
            return np.array([mean[-1] / t[-1], np.nan])
        value = _fitted(t[late], mean[late])
        return np.array([value, value - _fitted(t[early], mean[early]) if len(early) > 1 else np.nan])

    (value, change), (error, spread) = jackknife(both, m)
    far = abs(change) > max(0.1 * abs(value), 3.0 * spread)
    flat = None if not np.isfinite(change + spread) else False if far else True if 10.0 * spread < abs(value) else None
    return {"value": float(value), "error": float(error), "window": [float(t[late[0]]), float(t[-1])], "converged": flat}


def _fitted(t, m):
    """Slope of the straight line through m(t) by least squares."""
    t = t - t.mean()
    return (t @ m) / (t @ t)
