"""What all jobs share: the clock, the signals, the files of the run directory, the way a job ends."""

import signal
import time
from dataclasses import dataclass, field

from hpccr.driver import inputs
from hpccr.errors import InputError, RunError
from hpccr.parallel import Comm
from hpccr.signals import Signals

# A run that was asked to stop and can go on ends with this status; a job script requeues on it.
STOPPED = 75


@dataclass
class Session:
    """Who runs a job, and for how long.

    Attributes
    ----------
    comm : Comm
        The ranks that work on it.
    signals : Signals
    walltime : float or None
        Seconds from `began` on.
    petsc : tuple of str
        PETSc options on top of the deck's.
    label : str
        Put before every line that the job shows, where several jobs run at once.
    began : float
        Reading of time.monotonic.
    """

    comm: Comm
    signals: Signals
    walltime: float = None
    petsc: tuple = ()
    label: str = ""
    began: float = field(default_factory=time.monotonic)


class Job:
    """One run in its directory: its files, its clocks. What is computed stands in the subclasses.

    Parameters
    ----------
    deck : Deck
    directory : Path
    session : Session
    total, unit
        The amount of work in the progress that is shown, and its unit.
    """

    def __init__(self, deck, directory, session, total, unit):
        from hpccr.output import hdf5, rundir
        from hpccr.output.checkpoint import Store
        from hpccr.output.progress import Log, Progress

        self.deck, self.directory, self.session, self.comm = deck, directory, session, session.comm
        self._check_memory()
        with self.comm.together():
            hdf5.patience()         # what is wrong with it is said now, not at the first file
        self.marks = self.comm.on_root(lambda: inputs.marks(deck))
        self.store = Store(directory / rundir.CHECKPOINTS, self.comm)
        self.progress = Progress(total, self.comm, unit, log=Log(directory / rundir.LOG, self.comm), label=session.label)
        self.checkpointed = time.monotonic()
        self.slowest = self.saving = 0.0         # wall-clock time of the longest step and of the last checkpoint [s]

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        if isinstance(error, RunError):
            self.progress.say(f"stopped: {error}")
        self.close()
        self.progress.close()
        # After an error of one rank alone, nothing collective: the others are not here.
        if error is None or isinstance(error, InputError | RunError):
            self.destroy()

    def _check_memory(self):
        """Refuse what would only end when the machine has no memory left; collective."""
        need, there = self.memory(self.problem, self.comm.size), self.comm.memory()
        if need > there:
            raise InputError("this run needs more memory than there is", where=self.deck.path, given=f"about {size_text(need)}",
                             allowed=f"{size_text(there)}, the memory of the machines that the ranks are on")

    @staticmethod
    def warnings(problem):
        """What its user should know before a run: list of str."""
        return list(problem.warnings)

    @staticmethod
    def memory(problem, ranks=1):
        """Roughly the bytes that a run takes on so many ranks, all together."""
        raise NotImplementedError

    def close(self):
        """Close what this rank has open."""

    def destroy(self):
        """Give back what all ranks hold together; collective."""

    def start(self):
        """The initial state, with a checkpoint, so that a restart always finds one; collective."""
        raise NotImplementedError

    def resume(self, saved):
        """Take the state of a Checkpoint; collective."""
        raise NotImplementedError

    def work(self):
        """Work to the end (0), or until asked to stop (STOPPED); collective. The time that is told at the end counts from here."""
        self.began = time.monotonic()
        return self.loop()

    def loop(self):
        """What `work` does, for each kind of job."""
        raise NotImplementedError

    def vote(self):
        """What this rank wants: to stop (a signal's number, or 1 for the wall clock), and a checkpoint."""
        now, session = time.monotonic(), self.session
        # Time for another step like the longest, and for the checkpoint, must be left; twice, for safety.
        out_of_time = session.walltime is not None and now - session.began + 2 * (self.slowest + self.saving) > session.walltime
        return [session.signals.asked or float(out_of_time), float(now - self.checkpointed > self.deck.output.checkpoint_every)]

    def save(self, number, state, meta):
        """Write a checkpoint of `state` (list of Variable) with `meta` and what every checkpoint carries; collective."""
        import hpccr

        began = time.monotonic()
        self.store.save(number, state, {"deck": {"digest": self.deck.digest(), "content": self.deck.to_dict()},
                                        "version": hpccr.__version__, "files": self.marks, **meta})
        self.checkpointed = time.monotonic()
        self.saving = self.checkpointed - began

    def stopped(self, asked, where):
        """Say why and where the job stops: STOPPED."""
        why = "the wall-clock limit" if asked == 1 else signal.Signals(int(asked)).name
        self.progress.say(f"stopped by {why} {where}; go on with: hpccr restart {self.directory}")
        return STOPPED

    def snapshot(self, number, variables, attributes=(), comm=None):
        """Write a snapshot with the attributes that all have; collective on `comm`, by default the job's."""
        import hpccr
        from hpccr.output import rundir, snapshot
        from hpccr.problems import registry

        common = {"title": registry.load(self.deck.problem).summary, "problem": self.deck.problem,
                  "hpccr_version": hpccr.__version__, "deck": self.deck.as_toml(), **dict(attributes)}
        snapshot.write(rundir.snapshot_path(self.directory, number), variables, common, comm or self.comm)

    def summarise(self, summary, comm=None):
        """Write summary.json, which marks the run as finished; collective on `comm`, by default the job's."""
        from hpccr.output import hdf5, rundir

        comm = comm or self.comm
        with hdf5.stage(comm, self.directory / rundir.SUMMARY):
            if comm.rank == 0:
                rundir.write_json(self.directory / rundir.SUMMARY, summary)


def size_text(size):
    """A number of bytes as text, in MiB or GiB."""
    return f"{size / 2**20:.0f} MiB" if size < 2**33 else f"{size / 2**30:.0f} GiB"
