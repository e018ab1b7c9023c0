"""Runs gas and CRs, the problem `feedback`, in this process and without files: what the tests of the flow measure on."""

import numpy as np

from hpccr import parallel
from hpccr.deck import library, reader
from hpccr.problems import registry
from hpccr.units import k_B, m_p

# What a deck is told to leave one process alone.
STILL = ("gas.motion=false", "gas.cooling=false", "gas.conduction=false", "gas.heating=false", "transport.losses=false")


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


def finish(name, *settings, end=None):
    """A Flow at the end of its deck, or at `end` [s]."""
    flow = start(name, *settings)
    for _ in advance(flow, end or flow.problem.deck.time.end):
        pass
    return flow


def fixed(steps, end):
    """Settings for so many equal steps to `end` [s], whatever they do to the solution."""
    return [f"time.max_step={end / steps!r} s", f"time.first_step={end / steps!r} s", "time.rtol=0.1", "time.courant=1"]


def profiles(flow):
    """ρ, v, P_g, P_c of the cells [CGS], P_c as the gas feels it."""
    rho, m, E = flow.imex.gas
    return rho, m / rho, (flow.model.gamma - 1) * (E - 0.5 * m * m / rho), flow.imex.survey()["P_cr"]


def temperature(flow):
    """T of the cells [K]."""
    rho, _, P, _ = profiles(flow)
    return P * m_p / (rho * k_B)


def rays(flow):
    """A copy of the number of CRs per volume and ln p: array (cells, lanes)."""
    return flow.patch.own(flow.imex.rays.u).copy()


def missing(flow):
    """What the budgets of mass, momentum and energy lack (Flow.errors): absolute values."""
    return np.abs(flow.errors())


def spent(flow):
    """What the ledger has added up, the energies among it in units of the initial CR energy: dict."""
    first = flow.ledger.first["E_cr"]
    return {name: value / first if name.startswith("E_") else value for name, value in flow.ledger.flows.items()}


def averaged(exact, line, parts=10):
    """Means over cells of the profiles that `exact` gives, which takes positions (n,) and returns a sequence of arrays (n,)."""
    cuts = np.linspace(line.faces[:-1], line.faces[1:], parts + 1, axis=1)
    x = 0.5 * (cuts[:, 1:] + cuts[:, :-1])
    weight = np.diff(cuts * cuts * cuts if line.metric == "sphere" else cuts, axis=1)
    weight /= weight.sum(axis=1, keepdims=True)
    return [(np.reshape(values, x.shape) * weight).sum(axis=1) for values in exact(x.ravel())]
