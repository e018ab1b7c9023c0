"""The engine on other pairs of axes: (R, z) with anisotropic diffusion, and (z, μ) with pitch-angle scattering."""

import types

import numpy as np
import pytest
from simulate import advance, cells, order, simulation

from hpccr.grid.axis import Axis, spaced
from hpccr.grid.field import Field
from hpccr.operators.terms import Advection, Diffusion, Ends, LaneAdvection, LaneDiffusion
from hpccr.problems.contract import Problem


class Plain(Problem):
    """A problem given by its axes, terms and initial state, for t in [0, end]."""

    fields = (Field("f"),)

    def __init__(self, line, lane, terms, initial, end, rtol=1e-8):
        self._line, self._lane, self._terms, self._initial = line, lane, terms, initial
        self.deck = types.SimpleNamespace(time=types.SimpleNamespace(end=end, rtol=rtol, max_step=None, first_step=1e-3 * end))

    def line(self):
        return self._line

    def lane(self):
        return self._lane

    def terms(self):
        return self._terms

    def initial(self, cells, lanes):
        return [self._initial[cells, lanes]]

    def final(self):
        """(f in the cells, change of the whole content)."""
        with simulation(self) as job:
            for _ in advance(job, self.deck.time.end):
                pass
            f = cells(job)
            everything = np.array(job.mesh.array(job.stepper.u))[:, 0] * job.mesh.node_volumes()[:, None]
        volumes = self._lane.volumes
        before = (self._initial * self._line.volumes[:, None] * volumes).sum()
        return f, (everything * volumes).sum() / before - 1


@pytest.mark.parametrize("spacing", ["uniform", "sinh"])
def test_anisotropic_release_along_a_flux_tube(spacing):
    """N exp(−R²/w_⊥² − z²/w_∥²), w² = w_0² + 4Dt, D_⊥/D_∥ = 1e-2 (K.25): second order, content conserved."""
    D_par, D_perp, t = 1.0, 1e-2, 2.0

    def gaussian(z, R, t):
        a, b = 4.0 + 4 * D_par * t, 0.04 + 4 * D_perp * t
        return 0.04 / b * np.sqrt(4.0 / a) * np.exp(-(R**2) / b - z[:, None] ** 2 / a)

    def error(n):
        line = Axis("z", spaced(2 * n, -14.0, 14.0, spacing, 0.0, 8.0))
        lane = Axis("R", spaced(n, 0.0, 2.0, spacing, 0.0, 1.0), "cylinder", closed=(True, True))
        start = gaussian(line.centers, lane.centers, 0.0)
        f, change = Plain(line, lane, [Diffusion(0, D_par, Ends()), LaneDiffusion(0, D_perp)], start, t).final()
        assert abs(change) < 1e-8                       # the Krylov method's tolerance
        weight = line.volumes[:, None] * lane.volumes
        truth = gaussian(line.centers, lane.centers, t)
        return np.sqrt((weight * (f - truth) ** 2).sum() / (weight * truth**2).sum())

    errors = [error(n) for n in (16, 32, 64)]
    assert errors[-1] < 5e-3
    assert (order(errors) > 1.85).all(), errors


@pytest.mark.parametrize("degree", [1, 2, 3])
def test_pitch_angle_scattering_damps_legendre_modes(degree):
    """∂f/∂t = ∂_μ[(1 − μ²) ∂_μ f]: P_l decays as exp(−l(l + 1)t), second order; the mean stays.

    On equal cells the averages of P_1 and P_2 are eigenvectors of the scheme too, so their decay is exact.
    """
    legendre = np.polynomial.legendre.Legendre.basis(degree)

    def error(n):
        line, lane = Axis("z", np.linspace(0, 1, 5), closed=(True, True)), Axis("mu", np.linspace(-1, 1, n + 1), closed=(True, True))
        averages = np.diff(legendre.integ()(lane.faces)) / lane.widths
        start = 2.0 + np.tile(averages, (4, 1))
        f, change = Plain(line, lane, [LaneDiffusion(0, 1 - lane.faces**2)], start, 0.3).final()
        assert abs(change) < 1e-8
        truth = 2.0 + averages * np.exp(-degree * (degree + 1) * 0.3)
        return np.abs(f - truth).max()

    errors = [error(n) for n in (16, 32, 64)]
    if degree <= 2:
        assert max(errors) < 1e-6
    else:
        assert errors[-1] < 1e-3 and (order(errors) > 1.9).all(), errors


def test_streaming_with_pitch_angle_conserves_particles():
    """∂f/∂t + μ ∂f/∂z + focusing, outflow at both ends: what leaves is counted, and nothing outruns |z| = t."""
    line, lane = Axis("z", np.linspace(-2, 2, 201)), Axis("mu", np.linspace(-1, 1, 21), closed=(True, True))
    start = np.repeat((np.abs(line.centers) < 0.1)[:, None], 20, axis=1).astype(float)
    focusing = 0.5 * (1 - lane.faces**2)
    terms = [Advection(0, np.tile(lane.centers, (201, 1)), Ends()), LaneDiffusion(0, 1 - lane.faces**2), LaneAdvection(0, focusing)]
    f, change = Plain(line, lane, terms, start, 1.0, rtol=1e-5).final()
    assert abs(change) < 1e-8
    beyond = np.abs(line.centers) > 1.25
    assert np.abs(f[beyond]).max() < 1e-3 * f.max()
    mean = (f * line.centers[:, None]).sum() / f.sum()
    assert mean > 0.02                                   # focusing drives towards μ = 1
