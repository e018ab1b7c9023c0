"""What the scaling study counts on ranks: calls and bytes that are known beforehand, PETSc's among them, and a small study to its end."""

import json

import pytest
from launch import succeed

KNOWN = """
import numpy as np
from hpccr.bench.counting import Meter, counting
from hpccr.parallel import Comm, world
from hpccr.steppers.implicit import initialise
PETSc = initialise()
meter = Meter("known")
comm = Comm(counting(world().raw, meter.tally))
raw, rank, ranks = comm.raw, comm.rank, comm.size
dm = PETSc.DMDA().create(dim=1, dof=1, sizes=(12 * ranks,), stencil_width=2, comm=raw)
u, ghosted = dm.createGlobalVec(), dm.createLocalVec()
dm.globalToLocal(u, ghosted)
meter.enter("ours")
ten, out = np.arange(10.0), np.zeros(10 * ranks)
right, left = (rank + 1) % ranks, (rank - 1) % ranks
request = raw.Irecv(out[:10], source=left)
raw.Send(ten, dest=right)
request.Wait()
raw.Allgather(ten, out)
comm.sum([1.0, 2.0])
comm.bcast("x" * 50)
meter.enter("PETSc's")
for _ in range(3):
    dm.globalToLocal(u, ghosted)
u.dot(u)
meter.enter("")
ours, theirs = meter.counts("ours"), meter.counts("PETSc's")
assert ours["messages"] == [1.0, 80.0], ours
assert ours["gathers"] == [1.0, 80.0 * ranks] and ours["reductions"] == [1.0, 16.0], ours
assert ours["broadcasts"][0] == 1.0 and 50 < ours["broadcasts"][1] < 100, ours
sides = (rank > 0) + (rank < ranks - 1)
assert theirs["messages"] == [3.0 * sides, 3.0 * sides * 2 * 8], theirs
assert theirs["reductions"][0] == 1.0, theirs
for each in (u, ghosted, dm):
    each.destroy()
"""

STUDY = """
import json
from hpccr.bench import scaling
print(json.dumps(scaling.measure(ranks=(1, 3), only="{case}", pairs=1)))
"""


@pytest.mark.parametrize("ranks", [2, 3])
def test_counts_are_those_expected(ranks):
    succeed(ranks, KNOWN)


def test_a_small_study():
    """Counts of 1 and 3 ranks and a model from times on 1 and 2: cells exchange three columns with each side in every stage."""
    found = json.loads(succeed(0, STUDY.format(case="focused, streaming explicit"), timeout=180).splitlines()[-1])
    (name, case), = found["cases"].items()
    assert name == "focused, streaming explicit" and found["ranks"] == [1, 3] and len(found["rows"]) == 9
    for mode in ("strong", "weak"):
        alone, shared = case[mode]
        assert [alone["phases"]["steps"][count]["max"] for count in ("messages", "bytes")] == [0, 0]
        step, (_, lanes) = shared["phases"]["steps"], shared["size"]
        # The middle rank sends to both sides; columns of 8 bytes.
        assert step["bytes"]["max"] == step["messages"]["max"] * 3 * lanes * 8 > 0
        assert step["messages"]["mean"] == pytest.approx(2 / 3 * step["messages"]["max"])
        assert shared["balance"] < 1.01 and shared["memory"]["max"] > 0 and shared["phases"]["output"]["collectives"]["max"] > 0
    rates, check = case["model"]["rates"], case["check"]
    assert 1e-10 < rates["a"] < 1e-5 and rates["b"] >= 0 and min(check["measured"]) > 0 and check["ratio"] > 0
