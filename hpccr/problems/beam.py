"""The narrow beam of CRs along the field, scattered by Alfven waves of the Goldreich-Sridhar cascade.

    μ ∂f/∂z = ∂/∂μ[D (1 − μ²) ∂f/∂μ],   D(μ) = D_other + (π/8) (v/l) |μ| G(x),   ε = r_g/l           (see physics.beam)

The steady angular spectrum is a sum of modes e^(−λz) ψ(μ), found for each ε by itself: ε is a member of the ensemble. Energies are
those of protons with v = c.
"""

from dataclasses import dataclass

import numpy as np

from hpccr import units
from hpccr.deck.schema import Section, integer, number, quantities, quantity
from hpccr.physics import beam, goldreich_sridhar, gyro
from hpccr.problems.ensemble import Ensemble, Results, Task, Unit

# What theory is good for: beyond, the cone is no longer narrow; and below, no angle is resolved.
_LEAST, _MOST = 1e-10, 0.1
_EPSILONS = [float(f"{1e-4 * 100 ** (k / 24):.6g}") for k in range(25)]

BEAM = Section(
    "beam", "the CRs and the cascade",
    l=quantity("1 pc", "cm", low="1e-9 pc", high="1 Mpc", meaning="scale of the cascade at which δB = B"),
    B=quantity("4 uG", "G", low="1e-3 uG", high="1 G", meaning="mean magnetic field"),
    energies=quantities(["1 TeV", "5 TeV", "10 TeV"], "erg", low="1 GeV", high="1e6 PeV", longest=1000,
                        meaning="energies of protons"),
    epsilons=quantities(None, "", low=f"{_LEAST:g}", high=f"{_MOST:g}", longest=1000, otherwise="25 values from 1e-4 to 1e-2",
                        meaning="further values of r_g/l"),
    modes=integer(3, low=1, high=20, meaning="modes that are stored"))

SCATTERING = Section(
    "scattering", "what else scatters, and also at mu = 0",
    mean_free_path=number(150.0, low=1.5, high=1e4, meaning="mean free path of it, v/2D in units of l"),
    mirror=number(0.0, low=0.0, high=1e3, meaning="how much stronger it is at mu = 0: mirrors, broadened resonances"),
    mirror_width=number(0.2, low=0.01, high=1.0, meaning="width of that in mu"))

MU = Section(
    "axes.mu", "cosine of the pitch angle",
    cells=integer(2000, low=200, high=2_000_000, meaning="cells from -1 to 1, even; finest along the field"))

OUTPUT = Section(
    "output", "what is written, and how often",
    checkpoint_every=quantity("10 min", "s", positive=True, high="1 yr", meaning="wall-clock time between checkpoints"))

# Single numbers of a Beam: name, unit, factor to that unit, meaning.
_NUMBERS = (("width", "deg", np.rad2deg(1.0), "full width at half of the excess"),
            ("excess", "1", 1.0, "excess along the field, in parts of the first eigenfunction"),
            ("edge", "deg", np.rad2deg(1.0), "pitch angle within which the waves of the cascade scatter more than all else"),
            ("excess_far", "1", 1.0, "excess along the field far from all sources, in parts of the anisotropy"))


class BeamTask(Task):
    """One ε.

    Parameters
    ----------
    unit : Unit
    solve : callable
        Without arguments: the tally.
    """

    progress = 0.0

    def __init__(self, unit, solve):
        self.unit, self._solve, self._tally = unit, solve, None

    def advance(self):
        self._tally = self._solve()
        return True

    def state(self):
        return np.zeros(1)

    def tally(self):
        return self._tally


@dataclass(frozen=True)
class _Layout:
    """Where the numbers of a Beam are in a tally."""

    shapes: dict

    @property
    def size(self):
        return len(_NUMBERS) + sum(int(np.prod(shape)) for shape in self.shapes.values())

    def pack(self, found):
        """The tally of a Beam: array (size,)."""
        return np.concatenate([[getattr(found, name) for name, *_ in _NUMBERS],
                               *(np.ravel(getattr(found, name)) for name in self.shapes)])

    def unpack(self, tallies):
        """Numbers and arrays of all tallies by name: dict of array (points, …)."""
        rows = np.array(tallies)
        found, at = {name: rows[:, k] for k, (name, *_) in enumerate(_NUMBERS)}, len(_NUMBERS)
        for name, shape in self.shapes.items():
            length = int(np.prod(shape))
            found[name] = rows[:, at:at + length].reshape(len(rows), *shape)
            at += length
        return found


class NarrowBeam(Ensemble):
    """The beam of several ε; see the module's docstring."""

    name = "beam"
    summary = "narrow beam of CRs along the field in Goldreich-Sridhar turbulence"
    reproduces = "Malkov 2015 and Malkov et al. 2010: width ~ sqrt(eps), excess ~ eps = r_g/l"
    truth = "width ~ sqrt(eps) and excess ~ eps; eigenvalues and W of D = 1 and D = |mu|^(q-1) in closed form or by Legendre series"
    sections = (BEAM, SCATTERING, MU, OUTPUT)
    small = ("axes.mu.cells=200", "beam.epsilons=[1e-3]")
    state_size = 1

    def __init__(self, deck):
        super().__init__(deck)
        self.epsilon = np.sort(np.concatenate([self._of_energies(deck), self._further(deck)]))
        self.other = self._other(deck)
        n = deck["axes.mu"].cells
        self._layout = _Layout({"theta": (n,), "mu": (n,), "D": (n,), "W": (n,), "values": (deck.beam.modes,),
                                "psi": (deck.beam.modes, n), "profile": (n // 2,)})
        self.tally_size = self._layout.size

    @staticmethod
    def _of_energies(deck):
        return gyro.larmor_radius(np.asarray(deck.beam.energies) / units.c, deck.beam.B) / deck.beam.l

    @staticmethod
    def _further(deck):
        return np.array(_EPSILONS) if deck.beam.epsilons is None else deck.beam.epsilons

    @staticmethod
    def _other(deck):
        s = deck.scattering
        return beam.Other(s.mean_free_path, s.mirror, s.mirror_width)

    @classmethod
    def check(cls, deck):
        if deck["axes.mu"].cells % 2:
            raise deck.refuse("axes.mu.cells", "the number of cells is odd", allowed="an even number")
        if deck["axes.mu"].cells < 50 * deck.beam.modes:
            raise deck.refuse("beam.modes", f"too many modes for {deck['axes.mu'].cells} cells", allowed="50 cells for each")
        found = cls._of_energies(deck)
        if not len(found) + len(cls._further(deck)):
            raise deck.refuse("beam.epsilons", "there is neither an energy nor a value of r_g/l", allowed="at least one of them")
        for energy, epsilon in zip(deck.beam.energies, found):
            if not _LEAST <= epsilon <= _MOST:
                raise deck.refuse("beam.energies", f"r_g/l = {epsilon:.3g} at {energy / units.TeV:.4g} TeV",
                                  allowed=f"{_LEAST:g} to {_MOST:g}")
        if cls._other(deck)(1.0) > 0.99 * goldreich_sridhar.RATE:
            raise deck.refuse("scattering.mean_free_path", "there is no beam: along the field all else scatters more than the cascade",
                              allowed="a longer one, or less of the mirrors")

    # -- units of work ----------------------------------------------------------------------------------

    def units(self):
        return [Unit(0, number, 1) for number in range(len(self.epsilon))]

    def begin(self, unit):
        def solve():
            return self._layout.pack(beam.spectrum(self.epsilon[unit.first], self.other, self.deck["axes.mu"].cells,
                                                   self.deck.beam.modes))

        return BeamTask(unit, solve)

    def resume(self, unit, state, records):
        return self.begin(unit)

    def seconds(self):
        cells = self.deck["axes.mu"].cells
        return len(self.epsilon) * (5e-3 + 6e-6 * cells), 200 * cells

    # -- what it tells ----------------------------------------------------------------------------------

    def _energy(self):
        """[TeV]"""
        return self.epsilon * self.deck.beam.l * units.e * self.deck.beam.B / units.TeV

    def derived(self):
        epsilon, energy = self.epsilon, self._energy()
        return [("r_g/l", f"{epsilon[0]:.4g} to {epsilon[-1]:.4g}, {len(epsilon)} values"),
                ("E", f"{energy[0]:.4g} to {energy[-1]:.4g} TeV"),
                ("D along the field", f"{goldreich_sridhar.RATE:.4g} v/l by the cascade, {self.other(1.0):.4g} v/l by all else"),
                ("published", f"width {np.rad2deg(4 * epsilon[0]**0.5):.3g} to {np.rad2deg(4 * epsilon[-1]**0.5):.3g} deg, "
                              f"excess {50 * epsilon[0]:.3g} to {50 * epsilon[-1]:.3g}")]

    def results(self, units_, tallies):
        found = self._layout.unpack(tallies)
        numbers = [("epsilon", "1", self.epsilon, "r_g/l"), ("E", "TeV", self._energy(), "energy of protons"),
                   *((name, unit, factor * found[name], meaning) for name, unit, factor, meaning in _NUMBERS),
                   ("decay_length", "l", 1.0 / found["values"][:, 0], "of the first mode, 1/lambda_1")]
        summary = {name: {"value": values, "unit": unit, "definition": meaning} for name, unit, values, meaning in numbers}
        # Angles in rad, as the published 4 sqrt(eps).
        for name, nominal in (("width", 0.5), ("edge", 0.5), ("excess", 1.0), ("excess_far", 1.0)):
            exponent, prefactor = beam.power_law(self.epsilon, found[name], nominal)
            summary[f"{name}_exponent"] = {"value": exponent, "unit": "1", "definition": f"d ln {name}/d ln epsilon"}
            summary[f"{name}_prefactor"] = {"value": prefactor, "unit": "rad" if nominal == 0.5 else "1",
                                            "definition": f"geometric mean of {name}/epsilon^{nominal:g}"}
        summary["steps"] = {"value": len(self.epsilon), "unit": "1", "definition": "values of epsilon"}
        return Results(self._variables(found), summary, numbers)

    def _variables(self, found):
        """Rows for the snapshot: list of (name, dims, array, unit, long_name)."""
        at, cell = ("point",), ("point", "cell")
        n = found["profile"].shape[1]
        return [("epsilon", at, self.epsilon, "1", "r_g/l"), ("E", at, self._energy(), "TeV", "energy of protons"),
                *((name, at, factor * found[name], unit, meaning) for name, unit, factor, meaning in _NUMBERS),
                ("mu", cell, found["mu"], "1", "cosine of the pitch angle"), ("theta", cell, found["theta"], "rad", "pitch angle"),
                ("D", cell, found["D"], "v/l", "D_mumu/(1 - mu2)"),
                ("D_other", cell, self.other(found["mu"]), "v/l", "D_mumu/(1 - mu2) of all but the cascade"),
                ("W", cell, found["W"], "l/v", "integral of 1/D: far from all sources f = a + b (z - W/2), z in l"),
                ("lambda", ("point", "mode"), found["values"], "1/l", "eigenvalues: f = exp(-lambda z) psi"),
                ("psi", ("point", "mode", "cell"), found["psi"], "1", "eigenfunctions, 1 at mu = 1"),
                ("ray", ("point", "angle"), found["theta"][:, :n - 1:-1], "rad", "pitch angle from the axis mu = 1 outward"),
                ("beam", ("point", "angle"), found["profile"], "1",
                 "excess: how far the first eigenfunction stays behind the large-scale one from the edge to here, in parts of it")]
