"""One step of gas and CRs together: an unsplit implicit-explicit Runge-Kutta method of second order, ARS(2,2,2) of Ascher, Ruuth & Spiteri 1997.

Explicit (F): the Euler equations with the force of the CRs, advection and adiabatic change of the CRs. Implicit (G): diffusion, loss to waves,
conduction, radiation. With γ = 1 − 1/√2 and δ = 1 − 1/(2γ), in steps τ:

    u₂ = u + γτ F(u) + γτ G(u₂)
    u' = u + δτ F(u) + (1−δ)τ F(u₂) + (1−γ)τ G(u₂) + γτ G(u')

It is L-stable, and its end is an implicit stage: so CRs that diffuse across a cell within a step do not limit it, although their pressure is
explicit (a sound speed c is followed where c τ/Δr < 0.7 √(1 + 2Dτ/Δr²)). The implicit part of the CRs is linear, line by line, and needs of the gas only ρ, which is
explicit; that of the gas needs of the CRs only the heat from waves. So a stage is one direct solve along lines and a small Newton iteration along the gas.
Every rank holds the whole line of gas, the CRs are shared out; a step takes three reductions. Energy passes from one side to the other by the same number at
the same stage, so the sum stays.

Losses (ionisation, Coulomb) move CRs through ln p only, in dense gas through more than a cell in a step: they are a sweep of their own, implicit, before the stages
in one step and after them in the next, so that the errors of the split cancel to second order.
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
    soft : array (cells,)
        Σ γ_i P_i of the CRs that sound compresses [erg/cm³], at the last state that was looked at.
    """

    def __init__(self, model, patch):
        self.model, self.patch, self.rays = model, patch, CosmicRays(model, patch)
        cells, line = len(model.line), model.line
        self.gas, self.soft = np.zeros((3, cells)), np.zeros(cells)
        self._closed = np.array(line.closed)
        self._side, self._flux = np.empty((2, 4, cells + 1)), np.empty((3, cells + 1))
        self._gaps = np.concatenate([[0.0], np.diff(line.centers), [0.0]])
        self._table = model.cooling.tabulate()
        self._law = np.array([k_B / (model.gamma - 1), model.cooling.heating, float(model.radiates), float(model.conducts)])

    # -- the explicit part ------------------------------------------------------------------------------

    def V_A(self, rho):
        """Alfvén speed B/√4πρ [cm/s] of the CRs' waves; array as `rho`."""
        return self.model.B / np.sqrt(4 * np.pi * rho)

    def _rates(self, gas, moments):
        """F of the gas (3, cells) at a state, how it carries the CRs (w, divergence, density, streaming), and figures for the ledger."""
        model, line = self.model, self.model.line
        P, soft = moments
        flow = SimpleNamespace(w=np.empty(len(P) + 1))
        rate, sides, out = np.zeros_like(gas), (0.0, 0.0), np.zeros((3, 2))
        if model.moves:
            gas_kernels.states(gas, P, model.centroids, line.faces, self._closed, model.gamma, self._side)
            gas_kernels.fluxes(self._side, soft, model.gamma, self._flux, flow.w)
            flow.divergence = np.diff(line.areas * flow.w) / line.volumes
            sides = gas_kernels.rates(gas, P, self._flux, flow.divergence, line.areas, line.volumes, rate)
            out = self._flux[:, [0, -1]] * line.areas[[0, -1]] * [-1, 1]
        else:
            gas_kernels.carry(gas, self._closed, flow.w)
            flow.divergence = np.diff(line.areas * flow.w) / line.volumes
        work, warmth = line.volumes @ (P * flow.divergence), np.zeros_like(P)
        if model.streaming:
            self._stream(flow, gas[0], P, warmth)
            rate[2] += warmth
        # What streaming CRs do beyond the ends of the line is in no cell.
        edge = line.areas[-1] * flow.w[-1] * P[-1] - line.areas[0] * flow.w[0] * P[0] if model.streaming and not model.moves else 0.0
        tally = SimpleNamespace(work=work, waves=line.volumes @ warmth, edge=edge, out=out.sum(axis=1), momentum_out=out[1, 1] - out[1, 0], sides=sides)
        return rate, flow, tally

    def _stream(self, flow, rho, P, warmth):
        """Let the CRs drift down the gradient of their pressure with the Alfvén speed; the gas has −w_s ∂P/∂r ≥ 0, half of it on either side of a face."""
        line, V_A = self.model.line, self.V_A(rho)
        slope = np.diff(P) / np.maximum(np.abs(np.diff(P)) + 1e-9 * P[1:], 1e-300)
        speed = -0.5 * (V_A[1:] + V_A[:-1]) * slope
        given = -0.5 * line.areas[1:-1] * speed * np.diff(P)
        warmth[:-1] += given / line.volumes[:-1]
        warmth[1:] += given / line.volumes[1:]
        flow.w[1:-1] += speed
        flow.divergence = np.diff(line.areas * flow.w) / line.volumes

    def _everywhere(self, *parts):
        """Rows that this rank has of lines (k, rows), added up over the ranks as whole lines (Σk, cells)."""
        lines = np.zeros((sum(len(part) for part in parts), len(self.model.line)))
        lines[:, self.patch.own_rows] = np.concatenate(parts)
        return self.patch.comm.sum(lines.ravel()).reshape(lines.shape)

    def survey(self):
        """Where energy goes at the present state: dict of arrays (cells,) [erg/cm³, erg/(cm³ s)]. Collective; nothing of the state changes."""
        model, line, rays, gas = self.model, self.model.line, self.rays, self.gas
        rays.fill(rays.u)
        drag = self.V_A(gas[0]) if model.waves else np.zeros(len(line))
        P, _, lost, e_cr, heat = self._everywhere(rays.moments(rays.u, 0.0), rays.dragged(drag), rays.energy_density(), rays.heat_of_losses(gas[0] / model.mass))
        slope, n = np.gradient(P, line.centers), gas[0] / model.mass
        if model.streaming:
            lost = self.V_A(gas[0]) * np.abs(slope)
        T = (gas[2] - 0.5 * gas[1] ** 2 / gas[0]) / (self._law[0] * n)
        K = conductivity(T)
        flux = np.zeros(len(line) + 1)
        flux[1:-1] = -0.5 * (K[1:] + K[:-1]) * np.diff(T) / np.diff(line.centers) * line.areas[1:-1]
        return {"P_cr": P, "e_cr": e_cr, "work": -gas[1] / gas[0] * slope, "losses": heat, "waves": lost,
                "conduction": -np.diff(flux) / line.volumes * model.conducts,
                "radiation": n * (model.cooling.heating - n * model.cooling.rate(T)) * model.radiates}

    def fastest(self, gas, soft, flow):
        """The largest (speed of a signal)/(width of a cell) [1/s]."""
        widths = self.model.line.widths
        here = gas_kernels.signal(gas, soft, widths, self.model.gamma) if self.model.moves else 0.0
        w = np.maximum(np.abs(flow.w[1:]), np.abs(flow.w[:-1]))
        # What passes through lanes in momentum must not empty one in a step either.
        return max(here, (w / widths).max(), np.abs(flow.divergence).max() / (3 * self.rays.step))

    # -- a step -------------------------------------------------------------------------------------------

    def begin(self, dt):
        """Look at the initial state: `fastest` for a first step of about dt [s]. Collective."""
        self.rays.fill(self.rays.u)
        moments = self._everywhere(self.rays.moments(self.rays.u, dt))
        _, flow, _ = self._rates(self.gas, moments)
        return self.fastest(self.gas, moments[1], flow)

    def attempt(self, dt, scale, losses_first):
        """Try a step of dt [s]: (reason to refuse it, or "", and what happened). Collective.

        scale : array (lanes of this rank,), 1/content, by which errors of the CRs are judged.
        """
        h, rays, step = GAMMA * dt, self.rays, SimpleNamespace(dt=dt, h=GAMMA * dt, warmed=0.0, losses_first=losses_first, G=[], heat=[])
        gas, moments = self._start(step)
        F1, flow, tally = self._rates(gas, moments)
        tally.ends = rays.explicit(rays.base, flow, 0)
        rho, m, E = gas + h * F1
        if not rho.min() > 0:
            return "the density is not positive", None
        lost = rays.solve((1.0, h, 0.0), h, self._drag(rho), rays.base, rays.base, rays.second, 0)
        rays.fill(rays.second)
        lines = self._everywhere(rays.moments(rays.second, dt), lost[None])
        e = gas[2] - 0.5 * gas[1] ** 2 / gas[0]
        second, reason = self._warm(step, (rho, m, E), lines[MOMENTS], e)
        if reason:
            return reason, None
        F2, flow, late = self._rates(second, lines[:MOMENTS])
        late.ends = rays.explicit(rays.second, flow, 1, (DELTA - KAPPA * GAMMA, 1 - DELTA))
        step.tallies, step.lost, step.fastest = (tally, late), [lines[MOMENTS]], self.fastest(second, lines[1], flow)
        new = gas + dt * (DELTA * F1 + (1 - DELTA) * F2)
        new[2] += KAPPA * step.G[0]
        if not new[0].min() > 0:
            return "the density is not positive", None
        lost = rays.solve((1 - KAPPA, dt, KAPPA), h, self._drag(new[0]), rays.second, rays.second, rays.final, 1)
        return self._end(step, new, lost, (e, second), rays.verdict(GAMMA, scale))

    def _start(self, step):
        """The state from which the stages start: gas (3, cells) and the moments of the CRs."""
        rays, gas, heat = self.rays, self.gas, np.zeros((1, self.patch.rows))
        step.loses = self.model.loss.any()
        if step.losses_first and step.loses:
            heat[0] = rays.lose(rays.u, gas[0] / self.model.mass, step.dt, rays.base)
        else:
            np.copyto(rays.base, rays.u)
        rays.fill(rays.base)
        lines = self._everywhere(rays.moments(rays.base, step.dt), heat)
        if step.losses_first and step.loses:
            gas = gas.copy()
            gas[2] += lines[MOMENTS]
            step.warmed = self.model.line.volumes @ lines[MOMENTS]
        return gas, lines[:MOMENTS]

    def _drag(self, rho):
        """The speed that takes part in V_A |∂N/∂r|: array (cells,) [cm/s]."""
        return self.V_A(rho) if self.model.waves else np.zeros_like(rho)

    def _warm(self, step, explicit, lost, e_guess):
        """An implicit stage of the gas, from ρ, ρv, E of all else and the heat of waves: (gas (3, cells), reason to refuse the step or "")."""
        rho, m, E = explicit
        n, kinetic = rho / self.model.mass, 0.5 * m * m / rho
        base = E - kinetic
        found = self._heat(base + lost, n, step.h, e_guess / (self._law[0] * n))
        if found is None:
            return None, "the pressure of the gas is not positive"
        e = self._law[0] * n * found.T
        step.G.append(e - base)
        step.heat.append(found)
        return np.stack([rho, m, kinetic + e]), ""

    def _end(self, step, new, lost, before, verdict):
        """The last stage of the gas, and what all ranks think of the step: (reason, step)."""
        dt, rays, patch, cells = step.dt, self.rays, self.patch, len(self.model.line)
        leaving = rays.energy @ rays.leaving(dt, CARRIED, DIFFUSED).sum(axis=0)
        ends = dt * sum(weight * tally.ends for weight, tally in zip(CARRIED, step.tallies))
        lines = np.zeros((2, cells))
        lines[0, patch.own_rows] = lost
        after = step.loses and not step.losses_first
        if after:
            lines[1, patch.own_rows] = rays.lose(rays.final, new[0] / self.model.mass, dt, rays.after)
        figures = patch.comm.sum([*verdict, leaving, ends, *lines.ravel()])
        if not np.isfinite(figures).all():
            return "the CRs are not finite", None
        step.error_rays, step.short, step.E_cr, step.escaped, step.ends = figures[:5]
        lost, heat = figures[5:].reshape(2, cells)
        step.lost.append(lost)
        e, second = before
        e_second = second[2] - 0.5 * second[1] ** 2 / second[0]
        step.gas, reason = self._warm(step, new, lost, e_second)
        if reason:
            return reason, None
        e_new = step.gas[2] - 0.5 * step.gas[1] ** 2 / step.gas[0]
        step.error_gas = np.sqrt(np.mean(((e_new - e - (e_second - e) / GAMMA) / e_new) ** 2))
        if after:
            step.gas[2] += heat
            step.warmed = self.model.line.volumes @ heat
            step.E_cr -= step.warmed
        return "", step

    def _heat(self, e, n, h, guess):
        """T and what is conducted and radiated at an implicit stage, from the internal energy that all else leaves; None if there is no solution."""
        line, cells = self.model.line, len(self.model.line)
        found = SimpleNamespace(T=np.maximum(guess, 1e-3), K=np.empty(cells + 1), conducted=np.empty(cells), radiated=np.empty(cells))
        iterations = thermal_kernels.heat(e, n, h, self._law, line.areas, line.volumes, self._gaps, *self._table, found.T, found.K,
                                          found.conducted, found.radiated)
        return found if iterations > 0 and found.T.min() > 0 else None

    def accept(self, step):
        """The end of a step becomes the state."""
        rays = self.rays
        self.gas = step.gas
        rays.accept(rays.leaving(step.dt, CARRIED, DIFFUSED))
        if step.loses and not step.losses_first:
            rays.u, rays.after = rays.after, rays.u
