"""One step of pitch-angle transport: the additive Runge-Kutta method ARK3(2)4L[2]SA (Kennedy & Carpenter 2003).

Four stages, third order, L-stable in what is implicit. Scattering and focusing (I) always are. Streaming is explicit (E) as long as it
pays: then the step is limited by ε Δt < 1.8 Δz alone, however fast particles scatter and however fine the cells in μ, also where many
scatterings fall into a step; nothing runs ahead of the particles, the only messages are those to the next ranks, and nothing iterates.
Where the solution allows steps many times longer, streaming is implicit too, with the tableau of I: one linear system of the whole
plane a stage (operators.coupled), and face values without limits.
"""

from dataclasses import dataclass

import numpy as np

from hpccr.grid.strip import GHOSTS
from hpccr.operators import pitch_kernels as kernels

GAMMA = 1767732205903 / 4055673282236
EXPLICIT = np.array([
    [0.0, 0.0, 0.0, 0.0],
    [1767732205903 / 2027836641118, 0.0, 0.0, 0.0],
    [5535828885825 / 10492691773637, 788022342437 / 10882634858940, 0.0, 0.0],
    [6485989280629 / 16251701735622, -4246266847089 / 9704473918619, 10755448449292 / 10357097424841, 0.0]])
IMPLICIT = np.array([
    [0.0, 0.0, 0.0, 0.0],
    [GAMMA, GAMMA, 0.0, 0.0],
    [2746238789719 / 10658868560708, -640167445237 / 6845629431997, GAMMA, 0.0],
    [1471266399579 / 7840856788654, -4482444167858 / 7529755066697, 11266239266428 / 11593286722821, GAMMA]])
# Of both parts alike, so what streaming and scattering keep the step keeps.
WEIGHTS = IMPLICIT[3]
EMBEDDED = np.array([2756255671327 / 12835298489170, -10771552573575 / 22201958757719, 9247589265047 / 10645013368117,
                     2193209047091 / 5459859503100])
# Weights of the rates of streaming and of scattering in what is known before a stage is solved, and of both in the error.
_BEFORE = np.hstack([EXPLICIT, np.tril(IMPLICIT, -1)])
_ERROR = WEIGHTS - EMBEDDED
# Largest ε μ Δt/Δz of explicit streaming; 1.86 is the limit of stability with a fifth-order upwind flux, for every rate of scattering.
COURANT = 1.8


@dataclass
class Outcome:
    """What a step has come to, on this rank.

    Attributes
    ----------
    dt : float
    through : array (4,)
        What entered and left at the left end, entered and left at the right end [number].
    sums : array (5,)
        Of this rank's cells: error², f², what lies below zero, what lies above, change² [∫∫ A … dz dμ].
    solved : bool
        Whether all linear systems were solved; alike on all ranks.
    """

    dt: float
    through: np.ndarray
    sums: np.ndarray
    solved: bool = True


class Ark:
    """f on a rank's strip, and its stages.

    Parameters
    ----------
    streaming : operators.streaming.Streaming
    scattering : operators.scattering.Scattering
    coupled : operators.coupled.Coupled
        Both together.
    widths : array (rows,)
        Of the cells in μ.
    volumes : array (count,)
        Of the own cells in z.

    Attributes
    ----------
    u : array (rows, count + 6)
        The state with its ghosts.
    """

    def __init__(self, streaming, scattering, coupled, widths, volumes):
        self.streaming, self.scattering, self.coupled = streaming, scattering, coupled
        self.widths, self.volumes = widths, np.ascontiguousarray(volumes)
        shape = len(widths), len(volumes) + 2 * GHOSTS
        # One block, which the operating system keeps in few large pages.
        block = np.zeros((13, *shape))
        self.u, self.new, self._stage, self._zero, self._scratch = block[:5]
        # Rates of streaming in 0 … 3, of scattering in 4 … 7; their ghosts mean nothing.
        self._rates = block[5:]
        self._sums = np.zeros(5)

    def attempt(self, dt, implicit=False):
        """Make a step of dt [1/ν] into `new`, with implicit streaming or without: Outcome. Messages to the neighbours only, if without."""
        through = np.zeros(4)
        solved = self._together(dt, through) if implicit else self._apart(dt, through)
        kernels.finish(self.u, self._rates, dt * WEIGHTS, dt * _ERROR, self.widths, self.volumes, self.new, self._sums)
        return Outcome(dt, through, self._sums.copy(), solved)

    def _apart(self, dt, through):
        """The stages with explicit streaming."""
        rates, stage = self._rates, self._stage
        self.streaming.rate(self.u, rates[0], WEIGHTS[0] * dt, through)
        self.scattering.rate(self.u, rates[4])
        for i in range(1, 4):
            self.scattering.solve(GAMMA * dt, (self.u, rates, dt * _BEFORE[i]), stage, rates[4 + i])
            self.streaming.rate(stage, rates[i], WEIGHTS[i] * dt, through)
        return True

    def _together(self, dt, through):
        """The stages with implicit streaming, all rates in the implicit places."""
        rates = self._rates
        self.streaming.rate(self.u, rates[0], WEIGHTS[0] * dt, through, False)
        self.scattering.rate(self.u, rates[4])
        rates[4] += rates[0]
        rates[:4] = 0.0
        return all([self.coupled.solve(GAMMA * dt, rates[4], (self.u, rates, dt * _BEFORE[i]), self._stage, rates[4 + i], WEIGHTS[i] * dt, through)
                    for i in range(1, 4)])

    def settled_error(self, dt):
        """error² of the last attempt as `Outcome.sums` has it, less what scattering will have undone at once: (1 − γΔt S)⁻¹ error; dt [1/ν].

        The embedded method does not damp what decays within a step, and so takes it for an error that no shorter step makes smaller
        (Hairer & Wanner 1996, IV.8).
        """
        self.scattering.solve(GAMMA * dt, (self._zero, self._rates, dt * np.tile(_ERROR, 2)), self._stage, self._scratch)
        return float(self.widths @ self._stage[:, GHOSTS:-GHOSTS] ** 2 @ self.volumes)

    def accept(self, keep=None):
        """Take the step; with `keep`, what fell below zero is set to zero and the rest multiplied by it."""
        self.u, self.new = self.new, self.u
        if keep is not None:
            kernels.lift(self.u, keep)
