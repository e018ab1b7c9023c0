"""Decks whose keys are fine one by one: refused together, or run after a warning that says what will not be as expected."""

import numpy as np
import pytest
from jobs import deck, hpccr

from hpccr import driver
from hpccr.errors import InputError
from hpccr.grid.axis import spaced

REFUSED = {
    "focus far away": ("feedback_quick", ["axes.r.spacing=sinh", "axes.r.focus=1e20 pc"], r"\[axes.r\] focus: far outside of the axis"),
    "focus beyond an axis without unit": ("focused_quick", ["axes.z.spacing=sinh", "axes.z.focus=1e20"], r"\[axes.z\] focus: far outside"),
    "scale of nothing": ("transport_sphere", ["axes.r.spacing=sinh", "axes.r.scale=1e-20 pc"], r"\[axes.r\] scale: nothing beside the length"),
    "cells of nothing": ("transport_slab", ["axes.r.from=99.9999999999 kpc", "axes.r.to=100 kpc"], r"\[axes.r\] cells: cells too narrow"),
    "expansion faster than light": ("feedback_quick", ["gas.expansion=1e4 km/(s pc)"], r"\[gas\] expansion: faster than light"),
    "waves too short for the cube of the starts": ("orbits_quick", ["turbulence.L_min=1e-10", "ensemble.t_end=1"], r"\[turbulence\] L_min: phases of up to 1.8e\+12"),
    "waves too short for lines": ("fieldlines", ["turbulence.L_min=1e-10"], r"\[turbulence\] L_min: phases"),
    "lines too long for their waves": ("fieldlines", ["ensemble.s_end=1e9"], r"\[ensemble\] s_end: phases of up to"),
    "orbits too long for their waves": ("orbits_quick", ["ensemble.t_end=1e9"], r"\[ensemble\] t_end: phases of up to"),
    "gyroradius without the unit of L_max": ("orbits_slab_qlt", ["turbulence.L_min=0.01 kpc", "turbulence.L_max=1 kpc"],
                                             "a length without unit, in a deck whose L_max has one"),
    "gyroradius of a galaxy of galaxies": ("orbits_isotropic", ["ensemble.rigidity=1e300 V"], r"\[ensemble\] rigidity: a gyroradius of"),
}
WARNED = {
    "one momentum with losses": ("transport_slab", ["axes.p.cells=1", "transport.loss_time=1 Myr"], "one momentum has no spectrum"),
    "source beyond the axis": ("transport_slab", ["source.at=100 kpc"], "beyond the r axis"),
    "source within a cell": ("transport_slab", ["source.width=0.3 pc"], "not resolved by cells of 1.25 pc"),
    "slow protons": ("cloud_quick", ["axes.p.from=0.2 GeV"], "have v = 0.21 c"),
    "residence within a cell": ("cloud_quick", ["diagnostics.residence_within=1e-3 pc"], "shorter than the narrowest cell"),
    "too much energy for the gas": ("feedback_quick", ["source.energy=1e54 erg"], "times the rest energy of the gas"),
    "expansion near light": ("feedback_quick", ["gas.expansion=1e3 km/(s pc)"], "the gas expands with 0.33 c"),
    "more steps than may be": ("cloud_quick", ["time.max_step=1 s"], "no fewer than 4.73e+12 steps, and time.max_steps ends the run after 1000000"),
}


def load(name, *settings):
    chosen = deck(name, *settings)
    return driver.registry.load(chosen.problem)(chosen)


@pytest.mark.parametrize("case", REFUSED)
def test_what_does_not_fit_together_is_refused(case):
    name, settings, message = REFUSED[case]
    with pytest.raises(InputError, match=message):
        load(name, *settings)


@pytest.mark.parametrize("case", WARNED)
def test_what_will_surprise_is_told(case):
    """In the report of `hpccr check`; without those settings there is nothing to tell."""
    name, settings, message = WARNED[case]
    told = [line for line in driver.check(deck(name, *settings)).splitlines() if line.startswith("warning")]
    assert len(told) == 1 and message in told[0], told
    assert "warning" not in driver.check(deck(name))


def test_a_run_tells_it_as_well(tmp_path):
    done = hpccr(0, "run", "transport_slab", "--set", "source.width=0.3 pc", "--set", "axes.p.cells=1", "--set", "time.end=1 kyr", "--out", tmp_path / "run")
    assert "warning: a source of width 0.3 pc is not resolved" in done.stdout
    assert "warning: a source of width" in (tmp_path / "run" / "run.log").read_text()


@pytest.mark.parametrize("focus, scale", [(-0.999, 1e-8), (-0.999, 1e3), (1.999, 1e-8), (1.999, 1e3), (0.3, 1e-8), (0.3, 1e3)])
def test_faces_rise_wherever_focus_and_scale_may_be(focus, scale):
    """At the limits that a deck has for them, on an axis from 0 to 1."""
    assert np.diff(spaced(10_000, 0.0, 1.0, "sinh", focus, scale)).min() > 0


def test_the_cost_of_a_run_knows_its_longest_step():
    free, bound = (load("cloud_quick", *settings) for settings in ((), ("time.max_step=1 yr",)))
    job = driver.JOBS["grid"]
    assert job.steps(free) == free.expected_steps() < 1e3
    assert job.steps(bound) == pytest.approx(bound.deck.time.end / bound.deck.time.max_step)
    assert job.seconds(bound) / job.seconds(free) == pytest.approx(job.steps(bound) / job.steps(free))
