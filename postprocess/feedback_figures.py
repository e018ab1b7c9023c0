"""What postprocess/feedback.py draws over radius, and what its figures share.

A figure is a function of the runs; it raises Absent where they lack what it shows.
"""

import numpy as np
from drawing import GREY, WIDTH, Absent, colours, legend, log_axis, plt, positive, sample, signed, tidy_log, upright

from hpccr.units import c, k_B, m_p
from hpccr.units import GeV as GeV_erg

# The published curves: D0 [cm²/s] by colour; other values take the spare colours in turn.
COLOURS = {1e26: "#d62728", 1e27: "#f28e1c", 1e28: "#1f6fb4"}
SPARE = ("#2ca02c", "#9467bd", "#8c564b", "#17a2a2", "#7f7f7f", "#e377c2")
TIME_STYLES = ("--", "-", ":")
PER_CM3 = "[erg cm$^{-3}$]"


# -- words ---------------------------------------------------------------------------------------------------


def time_label(*times):
    """Times [kyr] in words: 10 kyr, 1 Myr; several that differ by more than 2 % as a range."""
    low, high = min(times), max(times)
    words = [f"{t:.3g} kyr" if t < 999.5 else f"{t / 1e3:.3g} Myr" for t in (low, high)]
    return words[0] if high <= 1.02 * low else "–".join(words)


def D0_label(D0):
    """D0 [cm²/s] in words."""
    if not D0 > 0:
        return "$D_0=0$"
    exponent = int(np.floor(np.log10(D0) + 1e-9))
    factor = f"{D0 / 10.0**exponent:.3g}"
    return f"$D_0={'' if factor == '1' else factor + ' ' + chr(92) + 'times '}10^{{{exponent}}}$ cm$^2$ s$^{{-1}}$"


def labels(seen):
    """What tells the runs apart: D0, whether CRs stream and heat, of equal ones their directories too."""
    words = [D0_label(one.D0) + (", streaming" if one.streams else "") + ("" if one.heated else ", no CR heating") for one in seen]
    return [f"{word} ({one.run.directory.resolve().name})" if words.count(word) > 1 else word for word, one in zip(words, seen)]


def tints(seen):
    """A colour for each run, that of its D0 unless it is taken."""
    found, spare = [], list(SPARE)
    for one in seen:
        own = next((colour for D0, colour in COLOURS.items() if abs(one.D0 / D0 - 1) < 1e-3 and colour not in found), None)
        found.append(own or (spare.pop(0) if spare else "k"))
    return found


# -- choosing ------------------------------------------------------------------------------------------------


def having(seen, names):
    """The runs that a comparison shows: those that hold the variables, without CR heating only if all are; in the order of D0."""
    kept = [one for one in seen if one.holds(names)]
    if not kept:
        raise Absent(f"no run has {', '.join(names)} in all snapshots")
    return sorted([one for one in kept if one.heated] or kept, key=lambda one: one.D0)


def nearest(seen, D0, names):
    """Of the runs that `having` gives, the one whose D0 is nearest to the published one."""
    return min(having(seen, names), key=lambda one: abs(np.log(max(one.D0, 1.0) / D0)))


def epochs(one, *wanted):
    """The snapshots of a run nearest to `wanted` [kyr]: list, at least one."""
    found = list(one.near(*wanted).values())
    if not found:
        raise Absent("no snapshot later than t = 0")
    return found


def between(one, *wanted):
    """The snapshots of a run nearest to `wanted` [kyr], none before the first or after the last of these: at least two."""
    inside = [s for s in one.near(*wanted).values() if 0.99 * wanted[0] <= float(s["time"]) <= 1.01 * wanted[-1]]
    if len(inside) < 2:
        raise Absent(f"{one.run.directory} has fewer than two snapshots from {time_label(wanted[0], wanted[-1])}")
    return inside


def reach(one, snapshots):
    """A round radius [pc] just outside all gas whose density departs by 3 % from the outermost."""
    moved = np.flatnonzero(np.any([np.abs(s["n"].values / s["n"].values[-1] - 1) > 0.03 for s in snapshots], axis=0))
    return min(np.ceil(1.15 * one.r[moved[-1]] / 10) * 10, one.outer) if len(moved) else one.outer


# -- axes ----------------------------------------------------------------------------------------------------


def radial(axes, one, linear=None):
    """Log axes of radius over the whole box, or linear ones from 0 to `linear` [pc]; the label on the lowest row."""
    for axis in axes.flat:
        if linear:
            axis.set_xlim(0, linear)
        else:
            axis.set_xscale("log")
            axis.set_xlim(max(one.r[0], one.outer / 1e3), one.outer)
            tidy_log(axis.xaxis)
    for axis in axes[-1]:
        axis.set_xlabel("$r$  [pc]")


def kinetic_axis(axis, E):
    """A log axis of kinetic energy [GeV]."""
    log_axis(axis, E)
    axis.set_xlabel("$\\epsilon$  [GeV]")


def grid_of(n, size=2.4):
    """At most four panels, two a row, and which of them are in use."""
    rows = (n + 1) // 2
    figure, axes = plt.subplots(rows, min(n, 2), figsize=(WIDTH if n > 1 else 0.6 * WIDTH, size * rows + 0.5), sharex=True,
                                sharey=True, squeeze=False)
    for axis in axes.flat[n:]:
        axis.set_visible(False)
    if n == 3:
        axes[0, 1].tick_params(labelbottom=True)
        axes[0, 1].set_xlabel("$r$  [pc]")
    return figure, axes


# -- figures 1 to 3: pressure, velocity, work ------------------------------------------------------------------


def profiles(seen, name, label, decades):
    """One panel of a variable over radius: colours are D0, line styles times."""
    seen = having(seen, (name,))
    figure, axes = plt.subplots(figsize=(0.68 * WIDTH, 3.9), squeeze=False)
    axis, drawn, slots = axes[0, 0], [], {}
    for one, colour in zip(seen, tints(seen)):
        for k, snapshot in one.near(0.5, 10, 1000).items():
            drawn.append(snapshot[name].values)
            axis.plot(one.r, positive(drawn[-1]), color=colour, linestyle=TIME_STYLES[k])
            slots.setdefault(k, []).append(float(snapshot["time"]))
    if not drawn:
        raise Absent("no snapshot later than t = 0")
    upright(axis, drawn, decades, label)
    radial(axes, max(seen, key=lambda one: one.outer))
    lines = [sample(word, color=colour) for word, colour in zip(labels(seen), tints(seen))]
    lines += [sample(time_label(*slots[k]), color="0.2", linestyle=TIME_STYLES[k]) for k in sorted(slots)]
    axis.legend(handles=lines, loc="best")
    return figure, axis, seen


def pressure(seen):
    """P_cr(r) at 0.5 kyr, 10 kyr and 1 Myr (fig. 1)."""
    return profiles(seen, "P_cr", f"$P_\\mathrm{{cr}}$  {PER_CM3}", 7)[0]


def velocity(seen):
    """v(r) at the same times, and the sound speed of the gas outside (fig. 2)."""
    figure, axis, seen = profiles(seen, "v", "$v_g$, outwards  [km s$^{-1}$]", 3.3)
    first = seen[0].run.snapshots[0]
    if "T" in first:
        sound = np.sqrt(5 / 3 * k_B * float(first["T"][-1]) / m_p) / 1e5
        axis.axhline(sound, color=GREY, linewidth=0.6, zorder=0)
        axis.annotate("sound speed outside", (1, sound), (-3, 2), xycoords=("axes fraction", "data"), ha="right",
                      textcoords="offset points", color="0.4", fontsize=7)
    return figure


def density_per_lnp(one, snapshot):
    """ε p N of a snapshot, the CR energy density per ln p [erg/cm³]: array (r, p), with N = 4π p² f."""
    p = one.p * GeV_erg / c
    return 4 * np.pi * one.E * GeV_erg * p**3 * snapshot["f"].values


def work(seen):
    """ε p N(r) at some energies and −t v dP_cr/dr, panels in time (fig. 3)."""
    one = nearest(seen, 1e26, ("f", "p", "E", "work"))
    shown = epochs(one, 0.5, 2, 10, 100)
    energies = list(dict.fromkeys(int(np.abs(np.log(one.E / E)).argmin()) for E in (0.01, 0.1, 1, 10, 100, 1000)))
    figure, axes = grid_of(len(shown))
    drawn, black = [], {"color": "k", "linewidth": 1.3}
    for axis, snapshot in zip(axes.flat, shown):
        spectrum, done = density_per_lnp(one, snapshot), one.seconds(snapshot) * snapshot["work"].values
        for j, colour in zip(energies, colours(len(energies))):
            axis.plot(one.r, positive(spectrum[:, j]), color=colour)
        signed(axis, one.r, done, **black)
        axis.set_title(time_label(float(snapshot["time"])))
        drawn += [spectrum[:, energies], np.abs(done)]
    for axis in axes.flat:
        upright(axis, drawn, 6)
    for axis in axes[:, 0]:
        axis.set_ylabel(f"$\\epsilon p\\mathcal{{N}}_\\mathrm{{cr}}$,  $-t v_g\\,\\partial_r P_\\mathrm{{cr}}$  {PER_CM3}")
    radial(axes, one)
    lines = [sample(_kinetic_label(one.E[j]), color=colour) for j, colour in zip(energies, colours(len(energies)))]
    lines += [sample("$-t v_g\\,\\partial_r P_\\mathrm{cr}>0$", **black), sample("$<0$", linestyle=(0, (3, 1.5)), **black)]
    legend(figure, lines, 4, labels([one])[0])
    return figure


def _kinetic_label(E):
    """E [GeV] to two digits: 10 MeV, 1.1 GeV."""
    size, unit = next((pair for pair in ((1e3, "TeV"), (1.0, "GeV")) if E >= 0.99 * pair[0]), (1e-3, "MeV"))
    return f"$\\epsilon$ = {float(f'{E / size:.2g}'):g} {unit}"


# -- figures 5 to 8: heating, with and without it, edge, cavity ----------------------------------------------


def heating(seen):
    """P_g, T, t × wave heating and −t × conduction, panels in time (fig. 5)."""
    one = nearest(seen, 1e27, ("P_g", "T", "wave_heating", "conduction"))
    shown = epochs(one, 1, 10, 100, 1000)
    figure, axes = grid_of(len(shown))
    hot = [s["T"].values for s in shown]
    drawn = []
    for number, (axis, snapshot) in enumerate(zip(axes.flat, shown)):
        t = one.seconds(snapshot)
        P, waves, lost = (snapshot["P_g"].values, t * snapshot["wave_heating"].values, -t * snapshot["conduction"].values)
        axis.plot(one.r, positive(P), color="k")
        axis.plot(one.r, positive(waves), color="#d62728")
        signed(axis, one.r, lost, color="#5ab4e5")
        drawn += [P, waves]
        right = axis.twinx()
        right.plot(one.r, hot[number], color="k", linestyle="--")
        upright(right, hot, 6)
        axis.tick_params(which="both", right=False)
        if number % 2 or number == len(shown) - 1:
            right.set_ylabel("$T_g$  [K]")
        else:
            right.tick_params(labelright=False, which="both")
        axis.set_title(time_label(float(snapshot["time"])))
    for axis in axes.flat[:len(shown)]:
        upright(axis, drawn, 6)
    for axis in axes[:, 0]:
        axis.set_ylabel(f"$P_g$ and heat  {PER_CM3}")
    radial(axes, one)
    legend(figure, [sample("$P_g$", color="k"), sample("$T_g$", color="k", linestyle="--"),
                    sample("$t\\,\\times$ heat from waves" if one.streams else "$t\\,|V_A\\,\\partial_r\\varepsilon_\\mathrm{cr}|$", color="#d62728"),
                    sample("$-t\\,\\nabla\\cdot(K\\,\\nabla T_g)$", color="#5ab4e5"),
                    sample("$<0$: heats", color="#5ab4e5", linestyle=(0, (3, 1.5)))], 5, labels([one])[0])
    return figure


def cr_heating(seen):
    """T(r) of two runs with the same D0, one with and one without CR heating (fig. 6)."""
    pairs = [(one, other) for one in seen for other in seen if one.heated and not other.heated
             and abs(one.D0 - other.D0) <= 1e-6 * one.D0 and one.holds(("T",)) and other.holds(("T",))]
    if not pairs:
        raise Absent("it takes two runs with the same D0 that have T, one of them with gas.heating = false")
    first = nearest([heated for heated, _ in pairs], 1e27, ("T",))
    heated, cold = next(pair for pair in pairs if pair[0] is first)
    ours, theirs = (one.near(10, 100, 300, 1000) for one in (heated, cold))
    common = sorted(set(ours) & set(theirs))
    if not common:
        raise Absent("the two runs have no times in common")
    figure, axes = plt.subplots(figsize=(0.68 * WIDTH, 3.9), squeeze=False)
    axis, lines = axes[0, 0], []
    for k, colour in zip(common, colours(len(common))):
        axis.plot(heated.r, ours[k]["T"], color=colour)
        axis.plot(cold.r, theirs[k]["T"], color=colour, linestyle=":", linewidth=1.4)
        lines.append(sample(time_label(float(ours[k]["time"]), float(theirs[k]["time"])), color=colour))
    upright(axis, [ours[k]["T"].values for k in common] + [theirs[k]["T"].values for k in common], 6, "$T_g$  [K]")
    radial(axes, heated)
    lines += [sample("with CR heating", color="0.2"), sample("without", color="0.2", linestyle=":", linewidth=1.4)]
    axis.legend(handles=lines, loc="best")
    axis.set_title(D0_label(heated.D0))
    return figure


def evolution(one, snapshots, rows):
    """Two panels of variables over linear radius at several times; `rows`: (name, label, decades)."""
    figure, axes = plt.subplots(len(rows), 1, figsize=(0.68 * WIDTH, 2.5 * len(rows) + 0.6), sharex=True, squeeze=False)
    for axis, (name, label, decades) in zip(axes.flat, rows):
        for colour, snapshot in zip(colours(len(snapshots)), snapshots):
            axis.plot(one.r, positive(snapshot[name].values), color=colour)
        upright(axis, [s[name].values for s in snapshots], decades, label)
    radial(axes, one, reach(one, snapshots))
    times = [time_label(float(snapshot["time"])) for snapshot in snapshots]
    legend(figure, [sample(time, color=colour) for colour, time in zip(colours(len(times)), times)], 5, labels([one])[0])
    return figure


def edge(seen):
    """Close-up of T and n from 10 kyr to 1 Myr (fig. 7)."""
    one = nearest(seen, 1e27, ("T", "n"))
    return evolution(one, between(one, 10, 20, 50, 100, 200, 500, 1000), (("T", "$T_g$  [K]", 6), ("n", "$n_g$  [cm$^{-3}$]", 5)))


def cavity(seen):
    """P_g and n from 1 to 10 Myr (fig. 8)."""
    one = nearest(seen, 1e26, ("P_g", "n"))
    shown = between(one, 1000, 2000, 3000, 4000, 5000, 6000, 7000, 8000, 1e4)
    return evolution(one, shown, (("P_g", f"$P_g$  {PER_CM3}", 6), ("n", "$n_g$  [cm$^{-3}$]", 7)))


# -- emission -------------------------------------------------------------------------------------------------


def along_sight(faces, emissivity):
    """∫ emissivity dl along lines of sight past the centre of a sphere of uniform shells.

    Parameters
    ----------
    faces : array (n + 1,) [pc]
    emissivity : array (n,)

    Returns
    -------
    array (n,)
        At the middles of the shells, [pc] times the unit of `emissivity`.
    """
    b = 0.5 * (faces[1:] + faces[:-1])
    half = np.sqrt(np.maximum(faces**2 - b[:, None] ** 2, 0))
    return 2 * np.diff(half, axis=1) @ emissivity


def emission(seen):
    """Proxies of Hα and [O III]: n² in their ranges of T, above along r, below along lines of sight."""
    one = nearest(seen, 1e27, ("em_Halpha", "em_OIII", "r_face", "n"))
    if not one.round:
        raise Absent("lines of sight are drawn through spheres")
    shown = epochs(one, 100, 300, 1000)
    faces = shown[0]["r_face"].values
    figure, axes = plt.subplots(2, len(shown), figsize=(WIDTH * (0.34 + 0.22 * len(shown)), 4.6), sharex=True, sharey="row",
                                squeeze=False)
    kinds = (("em_Halpha", "#d62728", "H$\\alpha$: $6000$ K ≤ $T$ ≤ $10^4$ K"),
             ("em_OIII", "#2a8f4b", "[O III]: $10^4$ K < $T$ ≤ $10^5$ K"))
    drawn = ([], [])
    for column, snapshot in zip(axes.T, shown):
        for name, colour, _ in kinds:
            here = snapshot[name].values
            sight = along_sight(faces, here)
            column[0].stairs(positive(here), faces, baseline=None, color=colour)
            column[1].plot(one.r, positive(sight), color=colour)
            drawn[0].append(here)
            drawn[1].append(sight)
        column[0].set_title(time_label(float(snapshot["time"])))
    for row, known, decades, label in zip(axes, drawn, (5, 4), ("$n^2$  [cm$^{-6}$]", "$\\int n^2\\,dl$  [pc cm$^{-6}$]")):
        for axis in row:
            upright(axis, known, decades)
        row[0].set_ylabel(label)
    radial(axes, one, reach(one, shown))
    legend(figure, [sample(word, color=colour) for _, colour, word in kinds], 2, labels([one])[0])
    return figure
