"""A unit of field lines at work: the same lines from their starts to the end, kept at the points of output."""

from dataclasses import dataclass

import numpy as np

from hpccr.particles import fieldline_kernels as kernels
from hpccr.particles import fieldline_tableau, sum_kernels

# The first step that is tried [shortest wavelength].
_FIRST = 0.05
# A step is not longer than this [shortest wavelength]: no wave is stepped over.
LONGEST = 0.5


@dataclass(frozen=True)
class Plan:
    """What is done to all lines of a variant. Lengths in L, fields in B_ref.

    Attributes
    ----------
    unit : bool
        The parameter is s (True) or τ (False).
    points : array (points,)
        Values of the parameter for output [L or L/B_ref], increasing.
    mean, rms : float
        Mean field along z, and rms of δB.
    shortest : float
        Shortest wavelength.
    tolerance : float
        Error that a step may make [shortest wavelength].
    path : bool
        Whether lines are kept as positions and directions, or as displacements for the tally.
    room : int
        Length of a state.
    tally_size : int
    """

    unit: bool
    points: np.ndarray
    mean: float
    rms: float
    shortest: float
    tolerance: float
    path: bool = False
    room: int = 0
    tally_size: int = 0


def state_size(points, count):
    """Length of the state of a unit of `count` lines with so many points of output."""
    return (kernels.ROWS + 3 * points) * sum_kernels.lanes(count)


class FieldLineTask:
    """Field lines of one unit (see problems.ensemble.Task).

    Parameters
    ----------
    unit : Unit
    plan : Plan
    waves : array (M, 7)
        From sum_kernels.table, k in 1/L.
    position : array (n, 3)
        Starts [L].
    members : sequence of int, optional
        Names of the lines, if they are kept.
    """

    def __init__(self, unit, plan, waves, position, members=()):
        self.unit = unit
        self._room(plan, waves, len(position), members)
        lines, n = self._lines, len(position)
        # Lanes without a line repeat the last one and have arrived.
        place = np.minimum(np.arange(lines.shape[1]), n - 1)
        lines[kernels.X:kernels.X + 3] = lines[kernels.START:kernels.START + 3] = position[place].T
        lines[kernels.STEP] = _FIRST * plan.shortest / self._fastest
        lines[kernels.ERROR] = kernels.LOW
        lines[kernels.LINE, :n], lines[kernels.LINE, n:] = np.arange(n), -1
        lines[kernels.PLACE, n:] = len(plan.points)
        kernels.begin(waves, plan.mean, plan.unit, plan.points, lines, self._out)

    def _room(self, plan, waves, count, members):
        """Make the arrays that a task needs."""
        self._plan, self._waves, self._count, self._members = plan, waves, count, list(members)
        lanes = sum_kernels.lanes(count)
        self._tableau, self._order = fieldline_tableau.chosen(plan.tolerance)
        self._lines = sum_kernels.aligned((kernels.ROWS, lanes))
        self._scratch = sum_kernels.aligned((kernels.SCRATCH + 3 * self._tableau.shape[1], lanes))
        self._out = np.zeros((len(plan.points), 6, count) if plan.path else (len(plan.points), 3, lanes))
        self._fastest = 1.0 if plan.unit else float(np.hypot(plan.mean, plan.rms))

    def _left(self):
        return int((self._lines[kernels.PLACE] < len(self._plan.points)).sum())

    def advance(self):
        """Go on for one slice of steps; returns whether all lines are at their end."""
        plan, left = self._plan, self._left()
        if left:
            each = (self._tableau.shape[1] - 1) * sum_kernels.lanes(left) * len(self._waves)
            kernels.advance(self._waves, plan.mean, plan.unit, self._tableau, self._order, plan.points,
                            plan.tolerance * plan.shortest, LONGEST * plan.shortest, self._fastest, max(1, int(sum_kernels.SLICE / each)),
                            self._lines, self._scratch, self._out)
        return not self._left()

    @property
    def progress(self):
        """The part of the way that is done."""
        real = self._lines[kernels.LINE] >= 0
        return float(self._lines[kernels.AT, real].sum() / (self._plan.points[-1] * self._count))

    def state(self):
        """Everything that is needed to go on: array (state_size,). Of lines that are kept, points are in `records`."""
        state = np.zeros(self._plan.room)
        parts = [self._lines.ravel()] if self._plan.path else [self._lines.ravel(), self._out.ravel()]
        whole = np.concatenate(parts)
        state[:len(whole)] = whole
        return state

    @classmethod
    def resumed(cls, unit, plan, waves, state, count, records):
        """The task of `count` lines that gave this `state` and these `records`."""
        task = cls.__new__(cls)
        task.unit = unit
        task._room(plan, waves, count, sorted(records))
        cut = task._lines.size
        task._lines[:] = state[:cut].reshape(task._lines.shape)
        if plan.path:
            for line, member in enumerate(task._members):
                task._out[:len(records[member]), :, line] = records[member]
        else:
            task._out[:] = state[cut:cut + task._out.size].reshape(task._out.shape)
        return task

    def tally(self):
        """Sums over the lines at the points, steps and rejected steps: array (tally_size,); zeros for lines that are kept."""
        tally = np.zeros(self._plan.tally_size)
        if not self._plan.path:
            rows = np.zeros((len(self._plan.points), kernels.MOMENTS))
            kernels.moments(self._out, self._count, rows)
            real = self._lines[kernels.LINE] >= 0
            tally[:rows.size] = rows.ravel()
            tally[-2:] = self._lines[kernels.STEPS, real].sum(), self._lines[kernels.REJECTED, real].sum()
        return tally

    def records(self):
        """The points so far of the lines that are kept: {member: array (rows, 6)} of position [L] and direction."""
        if not self._plan.path:
            return {}
        rows = {int(line): int(place) for line, place in self._lines[[kernels.LINE, kernels.PLACE]].T if line >= 0}
        return {member: self._out[:rows[line], :, line] for line, member in enumerate(self._members)}
