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


class EndJoints(Joints):
    """The joints of parts of which neighbours see the first and the last e unknowns.

    Parameters
    ----------
    comm : Comm
    to_left, to_right : array (lanes, 2 e, e)
        How the first and the last e unknowns of this rank's part answer to the last ones of the part below and to the first ones of that above.
    """

    def __init__(self, comm, to_left, to_right):
        nothing = np.zeros_like(to_left)
        super().__init__(comm, np.concatenate([nothing, to_left], axis=-1), np.concatenate([to_right, nothing], axis=-1))

    def beyond(self, tips):
        """The last unknowns of the part below and the first of that above, both (lanes, e, k) and zero where there is none.

        tips : array (lanes, 2 e, k), this rank's first and last as if there were no other parts. Collective.
        """
        e = tips.shape[1] // 2
        below, above = self._comm.near(self.solve(tips))
        return below[:, e:], above[:, :e]
