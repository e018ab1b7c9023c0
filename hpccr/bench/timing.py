"""How the benchmarks measure: the shortest of several calls, and processes of their own for other numbers of ranks and fresh memory."""

import json
import os
import shutil
import subprocess
import sys
import time

from hpccr.errors import RunError


def child(module, ranks, what, shared=False):
    """The JSON that `work(what)` of a module prints, in a process of its own.

    Parameters
    ----------
    module : str
    ranks : int
        0 and 1: without a launcher.
    what : str
    shared : bool
        Whether there may be more ranks than cores.

    Raises
    ------
    RunError
        The process failed.
    """
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "OMPI_ALLOW_RUN_AS_ROOT": "1",
                   "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1", "OMPI_MCA_hwloc_base_binding_policy": "none"}
    if shared:
        environment |= {"OMPI_MCA_rmaps_base_oversubscribe": "1", "PRTE_MCA_rmaps_default_mapping_policy": ":oversubscribe"}
        if ranks > os.cpu_count():
            environment["OMPI_MCA_mpi_yield_when_idle"] = "1"
    command = [sys.executable, "-c", f"from {module} import work; work({what!r})"]
    if ranks > 1:
        command = [shutil.which("mpirun") or "mpirun", "-n", str(ranks), *command]
    print(f"bench {module.rpartition('.')[2]}: {what} on {max(ranks, 1)} rank{'s' if ranks > 1 else ''}", file=sys.stderr)
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=7200 if shared else 1800)
    if done.returncode:
        raise RunError(f"{' '.join(command)}: {done.stderr[-2000:]}")
    return json.loads(done.stdout.strip().splitlines()[-1])


def best(function, before=lambda: None, repeats=14):
    """The shortest time of a call [s], after one that does not count; `before()` goes before each."""
    times = []
    for _ in range(repeats + 1):
        before()
        began = time.perf_counter()
        function()
        times.append(time.perf_counter() - began)
    return min(times[1:])
