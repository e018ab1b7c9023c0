"""Cells along one axis shared by ranks: ghosts are the neighbours' cells, also around a ring; the same f on any number of ranks."""

import json
from pathlib import Path

import numpy as np
import pytest
from launch import succeed

SWAP = """
import numpy as np
from hpccr.grid.strip import Strip
from hpccr.parallel import world
cells, periodic = {cells}, {periodic}
strip = Strip(cells, world(), periodic)
assert world().sum([strip.count])[0] == cells
whole = np.arange(2.0 * cells).reshape(2, cells)
u = strip.array(2)
u[...] = -1.0
strip.own(u)[...] = whole[:, strip.own_cells]
strip.swap(u)
for k in range(-3, strip.count + 3):
    i = strip.first + k
    wanted = whole[:, i % cells] if periodic or 0 <= i < cells else -1.0
    assert (u[:, k + 3] == wanted).all(), (world().rank, k)
"""


@pytest.mark.parametrize("ranks, cells", [(1, 8), (2, 9), (3, 10), (4, 16), (5, 15)])
@pytest.mark.parametrize("periodic", [False, True])
def test_ghosts_are_the_neighbours_cells(ranks, cells, periodic):
    succeed(ranks, SWAP.format(cells=cells, periodic=periodic))


CASES = [["ends.left=periodic", "ends.right=periodic", "transport.epsilon=2.0"],
         ["ends.left=wall", "ends.right=source", "transport.focusing=nozzle", "transport.sigma=1.0", "axes.z.spacing=sinh"],
         ["axes.mu.spacing=legendre", "transport.sigma=-0.5", "transport.epsilon=3.0"],
         ["transport.scattering=power", "axes.mu.spacing=graded", "initial.angle=beam", "initial.shape=box"],
         ["time.streaming=implicit", "transport.epsilon=0.02", "time.end=3000.0", "ends.left=wall", "transport.sigma=0.2", "time.rtol=1e-4"]]

RUN = """
import json, sys
import numpy as np
sys.path.insert(0, sys.argv[2])
from hpccr.parallel import world
from kinetics import figures, finish
for number, settings in enumerate(json.loads(sys.argv[3])):
    kinetic = finish("axes.z.cells=41", "axes.mu.cells=10", "time.end=6.0", *settings)
    whole = np.zeros((10, 41))
    whole[:, kinetic.strip.own_cells] = kinetic.strip.own(kinetic.ark.u)
    whole, now = world().sum(whole.ravel()), figures(kinetic)
    if world().rank == 0:
        np.savez(sys.argv[1] + f"-{number}.npz", f=whole, steps=kinetic.stepper.number, error=now["number_error"], through=kinetic.through, z2=now["z2"],
                 iterations=kinetic.stepper.iterations)
"""


def test_the_number_of_ranks_does_not_matter(tmp_path):
    """f, what has passed the ends, and the steps on 1, 2 and 5 ranks: to rounding of sums over ranks, which steer the step."""
    for ranks in (1, 2, 5):
        succeed(ranks, ["-c", RUN, tmp_path / f"{ranks}", Path(__file__).parents[1], json.dumps(CASES)])
    assert np.load(tmp_path / f"1-{len(CASES) - 1}.npz")["iterations"] > 0
    for case in range(len(CASES)):
        alone, *others = (dict(np.load(tmp_path / f"{ranks}-{case}.npz")) for ranks in (1, 2, 5))
        assert abs(alone["error"]) < 1e-12 and alone["f"].max() > 0
        for other in others:
            # Linear iterations do not depend on the ranks either, but where a residual meets the tolerance to the last bits.
            assert other["steps"] == alone["steps"] and abs(other["iterations"] - alone["iterations"]) <= 2 and abs(other["error"]) < 1e-12
            for name in ("f", "through", "z2"):
                np.testing.assert_allclose(other[name], alone[name], rtol=1e-9, atol=1e-12 * np.abs(alone[name]).max(), err_msg=f"{case} {name}")
