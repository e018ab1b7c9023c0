"""The slowest eigenfunctions of scattering along all of z, solved directly: the coarse scale of the preconditioner of implicit streaming.

In each cell f is Σ a_k φ_k(μ) with the few eigenfunctions φ_k that decay most slowly; (1 − τ(Z + S)) becomes a banded matrix for a, since the
fifth-order flux couples a cell with three on each side. Every rank eliminates its own cells; what is left are the three cells at each end of every
rank, see joints. Where z is periodic, the chain of ranks is closed by a small system for the cells where the ends meet (Woodbury 1950).
"""

import numpy as np

from hpccr.grid.strip import GHOSTS
from hpccr.operators.joints import EndJoints
from hpccr.operators.scattering import finite_volumes, spectral
from hpccr.operators.streaming import face_weights

# So many eigenfunctions are solved along z.
MODES = 8


class SlowModes:
    """The slow part of (1 − τ(Z + S))⁻¹ on a rank's strip; collective.

    Parameters
    ----------
    model : steppers.kinetic.Model
    strip : Strip
    """

    def __init__(self, model, strip):
        pitch, self.strip = model.pitch, strip
        # Of one rank: on another kind of processor a function may come with the other sign.
        self.modes = strip.comm.on_root(lambda: _slowest(model))
        self.take = np.ascontiguousarray((self.modes * pitch.widths[:, None]).T)
        self._edge = GHOSTS * self.modes.shape[1]
        self._ring = strip.periodic
        cells, self._beyond = self._matrices(model)
        size = self._size = cells.shape[0]
        entries = cells.tocoo()
        reach = self._reach = int(np.abs(entries.row - entries.col).max())
        # LAPACK's band storage, with room for the rows that pivoting swaps.
        self._band = np.zeros((3 * reach + 1, size), order="F")
        np.add.at(self._band, (2 * reach + entries.row - entries.col, entries.col), entries.data)

    def _matrices(self, model):
        """Z + S for the modes: of the own cells (sparse (count modes,)²), and what comes from the three cells beyond each end of the strip
        (two arrays (count modes, 3 modes))."""
        from scipy import sparse

        strip, tube, modes, take = self.strip, model.tube, self.modes, self.take
        n, m, first = strip.count, modes.shape[1], strip.first
        focused = take @ (_matrix(model, 1.0) - _matrix(model, -1.0)) @ modes / 2
        still = sparse.kron(sparse.identity(n), take @ _matrix(model, 0.0) @ modes) + sparse.kron(sparse.diags(model.drift[strip.own_cells]), focused)
        speed, moving = model.epsilon * model.pitch.cosines, 0
        for weights, part, shift in zip(face_weights(tube, model.ends, first, n), (np.maximum(speed, 0), np.minimum(speed, 0)), (0, 1)):
            columns = np.arange(n + 1)[:, None] + shift + np.arange(5)
            faces = sparse.csr_matrix((weights.T.ravel(), columns.ravel(), 5 * np.arange(n + 2)), shape=(n + 1, n + 2 * GHOSTS))
            flux = sparse.diags(tube.areas[first:first + n + 1]) @ faces
            change = sparse.diags(1.0 / tube.volumes[strip.own_cells]) @ (flux[:-1] - flux[1:])
            moving = moving + sparse.kron(change, take @ (part[:, None] * modes))
        moving, edge = moving.tocsc(), self._edge
        left, right = moving[:, :edge].toarray(), moving[:, edge + n * m:].toarray()
        cells = still + moving[:, edge:edge + n * m]
        # What comes back from a wall has −μ.
        flip, nothing = np.kron(np.eye(GHOSTS)[::-1], take @ modes[::-1]), sparse.csr_matrix((n * m, n * m - edge))
        if strip.at_first and model.ends[0] == "wall":
            cells = cells + sparse.hstack([sparse.csr_matrix(left @ flip), nothing])
        if strip.at_last and model.ends[1] == "wall":
            cells = cells + sparse.hstack([nothing, sparse.csr_matrix(right @ flip)])
        inside = (not strip.at_first or strip.periodic), (not strip.at_last or strip.periodic)
        return cells, [block * float(counts) for block, counts in zip((left, right), inside)]

    def factor(self, tau):
        """Prepare for τ; collective."""
        from scipy.linalg.lapack import dgbtrf

        band, reach, strip = -tau * self._band, self._reach, self.strip
        band[2 * reach] += 1.0
        self._factors = dgbtrf(band, reach, reach, overwrite_ab=True)[:2]
        self._joints = self._ends = None
        left, right = (-tau * block for block in self._beyond)
        if strip.comm.size > 1:
            self._to_left, self._to_right = self._own(left), self._own(right)
            self._joints = EndJoints(strip.comm, self._tips(self._to_left), self._tips(self._to_right))
        if self._ring:
            self._close(left, right)

    def _own(self, x):
        """The solution in the own cells as if there were nothing beyond: array (count modes, k)."""
        from scipy.linalg.lapack import dgbtrs

        return dgbtrs(self._factors[0], self._reach, self._reach, x, self._factors[1])[0]

    def _tips(self, x):
        """The first three and the last three cells: array (1, 6 modes, k)."""
        return np.concatenate([x[:self._edge], x[-self._edge:]])[None]

    def _chain(self, x):
        """The solution for x (count modes, k) on the chain of ranks, open at both ends; collective."""
        y = self._own(x)
        if self._joints is not None:
            below, above = self._joints.beyond(self._tips(y))
            if not self.strip.at_first:
                y -= self._to_left @ below[0]
            if not self.strip.at_last:
                y -= self._to_right @ above[0]
        return y

    def _close(self, left, right):
        """Prepare what closes the chain to a ring: the answer to what comes from beyond the two ends of z."""
        edge, whole = self._edge, np.zeros((self._size, 2 * self._edge))
        if self.strip.at_first:
            whole[:, :edge] = left
        if self.strip.at_last:
            whole[:, edge:] = right
        answer = self._chain(whole)
        self._ends = answer, np.linalg.inv(np.eye(2 * edge) + self._meeting(answer))

    def _meeting(self, y):
        """The cells where the ends of z meet, the last three and the first three, on all ranks: array (6 modes, k); collective."""
        edge, part = self._edge, np.zeros((2 * self._edge, y.shape[1]))
        if self.strip.at_last:
            part[:edge] = y[-edge:]
        if self.strip.at_first:
            part[edge:] = y[:edge]
        return self.strip.comm.sum(part.ravel()).reshape(part.shape)

    def solve(self, x):
        """The slow part of the solution for x, both (rows, count + 6), as a new array; collective."""
        y = self._chain((self.take @ self.strip.own(x)).T.reshape(-1, 1))
        if self._ends is not None:
            answer, inverse = self._ends
            y -= answer @ (inverse @ self._meeting(y))
        out = np.zeros_like(x)
        self.strip.own(out)[...] = self.modes @ y.reshape(self.strip.count, -1).T
        return out


def _slowest(model):
    """The eigenfunctions of scattering that decay most slowly, orthonormal with the weights of μ: array (rows, MODES or fewer)."""
    root = np.sqrt(model.pitch.widths)
    symmetric = root[:, None] * _matrix(model, 0.0) / root
    _, vectors = np.linalg.eigh(0.5 * (symmetric + symmetric.T))
    return np.ascontiguousarray(vectors[:, ::-1][:, :MODES] / root[:, None])


def _matrix(model, drift):
    """S as a matrix (rows, rows)."""
    if model.pitch.spectral:
        return spectral(model.pitch, model.law, drift)
    lower, diag, upper = (part[:, 0] for part in finite_volumes(model.pitch, model.law, np.array([drift])))
    return np.diag(lower[1:], -1) - np.diag(diag) + np.diag(upper[:-1], 1)
