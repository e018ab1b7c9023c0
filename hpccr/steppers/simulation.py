"""A problem on its mesh: state, stepper, guard and observers, ready to take steps.

No files and no clocks here; the driver adds them.
"""

import numpy as np

from hpccr.grid.mesh import Mesh
from hpccr.operators import solve_kernels
from hpccr.operators.system import System
from hpccr.steppers.guard import LIFTED, Guard
from hpccr.steppers.implicit import Stepper
from hpccr.steppers.observers import Budget
from hpccr.units import kyr


class Simulation:
    """What one run computes with.

    Parameters
    ----------
    problem : Problem
    comm : Comm

    Attributes
    ----------
    mesh, system, stepper, guard, observers
    """

    def __init__(self, problem, comm):
        self.problem, self.comm = problem, comm
        time, terms = problem.deck.time, problem.terms()
        self.mesh = Mesh(problem.line(), problem.lane(), problem.fields, comm, any(t.couples_lanes for t in terms))
        self.system = System(self.mesh, terms)
        # Kernels are compiled once, by rank 0, into the cache on disk that the others then read.
        comm.root_first(self._compile)
        try:
            self.stepper = Stepper(self.system, self._tolerances(time.rtol), time.max_step or np.inf)
        except Exception:
            self.mesh.destroy()
            raise
        self.guard = Guard(self.mesh, 10 * time.rtol, problem.scales())
        self._rate = np.empty(self.mesh.shape)
        self.observers = [Budget(self, f) for f, field in enumerate(problem.fields) if not field.staggered][:1]
        self.observers += problem.observers(self)

    def _compile(self):
        """Call every kernel once on this rank's arrays, without a message."""
        u, r = np.zeros(self.mesh.local_shape), np.zeros(self.mesh.shape)
        u.flags.writeable = False     # as PETSc hands it out: numba tells the two apart
        for term in self.system.terms:
            term.residual(0.0, u, r)
            term.jacobian(0.0, u, self.system.blocks)
        fields = self.mesh.shape[1]
        block = [np.ones((2, fields, fields, 1)) + 3 * k * np.eye(fields)[None, :, :, None] for k in (0, 1, 0)]
        solve_kernels.factor(*block)
        solve_kernels.substitute(*block, np.ones((2, fields, 1)))
        if self.mesh.column is not None and fields == 1:
            solve_kernels.respond(*np.array([1.0, 4.0, 1.0, 1.0, 1.0, 1.0])[:, None, None] * np.ones((2, 1)))

    def _tolerances(self, rtol):
        """Absolute and relative tolerance per unknown: (nodes, fields, lanes). Reservoirs do not steer."""
        scales = self.problem.scales()[:, self.mesh.columns]
        absolute = np.tile(rtol * scales, (self.mesh.shape[0], 1, 1))
        for here, node in ((self.mesh.at_left, 0), (self.mesh.at_right, -1)):
            for f, field in enumerate(self.mesh.fields):
                if here and not field.staggered:
                    absolute[node, f] = 1e300
        return absolute, np.full(self.mesh.shape, rtol)

    def begin(self):
        """The initial state at t = 0."""
        u = self.mesh.array(self.stepper.u)
        u[...] = 0.0
        inside, first = self.mesh.cells()
        cells = slice(first, first + inside.stop - inside.start)
        for f, (field, values) in enumerate(zip(self.mesh.fields, self.problem.initial(cells, self.mesh.columns))):
            if field.staggered and self.mesh.at_left:
                u[0, f] = values[0]
            u[inside, f] = values[1:] if field.staggered else values
        time = self.problem.deck.time
        first = self.stepper.first_step or time.first_step or self.problem.first_step()
        self.stepper.begin(0.0, min(first, time.max_step or np.inf))
        del u
        self._show(lambda observer, *arrays: observer.begin(*arrays))

    def _show(self, tell):
        """Tell every observer the state and its rate of change; collective where lines are cut."""
        s = self.stepper
        rate, u = self.rate(s.t, s.u), self.mesh.array(s.u, readonly=True)
        for observer in self.observers:
            tell(observer, u, rate)

    def state(self):
        """What a checkpoint holds beside the fields: (plain values, arrays (lanes,) of all lanes, alike on all ranks); collective."""
        s, arrays = self.stepper, {}
        plain = {"t": s.t, "t_before": s.t_before, "dt": s.dt, "number": s.number, "iterations": s.iterations,
                 "rejections": s.rejections, "lifted": self.guard.lifted}
        for k, observer in enumerate(self.observers):
            for name, value in observer.state().items():
                arrays[f"{k}.{observer.name}.{name}"] = self.mesh.all_lanes(value)
        return plain, arrays

    def resume(self, plain, arrays):
        """Take back what `state` gave; the fields are in stepper.u already."""
        self.stepper.begin(plain["t"], plain["dt"], plain["number"])
        self.stepper.t_before = plain["t_before"]
        self.stepper.offset = plain["iterations"], plain["rejections"]
        self.guard.lifted = plain["lifted"]
        for k, observer in enumerate(self.observers):
            prefix = f"{k}.{observer.name}."
            observer.restore({key[len(prefix):]: value[self.mesh.columns]
                              for key, value in arrays.items() if key.startswith(prefix)})

    def rate(self, t, vector):
        """du/dt [1/s] at a state and time t [s]: array (nodes, fields, lanes), overwritten by the next call. Collective if lines are cut."""
        self.system.rate(t, vector, self._rate)
        return self._rate

    def step(self, t_stop, vote):
        """One accepted step, at most to t_stop [s].

        Parameters
        ----------
        vote : callable () -> list of float
            This rank's further votes; the maximum over the ranks is returned.

        Returns
        -------
        list of float
            The agreed votes.
        """
        outcome = []

        def inspect():
            # One reduction a step carries everything on which ranks must agree.
            mine = self.guard.measure(self.mesh.array(self.stepper.u, readonly=True))
            bad, worst, *votes = self.comm.max(mine + list(vote()))
            outcome[:] = votes
            if bad:
                return "the state is not finite"
            if worst > self.guard.limit:
                return f"a field falls below its floor by {worst:.2g}, where {self.guard.limit:.2g} is allowed"
            if worst > 0:
                self.guard.lift(self.mesh.array(self.stepper.u))
                self.guard.lifted += worst
            return ""

        self.stepper.step(t_stop, inspect)
        self._show(lambda observer, *arrays: observer.update(self.stepper, *arrays))
        return outcome

    def history(self):
        """This step's figures: list of (column, unit, value, meaning); collective."""
        s = self.stepper
        rows = [("step", "1", s.number, "steps so far"), ("time", "kyr", s.t / kyr, "simulated time"),
                ("dt", "kyr", (s.t - s.t_before) / kyr, "length of the last step"),
                ("linear_iterations", "1", s.iterations, "iterations of the linear solver so far"),
                ("rejections", "1", s.rejections, "steps so far that were refused and repeated, shorter"),
                ("lifted", "1", self.guard.lifted, LIFTED)]
        for observer in self.observers:
            rows += observer.history()
        return rows

    def summary(self):
        """The final figures of all observers; collective."""
        result = {}
        for observer in self.observers:
            result.update(observer.summary())
        return result

    def destroy(self):
        """Give everything back to PETSc."""
        self.stepper.destroy()
        self.mesh.destroy()
