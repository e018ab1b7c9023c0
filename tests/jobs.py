"""Small runs as a user makes them, in directories, and how two of them compare. `tests/simulate.py` runs without files."""

import contextlib
import json
import shutil
import subprocess
import time

import numpy as np
from launch import finish, kill, mpirun, start

from hpccr.deck import library, reader
from hpccr.output import checkpoint
from hpccr.problems import registry

# More ranks than cores: a rank that waits lets the others work.
PATIENT = {"OMPI_MCA_mpi_yield_when_idle": "1"}


def small(path, name, *settings, cells=40, lanes=6, part=0.1, pieces=5, steps=0):
    """Write a deck of run/, made small, to `path`; returns the path as text.

    Parameters
    ----------
    path : Path
    name : str
    settings : str
        "section.key=value"; they win over what is made small here.
    cells, lanes : int
        Along the line axis and across it.
    part : float
        Of the deck's simulated time.
    pieces : int
        Snapshots at equal intervals.
    steps : int
        At least so many are made.
    """
    whole = deck(name)
    problem = registry.load(whole.problem)(whole)
    if problem.engine == "ensemble":
        return few(path, name, *settings)
    end = whole.time.end * part
    unit = next(section.keys["end"].unit for section in problem.sections if section.name == "time")
    chosen = {f"axes.{problem.line().name}.cells": cells, f"axes.{problem.lane().name}.cells": lanes,
              "time.end": f"{end!r} {unit}".strip(), "output.snapshots": f"{end / pieces!r} {unit}".strip()}
    if steps:
        chosen["time.max_step"] = f"{end / steps!r} {unit}".strip()
    chosen |= dict(setting.split("=", 1) for setting in settings)
    path.write_text(deck(name, *(f"{key}={value}" for key, value in chosen.items())).as_toml(), encoding="utf-8")
    return str(path)


def few(path, name, *settings):
    """Write an ensemble's deck of run/, made small, to `path`: three realisations of 40 members, in units of 16; returns the path.

    Members that are points of a deck's list are all there, on a few cells.
    """
    whole = deck(name)
    if "ensemble" in whole:
        ends = [f"ensemble.{key}" for key in ("t_end", "s_end", "tau_end") if key in whole.ensemble]
        chosen = {"turbulence.modes": "24", "ensemble.realisations": "3", "ensemble.particles": "40", "ensemble.unit": "16",
                  **{end: "30.0" for end in ends}}
    else:
        chosen = {"axes.mu.cells": "400"}
    chosen |= dict(setting.split("=", 1) for setting in settings)
    path.write_text(deck(name, *(f"{key}={value}" for key, value in chosen.items())).as_toml(), encoding="utf-8")
    return str(path)


# Long enough to be stopped in the middle of units, stored orbits among them.
LONG = {"orbits": ("ensemble.t_end=600.0", "ensemble.store=[3, 50, 119]", "ensemble.store_every=20", "ensemble.half_step=true",
                   "turbulence.modes=256"),
        "fieldlines": ("ensemble.s_end=40.0", "ensemble.tau_end=40.0", "ensemble.store=[3, 50, 119]", "turbulence.modes=128"),
        "beam": ("axes.mu.cells=20000",)}


def long(path, name, *settings):
    """As `few`, with work for a second or two and a checkpoint at every chance."""
    return few(path, name, *LONG.get(deck(name).problem, ()), "output.checkpoint_every=0.05 s", *settings)


def ensembles():
    """One deck of run/ for each problem of independent members: list of names."""
    found = {}
    for name in library.decks():
        resolved = deck(name)
        if registry.load(resolved.problem).engine == "ensemble":
            found.setdefault(resolved.problem, name)
    return list(found.values())


def deck(name, *settings):
    """A deck of run/ with "section.key=value" settings."""
    return reader.read(library.find(name), settings, problems=registry)


def kinds():
    """One deck of run/ for each problem on a grid and each way in which its lanes are coupled: list of names."""
    found = {}
    for name in library.decks():
        resolved = deck(name)
        engine = registry.load(resolved.problem).engine
        if engine == "ensemble":
            continue
        # Gas and pitch angles always couple their lanes.
        found.setdefault((resolved.problem, engine == "grid" and registry.load(resolved.problem)(resolved).coupled()), name)
    return list(found.values())


def hpccr(n, *words, status=0, timeout=120, cwd=None):
    """Run the command on `n` ranks (0: no launcher); it must end with `status`. Returns the CompletedProcess."""
    done = mpirun(n, ["-m", "hpccr", *words], timeout, cwd=cwd, env=PATIENT)
    assert done.returncode == status, f"status {done.returncode} on {n} ranks\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    return done


# Run a deck to the end into OUT/whole, then into OUT/pieces, stopped at a few steps and gone on with in a new simulation
# each time, or left there.
STOPS = """
import random, sys
from hpccr import driver
from hpccr.deck import reader
from hpccr.parallel import world
from hpccr.problems import registry
path, out, then, *steps = sys.argv[1:]
deck = reader.read(path, problems=registry)
assert driver.run(deck, out + "/whole") == 0
last = int(open(out + "/whole/history.csv").readlines()[-1].split(",")[0])
stops = {int(step) for step in steps} or {1, *random.Random(path).sample(range(2, last - 1), 3)}
stops |= set() if steps else {max(stops) + 1}
world().barrier()
if world().rank == 0:
    print("stops", *stops, flush=True)
driver.grid.GridJob.vote = lambda run: [10.0 if run.simulation.stepper.number + 1 in stops else 0.0, 0.0]
status = driver.run(deck, out + "/pieces")
restarts = 0
while status == driver.STOPPED and (then == "restart" or restarts < len(stops) - 1):
    status = driver.restart(out + "/pieces")
    restarts += 1
assert status == (0 if then == "restart" else driver.STOPPED), status
assert restarts == len(stops) - (then == "leave"), restarts
"""


def stopped(n, path, out, *steps, then="restart"):
    """Run a deck on `n` ranks whole, and again in pieces; `then` = "leave": up to the last of the steps only.

    Without `steps`: stopped at the first, at three random ones, and right after the last of them.
    """
    done = mpirun(n, ["-c", STOPS, path, out, then, *steps], 120, env=PATIENT)
    assert done.returncode == 0, f"status {done.returncode}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"


def started(n, words, out, rows):
    """Start the command on `n` ranks and come back when history.csv in `out` has so many rows more: Popen."""
    def count():
        return (out / "history.csv").read_bytes().count(b"\n") if (out / "history.csv").is_file() else 0

    process, before, limit = start(n, ["-m", "hpccr", *words], env=PATIENT), count(), time.monotonic() + 60
    while count() < before + rows and process.poll() is None:
        if time.monotonic() > limit:
            raise AssertionError(f"no {rows} rows after 60 s\n" + "\n".join(kill(process)))
        time.sleep(0.005)
    return process


def ended(process, timeout=60):
    """Wait for a started program; kill it and fail if it does not end: (status, stdout, stderr)."""
    try:
        out, err = finish(process, timeout)
    except Exception:
        out, err = kill(process)
        raise AssertionError(f"no end after {timeout} s\n{out}\n{err}") from None
    return process.returncode, out, err


def results(directory):
    """The files that a finished run must have in common with any other of its deck: {name: bytes}."""
    paths = [*sorted((directory / "snapshots").iterdir()), *directory.glob("*.h5"), directory / "history.csv", directory / "summary.json"]
    assert not list(directory.rglob("*.tmp"))
    return {str(path.relative_to(directory)): path.read_bytes() for path in paths}


def same_bits(one, other):
    """Two runs left the same snapshots, history, summary and files of the problem's own, bit for bit."""
    a, b = results(one), results(other)
    assert a.keys() == b.keys()
    assert len(a) >= 3, list(a)
    differ = [name for name in a if a[name] != b[name]]
    assert not differ, f"{differ} of {one} and {other} differ"


def distance(one, other):
    """Largest relative difference of any number in the snapshots of two runs.

    Values below 1e-9 of the largest of their momentum are measured by that: the tails of a profile fall to
    1e-300, where rounding is all there is. Profiles of gas, below 1e-6: far from the source v is a difference of
    pressures that are equal to rounding.
    """
    import xarray

    names = [sorted(path.name for path in (run / "snapshots").glob("*.h5")) for run in (one, other)]
    assert names[0] == names[1] and names[0]
    worst = 0.0
    for name in names[0]:
        with xarray.open_dataset(one / "snapshots" / name, engine="h5netcdf") as a, \
                xarray.open_dataset(other / "snapshots" / name, engine="h5netcdf") as b:
            assert set(a.variables) == set(b.variables)
            for key in a.variables:
                x, y = np.atleast_1d(a[key].values), np.atleast_1d(b[key].values)
                floor = 1e-6 if a[key].dims == ("r",) else 1e-9
                scale = np.maximum(np.abs(x), floor * np.abs(x).max(axis=0, keepdims=True))
                worst = max(worst, (np.abs(x - y) / np.where(scale > 0, scale, 1.0)).max())
    return worst


def summary(directory):
    """summary.json: dict."""
    return json.loads((directory / "summary.json").read_text())


# -- what faults need ---------------------------------------------------------------------------------------------


def newest(run):
    """Step of the newest checkpoint of a run, which must be intact; -1 if there is none at all."""
    steps = checkpoint.found(run / "checkpoints")
    if not steps:
        return -1
    fault = checkpoint.check(run / "checkpoints" / f"{steps[-1]:08d}.h5")
    assert fault is None, f"checkpoint {steps[-1]} of {run}: {fault}"
    return steps[-1]


def truncate(path, size=-100):
    """Cut a file to its first `size` bytes; counted from its end if negative."""
    path.write_bytes(path.read_bytes()[:size])


def flip(path, place=None, bit=4):
    """Turn a bit over: of the byte in the middle, or of another one."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2 if place is None else place] ^= 1 << bit
    path.write_bytes(content)


@contextlib.contextmanager
def small_disk(place, kibibytes):
    """A file system of that size at `place`, which is made; yields None where it cannot be mounted (that needs root)."""
    place.mkdir()
    mount, made = shutil.which("mount"), False
    if mount is not None:
        made = not subprocess.run([mount, "-t", "tmpfs", "-o", f"size={kibibytes}k", "tmpfs", place], capture_output=True).returncode
    try:
        yield place if made else None
    finally:
        if made:
            subprocess.run(["umount", "-l", place], check=True)
