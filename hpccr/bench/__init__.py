"""The project's own benchmarks: ratios of things timed in one run, since machines differ and drift.

Every module of this folder with a function `measure` is a benchmark; its name is the word after `hpccr bench`. What it returns is a list of
rows {"name", "value", "unit", "wanted"}, or a dict with such "rows" and with what else there is for `--json`.
"""

import importlib
import json
import pkgutil

from hpccr.errors import InputError


def names():
    """The benchmarks that exist: list of str."""
    found = [m.name for m in pkgutil.iter_modules(__path__)]
    return [name for name in found if hasattr(importlib.import_module(f"{__name__}.{name}"), "measure")]


def run(name=None, as_json=False):
    """Run one benchmark, or all, and print what it found.

    Raises
    ------
    InputError
        There is no such benchmark.
    """
    if name is not None and name not in names():
        from hpccr.deck.messages import nearest

        raise InputError("there is no such benchmark", given=name, allowed=", ".join(names()), nearest=nearest(name, names()))
    results = {each: importlib.import_module(f"{__name__}.{each}").measure() for each in ([name] if name else names())}
    if as_json:
        print(json.dumps(results, indent=2))
        return 0
    for each, result in results.items():
        print(each)
        rows = result["rows"] if isinstance(result, dict) else result
        for row in rows:
            print(f"  {row['name']:<52} {row['value']:>10.4g}  {row['unit']:<14} {row.get('wanted', '')}")
    return 0
