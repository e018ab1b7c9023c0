"""One implicit adaptive step after another, by PETSc TS.

The default is the Rosenbrock-W method ra34pw2 (four stages, third order, L-stable; Rang & Angermann 2005):
one Jacobian a step, no memory of earlier steps, so that a restart from (u, t, Δt, step) continues bit for
bit, and full order with the upwind Jacobian of a limited flux. All of it can be changed by PETSc options.
"""

import sys

import numpy as np

from hpccr.deck.common import no_option
from hpccr.errors import InputError, RunError
from hpccr.operators.petsc_matrix import PLACE, Assembled, BlockMatrix, LinePreconditioner, complaint, refused

# PETSC_ERR_FP: a norm that is not a number, which all ranks meet in the same reduction.
_NOT_FINITE = 72

# What the deck decides; PETSc would be overruled silently.
_ELSEWHERE = {"ts_rtol": "time.rtol", "ts_atol": "time.rtol", "ts_max_time": "time.end", "ts_init_time": "time.end"}

# PETSc has more: explicit ones, ones for second derivatives in time, and ones that need what a System does not give.
KINDS = ("rosw", "arkimex", "bdf", "cn", "beuler", "theta", "alpha")
DEFAULTS = {
    "ts_type": "rosw", "ts_rosw_type": "ra34pw2", "ts_adapt_type": "basic", "ts_adapt_clip": "0.1,4",
    "ts_adapt_safety": "0.9",
    # Newton's full step: a step in time that is too long for it is shortened instead.
    "snes_linesearch_type": "basic", "snes_max_it": "20", "snes_atol": "1e-300",
}


def initialise(options=()):
    """Start PETSc on MPI's world with a list of options ("-ts_type", "bdf", …); later calls add options.

    Raises
    ------
    InputError
        Not an option, or one that is the deck's to set.
    """
    import petsc4py

    options = list(options)
    if no_option(options) is not None:
        raise InputError("not a PETSc option", where=PLACE, given=no_option(options), allowed="-name [value], as -ts_type bdf, without nan")
    if "petsc4py.PETSc" not in sys.modules:
        # Once only: every further call would end PETSc once more, and its end is collective.
        # Signals are the driver's. At the end PETSc names the options that nothing used: they may be misspelt.
        petsc4py.init(["hpccr", "-no_signal_handler", *options, *(["-options_left"] if options else [])])
    from petsc4py import PETSc

    if options:
        PETSc.Options().insertString(" ".join(options))
    for name, instead in _ELSEWHERE.items():
        if PETSc.Options().hasName(name):
            raise InputError(f"-{name} is not PETSc's to set here", where=PLACE, given=f"-{name}", allowed=f"{instead} in the deck, or by --set")
    return PETSc


class Stepper:
    """PETSc TS around a System.

    Parameters
    ----------
    system : System
    tolerances : (array, array)
        Absolute and relative error allowed per unknown, each (nodes, fields, lanes).
    max_step : float
        Longest step [s]; inf for none.

    Attributes
    ----------
    u : PETSc.Vec
        The state at time t.
    """

    def __init__(self, system, tolerances, max_step=np.inf):
        from petsc4py import PETSc

        self.system, self.mesh = system, system.mesh
        self._defaults = self._set_defaults(PETSc.Options(), system.mesh.coupled, max_step)
        self.u, self._before, self._residual = (self.mesh.vector() for _ in range(3))
        limits = [self.mesh.vector(), self.mesh.vector()]
        for vector, values in zip(limits, tolerances):
            self.mesh.array(vector)[...] = values
        self._vectors = [self.u, self._before, self._residual, *limits]
        self.ts = PETSc.TS().create(comm=self.mesh.comm.raw)
        self.ts.setDM(self.mesh.dm)
        self.ts.setIFunction(system.residual, self._residual)
        self._set_jacobian(PETSc, system)
        self.ts.setTolerances(atol=limits[0], rtol=limits[1])
        self.ts.setExactFinalTime(PETSc.TS.ExactFinalTime.MATCHSTEP)
        self.ts.setMaxSteps(2**31 - 1)
        self.ts.setMaxStepRejections(60)
        self.ts.setMaxSNESFailures(1000000)      # a failed solve shortens the step
        self.petsc_error = PETSc.Error
        self._take_options(PETSc.Options())
        kind = self.ts.getType()
        if kind not in KINDS:
            self.destroy()
            raise InputError("this time stepping is not possible here", where=PLACE, given=f"-ts_type {kind}", allowed=", ".join(KINDS))
        self.fixed = PETSc.Options().getString("ts_adapt_type", "basic") == "none"
        # What a user may give as PETSc options instead of in the deck.
        options = PETSc.Options()
        self.max_steps = self.ts.getMaxSteps()
        self.first_step = self.ts.getTimeStep() if options.hasName("ts_dt") or options.hasName("ts_time_step") else None
        self._set_preconditioner(PETSc)
        self.ts.setSolution(self.u)
        self.t, self.t_before, self.number, self.dt, self.refused = 0.0, 0.0, 0, None, 0
        self.offset = 0, 0        # iterations and rejections before a restart

    def _take_options(self, options):
        """Let PETSc read its options."""
        try:
            self.ts.setFromOptions()
        except self.petsc_error as error:
            mine = {name: value for name, value in options.getAll().items()
                    if name not in self._defaults and name not in ("no_signal_handler", "options_left")}
            # What Python holds must be gone before Python is.
            self.destroy()
            raise refused(error, "TS, SNES, KSP and PC",
                          " ".join(f"-{name} {value or ''}".strip() for name, value in mine.items())) from None

    @staticmethod
    def _set_defaults(options, coupled, max_step):
        """Write our choices into PETSc's options where the user said nothing; returns what was written."""
        chosen = dict(DEFAULTS)
        # Our preconditioner solves uncoupled lines exactly; any other needs a Krylov method around it.
        iterate = coupled or options.hasName("pc_type")
        chosen.update({"ksp_type": "fgmres", "ksp_rtol": "1e-9"} if iterate else {"ksp_type": "preonly"})
        if not options.hasName("pc_type"):
            # Lines solved exactly leave little to do; where hundreds of iterations do not do it, a shorter step will.
            chosen["ksp_max_it"] = "500"
        if np.isfinite(max_step):
            chosen["ts_adapt_dt_max"] = repr(float(max_step))
        chosen = {name: value for name, value in chosen.items() if not options.hasName(name)}
        for name, value in chosen.items():
            options.setValue(name, value)
        return chosen

    def _set_jacobian(self, PETSc, system):
        """Give PETSc the matrix, and the function that fills it."""
        n, total = int(np.prod(self.mesh.shape)), self.mesh.nodes * len(self.mesh.fields) * self.mesh.lanes
        self.assembled = Assembled(system) if PETSc.Options().hasName("pc_type") else None
        if self.assembled:
            self.matrix = self.assembled.matrix
        else:
            self.matrix = PETSc.Mat().createPython(((n, total), (n, total)), BlockMatrix(system),
                                                   comm=self.mesh.comm.raw)
            self.matrix.setUp()

        def jacobian(ts, t, u, rate, shift, J, P):
            system.jacobian(t, u, shift)
            if self.assembled:
                self.assembled.fill()
            self.matrix.assemble()

        self.ts.setIJacobian(jacobian, self.matrix, self.matrix)

    def _set_preconditioner(self, PETSc):
        """Lines solved directly, unless the user chose a preconditioner of PETSc's."""
        ksp = self.ts.getSNES().getKSP()
        if not PETSc.Options().hasName("pc_type"):
            pc = ksp.getPC()
            pc.setType("python")
            # A Rosenbrock method that applies the preconditioner alone never multiplies by the matrix again.
            alone = ksp.getType() == "preonly" and self.ts.getType() == "rosw"
            pc.setPythonContext(LinePreconditioner(self.system, in_place=alone))

    def begin(self, t, dt, number=0):
        """Start, or go on, at time t [s] with the step dt [s] and the step number; `u` holds the state."""
        self.t, self.dt, self.number = t, dt, number
        self.ts.setTime(t)
        self.ts.setStepNumber(number)

    def step(self, t_stop, inspect):
        """Make one accepted step, at most to t_stop [s], which is hit exactly.

        Parameters
        ----------
        t_stop : float
        inspect : callable () -> str
            Looks at the new state in `u`; a reason to refuse it, or "". It must answer alike on all ranks.

        Raises
        ------
        RunError
            The step cannot be made however short it is.
        """
        self.u.copy(self._before)
        dt = self.dt
        for _ in range(60):
            dt = min(dt, t_stop - self.t)
            self.ts.setMaxTime(t_stop)
            self.ts.setTimeStep(dt)
            reason = self._try() or inspect()
            if not reason:
                return self._accept(t_stop)
            self.refused += 1
            self._before.copy(self.u)
            dt = 0.25 * dt
            self.begin(self.t, self.dt, self.number)
            self.ts.restartStep()
        raise RunError(f"no step is short enough at t = {self.t:.6g} s, step {self.number}: {reason}")

    def _try(self):
        """Let PETSc make a step; a reason to refuse it, or ""."""
        try:
            self.ts.step()
        except self.petsc_error as error:
            if error.ierr == _NOT_FINITE:
                return "the state is not finite"
            raise RunError(f"PETSc's time stepper stopped at t = {self.t:.6g} s, step {self.number}: {complaint(error)}") from None
        return ""

    def _accept(self, t_stop):
        """Read time, step and number from PETSc after a step."""
        t = self.ts.getTime()
        if abs(t - t_stop) <= 1e-12 * abs(t_stop):
            t = t_stop
            self.ts.setTime(t)
        if not self.fixed:
            self.dt = self.ts.getTimeStep()
        self.t_before, self.t, self.number = self.t, t, self.ts.getStepNumber()
        self.ts.monitor(self.number, t, self.u)

    @property
    def before(self):
        """The state before the last step (PETSc.Vec)."""
        return self._before

    @property
    def iterations(self):
        """Linear iterations so far."""
        return self.offset[0] + self.ts.getKSPIterations()

    @property
    def rejections(self):
        """Steps that were tried and not taken so far."""
        return self.offset[1] + self.ts.getStepRejections() + self.refused

    def destroy(self):
        """Give everything back to PETSc, in an order that leaves no Python context behind."""
        from petsc4py import PETSc

        self.ts.destroy()
        self.matrix.destroy()
        for vector in self._vectors:
            vector.destroy()
        options = PETSc.Options()
        for name in self._defaults:
            options.delValue(name)
