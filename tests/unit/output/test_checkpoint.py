"""Checkpoints give back the bits that were stored, keep the last two, and follow a run that rewinds."""

import numpy as np
import pytest

from hpccr.errors import InputError, RunError
from hpccr.output import checkpoint
from hpccr.output.checkpoint import Store
from hpccr.output.variable import Variable


def state(seed):
    data = np.random.default_rng(seed).standard_normal((6, 11))
    data[0, :3] = np.nan, -0.0, 5e-324
    return [Variable.whole("f", ("p", "z"), data), Variable.whole("tally", ("bin",), np.arange(4) + seed),
            Variable.whole("wave/I", ("z",), data[1]), Variable.whole("dt", (), 0.1 * seed)]


def names(store):
    return sorted(path.name for path in store.directory.iterdir())


def flip(path, place):
    content = bytearray(path.read_bytes())
    content[place] ^= 1
    path.write_bytes(content)


@pytest.fixture
def store(tmp_path, solo):
    return Store(tmp_path / "checkpoints", solo)


def test_nothing_there(store):
    assert store.load_latest() is None


def test_bits_come_back(store):
    meta = {"t": 0.1 + 0.2, "step": 3, "list": [1, "µ"], "array": np.arange(2), "count": np.int64(5)}
    store.save(3, state(3), meta)
    found = store.load_latest()
    assert found.step == 3 and found.meta == {**meta, "array": [0, 1], "count": 5}
    assert found.shapes == {"f": (6, 11), "tally": (4,), "wave/I": (11,), "dt": ()}
    for variable in state(3):
        back = found.read(variable.name)
        assert back.dtype == variable.data.dtype and back.tobytes() == variable.data.tobytes()
    part = found.read("f", (2, 1), (3, 4))
    assert part.tobytes() == state(3)[0].data[2:5, 1:5].tobytes()
    assert found.read("f", (6, 0), (0, 11)).shape == (0, 11)


def test_what_a_killed_run_left_is_cleared_away(store):
    """A torn file of any step, with what Open MPI keeps beside a file that several ranks write."""
    store.save(3, state(3), {})
    for left in ("00000004.h5.tmp", "00000004.h5.tmp-79298561-26696.lock"):
        (store.directory / left).write_bytes(b"torn")
    store.save(5, state(5), {})
    assert names(store) == ["00000003.h5", "00000005.h5"]


def test_same_state_same_bytes(store):
    first = store.save(3, state(3), {"t": 1}).read_bytes()
    assert store.save(3, state(3), {"t": 1}).read_bytes() == first


def test_what_is_not_there_is_refused(store):
    store.save(1, state(1), {})
    found = store.load_latest()
    with pytest.raises(InputError, match="no variable g"):
        found.read("g")
    with pytest.raises(InputError, match="outside"):
        found.read("f", (4, 0), (3, 11))


def test_last_two_are_kept(store):
    for step in (5, 10, 99_999_999, 123_456_789):
        store.save(step, state(1), {})
    assert names(store) == ["123456789.h5", "99999999.h5"] and store.load_latest().step == 123456789


def test_rewound_run_leaves_no_stale_checkpoint(store):
    for step in (10, 20):
        store.save(step, state(step), {})
    store.save(15, state(15), {})
    assert names(store) == ["00000010.h5", "00000015.h5"] and store.load_latest().step == 15


def test_damaged_one_does_not_count_among_the_two(store):
    for step in (10, 20):
        store.save(step, state(step), {})
    flip(store.path(20), 3000)
    warnings = []
    assert store.load_latest(warnings.append).step == 10 and len(warnings) == 1
    store.save(30, state(30), {})
    assert names(store) == ["00000010.h5", "00000030.h5"]


def test_torn_files_are_swept(store):
    store.save(1, state(1), {})
    (store.directory / "00000007.h5.tmp").write_bytes(b"torn")
    store.save(2, state(2), {})
    assert names(store) == ["00000001.h5", "00000002.h5"]


def test_a_file_that_vanishes_before_it_is_sealed(store, monkeypatch):
    """The directory is removed between the writing and the check: what the system says is told, and what was there before stays."""
    store.save(1, state(1), {})
    read = checkpoint._digest

    def gone(path, *args):
        path.unlink()
        return read(path, *args)

    monkeypatch.setattr(checkpoint, "_digest", gone)
    with pytest.raises(RunError, match="No such file or directory"):
        store.save(2, state(2), {})
    monkeypatch.undo()
    assert names(store) == ["00000001.h5"] and store.load_latest().meta == {}
