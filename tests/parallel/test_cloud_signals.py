"""Asked to stop, by a signal or by the clock, a run writes a checkpoint, ends with status 75, and can be gone on with."""

import os
import signal

import pytest
from jobs import ended, hpccr, kinds, same_bits, small, started
from launch import kill, mpirun, ranks, start

from hpccr.output.checkpoint import Store

NAME = kinds()[0]


@pytest.fixture(scope="module")
def long(tmp_path_factory):
    """A run of many steps: (path of the deck, directory of the run undisturbed)."""
    place = tmp_path_factory.mktemp("long")
    path = small(place / "deck.toml", NAME, "time.rtol=1e-6", cells=20, lanes=4)
    hpccr(0, "run", path, "--out", place / "whole")
    return path, place / "whole"


def stop(process, n, number, to):
    """Send a signal: to the program or launcher, or to its last rank."""
    os.kill(process.pid if to == "launcher" else ranks(process)[max(n, 1) - 1], number)


@pytest.mark.parametrize("n, number, to", [
    (0, signal.SIGINT, ""), (0, signal.SIGTERM, ""), (0, signal.SIGUSR1, ""), (2, signal.SIGUSR1, "launcher"),
    (2, signal.SIGTERM, "rank"), (2, signal.SIGINT, "rank"), (4, signal.SIGUSR1, "rank")])
def test_a_signal_stops_all_ranks(tmp_path, long, solo, n, number, to):
    path, whole = long
    process = started(n, ["run", path, "--out", tmp_path / "run"], tmp_path / "run", rows=20)
    stop(process, n, number, to)
    status, out, err = ended(process)
    assert status == 75, err
    assert f"stopped by {number.name}" in out and f"hpccr restart {tmp_path / 'run'}" in out and "Traceback" not in err
    warnings = []
    saved = Store(tmp_path / "run" / "checkpoints", solo).load_latest(warnings.append)
    assert saved.step >= 18 and not warnings and not (tmp_path / "run" / "summary.json").exists()
    if n == 0 or to == "launcher":
        hpccr(n, "restart", tmp_path / "run")
    if n == 0:
        same_bits(whole, tmp_path / "run")


def test_a_signal_before_the_first_step(tmp_path, long):
    """While the run is still setting itself up: it stops as soon as there is something to go on from."""
    path, whole = long
    process = start(0, ["-m", "hpccr", "run", path, "--out", tmp_path / "run"])
    while not (tmp_path / "run" / "deck.toml").exists() and process.poll() is None:
        pass
    process.send_signal(signal.SIGTERM)
    status, _, err = ended(process)
    assert status == 75, err
    hpccr(0, "restart", tmp_path / "run")
    same_bits(whole, tmp_path / "run")


# The command with a signal to itself: as soon as it imports the command line, or at the very end of the interpreter.
EARLY_OR_LATE = """
import atexit, os, signal, sys
from hpccr import __main__ as entry

when, *sys.argv = sys.argv[1:]
def ask():
    os.kill(os.getpid(), signal.SIGUSR1)

class Watch:
    def find_spec(self, name, path=None, target=None):
        if name == "hpccr.cli":
            ask()

if when == "early":
    sys.meta_path.insert(0, Watch())
else:
    atexit.register(ask)
entry.main()
"""


def test_a_signal_in_the_first_or_the_last_moment(tmp_path, long):
    """While the command line is imported it is heard; after the last step it does not spoil the status."""
    path, whole = long
    for when, words, status in (("early", ["run", path, "--out", tmp_path / "run"], 75), ("late", ["restart", tmp_path / "run"], 0)):
        done = mpirun(0, ["-c", EARLY_OR_LATE, when, "hpccr", *words])
        assert done.returncode == status and done.stdout.count("stopped by SIGUSR1") == (when == "early"), done.stderr
    same_bits(whole, tmp_path / "run")


@pytest.mark.parametrize("n", [0, 2])
def test_the_wall_clock_limit(tmp_path, long, n):
    path, whole = long
    done = hpccr(n, "run", path, "--out", tmp_path / "run", "--walltime", "1 ms", status=75)
    assert "stopped by the wall-clock limit" in done.stdout
    hpccr(n, "restart", tmp_path / "run", "--walltime", "1 ms", status=75)
    assert (tmp_path / "run" / "checkpoints" / "00000002.h5").exists()      # each start makes at least a step
    if n == 0:
        hpccr(n, "restart", tmp_path / "run", "--walltime", "1 h")
        same_bits(whole, tmp_path / "run")


def test_status_of_a_stop_through_the_launcher(tmp_path, long, solo):
    """Ctrl-C at mpirun: the launcher itself may end the job with a status of its own, but not before the checkpoint."""
    path, _ = long
    process = started(2, ["run", path, "--out", tmp_path / "run"], tmp_path / "run", rows=20)
    process.send_signal(signal.SIGINT)
    try:
        status, out, err = ended(process)
    finally:
        if process.poll() is None:
            kill(process)
    assert status != 0 and "Traceback" not in err
    assert Store(tmp_path / "run" / "checkpoints", solo).load_latest().step >= 18, (status, out, err)
