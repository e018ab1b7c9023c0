"""Figure of the gas in runs of `feedback`: density, velocity and pressures along r, with the exact ones of shock tubes and blasts.

    python postprocess/gas.py DIR [--out DIR/figures]

gas         n, v, P_g and, where there are CRs, P_cr along r at several times; dashed the exact solution of a shock tube of gas, or of gas
            and CRs that are tied to it, in a slab, and of a strong blast wave in a sphere
"""

import numpy as np
from common import one_figure, open_run, script
from drawing import WIDTH, colours, log_limits, plt, thinned, tidy_log

from hpccr.deck import reader
from hpccr.physics.blast import sedov
from hpccr.physics.riemann import cosmic_ray_shock_tube
from hpccr.problems import registry
from hpccr.units import kyr, m_p, pc

# Variable, label, and what makes its unit of the one in cgs.
ROWS = (("n", "$n$  [cm$^{-3}$]", 1 / m_p), ("v", "$v$  [km s$^{-1}$]", 1e-5),
        ("P_g", "$P_g$  [erg cm$^{-3}$]", 1.0), ("P_cr", "$P_\\mathrm{CR}$  [erg cm$^{-3}$]", 1.0))


class Gas:
    """A run of `feedback`, seen by its figure.

    Attributes
    ----------
    run : common.Run
    shown : list of xarray.Dataset
        The snapshots that are drawn.
    deck : hpccr.deck.reader.Deck
    r : array (nr,) [pc]
    """

    def __init__(self, directory):
        self.run = open_run(directory, "feedback", ("r", "e_cr", *(name for name, _, _ in ROWS)))
        self.shown = [self.run.snapshots[i] for i in thinned(self.run.times, 5)]
        self.deck = reader.read(self.run.directory / "deck.toml", problems=registry)
        self.r = self.shown[0]["r"].values

    def exact(self, snapshot):
        """(ρ, v, P_g, P_cr) in cgs: arrays (nr,); or None, where no exact solution is known."""
        gas, transport, t = self.deck.gas, self.deck.transport, float(snapshot["time"]) * kyr
        if t == 0 or gas.cooling or gas.conduction or gas.heating or gas.expansion != 0 or not gas.motion:
            return None
        if transport.D0 > 0 or transport.losses:
            return None
        # The tube is plane, the blast round.
        kind = (self.deck.initial.kind, gas.geometry)
        first = self.run.snapshots[0]
        if kind == ("tube", "slab"):
            # What has come back from a wall is not in it.
            if any(abs(snapshot[name].values[end] - first[name].values[end]) > 1e-3 * first[name].values.max() for name in ("n", "P_g") for end in (0, -1)):
                return None
            P, e = (float(first[name].values.max()) for name in ("P_cr", "e_cr"))
            # CRs of one index, as far as they are all fast or all slow.
            gamma = 1 + P / e if e > 0 else 4 / 3
            if min(abs(gamma / one - 1) for one in (4 / 3, 5 / 3)) > 0.03:
                return None
            left, right = ((m_p * first["n"].values[end], 0.0, first["P_g"].values[end], first["P_cr"].values[end]) for end in (0, -1))
            return cosmic_ray_shock_tube((self.r * pc - self.deck.source.radius) / t, left, right, gamma_cr=gamma)
        if kind == ("blast", "sphere"):
            rho, v, P = sedov(self.r * pc, t, self.deck.source.energy, m_p * first["n"].values[-1])
            return rho, v, P, np.zeros_like(P)
        return None


def figure(seen):
    """A panel for each variable; colours are times."""
    rows = [row for row in ROWS if any(snapshot[row[0]].values.any() for snapshot in seen.shown)]
    picture, axes = plt.subplots(2, 2, figsize=(WIDTH, 4.8), sharex=True)
    for axis, (name, label, factor) in zip(axes.flat, rows):
        for colour, snapshot in zip(colours(len(seen.shown)), seen.shown):
            time = f"{float(snapshot['time']):.4g} {snapshot['time'].attrs.get('units', 'kyr')}"
            axis.plot(seen.r, snapshot[name].values, color=colour, label=time)
        for snapshot in seen.shown:
            exact = seen.exact(snapshot)
            if exact is not None:
                axis.plot(seen.r, factor * exact[ROWS.index((name, label, factor))], color="black", linestyle=(0, (2, 3)), linewidth=0.8,
                          label="exact" if snapshot is seen.shown[-1] else None)
        highest = [snapshot[name].values.max() for snapshot in seen.shown]
        if name.startswith("P") and highest[0] > 30 * highest[-1] > 0:
            axis.set_yscale("log")
            axis.set_ylim(log_limits(np.array([snapshot[name].values for snapshot in seen.shown]), 6))
            tidy_log(axis.yaxis)
        axis.set_ylabel(label)
        axis.set_xlim(0, seen.r[-1])
    for axis in axes.flat[len(rows):]:
        axis.set_axis_off()
    for axis in axes.flat[max(0, len(rows) - 2):len(rows)]:
        axis.tick_params(labelbottom=True)
        axis.set_xlabel("$r$  [pc]")
    lines, names = axes[0, 0].get_legend_handles_labels()
    picture.legend(lines, names, loc="outside upper center", ncols=8, handlelength=1.4, columnspacing=1.4)
    return picture


def main():
    """Read the command line and draw."""
    one_figure("gas", __doc__, Gas, figure)


if __name__ == "__main__":
    script(main)
