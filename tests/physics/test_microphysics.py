"""Gas that cools, heats and conducts, and protons that lose energy to it, against the published numbers."""

import numpy as np
import pytest

from hpccr.errors import InputError
from hpccr.jit import kernel
from hpccr.physics import conduction, losses, protons
from hpccr.physics.cooling import JOINT, SPEX, Cooling, koyama_inutsuka, lookup
from hpccr.units import GeV, Msun, Myr, c, eV, m_p, pc

# --- protons ----------------------------------------------------------------------------------------------------


def test_kinetic_energy_is_exact_from_slow_to_fast():
    """ε = (p²/2m)(1 − q²/4 + q⁴/8 − …) for q = p/m_p c ≪ 1, → pc for q ≫ 1; √(1 + q²) − 1 has lost all digits at q = 10⁻⁸."""
    q = np.array([1e-12, 1e-8, 1e-3])
    series = q**2 / 2 * (1 - q**2 / 4 + q**4 / 8)
    np.testing.assert_allclose(protons.kinetic_energy(q * m_p * c), series * m_p * c**2, rtol=1e-14)
    q = np.array([0.75, 1e7])
    np.testing.assert_allclose(protons.kinetic_energy(q * m_p * c), np.array([0.25, 1e7 - 1]) * m_p * c**2, rtol=1e-13)


def test_speed_is_the_slope_of_energy():
    """v = dε/dp; v = 0.6 c at p = 0.75 m_p c."""
    p = np.logspace(-6, 6, 25) * m_p * c
    slope = (protons.kinetic_energy(p * (1 + 1e-5)) - protons.kinetic_energy(p * (1 - 1e-5))) / (2e-5 * p)
    np.testing.assert_allclose(protons.speed(p), slope, rtol=1e-9)
    assert protons.speed(0.75 * m_p * c) == pytest.approx(0.6 * c, rel=1e-14)


def test_momentum_inverts_kinetic_energy():
    p = np.logspace(-12, 8, 41) * m_p * c
    np.testing.assert_allclose(protons.momentum(protons.kinetic_energy(p)), p, rtol=1e-14)


# --- losses -----------------------------------------------------------------------------------------------------

ENERGIES = np.array([1e-3, 1e-2, 0.1, 1.0, 10.0]) * GeV


def test_loss_rates_are_those_of_the_literature():
    """dε/dt [eV/s] at n = 1 cm⁻³ and 1 MeV … 10 GeV, Coulomb at 10⁴ K (Mannheim & Schlickeiser 1994); K.30, 0.5 %."""
    np.testing.assert_allclose(losses.ionisation(ENERGIES) / eV, [3.70e-6, 1.21e-6, 4.18e-7, 2.08e-7, 1.83e-7], rtol=5e-3)
    np.testing.assert_allclose(losses.coulomb(ENERGIES, 1e4) / eV, [6.72e-6, 2.14e-6, 7.24e-7, 3.54e-7, 3.11e-7], rtol=5e-3)


def test_loss_times_at_a_tenth_of_a_gev():
    """ε/(dε/dt) = 7.6 Myr in neutral, 4.4 Myr in ionised gas of 1 cm⁻³."""
    energy = 0.1 * GeV
    assert energy / losses.ionisation(energy) / Myr == pytest.approx(7.6, rel=0.01)
    assert energy / losses.coulomb(energy) / Myr == pytest.approx(4.4, rel=0.01)


def test_hot_electrons_brake_only_protons_that_outrun_them():
    """Coulomb losses halve at β³ = 2.34·10⁻⁵ (T_e/2·10⁶ K)^{3/2}, and no longer depend on T_e far above."""
    T_e = np.array([2e5, 2e6])
    beta = 2.34e-5 ** (1 / 3) * np.sqrt(T_e / 2e6)
    slow = protons.kinetic_energy(beta / np.sqrt(1 - beta**2) * m_p * c)
    np.testing.assert_allclose(losses.coulomb(slow, T_e) / losses.coulomb(slow, 1.0), 0.5, rtol=1e-6)
    assert losses.coulomb(GeV, 2e6) / losses.coulomb(GeV, 1e4) == pytest.approx(1, abs=1e-4)


def test_momentum_loss_carries_the_energy_loss_of_a_mixture():
    """v dp/dt = dε/dt = (1 − x) b_ion + x b_Coul (Schlickeiser 2002, 5.3.58); neutral unless said otherwise."""
    p, x = protons.momentum(ENERGIES), np.array([[0.0], [0.3], [1.0]])
    ion, coulomb = losses.ionisation(ENERGIES), losses.coulomb(ENERGIES, 2e4)
    np.testing.assert_allclose(losses.momentum_loss(p, x, 2e4) * protons.speed(p), (1 - x) * ion + x * coulomb, rtol=1e-12)
    np.testing.assert_allclose(losses.momentum_loss(p) * protons.speed(p), ion, rtol=1e-12)


# --- cooling ----------------------------------------------------------------------------------------------------


def test_warm_gas_is_in_balance_at_the_density_of_the_paper():
    """n_eq(7000 K) = Γ/Λ = 0.2044 cm⁻³ (the misprinted 114800 would give 0.1425); 5.71·10⁵ M_sun within 300 pc; K.32, 0.1 %."""
    n = Cooling().equilibrium_density(7000.0)
    assert n == pytest.approx(0.2044, rel=1e-3)
    assert 4 / 3 * np.pi * (300 * pc) ** 3 * n * m_p / Msun == pytest.approx(5.71e5, rel=1e-3)


def test_cold_gas_is_in_balance_with_its_lines():
    """At 100 K n_eq = e^{0.92}/(0.014 √100) = 17.92 cm⁻³: the [CII] term alone."""
    assert Cooling().equilibrium_density(100.0) == pytest.approx(np.exp(0.92) / 0.14, rel=1e-12)


def test_equilibrium_temperature_is_the_coolest_and_stable():
    """n Λ(T) = Γ with n Λ < Γ below and dΛ/dT > 0 there."""
    gas = Cooling()
    assert gas.equilibrium_temperature(gas.equilibrium_density(7000.0)) == pytest.approx(7000.0, rel=1e-6)
    for n in (1e-4, 1e-2, 0.2, 10.0, 1e4):
        T = gas.equilibrium_temperature(n)
        assert gas.equilibrium_density(T) == pytest.approx(n, rel=1e-5)
        assert np.all(n * gas.rate(T * np.logspace(-2, -1e-4, 2000)) < gas.heating)
        assert gas.rate(1.001 * T) > gas.rate(T)


@pytest.mark.parametrize("heating, n", [(2e-26, 1e-6), (2e-26, 0.0), (2e-26, np.nan), (2e-26, 1e60), (0.0, 1.0)])
def test_no_equilibrium_is_refused(heating, n):
    """Below Γ/max Λ = 10⁻⁵ cm⁻³ nothing balances the heating."""
    with pytest.raises(InputError, match="no thermal equilibrium"):
        Cooling(heating).equilibrium_temperature(n)


def test_heating_does_not_change_cooling():
    assert Cooling(4e-26).rate(7000.0) == Cooling().rate(7000.0)
    assert Cooling(4e-26).equilibrium_density(7000.0) == 2 * Cooling().equilibrium_density(7000.0)


def test_hot_gas_radiates_as_published():
    """Schure+2009, table 2: log Λ_hd = log Λ_N + log(n_e/n_H), at log T = 4.28, 5, 6 and 8."""
    published = {4.28: -21.4305 + np.log10(0.89459), 5.0: -20.7565 + np.log10(1.1885), 6.0: -21.7883 + np.log10(1.2051),
                 8.0: -22.5367 + np.log10(1.2090)}
    for log_T, log_Lambda in published.items():
        assert np.log10(Cooling().rate(10**log_T)) == pytest.approx(log_Lambda, abs=1e-4)
    # The columns log Λ_N and log n_e/n_H from log T = 4.20 on, summed: no misprint goes unseen.
    assert sum(SPEX) == pytest.approx(-2187.0810 + 6.6492, abs=1e-3)


def test_very_hot_gas_radiates_as_bremsstrahlung():
    """Λ ∝ √T above the last temperature of the table, 10^8.16 K, without a jump there."""
    rate = Cooling().rate
    assert rate(10**8.16 * (1 + 1e-12)) == pytest.approx(10 ** SPEX[-1], rel=1e-11)
    assert rate(4e9) / rate(1e9) == pytest.approx(2, rel=1e-12)


def test_the_joint_has_no_jump():
    """Λ_KI up to 10^4.238 K, SPEX 10 % above it; one rises into the other over 0.02 dex, and no faster than by 15 %."""
    rate, T = Cooling().rate, 10.0 ** np.array([3.5, 4.0, JOINT])
    np.testing.assert_array_equal(rate(T), koyama_inutsuka(T))
    log_T = np.linspace(JOINT - 0.001, JOINT + 0.021, 2201)         # in steps of 10⁻⁵ dex
    steps = np.diff(np.log(rate(10**log_T)))
    assert np.all(np.abs(steps) < 2e-4)                             # a jump of 10 % would be 0.09 in one of them
    assert rate(10 ** (JOINT + 0.02)) / rate(10**JOINT) == pytest.approx(1.09, abs=0.06)


def interpolated(T, table):
    first, per_step, values = table
    return np.interp(np.log(T), first + np.arange(len(values)) / per_step, values)


def test_the_uniform_table_is_lambda_to_1e_4():
    """From 5 K to 10¹⁰ K; from 1 K to 2·10⁻³."""
    gas = Cooling()
    table = gas.tabulate()
    T = 10 ** np.linspace(0, 10, 300_007)
    error = np.abs(interpolated(T, table) / gas.rate(T) - 1)
    assert error[T >= 5.02].max() < 1e-4 and error.max() < 2e-3
    assert table[2].dtype == float and table[2].flags.c_contiguous and np.all(table[2] > 0)
    assert table[0] + (len(table[2]) - 1) / table[1] == pytest.approx(np.log(1e10), rel=1e-12)


@kernel
def scan(lnT, first, per_step, values, rate, slope):
    """`lookup` at each of lnT (n,); rate, slope (n,): results."""
    for i in range(lnT.shape[0]):
        rate[i], slope[i] = lookup(lnT[i], first, per_step, values)


def test_the_kernel_looks_up_what_the_table_says():
    """Λ as interpolated, dΛ/d ln T as the slope of Λ to the order of a step; constant beyond the ends, NaN of NaN."""
    gas = Cooling()
    first, per_step, values = table = gas.tabulate()
    T = np.logspace(0.7, 9.99, 10_007)
    rate, slope = np.empty_like(T), np.empty_like(T)
    scan(np.log(T), *table, rate, slope)
    np.testing.assert_allclose(rate, interpolated(T, table), rtol=1e-12)
    warm = (T > 3000) & (T < 0.99 * 10**JOINT)                      # Λ is smooth here
    exact = (gas.rate(T * np.exp(1e-5)) - gas.rate(T * np.exp(-1e-5))) / 2e-5
    np.testing.assert_allclose(slope[warm], exact[warm], rtol=0.02)
    ends = np.array([-1.0, 0.0, 23.03, 30.0, np.nan])             # ln 10¹⁰ = 23.026
    rate, slope = np.empty(5), np.empty(5)
    scan(ends, *table, rate, slope)
    np.testing.assert_array_equal(rate, [values[0], values[0], values[-1], values[-1], np.nan])
    np.testing.assert_array_equal(slope, [0, 0, 0, 0, np.nan])


# --- a table of one's own ---------------------------------------------------------------------------------------


def written(tmp_path, text):
    path = tmp_path / "cie.txt"
    path.write_text(text, encoding="utf-8")
    return path


def test_spex_from_a_file_is_spex(tmp_path):
    """The built-in table, cut at 10^4.24 K: beyond the joint the same Λ, below it Koyama & Inutsuka."""
    lines = [f"{4.20 + 0.04 * i:.2f} {value}" for i, value in enumerate(SPEX)]
    own = Cooling(table=written(tmp_path, "# Schure+2009\n\n" + "\n".join(lines[1:]) + "  # last\n"))
    T = np.logspace(4.27, 9.5, 500)
    np.testing.assert_allclose(own.rate(T), Cooling().rate(T), rtol=1e-12)
    T = np.logspace(1, 4.238, 100)
    np.testing.assert_array_equal(own.rate(T), koyama_inutsuka(T))


def test_a_table_that_begins_lower_is_used_from_there(tmp_path):
    """log Λ = −26 + (log T − 2)/2 from 100 K on: Λ = 10⁻²⁶ √(T/100 K); Koyama & Inutsuka below."""
    own = Cooling(table=str(written(tmp_path, "2 -26\n4 -25\n6 -24\n")))
    T = np.logspace(2.03, 9, 50)
    np.testing.assert_allclose(own.rate(T), 1e-26 * np.sqrt(T / 100), rtol=1e-12)
    assert own.rate(90.0) == koyama_inutsuka(90.0)
    assert own.equilibrium_density(1e4) == pytest.approx(0.2, rel=1e-12)


@pytest.mark.parametrize("text, what", [
    ("", "too short"), ("# nothing\n", "too short"), ("4.2 -21.5\n", "too short"),
    ("4.2 -21.5\n4.3\n", "line 2: not a line"), ("4.2 -21.5 1.0\n", "line 1: not a line"), ("log T log L\n", "not a line"),
    ("4.2, -21.5\n", "not a line"), ("4.2 -21.5\n4.3 nan\n", "line 2: not a finite"), ("4.2 -inf\n", "not a finite"),
    ("NaN -21.5\n", "not a finite"), ("4.2 -21.5\n4.2 -21.4\n", "line 2: log10 T"),
    ("4.3 -21.5\n# next\n4.2 -21.4\n", "line 3: log10 T"), ("15849 -21.5\n", "line 1: outside"),
    ("4.2 3e-22\n", "line 1: outside"), ("4.5 -21.5\n5.0 -21.4\n", "begins too hot")])
def test_bad_tables_are_refused(tmp_path, text, what):
    path = written(tmp_path, text)
    with pytest.raises(InputError, match=what) as refused:
        Cooling(table=path)
    assert str(path) in str(refused.value)


def test_files_that_are_no_tables_are_refused(tmp_path):
    (tmp_path / "bytes").write_bytes(b"\xff\xfe\x00\x81")
    for name in ("missing", ".", "bytes"):
        with pytest.raises(InputError, match="cannot be read"):
            Cooling(table=tmp_path / name)


# --- conduction -------------------------------------------------------------------------------------------------


def test_conduction_is_parkers():
    """K = 2.5·10³ √T below, 1.25·10⁻⁶ T^{5/2} above 4.47·10⁴ K (Parker 1953; 4.74 in print is a slip), continuous there."""
    assert conduction.T_SWITCH == pytest.approx(4.47e4, rel=1e-3)
    np.testing.assert_allclose(conduction.conductivity(np.array([1e4, 1e6])), [2.5e5, 1.25e9], rtol=1e-12)
    either = conduction.conductivity(conduction.T_SWITCH * np.array([1 - 1e-9, 1 + 1e-9]))
    assert either[1] / either[0] == pytest.approx(1, abs=1e-8)


def test_the_conduction_kernel_is_the_function():
    T = np.concatenate([np.logspace(0, 9, 91), conduction.T_SWITCH * np.array([0.999, 1.0, 1.001])])
    np.testing.assert_allclose([conduction.parker(x) for x in T], conduction.conductivity(T), rtol=1e-14)
