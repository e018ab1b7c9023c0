"""Pitch-angle scattering D(μ), and the coefficients of the transport along z that follow from it.

    ∂f/∂t = ∂_μ[D(μ)(1 − μ²) ∂_μ f] − ε[μ ∂_z f + (σ/2)(1 − μ²) ∂_μ f]        (Malkov 2015, eq. 6; t in 1/ν, z in l)

All follows from W and U: W' = 1/D, ⟨W⟩ = 0, U' = (1 − μ²)/D, U(−1) = 0, where ⟨.⟩ = ½ ∫ dμ over [−1, 1].

Where D vanishes as |μ|^(q−1), μ is mapped to s, μ = sgn(s) |s|^m with m = 1/(2 − q): dμ/D = density ds is then smooth and finite.
Else m = 1.
"""

from dataclasses import dataclass

import numpy as np

from hpccr.errors import InputError

# Gauss points a panel, for laws that are smooth, or powers of s, on each.
POINTS = 24
# Panels of powers of s shrink by this factor towards s = 0, to where what is left contributes no more than rounding.
SHRINK, SMALLEST = 2.0, 1e-30
# By which D may change over a panel of a table: the pole of 1/D stays far enough for Gauss.
STEEPEST = 3.0
# Fewest bins of an orbit run that must hold a D_mumu, and their share.
FEWEST, SHARE = 8, 0.5


class Scattering:
    """D(μ) of one law; made by `isotropic`, `power`, `filled`, `table` or `from_orbits`.

    Attributes
    ----------
    name : str
    even : bool
        D(−μ) = D(μ).
    bend : float
        m of μ = sgn(s) |s|^m.
    """

    def __init__(self, name, even, bend=1.0):
        self.name, self.even, self.bend = name, even, bend
        self._edges = self.panels()
        # From 0 outwards: exact next to it.
        steps, origin = self._within(self._edges[:-1], self._edges[1:]), np.searchsorted(self._edges, 0.0)
        self._sums = np.concatenate([-np.cumsum(steps[:origin][::-1])[::-1], [0.0], np.cumsum(steps[origin:])])
        s, weight = self.rule()
        self._mean = 0.0 if even else 0.5 * np.sum(self.slope(s) * weight * self.from_zero(s))

    def D(self, mu):
        """D at μ (any shape) in [−1, 1], of its shape [ν]."""
        raise NotImplementedError

    def density(self, s):
        """dW/ds = (dμ/ds)/D, of the shape of s [1/ν]."""
        raise NotImplementedError

    def panels(self, shrink=SHRINK, smallest=SMALLEST):
        """Edges in s, −1 and 1, 0 and all between which the law is smooth or a power: array (m+1,), ascending."""
        raise NotImplementedError

    def mu(self, s):
        """μ of s, of its shape [1]."""
        return np.sign(s) * _power(s, self.bend)

    def slope(self, s):
        """dμ/ds, of the shape of s [1]."""
        return self.bend * _power(s, self.bend - 1.0)

    def rule(self):
        """Gauss rule for ∫ds over [−1, 1], composite over the panels: s and weights [1], arrays (points,), POINTS of them on each panel."""
        x, w = np.polynomial.legendre.leggauss(POINTS)
        half = 0.5 * np.diff(self._edges)[:, None]
        return (self._edges[:-1, None] + half * (1 + x)).ravel(), (half * w).ravel()

    def W(self, mu):
        """W at μ (any shape), of its shape [1/ν]: W' = 1/D, ⟨W⟩ = 0."""
        mu = np.asarray(mu, dtype=float)
        return self.W_at(np.sign(mu) * _power(mu, 1 / self.bend))

    def W_at(self, s):
        """W at s, of its shape [1/ν]."""
        return self.from_zero(s) - self._mean

    def resistance(self, a, b):
        """∫ dμ/D [1/ν] from a to b, arrays of one shape, finite also where D vanishes at μ = 0; to 1e-14 of W."""
        return self.W(b) - self.W(a)

    def from_zero(self, s):
        """W − W(0) [1/ν] at s, of its shape, exact next to 0: sums over whole panels, and Gauss within the one farther out."""
        s = np.asarray(s)
        edge = np.where(s < 0, np.searchsorted(self._edges, s), np.searchsorted(self._edges, s, side="right") - 1)
        return self._sums[edge] + self._within(self._edges[edge], s)

    def _within(self, a, b):
        """∫ density ds from a to b within one panel each."""
        x, w = np.polynomial.legendre.leggauss(POINTS)
        half = 0.5 * (np.asarray(b) - a)[..., None]
        return (self.density(np.asarray(a)[..., None] + half * (1 + x)) * w).sum(axis=-1) * half[..., 0]


def _power(x, exponent):
    """|x|^exponent; numpy may warn of 0 to a power without reason."""
    with np.errstate(invalid="ignore"):
        return np.abs(x) ** exponent


class _Power(Scattering):
    """|μ|^(q−1) + gap."""

    def __init__(self, name, q, gap):
        self._q, self._gap = q, gap
        super().__init__(name, True, 1.0 if gap else 1.0 / (2.0 - q))

    def D(self, mu):
        return _power(np.asarray(mu, dtype=float), self._q - 1.0) + self._gap

    def density(self, s):
        return 1.0 / self.D(s) if self._gap else np.full(np.shape(s), self.bend)

    def panels(self, shrink=SHRINK, smallest=SMALLEST):
        if self._q == 1:
            return np.array([-1.0, 0.0, 1.0])
        right = shrink ** -np.arange(np.ceil(-np.log(smallest) / np.log(shrink)))
        return np.concatenate([-right, [0.0], right[::-1]])


class _Table(Scattering):
    """Linear between points, constant beyond them."""

    def __init__(self, name, mu, D):
        self._mu, self._D = mu, D
        both = np.union1d(mu, -mu)
        super().__init__(name, bool(np.allclose(self.D(both), self.D(-both), rtol=1e-12, atol=0.0)))

    def D(self, mu):
        return np.interp(mu, self._mu, self._D)

    def density(self, s):
        return 1.0 / self.D(s)

    def panels(self, shrink=SHRINK, smallest=SMALLEST):
        parts = []
        edges = np.union1d(self._mu, [-1.0, 0.0, 1.0])
        for a, b, left, right in zip(edges[:-1], edges[1:], self.D(edges[:-1]), self.D(edges[1:]), strict=True):
            pieces = 1 + int(np.abs(np.log(right / left)) / np.log(STEEPEST))
            # Where D has grown by equal factors.
            share = np.arange(pieces) / pieces
            inner = np.expm1(share * np.log(right / left)) / (right / left - 1) if pieces > 1 else share
            parts.append(a + inner * (b - a))
        return np.concatenate([*parts, [1.0]])


def isotropic():
    """D = 1 [ν]: isotropic scattering."""
    return _Power("isotropic", 1.0, 0.0)


def power(q):
    """D = |μ|^(q−1), 1 ≤ q < 2: quasi-linear theory in slab waves with the spectrum k^−q (Jokipii 1966).

    D in units of ν, q a float.

    Raises
    ------
    InputError
        For other q.
    """
    return _Power("power", _index(q), 0.0)


def filled(q, gap):
    """D = |μ|^(q−1) + gap, 1 ≤ q < 2, gap ≥ 0: scattering goes on at μ = 0 (Beeck & Wibberenz 1986).

    D and gap, a float, in units of ν; q a float.

    Raises
    ------
    InputError
        For other q and gap.
    """
    if not 0 <= gap < np.inf:
        raise InputError("scattering at 90 degrees cannot be negative", given=f"gap = {gap}", allowed="gap >= 0")
    return _Power("filled", _index(q), float(gap))


def _index(q):
    """q, or a refusal."""
    if not 1 <= q < 2:
        raise InputError("particles do not get through 90 degrees, or are not scattered as by waves", given=f"q = {q}", allowed="1 <= q < 2")
    return float(q)


def table(mu, D, name="table"):
    """D given at points, linear in between, constant beyond the first and the last.

    Parameters
    ----------
    mu, D : array (n,)
        μ ascending within [−1, 1]; D > 0, in any unit, which becomes ν.
    name : str

    Returns
    -------
    Scattering

    Raises
    ------
    InputError
        For fewer than two points, μ not ascending or outside [−1, 1], or D not positive.
    """
    mu, D = (np.atleast_1d(np.array(a, dtype=float)) for a in (mu, D))
    if mu.ndim > 1 or mu.shape != D.shape or len(mu) < 2:
        raise InputError("a table of D needs as many values as points", given=f"{mu.shape}, {D.shape}", allowed="at least 2 of each")
    if not (np.diff(mu) > 0).all() or mu[0] < -1 or mu[-1] > 1:
        raise InputError("mu in a table of D must rise within -1 to 1", given=f"{mu[0]:g} to {mu[-1]:g}")
    if not (np.isfinite(D).all() and (D > 0).all()):
        raise InputError("D in a table must be positive", given=f"{D.min():g} at the least", allowed="D > 0")
    return _Table(name, mu, D)


def from_orbits(mu, D_mumu):
    """The law of an orbit run: D = D_μμ/((1 − μ²) rate), with the rate for which ⟨D⟩ = 1.

    Bins without a value, or with one that noise has made 0 or negative, are left to interpolation.

    Parameters
    ----------
    mu, D_mumu : array (n,)
        As in the run's snapshot: centres of the bins, and D_μμ [Ω].

    Returns
    -------
    Scattering
    rate : float
        ν/Ω.

    Raises
    ------
    InputError
        If fewer than half of the bins, or fewer than 8, have a positive D_μμ.
    """
    mu, D_mumu = np.asarray(mu, dtype=float), np.asarray(D_mumu, dtype=float)
    if mu.ndim != 1 or mu.shape != D_mumu.shape:
        raise InputError("mu and D_mumu do not fit together", given=f"{mu.shape}, {D_mumu.shape}", allowed="one value for each mu")
    known = np.isfinite(D_mumu) & (np.nan_to_num(D_mumu) > 0) & (np.abs(mu) < 1)
    if known.sum() < max(FEWEST, SHARE * len(mu)):
        raise InputError("too few bins have a D_mumu", given=f"{known.sum()} of {len(mu)}",
                         allowed=f"at least {FEWEST}, and half of them: more particles, or fewer bins")
    mu, nu = mu[known], D_mumu[known] / (1 - mu[known] ** 2)
    # The mean of the broken line with its flat ends.
    x, y = np.concatenate([[-1.0], mu, [1.0]]), np.concatenate([nu[:1], nu, nu[-1:]])
    rate = float(0.25 * np.sum((y[1:] + y[:-1]) * np.diff(x)))
    return table(mu, nu / rate, "orbits"), rate


# --- what remains of D(μ) in transport along z ---------------------------------------------------------------------


@dataclass(frozen=True)
class Coefficients:
    """Coefficients of the equation for the isotropic part f₀, for ε = 1.

    Attributes
    ----------
    kappa : float
        κ = U(1)/2: ∂f₀/∂T = κ ∂²f₀/∂z² with T = ε² t/4.
    K : float
        Hyperdiffusion: − ε² K ∂⁴f₀/∂z⁴; also for D that is not even.
    tau : float
        K/κ²; the telegraph equation's is ε² times this.
    slip : float
        ⟨W²⟩/4. An isotropic start has the share 1 + ε² k² slip of the slow mode of wave number k (up to ε⁴ for even D, ε³
        else): reduced models start from f₀ − ε² slip ∂²f₀/∂z².
    skew : float
        ⟨μ W²⟩: − ε skew ∂³f₀/∂z³, with focusing − ε skew (∂ + σ)(∂ + σ/2) ∂f₀; 0 for even D.
    mirror : float
        ⟨W² (κ − U')⟩, with which σ enters in order ε⁴.
    """

    kappa: float
    K: float
    tau: float
    slip: float
    skew: float
    mirror: float


def coefficients(scattering):
    """κ, K, τ, slip, skew and mirror of a law, by quadrature to 1e-12 (Malkov 2015, eqs 9-12, K with the bracket corrected).

    K = ½⟨W²(κ − U')⟩ − ¼⟨[κ(1 + μ) − U]²/(D(1 − μ²))⟩: printed as κ(1 − μ) + U, which makes the mean diverge at μ = ±1.

    Parameters
    ----------
    scattering : Scattering

    Returns
    -------
    Coefficients
        Each a float, in units of l and 1/ν.
    """
    s, weight = scattering.rule()
    mu, W = scattering.mu(s), scattering.W_at(s)
    weight_mu, weight_W = 0.5 * weight * scattering.slope(s), 0.5 * weight * scattering.density(s)     # ⟨.⟩ and ⟨./D⟩
    kappa = np.sum(weight_W * (1 - mu**2))
    mirror = np.sum((kappa * weight_mu - (1 - mu**2) * weight_W) * W**2)
    gap = kappa * (1 + mu) - _running(scattering, (1 - mu**2) * scattering.density(s))
    K = 0.5 * mirror - 0.25 * np.sum(weight_W * gap**2 / (1 - mu**2))
    skew = 0.0 if scattering.even else np.sum(weight_mu * mu * W**2)
    return Coefficients(*(float(c) for c in (kappa, K, K / kappa**2, np.sum(weight_mu * W**2) / 4, skew, mirror)))


def _running(scattering, y):
    """∫ y ds from −1 to each point of the rule, of values there: array like y."""
    x, w = np.polynomial.legendre.leggauss(POINTS)
    # Polynomial through the points of a panel, integrated.
    powers = np.polynomial.legendre.legvander(x, POINTS - 1)
    integrals = np.stack([np.polynomial.legendre.legval(x, np.polynomial.legendre.legint(row, lbnd=-1)) for row in np.eye(POINTS)])
    running = (integrals.T * (np.arange(POINTS) + 0.5)) @ (powers.T * w)
    half, y = 0.5 * np.diff(scattering.panels())[:, None], y.reshape(-1, POINTS)
    total = np.concatenate([[0.0], np.cumsum((half * y) @ w)[:-1]])
    return (total[:, None] + half * (y @ running.T)).ravel()
