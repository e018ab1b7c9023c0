"""How units are dealt out, where members start, and errors from the scatter between realisations."""

import queue
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from hpccr.particles import starts
from hpccr.particles.jackknife import jackknife
from hpccr.particles.pool import Pool, shared


class Ranks:
    """So many ranks in the threads of one process: communicators with the calls that a Pool makes."""

    def __init__(self, size):
        self.size, self.barrier, self.rows = size, threading.Barrier(size), [None] * size
        self.letters = {(a, b): queue.Queue() for a in range(size) for b in range(size)}
        self.comms = [Rank(self, r) for r in range(size)]

    def together(self, work):
        """What `work(rank)` gives for every rank, all at the same time: list."""
        with ThreadPoolExecutor(self.size) as threads:
            return list(threads.map(work, range(self.size)))


class Rank:
    def __init__(self, ranks, rank):
        self.ranks, self.rank, self.size, self.swaps = ranks, rank, ranks.size, 0

    def swap(self, other, value):
        self.swaps += 1
        self.ranks.letters[self.rank, other].put(value)
        return self.ranks.letters[other, self.rank].get(timeout=10)

    def _all(self, values):
        self.ranks.rows[self.rank] = values
        self.ranks.barrier.wait(10)
        rows = np.array(self.ranks.rows, dtype=float)
        self.ranks.barrier.wait(10)
        return rows

    def sum(self, values):
        return self._all(values).sum(axis=0)

    def max(self, values):
        return self._all(values).max(axis=0)


@pytest.mark.parametrize("size", [1, 2, 5, 16])
def test_every_unit_is_done_once_at_any_speed(size):
    """Ranks of different speeds; between deals they take without a word."""
    random, ranks = np.random.default_rng(size), Ranks(size)
    pools, done = [Pool(range(100), comm) for comm in ranks.comms], []
    hand = [0.0] * size
    for _ in range(500):
        for r, pool in enumerate(pools):
            for _ in range(random.integers(0, 3)):
                if hand[r] > 0:
                    hand[r] = max(0.0, hand[r] - 0.4)
                    continue
                unit = pool.take()
                if unit is not None:
                    done.append(unit)
                    hand[r] = 1.0
        outcome = ranks.together(lambda r: pools[r].deal(hand[r], [float(r == 2)]))
        assert len({len(pool) for pool in pools}) == 1 and len({left for left, _ in outcome}) == 1
        assert all(votes[0] == float(size > 2) for _, votes in outcome)
        if not len(pools[0]) + outcome[0][0]:
            break
    assert sorted(done) == list(range(100))


@pytest.mark.parametrize("size", [2, 3, 5, 8, 13, 64])
def test_a_deal_balances_in_a_logarithm_of_messages(size):
    """One rank has all that is left: after a few deals nobody has much more to do than another."""
    ranks = Ranks(size)
    pools = [Pool(range(7 * size), comm) for comm in ranks.comms]
    for pool in pools[:-1]:
        while pool.take() is not None:
            pass
    left = np.random.default_rng(size).uniform(0, 1, size)
    for _ in range(3):
        ranks.together(lambda r: pools[r].deal(left[r], [0.0]))
    todo = [len(pool._mine) + mine for pool, mine in zip(pools, left)]
    digits = int(np.ceil(np.log2(size)))
    assert len(pools[0]) == 7 and max(todo) - min(todo) <= 1 + 0.5 * digits
    # Two passes over the digits, of which the last is visited once, and two messages where units change hands.
    assert max(comm.swaps for comm in ranks.comms) <= 3 * 2 * (2 * digits - 1)


def test_who_has_least_in_hand_is_served_first():
    ranks, left = Ranks(2), [0.9, 0.0]
    pools = [Pool(range(3), comm) for comm in ranks.comms]
    ranks.together(lambda r: pools[r].deal(left[r], [0.0]))
    assert [len(pool._mine) for pool in pools] == [1, 2]
    assert [shared(0, 0.0, 1, 0.5, lower) for lower in (True, False)] == [1, 1]


def test_starts_are_keyed_by_member():
    whole = starts.uniform(5, 3, 0, 50)
    assert np.array_equal(starts.uniform(5, 3, 17, 20), whole[17:37])
    for other in (starts.uniform(6, 3, 0, 50), starts.uniform(5, 4, 0, 50)):
        assert not np.any(other == whole)
    assert whole.min() >= 0 and whole.max() < 1


def test_starts_fill_the_cube_and_the_sphere():
    u = starts.uniform(1, 0, 0, 200_000)
    r, v = starts.cube(u, 4.0), starts.isotropic(u)
    sigma = 1 / np.sqrt(len(u))
    assert np.abs(r).max() <= 2 and np.abs(r.mean(0)).max() < 5 * sigma * 4 / np.sqrt(12)
    assert np.allclose(np.linalg.norm(v, axis=1), 1, atol=1e-15) and np.abs(v.mean(0)).max() < 5 * sigma / np.sqrt(3)
    assert np.abs((v.T @ v) / len(u) - np.eye(3) / 3).max() < 5 * sigma * 0.3
    assert np.allclose(starts.isotropic(u[:10], 0.3)[:, 2], 0.3)


def test_jackknife_of_a_mean_is_the_standard_error():
    x = np.random.default_rng(1).normal(3, 2, (40, 5))
    value, error = jackknife(lambda m: m, x)
    assert np.allclose(value, x.mean(0)) and np.allclose(error, x.std(0, ddof=1) / np.sqrt(40))
    assert np.isnan(jackknife(lambda m: m, x[:1])[1]).all()


def test_jackknife_of_a_ratio_covers():
    """In two thirds of many trials the truth lies within one error."""
    random, inside = np.random.default_rng(2), 0
    for _ in range(400):
        pair = random.normal([2.0, 4.0], [0.5, 1.0], (25, 2))
        value, error = jackknife(lambda m: m[0] / m[1], pair)
        inside += abs(value - 0.5) < error
    assert abs(inside / 400 - 0.683) < 4 * np.sqrt(0.683 * 0.317 / 400)
