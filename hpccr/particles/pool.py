"""Which rank does which unit of work: dealt out anew every now and then, by the same rule on all ranks.

Between two deals a rank takes from its own list without a message. A deal is one Allgather of a few numbers a rank; after
it every rank knows what all have begun, and deals what is left, first to those who have least in hand. No rank is in
charge, and none waits longer than the time between two deals.
"""

import numpy as np


class Pool:
    """Units of work that no rank has begun.

    Parameters
    ----------
    todo : list of int
        Numbers of the units, alike on all ranks.
    comm : Comm
    """

    def __init__(self, todo, comm):
        self._comm, self._taken = comm, 0
        self._lists = _dealt(sorted(todo), np.zeros(comm.size))

    def __len__(self):
        """Units that nobody had begun at the last deal."""
        return sum(map(len, self._lists))

    def take(self):
        """The next unit of this rank, or None."""
        mine = self._lists[self._comm.rank]
        if self._taken == len(mine):
            return None
        self._taken += 1
        return mine[self._taken - 1]

    def deal(self, left, votes=()):
        """Deal out what nobody has begun; collective.

        Parameters
        ----------
        left : float
            What this rank still has to do for what it has in hand, in units; 0 if there is nothing.
        votes : sequence of float
            Of which the largest over the ranks is returned.

        Returns
        -------
        (float, array)
            The work in hand on all ranks together, in units, and the votes.
        """
        all_ = self._comm.gather([self._taken, left, *votes])
        rest = sorted(unit for taken, units in zip(all_[:, 0].astype(int), self._lists) for unit in units[taken:])
        self._lists, self._taken = _dealt(rest, all_[:, 1]), 0
        return float(all_[:, 1].sum()), all_[:, 2:].max(axis=0)


def _dealt(units, left):
    """Lists of units for the ranks: in turn, beginning with the rank that has least in hand."""
    ranks = np.argsort(left, kind="stable")
    lists = [None] * len(ranks)
    for place, rank in enumerate(ranks):
        lists[rank] = units[place::len(ranks)]
    return lists
