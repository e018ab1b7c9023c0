"""The sections that every grid problem shares: axes, time, output, solver.

A problem lists them among its own:

    sections = (SOURCE, axis_section("z", to="1 kpc", scale="10 pc"), time_section("100 kyr"), OUTPUT, SOLVER)
"""

import math
import re

from hpccr.deck.messages import Refused
from hpccr.deck.schema import Section, choice, integer, number, quantity, text, times

_MOST_SNAPSHOTS = 100_000
# Of all axes together: PETSc's integers may have 32 bits, and a cell three unknowns with a few neighbours each.
_MOST_CELLS = 500_000_000
# As C reads it, alone or in a list.
_NAN = re.compile(r"(^|,)[+-]?nan(\(.*\))?(,|$)", re.IGNORECASE)


def axis_section(name, unit="cm", *, meaning="", spacings=("uniform", "log", "sinh"), fewest=4, **given):
    """The section [axes.`name`].

    Parameters
    ----------
    name : str
        The axis: z, r, p, mu.
    unit : str
        "" for an axis of pure numbers, whose ends are then numbers.
    meaning : str
        One line.
    spacings : tuple of str
        Those on offer.
    fewest : int
        Smallest number of cells.
    given : dict
        Limits low, high, positive of the ends; defaults of cells, from_, to, spacing, focus, scale.
        Without default, the ends must stand in the deck; `focus` and `scale` exist only if "sinh" is on offer.

    Raises
    ------
    TypeError
        For another word in `given`.
    """
    limits = {word: given.pop(word) for word in ("low", "high", "positive") if word in given}
    default = {"cells": 1024, "from_": None, "to": None, "spacing": spacings[0], "focus": None, "scale": None}
    if unknown := given.keys() - default.keys():
        raise TypeError(f"axis_section has no {', '.join(sorted(unknown))}")
    default.update(given)

    def value(key, says, otherwise="", **bounds):
        if unit in ("", "1"):
            return number(default[key], meaning=says, otherwise=otherwise, **bounds)
        return quantity(default[key], unit, meaning=says, otherwise=otherwise, **bounds)

    keys = {"cells": integer(default["cells"], low=fewest, high=10_000_000, meaning="number of cells"),
            "from_": value("from_", "lower end", **limits),
            "to": value("to", "upper end", **limits),
            "spacing": choice(default["spacing"], tuple(spacings), meaning="how the cells are spaced")}
    if "sinh" in spacings:
        keys["focus"] = value("focus", "sinh: where the cells are finest", "the lower end")
        keys["scale"] = value("scale", "sinh: length of the fine region", "1/100 of the axis", positive=True)
    return Section(f"axes.{name}", meaning or f"the axis {name}", check=_check_axis, **keys)


def _check_axis(axis):
    """Refuse an axis whose ends or spacing do not fit together."""
    for end in ("from", "to"):
        if axis[end] is None:
            raise Refused("missing key", end)
    if not axis.to > axis.from_:
        raise Refused("the axis ends before it begins", "to", allowed="more than from")
    if axis.spacing == "log" and not axis.from_ > 0:
        raise Refused("a logarithmic axis must begin above 0", "from", allowed="above 0")
    length = axis.to - axis.from_
    if length / axis.cells < 1e-12 * max(abs(axis.from_), abs(axis.to)):
        raise Refused("cells too narrow for the positions of their faces to differ", "cells", allowed="fewer cells, or a longer axis")
    if axis.spacing != "sinh":
        return
    # Far outside of the axis, or beside lengths of another size, faces would be differences of large numbers.
    if not axis.from_ - length <= axis.focus <= axis.to + length:
        raise Refused("far outside of the axis", "focus", allowed="less than the axis's length beyond its ends")
    if not 1e-8 * length <= axis.scale <= 1e3 * length:
        raise Refused("nothing beside the length of the axis, or far longer", "scale", allowed="from 1e-8 to 1000 times the axis's length")


def _span(unit, part=1.0):
    """The range of a simulated time, or of a part of it, such as a step: in seconds, or in a unit of the problem's own."""
    return {"low": f"{part:g} s", "high": "1e12 yr"} if unit else {"low": f"{part * 1e-12:g}", "high": "1e12"}


def time_section(end="100 kyr", rtol=1e-4, unit="s", **further):
    """The section [time] with the problem's own defaults, its unit of time ("" for pure numbers) and `further` keys."""
    step = _span(unit, 1e-12)
    return Section(
        "time", "how long, and how exactly",
        end=quantity(end, unit, **_span(unit), meaning="simulated time"),
        rtol=number(rtol, low=1e-12, high=0.1, meaning="relative error that a step may make"),
        first_step=quantity(None, unit, **step, otherwise="chosen by the solver", meaning="first step"),
        max_step=quantity(None, unit, **step, otherwise="no limit", meaning="longest step"),
        max_steps=integer(1_000_000, low=1, high=2**31 - 1, meaning="stop after so many steps"),
        **further)


def output_section(unit="s"):
    """The section [output] with snapshots at times in `unit` ("" for pure numbers)."""
    return Section(
        "output", "what is written, and how often",
        snapshots=times(None, unit, low=f"0 {unit}".strip(), high=_span(unit)["high"], longest=_MOST_SNAPSHOTS,
                        otherwise="ten equal intervals", meaning="times of the snapshots: a list, or an interval; for those after the end one at it"),
        history_every=integer(1, low=1, high=2**31 - 1, meaning="steps between records of history.csv"),
        checkpoint_every=quantity("10 min", "s", positive=True, high="1 yr", meaning="wall-clock time between checkpoints"),
        checkpoint_steps=integer(0, low=0, high=2**31 - 1, meaning="steps between checkpoints; 0: by wall clock only"))


TIME = time_section()
OUTPUT = output_section()


def no_option(words):
    """The first of PETSc's options, list of words, that cannot be one; or None.

    That is a lone dash, one in front without a dash, and a nan: no solver ends that compares with it.
    """
    return next((word for place, word in enumerate(words) if not word.strip("-") or place == 0 and not word.startswith("-")
                 or _NAN.search(word)), None)


def _check_petsc(solver):
    wrong = no_option(solver.petsc.split())
    if wrong is not None:
        raise Refused(f"not a PETSc option: {wrong}", "petsc", allowed='"-name [value]", as "-ts_type bdf", without nan')


SOLVER = Section(
    "solver", "for experts", check=_check_petsc,
    petsc=text("", meaning="PETSc options; those after -- on the command line come on top"))


def check(deck):
    """What concerns more than one of these sections.

    Raises
    ------
    InputError
    """
    cells = {name: deck[name].cells for name in deck.sections if name.startswith("axes.")}
    if math.prod(cells.values()) > _MOST_CELLS:
        raise deck.refuse(f"{max(cells, key=cells.get)}.cells", f"{math.prod(cells.values()):.3g} cells on all axes together",
                          allowed=f"at most {_MOST_CELLS:.3g}")
    if "time" not in deck or "output" not in deck:
        return
    end, snapshots = deck["time"].end, deck["output"].snapshots
    if snapshots.interval is not None and end / snapshots.interval > _MOST_SNAPSHOTS:
        raise deck.refuse("output.snapshots", f"{end / snapshots.interval:.0f} snapshots",
                          allowed=f"at most {_MOST_SNAPSHOTS}")
    first, longest = deck["time"].first_step, deck["time"].max_step
    if first is not None and longest is not None and first > longest:
        raise deck.refuse("time.first_step", "longer than max_step", allowed=f"up to {deck.raw['time']['max_step']}")
