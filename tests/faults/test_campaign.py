"""The fault campaign in its smallest form, so that it works when it is called; `python tests/faults/campaign.py` is the long one."""

import shutil
import subprocess

import campaign
import pytest

# The others share their code with these.
KINDS = ["kill", "full", "vanished", "damaged", "decks", "clocks"]


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return tmp_path_factory.mktemp("campaign")


def mounts(place):
    """Whether a file system can be mounted here."""
    place.mkdir()
    done = shutil.which("mount") and subprocess.run(["mount", "-t", "tmpfs", "tmpfs", place], capture_output=True, check=False)
    return bool(done) and done.returncode == 0 and subprocess.run(["umount", place], check=True).returncode == 0


@pytest.mark.parametrize("kind", KINDS)
def test_an_attack_of_each_kind(place, tmp_path, kind, capsys):
    if kind == "full" and not mounts(tmp_path / "mount"):
        pytest.skip("needs root")
    if kind == "clocks" and shutil.which("cc") is None:
        pytest.skip("needs a C compiler")
    table = tmp_path / "table.md"
    status = campaign.main(["--kills", "1", "--trials", "1", "--ranks", "0", "--case", "transport_slab", "--only", kind,
                            "--out", str(place), "--table", str(table)])
    assert status == 0, capsys.readouterr().out
    assert f"## {kind}" in table.read_text() and "| transport_slab | 0 |" in table.read_text()
