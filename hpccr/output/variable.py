"""One named array of a run with its place in the global grid, its unit and its meaning."""

import math
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class Variable:
    """This rank's part of a global array.

    A variable whose name is its only dimension is that dimension's coordinate. The scalar `time`, and
    whatever is marked `coordinate`, are coordinates of all variables that share their dimensions.

    Attributes
    ----------
    name : str
    dims : tuple of str
        One name for each axis, slowest first; () for a scalar.
    data : array
        The local part, C order; may be empty, and may be the whole array on every rank.
    start : tuple of int
        Global index of the local part's first element.
    shape : tuple of int
        Global shape.
    unit : str
        "1" when dimensionless.
    long_name : str
    coordinate : bool
    """

    name: str
    dims: tuple
    data: np.ndarray
    start: tuple
    shape: tuple
    unit: str = "1"
    long_name: str = ""
    coordinate: bool = False

    def __post_init__(self):
        fixed = {"data": np.asarray(self.data, order="C"), "dims": tuple(self.dims), "unit": self.unit or "1",
                 "start": tuple(map(int, self.start)), "shape": tuple(map(int, self.shape))}
        for key, value in fixed.items():
            object.__setattr__(self, key, value)
        if not self.data.ndim == len(self.dims) == len(self.start) == len(self.shape):
            raise ValueError(f"variable {self.name}: data has {self.data.ndim} axes, dims {self.dims}, "
                             f"start {self.start}, shape {self.shape}")
        if self.data.size and any(s < 0 or s + n > m for s, n, m in zip(self.start, self.data.shape, self.shape)):
            raise ValueError(f"variable {self.name}: the part {self.data.shape} at {self.start} is not inside "
                             f"{self.shape}")
        if self.data.dtype.kind not in "fiu" or self.data.dtype.itemsize > 8:
            raise ValueError(f"variable {self.name}: cannot store {self.data.dtype}")

    @classmethod
    def whole(cls, name, dims, data, unit="1", long_name="", coordinate=False):
        """A variable that every rank holds completely, `data` of the global shape: scalars, coordinates, accumulators."""
        data = np.asarray(data)
        return cls(name, tuple(dims), data, (0,) * data.ndim, data.shape, unit, long_name, coordinate)

    @property
    def size(self):
        """Number of elements of the global `shape`."""
        return math.prod(self.shape)

    @property
    def bytes(self):
        """Size of all ranks' parts together in a file, in bytes."""
        return self.size * self.data.dtype.itemsize

    @property
    def is_coordinate(self):
        """Whether other variables refer to this one as a coordinate."""
        return self.coordinate or self.dims == (self.name,) or (self.name == "time" and not self.dims)
