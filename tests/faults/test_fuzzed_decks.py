"""Nearly right decks, drawn by hypothesis: each is valid and runs, or is refused with one message. fuzz.py tries thousands of them."""

import warnings

import fuzz
import pytest
from deck_mutations import Case, bases, cases, make_files, text_of
from hypothesis import HealthCheck, given, settings

from hpccr import driver
from hpccr.problems import registry

# The same cases each time, and nothing is written into the project.
CI = settings(derandomize=True, database=None, deadline=None, max_examples=60, suppress_health_check=list(HealthCheck))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A directory with the files that the decks may name."""
    made = tmp_path_factory.mktemp("decks")
    make_files(made)
    return made


@pytest.mark.parametrize("problem", registry.names())
def test_a_nearly_right_deck_is_valid_or_refused_with_one_message(folder, problem):
    @CI
    @given(cases([problem]))
    def tried(case):
        outcome = fuzz.check(case, folder)
        assert not outcome.faults, f"{outcome.faults}\n{outcome.err}\n{outcome.out}"

    tried()


def test_what_check_takes_runs_on_two_ranks_or_says_why_not(folder):
    """One deck of each problem with other values within their ranges."""
    given = fuzz.drawn(1, 1, ("valid values",), cap=100)
    outcomes = list(fuzz.runs(given, folder, 2))
    assert len(outcomes) == len(given) == len(registry.names())
    for case, outcome in zip(given, outcomes):
        assert not outcome.faults, f"{outcome.faults}\n{case}\n{outcome.err}\n{outcome.out}"


def _raise(deck):
    raise ValueError("a slip")


def _warn(deck):
    warnings.warn("overflow", RuntimeWarning, stacklevel=1)
    return "cells  40"


@pytest.mark.parametrize("report, fault", [(_raise, "traceback"), (_warn, "Python warning"), (lambda deck: "Pi  nan", "nan or inf in the report")])
def test_what_a_user_should_not_see_counts_as_failed(folder, monkeypatch, report, fault):
    monkeypatch.setattr(driver, "check", report)
    deck = {"": {"problem": "cloud"}} | bases("cloud")[0]
    assert fuzz.check(Case("cloud", "none", text_of(deck).encode()), folder).faults == [fault]
