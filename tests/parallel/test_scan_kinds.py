"""Every kind of problem on a grid can be scanned: two points, each on a rank of its own."""

import pytest
from jobs import hpccr, kinds, small, summary


@pytest.mark.parametrize("name", kinds())
def test_a_scan_of_every_kind(tmp_path, name):
    path = small(tmp_path / "deck.toml", name, cells=30, lanes=4, part=0.01, pieces=1)
    hpccr(2, "scan", path, "--out", tmp_path / "scan", "--set", "scan.time.rtol=[1e-2, 1e-3]", "--groups", "2")
    for point in ("0000", "0001"):
        assert summary(tmp_path / "scan" / "points" / point)
