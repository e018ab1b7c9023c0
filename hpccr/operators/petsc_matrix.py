"""The Jacobian as PETSc sees it: a matrix that multiplies, a preconditioner that solves lines, and, for a
user who asks PETSc for another preconditioner, an assembled matrix."""

import numpy as np

from hpccr.errors import InputError
from hpccr.operators.line_solver import LineSolver

# Where a user gives options to PETSc.
PLACE = "[solver] petsc, or after --"


def complaint(error):
    """What a petsc4py.PETSc.Error says, without the places in PETSc's sources: str."""
    last = str(error).splitlines()[-1]
    return last.partition("] ")[2] or last


def refused(error, solvers, given=None):
    """The InputError that says that PETSc does not take the user's options; for raising.

    Parameters
    ----------
    error : petsc4py.PETSc.Error
    solvers : str
        What the options may be for, in PETSc's words.
    given : str, optional
        The options.
    """
    return InputError(f"PETSc does not accept these options: {complaint(error)}", where=PLACE, given=given,
                      allowed=f"what the PETSc manual names for {solvers}")


class BlockMatrix:
    """Python context of the shell matrix: y = J x."""

    def __init__(self, system):
        self.system = system

    def mult(self, matrix, x, y):
        """PETSc's MatMult."""
        self.system.multiply(x, self.system.mesh.array(y))


class LinePreconditioner:
    """Python context of the preconditioner: each line solved directly, the rest of J left to the Krylov method."""

    def __init__(self, system, in_place):
        self.mesh = system.mesh
        self.solver = LineSolver(system.mesh, system.blocks, in_place)

    def setUp(self, pc):
        """PETSc calls this after each new Jacobian."""
        self.solver.factor()

    def apply(self, pc, x, y):
        """y = M⁻¹ x."""
        x.copy(y)
        self.solver.solve(self.mesh.array(y))


class Assembled:
    """A PETSc AIJ matrix with the blocks' entries, for preconditioners that need one.

    Parameters
    ----------
    system : System
    """

    def __init__(self, system):
        from petsc4py import PETSc

        mesh, self.blocks = system.mesh, system.blocks
        columns, self.present = self._columns(mesh)
        counts = self.present.sum(axis=-1).ravel()
        self.indptr = np.concatenate([[0], np.cumsum(counts)]).astype(PETSc.IntType)
        self.indices = columns[self.present].astype(PETSc.IntType)
        size = (int(np.prod(mesh.shape)), mesh.nodes * len(mesh.fields) * mesh.lanes)
        self.matrix = PETSc.Mat().createAIJ((size, size), comm=mesh.comm.raw)
        self.matrix.setPreallocationCSR((self.indptr, self.indices))

    @staticmethod
    def _columns(mesh):
        """PETSc's column numbers of each row's entries, (nodes, fields, lanes, entries), and which exist."""
        nodes, fields, lanes = mesh.shape
        j, a, i = np.meshgrid(np.arange(nodes) + mesh.start[0], np.arange(fields),
                              np.arange(lanes) + mesh.start[1], indexing="ij")
        ordering, columns, present = mesh.dm.getAO(), [], []
        neighbours = [(-1, 0), (0, 0), (1, 0)] + ([(0, -1), (0, 1)] if mesh.coupled else [])
        for dj, di in neighbours:
            for b in range(fields):
                jj, ii = j + dj, i + di
                inside = (jj >= 0) & (jj < mesh.nodes) & (ii >= 0) & (ii < mesh.lanes)
                natural = (np.where(inside, jj, j) * fields + b) * mesh.lanes + np.where(inside, ii, i)
                flat = natural.ravel().astype("int32" if mesh.nodes * fields * mesh.lanes < 2**31 else "int64")
                columns.append(ordering.app2petsc(flat).reshape(natural.shape))
                present.append(inside)
        return np.stack(columns, axis=-1), np.stack(present, axis=-1)

    def fill(self):
        """Copy the blocks' values."""
        parts = [self.blocks.lower, self.blocks.diag, self.blocks.upper]
        if self.blocks.west is not None:
            parts += [self.blocks.west, self.blocks.east]
        values = np.concatenate([p.transpose(0, 1, 3, 2) for p in parts], axis=-1)
        self.matrix.setValuesCSR(self.indptr, self.indices, values[self.present])
        self.matrix.assemble()
