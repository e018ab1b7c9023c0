"""Damaged checkpoints and a full disk, seen by a whole run: what was good before still is, and the run can go on."""

import os
import shutil

import pytest
from jobs import flip, hpccr, kinds, same_bits, small, small_disk, stopped, truncate
from launch import mpirun

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


# What an error may leave: an object of PETSc that one rank still has and the other has not.
UNEVEN = """
from hpccr import cli, driver
from hpccr.errors import RunError
from hpccr.parallel import world
from hpccr.steppers.implicit import initialise

kept = []
def run(*given):
    petsc = initialise()
    kept.append(petsc.Vec().createMPI(10, comm=petsc.COMM_WORLD))
    if world().rank == 0:
        kept.pop().destroy()
    raise RunError("it cannot go on")
driver.run = run
cli.main(["run", "cloud_quick"])
"""


def test_after_an_error_no_rank_waits_for_another_at_the_end(tmp_path):
    """PETSc cleans up on all ranks together, which takes for ever where they differ."""
    done = mpirun(2, ["-c", UNEVEN], timeout=40, cwd=tmp_path)
    assert done.returncode == 1 and done.stderr.count("hpccr: it cannot go on") == 1, done.stderr


@pytest.fixture
def disk(tmp_path):
    """A file system of 1 MiB."""
    with small_disk(tmp_path / "small", 1024) as place:
        if place is None:
            pytest.skip("a small tmpfs cannot be mounted here (needs root)")
        yield place


@pytest.mark.parametrize("n", [0, 2])
def test_a_full_disk_in_the_middle_of_a_run(tmp_path, disk, solo, n):
    """Snapshots fill the disk; once there is space again the run goes on as if nothing had been."""
    path = small(tmp_path / "deck.toml", NAME, "output.checkpoint_steps=5", pieces=12)
    hpccr(n, "run", path, "--out", tmp_path / "whole")
    size = sum(p.stat().st_blocks * 512 for p in (tmp_path / "whole").rglob("*.h5"))
    (disk / "ballast").write_bytes(bytes(max(0, (1 << 20) - size * 6 // 10)))
    done = hpccr(n, "run", path, "--out", disk / "run", status=1)
    assert done.stderr.count("hpccr: ") == 1 and "Traceback" not in done.stderr
    assert "disk full" in done.stderr or "No space left" in done.stderr, done.stderr
    assert str(disk / "run") in done.stderr
    warnings = []
    saved = Store(disk / "run" / "checkpoints", solo).load_latest(warnings.append)
    assert saved.step > 0 and not warnings
    hpccr(n, "restart", disk / "run", status=1)           # still full: the same, and nothing gets worse
    os.unlink(disk / "ballast")
    hpccr(n, "restart", disk / "run")
    same_bits(tmp_path / "whole", disk / "run")
