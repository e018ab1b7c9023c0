"""Constants in CGS-Gaussian units, and the reading of quantities such as ``"20 pc"``.

Inside hpccr every number is a CGS float. Unit strings appear at the deck's door and on output only; both go
through this module, so a parsec in a deck and `pc` in a formula agree to rounding. The values are those of
CODATA 2018 and IAU 2015.
"""

import functools
import math
import re
import warnings

c = 2.99792458e10               # speed of light [cm/s]
e = 4.803204712570263e-10       # elementary charge [statC]
m_p = 1.67262192369e-24         # proton mass [g]
m_e = 9.1093837015e-28          # electron mass [g]
k_B = 1.380649e-16              # Boltzmann constant [erg/K]
sigma_T = 6.6524587321e-25      # Thomson cross-section [cm²]
eV = 1.602176634e-12            # [erg]
GeV = 1e9 * eV                  # [erg]
TeV = 1e12 * eV                 # [erg]
pc = 3.085677581491367e18       # [cm]
kpc = 1e3 * pc                  # [cm]
yr = 3.15576e7                  # Julian year [s]
kyr = 1e3 * yr                  # [s]
Myr = 1e6 * yr                  # [s]
Msun = 1.988409870698051e33     # [g]

# Offered as the nearest valid word when a unit is not known.
COMMON = ("cm", "m", "km", "AU", "pc", "kpc", "Mpc", "s", "min", "h", "d", "yr", "kyr", "Myr", "Gyr", "eV", "keV", "MeV",
          "GeV", "TeV", "PeV", "erg", "J", "G", "mG", "uG", "nG", "T", "nT", "K", "g", "kg", "m_p", "Msun", "GV", "TV",
          "cm/s", "km/s", "cm2/s", "cm-3", "erg/s", "1/s", "g/cm2", "eV/cm3")

_NUMBER = re.compile(r"\s*([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?|[+-]?(?:nan|inf)(?![A-Za-z]))\s*(.*?)\s*", re.I | re.S)


class QuantityError(ValueError):
    """A text that is not the quantity wanted.

    Attributes
    ----------
    what : str
        What is wrong, in a few words.
    nearest : str or None
        The nearest known unit, if the unit was not known.
    """

    def __init__(self, what, nearest=None):
        super().__init__(what)
        self.what, self.nearest = what, nearest


@functools.cache
def _unit(text):
    """The astropy unit that `text` names; the proton mass and the speed of light are units here, too."""
    from astropy import units

    own = [units.def_unit("m_p", m_p * units.g), units.def_unit("c", c * units.cm / units.s)]
    # astropy warns of km/s/pc, but takes it as it is meant.
    with units.add_enabled_units(own), warnings.catch_warnings():
        warnings.simplefilter("ignore", units.UnitsWarning)
        unit = units.Unit(text)
    if not isinstance(unit, units.UnitBase):
        raise ValueError("a logarithmic unit")
    return unit


@functools.cache
def factor(unit, to):
    """How many `to` one `unit` is.

    Parameters
    ----------
    unit, to : str
        Units in astropy's words; "" or "1" is a pure number.

    Returns
    -------
    float

    Raises
    ------
    QuantityError
        Unknown unit, or units of different dimension.
    """
    source, target = _known("" if unit == "1" else unit), _known("" if to == "1" else to)
    try:
        return float(source.to(target))
    except Exception:       # noqa: BLE001 - exotic units fail in their own ways
        dimension = str(getattr(source, "physical_type", "unknown")).split("/")[0]
        kind = "" if dimension == "unknown" else f" ({dimension})"
        raise QuantityError(f"wrong unit: {unit or 'a pure number'}{kind} is not a multiple of {to or '1'}") from None


def _known(text):
    """The unit of a text, or a QuantityError with the nearest one."""
    # Only letters, digits and the signs of a product: no unit of ours needs more, and huge powers are refused.
    if len(text) > 40 or not re.fullmatch(r"[\w\s%./*^()+-]*", text) or re.search(r"\d{3}", text):
        raise QuantityError(f"unknown unit {text[:40]!r}")
    try:
        return _unit(text)
    except ImportError as error:
        raise QuantityError(f"units need astropy, which cannot be imported ({error})") from None
    except Exception:       # noqa: BLE001 - astropy raises ValueError, TypeError or parser errors
        raise QuantityError(f"unknown unit {text!r}", nearest=_nearest(text)) from None


def _nearest(text):
    import difflib

    lower = {name.lower(): name for name in reversed(COMMON)}
    found = difflib.get_close_matches(text.lower().replace(" ", ""), list(lower), n=1, cutoff=0.5)
    return lower[found[0]] if found else None


@functools.lru_cache(maxsize=4096)
def parse(text, unit):
    """Read a quantity.

    Parameters
    ----------
    text : str
        A number and a unit, such as ``"1e28 cm2/s"`` or ``"10pc"``.
    unit : str
        The unit wanted; "" or "1" for a pure number.

    Returns
    -------
    float
        The value in `unit`, finite.

    Raises
    ------
    QuantityError
        No number, no unit, an unknown unit, another dimension, or a number that is not finite.
    """
    match = _NUMBER.fullmatch(text)
    if not match:
        raise QuantityError("not a quantity: a number and a unit are wanted")
    value, given = float(match[1]), match[2]
    if not math.isfinite(value):
        raise QuantityError("not a finite number")
    if not given and unit not in ("", "1"):
        raise QuantityError("missing unit")
    if given[:1].isdigit() and not re.match(r"1\s*/", given):
        raise QuantityError("not a quantity: one number and a unit are wanted")
    scaled = value * factor(given, unit)
    if not math.isfinite(scaled):
        raise QuantityError("not a finite number")
    return scaled
