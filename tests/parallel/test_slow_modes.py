"""The slow modes of scattering are solved along z exactly, whatever the ends and the number of ranks: put into streaming and scattering, the
solution gives back the slow part of the right-hand side."""

import pytest
from launch import succeed

RESIDUAL = """
import numpy as np
from hpccr import parallel
from hpccr.deck import library, reader
from hpccr.grid.strip import Strip
from hpccr.grid.tube import Pitch, Tube
from hpccr.physics import focusing
from hpccr.problems import registry
from hpccr.steppers.kinetic import Model, _ark

def law(name):
    return registry.load("focused")(reader.read(library.find(name), [], problems=registry)).law

comm, rows, cells = parallel.world(), 12, 41
faces = np.sinh(np.linspace(-2.0, 2.0, cells + 1))
x = np.random.default_rng(3).normal(size=(rows, cells))
for ends in (("open", "open"), ("wall", "open"), ("source", "wall"), ("wall", "wall"), ("periodic", "periodic")):
    # Between Gauss points, S is linear in the drift of focusing, as the modes take it.
    for pitch, D, sigma in ((Pitch(rows), law("focused_kolmogorov"), 0.0), (Pitch(rows, "legendre"), law("focused_isotropic"), 0.4)):
        tube = Tube("z", faces, focusing.uniform(sigma))
        strip = Strip(cells, comm, "periodic" in ends)
        coupled = _ark(Model(tube, pitch, 0.3, D, ends, (np.zeros(rows), np.zeros(rows))), strip).coupled
        right, back = strip.array(rows), strip.array(rows)
        strip.own(right)[...] = x[:, strip.own_cells]
        for tau in (0.01, 3.0, 100.0):
            coupled._factor(tau)
            slow = coupled._slow
            coupled.product(slow.solve(right), back)
            wanted = slow.take @ strip.own(right)
            worst = comm.max(np.abs(slow.take @ strip.own(back) - wanted).max())[0] / comm.max(np.abs(wanted).max())[0]
            assert worst < 1e-10 * (1 + tau), (ends, pitch.spectral, tau, worst)
"""


@pytest.mark.parametrize("n", [1, 2, 5])
def test_slow_modes_are_solved_exactly(n):
    succeed(n, RESIDUAL, timeout=120)
