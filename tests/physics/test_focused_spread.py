"""Problem `focused` without focusing: moments from ballistic to diffusive, decay of waves, orders, the light cone, the reduced models."""

import numpy as np
import pytest
from kinetics import advance, apart, f, f0, figures, finish, start
from simulate import order

from hpccr.physics import kinetic_modes, pitch_angle, pitch_modes

LINE = ("axes.z.from=-8.0", "axes.z.to=8.0")


@pytest.mark.parametrize("epsilon, end, spacing, cells", [(1.0, 4.0, "uniform", 24), (0.1, 300.0, "uniform", 24), (0.3, 30.0, "legendre", 8),
                                                          (0.3, 30.0, "graded", 24), (0.3, 30.0, "uniform", 5)])
def test_isotropic_scattering_spreads_exactly_at_all_times(epsilon, end, spacing, cells):
    """⟨z²⟩ = w² + (ε²/3)[t − (1 − e^{−2t})/2]: what it grows by within 1e-4 at every time, however few cells there are in μ."""
    kinetic = start(f"transport.epsilon={epsilon}", f"time.end={end}", f"axes.mu.spacing={spacing}", f"axes.mu.cells={cells}",
                    "axes.z.cells=200", *LINE)
    first = figures(kinetic)["z2"]
    for t in advance(kinetic, *(end * np.geomspace(0.01, 1, 8))):
        spread = epsilon**2 / 3 * (t - 0.5 * (1 - np.exp(-2 * t)))
        assert figures(kinetic)["z2"] - first == pytest.approx(spread, rel=1e-4), t
    # The initial width is that of the Gaussian.
    assert first == pytest.approx(1.0, rel=1e-6)


def test_fourth_moment_converges_to_the_exact_one():
    """⟨z⁴⟩ of a Gaussian that scatters isotropically: second order in μ, spectral at Gauss points."""
    law = pitch_angle.isotropic()
    released = pitch_modes.moments(law, 1.0, np.array([3.0]))[0]
    exact = 3.0 + 6.0 * released[2] + released[4]

    def error(*settings):
        kinetic = finish("transport.epsilon=1.0", "time.end=3.0", "axes.z.from=-9.0", "axes.z.to=9.0", "axes.z.cells=180", "time.rtol=1e-7", *settings)
        return abs(figures(kinetic)["z4"] / exact - 1)

    errors = [error(f"axes.mu.cells={cells}") for cells in (8, 16, 32)]
    assert (order(errors) > 1.9).all() and errors[-1] < 2e-4, errors
    assert error("axes.mu.spacing=legendre", "axes.mu.cells=12") < 2e-6


@pytest.mark.parametrize("settings, law, tolerance", [
    (["transport.scattering=power", "transport.q=1.6666666666666667", "axes.mu.spacing=graded"], pitch_angle.power(5 / 3), 1e-3),
    (["transport.scattering=power", "transport.q=1.3333333333333333", "axes.mu.spacing=graded"], pitch_angle.power(4 / 3), 1e-3),
    (["transport.scattering=filled", "transport.q=1.8", "transport.gap=0.02", "axes.mu.spacing=graded"], pitch_angle.filled(1.8, 0.02), 1e-3)])
def test_slow_scattering_through_ninety_degrees_spreads_as_it_should(settings, law, tolerance):
    """⟨z²⟩ and ⟨z⁴⟩ against the eigenfunctions of the same D(μ)."""
    end = 20.0
    kinetic = finish(*settings, "transport.epsilon=0.5", f"time.end={end}", "axes.mu.cells=96", "axes.z.cells=160", "axes.z.from=-16.0", "axes.z.to=16.0")
    released = pitch_modes.moments(law, 0.5, np.array([end]))[0]
    now = figures(kinetic)
    assert now["z2"] == pytest.approx(1 + released[2], rel=tolerance)
    assert now["z4"] == pytest.approx(3 + 6 * released[2] + released[4], rel=3 * tolerance)


@pytest.mark.parametrize("settings, law", [
    (["axes.mu.spacing=legendre", "axes.mu.cells=12"], pitch_angle.isotropic()),
    (["transport.scattering=power", "axes.mu.spacing=graded", "axes.mu.cells=96"], pitch_angle.power(5 / 3))])
def test_a_wave_decays_by_the_dispersion_relation(settings, law):
    """1 + a cos kz between periodic ends: once the fast modes are gone, f₀ decays with λ(k)."""
    kinetic = start(*settings, "transport.epsilon=0.4", "initial.shape=cosine", "ends.left=periodic", "ends.right=periodic", "axes.z.cells=128",
                    "axes.z.from=0.0", "axes.z.to=6.283185307179586", "time.end=60.0", "time.rtol=1e-8")
    mode = np.cos(kinetic.model.tube.centers)
    amplitude = [f0(kinetic) @ mode for _ in advance(kinetic, 50.0, 60.0)]
    slow = pitch_modes.dispersion(law, 0.4, np.array([1.0]))[0]
    tolerance = 1e-6 if law.name == "isotropic" else 6e-4
    assert np.log(amplitude[1] / amplitude[0]) / 10.0 == pytest.approx(slow.real, rel=tolerance)


def test_the_whole_distribution_converges_in_z():
    """f₀(z, t) in the ballistic phase against Fourier and Legendre modes: fifth order."""
    t, epsilon, width = 1.0, 1.0, 1.0
    matrices = pitch_modes.matrices(pitch_angle.isotropic(), 24)

    def error(cells):
        kinetic = finish("transport.epsilon=1.0", "time.end=1.0", f"axes.z.cells={cells}", *LINE, "axes.mu.spacing=legendre", "axes.mu.cells=16",
                         "time.rtol=1e-9")
        tube, (at, weight) = kinetic.model.tube, np.polynomial.legendre.leggauss(4)
        exact = sum(0.5 * w * kinetic_modes.isotropic_part(tube.centers + 0.5 * x * tube.widths, t, width, matrices, epsilon)
                    for x, w in zip(at, weight))
        return apart(f0(kinetic), exact)

    errors = [error(cells) for cells in (64, 128, 256)]
    assert (order(errors) > 4.5).all() and errors[-1] < 1e-6, errors


def test_the_step_is_of_third_order():
    """Equal steps of a stiff case: the difference from short steps falls with the third power."""
    def state(steps):
        step = 2.0 / steps
        kinetic = finish("transport.epsilon=0.3", "time.end=2.0", f"time.first_step={step!r}", f"time.max_step={step!r}", "time.rtol=0.1",
                         "axes.z.cells=64", *LINE, "axes.mu.cells=16", "initial.angle=dipole", "time.courant=1.8")
        assert kinetic.stepper.number == steps
        return f(kinetic)

    truth = state(640)
    errors = [apart(state(steps), truth) for steps in (20, 40, 80)]
    assert (order(errors) > 2.7).all(), errors


@pytest.mark.parametrize("epsilon, spacing", [(1.0, "uniform"), (0.3, "uniform"), (3.0, "graded")])
def test_nothing_outruns_the_particles(epsilon, spacing):
    """A box let go: beyond |z| = width + ε t there is nothing but the few cells over which a front is spread."""
    kinetic = start("initial.shape=box", "initial.width=0.5", f"transport.epsilon={epsilon}", "axes.z.cells=400", *LINE, "axes.mu.cells=64",
                    f"axes.mu.spacing={spacing}", f"time.end={6 / epsilon!r}", "time.rtol=1e-4")
    z, h = kinetic.model.tube.centers, kinetic.model.tube.widths[0]
    for t in advance(kinetic, *(np.array([0.2, 1.0, 3.0, 6.0]) / epsilon)):
        content, reach = f0(kinetic) / f0(kinetic).sum(), 0.5 + epsilon * t
        assert content[np.abs(z) > reach + 0.5 * h].sum() < 1e-3
        assert content[np.abs(z) > reach + 5 * h].sum() < 1e-7
        assert figures(kinetic)["beyond"] == pytest.approx(content[np.abs(z) > reach + 0.5 * h].sum(), abs=1e-3)
    assert f(kinetic).min() >= 0


@pytest.mark.parametrize("settings", [["ends.left=source", "ends.right=source"], ["ends.left=periodic", "ends.right=periodic", "initial.at=7.0"]],
                         ids=["source", "periodic"])
def test_what_enters_outruns_nothing(settings):
    """Particles that come in through an end are not ahead of any."""
    kinetic = finish("initial.width=0.5", "transport.epsilon=1.0", "axes.z.cells=64", *LINE, "axes.mu.cells=16", "time.end=2.0", *settings)
    assert figures(kinetic)["beyond"] == 0


@pytest.mark.parametrize("end, known", [("open", True), ("wall", False)])
def test_exact_moments_are_told_only_of_an_infinite_line(end, known):
    """Walls let nothing out, and hold everything back."""
    kinetic = finish("initial.width=0.3", "transport.epsilon=0.1", "axes.z.cells=64", *LINE, "axes.mu.cells=16", "time.end=2.0", f"ends.left={end}",
                     f"ends.right={end}")
    assert ("z2_exact" in kinetic.summary()) == known


@pytest.mark.parametrize("model, power", [("diffusion", 2), ("hyperdiffusion", 4), ("telegraph", 4)])
def test_errors_of_the_reduced_models_fall_with_epsilon(model, power):
    """K.37: at T = 1 as ε² for diffusion and as ε⁴ for both others, measured on runs."""
    def error(epsilon):
        kinetic = finish(f"transport.epsilon={epsilon}", f"time.end={4 / epsilon**2!r}", "axes.z.cells=480", "axes.z.from=-12.0", "axes.z.to=12.0",
                         "axes.mu.spacing=legendre", "axes.mu.cells=10", "time.rtol=1e-7", "time.streaming=explicit")
        return kinetic.summary()[f"error_{model}"]["value"]

    slopes = order([error(epsilon) for epsilon in (0.48, 0.24, 0.12)])
    assert slopes == pytest.approx(power, abs=0.15), slopes


def test_a_beam_isotropises():
    """⟨μ⟩ of particles that start along the field decays as exp(−2t) with equal cells, exactly up to the step."""
    kinetic = start("initial.shape=uniform", "initial.angle=beam", "ends.left=periodic", "ends.right=periodic", "axes.z.cells=16", "axes.mu.cells=40",
                    "time.end=3.0", "time.rtol=1e-7")
    first = figures(kinetic)["anisotropy"]
    for t in advance(kinetic, 0.5, 1.0, 3.0):
        assert figures(kinetic)["anisotropy"] == pytest.approx(first * np.exp(-2 * t), rel=1e-4, abs=1e-6)
    assert first > 2.5


@pytest.mark.parametrize("angle", ["dipole", "beam"])
def test_an_anisotropic_start_moves_the_reduced_models(angle):
    """The diffusion equation misses by O(ε²) also when particles start with a direction, for f₀ moves by (ε/2)⟨gW⟩ at once."""
    def error(epsilon):
        kinetic = finish(f"transport.epsilon={epsilon}", f"time.end={4 / epsilon**2!r}", f"initial.angle={angle}", "initial.spread=0.5", "axes.z.cells=300",
                         "axes.z.from=-10.0", "axes.z.to=10.0", "axes.mu.spacing=legendre", "axes.mu.cells=12", "time.rtol=1e-7")
        return kinetic.summary()["error_diffusion"]["value"]

    errors = [error(epsilon) for epsilon in (0.4, 0.2, 0.1)]
    assert (order(errors) > 1.7).all() and errors[-1] < 1e-3, errors
