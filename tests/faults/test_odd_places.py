"""Odd names, long decks, places that cannot be written: a run goes through, or is refused in one message."""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
import xarray
from jobs import small
from launch import environment, mpirun

import hpccr
from hpccr import cli
from hpccr.errors import InputError
from hpccr.output import hdf5

QUICK = ("--set", "time.end=1 yr", "--set", "axes.r.cells=16", "--set", "axes.p.cells=3")


@pytest.mark.parametrize("name", [b"d\xe9ck", "tåg €\n".encode(), b"points/a", b"a/points/0000"])
def test_any_name_that_a_file_can_have(tmp_path, monkeypatch, capsys, name):
    """Of a deck and of a directory: what is not UTF-8, what breaks a line, what a scan calls its points. It runs, and can be gone on with."""
    monkeypatch.chdir(tmp_path)
    name = os.fsdecode(name)
    path = tmp_path / (name.replace("/", "") + ".toml")
    os.rename(small(tmp_path / "deck.toml", "transport_slab"), path)
    for words in (["run", str(path), "--out", name, *QUICK], ["restart", name], ["info", name]):
        with pytest.raises(SystemExit) as exit_:
            cli.main(words)
        assert exit_.value.code == 0, capsys.readouterr().err
    assert "finished" in capsys.readouterr().out


def test_a_deck_longer_than_an_attribute(tmp_path):
    """Thousands of times: the snapshots carry the whole deck all the same, written by two ranks."""
    times = ", ".join(f"{0.001 * n:.3f}" for n in range(9000))
    words = ["run", small(tmp_path / "deck.toml", "focused_quick"), "--set", f"output.snapshots=[{times}]", "--set", "time.end=0.002"]
    done = mpirun(2, ["-m", "hpccr", *words, "--out", "out"], cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    with xarray.open_dataset(tmp_path / "out" / "snapshots" / "000001.h5", engine="h5netcdf") as file:
        assert len(file.attrs["deck"]) > 2**16 and "8.999" in file.attrs["deck"]


KERNEL = """
from hpccr.jit import kernel
@kernel
def one():
    return 1
@kernel
def two():
    return one() + one()
"""


def test_compiled_kernels_that_nowhere_can_be_kept():
    """The code is another user's, and there is no home: they are compiled all the same, and it is said once what would help."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        place.chmod(0o755)
        (place / "mine.py").write_text(KERNEL)
        for part in ("__init__.py", "errors.py", "jit.py", "parallel.py"):
            (place / "hpccr").mkdir(exist_ok=True)
            shutil.copy(Path(hpccr.__file__).parent / part, place / "hpccr" / part)
        theirs = environment(HOME="/nonexistent", PYTHONPATH=folder)
        for name in ("NUMBA_CACHE_DIR", "XDG_CACHE_HOME"):
            theirs.pop(name, None)
        given = {"env": theirs, "user": 65534, "group": 65534, "extra_groups": [], "cwd": "/"}
        if os.geteuid() != 0 or subprocess.run([sys.executable, "-c", "import numba"], check=False, **given).returncode:
            pytest.skip("only root can become somebody else, who must be able to read this Python")
        done = subprocess.run([sys.executable, "-c", "import mine; print(mine.two())"], capture_output=True, text=True, check=False, **given)
    assert (done.returncode, done.stdout) == (0, "2\n"), done.stderr
    assert done.stderr.count("NUMBA_CACHE_DIR names a directory") == 1 and "Traceback" not in done.stderr


def test_how_long_a_file_may_take_to_open(monkeypatch, tmp_path, capsys):
    monkeypatch.delenv("HPCCR_PATIENCE", raising=False)
    assert hdf5.patience() == hdf5._PATIENCE
    monkeypatch.setenv("HPCCR_PATIENCE", " 600 ")
    assert hdf5.patience() == 600
    for wrong in ("0", "-1", "nan", "1e9", "10 min"):
        monkeypatch.setenv("HPCCR_PATIENCE", wrong)
        with pytest.raises(InputError, match="HPCCR_PATIENCE in the environment: this is no time\n  given    .*\n  allowed  seconds"):
            hdf5.patience()
    path = small(tmp_path / "deck.toml", "transport_slab")
    for words in (["run", path], ["scan", path, "--set", "scan.time.end=['1 yr', '2 yr']"]):
        with pytest.raises(SystemExit) as exit_:
            cli.main([*words, "--out", str(tmp_path / "out")])
        assert exit_.value.code == 2 and "HPCCR_PATIENCE" in capsys.readouterr().err and not (tmp_path / "out").exists()


def test_options_that_no_deck_can_hold(tmp_path, capsys):
    """They would be part of the run's deck, which is UTF-8."""
    path = small(tmp_path / "deck.toml", "transport_slab")
    with pytest.raises(SystemExit) as exit_:
        cli.main(["run", path, "--out", str(tmp_path / "out"), "--", "-log_view", os.fsdecode(b"d\xe9ck.txt")])
    assert exit_.value.code == 2 and "[solver] petsc: not valid UTF-8" in capsys.readouterr().err and not (tmp_path / "out").exists()


@pytest.mark.parametrize("words", [["run"], ["run", "--resume"]])
def test_a_name_longer_than_a_file_can_have(tmp_path, capsys, words):
    with pytest.raises(SystemExit) as exit_:
        cli.main([*words, small(tmp_path / "deck.toml", "transport_slab"), "--out", str(tmp_path / ("a" * 300))])
    assert exit_.value.code == 2 and "File name too long" in capsys.readouterr().err
