"""Every deck of run/ checks, runs in small, and says what it is; every problem has one."""

import re

import pytest
from jobs import deck, small, summary

from hpccr import driver
from hpccr.deck import library, reader
from hpccr.deck import scan as scans
from hpccr.problems import registry

NAMES = list(library.decks())


def test_every_problem_has_a_deck():
    assert {deck(name).problem for name in NAMES} == set(registry.names())


@pytest.mark.parametrize("name", NAMES)
def test_a_deck_says_what_it_is(name):
    assert len(library.title(library.find(name))) > 10


@pytest.mark.parametrize("name", NAMES)
def test_a_deck_checks(name):
    report = driver.check(deck(name))
    assert ("unknowns" in report or "units of work" in report) and "cost" in report and not re.search(r"\b(nan|inf)\b", report), report


@pytest.mark.parametrize("name", NAMES)
def test_the_quick_form_of_a_deck_takes_seconds(name):
    """Of a scan, all points: half a minute on two ranks has room for 20 core seconds, for starting, compiling, and a slow machine."""
    form = reader.read(library.find(name), quick=True, problems=registry)
    assert "cost" in driver.check(form)
    points = [form.point(number, registry) for number in range(scans.count(form.scan))] if form.scan else [form]
    loaded = [registry.load(point.problem)(point) for point in points]
    assert sum(driver.JOBS[problem.engine].seconds(problem) for problem in loaded) < 20


@pytest.mark.parametrize("name", NAMES)
def test_a_deck_runs_in_small(tmp_path, solo, name):
    """A few cells and a thousandth of its time, or a few members: snapshots (an ensemble has one), and what the summary must hold."""
    path = small(tmp_path / "deck.toml", name, cells=30, lanes=3, part=1e-3, pieces=1)
    assert driver.run(reader.read(path, problems=registry), tmp_path / "run") == 0
    expected = ["000000.h5"] if registry.load(deck(name).problem).engine == "ensemble" else ["000000.h5", "000001.h5"]
    assert [p.name for p in sorted((tmp_path / "run" / "snapshots").iterdir())] == expected
    assert summary(tmp_path / "run")["steps"]["value"] > 1
    assert all("unit" in entry and "value" in entry for entry in summary(tmp_path / "run").values())
