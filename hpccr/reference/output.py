"""What runs leave behind, looked up in the files of small runs: a problem that tells something new is documented as it is."""

import contextlib
import json
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

from hpccr import driver, parallel
from hpccr.deck import reader
from hpccr.driver import scan_files
from hpccr.problems import registry
from hpccr.reference.markdown import code, plain, table
from hpccr.signals import Signals

# What the files of a run are; the directory of a scan has the last ones.
FILES = {
    "deck.toml": "the complete deck as it was understood, with the versions of the code and its libraries",
    "run.log": "progress, with wall-clock time",
    "history.csv": "a row a step (every `output.history_every` steps), names and units in its one header line; of ensembles a row for each "
                   "point of output, written at the end",
    "snapshots": "`000000.h5`, …: the state at the times of `output.snapshots`; of ensembles one, written at the end. "
                 "NetCDF-4: named dimensions, `units` and `long_name` on every variable; attributes `format`, `title`, `problem`, `hpccr_version`, `deck`",
    "checkpoints": "`00000042.h5`, …: the last two states from which `hpccr restart` can go on, bit for bit; "
                   "checksummed, and of no other use. The number is the step, of ensembles a count",
    "summary.json": "the final figures, `{\"name\": {\"value\": …, \"unit\": …, \"definition\": …}}`; "
                    "written last, so that a directory with it is finished",
    "orbits.h5": "what `ensemble.store` names: orbits of single particles, or single field lines",
    "waves": "`000000.h5`, …: the waves of the first realisations (`output.waves`), in the form that `turbulence.waves_file` takes",
}
_SCAN_FILES = {"scan.json": "the varied keys, and directory and values of every point",
               "points": "`0000`, …: an ordinary run directory for each point",
               scan_files.CLAIMS: "who works at which point; can be removed when no scan is at work"}


@dataclass
class Output:
    """What the runs of a problem tell.

    Attributes
    ----------
    snapshot : dict
        {variable: [dims, unit, meaning]}
    history : dict
        {column: [unit, meaning]}
    summary : dict
        {entry: [unit, meaning]}
    others : dict
        {name of a file: {dataset: [dims, unit, meaning]}}
    files : set of str
        First words of the paths in a run directory.
    """

    snapshot: dict
    history: dict
    summary: dict
    others: dict
    files: set

    def learn(self, other, words):
        """Add what another Output tells beside; `words` say when."""
        pairs = [(self.snapshot, other.snapshot), (self.history, other.history), (self.summary, other.summary)]
        pairs += [(self.others.setdefault(name, {}), rows) for name, rows in other.others.items()]
        for mine, theirs in pairs:
            place = 1 if mine is self.snapshot or any(mine is rows for rows in self.others.values()) else 0
            for name, row in theirs.items():
                if name not in mine:
                    mine[name] = [*row[:-1], f"{row[-1]}; only {words}"]
                elif row[place] not in mine[name][place].split(" or "):
                    mine[name][place] += f" or {row[place]}"
        self.files |= other.files


def of_problem(problem):
    """The Output of a problem, from its small run and those that tell more."""
    found = _observe(problem.name, problem.small)
    for words, settings in problem.further.items():
        found.learn(_observe(problem.name, (*problem.small, *settings)), words)
    return found


def _observe(name, settings):
    """Run a problem from its defaults with "section.key=value" settings, in a directory that is then removed: Output."""
    with tempfile.TemporaryDirectory() as folder, open(os.devnull, "w") as nowhere, contextlib.redirect_stdout(nowhere), \
            contextlib.redirect_stderr(nowhere):
        path, directory = Path(folder, "small.toml"), Path(folder, "run")
        path.write_text(f'problem = "{name}"\n', encoding="utf-8")
        given = {setting.partition("=")[0]: setting for setting in settings}        # the last of a key counts
        deck = reader.read(path, given.values(), problems=registry)
        columns = _run(deck, directory)
        return _look(directory, columns)


def _run(deck, directory):
    """Run a deck to its end, on this rank alone; the columns of its history, as (name, unit, meaning)."""
    from hpccr.output import rundir

    session = driver.Session(parallel.alone(), Signals())
    with driver.JOBS[registry.load(deck.problem).engine](deck, directory, session) as job:
        rundir.create(directory, deck.as_toml(), session.comm)
        job.start()
        job.work()
        return job.columns


def _look(directory, columns):
    """The Output of a finished run."""
    from hpccr.output import snapshot

    def rows(path):
        # Coordinates first.
        found = sorted(snapshot.contents(path), key=lambda row: (len(row[1]) > 1 or row[1] not in ((), (row[0],)), row[0]))
        return {name: [", ".join(dims) or "scalar", unit, meaning] for name, dims, unit, meaning in found}

    def beside(entry):
        words = [code(key) for key in entry if key not in ("value", "unit", "definition")]
        return f" (with {', '.join(words)})" if words else ""

    entries = json.loads((directory / "summary.json").read_text(encoding="utf-8"))
    summary = {name: [entry["unit"], entry.get("definition", "") + beside(entry)] for name, entry in entries.items()}
    files = sorted(path.relative_to(directory) for path in directory.rglob("*") if path.is_file())
    others = {str(path): rows(directory / path) for path in files
              if path.suffix == ".h5" and path.parts[0] not in ("snapshots", "checkpoints")}
    history, last = {name: [unit, meaning] for name, unit, meaning in columns}, max((directory / "snapshots").iterdir())
    return Output(rows(last), history, summary, others, {path.parts[0] for path in files})


def markdown(found):
    """An Output as Markdown."""
    parts = ["Variables of snapshots:\n", _told(["variable", "dimensions", "unit", "meaning"], found.snapshot),
             "Columns of history.csv:\n", _told(["column", "unit", "meaning"], found.history),
             "Entries of summary.json:\n", _told(["entry", "unit", "meaning"], found.summary)]
    for name, rows in found.others.items():
        parts += [f"Datasets of {name}:\n", _told(["dataset", "dimensions", "unit", "meaning"], rows)]
    return "\n".join(parts)


def _told(head, rows):
    """A table; a standard error, and what is told in the same words, share a row."""
    shared = {}
    for name, row in rows.items():
        of, _, kind = name.rpartition("_")
        alike = tuple(rows[of]) if kind == "error" and of in rows and row[-1] == f"standard error of {of}" else tuple(row)
        shared.setdefault(alike, []).append(code(name))
    return table(head, [(", ".join(names), *map(plain, row)) for row, names in shared.items()])


def files(seen):
    """The files of a run directory and of a scan as Markdown.

    Parameters
    ----------
    seen : set of str
        Those that runs have left.

    Raises
    ------
    RuntimeError
        One of them is not described.
    """
    if unknown := seen - FILES.keys():
        raise RuntimeError(f"hpccr/reference/output.py does not say what {', '.join(sorted(unknown))} is")
    head = ["file", "what it is"]
    return "\n".join(["A run directory holds\n", table(head, [(code(name), what) for name, what in FILES.items() if name in seen]),
                      "and that of a scan `deck.toml`, `run.log` and\n",
                      table(head, [(code(name), what) for name, what in _SCAN_FILES.items()]),
                      "`hpccr info` tells what is inside any of them.\n"])
