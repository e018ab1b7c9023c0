"""The CRs of one rank in a moving gas: their state at the stages of a step, the rates and the line solves between them."""

from types import SimpleNamespace

import numpy as np

from hpccr.operators import cr_kernels
from hpccr.operators.line_solver import LineSolver
from hpccr.physics import protons

MOMENTS = 5         # lines of figures that are added up over momenta, see cr_kernels.moments


class CosmicRays:
    """Number of CRs per volume and ln p on a patch.

    Parameters
    ----------
    model : Model
    patch : Patch

    Attributes
    ----------
    u, base, second, final, after : arrays of the patch
        The state, that from which the stages start (`after` losses, if they come first), the second stage, the end of a step.
    energy : array (lanes,)
        ε Δ ln p [erg]: what u weighs in the energy density.
    escaped : array (2, lanes)
        CRs that have left through the two ends of the line [per ln p].
    """

    def __init__(self, model, patch):
        self.model, self.patch = model, patch
        self.u, self.second, self.final, self.after = (patch.array() for _ in range(4))
        self.base = self.u
        self.rate, self._work = np.zeros((patch.rows, patch.lanes)), np.zeros((patch.rows + 1, patch.lanes))
        self.escaped = np.zeros((2, patch.lanes))
        self._edges, self._left = np.zeros((2, 2, patch.lanes)), np.zeros((2, 2, patch.lanes))
        self._set_lanes()
        self._set_line()

    def _set_lanes(self):
        """What belongs to momenta: speeds, energies, weights of pressures, losses."""
        model, patch = self.model, self.patch
        lanes, faces = patch.own_lanes, slice(patch.first_lane, patch.first_lane + patch.lanes + 1)
        p, self.step = np.exp(model.lane.centers), model.lane.widths[0]
        kinetic = protons.kinetic_energy(p)
        self.D, self.energy = model.D[lanes].copy(), (kinetic * self.step)[lanes].copy()
        # Between two lanes a particle changes its energy by Δε; what passes the first face has ε of the first lane left, which
        # losses give to the gas.
        rise = np.concatenate([[0.0], np.diff(kinetic), [0.0]])
        stay = rise.copy()
        stay[0] = kinetic[0]
        # γ_i = −d ln P_i/d ln V / … of a momentum: 4/3 for v = c, 5/3 for v ≪ c.
        index = 1 + (2 - (protons.speed(p) / protons.c) ** 2) / 3
        felt = self.step * p * protons.speed(p) / 3 * index
        self.weights = np.zeros((5, patch.lanes + 1))
        self.weights[0], self.weights[1] = rise[faces], stay[faces]
        # A face between two ranks is counted by the upper one.
        self.weights[:2, -1] = 0.0
        self.weights[2, :-1] = felt[lanes]
        self.weights[3, 0] = kinetic[0] if patch.at_lowest else 0.0
        self.weights[4, -1] = kinetic[-1] if patch.at_highest else 0.0
        self.loss = model.loss[faces].copy()
        slope = model.slope * self.step
        # A lane holds the mean over its width: of a power law, its middle times sinh(αΔ/2)/(αΔ/2).
        mean = np.sinh(0.5 * slope) / (0.5 * slope) if slope else 1.0
        self.bend = np.array([np.exp(slope), np.exp(0.5 * slope), 1.0 / mean])

    def _set_line(self):
        """What belongs to the line: faces, volumes, conductances, ends."""
        line, patch = self.model.line, self.patch
        rows, faces = patch.own_rows, slice(patch.first_row, patch.first_row + patch.rows + 1)
        x = line.centroids
        beyond = [2 * line.faces[0] - x[1::-1], 2 * line.faces[-1] - x[:-3:-1]]
        self.x = np.concatenate([beyond[0], x, beyond[1]])[patch.first_row:patch.first_row + patch.rows + 4].copy()
        self.faces, self.area, self.volume = line.faces[faces].copy(), line.areas[faces].copy(), line.volumes[rows].copy()
        gaps = np.diff(np.concatenate([[2 * line.faces[0] - line.centers[0]], line.centers, [2 * line.faces[-1] - line.centers[-1]]]))
        conductance = np.where([line.closed[0], *[False] * (len(line) - 1), line.closed[1]], 0.0, line.areas / gaps)
        self._above, self._below = conductance[1:][rows] / self.volume, conductance[:-1][rows] / self.volume
        self._across, self._stiff = 0.5 / line.widths[rows], 2 / line.widths[rows] ** 2
        self.ends = np.array([patch.at_first, patch.at_last, patch.at_lowest, patch.at_highest, *line.closed])
        self._walls = np.array(line.closed)
        self._coupling = np.empty((3, patch.rows))
        self._solver = None
        if patch.column is not None:
            shape = (patch.rows, 1, 1, patch.lanes)
            blocks = SimpleNamespace(lower=np.empty(shape), diag=np.empty(shape), upper=np.empty(shape))
            self._solver = LineSolver(patch, blocks, in_place=True)

    # -- what a step is made of ---------------------------------------------------------------------------

    def fill(self, u):
        """Fill the ghosts of a state; collective."""
        self.patch.swap_lanes(u)
        if self.patch.column is not None:
            self.patch.swap_rows(u)
        self._extend(u)

    def moments(self, u, widens, dt):
        """What the gas needs of a state with its ghosts: array (MOMENTS, rows) of this rank; widens (cells of the span,) where it expands,
        dt [s] the step for which sound is judged."""
        out = np.empty((MOMENTS, self.patch.rows))
        cr_kernels.moments(u, widens[self.patch.inner], dt * self._stiff, self.D, self.weights, self.bend, out)
        return out

    def explicit(self, u, flow, stage, mix=(0.0, 1.0)):
        """rate ← mix of itself and the explicit rates at a state with its ghosts; energy per time that leaves through the ends of
        p [erg/s].

        flow : w (cells + 1,), divergence, widens, blend (cells,) of the span; stage 0 or 1.
        """
        rows = self.patch.inner
        return cr_kernels.explicit(u, flow.w[rows.start:rows.stop + 1], flow.divergence[rows], flow.widens[rows], flow.blend[rows],
                                   self.x, self.faces, self.area, self.volume, self.weights, self.bend, self.step, self.ends, mix,
                                   self.rate, self._edges[stage])

    def lose(self, u, density, dt, out):
        """`out` ← u after losses in gas of a density (cells of the span,) for dt [s]; the energy that the gas receives (rows,) [erg/cm³].
        Collective."""
        patch, depth = self.patch, density[self.patch.inner] * dt
        self.patch.swap_lanes(u)
        self._extend(u)
        heat, passed = np.empty(patch.rows), np.empty((2, patch.rows))
        args = (u, depth, self.loss, self.weights, self.bend, self.step)
        cr_kernels.lose(*args, out, heat, passed)
        if patch.row is not None:
            cr_kernels.gain(*args, self._passed_down(*passed), out, heat)
        return heat

    def _passed_down(self, own, part):
        """What comes in from the rank above, where each passes on `own` and a `part` of what came in, both (rows,): array (rows,); collective.

        A prefix sum of affine maps: each round takes in those of twice as many ranks (Hillis & Steele 1986).
        """
        row, passed, reach = self.patch.row, np.stack([own, part]), 1
        while reach < row.size:
            before, _ = row.near(passed, reach)
            if row.rank >= reach:
                passed = np.stack([passed[0] + passed[1] * before[0], passed[1] * before[1]])
            reach *= 2
        return row.near(passed)[0][0]

    def _extend(self, u):
        p = self.patch
        cr_kernels.fill_ends(u, p.at_first, p.at_last, p.at_lowest, p.at_highest, self._walls)

    def solve(self, weights, h, V_A, guess, half, out, stage):
        """One implicit stage: `out` from a u + b rate + c half, signs of the gradient from `guess`; h × energy lost to waves
        (rows,). Collective."""
        rows, coupling = self.patch.inner, self._coupling
        coupling[0], coupling[1], coupling[2] = h * self._above, h * self._below, h * V_A[rows] * self._across
        args = (self.base, self.rate, half, weights, guess, self.D, coupling, self.ends)
        if self._solver is None:
            cr_kernels.solve(*args, self._work, out)
        else:
            blocks, right = self._solver.source, self._work[1:, None, :]
            cr_kernels.system(*args, *(block[:, 0, 0] for block in (blocks.lower, blocks.diag, blocks.upper)), right[:, 0])
            self._solver.factor(right)
            right[np.abs(right) < cr_kernels.SMALLEST] = 0.0
            self.patch.own(out)[...] = self._work[1:]
            self.patch.swap_rows(out)
        lost = np.empty(self.patch.rows)
        cr_kernels.taken(out, guess, self.D, coupling, self.ends, self.energy, lost, self._left[stage])
        self._left[stage, 0] *= self.volume[0]
        self._left[stage, 1] *= self.volume[-1]
        return lost

    def dragged(self, V_A):
        """V_A Σ ε |∂N/∂r| of this rank at the present state, its ghosts filled: array (1, rows) [erg/(cm³ s)]."""
        coupling, lost = self._coupling, np.empty((1, self.patch.rows))
        coupling[0], coupling[1], coupling[2] = self._above, self._below, V_A[self.patch.inner] * self._across
        cr_kernels.taken(self.u, self.u, self.D, coupling, self.ends, self.energy, lost[0], np.empty_like(self.escaped))
        return lost

    def heat_of_losses(self, density):
        """Energy that losses give to gas of a density (cells of the span,), per time: array (1, rows) [erg/(cm³ s)]; collective."""
        brief = 1e-9 / max(self.model.loss.max() * self.patch.highest([density.max()])[0], 1e-300)
        return self.lose(self.u, density, brief, self.after)[None] / brief

    def energy_density(self):
        """ε_c of this rank: array (1, rows) [erg/cm³]."""
        return (self.patch.own(self.u) @ self.energy)[None]

    def leaving(self, dt, carried, diffused):
        """CRs that leave through the ends of the line in the step whose stages are here: array (2, lanes) [per ln p]; weights of
        the stages."""
        out = dt * (carried[0] * self._edges[0] + carried[1] * self._edges[1])
        out[0] *= -float(self.ends[0])
        out[1] *= self.ends[1]
        return out + diffused[0] * self._left[0] + diffused[1] * self._left[1]

    def verdict(self, gamma, scale):
        """(error, part below zero, CR energy) of this rank at the end of the step; see cr_kernels.mistake."""
        return cr_kernels.mistake(self.base, self.second, self.final, gamma, self.volume, scale, self.energy)

    def content(self, u):
        """Σ V u of this rank: array (lanes,) [per ln p]."""
        total = np.empty(self.patch.lanes)
        cr_kernels.content(u, self.volume, total)
        return total

    def accept(self, leaving):
        """The end of the step becomes the state."""
        self.u, self.final = self.final, self.u
        self.escaped += leaving
