"""Exact gas dynamics against known numbers, against the jump and differential equations, and against a plain scheme."""

import numpy as np
import pytest
from scipy.integrate import quad

from hpccr.physics import green
from hpccr.physics.blast import sedov, sedov_alpha, sedov_radius
from hpccr.physics.fronts import conduction_front, conduction_wave, expanding_spectrum, front_exponent
from hpccr.physics.riemann import cosmic_ray_shock_tube, shock_tube, two_fluid_sound_speed

AREA = {1: 2.0, 2: 2 * np.pi, 3: 4 * np.pi}
GAMMAS = np.array([5 / 3, 4 / 3])

# Toro 2009, tables 4.1 and 4.2: (ρ, v, P) left, right, then P*, v*, ρ*_L, ρ*_R to the digits printed; γ = 1.4.
TORO = [((1, 0, 1), (0.125, 0, 0.1), (0.30313, 0.92745, 0.42632, 0.26557)),
        ((1, -2, 0.4), (1, 2, 0.4), (0.00189, 0.0, 0.02185, 0.02185)),
        ((1, 0, 1000), (1, 0, 0.01), (460.894, 19.5975, 0.57506, 5.99924)),
        ((1, 0, 0.01), (1, 0, 100), (46.0950, -6.19633, 5.99242, 0.57511)),
        ((5.99924, 19.5975, 460.894), (5.99242, -6.19633, 46.0950), (1691.64, 8.68975, 14.2823, 31.0426))]

# (ρ, v, P_th, P_cr): Pfrommer et al. 2017 (MNRAS 465, 4500), table 1, without injection at the shock; and 2006, where the
# pressures are rounded to two digits. Both are meant for a shock of Mach number 10.
PFROMMER_2017 = (1, 0, 17.172, 34.344), (0.125, 0, 0.05, 0.05)
PFROMMER_2006 = (1, 0, 6.7e4, 1.3e5), (0.2, 0, 2.4e2, 2.4e2)
TUBES = {"Pfrommer 2017": PFROMMER_2017, "Pfrommer 2006": PFROMMER_2006,
         "weak": ((1, 0.3, 1, 1), (0.8, 0.3, 0.9, 0.8)),
         "cosmic rays alone": ((1, 0, 0, 3), (1, 0, 0, 1)),
         "moving": ((2, 50, 1, 3), (1, 49, 0.5, 0.1))}


def sound(state, gammas=GAMMAS):
    """c from its definition."""
    return np.sqrt(gammas @ np.asarray(state[2:]) / state[0])


def middle_velocity(left, right):
    """v between the waves: the largest, if they are a rarefaction to the left and a shock to the right."""
    x = np.linspace(left[1] - sound(left), right[1] + 5 * sound(left), 4001)
    return np.max(cosmic_ray_shock_tube(x, left, right)[1])


def shock_position(left, right):
    """The x/t of the shock to the right, between two neighbouring numbers."""
    behind, ahead = middle_velocity(left, right) * (1 + 1e-9), right[1] + 20 * sound(left) + 20 * sound(right)
    while (middle := (behind + ahead) / 2) not in (behind, ahead):
        if cosmic_ray_shock_tube(middle, left, right)[0] == right[0]:
            ahead = middle
        else:
            behind = middle
    return behind, ahead


def fluxes(state, gammas=GAMMAS):
    """U and F(U) of mass, momentum and energy, of a state (ρ, v, *P_i)."""
    rho, v, *P = state
    E = rho * v**2 / 2 + np.sum(np.asarray(P) / (gammas - 1))
    return np.array([rho, rho * v, E]), np.array([rho * v, rho * v**2 + sum(P), (E + sum(P)) * v])


# --- shock tubes -------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("left, right, star", TORO)
def test_shock_tubes_of_toro(left, right, star):
    """P*, v* and both ρ* of Toro's five tests, among them Sod's, to the digits printed."""
    P_star, v_star, rho_left, rho_right = star
    rho, v, P = shock_tube(v_star + np.array([-0.02, 0.02]), left, right, gamma=1.4)
    assert P == pytest.approx(P_star, rel=1e-5, abs=5e-6)
    assert v == pytest.approx(v_star, rel=1e-5, abs=5e-6)
    assert rho == pytest.approx([rho_left, rho_right], rel=1e-5, abs=5e-6)


def test_sods_tube_in_all_its_regions():
    """γ = 1.4: fan between −c_L and v* − c*, contact at v*, shock at c_R √(6 P*/7P_R + 1/7) = 1.75216."""
    left, right, (P_star, v_star, rho_left, rho_right) = TORO[0]
    head, tail, shock = -np.sqrt(1.4), v_star - np.sqrt(1.4 * P_star / rho_left), np.sqrt(1.12 * (6 * P_star / 0.7 + 1 / 7))
    assert shock == pytest.approx(1.75216, abs=1e-5)
    x = np.array([head - 1e-4, head + 1e-4, tail - 1e-4, tail + 1e-4, shock - 1e-4, shock + 1e-4])
    rho, v, P = shock_tube(x, left, right, gamma=1.4)
    assert rho == pytest.approx([1, 1, rho_left, rho_left, rho_right, 0.125], abs=2e-4)
    assert v == pytest.approx([0, 0, v_star, v_star, v_star, 0], abs=2e-4)
    assert rho[1] < 1 and rho[2] > rho[3] and P[4:] == pytest.approx([P_star, 0.1], abs=1e-5)


@pytest.mark.parametrize("name", TUBES)
def test_shock_of_gas_and_cosmic_rays_obeys_the_jump_conditions(name):
    """S[U] = [F] for mass, momentum and energy; P_cr ρ^{−γ_cr} is the same on both sides, P_th ρ^{−γ_th} grows."""
    left, right = TUBES[name]

    inside, outside = shock_position(left, right)
    behind = cosmic_ray_shock_tube(inside, left, right)
    (U2, F2), (U1, F1) = fluxes(behind), fluxes(cosmic_ray_shock_tube(outside, left, right))
    S = (F2 - F1)[0] / (U2 - U1)[0]
    assert S == pytest.approx(inside, rel=1e-9)
    assert S * (U2 - U1) == pytest.approx(F2 - F1, rel=1e-9)
    x = behind[0] / right[0]
    assert 1 < x < 4 and S - right[1] > sound(right) and S - behind[1] < sound(behind)
    assert behind[3] == pytest.approx(right[3] * x ** (4 / 3), rel=1e-12)
    assert behind[2] > right[2] * x ** (5 / 3)


@pytest.mark.parametrize("name", TUBES)
def test_rarefaction_of_gas_and_cosmic_rays_keeps_its_invariants(name):
    """In the fan x/t = v − c, and v + ∫c dρ/ρ and both P_i ρ^{−γ_i} are those of the left state."""
    left, right = TUBES[name]
    P = np.array(left[2:])

    def c(rho):
        return np.sqrt(GAMMAS @ (P * (rho / left[0]) ** GAMMAS) / rho)

    head = left[1] - c(left[0])
    v_star = middle_velocity(left, right)
    rho_star = cosmic_ray_shock_tube(v_star * (1 - 1e-9), left, right)[0]
    for x in np.linspace(head, v_star - c(rho_star), 9)[1:-1]:
        rho, v, *pressures = cosmic_ray_shock_tube(x, left, right)
        assert rho_star < rho < left[0]
        assert v - c(rho) == pytest.approx(x, abs=1e-11 * c(rho) + 1e-14 * abs(x))
        assert v + quad(lambda q: c(q) / q, left[0], rho, epsrel=1e-12)[0] == pytest.approx(left[1], abs=1e-11 * c(rho))
        assert pressures == pytest.approx(P * (rho / left[0]) ** GAMMAS, rel=1e-12)


@pytest.mark.parametrize("name", TUBES)
def test_nothing_but_density_and_the_shares_of_pressure_jump_at_the_contact(name):
    """One v and one P_th + P_cr on both sides of the contact, which moves with v."""
    left, right = TUBES[name]
    v_star = middle_velocity(left, right)
    near = v_star * np.array([1 - 1e-9, 1 + 1e-9])
    rho, v, P_th, P_cr = cosmic_ray_shock_tube(near, left, right)
    assert v == pytest.approx(v_star, rel=1e-12) and np.ptp(P_th + P_cr) < 1e-11 * P_cr.max()
    assert abs(rho[1] / rho[0] - 1) > 0.01


@pytest.mark.parametrize("tube, mach, tolerance", [(PFROMMER_2017, 10.00, 5e-4), (PFROMMER_2006, 10.0, 0.015)])
def test_shock_tubes_of_pfrommer(tube, mach, tolerance):
    """Mach number 10, and compression 3.90 in 2017; the pressures of 2006 are rounded, by 2 % and so 1 % in Mach number."""
    inside, _ = shock_position(*tube)
    right = tube[1]
    assert inside / sound(right) == pytest.approx(mach, rel=tolerance)
    assert cosmic_ray_shock_tube(inside, *tube)[0] / right[0] == pytest.approx(3.90, abs=0.005)


@pytest.mark.parametrize("left, right, _", TORO)
def test_no_cosmic_rays_leave_the_gas(left, right, _):
    """P_cr = 0 is Toro's tube, whichever γ_cr; so is a P_cr with the γ of the gas, which then only counts as pressure."""
    x = np.linspace(-25, 45, 701)
    alone = shock_tube(x, left, right, gamma=1.4)
    rho, v, P_th, P_cr = cosmic_ray_shock_tube(x, (*left, 0), (*right, 0), gamma_th=1.4)
    assert np.all(P_cr == 0)
    for mine, gas in zip((rho, v, P_th), alone, strict=True):
        assert mine == pytest.approx(gas, rel=1e-9, abs=1e-12 * np.abs(gas).max())
    shared = [(rho, v, 0.3 * P, 0.7 * P) for rho, v, P in (left, right)]
    rho, v, P_th, P_cr = cosmic_ray_shock_tube(x, *shared, gamma_th=1.4, gamma_cr=1.4)
    for mine, gas in zip((rho, v, P_th + P_cr), alone, strict=True):
        assert mine == pytest.approx(gas, rel=1e-9, abs=1e-12 * np.abs(gas).max())


def test_shock_tubes_do_not_know_left_from_right_nor_who_moves():
    """Mirrored states give the mirrored profiles; all velocities + V shift x/t by V."""
    left, right = PFROMMER_2017
    x = np.linspace(-20, 20, 200)
    rho, v, P_th, P_cr = cosmic_ray_shock_tube(x, left, right)
    mirrored = cosmic_ray_shock_tube(-x, right, left)
    moved = cosmic_ray_shock_tube(x + 3, (left[0], 3, *left[2:]), (right[0], 3, *right[2:]))
    for mine, other, along, sign, V in zip((rho, v, P_th, P_cr), mirrored, moved, (1, -1, 1, 1), (0, 3, 0, 0), strict=True):
        assert sign * other == pytest.approx(mine, rel=1e-12, abs=1e-12)
        assert along - V == pytest.approx(mine, rel=1e-11, abs=1e-11)


def test_shock_tubes_do_not_know_the_units():
    """ρ × 1e-25, v × 1e7, P × 1e-11, as in interstellar gas: the same profiles at x/t × 1e7."""
    scale = np.array([1e-25, 1e7, 1e-11, 1e-11])
    x = np.linspace(-20, 20, 400)
    scaled = cosmic_ray_shock_tube(1e7 * x, *(scale * state for state in PFROMMER_2017))
    for mine, unit, other in zip(cosmic_ray_shock_tube(x, *PFROMMER_2017), scale, scaled, strict=True):
        assert other / unit == pytest.approx(mine, rel=1e-11, abs=1e-12)


def test_gas_expands_into_a_vacuum():
    """Up to v + 2c/(γ−1), where ρ falls to 0; ρ^{(γ−1)/2} and v are linear in x/t before."""
    gamma, c = 5 / 3, np.sqrt(5 / 3)
    edge = 0.5 + 3 * c
    x = np.array([0.5 - 1.01 * c, 0.5 - c / 2, 0.5 + c, edge - 1e-3, edge + 1e-3, 99.0])
    rho, v, P = shock_tube(x, (1, 0.5, 1), (0, 0, 0), gamma)
    share = np.clip((edge - x) / (4 * c), 0, 1)
    assert rho == pytest.approx(share * share * share, rel=1e-12) and P == pytest.approx(rho * share * share, rel=1e-12)
    assert v[:4] == pytest.approx(edge - 3 * c * share[:4], rel=1e-12) and v[4:] == pytest.approx(x[4:])
    mirrored = shock_tube(-x, (0, 0, 0), (1, -0.5, 1), gamma)
    assert mirrored[0] == pytest.approx(rho) and mirrored[1] == pytest.approx(-v)


def test_gases_that_part_leave_a_vacuum():
    """v_R − v_L above 2(c_L + c_R)/(γ−1): empty between v_L + 2c_L/(γ−1) and v_R − 2c_R/(γ−1), and not just below it."""
    c = np.sqrt(1.4 * 0.4)
    rho, v, P = shock_tube(np.array([-0.3, 0.0, 0.3]), (1, -5 * c - 0.2, 0.4), (1, 5 * c + 0.2, 0.4), gamma=1.4)
    assert rho[1] == P[1] == 0 and rho[0] == pytest.approx(rho[2]) and rho[0] > 0 and v[1] == 0
    assert shock_tube(0.0, (1, -5 * c + 0.2, 0.4), (1, 5 * c - 0.2, 0.4), gamma=1.4)[0] > 0


def test_cosmic_rays_and_gas_expand_into_a_vacuum():
    """γ = 5/3, 4/3: edge at 3[c + B asinh√(A/B)/√A], A = γ_th P_th/ρ, B = γ_cr P_cr/ρ, from c = y√(B + Ay²), y = ρ^{1/6}."""
    A, B = 5 / 3 * 2.0, 4 / 3 * 3.0
    edge = 3 * (np.sqrt(A + B) + B * np.arcsinh(np.sqrt(A / B)) / np.sqrt(A))
    rho, v, P_th, P_cr = cosmic_ray_shock_tube(edge * np.array([0.5, 0.9, 0.99, 1 - 1e-9, 1 + 1e-9]), (1, 0, 2, 3), (0, 0, 0, 0))
    assert np.all(rho[:3] > 0) and rho[3] < 1e-40 and rho[4] == P_th[4] == P_cr[4] == 0
    # Near the edge cosmic rays alone are left, their pressure falls more slowly: ρ ∝ (edge − x/t)⁶
    assert rho[2] / rho[3] == pytest.approx((0.01 / 1e-9) ** 6, rel=0.02)


def test_cold_gas_collides():
    """P = 0: behind both shocks ρ = 4ρ₀ (γ = 5/3), P = (4/3)ρ₀v², the shocks recede with v/3; a cold gas at rest stays."""
    for tube, more in ((shock_tube, ()), (cosmic_ray_shock_tube, (0.0,))):
        rho, v, P, *_ = tube(np.array([-0.7, -0.6, 0.0, 0.6, 0.7]), (1, 2, 0, *more), (1, -2, 0, *more))
        assert rho == pytest.approx([1, 4, 4, 4, 1]) and P == pytest.approx(16 / 3 * np.array([0, 1, 1, 1, 0]))
        assert v == pytest.approx([2, 0, 0, 0, -2])
        rho, v, P, *_ = tube(np.array([-1.0, 0.0, 1.0]), (1, 0, 0, *more), (1, 0, 0, *more))
        assert rho == pytest.approx(1) and np.all(v == 0) and np.all(P == 0)


@pytest.mark.parametrize("wrong", [(-1, 0, 1), (1, 0, -1), (float("nan"), 0, 1), (1, 0, float("nan"))])
def test_impossible_states_are_refused(wrong):
    """Negative or missing density and pressure, and γ ≤ 1."""
    with pytest.raises(ValueError, match="no such fluid"):
        shock_tube(0.0, wrong, (1, 0, 1))
    with pytest.raises(ValueError, match="no such fluid"):
        cosmic_ray_shock_tube(0.0, (1, 0, 1, float("nan")), (1, 0, 1, 1))
    with pytest.raises(ValueError, match="adiabatic indices"):
        cosmic_ray_shock_tube(0.0, (1, 0, 1, 1), (1, 0, 1, 1), gamma_cr=1.0)


def test_two_fluid_sound_speed_is_the_stiffness_of_the_adiabat():
    """c² = dP/dρ with P_g ∝ ρ^{5/3}, P_c ∝ ρ^{4/3}; alone, the speed in either fluid."""
    rho, P_g, P_c, h = 2.0, 3.0, 5.0, 1e-5
    x = np.array([1 + h, 1 - h])
    slope = -np.diff(P_g * x ** (5 / 3) + P_c * x ** (4 / 3))[0] / (2 * h * rho)
    assert two_fluid_sound_speed(rho, P_g, P_c) == pytest.approx(np.sqrt(slope), rel=1e-9)
    assert two_fluid_sound_speed(np.array([1.0, 4.0]), 1.0, 0.0, gamma_g=1.4) == pytest.approx(np.sqrt([1.4, 0.35]))
    assert two_fluid_sound_speed(1.0, 0.0, 3.0) == pytest.approx(2.0)


def godunov(left, right, cells, t, half=10.0):
    """x, ρ of the first-order HLL scheme for (ρ, ρv, E, P_cr^{1/γ_cr}), all conserved where CRs stay adiabatic."""
    gamma_th, gamma_cr = GAMMAS
    dx = 2 * half / cells
    x = -half + dx * (np.arange(cells) + 0.5)
    rho, v, P_th, P_cr = (np.where(x < 0, a, b) for a, b in zip(left, right, strict=True))
    U = np.array([rho, rho * v, rho * v**2 / 2 + P_th / (gamma_th - 1) + P_cr / (gamma_cr - 1), P_cr ** (1 / gamma_cr)])
    while t > 0:
        rho, v = U[0], U[1] / U[0]
        P_cr = U[3] ** gamma_cr
        P_th = (gamma_th - 1) * (U[2] - rho * v**2 / 2 - P_cr / (gamma_cr - 1))
        P, c = P_th + P_cr, np.sqrt((gamma_th * P_th + gamma_cr * P_cr) / rho)
        dt = min(0.9 * dx / np.max(np.abs(v) + c), t)
        F = U * v
        F[1] += P
        F[2] += P * v
        slow = np.minimum(np.minimum((v - c)[:-1], (v - c)[1:]), 0)
        fast = np.maximum(np.maximum((v + c)[:-1], (v + c)[1:]), 0)
        flux = (fast * F[:, :-1] - slow * F[:, 1:] + fast * slow * (U[:, 1:] - U[:, :-1])) / (fast - slow)
        U[:, 1:-1] -= dt / dx * np.diff(flux, axis=1)
        t -= dt
    return x, U[0]


def test_a_plain_scheme_goes_to_the_exact_tube_of_gas_and_cosmic_rays():
    """L1 error of ρ of first-order HLL: falls as ∼ dx^{2/3}, between the orders 1 of shocks and 1/2 of contacts."""
    left, right = PFROMMER_2017
    errors = []
    for cells in (500, 2000):
        x, rho = godunov(left, right, cells, 0.35)
        exact = cosmic_ray_shock_tube(x / 0.35, left, right)[0]
        errors.append(np.mean(np.abs(rho - exact)) / np.mean(exact))
    assert errors[1] < 0.02 and 0.5 < np.log(errors[0] / errors[1]) / np.log(4) < 1.1


# --- blast waves -------------------------------------------------------------------------------------------------

BLASTS = [(5 / 3, 3), (1.4, 3), (1.2, 3), (1.4, 1), (5 / 3, 1), (1.4, 2), (2.0, 3), (3.0, 3)]


def test_energy_integral_of_the_blast():
    """R = (2.026 E t²/ρ)^{1/5} for γ = 5/3; α = 0.851072 for γ = 1.4 (Kamm & Timmes 2007)."""
    assert 1 / sedov_alpha(5 / 3) == pytest.approx(2.026, abs=5e-4)
    assert sedov_radius(3.0, 2.0, 5.0) == pytest.approx((2.026 * 2 * 9 / 5) ** 0.2, rel=1e-4)
    assert sedov_alpha(1.4) == pytest.approx(0.851072, abs=1e-6)
    # 1e51 erg in 1 m_p/cm³, 10 kyr: 13.39 pc from the 2.026
    assert sedov_radius(3.15576e11, 1e51, 1.67262e-24) == pytest.approx(4.1332e19, rel=1e-4)


@pytest.mark.parametrize("dimension, E, R", [(1, 2 * 0.0673185, 0.5), (2, 0.311357, 0.75), (3, 0.851072, 1.0)])
def test_standard_blasts_of_kamm_and_timmes(dimension, E, R):
    """γ = 1.4, ρ = t = 1: energies (of one side of the plane) that bring the shock to about 0.5, 0.75 and 1."""
    assert sedov_radius(1.0, E, 1.0, 1.4, dimension) == pytest.approx(R, rel=2e-4)


def test_pressure_at_the_centre_of_the_blast():
    """P(0)/P(R) = 0.306 for γ = 5/3, 0.366 for γ = 1.4; P is flat and ρ ∝ r^{3/(γ−1)} there."""
    for gamma, ratio in ((5 / 3, 0.306), (1.4, 0.3655)):
        R = sedov_radius(1.0, 1.0, 1.0, gamma)
        rho, v, P = sedov(R * np.array([0.0, 1e-9, 1e-3, 2e-3, 1 - 1e-12]), 1.0, 1.0, 1.0, gamma)
        assert P[:4] == pytest.approx(P[0], rel=1e-9) and P[0] / P[4] == pytest.approx(ratio, abs=5e-4)
        assert rho[0] == v[0] == 0 and np.log2(rho[3] / rho[2]) == pytest.approx(3 / (gamma - 1), rel=1e-6)


@pytest.mark.parametrize("gamma, dimension", BLASTS)
def test_blast_keeps_mass_and_energy(gamma, dimension):
    """∫ρ dV is the mass swept up, ∫(ρv²/2 + P/(γ−1)) dV is E, at any time."""
    t, E, rho0 = 2.0, 3.0, 0.7
    R = sedov_radius(t, E, rho0, gamma, dimension)

    def shell(r, of):
        rho, v, P = sedov(r, t, E, rho0, gamma, dimension)
        return AREA[dimension] * r ** (dimension - 1) * (rho if of == "mass" else rho * v**2 / 2 + P / (gamma - 1))

    def total(of):
        return quad(shell, 0, R, (of,), points=R * np.array([0.5, 0.8, 0.9, 0.95, 0.99]), limit=300, epsrel=1e-10)[0]

    assert total("mass") == pytest.approx(rho0 * AREA[dimension] / dimension * R**dimension, rel=1e-8)
    assert total("energy") == pytest.approx(E, rel=1e-8)


@pytest.mark.parametrize("gamma, dimension", BLASTS)
def test_blast_begins_with_a_strong_shock(gamma, dimension):
    """Behind R: ρ = ρ₀(γ+1)/(γ−1), v = 2Ṙ/(γ+1), P = 2ρ₀Ṙ²/(γ+1), Ṙ = 2R/[(d+2)t]; ahead nothing moves."""
    t, E, rho0 = 2.0, 3.0, 0.7
    R = sedov_radius(t, E, rho0, gamma, dimension)
    speed = (sedov_radius(t + 1e-4, E, rho0, gamma, dimension) - sedov_radius(t - 1e-4, E, rho0, gamma, dimension)) / 2e-4
    rho, v, P = sedov(R * np.array([1 - 1e-13, 1 + 1e-13, 5.0]), t, E, rho0, gamma, dimension)
    assert rho == pytest.approx([rho0 * (gamma + 1) / (gamma - 1), rho0, rho0])
    assert v == pytest.approx([2 * speed / (gamma + 1), 0, 0])
    assert P == pytest.approx([2 * rho0 * speed**2 / (gamma + 1), 0, 0])


@pytest.mark.parametrize("gamma, dimension", BLASTS)
def test_blast_solves_the_equations_of_gas_dynamics(gamma, dimension):
    """ρ_t + r^{1−d}(r^{d−1}ρv)_r = 0, v_t + vv_r + P_r/ρ = 0 and (P/ρ^γ)_t + v(P/ρ^γ)_r = 0, by differences of order 4."""
    t, E, rho0 = 2.0, 3.0, 0.7
    R = sedov_radius(t, E, rho0, gamma, dimension)
    r = R * np.array([0.3, 0.5, 0.7, 0.9, 0.95])
    h, k = 1e-3 * R, 1e-3 * t

    def slope(f, step):
        return (8 * (f(step) - f(-step)) - f(2 * step) + f(-2 * step)) / (12 * step)

    def at(dr=0.0, dt=0.0):
        return np.array(sedov(r + dr, t + dt, E, rho0, gamma, dimension))

    rho, v, P = at()
    in_r, in_t = slope(lambda dr: at(dr=dr), h), slope(lambda dt: at(dt=dt), k)
    momentum = slope(lambda dr: np.prod(at(dr=dr)[:2], axis=0) * (r + dr) ** (dimension - 1), h) / r ** (dimension - 1)
    entropy = [d[2] / P - gamma * d[0] / rho for d in (in_t, in_r)]
    # differences of order 4 of functions that vary as r^{d/(γ−1)}: (h/r)⁴ [d/(γ−1)]⁵/30
    small = 1e-10 * (dimension / (gamma - 1)) ** 5 + 1e-8
    assert in_t[0] + momentum == pytest.approx(0 * r, abs=small * np.max(np.abs(in_t[0])))
    assert in_t[1] + v * in_r[1] + in_r[2] / rho == pytest.approx(0 * r, abs=small * np.max(np.abs(in_r[2] / rho)))
    assert entropy[0] + v * entropy[1] == pytest.approx(0 * r, abs=small * np.max(np.abs(entropy[0])))


def test_impossible_blasts_are_refused():
    """No d = 4; γ ≤ 1, and hollow blasts at a point, γ ≥ 7."""
    with pytest.raises(ValueError, match="dimension = 4"):
        sedov_alpha(1.4, 4)
    for gamma in (1.0, 7.0):
        with pytest.raises(ValueError, match="gamma"):
            sedov_alpha(gamma)
    assert sedov_alpha(8.0, dimension=1) > 0


# --- conduction --------------------------------------------------------------------------------------------------

WAVES = [(2.5, 3), (2.5, 1), (2.5, 2), (1.0, 1), (0.5, 3), (6.0, 3)]


@pytest.mark.parametrize("n, dimension", WAVES)
def test_conduction_wave_keeps_its_heat(n, dimension):
    """∫T dV = Q at any time, and nothing is beyond r_f."""
    for t in (0.3, 1e4):
        r_f = conduction_front(t, 5.0, 0.7, n, dimension)
        # r = r_f (1 − q²) smooths the steep front (1 − r²/r_f²)^{1/n}
        heat = quad(lambda q: 2 * q * r_f * AREA[dimension] * (r_f * (1 - q * q)) ** (dimension - 1)
                    * conduction_wave(r_f * (1 - q * q), t, 5.0, 0.7, n, dimension), 0, 1, epsrel=1e-11)[0]
        assert heat == pytest.approx(5.0, rel=1e-9)
        assert conduction_wave(r_f * (1 - 1e-9), t, 5.0, 0.7, n, dimension) > 0
        assert np.all(conduction_wave(r_f * np.array([1 + 1e-12, 2.0]), t, 5.0, 0.7, n, dimension) == 0)


@pytest.mark.parametrize("n, dimension", WAVES)
def test_conduction_wave_solves_its_equation(n, dimension):
    """T_t = r^{1−d}(r^{d−1} a Tⁿ T_r)_r by central differences of order 2."""
    t, Q, a = 1.7, 5.0, 0.7
    r_f = conduction_front(t, Q, a, n, dimension)
    r, h, k = r_f * np.array([0.1, 0.3, 0.5, 0.7, 0.8]), 1e-4 * r_f, 1e-4 * t

    def T(r, t=t):
        return conduction_wave(r, t, Q, a, n, dimension)

    def flow(face):
        return face ** (dimension - 1) * a * T(face) ** n * (T(face + h / 2) - T(face - h / 2)) / h

    divergence = (flow(r + h / 2) - flow(r - h / 2)) / h / r ** (dimension - 1)
    rate = (T(r, t + k) - T(r, t - k)) / (2 * k)
    assert rate == pytest.approx(divergence, rel=1e-5, abs=1e-6 * np.max(np.abs(rate)))


def test_conduction_front_exponents():
    """r_f ∝ t^{1/(dn+2)}: 2/19 at a point and 2/9 on a plane for n = 5/2; T(0) ∝ t^{−d/(dn+2)}, r_f ∝ Q^{n/(dn+2)}."""
    assert front_exponent() == pytest.approx(2 / 19) and front_exponent(2.5, 1) == pytest.approx(2 / 9)
    r_f = conduction_front(np.array([1.0, 16.0]), 2.0, 3.0)
    assert np.log2(r_f[1] / r_f[0]) / 4 == pytest.approx(2 / 19)
    assert conduction_front(1.0, 8.0, 3.0) / r_f[0] == pytest.approx(4 ** (2.5 * 2 / 19))
    centre = [conduction_wave(0.0, t, 2.0, 3.0) for t in (1.0, 16.0)]
    assert np.log2(centre[1] / centre[0]) / 4 == pytest.approx(-6 / 19)


def test_conduction_wave_known_and_linear_limits():
    """n = 1 on a plane: r_f = (9aQt/2)^{1/3}; n → 0 is the Gaussian of linear conduction, to O(n)."""
    assert conduction_front(2.0, 3.0, 0.5, n=1, dimension=1) == pytest.approx(13.5 ** (1 / 3), rel=1e-12)
    r = np.linspace(0, 3, 7)
    for dimension, heat in ((1, green.heat_slab), (3, green.heat_sphere)):
        assert conduction_wave(r, 1.3, 2.0, 0.7, 1e-6, dimension) == pytest.approx(2 * heat(r, 1.3, 0.7), rel=1e-4)
    for wrong in (dict(n=0), dict(dimension=4)):
        with pytest.raises(ValueError, match="allowed"):
            conduction_front(1.0, 1.0, 1.0, **wrong)


# --- cosmic rays in an expanding gas -----------------------------------------------------------------------------

def test_spectrum_in_an_expanding_gas():
    """N_t + 3HN = H ∂(pN)/∂p; with a = e^{Ht} the number falls as a^{−3}, ∫pN dp as a^{−4}, ∫p²N dp as a^{−5}."""
    def N0(p):
        return p**1.5 * np.exp(-p)

    H, t, p, h = 0.3, 2.0, np.array([0.3, 1.0, 2.0]), 1e-4

    def N(p, t=t):
        return expanding_spectrum(p, t, H, N0)

    in_t = (N(p, t + h) - N(p, t - h)) / (2 * h)
    in_p = ((p + h) * N(p + h) - (p - h) * N(p - h)) / (2 * h)
    assert in_t + 3 * H * N(p) == pytest.approx(H * in_p, rel=1e-6, abs=1e-8)
    for moment, power in ((0, -3), (1, -4), (2, -5)):
        later, first = (quad(lambda q: q**moment * f(q), 0, np.inf)[0] for f in (N, N0))
        assert later / first == pytest.approx(np.exp(power * H * t), rel=1e-7)


def test_expansion_and_compression_are_one_law():
    """N = 4πp²f: the spectrum of V = −az is f₀(p e^{−at/3}), and div v = 3H = −a; a power law falls as e^{−(s+2)Ht}."""
    H, t, p = 0.3, 2.0, np.logspace(-1, 2, 7)

    def f0(p):
        return p**-4.0 / (1 + p)

    mine = expanding_spectrum(p, t, H, lambda q: 4 * np.pi * q**2 * f0(q))
    assert mine == pytest.approx(4 * np.pi * p**2 * green.compressed(p, t, -3 * H, f0), rel=1e-12)
    assert expanding_spectrum(p, t, H, lambda q: q**-2.3) == pytest.approx(p**-2.3 * np.exp(-4.3 * H * t), rel=1e-12)
