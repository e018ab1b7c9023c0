"""One step of gas and CRs together: an unsplit implicit-explicit Runge-Kutta method of second order, ARS(2,2,2) of Ascher, Ruuth
& Spiteri 1997.

Explicit (F): the Euler equations with the force of the CRs, advection and adiabatic change of the CRs. Implicit (G): diffusion,
loss to waves, conduction, radiation. With γ = 1 − 1/√2 and δ = 1 − 1/(2γ), in steps τ:

    u₂ = u + γτ F(u) + γτ G(u₂)
    u' = u + δτ F(u) + (1−δ)τ F(u₂) + (1−γ)τ G(u₂) + γτ G(u')

It is L-stable, and its end is an implicit stage: so CRs that diffuse across a cell within a step do not limit it, although their
pressure is explicit (a sound speed c is followed where c τ/Δr < 0.7 √(1 + 2Dτ/Δr²)). In a splitting the explicit half meets the
whole sound speed of the CRs, and needs more and dearer steps for the same answer. The implicit part of the CRs is linear, line by
line, and needs of the gas only ρ, which is explicit; that of the gas needs of the CRs only the heat from waves. So a stage is one
direct solve along lines and a small Newton iteration along the gas, without PETSc's nonlinear solver around both. Every rank holds
the whole line of gas, the CRs are shared out; a step takes three reductions. Energy passes from one side to the other by the same
number at the same stage, so the sum stays.

Losses (ionisation, Coulomb) move CRs through ln p only, in dense gas through more than a cell in a step: they are a sweep of
their own, implicit, before the stages in one step and after them in the next, so that the errors of the split cancel to second
order. The slopes in p are those from before the sweep, which is of first order, and small.
"""

from types import SimpleNamespace

import numpy as np

from hpccr.operators import gas_kernels, thermal_kernels
from hpccr.physics.conduction import conductivity
from hpccr.steppers.cosmic_rays import MOMENTS, CosmicRays
from hpccr.units import k_B

GAMMA = 1 - np.sqrt(0.5)
DELTA = 1 - 1 / (2 * GAMMA)
# (1 − γ)τ G(u₂) is κ times γτ G(u₂), which is what the second stage has found.
KAPPA = (1 - GAMMA) / GAMMA
CARRIED, DIFFUSED = (DELTA, 1 - DELTA), (KAPPA, 1.0)


class Imex:
    """Gas and CRs, and what moves them.

    Parameters
    ----------
    model : steppers.flow.Model
    patch : Patch

    Attributes
    ----------
    gas : array (3, cells)
        ρ [g/cm³], ρv [g/(cm² s)], E [erg/cm³] of the whole line.
    rays : CosmicRays
    """

    def __init__(self, model, patch):
        self.model, self.patch, self.rays = model, patch, CosmicRays(model, patch)
        line, cells = model.line, len(model.line)
        self.gas = np.zeros((3, cells))
        self._closed, self.volumes = np.array(line.closed), line.volumes
        self._line = np.zeros((4, cells + 1))
        self._line[0], self._line[1], self._line[2, :-1], self._line[3, :-1] = line.faces, line.areas, line.volumes, line.centroids
        self._gaps = np.concatenate([[0.0], np.diff(line.centers), [0.0]])
        first, per_step, self._values = model.cooling.tabulate()
        self._table = np.array([first, per_step])
        self._order = np.array([model.gamma, 1.0])
        self._law = np.array([k_B / ((model.gamma - 1) * model.mass), model.mass, model.cooling.heating, model.radiates, model.conducts, 0.0])

    # -- the explicit part ------------------------------------------------------------------------------

    def V_A(self, rho):
        """Alfvén speed B/√4πρ [cm/s] of the CRs' waves, of the shape of rho [g/cm³]."""
        return self.model.B / np.sqrt(4 * np.pi * np.maximum(rho, 1e-300))

    def _widens(self, gas):
        """Where a gas expands, roughly: array (cells,) of bool. It chooses the side from which CRs change their momentum, before
        w is known."""
        v, line = gas[1] / gas[0], self.model.line
        mean = np.concatenate([v[:1], 0.5 * (v[1:] + v[:-1]), v[-1:]])
        return np.diff(mean * line.areas) >= 0

    def _rates(self, gas, moments, widens):
        """F of the gas (3, cells) at a state, and how it carries the CRs: w (cells + 1,), divergence (cells,), figures for the ledger."""
        model, (P, soft, hard, less, more), cells = self.model, moments, len(self.model.line)
        rate = np.empty_like(gas)
        flow = SimpleNamespace(w=np.empty(cells + 1), divergence=np.empty(cells), tally=np.empty(7), waves=0.0, ends=0.0)
        if model.moves:
            gas_kernels.rates(gas, P, soft, hard, self._line, self._closed, self._order, rate, flow.w, flow.divergence, flow.tally)
        else:
            gas_kernels.held(gas, P, self._line, self._closed, rate, flow.w, flow.divergence, flow.tally)
        if model.streaming:
            self._stream(flow, gas[0], P, rate)
        flow.widens, flow.blend = widens, less / np.maximum(np.where(less > 0, more, more - less), 1e-300)
        return rate, flow

    def _stream(self, flow, rho, P, rate):
        """Let the CRs drift down the gradient of their pressure with the Alfvén speed; the gas has −w_s ∂P/∂r ≥ 0, half of it on
        either side of a face."""
        line, V_A, drop, reach = self.model.line, self.V_A(rho), np.diff(P), self.model.streaming_length
        # Where P varies over more than `reach`, slower in proportion: a sign that flips from cell to cell would make noise.
        flat = 0.5 * (P[1:] + P[:-1]) * np.diff(line.centers) / reach
        speed = -0.5 * (V_A[1:] + V_A[:-1]) * drop / np.maximum(np.hypot(drop, flat), 1e-300)
        given = -0.5 * line.areas[1:-1] * speed * drop
        rate[2, :-1] += given / line.volumes[:-1]
        rate[2, 1:] += given / line.volumes[1:]
        flow.w[1:-1] += speed
        flow.divergence[...] = np.diff(line.areas * flow.w) / line.volumes
        flow.waves = 2 * given.sum()
        flow.tally[gas_kernels.WORK] = line.volumes @ (P * flow.divergence) - flow.waves
        # There it is diffusion with V_A × reach, and explicit.
        flow.tally[gas_kernels.FASTEST] += (V_A * (1 / line.widths + 2 * reach / line.widths**2)).max()

    def _everywhere(self, *parts):
        """Rows that this rank has of lines (k, rows), added up over the ranks as whole lines (Σk, cells)."""
        lines = np.zeros((sum(len(part) for part in parts), len(self.model.line)))
        lines[:, self.patch.own_rows] = np.concatenate(parts)
        return self.patch.comm.sum(lines.ravel()).reshape(lines.shape)

    def survey(self):
        """Where energy goes at the present state: dict of arrays (cells,) [erg/cm³, erg/(cm³ s)]. Collective; nothing of the
        state changes."""
        model, line, rays, gas = self.model, self.model.line, self.rays, self.gas
        rays.fill(rays.u)
        drag = self.V_A(gas[0]) if model.waves else np.zeros(len(line))
        P, _, _, _, _, lost, e_cr, heat = self._everywhere(rays.moments(rays.u, self._widens(gas), 0.0), rays.dragged(drag),
                                                           rays.energy_density(), rays.heat_of_losses(gas[0] / model.mass))
        slope, n = np.gradient(P, line.centers), gas[0] / model.mass
        if model.streaming:
            lost = self.V_A(gas[0]) * np.abs(slope)
        T = model.temperature(gas)
        K = conductivity(T)
        flux = np.zeros(len(line) + 1)
        flux[1:-1] = -0.5 * (K[1:] + K[:-1]) * np.diff(T) / np.diff(line.centers) * line.areas[1:-1]
        return {"P_cr": P, "e_cr": e_cr, "work": -gas[1] / gas[0] * slope, "losses": heat, "waves": lost,
                "conduction": -np.diff(flux) / line.volumes * model.conducts,
                "radiation": n * (model.cooling.heating - n * model.cooling.rate(T)) * model.radiates}

    def _fastest(self, flow):
        """The largest (speed of a signal)/(width of a cell) [1/s]."""
        # What passes through lanes in momentum must not empty one in a step either.
        return max(flow.tally[gas_kernels.FASTEST], np.abs(flow.divergence).max() / (3 * self.rays.step))

    # -- a step -------------------------------------------------------------------------------------------

    def begin(self, dt):
        """Look at the initial state: the fastest signal [1/s] for a first step of about dt [s]. Collective."""
        self.rays.fill(self.rays.u)
        widens = self._widens(self.gas)
        _, flow = self._rates(self.gas, self._everywhere(self.rays.moments(self.rays.u, widens, dt)), widens)
        return self._fastest(flow)

    def attempt(self, dt, scale, losses_first, sharp=True):
        """Try a step of dt [s]: (this rank's reason to refuse it, or "", and what happened). Collective, and to its end whatever
        a rank thinks of it.

        scale : array (lanes of this rank,), 1/content, by which errors of the CRs are judged.
        sharp : whether the gas has linear states in its cells, or constant ones, which cannot make a pressure negative.
        """
        h, rays = GAMMA * dt, self.rays
        step = SimpleNamespace(dt=dt, reason="", warmed=0.0, losses_first=losses_first, waves=0.0, radiated=0.0)
        self._law[-1], self._order[1] = h, float(sharp)
        gas, *look = self._start(step)
        F1, early = self._rates(gas, *look)
        early.ends = rays.explicit(rays.base, early, 0)
        second = gas + h * F1
        self._doubt(step, second[0].min() > 0, "the density of the gas is not positive")
        lost = rays.solve((1.0, h, 0.0), h, self._drag(second[0]), rays.base, rays.base, rays.second, 0)
        rays.fill(rays.second)
        widens = self._widens(second)
        lines = self._everywhere(rays.moments(rays.second, widens, dt), lost[None])
        added = self._warm(step, second, gas, lines[MOMENTS], KAPPA)
        F2, late = self._rates(second, lines[:MOMENTS], widens)
        late.ends = rays.explicit(rays.second, late, 1, (DELTA - KAPPA * GAMMA, 1 - DELTA))
        step.flows, step.fastest = (early, late), self._fastest(late)
        new = gas + dt * (DELTA * F1 + (1 - DELTA) * F2)
        new[2] += KAPPA * added
        self._doubt(step, new[0].min() > 0, "the density of the gas is not positive")
        lost = rays.solve((1 - KAPPA, dt, KAPPA), h, self._drag(new[0]), rays.second, rays.second, rays.final, 1)
        return self._end(step, (gas, second, new), lost, rays.verdict(GAMMA, scale))

    def _start(self, step):
        """The state from which the stages start: gas (3, cells), the moments of the CRs, and where the gas expands."""
        rays, gas, heat = self.rays, self.gas, np.zeros((1, self.patch.rows))
        step.loses = self.model.loss.any()
        if step.losses_first and step.loses:
            heat[0], rays.base = rays.lose(rays.u, gas[0] / self.model.mass, step.dt, rays.after), rays.after
        else:
            rays.base = rays.u
        rays.fill(rays.base)
        widens = self._widens(gas)
        lines = self._everywhere(rays.moments(rays.base, widens, step.dt), heat)
        if step.losses_first and step.loses:
            gas = gas.copy()
            gas[2] += lines[MOMENTS]
            step.warmed = self.model.line.volumes @ lines[MOMENTS]
        return gas, lines[:MOMENTS], widens

    def _drag(self, rho):
        """The speed that takes part in V_A |∂N/∂r|: array (cells,) [cm/s]."""
        return self.V_A(rho) if self.model.waves else np.zeros_like(rho)

    def _warm(self, step, gas, before, lost, weight):
        """Complete the energy of an implicit stage: h × the heat in it (cells,). `weight` of the stage for the ledger."""
        added, tally = np.empty(len(lost)), np.empty(2)
        found = thermal_kernels.warm(gas, before, lost, self._law, self._line, self._gaps, self._table, self._values, added, tally)
        step.waves += weight * tally[thermal_kernels.GIVEN]
        step.radiated += weight * tally[thermal_kernels.RADIATED]
        self._doubt(step, found > 0, "the pressure of the gas is not positive")
        return added

    def _end(self, step, stages, lost, verdict):
        """The last stage of the gas, and what all ranks think of the step: (reason, step)."""
        dt, rays, patch, cells = step.dt, self.rays, self.patch, len(self.model.line)
        step.leaving = rays.leaving(dt, CARRIED, DIFFUSED)
        leaving = rays.energy @ step.leaving.sum(axis=0)
        ends = dt * sum(weight * flow.ends for weight, flow in zip(CARRIED, step.flows))
        lines = np.zeros((2, cells))
        lines[0, patch.own_rows] = lost
        gas, second, new = stages
        after = step.loses and not step.losses_first
        if after:
            lines[1, patch.own_rows] = rays.lose(rays.final, new[0] / self.model.mass, dt, rays.after)
        figures = patch.comm.sum(np.concatenate([[*verdict, leaving, ends], lines.ravel()]))
        self._doubt(step, np.isfinite(figures.sum()), "the CRs are not finite")
        step.error_rays, step.short, step.E_cr, step.escaped, step.ends = figures[:5]
        lost, heat = figures[5:].reshape(2, cells)
        self._warm(step, new, second, lost, 1.0)
        step.error_gas, step.gas = gas_kernels.bend(gas, second, new, GAMMA), new
        if after:
            new[2] += heat
            step.warmed = self.volumes @ heat
            step.E_cr -= step.warmed
        return step.reason, step

    @staticmethod
    def _doubt(step, well, reason):
        """Keep the first reason to refuse a step."""
        if not well and not step.reason:
            step.reason = reason

    def accept(self, step):
        """The end of a step becomes the state."""
        rays = self.rays
        self.gas = step.gas
        rays.accept(step.leaving)
        if step.loses and not step.losses_first:
            rays.u, rays.after = rays.after, rays.u
