"""Where members begin: random numbers keyed by (seed, realisation, member) and by nothing else.

Philox (Salmon et al. 2011) turns a counter into random words: member j has the counters 2j and 2j + 1 of its realisation,
that is eight words, wherever and in whatever company it is computed.
"""

import numpy as np

from hpccr.particles.turbulence import stream

_WORDS = 8


def uniform(seed, realisation, first, count):
    """Uniform numbers in [0, 1) of members first … first + count − 1: array (count, 8)."""
    bits = stream(seed, realisation, "starts").bit_generator
    bits.advance(first * _WORDS // 4)      # Philox counts blocks of four words
    return (bits.random_raw(count * _WORDS).reshape(count, _WORDS) >> np.uint64(11)) * 2.0**-53


def cube(u, side):
    """Positions in a cube around the origin, from the first three of the numbers `u` (n, 8): array (n, 3)."""
    return (u[:, :3] - 0.5) * side


def isotropic(u, mu=None):
    """Directions from numbers 3 and 4 of `u` (n, 8); with a given cosine `mu` (n,) to the z axis, if not None: array (n, 3)."""
    mu = 2.0 * u[:, 3] - 1.0 if mu is None else np.broadcast_to(mu, len(u))
    phi, across = 2.0 * np.pi * u[:, 4], np.sqrt(1.0 - mu * mu)
    return np.stack([across * np.cos(phi), across * np.sin(phi), mu], axis=1)
