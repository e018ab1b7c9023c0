"""Synthetic magnetic turbulence: a sum of plane waves with given spectrum and polarisation.

    δB(r) = Σ A_i ξ_i cos(k_i·r + β_i),   A_i² = 2 δB² G_i/Σ G,   G = E(k) k,   k_i·ξ_i = 0

(Giacalone & Jokipii 1999; Tautz & Dosch 2013; Mertsch 2020). The wavenumbers are the centres of equal cells of ln k, so that sums
are midpoint integrals over the spectrum. Fields in any unit, lengths in any unit.
"""

from dataclasses import dataclass

import numpy as np

# Independent random streams of one realisation.
_PURPOSES = {"waves": 0, "starts": 1}


def stream(seed, realisation, purpose):
    """The random stream of a realisation: numpy Generator over Philox, keyed by integers alone.

    Parameters
    ----------
    seed, realisation : int
        Not negative, below 2⁶³ and 2⁵⁶.
    purpose : str
        "waves" or "starts".
    """
    key = np.array([seed, (realisation << 8) | _PURPOSES[purpose]], dtype=np.uint64)
    return np.random.Generator(np.random.Philox(key=key))


@dataclass(frozen=True)
class Spectrum:
    """Energy per wavenumber, E(k), between two scales.

    E ~ k^−q, or with a bend-over E ~ (k l)^s/(1 + (k l)²)^((s + q)/2).

    Attributes
    ----------
    index : float
        q.
    low, high : float
        The shortest and the longest wavelength; 2π/high ≤ k ≤ 2π/low.
    bend_scale : float or None
        l.
    bend_index : float
        s.
    """

    index: float
    low: float
    high: float
    bend_scale: float = None
    bend_index: float = 0.0

    @property
    def k_range(self):
        """The smallest and the largest wavenumber."""
        return 2.0 * np.pi / self.high, 2.0 * np.pi / self.low

    def E(self, k):
        """Spectrum at k (n,), not normalised: array (n,); 0 outside the range."""
        k = np.asarray(k, dtype=float)
        low, high = self.k_range
        # Relative to the longest wave, so that no power of a length overflows.
        values = (k / low) ** -self.index
        if self.bend_scale is not None:
            x, first, power = k * self.bend_scale, low * self.bend_scale, 0.5 * (self.bend_index + self.index)
            values *= ((1.0 + first**-2) / (1.0 + x**-2)) ** power
        return np.where((k >= low * (1 - 1e-12)) & (k <= high * (1 + 1e-12)), values, 0.0)

    def cells(self, modes):
        """Centres of `modes` equal cells in ln k: array (modes,)."""
        low, high = self.k_range
        return low * (high / low) ** ((np.arange(modes) + 0.5) / modes)

    def normalised(self, k):
        """E(k) with ∫E dk = 1: array like k."""
        low, high = self.k_range
        fine = self.cells(20000)
        return self.E(k) / (self.E(fine) * fine).sum() / (np.log(high / low) / len(fine))


@dataclass(frozen=True, eq=False)
class Waves:
    """Plane waves.

    Attributes
    ----------
    k : array (N, 3)
        [1/length]
    amplitude : array (N, 3)
        A ξ, perpendicular to k.
    phase : array (N,)
        [rad]
    """

    k: np.ndarray
    amplitude: np.ndarray
    phase: np.ndarray

    def __len__(self):
        return len(self.k)

    @property
    def rms(self):
        """√⟨δB²⟩ = √(Σ A²/2)."""
        return float(np.sqrt(0.5 * (self.amplitude**2).sum()))

    @property
    def k_range(self):
        """The smallest and the largest |k|."""
        k = np.linalg.norm(self.k, axis=1)
        return float(k.min()), float(k.max())

    def field(self, r):
        """δB at the points r (n, 3): array (n, 3)."""
        return np.cos(np.asarray(r) @ self.k.T + self.phase) @ self.amplitude

    def divergence(self, r):
        """∇·δB at the points r (n, 3), from the derivative of each wave: array (n,)."""
        return -np.sin(np.asarray(r) @ self.k.T + self.phase) @ (self.k * self.amplitude).sum(axis=1)

    def correlation_length(self, sided="one-sided"):
        """L_c = δB⁻² ∫⟨B(0)·B(r)⟩ dr, averaged over the directions of r, from 0 ("one-sided") or from −∞ ("two-sided").

        ⟨B(0)·B(r)⟩ = Σ (A²/2) sin(kr)/kr, so L_c = (π/2) Σ (A²/k)/Σ A² or twice that (Harari et al. 2002).
        """
        square = (self.amplitude**2).sum(axis=1)
        one = 0.5 * np.pi * (square / np.linalg.norm(self.k, axis=1)).sum() / square.sum()
        return float(one if sided == "one-sided" else 2.0 * one)


def realise(kind, fractions, spectrum, modes, rms, rng):
    """One realisation.

    Parameters
    ----------
    kind : str
        One of deck.turbulence.KINDS.
    fractions : dict or None
        For "composite": the part of δB² in each other kind; each has the whole spectrum and its share of the modes.
    spectrum : Spectrum
    modes : int
    rms : float
        √⟨δB²⟩.
    rng : numpy Generator

    Returns
    -------
    Waves
        |k| and A do not depend on `rng`; directions, polarisations and phases do.
    """
    if kind != "composite":
        return _pure(kind, spectrum, modes, rms, rng)
    waves = [_pure(name, spectrum, count, rms * np.sqrt(fractions[name]), rng) for name, count in shares(fractions, modes).items()]
    return Waves(*(np.concatenate([getattr(w, name) for w in waves]) for name in ("k", "amplitude", "phase")))


def shares(fractions, modes):
    """How many of the `modes` each kind of a composite gets: dict.

    In proportion to its part of δB², at least 1 each, in alphabetical order; together `modes` where that is possible.
    """
    names = sorted(name for name, part in fractions.items() if part > 0.0)
    return dict(zip(names, _shares([fractions[name] for name in names], modes)))


def _shares(parts, modes):
    """Whole numbers in proportion to `parts`, at least 1 each, with the sum `modes` where that is possible: list."""
    counts = [max(1, int(part * modes)) for part in parts]
    for place in np.argsort(parts, kind="stable")[::-1]:
        if sum(counts) < modes:
            counts[place] += 1
    counts[int(np.argmax(parts))] += max(0, modes - sum(counts))
    # The small parts that were raised to 1 are paid for by the largest ones.
    while sum(counts) > max(modes, len(parts)):
        counts[int(np.argmax(counts))] -= 1
    return counts


def _pure(kind, spectrum, modes, rms, rng):
    """Waves of one kind."""
    k = spectrum.cells(modes)
    G = spectrum.E(k) * k
    A = rms * np.sqrt(2.0 * G / G.sum())
    u = rng.random((modes, 4))
    mu, phi = 2.0 * u[:, 0] - 1.0, 2.0 * np.pi * u[:, 1]
    if kind == "slab":
        mu = np.where(u[:, 0] < 0.5, -1.0, 1.0)
    elif kind == "2d":
        mu = np.zeros(modes)
    across = np.sqrt((1.0 - mu) * (1.0 + mu))
    direction = np.stack([across * np.cos(phi), across * np.sin(phi), mu], axis=1)
    # Two unit vectors across k: e1 = k × z/|k × z|, across z too, and e2 = e1 × k in the plane of k and z.
    e1 = np.stack([np.sin(phi), -np.cos(phi), np.zeros(modes)], axis=1)
    e2 = np.cross(e1, direction)
    angle = {"alfven": 0.0, "2d": 0.0, "magnetosonic": 0.5 * np.pi}.get(kind)
    alpha = 2.0 * np.pi * u[:, 2] if angle is None else np.full(modes, angle)
    xi = np.cos(alpha)[:, None] * e1 + np.sin(alpha)[:, None] * e2
    if kind in ("alfven", "2d"):
        xi = e1             # exactly across z
    k, amplitude = k[:, None] * direction, A[:, None] * xi
    # What rounding left along k is taken off.
    amplitude -= (amplitude * direction).sum(axis=1)[:, None] * direction / (direction**2).sum(axis=1)[:, None]
    return Waves(k, amplitude, 2.0 * np.pi * u[:, 3])
