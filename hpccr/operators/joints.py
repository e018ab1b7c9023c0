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
    g : array (lanes, n, k), optional
        A right side that is solved for with the same messages.

    Attributes
    ----------
    solution : array (lanes, n, k)
        This rank's y for that right side.
    """

    def __init__(self, comm, left, right, g=None):
        self._comm, self._rounds = comm, []
        g, n = np.zeros((*left.shape[:-1], 0)) if g is None else g, left.shape[-1]
        left = left * float(comm.rank > 0)
        right = right * float(comm.rank < comm.size - 1)
        one, reach = np.eye(n), 1
        while reach < comm.size:
            # Rows (left, right, g) of the ranks that far below and above.
            below, above = comm.near(np.concatenate([left, right, g], axis=-1), reach)
            inverse = _inverse(one - left @ below[..., n:2 * n] - right @ above[..., :n])
            self._rounds.append((reach, left, right, inverse))
            g = inverse @ (g - left @ below[..., 2 * n:] - right @ above[..., 2 * n:])
            left, right, reach = -inverse @ left @ below[..., :n], -inverse @ right @ above[..., n:2 * n], 2 * reach
        self.solution = g

    def solve(self, g):
        """This rank's y for its g, both (lanes, n, k); collective."""
        for reach, left, right, inverse in self._rounds:
            below, above = self._comm.near(g, reach)
            g = inverse @ (g - left @ below - right @ above)
        return g


def _inverse(blocks):
    """The inverses of blocks (lanes, n, n); NaN where there is none: all ranks go on, to whoever looks at the answer."""
    try:
        return np.linalg.inv(blocks)
    except np.linalg.LinAlgError:
        return np.full_like(blocks, np.nan)


class EndJoints(Joints):
    """The joints of parts of which neighbours see the first and the last e unknowns.

    Parameters
    ----------
    comm : Comm
    to_left, to_right : array (lanes, 2 e, e)
        How the first and the last e unknowns of this rank's part answer to the last ones of the part below and to the first ones of that above.
    tips : array (lanes, 2 e, k), optional
        This rank's first and last as if there were no other parts, to be solved for with the same messages.
    """

    def __init__(self, comm, to_left, to_right, tips=None):
        nothing = np.zeros_like(to_left)
        super().__init__(comm, np.concatenate([nothing, to_left], axis=-1), np.concatenate([to_right, nothing], axis=-1), tips)

    def beyond(self, tips=None):
        """The last unknowns of the part below and the first of that above, both (lanes, e, k) and zero where there is none.

        tips : array (lanes, 2 e, k), as above; those given there, if not given. Collective.
        """
        solution = self.solution if tips is None else self.solve(tips)
        e = solution.shape[1] // 2
        below, above = self._comm.near(solution)
        return below[:, e:], above[:, :e]
