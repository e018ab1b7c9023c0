"""A rank's part of the fields, seen as cells and faces."""

import numpy as np


class Local:
    """Views of one state on one rank.

    Parameters
    ----------
    mesh : Mesh
    vector : PETSc.Vec
        The state; making the object is collective where lines are cut.

    Attributes
    ----------
    first_cell, first_face, first_lane : int
        Global numbers of this rank's first cell, face and lane.
    """

    def __init__(self, mesh, vector):
        self.mesh = mesh
        (gj, gi), (_, _, lanes) = mesh.ghost, mesh.shape
        self._u = np.array(mesh.ghosted(vector)[:, :, gi:gi + lanes])
        cells, self.first_cell = mesh.cells()
        self._cells = slice(gj + cells.start, gj + cells.stop)
        faces = mesh.shape[0] - (1 if mesh.at_right else 0)
        self._faces, self.first_face = slice(gj, gj + faces), mesh.start[0]
        self.first_lane, self.lanes = mesh.start[1], mesh.columns

    def cell(self, f):
        """Field f in this rank's cells: array (cells, lanes)."""
        return self._u[self._cells, f]

    def left(self, f):
        """The staggered field f on the left face of each of this rank's cells: array (cells, lanes)."""
        return self._u[self._cells.start - 1:self._cells.stop - 1, f]

    def right(self, f):
        """The staggered field f on the right face of each of this rank's cells: array (cells, lanes)."""
        return self._u[self._cells, f]

    def face(self, f):
        """The staggered field f on this rank's faces: array (faces, lanes)."""
        return self._u[self._faces, f]
