"""From a path to plain values: the text of a deck file, the TOML in it, and the words of ``--set``."""

import os
import re
import stat
import sys

from hpccr.deck.messages import nearest, short, toml
from hpccr.errors import InputError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

_LARGEST = 1_000_000        # bytes; more is not a deck


def load(path):
    """The plain values of a deck file.

    Parameters
    ----------
    path : str

    Returns
    -------
    dict

    Raises
    ------
    InputError
        Missing, not a file, unreadable, too large, not text, empty, or not TOML.
    """
    content = _text(path)
    try:
        document = tomllib.loads(content)
    except RecursionError:
        raise InputError("not valid TOML: nested too deeply", where=path) from None
    except ValueError as error:
        raise _syntax_error(path, content, str(error)) from None
    if not document:
        raise InputError("empty deck", where=path, allowed='problem = "...", then sections; see hpccr list')
    return document


def _text(path):
    """The text of a deck file, or a refusal."""
    try:
        status = os.stat(path)
        if stat.S_ISDIR(status.st_mode):
            raise InputError("a directory, not a deck", where=path, allowed="a TOML file", nearest=_neighbour(path))
        if not stat.S_ISREG(status.st_mode):
            raise InputError("not a regular file", where=path, allowed="a TOML file")
        if status.st_size > _LARGEST:
            raise InputError(f"too large for a deck: {status.st_size} bytes", where=path, allowed=f"{_LARGEST} bytes")
        with open(path, "rb") as file:
            content = file.read()
    except FileNotFoundError:
        raise InputError("no such deck", where=path, allowed="a TOML file, or the name of a deck in run/",
                         nearest=_neighbour(path)) from None
    except OSError as error:
        raise InputError(f"the deck cannot be read: {error.strerror}", where=path) from None
    try:
        if b"\0" in content:
            raise ValueError
        return content.decode("utf-8-sig").replace("\r\n", "\n")
    except ValueError:
        raise InputError("a binary file, not a deck", where=path, allowed="a TOML file in UTF-8") from None


def _neighbour(path):
    """A file beside `path` with a similar name, or the deck of the run directory `path`, if there is one."""
    if os.path.isdir(path):
        deck = os.path.join(path, "deck.toml")
        return deck if os.path.isfile(deck) else None
    folder, name = os.path.split(path)
    try:
        found = nearest(name, [n for n in os.listdir(folder or ".") if n.endswith(".toml")])
    except OSError:
        return None
    return found and os.path.join(folder, found)


def _syntax_error(path, content, message):
    """The InputError for what is not TOML, with the line."""
    line = re.search(r"at line (\d+)", message)
    what = "not valid TOML: " + re.sub(r"\s*\(at [^()]*\)$", "", message)
    if re.search("[Cc]annot overwrite a value|twice", message):
        what += " (given twice?)"
    lines = content.rstrip("\n").split("\n")
    number = int(line[1]) if line else len(lines)
    given = lines[number - 1].strip() if number <= len(lines) else ""
    return InputError(what, where=f"{path}, line {number}", given=short(given) or None)


def overrides(settings):
    """The words of ``--set``.

    Parameters
    ----------
    settings : sequence of str
        "section.key=value"; the value is read as TOML, and as a bare text if it is none.

    Returns
    -------
    dict
        Plain value by "section.key".

    Raises
    ------
    InputError
        No "=" in it, or a key twice.
    """
    result = {}
    for setting in settings:
        path, equals, value = setting.partition("=")
        path = path.strip()
        if not equals or not path or not value.strip():
            raise InputError("not a setting", where="--set", given=short(setting), allowed="section.key=value")
        if path in result:
            raise InputError("set twice", where=f"--set {path}", given=f"{short(toml(result[path]))} and {short(value.strip())}",
                             allowed="each key once")
        result[path] = _bare(value.strip())
    return result


def _bare(value):
    try:
        parsed = tomllib.loads("value = " + value)
    except (ValueError, RecursionError):
        return value
    return parsed["value"] if parsed.keys() == {"value"} else value
