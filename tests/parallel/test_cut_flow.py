"""Gas shared by ranks along its line: every kind of flow as on one rank, budgets closed, fronts found wherever lines are cut, traffic that
does not grow with the line, and one message when one rank cannot go on."""

import json
from pathlib import Path

import numpy as np
import pytest
from launch import succeed

# Each kind of flow once: names of decks, settings, kyr.
KINDS = {
    "cavity": ("feedback_quick", [], 30), "streaming": ("feedback_quick", ["transport.wave_model=streaming"], 10),
    "held": ("feedback_quick", ["gas.motion=false", "gas.expansion=1 km/(s pc)"], 20),
    "no conduction": ("feedback_quick", ["gas.conduction=false"], 20), "no radiation": ("feedback_quick", ["gas.cooling=false"], 20),
    "dense": ("feedback_quick", ["gas.n=10 cm-3", "gas.temperature=100 K"], 5),
    "stretched": ("feedback_quick", ["axes.r.spacing=sinh", "axes.r.scale=10 pc", "axes.r.from=1 pc"], 10),
    "blown out": ("feedback_quick", ["axes.r.to=20 pc"], 20), "tube": ("feedback_tube_cr", [], None),
    "streaming in a tube": ("feedback_tube_cr", ["transport.wave_model=streaming", "gas.heating=true"], None),
}
# How closely they are the same. Newton's method for T is carried to 1e-6: near it one iteration more or less is a matter of rounding.
CLOSE, CLOSE_TO_VACUUM = 1e-9, 1e-5

FLOWS = """
import json, sys
import numpy as np
from flows import missing, start
from hpccr.parallel import world
from hpccr.units import kyr
comm, found = world(), {}
for name, (deck, settings, end) in json.loads(sys.argv[1]).items():
    flow = start(deck, "axes.r.cells=61", "axes.p.cells=" + sys.argv[3], *settings)
    end, worst = (end * kyr if end else flow.problem.deck.time.end), np.zeros(3)
    while flow.stepper.t < end:
        flow.step(end, lambda: [0.0])
        worst = np.maximum(worst, missing(flow))
    assert worst[0] < 1e-12 and worst[1] < 1e-12 and worst[2] < 1e-10, (name, worst)
    history = {name: (value, unit) for name, unit, value, _ in flow.history()}
    patch, survey = flow.patch, flow.imex.survey()
    assert comm.size == 1 or patch.column is not None and patch.rows < 61
    gas = np.stack([*flow.imex.gas[:, patch.inner], *survey.values()]).T
    gas = comm.assemble(gas, patch.first_row, 61, counts=patch.at_lowest)
    u = np.zeros((61, patch.all_lanes))
    u[patch.own_rows, patch.own_lanes] = patch.own(flow.imex.rays.u)
    found[name] = {"history": history, "gas": gas.tolist(), "u": comm.sum(u.ravel()).tolist()}
    flow.destroy()
if comm.rank == 0:
    json.dump(found, open(sys.argv[2], "w"))
"""


@pytest.fixture
def beside(monkeypatch):
    """The helpers in tests/ for programs that a test starts."""
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[1]))


@pytest.mark.parametrize("ranks, lanes", [(4, 4), (5, 3)])
def test_a_cut_flow_is_the_whole_one(tmp_path, beside, ranks, lanes):
    """Gas, CRs, rates, fronts and budgets of 2 × 2 and of 5 parts as of one."""
    for n in (1, ranks):
        succeed(n, ["-c", FLOWS, json.dumps(KINDS), tmp_path / f"{n}.json", lanes], timeout=300)
    alone, shared = (json.loads((tmp_path / f"{n}.json").read_text()) for n in (1, ranks))
    for name, one in alone.items():
        many, close = shared[name], CLOSE_TO_VACUUM if name == "blown out" else CLOSE
        for what in ("gas", "u"):
            a, b = (np.array(found[what]).reshape(61, -1) for found in (one, many))
            apart = np.abs(a - b).max(axis=0) / np.maximum(np.abs(a).max(axis=0), 1e-300)
            assert (apart < close).all(), (name, what, apart)
        for column, (value, unit) in one["history"].items():
            most = max(abs(other) for other, its in one["history"].values() if its == unit and not np.isnan(other))
            assert many["history"][column][0] == pytest.approx(value, rel=close, abs=close * most, nan_ok=True), (name, column)


CONDUCTS = """
import numpy as np
from flows import start
from hpccr.units import k_B
flow = start("feedback_quick", "axes.r.cells=64", "axes.p.cells=3", "gas.cooling=false")
model, patch, line = flow.model, flow.patch, flow.model.line
assert patch.comm.size == 1 or patch.rows == 64 // patch.comm.size
T = 1e8 * (1 + 0.5 * np.sin(np.arange(64.0)))[patch.span]
gas = np.stack([np.full(len(T), 1e-4 * model.mass), 0 * T, 1e-4 * k_B * T / (model.gamma - 1)])
before = gas.copy()
added, given, _, reason = flow.imex._heat.warm(gas, before, np.zeros(patch.rows), 1e13)
own, volumes = patch.inner, line.volumes[patch.own_rows]
lost, held = patch.sum_rows([added @ volumes, gas[2, own] @ volumes])
warm = patch.highest([np.ptp(model.temperature(gas)[own]) / 1e8])[0]
assert not reason and given == 0 and warm < 1e-3 and abs(lost) < 1e-13 * held, (reason, warm, lost / held)
"""


@pytest.mark.parametrize("ranks", [1, 4])
def test_conduction_keeps_the_heat_however_strong_it_is(beside, ranks):
    """Where heat crosses the whole line many times in a step, next to nothing in the equations tells how much there is of it."""
    succeed(ranks, CONDUCTS)


TRAFFIC = """
import json
import numpy as np
from flows import start
from hpccr import parallel
from hpccr.bench.counting import Meter, counting
from hpccr.parallel import Comm
comm, meter = parallel.world(), Meter("none")
counted = Comm(counting(comm.raw, meter.tally))
parallel.world = lambda: counted
flow = start("feedback_quick", f"axes.r.cells={24 * comm.size}", "axes.p.cells=3", f"axes.r.to={20 * comm.size} pc", "source.radius=4 pc")
for _ in range(4):
    flow.step(1e30, lambda: [0.0])
meter.enter("steps")
for _ in range(5):
    flow.step(1e30, lambda: [0.0])
    flow.history()
meter.enter("")
calls = meter.counts("steps")
received = sum(size for kind, (_, size) in calls.items() if kind != "messages")
most = comm.max([calls["messages"][0], calls["messages"][1], received])
if comm.rank == 0:
    print(json.dumps((most / 5).tolist()))
"""


def test_traffic_of_a_step_does_not_grow_with_the_line(beside):
    """As many cells a rank on 4 and on 8 ranks: as many bytes from collective calls, and messages that grow as log P, or less."""
    found = {n: json.loads(succeed(n, TRAFFIC, timeout=180).splitlines()[-1]) for n in (4, 8)}
    messages, _, received = np.array(list(found.values())).T
    assert received.max() <= 1.05 * received.min(), found
    assert 0 < messages[1] <= 1.5 * messages[0], found


FAILS = """
import sys
from flows import start
from hpccr.errors import RunError
from hpccr.parallel import world
flow = start("feedback_quick", "axes.r.cells=40", "axes.p.cells=3")
warm = flow.imex._heat.warm
def lost(gas, *args):
    last = world().rank == world().size - 1
    if last and sys.argv[1] == "NaN":
        gas[2] = float("nan")
    *found, reason = warm(gas, *args)
    return *found, "the pressure of the gas is not positive" if last else reason
flow.imex._heat.warm = lost
try:
    flow.step(1e30, lambda: [0.0])
except RunError as error:
    said = world().gather(str(error))
    if world().rank == 0:
        assert len(set(said)) == 1, said
        print(said[0])
"""


@pytest.mark.parametrize("ranks, how", [(2, "says so"), (4, "NaN")])
def test_one_rank_that_cannot_go_on_ends_all_with_its_reason(beside, ranks, how):
    """Not with what the others have from it."""
    said = succeed(ranks, ["-c", FAILS, how])
    assert "no step is short enough" in said and "the pressure of the gas is not positive" in said and "n = 0.204 cm-3" in said, said


FRONTS = """
import numpy as np
from hpccr.grid.axis import Axis
from hpccr.grid.patch import Patch
from hpccr.parallel import alone, world
from hpccr.problems._flow_figures import cavity_edge, shock_radius
line = Axis("r", np.linspace(0.0, 48.0, 49), "sphere", (True, False))
whole, patch = Patch(48, 2, alone()), Patch(48, 2, world())
part, x = line.part(patch.span), line.centers
for at in np.arange(8.0, 40.0, 0.7):
    v = 1e6 * (1 - np.tanh((x - at) / 1.3)) + 3e5 * (1 - np.tanh((x - 0.5 * at) / 0.7))
    T = np.exp(9 - np.tanh((x - 0.6 * at) / 1.1))
    shock = shock_radius(line, whole, v)
    assert abs(shock - at) < 1.5 and shock_radius(part, patch, v[patch.span]) == shock, at
    assert cavity_edge(part, patch, T[patch.span], shock) == cavity_edge(line, whole, T, shock), at
assert np.isnan(shock_radius(part, patch, np.zeros(len(part))))
assert np.isnan(cavity_edge(part, patch, np.full(len(part), 7000.0), np.nan))
"""


@pytest.mark.parametrize("ranks", [1, 2, 4, 7])
def test_fronts_are_found_wherever_lines_are_cut(ranks):
    succeed(ranks, FRONTS)
