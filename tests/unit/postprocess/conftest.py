"""The scripts of postprocess/ inside of this process, which spares the imports."""

import importlib
import runpy
import sys

import pytest
from figures import SCRIPTS

NAMES = [path.stem for path in SCRIPTS.glob("*.py")]


@pytest.fixture
def scripts(monkeypatch):
    """The scripts can be imported as they import each other, afresh."""
    monkeypatch.syspath_prepend(str(SCRIPTS))
    kept = {name: sys.modules.pop(name) for name in NAMES if name in sys.modules}
    yield
    if "drawing" in sys.modules:
        sys.modules["drawing"].plt.close("all")
    for name in NAMES:
        sys.modules.pop(name, None)
    sys.modules.update(kept)


@pytest.fixture
def inside(monkeypatch, capsys, scripts):
    """Run a script by its name: returns (status, stdout, stderr)."""
    def start(script, *arguments):
        monkeypatch.setattr(sys, "argv", [f"{script}.py", *map(str, arguments)])
        try:
            runpy.run_path(str(SCRIPTS / f"{script}.py"), run_name="__main__")
            status = 0
        except SystemExit as end:
            status = end.code
        return status, *capsys.readouterr()

    return start


@pytest.fixture
def load(scripts):
    """Import a script as a module, by its name."""
    return importlib.import_module
