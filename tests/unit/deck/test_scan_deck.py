"""The table [scan]: every way of writing it gives the same points, they survive the echo, and what is wrong is explained."""

import json

import pytest

from hpccr.deck import scan as scans
from hpccr.deck.reader import Deck, read
from hpccr.errors import InputError

HEAD = 'problem = "toy"\n[axes.z]\nto = "1 kpc"\n'
LISTS = ['"source.index" = [2.0, 2.2, 2.4]\n"medium.phase" = ["hot", "cold"]\n',
         'source.index = [2.0, 2.2, 2.4]\nmedium.phase = ["hot", "cold"]\n',
         'source.index = [2.0, 2.2, 2.4]\n[scan.medium]\nphase = ["hot", "cold"]\n']


@pytest.fixture
def deck(tmp_path, registry):
    """Reads a deck with these lines below [scan] and these overrides."""
    def make(lines, *overrides, head=HEAD):
        path = tmp_path / "toy.toml"
        path.write_text(f"{head}[scan]\n{lines}", encoding="utf-8")
        return read(path, overrides, problems=registry)

    return make


def points(deck):
    return [scans.values(deck.scan, number) for number in range(scans.count(deck.scan))]


@pytest.mark.parametrize("lines", LISTS)
def test_every_way_of_writing_a_key_gives_the_product(deck, lines):
    assert points(deck(lines)) == [{"source.index": index, "medium.phase": phase}
                                   for index in (2.0, 2.2, 2.4) for phase in ("hot", "cold")]


@pytest.mark.parametrize("head", ["[scan.together]", "[[scan.together]]"])
def test_lists_that_go_together_are_one_factor(deck, head):
    found = points(deck(f'axes.mu.cells = [8, 16]\n{head}\n"source.index" = [2.0, 2.4]\ntime.rtol = [1e-3, 1e-5]\n'))
    assert found == [{"axes.mu.cells": cells, "source.index": index, "time.rtol": rtol}
                     for cells in (8, 16) for index, rtol in ((2.0, 1e-3), (2.4, 1e-5))]


def test_several_groups_of_lists_make_a_product(deck):
    found = points(deck('[[scan.together]]\nsource.index = [2.0, 2.4]\ntime.rtol = [1e-3, 1e-5]\n'
                        '[[scan.together]]\naxes.z.cells = [8, 16, 32]\nsource.members = [1, 2, 3]\n'))
    assert len(found) == 6 and found[4] == {"source.index": 2.4, "time.rtol": 1e-5, "axes.z.cells": 16, "source.members": 2}


def test_a_point_is_the_deck_with_other_values(deck, registry, tmp_path):
    """The same deck as one that is written with these values, its dependent defaults included, and without a scan."""
    whole = deck(LISTS[0])
    for number, values in enumerate(points(whole)):
        path = tmp_path / "single.toml"
        path.write_text(HEAD)
        single = read(path, [f"{key}={value}" for key, value in values.items()], problems=registry)
        point = whole.point(number, registry)
        assert point.digest() == single.digest() and point.scan is None and "[scan]" not in point.as_toml()
    assert [whole.point(number, registry).medium.B for number in (0, 1)] == pytest.approx([1e-6, 6e-6])


def test_the_echo_and_the_broadcast_keep_every_point(deck, registry, tmp_path):
    """Also where factors of one list and of several are mixed, and a default follows from what is varied."""
    whole = deck('groups = 3\n[[scan.together]]\nsource.index = [2.0, 2.4]\ntime.rtol = [1e-3, 1e-5]\n'
                 '[[scan.together]]\nmedium.phase = ["hot", "cold"]\n', "scan.source.E_min=['1 GeV', '2 GeV']")
    path = tmp_path / "echo.toml"
    path.write_text(whole.as_toml(), encoding="utf-8")
    sent = Deck.from_dict(json.loads(json.dumps(whole.to_dict())), registry)
    for other in (read(path, problems=registry), sent):
        assert other.scan["groups"] == 3 and points(other) == points(whole) and len(points(whole)) == 8
        assert [other.point(n, registry).digest() for n in range(8)] == [whole.point(n, registry).digest() for n in range(8)]
    assert len({whole.point(n, registry).digest() for n in range(8)}) == 8


def test_the_sections_do_not_know_of_the_scan(deck, registry, tmp_path):
    path = tmp_path / "plain.toml"
    path.write_text(HEAD)
    plain, whole = read(path, problems=registry), deck(LISTS[0])
    assert plain.scan is None and plain.digest() == whole.digest() and plain.differences(whole) == []
    assert Deck.from_dict({k: v for k, v in plain.to_dict().items() if k != "scan"}, registry).scan is None


def test_set_replaces_and_adds_lists(deck):
    whole = deck(LISTS[0], "scan.source.index=[3.0]", "scan.groups=2", "scan.axes.z.cells=[8, 16]", "source.members=7")
    assert scans.keys(whole.scan) == ["source.index", "medium.phase", "axes.z.cells"] and whole.scan["groups"] == 2
    assert scans.count(whole.scan) == 4 and scans.values(whole.scan, 0)["source.index"] == 3.0 and whole.source.members == 7
    assert whole.is_set("source.members") and not whole.is_set("source.index")


def test_set_alone_makes_a_scan(tmp_path, registry):
    path = tmp_path / "plain.toml"
    path.write_text(HEAD)
    made = read(path, ["scan.source.index=[2.0, 2.4]"], problems=registry)
    assert points(made) == [{"source.index": 2.0}, {"source.index": 2.4}]


@pytest.mark.parametrize("lines, parts", [
    ("source.indx = [2.0]", ["[scan] source.indx: unknown key", "did you mean source.index?"]),
    ("index = [2.0]", ["unknown key", "did you mean source.index?"]), ("gruops = 2", ["unknown key", "did you mean groups?"]),
    ("source.index = 2.0", ["[scan] source.index: a list of values is wanted", "2.0"]),
    ("source.index = []", ["source.index: an empty list"]), ("", ["nothing is varied"]), ("groups = 2", ["nothing is varied"]),
    ("groups = 0\nsource.index = [2.0]", ["groups: out of range"]),
    ("groups = 'x'\nsource.index = [2.0]", ["a whole number is wanted"]),
    ("source.index = [2.0]\n'source.index' = [2.2]", ["source.index: given twice"]),
    ("source.index = [2.0]\n[scan.together]\nsource.index = [2.2]", ["source.index: given twice"]),
    ("[scan.together]\nsource.index = [2.0, 2.2]\ntime.rtol = [1e-3]",
     ["lists of unequal length", "source.index: 2", "time.rtol: 1"]),
    ("together = 3", ["together: a table of lists is wanted"]), ("[scan.together]", ["an empty table"]),
    ("solver.petsc = ['-a', '-b']", ["cannot be varied", "whole program"]),
    (f"source.members = {list(range(1, 101))}\naxes.z.cells = {list(range(4, 1004))}\ntime.rtol = [1e-3, 1e-4]",
     ["200000 points", "100000"])])
def test_what_is_wrong_is_explained(deck, lines, parts):
    with pytest.raises(InputError) as error:
        deck(lines)
    assert all(part in str(error.value) for part in parts), error.value


@pytest.mark.parametrize("override, parts", [
    ("scan.source.indx=[2.0]", ["--set scan.source.indx: unknown key", "source.index"]),
    ("scan.source.index=2.0", ["--set scan.source.index: a list of values is wanted"]),
    ("scan.groups=no", ["--set scan.groups"])])
def test_what_is_wrong_on_the_command_line_is_explained(deck, override, parts):
    with pytest.raises(InputError) as error:
        deck(LISTS[0], override)
    assert all(part in str(error.value) for part in parts), error.value


@pytest.mark.parametrize("lines, number, parts", [
    ("source.index = [2.0, 9.0]", 1, ["[scan] source.index: out of range", "1 to 4", "at point 2 of 2: source.index = 9.0"]),
    ("source.E_min = ['1 GeV', '1 kyr']", 1, ["wrong unit", "at point 2 of 2"]),
    ("medium.phase = ['hot', 'cald']", 1, ['did you mean "cold"?', 'at point 2 of 2: medium.phase = "cald"']),
    ("axes.z.from = ['0 pc', '2 kpc']", 1, ["ends before it begins", 'at point 2 of 2: axes.z.from = "2 kpc"'])])
def test_a_point_that_cannot_be_is_named(deck, registry, lines, number, parts):
    whole = deck(lines)
    assert whole.point(0, registry).problem == "toy"
    with pytest.raises(InputError) as error:
        whole.point(number, registry)
    assert all(part in str(error.value) for part in parts), error.value


def test_a_scan_that_is_no_table(tmp_path, registry):
    path = tmp_path / "toy.toml"
    path.write_text('problem = "toy"\nscan = 3\n')
    with pytest.raises(InputError, match="a section is wanted"):
        read(path, problems=registry)
    path.write_text('problem = "toy"\n[scna]\nsource.index = [2.0]\n')
    with pytest.raises(InputError, match=r"did you mean \[scan\]\?"):
        read(path, problems=registry)
