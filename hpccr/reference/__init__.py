"""The reference of commands, decks and output, made from the code itself: what `hpccr list --reference` prints.

    commands   from the declarations of the command line
    decks      from the sections of the problems
    output     from the files of small runs
"""

import inspect

from hpccr.reference import commands, decks, output
from hpccr.reference.markdown import link, plain

_TITLE = """# Reference of hpccr

Every command, deck key and output variable. This file is made from the code by

    hpccr list --reference > run/REFERENCE.md

and a test fails while it says anything else.
"""


def text(group, statuses):
    """The whole reference as Markdown; no MPI launcher may be at work.

    Parameters
    ----------
    group : click.Group
        The commands.
    statuses : dict
        What each exit status means.
    """
    chapters = {"Commands": commands.commands(group, statuses), "Decks": decks.general()}
    seen = set()
    for name, problem in decks.problems().items():
        found = output.of_problem(problem)
        seen |= found.files
        chapters[f"Problem {name}"] = "\n".join([
            f"{_equations(problem)}\n", f"- Reproduces: {plain(problem.reproduces)}.", f"- Held to: {plain(problem.truth)}.\n",
            f"### Deck of {name}\n", decks.of_problem(problem), f"### Output of {name}\n", output.markdown(found)])
    chapters["Files of a run"] = output.files(seen)
    contents = "\n".join(f"- {link(title)}" for title in chapters)
    return "\n".join([_TITLE, contents, "", *(f"## {title}\n\n{body}" for title, body in chapters.items())])


def _equations(problem):
    """What the problem's module says of itself: its equations stand four spaces in, as code does in Markdown."""
    said = inspect.getdoc(inspect.getmodule(problem))
    return "\n".join(line if line.startswith("    ") else plain(line) for line in said.splitlines())
