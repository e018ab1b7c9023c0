"""Errors from the scatter between realisations, each left out in turn (Tukey 1958; Miller 1974)."""

import numpy as np


def jackknife(function, realisations):
    """A function of the mean over realisations, with its standard error.

    Parameters
    ----------
    function : callable
        Of the mean, array (…), to an array of any shape.
    realisations : array (R, …)
        What each realisation gives.

    Returns
    -------
    value, error : array
        The error is NaN if there is one realisation only.
    """
    realisations = np.asarray(realisations, dtype=float)
    count, total = len(realisations), realisations.sum(axis=0)
    value = np.asarray(function(total / count))
    if count < 2:
        return value, np.full(value.shape, np.nan)
    without = np.array([function((total - one) / (count - 1)) for one in realisations])
    return value, np.sqrt((count - 1) / count * ((without - without.mean(axis=0)) ** 2).sum(axis=0))
