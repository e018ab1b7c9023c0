"""Figures of cosmic rays that drive the gas around their source (layout of Shimoda, Asano & Inutsuka 2025); one run or several.

    python postprocess/feedback.py RUN [RUN ...] [--out RUN/figures] [--data DIR]

pressure    P_cr over r at 0.5 kyr, 10 kyr and 1 Myr (fig. 1)
velocity    v over r at the same times (fig. 2)
work        CR energy density at some energies and −t v dP_cr/dr, panels in time (fig. 3)
spectra     CR energy per ln p left in the box, escaped, their sum, at 1 and 10 Myr (fig. 4)
heating     P_g, T, t × wave heating, −t × conduction, panels in time (fig. 5)
cr_heating  T of two runs with the same D0, with CR heating and with gas.heating = false (fig. 6)
edge        close-up of T and n from 10 kyr to 1 Myr (fig. 7)
cavity      P_g and n from 1 to 10 Myr (fig. 8)
intensity   E² J near 1 pc in time (fig. 9)
expelled    mass expelled and CR energy left over time (fig. 10)
emission    proxies of Hα and [O III] over r and along lines of sight
local       with --data: E² J of three sources of 1.2, 2.9, 6.6 Myr at 228.7, 41.2, 2.5 pc and the measured protons (fig. 11)
local_distant   the same at 237.5, 258.0, 234.6 pc, with distant sources: a power law fitted to the rest (fig. 12)

Figures 1, 2, 4, 10 compare all runs with CR heating; the others show the run whose D0 is nearest to the published one. Times
are those of the nearest snapshots, as the legends say. Totals of slabs are per cm²; slabs and spheres are not compared. A figure
whose variables or times are not there is left out, with a line on standard error. Of gas alone, as in shock tubes and blasts, postprocess/gas.py draws more.
"""

import sys
from functools import cached_property
from pathlib import Path

import numpy as np
from common import Arguments, entry, open_run, read_deck, script
from drawing import WIDTH, Absent, colours, legend, plt, positive, sample, save, second_axis, thinned, tidy_log, upright
from feedback_figures import (cavity, cr_heating, edge, emission, epochs, having, heating, kinetic_axis, labels, nearest,
                              pressure, time_label, tints, velocity, work)

from hpccr import units
from hpccr.errors import InputError
from hpccr.physics import protons

m_p_GeV = units.m_p * units.c**2 / units.GeV
# Ages [kyr] and distances [pc] of the sources of the published fits to the protons near Earth: alone (fig. 11), and with distant ones (12).
AGES, TINTS = (1200, 2900, 6600), ("#8e4fb5", "#2a8f4b", "#22a7c4")
NEAR, WITH_DISTANT = (228.7, 41.2, 2.5), (237.5, 258.0, 234.6)
# Distant sources give a power law in p, fitted to the protons above the Sun's modulation and below what the near ones make of them [GeV].
FITTED = (30.0, 500.0)


def _quantity(path, deck, section, key, unit, usual=""):
    """A value of a deck in `unit`: float.

    Raises
    ------
    InputError
        It is not there, or no quantity.
    """
    given = entry(deck, section).get(key, usual)
    try:
        return units.parse(given if isinstance(given, str) else "", unit)
    except units.QuantityError as error:
        raise InputError(error.what, where=f"{path}, [{section}] {key}", given=given) from None


class Feedback:
    """A feedback run, seen by its figures.

    Attributes
    ----------
    run : common.Run
    D0 : float
        [cm²/s], as the deck has it.
    heated : bool
        Whether CRs heat the gas.
    round : bool
        Whether the box is a sphere, not a slab.
    streams : bool
        Whether CRs stream with their waves.
    beyond : float
        Where gas counts as expelled [pc].
    """

    def __init__(self, directory):
        self.run = open_run(directory, "feedback", ("r",))
        path = self.run.directory / "deck.toml"
        deck = read_deck(path)
        self.D0 = _quantity(path, deck, "transport", "D0", "cm2/s")
        self.beyond = min(_quantity(path, deck, "diagnostics", "expelled_beyond", "cm", "200 pc") / units.pc, self.outer)
        self.heated = entry(deck, "gas").get("heating") is not False
        self.round = entry(deck, "gas").get("geometry", "sphere") == "sphere"
        self.streams = entry(deck, "transport").get("wave_model") == "streaming"

    @property
    def r(self):
        """Middles of the cells: array (nr,) [pc]."""
        return self.run.snapshots[0]["r"].values

    @property
    def ends(self):
        """Inner and outer end of the box: (float, float) [pc]."""
        first = self.run.snapshots[0]
        faces = first["r_face" if "r_face" in first else "r"].values
        return float(faces[0]), float(faces[-1])

    @property
    def outer(self):
        """Radius of the box [pc]."""
        return self.ends[1]

    def total(self, unit):
        """The unit of a total, in a slab per cm²: str."""
        return f"[{unit}]" if self.round else f"[{unit} cm$^{{-2}}$]"

    @property
    def E(self):
        """Kinetic energies: array (np,) [GeV]."""
        return self.run.snapshots[0]["E"].values

    @property
    def p(self):
        """Momenta: array (np,) [GeV/c]."""
        return self.run.snapshots[0]["p"].values

    @cached_property
    def history(self):
        """Columns of history.csv by name, without units: dict of arrays; empty if there are none."""
        return self.run.history()

    def holds(self, names):
        """Whether all snapshots have these variables."""
        return all(name in snapshot.variables for snapshot in self.run.snapshots for name in names)

    def seconds(self, snapshot):
        """The time of a snapshot [s]."""
        return float(snapshot["time"]) * units.kyr

    def near(self, *wanted):
        """The snapshots nearest to the times `wanted` [kyr] in ln t.

        Returns
        -------
        dict of int, xarray.Dataset
            By index of the wanted time, in its order; a snapshot is there once, for the time that it is nearest to.
        """
        times, best = self.run.times, {}
        later = np.flatnonzero(times > 0)
        for k, t in enumerate(wanted if len(later) else ()):
            off = np.abs(np.log(times[later] / t))
            i = later[off.argmin()]
            if i not in best or off.min() < best[i][0]:
                best[i] = (off.min(), k)
        return {k: self.run.snapshots[i] for i, (_, k) in sorted(best.items(), key=lambda item: item[1][1])}

    def intensity_at(self, snapshot, r):
        """J = v N/(4π) dp/dε = p² f at the radius `r` [pc]: array (np,) [1/(m² s sr GeV)], linear between cells."""
        f = np.array([np.interp(r, self.r, lane) for lane in snapshot["f"].values.T])
        return (self.p * units.GeV / units.c) ** 2 * f * units.GeV * 1e4


# -- over energy ---------------------------------------------------------------------------------------------


PARTS = {"left in the box": {"linestyle": "-"}, "escaped": {"linestyle": ":"},
         "sum": {"linestyle": (0, (5, 2)), "linewidth": 1.6}}
INITIAL = {"color": "k", "linewidth": 0.6, "linestyle": (0, (5, 2))}


def spectra(seen):
    """Energy per ln p left in the box, escaped, their sum and the initial one, at 1 and 10 Myr (fig. 4)."""
    names = [f"spectrum_{part}" for part in ("left", "escaped", "initial")]
    seen = having(seen, ("E", *names))
    slots = sorted({k for one in seen for k in one.near(1000, 1e4)})
    if not slots:
        raise Absent("no snapshot later than t = 0")
    figure, axes = plt.subplots(len(slots), 1, figsize=(0.68 * WIDTH, 2.6 * len(slots) + 0.8), sharex=True, squeeze=False)
    for axis, k in zip(axes.flat, slots):
        drawn, times = [], []
        for one, colour in zip(seen, tints(seen)):
            snapshot = one.near(1000, 1e4).get(k)
            if snapshot is None:
                continue
            left, escaped, initial = (snapshot[name].values for name in names)
            for value, style in zip((left, escaped, left + escaped), PARTS.values()):
                axis.plot(one.E, positive(value), color=colour, **style)
            axis.plot(one.E, positive(initial), zorder=0, **INITIAL)
            drawn += [left, escaped, initial]
            times.append(float(snapshot["time"]))
        upright(axis, drawn, 4, f"$\\epsilon p\\mathcal{{N}}_\\mathrm{{cr}}$ in the box  {seen[0].total('erg')}", 2.0)
        kinetic_axis(axis, seen[0].E)
        axis.set_title(time_label(*times))
        if all(one.round and one.outer == seen[0].outer for one in seen):
            second_axis(axis, "y", (3 / (4 * np.pi * (seen[0].outer * units.pc) ** 3), "erg cm$^{-3}$"), "mean")
    for axis in axes.flat[:-1]:
        axis.set_xlabel("")
    lines = [sample(word, color=colour) for word, colour in zip(labels(seen), tints(seen))]
    lines += [sample(word, color="0.3", **style) for word, style in PARTS.items()]
    legend(figure, [*lines, sample("initial", **INITIAL)], 3)
    return figure


def intensity(seen):
    """E² J at the radius nearest to 1 pc at several times (fig. 9)."""
    one = nearest(seen, 1e26, ("intensity", "radius", "E"))
    radii = one.run.snapshots[0]["radius"].values
    i = int(np.abs(radii - 1).argmin())
    shown = epochs(one, 10, 100, 1000, 2000, 3000, 4000, 5000, 6000, 7000, 8000, 1e4)
    if len(shown) < 4:
        shown = [s for s in one.run.snapshots if float(s["time"]) > 0]
        shown = [shown[k] for k in thinned(np.array([float(s["time"]) for s in shown]))]
    figure, axis = plt.subplots(figsize=(0.68 * WIDTH, 3.9))
    drawn = [one.E**2 * s["intensity"].values[i] for s in shown]
    for value, snapshot, colour in zip(drawn, shown, colours(len(shown))):
        axis.plot(one.E, positive(value), color=colour, label=time_label(float(snapshot["time"])))
    upright(axis, drawn, 6, "$\\epsilon^2 J$  [GeV cm$^{-2}$ s$^{-1}$ sr$^{-1}$]", 2.0)
    kinetic_axis(axis, one.E)
    axis.set_title(f"{labels([one])[0]},  $r$ = {radii[i]:.3g} pc")
    axis.legend(loc="center left", bbox_to_anchor=(1.01, 0.5))
    return figure


# -- over time ----------------------------------------------------------------------------------------------


SUN = "$M_\\odot$"
THOUSAND = {"color": "k", "linestyle": ":", "linewidth": 0.8}


def expelled(seen):
    """Mass expelled beyond 200 pc, or as the decks say, and CR energy left in the box over time (fig. 10)."""
    seen = [one for one in having(seen, ()) if {"time", "expelled_mass", "E_cr_left"} <= set(one.history)]
    seen = [one for one in seen if one.history["time"][-1] > 0]
    if not seen:
        raise Absent("no run has time, expelled_mass and E_cr_left later than t = 0 in its history.csv")
    figure, axis = plt.subplots(figsize=(0.72 * WIDTH, 3.9))
    right, masses, energies, begin, end = axis.twinx(), [], [], [], []
    for one, colour in zip(seen, tints(seen)):
        t = one.history["time"] / 1e3
        masses.append(one.history["expelled_mass"])
        energies.append(one.history["E_cr_left"])
        axis.plot(t, positive(masses[-1]), color=colour)
        right.plot(t, positive(energies[-1]), color=colour, linestyle="--")
        begin.append(max(t[np.argmax(t > 0)], t[-1] / 200))
        end.append(t[-1])
    lines = [sample(word, color=colour) for word, colour in zip(labels(seen), tints(seen))]
    lines += [sample("expelled mass", color="0.3"), sample("$E_\\mathrm{cr}$", color="0.3", linestyle="--")]
    if all(one.round for one in seen):
        axis.axhline(1e3, **THOUSAND)
        masses.append([1e3])
        lines.append(sample("$10^3\\,M_\\odot$", **THOUSAND))
    beyond = ", ".join(dict.fromkeys(f"{one.beyond:.4g}" for one in seen))
    upright(axis, masses, 4, f"mass expelled beyond {beyond} pc  {seen[0].total(SUN)}", 2.0)
    upright(right, energies, 3, f"$E_\\mathrm{{cr}}$ in the box  {seen[0].total('erg')}", 2.0)
    axis.tick_params(which="both", right=False)
    axis.set_xscale("log")
    axis.set_xlim(min(begin), max(end))
    tidy_log(axis.xaxis)
    axis.set_xlabel("$t$  [Myr]")
    legend(figure, lines, 3)
    return figure


# -- the measured protons ------------------------------------------------------------------------------------


def measured(directory):
    """Proton spectra in `directory`: files *_H_rigidity*, *_H_kineticEnergy* (CRDB) and *Proton* (Voyager).

    Returns
    -------
    list of (str, array (n,), array (n,), array (2, n))
        Name, kinetic energy [GeV], J and its errors down and up [1/(m² s sr GeV)].

    Raises
    ------
    InputError
        No such directory, no such files, or one that cannot be read.
    """
    directory = Path(directory)
    if not directory.is_dir():
        raise InputError("no such directory", where=directory, allowed="a directory with measured proton spectra")
    files = [f for kind in ("*_H_kineticEnergy*", "*_H_rigidity*", "*Proton*") for f in sorted(directory.glob(kind))]
    if not files:
        raise InputError("no proton spectra", where=directory, allowed="files *_H_rigidity*, *_H_kineticEnergy*, *Proton*")
    return [(file.name.split("_")[0], *_protons(file)) for file in files]


def _protons(file):
    """Energy, J, errors of one file."""
    try:
        columns = np.loadtxt(file, ndmin=2).T
        if len(columns) == 6:       # x, J, statistical errors down and up, systematic ones
            x, J, errors = columns[0], columns[1], np.hypot(columns[2:4], columns[4:6])
        else:                       # mean, low, high energy, J, statistical and systematic errors, total ones
            x, J, errors = columns[0], columns[3], columns[[8, 9]]
    except (OSError, ValueError, IndexError) as error:
        raise InputError("cannot be read as a spectrum", where=file, given=str(error)) from None
    if "rigidity" not in file.name:
        return x, J, errors
    E = np.hypot(x, m_p_GeV) - m_p_GeV
    jacobian = (E + m_p_GeV) / x            # dR/dε of protons
    return E, J * jacobian, errors * jacobian


def distant(one, data, near):
    """The power law J = A p^-s, p in GeV/c, that near sources with J = `near` (np,) of a run need beside them: (A, s), by least squares in ln J.

    Raises
    ------
    Absent
        The near sources leave nothing to it, or there are no data.
    """
    rows = []
    for _, E, J, _ in data:
        rest = J - np.interp(np.log(E), np.log(one.E), near)
        used = (E > FITTED[0]) & (E < FITTED[1]) & (rest > 0)
        p = protons.momentum(E[used] * units.GeV) * units.c / units.GeV
        rows += zip(np.log(p), np.log(rest[used]))
    if len(rows) < 3:
        raise Absent(f"near sources leave no protons of {FITTED[0]:g} to {FITTED[1]:g} GeV to distant ones")
    slope, height = np.polyfit(*np.transpose(rows), 1)
    return float(np.exp(height)), float(-slope)


def local(seen, data, distances=NEAR, others=False):
    """E² J of three sources of one run, their sum, `others` farther away if asked, and the measured protons (fig. 11)."""
    one = nearest(seen, 1e26, ("f", "p", "E"))
    figure, axis = plt.subplots(figsize=(0.72 * WIDTH, 4.2))
    total, drawn = np.zeros(len(one.E)), []
    for t, d, colour in zip(AGES, distances, TINTS):
        if not one.ends[0] <= d <= one.ends[1]:
            raise Absent(f"{d:g} pc is beyond the box of {one.run.directory}, {one.ends[0]:g} to {one.ends[1]:g} pc")
        snapshot = epochs(one, t)[0]
        if not t / 1.3 < float(snapshot["time"]) < 1.3 * t:
            raise Absent(f"{one.run.directory} has no snapshot near {time_label(t)}")
        J = one.intensity_at(snapshot, d)
        total += J
        axis.plot(one.E, positive(one.E**2 * J), color=colour, linestyle="--",
                  label=f"{time_label(float(snapshot['time']))}, {d:g} pc")
    axis.plot(one.E, positive(one.E**2 * total), color="#f28e1c", linewidth=1.6, label="sum")
    if others:
        A, s = distant(one, data, total)
        far = A * one.p**-s
        axis.plot(one.E, one.E**2 * far, color="#d62728", linewidth=0.8, label=f"distant ones, $p^{{-{s:.2f}}}$")
        total = total + far
        axis.plot(one.E, one.E**2 * total, color="#d62728", linewidth=1.8, label="all")
    for (name, E, J, errors), marker, shade in zip(data, "osD^vP<>*X" * len(data), ("0.15", "0.45", "0.6") * len(data)):
        axis.errorbar(E, E**2 * J, yerr=E**2 * errors, fmt=marker, color=shade, markerfacecolor="white", markersize=3,
                      elinewidth=0.6, linestyle="none", label=name)
        drawn.append(E**2 * J)
    upright(axis, [one.E**2 * total, *drawn], 6, "$\\epsilon^2 J$  [GeV m$^{-2}$ s$^{-1}$ sr$^{-1}$]", 3.0)
    energies = np.concatenate([one.E, *(E for _, E, *_ in data)])
    kinetic_axis(axis, np.sort(energies))
    axis.set_title(labels([one])[0])
    figure.legend(*axis.get_legend_handles_labels(), loc="outside upper center", ncols=3)
    return figure


def local_distant(seen, data):
    """The same of near sources beyond whose cavities we are, with a power law of distant ones fitted to the rest (fig. 12)."""
    return local(seen, data, WITH_DISTANT, others=True)


# -- the command ---------------------------------------------------------------------------------------------


def drawn(figure):
    """The figure, if there is a curve in it."""
    # Guide lines reach across a panel, in its own coordinates.
    curves = (line.get_ydata() for axis in figure.axes for line in axis.get_lines() if line.get_transform() == axis.transData)
    if not any(len(values) > 1 and np.isfinite(np.asarray(values, float)).any() for values in curves):
        raise Absent("it would be empty")
    return figure


FIGURES = (pressure, velocity, work, spectra, heating, cr_heating, edge, cavity, intensity, expelled, emission)


def main():
    """Read the command line, draw, and say what was found."""
    parser = Arguments(prog="feedback.py", description=__doc__.split("\n")[0])
    parser.add_argument("directories", metavar="RUN", nargs="+", help="a run; several are compared")
    parser.add_argument("--out", help="where the figures go; default figures/ in the first RUN")
    parser.add_argument("--data", metavar="DIR", help="measured proton spectra, for the figure local")
    given = parser.parse_args()
    if len(given.directories) > 12:
        raise InputError("too many runs for one figure", given=len(given.directories), allowed="at most 12")
    data = measured(given.data) if given.data else None
    seen = [Feedback(directory) for directory in given.directories]
    if len({one.round for one in seen}) > 1:
        raise InputError("slabs and spheres cannot be compared: totals of slabs are per cm2", allowed="runs of one gas.geometry",
                         given=", ".join(f"{one.run.directory}: {'sphere' if one.round else 'slab'}" for one in seen))
    out, missing = given.out or seen[0].run.directory / "figures", 0
    draw = [(figure.__name__, figure) for figure in FIGURES]
    draw += [(figure.__name__, lambda seen, figure=figure: figure(seen, data)) for figure in (local, local_distant)] if data else []
    for name, figure in draw:
        try:
            save(drawn(figure(seen)), out, name)
        except Absent as reason:
            plt.close("all")
            missing += 1
            print(f"{name} is not drawn: {reason}", file=sys.stderr)
    if missing == len(draw):
        raise InputError("no figure can be drawn", where=seen[0].run.directory)


if __name__ == "__main__":
    script(main)
