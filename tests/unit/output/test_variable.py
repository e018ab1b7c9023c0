"""A variable knows its place in the global grid and refuses one that cannot be."""

import numpy as np
import pytest

from hpccr.output.variable import Variable


def test_part_and_whole():
    part = Variable("f", ("p", "z"), np.zeros((2, 5)), (3, 0), (7, 5), "erg cm-3", "distribution")
    assert part.size == 35 and part.bytes == 280 and not part.is_coordinate
    whole = Variable.whole("time", (), 3.5, "kyr")
    assert whole.shape == () and whole.is_coordinate
    assert Variable.whole("z", ("z",), np.arange(3.0)).is_coordinate
    assert Variable.whole("E", ("p",), np.arange(3.0), coordinate=True).is_coordinate
    assert Variable.whole("n", (), 1, "").unit == "1"


@pytest.mark.parametrize("data, start, shape", [
    (np.zeros((2, 5)), (6, 0), (7, 5)),         # leaves the grid at the end
    (np.zeros((2, 5)), (-1, 0), (7, 5)),
    (np.zeros(5), (0, 0), (7, 5)),              # wrong number of axes
    (np.array([["a"]]), (0, 0), (7, 5)),        # text
])
def test_impossible_parts_are_refused(data, start, shape):
    with pytest.raises(ValueError, match="variable f"):
        Variable("f", ("p", "z"), data, start, shape)
