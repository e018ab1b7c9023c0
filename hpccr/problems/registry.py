"""The problems that exist: every module of this folder that holds a Problem. Nothing is listed by hand."""

import importlib
import pkgutil

from hpccr.errors import InputError


def names():
    """The words that a deck's `problem` may take: list of str."""
    import hpccr.problems as room

    helpers = {"contract", "ensemble", "registry"}
    return sorted(m.name for m in pkgutil.iter_modules(room.__path__)
                  if m.name not in helpers and not m.name.startswith("_"))


def load(name):
    """The Problem subclass of a name.

    Raises
    ------
    InputError
        There is no such problem.
    """
    from hpccr.problems.contract import Problem

    if name not in names():
        raise InputError(f"there is no problem '{name}'", allowed=", ".join(names()))
    module = importlib.import_module(f"hpccr.problems.{name}")
    for item in vars(module).values():
        if isinstance(item, type) and issubclass(item, Problem) and item.name == name:
            return item
    raise InputError(f"hpccr/problems/{name}.py holds no Problem named '{name}'")
