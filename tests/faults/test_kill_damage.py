"""Damaged checkpoints and a full disk, seen by a whole run: what was good before still is, and the run can go on."""

import os
import shutil
import subprocess

import pytest
from jobs import hpccr, kinds, same_bits, small, stopped

from hpccr.output import checkpoint
from hpccr.output.checkpoint import Store

NAME = kinds()[0]


@pytest.fixture(scope="module")
def left(tmp_path_factory):
    """A run left at step 10 with the checkpoints of steps 9 and 10, and beside it the whole of it."""
    place = tmp_path_factory.mktemp("left")
    stopped(0, small(place / "deck.toml", NAME), place, 9, 10, then="leave")
    assert checkpoint.found(place / "pieces" / "checkpoints") == [9, 10]
    return place


def truncate(path):
    path.write_bytes(path.read_bytes()[:-100])


def flip(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 16
    path.write_bytes(content)


@pytest.mark.parametrize("n, damage, words", [(0, truncate, "truncated"), (0, flip, "checksum differs"), (2, flip, "checksum differs")])
def test_the_checkpoint_before_serves(left, tmp_path, n, damage, words):
    run = shutil.copytree(left / "pieces", tmp_path / "run")
    damage(run / "checkpoints" / "00000010.h5")
    told = hpccr(n, "restart", run).stdout
    assert told.count("warning: ") == 1 and "00000010.h5 is not used" in told and words in told and "step 9" in told
    assert words in (run / "run.log").read_text()
    if n == 0:
        same_bits(left / "whole", run)


@pytest.mark.parametrize("n", [0, 4])
def test_no_checkpoint_can_be_used(left, tmp_path, n):
    run = shutil.copytree(left / "pieces", tmp_path / "run")
    truncate(run / "checkpoints" / "00000010.h5")
    flip(run / "checkpoints" / "00000009.h5")
    before = {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}
    err = hpccr(n, "restart", run, status=2).stderr
    assert err.count("hpccr: ") == 1 and "no checkpoint can be used" in err and "truncated" in err and "checksum" in err
    assert "Traceback" not in err
    assert {path: path.read_bytes() for path in run.rglob("*") if path.is_file()} == before


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 1 MiB."""
    place = tmp_path / "small"
    place.mkdir()
    mount = shutil.which("mount")
    if mount is None or subprocess.run([mount, "-t", "tmpfs", "-o", "size=1m", "tmpfs", place], capture_output=True).returncode:
        pytest.skip("a small tmpfs cannot be mounted here (needs root)")
    yield place
    subprocess.run(["umount", "-l", place], check=True)


@pytest.mark.parametrize("n", [0, 2])
def test_a_full_disk_in_the_middle_of_a_run(tmp_path, small_disk, solo, n):
    """Snapshots fill the disk; once there is space again the run goes on as if nothing had been."""
    path = small(tmp_path / "deck.toml", NAME, "output.checkpoint_steps=5", pieces=12)
    hpccr(n, "run", path, "--out", tmp_path / "whole")
    size = sum(p.stat().st_blocks * 512 for p in (tmp_path / "whole").rglob("*.h5"))
    (small_disk / "ballast").write_bytes(bytes(max(0, (1 << 20) - size * 6 // 10)))
    done = hpccr(n, "run", path, "--out", small_disk / "run", status=1)
    assert done.stderr.count("hpccr: ") == 1 and "Traceback" not in done.stderr
    assert "disk full" in done.stderr or "No space left" in done.stderr, done.stderr
    assert str(small_disk / "run") in done.stderr
    warnings = []
    saved = Store(small_disk / "run" / "checkpoints", solo).load_latest(warnings.append)
    assert saved.step > 0 and not warnings
    hpccr(n, "restart", small_disk / "run", status=1)           # still full: the same, and nothing gets worse
    os.unlink(small_disk / "ballast")
    hpccr(n, "restart", small_disk / "run")
    same_bits(tmp_path / "whole", small_disk / "run")
