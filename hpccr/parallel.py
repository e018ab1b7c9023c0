"""The communicator and the rule that ranks fail together.

MPI is initialised by the first call of `world`, never by an import. Whatever can fail on one rank ends
with `agree`: all ranks then raise the same error, and none is left waiting in a collective call.
"""

import contextlib
import functools
import math
import os
import resource
import time

import numpy as np

from hpccr.errors import InputError, RunError, no_memory

# Launchers tell a process its rank through one of these.
_RANK_VARIABLES = ("OMPI_COMM_WORLD_RANK", "PMIX_RANK", "PMI_RANK", "MPI_LOCALRANKID", "SLURM_PROCID")
# And how many it has started; srun's last, for mpirun may have been started by it.
_SIZE_VARIABLES = ("OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "SLURM_STEP_NUM_TASKS")


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
    """The communicator of all ranks (Comm); the first call initialises MPI.

    Raises
    ------
    InputError
        A launcher has started several processes, and MPI knows this one alone.
    """
    from mpi4py import MPI

    comm = Comm(MPI.COMM_WORLD)
    started = next((os.environ[name] for name in _SIZE_VARIABLES if name in os.environ), "1")
    if comm.size == 1 and started.isdecimal() and int(started) > 1:
        raise InputError("the launcher and MPI do not find each other: each process is alone", where="MPI",
                         given=f"{started} processes; mpi4py with {MPI.Get_library_version().split(',')[0].strip()}",
                         allowed="the mpirun of that MPI, or srun with the --mpi that it was built for (README, On a cluster)")
    return comm


@functools.cache
def alone():
    """The communicator of this rank by itself (Comm)."""
    from mpi4py import MPI

    return Comm(MPI.COMM_SELF)


def _machine_memory():
    """Bytes of main memory that the processes on this machine may use, as its kernel or their job's limit says; inf if unknown."""
    limits = [math.inf]
    with contextlib.suppress(ValueError, OSError):
        limits.append(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    # The control group of the job, and those that it is in (version 2 of them, then 1).
    with contextlib.suppress(OSError), open("/proc/self/cgroup", encoding="utf-8") as file:
        for _, kinds, path in (line.strip().split(":", 2) for line in file):
            if kinds in ("", "memory"):
                top = os.path.join("/sys/fs/cgroup", kinds)
                name = "memory.limit_in_bytes" if kinds else "memory.max"
                parts = path.strip("/").split("/")
                for depth in range(len(parts) + 1):
                    with contextlib.suppress(OSError, ValueError), open(os.path.join(top, *parts[:depth], name), encoding="ascii") as limit:
                        limits.append(int(limit.read()))
    return float(min(limits))


def weight(value):
    """Bytes of a plain value as it travels between ranks; 0 of a request, which is no value yet."""
    from mpi4py import MPI

    return 0 if isinstance(value, MPI.Request) else len(MPI.pickle.dumps(value))


class Comm:
    """A communicator with collective errors.

    Attributes
    ----------
    raw : mpi4py.MPI.Comm
    rank, size : int
    """

    def __init__(self, raw, here=None):
        self.raw, self.rank, self.size = raw, raw.Get_rank(), raw.Get_size()
        self._here = here       # ranks on this machine, of this communicator or of the one that it was split from

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
        """Element-wise over the ranks, on all ranks: array (n,)."""
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

    def before(self, values):
        """Element-wise sum over the ranks below this one: array (n,)."""
        from mpi4py import MPI

        below, local = np.zeros(np.size(values)), np.array(values, dtype=float, ndmin=1)
        if self.size > 1:
            self.raw.Exscan(local, below, op=MPI.SUM)
        # MPI leaves rank 0's undefined.
        return below if self.rank else np.zeros_like(below)

    def near(self, values, reach=1):
        """What the ranks `reach` below and above this one give for `values`.

        Parameters
        ----------
        values : array
            Of one shape on all ranks.
        reach : int

        Returns
        -------
        (array, array), zero where there is no such rank
        """
        others = [other if 0 <= other < self.size else None for other in (self.rank - reach, self.rank + reach)]
        return tuple(np.zeros(np.shape(values)) if theirs is None else theirs for theirs in self.exchange(others, (values, values)))

    def exchange(self, others, values):
        """What two neighbours give for what they get.

        Parameters
        ----------
        others : (int or None, int or None)
            The ranks below and above, whatever that means: the one above has this rank below it.
        values : (array, array)
            What they get, each of the shape of what it gives.

        Returns
        -------
        list of two arrays, None where there is no neighbour
        """
        found, requests = [None, None], []
        # What goes down is tagged 0, and up 1: with two ranks on a ring both neighbours are the same.
        for tag, (other, value) in enumerate(zip(others, values)):
            if other is not None:
                found[tag] = np.empty(np.shape(value))
                requests += [self.raw.Irecv(found[tag], source=other, tag=1 - tag),
                             self.raw.Isend(np.ascontiguousarray(value, dtype=float), dest=other, tag=tag)]
        if requests:
            type(requests[0]).Waitall(requests)
        return found

    def swap(self, other, value):
        """What the rank `other` gives (plain numbers, strings, lists, dicts) for this rank's `value`; both call it."""
        return self.raw.sendrecv(value, dest=other, source=other)

    def gather(self, value):
        """The `value` (plain numbers, strings, lists, dicts) of every rank on rank 0: list; None on the others."""
        return self.raw.gather(value, root=0)

    def collect(self, rows):
        """The rows of all ranks on rank 0, in the order of the ranks: list of array (n, …); None on the others.

        Parameters
        ----------
        rows : array (n, …)
            Of the same shape beyond the first axis on all ranks.
        """
        rows = np.ascontiguousarray(rows, dtype=float)
        counts = self.gather(len(rows))
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

    def assemble(self, local, start, count, counts=True):
        """Assemble an array whose first axis is spread over the ranks: array (count, …), on all ranks.

        Parameters
        ----------
        local : array (n_local, …)
            This rank's part, which begins at global index `start`.
        start, count : int
            First global index of the part, and the global length.
        counts : bool
            Whether this rank's part is taken: where several ranks hold the same, one of them gives it.
        """
        whole = np.zeros((count,) + np.shape(local)[1:])
        if counts:
            whole[start:start + len(local)] = local
        # Nothing is added up but zeros.
        return self.sum(whole.ravel()).reshape(whole.shape)

    def memory(self):
        """Bytes of main memory that these ranks have, float; collective. All ranks of a machine share it, those of other groups too."""
        share = _machine_memory() / self._neighbours()
        # What the job's shell allows to one process.
        limit, _ = resource.getrlimit(resource.RLIMIT_AS)
        return float(self.sum(share if limit == resource.RLIM_INFINITY else min(share, limit))[0])

    def _neighbours(self):
        """How many ranks there are on this machine; collective."""
        if self._here is None:
            from mpi4py import MPI

            here = self.raw.Split_type(MPI.COMM_TYPE_SHARED)
            self._here = here.Get_size()
            here.Free()
        return self._here

    def split(self, color, key):
        """The communicator (Comm) of the ranks that give the same `color`, ordered by `key`."""
        here = self._neighbours()
        return Comm(self.raw.Split(color, key), here)

    def agree(self, error=None):
        """Raise on all ranks the error of the lowest rank that has one.

        Parameters
        ----------
        error : Exception or None
            This rank's error.

        Raises
        ------
        InputError, RunError
            As the failing rank had it, and RunError where it has no memory left; on the others anything else is a RunError, too,
            that names the rank.
        """
        if isinstance(error, MemoryError):
            error = no_memory(error)
        if self.size == 1:
            if error is not None:
                raise error
            return
        lowest = int(self.min(self.size if error is None else self.rank)[0])
        if lowest == self.size:
            return
        kind, message = self.raw.bcast((type(error).__name__, str(error)), root=lowest)
        if lowest == self.rank:
            raise error
        if kind == "InputError":
            raise InputError(message)
        raise RunError(message if kind == "RunError" else f"rank {lowest}: {kind}: {message}")

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
