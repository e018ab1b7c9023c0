"""What all tests share; `tests/launch.py` starts programs on MPI ranks."""

import os
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from launch import ENVIRONMENT  # noqa: E402

os.environ.update({key: value for key, value in ENVIRONMENT.items() if key not in os.environ})


@pytest.fixture(scope="session")
def solo():
    """The communicator of this process alone."""
    from hpccr.parallel import world

    comm = world()
    assert comm.size == 1, "start pytest without mpirun; the tests start their own ranks"
    return comm
