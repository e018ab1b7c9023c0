"""The reference solver against what is known exactly, so that others may be held against it."""

import numpy as np
import pytest
from cloud_mol import Cloud, Lines, faces, half_lives, jacobian, phase_cloud, reference_half_life


def undamped(Pi, edge=0.001):
    return Cloud(V_A=1.0, D_B=1.0, I0=1.0, gamma_lin=0.0, gamma_nl=0.0, R=1.0, P0=Pi, edge=edge)


@pytest.mark.parametrize("Pi, t", [(1e-6, 0.92503), (1, 1.1518), (3, 1.8642), (5, 3.1922), (10, 15.286)])
def test_undamped_half_lives(Pi, t):
    """K.2, K.9: t D_ISM/R² as tabulated, for an almost sharp slab."""
    assert reference_half_life(undamped(Pi))[0] == pytest.approx(t, rel=3e-4)


@pytest.mark.parametrize("Pi", [1, 3, 5, 10])
def test_waves_record_what_has_left(Pi):
    """K.10: ln I(R)/I0 = (V_A/D_B) × what has left |z| < R; second order in the cell size."""
    coarse, fine = (half_lives(undamped(Pi, 0.01), cells) for cells in (800, 1600))
    errors = [abs(np.log(run.I_R) / run.left - 1) for run in (coarse, fine)]
    assert errors[1] < 2e-5
    assert errors[0] > 2.5 * errors[1]


def test_saturated_by_linear_damping():
    """K.11: t½ = Π/(4 Γ_d) for the cold medium at 10 GeV."""
    cloud = phase_cloud("CNM", 10, 4.954)
    assert reference_half_life(cloud)[0] == pytest.approx(cloud.Pi / (4 * cloud.gamma_lin), rel=0.02)


def test_advection_alone():
    """K.12: where advection is all, the cloud crosses R in t½ = R/(2 V)."""
    cloud = Cloud(V_A=1.0, D_B=1e-4, I0=1.0, gamma_lin=0.0, gamma_nl=0.0, R=1.0, P0=1.0, growth_factor=0.0, advection=True)
    assert reference_half_life(cloud)[0] == pytest.approx(0.5, rel=1e-3)


@pytest.mark.parametrize("advection", [False, True])
def test_exact_jacobian(advection):
    """The Jacobian equals central differences of the rates and stays within the stated pattern."""
    lines = Lines(Cloud(1.0, 1.0, 1.0, 0.3, 0.2, 1.0, 3.0, advection=advection), faces(40))
    y, step = lines.start() + np.random.default_rng(1).random(80), 1e-6
    found = jacobian(lines, y).toarray()
    wanted = np.array([(lines.rates(0, y + step * v) - lines.rates(0, y - step * v)) / (2 * step) for v in np.eye(80)]).T
    assert np.allclose(found, wanted, atol=1e-8 * abs(wanted).max())
    assert not found[lines.sparsity().toarray() == 0].any()


def test_error_estimate_is_honest():
    """The extrapolated half-life of a case with slow convergence against four times as many cells."""
    cloud = phase_cloud("CNM", 10, 5)
    t, _, error = reference_half_life(cloud, cells=400)
    assert abs(t / half_lives(cloud, 6400).t - 1) < 2 * error
