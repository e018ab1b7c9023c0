"""Pitch-angle transport ready to take steps: state, step control, budget. No files and no clocks here; the driver adds them."""

from dataclasses import dataclass

import numpy as np

from hpccr import parallel
from hpccr.errors import RunError
from hpccr.grid.strip import Strip
from hpccr.grid.tube import Pitch, Tube
from hpccr.operators import pitch_kernels as kernels
from hpccr.operators.coupled import Coupled
from hpccr.operators.scattering import Scattering
from hpccr.operators.streaming import Streaming
from hpccr.physics import focusing
from hpccr.steppers.ark import Ark
from hpccr.steppers.clock import Clock

_MOST_TRIES = 40
# A step with implicit streaming costs so many explicit ones.
_PAYS = 25
# Of the error allowed: from here on it is looked at more closely.
_NOTABLE = 0.1
# While the first particles are not yet isotropic, a step is at most this part of the time since they were let go.
_FRESH, _ISOTROPIC = 0.125, 10.0
# What has passed the ends so far, in the number of particles, and what was lifted.
THROUGH = {"in_left": "number that has entered at the lower end", "out_left": "number that has left at the lower end",
           "in_right": "number that has entered at the upper end", "out_right": "number that has left at the upper end"}
LIFTED = "sum over the steps of the part of the content that lay below zero and was lifted to it"


@dataclass
class Model:
    """The equation in numbers.

    Attributes
    ----------
    tube, pitch : Tube, Pitch
    epsilon : float
        v/(l ν).
    law : physics.pitch_angle.Scattering
        D(μ).
    ends : (str, str)
        "open", "source", "wall", "periodic".
    inflow : (array (rows,), array (rows,))
        f of what enters at the ends.
    """

    tube: Tube
    pitch: Pitch
    epsilon: float
    law: object
    ends: tuple
    inflow: tuple

    @property
    def drift(self):
        """ε σ/2 of the cells, as fast as streaming is, so that a uniform isotropic f stays: array (cells,)."""
        return 0.5 * self.epsilon * self.pitch.stretch * self.tube.sigma


class Kinetic:
    """What one run of pitch-angle transport computes with.

    Parameters
    ----------
    problem : Problem
        Offers model(), initial(cells) (rows, cells of the slice) and observer(kinetic).
    comm : Comm

    Attributes
    ----------
    strip, ark, stepper
        The stepper is a Clock with the linear `iterations`, whether the next step streams `implicit`, and `after` when that may be tried
        again.
    through : array (4,)
        What has entered and left at the left, and at the right end [number].
    first : float
        The number of particles at the start, ∫∫ A f dz dμ.
    lifted : float
        What was lifted to zero so far, relative to the content.
    """

    def __init__(self, problem, comm):
        self.problem, self.comm, self.model = problem, comm, problem.model()
        time, model = problem.deck.time, self.model
        self.strip = Strip(len(model.tube), comm, model.ends[0] == "periodic")
        comm.root_first(lambda: warm(model.law))
        # What the systems of implicit streaming leave is far below the error of a step.
        self.ark, self.stepper = _ark(model, self.strip, 1e-3 * time.rtol), Clock(iterations=0, implicit=False, after=0.0)
        fastest = (model.epsilon * model.pitch.cosines[-1] / model.tube.widths).max()
        self.rtol, self.longest, self.streaming = time.rtol, time.max_step or np.inf, time.streaming
        self.limit = min(time.courant / fastest, self.longest)
        self.stepper.implicit = time.streaming == "implicit"
        if time.streaming != "explicit":
            self.ark.coupled.prepare()
        self.through, self.first, self.lifted, self._smooth, self._shortest = np.zeros(4), 0.0, 0.0, True, 0.0
        self.observer = problem.observer(self)

    # -- state --------------------------------------------------------------------------------------------

    def begin(self):
        """The initial state at t = 0; collective."""
        time = self.problem.deck.time
        self.strip.own(self.ark.u)[...] = self.problem.initial(self.strip.own_cells)
        self._shortest = min(time.first_step or self.problem.first_step(), self.longest if self.stepper.implicit else self.limit)
        self.stepper.dt = self._shortest
        self.first = self.comm.sum([self._number()])[0]

    @property
    def _most(self):
        """The longest step that is possible now."""
        clock = self.stepper
        fresh = max(_FRESH * clock.t, self._shortest) if clock.t < _ISOTROPIC else np.inf
        return min(fresh, self.longest if clock.implicit else self.limit)

    def _number(self):
        even, _ = self.isotropic()
        return 2 * float(even @ self.ark.volumes)

    def isotropic(self):
        """½ ∫ f dμ and ½ ∫ μ f dμ in the own cells: two arrays (count,)."""
        even, odd = np.empty((2, self.strip.count))
        kernels.project(self.ark.u, self.model.pitch.cosines, self.model.pitch.widths, even, odd)
        return even, odd

    def state(self):
        """What a checkpoint holds beside f: plain values."""
        return {**self.stepper.state(), "shortest": self._shortest, "first": self.first, "lifted": self.lifted, "through": self.through.tolist()}

    def resume(self, plain):
        """Take back what `state` gave; f is in place already."""
        self.stepper.restore(plain)
        self._shortest = plain["shortest"]
        self.first, self.lifted, self.through = plain["first"], plain["lifted"], np.array(plain["through"])

    # -- steps --------------------------------------------------------------------------------------------

    def step(self, t_stop, vote):
        """One accepted step, at most to t_stop [1/ν]; the agreed votes. Collective.

        Raises
        ------
        RunError
            The step cannot be made however short it is.
        """
        clock, reason = self.stepper, ""
        for _ in range(_MOST_TRIES):
            free = min(clock.dt, self._most)
            dt = clock.length(free, t_stop)
            before = self.ark.coupled.iterations
            outcome = self.ark.attempt(dt, clock.implicit)
            clock.iterations += self.ark.coupled.iterations - before
            votes = self.comm.max(vote())
            reason, reach, keep, change, through = self._judge(outcome)
            if not reason:
                break
            clock.rejections += 1
            clock.dt = min(reach, 0.9) * dt
            if clock.implicit and not self._smooth:
                # Without limits face values are no good for this f, and will not be soon.
                clock.implicit, clock.after = False, max(2 * clock.t, _ISOTROPIC)
            self._choose(clock.dt, clock.dt, t_stop - clock.t)
        else:
            raise RunError(f"no step is short enough at t = {clock.t:.6g}, step {clock.number}: {reason}")
        self.ark.accept(keep)
        self.through += through
        # Little is won by a step that is a little longer, when all is to be factored anew.
        longer = dt if clock.implicit and 1.0 <= reach < 1.3 else min(reach, 2.0) * dt
        # A step that an output time has cut short says nothing against a longer one.
        clock.dt = max(longer, clock.dt) if dt < 0.99 * free else longer
        clock.advance(dt, t_stop)
        self._choose(reach * dt, 2 * self.rtol ** (1 / 3) * dt / max(change, 1e-15), t_stop - clock.t)
        return votes

    def _choose(self, exact, slow, left):
        """Whether streaming is implicit from now on.

        exact, slow : steps that the error allows, and that a method of third order should be able to make where f changes as it does; the
        error of a step with explicit streaming knows of the balance between streaming and scattering more than matters.
        left : the time to the next output.
        """
        clock, worth = self.stepper, _PAYS * self.limit
        if self.streaming == "explicit" or clock.t < clock.after:
            return
        if not clock.implicit and (self.streaming == "implicit" or clock.t > _ISOTROPIC and min(slow, 0.5 * left) > worth):
            clock.implicit, clock.dt = True, max(clock.dt, worth if self.streaming == "auto" else 0.0)
        elif clock.implicit and self.streaming == "auto" and exact < 0.4 * worth:
            # Too early, it seems.
            clock.implicit, clock.after = False, 1.5 * clock.t

    def _judge(self, outcome):
        """(reason to refuse a step or "", what times its length would be exact enough, what to keep when lifting or None, relative change of
        f, what has passed the ends), alike on all ranks; collective."""
        squares, sizes, short, full, change, *through = self.comm.sum(np.concatenate([outcome.sums, outcome.through]))
        # Face values without limits leave f positive only where it is smooth.
        allowed = (1.0 if self.stepper.implicit else 10.0) * self.rtol
        self._smooth = outcome.solved and short <= allowed * full
        if not outcome.solved:
            return "the linear system was not solved", 0.5, None, 1.0, through
        if not np.isfinite(squares + sizes + short + full):
            return "f is not finite", 0.25, None, 1.0, through
        error, change = (np.sqrt(squares / sizes) / self.rtol, np.sqrt(change / sizes)) if sizes > 0 else (0.0, 1.0)
        if error > _NOTABLE:
            error = np.sqrt(self.comm.sum([self.ark.settled_error(outcome.dt)])[0] / sizes) / self.rtol
        # An embedded error of second order falls with the third power of the step.
        reach = max(0.9 * max(error, 1e-9) ** (-1 / 3), 0.2)
        if error > 1:
            return f"its error is {error:.3g} times what is allowed", reach, None, change, through
        if short <= 0:
            return "", reach, None, change, through
        if not self._smooth:
            return f"f falls below zero by {short / full:.2g} of its content, where {allowed:.2g} is allowed", 0.3, None, change, through
        self.lifted += short / full
        return "", reach, 1.0 - short / full, change, through

    # -- what it tells --------------------------------------------------------------------------------------

    def history(self):
        """This step's figures: list of (column, unit, value, meaning); collective."""
        c = self.stepper
        return [("step", "1", c.number, "steps so far"), ("time", "1/nu", c.t, "simulated time"),
                ("dt", "1/nu", c.t - c.t_before, "length of the last step"),
                ("linear_iterations", "1", c.iterations, "iterations of the linear solver so far; 0 with explicit streaming"),
                ("rejections", "1", c.rejections, "steps so far that were refused and repeated, shorter"),
                ("lifted", "1", self.lifted, LIFTED),
                *((name, "1", value, meaning) for (name, meaning), value in zip(THROUGH.items(), self.through)),
                *self.observer.history()]

    def summary(self):
        """The final figures; collective."""
        return self.observer.summary()

    def destroy(self):
        """Give back what PETSc holds."""
        self.ark.coupled.destroy()


def _ark(model, strip, tolerance=1e-10):
    """f and its stages on a strip (Ark)."""
    cells, tube, pitch = strip.own_cells, model.tube, model.pitch
    streaming = Streaming(tube, pitch, model.epsilon, model.ends, model.inflow, strip)
    scattering = Scattering(pitch, model.law, model.drift[cells], tube.focusing.uniform)
    return Ark(streaming, scattering, Coupled(model, streaming, scattering, strip, tolerance), pitch.widths, tube.volumes[cells])


def warm(law):
    """Take a step on a few cells, which compiles every kernel; without a message. law : D(μ)."""
    pitch = Pitch(4)
    for sigma in (focusing.uniform(0.1), focusing.table([0.0, 1.0], [0.0, 0.1])):
        ark = _ark(Model(Tube("z", np.linspace(0.0, 1.0, 9), sigma), pitch, 0.1, law, ("wall", "open"), (np.zeros(4), np.zeros(4))),
                   Strip(8, parallel.alone()))
        ark.u[...] = 1.0
        ark.attempt(0.1)
        ark.accept(1.0)
    kernels.project(ark.u, pitch.cosines, pitch.widths, *np.zeros((2, 8)))
