"""The table [quick]: it acts as --set before --set, leaves no trace but a remark, and what is wrong in it is refused in any case."""

import json

import pytest

from hpccr.deck import scan as scans
from hpccr.deck.reader import Deck, read
from hpccr.errors import InputError

DECK = """problem = "toy"
[axes.z]
to = "1 kpc"
[source]
index = 2.2
[scan]
medium.phase = ["hot", "cold"]
[scan.together]
time.rtol = [1e-3, 1e-4, 1e-5]
axes.mu.cells = [8, 16, 32]
"""
WORDS = {"axes.z.cells": 64, "source.index": 2.4, "scan.time.rtol": [1e-3, 1e-4], "scan.axes.mu.cells": [8, 16]}
WAYS = ["".join(f'"{name}" = {value}\n' for name, value in WORDS.items()),
        "".join(f"{name} = {value}\n" for name, value in WORDS.items()),
        "axes.z.cells = 64\n[quick.source]\nindex = 2.4\n[quick.scan]\n'time.rtol' = [1e-3, 1e-4]\naxes.mu.cells = [8, 16]\n"]


@pytest.fixture
def deck(tmp_path, registry):
    """Reads a deck with these lines below [quick]."""
    def make(lines, *overrides, quick=True, content=DECK):
        path = tmp_path / "toy.toml"
        path.write_text(f"{content}[quick]\n{lines}", encoding="utf-8")
        return read(path, overrides, problems=registry, quick=quick)

    return make


@pytest.mark.parametrize("lines", WAYS)
def test_every_way_of_writing_it_acts_as_set(deck, lines):
    quick = deck(lines)
    same = deck("", *(f"{name}={value}" for name, value in WORDS.items()), quick=False)
    assert quick.digest() == same.digest() and quick.scan == same.scan and scans.count(quick.scan) == 4
    assert quick.quick == WORDS and "quick form" in quick.provenance()


@pytest.mark.parametrize("lines", WAYS)
def test_without_being_asked_for_it_changes_nothing(deck, tmp_path, registry, lines):
    plain = deck(lines, quick=False)
    (tmp_path / "bare.toml").write_text(DECK)
    bare = read(tmp_path / "bare.toml", problems=registry)
    assert plain.digest() == bare.digest() and plain.scan == bare.scan and plain.as_toml() == bare.as_toml()
    assert plain.quick is None and "quick" not in plain.provenance()


def test_set_wins(deck):
    found = deck(WAYS[0], "source.index=3.0", "scan.time.rtol=[1e-6, 1e-7]")
    assert found.source.index == 3.0 and found.axes.z.cells == 64
    assert found.scan["factors"][-1] == {"time.rtol": [1e-6, 1e-7], "axes.mu.cells": [8, 16]}


def test_the_stored_deck_is_complete_without_it(deck, tmp_path, registry):
    """The echo, what is sent to other ranks, and the points of a scan."""
    quick = deck(WAYS[0])
    echo = tmp_path / "echo.toml"
    echo.write_text(quick.as_toml())
    assert "quick" not in quick.as_toml() and read(echo, problems=registry).digest() == quick.digest()
    sent = Deck.from_dict(json.loads(json.dumps(quick.to_dict())), registry)
    assert sent.digest() == quick.digest() and sent.quick == quick.quick
    point = quick.point(3, registry)
    assert (point.source.index, point.axes.mu.cells, point.medium.phase) == (2.4, 16, "cold")
    assert "quick form" in point.provenance() and "quick form" in quick.alone().provenance()


def test_a_value_that_is_itself_a_table(deck):
    quick = deck('"source.radius" = { E = ["1 GeV", "10 GeV"], R = ["2 pc", "3 pc"] }')
    assert quick.raw["source"]["radius"]["R"] == ["2 pc", "3 pc"]


@pytest.mark.parametrize("quick", [True, False])
@pytest.mark.parametrize("lines, parts", [
    ("source.indx = 2", ["unknown key", "[quick] source.indx", "source.indx = 2", "source.index"]),
    ("sorce.index = 2", ["unknown section", "source.index"]),
    ("index = 2", ["index = 2", "source.index"]),
    ("source = 2", ["unknown section", "source = 2"]),
    ("axes.z.cells = 1.5", ["[quick] axes.z.cells", "1.5"]),
    ('source.radius = "10 s"', ["[quick] source.radius", '"10 s"']),
    ("scan.time.rtol = [1e-3]", ["lists of unequal length", "[quick]"]),
    ("scan.time.rtl = [1e-3]", ["unknown key", "[quick] scan.time.rtl", "time.rtol"]),
    ("scan.source.index = 2", ["a list of values is wanted", "[quick] scan.source.index"]),
    ("scan.groups = 0", ["[quick] scan.groups"]),
    ('"source.index" = 2.0\nsource.index = 2.1', ["given twice", "source.index"])])
def test_what_is_wrong_is_refused_in_any_case(deck, lines, parts, quick):
    with pytest.raises(InputError) as error:
        deck(lines, quick=quick)
    assert all(part in str(error.value) for part in parts), str(error.value)


def test_a_value_that_does_not_fit_is_blamed_on_the_quick_form(deck):
    with pytest.raises(InputError) as error:
        deck('source.E_max = "0.05 GeV"')
    assert "[quick] source.E_max" in str(error.value)


def test_a_value_is_no_table(tmp_path, registry):
    path = tmp_path / "toy.toml"
    path.write_text('quick = 3\n' + DECK)
    with pytest.raises(InputError, match="a section is wanted"):
        read(path, problems=registry)
