"""The measures of the house keep their ranges, and HOUSE.md tells them as they are, but for small changes."""

import ast
import re

import house
import pytest

FIGURES = house.measured()
HOUSE = (house.HERE / "HOUSE.md").read_text(encoding="utf-8")
each_row = pytest.mark.parametrize("row", house.ROWS, ids=lambda row: row.key)


def numbers(text):
    """The figures in a cell of the table: list of float."""
    return [float(word.replace(",", "")) for word in re.findall(r"\d[\d,.]*", text)]


@each_row
def test_a_figure_keeps_its_range(row):
    figures = FIGURES[row.key]
    assert all(x >= low for x, low in zip(figures, row.low or (0,) * len(figures), strict=True))
    assert all(x <= high for x, high in zip(figures, row.high or (1e9,) * len(figures), strict=True))


@each_row
def test_the_table_is_not_old(row):
    """Within a fifth, or 3: else `python tests/contract/house.py` writes it anew."""
    cells = next(line for line in HOUSE.splitlines() if line.startswith(f"| {row.words} |")).split("|")
    assert numbers(cells[2]) == pytest.approx(list(FIGURES[row.key]), rel=0.2, abs=3)
    assert [cell.strip() for cell in cells[3:8]] == [*row.models, house.allowed(row)]


def test_the_words_of_the_table_are_those_of_the_command():
    assert HOUSE.startswith(house.TITLE) and HOUSE.count("\n| ") == len(house.ROWS) + 2


@pytest.mark.parametrize("error, shown", [
    ("InputError('no such deck')", False), ("InputError('no', allowed='this')", False), ("InputError('no', given=x)", True),
    ("InputError(f'no {x}')", True), ("deck.refuse('a.b', 'more')", True), ("Refused('must rise', 'a')", True), ("OSError()", False)])
def test_messages_with_and_without_the_value(error, shown):
    assert house.shows(ast.parse(error).body[0].value) == shown
