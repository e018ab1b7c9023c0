"""What is left of a block-tridiagonal system whose parts are on different ranks, each of which has eliminated its own.

    y + left·(y of the rank below) + right·(y of the rank above) = g

By cyclic reduction on all ranks at once (Hockney & Jesshope 1981, section 5.4.3): every round puts the neighbours' rows into one's own and
so doubles the distance to the neighbours, until there are none. For P ranks that is ⌈log₂P⌉ rounds of a message to each side, whose size does not
depend on P.
"""

import numpy as np


class Joints:
    """The inverse of such a system, for many lines at once; collective.

    Parameters
    ----------
    comm : Comm
        The ranks in the order of their parts.
    left, right : array (lanes, n, n)
        This rank's blocks. What the first rank has at its left, and the last at its right, does not count.
    """

    def __init__(self, comm, left, right):
        self._comm, self._rounds = comm, []
        left = left * float(comm.rank > 0)
        right = right * float(comm.rank < comm.size - 1)
        one, reach = np.eye(left.shape[-1]), 1
        while reach < comm.size:
            # Rows (left, right) of the ranks that far below and above.
            (far_left, back), (forth, far_right) = comm.near(np.stack([left, right]), reach)
            inverse = np.linalg.inv(one - left @ back - right @ forth)
            self._rounds.append((reach, left, right, inverse))
            left, right, reach = -inverse @ left @ far_left, -inverse @ right @ far_right, 2 * reach

    def solve(self, g):
        """This rank's y for its g, both (lanes, n, k); collective."""
        for reach, left, right, inverse in self._rounds:
            below, above = self._comm.near(g, reach)
            g = inverse @ (g - left @ below - right @ above)
        return g
