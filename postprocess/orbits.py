"""Figure of orbits: running diffusion coefficients, local exponents, velocity correlations; one run or several.

    python postprocess/orbits.py DIR [DIR ...] [--out DIR/figures]

Columns: along the mean field (z) and across it (x and y). Rows:
  d(t) from the mean squares, with its jackknife error as a band, the Green-Kubo coefficient beside it (dashed), and the
  plateau with its window (bar);
  d ln<dx^2>/d ln t, 1 where it is diffusive and 2 where it is ballistic;
  the velocity correlation.
The file is running, or running_compared where there are several runs. The plateaus are printed.
"""

import numpy as np
from common import script
from drawing import GREY, WIDTH, colours, log_limits, plt, save, second_axis, tidy_log
from ensembles import common_factor, curve, drawn, exponents, labels, measured, open_ensemble

from hpccr.errors import InputError

VARIABLES = ("time", "d_par", "d_perp", "exponent", "velocity_correlation", "green_kubo")
COLUMNS = ("par", "perp")
SYMBOL = {"par": "\\parallel", "perp": "\\perp"}
# More than so much of 1/Omega between two times and the gyration is not resolved: dots, not a line.
RESOLVED = np.pi / 4


class Orbits:
    """A run on orbits, seen by its figure.

    Attributes
    ----------
    run : ensembles.Ensemble
    t : array (n,) [1/Omega]
    """

    def __init__(self, directory):
        self.run = open_ensemble(directory, "orbits", VARIABLES)
        self.t = self.run.data["time"].values
        shapes = {"d_par": 1, "d_perp": 1, "exponent": 2, "velocity_correlation": 3, "green_kubo": 3}
        for name, axes in shapes.items():
            wanted = (len(np.atleast_1d(self.t)), *[3] * (axes - 1))
            if self.run.data[name].shape != wanted:
                raise InputError(f"variable {name} has the wrong shape", where=directory, given=self.run.data[name].shape,
                                 allowed=wanted)
        if (self.t > 0).sum() < 2:
            raise InputError("fewer than two times, nothing to draw", where=directory)

    def running(self, which):
        """d(t) and its error: arrays (n,) [c r_g]."""
        return self.run.pair(f"d_{which}")

    def exponent(self, which):
        """Local exponent and error; across: mean of x and y, the error as if both erred together."""
        value, error = self.run.pair("exponent")
        return (value[:, 2], error[:, 2]) if which == "par" else (value[:, :2].mean(axis=1), error[:, :2].mean(axis=1))

    def diagonal(self, name, which):
        """The zz element of a tensor, or the mean of xx and yy, with error as `exponent`."""
        value, error = self.run.pair(name)
        if which == "par":
            return value[:, 2, 2], error[:, 2, 2]
        return 0.5 * (value[:, 0, 0] + value[:, 1, 1]), 0.5 * (error[:, 0, 0] + error[:, 1, 1])

    def plateau(self, which):
        """kappa, its error, first and last time of the window; NaN where the summary has none."""
        return self.run.plateau(f"kappa_{which}")

    def doubt(self, which):
        """What the run says against a plateau of kappa."""
        return self.run.doubt(f"kappa_{which}")

    def words(self):
        """The plateaus for the legend, "" if there are none."""
        parts = []
        for which in COLUMNS:
            kappa, error, *_ = self.plateau(which)
            if np.isfinite(kappa):
                flat = f" ({self.doubt(which)})" if self.doubt(which) else ""
                parts.append(f"$\\kappa_{SYMBOL[which]}$ = {measured(kappa, error)}{flat}")
        return ",  ".join(parts)


def running(seen):
    """The figure of a list of Orbits."""
    runs = [one.run for one in seen]
    figure, axes = plt.subplots(3, 2, figsize=(WIDTH, 6.9), sharex=True, height_ratios=(1.5, 1, 1))
    limits = min(one.t[one.t > 0][0] for one in seen), max(one.t[-1] for one in seen)
    for column, which in zip(axes.T, COLUMNS):
        column[0].set_yscale("log")
        column[0].set_xscale("log")
        column[2].axhline(0.0, color=GREY, linewidth=0.6, zorder=0)
        exponents(column[1], limits)
        for colour, one in zip(colours(len(seen)), seen):
            _draw(column, one, which, (colour, "C1" if len(seen) == 1 else colour))
        column[0].set_ylim(log_limits(np.concatenate([one.running(which)[0] for one in seen]), 5.0))
        column[0].set_xlim(limits)
        tidy_log(column[0].xaxis)
        tidy_log(column[0].yaxis)
        second_axis(column[0], "x", common_factor(runs, "time"), "$t$")
        second_axis(column[0], "y", common_factor(runs, f"d_{which}"), f"$d_{SYMBOL[which]}$")
        column[2].set_xlabel("$\\Omega t$")
    if len(seen) == 1 and np.isfinite(seen[0].plateau("par")[2]):
        for axis in axes.flat:
            axis.axvspan(*seen[0].plateau("par")[2:], color="0.93", zorder=-1, linewidth=0)
    axes[0, 0].set_ylabel("$d_\\parallel$  [$v\\,r_g$]")
    axes[0, 1].set_ylabel("$d_\\perp$  [$v\\,r_g$]")
    axes[1, 0].set_ylabel("$d\\,\\ln\\langle\\Delta z^2\\rangle/d\\,\\ln t$")
    axes[1, 1].set_ylabel("$d\\,\\ln\\langle\\Delta x^2\\rangle/d\\,\\ln t$")
    axes[2, 0].set_ylabel("$\\langle v_z(0)\\,v_z(t)\\rangle$  [$v^2$]")
    axes[2, 1].set_ylabel("$\\langle v_x(0)\\,v_x(t)\\rangle$  [$v^2$]")
    _legends(figure, seen)
    return figure


def _draw(column, one, which, pair):
    """One run into the three panels of a column; `pair`: its colour, and that of Green-Kubo."""
    colour, other = pair
    curve(column[0], one.t, one.running(which), colour)
    curve(column[0], one.t, one.diagonal("green_kubo", which), other, band=False, linestyle="--", linewidth=0.8)
    kappa, _, begin, end = one.plateau(which)
    if kappa > 0:
        column[0].plot([begin, end], [kappa, kappa], color=colour, linewidth=3.5, alpha=0.5, solid_capstyle="butt",
                       linestyle=(0, (0.8, 0.6)) if one.doubt(which) else "-")
    value, error = one.exponent(which)
    # Mean squares that ring have exponents far out of the panel: no strokes from one to the next.
    curve(column[1], one.t, (np.where(np.abs(value - 1) < 2, value, np.nan), error), colour)
    value, error = one.diagonal("velocity_correlation", which)
    gaps = np.flatnonzero(np.diff(one.t) > RESOLVED)
    last = gaps[0] + 1 if which == "perp" and len(gaps) else len(one.t)
    curve(column[2], one.t[:last], (value[:last], error[:last]), colour)
    column[2].errorbar(one.t[last:], value[last:], yerr=error[last:], color=colour, fmt=".", markersize=2.5, elinewidth=0.6)


def _legends(figure, seen):
    """Runs with their plateaus above, styles of line below."""
    from matplotlib.lines import Line2D

    names = labels([one.run for one in seen])
    words = [":  ".join(filter(None, (name, one.words()))) for name, one in zip(names, seen)]
    handles = [Line2D([], [], color=colour) for colour in colours(len(seen))]
    longest = max(map(len, words))
    figure.legend(handles, words, loc="outside upper center", ncols=2 if longest < 60 and len(seen) > 3 else 1, handlelength=1.6)
    other = "C1" if len(seen) == 1 else "0.2"
    styles = [(Line2D([], [], color="0.2"), "from the mean squares"),
              (Line2D([], [], color=other, linestyle="--", linewidth=0.8), "Green-Kubo"),
              (Line2D([], [], color="0.2", linewidth=3.5, alpha=0.5), "plateau $\\kappa$ [$v\\,r_g$] and its window")]
    figure.legend(*zip(*styles), loc="outside lower center", ncols=3)


def main():
    """Read the command line, draw, and say what was found."""
    seen, out = drawn("orbits.py", __doc__, Orbits)
    for one in seen:
        for which in COLUMNS:
            kappa, error, begin, end = one.plateau(which)
            if np.isfinite(kappa):
                flat = f", {one.doubt(which)}" if one.doubt(which) else ""
                window = f"for Omega t from {begin:.4g} to {end:.4g}{flat}"
                print(f"{one.run.directory}: kappa_{which} = {measured(kappa, error, 'v r_g')} {window}")
        if not one.run.summary:
            print(f"{one.run.directory}: no summary.json, the run has not ended; no plateau is drawn")
    save(running(seen), out, "running" if len(seen) == 1 else "running_compared")


if __name__ == "__main__":
    script(main)
