"""A scan is its single runs: on any groups of ranks, killed or stopped and gone on with, and around points that fail."""

import json
import os
import shutil
import signal
import time

import pytest
from jobs import PATIENT, ended, hpccr, same_bits
from launch import kill, ranks, start, succeed

from hpccr import cli
from hpccr.deck import reader
from hpccr.deck import scan as scans
from hpccr.output.checkpoint import Store
from hpccr.problems import registry

BASE = """problem = "transport"
[axes.r]
cells = 20
[axes.p]
cells = 4
[time]
end = "10 kyr"
rtol = 1e-3
{more}
[output]
snapshots = "5 kyr"
checkpoint_steps = 100
[scan]
"""
SIX = """transport.geometry = ["slab", "cylinder", "sphere"]
[scan.together]
source.index = [4.2, 4.0]
source.width = ["10 pc", "20 pc"]
"""
# About 1300 steps a point.
LONG = 'max_step = "8 yr"'

# The points of the deck as single runs, with the values on the command line.
SINGLE = """
import sys
from hpccr import driver
from hpccr.deck import reader
from hpccr.problems import registry
path, out, *points = sys.argv[1:]
for number, values in enumerate(points):
    assert driver.run(reader.read(path, values.split(";"), problems=registry), f"{out}/{number:04d}") == 0
"""


def write(path, scan=SIX, more=""):
    path.write_text(BASE.format(more=more) + scan)
    return str(path)


def single(n, path, out):
    """Run the points of a deck one by one on `n` ranks."""
    whole = reader.read(path, problems=registry)
    points = [scans.values(whole.scan, number) for number in range(scans.count(whole.scan))]
    succeed(n, ["-c", SINGLE, path, out, *(";".join(f"{k}={v}" for k, v in point.items()) for point in points)], env=PATIENT)
    return out


def finished(out):
    """The names of the finished points."""
    return {path.parent.name for path in out.glob("points/*/summary.json")}


def at_work(out):
    """The names of the points that can be gone on with."""
    return {path.parent.parent.name for path in out.glob("points/*/checkpoints/*.h5")} - finished(out)


def begun(words, out, *, n=2, points=0):
    """Start a scan and come back when so many points more are finished, and another one is at work: Popen."""
    process, limit = start(n, ["-m", "hpccr", *map(str, words)], env=PATIENT), time.monotonic() + 40
    while len(finished(out)) < points or not at_work(out):
        if process.poll() is not None or time.monotonic() > limit:
            raise AssertionError("\n".join(kill(process)))
        time.sleep(0.005)
    return process


def files(out, names):
    """Bytes and time of change of every file of these points."""
    return {path: (path.stat().st_mtime_ns, path.read_bytes()) for name in names
            for path in sorted((out / "points" / name).rglob("*")) if path.is_file()}


def same_points(out, others):
    assert finished(out) == {path.name for path in others.iterdir()}
    for name in finished(out):
        same_bits(out / "points" / name, others / name)


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    """The six points as single runs on 1, 2 and 4 ranks: (path of the deck, {ranks: directory})."""
    place = tmp_path_factory.mktemp("alone")
    path = write(place / "six.toml")
    return path, {n: single(n, path, place / str(n)) for n in (1, 2, 4)}


@pytest.fixture(scope="module")
def long(tmp_path_factory):
    """The same with many steps: (path of the deck, directory of the single runs on one rank)."""
    place = tmp_path_factory.mktemp("long")
    path = write(place / "long.toml", more=LONG)
    return path, single(0, path, place / "alone")


@pytest.mark.parametrize("n, groups, size", [(0, None, 1), (2, 1, 2), (2, None, 1), (4, 1, 4), (4, 2, 2), (4, 4, 1)])
def test_points_are_those_of_single_runs(tmp_path, alone, n, groups, size):
    path, single_runs = alone
    done = hpccr(n, "scan", path, "--out", tmp_path / "out", *(["--groups", groups] if groups else []))
    same_points(tmp_path / "out", single_runs[size])
    # Each point is told of once, whichever group had it.
    assert [done.stdout.count(f"point {k}/6 finished in points/000{k - 1} ") for k in range(1, 7)] == [1] * 6, done.stdout
    assert "0 left" in done.stdout and "done: 6 points" in (tmp_path / "out" / "run.log").read_text()
    listed = json.loads((tmp_path / "out" / "scan.json").read_text())
    assert listed["keys"] == ["transport.geometry", "source.index", "source.width"] and len(listed["points"]) == 6
    assert listed["points"][3] == {"directory": "points/0003", "values": {"transport.geometry": "cylinder", "source.index": 4.0,
                                                                        "source.width": "20 pc"}}


def test_points_of_ensembles_are_those_of_single_runs(tmp_path):
    """The most expensive is taken first, and the groups need not be of one size."""
    path = tmp_path / "orbits.toml"
    path.write_text('problem = "orbits"\n[turbulence]\nmodes = 32\n[ensemble]\nrealisations = 3\nparticles = 32\n'
                    '[scan]\ngroups = 2\nturbulence.kind = ["isotropic", "alfven"]\nensemble.t_end = [20.0, 40.0]\n')
    done = hpccr(3, "scan", path, "--out", tmp_path / "out")
    same_points(tmp_path / "out", single(0, path, tmp_path / "alone"))
    log = (tmp_path / "out" / "run.log").read_text()
    assert "in 2 groups of ranks" in done.stdout and "by group 1 of 2 on 2 ranks" in log and "by group 2 of 2 on 1 ranks" in log
    begun = [line.partition(" begun in points/")[2][:4] for line in log.splitlines() if " begun in " in line]
    assert {*begun[:2]} == {"0001", "0003"} and {*begun[2:]} == {"0000", "0002"}


def test_a_killed_scan_repeats_nothing(tmp_path, long):
    path, whole = long
    out = tmp_path / "out"
    kill(begun(["scan", path, "--out", out], out, points=1))
    before, halfway = finished(out), at_work(out)
    kept = files(out, before)
    # One broke off while its directory was made: its deck is not there.
    half = max({f"{k:04d}" for k in range(6)} - before - halfway)
    (out / "points" / half / "snapshots").mkdir(parents=True, exist_ok=True)
    done = hpccr(3, "scan", path, "--out", out)
    assert before and files(out, before) == kept and all(f"points/{name}" not in done.stdout for name in before)
    same_points(out, whole)
    log = (out / "run.log").read_text()
    assert halfway and all(f"gone on with in points/{name}" in log for name in halfway)
    assert log.count(f"begun in points/{half}") == 1
    kept = files(out, finished(out))
    assert "all 6 points are finished" in hpccr(0, "restart", out).stdout and files(out, finished(out)) == kept


def test_a_signal_to_one_rank_stops_all_groups(tmp_path, long, solo):
    path, whole = long
    out = tmp_path / "out"
    process = begun(["scan", path, "--out", out], out, points=1)
    os.kill(ranks(process)[1], signal.SIGUSR1)
    status, text, err = ended(process)
    assert status == 75 and "Traceback" not in err, err
    assert "stopped by SIGUSR1 with " in text and f"hpccr restart {out}" in text
    left = [place for place in (out / "points").iterdir() if place.name not in finished(out)]
    assert len(finished(out)) < 6 and all(Store(place / "checkpoints", solo).load_latest().step > 0 for place in left)
    hpccr(2, "restart", out)
    same_points(out, whole)


def test_a_signal_to_a_rank_that_waits_for_the_others(tmp_path, outcome):
    """And while the others work, no second scan comes into the directory."""
    path = write(tmp_path / "deck.toml", 'time.max_step = ["1 kyr", "0.1 yr"]\n')
    out = tmp_path / "out"
    process = begun(["scan", path, "--out", out], out, points=1)
    log = (out / "run.log").read_text()
    waiting = int(log.partition("begun in points/0000 by group ")[2][0]) - 1
    try:
        assert "another hpccr scan is at work" in outcome("scan", path, "--out", out)[1]
        os.kill(ranks(process)[waiting], signal.SIGUSR1)
    finally:
        status, text, err = ended(process)
    assert status == 75 and "stopped by SIGUSR1 with 1 of 2 points left" in text, err
    assert finished(out) == {"0000"} and list(out.glob("points/0001/checkpoints/*.h5"))


def test_the_wall_clock_limit(tmp_path):
    path = write(tmp_path / "deck.toml", 'time.max_step = ["0.1 yr", "0.11 yr", "0.12 yr"]\n')
    done = hpccr(2, "scan", path, "--out", tmp_path / "out", "--walltime", "3 s", status=75)
    assert "stopped by the wall-clock limit with 3 of 3 points left" in done.stdout and not finished(tmp_path / "out")


def test_points_that_fail_do_not_stop_the_others(tmp_path):
    """One that cannot go on, and, when called again, one whose checkpoints are all damaged."""
    path = write(tmp_path / "deck.toml", "time.max_steps = [100000, 3, 90000, 80000]\n")
    out = tmp_path / "out"
    done = hpccr(2, "scan", path, "--out", out, status=1)
    assert finished(out) == {"0000", "0002", "0003"} and done.stderr.count("hpccr: ") == 1 and "Traceback" not in done.stderr
    assert "1 of 4 points failed; all others are finished" in done.stderr
    assert "points/0001 (time.max_steps = 3): the limit of 3 steps is reached" in done.stderr
    kept = files(out, {"0000", "0003"})
    (out / "points" / "0002" / "summary.json").unlink()
    for damaged in (out / "points" / "0002" / "checkpoints").iterdir():
        os.truncate(damaged, 100)
    done = hpccr(0, "restart", out, status=1)
    assert "2 of 4 points failed" in done.stderr and "points/0002 (time.max_steps = 90000)" in done.stderr
    assert "no checkpoint can be used" in done.stderr and files(out, {"0000", "0003"}) == kept


# -- what is refused, and what is told, in this process --------------------------------------------------------


@pytest.fixture
def outcome(capsys, solo):
    """Call the command line here: (status, all that it said)."""
    def call(*words):
        with pytest.raises(SystemExit) as exit_:
            cli.main(list(map(str, words)))
        return exit_.value.code, "".join(capsys.readouterr())

    return call


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A finished scan of two points: (path of the deck, directory)."""
    place = tmp_path_factory.mktemp("made")
    path = write(place / "two.toml", "source.index = [4.2, 4.0]\n")
    hpccr(0, "scan", path, "--out", place / "out")
    return path, place / "out"


def changed(path, new, old='source.index = [4.2, 4.0]'):
    text = open(path).read()
    assert old in text
    return text.replace(old, new)


@pytest.mark.parametrize("new, part", [
    ("source.index = [4.2, 4.1]", "source.index = 4.0 != source.index = 4.1"), ("source.index = [4.2]", "points: 2 != 1"),
    ("source.width = ['1 pc', '2 pc']", "varied: source.index != source.width"),
    ("source.index = [4.2, 4.0]\n[transport]\nD_slope = 0.5", "transport.D_slope: 0.0 != 0.5")])
def test_the_directory_of_another_scan_is_refused(tmp_path, made, outcome, new, part):
    path, out = made
    before = files(out, {"0000", "0001"})
    (tmp_path / "other.toml").write_text(changed(path, new))
    status, said = outcome("scan", tmp_path / "other.toml", "--out", out)
    assert status == 2 and "holds the scan of another deck" in said and part in said, said
    assert files(out, {"0000", "0001"}) == before


def test_a_deck_changed_since_the_scan_began_is_refused(tmp_path, made, outcome):
    """Edited in the directory itself, where nothing else tells what it was."""
    out = shutil.copytree(made[1], tmp_path / "out")
    (out / "points" / "0001" / "summary.json").unlink()
    kept = (out / "deck.toml").read_text()
    before = files(out, {"0000", "0001"})
    (out / "deck.toml").write_text(changed(out / "deck.toml", "D_slope = 0.5", "D_slope = 0.0"))
    status, said = outcome("restart", out)
    assert status == 2 and "holds the scan of another deck" in said and "transport.D_slope: 0.0 != 0.5" in said, said
    assert files(out, {"0000", "0001"}) == before
    (out / "deck.toml").write_text(kept)
    assert outcome("restart", out)[0] == 0
    same_points(out, made[1] / "points")


def test_a_deck_that_means_the_same_is_the_same_scan(tmp_path, made, outcome):
    path, out = made
    (tmp_path / "other.toml").write_text(changed(path, "# the same\nsource.index = [4.2, 4]\ngroups = 7"))
    assert outcome("scan", tmp_path / "other.toml", "--out", out) == (0, "all 2 points are finished\n")


@pytest.mark.parametrize("words, parts", [
    (["--groups", "2"], ["--groups: so many groups", "1 to 1"]), (["--groups", "x"], ["not a valid integer"]),
    (["--set", "source.index=4.1"], ["--set source.index: this key is varied", "scan.source.index="]),
    (["--set", "scan.source.index=[4.2, 99.0]"], ["--set", "out of range", "at point 2 of 2: source.index = 99.0"]),
    (["--set", "scan.axes.r.from=['0 pc', '1 kpc']"], ["ends before it begins", 'axes.r.from = "1 kpc"']),
    (["--walltime", "3"], ["--walltime: missing unit"]), (["--", "-ts_type", "bdf"], ["options for PETSc"])])
def test_a_scan_that_cannot_be_is_refused_before_it_begins(tmp_path, made, outcome, words, parts):
    status, said = outcome("scan", made[0], "--out", tmp_path / "new", *words)
    assert status == 2 and "Traceback" not in said and not (tmp_path / "new").exists()
    assert all(part in said for part in parts[1:]) and said.startswith("hpccr: "), said


def test_places_that_hold_something_else_are_refused(tmp_path, made, outcome):
    (tmp_path / "file").write_text("")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("")
    (tmp_path / "single").mkdir()
    (tmp_path / "single" / "deck.toml").write_text("")
    shutil.copytree(made[1], tmp_path / "damaged")
    (tmp_path / "damaged" / "scan.json").write_text("{")
    for name, part in (("file", "not a directory"), ("full", "not empty"), ("single", "holds a single run"),
                       ("damaged", "scan.json is damaged")):
        status, said = outcome("scan", made[0], "--out", tmp_path / name)
        assert status == 2 and part in said, said
    assert outcome("restart", tmp_path / "damaged")[0] == outcome("info", tmp_path / "damaged")[0] == 2
    status, said = outcome("restart", made[1], "--", "-ts_type", "bdf")
    assert status == 2 and "for single runs only" in said
    (tmp_path / "plain.toml").write_text('problem = "transport"\n')
    status, said = outcome("scan", tmp_path / "plain.toml", "--out", tmp_path / "new")
    assert status == 2 and "this deck has no [scan]" in said


def test_groups_that_a_point_cannot_use_are_refused(tmp_path):
    path = write(tmp_path / "deck.toml", "axes.p.cells = [4, 1]\naxes.r.cells = [5]\n")
    done = hpccr(4, "scan", path, "--out", tmp_path / "out", "--groups", 1, status=2)
    assert "cannot be shared by so many ranks" in done.stderr and "at point 2 of 2: axes.p.cells = 1" in done.stderr
    assert not (tmp_path / "out").exists()


def test_the_other_commands_know_scans(tmp_path, made, outcome):
    path, out = made
    status, said = outcome("check", path)
    assert status == 0 and "[scan] has 2 points over source.index: all valid" in said and "cells along r" in said
    status, said = outcome("check", path, "--set", "scan.source.index=[4.2, 99.0]")
    assert status == 2 and "at point 2 of 2: source.index = 99.0" in said
    status, said = outcome("info", out)
    assert status == 0 and "2 finished, 0 begun, 0 not begun" in said and "source.index: 4.2, 4.0" in said
    done = hpccr(0, "run", path, "--out", tmp_path / "base", "--set", "source.index=4.0")
    assert "[scan] of 2 points is left aside" in done.stdout and "[scan]" not in (tmp_path / "base" / "deck.toml").read_text()
    same_bits(tmp_path / "base", out / "points" / "0001")
    status, said = outcome("list", "--deck", path)
    assert status == 0 and "[scan]" in said and "together" in said
