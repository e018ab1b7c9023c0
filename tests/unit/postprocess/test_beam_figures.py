"""postprocess/beam.py as a user starts it: figures of a small run, and what it says to bad input."""

import json
import shutil
import warnings

import numpy as np
import pytest
from figures import both, draw_alone, drawn

pytest.importorskip("matplotlib")
pytest.importorskip("h5netcdf")

from hpccr import driver  # noqa: E402
from hpccr.deck import library, reader  # noqa: E402
from hpccr.problems import registry  # noqa: E402

ALL = both("beam_excess", "beam_modes", "beam_scaling")


def made(out, *settings):
    """A small run of the deck; what HDF5 has to say of numpy is not this test's."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert driver.run(reader.read(library.find("beam"), ("axes.mu.cells=400", *settings), problems=registry), out) == 0
    return out


@pytest.fixture(scope="module")
def run(tmp_path_factory, solo):
    """A small run; only looked at."""
    return made(tmp_path_factory.mktemp("beam") / "run", "beam.epsilons=[1e-4, 1e-3, 1e-2]")


def test_needs_neither_mpi_nor_petsc(run, tmp_path):
    done = draw_alone("beam", run, "--out", tmp_path / "out")
    assert done.returncode == 0 and not done.stderr, done.stderr
    assert drawn(tmp_path / "out") == ALL


@pytest.mark.filterwarnings("error")
def test_figures(run, tmp_path, inside):
    """All three, and the numbers of each energy in print: those of the summary."""
    status, out, err = inside("beam", run, "--out", tmp_path)
    assert status == 0 and not err and drawn(tmp_path) == ALL
    summary = json.loads((run / "summary.json").read_text())
    point = int(np.abs(np.array(summary["E"]["value"]) - 10).argmin())
    assert f"10 TeV: eps = 0.002703, width {summary['width']['value'][point]:.3g} deg" in out and "sqrt(eps)" in out
    assert f"excess {100 * summary['excess']['value'][point]:.3g} %" in out


@pytest.mark.filterwarnings("error")
def test_energies_and_a_run_that_has_not_ended(run, tmp_path, inside):
    shutil.copytree(run, tmp_path / "run")
    (tmp_path / "run" / "summary.json").unlink()
    status, out, err = inside("beam", tmp_path / "run", "--energies", "5 TeV")
    assert status == 0 and not err and out.count("eps = ") == 1 and drawn(tmp_path / "run" / "figures") == ALL


@pytest.mark.filterwarnings("error")
def test_a_cone_too_wide_for_a_width(tmp_path, solo, inside):
    made(tmp_path / "run", "beam.epsilons=[0.01, 0.1]", "beam.energies=[]", "scattering.mean_free_path=3000")
    status, out, err = inside("beam", tmp_path / "run", "--energies", "370 TeV")
    assert status == 0 and not err and "beam_excess is not drawn" in out
    assert drawn(tmp_path / "run" / "figures") == [name for name in ALL if "excess" not in name]


@pytest.mark.parametrize("arguments, words", [
    (["nowhere"], "no such directory"), (["--energies", "1 TeV"], "DIR"), (["RUN", "--energies", "1 PeV"], "out of range"),
    (["RUN", "--energies", "1 pc"], "--energies"), (["RUN", "--colour"], "--colour")])
def test_bad_input(run, inside, arguments, words):
    status, out, err = inside("beam", *[run if word == "RUN" else word for word in arguments])
    assert status == 2 and err.startswith("beam.py: ") and words in err and "Traceback" not in err


def test_a_run_of_another_problem(run, tmp_path, inside):
    import h5py

    shutil.copytree(run, tmp_path / "run")
    with h5py.File(tmp_path / "run" / "snapshots" / "000000.h5", "r+") as file:
        file.attrs["problem"] = "orbits"
    status, _, err = inside("beam", tmp_path / "run")
    assert status == 2 and "not a snapshot of the problem beam" in err
