"""Scattering and focusing in μ: the part of the equation that is stiff, solved directly for every z."""

import numpy as np

from hpccr.operators import pitch_kernels as kernels


def bernoulli(p):
    """p/(exp(p) − 1), the weight of the exponential fit (Scharfetter & Gummel 1969): array like p."""
    p = np.asarray(p, dtype=float)
    small = np.abs(p) < 1e-8
    # Beyond that exp(p) overflows, and the weight is zero for all that matters.
    safe = np.where(small, 1.0, np.minimum(p, 700.0))
    return np.where(small, 1.0 - 0.5 * p, safe / np.expm1(safe))


def finite_volumes(pitch, law, drift):
    """Three diagonals of ∂_μ{(1 − μ²)[D ∂_μ f − v f]} with v = ε σ/2.

    The flux between two cells is that of the solution with uniform flux/(1 − μ²): with focusing it is exact for f = exp(v W), W' = 1/D,
    never makes f negative, and passes μ = 0 where D vanishes there. For D = 1 on equal cells P_1 and P_2 decay exactly.

    Parameters
    ----------
    pitch : Pitch
    law : physics.pitch_angle.Scattering
    drift : array (columns,)
        v of each column.

    Returns
    -------
    lower, diag, upper : array (cells, columns)
        Of the operator (lower, −diag, upper); all are positive.
    """
    inside = pitch.faces[1:-1, None]
    resistance = law.resistance(pitch.centers[:-1], pitch.centers[1:])[:, None]
    conductance = (1.0 - inside**2) / resistance
    p = resistance * np.asarray(drift, dtype=float)
    zero = np.zeros((1, p.shape[1]))
    # Face k, between cells k and k + 1: flux to the right = conductance (B(−p) f_k − B(p) f_(k+1)).
    out, back = np.concatenate([zero, conductance * bernoulli(-p), zero]), np.concatenate([zero, conductance * bernoulli(p), zero])
    widths = pitch.widths[:, None]
    return out[:-1] / widths, (out[1:] + back[:-1]) / widths, back[1:] / widths


def spectral(pitch, law, drift):
    """The same operator at Gauss points, exact for polynomials of degree below their number: array (cells, cells)."""
    from hpccr.physics import pitch_modes

    n = len(pitch)
    S, _ = pitch_modes.matrices(law, n)
    basis = np.polynomial.legendre.legvander(pitch.centers, n - 1) * np.sqrt(np.arange(n) + 0.5)
    return basis @ (S - drift * 2 * pitch_modes.focusing(n)) @ (basis * pitch.widths[:, None]).T


class Scattering:
    """S on a rank's strip.

    Parameters
    ----------
    pitch : Pitch
    law : physics.pitch_angle.Scattering
    drift : array (count,)
        ε σ/2 of the own cells.
    uniform : bool
        Whether σ is the same in all cells.
    loss : float or array (cells, count), of Gauss points (cells, 1)
        A rate at which f is lost besides.
    """

    def __init__(self, pitch, law, drift, uniform, loss=0.0):
        self.widths, self.matrix, self._tau = pitch.widths, None, None
        if pitch.spectral:
            self.matrix = spectral(pitch, law, drift[0]) - np.diagflat(np.broadcast_to(loss, (len(pitch), 1)))
            self._one = np.eye(len(pitch))
            return
        self.lower, self.diag, self.upper = finite_volumes(pitch, law, drift[:1] if uniform else drift)
        self.diag = self.diag + loss
        self.inverse, self.above = np.empty_like(self.diag), np.empty_like(self.diag)

    def rate(self, u, rate):
        """rate ← S u, both (rows, count + 6), in the own cells."""
        if self.matrix is not None:
            np.matmul(self.matrix, u, out=rate)
        else:
            kernels.scatter(self.lower, self.diag, self.upper, u, rate)
        kernels.level(self.widths, rate)

    def solve(self, tau, known, out, rate):
        """out ← (1 − τ S)⁻¹ x and rate ← S out in the own cells, all (rows, count + 6); x = u + Σ weights parts, known = (u, parts, weights)."""
        if tau != self._tau:
            self._factor(tau)
        if self.matrix is None:
            kernels.solve(*known, tau, self.lower, self.inverse, self.above, self.widths, out, rate)
            return
        kernels.combine(*known, rate)
        np.matmul(self._solution, rate, out=out)
        kernels.part(out, rate, 1.0 / tau, rate)
        kernels.level(self.widths, rate)

    def _factor(self, tau):
        self._tau = tau
        if self.matrix is not None:
            self._solution = np.linalg.inv(self._one - tau * self.matrix)
        else:
            kernels.factor(tau, self.lower, self.diag, self.upper, self.inverse, self.above)
