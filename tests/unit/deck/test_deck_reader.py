"""A deck is read, resolved, echoed and sent without losing or adding anything; what it refuses, it explains."""

import builtins
import json

import numpy as np
import pytest

from hpccr import units
from hpccr.deck.reader import Deck, read
from hpccr.errors import InputError
from hpccr.problems import registry

TEXT = '''# a toy
problem = "toy"
[medium]
phase = "cold"
[source]
radius = { E = ["10 GeV", "1 TeV"], R = ["20 pc", "5 pc"] }
title = "Γ, \\"quoted\\" \\\\ and \\u0007"
[axes.z]
cells = 64
from = "-1 pc"
[output]
snapshots = ["1 kyr", "20 kyr"]
'''


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "toy.toml"
    path.write_text(TEXT, encoding="utf-8")
    return path


def message(path, registry, *overrides):
    with pytest.raises(InputError) as error:
        read(path, overrides, problems=registry)
    return str(error.value)


def test_values_are_cgs_numbers_by_name(path, registry):
    deck = read(path, problems=registry)
    assert deck.medium.B == pytest.approx(6e-6) and deck.axes.z.from_ == deck["axes.z"]["from"] == pytest.approx(-units.pc)
    assert deck.source.E_max is None and deck.source.lambda_ == 1.0 and deck.axes.mu.from_ == -1.0
    np.testing.assert_allclose(deck.source.radius.at([10.0, 1000.0]), [20 * units.pc, 5 * units.pc])
    assert "source" in deck and "waves" not in deck
    with pytest.raises(AttributeError, match="no section waves"):
        deck.waves
    with pytest.raises(AttributeError, match="read-only"):
        deck.source.index = 3.0


def test_echo_and_broadcast_are_the_same_deck(path, registry, tmp_path):
    """read → as_toml → read, and read → to_dict → JSON → from_dict without the file, keep the digest."""
    deck = read(path, ["source.index=2.5", "medium.n=3 cm-3"], problems=registry)
    echo = tmp_path / "echo.toml"
    echo.write_text(deck.as_toml(), encoding="utf-8")
    again = read(echo, problems=registry)
    path.unlink()
    sent = Deck.from_dict(json.loads(json.dumps(deck.to_dict())), registry)
    assert again.raw == deck.raw == sent.raw
    assert again.digest() == deck.digest() == sent.digest() and again.as_toml() == deck.as_toml() == sent.as_toml()
    assert deck.differences(again) == []
    for name, section in deck.raw.items():
        assert all(f"{key} =" in deck.as_toml() for key in section), name


def test_the_digest_is_of_the_meaning(path, registry):
    deck = read(path, ["source.E_min=1 GeV"], problems=registry)
    same = read(path, ["source.E_min=0.001 TeV", "source.index=2.20"], problems=registry)
    other = read(path, ["source.E_min=2 GeV", "source.E_max=1 TeV"], problems=registry)
    assert same.digest() == deck.digest() != other.digest()
    assert deck.differences(other) == ['source.E_min: "1 GeV" != "2 GeV"', 'source.E_max: nothing != "1 TeV"']


@pytest.mark.parametrize("setting, value", [
    ("source.E_min=20 GeV", "20 GeV"), ('source.E_min="20 GeV"', "20 GeV"), ("source.members = 7", 7), ("source.advection=false", False),
    ("medium.phase=hot", "hot"), ('source.at=["1 pc"]', ["1 pc"]), ("axes.z.cells=400", 400), ("source.title=a=b", "a=b")])
def test_set_takes_the_decks_own_words(path, registry, setting, value):
    deck = read(path, [setting], problems=registry)
    section, _, key = setting.partition("=")[0].strip().rpartition(".")
    assert deck.raw[section][key] == value


@pytest.mark.parametrize("setting, parts", [
    ("source.radus=1 pc", ["--set source.radus: unknown key", "did you mean source.radius?"]),
    ("sorce.radius=1 pc", ["unknown section", "did you mean source.radius?"]), ("radius=1 pc", ["did you mean source.radius?"]),
    ("source.n=1 cm-3", ["did you mean medium.n?"]), ("source.index", ["not a setting"]), ("source.index=", ["not a setting"]),
    ("source.radius=1", ["--set, [source] radius: missing unit", "given    radius = 1", "1e-3 pc to 10 kpc"]),
    ("source.members=true", ["whole number"]), ("source.E_max=0.01 GeV", ["[source] E_max: must exceed E_min", "more than E_min"]),
    ("source.E_min=1\nproblem=2", ["unknown unit"])])
def test_bad_settings_are_explained(path, registry, setting, parts):
    text = message(path, registry, setting)
    assert all(part in text for part in parts), text


def test_a_setting_given_twice_is_refused(path, registry):
    assert "set twice" in message(path, registry, "source.index=2", "source.index=3")


@pytest.mark.parametrize("text, parts", [
    ("", ["empty deck"]), ("# nothing\n\n", ["empty deck"]), ("[source]\nindex = 2.0\n", ["missing key problem", '"toy"']),
    ('problm = "toy"', ["missing key problem", "did you mean problem?"]), ('problem = "tooy"', ["unknown problem", 'did you mean "toy"?']),
    ("problem = 3", ["a text is wanted"]), ('problem = ["toy"]', ["a text is wanted"]), ('problem = "toy', ["not valid TOML", "line 1"]),
    ('problem = "toy"\n[source]\nindex = 2\nindex = 3\n', ["line 4", "twice", "given    index = 3"]),
    ('problem = "toy"\n[source]\n[source]\n', ["line 3", "twice"]), ("a = " + "[" * 20000, ["not valid TOML"]),
    ("a = " + "1" * 5000, ["not valid TOML"]),
    ('problem = "toy"\nsource = 3', ["source: a section is wanted, not a value", "[source]"]),
    ('problem = "toy"\naxes = 3', ["axes: a section is wanted"]), ('problem = "toy"\n[[source]]\nindex = 2.0', ["a section is wanted"]),
    ('problem = "toy"\n[axes]\nz = 5', ["a section is wanted", "[axes.z]"]),
    ('problem = "toy"\n[axes.q]\ncells = 5', ["unknown section", "[axes.q]", "[axes.z]"]),
    ('problem = "toy"\n[axes]\ncells = 5', ["[axes] cells: unknown key"]), ('problem = "toy"\n"axes.z" = { cells = 5 }', ["unknown section"]),
    ('problem = "toy"\n[sorce]\nindex = 2', ["unknown section", "did you mean [source]?"]),
    ('problem = "toy"\nradius = "1 pc"', ["radius: unknown key", "did you mean radius in [source]?"]),
    ('problem = "toy"\n[source]\nRadius = "1 pc"', ["[source] Radius: unknown key", "did you mean radius?"]),
    ('problem = "toy"\n[source]\nn = "1 cm-3"', ["did you mean n in [medium]?"]),
    ('problem = "toy"\n[source.index]\nvalue = 2.0', ["[source] index: a number without unit is wanted", "{ value = 2.0 }"]),
    ('problem = "toy"\n[source.radus]\nE = ["1 GeV"]', ["unknown key", "did you mean radius?"]),
    ('problem = "toy"\n[source]\nindex = 2020-01-01', ["a number without unit is wanted", "2020-01-01"]),
    ('problem = "toy"\n[axes.z]\nspacing = "log"', ["[axes.z] from", "must begin above 0", "(default)"]),
    ('problem = "toy"\n[axes.z]\nto = "-1 pc"', ["[axes.z] to", "ends before it begins"]),
    ('problem = "toy"\n[output]\nsnapshots = "1 s"', ["snapshots", "at most 100000"]),
    ('problem = "toy"\n[time]\nfirst_step = "2 yr"\nmax_step = "1 yr"', ["[time] first_step", "longer than max_step"])])
def test_bad_decks_are_explained(tmp_path, registry, text, parts):
    path = tmp_path / "bad.toml"
    path.write_text(text)
    found = message(path, registry)
    assert found.startswith(str(path)) and all(part in found for part in parts), found
    assert len(found.splitlines()) <= 4, found


def test_what_is_no_deck_file(tmp_path, registry, path, monkeypatch):
    binary, latin, large, words = (tmp_path / name for name in ("binary", "latin", "large", "bom.toml"))
    binary.write_bytes(b"\x89HDF\r\n\x1a\n\x00\x01")
    latin.write_bytes('problem = "Gr\xf6\xdfe"'.encode("latin-1"))
    large.write_text("#" * 1_100_000)
    words.write_bytes(b"\xef\xbb\xbf" + TEXT.replace("\n", "\r\n").encode())
    assert "binary file" in message(binary, registry) and "binary file" in message(latin, registry)
    assert "too large" in message(large, registry) and "directory" in message(tmp_path, registry)
    assert "not a regular file" in message("/dev/zero", registry)
    missing = message(tmp_path / "toi.toml", registry)
    assert "no such deck" in missing and "toy.toml?" in missing
    assert read(words, problems=registry).digest() == read(path, problems=registry).digest()

    def denied(*args, **kwargs):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(builtins, "open", denied)
    assert "cannot be read: Permission denied" in message(path, registry)


def test_the_problem_has_the_last_word(path, registry):
    def check(deck):
        raise deck.refuse("source.radius", "too long for the axis", allowed="less than the axis")

    problem = registry.load("toy")
    problem.check = check
    text = message(path, registry)
    assert f"{path}, [source] radius: too long for the axis" in text and 'given    radius = { E = ["10 GeV"' in text


def test_the_reference_names_every_key_unit_default_range_and_meaning(registry):
    for section in registry.load("toy").sections:
        lines = section.reference().splitlines()
        assert lines[0].startswith(f"[{section.name}]") and len(lines) == 2 + len(section.keys)
        column = lines[1].index("meaning")
        for line, (key, kind) in zip(lines[2:], section.keys.items()):
            assert line.split()[0] == key and kind.kind in line and kind.default_text in line
            assert line[column:] == kind.meaning and line[column - 1] == " "


def test_a_deck_of_another_version_is_refused(tmp_path):
    """What a checkpoint holds was made by whatever version wrote it: a key more or less is named."""
    path = tmp_path / "deck.toml"
    path.write_text('problem = "transport"\n')
    content = read(str(path), problems=registry).to_dict()
    assert Deck.from_dict(content, registry).to_dict() == content
    for change in ({key: value for key, value in content["raw"]["time"].items() if key != "rtol"}, {**content["raw"]["time"], "newer": 1}):
        other = {**content, "raw": {**content["raw"], "time": change}}
        with pytest.raises(InputError, match="another version") as error:
            Deck.from_dict(other, registry)
        assert ("rtol" in str(error.value)) != ("newer" in str(error.value))
