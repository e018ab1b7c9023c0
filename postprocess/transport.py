"""Figure of test particles that diffuse, drift and lose momentum: profiles and spectra at several times.

    python postprocess/transport.py DIR [--out DIR/figures]

transport   above f over its value at the source at first, along r, at the lowest, a middle and the highest momentum; with the
            exact solution (dashed) where there is one. Below p^4 f at the centre of the source and at two and four of its
            widths from there; where momentum is lost, dotted: from here on nothing is left, however high its first momentum
"""

import numpy as np
from common import one_figure, open_run, script
from drawing import WIDTH, colours, energy_label, log_axis, log_limits, plt, positive, thinned, tidy_log

from hpccr.deck import reader
from hpccr.problems import registry
from hpccr.units import GeV, kyr, pc

# Distances of the spectra from the centre of the source, in its widths.
DISTANCES = (0, 2, 4)


class Particles:
    """A run of `transport`, seen by its figure.

    Attributes
    ----------
    run : common.Run
    shown : list of xarray.Dataset
        The snapshots that are drawn.
    problem : hpccr.problems.transport.Transport
        Of the run's deck: it knows the exact solution.
    r, p : arrays (nr,) [pc], (np,) [GeV/c]
    """

    def __init__(self, directory):
        self.run = open_run(directory, "transport", ("r", "p", "f"))
        self.shown = [self.run.snapshots[i] for i in thinned(self.run.times)]
        self.problem = registry.load("transport")(reader.read(self.run.directory / "deck.toml", problems=registry))
        self.r, self.p = self.shown[0]["r"].values, self.shown[0]["p"].values

    @property
    def scale(self):
        """f of each momentum in the centre of the source at first: array (np,)."""
        return self.problem.scales()[0]

    def label(self, snapshot):
        return f"{float(snapshot['time']):.4g} {snapshot['time'].attrs.get('units', 'kyr')}"

    def exact(self, snapshot):
        """The exact f: array (nr, np), or None."""
        return self.problem.exact(float(snapshot["time"]) * kyr)

    def last(self, snapshot):
        """Momentum to which even the highest has fallen [GeV/c]: dp/dt ~ -p^b with b > 1 takes a time t from infinity to there."""
        transport, time = self.problem.deck.transport, float(snapshot["time"]) * kyr
        power = transport.loss_index - 1
        # A flow that converges gives momentum.
        if transport.loss_time is None or power <= 0 or time == 0 or transport.gradient < 0:
            return None
        return transport.p0 / GeV * (transport.loss_time / (power * time)) ** (1 / power)


def figure(seen):
    """Profiles above, spectra below."""
    columns = sorted({0, len(seen.p) // 2, len(seen.p) - 1})
    picture, axes = plt.subplots(2, 3, figsize=(WIDTH, 4.8), sharey="row", squeeze=False)
    source = seen.problem.deck.source
    drawn = [profile(axis, seen, j) for axis, j in zip(axes[0], columns)]
    _limits(axes[0], drawn, 5)
    reached = seen.r[(np.max(drawn, axis=(0, 1)) > 1e-5 * np.max(drawn))]
    for axis in axes[0, :len(columns)]:
        axis.set_xlim(reached[0], reached[-1])
    for axis in axes[0, len(columns):]:
        axis.set_axis_off()
    _limits(axes[1], [spectrum(axis, seen, (source.at + widths * source.width) / pc) for axis, widths in zip(axes[1], DISTANCES)], 4)
    axes[0, 0].set_ylabel("$f/f(t=0,\\,\\mathrm{source})$")
    axes[1, 0].set_ylabel("$p^4 f$  [(GeV/c)$^4$, in units of $f(p_0)$]")
    lines, names = axes[0, 0].get_legend_handles_labels()
    picture.legend(lines, names, loc="outside upper center", ncols=8, handlelength=1.4, columnspacing=1.4)
    return picture


def _limits(row, drawn, decades):
    """The limits of a row of panels, which share them."""
    row[0].set_yscale("log")
    row[0].set_ylim(log_limits(drawn, decades))
    tidy_log(row[0].yaxis)


def profile(axis, seen, j):
    """f over r at one momentum; returns what is drawn: array (times, nr)."""
    drawn = np.array([snapshot["f"].values[:, j] / seen.scale[j] for snapshot in seen.shown])
    for colour, snapshot, values in zip(colours(len(drawn)), seen.shown, drawn):
        axis.plot(seen.r, positive(values), color=colour, label=seen.label(snapshot))
    for snapshot in seen.shown:
        exact = seen.exact(snapshot)
        if exact is not None:
            axis.plot(seen.r, positive(exact[:, j] / seen.scale[j]), color="black", linestyle=(0, (2, 3)), linewidth=0.8,
                      label="exact" if snapshot is seen.shown[-1] else None)
    axis.set_xlabel("$r$  [pc]")
    axis.set_title(f"p = {energy_label(seen.p[j])}/c")
    return drawn


def spectrum(axis, seen, distance):
    """p^4 f over p at a distance [pc] from the origin; returns what is drawn: array (times, np)."""
    cell = int(np.abs(seen.r - distance).argmin())
    drawn = np.array([seen.p**4 * snapshot["f"].values[cell] for snapshot in seen.shown])
    for colour, snapshot, values in zip(colours(len(drawn)), seen.shown, drawn):
        axis.plot(seen.p, positive(values), color=colour, marker="." if len(seen.p) < 12 else None)
        last = seen.last(snapshot)
        if last is not None and last < seen.p[-1]:
            axis.axvline(last, color=colour, linestyle=":", linewidth=0.8)
    log_axis(axis, seen.p)
    axis.set_xlabel("$p$  [GeV/c]")
    axis.set_title(f"r = {seen.r[cell]:.3g} pc")
    return drawn


def main():
    """Read the command line and draw."""
    one_figure("transport", __doc__, Particles, figure)


if __name__ == "__main__":
    script(main)
