"""Escaping CRs that push and heat the gas around their source, in spherical symmetry.

    ∂ρ/∂t + ∇·(ρv) = 0,      ρ (∂v/∂t + v ∂v/∂r) = −∂(P_g + P_c)/∂r
    ∂E/∂t + ∇·[(E + P_g) v] = n (Γ − n Λ(T)) + ∇·(K(T) ∇T) − v ∂P_c/∂r + Q_C + Q_w
    ∂N/∂t + ∇·(vN − D ∂N/∂r) = (∇·v/3) ∂(pN)/∂p − ∂(ṗ_C N)/∂p − V_A |∂N/∂r|

N(t, r, p) per dp; P_c = ∫ (pv/3) N dp, ε_c = ∫ ε N dp; Q_C = −∫ v ṗ_C N dp, Q_w = V_A ∫ ε |∂N/∂r| dp; V_A = B/√4πρ with a fixed
B; D = D_0 (p/m_p c)^a (Shimoda, Asano & Inutsuka 2025, equations 1-9). Free escape of CRs at the
outer end, outflow of gas.
"""

import numpy as np

from hpccr.deck import common, library
from hpccr.deck.schema import Section, choice, file, flag, number, quantities, quantity
from hpccr.grid.axis import METRICS, Axis, spaced
from hpccr.physics import losses, protons
from hpccr.physics.cooling import Cooling
from hpccr.problems import _flow_figures
from hpccr.problems.contract import Problem
from hpccr.units import GeV, Msun, c, k_B, kyr, m_p, pc

GAMMA_GAS = 5 / 3
MC = m_p * c

# What gas and CRs may be at first.
_DENSITIES, _TEMPERATURES = {"low": "1e-9 cm-3", "high": "1e6 cm-3"}, {"low": "1 K", "high": "1e9 K"}
_PRESSURES = {"low": "0 erg/cm3", "high": "1 erg/cm3"}

GAS = Section(
    "gas", "the gas that the CRs meet, at rest and uniform at first",
    n=quantity(None, "cm-3", **_DENSITIES, otherwise="thermal equilibrium at `temperature`", meaning="density"),
    temperature=quantity("7000 K", "K", **_TEMPERATURES, meaning="its temperature at first"),
    B=quantity("1 uG", "G", low="0 G", high="1 mG", meaning="magnetic field in the Alfven speed; fixed"),
    cooling=flag(True, meaning="radiation: n (Gamma - n Lambda)"),
    heating=flag(True, meaning="heating by the waves that CRs drive, and the CRs' loss to them"),
    conduction=flag(True, meaning="thermal conduction (Parker 1953)"),
    light=quantity("2e-26 erg/s", "erg/s", low="0 erg/s", high="1e-20 erg/s", meaning="Gamma, heating by light per particle"),
    cooling_table=file(None, otherwise="Schure et al. 2009 (SPEX)", meaning="text file: log10 T [K], log10 Lambda [erg cm3/s]"),
    ionised=number(0.0, low=0.0, high=1.0, meaning="ionised part, for the CRs' losses: Coulomb there, ionisation elsewhere"),
    geometry=choice("sphere", ("sphere", "slab"), meaning="metric of the r axis; in a slab all totals are per cm2"),
    motion=flag(True, meaning="whether the gas moves; without, it is held as it is at first and only its temperature changes"),
    expansion=quantity("0 km/(s pc)", "1/s", low="-1e5 km/(s pc)", high="1e5 km/(s pc)", meaning="g of a velocity g r at first"),
)

INITIAL = Section(
    "initial", "another initial state, for tests: a tube of two states, a blast of heat, a sound wave",
    kind=choice("cloud", ("cloud", "tube", "blast", "wave"), meaning="cloud: CRs within source.radius; tube: two states; blast: heat within source.radius; "
                "wave: a standing wave of one length of the axis"),
    n_right=quantity(None, "cm-3", **_DENSITIES, otherwise="gas.n", meaning="tube: density beyond source.radius"),
    temperature_right=quantity(None, "K", **_TEMPERATURES, otherwise="gas.temperature", meaning="tube: temperature there"),
    P_cr=quantity("0 erg/cm3", "erg/cm3", **_PRESSURES, meaning="tube, wave: CR pressure, within source.radius if a tube"),
    P_cr_right=quantity("0 erg/cm3", "erg/cm3", **_PRESSURES, meaning="tube: CR pressure beyond it"),
    amplitude=number(1e-3, low=0.0, high=0.5, meaning="wave: relative change of the density"),
)

SOURCE = Section(
    "source", "the CRs that have left their source: N ~ p^-index within a sphere",
    radius=quantity("5 pc", "cm", positive=True, high="10 kpc", meaning="of the sphere"),
    energy=quantity("1e50 erg", "erg", low="0 erg", high="1e56 erg", meaning="in CRs between the ends of the p axis, or of the blast; in a slab per cm2"),
    index=number(2.3, low=0.0, high=6.0, meaning="N ~ p^-index"),
    p_low=quantity(None, "erg", positive=True, otherwise="none", meaning="p c of an exponential cut-off, exp(-p_low/p)"),
    p_high=quantity(None, "erg", positive=True, otherwise="none", meaning="p c of an exponential cut-off, exp(-p/p_high)"),
)

TRANSPORT = Section(
    "transport", "how CRs move and lose energy",
    D0=quantity("1e27 cm2/s", "cm2/s", low="0 cm2/s", high="1e34 cm2/s", meaning="diffusion coefficient at p = m_p c"),
    D_slope=number(0.333333333333333333, low=-2.0, high=2.0, meaning="D ~ p^slope"),
    losses=flag(True, meaning="ionisation and Coulomb losses"),
    wave_model=choice("sink", ("sink", "streaming"), meaning="sink: V_A |dN/dr| is taken from N (the paper); streaming: CRs drift down the gradient of their "
                      "pressure with V_A, which keeps their number"),
    streaming_length=quantity("20 pc", "cm", positive=True, high="100 kpc", meaning="streaming: where the CR pressure varies over more than this, CRs "
                              "stream more slowly in proportion"),
)

DIAGNOSTICS = Section(
    "diagnostics", "what is measured",
    radii=quantities(["1 pc", "10 pc", "30 pc", "100 pc", "200 pc"], "cm", low="0 pc", high="10 kpc", longest=1000,
                     meaning="where the intensity is taken, if the r axis goes so far"),
    expelled_beyond=quantity("200 pc", "cm", positive=True, high="10 kpc",
                             meaning="expelled mass: what has passed this radius, or the end of the r axis if that is nearer"),
)

R_AXIS = common.axis_section("r", "cm", cells=600, from_="0 pc", to="300 pc", focus="0 pc", scale="50 pc", low="0 pc", high="100 kpc",
                             meaning="distance from the source; a wall at the inner end, open at the outer one (tube and wave: walls at both)")
P_AXIS = common.axis_section("p", "erg", cells=25, from_="0.0316227766 m_p c2", to="3162.27766 m_p c2", spacing="log", spacings=("log",), fewest=2,
                             low="1e-6 GeV", high="1e12 GeV", meaning="momentum p c from edge to edge, cells of equal ln p")

TIME = common.time_section("1 Myr", 2e-3, courant=number(0.5, low=0.01, high=1.0, meaning="part of a cell that a signal may cross in a step"))


def _cooling(deck):
    """The Cooling of the deck, from its table if it names one."""
    table = deck.gas.cooling_table
    return Cooling(deck.gas.light, None if table is None else library.input_file(table, deck.path, "gas.cooling_table"))


class Feedback(Problem):
    """Gas and CRs; see the module's docstring for the equations."""

    name = "feedback"
    summary = "CRs that push and heat the gas around their source, and are reshaped by it (r, p)"
    reproduces = "Shimoda, Asano & Inutsuka 2025, figures 1 to 12: cavities, shocks, spectra"
    truth = "Sod, Sedov-Taylor and CR shock tubes, two-fluid sound, Green function, budgets of mass and energy"
    engine = "flow"
    gamma, mass, densest = GAMMA_GAS, m_p, 1e6
    sections = (GAS, INITIAL, SOURCE, TRANSPORT, DIAGNOSTICS, R_AXIS, P_AXIS, TIME, common.OUTPUT)
    small = ("axes.r.cells=60", "axes.p.cells=4", "time.end=10 yr")
    further = {"in a slab": ("gas.geometry=slab", "source.energy=1e8 erg")}

    def __init__(self, deck):
        super().__init__(deck)
        gas, p = deck.gas, deck.axes.p
        self.cooling = _cooling(deck)
        self.n = gas.n if gas.n is not None else float(self.cooling.equilibrium_density(gas.temperature))
        self._lane = Axis("p", np.log(spaced(p.cells, p.from_ / c, p.to / c, "log")), "momentum")
        self.p = np.exp(self._lane.centers)
        self.speed, self.kinetic = protons.speed(self.p), protons.kinetic_energy(self.p)
        self.D = deck.transport.D0 * (self.p / MC) ** deck.transport.D_slope
        self.warnings = list(self._odd())
        u = self.spectrum()
        # Far beyond a cut-off nothing is left that could be scaled to the energy or the pressure wanted.
        if deck.initial.kind != "blast" and not min(self.pressure(u), self.energy_density(u)) > 1e-250:
            raise deck.refuse("source.p_low" if deck.source.p_high is None else "source.p_high",
                              "there are no CRs between the ends of the p axis", allowed="a cut-off that leaves some within [axes.p]")

    @classmethod
    def check(cls, deck):
        gas, initial = deck.gas, deck.initial
        if gas.n is None and not gas.light > 0:
            raise deck.refuse("gas.n", "without gas.light there is no thermal equilibrium to take it from", allowed="a density")
        if deck.source.radius > deck.axes.r.to:
            raise deck.refuse("source.radius", "beyond the end of the r axis", allowed=f"up to {deck.raw['axes.r']['to']}")
        if initial.kind in ("cloud", "blast") and deck.source.radius <= deck.axes.r.from_:
            raise deck.refuse("source.radius", "inside the wall at the beginning of the r axis", allowed=f"more than {deck.raw['axes.r']['from']}")
        if gas.n is None:
            n = float(_cooling(deck).equilibrium_density(gas.temperature))
            if not cls.densest * 1e-12 < n <= cls.densest:
                raise deck.refuse("gas.temperature", f"thermal equilibrium at a density of {n:.3g} cm-3",
                                  allowed=f"one between {cls.densest * 1e-12:g} and {cls.densest:g} cm-3, or a density gas.n")
        if abs(gas.expansion) * deck.axes.r.to > c:
            raise deck.refuse("gas.expansion", "faster than light at the end of the r axis",
                              allowed=f"up to {c / deck.axes.r.to * 1e-5 * pc:.3g} km/(s pc)")
        if deck.transport.wave_model == "streaming" and not gas.heating:
            raise deck.refuse("gas.heating", "streaming CRs heat the gas", allowed='true, or transport.wave_model = "sink"')
        if initial.kind == "blast" and not deck.source.energy > 0:
            raise deck.refuse("source.energy", "a blast without energy", allowed="above 0 erg")
        n = gas.n if gas.n is not None else n
        most = 1e6 * n * cls.mass * c**2 * METRICS[gas.geometry][1](deck.source.radius)
        if gas.motion and initial.kind in ("cloud", "blast") and deck.source.energy > most:
            raise deck.refuse("source.energy", "the gas would be pushed at many times the speed of light",
                              allowed=f"up to {most:.2g} erg" + (", per cm2 in a slab" if gas.geometry == "slab" else ""))

    def _odd(self):
        """Warnings: what the user should know before the run."""
        gas = self.deck.gas
        if gas.cooling and gas.light > 0:
            balance = self.n * float(self.cooling.rate(gas.temperature)) / gas.light
            if abs(balance - 1) > 0.05:
                heat = 1.5 * k_B * gas.temperature / (gas.light * abs(1 - balance))
                yield (f"the gas is not in thermal equilibrium at first: it radiates {balance:.3g} times what light gives it, and changes its temperature "
                       f"within {heat / kyr:.3g} kyr")
        initial, source = self.deck.initial, self.deck.source
        # Of 1 % of its rest energy a gas gets some tenth of the speed of light.
        rest = self.n * m_p * c**2 * METRICS[gas.geometry][1](source.radius)
        if gas.motion and initial.kind in ("cloud", "blast") and source.energy > 0.01 * rest:
            yield (f"source.energy is {source.energy / rest:.2g} times the rest energy of the gas within source.radius, which it drives without "
                   "relativity")
        fastest = abs(gas.expansion) * self.deck.axes.r.to
        if fastest > 0.1 * c:
            yield f"the gas expands with {fastest / c:.2g} c at the end of the r axis; its equations know no relativity"

    # -- the grid and the equations -----------------------------------------------------------------------

    def line(self):
        r = self.deck.axes.r
        faces = spaced(r.cells, r.from_, r.to, r.spacing, r.focus, r.scale)
        tube = self.deck.initial.kind in ("tube", "wave")
        return Axis("r", faces, self.deck.gas.geometry, closed=(True, tube))

    def lane(self):
        return self._lane

    def model(self):
        """The equations in numbers (steppers.flow.Model)."""
        from hpccr.steppers.flow import Model

        deck, faces = self.deck, np.exp(self._lane.faces)
        streams = deck.transport.wave_model == "streaming"
        rate = losses.momentum_loss(faces, deck.gas.ionised) / faces
        return Model(line=self.line(), lane=self._lane, gamma=GAMMA_GAS, mass=m_p, B=deck.gas.B, D=self.D,
                     loss=rate if deck.transport.losses else np.zeros_like(rate), slope=deck.source.index - 1, cooling=self.cooling,
                     radiates=deck.gas.cooling, conducts=deck.gas.conduction, waves=deck.gas.heating and not streams,
                     streaming=streams, streaming_length=deck.transport.streaming_length, moves=deck.gas.motion)

    def simulation(self, comm):
        """What a run computes with (steppers.flow.Flow)."""
        from hpccr.steppers.flow import Flow

        return Flow(self, comm)

    # -- the initial state --------------------------------------------------------------------------------

    def initial_gas(self, cells):
        """ρ [g/cm³], ρv [g/(cm² s)], E [erg/cm³] in some cells (slice): array (3, cells)."""
        deck, line = self.deck, self.line()
        initial, inside = deck.initial, self._inside(line)
        n, T = np.full(len(line), self.n), np.full(len(line), deck.gas.temperature)
        if initial.kind == "tube":
            n = np.where(inside > 0.5, n, initial.n_right or self.n)
            T = np.where(inside > 0.5, T, initial.temperature_right or deck.gas.temperature)
        P = n * k_B * T
        if initial.kind == "blast":
            P = P + deck.source.energy * (GAMMA_GAS - 1) * inside / (inside @ line.volumes)
        if initial.kind == "wave":
            n, P = n * (1 + self._wave(line)), P * (1 + GAMMA_GAS * self._wave(line))
        v = deck.gas.expansion * line.centers
        rho = m_p * n
        return np.stack([rho, rho * v, 0.5 * rho * v * v + P / (GAMMA_GAS - 1)])[:, cells]

    def _wave(self, line):
        """δρ/ρ of a standing wave between two walls, averaged over cells: array (cells,)."""
        k = np.pi / (line.faces[-1] - line.faces[0])
        return self.deck.initial.amplitude * np.diff(np.sin(k * (line.faces - line.faces[0]))) / (k * line.widths)

    def _inside(self, line):
        """The part of each cell's volume within source.radius: array (cells,)."""
        return line.volumes_between(-np.inf, self.deck.source.radius) / line.volumes

    def spectrum(self):
        """pN of the source in arbitrary units, on lanes: array (lanes,)."""
        source = self.deck.source
        cut = np.zeros_like(self.p)
        if source.p_low is not None:
            cut += source.p_low / (self.p * c)
        if source.p_high is not None:
            cut += self.p * c / source.p_high
        return (self.p / MC) ** (1 - source.index) * np.exp(-cut)

    def initial_rays(self, rows, lanes):
        """p N [1/cm³] in the cells `rows` and lanes `lanes` (slices, or lists): array (rows, lanes)."""
        initial, line, u = self.deck.initial, self.line(), self.spectrum()
        inside, widths = self._inside(line), self._lane.widths
        if initial.kind == "blast":
            u = np.zeros((len(inside[rows]), len(u)))
        elif initial.kind == "tube":
            u = np.where(inside[rows] > 0.5, initial.P_cr, initial.P_cr_right)[:, None] * u / self.pressure(u)
        elif initial.kind == "wave":
            # Adiabatic: where gas is compressed by δρ/ρ, p rises by a third of it: δ(pN) = [pN − ⅓ ∂(pN)/∂ln p] δρ/ρ, with the
            # engine's differences.
            rise = u - np.diff(np.pad(self._between(u), 1)) / (3 * widths)
            u = initial.P_cr * (u + self._wave(line)[rows, None] * rise) / self.pressure(u)
        else:
            energy = self.kinetic * widths @ u
            u = (inside[rows] / (inside @ line.volumes))[:, None] * u * self.deck.source.energy / energy
        return np.ascontiguousarray(u[:, lanes])

    def pressure(self, u):
        """P_c = ⅓ ∫ p v N dp = ⅓ ∫ N p dε [erg/cm³] of pN (…, lanes), as the engine takes it: Δε from lane to lane, pN in between
        (see cr_kernels)."""
        return self._between(u) @ np.diff(self.kinetic) / 3

    def _between(self, u):
        """pN between the lanes, of pN (…, lanes): array (…, lanes − 1)."""
        half = 0.5 * (self.deck.source.index - 1) * self._lane.widths[0]
        low, high = u[..., :-1], np.exp(2 * half) * u[..., 1:]
        return 2 * np.exp(-half) * low * high / np.maximum(low + high, 1e-300) * (half / np.sinh(half) if half else 1.0)

    def energy_density(self, u):
        """ε_c = ∫ ε N dp [erg/cm³] of pN (…, lanes)."""
        return u @ (self.kinetic * self._lane.widths)

    def first_step(self):
        """A thousandth of the time in which CRs or sound cross the source [s]."""
        line, R = self.line(), self.deck.source.radius
        P = self._highest_pressure() + self.n * k_B * self.deck.gas.temperature
        crossing = min(R, line.faces[-1]) / np.sqrt(2 * P / (m_p * self.n))
        return float(1e-3 * min(crossing, R * R / max(self.D.max(), 1e-300), self.deck.time.end))

    def _highest_pressure(self):
        """P_c where it is highest at first, in the first or the last cell [erg/cm³]."""
        return self.pressure(self.initial_rays([0, -1], slice(None))).max()

    def crossings(self):
        """At first: sound, with the CRs' pressure where it is highest."""
        speed = np.sqrt((4 / 3 * self._highest_pressure() + GAMMA_GAS * self.n * k_B * self.deck.gas.temperature) / (m_p * self.n))
        return [("sound, with the CRs' pressure at first,", self.line().widths.min() / speed)]

    @property
    def bound(self):
        """What that means for a step."""
        return f"a step takes up to {self.deck.time.courant:g} of what the fastest signal takes then"

    # -- what it tells --------------------------------------------------------------------------------------

    def observer(self, flow):
        """What watches the run (FlowObserver)."""
        return _flow_figures.FlowObserver(self, flow)

    def snapshot(self, flow):
        """Output of a Flow: rows on r, rows on r and p, rows for Variable.whole; collective."""
        return _flow_figures.lines(flow), _flow_figures.plane(flow), _flow_figures.spectra(flow)

    def axis_units(self):
        return [("pc", "distance from the source", 1 / pc), ("GeV/c", "momentum", c / GeV)]

    def expected_steps(self):
        """Roughly: the cells that a signal crosses in the run."""
        deck, width = self.deck, self.line().widths.min()
        shocked = (deck.source.energy / (m_p * self.n) / deck.time.end**3) ** 0.2      # Sedov-Taylor's speed at the end, as a first guess
        warm = np.sqrt(GAMMA_GAS * k_B * 1e5 / m_p)
        return 200 + (2 * shocked + warm) * deck.time.end / (deck.time.courant * width) * deck.gas.motion

    def derived(self):
        gas, n = self.deck.gas, self.n
        line, rho = self.line(), m_p * n
        box = line.volumes.sum()
        rows = [("density", f"{n:.4g} cm-3"), ("sound speed", f"{np.sqrt(GAMMA_GAS * k_B * gas.temperature / m_p) / 1e5:.4g} km/s"),
                ("Alfven speed", f"{gas.B / np.sqrt(4 * np.pi * rho) / 1e5:.4g} km/s")]
        if line.metric == "sphere":
            rows += [("gas in the box", f"{rho * box / Msun:.4g} Msun, {1.5 * n * k_B * gas.temperature * box:.3g} erg of heat")]
        u = self.initial_rays(slice(1), slice(None))[0]
        rows += [("CRs in the first cell", f"energy {self.energy_density(u):.4g}, pressure {self.pressure(u):.4g} erg/cm3")]
        return rows + [(f"D at {self.p[i] * c / GeV:.3g} GeV/c",
                        f"{self.D[i]:.3g} cm2/s, leaves the box in {line.faces[-1] ** 2 / (4 * self.D[i]) / kyr:.3g} kyr"
                  if self.D[i] > 1 else f"{self.D[i]:.3g} cm2/s, does not move them") for i in sorted({0, len(self.p) // 2, len(self.p) - 1})]
