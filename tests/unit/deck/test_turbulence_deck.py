"""The section [turbulence] and its kinds of key: what they take, what they refuse, and that a deck reads back as it was."""

import types

import numpy as np
import pytest

from hpccr import units
from hpccr.deck import reader, turbulence
from hpccr.deck.compound import Amount
from hpccr.deck.schema import Refused, Section, choice, fractions, integers, measure
from hpccr.errors import InputError

EXTRA = Section("ensemble", "more of the new kinds",
                store=integers(None, low=0, high=99, longest=5, otherwise="none", meaning="members"),
                length=measure("3 pc", "cm", meaning="of either sign"))
TOY = types.SimpleNamespace(name="toy", summary="a toy", reproduces="nothing", sections=(turbulence.TURBULENCE, EXTRA),
                            check=turbulence.check)
PROBLEMS = types.SimpleNamespace(names=lambda: ["toy"], load={"toy": TOY}.__getitem__)


@pytest.fixture
def read(tmp_path):
    def deck(lines="", *overrides, extra=""):
        path = tmp_path / "deck.toml"
        path.write_text(f'problem = "toy"\n[turbulence]\n{lines}\n[ensemble]\n{extra}\n', encoding="utf-8")
        return reader.read(path, overrides, problems=PROBLEMS)
    return deck


def test_defaults(read):
    key = read().turbulence
    assert (key.kind, key.spectrum, key.correlation) == ("isotropic", "power_law", "one-sided")
    assert (key.index, key.bend_index, key.modes, key.seed) == (5 / 3, 0.0, 256, 1)
    assert (key.L_min, key.L_max) == (Amount(0.01, ""), Amount(1.0, ""))
    assert all(key[name] is None for name in ("fractions", "bend_scale", "eta", "dB", "B0", "L_c", "waves_file"))


# -- kinds of key ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("raw, value, unit", [
    (0.1, 0.1, ""), (2, 2.0, ""), ("0.1", 0.1, ""), ("1e-3", 1e-3, ""), ("150 pc", 150 * units.pc, "cm"),
    ("0.15 kpc", 150 * units.pc, "cm")])
def test_a_measure_is_a_number_or_a_quantity(raw, value, unit):
    found = measure(None, "cm", positive=True).value(raw)
    assert found.unit == unit and found.value == pytest.approx(value, rel=1e-14) and type(found.value) is float


@pytest.mark.parametrize("raw, what", [
    (0, "range"), (-1.0, "range"), ("-1 pc", "range"), ("0", "range"), (float("nan"), "finite"), (float("inf"), "finite"),
    (True, "number"),
    ([1.0], "number"), ({"a": 1}, "number"), ("", ""), ("pc", ""), ("5 furlong", ""), ("5 K", ""), ("5 kyr", ""),
    ("nan pc", ""), ("one", "")])
def test_a_measure_refuses_and_says_that_either_is_allowed(raw, what):
    section = Section("s", "", key=measure(None, "cm", positive=True))
    with pytest.raises(Refused) as error:
        section.resolve({"key": raw})
    assert what in error.value.what and error.value.key == "key"
    assert error.value.allowed == 'a number, or a number and a unit in quotes, as "1 cm"; above 0'


def test_a_misspelt_unit_of_a_measure_has_a_nearest_word():
    with pytest.raises(Refused) as error:
        measure(None, "cm").value("5 kpcc")
    assert error.value.nearest == "kpc"


@pytest.mark.parametrize("raw, value", [
    ({"slab": 0.2, "2d": 0.8}, {"slab": 0.2, "2d": 0.8}), ({"slab": 1}, {"slab": 1.0}),
    ({"slab": 0, "2d": 1}, {"slab": 0.0, "2d": 1.0}),
    ({"slab": 1 / 3, "2d": 1 / 3, "alfven": 1 / 3}, {"slab": 1 / 3, "2d": 1 / 3, "alfven": 1 / 3}),
    ({"slab": 0.3333333, "2d": 0.6666666}, {"slab": 1 / 3, "2d": 2 / 3})])
def test_fractions(raw, value):
    found = fractions(None, turbulence.PARTS).value(raw)
    assert found == pytest.approx(value, abs=2e-7) and list(found) == sorted(found)
    assert sum(found.values()) == pytest.approx(1.0, abs=3e-16)


@pytest.mark.parametrize("raw, what, nearest", [
    ({"slab": 0.2, "2d": 0.7}, "add to 0.9", None), ({"slab": 0.2, "2d": 0.800002}, "add to 1.000002", None),
    ({"slab": 0.2, "2D": 0.8}, 'kind "2D"', "2d"),
    ({"slabb": 1.0}, 'kind "slabb"', "slab"), ({"composite": 1.0}, 'kind "composite"', None),
    ({"slab": -0.1, "2d": 1.1}, "slab = -0.1", None),
    ({"slab": 1.5, "2d": -0.5}, "slab = 1.5", None), ({"slab": "1"}, "number", None), ({"slab": True}, "number", None),
    ({"slab": float("nan")}, "finite", None),
    ({}, "table", None), ([0.2, 0.8], "table", None), (1.0, "table", None), ("slab", "table", None)])
def test_fractions_refused(raw, what, nearest):
    with pytest.raises(Refused) as error:
        fractions(None, turbulence.PARTS).value(raw)
    assert what in error.value.what and error.value.nearest == nearest


def test_lists_of_whole_numbers():
    kind = integers(None, low=0, high=99, longest=5)
    for raw in ([], [7], [0, 99, 3]):
        found = kind.value(raw)
        assert np.array_equal(found, raw) and found.dtype == np.int64
    for raw in (3, "3", True, [1.0], ["1"], [True], [-1], [100], [2**70], [[1]], [1, 2, 3, 4, 5, 6]):
        with pytest.raises(Refused):
            kind.value(raw)


def test_an_alias_is_the_right_word(read):
    kind = choice("a", ("a", "b"), aliases={"B": "b"})
    assert kind.value("B") == kind.value("b") == "b" and kind.allowed == '"a", "b"'
    for word, kind in (("alfvenic", "alfven"), ("Alfvenic", "alfven"), ("Alfvénic", "alfven"), ("2D", "2d")):
        deck = read(f'kind = "{word}"')
        assert deck.turbulence.kind == kind and deck.digest() == read(f'kind = "{kind}"').digest()


# -- what fits together ---------------------------------------------------------------------------------------

GOOD = [
    "", "eta = 1.0", "dB = 0.05", "index = 1", "seed = 0", "modes = 1", 'kind = "slab"', 'B0 = "4 uG"\nL_c = "30 pc"',
    'kind = "composite"\nfractions = { slab = 0.2, "2d" = 0.8 }',
    'kind = "composite"\nfractions = { slab = 1.0, "2d" = 0.0 }\nmodes = 1',
    'L_min = "1 pc"\nL_max = "0.1 kpc"', 'L_min = "0.001"\nL_max = 10',
    'spectrum = "bend_over"\nbend_scale = 0.3\nbend_index = 1.5',
    'L_min = "1 pc"\nL_max = "150 pc"\nspectrum = "bend_over"\nbend_scale = "20 pc"', 'waves_file = "waves.h5"\neta = 1.0',
    'waves_file = "waves.h5"\neta = 0.5\ndB = 1.0\nL_min = 2.0']


@pytest.mark.parametrize("lines", GOOD)
def test_a_good_deck_reads_back_as_it_was(read, tmp_path, lines):
    deck = read(lines, extra="store = [3, 1, 2]")
    echo = tmp_path / "echo.toml"
    echo.write_text(deck.as_toml(), encoding="utf-8")
    again = reader.read(echo, problems=PROBLEMS)
    sent = reader.Deck.from_dict(deck.to_dict(), PROBLEMS)
    for other in (again, sent):
        assert other.raw == deck.raw and other.digest() == deck.digest() and deck.differences(other) == []
        assert other.turbulence.L_max == deck.turbulence.L_max and other.turbulence.fractions == deck.turbulence.fractions


BEND = 'spectrum = "bend_over"'
BAD = [
    ('kind = "isotropik"', "kind", "unknown choice", '"isotropic"'), ('kind = "Slab"', "kind", "unknown choice", '"slab"'),
    ('kind = "composit"', "kind", "unknown choice", '"composite"'),
    ('spectrum = "power law"', "spectrum", "unknown choice", '"power_law"'),
    ('correlation = "one sided"', "correlation", "unknown choice", '"one-sided"'),
    ("eta = 0.5\ndB = 1.0", "dB", "both eta and dB are given", None),
    ("eta = 0", "eta", "out of range", None), ("eta = 1.1", "eta", "out of range", None),
    ("eta = -0.5", "eta", "out of range", None),
    ("dB = 0.0", "dB", "out of range", None), ("dB = -1", "dB", "out of range", None),
    ("dB = 1e-200", "dB", "out of range", None),
    ('kind = "composite"', "fractions", "composite turbulence needs fractions", None),
    ("fractions = { slab = 1.0 }", "fractions", "fractions of isotropic turbulence", None),
    ('kind = "composite"\nfractions = { slab = 0.2, "2d" = 0.7 }', "fractions", "the fractions add to 0.9, not to 1", None),
    ('kind = "composite"\nfractions = { slap = 0.2, "2d" = 0.8 }', "fractions", 'unknown kind "slap"', "slab"),
    ('kind = "composite"\nfractions = { slab = 0.2, "2d" = 0.8 }\nmodes = 1', "modes", "fewer waves than kinds", None),
    ("modes = 0", "modes", "out of range", None), ("modes = 1000001", "modes", "out of range", None),
    ("modes = 1e3", "modes", "whole number", None),
    ("L_min = 1.0", "L_min", "not shorter than the longest", None),
    ("L_min = 2.0", "L_min", "not shorter than the longest", None),
    ("L_max = 0.005", "L_min", "not shorter than the longest", None),
    ('L_min = "1 kpc"\nL_max = "10 pc"', "L_min", "not shorter than the longest", None),
    ('L_max = "100 pc"', "L_min", "one of L_min and L_max has a unit", None),
    ('L_min = "0.1 pc"', "L_min", "one of L_min and L_max has a unit", None),
    ("L_min = 0.0", "L_min", "out of range", None), ('L_max = "1 kyr"', "L_max", "", None),
    ("L_min = 1e-200", "L_min", "out of range", None),
    ("L_min = 1e100\nL_max = 1e101", "L_min", "out of range", None), ("L_max = 1e60", "L_max", "out of range", None),
    ("L_min = 1e-13", "L_min", "too short beside L_max", None),
    (BEND, "bend_scale", "a spectrum with a bend needs its scale", None),
    ("bend_scale = 0.1", "bend_scale", "a power law has no bend", None),
    (f'{BEND}\nbend_scale = "1 pc"', "bend_scale", "one of bend_scale and L_max has a unit", None),
    (f'{BEND}\nbend_scale = 0.1\nL_min = "1 pc"\nL_max = "10 pc"', "bend_scale", "one of bend_scale and L_max has a unit", None),
    (f"{BEND}\nbend_scale = 1001.0", "bend_scale", "far outside", None),
    (f"{BEND}\nbend_scale = 9e-6", "bend_scale", "far outside", None),
    ('L_min = "1 pc"\nL_max = "10 pc"\nL_c = "3 pc"', "L_c", "L_c follows from", None),
    ("L_c = 3.0", "L_c", "missing unit", None),
    ("B0 = 4e-6", "B0", "missing unit", None), ('B0 = "4 pc"', "B0", "", None), ("seed = -1", "seed", "out of range", None),
    ("seed = 1.5", "seed", "whole number", None), ("index = 11.0", "index", "out of range", None),
    ("waves_file = 1", "waves_file", "text", None)]


@pytest.mark.parametrize("lines, key, what, nearest", BAD)
def test_refusals_name_the_key(read, tmp_path, lines, key, what, nearest):
    with pytest.raises(InputError) as error:
        read(lines)
    text = str(error.value)
    head = text.splitlines()[0]
    assert head.startswith(f"{tmp_path / 'deck.toml'}, [turbulence] {key}: ") and what in head, text
    assert "\n  given    " in text and "\n  allowed  " in text
    assert ("did you mean" in text) == (nearest is not None) or not what
    assert nearest is None or text.endswith(f"did you mean {nearest}?")


def test_a_setting_of_the_command_line_is_blamed_for_itself(read):
    with pytest.raises(InputError, match="^--set, .turbulence. L_min: the shortest wavelength is not shorter"):
        read("L_max = 1.0", "turbulence.L_min=3.0")
    with pytest.raises(InputError, match=r"given    L_min = 0.01 \(default\)"):
        read("L_max = 0.001")


def test_the_digest_knows_what_is_meant(read):
    """The same for another spelling, another for another meaning."""
    unit = read('L_min = "1 pc"\nL_max = "100 pc"')
    assert unit.digest() == read('L_min = "0.001 kpc"\nL_max = "0.1 kpc"').digest()
    assert unit.digest() == read('L_min = "1.0 pc"\nL_max = "100.0 pc"').digest()
    assert read("L_min = 0.02").digest() == read('L_min = "0.02"').digest() != read().digest()
    slab = 'kind = "composite"\nfractions = { slab = 0.2, "2d" = 0.8 }'
    assert read(slab).digest() == read('kind = "composite"\nfractions = { "2d" = 0.8, slab = 0.2 }').digest()
    other = read('kind = "composite"\nfractions = { slab = 0.3, "2d" = 0.7 }')
    assert read(slab).digest() != other.digest()
    assert [line.partition(":")[0] for line in read(slab).differences(other)] == ["turbulence.fractions"]
    assert read(extra="store = [1]").digest() != read(extra="store = [2]").digest() != read().digest()
    pure, physical = read("L_min = 1.0\nL_max = 2.0"), read('L_min = "1 cm"\nL_max = "2 cm"')
    assert pure.digest() != physical.digest()


@pytest.mark.parametrize("lines, share", [
    ('kind = "slab"', 1.0), ('kind = "2d"', 0.0), ('kind = "composite"\nfractions = { slab = 0.2, "2d" = 0.8 }', 0.2),
    ('kind = "composite"\nfractions = { "2d" = 1.0 }', 0.0), ('kind = "slab"\nwaves_file = "a.h5"', 0.0)])
def test_share_of_slab_waves(read, lines, share):
    assert turbulence.slab_share(read(lines)) == share
