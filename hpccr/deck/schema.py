"""Sections of a deck, declared once: the declaration checks, resolves, echoes and documents.

    SOURCE = Section("source", "the CR cloud that the remnant releases",
        radius=table("10 pc", "cm", over="erg", low="1e-3 pc", high="10 kpc", meaning="half-length of the cloud"),
        index=number(2.2, low=1.0, high=4.0, meaning="N(E) ∝ E^−index"))

A deck word that Python reserves gets an underscore here and as an attribute: `from_` is the deck's `from`.
"""

import keyword

from hpccr.deck.compound import File, Fractions, Integers, Measure
from hpccr.deck.keys import (Choice, Curve, Flag, Instants, Integer, Number, Quantities, Quantity,  # noqa: F401
                             Table, Text, Times)
from hpccr.deck.messages import Refused, nearest, short, toml  # noqa: F401

quantity, number, integer, flag, text = Quantity, Number, Integer, Flag, Text
choice, table, quantities, times = Choice, Table, Quantities, Times
measure, fractions, integers, file = Measure, Fractions, Integers, File


class Section:
    """A section of the deck.

    Parameters
    ----------
    name : str
        As in the deck; a nested one is dotted: "axes.z".
    meaning : str
        One line.
    check : callable, optional
        Gets the section's values (`Values`) and raises `Refused` (with the key's name) if they do not fit together.
    keys : Key
        The keys in the order of the echo.
    """

    def __init__(self, name, meaning, /, *, check=None, **keys):
        self.name, self.meaning, self.check = name, meaning, check
        self.keys = {spoken(key): kind for key, kind in keys.items()}

    def resolve(self, given):
        """Complete what the deck gives by the defaults.

        Parameters
        ----------
        given : dict
            Plain values by key, all of them keys of this section.

        Returns
        -------
        dict
            A checked plain value for every key; None where a key is absent and has no default.

        Raises
        ------
        Refused
            With the key's name.
        """
        raw = {key: given.get(key, None if callable(kind.default) else kind.default) for key, kind in self.keys.items()}
        for key in given:
            self._value(key, raw[key])
        # Defaults that depend on other keys see these already checked.
        for key, kind in self.keys.items():
            if key not in given and callable(kind.default):
                raw[key] = kind.default(dict(raw))
        for key, value in raw.items():
            self._value(key, value)
        return raw

    def values(self, raw):
        """The values (`Values`) that the plain values `raw` of `resolve` stand for.

        Raises
        ------
        Refused
            With the key's name.
        """
        return Values({key: self._value(key, raw[key]) for key in self.keys})

    def _value(self, key, raw):
        """The value of a key; a refusal gets its name."""
        kind = self.keys[key]
        if raw is None and not isinstance(kind, Times):
            return None
        try:
            return kind.value(raw)
        except Refused as refused:
            raise Refused(refused.what, key, allowed=refused.allowed or kind.allowed, nearest=refused.nearest) from None

    def as_toml(self, raw):
        """This section of a deck with the plain values `raw`, commented."""
        entries = []
        for key, kind in self.keys.items():
            if raw[key] is None:
                entries.append((f"# {key} =", f"{kind.default_text}: {kind.meaning}"))
            else:
                entries.append((f"{key} = {toml(raw[key])}", kind.meaning))
        width = min(44, max((len(left) for left, _ in entries), default=0))
        lines = [f"{left:<{width}}  # {meaning}" if meaning else left for left, meaning in entries]
        return "\n".join([f"[{self.name}]  # {self.meaning}", *lines]) + "\n"

    def rows(self):
        """The documentation of each key: list of (key, unit or kind, default, range or words, meaning)."""
        return [(key, kind.kind, kind.default_text, getattr(kind, "limits", kind.allowed) or "any", kind.meaning)
                for key, kind in self.keys.items()]

    def reference(self):
        """The documentation of this section: key, unit, default, range, meaning in aligned columns."""
        rows = [("key", "unit", "default", "range", "meaning"), *self.rows()]
        widths = [max(len(row[column]) for row in rows) for column in range(4)]
        lines = ["  " + "  ".join([*(f"{cell:<{w}}" for cell, w in zip(row, widths)), row[4]]).rstrip() for row in rows]
        return "\n".join([f"[{self.name}]  {self.meaning}", *lines]) + "\n"


class Values:
    """The values of a section as attributes (`source.radius`), or by the deck's word (`source["radius"]`); read-only."""

    def __init__(self, values):
        vars(self).update({attribute(key): value for key, value in values.items()})

    def __getitem__(self, key):
        return vars(self)[attribute(key)]

    def __contains__(self, key):
        return attribute(key) in vars(self)

    def __iter__(self):
        return map(spoken, vars(self))

    def __setattr__(self, name, value):
        raise AttributeError(f"a deck is read-only: {name}")

    def __repr__(self):
        return f"Values({vars(self)})"


def attribute(key):
    """The Python name of a deck's word."""
    return key + "_" if keyword.iskeyword(key) else key


def spoken(name):
    """The deck's word of a Python name."""
    return name[:-1] if name.endswith("_") and keyword.iskeyword(name[:-1]) else name
