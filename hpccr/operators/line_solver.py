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

    def factor(self, x=None):
        """Eliminate the blocks as they are now; and x (nodes, fields, lanes) ← A⁻¹ x, if given, with the same messages."""
        if not self.in_place:
            self.diag[...], self.upper[...] = self.source.diag, self.source.upper
        if self.column is None:
            solve_kernels.factor(self.lower, self.diag, self.upper)
            if x is not None:
                solve_kernels.substitute(self.lower, self.diag, self.upper, x)
            return
        self._respond(x)
        tips = None if x is None else self._tips(x[None])
        # The reduced system: unknowns are the first and the last node of each part.
        self.joints = EndJoints(self.column, self._tips(self.to_left), self._tips(self.to_right), tips)
        if x is not None:
            self._join(x, *self.joints.beyond())

    def solve(self, x):
        """x (nodes, fields, lanes) ← A⁻¹ x."""
        solve_kernels.substitute(self.lower, self.diag, self.upper, x)
        if self.column is not None:
            self._join(x, *self.joints.beyond(self._tips(x[None])))

    def _respond(self, x):
        """Eliminate this rank's part, also of x, if given, and find how it answers to the parts next to it."""
        nodes, m, _, lanes = self.diag.shape
        if m == 1:
            self.to_left, self.to_right = np.empty((2, 1, nodes, 1, lanes))
            right = np.zeros((nodes, lanes)) if x is None else x[:, 0]
            solve_kernels.respond(self.lower[:, 0, 0], self.diag[:, 0, 0], self.upper[:, 0, 0], right, self.to_left[0, :, 0], self.to_right[0, :, 0])
            return
        last = self.upper[-1].copy()
        solve_kernels.factor(self.lower, self.diag, self.upper)
        if x is not None:
            solve_kernels.substitute(self.lower, self.diag, self.upper, x)
        self.to_left, self.to_right = self._response(0, self.lower[0]), self._response(-1, last)

    def _response(self, node, block):
        """A⁻¹ of a right-hand side that holds `block` (fields, fields, lanes) at one node: (nodes, …)."""
        nodes, m, _, lanes = self.diag.shape
        answer = np.zeros((m, nodes, m, lanes))
        for b in range(m):
            answer[b, node] = block[:, b]
            solve_kernels.substitute(self.lower, self.diag, self.upper, answer[b])
        return answer

    @staticmethod
    def _tips(x):
        """The first and the last node of columns (columns, nodes, fields, lanes): array (lanes, 2 fields, columns)."""
        return x[:, [0, -1]].reshape(len(x), -1, x.shape[-1]).transpose(2, 1, 0)

    def _join(self, x, below, above):
        """Correct x (nodes, fields, lanes) by what the ends of the neighbouring parts bring, both (lanes, fields, 1)."""
        for b in range(x.shape[1]):
            if self.column.rank > 0:
                x -= self.to_left[b] * below[:, b, 0]
            if self.column.rank < self.column.size - 1:
                x -= self.to_right[b] * above[:, b, 0]
