"""The commands behind the command line.

    deck → problem → Job (grid: time steps; ensemble: units of work) → history, snapshots, checkpoints, summary
"""

from pathlib import Path

import hpccr
from hpccr import parallel
from hpccr.deck import reader
from hpccr.deck.reader import Deck
from hpccr.driver import ensemble, flow, grid, inputs, kinetic
from hpccr.driver.job import STOPPED, Session  # noqa: F401
from hpccr.errors import InputError
from hpccr.problems import registry
from hpccr.signals import Signals

# The kind of job that each kind of problem asks for by its attribute `engine`.
JOBS = {"grid": grid.GridJob, "flow": flow.FlowJob, "kinetic": kinetic.KineticJob, "ensemble": ensemble.EnsembleJob}


def check(deck):
    """The report of `hpccr check`: derived quantities, size, memory and cost (str).

    Raises
    ------
    InputError
        What the problem refuses, or a file that is not there.
    """
    _settled(deck, ())        # a run would refuse a file that is not there, whether it needs it or not
    problem = registry.load(deck.problem)(deck)
    rows = [("problem", f"{deck.problem}: {problem.summary}"), *problem.derived(), *JOBS[problem.engine].cost(problem),
            *(("warning", text) for text in JOBS[problem.engine].warnings(problem))]
    width = max(len(name) for name, _ in rows)
    return "\n".join(f"{name:<{width}}  {value}" for name, value in rows)


def info(path):
    """What is in a run directory or file (str)."""
    from hpccr.output import description

    return description.describe(path)


def run(deck, out, walltime=None, petsc_options=(), go_on=False):
    """Start a run in a new directory; collective.

    Parameters
    ----------
    deck : Deck
        Alike on all ranks.
    out : path-like
    walltime : float or None
        Seconds of wall-clock time after which the run writes a checkpoint and stops.
    petsc_options : sequence of str
    go_on : bool
        Go on with the run of this deck that is in the directory, if there is one.

    Returns
    -------
    int
        0, or STOPPED.

    Raises
    ------
    InputError, RunError
    """
    comm, out = parallel.world(), Path(out)
    begun = go_on and comm.on_root(lambda: _begun(deck, out, tuple(petsc_options)))
    with Signals() as signals:
        if begun:
            # Its deck has the options.
            return resume(out, Session(comm, signals, walltime))
        return begin(deck, out, Session(comm, signals, walltime, tuple(petsc_options)))


def restart(directory, walltime=None, petsc_options=()):
    """Go on with a run from its last checkpoint, on any number of ranks; collective. `walltime` in seconds.

    Raises
    ------
    InputError
        Not a run directory, no intact checkpoint, or a deck that is not the checkpoint's.
    """
    with Signals() as signals:
        return resume(Path(directory), Session(parallel.world(), signals, walltime, tuple(petsc_options)))


def begin(deck, out, session):
    """As `run`, for the ranks of a Session."""
    from hpccr.output import rundir

    content = session.comm.on_root(lambda: _settled(deck.alone(), session.petsc).to_dict())
    deck = Deck.from_dict(content, registry)
    with _job(deck, out, session) as job:
        # Only now: what the problem, the grid or PETSc refuses leaves no directory behind.
        # Nor is a scan's directory that has vanished begun again by one of its points.
        rundir.create(out, session.comm.on_root(lambda: _echo(deck)), session.comm, parents=not session.label)
        with rundir.alone(out, session.comm):
            if not session.label:
                job.progress.say(f"run in {out} (kernels are compiled the first time: half a minute)")
            _start(job)
            return job.work()


def resume(directory, session):
    """As `restart`, for the ranks of a Session.

    Raises
    ------
    InputError
        As `restart`.
    """
    from hpccr.output import rundir

    content = session.comm.on_root(lambda: _for_petsc(_stored(directory / rundir.DECK), session.petsc).to_dict())
    with rundir.alone(directory, session.comm):
        return _resume(Deck.from_dict(content, registry), directory, session)


def _resume(deck, directory, session):
    """Go on with a run of that deck from its last checkpoint; collective."""
    from hpccr.output import rundir
    from hpccr.output.checkpoint import Store

    comm, warnings = session.comm, []
    saved = Store(directory / rundir.CHECKPOINTS, comm).load_latest(warnings.append)
    if saved is not None and saved.meta["deck"]["digest"] != deck.digest():
        raise _another(Deck.from_dict(saved.meta["deck"]["content"], registry), deck, directory)
    with _job(deck, directory, session) as job:
        for warning in warnings:
            job.progress.say(f"warning: {warning}")
        if saved is None:
            job.progress.say("there is no checkpoint yet: starting from the beginning")
            _start(job)
        else:
            # Checkpoints of before have none.
            inputs.compare(saved.meta.get("files", {}), job.marks)
            job.resume(saved)
        return job.work()


def _begun(deck, directory, petsc_options):
    """Whether there is a run of this deck in the directory; on rank 0.

    Raises
    ------
    InputError
        It is another deck's.
    """
    from hpccr.output import rundir

    if not rundir.is_begun(directory):
        return False
    if rundir.is_scan(directory):
        raise InputError("this directory holds a scan", where=str(directory), allowed="another --out, or hpccr scan")
    there, given = _stored(directory / rundir.DECK), _settled(deck.alone(), petsc_options)
    if there.digest() != given.digest():
        raise _another(there, given, directory)
    return True


def _another(before, now, directory):
    """The InputError that says in what a deck differs from that of the run in a directory; for raising."""
    from hpccr.output import rundir

    return InputError("this run was made with another deck", where=str(directory / rundir.DECK), given="; ".join(before.differences(now)),
                      allowed="the deck as it was when the run began; a changed deck starts a new run")


def _start(job):
    """Begin a job, with what its user should know before."""
    for warning in job.warnings(job.problem):
        job.progress.say(f"warning: {warning}")
    job.start()


def _job(deck, directory, session):
    """The job that the deck's problem asks for."""
    return JOBS[registry.load(deck.problem).engine](deck, directory, session)


def _stored(path):
    """The deck of a run directory."""
    if not path.parent.is_dir() or not path.is_file():
        what = "this is not a run directory" if path.parent.exists() else "there is no such directory"
        raise InputError(what, where=str(path.parent), allowed=f"a directory that `hpccr run` made, with a {path.name} in it; a run that "
                         "was killed before its first step has left none, and begins with hpccr run again")
    return reader.read(path, problems=registry)


def _settled(deck, petsc_options):
    """The deck with further PETSc options in it and with absolute paths, so that a restart knows both."""
    content = _for_petsc(deck, petsc_options).to_dict()
    if "solver" in deck:
        content["raw"]["solver"]["petsc"] = " ".join([*deck.solver.petsc.split(), *petsc_options])
    for section, key, path in inputs.located(deck):
        content["raw"][section][key] = path
    return Deck.from_dict(content, registry)


def _for_petsc(deck, petsc_options):
    """The deck, where its problem takes these options or there are none."""
    if petsc_options and "solver" not in deck:
        takers = [name for name in registry.names() if "solver" in {section.name for section in registry.load(name).sections}]
        raise InputError(f"problem {deck.problem} has no use for PETSc", where="--", given=" ".join(petsc_options),
                         allowed=f"options for PETSc with {', '.join(takers)} only")
    return deck


def _echo(deck):
    """The complete deck with versions, as it stands in the run directory."""
    from importlib.metadata import PackageNotFoundError, version

    def release(name):
        try:
            return f"{name} {version(name)}"
        except PackageNotFoundError:      # PETSc's own installation of petsc4py and Debian's of h5py leave no such record
            return f"{name} of the system"

    versions = ", ".join(map(release, ("numpy", "numba", "h5py", "mpi4py", "petsc4py")))
    return f"# Resolved deck of a run, from {deck.provenance()}\n# hpccr {hpccr.__version__}, {versions}\n\n{deck.as_toml()}"
