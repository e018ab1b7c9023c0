"""How soon a signal crosses the narrowest cell, as `hpccr check` tells it, against the formula written out."""

import numpy as np
import pytest
from jobs import deck

from hpccr import driver
from hpccr.problems import registry
from hpccr.units import k_B, m_p, pc


def crossings(name, *settings):
    chosen = deck(name, *settings)
    return dict(registry.load(chosen.problem)(chosen).crossings())


def test_drift_and_diffusion_of_test_particles():
    """Δx/V and Δx²/2D at the highest energy, on 800 cells along 1 kpc."""
    found = crossings("transport_slab", "axes.r.from=-500 pc", "axes.r.to=500 pc", "axes.r.cells=800", "transport.V0=50 km/s",
                      "transport.gradient=0.1 km/(s pc)", "transport.D0=1e28 cm2/s", "transport.D_slope=0", "transport.loss_time=1 Myr")
    assert found == pytest.approx({"drift": 1.25 * pc / 100e5, "diffusion": (1.25 * pc) ** 2 / 2e28}, rel=1e-12)
    assert "drift" not in crossings("transport_slab", "transport.V0=0 km/s", "transport.gradient=0 km/(s pc)")


def test_sound_of_gas_and_cosmic_rays():
    """√[(4/3 P_c + 5/3 P_g)/ρ], with P_c where it is highest."""
    found, = crossings("feedback_tube_cr", "axes.r.cells=100", "axes.r.from=0 pc", "axes.r.to=50 pc", "gas.n=1 cm-3", "gas.temperature=1e4 K", "source.radius=25 pc",
                       "initial.P_cr=3e-12 erg/cm3", "initial.P_cr_right=9e-12 erg/cm3").values()
    assert found == pytest.approx(0.5 * pc / np.sqrt((4 / 3 * 9e-12 + 5 / 3 * k_B * 1e4) / m_p), rel=1e-9)


def test_waves_of_a_cloud():
    """They count where they carry something."""
    assert crossings("cloud_hism", "transport.advection=true")["waves"] > 0
    assert set(crossings("cloud_hism", "transport.advection=false")) == {"diffusion without waves"}


@pytest.mark.parametrize("name, words", [("feedback_d26", "a step takes up to 0.5 of"), ("transport_slab", "by diffusion in 0.00745 kyr; steps are implicit"),
                                         ("focused_front", "by the fastest particles in 0.0195 1/nu; an explicit step takes up to 1.5"), ("cloud_wnm", "by diffusion")])
def test_check_tells_it(name, words):
    row, = [line for line in driver.check(deck(name)).splitlines() if line.startswith("CFL")]
    assert words in row


def test_what_an_explicit_step_may_be_follows_from_it():
    """The cost of streaming: as many steps as crossings over the Courant number."""
    chosen = deck("focused_front")
    problem = registry.load(chosen.problem)(chosen)
    crossing, = dict(problem.crossings()).values()
    assert problem.expected_steps() == pytest.approx(chosen.time.end / (chosen.time.courant * crossing) + 50)


def test_a_whole_line_takes_as_many_steps_as_half_of_it():
    """The waves' front passes as many cells on either side at the same time; on the whole line there are twice as many."""
    half, whole = (deck("cloud_hism", "axes.z.to=1 kpc", f"axes.z.from={start}", f"axes.z.cells={cells}", "transport.advection=true")
                   for start, cells in (("0 pc", 1000), ("-1 kpc", 2000)))
    expected = [registry.load(one.problem)(one).expected_steps() for one in (half, whole)]
    assert expected[1] == pytest.approx(expected[0], abs=1)
