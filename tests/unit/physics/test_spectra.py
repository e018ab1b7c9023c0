"""The released spectrum and the initial slab: energy, content and Π are those asked for."""

import numpy as np
import pytest

from hpccr.physics import spectra
from hpccr.units import GeV, TeV, eV, parse, pc


@pytest.mark.parametrize("index", [1.0, 1.9, 2.0 - 1e-13, 2.0, 2.0 + 1e-9, 2.2, 4.0])
def test_spectrum_holds_its_energy(index):
    """∫ E N dE = E_CR, also at and around Γ = 2."""
    lnE = np.linspace(np.log(0.1 * GeV), np.log(50 * TeV), 20001)
    inside = np.exp(lnE).clip(0.1 * GeV, 50 * TeV)
    E2N = spectra.energy_spectrum(inside, 1e50, index, 0.1 * GeV, 50 * TeV)
    assert np.sum((E2N[1:] + E2N[:-1]) / 2 * np.diff(lnE)) == pytest.approx(1e50, rel=1e-5)
    ratio = spectra.energy_spectrum(np.array([10.0, 100.0]) * GeV, 1e50, index, 0.1 * GeV, 50 * TeV)
    assert ratio[1] / ratio[0] == pytest.approx(10 ** (2 - index), rel=1e-12)


def test_spectrum_of_the_literature():
    """(2.2, 0.1 GeV, 50 TeV): E²N(10 GeV) = 0.0858 E_CR; Γ = 2: E_CR/ln(E_max/E_min); nothing outside."""
    E2N = spectra.energy_spectrum(10 * GeV, 1.0, 2.2, 0.1 * GeV, 50 * TeV)
    assert E2N == pytest.approx(0.0858, abs=5e-5)
    assert spectra.energy_spectrum(GeV, 1.0, 2.0, 0.1 * GeV, 50 * TeV) == pytest.approx(1 / np.log(5e5), rel=1e-12)
    assert (spectra.energy_spectrum(np.array([0.09, 6e4]) * GeV, 1.0, 2.2, 0.1 * GeV, 50 * TeV) == 0).all()


def test_normalisations():
    """Cylinder: P₀ W₀ = E²N/(6πR³), a third of the energy per volume πR²·2R; the sphere holds 3/2 of it."""
    R, W0 = 10 * pc, 1e-12
    P = spectra.initial_pressure(1e49, R, W0, "cylinder")
    assert 3 * P * W0 * np.pi * R**2 * 2 * R == pytest.approx(1e49)
    assert spectra.initial_pressure(1e49, R, W0, "sphere") == pytest.approx(1.5 * P)
    with pytest.raises(ValueError, match="disc"):
        spectra.initial_pressure(1e49, R, W0, "disc")


def test_slab_profile_is_flat_smooth_and_even():
    z = np.linspace(-30, 30, 601)
    f = spectra.slab_profile(z, 10.0, 0.1)
    assert f[300] == 1 and np.all(f >= 0)
    np.testing.assert_allclose(f, f[::-1], atol=0)
    assert spectra.slab_profile(10.0, 10.0, 0.1) == pytest.approx(0.5)


@pytest.mark.parametrize("edges", [np.linspace(0, 40, 161), np.linspace(-37, 40, 150), np.array([-50.0, 50.0]),
                                   10 + np.sinh(np.linspace(-5, 5, 300)) / 4])
def test_cell_averages_are_exact(edges):
    """Against quadrature on every kind of cell; the whole content over the line is 2R."""
    average = spectra.slab_cell_averages(edges, 10.0, 0.5)
    x, w = np.polynomial.legendre.leggauss(40)
    fine = np.linspace(edges[:-1], edges[1:], 41)                      # 40 panels a cell
    centre, half = (fine[1:] + fine[:-1]) / 2, (fine[1:] - fine[:-1]) / 2
    values = spectra.slab_profile(centre + half * x[:, None, None], 10.0, 0.5)
    truth = np.sum(w[:, None, None] * values * half, axis=(0, 1)) / np.diff(edges)
    np.testing.assert_allclose(average, truth, rtol=1e-10, atol=1e-14)
    assert (average >= 0).all()
    if edges[0] < -30:
        assert np.sum(average * np.diff(edges)) == pytest.approx(20.0, rel=1e-12)


def test_averages_inside_are_one_without_roundoff():
    """On a stretched grid of 1 kpc around a 10 pc slab with edge R/100, for several R at once."""
    edges = np.sinh(np.linspace(0, 8, 1025)) / np.sinh(8) * 1000 * pc
    R = np.array([5.0, 10.0, 60.0]) * pc
    average = spectra.slab_cell_averages(edges, R, R / 100)
    assert average.shape == (1024, 3) and (average >= 0).all()
    assert (average[edges[1:] < 4 * pc] == 1).all() and (average[edges[:-1] > 70 * pc] < 1e-100).all()
    np.testing.assert_allclose((average * np.diff(edges)[:, None]).sum(axis=0), R, rtol=1e-13)


def test_suppression_exponent():
    """Π = (V_A/D_B) ∫₀^∞ P dz of the profile."""
    edges = np.linspace(0, 100, 501)
    content = np.sum(7.0 * spectra.slab_cell_averages(edges, 10.0, 0.1) * np.diff(edges))
    assert spectra.suppression_exponent(3.0, 2.0, 7.0, 10.0) == pytest.approx(1.5 * content, rel=1e-12)


def test_background_pressure():
    """1 eV/cm³ at 1 GeV, falling as E^−0.7."""
    P = spectra.background_pressure(np.array([1.0, 10.0]) * GeV, 1 * eV, 1e-12)
    np.testing.assert_allclose(P * 1e-12 / eV, [1, 10**-0.7])


def test_the_ends_of_a_spectrum_belong_to_it():
    """In whatever unit they were written: 100 MeV is not 0.1 GeV to the last bit."""
    E = np.array([parse("100 MeV", "erg"), parse("0.1 PeV", "erg")])
    assert (spectra.energy_spectrum(E, 1.0, 2.2, 0.1 * GeV, 100 * TeV) > 0).all()
    assert (spectra.energy_spectrum(E * [0.999, 1.001], 1.0, 2.2, 0.1 * GeV, 100 * TeV) == 0).all()
