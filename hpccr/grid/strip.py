"""A rank's share of the cells along one axis, with ghosts from its neighbours; the other axis is whole on every rank."""

import numpy as np

from hpccr.errors import InputError

# A fifth-order upwind flux looks three cells far.
GHOSTS = 3


class Strip:
    """The cells of an axis that this rank owns.

    An array of a strip is u[rows, count + 6]: three ghosts on each side, own cells from column 3 on.

    Parameters
    ----------
    cells : int
        Of the whole axis.
    comm : Comm
    periodic : bool
        Whether the last cell is a neighbour of the first.

    Attributes
    ----------
    first, count : int
        The own cells' first number, and how many they are.
    at_first, at_last : bool
        Whether this rank has the ends of the axis.
    """

    def __init__(self, cells, comm, periodic=False):
        self.fit(cells, comm.size)
        self.cells, self.comm, self.periodic = cells, comm, periodic
        self.first = comm.rank * cells // comm.size
        self.count = (comm.rank + 1) * cells // comm.size - self.first
        self.at_first, self.at_last = comm.rank == 0, comm.rank == comm.size - 1
        left, right = comm.rank - 1, comm.rank + 1
        self._left = left % comm.size if periodic or not self.at_first else None
        self._right = right % comm.size if periodic or not self.at_last else None

    @staticmethod
    def fit(cells, ranks):
        """Whether so many ranks can share the cells.

        Raises
        ------
        InputError
            They cannot.
        """
        if cells // ranks < GHOSTS:
            raise InputError("the grid cannot be shared by so many ranks", given=f"{ranks} ranks, {cells} cells",
                             allowed=f"up to {max(cells // GHOSTS, 1)} ranks")

    @property
    def own_cells(self):
        """Numbers of the own cells: slice."""
        return slice(self.first, self.first + self.count)

    def array(self, rows):
        """A new array (rows, count + 6), all zero."""
        return np.zeros((rows, self.count + 2 * GHOSTS))

    def own(self, u):
        """The own cells of such an array `u`: view (rows, count)."""
        return u[:, GHOSTS:GHOSTS + self.count]

    def swap(self, u):
        """Fill the ghosts of u (rows, count + 6) from the neighbours; at an end without one they stay as they are."""
        n = self.count
        low, high = u[:, GHOSTS:2 * GHOSTS], u[:, n:n + GHOSTS]
        if self.comm.size == 1:
            if self.periodic:
                u[:, :GHOSTS], u[:, n + GHOSTS:] = high, low
            return
        below, above = self.comm.exchange((self._left, self._right), (low, high))
        if below is not None:
            u[:, :GHOSTS] = below
        if above is not None:
            u[:, n + GHOSTS:] = above
