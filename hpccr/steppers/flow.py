"""CRs and the gas that they push, ready to take steps: state, step control, budgets. No files and no clocks here; the driver adds
them."""

import functools
from dataclasses import dataclass, replace

import numpy as np

from hpccr import parallel
from hpccr.errors import RunError
from hpccr.grid.axis import Axis
from hpccr.grid.patch import Patch
from hpccr.physics import protons
from hpccr.steppers.clock import Clock
from hpccr.steppers.imex import NOT_FINITE, Imex
from hpccr.steppers.ledger import E_CR_LEFT, ERRORS, FLOWS, Ledger
from hpccr.units import k_B, kyr

_MOST_TRIES = 40
# Then the gas is taken as constant in its cells.
_SHARP_TRIES = 4


@dataclass
class Model:
    """The equations of a flow, in numbers.

    Attributes
    ----------
    line, lane : Axis
        r, and ln p with equal cells.
    gamma, mass : float
        Adiabatic index and mean mass [g] of the gas.
    B : float
        Magnetic field in V_A [G].
    D : array (lanes,)
        Diffusion coefficients [cm²/s].
    loss : array (lanes + 1,)
        |d ln p/dt| per unit density on lane faces [cm³/s].
    slope : float
        α of pN ~ p^−α, about which face values in p are interpolated.
    cooling : physics.cooling.Cooling
    radiates, conducts, waves, streaming, moves : bool
        Which processes act; waves: loss V_A|∂N/∂r|; streaming: transport with V_A instead; moves: the gas follows its equations
        of motion.
    streaming_length : float
        Where the CR pressure varies over more than this, CRs stream more slowly [cm].
    """

    line: Axis
    lane: Axis
    gamma: float
    mass: float
    B: float
    D: np.ndarray
    loss: np.ndarray
    slope: float
    cooling: object
    radiates: bool
    conducts: bool
    waves: bool
    streaming: bool
    streaming_length: float
    moves: bool

    @property
    def per(self):
        """What a total is counted by: nothing in a sphere, an area in a slab."""
        return "" if self.line.metric == "sphere" else "/cm2"

    def temperature(self, gas):
        """T [K] of a line of gas (3, cells), ρ, ρv, E: array (cells,)."""
        return (self.gamma - 1) * self.mass / k_B * (gas[2] - 0.5 * gas[1] ** 2 / gas[0]) / gas[0]


class Flow:
    """What one run of gas and CRs computes with.

    Parameters
    ----------
    problem : Problem
        Offers model(), initial_gas(cells) (3, cells), initial_rays(rows, lanes) and observer(flow).
    comm : Comm

    Attributes
    ----------
    patch, imex, ledger, stepper
        The stepper is a Clock whose `fastest` is the inverse of the time in which a signal crosses a cell [1/s].
    content : array (lanes,)
        CRs in the box at the start [per ln p], all lanes.
    """

    def __init__(self, problem, comm):
        self.problem, self.comm, self.model = problem, comm, problem.model()
        time = problem.deck.time
        self.rtol, self.courant, self.longest = time.rtol, time.courant, time.max_step or np.inf
        self.patch = Patch(len(self.model.line), len(self.model.lane), comm)
        comm.root_first(self._compile)
        self.imex, self.ledger, self.stepper = Imex(self.model, self.patch), Ledger(self.model), Clock(fastest=0.0)
        self.content, self.E_cr = np.zeros(len(self.model.lane)), 0.0
        self.observer = problem.observer(self)

    def _compile(self):
        """Take a step on a few cells, which compiles every kernel; without a message."""
        model = replace(self.model, line=Axis("r", np.linspace(0.0, 8.0, 9) * 1e18, self.model.line.metric, (True, False)),
                        lane=Axis("p", np.linspace(-40.0, -38.0, 5)), D=np.full(4, 1e20), loss=np.full(5, 1e-30))
        patch = Patch(8, 4, parallel.alone())
        # One part of a line, or of the lanes, takes the same kernels as one of many.
        patch.column, patch.row = self.patch.column and parallel.alone(), self.patch.row and parallel.alone()
        imex = Imex(model, patch)
        imex.gas = np.array([[model.mass], [0.0], [1e-12]]) * np.ones((3, 8))
        imex.rays.u[...] = 1e-12
        imex.begin(1.0)
        imex.rays.content(imex.rays.u)
        imex.rays.dragged(np.zeros(8))
        imex.attempt(1.0, np.ones(4), True)

    # -- state --------------------------------------------------------------------------------------------

    def begin(self):
        """The initial state at t = 0; collective."""
        imex, problem, clock = self.imex, self.problem, self.stepper
        imex.gas[...] = problem.initial_gas(self.patch.span)
        self.patch.own(imex.rays.u)[...] = problem.initial_rays(self.patch.own_rows, self.patch.own_lanes)
        inside = imex.rays.content(imex.rays.u)
        self.content = self.lanes(inside)
        self.E_cr = self.comm.sum(imex.rays.energy @ inside)[0]
        self.ledger.first = self.totals()
        time = problem.deck.time
        clock.dt = min(time.first_step or problem.first_step(), self.longest)
        clock.fastest = self.comm.max(imex.begin(clock.dt))[0]
        self.observer.begin()

    def lanes(self, part):
        """All lanes on all ranks, from each rank's (lanes,) over its rows: array (all lanes,); collective."""
        whole = np.zeros(len(self.model.lane))
        whole[self.patch.own_lanes] = part
        return self.comm.sum(whole)

    def totals(self):
        """mass, momentum, E_gas, E_cr of the present state [CGS; in a slab per cm²]: dict; collective."""
        mass, momentum, E_gas = self.patch.sum_rows(self.imex.gas[:, self.patch.inner] @ self.imex.volumes)
        return {"mass": mass, "momentum": momentum, "E_gas": E_gas, "E_cr": self.E_cr}

    def errors(self):
        """What the budgets of mass, momentum and energy lack, see Ledger.errors; collective."""
        return self.ledger.errors(self.totals())

    def state(self):
        """What a checkpoint holds beside gas and CRs: plain values."""
        return {**self.stepper.state(), "E_cr": self.E_cr, "ledger": self.ledger.state(), "observer": self.observer.state()}

    def resume(self, plain):
        """Take back what `state` gave; this rank's gas and CRs are in place already. Collective."""
        self.patch.swap_line(self.imex.gas)
        self.stepper.restore(plain)
        self.E_cr = plain["E_cr"]
        self.ledger.restore(plain["ledger"])
        self.observer.restore(plain["observer"])

    # -- steps --------------------------------------------------------------------------------------------

    def step(self, t_stop, vote):
        """One accepted step, at most to t_stop [s]; the agreed votes, as Simulation.step. Collective.

        Raises
        ------
        RunError
            The step cannot be made however short it is.
        """
        clock, imex = self.stepper, self.imex
        limit = min(self.courant / max(clock.fastest, 1e-300), self.longest)
        scale = self._scale
        reason = ""
        for tries in range(_MOST_TRIES):
            free = min(clock.dt, limit)
            dt = clock.length(free, t_stop)
            if dt < 1e-12 * clock.t and dt < t_stop - clock.t:
                self._give_up("the steps have become too short", reason)
            reason, outcome = imex.attempt(dt, scale, clock.number % 2 == 1, tries < _SHARP_TRIES)
            reason, factor = (reason, 0.3) if reason else self._judge(outcome)
            # Several ranks have the same gas, but only what is agreed counts: processors that round differently must not part.
            refused, shorter, fastest, *votes = self.comm.max([float(bool(reason)), -factor, outcome.fastest, *vote()])
            factor = -shorter
            if not refused:
                break
            clock.rejections += 1
            clock.dt = max(0.2, min(0.8, factor)) * dt
        else:
            self._give_up("no step is short enough", reason)
        clock.fastest = fastest
        self._accept(outcome, t_stop)
        # A step that an output time has cut short says nothing against a longer one.
        longer = min(dt * min(2.0, factor), 1.25 * limit)
        clock.dt = max(longer, min(clock.dt, limit)) if dt < 0.99 * free else longer
        return votes

    @functools.cached_property
    def _scale(self):
        """What an error of a lane weighs: array (lanes of this rank,), one over the content that it began with, or may get from
        lanes above or next to it."""
        content, reach = self.content, int(np.ceil(1 / self.imex.rays.step))
        may = np.maximum.accumulate(content[::-1])[::-1]
        for shift in range(1, min(reach, len(content) - 1) + 1):
            may[shift:] = np.maximum(may[shift:], content[:-shift])
        # A lane that holds next to nothing of the energy is not worth a step.
        kinetic = protons.kinetic_energy(np.exp(self.model.lane.centers))
        part = np.maximum(may, 1e-6 * (kinetic @ content) / kinetic)[self.patch.own_lanes]
        return np.where(part > 0, 1.0 / np.maximum(part, 1e-300), 0.0) / len(content)

    def _judge(self, outcome):
        """(reason to refuse a step or "", by how much the next may be longer)."""
        error = max(outcome.error_rays / self.rtol, outcome.error_gas / (50 * self.rtol), 1e-10)
        factor = 0.9 / np.sqrt(error)
        if error > 1:
            return f"its error is {error:.3g} times what is allowed", factor
        if outcome.short > 10 * self.rtol:
            return f"CRs fall below zero by {outcome.short:.2g} of their content", 0.3
        return "", factor

    def _give_up(self, what, reason):
        """End on all ranks, with the reason of the first that has one; collective."""
        rho = self.imex.gas[0, self.patch.inner]
        j = int(np.argmin(rho))
        thinnest = -self.patch.highest([-rho[j]])[0]
        cell = self.patch.highest([self.patch.first_row + j if rho[j] <= thinnest else -1])[0]
        place = f"the gas is thinnest in cell {cell:.0f}, n = {thinnest / self.model.mass:.3g} cm-3"
        # What has become of the others by it comes last.
        text = f"{what} at t = {self.stepper.t / kyr:.6g} kyr, step {self.stepper.number}"
        for first in (True, False):
            self.comm.agree(RunError(f"{text}: {reason}; {place}") if reason and not (first and reason == NOT_FINITE) else None)
        raise RunError(f"{text}; {place}")

    def _accept(self, outcome, t_stop):
        """Take the step, and book what it moved."""
        clock, dt = self.stepper, outcome.dt
        self.imex.accept(outcome)
        self.E_cr = outcome.E_cr
        if outcome.short > 0:
            early = self._lift()
            self.E_cr, outcome.escaped = self.E_cr + early, outcome.escaped - early
        self.ledger.enter(outcome)
        clock.advance(dt, t_stop)

    def _lift(self):
        """Set what fell below zero to zero; the rest of its line gives it back. Energy [erg] of what a nearly empty line cannot:
        it had left too early. Collective."""
        rays, patch = self.imex.rays, self.patch
        own, volume = patch.own(rays.u), rays.volume
        sums = patch.sum_rows(np.concatenate([volume @ np.minimum(own, 0.0), volume @ np.maximum(own, 0.0)]))
        below, above = -sums[:patch.lanes], sums[patch.lanes:]
        np.maximum(own, 0.0, out=own)
        own *= np.where(above > below, 1.0 - below / np.where(above > below, above, 1.0), 0.0)
        early = np.maximum(below - above, 0.0) * patch.at_last
        rays.escaped[1] -= early
        return self.comm.sum(rays.energy @ early)[0]

    def history(self):
        """This step's figures: list of (column, unit, value, meaning); collective."""
        c, now = self.stepper, self.totals()
        return [("step", "1", c.number, "steps so far"), ("time", "kyr", c.t / kyr, "simulated time"),
                ("dt", "kyr", (c.t - c.t_before) / kyr, "length of the last step"),
                ("rejections", "1", c.rejections, "steps so far that were refused and repeated, shorter"),
                *self.ledger.history(now), *self.observer.history()]

    def summary(self):
        """The final figures; collective."""
        errors = self.errors()
        unit, flows = "erg" + self.model.per, self.ledger.flows
        return {"E_cr_left": {"value": self.E_cr, "unit": unit, "definition": E_CR_LEFT},
                **{name: {"value": flows[name], "unit": unit, "definition": meaning} for name, meaning in FLOWS.items() if name.startswith("E_")},
                **{name: {"value": value, "unit": "1", "definition": ERRORS[name]} for name, value in zip(ERRORS, errors)},
                **self.observer.summary()}

    def destroy(self):
        """Give back what the ranks hold together."""
        self.patch.destroy()
