"""Pitch-angle transport against scipy's BDF with a sparse Jacobian: a Gaussian that scatters isotropically, ε = 0.1, up to T = 1.

Children of this process do the runs, one after the other. The error of a run is that of f₀ at the end, relative L2, against the exact
solution by Fourier modes in z and Legendre modes in μ; the same case and cells on both sides.
"""

import json
import time

import numpy as np

from hpccr.bench.timing import child

CELLS, LANES = 512, 128
EPSILON, END, LENGTH, WIDTH = 0.1, 400.0, 10.0, 1.0
# From loose to strict; ours is the first that is no worse than the rival.
RIVAL_RTOL, OURS_RTOL = 1e-5, (1e-4, 1e-5, 1e-6, 1e-7)
STEPS, PARTS = 50, 8


def measure():
    """Run the chain: list of {"name", "value", "unit", "wanted"}."""
    me = "hpccr.bench.focused"
    rival, sparse = child(me, 0, f"rival {RIVAL_RTOL} 1"), child(me, 0, f"rival {RIVAL_RTOL} 0")
    for rtol in OURS_RTOL:
        ours = child(me, 1, f"ours {rtol}")
        if ours["error"] <= min(rival["error"], sparse["error"]):
            break
    pairs = [(child(me, 1, f"step {CELLS} {LANES}"), child(me, 2, f"step {CELLS} {LANES}")) for _ in range(3)]
    one, two = (min(run["seconds"] for run in runs) for runs in zip(*pairs))
    cells, lanes = (child(me, 1, f"step {size}")["seconds"] for size in (f"{2 * CELLS} {LANES}", f"{CELLS} {2 * LANES}"))
    rows = [(f"error of scipy's BDF, {CELLS} x {LANES}, rtol {RIVAL_RTOL:g}", rival["error"], "of f0", ""),
            ("the same without the Jacobian, only its sparsity", sparse["error"], "of f0", ""),
            (f"error of hpccr, rtol {rtol:g}", ours["error"], "of f0", "no more"),
            ("seconds of scipy's BDF", rival["seconds"], "s", ""), ("the same with sparsity only", sparse["seconds"], "s", ""),
            ("seconds of hpccr", ours["seconds"], "s", ""), ("steps of hpccr", ours["steps"], "", ""),
            ("BDF over hpccr at that error", rival["seconds"] / ours["seconds"], "times", "at least 3"),
            ("BDF with sparsity only over hpccr", sparse["seconds"] / ours["seconds"], "times", "at least 3"),
            ("one rank over two, a step", one / two, "times", "at least 1.7"),
            (f"a step of {2 * CELLS} x {LANES} over one of {CELLS} x {LANES}", cells / one, "times", "at most 2.2"),
            (f"a step of {CELLS} x {2 * LANES} over one of {CELLS} x {LANES}", lanes / one, "times", "at most 2.2"),
            ("change of the number of particles", ours["number_error"], "", "below 1e-12"),
            ("linear iterations", ours["iterations"], "", "")]
    return [dict(zip(("name", "value", "unit", "wanted"), row)) for row in rows]


def work(what):
    """What a child does; prints one line of JSON."""
    kind, *words = what.split()
    result = {"ours": _ours, "rival": _rival, "step": _step}[kind](*map(float, words))
    if result is not None:
        print(json.dumps(result))


def _kinetic(cells, lanes, rtol):
    """A run of the case."""
    from hpccr import parallel
    from hpccr.deck import library, reader
    from hpccr.problems import registry
    from hpccr.problems.focused import Focused

    case = [f"transport.epsilon={EPSILON}", f"time.end={END}", f"time.rtol={rtol}", f"axes.z.cells={cells}", f"axes.mu.cells={lanes}",
            f"axes.z.from={-LENGTH}", f"axes.z.to={LENGTH}", f"initial.width={WIDTH}", "output.snapshots=[]"]
    return Focused(reader.read(library.find("focused_quick"), case, problems=registry)).simulation(parallel.world())


def _error(z, f0):
    """Relative L2 distance of cell averages from the exact solution."""
    from hpccr.physics import kinetic_modes, pitch_angle, pitch_modes

    half, (at, weight) = 0.5 * (z[1] - z[0]), np.polynomial.legendre.leggauss(3)
    matrices = pitch_modes.matrices(pitch_angle.isotropic(), 32)
    exact = sum(0.5 * w * kinetic_modes.isotropic_part(z + half * x, END, WIDTH, matrices, EPSILON) for x, w in zip(at, weight))
    return float(np.sqrt(((f0 - exact) ** 2).sum() / (exact**2).sum()))


def _ours(rtol):
    kinetic = _kinetic(CELLS, LANES, rtol)
    kinetic.begin()
    began = time.perf_counter()
    while kinetic.stepper.t < END:
        kinetic.step(END, lambda: [0.0, 0.0])
    seconds = time.perf_counter() - began
    figures = {name: value for name, _, value in kinetic.history()}
    return {"seconds": seconds, "steps": kinetic.stepper.number, "iterations": kinetic.stepper.iterations,
            "number_error": abs(figures["number_error"]), "error": _error(kinetic.model.tube.centers, kinetic.isotropic()[0])}


def _rival(rtol, given_jacobian):
    from hpccr.bench import scipy_focused

    lines = scipy_focused.Lines(CELLS, LANES, EPSILON, LENGTH, WIDTH)
    run = scipy_focused.run(lines, END, rtol, given_jacobian=bool(given_jacobian))
    return {"seconds": run["seconds"], "error": _error(run["z"], run["f0"])}


def _step(cells, lanes):
    """Seconds of a step, the shortest of several means."""
    kinetic = _kinetic(int(cells), int(lanes), 1e-4)
    kinetic.begin()
    while kinetic.stepper.number < 50:
        kinetic.step(END, lambda: [0.0, 0.0])
    means = []
    for _ in range(PARTS):
        kinetic.comm.barrier()
        began = time.perf_counter()
        for _ in range(STEPS):
            kinetic.step(END, lambda: [0.0, 0.0])
        kinetic.comm.barrier()
        means.append((time.perf_counter() - began) / STEPS)
    if kinetic.comm.rank == 0:
        return {"seconds": min(means)}
