"""Expansion of a remnant: fits join, and the printed radii and times come out."""

import numpy as np
import pytest

from hpccr.physics.snr import Remnant
from hpccr.units import Msun, kyr, pc, yr


def test_shock_radius_at_the_escape_times():
    """n = 0.01: 35.85, 59.94, 104.5 pc at 14, 50, 200 kyr."""
    R = Remnant(n=0.01).sedov(np.array([14, 50, 200]) * kyr) / pc
    assert R == pytest.approx([35.85, 59.94, 104.5], rel=1e-3)


def test_offset_sedov_law():
    """Before the offset the remnant has no radius; late it is the Sedov law (2.026 E/ρ)^{1/5} t^{2/5}."""
    remnant = Remnant(n=1.0)
    assert remnant.sedov(0.04 * kyr) < 1
    late = 1e3 * kyr
    assert remnant.sedov(late) == pytest.approx((2.026 * 1e51 / remnant.rho * late**2) ** 0.2, rel=0.004)


def test_characteristic_units():
    """n = 1, 1 M_⊙: 3.07 pc, 423 yr."""
    remnant = Remnant(M_ej=Msun, n=1.0)
    assert remnant.R_ch / pc == pytest.approx(3.07, rel=1e-3)
    assert remnant.t_ch / yr == pytest.approx(423, rel=1e-3)


@pytest.mark.parametrize("ejecta, t_ST, early, late", [(0, 0.495, 0.7276, 0.7259), (7, 0.732, 0.8869, 0.8805)])
def test_ejecta_and_sedov_stages_join(ejecta, t_ST, early, late):
    """The fits of Truelove & McKee (1999) meet within 1 %, in radius and speed."""
    remnant = Remnant()
    t = np.array([t_ST * (1 - 1e-12), t_ST * (1 + 1e-12)]) * remnant.t_ch
    R, v = remnant.shock(t, ejecta)
    assert R / remnant.R_ch == pytest.approx([early, late], abs=1e-4)
    assert R[1] == pytest.approx(R[0], rel=0.01) and v[1] == pytest.approx(v[0], rel=0.01)


@pytest.mark.parametrize("ejecta", [0, 7])
def test_shock_speed_is_the_derivative_of_its_radius(ejecta):
    remnant = Remnant()
    t = np.array([0.05, 0.2, 0.4, 1.0, 10.0]) * remnant.t_ch
    R_low, R_high = remnant.shock(t * (1 - 1e-5), ejecta)[0], remnant.shock(t * (1 + 1e-5), ejecta)[0]
    np.testing.assert_allclose((R_high - R_low) / (2e-5 * t), remnant.shock(t, ejecta)[1], rtol=0.01)


def test_shock_at_time_zero_is_finite_in_radius():
    assert Remnant().shock(np.array([0.0]), 7)[0] < 1
    with pytest.raises(ValueError, match="3"):
        Remnant().shock(1.0, 3)


@pytest.mark.parametrize("n, t_PDS, R_PDS, v_PDS", [(0.01, 184.5, 100.8, 214), (0.35, 24.2, 21.95, 356),
                                                    (1, 13.28, 14.0, 413), (30, 1.90, 3.26, 671),
                                                    (300, 0.51, 1.215, 933)])
def test_snowplough(n, t_PDS, R_PDS, v_PDS):
    """Start of the pressure-driven snowplough in kyr, pc, km/s; the law starts at R_PDS."""
    remnant = Remnant(n=n)
    assert [remnant.t_PDS / kyr, remnant.R_PDS / pc, remnant.v_PDS / 1e5] == pytest.approx([t_PDS, R_PDS, v_PDS],
                                                                                        rel=0.005)
    assert remnant.snowplough(remnant.t_PDS) == pytest.approx(remnant.R_PDS)


def test_late_stages_follow_in_order():
    remnant = Remnant(n=1.0)
    assert remnant.t_PDS < remnant.t_MCS() and remnant.t_PDS < remnant.t_merge(1e6)
    assert remnant.t_merge(1e6, beta=1.0) > remnant.t_merge(1e6, beta=2.0)


def test_an_impossible_remnant_is_refused():
    with pytest.raises(ValueError, match="n = 0"):
        Remnant(n=0.0)
