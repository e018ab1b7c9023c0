"""Conduction and radiation of the gas along its line, whole or cut among ranks; see thermal_kernels for the equation."""

import numpy as np

from hpccr.operators import thermal_kernels
from hpccr.operators.joints import EndJoints
from hpccr.units import k_B

# Newton's method needs two to five; far from the solution, more.
_MOST = 40


class Heat:
    """What completes the energy of an implicit stage of the gas.

    Parameters
    ----------
    model : steppers.flow.Model
        gamma, mass [g], cooling, radiates, conducts.
    patch : Patch
    geometry : array (4, n + 1)
        Of the n cells in the patch's span, as in gas_kernels.rates.
    gaps : array (n + 1,)
        Distances of their midpoints [cm], 0 at the ends.
    """

    def __init__(self, model, patch, geometry, gaps):
        self.patch = patch
        first, per_step, values = model.cooling.tabulate()
        law = [k_B / ((model.gamma - 1) * model.mass), model.mass, model.cooling.heating, model.radiates, model.conducts, 0.0]
        self._law, self._own, self._geometry = np.array(law), np.array([patch.inner.start, patch.inner.stop]), geometry
        self._lines, n = (geometry, gaps, np.array([first, per_step]), values, self._own), len(gaps) - 1
        self._T, self._K, self._e, self._tally = np.empty(n), np.zeros(n + 1), np.empty(n), np.empty(2)
        # Without conduction no cell needs another.
        self._cut, self._answer = patch.column is not None and model.conducts, np.empty((3, n))

    def warm(self, gas, before, lost, h):
        """Give the gas its heat of a stage.

        Parameters
        ----------
        gas : array (3, n)
            Whose E [erg/cm³] holds all but the heat of this stage; it gets it in this rank's cells.
        before : array (3, n)
            A state whose temperature is the guess.
        lost : array (rows,)
            h × heat from waves [erg/cm³].
        h : float
            [s].

        Returns
        -------
        (array (rows,), float, float, str)
            h × all of the heat [erg/cm³]; of this rank's cells h × what waves gave and what was radiated [erg]; why this is no
            solution, or "". Collective where lines are cut.
        """
        T, K, e, added = self._T, self._K, self._e, np.empty_like(lost)
        self._law[-1] = h
        thermal_kernels.begin(gas, before, lost, self._law, self._own, T, e)
        known = (gas, e, self._law, *self._lines, T, K)
        found = self._together(known) if self._cut else thermal_kernels.iterate(*known, _MOST)
        well = thermal_kernels.close(gas, e, lost, self._law, self._geometry, self._own, T, K, added, self._tally)
        reason = "the pressure of the gas is not positive" if not well else "" if found else f"the temperature of the gas is not found in {_MOST} iterations"
        return added, self._tally[thermal_kernels.GIVEN], self._tally[thermal_kernels.RADIATED], reason

    def _together(self, known):
        """As thermal_kernels.iterate, by all ranks of a line together."""
        patch, answer, ends = self.patch, self._answer, [self._own[0], self._own[1] - 1]
        low, top, shift = 0, patch.cells, patch.span.start
        for _ in range(_MOST):
            thermal_kernels.part(*known, (low - shift, top - shift), answer)
            tips, to_below, to_above = answer[:, None, ends, None]
            below, above = EndJoints(patch.column, -to_below, -to_above, tips).beyond()
            first, past = thermal_kernels.renew(answer, below[0, 0, 0], above[0, 0, 0], self._own, self._T)
            patch.swap_line(self._T[None])
            changed = (-first - shift, past + shift) if first < past else (-patch.cells, 0)
            below, past = (int(cell) for cell in patch.highest(changed))
            low, top = thermal_kernels.again(-below, past, 0, patch.cells, self._law[3] > 0.0)
            if low >= top:
                self._balance(*known[:2])
                return True
        return False

    def _balance(self, gas, e):
        """Without radiation nothing takes up what the joints of strongly conducting parts lose to rounding: all T get it."""
        if self._law[3] > 0.0:
            return
        own = self.patch.inner
        volumes, T = self._geometry[2, own], self._T[own]
        wanted, held = self.patch.sum_rows([e[own] @ volumes, self._law[0] * (gas[0, own] * T) @ volumes])
        T *= wanted / held
