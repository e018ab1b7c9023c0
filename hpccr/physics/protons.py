"""Protons of a momentum p: speed and kinetic energy, exact by the identities below from thermal protons to cosmic rays.

    E = √(p²c² + m_p²c⁴),   v = pc²/E,   ε = E − m_p c² = p²c²/(E + m_p c²)
"""

import numpy as np

from hpccr.units import c, m_p


def speed(p):
    """v [cm/s], of the shape of p [g cm/s]."""
    return p * c / np.hypot(p, m_p * c)


def kinetic_energy(p):
    """ε [erg], without the cancellation of E − m_p c² at small p; of the shape of p [g cm/s]."""
    return p**2 * c / (np.hypot(p, m_p * c) + m_p * c)


def momentum(E_kin):
    """p [g cm/s] of a kinetic energy, of the shape of E_kin [erg]."""
    return np.sqrt(E_kin * (E_kin + 2 * m_p * c**2)) / c
