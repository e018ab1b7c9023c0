"""From the sums over field lines to running coefficients, plateaus and their errors, and what theory says.

Everything here takes means over realisations (jackknife) of means over the lines of one realisation. The parameter is
called s, and stands for τ as well; lengths in L_c, B in B_ref.
"""

import numpy as np

from hpccr.particles.jackknife import jackknife
from hpccr.particles.running import exponent, slope
from hpccr.particles.running import plateau as _plateau

# Places in a row of moments, see fieldline_kernels.moments.
MEAN, SQUARE, FOURTH = slice(0, 3), slice(3, 7), slice(7, 10)
AXES = slice(3, 6)

DEFINITION = {"s": "D_s = (1/4) d<dx^2 + dy^2>/ds, dr/ds = B/|B|", "tau": "D_tau = (1/4) d<dx^2 + dy^2>/dtau, dr/dtau = B"}


def across(m):
    """⟨Δx² + Δy²⟩ of moments m (…, MOMENTS): of the shape of a moment."""
    return m[..., 3] + m[..., 4]


def running(s, moments):
    """What is known at each point of output.

    Parameters
    ----------
    s : array (n,)
    moments : array (R, n, MOMENTS)

    Returns
    -------
    dict of (value, error)
        D (n,) and D_par (n,) from derivatives, D_mean (n,) = ⟨Δx² + Δy²⟩/4s, msd (n,), exponent of ⟨Δx² + Δy²⟩ (n,), and
        displacement (n, 3), displacement2 (n, 4), displacement4 (n, 3).
    """
    return {"D": jackknife(lambda m: 0.25 * slope(s, across(m)), moments),
            "D_par": jackknife(lambda m: 0.5 * slope(s, m[:, 5] - m[:, 2] ** 2), moments),
            "D_mean": jackknife(lambda m: 0.25 * across(m) / s, moments),
            "msd": jackknife(across, moments),
            "exponent": jackknife(lambda m: exponent(s, across(m)), moments),
            "displacement": jackknife(lambda m: m[:, MEAN], moments),
            "displacement2": jackknife(lambda m: m[:, SQUARE], moments),
            "displacement4": jackknife(lambda m: m[:, FOURTH], moments)}


def plateau(s, moments, begin):
    """The field-line diffusion coefficient from the slope of ⟨Δx² + Δy²⟩ at the end.

    Parameters
    ----------
    s : array (n,)
    moments : array (R, n, MOMENTS)
    begin : float
        The window is begin·s_end ≤ s ≤ s_end.

    Returns
    -------
    dict
        As running.plateau.
    """
    return _plateau(s, 0.25 * across(moments), begin)


def quasi_linear(kind, fractions, spectrum, rms):
    """D_⊥ of weak turbulence, ∫⟨b_x(0) b_x(z)⟩dz along the mean field, b = δB/B0; with 2D waves that of Matthaeus et al. (1995).

        isotropic  b² L_c/4        alfven  b² L_c/2        magnetosonic  0        slab  b² L_slab/2, L_slab = (π/2) E(0)/∫E dk
        2d         b λ/√2, λ² = ∫E k⁻² dk/∫E dk            slab and 2d   [D_sl + √(D_sl² + 4 D_2D²)]/2

    with the one-sided L_c = (π/2) ∫E/k dk/∫E dk. The range below 2π/L_max, which no wave has, does not count where the
    spectrum is flat there: lines shorter than L_max do not feel that it is missing.

    Parameters
    ----------
    kind : str
    fractions : dict or None
        Of a composite.
    spectrum : Spectrum
    rms : float
        δB/B0.

    Returns
    -------
    float or None
        In the spectrum's unit of length; None where there is no such theory: 2d waves with others than slab, a spectrum
        that grows towards k = 0 in slab waves.
    """
    parts = {name: part for name, part in (fractions or {kind: 1.0}).items() if part > 0.0}
    k = spectrum.cells(8192)
    energy = spectrum.E(k) * k / (spectrum.E(k) * k).sum()
    L_c, square = 0.5 * np.pi * (energy / k).sum(), (energy / k**2).sum()
    factors = {"isotropic": 0.25 * L_c, "alfven": 0.5 * L_c, "magnetosonic": 0.0}
    if "slab" in parts:
        at_zero = _flat_end(spectrum)
        if at_zero is None:
            return None
        factors["slab"] = 0.25 * np.pi * at_zero
    D = rms**2 * sum(part * factors[name] for name, part in parts.items() if name != "2d")
    if "2d" not in parts:
        return float(D)
    if set(parts) - {"slab", "2d"}:
        return None
    flat = rms * np.sqrt(0.5 * parts["2d"] * square)
    return float(0.5 * (D + np.sqrt(D * D + 4.0 * flat * flat)))


def _flat_end(spectrum):
    """E(0)/∫E dk, the spectrum with a bend continued to k = 0; None if that is infinite."""
    if spectrum.bend_scale is None or spectrum.bend_index > 0.0:
        return 0.0
    if spectrum.bend_index < 0.0:
        return None
    low = spectrum.k_range[0]
    return float(spectrum.normalised(low) * (1.0 + (low * spectrum.bend_scale) ** 2) ** (0.5 * spectrum.index))
