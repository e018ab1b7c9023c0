"""Over whole runs in every phase of the medium: content closes, nothing turns negative, snapshots explain themselves."""

import shutil
import subprocess

import numpy as np
import pytest
from jobs import deck, kinds, small, summary

from hpccr import driver
from hpccr.deck import reader
from hpccr.physics import media
from hpccr.problems import registry
from hpccr.units import GeV


def finished(path, out):
    """Run a deck in this process: (Deck, Problem)."""
    resolved = reader.read(path, problems=registry)
    assert driver.run(resolved, out) == 0
    return resolved, registry.load(resolved.problem)(resolved)


def snapshots(directory):
    """Its snapshots in turn, as xarray datasets."""
    import xarray

    for path in sorted((directory / "snapshots").glob("*.h5")):
        with xarray.open_dataset(path, engine="h5netcdf") as data:
            yield data


@pytest.mark.parametrize("line", ["half", "whole"])
@pytest.mark.parametrize("phase", media.PHASES)
def test_content_closes_and_the_state_stays_physical(tmp_path, solo, phase, line):
    """|content + escaped − initial|/initial ≤ 1e-10; P_cr ≥ 0; I ≥ I_0; all finite.

    On the whole line the waves of one direction are damped below I_0/2 where those of the other are strong, and are then
    carried through z = 0, where nothing grows: I falls below I_0 there, by up to 2e-5 of it in these runs.
    """
    ends = ["axes.z.from=-500 pc"] if line == "whole" else []
    path = small(tmp_path / "deck.toml", "cloud_quick", f"medium.phase={phase}", "axes.z.to=500 pc", *ends,
                 cells=80 if ends else 50, lanes=4, part=1.0, pieces=4)
    _, problem = finished(path, tmp_path / "run")
    assert summary(tmp_path / "run")["content_error"]["value"] <= 1e-10
    header, *rows = (tmp_path / "run" / "history.csv").read_text().splitlines()
    table = np.array([[float(x) for x in row.split(",")] for row in rows])
    assert np.isfinite(table).all()
    assert table[:, header.split(",").index("content_error [1]")].max() <= 1e-10
    count = 0
    for data in snapshots(tmp_path / "run"):
        assert all(np.isfinite(data[name]).all() for name in data.variables)
        assert (data["P_cr"] >= 0).all() and (data["f"] >= 0).all()
        floor = problem.I0 * (1 - (1e-3 if line == "whole" else 1e-12))
        assert (data["I"] >= floor).all() and (data["I_face"] >= floor).all()
        assert (data["D"] > 0).all()
        count += 1
    assert count == 5


@pytest.mark.parametrize("name", kinds())
def test_snapshots_open_with_xarray(tmp_path, solo, name):
    """Named dimensions with their coordinates; unit and meaning on every variable; time, deck and version."""
    resolved, problem = finished(small(tmp_path / "deck.toml", name, part=0.02, pieces=2), tmp_path / "run")
    line, lane = problem.line(), problem.lane()
    times = []
    for data in snapshots(tmp_path / "run"):
        assert {line.name: len(line), lane.name: len(lane)}.items() <= dict(data.sizes).items()
        assert set(data.coords) >= {line.name, lane.name, "time"}
        assert all(data[key].attrs["units"] and data[key].attrs["long_name"] for key in data.variables)
        assert np.allclose(data[line.name], line.centers * problem.axis_units()[0][2])
        fields = [v for v in data.data_vars.values() if v.dims == (line.name, lane.name)]
        assert fields and all("time" in v.coords for v in fields)
        echo = tmp_path / "echo.toml"
        echo.write_text(data.attrs["deck"], encoding="utf-8")
        assert reader.read(echo, problems=registry).digest() == resolved.digest()
        assert data.attrs["problem"] == resolved.problem and data.attrs["hpccr_version"]
        times.append(float(data["time"]))
    assert np.allclose(times, [0, 0.5 * times[-1], times[-1]]) and times[-1] > 0


def test_the_cloud_names_what_it_stores(tmp_path, solo):
    _, problem = finished(small(tmp_path / "deck.toml", "cloud_quick", part=0.02, pieces=1), tmp_path / "run")
    for data in snapshots(tmp_path / "run"):
        units = {name: data[name].attrs["units"] for name in ("z", "p", "E", "time", "P_cr", "I", "D", "f")}
    assert units == {"z": "pc", "p": "GeV/c", "E": "GeV", "time": "kyr", "P_cr": "erg/cm3", "I": "1", "D": "cm2/s", "f": "s3/(g3 cm6)"}
    assert np.allclose(data["E"], problem.E / GeV)
    assert deck("cloud_quick").problem == "cloud"


def test_ncdump_reads_snapshots(tmp_path, solo):
    if shutil.which("ncdump") is None:
        pytest.skip("ncdump is not installed (Debian: netcdf-bin)")
    finished(small(tmp_path / "deck.toml", kinds()[0], part=0.02, pieces=1), tmp_path / "run")
    done = subprocess.run(["ncdump", "-h", tmp_path / "run" / "snapshots" / "000001.h5"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and "dimensions:" in done.stdout and ":units" in done.stdout, done.stderr
