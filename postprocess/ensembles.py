"""What the figure scripts of ensembles (orbits, field lines) share: opening their runs, telling them apart, curves with errors.

An ensemble has one snapshot, with axes of time or length of its own.
"""

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import xarray
from common import Arguments, entry, number, open_snapshot, read_deck, read_json, snapshot_files
from drawing import GREY, positive

from hpccr.errors import InputError


# By what the summary says of "converged": it is left open where errors are too large.
DOUBTS = {True: "", False: "no plateau", None: "plateau not decided"}


@dataclass(frozen=True)
class Ensemble:
    """A run on an ensemble of orbits or field lines.

    Attributes
    ----------
    directory : Path
    data : xarray.Dataset
        The snapshot, loaded.
    summary : dict
        Empty if the run has not ended.
    deck : dict
    """

    directory: Path
    data: xarray.Dataset
    summary: dict
    deck: dict

    def pair(self, name):
        """A variable and its error, arrays of the same shape; the error is NaN where the file has none."""
        value = self.data[name].values
        known = f"{name}_error" in self.data.variables
        return value, self.data[f"{name}_error"].values if known else np.full(value.shape, np.nan)

    def plateau(self, name):
        """Value, error, first and last of the window of a plateau in the summary; NaN where it has none."""
        window = self.entry(name).get("window")
        begin, end = window if isinstance(window, list) and len(window) == 2 else (math.nan, math.nan)
        return self.number(name), self.number(name, "error"), begin, end

    def doubt(self, name):
        """What the run says against a plateau, in words; "" if nothing. One that does not say is believed."""
        return DOUBTS.get(self.entry(name).get("converged", True), DOUBTS[None])

    def entry(self, name):
        """An entry of the summary: dict, empty if it is not there."""
        return entry(self.summary, name)

    def number(self, name, part="value"):
        """A number in the summary: float, NaN if it is not there."""
        return number(self.summary, name, part)

    @property
    def kind(self):
        """Kind of turbulence in words."""
        return kind_label(kind_of(self.deck.get("turbulence", {})))


def drawn(prog, doc, reader):
    """The runs that the command line of a script names, at most 12, each through `reader`, and where the figure goes by default.

    Returns
    -------
    list, Path or str
    """
    parser = Arguments(prog=prog, description=doc.split("\n")[0])
    parser.add_argument("directories", metavar="DIR", nargs="+", help="a run; several are drawn in one figure")
    parser.add_argument("--out", help="where the figure goes; default figures/ in the first DIR")
    given = parser.parse_args()
    if len(given.directories) > 12:
        raise InputError("too many runs for one figure", given=len(given.directories), allowed="at most 12")
    seen = [reader(directory) for directory in given.directories]
    return seen, given.out or seen[0].run.directory / "figures"


def open_ensemble(directory, problem, variables):
    """Open the run on an ensemble in `directory`: an Ensemble; parameters and errors as for `open_run`."""
    directory, files = snapshot_files(directory)
    data = open_snapshot(files[-1], problem, variables)
    return Ensemble(directory, data, read_json(directory / "summary.json") or {}, read_deck(directory / "deck.toml"))


def kind_of(turbulence):
    """The kind in [turbulence] of a deck: str, empty where the waves are given; None if it is not there."""
    return "" if turbulence.get("waves_file") else turbulence.get("kind")


def kind_label(kind):
    """A kind of turbulence in words; given waves have none."""
    return {"alfven": "Alfvénic", "2d": "2D", "": "given waves", None: "turbulence"}.get(kind, kind)


def labels(runs, more=()):
    """What tells the runs apart: kind, level, rigidity as far as they differ, or else their directories; of one run all three.

    Parameters
    ----------
    runs : list of Ensemble
    more : list of str
        A further fact on each run.

    Returns
    -------
    list of str
    """
    facts = [[run.kind for run in runs]]
    for name, symbol in (("eta", "$\\eta$"), ("rigidity", "$r_g/L_c$")):
        values = [run.number(name) for run in runs]
        facts.append([f"{symbol} = {value:.3g}" if math.isfinite(value) else "" for value in values])
    facts += [more] if more else []
    telling = [fact for fact in facts if len(set(fact)) > 1 or len(runs) == 1]
    found = [", ".join(filter(None, words)) for words in zip(*telling)] if telling else [""] * len(runs)
    if len(set(found)) == len(runs):
        return found
    names = [run.directory.resolve().name for run in runs]
    return names if len(set(names)) == len(runs) else [str(run.directory) for run in runs]


def measured(value, error, unit=""):
    """A value with its error in words, both to two digits of the error: 3.41 ± 0.12, (2.31 ± 0.15)e28."""
    unit = f" {unit}" if unit else ""
    if not (math.isfinite(error) and error > 0 and math.isfinite(value)):
        return f"{value:.4g}{unit}"
    digits = 1 - math.floor(math.log10(error))
    if -2 < digits < 6 and abs(value) < 1e4:
        return f"{value:.{max(digits, 0)}f} ± {error:.{max(digits, 0)}f}{unit}"
    shift = math.floor(math.log10(max(abs(value), error)))
    digits = max(digits + shift, 0)
    return f"({value / 10.0**shift:.{digits}f} ± {error / 10.0**shift:.{digits}f})e{shift}{unit}"


def curve(axis, x, pair, colour, band=True, **style):
    """A line with its error as a band unless `band` is false; on a log axis only what is positive.

    Parameters
    ----------
    axis : matplotlib Axes
        Its scales are set.
    x : array (n,)
    pair : (array (n,), array (n,))
        Value, error; NaN errors give no band.
    """
    value, error = (np.asarray(part, float) for part in pair)
    low, high = value - error, value + error
    if axis.get_yscale() == "log":
        floor = 1e-6 * np.nanmax(np.abs(high), initial=np.nanmax(np.abs(value), initial=1e-300))
        value, low, high = positive(value), np.maximum(low, floor), np.where(value > 0, high, np.nan)
    if band:
        axis.fill_between(x, low, high, where=np.isfinite(low + high), color=colour, alpha=0.25, linewidth=0)
    axis.plot(x, value, color=colour, **style)


def exponents(axis, x_limits):
    """Make of `axis` a panel of local exponents: lines at 1 (diffusive) and 2 (ballistic)."""
    for height, word in ((1, "diffusive"), (2, "ballistic")):
        axis.axhline(height, color=GREY, linestyle="--", linewidth=0.8, zorder=0)
        axis.annotate(word, (x_limits[0], height), (3, 2), textcoords="offset points", color="0.4", fontsize=7)
    axis.set_ylim(-0.3, 2.5)
    axis.set_yticks([0, 0.5, 1, 1.5, 2])


def common_factor(runs, name):
    """What turns `name` into `name`_physical, if it is one number for all the runs, and its unit: (float, str), or None."""
    found = []
    for run in runs:
        if f"{name}_physical" not in run.data.variables or not np.any(np.abs(run.data[name].values) > 0):
            return None
        value, physical = run.data[name].values, run.data[f"{name}_physical"]
        largest = int(np.nanargmax(np.abs(value)))
        found.append((physical.values[largest] / value[largest], physical.attrs.get("units", "")))
    factors = np.array([factor for factor, _ in found])
    return found[0] if np.all(np.abs(factors / factors[0] - 1) < 1e-6) and len({unit for _, unit in found}) == 1 else None
