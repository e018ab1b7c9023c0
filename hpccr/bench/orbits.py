"""The wave sum against the machine, the orbit step against the wave sum, two ranks against one.

The machine's rate is that of dependent multiply-adds in numba, as many at once as hide their latency. A wave at a
point takes 17 operations: 10 that multiply (3 for the phase, 1 for its square, 3 for the polynomial, 3 for the field) and 7
additions (3 take off whole turns, 4 are the polynomial's), which run beside them where a core has adders of its own.
"""

import contextlib
import json
import os
import shutil
import tempfile
import time
from pathlib import Path

import numpy as np

from hpccr.bench.timing import best, child
from hpccr.jit import kernel
from hpccr.particles import sum_kernels
from hpccr.particles.orbit_task import OrbitTask, Plan
from hpccr.particles.sum_kernels import field
from hpccr.problems.ensemble import Unit

OPERATIONS, PRODUCTS = 17, 10
MODES = (64, 256, 1024)
_POINTS = 256


def measure():
    """Run everything: list of {"name", "value", "unit", "wanted"}."""
    rates = child("hpccr.bench.orbits", 1, "rates")
    pairs = [[child("hpccr.bench.orbits", ranks, "run")["seconds"] for ranks in (1, 2)] for _ in range(3)]
    one, two = np.min(pairs, axis=0)
    many = child("hpccr.bench.orbits", 2, "million")
    rows = [("multiply-adds of this core, measured", rates["fma"] / 1e9, "1e9/s", ""),
            ("vector width in the wave sum", rates["width"], "bits", f"the machine has {rates['machine']}"),
            ("error of the field", rates["error"], "of dB", "below 1e-11")]
    for modes in MODES:
        bare, step = rates[f"bare {modes}"], rates[f"step {modes}"]
        rows += [(f"bare sum, {modes} waves", bare / 1e9, "1e9 waves/s", ""),
                 ("  of the multiply-add rate, 17 operations a wave", OPERATIONS * bare / rates["fma"], "", "at least 0.7"),
                 ("  the same, only the 10 that multiply", PRODUCTS * bare / rates["fma"], "", "1 is the bound"),
                 (f"  whole step with tallies, {modes} waves", step / modes / 1e6, "1e6 steps/s", ""),
                 ("  of the bare sum", step / bare, "", f"at least {0.6 if modes == 64 else 0.75}")]
    rows += [("one rank over two, whole run", one / two, "times", "at least 1.9"),
             ("10^6 particles on 2 ranks, memory of both", many["memory"] / 2**20, "MiB", "below 1000")]
    return [dict(zip(("name", "value", "unit", "wanted"), row)) for row in rows]


def work(what):
    """What a child does; prints one line of JSON on rank 0."""
    result = {"rates": _rates, "run": _run, "million": _million}[what]()
    if result is not None:
        print(json.dumps(result))


# -- on one core ---------------------------------------------------------------------------------------------


@kernel(fastmath={"contract"})
def _multiply_add(a, repeats):
    """16 dependent multiply-adds for each of a (n,), four quarters at once, so often."""
    n = a.shape[0] // 4
    p, q, r, s = a[:n], a[n:2 * n], a[2 * n:3 * n], a[3 * n:]
    for _ in range(repeats):
        for i in range(n):
            x, y, u, v = p[i], q[i], r[i], s[i]
            for _ in range(16):
                x = x * 0.999999 + 1e-7
                y = y * 0.999999 + 1e-7
                u = u * 0.999999 + 1e-7
                v = v * 0.999999 + 1e-7
            p[i], q[i], r[i], s[i] = x, y, u, v


@kernel(fastmath={"contract"})
def _sums(waves, state, repeats):
    """So many sums at points that move a little, so that none is left out."""
    x, y, z, bx, by, bz = (state[0, :_POINTS], state[1, :_POINTS], state[2, :_POINTS],
                           state[6, :_POINTS], state[7, :_POINTS], state[8, :_POINTS])
    for _ in range(repeats):
        field(waves, x, y, z, bx, by, bz)
        x[0] += 1e-3 * bx[0]


def _rates():
    """All that one rank measures by itself: dict."""
    a = sum_kernels.aligned(512)
    rates = {"fma": len(a) * 16 * 2000 / best(lambda: _multiply_add(a, 2000)),
             "error": _error(), "width": _width(), "machine": _machine()}
    for modes in MODES:
        waves, state, direction = _particles(modes)
        repeats = max(1, int(6e7 / modes / _POINTS))
        plan = Plan(0.05, 1 << 40, tuple(sorted({int(1.12**n) for n in range(300)})), 200, 40, 1.0)
        task = OrbitTask(Unit(0, 0, _POINTS), plan, waves, state[:3, :_POINTS].T.copy(), direction)
        task.advance()
        bare, steps = [], []
        for _ in range(9):          # in turns, for a machine that drifts
            bare.append(best(lambda: _sums(waves, state, repeats), repeats=1) / repeats / modes / _POINTS)
            before, began = task.progress, time.perf_counter()
            task.advance()
            seconds = time.perf_counter() - began
            steps.append(seconds / (round((task.progress - before) * plan.steps) * modes * _POINTS))
        rates[f"bare {modes}"], rates[f"step {modes}"] = 1.0 / min(bare), 1.0 / min(steps)
    return rates


def _particles(modes):
    """Random waves (table), particles (state) and their directions (n, 3)."""
    random = np.random.default_rng(1)
    k, phase = random.standard_normal((modes, 3)), random.uniform(0.0, 2.0 * np.pi, modes)
    amplitude = np.cross(k, random.standard_normal((modes, 3)))
    amplitude *= np.sqrt(2.0 / (amplitude**2).sum())
    state, v = sum_kernels.aligned((9, _POINTS + sum_kernels.PAD)), random.standard_normal((_POINTS, 3))
    state[:3, :_POINTS] = random.uniform(-50.0, 50.0, (3, _POINTS))
    return sum_kernels.table(k, amplitude, phase), state, v / np.linalg.norm(v, axis=1)[:, None]


def _error():
    """Largest error of the summed field, in units of the rms of δB, against numpy's cosine in extended precision."""
    waves, state, _ = _particles(256)
    state = state[:, :_POINTS]
    field(waves, *state[:3], *state[6:])
    wide = waves.astype(np.longdouble)
    phase = np.longdouble(np.pi) * (wide[:, :3] @ state[:3].astype(np.longdouble) + wide[:, 3:4])
    return float(np.abs(wide[:, 4:].T @ np.cos(phase) / sum_kernels.LEAD - state[6:]).max())


def _machine():
    """Bits of this processor's vectors, as Linux tells."""
    try:
        with open("/proc/cpuinfo", encoding="ascii", errors="replace") as file:
            flags = next((line for line in file if line.startswith("flags")), "").split()
    except OSError:
        flags = []
    return 512 if "avx512f" in flags else 256 if "avx2" in flags else 128


def _width():
    """Bits of the vectors that the compiled sum works in."""
    waves, state, _ = _particles(64)
    fresh = kernel(cache=False, fastmath={"contract"})(field.__wrapped__)       # numba does not show code from its cache
    fresh(waves, *state[:3, :_POINTS], *state[6:, :_POINTS])
    code = "".join(fresh.dispatcher.inspect_asm().values())
    return 512 if "zmm" in code else 256 if "ymm" in code else 128


# -- on ranks ------------------------------------------------------------------------------------------------


def _run():
    """A whole run of orbits_quick in small, without compilation."""
    return _timed("orbits_quick", {"ensemble.realisations": 16, "ensemble.particles": 256, "ensemble.t_end": 400.0})


def _million():
    return _timed("orbits_quick", {"ensemble.realisations": 20, "ensemble.particles": 50_000, "ensemble.t_end": 1.0,
                                   "turbulence.modes": 64})


def _timed(name, settings):
    """A run of a deck of run/ with settings, after a small one that compiles: dict of seconds and memory on rank 0."""
    from hpccr import driver, parallel
    from hpccr.deck import library, reader
    from hpccr.problems import registry

    comm = parallel.world()
    place = comm.on_root(tempfile.mkdtemp)
    deck, small = (reader.read(library.find(name), [f"{k}={v}" for k, v in chosen.items()], problems=registry)
                   for chosen in (settings, {**settings, "ensemble.t_end": 0.1, "ensemble.particles": 64}))
    with open(os.devnull, "w", encoding="utf-8") as nowhere, contextlib.redirect_stdout(nowhere):
        driver.run(small, Path(place) / "small")
        comm.barrier()
        began = time.perf_counter()
        driver.run(deck, Path(place) / "run")
        comm.barrier()
        seconds = time.perf_counter() - began
    memory = float(comm.sum(_peak())[0])
    comm.on_root(lambda: shutil.rmtree(place))
    return {"seconds": seconds, "memory": memory} if comm.rank == 0 else None


def _peak():
    """Largest resident memory of this process so far [bytes]."""
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024.0
