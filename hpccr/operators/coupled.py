"""Streaming and scattering solved together: (1 − τ(Z + S)) f = x by GMRES, for steps much longer than the way between two cells.

The preconditioner works on two scales. Lines: at each z by itself, scattering with the diagonal of streaming, exactly. Slow modes: the
few eigenfunctions of scattering that decay most slowly are all that can cross many cells within a step, so their banded system along z
is solved exactly (see slow_modes) between two passes over the lines. GMRES then takes two to six iterations,
whatever ε, τ, the number of cells and of ranks are: for what is neither slow nor local decays before it gets anywhere. (The diffusion
acceleration of neutron transport, Kopp 1963, is this with one mode; for scattering in small angles, Morel & Manteuffel 1991.)
"""

import numpy as np

from hpccr.errors import InputError
from hpccr.grid.strip import GHOSTS
from hpccr.operators import pitch_kernels as kernels
from hpccr.operators.petsc_matrix import refused
from hpccr.operators.scattering import Scattering
from hpccr.operators.slow_modes import SlowModes

TINY = 1e-60
# What the fifth-order flux of a cell takes from itself is 1/3 of |s|/Δz; twice that makes the passes over the lines converge.
DIAGONAL = 2.0 / 3.0


class Coupled:
    """(1 − τ(Z + S))⁻¹ on a rank's strip.

    Parameters
    ----------
    model : steppers.kinetic.Model
    streaming, scattering : Streaming, Scattering
    strip : Strip
    tolerance : float
        Of GMRES, for the change in a stage.

    Attributes
    ----------
    iterations : int
        Linear iterations so far.
    """

    def __init__(self, model, streaming, scattering, strip, tolerance=1e-10):
        self.streaming, self.scattering, self.strip, self.iterations = streaming, scattering, strip, 0
        self.tolerance = max(tolerance, 1e-13)
        rows = len(model.pitch)
        self._model = model
        self.shape = rows, strip.count + 2 * GHOSTS
        # What flows in is no part of the linear operator.
        self.linear = type(streaming)(model.tube, model.pitch, model.epsilon, model.ends, np.zeros((2, rows)), strip)
        self._work, self._z, self._s, self._y, self._x, self._right, self._step = (strip.array(rows) for _ in range(7))
        self._nothing, self._none, self._tau = np.zeros(4), np.zeros((0, *self.shape)), None
        self._lines = self._slow = self._solver = None

    def prepare(self):
        """Start PETSc's solver, so that what it refuses of the user's options is refused at once; collective.

        Raises
        ------
        InputError
            PETSc does not take them.
        """
        from petsc4py import PETSc

        try:
            self._solver = self._make(PETSc)
        except PETSc.Error as error:
            raise refused(error, "KSP, with the preconditioner that is there") from None

    def solve(self, tau, start, known, out, rate, share, through):
        """out ← f with f − τ(Z f + S f) = x, and rate ← Z f + S f, in the own cells, all (rows, count + 6); collective.

        Face values are without limits here, so that the system is linear.

        Parameters
        ----------
        tau : float
        start : array (rows, count + 6)
            (Z + S) u, with what flows in.
        known : (u, parts, weights)
            x = u + Σ weights parts.
        share, through
            As Streaming.rate, for what f sends through the ends.

        Returns
        -------
        bool
            Whether GMRES has converged; alike on all ranks.
        """
        self._factor(tau)
        own, x = self.strip.own, self._x
        kernels.combine(*known, x)
        # Far tails fall below the smallest normal numbers, which slow arithmetic down tenfold; this little more of f keeps them above.
        own(self._right)[...] = own(x) - own(known[0]) + tau * own(start) + TINY
        converged = self._gmres(self._right)
        own(out)[...] = own(known[0]) + own(self._step)
        # Z f + S f is (f − x)/τ but for what GMRES has left; of that the part that would change the number is put right.
        self.streaming.rate(out, self._z, share, through, False)
        self.scattering.rate(out, self._s)
        left = own(x) - own(out) + tau * (own(self._z) + own(self._s))
        own(rate)[...] = (own(out) - own(x) + 0.5 * (self.scattering.widths @ left)) / tau
        return converged

    def _factor(self, tau):
        """Prepare lines and slow modes for τ."""
        if tau == self._tau:
            return
        if self._lines is None:
            # Many runs never need them.
            self._lines, self._slow = self._make_lines(), SlowModes(self._model, self.strip)
        self._tau = tau
        self._slow.factor(tau)

    def _make_lines(self):
        """Scattering with the diagonal of streaming, at each z by itself."""
        pitch, tube, cells = self._model.pitch, self._model.tube, self.strip.own_cells
        # Of Gauss points one matrix serves all cells.
        widths = np.median(tube.widths) if pitch.spectral else tube.widths[cells]
        loss = (DIAGONAL * self._model.epsilon * np.abs(pitch.cosines))[:, None] / widths
        return Scattering(pitch, self._model.law, self._model.drift[cells], False, loss)

    def _clear(self, u):
        """Ghosts are no unknowns: they stay zero in what PETSc adds up."""
        u[:, :GHOSTS] = u[:, -GHOSTS:] = 0.0

    def _gmres(self, right):
        """Solve into `_step`; whether it converged. PETSc's vectors are arrays (rows, count + 6) with zero ghosts."""
        if self._solver is None:
            self.prepare()
        ksp, b, x, _ = self._solver
        b.getArray()[...] = right.ravel()
        ksp.solve(b, x)
        self._step[...] = x.getArray(readonly=True).reshape(self.shape)
        self.iterations += ksp.getIterationNumber()
        return ksp.getConvergedReason() > 0

    def _make(self, PETSc):
        """PETSc's solver with the user's options, its vectors and its matrix."""
        comm, size = self.strip.comm.raw, (self._z.size, None)
        matrix = PETSc.Mat().createPython((size, size), _Matrix(self), comm=comm)
        matrix.setUp()
        ksp = PETSc.KSP().create(comm)
        ksp.setOperators(matrix)
        ksp.setType("gmres")
        ksp.setPCSide(PETSc.PC.Side.RIGHT)
        ksp.setTolerances(rtol=self.tolerance, max_it=60)
        ksp.getPC().setType("python")
        ksp.getPC().setPythonContext(_Preconditioner(self))
        if PETSc.Options().hasName("pc_type"):
            raise InputError("another preconditioner is not possible here", given="-pc_type", allowed="-ksp_type and what belongs to it")
        ksp.setFromOptions()
        return ksp, matrix.createVecRight(), matrix.createVecLeft(), matrix

    def destroy(self):
        """Give everything back to PETSc."""
        if self._solver is not None:
            for each in self._solver:
                each.destroy()
            self._solver = None

    def product(self, v, out):
        """out ← (1 − τ(Z + S)) v, both (rows, count + 6) with zero ghosts."""
        self._work[...] = v
        self.linear.rate(self._work, self._z, 0.0, self._nothing, False)
        self.scattering.rate(self._work, self._s)
        np.add(self._z, self._s, out=out)
        out *= -self._tau
        out += v
        self._clear(out)
        return out

    def nearly(self, right):
        """About (1 − τ(Z + S))⁻¹ right, as a new array (rows, count + 6): lines, slow modes, lines."""
        found = self._along(right)
        found += self._slow.solve(right - self.product(found, self._y))
        found += self._along(right - self.product(found, self._y))
        return found

    def _along(self, right):
        """The lines' solution, as a new array."""
        out = np.zeros_like(right)
        self._lines.solve(self._tau, (right, self._none, np.zeros(0)), out, self._s)
        return out


class _Matrix:
    """Python context of the shell matrix."""

    def __init__(self, coupled):
        self.coupled = coupled

    def mult(self, matrix, x, y):
        """PETSc's MatMult."""
        coupled = self.coupled
        shape = coupled.shape
        coupled.product(x.getArray(readonly=True).reshape(shape), y.getArray().reshape(shape))


class _Preconditioner:
    """Python context of the preconditioner."""

    def __init__(self, coupled):
        self.coupled = coupled

    def apply(self, pc, x, y):
        """PETSc's PCApply."""
        y.getArray()[...] = self.coupled.nearly(x.getArray(readonly=True).reshape(self.coupled.shape)).ravel()
