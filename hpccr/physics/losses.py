"""Energy that cosmic-ray protons lose to the gas they cross: they ionise neutral atoms and collide with free electrons.

    −dε/dt = n [(1 − x) b_ion + x b_Coul],      −dp/dt = (−dε/dt)/v

per hydrogen nucleus of which the part x is ionised: Schlickeiser 2002, eq (5.3.58), with n_HI = (1 − x) n, n_e = x n, no
molecules, and without pions, which matter above 0.3 GeV. All rates are positive.
"""

import numpy as np

from hpccr.physics.protons import kinetic_energy, momentum, speed
from hpccr.units import c, eV


def ionisation(T_kin):
    """b_ion [erg cm³/s] = 1.82·10⁻⁷ eV [1 + 0.0185 ln β H(β − 0.01)] 2β²/(10⁻⁶ + 2β³): dε/dt in 1 neutral atom per cm³.

    Of the shape of T_kin > 0 [erg]. Mannheim & Schlickeiser 1994. Below β = 0.01 the proton moves like the atom's own electron.
    """
    beta = speed(momentum(T_kin)) / c
    slow = np.where(beta > 0.01, 1 + 0.0185 * np.log(np.maximum(beta, 0.01)), 1.0)
    return 1.82e-7 * eV * slow * 2 * beta**2 / (1e-6 + 2 * beta**3)


def coulomb(T_kin, T_e=1e4):
    """b_Coul [erg cm³/s] = 3.1·10⁻⁷ eV β²/[β³ + 2.34·10⁻⁵ (T_e/2·10⁶ K)^{3/2}]: dε/dt in 1 free electron per cm³.

    Of the shape of T_kin > 0 [erg]; T_e [K]. Mannheim & Schlickeiser 1994. Electrons are felt only by protons that outrun them.
    """
    beta = speed(momentum(T_kin)) / c
    return 3.1e-7 * eV * beta**2 / (beta**3 + 2.34e-5 * (T_e / 2e6) ** 1.5)


def momentum_loss(p, ionised=0.0, T_e=1e4):
    """−dp/dt per hydrogen nucleus per cm³ [g cm⁴/s²]; multiply by n for the rate in a gas.

    Parameters
    ----------
    p : array, any shape
        [g cm/s], > 0.
    ionised : array or float
        x in [0, 1]. 0 by default, since gas in thermal balance at 7000 K is the warm neutral medium, and what cosmic rays
        have heated and ionised is too thin to take much from them. In ionised gas (x = 1) losses are 1.7 times as fast.
    T_e : array or float
        Temperature of the free electrons [K]; matters above 10⁵ K only, for protons of less than some MeV.

    Returns
    -------
    array
        As the arguments broadcast; linear in x.
    """
    energy = kinetic_energy(p)
    return ((1 - ionised) * ionisation(energy) + ionised * coulomb(energy, T_e)) / speed(p)
