"""Green functions of diffusion conserve, agree with one another, and solve their equations; losses and grammage."""

import numpy as np
import pytest

from hpccr.physics import exact, green
from hpccr.units import pc


def integral(y, x):
    return np.sum((y[1:] + y[:-1]) / 2 * np.diff(x))


def test_heat_kernels_hold_one_particle():
    z = np.linspace(-60, 60, 4001)
    r = np.linspace(1e-6, 60, 4001)
    assert integral(green.heat_slab(z, 3.0, 2.0), z) == pytest.approx(1, rel=1e-10)
    assert integral(green.heat_sphere(r, 3.0, 2.0) * 4 * np.pi * r**2, r) == pytest.approx(1, rel=1e-6)
    assert green.heat_slab(1.0, 3.0, 2.0, loss=0.5) == pytest.approx(green.heat_slab(1.0, 3.0, 2.0) * np.exp(-1.5))


def test_uniform_slab_and_sphere_are_spread_kernels():
    """Convolution of the kernel with the slab; content of the sphere; the share left inside."""
    s = np.linspace(-2, 2, 4001)
    assert green.uniform_slab(1.3, 0.7, 2.0, 1.1) == pytest.approx(integral(green.heat_slab(1.3 - s, 0.7, 1.1), s))
    r = np.linspace(1e-4, 30, 20001)
    f = green.uniform_sphere(r, 0.7, 2.0, 1.1) * 4 * np.pi * r**2
    assert integral(f, r) == pytest.approx(4 / 3 * np.pi * 8, rel=1e-6)
    inside = r <= 2
    share = integral(f[inside], r[inside]) / (4 / 3 * np.pi * 8)
    assert share == pytest.approx(exact.sphere_fraction_inside(0.7, 2.0, 1.1), rel=1e-3)


def test_shell_burst_shrinks_to_a_point_burst():
    r = np.array([0.5, 1.0, 3.0])
    np.testing.assert_allclose(green.shell_burst(r, 1.0, 1e-3, 1.0), green.heat_sphere(r, 1.0, 1.0), rtol=1e-5)
    x = np.linspace(1e-4, 40, 20001)
    assert integral(green.shell_burst(x, 1.0, 5.0, 1.0) * 4 * np.pi * x**2, x) == pytest.approx(1, rel=1e-6)


def test_steady_source_is_the_sum_of_bursts():
    """∫₀^t burst dt' at three radii, and 1/(4πDr) at late times."""
    for r in (0.3, 1.0, 2.0):
        t = np.geomspace(1e-4, 2.0, 20001)
        assert green.steady_source(r, 2.0, 1.5) == pytest.approx(integral(green.heat_sphere(r, t, 1.5), t), rel=1e-4)
    assert green.steady_source(1.0, 1e12, 1.0) == pytest.approx(1 / (4 * np.pi), rel=1e-5)


def test_quadratic_losses_conserve_and_cut_off():
    """∂f/∂t = p⁻² ∂(p² b p² f)/∂p; nothing above 1/(bt); particles are conserved below."""
    b, t, h = 0.3, 0.8, 1e-5
    p = np.array([0.1, 0.7, 2.0])

    def f(p, t):
        return green.quadratic_losses(p, t, b, lambda x: x**-4.2)

    time = (f(p, t + h) - f(p, t - h)) / (2 * h)
    flow = ((p + h) ** 4 * f(p + h, t) - (p - h) ** 4 * f(p - h, t)) / (2 * h) * b / p**2
    np.testing.assert_allclose(time, flow, rtol=1e-7)
    assert (f(np.array([1 / (b * t), 10.0]), t) == 0).all()


def test_compression_lifts_a_power_law():
    """p^−s → e^{s a t/3} p^−s."""
    p = np.geomspace(0.1, 10, 5)
    np.testing.assert_allclose(green.compressed(p, 2.0, 0.4, lambda x: x**-4.3), np.exp(4.3 * 0.8 / 3) * p**-4.3)


def test_grammage_of_a_test_particle():
    """n = 1, L = 100 pc, D = 1e28: t_res = L²/2D, 0.334 g/cm²."""
    assert green.grammage(1.0, green.residence_time(100 * pc, 1e28)) == pytest.approx(0.334, rel=2e-3)
