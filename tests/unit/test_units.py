"""Quantities are read once, in CGS, and the constants agree with the units that decks use."""

import sys

import pytest

from hpccr import units
from hpccr.units import QuantityError, parse


@pytest.mark.parametrize("text, unit, value", [
    ("20 pc", "cm", 20 * units.pc), ("10pc", "cm", 10 * units.pc), (" 1e1  pc ", "cm", 10 * units.pc),
    ("1 kyr", "s", units.kyr), ("2h", "s", 7200.0), ("10 min", "s", 600.0),
    ("10 GeV", "erg", 10 * units.GeV), ("1 TeV", "GeV", 1000.0), ("1e50 erg", "erg", 1e50),
    ("1e28 cm2/s", "cm2/s", 1e28), ("1 km2 s-1", "cm2/s", 1e10), ("3 cm-3", "cm-3", 3.0), ("3 / cm3", "cm-3", 3.0),
    ("1 erg / s", "erg/s", 1.0), ("2 1/s", "1/s", 2.0), ("5 g/cm2", "g/cm2", 5.0), ("1 Msun", "g", units.Msun),
    ("1.21 m_p", "g", 1.21 * units.m_p), ("10 GeV/c", "g cm/s", 10 * units.GeV / units.c), ("100 km/s", "cm/s", 1e7),
    ("1 eV/cm3", "erg/cm3", units.eV), ("0.1", "", 0.1), ("3 %", "1", 0.03), ("-1 pc", "cm", -units.pc), ("8000 K", "K", 8000.0)])
def test_quantities_become_cgs_numbers(text, unit, value):
    assert parse(text, unit) == pytest.approx(value, rel=1e-14)


@pytest.mark.parametrize("text, gauss", [("5 uG", 5e-6), ("1 mG", 1e-3), ("3 µG", 3e-6), ("2 nG", 2e-9), ("1 T", 1e4), ("1 nT", 1e-5),
                                         ("0.5 mT", 5.0)])
def test_a_tesla_is_ten_thousand_gauss(text, gauss):
    assert parse(text, "G") == pytest.approx(gauss, rel=1e-14)


@pytest.mark.parametrize("text, unit, what", [
    ("10", "cm", "missing unit"), ("", "cm", "not a quantity"), ("pc", "cm", "not a quantity"), ("ten pc", "cm", "not a quantity"),
    ("10 kyr", "cm", "wrong unit"), ("10 pc2", "cm", "wrong unit"), ("10 eV", "K", "wrong unit"), ("5 pc", "", "wrong unit"),
    ("5 mag", "cm", "wrong unit"), ("5 dex(cm)", "cm", "unknown unit"), ("1 foo", "cm", "unknown unit"), ("1 pc((", "cm", "unknown unit"),
    ("1 pc**99999999", "cm", "unknown unit"), ("1 pc; 2 pc", "cm", "unknown unit"), ("1 2 pc", "cm", "not a quantity"),
    ("nan pc", "cm", "not a finite"), ("-inf pc", "cm", "not a finite"), ("1e400 pc", "cm", "not a finite"),
    ("1e308 kpc", "cm", "not a finite")])
def test_what_is_not_the_quantity_wanted_is_refused(text, unit, what):
    with pytest.raises(QuantityError, match=what):
        parse(text, unit)


@pytest.mark.parametrize("text, nearest", [("1 kpcs", "kpc"), ("1 GEV", "GeV"), ("1 gev", "GeV"), ("1 cm2/sec", "cm2/s")])
def test_the_nearest_unit_is_named(text, nearest):
    with pytest.raises(QuantityError) as refused:
        parse(text, "erg")
    assert refused.value.nearest == nearest


def test_constants_agree_with_the_physics_reference():
    """The values of CODATA and the IAU, rounded."""
    reference = {"e": 4.80320e-10, "c": 2.997925e10, "m_p": 1.67262e-24, "k_B": 1.380649e-16, "GeV": 1.602177e-3, "pc": 3.0857e18,
                 "yr": 3.15576e7, "Msun": 1.989e33, "sigma_T": 6.6525e-25}
    for name, value in reference.items():
        assert getattr(units, name) == pytest.approx(value, rel=4e-4 if name == "Msun" else 1e-5), name
    for name in ("eV", "GeV", "TeV"):
        assert parse(f"1 {name}", "erg") == pytest.approx(getattr(units, name), rel=1e-14)


def test_factor_is_the_ratio_of_two_units():
    assert units.factor("kpc", "pc") == pytest.approx(1000.0, rel=1e-14)
    assert units.factor("erg", "erg") == 1.0


def test_two_slashes_are_read_in_silence(recwarn):
    assert parse("3 km/s/pc", "1/s") == pytest.approx(3e5 / units.pc, rel=1e-14)
    assert not recwarn.list


def test_a_missing_astropy_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "astropy", None)
    with pytest.raises(QuantityError, match="units need astropy, which cannot be imported"):
        parse("3.25 furlong/fortnight", "cm/s")
