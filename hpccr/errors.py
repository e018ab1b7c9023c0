"""The two ways in which hpccr refuses: a user's input, or a run that cannot go on."""


class InputError(Exception):
    """Something the user gave cannot be used; exit status 2.

    Parameters
    ----------
    what : str
        What is wrong, in a few words.
    given, where, allowed, nearest : str, optional
        What was given, in which file or key, what would be allowed, and the nearest valid word.
    """

    def __init__(self, what, *, given=None, where=None, allowed=None, nearest=None):
        lines = [f"{_plain(where)}: {what}" if where else what]
        if given is not None:
            lines.append(f"  given    {_plain(given)}")
        if allowed is not None:
            lines.append(f"  allowed  {_plain(allowed)}")
        if nearest is not None:
            lines.append(f"  did you mean {_plain(nearest)}?")
        # `what` may be a message of several lines itself.
        super().__init__("\n".join(map(_plain, "\n".join(lines).split("\n"))))


def _plain(text):
    """`text` with what a terminal would not show, or would obey, written out: "\\x1b"."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in str(text))


class RunError(Exception):
    """A run that cannot go on: disk full, solver at its end; exit status 1."""


def no_memory(error):
    """The RunError that a MemoryError is to a user."""
    return RunError(f"there is not enough memory: {error or 'the process got no more'}")
