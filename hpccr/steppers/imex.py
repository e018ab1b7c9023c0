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
direct solve along lines and a small Newton iteration along the gas, without PETSc's nonlinear solver around both. Energy passes from
one side to the other by the same number at the same stage, so the sum stays.

Ranks share the cells of the line and the lanes. Those that have the same cells have the same gas, and add up what its CRs do to it
three times a step; those that have neighbouring cells exchange two of them. Where lines are cut they sum up the step once more, and
talk in each iteration of Newton's method for the heat (operators.heat).

Losses (ionisation, Coulomb) move CRs through ln p only, in dense gas through more than a cell in a step: they are a sweep of
their own, implicit, before the stages in one step and after them in the next, so that the errors of the split cancel to second
order. The slopes in p are those from before the sweep, which is of first order, and small.
"""

from types import SimpleNamespace

import numpy as np

from hpccr.operators import gas_kernels
from hpccr.operators.heat import Heat
from hpccr.physics.conduction import conductivity
from hpccr.steppers.cosmic_rays import MOMENTS, CosmicRays

GAMMA = 1 - np.sqrt(0.5)
DELTA = 1 - 1 / (2 * GAMMA)
# (1 − γ)τ G(u₂) is κ times γτ G(u₂), which is what the second stage has found.
KAPPA = (1 - GAMMA) / GAMMA
CARRIED, DIFFUSED = (DELTA, 1 - DELTA), (KAPPA, 1.0)
# A reason to refuse a step that ranks have from others.
NOT_FINITE = "gas and CRs are not finite"


class Imex:
    """Gas and CRs, and what moves them.

    Parameters
    ----------
    model : steppers.flow.Model
    patch : Patch

    Attributes
    ----------
    line : Axis
        The cells that this rank looks at, patch.span.
    gas : array (3, cells)
        ρ [g/cm³], ρv [g/(cm² s)], E [erg/cm³] there; between steps those of other ranks are as these have them.
    rays : CosmicRays
    volumes : array (rows,)
        Of this rank's cells.
    """

    def __init__(self, model, patch):
        self.model, self.patch, self.rays = model, patch, CosmicRays(model, patch)
        self.line = line = model.line.part(patch.span)
        self.gas, self.volumes = np.zeros((3, len(line))), line.volumes[patch.inner]
        self._closed, self._own, self._order = np.array(line.closed), np.array([patch.inner.start, patch.inner.stop]), np.array([model.gamma, 1.0])
        self._geometry, self._no_drift = np.zeros((4, len(line) + 1)), np.zeros(len(line))
        self._geometry[:2], self._geometry[2:, :-1] = (line.faces, line.areas), (line.volumes, line.centroids)
        self._heat = Heat(model, patch, self._geometry, np.concatenate([[0.0], np.diff(line.centers), [0.0]]))

    # -- the explicit part ------------------------------------------------------------------------------

    def V_A(self, rho):
        """Alfvén speed B/√4πρ [cm/s] of the CRs' waves, of the shape of rho [g/cm³]."""
        return self.model.B / np.sqrt(4 * np.pi * np.maximum(rho, 1e-300))

    def _widens(self, gas):
        """Where a gas expands, roughly: array (cells,) of bool. It chooses the side from which CRs change their momentum, before
        w is known."""
        v = gas[1] / gas[0]
        mean = np.concatenate([v[:1], 0.5 * (v[1:] + v[:-1]), v[-1:]])
        return np.diff(mean * self.line.areas) >= 0

    def _rates(self, gas, moments, widens):
        """F of the gas (3, cells) at a state, and how it carries the CRs: w (cells + 1,), divergence (cells,), figures for the ledger."""
        (P, soft, hard, less, more), cells = moments, len(self.line)
        rate = np.empty_like(gas)
        flow = SimpleNamespace(w=np.empty(cells + 1), divergence=np.empty(cells), tally=np.empty(8), ends=0.0)
        drift = self._drift_rate(gas[0]) if self.model.streaming else self._no_drift
        args = (drift, self._geometry, self._closed)
        if self.model.moves:
            gas_kernels.rates(gas, P, soft, hard, *args, self._order, self._own, rate, flow.w, flow.divergence, flow.tally)
        else:
            gas_kernels.held(gas, P, *args, self._own, rate, flow.w, flow.divergence, flow.tally)
        if self.model.streaming:
            self._stream(flow, gas[0], P, rate)
        flow.widens, flow.blend = widens, less / np.maximum(np.where(less > 0, more, more - less), 1e-300)
        return rate, flow

    def _stream(self, flow, rho, P, rate):
        """Let the CRs drift down the gradient of their pressure with the Alfvén speed; the gas has −w_s ∂P/∂r ≥ 0, half of it on
        either side of a face."""
        line, own = self.line, self.patch.inner
        speed, given = self._drifting(rho, P)
        rate[2] += given / line.volumes
        flow.w[1:-1] += speed
        flow.divergence[...] = np.diff(line.areas * flow.w) / line.volumes
        flow.tally[gas_kernels.WAVES] = given[own].sum()
        flow.tally[gas_kernels.WORK] = self.volumes @ (P * flow.divergence)[own] - flow.tally[gas_kernels.WAVES]

    def _drifting(self, rho, P):
        """w_s of streaming CRs on the inner faces (cells − 1,) [cm/s], and what they give to the gas of each cell (cells,) [erg/s]."""
        line, V_A, drop = self.line, self.V_A(rho), np.diff(P)
        # Where P varies over more than the streaming length, slower in proportion: a sign that flips from cell to cell would make noise.
        flat = 0.5 * (P[1:] + P[:-1]) * np.diff(line.centers) / self.model.streaming_length
        speed = -0.5 * (V_A[1:] + V_A[:-1]) * drop / np.maximum(np.hypot(drop, flat), 1e-300)
        half = np.pad(-0.5 * line.areas[1:-1] * speed * drop, 1)
        return speed, half[1:] + half[:-1]

    def _drift_rate(self, rho):
        """What streaming takes in a cell, which is explicit: V_A/Δr, and, where P is flat, diffusion with V_A × streaming length: (cells,) [1/s]."""
        widths = self.line.widths
        return self.V_A(rho) * (1 / widths + 2 * self.model.streaming_length / widths**2)

    def _completed(self, *parts):
        """Lines (k, rows) of which this rank has its lanes' part, summed over lanes, with the cells of other ranks next to them: (Σk, cells)."""
        part = np.concatenate(parts)
        lines = np.zeros((len(part), len(self.line)))
        lines[:, self.patch.inner] = self.patch.sum_lanes(part.ravel()).reshape(part.shape)
        self.patch.swap_line(lines)
        return lines

    def survey(self):
        """Where energy goes at the present state: dict of arrays (rows,) [erg/cm³, erg/(cm³ s)] of this rank's cells. Collective;
        nothing of the state changes."""
        model, line, rays, gas = self.model, self.line, self.rays, self.gas
        rays.fill(rays.u)
        drag = self.V_A(gas[0]) if model.waves else np.zeros(len(line))
        P, _, _, _, _, lost, e_cr, heat = self._completed(rays.moments(rays.u, self._widens(gas), 0.0), rays.dragged(drag),
                                                          rays.energy_density(), rays.heat_of_losses(gas[0] / model.mass))
        slope, n = np.gradient(P, line.centers), gas[0] / model.mass
        if model.streaming:
            lost = self._drifting(gas[0], P)[1] / line.volumes
        T = model.temperature(gas)
        K = conductivity(T)
        flux = np.zeros(len(line) + 1)
        flux[1:-1] = -0.5 * (K[1:] + K[:-1]) * np.diff(T) / np.diff(line.centers) * line.areas[1:-1]
        found = {"P_cr": P, "e_cr": e_cr, "work": -gas[1] / gas[0] * slope, "losses": heat, "waves": lost,
                 "conduction": -np.diff(flux) / line.volumes * model.conducts,
                 "radiation": n * (model.cooling.heating - n * model.cooling.rate(T)) * model.radiates}
        return {name: values[self.patch.inner] for name, values in found.items()}

    def _fastest(self, flow):
        """The largest (speed of a signal)/(width of a cell) in this rank's cells [1/s]."""
        # What passes through lanes in momentum must not empty one in a step either.
        return max(flow.tally[gas_kernels.FASTEST], np.abs(flow.divergence[self.patch.inner]).max() / (3 * self.rays.step))

    # -- a step -------------------------------------------------------------------------------------------

    def begin(self, dt):
        """Look at the initial state: this rank's fastest signal [1/s] for a first step of about dt [s]. Collective."""
        self.rays.fill(self.rays.u)
        widens = self._widens(self.gas)
        _, flow = self._rates(self.gas, self._completed(self.rays.moments(self.rays.u, widens, dt)), widens)
        return self._fastest(flow)

    def attempt(self, dt, scale, losses_first, sharp=True):
        """Try a step of dt [s]: (this rank's reason to refuse it, or "", and what happened). Collective, and to its end whatever
        a rank thinks of it.

        scale : array (lanes of this rank,), 1/content, by which errors of the CRs are judged.
        sharp : whether the gas has linear states in its cells, or constant ones, which cannot make a pressure negative.
        """
        h, rays, patch, own = GAMMA * dt, self.rays, self.patch, self.patch.inner
        step = SimpleNamespace(dt=dt, h=h, reason="", warmed=0.0, losses_first=losses_first, waves=0.0, radiated=0.0)
        self._order[1] = float(sharp)
        gas, *look = self._start(step)
        F1, early = self._rates(gas, *look)
        early.ends = rays.explicit(rays.base, early, 0)
        second = gas + h * F1
        self._doubt(step, second[0, own].min() > 0, "the density of the gas is not positive")
        lost = rays.solve((1.0, h, 0.0), h, self._drag(second[0]), rays.base, rays.base, rays.second, 0)
        rays.fill(rays.second)
        patch.swap_line(second)
        widens = self._widens(second)
        lines = self._completed(rays.moments(rays.second, widens, dt), lost[None])
        added = self._warm(step, second, gas, lines[MOMENTS, own], KAPPA)
        patch.swap_line(second[2:])
        F2, late = self._rates(second, lines[:MOMENTS], widens)
        late.ends = rays.explicit(rays.second, late, 1, (DELTA - KAPPA * GAMMA, 1 - DELTA))
        step.flows, step.fastest = (early, late), self._fastest(late)
        new = gas + dt * (DELTA * F1 + (1 - DELTA) * F2)
        new[2, own] += KAPPA * added
        self._doubt(step, new[0, own].min() > 0, "the density of the gas is not positive")
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
        lines = self._completed(rays.moments(rays.base, widens, step.dt), heat)
        if step.losses_first and step.loses:
            gas = gas.copy()
            gas[2] += lines[MOMENTS]
            step.warmed = self.volumes @ lines[MOMENTS, self.patch.inner]
        return gas, lines[:MOMENTS], widens

    def _drag(self, rho):
        """The speed that takes part in V_A |∂N/∂r|: array (cells,) [cm/s]."""
        return self.V_A(rho) if self.model.waves else np.zeros_like(rho)

    def _warm(self, step, gas, before, lost, weight):
        """Complete the energy of an implicit stage: h × the heat in it (rows,). `weight` of the stage for the ledger."""
        added, given, radiated, reason = self._heat.warm(gas, before, lost, step.h)
        step.waves += weight * given
        step.radiated += weight * radiated
        self._doubt(step, not reason, reason)
        return added

    def _end(self, step, stages, lost, verdict):
        """The last stage of the gas, and what all ranks think of the step: (reason, step)."""
        dt, rays, own = step.dt, self.rays, self.patch.inner
        step.leaving = rays.leaving(dt, CARRIED, DIFFUSED)
        leaving = rays.energy @ step.leaving.sum(axis=0)
        ends = dt * sum(weight * flow.ends for weight, flow in zip(CARRIED, step.flows))
        gas, second, new = stages
        after, heat = step.loses and not step.losses_first, np.zeros(len(lost))
        if after:
            heat = rays.lose(rays.final, new[0] / self.model.mass, dt, rays.after)
        figures = self.patch.sum_lanes(np.concatenate([[*verdict, leaving, ends], lost, heat]))
        lost, heat = figures[5:].reshape(2, -1)
        self._warm(step, new, second, lost, 1.0)
        bent = gas_kernels.bend(gas, second, new, GAMMA, self._own)
        if after:
            new[2, own] += heat
            step.warmed = self.volumes @ heat
        self.patch.swap_line(new)
        step.gas = new
        self._sum_up(step, [*figures[:5], bent])
        if after:
            step.E_cr -= step.warmed
        return step.reason, step

    def _sum_up(self, step, figures):
        """What all ranks of a line know of a step together; figures: the verdict on the CRs (3), their energy that left, through both
        kinds of ends, and the bend of the gas, of this rank's rows."""
        tallies = np.stack([flow.tally[:gas_kernels.FASTEST] for flow in step.flows])
        whole = self.patch.sum_rows(np.concatenate([figures, [step.warmed, step.waves, step.radiated], tallies.ravel()]))
        self._doubt(step, np.isfinite(whole.sum()), NOT_FINITE)
        step.error_rays, step.short, step.E_cr, step.escaped, step.ends, bent, step.warmed, step.waves, step.radiated = whole[:9]
        step.error_gas = np.sqrt(bent / len(self.model.line))
        for flow, tally in zip(step.flows, whole[9:].reshape(tallies.shape)):
            flow.tally[:gas_kernels.FASTEST] = tally

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
