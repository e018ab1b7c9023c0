"""Laws of D(μ): W solves its equation, the coefficients are the known ones, and bad laws are refused."""

import numpy as np
import pytest

from hpccr.errors import InputError
from hpccr.physics import pitch_angle

POINTS = np.linspace(-1, 1, 9)
UNEVEN = 1 + 0.5 * POINTS + 0.2 * POINTS**2
LAWS = {
    "isotropic": pitch_angle.isotropic(), "4/3": pitch_angle.power(4 / 3), "1.8": pitch_angle.power(1.8), "1.99": pitch_angle.power(1.99),
    "filled": pitch_angle.filled(5 / 3, 0.01), "narrow": pitch_angle.filled(1.9, 1e-6), "table": pitch_angle.table(POINTS, UNEVEN),
    "steep": pitch_angle.table([-0.9, -0.1, 0.0, 0.5], [1.0, 3.0, 1e-3, 2.0]),
}
each_law = pytest.mark.parametrize("law", LAWS.values(), ids=LAWS.keys())


@each_law
def test_W_is_the_integral_of_one_over_D(law):
    """W' = 1/D where D is smooth, ⟨W⟩ = 0, odd if D is even; the resistance adds up over μ = 0."""
    mu = np.array([-0.95, -0.7, -0.33, -1e-3, 2e-3, 0.21, 0.44, 0.9])
    h = 1e-4 * np.abs(mu)
    slope = (8 * law.resistance(mu - h, mu + h) - law.resistance(mu - 2 * h, mu + 2 * h)) / (12 * h)
    np.testing.assert_allclose(slope * law.D(mu), 1, rtol=1e-8)
    # In x with μ = ±x^50 the steepest W is smooth enough for Gauss.
    x, w = np.polynomial.legendre.leggauss(400)
    x, w = 0.5 * (1 + x), 0.5 * w * 50 * (0.5 * (1 + x)) ** 49
    assert w @ (law.W(x**50) + law.W(-(x**50))) == pytest.approx(0, abs=2e-5 * np.ptp(law.W(np.array([-1.0, 1.0]))))
    if law.even:
        np.testing.assert_allclose(law.W(-mu), -law.W(mu), rtol=1e-13)
    whole = law.resistance(np.array([-0.5, -0.5, 0.0]), np.array([0.5, 0.0, 0.5]))
    assert whole[0] == pytest.approx(whole[1] + whole[2], rel=1e-13) and (whole > 0).all() and np.isfinite(whole).all()


@pytest.mark.parametrize("q", [1.0, 4 / 3, 5 / 3, 1.95])
def test_W_of_a_power_is_a_power(q):
    """sgn(μ)|μ|^(2−q)/(2−q), also next to μ = 0."""
    mu = np.array([-1, -0.3, -1e-12, 1e-30, 1e-5, 0.8])
    exact = np.sign(mu) * np.abs(mu) ** (2 - q) / (2 - q)
    np.testing.assert_allclose(pitch_angle.power(q).W(mu), exact, rtol=1e-12)
    assert pitch_angle.power(q).W(0.0) == 0


def test_W_of_a_table_is_a_logarithm():
    """D = 1 + aμ: W = ln(1 + aμ)/a + constant, also where D nearly vanishes at one end."""
    for a in (0.5, -0.9999):
        law = pitch_angle.table([-1, 1], [1 - a, 1 + a])
        left, right = np.array([-1.0, -0.4, 0.1]), np.array([-0.8, 0.7, 1.0])
        np.testing.assert_allclose(law.resistance(left, right), np.log((1 + a * right) / (1 + a * left)) / a, rtol=1e-11)


def test_isotropic_coefficients():
    """κ = 2/3, K = 11/270, τ = 11/120, ⟨W²⟩/4 = 1/12."""
    c = pitch_angle.coefficients(pitch_angle.isotropic())
    np.testing.assert_allclose([c.kappa, c.K, c.tau, c.slip, c.mirror], [2 / 3, 11 / 270, 11 / 120, 1 / 12, 4 / 45], rtol=1e-13)
    assert c.skew == 0


@pytest.mark.parametrize("q, K", [(4 / 3, 0.230186), (1.5, 0.718681), (5 / 3, 3.266852), (1.8, 19.67028)])
def test_coefficients_of_powers(q, K):
    """κ = 2/((2−q)(4−q)); K as found from eigenvalues; ⟨W²⟩ and ⟨W²(κ − U')⟩ in closed form."""
    c = pitch_angle.coefficients(pitch_angle.power(q))
    assert c.kappa == pytest.approx(2 / ((2 - q) * (4 - q)), rel=1e-13)
    assert pytest.approx(K, abs=0.6 * 10.0 ** -(6 if q < 1.7 else 5)) == c.K
    assert c.tau == c.K / c.kappa**2
    assert c.slip == pytest.approx(1 / (4 * (2 - q) ** 2 * (5 - 2 * q)), rel=1e-13)
    assert c.mirror == pytest.approx((c.kappa / (5 - 2 * q) - 1 / (6 - 3 * q) + 1 / (8 - 3 * q)) / (2 - q) ** 2, rel=1e-12)


def test_stronger_scattering_only_rescales():
    """D = 1 + g: κ ~ 1/D, slip and skew ~ 1/D², K ~ 1/D³."""
    one, two = (pitch_angle.coefficients(law) for law in (pitch_angle.isotropic(), pitch_angle.filled(1.0, 0.6)))
    assert (two.kappa, two.slip, two.K) == pytest.approx((one.kappa / 1.6, one.slip / 1.6**2, one.K / 1.6**3), rel=1e-12)
    one, two = (pitch_angle.coefficients(pitch_angle.table(POINTS, a * UNEVEN)) for a in (1, 3))
    assert (two.skew, two.K) == pytest.approx((one.skew / 9, one.K / 27), rel=1e-12)


def test_a_filled_gap_closes():
    """κ of |μ|^(q−1) + gap falls short of the open one by g/(3 − 2q) for small gaps, q < 3/2; and a gap speeds up diffusion little."""
    q, gap = 4 / 3, 1e-8
    c, open_ = (pitch_angle.coefficients(law) for law in (pitch_angle.filled(q, gap), pitch_angle.power(q)))
    # ∫ (1 − μ²) |μ|^(2−2q) dμ over one half.
    assert (open_.kappa - c.kappa) / gap == pytest.approx(1 / (3 - 2 * q) - 1 / (5 - 2 * q), rel=1e-2)
    assert pytest.approx(open_.K, rel=1e-6) == c.K


def test_a_mirrored_law_is_skewed_the_other_way():
    one, two = (pitch_angle.coefficients(pitch_angle.table(POINTS, D)) for D in (UNEVEN, UNEVEN[::-1]))
    assert one.skew == pytest.approx(-two.skew, rel=1e-10) and one.skew != 0
    assert (one.kappa, one.K, one.slip) == pytest.approx((two.kappa, two.K, two.slip), rel=1e-12)


def test_coefficients_of_a_table_of_a_smooth_law():
    """Chords of 1 + μ²/2: second order in the distance of the points."""
    def error(n):
        mu = np.linspace(-1, 1, n)
        return pitch_angle.coefficients(pitch_angle.table(mu, 1 + 0.5 * mu**2)).kappa - 2 * (1.5 * np.sqrt(2) * np.arctan(np.sqrt(0.5)) - 1)

    assert np.log2(error(17) / error(33)) == pytest.approx(2, abs=0.02)


def test_even_laws_are_known_as_such():
    assert all(law.even == (name not in ("table", "steep")) for name, law in LAWS.items())
    assert pitch_angle.table([-0.5, 0, 0.5], [1, 0.1, 1]).even
    assert not pitch_angle.table([-0.5, 0, 0.6], [1, 0.1, 1]).even


def test_a_weak_law_may_be_skewed():
    mu = np.array([-1.0, -0.02, 0.0, 0.02, 1.0])
    assert not pitch_angle.table(mu, 1e-9 * np.arange(1.0, 6.0)).even and pitch_angle.table(mu, np.array([3e-9, 1e-9, 2e-9, 1e-9, 3e-9])).even


def test_a_law_from_orbits():
    """Quasi-linear scattering, with a gap that noise has left empty: D with mean 1, and the rate that was taken out."""
    mu = (np.arange(40) + 0.5) / 20 - 1
    D_mumu = 0.02 * (1 - mu**2) * np.abs(mu) ** 0.5
    D_mumu[[19, 20]] = -1e-5, 0.0
    D_mumu[3] = np.nan
    law, rate = pitch_angle.from_orbits(mu, D_mumu)
    fine = np.linspace(-1, 1, 20001)
    assert np.mean(0.5 * (law.D(fine[1:]) + law.D(fine[:-1]))) == pytest.approx(1, abs=1e-6)
    # ⟨|μ|^½⟩ = 2/3; chords and the bridge over the gap change it by half a percent.
    assert rate == pytest.approx(0.02 * 2 / 3, rel=0.01)
    known = np.delete(mu, [3, 19, 20])
    np.testing.assert_allclose(law.D(known) * rate, 0.02 * np.abs(known) ** 0.5, rtol=1e-12)
    assert law.D(0.0) == pytest.approx(law.D(mu[21]), rel=1e-12) and law.name == "orbits"


@pytest.mark.parametrize("make", [
    lambda: pitch_angle.power(2.0), lambda: pitch_angle.power(0.9), lambda: pitch_angle.filled(1.5, -0.1), lambda: pitch_angle.filled(2.0, 0.1),
    lambda: pitch_angle.filled(1.5, np.nan), lambda: pitch_angle.table([0.0], [1.0]), lambda: pitch_angle.table([0, 0.5], [1, 2, 3]),
    lambda: pitch_angle.table([0.5, 0.2], [1, 1]), lambda: pitch_angle.table([0, 1.2], [1, 1]), lambda: pitch_angle.table([0, 1], [1, 0]),
    lambda: pitch_angle.table([0, 1], [1, np.nan]), lambda: pitch_angle.from_orbits(np.linspace(-0.9, 0.9, 20), np.full(20, np.nan)),
    lambda: pitch_angle.from_orbits(np.linspace(-0.9, 0.9, 20), np.where(np.arange(20) < 9, 1.0, -1.0)),
    lambda: pitch_angle.from_orbits(np.linspace(-0.9, 0.9, 20), np.ones(19))])
def test_bad_laws_are_refused(make):
    with pytest.raises(InputError):
        make()
