"""The rules of the house, read from the source: which room imports which, what an import does, how long things are."""

import ast
import re
import subprocess
import sys

import pytest
from syntax import MODULES, PATHS, ROOT, Function, arguments, called, functions, imports, marks, room

# From the ground up: a room may import from those before it. What is not here stands on all of them.
LADDER = ["errors", "signals", "units", "parallel", "jit", "physics", "deck", "grid", "particles", "operators", "steppers", "output", "problems",
          "driver", "bench", "reference", "cli", "__main__"]
# Where each of these libraries may be imported, and only inside functions.
HOMES = {"mpi4py": {"parallel"}, "petsc4py": {"grid", "operators", "steppers", "bench"}, "h5py": {"output"},
         "astropy": {"units"}, "numba": {"jit"}}
# Imported inside functions too, in any room.
LATE = {*HOMES, "scipy", "xarray", "matplotlib"}
each_module = pytest.mark.parametrize("module", MODULES)


# -- who imports whom --------------------------------------------------------------------------------------------


def test_every_room_is_on_the_ladder():
    assert {room(module) for module in MODULES} - {""} <= set(LADDER)


def upward(module):
    """What a module imports from rooms above its own: list of names."""
    height = {name: number for number, name in enumerate(LADDER)}
    return [name for name, _ in imports(module) if name.startswith("hpccr.") and not (
        room(module) and height[room(name)] <= height[room(module)])]


def circle():
    """Modules that import each other in a circle: list of names, empty where there is none."""
    below, done = {m: {n for n, _ in imports(m) if n in MODULES and n != m} for m in MODULES}, set()

    def visit(module, path):
        if module in path:
            return [*path, module]
        if module not in done:
            for other in sorted(below[module]):
                if found := visit(other, [*path, module]):
                    return found
            done.add(module)
        return []

    return next(filter(None, (visit(module, []) for module in MODULES)), [])


def astray(module):
    """Libraries that a module imports away from their homes, or while it is imported itself: list of text."""
    found = []
    for name, first in imports(module):
        library = name.split(".")[0]
        if library in HOMES and room(module) not in HOMES[library]:
            found.append(f"{name} in the room {room(module)}")
        if library in LATE and first:
            found.append(f"{name} outside of a function")
    return found


@each_module
def test_imports_go_down_the_ladder(module):
    assert not upward(module)


def test_no_circle_of_imports():
    assert not circle()


@each_module
def test_libraries_stay_at_home(module):
    assert not astray(module)


@each_module
def test_only_what_is_declared_is_imported(module):
    """The standard library, and the dependencies of pyproject.toml."""
    declared = set(re.findall(r'^ +"([A-Za-z0-9_-]+)[><=]', (ROOT.parent / "pyproject.toml").read_text(), re.MULTILINE))
    libraries = {name.split(".")[0] for name, _ in imports(module)} - {"hpccr"}
    assert libraries <= set(sys.stdlib_module_names) | declared


def test_imports_touch_neither_mpi_nor_files(tmp_path):
    """In a fresh interpreter: no MPI, PETSc, HDF5, astropy or numba is loaded, and nothing is written."""
    code = ("import importlib, sys\n" + "".join(f"importlib.import_module({m!r})\n" for m in MODULES if m != "hpccr.__main__")
            + "print(*(m for m in ('mpi4py', 'mpi4py.MPI', 'petsc4py', 'petsc4py.PETSc', 'h5py', 'astropy', 'numba', 'scipy', 'xarray')"
              " if m in sys.modules))")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == [] and not list(tmp_path.iterdir())


# -- what does not occur -----------------------------------------------------------------------------------------


def forbidden(module):
    """Code from data, and names from nowhere: list of (what, line)."""
    found = []
    for node in ast.walk(MODULES[module]):
        if isinstance(node, ast.Name) and node.id in ("eval", "exec", "compile", "__import__", "__builtins__"):
            found.append((node.id, node.lineno))
        if isinstance(node, ast.Call) and called(node) in ("load", "save") and any(k.arg == "allow_pickle" for k in node.keywords):
            found.append(("allow_pickle", node.lineno))
        if isinstance(node, ast.ImportFrom) and any(alias.name == "*" for alias in node.names):
            found.append(("import *", node.lineno))
    return found + [(name, 0) for name, _ in imports(module)
                    if name.split(".")[0] in ("pickle", "marshal", "shelve", "dill", "cloudpickle", "builtins", "runpy")]


@each_module
def test_no_code_from_data_and_no_star(module):
    """No pickle, no eval or exec of text, no star imports."""
    assert not forbidden(module)


# -- how long things are -----------------------------------------------------------------------------------------


def oversized(tree, lines):
    """Modules of more than 400 lines or 12 public names, functions of more than 60 lines or, outside kernels, 7 arguments; lines that hold
    more than one statement or 160 characters: list of text."""
    public = sum(isinstance(node, Function | ast.ClassDef) and not node.name.startswith("_") for node in tree.body)
    found = [f"{len(lines)} lines"] * (len(lines) > 400) + [f"{public} public names"] * (public > 12)
    found += [f"line {number}: {len(line)} characters" for number, line in enumerate(lines, 1) if len(line) > 160]
    for name, node, method in functions(tree):
        length, many = node.end_lineno - node.lineno + 1, len(arguments(node, method))
        if length > 60:
            found.append(f"{name}: {length} lines")
        if many > 7 and "kernel" not in marks(node):
            found.append(f"{name}: {many} arguments")
    for node in ast.walk(tree):
        for body in (getattr(node, part, None) for part in ("body", "orelse", "finalbody")):
            first = [part.lineno for part in body] if isinstance(body, list) else []
            found += [f"line {number}: {first.count(number)} statements" for number in set(first) if first.count(number) > 1]
    return found


@each_module
def test_nothing_is_too_long(module):
    assert not oversized(MODULES[module], PATHS[module].read_text(encoding="utf-8").splitlines())


# -- that the rules cannot be fooled ------------------------------------------------------------------------------


@pytest.mark.parametrize("text, name, first", [
    ("import petsc4py", "petsc4py", True),
    ("from petsc4py import PETSc", "petsc4py", True),
    ("import petsc4py.PETSc as P", "petsc4py.PETSc", True),
    ("if True:\n    import mpi4py", "mpi4py", True),
    ("try:\n    import mpi4py\nexcept ImportError:\n    mpi4py = None", "mpi4py", True),
    ("class Some:\n    import mpi4py", "mpi4py", True),
    ("def f():\n    def g():\n        import h5py", "h5py", False),
    ("async def f():\n    import h5py", "h5py", False),
    ("import importlib\nimportlib.import_module('h5py')", "h5py", True),
    ("from importlib import import_module as load\nload('h5py')", None, True),
    ("from importlib import import_module\nf = lambda: import_module('h5py')", "h5py", False),
    ("import importlib\nimportlib.import_module(f'hpccr.driver.{x}')", "hpccr.driver", True),
    ("from hpccr import driver", "hpccr.driver", True),
    ("from hpccr.driver import run", "hpccr.driver", True),
    ("import hpccr.driver", "hpccr.driver", True),
    ("import hpccr\ndef f():\n    hpccr.driver.run()", "hpccr.driver", False)])
def test_every_way_of_importing_is_seen(monkeypatch, text, name, first):
    monkeypatch.setitem(MODULES, "hpccr.errors", ast.parse(text))
    if name is None:
        with pytest.raises(AssertionError):
            imports("hpccr.errors")
        return
    assert (name, first) in imports("hpccr.errors")
    assert astray("hpccr.errors") or upward("hpccr.errors")


@pytest.mark.parametrize("text", ["from . import units", "from importlib import import_module\nimport_module(x)",
                                  "import importlib\nimportlib.import_module('' + x)"])
def test_imports_that_cannot_be_followed_are_refused(monkeypatch, text):
    monkeypatch.setitem(MODULES, "hpccr.errors", ast.parse(text))
    with pytest.raises(AssertionError):
        imports("hpccr.errors")


def test_circles_are_seen(monkeypatch):
    """Of two modules that each import the other inside a function only."""
    monkeypatch.setitem(MODULES, "hpccr.errors", ast.parse("def f():\n    from hpccr import units"))
    monkeypatch.setitem(MODULES, "hpccr.units", ast.parse("def f():\n    import hpccr.errors"))
    assert circle()[-3:] in (["hpccr.errors", "hpccr.units", "hpccr.errors"], ["hpccr.units", "hpccr.errors", "hpccr.units"])


@pytest.mark.parametrize("text", ["exec('1')", "run = eval", "from os import *", "import pickle", "def f():\n    from pickle import loads",
                                  "import builtins\nbuiltins.exec('1')", "import numpy as np\nnp.load('a', allow_pickle=True)"])
def test_code_from_data_is_seen(monkeypatch, text):
    monkeypatch.setitem(MODULES, "hpccr.errors", ast.parse(text))
    assert forbidden("hpccr.errors")


LONG = "\n".join(["    pass"] * 60)
MANY = ", ".join("abcdefgh")


@pytest.mark.parametrize("text", [
    f"def f():\n{LONG}", f"async def f():\n{LONG}", "class A:\n  def f(self):\n" + LONG, f"if x:\n  def f():\n{LONG}",
    f"def f({MANY}): pass", f"f = lambda {MANY}: 0", "def f(a, b, c, d, /, e, f, *, g, h): pass", "def f(a, b, c, d, e, f, *g, **h): pass",
    f"class A:\n    @staticmethod\n    def f({MANY}): pass", f"def outer():\n    def f({MANY}): pass", "a = 1; b = 2",
    "if x:\n    a = 1; b = 2", "x = " + "1" * 160, "\n".join(f"def f{n}(): pass" for n in range(13))])
def test_sizes_are_seen(text):
    assert oversized(ast.parse(text), text.splitlines())


@pytest.mark.parametrize("text", ["class A:\n    def f(self, a, b, c, d, e, f, g): pass",
                                  f"@kernel(inline='always')\ndef f({MANY}): pass", "def f():\n" + LONG[:-9]])
def test_sizes_allowed(text):
    assert not oversized(ast.parse(text), text.splitlines())

