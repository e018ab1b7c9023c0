"""A simulation's state as named variables: what a snapshot and a checkpoint hold."""

import numpy as np

from hpccr.grid.local import Local
from hpccr.output.variable import Variable
from hpccr.units import kyr


def snapshot(simulation):
    """Coordinates, the problem's output variables and what the observers have: list of Variable; collective."""
    problem, mesh, u = simulation.problem, simulation.mesh, simulation.stepper.u
    local, (line_unit, lane_unit) = Local(mesh, u), problem.axis_units()
    line, lane, faces = mesh.line.name, mesh.lane.name, f"{mesh.line.name}_face"
    at = np.exp(mesh.lane.centers) if mesh.lane.metric == "momentum" else mesh.lane.centers

    rows = [("time", (), np.array(simulation.stepper.t / kyr), "kyr", "time"),
            (line, (line,), mesh.line.centers * line_unit[2], *line_unit[:2]),
            (faces, (faces,), mesh.line.faces * line_unit[2], line_unit[0], line_unit[1] + ", cell faces"),
            (lane, (lane,), at * lane_unit[2], *lane_unit[:2])]
    for observer in simulation.observers:
        rows += observer.replicated(mesh.array(u, readonly=True))
    result = [Variable.whole(*row) for row in rows]
    result += [Variable.whole(*row, coordinate=True) for row in problem.coordinates()]

    place = {"cell": (line, local.first_cell, len(mesh.line)), "face": (faces, local.first_face, len(mesh.line) + 1)}
    for name, where, array, unit, long_name in problem.snapshot(local):
        dim, first, count = place[where]
        result.append(Variable(name, (dim, lane), array, (first, mesh.start[1]), (count, mesh.lanes), unit, long_name))
    return result


def checkpoint(simulation):
    """(the state as a list of Variable, plain values beside it); collective."""
    mesh, (plain, arrays) = simulation.mesh, simulation.state()
    state = [Variable("u", ("node", "field", "lane"), mesh.array(simulation.stepper.u, readonly=True),
                      (mesh.start[0], 0, mesh.start[1]), (mesh.nodes, len(mesh.fields), mesh.lanes))]
    state += [Variable.whole(name, tuple(f"{name}_{k}" for k in range(a.ndim)), a) for name, a in arrays.items()]
    return state, plain


def resume(simulation, saved, plain):
    """Put a checkpoint's state (Checkpoint) into a simulation; collective."""
    mesh = simulation.mesh
    u = mesh.array(simulation.stepper.u)
    u[...] = saved.read("u", (mesh.start[0], 0, mesh.start[1]), mesh.shape)
    simulation.resume(plain, {name: saved.read(name) for name in saved.shapes if name != "u"})
