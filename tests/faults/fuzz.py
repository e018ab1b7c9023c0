"""Thousands of nearly right decks through `hpccr check`, hundreds through `hpccr run` on ranks: each is valid, or refused with one message.

    . run/environment; python tests/faults/fuzz.py --check 10000 --run 500 --ranks 2 [--seed N] [--keep DIR]

writes the table FUZZ.md beside this file. tests/faults/test_fuzzed_decks.py tries fewer of the same.
"""

import argparse
import contextlib
import dataclasses
import io
import json
import os
import random
import re
import resource
import shutil
import signal
import sys
import tempfile
import time
import traceback
import warnings
from dataclasses import dataclass
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from deck_mutations import FILES, MUTATIONS, RUNNABLE, cases, make_files
from fuzz_table import STATUS, table
from launch import kill, mpirun, start

from hpccr import cli
from hpccr.problems import registry

PATIENCE = 60           # s; longer is a hang
MEMORY = 8 << 30        # bytes of address space that a check may take
WALLTIME = "4 s"
# So many decks go through the command itself; the others share ranks that call it again and again.
ONE_IN = 10
# Whole numbers in decks that run, as those of cells.
CAP = 2000
# As many are drawn at least, of which some are taken.
_FEW = 20
# Without a place in a deck: the file as a whole cannot be read.
_WHOLE_FILE = ("a binary file", "empty deck", "not valid TOML", "too large for a deck")
# What the launcher says about a status that is not 0.
_LAUNCHER = re.compile(r"-{20,}\n(?:.*\n)*?-{20,}\n")


@dataclass
class Outcome:
    """How a command ended.

    Attributes
    ----------
    status : int
    out, err : str
    seconds : float
    faults : list of str
        What a user should not have seen.
    """

    status: int
    out: str
    err: str
    seconds: float
    faults: list

    @property
    def sort(self):
        """What the message says, without its numbers and names."""
        what = re.sub(r".*?: ", "", _head(self.err), count=1) if ": " in _head(self.err) else _head(self.err)
        what = re.sub(r"""(['"]).*?\1""", "…", what.partition(":")[0])
        what = re.sub(r"\b[A-Za-z]+_[A-Za-z_]+\b|\b\S*\d\S*", "…", what)
        return what[:80].strip() or "no words"


def _head(err):
    return re.sub(r"^hpccr: (?:/\S+|--set|\[solver\] petsc)[^\n:]*", "", err.partition("\n")[0])


class _Hang(BaseException):
    """The time is over."""


@contextlib.contextmanager
def _time_limit():
    def end(number, frame):
        raise _Hang

    # Of the processor: how long it takes beside other programs says nothing.
    before = signal.signal(signal.SIGPROF, end)
    signal.setitimer(signal.ITIMER_PROF, PATIENCE)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


# On ranks: the command, for every list of words in a file from a given one on, and how it ended, a line each, into another file. All but
# the way out: there a rank with an error ends its process.
SERVE = """
import contextlib, io, json, sys, time
from hpccr import cli, parallel
given, results, first = sys.argv[1:]
comm = parallel.world()
for words in json.load(open(given))[int(first):]:
    out, err, began = io.StringIO(), io.StringIO(), time.monotonic()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        status, message = cli._outcome(words)
        if message and comm.rank == 0:
            print("hpccr:", message, file=sys.stderr)
    said = comm.raw.gather([status, err.getvalue()])
    if comm.rank == 0:
        assert {one for one, _ in said} == {status}, said
        with open(results, "a") as file:
            file.write(json.dumps([status, out.getvalue(), "".join(err for _, err in said), time.monotonic() - began]) + "\\n")
"""


def _words(case, folder, name="deck.toml"):
    """Write the deck: what stands on the command line, list of str."""
    (folder / name).write_bytes(case.content)
    return [str(folder / name), *(word for setting in case.settings for word in ("--set", setting))]


def check(case, folder):
    """`hpccr check` of a case in this process, as the command line calls it: Outcome."""
    words = _words(case, folder)
    out, err, began, status = io.StringIO(), io.StringIO(), time.process_time(), None
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err), warnings.catch_warnings(record=True) as warned, _time_limit():
        warnings.simplefilter("always")
        try:
            cli.main(["check", *words])
        except SystemExit as exit_:
            status = exit_.code
        except _Hang:
            err.write("hang")
        except BaseException:       # noqa: BLE001 - what the interpreter would show
            err.write(traceback.format_exc())
    said = "".join(f"{one.category.__name__}: {one.message} ({one.filename}:{one.lineno})\n" for one in warned)
    return _judged(status, out.getvalue(), err.getvalue() + said, time.process_time() - began)


def run(case, folder, ranks):
    """`mpirun -n ranks hpccr run` of a case: Outcome."""
    began, place = time.monotonic(), folder / "out"
    words = ["-m", "hpccr", "run", *_words(case, folder), "--out", str(place), "--walltime", WALLTIME]
    try:
        done = mpirun(ranks, words, _patience(), cwd=folder)
        status, out, err = done.returncode, done.stdout, _LAUNCHER.sub("", done.stderr)
    except AssertionError as error:
        status, out, err = None, "", f"hang\n{error}"
    return _left(_judged(status, out, err, time.monotonic() - began), place)


def _patience():
    """Seconds after which a run hangs: longer where other programs want the cores."""
    return PATIENCE * max(1.0, os.getloadavg()[0] / os.cpu_count())


def _left(found, place):
    """The Outcome of a run with what is wrong with its directory, which is removed."""
    if found.status == 2 and place.exists():
        found.faults.append("refused, and a run directory is there")
    if found.status == 0:
        found.faults += [f"nan in {name}" for name in _nan(place)]
    shutil.rmtree(place, ignore_errors=True)
    return found


def runs(given, folder, ranks):
    """The Outcome of each case on ranks, one after the other.

    What fails on ranks that have seen other decks is tried once more by itself.
    """
    shared = {number: case for number, case in enumerate(given) if number % ONE_IN and b"petsc" not in case.content and "petsc" not in str(case.settings)}
    lists = [["run", *_words(case, folder, f"{number}_deck.toml"), "--out", str(folder / f"out{number}"), "--walltime", WALLTIME]
             for number, case in shared.items()]
    (folder / "lists.json").write_text(json.dumps(lists))
    served = _served(folder, ranks, len(lists))
    for number, case in enumerate(given):
        outcome = run(case, folder, ranks) if number not in shared else _left(next(served), folder / f"out{number}")
        if outcome.faults and number in shared:
            again = run(case, folder, ranks)
            outcome = dataclasses.replace(again, faults=again.faults or [f"{fault}, not by itself" for fault in outcome.faults])
        yield outcome
    for _ in served:        # its end, and the ranks'
        pass


def _served(folder, ranks, count):
    """The Outcomes of the lists of words in `folder`, from ranks that go through them, and are started anew when they end."""
    results, done = folder / "results.jsonl", 0
    results.touch()
    while done < count:
        process = start(ranks, ["-c", SERVE, str(folder / "lists.json"), str(results), str(done)], cwd=folder)
        before = done
        while done < count:
            try:
                lines, alive, limit = [], process.poll() is None, time.monotonic() + _patience() + 60 * (done == before)
                while time.monotonic() < limit and not lines:
                    alive = process.poll() is None
                    lines = [line for line in results.read_text().split("\n")[:-1]][done:]
                    if not alive:
                        break
                    time.sleep(0.02)
            except BaseException:
                kill(process)
                raise
            for line in lines:
                done += 1
                yield _judged(*json.loads(line))
            if not lines:
                break
        said = kill(process)
        if done < count:
            # A line for the one that ended the ranks, or did not end.
            with open(results, "a") as file:
                file.write(json.dumps([None, *said, PATIENCE] if not alive else [None, "", "hang", PATIENCE]) + "\n")
            done += 1
            yield _judged(None, "", "hang" if alive else "".join(said), PATIENCE)


def _judged(status, out, err, seconds):
    """The Outcome, with what is wrong with it."""
    faults = []
    if status not in STATUS:
        faults.append("hang" if err.startswith("hang") else "traceback" if "Traceback" in err else f"status {status}")
    if "Traceback" in err and "traceback" not in faults:
        faults.append("traceback")
    if re.search(r"\w*Warning\b", err):
        faults.append("Python warning")
    if status in (0, 75) and err.strip() and not faults:
        faults.append("valid, and something on stderr")
    if status == 0 and re.search(r"\b(nan|inf)\b", out):
        faults.append("nan or inf in the report")
    if status in (1, 2) and not faults:
        faults += _message_faults(status, err.rstrip("\n"))
    return Outcome(status, out, err, seconds, faults)


def _message_faults(status, err):
    """What a message lacks: list of str."""
    found, lines = [], err.split("\n")
    if err.count("hpccr: ") != 1 or not err.startswith("hpccr: "):
        found.append("not one message")
    if re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e]", err):
        found.append("control characters in the message")
    if max(map(len, lines)) > 6000 or len(lines) > 12:
        found.append("an endless message")
    if status == 2:
        whole = any(words in lines[0] for words in _WHOLE_FILE)
        if not all(re.match("  (given    |allowed  |did you mean |at point )", line) for line in lines[1:]):
            found.append("a message of another form")
        if not re.match(r"hpccr: (\S*deck\.toml, |--set|\[solver\] petsc|\S+/(" + "|".join(filter(str.isascii, map(re.escape, FILES))) + "))", lines[0]) and not whole and "problem" not in lines[0]:
            found.append("no place in the message")
        if not whole and "\n  allowed  " not in err:
            found.append("nothing is said to be allowed")
    return found


def _nan(place):
    """Variables of the last snapshot of a run on a grid that are not finite: list of str."""
    import h5py
    import numpy as np

    snapshots = sorted((place / "snapshots").glob("*.h5"))
    if not snapshots:       # none were wanted
        return []
    with h5py.File(snapshots[-1]) as file:
        if registry.load(np.asarray(file.attrs["problem"]).astype(str).item()).engine == "ensemble":      # an error of one realisation is not known
            return []
        return [name for name, data in file.items() if isinstance(data, h5py.Dataset) and data.dtype.kind == "f" and not np.isfinite(data[...]).all()]


# -- many of them --------------------------------------------------------------------------------------------


def drawn(count, seed, kinds=tuple(MUTATIONS), cap=10**7):
    """At least `count` different cases that hypothesis draws, of each problem and kind of change as many as there are: list of Case."""
    groups = [(problem, kind) for problem in registry.names() for kind in kinds]
    each, choice, found = -(-count // len(groups)), random.Random(seed), []
    for problem, kind in groups:
        # The first ones that hypothesis draws are its simplest.
        some = _drawn(max(each, _FEW), seed, [problem], [kind], cap)
        found += choice.sample(some, min(each, len(some)))
    # Of some kinds there are few.
    return found + _drawn(count - len(found), seed + 1, None, ["valid values"], cap)


def accepted(count, seed, folder):
    """Cases that `hpccr check` accepts, of those kinds of change that often leave a deck that runs: list of Case."""
    found = [dataclasses.replace(case, accepted=True) for case in drawn(4 * count, seed, RUNNABLE, CAP) if check(case, folder).status == 0]
    return random.Random(seed).sample(found, min(count, len(found)))


def _drawn(count, seed, *which):
    from hypothesis import HealthCheck, Phase, given, settings
    from hypothesis import seed as seeded

    found = {}      # in the order in which they were drawn

    def collect(case):
        found.setdefault(case)

    # Once through, hypothesis may have drawn some of them twice.
    before = -1
    while before < len(found) < count:
        before = len(found)
        tries = settings(max_examples=count, database=None, deadline=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
        seeded(seed)(tries(given(cases(*which))(collect)))()
        seed += 1_000_003
    return list(found)[:count]


def campaign(name, given, outcomes, keep):
    """Go through the cases and their Outcomes, and keep those that fail: list of (Case, Outcome)."""
    from tqdm import tqdm

    results, bad = [], 0
    with tqdm(zip(given, outcomes), total=len(given), desc=name, unit=" decks", smoothing=0) as bar:
        for number, (case, outcome) in enumerate(bar):
            results.append((case, outcome))
            if outcome.faults or outcome.status == 1:
                bad += bool(outcome.faults)
                place = keep / f"{name}_{number:05d}"
                place.mkdir(parents=True, exist_ok=True)
                (place / "deck.toml").write_bytes(case.content)
                (place / "about.txt").write_text(f"{case.kind} of {case.problem}\n--set {case.settings!r}\nstatus {outcome.status}, "
                                                 f"{outcome.seconds:.1f} s\n{outcome.faults}\n{outcome.err}\n{outcome.out}\n")
                bar.set_postfix(failed=bad)
    return results


def main():
    """The long form."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", type=int, default=10_000, help="decks for hpccr check")
    parser.add_argument("--run", type=int, default=500, help="decks for hpccr run")
    parser.add_argument("--ranks", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", type=Path, help="directory for the decks that failed; by default a new one")
    parser.add_argument("--table", type=Path, default=Path(__file__).with_name("FUZZ.md"))
    given = parser.parse_args()
    keep = given.keep or Path(tempfile.mkdtemp(prefix="hpccr-fuzz-"))
    print("drawing decks …", flush=True)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make_files(folder)
        soft, hard = resource.getrlimit(resource.RLIMIT_AS)
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, hard))
        tried = drawn(given.check, given.seed) if given.check else []
        checked = campaign("check", tried, (check(case, folder) for case in tried), keep)
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))

        tried = [*accepted(given.run * 4 // 5, given.seed, folder), *drawn(given.run // 5, given.seed + 1, cap=CAP)] if given.run else []
        ran = campaign("run", tried, runs(tried, folder, given.ranks), keep)
    words = f"--check {given.check} --run {given.run} --ranks {given.ranks} --seed {given.seed}"
    given.table.write_text(table(checked, ran, words), encoding="utf-8")
    failed = sum(bool(outcome.faults) for _, outcome in [*checked, *ran])
    print(f"{failed} failed; {given.table}" + (f"; decks that failed or could not go on are in {keep}" if any(keep.glob("*")) else ""))
    sys.exit(failed > 0)


if __name__ == "__main__":
    main()
