"""Decks that are nearly right, for hypothesis: the decks of run/ made small and then changed, one kind of change at a time.

What is changed, and to what, is drawn from the schema of every problem found, so a new key or a new problem is tried
without a line here.
"""

import datetime
import functools
import math
import tempfile
from dataclasses import dataclass
from pathlib import Path

import jobs
from hypothesis import configuration
from hypothesis import strategies as st

from hpccr import units
from hpccr.deck import library, schema
from hpccr.deck.messages import toml, word
from hpccr.problems import registry

# What hypothesis keeps for itself does not belong into the project.
configuration.set_hypothesis_home_dir(Path(tempfile.gettempdir()) / "hpccr-hypothesis")

# Values that a key seldom wants.
ODD = (True, False, 0, -1, 1, 7, 2**31, 2**63, -(2**63) - 1, 10**400, 0.0, -0.0, 5e-324, -5e-324, 1e-300, 1e300, -1e300, math.nan,
       math.inf, -math.inf, "", " ", "nan", "inf", "true", "1", "1e999 pc", "-1 pc", "0 s", "1 pc pc", "1 pc^99", "\u00b5", "1 \u00b5G",
       "\u0661 pc", "a\nb", "\x1b[31mred", "\u202eright", "x" * 3000, "é" * 200, datetime.date(2020, 1, 1), datetime.time(7, 32),
       datetime.datetime(1979, 5, 27, 7, 32), [], [[]], {}, {"x": 1}, {"E": ["1 GeV"], "R": []}, ["1 pc", 2], [math.nan], [True])
SPOILT_UNITS = (*units.COMMON, "", "furlong", "pcc", "PC", "mag", "deg_C", "dex(cm)", "pc/", "1", "%", "m_e", "c", "cm^(1/2)", "()", "e5 pc", "µG")
PETSC = ("", "-ksp_rtol 1e-6", "-ksp_type gmres", "-ts_max_snes_failures 3", "-no_such_option 1", "-ksp_type nonsense", "-ts_type beuler",
         "-ts_adapt_type none", "-pc_type nonsense", "-ksp_max_it 1", "-snes_type nonsense", "word", "-", "-ksp_rtol nan", "-ts_type euler")
# In the directory of the deck, see `make_files`.
FILES = ("missing", "directory", "binary", "empty", "mu.txt", "sigma.txt", "cooling.txt", "words.txt", "waves.h5", "starts.h5", "cut.h5",
         "", "/", "/dev/null", "\x00", "a" * 5000, "../..")


@dataclass(frozen=True)
class Case:
    """A deck to try.

    Attributes
    ----------
    problem, kind : str
        Which problem's deck was changed, and the kind of change.
    content : bytes
        The deck file.
    settings : tuple of str
        What stands after ``--set``.
    accepted : bool
        Whether `hpccr check` is known to accept it.
    """

    problem: str
    kind: str
    content: bytes
    settings: tuple = ()
    accepted: bool = False

    def __repr__(self):
        return f"Case({self.kind} of {self.problem}, --set {self.settings}:\n{self.content.decode('utf-8', 'backslashreplace')})"


def make_files(folder):
    """Write the files that FILES names, some of them as they should be."""
    from hpccr.output import ensemble_files
    from hpccr.problems._synthetic import Synthetic

    (folder / "directory").mkdir()
    (folder / "binary").write_bytes(bytes(range(256)) * 9)
    (folder / "empty").touch()
    (folder / "words.txt").write_text("one two\nthree four\n")
    (folder / "mu.txt").write_text("-1 1\n-0.3 0.2\n0.4 0.5\n1 2\n")
    (folder / "sigma.txt").write_text("-5 0.1\n0 0.3\n8 -0.2\n")
    (folder / "cooling.txt").write_text("3 -26\n4 -23\n6 -22\n8 -22.5\n")
    ensemble_files.write_waves(folder / "waves.h5", Synthetic(jobs.deck(jobs.ensembles()[-1], "turbulence.modes=8")).waves(0), "L")
    (folder / "cut.h5").write_bytes((folder / "waves.h5").read_bytes()[:3000])
    _starts(folder / "starts.h5")


def _starts(path):
    import h5py
    import numpy as np

    with h5py.File(path, "w") as file:
        file["position"], file["direction"] = np.arange(30.0).reshape(10, 3), np.tile([0.0, 0.6, 0.8], (10, 1))
        file.attrs["length_unit"] = "L"


# -- what is changed -----------------------------------------------------------------------------------------


@functools.cache
def bases(problem):
    """The decks of a problem, made small: list of {section: {key: plain value}}, with the keys that stand in them."""
    found = []
    for name in library.decks():
        whole = jobs.deck(name)
        if whole.problem != problem:
            continue
        with tempfile.TemporaryDirectory() as folder:
            small = jobs.deck(jobs.small(Path(folder) / "deck.toml", name, cells=30, lanes=3, part=1e-3, pieces=1))
        given = {tuple(place.rpartition(".")[::2]) for place in whole.to_dict()["origins"]}
        found.append({section: {key: value for key, value in keys.items()
                                if value is not None and ((section, key) in given or value != whole.raw[section][key])}
                      for section, keys in small.raw.items()})
    return found


def keys_of(problem, *kinds):
    """(section, key, Key) of a problem, of some kinds of key or of all: list."""
    return [(section.name, key, kind) for section in registry.load(problem).sections for key, kind in section.keys.items()
            if not kinds or isinstance(kind, kinds)]


def text_of(document):
    """A document {section: {key: plain value}} as TOML; what is "" stands before all sections."""
    lines = [f"{word(key)} = {toml(value)}" for key, value in document.get("", {}).items()]
    for section, keys in document.items():
        if section:
            lines += ["", "[" + ".".join(map(word, section.split("."))) + "]", *(f"{word(key)} = {toml(value)}" for key, value in keys.items())]
    return "\n".join(lines) + "\n"


def put(document, section, key, value):
    """Set a value of a document."""
    document.setdefault(section, {})[key] = value


# -- values that a key may have ------------------------------------------------------------------------------


def _plain(bound, kind):
    return units.parse(bound, kind.unit) if isinstance(bound, str) else bound


@st.composite
def numbers(draw, low, high, positive=False, near=None):
    """Floats within limits: at them, over all decades between them, or within a factor of ten of `near`."""
    top = 1e12 if high is None else high
    bottom = (0.0 if positive else -top) if low is None else low
    how = draw(st.sampled_from(["near", "near", "near", "decades", "decades", "limit"] if near else ["decades", "limit"]))
    if how == "limit":
        return draw(st.sampled_from([v for v in (low, high, 0.0) if v is not None]))
    if how == "near":
        return min(max(near * 10 ** draw(st.floats(-1.0, 1.0)), bottom), top)
    largest = max(abs(bottom), abs(top)) or 1.0
    smallest = bottom if bottom > 0 else largest * 10.0 ** -draw(st.integers(1, 40))
    value = 10 ** draw(st.floats(math.log10(smallest), math.log10(largest)))
    return min(max(value if top > 0 and draw(st.integers(0, 3)) else -value, bottom), top)


@st.composite
def wholes(draw, kind, cap, near=None):
    """Whole numbers within a key's limits, of all sizes up to `cap`."""
    low, high = kind.low or 0, min(cap, 10**6 if kind.high is None else kind.high)
    if near and draw(st.booleans()):
        return min(max(near + draw(st.integers(-near, near)), low), max(low, high))
    return low + min(int(10 ** draw(st.floats(0.0, math.log10(max(high - low, 1) + 1)))) - 1, max(high - low, 0))


@st.composite
def quantities(draw, kind, near=None):
    """One value of a Number or a Quantity, plain."""
    value = float(f"{draw(numbers(_plain(kind.low, kind), _plain(kind.high, kind), kind.positive, near)):.6g}")
    return f"{value!r} {kind.unit}" if kind.unit else value


@st.composite
def valid(draw, kind, now=None, cap=10**7):
    """A plain value that a key may have, as far as the key alone can say; `now` is its value, whole numbers are at most `cap`."""
    if isinstance(kind, schema.Flag):
        return draw(st.booleans())
    if isinstance(kind, schema.Choice):
        return draw(st.sampled_from([*kind.options, *kind.aliases]))
    if isinstance(kind, schema.File):
        return draw(st.sampled_from(FILES))
    if isinstance(kind, schema.Text):
        return draw(st.sampled_from(PETSC))
    if isinstance(kind, schema.Fractions):
        parts = draw(st.dictionaries(st.sampled_from(kind.words), st.integers(0, 5), min_size=1, max_size=4))
        return {name: part / max(1, sum(parts.values())) for name, part in parts.items()}
    if isinstance(kind, schema.Integers):
        return draw(st.lists(wholes(kind, 200), max_size=6))
    if isinstance(kind, schema.Integer):
        return draw(wholes(kind, cap, now if isinstance(now, int) else None))
    if isinstance(kind, schema.Measure):
        value = float(f"{draw(numbers(None, None, kind.positive, _now(kind, now))):.6g}")
        return f"{value!r} {kind.unit}" if draw(st.integers(0, 3)) == 0 else value
    if isinstance(kind, schema.Table) and draw(st.booleans()):
        return draw(tables(kind))
    if isinstance(kind, schema.Quantities) and not (isinstance(kind, schema.Times) and draw(st.booleans())):
        return draw(lists(kind))
    return draw(quantities(kind, _now(kind, now)))


def _now(kind, now):
    """The size of a key's present value in its unit, or None."""
    try:
        value = kind.value(now)
        value = getattr(value, "value", getattr(value, "interval", getattr(value, "y", value)))
        return abs(float(value[0] if hasattr(value, "__len__") else value)) or None
    except (schema.Refused, TypeError, ValueError, IndexError):
        return None


@st.composite
def lists(draw, kind):
    """A list of quantities, mostly in order."""
    values = draw(st.lists(numbers(_plain(kind.low, kind), _plain(kind.high, kind), kind.positive), max_size=6))
    values = sorted(set(values)) if draw(st.integers(0, 4)) else values
    return [f"{v!r} {kind.unit}" if kind.unit else v for v in values]


@st.composite
def tables(draw, kind):
    """A table of two columns, mostly of equal lengths and in order."""
    x_name, y_name = kind.columns
    x = draw(st.lists(st.floats(-6.0, 8.0), max_size=5))
    x = sorted(x) if draw(st.integers(0, 4)) else x
    short = draw(st.integers(0, 9)) == 0
    y = [draw(quantities(kind)) for _ in x[short:]]
    return {x_name: [f"{10 ** v!r} GeV" for v in x], y_name: y}


# -- kinds of change: each gets draw, the problem, the document, and the largest whole number; it may return words of --set, or bytes ---------


def misspelt(draw, problem, document, cap):
    """A letter of a key or a section is wrong."""
    section, key, _ = draw(st.sampled_from(keys_of(problem)))
    whole = draw(st.booleans())
    name = section if whole else key
    at = draw(st.integers(0, len(name) - 1))
    other = draw(st.one_of(st.sampled_from(["", name[at] * 2, name[at].swapcase(), "_", "-", " ", ".", "é", "\n"]), st.text(max_size=5)))
    wrong = name[:at] + other + name[at + 1:]
    if whole:
        document[wrong] = document.pop(section, {"x": 1}) or {"x": 1}
    else:
        put(document, section, wrong, document.get(section, {}).pop(key, 1))


def wrong_type(draw, problem, document, cap):
    """Something of another type, or a number that is none."""
    section, key, _ = draw(st.sampled_from(keys_of(problem)))
    put(document, section, key, draw(st.sampled_from(ODD)))


def wrong_unit(draw, problem, document, cap):
    """A quantity in a unit of another dimension, of no meaning, or of another size."""
    section, key, kind = draw(st.sampled_from(keys_of(problem, schema.Quantity, schema.Measure, schema.Number)))
    value = f"{draw(st.sampled_from(['1', '1e3', '-2.5', '0', '.5', '1e-320', '+7', '1_0', '0x1', '1,5', '1e']))} {draw(st.sampled_from(SPOILT_UNITS))}"
    put(document, section, key, [value] if isinstance(kind, schema.Quantities) and draw(st.booleans()) else value)


def strange_text(draw, problem, document, cap):
    """Any text at all."""
    section, key, kind = draw(st.sampled_from(keys_of(problem)))
    text = draw(st.one_of(st.text(max_size=30), st.builds("{} {}".format, st.floats(), st.text(max_size=12))))
    put(document, section, key, [text] if isinstance(kind, schema.Quantities) and draw(st.booleans()) else text)


def at_bounds(draw, problem, document, cap):
    """A value at a limit, or just beyond."""
    section, key, kind = draw(st.sampled_from(keys_of(problem, schema.Number, schema.Integer, schema.Quantity)))
    limit = draw(st.sampled_from([b for b in (kind.low, kind.high, 0) if b is not None]))
    if isinstance(kind, schema.Integer):
        value = int(limit) + draw(st.sampled_from([-1, 0, 1]))
        put(document, section, key, [value] if isinstance(kind, schema.Integers) else min(value, cap) if value == kind.high else value)
        return
    value = _plain(limit, kind) * draw(st.sampled_from([1.0, 1.0, 1 - 1e-9, 1 + 1e-9, 0.5, 2.0, -1.0, 5e-324]))
    written = f"{value!r} {kind.unit}" if kind.unit else value
    put(document, section, key, [written] if isinstance(kind, schema.Quantities) else written)


def extremes(draw, problem, document, cap):
    """Numbers of any size that floating point knows, which have the right type and unit."""
    for section, key, kind in draw(st.lists(st.sampled_from(keys_of(problem, schema.Number, schema.Quantity, schema.Measure)), min_size=1, max_size=3)):
        value = draw(st.sampled_from([1.0, 1.0, 1.0, -1.0])) * 10 ** draw(st.floats(-323.0, 308.0))
        written = f"{value!r} {kind.unit}" if kind.unit and not (isinstance(kind, schema.Measure) and draw(st.booleans())) else value
        put(document, section, key, [written] if isinstance(kind, schema.Quantities) else written)


def valid_values(draw, problem, document, cap):
    """Several keys within their ranges."""
    for section, key, kind in draw(st.lists(st.sampled_from(keys_of(problem)), min_size=1, max_size=6)):
        put(document, section, key, draw(valid(kind, document.get(section, {}).get(key, kind.default), cap)))


def options(draw, problem, document, cap):
    """Any combination of options across all sections."""
    for section, key, kind in draw(st.lists(st.sampled_from(keys_of(problem, schema.Choice, schema.Flag) or keys_of(problem)), min_size=1, max_size=8)):
        put(document, section, key, draw(valid(kind, None, cap)))


def compounds(draw, problem, document, cap):
    """Lists, tables of two columns, fractions, measures."""
    kinds = schema.Quantities, schema.Table, schema.Fractions, schema.Integers, schema.Measure
    for section, key, kind in draw(st.lists(st.sampled_from(keys_of(problem, *kinds)), min_size=1, max_size=3)):
        put(document, section, key, draw(valid(kind, document.get(section, {}).get(key), cap)))
        if isinstance(kind, schema.Fractions):
            options(draw, problem, document, cap)


def axes(draw, problem, document, cap):
    """Axes that are short, turned round, or of very fine or very many cells; other sizes where there are none."""
    chosen = [entry for entry in keys_of(problem) if entry[0].startswith("axes.")] + keys_of(problem, schema.Integer)
    for section, key, kind in draw(st.lists(st.sampled_from(chosen), min_size=1, max_size=6)):
        put(document, section, key, draw(valid(kind, document.get(section, {}).get(key, kind.default), cap)))


def times(draw, problem, document, cap):
    """Ends before the first step, snapshots after the end or by the thousand; other ends where there are none."""
    spans = [entry for entry in keys_of(problem) if entry[0] in ("time", "output") or entry[1].endswith("end")]
    for section, key, kind in draw(st.lists(st.sampled_from(spans or keys_of(problem)), min_size=1, max_size=5)):
        put(document, section, key, draw(valid(kind, document.get(section, {}).get(key, kind.default), cap)))


def files(draw, problem, document, cap):
    """Files that are not there, not files, or hold something else."""
    chosen = keys_of(problem, schema.File) or keys_of(problem, schema.Text) or keys_of(problem)
    section, key, kind = draw(st.sampled_from(chosen))
    put(document, section, key, draw(valid(kind, None, cap)))
    # An option often says whether the file counts.
    for place, option, choice in keys_of(problem, schema.Choice):
        if key in choice.options or key.rpartition("_")[2] in choice.options:
            put(document, place, option, draw(valid(choice)))


def scans(draw, problem, document, cap):
    """A table [scan]."""
    table = {}
    for section, key, kind in draw(st.lists(st.sampled_from(keys_of(problem)), min_size=1, max_size=4)):
        now = document.get(section, {}).get(key, kind.default)
        column = draw(st.one_of(st.lists(valid(kind, now, cap), max_size=4), st.lists(valid(kind, now, cap), min_size=2, max_size=2),
                                st.sampled_from(ODD)))
        table[f"{section}.{key}"] = column
    for name in draw(st.lists(st.sampled_from(["groups", "together", "scan", "x.y"]), max_size=1)):
        table[name] = draw(st.one_of(st.sampled_from(ODD), st.integers(-1, 9), st.just(dict(table))))
    document["scan"] = table


def settings(draw, problem, document, cap):
    """Words after --set."""
    words = []
    for _ in range(draw(st.integers(1, 3))):
        section, key, kind = draw(st.sampled_from(keys_of(problem)))
        value = draw(st.one_of(valid(kind, None, cap).map(toml), st.sampled_from(ODD).map(toml), st.text(max_size=20)))
        place = draw(st.sampled_from([f"{section}.{key}"] * 4 + [key, section, f"scan.{section}.{key}", f"{section}.{key}.x", "problem"]))
        # A command line holds no NUL, and no text beyond Unicode.
        words.append(draw(st.sampled_from([f"{place}={value}"] * 6 + [place, value, f"{place}==", "="])).replace("\0", ""))
    return tuple(words)


def structure(draw, problem, document, cap):
    """Sections and keys in the wrong places, twice, or of another problem."""
    section, key, _ = draw(st.sampled_from(keys_of(problem)))
    how = draw(st.sampled_from(["twice", "value", "table", "top", "problem", "elsewhere", "none", "array", "quoted"]))
    if how == "twice":
        line = f"\n[{section}]\n{key} = 1\n{key} = 2\n"
        return text_of({k: v for k, v in document.items() if k != section or draw(st.booleans())}).encode() + line.encode()
    if how == "value":
        document.pop(section, None)
        put(document, "", section, draw(st.sampled_from(ODD)))
    elif how == "table":
        document[f"{section}.{key}"] = {"x": 1}
    elif how == "top":
        put(document, "", key, 1)
    elif how == "problem":
        put(document, "", "problem", draw(st.one_of(st.sampled_from([*registry.names(), *ODD]), st.text(max_size=9))))
    elif how == "elsewhere":
        put(document, draw(st.sampled_from(keys_of(problem)))[0], key, 1)
    elif how == "none":
        document.pop(draw(st.sampled_from(list(document))))
    else:
        line = f"\n[[{section}]]\n{key} = 1\n" if how == "array" else f'\n["{section}"]\n{key} = 1\n'
        return text_of({k: v for k, v in document.items() if k != section}).encode() + line.encode()
    return None


def raw_bytes(draw, problem, document, cap):
    """Bytes of the file changed, added, lost."""
    content = text_of(document).encode()
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(content)))
        few = draw(st.one_of(st.binary(max_size=4), st.sampled_from([b"\xff\xfe", b"\xef\xbb\xbf", b"\0", b"\r", b"\r\n", b"\n", b"\t", b'"', b"'''",
                                                                     b"[", b"]", b"=", b".", b"#", b"\x1b[31m", b"\xc3", b"\xed\xa0\x80", b"{", b"-", b"9"])))
        how = draw(st.sampled_from(["insert", "replace", "cut", "lose", "crlf", "bom", "double", "swap"]))
        other = draw(st.integers(0, len(content)))
        content = {"insert": content[:at] + few + content[at:], "replace": content[:at] + few + content[at + len(few):],
                   "cut": content[:at], "lose": content[:at] + content[at + draw(st.integers(1, 40)):],
                   "crlf": content.replace(b"\n", b"\r\n"), "bom": b"\xef\xbb\xbf" + content,
                   "double": content + content[at:], "swap": content[at:other] + content[:at] + content[other:]}[how]
    return content


MUTATIONS = {change.__name__.replace("_", " "): change for change in (
    misspelt, wrong_type, wrong_unit, strange_text, at_bounds, extremes, valid_values, options, compounds, axes, times, files, scans, settings, structure, raw_bytes)}
# Those that often leave a deck that runs.
RUNNABLE = tuple(kind.replace("_", " ") for kind in ("valid_values", "options", "compounds", "axes", "times", "files", "at_bounds"))


@st.composite
def cases(draw, problems=None, kinds=tuple(MUTATIONS), cap=10**7):
    """Cases of some problems and kinds of change; whole numbers, as those of cells, are at most `cap`."""
    problem = draw(st.sampled_from(problems or registry.names()))
    kind = draw(st.sampled_from(kinds))
    document = {"": {"problem": problem}} | {name: dict(keys) for name, keys in draw(st.sampled_from(bases(problem))).items() if keys}
    made = MUTATIONS[kind](draw, problem, document, cap)
    if isinstance(made, bytes):
        return Case(problem, kind, made)
    return Case(problem, kind, text_of(document).encode("utf-8", "surrogatepass"), made or ())
