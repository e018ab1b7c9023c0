"""postprocess/cloud.py as a user starts it: figures of a small run, and what it says to bad input."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from figures import SCRIPTS, both, draw, draw_alone, drawn

pytest.importorskip("matplotlib")
pytest.importorskip("h5netcdf")

FIGURES = both("half_life", "profiles", "spectra")


def simulate(out, *settings):
    """A cloud of few cells, in seconds."""
    few = ("axes.z.cells=60", "time.end=4 kyr", 'output.snapshots=["0 kyr", "1 kyr", "4 kyr"]', *settings)
    command = [sys.executable, "-m", "hpccr", "run", "cloud_quick", "--out", str(out)]
    for setting in few:
        command += ["--set", setting]
    done = subprocess.run(command, capture_output=True, text=True, cwd=SCRIPTS.parent, timeout=120)
    assert done.returncode == 0, done.stderr
    return out


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return simulate(tmp_path_factory.mktemp("runs") / "half", "axes.p.cells=3")


@pytest.fixture
def copy(run, tmp_path):
    return Path(shutil.copytree(run, tmp_path / "copy"))


def test_all_figures_of_a_run(copy):
    done = draw("cloud", copy)
    assert done.returncode == 0 and not done.stderr, done.stderr
    assert drawn(copy / "figures") == FIGURES


def test_chosen_columns_and_directory(run, tmp_path):
    done = draw("cloud", run, "--out", tmp_path / "here", "--energies", "10 GeV, 1 TeV", "--distances", "30 pc")
    assert done.returncode == 0 and not done.stderr, done.stderr
    assert drawn(tmp_path / "here") == FIGURES


def test_whole_line_of_one_energy(tmp_path):
    run = simulate(tmp_path / "whole", "axes.z.from=-1 kpc", "axes.p.cells=1", "axes.p.from=1 TeV", "axes.p.to=1.1 TeV",
                   "waves.nonlinear_landau=false")
    done = draw("cloud", run)
    assert done.returncode == 0 and not done.stderr, done.stderr


def test_unfinished_run_draws_what_there_is(copy):
    (copy / "summary.json").unlink()
    done = draw("cloud", copy)
    assert done.returncode == 0 and "no summary.json" in done.stdout
    assert drawn(copy / "figures") == FIGURES[2:]


def test_half_lives_not_reached_are_limits(copy):
    summary = json.loads((copy / "summary.json").read_text())
    summary["half_life"]["value"] = summary["half_life"]["error"] = [None] * 3
    (copy / "summary.json").write_text(json.dumps(summary))
    done = draw("cloud", copy)
    assert done.returncode == 0 and not done.stderr, done.stderr


def test_needs_neither_mpi_nor_petsc(copy):
    done = draw_alone("cloud", copy)
    assert done.returncode == 0, done.stderr


@pytest.fixture
def modules(load):
    """The scripts' modules: (cloud, drawing)."""
    return load("cloud"), load("drawing")


def test_spectrum_anywhere_is_that_of_the_run(run, modules):
    """E² dN/dE = 3 P_cr: interpolated from the profiles it equals what the run stored at its distances."""
    seen = modules[0].Cloud(run)
    for snapshot in seen.run.snapshots:
        for distance in (10.0, 50.0):
            profile = 3 * seen.at(snapshot, "P_cr", distance)
            np.testing.assert_allclose(profile, seen.spectrum(snapshot, distance), rtol=1e-10)


def test_radius_and_far_diffusion_are_the_decks(run, modules):
    """Content over pressure is R = 15 pc; D far away is 1e28 cm²/s (E/10 GeV)^(1/2)."""
    seen = modules[0].Cloud(run)
    np.testing.assert_allclose(seen.radius, 15.0, rtol=2e-3)
    np.testing.assert_allclose(seen.D_ism, 1e28 * np.sqrt(seen.E / 10), rtol=1e-10)


def test_half_of_a_diffusing_slab(modules):
    """At t = R²/(1.081 D): erf x − (1 − exp(−x²))/(x√π) = 1/2 with x = R/√(Dt)."""
    from math import erf, exp, pi, sqrt

    x = sqrt(modules[0].HALF_OUT)
    assert erf(x) - (1 - exp(-x * x)) / (x * sqrt(pi)) == pytest.approx(0.5, abs=1e-7)


def test_thinning_keeps_both_ends(modules):
    times = np.linspace(0, 60, 101)
    kept = modules[1].thinned(times)
    assert kept[0] == 0 and kept[-1] == 100 and 5 <= len(kept) <= 7 and kept == sorted(set(kept))


def refuse_no_directory(copy):
    return [copy / "nowhere"], "no such directory"


def refuse_not_a_run(copy):
    return [copy / "checkpoints"], "not a run directory"


def refuse_no_snapshots(copy):
    for file in (copy / "snapshots").iterdir():
        file.unlink()
    return [copy], "no snapshots"


def refuse_broken_snapshot(copy):
    (copy / "snapshots" / "000001.h5").write_bytes(b"no HDF5 at all")
    return [copy], "cannot be read as a snapshot"


def refuse_broken_summary(copy):
    (copy / "summary.json").write_text("{")
    return [copy], "cannot be read"


def refuse_energy_out_of_range(copy):
    return [copy, "--energies", "10 GeV, 100 TeV"], "out of range"


def refuse_energy_without_unit(copy):
    return [copy, "--energies", "10"], "missing unit"


def refuse_wrong_unit(copy):
    return [copy, "--distances", "10 kyr"], "wrong unit"


def refuse_distance_off_the_axis(copy):
    return [copy, "--distances", "5 kpc"], "out of range"


def refuse_unknown_option(copy):
    return [copy, "--energy", "1 TeV", "--nonsense"], "nonsense"


def refuse_no_argument(copy):
    return [], "DIR"


def refuse_out_is_a_file(copy):
    (copy / "file").write_text("")
    return [copy, "--out", copy / "file"], "cannot write"


REFUSALS = [value for name, value in list(globals().items()) if name.startswith("refuse_")]


@pytest.mark.parametrize("case", REFUSALS, ids=lambda case: case.__name__.removeprefix("refuse_"))
def test_bad_input_is_refused_with_one_message(case, copy):
    arguments, expected = case(copy)
    done = draw("cloud", *arguments)
    assert done.returncode == 2
    assert done.stderr.startswith("cloud.py: ") and expected in done.stderr and "Traceback" not in done.stderr
    assert done.stderr.count("cloud.py: ") == 1
