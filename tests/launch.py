"""Starting programs on MPI ranks from a test, with a time limit, leaving nothing behind."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile

# What a test run needs, as in run/environment: root in containers, more ranks than cores, one thread a rank (Open MPI, MPICH
# alike), no lock that a dead rank could keep.
ENVIRONMENT = {
    "OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
    "OMPI_MCA_rmaps_base_oversubscribe": "1", "OMPI_MCA_hwloc_base_binding_policy": "none",
    "PRTE_MCA_rmaps_default_mapping_policy": ":oversubscribe", "PRTE_MCA_hwloc_default_binding_policy": "none",
    "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "1", "H5PY_ALWAYS_USE_MPI": "1",
    "PMIX_MCA_gds": "hash",
}
# A launcher started by a process that is itself a rank (or has initialised MPI) takes these for its own.
_INHERITED = ("OMPI_COMM_", "OMPI_UNIVERSE", "OMPI_APP_CTX", "OMPI_FIRST_RANKS", "OMPI_NUM_APP", "OMPI_MCA_ess_",
              "OMPI_MCA_orte_", "OMPI_MCA_initial_wdir", "OMPI_FILE_LOCATION", "PMIX_", "PMI_", "PRTE_LAUNCHED")


def environment(**extra):
    """The environment for a program under test: dict."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith(_INHERITED)}
    return {**clean, **ENVIRONMENT, **extra}


def command(n, code_or_args):
    """The words that run Python code (a str), or Python with arguments (a list), on `n` ranks; 0: no launcher."""
    python = [sys.executable, "-c", code_or_args] if isinstance(code_or_args, str) else \
        [sys.executable, *map(str, code_or_args)]
    return ["mpirun", "-n", str(n), *python] if n else python


def start(n, code_or_args, *, cwd=None, env=None, under=()):
    """Start a program on `n` ranks in a process group of its own: subprocess.Popen with text pipes.

    End it with `finish` or `kill`. `under` are the words of another program that shall start it.
    """
    if n and shutil.which("mpirun") is None:
        raise RuntimeError("mpirun is not on PATH: ./run/setup installs it")
    # A killed job leaves its shared memory behind; in a place of its own that can be removed.
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    scratch = tempfile.mkdtemp(prefix="hpccr-mpi-", dir=memory)
    here = {"OMPI_MCA_orte_tmpdir_base": scratch, "OMPI_MCA_btl_vader_backing_directory": scratch}
    process = subprocess.Popen([*under, *command(n, code_or_args)], cwd=cwd, env=environment(**here, **(env or {})), text=True,
                               errors="replace", stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, start_new_session=True)
    process.scratch = scratch
    return process


def finish(process, timeout=None):
    """Wait for the end: (stdout, stderr).

    Raises
    ------
    subprocess.TimeoutExpired
        The program goes on.
    """
    out, err = process.communicate(timeout=timeout)
    shutil.rmtree(process.scratch, ignore_errors=True)
    return out, err


def kill(process):
    """Kill a started program, its launcher and its ranks at once, and wait for the end: (stdout, stderr)."""
    # Ranks are in process groups of their own, so the launcher's children are killed one by one.
    for victim in [process.pid, *descendants(process.pid)]:
        for send in (os.killpg, os.kill):
            try:
                send(victim, signal.SIGKILL)
            except (ProcessLookupError, PermissionError):
                pass
    return finish(process)


def descendants(pid):
    """The processes below `pid`: list of int (empty where there is no /proc)."""
    parents = {}
    for name in os.listdir("/proc") if os.path.isdir("/proc") else ():
        try:
            with open(f"/proc/{name}/stat") as file:
                parents[int(name)] = int(file.read().rpartition(")")[2].split()[1])
        except (ValueError, OSError):
            continue
    below, front = [], [pid]
    while front:
        front = [child for child, parent in parents.items() if parent in front]
        below += front
    return below


def ranks(process):
    """The processes of the ranks of a started program: {rank: pid}; {0: its own} without a launcher."""
    if "mpirun" not in process.args:
        return {0: process.pid}
    found = {}
    for pid in descendants(process.pid):
        try:
            with open(f"/proc/{pid}/environ", "rb") as file:
                entries = file.read().split(b"\0")
        except OSError:
            continue
        found.update({int(entry.partition(b"=")[2]): pid for entry in entries if entry.startswith(b"OMPI_COMM_WORLD_RANK=")})
    return found


def alive(pid):
    """Whether a process is at work: there, and not only waiting to be forgotten."""
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def mpirun(n, code_or_args, timeout=60, *, cwd=None, env=None):
    """Run Python on `n` ranks and wait.

    Parameters
    ----------
    n : int
        Ranks; 0 runs Python without a launcher.
    code_or_args : str or list
        A program text for ``python -c``, or the arguments of python, e.g. ``["-m", "hpccr", "list"]``.
    timeout : float
        Seconds; then all processes are killed and the test fails with what they had printed.
    cwd : path-like, optional
    env : dict, optional
        Further environment variables.

    Returns
    -------
    subprocess.CompletedProcess, with returncode, stdout and stderr as text
    """
    process = start(n, code_or_args, cwd=cwd, env=env)
    try:
        out, err = finish(process, timeout)
    except subprocess.TimeoutExpired:
        out, err = kill(process)
        raise AssertionError(f"no end after {timeout} s on {n} ranks: {command(n, code_or_args)}\n"
                             f"stdout: {out[-4000:]}\nstderr: {err[-4000:]}") from None
    except BaseException:
        kill(process)
        raise
    return subprocess.CompletedProcess(process.args, process.returncode, out, err)


def succeed(n, code_or_args, timeout=60, **options):
    """As `mpirun`, and the program must end with status 0; returns its standard output."""
    done = mpirun(n, code_or_args, timeout, **options)
    assert done.returncode == 0, f"status {done.returncode} on {n} ranks\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}"
    return done.stdout
