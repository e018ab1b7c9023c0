"""A run that was stopped and restarted is the run that was not: bit for bit on as many ranks, closely on others.

For a deck of every problem, with whole lines on a rank and with lines cut.
"""

import shutil

import pytest
from jobs import deck, distance, hpccr, kinds, same_bits, small, stopped, summary

KINDS = kinds()
# Ranks and lanes: whole lines, and, where there are fewer lanes than ranks, cut ones.
LAYOUTS = [(name, n, lanes) for name in KINDS for n, lanes in ((0, 6), (2, 6), (4, 2))] + [(KINDS[0], 4, 6), (KINDS[0], 4, 1)]
# Gas, which has no lanes, where both are cut.
LAYOUTS += [(name, 4, 4) for name in KINDS if deck(name).problem == "feedback"]


@pytest.mark.restart
@pytest.mark.parametrize("name, n, lanes", LAYOUTS)
def test_restart_is_bit_identical(tmp_path, name, n, lanes):
    """Stopped at the first step, at three random ones, and again right after."""
    stopped(n, small(tmp_path / "deck.toml", name, lanes=lanes), tmp_path)
    same_bits(tmp_path / "whole", tmp_path / "pieces")
    assert (tmp_path / "pieces" / "run.log").read_text().count("restart at") == 5


@pytest.mark.parametrize("name", [KINDS[0], KINDS[-1]])
def test_restart_on_any_number_of_ranks(tmp_path, name):
    """From one and the same checkpoint of two ranks; new processes."""
    path = small(tmp_path / "deck.toml", name)
    stopped(2, path, tmp_path, 9, then="leave")
    for n in (1, 2, 3, 4):
        shutil.copytree(tmp_path / "pieces", tmp_path / f"on{n}")
        hpccr(n, "restart", tmp_path / f"on{n}")
    same_bits(tmp_path / "whole", tmp_path / "on2")
    for n in (1, 3, 4):
        assert distance(tmp_path / "whole", tmp_path / f"on{n}") < 1e-8, n
        assert summary(tmp_path / f"on{n}")["steps"] == summary(tmp_path / "whole")["steps"]


def test_history_and_checkpoints_now_and_then(tmp_path):
    """Records every 3 steps, checkpoints every 4: what came after the last checkpoint is done again, not twice."""
    path = small(tmp_path / "deck.toml", KINDS[0], "output.history_every=3", "output.checkpoint_steps=4")
    stopped(0, path, tmp_path, 7, 10, then="leave")
    newest = max((tmp_path / "pieces" / "checkpoints").iterdir())
    assert newest.name == "00000010.h5"
    newest.unlink()             # as if the job had died at step 10, after the checkpoint of step 8
    hpccr(0, "restart", tmp_path / "pieces")
    same_bits(tmp_path / "whole", tmp_path / "pieces")


def test_restart_of_a_finished_run_changes_nothing(tmp_path):
    path = small(tmp_path / "deck.toml", KINDS[0])
    hpccr(0, "run", path, "--out", tmp_path / "run")
    shutil.copytree(tmp_path / "run", tmp_path / "again")
    hpccr(0, "restart", tmp_path / "again")
    same_bits(tmp_path / "run", tmp_path / "again")
