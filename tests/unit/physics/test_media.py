"""The phase table: every derived number printed in the literature."""

import dataclasses

import numpy as np
import pytest

from hpccr.physics.damping import mach_alfven
from hpccr.physics.media import PHASES

KM = 1e5


@pytest.mark.parametrize("phase, V_Ai, V_A, chi, c_s, nu_in", [
    ("HISM", 109, 109, 0, None, 0),
    ("WIM", 19.4, 18.2, None, None, 5.4e-10),
    ("WNM", 130.4, 16.8, 59.3, 9.5, 5.3e-9),
    ("CNM", 24.9, 2.17, 131, 0.75, 6.1e-8),
    ("DiM", 21.8, 0.584, 1396, 0.64, 6.1e-7),
])
def test_speeds_and_collision_rates_of_the_phases(medium, phase, V_Ai, V_A, chi, c_s, nu_in):
    m = medium(phase)
    assert m.V_Ai / KM == pytest.approx(V_Ai, rel=0.01)
    assert m.V_A / KM == pytest.approx(V_A, rel=0.01)
    assert m.nu_in == pytest.approx(nu_in, rel=0.01)
    if chi is not None:
        assert m.chi == pytest.approx(chi, rel=0.01)
    if c_s is not None:
        assert m.c_s / KM == pytest.approx(c_s, rel=0.01)


def test_sound_speed_of_the_hot_phase(medium):
    assert 107 <= medium("HISM").c_s / KM <= 118


def test_magnetic_energy_density(medium):
    """W₀ = B²/8π."""
    assert medium("WNM").W0 == pytest.approx(9.95e-13, rel=0.01)
    assert medium("CNM").W0 == pytest.approx(1.43e-12, rel=0.01)


@pytest.mark.parametrize("phase", PHASES)
def test_collisions_conserve_momentum(medium, phase):
    """ρ_i ν_in = ρ_n ν_ni, and the fractions add up."""
    m = medium(phase)
    assert m.rho_i * m.nu_in == pytest.approx(m.rho_n * m.nu_ni, rel=1e-14)
    assert m.rho == pytest.approx(m.rho_i * (1 + m.chi), rel=1e-14)
    assert m.xi_n == pytest.approx(m.chi / (1 + m.chi), rel=1e-14)
    assert mach_alfven(m) >= 1


def test_collision_laws(medium):
    """Atomic 8.4e-9 n_n (T/10⁴ K)^0.4 × factor; molecular 2.1e-9 n_n; "auto" changes below 50 K."""
    cold = medium("CNM")
    assert medium("CNM", collision_factor=1.0).nu_in == cold.nu_in / 2
    assert medium("CNM", collisions="molecular").nu_in == pytest.approx(2.1e-9 * cold.n_n)
    assert cold.nu_in == medium("CNM", collisions="atomic").nu_in
    assert medium("CNM", temperature=49.9).nu_in == pytest.approx(2.1e-9 * cold.n_n)
    assert medium("MC").nu_in == pytest.approx(2.1e-9 * medium("MC").n_n)


def test_every_number_may_be_overridden(medium):
    m = medium("WNM")
    for field in dataclasses.fields(m):
        if field.name not in ("collisions", "n_i"):
            changed = dataclasses.replace(m, **{field.name: getattr(m, field.name) * 2})
            assert getattr(changed, field.name) == 2 * getattr(m, field.name)
    assert medium("WNM", B=2 * m.B).V_A == pytest.approx(2 * m.V_A)


@pytest.mark.parametrize("key, value", [("B", 0.0), ("temperature", -1.0), ("n", np.nan), ("n_i", 1.0),
                                        ("mass_i", np.inf), ("collisions", "ionic")])
def test_an_impossible_medium_is_refused(medium, key, value):
    with pytest.raises(ValueError, match=key):
        medium("WNM", **{key: value})
