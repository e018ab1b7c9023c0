"""Text files with two columns of numbers, # for comments; their meaning, and its source, are those of whoever reads them."""

import math
from pathlib import Path

import numpy as np

from hpccr.errors import InputError


def read(path, what, names, odd=lambda x, y: ""):
    """The two columns of a table, the first of which rises.

    Parameters
    ----------
    path : path-like
    what : str
        What the table is, for messages, as "cooling table".
    names : (str, str)
        Of the columns, with units.
    odd : callable (x, y) -> str
        What is wrong with two finite numbers, or "".

    Returns
    -------
    array (2, n), n ≥ 2
        In the unit of each column.

    Raises
    ------
    InputError
        The file cannot be read, a line is not two finite numbers, the first column does not rise, or there are fewer than two lines.
    """
    allowed = f"two columns, {names[0]} and {names[1]}, # for comments"
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "not a text file"
        raise InputError(f"the {what} cannot be read: {reason}", where=str(path), allowed=allowed) from None
    rows = []
    for number, line in enumerate(text.splitlines(), 1):
        words, where = line.partition("#")[0].split(), f"{path}, line {number}"
        if not words:
            continue
        given = " ".join(words)[:60]
        try:
            x, y = map(float, words)
        except ValueError:
            raise InputError(f"not a line of a {what}", where=where, given=given, allowed=allowed) from None
        if not (math.isfinite(x) and math.isfinite(y)):
            raise InputError("not a finite number", where=where, given=given)
        if wrong := odd(x, y):
            raise InputError(wrong, where=where, given=given, allowed=allowed)
        if rows and x <= rows[-1][0]:
            raise InputError(f"{names[0]} must rise", where=where, given=f"{x:g} after {rows[-1][0]:g}")
        rows.append((x, y))
    if len(rows) < 2:
        raise InputError(f"the {what} is too short", where=str(path), given=f"{len(rows)} lines", allowed="2 or more")
    return np.array(rows).T.copy()
