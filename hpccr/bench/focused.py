"""Pitch-angle transport against scipy's BDF with a sparse Jacobian: a Gaussian that scatters isotropically, up to T = ε² t/4 = 1.

Children of this process do the runs, one after the other. The error of a run is that of f₀ at the end, relative L2, against the exact
solution by Fourier modes in z and Legendre modes in μ; the same case and cells on both sides.
"""

import json
import time

import numpy as np

from hpccr.bench.timing import child

CELLS, LANES = 512, 128
LENGTH, WIDTH = 10.0, 1.0
# The case of the table, and one in which particles scatter so often that long steps pay.
EPSILON, OFTEN = 0.1, 0.01
# From loose to strict; ours is the first that is no worse than the rival.
RIVAL_RTOL, OURS_RTOL = 1e-5, (1e-4, 1e-5, 1e-6, 1e-7)
STEPS, PARTS = 50, 8


def measure():
    """Run the chain: list of {"name", "value", "unit", "wanted"}."""
    me, rows = "hpccr.bench.focused", []
    for epsilon in (EPSILON, OFTEN):
        rows += _against_bdf(me, epsilon)
    pairs = [(child(me, 1, f"step {CELLS} {LANES} 0"), child(me, 2, f"step {CELLS} {LANES} 0")) for _ in range(3)]
    one, two = (min(run["seconds"] for run in runs) for runs in zip(*pairs))
    cells, lanes = (child(me, 1, f"step {size} 0")["seconds"] for size in (f"{2 * CELLS} {LANES}", f"{CELLS} {2 * LANES}"))
    alone, both = (child(me, ranks, f"step {CELLS} {LANES} 1") for ranks in (1, 2))
    rows += [("one rank over two, a step, streaming explicit", one / two, "times", "at least 1.7"),
             (f"a step of {2 * CELLS} x {LANES} over one of {CELLS} x {LANES}", cells / one, "times", "at most 2.2"),
             (f"a step of {CELLS} x {2 * LANES} over one of {CELLS} x {LANES}", lanes / one, "times", "at most 2.2"),
             ("a step with implicit streaming over an explicit one", alone["seconds"] / one, "times", ""),
             ("one rank over two, a step, streaming implicit", alone["seconds"] / both["seconds"], "times", ""),
             ("linear iterations of such a step on one rank", alone["iterations"], "", ""),
             ("the same on two ranks", both["iterations"], "", "the same")]
    return [dict(zip(("name", "value", "unit", "wanted"), row)) for row in rows]


def _against_bdf(me, epsilon):
    """Rows on one ε."""
    rivals = {"Jacobian given": child(me, 0, f"rival {epsilon} {RIVAL_RTOL} 1")}
    if epsilon == EPSILON:
        rivals["sparsity given"] = child(me, 0, f"rival {epsilon} {RIVAL_RTOL} 0")
    allowed = min(run["error"] for run in rivals.values())
    for rtol in OURS_RTOL:
        ours = child(me, 1, f"ours {epsilon} {rtol}")
        if ours["error"] <= allowed:
            break
    at = f"eps {epsilon:g}: "
    rows = [(at + f"error of hpccr, rtol {rtol:g}", ours["error"], "of f0", "no more"), (at + "seconds of hpccr", ours["seconds"], "s", ""),
            (at + "steps of hpccr", ours["steps"], "", ""), (at + "linear iterations of hpccr", ours["iterations"], "", ""),
            (at + "change of the number of particles", ours["number_error"], "", "below 1e-12")]
    for words, run in rivals.items():
        rows = [(at + f"error of BDF, {words}", run["error"], "of f0", ""), (at + f"seconds of BDF, {words}", run["seconds"], "s", ""), *rows,
                (at + f"BDF over hpccr, {words}", run["seconds"] / ours["seconds"], "times", "at least 3")]
    return rows


def work(what):
    """What a child does; prints one line of JSON."""
    kind, *words = what.split()
    result = {"ours": _ours, "rival": _rival, "step": _step}[kind](*map(float, words))
    if result is not None:
        print(json.dumps(result))


def _end(epsilon):
    return 4 / epsilon**2


def _kinetic(cells, lanes, epsilon, rtol, streaming="auto"):
    """A run of the case."""
    from hpccr import parallel
    from hpccr.deck import library, reader
    from hpccr.problems import registry
    from hpccr.problems.focused import Focused
    from hpccr.steppers.implicit import initialise

    initialise(())
    case = [f"transport.epsilon={epsilon}", f"time.end={_end(epsilon)}", f"time.rtol={rtol}", f"time.streaming={streaming}", f"axes.z.cells={cells}",
            f"axes.mu.cells={lanes}", f"axes.z.from={-LENGTH}", f"axes.z.to={LENGTH}", f"initial.width={WIDTH}", "output.snapshots=[]"]
    return Focused(reader.read(library.find("focused_quick"), case, problems=registry)).simulation(parallel.world())


def _error(z, f0, epsilon):
    """Relative L2 distance of cell averages from the exact solution."""
    from hpccr.physics import kinetic_modes, pitch_angle, pitch_modes

    half, (at, weight) = 0.5 * (z[1] - z[0]), np.polynomial.legendre.leggauss(3)
    matrices = pitch_modes.matrices(pitch_angle.isotropic(), 32)
    exact = sum(0.5 * w * kinetic_modes.isotropic_part(z + half * x, _end(epsilon), WIDTH, matrices, epsilon) for x, w in zip(at, weight))
    return float(np.sqrt(((f0 - exact) ** 2).sum() / (exact**2).sum()))


def _ours(epsilon, rtol):
    """hpccr's run: dict of seconds, steps, iterations and errors."""
    kinetic = _kinetic(CELLS, LANES, epsilon, rtol)
    kinetic.begin()
    began, end = time.perf_counter(), _end(epsilon)
    while kinetic.stepper.t < end:
        kinetic.step(end, lambda: [0.0, 0.0])
    seconds = time.perf_counter() - began
    figures = {name: value for name, _, value, _ in kinetic.history()}
    return {"seconds": seconds, "steps": kinetic.stepper.number, "iterations": kinetic.stepper.iterations,
            "number_error": abs(figures["number_error"]), "error": _error(kinetic.model.tube.centers, kinetic.isotropic()[0], epsilon)}


def _rival(epsilon, rtol, given_jacobian):
    from hpccr.bench import scipy_focused

    lines = scipy_focused.Lines(CELLS, LANES, epsilon, LENGTH, WIDTH)
    run = scipy_focused.run(lines, _end(epsilon), rtol, given_jacobian=bool(given_jacobian))
    return {"seconds": run["seconds"], "error": _error(run["z"], run["f0"], epsilon)}


def _step(cells, lanes, implicit):
    """Seconds of a step, the shortest of several means, and the iterations of one with implicit streaming, of 100 crossings of a cell."""
    kinetic = _kinetic(int(cells), int(lanes), EPSILON, 1e-4, "implicit" if implicit else "explicit")
    kinetic.begin()
    few = 5 if implicit else STEPS
    dt = (100 if implicit else 1) * kinetic.limit
    kinetic.ark.attempt(dt, bool(implicit))
    before, means = kinetic.ark.coupled.iterations, []
    for _ in range(PARTS):
        kinetic.comm.barrier()
        began = time.perf_counter()
        for _ in range(few):
            outcome = kinetic.ark.attempt(dt, bool(implicit))
            kinetic.comm.sum(outcome.sums)
            kinetic.ark.accept()
        kinetic.comm.barrier()
        means.append((time.perf_counter() - began) / few)
    if kinetic.comm.rank == 0:
        return {"seconds": min(means), "iterations": (kinetic.ark.coupled.iterations - before) / (few * PARTS)}
