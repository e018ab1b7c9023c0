"""Models of transport for the isotropic part f₀(z,t) alone: diffusion, hyperdiffusion and the telegraph equation.

    ∂f/∂T = d′{κ − ε s d″ − ε²[K ∂d′ + a σ²/8 + (κ w − 3a/8) σ′]} ∂f,   d′ = ∂ + σ,  d″ = ∂ + σ/2,  ∂ = ∂/∂z,  T = ε² t/4

is the Chapman-Enskog equation of order ε⁴ (Malkov 2015, eqs 9-11, derived anew for any σ(z): the bracket of K is corrected, the
term of ε takes d″ where d′ is printed, and σ′ adds a term); s = ⟨μW²⟩, w = ⟨W²⟩/4, a = ⟨W²(κ − U′)⟩. Of it remain

    diffusion        ∂f/∂T = κ Q f,   Q = d′∂
    hyperdiffusion   ∂f/∂T = κ Q_σ f − ε² K Q_σ² f − ε s d′d″∂f    (eq 10, for all σ; Q_σ = d′ e^{−ε²[…]/κ} ∂ has the terms in a)
    telegraph        ∂f/∂T + τ ∂²f/∂T² = κ Q f,   τ = ε² K/κ²      (eq 12; fronts at |z| = √(κ/τ) T)

Well posed: −ε² K Q² damps short waves where K > 0. Where K < 0 it would make them grow; then κQ/(1 − ε²|K| Q/κ) is taken,
equal up to ε⁴, which damps all of them. The telegraph equation has no such form: with K ≤ 0 it is refused.

The start. Isotropic particles relax within some 1/ν onto the slow mode, with the amplitude 1 − ε² w Q: so the models start from
f₀ − ε² w Q f₀, in the form 1 − y/(1 + y²), y = ε² w Q, that leaves waves alone that are shorter than the model knows. For even D
this leaves errors of ε⁴; an uneven D has an ε³ term in the amplitude. The telegraph equation is used without terms in s and a:
with an uneven D its errors are of order ε, with focusing of ε².
The telegraph equation begins with ∂f/∂T = κ Q f, so that its fast mode is of order ε⁴.

Open ends. Of f = f₀ − ε (W/2) ∂f₀ the half that enters, ∫|μ| f dμ over μ < 0 at the right end, is f₀/2 + (εκ/4) ∂f₀ (W odd):
set to g/2, that of an isotropic inflow g (0: free escape), it gives Marshak's f₀ ± (εκ/2) ∂f₀ = g, ⅔ of a mean free path 3εκ/4.
For D = 1 the exact layer at the end (Milne's problem) has 0.3591 ε in place of εκ/2 = 0.3333 ε: ends make errors of order ε.
"""

import functools
from dataclasses import dataclass

import numpy as np

from hpccr.errors import InputError
from hpccr.physics import focusing

MODELS = ("diffusion", "hyperdiffusion", "telegraph")
ENDS = ("open", "source", "wall", "periodic")
# Degree of the splines, and Gauss points a cell: exact for products of two splines and a weight that varies by e over the cell.
DEGREE, POINTS = 4, 6
# What may have reached the ends, as a share of the largest f, before the ends count.
REACHED = 1e-12


class Reduced:
    """f₀(z,t) of one model, from its start directly to any time.

    Two ways lead there. On a uniform grid with uniform σ, with periodic ends or while nothing has reached open ones or walls,
    every Fourier mode has its exact factor. Else f₀ is a spline of degree 4, one for one with the cell averages, and Q is
    diagonalised in Galerkin's form, self-adjoint with the weight A: exact in time, ∫A f₀ dz is kept, and errors fall with the
    fifth power of the cells or faster.

    Parameters
    ----------
    model : str
        One of `MODELS`.
    faces : array (n+1,)
        Of the cells, ascending, n ≥ 8 [l].
    epsilon : float
        ε = v/(l ν) > 0.
    coefficients : Coefficients
        κ, K, τ (of ε = 1), slip w, skew s, mirror a; `hpccr.physics.pitch_angle.coefficients`.
    sigma : float, array (n+1,) or physics.focusing.Focusing
        σ = −B′/B [1/l], uniform, on the faces and linear between them, or a law; the tube's area is A = e^{∫σ dz}, 1 at the
        first face.
    ends : (str, str)
        Left and right, of `ENDS`; "open" and "source" are Marshak's condition, "wall" is no flux.
    inflow : (float, float)
        g of isotropic particles that enter at a "source".

    Attributes
    ----------
    area : array (n,)
        ∫A dz/Δz of each cell; f₀ is averaged with the weight A, so that the number is Σ area f₀ Δz.

    Raises
    ------
    InputError
        For an unknown model or end, one periodic end alone, periodic ends of different A, too few cells, or a telegraph
        equation with K ≤ 0.
    """

    def __init__(self, model, faces, epsilon, coefficients, sigma=0.0, ends=("open", "open"), inflow=(0.0, 0.0)):
        self.faces = np.asarray(faces, dtype=float)
        self.model, self.epsilon, self.coefficients, self.ends = model, float(epsilon), coefficients, tuple(ends)
        self.inflow = tuple(float(g) if end == "source" else 0.0 for g, end in zip(inflow, ends, strict=True))
        _check(self)
        self._s = coefficients.skew if model == "hyperdiffusion" else 0.0
        if not isinstance(sigma, focusing.Focusing):
            sigma = focusing.table(self.faces, sigma) if np.ndim(sigma) else focusing.uniform(sigma)
        self._points = _points(self.faces, sigma)
        self.area = self._points.volume / np.diff(self.faces)
        _check_tube(self, self._points)
        self._uniform = sigma.uniform and np.ptp(np.diff(self.faces)) < 1e-9 * np.diff(self.faces).mean()

    def start(self, f0, layer=True):
        """Sets f₀ at t = 0, cell averages `f0` (n,), in any unit; with `layer` the initial layer is allowed for. Gives the object itself.

        Raises
        ------
        InputError
            Not one finite number for each cell.
        """
        f0 = np.array(f0, dtype=float)
        if f0.shape != (len(self.faces) - 1,) or not np.isfinite(f0).all():
            raise InputError("a start must be one finite number for each cell", given=f0.shape, allowed=len(self.faces) - 1)
        self._start, self._layer = f0, layer
        return self

    def at(self, t):
        """f₀ at the time t ≥ 0 [1/ν]: array (n,), cell averages; at t = 0 the start as corrected by the initial layer."""
        T = self.epsilon**2 * t / 4
        if self._uniform and not any(self.inflow):
            f0 = self._fourier(T)
            if f0 is not None:
                return f0
        return self._splines(T)

    def _fourier(self, T):
        """By Fourier modes, or None if the ends have been reached."""
        n, h, sigma = len(self._start), np.diff(self.faces).mean(), self._points.sigma[0, 0]
        size = n if "periodic" in self.ends else 2 * n
        k = 2 * np.pi * np.fft.rfftfreq(size, h)
        Q = 1j * k * (1j * k + sigma)
        q = self._mirrored()[0, 0] * Q
        factor = self._amplitude(q) * self._growth(q, -self.epsilon * self._s * Q * (1j * k + sigma / 2), T)
        f0 = np.fft.irfft(np.fft.rfft(self._start, size) * factor, size)
        # The end cells, and what lies beyond them.
        reached = max(np.abs(f0[n - 1:]).max(initial=0.0), abs(f0[0]), abs(self._start[0]), abs(self._start[-1]))
        if size > n and reached > REACHED * np.abs(self._start).max():
            return None
        return f0[:n]

    def _splines(self, T):
        """By splines and the modes of Q."""
        modes, walled = self._modes(), self._modes(walls=True)
        # The layer knows nothing of what passes the ends.
        start = walled.averages(self._amplitude(walled.q) * walled.amplitudes(self._start)) if self._layer else self._start
        f_end = modes.steady(self.inflow)
        rest = modes.amplitudes(start) - f_end
        if self._s:
            rate, vectors, inverse = self._skewed
            rest = (vectors @ (np.exp(rate * T) * (inverse @ rest))).real
        else:
            rest = rest * self._growth(modes.q, 0.0, T)
        f0 = modes.averages(rest + f_end)
        if modes.closed:
            # Number stays; the eigenvectors know it only to their roundoff.
            volume = self._points.volume
            f0 += volume @ (self._start - f0) / volume.sum()
        return f0

    def _modes(self, walls=False):
        """Those of Q_σ for hyperdiffusion, of Q for the others; with the run's ends or with walls in place of open ones."""
        stiff, length = self._points.weight * self._mirrored(), self.epsilon * self.coefficients.kappa / 2
        leak = [A / length if end in ("open", "source") and not walls else 0.0
                for A, end in zip(self._points.ends, self.ends, strict=True)]
        arrays = (self.faces, self._points.weight.ravel(), stiff.ravel(), leak)
        return _modes(*(tuple(a) for a in arrays), "periodic" in self.ends)

    @functools.cached_property
    def _skewed(self):
        """Rates (n,), vectors and their inverse (n, n) of hyperdiffusion with s, between the modes of Q."""
        modes = self._modes()
        matrix = np.diag(self._rate(modes.q)) - self.epsilon * self._s * modes.third()
        rate, vectors = np.linalg.eig(matrix)
        return rate, vectors, np.linalg.inv(vectors)

    def _mirrored(self):
        """e^{−ε²[…]/κ} of Q_σ at the Gauss points; 1 for the other models."""
        c, at = self.coefficients, self._points
        if self.model != "hyperdiffusion":
            return np.ones_like(at.sigma)
        terms = c.mirror * at.sigma**2 / 8 + (c.kappa * c.slip - 3 * c.mirror / 8) * at.slope
        return np.exp(-self.epsilon**2 * terms / c.kappa)

    def _amplitude(self, q):
        """Of the slow mode, in an isotropic start; q eigenvalues of Q."""
        y = self.epsilon**2 * self.coefficients.slip * q if self._layer else 0.0 * q
        return 1 - y / (1 + y**2)

    def _rate(self, q):
        """d ln f/dT of diffusion and hyperdiffusion without s."""
        c = self.coefficients
        K = self.epsilon**2 * c.K if self.model == "hyperdiffusion" else 0.0
        return c.kappa * q - K * q**2 if K >= 0 else c.kappa * q / (1 + K * q / c.kappa)

    def _growth(self, q, skew, T):
        """f(T)/f(0) of a mode with eigenvalue q of Q; `skew` is added to its rate."""
        if self.model != "telegraph":
            return np.exp((self._rate(q) + skew) * T)
        c = self.coefficients
        tau = self.epsilon**2 * c.K / c.kappa**2
        x, b = T / (2 * tau), 1 + 2 * tau * c.kappa * q
        r = np.sqrt(1 + 4 * tau * c.kappa * q + 0j)
        # e^{−x}[cosh(xr) + b sinh(xr)/r]: as two exponentials that do not overflow, and near r = 0 as it stands.
        near = np.abs(x * r) < 0.5
        safe = np.where(near, 1.0, r)
        far = ((1 + b / safe) * np.exp(2 * c.kappa * q * T / (1 + safe)) + (1 - b / safe) * np.exp(-x * (1 + safe))) / 2
        xr = np.where(near, x * r, 0.0)
        # sinh(xr)/(xr) = sin(ixr)/(ixr)
        growth = np.where(near, np.exp(-x) * (np.cosh(xr) + b * x * np.sinc(1j * xr / np.pi)), far)
        return growth if np.iscomplexobj(q) else growth.real


def _check(reduced):
    """Refuses what the models cannot take."""
    if reduced.model not in MODELS:
        raise InputError("there is no such reduced model", given=reduced.model, allowed=", ".join(MODELS))
    if len(reduced.ends) != 2 or not set(reduced.ends) <= set(ENDS):
        raise InputError("there is no such end", given=reduced.ends, allowed=", ".join(ENDS))
    if len(set(reduced.ends)) == 2 and "periodic" in reduced.ends:
        raise InputError("one end is periodic, the other is not", given=reduced.ends, allowed="both or none")
    if reduced.faces.ndim != 1 or len(reduced.faces) < 9 or not (np.diff(reduced.faces) > 0).all():
        raise InputError("the faces must ascend, around 8 cells or more", given=reduced.faces)
    if not reduced.epsilon > 0:
        raise InputError("epsilon must be positive", given=reduced.epsilon, allowed="> 0")
    if reduced.model == "telegraph" and not reduced.coefficients.K > 0:
        raise InputError("the telegraph equation grows without bound where K is not positive",
                         given=f"K = {reduced.coefficients.K}", allowed="K > 0; hyperdiffusion takes any K")


def _check_tube(reduced, at):
    """Refuses σ that is no number, and periodic ends that do not fit together."""
    if not np.isfinite(at.weight).all():
        raise InputError("sigma, or the area that follows from it, is not finite")
    if "periodic" in reduced.ends and abs(at.ends[1] / at.ends[0] - 1) > 1e-9:
        raise InputError("the tube's area differs at periodic ends", given=f"by the factor {at.ends[1] / at.ends[0]:.9g}",
                         allowed="a mean sigma of 0")


@dataclass(frozen=True)
class _Points:
    """At the Gauss points (n, POINTS) of the cells: A dz, σ, and σ′ of the cell; ∫A dz of each cell (n,), A at both ends."""

    weight: np.ndarray
    sigma: np.ndarray
    slope: np.ndarray
    volume: np.ndarray
    ends: np.ndarray


def _points(faces, law):
    """Of a law of focusing."""
    z, dz = _gauss(faces)
    slope = np.diff(law.sigma(faces))[:, None] / np.diff(faces)[:, None]
    origin = law.log_area(faces[0])
    weight = dz * np.exp(law.log_area(z) - origin)
    return _Points(weight, law.sigma(z), slope + 0 * z, weight.sum(axis=1), np.exp(law.log_area(faces[[0, -1]]) - origin))


def _gauss(faces):
    """Gauss points and weights in each cell, (n, POINTS) each."""
    x, w = np.polynomial.legendre.leggauss(POINTS)
    h = np.diff(faces)[:, None]
    return faces[:-1, None] + h * (1 + x) / 2, h * w / 2


class _Modes:
    """Eigenvalues q (n,) of Q, descending, and its eigenvectors in the splines; `closed`: no flux through the ends.

    `weight` is A dz at the Gauss points, `stiff` the same with the weight of Q_σ, `leak` A/length in Marshak's flux
    A (f₀ − g)/length at each end, where but one spline is not 0.
    """

    def __init__(self, faces, weight, stiff, leak, periodic):
        from scipy.linalg import eigh
        from scipy.sparse.linalg import splu

        value, slope, second = _splines_at(_gauss(faces)[0].ravel(), faces, periodic)
        mass = (value.T @ value.multiply(weight[:, None])).tocsr()
        K = (slope.T @ slope.multiply(stiff[:, None])).toarray()
        K[[0, -1], [0, -1]] += leak
        rate, self._vectors = eigh(K, mass.toarray(), overwrite_a=True, overwrite_b=True)
        self.q, self.closed = -np.maximum(rate, 0.0), not leak.any()
        self._leak, self._mass, self._slope, self._second = leak, mass, slope, second.multiply(weight[:, None])
        volume = np.repeat(weight.reshape(-1, POINTS).sum(axis=1), POINTS)
        self._means = _summed(value.multiply((weight / volume)[:, None]), np.repeat(np.arange(len(faces) - 1), POINTS))
        self._solve = splu(self._means.tocsc()).solve

    def amplitudes(self, f0):
        """Of the modes (n,), from cell averages (n,)."""
        return self._vectors.T @ (self._mass @ self._solve(f0))

    def averages(self, amplitudes):
        """The reverse."""
        return self._means @ (self._vectors @ amplitudes)

    def steady(self, inflow):
        """Amplitudes of the steady state under an inflow g at each end; 0 if there is none."""
        if not any(inflow):
            return np.zeros_like(self.q)
        return (self._vectors[[0, -1]].T @ (self._leak * inflow)) / -self.q

    def third(self):
        """d′d″∂ between the modes (n, n), without what would pass the ends: −½∫A(v′f″ − v″f′) dz."""
        cross = (self._slope.T @ self._second).toarray()
        return self._vectors.T @ ((cross.T - cross) / 2) @ self._vectors


@functools.lru_cache(maxsize=4)
def _modes(faces, weight, stiff, leak, periodic):
    """The models of a run share them."""
    return _Modes(*(np.array(a) for a in (faces, weight, stiff, leak)), periodic)


def _splines_at(z, faces, periodic):
    """Values, first and second derivatives (len(z), n) of the n splines on the cells.

    Their knots are the faces, without the two next to each end (not-a-knot), so that there is one spline a cell; periodic ones
    go around and have all knots.
    """
    from scipy.interpolate import BSpline
    from scipy.sparse import csr_matrix, diags

    p, n = DEGREE, len(faces) - 1
    if periodic:
        period = faces[-1] - faces[0]
        knots = np.concatenate([faces[-p - 1:-1] - period, faces, faces[1:p + 1] + period])
    else:
        knots = np.concatenate([np.repeat(faces[0], p + 1), faces[3:-3], np.repeat(faces[-1], p + 1)])
    size, change, found = len(knots) - p - 1, None, []
    for order in range(3):
        design = BSpline.design_matrix(z, knots[order:len(knots) - order], p - order)
        found.append(design if change is None else design @ change)
        # f′ = Σ (p − order) (c_{j+1} − c_j)/(t_{j+p+1} − t_{j+1}) B_j of one degree less
        m, q = size - order - 1, p - order
        inner = knots[order:len(knots) - order]
        gap = q / (inner[q + 1:q + 1 + m] - inner[1:1 + m])
        step = diags([-gap, gap], [0, 1], shape=(m, m + 1))
        change = step if change is None else step @ change
    wrap = csr_matrix((np.ones(size), (np.arange(size), np.arange(size) % n)))
    return [(matrix @ wrap).tocsr() for matrix in found]


def _summed(matrix, rows):
    """The rows of a sparse matrix added up by their numbers `rows`."""
    from scipy.sparse import csr_matrix

    gather = csr_matrix((np.ones(len(rows)), (rows, np.arange(len(rows)))))
    return gather @ matrix
