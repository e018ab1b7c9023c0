"""A flow's state as named variables: what a snapshot and a checkpoint hold."""

import numpy as np

from hpccr.output.variable import Variable
from hpccr.physics import protons
from hpccr.units import GeV, kyr


def snapshot(flow):
    """Coordinates and the problem's output: list of Variable; collective."""
    line, lane, patch, problem = flow.model.line, flow.model.lane, flow.patch, flow.problem
    (r_unit, r_name, r_factor), (p_unit, p_name, p_factor) = problem.axis_units()
    p = np.exp(lane.centers)
    rows = [("time", (), np.array(flow.stepper.t / kyr), "kyr", "time"),
            ("r", ("r",), line.centers * r_factor, r_unit, r_name),
            ("r_face", ("r_face",), line.faces * r_factor, r_unit, r_name + ", cell faces"),
            ("p", ("p",), p * p_factor, p_unit, p_name)]
    on_line, on_plane, whole = problem.snapshot(flow)
    result = [Variable.whole(*row) for row in rows + whole]
    result.append(Variable.whole("E", ("p",), protons.kinetic_energy(p) / GeV, "GeV", "kinetic energy", coordinate=True))
    result += [_on_line(flow, name, ("r",), array, unit, meaning) for name, array, unit, meaning in on_line]
    place = (patch.first_row, patch.first_lane), (patch.cells, patch.all_lanes)
    return result + [Variable(name, ("r", "p"), array, *place, unit, meaning) for name, array, unit, meaning in on_plane]


def _on_line(flow, name, dims, array, *about):
    """A variable along the line, of which this rank has its cells: array (…, rows); of those that have the same, one gives it."""
    patch, others = flow.patch, np.shape(array)[:-1]
    first = (0,) * len(others)
    part = array if patch.at_lowest else np.empty((*others, 0))
    return Variable(name, dims, part, (*first, patch.first_row), (*others, patch.cells), *about)


def checkpoint(flow):
    """(the state as a list of Variable, plain values beside it); collective."""
    patch, imex = flow.patch, flow.imex
    ends = np.stack([flow.lanes(part) for part in imex.rays.escaped])
    state = [Variable("u", ("r", "p"), patch.own(imex.rays.u), (patch.first_row, patch.first_lane), (patch.cells, patch.all_lanes))]
    state.append(_on_line(flow, "gas", ("gas_0", "gas_1"), imex.gas[:, patch.inner]))
    whole = {"escaped": ends, "content": flow.content}
    state += [Variable.whole(name, tuple(f"{name}_{k}" for k in range(array.ndim)), array) for name, array in whole.items()]
    return state, flow.state()


def resume(flow, saved, plain):
    """Put a checkpoint's state (Checkpoint) into a flow; collective."""
    patch, imex = flow.patch, flow.imex
    patch.own(imex.rays.u)[...] = saved.read("u", (patch.first_row, patch.first_lane), (patch.rows, patch.lanes))
    imex.gas[:, patch.inner] = saved.read("gas", (0, patch.first_row), (3, patch.rows))
    flow.content = saved.read("content")
    ends = saved.read("escaped")[:, patch.own_lanes]
    # Each end of the lines has one rank that counts what leaves there.
    imex.rays.escaped[...] = ends * np.array([[patch.at_first], [patch.at_last]])
    flow.resume(plain)
