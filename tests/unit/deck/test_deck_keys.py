"""Every kind of key takes what it should, and nothing else."""

import numpy as np
import pytest

from hpccr import units
from hpccr.deck.schema import (Refused, Section, choice, flag, integer, number, quantities, quantity, table, text, times)

LENGTH = dict(low="1e-3 pc", high="10 kpc")


@pytest.mark.parametrize("kind, raw, value", [
    (number(1.0, low=0, high=2), 2, 2.0), (integer(1, low=0, high=5), 5, 5), (flag(True), False, False),
    (choice("a", ("a", "b")), "b", "b"), (text(""), "Γ \"quoted\"", "Γ \"quoted\""),
    (quantity("1 pc", "cm", **LENGTH), "10 kpc", 1e4 * units.pc), (quantity("1 pc", "cm", **LENGTH), "1e-6 kpc", 1e-3 * units.pc),
    (quantity("1 uG", "G", high="1 mG"), "1000 uG", 1e-3), (quantity("1 pc", "cm", low="0 pc"), "0 pc", 0.0)])
def test_allowed_values_are_taken_limits_included(kind, raw, value):
    taken = kind.value(raw)
    expected = pytest.approx(value, rel=1e-12) if isinstance(value, float) else value
    assert taken == expected and type(taken) is type(value)


@pytest.mark.parametrize("kind, raw, what", [
    (number(1.0), True, "number"), (number(1.0), "1", "number"), (number(1.0), float("nan"), "finite"), (number(1.0), 10**400, "finite"),
    (number(1.0, positive=True), 0, "range"), (number(1.0, low=0, high=1), 1.1, "range"),
    (integer(1), True, "whole"), (integer(1), 1.0, "whole"), (integer(1), "1", "whole"), (integer(1), 2**70, "range"),
    (flag(True), 1, "true or false"), (flag(True), "true", "true or false"),
    (choice("a", ("a", "b")), "c", "unknown choice"), (choice("a", ("a", "b")), 1, "words"), (choice("a", ("a",)), ["a"], "words"),
    (text(""), 1, "text"), (text(""), "\udc80", "UTF-8"),
    (quantity("1 pc", "cm", **LENGTH), 10, "missing unit"), (quantity("1 pc", "cm", **LENGTH), True, "with unit"),
    (quantity("1 pc", "cm", **LENGTH), "10.1 kpc", "range"), (quantity("1 pc", "cm", **LENGTH), "-1 pc", "range"),
    (quantity("1 pc", "cm", positive=True), "0 pc", "range"), (quantity("1 pc", "cm"), {"E": 1}, "with unit"),
    (quantities(["1 pc"], "cm"), "1 pc", "list"), (quantities(["1 pc"], "cm"), [1], "missing unit"),
    (quantities(["1 pc"], "cm", shortest=1), [], "0 values"), (quantities(["1 pc"], "cm", longest=1), ["1 pc"] * 2, "2 values"),
    (quantities(["1 pc"], "cm", increasing=True), ["2 pc", "2 pc"], "increase"),
    (times(None, "s"), ["2 yr", "1 yr"], "increase"), (times(None, "s"), "0 yr", "range"), (times(None, "s"), 5, "missing unit")])
def test_other_values_are_refused(kind, raw, what):
    with pytest.raises(Refused, match=what):
        kind.value(raw)


def test_a_table_is_interpolated_in_logarithms_and_constant_outside():
    """R ∝ E^(−1/2) between the points."""
    curve = table("10 pc", "cm", over="GeV", **LENGTH).value({"E": ["1 GeV", "10 GeV", "1 TeV"], "R": ["20 pc", "20 pc", "2 pc"]})
    np.testing.assert_allclose(curve.at(np.array([0.1, 1.0, 10.0, 100.0, 1000.0, 1e6])) / units.pc,
                               [20, 20, 20, 20 / 10**0.5, 2, 2], rtol=1e-12)
    assert not curve.constant
    constant = table("10 pc", "cm", over="GeV").value("3 pc")
    assert constant.constant and np.all(constant.at(np.ones((2, 3))) == pytest.approx(3 * units.pc))


@pytest.mark.parametrize("raw, what", [
    ({"E": ["1 GeV"]}, "column R"), ({"E": ["1 GeV"], "R": "1 pc"}, "column R"), ({"E": [], "R": []}, "column E"),
    ({"E": ["1 GeV"], "R": ["1 pc", "2 pc"]}, "unequal"), ({"E": ["2 GeV", "1 GeV"], "R": ["1 pc", "2 pc"]}, "increase"),
    ({"E": ["1 GeV"], "R": ["1 kyr"]}, "column R.*wrong unit"), ({"E": ["1 pc"], "R": ["1 pc"]}, "column E.*wrong unit"),
    ({"E": ["1 GeV"], "R": ["11 kpc"]}, "range"), ({"E": [1], "R": ["1 pc"]}, "column E.*missing unit"),
    ({"E": ["0 GeV"], "R": ["1 pc"]}, "range"), ({"E": ["1 GeV"], "R": ["1 pc"], "r": ["1 pc"]}, "unknown column r"), (["1 pc"], "with unit")])
def test_a_bad_table_is_refused(raw, what):
    with pytest.raises(Refused, match=what):
        table("10 pc", "cm", over="GeV", **LENGTH).value(raw)


@pytest.mark.parametrize("raw, end, expected", [
    (None, 100.0, np.arange(11) * 10.0), ("30 s", 100.0, [0, 30, 60, 90, 100]), ("25 s", 100.0, [0, 25, 50, 75, 100]),
    ("200 s", 100.0, [0, 100]), (["1 s", "7 s"], 100.0, [1, 7]),
    (["0.1 s", "0.30000000000000004 s"], 0.3, [0.1, 0.3])])
def test_snapshot_times(raw, end, expected):
    """None is behind the end, where a run stops."""
    found = times(None, "s").value(raw).until(end)
    np.testing.assert_allclose(found, expected, rtol=1e-14)
    assert found.max() <= end


def test_a_default_may_follow_from_other_keys_wherever_they_stand():
    section = Section("s", "", B=quantity(lambda s: {"hot": "1 uG", "cold": "6 uG"}[s["phase"]], "G"), phase=choice("hot", ("hot", "cold")))
    assert section.resolve({"phase": "cold"})["B"] == "6 uG"
    assert section.resolve({"phase": "cold", "B": "2 uG"})["B"] == "2 uG"
    with pytest.raises(Refused) as refused:      # the wrong phase is what the user hears of, not a failing default
        section.resolve({"phase": "warm"})
    assert refused.value.key == "phase"


def test_optional_keys_are_none_and_reserved_words_get_an_underscore():
    section = Section("s", "", from_=number(1.0), most=quantity(None, "s"))
    values = section.values(section.resolve({"from": 2}))
    assert values.most is None and values.from_ == values["from"] == 2.0 and list(values) == ["from", "most"]
    with pytest.raises(AttributeError, match="read-only"):
        values.from_ = 3.0
