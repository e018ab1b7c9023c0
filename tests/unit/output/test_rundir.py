"""The run directory: never over another run, and `hpccr info` tells what is inside."""

import errno
import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from hpccr.errors import InputError
from hpccr.output import description, rundir, snapshot
from hpccr.output.checkpoint import Store
from hpccr.output.history import History
from hpccr.output.variable import Variable

DECK = '# hpccr 0.1.0, numpy 1.26\nproblem = "cloud"\n'


@pytest.fixture
def run(tmp_path, solo):
    path = tmp_path / "out" / "run"
    rundir.create(path, DECK, solo)
    history = History(path / rundir.HISTORY, [("time", "kyr"), ("step", "")], solo)
    history.start()
    for step in range(4):
        history.append([0.5 * step, step])
    history.close()
    f = Variable.whole("f", ("z",), np.array([1.0, 4.0, np.nan]), "cm-3", "distribution")
    for number in range(2):
        snapshot.write(rundir.snapshot_path(path, number), [f, Variable.whole("time", (), 2.0 * number, "kyr")],
                       {"problem": "cloud", "deck": DECK, "hpccr_version": "0.1.0"}, solo)
    for step in (1, 2):
        Store(path / rundir.CHECKPOINTS, solo).save(step, [f], {"time": 0.5})
    return path


def test_layout_and_deck(run):
    assert (run / "deck.toml").read_text() == DECK
    assert rundir.snapshot_path(run, 1) == run / "snapshots" / "000001.h5"


def test_occupied_places_are_refused(run, tmp_path, solo):
    with pytest.raises(InputError, match="already holds a run"):
        rundir.create(run, DECK, solo)
    with pytest.raises(InputError, match="not empty"):
        rundir.create(tmp_path, DECK, solo)
    with pytest.raises(InputError, match="not a directory"):
        rundir.create(run / "deck.toml", DECK, solo)
    with pytest.raises(InputError, match="cannot be made"):
        rundir.create(run / "deck.toml" / "below", DECK, solo)
    with pytest.raises(InputError, match="cannot be made"):
        rundir.create("/proc/hpccr", DECK, solo)
    with pytest.raises(InputError, match="cannot be made: File name too long"):
        rundir.create(tmp_path / ("a" * 300), DECK, solo)


def test_what_a_cut_short_beginning_left_is_gone_on_with(tmp_path, solo):
    """Killed before the deck was there: the same command begins again; nothing that holds anything is taken for that."""
    (tmp_path / "run" / "checkpoints").mkdir(parents=True)
    (tmp_path / "run" / "deck.toml.tmp").write_text("# hpc")
    rundir.create(tmp_path / "run", DECK, solo)
    assert sorted(os.listdir(tmp_path / "run")) == ["checkpoints", "deck.toml", "snapshots"]
    (tmp_path / "kept" / "snapshots").mkdir(parents=True)
    (tmp_path / "kept" / "snapshots" / "000000.h5").touch()
    with pytest.raises(InputError, match="not empty"):
        rundir.create(tmp_path / "kept", DECK, solo)


def test_of_two_who_begin_at_once_one_does(tmp_path, solo, monkeypatch):
    """Both have found the directory empty; with hard links or without, the second is told so, or takes over before any run is made."""
    def begin(text):
        try:
            return rundir.write_text(tmp_path / "deck.toml", text, new=True)
        except FileExistsError:
            return "held"

    with ThreadPoolExecutor(8) as pool:
        said = list(pool.map(begin, [f"# {n}\n" for n in range(8)]))
    assert said.count(None) == 1 and said.count("held") == 7
    assert (tmp_path / "deck.toml").read_text() == f"# {said.index(None)}\n" and os.listdir(tmp_path) == ["deck.toml"]
    (tmp_path / "run").mkdir()
    monkeypatch.setattr(os, "link", lambda *paths: (_ for _ in ()).throw(PermissionError(errno.EPERM, "no links here")))
    rundir.create(tmp_path / "run", DECK, solo)
    assert (tmp_path / "run" / "deck.toml").read_text() == DECK


def test_a_file_system_without_locks_is_told(run, solo, monkeypatch, capsys):
    def no_locks(*given):
        raise OSError(errno.ENOLCK, "none")

    monkeypatch.setattr(rundir.fcntl, "flock", no_locks)
    with rundir.alone(run, solo):
        assert f"{run}: this file system has no locks" in capsys.readouterr().err


def test_one_at_a_time(run, solo):
    with rundir.alone(run, solo):
        with pytest.raises(InputError, match="another hpccr run is at work"), rundir.alone(run, solo):
            pass
    with rundir.alone(run, solo):
        pass


def test_description_of_a_run(run):
    text = description.describe(run)
    for words in ("problem cloud", "hpccr 0.1.0", "not finished", "4 rows, time [kyr] 0.0 to 1.5", "snapshots    2",
                  "time 0 kyr to 2 kyr", "z = 3", "1 … 4 (1 not finite)", "00000002.h5, step 2, valid"):
        assert words in text, f"{words!r} is not in\n{text}"
    path = run / "checkpoints" / "00000002.h5"
    path.write_bytes(path.read_bytes()[:-1])
    rundir.write_json(run / "summary.json", {"half_life": {"value": np.array([1.5, 2.0]), "unit": "kyr"}})
    text = description.describe(run)
    assert "NOT valid: it is truncated" in text and "  finished" in text and "[1.5, 2] kyr" in text


def test_description_of_files(run):
    text = description.describe(run / "snapshots" / "000001.h5")
    assert "problem      cloud" in text and "cm-3" in text and "scalar" in text
    assert "4 rows" in description.describe(run / "history.csv") and "problem cloud" in description.describe(run / "deck.toml")
    assert "step" not in text and "f                    3" in description.describe(run / "checkpoints" / "00000001.h5")


def test_bad_paths_are_refused(run, tmp_path):
    import h5py

    h5py.File(tmp_path / "foreign.h5", "w").close()
    (tmp_path / "empty").touch()
    damaged = run / "checkpoints" / "00000001.h5"
    damaged.write_bytes(damaged.read_bytes()[:-9])
    for name in ("summary.json", "scan.json"):
        (tmp_path / name).write_text("[1]")
    for bad in ("/nowhere", tmp_path, "/dev/null", tmp_path / "foreign.h5", tmp_path / "empty", damaged, tmp_path / "summary.json",
                tmp_path / "scan.json"):
        with pytest.raises(InputError):
            description.describe(bad)


def test_info_needs_no_mpi(run):
    code = ("import sys; from hpccr.output import description; description.describe(sys.argv[1]);"
            "sys.exit('mpi4py' in sys.modules or 'petsc4py' in sys.modules)")
    env = {k: v for k, v in os.environ.items() if k != "H5PY_ALWAYS_USE_MPI" and not k.startswith("OMPI_COMM")}
    done = subprocess.run([sys.executable, "-c", code, run], env=env, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


def test_json_is_whole_or_absent(tmp_path):
    rundir.write_json(tmp_path / "s.json", {"a": {"value": np.float64(0.1), "unit": "µG"}})
    assert json.loads((tmp_path / "s.json").read_text()) == {"a": {"value": 0.1, "unit": "µG"}}
    with pytest.raises(OSError):
        rundir.write_json(tmp_path / "no" / "s.json", {})
    assert [p.name for p in tmp_path.iterdir()] == ["s.json"]
