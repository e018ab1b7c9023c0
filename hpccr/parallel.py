"""The communicator and the rule that ranks fail together.

MPI is initialised by the first call of `world`, never by an import. Whatever can fail on one rank ends
with `agree`: all ranks then raise the same error, and none is left waiting in a collective call.
"""

import contextlib
import functools
import os
import time

import numpy as np

from hpccr.errors import InputError, RunError

# Launchers tell a process its rank through one of these.
_RANK_VARIABLES = ("OMPI_COMM_WORLD_RANK", "PMIX_RANK", "PMI_RANK", "MPI_LOCALRANKID", "SLURM_PROCID")


def launched():
    """Whether the environment says that an MPI launcher started this process (MPI is not touched)."""
    return any(name in os.environ for name in _RANK_VARIABLES[:4]) or (
        "SLURM_PROCID" in os.environ and int(os.environ.get("SLURM_NTASKS", "1")) > 1)


def launch_rank():
    """The rank that the launcher gave to this process; 0 without a launcher."""
    if launched():
        for name in _RANK_VARIABLES:
            if name in os.environ:
                return int(os.environ[name])
    return 0


@functools.cache
def world():
    """The communicator of all ranks (Comm); the first call initialises MPI."""
    from mpi4py import MPI

    return Comm(MPI.COMM_WORLD)


@functools.cache
def alone():
    """The communicator of this rank by itself (Comm)."""
    from mpi4py import MPI

    return Comm(MPI.COMM_SELF)


class Comm:
    """A communicator with collective errors.

    Attributes
    ----------
    raw : mpi4py.MPI.Comm
    rank, size : int
    """

    def __init__(self, raw):
        self.raw, self.rank, self.size = raw, raw.Get_rank(), raw.Get_size()

    def barrier(self):
        """Wait for all ranks."""
        self.raw.Barrier()

    def arrived(self, patience, meanwhile=lambda: None):
        """Whether all ranks call this within `patience` seconds; `meanwhile()` is called now and then. Nothing blocks."""
        request, start = self.raw.Ibarrier(), time.monotonic()
        while not request.Test():
            if time.monotonic() - start > patience:
                return False
            meanwhile()
            time.sleep(0.01)
        return True

    def bcast(self, value):
        """Rank 0's `value` (plain numbers, strings, lists, dicts) on all ranks."""
        return self.raw.bcast(value, root=0) if self.size > 1 else value

    def _reduce(self, values, operation):
        local = np.array(values, dtype=float, ndmin=1)
        if self.size > 1:
            from mpi4py import MPI

            self.raw.Allreduce(MPI.IN_PLACE, local, op=getattr(MPI, operation))
        return local

    def sum(self, values):
        """Element-wise sum over the ranks, on all ranks: array (n,)."""
        return self._reduce(values, "SUM")

    def max(self, values):
        """Element-wise maximum over the ranks, on all ranks: array (n,)."""
        return self._reduce(values, "MAX")

    def min(self, values):
        """Element-wise minimum over the ranks, on all ranks: array (n,)."""
        return self._reduce(values, "MIN")

    def gather(self, values):
        """The `values` of every rank, on all ranks: array (ranks, n)."""
        local = np.atleast_1d(np.ascontiguousarray(values, dtype=float))
        every = np.empty((self.size, *local.shape))
        if self.size == 1:
            every[0] = local
        else:
            self.raw.Allgather(local, every)
        return every

    def collect(self, rows):
        """The rows of all ranks on rank 0, in the order of the ranks: list of array (n, …); None on the others.

        Parameters
        ----------
        rows : array (n, …)
            Of the same shape beyond the first axis on all ranks.
        """
        rows = np.ascontiguousarray(rows, dtype=float)
        counts = self.gather(len(rows))[:, 0].astype(int)
        if self.rank:
            if len(rows):
                self.raw.Send(rows, dest=0)
            return None
        parts = [rows]
        for source, count in enumerate(counts[1:], 1):
            part = np.empty((count, *rows.shape[1:]))
            if count:
                self.raw.Recv(part, source=source)
            parts.append(part)
        return parts

    def gather_lanes(self, local, start, count):
        """Assemble an array whose first axis is spread over the ranks.

        Parameters
        ----------
        local : array (n_local, …)
            This rank's part, which begins at global index `start`; parts of several ranks may coincide.
        start, count : int
            First global index of the part, and the global length.

        Returns
        -------
        array (count, …), on all ranks
        """
        if self.size == 1:
            return np.array(local, dtype=float)
        whole = np.empty((count,) + local.shape[1:])
        for first, part in self.raw.allgather((start, np.ascontiguousarray(local))):
            whole[first:first + len(part)] = part
        return whole

    def split(self, color, key):
        """The communicator (Comm) of the ranks that give the same `color`, ordered by `key`."""
        return Comm(self.raw.Split(color, key))

    def agree(self, error=None):
        """Raise on all ranks the error of the lowest rank that has one.

        Parameters
        ----------
        error : Exception or None
            This rank's error.

        Raises
        ------
        InputError, RunError
            As the failing rank had it; anything else becomes a RunError that names the rank.
        """
        if self.size == 1:
            if error is not None:
                raise error
            return
        state = None
        if error is not None:
            state = (type(error).__name__, str(error), self.rank)
        states = [s for s in self.raw.allgather(state) if s is not None]
        if not states:
            return
        kind, message, rank = states[0]
        if error is not None and rank == self.rank:
            raise error
        if kind == "InputError":
            raise InputError(message)
        raise RunError(message if kind == "RunError" else f"rank {rank}: {kind}: {message}")

    @contextlib.contextmanager
    def together(self):
        """Run the body, then agree on its outcome; for bodies without collective calls inside."""
        error = None
        try:
            yield
        except Exception as caught:      # noqa: BLE001 - every failure must reach the other ranks
            error = caught
        self.agree(error)

    def on_root(self, function):
        """Rank 0 calls `function()`; its plain result, or its error, reaches all ranks."""
        error, result = None, None
        if self.rank == 0:
            try:
                result = function()
            except Exception as caught:  # noqa: BLE001
                error = caught
        self.agree(error)
        return self.bcast(result)

    def root_first(self, function):
        """Rank 0 calls `function()` first, the others after it: one rank fills a shared cache (kernels)."""
        with self.together():
            if self.rank == 0:
                function()
        with self.together():
            if self.rank != 0:
                function()
