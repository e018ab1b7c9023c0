"""What replaces values of a deck: the words of ``--set``, and the deck's own table [quick], which ``--quick`` applies before.

    [quick]
    "ensemble.realisations" = 10                # or ensemble.realisations = 10
    "scan.turbulence.kind" = ["isotropic"]      # a list of [scan]
"""

from hpccr.deck.messages import Refused, aligned, nearest, no_section, short, toml, word
from hpccr.errors import InputError


def rows():
    """What a table [quick] may hold: its name, its meaning, list of (key, meaning)."""
    return "quick", "for --quick only: what the quick form of the deck has instead", [
        ('"section.key" = …', "a value of any key of the deck"),
        ('"scan.section.key" = [ … ]', "a list of [scan]")]


def reference():
    """What a table [quick] may hold, for `hpccr list`."""
    return aligned(*rows())


def place(name, value, schema, where):
    """The section and the key that a word names.

    Parameters
    ----------
    name : str
        "section.key".
    value
        What it shall become, for the message.
    schema : dict
        The deck's sections by name.
    where : str
        Of the word, for the message.

    Returns
    -------
    section, key : str

    Raises
    ------
    InputError
        There is no such key.
    """
    section, _, key = name.rpartition(".")
    if section not in schema or key not in schema[section].keys:
        places = [f"{other}.{k}" for other, s in schema.items() for k in s.keys]
        mine = [p for p in places if p.startswith(section + ".")] if section in schema else []
        elsewhere = next((p for p in places if p.rpartition(".")[2] == key), None)
        raise InputError("unknown key" if section in schema else "unknown section", where=f"{where} {name}",
                         given=f"{name} = {short(toml(value))}", allowed=", ".join(mine) or ", ".join(schema),
                         nearest=elsewhere or nearest(name, mine) or nearest(name, places))
    return section, key


def quick(table, schema, path):
    """Check the words and the values of the table [quick]; those of its scan are for `hpccr.deck.scan`.

    Parameters
    ----------
    table : dict or None
        As it stands in the deck.
    schema : dict
        The deck's sections by name.
    path : str
        Of the deck.

    Returns
    -------
    dict
        Plain value by "section.key" or "scan.section.key"; empty where there is no table.

    Raises
    ------
    InputError
        Unknown key, key given twice, or a value that the key does not take.
    """
    where = f"{path}, [quick]"
    if not isinstance(table, dict | None):
        raise no_section("quick", toml(table), path, "[quick] and keys of the deck below it")
    known, found = {f"{name}.{key}" for name, section in schema.items() for key in section.keys}, {}
    for name, value in _flat(table or {}, known):
        if name in found:
            raise InputError("given twice", where=f"{where} {name}", allowed="each key once")
        found[name] = value
        if not name.startswith("scan."):
            _check(*place(name, value, schema, where), value, schema, where)
    return found


def _flat(table, known, prefix=""):
    """(dotted key, value) of a table, however its keys are written: list."""
    found = []
    for entry, value in table.items():
        name = prefix + entry
        deeper = isinstance(value, dict) and value and name not in known
        found += _flat(value, known, name + ".") if deeper else [(name, value)]
    return found


def _check(section, key, value, schema, where):
    """Refuse a value that the key does not take."""
    kind = schema[section].keys[key]
    try:
        kind.value(value)
    except Refused as refused:
        raise InputError(refused.what, where=f"{where} {section}.{word(key)}", given=f"{section}.{key} = {short(toml(value))}",
                         allowed=refused.allowed or kind.allowed, nearest=refused.nearest) from None
