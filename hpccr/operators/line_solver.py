"""Direct solution along whole lines, on one rank or cut into parts.

Each rank eliminates its own part. Where lines are cut, the first and last node of every part form a
smaller block-tridiagonal system per line, which every rank of the column gathers and solves: one message
round, whose size counts parts and lanes of a rank, not cells. (Partition method: Wang 1981.)
"""

import numpy as np

from hpccr.operators import solve_kernels


class LineSolver:
    """The inverse of lower, diag, upper.

    Parameters
    ----------
    mesh : Mesh
    blocks : Blocks
    in_place : bool
        Whether the blocks may be overwritten by their factors.
    """

    def __init__(self, mesh, blocks, in_place):
        self.mesh, self.source = mesh, blocks
        if in_place:
            self.lower, self.diag, self.upper = blocks.lower, blocks.diag, blocks.upper
        else:
            self.lower = blocks.lower
            self.diag, self.upper = np.empty_like(blocks.diag), np.empty_like(blocks.upper)
        self.in_place, self.column = in_place, mesh.column

    def factor(self):
        """Eliminate the blocks as they are now."""
        if not self.in_place:
            self.diag[...], self.upper[...] = self.source.diag, self.source.upper
        last = self.upper[-1].copy()
        solve_kernels.factor(self.lower, self.diag, self.upper)
        if self.column is not None:
            self._factor_joints(last)

    def solve(self, x):
        """x (nodes, fields, lanes) ← A⁻¹ x."""
        solve_kernels.substitute(self.lower, self.diag, self.upper, x)
        if self.column is not None:
            self._join(x)

    def _response(self, node, block):
        """A⁻¹ of a right-hand side that holds `block` (fields, fields, lanes) at one node: (nodes, …)."""
        nodes, m, _, lanes = self.diag.shape
        answer = np.zeros((m, nodes, m, lanes))
        for b in range(m):
            answer[b, node] = block[:, b]
            solve_kernels.substitute(self.lower, self.diag, self.upper, answer[b])
        return answer

    def _factor_joints(self, last):
        """The reduced system: unknowns are the first and the last node of each part."""
        _, m, _, lanes = self.diag.shape
        self.to_left, self.to_right = self._response(0, self.lower[0]), self._response(-1, last)
        tips = np.stack([self.to_left[:, [0, -1]], self.to_right[:, [0, -1]]])   # (2, m, 2, m, lanes)
        parts = self.column.size
        gathered = np.empty((parts,) + tips.shape)
        self.column.raw.Allgather(np.ascontiguousarray(tips), gathered)
        # Row (end, a) of part k: y_k + to_left·(last of part k−1) + to_right·(first of part k+1) = g_k.
        shape = (parts, 2 * m, 2 * m, lanes)
        self.joint_lower, self.joint_diag, self.joint_upper = np.zeros(shape), np.zeros(shape), np.zeros(shape)
        for a in range(2 * m):
            self.joint_diag[:, a, a] = 1.0
        for b in range(m):
            self.joint_lower[:, :, m + b] = gathered[:, 0, b].reshape(parts, 2 * m, lanes)
            self.joint_upper[:, :, b] = gathered[:, 1, b].reshape(parts, 2 * m, lanes)
        solve_kernels.factor(self.joint_lower, self.joint_diag, self.joint_upper)

    def _join(self, x):
        m, lanes = x.shape[1:]
        rank, parts = self.column.rank, self.column.size
        ends = np.empty((parts, 2 * m, lanes))
        self.column.raw.Allgather(np.ascontiguousarray(x[[0, -1]].reshape(2 * m, lanes)), ends)
        solve_kernels.substitute(self.joint_lower, self.joint_diag, self.joint_upper, ends)
        for b in range(m):
            if rank > 0:
                x -= self.to_left[b] * ends[rank - 1, m + b]
            if rank < parts - 1:
                x -= self.to_right[b] * ends[rank + 1, b]
