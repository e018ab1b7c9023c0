"""Heat that gas radiates and receives: n (Γ − n Λ(T)) per volume, with the Λ of Koyama & Inutsuka 2002 in warm and cold gas.

    Λ = Λ_KI                                   log T ≤ 4.238
    ln Λ = (1 − w) ln Λ_KI + w ln Λ_CIE        4.238 < log T < 4.258,     w = (log T − 4.238)/0.02
    Λ = Λ_CIE                                  log T ≥ 4.258

Λ_CIE, of collisional ionisation equilibrium, stands 10 % above Λ_KI at 10^4.238 K. The joint w makes of that step a rise over
5 % of T, as implicit solvers want it, and leaves Λ_KI as it is below, where the thermal equilibrium lies.
"""

import math

import numpy as np

from hpccr.errors import InputError
from hpccr.jit import kernel
from hpccr.physics import tables

HEATING = 2e-26     # Γ of Koyama & Inutsuka 2002 [erg/s]
JOINT = 4.238       # log₁₀ T [K] up to which their fit is used
BLEND = 0.02        # how far above it pure Λ_CIE begins, in log₁₀ T
HIGHEST_JOINT = 4.3     # a table must begin here at the latest: above, the fit means nothing

# log₁₀ Λ [erg cm³/s] with n_H² Λ the power radiated, solar abundances, from log T = 4.20 in steps of 0.04:
# Schure, Kosenko, Kaastra, Keppens & Vink 2009 (A&A 508, 751), table 2, log Λ_hd = log Λ_N + log(n_e/n_H), from SPEX.
SPEX = (
    -21.5972, -21.4615, -21.4789, -21.5497, -21.6211, -21.6595, -21.6426, -21.5688, -21.4771, -21.3755,
    -21.2693, -21.1644, -21.0658, -20.9778, -20.8986, -20.8281, -20.7700, -20.7223, -20.6888, -20.6739,
    -20.6815, -20.7051, -20.7229, -20.7208, -20.7058, -20.6896, -20.6797, -20.6749, -20.6709, -20.6748,
    -20.7089, -20.8031, -20.9647, -21.1482, -21.2932, -21.3767, -21.4129, -21.4291, -21.4538, -21.5055,
    -21.5740, -21.6300, -21.6615, -21.6766, -21.6886, -21.7073, -21.7304, -21.7491, -21.7607, -21.7701,
    -21.7877, -21.8243, -21.8875, -21.9738, -22.0671, -22.1537, -22.2265, -22.2821, -22.3213, -22.3462,
    -22.3587, -22.3622, -22.3590, -22.3512, -22.3420, -22.3342, -22.3312, -22.3346, -22.3445, -22.3595,
    -22.3780, -22.4007, -22.4289, -22.4625, -22.4995, -22.5353, -22.5659, -22.5895, -22.6059, -22.6161,
    -22.6208, -22.6213, -22.6184, -22.6126, -22.6045, -22.5945, -22.5831, -22.5707, -22.5573, -22.5434,
    -22.5287, -22.5140, -22.4992, -22.4844, -22.4695, -22.4543, -22.4392, -22.4237, -22.4087, -22.3928,
)

# The uniform table: a grid on which the points of SPEX and the ends of the joint, where Λ has kinks, are points too.
DECADES, PER_DECADE = 10, 2000


class Cooling:
    """Heating Γ and cooling Λ(T) of optically thin gas.

    Parameters
    ----------
    heating : float
        Γ ≥ 0 [erg/s]. Λ does not depend on it.
    table : str or path, optional
        Text file of Λ_CIE in two columns, log₁₀ T [K], rising, and log₁₀ Λ [erg cm³/s]; `#` begins a comment. All of it is used,
        whatever its first temperature, which takes the place of 10^4.238 K: to keep Λ_KI up to there, leave out
        the lines below. The default is SPEX (Schure+2009).

    Raises
    ------
    InputError
        If the file cannot be read or used.
    """

    def __init__(self, heating=HEATING, table=None):
        self.heating = heating
        if table is None:
            self._log_T, self._log_Lambda = 4.20 + 0.04 * np.arange(len(SPEX)), np.array(SPEX)
            self._joint = JOINT
        else:
            self._log_T, self._log_Lambda = _read(table)
            self._joint = self._log_T[0]

    def rate(self, T):
        """Λ [erg cm³/s], of the shape of T > 0 [K].

        Between the points of the table a power law, and ∝ √T beyond the last, where only bremsstrahlung is left.
        """
        x = np.log10(T)
        hot = np.interp(x, self._log_T, self._log_Lambda) + 0.5 * np.maximum(x - self._log_T[-1], 0)
        w = np.clip((x - self._joint) / BLEND, 0, 1)
        return koyama_inutsuka(T) ** (1 - w) * 10 ** (w * hot)

    def equilibrium_density(self, T):
        """n = Γ/Λ(T) [1/cm³], where heating and cooling balance, of the shape of T > 0 [K]."""
        return self.heating / self.rate(T)

    def equilibrium_temperature(self, n):
        """The coolest T [K] in balance at a density n: the one that cold gas is heated to.

        Λ rises through it, so that it is stable at constant density; with SPEX, hotter ones exist below 10⁻³ cm⁻³ only.

        Parameters
        ----------
        n : float
            [1/cm³]

        Raises
        ------
        InputError
            If no temperature from 1 to 10¹⁰ K is in balance.
        """
        first, per_step, values = self.tabulate()
        above = np.flatnonzero(n * values >= self.heating) if n > 0 and self.heating > 0 else ()
        if len(above) == 0 or above[0] == 0:
            least, most = self.heating / values.max(), self.heating / values[0]
            raise InputError("no thermal equilibrium at this density", given=f"{n:g} cm-3",
                             allowed=f"{least:.3g} to {most:.3g} cm-3" if self.heating > 0 else "none without heating")
        ends = np.array([above[0] - 1, above[0]])
        return float(np.exp(first + np.interp(np.log(self.heating / n), np.log(values[ends]), ends) / per_step))

    def tabulate(self):
        """Λ at uniform steps of ln T from 1 to 10¹⁰ K, for `lookup`.

        Linear between the steps it is Λ to 10⁻⁴, and to 2·10⁻³ below 5 K, where gas hardly radiates. The points of another
        table than SPEX may lie between the steps: where the slope d ln Λ/d ln T changes by s there, it is Λ to 3·10⁻⁴ s.

        Returns
        -------
        first : float
            ln T of the first value.
        per_step : float
            1/step.
        values : array (20001,)
            Λ [erg cm³/s], contiguous.
        """
        return 0.0, PER_DECADE / math.log(10), self.rate(10 ** (np.arange(DECADES * PER_DECADE + 1) / PER_DECADE))


def koyama_inutsuka(T):
    """Λ_KI = 2·10⁻²⁶ [10⁷ e^{−118400/(T + 1000)} + 0.014 √T e^{−92/T}] [erg cm³/s], of the shape of T > 0 [K].

    Koyama & Inutsuka 2002, with the constants as corrected since (Vázquez-Semadeni+2007): 114800 and 14 are misprints.
    """
    return HEATING * (1e7 * np.exp(-1.184e5 / (T + 1000)) + 1.4e-2 * np.sqrt(T) * np.exp(-92 / T))


@kernel(inline="always")
def lookup(lnT, first, per_step, values):
    """(Λ, dΛ/d ln T) [erg cm³/s] at one ln T, linear between the `values` (n,) of `Cooling.tabulate`; constant beyond the ends, NaN of NaN."""
    x, last = (lnT - first) * per_step, values.shape[0] - 1
    if x != x:
        return x, x
    if x <= 0.0:
        return values[0], 0.0
    if x >= last:
        return values[last], 0.0
    j = int(x)
    rise = values[j + 1] - values[j]
    return values[j] + (x - j) * rise, rise * per_step


def _read(path):
    """log₁₀ T, log₁₀ Λ of a file: arrays (n,), n ≥ 2."""
    # Columns that are not logarithms end up far outside.
    rows = tables.read(path, "cooling table", ("log10 T [K] from 0 to 12", "log10 Lambda [erg cm3/s] from -100 to -10"),
                       lambda x, y: "" if 0 <= x <= 12 and -100 <= y <= -10 else "outside of any cooling curve")
    if rows[0, 0] > HIGHEST_JOINT:
        raise InputError("the cooling table begins too hot", where=str(path), given=f"log10 T = {rows[0, 0]:g}",
                         allowed=f"{HIGHEST_JOINT} or less: what is below is Koyama & Inutsuka 2002")
    return rows
