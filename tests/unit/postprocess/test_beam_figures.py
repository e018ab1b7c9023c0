"""postprocess/beam.py as a user starts it: figures of a small run, and what it says to bad input."""

import json
import runpy
import shutil
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("matplotlib")
pytest.importorskip("h5netcdf")

from hpccr import driver  # noqa: E402
from hpccr.deck import library, reader  # noqa: E402
from hpccr.problems import registry  # noqa: E402

SCRIPTS = Path(__file__).parents[3] / "postprocess"
MODULES = ("common", "ensembles")
ALL = sorted(f"beam_{name}.{kind}" for name in ("excess", "modes", "scaling") for kind in ("pdf", "png"))


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


@pytest.fixture
def draw(monkeypatch, capsys):
    """Run the script in this process: returns (status, stdout, stderr)."""
    monkeypatch.syspath_prepend(str(SCRIPTS))
    kept = {name: sys.modules.pop(name) for name in MODULES if name in sys.modules}

    def start(*arguments):
        monkeypatch.setattr(sys, "argv", ["beam.py", *map(str, arguments)])
        try:
            runpy.run_path(str(SCRIPTS / "beam.py"), run_name="__main__")
            status = 0
        except SystemExit as end:
            status = end.code
        return status, *capsys.readouterr()

    yield start
    for name in MODULES:
        sys.modules.pop(name, None)
    sys.modules.update(kept)


def drawn(out):
    assert all(path.stat().st_size > 3000 for path in out.iterdir())
    return sorted(path.name for path in out.iterdir())


def test_needs_neither_mpi_nor_petsc(run, tmp_path):
    code = ("import runpy, sys; sys.modules.update(mpi4py=None, petsc4py=None, numba=None); sys.path.insert(0, {0!r}); "
            "sys.argv = ['beam.py', {1!r}, '--out', {2!r}]; runpy.run_path({0!r} + '/beam.py', run_name='__main__')")
    done = subprocess.run([sys.executable, "-c", code.format(str(SCRIPTS), str(run), str(tmp_path / "out"))], capture_output=True,
                          text=True, timeout=120)
    assert done.returncode == 0 and not done.stderr, done.stderr
    assert drawn(tmp_path / "out") == ALL


@pytest.mark.filterwarnings("error")
def test_figures(run, tmp_path, draw):
    """All three, and the numbers of each energy in print: those of the summary."""
    status, out, err = draw(run, "--out", tmp_path)
    assert status == 0 and not err and drawn(tmp_path) == ALL
    summary = json.loads((run / "summary.json").read_text())
    point = int(np.abs(np.array(summary["E"]["value"]) - 10).argmin())
    assert f"10 TeV: eps = 0.002703, width {summary['width']['value'][point]:.3g} deg" in out and "sqrt(eps)" in out
    assert f"excess {100 * summary['excess']['value'][point]:.3g} %" in out


@pytest.mark.filterwarnings("error")
def test_energies_and_a_run_that_has_not_ended(run, tmp_path, draw):
    shutil.copytree(run, tmp_path / "run")
    (tmp_path / "run" / "summary.json").unlink()
    status, out, err = draw(tmp_path / "run", "--energies", "5 TeV")
    assert status == 0 and not err and out.count("eps = ") == 1 and drawn(tmp_path / "run" / "figures") == ALL


@pytest.mark.filterwarnings("error")
def test_a_cone_too_wide_for_a_width(tmp_path, solo, draw):
    made(tmp_path / "run", "beam.epsilons=[0.01, 0.1]", "beam.energies=[]", "scattering.mean_free_path=3000")
    status, out, err = draw(tmp_path / "run", "--energies", "370 TeV")
    assert status == 0 and not err and "beam_excess is not drawn" in out
    assert drawn(tmp_path / "run" / "figures") == [name for name in ALL if "excess" not in name]


@pytest.mark.parametrize("arguments, words", [
    (["nowhere"], "no such directory"), (["--energies", "1 TeV"], "DIR"), (["RUN", "--energies", "1 PeV"], "out of range"),
    (["RUN", "--energies", "1 pc"], "--energies"), (["RUN", "--colour"], "--colour")])
def test_bad_input(run, draw, arguments, words):
    status, out, err = draw(*[run if word == "RUN" else word for word in arguments])
    assert status == 2 and err.startswith("beam.py: ") and words in err and "Traceback" not in err


def test_a_run_of_another_problem(run, tmp_path, draw):
    import h5py

    shutil.copytree(run, tmp_path / "run")
    with h5py.File(tmp_path / "run" / "snapshots" / "000000.h5", "r+") as file:
        file.attrs["problem"] = "orbits"
    status, _, err = draw(tmp_path / "run")
    assert status == 2 and "not a snapshot of the problem beam" in err
