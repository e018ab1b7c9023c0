"""One step of pitch-angle transport: the additive Runge-Kutta method ARK3(2)4L[2]SA (Kennedy & Carpenter 2003).

Streaming (E) is explicit, scattering and focusing (I) are implicit, in four stages together and of third order; the implicit part is
L-stable. So the step is limited by ε Δt < 1.8 Δz alone, however fast particles scatter and however fine the cells in μ: also where
many scatterings fall into a step, it tends to a stable scheme for the diffusion equation. Nothing runs ahead of the particles, the
only messages are those to the next ranks, and each rank solves its own lines in μ without any iteration. An implicit streaming
could make longer steps in the diffusive regime, and would give up all of these.
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
# Weights of the rates of streaming and of scattering in what is known before a stage is solved, at the end, and in the error.
_BEFORE = np.hstack([EXPLICIT, np.tril(IMPLICIT, -1)])
_END, _ERROR = np.tile(WEIGHTS, 2), np.tile(WEIGHTS - EMBEDDED, 2)
# Largest ε μ Δt/Δz that is stable with a fifth-order upwind flux, for every rate of scattering.
COURANT = 1.86


@dataclass
class Outcome:
    """What a step has come to, on this rank.

    Attributes
    ----------
    dt : float
    through : array (4,)
        What entered and left at the left end, entered and left at the right end [number].
    sums : array (4,)
        Of this rank's cells: error², f², what lies below zero, what lies above [∫∫ A … dz dμ].
    """

    dt: float
    through: np.ndarray
    sums: np.ndarray


class Ark:
    """f on a rank's strip, and its stages.

    Parameters
    ----------
    streaming : operators.streaming.Streaming
    scattering : operators.scattering.Scattering
    widths : array (rows,)
        Of the cells in μ.
    volumes : array (count,)
        Of the own cells in z.

    Attributes
    ----------
    u : array (rows, count + 6)
        The state with its ghosts.
    """

    def __init__(self, streaming, scattering, widths, volumes):
        self.streaming, self.scattering, self.widths, self.volumes = streaming, scattering, widths, np.ascontiguousarray(volumes)
        shape = len(widths), len(volumes) + 2 * GHOSTS
        self.u, self.new, self._stage = (np.zeros(shape) for _ in range(3))
        # Rates of streaming in 0 … 3, of scattering in 4 … 7; their ghosts mean nothing.
        self._rates = np.zeros((8, *shape))
        self._sums = np.zeros(4)

    def attempt(self, dt):
        """Make a step into `new`: Outcome. Messages to the neighbours only."""
        rates, stage, through = self._rates, self._stage, np.zeros(4)
        self.streaming.rate(self.u, rates[0], WEIGHTS[0] * dt, through)
        self.scattering.rate(self.u, rates[4])
        for i in range(1, 4):
            self.scattering.solve(GAMMA * dt, (self.u, rates, dt * _BEFORE[i]), stage, rates[4 + i])
            self.streaming.rate(stage, rates[i], WEIGHTS[i] * dt, through)
        kernels.finish(self.u, rates, dt * _END, dt * _ERROR, self.widths, self.volumes, self.new, self._sums)
        return Outcome(dt, through, self._sums.copy())

    def accept(self, keep=None):
        """Take the step; with `keep`, what fell below zero is set to zero and the rest multiplied by it."""
        self.u, self.new = self.new, self.u
        if keep is not None:
            kernels.lift(self.u, keep)
