"""Figure of pitch-angle scattering: D_mumu over mu against quasi-linear theory; one run or several.

    python postprocess/dmumu.py DIR [DIR ...] [--out DIR/figures]

Above: D_mumu/Omega with jackknife errors, and the quasi-linear curve where the run has one (slab waves along a mean
field). Quasi-linear theory has no scattering through 90 degrees: D_mumu falls to 0 at mu = 0, and is 0 where no wave is short enough,
|mu| < 1/(k_max r_g), shaded. Below: the ratio, with a band of 10 %. The file is dmumu, or dmumu_compared.
"""

import numpy as np
from common import script
from drawing import GREY, WIDTH, colours, plt, save
from ensembles import drawn, labels, measured, open_ensemble

from hpccr.errors import InputError

VARIABLES = ("mu", "D_mumu")
# Ratios are printed for the bins that hold these |mu|.
PRINTED = (0.3, 0.5, 0.8)


class Scattering:
    """A run on orbits, seen by its figure.

    Attributes
    ----------
    run : ensembles.Ensemble
    mu, D, error : array (n,)
        Bin centres, D_mumu/Omega and its error.
    theory : array (n,)
        NaN where there is none.
    """

    def __init__(self, directory):
        self.run = open_ensemble(directory, "orbits", VARIABLES)
        self.mu = np.atleast_1d(self.run.data["mu"].values)
        self.D, self.error = self.run.pair("D_mumu")
        self.theory = self.run.data["D_mumu_qlt"].values if "D_mumu_qlt" in self.run.data else np.full(len(self.mu), np.nan)
        if not self.D.shape == self.theory.shape == self.mu.shape:
            raise InputError("mu and D_mumu do not fit together", where=directory,
                             given=f"{self.mu.shape}, {self.D.shape}, {self.theory.shape}", allowed="one value for each mu")
        if not np.isfinite(self.D).any():
            raise InputError("D_mumu is nowhere known", where=directory, allowed="a run longer than the lag of D_mumu")

    @property
    def lag(self):
        """Time over which mu changes [1/Omega], NaN if the file does not say."""
        return float(self.run.data["lag"]) if "lag" in self.run.data.variables else np.nan

    @property
    def gap(self):
        """|mu| below which no wave is in resonance, 1/(k_max r_g), at most 1; 0 where there is no quasi-linear theory, which knows resonance
        alone, without a mean field, or if the summary does not say."""
        reach = self.run.number("resonance")
        known = "D_mumu_qlt" in self.run.data and self.run.number("eta") != 1
        return min(1 / reach, 1.0) if reach > 0 and known else 0.0

    def ratio(self):
        """D_mumu over the quasi-linear one and its error, NaN where that is 0 or not known: arrays (n,)."""
        theory = np.where(self.theory > 0, self.theory, np.nan)
        return self.D / theory, self.error / theory

    def theory_line(self):
        """The quasi-linear curve with upright edges where it falls to 0, at the gap or halfway between bins: two arrays."""
        x, y = [self.mu[0]], [self.theory[0]]
        for i in range(1, len(self.mu)):
            a, b, left, right = self.mu[i - 1], self.mu[i], self.theory[i - 1], self.theory[i]
            if (left > 0) != (right > 0):
                edge = next((e for e in (-self.gap, self.gap) if a <= e <= b), 0.5 * (a + b))
                x, y = [*x, edge, edge], [*y, left, right]
            x, y = [*x, b], [*y, right]
        return np.array(x), np.array(y)

    def near(self, mu):
        """The ratio near |mu|, mean of the bins at mu and −mu, and its error as if both erred together: (float, float)."""
        bins = [int(np.abs(self.mu - sign * mu).argmin()) for sign in (-1, 1)]
        value, error = self.ratio()
        return value[bins].mean(), error[bins].mean()


def dmumu(seen):
    """The figure of a list of Scattering."""
    theory = any(np.isfinite(one.theory).any() for one in seen)
    figure, axes = plt.subplots(2 if theory else 1, 1, figsize=(0.68 * WIDTH, 5.0 if theory else 3.4), sharex=True, squeeze=False,
                                height_ratios=(2, 1) if theory else None)
    upper, axes = axes[0, 0], axes[:, 0]
    names = labels([one.run for one in seen], [f"lag {one.lag:.3g}/$\\Omega$" if np.isfinite(one.lag) else "" for one in seen])
    for colour, one in zip(colours(len(seen)), seen):
        style = {"color": colour, "fmt": "o", "elinewidth": 0.8, "capsize": 1.5}
        upper.errorbar(one.mu, one.D, yerr=np.nan_to_num(one.error), **style)
        if np.isfinite(one.theory).any():
            upper.plot(*one.theory_line(), color=colour, linewidth=0.9)
            axes[1].errorbar(one.mu, one.ratio()[0], yerr=np.nan_to_num(one.ratio()[1]), **style)
    _gap(axes, seen, theory)
    _levels(upper, seen)
    if theory:
        axes[1].axhspan(0.9, 1.1, color="0.88", linewidth=0, zorder=-1)
        axes[1].axhline(1.0, color=GREY, linewidth=0.8, zorder=0)
        axes[1].annotate("±10 %", (0, 1.1), (0, 2), textcoords="offset points", ha="center", color="0.4", fontsize=7)
        known = np.concatenate([one.ratio()[0] for one in seen])
        low, high = np.percentile(known[np.isfinite(known)], (3, 97)) if np.isfinite(known).any() else (1, 1)
        axes[1].set_ylim(max(min(0.5, low - 0.1), 0), min(max(1.5, high + 0.15), 4))
        axes[1].set_ylabel("ratio to theory")
    axes[-1].set_xlabel("$\\mu$")
    axes[-1].set_xlim(-1, 1)
    upper.set_ylabel("$D_{\\mu\\mu}/\\Omega$")
    handles = list(upper.containers) + upper.plot([], [], color="0.2", linewidth=0.9) * theory
    figure.legend(handles, names + ["quasi-linear theory"] * theory, loc="outside upper center", ncols=min(len(seen) + theory, 2))
    return figure


def _gap(axes, seen, theory):
    """90 degrees, and where no wave is in resonance."""
    gap = max(one.gap for one in seen)
    axes[0].axvline(0.0, ymax=0.85, color=GREY, linestyle=":", linewidth=0.8, zorder=0)
    for axis in axes:
        if gap > 0:
            axis.axvspan(-gap, gap, color="0.93", linewidth=0, zorder=-2)
    if theory or gap > 0:
        words = "gap at 90°:\nno resonant wave" if gap > 0 else "gap at 90°"
        axes[0].annotate(words, (0.5, 0.97), xycoords="axes fraction", ha="center", va="top", color="0.4", fontsize=7)


def _levels(axis, seen):
    """A linear axis from 0, or a logarithmic one where the runs are far apart."""
    tops = [np.nanmax(one.D) for one in seen]
    if max(tops) > 8 * min(tops) > 0:
        axis.set_yscale("log")
        axis.set_ylim(0.02 * min(tops), 3 * max(tops))
    else:
        axis.set_ylim(0, 1.3 * max([np.nanmax(one.theory, initial=0.0) for one in seen] + tops))
        axis.ticklabel_format(axis="y", scilimits=(-3, 3), useMathText=True)


def main():
    """Read the command line, draw, and say what was found."""
    seen, out = drawn("dmumu.py", __doc__, Scattering)
    for one in seen:
        if not np.isfinite(one.theory).any():
            print(f"{one.run.directory}: no quasi-linear D_mumu in the snapshot (it takes slab waves with a spectrum, and a mean field); no ratio is drawn")
            continue
        if one.gap == 1:
            print(f"{one.run.directory}: no wave is short enough to be in resonance; no ratio is known")
        for mu in (mu for mu in PRINTED if mu > one.gap):
            print(f"{one.run.directory}: |mu| near {mu:g}: D_mumu/quasi-linear = {measured(*one.near(mu))}")
    save(dmumu(seen), out, "dmumu" if len(seen) == 1 else "dmumu_compared")


if __name__ == "__main__":
    script(main)
