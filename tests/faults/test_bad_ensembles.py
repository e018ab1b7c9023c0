"""What a user can get wrong about orbits: each with status 2, the number or word given, and what is allowed."""

import h5py
import numpy as np
import pytest
from jobs import few, hpccr, summary

from hpccr import cli

HEAD = 'problem = "orbits"\n'
REFUSED = {
    "unknown kind": ('[turbulence]\nkind = "alven"', ("turbulence] kind", "alven", 'did you mean "alfven"')),
    "fractions do not add to one": ('[turbulence]\nkind = "composite"\nfractions = { slab = 0.2, 2d = 0.7 }', ("fractions", "0.9", "not to 1")),
    "composite without fractions": ('[turbulence]\nkind = "composite"', ("fractions",)),
    "unknown fraction": ('[turbulence]\nkind = "composite"\nfractions = { slob = 1.0 }', ("slob", "did you mean slab")),
    "eta and dB": ("[turbulence]\neta = 0.5\ndB = 1.0", ("eta", "dB")),
    "spectrum upside down": ("[turbulence]\nL_min = 2.0", ("L_min", "less than L_max")),
    "step too long": ("[ensemble]\nstep = 1.5", ("step too long", "step = 1.5", "up to 0.7071")),
    "rigidity without field": ('[ensemble]\nrigidity = "10 TV"', ("turbulence.B0",)),
    "rigidity without length": ('[turbulence]\nB0 = "4 uG"\n[ensemble]\nrigidity = "10 TV"', ("L_c",)),
    "rigidity and gyroradius": ("[ensemble]\nrigidity = 0.1\ngyroradius = 0.1", ("one of them",)),
    "length with unit among numbers": ('[ensemble]\ngyroradius = "1 pc"', ("pure numbers",)),
    "no such particle": ("[ensemble]\nrealisations = 2\nparticles = 10\nstore = [20]", ("no particle 20", "0 to 19")),
    "no such file": ('[turbulence]\nwaves_file = "nowhere.h5"', ("nowhere.h5", "no such file")),
    "empty list of waves": ('[turbulence]\nwaves_file = "empty.h5"', ("empty.h5", "empty")),
    "no waves in the file": ('[turbulence]\nwaves_file = "starts.h5"', ("starts.h5", "no dataset")),
    "not HDF5": ('[turbulence]\nwaves_file = "deck.toml"', ("deck.toml", "HDF5")),
    "waves with divergence": ('[turbulence]\nwaves_file = "along.h5"', ("along.h5", "row 1", "divergence")),
    "waves not finite": ('[turbulence]\nwaves_file = "nan.h5"', ("nan.h5", "finite")),
    "more particles than starts": ('[ensemble]\nstarts_file = "starts.h5"\nparticles = 9', ("particles", "3 starts")),
    "a level that is not the file's": ('[turbulence]\nwaves_file = "good.h5"\neta = 0.1', ("eta", "eta = 0.1", "have eta = 0.5")),
    "starts and waves again and again": ('[turbulence]\nwaves_file = "good.h5"\n[ensemble]\nstarts_file = "starts.h5"\nrealisations = 2',
                                         ("realisations", "again and again")),
    "directions twice": ('[ensemble]\nstarts_file = "starts.h5"\nmu = 0.5', ("ensemble] mu", "starts_file")),
    "lag beyond the end": ("[ensemble]\nt_end = 10.0\nlag = 11.0", ("ensemble] lag", "up to t_end")),
    "step beyond the end": ("[ensemble]\nt_end = 0.01\nstep = 0.1", ("ensemble] step", "up to t_end")),
    "more units than can be kept": ("[ensemble]\nparticles = 20000000\nunit = 1\nrealisations = 1", ("units of work", "up to 100000")),
    "phases beyond all digits": ("[ensemble]\nrigidity = 1e14\nsteps_per_wave = 0.0", ("t_end", "phases")),
    "more stored points than fit": ("[ensemble]\nt_end = 1e8\nstore = [0, 1, 2, 3]", ("store_every", "1e8")),
    "a directory": ('[turbulence]\nwaves_file = "/tmp"', ("/tmp: this is a directory", "waves_file")),
    "starts of another kind of length": ('[turbulence]\nL_min = "1 pc"\nL_max = "10 pc"\n[ensemble]\nstarts_file = "starts.h5"', ("length",)),
}


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A directory with good and bad files of waves and starts."""
    def waves(name, k, amplitude):
        with h5py.File(tmp_path / name, "w") as file:
            file["k"], file["amplitude"], file["phase"] = np.reshape(k, (-1, 3)), np.reshape(amplitude, (-1, 3)), np.zeros(len(k) // 3)
            file.attrs["length_unit"] = "L"

    waves("good.h5", [1.0, 0, 0, 0, 2.0, 0], [0, 1.0, 0, 0, 0, 1.0])
    waves("empty.h5", [], [])
    waves("along.h5", [1.0, 0, 0, 0, 2.0, 0], [0, 1.0, 0, 0, 0.1, 1.0])
    waves("nan.h5", [1.0, 0, 0], [0, np.nan, 0])
    with h5py.File(tmp_path / "starts.h5", "w") as file:
        file["position"], file["direction"], file.attrs["length_unit"] = np.zeros((3, 3)), np.eye(3), "L"
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("name", REFUSED)
def test_refused(place, capsys, name):
    text, words = REFUSED[name]
    (place / "deck.toml").write_text(HEAD + text + "\n")
    for command in ("check", "run"):
        with pytest.raises(SystemExit) as leaving:
            cli.main([command, "deck.toml"])
        out, err = capsys.readouterr()
        assert leaving.value.code == 2 and err.startswith("hpccr: ") and "Traceback" not in err, err
        assert all(word in err for word in words), err
    assert not (place / "deck").exists()


def test_k_max_below_the_resonant_scale_is_told_with_the_numbers(place, capsys):
    (place / "deck.toml").write_text(HEAD + "[turbulence]\nL_min = 0.1\nmodes = 8\n[ensemble]\nrigidity = 0.05\nrealisations = 2\nparticles = 8\nt_end = 2.0\n")
    with pytest.raises(SystemExit) as leaving:
        cli.main(["check", "deck.toml"])
    out, _ = capsys.readouterr()
    assert leaving.value.code == 0 and "k_max is below the resonant scale" in out and "k_max r_g = 0.3" in out
    done = hpccr(2, "run", "deck.toml", cwd=place)
    assert "warning: k_max is below the resonant scale" in done.stdout
    assert "warning" in (place / "deck" / "run.log").read_text()


def test_a_step_longer_than_the_waves_is_told(place, capsys):
    (place / "deck.toml").write_text(HEAD + "[ensemble]\nrigidity = 1.0\nstep = 0.3\n")
    with pytest.raises(SystemExit):
        cli.main(["check", "deck.toml"])
    assert "does not resolve the shortest waves" in capsys.readouterr().out


def test_bad_input_on_ranks_and_petsc_options(place):
    (place / "deck.toml").write_text(HEAD + '[turbulence]\nwaves_file = "empty.h5"\n')
    done = hpccr(3, "run", "deck.toml", status=2, cwd=place)
    assert done.stderr.count("hpccr: ") == 1 and "Traceback" not in done.stderr
    (place / "deck.toml").write_text(HEAD)
    done = hpccr(0, "run", "deck.toml", "--", "-ts_type", "bdf", status=2, cwd=place)
    assert "options for PETSc with cloud, focused, transport only" in done.stderr and not (place / "deck").exists()
    (place / "deck.toml").write_text(HEAD + "[ensemble]\nrealisations = 1\nparticles = 4\ngyroradius = 0.5\nt_end = 5.0\n")
    hpccr(0, "run", "deck.toml", cwd=place)
    done = hpccr(0, "restart", "deck", "--", "-ts_type", "bdf", status=2, cwd=place)
    assert "has no use for PETSc" in done.stderr


def test_a_file_that_changed_since_the_run_began(place):
    (place / "deck.toml").write_text(HEAD + '[turbulence]\nwaves_file = "good.h5"\n[ensemble]\nrealisations = 1\nparticles = 4\ngyroradius = 0.5\nt_end = 5.0\n')
    hpccr(0, "run", "deck.toml", "--out", "run", cwd=place)
    hpccr(0, "restart", place / "run", cwd="/")            # the path is kept whole
    with h5py.File(place / "good.h5", "r+") as file:
        file["phase"][0] = 1.0
    done = hpccr(2, "restart", "run", status=2, cwd=place)
    assert "has changed since the run began" in done.stderr and "good.h5" in done.stderr


def test_one_given_field_has_no_error(place):
    """The scatter between particles of one field says nothing of others: errors are null, not small."""
    (place / "deck.toml").write_text(HEAD + '[turbulence]\nwaves_file = "good.h5"\n[ensemble]\nrealisations = 3\nparticles = 4\ngyroradius = 0.5\nt_end = 5.0\n')
    hpccr(0, "run", "deck.toml", "--out", "run", cwd=place)
    found = summary(place / "run")
    assert found["kappa_par"]["value"] is not None and found["kappa_par"]["error"] is None and found["kappa_par"]["converged"] is None


@pytest.mark.parametrize("unit, told", [(np.array([b"pc"]), False), (b"kpc", False), ("parsecs_", True), ("s", True), (1.0, True), ("L_max", False)])
def test_units_of_length_in_a_file(place, capsys, unit, told):
    """Texts as other languages write them; what is not a length is told."""
    with h5py.File(place / "good.h5", "r+") as file:
        file.attrs["length_unit"] = unit
    (place / "deck.toml").write_text(HEAD + '[turbulence]\nwaves_file = "good.h5"\n')
    with pytest.raises(SystemExit) as leaving:
        cli.main(["check", "deck.toml"])
    out, _ = capsys.readouterr()
    assert leaving.value.code == 0 and ("is not a unit of length" in out) == told
    assert (" pc " in out) == (unit in (b"kpc", np.array([b"pc"]))), out


@pytest.mark.parametrize("deck, result", [("orbits_quick", "kappa_par"), ("fieldlines", "D_perp")])
def test_info_on_a_finished_run(place, deck, result):
    few(place / "small.toml", deck)
    hpccr(0, "run", "small.toml", "--out", "run", cwd=place)
    said = hpccr(0, "info", "run", cwd=place).stdout
    assert "finished" in said and "unknown" not in said and result in said
    for part in ("snapshots/000000.h5", *sorted(f"checkpoints/{path.name}" for path in (place / "run" / "checkpoints").iterdir())):
        hpccr(0, "info", place / "run" / part)


def test_many_stored_orbits_are_found_again_at_once(place):
    """Members are looked up, not searched for: a restart with 1500 units of one stored orbit each."""
    (place / "deck.toml").write_text(HEAD + "[turbulence]\nmodes = 4\n[ensemble]\nrealisations = 1\nparticles = 1500\nunit = 1\nt_end = 10.0\n"
                                     f"store = {list(range(1500))}\nstore_every = 1000\n")
    hpccr(0, "run", "deck.toml", "--out", "run", cwd=place)
    before = (place / "run" / "orbits.h5").read_bytes()
    hpccr(0, "restart", "run", cwd=place, timeout=40)
    assert (place / "run" / "orbits.h5").read_bytes() == before
