"""The source of hpccr as syntax trees: its modules, what they import, their functions, and which of these are public."""

import ast
from pathlib import Path

import hpccr

ROOT = Path(hpccr.__file__).parent
Function = ast.FunctionDef | ast.AsyncFunctionDef


def name_of(path):
    """The dotted name of a module of hpccr."""
    parts = path.relative_to(ROOT.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


PATHS = {name_of(path): path for path in sorted(ROOT.rglob("*.py"))}
MODULES = {name: ast.parse(path.read_text(encoding="utf-8")) for name, path in PATHS.items()}


def room(module):
    """The room of a module: the word after hpccr."""
    return module.split(".")[1] if "." in module else ""


def outer(tree):
    """The nodes that run when a module is imported: all but the bodies of functions and lambdas."""
    front = [tree]
    while front:
        node = front.pop()
        yield node
        if not isinstance(node, Function | ast.Lambda):
            front += ast.iter_child_nodes(node)


def imports(module):
    """What a module imports, anywhere and in any way: list of (name, whether while it is imported itself).

    It fails on an import that cannot be followed.
    """
    tree, found = MODULES[module], []
    first = {id(node) for node in outer(tree)}
    for node in ast.walk(tree):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module}:{node.lineno}: relative import"
            inner = [f"{node.module}.{alias.name}" for alias in node.names]
            names = [name if name in MODULES else node.module for name in inner]
            assert all(alias.asname is None for alias in node.names if alias.name == "import_module"), f"{module}:{node.lineno}: renamed"
        elif isinstance(node, ast.Call) and called(node) == "import_module":
            names = [f"{known(node.args[0], module)}"]
        elif isinstance(node, ast.Attribute) and path(node).startswith("hpccr."):
            # `import hpccr` gives whatever of it is loaded already.
            names = [name for name in MODULES if f"{path(node)}.".startswith(f"{name}.") and name != "hpccr"]
        found += [(name, id(node) in first) for name in names]
    return found


def called(node):
    """The last word of what a call calls."""
    return node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")


def path(node):
    """A chain of attributes as text: "hpccr.driver.run"; "" where it does not begin with a name."""
    if isinstance(node, ast.Attribute):
        return f"{path(node.value)}.{node.attr}" if path(node.value) else ""
    return node.id if isinstance(node, ast.Name) else ""


def known(node, module):
    """What is known of a name that is put together when the program runs: its beginning, up to a dot."""
    if isinstance(node, ast.Constant):
        return node.value
    assert isinstance(node, ast.JoinedStr), f"{module}:{node.lineno}: a module is imported whose name nothing here tells"
    begin = ""
    for part in node.values:
        if isinstance(part, ast.Constant):
            begin += part.value
        elif ast.unparse(part.value) == "__name__":
            begin += module
        else:
            break
    assert begin.endswith("."), f"{module}:{node.lineno}: a module is imported whose name nothing here tells"
    return begin[:-1]


def functions(tree):
    """(name, node, whether a method) of all functions: nested ones, methods and lambdas too."""
    methods = {id(part) for node in ast.walk(tree) if isinstance(node, ast.ClassDef) for part in node.body}
    return [(getattr(node, "name", "lambda"), node, id(node) in methods)
            for node in ast.walk(tree) if isinstance(node, Function | ast.Lambda)]


def arguments(node, method=False):
    """The names of a function's arguments, but for the object or class of a method."""
    args = node.args
    named = [a.arg for a in (*args.posonlyargs, *args.args, *args.kwonlyargs)]
    if method and "staticmethod" not in marks(node):
        named = named[1:]
    return named + [a.arg for a in (args.vararg, args.kwarg) if a]


def marks(node):
    """The names of a function's decorators."""
    return {path(d.func if isinstance(d, ast.Call) else d) for d in getattr(node, "decorator_list", ())}


def public(module):
    """The functions, and the methods and properties of classes, whose names do not begin with an underscore: (name, node, class or None)."""
    return list(_public(MODULES[module], None))


def _public(tree, owner):
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, Function | ast.ClassDef):
            if node.name.startswith("_"):
                continue
            if isinstance(node, ast.ClassDef):
                yield from _public(node, node)
            else:
                yield (f"{owner.name}.{node.name}" if owner else node.name), node, owner
        else:
            yield from _public(node, owner)     # whatever `if` or `try` they stand in
