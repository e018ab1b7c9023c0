"""CRs that stream along a guide field, scatter in pitch angle and are focused by the field.

    ∂f/∂t = ∂_μ[D(μ)(1 − μ²) ∂_μ f] − ε[μ ∂_z f + (σ/2)(1 − μ²) ∂_μ f]

f(z, μ, t), with z in units of a length l, t in units of 1/ν, ε = v/(lν) and σ = −B′/B (Malkov 2015, equation 6). In a flux tube of
the area A ∝ 1/B the number ∫∫ A f dz dμ is kept. Beside f stand the models for its isotropic part alone: diffusion, hyperdiffusion
(equation 10) and the telegraph equation (12), with the coefficients κ, K, τ of the same D(μ).
"""

import functools

import numpy as np

from hpccr.deck import common, library
from hpccr.deck.schema import Section, choice, file, flag, integer, number, quantities
from hpccr.grid.axis import spaced
from hpccr.grid.tube import Pitch, Tube
from hpccr.physics import focusing, pitch_angle, tables
from hpccr.problems import _kinetic_figures
from hpccr.problems.contract import Problem
from hpccr.steppers.ark import COURANT

# ln of how much the area of a tube may change.
_WIDEST = 300.0

TRANSPORT = Section(
    "transport", "scattering and focusing",
    epsilon=number(0.1, low=1e-4, high=1e3, meaning="v/(l nu): the way between scatterings over the unit of z"),
    scattering=choice("isotropic", ("isotropic", "power", "filled", "table", "orbits"), meaning="D(mu): 1; |mu|^(q-1); the same with its gap filled, + gap; "
                      "of a table; measured by a run of orbits"),
    q=number(1.66666666666666667, low=1.0, high=1.99, meaning="power, filled: index of the turbulence"),
    gap=number(0.1, low=1e-9, high=1e3, meaning="filled: D at mu = 0"),
    table=file(None, otherwise="none", meaning="table: text file with columns mu, D"),
    orbits=file(None, otherwise="none", meaning="orbits: snapshot of a run of problem orbits; its mean D becomes 1"),
    focusing=choice("uniform", ("uniform", "nozzle", "table"), meaning="sigma(z): the same everywhere; sigma exp(-(z/length)^2); of a table"),
    sigma=number(0.0, low=-100.0, high=100.0, meaning="uniform, nozzle: -B'/B in units of 1/l"),
    length=number(1.0, low=1e-6, high=1e6, meaning="nozzle: its length"),
    focusing_table=file(None, otherwise="none", meaning="table: text file with columns z, sigma"),
)

INITIAL = Section(
    "initial", "f at first, a profile in z times one in mu whose mean is 1",
    shape=choice("gaussian", ("gaussian", "box", "cosine", "uniform", "empty"),
                 meaning="gaussian: exp(-(z-at)^2/2 width^2); box: 1 within width of at; cosine: "
                 "1 + amplitude cos, one period in the length of the axis; uniform: 1; empty: 0"),
    width=number(1.0, low=1e-6, high=1e6, meaning="gaussian, box: see there"),
    at=number(0.0, low=-1e6, high=1e6, meaning="where the middle stands"),
    amplitude=number(0.5, low=0.0, high=1.0, meaning="cosine and dipole, of both if both: see there"),
    angle=choice("isotropic", ("isotropic", "beam", "dipole"), meaning="beam: exp(-(1-mu)/spread); dipole: 1 + amplitude mu"),
    spread=number(0.05, low=1e-4, high=10.0, meaning="beam, here and in [ends]: width in mu"),
)

ENDS = Section(
    "ends", "what happens at the ends of the z axis",
    left=choice("open", ("open", "source", "wall", "periodic"),
                meaning="open: particles leave and none enter; source: they leave, and others enter; wall: they are "
                "reflected; periodic: both ends are one"),
    right=choice("open", ("open", "source", "wall", "periodic"), meaning="the same at the upper end"),
    left_value=number(1.0, low=0.0, high=1e6, meaning="source: f of what enters, mean over the mu that enter"),
    right_value=number(1.0, low=0.0, high=1e6, meaning="the same at the upper end"),
    angle=choice("isotropic", ("isotropic", "beam"), meaning="source: how it depends on mu; beam with initial.spread"),
)

MU_AXIS = Section(
    "axes.mu", "cosine of the pitch angle, from -1 to 1",
    cells=integer(128, low=2, high=100_000, meaning="number of cells, or of Gauss points"),
    spacing=choice("uniform", ("uniform", "graded", "legendre"),
                   meaning="uniform and graded: finite volumes, graded with finer cells at 0 and at -1 and 1; legendre: "
                   "Gauss points, spectral accuracy for smooth D and f"),
    finest=number(0.1, low=1e-4, high=1.0, meaning="graded: the finest cell over a uniform one"),
)

Z_AXIS = common.axis_section("z", "", cells=512, from_=-10.0, to=10.0, spacings=("uniform", "sinh"), fewest=8, focus=0.0, scale=1.0, low=-1e6, high=1e6,
                             meaning="distance along the field, in units of l")

REDUCED = Section(
    "reduced", "the models for the isotropic part alone",
    layer=flag(True, meaning="start them from what is left after the first scatterings, f0 - eps^2 <W^2>/4 f0'' at z - (eps/2)<g W>, "
               "g the profile in mu, instead of from f0"),
)

DISPERSION = Section("dispersion", "decay of long waves, exp(ikz + lambda t), on an infinite line with the sigma of uniform focusing, else without",
                     k=quantities([0.1, 0.2, 0.5, 1.0, 2.0, 5.0], "", low="1e-6", high="1e6", longest=1000, increasing=True,
                                  meaning="wavenumbers in units of 1/l"))

TIME = common.time_section(
    400.0, 1e-6, "", courant=number(1.5, low=0.01, high=COURANT, meaning="cells that the fastest particle may cross in a step with explicit streaming"),
    streaming=choice("auto", ("auto", "explicit", "implicit"),
                     meaning="auto: implicit where the error allows steps so long that it pays; implicit: from the first step; "
                             "both only as long as f stays positive"))


def _table(deck, key, what, names, odd=lambda x, y: ""):
    """The columns of a file that [transport] names: array (2, n)."""
    return tables.read(library.input_file(deck.transport[key], deck.path, f"transport.{key}"), what, names, odd)


class Focused(Problem):
    """Pitch-angle transport along a field; see the module's docstring for the equation."""

    name = "focused"
    summary = "pitch-angle scattering, streaming, focusing along a field (z, mu); reduced models"
    reproduces = "Malkov 2015, section III: kappa, K, tau, and how far the reduced models go"
    truth = "dispersion relation, moments of the ballistic to diffusive spread, focusing drift and exponential profile, number"
    engine = "kinetic"
    clock = ("1/nu", 1.0)
    sections = (TRANSPORT, INITIAL, ENDS, REDUCED, DISPERSION, Z_AXIS, MU_AXIS, TIME, common.output_section(""), common.SOLVER)
    small = ("axes.z.cells=32", "axes.mu.cells=8", "time.end=0.1")

    def __init__(self, deck):
        super().__init__(deck)
        t, z, mu = deck.transport, deck.axes.z, deck.axes.mu
        self.law, self.rate = self._law(deck)
        kinds = {"uniform": lambda: focusing.uniform(t.sigma), "nozzle": lambda: focusing.nozzle(t.sigma, t.length),
                 "table": lambda: focusing.table(*_table(deck, "focusing_table", "table of sigma", ("z", "sigma from -1e4 to 1e4"),
                                                           lambda z, sigma: "" if abs(sigma) <= 1e4 else "out of range"))}
        walls = tuple(end == "wall" for end in (deck.ends.left, deck.ends.right))
        faces, law = spaced(z.cells, z.from_, z.to, z.spacing, z.focus, z.scale), kinds[t.focusing]()
        change = np.ptp(law.log_area(faces))
        if change > _WIDEST:
            key = "focusing_table" if t.focusing == "table" else "sigma"
            raise deck.refuse(f"transport.{key}", f"the area of the tube changes by exp({change:.4g})", allowed=f"up to exp({_WIDEST:g}) along the axis")
        self._tube = Tube("z", faces, law, walls)
        self._pitch = Pitch(mu.cells, mu.spacing, mu.finest)
        self.warnings = list(self._odd())

    @staticmethod
    def _law(deck):
        """D(μ), and ν over the gyrofrequency where it was measured."""
        t = deck.transport
        if t.scattering == "orbits":
            from hpccr.output import ensemble_files

            path = library.input_file(t.orbits, deck.path, "transport.orbits")
            return pitch_angle.from_orbits(*ensemble_files.read_scattering(path))
        kinds = {"isotropic": pitch_angle.isotropic, "power": lambda: pitch_angle.power(t.q), "filled": lambda: pitch_angle.filled(t.q, t.gap),
                 "table": lambda: pitch_angle.table(*_table(deck, "table", "table of D", ("mu from -1 to 1", "D from 1e-12 to 1e12"),
                                                            lambda mu, D: "" if -1 <= mu <= 1 and 1e-12 <= D <= 1e12 else "out of range"))}
        return kinds[t.scattering](), None

    @classmethod
    def check(cls, deck):
        t, ends, mu = deck.transport, deck.ends, deck.axes.mu
        for key, wanted in (("table", t.scattering == "table"), ("orbits", t.scattering == "orbits"), ("focusing_table", t.focusing == "table")):
            if wanted and t[key] is None:
                raise deck.refuse(f"transport.{key}", "missing key", allowed="the name of a file")
        if (ends.left == "periodic") != (ends.right == "periodic"):
            raise deck.refuse("ends.right", "one end alone cannot be periodic", allowed="both, or neither")
        if ends.left == "periodic" and (t.focusing != "uniform" or t.sigma != 0):
            raise deck.refuse("ends.left", "with focusing the two ends of the tube differ in area", allowed="transport.sigma = 0, or other ends")
        if mu.spacing == "legendre" and mu.cells > 512:
            raise deck.refuse("axes.mu.cells", "too many Gauss points", allowed="up to 512 with legendre")
        for section, used in (("initial", deck.initial.angle == "beam"), ("ends", ends.angle == "beam" and "source" in (ends.left, ends.right))):
            if mu.spacing == "legendre" and used and mu.cells**2 * deck.initial.spread < 20:
                raise deck.refuse(f"{section}.angle", f"{mu.cells} Gauss points do not resolve a beam of spread {deck.initial.spread:g}",
                                  allowed='a spread of 20/cells^2 or more, or axes.mu.spacing = "uniform" or "graded"')
        if mu.spacing == "legendre" and t.focusing != "uniform":
            raise deck.refuse("axes.mu.spacing", "Gauss points need the same focusing everywhere", allowed='"uniform" or "graded"')
        if mu.spacing == "legendre" and t.scattering in ("power", "filled", "orbits"):
            raise deck.refuse("axes.mu.spacing", "Gauss points do not resolve this D(mu) at mu = 0", allowed='"graded" or "uniform"')

    def _odd(self):
        """Warnings: what the user should know before the run."""
        t, tube = self.deck.transport, self._tube
        if self.deck.axes.mu.spacing == "legendre" and t.scattering == "table":
            yield 'Gauss points converge slowly where D(mu) is not smooth or nearly 0; axes.mu.spacing = "graded" resolves that'
        if self.deck.axes.mu.spacing == "legendre" and "source" in (self.deck.ends.left, self.deck.ends.right):
            yield "Gauss points do not resolve the edge at mu = 0 of what enters: f is lifted to zero beside it, which costs accuracy"
        if self.coefficients.K <= 0:
            yield f"K = {self.coefficients.K:.4g} is not positive with this D(mu): there is no telegraph equation"
        drift = 0.5 * t.epsilon * np.abs(tube.sigma).max()
        if drift > 2:
            yield f"focusing is {drift:.3g} times as fast as scattering: the reduced models are far outside their range"
        shape, widest = self.deck.initial.shape, tube.widths.max()
        if not self.initial_line().any() and "source" not in (self.deck.ends.left, self.deck.ends.right):
            yield "there are no particles: none at first within the axis, and no source"
        if shape in ("gaussian", "box") and self.deck.initial.width < 2 * widest:
            yield f"the initial width of {self.deck.initial.width:g} is not resolved by cells of {widest:.3g}"

    # -- the grid and the equation ------------------------------------------------------------------------

    def line(self):
        return self._tube

    def lane(self):
        return self._pitch

    def model(self):
        """The equation in numbers (steppers.kinetic.Model)."""
        from hpccr.steppers.kinetic import Model

        ends = self.deck.ends
        # What enters at the right is the mirror image of what would at the left.
        inflow = self._entering(ends.left, ends.left_value), self._entering(ends.right, ends.right_value)[::-1]
        return Model(self._tube, self._pitch, self.deck.transport.epsilon, self.law, (ends.left, ends.right), inflow)

    def _entering(self, end, value):
        """f of what enters at a left end of this kind: array (rows,)."""
        pitch, angle = self._pitch, self.angle(self.deck.ends.angle)
        # Of a cell about μ = 0 one half would enter; it stands still, but counts in the mean.
        mean = angle @ np.diff(np.clip(pitch.faces, 0.0, 1.0))
        return np.where((pitch.cosines > 0) & (end == "source") & (mean > 0), angle * value / max(mean, 1e-300), 0.0)

    def compile(self):
        from hpccr.steppers.kinetic import warm

        warm(self.law)

    def simulation(self, comm):
        """What a run computes with (steppers.kinetic.Kinetic)."""
        from hpccr.steppers.kinetic import Kinetic

        return Kinetic(self, comm)

    def first_step(self):
        return 1e-3 * min(self.deck.time.end, 1.0)

    def crossings(self):
        return [("the fastest particles", self._tube.widths.min() / self.deck.transport.epsilon)]

    @property
    def bound(self):
        """What that means for a step."""
        return f"an explicit step takes up to {self.deck.time.courant:g} of that, an implicit one may be longer"

    def expected_steps(self):
        t, (_, crossing) = self.deck.time, self.crossings()[0]
        return t.end / min(t.courant * crossing, t.max_step or np.inf) + 50.0

    # -- the initial state --------------------------------------------------------------------------------

    def profile(self, z):
        """The initial profile at z [l], array like z; a box is 1 everywhere here, and cut by `initial_line`."""
        start, span = self.deck.initial, self._tube.faces[[0, -1]]
        if start.shape == "gaussian":
            return np.exp(-0.5 * ((z - start.at) / start.width) ** 2)
        if start.shape == "cosine":
            return 1 + start.amplitude * np.cos(2 * np.pi * (z - start.at) / (span[1] - span[0]))
        return np.full(np.shape(z), float(start.shape != "empty"))

    def support(self):
        """Where particles are at first (low, high) [l]; of a Gaussian all but 2e-9 of them. Infinite for what fills the axis, and on a
        side from which others enter."""
        start, ends, transport = self.deck.initial, self.deck.ends, self.deck.transport
        reach = {"gaussian": 6.0, "box": 1.0}.get(start.shape, np.inf) * start.width
        # A times a Gaussian is one farther on, or where focusing varies no farther than this.
        shift = np.array([-1.0, 1.0]) * np.abs(self._tube.sigma).max() if not self._tube.focusing.uniform else np.array([transport.sigma])
        middle = start.at + shift * start.width**2 * (start.shape == "gaussian")
        open_ = [end in ("source", "periodic") for end in (ends.left, ends.right)]
        return -np.inf if open_[0] else middle.min() - reach, np.inf if open_[1] else middle.max() + reach

    def initial_line(self, power=0, shift=0.0):
        """The mean of (z − at)^power times the profile in each cell, weighted with A, all of it moved by `shift`: array (cells,)."""
        start = self.deck.initial
        between = np.add(self.support(), shift) if start.shape == "box" else (-np.inf, np.inf)
        polynomial = [0.0] * power + [1.0]
        return self._tube.average(lambda z: np.polynomial.polynomial.polyval(z - shift - start.at, polynomial) * self.profile(z - shift), *between)

    def angle(self, kind):
        """The profile in μ, averaged over cells: array (rows,), whose mean over μ is 1."""
        mu, faces, start = self._pitch, self._pitch.faces, self.deck.initial
        if kind == "dipole":
            return 1 + start.amplitude * mu.centers
        if kind == "beam":
            b = start.spread
            values = np.exp((mu.centers - 1) / b) if mu.spectral else b * np.diff(np.exp((faces - 1) / b)) / mu.widths
            return 2 * values / (values @ mu.widths)
        return np.ones(len(mu))

    def initial(self, cells):
        """f at first in the cells of a slice: array (rows, cells)."""
        return self.angle(self.deck.initial.angle)[:, None] * self.initial_line()[cells]

    # -- what it tells ------------------------------------------------------------------------------------

    @functools.cached_property
    def coefficients(self):
        """κ, K, τ of D(μ) (physics.pitch_angle.Coefficients)."""
        return pitch_angle.coefficients(self.law)

    def derived(self):
        c, epsilon = self.coefficients, self.deck.transport.epsilon
        rows = [("kappa", f"{c.kappa:.10g}   (diffusion coefficient eps^2 kappa/4 = {epsilon**2 * c.kappa / 4:.6g} l^2 nu)"), ("K", f"{c.K:.10g}"),
                ("tau", f"{epsilon**2 * c.tau:.10g}   (eps^2 K/kappa^2)")]
        if self.rate is not None:
            rows.append(("nu", f"{self.rate:.6g} Omega, of the orbits"))
        return rows

    def axis_units(self):
        return [("l", "distance along the field", 1.0), ("1", "cosine of the pitch angle", 1.0)]

    def observer(self, kinetic):
        """What watches the run (KineticObserver)."""
        return _kinetic_figures.KineticObserver(self, kinetic)

    def snapshot(self, kinetic):
        """Output on z: list of (name, values, unit, long_name, whether all ranks hold all of it)."""
        return _kinetic_figures.lines(self, kinetic)


    def dispersion(self):
        """λ(k) of the slowest mode on an infinite line: an entry of summary.json; null where focusing is so strong that there is none
        to be found."""
        from hpccr.physics import pitch_modes

        t, k = self.deck.transport, self.deck.dispersion.k
        sigma = t.sigma if self._tube.focusing.uniform else 0.0
        try:
            slow = np.atleast_1d(pitch_modes.dispersion(self.law, t.epsilon, k, sigma=sigma))
            parts = [float(x) for x in slow.real], [float(x) for x in slow.imag]
        except (ArithmeticError, ValueError, np.linalg.LinAlgError):
            parts = None, None
        return {"k": [float(x) for x in k], "k_unit": "1/l", "sigma": sigma, "value": parts[0], "imaginary": parts[1], "unit": "nu",
                "definition": "lambda(k) of the slowest mode exp(ikz + lambda t) on an infinite line: its real and imaginary part"}
