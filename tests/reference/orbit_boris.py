"""Orbits in synthetic turbulence as a researcher writes them in an afternoon: numpy, nothing of hpccr.

Written from the equations (Giacalone & Jokipii 1999; Boris 1970), with choices of its own where they are free: wavenumbers
that include both ends of the range, another generator of random numbers, another way to draw polarisations.
"""

import numpy as np


def isotropic_waves(random, modes, L_min, L_max, index, rms):
    """k (N, 3), amplitude (N, 3), phase (N) of waves in all directions with field across them at a random angle."""
    k = np.geomspace(2 * np.pi / L_max, 2 * np.pi / L_min, modes)
    weight = k ** (1 - index)
    weight[[0, -1]] *= 0.5              # trapezoidal rule in ln k
    A = rms * np.sqrt(2 * weight / weight.sum())
    direction = random.standard_normal((modes, 3))
    direction /= np.linalg.norm(direction, axis=1)[:, None]
    across = np.cross(direction, random.standard_normal((modes, 3)))
    across /= np.linalg.norm(across, axis=1)[:, None]
    return k[:, None] * direction, A[:, None] * across, random.uniform(0, 2 * np.pi, modes)


def correlation_length(k, amplitude):
    """One-sided, averaged over directions."""
    square, size = (amplitude**2).sum(1), np.sqrt((k**2).sum(1))
    return np.pi / 2 * (square / size).sum() / square.sum()


def field(r, k, amplitude, phase, mean=1.0):
    """B (n, 3) at r (n, 3) in units of the mean field along z."""
    B = np.cos(r @ k.T + phase) @ amplitude
    B[:, 2] += mean
    return B


def push(r, v, step, r_g, waves, mean=1.0):
    """One step [1/Ω]: half a drift, the field there, Boris's rotation, half a drift."""
    r = r + 0.5 * step * r_g * v
    t = 0.5 * step * field(r, *waves, mean)
    s = 2 * t / (1 + (t * t).sum(1))[:, None]
    v = v + np.cross(v + np.cross(v, t), s)
    return r + 0.5 * step * r_g * v, v


def orbits(r, v, step, steps, r_g, waves, every=1):
    """Positions and directions (n, steps/every + 1, 3) from t = 0 on."""
    rows = [(r, v)]
    for n in range(1, steps + 1):
        r, v = push(r, v, step, r_g, waves)
        if n % every == 0:
            rows.append((r, v))
    return np.stack([a for a, _ in rows], 1), np.stack([b for _, b in rows], 1)


def displacements(seed, realisations, particles, steps, step, at, **turbulence):
    """⟨Δz²⟩/2 and ⟨Δx² + Δy²⟩/4 of each realisation at the steps `at`, in units of r_g: array (realisations, 2, times).

    turbulence: modes, L_min, L_max, index, rms, r_g (in L_c).
    """
    random, rows = np.random.default_rng(seed), []
    r_gs = turbulence.pop("r_g")
    for _ in range(realisations):
        waves = isotropic_waves(random, **turbulence)
        r_g = r_gs * correlation_length(*waves[:2])
        r = random.uniform(-10, 10, (particles, 3)) * turbulence["L_max"]
        v = random.standard_normal((particles, 3))
        v /= np.linalg.norm(v, axis=1)[:, None]
        start, row = r, []
        for n in range(1, steps + 1):
            r, v = push(r, v, step, r_g, waves)
            if n in at:
                d = (r - start) / r_g
                row.append([0.5 * (d[:, 2] ** 2).mean(), 0.25 * (d[:, 0] ** 2 + d[:, 1] ** 2).mean()])
        rows.append(np.transpose(row))
    return np.array(rows)
