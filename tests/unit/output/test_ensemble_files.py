"""Files of waves, starts and orbits: what is written is read, and what cannot be used is refused with its place."""

import hashlib
import os
import subprocess
import sys

import numpy as np
import pytest

from hpccr.errors import InputError, RunError
from hpccr.output import ensemble_files
from hpccr.output.ensemble_files import digest, read_starts, read_waves, write_orbits, write_waves
from hpccr.particles.turbulence import Spectrum, Waves, realise, stream

K, A = np.array([[0, 0, 2.0], [1.0, 0, 0], [0, 3.0, 0]]), np.array([[0.1, 0, 0], [0, 0.2, 0], [0, 0, 0.3]])
WAVES = {"k": K, "amplitude": A, "phase": np.array([0.1, 0.2, 0.3])}
STARTS = {"position": np.array([[1.0, 2, 3], [4, 5, 6]]), "direction": np.array([[0, 0.6, 0.8], [0, 0, -1.0]])}
READ = {"waves": (read_waves, WAVES), "starts": (read_starts, STARTS)}


@pytest.fixture
def save(tmp_path, solo):
    """Writes datasets {name: array or None for "not there"}, with attributes."""
    import h5py

    def file(datasets, **attributes):
        path = tmp_path / "input.h5"
        with h5py.File(path, "w") as out:
            for name, data in datasets.items():
                if data is not None:
                    out[name] = data
            out.attrs.update(attributes)
        return path
    return file


def changed(array, row, value):
    array = np.array(array, dtype=float)
    array[row] = value
    return array


# -- round trips ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["isotropic", "slab", "magnetosonic"])
def test_waves_come_back_bit_for_bit(tmp_path, solo, kind):
    waves = realise(kind, None, Spectrum(5 / 3, 0.01, 1.0), 64, 0.3, stream(1, 0, "waves"))
    write_waves(tmp_path / "new" / "waves.h5", waves, "pc", {"title": "64 waves"})
    again, unit = read_waves(tmp_path / "new" / "waves.h5")
    assert unit == "pc"
    assert all(np.array_equal(getattr(waves, name), getattr(again, name)) for name in WAVES)
    assert os.listdir(tmp_path / "new") == ["waves.h5"]


def test_starts_of_a_file_by_another_hand(save):
    position, direction, unit = read_starts(save(STARTS, length_unit="kpc"))
    assert unit == "kpc" and np.array_equal(position, STARTS["position"])
    assert direction == pytest.approx(STARTS["direction"], rel=1e-15)


def test_numbers_of_other_types_and_a_missing_unit(save):
    single = {name: np.asarray(data, dtype=">f4") for name, data in WAVES.items()}
    waves, unit = read_waves(save(single))
    assert unit == "1" and waves.k.dtype == np.float64 and waves.k.dtype.isnative and np.array_equal(waves.k, K)
    whole = {"position": STARTS["position"].astype(int), "direction": np.array([[1, 0, 0], [0, 0, -1]])}
    assert read_starts(save(whole))[0].dtype == np.float64
    assert read_waves(save(WAVES, length_unit=np.bytes_("pc")))[1] == "pc"


def test_directions_are_made_exact(save):
    """Seven digits in the file; the speed of an orbit starts at 1 to rounding."""
    given = np.round(np.random.default_rng(1).standard_normal((50, 3)), 9)
    given = np.round(given / np.linalg.norm(given, axis=1)[:, None], 7)
    direction = read_starts(save({"position": np.zeros((50, 3)), "direction": given}))[1]
    assert np.abs(np.linalg.norm(direction, axis=1) - 1).max() < 4e-16 and np.abs(direction - given).max() < 3e-7


def test_a_wave_with_the_rounding_of_single_precision_is_taken(save):
    waves = realise("isotropic", None, Spectrum(5 / 3, 0.01, 1.0), 64, 1.0, stream(1, 0, "waves"))
    rounded = {name: getattr(waves, name).astype(np.float32) for name in ("k", "amplitude", "phase")}
    assert len(read_waves(save(rounded))[0]) == 64


def test_orbits(tmp_path, solo):
    import h5py

    orbits = np.random.default_rng(2).random((2, 5, 6))
    write_orbits(tmp_path / "orbits.h5", [7, 3], np.arange(5) * 0.1, orbits, "pc", {"gyroradius": 0.25})
    with h5py.File(tmp_path / "orbits.h5", "r") as file:
        assert {name: (item.shape, item.dtype.str) for name, item in file.items()} == {
            "id": ((2,), "<i8"), "time": ((5,), "<f8"), "position": ((2, 5, 3), "<f8"), "direction": ((2, 5, 3), "<f8")}
        assert list(file["id"]) == [7, 3] and np.array_equal(file["time"], np.arange(5) * 0.1)
        assert np.array_equal(file["position"], orbits[..., :3]) and np.array_equal(file["direction"], orbits[..., 3:])
        assert dict(file.attrs) == {"length_unit": "pc", "time_unit": "1/Omega", "gyroradius": 0.25}


def test_the_same_data_give_the_same_bytes(tmp_path, solo):
    for name in ("a.h5", "b.h5"):
        write_waves(tmp_path / name, Waves(**WAVES), "pc")
    assert digest(tmp_path / "a.h5") == digest(tmp_path / "b.h5") == hashlib.sha256((tmp_path / "a.h5").read_bytes()).hexdigest()
    with open(tmp_path / "b.h5", "ab") as file:
        file.write(b"\0")
    assert digest(tmp_path / "a.h5") != digest(tmp_path / "b.h5")


def test_a_file_that_cannot_be_written_leaves_the_old_one(tmp_path, solo, monkeypatch):
    path = tmp_path / "waves.h5"
    write_waves(path, Waves(**WAVES), "pc")
    before = path.read_bytes()

    def full(beside, path):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(ensemble_files.hdf5, "publish", full)
    with pytest.raises(RunError, match="waves.h5: cannot be written: No space left on device"):
        write_waves(path, Waves(K, 2 * A, WAVES["phase"]), "pc")
    assert path.read_bytes() == before and os.listdir(tmp_path) == ["waves.h5"]
    (tmp_path / "file").write_text("")
    with pytest.raises(RunError, match="cannot be written: (Not a directory|File exists)"):
        write_waves(tmp_path / "file" / "waves.h5", Waves(**WAVES), "pc")


def test_the_first_file_of_a_process_loads_the_h5py_with_mpi(tmp_path, solo):
    """A launcher that Debian's h5py does not know must not get the serial one: checkpoints of several ranks come after."""
    write_waves(tmp_path / "waves.h5", Waves(**WAVES), "pc")
    code = f"""
from hpccr.output.ensemble_files import read_waves
read_waves({str(tmp_path / 'waves.h5')!r})
import h5py
print(h5py.get_config().mpi)
"""
    bare = {key: value for key, value in os.environ.items() if not key.startswith(("H5PY_", "OMPI_COMM", "MPI_LOCAL"))}
    done = subprocess.run([sys.executable, "-c", code], env=bare, capture_output=True, text=True, timeout=60)
    import h5py

    assert done.stdout.strip() == str(h5py.get_config().mpi), done.stderr


# -- refusals -------------------------------------------------------------------------------------------------


def refused(read, path):
    with pytest.raises(InputError) as error:
        read(path)
    text = str(error.value)
    assert text.startswith(str(path)), text
    return text


@pytest.mark.parametrize("name", READ)
def test_no_file_or_another_file(tmp_path, solo, save, name):
    read, datasets = READ[name]
    assert "there is no such file" in refused(read, tmp_path / "none.h5")
    with pytest.raises(InputError, match="cannot be read: No such file"):
        digest(tmp_path / "none.h5")
    (tmp_path / "text.h5").write_text("k = 1\n")
    text = refused(read, tmp_path / "text.h5")
    assert "this is not an HDF5 file" in text and ", ".join(datasets) in text
    (tmp_path / "empty.h5").write_bytes(b"")
    assert "this is not an HDF5 file" in refused(read, tmp_path / "empty.h5")
    assert "cannot be read" in refused(read, tmp_path)
    whole = save(datasets).read_bytes()
    (tmp_path / "cut.h5").write_bytes(whole[: len(whole) // 2])
    assert "this is not an HDF5 file" in refused(read, tmp_path / "cut.h5")


EACH = [(name, dataset) for name, (_, datasets) in READ.items() for dataset in datasets]


@pytest.mark.parametrize("name, dataset", EACH)
def test_what_a_dataset_must_be(save, name, dataset):
    read, datasets = READ[name]
    good = datasets[dataset]
    text = refused(read, save({**datasets, dataset: None}))
    assert f"no dataset {dataset}" in text and "  given    " in text
    renamed = refused(read, save({**datasets, dataset: None, dataset + "s": good}))
    assert renamed.endswith(f"did you mean {dataset}s?")
    assert f"no dataset {dataset}" in refused(read, save({**datasets, dataset: None, f"{dataset}/inner": good}))
    shape = "n x 3" if good.ndim == 2 else "n"
    for wrong in (good[:, :2] if good.ndim == 2 else good[:, None], good[None], np.float64(1.0)):
        text = refused(read, save({**datasets, dataset: wrong}))
        assert f"dataset {dataset}: wrong shape" in text and text.endswith(f"allowed  {shape}"), text
    for wrong in (good.astype(complex), np.full(good.shape, b"one"), good > 0):
        assert f"dataset {dataset}: not numbers" in refused(read, save({**datasets, dataset: wrong}))
    for value, what in ((np.nan, "not all values are finite"), (-np.inf, "not all values are finite"),
    (1e200, "a value is too large")):
        text = refused(read, save({**datasets, dataset: changed(good, 1, value)}))
        assert f"dataset {dataset}: {what}" in text and f"given    row 1: {value:g}" in text
    text = refused(read, save({**datasets, dataset: good[:-1]}))
    assert "datasets of unequal length" in text and f"{dataset} {len(good) - 1}" in text


@pytest.mark.parametrize("name", READ)
def test_an_empty_list(save, name):
    read, datasets = READ[name]
    text = refused(read, save({key: data[:0] for key, data in datasets.items()}))
    assert f"the list of {name} is empty" in text and "given    0 rows\n  allowed  at least one" in text


@pytest.mark.parametrize("k", [0.0, 1e-200])
def test_a_wave_without_direction(save, k):
    text = refused(read_waves, save({**WAVES, "k": changed(K, 1, [0, 0, k])}))
    assert "dataset k: a wave has no direction\n  given    row 1: |k| = 0" in text


def test_a_wave_with_a_divergence(save):
    text = refused(read_waves, save({**WAVES, "amplitude": changed(A, 2, [0, 1e-4, 0.3])}))
    assert "dataset amplitude: the field of a wave has a divergence\n  given    row 2: a component 0.0001 along k" in text


def test_waves_of_no_amplitude(save):
    for amplitude in (0 * A, 1e-200 * A):
        assert "no wave has an amplitude" in refused(read_waves, save({**WAVES, "amplitude": amplitude}))


@pytest.mark.parametrize("length", [0.0, 0.5, 1 + 2e-6, 2.0])
def test_a_direction_that_is_none(save, length):
    text = refused(read_starts, save({**STARTS, "direction": changed(STARTS["direction"], 1, [0, 0, length])}))
    assert "dataset direction: a direction is not a unit vector\n  given    row 1: length" in text
    assert text.endswith("allowed  length 1")
