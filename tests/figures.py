"""Starting the scripts of postprocess/ as a user does, and what they have drawn. The fixtures are in tests/unit/postprocess."""

import subprocess
import sys
from pathlib import Path

SCRIPTS = Path(__file__).parents[1] / "postprocess"

# Runs a script, the first of the arguments, where neither MPI, PETSc nor numba can be imported.
ALONE = """
import os, runpy, sys
sys.modules.update(mpi4py=None, petsc4py=None, numba=None)
del sys.argv[0]
sys.path.insert(0, os.path.dirname(sys.argv[0]))
runpy.run_path(sys.argv[0], run_name="__main__")
"""


def draw(script, *arguments, before=()):
    """Run a script by its name: CompletedProcess."""
    command = [sys.executable, *before, str(SCRIPTS / f"{script}.py"), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=300)


def draw_alone(script, *arguments):
    """As `draw`, without MPI, PETSc and numba."""
    return draw(script, *arguments, before=("-c", ALONE))


def drawn(directory):
    """The names of the files in a directory, of which no figure is empty: sorted list."""
    assert all(path.stat().st_size > 3000 for path in directory.iterdir() if path.suffix != ".csv")
    return sorted(path.name for path in directory.iterdir())


def both(*names):
    """The files of figures: sorted list of names."""
    return sorted(f"{name}.{kind}" for name in names for kind in ("pdf", "png"))
