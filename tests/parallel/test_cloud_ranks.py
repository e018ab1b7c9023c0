"""The answer, the steps and the linear iterations do not depend on the number of ranks, however lines are cut."""

import pytest
from jobs import distance, hpccr, kinds, small, summary

KINDS = kinds()
# 6 lanes: 7 ranks cut the lines, 8 the lanes as well, and where lanes are coupled 4 do.
RANKS = [(KINDS[0], (2, 4, 7, 8)), *((name, (2, 4)) for name in KINDS[1:])]


@pytest.mark.ranks
@pytest.mark.parametrize("name, ranks", RANKS)
def test_answer_on_1_to_8_ranks(tmp_path, name, ranks):
    path = small(tmp_path / "deck.toml", name, cells=60, part=0.03, pieces=2)
    hpccr(0, "run", path, "--out", tmp_path / "on1")
    alone = summary(tmp_path / "on1")
    for n in ranks:
        hpccr(n, "run", path, "--out", tmp_path / f"on{n}", timeout=180)
        assert distance(tmp_path / "on1", tmp_path / f"on{n}") < 1e-8, n
        together = summary(tmp_path / f"on{n}")
        assert together["steps"] == alone["steps"], n
        assert together["linear_iterations"]["value"] <= 1.2 * alone["linear_iterations"]["value"], n


@pytest.mark.parametrize("name, n, lanes", [(KINDS[0], 3, 2), (KINDS[0], 4, 1), (KINDS[-1], 4, 4)])
def test_few_momenta(tmp_path, name, n, lanes):
    """As many lanes as ranks, or fewer."""
    path = small(tmp_path / "deck.toml", name, lanes=lanes, part=0.03, pieces=2)
    hpccr(0, "run", path, "--out", tmp_path / "on1")
    hpccr(n, "run", path, "--out", tmp_path / "many")
    assert distance(tmp_path / "on1", tmp_path / "many") < 1e-8
    assert summary(tmp_path / "many")["steps"] == summary(tmp_path / "on1")["steps"]


def test_more_ranks_than_the_mesh_can_feed(tmp_path):
    """One message and status 2, not a traceback from each rank."""
    path = small(tmp_path / "deck.toml", KINDS[0], "source.radius=10 pc", "axes.z.to=30 pc", "axes.z.scale=30 pc", cells=8, lanes=1)
    done = hpccr(4, "run", path, "--out", tmp_path / "run", status=2)
    assert done.stderr.count("hpccr: ") == 1 and "many ranks" in done.stderr and "Traceback" not in done.stderr
