"""Every problem that is found has a truth, a test on several ranks and one of a restart, without being listed for it anywhere.

Tests of the truth of a problem NAME are tests/physics/test_NAME.py and test_NAME_….py. Those in tests/parallel with the marks
`restart` and `ranks` take the decks that they run from what is found.
"""

import ast
import functools
import importlib.util
from pathlib import Path

import pytest
from jobs import deck

from hpccr.deck import library
from hpccr.problems import registry

TESTS = Path(__file__).parents[1]
each_problem = pytest.mark.parametrize("name", registry.names())


@each_problem
def test_a_problem_says_what_it_is(name):
    problem = registry.load(name)
    assert problem.name == name and problem.summary and problem.truth and problem.reproduces and problem.sections
    assert "\n" not in problem.summary + problem.reproduces + problem.truth


# -- its truth ---------------------------------------------------------------------------------------------------


@functools.cache
def decks():
    """The problem of each deck in run/, by the deck's name: dict."""
    return {name: deck(name).problem for name in library.decks()}


def problems_of(path):
    """The problems that a test uses, by the names of their decks or by import, itself or through the helpers in tests/: set."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Constant) and node.value in decks():
            found.add(decks()[node.value])
        if isinstance(node, ast.Import | ast.ImportFrom):
            module = getattr(node, "module", None)
            for word in [module] if module else [alias.name for alias in node.names]:
                if word.startswith("hpccr.problems."):
                    found.add(word.split(".")[2])
                if (TESTS / f"{word}.py").is_file():
                    found |= problems_of(TESTS / f"{word}.py")
    return found


@each_problem
def test_a_problem_is_held_to_its_truth(name):
    """By tests that run it and assert something."""
    paths = [*TESTS.glob(f"physics/test_{name}.py"), *TESTS.glob(f"physics/test_{name}_*.py")]
    assert paths, f"there is no tests/physics/test_{name}.py"
    for path in paths:
        tests = [node for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
                 if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")]
        assert tests and name in problems_of(path), path
        assert all("assert" in ast.unparse(test) for test in tests if "pytest.raises" not in ast.unparse(test)), path


# -- restarts and ranks ------------------------------------------------------------------------------------------


def load(path):
    """A module of tests under a name of its own."""
    spec = importlib.util.spec_from_file_location(f"contract_{path.stem}", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def cases(function):
    """What a test is called with: list of dict."""
    rows = [{}]
    for mark in function.pytestmark:
        assert mark.name not in ("skip", "skipif", "xfail"), function
        if mark.name == "parametrize":
            names = [word.strip() for word in mark.args[0].split(",")]
            rows = [{**row, **dict(zip(names, values if len(names) > 1 else [values]))} for row in rows for values in mark.args[1]]
    return rows


@functools.cache
def marked(mark):
    """The cases of all tests in tests/parallel with a mark, by the problem of their deck: dict of list of dict."""
    found = {}
    for path in sorted(TESTS.glob("parallel/test_*.py")):
        if f"@pytest.mark.{mark}\n" in path.read_text(encoding="utf-8"):
            for function in vars(load(path)).values():
                if mark in [one.name for one in getattr(function, "pytestmark", ())]:
                    for case in cases(function):
                        found.setdefault(decks()[case["name"]], []).append(case)
    return found


@each_problem
def test_a_problem_has_the_same_answer_on_other_ranks(name):
    """On 2 and on 4, at the least, as on one."""
    for case in marked("ranks")[name]:
        assert {2, 4} <= set(case["ranks"]), case


@each_problem
def test_a_problem_is_restarted(name):
    """Stopped and gone on with, on one rank and on several."""
    counts = {case["n"] for case in marked("restart")[name]}
    assert counts & {0, 1} and counts - {0, 1}


def test_a_problem_without_tests_would_be_seen(tmp_path, monkeypatch):
    """A new name in the registry, with a deck but no test, fails all three."""
    monkeypatch.setitem(decks(), "new_deck", "new")
    for test in (test_a_problem_is_held_to_its_truth, test_a_problem_has_the_same_answer_on_other_ranks, test_a_problem_is_restarted):
        with pytest.raises((AssertionError, KeyError)):
            test("new")
