"""The exact solutions solve their equations, and the printed constants come out of them."""

import numpy as np
import pytest

from hpccr.physics import exact

k_B, C = 1.7, 0.6
PAIRS = {
    "pedestal": lambda z, t: exact.pedestal(z, t, k_B, C),
    "cored_pedestal": lambda z, t: exact.cored_pedestal(z, t, 0.8, k_B, C),
    "coth_pair": lambda z, t: exact.coth_pair(z, t, 1.3, k_B, C),
    "tanh_pair": lambda z, t: exact.tanh_pair(z, t, 5.0, 1.3, k_B, C),
}


def derivative(f, x, h=1e-3):
    """Fourth order, relative error 1e-11 for these functions."""
    return (8 * (f(x + h) - f(x - h)) - (f(x + 2 * h) - f(x - 2 * h))) / (12 * h)


@pytest.mark.parametrize("pair", PAIRS.values(), ids=PAIRS.keys())
def test_nonlinear_pairs_solve_both_equations(pair):
    """∂P/∂t = ∂/∂z[(k_B/I) ∂P/∂z] and ∂I/∂t = −C ∂P/∂z."""
    z, t = np.linspace(0.4, 2.5, 12), 2.0

    def flux(z):
        return k_B / pair(z, t)[0] * derivative(lambda x: pair(x, t)[1], z)

    P_t, I_t = (derivative(lambda s: pair(z, s)[i], t) for i in (1, 0))
    np.testing.assert_allclose(P_t, derivative(flux, z), rtol=1e-6, atol=1e-7)
    np.testing.assert_allclose(I_t, -C * derivative(lambda x: pair(x, t)[1], z), rtol=1e-8)


@pytest.mark.parametrize("Pi, V0, F", [
    (0.01, 0.00565216, 126465.9), (0.1, 0.0574616, 1338.86), (0.3, 0.178968, 168.576), (1, 0.686504, 23.0711),
    (2, 1.72167, 9.97120), (3, 3.33791, 7.21099), (5, 10.1076, 5.81076), (7, 28.1773, 5.52486), (10, 127.181, 5.44707)])
def test_point_release_table(Pi, V0, F):
    """V(0) of the self-similar point release, and F = 4 e^Π/V₀²."""
    value = exact.point_release(Pi)[0]
    assert value == pytest.approx(V0, rel=1e-5)
    assert 4 * np.exp(Pi) / value**2 == pytest.approx(F, rel=2e-5)


def test_point_release_limits():
    """V₀ → Π/√π (linear) and √(2/e) e^{Π/2} (strongly non-linear)."""
    assert exact.point_release(1e-3)[0] == pytest.approx(1e-3 / np.sqrt(np.pi), rel=1e-3)
    assert exact.point_release(20.0)[0] == pytest.approx(np.sqrt(2 / np.e) * np.exp(10), rel=1e-3)


@pytest.mark.parametrize("Pi", [0.1, 3.0, 7.0, 14.0])
def test_point_release_profile_holds_Pi(Pi):
    """∫₀^∞ V dζ = Π, I falls from e^Π to 1, and ζV tends to the pedestal's 2 for Π ≫ 1."""
    V0, profile = exact.point_release(Pi)
    zeta = np.concatenate([[0], np.geomspace(1e-5, 16, 4001)])
    I, V = profile(zeta)
    assert V[0] == pytest.approx(V0) and I[0] == pytest.approx(np.exp(Pi))
    assert np.sum((V[1:] + V[:-1]) / 2 * np.diff(zeta)) == pytest.approx(Pi, rel=1e-3)
    assert I[-1] == pytest.approx(1, abs=1e-6) and (np.diff(I) <= 1e-9).all()
    pedestal = {7.0: 0.12, 14.0: 0.02}.get(Pi)                # how far below 2 the exact solution stays
    if pedestal:
        assert (zeta * V).max() == pytest.approx(2 * (1 - pedestal), rel=0.01)


def test_malkov_profile_is_close_to_the_exact_one():
    """Within 17 % for z² < 4 D_ISM t; its integral misses Π by less than 9 %."""
    for Pi in (0.3, 1.0, 3.0, 10.0):
        zeta = np.concatenate([[0], np.geomspace(1e-6, 15, 3000)])
        P = exact.malkov_profile(zeta, 1.0, Pi, 1.0, 1.0, 1.0)
        V = exact.point_release(Pi)[1](zeta)[1]
        inside = zeta < 2
        assert np.abs(P / V - 1)[inside].max() < 0.17
        assert np.sum((P[1:] + P[:-1]) / 2 * np.diff(zeta)) == pytest.approx(Pi, rel=0.09)


def test_half_life_constants_of_test_particles():
    """0.92503 R²/D in a slab, 0.10021 R²/D in a sphere; central pressure halves at 1.0991 R²/D."""
    assert exact.half_life_constant() == pytest.approx(0.92503, abs=5e-6)
    assert exact.half_life_constant(exact.sphere_fraction_inside) == pytest.approx(0.10021, abs=5e-6)
    assert exact.central_half_time_constant() == pytest.approx(1.0991, abs=5e-5)


def test_fraction_inside_starts_full_and_empties():
    for fraction in (exact.slab_fraction_inside, exact.sphere_fraction_inside):
        assert fraction(1e-8, 1.0, 1.0) == pytest.approx(1, abs=2e-4)
        assert fraction(1e4, 1.0, 1.0) < 0.01


def test_undamped_half_lives_start_at_the_test_particles():
    """Π → 0 of the table is the linear constant, with slope Π/5."""
    assert exact.UNDAMPED_HALF_LIFE[0.01] == pytest.approx(exact.half_life_constant() * (1 + 0.002), rel=1e-3)


def test_damped_half_life():
    """t_1/2 = Π/(4Γ) at the energy-conserving growth, half of it at growth factor ½."""
    assert exact.damped_half_life(8.0, 2.0) == 1.0
    assert exact.damped_half_life(8.0, 2.0, growth_factor=0.5) == 0.5


@pytest.mark.parametrize("gamma, nu", [(1e-9, 0.0), (0.0, 1e-6), (1e-9, 1e-6), (1e-7, 1e-20), (1e-20, 1e-5)])
def test_balanced_waves(gamma, nu):
    """G = 2(γ + νI)I − 2(γ + νI₀)I₀ to roundoff over 12 decades of growth, and I = I₀ without growth."""
    I0 = 8e-6
    G = np.concatenate([[0.0], np.logspace(-18, -6, 25)])
    I = exact.balanced_waves(G, gamma, nu, I0)
    assert I[0] == pytest.approx(I0, rel=4e-16)
    left = G + 2 * (gamma + nu * I0) * I0
    np.testing.assert_allclose(2 * (gamma + nu * I) * I, left, rtol=4e-15)


def test_balanced_waves_linear():
    """ν = 0: I = (G + 2γI₀)/(2γ)."""
    assert exact.balanced_waves(np.array([3e-8]), 1e-9, 0.0, 1.0)[0] == pytest.approx((3e-8 + 2e-9) / 2e-9)
