"""The fault campaign: every problem is attacked in every way that a cluster knows, finished, and compared with a run left in peace.

    python tests/faults/campaign.py [--kills 300] [--trials 3] [--seed 1] [--only KIND] [--case NAME] [--ranks 0 1 2 3 4] [--out DIR]

writes the table of what was tried and what was lost, by default tests/faults/CAMPAIGN.md, and ends with status 1 if anything was.
What is in DIR is used again: kinds that are not tried anew keep their rows. Needs root for the disks, cc for the clocks, and two or three
hours. Pieces that ran side by side make one table with --join DIR DIR ….
"""

import argparse
import json
import os
import platform
import random
import shutil
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from launch import ENVIRONMENT  # noqa: E402

os.environ.update({key: value for key, value in ENVIRONMENT.items() if key not in os.environ})

import campaign_blows as blows  # noqa: E402
import campaign_files as files  # noqa: E402
import campaign_places as places  # noqa: E402
from campaign_runs import LIMIT, TOLERANCE, Row, cases  # noqa: E402

TABLE, ROWS = Path(__file__).with_name("CAMPAIGN.md"), "rows.json"


class Campaign:
    """What the kinds of attack share.

    Attributes
    ----------
    kills, trials : int
        SIGKILLs in all; attacks of each other kind on each case.
    ranks : list of int
    seed : int
    """

    def __init__(self, given, place, found):
        self.kills, self.trials, self.ranks, self.seed = given.kills, given.trials, given.ranks, given.seed
        self.place, self.cases = place, found

    def chain(self, blow, count, changing=False):
        """An attack that strikes a case `count` times, on one number of ranks after the other, or on others at each start."""
        def attack(case, place, row, dice):
            if changing:
                blows.chain(case, place, row, [lambda n: blow(n, dice)] * count, lambda: dice.choice(self.ranks))
                return
            first = self.cases.index(case)
            shares = Counter(self.ranks[(first + k) % len(self.ranks)] for k in range(count))
            for n, share in shares.items():
                blows.chain(case, place / f"on{n}", row, [lambda n: blow(n, dice)] * share, lambda n=n: n)

        return attack

    def each(self, attack, counted=True):
        """An attack that is repeated, on another number of ranks each time."""
        def repeat(case, place, row, dice):
            for k in range(self.trials):
                n = self.ranks[(k + self.cases.index(case)) % len(self.ranks)]
                (place / str(k)).mkdir(parents=True)
                if counted:
                    with row.trial(n):
                        attack(case, place / str(k), row, n, dice)
                else:
                    with row.noted(f"on {n} ranks"):
                        attack(case, place / str(k), row, n, dice)
                shutil.rmtree(place / str(k), ignore_errors=True)

        return repeat

    def kinds(self):
        """Every kind of attack by its name, with what it means: dict of (text, callable (case, place, row, dice))."""
        share = -(-self.kills // max(1, len(self.cases)))
        varied = share // 4
        return {
            "kill": ("SIGKILL at random moments, to all processes, one rank or the launcher; restarts on as many ranks",
                     self.chain(blows.Death, share - varied)),
            "ranks": ("the same, each restart on another number of ranks", self.chain(blows.Death, varied, changing=True)),
            "signal": ("SIGTERM, SIGUSR1, SIGINT to launcher or one rank", self.chain(blows.Request, 3 * self.trials)),
            "walltime": ("--walltime of 0.01 to 6 s", self.chain(blows.Limit, self.trials)),
            **{attack.__name__: (attack.__doc__, self.each(attack)) for attack in places.FAULTS},
            **{attack.__name__: (attack.__doc__, self.each(attack, counted=False)) for attack in files.FAULTS},
        }

    def run(self, kind):
        """Attack every case in this way: list of Row."""
        _, attack = self.kinds()[kind]
        rows = []
        for number, case in enumerate(self.cases, 1):
            began, place = time.monotonic(), self.place / kind / case.place.name
            shutil.rmtree(place, ignore_errors=True)
            place.mkdir(parents=True)
            row = Row(kind, case.name, date=time.strftime("%Y-%m-%d"))
            with row.noted("at all"):
                attack(case, place, row, random.Random(f"{self.seed} {kind} {case.name}"))
            verdict = f"{len(row.failures)} FAILED" if row.failures else "fine"
            print(f"{kind} {number}/{len(self.cases)} {case.name}: {row.tried} tried, {verdict}, "
                  f"{time.monotonic() - began:.0f} s", flush=True)
            for failure in row.failures:
                print("    " + failure.replace("\n", "\n    "), flush=True)
            if not row.failures:
                shutil.rmtree(place)
            rows.append(row)
        return rows


# -- the table ----------------------------------------------------------------------------------------------------


def table(rows, kinds, seed):
    """The table of all rows, as markdown."""
    dates = sorted({row["date"] for row in rows}) or [""]
    lines = ["# Fault campaign", "",
             f"{' to '.join(dict.fromkeys((dates[0], dates[-1])))}, {_versions()}; seed {seed}. "
             "Made by `python tests/faults/campaign.py`.", "",
             _summary(rows), "",
             "tried: attacks; writing: a file was being written just then, or was left torn; lost: checkpoints that had been "
             "complete and are not, or not intact, afterwards; wait: longest time from an attack to the end of all processes, "
             "the rest of the work included where nothing stopped it."]
    for kind, (meaning, _) in kinds.items():
        own = [row for row in rows if row["kind"] == kind]
        if not own:
            continue
        lines += ["", f"## {kind}", "", meaning.strip().rstrip(".") + ".", "",
                  "| run | ranks | tried | writing | lost | wait [s] | tracebacks | failures |", "|---|---|---|---|---|---|---|---|"]
        lines += [f"| {row['case']} | {', '.join(map(str, row['ranks']))} | {row['tried']} | {row['met']} | {row['lost']} | "
                  f"{row['wait']:.1f} | {row['tracebacks']} | {len(row['failures'])} |" for row in own]
        how = sum((Counter(row["how"]) for row in own), Counter())
        if how:
            lines += ["", "In all: " + "; ".join(f"{what} × {count}" for what, count in sorted(how.items())) + "."]
        lines += [f"- {row['case']}: {failure.splitlines()[0][:300]}" for row in own for failure in row["failures"]]
    return "\n".join([*lines, ""])


def _summary(rows):
    """What came of all of it, in a few sentences."""
    def total(key, kinds=None):
        return sum(row[key] for row in rows if kinds is None or row["kind"] in kinds)

    deaths = ("kill", "ranks")
    wait, failures = max((row["wait"] for row in rows), default=0.0), sum(len(row["failures"]) for row in rows)
    return (f"{total('tried')} attacks, {total('tried', deaths)} of them SIGKILLs, {total('met', deaths)} of those while a file "
            f"was being written; {total('lost')} complete checkpoints lost, {total('tracebacks')} tracebacks, {failures} failures; "
            f"longest wait for the end of all processes {wait:.1f} s (allowed: {LIMIT:.0f} s). After the attacks each run was gone "
            "on with to its end and compared with one left in peace: bit for bit on the same number of ranks, ensembles on any; "
            f"grids on other numbers of ranks within {TOLERANCE:g} (tests/jobs.py, distance).")


def renewed(rows, new):
    """The rows with `new` ones in the place of those of the same kind and case."""
    again = {(row["kind"], row["case"]) for row in new}
    return sorted([row for row in rows if (row["kind"], row["case"]) not in again] + new, key=lambda row: row["case"])


def _versions():
    from importlib.metadata import version

    import hpccr

    parts = [f"{name} {version(name)}" for name in ("numpy", "numba", "h5py", "mpi4py", "petsc4py")]
    return ", ".join([f"hpccr {hpccr.__version__}", f"Python {platform.python_version()}", *parts, _mpi(),
                      f"{platform.system()} {platform.release()} on {len(os.sched_getaffinity(0))} cores"])


def _mpi():
    import subprocess

    return subprocess.run(["mpirun", "--version"], capture_output=True, text=True, check=False).stdout.partition("\n")[0]


def read(arguments):
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--kills", type=int, default=300, help="SIGKILLs in all")
    parser.add_argument("--trials", type=int, default=3, help="attacks of each other kind on each run")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", action="append", metavar="KIND", help="these attacks; the others keep their rows in DIR")
    parser.add_argument("--case", action="append", metavar="NAME", help="these runs")
    parser.add_argument("--ranks", type=int, nargs="+", default=[0, 2, 1, 4, 3], help="numbers of ranks; 0: without a launcher")
    parser.add_argument("--out", type=Path, metavar="DIR", help="where the runs are made; by default a temporary directory")
    parser.add_argument("--join", type=Path, nargs="+", metavar="DIR", help="only make the table, of these --out of earlier calls")
    parser.add_argument("--table", type=Path, default=TABLE, metavar="FILE")
    return parser, parser.parse_args(arguments)


def main(arguments=None):
    """The command: exit status."""
    parser, given = read(arguments)
    place = given.out or Path(tempfile.mkdtemp(prefix="hpccr-campaign-"))
    every = cases(place / "whole")
    names = [case.name for case in every]
    if unknown := set(given.case or ()) - set(names):
        parser.error(f"no run {', '.join(unknown)}; there are {', '.join(names)}")
    campaign = Campaign(given, place, [case for case in every if case.name in (given.case or names)])
    kinds = campaign.kinds()
    if unknown := set(given.only or ()) - set(kinds):
        parser.error(f"no kind {', '.join(unknown)}; there are {', '.join(kinds)}")
    kept, rows = place / ROWS, []
    for folder in given.join or [place]:
        if (folder / ROWS).exists():
            rows = renewed(rows, json.loads((folder / ROWS).read_text()))
    for kind in () if given.join else given.only or kinds:
        rows = renewed(rows, [{**vars(row), "how": dict(row.how)} for row in campaign.run(kind)])
        kept.write_text(json.dumps(rows, indent=1))
        given.table.write_text(table(rows, kinds, given.seed), encoding="utf-8")
    given.table.write_text(table(rows, kinds, given.seed), encoding="utf-8")
    failures = sum(len(row["failures"]) for row in rows)
    print(f"{sum(row['tried'] for row in rows)} attacks, {failures} failures; the table is {given.table}")
    if not given.out and not failures:
        shutil.rmtree(place)
    return int(failures > 0)


if __name__ == "__main__":
    sys.exit(main())
