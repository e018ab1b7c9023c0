"""Checkpoints: the state of a run, complete under its name or not there at all.

A checkpoint is HDF5 behind a block of text (HDF5's user block) with the format number, the size and a
digest of everything after it. The digest covers every bit: a truncated or altered file is found before
it is used, and the one before it serves instead.
"""

import contextlib
import dataclasses
import hashlib
import json
import os
import re
import zlib
from pathlib import Path

import numpy as np

from hpccr.errors import InputError, RunError
from hpccr.output import hdf5
from hpccr.output.variable import Variable

FORMAT = 1
_MAGIC = "hpccr checkpoint"
_HEADER = 512                    # bytes before the HDF5 part
_BLOCK = 4 << 20                 # bytes checked as one; the ranks take turns
_NAME = re.compile(r"(\d{8,})\.h5")


class Checkpoint:
    """A checkpoint that was found to be intact.

    Attributes
    ----------
    path : Path
    step : int
    meta : dict
        As it was given to `Store.save`.
    shapes : dict
        Name of each stored variable and its global shape.
    """

    def __init__(self, path, step, meta, shapes, comm):
        self.path, self.step, self.meta, self.shapes, self._comm = path, step, meta, shapes, comm

    def read(self, name, start=None, count=None):
        """This rank's part of a variable, bit for bit as it was stored; collective.

        Parameters
        ----------
        name : str
        start, count : tuple of int, optional
            Global index of the first element, and the number of elements along each axis; by default all.

        Returns
        -------
        array of shape `count`

        Raises
        ------
        InputError
            There is no such variable, or not with that extent.
        RunError
            The file cannot be read.
        """
        with self._comm.together():
            if name not in self.shapes:
                raise InputError(f"no variable {name} in this checkpoint", where=str(self.path),
                                 allowed=", ".join(self.shapes))
            shape = self.shapes[name]
            start = (0,) * len(shape) if start is None else tuple(start)
            count = shape if count is None else tuple(count)
            if len(start) != len(shape) or len(count) != len(shape) or any(
                    s < 0 or n < 0 or s + n > m for s, n, m in zip(start, count, shape)):
                raise InputError(f"the part {count} at {start} is outside variable {name}", where=str(self.path),
                                 allowed=f"shape {shape}")
            try:
                with hdf5.library(self._comm).File(self.path, "r") as file:
                    place = tuple(slice(s, s + n) for s, n in zip(start, count))
                    return np.asarray(file["state"][name][place])
            except OSError as error:
                raise RunError(f"{self.path}: cannot be read: {hdf5.reason(error)}") from None


class Store:
    """The checkpoints of one run; the last two are kept.

    Parameters
    ----------
    directory : path-like
        Made when the first checkpoint is saved.
    comm : Comm
    """

    def __init__(self, directory, comm):
        self.directory, self._comm = Path(directory), comm
        self._rejected = []

    def path(self, step):
        """Where the checkpoint of a step is."""
        return self.directory / f"{step:08d}.h5"

    def save(self, step, variables, meta):
        """Write the state at a step; collective.

        Checkpoints of later steps, left by a run that went another way, are removed, and so are those
        that `load_latest` found damaged.

        Parameters
        ----------
        step : int
        variables : list of Variable
        meta : dict
            Plain values that JSON can hold; rank 0's count.

        Returns
        -------
        Path

        Raises
        ------
        RunError
            On all ranks; the checkpoints from before are as they were.
        """
        path = self.path(step)
        text = self._comm.bcast(json.dumps(meta, default=lambda value: value.tolist()))
        state = [Variable.whole("meta", ("byte",), np.frombuffer(text.encode(), np.uint8))]
        state += [_inside_state(v) for v in variables]
        if self._comm.rank == 0:
            hdf5.remove(self.directory.glob("*.h5.tmp*"))
        hdf5.write(path, state, self._comm, lambda *_: None, userblock=_HEADER,
                   seal=lambda beside: _seal(beside, path, self._comm))
        if self._comm.rank == 0:
            # What is too old may stay if the directory cannot be read.
            with contextlib.suppress(OSError):
                self._prune(step)
        self._rejected = []
        return path

    def _prune(self, step):
        steps = [s for s in found(self.directory) if self.path(s) not in self._rejected or s == step]
        keep = [s for s in steps if s <= step][-2:]
        hdf5.remove(self.path(other) for other in set(found(self.directory)) - set(keep))

    def load_latest(self, on_warning=lambda message: None):
        """The newest checkpoint that is intact, or None if there is none at all; collective.

        Parameters
        ----------
        on_warning : callable (str)
            Told, on all ranks, of each damaged checkpoint that is passed over.

        Raises
        ------
        InputError
            None of the checkpoints can be used, or one was written by a newer hpccr.
        """
        steps = self._comm.on_root(lambda: found(self.directory))
        faults = []
        for step in reversed(steps):
            path = self.path(step)
            fault = check(path, self._comm)
            if fault is None:
                self._rejected = [self.path(s) for s in steps if s > step]
                return self._open(path, step)
            faults.append(f"{path.name}: {fault}")
            on_warning(f"checkpoint {path} is not used: {fault}")
        if faults:
            raise InputError("no checkpoint can be used", where=str(self.directory), given="; ".join(faults),
                             allowed="at least one intact checkpoint; or start the run again in a new directory")
        return None

    def _open(self, path, step):
        meta, shapes = self._comm.on_root(lambda: contents(path, hdf5.library(self._comm)))
        return Checkpoint(path, step, meta, {name: tuple(shape) for name, shape in shapes.items()}, self._comm)


def _inside_state(variable):
    """The same variable in the group that keeps names apart from `meta`."""
    return dataclasses.replace(variable, name="state/" + variable.name)


def found(directory):
    """The steps of the checkpoints in a directory, intact or not, in rising order: list of int."""
    directory = Path(directory)
    names = os.listdir(directory) if directory.is_dir() else []
    return sorted(int(match.group(1)) for match in map(_NAME.fullmatch, names) if match)


def contents(path, h5py):
    """What an intact checkpoint holds: (meta, {name: shape})."""
    with h5py.File(path, "r") as file:
        meta = json.loads(bytes(file["meta"][...]))
        shapes = {}
        if "state" in file:
            file["state"].visititems(lambda name, item: shapes.update({name: list(item.shape)})
                                     if isinstance(item, h5py.Dataset) else None)
    return meta, shapes


def check(path, comm=None):
    """What is wrong with a checkpoint, as text; None if it is intact.

    Parameters
    ----------
    path : path-like
    comm : Comm, optional
        If given the call is collective and the ranks share the work.

    Raises
    ------
    InputError
        The file was written by a newer hpccr.
    """
    def look():
        try:
            return _read_header(path)
        except OSError as error:
            return hdf5.reason(error), None

    fault, header = comm.on_root(look) if comm else look()
    if fault:
        return fault
    size, digest = header
    return None if _digest(path, size, comm) == digest else "its content is damaged (checksum differs)"


def is_checkpoint(path):
    """Whether a file begins as a checkpoint does."""
    with open(path, "rb") as file:
        return file.read(len(_MAGIC)) == _MAGIC.encode()


def _render(size, digest):
    """The text before the HDF5 part: bytes (512,)."""
    lines = f"{_MAGIC}\nformat {FORMAT}\nbytes {size}\ndigest {digest}\n"
    lines += f"header {hashlib.sha256(lines.encode()).hexdigest()[:16]}\n"
    return lines.encode().ljust(_HEADER, b"\n")


def _read_header(path):
    """(fault, None) or (None, (size, digest)) from the text in front and the size of the file."""
    with open(path, "rb") as file:
        text = file.read(_HEADER)
        size = os.fstat(file.fileno()).st_size
    if not text:
        return "it is empty", None
    if not text.startswith(_MAGIC.encode()):
        return "it is not an hpccr checkpoint", None
    lines, _, mark = text.rstrip(b"\n").rpartition(b"\nheader ")
    lines += b"\n"
    if mark != hashlib.sha256(lines).hexdigest()[:16].encode() or text != (
            lines + b"header " + mark).ljust(_HEADER, b"\n"):
        return "its first lines are damaged", None
    entries = dict(line.split(" ", 1) for line in lines.decode().splitlines())
    if int(entries["format"]) > FORMAT:
        raise InputError("this checkpoint was written by a newer hpccr", where=str(path),
                         given=f"format {entries['format']}", allowed=f"format {FORMAT} or older")
    if int(entries["bytes"]) != size:
        kind = "truncated" if size < int(entries["bytes"]) else "too long"
        return f"it is {kind} ({size} of {entries['bytes']} bytes)", None
    return None, (size, entries["digest"])


def _seal(beside, path, comm):
    """Write the text in front of a closed file; collective."""
    size = 0
    with hdf5.stage(comm, path):
        if comm.rank == 0:
            size = os.path.getsize(beside)
    digest = _digest(beside, comm.bcast(size), comm)
    with hdf5.stage(comm, path):
        if digest is None:
            # If it has vanished, the system says so here.
            with open(beside, "rb"):
                raise RunError(f"{path}: cannot be read back")
        if comm.rank == 0:
            with open(beside, "r+b") as file:
                file.write(_render(size, digest))


def _digest(path, size, comm=None):
    """Digest of everything after the text in front, on all ranks; None if it cannot be read.

    SHA-256 over the CRC-32 of each 4 MiB: the CRC finds every single flipped bit and every burst up to 32
    bits in its block, at several GB/s.
    """
    rank, ranks = (comm.rank, comm.size) if comm else (0, 1)
    buffer, mine = memoryview(bytearray(_BLOCK)), []
    try:
        with open(path, "rb", buffering=0) as file:
            for offset in range(_HEADER + rank * _BLOCK, size, ranks * _BLOCK):
                file.seek(offset)
                mine.append(zlib.crc32(buffer[:file.readinto(buffer)]))
    except OSError:
        mine = None
    def digest(everyone):
        if None in everyone:
            return None
        marks = np.zeros(sum(map(len, everyone)), "<u4")
        for first, theirs in enumerate(everyone):
            marks[first::ranks] = theirs
        return hashlib.sha256(marks.tobytes()).hexdigest()

    if comm is None:
        return digest([mine])
    everyone = comm.gather(mine)
    return comm.bcast(digest(everyone) if rank == 0 else None)
