"""Measured orders of the grid engine, on the plain transport problem, against exact solutions."""

import numpy as np
import pytest
from simulate import advance, cells, deck, order, simulation

from hpccr.problems.transport import Transport
from hpccr.units import c

GRIDS = {
    "uniform slab": ("slab", ["axes.r.from=-200 pc", "axes.r.to=200 pc", "axes.r.spacing=uniform"]),
    "stretched slab": ("slab", ["axes.r.from=-200 pc", "axes.r.to=200 pc", "axes.r.spacing=sinh", "axes.r.focus=10 pc",
                                "axes.r.scale=60 pc"]),
    "uniform sphere": ("sphere", ["axes.r.from=0 pc", "axes.r.to=200 pc", "axes.r.spacing=uniform"]),
    "stretched sphere": ("sphere", ["axes.r.from=0 pc", "axes.r.to=200 pc", "axes.r.spacing=sinh", "axes.r.scale=60 pc"]),
    "cylinder": ("cylinder", ["axes.r.from=0 pc", "axes.r.to=200 pc", "axes.r.spacing=uniform"]),
}


def error(settings, petsc=(), norm=1):
    """Relative error of f at the end in the L1 or L2 norm over volume."""
    problem = Transport(deck("transport_slab", "axes.p.cells=1", "axes.p.to=1.0001 GeV", *settings))
    end = problem.deck.time.end
    with simulation(problem, petsc) as job:
        for _ in advance(job, end):
            pass
        f = cells(job)
    exact, volume = problem.exact(end), problem.line().volumes[:, None]
    return (np.sum(volume * np.abs(f - exact) ** norm) / np.sum(volume * np.abs(exact) ** norm)) ** (1 / norm)


@pytest.mark.parametrize("grid", GRIDS)
def test_smooth_diffusion_is_second_order_in_space(grid):
    """f = (w_0/w)^d exp(−r²/w²), w² = w_0² + 4Dt, d = 1, 2, 3."""
    geometry, axis = GRIDS[grid]
    common = [f"transport.geometry={geometry}", "transport.V0=0 km/s", "time.end=5 kyr", "time.rtol=1e-8", *axis]
    errors = [error([*common, f"axes.r.cells={n}"], norm=2) for n in (50, 100, 200)]
    assert errors[-1] < 1e-3
    assert (order(errors) > 1.9).all(), errors


@pytest.mark.parametrize("grid", ["uniform slab", "stretched slab"])
def test_smooth_drift_is_second_order_in_space(grid):
    """A Gaussian carried 100 pc in 1 Myr; L1, as usual for limited fluxes (which clip extrema)."""
    _, axis = GRIDS[grid]
    common = ["transport.D0=0 cm2/s", "transport.V0=97.779 km/s", "source.at=-50 pc", "time.end=1 Myr", "time.rtol=1e-5",
              "transport.decay_time=10 Myr", *axis]
    errors = [error([*common, f"axes.r.cells={n}"]) for n in (200, 400, 800)]
    assert errors[-1] < 5e-3
    assert (order(errors) > 1.8).all(), errors


@pytest.mark.parametrize("method, expected", [("-ts_type rosw -ts_rosw_type ra34pw2", 3), ("-ts_type rosw -ts_rosw_type 2m", 2),
                                              ("-ts_type cn", 2), ("-ts_type beuler", 1)])
def test_order_in_time(method, expected):
    """Fixed steps against the same grid with short steps, so that the error is that of time alone."""
    common = ["transport.V0=0 km/s", "transport.D_slope=0", "transport.D0=1e27 cm2/s", "axes.r.from=-200 pc", "axes.r.to=200 pc",
              "axes.r.cells=100", "axes.p.cells=1", "time.end=200 kyr"]

    def final(options, dt):
        problem = Transport(deck("transport_slab", *common, f"time.first_step={dt} kyr"))
        with simulation(problem, [*options.split(), "-ts_adapt_type", "none"]) as job:
            for _ in advance(job, problem.deck.time.end):
                pass
            return cells(job)

    truth = final("-ts_type rosw -ts_rosw_type ra34pw2", 0.5)
    errors = [np.linalg.norm(final(method, dt) - truth) / np.linalg.norm(truth) for dt in (20, 10, 5)]
    assert (order(errors) > expected - 0.25).all(), errors


def test_momentum_losses_follow_their_characteristics():
    """dp/dt = −b p²: p_0 = p/(1 − b p t) and p⁴ f(p, t) = p_0⁴ f_0(p_0) (∂p_0/∂p = (p_0/p)²); second order; K.23."""
    def lossy(n):
        problem = Transport(deck("transport_sphere", "transport.D0=0 cm2/s", "axes.r.cells=4", "source.width=1e4 pc",
                                 f"axes.p.cells={n}", "axes.p.from=1 GeV", "axes.p.to=100 GeV", "transport.loss_time=1 Myr",
                                 "time.end=50 kyr", "time.rtol=1e-6"))
        with simulation(problem) as job:
            for t in advance(job, problem.deck.time.end):
                f = cells(job)[0]
        k = problem.deck.transport
        x = problem.p * c / k.p0
        x0 = x / (1 - x * t / k.loss_time)
        exact = x0**-problem.deck.source.index * (x0 / x) ** 4
        profile = np.exp(-((problem.line().centers[0] / problem.deck.source.width) ** 2))
        # Away from the lower end, where the scheme is of first order, and from the cut-off p = 1/(b t).
        here = (x > 0.2) & (x < 3)
        return np.mean(np.abs(f / profile / exact - 1)[here])

    errors = [lossy(n) for n in (33, 65, 129)]
    assert errors[-1] < 1e-4
    assert (order(errors) > 1.8).all(), errors


def test_uniform_compression_gains_energy_adiabatically():
    """V = −a z, f ∝ p^−s uniform in z: f grows as exp(s a t/3) (each particle's p as exp(a t/3)); K.22."""
    def grown(n):
        problem = Transport(deck("transport_slab", "transport.D0=0 cm2/s", "transport.V0=0 km/s", "transport.gradient=-1 km/(s pc)",
                                 "transport.decay_time=1e9 Myr", "source.width=1e5 pc", "axes.r.cells=40", "axes.r.from=-10 pc",
                                 "axes.r.to=10 pc", f"axes.p.cells={n}", "axes.p.from=1 GeV", "axes.p.to=100 GeV",
                                 "time.end=200 kyr", "time.rtol=1e-6"))
        with simulation(problem) as job:
            for t in advance(job, problem.deck.time.end):
                f = cells(job)
        growth = np.exp(problem.deck.source.index * -problem.deck.transport.gradient * t / 3)
        # In the middle: away from the ends in z, through which nothing flows in, and from the ends in p, where
        # the scheme is of first order.
        ratio = f[18:22] / problem.scales() / growth
        return np.mean(np.abs(ratio[:, n // 4:3 * n // 4] - 1))

    errors = [grown(n) for n in (17, 33, 65)]
    assert errors[-1] < 1e-2
    assert (order(errors) > 1.8).all(), errors


def test_decay_alone_is_exact_to_the_tolerance():
    """f = f_0 exp(−t/τ)."""
    got = error(["transport.D0=0 cm2/s", "transport.V0=0 km/s", "transport.decay_time=30 kyr", "time.end=100 kyr",
                 "time.rtol=1e-7", "axes.r.cells=16", "source.width=1e4 pc"])
    assert got < 5e-6                           # a few dozen steps of 1e-7
