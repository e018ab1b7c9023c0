"""Cosmic-ray cloud of a supernova remnant in a magnetic flux tube, with the Alfvén waves that it drives.

    ∂P/∂t + ∂(V_A P)/∂z = ∂/∂z [(D_B/I) ∂P/∂z]
    ∂I/∂t + V_A ∂I/∂z  = −g V_A ∂P/∂z − 2 Γ_d(I) I + 2 Γ_d(I_0) I_0          (Malkov et al. 2013; Nava et al. 2016)

P: partial pressure of CRs per ln p, I: resonant wave energy per ln k at k = 1/r_L(p), both in units of
W_0 = B²/8π. Every momentum is a line of its own. On the half line nothing crosses z = 0 (zero total flux,
so ∫P dz is conserved) and waves enter there at the background; the whole line carries waves of both
directions, which start at I_0/2 each and together scatter. (There I may fall below I_0 by some 1e-5: a
direction is damped below its half where the other is strong, and both move on.)

Where no Alfvén wave exists (the evanescent band of an ion-neutral gas), `waves.evanescent` says what is done:
"none" leaves the background alone, so D = D_ISM and nothing is advected; "coupled" and "decoupled" let waves
grow there with the speed of the whole gas or of the ions, damped by the band's own rate.
"""

import numpy as np

from hpccr.deck import common
from hpccr.deck.schema import Section, choice, flag, number, quantities, quantity, table
from hpccr.grid.axis import Axis, log_centred, spaced
from hpccr.grid.field import Field
from hpccr.operators.terms import Advection, Diffusion, Ends, WaveBalance, WaveScattering
from hpccr.operators.wave_kernels import W_MAX
from hpccr.physics import alfven, damping, gyro, media, protons, spectra
from hpccr.problems._cloud_figures import CloudObserver
from hpccr.problems.contract import Problem
from hpccr.units import GeV, c, pc


def _of_phase(name):
    return lambda values: media.PHASES[values["phase"]][name]


MEDIUM = Section(
    "medium", "the gas: a named phase of the interstellar medium, any number of which may be given here instead",
    phase=choice("WNM", tuple(media.PHASES), meaning="the phase that the other keys default to"),
    temperature=quantity(_of_phase("temperature"), "K", low="1 K", high="1e9 K", otherwise="of the phase", meaning="temperature"),
    B=quantity(_of_phase("B"), "G", low="1e-3 uG", high="1 G", otherwise="of the phase", meaning="mean magnetic field along z"),
    n=quantity(_of_phase("n"), "cm-3", low="1e-6 cm-3", high="1e8 cm-3", otherwise="of the phase",
               meaning="number density of ions and neutrals"),
    n_i=quantity(_of_phase("n_i"), "cm-3", low="1e-9 cm-3", high="1e8 cm-3", otherwise="of the phase",
                 meaning="number density of ions"),
    mass_i=number(_of_phase("mass_i"), low=0.5, high=100.0, otherwise="of the phase", meaning="mass of an ion [m_p]"),
    mass_n=number(_of_phase("mass_n"), low=0.5, high=100.0, otherwise="of the phase", meaning="mean mass of a neutral [m_p]"),
    injection_scale=quantity(_of_phase("injection_scale"), "cm", low="1e-3 pc", high="10 kpc",
                             otherwise="of the phase", meaning="scale L at which the turbulence is stirred"),
    collisions=choice("auto", media.COLLISIONS, meaning="law of the ion-neutral collision rate; auto: molecular below 50 K"),
    collision_factor=number(2.0, low=1e-6, high=1e3, meaning="multiplies the atomic collision rate"),
)

SOURCE = Section(
    "source", "the cloud that the remnant lets go at t = 0: uniform within |z| < radius",
    radius=table("10 pc", "cm", over="erg", columns=("E", "R"), low="1e-3 pc", high="10 kpc",
                 meaning="half length of the cloud; one length, or a table of E and R"),
    energy=quantity("1e50 erg", "erg", low="1e40 erg", high="1e55 erg", meaning="energy of all CRs between E_min and E_max"),
    index=number(2.2, low=1.0, high=4.0, meaning="Γ of N(E) ∝ E^−Γ"),
    E_min=quantity("0.1 GeV", "erg", low="1e-3 GeV", high="1e9 GeV", meaning="lowest energy of the spectrum"),
    E_max=quantity("50 TeV", "erg", low="1e-3 GeV", high="1e9 GeV", meaning="highest energy of the spectrum"),
    normalisation=choice("sphere", ("sphere", "cylinder"),
                         meaning="P as if the CRs filled a sphere of this radius, or the tube of this radius and length 2R"),
    edge=number(0.01, low=0.0, high=0.5, meaning="width of the cloud's error-function edge [radius]"),
)

TRANSPORT = Section(
    "transport", "how CRs move",
    D_ism=quantity("1e28 cm2/s", "cm2/s", low="1e20 cm2/s", high="1e34 cm2/s", meaning="diffusion coefficient of the medium at D_E"),
    D_E=quantity("10 GeV", "erg", low="1e-3 GeV", high="1e9 GeV", meaning="energy at which D_ism is given"),
    D_slope=number(0.5, low=-2.0, high=2.0, meaning="D_ISM ∝ E^slope"),
    convention=choice("nava", ("nava", "malkov", "blasi"), meaning="D_B in D = D_B/I: 4 c r_L/3π, c r_L/3, or c r_L/3 of I = 2F"),
    advection=flag(True, meaning="whether waves and CRs are carried along at the speed of the waves"),
    background=quantity("0 eV/cm3", "erg/cm3", low="0 eV/cm3", high="1e6 eV/cm3",
                        meaning="CR pressure per ln p of the medium at 1 GeV"),
    background_slope=number(-0.7, low=-3.0, high=3.0, meaning="background ∝ E^slope"),
)

WAVES = Section(
    "waves", "how Alfvén waves grow and are damped",
    growth_factor=number(1.0, low=0.0, high=10.0, meaning="g; 1: the waves take all the work that CRs do; 1/2 in Brahimi et al. 2020"),
    nonlinear_landau=flag(True, meaning="non-linear Landau damping"),
    turbulent=flag(True, meaning="damping by the turbulence of the medium"),
    turbulent_cutoff=flag(True, meaning="no turbulent damping where the cascade is cut off by neutrals"),
    ion_neutral=flag(True, meaning="damping by ion-neutral collisions"),
    evanescent=choice("none", ("none", "coupled", "decoupled"),
                      meaning="waves where the ion-neutral gas carries none: none, or with the speed of the whole gas or of the ions"),
)

_DISTANCES = ["10 pc", "50 pc"]

DIAGNOSTICS = Section(
    "diagnostics", "what is reported besides the profiles",
    distances=quantities(_DISTANCES, "cm", low="1e-3 pc", high="100 kpc", shortest=1, meaning="distances at which spectra are stored"),
    residence_within=quantity(None, "cm", low="1e-3 pc", high="100 kpc",
                              otherwise="the whole axis",
                              meaning="residence time and grammage count CRs within this distance, at most the axis"),
)

Z_AXIS = common.axis_section("z", "cm", cells=1024, from_="0 pc", to="1 kpc", spacing="sinh", focus="0 pc",
                             scale="10 pc", low="-100 kpc", high="100 kpc",
                             meaning="along the flux tube; a negative start means the whole line")
P_AXIS = common.axis_section("p", "erg", cells=49, from_="10 GeV", to="10 TeV", spacing="log", spacings=("log",), fewest=1,
                             low="0.1 GeV", high="1e9 GeV", meaning="energies E = p c; the first and the last are included")


class Cloud(Problem):
    """The CR cloud; see the module's docstring for its equations."""

    name = "cloud"
    summary = "CR cloud of a supernova remnant and its self-made Alfvén waves in a flux tube (z, p)"
    reproduces = "half-lives as quoted from Nava+ 2019, Brahimi+ 2020 to 30 %, one to 50 %; Marcowith 2025, figures 5, 6"
    truth = "undamped slab: ln(I/I_0) = (V_A/D_B)∫(P − P_0)dz; half-lives of the linear, undamped and saturated cloud"
    sections = (MEDIUM, SOURCE, TRANSPORT, WAVES, Z_AXIS, P_AXIS, DIAGNOSTICS, common.TIME, common.OUTPUT, common.SOLVER)
    small = ("axes.z.cells=64", "axes.p.cells=3", "time.end=10 yr")
    further = {"on a whole line (axes.z.from below 0)": ("axes.z.from=-1 kpc",)}

    @classmethod
    def check(cls, deck):
        if deck.medium.n_i > deck.medium.n:
            raise deck.refuse("medium.n_i", "more ions than particles", allowed=f'at most n = {deck.raw["medium"]["n"]}')
        if deck.source.E_min >= deck.source.E_max:
            raise deck.refuse("source.E_min", "E_min is not below E_max", allowed=f'below E_max = {deck.raw["source"]["E_max"]}')
        E = cls._energies(deck)
        if E.min() < deck.source.E_min * (1 - 1e-9) or E.max() > deck.source.E_max * (1 + 1e-9):
            raise deck.refuse("axes.p.from" if E.min() < deck.source.E_min else "axes.p.to", "no CRs are released at this energy",
                              allowed=f'from E_min = {deck.raw["source"]["E_min"]} to E_max = {deck.raw["source"]["E_max"]}')
        z = deck.axes.z
        if z.from_ > 0 or z.from_ != 0 and abs(z.from_ + z.to) > 1e-9 * z.to:
            raise deck.refuse("axes.z.from", "neither a half line nor a symmetric whole line",
                              allowed=f'0 pc, or -{deck.raw["axes.z"]["to"]}')
        if deck.raw["diagnostics"]["distances"] != _DISTANCES and max(deck.diagnostics.distances) > z.to:
            raise deck.refuse("diagnostics.distances", "beyond the axis", allowed=f'up to {deck.raw["axes.z"]["to"]}')
        radii = deck.source.radius.at(E)
        if radii.max() > 0.5 * z.to:
            raise deck.refuse("source.radius", "the cloud is longer than half the axis",
                              allowed=f"at most {0.5 * z.to / pc:.4g} pc, or a longer [axes.z]")
        line = cls._line(deck)
        width = np.interp(radii, line.centers, line.widths)
        if (radii < 2 * width).any():
            raise deck.refuse("source.radius", "the cloud is shorter than two cells",
                              allowed=f"at least {2 * width.max() / pc:.3g} pc, or finer cells in [axes.z]")

    @staticmethod
    def _energies(deck):
        """The energies of the lanes [erg], their ends as the deck gives them: array (lanes,)."""
        p = deck.axes.p
        faces = log_centred(p.cells, p.from_, p.to)
        E = np.exp(0.5 * (faces[1:] + faces[:-1]))
        E[0] = p.from_
        if len(E) > 1:
            E[-1] = p.to
        return E

    def __init__(self, deck):
        super().__init__(deck)
        m, transport, waves = deck.medium, deck.transport, deck.waves
        self.medium = media.Medium(m.temperature, m.B, m.n, m.n_i, m.mass_i, m.mass_n, m.injection_scale,
                                   m.collisions, m.collision_factor)
        self.whole = deck.axes.z.from_ < 0
        self.E = self._energies(deck)
        self.p = self.E / c
        self.D_B = gyro.bohm_diffusion(self.p, m.B, transport.convention)
        self.D_ism = gyro.interstellar_diffusion(self.p, transport.D_ism, transport.D_E, transport.D_slope)
        self.I0 = self.D_B / self.D_ism
        self._set_waves(waves)
        source = deck.source
        self.R = source.radius.at(self.E)
        self.edge = np.maximum(source.edge, 1e-6) * self.R        # a jump is an edge much thinner than a cell
        spectrum = spectra.energy_spectrum(self.E, source.energy, source.index, source.E_min, source.E_max)
        self.P0 = spectra.initial_pressure(spectrum, self.R, self.medium.W0, source.normalisation)
        self.P_background = spectra.background_pressure(self.E, transport.background, self.medium.W0,
                                                        transport.background_slope)
        self.warnings = list(self._odd())
        # One direction alone may fall below its background where the other raises the non-linear damping.
        self.fields = (Field("P", floor=0.0), *((Field("w_plus", staggered=True), Field("w_minus", staggered=True))
                       if self.whole else (Field("w", staggered=True, floor=0.0, conserved=False),)))

    def _odd(self):
        """Warnings: what the user should know before the run."""
        if self.E[0] < GeV:
            yield f"E = p c and v = c are assumed for all CRs; protons of {self.E[0] / GeV:.3g} GeV/c have v = {protons.speed(self.p[0]) / c:.2g} c"
        within, line = self.deck.diagnostics.residence_within, self.line()
        if within is not None and within < line.widths.min():
            yield f"diagnostics.residence_within, {within / pc:.3g} pc, is shorter than the narrowest cell, {line.widths.min() / pc:.3g} pc"

    def _set_waves(self, waves):
        """Speeds and damping rates per momentum, with the chosen treatment of the evanescent band."""
        rates = damping.of_medium(self.medium, self.p, ion_neutral=waves.ion_neutral, turbulent=waves.turbulent,
                                  nonlinear_landau=waves.nonlinear_landau, cutoff=waves.turbulent_cutoff)
        self.regime, band = rates.waves.regime, rates.waves.regime == alfven.EVANESCENT
        inside = {"none": 0.0, "coupled": self.medium.V_A, "decoupled": self.medium.V_Ai}[waves.evanescent]
        self.V = np.where(band, inside, rates.waves.V)
        self.damping, self.gamma, self.gamma_NL = rates, rates.linear, rates.nonlinear_per_I * self.I0

    # -- the grid and what lives on it ------------------------------------------------------------------

    @staticmethod
    def _line(deck):
        z = deck.axes.z
        return Axis("z", spaced(z.cells, z.from_, z.to, z.spacing, z.focus, z.scale), closed=(z.from_ == 0, False))

    def line(self):
        return self._line(self.deck)

    def lane(self):
        return Axis("p", log_centred(len(self.E), self.p[0], self.p[-1]), "momentum")

    @property
    def Pi(self):
        """Π = (V_A/D_B)∫₀^∞ P dz per momentum: array (lanes,)."""
        return spectra.suppression_exponent(self.V, self.D_B, self.P0, self.R)

    def terms(self):
        waves, share = list(range(1, len(self.fields))), 1.0 / (len(self.fields) - 1)
        outside = Ends(self.P_background, self.P_background)
        terms = [Diffusion(0, WaveScattering(self.D_ism, waves), outside)]
        growth = self.deck.waves.growth_factor * self.V / (self.I0 * share)
        for k, sign in zip(range(len(waves)), (1, -1)):
            terms.append(WaveBalance(0, waves, (k, sign), growth, (self.gamma, self.gamma_NL), outside))
            if self.deck.transport.advection:
                terms.append(Advection(1 + k, sign * self.V, Ends()))
        if self.deck.transport.advection:
            line = self.line()
            # The face in the middle lies at 0 to rounding.
            away = np.sign(np.round(line.faces / line.widths.min(), 6)) if self.whole else np.ones(len(line) + 1)
            # The medium's own CRs are in balance with its waves, and stay.
            terms.append(Advection(0, lambda faces, lanes: away[faces, None] * self.V[lanes], outside, still=self.P_background))
        return terms

    def initial(self, cells, lanes):
        faces = self.line().faces[cells.start:cells.stop + 1]
        slab = spectra.slab_cell_averages(faces, self.R[lanes], self.edge[lanes])
        P = self.P_background[lanes] + self.P0[lanes] * slab
        return [P] + [np.zeros((len(faces), P.shape[1]))] * (len(self.fields) - 1)

    def scales(self):
        # The pressure of the whole content spread over the axis: late profiles are as exact as early ones.
        diluted = self.P0 * self.R / self.deck.axes.z.to
        return np.stack([diluted + self.P_background] + [np.ones_like(self.P0)] * (len(self.fields) - 1))

    def first_step(self):
        # A tenth of the time in which waves grow by I_b at the sharp edge, I_b Δz/(V_A P_0), or CRs diffuse across it.
        edge = np.maximum(self.edge, self.line().widths.min())
        rate = self.V * self.P0 / (self.I0 * edge) + self.D_ism / edge**2
        return float(min(0.1 / rate.max(), 1e-3 * self.deck.time.end))

    # -- what it tells ----------------------------------------------------------------------------------

    def observers(self, simulation):
        return [CloudObserver(self, simulation)]

    def axis_units(self):
        return [("pc", "distance along the flux tube", 1 / pc), ("GeV/c", "momentum", c / GeV)]

    def crossings(self):
        width = self.line().widths.min()
        waves = [("waves", width / self.V.max())] if self.deck.transport.advection and self.V.max() > 0 else []
        return [*waves, ("diffusion without waves", width**2 / (2 * self.D_ism.max()))]

    def expected_steps(self):
        """Steps of a run, roughly: each e-fold of time, and each cell that the waves' front passes."""
        growth = np.log(self.deck.time.end / self.first_step()) * 3 * (1e-4 / self.deck.time.rtol) ** (1 / 3)
        front = self.V.max() * self.deck.time.end * self.deck.transport.advection
        start, ahead = np.searchsorted(self.line().faces, [0.0, front])
        return growth + 0.5 * (ahead - start)

    def coordinates(self):
        return [("E", ("p",), self.E / GeV, "GeV", "energy p c")]

    def snapshot(self, local):
        waves, lanes = range(1, len(self.fields)), local.lanes
        I0, D_ism, W0 = self.I0[lanes], self.D_ism[lanes], self.medium.W0
        P = local.cell(0) * W0
        # Between two faces ln I is a straight line: the cell's value is the geometric mean.
        level = np.sqrt(_scattering([local.left(f) for f in waves])) * np.sqrt(_scattering([local.right(f) for f in waves]))
        on_faces = _scattering([local.face(f) for f in waves])
        rows = [("P_cr", "cell", P, "erg/cm3", "CR pressure per ln p"),
                ("f", "cell", 3 * P / (4 * np.pi * c * self.p[lanes] ** 4), "s3/(g3 cm6)", "CR phase-space density"),
                ("I", "cell", I0 * level, "1", "resonant wave energy per ln k over B^2/8pi"),
                ("D", "cell", D_ism / level, "cm2/s", "diffusion coefficient"),
                ("I_face", "face", I0 * on_faces, "1", "resonant wave energy per ln k over B^2/8pi, on faces")]
        if self.whole:
            for f, name in zip(waves, ("I_plus", "I_minus")):
                one = np.exp(0.5 * np.minimum(local.left(f) + local.right(f), 2 * W_MAX))
                rows.append((name, "cell", 0.5 * I0 * one, "1", f"resonant wave energy per ln k over B^2/8pi, waves towards {name[2:]} z"))
        return rows

    def derived(self):
        m, rows = self.medium, []
        rows.append(("Alfven speed, ions", f"{m.V_Ai / 1e5:.4g} km/s"))
        rows.append(("Alfven speed, whole gas", f"{m.V_A / 1e5:.4g} km/s"))
        rows.append(("sound speed", f"{m.c_s / 1e5:.4g} km/s"))
        rows.append(("neutral to ion density", f"{m.chi:.4g}"))
        rows.append(("ion-neutral collision rate", f"{m.nu_in:.4g} 1/s"))
        rows.append(("magnetic energy density W0", f"{m.W0:.4g} erg/cm3"))
        low, high = (alfven.resonant_energy(k, m.B) / GeV for k in alfven.band_edges(m.V_Ai, m.nu_ni, m.chi)[::-1])
        rows.append(("evanescent band", f"{low:.4g} to {high:.4g} GeV" if np.isfinite(low) else "none"))
        rows.append(("", "E [GeV]  wave speed [km/s]  R [pc]      Pi         D_B [cm2/s]  D_ISM [cm2/s]  I_0"
                         "         damping [1/s]: ion-neutral  turbulent  non-linear Landau at I_0"))
        n = len(self.E)
        for i in sorted({0, n // 4, n // 2, 3 * n // 4, n - 1}):
            rows.append(("", f"{self.E[i] / GeV:<9.4g}{self.V[i] / 1e5:<19.4g}{self.R[i] / pc:<12.4g}{self.Pi[i]:<11.4g}"
                             f"{self.D_B[i]:<13.4g}{self.D_ism[i]:<15.4g}{self.I0[i]:<27.4g}"
                             f"{self.damping.ion_neutral[i]:<13.4g}{self.damping.turbulent[i]:<11.4g}{self.gamma_NL[i]:.4g}"))
        return rows


def _scattering(waves):
    """ΣI/I_0 from the fields w of all directions, each array (n, lanes)."""
    return sum(np.exp(np.minimum(w, W_MAX)) for w in waves) / len(waves)
