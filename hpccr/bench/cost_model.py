"""From counts and single-core times to the time of a step on any number of ranks of any machine.

    t(N, P) = compute + latency + bandwidth
    compute    a n m + c n + b     n × m cells and lanes of the rank that has most, and b what every rank does alike
    latency    (messages + collectives ⌈log₂P⌉) L
    bandwidth  (bytes sent + bytes received from collectives) / B

a, b, c come from steps timed on one rank, L and B are the machine's. What a step sends is a sum of features of how the grid is cut, with
coefficients found by non-negative least squares from all points that were counted. An ensemble's step is a unit of work of so many
members, a m + b, and its collectives are those of a deal.
"""

import math

import numpy as np

from hpccr.driver.ensemble import ROUND
from hpccr.errors import InputError

COUNTS = ("messages", "bytes", "collectives", "received")
_LAWS = {"log P": np.log2, "sqrt P": np.sqrt, "P": lambda p: p}
# Counts are constant if they differ by no more than this part of the largest; another law holds if none is further from it than this part
# of their range.
HOLDS = 0.05
# What counts are made of: a neighbour at each side, the rounds of an exchange over doubling distances, of which the first and those after it
# differ at the ends. What grows with P itself is taken in only if the rest leaves more than this part of a count unexplained.
_FEATURES = {
    "messages": ("1", "lane sides", "line sides", "line cut", "lane cut", "lane rounds", "line rounds", "further lane rounds",
                 "further line rounds", "rounds", "further rounds"),
    "bytes": ("1", "line sides", "line rounds", "further line rounds",
              "lane sides × cells", "line sides × lanes", "line cut × lanes", "lane cut × cells", "lane rounds × cells",
              "line rounds × lanes", "further lane rounds × cells", "further line rounds × lanes", "rounds", "further rounds"),
    "collectives": ("1", "line cut", "log P"),
    "received": ("1", "line cut", "log P", "all cells", "all lanes", "cells", "lanes"),
}
_STEEP = ("P", "line parts × lanes", "lane parts × cells")
_LEFT = 0.25


# -- how a count grows -------------------------------------------------------------------------------------------------------


def law(ranks, values):
    """How a count per rank grows with the number of ranks.

    Parameters
    ----------
    ranks, values : array (n,)

    Returns
    -------
    str
        "none", "falls", "constant", "log P", "sqrt P" or "P", the first that holds; else "below log P" where each doubling of the ranks
        adds no more than one before, or the power P^x that comes nearest; "?" of fewer than three numbers of ranks above 1. Where there
        are enough, those below 4 do not count: such ranks have a neighbour on one side only.
    """
    ranks, values = np.asarray(ranks, float), np.asarray(values, float)
    chosen = ranks >= (4 if (ranks >= 4).sum() >= 3 else 2)
    p, y = ranks[chosen], values[chosen]
    if not y.any():
        return "none"
    if len(p) < 3:
        return "?"
    span = np.ptp(y)
    if span <= HOLDS * y.max():
        return "constant"
    for name, shape in _LAWS.items():
        columns = np.stack([np.ones_like(p), shape(p)], axis=1)
        found = np.linalg.lstsq(columns, y, rcond=None)[0]
        if np.abs(columns @ found - y).max() <= HOLDS * span:
            return name if found[1] > 0 else "falls"
    if y[-1] < y[0]:
        return "falls"
    added = np.diff(y) / np.diff(np.log2(p))
    if added[-1] <= (1 + HOLDS) * added[:-1].max():
        return "below log P"
    return f"P^{np.polyfit(np.log(p), np.log(np.maximum(y, 1e-300)), 1)[0] if (y > 0).all() else 1.0:.2g}"


def growth(points):
    """How everything grows that was counted at several numbers of ranks of one mode: {phase or figure: {count: law}, or law}."""
    ranks = [point["ranks"] for point in points]
    found = {phase: {count: law(ranks, [point["phases"][phase][count]["max"] for point in points]) for count in COUNTS}
             for phase in points[0]["phases"]}
    found |= {figure: law(ranks, [point[figure] or 0.0 for point in points]) for figure in ("krylov", "jacobians", "balance")}
    # One rank collects what the others write.
    return found | {"memory": law(ranks, [point["memory"]["mean"] for point in points])}


def speed(name):
    """A number that is larger the faster a law grows: float."""
    if name.startswith("P^"):
        return float(name[2:])
    return {"none": -2.0, "?": -2.0, "falls": -1.0, "constant": 0.0, "below log P": 0.05, "log P": 0.1, "sqrt P": 0.5, "P": 1.0}[name]


# -- the model ---------------------------------------------------------------------------------------------------------------


def cut(case, size, ranks):
    """How a grid is shared.

    Parameters
    ----------
    case : dict
        "engine", and of a grid whether its lanes are "coupled".
    size : (int, int)
        Cells and lanes.
    ranks : int

    Returns
    -------
    (int, int)
        Parts of the lanes, and of the lines.

    Raises
    ------
    InputError
        So many ranks cannot share it.
    """
    from hpccr.grid import patch
    from hpccr.grid.mesh import process_grid
    from hpccr.grid.strip import Strip

    cells, lanes = size
    if case["engine"] == "kinetic":
        Strip.fit(cells, ranks)
        return 1, ranks
    return patch.cut(ranks, cells, lanes) if case["engine"] == "flow" else process_grid(ranks, lanes, cells + 2, case["coupled"])


def features(case, size, ranks):
    """What the counts of a step may depend on: dict of float."""
    rounds = math.ceil(math.log2(ranks))
    if case["engine"] == "ensemble":
        return {"1": 1.0, "P": float(ranks), "log P": math.log2(ranks), "rounds": rounds, "further rounds": max(0, rounds - 1)}
    (cells, lanes), parts = size, dict(zip(("lane", "line"), cut(case, size, ranks)))
    own = {"line": math.ceil(lanes / parts["lane"]), "lane": math.ceil(cells / parts["line"])}      # what a side of the cut is long
    found = {"1": 1.0, "P": float(ranks), "log P": math.log2(ranks), "all cells": cells, "all lanes": lanes, "cells": own["lane"],
             "lanes": own["line"]}
    for way, other in (("lane", "cells"), ("line", "lanes")):
        rounds = math.ceil(math.log2(parts[way]))
        for name, value in (("sides", min(2, parts[way] - 1)), ("cut", float(parts[way] > 1)), ("rounds", rounds), ("parts", parts[way])):
            found[f"{way} {name}"], found[f"{way} {name} × {other}"] = value, value * own[way]
        found[f"further {way} rounds"] = max(0, rounds - 1)
        found[f"further {way} rounds × {other}"] = max(0, rounds - 1) * own[way]
    return found


def _points(case):
    return [*case["strong"], *case["weak"]]


def _traffic(case):
    """Coefficients {count: {feature: number}} from all points with more than one rank, and the largest relative misfit of each."""
    points = [point for point in _points(case) if point["ranks"] > 1]
    rows, found, misfit = [features(case, point["size"], point["ranks"]) for point in points], {}, {}
    for count in COUNTS:
        y = np.array([point["phases"]["steps"][count]["max"] for point in points])
        found[count], misfit[count] = _sum_of(_FEATURES[count], rows, y)
        if misfit[count] > _LEFT:
            found[count], misfit[count] = _sum_of(_FEATURES[count] + _STEEP, rows, y)
    return found, misfit


def _sum_of(names, rows, y):
    """Coefficients of features, none below 0, whose sum comes nearest to values (n,), each by its relative error, and the largest of these."""
    from scipy.optimize import nnls

    names = [name for name in names if any(row.get(name) for row in rows)]
    if not (len(y) and y.any() and names):
        return {}, 0.0
    matrix = np.array([[row.get(name, 0.0) for name in names] for row in rows], float)
    weights, scale = 1.0 / np.maximum(y, 0.01 * y.max()), matrix.max(axis=0)
    solution = nnls(matrix / scale * weights[:, None], y * weights)[0] / scale
    return ({name: float(value) for name, value in zip(names, solution) if value > 0},
            float(np.abs((matrix @ solution - y) * weights).max()))


def _rates(case, times):
    """{"a", "c", "b"} [s] from the shortest times of steps on one rank, and the largest relative misfit."""
    from scipy.optimize import nnls

    sizes = [time["size"] for time in times]
    y = np.array([time["cpu"] for time in times])
    ensemble = case["engine"] == "ensemble"
    columns = {"a": [m if ensemble else n * m for n, m in sizes], "b": [1.0] * len(sizes)}
    if not ensemble and len({m for _, m in sizes}) > 1:
        columns["c"] = [n for n, _ in sizes]
    matrix = np.array(list(columns.values()), float).T
    if len(set(columns["a"])) == 1:
        return {"a": float(y.min() / columns["a"][0]), "b": 0.0, "c": 0.0}, float(y.max() / y.min() - 1)
    scale = matrix.max(axis=0)
    solution = nnls(matrix / scale / y[:, None], np.ones(len(y)))[0] / scale
    found = dict(zip(columns, solution.tolist()))
    return {"c": 0.0, **found}, float(np.abs(matrix @ solution / y - 1).max())


def fitted(case, link):
    """The coefficients of a case and how well they do.

    Parameters
    ----------
    case : dict
        With its points "strong" and "weak", and "times": [[runs on one rank], [runs on two]] of each pair.
    link : dict
        Seconds of a "message" and a "collective" between two ranks of this machine, and of a "byte".

    Returns
    -------
    dict
        "model" for `predict`, with the relative misfits; "check": seconds of a step on 1 and 2 ranks as measured and as predicted
        from one, and their "ratio" on 2, or None.
    """
    if not case["times"]:
        return {"model": None, "check": None}
    one = [_shortest(runs) for runs in zip(*(alone for alone, _ in case["times"]))]
    two = _shortest([runs[-1] for _, runs in case["times"]])
    rates, spread = _rates(case, one)
    traffic, misfit = _traffic(case)
    model = {"rates": rates, "traffic": traffic, "misfit": {"rates": spread, **misfit}, "cut work": 1.0,
             "lines": case["engine"] != "ensemble" and any(cut(case, point["size"], point["ranks"])[1] > 1 for point in _points(case))}
    alone = next(time for time in one if time["size"] == two["size"])
    parts = predict({**case, "model": model}, two["size"], 2, link["message"], 1 / max(link["byte"], 1e-300), link["collective"])
    predicted = parts["per unit"] if case["engine"] == "ensemble" else parts["total"]
    check = {"size": two["size"], "measured": [alone["wall"], two["wall"]], "predicted": predicted, "ratio": predicted / two["wall"],
             "speed-up": alone["wall"] / two["wall"]}
    if case["engine"] != "ensemble" and cut(case, two["size"], 2)[1] > 1:
        # Parts of lines take more than their share of the work; how much more is taken from the same two ranks.
        model["cut work"] = max(1.0, (two["wall"] - parts["latency"] - parts["bandwidth"]) / parts["compute"])
    return {"model": model, "check": check}


def _shortest(runs):
    """Of several runs of one size the shortest times."""
    return {"size": runs[0]["size"], **{clock: min(run[clock] for run in runs) for clock in ("wall", "cpu")}}


def traffic(case, size, ranks):
    """What a rank sends and receives in a step, as the model has it: {count: float}."""
    if ranks == 1:
        return dict.fromkeys(COUNTS, 0.0)
    known = features(case, size, ranks)
    return {count: sum(value * known[name] for name, value in case["model"]["traffic"][count].items()) for count in COUNTS}


def predict(case, size, ranks, latency, bandwidth, collective=None):
    """Where the time of a step goes.

    Parameters
    ----------
    case : dict
        Of the study, with its "model".
    size : (int, int)
        Cells and lanes; of an ensemble units and members.
    ranks : int
    latency : float
        Of a message [s].
    bandwidth : float
        Of a rank's link [B/s].
    collective : float, optional
        Of one round of a collective call [s]; as of a message if not given.

    Returns
    -------
    dict
        "compute", "latency", "bandwidth", "total" [s] of a step, of an ensemble those of the whole with "per unit"; "messages",
        "bytes", "collectives", "received" of a step or a deal.

    Raises
    ------
    InputError
        So many ranks cannot share the grid, or would cut lines and the case does not know what that takes.
    """
    counts, rounds = traffic(case, size, ranks), math.ceil(math.log2(ranks))
    waits = counts["messages"] * latency + counts["collectives"] * rounds * (latency if collective is None else collective)
    moves = (counts["bytes"] + counts["received"]) / bandwidth
    compute = _compute(case, size, ranks)
    # Deals at the beginning, and to find that nothing is left, come on top.
    deals = (compute / ROUND + 2 if ranks > 1 else 0) if case["engine"] == "ensemble" else 1
    parts = {"compute": compute, "latency": deals * waits, "bandwidth": deals * moves}
    total = sum(parts.values())
    return {**parts, "total": total, **({"per unit": total * ranks / size[0]} if case["engine"] == "ensemble" else {}), **counts}


def _compute(case, size, ranks):
    """Seconds of the rank that has most, in a step or, of an ensemble, in all; parameters as `predict`."""
    a, b, c = (case["model"]["rates"][key] for key in "abc")
    if case["engine"] == "ensemble":
        units, members = size
        return (a * members + b) * math.ceil(units / ranks)
    lane_parts, line_parts = cut(case, size, ranks)
    if line_parts > 1 and not case["model"]["lines"]:
        raise InputError("lines are cut by so many ranks, which this case was not measured with", given=f"{ranks} ranks, {size[1]} lanes",
                         allowed="fewer ranks, more lanes, or a case with lines cut")
    own_cells, own_lanes = math.ceil(size[0] / line_parts), math.ceil(size[1] / lane_parts)
    return (case["model"]["cut work"] if line_parts > 1 else 1.0) * (a * own_cells * own_lanes + c * own_cells + b)
