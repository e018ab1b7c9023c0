"""The run directory: what is where in it, and how it begins."""

import contextlib
import fcntl
import json
import os
import sys
import uuid
from pathlib import Path

import numpy as np

from hpccr.errors import InputError
from hpccr.output import hdf5

DECK = "deck.toml"
LOG = "run.log"
HISTORY = "history.csv"
SNAPSHOTS = "snapshots"
CHECKPOINTS = "checkpoints"
SUMMARY = "summary.json"
# A scan has these instead of all but the deck and the log.
SCAN = "scan.json"
POINTS = "points"


def snapshot_path(directory, number):
    """Where the snapshot of that number is: Path."""
    return Path(directory) / SNAPSHOTS / f"{number:06d}.h5"


def create(path, deck_text, comm, parents=True):
    """Make a run directory with its deck, and, if asked, those above it; collective.

    Raises
    ------
    InputError
        On all ranks: the directory holds a run or other files, is a file, or cannot be written.
    """
    comm.on_root(lambda: _create(Path(path), deck_text, parents))


def _create(path, deck_text, parents):
    """Make the directory, or refuse: on rank 0."""
    held = InputError("this directory already holds a run", where=str(path),
                      allowed=f"another --out, or `hpccr restart {path}` to go on with it")
    try:
        if path.exists() and not path.is_dir():
            raise InputError("this is not a directory", where=str(path), allowed="a new or an empty directory")
        path.mkdir(parents=parents, exist_ok=True)
        left = _leftovers(path)
        names = sorted(set(os.listdir(path)) - left)
        if DECK in names:
            raise held
        if names:
            raise InputError("this directory is not empty", where=str(path), given=", ".join(names[:5]),
                             allowed="a new or an empty directory")
        for name in (SNAPSHOTS, CHECKPOINTS):
            (path / name).mkdir(exist_ok=True)
        write_text(path / DECK, deck_text, new=True)
        hdf5.remove(path / name for name in left if name.endswith(".tmp"))
    except OSError as error:
        if is_begun(path):
            raise held from None
        raise InputError(f"the run directory cannot be made: {hdf5.reason(error)}", where=str(path),
                         allowed="a directory that you may write, on a disk with space left") from None


def _leftovers(path):
    """What a beginning leaves that was cut short before its deck was there: set of names."""
    empty = {name for name in (SNAPSHOTS, CHECKPOINTS) if (path / name).is_dir() and not os.listdir(path / name)}
    return empty | {entry.name for entry in path.glob(f"{DECK}*.tmp")}


def hold(path, what):
    """Keep others of this kind out of a directory, where the file system can.

    Parameters
    ----------
    path : path-like
        The file there that is locked; it is made if it is missing.
    what : str
        The kind: "run" or "scan".

    Returns
    -------
    file
        As long as it is open, nobody else can hold it; the death of this process closes it.

    Raises
    ------
    InputError
        Another one is at work there.
    OSError
        The file cannot be opened.
    """
    file = open(path, "ab")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        file.close()
        raise InputError(f"another hpccr {what} is at work in this directory", where=str(path),
                         allowed="one at a time; it may use more ranks") from None
    except OSError:
        sys.stderr.write(f"hpccr: {Path(path).parent}: this file system has no locks: see to it that no second command works in this directory\n")
    return file


@contextlib.contextmanager
def alone(path, comm):
    """Keep other runs out of a run directory inside a with-block; collective.

    Raises
    ------
    InputError
        Another one is at work there.
    """
    with contextlib.ExitStack() as held:
        with comm.together():
            if comm.rank == 0:
                with contextlib.suppress(OSError):      # whoever may not write here cannot spoil anything
                    held.enter_context(hold(Path(path) / DECK, "run"))
        yield


def is_begun(path):
    """Whether a directory has a deck: that of a run or of a scan. None has where no file could have such a name."""
    return os.path.isfile(Path(path) / DECK)      # Path.is_file raises then


def is_scan(path):
    """Whether a directory holds a scan."""
    return (Path(path) / SCAN).is_file()


def write_json(path, content):
    """Write plain values (and numpy arrays of any shape) as JSON; under its name the file is always complete.

    Raises
    ------
    OSError
    """
    text = json.dumps(_plain(content), indent=2, ensure_ascii=False, allow_nan=False)
    write_text(path, text + "\n")


def _plain(value):
    """The value as JSON knows it: arrays as lists, and null for what is not a number."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, np.ndarray | np.generic):
        value = value.tolist()
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return None if isinstance(value, float) and not np.isfinite(value) else value


def write_text(path, text, new=False):
    """Write a text file; under its name it is always complete. What of a file's name in it is not UTF-8 stands in backslashes.

    Raises
    ------
    OSError
        FileExistsError where it must be `new`, and another process has made it, at the same moment perhaps.
    """
    path = Path(path)
    beside = path.with_name(f"{path.name}-{uuid.uuid4().hex[:12]}.tmp" if new else f"{path.name}.tmp")
    try:
        beside.write_text(text, encoding="utf-8", errors="backslashreplace")
        hdf5.publish(beside, path, new)
    except OSError:
        hdf5.remove([beside])
        raise
