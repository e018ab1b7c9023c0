"""Direct solution along whole lines, on one rank or cut into parts.

Each rank eliminates its own part. Where lines are cut, the first and last node of every part form a smaller block-tridiagonal system per
line (partition method: Wang 1981), see joints.
"""

import numpy as np

from hpccr.operators import solve_kernels
from hpccr.operators.joints import EndJoints


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
        self.to_left, self.to_right = self._response(0, self.lower[0]), self._response(-1, last)
        self.joints = EndJoints(self.column, self._tips(self.to_left), self._tips(self.to_right))

    @staticmethod
    def _tips(x):
        """The first and the last node of columns (columns, nodes, fields, lanes): array (lanes, 2 fields, columns)."""
        return x[:, [0, -1]].reshape(len(x), -1, x.shape[-1]).transpose(2, 1, 0)

    def _join(self, x):
        """Correct x (nodes, fields, lanes) by what the ends of the neighbouring parts bring; collective."""
        below, above = self.joints.beyond(self._tips(x[None]))
        for b in range(x.shape[1]):
            if self.column.rank > 0:
                x -= self.to_left[b] * below[:, b, 0]
            if self.column.rank < self.column.size - 1:
                x -= self.to_right[b] * above[:, b, 0]
