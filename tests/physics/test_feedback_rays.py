"""CRs of problem `feedback`: in a shocked gas, spreading, changing momentum, losing to gas and waves; exact solutions, orders."""

import numpy as np
import pytest
from flows import STILL, advance, averaged, finish, fixed, missing, profiles, rays, spent, start
from jobs import deck
from simulate import order

from hpccr.errors import InputError
from hpccr.physics.fronts import expanding_spectrum
from hpccr.physics.green import uniform_sphere
from hpccr.physics.losses import momentum_loss
from hpccr.physics.riemann import cosmic_ray_shock_tube
from hpccr.units import Myr, c, k_B, kyr, m_p, pc

MC = m_p * c


def test_shock_tube_of_gas_and_cosmic_rays():
    """Pfrommer et al. 2017, table 1: ρ, v, P_g, P_c at a shock of Mach number 10; L1 of order near 1, γ_cr = 4/3 as p ≫ m_p c."""
    errors = []
    for cells in (100, 200, 400):
        flow = start("feedback_tube_cr", f"axes.r.cells={cells}")
        first = profiles(flow)
        left, right = ([float(q[end]) for q in first] for end in (0, -1))
        # P_c is ⅓ΣΔε û, as the gas feels it.
        assert (left[3], right[3]) == (pytest.approx(2 * left[2], rel=3e-3), pytest.approx(right[2], rel=3e-3))
        for t in advance(flow, flow.problem.deck.time.end):
            exact = averaged(lambda x: cosmic_ray_shock_tube((x - 50 * pc) / t, left, right), flow.model.line)
        P = left[2] + left[3]
        scales = left[0], np.sqrt(P / left[0]), P, P
        errors.append([np.mean(np.abs(a - b)) / scale for a, b, scale in zip(profiles(flow), exact, scales)])
        assert max(missing(flow)) < 1e-12
    assert (errors[-1] < np.array([3.5e-3, 6e-3, 2e-3, 2e-3])).all(), errors
    rates = 0.5 * np.log2(np.divide(errors[0], errors[-1]))
    assert ((rates > 0.7) & (rates < 1.25)).all(), (errors, rates)


# --- diffusion -------------------------------------------------------------------------------------------------------

BALL = (*STILL, "source.radius=10 pc", "axes.p.cells=3", "transport.D_slope=0.2", "axes.p.from=0.3 m_p c2", "axes.p.to=30 m_p c2",
        "axes.r.to=120 pc", "time.rtol=1e-5")
GRIDS = {"uniform": [], "stretched": ["axes.r.spacing=sinh", "axes.r.scale=20 pc"]}


@pytest.mark.parametrize("grid", GRIDS)
def test_diffusion_of_a_ball(grid):
    """N of a uniform ball, each momentum with its D: 1 % at three radii, second order (its edge cuts each grid elsewhere)."""
    errors = []
    for cells in (40, 80, 160):
        flow = start("feedback_quick", *BALL, *GRIDS[grid], f"axes.r.cells={cells}")
        line, first = flow.model.line, rays(flow)[0]
        for t in advance(flow, 20 * kyr):
            got = rays(flow) / first
        exact = np.stack([averaged(lambda r: [uniform_sphere(r, t, 10 * pc, D)], line)[0] for D in flow.model.D], axis=1)
        errors.append((line.volumes @ np.abs(got - exact) / (line.volumes @ exact)).max())
    at = np.searchsorted(line.faces, np.array([1, 15, 30]) * pc)
    assert np.allclose(got[at], exact[at], rtol=0.01)
    assert errors[-1] < 2e-3
    assert np.mean(order(errors)) > 1.8, errors


@pytest.mark.parametrize("geometry", ["sphere", "slab"])
def test_what_escapes_is_counted(geometry):
    """Content + escaped = initial for every momentum, to 1e-12, when most are gone, and more of those with a larger D."""
    flow = finish("feedback_quick", *BALL, "axes.r.to=40 pc", "axes.r.cells=60", f"gas.geometry={geometry}", "time.rtol=1e-3",
                  "transport.D_slope=0.5", end=150 * kyr)
    crs = flow.imex.rays
    left, gone = crs.content(crs.u) / flow.content, crs.escaped.sum(axis=0) / flow.content
    assert np.allclose(left + gone, 1, rtol=0, atol=1e-12)
    assert (np.diff(gone) > 0).all() and gone[-1] > 0.9 and rays(flow).min() >= 0
    assert missing(flow)[2] < 1e-12


# --- changes of momentum ---------------------------------------------------------------------------------------------

SMOOTH = ("axes.p.from=0.01 m_p c2", "axes.p.to=1e4 m_p c2", "source.p_low=0.1 m_p c2", "source.p_high=1e3 m_p c2")
# A box full of CRs, alike at all radii.
FULL = (*STILL, "transport.D0=0 cm2/s", "source.radius=100 pc", "axes.r.to=100 pc", "axes.r.cells=16", "time.rtol=1e-6")


def source_spectrum(source, p):
    """pN of a deck's source in its units; p (n,) [g cm/s]."""
    cut = 0.0 if source.p_low is None else source.p_low / (p * c) + p * c / source.p_high
    return (p / MC) ** (1 - source.index) * np.exp(-cut)


def expanded(g, lanes, *settings):
    """pN after |g t| = ½ of v = g r where nothing from the outer end has come, what it should be, its weight in the energy."""
    flow = start("feedback_quick", *FULL, f"axes.p.cells={lanes}", f"gas.expansion={g} km/(s pc)", *settings)
    source, p, H = flow.problem.deck.source, flow.problem.p, g * 1e5 / pc
    scale = rays(flow)[0, 0] / source_spectrum(source, p[0])
    for t in advance(flow, 0.5 / abs(H)):
        got = rays(flow)[2:6]
    assert np.allclose(got, got[0], rtol=1e-5)
    assert missing(flow)[2] < 1e-12
    return got[0], scale * p * expanding_spectrum(p, t, H, lambda q: source_spectrum(source, q) / q), flow.imex.rays.energy


@pytest.mark.parametrize("g", [10, -10])
def test_adiabatic_change_is_second_order_in_momentum(g):
    """K.22: N(p, t) = e^{−2gt} N₀(p e^{gt}) of a spectrum with two cut-offs, weighed by its energy."""
    errors = []
    for lanes in (24, 48, 96):
        got, exact, energy = expanded(g, lanes, *SMOOTH)
        errors.append(energy @ np.abs(got - exact) / (energy @ exact))
    assert errors[-1] < 4e-3
    assert (order(errors) > 1.7).all(), errors


@pytest.mark.parametrize("g", [10, -10])
def test_adiabatic_change_of_a_power_law(g):
    """K.22: N ~ p^−s falls as e^{−(s+2)gt} far from the ends of the axis: exact on any lanes, but for what ends do."""
    for lanes in (20, 40):
        got, exact, _ = expanded(g, lanes)
        middle = slice(9 * lanes // 20, 11 * lanes // 20)
        assert np.allclose(got[middle], exact[middle], rtol=1e-3), (got / exact - 1)[middle]


LOSSY = (*STILL, "transport.losses=true", "transport.D0=0 cm2/s", "source.radius=10 pc", "axes.r.to=10 pc", "axes.r.cells=4",
         "gas.n=1 cm-3", "source.energy=1e48 erg", "axes.p.from=0.03 m_p c2", "axes.p.to=100 m_p c2")


@pytest.mark.parametrize("cut", [[], ["source.p_low=0.1 m_p c2", "source.p_high=10 m_p c2"]], ids=["power law", "with cut-offs"])
def test_losses_follow_their_characteristics(cut):
    """K.23, F.1: dp/dt = −n b(p): N(p, t) b(p) = N₀(p₀) b(p₀), p₀(p) by solve_ivp; second order in ln p."""
    from scipy.integrate import solve_ivp

    errors, end = [], 3 * Myr
    for lanes in (24, 48, 96):
        flow = start("feedback_quick", *LOSSY, *cut, f"axes.p.cells={lanes}", *fixed(100, end))
        p, source, first = flow.problem.p, flow.problem.deck.source, rays(flow)[0]
        for _ in advance(flow, end):
            got = rays(flow)[1]
        back = solve_ivp(lambda t, y: momentum_loss(np.exp(y)) / np.exp(y), (0, end), np.log(p), "DOP853", rtol=1e-10, atol=1e-12)
        p0 = np.exp(back.y[:, -1])
        rate, rate0 = momentum_loss(p) / p, momentum_loss(p0) / p0
        exact = first[0] / source_spectrum(source, p[0]) * source_spectrum(source, p0) * rate0 / rate
        energy, within = flow.imex.rays.energy, slice(lanes // 6, -lanes // 6)
        errors.append(energy[within] @ np.abs(got - exact)[within] / (energy @ exact))
        assert spent(flow)["E_losses"] == pytest.approx(1 - flow.E_cr / flow.ledger.first["E_cr"], rel=1e-9)
        assert missing(flow)[2] < 1e-12
    assert errors[-1] < 5e-4
    assert (order(errors) > 1.8).all(), errors


def test_losses_in_time():
    """The slope in p that a step's sweep uses is that before it: equal steps are of first order, with a small error."""
    end, lost = 3 * Myr, []
    for steps in (24, 48, 96, 768):
        lost.append(spent(finish("feedback_quick", *LOSSY, "axes.p.cells=24", *fixed(steps, end), end=end))["E_losses"])
    errors = np.abs(np.divide(lost[:-1], lost[-1]) - 1)
    assert errors[0] < 4e-3
    assert (order(errors) > 0.9).all(), errors


@pytest.mark.parametrize("cut", ["source.p_high=10 GeV", "source.p_low=10 GeV"])
def test_momenta_without_particles_do_not_hold_up_a_run(cut):
    """The error of a step is judged by what there is, not by e^{−300} of it."""
    flow = start("feedback_quick", "axes.r.cells=50", cut)
    while flow.stepper.t < 50 * kyr and flow.stepper.number < 1000:
        flow.step(50 * kyr, lambda: [0.0])
    assert flow.stepper.number < 400 and flow.stepper.t == 50 * kyr


# --- waves -----------------------------------------------------------------------------------------------------------

WARM = (*STILL, "gas.heating=true", "gas.geometry=slab", "gas.n=0.2044 cm-3", "gas.B=5 uG", "source.energy=6e7 erg",
        "source.radius=20 pc")
V_A = 5e-6 / np.sqrt(4 * np.pi * m_p * 0.2044)


def heated(cells, D, end, *settings):
    """CRs of a slab that lose to waves in gas at rest: N over N₀(0), what it should be, the flow at the end."""
    from scipy.special import erfc

    flow = start("feedback_quick", *WARM, "axes.p.cells=3", "transport.D_slope=0", f"transport.D0={D} cm2/s", "axes.r.to=200 pc",
                 f"axes.r.cells={cells}", "time.rtol=1e-4", *settings)
    first, R, drift, width = rays(flow)[0], 20 * pc, V_A * end, np.sqrt(4 * D * end)

    def spread(x):
        return [0.5 * erfc((x - R + drift) / width) - 0.5 * np.exp(V_A * R / D) * erfc((x + R + drift) / width)]

    for _ in advance(flow, end):
        pass
    return rays(flow) / first, averaged(spread, flow.model.line)[0], flow


@pytest.mark.parametrize("D, end", [(1e26, 500 * kyr), (1e27, 100 * kyr)])
def test_waves_take_what_they_should(D, end):
    """N_t = D N_xx − V |N_x|, N_x(0) = 0, N₀ = 1 in R: N = ½ erfc[(x−R+Vt)/w] − ½ e^{VR/D} erfc[(x+R+Vt)/w], w² = 4Dt.

    M = −N_x ≥ 0 obeys M_t = D M_xx + V M_x, M(0) = 0, M₀ = δ(x − R): e^{Vx/2D + V²t/4D} M spreads as heat, with an image at −R.
    """
    errors = []
    for cells in (50, 100, 200):
        got, exact, flow = heated(cells, D, end)
        errors.append(np.abs(got - exact[:, None]).mean(axis=0).max() / exact.mean())
    assert errors[-1] < 1e-3
    assert (order(errors) > 1.9).all(), errors
    energy, left = spent(flow), exact @ flow.model.line.widths / (20 * pc)
    assert energy["E_waves"] == pytest.approx(1 - left, rel=1e-3)
    assert 1 - flow.E_cr / flow.ledger.first["E_cr"] == pytest.approx(energy["E_waves"] + energy["E_cr_escaped"], rel=1e-12)


def test_waves_where_diffusion_does_not_reach_across_a_cell():
    """V_A Δx/D = 3: upwind, so that nothing falls below zero; the content falls as V_A t/R all the same."""
    got, exact, flow = heated(100, 1e24, 200 * kyr, "axes.r.to=40 pc")
    assert got.min() >= 0 and got.max() <= 1 + 1e-9
    assert spent(flow)["E_waves"] == pytest.approx(V_A * 200 * kyr / (20 * pc), rel=1e-3)
    assert np.abs(got - exact[:, None]).mean() < 0.02 * exact.mean()


def test_heat_of_waves_goes_to_the_gas():
    """E_gas grows by what the waves have taken, which is positive: gas is warm where N falls, and as it was elsewhere."""
    _, _, flow = heated(100, 1e26, 500 * kyr)
    gain = flow.totals()["E_gas"] - flow.ledger.first["E_gas"]
    assert gain == pytest.approx(flow.ledger.flows["E_waves"], rel=1e-9)
    T = profiles(flow)[2] / (0.2044 * k_B)
    assert T.min() > 7000 * (1 - 1e-9) and T[:20].max() > 7010 and T[-1] == pytest.approx(7000, rel=1e-9)
    assert missing(flow)[2] < 1e-12


STREAM = ("transport.wave_model=streaming", "transport.losses=false", "axes.p.cells=20")


@pytest.mark.parametrize("settings", [[], ["transport.D0=1e28 cm2/s"], ["gas.motion=false", "gas.cooling=false"],
                                      ["gas.motion=false", "transport.D0=1e25 cm2/s"]], ids=["flow", "fast", "held", "slow"])
def test_streaming_keeps_the_number(settings):
    """Number left + escaped + cooled beyond the lower end of p (each with the energy of the first lane) = initial, to 1e-12."""
    flow = finish("feedback_quick", *STREAM, "gas.B=3 uG", "axes.r.cells=80", "axes.p.from=0.03 m_p c2", "axes.p.to=3e3 m_p c2",
                  "source.p_low=1 m_p c2", "source.p_high=100 m_p c2", *settings, end=50 * kyr)
    crs, energy = flow.imex.rays, spent(flow)
    cooled = flow.ledger.flows["E_cr_ends"] / crs.energy[0]
    assert crs.content(crs.u).sum() + crs.escaped.sum() + cooled == pytest.approx(flow.content.sum(), rel=1e-12)
    assert energy["E_waves"] > 0.005
    assert rays(flow).min() >= 0
    assert missing(flow)[2] < 1e-12


def test_streaming_drifts_with_the_alfven_speed():
    """In gas at rest without diffusion, the edge of a slab of CRs moves out with V_A, and P_c within falls as (R/R')^{4/3}."""
    flow = start("feedback_quick", *WARM, *STREAM, "axes.r.to=60 pc", "axes.r.cells=120", "transport.D0=0 cm2/s",
                 "axes.p.cells=30", "axes.p.from=10 m_p c2", "axes.p.to=1e6 m_p c2",
                 "source.p_low=100 m_p c2", "source.p_high=1e5 m_p c2")
    first, x, edge = profiles(flow)[3][0], flow.model.line.centers, 20 * pc + V_A * 200 * kyr
    for _ in advance(flow, 200 * kyr):
        pass
    N, P = rays(flow).sum(axis=1), profiles(flow)[3]
    assert np.interp(-0.5 * N[0], -N, x) == pytest.approx(edge, rel=0.02)
    assert P[0] == pytest.approx(first * (20 * pc / edge) ** (4 / 3), rel=0.03)
    gain = flow.totals()["E_gas"] - flow.ledger.first["E_gas"]
    assert gain == pytest.approx(flow.ledger.first["E_cr"] - flow.E_cr - flow.ledger.flows["E_cr_ends"], rel=1e-9)


@pytest.mark.parametrize("wave_model, close", [("sink", 0.05), ("streaming", 1e-6)])
def test_heating_by_waves_in_a_snapshot_is_that_of_the_budget(wave_model, close):
    """Over the volume, against E_waves of a step that changes next to nothing; waves of the sink count one-sided slopes, as they are solved."""
    flow = start("feedback_quick", f"transport.wave_model={wave_model}", "axes.r.to=300 pc", "time.first_step=1e-3 yr", "time.max_step=1e-3 yr")
    # CRs that fall over more than the streaming length, which holds them back.
    rays_, x = flow.patch.own(flow.imex.rays.u), flow.model.line.centers
    rays_[...] = rays_[:1] * np.exp(-x[:, None] / (60 * pc))
    told = flow.imex.survey()["waves"] @ flow.model.line.volumes
    flow.step(1e30, lambda: [0.0])
    assert told == pytest.approx(flow.ledger.flows["E_waves"] / flow.stepper.t, rel=close)


def test_what_is_not_a_number_stays_so():
    """It must not become no CRs: the step is refused."""
    flow = start("feedback_quick", "axes.r.cells=20", "axes.p.cells=4")
    crs, nothing = flow.imex.rays, np.zeros(20)
    crs.fill(crs.u)
    crs.rate[5, 2] = np.nan
    crs.solve((1.0, 1e10, 0.0), 1e10, nothing, crs.u, crs.u, crs.second, 0)
    assert np.isnan(flow.patch.own(crs.second)[:, 2]).all() and not np.isnan(flow.patch.own(crs.second)[:, [0, 1, 3]]).any()


def test_energy_that_no_gas_can_take_is_refused():
    """In a slab the energy is per cm²: what is usual in a sphere is 10²⁸ times too much there."""
    flow_deck = deck("feedback_quick", "gas.geometry=slab", "source.energy=1e8 erg")
    assert flow_deck.source.energy == 1e8
    with pytest.raises(InputError, match=r"\[source\] energy: the gas would be pushed at many times the speed of light"):
        deck("feedback_quick", "gas.geometry=slab")
