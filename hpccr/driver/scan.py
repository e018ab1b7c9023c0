"""A scan: many runs of one deck that differ in a few keys, on groups of ranks.

No rank is in charge. A group takes the most expensive point that nobody has, works on it as on any run, and takes the
next. What is finished is known by its summary.json, what is begun by its deck, so a scan that was stopped or killed goes
on by the same rules; the claims of its past sessions are forgotten. scan_files tells what is where.
"""

import contextlib
import hashlib
import os
import shutil
import signal
import sys
import time
from pathlib import Path

from hpccr import driver, parallel
from hpccr.deck import scan as scans
from hpccr.deck.reader import Deck
from hpccr.driver.job import STOPPED, Session
from hpccr.driver.scan_files import CLAIMS, ScanFiles, stored
from hpccr.errors import InputError, RunError, no_memory
from hpccr.output import hdf5, rundir
from hpccr.problems import registry
from hpccr.signals import Signals

# How often a rank looks whether another one has heard a signal [s].
_LOOK = 1.0
# How long the ranks of a group wait for each other after an error, before they give up [s].
_PATIENCE = 20.0
# So many groups show what their jobs say; of more, nobody could read it, and it stands in the points' logs.
_LOUD = 8
# So many warnings of points are told in full.
_WARNINGS = 10


def run(deck, out, walltime=None, groups=None):
    """Work through a scan, from its beginning or from where it was left; collective.

    Parameters
    ----------
    deck : Deck
        Alike on all ranks, with a scan.
    out : path-like
        A new or an empty directory, or that of the same scan.
    walltime : float or None
        Seconds of wall-clock time after which all groups write a checkpoint and stop.
    groups : int or None
        Into how many groups the ranks are split; by default as the deck says.

    Returns
    -------
    int
        0, or STOPPED.

    Raises
    ------
    InputError
        No [scan], a point that cannot be run, or a directory that holds something else.
    RunError
        Some points have failed; the others are finished.
    """
    with Signals() as signals:
        scan = Scan(deck, Path(out), Session(parallel.world(), signals, walltime), groups)
        try:
            return scan.work()
        finally:
            scan.files.close()


def restart(directory, walltime=None, groups=None):
    """Go on with a scan from what is in its directory; collective. Parameters, returns and errors as `run`."""
    content = parallel.world().on_root(lambda: stored(Path(directory)).to_dict())
    return run(Deck.from_dict(content, registry), directory, walltime, groups)


def report(deck):
    """A line on the scan of a deck, after every point is validated, and one for each warning (str).

    Raises
    ------
    InputError
        A point cannot be run.
    """
    count = scans.count(deck.scan)
    weights = [_weigh(deck, number) for number in range(count)]
    lines = [f"[scan] has {count} points over {', '.join(scans.keys(deck.scan))}: all valid, about "
             f"{sum(seconds for _, seconds, _ in weights):.2g} core seconds in all; what stands above is the base point"]
    warnings = [f"warning at point {number + 1} ({scans.told(scans.values(deck.scan, number))}): {text}"
                for number, (_, _, texts) in enumerate(weights) for text in texts]
    more = [f"… and {len(warnings) - _WARNINGS} more warnings"] if len(warnings) > _WARNINGS else []
    return "\n".join(lines + warnings[:_WARNINGS] + more)


def _weigh(deck, number, sizes=()):
    """Digest of a point's deck, roughly its core seconds, and its warnings.

    Raises
    ------
    InputError
        The point cannot be run, on groups of one of the `sizes` at least.
    """
    point = deck.point(number, registry)
    try:
        problem = registry.load(point.problem)(point)
        job = driver.JOBS[problem.engine]
        for size in sizes:
            job.fit(problem, size)
        return point.digest(), job.seconds(problem), job.warnings(problem)
    except InputError as error:
        raise deck.at_point(number, error) from None


class Stop:
    """The signals that a job hears: this rank's, and through a file those of all ranks.

    Parameters
    ----------
    signals : Signals
    path : Path
        Of the file.
    looks : bool
        Whether this rank looks at the file; one rank of a group is enough.
    """

    def __init__(self, signals, path, looks):
        self._signals, self._path, self._looks, self._looked, self._heard = signals, path, looks, 0.0, 0.0

    @property
    def asked(self):
        """Number of the signal; 0 while there was none."""
        if not self._heard and self._signals.asked:
            self._heard = self._signals.asked
            # If the disk is full the others are not told, but those who heard still stop.
            with contextlib.suppress(OSError), open(self._path, "x", encoding="ascii") as file:
                file.write(str(int(self._heard)))
        elif not self._heard and self._looks and time.monotonic() - self._looked > _LOOK:
            self._looked = time.monotonic()
            with contextlib.suppress(OSError, ValueError):       # not there, or not yet written
                self._heard = float(self._path.read_text(encoding="ascii"))
        return self._heard


class Scan:
    """The points of a deck's scan, and this rank's group; parameters as `run`, collective.

    Attributes
    ----------
    count : int
        Of the points.
    todo : list of int
        Those that were not finished at the beginning, the most expensive first.
    group : Comm
        The ranks that work together on a point.
    """

    def __init__(self, deck, directory, session, groups=None):
        from hpccr.output.progress import Log

        self.deck, self.directory, self.session, self.world = deck, directory, session, session.comm
        self.files = ScanFiles(deck, directory)
        finished = set(self.world.on_root(lambda: self._look(groups)))
        self.count = self.files.count
        left = [number for number in range(self.count) if number not in finished]
        asked = groups or deck.scan["groups"] or self.world.size
        self.groups = min(asked, self.world.size, max(1, len(left)))
        digest = self._validate(left)
        self.todo = sorted(left, key=lambda number: (-self.cost[number], number))
        self._warm()
        self.claims = directory / CLAIMS / self.world.on_root(lambda: self.files.open(digest))
        # Contiguous groups, whose sizes differ by one at most.
        self.index = self.world.rank * self.groups // self.world.size
        self.group = self.world.split(self.index, self.world.rank)
        self._watch = self.group.split(0, self.group.rank)
        self.stop = Stop(session.signals, self.claims / "stop", self.group.rank == 0)
        self._log, self._queue, self._began = Log(directory / rundir.LOG, self.group), iter(self.todo), time.monotonic()
        # The command line keeps all ranks but the first silent; here a group's first rank may speak.
        self._out = sys.stdout if self.world.rank == 0 else sys.__stdout__ if self.group.rank == 0 else None
        self.done, self.failed = [], {}          # points of this group, and why they failed

    # -- before anything starts -------------------------------------------------------------------------

    def _look(self, groups):
        """The finished points, if the scan can be made there and on so many groups; on rank 0."""
        if groups is not None and not 1 <= groups <= self.world.size:
            raise InputError("so many groups cannot be made", where="--groups", given=str(groups),
                             allowed=f"1 to {self.world.size}, the number of ranks")
        hdf5.patience()
        return self.files.look()

    def _validate(self, left):
        """Read every point's deck and weigh it, the ranks in turn: the digest of the scan.

        Points that are finished need not fit on the groups any more.
        """
        world, left = self.world, set(left)
        sizes = sorted({len(range(g, world.size, self.groups)) for g in range(self.groups)})
        mine = []
        with world.together():
            for number in range(world.rank, self.count, world.size):
                mine.append((number, *_weigh(self.deck, number, sizes if number in left else ())[:2]))
        parts = world.gather(mine)
        rows = world.bcast(sorted(row for part in parts for row in part) if parts else None)
        self.cost = [cost for _, _, cost in rows]
        return hashlib.sha256("".join(mark for _, mark, _ in rows).encode()).hexdigest()

    def _warm(self):
        """What all ranks must do together, or better do once: start PETSc, compile kernels."""
        if "solver" in self.deck:
            from hpccr.steppers.implicit import initialise

            initialise(self.deck.solver.petsc.split())
        if self.todo:
            with self.world.together():
                point = self.deck.point(self.todo[0], registry)
                problem = registry.load(point.problem)(point)
            self.world.root_first(problem.compile)

    # -- points -----------------------------------------------------------------------------------------

    def work(self):
        """Work until no point is left, or until asked to stop; returns the exit status.

        Raises
        ------
        RunError
            Some points have failed, or the directory cannot be used any more.
        """
        if not self.todo:
            self._say(f"all {self.count} points are finished")
            return 0
        self._say(f"scan of {self.count} points, {len(self.todo)} to do, in {self.groups} "
                  f"group{'s' if self.groups > 1 else ''} of ranks", self.world.rank == 0)
        trouble = None
        while not self._asked():
            try:
                number = self.group.on_root(self._claim)
            except RunError as error:
                trouble = str(error)
                break
            if number is None or self._point(number) == STOPPED:
                break
        return self._end(trouble)

    def _asked(self):
        """Whether a signal or the clock asks this group to stop."""
        limit = self.session.walltime
        out_of_time = limit is not None and time.monotonic() - self.session.began > limit
        return self.group.max([self.stop.asked or float(out_of_time)])[0] > 0

    def _claim(self):
        """The next point that no group has, or None: on the group's first rank."""
        for number in self._queue:
            try:
                os.mkdir(self._mark(number))
                return number
            except FileExistsError:
                continue
            except OSError as error:
                raise RunError(f"{self._mark(number)}: cannot be made: {error.strerror}") from None
        return None

    def _mark(self, number, ending=""):
        return self.claims / f"{self.files.name(number)}{ending}"

    def _point(self, number):
        """Begin a point or go on with it: the exit status of its run; 0 also if it fails."""
        directory, began = self.directory / self.files.place(number), time.monotonic()
        loud = self._out if self.index < _LOUD and self._out else sys.stdout
        label, whole = f"point {number + 1}/{self.count}", self.session
        session = Session(self.group, self.stop, whole.walltime, (), label, whole.began)
        try:
            begun = self.group.on_root(lambda: self._prepare(directory))
            self._log(f"{label} {'gone on with' if begun else 'begun'} in {self.files.place(number)} by group "
                      f"{self.index + 1} of {self.groups} on {self.group.size} ranks: {self.files.told(number)}")
            with contextlib.redirect_stdout(loud):
                if begun:
                    status = driver.resume(directory, session)
                else:
                    content = self.group.on_root(lambda: self.deck.point(number, registry).to_dict())
                    status = driver.begin(Deck.from_dict(content, registry), directory, session)
        except (InputError, RunError, MemoryError) as error:
            self._all_failed(error)
            error = no_memory(error) if isinstance(error, MemoryError) else error
            self.failed[number] = str(error)
            why = "; ".join(line.strip() for line in str(error).splitlines())
            self._settle(number, ".failed", f"{label} failed in {self.files.place(number)}: {self.files.told(number)}: {why}")
            return 0
        if status == 0:
            self.done.append(number)
            self._settle(number, ".done", f"{label} finished in {self.files.place(number)} after "
                                          f"{_clock(time.monotonic() - began)}: {self.files.told(number)}")
        return status

    @staticmethod
    def _prepare(directory):
        """Whether the run in this directory is begun; one that broke off before its deck was there is removed."""
        try:
            if (directory / rundir.DECK).is_file():
                return True
            if directory.exists():
                shutil.rmtree(directory)
        except OSError as error:
            raise RunError(f"{directory}: cannot be removed: {error.strerror}") from None
        return False

    def _all_failed(self, error):
        """Raise an error again that not all ranks of the group have: the others wait in the middle of the run."""
        if not self._watch.arrived(_PATIENCE):
            raise error

    def _settle(self, number, ending, message):
        """Note that a point is through, and tell how far the scan is; on the group's first rank."""
        if self.group.rank:
            return
        names = []
        with contextlib.suppress(OSError):          # it is only for the reader
            self._mark(number, ending).mkdir()
            names = [name for name in os.listdir(self.claims) if "." in name]
        through = {int(name.partition(".")[0]) for name in names} | {number}
        failed = sum(name.endswith(".failed") for name in names)
        left = [n for n in self.todo if n not in through]
        done, rest = sum(self.cost[n] for n in through), sum(self.cost[n] for n in left)
        seconds = (time.monotonic() - self._began) * rest / done if done > 0 else float("nan")
        self._say(f"{message}; {self.count - len(left) - failed} of {self.count} points done, "
                  f"{f'{failed} failed, ' if failed else ''}{len(left)} left, about {_clock(seconds)}")

    def _say(self, message, speaks=True):
        """Show a line and log it."""
        if speaks and self._out is not None:
            print(message, file=self._out, flush=True)
            self._log(message)

    # -- the end ----------------------------------------------------------------------------------------

    def _outcome(self, reports):
        """What the groups have reported: (reasons of the points that failed, points left, troubles, the signal heard or 0)."""
        failed = {number: reason for _, part, _, _ in reports for number, reason in part.items()}
        left = set(self.todo) - set(failed) - {number for done, _, _, _ in reports for number in done}
        return failed, left, sorted({why for _, _, why, _ in reports if why}), max(asked for _, _, _, asked in reports)

    def _end(self, trouble):
        """Wait for all groups, and tell how the scan ended: its exit status."""
        # A signal that only a waiting rank hears must reach those who work.
        self.world.arrived(float("inf"), lambda: self.stop.asked)
        reports = self.world.gather((self.done, self.failed, trouble, int(self.stop.asked)))
        failed, left, troubles, number = self.world.on_root(lambda: self._outcome(reports))
        lines = [f"  {self.files.place(number)} ({self.files.told(number)}): " + reason.replace("\n", "\n    ")
                 for number, reason in sorted(failed.items())]
        first = self.world.rank == 0
        if left and not troubles:
            by = signal.Signals(number).name if number else "the wall-clock limit"
            self._say(f"stopped by {by} with {len(left)} of {self.count} points left; go on with: hpccr restart {self.directory}"
                      + "".join(["\nfailed so far:", *(f"\n{line}" for line in lines)] if lines else []), first)
            return STOPPED
        lines += [f"  {why}" for why in troubles]
        if lines:
            rest = f", {len(left)} are left" if left else "; all others are finished"
            message = "\n".join([f"{len(failed)} of {self.count} points failed{rest}", *lines])
            if first:
                self._log(message)
            raise RunError(message)
        self._say(f"done: {self.count} points, {_clock(time.monotonic() - self._began)}", first)
        return 0


def _clock(seconds):
    from hpccr.output.progress import clock

    return clock(seconds)
