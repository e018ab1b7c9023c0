"""What the figure scripts share of reading: runs, decks, summaries, quantities, the command line, refusing.

A script reads DIR/snapshots/*.h5 through xarray and DIR/summary.json; it needs neither MPI nor PETSc.
"""

import argparse
import json
import math
import os
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import xarray
from drawing import STYLE, plt, save

from hpccr import units
from hpccr.errors import InputError

try:
    import tomllib
except ImportError:                 # Python 3.10
    import tomli as tomllib


@dataclass(frozen=True)
class Run:
    """A run directory.

    Attributes
    ----------
    directory : Path
    snapshots : list of xarray.Dataset
        In the order of time, loaded.
    summary : dict or None
        None if the run has not ended.
    """

    directory: Path
    snapshots: list
    summary: dict | None

    @property
    def times(self):
        """Times of the snapshots: array (snapshots,) in the file's unit."""
        return np.array([float(snapshot["time"]) for snapshot in self.snapshots])

    @property
    def end(self):
        """The last time known, from the history or else the last snapshot, in the snapshots' unit."""
        unit = self.snapshots[0]["time"].attrs.get("units", "kyr")
        try:
            lines = (self.directory / "history.csv").read_text().splitlines()
            last = float(lines[-1].split(",")[lines[0].split(",").index(f"time [{unit}]")])
        except (OSError, ValueError, IndexError):
            last = 0.0
        return max(last, self.times[-1])

    def history(self):
        """Columns of history.csv by name, without units: dict of arrays; empty if there are none.

        Raises
        ------
        InputError
            It cannot be read.
        """
        path = self.directory / "history.csv"
        if not path.is_file():
            return {}
        try:
            names, *rows = [line.split(",") for line in path.read_text().splitlines()] or [[]]
            columns = np.array(rows, float).reshape(len(rows), len(names))
        except (OSError, ValueError) as error:
            raise InputError("cannot be read", where=path, given=str(error).splitlines()[0]) from None
        return {name.split(" [")[0]: column for name, column in zip(names, columns.T)} if rows else {}


def open_run(directory, problem, variables):
    """Open the run in `directory`.

    Parameters
    ----------
    directory : str or Path
    problem : str
        The problem that it must be a run of.
    variables : sequence of str
        Variables that every snapshot must hold.

    Returns
    -------
    Run

    Raises
    ------
    InputError
        No run directory, no snapshots, a file that cannot be read, or a run of another problem.
    """
    directory, files = snapshot_files(directory)
    snapshots = [open_snapshot(file, problem, ("time", *variables)) for file in files]
    snapshots.sort(key=lambda snapshot: float(snapshot["time"]))
    return Run(directory, snapshots, read_json(directory / "summary.json"))


def snapshot_files(directory):
    """The directory of a run (Path) and its snapshots (list of Path, at least one).

    Raises
    ------
    InputError
        No run directory, or no snapshots.
    """
    directory = Path(directory)
    if not directory.is_dir():
        raise InputError("no such directory", where=directory, allowed="the directory of a run, as hpccr run --out made it")
    if not (directory / "deck.toml").is_file() or not (directory / "snapshots").is_dir():
        raise InputError("not a run directory: no deck.toml or no snapshots/", where=directory,
                         allowed="the directory of a run, as hpccr run --out made it")
    files = sorted((directory / "snapshots").glob("*.h5"))
    if not files:
        raise InputError("no snapshots yet", where=directory / "snapshots", allowed="a run with at least one snapshot")
    return directory, files


def open_snapshot(file, problem, variables):
    """The snapshot in `file`, loaded; parameters and errors as for `open_run`."""
    try:
        with xarray.open_dataset(file, engine="h5netcdf") as opened:
            snapshot = opened.load()
    except Exception as error:      # noqa: BLE001 - the HDF5 stack raises OSError, ValueError, KeyError and its own
        raise InputError("cannot be read as a snapshot", where=file, given=str(error).splitlines()[0]) from None
    if snapshot.attrs.get("problem") != problem:
        raise InputError(f"not a snapshot of the problem {problem}", where=file,
                         given=snapshot.attrs.get("problem", "no problem named"))
    missing = [name for name in variables if name not in snapshot.variables]
    if missing:
        raise InputError("variables are missing", where=file, given=f"no {', '.join(missing)}")
    return snapshot


def free_keys(points):
    """The keys of a scan that take several values where what is drawn is the same otherwise: list of str.

    Parameters
    ----------
    points : iterable of (hashable, dict)
        For each point what is the same, and its values by key.
    """
    seen = {}
    for base, values in points:
        for key, value in values.items():
            seen.setdefault((base, key), set()).add(json.dumps(value))
    return sorted({key for (_, key), found in seen.items() if len(found) > 1})


def read_json(path):
    """The summary in `path`: dict, or None if there is no such file.

    Raises
    ------
    InputError
        It cannot be read.
    """
    if not path.exists():
        return None
    try:
        content = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise InputError("cannot be read", where=path, given=str(error)) from None
    if not isinstance(content, dict):
        raise InputError("not the summary of a run", where=path)
    return content


def read_deck(path):
    """The deck in `path`: dict.

    Raises
    ------
    InputError
    """
    try:
        return tomllib.loads(Path(path).read_text())
    except (OSError, ValueError) as error:
        raise InputError("cannot be read", where=path, given=str(error)) from None


def entry(summary, name):
    """The entry `name` of a summary: dict, empty if there is none."""
    found = summary.get(name)
    return found if isinstance(found, dict) else {}


def number(summary, name, part="value"):
    """`part` of the entry `name` of a summary: float, NaN if there is none."""
    value = entry(summary, name).get(part)
    return float(value) if isinstance(value, int | float) else math.nan


def quantities(text, unit, option, low, high):
    """Read a list such as ``"10 GeV, 1 TeV"``.

    Parameters
    ----------
    text : str
    unit : str
        The unit wanted.
    option : str
        Who asks, for messages.
    low, high : float
        What is allowed [unit].

    Returns
    -------
    list of float
        In `unit`.

    Raises
    ------
    InputError
        Not a quantity, or out of range.
    """
    found = []
    for part in text.split(","):
        try:
            value = units.parse(part.strip(), unit)
        except units.QuantityError as error:
            raise InputError(error.what, where=option, given=part.strip() or '""', nearest=error.nearest,
                             allowed=f"quantities such as 10 {unit}, with commas between") from None
        if not low * (1 - 1e-6) <= value <= high * (1 + 1e-6):
            raise InputError("out of range", where=option, given=part.strip(), allowed=f"{low:.4g} to {high:.4g} {unit}")
        found.append(value)
    return found


class Arguments(argparse.ArgumentParser):
    """An argument parser that refuses as hpccr does."""

    def error(self, message):
        raise InputError(message, allowed=" ".join(self.format_usage().split()[1:]))


def one_figure(name, about, load, draw):
    """What a script does that draws one figure of one run: read the command line, `draw(load(DIR))`, and save it as `name`.

    about : str, the docstring of the script.
    """
    parser = Arguments(prog=f"{name}.py", description=about.split("\n")[0])
    parser.add_argument("directory", metavar="DIR", help="the run")
    parser.add_argument("--out", help="where the figure goes; default DIR/figures")
    given = parser.parse_args()
    seen = load(given.directory)
    save(draw(seen), given.out or seen.run.directory / "figures", name)


def script(main):
    """Run `main()` and exit: 0, or 2 with one message if it raises InputError."""
    try:
        with plt.rc_context(STYLE):
            main()
        sys.stdout.flush()
    except InputError as error:
        print(f"{Path(sys.argv[0]).name}: {error}", file=sys.stderr)
        sys.exit(2)
    except BrokenPipeError:         # who reads the output wants no more, such as head
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
