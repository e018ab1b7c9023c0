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
        head = f"{where}: {what}" if where else what
        lines = [head]
        if given is not None:
            lines.append(f"  given    {given}")
        if allowed is not None:
            lines.append(f"  allowed  {allowed}")
        if nearest is not None:
            lines.append(f"  did you mean {nearest}?")
        super().__init__("\n".join(lines))


class RunError(Exception):
    """A run that cannot go on: disk full, solver at its end; exit status 1."""
