"""Pitch-angle scattering by Alfven waves of the Goldreich-Sridhar cascade.

    D(μ) = D_μμ/(1 − μ²) = (π/8) (v/l) |μ| G(x),   x = (1 − μ²)^½ |μ|^(−3/2) ε^(−½),   ε = r_g/l

from the resonances n = ±1 of quasi-linear theory with the spectrum B²/(6π) l^(−1/3) k_⊥^(−10/3) on |k_∥| < k_⊥^(2/3) l^(−1/3),
δB = B at the scale l (Goldreich & Sridhar 1995; Chandran 2000; Malkov et al. 2010). The eddies are long: resonant waves have
k_⊥ > k_∥^(3/2) l^½, x of which in 1/r_⊥, and a gyration averages over those with x > 1. Only particles within θ ~ √ε of the
field feel whole eddies.
"""

import numpy as np

# D of this module times v/l: the rate where δB = B at the scale l.
RATE = np.pi / 8
# Above this the series of J1² loses digits, and the integral is summed up piece by piece.
_SERIES = 4.0
# From here on the asymptotic series holds to 2e-8 of G.
_FAR = 1000.0
_PIECE = 1.0


def resonance(x):
    """G(x) = (16/3) x^(4/3) ∫_x^∞ J₁(z)² z^(−13/3) dz: 1 at x = 0, 16/(13π) x^(−3) far out, to 1e-7 of itself.

    Parameters
    ----------
    x : array, any shape
        From 0 on, a pure number.

    Returns
    -------
    array like x
    """
    # Some builds of numpy complain of powers of 0.
    x = np.maximum(np.asarray(x, dtype=float), 1e-30)
    G = np.empty(x.shape)
    near, far = x <= _SERIES, x >= _FAR
    between = ~near & ~far
    G[near], G[far] = _near(x[near]), 16 / 3 * x[far] ** (4 / 3) * _tail(x[far])
    G[between] = 16 / 3 * x[between] ** (4 / 3) * _between(x[between])
    return G


def _near(x):
    """G by the series J₁² = Σ (−1)^k (2k+2)! / (k! (k+2)! (k+1)!²) (z/2)^(2k+2), integrated from 0 and taken from the whole."""
    from scipy.special import gammaln, gamma

    # ∫_0^∞ J₁² z^(−s) dz (Weber & Schafheitlin), continued to s = 13/3, where the first term of the series is left out of it.
    s = 13 / 3
    whole = gamma(s) * gamma(1 + (1 - s) / 2) / (2**s * gamma((1 + s) / 2) ** 2 * gamma(1 + (1 + s) / 2))
    k = np.arange(1, 31)
    size = np.exp(gammaln(2 * k + 3) - gammaln(k + 1) - gammaln(k + 3) - 2 * gammaln(k + 2) - (2 * k + 2) * np.log(2))
    terms = np.append(0.0, (1 - 2 * (k % 2)) * size / (2 * k - 4 / 3))
    return 1 + 16 / 3 * (whole * x ** (4 / 3) - np.polynomial.polynomial.polyval(x * x, terms))


def _between(x):
    """∫_x^∞ J₁² z^(−13/3) dz by Gauss's rule: from x to the next of fixed points, and on to infinity."""
    edges = np.arange(_SERIES, _FAR + _PIECE / 2, _PIECE)
    pieces = _gauss(edges[:-1], edges[1:])
    beyond = np.append(np.cumsum(pieces[::-1])[::-1], 0.0) + _tail(edges[-1])
    after = np.minimum(((x - _SERIES) / _PIECE).astype(int) + 1, len(edges) - 1)
    return _gauss(x, edges[after]) + beyond[after]


def _gauss(a, b):
    """∫_a^b J₁² z^(−13/3) dz over short pieces."""
    from scipy.special import j1

    point, weight = np.polynomial.legendre.leggauss(12)
    z = 0.5 * (a + b)[:, None] + 0.5 * (b - a)[:, None] * point
    return 0.5 * (b - a) * ((j1(z) ** 2 * z ** (-13 / 3)) @ weight)


def _tail(x):
    """∫_x^∞ J₁² z^(−13/3) dz for large x, from πz J₁² = 1 + 3/(8z²) − sin(2z + 3/(4z)) + …"""
    phase = 2 * x + 0.75 / x
    steady = 3 / 13 * x ** (-13 / 3) + 9 / 152 * x ** (-19 / 3)
    wave = 0.5 * np.cos(phase) * x ** (-16 / 3) + 4 / 3 * np.sin(phase) * x ** (-19 / 3)
    return (steady - wave) / np.pi


def scattering(mu, epsilon):
    """D(μ) in units of its value (π/8) v/l at |μ| = 1: |μ| G(x).

    Parameters
    ----------
    mu : array, any shape
        Cosines of the pitch angle.
    epsilon : float
        r_g/l, above 0.

    Returns
    -------
    array like mu
        0 at μ = 0, where no wave is in resonance.
    """
    mu = np.abs(np.asarray(mu, dtype=float))
    safe = np.maximum(mu, 1e-30)
    # 1 − μ² in factors, and x only as far as G is not 0 to rounding: x may overflow near μ = 0.
    log_x = 0.5 * np.log(np.maximum((1 - safe) * (1 + safe), 1e-300)) - 1.5 * np.log(safe) - 0.5 * np.log(epsilon)
    return mu * resonance(np.exp(np.minimum(log_x, 40.0)))
