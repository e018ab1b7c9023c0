"""What a run of pitch-angle transport tells: moments, anisotropy, and how far the reduced models are from it."""

import functools
from math import comb

import numpy as np

from hpccr.grid.axis import powers
from hpccr.steppers.kinetic import LIFTED, THROUGH

MODELS = {"diffusion": "diffusion equation", "hyperdiffusion": "hyperdiffusion, equation 10", "telegraph": "telegraph equation, equation 12"}
# What the particles that have passed the ends may contribute to ⟨z⁴⟩ when a run is compared with one on an infinite line.
_CONFINED = 1e-5
# A model that is farther from f₀ than this many times f₀ is no model.
_LOST = 1e3
# On more cells than this the reduced models are solved on every second, third, … face.
_MOST_CELLS = 1024


class KineticObserver:
    """Watches a Kinetic without steering it.

    Parameters
    ----------
    problem : Focused
    kinetic : Kinetic
    """

    def __init__(self, problem, kinetic):
        self.problem, self.kinetic, tube = problem, kinetic, kinetic.model.tube
        cells = kinetic.strip.own_cells
        every = powers(tube.faces, problem.deck.initial.at)
        self._powers = every[:, cells]
        self._low, self._high = tube.faces[:-1][cells], tube.faces[1:][cells]
        # Of an initial state that is not smooth cell averages tell the moments less well: what they miss of ⟨x²⟩ at first stays as it is.
        self._first = np.array([problem.initial_line(n) @ tube.volumes for n in range(5)])
        told = every[:3] @ (problem.initial_line() * tube.volumes)
        self._missed = (self._first[:3] - told)[1:] / self._first[0] if self._first[0] > 0 else np.zeros(2)

    def history(self):
        """This step's figures: list of (column, unit, value, meaning); collective."""
        kinetic, epsilon = self.kinetic, self.kinetic.model.epsilon
        even, odd = kinetic.isotropic()
        volumes, reach = kinetic.ark.volumes, epsilon * kinetic.stepper.t
        low, high = self.problem.support()
        beyond = (self._low > high + reach) | (self._high < low - reach)
        sums = kinetic.comm.sum([*(2 * self._powers @ (volumes * even)), 6 * volumes @ odd, 2 * volumes @ (even * beyond)])
        number, *moments, flow, ahead = sums
        entered = kinetic.first + kinetic.through[0] + kinetic.through[2]
        error = (number - entered + kinetic.through[1] + kinetic.through[3]) / (entered or 1.0)
        per = 1.0 / number if number > 0 else 0.0
        # Of what is left of the first particles, where others have entered.
        share = min(kinetic.first * per, 1.0)
        return [("number", "1", number, "number of particles, the integral of A f over z and mu"),
                ("number_error", "1", error, "what the budget of the number lacks, over what was there first and has entered"),
                ("mean", "l", moments[0] * per + share * self._missed[0] + self.problem.deck.initial.at, "mean z"),
                ("z2", "l2", moments[1] * per + share * self._missed[1], "mean of (z - initial.at)^2"),
                ("z4", "l4", moments[2] * per, "mean of (z - initial.at)^4"), ("anisotropy", "1", flow * per, "mean of 3 mu"),
                ("beyond", "1", ahead * per, "part of the number that is farther out than any particle can be: what the scheme lets run ahead")]

    def exact(self, t):
        """⟨z − at⟩ⁿ for n = 0 … 4 at time t [1/ν] on an infinite line without focusing: array (5,), or None where that is not this run's case."""
        from hpccr.physics import pitch_modes

        kinetic, problem = self.kinetic, self.problem
        start, model, tube = problem.deck.initial, kinetic.model, kinetic.model.tube
        bounded = {"periodic", "wall"} & set(model.ends) or tube.sigma.any()
        if bounded or start.shape not in ("gaussian", "box") or start.angle != "isotropic" or not kinetic.first > 0:
            return None
        first = self._first / self._first[0]
        try:
            released = pitch_modes.moments(problem.law, model.epsilon, np.array([t]))[0]
        except np.linalg.LinAlgError:
            # A gap as narrow as rounding.
            return None
        found = np.array([sum(comb(n, k) * first[k] * released[n - k] for k in range(n + 1)) for n in range(5)])
        # What has left was about as far away as the ends.
        away = kinetic.through.sum() / kinetic.first * np.abs(tube.faces[[0, -1]] - start.at).max() ** 4
        return found if away < _CONFINED * found[4] else None

    def summary(self):
        """The final figures; collective."""
        kinetic, problem, t = self.kinetic, self.problem, self.kinetic.stepper.t
        c, epsilon, exact = problem.coefficients, kinetic.model.epsilon, self.exact(t)
        rows = [*self.history(), *((name, "1", value, meaning) for (name, meaning), value in zip(THROUGH.items(), kinetic.through)),
                ("lifted", "1", kinetic.lifted, LIFTED)]
        if exact is not None:
            where = "on an infinite line without focusing; only where this run is such a case"
            rows += [("z2_exact", "l2", exact[2], f"exact z2 {where}"), ("z4_exact", "l4", exact[4], f"exact z4 {where}")]
        if problem.rate is not None:
            rows.append(("nu", "Omega", problem.rate, "nu of the orbits"))
        rows += [("epsilon", "1", epsilon, "v/(l nu)"), ("kappa", "1", c.kappa, "diffusion coefficient over eps^2 l^2 nu/4"),
                 ("K", "1", c.K, "coefficient of the fourth derivative in hyperdiffusion"),
                 ("tau", "1", epsilon**2 * c.tau, "time scale of the telegraph equation, eps^2 K/kappa^2")]
        result = {name: {"value": float(value), "unit": unit, "definition": meaning} for name, unit, value, meaning in rows}
        f0 = kinetic.comm.assemble(kinetic.isotropic()[0], kinetic.strip.first, kinetic.strip.cells)
        scale = np.sqrt(kinetic.model.tube.volumes @ f0**2)
        for name, values in self.reduced(t).items():
            distance = np.sqrt(kinetic.model.tube.volumes @ (values - f0) ** 2)
            known = scale > 0 and distance < _LOST * scale
            result[f"error_{name}"] = {"value": float(distance / scale) if known else None, "unit": "1",
                                       "definition": f"relative distance (L2) to the kinetic f0: {MODELS[name]}"}
        return result | {"dispersion": problem.dispersion()}

    @functools.cached_property
    def _models(self):
        """The models, on every few cells where there are many: ({name: Reduced}, their faces)."""
        from hpccr.physics.reduced import Reduced

        model, problem = self.kinetic.model, self.problem
        tube, pitch = model.tube, model.pitch
        stride = -(-len(tube) // _MOST_CELLS)
        faces = np.append(tube.faces[:-1:stride], tube.faces[-1])
        # The isotropic g that feeds f₀ as much, by the weight of Marshak's condition: |μ|(1 + |W|/κ), whose integral is 1.
        mu = np.abs(pitch.cosines) * (1 + np.abs(problem.law.W(pitch.centers)) / problem.coefficients.kappa) * pitch.widths
        values = tuple(float(2 * part @ mu / mu.sum()) for part in model.inflow)
        # Before it is isotropic, f₀ with the profile g in μ has moved by (ε/2)⟨g W⟩.
        angle, layer = problem.angle(problem.deck.initial.angle), problem.deck.reduced.layer
        shift = 0.25 * model.epsilon * float(angle * pitch.widths @ problem.law.W(pitch.centers)) if layer else 0.0
        f0, cells = problem.initial_line(shift=shift), np.arange(0, len(tube), stride)
        f0 = np.add.reduceat(f0 * tube.volumes, cells) / np.add.reduceat(tube.volumes, cells)
        return {name: Reduced(name, faces, model.epsilon, problem.coefficients, tube.focusing, model.ends, values).start(f0, layer)
                for name in MODELS if name != "telegraph" or problem.coefficients.K > 0}, faces

    def reduced(self, t):
        """The isotropic part in the reduced models at time t [1/ν]: dict of arrays (cells,), NaN where a model has no finite answer so far
        outside its range; found by rank 0, for its memory grows with the square of the cells; collective."""
        return self.kinetic.comm.on_root(lambda: self._reduced(t))

    def _reduced(self, t):
        """As `reduced`, on rank 0."""
        from scipy.interpolate import CubicSpline

        (models, faces), tube = self._models, self.kinetic.model.tube
        # The telegraph equation needs a positive τ.
        found = {name: np.full(len(tube), np.nan) for name in MODELS}
        for name, model in models.items():
            with np.errstate(all="ignore"):
                try:
                    values = model.at(t)
                except (ArithmeticError, ValueError, np.linalg.LinAlgError):
                    values = np.full(len(faces) - 1, np.nan)
                if len(values) < len(tube) and np.isfinite(values).all():
                    # The number up to each face, so that it stays.
                    summed = np.concatenate([[0.0], np.cumsum(values * model.area * np.diff(faces))])
                    values = np.diff(CubicSpline(faces, summed)(tube.faces)) / tube.volumes
            if len(values) == len(tube) and np.isfinite(values).all():
                found[name] = values
        return found


def lines(problem, kinetic):
    """What a snapshot tells on z: list of (name, values, unit, long_name, whether all ranks hold all of it)."""
    even, odd = kinetic.isotropic()
    rows = [("f0", even, "1", "isotropic part of f", False),
            ("f1", 3 * odd, "1", "dipole part of f, 3<mu f>", False)]
    models = kinetic.observer.reduced(kinetic.stepper.t)
    return rows + [(name, values, "1", f"isotropic part by the {MODELS[name]}", True) for name, values in models.items()]
