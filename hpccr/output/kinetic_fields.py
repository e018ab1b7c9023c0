"""The state of pitch-angle transport as named variables: what a snapshot and a checkpoint hold."""

import numpy as np

from hpccr.output.variable import Variable


def _plane(kinetic, name, *words):
    """f of this rank on (z, mu): Variable."""
    strip, rows = kinetic.strip, len(kinetic.model.pitch)
    return Variable(name, ("z", "mu"), np.ascontiguousarray(strip.own(kinetic.ark.u).T), (strip.first, 0), (strip.cells, rows), *words)


def snapshot(kinetic):
    """Coordinates and the problem's output: list of Variable; collective."""
    tube, pitch, t = kinetic.model.tube, kinetic.model.pitch, kinetic.stepper.t
    rows = [("time", (), np.array(t), "1/nu", "time"), ("T", (), np.array(kinetic.model.epsilon**2 * t / 4), "1", "slow time, eps^2 t/4"),
            ("z", ("z",), tube.centers, "l", "distance along the field"), ("z_face", ("z_face",), tube.faces, "l", "distance, cell faces"),
            ("mu", ("mu",), pitch.centers, "1", "cosine of the pitch angle"), ("weight", ("mu",), pitch.widths, "1", "weight in an integral over mu"),
            ("area", ("z",), tube.volumes / tube.widths, "1", "area of the flux tube over that at the lower end")]
    result = [Variable.whole(*row) for row in rows] + [_plane(kinetic, "f", "1", "phase-space density")]
    strip = kinetic.strip
    for name, values, unit, meaning, whole in kinetic.problem.snapshot(kinetic):
        result.append(Variable.whole(name, ("z",), values, unit, meaning) if whole
                      else Variable(name, ("z",), values, (strip.first,), (strip.cells,), unit, meaning))
    return result


def checkpoint(kinetic):
    """(the state as a list of Variable, plain values beside it)."""
    return [_plane(kinetic, "u")], kinetic.state()


def resume(kinetic, saved, plain):
    """Put a checkpoint's state (Checkpoint) into a run; collective."""
    strip = kinetic.strip
    part = saved.read("u", (strip.first, 0), (strip.count, len(kinetic.model.pitch)))
    strip.own(kinetic.ark.u)[...] = part.T
    kinetic.resume(plain)
