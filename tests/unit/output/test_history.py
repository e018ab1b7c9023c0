"""history.csv: units in one header line, exact numbers, cut at the checkpoint's place on a restart."""

import pytest

from hpccr.errors import InputError, RunError
from hpccr.output.history import History

COLUMNS = [("time", "s"), ("step", ""), ("content", "erg")]


def filled(path, solo, rows):
    history = History(path, COLUMNS, solo)
    history.start()
    for row in rows:
        history.append(row)
    return history


def test_numbers_are_exact(tmp_path, solo):
    import numpy as np

    values = [0.1 + 0.2, np.int64(3), np.float64(1) / 3]
    filled(tmp_path / "h.csv", solo, [values]).close()
    header, row = (tmp_path / "h.csv").read_text().splitlines()
    assert header == "time [s],step,content [erg]"
    assert row == "0.30000000000000004,3,0.3333333333333333"


def test_resumed_is_the_same_file(tmp_path, solo):
    rows = [(0.1 * n, n, 1 / (n + 1)) for n in range(10)]
    whole = filled(tmp_path / "whole.csv", solo, rows)
    broken = filled(tmp_path / "broken.csv", solo, rows[:4])
    broken.sync()
    place = broken.position
    broken.append(rows[4])
    broken.close()
    again = History(tmp_path / "broken.csv", COLUMNS, solo)
    again.resume(place)
    for row in rows[4:]:
        again.append(row)
    again.close()
    assert again.position == whole.position == (tmp_path / "whole.csv").stat().st_size
    assert (tmp_path / "broken.csv").read_bytes() == (tmp_path / "whole.csv").read_bytes()


def test_wrong_files_are_refused(tmp_path, solo):
    place = filled(tmp_path / "h.csv", solo, [(1.0, 2, 3.0)]).position
    with pytest.raises(InputError, match="missing"):
        History(tmp_path / "none.csv", COLUMNS, solo).resume(10)
    with pytest.raises(InputError, match="shorter"):
        History(tmp_path / "h.csv", COLUMNS, solo).resume(place + 1)
    with pytest.raises(InputError, match="other columns"):
        History(tmp_path / "h.csv", COLUMNS[:2], solo).resume(place)
    with pytest.raises(RunError, match="cannot be written"):
        History(tmp_path, COLUMNS, solo).start()
    with pytest.raises(ValueError, match="2 values for 3 columns"):
        filled(tmp_path / "h.csv", solo, [(1.0, 2)])
