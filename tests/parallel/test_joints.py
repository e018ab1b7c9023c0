"""The joints between the parts of lines: solved as the whole system would be, in a number of messages that grows with log₂ of the ranks."""

import pytest
from launch import succeed

SOLVE = """
import numpy as np
from mpi4py import MPI
from hpccr.operators.joints import Joints
from hpccr.parallel import Comm, world

class Counted(MPI.Intracomm):
    sent = 0
    def Isend(self, *args, **more):
        Counted.sent += 1
        return super().Isend(*args, **more)

comm, (lanes, n, k) = Comm(Counted(MPI.COMM_WORLD)), (3, 4, 2)
P, rank = comm.size, comm.rank
left, right = np.random.default_rng(1).uniform(-0.12, 0.12, (2, P, lanes, n, n))
g = np.random.default_rng(2).normal(size=(P, lanes, n, k))
joints = Joints(comm, left[rank], right[rank])
factors, Counted.sent = Counted.sent, 0
y = joints.solve(g[rank])
assert max(factors, Counted.sent) <= 2 * int(np.ceil(np.log2(P))), (factors, Counted.sent)
for lane in range(lanes):
    whole = np.eye(P * n)
    for r in range(P):
        if r > 0:
            whole[r*n:(r+1)*n, (r-1)*n:r*n] = left[r, lane]
        if r < P - 1:
            whole[r*n:(r+1)*n, (r+1)*n:(r+2)*n] = right[r, lane]
    exact = np.linalg.solve(whole, g[:, lane].reshape(P * n, k)).reshape(P, n, k)
    assert np.allclose(y[lane], exact[rank], rtol=1e-12, atol=1e-13)
"""


@pytest.mark.parametrize("n", [1, 2, 3, 4, 7])
def test_joints_are_solved_in_a_logarithm_of_messages(n):
    succeed(n, SOLVE)


NEAR = """
import numpy as np
from hpccr.parallel import world
comm = world()
mine = np.array([[comm.rank + 1.0, 7.0]])
for reach in (1, 2, 5):
    below, above = comm.near(mine, reach)
    for other, found in ((comm.rank - reach, below), (comm.rank + reach, above)):
        assert np.array_equal(found, [[other + 1.0, 7.0]] if 0 <= other < comm.size else [[0.0, 0.0]])
assert comm.before([comm.rank, 1.0]).tolist() == [comm.rank * (comm.rank - 1) / 2, comm.rank]
rows = comm.assemble(np.full((2, 3), comm.rank or np.nan), 2 * comm.rank, 2 * comm.size)
assert np.isnan(rows[:2]).all() and (rows[2:, 1] == np.arange(2, 2 * comm.size) // 2).all()
every = comm.gather({"rank": comm.rank})
assert every == ([{"rank": r} for r in range(comm.size)] if comm.rank == 0 else None)
"""


@pytest.mark.parametrize("n", [1, 2, 4])
def test_ranks_hear_from_those_below_and_above(n):
    succeed(n, NEAR)
