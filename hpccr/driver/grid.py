"""Jobs on a grid: the only time loop."""

import time

import numpy as np

from hpccr.driver.job import Job, size_text
from hpccr.errors import RunError
from hpccr.problems import registry


class GridJob(Job):
    """A problem on a grid, stepped to its end; parameters as Job."""

    def __init__(self, deck, directory, session):
        # It may read files, which one rank may lack.
        with session.comm.together():
            self.problem = registry.load(deck.problem)(deck)
        self.unit, self.clock = self.problem.clock
        super().__init__(deck, directory, session, deck.time.end / self.clock, self.unit)
        self.simulation, self.fields = self._simulate(session.petsc)
        self.times = deck.output.snapshots.until(deck.time.end)
        self.history, self.next = None, 0

    def _simulate(self, petsc):
        """The simulation of the problem, and the module that knows its variables."""
        from hpccr.output import fields
        from hpccr.steppers.implicit import initialise
        from hpccr.steppers.simulation import Simulation

        initialise([*self.deck.solver.petsc.split(), *petsc])
        return Simulation(self.problem, self.comm), fields

    @classmethod
    def cost(cls, problem):
        """Rows (name, text) on the size of a run for `hpccr check`."""
        deck, line, lane, unknowns = problem.deck, problem.line(), problem.lane(), cls.unknowns(problem)
        (line_unit, _, line_factor), _ = problem.axis_units()
        widths, (unit, clock) = np.asarray(line.widths) * line_factor, problem.clock
        crossed = ", ".join(f"by {what} in {time_ / clock:.3g} {unit}" for what, time_ in problem.crossings())
        return [*([("CFL", f"the narrowest cell is crossed {crossed}; {problem.bound}")] if crossed else []),
                (f"cells along {line.name}", f"{len(line)}, {widths.min():.3g} to {widths.max():.3g} {line_unit}"),
                (f"cells along {lane.name}", f"{len(lane)}"),
                ("unknowns", f"{unknowns}"),
                ("snapshots", f"{len(deck.output.snapshots.until(deck.time.end))}"),
                ("memory", f"about {size_text(cls.memory(problem))} on one rank"),
                ("cost", f"about {cls.seconds(problem):.2g} core seconds "
                         f"({cls.steps(problem):.0f} steps)")]

    @staticmethod
    def warnings(problem):
        """What its user should know before a run: list of str."""
        time_, least = problem.deck.time, _least_steps(problem.deck.time)
        if least <= time_.max_steps:
            return list(problem.warnings)
        return [*problem.warnings, f"time.max_step allows no fewer than {least:.3g} steps, and time.max_steps ends the run after {time_.max_steps}"]

    @staticmethod
    def steps(problem):
        """Roughly the steps of a run."""
        return max(problem.expected_steps(), _least_steps(problem.deck.time))

    @classmethod
    def memory(cls, problem, ranks=1):
        """Roughly the bytes that a run takes on so many ranks, all together."""
        # Ranks share the libraries, half of what Python takes.
        return 60 * 2**20 * (1 + ranks) + cls.room(problem) * cls.unknowns(problem)

    @staticmethod
    def room(problem):
        """Bytes for each unknown."""
        return 350

    @staticmethod
    def unknowns(problem):
        """Unknowns of a problem on its mesh, reservoirs among them."""
        return (len(problem.line()) + 2) * max(len(problem.fields), 1) * len(problem.lane())

    @staticmethod
    def seconds(problem):
        """Roughly the core seconds of a run."""
        return 4e-8 * GridJob.steps(problem) * GridJob.unknowns(problem)

    @staticmethod
    def fit(problem, ranks):
        """Raise InputError where so many ranks cannot share the mesh."""
        from hpccr.grid.mesh import process_grid

        process_grid(ranks, len(problem.lane()), len(problem.line()) + 2, problem.coupled())

    def close(self):
        if self.history is not None:
            self.history.close()

    def destroy(self):
        self.simulation.destroy()

    # -- begin ------------------------------------------------------------------------------------------

    def _open_history(self):
        from hpccr.output import rundir
        from hpccr.output.history import History

        self.columns = [(name, unit, meaning) for name, unit, _, meaning in self.simulation.history()]
        self.history = History(self.directory / rundir.HISTORY, [column[:2] for column in self.columns], self.comm)

    def start(self):
        """The initial state; its record, snapshot and checkpoint, so that a restart always finds one."""
        self.simulation.begin()
        self._open_history()
        self.history.start()
        self._record()
        self._snapshots()
        self._checkpoint()

    def resume(self, saved):
        """Take a checkpoint's state; the same bits on the same ranks."""
        simulation, meta = self.simulation, saved.meta
        self.fields.resume(simulation, saved, meta["simulation"])
        self.next = meta["next"]
        self._open_history()
        self.history.resume(meta["history"])
        self.progress.resume(simulation.stepper.t / self.clock)
        self.progress.say(f"restart {self._now()}, step {simulation.stepper.number}, on {self.comm.size} ranks")

    def _now(self):
        return f"at t = {self.simulation.stepper.t / self.clock:.6g} {self.unit}"

    # -- the loop ---------------------------------------------------------------------------------------

    def loop(self):
        """Step to the end, or until asked to stop; returns the exit status.

        Raises
        ------
        RunError
            No further step can be made, or the deck allows no more.
        """
        stepper, end, every = self.simulation.stepper, self.deck.time.end, self.deck.output
        while stepper.t < end:
            most = min(self.deck.time.max_steps, stepper.max_steps)
            if stepper.number >= most:
                self._checkpoint()
                raise RunError(f"the limit of {most} steps is reached {self._now()}")
            stop = self.times[self.next] if self.next < len(self.times) else end
            began = time.monotonic()
            asked, due = self.simulation.step(min(stop, end), self.vote)
            self.slowest = max(self.slowest, time.monotonic() - began)
            last = stepper.t >= end
            if stepper.number % every.history_every == 0 or last:
                self._record()
            self._snapshots()
            self.progress.update(stepper.t / self.clock, f"step {stepper.number}  iterations {stepper.iterations}")
            by_steps = every.checkpoint_steps and stepper.number % every.checkpoint_steps == 0
            if due or by_steps or asked or last:
                self._checkpoint()
            if asked and not last:
                return self.stopped(asked, self._now())
        self._finish()
        return 0

    # -- output -----------------------------------------------------------------------------------------

    def _record(self):
        self.history.append([value for _, _, value, _ in self.simulation.history()])

    def _snapshots(self):
        """Write the snapshot of this instant, if one is due."""
        while self.next < len(self.times) and self.simulation.stepper.t >= self.times[self.next]:
            self.snapshot(self.next, self.fields.snapshot(self.simulation))
            self.next += 1

    def _checkpoint(self):
        state, plain = self.fields.checkpoint(self.simulation)
        self.history.sync()
        self.save(self.simulation.stepper.number, state,
                  {"simulation": plain, "next": self.next, "history": self.history.position})

    def _finish(self):
        """Write the summary and say how it went; collective."""
        summary, stepper = self.simulation.summary(), self.simulation.stepper
        summary["steps"] = {"value": stepper.number, "unit": "1", "definition": "steps"}
        summary["linear_iterations"] = {"value": stepper.iterations, "unit": "1",
                                        "definition": "iterations of the linear solver; 0 without one"}
        self.summarise(summary)
        self.progress.say(f"done: {stepper.number} steps, {stepper.rejections} rejected, {stepper.iterations} linear "
                          f"iterations, {time.monotonic() - self.began:.1f} s")


def _least_steps(time_):
    """The fewest steps that section [time] allows: float."""
    return time_.end / (time_.max_step or np.inf)
