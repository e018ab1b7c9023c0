"""The scaling study: what each rank sends, waits for, iterates and holds, on 1 to 64 ranks, for every problem; and the cost model.

Counts do not care how many cores there are, so 64 ranks may share two; times would, and are taken on 1 and 2 ranks only. A child of
this process for each number of ranks runs all cases (see cases.py) one after the other, at a fixed size and at one that grows with
the ranks; others time a step at several sizes. See cost_model.py for what is made of it.
"""

import contextlib
import json
import math
import os
import platform
import shutil
import tempfile
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np

from hpccr.bench import cases, cost_model
from hpccr.bench.timing import child

RANKS = (1, 2, 4, 8, 16, 32, 64)
MODES = ("strong", "weak")
# What is counted of each phase, and what else of each run.
PHASES = ("set-up", "start", "steps", "output", "end")
FIGURES = ("steps", "krylov", "jacobians", "share", "memory", "votes")
# Memory of a rank [bytes], with room to spare.
_RANK = 200 * 2**20
_PAIRS = 3
# Steps that are timed, and batches of messages.
_STEPS, _BATCHES = 12, 40
# Ensembles deal so often here [s]: a deal costs the same, and less work is enough to see some.
_ROUND = 0.05


def measure(ranks=None, only=None, pairs=_PAIRS):
    """The whole study: dict with "rows" for the table on the screen, and all that was found.

    Parameters
    ----------
    ranks : sequence of int, optional
        Numbers of ranks; 1 to 64, as far as the memory of this machine goes, if not given.
    only : str, optional
        Part of the name of the cases wanted.
    pairs : int
        Times that steps are timed on 1 and on 2 ranks.
    """
    ranks, me = tuple(ranks or _affordable()), "hpccr.bench.scaling"
    counts = {n: child(me, n, json.dumps(["count", only]), shared=True) for n in ranks}
    timed = [[child(me, n, json.dumps(["time", only]), shared=True) for n in (1, 2)] for _ in range(pairs)]
    found = study(counts, timed)
    return {"rows": _rows(found), **found}


def study(counts, timed):
    """All that was found, from what the children have told: dict, see `measure`.

    Parameters
    ----------
    counts : dict
        {ranks: {case: {mode: point}}}.
    timed : list
        Of pairs, on one and on two ranks, {"times": {case: list of {"size", "wall", "cpu"}}, "link"}.
    """
    ranks = sorted(counts)
    found = {"date": time.strftime("%Y-%m-%d"), "machine": _machine(), "load": _load(), "versions": _versions(), "ranks": ranks,
             "link": {key: min(two["link"][key] for _, two in timed) for key in timed[0][1]["link"]}, "cases": {}}
    for name in counts[ranks[0]]:
        points = {mode: [counts[n][name][mode] for n in ranks] for mode in MODES}
        case = {**cases.described(name), **points, "growth": {mode: cost_model.growth(points[mode]) for mode in MODES},
                "times": [[run["times"][name] for run in pair] for pair in timed]}
        found["cases"][name] = {**case, **cost_model.fitted(case, found["link"])}
    return found


def _affordable():
    """The numbers of ranks for which this machine has the memory."""
    free = math.inf
    with contextlib.suppress(OSError, StopIteration), open("/proc/meminfo", encoding="ascii") as file:
        free = 1024.0 * next(int(line.split()[1]) for line in file if line.startswith("MemAvailable"))
    return [n for n in RANKS if n <= 2 or n * _RANK < 0.9 * free]


def _machine():
    with contextlib.suppress(OSError, StopIteration), open("/proc/cpuinfo", encoding="utf-8", errors="replace") as file:
        name = next(line.partition(":")[2].strip() for line in file if line.startswith("model name"))
        return f"{os.cpu_count()} cores of {name}"
    return f"{os.cpu_count()} cores, {platform.machine()}"


def _load():
    """How many processes want a core, others' among them: float."""
    try:
        return os.getloadavg()[0]
    except OSError:
        return 0.0


def _versions():
    from importlib.metadata import version

    import hpccr

    names = ("mpi4py", "petsc4py", "h5py", "numpy", "numba")
    return {"hpccr": hpccr.__version__, "python": platform.python_version(), **{name: version(name) for name in names}}


def _rows(found):
    """The table on the screen: list of {"name", "value", "unit", "wanted"}."""
    rows = []
    for name, case in found["cases"].items():
        for mode in MODES:
            last = case[mode][-1]
            for what, unit in (("messages", "a step"), ("bytes", "B a step"), ("collectives", "a step"), ("received", "B a step")):
                law = case["growth"][mode]["steps"][what]
                value = last["phases"]["steps"][what]["max"]
                rows.append((f"{name}, {mode}, {last['ranks']} ranks: {what}", value, unit, f"grows as {law}"))
        if case["check"]:
            rows.append((f"{name}: step on 2 ranks, model over measured", case["check"]["ratio"], "times", "1 is the bound"))
    return [dict(zip(("name", "value", "unit", "wanted"), row)) for row in rows]


# -- in the children ---------------------------------------------------------------------------------------------------------


def work(what):
    """What a child does; prints one line of JSON on rank 0."""
    from hpccr import parallel
    from hpccr.steppers.implicit import initialise

    kind, only = json.loads(what)
    initialise()
    comm = parallel.world()
    place = Path(comm.on_root(tempfile.mkdtemp))
    try:
        with open(os.devnull, "w", encoding="utf-8") as nowhere, contextlib.redirect_stdout(nowhere):
            result = {"count": _count, "time": _time}[kind](comm, place, [each for each in cases.names() if (only or "") in each[0]])
    finally:
        if comm.rank == 0:
            shutil.rmtree(place, ignore_errors=True)
    if comm.rank == 0:
        print(json.dumps(result))


def _count(comm, place, chosen):
    """{case: {mode: point}} of all cases."""
    from hpccr.driver import ensemble

    found, ensemble.ROUND = {}, _ROUND
    for number, (name, problem, case) in enumerate(chosen):
        found[name] = {mode: _counted(comm, place / f"{number}-{mode}", problem, case, mode) for mode in MODES}
    return found


class Run:
    """A run of a few steps in a directory of its own, watched at each vote of its ranks.

    Parameters
    ----------
    comm : Comm
    directory : Path
    deck : Deck
    at : callable (int, Job)
        Told the number of the vote, before it.
    enter : callable (str)
        Told what begins: "set-up", "start", "first" steps.
    """

    def __init__(self, comm, directory, deck, at, enter=lambda phase: None):
        self.comm, self.directory, self.deck, self.at, self.enter, self.votes = comm, directory, deck, at, enter, 0
        self.signals, self.state = SimpleNamespace(asked=0.0), []

    @contextlib.contextmanager
    def job(self):
        """The job, stepped until `signals.asked` is set."""
        from hpccr import driver
        from hpccr.output import rundir
        from hpccr.problems import registry

        self.enter("set-up")
        kind, session = driver.JOBS[registry.load(self.deck.problem).engine], driver.Session(self.comm, self.signals)
        with kind(self.deck, self.directory, session) as job:
            rundir.create(self.directory, self.deck.as_toml() if self.comm.rank == 0 else "", self.comm)
            self.enter("start")
            self._watch(job)
            job.start()
            self.enter("first")
            job.work()
            yield job

    def _watch(self, job):
        vote, save = job.vote, job.save

        def voting():
            self.votes += 1
            self.at(self.votes, job)
            return vote()

        def saving(number, state, meta):
            self.state = state
            save(number, state, meta)

        job.vote, job.save = voting, saving


def _read(comm, problem, case, size, ranks=0):
    """The deck of a case, read by rank 0; parameters as cases.deck."""
    from hpccr.deck.reader import Deck
    from hpccr.problems import registry

    return Deck.from_dict(comm.on_root(lambda: cases.deck(problem, case, size, ranks).to_dict()), registry)


def _counted(comm, directory, problem, case, mode):
    """One point of the study, on rank 0: {"ranks", "size", "phases", and figures}."""
    from hpccr.bench.counting import KINDS, Memory, Meter, counting
    from hpccr.parallel import Comm

    size = case.size(mode, comm.size)
    deck = _read(comm, problem, case, size, comm.size if mode == "weak" else 0)
    meter, memory, effort = Meter(str(directory)), Memory(), {}

    def at(vote, job):
        if vote == case.skip:
            meter.enter("steps")
            effort.update(_effort(job))
        elif vote == case.skip + case.steps:
            meter.enter("output")
            effort.update({key: value - effort[key] for key, value in _effort(job).items()})
            run.signals.asked = 15.0

    run = Run(Comm(counting(comm.raw, meter.tally)), directory, deck, at, meter.enter)
    with run.job() as job:
        if hasattr(job, "fields"):
            job.snapshot(10**5, job.fields.snapshot(job.simulation))
        else:
            meter.enter("end")
            run.signals.asked = 0.0
            job.work()
        meter.enter("")
        peak = memory.growth()
        share = _share(run, job)
    counted = [[n for kind in KINDS for n in meter.counts(phase)[kind]] for phase in PHASES]
    figures = [effort.get("steps", 0), effort.get("krylov", 0), effort.get("jacobians", 0), share, peak, case.steps]
    every = comm.raw.gather(np.concatenate([np.ravel(counted), figures]), root=0)
    return _point(comm.size, size, np.array(every)) if comm.rank == 0 else None


def _effort(job):
    """Steps, Krylov iterations and Jacobians so far: dict; nothing of an ensemble."""
    if not hasattr(job, "simulation"):
        return {}
    stepper, system = job.simulation.stepper, getattr(job.simulation, "system", None)
    return {"steps": stepper.number, "krylov": getattr(stepper, "iterations", 0), "jacobians": getattr(system, "jacobians", 0)}


def _share(run, job):
    """This rank's part of the work: unknowns of the largest array of the state, or members of finished units."""
    if hasattr(job, "units"):
        return sum(job.units[number].count for number in job.done)
    # Smaller ones (the gas of a flow, figures of lanes) several ranks have alike, and one of them writes.
    return max(run.state, key=lambda v: v.size).data.size


def _point(ranks, size, every):
    """A point of the study from the numbers of all ranks, array (ranks, n)."""
    from hpccr.bench.counting import KINDS

    width = 2 * len(KINDS)
    cut = len(PHASES) * width
    per = every[:, :cut].reshape(ranks, len(PHASES), len(KINDS), 2)
    figures = dict(zip(FIGURES, every[:, cut:].T))
    point = {"ranks": ranks, "size": list(size), "phases": {}}
    for k, phase in enumerate(PHASES):
        per_step = figures["votes"][0] if phase == "steps" else 1.0
        calls, sizes = (dict(zip(KINDS, np.moveaxis(per[:, k, :, i], 1, 0) / per_step)) for i in (0, 1))
        others = [kind for kind in KINDS if kind != "messages"]
        told = {"messages": calls["messages"], "bytes": sizes["messages"], "collectives": sum(calls[kind] for kind in others),
                "received": sum(sizes[kind] for kind in others), **{kind: calls[kind] for kind in others}}
        point["phases"][phase] = {name: {"mean": float(row.mean()), "max": float(row.max())} for name, row in told.items()}
    steps = max(figures["steps"][0], 1.0)
    share = figures["share"]
    return point | {"krylov": figures["krylov"][0] / steps, "jacobians": figures["jacobians"][0] / steps, "steps": figures["steps"][0],
                    "balance": float(share.max() / share.mean()) if share.any() else None,
                    "memory": {"mean": float(figures["memory"].mean()), "max": float(figures["memory"].max())}}


def _time(comm, place, chosen):
    """Times of a step at several sizes, on more than one rank at the largest alone, and of messages: {"times": {case: list}, "link"}."""
    from hpccr.problems import registry

    times = {}
    for number, (name, problem, case) in enumerate(chosen):
        sizes = case.timed(registry.load(problem).engine == "ensemble")[0 if comm.size == 1 else -1:]
        times[name] = [_timed(comm, place / f"{number}-{k}", problem, case, size) for k, size in enumerate([sizes[0], *sizes])][1:]
    return {"times": times, "link": _link(comm) if comm.size > 1 else {}}


def _timed(comm, directory, problem, case, size):
    """Seconds of a step, the shortest of some, or of a unit of work, on this rank: {"size", "wall", "cpu"}."""
    stamps = []

    def at(vote, job):
        if vote >= case.skip:
            stamps.append((time.perf_counter(), time.process_time(), len(getattr(job, "done", ()))))
        if vote == case.skip + _STEPS:
            run.signals.asked = 15.0

    run = Run(comm, directory, _read(comm, problem, case, size), at)
    with run.job():
        pass
    walls, cpus, done = np.diff(stamps, axis=0).T
    if done.any():
        count = comm.sum([done.sum()])[0] / comm.size
        return {"size": list(size), "wall": walls.sum() / count, "cpu": cpus.sum() / count}
    return {"size": list(size), "wall": walls.min(), "cpu": cpus.min()}


def _link(comm):
    """Seconds of a message and of a reduction between two ranks, and seconds a byte."""
    def best(call, repeats):
        times = []
        for _ in range(_BATCHES):
            comm.barrier()
            began = time.perf_counter()
            for _ in range(repeats):
                call()
            times.append((time.perf_counter() - began) / repeats)
        return min(times)

    def there_and_back(data):
        for sender in (0, 1):
            if comm.rank == sender:
                comm.raw.Send(data, dest=1 - sender)
            else:
                comm.raw.Recv(data, source=sender)

    small, large = np.zeros(1), np.zeros(1 << 18)
    return {"message": best(lambda: there_and_back(small), 100) / 2, "collective": best(lambda: comm.sum([1.0, 2.0]), 100),
            "byte": best(lambda: there_and_back(large), 5) / 2 / large.nbytes}
