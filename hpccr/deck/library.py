"""The decks that come with the code: `run/` in the working directory, then beside the package."""

import os
from pathlib import Path

from hpccr.deck.messages import nearest, toml
from hpccr.errors import InputError


def decks():
    """The known decks: path by name."""
    folders = [Path("run"), Path(__file__).resolve().parents[2] / "run"]
    found = {}
    for folder in folders:
        if folder.is_dir():
            for path in sorted(folder.glob("*.toml")):
                found.setdefault(path.stem, str(path))
    return found


def find(name):
    """The path of a deck.

    Parameters
    ----------
    name : str
        A path, or the bare name of a known deck; a file wins over a deck, a deck over a directory.

    Returns
    -------
    str

    Raises
    ------
    InputError
        A bare name that is neither.
    """
    if os.path.isfile(name):
        return name
    known = decks()
    if name in known:
        return known[name]
    if os.path.exists(name) or os.path.basename(name) != name or name.endswith(".toml"):
        return name         # the reader says what is wrong with it
    raise InputError("no such deck", given=name, where="deck", nearest=nearest(name, [*known, *map(str, sorted(Path().glob("*.toml")))]),
                     allowed=", ".join(known) + ", or the path of a TOML file" if known else "the path of a TOML file")


def title(path):
    """What a deck says about itself: its first line, if that is a comment."""
    try:
        with open(path, encoding="utf-8") as file:
            first = file.readline(300).strip()
    except (OSError, ValueError):
        return ""
    return first.lstrip("# ").rstrip() if first.startswith("#") else ""


def input_file(path, deck, key):
    """Where a file that a deck names is: as given from the working directory, or beside the deck.

    Parameters
    ----------
    path, deck : str
        As the deck gives it, and the path of the deck.
    key : str
        Which names the file, as "turbulence.waves_file".

    Returns
    -------
    str
        Absolute.

    Raises
    ------
    InputError
    """
    places = [path, os.path.join(os.path.dirname(deck), path)]
    for place in places:
        if os.path.isfile(place):
            return os.path.abspath(place)
    section, _, name = key.rpartition(".")
    what = "this is a directory" if any(map(os.path.isdir, places)) else "there is no such file"
    raise InputError(f"{path}: {what}", given=f"{name} = {toml(path)}", where=f"{deck}, [{section}] {name}",
                     allowed="the path of a file, from the working directory or from the deck's directory")
