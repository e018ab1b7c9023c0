"""How hpccr scales: what each rank sends, waits for and holds, and the speed-up that the cost model predicts on a machine of yours.

    hpccr bench scaling --json > scaling.json
    python postprocess/scaling.py scaling.json                                          figures
    python postprocess/scaling.py scaling.json --table jobscripts/SCALING.md            and the tables
    python postprocess/scaling.py scaling.json --problem cloud --cells 4096 --lanes 64 --ranks 512 --latency 1.5us --bandwidth 12.5GB/s
    python postprocess/scaling.py --measured study/scaling.csv                          what jobscripts/slurm_scaling.sh measured
"""

import csv
from pathlib import Path

import numpy as np
from common import Arguments, quantities, read_json, script
from drawing import PLAIN, WIDTH, colours, plt, positive, save
from matplotlib.ticker import LogLocator, NullLocator

from hpccr.bench import cost_model
from hpccr.errors import InputError

LATENCY, BANDWIDTH = "2 us", "10 GB/s"
# Up to so many ranks predictions are drawn.
MOST = 4096
# Sizes of predictions where none is given: cells and lanes, units and members, in all or for each rank.
LARGE = {"grid": (4096, 512), "flow": (4096, 512), "kinetic": (32768, 256), "ensemble": (65536, 32)}
EACH = {"grid": (4096, 16), "flow": (1024, 32), "kinetic": (512, 256), "ensemble": (64, 32)}


class Study:
    """What `hpccr bench scaling --json` found, and the machine it is predicted for.

    Parameters
    ----------
    path : str
    latency, bandwidth : float
        Of the machine [s], [B/s].

    Attributes
    ----------
    cases : dict
        Case by name.

    Raises
    ------
    InputError
        Not such a file.
    """

    def __init__(self, path, latency, bandwidth):
        found = read_json(Path(path))
        if found is None:
            raise InputError("no such file", where=path, allowed="what `hpccr bench scaling --json > scaling.json` wrote")
        if not isinstance(found.get("scaling"), dict) or "cases" not in found["scaling"]:
            raise InputError("not a scaling study", where=path, allowed="what `hpccr bench scaling --json > scaling.json` wrote")
        self.found, self.cases = found["scaling"], found["scaling"]["cases"]
        self.latency, self.bandwidth = latency, bandwidth

    def predict(self, name, size, ranks):
        """As cost_model.predict for this machine, or None where so many ranks cannot share it or it was not measured."""
        if self.cases[name]["model"] is None:
            return None
        try:
            return cost_model.predict(self.cases[name], size, ranks, self.latency, self.bandwidth)
        except InputError:
            return None

    def series(self, name, mode, take):
        """(ranks, values) of the points of a mode with more than one rank; `take` gives the value of a point."""
        points = [point for point in self.cases[name][mode] if point["ranks"] > 1]
        return np.array([point["ranks"] for point in points]), np.array([take(point) or 0.0 for point in points], float)

    def of(self, problem):
        """The names of the cases of a problem, or the case of that name.

        Raises
        ------
        InputError
            There is none.
        """
        mine = [name for name, case in self.cases.items() if problem in (name, case["problem"])]
        if not mine:
            raise InputError("no such case", where="--problem", given=problem,
                             allowed=", ".join(dict.fromkeys(case["problem"] for case in self.cases.values())))
        return mine


def doublings(most):
    """1, 2, 4, … up to `most`: list of int."""
    return [2**k for k in range(int(most).bit_length()) if 2**k <= most]


# -- figures -----------------------------------------------------------------------------------------------------------------


def _ranks(axis, most):
    """An axis of numbers of ranks: powers of two."""
    axis.axes.set_xscale("log", base=2)
    axis.set_major_locator(LogLocator(4 if most <= 64 else 8, numticks=20))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(PLAIN)


def _styles(study):
    """A colour for each problem, a kind of line for each of its cases: {name: dict}."""
    problems = list(dict.fromkeys(case["problem"] for case in study.cases.values()))
    tints, seen, styles = dict(zip(problems, colours(len(problems)))), dict.fromkeys(problems, 0), {}
    for name, case in study.cases.items():
        number = seen[case["problem"]]
        tint, marker = tints[case["problem"]], "osD^v<>"[problems.index(case["problem"]) % 7]
        styles[name] = {"color": tint, "linestyle": ("-", "--", ":", "-.")[number % 4], "marker": marker,
                        "markerfacecolor": "none" if number else tint, "label": name}
        seen[case["problem"]] += 1
    return styles


def panels(study, height=1.55):
    """A figure with a panel for each case: (figure, {name: axes})."""
    rows = -(-len(study.cases) // 3)
    figure, grid = plt.subplots(rows, 3, figsize=(WIDTH, height * rows + 0.6), squeeze=False, sharex=True)
    spare = grid.ravel()[len(study.cases):]
    for axes in spare:
        axes.set_axis_off()
    places = dict(zip(study.cases, grid.ravel()))
    for number, (name, axes) in enumerate(places.items()):
        axes.set_title(name, fontsize=7.5)
        _ranks(axes.xaxis, 64)
        last = number + 3 >= len(study.cases)
        axes.tick_params(labelbottom=last)
        if last:
            axes.set_xlabel("ranks")
    return figure, places


def _legend(figure, axes, columns=3):
    handles, labels = axes.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=columns, handlelength=3.0)


def counts(study, phase, unit):
    """Figure: what a rank sends and receives in a phase, at most, against the number of ranks; `unit` is what it is told by."""
    figure, places = panels(study)
    shown = (("messages", lambda p: p["messages"]["max"]), ("collective calls", lambda p: p["collectives"]["max"]),
             ("kB sent", lambda p: p["bytes"]["max"] / 1e3), ("kB received from collectives", lambda p: p["received"]["max"] / 1e3))
    for name, axes in places.items():
        for colour, (label, take) in zip(colours(4), shown):
            for mode, style in (("strong", "-o"), ("weak", "--s")):
                ranks, values = study.series(name, mode, lambda p, take=take: take(p["phases"][phase]))
                axes.plot(ranks, positive(values), style, color=colour, label=f"{label}, {mode}",
                          markerfacecolor="none" if mode == "weak" else colour)
        axes.set_yscale("log")
        axes.margins(y=0.15)
    for axes in list(places.values())[::3]:
        axes.set_ylabel(f"per rank and {unit}")
    _legend(figure, axes, 4)
    return figure


def held(study):
    """Figure: memory per rank, Krylov iterations a step, and balance of the load."""
    figure, grid = plt.subplots(1, 3, figsize=(WIDTH, 3.4), sharex=True)
    takes = ((lambda p: p["memory"]["mean"] / 2**20, "weak", "memory of a rank [MiB], size ∝ ranks"),
             (lambda p: p["krylov"], "weak", "Krylov iterations a step, size ∝ ranks"),
             (lambda p: p["balance"], "strong", "load, most over mean, fixed size"))
    for axes, (take, mode, label) in zip(grid, takes):
        for name, style in _styles(study).items():
            ranks, values = study.series(name, mode, take)
            axes.plot(ranks, positive(values), **style)
        _ranks(axes.xaxis, 64)
        axes.set_xlabel("ranks")
        axes.set_title(label, fontsize=7.5)
        axes.set_ylim(bottom=0)
    grid[-1].set_ylim(bottom=0.95)
    _legend(figure, grid[0])
    return figure


def predicted(study):
    """Figure: speed-up at a fixed size and efficiency at a size for each rank, as the model has them."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(WIDTH, 3.9))
    ranks = doublings(MOST)
    left.plot(ranks, ranks, color="0.6", linewidth=0.6)
    for name, style in _styles(study).items():
        engine, grows = study.cases[name]["engine"], study.cases[name]["grows"]
        large = _sized(study.cases[name], LARGE[engine])
        alone = study.predict(name, large, 1)
        if alone is None:
            continue
        times = [study.predict(name, large, n) for n in ranks]
        left.plot(ranks, [alone["total"] / t["total"] if t else np.nan for t in times], **style)
        each = _sized(study.cases[name], EACH[engine])
        sizes = [tuple(n * s if axis == grows else s for axis, s in enumerate(each)) for n in ranks]
        times = [study.predict(name, size, n) for size, n in zip(sizes, ranks)]
        right.plot(ranks, [times[0]["total"] / t["total"] if t else np.nan for t in times], **style)
    for axes in (left, right):
        _ranks(axes.xaxis, MOST)
        axes.set_xlabel("ranks")
    left.set_yscale("log", base=2)
    left.yaxis.set_major_formatter(PLAIN)
    left.set_ylabel("predicted speed-up, fixed size")
    right.set_ylim(0, 1.05)
    right.set_ylabel("predicted efficiency, size ∝ ranks")
    _legend(figure, left)
    return figure


def _sized(case, size):
    """The size for a case: few lanes where lines are what is shared."""
    if case["engine"] != "grid" or case["grows"] == 1:
        return size
    lanes = case["strong"][0]["size"][1]
    return size[0] * size[1] // lanes, lanes


def measured(path):
    """Figure: speed-up and efficiency of the runs in a table of jobscripts/, from the seconds of a step, against the run on the fewest
    ranks.

    Raises
    ------
    InputError
        Not such a table.
    """
    try:
        with open(path, encoding="utf-8", newline="") as file:
            rows = [(row["mode"], int(row["ranks"]), float(row["seconds_per_step"])) for row in csv.DictReader(file)]
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", where=path) from None
    except (KeyError, TypeError, ValueError) as error:
        raise InputError("not a table of a scaling study", where=path, given=str(error)) from None
    if not rows:
        raise InputError("no runs yet", where=path)
    figure, grid = plt.subplots(1, 2, figsize=(WIDTH, 3.2))
    labels = {"strong": ("speed-up, fixed size", lambda n, t: t[0] / t * n[0]),
              "weak": ("efficiency, size ∝ ranks", lambda n, t: t[0] / t)}
    for axes, (mode, (label, take)) in zip(grid, labels.items()):
        mine = sorted((n, t) for kind, n, t in rows if kind == mode)
        if mine:
            ranks, seconds = (np.array(column, float) for column in zip(*mine))
            axes.plot(ranks, take(ranks, seconds), "-o", color=colours(1)[0])
            axes.plot(ranks, ranks if mode == "strong" else np.ones_like(ranks), color="0.6", linewidth=0.6)
            for n, t, y in zip(ranks, seconds, take(ranks, seconds)):
                print(f"{mode} {n:.0f} ranks: {t:.4g} s a step, {label.partition(',')[0]} {y:.3g}")
        _ranks(axes.xaxis, max(n for _, n, _ in rows))
        axes.set_xlabel("ranks")
        axes.set_ylabel(label)
    grid[0].set_yscale("log", base=2)
    grid[0].yaxis.set_major_formatter(PLAIN)
    grid[1].set_ylim(bottom=0)
    return figure


# -- a prediction ------------------------------------------------------------------------------------------------------------


def told(study, name, size, ranks):
    """A prediction in words: list of lines.

    Raises
    ------
    InputError
        So many ranks cannot share it.
    """
    case = study.cases[name]
    if case["model"] is None:
        raise InputError("this study has no times", given=name, allowed="one with `hpccr bench scaling` to its end")
    found = cost_model.predict(case, size, ranks, study.latency, study.bandwidth)
    alone = cost_model.predict(case, size, 1, study.latency, study.bandwidth)
    ensemble = case["engine"] == "ensemble"
    if ensemble:
        head = f"{name}: {size[0]} units of {size[1]} members on {ranks} ranks"
        lines = [head, f"  the whole      {found['total']:.4g} s, a unit of work {found['per unit']:.4g} s of a rank"]
    else:
        lane_parts, line_parts = cost_model.cut(case, size, ranks)
        lines = [f"{name}: {size[0]} cells × {size[1]} lanes on {ranks} ranks, "
                 f"{lane_parts} parts of the lanes × {line_parts} of the lines", f"  a step         {found['total']:.4g} s"]
    what, when = ("member", "deal") if ensemble else ("cell and lane", "step")
    notes = {"compute": f"the rank that has most; {case['model']['rates']['a']:.3g} s a {what}",
             "latency": f"{found['messages']:.3g} messages, {found['collectives']:.3g} collective calls a {when}",
             "bandwidth": f"{found['bytes'] + found['received']:.3g} B a {when}"}
    lines += [f"    {part:<12} {found[part]:.4g} s, {100 * found[part] / found['total']:.1f} %: {note}" for part, note in notes.items()]
    gain = alone["total"] / found["total"]
    return [*lines, f"  speed-up       {gain:.4g} over one rank, efficiency {100 * gain / ranks:.1f} %"]


def _answer(study, given):
    """Print the predictions that were asked for."""
    sizes = {"ensemble": (given.units, given.members), "": (given.cells, given.lanes)}
    refused = []
    names = study.of(given.problem)
    for name in names:
        ensemble = study.cases[name]["engine"] == "ensemble"
        size = sizes["ensemble" if ensemble else ""]
        if size[0] is None or size[1] is None:
            raise InputError("the size is missing", where="--problem", given=given.problem,
                             allowed="--units and --members" if ensemble else "--cells and --lanes")
        try:
            print("\n".join(told(study, name, size, given.ranks)))
        except InputError as error:
            refused.append(error)
    if len(refused) == len(names):
        raise refused[0]


def _positive(text):
    value = int(text)
    if value < 1:
        raise ValueError
    return value


def main():
    """Read the command line; draw, write tables or predict."""
    parser = Arguments(prog="scaling.py", description=__doc__.split("\n")[0])
    parser.add_argument("study", metavar="JSON", nargs="?", help="what `hpccr bench scaling --json` wrote")
    parser.add_argument("--measured", metavar="CSV", help="draw runs on a cluster: scaling.csv of jobscripts/slurm_scaling.sh")
    parser.add_argument("--out", default="figures", help="where the figures go; default figures/")
    parser.add_argument("--table", metavar="FILE", help="write the tables there, as Markdown")
    parser.add_argument("--latency", default=LATENCY, help=f"of a message on the machine to predict for; default {LATENCY}")
    parser.add_argument("--bandwidth", default=BANDWIDTH, help=f"of a rank's link there; default {BANDWIDTH}")
    parser.add_argument("--problem", help="predict a step of this problem, or case, instead of drawing")
    for word, what in (("cells", "cells along the lines"), ("lanes", "cells across them"), ("units", "units of work of an ensemble"),
                       ("members", "members in each unit"), ("ranks", "ranks")):
        parser.add_argument(f"--{word}", type=_positive, default=1 if word in ("lanes", "ranks") else None,
                            help=f"of the prediction: {what}")
    given = parser.parse_args()
    latency, = quantities(given.latency, "s", "--latency", 1e-9, 1.0)
    bandwidth, = quantities(given.bandwidth, "B/s", "--bandwidth", 1e3, 1e15)
    if given.study is None and given.measured is None:
        parser.error("neither a study nor measured runs are given")
    if given.measured:
        save(measured(given.measured), given.out, "scaling_measured")
    if given.study:
        _show(Study(given.study, latency, bandwidth), given)


def _show(study, given):
    """What the command line asks for of a study."""
    if given.problem:
        _answer(study, given)
        return
    if given.table:
        import scaling_tables

        scaling_tables.write(study, given.table)
    save(counts(study, "steps", "step"), given.out, "scaling_steps")
    save(counts(study, "output", "output"), given.out, "scaling_output")
    save(held(study), given.out, "scaling_held")
    save(predicted(study), given.out, "scaling_predicted")


if __name__ == "__main__":
    script(main)
