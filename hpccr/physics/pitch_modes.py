"""Modes of pitch-angle scattering: matrices in Legendre functions, the dispersion relation, moments and drift, to rounding.

The equation of `physics.pitch_angle` with uniform σ is symmetric under the weight g = exp(−εσW/2):

    g ∂f/∂t = ∂_μ[g D(1 − μ²) ∂_μ f] − ε μ g ∂_z f

and so is that of the number N = A f in a flux tube of area A = exp(σz), for u = N/g with g = exp(+εσW/2):

    g ∂u/∂t = ∂_μ[g D(1 − μ²) ∂_μ u] − ε μ g ∂_z u.

Galerkin's method in finite elements, polynomials of high degree not in μ but in W, then holds the modes also where D is rough or
vanishes: ∂f/∂W = D ∂f/∂μ is a smooth flux.
"""

import functools

import numpy as np

# Elements shrink by this in s towards s = 0, down to there; unknowns of all of them together, degree of one, and most elements.
SHRINK, SMALLEST, UNKNOWNS, DEGREES, ELEMENTS = 6.0, 1e-7, 320, (3, 24), 80
# Gauss points of a panel that is a small part of an element.
FEW = 8
# Share 1/(1 + rate) below which a mode is too fast to be known, and to matter.
FASTEST = 1e-11
# Modes from which the slow one is found before it is improved with all, and steps of that, each of third order.
FIRST, REFINE = 32, 2
# Points on the upper half of the contour in the complex plane: 3.89^-28 (Weideman 2006).
CONTOUR = 14


def matrices(scattering, n):
    """Scattering and μ in the orthonormal Legendre functions φ_l = √(2l+1) P_l, l < n.

    For smooth D the modes converge faster than any power of n. Not where D vanishes at μ = 0: with 64 functions κ is 5 % too small
    for q = 3/2 and 35 % for q = 1.8, and 5 % if 0.01 fills the gap of q = 5/3; there take `Modes`.

    Parameters
    ----------
    scattering : Scattering
    n : int

    Returns
    -------
    S, M : array (n, n)
        S = −⟨D(1 − μ²) φ_l' φ_m'⟩ [ν], symmetric, ≤ 0; M = ⟨μ φ_l φ_m⟩, tridiagonal.
    """
    x, w = np.polynomial.legendre.leggauss(n + 16)
    edges, degree = scattering.panels(SHRINK, SMALLEST), np.arange(n)
    S = np.zeros((n, n))
    for left, half in zip(edges, 0.5 * np.diff(edges)):
        s = left + half * (1 + x)
        mu = scattering.mu(s)
        legendre = np.polynomial.legendre.legvander(mu, n)
        # (1 − μ²) P_l' = (l + 1)(μ P_l − P_(l+1)); a factor 1/(1 − μ²) is left over in the square.
        turned = (degree + 1) * (mu[:, None] * legendre[:, :n] - legendre[:, 1:]) * np.sqrt(2 * degree + 1)
        S -= (turned.T * (0.5 * half * w * scattering.slope(s) * scattering.D(mu) / (1 - mu**2))) @ turned
    up = _next(n)
    return 0.5 * (S + S.T), np.diag(up, 1) + np.diag(up, -1)


def focusing(n):
    """F = ⟨φ_l d/dμ[½(1 − μ²) φ_m]⟩ in the same functions: array (n, n), bidiagonal.

    A pure number; the term of focusing is −ε σ F for the number N.
    """
    degree, up = np.arange(n), _next(n)
    return np.diag(0.5 * degree[:-1] * up, 1) - np.diag(0.5 * (degree[1:] + 1) * up, -1)


def _next(n):
    """⟨μ φ_l φ_(l+1)⟩, array (n−1,)."""
    l = np.arange(1, n)
    return l / np.sqrt(4.0 * l**2 - 1)


class Modes:
    """Eigenfunctions v of scattering, ∂_μ[g D(1 − μ²) ∂_μ v] = −rate g v with g = exp(tilt W), orthonormal under ⟨g ..⟩.

    In them, without tilt, −diag(rate) and mu stand for S and M of `matrices` where D vanishes or has a gap; the first is 1.
    The lowest 8 hold κ to 2e-6, 16 to 4e-8 for all laws of waves; all of them hold κ and K to 1e-10, to 1e-7 for the narrowest gaps.

    Parameters
    ----------
    scattering : Scattering
    tilt : float

    Attributes
    ----------
    rate : array (n,)
        Ascending; the first is 0.
    mu : array (n, n)
        ⟨g v μ w⟩.
    at : array (points, n)
        Values at the points of a rule.
    points, weight, tilted : array (points,)
        μ of the rule, its weights for ⟨.⟩, and g over its largest value.
    """

    def __init__(self, scattering, tilt=0.0):
        from scipy.linalg import eigh

        s, weight, basis, slopes = _elements(scattering)
        self.points, self.weight = scattering.mu(s), 0.5 * weight * scattering.slope(s)
        lean = tilt * scattering.W_at(s)
        self.tilted = np.exp(lean - lean.max())
        stiff = 0.5 * weight * scattering.density(s) * self.tilted * (1 - self.points**2)
        mass = (basis.T * (self.weight * self.tilted)) @ basis
        # Near s = 0 elements have hardly any mass, but stiffness: so for 1/(1 + rate), up to the fastest that rounding leaves.
        share, vectors = eigh(mass, (slopes.T * stiff) @ slopes + mass)
        kept = np.flatnonzero(share > FASTEST)[::-1]
        self.rate = 1 / share[kept] - 1
        self.rate[0] = 0.0
        self.at = basis @ (vectors[:, kept] / np.sqrt(share[kept]))
        self.at[:, 0] = 1 / np.sqrt(np.sum(self.weight * self.tilted))
        self.mu = self.expand(self.points[:, None] * self.at)

    def expand(self, y):
        """Coefficients, (n,) or (n, m), of functions with the values y at the points, (points,) or (points, m), in the unit of y."""
        return (self.at.T * (self.weight * self.tilted)) @ y


def _elements(scattering):
    """Continuous functions, polynomials of W in each element: rule s, weight, and values and derivatives by W there (rule, n)."""
    edges = scattering.panels(SHRINK, SMALLEST)
    # Long tables have several panels to an element.
    several = -(-(len(edges) - 1) // ELEMENTS)
    starts = np.arange(0, len(edges) - 1, several)
    degree = int(np.clip(UNKNOWNS // len(starts), *DEGREES))
    x, w = np.polynomial.legendre.leggauss(degree + 12 if several == 1 else FEW)
    half = 0.5 * np.diff(edges)[:, None]
    s, weight = edges[:-1, None] + half * (1 + x), half * w
    W, corners = scattering.from_zero(s), scattering.from_zero(np.append(edges[starts], 1.0))
    values, slopes = np.zeros((2, *s.shape, len(starts) * degree + 1))
    for e, start in enumerate(starts):
        panels, own, width = slice(start, start + several), slice(e * degree, (e + 1) * degree + 1), corners[e + 1] - corners[e]
        values[panels, :, own], slopes[panels, :, own] = _lobatto(2 * (W[panels] - corners[e]) / width - 1, degree)
        slopes[panels, :, own] *= 2 / width
    return s.ravel(), weight.ravel(), values.reshape(s.size, -1), slopes.reshape(s.size, -1)


def _lobatto(x, degree):
    """Two hats, and between them integrals of P_1 to P_(degree−1), 0 at both ends: values and derivatives, (..., degree+1) each."""
    legendre = np.polynomial.legendre.legvander(x, degree)
    l = np.arange(1, degree)
    inner, one = (legendre[..., 2:] - legendre[..., :-2]) / np.sqrt(4 * l + 2), np.full((*x.shape, 1), 0.5)
    return (np.concatenate([(1 - x[..., None]) / 2, inner, (1 + x[..., None]) / 2], axis=-1),
            np.concatenate([-one, legendre[..., 1:-1] * np.sqrt(l + 0.5), one], axis=-1))


# --- waves in z ----------------------------------------------------------------------------------------------------


def dispersion(scattering, epsilon, k, sigma=0.0):
    """λ(k) of the slow mode, f ~ exp(ikz + λt): the eigenvalue of largest real part; of a conjugate pair that with Im λ > 0.

    For long waves λ = −(ε²/4) κ k(k − iσ) up to ε³; without σ and with even D, λ = −(ε²/4)(κk² + ε² K k⁴). To 1e-13 for isotropic
    scattering and εk < 1, to 1e-10 of λ for other laws, to 1e-7 for the narrowest gaps.

    Parameters
    ----------
    scattering : Scattering
    epsilon : float
    k : float or array (n,)
        Wave numbers [1/l].
    sigma : float
        Uniform focusing [1/l].

    Returns
    -------
    complex array like k [ν]
    """
    modes = Modes(scattering, -0.5 * epsilon * sigma)
    first = slice(FIRST)
    value = np.empty(np.shape(k), dtype=complex)
    for i, wave in np.ndenumerate(np.asarray(k, dtype=float)):
        matrix = -np.diag(modes.rate) - 1j * epsilon * wave * modes.mu
        rough, vectors = np.linalg.eig(matrix[first, first])
        slow = np.lexsort((-rough.imag, -np.round(rough.real, 9)))[0]
        vector = np.zeros(len(matrix), dtype=complex)
        vector[first] = vectors[:, slow]
        value[i] = _improved(matrix, vector, rough[slow])
    # Where rounding has chosen the other one of a pair.
    return np.where((value.imag < 0) & scattering.even & (sigma == 0), value.conj(), value)


def _improved(matrix, vector, value):
    """Rayleigh quotient iteration with a symmetric complex matrix: the eigenvalue next to `value`."""
    one = np.eye(len(matrix))
    for _ in range(REFINE):
        try:
            vector = np.linalg.solve(matrix - value * one, vector)
        except np.linalg.LinAlgError:
            # The eigenvalue to the last bit.
            break
        vector /= np.linalg.norm(vector)
        value = (vector @ matrix @ vector) / (vector @ vector)
    return value


# --- moments in z --------------------------------------------------------------------------------------------------


def moments(scattering, epsilon, t, start=None, sigma=0.0):
    """⟨zⁿ⟩, n = 0 … 4, of particles released together at z = 0, t = 0, exact at all times: ballistic to diffusive.

    dM_n/dt = S M_n + n ε μ M_(n−1) for the angular distributions M_n = ∫ zⁿ N dz, by modes of S and an inverse Laplace transform on
    Talbot's contour (Weideman 2006). With σ the means are over particles, weighted with the area of the tube.

    Parameters
    ----------
    scattering : Scattering
    epsilon : float
    t : float or array (n,)
        [1/ν], ≥ 0.
    start : callable, optional
        Angular distribution at t = 0, of μ, of any norm; else isotropic.
    sigma : float
        Uniform focusing [1/l].

    Returns
    -------
    array (n, 5)
        To 1e-10 of themselves, the odd ones of even D to 1e-14 (εt)ⁿ; to 1e-7 for the narrowest gaps.
    """
    modes = Modes(scattering, 0.5 * epsilon * sigma)
    begin = np.ones_like(modes.points) if start is None else np.asarray(start(modes.points), dtype=float)
    begin = modes.at.T @ (modes.weight * begin / np.sum(modes.weight * begin))
    # ⟨N⟩ = ⟨g u⟩ takes the first mode alone, which is constant.
    norm = modes.at[0, 0]
    t = np.atleast_1d(np.asarray(t, dtype=float))
    result = np.zeros((len(t), 5))
    result[:, 0] = 1.0
    for row, at in zip(result, t, strict=True):
        if at > 0:
            row[1:] = _inverse_laplace(functools.partial(_hierarchy, modes, epsilon, begin), at) / norm
    return result


def _hierarchy(modes, epsilon, begin, p):
    """Transforms of the first modes of M_1 … M_4 at the points p of a contour: array (4, points)."""
    resolvent = 1 / (p + modes.rate[:, None])
    M, found = resolvent * begin[:, None], []
    for n in range(1, 5):
        M = resolvent * (n * epsilon * (modes.mu @ M))
        found.append(M[0])
    return np.array(found)


def _inverse_laplace(transform, t):
    """Value at t of what has this transform, with no singularity but on the negative axis; transform of (points,) gives (m, points)."""
    # Trefethen, Weideman & Schmelzer 2006, the optimal cotangent contour.
    theta = (np.arange(CONTOUR) + 0.5) * np.pi / CONTOUR
    cot = 1 / np.tan(0.6407 * theta)
    p = CONTOUR / t * 2 * (0.5017 * theta * cot - 0.6122 + 0.2645j * theta)
    slope = 0.5017 * cot - 0.5017 * 0.6407 * theta * (1 + cot**2) + 0.2645j
    return 2 / t * (transform(p) * np.exp(p * t) * slope).imag.sum(axis=-1)


def drift(scattering, epsilon, sigma):
    """Speed of ⟨z⟩ with uniform focusing at late times, a float: ε⟨μ g⟩/⟨g⟩, g = exp(εσW/2); (ε²/4) κσ for weak focusing [l ν]."""
    modes = Modes(scattering, 0.5 * epsilon * sigma)
    return float(epsilon * modes.mu[0, 0])
