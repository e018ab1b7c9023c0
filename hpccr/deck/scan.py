"""The table [scan] of a deck: which keys take which values, and the points that this makes.

    [scan]
    groups = 4
    "source.index" = [2.0, 2.2]              # or source.index = […]: the product of all lists
    [scan.together]                          # lists that are gone through together: one more factor; also [[scan.together]]
    "axes.r.cells" = [100, 200]
    "time.rtol" = [1e-3, 1e-4]

A scan is kept as plain values: {"groups": int or None, "factors": [{key: list}, …]}. Its points are numbered from 0, the
last factor running fastest.
"""

import math

from hpccr.deck.keys import Integer
from hpccr.deck.messages import Refused, aligned, nearest, no_section, short, toml, word
from hpccr.errors import InputError

MOST = 100_000              # points

_GROUPS = Integer(None, low=1, high=10_000_000, meaning="how many groups the ranks are split into",
                  otherwise="as many as ranks, at most as many as points")
# What one program cannot have in two ways.
_FIXED = {"solver.petsc": "PETSc's options hold for the whole program"}


def resolve(table, settings, schema, path):
    """Check the table [scan].

    Parameters
    ----------
    table : dict or None
        As it stands in the deck.
    settings : dict
        By where they come from, as "--set", plain values by key; they replace the list of a key, or add one, in their order.
    schema : dict
        The deck's sections by name.
    path : str
        Of the deck.

    Returns
    -------
    dict, or None where there is neither a table nor a setting

    Raises
    ------
    InputError
        Unknown key, key given twice, no list, empty list, lists of unequal length, nothing varied, too many points.
    """
    if table is None and not any(settings.values()):
        return None
    where = f"{path}, [scan]"
    if not isinstance(table, dict | None):
        raise no_section("scan", toml(table), path, "[scan] and keys below it")
    table, settings = dict(table or {}), {origin: dict(changes) for origin, changes in settings.items()}
    groups, together = _groups(table, settings, where), _together(table, where)
    factors = [{key: values} for key, values in _flat(table, where)]
    factors += [dict(_flat(part, f"{path}, [scan.together]")) for part in together]
    known = [f"{name}.{key}" for name, section in schema.items() for key in section.keys]
    for factor in factors:
        _check(factor, known, f"{where} ")
    for origin, changes in settings.items():
        _replace(factors, changes, known, f"{origin} scan.")
    every = [key for factor in factors for key in factor]
    for key in every:
        if every.count(key) > 1:
            raise InputError("given twice", where=f"{where} {key}", allowed="each key once, in [scan] or in [scan.together]")
    # In the order of the echo, so that a point has the same number when the echo is read.
    scan = {"groups": groups, "factors": sorted(factors, key=lambda factor: len(factor) > 1)}
    if not every:
        raise InputError("nothing is varied", where=where, allowed='at least one list, as "section.key" = [ … ]')
    if count(scan) > MOST:
        raise InputError(f"{count(scan)} points", where=where, allowed=f"up to {MOST}")
    return scan


def _groups(table, settings, where):
    """The number of groups, taken out of the table and the settings."""
    here, given = f"{where} groups", table.pop("groups", None)
    for origin, changes in settings.items():
        if "groups" in changes:
            here, given = f"{origin} scan.groups", changes.pop("groups")
    try:
        return None if given is None else _GROUPS.value(given)
    except Refused as refused:
        raise InputError(refused.what, where=here, given=f"groups = {short(toml(given))}",
                         allowed=refused.allowed or _GROUPS.allowed) from None


def _together(table, where):
    """The tables of lists that are varied together, taken out of the table: list of dict."""
    parts = table.pop("together", [])
    parts = [parts] if isinstance(parts, dict) else parts
    if not isinstance(parts, list) or not all(isinstance(part, dict) for part in parts):
        raise InputError("a table of lists is wanted", where=f"{where} together", given=f"together = {short(toml(parts))}",
                         allowed="[scan.together], or several [[scan.together]], with a list for each key")
    for part in parts:
        if not part:
            raise InputError("an empty table", where=f"{where} together", allowed="a list for each key")
    return parts


def _flat(table, where, prefix=""):
    """(dotted key, value) of a table, however its keys are written: list."""
    found = {}
    for entry, value in table.items():
        name = f"{prefix}{entry}"
        inner = _flat(value, where, name + ".") if isinstance(value, dict) and value else [(name, value)]
        for key, item in inner:
            if key in found:
                raise InputError("given twice", where=f"{where} {key}", allowed="each key once")
            found[key] = item
    return list(found.items())


def _check(factor, known, where):
    """Refuse what is not a list for each known key, all of the same length."""
    for key, values in factor.items():
        _check_list(key, values, known, where + key)
    lengths = {key: len(values) for key, values in factor.items()}
    if len(set(lengths.values())) > 1:
        raise InputError("lists of unequal length", where=f"{where}together",
                         given=", ".join(f"{key}: {length}" for key, length in lengths.items()),
                         allowed="lists of the same length, for they are varied together")


def _check_list(key, values, known, where):
    """Refuse what cannot be varied, or not so."""
    given = f"{word(key)} = {short(toml(values))}"
    if key not in known:
        elsewhere = next((place for place in known if place.rpartition(".")[2] == key.rpartition(".")[2]), None)
        raise InputError("unknown key", where=where, given=given, allowed="groups, together, and the deck's keys as section.key",
                         nearest=nearest(key, [*known, *({"groups", "together"} - {key})]) or elsewhere)
    if key in _FIXED:
        raise InputError(f"this key cannot be varied: {_FIXED[key]}", where=where, given=given,
                         allowed="any other key")
    if not isinstance(values, list):
        raise InputError("a list of values is wanted", where=where, given=given, allowed="[ …, … ]")
    if not values:
        raise InputError("an empty list", where=where, given=given, allowed="at least one value")


def _replace(factors, changes, known, where):
    """Let changes take the place of the deck's lists."""
    for key, values in changes.items():
        _check_list(key, values, known, where + key)
        home = next((factor for factor in factors if key in factor), None)
        if home is None:
            home = {}
            factors.append(home)
        home[key] = values
    # Only now: lists that are varied together may all have become longer or shorter.
    for factor in factors:
        _check(factor, known, where)


def keys(scan):
    """The keys that are varied: list of str."""
    return [key for factor in scan["factors"] for key in factor]


def _lengths(scan):
    return [len(next(iter(factor.values()))) for factor in scan["factors"]]


def count(scan):
    """How many points there are: int."""
    return math.prod(_lengths(scan))


def values(scan, number):
    """What the keys are at the point `number` from 0 on: {key: plain value}."""
    places = []
    for length in reversed(_lengths(scan)):
        number, place = divmod(number, length)
        places.append(place)
    return {key: column[place] for factor, place in zip(scan["factors"], reversed(places)) for key, column in factor.items()}


def told(point):
    """The values of a point as text: 'source.index = 2.2, time.rtol = 0.001'."""
    return ", ".join(f"{key} = {toml(value)}" for key, value in point.items())


def as_toml(scan):
    """The table as TOML text."""
    lines = ["[scan]  # each point of the product of these lists is a run"]
    if scan["groups"] is not None:
        lines.append(f"groups = {scan['groups']}  # {_GROUPS.meaning}")
    single = [factor for factor in scan["factors"] if len(factor) == 1]
    lines += [f"{toml(key)} = {toml(column)}" for factor in single for key, column in factor.items()]
    for factor in scan["factors"]:
        if len(factor) > 1:
            lines += ["", "[[scan.together]]  # varied together"]
            lines += [f"{toml(key)} = {toml(column)}" for key, column in factor.items()]
    return "\n".join(lines) + "\n"


def rows():
    """What a table [scan] may hold: its name, its meaning, list of (key, meaning)."""
    return "scan", "for `hpccr scan` only: the points of a map", [
        ("groups", f"{_GROUPS.meaning}, a whole number; default: {_GROUPS.otherwise}"),
        ('"section.key" = [ … ]', "values of any key of the deck; all lists make a product"),
        ("together", "a table, or several, of lists of equal length that are varied together")]


def reference():
    """What a table [scan] may hold, for `hpccr list`."""
    return aligned(*rows())
