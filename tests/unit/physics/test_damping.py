"""Damping of resonant waves: Lazarian's branches, the end of the cascade, non-linear Landau damping."""

import numpy as np
import pytest

from hpccr.physics import damping
from hpccr.physics.gyro import larmor_radius
from hpccr.units import GeV, c, pc

L, V_A = 50 * pc, 1e6


def jump(r, M_A):
    below, above = damping.turbulent_rate(np.array([r * (1 - 1e-14), r * (1 + 1e-14)]), V_A, M_A, L)
    return above / below - 1


@pytest.mark.parametrize("M_A, joints", [(0.3, (0.3**4, 0.3, 1.0)), (0.9, (0.9**4, 0.9, 1.0)), (3.0, (3.0**-3,))])
def test_turbulent_branches_join(M_A, joints):
    """At r = L M_A⁴, L M_A and L (M_A < 1), and at r = L M_A⁻³ (M_A > 1), to roundoff."""
    assert [jump(x * L, M_A) for x in joints] == pytest.approx([0] * len(joints), abs=1e-12)


def test_turbulent_rate_at_mach_one():
    """V_A/(r L)^½ at M_A = 1, from both sides."""
    r = np.logspace(-6, -0.01, 20) * L
    for M_A in (1 - 1e-15, 1.0, 1 + 1e-15):
        np.testing.assert_allclose(damping.turbulent_rate(r, V_A, M_A, L), V_A / np.sqrt(r * L), rtol=1e-12)


@pytest.mark.parametrize("M_A, r, slope", [(0.3, 1e-3, -1 / 2), (0.3, 0.1, -2 / 3), (0.3, 0.6, 0), (0.3, 10.0, -2),
                                           (3.0, 1e-3, -1 / 2), (3.0, 0.5, -2 / 3)])
def test_turbulent_slopes(M_A, r, slope):
    low, high = damping.turbulent_rate(np.array([r, r * 1.001]) * L, V_A, M_A, L)
    assert np.log(high / low) / np.log(1.001) == pytest.approx(slope, abs=1e-9)


def test_the_cascade_ends(medium):
    """No shear below r_min; with neutrals r_min lies between gyroradii and L, without it is 0."""
    m = medium("WNM")
    r_min = damping.cascade_cutoff(m)
    assert larmor_radius(100 * GeV / c, m.B) < r_min < larmor_radius(1000 * GeV / c, m.B)
    rate = damping.turbulent_rate(np.array([0.99, 1.01]) * r_min, V_A, 1.0, L, r_min)
    assert rate[0] == 0 and rate[1] > 0
    assert damping.cascade_cutoff(medium("HISM")) == 0


def test_cutoff_is_the_root_of_its_quadratic(medium):
    """ν_n l_A k² + b k − 2 V_A/ξ_n = 0 for the k behind l_min, in every phase with neutrals."""
    for phase in ("WIM", "WNM", "CNM", "DiM", "MC", "DC"):
        m = medium(phase)
        M_A, nu_n = damping.mach_alfven(m), damping.neutral_viscosity(m)
        l_A = m.injection_scale / M_A**3
        l_min = (damping.cascade_cutoff(m) * m.injection_scale ** (1 / 3) / M_A) ** (3 / 4)
        roots = np.roots([nu_n * l_A, nu_n + m.V_Ai**2 / m.nu_in, -2 * m.V_A / m.xi_n])
        k = roots[roots > 0][0]
        assert l_min * k * np.sqrt(1 + l_A * k) == pytest.approx(1, rel=1e-6)


def test_nonlinear_landau_rate(medium):
    """Γ = √(π/8) v_ti k I with v_ti = √(k_B T/m_i): 90.9 km/s at 10⁶ K for protons."""
    m = medium("HISM")
    assert m.v_ti == pytest.approx(90.85e5, rel=1e-3)
    assert damping.nonlinear_landau_per_I(2.0, 4.0) == pytest.approx(0.5 * np.sqrt(np.pi / 2) * 2.0)


def test_switches_and_sum(medium):
    m = medium("CNM")
    p = np.geomspace(10, 1e4, 31) * GeV / c
    every = damping.of_medium(m, p)
    none = damping.of_medium(m, p, ion_neutral=False, turbulent=False, nonlinear_landau=False)
    assert (none.rate(1.0) == 0).all()
    np.testing.assert_allclose(every.rate(0.1), every.ion_neutral + every.turbulent + 0.1 * every.nonlinear_per_I)
    assert (every.linear > 0).all() and every.linear.shape == p.shape
    only = damping.of_medium(m, p, ion_neutral=False, nonlinear_landau=False, cutoff=False)
    evanescent = every.waves.V == 0
    assert evanescent.any() and (only.linear[evanescent] == 0).all() and (only.linear[~evanescent] > 0).all()


@pytest.mark.parametrize("phase, E, rate", [("WNM", 10, 2.64e-9), ("CNM", 10, 3.02e-8), ("DiM", 10, 3.03e-7)])
def test_decoupled_waves_lose_half_the_collision_rate(medium, phase, E, rate):
    p = np.array([E * GeV / c])
    assert damping.of_medium(medium(phase), p).ion_neutral[0] == pytest.approx(rate, rel=0.01)
