"""The gas of problem `feedback`: shocks, sound, radiation and conduction against exact solutions, with their orders."""

import numpy as np
import pytest
from flows import advance, averaged, finish, fixed, missing, profiles, start, temperature
from simulate import order

from hpccr.physics.blast import sedov, sedov_radius
from hpccr.physics.conduction import ELECTRONS, T_SWITCH
from hpccr.physics.cooling import Cooling
from hpccr.physics.fronts import conduction_front, conduction_wave, front_exponent
from hpccr.physics.riemann import shock_tube, two_fluid_sound_speed
from hpccr.units import Myr, k_B, kyr, m_p, pc


def test_sods_tube():
    """ρ, v, P: L1 errors over the scales of the left state, of first order because of shock and contact; nothing is lost."""
    errors, rho, P = [], m_p, k_B * 1e4
    for cells in (100, 200, 400):
        flow = finish("feedback_sod", f"axes.r.cells={cells}")
        t = flow.stepper.t
        exact = averaged(lambda x: shock_tube((x - 50 * pc) / t, (rho, 0, P), (0.125 * rho, 0, 0.1 * P)), flow.model.line)
        errors.append([np.mean(np.abs(a - b)) / scale for a, b, scale in zip(profiles(flow), exact, (rho, np.sqrt(P / rho), P))])
        mass, _, energy = missing(flow)
        assert mass < 1e-13 and energy < 1e-13
    assert (errors[-1] < np.array([2.5e-3, 3.5e-3, 1.5e-3])).all(), errors
    rates = 0.5 * np.log2(np.divide(errors[0], errors[-1]))
    assert ((rates > 0.7) & (rates < 1.25)).all(), (errors, rates)


def test_blast_wave():
    """K.32: the steepest fall of v comes to R = (2.026 E t²/ρ)^{1/5} with the width of a cell; ρ, v, P in the sphere in L1."""
    ahead, errors = [], []
    for cells in (50, 100, 200):
        flow = finish("feedback_sedov", f"axes.r.cells={cells}")
        t, E, rho, line = flow.stepper.t, 1e51, m_p, flow.model.line
        R = (2.026 * E * t**2 / rho) ** 0.2
        assert sedov_radius(t, E, rho) == pytest.approx(R, rel=1e-4)
        ahead.append(flow.summary()["shock_radius"]["value"] * pc / R - 1)
        exact = averaged(lambda r: sedov(r, t, E, rho), line)
        errors.append([line.volumes @ np.abs(a - b) / (line.volumes @ np.abs(b)) for a, b in zip(profiles(flow), exact)])
        assert max(missing(flow)) < 1e-12
    assert abs(ahead[2]) < 0.01 and abs(ahead[0]) > 2.5 * abs(ahead[2]), ahead
    assert (errors[-1] < np.array([0.06, 0.045, 0.05])).all(), errors
    rates = 0.5 * np.log2(np.divide(errors[0], errors[-1]))
    assert (rates > 0.5).all(), (errors, rates)


# --- sound -----------------------------------------------------------------------------------------------------------

# P_c over P_g.
WAVES = {"gas": 0.0, "gas and CRs": 2.0}


def wave(share, cells, lanes=96):
    """A standing wave between two walls after a period 2L/c: L1 error of (ρ, v) over their amplitudes, phase error over 2π.

    The lanes are enough for the error in p to be below that in r.
    """
    A, P = 1e-4, k_B * 1e6
    flow = start("feedback_tube_cr", "initial.kind=wave", f"initial.amplitude={A}", f"initial.P_cr={share * P} erg/cm3",
                 f"initial.P_cr_right={share * P} erg/cm3", "source.radius=100 pc", f"axes.r.cells={cells}",
                 f"axes.p.cells={lanes if share else 3}", "time.rtol=0.1")
    line = flow.model.line
    c = two_fluid_sound_speed(m_p, P, profiles(flow)[3].mean())
    k = np.pi / line.faces[-1]
    shape = np.diff(np.sin(k * line.faces)) / (k * line.widths)
    for _ in advance(flow, 2 * np.pi / (k * c)):
        pass
    rho, v = profiles(flow)[:2]
    density, speed = (rho / m_p - 1) / A, v / (A * c)
    phase = np.arctan2(speed @ np.sin(k * line.centers), density @ shape) / (2 * np.pi)
    assert max(missing(flow)) < 1e-10
    return np.mean(np.abs(density - shape)) + np.mean(np.abs(speed)), phase


@pytest.mark.parametrize("fluids", WAVES)
def test_sound_is_second_order(fluids):
    """K.33: δρ/ρ = A cos(kx) cos(kct), c² = (γ_g P_g + γ_c P_c)/ρ, in space and time at once (fixed Courant number)."""
    errors, phases = zip(*(wave(WAVES[fluids], cells) for cells in (16, 32, 64)))
    assert errors[-1] < 4e-3
    assert (order(errors) > 1.8).all(), errors
    assert abs(phases[-1]) < 5e-4, phases


def test_sound_is_as_fast_as_gas_and_cosmic_rays_make_it():
    """With P_c = 2 P_g a period is √(13/5) = 1.61 times shorter; the error that is left is that of momenta, ∝ Δ²."""
    assert two_fluid_sound_speed(1, 1, 2) == pytest.approx(np.sqrt(13 / 5) * two_fluid_sound_speed(1, 1, 0))
    coarse, fine = wave(2.0, 64, lanes=24)[1], wave(2.0, 64, lanes=96)[1]
    assert abs(fine) < 5e-4 and abs(coarse) < 3e-3, (coarse, fine)


# --- heat ------------------------------------------------------------------------------------------------------------

# One zone, in effect: a uniform gas without CRs.
ZONE = ("source.energy=0 erg", "axes.r.cells=8", "axes.p.cells=3", "gas.n=0.2044 cm-3")


def test_thermal_equilibrium_stays():
    """K.32, G.2: at 7000 K the gas radiates what light gives it at n = 0.2044 cm⁻³."""
    flow = finish("feedback_quick", *ZONE, end=3 * Myr)
    assert np.allclose(temperature(flow), 7000.0, rtol=1e-5)
    assert np.abs(profiles(flow)[1]).max() < 1e-3
    assert flow.model.cooling.equilibrium_density(7000.0) == pytest.approx(0.2044, rel=1e-3)


@pytest.mark.parametrize("T", [3000, 1.5e4, 1e6])
def test_gas_returns_to_its_thermal_equilibrium(T):
    """30 Myr are 13 times 3kT/2Γ; what it radiates is what it loses of its heat."""
    flow = finish("feedback_quick", *ZONE, f"gas.temperature={T} K", end=30 * Myr)
    assert np.allclose(temperature(flow), 7000.0, rtol=1e-5)
    heat = flow.totals()["E_gas"]
    assert flow.ledger.flows["E_radiated"] == pytest.approx(flow.ledger.first["E_gas"] - heat, rel=1e-9)
    assert missing(flow)[2] < 1e-12


@pytest.mark.parametrize("T, steps", [(3000, (16, 32, 64)), (1.2e4, (32, 64, 128))])
def test_cooling_is_second_order_in_time(T, steps):
    """3/2 k dT/dt = Γ − n Λ(T) of one zone, by solve_ivp with the same table."""
    from scipy.integrate import solve_ivp

    cooling, n, end = Cooling(), 0.2044, 1.6 * Myr
    first, per_step, values = cooling.tabulate()
    ln_T = first + np.arange(len(values)) / per_step

    def rise(_, y):
        return (cooling.heating - n * np.interp(np.log(y), ln_T, values)) / (1.5 * k_B)

    truth = solve_ivp(rise, (0, end), [T], method="LSODA", rtol=1e-10, atol=1e-6).y[0, -1]
    held = (*ZONE, f"gas.temperature={T} K", "gas.motion=false")
    errors = [abs(temperature(finish("feedback_quick", *held, *fixed(number, end), end=end))[3] / truth - 1) for number in steps]
    assert errors[-1] < 2e-5
    assert (order(errors) > 1.8).all(), errors


def test_conduction_front():
    """K.35: heat from a point, T_t = ∇·(a T^{5/2} ∇T), a = K/(T^{5/2} 3/2 n k): r_f ∝ t^{2/19}, T(0) ∝ t^{−6/19}; the profile.

    The front is taken from where T = 0.3 T(0): ahead of it, cold gas is warmed by atoms, of which the similarity knows nothing.
    """
    E, n, errors, times = 1e50, 1.0, [], kyr * np.geomspace(10, 100, 5)
    a, Q, s = ELECTRONS / (1.5 * n * k_B), E / (1.5 * n * k_B), front_exponent()
    for cells in (50, 100):
        flow = start("feedback_sedov", "gas.motion=false", "gas.conduction=true", f"source.energy={E} erg", "axes.r.to=20 pc",
                     f"axes.r.cells={cells}")
        line, fronts, centres = flow.model.line, [], []
        for t in advance(flow, *times):
            T = temperature(flow)
            k = np.flatnonzero(T > 0.3 * T[0])[-1]
            edge = line.centers[k] + (T[k] - 0.3 * T[0]) / (T[k] - T[k + 1]) * line.widths[k]
            fronts.append(edge / np.sqrt(1 - 0.3**2.5))
            centres.append(T[0])
        exact = averaged(lambda r: [conduction_wave(r, t, Q, a)], line)[0]
        errors.append(line.volumes @ np.abs(T - exact) / (line.volumes @ exact))
        assert missing(flow)[2] < 1e-12
        assert centres[-1] > 50 * T_SWITCH
    assert np.polyfit(np.log(times), np.log(fronts), 1)[0] == pytest.approx(s, rel=0.02)
    assert np.polyfit(np.log(times), np.log(centres), 1)[0] == pytest.approx(-3 * s, rel=0.02)
    assert np.allclose(fronts, conduction_front(times, Q, a), rtol=0.01)
    assert errors[-1] < 0.01 and errors[0] > 1.7 * errors[-1], errors
