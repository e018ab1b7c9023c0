"""Runs pitch-angle transport, the problem `focused`, in this process and without files: what its tests measure on."""

import numpy as np

from hpccr import parallel
from hpccr.deck import library, reader
from hpccr.problems import registry
from hpccr.steppers.implicit import initialise


def start(*settings, deck="focused_quick"):
    """A Kinetic at its initial state: a deck of run/ with "section.key=value" settings, of which the last counts."""
    last = {setting.partition("=")[0]: setting for setting in settings}
    resolved = reader.read(library.find(deck), list(last.values()), problems=registry)
    initialise(())
    kinetic = registry.load(resolved.problem)(resolved).simulation(parallel.world())
    kinetic.begin()
    return kinetic


def advance(kinetic, *times):
    """Step to each of the times [1/ν] in turn; yields each time."""
    for t in times:
        while kinetic.stepper.t < t:
            kinetic.step(t, lambda: [0.0, 0.0])
        yield t


def finish(*settings, deck="focused_quick"):
    """A Kinetic at the end of its deck."""
    kinetic = start(*settings, deck=deck)
    for _ in advance(kinetic, kinetic.problem.deck.time.end):
        pass
    return kinetic


def figures(kinetic):
    """The columns of history.csv: dict."""
    return {name: value for name, _, value in kinetic.history()}


def f(kinetic):
    """A copy of f: array (rows, cells)."""
    return kinetic.strip.own(kinetic.ark.u).copy()


def f0(kinetic):
    """The isotropic part: array (cells,)."""
    return kinetic.isotropic()[0]


def apart(values, truth, volumes=1.0):
    """Relative L2 distance."""
    return float(np.sqrt((volumes * (values - truth) ** 2).sum() / (volumes * np.broadcast_to(truth, np.shape(values)) ** 2).sum()))
