"""Exact shock tubes: two uniform states in touch at x = 0, t = 0, of a gas, or of a gas with cosmic rays tied to it.

    ρ_t + (ρv)_x = 0,   (ρv)_t + (ρv² + P)_x = 0,   E_t + [(E + P)v]_x = 0,   (P_cr/ρ^γ_cr)_t + v (P_cr/ρ^γ_cr)_x = 0

with P = P_th + P_cr, E = ρv²/2 + P_th/(γ_th−1) + P_cr/(γ_cr−1): CRs neither diffuse nor are accelerated, a shock squeezes
them adiabatically and the gas takes all of the entropy (Toro 2009, chapter 4; Pfrommer et al. 2006, appendix B).

Each side sends one wave into its own state. It is described outwards and from that state's frame, so that one description
serves both: behind a wave the gas follows with the velocity u, in a shock u > 0 and in a rarefaction u < 0.
"""

import numpy as np

_TINY = 1e-300  # stands for 0 under a broken power, where some numpy builds raise a false alarm


def two_fluid_sound_speed(rho, P_g, P_c, gamma_g=5 / 3, gamma_c=4 / 3):
    """c = √[(γ_g P_g + γ_c P_c)/ρ] [cm/s], of waves that carry the cosmic rays along (Pfrommer et al. 2006).

    rho [g/cm³], P_g and P_c [erg/cm³] broadcast.
    """
    return np.sqrt((gamma_g * np.asarray(P_g) + gamma_c * np.asarray(P_c)) / rho)


def shock_tube(x_over_t, left, right, gamma=5 / 3):
    """The shock tube of an ideal gas, vacuum included (Toro 2009, sections 4.2-4.6).

    Parameters
    ----------
    x_over_t : array, any shape
        Where and when [cm/s].
    left, right : tuple of float
        (ρ, v, P) of x < 0 and of x > 0 at t = 0 [g/cm³, cm/s, erg/cm³]; ρ = 0 is a vacuum.
    gamma : float
        γ > 1.

    Returns
    -------
    rho, v, P : arrays as x_over_t
        In a vacuum ρ = P = 0, and v = x/t, which joins the gas at its edges.

    Raises
    ------
    ValueError
        If a density or pressure is negative or γ ≤ 1.
    """
    sides = [_Gas(rho, (P,), (gamma,)) for rho, _, P in (left, right)]
    return _sample(x_over_t, left[1], right[1], *sides)


def cosmic_ray_shock_tube(x_over_t, left, right, gamma_th=5 / 3, gamma_cr=4 / 3):
    """The shock tube of a gas with cosmic rays (Pfrommer et al. 2006, appendix B), vacuum included.

    Parameters
    ----------
    x_over_t : array, any shape
        Where and when [cm/s].
    left, right : tuple of float
        (ρ, v, P_th, P_cr) of x < 0 and of x > 0 at t = 0 [g/cm³, cm/s, erg/cm³, erg/cm³].
    gamma_th, gamma_cr : float
        Adiabatic indices, > 1.

    Returns
    -------
    rho, v, P_th, P_cr : arrays as x_over_t
        In a vacuum ρ = P_th = P_cr = 0 and v = x/t. To 1e-12 of the largest values, by quadrature along the rarefactions.

    Raises
    ------
    ValueError
        If a density or pressure is negative or an index ≤ 1.
    """
    sides = [_Side(rho, (P_th, P_cr), (gamma_th, gamma_cr)) for rho, _, P_th, P_cr in (left, right)]
    return _sample(x_over_t, left[1], right[1], *sides)


# --- the wave that runs into one state ---------------------------------------------------------------------------

class _Side:
    """A state of fluids that move together, and the wave into it; x = ρ/ρ₀ is the compression behind the wave.

    All fluids are squeezed adiabatically, P_i = P_i0 x^γ_i, but for the first one in a shock: it takes the entropy.
    """

    def __init__(self, rho, pressures, gammas):
        if not (all(value >= 0 for value in (rho, *pressures)) and all(gamma > 1 for gamma in gammas)):
            raise ValueError(f"no such fluid: rho = {rho!r}, pressures {pressures!r}, adiabatic indices {gammas!r}")
        self.rho, self.P0 = rho, sum(pressures) if rho > 0 else 0.0
        self.pressures = np.array(pressures, dtype=float) * (rho > 0)
        self.gammas = np.array(gammas, dtype=float)
        # As x → 0 the softest fluid that is there outlives the others: c ∝ q and ∫c dx/x ∝ q, with x = q^m.
        there = self.gammas[self.pressures > 0]
        self.m = 2 / (there.min() - 1) if there.size else 1.0
        self.escape = float(self.invariant(1.0))

    def squeezed(self, x):
        """P_i0 x^γ_i, of shape (fluids, *x)."""
        x = np.maximum(np.asarray(x, dtype=float), _TINY)
        column = (-1, *(1,) * x.ndim)
        return self.pressures.reshape(column) * x ** self.gammas.reshape(column)

    def speed(self, x):
        """c = √(Σ γ_i P_i/ρ) on the adiabat; 0 where there is nothing."""
        x = np.asarray(x, dtype=float)
        stiffness = np.tensordot(self.gammas, self.squeezed(x), 1)
        return np.sqrt(stiffness / np.where(x * self.rho > 0, x * self.rho, 1.0))

    def invariant(self, x):
        """∫₀^x c dx/x, the velocity that expansion into a vacuum would give."""
        from scipy.integrate import quad_vec

        x = np.asarray(x, dtype=float)
        if not self.P0:
            return np.zeros_like(x)
        return quad_vec(lambda q: self.m * self.speed(x * q**self.m) / q, 0, 1, epsrel=1e-13, norm="max")[0]

    def compression(self, P):
        """Behind a wave of total pressure P: from the adiabat if P ≤ P0, else from the energy flux through the shock."""
        from scipy.optimize import brentq

        if P in (0.0, self.P0):
            return float(P == self.P0)
        if P < self.P0:
            ends = np.log(P / self.P0) / self.gammas
            return np.exp(brentq(lambda log_x: np.log(self.squeezed(np.exp(log_x)).sum() / P), ends.min() - 1, 1.0,
                                 xtol=1e-15, rtol=1e-15))
        per_P = 1 / (self.gammas - 1)
        e0 = self.pressures @ per_P

        def hugoniot(x):
            """e − x e₀ − (P + P0)(x − 1)/2 for energy densities e; falls through 0 between 1 and (γ_th+1)/(γ_th−1)."""
            rest = self.squeezed(x)[1:]
            return (P - rest.sum()) * per_P[0] + rest @ per_P[1:] - x * e0 - (P + self.P0) * (x - 1) / 2

        return brentq(hugoniot, 1.0, (1 + 2 * per_P[0]) * (1 + 1e-9), xtol=1e-15, rtol=1e-15)

    def opened(self, s):
        """Compression in a rarefaction at the speed s = u + c, array; −escape < s < c₀.

        s is convex in q, so that Newton's steps from q = 1 come down to the root and never pass it.
        """
        q = np.ones_like(s)
        for _ in range(100):
            x = q**self.m
            c = self.speed(x)
            stiffening = np.tensordot(self.gammas * (self.gammas - 1), self.squeezed(x), 1) / (2 * x * self.rho * c)
            step = (c + self.invariant(x) - self.escape - s) * q / (self.m * (c + stiffening))
            q = np.maximum(q - step, 1e-16)
            if np.max(np.abs(step), initial=0.0) < 1e-14:
                break
        return q**self.m

    def push(self, P):
        """u behind the wave of total pressure P; rises with P from −escape."""
        x = self.compression(P)
        if P > self.P0:
            return float(np.sqrt((P - self.P0) * (x - 1) / (self.rho * x)))
        return float(self.invariant(x)) - self.escape

    def profile(self, s, P):
        """(ρ, u, *P_i) of shape (2 + fluids, n) at the outward speeds s (n,), if the wave's total pressure is P."""
        x, u = np.ones_like(s), np.zeros_like(s)
        x_behind, u_behind = self.compression(P), self.push(P)
        head = tail = (P - self.P0) / (self.rho * u_behind) if u_behind > 0 else float(self.speed(1.0))
        if P < self.P0:
            tail = u_behind + float(self.speed(x_behind))
            fan = (tail < s) & (s < head)
            if fan.any():
                x[fan] = self.opened(s[fan])
                u[fan] = s[fan] - self.speed(x[fan])
        behind = s <= tail
        x[behind], u[behind] = x_behind, u_behind
        pressures = self.squeezed(x)
        if P > self.P0:
            pressures[0, behind] = P - pressures[1:, behind].sum(axis=0)
        return np.stack([self.rho * x, u, *pressures])


class _Gas(_Side):
    """One ideal gas, for which all is in closed form (Toro 2009, sections 3.1 and 4.2)."""

    @property
    def _gamma(self):
        return self.gammas[0]

    def invariant(self, x):
        return 2 * self.speed(x) / (self._gamma - 1)

    def compression(self, P):
        if P in (0.0, self.P0):
            return float(P == self.P0)
        if P < self.P0:
            return (P / self.P0) ** (1 / self._gamma)
        ratio = (self._gamma - 1) / (self._gamma + 1)
        return (P + ratio * self.P0) / (ratio * P + self.P0)

    def opened(self, s):
        q = ((self._gamma - 1) * s / self.speed(1.0) + 2) / (self._gamma + 1)
        return q**self.m


# --- both waves --------------------------------------------------------------------------------------------------

def _sample(x_over_t, v_left, v_right, left, right):
    """(ρ, v, *P_i) at x/t, from the two sides and their velocities."""
    xi = np.asarray(x_over_t, dtype=float)
    s = np.atleast_1d(xi).ravel()
    P = _middle_pressure(v_right - v_left, left, right)
    if P is None:
        # Each side expands freely, as far as its own edge; a side that is empty has none.
        P = 0.0
        ends = v_left + left.escape if left.rho else -np.inf, v_right - right.escape if right.rho else np.inf
    else:
        ends = (v_left - left.push(P),) * 2
    profile = np.zeros((2 + len(left.gammas), s.size))
    profile[1] = s
    here = s < ends[0]
    profile[:, here] = left.profile(v_left - s[here], P)
    profile[1, here] = v_left - profile[1, here]
    here = s >= ends[1]
    profile[:, here] = right.profile(s[here] - v_right, P)
    profile[1, here] += v_right
    return tuple(profile.reshape(-1, *xi.shape))


def _middle_pressure(gap, left, right):
    """The pressure at which both waves leave the gas between them at one velocity; None if they leave a vacuum."""
    from scipy.optimize import brentq

    if not (left.rho and right.rho) or gap >= left.escape + right.escape:
        return None

    def excess(P):
        return left.push(P) + right.push(P) + gap

    high = max(left.P0, right.P0, max(left.rho, right.rho) * gap**2)
    while excess(high) < 0:
        high *= 4
    return brentq(excess, 0.0, high, xtol=1e-300, rtol=1e-15, maxiter=1000)
