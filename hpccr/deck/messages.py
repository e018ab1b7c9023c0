"""The words of an error: the nearest valid word, and deck values written as TOML."""

import datetime
import difflib
import json

from hpccr.errors import InputError


class Refused(Exception):
    """A value that a key, a section or a problem does not take.

    Parameters
    ----------
    what : str
        What is wrong, in a few words.
    key : str, optional
        The key in question, where the one who refuses checks more than one.
    allowed, nearest : str, optional
        What would be allowed, and the nearest valid word.
    """

    def __init__(self, what, key=None, *, allowed=None, nearest=None):
        super().__init__(what)
        self.what, self.key, self.allowed, self.nearest = what, key, allowed, nearest


def nearest(word, words):
    """The one of `words` that resembles `word` most, or None."""
    lower = {str(w).lower(): w for w in words}
    found = difflib.get_close_matches(str(word).lower(), list(lower), n=1, cutoff=0.6)
    return lower[found[0]] if found else None


def toml(value):
    """A plain value (str, bool, int, float, date, list, dict) as TOML text on one line."""
    if isinstance(value, str):
        # JSON's escapes are TOML's, except that TOML also escapes DEL.
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (datetime.date, datetime.time)):
        return value.isoformat()
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{word(k)} = {toml(v)}" for k, v in value.items()) + " }" if value else "{}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(toml, value)) + "]"
    return repr(value)


def word(key):
    """A key as TOML writes it: quoted only if it must be."""
    return key if key and all(c.isascii() and (c.isalnum() or c in "_-") for c in key) else toml(key)


def aligned(name, meaning, keys):
    """A table of the deck as text: its name and meaning, and below them `keys`, a list of (key, meaning), in two columns."""
    width = max(len(key) for key, _ in keys)
    return "\n".join([f"[{name}]  {meaning}", *(f"  {a:<{width}}  {b}" for a, b in [("key", "meaning"), *keys])]) + "\n"


def no_section(name, text, path, allowed):
    """The InputError for a value, written as `text`, where the deck at `path` should have the section `name`; for raising."""
    return InputError("a section is wanted, not a value", where=f"{path}, {name}", given=f"{name} = {short(text)}", allowed=allowed)


def short(text, length=100):
    """`text`, cut to `length` characters."""
    return text if len(text) <= length else text[:length - 1] + "…"
