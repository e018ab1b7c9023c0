"""Output on 1 to 4 ranks: the same bytes whoever wrote them, readable on any number of ranks, failing together."""

import hashlib
import json

import pytest
from launch import mpirun, succeed

# The state: f(p, z) in slabs of p (rank 1 of 4 has none), g(p, z) in slabs of z, and small replicated arrays.
STATE = """
import json, sys
import numpy as np
from hpccr import parallel
from hpccr.errors import InputError, RunError
from hpccr.output import history, rundir, snapshot
from hpccr.output.checkpoint import Store
from hpccr.output.variable import Variable

comm = parallel.world()
NP, NZ = 9, 1000
full = np.random.default_rng(1).standard_normal((NP, NZ))
full[3, 5:8] = np.nan, np.inf, -0.0

def slab(n):
    cuts = {4: [0, 4, 4, 7, n]}.get(comm.size) or np.linspace(0, n, comm.size + 1).astype(int)
    return int(cuts[comm.rank]), int(cuts[comm.rank + 1])

def state():
    a, b = slab(NP)
    c, d = slab(NZ)
    return [Variable.whole("time", (), 2.5, "kyr", "time"),
            Variable.whole("p", ("p",), np.geomspace(1, 10, NP), "GeV/c", "momentum"),
            Variable("f", ("p", "z"), full[a:b], (a, 0), (NP, NZ), "cm-3", "distribution"),
            Variable("g", ("p", "z"), 2 * full[:, c:d], (0, c), (NP, NZ), "cm-3", "twice that"),
            Variable.whole("tally", ("bin",), np.arange(6), "1", "counts"),
            Variable.whole("none", ("nothing",), np.zeros(0), "1", "an empty list")]
"""

WRITE = STATE + """
import os
if comm.rank == 0:
    os.makedirs(sys.argv[1], exist_ok=True)
comm.barrier()
store = Store(sys.argv[1] + "/checkpoints", comm)
for step in (10, 20, 30):
    path = store.save(step, state(), {"t": 0.1 + 0.2, "rank": comm.rank})
snapshot.write(sys.argv[1] + "/snapshots/000003.h5", state(), {"problem": "cloud", "rank": comm.rank}, comm)
lines = history.History(sys.argv[1] + "/history.csv", [("time", "s"), ("step", "")], comm)
lines.start()
for step in range(3):
    lines.append([step / 3, step])
lines.close()
assert comm.bcast(lines.position) == lines.position
"""

READ = STATE + """
found = Store(sys.argv[1] + "/checkpoints", comm).load_latest(print)
assert found.step == 30 and found.meta == {"t": 0.1 + 0.2, "rank": 0}, found.meta
for v in state():
    back = found.read(v.name, v.start, v.data.shape)
    assert back.dtype == v.data.dtype and back.tobytes() == v.data.tobytes(), v.name
"""


def write(n, directory):
    return succeed(n, ["-c", WRITE, directory])


def digests(directory):
    return {str(path.relative_to(directory)): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(directory.rglob("*")) if path.is_file()}


def test_same_bytes_on_any_number_of_ranks(tmp_path):
    for n in (0, 1, 2, 3, 4):
        write(n, tmp_path / str(n))
    first = digests(tmp_path / "0")
    assert list(first) == ["checkpoints/00000020.h5", "checkpoints/00000030.h5", "history.csv", "snapshots/000003.h5"]
    for n in (1, 2, 3, 4):
        assert digests(tmp_path / str(n)) == first, f"{n} ranks wrote other bytes"
    write(2, tmp_path / "2")
    assert digests(tmp_path / "2") == first, "written again with the same data"


@pytest.mark.parametrize("writers, readers", [(2, 1), (2, 3), (3, 4), (4, 2), (1, 4)])
def test_read_on_another_number_of_ranks(tmp_path, writers, readers):
    write(writers, tmp_path)
    succeed(readers, ["-c", READ, tmp_path])


def test_snapshot_of_several_ranks_opens_with_xarray(tmp_path):
    xarray = pytest.importorskip("xarray")
    pytest.importorskip("h5netcdf")
    write(3, tmp_path)
    with xarray.open_dataset(tmp_path / "snapshots" / "000003.h5", engine="h5netcdf") as data:
        assert data.f.dims == ("p", "z") and data.f.units == "cm-3" and data.attrs["problem"] == "cloud"
        assert ((2 * data.f).equals(data.g)) and data.attrs["rank"] == 0


def errors(n, body, *arguments):
    """What each rank raised in `body` (after STATE): list of [kind, message]."""
    indented = "\n".join("    " + line for line in body.strip().splitlines())
    code = (f"{STATE}\nmine = None\ntry:\n{indented}\nexcept (InputError, RunError) as error:\n"
            "    mine = [type(error).__name__, str(error)]\nevery = comm.raw.gather(mine)\nif comm.rank == 0: print(json.dumps(every))")
    return json.loads(succeed(n, ["-c", code, *arguments], timeout=60))


@pytest.mark.parametrize("n", [1, 2, 4])
def test_ranks_fail_together(tmp_path, n):
    """Whatever one rank alone meets, all ranks raise the same error, and nothing is left behind."""
    (tmp_path / "file").touch()
    cases = {
        "a directory is a file": ("Store(sys.argv[1] + '/file', comm).save(1, state(), {})", "RunError"),
        "no place for the history": ("history.History(sys.argv[1], [('t', 's')], comm).start()", "RunError"),
        "the directory is taken": ("rundir.create(sys.argv[1], 'x', comm)", "InputError"),
        "no such variable": ("s = Store(sys.argv[1] + '/ok', comm); s.save(1, state(), {})\n"
                             "s.load_latest().read('h' if comm.rank == comm.size - 1 else 'f')", "InputError"),
        "a rank has other variables": ("other = state()[comm.rank // (comm.size - 1):]\n"
                                       "Store(sys.argv[1] + '/ok', comm).save(2, other, {})", "RunError"),
        "a part is missing": ("Store(sys.argv[1] + '/ok', comm).save(2, [Variable('f', ('z',), np.zeros(1), "
                              "(comm.rank,), (9,))], {})", "RunError"),
    }
    for name, (body, kind) in cases.items():
        if n == 1 and name == "a rank has other variables":
            continue
        told = errors(n, body, tmp_path)
        assert told[0] is not None and told[0][0] == kind and told == [told[0]] * n, f"{name}: {told}"
        assert not list(tmp_path.rglob("*.tmp")), name


@pytest.mark.parametrize("n", [2, 3])
def test_a_rank_that_cannot_write_stops_all(tmp_path, n):
    """An I/O error of the last rank alone, in the middle of the file, ends in one error on all ranks."""
    body = """
from hpccr.output import hdf5
store = Store(sys.argv[1] + "/ok", comm)
store.save(1, state(), {})
put = hdf5._put
def broken(h5py, dataset, variable, mine, collective):
    put(h5py, dataset, variable, mine, collective)
    if comm.rank == comm.size - 1 and variable.name.endswith("f"):
        raise OSError(5, "Input/output error")
hdf5._put = broken
store.save(2, state(), {})
"""
    told = errors(n, body, tmp_path)
    assert told == [told[0]] * n and told[0][0] == "RunError" and "Input/output error" in told[0][1]
    assert [p.name for p in (tmp_path / "ok").iterdir()] == ["00000001.h5"]


def test_serial_h5py_serves_one_rank_and_refuses_more(tmp_path):
    """Without MPI in h5py one rank works as ever; several are told so."""
    code = "import os; os.environ.pop('H5PY_ALWAYS_USE_MPI', 0); import h5py, types\n" + STATE + """
plain = h5py.get_config()
h5py.get_config = lambda: types.SimpleNamespace(mpi=False)
try:
    Store(sys.argv[1], comm).save(1, state(), {})
except InputError as error:
    print(error)
"""
    assert succeed(1, ["-c", code, tmp_path / "a"]) == "" and (tmp_path / "a" / "00000001.h5").is_file()
    told = mpirun(2, ["-c", code, tmp_path / "b"])
    assert told.returncode == 0 and told.stdout.count("built without MPI") == 2
