"""Figures of a CR cloud: profiles along the tube, spectra at two distances, half-lives.

    python postprocess/cloud.py DIR [--out DIR/figures] [--energies "10 GeV, 1 TeV"] [--distances "10 pc, 50 pc"]

profiles    P_cr, −dP_cr/dz, I and D/D_ISM along z at several times, a column an energy (layout of Marcowith 2025, fig. 6)
spectra     E² dN/dE and D/D_ISM over energy at several times, a column a distance (fig. 5)
half_life   t_1/2(E), and residence time and grammage where the summary has them; a finished run only
"""

import numpy as np
from common import Arguments, open_run, quantities, script
from drawing import PLAIN, WIDTH, colours, energy_label, log_axis, log_limits, plt, positive, save, thinned, tidy_log

from hpccr.errors import InputError
from hpccr.units import kyr, pc

GREY = "0.55"
# R²/(D t) when half of a slab |z| < R has diffused out of it: erf x − (1 − exp(−x²))/(x√π) = 1/2 at x² = this.
HALF_OUT = 1.0810414
# A residence time is a lower limit where more than this part of the CRs is still there at the end.
STILL_THERE = 0.01


class Cloud:
    """A cloud run, seen by its figures.

    Attributes
    ----------
    run : common.Run
    shown : list of xarray.Dataset
        The snapshots that are drawn.
    z, E : arrays (nz,) [pc], (np,) [GeV]
    D_ism : array (np,) [cm²/s]
        D far away in the first snapshot.
    radius : array (np,) [pc], or None if the first snapshot is not the initial state
        Content over central pressure: the half length of the slab.
    """

    def __init__(self, directory):
        self.run = open_run(directory, "cloud", ("z", "z_face", "E", "distance", "P_cr", "I", "D", "spectrum"))
        first = self.run.snapshots[0]
        self.shown = [self.run.snapshots[i] for i in thinned(self.run.times)]
        self.z, self.E = first["z"].values, first["E"].values
        self.whole = self.z[0] < 0
        self.D_ism = first["D"].values[-1]
        self.radius = self._radius(first) if self.run.times[0] == 0 else None

    def _radius(self, first):
        P = first["P_cr"].values - first["P_cr"].values[-1]
        content = (P * np.diff(first["z_face"].values)[:, None]).sum(axis=0)
        return content / P.max(axis=0) / (2 if self.whole else 1)

    @property
    def outside(self):
        """Indices of the cells with z > 0."""
        return np.flatnonzero(self.z > 0)

    def labels(self):
        return [f"{float(s['time']):.4g} {s['time'].attrs.get('units', 'kyr')}" for s in self.shown]

    def half_life(self, j):
        """t_1/2 of energy j [kyr], or None."""
        return (self.run.summary or {}).get("half_life", {}).get("value", {j: None})[j]

    def at(self, snapshot, name, distance):
        """A variable at `distance` [pc], linear between cells as in the run itself: array (np,)."""
        values = snapshot[name].values
        return np.array([np.interp(distance, self.z, lane) for lane in values.T])

    def spectrum(self, snapshot, distance):
        """E² dN/dE at `distance` [pc]: array (np,) [erg/cm³]; as stored, elsewhere 3 P_cr (E = p c)."""
        stored = snapshot["distance"].values
        match = np.flatnonzero(np.isclose(stored, distance, rtol=1e-6))
        return snapshot["spectrum"].values[match[0]] if len(match) else 3 * self.at(snapshot, "P_cr", distance)


# -- profiles ------------------------------------------------------------------------------------------------


def profiles(cloud, columns):
    """Figure of P_cr, −dP_cr/dz, I, D/D_ISM along z; `columns` are indices of energies."""
    figure, axes = plt.subplots(4, len(columns), figsize=(WIDTH * (0.14 + 0.86 * len(columns) / 3), 7.6), sharex=True,
                                sharey="row", squeeze=False)
    outward = np.sign(cloud.z)[:, None]
    slope = lambda s: -outward * np.gradient(s["P_cr"].values, cloud.z, axis=0)     # noqa: E731 - a row like the others
    along = "d|z|" if cloud.whole else "dz"
    rows = [("$P_\\mathrm{CR}$  [erg cm$^{-3}$]", lambda s: s["P_cr"].values, 6),
            (f"$-\\,dP_\\mathrm{{CR}}/{along}$  [erg cm$^{{-3}}$ pc$^{{-1}}$]", slope, 6),
            ("$I$", lambda s: s["I"].values, 8),
            ("$D/D_\\mathrm{ISM}$", lambda s: s["D"].values / cloud.D_ism, 8)]
    for row, (label, value, decades) in zip(axes, rows):
        drawn = [value(s)[:, columns] for s in cloud.shown]
        limits = log_limits(drawn, decades, 1.5)
        for axis, k in zip(row, range(len(columns))):
            for colour, values, time in zip(colours(len(drawn)), drawn, cloud.labels()):
                axis.plot(cloud.z, positive(values[:, k]), color=colour, label=time)
                axis.plot(cloud.z, positive(-values[:, k]), color=colour, linestyle=":")
            axis.set_yscale("log")
            axis.set_ylim(limits)
            tidy_log(axis.yaxis)
            _mark_radius(axis, cloud, columns[k])
        row[0].set_ylabel(label)
    _z_axis(axes, cloud, columns)
    for axis, j in zip(axes[0], columns):
        half = cloud.half_life(j)
        axis.set_title(energy_label(cloud.E[j]) + (f"   ($t_{{1/2}}$ = {half:.3g} kyr)" if half else ""))
    if _inward(axes[1]):
        axes[0, 0].plot([], [], color="0.3", linestyle=":", label="rising outwards")
    _legend(figure, axes[0, 0])
    return figure


def _inward(row):
    """Whether a dotted curve, the gradient the other way round, shows in any of the panels."""
    dotted = [(axis, line) for axis in row for line in axis.get_lines() if line.get_linestyle() == ":"]
    return any(np.nanmax(line.get_ydata(), initial=0.0) > axis.get_ylim()[0] for axis, line in dotted)


def _mark_radius(axis, cloud, j):
    if cloud.radius is not None:
        for side in (1, -1) if cloud.whole else (1,):
            axis.axvline(side * cloud.radius[j], color=GREY, linewidth=0.6, linestyle=(0, (1, 2)), zorder=0)


def _z_axis(axes, cloud, columns):
    """A log axis from well inside the cloud to where the last CRs are; the whole line has one on each side of z = 0."""
    radius = cloud.radius[columns] if cloud.radius is not None else np.array([cloud.z[-1] / 50])
    P = np.stack([s["P_cr"].values[:, columns] for s in cloud.shown])
    reached = cloud.outside[(P[:, cloud.outside] > 1e-6 * P.max()).any(axis=(0, 2))]
    inner = max(radius.min() / 15, cloud.z[cloud.outside[0]])
    outer = max(cloud.z[reached[-1]] if len(reached) else 0, 3 * radius.max())
    for axis in axes.flat:
        if cloud.whole:
            axis.set_xscale("symlog", linthresh=radius.min(), linscale=0.8)
            axis.set_xlim(-outer, outer)
            axis.xaxis.set_major_formatter(PLAIN)
        else:
            axis.set_xscale("log")
            axis.set_xlim(inner, outer)
            tidy_log(axis.xaxis)
    for axis in axes[-1]:
        axis.set_xlabel("$z$  [pc]")


def _legend(figure, axis):
    lines, names = axis.get_legend_handles_labels()
    columns = min(len(names), int(figure.get_figwidth() / 0.85))
    figure.legend(lines, names, loc="outside upper center", ncols=columns, handlelength=1.4, columnspacing=1.4)


# -- spectra -------------------------------------------------------------------------------------------------


def spectra(cloud, distances):
    """Figure of E² dN/dE and D/D_ISM over energy, a column a distance [pc]."""
    figure, axes = plt.subplots(2, len(distances), figsize=(WIDTH * (0.2 + 0.4 * len(distances)), 5.0), sharex=True,
                                sharey="row", squeeze=False)
    released = 3 * cloud.run.snapshots[0]["P_cr"].values.max(axis=0) if cloud.radius is not None else None
    above, below = [], []
    for column, distance in zip(axes.T, distances):
        for colour, snapshot, time in zip(colours(len(cloud.shown)), cloud.shown, cloud.labels()):
            above.append(cloud.spectrum(snapshot, distance))
            below.append(cloud.at(snapshot, "D", distance) / cloud.D_ism)
            style = {"color": colour, "label": time, "marker": "o" if len(cloud.E) < 3 else None}
            column[0].plot(cloud.E, positive(above[-1]), **style)
            column[1].plot(cloud.E, positive(below[-1]), **style)
        if released is not None:
            column[0].plot(cloud.E, released, color=GREY, linestyle="--", linewidth=0.8, label="released, in the cloud")
        column[0].set_title(f"z = {distance:.4g} pc")
    for row, values, decades in zip(axes, (above + ([released] if released is not None else []), below), (5, 6)):
        for axis in row:
            axis.set_yscale("log")
            axis.set_ylim(log_limits(values, decades, 1.5))
            tidy_log(axis.yaxis)
            log_axis(axis, cloud.E)
    axes[0, 0].set_ylabel("$E^2\\,dN/dE$  [erg cm$^{-3}$]")
    for axis in axes[1]:
        axis.set_xlabel("$E$  [GeV]")
    axes[1, 0].set_ylabel("$D/D_\\mathrm{ISM}$")
    _legend(figure, axes[0, 0])
    return figure


# -- half-lives ----------------------------------------------------------------------------------------------


def half_life(cloud):
    """Figure of t_1/2, and of residence time and grammage where known, over energy."""
    summary = cloud.run.summary
    present = [name for name in ("half_life", "residence_time", "grammage") if name in summary]
    figure, axes = plt.subplots(1, len(present), figsize=(max(WIDTH * len(present) / 3, 3.4), 2.7), squeeze=False)
    left = np.array(summary.get("residence_time", {}).get("left") or [0.0], float)
    for axis, name in zip(axes[0], present):
        entry = summary[name]
        E, value = np.array(entry["E"], float), np.array(entry["value"], float)
        error = np.nan_to_num(np.array(entry.get("error") or np.zeros(len(E)), float))
        if name == "half_life":
            limit = np.isnan(value)
            value = np.where(limit, cloud.run.end, value)
            _diffusion_alone(axis, cloud)
        else:
            limit = np.broadcast_to(left > STILL_THERE, E.shape)
        style = {"color": "C0", "linewidth": 0.8, "elinewidth": 0.8, "capsize": 1.5}
        axis.errorbar(E[~limit], value[~limit], yerr=error[~limit], fmt="o-", **style)
        if limit.any():
            axis.errorbar(E[limit], value[limit], yerr=0.4 * value[limit], lolims=True, fmt="o", markerfacecolor="white",
                          label="lower limit", **style)
        axis.set_yscale("log")
        axis.set_xlabel("$E$  [GeV]")
        axis.set_ylabel(f"{LABELS[name]}  [{UNITS.get(entry['unit'], entry['unit'])}]")
        drawn = [value] + [line.get_ydata() for line in axis.get_lines()]
        low, high = log_limits(np.concatenate(drawn), 8)
        middle = np.sqrt(low * high)
        axis.set_ylim(min(low, middle / 5), max(high, middle * 5))
        tidy_log(axis.yaxis)
        log_axis(axis, E, 1.5)
        if axis.get_legend_handles_labels()[0]:
            axis.legend(loc="best")
    return figure


LABELS = {"half_life": "half-life  $t_{1/2}$", "residence_time": "residence time", "grammage": "grammage"}
UNITS = {"g/cm2": "g cm$^{-2}$"}


def _diffusion_alone(axis, cloud):
    """The half-life of a slab that diffuses with D_ISM: what CRs without waves of their own would have."""
    if cloud.radius is not None:
        time = (cloud.radius * pc) ** 2 / (HALF_OUT * cloud.D_ism) / kyr
        axis.plot(cloud.E, time, color=GREY, linestyle="--", linewidth=0.8, label="diffusion with $D_\\mathrm{ISM}$ alone")


# -- the command ---------------------------------------------------------------------------------------------


def _columns(cloud, text):
    """Indices of the energies nearest to those asked for; by default the ends and the middle."""
    if text is None:
        wanted = [cloud.E[0], np.sqrt(cloud.E[0] * cloud.E[-1]), cloud.E[-1]]
    else:
        wanted = quantities(text, "GeV", "--energies", cloud.E[0], cloud.E[-1])
    nearest = [int(np.abs(np.log(cloud.E / E)).argmin()) for E in wanted]
    return list(dict.fromkeys(nearest))


def _distances(cloud, text):
    if text is None:
        return [float(x) for x in cloud.run.snapshots[0]["distance"].values[:2]]
    return quantities(text, "pc", "--distances", cloud.z[cloud.outside[0]], cloud.z[-1])


def main():
    """Read the command line, draw, and say what was found."""
    parser = Arguments(prog="cloud.py", description=__doc__.split("\n")[0])
    parser.add_argument("directory", metavar="DIR", help="the run")
    parser.add_argument("--out", help="where the figures go; default DIR/figures")
    parser.add_argument("--energies", help='columns of the profiles, such as "10 GeV, 1 TeV"')
    parser.add_argument("--distances", help='columns of the spectra, such as "10 pc, 50 pc"')
    given = parser.parse_args()
    cloud = Cloud(given.directory)
    columns, distances = _columns(cloud, given.energies), _distances(cloud, given.distances)
    if max(len(columns), len(distances)) > 6:
        raise InputError("too many columns", where="--energies, --distances", allowed="at most 6 of each")
    out = given.out or cloud.run.directory / "figures"
    save(profiles(cloud, columns), out, "profiles")
    save(spectra(cloud, distances), out, "spectra")
    if cloud.run.summary is None:
        print(f"{given.directory}: no summary.json, the run has not ended; half_life is not drawn")
    elif "half_life" in cloud.run.summary:
        save(half_life(cloud), out, "half_life")


if __name__ == "__main__":
    script(main)
