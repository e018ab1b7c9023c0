"""Axes of pitch-angle transport, laws of focusing, face values on any cells, and tables in text files."""

import numpy as np
import pytest
from simulate import order

from hpccr.errors import InputError
from hpccr.grid.axis import powers, spaced
from hpccr.grid.tube import Pitch, Tube
from hpccr.operators.scattering import bernoulli, finite_volumes
from hpccr.operators.streaming import face_weights
from hpccr.physics import focusing, pitch_angle, tables

LAWS = {"uniform": focusing.uniform(0.7), "nozzle": focusing.nozzle(-1.5, 0.8), "table": focusing.table([-1.0, 0.0, 0.5, 2.0], [0.5, 1.0, -1.0, 0.3])}


@pytest.mark.parametrize("law", LAWS.values(), ids=LAWS)
def test_area_belongs_to_sigma(law):
    """d ln A/dz = σ, by central differences of second order, also beyond the ends of a table."""
    z, h = np.linspace(-3, 4, 57) + 1e-3, 1e-4
    assert (law.log_area(z + h) - law.log_area(z - h)) / (2 * h) == pytest.approx(law.sigma(z), abs=2e-4)


@pytest.mark.parametrize("law", LAWS.values(), ids=LAWS)
def test_a_tube_measures_its_cells(law):
    tube = Tube("z", spaced(40, -2.0, 3.0, "sinh", 0.0, 0.5), law)
    assert tube.areas[0] == 1.0
    fine = Tube("z", np.interp(np.arange(0, 40.05, 0.1), np.arange(41), tube.faces), law)
    assert fine.volumes.reshape(40, 10).sum(axis=1) == pytest.approx(tube.volumes, rel=2e-5)      # a table has kinks
    assert tube.sigma * tube.volumes == pytest.approx(np.diff(tube.areas), rel=1e-12)
    # Only what lies between the limits counts.
    inside = tube.integral(np.ones_like, -0.31, 1.17)
    assert inside.sum() == pytest.approx(Tube("z", np.linspace(-0.31, 1.17, 200), law).volumes.sum() * tube.area(-0.31), rel=1e-5)


@pytest.mark.parametrize("spacing", ["uniform", "graded", "legendre"])
@pytest.mark.parametrize("cells", [2, 7, 64])
def test_pitch_cells_are_symmetric_and_mean_what_they_should(spacing, cells):
    pitch = Pitch(cells, spacing)
    assert pitch.widths.sum() == pytest.approx(2, rel=1e-14) and (pitch.centers == -pitch.centers[::-1]).all() and (pitch.widths == pitch.widths[::-1]).all()
    assert (np.diff(pitch.centers) > 0).all() and pitch.cosines[-1] <= 1
    if cells > 2 or spacing != "uniform":
        assert pitch.widths @ pitch.cosines**2 == pytest.approx(2 / 3, rel=1e-12)
    if spacing == "graded" and cells == 64:
        assert pitch.widths[31] < 0.15 * 2 / 64 and pitch.widths[0] < 0.35 * 2 / 64 and pitch.widths.max() > 2 / 64


@pytest.mark.parametrize("ends, exact", [(("open", "open"), 3), (("wall", "wall"), 5), (("open", "wall"), 3)])
@pytest.mark.parametrize("law", [focusing.uniform(0.0), *LAWS.values()])
def test_face_values_are_those_of_polynomials(ends, exact, law):
    """On uneven cells of any area polynomials of degree 4 have exact face values, next to open ends of lower degree."""
    tube = Tube("z", spaced(24, -1.0, 2.0, "sinh", 0.3, 0.4), law)
    forward, backward = face_weights(tube, ends, 0, 24)
    for degree in range(5):
        power = np.polynomial.Polynomial.basis(degree)
        average = tube.average(lambda z: power(z - 0.4))
        padded = np.concatenate([np.zeros(3), average, np.zeros(3)])
        for weights, offset in ((forward, 0), (backward, 1)):
            values = sum(weights[k] * padded[np.arange(25) + offset + k] for k in range(5))
            inside = slice(4, -4)
            assert values[inside] == pytest.approx(power(tube.faces[inside] - 0.4), abs=1e-11)
    # Every value is a mean, but for inflow through an open end.
    for weights, inflow in ((forward, 0), (backward, 24)):
        sums = weights.sum(axis=0)
        open_end = ends[0 if inflow == 0 else 1] == "open"
        assert np.delete(sums, inflow) == pytest.approx(1.0, abs=1e-12) and sums[inflow] == pytest.approx(0.0 if open_end else 1.0, abs=1e-12)


def test_a_part_of_the_faces_is_the_same_as_in_the_whole():
    tube = Tube("z", spaced(30, 0.0, 1.0, "sinh", 0.2, 0.1), LAWS["nozzle"])
    whole = face_weights(tube, ("open", "wall"), 0, 30)
    for first, count in ((0, 11), (11, 9), (20, 10)):
        for part, every in zip(face_weights(tube, ("open", "wall"), first, count), whole):
            assert part == pytest.approx(every[:, first:first + count + 1], abs=1e-12)


def test_weights_of_the_exponential_fit():
    p = np.array([-30.0, -1.0, -1e-9, 0.0, 1e-9, 1.0, 30.0, 800.0])
    assert bernoulli(-p[:-1]) - bernoulli(p[:-1]) == pytest.approx(p[:-1], abs=1e-12)
    assert (bernoulli(p) >= 0).all() and bernoulli(p)[3] == 1.0


@pytest.mark.parametrize("law", [pitch_angle.isotropic(), pitch_angle.power(1.7), pitch_angle.filled(1.9, 1e-3)], ids=lambda law: law.name)
@pytest.mark.parametrize("drift", [-3.0, 0.0, 0.8])
def test_scattering_keeps_number_and_leaves_its_equilibrium(law, drift):
    """Σ Δμ S f = 0; S exp(v W) = 0 exactly; outside the diagonal all entries are positive."""
    pitch = Pitch(20, "graded")
    lower, diag, upper = finite_volumes(pitch, law, np.array([drift]))
    S = np.diag(upper[:-1, 0], 1) + np.diag(lower[1:, 0], -1) - np.diag(diag[:, 0])
    assert np.abs(pitch.widths @ S).max() < 1e-12 * np.abs(S).max()
    assert np.abs(S @ np.exp(drift * law.W(pitch.centers))).max() < 1e-9 * np.abs(S).max()
    assert (S[~np.eye(20, dtype=bool)] >= 0).all() and (np.diag(S) < 0).all()


@pytest.mark.parametrize("text, words", [("", "too short"), ("1 2\n", "too short"), ("1 2\n3\n", "line 2: not a line"), ("1 2\nx 3\n", "line 2: not a line"),
                                         ("1 2\n1 3\n", "line 2: mu must rise"), ("1 nan\n2 3\n", "not a finite")])
def test_bad_tables_are_refused(tmp_path, text, words):
    path = tmp_path / "table.txt"
    path.write_text(text)
    with pytest.raises(InputError) as error:
        tables.read(path, "table of D", ("mu", "D"))
    assert words in str(error.value).replace("\n  given", "") and str(path) in str(error.value)


def test_a_table_is_read_without_its_comments(tmp_path):
    path = tmp_path / "table.txt"
    path.write_text("# mu D\n-1 2.5   # first\n\n 1 3e-1\n")
    assert tables.read(path, "table of D", ("mu", "D")).tolist() == [[-1.0, 1.0], [2.5, 0.3]]
    with pytest.raises(InputError, match="cannot be read"):
        tables.read(tmp_path / "none", "table of D", ("mu", "D"))


def test_moments_of_cell_averages_are_those_of_f_on_uneven_cells():
    """⟨z²⟩ = 1 and ⟨z⁴⟩ = 3 of a Gaussian, about another place than 0: fourth order in the cells of a sinh axis."""
    def errors(cells):
        tube = Tube("z", spaced(cells, -10.0, 10.0, "sinh", 0.5, 1.0), focusing.uniform(0.0))
        content = tube.integral(lambda z: np.exp(-0.5 * np.square(z - 0.5))) / np.sqrt(2 * np.pi)
        return np.abs(powers(tube.faces, 0.5) @ content - [1, 0, 1, 3])

    found = np.array([errors(cells) for cells in (40, 80, 160)])
    assert (order(found[:, 2]) > 3.5).all() and (order(found[:, 3]) > 3.0).all() and (found[-1] < 1e-5).all(), found
