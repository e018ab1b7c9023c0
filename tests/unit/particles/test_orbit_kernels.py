"""The Boris push in a uniform field, where everything is known, and the tallies against numpy."""

import numpy as np

from hpccr.particles import orbit_kernels
from hpccr.particles.sum_kernels import PAD, aligned, table

NO_WAVES = table(np.ones((1, 3)), np.zeros((1, 3)), np.zeros(1))


def particles(n, seed=1):
    random, state = np.random.default_rng(seed), aligned((9, n + PAD))
    v = random.standard_normal((n, 3))
    state[:3, :n], state[3:6, :n] = random.uniform(-1, 1, (3, n)), (v / np.linalg.norm(v, axis=1)[:, None]).T
    return state


def gyrated(state, t):
    """Exact motion in b = z: dv/dt = v × z turns clockwise."""
    x, y, z, u, v, w = state[:6, :-PAD]
    c, s = np.cos(t), np.sin(t)
    return np.array([x + u * s + v * (1 - c), y + v * s - u * (1 - c), z + w * t, u * c + v * s, v * c - u * s, w])


def test_gyration_is_of_second_order_in_the_step():
    errors = []
    for steps in (100, 200, 400):
        state = particles(32)
        exact = gyrated(state, 10.0)
        orbit_kernels.push(NO_WAVES, 1.0, 10.0 / steps, steps, state)
        errors.append(np.abs(state[:6, :-PAD] - exact).max())
    assert np.all(np.log2(np.array(errors[:-1]) / errors[1:]) > 1.98) and errors[-1] < 1e-3
    # The angle of a step is 2 arctan(h/2): the phase lags by t h²/12.
    assert np.isclose(errors[-1], 10 * 0.025**2 / 12, rtol=0.3)


def test_speed_is_conserved_to_rounding():
    random = np.random.default_rng(2)
    k, amplitude = random.standard_normal((16, 3)), random.standard_normal((16, 3))
    state, steps = particles(32), 100_000
    orbit_kernels.push(table(k, amplitude, random.uniform(0, 6, 16)), 1.0, 0.1, steps, state)
    # Rounding walks at random: √steps units in the last place.
    assert np.abs(np.linalg.norm(state[3:6, :-PAD], axis=0) - 1).max() < 5 * np.sqrt(steps) * 2.0**-52


def test_cutting_the_steps_changes_no_bit():
    random = np.random.default_rng(3)
    waves = table(random.standard_normal((33, 3)), random.standard_normal((33, 3)), random.uniform(0, 6, 33))
    whole, cut = particles(320), particles(320)
    orbit_kernels.push(waves, 0.7, 0.05, 60, whole)
    for steps in (1, 29, 13, 17):
        orbit_kernels.push(waves, 0.7, 0.05, steps, cut)
    assert np.array_equal(whole[:6], cut[:6])
    alone = aligned((9, 32 + PAD))
    alone[:, :32] = particles(320)[:, 256:288]
    orbit_kernels.push(waves, 0.7, 0.05, 60, alone)
    assert np.array_equal(alone[:6, :32], whole[:6, 256:288])


def test_moments_and_pitch_angle_bins():
    state, start, n = particles(64), particles(64, seed=5)[:6].copy(), 50
    row = np.full(orbit_kernels.MOMENTS, np.nan)
    orbit_kernels.moments(state, start, n, row)
    d, v0, v = (state[:3] - start[:3])[:, :n], start[3:, :n], state[3:6, :n]
    mixed = [(d[0] * d[1]).sum(), (d[0] * d[2]).sum(), (d[1] * d[2]).sum()]
    expected = np.concatenate([d.sum(1), (d**2).sum(1), mixed, (d**2 * d**2).sum(1),
                               (v0[:, None] * v).sum(2).ravel(), (v0[:, None] * d).sum(2).ravel()])
    assert np.allclose(row, expected, rtol=1e-13, atol=1e-12)
    before, now, bins = start[5].copy(), state[5], np.zeros((3, 8))
    orbit_kernels.scatter(before, now, n, bins)
    place = np.clip((4 * (start[5, :n] + 1)).astype(int), 0, 7)
    change = (now - start[5])[:n]
    for weight, row in zip((np.ones(n), change, change**2), bins):
        assert np.allclose(row, np.bincount(place, weight, 8))
    assert np.array_equal(before[:n], now[:n]) and np.array_equal(before[n:], start[5, n:])
    edge, bins = np.array([-1.0, 1.0]), np.zeros((3, 8))
    orbit_kernels.scatter(edge, np.array([1.0, -1.0]), 2, bins)
    assert bins[0, 0] == bins[0, 7] == 1
