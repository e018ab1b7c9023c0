"""The counting communicator notes what is asked of it, and does what the one it stands for does."""

import numpy as np
import pytest

from hpccr.bench.counting import Memory, Tally, counting
from hpccr.parallel import Comm, alone


@pytest.fixture
def counted():
    """(Comm of this process alone that counts, its Tally)."""
    tally = Tally()
    return Comm(counting(alone().raw, tally)), tally


def test_calls_and_bytes(counted):
    from mpi4py import MPI

    comm, tally = counted
    raw, ten, out = comm.raw, np.arange(10.0), np.zeros(10)
    tally.phase = "one"
    raw.Allreduce(ten, out)
    assert (out == ten).all()
    raw.Allreduce(MPI.IN_PLACE, out)
    raw.Allgather(ten, out)
    raw.Barrier()
    raw.Ibarrier().Wait()
    raw.Bcast([out, MPI.DOUBLE], root=0)
    tally.phase = "two"
    assert raw.allgather("abc") == ["abc"] and raw.bcast({"a": 1}) == {"a": 1} and raw.allreduce(2) == 2
    assert tally.counts["one"] == {"reductions": [2.0, 160.0], "gathers": [1.0, 80.0], "barriers": [2.0, 0.0], "broadcasts": [1.0, 80.0]}
    assert {kind: calls for kind, (calls, _) in tally.counts["two"].items()} == {"gathers": 1.0, "broadcasts": 1.0, "reductions": 1.0}
    assert tally.counts["two"]["gathers"][1] == len(MPI.pickle.dumps(["abc"]))


def test_messages_are_counted_at_both_ends(counted):
    comm, tally = counted
    ten, out = np.arange(10.0), np.zeros(10)
    request = comm.raw.Irecv(out, source=0)
    comm.raw.Send(ten, dest=0)
    request.Wait()
    assert (out == ten).all() and tally.counts[""] == {"messages": [1.0, 80.0]}
    comm.raw.Sendrecv(ten, 0, 0, out, 0, 0)
    assert tally.counts[""] == {"messages": [2.0, 160.0]}
    assert comm.raw.sendrecv("abc", 0, source=0) == "abc" and tally.counts[""]["messages"][0] == 3.0


def test_communicators_made_from_it_count_too(counted):
    comm, tally = counted
    part = comm.split(0, 0)
    part.raw.Barrier()
    copy = part.raw.Dup()
    copy.Barrier()
    assert tally.counts[""]["barriers"][0] == 2.0
    copy.Free()
    part.raw.Free()


def test_others_take_it_for_what_it_is(counted):
    """petsc4py looks at the module of a communicator's type, h5py at its class."""
    from mpi4py import MPI
    from petsc4py import PETSc

    comm, _ = counted
    assert isinstance(comm.raw, MPI.Intracomm) and MPI.Comm.Compare(comm.raw, MPI.COMM_SELF) == MPI.IDENT
    vector = PETSc.Vec().createMPI(4, comm=comm.raw)
    assert vector.getSize() == 4
    vector.destroy()


def test_memory_that_was_taken_and_given_back_shows():
    memory = Memory()
    if not memory.known:
        pytest.skip("/proc does not tell")
    room = np.ones(4 << 20)
    del room
    assert 30 * 2**20 < memory.growth() < 60 * 2**20
