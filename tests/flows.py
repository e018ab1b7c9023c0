"""Runs gas and CRs, the problem `feedback`, in this process and without files: what the tests of the flow measure on."""

import numpy as np

from hpccr import parallel
from hpccr.deck import library, reader
from hpccr.problems import registry


def start(name, *settings):
    """A Flow at its initial state: a deck of run/ with "section.key=value" settings, of which the last counts."""
    last = {setting.partition("=")[0]: setting for setting in settings}
    deck = reader.read(library.find(name), list(last.values()), problems=registry)
    flow = registry.load(deck.problem)(deck).simulation(parallel.world())
    flow.begin()
    return flow


def advance(flow, *times):
    """Step to each of the times [s] in turn; yields each time."""
    for t in times:
        while flow.stepper.t < t:
            flow.step(t, lambda: [0.0])
        yield t


def finish(name, *settings):
    """A Flow at the end of its deck."""
    flow = start(name, *settings)
    for _ in advance(flow, flow.problem.deck.time.end):
        pass
    return flow


def profiles(flow):
    """ρ, v, P_g, P_cr of the cells [CGS], P_cr as the gas feels it."""
    rho, m, E = flow.imex.gas
    return rho, m / rho, (flow.model.gamma - 1) * (E - 0.5 * m * m / rho), flow.imex.survey()["P_cr"]


def rays(flow):
    """A copy of the number of CRs per volume and ln p: array (cells, lanes)."""
    return flow.patch.own(flow.imex.rays.u).copy()


def missing(flow):
    """What the budgets of mass, momentum and energy lack (Ledger.errors): absolute values."""
    return np.abs(flow.ledger.errors(flow.ledger.totals(flow.imex.gas, flow.E_cr)))
