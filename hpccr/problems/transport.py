"""Test particles that diffuse, drift and lose momentum in a given medium: slab, cylinder or sphere.

    ∂f/∂t = (1/A) ∂/∂r [A (D ∂f/∂r − V f)] + (∇·V/3) p⁻³ ∂(p³ f)/∂ln p − p⁻² ∂(p² ṗ f)/∂p − f/τ

with A = 1, 2πr, 4πr²; D = D_0 (p/p_0)^δ; V = V_0 + g r; ṗ = −(p/t_loss)(p/p_0)^(b−1). No waves: the plain
form of the equation that every problem here shares, with exact solutions to hold the solver to.
"""

import numpy as np

from hpccr.deck import common
from hpccr.deck.schema import Section, choice, flag, number, quantity
from hpccr.grid.axis import Axis, log_centred, spaced
from hpccr.grid.field import Field
from hpccr.operators.terms import Advection, Diffusion, Ends, LaneAdvection, Reaction
from hpccr.problems.contract import Problem
from hpccr.units import GeV, c, pc

TRANSPORT = Section(
    "transport", "coefficients",
    geometry=choice("slab", ("slab", "cylinder", "sphere"), meaning="metric of the r axis"),
    D0=quantity("1e28 cm2/s", "cm2/s", low="0 cm2/s", high="1e34 cm2/s", meaning="diffusion coefficient at p0"),
    p0=quantity("10 GeV", "erg", low="1e-6 GeV", high="1e12 GeV", meaning="p c at which D0 and loss_time are given"),
    D_slope=number(0.0, low=-3.0, high=3.0, meaning="D ∝ p^slope"),
    V0=quantity("0 km/s", "cm/s", low="-1e5 km/s", high="1e5 km/s", meaning="drift speed"),
    gradient=quantity("0 km/(s pc)", "1/s", low="-1e5 km/(s pc)", high="1e5 km/(s pc)", meaning="g in V = V0 + g r"),
    adiabatic=flag(True, meaning="momentum change by the divergence of V"),
    loss_time=quantity(None, "s", positive=True, high="1e15 yr", otherwise="no losses", meaning="p/|dp/dt| at p0"),
    loss_index=number(2.0, low=-2.0, high=4.0, meaning="b in dp/dt ∝ −p^b"),
    decay_time=quantity(None, "s", positive=True, high="1e15 yr", otherwise="no decay", meaning="τ of catastrophic losses"),
)

SOURCE = Section(
    "source", "the initial f = (p/p0)^−index exp(−((r − at)/width)²)",
    width=quantity("10 pc", "cm", low="1e-3 pc", high="100 kpc", meaning="width of the Gaussian"),
    at=quantity("0 pc", "cm", low="-100 kpc", high="100 kpc", meaning="its centre"),
    index=number(4.2, low=0.0, high=8.0, meaning="f ∝ p^−index"),
)

R_AXIS = common.axis_section("r", "cm", cells=400, from_="0 pc", to="200 pc", focus="0 pc", scale="50 pc", low="-100 kpc",
                             high="100 kpc", meaning="distance; closed at 0, open at other ends")
P_AXIS = common.axis_section("p", "erg", cells=17, from_="1 GeV", to="1 TeV", spacing="log", spacings=("log",), fewest=1,
                             low="1e-6 GeV", high="1e12 GeV", meaning="momenta p c; the first and the last are included")


class Transport(Problem):
    """Advection, diffusion and losses without feedback; see the module's docstring for the equation."""

    name = "transport"
    summary = "test particles that diffuse, drift, lose momentum in slab, cylinder or sphere (r, p)"
    reproduces = "Green functions of diffusion, drift and losses"
    truth = "Gaussian in slab, cylinder and sphere with drift and decay; characteristics of momentum losses"
    sections = (TRANSPORT, SOURCE, R_AXIS, P_AXIS, common.TIME, common.OUTPUT, common.SOLVER)
    small = ("axes.r.cells=32", "axes.p.cells=3", "time.end=10 yr")
    fields = (Field("f", floor=0.0),)

    @classmethod
    def check(cls, deck):
        if deck.transport.geometry != "slab" and deck.axes.r.from_ < 0:
            raise deck.refuse("axes.r.from", f"a {deck.transport.geometry} has no negative r", allowed="0 pc or more")

    def __init__(self, deck):
        super().__init__(deck)
        transport, p = deck.transport, deck.axes.p
        faces = log_centred(p.cells, p.from_ / c, p.to / c)
        self.p = np.exp(0.5 * (faces[1:] + faces[:-1]))
        self.D = transport.D0 * (self.p * c / transport.p0) ** transport.D_slope
        self.warnings = list(self._odd())

    def _odd(self):
        """Warnings: what the user should know before the run."""
        source, line = self.deck.source, self.line()
        beyond = max(line.faces[0] - source.at, source.at - line.faces[-1]) / source.width
        if beyond > 0:
            yield f"the source lies beyond the r axis by {beyond:.3g} of its widths"
            return
        transport = self.deck.transport
        if len(self.p) == 1 and (transport.loss_time is not None or transport.gradient and transport.adiabatic):
            yield "one momentum has no spectrum to move through: losses and adiabatic changes do next to nothing; axes.p.cells of 2 or more"
        width = np.interp(source.at, line.centers, line.widths)
        if source.width < width:
            yield f"a source of width {source.width / pc:.3g} pc is not resolved by cells of {width / pc:.3g} pc"

    def line(self):
        r, geometry = self.deck.axes.r, self.deck.transport.geometry
        faces = spaced(r.cells, r.from_, r.to, r.spacing, r.focus, r.scale)
        return Axis("r", faces, geometry, closed=(r.from_ == 0, False))

    def lane(self):
        return Axis("p", log_centred(len(self.p), self.p[0], self.p[-1]), "momentum")

    def terms(self):
        t, line, lane, outside = self.deck.transport, self.line(), self.lane(), Ends()
        speed = t.V0 + t.gradient * line.faces
        terms = [Diffusion(0, self.D, outside)] if t.D0 > 0 else []
        if speed.any():
            terms.append(Advection(0, speed[:, None], outside))
        divergence = np.diff(line.areas * speed) / line.volumes
        losses = (np.exp(lane.faces) * c / t.p0) ** (t.loss_index - 1) / t.loss_time if t.loss_time is not None else np.zeros(len(lane) + 1)
        gain = -divergence / 3 if t.adiabatic else np.zeros(len(line))
        if gain.any() or losses.any():
            # d ln p/dt on lane faces.
            terms.append(LaneAdvection(0, lambda cells, faces: gain[cells, None] - losses[faces]))
        if t.decay_time is not None:
            terms.append(Reaction(0, loss=1 / t.decay_time))
        return terms

    def initial(self, cells, lanes):
        r = self.line().centers[cells]
        return [np.exp(-(((r - self.deck.source.at) / self.deck.source.width) ** 2))[:, None] * self.scales()[:, lanes]]

    def scales(self):
        return (self.p * c / self.deck.transport.p0)[None] ** -self.deck.source.index

    def crossings(self):
        transport, line = self.deck.transport, self.line()
        fastest = np.abs(transport.V0 + transport.gradient * line.faces).max()
        drift = [("drift", line.widths.min() / fastest)] if fastest > 0 else []
        return drift + ([("diffusion", line.widths.min() ** 2 / (2 * self.D.max()))] if self.D.max() > 0 else [])

    def expected_steps(self):
        """Steps of a run, roughly: as many for each decade of time, of second order."""
        return 30 * (1e-4 / self.deck.time.rtol) ** (1 / 3)

    def exact(self, t):
        """f(r, p) at time t [s]: array (cells, lanes); for uniform V in a slab, or V = 0, without momentum losses.

        A Gaussian stays one: width² grows by 4Dt, the height falls by (width_0/width)^dimensions and by decay.
        """
        k, s = self.deck.transport, self.deck.source
        if k.gradient or k.loss_time is not None or (k.geometry != "slab" and (k.V0 or s.at)):
            return None
        # A closed end at 0 is a mirror, an open one elsewhere takes what a ball or a cylinder has within.
        begin = self.deck.axes.r.from_
        if begin == 0 and (k.V0 or s.at) or begin > 0 and k.geometry != "slab":
            return None
        dimensions = {"slab": 1, "cylinder": 2, "sphere": 3}[k.geometry]
        square = s.width**2 + 4 * self.D * t
        r = self.line().centers[:, None] - s.at - k.V0 * t
        decay = np.exp(-t / k.decay_time) if k.decay_time is not None else 1.0
        return decay * (s.width**2 / square) ** (dimensions / 2) * np.exp(-(r**2) / square) * self.scales()

    def derived(self):
        ends = sorted({0, len(self.p) - 1})
        return [(f"D at {self.p[i] * c / GeV:.4g} GeV/c", f"{self.D[i]:.4g} cm2/s") for i in ends]

    def axis_units(self):
        return [("pc", "distance", 1 / pc), ("GeV/c", "momentum", c / GeV)]

    def snapshot(self, local):
        return [("f", "cell", local.cell(0), "1", "phase-space density over its initial value at p0 in the centre")]
