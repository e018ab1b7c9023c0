"""Runs pitch-angle transport, the problem `focused`, in this process and without files: what its tests measure on."""

import flows
import numpy as np
from flows import advance  # noqa: F401

from hpccr.steppers.implicit import initialise


def start(*settings, deck="focused_quick"):
    """A Kinetic at its initial state: a deck of run/ with "section.key=value" settings, of which the last counts."""
    initialise(())
    return flows.start(deck, *settings)


def finish(*settings, deck="focused_quick"):
    """A Kinetic at the end of its deck."""
    initialise(())
    return flows.finish(deck, *settings)


def figures(kinetic):
    """The columns of history.csv: dict."""
    return {name: value for name, _, value, _ in kinetic.history()}


def f(kinetic):
    """A copy of f: array (rows, cells)."""
    return kinetic.strip.own(kinetic.ark.u).copy()


def f0(kinetic):
    """The isotropic part: array (cells,)."""
    return kinetic.isotropic()[0]


def apart(values, truth, volumes=1.0):
    """Relative L2 distance."""
    return float(np.sqrt((volumes * (values - truth) ** 2).sum() / (volumes * np.broadcast_to(truth, np.shape(values)) ** 2).sum()))
