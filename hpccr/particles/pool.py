"""Which rank does which unit of work: ranks that have more in hand than others pass some on, every now and then.

Between two deals a rank takes from its own list without a message. In a deal every rank balances with one partner after the other, those whose
numbers differ in one binary digit (dimension exchange: Cybenko 1989), so that its messages grow with log₂ of the ranks. No rank is in charge, and
none waits longer than the time between two deals.
"""

import math


class Pool:
    """Units of work that no rank has begun.

    Parameters
    ----------
    todo : list of int
        Numbers of the units, alike on all ranks.
    comm : Comm
    """

    def __init__(self, todo, comm):
        self._comm, todo = comm, sorted(todo)
        self._mine, self._rest = todo[comm.rank::comm.size], len(todo)
        digits = [1 << k for k in range((comm.size - 1).bit_length())]
        # The farthest first, and back: where the ranks are no power of two, some have partners below them only.
        self._partners = [comm.rank ^ digit for digit in [*digits[::-1], *digits[1:]] if comm.rank ^ digit < comm.size]

    def __len__(self):
        """Units that nobody had begun at the last deal."""
        return self._rest

    def take(self):
        """The next unit of this rank, or None."""
        return self._mine.pop(0) if self._mine else None

    def deal(self, left, votes=()):
        """Share out what nobody has begun; collective.

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
        comm = self._comm
        for partner in self._partners:
            theirs, their_left = comm.swap(partner, (len(self._mine), left))
            keep = shared(len(self._mine), left, theirs, their_left, comm.rank < partner)
            if keep != len(self._mine):
                given, self._mine = self._mine[keep:], self._mine[:keep]
                self._mine = sorted(self._mine + comm.swap(partner, given))
        hand, rest = comm.sum([left, len(self._mine)])
        self._rest = int(rest)
        return float(hand), comm.max(votes)


def shared(mine, left, theirs, their_left, lower):
    """How many of the units that two ranks have not begun this one has after they have balanced, so that both have about as much to do: int.

    Parameters
    ----------
    mine, theirs : int
        Units that the two have not begun.
    left, their_left : float
        What they still have to do for what they have in hand, in units.
    lower : bool
        Whether this rank is the lower of the two: both must find the same.
    """
    half = 0.5 * (mine + left + theirs + their_left)
    if lower:
        return min(max(math.ceil(half - left - 0.5), 0), mine + theirs)
    return mine + theirs - shared(theirs, their_left, mine, left, True)
