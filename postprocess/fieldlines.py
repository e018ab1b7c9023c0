"""Figure of field lines: running diffusion coefficients in both parametrisations; one run or several.

    python postprocess/fieldlines.py DIR [DIR ...] [--out DIR/figures]

Columns: along the arc length s, and along tau with d tau = ds/|B|, as far as the runs have them. Rows:
  D_perp = (1/4) d<dx^2 + dy^2>/ds with its jackknife error as a band, the plateau with its window (bar), and the
  quasi-linear value (dashed) where there is one;
  the local exponent, 1 where it is diffusive and 2 where it is ballistic.
The file is fieldlines, or fieldlines_compared where there are several runs. The plateaus are printed.
"""

import numpy as np
from common import script
from drawing import WIDTH, colours, log_limits, plt, save, second_axis, tidy_log
from ensembles import common_factor, curve, drawn, exponents, labels, measured, open_ensemble

from hpccr.errors import InputError

PARAMETERS = ("s", "tau")
ENTRY = {"s": "D_perp", "tau": "D_perp_tau"}
NAMES = {"s": "s", "tau": "\\tau"}
UNITS = {"s": ("$L_c$", "$L_c$"), "tau": ("$L_c/B_0$", "$L_c B_0$")}


class FieldLines:
    """A run on field lines, seen by its figure.

    Attributes
    ----------
    run : ensembles.Ensemble
    has : list of str
        Of s and tau, what the run has.
    """

    def __init__(self, directory):
        self.run = open_ensemble(directory, "fieldlines", ())
        self.has = [name for name in PARAMETERS if name in self.run.data.variables]
        if not self.has:
            raise InputError("variables are missing", where=directory, given="neither s nor tau")
        for name in self.has:
            missing = [part for part in (f"D_{name}", f"exponent_{name}") if part not in self.run.data.variables]
            if missing:
                raise InputError("variables are missing", where=directory, given=f"no {', '.join(missing)}")
            shapes = {self.run.data[part].shape for part in (name, f"D_{name}", f"exponent_{name}")}
            if len(shapes) != 1 or len(min(shapes)) != 1 or (self.along(name) > 0).sum() < 2:
                raise InputError(f"D_{name}, exponent_{name} and {name} do not fit together", where=directory,
                                 given=", ".join(map(str, shapes)), allowed="equally long, two values or more")

    def along(self, name):
        """s [L_c] or tau [L_c/B_ref]: array (n,)."""
        return self.run.data[name].values

    def exponent(self, name):
        """d ln<dx^2 + dy^2>/d ln s and its error: arrays (n,)."""
        return self.run.pair(f"exponent_{name}")

    def plateau(self, name):
        """D, its error, first and last s or tau of the window; NaN where the summary has none."""
        return self.run.plateau(ENTRY[name])

    def doubt(self, name):
        """What the run says against a plateau of D."""
        return self.run.doubt(ENTRY[name])

    @property
    def quasilinear(self):
        """The quasi-linear D_perp [L_c], NaN where there is none; tau has the same, for |B| = B0 then."""
        return float(self.run.data["qlt"].values) if "qlt" in self.run.data.variables else np.nan

    def words(self):
        """The plateaus for the legend, "" if there are none."""
        parts = []
        for name in PARAMETERS:
            D, error, *_ = self.plateau(name)
            if np.isfinite(D):
                flat = f" ({self.doubt(name)})" if self.doubt(name) else ""
                parts.append(f"$D_\\perp({NAMES[name]})$ = {measured(D, error)}{flat}")
        ratio = self.run.plateau("ratio_to_qlt")[:2]
        if np.isfinite(ratio[0]):
            parts.append(f"$D_\\perp(s)$/quasi-linear = {measured(*ratio)}")
        return ",  ".join(parts)


def fieldlines(seen):
    """The figure of a list of FieldLines."""
    names = [name for name in PARAMETERS if any(name in one.has for one in seen)]
    size = (WIDTH * (0.1 + 0.45 * len(names)), 4.9 + 0.15 * len(seen))
    figure, axes = plt.subplots(2, len(names), figsize=size, sharex="col", sharey="row", height_ratios=(1.6, 1), squeeze=False)
    mean_field = not any(one.run.deck.get("turbulence", {}).get("eta") == 1 for one in seen)
    for column, name in zip(axes.T, names):
        having = [one for one in seen if name in one.has]
        limits = min(x[x > 0].min() for x in (one.along(name) for one in having)), max(one.along(name)[-1] for one in having)
        column[0].set_xscale("log")
        column[0].set_yscale("log")
        exponents(column[1], limits)
        for colour, one in zip(colours(len(seen)), seen):
            if name in one.has:
                _draw(column, one, name, colour)
        column[0].set_xlim(limits)
        tidy_log(column[0].xaxis)
        x_unit, D_unit = [unit if mean_field else unit.replace("B_0", "B_\\mathrm{ref}") for unit in UNITS[name]]
        column[1].set_xlabel(f"${NAMES[name]}$  [{x_unit}]")
        column[0].set_ylabel(f"$D_\\perp({NAMES[name]})$  [{D_unit}]")
        column[1].set_ylabel(f"$d\\,\\ln\\langle\\Delta r_\\perp^2\\rangle/d\\,\\ln {NAMES[name]}$")
    drawn = [one.run.pair(f"D_{name}")[0] for one in seen for name in one.has] + [[one.quasilinear for one in seen]]
    axes[0, 0].set_ylim(log_limits(np.concatenate(drawn), 4.0))
    tidy_log(axes[0, 0].yaxis)
    for axis in axes[:, -1]:
        axis.tick_params(labelleft=True)
    for name, axis in zip(names, axes[0]):
        having = [one.run for one in seen if name in one.has]
        second_axis(axis, "x", common_factor(having, name), f"${NAMES[name]}$")
        second_axis(axis, "y", common_factor(having, f"D_{name}"), f"$D_\\perp({NAMES[name]})$")
    _legends(figure, seen)
    return figure


def _draw(column, one, name, colour):
    """One run into the two panels of a column."""
    x = one.along(name)
    curve(column[0], x, one.run.pair(f"D_{name}"), colour)
    if one.quasilinear > 0:
        column[0].axhline(one.quasilinear, color=colour, linestyle="--", linewidth=0.8)
    D, _, begin, end = one.plateau(name)
    if D > 0:
        column[0].plot([begin, end], [D, D], color=colour, linewidth=3.5, alpha=0.5, solid_capstyle="butt",
                       linestyle=(0, (0.8, 0.6)) if one.doubt(name) else "-")
    curve(column[1], x, one.exponent(name), colour)


def _legends(figure, seen):
    """Runs with their plateaus above, styles of line below."""
    from matplotlib.lines import Line2D

    words = [":  ".join(filter(None, (name, one.words()))) for name, one in zip(labels([one.run for one in seen]), seen)]
    handles = [Line2D([], [], color=colour) for colour in colours(len(seen))]
    figure.legend(handles, words, loc="outside upper center", handlelength=1.6)
    styles = [(Line2D([], [], color="0.2"), "running"),
              (Line2D([], [], color="0.2", linewidth=3.5, alpha=0.5), "plateau and its window")]
    if any(one.quasilinear > 0 for one in seen):
        styles.append((Line2D([], [], color="0.2", linestyle="--", linewidth=0.8), "quasi-linear"))
    figure.legend(*zip(*styles), loc="outside lower center", ncols=3)


def main():
    """Read the command line, draw, and say what was found."""
    seen, out = drawn("fieldlines.py", __doc__, FieldLines)
    for one in seen:
        for name in PARAMETERS:
            D, error, begin, end = one.plateau(name)
            if np.isfinite(D):
                flat = f", {one.doubt(name)}" if one.doubt(name) else ""
                value = measured(D, error, "L_c" if name == "s" else "L_c B_ref")
                print(f"{one.run.directory}: {ENTRY[name]} = {value} for {name} from {begin:.4g} to {end:.4g}{flat}")
        if one.quasilinear > 0:
            print(f"{one.run.directory}: quasi-linear {one.quasilinear:.4g} L_c")
        if not one.run.summary:
            print(f"{one.run.directory}: no summary.json, the run has not ended; no plateau is drawn")
    name = "fieldlines" if len(seen) == 1 else "fieldlines_compared"
    save(fieldlines(seen), out, name)


if __name__ == "__main__":
    script(main)
