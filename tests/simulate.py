"""Runs a deck in this process, without files: what the physics tests measure on."""

import contextlib

import numpy as np

from hpccr import parallel
from hpccr.deck import library, reader
from hpccr.problems import registry
from hpccr.steppers.implicit import initialise
from hpccr.steppers.simulation import Simulation


def deck(name, *settings):
    """A deck of run/ with "section.key=value" settings, of which the last counts."""
    last = {setting.partition("=")[0]: setting for setting in settings}
    return reader.read(library.find(name), list(last.values()), problems=registry)


@contextlib.contextmanager
def simulation(problem, petsc=()):
    """A Simulation of a Problem at its initial state; PETSc options hold inside only."""
    PETSc = initialise(())
    options = PETSc.Options()
    options.insertString(" ".join(petsc))
    job = Simulation(problem, parallel.world())
    try:
        job.begin()
        yield job
    finally:
        job.destroy()
        for name in petsc[::2]:
            options.delValue(name.lstrip("-"))


def advance(job, *times):
    """Step to each of the times [s] in turn; yields each time."""
    for t in times:
        while job.stepper.t < t:
            job.step(t, lambda: [])
        yield t


def cells(job, field=0):
    """A copy of a field in the cells of this rank: array (cells, lanes)."""
    rows, _ = job.mesh.cells()
    return np.array(job.mesh.array(job.stepper.u, readonly=True)[rows, field])


def order(errors):
    """Observed order between successive halvings: array (n − 1,)."""
    errors = np.asarray(errors)
    return np.log2(errors[:-1] / errors[1:])
