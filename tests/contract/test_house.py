"""The rules of the house, read from the source: which room imports which, what an import does, how long things are."""

import ast
import importlib
import inspect
import subprocess
import sys
from pathlib import Path

import pytest

import hpccr
from hpccr.problems import registry

ROOT = Path(hpccr.__file__).parent
# From the ground up: a room may import from those before it. What is not here stands on all of them.
LADDER = ["errors", "units", "jit", "parallel", "physics", "deck", "grid", "particles", "operators", "steppers", "output", "problems",
          "driver", "bench", "cli", "__main__"]
# Where each of these libraries may be imported, and only inside functions.
HOMES = {"mpi4py": {"parallel"}, "petsc4py": {"grid", "operators", "steppers", "bench"}, "h5py": {"output"},
         "astropy": {"units"}, "numba": {"jit"}}


def name_of(path):
    parts = path.relative_to(ROOT.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {name_of(path): ast.parse(path.read_text(encoding="utf-8")) for path in sorted(ROOT.rglob("*.py"))}
each_module = pytest.mark.parametrize("module", MODULES)


def room(module):
    return module.split(".")[1] if "." in module else ""


def imports(module):
    """What a module imports, anywhere: list of (name, whether at its top)."""
    tree, found = MODULES[module], []
    for node in ast.walk(tree):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module}: relative import"
            inner = [f"{node.module}.{alias.name}" for alias in node.names]
            names = [name if name in MODULES else node.module for name in inner]
        found += [(name, node in tree.body) for name in names]
    return found


def functions(module):
    """(name, node) of all functions and methods."""
    return [(node.name, node) for node in ast.walk(MODULES[module]) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]


def test_every_room_is_on_the_ladder():
    assert {room(module) for module in MODULES} - {""} <= set(LADDER)


@each_module
def test_imports_go_down_the_ladder(module):
    height = {name: number for number, name in enumerate(LADDER)}
    for name, _ in imports(module):
        if name.startswith("hpccr."):
            assert room(module) and height[room(name)] <= height[room(module)], f"{module} imports {name}"


def test_no_circle_of_imports():
    below, done = {m: {n for n, _ in imports(m) if n in MODULES and n != m} for m in MODULES}, set()

    def visit(module, path):
        assert module not in path, " -> ".join([*path, module])
        if module not in done:
            for other in sorted(below[module]):
                visit(other, [*path, module])
            done.add(module)

    for module in MODULES:
        visit(module, [])


@each_module
def test_libraries_stay_at_home(module):
    for name, top in imports(module):
        library = name.split(".")[0]
        if library in HOMES:
            assert room(module) in HOMES[library], f"{module} imports {name}"
            assert not top, f"{module} imports {name} when it is imported itself"


def test_imports_touch_neither_mpi_nor_files(tmp_path):
    """In a fresh interpreter: no MPI, PETSc, HDF5, astropy or numba is loaded, and nothing is written."""
    code = ("import importlib, sys\n" + "".join(f"importlib.import_module({m!r})\n" for m in MODULES if m != "hpccr.__main__")
            + "print(*(m for m in ('mpi4py', 'mpi4py.MPI', 'petsc4py', 'petsc4py.PETSc', 'h5py', 'astropy', 'numba', 'scipy', 'xarray')"
              " if m in sys.modules))")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == [] and not list(tmp_path.iterdir())


@each_module
def test_no_code_from_data_and_no_star(module):
    """No pickle, no eval or exec of text, no star imports."""
    for node in ast.walk(MODULES[module]):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            assert node.func.id not in ("eval", "exec", "compile", "__import__"), f"{module}:{node.lineno}"
        if isinstance(node, ast.ImportFrom):
            assert all(alias.name != "*" for alias in node.names), f"{module}:{node.lineno}"
    assert not {name.split(".")[0] for name, _ in imports(module)} & {"pickle", "marshal", "shelve", "dill", "cloudpickle"}


@each_module
def test_nothing_is_too_long(module):
    """Modules of 400 lines, functions of 60, 7 arguments outside kernels."""
    lines = Path(ROOT.parent, *module.split(".")).with_suffix(".py")
    lines = (lines if lines.is_file() else ROOT.parent.joinpath(*module.split("."), "__init__.py")).read_text().splitlines()
    assert len(lines) <= 400, f"{module}: {len(lines)} lines"
    for name, node in functions(module):
        assert node.end_lineno - node.lineno < 60, f"{module}.{name}: {node.end_lineno - node.lineno + 1} lines"
        arguments = [a.arg for a in node.args.posonlyargs + node.args.args + node.args.kwonlyargs if a.arg not in ("self", "cls")]
        marks = {getattr(d.func if isinstance(d, ast.Call) else d, "id", "") for d in node.decorator_list}
        assert len(arguments) <= 7 or "kernel" in marks or "kernels" in module, f"{module}.{name}: {len(arguments)} arguments"


@each_module
def test_what_is_public_is_explained(module):
    """A docstring on each module, and on each public class, function, method and property, its own or inherited."""
    assert ast.get_docstring(MODULES[module]) or module.endswith("__main__"), module
    if module.endswith("__main__"):
        return
    loaded = importlib.import_module(module)
    for name, item in vars(loaded).items():
        if name.startswith("_") or getattr(item, "__module__", None) != module:
            continue
        if callable(item) and not isinstance(item, type):
            assert inspect.getdoc(item), f"{module}.{name}"
        if isinstance(item, type):
            assert inspect.getdoc(item), f"{module}.{name}"
            for part, value in vars(item).items():
                if not part.startswith("_") and (inspect.isfunction(value) or isinstance(value, property | classmethod | staticmethod)):
                    assert inspect.getdoc(getattr(item, part)), f"{module}.{name}.{part}"


@pytest.mark.parametrize("name", registry.names())
def test_every_problem_states_its_truth(name):
    problem = registry.load(name)
    assert problem.name == name and problem.summary and problem.truth and problem.reproduces and problem.sections
    assert "\n" not in problem.summary + problem.reproduces + problem.truth
