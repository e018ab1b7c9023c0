"""Orbits of test particles in synthetic turbulence, and what they tell of diffusion.

    dv/dt = v × b,  b = B/B_ref = ẑ (or 0) + Σ A_i ξ_i cos(k_i·r + β_i)            (Mertsch 2020; Dundovic et al. 2020)

in units v = 1, 1/Ω, r_g = v/Ω, with Ω and r_g those in B_ref: the mean field or, without one, the rms of δB. Boris (1970)
steps of fixed length. Running coefficients d_par = ½ d⟨Δz²⟩/dt and d_perp = ¼ d⟨Δx² + Δy²⟩/dt, Green-Kubo integrals
∫⟨v_i(0) v_j(t)⟩dt = ⟨v_i(0) Δx_j⟩, and D_μμ = ⟨Δμ²⟩/2 lag. Errors are those of a mean over realisations of the field.
"""

import numpy as np

from hpccr import units
from hpccr.deck import turbulence
from hpccr.deck.ensemble import ENSEMBLE_OUTPUT
from hpccr.deck.schema import Section, file, flag, integer, integers, measure, number
from hpccr.particles import orbit_results, sum_kernels
from hpccr.particles.jackknife import jackknife
from hpccr.particles.orbit_task import OrbitTask, Plan, state_size
from hpccr.physics import qlt
from hpccr.physics.gyro import larmor_radius
from hpccr.problems._synthetic import InTurbulence
from hpccr.problems.ensemble import Results, Unit

ENSEMBLE = Section(
    "ensemble", "the particles and their orbits",
    realisations=integer(None, low=1, high=20_000, otherwise="20; 1 with waves_file", meaning="realisations of the field"),
    particles=integer(None, low=1, high=100_000_000, otherwise="100, or as many as starts_file holds",
                      meaning="particles in each"),
    rigidity=measure(None, "V", positive=True, otherwise="0.1, if there is no gyroradius",
                     meaning='r_g/L_c as a number, or a rigidity as "10 TV"'),
    gyroradius=measure(None, "cm", positive=True, otherwise="from rigidity", meaning="r_g in B_ref, in the unit of L_max"),
    steps_per_gyration=number(40.0, low=6.0, high=1e6, meaning="steps in 2π/Ω, at least; and as many in the rms field"),
    steps_per_wave=number(8.0, low=0.0, high=1e4, meaning="steps across the shortest wave, at least; 0: waves do not count"),
    step=number(None, low=1e-12, high=1e6, otherwise="from the two above", meaning="step [1/Ω]; exactly this one"),
    t_end=number(1000.0, low=1e-9, high=1e12, meaning="end [1/Ω]"),
    times_per_decade=integer(20, low=1, high=1000, meaning="times of output in a decade of t"),
    mu=number(None, low=-1.0, high=1.0, otherwise="isotropic", meaning="pitch-angle cosine at the start"),
    lag=number(None, low=1e-12, high=1e12, otherwise="20, at most t_end", meaning="lag of D_mumu [1/Ω]"),
    mu_bins=integer(40, low=1, high=10_000, meaning="bins of μ for D_mumu"),
    plateau_from=number(0.5, low=0.0, high=0.99, meaning="the plateau is measured from this part of t_end on"),
    half_step=flag(False, meaning="repeat a sample at half the step and report the change"),
    starts_file=file(None, otherwise="random starts", meaning="HDF5 file of positions and directions, used in every realisation"),
    store=integers(None, low=0, otherwise="none", meaning="particles whose orbits are stored: realisation × particles + number"),
    store_every=integer(1, low=1, high=2**31 - 1, meaning="steps between the points of a stored orbit"),
    unit=integer(None, low=1, high=1_000_000, otherwise="chosen so that there are enough for the ranks",
                 meaning="particles in a unit of work"))

# Units of work in a run, about: enough for balance on thousands of ranks, few enough to keep all their tallies.
_UNITS = 2048


class Orbits(InTurbulence):
    """Test particles in synthetic turbulence; see the module's docstring."""

    name = "orbits"
    summary = "orbits of test particles in synthetic turbulence: running diffusion coefficients"
    reproduces = "Kuhlen et al. 2025, Mertsch 2020: mean free paths over r_g/L_c, D_mumu"
    truth = "gyration of second order in the step, speed to rounding; quasi-linear D_mumu in slab turbulence"
    sections = (turbulence.TURBULENCE, ENSEMBLE, ENSEMBLE_OUTPUT)
    small = ("turbulence.modes=8", "ensemble.realisations=2", "ensemble.particles=8", "ensemble.t_end=10",
             "ensemble.store=[0]", "output.waves=1")
    further = {"in slab waves and a mean field": ("turbulence.kind=slab",), "with ensemble.half_step": ("ensemble.half_step=true",),
               "where the deck gives lengths": ("turbulence.L_min=0.1 pc", "turbulence.L_max=1 pc"),
               "where the deck gives B0": ("turbulence.B0=1 uG",),
               "where the deck gives lengths and B0": ("turbulence.L_min=0.1 pc", "turbulence.L_max=1 pc", "turbulence.B0=1 uG")}
    record_columns = 6

    member = "particle"

    @classmethod
    def check(cls, deck):
        e = deck.ensemble
        if e.rigidity is not None and e.gyroradius is not None:
            raise deck.refuse("ensemble.gyroradius", "both rigidity and gyroradius are given", allowed="one of them")
        super().check(deck)

    def __init__(self, deck):
        super().__init__(deck)
        e = deck.ensemble
        self.length = self.r_g = self._gyroradius()
        self.plan = self._plan()
        rows = self.plan.steps // e.store_every + 1
        if len(self.kept) * rows > 10**8:
            raise deck.refuse("ensemble.store_every", f"{rows} points on each of {len(self.kept)} stored orbits",
                              allowed="at most 1e8 in all")
        self.record_size = 6 * rows * len(self.kept)
        if e.mu is not None and self.given is not None:
            raise deck.refuse("ensemble.mu", "the directions stand in starts_file", allowed="mu with random starts only")
        self._room, self._unit = self._units()
        self.tally_size, self.state_size = self.plan.tally_size, state_size(self.plan, self._unit)
        self.warnings = self._warn()

    # -- lengths and times ------------------------------------------------------------------------------

    def _gyroradius(self):
        """r_g in L."""
        e, field, deck = self.deck.ensemble, self.field, self.deck
        if e.gyroradius is not None:
            return field.length(e.gyroradius)
        if e.rigidity is None:
            return 0.1 * field.L_c
        if not e.rigidity.unit:
            return e.rigidity.value * field.L_c
        if deck.turbulence.B0 is None or field.cm is None:
            missing = "turbulence.B0" if deck.turbulence.B0 is None else "turbulence.L_c, or L_max with a unit"
            raise deck.refuse("ensemble.rigidity", f"a rigidity in V needs {missing}", allowed="that, or r_g/L_c as a number")
        return e.rigidity.value * float(larmor_radius(units.eV / units.c, deck.turbulence.B0)) / field.cm

    def _plan(self):
        """Step, length and moments of the run (orbit_task.Plan), or a refusal."""
        e, field = self.deck.ensemble, self.field
        strong = np.hypot(field.mean, field.rms)
        shortest = field.shortest() / self.r_g
        if not 1e-50 < self.r_g < 1e50:
            key = "rigidity" if e.gyroradius is None else "gyroradius"
            raise self.deck.refuse(f"ensemble.{key}", f"a gyroradius of {self.r_g:.3g} {field.name}", allowed="from 1e-50 to 1e50")
        if e.step is not None:
            h = e.step
            if h * strong > 1.0:
                raise self.deck.refuse("ensemble.step", f"step too long: {h * strong:.3g} rad of gyration in the rms field",
                                       allowed=f"up to {1 / strong:.4g} (1 rad), better {2 * np.pi / 40 / strong:.3g}")
            if h > e.t_end * (1 + 1e-9):
                raise self.deck.refuse("ensemble.step", "longer than the run", allowed=f"up to t_end = {e.t_end:g}")
        else:
            h = 2.0 * np.pi / e.steps_per_gyration / max(1.0, strong)
            if e.steps_per_wave:
                h = min(h, shortest / e.steps_per_wave)
        if e.t_end > 2**40 * h:
            raise self.deck.refuse("ensemble.t_end", f"{e.t_end / h:.3g} steps", allowed="at most 2^40 steps")
        steps = max(1, int(np.ceil(e.t_end / h * (1 - 1e-12))))
        if e.step is None:
            h = e.t_end / steps
        self.check_phases(self.r_g * e.t_end, "ensemble.t_end", e.t_end)
        count = max(2, int(np.ceil(np.log10(steps) * e.times_per_decade)) + 1)
        at = np.unique(np.rint(np.geomspace(1, steps, count)).astype(np.int64))
        if e.lag is not None and e.lag > e.t_end * (1 + 1e-9):
            raise self.deck.refuse("ensemble.lag", "longer than the run", allowed=f"up to t_end = {e.t_end:g}")
        lag = max(1, min(steps, round((20.0 if e.lag is None else e.lag) / h)))
        return Plan(h, steps, tuple(at.tolist()), lag, e.mu_bins, field.mean, e.store_every)

    def _warn(self):
        """What may spoil the result: list of str."""
        field, found = self.field, list(self.field.warnings)
        reach = field.k_range[1] * self.r_g
        if reach < 4.0 and field.mean:
            what = "no particle finds" if reach < 1.0 else f"particles with |mu| < {1 / reach:.2g} do not find"
            found.append(f"k_max is {'below' if reach < 1 else 'close to'} the resonant scale: k_max r_g = {reach:.3g} "
                         f"(k_max = {field.k_range[1]:.4g}/{field.name}, r_g = {self.r_g:.4g} {field.name}), and {what} a resonant "
                         "wave (k r_g |mu| = 1), which a smaller L_min would have")
        crossing = 2.0 * np.pi / reach / self.plan.h
        if crossing < 4.0:
            found.append(f"the step does not resolve the shortest waves: {crossing:.3g} steps across "
                         f"{field.shortest():.3g} {field.name}")
        return found

    # -- units of work ----------------------------------------------------------------------------------

    def _units(self):
        """The units, and the particles of the largest."""
        e = self.deck.ensemble
        most = e.unit
        if most is None:
            # Whole lanes; 256 particles keep the kernels fastest.
            share = self.particles * self.realisations / _UNITS
            most = max(64, int(np.ceil(share / 64)) * 64) if share < 256 else int(np.ceil(share / 256)) * 256
        cuts = self.cuts(most)
        found = [Unit(r, a, b - a) for r in range(self.realisations) for a, b in zip(cuts, cuts[1:])]
        if e.half_step:
            found += [Unit(r, 0, cuts[1], 1) for r in range(self.realisations)]
        return found, max(b - a for a, b in zip(cuts, cuts[1:]))

    def units(self):
        return self._room

    def _of(self, unit):
        """(plan, stored orbits) of a unit: the second variant has half the step, and stores nothing."""
        return (self.plan.refined(2), {}) if unit.variant else (self.plan, self.stored(unit))

    def members(self, unit):
        return list(self._of(unit)[1])

    def begin(self, unit):
        plan, stored = self._of(unit)
        position, direction = self.starts(unit, self.deck.ensemble.mu)
        return OrbitTask(unit, plan, self.table(unit.realisation), position / self.r_g, direction, stored)

    def resume(self, unit, state, records):
        plan, stored = self._of(unit)
        return OrbitTask.resumed(unit, plan, self.table(unit.realisation), state, records, stored)

    def compile(self):
        waves = sum_kernels.table(np.ones((4, 3)), np.zeros((4, 3)), np.zeros(4))
        task = OrbitTask(Unit(0, 0, 1), Plan(0.1, 1, (1,), 1, 1, 1.0), waves, np.zeros((1, 3)), np.array([[0.0, 0.0, 1.0]]))
        task.advance()

    # -- what it tells ----------------------------------------------------------------------------------

    def _evaluations(self):
        """Wave evaluations of the whole run."""
        modes = sum_kernels.padded(self.field.modes)
        return sum(sum_kernels.lanes(u.count) * self.plan.steps * (1 + u.variant) for u in self._room) * modes

    def seconds(self):
        return self._evaluations() / 1.6e9, 8 * 2 * self.state_size

    def derived(self):
        field, plan = self.field, self.plan
        k = field.k_range
        rows = [*field.derived(), ("gyroradius", f"{self.r_g:.5g} {field.name}, r_g/L_c = {self.r_g / field.L_c:.5g}"),
                ("resonance", f"k r_g from {k[0] * self.r_g:.4g} to {k[1] * self.r_g:.4g}"),
                ("step", f"{plan.h:.5g}/Omega: {2 * np.pi / plan.h:.4g} to a gyration, "
                         f"{2 * np.pi / k[1] / self.r_g / plan.h:.4g} across the shortest wave"),
                ("steps", f"{plan.steps}, to {plan.steps * plan.h:.6g}/Omega"),
                ("particles", f"{self.realisations} realisation{'s' * (self.realisations > 1)} of {self.particles}"),
                ("lag of D_mumu", f"{plan.lag * plan.h:.5g}/Omega"),
                ("wave evaluations", f"{self._evaluations():.3g}")]
        if field.cm is not None:
            rows.append(("physical", ", ".join(f"{name} = {entry['value']:.4g} {entry['unit']}" for name, entry in self._physical().items())))
        return rows

    def _second(self):
        """1/Ω [s] for particles at the speed of light."""
        return self.r_g * self.field.cm / units.c

    def _physical(self):
        """Entries of the summary that tell what the particles are in reality, where the deck has a length."""
        if self.field.cm is None:
            return {}
        found = {"gyroradius_physical": {"value": self.r_g * self.field.cm / units.pc, "unit": "pc", "definition": "r_g in B_ref"},
                 "gyration_time_physical": {"value": self._second() / units.yr, "unit": "yr", "definition": "1/Omega, for v = c"}}
        if self.deck.turbulence.B0 is not None:
            teravolt = larmor_radius(units.TeV / units.c, self.deck.turbulence.B0)
            found["rigidity_physical"] = {"value": float(self.r_g * self.field.cm / teravolt), "unit": "TV", "definition": "p c/e"}
        return found

    def _averages(self, tallies, variant, first=None):
        """Means over the particles in each independent field: (moments (R, times, MOMENTS), bins (R, 3, m), speed error (R,))."""
        total, count = self.sums(tallies, variant, first)
        return self.plan.split(total / count[:, None])

    def results(self, units, tallies):
        plan, t = self.plan, np.array(self.plan.at) * self.plan.h
        moments, bins, speed = self._averages(tallies, 0)
        flow = orbit_results.plateau(t, moments, self.deck.ensemble.plateau_from)
        run = orbit_results.running(t, moments)
        summary = {**self._coefficients(flow), **self.field.summary(), **self._physical(),
                   "rigidity": {"value": self.r_g / self.field.L_c, "unit": "L_c", "definition": "r_g in B_ref"},
                   "gyroradius": {"value": self.r_g, "unit": self.field.name, "definition": "r_g in B_ref"},
                   "step": {"value": plan.h, "unit": "1/Omega", "definition": "length of a step"},
                   "steps": {"value": plan.steps, "unit": "1", "definition": "steps of each particle"},
                   "resonance": {"value": self.field.k_range[1] * self.r_g, "unit": "1", "definition": "k_max r_g"},
                   "speed_error": {"value": float(speed.mean()), "unit": "v", "definition": "mean of ||v| - 1| at the end"}}
        if self.deck.ensemble.half_step:
            summary["step_change"] = self._step_change(tallies, t)
        history = [("time", "1/Omega", t, "time"), *_columns("d_par", run["d_par"], orbit_results.D_PAR),
                   *_columns("d_perp", run["d_perp"], orbit_results.D_PERP),
                   ("msd_par", "r_g2", moments[:, :, orbit_results.ZZ].mean(axis=0), "<dz^2>"),
                   ("msd_perp", "r_g2", moments[:, :, [orbit_results.XX, orbit_results.YY]].sum(axis=2).mean(axis=0), "<dx^2 + dy^2>")]
        attributes = {"L_c_definition": summary["L_c"]["definition"], "d_par_definition": orbit_results.D_PAR,
                      "d_perp_definition": orbit_results.D_PERP, "error_definition": self.errors}
        return Results(self._variables(t, run, moments, bins), summary, history, attributes)

    def _coefficients(self, flow):
        """Plateaus of the summary, in units of c r_g, L_c and, if known, cm²/s and pc."""
        field, found = self.field, {}
        for which in ("par", "perp"):
            kappa = flow[f"kappa_{which}"]
            value, error = kappa["value"], kappa["error"]
            path = 3.0 * self.r_g / field.L_c         # λ = 3 κ/v
            rows = [("kappa", "", 1.0, "c r_g"), ("lambda", "", path, "L_c")]
            if field.cm is not None:
                rows += [("kappa", "_physical", units.c * self.r_g * field.cm, "cm2/s"),
                         ("lambda", "_physical", 3.0 * self.r_g * field.cm / units.pc, "pc")]
            for name, ending, factor, unit in rows:
                found[f"{name}_{which}{ending}"] = {"value": factor * value, "error": factor * error, "unit": unit,
                                                    "definition": f"plateau of d_{which}" if name == "kappa" else f"3 kappa_{which}/v"}
            found[f"kappa_{which}"] |= {**kappa, "window_unit": "1/Omega"}
        return found

    def _step_change(self, tallies, t):
        """What half the step does to the plateaus of the sample that was repeated."""
        begin = self.deck.ensemble.plateau_from
        pair = np.stack([self._averages(tallies, variant, 0)[0] for variant in (0, 1)], axis=1)

        def change(mean):
            one, half = [[flow["value"] for flow in orbit_results.plateau(t, m[None], begin).values()] for m in mean]
            return np.array(half) / np.array(one) - 1.0

        value, error = jackknife(change, pair)
        return {"value": value.tolist(), "error": error.tolist(), "unit": "1", "of": ["kappa_par", "kappa_perp"],
                "particles": self._room[0].count,
                "definition": "relative change at half the step, for the first particles of each realisation"}

    def _variables(self, t, run, moments, bins):
        """Rows for the snapshot: list of (name, dims, array, unit, long_name)."""
        at, axes, pairs = ("time",), ("time", "axis"), ("time", "axis", "axis_j")
        lag = self.plan.lag * self.plan.h
        centres = (np.arange(self.plan.bins) + 0.5) * 2.0 / self.plan.bins - 1.0
        (D, D_error), (drift, drift_error) = orbit_results.pitch_angle(bins, lag)
        count = bins[:, 0].sum(axis=0) * self.particles * self.realisations / self.independent
        rows = [("time", at, t, "1/Omega", "time"), ("mu", ("mu",), centres, "1", "cosine of the pitch angle, bin centres"),
                ("lag", (), np.array(lag), "1/Omega", "lag of D_mumu"),
                *_both("d_par", at, run["d_par"], "c r_g", "running parallel diffusion coefficient, " + orbit_results.D_PAR),
                *_both("d_perp", at, run["d_perp"], "c r_g", "running perpendicular diffusion coefficient, "
                       + orbit_results.D_PERP),
                *_both("exponent", axes, run["exponent"], "1", "local exponent d ln<dx_i^2>/d ln t")]
        for name, part, shape, dims, unit, meaning in (
                ("displacement", orbit_results.MEAN, (3,), axes, "r_g", "mean displacement <dx_i>"),
                ("displacement2", orbit_results.SQUARE, (6,), ("time", "pair"), "r_g2", "<dx_i dx_j>: xx, yy, zz, xy, xz, yz"),
                ("displacement4", orbit_results.FOURTH, (3,), axes, "r_g4", "<dx_i^4>"),
                ("velocity_correlation", orbit_results.VELOCITY, (3, 3), pairs, "v2", "<v_i(0) v_j(t)>"),
                ("green_kubo", orbit_results.GREEN_KUBO, (3, 3), pairs, "c r_g",
                 "integral of <v_i(0) v_j> from 0 to t = <v_i(0) dx_j(t)>")):
            each = moments[:, :, part].reshape(*moments.shape[:2], *shape)
            rows += _both(name, dims, jackknife(lambda mean: mean, each), unit, meaning)
        rows += [*_both("D_mumu", ("mu",), (D, D_error), "Omega", "pitch-angle diffusion coefficient <dmu^2>/(2 lag), by mu "
                       "before"),
                 *_both("D_mumu_drift", ("mu",), (drift, drift_error), "Omega", "<dmu>/lag, by mu before"),
                 ("D_mumu_count", ("mu",), count, "1", "changes of mu in each bin")]
        share = turbulence.slab_share(self.deck)
        if share and self.field.mean and self.field.spectrum is not None:
            spectrum, square = self.field.spectrum, self.field.rms**2 * share
            theory = qlt.slab_D_mumu(centres, lambda k: square * spectrum.normalised(k / self.r_g) / self.r_g)
            rows.append(("D_mumu_qlt", ("mu",), theory, "Omega", "quasi-linear D_mumu of the slab waves"))
        if self.field.cm is not None:
            kappa = units.c * self.r_g * self.field.cm
            rows += [("time_physical", at, t * self._second() / units.yr, "yr", "time"),
                     ("d_par_physical", at, run["d_par"][0] * kappa, "cm2/s", "running parallel diffusion coefficient"),
                     ("d_perp_physical", at, run["d_perp"][0] * kappa, "cm2/s", "running perpendicular diffusion coefficient")]
        return rows

    def write(self, directory, records):
        """The stored orbits (orbits.h5)."""
        from hpccr.output import ensemble_files

        self.field.write(directory, self.realisations)
        if not records:
            return
        members = sorted(records)
        rows = np.array([records[m] for m in members])
        time = np.arange(rows.shape[1]) * self.plan.store_every * self.plan.h
        rows[:, :, :3] *= self.r_g
        ensemble_files.write_orbits(directory / "orbits.h5", members, time, rows, self.field.name, {"gyroradius": self.r_g})


def _columns(name, pair, meaning):
    """The columns of history.csv of a diffusion coefficient and of its error."""
    return [(name, "c r_g", pair[0], meaning), (f"{name}_error", "c r_g", pair[1], f"standard error of {name}")]


def _both(name, dims, pair, unit, meaning):
    """The rows of a variable and of its error."""
    value, error = pair
    return [(name, dims, value, unit, meaning), (f"{name}_error", dims, error, unit, f"standard error of {name}")]
