"""Gas and CRs against exact solutions: shock tubes, a blast, sound, diffusion, adiabatic change, losses, conduction, thermal equilibrium; and the orders.

Everything runs the whole engine: what is not tested is switched off in the deck.
"""

import numpy as np
import pytest
from flows import advance, finish, missing, profiles, rays, start
from simulate import order

from hpccr.physics import blast, fronts, green, riemann
from hpccr.physics.losses import momentum_loss
from hpccr.units import c, k_B, kyr, m_p, pc

STILL = ("gas.motion=false", "gas.heating=false", "gas.cooling=false", "gas.conduction=false", "transport.losses=false")
# Relativistic CRs well inside the axis: γ_c = 4/3.
FAST = ("axes.p.cells=96", "axes.p.from=10 m_p c2", "axes.p.to=1e7 m_p c2", "source.index=2", "source.p_low=100 m_p c2", "source.p_high=1e6 m_p c2")


def l1(found, exact):
    """Mean deviation over the largest exact value."""
    return float(np.abs(found - exact).mean() / np.abs(exact).max())


def tube(name, cells):
    """L1 errors of ρ, v, P_g (and P_cr) of a shock tube's deck at its end."""
    flow = finish(name, f"axes.r.cells={cells}")
    left, right = (tuple(q[k] for q in profiles(start(name, f"axes.r.cells={cells}"))) for k in (0, -1))
    x, t = flow.model.line.centers - flow.problem.deck.source.radius, flow.problem.deck.time.end
    with_rays = left[3] > 0
    exact = riemann.cosmic_ray_shock_tube(x / t, left, right) if with_rays else riemann.shock_tube(x / t, left[:3], right[:3])
    assert missing(flow).max() < 1e-13
    return [l1(q, e) for q, e in zip(profiles(flow), exact)]


@pytest.mark.parametrize("name, bound", [("feedback_sod", 6e-3), ("feedback_tube_cr", 9e-3)])
def test_shock_tubes(name, bound):
    """L1 falls with the first order that a shock allows; with CRs tied to the gas, Pfrommer et al. 2006."""
    errors = np.array([tube(name, cells) for cells in (100, 200, 400)])
    assert (errors[1] < bound).all() if name == "feedback_sod" else (errors[1] < bound).all()
    orders = np.log2(errors[0] / errors[2]) / 2
    assert (orders > 0.65).all() and (orders < 1.5).all(), orders


def test_sedov_taylor():
    """R = (2.026 E t²/ρ)^{1/5}, within a cell; the profile of ρ in L1."""
    shocks, errors = [], []
    for cells in (100, 200, 400):
        flow = finish("feedback_sedov", f"axes.r.cells={cells}")
        E, t, r = flow.problem.deck.source.energy, flow.problem.deck.time.end, flow.model.line.centers
        rho = flow.imex.gas[0, -1]
        R = blast.sedov_radius(t, E, rho)
        assert R == pytest.approx((2.026 * E * t**2 / rho) ** 0.2, rel=1e-4)
        shocks.append(abs(flow.summary()["shock_radius"]["value"] * pc / R - 1))
        errors.append(l1(profiles(flow)[0], blast.sedov(r, t, E, rho)[0]))
        assert missing(flow).max() < 1e-13
    assert shocks[1] < 0.012 and shocks[2] < 0.006 and errors[0] > 1.5 * errors[2] and errors[2] < 0.006


def wave(cells, P_cr):
    """A standing wave after one period of the two-fluid sound speed: (L1 change of ρ over its amplitude, phase lost)."""
    settings = (f"axes.r.cells={cells}", "axes.r.to=100 pc", "initial.kind=wave", f"initial.P_cr={P_cr} erg/cm3", "time.rtol=0.1", "time.courant=0.4", *FAST)
    flow = start("feedback_sod", *settings)
    rho, _, P_g, P_c = profiles(flow)
    speed, length = riemann.two_fluid_sound_speed(rho.mean(), P_g.mean(), P_c.mean()), flow.model.line.faces[-1]
    k, before = np.pi / length, rho.copy()
    for _ in advance(flow, 2 * length / speed):
        rho, v = profiles(flow)[:2]
    x = flow.model.line.centers
    swing = 2 * np.mean((rho / rho.mean() - 1) * np.cos(k * x)), 2 * np.mean(v * np.sin(k * x)) / speed
    return np.abs(rho - before).mean() / before.mean() / flow.problem.deck.initial.amplitude, np.arctan2(swing[1], swing[0])


def test_sound_of_the_gas_alone():
    """Smooth flow, Δt ∝ Δr: second order in space and time."""
    errors = [wave(cells, 0)[0] for cells in (16, 32, 64)]
    assert (order(errors) > 1.8).all(), errors


def test_sound_in_two_fluids():
    """c² = (5/3 P_g + 4/3 P_c)/ρ with as much CR pressure as gas pressure: second order, and the phase is right to the moments' accuracy."""
    found = [wave(cells, 1e-10) for cells in (16, 32, 64)]
    # The finest meets the moments' quadrature in p: two halvings together.
    assert np.log2(found[0][0] / found[2][0]) > 2 * 1.8, found
    assert abs(found[2][1]) < 0.005 * 2 * np.pi


def test_a_ball_of_crs_diffuses():
    """Uniform sphere's Green function, at three radii, and second order in space and time together."""
    errors = []
    for cells in (75, 150, 300):
        flow = start("feedback_quick", *STILL, f"axes.r.cells={cells}", "axes.p.cells=4", "time.rtol=1e-2", f"time.max_step={450 / cells} kyr")
        for _ in advance(flow, 100 * kyr):
            found = rays(flow)[:, 1]
        r = flow.model.line.centers
        exact = green.uniform_sphere(r, 100 * kyr, 5 * pc, flow.model.D[1]) * flow.problem.initial_rays(slice(None), slice(None))[0, 1]
        near = r < 40 * pc
        errors.append(np.abs(found - exact)[near].sum() / exact[near].sum())
        for radius in (2 * pc, 10 * pc, 25 * pc):
            j = int(np.searchsorted(r, radius))
            assert found[j] == pytest.approx(exact[j], rel=0.01)
    # The first steps meet a sharp edge: two halvings together.
    assert errors[0] < 1e-3 and np.log2(errors[0] / errors[2]) > 2 * 1.8, errors


def test_what_leaves_is_counted():
    """Content and escaped CRs of each momentum add up to what there was, also on a stretched axis."""
    flow = start("feedback_quick", *STILL, "axes.r.cells=60", "axes.r.spacing=sinh", "axes.r.scale=10 pc", "transport.D0=1e29 cm2/s", "time.end=100 kyr")
    for _ in advance(flow, 100 * kyr):
        left, gone = flow.imex.rays.content(flow.imex.rays.u), flow.imex.rays.escaped.sum(axis=0)
    assert (gone > 0.3 * flow.content).all()
    np.testing.assert_allclose(left + gone, flow.content, rtol=1e-12)


def uniform(lanes, *settings):
    """CRs of a smooth spectrum, uniform in r, in gas that is held: (flow, p, pN at the start)."""
    flow = start("feedback_quick", *STILL, "transport.D0=0 cm2/s", "axes.r.cells=12", f"axes.p.cells={lanes}", "initial.kind=tube",
                 "initial.P_cr=1e-12 erg/cm3", "initial.P_cr_right=1e-12 erg/cm3", "time.rtol=0.1", *settings)
    return flow, flow.problem.p, rays(flow)[5]


@pytest.mark.parametrize("g", [1.0, -1.0])
def test_adiabatic_change_in_a_hubble_flow(g):
    """v = g r: N(p, t) = e^{−2gt} N₀(p e^{gt}), second order in ln p."""
    errors, t = [], 300 * kyr
    for lanes in (40, 80, 160):
        flow, p, first = uniform(lanes, f"gas.expansion={g} km/(s pc)", "source.p_low=0.5 m_p c2", "source.p_high=20 m_p c2", f"time.max_step={400 / lanes} kyr")
        rate = g * 1e5 / pc

        def N0(q, p=p, first=first):
            q = q / (m_p * c)
            return q**-2.3 * np.exp(-0.5 / q - q / 20.0)

        for _ in advance(flow, t):
            found = rays(flow)[5]
        exact = p * fronts.expanding_spectrum(p, t, rate, N0) * (first / (p * N0(p)))[lanes // 2]
        errors.append(l1(found, exact))
    assert errors[0] < 0.02 and (order(errors) > 1.7).all(), errors


def test_a_power_law_stays_one():
    """Adiabatic change of p^−s is exact on any grid: pN falls as e^{−(s+2)gt}, to the order of the time steps, away from the upper end."""
    flow, p, first = uniform(10, "gas.expansion=1 km/(s pc)", "time.max_step=1 kyr")
    for _ in advance(flow, 100 * kyr):
        found = rays(flow)[5]
    np.testing.assert_allclose(found[:7] / first[:7], np.exp(-4.3 * 1e5 / pc * 100 * kyr), rtol=1e-4)


def test_losses_along_characteristics():
    """dp/dt = −n b(p): N(p, t) = N₀(p₀) b(p₀)/b(p), with p₀ traced back by scipy; second order in ln p and time together."""
    from scipy.integrate import solve_ivp

    errors, t, n = [], 100 * kyr, 5.0
    for lanes in (40, 80, 160):
        flow, p, first = uniform(lanes, "transport.losses=true", f"gas.n={n} cm-3", "axes.p.to=30 m_p c2", f"time.max_step={80 / lanes} kyr")
        back = solve_ivp(lambda _, q: n * momentum_loss(q), (0, t), p, rtol=1e-10, atol=1e-30).y[:, -1]
        exact = p * (back / (m_p * c)) ** -2.3 * momentum_loss(back) / momentum_loss(p) / (m_p * c) * (first / (p / (m_p * c)) ** -1.3)[0]
        for _ in advance(flow, t):
            found = rays(flow)[5]
        # The last decade lacks what would come from beyond the axis.
        inside = p < 3 * m_p * c
        errors.append(np.abs(found / exact - 1)[inside].mean())
        assert missing(flow)[2] < 1e-12
    assert errors[0] < 0.02 and (order(errors) > 1.6).all(), errors


def test_thermal_equilibrium_stays():
    """n = 0.2044 cm⁻³ at 7000 K: nothing happens; gas of another temperature comes back to it."""
    quiet = start("feedback_quick", "source.energy=0 erg", "axes.r.cells=16", "time.end=5 Myr")
    assert quiet.imex.gas[0, 0] / m_p == pytest.approx(0.2044, rel=1e-3)
    warm = start("feedback_quick", "source.energy=0 erg", "axes.r.cells=16", "gas.n=0.2044 cm-3", "gas.temperature=9000 K", "gas.motion=false")
    for flow, end in ((quiet, 5e3 * kyr), (warm, 3e5 * kyr)):
        for _ in advance(flow, end):
            T = flow.observer.temperature(flow.imex.gas)
        assert T == pytest.approx(np.full(16, 7000.0), rel=1e-4)


def test_cooling_of_one_zone():
    """1.5 n k dT/dt = n (Γ − nΛ): against scipy, of second order in the steps."""
    from scipy.integrate import solve_ivp

    n, T0, t, errors = 1.0, 3e5, 20 * kyr, []
    for steps in (50, 100, 200):
        flow = start("feedback_quick", "source.energy=0 erg", "gas.motion=false", "axes.r.cells=8", f"gas.n={n} cm-3", f"gas.temperature={T0} K",
                     f"time.first_step={20 / steps} kyr", f"time.max_step={20 / steps} kyr", "time.rtol=0.1")
        Lambda = flow.problem.cooling
        exact = solve_ivp(lambda _, T: (Lambda.heating - n * Lambda.rate(T)) / (1.5 * k_B), (0, t), [T0], method="LSODA", rtol=1e-10, atol=1e-3).y[0, -1]
        for _ in advance(flow, t):
            T = flow.observer.temperature(flow.imex.gas)
        errors.append(abs(T[3] / exact - 1))
    assert errors[1] < 2e-3 and (order(errors) > 1.6).all(), errors


def test_front_of_conduction():
    """T^{5/2}: r_f ∝ t^{2/19}, T(0) ∝ t^{−6/19} (Zel'dovich), from a hot ball much smaller than the front; heat is kept."""
    n, E, centre, times = 0.01, 1e50, [], (30 * kyr, 300 * kyr)
    flow = start("feedback_sedov", "gas.motion=false", "gas.conduction=true", f"gas.n={n} cm-3", f"source.energy={E} erg", "source.radius=3 pc",
                 "axes.r.cells=300", "axes.r.to=100 pc", "gas.temperature=10 K", "time.end=300 kyr", "time.rtol=0.01")
    a, Q, r = 1.25e-6 / (1.5 * n * k_B), E / (1.5 * n * k_B), flow.model.line.centers
    front = []
    for t in advance(flow, *times):
        T = flow.observer.temperature(flow.imex.gas)
        centre.append(T[0])
        front.append(r[int(np.argmax(T < 0.3 * T[0]))])
        exact = fronts.conduction_wave(r, t, Q, a)
        assert l1(T, exact) < 0.01
        assert centre[-1] == pytest.approx(exact[0], rel=0.02)
    decade = np.log(times[1] / times[0])
    assert np.log(front[1] / front[0]) / decade == pytest.approx(2 / 19, abs=0.01)
    assert np.log(centre[1] / centre[0]) / decade == pytest.approx(-6 / 19, rel=0.02)
    assert missing(flow)[2] < 1e-12


def test_waves_take_from_crs_what_they_give_to_the_gas():
    """In gas that is held, without radiation: E_cr falls by what is escaped and given to waves, the gas gains that."""
    flow = start("feedback_quick", "gas.motion=false", "gas.cooling=false", "transport.losses=false")
    heat = flow.ledger.totals(flow.imex.gas, 0.0)["E_gas"]
    for _ in advance(flow, 100 * kyr):
        f = flow.ledger.flows
    assert f["E_waves"] > 1e48
    assert flow.ledger.totals(flow.imex.gas, 0.0)["E_gas"] - heat == pytest.approx(f["E_waves"], rel=1e-9)
    assert missing(flow)[2] < 1e-12


def test_streaming_keeps_the_number_of_crs():
    """wave_model = "streaming": CRs drift down their gradient; no particle is lost to waves, and the gas is heated."""
    flow = start("feedback_quick", "transport.wave_model=streaming", "transport.losses=false", "gas.B=3 uG", "axes.p.from=1e-3 m_p c2", "axes.p.cells=30")
    for _ in advance(flow, 100 * kyr):
        number = (flow.imex.rays.content(flow.imex.rays.u) + flow.imex.rays.escaped.sum(axis=0)).sum()
    # All but what expansion cools beyond the lowest momentum: there the axis is open.
    assert number <= flow.content.sum() * (1 + 1e-12) and number > 0.5 * flow.content.sum()
    assert flow.ledger.flows["E_waves"] > 1e48 and missing(flow).max() < 1e-11


@pytest.mark.parametrize("settings", [(), ("transport.D0=1e26 cm2/s",), ("gas.geometry=slab", "source.energy=1e10 erg"), ("axes.r.spacing=sinh", "axes.r.scale=5 pc"),
                                      ("gas.B=10 uG", "gas.n=0.02 cm-3"), ("gas.heating=false", "gas.cooling=false")])
def test_budgets_close(settings):
    """Mass to 1e-12, energy with all exchanges and what leaves to 1e-10 of the CR energy."""
    flow = start("feedback_quick", "axes.r.cells=80", *settings)
    for _ in advance(flow, 100 * kyr):
        mass, momentum, energy = missing(flow)
        assert mass < 1e-12 and momentum < 1e-11 and energy < 1e-10
        assert (rays(flow) >= 0).all() and min(profiles(flow)[0].min(), profiles(flow)[2].min()) > 0


def test_second_order_in_time():
    """A smooth wave of gas and CRs with diffusion, waves, losses, conduction and radiation, on one grid: ever shorter equal steps against the shortest."""
    deck = ("axes.r.cells=64", "axes.r.to=100 pc", "initial.kind=wave", "initial.amplitude=0.1", "initial.P_cr=1e-12 erg/cm3", "gas.geometry=slab", "gas.n=1 cm-3",
            "gas.temperature=9000 K", "transport.D0=1e26 cm2/s", "axes.p.cells=8", "time.rtol=0.1", "time.courant=1")
    found = []
    for steps in (20, 40, 80, 640):
        flow = start("feedback_quick", *deck, f"time.first_step={400 / steps} kyr", f"time.max_step={400 / steps} kyr")
        for _ in advance(flow, 400 * kyr):
            f = flow.ledger.flows
        assert flow.stepper.number == steps
        found.append([*profiles(flow)[0][::8], *profiles(flow)[2][::8], flow.E_cr, f["E_waves"], f["E_losses"]])
    errors = np.abs(np.array(found[:-1]) / np.array(found[-1]) - 1).max(axis=1)
    assert errors[0] < 0.05 and (order(errors) > 1.6).all(), errors
