"""The input files that a deck names: where they are, and whether they are as they were."""

from hpccr.deck import library
from hpccr.deck.compound import File
from hpccr.errors import InputError
from hpccr.problems import registry


def located(deck):
    """(section, key, absolute path) of each file that a deck names: list.

    Raises
    ------
    InputError
        One is not there.
    """
    return [(section.name, key, library.input_file(deck.raw[section.name][key], deck.path, f"{section.name}.{key}"))
            for section in registry.load(deck.problem).sections for key, kind in section.keys.items()
            if isinstance(kind, File) and deck.raw[section.name][key] is not None]


def marks(deck):
    """What tells the content of each of these files: dict of digests by path.

    Raises
    ------
    InputError
        One is not there, or cannot be read.
    """
    from hpccr.output import ensemble_files

    return {path: ensemble_files.digest(path) for _, _, path in located(deck)}


def compare(before, now):
    """Refuse files that are not as they were, both dict of digests by path.

    Raises
    ------
    InputError
        With the names of those that have changed.
    """
    changed = [path for path, mark in before.items() if now.get(path) != mark]
    if changed:
        raise InputError("this file has changed since the run began", where=", ".join(changed),
                         allowed="the file as it was; with another one start a new run")
