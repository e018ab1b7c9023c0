"""An ensemble's results do not depend on the ranks, nor on where it was stopped, killed and gone on with: not in a bit."""

import random
import shutil

import pytest
from jobs import PATIENT, ended, ensembles, few, hpccr, long, same_bits
from launch import kill, mpirun, start

NAMES = ensembles()
# Stop at random deals, go on in a new job each time; the number of ranks is that of the process.
PIECES = """
import sys
from pathlib import Path
from hpccr import driver
from hpccr.deck import reader
from hpccr.driver import ensemble, job
from hpccr.parallel import world
from hpccr.particles import sum_kernels
from hpccr.problems import registry
path, out = sys.argv[1:]
ensemble.ROUND, sum_kernels.SLICE = 0.01, 2e6       # units are cut into many pieces
deck = reader.read(path, problems=registry)
count = 0
def vote(self):
    global count
    count += 1
    return [10.0 if count % 3 == 0 else 0.0, 0.0]
job.Job.vote = vote
status = driver.run(deck, out)
stops = 0
while status == driver.STOPPED:
    stops += 1
    status = driver.restart(out)
assert status == 0
if world().rank == 0:
    print("stops", stops)
"""


@pytest.mark.ranks
@pytest.mark.parametrize("name, ranks", [(name, (2, 4) if name != NAMES[-1] else (2, 4, 7)) for name in NAMES])
def test_same_bits_on_1_to_7_ranks(tmp_path, name, ranks):
    path = few(tmp_path / "deck.toml", name)
    hpccr(0, "run", path, "--out", tmp_path / "on1")
    for n in ranks:
        hpccr(n, "run", path, "--out", tmp_path / f"on{n}")
        same_bits(tmp_path / "on1", tmp_path / f"on{n}")


@pytest.mark.restart
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("n", [1, 2])
def test_stopped_and_gone_on_with(tmp_path, name, n):
    path = long(tmp_path / "deck.toml", name)
    hpccr(0, "run", path, "--out", tmp_path / "whole")
    done = mpirun(n, ["-c", PIECES, path, tmp_path / "pieces"], 120, env=PATIENT)
    assert done.returncode == 0, done.stderr[-3000:]
    stops = int(done.stdout.split("stops")[-1].split()[0])
    assert stops >= 3, done.stdout
    same_bits(tmp_path / "whole", tmp_path / "pieces")


@pytest.mark.parametrize("name", NAMES)
def test_killed_and_gone_on_with_on_other_ranks(tmp_path, name):
    """Killed at random moments, restarted each time on another number of ranks."""
    path, dice = long(tmp_path / "deck.toml", name), random.Random(7)
    hpccr(0, "run", path, "--out", tmp_path / "whole")
    out, kills = tmp_path / "run", 0
    words = ["run", path, "--out", str(out)]
    for n in (2, 1, 3, 2):
        process = start(n, ["-m", "hpccr", *words], env=PATIENT)
        try:
            process.wait(0.8 + 0.8 * dice.random())
        except Exception:
            kills += 1
        kill(process)
        if (out / "summary.json").exists():
            break
        if list(out.glob("checkpoints/*.h5")):
            words = ["restart", str(out)]
        else:
            shutil.rmtree(out, ignore_errors=True)
    assert kills >= 2
    if words[0] == "restart":
        hpccr(4, "restart", out)
    else:
        hpccr(4, *words)
    same_bits(tmp_path / "whole", out)


@pytest.mark.parametrize("name", NAMES[-1:])
def test_a_signal_stops_it_and_a_restart_of_a_finished_run_changes_nothing(tmp_path, name):
    import signal
    import time

    path, out = long(tmp_path / "deck.toml", name, "ensemble.realisations=30"), tmp_path / "run"
    process = start(2, ["-m", "hpccr", "run", path, "--out", out], env=PATIENT)
    limit = time.monotonic() + 60
    while len(list(out.glob("checkpoints/*.h5"))) < 2 and time.monotonic() < limit:
        time.sleep(0.02)
    process.send_signal(signal.SIGUSR1)
    status, said, err = ended(process)
    assert status == 75 and "stopped by SIGUSR1" in said and f"hpccr restart {out}" in said, err
    hpccr(3, "restart", out)
    shutil.copytree(out, tmp_path / "again")
    hpccr(1, "restart", tmp_path / "again")
    same_bits(out, tmp_path / "again")
