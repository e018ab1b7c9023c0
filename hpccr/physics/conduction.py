"""Conduction of heat by neutral atoms and by free electrons, −K(T) ∇T.

    K = 2.5·10³ T^{1/2} below T = 4.47·10⁴ K,   1.25·10⁻⁶ T^{5/2} above      [erg/(cm s K)]         (Parker 1953)

The two laws meet where T² = 2.5·10³/1.25·10⁻⁶, and the larger one holds on either side.
"""

import numpy as np

from hpccr.jit import kernel

ATOMS = 2.5e3           # [erg/(cm s K^{3/2})]
ELECTRONS = 1.25e-6     # [erg/(cm s K^{7/2})]
T_SWITCH = (ATOMS / ELECTRONS) ** 0.5   # [K]


def conductivity(T):
    """K [erg/(cm s K)], of the shape of T [K]."""
    return np.sqrt(T) * np.maximum(ATOMS, ELECTRONS * np.square(T))


@kernel(inline="always")
def parker(T):
    """K [erg/(cm s K)] of one temperature T [K]: floats."""
    return np.sqrt(T) * max(ATOMS, ELECTRONS * T * T)
