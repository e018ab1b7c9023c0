"""What a user can get wrong about the beam, and a failure on one rank."""

import pytest
from jobs import PATIENT, few
from launch import mpirun

from hpccr import cli

REFUSED = {
    "odd cells": ("[axes.mu]\ncells = 301", ("cells = 301", "odd", "even")),
    "modes that no cells resolve": ("[axes.mu]\ncells = 400\n[beam]\nmodes = 9", ("modes = 9", "400 cells")),
    "nothing to do": ("[beam]\nenergies = []\nepsilons = []", ("neither an energy", "at least one")),
    "gyroradius above the cascade": ('[beam]\nenergies = ["1 PeV"]', ("energies", "r_g/l = 0.27", "1000 TeV", "0.1")),
    "no beam": ("[scattering]\nmean_free_path = 2.0\nmirror = 5.0\nmirror_width = 1.0", ("mean_free_path", "no beam")),
    "epsilon out of range": ("[beam]\nepsilons = [1e-3, 0.5]", ("epsilons", "1e-10 to 0.1")),
    "energy without unit": ("[beam]\nenergies = [1.0]", ("energies", "missing unit")),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(tmp_path, capsys, monkeypatch, name):
    text, words = REFUSED[name]
    monkeypatch.chdir(tmp_path)
    (tmp_path / "deck.toml").write_text(f'problem = "beam"\n{text}\n')
    for command in ("check", "run"):
        with pytest.raises(SystemExit) as leaving:
            cli.main([command, "deck.toml"])
        err = capsys.readouterr().err
        assert leaving.value.code == 2 and err.startswith("hpccr: ") and "Traceback" not in err, err
        assert all(word in err for word in words), err
    assert not (tmp_path / "deck").exists()


def test_a_failure_on_one_rank_ends_the_run_on_all(tmp_path):
    """Rank 1 finds no modes: all ranks end with its message."""
    path = few(tmp_path / "deck.toml", "beam")
    code = f"""
from hpccr import cli
from hpccr.parallel import world
from hpccr.physics import pitch_spectrum
if world().rank == 1:
    pitch_spectrum._MOST = 1
cli.main(["run", {path!r}, "--out", {str(tmp_path / "run")!r}])
"""
    done = mpirun(3, code, env=PATIENT)
    assert done.returncode == 1 and done.stderr.count("did not settle") == 1 and "Traceback" not in done.stderr, done.stderr
    assert not (tmp_path / "run" / "summary.json").exists()
