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
from hpccr.errors import InputError
from hpccr.output import hdf5

QUICK = ("--set", "time.end=1 yr", "--set", "axes.r.cells=16", "--set", "axes.p.cells=3")


def run(*words, cwd, **given):
    return subprocess.run([sys.executable, "-m", "hpccr", *words], cwd=cwd, capture_output=True, timeout=120, **{"env": environment(), **given})


@pytest.mark.parametrize("name", [b"d\xe9ck", "tåg €".encode(), b"two\nlines", b"points/a", b"a/points/0000"])
def test_any_name_that_a_file_can_have(tmp_path, name):
    """Of a deck and of a directory: what is not UTF-8, what breaks a line, what a scan calls its points. It runs, and can be gone on with."""
    path = os.fsencode(tmp_path) + b"/" + name.replace(b"/", b"") + b".toml"
    shutil.copy(small(tmp_path / "deck.toml", "transport_slab"), path)
    for words in (["run", path, "--out", name, *QUICK], ["restart", name], ["info", name]):
        done = run(*words, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
    assert b"finished" in done.stdout


def test_a_deck_longer_than_an_attribute(tmp_path):
    """Thousands of times: the snapshots carry the whole deck all the same, written by two ranks or one."""
    times = ", ".join(f"{0.001 * n:.3f}" for n in range(9000))
    words = ["run", small(tmp_path / "deck.toml", "focused_quick"), "--set", f"output.snapshots=[{times}]", "--set", "time.end=0.002"]
    for ranks in (1, 2):
        done = mpirun(ranks, ["-m", "hpccr", *words, "--out", f"on{ranks}"], cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        with xarray.open_dataset(tmp_path / f"on{ranks}" / "snapshots" / "000001.h5", engine="h5netcdf") as file:
            assert len(file.attrs["deck"]) > 2**16 and file.attrs["deck"].count("0.001") >= 1


def test_compiled_kernels_that_nowhere_can_be_kept():
    """The code is another user's, and there is no home: it runs all the same, and says what would help."""
    nobody = {"user": 65534, "group": 65534, "extra_groups": []}
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        place.chmod(0o755)
        shutil.copytree(Path(hpccr.__file__).parent, place / "site" / "hpccr", ignore=shutil.ignore_patterns("__pycache__"))
        (place / "work").mkdir()
        (place / "work").chmod(0o777)
        small(place / "deck.toml", "transport_slab")
        given = {"cwd": place / "work", "env": environment(HOME="/nonexistent", PYTHONPATH=str(place / "site")), **nobody}
        if os.geteuid() != 0 or subprocess.run([sys.executable, "-c", "import numba, click"], check=False, **given).returncode:
            pytest.skip("only root can become somebody else, who must be able to read this Python")
        done = run("run", "../deck.toml", "--out", "out", **given)
    assert done.returncode == 0, done.stderr
    assert done.stderr.count(b"NUMBA_CACHE_DIR names a directory") == 1 and b"Traceback" not in done.stderr


def test_how_long_a_file_may_take_to_open(monkeypatch):
    monkeypatch.delenv("HPCCR_PATIENCE", raising=False)
    assert hdf5.patience() == hdf5._PATIENCE
    monkeypatch.setenv("HPCCR_PATIENCE", " 600 ")
    assert hdf5.patience() == 600
    for wrong in ("0", "-1", "nan", "1e9", "10 min"):
        monkeypatch.setenv("HPCCR_PATIENCE", wrong)
        with pytest.raises(InputError, match="HPCCR_PATIENCE in the environment: this is no time\n  given    .*\n  allowed  seconds"):
            hdf5.patience()
