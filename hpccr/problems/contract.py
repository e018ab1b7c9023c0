"""What a problem on a grid offers. Hooks that a problem may leave out have defaults here."""

import numpy as np

from hpccr.units import kyr


class Problem:
    """A system of equations with its parameters, initial state, diagnostics and truth.

    Parameters
    ----------
    deck : Deck
        The validated deck; its sections are those in `sections`.

    Attributes
    ----------
    name : str
        The word in the deck, and the name of the file.
    summary, reproduces : str
        One line each for `hpccr list`.
    truth : str
        The exact solution, limit or budget that the tests hold it to.
    sections : tuple of Section
        The deck's sections.
    engine : str
        "grid", "flow" (gas and CRs, see steppers.flow), "kinetic" (pitch-angle transport, see steppers.kinetic), or "ensemble" (see
        problems.ensemble).
    warnings : list of str
        What the user should know before the run.
    clock : (str, float)
        The unit in which the run tells its time, and its size in the deck's [s].
    small : tuple of str
        Settings ("section.key=value") with which a run from the defaults takes a second: of it the reference tells the output.
    further : dict of str to tuple of str
        What makes such a run tell more: in words, and by the settings that do.
    """

    name = summary = reproduces = truth = ""
    sections = ()
    engine = "grid"
    warnings = ()
    clock = ("kyr", kyr)
    small, further = (), {}

    def __init__(self, deck):
        self.deck = deck

    @classmethod
    def check(cls, deck):
        """Whether sections that are valid by themselves fit together.

        Raises
        ------
        InputError
            They do not.
        """

    def compile(self):
        """Compile the kernels of a run, by one rank before many runs begin; without a message. A run does it by itself as well."""

    # -- the grid and what lives on it ------------------------------------------------------------------

    def line(self):
        """The axis along which lines are solved (Axis)."""
        raise NotImplementedError(f"problem {self.name} has no line axis")

    def lane(self):
        """The axis across the lines (Axis)."""
        raise NotImplementedError(f"problem {self.name} has no lane axis")

    fields = ()

    def terms(self):
        """The equation, term by term: list of Term."""
        raise NotImplementedError(f"problem {self.name} has no terms")

    def coupled(self):
        """Whether anything passes between neighbouring lanes."""
        return any(term.couples_lanes for term in self.terms())

    def initial(self, cells, lanes):
        """Field values at t = 0 in some cells and lanes (slices): list of arrays (cells, lanes), or (cells + 1, lanes) if staggered."""
        raise NotImplementedError(f"problem {self.name} has no initial state")

    # -- how it is stepped ------------------------------------------------------------------------------

    def scales(self):
        """The size of each field per lane, below which errors do not count: array (fields, lanes)."""
        return np.ones((len(self.fields), len(self.lane())))

    def first_step(self):
        """A first step that is short enough [s]; the controller lengthens it."""
        return 1e-6 * self.deck.time.end

    def expected_steps(self):
        """Roughly how many steps a run takes, for the estimate of its cost."""
        return 100.0

    # What the times of `crossings` mean for a step.
    bound = "steps are implicit and may be longer"

    def crossings(self):
        """How soon what moves crosses the narrowest cell, as far as that is known beforehand: list of (what, time [s])."""
        return []

    # -- what it tells ----------------------------------------------------------------------------------

    def derived(self):
        """Rows (name, value as text) for `hpccr check`."""
        return []

    def observers(self, simulation):
        """Objects that watch the run (see steppers.observers); the budgets are always there."""
        return []

    def coordinates(self):
        """Coordinates beside the axes' own for snapshots: list of (name, dims, whole
        array of the shape of dims, unit, long_name)."""
        return []

    def axis_units(self):
        """(unit, long_name) of the line and the lane coordinate, and the factor from CGS: list of two tuples."""
        return [("cm", self.line().name, 1.0), ("1", self.lane().name, 1.0)]

    def snapshot(self, local):
        """Output variables from this rank's part of the fields.

        Parameters
        ----------
        local : grid.local.Local

        Returns
        -------
        list of (name, where, array, unit, long_name), where "cell" is (cells, lanes) and "face" (faces, lanes)
        """
        return []
