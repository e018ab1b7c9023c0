"""run/REFERENCE.md says what the code says, and every key, variable, column and final figure explains itself."""

import difflib
import re
from pathlib import Path

import click
import pytest

import hpccr
from hpccr import cli, driver, reference
from hpccr.deck.schema import Section
from hpccr.problems import registry
from hpccr.reference import output

ROOT = Path(hpccr.__file__).parents[1]
COMMITTED = ROOT / "run" / "REFERENCE.md"
PROBLEMS = registry.names()


@pytest.fixture(scope="module")
def outputs():
    """What a small run of each problem leaves behind: {name: Output}."""
    return {name: output.of_problem(registry.load(name)) for name in PROBLEMS}


@pytest.fixture
def fresh(outputs, monkeypatch):
    """The reference as the code makes it now."""
    monkeypatch.setattr(output, "of_problem", lambda problem: outputs[problem.name])
    return reference.text(cli.hpccr, cli.STATUSES).splitlines()


def test_the_reference_is_that_of_the_code(fresh):
    committed = COMMITTED.read_text(encoding="utf-8").splitlines()
    changes = "\n".join(list(difflib.unified_diff(committed, fresh, "run/REFERENCE.md", "the code", lineterm="", n=0))[:40])
    assert committed == fresh, f"renew it: hpccr list --reference > run/REFERENCE.md\n{changes}"


def test_its_links_have_targets_and_its_tables_are_whole(fresh):
    titles = {re.sub(r"[^a-z0-9 _-]", "", line.lstrip("# ").lower()).replace(" ", "-") for line in fresh if line.startswith("#")}
    links = re.findall(r"\]\(#([^)]+)\)", "\n".join(fresh))
    assert len(links) > len(PROBLEMS) and set(links) <= titles
    width = None
    for line in fresh:
        cells = len(re.findall(r"(?<!\\)\|", line)) if line.startswith("| ") else None
        assert cells is None or width in (None, cells), line
        width = cells



@pytest.mark.parametrize("name", PROBLEMS)
def test_every_deck_key_is_explained(name):
    for one in registry.load(name).sections:
        assert isinstance(one, Section) and one.meaning, one.name
        for key, unit, default, allowed, meaning in one.rows():
            assert unit and default and allowed and meaning, f"[{one.name}] {key}: {unit=} {default=} {allowed=} {meaning=}"
            assert one.keys[key].kind == unit and unit not in ("-", "1")


@pytest.mark.parametrize("name", PROBLEMS)
def test_every_output_has_unit_and_meaning(outputs, name):
    found = outputs[name]
    assert found.snapshot and found.history and found.summary
    for rows in (found.snapshot, found.history, found.summary, *found.others.values()):
        for variable, row in rows.items():
            assert all(row) and all(cell.strip("; ") for cell in row), f"{name}: {variable}: {row}"
    dims = {dim for row in found.snapshot.values() for dim in row[0].split(", ")} - {"scalar"}
    assert dims and found.files >= {"deck.toml", "run.log", "history.csv", "snapshots", "checkpoints", "summary.json"}


def test_a_file_that_nobody_describes_is_not_passed_over():
    with pytest.raises(RuntimeError, match="new.h5"):
        output.files({"deck.toml", "new.h5"})


def test_every_option_and_command_is_explained():
    for name, command in cli.hpccr.commands.items():
        first = command.help.split("\n")[0]
        assert first.endswith(".") and len(first) < 80, name
        for option in command.params:
            assert not isinstance(option, click.Option) or option.help.endswith("."), f"{name} {option.name}"
        assert [option for option in command.params if "--help" in option.opts] == []
    assert driver.STOPPED in cli.STATUSES and {0, 1, 2} < cli.STATUSES.keys()


def entry(name):
    """A plain entry of CITATION.cff."""
    return re.search(rf'^{name}: "?(.*?)"?$', (ROOT / "CITATION.cff").read_text(encoding="utf-8"), re.MULTILINE)[1]


def test_the_version_is_the_same_everywhere():
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    changes = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert entry("version") == hpccr.__version__ == re.search(r'^version = "(.*)"$', project, re.MULTILINE)[1]
    assert re.search(r"^## \[(.*?)\]", changes, re.MULTILINE)[1] == hpccr.__version__


def test_license_and_holder_are_the_same_everywhere():
    text = (ROOT / "LICENSE").read_text(encoding="utf-8")
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert entry("license") == re.search(r'^license = "(.*)"$', project, re.MULTILINE)[1] == "BSD-3-Clause"
    assert text.startswith("BSD 3-Clause License") and "AS IS" in text
    holder = re.search(r"^Copyright \(c\) \d{4}, (.*)$", text, re.MULTILINE)[1]
    assert f"- name: {holder[0].upper()}{holder[1:]}\n" in (ROOT / "CITATION.cff").read_text(encoding="utf-8")
