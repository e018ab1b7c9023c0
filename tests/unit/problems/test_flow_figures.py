"""Where the fronts of a flow are, to a part of a cell, and what counts as none."""

import numpy as np
import pytest

from hpccr.problems._flow_figures import cavity_edge, shock_radius, steepest

FACES = np.linspace(0.0, 100.0, 201)
CENTERS = 0.5 * (FACES[1:] + FACES[:-1])


@pytest.mark.parametrize("at", [3.0, 3.2, 3.49])
def test_the_top_of_a_parabola(at):
    x = np.arange(8.0)
    assert steepest(x, 5 - (x - at) ** 2) == pytest.approx(at, abs=1e-12)


@pytest.mark.parametrize("at", [30.0, 30.13, 30.4])
def test_a_front_is_found_within_a_cell(at):
    """T falls as tanh over 1.5 at `at`: the steepest place of ln T lies where the logarithm's weight has moved it, towards the cold side."""
    log_T = 10.0 - 2.0 * np.tanh((CENTERS - at) / 1.5)
    assert cavity_edge(FACES, CENTERS, np.exp(log_T), np.nan) == pytest.approx(at, abs=0.05)


def test_the_outermost_shock_counts():
    """Two compressions: the outer one, although it is the weaker; not a ripple far out."""
    v = 1e6 * (1 - np.tanh((CENTERS - 30) / 0.7)) + 4e5 * (1 - np.tanh((CENTERS - 60) / 0.7)) + 1e3 * (1 - np.tanh((CENTERS - 80) / 0.7))
    assert shock_radius(FACES, CENTERS, v) == pytest.approx(60, abs=0.1)


def test_the_edge_lies_within_the_shock():
    log_T = 10 - np.tanh((CENTERS - 30) / 2) - 3 * np.tanh((CENTERS - 45) / 0.5)
    assert cavity_edge(FACES, CENTERS, np.exp(log_T), 45.0) == pytest.approx(30, abs=0.2)


def test_gas_at_rest_has_no_fronts():
    assert np.isnan(shock_radius(FACES, CENTERS, np.zeros(200)))
    assert np.isnan(cavity_edge(FACES, CENTERS, np.full(200, 7000.0), np.nan))
