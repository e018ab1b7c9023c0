"""What `hpccr info` tells about a run directory and the files in it."""

import collections
import hashlib
import json
from pathlib import Path

import numpy as np

from hpccr.errors import InputError
from hpccr.output import checkpoint, hdf5, rundir, snapshot

# Values of a dataset that are looked at together when its range is sought.
_PIECE = 1 << 22


def describe(path):
    """What a run directory, or a file in it, contains, as text for a reader; needs no MPI.

    Raises
    ------
    InputError
        There is nothing of hpccr at that place, or it cannot be read.
    """
    path = Path(path)
    try:
        if path.is_dir():
            lines = _scan(path) if rundir.is_scan(path) else _run(path)
        elif not path.is_file():
            raise InputError("there is no such file or directory", where=str(path),
                             allowed="a run directory, or a file in it")
        elif path.name in _TEXTS:
            lines = [f"{path}: {path.stem}", *_TEXTS[path.name](path)]
        elif checkpoint.is_checkpoint(path):
            lines = [f"{path}: checkpoint", *_checkpoint(path)]
        else:
            lines = [f"{path}: HDF5 file", *_snapshot(path)]
    except (OSError, RuntimeError, KeyError, ValueError, TypeError, AttributeError) as error:      # all but the first: damaged files
        raise InputError(f"cannot be read: {hdf5.reason(error)}", where=str(path)) from None
    return "\n".join(lines)


def _run(path):
    """Lines on a run directory."""
    deck = path / rundir.DECK
    if not deck.is_file():
        raise InputError("this directory holds no run", where=str(path), allowed=f"a directory with a {rundir.DECK}")
    text = deck.read_text(encoding="utf-8", errors="replace")
    lines = [f"{path}: run of problem {_problem(text)}"]
    lines += [f"  {line.lstrip('# ')}" for line in _leading_comments(text)]
    lines += [f"  deck         {rundir.DECK}, sha256 {hashlib.sha256(text.encode()).hexdigest()[:16]}"]
    finished = (path / rundir.SUMMARY).is_file()
    lines += [f"  state        {'finished' if finished else 'not finished'}"]
    lines += _history(path / rundir.HISTORY) + _snapshots(path / rundir.SNAPSHOTS) + _checkpoints(path / rundir.CHECKPOINTS)
    if finished:
        lines += _summary(path / rundir.SUMMARY)
    return lines


def _scan(path):
    """Lines on the directory of a scan."""
    content, deck = json.loads((path / rundir.SCAN).read_text(encoding="utf-8")), path / rundir.DECK
    places = [path / point["directory"] for point in content["points"]]
    finished = sum((place / rundir.SUMMARY).is_file() for place in places)
    begun = sum((place / rundir.DECK).is_file() for place in places) - finished
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
        return [f"  history      no {rundir.HISTORY}"]
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


def _deck(path):
    """Lines on a deck."""
    text = path.read_text(encoding="utf-8", errors="replace")
    return [f"  problem {_problem(text)}", *(f"  {line.lstrip('# ')}" for line in _leading_comments(text))]


def _log(path):
    """Lines on the log: the last of it."""
    with open(path, encoding="utf-8", errors="replace") as file:
        return [f"  {line.rstrip()}" for line in collections.deque(file, 10)]


# What is told about files that are no HDF5, by their names.
_TEXTS = {rundir.HISTORY: _history, rundir.SUMMARY: _summary, rundir.DECK: _deck, rundir.LOG: _log, rundir.SCAN: lambda path: _scan(path.parent)}


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
        # Waves, starts and orbits of an ensemble come without a format, and with this.
        if _text(file.attrs.get("format", "")) != snapshot.FORMAT and not ("format" not in file.attrs and "length_unit" in file.attrs):
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
