"""Field lines of a mean field and synthetic turbulence, and how they spread across it.

    dr/ds = B/|B|   or   dr/dτ = B,  dτ = ds/|B|,   B = B0 ẑ + δB(r)            (Sonsrettee et al. 2015, 2016)

in units of L_c and B_ref, the mean field or, without one, the rms of δB. D_⊥(s) = ¼ d⟨Δx² + Δy²⟩/ds, and the same with τ.
Each line has its own step, by a Runge-Kutta pair of Dormand and Prince and the deck's tolerance. Errors are those of a
mean over realisations of the field.
"""

import numpy as np

from hpccr import units
from hpccr.deck import turbulence
from hpccr.deck.ensemble import ENSEMBLE_OUTPUT
from hpccr.deck.schema import Section, choice, file, integer, integers, number
from hpccr.particles import fieldline_kernels, fieldline_results, sum_kernels
from hpccr.particles.fieldline_task import FieldLineTask, Plan, state_size
from hpccr.problems._synthetic import InTurbulence
from hpccr.problems.ensemble import Results, Unit

ENSEMBLE = Section(
    "ensemble", "the field lines",
    realisations=integer(None, low=1, high=20_000, otherwise="20; 1 with waves_file", meaning="realisations of the field"),
    particles=integer(None, low=1, high=100_000_000, otherwise="128, or as many as starts_file holds",
                      meaning="lines in each; best a multiple of 32"),
    parameter=choice("both", ("s", "tau", "both"), meaning="what runs along the lines: arc length, or τ = ∫ds/|B|"),
    s_end=number(100.0, positive=True, high=1e9, meaning="end of the lines [L_c]"),
    tau_end=number(None, positive=True, high=1e9, otherwise="s_end", meaning="end of the lines with τ [L_c/B_ref]"),
    first=number(0.01, low=1e-6, high=1e9, meaning="first point of output [L_c, L_c/B_ref]"),
    times_per_decade=integer(20, low=1, high=1000, meaning="points of output in a decade"),
    tolerance=number(1e-6, low=1e-10, high=1e-2, meaning="error that a step may make, in shortest wavelengths"),
    plateau_from=number(0.5, low=0.0, high=0.99, meaning="the plateau is measured from this part of the end on"),
    starts_file=file(None, otherwise="random starts", meaning="HDF5 file of positions, used in every realisation"),
    store=integers(None, low=0, otherwise="none", meaning="lines that are stored, in s if that is computed: realisation × particles + number"),
    store_points=integer(1000, low=1, high=10_000_000, meaning="points of a stored line, at equal distances"),
    unit=integer(None, low=1, high=4096, otherwise="256, or fewer in equal shares", meaning="lines in a unit of work, at most"))

# Lines in a unit of work, at most: they are one block of the kernel, whose slopes should stay in the second-level cache.
_UNIT = 256
_NAMES = ("s", "tau")
# A variant is 0: s, 1: τ, for the tally; 2: s, 3: τ, for the stored lines.
_STORED = 2


class FieldLines(InTurbulence):
    """Field lines in synthetic turbulence; see the module's docstring."""

    name = "fieldlines"
    summary = "field lines in synthetic turbulence: running perpendicular diffusion coefficients"
    reproduces = "Sonsrettee et al. 2016, Mertsch 2026 (a talk): diffusion in arc length and in tau"
    truth = "quasi-linear D_perp = b2 L_c/4 (isotropic), b2 L_c/2 (Alfvenic), b2 L_slab/2 (slab); an independent integrator"
    sections = (turbulence.TURBULENCE, ENSEMBLE, ENSEMBLE_OUTPUT)
    small = ("turbulence.modes=8", "ensemble.realisations=2", "ensemble.particles=8", "ensemble.s_end=1",
             "ensemble.store=[0]", "output.waves=1")
    further = {"where the deck gives lengths": ("turbulence.L_min=0.1 pc", "turbulence.L_max=1 pc"),
               "where the deck gives B0": ("turbulence.B0=1 uG",)}
    record_columns = 6

    member, usual, cube, directed = "line", 128, 100.0, False

    def __init__(self, deck):
        super().__init__(deck)
        e = deck.ensemble
        if len(self.kept) * e.store_points > 10**8:
            raise deck.refuse("ensemble.store_points", f"{e.store_points} points on each of {len(self.kept)} lines",
                              allowed="at most 1e8 in all")
        self.record_size = 6 * (e.store_points + 1) * len(self.kept)
        self.variants = {"s": (0,), "tau": (1,), "both": (0, 1)}[e.parameter]
        self.ends = (e.s_end, e.s_end if e.tau_end is None else e.tau_end)
        for variant in self.variants:
            if not e.first < self.ends[variant]:
                raise deck.refuse("ensemble.first", f"not before the end, {_NAMES[variant]} = {self.ends[variant]:.6g}",
                                  allowed=f"less than {min(self.ends[v] for v in self.variants):.6g}")
            name = "tau_end" if variant and e.tau_end is not None else "s_end"
            bent = np.hypot(self.field.mean, self.field.rms) if variant else 1.0
            self.check_phases(self.ends[variant] * bent * self.field.L_c, f"ensemble.{name}", self.ends[variant])
        self._room = self._units()
        most = max(len(self._points(v)) for v in self.variants)
        self.tally_size = most * fieldline_kernels.MOMENTS + 2
        self.state_size = state_size(most, max(unit.count for unit in self._room))
        self.warnings = self._warn()

    def _points(self, variant):
        """Values of the parameter for output [L_c, L_c/B_ref]: array."""
        e, end = self.deck.ensemble, self.ends[variant % _STORED]
        if variant >= _STORED:
            return np.linspace(0.0, end, e.store_points + 1)
        count = max(1, int(np.ceil(np.log10(end / e.first) * e.times_per_decade * (1 - 1e-12))))
        points = e.first * (end / e.first) ** (np.arange(count + 1) / count)
        points[-1] = end
        return points

    def _warn(self):
        """What may spoil the result: list of str."""
        field, key, found = self.field, self.deck.turbulence, list(self.field.warnings)
        if key.kind != "slab" or field.spectrum is None:
            return found
        length = max(self.ends[v] for v in self.variants) * field.L_c
        phase = 2.0 * np.pi * length / field.longest
        if phase < 0.3:
            return found
        # In slab waves D(s) = (b²/2) ∫ E(k) sin(ks)/k dk, and no wave has less than k = 2π/L_max.
        return [*found, f"lines of slab waves do not spread when longer than L_max/2π: they are {length:.4g} {field.name} long, "
                f"{phase:.3g} times that, so that D_perp falls below the quasi-linear value"]

    # -- units of work ----------------------------------------------------------------------------------

    def _units(self):
        cuts = self.cuts(self.deck.ensemble.unit or _UNIT)
        blocks = [Unit(r, a, b - a) for r in range(self.realisations) for a, b in zip(cuts, cuts[1:])]
        found = [Unit(u.realisation, u.first, u.count, v) for v in self.variants for u in blocks]
        # Stored lines are computed once more, with points of their own: the tally has the same bits with them or without.
        return found + [Unit(u.realisation, u.first, u.count, _STORED + self.variants[0]) for u in blocks if self.stored(u)]

    def units(self):
        return self._room

    def members(self, unit):
        return list(self.stored(unit)) if unit.variant >= _STORED else []

    def _plan(self, unit):
        field, arc = self.field, unit.variant % _STORED == 0
        return Plan(arc, self._points(unit.variant) * field.L_c, field.mean, field.rms, field.shortest(),
                    self.deck.ensemble.tolerance, unit.variant >= _STORED, self.state_size, self.tally_size)

    def begin(self, unit):
        position, _ = self.starts(unit)
        members = self.stored(unit) if unit.variant >= _STORED else {}
        if members:
            position = position[list(members.values())]
        return FieldLineTask(unit, self._plan(unit), self.table(unit.realisation), position, list(members))

    def resume(self, unit, state, records):
        count = len(self.stored(unit)) if unit.variant >= _STORED else unit.count
        return FieldLineTask.resumed(unit, self._plan(unit), self.table(unit.realisation), state, count, records)

    def compile(self):
        waves = sum_kernels.table(np.ones((4, 3)), np.zeros((4, 3)), np.zeros(4))
        plan = Plan(True, np.array([1.0]), 1.0, 0.0, 1.0, 1e-6, False, 0, fieldline_kernels.MOMENTS + 2)
        task = FieldLineTask(Unit(0, 0, 1), plan, waves, np.zeros((1, 3)))
        while not task.advance():
            pass
        task.tally()

    def _evaluations(self):
        """Wave evaluations of the whole run, to a factor of about 1.5."""
        field, tolerance = self.field, self.deck.ensemble.tolerance
        # As measured in isotropic turbulence with two decades of waves: 27 at δB = B0 and 15 at a tenth of it, tolerance 1e-6.
        each = max(13.0, 27.0 * (1e-6 / tolerance) ** (0.2 if tolerance >= 1e-7 else 0.15)) * min(1.3, 0.5 + field.rms / 2)
        modes = sum_kernels.padded(field.modes)
        ways = sum(sum_kernels.lanes(u.count) * self.ends[u.variant % _STORED] for u in self._room if u.variant < _STORED)
        return ways * (field.L_c / field.shortest() * each + 200.0 / max(self.ends)) * modes

    def seconds(self):
        return self._evaluations() / 1.6e9, 8 * 3 * self.state_size

    # -- what it tells ----------------------------------------------------------------------------------

    def derived(self):
        field = self.field
        ends = ", ".join(f"{_NAMES[v]} = {self.ends[v]:.5g} {_UNITS[v][0]}" for v in self.variants)
        rows = [*field.derived(), ("lines", f"{self.realisations} realisations of {self.particles}, to {ends}"),
                ("wave evaluations", f"about {self._evaluations():.2g}")]
        theory = self._theory()
        if theory is not None:
            rows.append(("quasi-linear", f"D_perp = {theory:.5g} L_c"))
        return rows

    def _theory(self):
        """Quasi-linear D_⊥ [L_c], or None."""
        field, key = self.field, self.deck.turbulence
        if not field.mean or field.spectrum is None:
            return None
        D = fieldline_results.quasi_linear(key.kind, key.fractions, field.spectrum, field.rms)
        return None if D is None else D / field.L_c

    def _averages(self, tallies, variant):
        """(moments (R, points, MOMENTS), means over the lines of each realisation, in units of L_c; steps, rejected)."""
        total, lines = self.sums(tallies, variant)
        shape = len(self._points(variant)), fieldline_kernels.MOMENTS
        moments = total[:, :shape[0] * shape[1]].reshape(-1, *shape)
        power = np.array([1, 1, 1, 2, 2, 2, 2, 4, 4, 4])
        return moments / lines[:, None, None] / self.field.L_c**power, total[:, -2:].sum(axis=0)

    def results(self, units, tallies):
        summary, variables, steps, table = {}, [], np.zeros(2), {}
        for variant in self.variants:
            moments, taken = self._averages(tallies, variant)
            s, steps = self._points(variant), steps + taken
            run = fieldline_results.running(s, moments)
            summary |= self._coefficients(variant, fieldline_results.plateau(s, moments, self.deck.ensemble.plateau_from))
            variables += self._variables(variant, s, run)
            name, (unit, unit_D) = _NAMES[variant], _UNITS[variant]
            table |= {name: (unit, s, _MEANINGS[variant]), f"D_{name}": (unit_D, run["D"][0], fieldline_results.DEFINITION[name]),
                      f"D_{name}_error": (unit_D, run["D"][1], f"standard error of D_{name}"),
                      f"msd_{name}": ("L_c2", run["msd"][0], "<dx^2 + dy^2>")}
        summary |= self.field.summary()
        summary |= {"steps": {"value": int(steps[0]), "unit": "1", "definition": "steps of all lines together"},
                    "rejected": {"value": int(steps[1]), "unit": "1", "definition": "steps that were repeated, shorter"}}
        theory = self._theory()
        if theory is not None:
            variables.append(("qlt", (), np.array(theory), "L_c", "quasi-linear D_perp, the same for s and tau"))
        rows = max(len(column) for _, column, _ in table.values())
        history = [(name, unit, np.append(column, np.full(rows - len(column), np.nan)), meaning)
                   for name, (unit, column, meaning) in table.items()]
        attributes = {"L_c_definition": summary["L_c"]["definition"],
                      "error_definition": self.errors,
                      **{f"D_{_NAMES[v]}_definition": fieldline_results.DEFINITION[_NAMES[v]] for v in self.variants}}
        return Results(variables, summary, history, attributes)

    def _coefficients(self, variant, flat):
        """Plateau of the summary, in L_c, against theory and, if known, in pc."""
        field, name, theory = self.field, ("D_perp", "D_perp_tau")[variant], self._theory()
        found = {name: {"value": flat["value"], "error": flat["error"], "unit": _UNITS[variant][1], "window": flat["window"],
                        "window_unit": _UNITS[variant][0], "converged": flat["converged"], "definition": f"plateau of D_{_NAMES[variant]}"}}
        if theory is not None:
            found["qlt"] = {"value": theory, "unit": "L_c", "definition": "quasi-linear; with 2d waves Matthaeus et al. 1995"}
        if theory:
            found[("ratio_to_qlt", "ratio_to_qlt_tau")[variant]] = {"value": flat["value"] / theory, "error": flat["error"] / theory,
                                                                    "unit": "1", "definition": f"{name}/qlt"}
        if field.cm is not None and variant == 0:
            length = field.L_c * field.cm / units.pc
            found[f"{name}_physical"] = {"value": length * flat["value"], "error": length * flat["error"], "unit": "pc", "definition": name}
        return found

    def _variables(self, variant, s, run):
        """Rows for the snapshot of one parameter: list of (name, dims, array, unit, long_name)."""
        at, (unit, unit_D) = _NAMES[variant], _UNITS[variant]
        across = f"running perpendicular diffusion coefficient, {fieldline_results.DEFINITION[at]}"
        along = f"running parallel diffusion coefficient, (1/2) d(<dz^2> - <dz>^2)/d{at}"
        both = {"D": (f"D_{at}", (at,), unit_D, across),
                "D_par": (f"D_par_{at}", (at,), unit_D, along),
                "D_mean": (f"D_{at}_mean", (at,), unit_D, f"<dx^2 + dy^2>/(4 {at})"),
                "msd": (f"msd_{at}", (at,), "L_c2", "<dx^2 + dy^2>"),
                "exponent": (f"exponent_{at}", (at,), "1", f"local exponent d ln<dx^2 + dy^2>/d ln {at}"),
                "displacement": (f"displacement_{at}", (at, "axis"), "L_c", "mean displacement <dx_i>"),
                "displacement2": (f"displacement2_{at}", (at, "pair"), "L_c2", "<dx_i dx_j>: xx, yy, zz, xy"),
                "displacement4": (f"displacement4_{at}", (at, "axis"), "L_c4", "<dx_i^4>")}
        rows = [(at, (at,), s, unit, _MEANINGS[variant])]
        for key, (name, dims, its_unit, meaning) in both.items():
            rows += [(name, dims, run[key][0], its_unit, meaning),
                     (f"{name}_error", dims, run[key][1], its_unit, f"standard error of {name}")]
        if self.field.cm is not None and variant == 0:
            length = self.field.L_c * self.field.cm / units.pc
            rows += [("s_physical", (at,), s * length, "pc", "arc length"),
                     ("D_s_physical", (at,), run["D"][0] * length, "pc", "running perpendicular diffusion coefficient")]
        return rows

    def write(self, directory, records):
        """The stored lines (orbits.h5), with s (or τ) in place of time."""
        from hpccr.output import ensemble_files

        self.field.write(directory, self.realisations)
        if not records:
            return
        members, variant = sorted(records), self.variants[0]
        rows = np.array([records[m] for m in members])
        attributes = {"time_unit": _UNITS[variant][0], "parameter": _NAMES[variant], "L_c": self.field.L_c}
        ensemble_files.write_orbits(directory / "orbits.h5", np.array(members), self._points(_STORED + variant), rows,
                                    self.field.name, attributes)


# Of the parameter and of the diffusion coefficient, for s and for τ.
_UNITS = (("L_c", "L_c"), ("L_c/B_ref", "L_c B_ref"))
_MEANINGS = ("arc length", "tau = integral of ds/|B|")
