"""Where the fronts of a flow are, to a part of a cell, and what counts as none."""

import numpy as np
import pytest

from hpccr.grid.axis import Axis
from hpccr.grid.patch import Patch
from hpccr.parallel import alone
from hpccr.problems._flow_figures import cavity_edge, shock_radius, steepest

LINE = Axis("r", np.linspace(0.0, 100.0, 201))
CENTERS = LINE.centers


@pytest.fixture
def patch():
    """The whole line on one rank; on several see tests/parallel/test_cut_flow.py."""
    return Patch(len(LINE), 1, alone())


@pytest.mark.parametrize("at", [3.0, 3.2, 3.49])
def test_the_top_of_a_parabola(at):
    x = np.arange(8.0)
    assert steepest(x, 5 - (x - at) ** 2) == pytest.approx(at, abs=1e-12)


@pytest.mark.parametrize("at", [30.0, 30.13, 30.4])
def test_a_front_is_found_within_a_cell(patch, at):
    """T falls as tanh over 1.5 at `at`: the steepest place of ln T lies where the logarithm's weight has moved it, towards the cold side."""
    log_T = 10.0 - 2.0 * np.tanh((CENTERS - at) / 1.5)
    assert cavity_edge(LINE, patch, np.exp(log_T), np.nan) == pytest.approx(at, abs=0.05)


def test_the_outermost_shock_counts(patch):
    """Two compressions: the outer one, although it is the weaker; not a ripple far out."""
    v = 1e6 * (1 - np.tanh((CENTERS - 30) / 0.7)) + 4e5 * (1 - np.tanh((CENTERS - 60) / 0.7)) + 1e3 * (1 - np.tanh((CENTERS - 80) / 0.7))
    assert shock_radius(LINE, patch, v) == pytest.approx(60, abs=0.1)


def test_the_edge_lies_within_the_shock(patch):
    log_T = 10 - np.tanh((CENTERS - 30) / 2) - 3 * np.tanh((CENTERS - 45) / 0.5)
    assert cavity_edge(LINE, patch, np.exp(log_T), 45.0) == pytest.approx(30, abs=0.2)


def test_a_slope_counts_by_the_cells_where_it_is():
    """T that falls by a fiftieth from cell to cell is no edge, however wide the cells are elsewhere."""
    line = Axis("r", np.concatenate([np.linspace(0.0, 50.0, 101), 60.0 + 10.0 * np.arange(20.0)]))
    whole = Patch(len(line), 1, alone())
    log_T = 9 - 0.04 * np.minimum(line.centers, 50.0)
    assert np.isnan(cavity_edge(line, whole, np.exp(log_T), np.nan))
    assert cavity_edge(line, whole, np.exp(log_T - 0.1 * (line.centers > 20.0)), np.nan) == pytest.approx(20.0)


def test_gas_at_rest_has_no_fronts(patch):
    assert np.isnan(shock_radius(LINE, patch, np.zeros(200)))
    assert np.isnan(cavity_edge(LINE, patch, np.full(200, 7000.0), np.nan))
