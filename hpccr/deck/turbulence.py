"""The section [turbulence]: a synthetic field, for orbits and field lines alike."""

from hpccr.deck.schema import Section, choice, file, fractions, integer, measure, number, quantity

PARTS = ("isotropic", "alfven", "magnetosonic", "slab", "2d")
KINDS = (*PARTS, "composite")
_ALIASES = {"alfvenic": "alfven", "Alfvenic": "alfven", "Alfvénic": "alfven", "2D": "2d", "iso": "isotropic", "alf": "alfven",
            "mag": "magnetosonic"}

# Lengths beyond these have squares beyond the range of floating-point numbers, or nothing to do with turbulence.
_SHORTEST, _LONGEST, _RANGE, _BEND = 1e-50, 1e50, 1e12, 1e3

TURBULENCE = Section(
    "turbulence", "the field: B0 along z and a sum of plane waves",
    kind=choice("isotropic", KINDS, aliases=_ALIASES, meaning="directions of the waves and of their fields"),
    fractions=fractions(None, PARTS, otherwise="none", meaning="composite: the part of δB² in each kind"),
    spectrum=choice("power_law", ("power_law", "bend_over"), meaning="form of E(k)"),
    index=number(5.0 / 3.0, low=-10.0, high=10.0, meaning="q in E ~ k^−q, above the bend"),
    bend_scale=measure(None, "cm", positive=True, otherwise="needed for bend_over",
                       meaning="l in E ~ (kl)^s/(1 + (kl)²)^((s + q)/2)"),
    bend_index=number(0.0, low=-10.0, high=10.0, meaning="s, below the bend"),
    L_min=measure(0.01, "cm", positive=True, meaning="shortest wavelength"),
    L_max=measure(1.0, "cm", positive=True, meaning="longest wavelength; its unit is that of all lengths"),
    modes=integer(256, low=1, high=1_000_000, meaning="number of waves, equally spaced in ln k"),
    eta=number(None, low=1e-20, high=1.0, otherwise="0.5, if there is no dB", meaning="δB²/(B0² + δB²); 1: no mean field"),
    dB=number(None, low=1e-10, high=1e6, otherwise="from eta", meaning="δB/B0"),
    seed=integer(1, low=0, high=2**31 - 1, meaning="of the random numbers"),
    correlation=choice("one-sided", ("one-sided", "two-sided"),
                       meaning="definition of L_c: ∫⟨B(0)·B(r)⟩dr/δB² from 0, or from −∞"),
    B0=quantity(None, "G", low="1e-30 G", high="1e16 G", otherwise="not known",
                meaning="B_ref: the mean field, or without one the rms of δB (with waves_file, the unit of amplitudes)"),
    L_c=quantity(None, "cm", positive=True, high="1e6 kpc", otherwise="not known",
                 meaning="L_c in reality, where L_max is a pure number"),
    waves_file=file(None, otherwise="random waves", meaning="HDF5 file of waves, in place of kind, spectrum, level and lengths; eta = 1: no mean field"))


def check(deck):
    """What the keys cannot see alone.

    Raises
    ------
    InputError
    """
    key = deck.turbulence
    if key.waves_file is not None:
        return
    if key.eta is not None and key.dB is not None:
        raise deck.refuse("turbulence.dB", "both eta and dB are given", allowed="one of them")
    if (key.kind == "composite") != (key.fractions is not None):
        if key.fractions is None:
            raise deck.refuse("turbulence.fractions", "composite turbulence needs fractions")
        raise deck.refuse("turbulence.fractions", f"fractions of {key.kind} turbulence",
                          allowed='fractions with kind = "composite" only')
    if bool(key.L_min.unit) != bool(key.L_max.unit):
        raise deck.refuse("turbulence.L_min", "one of L_min and L_max has a unit", allowed="both with a unit, or both without")
    if not key.L_min.value < key.L_max.value:
        raise deck.refuse("turbulence.L_min", "the shortest wavelength is not shorter than the longest",
                          allowed="less than L_max")
    for name, length in (("L_min", key.L_min), ("L_max", key.L_max)):
        if not _SHORTEST <= length.value <= _LONGEST:
            unit = f" {length.unit}" if length.unit else ""
            raise deck.refuse(f"turbulence.{name}", "out of range", allowed=f"{_SHORTEST:g}{unit} to {_LONGEST:g}{unit}")
    if key.L_max.value > _RANGE * key.L_min.value:
        raise deck.refuse("turbulence.L_min", "too short beside L_max", allowed=f"at least L_max/{_RANGE:g}")
    if key.L_c is not None and key.L_max.unit:
        raise deck.refuse("turbulence.L_c", "L_c follows from L_min and L_max, which have units",
                          allowed="L_c with L_min and L_max as pure numbers")
    _check_bend(deck, key)
    if key.kind == "composite" and key.modes < sum(part > 0 for part in key.fractions.values()):
        raise deck.refuse("turbulence.modes", "fewer waves than kinds", allowed="at least one wave for each kind in fractions")


def _check_bend(deck, key):
    """Refuse a bend without its spectrum, and a spectrum without its bend."""
    if key.bend_scale is None:
        if key.spectrum == "bend_over":
            raise deck.refuse("turbulence.bend_scale", "a spectrum with a bend needs its scale", allowed="a length")
        return
    if key.spectrum != "bend_over":
        raise deck.refuse("turbulence.bend_scale", "a power law has no bend",
                          allowed='bend_scale with spectrum = "bend_over" only')
    if bool(key.bend_scale.unit) != bool(key.L_max.unit):
        raise deck.refuse("turbulence.bend_scale", "one of bend_scale and L_max has a unit",
                          allowed="both with a unit, or both without")
    if not key.L_min.value / _BEND <= key.bend_scale.value <= key.L_max.value * _BEND:
        raise deck.refuse("turbulence.bend_scale", "far outside the spectrum", allowed=f"from L_min/{_BEND:g} to {_BEND:g} L_max")


def slab_share(deck):
    """The part of δB² in slab waves, 0 to 1; 0 where the waves come from a file."""
    key = deck.turbulence
    if key.waves_file is not None:
        return 0.0
    return {"slab": 1.0, "composite": (key.fractions or {}).get("slab", 0.0)}.get(key.kind, 0.0)
