"""Cosmic rays pushing and heating the gas around their source, as one would usually program it: numpy, operator-split.

    ρ_t + r⁻²(r²ρv)_r = 0,   ρ(v_t + v v_r) = −(P_g + P_c)_r,   E = ρv²/2 + P_g/(γ − 1)
    E_t + r⁻²[r²(E + P_g)v]_r = n(Γ − nΛ) + r⁻²(r²K T_r)_r − v P_c,r + Q_C + Q_w
    N_t + r⁻²[r²(vN − D N_r)]_r = ⅓(div v) ∂(pN)/∂p − ∂(N ṗ)/∂p − V_A |N_r|

with P_c = ∫ (pv/3) N dp, Q_C = −∫ v ṗ N dp, Q_w = V_A ∫ ε |N_r| dp and V_A = B/√(4πρ) (Shimoda, Asano & Inutsuka 2025).
Terms follow one another, each of first order in time: force of the cosmic rays, gas (HLLC, minmod), advection, momentum
(all explicit, save losses in dense gas), diffusion (backward Euler), waves (exponential), conduction and cooling (linearly
implicit). The yardstick for speed, and for the answer: but for the table of cooling it shares nothing with the engine.
"""

from dataclasses import dataclass

import numpy as np

from hpccr.physics.cooling import Cooling
from hpccr.units import Msun, c, eV, k_B, m_p, pc

GAMMA = 5 / 3               # of the gas
HEATING = 2e-26             # Γ [erg/s]
T_KI = 10**4.238            # [K] where the fit of Koyama & Inutsuka ends
COLDEST, THINNEST = 10.0, 1e-8      # floors of the temperature [K] and of the density, over that at the start
EXPELLED_FROM = 200 * pc    # the sphere that expelled mass has left


def neutral_cooling(T):
    """Λ = Γ [10⁷ e^{−1.184·10⁵/(T + 1000)} + 0.014 √T e^{−92/T}] [erg cm³/s]: Koyama & Inutsuka (2002); of the
    shape of T [K]."""
    return HEATING * (1e7 * np.exp(-1.184e5 / (T + 1000)) + 1.4e-2 * np.sqrt(T) * np.exp(-92 / T))


def loss_rate(p, ionised=0.0, T_e=1e4):
    """−d ln p/dt of protons in 1 H atom/cm³ [s⁻¹]: ionisation, and Coulomb losses to n_e = `ionised` n; of the shape of p [m_p c].

    Mannheim & Schlickeiser (1994), Schlickeiser (2002) (5.3.58) without pions; no change of n_HI by `ionised`.
    """
    beta = p / np.sqrt(1 + p**2)
    ionisation = 1.82e-7 * (1 + 0.0185 * np.log(beta) * (beta > 0.01)) * 2 * beta**2 / (1e-6 + 2 * beta**3)
    coulomb = 3.1e-7 * beta**2 / (beta**3 + 2.34e-5 * (T_e / 2e6) ** 1.5)
    return (ionisation + ionised * coulomb) * eV / (p * beta * m_p * c**2)


def conductivity(T):
    """K [erg/(cm s K)] of Parker (1953), of the shape of T [K]: 2500 √T below 4.47·10⁴ K, 1.25·10⁻⁶ T^{5/2} above."""
    root = np.sqrt(T)
    return np.maximum(2.5e3, 1.25e-6 * T * T) * root


@dataclass
class Usual:
    """The paper's run on `cells` equal cells of r and `momenta` equal cells of ln p. CGS, momenta in m_p c.

    At the start N ∝ p^−index in r < r0, with the energy E_cr, in gas at rest of T0 and n (None: thermal equilibrium).
    D = D0 p^slope; r = 0 reflects, at r_max gas flows out and N = 0. `heating=False` keeps the energy of the waves from
    the gas; cosmic rays lose it all the same. `limited=False` leaves out the slopes in ln p: plain upwind.

    Attributes
    ----------
    r, faces : array (cells,), (cells + 1,)
        [cm]
    p : array (momenta,)
        Middles of the cells in ln p [m_p c].
    rho, v, P, T : array (cells,)
        Density [g/cm³], velocity [cm/s], pressure [erg/cm³], temperature [K] of the gas.
    N : array (momenta, cells)
        Cosmic rays per ln p, p N of the equations above [cm⁻³].
    t, steps : float, int
        Time [s], and steps taken.
    """

    cells: int
    momenta: int
    D0: float
    end: float
    B: float = 1e-6
    n: float | None = None
    E_cr: float = 1e50
    r0: float = 5 * pc
    r_max: float = 300 * pc
    p_min: float = 10**-1.5
    p_max: float = 10**3.5
    heating: bool = True
    ionised: float = 0.0
    T0: float = 7000.0
    slope: float = 1 / 3
    index: float = 2.3
    cfl: float = 0.4
    limited: bool = True

    def __post_init__(self):
        from scipy.linalg.lapack import dptsv

        self.solve = dptsv
        self._grid()
        # Λ of the gas, over log10 T
        self.log_T = np.linspace(0.0, 10.0, 5001)
        T = 10**self.log_T
        self.Lambda = np.where(T < T_KI, neutral_cooling(T), Cooling().rate(T))
        self.slope_Lambda = np.gradient(np.log(self.Lambda), self.log_T * np.log(10))
        if self.n is None:
            self.n = HEATING / neutral_cooling(self.T0)
        self.rho = np.full(self.cells, self.n * m_p)
        self.v = np.zeros(self.cells)
        self.P = np.full(self.cells, self.n * k_B * self.T0)
        self.N = np.outer(self.p ** (1 - self.index), self._within(self.r0))
        self.N *= self.E_cr / ((self.energy @ self.N) @ self.volume)
        self.t, self.steps = 0.0, 0
        self.escaped = self.waves = self.losses = self.radiated = self.outflow = self.mass_out = 0.0
        self.energy_0, self.mass_0, self.kept_0 = self.total_energy(), self.rho @ self.volume, self._kept()

    def _grid(self):
        """Cells, momenta, and weights of the sums over ln p."""
        self.faces = np.linspace(0.0, self.r_max, self.cells + 1)
        self.r, self.dr = (self.faces[:-1] + self.faces[1:]) / 2, self.r_max / self.cells
        self.area = 4 * np.pi * self.faces**2
        self.volume = np.diff(self.area * self.faces) / 3
        edges = np.geomspace(self.p_min, self.p_max, self.momenta + 1)
        self.p, self.dlnp = np.sqrt(edges[:-1] * edges[1:]), np.log(edges[1] / edges[0])
        E = np.sqrt(1 + self.p**2)
        epsilon = m_p * c**2 * self.p**2 / (1 + E)
        # Weights of the sums over ln p: e_c, P_c and D-weighted P_c of N; what a particle loses that goes one cell down
        self.energy, self.pressure = epsilon * self.dlnp, m_p * c**2 * self.p**2 / E / 3 * self.dlnp
        self.D = self.D0 * self.p**self.slope
        self.D_pressure = self.D * self.pressure
        self.down = np.diff(self.energy, prepend=0.0)
        self.loss = loss_rate(edges[:-1], self.ionised)         # through the lower edge of each cell
        # D A/Δr through the outer face of each cell; N = 0 is half a cell beyond the last centre
        between = np.append(np.full(self.cells - 1, self.dr), self.dr / 2)
        self.reach = self.area[1:] / between
        self.outer = np.outer(self.D, self.reach)

    @property
    def T(self):
        """Temperature of the gas [K]: array (cells,)."""
        return self.P * (m_p / k_B) / self.rho

    def total_energy(self):
        """Energy of gas and cosmic rays in the box [erg]: float."""
        gas = 0.5 * self.rho * self.v**2 + self.P / (GAMMA - 1)
        return (gas + self.energy @ self.N) @ self.volume

    def run(self, t=None):
        """Take steps until `t` [s], or until `end`; returns itself."""
        t = self.end if t is None else t
        while self.t < t:
            dt = self.time_step()
            last = self.t + dt >= t
            self.step(t - self.t if last else dt)
            self.t = t if last else self.t + dt
            self.steps += 1
        return self

    def time_step(self):
        """cfl Δr/max(|v| + c), c² = (5/3 P_g + 4/3 P_c)/ρ [s]: float.

        The part of the cosmic rays in c is at most D/Δr with the D of their pressure: faster than that, they do not follow.
        """
        P_c = self.pressure @ self.N
        slip = (self.D_pressure @ self.N) / (np.maximum(P_c, 1e-100) * self.dr)
        c2 = GAMMA * self.P / self.rho + np.minimum(4 / 3 * P_c / self.rho, slip**2)
        return self.cfl * self.dr / np.max(np.abs(self.v) + np.sqrt(c2))

    def step(self, dt):
        """One step of all terms."""
        self._force(dt)
        self._gas(dt)
        self._advect(dt)
        collisions = self._momentum(dt)
        self._diffuse(dt)
        waves = self._waves(dt)
        self.losses += collisions @ self.volume
        self.waves += waves @ self.volume
        self.P += (GAMMA - 1) * (collisions + waves if self.heating else collisions)
        self._conduct(dt)
        self._cool(dt)

    # --- gas ----------------------------------------------------------------------------------------------------

    def _force(self, dt):
        """ρ v_t = −P_c,r; the work is the change of ρv²/2, so P_g stays."""
        P_c = self.pressure @ self.N
        face = np.empty(self.cells + 1)
        face[1:-1] = (P_c[:-1] + P_c[1:]) / 2
        face[0], face[-1] = P_c[0], 0.0
        self.v -= dt / self.dr * np.diff(face) / self.rho

    def _gas(self, dt):
        """Forward Euler step of the Euler equations."""
        W = np.empty((3, self.cells + 2))
        W[0, 1:-1], W[1, 1:-1], W[2, 1:-1] = self.rho, self.v, self.P
        W[:, 0], W[:, -1] = W[:, 1], W[:, -2]
        W[1, 0] = -W[1, 1]
        jump = np.diff(W)
        slope = minmod(jump[:, :-1], jump[:, 1:]) / 2
        # States on both sides of the outer face of each cell; through r = 0 there is no flux
        below = W[:, 1:-1] + slope
        above = np.concatenate((W[:, 2:-1] - slope[:, 1:], W[:, -1:]), axis=1)
        flux = np.zeros((3, self.cells + 1))
        flux[:, 1:] = hllc(below, above)
        flux *= self.area
        rate = -dt * np.diff(flux) / self.volume
        rate[1] += dt * self.P * np.diff(self.area) / self.volume
        momentum = self.rho * self.v + rate[1]
        energy = 0.5 * self.rho * self.v**2 + self.P / (GAMMA - 1) + rate[2]
        self.rho = np.maximum(self.rho + rate[0], THINNEST * self.n * m_p)
        self.v = momentum / self.rho
        self.P = np.maximum((GAMMA - 1) * (energy - 0.5 * momentum * self.v), COLDEST * k_B / m_p * self.rho)
        self.mass_out += dt * flux[0, -1]
        self.outflow += dt * flux[2, -1]

    def _conduct(self, dt):
        """ρ c_v T_t = r⁻²(r²K T_r)_r with K of the old T."""
        T = self.T
        K = conductivity(T)
        through = dt * self.reach[:-1] * (K[:-1] + K[1:]) / 2
        capacity = k_B / m_p / (GAMMA - 1) * self.rho * self.volume
        diagonal = capacity.copy()
        diagonal[:-1] += through
        diagonal[1:] += through
        T = self.solve(diagonal, -through, capacity * T)[2]
        self.P = k_B / m_p * self.rho * T

    def _cool(self, dt):
        """e_t = n(Γ − nΛ), linearised in e where that damps, in parts that change e by less than about 0.3."""
        n, e = self.rho / m_p, self.P / (GAMMA - 1)
        factor = (GAMMA - 1) / (n * k_B)
        before, left, coldest = e, dt, COLDEST / factor
        while left > 0:
            log_T = np.log10(factor * e)
            cooling = n**2 * np.interp(log_T, self.log_T, self.Lambda)
            rate = n * HEATING - cooling
            stiffness = np.maximum(cooling * np.interp(log_T, self.log_T, self.slope_Lambda), 0.0) / e
            part = min(left, max(0.3 / np.max(np.abs(rate) / e), dt / 20))
            e = np.maximum(e + part * rate / (1 + part * stiffness), coldest)
            left -= part
        self.radiated += (before - e) @ self.volume
        self.P = (GAMMA - 1) * e

    # --- cosmic rays --------------------------------------------------------------------------------------------

    def _advect(self, dt):
        """N_t = −r⁻²(r²vN)_r, upwind."""
        v = np.append((self.v[:-1] + self.v[1:]) / 2, self.v[-1])
        through = dt * self.area[1:] * v
        flux = np.zeros((self.momenta, self.cells + 1))
        np.multiply(np.maximum(through, 0.0), self.N, out=flux[:, 1:])
        flux[:, 1:-1] += np.minimum(through[:-1], 0.0) * self.N[:, 1:]
        self.N -= np.diff(flux) / self.volume
        self.escaped += self.energy @ flux[:, -1]
        self.expansion = np.diff(self.area[1:] * v, prepend=0.0) / self.volume

    def _momentum(self, dt):
        """N_t = ∂/∂ln p[(⅓ div v + n λ) N] in as many parts as each cell needs; returns what the losses λ take [erg/cm³]."""
        n, taken = self.rho / m_p, np.zeros(self.cells)
        dense = np.flatnonzero(dt * n * self.loss[0] > 4 * self.dlnp)       # too many parts, and little that survives them
        if len(dense):
            taken[dense] = self._settle(dense, dt / self.dlnp * n[dense])
            n[dense] = 0.0
        fastest = np.abs(self.expansion) / 3 + n * self.loss[0]
        parts = (2 * dt / self.dlnp * fastest).astype(int) + 1
        dt = dt / (parts * self.dlnp)
        expansion, n = dt / 3 * self.expansion, dt * n
        for part in range(parts.max()):
            cells = np.flatnonzero(parts > part) if part else slice(None)
            taken[cells] += self._fall(cells, expansion[cells], n[cells])
        return taken

    def _settle(self, cells, n):
        """Losses alone in some cells, by n λ: backward Euler, plain upwind, from the highest momentum down."""
        N, falling = self.N[:, cells], 0.0
        before = self.energy @ N
        for j in reversed(range(self.momenta)):
            N[j] = (N[j] + falling) / (1 + self.loss[j] * n)
            falling = self.loss[j] * n * N[j]
        self.N[:, cells] = N
        return before - self.energy @ N

    def _fall(self, cells, expansion, n):
        """Upwind with minmod, in some cells: by `expansion` and by n λ, both with the time step over the cell in ln p."""
        N, lost = self.N[:, cells], np.outer(self.loss, n)
        slope = np.zeros_like(N)
        if self.limited:
            jump = np.diff(N, axis=0)
            slope[1:-1] = minmod(jump[:-1], jump[1:]) / 2
        rising = np.maximum(-expansion, 0.0) * (N + slope)
        falling = N - slope
        taken = self.down @ (lost * falling)
        falling *= lost + np.maximum(expansion, 0.0)
        N -= rising + falling
        N[1:] += rising[:-1]
        N[:-1] += falling[1:]
        self.N[:, cells] = N
        return taken

    def _diffuse(self, dt):
        """N_t = r⁻²(r²D N_r)_r, backward Euler: one system for all momenta, symmetric as fluxes are."""
        through = dt * self.outer
        diagonal = self.volume + through
        diagonal[:, 1:] += through[:, :-1]
        through[:, -1] = 0.0            # nothing couples one momentum to the next
        self.N = self.solve(diagonal.ravel(), -through.ravel()[:-1], (self.volume * self.N).ravel(), 1, 1, 1)[2]
        self.N = self.N.reshape(self.momenta, self.cells)
        self.escaped += dt * (self.energy * self.outer[:, -1]) @ self.N[:, -1]

    def _waves(self, dt):
        """N_t = −V_A |N_r|, as a rate of N; returns the energy of the waves [erg/cm³]."""
        V_A = self.B / np.sqrt(4 * np.pi * self.rho)
        steep = np.empty_like(self.N)
        np.subtract(self.N[:, 2:], self.N[:, :-2], out=steep[:, 1:-1])
        steep[:, 0] = self.N[:, 1] - self.N[:, 0]
        steep[:, -1] = -self.N[:, -2] - self.N[:, -1]
        np.abs(steep, out=steep)
        steep /= np.maximum(self.N, 1e-200)
        steep *= -dt / (2 * self.dr) * V_A
        before = self.energy @ self.N
        self.N *= np.exp(steep)
        return before - self.energy @ self.N

    # --- what is asked --------------------------------------------------------------------------------------------

    def _within(self, radius):
        """The part of each cell that is within a radius: array (cells,)."""
        volume = self.area * self.faces / 3
        return np.clip((4 / 3 * np.pi * radius**3 - volume[:-1]) / self.volume, 0.0, 1.0)

    def _kept(self):
        """Mass within EXPELLED_FROM [g]."""
        return self._within(EXPELLED_FROM) @ (self.rho * self.volume)

    def results(self):
        """Numbers of the state: dict of floats.

        Radii in pc (nan without a front), energies in erg, expelled_mass [Msun], T_max [K], v_max [cm/s]; the errors are
        what is missing in the budgets of the box, over the cosmic rays' energy or the mass at the start.
        """
        edge, shock = self.fronts()
        energy = self.total_energy() + self.escaped + self.radiated + self.outflow
        if not self.heating:
            energy += self.waves
        return {"cavity_edge": edge / pc, "shock_radius": shock / pc,
                "E_cr_left": (self.energy @ self.N) @ self.volume, "E_cr_escaped": self.escaped,
                "expelled_mass": (self.kept_0 - self._kept()) / Msun,
                "T_max": self.T.max(), "v_max": self.v.max(), "E_waves": self.waves, "E_losses": self.losses,
                "energy_error": (energy - self.energy_0) / self.E_cr,
                "mass_error": (self.rho @ self.volume + self.mass_out) / self.mass_0 - 1}

    def fronts(self):
        """Radii of the cavity's edge and of the shock [cm]: the steepest fall of ln T inside the shock, and the outermost of v.

        Falls of v count above a fifth of the largest. Between faces by the parabola through three of them; nan: none.
        """
        fall = -np.diff(self.v)
        peaks = _peaks(fall)
        peaks = peaks[fall[peaks] > 0.2 * fall.max()]
        if not len(peaks):
            return np.nan, np.nan
        shock = peaks[-1]
        drop = -np.diff(np.log(self.T))
        peaks = _peaks(drop)
        peaks = peaks[peaks < shock]
        edge = self._vertex(drop, peaks[np.argmax(drop[peaks])]) if len(peaks) else np.nan
        return edge, self._vertex(fall, shock)

    def _vertex(self, y, i):
        below, middle, above = y[i - 1:i + 2]
        return self.faces[i + 1] + self.dr / 2 * (below - above) / (below - 2 * middle + above)


def minmod(a, b):
    """The smaller of two slopes, 0 where they differ in sign: arrays of one shape."""
    return np.where(a * b > 0, np.where(np.abs(a) < np.abs(b), a, b), 0.0)


def _peaks(y):
    """Indices of local maxima inside `y`."""
    return np.flatnonzero((y[1:-1] > y[:-2]) & (y[1:-1] >= y[2:]) & (y[1:-1] > 0)) + 1


def hllc(left, right):
    """Fluxes of mass, momentum with pressure, energy between states (ρ, v, P), each (3, n): HLLC, Toro (2009) section 10.4.

    The fastest waves are estimated as by Davis: min and max of v ∓ c of both sides.
    """
    (rho_l, v_l, P_l), (rho_r, v_r, P_r) = left, right
    c_l, c_r = np.sqrt(GAMMA * P_l / rho_l), np.sqrt(GAMMA * P_r / rho_r)
    S_l, S_r = np.minimum(v_l - c_l, v_r - c_r), np.maximum(v_l + c_l, v_r + c_r)
    m_l, m_r = rho_l * (S_l - v_l), rho_r * (S_r - v_r)
    S = (P_r - P_l + m_l * v_l - m_r * v_r) / (m_l - m_r)
    # One side is enough: that on which the face lies of the contact
    on_left = S >= 0
    rho, v, P = np.where(on_left, left, right)
    outermost, m = np.where(on_left, S_l, S_r), np.where(on_left, m_l, m_r)
    E = 0.5 * rho * v**2 + P / (GAMMA - 1)
    inside = np.where(on_left, S_l < 0, S_r > 0)        # between the fastest waves: F + S_k (U* − U)
    star = m / (outermost - S)
    jump = np.where(inside, outermost, 0.0)
    mass, E_star = rho * v, star * (E / rho + (S - v) * (S + P / m))
    return np.array([mass + jump * (star - rho), mass * v + P + jump * (star * S - mass),
                     (E + P) * v + jump * (E_star - E)])
