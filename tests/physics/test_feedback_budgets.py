"""Budgets of problem `feedback` at every step, of mass, momentum and energy, whatever the grid; its order in time."""

import numpy as np
import pytest
from flows import advance, finish, fixed, missing, profiles, rays, spent, start
from simulate import order

from hpccr.units import Myr, kyr

SMALL = ("axes.r.cells=80", "axes.p.cells=15")
STREAMING = "transport.wave_model=streaming"
CASES = {
    "quick": [], "slow diffusion": ["transport.D0=1e26 cm2/s"], "fast diffusion": ["transport.D0=1e28 cm2/s"],
    "no diffusion": ["transport.D0=0 cm2/s"], "streaming": [STREAMING], "no waves": ["gas.heating=false"],
    "no losses": ["transport.losses=false"], "no radiation": ["gas.cooling=false"], "no conduction": ["gas.conduction=false"],
    "held": ["gas.motion=false"], "held, streaming": ["gas.motion=false", STREAMING], "ionised": ["gas.ionised=1"],
    "held, expanding": ["gas.motion=false", "gas.expansion=1 km/(s pc)"], "expanding": ["gas.expansion=1 km/(s pc)"],
    "thin": ["gas.n=1e-2 cm-3"], "cold and dense": ["gas.n=10 cm-3", "gas.temperature=100 K"],
    "stretched": ["axes.r.spacing=sinh", "axes.r.scale=10 pc"], "coarse": ["axes.r.cells=16", "axes.p.cells=3"],
    "odd": ["axes.r.cells=37", "axes.p.cells=7"], "hollow": ["axes.r.from=1 pc", "axes.r.cells=41"],
    "slab": ["gas.geometry=slab", "source.energy=1e11 erg"], "blown out": ["axes.r.to=20 pc"],
}


@pytest.mark.parametrize("case", CASES)
def test_budgets_close(case):
    """K.34, G.1: at each step mass to 1e-12, momentum to 1e-12 of all pushes, energy to 1e-10 of the CRs'; nothing is negative.

    E_gas + E_cr + escaped + cooled beyond the ends of p + radiated + left with the gas (+ work on whoever holds it) stays.
    """
    flow = start("feedback_quick", *SMALL, *CASES[case])
    worst, lowest = np.zeros(3), 0.0
    while flow.stepper.t < 100 * kyr:
        flow.step(100 * kyr, lambda: [0.0])
        worst = np.maximum(worst, missing(flow))
        lowest = min(lowest, rays(flow).min())
    assert worst[0] < 1e-12 and worst[1] < 1e-12 and worst[2] < 1e-10, worst
    assert lowest >= 0 and min(profiles(flow)[0].min(), profiles(flow)[2].min()) > 0
    # Each item does something: a budget of zeros would not pass.
    energy = spent(flow)
    assert (energy["E_cr_escaped"] > 1e-4) == (case != "no diffusion") and energy["E_losses"] >= 0
    assert (energy["E_waves"] > 1e-3) == ("gas.heating=false" not in CASES[case])
    assert (energy["E_losses"] > 1e-5) == ("transport.losses=false" not in CASES[case])
    assert (energy["E_radiated"] != 0) == ("gas.cooling=false" not in CASES[case])


def test_work_is_what_the_gas_receives():
    """Without radiation, losses and waves E_gas grows by the work, which is what CRs lose; their push is what moves the gas."""
    flow = finish("feedback_quick", *SMALL, "gas.cooling=false", "gas.heating=false", "transport.losses=false",
                  "axes.r.to=200 pc", end=30 * kyr)
    now, first, f = flow.totals(), flow.ledger.first, flow.ledger.flows
    assert now["E_gas"] - first["E_gas"] + f["E_gas_out"] == pytest.approx(f["E_work"], rel=1e-9)
    assert first["E_cr"] - now["E_cr"] - f["E_cr_escaped"] - f["E_cr_ends"] == pytest.approx(f["E_work"], rel=1e-9)
    assert f["E_work"] > 0.01 * first["E_cr"]
    assert now["momentum"] > 0 and f["p_cr"] > 0.1 * now["momentum"]


def test_streaming_heats_and_works_apart():
    """E_work is that on the motion of the gas: with E_waves, E_losses and what has escaped it is all that CRs have lost."""
    flow = finish("feedback_quick", *SMALL, STREAMING, end=30 * kyr)
    energy, lost = spent(flow), 1 - flow.E_cr / flow.ledger.first["E_cr"]
    known = sum(energy[name] for name in ("E_work", "E_waves", "E_losses", "E_cr_escaped", "E_cr_ends"))
    assert lost == pytest.approx(known, rel=1e-9)


# --- order in time ---------------------------------------------------------------------------------------------------

# A strong sound wave of warm gas and CRs in it between two walls: smooth, with every process that is asked for.
WAVE = ("initial.kind=wave", "initial.amplitude=0.2", "initial.P_cr=2e-13 erg/cm3", "initial.P_cr_right=2e-13 erg/cm3",
        "gas.n=0.2044 cm-3", "gas.temperature=7000 K", "source.radius=100 pc", "source.p_low=0.1 m_p c2",
        "source.p_high=3e2 m_p c2", "axes.r.cells=64", "axes.p.cells=15", "axes.p.from=0.03 m_p c2", "axes.p.to=3e3 m_p c2")
SPREAD = "transport.D0=1e26 cm2/s"
# Settings, and the order that each energy must show. With diffusion the sound that a step follows depends a little on its length;
# waves turn with the sign of a gradient.
PROCESSES = {
    "motion": ([], {"E_cr": 1.7, "E_work": 1.7}),
    "motion and diffusion": ([SPREAD], {"E_cr": 1.7, "E_work": 1.7}),
    "motion and radiation": (["gas.cooling=true"], {"E_cr": 1.7, "E_work": 1.7, "E_radiated": 1.7}),
    "diffusion and waves": ([SPREAD, "gas.heating=true"], {"E_work": 1.7, "E_waves": 1.3}),
    "diffusion, waves and conduction": ([SPREAD, "gas.heating=true", "gas.conduction=true"], {"E_work": 1.7, "E_waves": 1.3}),
}


def in_time(settings, steps, end=4 * Myr):
    """Energies over the initial CRs' after equal steps, for each number of steps: list of dicts; the CRs' own is E_cr."""
    found = []
    for number in steps:
        flow = finish("feedback_tube_cr", *WAVE, *settings, *fixed(number, end), end=end)
        assert flow.stepper.number == number and flow.stepper.rejections == 0
        found.append({**spent(flow), "E_cr": flow.E_cr / flow.ledger.first["E_cr"]})
    return found


@pytest.mark.parametrize("processes", PROCESSES)
def test_coupled_flow_is_second_order_in_time(processes):
    """ARS(2,2,2): what equal steps find of the energies on one grid comes to its limit as Δt²."""
    settings, expected = PROCESSES[processes]
    found = in_time(settings, (64, 128, 256, 512))
    for name, least in expected.items():
        changes = np.abs(np.diff([energies[name] for energies in found]))
        assert changes[0] < 1e-4
        assert np.mean(order(changes)) > least, (name, changes, order(changes))


def test_losses_in_a_flow():
    """Before the stages of one step, after those of the next, they split to second order; their slope in p is of first."""
    found = in_time(["transport.losses=true", SPREAD], (64, 128, 256, 1024))
    errors = [abs(energies["E_losses"] / found[-1]["E_losses"] - 1) for energies in found[:-1]]
    assert errors[1] < 2e-3
    assert (order(errors) > 0.8).all(), errors


def test_tolerance_controls_the_error():
    """A cavity with all that happens in it: 16 times the tolerance and twice the Courant number change its energies by 4e-3."""
    end, found = 100 * kyr, []
    for rtol, courant in ((1.6e-2, 0.8), (1e-3, 0.4), (6e-5, 0.2)):
        flow = start("feedback_quick", "axes.r.cells=50", "axes.p.cells=15", f"time.rtol={rtol}", f"time.courant={courant}")
        for _ in advance(flow, end):
            pass
        energy = spent(flow)
        found.append([energy[name] for name in ("E_cr_escaped", "E_waves", "E_losses", "E_work")])
    assert np.abs(np.diff(found, axis=0)).max() < 4e-3, found
