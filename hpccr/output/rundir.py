"""The run directory: what is where in it, how it begins, and what `hpccr info` tells about it."""

import contextlib
import fcntl
import hashlib
import json
import os
from pathlib import Path

import numpy as np

from hpccr.errors import InputError
from hpccr.output import checkpoint, hdf5, snapshot

DECK = "deck.toml"
LOG = "run.log"
HISTORY = "history.csv"
SNAPSHOTS = "snapshots"
CHECKPOINTS = "checkpoints"
SUMMARY = "summary.json"
# A scan has these instead of all but the deck and the log.
SCAN = "scan.json"
POINTS = "points"

# Values of a dataset that are looked at together when its range is sought.
_PIECE = 1 << 22


def snapshot_path(directory, number):
    """Where the snapshot of that number is: Path."""
    return Path(directory) / SNAPSHOTS / f"{number:06d}.h5"


def create(path, deck_text, comm):
    """Make a run directory with its deck; collective.

    Raises
    ------
    InputError
        On all ranks: the directory holds a run or other files, is a file, or cannot be written.
    """
    comm.on_root(lambda: _create(Path(path), deck_text))


def _create(path, deck_text):
    """Make the directory, or refuse: on rank 0."""
    try:
        if path.exists() and not path.is_dir():
            raise InputError("this is not a directory", where=str(path), allowed="a new or an empty directory")
        # Not a scan's directory: if that has vanished meanwhile it is not begun again by one of its points.
        path.mkdir(parents=path.parent.name != POINTS, exist_ok=True)
        names = sorted(set(os.listdir(path)) - _leftovers(path))
        if DECK in names:
            raise InputError("this directory already holds a run", where=str(path),
                             allowed=f"another --out, or `hpccr restart {path}` to go on with it")
        if names:
            raise InputError("this directory is not empty", where=str(path), given=", ".join(names[:5]),
                             allowed="a new or an empty directory")
        for name in (SNAPSHOTS, CHECKPOINTS):
            (path / name).mkdir(exist_ok=True)
        write_text(path / DECK, deck_text)
    except OSError as error:
        raise InputError(f"the run directory cannot be made: {hdf5.reason(error)}", where=str(path),
                         allowed="a directory that you may write, on a disk with space left") from None


def _leftovers(path):
    """What a beginning leaves that was cut short before its deck was there: set of names."""
    empty = {name for name in (SNAPSHOTS, CHECKPOINTS) if (path / name).is_dir() and not os.listdir(path / name)}
    return empty | {DECK + ".tmp"}


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
        pass            # no locks here
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


def write_text(path, text):
    """Write a text file; under its name it is always complete.

    Raises
    ------
    OSError
    """
    path = Path(path)
    beside = path.with_name(path.name + ".tmp")
    try:
        beside.write_text(text, encoding="utf-8")
        hdf5.publish(beside, path)
    except OSError:
        hdf5.remove([beside])
        raise


def describe(path):
    """What a run directory, a snapshot or a checkpoint contains, as text for a reader; needs no MPI.

    Raises
    ------
    InputError
        There is nothing of hpccr at that place, or it cannot be read.
    """
    path = Path(path)
    try:
        if path.is_dir():
            lines = _scan(path) if is_scan(path) else _run(path)
        elif not path.is_file():
            raise InputError("there is no such file or directory", where=str(path),
                             allowed="a run directory, a snapshot or a checkpoint")
        elif checkpoint.is_checkpoint(path):
            lines = [f"{path}: checkpoint", *_checkpoint(path)]
        else:
            lines = [f"{path}: snapshot", *_snapshot(path)]
    except (OSError, RuntimeError, KeyError, ValueError) as error:      # the last three: damaged HDF5
        raise InputError(f"cannot be read: {hdf5.reason(error)}", where=str(path)) from None
    return "\n".join(lines)


def _run(path):
    """Lines on a run directory."""
    deck = path / DECK
    if not deck.is_file():
        raise InputError("this directory holds no run", where=str(path), allowed=f"a directory with a {DECK}")
    text = deck.read_text(encoding="utf-8", errors="replace")
    lines = [f"{path}: run of problem {_problem(text)}"]
    lines += [f"  {line.lstrip('# ')}" for line in _leading_comments(text)]
    lines += [f"  deck         {DECK}, sha256 {hashlib.sha256(text.encode()).hexdigest()[:16]}"]
    finished = (path / SUMMARY).is_file()
    lines += [f"  state        {'finished' if finished else 'not finished'}"]
    lines += _history(path / HISTORY) + _snapshots(path / SNAPSHOTS) + _checkpoints(path / CHECKPOINTS)
    if finished:
        lines += _summary(path / SUMMARY)
    return lines


def _scan(path):
    """Lines on the directory of a scan."""
    content, deck = json.loads((path / SCAN).read_text(encoding="utf-8")), path / DECK
    places = [path / point["directory"] for point in content["points"]]
    finished = sum((place / SUMMARY).is_file() for place in places)
    begun = sum((place / DECK).is_file() for place in places) - finished
    text = deck.read_text(encoding="utf-8", errors="replace") if deck.is_file() else ""
    lines = [f"{path}: scan of problem {_problem(text)}", *(f"  {line.lstrip('# ')}" for line in _leading_comments(text))]
    lines += [f"  points       {len(places)}: {finished} finished, {begun} begun, {len(places) - finished - begun} not begun"]
    for key in content["keys"]:
        given = list(dict.fromkeys(json.dumps(point["values"][key]) for point in content["points"]))
        lines.append(f"  varied       {key}: {', '.join(given[:8])}{f', … ({len(given)} values)' if len(given) > 8 else ''}")
    return lines


def _problem(text):
    """The problem that a deck names."""
    try:
        import tomllib
    except ModuleNotFoundError:          # Python 3.10
        import tomli as tomllib
    try:
        return tomllib.loads(text).get("problem", "unknown")
    except tomllib.TOMLDecodeError:
        return "unknown (its deck is damaged)"


def _leading_comments(text):
    """The comments at the beginning of a deck: list of lines."""
    lines = []
    for line in text.splitlines():
        if not line.startswith("#"):
            break
        lines += [line] if line.strip("# ") else []
    return lines


def _history(path):
    """Lines on the history: how many rows, of what, from when to when."""
    if not path.is_file():
        return [f"  history      no {HISTORY}"]
    with open(path, encoding="utf-8", errors="replace") as file:
        columns = file.readline().strip().split(",")
        first = last = file.readline()
        count = int(bool(first))
        for last in file:
            count += 1
    if not count:
        return ["  history      no rows yet", f"    columns    {', '.join(columns)}"]
    span = f"{columns[0]} {first.split(',')[0].strip()} to {last.split(',')[0].strip()}"
    return [f"  history      {count} rows, {span}", f"    columns    {', '.join(columns)}"]


def _snapshots(directory):
    """Lines on the snapshots, and on what is in the last of them."""
    paths = sorted(directory.glob("*.h5"))
    if not paths:
        return ["  snapshots    none"]
    times = [_time_of(p) for p in (paths[0], paths[-1])[:len(paths)]]
    span = f", time {' to '.join(times)}" if all(times) else ""
    return [f"  snapshots    {len(paths)}, {paths[0].name} to {paths[-1].name}{span}",
            "  the last one:", *("  " + line for line in _snapshot(paths[-1], deck=False))]


def _time_of(path):
    """The time of a snapshot as text, "" if there is none."""
    import h5py

    try:
        with h5py.File(path, "r") as file:
            time = np.atleast_1d(file["time"][()])
            span = f"{time[0]:.6g}" if time.size == 1 else f"{time[0]:.6g} … {time[-1]:.6g}"
            return f"{span} {_text(file['time'].attrs.get('units', ''))}"
    except (OSError, KeyError, IndexError):
        return None


def _checkpoints(directory):
    """Lines on the checkpoints, and whether they are intact."""
    steps = checkpoint.found(directory)
    lines = [] if steps else ["  checkpoints  none"]
    for step in steps:
        try:
            fault = checkpoint.check(directory / f"{step:08d}.h5")
        except InputError as error:
            fault = str(error).partition("\n")[0]
        verdict = "valid" if fault is None else "NOT valid: " + fault
        lines.append(f"  checkpoint   {step:08d}.h5, step {step}, {verdict}")
    return lines


def _summary(path):
    """Lines on the entries of the summary."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        return [f"  summary      {path.name} is damaged"]
    lines = ["  summary"]
    for name, entry in content.items():
        if isinstance(entry, dict) and "value" in entry:
            lines.append(f"    {name:20} {_short(entry['value'])} {entry.get('unit', '')}".rstrip())
    return lines


def _short(value):
    if isinstance(value, list):
        return "[" + ", ".join(_short(v) for v in value[:6]) + (", …]" if len(value) > 6 else "]")
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _checkpoint(path):
    """Lines on a checkpoint."""
    fault = checkpoint.check(path)
    if fault:
        raise InputError(f"this checkpoint cannot be used: {fault}", where=str(path))
    import h5py

    meta, shapes = checkpoint.contents(path, h5py)
    lines = ["  valid, format " + str(checkpoint.FORMAT)]
    lines += [f"  {key:20} {_short(value)}"[:120] for key, value in meta.items()]
    return lines + [f"  {name:20} {' x '.join(map(str, shape)) or 'scalar'}" for name, shape in shapes.items()]


def _snapshot(path, deck=True):
    """Lines on a snapshot."""
    import h5py

    try:
        file = h5py.File(path, "r")
    except OSError as error:
        raise InputError("this is neither a snapshot nor a checkpoint of hpccr", where=str(path),
                         given=hdf5.reason(error)) from None
    with file:
        if _text(file.attrs.get("format", "")) != snapshot.FORMAT:
            raise InputError("this HDF5 file is not a snapshot of this hpccr", where=str(path),
                             given=f"format {_text(file.attrs.get('format', 'not stated'))!r}",
                             allowed=f"format {snapshot.FORMAT!r}")
        lines = []
        for key, value in file.attrs.items():
            value = _text(value)
            if key == "deck":
                value = f"sha256 {hashlib.sha256(str(value).encode()).hexdigest()[:16]}"
            if deck:
                lines.append(f"  {key:12} {value}")
        lines.append(f"  {'variable':12} {'dimensions':26} {'unit':18} range")
        return lines + [_variable(name, item) for name, item in file.items()
                        if not _text(item.attrs.get("NAME", "")).startswith("This is a netCDF dimension but")]


def _text(value):
    return value.decode(errors="replace") if isinstance(value, bytes) else value


def _variable(name, item):
    """One line: name, dimensions with lengths, unit, range, meaning."""
    names = [_text(scales[0].name.lstrip("/")) if len(scales) else name for scales in item.dims]
    dims = ", ".join(f"{d} = {n}" for d, n in zip(names, item.shape)) or "scalar"
    return (f"  {name:12} {dims:26} {_text(item.attrs.get('units', '')):18} {_range(item)}"
            f"  {_text(item.attrs.get('long_name', ''))}").rstrip()


def _range(item):
    """Smallest and largest value, read in pieces."""
    if not item.size:
        return "empty"
    if not item.shape:
        return f"{item[()]:.6g}"
    rows = max(1, _PIECE // max(1, item.size // item.shape[0]))
    low, high, odd = np.inf, -np.inf, 0
    for first in range(0, item.shape[0], rows):
        piece = item[first:first + rows]
        fine = piece[np.isfinite(piece)]
        odd += piece.size - fine.size
        if fine.size:
            low, high = min(low, fine.min()), max(high, fine.max())
    text = f"{low:.6g} … {high:.6g}" if odd < item.size else "no finite value"
    return text + (f" ({odd} not finite)" if odd else "")
