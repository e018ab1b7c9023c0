"""The measures of the house beside those of four well-built codes of the field: `python tests/contract/house.py` prints the table.

It also writes tests/contract/HOUSE.md. What is measured is every module outside of tests/, with its syntax tree.
"""

import ast
import statistics
from pathlib import Path
from typing import NamedTuple

from docstrings import section, shape, unit
from syntax import ROOT, Function, arguments, called, functions

HERE = Path(__file__).parent
MODELS = ("PyFR", "pyro2", "fbpic", "Gusto")
TITLE = """# The house in figures

Every module outside of `tests/`, read with its syntax tree, beside four well-built codes of the field: PyFR 2dc378a4 (2026-04), pyro2
adaf5c59 (2026-07), Gusto dd3167f8 (2026-08) and fbpic 3e9f181e (2023-12), measured without their tests. Docstrings and messages are
searched for patterns, good to a few per cent; arguments are counted without `self`. An error shows the bad value if its message holds
anything that the program fills in. Of docstrings a function's own count alone; with those of the methods that they override, all public
functions have one (`test_docstrings.py`).

    python tests/contract/house.py

prints this table and writes this file. `test_figures.py` fails when a figure leaves the range in the last column, or when this file
has become old.

"""


class Row(NamedTuple):
    """A measure.

    Attributes
    ----------
    words : str
        What is measured, with the unit of the figures.
    models : tuple of str
        The figures of MODELS.
    key : str
        Of the figures in what `measured` returns.
    low, high : tuple of float or None
        The range in which each figure of hpccr must lie.
    """

    words: str
    models: tuple
    key: str
    low: tuple = None
    high: tuple = None


ROWS = (
    Row("lines per module: median / max", ("129 / 1,075", "87 / 1,179", "216 / 1,290", "310 / 1,097"), "lines", high=(180, 500)),
    Row("modules over 500 lines [%]", ("8", "6", "22", "31"), "large", high=(0,)),
    Row("functions per file: median / max", ("8 / 54", "2 / 43", "4 / 23", "6 / 65"), "functions", high=(12, 50)),
    Row("functions over 60 lines [%]", ("2.2", "19", "26", "12"), "long", high=(0.5,)),
    Row("functions with over 7 arguments [%]", ("0.9", "7.8", "26", "6.1"), "many", high=(5,)),
    Row("function docstrings [%]", ("0", "76", "94", "87"), "docstrings", low=(70,)),
    Row("function docstrings giving a shape / a unit [%]", ("0 / 0", "15 / 1", "32 / 20", "4 / 4"), "giving", low=(25, 15)),
    Row("docstrings with a Raises section [%]", ("0", "0", "0", "7"), "raises", low=(5,)),
    Row("errors that show the bad value [%] / errors", ("23 / 263", "12 / 25", "46 / 84", "40 / 222"), "errors", low=(80, 1)),
    Row("test functions in the tree", ("1", "63", "42", "183"), "tests", low=(500,)),
)


def trees():
    """The syntax trees of all modules outside of tests/ with their numbers of lines: list of (tree, int)."""
    paths = [path for folder in (ROOT, ROOT.parent / "postprocess", ROOT.parent / "jobscripts") for path in sorted(folder.rglob("*.py"))]
    texts = [path.read_text(encoding="utf-8") for path in paths]
    return [(ast.parse(text), len(text.splitlines())) for text in texts if text.strip()]


def shows(error):
    """Whether the message of an error holds more than what stands in the source; deck.refuse(…) and Refused get the value of the key."""
    given = [*error.args, *(keyword.value for keyword in error.keywords)]
    return "refuse" in called(error).lower() or any(not isinstance(node, ast.Constant) for node in given)


def measured():
    """The figures of hpccr: dict of tuple of float, by the keys of ROWS."""
    modules = trees()
    lines = [count for _, count in modules]
    each = [[(node, method) for _, node, method in functions(tree) if isinstance(node, Function)] for tree, _ in modules]
    every = [pair for found in each for pair in found]
    texts = [text for node, _ in every if (text := ast.get_docstring(node))]
    errors = [node.exc for tree, _ in modules for node in ast.walk(tree) if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call)
              and called(node.exc) != "NotImplementedError"]
    tests = [node for path in HERE.parent.rglob("test_*.py") for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
             if isinstance(node, Function) and node.name.startswith("test_")]

    def percent(found, of):
        return 100 * sum(map(bool, found)) / len(of)

    return {"lines": (statistics.median(lines), max(lines)),
            "large": (percent((count > 500 for count in lines), lines),),
            "functions": (statistics.median(map(len, each)), max(map(len, each))),
            "long": (percent((node.end_lineno - node.lineno >= 60 for node, _ in every), every),),
            "many": (percent((len(arguments(*pair)) > 7 for pair in every), every),),
            "docstrings": (100 * len(texts) / len(every),),
            "giving": (percent(map(shape, texts), texts), percent(map(unit, texts), texts)),
            "raises": (percent((section(text, "Raises") for text in texts), texts),),
            "errors": (percent(map(shows, errors), errors), len(errors)),
            "tests": (len(tests),)}


def written(figures):
    """Figures as text: two digits below ten, none after the point above."""
    return " / ".join(f"{x:,.0f}" if x >= 10 or x == int(x) else f"{x:.1f}" for x in figures)


def allowed(row):
    """The range of a row as text."""
    return f"from {written(row.low)}" if row.low else f"to {written(row.high)}"


def table(figures):
    """The table as Markdown."""
    rows = [("measured", "hpccr", *MODELS, "hpccr must keep")]
    rows += [(row.words, written(figures[row.key]), *row.models, allowed(row)) for row in ROWS]
    rows.insert(1, ("---",) * len(rows[0]))
    return "\n".join(f"| {' | '.join(cells)} |" for cells in rows) + "\n"


if __name__ == "__main__":
    text = table(measured())
    (HERE / "HOUSE.md").write_text(TITLE + text, encoding="utf-8")
    print(text, end="")
