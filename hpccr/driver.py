"""The commands behind the command line, and the only time loop.

deck → problem → simulation → steps → history, snapshots, checkpoints, summary
"""

import signal
import time
from pathlib import Path


import hpccr
from hpccr import parallel
from hpccr.deck import reader
from hpccr.deck.reader import Deck
from hpccr.errors import InputError, RunError
from hpccr.problems import registry
from hpccr.units import kyr

# A run that was asked to stop and can go on ends with this status; a job script requeues on it.
STOPPED = 75


def check(deck):
    """The report of `hpccr check`: derived quantities, grid, memory and cost (str)."""
    problem = registry.load(deck.problem)(deck)
    line, lane = problem.line(), problem.lane()
    unknowns = (len(line) + 2) * len(problem.fields) * len(lane)
    rows = [("problem", f"{deck.problem}: {problem.summary}"), *problem.derived()]
    (line_unit, _, line_factor), _ = problem.axis_units()
    widths = line.widths * line_factor
    rows += [(f"cells along {line.name}", f"{len(line)}, {widths.min():.3g} to {widths.max():.3g} {line_unit}"),
             (f"cells along {lane.name}", f"{len(lane)}"),
             ("unknowns", f"{unknowns}"),
             ("snapshots", f"{len(deck.output.snapshots.until(deck.time.end))}"),
             ("memory", f"about {unknowns * 350 / 2**20 + 120:.0f} MiB on one rank"),
             ("cost", f"about {problem.expected_steps() * unknowns * 4e-8:.2g} core seconds "
                      f"({problem.expected_steps():.0f} steps)")]
    width = max(len(name) for name, _ in rows)
    return "\n".join(f"{name:<{width}}  {value}" for name, value in rows)


def info(path):
    """What is in a run directory or file (str)."""
    from hpccr.output import rundir

    return rundir.describe(path)


def run(deck, out, walltime=None, petsc_options=()):
    """Start a run in a new directory; collective.

    Parameters
    ----------
    deck : Deck
        Alike on all ranks.
    out : path-like
    walltime : float or None
        Seconds of wall-clock time after which the run writes a checkpoint and stops.
    petsc_options : sequence of str

    Returns
    -------
    int
        0, or STOPPED.

    Raises
    ------
    InputError, RunError
    """
    from hpccr.output import rundir

    with Signals() as signals:
        comm = parallel.world()
        deck = _with_options(deck, petsc_options)
        with Run(deck, Path(out), (), walltime, comm, signals) as job:
            # Only now: what the grid or PETSc refuses leaves no directory behind.
            rundir.create(out, comm.on_root(lambda: _echo(deck)), comm)
            job.start()
            return job.loop()


def restart(directory, walltime=None, petsc_options=()):
    """Go on with a run from its last checkpoint, on any number of ranks; collective.

    Raises
    ------
    InputError
        Not a run directory, no intact checkpoint, or a deck that is not the checkpoint's.
    """
    with Signals() as signals:
        return _restart(Path(directory), walltime, petsc_options, signals)


def _restart(directory, walltime, petsc_options, signals):
    from hpccr.output import rundir
    from hpccr.output.checkpoint import Store

    comm = parallel.world()
    content = comm.on_root(lambda: _stored(directory / rundir.DECK).to_dict())
    deck = Deck.from_dict(content, registry)
    warnings = []
    saved = Store(directory / rundir.CHECKPOINTS, comm).load_latest(warnings.append)
    if saved is not None and saved.meta["deck"]["digest"] != deck.digest():
        before = Deck.from_dict(saved.meta["deck"]["content"], registry)
        raise InputError("this run was made with another deck", where=str(directory / rundir.DECK),
                         given="; ".join(before.differences(deck)),
                         allowed="the deck as it was when the run began; a changed deck starts a new run")
    with Run(deck, directory, petsc_options, walltime, comm, signals) as job:
        for warning in warnings:
            job.progress.say(f"warning: {warning}")
        if saved is None:
            job.progress.say("there is no checkpoint yet: starting from the beginning")
            job.start()
        else:
            job.resume(saved)
        return job.loop()


def _stored(path):
    """The deck of a run directory."""
    if not path.parent.is_dir() or not path.is_file():
        raise InputError("this is not a run directory", where=str(path.parent),
                         allowed=f"a directory that `hpccr run` made, with a {path.name} in it")
    return reader.read(path, problems=registry)


def _with_options(deck, petsc_options):
    """The deck with further PETSc options in it, so that a restart knows them."""
    content = deck.to_dict()
    content["raw"]["solver"]["petsc"] = " ".join([*deck.solver.petsc.split(), *petsc_options])
    return Deck.from_dict(content, registry)


def _echo(deck):
    """The complete deck with versions, as it stands in the run directory."""
    from importlib.metadata import version

    versions = ", ".join(f"{name} {version(name)}" for name in ("numpy", "numba", "h5py", "mpi4py", "petsc4py"))
    return f"# Resolved deck of a run, from {deck.path}\n# hpccr {hpccr.__version__}, {versions}\n\n{deck.as_toml()}"


class Signals:
    """Hears SIGINT, SIGTERM and SIGUSR1 inside a with-block: from the beginning, so that none ends a run that sets itself up.

    Attributes
    ----------
    asked : float
        Number of the last signal; 0 while there was none.
    """

    def __init__(self):
        self.asked, self._handlers = 0.0, {}

    def __enter__(self):
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1):
            self._handlers[number] = signal.signal(number, self._ask)
        return self

    def __exit__(self, kind, error, trace):
        for number, handler in self._handlers.items():
            signal.signal(number, handler)

    def _ask(self, number, frame):
        self.asked = float(number)


class Run:
    """One run in its directory: a simulation, its files, its clocks.

    Parameters
    ----------
    deck : Deck
    directory : Path
    petsc_options : sequence of str
        On top of the deck's.
    walltime : float or None
        [s]
    comm : Comm
    signals : Signals
    """

    def __init__(self, deck, directory, petsc_options, walltime, comm, signals):
        from hpccr.output import rundir
        from hpccr.output.checkpoint import Store
        from hpccr.output.progress import Log, Progress
        from hpccr.steppers.implicit import initialise
        from hpccr.steppers.simulation import Simulation

        self.began = time.monotonic()
        self.deck, self.directory, self.comm, self.walltime = deck, directory, comm, walltime
        initialise([*deck.solver.petsc.split(), *petsc_options])
        self.problem = registry.load(deck.problem)(deck)
        self.store = Store(directory / rundir.CHECKPOINTS, comm)
        self.progress = Progress(deck.time.end / kyr, comm, "kyr", log=Log(directory / rundir.LOG, comm))
        self.simulation = Simulation(self.problem, comm)
        self.times = deck.output.snapshots.until(deck.time.end)
        self.history, self.next, self.checkpointed, self.signals = None, 0, time.monotonic(), signals
        self.slowest = self.saving = 0.0         # wall-clock time of the longest step and of the last checkpoint [s]

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        if isinstance(error, RunError):
            self.progress.say(f"stopped: {error}")
        if self.history is not None:
            self.history.close()
        self.progress.close()
        # After an error of one rank alone, nothing collective: the others are not here.
        if error is None or isinstance(error, InputError | RunError):
            self.simulation.destroy()

    # -- begin ------------------------------------------------------------------------------------------

    def _open_history(self):
        from hpccr.output import rundir
        from hpccr.output.history import History

        columns = [(name, unit) for name, unit, _ in self.simulation.history()]
        self.history = History(self.directory / rundir.HISTORY, columns, self.comm)

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
        from hpccr.output import fields

        simulation, meta = self.simulation, saved.meta
        fields.resume(simulation, saved, meta["simulation"])
        self.next = meta["next"]
        self._open_history()
        self.history.resume(meta["history"])
        self.progress.resume(simulation.stepper.t / kyr)
        self.progress.say(f"restart at t = {simulation.stepper.t / kyr:.6g} kyr, step {simulation.stepper.number}, "
                          f"on {self.comm.size} ranks")

    # -- the loop ---------------------------------------------------------------------------------------

    def loop(self):
        """Step to the end, or until asked to stop; returns the exit status."""
        stepper, end, every = self.simulation.stepper, self.deck.time.end, self.deck.output
        while stepper.t < end:
            most = min(self.deck.time.max_steps, stepper.max_steps)
            if stepper.number >= most:
                self._checkpoint()
                raise RunError(f"the limit of {most} steps is reached at t = {stepper.t / kyr:.6g} kyr")
            stop = self.times[self.next] if self.next < len(self.times) else end
            began = time.monotonic()
            asked, due = self.simulation.step(min(stop, end), self._vote)
            self.slowest = max(self.slowest, time.monotonic() - began)
            last = stepper.t >= end
            if stepper.number % every.history_every == 0 or last:
                self._record()
            self._snapshots()
            self.progress.update(stepper.t / kyr, stepper.number, stepper.iterations)
            by_steps = every.checkpoint_steps and stepper.number % every.checkpoint_steps == 0
            if due or by_steps or asked or last:
                self._checkpoint()
            if asked and not last:
                return self._stop(asked)
        self._finish()
        return 0

    def _vote(self):
        """What this rank wants: to stop (a signal's number, or 1 for the wall clock), and a checkpoint."""
        now = time.monotonic()
        # Time for another step like the longest, and for the checkpoint, must be left; twice, for safety.
        out_of_time = self.walltime is not None and now - self.began + 2 * (self.slowest + self.saving) > self.walltime
        return [self.signals.asked or float(out_of_time), float(now - self.checkpointed > self.deck.output.checkpoint_every)]

    def _stop(self, asked):
        why = "the wall-clock limit" if asked == 1 else signal.Signals(int(asked)).name
        self.progress.say(f"stopped by {why} at t = {self.simulation.stepper.t / kyr:.6g} kyr; "
                          f"go on with: hpccr restart {self.directory}")
        return STOPPED

    # -- output -----------------------------------------------------------------------------------------

    def _record(self):
        self.history.append([value for _, _, value in self.simulation.history()])

    def _snapshots(self):
        """Write the snapshot of this instant, if one is due."""
        from hpccr.output import fields, rundir, snapshot

        while self.next < len(self.times) and self.simulation.stepper.t >= self.times[self.next]:
            attributes = {"title": self.problem.summary, "problem": self.deck.problem,
                          "hpccr_version": hpccr.__version__, "deck": self.deck.as_toml()}
            snapshot.write(rundir.snapshot_path(self.directory, self.next),
                           fields.snapshot(self.simulation), attributes, self.comm)
            self.next += 1

    def _checkpoint(self):
        from hpccr.output import fields

        began = time.monotonic()
        state, plain = fields.checkpoint(self.simulation)
        self.history.sync()
        self.store.save(self.simulation.stepper.number, state, {
            "deck": {"digest": self.deck.digest(), "content": self.deck.to_dict()}, "simulation": plain,
            "next": self.next, "history": self.history.position, "version": hpccr.__version__})
        self.checkpointed = time.monotonic()
        self.saving = self.checkpointed - began

    def _finish(self):
        from hpccr.output import hdf5, rundir

        summary = self.simulation.summary()
        stepper = self.simulation.stepper
        summary["steps"] = {"value": stepper.number, "unit": "1"}
        summary["linear_iterations"] = {"value": stepper.iterations, "unit": "1"}
        with hdf5.stage(self.comm, self.directory / rundir.SUMMARY):
            if self.comm.rank == 0:
                rundir.write_json(self.directory / rundir.SUMMARY, summary)
        self.progress.say(f"done: {stepper.number} steps, {stepper.rejections} rejected, {stepper.iterations} linear "
                          f"iterations, {time.monotonic() - self.began:.1f} s")
