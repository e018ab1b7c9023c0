"""Expansion of a supernova remnant: where the shock is when the cosmic rays leave it.

Free expansion and Sedov-Taylor stage of Truelove & McKee (1999), the offset Sedov law of the CR-cloud papers, and the
pressure-driven snowplough, momentum-conserving and merging times of Cioffi, McKee & Bertschinger (1988).
"""

from dataclasses import dataclass

import numpy as np

from hpccr.units import Msun, kyr, m_p, pc, yr

# Truelove & McKee: ejecta stage R* = a t*^b (1 + s t*^{3/2})^{−2/3} (n = 0) or a t*^b (n = 7), up to t*_ST; then
# R* = (1.42 t* − d)^{2/5}. Their fits join to 0.3 % and 0.8 %.
_TM99 = {0: dict(t_ST=0.495, d=0.254), 7: dict(t_ST=0.732, d=0.312)}

_TINY = 1e-300  # stands for 0 under a broken power, where some numpy builds raise a false alarm


@dataclass(frozen=True)
class Remnant:
    """A remnant in a homogeneous medium.

    Parameters
    ----------
    E_SN : float
        Kinetic energy of the explosion [erg].
    M_ej : float
        Mass of the ejecta [g].
    n : float
        Density of the medium; hydrogen nuclei, mass 1.4 m_p each [cm⁻³].
    metallicity : float
        ζ in solar units, for the cooling.

    Raises
    ------
    ValueError
        If one of them is not positive.
    """

    E_SN: float = 1e51
    M_ej: float = Msun
    n: float = 1.0
    metallicity: float = 1.0

    def __post_init__(self):
        for name in ("E_SN", "M_ej", "n", "metallicity"):
            if not getattr(self, name) > 0:
                raise ValueError(f"Remnant: {name} = {getattr(self, name)!r} must be positive")

    @property
    def _E51(self):
        return self.E_SN / 1e51

    @property
    def _M(self):
        return self.M_ej / Msun

    @property
    def rho(self):
        """Density of the medium, 1.4 m_p n [g/cm³]."""
        return 1.4 * m_p * self.n

    def sedov(self, t):
        """R_sh of the Sedov stage with the ejecta's offset [cm], of the shape of t [s]; nothing before the offset.

        R = 5.0 (E51/n)^{1/5} [1 − 0.05 M_ej^{5/6}/(E51^{1/2} n^{1/3} t)]^{2/5} t^{2/5} pc, t in kyr, M_ej in M_⊙.
        """
        t = np.asarray(t, dtype=float) / kyr
        offset = 0.05 * self._M ** (5 / 6) / (self._E51**0.5 * self.n ** (1 / 3))
        return 5.0 * pc * (self._E51 / self.n) ** 0.2 * np.maximum(t - offset, _TINY) ** 0.4

    @property
    def R_ch(self):
        """Characteristic radius M_ej^{1/3} ρ^{−1/3} [cm]."""
        return (self.M_ej / self.rho) ** (1 / 3)

    @property
    def t_ch(self):
        """Characteristic time E^{−1/2} M_ej^{5/6} ρ^{−1/3} [s]."""
        return self.E_SN**-0.5 * self.M_ej ** (5 / 6) * self.rho ** (-1 / 3)

    def shock(self, t, ejecta=7):
        """(R_sh [cm], v_sh [cm/s]) of Truelove & McKee at times t [s], array (n,).

        Parameters
        ----------
        ejecta : int
            Index n of the ejecta's density profile, 0 or 7.

        Raises
        ------
        ValueError
            For another index.
        """
        x = np.maximum(np.asarray(t, dtype=float), _TINY) / self.t_ch
        R, v = _truelove_mckee(x, ejecta)
        return R * self.R_ch, v * self.R_ch / self.t_ch

    @property
    def t_PDS(self):
        """Start of the pressure-driven snowplough [s]."""
        return 3.61e4 / np.e * yr * self._E51 ** (3 / 14) / (self.metallicity ** (5 / 14) * self.n ** (4 / 7))

    @property
    def R_PDS(self):
        """Radius at t_PDS [cm]."""
        return 14.0 * pc * self._E51 ** (2 / 7) / (self.n ** (3 / 7) * self.metallicity ** (1 / 7))

    @property
    def v_PDS(self):
        """Shock speed at t_PDS [cm/s]."""
        return 413e5 * self.n ** (1 / 7) * self.metallicity ** (3 / 14) * self._E51 ** (1 / 14)

    def snowplough(self, t):
        """R_sh = R_PDS (4t/(3 t_PDS) − 1/3)^{3/10} for t ≥ t_PDS [cm], of the shape of t [s]."""
        x = np.asarray(t, dtype=float) / self.t_PDS
        return self.R_PDS * np.maximum(4 * x / 3 - 1 / 3, _TINY) ** 0.3

    def t_MCS(self, conduction=1.0):
        """Start of the momentum-conserving snowplough [s], a float; `conduction` is Φ_c."""
        v_ej8 = 10 * (self._E51 / self._M) ** 0.5
        cooling = 61 * v_ej8**3 / (self.metallicity ** (9 / 14) * self.n ** (3 / 7) * self._E51 ** (3 / 14))
        return min(cooling, 476 / (self.metallicity * conduction) ** (9 / 14)) * self.t_PDS

    def t_merge(self, c_s, beta=2.0):
        """When the shock slows down to β c_s [s], a float; c_s [cm/s], β in 1-2."""
        slow = self._E51 ** (1 / 14) * self.n ** (1 / 7) * self.metallicity ** (3 / 14) / (beta * c_s / 1e6)
        return 153 * slow ** (10 / 7) * self.t_PDS


def _truelove_mckee(x, ejecta):
    """R*(t*), v*(t*) in characteristic units."""
    if ejecta not in _TM99:
        raise ValueError(f"ejecta = {ejecta!r}, allowed 0, 7")
    t_ST, d = _TM99[ejecta]["t_ST"], _TM99[ejecta]["d"]
    if ejecta == 0:
        early = 2.01 * x * (1 + 1.72 * x**1.5) ** (-2 / 3), 2.01 * (1 + 1.72 * x**1.5) ** (-5 / 3)
    else:
        early = 1.06 * x ** (4 / 7), 0.606 * x ** (-3 / 7)
    drive = 1.42 * np.maximum(x, t_ST) - d
    return np.where(x < t_ST, early[0], drive**0.4), np.where(x < t_ST, early[1], 0.569 * drive**-0.6)
