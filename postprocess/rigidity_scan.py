"""Figures of a scan of orbits: mean free paths over rigidity, a column a kind of turbulence, a colour a level.

    python postprocess/rigidity_scan.py DIR [--out DIR/figures]

scan        lambda_par/L_c (above) and lambda_perp/L_c (below) over r_g/L_c, thin lines of the published slopes beside them
slopes      their local logarithmic slopes, with the published ones; their errors are those of independent points
scan.csv    the numbers, which are printed too

DIR is what hpccr scan made: DIR/scan.json lists the points. Those that have not ended are left out and counted. A point is
drawn open where the run itself says that it found no plateau, or where the window begins before one scattering time. Points
of one seed share random numbers, so that the errors of slopes are mostly too large.
"""

import itertools
import json
import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from common import Arguments, entry, free_keys, number, read_deck, read_json, script
from drawing import WIDTH, colours, log_limits, plt, save, tidy_log
from ensembles import DOUBTS, kind_label, kind_of
from rigidity_tables import ROWS, show, write

from hpccr.errors import InputError

SYMBOL = {"par": "\\lambda_\\parallel", "perp": "\\lambda_\\perp"}
# Published slopes by kind: value, in words, where they hold [r_g/L_c]. Along the field those of a Kolmogorov spectrum (Mertsch 2020;
# Dundovic et al. 2020); across it Kuhlen et al. 2025 for isotropic waves, Bouchet et al. for magnetosonic ones (talk of Mertsch 2026).
KOLMOGOROV = ((1 / 3, "1/3", (0.0, 0.1)), (2.0, "2", (3.0, np.inf)))
PUBLISHED = {"par": {"isotropic": KOLMOGOROV, "alfven": KOLMOGOROV, "magnetosonic": KOLMOGOROV},
             "perp": {"isotropic": ((1 / 3, "1/3", (0.0, 1e-3)),), "magnetosonic": ((1.0, "1", (1e-3, 1.0)),)}}
# What a way through a file does to a number, or less.
ROUND = 1e-9
REFERENCE = {"color": "0.35", "linewidth": 0.7, "linestyle": (0, (5, 1.5))}
WORD = {"textcoords": "offset points", "color": "0.35", "fontsize": 7}
ORDER = ("isotropic", "alfven", "magnetosonic", "slab", "2d", "composite")
KIND = "turbulence.kind"
# What the panels, the colours and the axes stand for.
BASE = (KIND, "turbulence.eta", "turbulence.dB", "ensemble.rigidity", "ensemble.gyroradius")
MARKERS = "osD^vP"
# Inside of a marker where a plateau is not decided.
OPEN = "0.8"
# Ends the key of a setting that is told as a multiple.
RATIO = " ratio"
SCAN = "the directory of a scan, as hpccr scan made it"


@dataclass
class Point:
    """A finished point of a scan.

    Attributes
    ----------
    directory : str
    kind : str
    eta, rigidity : float
        δB²/(B0² + δB²); r_g/L_c.
    others : tuple of (key, value)
        What else the scan varies at the same kind, level and rigidity: each setting is a curve of its own. Where the settings of
        one rigidity are no other's, as multiples of its first one, to a digit.
    along : dict
        Values by key that go along with kind, level and rigidity.
    path, error : dict of float
        lambda_par and lambda_perp [L_c] and their errors, by "par" and "perp".
    flat : dict of float
        1 where it is a plateau, 0 where not, NaN where that is not decided.
    slope, slope_error, slope_flat : dict
        Local logarithmic slopes against rigidity, filled in by `slopes_of`.
    """

    directory: str
    kind: str
    kolmogorov: bool
    eta: float
    rigidity: float
    others: tuple
    along: dict
    path: dict
    error: dict
    flat: dict
    slope: dict
    slope_error: dict
    slope_flat: dict


class Scan:
    """A scan, seen by its figures.

    Attributes
    ----------
    directory : Path
    points : list of Point
        In the order of kind, level, other keys, rigidity.
    missing : list of str
        Directories of points that have not ended.
    """

    def __init__(self, directory):
        self.directory, self.points, self.missing = Path(directory), [], []
        listed = _listed(self.directory)
        every = [values for _, values in listed]
        free = free_keys((_base(values), values) for values in every)
        firsts = _firsts(every, free)
        for place, values in listed:
            summary = read_json(self.directory / place / "summary.json")
            if summary is None:
                self.missing.append(place)
            else:
                self.points.append(_point(self.directory / place, place, (values, free, firsts.get(_base(values))), summary))
        if not self.points:
            raise InputError("no point of the scan is finished yet", where=self.directory, given=f"{len(self.missing)} points",
                             allowed="a scan with at least one point that has a summary.json")
        self.points.sort(key=lambda p: (_place(p.kind), p.eta, str(p.others), p.rigidity))
        for curve in self.curves():
            slopes_of(curve)

    def curves(self, kind=None):
        """The points that differ in rigidity alone, in its order: list of lists of Point."""
        groups = itertools.groupby(self.points, key=lambda p: (p.kind, f"{p.eta:.6g}", p.others))
        return [list(group) for key, group in groups if kind in (None, key[0])]

    @property
    def kinds(self):
        return list(dict.fromkeys(p.kind for p in self.points))

    @property
    def etas(self):
        return sorted({float(f"{p.eta:.6g}") for p in self.points})

    @property
    def others(self):
        """Distinct settings of the other keys."""
        return list(dict.fromkeys(p.others for p in self.points))


def _place(kind):
    return (ORDER.index(kind) if kind in ORDER else len(ORDER), kind)


def _listed(directory):
    """The points of a scan, as scan.json lists them: list of (directory, values)."""
    path = directory / "scan.json"
    if not directory.is_dir():
        raise InputError("no such directory", where=directory, allowed=SCAN)
    if not path.is_file():
        raise InputError("not the directory of a scan: no scan.json", where=directory, allowed=SCAN)
    try:
        points = json.loads(path.read_text())["points"]
        return [(str(point["directory"]), dict(point["values"])) for point in points]
    except (OSError, ValueError) as error:
        raise InputError("cannot be read", where=path, given=str(error)) from None
    except (KeyError, TypeError):
        raise InputError("not the list of a scan's points", where=path,
                         allowed='{"points": [{"directory": ..., "values": {...}}, ...]}') from None


def _base(values):
    """Kind, level and rigidity of a point's values: tuple."""
    return tuple(json.dumps(values.get(key)) for key in BASE)


def _firsts(points, free):
    """Where settings are told as multiples: the first point's values at each kind, level and rigidity; else an empty dict."""
    firsts, at = {}, [_base(values) for values in points]
    for base, values in zip(at, points):
        firsts.setdefault(base, values)
    settings = {json.dumps([values.get(key) for key in free]) for values in points}
    numbers = all(isinstance(values.get(key), int | float) and values[key] for values in points for key in free)
    return firsts if numbers and len(settings) > max(map(at.count, at), default=0) else {}


def _point(directory, place, varied, summary):
    """The Point of a finished run; `varied`: its values, the keys that make curves of their own, and those of which they are multiples."""
    values, free, first = varied
    # The run's deck has the kind's own word where the scan has another one for it.
    deck = read_deck(directory / "deck.toml").get("turbulence", {})
    kind, eta = kind_of(deck), number(summary, "eta")
    kind = str(values.get(KIND, "turbulence") if kind is None else kind or kind_label(kind))
    rigidity = number(summary, "rigidity")
    path = {row: number(summary, f"lambda_{row}") for row in ROWS}
    if not all(map(math.isfinite, (eta, rigidity, *path.values()))):
        raise InputError("the summary lacks eta, rigidity, lambda_par or lambda_perp", where=directory / "summary.json",
                         allowed="points that are runs of the problem orbits")
    error = {row: number(summary, f"lambda_{row}", "error") for row in ROWS}
    plain = {key: value if isinstance(value, str | int | float) else json.dumps(value) for key, value in sorted(values.items())}
    others = tuple((key, plain[key]) for key in free if key in plain)
    if first:
        others = tuple((key + RATIO, float(f"{value / first[key]:.1g}")) for key, value in others)
    along = {key: value for key, value in plain.items() if key not in (*(key for key, _ in others), *BASE)}
    flat = {row: _flat(summary, row) for row in ROWS}
    kolmogorov = abs(deck.get("index", 5 / 3) - 5 / 3) < 0.01 and not deck.get("waves_file")
    return Point(place, kind, kolmogorov, eta, rigidity, others, along, path, error, flat, {}, {}, {})


def _flat(summary, row):
    """1 if lambda is that of a plateau, 0 if not, NaN if the run leaves it open; a window before a scattering time 3 kappa_par/v² has none."""
    window = entry(summary, "kappa_par").get("window") or (math.inf,)
    early = window[0] < 3 * number(summary, "kappa_par")
    return 0.0 if early else {True: 1.0, False: 0.0}.get(entry(summary, f"kappa_{row}").get("converged", True), math.nan)


def slopes_of(curve):
    """Fill in d ln lambda/d ln r_g of points that differ in rigidity alone: three points, at the ends two.

    The errors of slopes are those of independent points. Points of one seed share the random numbers of their waves and starts
    (hpccr.particles.turbulence.stream), and much of what they err by cancels: their slopes' errors are mostly too large. A slope is
    open where one of its points is.
    """
    x = np.log([p.rigidity for p in curve])
    distinct = len(curve) > 1 and np.all(np.diff(x) > 0)
    weights = np.gradient(np.eye(len(curve)), x, axis=0) if distinct else np.full((len(curve), len(curve)), np.nan)
    for row in ROWS:
        path, error = np.array([[p.path[row], p.error[row]] for p in curve]).T
        flat = np.array([p.flat[row] for p in curve])
        for p, w in zip(curve, weights):
            used = w != 0
            with np.errstate(divide="ignore", invalid="ignore"):
                p.slope[row] = float(w[used] @ np.log(path[used]))
                p.slope_error[row] = float(np.sqrt(w[used] ** 2 @ (error[used] / path[used]) ** 2))
            p.slope_flat[row] = 0.0 if (flat[used] == 0).any() else flat[used].mean() if used.any() else math.nan


# -- figures -------------------------------------------------------------------------------------------------


def _panels(scan):
    """A figure with a column for each kind of turbulence: (figure, axes)."""
    columns = len(scan.kinds)
    size = (WIDTH * (0.16 + 0.84 * max(columns, 1.5) / 3), 5.4)
    figure, axes = plt.subplots(2, columns, figsize=size, sharex=True, sharey="row", squeeze=False)
    spread = [p.rigidity for p in scan.points]
    for axis, kind in zip(axes[0], scan.kinds):
        axis.set_title(kind_label(kind))
        axis.set_xscale("log")
        axis.set_xlim(min(spread) / 1.6, max(spread) * 1.6)
    for axis in axes[1]:
        tidy_log(axis.xaxis)
        axis.set_xlabel("$r_g/L_c$")
    return figure, axes


def _curves(scan, axes, values):
    """All curves of a row of panels; `values(point)` gives value, error, flat."""
    tints = dict(zip(scan.etas, colours(len(scan.etas))))
    for axis, kind in zip(axes, scan.kinds):
        for curve in scan.curves(kind):
            x = np.array([p.rigidity for p in curve])
            y, error, flat = (np.array(part) for part in zip(*map(values, curve)))
            style = {"color": tints[float(f"{curve[0].eta:.6g}")], "marker": _marker(scan.others.index(curve[0].others))}
            axis.plot(x, y, color=style["color"], linewidth=0.8)
            for which, face in ((flat == 1, style["color"]), (flat == 0, "white"), (np.isnan(flat), OPEN)):
                axis.errorbar(x[which], y[which], yerr=np.nan_to_num(error[which]), linestyle="none", elinewidth=0.8, capsize=1.5,
                              markerfacecolor=face, markersize=3.5, **style)


def _marker(number):
    return MARKERS[number % len(MARKERS)]


def paths(scan):
    """Figure of lambda_par/L_c and lambda_perp/L_c."""
    figure, axes = _panels(scan)
    for panels, row in zip(axes, ROWS):
        for axis in panels:
            axis.set_yscale("log")
        _curves(scan, panels, lambda p, row=row: (p.path[row] if p.path[row] > 0 else np.nan, p.error[row], p.flat[row]))
        drawn = []
        for axis, kind in zip(panels, scan.kinds):
            known = [p for p in scan.points if p.kind == kind and p.kolmogorov and p.path[row] > 0]
            drawn += [_reference(axis, known, row, published) for published in PUBLISHED[row].get(kind, ())]
        low, high = log_limits([p.path[row] for p in scan.points], 9.0)
        panels[0].set_ylim(low, max([high, *(1.6 * top for top in drawn)]))
        tidy_log(panels[0].yaxis)
        panels[0].set_ylabel(f"${SYMBOL[row]}/L_c$")
    _legend(figure, scan)
    return figure


def _published(point, row):
    """The published slopes that concern a point: those of its kind, where its spectrum is Kolmogorov's."""
    return PUBLISHED[row].get(point.kind, ()) if point.kolmogorov else ()


def _within(x, low, high):
    """Whether x [r_g/L_c] is in a range, but for what rounding does."""
    return (x >= low * (1 - ROUND)) & (x <= high * (1 + ROUND))


def _span(x, low, high):
    """First and last of the rigidities in a range, of a sole one and the nearest other one.

    x : array (n,), any order.

    Returns
    -------
    array (2,), empty where none is in the range or there is no other one
    """
    x = np.unique(x)
    x = x[np.diff(x, prepend=0.0) > ROUND * x]
    inside = np.flatnonzero(_within(x, low, high))
    if len(x) < 2 or not len(inside):
        return x[:0]
    if len(inside) == 1:
        apart = np.abs(np.log(x / x[inside[0]]))
        inside = np.sort(np.argsort(apart)[:2])
    return x[inside[[0, -1]]]


def _reference(axis, points, row, published):
    """A thin line of a published slope just above the points of its range; returns how high it reaches, 0 if there are none."""
    slope, word, limits = published
    ends = _span([p.rigidity for p in points], *limits)
    if not len(ends):
        return 0.0
    height = 1.7 * max(p.path[row] / p.rigidity**slope for p in points if _within(p.rigidity, *ends))
    axis.plot(ends, height * ends**slope, **REFERENCE)
    middle = np.sqrt(ends.prod())
    axis.annotate(word, (middle, height * middle**slope), (-2, 3), ha="right", **WORD)
    return height * ends[1] ** slope


def slopes(scan):
    """Figure of the local logarithmic slopes."""
    figure, axes = _panels(scan)
    for panels, row in zip(axes, ROWS):
        _curves(scan, panels, lambda p, row=row: (p.slope[row], p.slope_error[row], p.slope_flat[row]))
        values = np.array([p.slope[row] for p in scan.points])
        known = list(values[np.isfinite(values)])
        for axis, kind in zip(panels, scan.kinds):
            axis.set_xlim(left=min(p.rigidity for p in scan.points) / 4)        # room for the words
            x = np.array([p.rigidity for p in scan.points if p.kind == kind and p.kolmogorov])
            for slope, word, limits in PUBLISHED[row].get(kind, ()):
                if _within(x, *limits).any():
                    ends = np.clip(limits, *axis.get_xlim())
                    axis.plot(ends, [slope, slope], zorder=0, **REFERENCE)
                    axis.annotate(word, (ends[0], slope), (3, 2), **WORD)
                    known.append(slope)
        if known:
            panels[0].set_ylim(max(min(known) - 0.3, -2.5), min(max(known) + 0.4, 4.5))
        panels[0].set_ylabel(f"$d\\,\\ln {SYMBOL[row]}/d\\,\\ln r_g$")
    _legend(figure, scan)
    return figure


def _setting(other):
    """What a curve differs in, in words."""
    if not all(key.endswith(RATIO) for key, _ in other):
        return ", ".join(f"{key.split('.')[-1]} = {value}" for key, value in other)
    multiples = [f"{key.removesuffix(RATIO).split('.')[-1]} × {value:g}" for key, value in other if value != 1]
    return ", ".join(multiples) or "the first of its rigidity"


def _legend(figure, scan):
    """The legend below the panels: levels, points that differ in more, and what is missing."""
    from matplotlib.lines import Line2D

    entries = [(Line2D([], [], color=colour, marker="o", markersize=3.5), f"$\\eta$ = {eta:.4g}")
               for eta, colour in zip(scan.etas, colours(len(scan.etas)))]
    if len(scan.others) > 1:
        entries += [(Line2D([], [], color="0.3", linestyle="none", marker=_marker(i)),
                     _setting(other)) for i, other in enumerate(scan.others)]
    flat = [value for p in scan.points for value in p.flat.values()]
    entries += [(Line2D([], [], color="0.3", linestyle="none", marker="o", markersize=3.5, markerfacecolor=face), DOUBTS[kind])
                for kind, face, there in ((False, "white", 0.0 in flat), (None, OPEN, any(map(math.isnan, flat)))) if there]
    if any(_within(p.rigidity, *limits) for p in scan.points for row in ROWS for *_, limits in _published(p, row)):
        entries.append((Line2D([], [], **REFERENCE), "published slopes"))
    if scan.missing:
        total = len(scan.missing) + len(scan.points)
        entries.append((Line2D([], [], linestyle="none"), f"({len(scan.missing)} of {total} points not finished)"))
    longest = max(len(words) for _, words in entries)
    columns = max(1, min(len(entries), int(figure.get_figwidth() / max(1.15, 0.5 + 0.06 * longest))))
    figure.legend(*zip(*entries), loc="outside upper center", ncols=columns, columnspacing=1.4)


def main():
    """Read the command line, draw, and say what was found."""
    parser = Arguments(prog="rigidity_scan.py", description=__doc__.split("\n")[0])
    parser.add_argument("directory", metavar="DIR", help="the scan")
    parser.add_argument("--out", help="where figures and table go; default DIR/figures")
    given = parser.parse_args()
    scan = Scan(given.directory)
    if len(scan.kinds) > 6:
        raise InputError("too many kinds for one figure", given=len(scan.kinds), allowed="at most 6")
    out = given.out or scan.directory / "figures"
    save(paths(scan), out, "scan")
    save(slopes(scan), out, "slopes")
    write(scan, out)
    show(scan)


if __name__ == "__main__":
    script(main)
