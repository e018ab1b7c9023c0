"""A unit of orbits at work: the same particles from t = 0 to the end, tallied on the way."""

from dataclasses import dataclass

import numpy as np

from hpccr.particles import orbit_kernels, sum_kernels


@dataclass(frozen=True)
class Plan:
    """What is done to all particles, and when. Times are counted in steps.

    Attributes
    ----------
    h : float
        Step [1/Ω].
    steps : int
    at : tuple of int
        Steps at which moments are taken, increasing, the last is the end.
    lag : int
        Steps between two looks at μ.
    bins : int
        Of μ, for D_μμ.
    mean : float
        Mean field along z [B_ref].
    store_every : int
        Steps between two rows of a stored orbit.
    """

    h: float
    steps: int
    at: tuple
    lag: int
    bins: int
    mean: float
    store_every: int = 1

    @property
    def tally_size(self):
        """Length of a unit's tally: moments, bins of μ, speed error."""
        return len(self.at) * orbit_kernels.MOMENTS + 3 * self.bins + 1

    def refined(self, factor):
        """The same plan with a step `factor` times shorter."""
        return Plan(self.h / factor, self.steps * factor, tuple(n * factor for n in self.at), self.lag * factor, self.bins,
                    self.mean, self.store_every * factor)

    def split(self, tally):
        """(moments (…, times, MOMENTS), bins (…, 3, bins), speed error (…)) of `tally` (…, tally_size), one or more."""
        cut = len(self.at) * orbit_kernels.MOMENTS
        lead = tally.shape[:-1]
        return (tally[..., :cut].reshape(*lead, len(self.at), orbit_kernels.MOMENTS),
                tally[..., cut:-1].reshape(*lead, 3, self.bins), tally[..., -1])


def state_size(plan, count):
    """Length of the state of a unit of `count` particles."""
    return 1 + 13 * sum_kernels.lanes(count) + plan.tally_size


class OrbitTask:
    """Orbits of one unit (see problems.ensemble.Task).

    Parameters
    ----------
    unit : Unit
    plan : Plan
    waves : array (M, 7)
        From sum_kernels.table, k in 1/r_g.
    position, direction : array (n, 3)
        At t = 0 [r_g, 1].
    stored : dict
        Members whose orbits are kept, with their place in the unit.
    """

    def __init__(self, unit, plan, waves, position, direction, stored=()):
        self.unit, self.plan, self._waves, self._step = unit, plan, waves, 0
        self._room(len(position), stored)
        # Lanes beyond the last particle repeat it: they cost what zeros would, and stay finite.
        place = np.minimum(np.arange(self._lanes), len(position) - 1)
        self._start[:3], self._start[3:] = position[place].T, direction[place].T
        self._state[:6, :self._lanes], self._mu[:] = self._start, self._start[5]
        self._keep()

    def _room(self, count, stored):
        """Make the arrays that a task needs."""
        plan = self.plan
        self._count, self._lanes = count, sum_kernels.lanes(count)
        self._state = sum_kernels.aligned((9, self._lanes + sum_kernels.PAD))
        self._start = np.zeros((6, self._lanes))
        self._mu, self._moments = np.zeros(self._lanes), np.zeros((len(plan.at), orbit_kernels.MOMENTS))
        self._bins, self._speed = np.zeros((3, plan.bins)), 0.0
        self._stored = dict(stored)
        rows = plan.steps // plan.store_every + 1
        self._rows = {member: np.zeros((rows, 6)) for member in self._stored}
        self._slice = max(1, int(sum_kernels.SLICE / (self._lanes * len(self._waves))))

    def _keep(self):
        for member, place in self._stored.items():
            self._rows[member][self._step // self.plan.store_every] = self._state[:6, place]

    def advance(self):
        """Go on for one slice of steps; returns whether the end is reached."""
        plan, until = self.plan, min(self.plan.steps, self._step + self._slice)
        while self._step < until:
            place = int(np.searchsorted(plan.at, self._step, side="right"))
            stop = min(until, plan.at[place], (self._step // plan.lag + 1) * plan.lag)
            if self._stored:
                stop = min(stop, (self._step // plan.store_every + 1) * plan.store_every)
            orbit_kernels.push(self._waves, plan.mean, plan.h, stop - self._step, self._state)
            self._step = stop
            if stop == plan.at[place]:
                orbit_kernels.moments(self._state, self._start, self._count, self._moments[place])
            if stop % plan.lag == 0:
                orbit_kernels.scatter(self._mu, self._state[5], self._count, self._bins)
            if self._stored and stop % plan.store_every == 0:
                self._keep()
        if self._step == plan.steps:
            self._speed = orbit_kernels.speed_error(self._state, self._count)
        return self._step == plan.steps

    @property
    def progress(self):
        """The part of the steps that is done."""
        return self._step / self.plan.steps

    def state(self):
        """Everything that is needed to go on: array (state_size,)."""
        moving = self._state[:6, :self._lanes].ravel()
        return np.concatenate([[float(self._step)], moving, self._start.ravel(), self._mu, self.tally()])

    @classmethod
    def resumed(cls, unit, plan, waves, state, records, stored=()):
        """The task that gave this `state` and these `records`."""
        task = cls.__new__(cls)
        task.unit, task.plan, task._waves = unit, plan, waves
        task._room(unit.count, stored)
        n = task._lanes
        task._step = int(state[0])
        cuts = np.cumsum([1, 6 * n, 6 * n, n])
        task._state[:6, :n] = state[cuts[0]:cuts[1]].reshape(6, n)
        task._start[:] = state[cuts[1]:cuts[2]].reshape(6, n)
        task._mu[:] = state[cuts[2]:cuts[3]]
        moments, bins, speed = plan.split(state[cuts[3]:cuts[3] + plan.tally_size])
        task._moments[:], task._bins[:], task._speed = moments, bins, float(speed)
        for member, rows in records.items():
            task._rows[member][:len(rows)] = rows
        return task

    def tally(self):
        """Sums over the particles: array (tally_size,)."""
        return np.concatenate([self._moments.ravel(), self._bins.ravel(), [self._speed]])

    def records(self):
        """The stored orbits so far: {member: array (rows, 6)} of position [r_g] and direction."""
        rows = self._step // self.plan.store_every + 1
        return {member: orbit[:rows] for member, orbit in self._rows.items()}
