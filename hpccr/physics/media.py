"""Phases of the interstellar medium, and the speeds and collision rates that follow from them.

    V_Ai = B/√(4π ρ_i),   V_A = B/√(4π (ρ_i + ρ_n)),   χ = ρ_n/ρ_i,   ν_in = χ ν_ni

Numbers of Jean+2009 and Snow & McCall 2006, as used in the CR-cloud literature (Brahimi+2020, Nava+2019).
"""

from dataclasses import dataclass

import numpy as np

from hpccr.units import k_B, m_p

# Temperature, field, total and ion density (number), masses of ion and neutral in m_p (He: 7 % by number), and the
# scale at which turbulence is injected. CNM and DiM: the ion is C+, MC and DC: HCO+. The dense cases take the warm
# end of the quoted ranges where one is given.
PHASES = {
    "HISM": dict(temperature="1e6 K", B="5 uG", n="0.01 cm-3", n_i="0.01 cm-3", mass_i=1.0, mass_n=1.21,
                 injection_scale="50 pc"),
    "WIM": dict(temperature="8000 K", B="5 uG", n="0.35 cm-3", n_i="0.315 cm-3", mass_i=1.0, mass_n=1.21,
                injection_scale="50 pc"),
    "WNM": dict(temperature="8000 K", B="5 uG", n="0.35 cm-3", n_i="7e-3 cm-3", mass_i=1.0, mass_n=1.21,
                injection_scale="50 pc"),
    "CNM": dict(temperature="50 K", B="6 uG", n="30 cm-3", n_i="2.3e-2 cm-3", mass_i=12.0, mass_n=1.21,
                injection_scale="50 pc"),
    "DiM": dict(temperature="50 K", B="6 uG", n="300 cm-3", n_i="3.0e-2 cm-3", mass_i=12.0, mass_n=1.67,
                injection_scale="50 pc"),
    "MC": dict(temperature="30 K", B="26 uG", n="3000 cm-3", n_i="3e-2 cm-3", mass_i=29.0, mass_n=2.14,
               injection_scale="50 pc"),
    "DC": dict(temperature="20 K", B="59 uG", n="1e4 cm-3", n_i="1e-2 cm-3", mass_i=29.0, mass_n=2.14,
               injection_scale="50 pc"),
}

MOLECULAR_BELOW = 50.0  # K; exclusive, so that CNM and DiM at 50 K keep the atomic rate of the literature

COLLISIONS = ("auto", "atomic", "molecular")


@dataclass(frozen=True)
class Medium:
    """A homogeneous, partly ionised medium.

    Parameters
    ----------
    temperature : float
        [K]
    B : float
        Mean field [G].
    n, n_i : float
        Number density of all heavy particles, and of the ions among them [cm⁻³].
    mass_i, mass_n : float
        Mean mass of an ion and of a neutral [m_p].
    injection_scale : float
        L, where the turbulence is stirred [cm].
    collisions : str
        Law of the ion-neutral collision rate, one of COLLISIONS: "atomic" 8.4e-9 n_n (T/10⁴ K)^0.4 s⁻¹
        (Kulsrud & Cesarsky 1971), "molecular" 2.1e-9 n_n s⁻¹, "auto" the molecular one below 50 K.
    collision_factor : float
        Multiplies the atomic law: 2 (Jean+2009, Brahimi+2020) or 1 (Kulsrud & Cesarsky 1971).

    Raises
    ------
    ValueError
        If a number is not positive and finite, n_i exceeds n, or `collisions` is none of the above.
    """

    temperature: float
    B: float
    n: float
    n_i: float
    mass_i: float
    mass_n: float
    injection_scale: float
    collisions: str = "auto"
    collision_factor: float = 2.0

    def __post_init__(self):
        for name in ("temperature", "B", "n", "n_i", "mass_i", "mass_n", "injection_scale", "collision_factor"):
            value = getattr(self, name)
            if not (np.isfinite(value) and value > 0):
                raise ValueError(f"Medium: {name} = {value!r} must be positive and finite")
        if self.n_i > self.n:
            raise ValueError(f"Medium: n_i = {self.n_i!r} exceeds n = {self.n!r}")
        if self.collisions not in COLLISIONS:
            raise ValueError(f"Medium: collisions = {self.collisions!r}, allowed {', '.join(COLLISIONS)}")

    @property
    def n_n(self):
        """Number density of neutrals [cm⁻³]."""
        return self.n - self.n_i

    @property
    def rho_i(self):
        """Mass density of ions [g/cm³]."""
        return self.n_i * self.mass_i * m_p

    @property
    def rho_n(self):
        """Mass density of neutrals [g/cm³]."""
        return self.n_n * self.mass_n * m_p

    @property
    def rho(self):
        """Mass density [g/cm³]."""
        return self.rho_i + self.rho_n

    @property
    def chi(self):
        """ρ_n/ρ_i [1]."""
        return self.rho_n / self.rho_i

    @property
    def xi_n(self):
        """ρ_n/ρ [1]."""
        return self.rho_n / self.rho

    @property
    def V_Ai(self):
        """Alfvén speed of the ions alone [cm/s]: waves above the collision frequency."""
        return self.B / np.sqrt(4 * np.pi * self.rho_i)

    @property
    def V_A(self):
        """Alfvén speed of the whole gas [cm/s]: waves below the collision frequency."""
        return self.B / np.sqrt(4 * np.pi * self.rho)

    @property
    def W0(self):
        """Magnetic energy density B²/8π [erg/cm³]."""
        return self.B**2 / (8 * np.pi)

    @property
    def c_s(self):
        """Adiabatic sound speed √(5 k_B T/(3 ρ/n)) of ions and neutrals, without electrons [cm/s]."""
        return np.sqrt(5 / 3 * k_B * self.temperature * self.n / self.rho)

    @property
    def v_ti(self):
        """Thermal speed of the ions √(k_B T/m_i) [cm/s]."""
        return np.sqrt(k_B * self.temperature / (self.mass_i * m_p))

    @property
    def rate_coefficient(self):
        """ν_in/n_n [cm³/s]."""
        molecular = self.collisions == "molecular"
        if molecular or (self.collisions == "auto" and self.temperature < MOLECULAR_BELOW):
            return 2.1e-9
        return self.collision_factor * 8.4e-9 * (self.temperature / 1e4) ** 0.4

    @property
    def nu_in(self):
        """Momentum-transfer rate of an ion on the neutrals [s⁻¹]."""
        return self.rate_coefficient * self.n_n

    @property
    def nu_ni(self):
        """Momentum-transfer rate of a neutral on the ions, ν_in/χ [s⁻¹]; finite also where n_n = 0."""
        return self.rate_coefficient * self.rho_i / (self.mass_n * m_p)
