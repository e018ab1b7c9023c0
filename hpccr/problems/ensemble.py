"""What a problem of independent members offers: test particles, field lines, later sources.

The members are grouped into units of work. A unit's result depends on the unit alone, and the results are summed in the
order of the units: which rank did which unit, and in how many pieces, does not show in any bit.
"""

from dataclasses import dataclass, field

from hpccr.problems.contract import Problem


@dataclass(frozen=True)
class Unit:
    """Members first … first + count − 1 of one realisation.

    Attributes
    ----------
    realisation, first, count : int
    variant : int
        Which computation of them, where a problem does several (another step, another parametrisation).
    """

    realisation: int
    first: int
    count: int
    variant: int = 0


class Task:
    """One unit at work.

    Attributes
    ----------
    unit : Unit
    """

    unit = None

    def advance(self):
        """Go on for about 0.05 s; where the pieces are cut must not show in any bit. Returns whether the unit is done."""
        raise NotImplementedError

    @property
    def progress(self):
        """The part that is done: 0 to 1."""
        raise NotImplementedError

    def state(self):
        """Everything that is needed to go on: array (state_size,)."""
        raise NotImplementedError

    def tally(self):
        """Sums over the members in a fixed order, at the end: array (tally_size,)."""
        raise NotImplementedError

    def records(self):
        """What is kept of single members, so far: {member: array (rows, record_columns)}."""
        return {}


@dataclass
class Results:
    """What an ensemble tells at the end.

    Attributes
    ----------
    variables : list of (name, dims, array, unit, long_name)
    summary : dict of {"value": …, "unit": …, "definition": …}
    history : list of (name, unit, array (rows,), meaning)
    attributes : dict
        Of the snapshot.
    """

    variables: list
    summary: dict
    history: list
    attributes: dict = field(default_factory=dict)


class Ensemble(Problem):
    """A problem whose members do not know of each other.

    Attributes
    ----------
    state_size, tally_size : int
        Length of Task.state() and Task.tally(), the same for all units.
    kept : list of int
        Members of which records are kept.
    record_columns, record_size : int
        Numbers in a row of a record, and in all records.
    """

    engine = "ensemble"
    state_size = tally_size = 0
    kept = ()
    record_columns, record_size = 1, 0

    def units(self):
        """The pieces of work, in a fixed order: list of Unit."""
        raise NotImplementedError

    def begin(self, unit):
        """A Task at the start of a unit."""
        raise NotImplementedError

    def resume(self, unit, state, records):
        """The Task whose `state()` was `state` and whose `records()` were `records`."""
        raise NotImplementedError

    def members(self, unit):
        """The members whose records come from that unit: list of int."""
        return []

    def compile(self):
        """Call every kernel once, on next to nothing."""

    def seconds(self):
        """Roughly the core seconds of the whole run, and the bytes that a unit's task takes."""
        return 1.0, 1 << 20

    def results(self, units, tallies):
        """The Results from the tallies of all units, list of array (tally_size,), on rank 0."""
        raise NotImplementedError

    def write(self, directory, records):
        """Files of the run beside the usual ones, from the records of all tasks; on rank 0."""
