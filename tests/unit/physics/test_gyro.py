"""Larmor radii, diffusion coefficients of the three conventions, and the background waves."""

import numpy as np
import pytest

from hpccr.physics import gyro
from hpccr.units import GeV, TeV, c, pc


def test_larmor_radius_of_a_TeV_proton():
    """r_L(1 TeV, 1 μG) = 1.0810e-3 pc; r_L(10 GeV, 5 μG) = 6.671e12 cm."""
    assert gyro.larmor_radius(TeV / c, 1e-6) / pc == pytest.approx(1.0810e-3, rel=1e-4)
    assert gyro.larmor_radius(10 * GeV / c, 5e-6) == pytest.approx(6.671e12, rel=2e-4)


def test_bohm_diffusion_coefficient():
    """D_B = 4 c r_L/(3π) is 8.488e22 (10 GeV, 5 μG) and 7.07e22 cm²/s (6 μG)."""
    p = 10 * GeV / c
    assert gyro.bohm_diffusion(p, 5e-6) == pytest.approx(8.488e22, rel=2e-4)
    assert gyro.bohm_diffusion(p, 6e-6) == pytest.approx(7.07e22, rel=1e-3)


def test_conventions():
    """malkov c r_L/3; blasi larger than nava by π/2."""
    p, B = 10 * GeV / c, 5e-6
    assert gyro.bohm_diffusion(p, B, "malkov") == pytest.approx(c * gyro.larmor_radius(p, B) / 3)
    assert gyro.bohm_diffusion(p, B, "blasi") == pytest.approx(np.pi / 2 * gyro.bohm_diffusion(p, B, "nava"))
    with pytest.raises(KeyError):
        gyro.bohm_diffusion(p, B, "bohm")


def test_background_waves_give_the_interstellar_diffusion():
    """D_B/I₀ = D_ISM = 1e28 (E/10 GeV)^½."""
    p = np.array([10.0, 1000.0]) * GeV / c
    args = (1e28, 10 * GeV, 0.5)
    np.testing.assert_allclose(gyro.interstellar_diffusion(p, *args), [1e28, 1e29])
    np.testing.assert_allclose(gyro.bohm_diffusion(p, 5e-6) / gyro.background_waves(p, 5e-6, *args), [1e28, 1e29])
