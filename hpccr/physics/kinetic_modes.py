"""The kinetic equation of pitch-angle transport by modes: truth for smooth starts that are unbounded or periodic in z.

    ∂f/∂t = ∂_μ[D(μ)(1−μ²)∂_μ f] − ε[μ ∂_z f + (σ/2)(1−μ²)∂_μ f],   D(μ) > 0, σ uniform        (Malkov 2015, equation 6)

A Fourier mode e^{ikz} of f = Σ a_j φ_j(μ), φ_j orthonormal with ⟨..⟩ = ½ ∫ dμ and φ_0 = 1, obeys ȧ = [S − ε(ik M − σ Fᵀ)] a with
the matrices S of scattering, M of μ and F of d_μ[½(1−μ²) ·]. Early the matrix exponential is taken; later, when the norm of S
times t would cost digits, the eigenvectors, with each eigenvalue found again as yAx/yx: then its roundoff is its own.
"""

import numpy as np

# Beyond this norm of the matrix times t a matrix exponential loses more than some 1e-12.
STIFF = 1e4
# A Gaussian's transform is e^{−REACH²/2} = 4e-19 of its peak at k w = REACH, and the Gaussian at z = REACH w.
REACH = 9.2


def isotropic_part(z, t, start, matrices, epsilon, sigma=0.0):
    """f₀(z,t) = ½∫f dμ of an isotropic start.

    Parameters
    ----------
    z : array (n,)
        Where [l]; for a periodic start one whole period in equal steps, z[n−1] + step being z[0] again.
    t : float
        When, ≥ 0 [1/ν].
    start : float or array (n,)
        Width w of a start e^{−z²/2w²} on the whole line, or f at t = 0 at z, periodic (values or cell averages: the result is
        the same of them).
    matrices : (S, M) or (S, M, F)
        Each (m, m), in an orthonormal basis whose first function is 1: `pitch_modes.matrices` and `pitch_modes.focusing`, or in
        one that resolves a D that vanishes. F is needed only if σ is not 0.
    epsilon, sigma : float
        ε, and σ [1/l].

    Returns
    -------
    array (n,)
        To some 1e-12 of the start's peak if the basis resolves f.
    """
    return _harmonics(z, t, start, matrices, epsilon, sigma)[0]


def distribution(z, mu, t, start, matrices, epsilon, sigma=0.0):
    """f(z,μ,t), (len(z), len(mu)), in the unit of `start`; `matrices` in the Legendre functions √(2l+1) P_l, the others as in
    `isotropic_part`."""
    harmonics = _harmonics(z, t, start, matrices, epsilon, sigma)
    l = np.arange(len(harmonics))
    return harmonics.T @ (np.sqrt(2 * l + 1) * np.polynomial.legendre.legvander(np.asarray(mu, dtype=float), len(l) - 1)).T


def _harmonics(z, t, start, matrices, epsilon, sigma):
    """a_j(z), (m, n): of f = Σ a_j φ_j; the first is f₀."""
    z = np.asarray(z, dtype=float)
    S, M = matrices[:2]
    mirror = sigma * matrices[2].T if sigma else np.zeros_like(S)
    if np.ndim(start):
        k = 2 * np.pi * np.fft.rfftfreq(len(z), z[1] - z[0])
        modes = np.fft.rfft(start) * _responses(k, t, S + epsilon * mirror, epsilon * M).T
        return np.fft.irfft(modes, len(z), axis=1)
    # The sum over k repeats the start with the period 2π/Δk: so far away that no copy can come to where z lies, at the speed ε.
    step = np.pi / (np.abs(z).max() + REACH * start + epsilon * t)
    k = step * np.arange(int(REACH / start / step) + 2)
    weight = np.sqrt(2 / np.pi) * start * np.exp(-((k * start) ** 2) / 2) * step
    weight[0] /= 2
    modes = weight * _responses(k, t, S + epsilon * mirror, epsilon * M).T
    return (modes @ np.exp(1j * np.outer(k, z))).real


def _responses(k, t, still, moving):
    """exp(t (still − ik moving)) e_0 for each k: (len(k), m)."""
    found = np.zeros((len(k), len(still)), dtype=complex)
    for row, kk in enumerate(k):
        found[row] = _response(still - 1j * kk * moving, t)
    return found


def _response(matrix, t):
    """exp(t matrix) e_0, (m,) complex."""
    from scipy.linalg import expm

    if t * np.abs(matrix).sum(axis=1).max() < STIFF:
        return expm(t * matrix)[:, 0]
    x = np.linalg.eig(matrix)[1]
    y = np.linalg.inv(x)
    rate = np.einsum("ji,ij->j", y, matrix @ x)
    # The decayed ones are left out, with what they lost of their digits.
    alive = rate.real * t > -50
    return x[:, alive] @ (np.exp(rate[alive] * t) * y[alive, 0])
