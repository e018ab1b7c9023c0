"""Parallel HDF5, written once for snapshots and checkpoints.

A file is written beside its final name, flushed, closed, and renamed: under its final name it is always
complete. Datasets are contiguous and their blocks are reserved before any rank writes, so a full disk is
met by rank 0 alone and not in the middle of a collective call. The same data give the same bytes.
"""

import contextlib
import ctypes
import errno
import os
import re
import signal
import zlib
from pathlib import Path

import numpy as np

from hpccr.errors import InputError, RunError

# Where one rank cannot open a file that the others open, MPI-IO comes back on none (Open MPI 4.1.4): then all end after so long [s],
# or as long as a user says whose file system may take longer, in HPCCR_PATIENCE.
_PATIENCE = 50.0
# Room for the superblock, object headers and attributes of one variable.
_OVERHEAD = 4096


def library(comm):
    """h5py, as the ranks of `comm` need it.

    Raises
    ------
    InputError
        h5py has no MPI and there are several ranks.
    """
    os.environ.setdefault("H5PY_ALWAYS_USE_MPI", "1")     # Debian's h5py asks for it before its first import
    import h5py

    if comm.size > 1 and not h5py.get_config().mpi:
        raise InputError("this h5py was built without MPI and cannot write from several ranks",
                         given=f"h5py {h5py.__version__} in {os.path.dirname(h5py.__file__)}, {comm.size} ranks",
                         allowed="an h5py built with MPI (README, section clusters), or a single rank")
    return h5py


def reason(error):
    """The few words in which an error of the system or of HDF5 is told to a user."""
    number = getattr(error, "errno", None)
    if number is None:
        found = re.search(r"errno = (\d+)", str(error))
        number = int(found.group(1)) if found else None
    return os.strerror(number) if number else (str(error).strip().splitlines() or [type(error).__name__])[0]


@contextlib.contextmanager
def stage(comm, path):
    """Run the body on all ranks and agree: a failure on one is the same error on all.

    Raises
    ------
    RunError
        What the system or HDF5 said, with the name `path`.
    """
    with comm.together():
        try:
            yield
        except (OSError, RuntimeError) as error:
            raise RunError(f"{path}: cannot be written: {reason(error)}") from None


def patience():
    """How long a file may take to be opened on several ranks [s].

    Raises
    ------
    InputError
        HPCCR_PATIENCE is no time.
    """
    given = os.environ.get("HPCCR_PATIENCE", "").strip()
    if not given:
        return _PATIENCE
    if not re.fullmatch(r"[0-9]+(\.[0-9]*)?", given) or not 0.1 <= float(given) <= 1e6:
        raise InputError("this is no time", where="HPCCR_PATIENCE in the environment", given=given, allowed="seconds, 0.1 to 1e6, as 600")
    return float(given)


@contextlib.contextmanager
def _in_time(comm):
    """End this process, and so the job, with SIGALRM ("Alarm clock") if the body does not come back in time; for calls of MPI-IO, in
    which no handler of a signal is heard."""
    if comm.size == 1:
        yield
        return
    limit = patience()
    before, (left, _) = signal.signal(signal.SIGALRM, signal.SIG_DFL), signal.setitimer(signal.ITIMER_REAL, limit)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, left)
        signal.signal(signal.SIGALRM, before or signal.SIG_DFL)


def write(path, variables, comm, decorate, *, userblock=0, seal=None):
    """Write variables into a new HDF5 file; collective.

    Parameters
    ----------
    path : path-like
        Replaced if it exists. On failure it is as it was before.
    variables : list of Variable
        In the same order on all ranks.
    comm : Comm
    decorate : callable (h5py, file, {name: dataset})
        Adds attributes, the same on all ranks, before the data are written.
    userblock : int
        Bytes left free in front (0, or a power of two from 512).
    seal : callable (path)
        Called on all ranks on the closed file, before it gets its name.

    Raises
    ------
    RunError
        On all ranks: disk full, no permission, I/O error.
    """
    path = Path(path)
    beside = path.with_name(path.name + ".tmp")
    parts = _parts(variables, comm)
    h5py = library(comm)
    need = sum(v.bytes + _OVERHEAD for v in variables) + userblock
    try:
        with stage(comm, path):
            if comm.rank == 0:
                _prepare(beside, need)
        _fill(h5py, beside, path, list(zip(variables, parts)), comm, decorate, userblock)
        with stage(comm, path):
            _compare(h5py, beside, [v for v, mine in zip(variables, parts) if mine])
        if seal is not None:
            seal(beside)
        with stage(comm, path):
            if comm.rank == 0:
                publish(beside, path)
    except Exception:
        if comm.rank == 0:
            remove([beside])
        raise


def remove(paths):
    """Remove files, as far as they are there and can be removed."""
    # A directory that cannot be read any more has none.
    with contextlib.suppress(OSError):
        for path in paths:
            with contextlib.suppress(OSError):
                path.unlink()


def publish(beside, path, new=False):
    """Give a complete file its name, durably: fsync, rename, fsync of the directory.

    Raises
    ------
    OSError
        FileExistsError where it must be `new`, and there is one, of another process at the same moment perhaps.
    """
    sync(beside)
    if new:
        _name(beside, path)
    else:
        os.replace(beside, path)
    sync(Path(path).parent)


def _name(beside, path):
    """Give a file a name that no other one has."""
    try:
        os.link(beside, path)
    except OSError:
        if os.path.exists(path):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path)) from None
        # A file system without hard links: of two at the same moment the second takes it over.
        os.replace(beside, path)
    else:
        remove([Path(beside)])


def sync(path):
    """Wait until a file's or a directory's content is on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _parts(variables, comm):
    """For each variable, whether this rank writes its part; the ranks must agree on what there is.

    A variable that several ranks hold completely is written by the first of them.
    """
    mark = float(zlib.crc32(repr([(v.name, v.dims, v.shape, v.data.dtype.str) for v in variables]).encode()))
    sizes = np.array([v.data.size for v in variables], dtype=float)
    total = np.array([v.size for v in variables], dtype=float)
    highest, lowest = comm.max([mark, -mark])
    if highest != -lowest:
        raise RunError(f"the ranks disagree on the variables to write: {comm.bcast(', '.join(v.name for v in variables))}")
    held, owner = comm.sum(sizes), comm.min(np.where(sizes == total, comm.rank, comm.size))
    parts = []
    for variable, mine, whole, all_held, first in zip(variables, sizes, total, held, owner):
        if first < comm.size:
            parts.append(whole > 0 and comm.rank == first)
        elif all_held == whole:
            parts.append(mine > 0)
        else:
            raise RunError(f"variable {variable.name}: the ranks hold {all_held:.0f} values, {whole:.0f} are to be written")
    return parts


def _prepare(beside, need):
    """Make the directory, see that it can be written and that the disk has `need` bytes left."""
    # Not its parents: a run directory that has vanished or has another name now is not begun again in pieces.
    beside.parent.mkdir(exist_ok=True)
    # Open MPI has NAME-JOB-PROCESS.lock beside a file that several ranks write, and leaves it there when they are killed.
    remove(beside.parent.glob(f"{beside.name}-*.lock"))
    beside.open("wb").close()
    disk = os.statvfs(beside.parent)
    free = disk.f_bavail * disk.f_frsize
    if free < need:
        raise RunError(f"{beside.parent}: disk full: {need / 2**20:.1f} MiB to be written, {free / 2**20:.1f} MiB free")


def _fill(h5py, beside, path, pieces, comm, decorate, userblock):
    """Create the file, its datasets and attributes, reserve the space, write all parts, close."""
    file = None
    try:
        with stage(comm, path), _in_time(comm):
            parallel = {"driver": "mpio", "comm": comm.raw} if comm.size > 1 else {}
            file = h5py.File(beside, "w", userblock_size=userblock or None, **parallel)
        with stage(comm, path):
            datasets = {v.name: create(h5py, file, v.name, v.shape, v.data.dtype) for v, _ in pieces}
            decorate(h5py, file, datasets)
        with stage(comm, path):
            file.flush()
        with stage(comm, path):
            if comm.rank == 0:
                _reserve(beside)
        for variable, mine in pieces:
            if variable.size:
                with stage(comm, path):
                    _put(h5py, datasets[variable.name], variable, mine, comm.size > 1)
        with stage(comm, path):
            file.flush()
    except Exception:
        if file is not None:
            with contextlib.suppress(Exception):
                file.close()
        raise
    with stage(comm, path):
        file.close()


def _compare(h5py, path, variables):
    """Read this rank's parts back: MPI-IO was seen to lose data on a full disk without an error (Open MPI 4.1.4)."""
    with h5py.File(path, "r") as file:
        for variable in variables:
            place = tuple(slice(s, s + n) for s, n in zip(variable.start, variable.data.shape))
            bits = f"u{variable.data.dtype.itemsize}"      # a NaN differs from itself, its bits do not
            if not np.array_equal(np.asarray(file[variable.name][place]).view(bits), variable.data.view(bits)):
                raise OSError(f"variable {variable.name} is not in the file as it was written (is the disk full?)")


def create(h5py, group, name, shape, dtype):
    """A contiguous dataset whose place in the file is fixed now, and that carries no time stamp."""
    options = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    options.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)
    options.set_fill_time(h5py.h5d.FILL_TIME_NEVER)
    options.set_obj_track_times(False)
    links = h5py.h5p.create(h5py.h5p.LINK_CREATE)
    links.set_create_intermediate_group(True)
    space = h5py.h5s.create_simple(shape) if shape else h5py.h5s.create(h5py.h5s.SCALAR)
    kind = h5py.h5t.py_create(np.dtype(dtype), logical=True)
    return h5py.Dataset(h5py.h5d.create(group.id, name.encode(), kind, space, dcpl=options, lcpl=links))


def _reserve(path):
    """Let the file system reserve the blocks of a file, where it can."""
    with open(path, "r+b") as file:
        size = os.path.getsize(path)
        # Not os.posix_fallocate: where the file system cannot, it would write into every block.
        libc = ctypes.CDLL(None, use_errno=True)
        if not hasattr(libc, "fallocate"):
            return
        libc.fallocate.argtypes = (ctypes.c_int, ctypes.c_int, ctypes.c_int64, ctypes.c_int64)
        if libc.fallocate(file.fileno(), 0, 0, size) and ctypes.get_errno() in (errno.ENOSPC, errno.EDQUOT, errno.EIO):
            raise OSError(ctypes.get_errno(), "fallocate")


def _put(h5py, dataset, variable, mine, collective):
    """Write this rank's part; a rank without one joins the collective call with an empty selection."""
    here, there = h5py.h5s.create_simple((max(1, variable.data.size),)), dataset.id.get_space()
    if not mine:
        here.select_none()
        there.select_none()
    elif variable.shape:
        there.select_hyperslab(variable.start, variable.data.shape)
    transfer = h5py.h5p.create(h5py.h5p.DATASET_XFER)
    if collective:
        transfer.set_dxpl_mpio(h5py.h5fd.MPIO_COLLECTIVE)
    flat = variable.data.reshape(-1) if mine else np.zeros(1, variable.data.dtype)
    dataset.id.write(here, there, flat, dxpl=transfer)
