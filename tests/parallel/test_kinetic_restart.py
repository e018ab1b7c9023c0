"""A run of pitch-angle transport that is stopped before and after its streaming becomes implicit goes on as if it had not been."""

import pytest
from jobs import STOPS, deck, distance, same_bits
from launch import succeed

SETTINGS = ("transport.epsilon=0.02", "time.end=10000.0", "output.snapshots=[0.0,5000.0,10000.0]", "axes.z.cells=96", "axes.mu.cells=16")


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Runs on 1 and 2 ranks, whole and in pieces: {ranks: directory}."""
    out = tmp_path_factory.mktemp("kinetic")
    (out / "deck.toml").write_text(deck("focused_quick", *SETTINGS).as_toml())
    for ranks in (1, 2):
        (out / f"{ranks}").mkdir()
        succeed(ranks, ["-c", STOPS, out / "deck.toml", out / f"{ranks}", "restart", "30", "75", "88"])
    return {ranks: out / f"{ranks}" for ranks in (1, 2)}


@pytest.mark.parametrize("ranks", [1, 2])
def test_the_files_are_those_of_a_run_that_was_not_stopped(runs, ranks):
    same_bits(runs[ranks] / "whole", runs[ranks] / "pieces")
    names, *rows = [line.split(",") for line in (runs[ranks] / "whole" / "history.csv").read_text().splitlines()]
    iterations = [int(row[names.index("linear_iterations [1]")]) for row in rows]
    # All three stops lie in the run, the first before its streaming is implicit, the last after.
    assert iterations[30] == 0 < iterations[88] < iterations[-1]


def test_another_number_of_ranks_ends_the_same(runs):
    assert distance(runs[1] / "whole", runs[2] / "whole") < 1e-9
