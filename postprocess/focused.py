"""Figures of pitch-angle transport beside its reduced models (Malkov 2015): of runs of `focused`, or of scans over epsilon.

    python postprocess/focused.py DIR [DIR ...] [--out DIR/figures]

Of a run:
  profiles    f0(z) of the kinetic run, diffusion, hyperdiffusion, telegraph at several times, and below how far they are off
  maps        f(z, mu) over its maximum, and the anisotropy f/f0 - 1
  moments     growth of <z^2> and <z^4> with the exact one, and below the deviations from it
  errors      relative L2 difference of the models' f0 from the kinetic one over time
  dispersion  the decay -lambda(k), and below how far the models are off
Of a scan:
  scaling     the models' errors at the end over epsilon with fitted slopes, a column a law of scattering; the numbers are printed

Several DIR have a directory each in --out. A figure whose variables are not there is left out, with a line on standard error.
"""

import sys
from functools import cached_property
from pathlib import Path

import numpy as np
from common import Arguments, entry, free_keys, number, open_run, read_deck, read_json, script
from drawing import WIDTH, Absent, plt, save, thinned, tidy_log, upright
from focused_figures import LAWS, MODELS, REFERENCE, STYLE, WORD, dispersion, errors, maps, moments, profiles

from hpccr.errors import InputError
from hpccr.grid.axis import powers

VARIABLES = ("z", "z_face", "mu", "area", "f", "f0", *MODELS)
# Powers of epsilon with which the models' errors fall.
ORDERS = {"diffusion": 2, "hyperdiffusion": 4, "telegraph": 4}
PANELS = 4


class Deck:
    """What a deck of `focused` says of the physics.

    Attributes
    ----------
    epsilon, sigma, q, gap, at : float
        `at`: the middle of the initial profile [l].
    scattering, focusing : str
    edge : float
        From where in the initial profile fronts start, seen from its middle [l]; NaN where there are none.
    infinite : bool
        Whether moments of isotropic particles on an infinite line without focusing hold.
    """

    def __init__(self, path):
        deck = read_deck(path)
        transport, initial, ends = (entry(deck, section) for section in ("transport", "initial", "ends"))
        self.epsilon, self.sigma, self.q, self.gap = (_float(transport, key, usual) for key, usual in (
            ("epsilon", 0.1), ("sigma", 0.0), ("q", 5 / 3), ("gap", 0.1)))
        self.at, self.scattering = _float(initial, "at", 0.0), str(transport.get("scattering", "isotropic"))
        self.edge = {"gaussian": 0.0, "box": _float(initial, "width", 1.0)}.get(initial.get("shape", "gaussian"), np.nan)
        self.focusing = transport.get("focusing", "uniform")
        self.infinite = (self.focusing == "uniform" and self.sigma == 0.0
                         and np.isfinite(self.edge) and initial.get("angle", "isotropic") == "isotropic"
                         and ends.get("left", "open") == ends.get("right", "open") == "open")

    def law(self):
        """D(μ), a hpccr.physics.pitch_angle.Scattering; None where it comes from a file."""
        from hpccr.physics import pitch_angle

        laws = {"isotropic": pitch_angle.isotropic, "power": lambda: pitch_angle.power(self.q),
                "filled": lambda: pitch_angle.filled(self.q, self.gap)}
        return laws[self.scattering]() if self.scattering in laws else None

    def words(self):
        """The law of scattering and the focusing, if any, in words."""
        law = LAWS.get(self.scattering, self.scattering).format(q=self.q, gap=self.gap)
        return law + {"nozzle": ",  nozzle", "table": ",  $\\sigma(z)$ of a table"}.get(
            self.focusing, f",  $\\sigma$ = {self.sigma:g}" if self.sigma else "")


def _float(section, key, usual):
    value = section.get(key, usual)
    return float(value) if isinstance(value, int | float) else usual


class Focused:
    """A run of the problem focused, seen by its figures.

    Attributes
    ----------
    run : common.Run
    deck : Deck
    summary : dict
        Empty if the run has not ended.
    kappa, K, tau : float
        τ = ε² K/κ². NaN if the run has not ended.
    """

    def __init__(self, directory):
        self.run = open_run(directory, "focused", VARIABLES)
        self.deck = Deck(self.run.directory / "deck.toml")
        self.summary = self.run.summary or {}
        self.kappa, self.K, self.tau = (number(self.summary, name) for name in ("kappa", "K", "tau"))

    @property
    def z(self):
        """Middles of the cells: array (nz,) [l]."""
        return self.run.snapshots[0]["z"].values

    @cached_property
    def later(self):
        """The snapshots after t = 0."""
        found = [s for s in self.run.snapshots if float(s["time"]) > 0]
        if not found:
            raise Absent("no snapshot later than t = 0")
        return found

    @cached_property
    def shown(self):
        """At most four snapshots, evenly in ln t, that panels show."""
        chosen = thinned(np.array([0.0] + [float(s["time"]) for s in self.later]), PANELS + 1)
        return [self.later[i - 1] for i in chosen if i > 0]

    @cached_property
    def history(self):
        """Columns of history.csv by name, without units: dict of arrays."""
        columns = self.run.history()
        if not columns:
            raise Absent("no history.csv")
        return columns

    def exact(self, t, first):
        """⟨z²⟩ and ⟨z⁴⟩ about the middle, exact on an infinite line without focusing, or None where that is not the case.

        Parameters
        ----------
        t : array (n,) [1/ν]
        first : (float, float)
            Both at t = 0.

        Returns
        -------
        array (2, n), or None
        """
        law = self.deck.law() if self.deck.infinite else None
        if law is None:
            return None
        from hpccr.physics.pitch_modes import moments

        way = moments(law, self.deck.epsilon, np.asarray(t, float)).T
        return np.stack([first[0] + way[2], first[1] + 6 * first[0] * way[2] + way[4]])

    def moments_of(self, snapshot, name):
        """⟨z²⟩ and ⟨z⁴⟩ of cell averages about the middle, weighted with the tube's volumes: array (2,)."""
        faces = snapshot["z_face"].values
        content = snapshot["area"].values * np.diff(faces) * snapshot[name].values
        return powers(faces, self.deck.at)[2:] @ content / content.sum()

    def off(self, snapshot, model):
        """Relative L2 difference of a model's f0 from the kinetic one, weighted with the tube's volumes."""
        volumes, f0 = snapshot["area"].values * np.diff(snapshot["z_face"].values), snapshot["f0"].values
        return float(np.sqrt(volumes @ (snapshot[model].values - f0) ** 2 / (volumes @ f0**2)))


# -- a scan over epsilon ---------------------------------------------------------------------------------------


class Scan:
    """A scan over epsilon, seen by its figure.

    Attributes
    ----------
    directory : Path
    curves : dict of str, array (n, 4)
        By law, and by what else differs at one epsilon: epsilon and the errors of the three models, in the order of epsilon.
    missing : list of str
        Directories of points that have not ended.
    """

    def __init__(self, directory):
        self.directory, self.missing, found = Path(directory), [], {}
        try:
            points = {str(point["directory"]): dict(point["values"]) for point in (read_json(self.directory / "scan.json") or {})["points"]}
        except (KeyError, TypeError, ValueError):
            raise InputError("not the list of a scan's points", where=self.directory / "scan.json",
                             allowed='{"points": [{"directory": ..., "values": {...}}, ...]}') from None
        for place, values in points.items():
            path = self.directory / place
            summary = read_json(path / "summary.json")
            if summary is None:
                self.missing.append(place)
                continue
            deck = Deck(path / "deck.toml")
            row = [deck.epsilon, *(number(summary, f"error_{model}") for model in MODELS)]
            # A model may be missing, as the telegraph equation where K is negative.
            if not np.any(np.isfinite(row[1:])) or not np.isfinite(row[0]):
                raise InputError("the summary lacks error_diffusion, error_hyperdiffusion or error_telegraph",
                                 where=path / "summary.json", allowed="points that are runs of the problem focused")
            found.setdefault(deck.words(), []).append((row, values))
        if not found:
            raise InputError("no point of the scan is finished yet", where=self.directory, given=f"{len(self.missing)} points",
                             allowed="a scan with at least one point that has a summary.json")
        self.curves = {}
        for words, rows in found.items():
            apart = free_keys((f"{row[0]:.6g}", values) for row, values in rows)
            for row, values in sorted(rows, key=lambda pair: pair[0]):
                more = "".join(f", {key.split('.')[-1]} = {values[key]}" for key in apart)
                self.curves.setdefault(words + more, []).append(row)
        self.curves = {words: np.array(rows) for words, rows in self.curves.items()}
        if len(self.curves) > PANELS:
            raise InputError("too many laws of scattering or other settings for one figure", given=len(self.curves), allowed=f"at most {PANELS}")


def slope_of(epsilon, error):
    """Slope of ln error against ln epsilon by least squares, and its local slopes between neighbours: float, array (n − 1,).

    NaN where there are fewer than two different epsilon, or an error is 0.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        x, y = np.log(epsilon), np.log(error)
        local = np.diff(y) / np.diff(x)
        known = np.isfinite(y)
        x, y = x[known] - x[known].mean(), y[known]
        return float(x @ y / (x @ x)), local


def scaling(scan):
    """Errors of the models at the end over epsilon, with the slopes fitted and lines of slope 2 and 4."""
    n = len(scan.curves)
    figure, axes = plt.subplots(1, n, figsize=(WIDTH * min(0.3 + 0.25 * n, 1.15), 3.9), sharex=True, sharey=True, squeeze=False)
    for axis, (words, rows) in zip(axes.flat, scan.curves.items()):
        axis.set_xscale("log")
        epsilon = rows[:, 0]
        for (model, colour), order, error in zip(MODELS.items(), ORDERS.values(), rows.T[1:]):
            slope, _ = slope_of(epsilon, error)
            fitted = f" {slope:.2f}" if np.isfinite(slope) else ""
            axis.plot(epsilon, error, "o", color=colour, **STYLE[model], label=f"{model}:{fitted}")
            if model != "telegraph":
                height = (2.0 if order == 2 else 0.4) * error[-1]
                axis.plot(epsilon, height * (epsilon / epsilon[-1]) ** order, **REFERENCE)
                axis.annotate(f"$\\varepsilon^{order}$", (epsilon[-1], height), (3, -2), **WORD)
        axis.set_title(words)
        axis.set_xlabel("$\\varepsilon$")
        axis.legend(loc="upper left", title="slope", alignment="left")
    every = np.concatenate(list(scan.curves.values()))
    axes[0, 0].set_xlim(every[:, 0].min() / 1.25, every[:, 0].max() * 1.25)
    for axis in axes.flat:
        upright(axis, [every[:, 1:]], 12, top=8.0)
        tidy_log(axis.xaxis)
    axes[0, 0].set_ylabel("$\\|f_0^\\mathrm{model}-f_0\\|/\\|f_0\\|$ at the end")
    return figure


def show(scan):
    """Print the errors, and the slopes from each epsilon to the next."""
    for words, rows in scan.curves.items():
        print(words.replace("$", ""))
        fitted, local = zip(*(slope_of(rows[:, 0], error) for error in rows.T[1:]))
        print("epsilon   " + "".join(f"{model:<22}" for model in MODELS) + "(slope from the point before)")
        for i, row in enumerate(rows):
            steps = [f"{step[i - 1]:.2f}" if i else "" for step in local]
            print(f"{row[0]:<10.4g}" + "".join(f"{value:<12.4e}{step:<10}" for value, step in zip(row[1:], steps)))
        print("fitted:   " + ", ".join(f"{model} {slope:.3f}" for model, slope in zip(MODELS, fitted)))
    if scan.missing:
        few = ", ".join(scan.missing[:5]) + (", ..." if len(scan.missing) > 5 else "")
        print(f"{len(scan.missing)} points are not finished: {few}")


# -- the command -----------------------------------------------------------------------------------------------

FIGURES = (profiles, maps, moments, errors, dispersion)


def draw(one, out):
    """All figures of a run for which it has what they show."""
    missing = 0
    for figure in FIGURES:
        try:
            save(figure(one), out, figure.__name__)
        except Absent as reason:
            plt.close("all")
            missing += 1
            print(f"{figure.__name__} is not drawn: {reason}", file=sys.stderr)
    if missing == len(FIGURES):
        raise InputError("no figure can be drawn", where=one.run.directory)
    for name in ("z2", "z4"):
        value, exact = number(one.summary, name), number(one.summary, f"{name}_exact")
        if exact > 0:
            print(f"{one.run.directory}: {name}/exact - 1 = {value / exact - 1:.2e}")
    for model in MODELS:
        off = one.off(one.later[-1], model)
        print(f"{one.run.directory}: {model} {f'is off by {off:.4e}' if np.isfinite(off) else 'has no answer here'}")


def main():
    """Read the command line, draw, and say what was found."""
    parser = Arguments(prog="focused.py", description=__doc__.split("\n")[0])
    parser.add_argument("directories", metavar="DIR", nargs="+", help="a run, or a scan over epsilon")
    parser.add_argument("--out", help="where the figures go; default figures/ in each DIR")
    given = parser.parse_args()
    for directory in map(Path, given.directories):
        out = Path(given.out) if given.out else directory / "figures"
        if given.out and len(given.directories) > 1:
            out = out / directory.resolve().name
        if (directory / "scan.json").is_file():
            scan = Scan(directory)
            save(scaling(scan), out, "scaling")
            show(scan)
        else:
            try:
                draw(Focused(directory), out)
            except Absent as reason:
                raise InputError(f"no figure can be drawn: {reason}", where=directory) from None


if __name__ == "__main__":
    script(main)
