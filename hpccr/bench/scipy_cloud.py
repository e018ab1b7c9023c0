"""The cosmic-ray cloud as one would usually program it: method of lines and scipy's BDF, one energy at a time.

    ∂P/∂t + ∂(V P)/∂z = ∂/∂z[(D_B/I) ∂P/∂z],     ∂I/∂t + V ∂I/∂z = g V_A max(0, −∂P/∂z) − 2 Γ(I) I + 2 Γ(I0) I0

with Γ(I) = γ_lin + γ_nl I and V = V_A or 0, on the half line: no total flux at z = 0, P = 0 at z_max, I = I0 entering at
z = 0. The yardstick for speed, and for the answer: P and I both live at cell centres, and nothing is shared with the
engine. Inside, lengths are in R, times in R²/D_ISM (D_ISM = D_B/I0), P in P0 and I in I0.
"""

import time
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Cloud:
    """One energy of the cloud. CGS; P and I are pure numbers, in units of B²/8π."""

    V_A: float
    D_B: float
    I0: float
    gamma_lin: float
    gamma_nl: float
    R: float
    P0: float
    growth_factor: float = 1.0
    advection: bool = False
    edge: float = 0.01  # at the start P = (P0/2) erfc((z − R)/(edge R))

    @property
    def unit_time(self):
        """R²/D_ISM [s]: float."""
        return self.R**2 * self.I0 / self.D_B

    @property
    def Pi(self):
        """(V_A/D_B) P0 R, the exponent of the suppression without damping: float."""
        return self.V_A * self.P0 * self.R / self.D_B


def faces(cells, z_max=200.0, fine_edge=0.02, fine_centre=0.05):
    """Cell faces in units of R, shape (cells + 1,): finest at z = 1, which is a face, and fine at z = 0.

    Cells are equal in s = asinh((z − 1)/fine_edge) + asinh(z/fine_centre).
    """
    def s(z):
        return np.arcsinh((z - 1) / fine_edge) + np.arcsinh(z / fine_centre)

    ends = s(np.array([0.0, 1.0, z_max]))
    inside = round(cells * (ends[1] - ends[0]) / (ends[2] - ends[0]))
    wanted = np.append(np.linspace(ends[0], ends[1], inside, endpoint=False),
                       np.linspace(ends[1], ends[2], cells - inside + 1))
    low, high = np.zeros(cells + 1), np.full(cells + 1, z_max)
    for _ in range(55):  # bisection: s has no inverse in closed form
        middle = (low + high) / 2
        below = s(middle) < wanted
        low, high = np.where(below, middle, low), np.where(below, high, middle)
    z = (low + high) / 2
    z[[0, inside, -1]] = 0.0, 1.0, z_max
    return z


class Lines:
    """The equations at the cells between faces `z`, shape (n + 1,): y = (P at the centres, I at the centres), shape (2 n,).

    Faces see I as the length-weighted mean of the two cells (D in series); advected values are extrapolated from upwind
    to second order.
    """

    def __init__(self, cloud, z):
        from scipy import sparse
        n, h = len(z) - 1, np.diff(z)
        between = np.append((h[:-1] + h[1:]) / 2, h[-1] / 2)  # from the centre left of a face to that on its right
        t0 = cloud.unit_time
        self.cloud, self.z, self.h, self.n = cloud, z, h, n
        self.v = cloud.V_A * t0 / cloud.R if cloud.advection else 0.0
        self.growth = cloud.growth_factor * cloud.Pi
        self.lin, self.nl = 2 * t0 * cloud.gamma_lin, 2 * t0 * cloud.gamma_nl * cloud.I0
        # Operators on cell values; rows are the faces 1 … n (face 0 has no flux and no growth), or the cells.
        self.jump = sparse.diags([-np.ones(n), np.ones(n - 1)], [0, 1], format="csr")
        self.slope = sparse.diags(1 / between) @ self.jump
        self.path = sparse.diags([h / 2, h[1:] / 2], [0, 1], format="csr")
        self.divergence = sparse.diags([1 / h, -1 / h[1:]], [0, -1], format="csr")
        self.mean = sparse.diags([np.full(n, 0.5), np.full(n - 1, 0.5)], [0, -1], format="csr")
        ratio = h[1:] / (h[1:] + h[:-1])
        self.upwind_I = sparse.diags([np.append(2.0, 1 + ratio), -ratio], [0, -1], format="csr")
        # P: the first cell has none upwind, so its outer face takes the mean of both sides; P = 0 at the last face.
        own, back, ahead = np.append(1.0, 1 + ratio), -ratio, np.zeros(n - 1)
        own[0], ahead[0] = h[1] / (h[0] + h[1]), h[0] / (h[0] + h[1])
        own[-1] = back[-1] = 0.0
        self.upwind_P = sparse.diags([own, back, ahead], [0, -1, 1], format="csr")

    def start(self):
        """The state at t = 0, shape (2 n,): cell means of the smoothed slab, and I = I0."""
        from scipy.special import erfc
        x = (self.z - 1) / self.cloud.edge
        content = self.cloud.edge / 2 * (x * erfc(x) - np.exp(-x * x) / np.sqrt(np.pi))
        return np.append(np.diff(content) / self.h, np.ones(self.n))

    def rates(self, t, y):
        """dy/dt, shape (2 n,)."""
        p, i = y[:self.n], y[self.n:]
        flux = -(self.jump @ p) / (self.path @ i)
        wave = self.growth * (self.mean @ np.maximum(0.0, -(self.slope @ p)))
        wave += self.lin + self.nl - (self.lin + self.nl * i) * i
        if self.v:
            flux += self.v * (self.upwind_P @ p)
            leaving = self.upwind_I @ i
            leaving[0] -= 1.0
            wave -= self.v / self.h * np.diff(leaving, prepend=1.0)
        return np.append(-(self.divergence @ flux), wave)

    def inside(self, y):
        """The content of |z| < R over P0 R: float."""
        m = np.searchsorted(self.z, 1.0)
        return y[:m] @ self.h[:m]

    def sparsity(self):
        """Where the Jacobian may differ from zero: sparse (2 n, 2 n)."""
        from scipy import sparse
        reach = [-2, -1, 0, 1] if self.v else [-1, 0, 1]
        near = sparse.diags([1.0] * len(reach), reach, shape=(self.n, self.n))
        return sparse.bmat([[near, near], [near, near if self.v else sparse.identity(self.n)]], format="csc")


def time_bdf(cloud, end, cells=1024, rtol=1e-3, z_max=200.0, within=False):
    """Solve one energy to `end` [s] with scipy's BDF and the sparsity of its Jacobian.

    With the default `rtol` the half-lives of WIM, 10 GeV to 10 TeV, 1024 cells, are off by 5e-4 rms (most 1.3e-3).
    `z_max` is in R. `within`: half of what the smoothed slab has in |z| < R at the start; else half of all its content,
    which is the half-life of the sharp slab up to second order in the edge.

    Returns
    -------
    (wall, t_half): float, float
        Seconds for the solution, without set-up; the half-life [s], found as an event (nan if it comes after `end`).

    Raises
    ------
    ArithmeticError
        The integration failed.
    """
    from scipy.integrate import solve_ivp
    lines = Lines(cloud, faces(cells, z_max))
    y = lines.start()
    began = time.perf_counter()
    half = (lines.inside(y) if within else y[:cells] @ lines.h) / 2
    solution = solve_ivp(lines.rates, (0.0, end / cloud.unit_time), y, method="BDF", jac_sparsity=lines.sparsity(),
                         rtol=rtol, atol=1e-3 * rtol, events=lambda t, y: lines.inside(y) - half)
    if not solution.success:
        raise ArithmeticError(solution.message)
    found = solution.t_events[0]
    return time.perf_counter() - began, found[0] * cloud.unit_time if len(found) else float("nan")
