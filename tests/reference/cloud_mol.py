"""Reference half-lives of the cosmic-ray cloud from an independent solver: method of lines, scipy's BDF, one energy.

The equations stand in hpccr.bench.scipy_cloud, which shares nothing with the engine (P and I at cell centres, advected
values extrapolated from upwind); added here are the exact Jacobian, tight tolerances, extrapolation in the grid, and the
coefficients of the interstellar phases written down a second time from the papers.
"""

from dataclasses import dataclass

import numpy as np

from hpccr.bench.scipy_cloud import Cloud, Lines, faces

e, c, m_p, k_B, GeV, pc, yr = 4.80320e-10, 2.997925e10, 1.67262e-24, 1.380649e-16, 1.602177e-3, 3.0857e18, 3.15576e7

# T [K], B [G], n_T, n_i [cm^-3], m_i, m_n [m_p]
PHASES = {
    "HISM": (1e6, 5e-6, 0.01, 0.01, 1.0, 1.21),
    "WIM": (8000.0, 5e-6, 0.35, 0.315, 1.0, 1.21),
    "WNM": (8000.0, 5e-6, 0.35, 7e-3, 1.0, 1.21),
    "CNM": (50.0, 6e-6, 30.0, 2.3e-2, 12.0, 1.21),
    "DiM": (50.0, 6e-6, 300.0, 3.0e-2, 12.0, 1.67),
}


def alfven_mode(k, V_Ai, chi, nu_ni):
    """Phase speed and amplitude damping of the wave of B.3's cubic: (cm/s, s^-1); refused where there is no wave."""
    roots = np.roots([1.0, (1 + chi) * nu_ni, (k * V_Ai)**2, nu_ni * (k * V_Ai)**2])
    wave = roots[np.argmax(roots.imag)]
    if wave.imag <= 1e-9 * abs(wave):
        raise ValueError("evanescent: no Alfvén wave at this wavenumber")
    return wave.imag / k, -wave.real


def turbulent_damping(r, V_A, c_s, L=50 * pc):
    """B.2 for V_L = max(V_A, c_s) ≥ V_A, without the cut-off of the cascade: s^-1."""
    M = max(V_A, c_s) / V_A
    if r < L * M**-3:
        return V_A * M**1.5 / np.sqrt(r * L)
    return V_A * M / (r**(2 / 3) * L**(1 / 3))


def phase_cloud(phase, E, R, **options):
    """The cloud of 1e50 erg, N ~ E^-2.2 in 0.1 GeV to 50 TeV, at energy `E` [GeV] and radius `R` [pc]: Cloud.

    V_A is the phase speed of the mode that B.3 gives, its damping is added to B.2; in an evanescent band there is no such
    mode and both V_A and gamma_lin must be among the `options` (values of Cloud, which replace the computed ones).
    """
    T, B, n_T, n_i, m_i, m_n = PHASES[phase]
    n_n = n_T - n_i
    rho_i, rho_n = n_i * m_i * m_p, n_n * m_n * m_p
    r = E * GeV / (e * B)
    V_A, gamma_in = B / np.sqrt(4 * np.pi * rho_i), 0.0
    if n_n > 0 and "V_A" not in options:
        nu_in = 2 * 8.4e-9 * n_n * (T / 1e4)**0.4
        V_A, gamma_in = alfven_mode(1 / r, V_A, rho_n / rho_i, nu_in * rho_i / rho_n)
    c_s = np.sqrt(5 / 3 * k_B * T * n_T / (rho_i + rho_n))
    D_B = 4 * c * r / (3 * np.pi)
    E2N = 0.2 * 1e50 * E**-0.2 / (0.1**-0.2 - 5e4**-0.2)
    values = dict(V_A=V_A, D_B=D_B, I0=D_B / (1e28 * np.sqrt(E / 10)),
                  gamma_lin=gamma_in + turbulent_damping(r, V_A, c_s),
                  gamma_nl=np.sqrt(np.pi / 8) * np.sqrt(k_B * T / (m_i * m_p)) / r,
                  R=R * pc, P0=E2N / (4 * np.pi * (R * pc)**3) / (B**2 / (8 * np.pi)))
    return Cloud(**{**values, **options})


def jacobian(lines, y):
    """The exact derivative of lines.rates: sparse (2 n, 2 n)."""
    from scipy import sparse
    n, p, i = lines.n, y[:lines.n], y[lines.n:]
    path = lines.path @ i
    flux_p = -sparse.diags(1 / path) @ lines.jump
    flux_i = sparse.diags((lines.jump @ p) / path**2) @ lines.path
    growing = sparse.diags((lines.slope @ p < 0).astype(float))
    wave_p = -lines.growth * (lines.mean @ growing @ lines.slope)
    wave_i = sparse.diags(-lines.lin - 2 * lines.nl * i)
    if lines.v:
        flux_p = flux_p + lines.v * lines.upwind_P
        back = sparse.diags([np.ones(n), -np.ones(n - 1)], [0, -1])
        wave_i = wave_i - sparse.diags(lines.v / lines.h) @ back @ lines.upwind_I
    return sparse.bmat([[-lines.divergence @ flux_p, -lines.divergence @ flux_i], [wave_p, wave_i]], format="csc")


@dataclass(frozen=True)
class Halves:
    """What a solution holds at its half-life: times [s] and I(R)/I0.

    t: half of all CRs are beyond R. t_inside: half of those that the smoothed slab has within R at the start (at edge =
    0.01 it has 0.28 % beyond). I_R and left belong to t_inside: I(R)/I0, and (V_A/D_B) times what has left |z| < R.
    """

    t: float
    t_inside: float
    I_R: float
    left: float
    steps: int


def half_lives(cloud, cells=1600, rtol=1e-6, z_max=200.0, method="BDF"):
    """Half-lives on one grid: Halves. `z_max` in R."""
    from scipy.integrate import solve_ivp
    lines = Lines(cloud, faces(cells, z_max))
    start = lines.start()
    halves = start[:cells] @ lines.h / 2, lines.inside(start) / 2

    def of_all(t, y):
        return lines.inside(y) - halves[0]

    def of_inside(t, y):
        return lines.inside(y) - halves[1]

    of_inside.terminal = True
    with np.errstate(invalid="ignore", divide="ignore"):  # BDF divides by an error that may be nil
        s = solve_ivp(lines.rates, (0.0, 1e9), start, method=method, jac=lambda t, y: jacobian(lines, y),
                      rtol=rtol, atol=1e-3 * rtol, events=(of_all, of_inside))
    if s.status != 1:
        raise ArithmeticError(s.message)
    I_R = np.interp(1.0, (lines.z[1:] + lines.z[:-1]) / 2, s.y_events[1][0][cells:])
    return Halves(s.t_events[0][0] * cloud.unit_time, s.t_events[1][0] * cloud.unit_time, I_R, cloud.Pi * halves[1],
                  len(s.t))


def reference_half_life(cloud, cells=800, rtol=1e-6, z_max=200.0):
    """Half-lives extrapolated from three grids to zero cell size, at the order that the grids show.

    Returns
    -------
    (t, t_inside, error): float, float, float
        Times [s] as in Halves; estimated relative error: half of the extrapolation, and what BDF adds (30 rtol).
    """
    t = np.array([[run.t, run.t_inside] for run in (half_lives(cloud, cells * 2**n, rtol, z_max) for n in range(3))])
    first, second = t[1] - t[0], t[2] - t[1]
    # A quarter: second order, a half: first order. Below the noise of the integration there is no order to see.
    ratio = np.where(np.abs(second) > 30 * rtol * t[2], np.clip(np.abs(second / first), 0.25, 0.6), 0.25)
    correction = second * ratio / (1 - ratio)
    best = t[2] + correction
    return best[0], best[1], float(np.max(np.abs(correction / t[2])) / 2 + 30 * rtol)
