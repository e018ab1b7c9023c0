"""The synthetic field that a deck's [turbulence] describes, shared by orbits and field lines.

Lengths are in the deck's unit of length L: one parsec where the deck gives L_min and L_max with units or the files do so,
otherwise the unit in which L_max is a pure number. Fields are in B_ref: the mean field B0 along z or, where there is
none, the rms of δB (of waves from a file: the unit of their amplitudes).
"""

import bisect
import dataclasses

import numpy as np

from hpccr import units
from hpccr.deck import library, turbulence
from hpccr.errors import InputError
from hpccr.particles import starts, sum_kernels
from hpccr.particles.turbulence import Spectrum, realise, shares, stream
from hpccr.problems.ensemble import Ensemble

DEFINITION = {
    "one-sided": "one-sided: integral over r from 0 to infinity of <B(0).B(r)>/dB2, averaged over directions",
    "two-sided": "two-sided: integral over r from -infinity to infinity of <B(0).B(r)>/dB2, averaged over directions"}

# Their tallies are all kept until the end.
_MOST_UNITS = 100_000
# Larger phases of waves [rad] lose too many digits to rounding.
_MOST_PHASE = 1e9


class Synthetic:
    """The field of a deck.

    Parameters
    ----------
    deck : Deck

    Attributes
    ----------
    mean, rms : float
        Mean field (0 or 1) and rms of δB [B_ref].
    eta : float
        δB²/(B0² + δB²).
    cm : float or None
        Length of one L, if the deck says so.
    name : str
        The word for L: "pc" or "L".
    L_c : float
        Correlation length [L] by the deck's definition.
    modes : int
        Number of waves.
    k_range : (float, float)
        Smallest and largest wavenumber [1/L].
    spectrum : Spectrum or None
        None where the waves come from a file.
    warnings : list of str
    """

    def __init__(self, deck):
        self.deck, self.key, self.warnings = deck, deck.turbulence, []
        self._given, self._factor, self.spectrum, self.cm, self.name = None, 1.0, None, None, "L"
        if self.key.waves_file is not None:
            self._read()
        else:
            self._resolve()
        self.eta = self.rms**2 / (self.mean**2 + self.rms**2)
        # Numbers and amplitudes of the waves are those of every realisation.
        waves = self.waves(0)
        self.modes, self.k_range = len(waves), waves.k_range
        self.L_c = waves.correlation_length(self.key.correlation)
        if self.key.L_c is not None:
            if self.cm is not None:
                raise deck.refuse("turbulence.L_c", "the lengths of the waves have a unit already",
                                  allowed="L_c where lengths are pure numbers")
            self.cm = self.key.L_c / self.L_c

    def _resolve(self):
        """From spectrum and level."""
        key = self.key
        with_unit = bool(key.L_max.unit)
        self.cm, self.name = (units.pc, "pc") if with_unit else (None, "L")
        self.mean = 0.0 if key.eta == 1.0 else 1.0
        eta = 0.5 if key.eta is None else key.eta
        self.rms = key.dB if key.dB is not None else 1.0 if eta == 1.0 else np.sqrt(eta / (1.0 - eta))
        low, high = self.length(key.L_min), self.length(key.L_max)
        bend = None if key.spectrum == "power_law" else self.length(key.bend_scale)
        self.spectrum = Spectrum(key.index, low, high, bend, key.bend_index)
        self.longest = high
        for kind, modes in (shares(key.fractions, key.modes) if key.kind == "composite" else {}).items():
            if modes < 10:
                self.warnings.append(f"{modes} of {key.modes} waves are all that stand for the {kind} part of the field")

    def _read(self):
        """From a file of waves."""
        from hpccr.output import ensemble_files

        path = library.input_file(self.key.waves_file, self.deck.path, "turbulence.waves_file")
        self._given, unit = ensemble_files.read_waves(path)
        self.mean, self.rms = (0.0 if self.key.eta == 1.0 else 1.0), self._given.rms
        self._agree(path)
        self.name, factor = self.unit(unit, path)
        self._factor = factor
        self.cm = units.pc if self.name == "pc" else None
        self._given = dataclasses.replace(self._given, k=self._given.k / factor)
        self.longest = 2.0 * np.pi / np.linalg.norm(self._given.k, axis=1).min()

    def _agree(self, path):
        """Refuse a level in the deck that is not that of the file."""
        for name, given, found in (("eta", self.key.eta, self.rms**2 / (1.0 + self.rms**2)), ("dB", self.key.dB, self.rms)):
            if given is not None and self.mean and abs(given / found - 1.0) > 0.01:
                raise self.deck.refuse(f"turbulence.{name}", f"the waves in {path} have {name} = {found:.6g}",
                                       allowed=f"{found:.6g}, or no {name}" + (", or 1: no mean field" if name == "eta" else ""))

    def unit(self, text, path):
        """(name of L, how many L are one `text`) where a file says that its lengths are in `text`."""
        try:
            return "pc", units.factor(text, "pc")
        except units.QuantityError:
            if text not in ("", "1", "L", "L_max"):
                self.warnings.append(f"{path}: length_unit {text!r} is not a unit of length that is known here; its lengths are "
                                     "taken as pure numbers, in the unit of L_max")
            return "L", 1.0

    def length(self, measure):
        """A Measure of the deck in L: float.

        Raises
        ------
        InputError
            A length with unit where L has none, or a pure number where lengths of the deck have units. Beside a file of waves a pure
            number is in the file's unit.
        """
        if measure.unit:
            if self.cm is None:
                raise InputError("a length with unit, in a deck whose L_max has none", given=f"{measure.value:.6g} cm",
                                 where=f"{self.deck.path}", allowed="lengths with units throughout, or pure numbers throughout")
            return measure.value / self.cm
        if self.key.waves_file is None and self.key.L_max.unit:
            raise InputError("a length without unit, in a deck whose L_max has one", given=f"{measure.value:.6g}", where=f"{self.deck.path}",
                             allowed="lengths with units throughout, or pure numbers throughout")
        return measure.value * self._factor

    def waves(self, realisation):
        """The waves of one realisation (Waves), k in 1/L, amplitude in B_ref."""
        if self._given is not None:
            return self._given
        key = self.key
        return realise(key.kind, key.fractions, self.spectrum, key.modes, self.rms, stream(key.seed, realisation, "waves"))

    def shortest(self):
        """The shortest wavelength [L]."""
        return 2.0 * np.pi / self.k_range[1]

    def derived(self):
        """Rows (name, text) for `hpccr check`."""
        shortest, longest = (2.0 * np.pi / k for k in reversed(self.k_range))
        rows = [("waves", f"{self.modes}, {shortest:.4g} to {longest:.4g} {self.name} long"),
                ("level", f"eta = {self.eta:.4g}, dB = {self.rms:.4g} {'B0' if self.mean else '(no mean field)'}"),
                ("correlation length", f"{self.L_c:.5g} {self.name} ({DEFINITION[self.key.correlation]})")]
        if self.cm is not None and self.name == "L":
            rows.append(("unit of length", f"{self.cm / units.pc:.5g} pc"))
        return rows

    def summary(self):
        """Entries of summary.json that tell of the field."""
        entries = {"L_c": {"value": self.L_c, "unit": self.name, "definition": DEFINITION[self.key.correlation]},
                   "eta": {"value": self.eta, "unit": "1", "definition": "dB^2/(B0^2 + dB^2)"},
                   "dB": {"value": self.rms, "unit": "B_ref", "definition": "rms of the waves' field"},
                   "modes": {"value": self.modes, "unit": "1", "definition": "number of waves"}}
        if self.cm is not None:
            entries["L_c_physical"] = {"value": self.L_c * self.cm / units.pc, "unit": "pc", "definition": "L_c"}
        if self.key.B0 is not None:
            alone = "the unit of the amplitudes in the file of waves" if self._given is not None else "the rms of the waves' field"
            entries["B_ref"] = {"value": self.key.B0 * 1e6, "unit": "uG", "definition": f"the mean field or, without one, {alone}"}
        return entries

    def write(self, directory, realisations):
        """The waves of the first of so many realisations, as many as the deck wants, as files that `turbulence.waves_file` takes."""
        from hpccr.output import ensemble_files

        most = realisations if self._given is None else 1
        for realisation in range(min(self.deck.output.waves, most)):
            ensemble_files.write_waves(directory / "waves" / f"{realisation:06d}.h5", self.waves(realisation), self.name)


class InTurbulence(Ensemble):
    """An ensemble in the field of its deck's [turbulence]: what orbits and field lines share.

    Its deck has the keys realisations, particles, starts_file, store and unit in [ensemble].

    Attributes
    ----------
    field : Synthetic
    particles : int
        Members in each realisation. A member's identity is realisation × particles + its number.
    realisations : int
    independent : int
        How many fields these are: all waves that a file gives are one field, whose particles say nothing of errors.
    given : (array (n, 3), array (n, 3) or None) or None
        Positions [L] and directions of the starts that a file gives.
    """

    # What a member is called, and how many there are by default.
    member, usual = "member", 100
    # Starts are drawn from a cube of so many of the longest waves: large enough for independence, small enough for exact phases.
    cube = 30.0
    # The unit of length of the kernels [L], and whether directions are wanted with the starts.
    length, directed = 1.0, True

    @classmethod
    def check(cls, deck):
        turbulence.check(deck)
        cls(deck)

    def __init__(self, deck):
        super().__init__(deck)
        self.field, e = Synthetic(deck), deck.ensemble
        self.given, self._waves = None, (None, None)
        if e.starts_file is not None:
            self._read_starts(library.input_file(e.starts_file, deck.path, "ensemble.starts_file"))
        one = deck.turbulence.waves_file is not None
        self.realisations = e.realisations or (1 if one else 20)
        self.independent = 1 if one else self.realisations
        if one and self.given is not None and self.realisations > 1:
            raise deck.refuse("ensemble.realisations", "the same starts in the same waves, again and again",
                              allowed="1 where both come from files")
        self.particles = e.particles or (self.usual if self.given is None else len(self.given[0]))
        self.kept = [] if e.store is None else np.unique(e.store).tolist()
        if self.kept and self.kept[-1] >= self.realisations * self.particles:
            raise deck.refuse("ensemble.store", f"there is no {self.member} {self.kept[-1]}",
                              allowed=f"0 to {self.realisations * self.particles - 1}")

    def check_phases(self, length, key, end):
        """Refuse waves so short that rounding spoils their phases, where members begin or on a path of `length` [L], which grows as the
        value `end` of a key does.

        Raises
        ------
        InputError
        """
        k, deck = self.field.k_range[1], self.deck
        begin = self.cube * self.field.longest if self.given is None else float(np.abs(self.given[0]).max())
        if not k * begin <= _MOST_PHASE:
            blamed = "ensemble.starts_file" if self.given else "turbulence.waves_file" if deck.turbulence.waves_file else "turbulence.L_min"
            raise deck.refuse(blamed, f"phases of up to {k * begin:.2g} rad at the start: rounding would spoil the shortest waves",
                              allowed=f"waves of at least {2 * np.pi * begin / _MOST_PHASE:.3g} {self.field.name}")
        if not k * length <= _MOST_PHASE:
            raise deck.refuse(key, f"phases of up to {k * length:.2g} rad: rounding would spoil the shortest waves",
                              allowed=f"up to {end * _MOST_PHASE / (k * length):.3g}, or a longer L_min")

    def _read_starts(self, path):
        """Positions (n, 3) [L] and directions (n, 3) or None from a file, in the unit of the waves."""
        from hpccr.output import ensemble_files

        position, direction, unit = ensemble_files.read_starts(path, self.directed)
        name, factor = self.field.unit(unit, path)
        if name != self.field.name:
            raise InputError("the starts have another kind of length than the waves", where=path, given=f"length_unit {unit}",
                             allowed=f"a length in {self.field.name}, as turbulence.L_max or the file of waves")
        wanted = self.deck.ensemble.particles
        if wanted is not None and wanted > len(position):
            raise self.deck.refuse("ensemble.particles", f"{wanted} {self.member}s, and {len(position)} starts in {path}",
                                   allowed=f"up to {len(position)}")
        self.given = position * factor, direction

    @property
    def errors(self):
        """What the errors in the output are."""
        return "jackknife over realisations of the field" if self.independent > 1 else "none: there is one realisation of the field"

    def cuts(self, most):
        """Where a realisation is cut into units of at most so many members: list of int, from 0 to particles.

        Raises
        ------
        InputError
            That would be too many units.
        """
        pieces = -(-self.particles // most)
        if pieces * self.realisations > _MOST_UNITS:
            raise self.deck.refuse("ensemble.particles", f"{pieces * self.realisations:.3g} units of work of up to {most} {self.member}s",
                                   allowed=f"up to {_MOST_UNITS} units: fewer members, fewer realisations, or larger units")
        return [self.particles * i // pieces for i in range(pieces + 1)]

    def stored(self, unit):
        """The members of a unit that are kept, with their places in it: dict."""
        first = unit.realisation * self.particles + unit.first
        a, b = bisect.bisect_left(self.kept, first), bisect.bisect_left(self.kept, first + unit.count)
        return {m: m - first for m in self.kept[a:b]}

    def starts(self, unit, mu=None):
        """Where a unit's members start: positions (n, 3) [L] and directions (n, 3), with a given cosine `mu` if not None."""
        if self.given is not None:
            return tuple(part if part is None else part[unit.first:unit.first + unit.count] for part in self.given)
        u = starts.uniform(self.deck.turbulence.seed, unit.realisation, unit.first, unit.count)
        return starts.cube(u, self.cube * self.field.longest), starts.isotropic(u, mu)

    def sums(self, tallies, variant, first=None):
        """Tallies of one variant, of all units or of those that begin with member `first`, summed in each independent field.

        Returns
        -------
        array (independent, tally_size), array (independent,)
            The sums, and the members in them.
        """
        total, count = np.zeros((self.independent, self.tally_size)), np.zeros(self.independent)
        for unit, tally in zip(self.units(), tallies):
            if unit.variant == variant and first in (None, unit.first):
                total[unit.realisation % self.independent] += tally
                count[unit.realisation % self.independent] += unit.count
        return total, count

    def table(self, realisation):
        """The waves of a realisation for the kernels, k in 1/`length`; the last one is remembered."""
        if self._waves[0] != realisation:
            waves = self.field.waves(realisation)
            self._waves = realisation, sum_kernels.table(waves.k * self.length, waves.amplitude, waves.phase)
        return self._waves[1]
