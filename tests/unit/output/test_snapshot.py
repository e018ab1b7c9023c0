"""Snapshots are netCDF-4 files with named dimensions, units and meanings, and repeat bit for bit."""

import shutil
import subprocess

import numpy as np
import pytest

from hpccr.errors import RunError
from hpccr.output import snapshot
from hpccr.output.variable import Variable

P, Z = np.geomspace(1, 1e3, 4), np.linspace(0, 100, 30)
F = np.random.default_rng(3).random((4, 30))
DECK = '# Alfvén, 5 µG\nproblem = "cloud"\n'


def variables():
    return [
        Variable.whole("time", (), 12.5, "kyr", "time since release"),
        Variable.whole("p", ("p",), P, "GeV/c", "momentum"),
        Variable.whole("z", ("z",), Z, "pc", "distance along the tube"),
        Variable.whole("E", ("p",), P - 0.5, "GeV", "kinetic energy", coordinate=True),
        Variable.whole("f", ("p", "z"), F, "erg cm-3", "distribution"),
        Variable.whole("tally", ("bin",), np.arange(5), "1", "members in each bin"),
        Variable.whole("none", ("nothing",), np.zeros(0), "1", "an empty list"),
    ]


ATTRIBUTES = {"problem": "cloud", "hpccr_version": "0.1.0", "deck": DECK, "step": 7, "dt": 0.125, "note": ""}


@pytest.fixture
def written(tmp_path, solo):
    path = tmp_path / "snapshots" / "000001.h5"
    snapshot.write(path, variables(), ATTRIBUTES, solo)
    return path


def test_opens_with_xarray(written):
    xarray = pytest.importorskip("xarray")
    pytest.importorskip("h5netcdf")
    with xarray.open_dataset(written, engine="h5netcdf") as data:
        assert data.f.dims == ("p", "z") and set(data.f.coords) == {"p", "z", "E", "time"}
        assert np.array_equal(data.f.values, F) and np.array_equal(data.z.values, Z)
        assert data.f.units == "erg cm-3" and data.f.long_name == "distribution"
        assert float(data.time) == 12.5 and data.time.units == "kyr"
        assert data.tally.dims == ("bin",) and data.tally.dtype == np.int64 and data.sizes["nothing"] == 0
        assert data.attrs["deck"] == DECK and data.attrs["step"] == 7 and data.attrs["dt"] == 0.125
        assert all("units" in data[name].attrs for name in data.variables)


@pytest.mark.skipif(shutil.which("ncdump") is None, reason="ncdump (netcdf-bin) is not installed")
def test_ncdump_reads_the_header(written):
    done = subprocess.run(["ncdump", "-h", written], capture_output=True, text=True, timeout=30)
    assert done.returncode == 0, done.stderr
    for line in ("double f(p, z) ;", 'f:units = "erg cm-3" ;', "bin = 5 ;", ':problem = "cloud" ;'):
        assert line in done.stdout


def test_same_data_same_bytes(written, solo):
    first = written.read_bytes()
    snapshot.write(written, variables(), ATTRIBUTES, solo)
    assert written.read_bytes() == first
    assert [p.name for p in written.parent.iterdir()] == [written.name], "something was left beside the snapshot"


def test_what_a_killed_run_left_of_it_is_cleared_away(written, solo):
    """With what Open MPI keeps beside a file that several ranks write; other files stay."""
    kept = written.with_name("another.h5.tmp-1-2.lock")
    for left in (kept, written.with_name(written.name + ".tmp"), written.with_name(written.name + ".tmp-79298561-26696.lock")):
        left.write_bytes(b"torn")
    snapshot.write(written, variables(), ATTRIBUTES, solo)
    assert sorted(written.parent.iterdir()) == sorted([kept, written])


def test_infinities_and_nan_are_kept(tmp_path, solo):
    import h5py

    odd = np.array([np.nan, np.inf, -np.inf, -0.0, 5e-324])
    snapshot.write(tmp_path / "s.h5", [Variable.whole("x", ("i",), odd)], {}, solo)
    with h5py.File(tmp_path / "s.h5") as file:
        assert file["x"][...].tobytes() == odd.tobytes()


def test_dimension_of_two_lengths_is_refused(tmp_path, solo):
    with pytest.raises(ValueError, match="dimension z"):
        snapshot.write(tmp_path / "s.h5", [Variable.whole("a", ("z",), Z), Variable.whole("b", ("z",), Z[:-1])],
                       {}, solo)


def test_missing_part_is_refused(tmp_path, solo):
    with pytest.raises(RunError, match="hold 60 values, 120"):
        snapshot.write(tmp_path / "s.h5", [Variable("f", ("p", "z"), F[:2], (0, 0), (4, 30))], {}, solo)
    assert not list(tmp_path.iterdir())
