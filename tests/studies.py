"""A scaling study of made-up problems, whose counts and times follow laws that are known."""

import math

from hpccr.bench import cost_model

RANKS = (1, 2, 4, 8, 16, 32, 64)
# Seconds a cell and lane, a cell, a step; of a message, a round of a collective call, a byte.
A, C, B = 2e-8, 3e-6, 1e-4
LINK = {"message": 2e-6, "collective": 3e-6, "byte": 1e-10}
# Name: (engine, coupled, grows, strong size, weak size).
CASES = {"plain, lanes": ("grid", False, 1, (254, 128), (510, 8)), "mixed, lanes": ("grid", True, 1, (254, 128), (510, 8)),
         "mixed, lines": ("grid", True, 0, (1022, 4), (64, 4)), "angles": ("kinetic", False, 0, (512, 32), (64, 16)),
         "members": ("ensemble", False, 0, (128, 32), (10, 32))}


def sent(engine, coupled, size, ranks):
    """What a step takes: {count: number}."""
    if ranks == 1:
        return dict.fromkeys(cost_model.COUNTS, 0.0)
    rounds = math.log2(ranks)
    if engine == "ensemble":
        return {"messages": 2 * rounds, "bytes": 36 * rounds, "collectives": 3.0, "received": 40.0}
    lane_parts, line_parts = cost_model.cut({"engine": engine, "coupled": coupled}, size, ranks)
    cells, lanes = math.ceil(size[0] / line_parts), math.ceil(size[1] / lane_parts)
    beside, beyond = 5 * min(2, lane_parts - 1) * coupled, 4 * min(2, line_parts - 1)
    return {"messages": beside + beyond + 6 * math.ceil(math.log2(line_parts)), "bytes": 16 * (beside * cells + beyond * lanes),
            "collectives": 7.0 + 2 * (line_parts > 1), "received": 104.0 + 8 * size[1]}


def seconds(engine, size, ranks, coupled=False):
    """A step, or a unit of work."""
    if engine == "ensemble":
        return A * size[1] + B
    lane_parts, line_parts = cost_model.cut({"engine": engine, "coupled": coupled}, size, ranks)
    cells, lanes = math.ceil(size[0] / line_parts), math.ceil(size[1] / lane_parts)
    counts = sent(engine, coupled, size, ranks)
    waits = counts["messages"] * LINK["message"] + counts["collectives"] * math.ceil(math.log2(ranks)) * LINK["collective"]
    return A * cells * lanes + C * cells + B + waits + (counts["bytes"] + counts["received"]) * LINK["byte"]


def point(engine, coupled, size, ranks):
    """A point of the study."""
    def both(counts):
        return {name: {"mean": value, "max": value} for name, value in counts.items()}

    counts = sent(engine, coupled, size, ranks)
    gathered = {**counts, "received": 50.0 * ranks}
    phases = {"set-up": both(dict.fromkeys(counts, 0.0)), "start": both(counts), "steps": both(counts), "output": both(gathered),
              "end": both(dict.fromkeys(counts, 0.0))}
    memory = 5e6 + 1e5 * math.log2(ranks)
    return {"ranks": ranks, "size": list(size), "phases": phases, "krylov": 6.0, "jacobians": 1.0, "steps": 6, "balance": 1.1,
            "memory": {"mean": memory, "max": memory}}


def case(name, ranks=RANKS):
    """A case of the study, with model and check."""
    engine, coupled, grows, strong, weak = CASES[name]
    found = {"problem": name.partition(",")[0], "engine": engine, "how": "", "coupled": coupled, "grows": grows, "counted": 6, "skipped": 3}
    for mode in ("strong", "weak"):
        sizes = [strong if mode == "strong" else tuple(n * s if axis == grows else s for axis, s in enumerate(weak)) for n in ranks]
        found[mode] = [point(engine, coupled, size, n) for size, n in zip(sizes, ranks)]
    found["growth"] = {mode: cost_model.growth(found[mode]) for mode in ("strong", "weak")}
    n, m = strong
    alone = [(n, m), (n, 2 * m)] if engine == "ensemble" else [(n, m), (2 * n, m), (n, 2 * m), (2 * n, 2 * m)]
    times = [[{"size": list(size), **dict.fromkeys(("wall", "cpu"), seconds(engine, size, ranks, coupled))} for size in sizes]
             for ranks, sizes in ((1, alone), (2, alone[-1:]))]
    found["times"] = [times, times]
    return {**found, **cost_model.fitted(found, LINK)}


def study(ranks=RANKS):
    """What `hpccr bench scaling --json` would print, as a dict."""
    versions = dict.fromkeys(("hpccr", "python", "mpi4py", "petsc4py", "h5py", "numpy", "numba"), "1.0")
    return {"scaling": {"rows": [], "date": "2026-01-01", "machine": "2 cores", "load": 0.5, "versions": versions, "ranks": list(ranks),
                        "link": LINK, "cases": {name: case(name, ranks) for name in CASES}}}
