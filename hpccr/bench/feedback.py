"""CR hydrodynamics against the usual serial code: D0 = 1e27 cm²/s, 1 Myr, 300 pc.

Children of this process do the runs, one after the other. The error of a run is the root mean square of the relative deviations
of cavity edge, shock radius, CR energy left and escaped from a converged run of hpccr.
"""

import json
import time

import numpy as np

from hpccr.bench.timing import child

FIGURES = ("cavity_edge", "shock_radius", "E_cr_left", "E_cr_escaped")
CONVERGED = (2400, 100)
# The usual code at the size it is run at; hpccr from coarse to fine, until its error is no larger.
USUAL, OURS = (600, 25), ((75, 25), (150, 25), (300, 25), (300, 50), (600, 25), (600, 50), (1200, 50))
LARGE = (1200, 80)
STEPS, PARTS = 40, 8


def measure():
    """Run the chain: list of {"name", "value", "unit", "wanted"}."""
    me = "hpccr.bench.feedback"
    truth = child(me, 1, _word("ours", CONVERGED))
    usual = child(me, 0, _word("usual", USUAL))
    wanted, equal = _error(usual, truth), None
    for size in OURS:
        equal = child(me, 1, _word("ours", size))
        if _error(equal, truth) <= wanted:
            break
    same = child(me, 1, _word("ours", USUAL))
    large, large_usual = child(me, 1, _word("ours", LARGE)), child(me, 0, _word("usual", LARGE))
    pairs = [(child(me, 1, _word("step", LARGE)), child(me, 2, _word("step", LARGE))) for _ in range(3)]
    one, two = (min(run["seconds"] for run in runs) for runs in zip(*pairs))
    momenta, cells = (child(me, 1, _word("step", size))["seconds"] for size in ((LARGE[0], 2 * LARGE[1]), (2 * LARGE[0], LARGE[1])))
    n, m = LARGE
    rows = [(f"error of the usual code, {USUAL[0]} x {USUAL[1]}", wanted, "rms", ""),
            (f"error of hpccr, {equal['cells']} x {equal['momenta']}", _error(equal, truth), "rms", "no more"),
            ("usual code over hpccr at that error", usual["seconds"] / equal["seconds"], "times", "at least 2"),
            (f"error of hpccr, {USUAL[0]} x {USUAL[1]}", _error(same, truth), "rms", ""),
            ("usual code over hpccr on that grid", usual["seconds"] / same["seconds"], "times", ""),
            (f"steps to 1 Myr, usual code, {USUAL[0]} x {USUAL[1]}", usual["steps"], "", ""),
            (f"steps to 1 Myr, hpccr, {USUAL[0]} x {USUAL[1]}", same["steps"], "", ""),
            (f"hpccr over usual code, {n} x {m}, per Myr", large["seconds"] / large_usual["seconds"], "times", "at most 1.5"),
            (f"one rank over two, {n} x {m}", one / two, "times", "at least 1.7"),
            (f"a step of {n} x {2 * m} over one of {n} x {m}", momenta / one, "times", "at most 2.2"),
            (f"a step of {2 * n} x {m} over one of {n} x {m}", cells / one, "times", "at most 2.2"),
            ("energy budget of hpccr over 1 Myr", same["energy_error"], "of E_CR", "below 1e-10")]
    return [dict(zip(("name", "value", "unit", "wanted"), row)) for row in rows]


def _word(what, size):
    return f"{what} {size[0]} {size[1]}"


def _error(run, truth):
    return float(np.sqrt(np.mean([(run[name] / truth[name] - 1) ** 2 for name in FIGURES])))


def work(what):
    """What a child does; prints one line of JSON."""
    kind, cells, momenta = what.split()
    result = {"ours": _ours, "usual": _usual, "step": _step}[kind](int(cells), int(momenta))
    if result is not None:
        print(json.dumps({**result, "cells": int(cells), "momenta": int(momenta)}))


def _flow(cells, momenta):
    """A flow of the case, and the end of the run [s]."""
    from hpccr import parallel
    from hpccr.deck import library, reader
    from hpccr.problems import registry
    from hpccr.problems.feedback import Feedback

    case = [f"axes.r.cells={cells}", f"axes.p.cells={momenta}", "axes.r.to=300 pc", "time.end=1 Myr", "output.snapshots=[]"]
    deck = reader.read(library.find("feedback_quick"), case, problems=registry)
    return Feedback(deck).simulation(parallel.world()), deck.time.end


def _ours(cells, momenta):
    """hpccr's run: dict of seconds, steps and figures."""
    flow, end = _flow(cells, momenta)
    flow.begin()
    began = time.perf_counter()
    while flow.stepper.t < end:
        flow.step(end, lambda: [0.0, 0.0])
    seconds = time.perf_counter() - began
    summary = {name: entry["value"] for name, entry in flow.summary().items()}
    return {"seconds": seconds, "steps": flow.stepper.number, **{name: summary[name] for name in (*FIGURES, "energy_error")}}


def _usual(cells, momenta):
    """The run of the usual code: dict of seconds, steps and figures."""
    from hpccr.bench.numpy_feedback import Usual
    from hpccr.units import Myr, pc

    code = Usual(cells, momenta, 1e27, 1.0 * Myr, r_max=300 * pc)
    began = time.perf_counter()
    code.run()
    seconds, found = time.perf_counter() - began, code.results()
    return {"seconds": seconds, "steps": code.steps, **{name: float(found[name]) for name in FIGURES}}


def _step(cells, momenta):
    """Seconds of a step, the shortest of several means."""
    flow, end = _flow(cells, momenta)
    flow.begin()
    while flow.stepper.number < 100:
        flow.step(end, lambda: [0.0, 0.0])
    means = []
    for _ in range(PARTS):
        flow.comm.barrier()
        began = time.perf_counter()
        for _ in range(STEPS):
            flow.step(end, lambda: [0.0, 0.0])
        flow.comm.barrier()
        means.append((time.perf_counter() - began) / STEPS)
    if flow.comm.rank == 0:
        return {"seconds": min(means)}
