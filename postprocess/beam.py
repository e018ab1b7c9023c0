"""Figures of the narrow beam along the field: excess against pitch angle, width and excess against r_g/l, scattering and modes.

    python postprocess/beam.py DIR [--energies "1 TeV, 5 TeV, 10 TeV"] [--out DIR/figures]

beam_excess: the first eigenfunction near the field at a few energies, where CRs are fewest, with what its large-scale part would
be without the cascade (dashed, equal at the beam's edge), and the excess between the two inside the edge. beam_scaling: width and
excess of all points against eps = r_g/l, with the published 4 sqrt(eps) and 50 eps (Malkov 2015). beam_modes: D(mu) and the first
eigenfunctions.
"""

import numpy as np
from common import Arguments, number, open_snapshot, quantities, read_json, script, snapshot_files
from drawing import GREY, PLAIN, WIDTH, colours, energy_label, plt, save, tidy_log

from hpccr.errors import InputError

VARIABLES = ("epsilon", "E", "mu", "theta", "D", "D_other", "W", "lambda", "psi", "ray", "beam", "width", "excess", "edge",
             "excess_far")
DEFAULT = (1.0, 5.0, 10.0)
# Published by Malkov (2015): width/sqrt(eps) [rad] and excess/eps.
WIDTH_PUBLISHED, EXCESS_PUBLISHED = 4.0, 50.0


class Seen:
    """A run on the beam, seen by its figures: each variable of the snapshot as an array of its name, and `summary`."""

    def __init__(self, directory):
        self.directory, files = snapshot_files(directory)
        data = open_snapshot(files[-1], "beam", VARIABLES)
        for name in VARIABLES:
            setattr(self, name, data[name].values)
        self.values = getattr(self, "lambda")
        self.summary = read_json(self.directory / "summary.json") or {}
        points, cells = self.mu.shape
        shapes = {name: getattr(self, name).shape for name in ("psi", "ray", "beam")}
        if shapes["psi"][::2] != (points, cells) or not shapes["ray"] == shapes["beam"] == (points, cells // 2):
            raise InputError("the variables do not fit together", where=files[-1], given=str(shapes))
        self.edge, self.width = np.deg2rad(self.edge), np.deg2rad(self.width)

    def nearest(self, energies):
        """Points at these energies [TeV], or nearest to them, in increasing order and each once: list of int."""
        return sorted({int(np.abs(np.log(self.E / energy)).argmin()) for energy in energies})

    def label(self, point):
        """Energy of a point in words."""
        return energy_label(self.E[point] * 1e3)

    def along(self, point):
        """The first eigenfunction along a ray from the axis, and what the large-scale part alone would make of it."""
        psi = self.psi[point, 0, :self.ray.shape[1] - 1:-1]
        with np.errstate(divide="ignore", invalid="ignore"):
            return psi, psi / (1 - self.beam[point])


def excess(seen, points):
    """The figure of the excess against pitch angle."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(WIDTH, 3.1))
    far = 2.0 * max(seen.edge[point] for point in points)
    for colour, point in zip(colours(len(points)), points):
        (psi, large), shown, inside = seen.along(point), seen.ray[point] <= far, seen.ray[point] <= seen.edge[point]
        degrees, percent = np.rad2deg(seen.ray[point]), 100 * seen.beam[point]
        left.plot(degrees[shown], -psi[shown], color=colour, label=f"{seen.label(point)}, $\\epsilon$ = {seen.epsilon[point]:.2g}")
        left.plot(degrees[shown], -large[shown], color=colour, linestyle="--", linewidth=0.7)
        half, edge = np.rad2deg(0.5 * seen.width[point]), np.rad2deg(seen.edge[point])
        right.plot(np.append(degrees[inside], edge), np.append(percent[inside], 0.0), color=colour)
        right.plot([0, half], [50 * seen.excess[point]] * 2, color=colour, linewidth=0.6)
        right.plot([half], [50 * seen.excess[point]], "o", color=colour)
    for axis in (left, right):
        axis.set_xlim(0, np.rad2deg(far) if axis is left else np.rad2deg(0.6 * far))
        axis.set_xlabel("pitch angle [deg]")
    right.set_ylim(0, 108 * max(seen.excess[point] for point in points))
    left.set_ylabel("anisotropy, $-\\psi_1/\\psi_1(\\mu = 1)$")
    right.set_ylabel("excess [%]")
    handles, labels = left.get_legend_handles_labels()
    handles += left.plot([], [], color="0.3", linestyle="--", linewidth=0.8) + right.plot([], [], "o-", color="0.3", linewidth=0.6)
    figure.legend(handles, [*labels, "large-scale part", "half width at half maximum"], loc="outside upper center",
                  ncols=3 if len(points) < 4 else 4)
    return figure


def scaling(seen):
    """The figure of width and excess against eps."""
    figure, axes = plt.subplots(1, 2, figsize=(WIDTH, 3.2))
    order = np.argsort(seen.epsilon)
    epsilon = seen.epsilon[order]
    dark, light = colours(3)[:2]
    rows = ((axes[0], np.rad2deg(seen.width), np.rad2deg(seen.edge), np.rad2deg(WIDTH_PUBLISHED) * np.sqrt(epsilon),
             ("full width", "half angle of the edge", "$4\\,\\epsilon^{1/2}$, published"), "width", 0.5),
            (axes[1], seen.excess, seen.excess_far, EXCESS_PUBLISHED * epsilon,
             ("excess in $\\psi_1$", "excess far from all sources", "$50\\,\\epsilon$, published"), "excess", 1.0))
    for axis, first, second, published, names, name, nominal in rows:
        axis.loglog(epsilon, published, color=GREY, linestyle="--", label=names[2])
        axis.loglog(epsilon, first[order], "o-", color=dark, label=names[0] + _law(seen, name, nominal))
        axis.loglog(epsilon, second[order], "s-", color=light, markersize=2.2, linewidth=0.7, label=names[1])
        axis.set_xlim(epsilon[0] / 1.15, epsilon[-1] * 1.15)
        axis.set_xlabel("$\\epsilon = r_g/l$")
        axis.set_ylabel({"width": "angle [deg]", "excess": "excess along the field"}[name])
        tidy_log(axis.xaxis)
        tidy_log(axis.yaxis)
        axis.legend(loc="upper left")
        low, high = axis.get_ylim()
        axis.set_ylim(low, high * (high / low) ** 0.28)
        # Energies are in proportion to eps, through l and B.
        factor = float(np.median(seen.E / seen.epsilon))
        above = axis.secondary_xaxis("top", functions=(lambda x, f=factor: x * f, lambda x, f=factor: x / f))
        above.xaxis.set_major_formatter(PLAIN)
        above.set_xlabel("E [TeV]")
        axis.tick_params(top=False, which="both")
    return figure


def _law(seen, name, nominal):
    """Prefactor and exponent that the run found, in words; empty if its summary does not say."""
    prefactor, exponent = (number(seen.summary, f"{name}_{part}") for part in ("prefactor", "exponent"))
    power = "\\,\\epsilon^{1/2}" if nominal == 0.5 else "\\,\\epsilon"
    return f": ${prefactor:.3g}{power}$, slope {exponent:.3f}" if np.isfinite([prefactor, exponent]).all() else ""


def modes(seen, points):
    """The figure of D(mu) and of the first eigenfunctions."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(WIDTH, 3.1))
    for colour, point in zip(colours(len(points)), points):
        half = slice(seen.mu.shape[1] // 2, None)
        degrees = np.rad2deg(seen.theta[point, half])
        left.loglog(degrees, seen.D[point, half] - seen.D_other[point, half], color=colour, label=seen.label(point))
        left.plot([np.rad2deg(seen.edge[point])], np.interp(-seen.edge[point], -seen.theta[point, half], seen.D_other[point, half]),
                  "o", color=colour)
    left.loglog(degrees, seen.D_other[point, half], color="0.3", linestyle="--", label="all else")
    left.set_xlim(0.1, 90)
    top, floor = np.nanmax(seen.D), seen.D_other.min()
    left.set_ylim(floor * 1e-3, 3 * top)
    tidy_log(left.xaxis)
    left.set_xlabel("pitch angle [deg]")
    left.set_ylabel("$D = D_{\\mu\\mu}/(1-\\mu^2)$ [$v/l$]")
    left.legend(loc="lower left")
    point = points[len(points) // 2]
    mu, W = seen.mu[point], seen.W[point]
    right.plot(mu, W / W[-1], color="0.3", linestyle="--", label="$W/W(1)$, $\\lambda = 0$")
    count = min(3, seen.psi.shape[1])
    for colour, j in zip(colours(count), range(count)):
        right.plot(mu, seen.psi[point, j], color=colour, label=f"$\\psi_{j + 1}$, $\\lambda$ = {seen.values[point, j]:.3g}/$l$")
    right.axhline(0.0, color=GREY, linewidth=0.6, zorder=0)
    right.set_xlim(-1, 1.0)
    right.set_xlabel("$\\mu$")
    right.set_ylabel(f"eigenfunctions at {seen.label(point)}")
    right.legend(loc="upper left")
    return figure


def main():
    """Read the command line, draw, and say what was found."""
    parser = Arguments(prog="beam.py", description=__doc__.split("\n")[0])
    parser.add_argument("directory", metavar="DIR", help="the run")
    parser.add_argument("--energies", help='energies of the curves, such as "1 TeV, 10 TeV"; the nearest points are drawn')
    parser.add_argument("--out", help="where the figures go; default DIR/figures")
    given = parser.parse_args()
    seen = Seen(given.directory)
    limits = 0.9 * seen.E.min(), 1.1 * seen.E.max()
    wanted = DEFAULT if given.energies is None else quantities(given.energies, "TeV", "--energies", *limits)
    points = seen.nearest(wanted)
    if len(points) > 6:
        raise InputError("too many curves", where="--energies", given=len(points), allowed="at most 6")
    if drawn := [point for point in points if np.isfinite(seen.excess[point])]:
        save(excess(seen, drawn), given.out or seen.directory / "figures", "beam_excess")
    else:
        print(f"{given.directory}: no beam at these energies is narrow enough to have a width; beam_excess is not drawn")
    save(scaling(seen), given.out or seen.directory / "figures", "beam_scaling")
    save(modes(seen, points), given.out or seen.directory / "figures", "beam_modes")
    for point in points:
        print(f"{given.directory}: {seen.label(point)}: eps = {seen.epsilon[point]:.4g}, width {np.rad2deg(seen.width[point]):.3g} deg = "
              f"{seen.width[point] / seen.epsilon[point]**0.5:.3g} sqrt(eps), excess {100 * seen.excess[point]:.3g} % = "
              f"{seen.excess[point] / seen.epsilon[point]:.3g} eps")


if __name__ == "__main__":
    script(main)
