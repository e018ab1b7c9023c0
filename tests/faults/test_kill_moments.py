"""SIGKILL at random moments, checkpoint writing included: every restart finds a valid checkpoint, and the run that was
killed again and again ends bit for bit as the one that was not.

HPCCR_KILLS sets how many (12): HPCCR_KILLS=50 pytest tests/faults/test_kill_moments.py
"""

import os
import random
import signal
import time

import pytest
from jobs import PATIENT, ended, hpccr, kinds, newest, same_bits, small
from launch import descendants, kill, start, succeed

from hpccr.output import checkpoint

KILLS = int(os.environ.get("HPCCR_KILLS", "12"))


def kill_at_once(process, random_):
    """The launcher and all ranks, or one rank alone, whose death ends the others."""
    ranks = descendants(process.pid)
    if ranks and random_.random() < 0.5:
        os.kill(random_.choice(ranks), signal.SIGKILL)
        return ended(process)
    return kill(process)


@pytest.mark.parametrize("n", [0, 2])
def test_killed_again_and_again(tmp_path, n):
    """Each time: wait for a checkpoint of this start, then for a random part of a step, then SIGKILL."""
    random_, kills, wanted = random.Random(n), 0, max(1, KILLS // 2)
    path = small(tmp_path / "deck.toml", kinds()[0], "output.checkpoint_steps=1", "time.rtol=1e-5", cells=30, lanes=4, part=0.03)
    hpccr(n, "run", path, "--out", tmp_path / "whole")
    runs, torn = 0, 0
    while kills < wanted:
        run, runs, reached = tmp_path / f"run{runs}", runs + 1, -1
        words = ["run", path, "--out", run]
        while kills < wanted:
            process, seen = start(n, ["-m", "hpccr", *words], env=PATIENT), reached
            limit = time.monotonic() + 60
            while seen <= reached and process.poll() is None and time.monotonic() < limit:
                seen = max([-1, *checkpoint.found(run / "checkpoints")])
                time.sleep(0.002)
            time.sleep(0.4 * random_.random() ** 2)
            if process.poll() is not None:
                status, _, err = ended(process)
                assert status == 0, err
                break
            kill_at_once(process, random_)
            kills += 1
            torn += len(list(run.rglob("*.tmp")))
            step = newest(run)
            assert step >= max(seen, reached), "a checkpoint was lost"
            reached, words = step, ["restart", run]
        else:
            hpccr(n, "restart", run)
        same_bits(tmp_path / "whole", run)
    print(f"{kills} kills in {runs} runs on {n} ranks, {torn} while a file was being written")


def test_killed_before_the_first_checkpoint(tmp_path):
    """There is nothing to go on from: a restart says so and begins at the beginning."""
    path = small(tmp_path / "deck.toml", kinds()[0], cells=30, lanes=4)
    hpccr(0, "run", path, "--out", tmp_path / "whole")
    process = start(0, ["-m", "hpccr", "run", path, "--out", tmp_path / "run"])
    while not (tmp_path / "run" / "deck.toml").exists() and process.poll() is None:
        pass
    kill(process)
    assert newest(tmp_path / "run") == -1
    assert "there is no checkpoint yet" in hpccr(0, "restart", tmp_path / "run").stdout
    same_bits(tmp_path / "whole", tmp_path / "run")


def test_a_dead_rank_keeps_no_lock_of_the_launcher():
    """With none in shared memory (run/environment), a rank killed in MPI_Init cannot leave mpirun waiting for ever."""
    code = "from mpi4py import MPI; print([line for line in open('/proc/self/maps') if 'pmix_dstor' in line])"
    assert "".join(succeed(2, code).split()) == "[][]"
