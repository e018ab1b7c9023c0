"""The synthetic field: level, spectrum, correlation length, polarisation and divergence of what is realised."""

import types

import numpy as np
import pytest

from hpccr.deck.turbulence import KINDS, PARTS
from hpccr.particles.turbulence import Spectrum, Waves, realise, stream
from hpccr.problems._synthetic import Synthetic

KOLMOGOROV = Spectrum(5 / 3, 0.01, 1.0)
MIXED = {"slab": 0.2, "2d": 0.5, "isotropic": 0.3}


def waves(kind, modes=256, spectrum=KOLMOGOROV, rms=0.7, realisation=0, seed=5):
    return realise(kind, MIXED if kind == "composite" else None, spectrum, modes, rms, stream(seed, realisation, "waves"))


def length(vectors):
    return np.linalg.norm(vectors, axis=1)


def trapezoid(y, x):
    return (0.5 * (y[1:] + y[:-1]) * np.diff(x)).sum()


def gradient(field, r, step=1e-40):
    """∂B_i/∂x_j at r (n, 3) by imaginary steps, which subtract nothing and so are exact to rounding: array (n, 3, 3)."""
    return np.stack([field(r + 1j * step * axis).imag / step for axis in np.eye(3)], axis=2)


# -- level and spectrum -----------------------------------------------------------------------------------


@pytest.mark.parametrize("modes", [1, 7, 256, 10_000])
@pytest.mark.parametrize("kind", PARTS)
def test_rms_is_the_one_asked_for(kind, modes):
    assert waves(kind, modes).rms == pytest.approx(0.7, rel=1e-14) and len(waves(kind, modes)) == modes


@pytest.mark.parametrize("kind", KINDS)
def test_rms_is_that_of_the_field_and_there_is_no_mean_field(kind):
    """Over points in a cube of 300 longest waves, that is over about 10⁴ independent ones."""
    many = waves(kind)
    B = many.field(np.random.default_rng(3).uniform(0, 300, (10_000, 3)))
    assert (B**2).sum(axis=1).mean() == pytest.approx(many.rms**2, rel=0.05)
    assert np.abs(B.mean(axis=0)).max() < 4 * many.rms / np.sqrt(len(B))


def test_field_of_one_wave():
    one = Waves(np.array([[0, 0, 2.0]]), np.array([[0.3, -0.4, 0]]), np.array([0.5]))
    r = np.array([[7.0, -3.0, 0.25], [0, 0, 1.0]])
    assert np.allclose(one.field(r), np.cos([1.0, 2.5])[:, None] * [0.3, -0.4, 0], rtol=1e-15, atol=1e-16)
    assert one.rms == pytest.approx(0.5 / np.sqrt(2), rel=1e-15) and one.k_range == (2.0, 2.0)


@pytest.mark.parametrize("q", [5 / 3, 1.5, 1.0, 2.5])
def test_two_decades_of_waves_with_the_slope_of_the_spectrum(q):
    """A²/2 is the energy of a cell of ln k."""
    many = waves("isotropic", spectrum=Spectrum(q, 0.01, 1.0))
    k, energy = length(many.k), 0.5 * (many.amplitude**2).sum(axis=1)
    assert np.diff(np.log(k)) == pytest.approx(np.log(100) / 256, rel=1e-9)
    half = 100 ** (0.5 / 256)
    assert many.k_range == pytest.approx((2 * np.pi * half, 200 * np.pi / half), rel=1e-12)
    assert np.polyfit(np.log(k), np.log(energy / k), 1)[0] == pytest.approx(-q, abs=1e-10)


@pytest.mark.parametrize("q", [5 / 3, 1.0])
def test_the_field_along_z_has_the_spectrum(q):
    """Slab waves, sampled along z: power in octaves of a Fourier transform with a Hann window."""
    points, step = 2**15, 0.004
    z = np.arange(points) * step
    k = 2 * np.pi * np.fft.rfftfreq(points, step)
    edges = 2 * np.pi * 2.0 ** np.arange(0.5, 6.0)      # inside the range, free of its ends
    power = np.zeros(len(edges) - 1)
    for realisation in range(4):
        many = waves("slab", 200, Spectrum(q, 0.01, 1.0), realisation=realisation)
        B = many.field(np.stack([0 * z, 0 * z, z], axis=1)) * np.hanning(points)[:, None]
        density = (np.abs(np.fft.rfft(B, axis=0)) ** 2).sum(axis=1)
        power += [density[(k >= low) & (k < high)].sum() for low, high in zip(edges, edges[1:])]
    slope = np.polyfit(np.log(edges[1:]), np.log(power / np.diff(edges)), 1)[0]
    assert slope == pytest.approx(-q, abs=0.05)


def test_bend_over():
    bent = Spectrum(5 / 3, 1e-3, 1e3, bend_scale=0.5, bend_index=2.0)
    k = np.geomspace(*bent.k_range, 50)
    x = 0.5 * k
    ratio = bent.E(k) / (x**2 / (1 + x * x) ** (0.5 * (2 + 5 / 3)))
    assert ratio == pytest.approx(ratio[0], rel=1e-12)
    ends = np.log(bent.E(k))
    assert (ends[1] - ends[0]) / np.log(k[1] / k[0]) == pytest.approx(2, abs=1e-3)
    assert (ends[-1] - ends[-2]) / np.log(k[1] / k[0]) == pytest.approx(-5 / 3, abs=1e-3)
    many = waves("isotropic", 600, bent)
    k = length(many.k)
    assert (many.amplitude**2).sum(axis=1) / (k * bent.E(k)) == pytest.approx(2 * 0.7**2 / (k * bent.E(k)).sum(), rel=1e-12)


@pytest.mark.parametrize("spectrum", [KOLMOGOROV, Spectrum(1.0, 1e-4, 30.0), Spectrum(5 / 3, 0.01, 10.0, 0.3, 1.5)])
def test_normalised_spectrum_integrates_to_one_and_ends_where_it_ends(spectrum):
    k = np.geomspace(*spectrum.k_range, 20_001)
    assert trapezoid(spectrum.normalised(k), k) == pytest.approx(1, rel=1e-5)
    low, high = spectrum.k_range
    assert np.all(spectrum.E([0.999 * low, 1.001 * high]) == 0) and np.all(spectrum.E([low, high]) > 0)


@pytest.mark.parametrize("index", [-10.0, 10.0])
@pytest.mark.parametrize("bend", [None, (1e-3, -10.0), (1e3, 10.0)])
@pytest.mark.parametrize("high", [1e-38, 1e50])
def test_the_steepest_spectra_over_the_widest_range_stay_finite(index, bend, high):
    scale, bend_index = (None, 0.0) if bend is None else (bend[0] * high, bend[1])
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        many = waves("isotropic", 64, Spectrum(index, high * 1e-12, high, scale, bend_index))
        assert many.rms == pytest.approx(0.7, rel=1e-14) and 0 < many.correlation_length() < high


# -- correlation length -----------------------------------------------------------------------------------


def harari(low, high, q):
    """Two-sided L_c of a power law, Harari et al. 2002, for a general index."""
    k0, k1 = 2 * np.pi / high, 2 * np.pi / low
    return np.pi * (k0**-q - k1**-q) / q * (q - 1) / (k0 ** (1 - q) - k1 ** (1 - q))


@pytest.mark.parametrize("q", [5 / 3, 1.5, 2.5])
@pytest.mark.parametrize("kind", KINDS)
def test_correlation_length_of_a_power_law(kind, q):
    many = waves(kind, spectrum=Spectrum(q, 0.01, 1.0))
    # A composite has 51 waves where it has fewest: midpoints of cells five times as wide.
    rel = 1e-3 if kind != "composite" else 1e-2
    assert many.correlation_length("two-sided") == pytest.approx(harari(0.01, 1.0, q), rel=rel)
    assert many.correlation_length("one-sided") == many.correlation_length() == 0.5 * many.correlation_length("two-sided")
    if q == 5 / 3:
        assert many.correlation_length() == pytest.approx(0.1 * (1 - 0.01 ** (5 / 3)) / (1 - 0.01 ** (2 / 3)), rel=rel)


def test_correlation_length_with_a_bend():
    bent = Spectrum(5 / 3, 0.01, 10.0, 0.5, 1.0)
    k = np.geomspace(*bent.k_range, 20_001)
    expected = 0.5 * np.pi * trapezoid(bent.E(k) / k, k) / trapezoid(bent.E(k), k)
    assert waves("isotropic", spectrum=bent).correlation_length() == pytest.approx(expected, rel=1e-3)


@pytest.mark.parametrize("kind", ["isotropic", "alfven", "magnetosonic"])
def test_correlation_length_is_that_of_the_field(kind):
    """⟨B(0)·B(r)⟩ from field values on lines of random place and direction, integrated to two longest waves."""
    many, random = waves(kind, 32, Spectrum(5 / 3, 0.2, 1.0)), np.random.default_rng(8)
    lines, points, step, lags = 4000, 100, 0.025, 80
    n = random.standard_normal((lines, 3))
    n /= length(n)[:, None]
    start, s = random.uniform(0, 100, (lines, 3)), step * np.arange(points)
    B = many.field((start[:, None, :] + s[:, None] * n[:, None, :]).reshape(-1, 3)).reshape(lines, points, 3)
    R = np.array([(B[:, : points - lag] * B[:, lag:]).sum(axis=2).mean() for lag in range(lags + 1)]) / many.rms**2
    assert R[0] == pytest.approx(1, rel=0.05)
    total = np.cumsum(0.5 * step * (R[1:] + R[:-1]))
    # The integral still swings with the longest wave: its mean over one period. With so many lines it scatters by 2 %.
    assert total[-40:].mean() == pytest.approx(many.correlation_length("one-sided"), rel=0.06)


# -- directions and polarisations -------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("modes", [256, 10_000])
def test_no_divergence(kind, modes):
    many = waves(kind, modes)
    r = np.random.default_rng(1).uniform(-30, 30, (20, 3))
    scale = many.k_range[1] * many.rms
    assert np.abs(many.divergence(r)).max() < 1e-12 * scale
    assert np.abs(np.trace(gradient(many.field, r), axis1=1, axis2=2)).max() < 1e-12 * scale
    assert np.abs((many.k * many.amplitude).sum(axis=1)).max() < 4e-16 * (length(many.k) * length(many.amplitude)).max()


def test_the_divergence_is_seen_where_there_is_one():
    random = np.random.default_rng(2)
    wrong = Waves(random.standard_normal((9, 3)), random.standard_normal((9, 3)), random.uniform(0, 6, 9))
    r = random.uniform(-3, 3, (20, 3))
    expected = np.trace(gradient(wrong.field, r), axis1=1, axis2=2)
    assert np.abs(expected).max() > 1 and wrong.divergence(r) == pytest.approx(expected, rel=1e-10, abs=1e-12)


def test_polarisation():
    """Alfvénic along k × z; magnetosonic in the plane of k and z; slab and 2D fields across z."""
    z = np.array([0, 0, 1.0])
    kinds = {kind: waves(kind, 1000) for kind in PARTS}
    k, xi = ({kind: (v := getattr(many, part)) / length(v)[:, None] for kind, many in kinds.items()}
             for part in ("k", "amplitude"))
    for kind in PARTS:
        assert np.abs((k[kind] * xi[kind]).sum(axis=1)).max() < 1e-15
    normal = np.cross(k["alfven"], z)
    assert np.abs(xi["alfven"][:, 2]).max() < 1e-16
    assert np.abs(np.abs((xi["alfven"] * normal).sum(axis=1)) - length(normal)).max() < 1e-14
    assert np.abs((xi["magnetosonic"] * np.cross(k["magnetosonic"], z)).sum(axis=1)).max() < 1e-15
    assert np.abs(xi["magnetosonic"][:, 2]).max() > 0.9
    assert np.all(k["slab"][:, :2] == 0) and np.all(np.abs(k["slab"][:, 2]) == 1) and np.all(xi["slab"][:, 2] == 0)
    assert np.all(kinds["2d"].k[:, 2] == 0) and np.all(kinds["2d"].amplitude[:, 2] == 0)
    assert np.abs(xi["isotropic"][:, 2]).max() > 0.9
    assert np.abs((xi["isotropic"] * np.cross(k["isotropic"], z)).sum(axis=1)).max() > 0.9


def uniform(phase, bins=16):
    """Whether angles [rad] (n,) fill the circle evenly: χ² within 4 σ of its mean."""
    count, _ = np.histogram(np.mod(phase, 2 * np.pi), bins, (0, 2 * np.pi))
    chi2 = ((count - len(phase) / bins) ** 2).sum() / (len(phase) / bins)
    return abs(chi2 - (bins - 1)) < 4 * np.sqrt(2 * (bins - 1))


@pytest.mark.parametrize("kind", PARTS)
def test_directions_and_phases_are_even(kind):
    N = 40_000
    many = waves(kind, N)
    k, xi = many.k / length(many.k)[:, None], many.amplitude / length(many.amplitude)[:, None]
    sigma = 4 / np.sqrt(N)
    assert uniform(many.phase)
    # A wave (k, ξ, β) is also (k, −ξ, β + π): the two together favour no side.
    assert np.abs((xi * np.cos(many.phase)[:, None]).mean(axis=0)).max() < sigma
    assert np.abs(k.mean(axis=0)).max() < sigma
    if kind == "slab":
        assert uniform(np.arctan2(xi[:, 1], xi[:, 0]))
        return
    assert uniform(np.arctan2(k[:, 1], k[:, 0]))
    if kind == "2d":
        return
    assert uniform(np.pi * (k[:, 2] + 1))       # the cosine is uniform from −1 to 1
    assert np.abs(k.T @ k / N - np.eye(3) / 3).max() < sigma
    if kind == "isotropic":
        assert np.abs(xi.T @ xi / N - np.eye(3) / 3).max() < sigma
        across = np.cross(k, [0, 0, 1.0])
        across /= length(across)[:, None]
        assert uniform(np.arctan2((xi * across).sum(axis=1), (xi * np.cross(k, across)).sum(axis=1)))


# -- composites ---------------------------------------------------------------------------------------------


def parts(many):
    """Which waves of a composite are slab, 2D, or neither: dict of masks."""
    slab, flat = np.all(many.k[:, :2] == 0, axis=1), many.k[:, 2] == 0
    return {"slab": slab, "2d": flat, "rest": ~slab & ~flat}


@pytest.mark.parametrize("fractions", [{"slab": 0.2, "2d": 0.8}, MIXED, {"slab": 1.0, "2d": 0.0}])
def test_a_composite_has_its_fractions_of_energy_and_of_waves(fractions):
    many = realise("composite", fractions, KOLMOGOROV, 256, 0.7, stream(1, 0, "waves"))
    assert len(many) == 256 and many.rms == pytest.approx(0.7, rel=1e-14)
    for name, members in parts(many).items():
        part = fractions.get(name, fractions.get("isotropic", 0.0) if name == "rest" else 0.0)
        assert 0.5 * (many.amplitude[members] ** 2).sum() == pytest.approx(part * 0.49, rel=1e-13, abs=1e-300)
        assert abs(members.sum() - 256 * part) < 2
        if part:        # the whole spectrum, on a grid of its own
            k = np.sort(length(many.k[members]))
            assert k[0] < 2 * np.pi * 1.1 and k[-1] > 200 * np.pi / 1.1 and np.ptp(np.diff(np.log(k))) < 1e-12


@pytest.mark.parametrize("modes", [4, 5, 9, 256])
def test_a_small_part_still_has_a_wave_and_the_number_is_kept(modes):
    fractions = {"2d": 0.97, "slab": 0.01, "alfven": 0.01, "isotropic": 0.01}
    many = realise("composite", fractions, KOLMOGOROV, modes, 1.0, stream(1, 0, "waves"))
    found = parts(many)
    assert len(many) == modes and found["slab"].sum() >= 1 and found["2d"].sum() >= 1 and found["rest"].sum() >= 2
    assert 0.5 * (many.amplitude[found["slab"]] ** 2).sum() == pytest.approx(0.01, rel=1e-13)


# -- realisations -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_realisations_repeat_from_their_numbers_alone(kind):
    first = waves(kind)
    np.random.seed(1)
    again, other, seeded = waves(kind), waves(kind, realisation=1), waves(kind, seed=6)
    assert all(np.array_equal(getattr(first, name), getattr(again, name)) for name in ("k", "amplitude", "phase"))
    for different in (other, seeded):
        assert length(different.k) == pytest.approx(length(first.k), rel=1e-15)
        assert length(different.amplitude) == pytest.approx(length(first.amplitude), rel=1e-15)
        assert not np.any(different.phase == first.phase)
        assert np.mean(np.all(different.amplitude == first.amplitude, axis=1)) < 0.01


def test_streams_are_distinct():
    keys = [(seed, realisation, purpose) for seed in (0, 1, 2, 2**31 - 1) for realisation in (0, 1, 2, 255, 256, 257, 10**6)
            for purpose in ("waves", "starts")]
    assert len({stream(*key).random(4).tobytes() for key in keys}) == len(keys)


@pytest.mark.parametrize("level, mean, rms, eta", [
    ({"eta": 0.5}, 1, 1, 0.5), ({"eta": 0.2}, 1, 0.5, 0.2), ({"dB": 0.05}, 1, 0.05, 0.0025 / 1.0025), ({}, 1, 1, 0.5),
    ({"eta": 1.0}, 0, 1, 1)])
def test_levels(level, mean, rms, eta):
    from hpccr.deck.turbulence import TURBULENCE

    deck = types.SimpleNamespace(turbulence=TURBULENCE.values(TURBULENCE.resolve(level)), path="deck.toml")
    field = Synthetic(deck)
    assert (field.mean, field.rms, field.eta) == pytest.approx((mean, rms, eta), rel=1e-14)
    assert field.waves(3).rms == pytest.approx(rms, rel=1e-14)
