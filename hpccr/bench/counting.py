"""Counts what a rank sends, receives and waits for, phase by phase: our own calls of MPI, and PETSc's as its log has them.

Our own calls are counted by a communicator that stands in for the raw one. PETSc counts its messages and reductions itself, in
every event between begin and end, whatever is nested in it; so each phase is an event. What HDF5 and MPI-IO pass among themselves
nobody counts.

A message that is sent and one that is received are half a message each. Of a collective call the bytes are those that a rank
receives: of an Allgather the rows of all ranks, of a reduction its result, of a gather nothing but on the root.
"""

import gc

from hpccr.parallel import weight

# Kinds of calls by their names in MPI, without the I of those that do not block.
_KINDS = {"messages": ("send", "bsend", "ssend", "rsend", "recv", "mrecv", "sendrecv"),
          "reductions": ("allreduce", "reduce", "scan", "exscan", "reduce_scatter", "reduce_scatter_block"),
          "gathers": ("allgather", "allgatherv", "gather", "gatherv", "alltoall", "alltoallv", "scatter", "scatterv"),
          "broadcasts": ("bcast",), "barriers": ("barrier",)}
_KIND = {name: kind for kind, names in _KINDS.items() for name in names}
# What makes a further communicator.
_MAKERS = ("Split", "Split_type", "Dup", "Dup_with_info", "Clone", "Create", "Create_group")
KINDS = tuple(_KINDS)


class Tally:
    """Calls and bytes of each phase.

    Attributes
    ----------
    phase : str
        In which calls happen now.
    counts : dict
        {phase: {kind: [calls, bytes]}}
    """

    def __init__(self):
        self.phase, self.counts = "", {}

    def add(self, kind, calls, size):
        """Note `calls` of a kind and `size` bytes in the present phase."""
        entry = self.counts.setdefault(self.phase, {}).setdefault(kind, [0.0, 0.0])
        entry[0] += calls
        entry[1] += size


class Meter:
    """A Tally, with PETSc's share of each phase.

    Parameters
    ----------
    label : str
        Unlike that of any other meter of this process, for PETSc keeps its events for ever.
    """

    def __init__(self, label):
        from petsc4py import PETSc

        self.tally, self._label, self._events, self._running = Tally(), label, {}, None
        PETSc.Log.begin()
        self._new = PETSc.Log.Event

    def enter(self, phase):
        """From now on it is this phase; "" is none."""
        if self._running is not None:
            self._running.end()
            self._running = None
        self.tally.phase = phase
        if phase:
            event = self._events.setdefault(phase, self._new(f"{self._label}: {phase}"))
            event.begin()
            self._running = event

    def counts(self, phase):
        """What a phase has taken: {kind: [calls, bytes]}, with PETSc's messages and reductions."""
        found = {kind: list(self.tally.counts.get(phase, {}).get(kind, (0.0, 0.0))) for kind in KINDS}
        if phase in self._events:
            info = self._events[phase].getPerfInfo()
            # PETSc counts both ends of a message, and not what a reduction carries: most often one number.
            for kind, calls, size in (("messages", info["numMessages"] / 2, info["messageLength"] / 2),
                                      ("reductions", info["numReductions"], 8 * info["numReductions"])):
                found[kind][0] += calls
                found[kind][1] += size
        return found


def counting(raw, tally):
    """A communicator as `raw`, mpi4py.MPI.Intracomm, that notes every call in a Tally, and so do all that are made from it."""
    # What mpi4py makes from one that counts may be one already, in some versions and calls.
    base = getattr(type(raw), "plain", type(raw))
    methods = {"plain": base}
    for name in dir(base):
        low = name.lower()
        kind = _KIND.get(low) or (_KIND.get(low[1:]) if low[0] == "i" else None)
        if kind:
            methods[name] = _counted(getattr(base, name), name, kind, tally)
    for name in _MAKERS:
        if hasattr(base, name):
            methods[name] = _made(getattr(base, name), tally)
    # petsc4py takes a communicator of mpi4py's by the name of its module.
    return type("Counting", (base,), {**methods, "__module__": base.__module__})(raw)


def _made(method, tally):
    """A method of a communicator that makes another one."""
    def call(self, *args, **kwargs):
        made = method(self, *args, **kwargs)
        return counting(made, tally) if made else made       # none where a rank takes no part

    return call


def _counted(method, name, kind, tally):
    """A method of a communicator that passes data."""
    def call(self, *args, **kwargs):
        result = method(self, *args, **kwargs)
        tally.add(kind, *_weighed(name, kind, result, args, kwargs))
        return result

    return call


def _weighed(name, kind, result, args, kwargs):
    """(calls, bytes) of a call."""
    plain = name[0].islower()               # Python objects, and not arrays
    first = args[0] if args else next((kwargs[key] for key in ("obj", "sendobj", "buf", "sendbuf") if key in kwargs), None)
    if kind == "messages":
        both = name.lower().endswith("sendrecv")
        other = result if plain else _argument("recvbuf", 3, args, kwargs) if both else None
        mine = result if plain and name == "recv" else first
        return (1.0 if both else 0.5), (_size(mine, plain) + (_size(other, plain) if both else 0)) / 2
    if kind == "barriers":
        return 1.0, 0
    if kind == "broadcasts":
        return 1.0, _size(result if plain else first, plain)
    return 1.0, _size(result if plain else _argument("recvbuf", 1, args, kwargs), plain)


def _argument(name, place, args, kwargs):
    return args[place] if len(args) > place else kwargs.get(name)


def _size(what, plain):
    """Bytes of a Python object as mpi4py sends it, or of a buffer."""
    if what is None:
        return 0
    if plain:
        return weight(what)
    if isinstance(what, tuple | list):
        what = what[0]
    return getattr(what, "nbytes", 0)


class Memory:
    """How far the resident memory of this process rises above what it is now [bytes].

    Attributes
    ----------
    known : bool
        Whether /proc tells.
    """

    def __init__(self):
        gc.collect()
        _trim()
        try:
            with open("/proc/self/clear_refs", "w", encoding="ascii") as file:
                file.write("5")             # the peak is that of now
        except OSError:
            pass
        self._base = _status("VmRSS")
        self.known = self._base > 0

    def growth(self):
        """float; 0 where /proc does not tell."""
        return max(0.0, _status("VmHWM") - self._base)


def _trim():
    """Let the C library give back what it holds free, so that later needs show."""
    import ctypes

    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


def _status(name):
    """A line of /proc/self/status [bytes]."""
    try:
        with open("/proc/self/status", encoding="ascii") as file:
            return next((float(line.split()[1]) * 1024 for line in file if line.startswith(name + ":")), 0.0)
    except OSError:
        return 0.0
