"""What `hpccr list` shows on the screen: the problems and decks that there are, and the keys of one of them."""

import os

from hpccr.deck import changes, library, reader
from hpccr.deck import scan as scans
from hpccr.deck.messages import nearest
from hpccr.errors import InputError
from hpccr.problems import registry


def catalogue():
    """The problems and the decks, a line each and what they reproduce below (str)."""
    problems, decks = {name: registry.load(name) for name in registry.names()}, library.decks()
    width, wide = max(map(len, problems), default=0), max(map(len, decks), default=0)
    lines = ["problems"]
    for name, problem in problems.items():
        lines.append(f"  {name:<{width}}  {problem.summary}")
        if problem.reproduces:
            lines.append(f"  {'':<{width}}  reproduces {problem.reproduces}")
    lines += ["", "decks"]
    lines += [f"  {name:<{wide}}  {library.title(path)}".rstrip() for name, path in decks.items()]
    lines += ["", "hpccr check DECK     what follows from a deck, and what it costs",
              "hpccr run DECK       runs it (hpccr scan, where its line begins with Scan); --quick: its quick form",
              "hpccr list --deck X  every key that the deck X, or a deck of the problem X, may have",
              "run/REFERENCE.md     every key, output variable and command"]
    return "\n".join(lines)


def keys(name):
    """Every key of the problem, or of the deck, `name` (str).

    Raises
    ------
    InputError
        There is neither.
    """
    if name in registry.names():
        problem = registry.load(name)
    else:
        known = [*registry.names(), *library.decks()]
        if name not in library.decks() and not os.path.exists(name):
            raise InputError("no such problem or deck", given=name, allowed=", ".join(known), nearest=nearest(name, known))
        problem = registry.load(reader.read(library.find(name), problems=registry).problem)
    head = f'problem = "{problem.name}"  {problem.summary}\n'
    return "\n".join([head, *(section.reference() for section in problem.sections), scans.reference(), changes.reference()])
