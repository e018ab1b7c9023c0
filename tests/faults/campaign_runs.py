"""The runs that the fault campaign attacks: every problem in small, each with the files it leaves when nobody disturbs it."""

import json
import shutil
import subprocess
import time
from collections import Counter
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from jobs import PATIENT, deck, distance, ended, ensembles, hpccr, kinds, long, same_bits, small
from launch import alive, descendants, finish, kill, start

from hpccr.output import checkpoint
from hpccr.problems import registry

# So long may it take after a fault until every process has ended [s].
LIMIT = 60.0
# What grids on other ranks may differ by (see jobs.distance); iterative solvers stop there.
TOLERANCE = 1e-7
# Of a deck's simulated time: some 60 to 100 steps. Streaming along the line makes many steps by itself.
PART = {"kinetic": 0.003}
STEPS = 60


@dataclass
class Case:
    """A run of one deck, or a scan.

    Attributes
    ----------
    name : str
    path : str
        Of the deck.
    place : Path
        Where its undisturbed runs are.
    exact : bool
        Whether the files are the same bits on any number of ranks.
    scan : bool
    """

    name: str
    path: str
    place: Path
    exact: bool
    scan: bool = False

    def words(self, out):
        """The command that goes on with what is in `out`, or begins it."""
        if (out / ("scan.json" if self.scan else "deck.toml")).is_file():
            return ["restart", out]
        return ["scan" if self.scan else "run", self.path, "--out", out]

    def runs(self, out):
        """The run directories in `out`."""
        return sorted((out / "points").glob("*")) if self.scan else [out]

    def finished(self, out):
        """Whether there is nothing left to do."""
        points = len(json.loads((out / "scan.json").read_text())["points"]) if self.scan and (out / "scan.json").is_file() else 1
        return sum((run / "summary.json").is_file() for run in self.runs(out)) == points

    def checkpoints(self, out):
        """The step of the newest checkpoint of each run by its directory, intact or not: dict."""
        return {run: max(steps) for run in self.runs(out) if (steps := checkpoint.found(run / "checkpoints"))}

    def whole(self, n):
        """The directory of the undisturbed run on `n` ranks, which is made if it is not there."""
        out = self.place / f"on{0 if self.exact else n}"
        if not self.finished(out):
            shutil.rmtree(out, ignore_errors=True)
            hpccr(0 if self.exact else n, *self.words(out), timeout=900)
        return out

    def compare(self, out, used):
        """The files, on which `used` numbers of ranks have worked, are those of an undisturbed run: same bits, or closely."""
        counts = {max(n, 1) for n in used}
        # The groups of a scan have a rank each, but the last points are shared.
        same = self.exact or counts == {1} or len(counts) == 1 and not self.scan
        whole = self.whole(min(used) if same else 0)
        for one, other in zip(self.runs(whole), self.runs(out), strict=True):
            if same:
                same_bits(one, other)
            else:
                assert distance(one, other) <= TOLERANCE, f"{other} differs from {one} by {distance(one, other):.1e}"

    def settle(self, out, n, used):
        """Finish what was begun in `out`, on `n` ranks, and compare."""
        hpccr(n, *self.words(out), timeout=900)
        self.compare(out, {*used, n})


def cases(place):
    """Every problem and every way in which one is stepped, and scans: list of Case; decks and undisturbed runs stand in `place`."""
    place.mkdir(parents=True, exist_ok=True)
    found = []

    def add(name, write, exact, *settings, scan=False):
        folder = place / name.replace(" ", "_")
        folder.mkdir(exist_ok=True)
        found.append(Case(name, write(folder / "deck.toml", *settings), folder, exact, scan))

    for name in kinds():
        for label, settings in _ways(name):
            add(label, _grid(name), False, *settings)
    for name in ensembles():
        add(name, lambda path, *settings, name=name: long(path, name, *settings), True)
    add(f"scan of {kinds()[-1]}", _grid(kinds()[-1]), False, scan=True)
    add(f"scan of {ensembles()[-1]}", lambda path: long(path, ensembles()[-1]), True, scan=True)
    for case in found:
        if case.scan:
            varied = '"turbulence.seed" = [1, 2, 3]' if case.exact else '"time.rtol" = [1e-3, 1e-4, 1e-5]'
            with open(case.path, "a", encoding="utf-8") as file:
                file.write(f"\n[scan]\n{varied}\n")
    return found


def _grid(name):
    """Writes a deck on a grid with a checkpoint at every step."""
    part = PART.get(registry.load(deck(name).problem).engine, 0.1)
    return lambda path, *settings: small(path, name, "output.checkpoint_steps=1", *settings, cells=30, lanes=4, part=part, steps=STEPS)


def _ways(name):
    """(label, settings) for each way of stepping among which a deck may choose."""
    time_ = next(section for section in registry.load(deck(name).problem).sections if section.name == "time")
    if "streaming" not in time_.keys:
        return [(name, ())]
    kind = time_.keys["streaming"]
    return [(f"{name} {word}", (f"time.streaming={word}",)) for word in kind.options if word != kind.default]


# -- what is counted ----------------------------------------------------------------------------------------------


@dataclass
class Row:
    """What was tried on a case, and what came of it: a row of the table.

    Attributes
    ----------
    tried : int
    ranks : list of int
        On which it was tried; 0: without a launcher.
    met : int
        How often a file was being written at that moment.
    lost : int
        Checkpoints that were complete before and are not there or not intact afterwards.
    wait : float
        The longest time until all processes had ended [s].
    tracebacks : int
    how : dict of str: int
        What was done or seen, and how often.
    failures : list of str
    """

    kind: str
    case: str
    date: str = ""
    tried: int = 0
    ranks: list = field(default_factory=list)
    met: int = 0
    lost: int = 0
    wait: float = 0.0
    tracebacks: int = 0
    how: Counter = field(default_factory=Counter)
    failures: list = field(default_factory=list)

    @contextmanager
    def trial(self, n, *how):
        """Count what is tried inside, on `n` ranks; what fails there is noted, and the campaign goes on."""
        self.tried += 1
        self.ranks = sorted({*self.ranks, n})
        self.how.update(how)
        with self.noted(f"{', '.join(how)} on {n} ranks"):
            yield

    @contextmanager
    def noted(self, what):
        """Note an error inside as a failure of the row."""
        try:
            yield
        except Exception as error:      # noqa: BLE001 - one failure must not end the campaign
            self.failures.append(f"{what}: {type(error).__name__}: {str(error)[-3000:]}")

    def hear(self, out, err, allowed=1):
        """Look at what a command said: no traceback, and not more messages than `allowed`."""
        self.tracebacks += err.count("Traceback") + out.count("Traceback")
        assert "Traceback" not in err + out, err[-3000:]
        assert err.count("hpccr: ") <= allowed, err[-3000:]

    def whole(self, process):
        """Wait for a program that nothing befalls any more: (status, stdout, stderr)."""
        return ended(process, 15 * LIMIT)

    def end(self, process, pids=()):
        """Wait until a program that was struck and all its processes `pids` have ended: (status, stdout, stderr)."""
        began = time.monotonic()
        try:
            out, err = finish(process, LIMIT)
        except subprocess.TimeoutExpired:
            out, err = kill(process)
            self.wait = max(self.wait, LIMIT)
            raise AssertionError(f"no end after {LIMIT:.0f} s\n{out[-1500:]}\n{err[-1500:]}") from None
        while any(map(alive, pids)):
            if time.monotonic() - began > LIMIT:
                self.wait = max(self.wait, LIMIT)
                raise AssertionError(f"a rank is left after {LIMIT:.0f} s")
            time.sleep(0.02)
        self.wait = max(self.wait, time.monotonic() - began)
        return process.returncode, out, err


# -- moments ------------------------------------------------------------------------------------------------------

MOMENTS = ("start-up", "steps", "writing")


def begin(case, out, n, *further, env=None, **options):
    """Start or go on with a case on `n` ranks: Popen."""
    return start(n, ["-m", "hpccr", *map(str, case.words(out)), *further], env={**PATIENT, **(env or {})}, **options)


def processes(process):
    """The pids of a started program: launcher and ranks."""
    return [process.pid, *descendants(process.pid)]


def unfinished(out):
    """The files in `out` that are being written, or were when their writer died: list of Path."""
    # A directory may vanish while it is looked at.
    with suppress(OSError):
        return list(out.rglob("*.tmp"))
    return []


def wait_for(moment, case, out, process, dice):
    """Let a program come to a moment, and a random time further; back at once if it ends, and after a minute."""
    until, before = time.monotonic() + LIMIT, case.checkpoints(out)

    def wait(reached, most=LIMIT):
        last = min(until, time.monotonic() + most)
        while not reached() and process.poll() is None and time.monotonic() < last:
            time.sleep(0.0005)

    if moment == "start-up":
        # The time of a start is not known, but its files are: some way before, or some way behind the first of them.
        wait(lambda: (out / "run.log").exists() and case.checkpoints(out) != before, 2.5 * dice.random())
        return
    wait(lambda: case.checkpoints(out) != before)
    wait(lambda: False, 0.6 * dice.random() ** 2)
    if moment == "writing":
        wait(lambda: unfinished(out))
        wait(lambda: False, 0.003 * dice.random())


def over(process, row):
    """Whether a program ended by itself before it could be attacked; then it must have ended well."""
    if process.poll() is None:
        return False
    status, out, err = ended(process)
    row.hear(out, err)
    assert status == 0, f"status {status}: {err[-3000:]}"
    return True
