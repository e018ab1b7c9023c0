"""Problem `focused` with implicit streaming: iterations, the same answers as with explicit streaming, and when it is chosen."""

import numpy as np
import pytest
from kinetics import advance, apart, f, f0, figures, finish, start
from simulate import order

from hpccr.errors import InputError
from hpccr.physics import kinetic_modes, pitch_angle, pitch_modes
from hpccr.steppers.implicit import initialise

IMPLICIT = "time.streaming=implicit"
CASES = {
    "isotropic": [], "ballistic": ["transport.epsilon=1.0"], "slow": ["transport.epsilon=0.01"], "focusing": ["transport.sigma=1.0", "ends.left=wall"],
    "ring": ["ends.left=periodic", "ends.right=periodic"], "walls": ["ends.left=wall", "ends.right=wall"], "power": ["transport.scattering=power", "axes.mu.spacing=graded"],
    "nozzle": ["transport.focusing=nozzle", "transport.sigma=2.0", "axes.z.spacing=sinh"], "legendre": ["axes.mu.spacing=legendre", "transport.sigma=0.3"],
    "source": ["ends.left=source"],
}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("cells, rows", [(96, 16), (288, 48)])
def test_few_iterations_whatever_the_case(case, cells, rows):
    """A step of 300 cells' crossings: up to 8 iterations for a residual of 1e-9, with few and with many cells."""
    kinetic = start(f"axes.z.cells={cells}", f"axes.mu.cells={rows}", "time.end=1e6", "time.rtol=1e-6", IMPLICIT, *CASES[case])
    dt = 300 * kinetic.model.tube.widths.min() / kinetic.model.epsilon
    outcome = kinetic.ark.attempt(dt, implicit=True)
    assert outcome.solved and kinetic.ark.coupled.iterations <= 3 * 8
    kinetic.destroy()


@pytest.mark.parametrize("case", CASES)
def test_a_stage_is_solved_and_keeps_the_number(case):
    """f − τ(Z f + S f) = x to the tolerance; Σ A Δz Δμ (Z f + S f) is what passes the ends, to rounding."""
    kinetic = start("axes.z.cells=64", "axes.mu.cells=16", "time.rtol=1e-6", IMPLICIT, *CASES[case])
    ark, own, tau, through = kinetic.ark, kinetic.strip.own, 30.0, np.zeros(4)
    out, rate, Z, S = (np.zeros_like(ark.u) for _ in range(4))
    ark.streaming.rate(ark.u, Z, 0.0, np.zeros(4), False)
    ark.scattering.rate(ark.u, S)
    assert ark.coupled.solve(tau, Z + S, (ark.u, np.zeros((8, *ark.u.shape)), np.zeros(8)), out, rate, 1.0, through)
    ark.streaming.rate(out, Z, 0.0, np.zeros(4), False)
    ark.scattering.rate(out, S)
    assert np.abs(own(out) - tau * (own(Z) + own(S)) - own(ark.u)).max() < 1e-6 * np.abs(own(ark.u)).max()
    change = kinetic.model.pitch.widths @ own(rate) @ ark.volumes
    assert change == pytest.approx(through @ (1, -1, 1, -1) if "ring" not in case else 0.0, abs=1e-13 * kinetic.first)
    kinetic.destroy()


@pytest.mark.parametrize("epsilon", [0.1, 0.01])
def test_long_steps_find_the_exact_solution(epsilon):
    """T = 1 in some fifty steps: f₀ against Fourier and Legendre modes; the moments too."""
    end = 4 / epsilon**2
    kinetic = finish(f"transport.epsilon={epsilon}", f"time.end={end!r}", "time.rtol=1e-6", IMPLICIT, "axes.z.cells=256", "axes.mu.cells=24",
                     "axes.z.from=-10.0", "axes.z.to=10.0")
    tube, matrices = kinetic.model.tube, pitch_modes.matrices(pitch_angle.isotropic(), 16)
    at, weight = np.polynomial.legendre.leggauss(3)
    exact = sum(0.5 * w * kinetic_modes.isotropic_part(tube.centers + 0.5 * x * tube.widths, end, 1.0, matrices, epsilon) for x, w in zip(at, weight))
    assert kinetic.stepper.number < 140 and kinetic.stepper.iterations < 10 * kinetic.stepper.number
    assert apart(f0(kinetic), exact) < 3e-5
    now = figures(kinetic)
    assert now["z2"] == pytest.approx(1 + epsilon**2 / 3 * (end - 0.5), rel=1e-6) and abs(now["number_error"]) < 1e-12
    kinetic.destroy()


def test_the_step_is_of_third_order():
    """Equal steps of ten crossings: the difference from short steps falls with the third power."""
    def state(steps):
        step = 60.0 / steps
        kinetic = finish("transport.epsilon=0.3", "time.end=60.0", f"time.first_step={step!r}", f"time.max_step={step!r}", "time.rtol=0.1", IMPLICIT,
                         "axes.z.cells=64", "axes.z.from=-10.0", "axes.z.to=10.0", "axes.mu.cells=12")
        assert kinetic.stepper.number == steps
        values = f(kinetic)
        kinetic.destroy()
        return values

    truth = state(480)
    errors = [apart(state(steps), truth) for steps in (15, 30, 60)]
    assert (order(errors) > 2.5).all(), errors


def test_auto_chooses_what_pays():
    """Ballistic at first, explicit; then implicit, as soon as f changes slowly; with few steps and the same answer."""
    common = ("transport.epsilon=0.02", "time.end=10000.0", "axes.z.cells=128", "axes.mu.cells=16", "axes.z.from=-10.0", "axes.z.to=10.0")
    auto, explicit = start(*common), finish(*common, "time.streaming=explicit")
    assert not auto.stepper.implicit
    for _ in advance(auto, 10000.0):
        pass
    assert auto.stepper.implicit and auto.stepper.number < 0.2 * explicit.stepper.number and explicit.stepper.iterations == 0
    assert apart(f0(auto), f0(explicit)) < 1e-4
    auto.destroy()


def test_auto_goes_back_where_f_is_not_smooth():
    """A front that the cells do not resolve falls below zero without limits: the step is refused, and streaming stays explicit."""
    kinetic = start("initial.shape=box", "initial.width=0.3", "transport.epsilon=0.02", "time.end=3000.0", "axes.z.cells=40", "axes.mu.cells=8")
    kinetic.stepper.implicit, kinetic.stepper.dt = True, 200.0
    for _ in advance(kinetic, 100.0):
        pass
    assert kinetic.stepper.after > 0 and kinetic.stepper.rejections > 0 and f(kinetic).min() >= 0
    kinetic.destroy()


def test_petsc_options_take_effect_and_wrong_ones_are_refused():
    options = initialise(()).Options()

    def solved(words):
        options.insertString(words)
        try:
            kinetic = start(IMPLICIT, "axes.z.cells=32", "axes.mu.cells=16", "transport.epsilon=1.0")
            outcome = kinetic.ark.attempt(10.0, implicit=True)
            kinetic.destroy()
            return outcome.solved
        finally:
            options.delValue(words.split()[0].lstrip("-"))

    assert solved("-ksp_max_it 60") and not solved("-ksp_max_it 1")
    for words in ("-ksp_type nosuch", "-pc_type ilu"):
        with pytest.raises(InputError):
            solved(words)
