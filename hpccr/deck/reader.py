"""From a deck file to the checked, resolved, immutable deck of a run.

    read -> Deck -> to_dict | (broadcast) | from_dict -> Deck        one rank reads, all have it
    read -> Deck -> as_toml -> file -> read                          the run directory's deck is the deck
    read -> Deck -> point -> Deck                                    one point of a scan
"""

import dataclasses
import hashlib
import json

import numpy as np

from hpccr.deck import changes, common, source
from hpccr.deck import scan as scans
from hpccr.deck.messages import Refused, nearest, no_section, short, toml, word
from hpccr.deck.schema import Values, attribute
from hpccr.errors import InputError


class Deck:
    """A resolved deck.

    Attributes
    ----------
    path : str
        Where it was read.
    problem : str
        Name of the problem.
    sections : dict
        Values by section name; `deck.source` and `deck["source"]` are short for `deck.sections["source"]`,
        and a nested section is found as `deck.axes.z` or `deck["axes.z"]`.
    raw : dict
        The plain value of every key, by section and key; None where a key is absent.
    scan : dict or None
        The table [scan] (see deck.scan). It is no part of what the sections say: a run and its digest do not know it.
    quick : dict or None
        Of a quick form: what the table [quick] has replaced (see deck.changes). It is told, and means nothing more.
    """

    def __init__(self, path, problem, schema, raw, origins=None, scan=None, quick=None):
        self.path, self.problem, self.raw, self.scan, self.quick = str(path), problem, raw, scan, quick
        self._schema, self._origins = {section.name: section for section in schema}, origins or {}
        self.sections = {name: self._values(section) for name, section in self._schema.items()}

    def _values(self, section):
        """The values of a section; a refusal becomes an InputError that says where."""
        try:
            return section.values(self.raw[section.name])
        except Refused as refused:
            raise self.refuse(f"{section.name}.{refused.key}", refused.what, allowed=refused.allowed, nearest=refused.nearest) from None

    def __getitem__(self, name):
        return self.sections[name]

    def __contains__(self, name):
        return name in self.sections

    def __getattr__(self, name):
        sections = vars(self).get("sections", {})
        for full in sections:
            if attribute(full) == name:
                return sections[full]
        inner = {full.partition(".")[2]: values for full, values in sections.items() if full.startswith(name + ".")}
        if not inner:
            raise AttributeError(f"this deck has no section {name}")
        return Values(inner)

    def to_dict(self):
        """The deck as plain dicts and lists, to send to other ranks."""
        return {"path": self.path, "problem": self.problem, "raw": self.raw, "scan": self.scan, "quick": self.quick,
                "origins": {".".join(place): origin for place, origin in self._origins.items()}}

    @classmethod
    def from_dict(cls, content, problems):
        """The deck that `to_dict` described; touches no file. `problems` as in `read`.

        Raises
        ------
        InputError
            Another version of hpccr described it, whose decks have other keys; or a value that has been put there cannot be used.
        """
        origins = {tuple(place.rpartition(".")[::2]): origin for place, origin in content["origins"].items()}
        schema, raw = problems.load(content["problem"]).sections, content["raw"]
        for section in schema:
            if other := set(section.keys) ^ set(raw.get(section.name, ())):
                raise InputError("this deck was made by another version of hpccr", where=content["path"],
                                 given=f"[{section.name}], with or without {', '.join(sorted(other))}", allowed="the version that made it")
        return cls(content["path"], content["problem"], schema, raw, origins, content.get("scan"), content.get("quick"))

    def point(self, number, problems):
        """The deck of one point of the scan, which has no scan itself.

        Parameters
        ----------
        number : int
            From 0 on.
        problems
            As in `read`.

        Raises
        ------
        InputError
            What it holds cannot be used; the message says which point it is.
        """
        problem, values = problems.load(self.problem), scans.values(self.scan, number)
        given, origins = {name: {} for name in self._schema}, dict(self._origins)
        for section, key in origins:
            given[section][key] = self.raw[section][key]
        for place, value in values.items():
            section, _, key = place.rpartition(".")
            given[section][key], origins[section, key] = value, "scan"
        try:
            raw = {name: _resolve(section, given[name], self.path, origins) for name, section in self._schema.items()}
            deck = Deck(self.path, self.problem, problem.sections, raw, origins, quick=self.quick)
            _check(deck, self._schema, problem)
        except InputError as error:
            raise self.at_point(number, error) from None
        return deck

    def alone(self):
        """The deck without its scan: the base point."""
        return Deck(self.path, self.problem, self._schema.values(), self.raw, self._origins, quick=self.quick)

    def provenance(self):
        """Where the deck comes from, and whether it is the quick form, in one line: str."""
        path = "\\n".join(self.path.splitlines())
        return f"{path}, quick form" if self.quick else path

    def at_point(self, number, error):
        """The InputError of a point of the scan, with its values: InputError."""
        values = scans.told(scans.values(self.scan, number))
        return InputError(f"{error}\n  at point {number + 1} of {scans.count(self.scan)}: {values}")

    def is_set(self, place):
        """Whether ``--set`` gave the value of "section.key"."""
        return self._origins.get(place.rpartition(".")[::2]) == "--set"

    def as_toml(self):
        """The complete deck as commented TOML text."""
        head, tail = f"problem = {toml(self.problem)}\n", [] if self.scan is None else [scans.as_toml(self.scan)]
        return "\n".join([head, *(section.as_toml(self._echoed(name)) for name, section in self._schema.items()), *tail])

    def _echoed(self, name):
        """The plain values of a section for the echo."""
        if self.scan is None:
            return self.raw[name]
        # A default that follows from other keys is another one at each point.
        return {key: None if callable(kind.default) and (name, key) not in self._origins else self.raw[name][key]
                for key, kind in self._schema[name].keys.items()}

    def digest(self):
        """SHA-256 (hex) of what the deck means: the same for "0.02 kpc" and "20 pc"."""
        content = {"problem": self.problem, **{name: _canonical(values) for name, values in self.sections.items()}}
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()

    def differences(self, other):
        """Where two decks do not mean the same: a list of "source.radius: 10 pc != 20 pc"."""
        if self.problem != other.problem:
            return [f"problem: {self.problem} != {other.problem}"]
        result = []
        for name, section in self._schema.items():
            for key in section.keys:
                if _canonical(self[name][key]) != _canonical(other[name][key]):
                    mine, theirs = (_shown(deck.raw[name][key]) for deck in (self, other))
                    result.append(f"{name}.{key}: {mine} != {theirs}")
        return result

    def refuse(self, place, what, *, allowed=None, nearest=None):
        """The InputError that says that the value of `place` ("source.radius") cannot be used; for raising."""
        name, _, key = place.rpartition(".")
        kind = self._schema[name].keys[key]
        raw = self.raw[name][key]
        given = f"{word(key)} = {short(_shown(raw))}"
        origin = self._origins.get((name, key), "default")
        if origin == "default":
            given += " (default)"
        return InputError(what, where=_origin(self.path, origin, name, key), given=given, allowed=allowed or kind.allowed,
                          nearest=nearest)


def read(path, overrides=(), *, problems, quick=False):
    """Read, check and resolve a deck.

    Parameters
    ----------
    path : str
        The TOML file.
    overrides : sequence of str
        "section.key=value", as after ``--set``.
    problems : module or object
        With ``names()`` and ``load(name)``; what is loaded has `sections` (of `Section`) and ``check(deck)``.
    quick : bool
        Whether the table [quick] replaces what it names, before the overrides do. What it says is checked in any case.

    Returns
    -------
    Deck

    Raises
    ------
    InputError
        For anything in the deck or the overrides that is not allowed.
    """
    path = str(path)
    document = source.load(path)
    settings = source.overrides(overrides)
    name = _problem_name(path, document, problems)
    problem = problems.load(name)
    schema = {section.name: section for section in problem.sections}
    given = {section: {} for section in schema}
    _collect({k: v for k, v in document.items() if k not in ("problem", "scan", "quick")}, "", schema, given, path)
    origins = {(section, key): "deck" for section, keys in given.items() for key in keys}
    form = changes.quick(document.get("quick"), schema, path)
    words = {f"{path}, [quick]": form if quick else {}, "--set": settings}
    scan = _scan(document, words, schema, path)
    if not quick:
        _scan(document, {f"{path}, [quick]": form}, schema, path)       # what is wrong with it is said in any case
    for where, replaced in words.items():
        for place, value in replaced.items():
            if not place.startswith("scan."):
                section, key = changes.place(place, value, schema, where)
                given[section][key], origins[section, key] = value, where if where == "--set" else "quick"
    raw = {section: _resolve(schema[section], given[section], path, origins) for section in schema}
    deck = Deck(path, name, problem.sections, raw, origins, scan, form if quick else None)
    _check(deck, schema, problem)
    return deck


def _scan(document, words, schema, path):
    """The table [scan] with the lists that the words "scan.section.key" replace."""
    lists = {where: {place[5:]: value for place, value in replaced.items() if place.startswith("scan.")}
             for where, replaced in words.items()}
    return scans.resolve(document.get("scan"), lists, schema, path)


def _problem_name(path, document, problems):
    """The problem that the deck names, or a refusal."""
    names = problems.names()
    allowed = ", ".join(map(toml, names))
    if "problem" not in document:
        near = nearest("problem", document)
        raise InputError("missing key problem", where=path, given=near and f"{word(near)} = {_shown(document[near])}",
                         allowed=f"problem = one of {allowed}", nearest=near and "problem")
    name = document["problem"]
    given = f"problem = {short(_shown(name))}"
    if not isinstance(name, str):
        raise InputError("a text is wanted", where=f"{path}, problem", given=given, allowed=allowed)
    if name not in names:
        near = nearest(name, names)
        raise InputError("unknown problem", where=f"{path}, problem", given=given, allowed=allowed, nearest=near and toml(near))
    return name


def _collect(table, prefix, schema, given, path):
    """Sort the entries of the TOML table `prefix` into `given`; refuse what no section knows."""
    for entry, value in table.items():
        name = f"{prefix}.{entry}" if prefix else entry
        # A quoted "axes.z" is not the section axes.z.
        if "." not in entry and any(section == name or section.startswith(name + ".") for section in schema):
            if not isinstance(value, dict):
                raise no_section(word(entry), _shown(value), path, f"[{name}] and keys below it")
            _collect(value, name, schema, given, path)
        elif prefix in schema and entry in schema[prefix].keys:
            given[prefix][entry] = value
        else:
            raise _unknown(entry, value, prefix, schema, path)


def _unknown(entry, value, prefix, schema, path):
    """The InputError for a key or section that there is not, with the nearest that there is."""
    here = [section[len(prefix) + 1 if prefix else 0:].split(".")[0] for section in schema
            if section.startswith(prefix + "." if prefix else "")]
    keys = list(schema[prefix].keys) if prefix in schema else []
    elsewhere = next((f"{entry} in [{name}]" for name, section in schema.items() if entry in section.keys), None)
    if isinstance(value, dict) and (here or not keys):
        name = f"{prefix}.{entry}" if prefix else entry
        known = [*schema, "scan", "quick"]
        near = nearest(name, known)
        return InputError("unknown section", where=f"{path}, [{name}]", allowed=", ".join(f"[{s}]" for s in known),
                          nearest=near and f"[{near}]")
    where = _where(path, prefix, entry) if prefix else f"{path}, {word(entry)}"
    allowed = keys + [f"[{prefix}.{n}]" for n in here] if prefix else ["problem", *(f"[{s}]" for s in schema)]
    return InputError("unknown key", where=where, given=f"{word(entry)} = {short(_shown(value))}",
                      allowed=", ".join(dict.fromkeys(allowed)),
                      nearest=elsewhere or nearest(entry, keys or (here if prefix else ["problem"])))


def _resolve(section, given, path, origins):
    """A section completed by its defaults; a refusal becomes an InputError that says where."""
    try:
        return section.resolve(given)
    except Refused as refused:
        key = refused.key
        where = _origin(path, origins.get((section.name, key)), section.name, key)
        shown = f"{word(key)} = {short(_shown(given[key]))}" if key in given else f"{word(key)} (default)"
        raise InputError(refused.what, where=where, given=shown, allowed=refused.allowed, nearest=refused.nearest) from None


def _check(deck, schema, problem):
    """What no key can see alone: the checks of the sections, of what all decks share, and of the problem."""
    for name, section in schema.items():
        if section.check:
            try:
                section.check(deck[name])
            except Refused as refused:
                if refused.key is None:
                    raise InputError(refused.what, where=f"{deck.path}, [{name}]", allowed=refused.allowed) from None
                raise deck.refuse(f"{name}.{refused.key}", refused.what, allowed=refused.allowed,
                                  nearest=refused.nearest) from None
    common.check(deck)
    problem.check(deck)


def _where(path, section, key):
    return f"{path}, [{section}] {word(key)}"


def _origin(path, origin, section, key):
    """Where a value came from: the deck, its [scan] or [quick], or the command line."""
    if origin in ("scan", "quick"):
        return f"{path}, [{origin}] {section}.{word(key)}"
    return _where("--set" if origin == "--set" else path, section, key)


def _shown(raw):
    return "nothing" if raw is None else toml(raw)


def _canonical(value):
    """`value` as plain lists and texts; floats to 12 digits, for units may shift the last ones."""
    if isinstance(value, Values):
        return {key: _canonical(value[key]) for key in value}
    if dataclasses.is_dataclass(value):
        return [_canonical(vars(value)[f.name]) for f in dataclasses.fields(value)]
    if isinstance(value, np.ndarray):
        return [_canonical(float(v)) for v in value]
    if isinstance(value, dict):
        return {key: _canonical(value[key]) for key in value}
    return f"{value:.12e}" if isinstance(value, float) else value
