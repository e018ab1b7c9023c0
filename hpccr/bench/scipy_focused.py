"""Pitch-angle transport as one would usually program it: method of lines on (z, μ) and scipy's BDF.

    f_t = ∂_μ[D (1 − μ²) f_μ] − ε[μ f_z + (σ/2)(1 − μ²) f_μ]

z in units of l, t in 1/ν, σ uniform. Cell means on uniform cells. Along z: the linear upwind-biased flux of fifth order,
(2, −13, 47, 27, −3)/60 for μ > 0 and its mirror image for μ < 0. In μ: finite volumes of second order, with the coefficient
D (1 − μ²)/Δμ of the scattering and the mean of two cells for the focusing at a face. The equation is linear, f_t = L f with a
sparse constant L, which is its Jacobian. The yardstick for speed, and for the answer; nothing is shared with the engine.
"""

import time
from dataclasses import dataclass

import numpy as np

# Weights of the cells i − 2 … i + 2 in the flux through the face between i and i + 1, for μ > 0.
UPWIND = np.array([2.0, -13.0, 47.0, 27.0, -3.0]) / 60


@dataclass(frozen=True)
class Lines:
    """The equation on `cells` equal cells of −length < z < length and `lanes` equal cells of μ.

    At the start f = exp(−z²/(2 width²)) for all μ. Ends are open: nothing enters and there is nothing beyond, or periodic.
    `D` is a number, or array (lanes + 1,) at the faces of μ, of which the first and last play no part.
    """

    cells: int
    lanes: int
    epsilon: float
    length: float = 10.0
    width: float = 0.5
    sigma: float = 0.0
    periodic: bool = False
    D: object = 1.0

    @property
    def z_faces(self):
        """Faces of the cells of z: array (cells + 1,)."""
        return np.linspace(-self.length, self.length, self.cells + 1)

    @property
    def z(self):
        """Centres of the cells of z: array (cells,)."""
        return (self.z_faces[1:] + self.z_faces[:-1]) / 2

    @property
    def mu(self):
        """Centres of the cells of μ: array (lanes,)."""
        return (np.arange(self.lanes) + 0.5) * 2 / self.lanes - 1

    def start(self):
        """Means of the Gaussian over the cells: array (cells, lanes)."""
        from scipy.special import erf

        content = np.sqrt(np.pi / 2) * self.width * erf(self.z_faces / (np.sqrt(2) * self.width))
        return np.repeat(np.diff(content)[:, None] * self.cells / (2 * self.length), self.lanes, axis=1)

    def matrix(self):
        """L, on f with μ running fastest: sparse (cells lanes, cells lanes)."""
        from scipy import sparse

        speed = self.epsilon * self.mu
        rightward, leftward = sparse.diags(np.maximum(speed, 0)), sparse.diags(np.minimum(speed, 0))
        streaming = sparse.kron(self._along(UPWIND, True), rightward) + sparse.kron(self._along(UPWIND[::-1], False), leftward)
        return (sparse.kron(sparse.identity(self.cells), self._in_mu()) - streaming).tocsc()

    def _along(self, weights, rightward):
        """∂_z for the particles that go one way: sparse (cells, cells)."""
        from scipy import sparse

        # Three cells more at either end: those at the other end; or nothing where particles enter, and the last cell again
        # where they leave.
        n, beyond = self.cells, np.arange(-3, self.cells + 3)
        into = beyond % n if self.periodic else np.clip(beyond, 0, n - 1)
        there = np.ones(n + 6) if self.periodic else np.where(beyond < 0 if rightward else beyond >= n, 0.0, 1.0)
        ends = sparse.csr_matrix((there, into, np.arange(n + 7)), shape=(n + 6, n))
        first = 0 if rightward else 1       # of the five cells around the first face, of the six known
        face = sparse.diags(weights, first + np.arange(5), shape=(n + 1, n + 6), format="csr") @ ends
        return (face[1:] - face[:-1]) * (n / (2 * self.length))

    def _in_mu(self):
        """Scattering and focusing, −εσ[∂_μ((1 − μ²)f/2) + μ f], under which f = const stays: sparse (lanes, lanes)."""
        from scipy import sparse

        m, step = self.lanes, 2 / self.lanes
        face = np.linspace(-1, 1, m + 1)[1:-1]
        jump = sparse.diags([-1.0, 1.0], [0, 1], shape=(m - 1, m)) / step
        mean = sparse.diags([0.5, 0.5], [0, 1], shape=(m - 1, m))
        scattered = sparse.diags(np.broadcast_to(self.D, m + 1)[1:-1] * (1 - face**2)) @ jump
        focused = self.epsilon * self.sigma * sparse.diags((1 - face**2) / 2) @ mean
        return -jump.T @ (scattered - focused) - self.epsilon * self.sigma * sparse.diags(self.mu)


def run(lines, end, rtol=1e-5, atol=None, given_jacobian=True):
    """Solve to t = `end` [1/ν] with scipy's BDF.

    Parameters
    ----------
    lines : Lines
    end, rtol : float
    atol : float, optional
        Of f, which is 1 at the start; rtol/100 if not given.
    given_jacobian : bool
        Whether BDF gets L as its Jacobian, or only where L is not zero.

    Returns
    -------
    dict
        z (cells), f0 (cells), f (cells, lanes); nfev, nlu; seconds of the integration and of setting up L.

    Raises
    ------
    ArithmeticError
        The integration failed.
    """
    from scipy.integrate import solve_ivp

    began = time.perf_counter()
    L, start = lines.matrix(), lines.start()
    rows = L.tocsr()
    known = {"jac": L} if given_jacobian else {"jac_sparsity": L != 0}
    ready = time.perf_counter()
    with np.errstate(invalid="ignore"):      # BDF raises inf, the error of an order that it has not, to a power
        solution = solve_ivp(lambda t, y: rows @ y, (0.0, end), start.ravel(), method="BDF", t_eval=[end], rtol=rtol,
                             atol=rtol / 100 if atol is None else atol, **known)
    seconds = time.perf_counter() - ready
    if not solution.success:
        raise ArithmeticError(solution.message)
    f = solution.y[:, -1].reshape(start.shape)
    return {"z": lines.z, "f0": f.mean(axis=1), "f": f, "seconds": seconds, "setup": ready - began,
            "nfev": solution.nfev, "nlu": solution.nlu}
