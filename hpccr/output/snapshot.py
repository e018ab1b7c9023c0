"""Snapshots: the fields at one time, in HDF5 that netCDF-4 tools read.

Named dimensions are HDF5 dimension scales; every variable carries `units` and `long_name`, and the CF
attribute `coordinates` names its coordinates that are not dimensions, such as the scalar `time`.
"""

import numpy as np

from hpccr.output import hdf5

FORMAT = "hpccr snapshot 1"

# A text of fixed length must go into an object's header, which holds no more than 64 KiB.
_LONGEST = 32_000

# The name by which netCDF-4 knows a dimension that has no coordinate variable (netCDF-C, hdf5file format).
_BARE = "This is a netCDF dimension but not a netCDF variable."


def write(path, variables, attributes, comm):
    """Write a snapshot; collective.

    Parameters
    ----------
    path : path-like
        Replaced if it exists.
    variables : list of Variable
        Fields and coordinates, in the same order on all ranks.
    attributes : dict of str, float or int
        Attributes of the file; rank 0's count.
    comm : Comm

    Raises
    ------
    RunError
        On all ranks: disk full, no permission, I/O error.
    """
    attributes = comm.bcast({"format": FORMAT, **attributes})
    lengths = _lengths(variables)

    def decorate(h5py, file, datasets):
        for key, value in attributes.items():
            _attach(h5py, file, key, value)
        scales = _scales(h5py, file, datasets, lengths)
        for variable in variables:
            _describe(h5py, datasets[variable.name], variable, variables, scales)

    hdf5.write(path, variables, comm, decorate)


def contents(path):
    """What an HDF5 file of a run holds, without the values.

    Parameters
    ----------
    path : path-like

    Returns
    -------
    list of (name, dims, unit, long_name)
        In the order of the file; a dimension without a name is "".
    """
    import h5py

    def told(item, key):
        value = item.attrs.get(key, "")
        return value.decode() if isinstance(value, bytes) else str(value)

    with h5py.File(path, "r") as file:
        return [(name, tuple(axis[0].name.lstrip("/") if len(axis) else axis.label or name for axis in item.dims),
                 told(item, "units"), told(item, "long_name"))
                for name, item in file.items() if not told(item, "NAME").startswith(_BARE)]


def _lengths(variables):
    """Dimension names, in order of appearance, and their lengths: dict."""
    lengths = {}
    for variable in variables:
        for name, length in zip(variable.dims, variable.shape):
            if lengths.setdefault(name, length) != length:
                raise ValueError(f"variable {variable.name}: dimension {name} is {length} long, "
                                 f"elsewhere {lengths[name]}")
    return lengths


def _attach(h5py, owner, key, value):
    """Set an attribute; text has a fixed length, which netCDF shows as plain characters, unless it is too long for that."""
    if isinstance(value, str):
        text = value.encode(errors="backslashreplace") or b"\0"
        if len(text) > _LONGEST:
            owner.attrs[key] = text.decode()
            return
        owner.attrs.create(key, np.array(text), dtype=h5py.string_dtype("utf-8", len(text)))
    else:
        owner.attrs[key] = value


def _scales(h5py, file, datasets, lengths):
    """The dimension scales {dimension: dataset}: coordinate variables, or bare lengths where there are none."""
    scales = {}
    for number, (name, length) in enumerate(lengths.items()):
        if name in datasets and datasets[name].ndim == 1:
            scales[name], label = datasets[name], name
        else:
            scales[name], label = hdf5.create(h5py, file, name, (length,), ">f4"), f"{_BARE}{length:10d}"
        scales[name].make_scale(label)
        scales[name].attrs["_Netcdf4Dimid"] = np.int32(number)
    return scales


def _describe(h5py, dataset, variable, variables, scales):
    """Attach units, meaning, coordinates and dimension scales to a dataset."""
    _attach(h5py, dataset, "units", variable.unit)
    if variable.long_name:
        _attach(h5py, dataset, "long_name", variable.long_name)
    if not variable.is_coordinate:
        others = [c.name for c in variables
                  if c.is_coordinate and c.dims != (c.name,) and set(c.dims) <= set(variable.dims)]
        if others:
            _attach(h5py, dataset, "coordinates", " ".join(others))
    if variable.dims != (variable.name,):
        for axis, name in enumerate(variable.dims):
            dataset.dims[axis].attach_scale(scales[name])
