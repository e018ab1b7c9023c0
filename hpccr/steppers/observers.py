"""What watches a run without steering it: budgets, the instant of an event, times of residence.

An observer sees every accepted step. It keeps values per lane, the same on all ranks of a column, and saves
and restores itself; `state` is what a checkpoint holds of it.
"""

import numpy as np

from hpccr.jit import kernel
from hpccr.steppers.guard import LIFTED

# What the figure of that name says.
_CONTENT_ERROR = "largest of |content + escaped - first content| over the first content; only where nothing else changes the content"


@kernel
def _weighted(u, f, weights, out):
    """out (lanes,) = Σ_j weights[j, i] u[j, f, i]."""
    for i in range(out.shape[0]):
        out[i] = 0.0
    for j in range(u.shape[0]):
        for i in range(out.shape[0]):
            out[i] += weights[j, i] * u[j, f, i]


class Observer:
    """Base: an observer of lanes with a name."""

    name = ""
    def begin(self, u, rate):
        """The state and du/dt at the start of a new run: arrays (nodes, fields, lanes) of this rank."""

    def update(self, stepper, u, rate):
        """After an accepted step from stepper.t_before to stepper.t; the new state and du/dt as in `begin`."""

    def state(self):
        """What must survive a restart: dict name → array (lanes of this rank,)."""
        return {}

    def restore(self, state):
        """Take back what `state` gave."""
        for name, value in state.items():
            getattr(self, name)[...] = value

    def history(self):
        """This step's figures: list of (column, unit, value, meaning); collective."""
        return []

    def replicated(self, u):
        """Small arrays for snapshots, alike on all ranks: (name, dims, array of the shape of dims, unit, long_name);
        collective."""
        return []

    def summary(self):
        """The final figures: dict name → {"value": …, "unit": …, "definition": …}; collective."""
        return {}


class LaneSum(Observer):
    """A weighted sum along each line, Σ w_j u_j of one field.

    Parameters
    ----------
    simulation : Simulation
    field : int
    weights : array (nodes of this rank, lanes of this rank)
    """

    def __init__(self, simulation, field, weights):
        self.mesh, self.field = simulation.mesh, field
        self.weights = np.ascontiguousarray(weights)
        self._sum = np.empty(self.mesh.shape[2])

    def of(self, array):
        """The sums (lanes,) for an array (nodes, fields, lanes) of this rank."""
        view = array.view()
        view.flags.writeable = False  # one compiled kernel serves both kinds of array
        _weighted(view, self.field, self.weights, self._sum)
        return self.mesh.line_sum(self._sum).copy()


class Budget(Observer):
    """Content of each line, what left it, and how well the two add up.

    content(t) + escaped(t) = content(0) for a field without sources, losses and lane fluxes.
    """

    name = "budget"

    def __init__(self, simulation, field):
        mesh = simulation.mesh
        volumes = np.tile(mesh.node_volumes()[:, None], (1, mesh.shape[2]))
        inside, outside = volumes.copy(), np.zeros_like(volumes)
        for here, node in ((mesh.at_left, 0), (mesh.at_right, -1)):
            if here:
                inside[node], outside[node] = 0.0, volumes[node]
        self.mesh = mesh
        self.inside, self.outside = (LaneSum(simulation, field, w) for w in (inside, outside))
        self.initial, self.content, self.escaped = (np.zeros(mesh.shape[2]) for _ in range(3))
        self.guard = simulation.guard
        self.closes = all(term.conserves for term in simulation.system.terms)

    def begin(self, u, rate):
        self.initial[...] = self.inside.of(u)
        self.content[...] = self.initial

    def update(self, stepper, u, rate):
        self.content[...], self.escaped[...] = self.inside.of(u), self.outside.of(u)

    def state(self):
        return {"initial": self.initial, "content": self.content, "escaped": self.escaped}

    def error(self):
        """|content + escaped − initial|/initial per lane of this rank."""
        scale = np.where(self.initial > 0, self.initial, 1.0)
        return np.abs(self.content + self.escaped - self.initial) / scale

    def history(self):
        scale = np.where(self.initial > 0, self.initial, 1.0)
        own = 1.0 if self.mesh.at_left else 0.0      # count each lane once
        sums = self.mesh.comm.sum([own * (self.content / scale).sum(), own * (self.escaped / scale).sum()])
        return [("content", "1", sums[0] / self.mesh.lanes, "content of a line over its first content, mean over the lines"),
                ("escaped", "1", sums[1] / self.mesh.lanes, "what has left a line over its first content, mean over the lines"),
                *([("content_error", "1", self._worst(), _CONTENT_ERROR)] if self.closes else [])]

    def _worst(self):
        return float(self.mesh.comm.max(self.error().max())[0])

    def summary(self):
        lifted = {"lifted": {"value": float(self.guard.lifted), "unit": "1", "definition": LIFTED}}
        error = {"content_error": {"value": self._worst(), "unit": "1", "definition": _CONTENT_ERROR}}
        return {**error, **lifted} if self.closes else lifted


class Crossing(Observer):
    """The instant at which a lane sum falls to half its first value (or another fraction of it).

    Found inside the step that brings it: the sum and its exact time derivative at both ends of the step
    define a cubic, whose root is the instant. Steps are not cut for it.

    Parameters
    ----------
    what : LaneSum
    initial, floor : array (lanes,)
        The sum at t = 0, and a constant part that does not count.
    fraction : float
    """

    def __init__(self, name, what, initial, floor=0.0, fraction=0.5):
        self.name, self.what, self.mesh = name, what, what.mesh
        self.initial, self.floor, self.fraction = np.asarray(initial), floor, fraction
        lanes = self.mesh.shape[2]
        self.value, self.slope = np.zeros(lanes), np.zeros(lanes)
        self.time, self.fall = np.full(lanes, np.nan), np.full(lanes, np.nan)     # the instant, and the slope there

    def begin(self, u, rate):
        self.value[...], self.slope[...] = self.what.of(u), self.what.of(rate)

    def update(self, stepper, u, rate):
        new, slope, h = self.what.of(u), self.what.of(rate), stepper.t - stepper.t_before
        level = self.floor + self.fraction * (self.initial - self.floor)
        for i in np.flatnonzero(np.isnan(self.time) & (new <= level)):
            s = cubic_root(self.value[i] - level[i], new[i] - level[i], h * self.slope[i], h * slope[i])
            self.time[i] = stepper.t_before + s * h
            self.fall[i] = (new[i] - self.value[i]) / h
        self.value[...], self.slope[...] = new, slope

    def state(self):
        return {"value": self.value, "slope": self.slope, "time": self.time, "fall": self.fall}


def cubic_root(a, b, da, db):
    """The first root in [0, 1] of the cubic with values a > 0 ≥ b and slopes da, db at 0 and 1; 0 if a is not above 0."""
    if a <= 0:
        return 0.0
    coefficients = [2 * a - 2 * b + da + db, -3 * a + 3 * b - 2 * da - db, da, a]
    roots = np.roots(coefficients) if any(coefficients[:3]) else np.array([])
    inside = [r.real for r in roots if abs(r.imag) < 1e-9 and -1e-12 <= r.real <= 1 + 1e-12]
    return min(inside) if inside else a / (a - b)


class Residence(Observer):
    """∫ sum/initial dt: how long the initial content stays [s].

    In a step the sum is the cubic of Crossing, so the integral is of fourth order.

    Parameters
    ----------
    what : LaneSum
    initial, floor : array (lanes,)
        The sum that counts as one, and a constant part of it that does not count.
    """

    def __init__(self, name, what, initial, floor=0.0):
        self.name, self.what, self.mesh, self.floor = name, what, what.mesh, floor
        self.initial = np.asarray(initial)
        self.integral, self.value, self.slope = (np.zeros(self.mesh.shape[2]) for _ in range(3))

    def begin(self, u, rate):
        self.value[...], self.slope[...] = self.what.of(u) - self.floor, self.what.of(rate)

    def update(self, stepper, u, rate):
        new, slope, h = self.what.of(u) - self.floor, self.what.of(rate), stepper.t - stepper.t_before
        area = 0.5 * h * (self.value + new) + h**2 / 12 * (self.slope - slope)
        self.integral += area / (self.initial - self.floor)
        self.value[...], self.slope[...] = new, slope

    def state(self):
        return {"integral": self.integral, "value": self.value, "slope": self.slope}
