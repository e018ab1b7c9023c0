"""history.csv: one row a record, with the units in its one header line.

Numbers are written so that they are read back bit for bit. A restart cuts the file at the place that the
checkpoint remembers, so that no row is lost or doubled.
"""

import numbers
import os
from pathlib import Path

from hpccr.errors import InputError, RunError
from hpccr.output import hdf5


class History:
    """The rows of a run's history.

    Parameters
    ----------
    path : path-like
    columns : list of (name, unit)
        An empty unit (a count) is left out of the header.
    comm : Comm

    Attributes
    ----------
    position : int
        Bytes written so far, the same on all ranks.
    """

    def __init__(self, path, columns, comm):
        self.path, self.columns, self._comm = Path(path), list(columns), comm
        self.position, self._file = 0, None
        names = [f"{name} [{unit}]" if unit else name for name, unit in self.columns]
        self._header = (",".join(names) + "\n").encode()

    def start(self):
        """Begin a new file with the header; collective.

        Raises
        ------
        RunError
            On all ranks, if rank 0 cannot write.
        """
        with hdf5.stage(self._comm, self.path):
            if self._comm.rank == 0:
                self._file = open(self.path, "wb", buffering=0)
        self.position = 0
        self._write(self._header)

    def resume(self, position):
        """Go on in an existing file, from `position` on; what came after is dropped; collective.

        Raises
        ------
        InputError
            The file is missing, shorter, or has other columns.
        RunError
            It cannot be read.
        """
        with hdf5.stage(self._comm, self.path):
            if self._comm.rank == 0:
                self._resume(position)
        self.position = position

    def _resume(self, position):
        """Open the file and cut it at `position`: on rank 0."""
        if not self.path.is_file():
            raise InputError("the history of this run is missing", where=str(self.path))
        self._file = open(self.path, "r+b", buffering=0)
        header, size = self._file.readline(), os.fstat(self._file.fileno()).st_size
        if header != self._header:
            raise InputError("the history has other columns than this run", where=str(self.path),
                             given=header.decode(errors="replace").strip(), allowed=self._header.decode().strip())
        if size < position:
            raise InputError("the history is shorter than it was at the checkpoint", where=str(self.path),
                             given=f"{size} bytes", allowed=f"at least {position} bytes")
        self._file.truncate(position)
        self._file.seek(position)

    def append(self, values):
        """Add a row; collective.

        Parameters
        ----------
        values : sequence of float or int
            One for each column, the same on all ranks.

        Raises
        ------
        RunError
            On all ranks, if rank 0 cannot write.
        ValueError
            Not one value for each column.
        """
        if len(values) != len(self.columns):
            raise ValueError(f"{len(values)} values for {len(self.columns)} columns")
        self._write((",".join(map(_exact, values)) + "\n").encode())

    def _write(self, row):
        with hdf5.stage(self._comm, self.path):
            if self._comm.rank == 0 and self._file.write(row) != len(row):
                raise RunError(f"{self.path}: cannot be written: disk full")
        self.position += len(row)

    def sync(self):
        """Wait until all rows are on the disk; before a checkpoint that remembers `position`; collective."""
        with hdf5.stage(self._comm, self.path):
            if self._comm.rank == 0:
                os.fsync(self._file.fileno())

    def close(self):
        """Close the file."""
        if self._file is not None:
            self._file.close()
            self._file = None


def _exact(value):
    """The shortest text that gives the same number back."""
    return str(int(value)) if isinstance(value, numbers.Integral) else repr(float(value))
