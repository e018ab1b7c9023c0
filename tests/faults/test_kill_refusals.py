"""What cannot be run or restarted is refused on all ranks with status 2 and one message, and nothing is changed by it."""

import shutil

import pytest
from jobs import deck, hpccr, kinds, small, stopped

from hpccr import cli
from hpccr.output import rundir

NAME = kinds()[0]


@pytest.fixture(scope="module")
def left(tmp_path_factory):
    """A run left at step 3."""
    place = tmp_path_factory.mktemp("left")
    stopped(0, small(place / "deck.toml", NAME, part=0.01, pieces=1), place, 3, then="leave")
    return place


def edited(run, old, new):
    """The run's deck with another text in it."""
    text = (run / "deck.toml").read_text()
    assert old in text
    (run / "deck.toml").write_text(text.replace(old, new))
    return ["restart", run]


# Each gives the words of a command, from the deck's path and a copy of the run.
CASES = {
    "below a file": (lambda deck, run: ["run", deck, "--out", run / "deck.toml" / "below"], "cannot be made: Not a directory"),
    "a file": (lambda deck, run: ["run", deck, "--out", run / "deck.toml"], "this is not a directory"),
    "in proc": (lambda deck, run: ["run", deck, "--out", "/proc/none"], "cannot be made: No such file or directory"),
    "holds a run": (lambda deck, run: ["run", deck, "--out", run], "already holds a run"),
    "holds files": (lambda deck, run: ["run", deck, "--out", run / "checkpoints"], "is not empty"),
    "restart nothing": (lambda deck, run: ["restart", run / "nothing"], "there is no such directory"),
    "restart a file": (lambda deck, run: ["restart", deck], "not a run directory"),
    "restart a folder": (lambda deck, run: ["restart", run / "snapshots"], "not a run directory"),
    "other value": (lambda deck, run: edited(run, "cells = 40", "cells = 41"), "cells: 40 != 41"),
    "other end": (lambda deck, run: edited(run, "rtol = 0.0001", "rtol = 0.001"), "time.rtol: 0.0001 != 0.001"),
    "misspelt": (lambda deck, run: edited(run, "\nrtol", "\nrtoll"), "did you mean rtol?"),
    "broken": (lambda deck, run: edited(run, "[time]", "[time"), "deck.toml"),
    "no history": (lambda deck, run: (run / "history.csv").unlink() or ["restart", run], "history of this run is missing"),
    "short history": (lambda deck, run: (run / "history.csv").write_text(
        (run / "history.csv").read_text()[:-9]) and ["restart", run], "shorter than it was at the checkpoint"),
    "no limit": (lambda deck, run: ["restart", run, "--walltime", "0 s"], "--walltime: out of range"),
}


def refused(tmp_path, run, name, deck, command):
    """One message with the case's words, nothing on standard output, and no file changed."""
    make, words = CASES[name]
    arguments = [str(word) for word in make(deck, run)]
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    out, err = command(arguments)
    assert err.count("hpccr: ") == 1 and words in err and "Traceback" not in err, err
    assert out == ""
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize("name", CASES)
def test_a_refusal_is_one_message(left, tmp_path, capsys, solo, name):
    def command(arguments):
        with pytest.raises(SystemExit) as exit_:
            cli.main(arguments)
        assert exit_.value.code == 2
        return capsys.readouterr()

    refused(tmp_path, shutil.copytree(left / "pieces", tmp_path / "run"), name, left / "deck.toml", command)


@pytest.mark.parametrize("n, name", [(1, "holds a run"), (4, "below a file"), (4, "holds a run"), (4, "restart nothing"),
                                     (4, "other value"), (4, "no history")])
def test_a_refusal_on_ranks_is_one_message(left, tmp_path, n, name):
    def command(arguments):
        done = hpccr(n, *arguments, status=2)
        return done.stdout, done.stderr

    refused(tmp_path, shutil.copytree(left / "pieces", tmp_path / "run"), name, left / "deck.toml", command)


def test_restart_after_a_deck_of_another_problem(left, tmp_path):
    other = next(name for name in kinds() if deck(name).problem != deck(NAME).problem)
    run = shutil.copytree(left / "pieces", tmp_path / "run")
    small(run / "deck.toml", other)
    err = hpccr(0, "restart", run, status=2).stderr
    assert "another deck" in err and "problem: " in err and "Traceback" not in err


def test_the_same_deck_in_other_words_goes_on(left, tmp_path):
    """Comments, order and units are not what a deck means."""
    run = shutil.copytree(left / "pieces", tmp_path / "run")
    edited(run, "[time]", "# a remark\n[time]")
    edited(run, "rtol = 0.0001", "rtol = 1e-4")
    hpccr(0, "restart", run)


def test_two_at_once_in_a_directory(left, tmp_path):
    """The second is sent away, changes nothing, and is let in when the first has ended."""
    run = shutil.copytree(left / "pieces", tmp_path / "run")
    with rundir.hold(run / "deck.toml", "run"):
        before = {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}
        err = hpccr(2, "restart", run, status=2).stderr
        assert err.count("hpccr: ") == 1 and "another hpccr run is at work" in err and "Traceback" not in err
        assert {path: path.read_bytes() for path in run.rglob("*") if path.is_file()} == before
    hpccr(0, "restart", run)


def test_an_input_file_that_has_changed(tmp_path):
    """A grid's run, too, goes on with the tables that it began with, or not at all."""
    table = tmp_path / "D.txt"
    table.write_text("-1 1\n0 0.5\n1 1\n")
    path = small(tmp_path / "deck.toml", "focused_quick", "transport.scattering=table", f"transport.table={table}", cells=30, lanes=8)
    hpccr(0, "run", path, "--out", tmp_path / "run", "--walltime", "1 ms", status=75)
    table.write_text("-1 9\n0 4.5\n1 9\n")
    done = hpccr(2, "restart", tmp_path / "run", status=2)
    assert "this file has changed since the run began" in done.stderr and "D.txt" in done.stderr
    table.write_text("-1 1\n0 0.5\n1 1\n")
    hpccr(2, "restart", tmp_path / "run")
