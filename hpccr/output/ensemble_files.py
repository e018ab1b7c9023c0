"""Files that go into and come out of ensembles: waves, starts, orbits. One rank at a time, without MPI.

    waves   k (N,3) [1/L], amplitude (N,3) [B0], phase (N)           attribute length_unit
    starts  position (n,3) [L], direction (n,3)                      attribute length_unit
    orbits  id (n), time (t) [1/Ω], position (n,t,3) [L], direction (n,t,3)
"""

import hashlib
import os
from pathlib import Path
from types import SimpleNamespace

import numpy as np

from hpccr.deck.messages import nearest
from hpccr.errors import InputError, RunError
from hpccr.output import hdf5
from hpccr.particles.turbulence import Waves

# A wave's field may have this part along k (files of 7 digits have more than rounding), a direction this error of length.
_ACROSS = 1e-6
_LENGTH = 1e-6
# Beyond this, squares overflow.
_LARGEST = 1e100
# What hdf5.library asks of a communicator: h5py must come with MPI also where its first file is one of these.
_ALONE = SimpleNamespace(size=1)


def read_waves(path):
    """The waves in a file.

    Returns
    -------
    Waves, str
        The word for their unit of length; "1" if the file does not say.

    Raises
    ------
    InputError
        No such file, no HDF5, a dataset missing, of another shape or not finite, no waves, k = 0, a field along k.
    """
    (k, amplitude, phase), unit = _read(path, {"k": (None, 3), "amplitude": (None, 3), "phase": (None,)})
    size = np.linalg.norm(k, axis=1)
    if not np.all(size > 1.0 / _LARGEST):
        row = int(np.argmin(size))
        raise InputError("a wave has no direction", where=_place(path, "k"), given=f"row {row}: |k| = {size[row]:.3g}",
                         allowed="k above 0")
    along = np.abs((k * amplitude).sum(axis=1)) / size
    worst = int(np.argmax(along))
    if along[worst] > _ACROSS * np.abs(amplitude).max():
        raise InputError("the field of a wave has a divergence", where=_place(path, "amplitude"),
                         given=f"row {worst}: a component {along[worst]:.3g} along k", allowed="amplitude perpendicular to k")
    if not np.abs(amplitude).max() > 1.0 / _LARGEST:
        raise InputError("no wave has an amplitude", where=_place(path, "amplitude"))
    return Waves(k, amplitude, phase), unit


def read_starts(path, directions=True):
    """Positions and directions in a file.

    Parameters
    ----------
    path : path-like
    directions : bool
        Whether directions are wanted.

    Returns
    -------
    array (n, 3), array (n, 3) or None, str
        Directions of length 1; the word for the unit of length, "1" if the file does not say.

    Raises
    ------
    InputError
        As read_waves; a direction that is not a unit vector.
    """
    if not directions:
        (position,), unit = _read(path, {"position": (None, 3)})
        return position, None, unit
    (position, direction), unit = _read(path, {"position": (None, 3), "direction": (None, 3)})
    size = np.linalg.norm(direction, axis=1)
    worst = int(np.argmax(np.abs(size - 1.0)))
    if abs(size[worst] - 1.0) > _LENGTH:
        raise InputError("a direction is not a unit vector", where=_place(path, "direction"),
                         given=f"row {worst}: length {size[worst]:.9g}",
                         allowed="length 1")
    return position, direction / size[:, None], unit


def read_scattering(path):
    """The pitch-angle scattering that a run of orbits has measured: mu and D_mumu/Ω of a snapshot, arrays (n,); what no orbit has
    visited is NaN.

    Raises
    ------
    InputError
        No such file, no HDF5, a dataset missing or of another shape.
    """
    (mu, D), _ = _read(path, {"mu": (None,), "D_mumu": (None,)}, gaps=True)
    return mu, D


def _place(path, name):
    return f"{path}, dataset {name}"


def _read(path, shapes, gaps=False):
    """Datasets of one length in the order of `shapes`, as arrays of floats, with gaps if NaN is allowed, and the unit of length."""
    h5py = hdf5.library(_ALONE)
    try:
        with h5py.File(path, "r") as file:
            arrays = [_dataset(h5py, file, path, name, (shape, gaps), shapes) for name, shape in shapes.items()]
            unit = file.attrs.get("length_unit", "1")
    except OSError as error:
        readable = os.path.isfile(path) and os.access(path, os.R_OK)
        what = "this is not an HDF5 file" if readable else "cannot be read" if os.path.exists(path) else "there is no such file"
        raise InputError(what, where=str(path), given=hdf5.reason(error), allowed=f"HDF5 with {', '.join(shapes)}") from None
    lengths = [len(array) for array in arrays]
    if len(set(lengths)) > 1:
        raise InputError("datasets of unequal length", where=str(path), allowed="one row each",
                         given=", ".join(f"{name} {length}" for name, length in zip(shapes, lengths)))
    if not lengths[0]:
        raise InputError(f"the list of {'waves' if 'k' in shapes else 'starts'} is empty", where=str(path),
                         given="0 rows", allowed="at least one")
    # Other languages write a text as an array of one.
    unit = unit.item() if isinstance(unit, np.ndarray) and unit.size == 1 else unit
    return arrays, unit.decode(errors="replace") if isinstance(unit, bytes) else str(unit)


def _dataset(h5py, file, path, name, wanted, every):
    """The values of a dataset of the wanted shape, finite unless gaps are allowed; or a refusal."""
    shape, gaps = wanted
    if name not in file or not isinstance(file[name], h5py.Dataset):
        raise InputError(f"no dataset {name}", where=str(path), given=", ".join(file) or "an empty file",
                         allowed=", ".join(every), nearest=nearest(name, list(file)))
    item = file[name]
    wanted = " x ".join("n" if n is None else str(n) for n in shape)
    if item.ndim != len(shape) or any(n is not None and n != m for n, m in zip(shape, item.shape)):
        raise InputError("wrong shape", where=_place(path, name), given=" x ".join(map(str, item.shape)) or "a scalar",
                         allowed=wanted)
    if item.dtype.kind not in "fiu":
        raise InputError("not numbers", where=_place(path, name), given=str(item.dtype), allowed="floating-point numbers")
    array = np.ascontiguousarray(item[...], dtype=float)
    fine = (np.abs(array) <= _LARGEST) | (gaps & np.isnan(array))
    if not np.all(fine):
        place = np.argwhere(~fine)[0]
        what = "a value is too large" if np.all(np.isfinite(array)) else "not all values are finite"
        raise InputError(what, where=_place(path, name), given=f"row {int(place[0])}: {array[tuple(place)]:g}",
                         allowed="finite numbers")
    return array


def write_waves(path, waves, length_unit, attributes=None):
    """Write Waves in the form that read_waves takes.

    Raises
    ------
    RunError
    """
    rows = [("k", ("wave", "axis"), waves.k, f"1/{length_unit}", "wave vectors"),
            ("amplitude", ("wave", "axis"), waves.amplitude, "B_ref", "amplitude of each wave's field, across k"),
            ("phase", ("wave",), waves.phase, "rad", "phase at the origin")]
    _write(path, rows, {"length_unit": length_unit, **(attributes or {})})


def write_orbits(path, member, time, orbits, length_unit, attributes=None):
    """Write orbits.

    Parameters
    ----------
    path : path-like
    member : array (n,)
    time : array (t,)
        [1/Ω]
    orbits : array (n, t, 6)
        Position [length_unit] and direction.
    length_unit : str
    attributes : dict, optional

    Raises
    ------
    RunError
    """
    attributes = {"length_unit": length_unit, "time_unit": "1/Omega", **(attributes or {})}
    rows = [("id", ("id",), np.asarray(member, dtype=np.int64), "1", "realisation x members of a realisation + number"),
            ("time", ("time",), np.asarray(time, dtype=float), attributes["time_unit"],
             "{parameter} along the line".format(**attributes) if "parameter" in attributes else "time"),
            ("position", ("id", "time", "axis"), orbits[:, :, :3], length_unit, "position"),
            ("direction", ("id", "time", "axis"), orbits[:, :, 3:], "1", "direction of motion, of length 1")]
    _write(path, rows, attributes)


def _write(path, rows, attributes):
    """Write (name, dims, array, unit, long_name) to an HDF5 file beside its name, and give it the name when it is complete."""
    h5py, path = hdf5.library(_ALONE), Path(path)
    beside = path.with_name(path.name + ".tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with h5py.File(beside, "w") as file:
            for name, dims, data, unit, long_name in rows:
                dataset = hdf5.create(h5py, file, name, data.shape, data.dtype)
                dataset[...] = data
                dataset.attrs["units"], dataset.attrs["long_name"] = unit, long_name
                for axis, dim in enumerate(dims):
                    dataset.dims[axis].label = dim
            for name, value in attributes.items():
                file.attrs[name] = value
        hdf5.publish(beside, path)
    except (OSError, RuntimeError) as error:
        hdf5.remove([beside])
        raise RunError(f"{path}: cannot be written: {hdf5.reason(error)}") from None


def digest(path):
    """SHA-256 of a file's bytes (hex).

    Raises
    ------
    InputError
        The file cannot be read.
    """
    try:
        return hashlib.sha256(Path(path).read_bytes()).hexdigest()
    except OSError as error:
        raise InputError(f"cannot be read: {hdf5.reason(error)}", where=str(path)) from None
