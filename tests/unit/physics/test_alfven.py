"""Alfvén waves in a partly ionised gas: the full dispersion relation against its limits and against exact arithmetic."""

from decimal import Decimal, getcontext

import numpy as np
import pytest

from hpccr.physics import alfven
from hpccr.units import GeV


def exact_pair(a, chi, start):
    """Γ and V of the pair in units of k V_Ai, from u[(A−u)²+1] = χa by Newton's method with 80 digits."""
    getcontext().prec = 80
    a, chi, u = Decimal(a), Decimal(chi), Decimal(start)
    A = (1 + chi) * a
    for _ in range(200):
        value = u * ((A - u) ** 2 + 1) - chi * a
        step = value / ((A - u) ** 2 + 1 - 2 * u * (A - u))
        u -= step
        if abs(step) < abs(u) * Decimal("1e-60"):
            break
    return float(u / 2), float((a / (A - u) - u * u / 4).sqrt())


@pytest.mark.parametrize("chi", [1e-6, 0.13, 1.0, 7.9, 59.3, 1396.0, 7.4e4])
def test_roots_are_exact_over_eighteen_decades(chi):
    """Γ and V to 12 digits outside the evanescent band, from deeply decoupled to deeply coupled."""
    a = np.logspace(-11, 7, 91)
    w = alfven.waves(1 / a, 1.0, 1.0, chi)
    for i in np.flatnonzero(w.regime != alfven.EVANESCENT):
        gamma, V = exact_pair(a[i], chi, 2 * w.gamma[i] * a[i])
        assert w.gamma[i] * a[i] == pytest.approx(gamma, rel=1e-12)
        assert w.V[i] == pytest.approx(V, rel=1e-10)


def test_no_neutrals_no_damping():
    """χ = 0: Γ = 0 and V = V_Ai at every k; no band."""
    w = alfven.waves(np.logspace(-20, -8, 50), 1e7, 1e-10, 0.0)
    assert np.all(w.gamma == 0) and np.all(w.V == 1e7)
    assert np.isnan(alfven.band_edges(1e7, 1e-10, 0.0)).all()


@pytest.mark.parametrize("phase", ["WIM", "WNM", "CNM", "DiM", "MC"])
def test_limits(medium, phase):
    """Γ → ν_in/2, V → V_Ai decoupled; Γ → ξ_n k²V_A²/(2 ν_ni), V → V_A coupled."""
    m = medium(phase)
    high, low = np.array([1e3, 1e6]) * m.nu_in / m.V_Ai, np.array([1e-3, 1e-6]) * m.nu_ni / m.V_A
    w = alfven.waves(np.concatenate([high, low]), m.V_Ai, m.nu_ni, m.chi)
    np.testing.assert_allclose(w.gamma[:2], alfven.gamma_decoupled(m.nu_in), rtol=1e-4)
    np.testing.assert_allclose(w.V[:2], m.V_Ai, rtol=1e-4)
    np.testing.assert_allclose(w.gamma[2:], alfven.gamma_coupled(low, m.V_A, m.nu_ni, m.chi), rtol=1e-4)
    np.testing.assert_allclose(w.V[2:], m.V_A, rtol=1e-4)
    assert (w.regime == [alfven.DECOUPLED] * 2 + [alfven.COUPLED] * 2).all()


@pytest.mark.parametrize("phase, low, high", [("DiM", 13, 121), ("CNM", 146, 426), ("WNM", 7.2e3, 14.4e3)])
def test_evanescent_bands_in_energy(medium, phase, low, high):
    """No wave resonates with protons between E(k_+) and E(k_-) [GeV]."""
    m = medium(phase)
    k_minus, k_plus = alfven.band_edges(m.V_Ai, m.nu_ni, m.chi)
    E = alfven.resonant_energy([k_plus, k_minus], m.B) / GeV
    assert E == pytest.approx([low, high], rel=0.01)


@pytest.mark.parametrize("phase", ["WIM", "HISM"])
def test_ionised_phases_have_no_band(medium, phase):
    m = medium(phase)
    assert np.isnan(alfven.band_edges(m.V_Ai, m.nu_ni, m.chi)).all()
    assert (alfven.waves(np.logspace(-20, -8, 99), m.V_Ai, m.nu_ni, m.chi).V > 0).all()


def test_band_needs_chi_above_eight():
    assert np.isnan(alfven.band_edges(1.0, 1.0, 8.0)).all()
    low, high = alfven.band_edges(1.0, 1.0, 8.0001)
    assert 0 < low < high < low * 1.01


def test_band_estimates_of_the_literature(medium):
    m = medium("DiM")
    exact = alfven.band_edges(m.V_Ai, m.nu_ni, m.chi)
    assert alfven.band_edges_approximate(m.V_A, m.V_Ai, m.nu_in, m.nu_ni, m.chi) == pytest.approx(exact, rel=0.1)


@pytest.mark.parametrize("chi", [8.5, 59.3, 1396.0, 7.4e4])
def test_rates_in_the_band_solve_the_cubic_and_join_its_edges(chi):
    """Three real rates r: r³ − A r² + r − a = 0, of sum A and product a; the middle one joins the waves' Γ."""
    k_minus, k_plus = alfven.band_edges(1.0, 1.0, chi)
    k = np.geomspace(k_minus, k_plus, 42)[1:-1]
    w = alfven.waves(k, 1.0, 1.0, chi)
    assert (w.regime == alfven.EVANESCENT).all() and (w.V == 0).all()
    np.testing.assert_allclose((w.gamma_slow + w.gamma + w.gamma_fast), 1 + chi, rtol=1e-12)
    np.testing.assert_allclose(w.gamma_slow * w.gamma * w.gamma_fast, k**2, rtol=1e-11)
    for edge in (k_minus, k_plus):
        inside, outside = alfven.waves(edge * np.array([1 - 1e-9, 1 + 1e-9]), 1.0, 1.0, chi).gamma
        assert inside == pytest.approx(outside, rel=1e-3)


def test_outside_the_band_there_is_one_rate(medium):
    m = medium("WNM")
    w = alfven.waves(np.logspace(-13, -11, 20), m.V_Ai, m.nu_ni, m.chi)
    assert (w.gamma_slow == w.gamma).all() and (w.gamma_fast == w.gamma).all()


def test_resonance_is_k_r_L_equal_one():
    p = np.array([1.0, 10.0]) * GeV / 2.99792458e10
    k = alfven.resonant_wavenumber(p, 5e-6)
    np.testing.assert_allclose(alfven.resonant_energy(k, 5e-6), [1 * GeV, 10 * GeV], rtol=1e-12)
