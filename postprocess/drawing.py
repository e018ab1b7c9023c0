"""What the figure scripts share of drawing: style, colours, axes, legends, saving."""

import math
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.lines import Line2D

from hpccr.errors import InputError

matplotlib.use("Agg")
from matplotlib import pyplot as plt    # noqa: E402 - after the choice of a backend that needs no screen
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter     # noqa: E402

STYLE = {
    "font.size": 8, "axes.titlesize": 8.5, "axes.labelsize": 8.5, "xtick.labelsize": 7.5, "ytick.labelsize": 7.5,
    "legend.fontsize": 7.5, "legend.frameon": False, "lines.linewidth": 1.0, "lines.markersize": 3.0, "axes.linewidth": 0.6,
    "xtick.direction": "in", "ytick.direction": "in", "xtick.top": True, "ytick.right": True, "xtick.major.width": 0.6,
    "ytick.major.width": 0.6, "xtick.minor.width": 0.4, "ytick.minor.width": 0.4,
    "savefig.dpi": 200, "pdf.fonttype": 42, "figure.constrained_layout.use": True,
}
PLAIN = FuncFormatter(lambda x, _: f"{x:g}")
# Figure width over two columns of a journal [inch].
WIDTH = 7.1
GREY = "0.55"
UNITS = {"cm2/s": "cm$^2$ s$^{-1}$"}


class Absent(Exception):
    """The runs lack what a figure shows: why, in a few words."""


def thinned(times, most=7):
    """Indices of at most `most` times, the first and the last among them, spread evenly in log t.

    Parameters
    ----------
    times : array (n,), increasing

    Returns
    -------
    list of int
    """
    if len(times) <= most:
        return list(range(len(times)))
    start = np.flatnonzero(times > 0)[0]
    wanted = np.geomspace(times[start], times[-1], most - 1)
    nearest = [start + int(np.abs(np.log(times[start:] / t)).argmin()) for t in wanted]
    return sorted({0, *nearest})


def colours(n):
    """`n` colours from dark to light blue-green to ochre, told apart by the colour-blind and in grey: early is dark."""
    return plt.get_cmap("viridis")(np.linspace(0.0, 0.88, n)) if n > 1 else [plt.get_cmap("viridis")(0.0)]


def positive(values):
    """`values` with NaN where a log axis has no place for them."""
    return np.where(np.asarray(values) > 0, values, np.nan)


def log_limits(values, decades=7.0, top=2.0):
    """Limits of a log axis: the peak times `top`, and at most `decades` below it.

    Parameters
    ----------
    values : array
        Those drawn; NaN and non-positive ones do not count.

    Returns
    -------
    (float, float)
    """
    values = np.asarray(values, float).ravel()
    values = values[np.isfinite(values) & (values > 0)]
    if not len(values):
        return 0.1, 10.0
    peak = values.max()
    return max(values.min() / top, peak * 10.0**-decades), peak * top


def tidy_log(axis):
    """Ticks of a log axis whose limits are set: labelled at whole decades, below two decades at 2 and 5 as well."""
    low, high = axis.get_view_interval()
    short, handy = high < 60 * low, low > 0.9e-3 and high < 9e3
    axis.set_major_locator(LogLocator(10, numticks=8))
    axis.set_minor_locator(LogLocator(10, subs=(2, 5) if short else range(2, 10), numticks=99))
    axis.set_minor_formatter(NullFormatter() if not short else PLAIN if handy else FuncFormatter(_powers))
    if handy:
        axis.set_major_formatter(PLAIN)


def _powers(x, _):
    exponent = math.floor(math.log10(x) + 1e-9)
    return f"${x / 10.0**exponent:.0f}\\times10^{{{exponent}}}$"


def energy_label(E):
    """E [GeV] in words: 10 GeV, 1 TeV."""
    for size, unit in ((1e6, "PeV"), (1e3, "TeV"), (1.0, "GeV")):
        if E >= size * (1 - 1e-6):
            return f"{E / size:.3g} {unit}"
    return f"{E * 1e3:.3g} MeV"


def second_axis(axis, which, found, symbol):
    """A second axis in physical units, above ("x") or at the right ("y"); limits and scale of `axis` are set.

    Parameters
    ----------
    axis : matplotlib Axes
    which : str
    found : (float, str) or None
        What `common_factor` gives; None draws nothing.
    symbol : str
    """
    if found is None:
        return
    factor, unit = found
    functions = (lambda x: x * factor, lambda x: x / factor)
    if which == "x":
        second, limits = axis.secondary_xaxis("top", functions=functions), axis.get_xlim()
        axis.tick_params(which="both", top=False)
    else:
        second, limits = axis.secondary_yaxis("right", functions=functions), axis.get_ylim()
        axis.tick_params(which="both", right=False)
    label = f"{symbol}  [{UNITS.get(unit, unit)}]"
    second.set(**{f"{which}lim": (limits[0] * factor, limits[1] * factor), f"{which}label": label})
    tidy_log(second.xaxis if which == "x" else second.yaxis)


def upright(axis, values, decades, label=None, top=1.5):
    """A log axis of values, at most `decades` deep."""
    axis.set_yscale("log")
    axis.set_ylim(log_limits(np.concatenate([np.ravel(v) for v in values]), decades, top))
    tidy_log(axis.yaxis)
    if label:
        axis.set_ylabel(label)


def signed(axis, r, values, **style):
    """A curve on a log axis, dashed where it is negative."""
    label = style.pop("label", None)
    axis.plot(r, positive(values), label=label, **style)
    axis.plot(r, positive(-values), **{**style, "linestyle": (0, (3, 1.5))})


def sample(label, **style):
    """A line for a legend."""
    return Line2D([], [], label=label, **style)


def log_axis(axis, x, margin=None):
    """A log axis over x (n,), wider by the factor `margin` on each side; by default by none, and by 3 around a sole value."""
    margin = margin or (1.0 if len(x) > 1 else 3.0)
    # The limits first: matplotlib would look for its own at the change of scale, and a sole value has none.
    axis.set_xlim(x[0] / margin, x[-1] * margin)
    axis.set_xscale("log")
    tidy_log(axis.xaxis)


def legend(figure, lines, columns, title=None):
    """The legend above the panels, in rows of like lengths of at most so many columns."""
    rows = -(-len(lines) // columns)
    columns = -(-len(lines) // max(rows, 1))
    figure.legend(handles=lines, title=title, loc="outside upper center", ncols=columns, columnspacing=1.4, handlelength=2.2)


def save(figure, out, name):
    """Write `figure` as PNG and PDF into the directory `out`, made if need be, and close it; print the paths.

    Raises
    ------
    InputError
        The directory or a file cannot be written.
    """
    out = Path(out)
    try:
        out.mkdir(parents=True, exist_ok=True)
        for kind in ("png", "pdf"):
            with np.errstate(invalid="ignore"):     # matplotlib's extent of a round marker in a PDF
                figure.savefig(out / f"{name}.{kind}")
            # The layout, half of the time of a figure, is found once.
            figure.set_layout_engine("none")
    except OSError as error:
        raise InputError(f"cannot write: {error.strerror or error}", where=out) from None
    finally:
        plt.close(figure)
    for kind in ("png", "pdf"):
        print(out / f"{name}.{kind}")
