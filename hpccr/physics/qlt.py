"""Quasi-linear theory: pitch-angle scattering in slab turbulence."""

import numpy as np


def slab_D_mumu(mu, W):
    """D_μμ/Ω in slab waves that do not move.

    D_μμ = (π/4) Ω (1 − μ²) k_r W(k_r)/B0², k_r = 1/(r_g |μ|)  (Jokipii 1966; Schlickeiser 2002)

    Parameters
    ----------
    mu : array (n,)
        Cosines of the pitch angle [1].
    W : callable
        Spectrum of both components over B0², ∫ W dk = (δB/B0)², of k in 1/r_g.

    Returns
    -------
    array (n,)
        0 at μ = 0, where no wave is in resonance.
    """
    mu = np.asarray(mu, dtype=float)
    k = 1.0 / np.maximum(np.abs(mu), 1e-300)
    return np.where(mu == 0.0, 0.0, 0.25 * np.pi * (1.0 - mu**2) * k * W(k))
