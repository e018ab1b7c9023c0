"""The mesh: lines × lanes, decomposed by a PETSc DMDA.

Unknowns are stored as u[j, f, i]: node j along the *line* axis (z, r), field f, *lane* i along the second
axis (p, μ); lanes are contiguous, so that kernels work on many lines at once. The DMDA has dimensions
(lane, field, node) with one degree of freedom: a rank's part of a PETSc vector is this array, not a copy.

A line of n cells has n + 2 nodes. Nodes 1…n are the cells. Nodes 0 and n + 1 are reservoirs, which
collect what leaves through the two ends: the content of a line and its reservoirs together never
changes, whatever the time stepper does. A staggered field keeps at node k the value on face k, between
nodes k and k + 1; its slot at node n + 1 is idle.
"""

import numpy as np

from hpccr.errors import InputError

GHOSTS = 2  # a limited second-order flux looks two nodes upwind


def process_grid(ranks, lanes, nodes, coupled=False, work=None):
    """How many parts the lanes and the lines are cut into: (lane parts, line parts).

    Whole lines stay on a rank as long as there are lanes enough, since a whole line is solved without a
    message; beyond that lines are cut as well. Where neighbours exchange values every part must be at
    least as wide as the ghost layer. `work`, a function of both numbers, if given, chooses: the least.

    Raises
    ------
    InputError
        No cut leaves every rank enough nodes and lanes.
    """
    found = []
    for parts in range(min(ranks, lanes), 0, -1):
        line_parts = ranks // parts
        exchanges = line_parts > 1 or coupled and parts > 1
        wide = parts == 1 or lanes // parts >= GHOSTS
        if ranks % parts == 0 and (not exchanges or wide and nodes // line_parts > GHOSTS):
            found.append((parts, line_parts))
    if found:
        return min(found, key=lambda cut: work(*cut)) if work else found[0]
    raise InputError("the grid cannot be shared by so many ranks", given=f"{ranks} ranks, {lanes} lanes of {nodes - 2} cells",
                     allowed=f"up to {max(lanes // (GHOSTS if coupled else 1), 1)} ranks, or a larger number that a × b makes, "
                             f"a up to {max(lanes // GHOSTS, 1)}, b up to {nodes // (GHOSTS + 1)}")


class Mesh:
    """Lines × lanes × fields on the ranks of a communicator.

    Parameters
    ----------
    line, lane : Axis
        Along the line axis and across it.
    fields : sequence of Field
    comm : Comm
    coupled : bool
        Whether a term couples neighbouring lanes.

    Attributes
    ----------
    shape : (nodes, fields, lanes) of this rank;  start : (first node, first lane) of this rank
    at_left, at_right : bool
        Whether this rank holds the first and the last node of its lines.
    local_shape : (nodes', fields, lanes') of this rank's part with its ghosts
    exchanges : bool
        Whether looking at the neighbours takes messages.
    x : array (n + 2,)
        Node positions along the line [unit of the axis], with the ends at nodes 0 and n + 1.
    """

    def __init__(self, line, lane, fields, comm, coupled=False):
        from petsc4py import PETSc

        self.line, self.lane, self.fields, self.comm = line, lane, tuple(fields), comm
        nodes, lanes, self.coupled = len(line) + 2, len(lane), coupled
        lane_parts, line_parts = process_grid(comm.size, lanes, nodes, coupled)
        self.split = (line_parts > 1, lane_parts > 1)
        # Without a message to exchange, the ghosted array is the global one.
        self.exchanges = self.split[0] or (coupled and self.split[1])
        self.dm = PETSc.DMDA().create(
            dim=3, dof=1, sizes=(lanes, len(self.fields), nodes), proc_sizes=(lane_parts, 1, line_parts),
            boundary_type=(PETSc.DM.BoundaryType.NONE,) * 3, stencil_type=PETSc.DMDA.StencilType.STAR,
            stencil_width=GHOSTS if self.exchanges else 0, comm=comm.raw)
        (i0, i1), (_, nf), (j0, j1) = self.dm.getRanges()
        (gi0, gi1), _, (gj0, gj1) = self.dm.getGhostRanges()
        self.start, self.shape = (j0, i0), (j1 - j0, nf, i1 - i0)
        self.nodes, self.lanes = nodes, lanes
        self.at_left, self.at_right = j0 == 0, j1 == nodes
        self.local_shape = (gj1 - gj0, nf, gi1 - gi0) if self.exchanges else self.shape
        self.ghost = (j0 - gj0, i0 - gi0) if self.exchanges else (0, 0)
        self._ghosted = self.dm.createLocalVec() if self.exchanges else None
        # The ranks that share this rank's lanes, in the order of their nodes.
        self.column = comm.split(i0, j0) if self.split[0] else None
        self.x = np.concatenate([line.faces[:1], line.centers, line.faces[-1:]])

    def destroy(self):
        """Give the PETSc objects back (PETSc does not collect them by itself)."""
        if self._ghosted is not None:
            self._ghosted.destroy()
        if self.column is not None:
            self.column.raw.Free()
        self.dm.destroy()

    def vector(self):
        """A new global PETSc vector; the caller destroys it."""
        return self.dm.createGlobalVec()

    def array(self, vector, readonly=False):
        """This rank's part of a vector: a view (nodes, fields, lanes)."""
        return vector.getArray(readonly=readonly).reshape(self.shape)

    def ghosted(self, vector):
        """The same with the neighbours' nodes around it, where the terms need them: (nodes', fields, lanes')."""
        if not self.exchanges:
            return self.array(vector, readonly=True)
        self.dm.globalToLocal(vector, self._ghosted)
        return self._ghosted.getArray(readonly=True).reshape(self.local_shape)

    @property
    def rows(self):
        """The global node numbers of this rank: slice."""
        return slice(self.start[0], self.start[0] + self.shape[0])

    @property
    def columns(self):
        """The global lane numbers of this rank: slice."""
        return slice(self.start[1], self.start[1] + self.shape[2])

    def cells(self):
        """This rank's cells among its nodes, and the global number of the first: (slice, int)."""
        first = 1 if self.at_left else 0
        last = self.shape[0] - (1 if self.at_right else 0)
        return slice(first, last), self.start[0] + first - 1

    def line_sum(self, partial):
        """Complete a `partial` sum over nodes (…, lanes), which this rank took over its own: array (…, lanes)."""
        if self.column is None:
            return partial
        return self.column.sum(partial.ravel()).reshape(partial.shape)

    def all_lanes(self, local):
        """The values of all lanes on all ranks: array (lanes, …) from this rank's (local lanes, …)."""
        # The ranks that share lanes hold the same.
        return self.comm.assemble(local, self.start[1], self.lanes, counts=self.at_left)

    def some_lanes(self, local, lanes):
        """The values of the lanes with these global numbers on all ranks: array (n,) from this rank's (local lanes,)."""
        here = np.asarray(lanes) - self.start[1]
        mine = self.at_left & (here >= 0) & (here < len(local))
        return self.comm.sum(np.where(mine, np.asarray(local)[np.clip(here, 0, len(local) - 1)], 0.0))

    def node_volumes(self):
        """Volumes of this rank's nodes: array (nodes,).

        A reservoir counts as large as its line, so that its slot is of the size of the field.
        """
        whole = [self.line.volumes.sum()]
        return np.concatenate([whole, self.line.volumes, whole])[self.rows]

    def face_geometry(self):
        """Faces left of, between and right of this rank's nodes.

        Returns
        -------
        area, inverse_distance : array (nodes + 1,)
            Entry j belongs to the face left of node j. Zero at closed ends and outside the reservoirs.
        """
        area = np.concatenate([[0.0], self.line.areas, [0.0]])
        inverse = np.concatenate([[0.0], 1.0 / np.diff(self.x), [0.0]])
        for closed, k in zip(self.line.closed, (1, -2)):
            if closed:
                area[k] = inverse[k] = 0.0
        part = slice(self.start[0], self.start[0] + self.shape[0] + 1)
        return area[part].copy(), inverse[part].copy()
