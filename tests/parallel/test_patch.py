"""A plane shared by ranks: every cell has one owner, ghosts are the neighbours' cells, losses pass from rank to rank."""

import numpy as np
import pytest
from launch import succeed

from hpccr.grid.patch import cut

SWAP = """
import numpy as np
from hpccr.grid.patch import Patch
from hpccr.parallel import world
comm = world()
cells, lanes = {cells}, {lanes}
patch = Patch(cells, lanes, comm)
assert comm.sum(patch.rows * patch.lanes)[0] == cells * lanes
whole = np.arange(cells * lanes, dtype=float).reshape(cells, lanes)
u = patch.array()
patch.own(u)[...] = whole[patch.own_rows, patch.own_lanes]
patch.swap_lanes(u)
patch.swap_rows(u)
for dj in range(-2, patch.rows + 2):
    for di in range(-2, patch.lanes + 2):
        j, i = patch.first_row + dj, patch.first_lane + di
        inside = 0 <= j < cells and 0 <= i < lanes
        corner = not 0 <= dj < patch.rows and not 0 <= di < patch.lanes
        if inside and not corner:
            assert u[dj + 2, di + 2] == whole[j, i], (comm.rank, dj, di)
lines = np.full((2, patch.span.stop - patch.span.start), -1.0)
lines[:, patch.inner] = np.array([np.arange(cells), -np.arange(cells)])[:, patch.own_rows]
patch.swap_line(lines)
assert np.array_equal(lines[0], np.arange(cells)[patch.span]) and np.array_equal(lines[1], -lines[0])
rows = patch.sum_lanes(whole[patch.own_rows, patch.own_lanes].sum(axis=1))
assert np.allclose(rows, whole.sum(axis=1)[patch.own_rows])
assert np.allclose(patch.sum_rows([rows.sum(), patch.rows]), [whole.sum(), cells])
assert patch.highest([rows.max(), -rows.min()]).tolist() == [rows_.max() for rows_ in (whole.sum(axis=1), -whole.sum(axis=1))]
patch.destroy()
"""


@pytest.mark.parametrize("ranks, cells, lanes", [(1, 5, 4), (2, 9, 4), (3, 12, 2), (4, 20, 9), (4, 16, 4), (8, 40, 5)])
def test_ghosts_are_the_neighbours_cells(ranks, cells, lanes):
    succeed(ranks, SWAP.format(cells=cells, lanes=lanes))


def test_a_rank_has_no_more_to_do_where_the_line_grows_with_the_ranks():
    """Cells and gas of a rank, by cells and lanes: a short line stays whole; of a long one no rank has much more than its share."""
    assert cut(4, 200, 15) == (4, 1)
    for ranks in 2 ** np.arange(1, 12):
        lane_parts, line_parts = cut(ranks, 2000 * ranks, 32)
        assert lane_parts * line_parts == ranks
        assert 2000 * ranks / line_parts * (32 / lane_parts + 30) < 1.5 * 2000 * (32 + 30)
        # Momenta that grow with the ranks are shared.
        assert cut(ranks, 250, 8 * ranks) == (ranks, 1)


LOSE = """
import dataclasses, sys
import numpy as np
from hpccr.deck import library, reader
from hpccr.parallel import world
from hpccr.problems import registry
deck = reader.read(library.find("feedback_quick"), ["axes.r.cells=24", "axes.p.cells=12"], problems=registry)
flow = registry.load("feedback")(deck).simulation(world())
flow.begin()
rays, patch, n = flow.imex.rays, flow.patch, np.linspace(0.1, 40.0, 24)
heat = np.zeros(24)
part = rays.lose(rays.u, n, 3e11, rays.after)
heat[patch.own_rows] += part
whole = np.zeros((24, 12))
whole[patch.own_rows, patch.own_lanes] = patch.own(rays.after)
whole, heat = world().sum(whole.ravel()), world().sum(heat)
if world().rank == 0:
    np.savez(sys.argv[1], whole=whole, heat=heat)
flow.destroy()
"""


def test_losses_pass_from_rank_to_rank(tmp_path):
    """An implicit sweep through p: strong losses carry CRs through several lanes, and so through several ranks, in a step."""
    for ranks in (1, 2, 4):
        succeed(ranks, ["-c", LOSE, tmp_path / f"{ranks}.npz"])
    alone, *others = (dict(np.load(tmp_path / f"{ranks}.npz")) for ranks in (1, 2, 4))
    assert alone["heat"].max() > 0 and (alone["whole"] >= 0).all()
    for other in others:
        for name, values in alone.items():
            np.testing.assert_allclose(other[name], values, rtol=1e-12, atol=1e-14 * values.max())
