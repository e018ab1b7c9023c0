"""The usual code for cosmic rays and gas against what is known of each of its terms, and against itself on finer cells."""

import numpy as np
import pytest

from hpccr.bench.numpy_feedback import GAMMA, Usual, conductivity, hllc, loss_rate
from hpccr.physics.green import uniform_sphere
from hpccr.units import Myr, c, eV, k_B, kyr, m_p, pc


@pytest.mark.parametrize("T, ionisation, coulomb", [(1e-3, 3.70e-6, 6.72e-6), (0.1, 4.18e-7, 7.24e-7), (10, 1.83e-7, 3.11e-7)])
def test_losses(T, ionisation, coulomb):
    """F.1, K.30: −dT/dt = p v λ [eV/s] at n = 1; T in GeV."""
    x = T * 1e9 * eV / (m_p * c**2)
    p = np.sqrt(x * (x + 2))
    to_eV = p**2 / (1 + x) * m_p * c**2 / eV
    assert loss_rate(p) * to_eV == pytest.approx(ionisation, rel=5e-3)
    assert (loss_rate(p, ionised=1.0) - loss_rate(p)) * to_eV == pytest.approx(coulomb, rel=5e-3)


def test_diffusion_alone():
    """N(r, t) of a uniform sphere, for few and energetic particles in gas at rest; first order in Δt."""
    errors = []
    for cfl in (0.02, 0.01):
        run = Usual(300, 3, 1e27, 100 * kyr, B=0.0, E_cr=1e30, r0=20 * pc, p_min=10.0, p_max=1e3, cfl=cfl)
        start = run.N[:, :1].copy()
        run.run()
        exact = start * uniform_sphere(run.r, run.t, run.r0, run.D[:, None])
        errors.append(np.max(np.abs(run.N - exact) / start))
        assert run.v.max() < 1.0
    assert errors[1] < 2e-3
    assert errors[0] > 1.6 * errors[1]


@pytest.mark.parametrize("H", [1e-13, -1e-13])
def test_adiabatic_losses(H):
    """K.22: under v = H r a uniform p^−2.3 dp changes as e^{−4.3 H t}: volume and momenta, both."""
    run = Usual(100, 25, 1e27, Myr, n=1e-9)
    run.N = np.repeat(run.p[:, None] ** -1.3, 100, axis=1)
    dt = 1e10
    run.v = H * run.r
    before = run.N.copy()
    run._advect(dt)
    run._momentum(dt)
    rate = np.log(before / run.N)[2:-2, 2:-1] / (H * dt)
    assert np.allclose(rate, 4.3, rtol=0.05)


@pytest.mark.parametrize("dt, error", [(1e11, 0.04), (1e13, 0.2)])
def test_collisions_heat_what_they_slow(dt, error):
    """The heat is ∫ N [ε(p) − ε(p(t))] dp with d ln p/dt = −n λ, and the cosmic rays' loss; long steps are implicit."""
    run = Usual(10, 50, 1e27, Myr)
    run.N = np.repeat(run.p[:, None] ** -1.3, 10, axis=1)
    run.expansion, before = np.zeros(10), run.N.copy()
    heat = run._momentum(dt)
    assert np.allclose(run.energy @ (before - run.N), heat, rtol=1e-6)
    p = np.geomspace(run.p_min, run.p_max, 4001)
    middle, width = np.sqrt(p[:-1] * p[1:]), np.log(p[1] / p[0])
    age = np.append(0.0, np.cumsum(width / (run.n * loss_rate(middle))))
    p_t = np.interp(age - dt, age, p, left=0.0)
    lost = m_p * c**2 * (np.sqrt(1 + p**2) - np.sqrt(1 + p_t**2)) * p**-1.3 * width
    assert np.allclose(heat, lost.sum(), rtol=error)


def test_waves_take_their_energy():
    """N = e^{−r/L} falls as e^{−V_A t/L}; what cosmic rays lose is the energy of the waves."""
    run = Usual(300, 10, 1e27, Myr)
    L, dt = 30 * pc, 50 * kyr
    run.N = run.p[:, None] ** -1.3 * np.exp(-run.r / L)
    before, V_A = run.N.copy(), run.B / np.sqrt(4 * np.pi * run.rho[0])
    energy = run._waves(dt)
    assert np.allclose(np.log(before / run.N)[:, 1:-1], V_A * dt / L, rtol=1e-3)
    assert np.allclose(energy, run.energy @ (before - run.N))


def test_conduction():
    """δT ∝ sin(kr)/(kr) decays as e^{−χk²t}, χ = K/(ρ c_v), with k r_max = 4.4934 for no flux at r_max."""
    run = Usual(200, 3, 1e27, Myr, r_max=1 * pc)
    k = 4.493409457909064 / run.r_max
    shape = np.sin(k * run.r) / (k * run.r)
    chi = conductivity(7000.0) * (GAMMA - 1) * m_p / (k_B * run.rho[0])
    run.P *= 1 + 1e-4 * shape
    for _ in range(100):
        run._conduct(0.01 / (chi * k**2))
    amplitude = (run.T / 7000 - 1) @ (shape * run.volume) / (shape**2 @ run.volume)
    assert amplitude / 1e-4 == pytest.approx(np.exp(-1), rel=0.01)


def test_cooling_follows_its_equation():
    """T_t = (γ − 1)(Γ − nΛ)/k_B of gas at rest, against a solver of ordinary equations; its equilibrium stays."""
    from scipy.integrate import solve_ivp

    run = Usual(10, 3, 1e27, Myr)
    assert run.n == pytest.approx(0.2044, rel=1e-3)
    run._cool(Myr)
    assert np.allclose(run.T, 7000.0, rtol=1e-3)
    run.P *= 1.5e5 / 7000
    wanted = solve_ivp(lambda t, T: (GAMMA - 1) / k_B * (2e-26 - run.n * np.interp(np.log10(T), run.log_T, run.Lambda)),
                       (0.0, 20 * kyr), [1.5e5], method="LSODA", rtol=1e-8).y[0, -1]
    for _ in range(40):
        run._cool(0.5 * kyr)
    assert np.allclose(run.T, wanted, rtol=0.03)


def test_fluxes_between_states():
    """A contact at rest carries nothing but pressure; a supersonic wind only knows what is upwind."""
    left, right = np.array([[1.0], [0.0], [2.0]]), np.array([[9.0], [0.0], [2.0]])
    assert np.allclose(hllc(left, right)[:, 0], (0.0, 2.0, 0.0))
    left[1], right[1] = 10.0, 8.0
    assert np.allclose(hllc(left, right)[:, 0], (10.0, 102.0, 10 * (50 + 2.5 * 2.0)))


class Bare(Usual):
    """Gas without radiation and conduction."""

    def _conduct(self, dt):
        pass

    def _cool(self, dt):
        pass


def test_blast_wave():
    """K.32: R = (2.026 E t²/ρ)^{1/5} for γ = 5/3; the front is spread over two or three cells, and ahead of it nothing stirs."""
    run = Bare(200, 3, 1e27, 60 * kyr, E_cr=1e30, r_max=100 * pc)
    core = run.r < 3 * pc
    run.P[core] += 1e51 * (GAMMA - 1) / run.volume[core].sum()
    run.run()
    R = (2.026 * 1e51 * run.t**2 / (run.n * m_p)) ** 0.2
    assert run.fronts()[1] == pytest.approx(R, rel=0.02)
    assert abs(run.v[run.r > 1.3 * R]).max() < 1.0


def test_fronts_between_faces():
    """Centres of a step of v and of one of ln T, to a small part of a cell."""
    run = Usual(300, 3, 1e27, Myr)
    run.v = 1e6 * (1 - np.tanh((run.r - 44.3 * pc) / (2 * pc)))
    run.P = run.P * np.exp(2 - 2 * np.tanh((run.r - 30.6 * pc) / (2 * pc)))
    found = run.results()
    assert found["shock_radius"] == pytest.approx(44.3, abs=0.1)
    assert found["cavity_edge"] == pytest.approx(30.6, abs=0.1)


def test_budgets():
    """Mass to rounding; energy to the second order of minmod in ln p, as P_c dV meets the fall in momentum."""
    errors = []
    for momenta in (15, 30):
        found = Usual(300, momenta, 1e27, 200 * kyr).run().results()
        assert abs(found["mass_error"]) < 1e-12
        errors.append(found["energy_error"])
    assert abs(errors[0]) < 0.1
    assert abs(errors[1]) < 0.5 * abs(errors[0])


def test_budget_of_those_that_escape():
    """At 10²⁸ cm²/s nearly all leave the box within 1 Myr; what they carry, and lose on the way, is all there is."""
    found = Usual(150, 15, 1e28, Myr).run().results()
    assert found["E_cr_escaped"] > 0.85e50
    assert abs(found["energy_error"]) < 0.01


def test_heat_of_waves():
    """Without it the cavity is cool, and the cosmic rays hardly notice (Shimoda+ 2025, figure 6)."""
    warm, cool = (Usual(150, 15, 1e27, 200 * kyr, heating=heating).run().results() for heating in (True, False))
    assert cool["T_max"] < 0.2 * warm["T_max"]
    assert cool["E_cr_left"] == pytest.approx(warm["E_cr_left"], rel=0.02)
    assert abs(cool["energy_error"] - warm["energy_error"]) < 0.005


def test_fronts_converge():
    """The radii on 300 cells differ from those on 600 by no more than a cell, and by less than those on 150."""
    coarse, middle, fine = (Usual(cells, 15, 1e27, 200 * kyr).run().results() for cells in (150, 300, 600))
    for name in ("cavity_edge", "shock_radius"):
        assert abs(middle[name] - fine[name]) < min(1.0, abs(coarse[name] - fine[name])), name
    assert middle["E_cr_left"] == pytest.approx(fine["E_cr_left"], rel=0.03)
