"""A rank's share of a plane of cells and lanes with ghosts around it, for kernels that hold plain arrays.

An array of a patch is u[rows + 4, lanes + 4]: two ghosts on each side, own cells from [2, 2] on.
"""

import math

import numpy as np

from hpccr.grid.mesh import GHOSTS, process_grid

# What a rank has to do, counted by what one cell in one lane takes: for the gas of a cell, which has no lanes; so many times as much where
# lines are cut, and the messages for that, with each round over doubling distances. Between what two machines take: `hpccr bench scaling`
# tells c/a, work of cut lines, b/a.
GAS, _CUT, _MESSAGES, _ROUND = 30.0, 1.5, 10_000.0, 7_000.0


def cut(ranks, cells, lanes):
    """How many parts the lanes and the lines of a flow are cut into, so that a rank has least to do: (lane parts, line parts).

    Ranks that share the lanes of the same cells all have their gas: where it takes more than the CRs, it is lines that are cut.

    Raises
    ------
    InputError
        So many ranks cannot share them.
    """
    def work(lane_parts, line_parts):
        own = math.ceil(cells / line_parts) * (math.ceil(lanes / lane_parts) + GAS)
        return own if line_parts == 1 else _CUT * own + _MESSAGES + _ROUND * math.ceil(math.log2(line_parts))

    return process_grid(ranks, lanes, cells + 2, True, work)


class Patch:
    """The cells × lanes of a plane that this rank owns, and its neighbours.

    Parameters
    ----------
    cells, lanes : int
        Of the whole plane.
    comm : Comm

    Attributes
    ----------
    first_row, rows, first_lane, lanes : int
    at_first, at_last, at_lowest, at_highest : bool
        Whether this rank has the ends of the lines and of the lane axis.
    column : Comm or None
        The ranks that share this rank's lines, in the order of their rows; None where lines are whole.
    row : Comm or None
        The ranks that share this rank's rows, from the highest lanes down; None where rows are whole.
    span, inner : slice
        The cells along the line that this rank looks at, its own and the two next to them on either side, by their global numbers; and
        where its own are among them.
    """

    def __init__(self, cells, lanes, comm):
        self.comm, self.cells, self.all_lanes = comm, cells, lanes
        lane_parts, line_parts = cut(comm.size, cells, lanes)
        here, there = comm.rank % lane_parts, comm.rank // lane_parts
        self.first_lane, self.first_row = here * lanes // lane_parts, there * cells // line_parts
        self.lanes = (here + 1) * lanes // lane_parts - self.first_lane
        self.rows = (there + 1) * cells // line_parts - self.first_row
        self.at_lowest, self.at_highest = here == 0, here == lane_parts - 1
        self.at_first, self.at_last = there == 0, there == line_parts - 1
        self.column = comm.split(here, there) if line_parts > 1 else None
        self.row = comm.split(there, -here) if lane_parts > 1 else None
        below, above = 0 if self.at_first else GHOSTS, 0 if self.at_last else GHOSTS
        self.span = slice(self.first_row - below, self.first_row + self.rows + above)
        self.inner = slice(below, below + self.rows)
        self._sides = [None if self.at_lowest else comm.rank - 1, None if self.at_highest else comm.rank + 1]
        self._ends = [None if self.at_first else comm.rank - lane_parts, None if self.at_last else comm.rank + lane_parts]

    @property
    def own_rows(self):
        """Global numbers of this rank's cells along the line: slice."""
        return slice(self.first_row, self.first_row + self.rows)

    @property
    def own_lanes(self):
        """Global numbers of this rank's lanes: slice."""
        return slice(self.first_lane, self.first_lane + self.lanes)

    def array(self):
        """A new array of this patch with its ghosts, (rows + 4, lanes + 4), all zero."""
        return np.zeros((self.rows + 2 * GHOSTS, self.lanes + 2 * GHOSTS))

    def own(self, u):
        """The own cells of such an array `u`: view (rows, lanes)."""
        return u[GHOSTS:GHOSTS + self.rows, GHOSTS:GHOSTS + self.lanes]

    def swap_lanes(self, u):
        """Fill the ghost lanes of u (rows + 4, lanes + 4) from the neighbours."""
        self._swap(u.T, self._sides, slice(GHOSTS, GHOSTS + self.lanes))

    def swap_rows(self, u):
        """Fill the ghost rows of u (rows + 4, lanes + 4) from the neighbours."""
        self._swap(u, self._ends, slice(GHOSTS, GHOSTS + self.rows))

    def _swap(self, u, neighbours, own):
        """Exchange the two outermost of the `own` rows (slice) of `u` for the neighbours'."""
        below, above = self.comm.exchange(neighbours, (u[own.start:own.start + GHOSTS], u[own.stop - GHOSTS:own.stop]))
        if below is not None:
            u[:own.start] = below
        if above is not None:
            u[own.stop:] = above

    # -- what has no lanes: a line of gas, which all ranks of a row have alike ---------------------------------------------

    def swap_line(self, lines):
        """Fill the cells of other ranks in `lines`, array (n, cells) of the span."""
        self._swap(lines.T, self._ends, self.inner)

    def sum_lanes(self, values):
        """Sums over all lanes, from those over this rank's: array (n,); collective."""
        return np.asarray(values) if self.row is None else self.row.sum(values)

    def sum_rows(self, values):
        """Sums over whole lines, from those over this rank's rows: array (n,); collective where lines are cut."""
        return np.asarray(values) if self.column is None else self.column.sum(values)

    def highest(self, values):
        """The highest along whole lines of values (n,) that this rank has found in its rows: array (n,); collective where lines are cut."""
        return np.asarray(values, float) if self.column is None else self.column.max(values)

    def destroy(self):
        """Give the communicators back."""
        for part in (self.column, self.row):
            if part is not None:
                part.raw.Free()
