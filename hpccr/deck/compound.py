"""Further kinds of key: numbers that may carry a unit, tables of fractions, lists of whole numbers."""

from dataclasses import dataclass, field

import numpy as np

from hpccr import units
from hpccr.deck.keys import Integer, Key, Number, Quantity, Text
from hpccr.deck.messages import Refused, nearest, toml


@dataclass(frozen=True)
class Amount:
    """What a Measure holds.

    Attributes
    ----------
    value : float
    unit : str
        "" for a pure number, otherwise the unit that the key names.
    """

    value: float
    unit: str


@dataclass(frozen=True)
class Measure(Key):
    """A pure number, or a quantity in `unit`: Amount. Pure numbers are in a unit that other keys fix."""

    unit: str = ""
    positive: bool = field(default=False, kw_only=True)

    @property
    def kind(self):
        return f"pure number or {self.unit}"

    @property
    def limits(self):
        """The range, in words."""
        return "above 0" if self.positive else ""

    @property
    def allowed(self):
        text = f'a number, or a number and a unit in quotes, as "1 {self.unit}"'
        return f"{text}; {self.limits}" if self.positive else text

    def value(self, raw):
        if isinstance(raw, str):
            try:
                found = Amount(units.parse(raw, ""), "")
            except units.QuantityError:
                try:
                    found = Amount(Quantity(None, self.unit).value(raw), self.unit)
                except Refused as refused:      # what a quantity allows leaves out the pure numbers
                    raise Refused(refused.what, nearest=refused.nearest) from None
        else:
            found = Amount(Number(None).value(raw), "")
        if self.positive and not found.value > 0:
            raise Refused("out of range")
        return found


@dataclass(frozen=True)
class Fractions(Key):
    """A table of parts of a whole, { word = number, … }: dict. They add to one."""

    words: tuple = ()

    kind = "table"

    @property
    def allowed(self):
        return f"{{ {self.words[0]} = 0.2, … }} with parts from 0 to 1 of {', '.join(self.words)} that add to 1"

    def value(self, raw):
        if not isinstance(raw, dict) or not raw:
            raise Refused("a table of fractions is wanted")
        for name in raw:
            if name not in self.words:
                near = nearest(name, self.words)
                raise Refused(f"unknown kind {toml(name)}", nearest=near)
        parts = {name: Number(None).value(part) for name, part in raw.items()}
        for name, part in parts.items():
            if not 0.0 <= part <= 1.0:
                raise Refused(f"fraction {name} = {part:g} is out of range")
        total = sum(parts.values())
        if abs(total - 1.0) > 1e-6:
            raise Refused(f"the fractions add to {total:.9g}, not to 1")
        return {name: parts[name] / total for name in sorted(parts)}


@dataclass(frozen=True)
class Integers(Integer):
    """A list of whole numbers: array (n,)."""

    longest: int = field(default=100_000, kw_only=True)

    kind = "list, whole numbers"

    @property
    def allowed(self):
        return f"a list of whole numbers, each {self.limits}" if self.limits else "a list of whole numbers"

    def value(self, raw):
        if not isinstance(raw, list):
            raise Refused("a list is wanted")
        if len(raw) > self.longest:
            raise Refused(f"{len(raw)} values", allowed=f"up to {self.longest} values")
        return np.array([Integer.value(self, item) for item in raw], dtype=np.int64)


@dataclass(frozen=True)
class File(Text):
    """The path of an input file: str. A run keeps it whole, so that a restart finds the file from anywhere."""

    allowed, kind = "the path of a file, from the working directory or the deck's", "path"
    odd = "a deck is UTF-8, and the name of this file or of a directory above it is not"
