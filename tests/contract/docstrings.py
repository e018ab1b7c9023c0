"""What docstrings say, found by patterns, and what the code below them asks for: shapes, units, errors, sources.

Good to a few per cent, as patterns are.
"""

import ast
import functools
import importlib
import inspect
import re

from syntax import MODULES, Function, arguments, called, marks, path, public

_TERM = r"[\w'′…()]+(?: ?[-+−*/] ?[\w'′()]+)*(?: of this rank)?"
# (n,), (cells + 1, lanes), (…, 3); or words that stand for a shape.
_SHAPE = re.compile(rf"\({_TERM},(?: ?{_TERM}(?:, ?{_TERM})*)?\)|\bshape\b|\barrays? (?:like|as) \w|\bbroadcast")
_NUMBER = re.compile(r"\b(?:floats?|number)\b")
_YEAR = re.compile(r"\b(?:1[89]|20)\d\d\b")
_UNITS = set("cm km pc kpc Mpc s yr kyr Myr g Msun m_p erg eV GeV TeV K G rad degrees sr l v ν Ω L L_c r_g B_ref B0 Γ W₀ unit time number "
             "wavelength radian".split())
_BRACKET = re.compile(r"(?<![\w\])])\[([^\[\]=\"]+)\]")
_UNIT = re.compile(r"\b[Ii]n (?:units? of|the unit|any unit|parts? of|(?:cm|km|pc|s|yr|kyr|Myr|g|erg|eV|GeV|TeV|K|G|rad|L|R|ms|bytes)\b)"
                   r"|\b[Ss]econds\b|\b[Pp]ure number")
# Methods that go by a name have an author and a year.
_METHOD = re.compile(r"Runge-Kutta|Rosenbrock|HLLC|van Leer|minmod|Thomas|\bBoris\b|Philox|GMRES|Gauss rule")
_DERIVED = re.compile(r"\b(?:by hand|derived|identit(?:y|ies)|whoever reads)\b")
# Attributes that only arrays have, and functions of numpy that return nothing but arrays.
_ARRAY = {"shape", "ndim", "dtype", "T", "reshape", "ravel", "astype"}
_MAKES = {"empty", "zeros", "ones", "full", "array", "stack", "concatenate", "column_stack", "linspace", "geomspace", "arange",
          "ascontiguousarray", "outer", "diff", "cumsum"}
# Arguments that stand for a quantity with a dimension, wherever they appear.
_DIMENSIONAL = {"t", "dt", "t_stop", "T", "B", "E", "rho", "walltime", "timeout"}


# -- what a text says --------------------------------------------------------------------------------------------


def shape(text):
    """Whether a docstring gives a shape."""
    return any(not _YEAR.search(found.group()) for found in _SHAPE.finditer(text))


def unit(text):
    """Whether a docstring gives a unit: in brackets, or in words."""
    inside = _BRACKET.findall(text)
    return bool(_UNIT.search(text)) or "1" in inside or any(_UNITS & set(re.findall(r"[^\W\d]+", inner)) for inner in inside)


def section(text, title):
    """The text of a section of a docstring, "" if there is none."""
    found = re.search(rf"^{title}\n-+\n(.*?)(?=^\w[^\n]*\n-+\n|\Z)", text, re.MULTILINE | re.DOTALL)
    return found.group(1) if found else ""


@functools.cache
def of(module, node, owner):
    """The docstring of a public function, its own or that of the method which it overrides: str."""
    own = ast.get_docstring(node)
    if own or owner is None or not owner.bases:
        return own or ""
    return inspect.getdoc(getattr(getattr(importlib.import_module(module), owner.name), node.name)) or ""


def context(module, text, owner):
    """A docstring with those that it builds on: of its class, its module, and of what it names in `…`."""
    beside = _beside(module)
    named = [beside.get(word.rpartition(".")[2], "") for word in re.findall(r"`([\w.]+)`", text)]
    above = [ast.get_docstring(node) or "" for node in (MODULES[module], owner) if node]
    return "\n".join([text, *above, *named])


@functools.cache
def _beside(module):
    """The docstrings of a module by the last word of the function's name: dict."""
    return {name.rpartition(".")[2]: of(module, node, owner) for name, node, owner in public(module)}


# -- what the code asks for --------------------------------------------------------------------------------------


def arrays(node, owner):
    """The arguments that a function handles as arrays, as far as syntax tells: set of names."""
    names, compiled, found = set(arguments(node, owner is not None)), "kernel" in marks(node), set()
    for inner in ast.walk(node):
        if isinstance(inner, ast.Attribute) and inner.attr in _ARRAY:
            found.add(path(inner.value))
        elif isinstance(inner, ast.Subscript) and (compiled or isinstance(inner.slice, ast.Tuple)):
            found.add(path(inner.value))
    return found & names


def makes_array(node):
    """Whether a function returns what numpy has made an array in the same line."""
    made = (inner.value for inner in ast.walk(node) if isinstance(inner, ast.Return) and isinstance(inner.value, ast.Call))
    return any(path(call.func).startswith("np.") and called(call) in _MAKES for call in made)


def raised(module, node):
    """The exceptions that a function raises: set of names.

    Its own, and hpccr's in helpers of its module whose names begin with an underscore, for it may catch others there.
    NotImplementedError marks what a subclass fills in, and does not count.
    """
    helpers = {inner.name: inner for inner in ast.walk(MODULES[module]) if isinstance(inner, Function) and inner.name.startswith("_")}
    found, front, seen = set(), [node], {node.name}
    while front:
        now = front.pop()
        errors, calls = _raises(now)
        found |= errors if now is node else errors & {"InputError", "RunError"}
        front += [helpers[name] for name in calls & helpers.keys() - seen]
        seen |= calls
    return found - {"NotImplementedError"}


def _raises(node):
    """What a function itself raises, and what it calls, functions inside it left out: two sets of names."""
    errors, calls, front = set(), set(), list(ast.iter_child_nodes(node))
    while front:
        inner = front.pop()
        if isinstance(inner, Function | ast.Lambda | ast.ClassDef):
            continue
        front += ast.iter_child_nodes(inner)
        if isinstance(inner, ast.Raise) and isinstance(inner.exc, ast.Call):
            # deck.refuse(…) and the like make an InputError.
            errors.add(called(inner.exc) if called(inner.exc)[:1].isupper() else "InputError")
        elif isinstance(inner, ast.Call):
            calls.add(called(inner))
    return errors, calls


# -- what is missing ---------------------------------------------------------------------------------------------


def without_shape(module, node, owner):
    """What of a function's arrays has no shape in its docstring, or no word: str, "" if nothing.

    A docstring that speaks of an array gives a shape. Arrays among the arguments are named there, or where the layout of a whole class
    or module is told. A law of physics says of what shape its result is, or that it is a number.
    """
    text = of(module, node, owner)
    given, around = arrays(node, owner), context(module, text, owner)
    if re.search(r"\barrays?\b", text) and not shape(text):
        return "an array without a shape"
    if (given or makes_array(node)) and not (shape(around) or _NUMBER.search(text)):
        return "handles arrays, and gives no shape"
    unnamed = sorted(name for name in given if not re.search(rf"(?<!\w){re.escape(name)}(?!\w)", around))
    if unnamed:
        return f"nothing on the arrays {', '.join(unnamed)}"
    if module.startswith("hpccr.physics.") and arguments(node, owner is not None) and not (shape(text) or _NUMBER.search(text)):
        return "neither a shape nor that it is a number"
    return ""


def without_unit(module, node, owner):
    """Whether a function misses a unit: every law of physics gives one, "[1]" too; others where an argument has a dimension."""
    text = of(module, node, owner)
    if module.startswith("hpccr.physics."):
        return not unit(text)
    return bool(_DIMENSIONAL & set(arguments(node, owner is not None))) and not unit(context(module, text, owner))


def without_error(module, node, owner):
    """The exceptions that a function raises and whose names its section Raises does not have: list."""
    told = section(of(module, node, owner), "Raises")
    return sorted(name for name in raised(module, node) if not re.search(rf"\b{name}\b", told))


def without_source(module):
    """Whether a module of physics, or with a method that goes by a name, tells neither author and year nor that it was derived."""
    tree = MODULES[module]
    text = "\n".join(ast.get_docstring(node) or "" for node in ast.walk(tree) if isinstance(node, Function | ast.Module | ast.ClassDef))
    asked = module.startswith("hpccr.physics.") or bool(_METHOD.search(text))
    return asked and not (_YEAR.search(text) or _DERIVED.search(text))
