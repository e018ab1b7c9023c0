"""Docstrings are contracts: shapes, units, errors and sources, of every public function.

Public are the functions of a module, and the methods and properties of its classes, whose names do not begin with an underscore.
What stands in `cli` is the text that `--help` prints.
"""

import ast

import docstrings
import pytest
from syntax import MODULES, public

each_module = pytest.mark.parametrize("module", [name for name in MODULES if name not in ("hpccr.cli", "hpccr.__main__")])


def lacking(module, rule):
    """The public functions of a module that a rule finds fault with: list of text."""
    found = [(f"{name}, line {node.lineno}", rule(module, node, owner)) for name, node, owner in public(module)]
    return [f"{place}: {fault}" for place, fault in found if fault]


@each_module
def test_everything_public_is_explained(module):
    """Modules, classes, functions, methods and properties; methods by themselves or by what they override."""
    assert ast.get_docstring(MODULES[module])
    assert not lacking(module, lambda *place: not docstrings.of(*place))
    assert all(ast.get_docstring(owner) for _, _, owner in public(module) if owner)


@each_module
def test_arrays_have_a_shape(module):
    assert not lacking(module, docstrings.without_shape)


@each_module
def test_quantities_have_a_unit(module):
    assert not lacking(module, docstrings.without_unit)


@each_module
def test_errors_are_named(module):
    """What is raised stands under Raises."""
    assert not lacking(module, docstrings.without_error)


@each_module
def test_methods_and_laws_have_a_source(module):
    """Author and year, or that it was derived."""
    assert not docstrings.without_source(module)


TRAPS = '''
"""Of a module."""
def silent(a): pass
def flat(u, v):
    """Adds up an array."""
    return u[0, 1] + v
def named(u, v):
    """u and more: array (n,) [cm]."""
    return u.shape == v.shape
def timed(t):
    """At some time."""
def picky(a):
    """A number [cm]."""
    if a:
        raise ValueError("no")
    _picky(a)
def _picky(a):
    raise InputError("no")
def careful(a):
    """A number [cm].

    Raises
    ------
    InputError, ValueError
    """
    picky(a)
    _picky(a)
if True:
    def hidden(a):
        pass
class Some:
    """Of a class."""
    async def late(self):
        pass
    class Inner:
        def deep(self):
            pass
'''


def test_the_rules_see_what_is_missing(monkeypatch):
    """On a module made for it, with functions under an `if`, in classes of classes, and `async`."""
    monkeypatch.setitem(MODULES, "hpccr.physics.trap", ast.parse(TRAPS.lstrip()))
    found = {name: node for name, node, _ in public("hpccr.physics.trap")}
    assert list(found) == ["silent", "flat", "named", "timed", "picky", "careful", "hidden", "Some.late", "Inner.deep"]
    by_name = {rule: {name for name, node in found.items() if "." not in name and name != "hidden" and rule("hpccr.physics.trap", node, None)}
               for rule in (docstrings.without_shape, docstrings.without_unit, docstrings.without_error)}
    assert by_name == {docstrings.without_shape: {"silent", "flat", "named", "timed"},
                       docstrings.without_unit: {"silent", "flat", "timed"}, docstrings.without_error: {"picky"}}
    assert docstrings.without_error("hpccr.physics.trap", found["picky"], None) == ["InputError", "ValueError"]
    assert docstrings.without_source("hpccr.physics.trap")


@pytest.mark.parametrize("text, has_shape, has_unit", [
    ("f (n,)", True, False), ("array (cells + 1, lanes) [cm2/s]", True, True), ("Alfvén speed [cm/s], of the shape of n_i", True, True),
    ("after Malkov (2015, equation 6)", False, False), ("u[j, f, i] of the deck's [scan]", False, False), ("0 in [0, 1]", False, False), ("χ [1]", False, True),
    ("lengths in units of R", False, True), ("(Malkov et al. 2013)", False, False), ("a list [a, b]", False, False)])
def test_patterns(text, has_shape, has_unit):
    assert docstrings.shape(text) == has_shape and docstrings.unit(text) == has_unit
