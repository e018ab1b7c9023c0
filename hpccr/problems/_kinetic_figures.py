"""What a run of pitch-angle transport tells: moments, anisotropy, and how far the reduced models are from it."""

import functools
from math import comb

import numpy as np

from hpccr.steppers.kinetic import THROUGH

MODELS = {"diffusion": "diffusion equation", "hyperdiffusion": "hyperdiffusion, equation 10", "telegraph": "telegraph equation, equation 12"}
# So many of the particles may have passed the ends when a run is compared with one on an infinite line.
_CONFINED = 1e-6
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
        x, width = tube.centers[cells] - problem.deck.initial.at, tube.widths[cells]
        # What cell averages give is the moments of f smoothed over a cell: ⟨x²⟩ + h²/12, ⟨x⁴⟩ + h²⟨x²⟩/2 + h⁴/80.
        square = x * x - width**2 / 12
        self._powers = np.stack([np.ones_like(x), x, square, x * x * x * x - 0.5 * width**2 * square - width**4 / 80])
        self._low, self._high = tube.faces[:-1][cells], tube.faces[1:][cells]

    def begin(self):
        """Look at the initial state."""

    def state(self):
        """For a checkpoint: dict of plain values."""
        return {}

    def restore(self, state):
        """Take back what `state` gave."""

    def history(self):
        """This step's figures: list of (column, unit, value); collective."""
        kinetic, epsilon = self.kinetic, self.kinetic.model.epsilon
        even, odd = kinetic.isotropic()
        volumes, reach = kinetic.ark.volumes, epsilon * kinetic.stepper.t
        low, high = self.problem.support()
        beyond = (self._low > high + reach) | (self._high < low - reach)
        sums = kinetic.comm.sum([*(2 * self._powers @ (volumes * even)), 6 * volumes @ odd, 2 * volumes @ (even * beyond)])
        number, *moments, flow, ahead = sums
        entered = kinetic.first + kinetic.through[0] + kinetic.through[2]
        error = (number - entered + kinetic.through[1] + kinetic.through[3]) / (entered if entered > 0 else 1.0)
        per = 1.0 / number if number > 0 else 0.0
        return [("number", "1", number), ("number_error", "1", error), ("mean", "l", moments[0] * per + self.problem.deck.initial.at),
                ("z2", "l2", moments[1] * per), ("z4", "l4", moments[2] * per), ("anisotropy", "1", flow * per), ("beyond", "1", ahead * per)]

    def exact(self, t):
        """⟨z − at⟩ⁿ for n = 0 … 4 at time t on an infinite line without focusing: array (5,), or None where that is not this run's case."""
        from hpccr.physics import pitch_modes

        kinetic, problem = self.kinetic, self.problem
        start, model, through = problem.deck.initial, kinetic.model, kinetic.through
        endless = not any(end == "periodic" for end in model.ends) and through.sum() < _CONFINED * max(kinetic.first, 1e-300)
        if not endless or start.shape not in ("gaussian", "box") or start.angle != "isotropic" or np.abs(model.tube.sigma).max() > 0:
            return None
        volumes = model.tube.volumes
        first = np.array([problem.initial_line(n) @ volumes for n in range(5)])
        first /= first[0]
        released = pitch_modes.moments(problem.law, model.epsilon, np.array([t]))[0]
        return np.array([sum(comb(n, k) * first[k] * released[n - k] for k in range(n + 1)) for n in range(5)])

    def summary(self):
        """The final figures; collective."""
        kinetic, problem, t = self.kinetic, self.problem, self.kinetic.stepper.t
        result = {name: {"value": float(value), "unit": unit} for name, unit, value in self.history()}
        result |= {name: {"value": float(value), "unit": "1"} for name, value in zip(THROUGH, kinetic.through)}
        result["lifted"] = {"value": kinetic.lifted, "unit": "1"}
        exact = self.exact(t)
        if exact is not None:
            result["z2_exact"], result["z4_exact"] = {"value": float(exact[2]), "unit": "l2"}, {"value": float(exact[4]), "unit": "l4"}
        c, epsilon = problem.coefficients, kinetic.model.epsilon
        for name, value in (("epsilon", epsilon), ("kappa", c.kappa), ("K", c.K), ("tau", epsilon**2 * c.tau)):
            result[name] = {"value": float(value), "unit": "1"}
        f0 = whole(kinetic, kinetic.isotropic()[0])
        scale = np.sqrt(kinetic.model.tube.volumes @ f0**2)
        for name, values in self.reduced(t).items():
            distance = np.sqrt(kinetic.model.tube.volumes @ (values - f0) ** 2)
            known = np.isfinite(distance) and scale > 0
            result[f"error_{name}"] = {"value": float(distance / scale) if known else None, "unit": "1"}
        return result | {"dispersion": problem.dispersion()}

    @functools.cached_property
    def _models(self):
        """The models, on every few cells where there are many: ({name: Reduced}, their faces)."""
        from hpccr.physics.reduced import Reduced

        model, problem = self.kinetic.model, self.problem
        tube, pitch = model.tube, model.pitch
        stride = -(-len(tube) // _MOST_CELLS)
        faces = np.append(tube.faces[:-1:stride], tube.faces[-1])
        # A half-range isotropic flow of the value g has the mean g/2 over all μ.
        values = tuple(float(part @ pitch.widths) for part in model.inflow)
        f0 = 0.5 * problem.angle(problem.deck.initial.angle) @ pitch.widths * problem.initial_line()
        cells = np.arange(0, len(tube), stride)
        f0 = np.add.reduceat(f0 * tube.volumes, cells) / np.add.reduceat(tube.volumes, cells)
        # The telegraph equation needs a positive τ.
        names = [name for name in MODELS if name != "telegraph" or problem.coefficients.K > 0]
        return {name: Reduced(name, faces, model.epsilon, problem.coefficients, tube.focusing, model.ends, values)
                .start(f0, problem.deck.reduced.layer) for name in names}, faces

    def reduced(self, t):
        """The isotropic part in the reduced models at time t: dict of arrays (cells,), NaN where a model has no finite answer so far
        outside its range; found by rank 0, for its memory grows with the square of the cells; collective."""
        return self.kinetic.comm.on_root(lambda: self._reduced(t))

    def _reduced(self, t):
        from scipy.interpolate import CubicSpline

        (models, faces), tube, found = self._models, self.kinetic.model.tube, {}
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
            found[name] = values if len(values) == len(tube) and np.isfinite(values).all() else np.full(len(tube), np.nan)
        return found


def whole(kinetic, part):
    """An array over all cells on all ranks from each rank's (count,); collective."""
    every = np.zeros(kinetic.strip.cells)
    every[kinetic.strip.own_cells] = part
    return kinetic.comm.sum(every)


def lines(problem, kinetic):
    """What a snapshot tells on z: list of (name, values, unit, long_name, whether all ranks hold all of it)."""
    even, odd = kinetic.isotropic()
    rows = [("f0", even, "1", "isotropic part of f", False),
            ("f1", 3 * odd, "1", "dipole part of f, 3<mu f>", False)]
    models = kinetic.observer.reduced(kinetic.stepper.t)
    return rows + [(name, values, "1", f"isotropic part by the {MODELS[name]}", True) for name, values in models.items()]
