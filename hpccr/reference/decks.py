"""What a deck may hold: the sections of every problem, and what all decks share."""

from hpccr.deck import changes, scan
from hpccr.problems import registry
from hpccr.reference.markdown import code, link, plain, table

SHARED = "Sections of several problems"

_INTRODUCTION = """\
A deck is a TOML file: `problem = "…"`, then sections with keys. Every key has a default, so that a deck holds only what differs
from it. A value with a dimension is a text with a unit, `"20 pc"`; the column *unit* names one of the right kind, and any other of
that kind will do. A *pure number* has no unit, a *flag* is `true` or `false`, a *word* and a *path* stand in quotes. Limits are
inclusive but for *above*. `--set section.key=value` replaces a value on the command line.
"""


def problems():
    """The problems: {name: class}."""
    return {name: registry.load(name) for name in registry.names()}


def section(one):
    """A Section as Markdown: its name, its meaning, a table of its keys."""
    rows = [(code(key), plain(unit), plain(default) if kind.default is None or callable(kind.default) else code(default),
             plain(allowed), plain(meaning))
            for (key, unit, default, allowed, meaning), kind in zip(one.rows(), one.keys.values())]
    return f"**`[{one.name}]`** {plain(one.meaning)}\n\n" + table(["key", "unit", "default", "range or words", "meaning"], rows)


def shared():
    """The sections that more than one problem has alike: {Markdown: names of the problems}."""
    owners = {}
    for name, problem in problems().items():
        for one in problem.sections:
            owners.setdefault(section(one), []).append(name)
    return {text: names for text, names in owners.items() if len(names) > 1}


def general():
    """What holds for all decks, as Markdown below a heading of its own."""
    parts = [_INTRODUCTION, f"### {SHARED}\n"]
    parts += [f"{text}\nIn decks of {', '.join(names)}.\n" for text, names in shared().items()]
    parts += ["### Tables of all problems\n",
              *(f"**`[{name}]`** {plain(meaning)}\n\n" + table(["key", "meaning"], [(code(key), plain(says)) for key, says in rows])
                for name, meaning, rows in (scan.rows(), changes.rows()))]
    return "\n".join(parts)


def of_problem(problem):
    """The sections of a problem as Markdown; those that others have as well are named only."""
    common = shared()
    own = [section(one) for one in problem.sections if section(one) not in common]
    others = [code(f"[{one.name}]") for one in problem.sections if section(one) in common]
    return "\n".join(own + ([f"And {', '.join(others)}: see {link(SHARED)}.\n"] if others else []))
