"""Focusing of CRs by a guide field whose strength varies: σ(z) = −B'/B and the area A = 1/B of its flux tube, A'/A = σ.

All lengths are in the unit l of the problem (Malkov 2015, equation 6; the flux of B through a tube is the same all along).
"""

import numpy as np


class Focusing:
    """One law of σ.

    Parameters
    ----------
    sigma : callable z -> σ(z) [1/l]
    log_area : callable z -> ln A(z)
        ∫ σ dz from any origin.
    uniform : bool
        Whether σ is the same everywhere.
    """

    def __init__(self, sigma, log_area, uniform=False):
        self.sigma, self.log_area, self.uniform = sigma, log_area, uniform


def uniform(sigma):
    """σ, a float [1/l], the same everywhere, A = exp(σ z)."""
    return Focusing(lambda z: np.full(np.shape(z), float(sigma)), lambda z: sigma * np.asarray(z, dtype=float), True)


def nozzle(sigma, length):
    """A field that falls within `length` around z = 0 by the factor exp(−√π σ length): σ exp(−(z/length)²);
    σ [1/l] and length [l] are floats."""
    def log_area(z):
        from scipy.special import erf

        return 0.5 * np.sqrt(np.pi) * sigma * length * erf(np.asarray(z, dtype=float) / length)

    return Focusing(lambda z: sigma * np.exp(-((np.asarray(z, dtype=float) / length) ** 2)), log_area)


def table(z, sigma):
    """σ (n,) [1/l] given at increasing z (n,) [l], linear in between and constant beyond."""
    z, sigma = np.asarray(z, dtype=float), np.asarray(sigma, dtype=float)
    summed = np.concatenate([[0.0], np.cumsum(0.5 * (sigma[1:] + sigma[:-1]) * np.diff(z))])

    def at(x):
        return np.interp(x, z, sigma)

    def log_area(x):
        x = np.asarray(x, dtype=float)
        k = np.clip(np.searchsorted(z, x) - 1, 0, len(z) - 1)
        # A trapezium from the point below, whose σ is that of the first or last point outside.
        base = np.where(x < z[0], z[0], z[k])
        return summed[k] + 0.5 * (at(base) + at(x)) * (x - base)

    return Focusing(at, log_area)
