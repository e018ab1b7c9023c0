"""Problem `focused` with focusing and ends: drift, exponential profiles, steady states, number, what enters and leaves."""

import numpy as np
import pytest
from kinetics import advance, apart, f, f0, figures, finish, start

from hpccr.physics import pitch_angle, pitch_modes

CASES = {
    "open": [], "walls": ["ends.left=wall", "ends.right=wall"], "ring": ["ends.left=periodic", "ends.right=periodic"],
    "focusing": ["transport.sigma=0.7"], "focusing, walls": ["transport.sigma=-0.5", "ends.left=wall", "ends.right=wall"],
    "nozzle": ["transport.focusing=nozzle", "transport.sigma=2.0"], "source": ["ends.left=source", "initial.shape=empty"],
    "beams": ["ends.left=source", "ends.right=source", "ends.angle=beam", "initial.shape=box", "initial.angle=beam"],
    "power": ["transport.scattering=power"], "power, graded, focusing": ["transport.scattering=power", "axes.mu.spacing=graded", "transport.sigma=1.0"],
    "filled": ["transport.scattering=filled"], "legendre": ["axes.mu.spacing=legendre"],
    "legendre, focusing": ["axes.mu.spacing=legendre", "transport.sigma=0.5", "ends.left=wall"],
    "stretched": ["axes.z.spacing=sinh"], "stretched nozzle": ["axes.z.spacing=sinh", "transport.focusing=nozzle", "transport.sigma=-1.5", "ends.right=wall"],
    "fast": ["transport.epsilon=5.0", "time.end=10.0"], "slow": ["transport.epsilon=0.003", "time.end=1e5"], "odd": ["axes.z.cells=37", "axes.mu.cells=7"],
    "smallest": ["axes.z.cells=8", "axes.mu.cells=2"], "off the axis": ["initial.at=100.0"],
}


@pytest.mark.parametrize("case", CASES)
def test_number_is_kept_and_f_stays_positive(case):
    """At every step ∫∫ A f dz dμ, with what has entered and left, to 1e-12; nothing is negative."""
    kinetic = start("axes.z.cells=60", "axes.mu.cells=12", "time.end=20.0", *CASES[case])
    worst = lowest = 0.0
    while kinetic.stepper.t < kinetic.problem.deck.time.end:
        kinetic.step(kinetic.problem.deck.time.end, lambda: [0.0, 0.0])
        worst, lowest = max(worst, abs(figures(kinetic)["number_error"])), min(lowest, f(kinetic).min())
    assert worst < 1e-12 and lowest >= 0
    now = figures(kinetic)
    leaves, enters = now["out_left"] + now["out_right"], now["in_left"] + now["in_right"]
    closed = "ring" in case or "walls" in case
    # A wall gives back what it gets.
    assert closed == (abs(leaves - enters) < 1e-12 * max(now["number"], 1e-300)) or case == "off the axis"
    assert kinetic.lifted < 1e-3


@pytest.mark.parametrize("settings", [["transport.sigma=1.0"], ["transport.focusing=nozzle", "transport.sigma=-2.0", "axes.z.spacing=sinh"],
                                      ["transport.sigma=0.5", "axes.mu.spacing=legendre"], ["transport.scattering=power", "transport.sigma=1.0", "axes.mu.spacing=graded"]])
def test_uniform_isotropic_particles_stay_between_walls(settings):
    """f = const is a steady state of every focusing, also of its difference equations: N = A f ∝ exp(∫σ dz)."""
    kinetic = finish("initial.shape=uniform", "ends.left=wall", "ends.right=wall", "axes.z.from=-2.0", "axes.z.to=2.0", "axes.z.cells=40", "time.end=50.0", *settings)
    assert np.abs(f(kinetic) - 1).max() < 1e-10


def test_particles_between_walls_settle_to_the_exponential_profile():
    """From any start N = A f becomes ∝ exp(σ z) between walls: f flat within 1 %, and the mean of z that of the exponential."""
    sigma, length = 1.5, 2.0
    kinetic = finish(f"transport.sigma={sigma}", "initial.width=0.3", "initial.at=-1.0", "ends.left=wall", "ends.right=wall", f"axes.z.from={-length}",
                     f"axes.z.to={length}", "axes.z.cells=64", "axes.mu.cells=16", "transport.epsilon=0.3", "time.end=1500.0")
    assert np.ptp(f0(kinetic)) < 0.01 * f0(kinetic).max()
    a = sigma * length
    assert figures(kinetic)["mean"] == pytest.approx(length / np.tanh(a) - 1 / sigma, rel=0.01)


@pytest.mark.parametrize("sigma, law, settings", [(1.0, pitch_angle.isotropic(), []), (-2.0, pitch_angle.isotropic(), ["transport.epsilon=0.25"]),
                                                  (1.0, pitch_angle.power(1.5), ["transport.scattering=power", "transport.q=1.5", "axes.mu.spacing=graded"])])
def test_steady_flow_is_exponential(sigma, law, settings):
    """Between a source and free escape f₀ = a + b exp(−σz) away from the ends, whatever ε; and the flux is that of b: an exact solution."""
    length = 4.0 if sigma > 0 else 3.0
    kinetic = finish("transport.epsilon=0.2", f"transport.sigma={sigma}", "initial.shape=uniform", "ends.left=source", "ends.right=open", "axes.z.from=0.0",
                     f"axes.z.to={length}", "axes.z.cells=120", "axes.mu.cells=32", "time.end=3000.0", "time.rtol=1e-5", *settings)
    epsilon, z = kinetic.model.epsilon, kinetic.model.tube.centers
    mean_free = epsilon * 0.75 * pitch_angle.coefficients(law).kappa
    inside = (z > 6 * mean_free) & (z < length - 6 * mean_free)
    shape = np.stack([np.ones_like(z), np.exp(-sigma * z)])[:, inside]
    a, b = np.linalg.lstsq(shape.T, f0(kinetic)[inside], rcond=None)[0]
    assert np.abs(shape.T @ [a, b] - f0(kinetic)[inside]).max() < 0.01 * np.ptp(b * shape[1])
    # Of b exp(−σz + εσW/2) the flux 2 ε A ⟨μ f⟩ is the same everywhere; a gives none.
    flux = 2 * epsilon * kinetic.model.tube.area(0.0) * b * _mean(law, 0.5 * epsilon * sigma)[1] / _mean(law, 0.5 * epsilon * sigma)[0]
    there = kinetic.through[3]
    for _ in advance(kinetic, 3100.0):
        pass
    assert (kinetic.through[3] - there) / 100.0 == pytest.approx(flux, rel=0.01)


def _mean(law, v):
    """⟨exp(v W)⟩ and ⟨μ exp(v W)⟩."""
    mu, weight = np.polynomial.legendre.leggauss(400)
    g = np.exp(v * law.W(mu))
    return 0.5 * weight @ g, 0.5 * weight @ (mu * g)


@pytest.mark.parametrize("epsilon, sigma", [(0.2, 1.0), (0.5, 0.5), (1.0, -2.0)])
def test_focusing_drifts_as_theory_says(epsilon, sigma):
    """The mean of z of A f moves with ε⟨μ g⟩/⟨g⟩, g = exp(εσW/2): within 1 % of the exact drift, and of the exact mean at all times."""
    law, end = pitch_angle.isotropic(), 30.0
    start_width = 0.5
    far = epsilon**2 * abs(sigma) / 6 * end + 6 * np.sqrt(0.25 + epsilon**2 / 3 * end)
    kinetic = start(f"transport.epsilon={epsilon}", f"transport.sigma={sigma}", f"initial.width={start_width}", f"axes.z.from={-far}", f"axes.z.to={far}",
                    "axes.z.cells=200", "axes.mu.cells=48", f"time.end={end}")
    first, times = figures(kinetic)["mean"], np.array([0.5, 3.0, 15.0, 30.0])
    exact = pitch_modes.moments(law, epsilon, times, sigma=sigma)[:, 1]
    means = [figures(kinetic)["mean"] - first for _ in advance(kinetic, *times)]
    # A f at first is a Gaussian about σ w².
    assert first == pytest.approx(sigma * start_width**2, rel=1e-3)
    assert means == pytest.approx(exact, rel=0.01)
    assert (means[3] - means[2]) / 15.0 == pytest.approx(pitch_modes.drift(law, epsilon, sigma), rel=0.01)


@pytest.mark.parametrize("end, wall", [("left", "right"), ("right", "left")])
@pytest.mark.parametrize("cells, spacing", [(12, "uniform"), (13, "uniform"), (7, "graded"), (9, "legendre")])
def test_a_source_fills_a_closed_tube_with_its_own_value(end, wall, cells, spacing):
    """Isotropic particles that enter at one end, a wall at the other: f becomes the value of the source everywhere."""
    kinetic = finish(f"ends.{end}=source", f"ends.{end}_value=2.5", f"ends.{wall}=wall", "initial.shape=empty", "axes.z.from=0.0", "axes.z.to=1.0",
                     "axes.z.cells=20", f"axes.mu.cells={cells}", f"axes.mu.spacing={spacing}", "transport.epsilon=0.5", "time.end=300.0", "transport.sigma=0.8")
    assert f(kinetic) == pytest.approx(2.5, rel=1e-4)


@pytest.mark.parametrize("spread", [0.05, 1.0])
def test_the_reduced_models_are_fed_as_a_beam_feeds_f(spread):
    """Particles that enter along the field between a source and free escape: f₀ in the middle and that of the diffusion equation."""
    kinetic = finish("ends.left=source", "ends.angle=beam", f"initial.spread={spread}", "initial.shape=empty", "axes.z.from=0.0", "axes.z.to=4.0",
                     "axes.z.cells=160", "axes.mu.cells=64", "transport.epsilon=0.2", "time.end=6000.0", "time.rtol=1e-5")
    middle = slice(60, 100)
    assert kinetic.observer.reduced(6000.0)["diffusion"][middle] == pytest.approx(f0(kinetic)[middle], rel=0.03)


@pytest.mark.parametrize("spacing", ["sinh", "uniform"])
def test_uniform_focusing_is_uniform_on_uneven_cells(spacing):
    """However much the area changes over a cell: f = const stays, and σ of every cell is that of the deck."""
    kinetic = finish("transport.sigma=2.0", f"axes.z.spacing={spacing}", "axes.z.from=-20.0", "axes.z.to=20.0", "axes.z.cells=40", "initial.shape=uniform",
                     "ends.left=wall", "ends.right=wall", "time.end=50.0")
    assert np.ptp(kinetic.model.tube.sigma) == 0
    assert np.abs(f(kinetic) - 1).max() < 1e-9


@pytest.mark.parametrize("settings", [["transport.epsilon=30.0", "transport.sigma=100.0", "axes.z.from=-1.0", "axes.z.to=1.0", "time.end=0.01"],
                                      ["transport.epsilon=1000.0", "transport.sigma=10.0", "axes.z.from=-1.0", "axes.z.to=1.0", "time.end=0.001"]])
def test_focusing_beyond_all_models_still_ends_with_a_summary(settings):
    """What cannot be told is null; f and its number are there."""
    with np.errstate(all="raise", under="ignore"):
        found = finish("axes.z.cells=20", "axes.mu.cells=8", *settings).summary()
    assert abs(found["number_error"]["value"]) < 1e-12
    far = [found[f"error_{model}"]["value"] for model in ("diffusion", "hyperdiffusion", "telegraph")]
    assert all(value is None or 0.01 < value < 1e3 for value in far), far


def test_walls_reflect():
    """Half a Gaussian before a wall at its middle is half of the whole one: mirror symmetry to rounding of different sums."""
    common = ("transport.epsilon=0.5", "time.end=6.0", "axes.mu.cells=16", "axes.z.to=8.0", "time.first_step=0.01", "time.max_step=0.05")
    whole = finish(*common, "axes.z.from=-8.0", "axes.z.cells=160")
    half = finish(*common, "axes.z.from=0.0", "axes.z.cells=80", "ends.left=wall")
    assert apart(f0(half), f0(whole)[80:]) < 1e-10


def test_shares_of_a_wider_box_do_not_matter():
    """What has not reached the ends is the same in a longer box."""
    short = finish("axes.z.from=-8.0", "axes.z.to=8.0", "axes.z.cells=80", "time.end=5.0")
    long = finish("axes.z.from=-16.0", "axes.z.to=16.0", "axes.z.cells=160", "time.end=5.0")
    assert apart(f0(short), f0(long)[40:120]) < 1e-9
