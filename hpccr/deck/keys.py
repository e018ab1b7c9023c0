"""The kinds of key that a deck may have. A kind checks a plain TOML value and turns it into what the code uses.

Every kind has `default` (a plain value; None: the key may be absent; or a function that gets the section's plain
values and returns one) and `meaning`; `otherwise` says in words what holds if the default is None or a function.
"""

from dataclasses import dataclass, field

import numpy as np

from hpccr import units
from hpccr.deck.messages import Refused, nearest, toml

# Limits are inclusive also for values that passed through another unit and lost their last digit there.
_SLACK = 1e-12


@dataclass(frozen=True)
class Key:
    """What all kinds share."""

    default: object
    meaning: str = field(default="", kw_only=True)
    otherwise: str = field(default="", kw_only=True)

    unit = ""
    takes_table = False

    def value(self, raw):
        """The value that the plain TOML value `raw` stands for.

        Raises
        ------
        Refused
            `raw` is not allowed.
        """
        raise NotImplementedError

    @property
    def allowed(self):
        """The allowed values, in words."""
        raise NotImplementedError

    @property
    def kind(self):
        """What is wanted, in a word or two: a unit, or "pure number", "word", …"""
        raise NotImplementedError

    @property
    def default_text(self):
        """The default, in the deck's words."""
        if self.default is None or callable(self.default):
            return self.otherwise or ("none" if self.default is None else "derived")
        return toml(self.default)


@dataclass(frozen=True)
class _Bounded(Key):
    low: object = field(default=None, kw_only=True)
    high: object = field(default=None, kw_only=True)
    positive: bool = field(default=False, kw_only=True)

    def _limit(self, bound):
        return bound

    @property
    def limits(self):
        """The range, in words; "" if there is none."""
        low, high = (f"{bound:g}" if isinstance(bound, float) else bound for bound in (self.low, self.high))
        if low is not None and high is not None:
            return f"{low} to {high}"
        if high is not None:
            return f"{'above 0, ' if self.positive else ''}at most {high}"
        if low is not None:
            return f"at least {low}"
        return "above 0" if self.positive else ""

    def _inside(self, value):
        if self.positive and not value > 0:
            return False
        low, high = self._limit(self.low), self._limit(self.high)
        return ((low is None or value >= low - _SLACK * abs(low))
                and (high is None or value <= high + _SLACK * abs(high)))

    def _check(self, value):
        if not self._inside(value):
            raise Refused("out of range", allowed=self.limits)
        return value


@dataclass(frozen=True)
class Number(_Bounded):
    """A pure number: float."""

    kind = "pure number"

    @property
    def allowed(self):
        return self.limits or "a finite number"

    def value(self, raw):
        if isinstance(raw, bool) or not isinstance(raw, (int, float)):
            raise Refused("a number without unit is wanted")
        try:
            value = float(raw)
        except OverflowError:
            value = np.inf
        if not np.isfinite(value):
            raise Refused("not a finite number")
        return self._check(value)


@dataclass(frozen=True)
class Integer(_Bounded):
    """A whole number: int."""

    kind = "whole number"

    @property
    def allowed(self):
        return f"a whole number, {self.limits}" if self.limits else "a whole number"

    def value(self, raw):
        if isinstance(raw, bool) or not isinstance(raw, int):
            raise Refused("a whole number is wanted")
        if abs(raw) >= 2**63:
            raise Refused("out of range")
        return self._check(raw)


@dataclass(frozen=True)
class Flag(Key):
    """True or false: bool."""

    allowed, kind = "true or false", "flag"

    def value(self, raw):
        if not isinstance(raw, bool):
            raise Refused("true or false is wanted")
        return raw


@dataclass(frozen=True)
class Choice(Key):
    """One word of a few: str. An alias is another spelling of one of them."""

    options: tuple = ()
    aliases: dict = field(default_factory=dict, kw_only=True, hash=False)

    kind = "word"

    @property
    def allowed(self):
        return ", ".join(map(toml, self.options))

    def value(self, raw):
        if not isinstance(raw, str):
            raise Refused("one of a few words is wanted")
        raw = self.aliases.get(raw, raw)
        if raw not in self.options:
            near = nearest(raw, self.options)
            raise Refused("unknown choice", nearest=near and toml(near))
        return raw


@dataclass(frozen=True)
class Text(Key):
    """Free text: str."""

    allowed, kind, odd = "a text in quotes", "text", "not valid UTF-8"

    def value(self, raw):
        if not isinstance(raw, str):
            raise Refused("a text is wanted")
        if not raw.isascii() and raw.encode("utf-8", "replace") != raw.encode("utf-8", "surrogatepass"):
            raise Refused(self.odd)
        return raw


@dataclass(frozen=True)
class Quantity(_Bounded):
    """A number with a unit: float in `unit`; `low` and `high` are written as the deck writes quantities. With the unit "" a pure
    number, for problems in units of their own."""

    unit: str = ""

    @property
    def kind(self):
        return self.unit or "pure number"

    def _limit(self, bound):
        return None if bound is None else units.parse(bound, self.unit)

    @property
    def allowed(self):
        return self.limits or (f"a quantity in {self.unit}" if self.unit else "a pure number")

    def value(self, raw):
        if self.unit == "":
            return self._check(Number(None).value(raw))
        if isinstance(raw, (int, float)) and not isinstance(raw, bool):
            raise Refused("missing unit", allowed=self._with_unit)
        if not isinstance(raw, str):
            raise Refused("a quantity with unit is wanted", allowed=self._with_unit)
        try:
            return self._check(units.parse(raw, self.unit))
        except units.QuantityError as error:
            raise Refused(error.what, nearest=error.nearest, allowed=self._with_unit) from None

    @property
    def _with_unit(self):
        text = f'a number and a unit in quotes, as "1 {self.unit}"' if self.unit else "a pure number"
        return f"{text}; {self.limits}" if self.limits else text


@dataclass(frozen=True)
class Quantities(Quantity):
    """A list of quantities: array (n,) in `unit`."""

    shortest: int = field(default=0, kw_only=True)
    longest: int = field(default=10000, kw_only=True)
    increasing: bool = field(default=False, kw_only=True)

    @property
    def kind(self):
        return f"list, {super().kind}"

    @property
    def allowed(self):
        each = f", each {self.limits}" if self.limits else ""
        return f"a list of {f'quantities in {self.unit}' if self.unit else 'pure numbers'}{each}"

    def value(self, raw):
        if not isinstance(raw, list):
            raise Refused("a list is wanted")
        if not self.shortest <= len(raw) <= self.longest:
            raise Refused(f"{len(raw)} values", allowed=f"{self.shortest} to {self.longest} values")
        values = np.array([Quantity.value(self, item) for item in raw])
        if self.increasing and not np.all(np.diff(values) > 0):
            raise Refused("the values must increase")
        return values


@dataclass(frozen=True, eq=False)
class Instants:
    """Times for output.

    Attributes
    ----------
    interval : float or None
        [s]
    at : array (n,) or None
        [s]; if both are None, ten equal intervals are meant.
    """

    interval: float = None
    at: np.ndarray = None

    def until(self, end):
        """The times [s] in increasing order: array (n,).

        Those listed, or 0, interval, 2 interval, …, `end`. A run that is cut short ends with a snapshot in
        place of those that were listed for later.
        """
        if self.at is not None:
            before = self.at[self.at <= end * (1 + _SLACK)]
            # One that rounding has put behind the end is the end.
            return np.minimum(before, end) if len(before) == len(self.at) else np.append(before[before < end], end)
        step = end / 10 if self.interval is None else self.interval
        # The last interval may be shorter, but not by rounding only.
        whole = int(np.ceil(end / step * (1 - _SLACK)))
        return np.append(np.arange(whole) * step, end)


@dataclass(frozen=True)
class Times(Quantities):
    """A list of increasing times, or one interval: Instants."""

    increasing: bool = field(default=True, kw_only=True)

    @property
    def kind(self):
        return f"list or interval, {self.unit or 'pure number'}"

    @property
    def allowed(self):
        return f'a list of increasing times, or an interval as {chr(34) + "10 kyr" + chr(34) if self.unit else "10.0"}'

    def value(self, raw):
        if raw is None:
            return Instants()
        if isinstance(raw, list):
            return Instants(at=super().value(raw))
        interval = Quantity.value(self, raw)
        if not interval > 0:
            raise Refused("out of range", allowed="an interval above 0")
        return Instants(interval=interval)


@dataclass(frozen=True, eq=False)
class Curve:
    """A positive function given at a few points, or constant.

    Attributes
    ----------
    x, y : array (n,)
        Points, in the units of the key; x is empty if y holds one constant.
    """

    x: np.ndarray
    y: np.ndarray

    @property
    def constant(self):
        """Whether the function has one value only."""
        return len(self.y) == 1

    def at(self, x):
        """Log-log interpolation at `x`, array (m,) in the unit of the abscissa, constant outside: array (m,)."""
        x = np.asarray(x, dtype=float)
        if self.constant:
            return np.full(x.shape, self.y[0])
        return np.exp(np.interp(np.log(x), np.log(self.x), np.log(self.y)))


@dataclass(frozen=True)
class Table(Quantity):
    """One positive quantity, or a table of two columns of them: Curve, with the abscissa in `over`."""

    over: str = field(default="", kw_only=True)
    columns: tuple = field(default=("E", "R"), kw_only=True)

    takes_table = True

    @property
    def kind(self):
        x, y = self.columns
        return f"{self.unit}, or table of {x} [{self.over}], {y}"

    @property
    def allowed(self):
        x, y = self.columns
        form = f"a quantity in {self.unit}, or {{ {x} = [...], {y} = [...] }} with increasing {x} in {self.over}"
        return f"{form}; {self.limits}" if self.limits else form

    def value(self, raw):
        if not isinstance(raw, dict):
            return Curve(np.empty(0), np.array([self._positive(raw)]))
        for name in raw:
            if name not in self.columns:
                raise Refused(f"unknown column {name}", allowed=", ".join(self.columns), nearest=nearest(name, self.columns))
        for name in self.columns:
            if not isinstance(raw.get(name), list) or not raw[name]:
                raise Refused(f"column {name} must be a list of quantities")
        x_name, y_name = self.columns
        if len(raw[x_name]) != len(raw[y_name]):
            raise Refused(f"columns of unequal length: {len(raw[x_name])} and {len(raw[y_name])}")
        abscissa = Quantity(None, self.over, positive=True)
        x = np.array([self._in_column(abscissa.value, item, x_name) for item in raw[x_name]])
        y = np.array([self._in_column(self._positive, item, y_name) for item in raw[y_name]])
        if not np.all(np.diff(x) > 0):
            raise Refused(f"column {x_name} must increase")
        return Curve(x, y)

    def _positive(self, raw):
        value = Quantity.value(self, raw)
        if not value > 0:
            raise Refused("out of range", allowed="above 0")
        return value

    @staticmethod
    def _in_column(read, item, name):
        try:
            return read(item)
        except Refused as refused:
            raise Refused(f"column {name}, {toml(item)}: {refused.what}", allowed=refused.allowed,
                          nearest=refused.nearest) from None
