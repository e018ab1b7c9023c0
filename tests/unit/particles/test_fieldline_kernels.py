"""The integrator of field lines: orders, tolerances, lanes that do not mix, cuts that change no bit, nulls of the field."""

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from hpccr.particles import fieldline_kernels as kernels
from hpccr.particles import fieldline_tableau, sum_kernels
from hpccr.particles.fieldline_task import FieldLineTask, Plan, state_size
from hpccr.particles.turbulence import Spectrum, Waves, realise, stream
from hpccr.problems.ensemble import Unit

MODES, SHORTEST = 24, 0.1
WAVES = realise("isotropic", None, Spectrum(5 / 3, SHORTEST, 1.0), MODES, 1.0, stream(1, 0, "waves"))
TABLEAUS = {"5(4)": (fieldline_tableau.fifth(), 5), "8(5,3)": (fieldline_tableau.eighth(), 8)}
POINTS = np.array([0.01, 0.02, 0.05, 0.5, 0.83, 2.0])


def table(waves=WAVES):
    return sum_kernels.table(waves.k, waves.amplitude, waves.phase)


def plan(unit=True, points=POINTS, mean=1.0, tolerance=1e-6, path=False, count=70):
    room = state_size(len(points), count), kernels.MOMENTS * len(points) + 2
    return Plan(unit, points, mean, 1.0, SHORTEST, tolerance, path, *room)


def starts(n, seed=3):
    return np.random.default_rng(seed).uniform(-10, 10, (n, 3))


def finished(task):
    while not task.advance():
        pass
    return task


def exact(r, unit, end, mean=1.0, waves=WAVES):
    """Displacements of an independent integrator: array (n, 3)."""
    def slope(_, y):
        b = waves.field(y[None])[0] + [0.0, 0.0, mean]
        return b / np.linalg.norm(b) if unit else b

    return np.array([solve_ivp(slope, (0, end), y, method="DOP853", rtol=1e-12, atol=1e-13).y[:, -1] - y for y in r])


@pytest.mark.parametrize("name", TABLEAUS)
def test_tableau_fulfils_the_order_conditions_of_quadrature(name):
    tableau, order = TABLEAUS[name]
    last = tableau.shape[1] - 1
    weights, nodes = tableau[last], tableau[:last + 1].sum(axis=1)
    assert nodes[0] == 0.0 and np.isclose(nodes[last], 1.0, atol=1e-14)
    powers = np.vander(nodes, order, increasing=True)
    assert np.allclose(weights @ powers, 1 / np.arange(1, order + 1), rtol=0, atol=1e-13)
    # Both halves of an estimate agree on the polynomials that the lower order takes: what is left is the error.
    for row, lower in {5: ((last + 1, 4),), 8: ((last + 1, 5), (last + 2, 3))}[order]:
        found = tableau[row] @ powers
        assert np.abs(found[:lower]).max() < 1e-13 and abs(found[lower]) > 1e-5, (row, found)


@pytest.mark.parametrize("unit", [True, False])
@pytest.mark.parametrize("name", TABLEAUS)
def test_order_with_equal_steps(name, unit):
    """Any error is tolerated: all steps are the longest allowed. 5(4) is of order 5, 8(5,3) of order 8."""
    (tableau, order), r, errors = TABLEAUS[name], starts(4), []
    smooth = realise("isotropic", None, Spectrum(5 / 3, 0.5, 1.0), 8, 1.0, stream(1, 0, "waves"))
    end, longest = 1.0, 1 / 12 if order == 8 else 1 / 32
    reference = exact(r, unit, end, waves=smooth)
    for h in (longest, longest / 2):
        task = FieldLineTask(Unit(0, 0, 4), plan(unit, np.array([end])), table(smooth), r)
        task._lines[kernels.STEP] = h
        scratch = sum_kernels.aligned((kernels.SCRATCH + 3 * tableau.shape[1], 32))
        # Fastest: so large that it alone decides on the step.
        kernels.advance(table(smooth), 1.0, unit, tableau, float(order), np.array([end]), 1e30, h * 10.0, 10.0, 10_000,
                        task._lines, scratch, task._out)
        assert np.isclose(task._lines[kernels.STEPS, 0], end / h, atol=1.1)
        errors.append(np.sqrt(np.mean((task._out[0, :, :4].T - reference) ** 2)))
    assert errors[0] < 1e-5 and -0.3 < np.log2(errors[0] / errors[1]) - order < 1.3, errors


@pytest.mark.parametrize("mean", [1.0, 0.0])
@pytest.mark.parametrize("unit", [True, False])
def test_error_falls_with_the_tolerance(unit, mean):
    """In proportion, for either method, down to where the wave sum ends (8e-13 of the field)."""
    r, end = starts(16, 5), np.array([1.0])
    reference, tolerances = exact(r, unit, 1.0, mean), 10.0 ** -np.arange(3, 11)
    errors = []
    for tolerance in tolerances:
        task = finished(FieldLineTask(Unit(0, 0, 16), plan(unit, end, mean, tolerance), table(), r))
        errors.append(np.sqrt(np.mean((task._out[0, :, :16].T - reference) ** 2)))
    errors = np.array(errors)
    # Ten wavelengths take some fifty steps, and lines part exponentially: a few tolerances of a step in all.
    assert np.all(errors < 50 * tolerances * SHORTEST), errors / tolerances
    power = np.polyfit(np.log(tolerances[:5]), np.log(errors[:5]), 1)[0]            # 5(4)
    assert 0.8 < power < 1.4 and errors[6] < 0.3 * errors[5], errors                # and 8(5,3)


def test_displacements_at_all_points_of_output():
    r = starts(3)
    task = finished(FieldLineTask(Unit(0, 0, 3), plan(tolerance=1e-9), table(), r))
    for place, end in enumerate(POINTS):
        assert np.abs(task._out[place, :, :3].T - exact(r, True, end)).max() < 1e-7, end
    assert np.all(task._lines[kernels.AT, task._lines[kernels.LINE] >= 0] == POINTS[-1])


def test_a_straight_line_without_turbulence():
    none = Waves(np.ones((1, 3)), np.zeros((1, 3)), np.zeros(1))
    for unit in (True, False):
        task = finished(FieldLineTask(Unit(0, 0, 5), plan(unit, mean=2.0), table(none), starts(5)))
        assert np.all(task._out[:, :2] == 0.0)
        assert np.allclose(task._out[:, 2, :5], (POINTS if unit else 2 * POINTS)[:, None], rtol=0, atol=1e-13)


def test_a_line_that_starts_at_a_null_stays_there():
    """B_z = 1 − cos(kx) vanishes on x = 0; no step is stopped by it, there or close by."""
    waves = Waves(np.array([[20.0, 0, 0]]), np.array([[0, 0, -1.0]]), np.zeros(1))
    r = np.array([[0, 0, 0], [1e-13, 0, 0], [0.01, 0, 0]])
    for unit in (True, False):
        task = finished(FieldLineTask(Unit(0, 0, 3), plan(unit), table(waves), r))
        z = task._out[-1, 2, :3]
        assert task._lines[kernels.STEPS].max() < 500
        if unit:
            assert z[2] == pytest.approx(POINTS[-1], abs=1e-12)
        else:
            assert np.allclose(z, POINTS[-1] * (1 - np.cos(20 * r[:, 0])), atol=1e-11)


@pytest.mark.parametrize("tolerance", [1e-6, 1e-8])
@pytest.mark.parametrize("unit", [True, False])
def test_a_line_has_the_same_bits_in_any_company(unit, tolerance):
    r = starts(200)
    whole = finished(FieldLineTask(Unit(0, 0, 200), plan(unit, tolerance=tolerance), table(), r))
    for part in (slice(0, 1), slice(30, 34), slice(100, 200)):
        few = finished(FieldLineTask(Unit(0, 0, 1), plan(unit, tolerance=tolerance), table(), r[part]))
        assert np.array_equal(few._out[:, :, :few._count], whole._out[:, :, part])


@pytest.mark.parametrize("path", [False, True])
@pytest.mark.parametrize("unit", [True, False])
def test_stopped_and_gone_on_with(monkeypatch, unit, path):
    """Cut into single steps, with a new task from the state every now and then: the same bits."""
    r, members = starts(70), list(range(100, 170)) if path else []
    points = np.linspace(0, 1, 21) if path else POINTS
    whole = finished(FieldLineTask(Unit(0, 0, 70), plan(unit, points, path=path), table(), r, members))
    monkeypatch.setattr(sum_kernels, "SLICE", 1.0)
    task, pieces, progress = FieldLineTask(Unit(0, 0, 70), plan(unit, points, path=path), table(), r, members), 1, 0.0
    while not task.advance():
        assert progress < task.progress <= 1.0
        progress, pieces = task.progress, pieces + 1
        if pieces % 7 == 0:
            state, records = task.state(), {m: rows.copy() for m, rows in task.records().items()}
            assert state.shape == (state_size(len(points), 70),)
            task = FieldLineTask.resumed(Unit(0, 0, 70), plan(unit, points, path=path), table(), state, 70, records)
    assert pieces > 40 and task.progress == 1.0
    assert np.array_equal(task.tally(), whole.tally()) and task.tally().any() != path
    assert task.records().keys() == whole.records().keys() == set(members)
    assert all(np.array_equal(task.records()[m], whole.records()[m]) for m in members)


def test_stored_lines_follow_the_field():
    r, points = starts(5), np.linspace(0, 2, 401)
    task = finished(FieldLineTask(Unit(0, 0, 5), plan(True, points, path=True, tolerance=1e-9), table(), r, [7, 9, 11, 13, 15]))
    rows = task.records()[11]
    assert rows.shape == (401, 6) and np.array_equal(rows[0, :3], r[2])
    b = WAVES.field(rows[:, :3]) + [0, 0, 1]
    assert np.allclose(rows[:, 3:], b / np.linalg.norm(b, axis=1)[:, None], atol=1e-10)
    assert np.allclose(rows[-1, :3] - r[2], exact(r[2:3], True, 2.0)[0], atol=1e-7)


def test_lines_that_have_arrived_go_behind():
    random = np.random.default_rng(1)
    for share in (0.0, 0.3, 0.9, 1.0):
        lines = random.uniform(size=(kernels.ROWS, 128))
        lines[kernels.LINE], lines[kernels.PLACE] = np.arange(128), np.where(random.uniform(size=128) < share, 6, 2)
        before, left = lines.copy(), int((lines[kernels.PLACE] < 6).sum())
        assert kernels.pack(lines, 6) == -(-left // 32) * 32
        assert np.all(lines[kernels.PLACE, :left] == 2) and np.all(lines[kernels.PLACE, left:] == 6)
        assert np.array_equal(before[:, lines[kernels.LINE].astype(int)], lines)


def test_idle_lanes_are_few():
    """Of the lanes that are evaluated, most make a step: lines do not wait for one another."""
    n, ends = 256, np.array([5.0])
    task = FieldLineTask(Unit(0, 0, n), plan(points=ends, count=n), table(), starts(n))
    work = kernels.advance(table(), 1.0, True, task._tableau, task._order, ends, 1e-6 * SHORTEST, 0.5 * SHORTEST, 1.0, 100_000,
                           task._lines, task._scratch, task._out)
    used = (task._lines[kernels.STEPS] + task._lines[kernels.REJECTED]).sum()
    assert 0.85 * work < used <= work
    assert task._lines[kernels.REJECTED].sum() < 0.2 * used


def test_tally_is_the_sum_over_the_lines():
    task = finished(FieldLineTask(Unit(0, 0, 50), plan(), table(), starts(50)))
    x, y, z = np.moveaxis(task._out[:, :, :50], 1, 0)
    rows = task.tally()[:-2].reshape(len(POINTS), kernels.MOMENTS)
    for column, values in enumerate((x, y, z, x * x, y * y, z * z, x * y, x * x * x * x, y * y * y * y, z * z * z * z)):
        assert np.allclose(rows[:, column], values.sum(axis=1), rtol=1e-12, atol=1e-15)
    real = task._lines[kernels.LINE] >= 0
    assert real.sum() == 50 and task.tally()[-2] == task._lines[kernels.STEPS, real].sum() > 50 * len(POINTS)
