"""Checkpoints under damage, full disks, closed directories and sudden death: never a wrong state, never a hang."""

import os
import random
import re
import shutil
import time
from pathlib import Path

import numpy as np
import pytest
from jobs import small_disk
from launch import kill, mpirun, start, succeed

from hpccr.errors import InputError, RunError
from hpccr.output import checkpoint, description, rundir
from hpccr.output.checkpoint import Store
from hpccr.output.variable import Variable

VALUES = np.random.default_rng(5).standard_normal(20_000)


@pytest.fixture
def store(tmp_path, solo):
    """Two checkpoints, of steps 1 and 2."""
    store = Store(tmp_path / "checkpoints", solo)
    for step in (1, 2):
        store.save(step, [Variable.whole("x", ("i",), VALUES + step)], {"step": step, "t": 0.1})
    return store


def falls_back(store, words):
    """The newest is refused with these words and the one before it is whole."""
    warnings = []
    found = store.load_latest(warnings.append)
    assert found.step == 1 and found.read("x").tobytes() == (VALUES + 1).tobytes()
    assert len(warnings) == 1 and words in warnings[0] and "00000002.h5" in warnings[0]


def test_every_flipped_bit_is_found(store):
    """200 random bits of the whole file, and every bit of the text in front of it."""
    path, random_ = store.path(2), random.Random(11)
    whole = path.read_bytes()
    places = [(random_.randrange(len(whole)), random_.randrange(8)) for _ in range(200)]
    places += [(byte, bit) for byte in range(512) for bit in (0, 3, 7)]
    for byte, bit in places:
        broken = bytearray(whole)
        broken[byte] ^= 1 << bit
        path.write_bytes(broken)
        assert checkpoint.check(path) is not None, f"bit {bit} of byte {byte} was not noticed"
    falls_back(store, "is not used")


def test_every_truncation_is_found(store):
    path, random_ = store.path(2), random.Random(12)
    whole = path.read_bytes()
    for size in [1, 17, 511, 512, 513, len(whole) - 1, *(random_.randrange(len(whole)) for _ in range(50))]:
        path.write_bytes(whole[:size])
        assert checkpoint.check(path) is not None, f"{size} of {len(whole)} bytes pass for whole"
    falls_back(store, "truncated")
    path.write_bytes(whole + b"\0")
    falls_back(store, f"{len(whole) + 1} of {len(whole)} bytes")
    path.write_bytes(b"")
    falls_back(store, "empty")


def test_swapped_blocks_are_found(store, monkeypatch):
    """Blocks that are whole but in the wrong place."""
    monkeypatch.setattr(checkpoint, "_BLOCK", 4096)
    for step in (1, 2):
        store.save(step, [Variable.whole("x", ("i",), VALUES + step)], {})
    path = store.path(2)
    content = bytearray(path.read_bytes())
    a, b = slice(512 + 5 * 4096, 512 + 6 * 4096), slice(512 + 9 * 4096, 512 + 10 * 4096)
    content[a], content[b] = content[b], content[a]
    path.write_bytes(content)
    falls_back(store, "damaged")


def test_foreign_files_are_not_used(store):
    import h5py

    with h5py.File(store.path(2), "w") as file:
        file["x"] = VALUES
    falls_back(store, "not an hpccr checkpoint")
    store.path(2).write_text("step = 2\n" * 1000)
    falls_back(store, "not an hpccr checkpoint")
    store.path(2).unlink()
    store.path(2).mkdir()
    falls_back(store, "Is a directory")


def test_newer_format_is_refused(store, monkeypatch):
    monkeypatch.setattr(checkpoint, "FORMAT", checkpoint.FORMAT + 1)
    store.save(3, [Variable.whole("x", ("i",), VALUES)], {})
    monkeypatch.undo()
    with pytest.raises(InputError, match="newer hpccr"):
        store.load_latest()


def test_none_valid_is_told_with_all_reasons(store):
    store.path(1).write_bytes(b"")
    store.path(2).write_bytes(store.path(2).read_bytes()[:-5])
    with pytest.raises(InputError) as told:
        store.load_latest()
    assert "00000001.h5: it is empty" in str(told.value) and "00000002.h5: it is truncated" in str(told.value)


DAMAGED = """
import sys
from hpccr import parallel
from hpccr.output.checkpoint import Store
comm = parallel.world()
warnings = []
found = Store(sys.argv[1], comm).load_latest(warnings.append)
assert found.step == 1 and len(warnings) == 1, warnings
comm.barrier()
"""


@pytest.mark.parametrize("n", [1, 2, 3, 4])
def test_damage_is_found_on_any_number_of_ranks(tmp_path, solo, n):
    """One bit in the last of several blocks, which one rank alone looks at."""
    store = Store(tmp_path, solo)
    for step in (1, 2):
        store.save(step, [Variable.whole("x", ("i",), np.resize(VALUES, 2_200_000))], {})
    content = bytearray(store.path(2).read_bytes())
    assert len(content) > 4 * checkpoint._BLOCK
    content[-100] ^= 4
    store.path(2).write_bytes(content)
    succeed(n, ["-c", DAMAGED, tmp_path])


@pytest.fixture
def disk(tmp_path):
    """A file system of 4 MiB."""
    with small_disk(tmp_path / "small", 4096) as place:
        if place is None:
            pytest.skip("a small tmpfs cannot be mounted here (needs root)")
        yield place


# What is left to notice the full disk is narrowed by `mode`: the look at the free space, the reservation of
# blocks, and then only the write itself and the comparison after it.
FILL_DISK = """
import os, sys
import numpy as np
from hpccr import parallel
from hpccr.errors import RunError
from hpccr.output import checkpoint, hdf5
from hpccr.output.variable import Variable

directory, mode = sys.argv[1:]
comm = parallel.world()
if mode != "look":
    os.statvfs = lambda path: os.statvfs_result([4096, 4096] + [2**40] * 8)
if mode == "write":
    hdf5._reserve = lambda path: None
n = 150_000 // comm.size
store = checkpoint.Store(directory + "/checkpoints", comm)
def save(step):
    x = Variable("x", ("i",), np.full(n, float(step)), (n * comm.rank,), (n * comm.size,))
    store.save(step, [x], {"step": step})
save(1)
save(2)
if comm.rank == 0:
    with open(directory + "/ballast", "wb") as file:
        file.write(bytes(1 << 20))
comm.barrier()
try:
    save(3)
except RunError as error:
    assert "disk full" in str(error) or mode != "look", error
    assert "No space left" in str(error) or mode != "reserve", error
    assert directory in str(error) and len(str(error).splitlines()) == 1, error
else:
    raise SystemExit("the full disk was not noticed")
found = store.load_latest(print)
assert found.step == 2 and (found.read("x") == 2.0).all()
comm.barrier()
if comm.rank == 0:
    assert sorted(os.listdir(store.directory)) == ["00000001.h5", "00000002.h5"]
"""


@pytest.mark.parametrize("mode", ["look", "reserve", "write"])
@pytest.mark.parametrize("n", [1, 2, 3])
def test_full_disk_leaves_the_last_checkpoints(disk, n, mode):
    succeed(n, ["-c", FILL_DISK, disk, mode])


CLOSED = """
import os, sys
from hpccr import parallel
from hpccr.errors import InputError, RunError
from hpccr.output import rundir
from hpccr.output.checkpoint import Store
from hpccr.output.variable import Variable
comm = parallel.world()
if os.geteuid() == 0:
    os.seteuid(65534)
for job, kind in ((lambda: Store(sys.argv[1], comm).save(2, [Variable.whole("x", (), 1.0)], {}), RunError),
                  (lambda: rundir.create(sys.argv[1] + "/run", "", comm), InputError)):
    try:
        job()
    except kind as error:
        assert "Permission denied" in str(error), error
    else:
        raise SystemExit("a closed directory was written")
os.seteuid(os.getuid())
"""


@pytest.mark.parametrize("n", [1, 3])
def test_directory_that_may_not_be_written(n, solo):
    place = f"/tmp/hpccr-closed-{os.getpid()}"       # not tmp_path: its parents are closed to other users anyway
    os.mkdir(place)
    try:
        Store(place, solo).save(1, [Variable.whole("x", (), 1.0)], {})
        os.chmod(place, 0o555)
        succeed(n, ["-c", CLOSED, place])
        assert os.listdir(place) == ["00000001.h5"]
    finally:
        os.chmod(place, 0o755)
        shutil.rmtree(place)


def test_unwritable_directory_of_one_rank(tmp_path, solo):
    (tmp_path / "file").touch()
    with pytest.raises(RunError, match="cannot be written"):
        Store(tmp_path / "file" / "below", solo).save(1, [Variable.whole("x", (), 1.0)], {})


def test_a_directory_that_has_vanished_is_not_made_again(tmp_path, solo):
    """Nor does it matter when it goes: before a checkpoint is written, or before it is sealed."""
    store = Store(tmp_path / "run" / "checkpoints", solo)
    with pytest.raises(RunError, match="No such file or directory"):
        store.save(1, [Variable.whole("x", (), 1.0)], {})
    assert not (tmp_path / "run").exists()
    with pytest.raises(RunError, match="No such file or directory"):
        checkpoint._seal(store.path(1), store.path(1), solo)


def test_a_directory_that_cannot_be_read_keeps_what_is_old(tmp_path, solo, monkeypatch):
    """The checkpoint is complete: that older ones cannot be looked up is no reason to end a run, on one rank alone at that."""
    store = Store(tmp_path, solo)
    for step in (1, 2):
        store.save(step, [Variable.whole("x", (), 1.0)], {})
    def unreadable(*_):
        raise OSError(5, "Input/output error")
    with monkeypatch.context() as patched:
        patched.setattr(os, "listdir", unreadable)
        patched.setattr(Path, "glob", lambda *_: (unreadable() for _ in range(1)))
        store.save(3, [Variable.whole("x", (), 1.0)], {})
    assert checkpoint.found(tmp_path) == [1, 2, 3]
    store.save(4, [Variable.whole("x", (), 1.0)], {})
    assert checkpoint.found(tmp_path) == [3, 4]


ONE_CANNOT_OPEN = """
import sys
import h5py
from hpccr import parallel
from hpccr.output import hdf5
from hpccr.output.checkpoint import Store
from hpccr.output.variable import Variable
comm, opened = parallel.world(), h5py.File
store = Store(sys.argv[1], comm)
store.save(1, [Variable.whole("x", (), 1.0)], {})
if comm.rank == 1:
    # As if the disk had gone after the first rank had opened the file.
    h5py.File = lambda path, *args, **options: opened(f"{path}/gone", *args, **options)
hdf5._PATIENCE = 3.0
store.save(2, [Variable.whole("x", (), 1.0)], {})
print("came back")
"""


def test_one_rank_that_cannot_open_a_file_ends_all(tmp_path, solo):
    """MPI-IO does not come back then, on no rank: the job ends, and the checkpoint before is there."""
    done = mpirun(3, ["-c", ONE_CANNOT_OPEN, tmp_path], 40)
    assert done.returncode and "came back" not in done.stdout and "Traceback" not in done.stderr, done.stderr
    assert Store(tmp_path, solo).load_latest().step == 1


ENDLESS = """
import sys
import numpy as np
from hpccr import parallel
from hpccr.output.checkpoint import Store
from hpccr.output.variable import Variable
comm = parallel.world()
store = Store(sys.argv[1], comm)
found = store.load_latest()
step, n = (found.step if found else 0), 300_000
if found:
    mine = found.read("x", (n * comm.rank,), (n,))
    assert (mine == step).all() and found.meta == {"step": step}
while True:
    step += 1
    x = Variable("x", ("i",), np.full(n, float(step)), (n * comm.rank,), (n * comm.size,))
    store.save(step, [x], {"step": step})
    if comm.rank == 0:
        print(step, flush=True)
"""


@pytest.mark.parametrize("n, kills", [(1, 6), (2, 10)])
def test_killed_at_any_moment(tmp_path, solo, n, kills):
    """SIGKILL in an endless series of checkpoints: the newest complete one is always whole and never older
    than the last that was announced; the next run starts from it."""
    random_, store = random.Random(7), Store(tmp_path, solo)
    for _ in range(kills):
        process = start(n, ["-c", ENDLESS, tmp_path])
        announced = process.stdout.readline()
        assert announced, kill(process)[1]
        time.sleep(0.1 * random_.random())
        rest, _ = kill(process)
        announced = int((announced + rest).split("\n")[-2])
        warnings = []
        found = store.load_latest(warnings.append)
        assert not warnings and found.step in (announced, announced + 1)
        values = found.read("x")
        assert (values == found.step).all() and len(values) == 300_000 * n
        assert len(list(tmp_path.glob("*.tmp"))) <= 1


def test_time_limit_of_the_tests_ends_all_ranks():
    """The launcher that the tests use really kills a hanging job: rank 1 waits for a rank 0 that never comes."""
    code = ("import os, time; from hpccr.parallel import world; c = world(); print(f'pid={os.getpid()};', flush=True)\n"
            "if c.rank: c.barrier()\ntime.sleep(60)")
    with pytest.raises(AssertionError, match="no end after 10 s") as told:
        mpirun(2, code, timeout=10)
    pids = re.findall(r"pid=(\d+);", str(told.value))
    limit = time.monotonic() + 20       # a killed process is not gone at once
    while any(os.path.exists(f"/proc/{pid}/fd/0") for pid in pids) and time.monotonic() < limit:
        time.sleep(0.01)
    assert len(set(pids)) == 2 and not any(os.path.exists(f"/proc/{pid}/fd/0") for pid in pids)


def test_info_tells_of_damage(store, tmp_path):
    (tmp_path / rundir.DECK).write_text('problem = "cloud"\n')
    store.path(2).write_bytes(b"x" * 5000)
    text = description.describe(tmp_path)
    assert "00000001.h5, step 1, valid" in text and "NOT valid: it is not an hpccr checkpoint" in text
