"""Time and step control of the steppers that are not PETSc's."""


class Clock:
    """Where a run is in time, and what its steps were.

    Parameters
    ----------
    more : dict
        Further attributes at the start, which belong to the state as well.

    Attributes
    ----------
    t, t_before, dt : float
        Now, before the last step, and what the controller would do next [unit of the problem's time].
    number, rejections : int
        Steps, and steps that were refused.
    """

    # A grid's driver asks for these of any stepper.
    max_steps, iterations = 2**31 - 1, 0

    def __init__(self, **more):
        self.t = self.t_before = self.dt = 0.0
        self.number = self.rejections = 0
        vars(self).update(more)

    def state(self):
        """For a checkpoint: dict of plain values."""
        return dict(vars(self))

    def restore(self, plain):
        """Take back what `state` gave, from among other values."""
        for name in vars(self):
            setattr(self, name, plain[name])

    def length(self, most, t_stop):
        """The next step, at most `most` and to t_stop: two of equal length rather than a long and a tiny one."""
        left = t_stop - self.t
        return left if left <= 1.0001 * most else min(most, 0.5 * left)

    def advance(self, dt, t_stop):
        """A step of the length dt is made; t_stop is hit exactly."""
        self.t_before, self.number = self.t, self.number + 1
        self.t = t_stop if abs(self.t + dt - t_stop) <= 1e-12 * t_stop else self.t + dt
