"""postprocess/scaling.py as a user starts it: figures, tables and predictions of a study whose laws are known, and what it says to bad input."""

import json

import pytest
import studies
from figures import both, draw_alone, drawn

pytest.importorskip("matplotlib")

ALL = both("scaling_steps", "scaling_output", "scaling_held", "scaling_predicted")
TABLE = "mode,ranks,steps,seconds,seconds_per_step\nstrong,1,100,50,0.5\nweak,1,100,50,0.5\nstrong,4,100,20,0.2\nweak,4,100,62.5,0.625\n"


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """The file of a study."""
    path = tmp_path_factory.mktemp("study") / "scaling.json"
    path.write_text(json.dumps(studies.study()))
    return path


def test_needs_neither_mpi_nor_petsc(study, tmp_path):
    done = draw_alone("scaling", study, "--out", tmp_path / "out")
    assert done.returncode == 0 and not done.stderr, done.stderr
    assert drawn(tmp_path / "out") == ALL


@pytest.mark.filterwarnings("error")
def test_figures_and_tables(study, tmp_path, inside):
    """Every case is in the tables, and what grows too fast: the bytes of an output, which were made to."""
    status, out, err = inside("scaling", study, "--out", tmp_path / "out", "--table", tmp_path / "S.md")
    assert status == 0 and not err and drawn(tmp_path / "out") == ALL
    text = (tmp_path / "S.md").read_text()
    assert all(text.count(f"| {name} |") >= 6 for name in studies.CASES), text
    assert "Faster than log P" in text
    assert text.count("| a snapshot and a checkpoint | bytes from collectives | P |") == len(studies.CASES)
    assert "2 µs a message, 3 µs a reduction, 10 GB/s" in text and "1.00 |" in text


@pytest.mark.filterwarnings("error")
def test_a_study_of_two_ranks(tmp_path, inside):
    (tmp_path / "s.json").write_text(json.dumps(studies.study((1, 2))))
    status, _, err = inside("scaling", tmp_path / "s.json", "--out", tmp_path / "out", "--table", tmp_path / "S.md")
    assert status == 0 and not err and drawn(tmp_path / "out") == ALL


def test_a_prediction(study, tmp_path, inside, monkeypatch):
    """The seconds of the laws from which the study was made, on a machine with the latency and bandwidth given; no figures."""
    monkeypatch.chdir(tmp_path)
    machine = "--latency", "3us", "--bandwidth", "10 GB/s"
    status, out, err = inside("scaling", study, "--problem", "angles", "--cells", "8192", "--lanes", "64", "--ranks", "256", *machine)
    counts = studies.sent("kinetic", False, (8192, 64), 256)
    wanted = studies.seconds("kinetic", (8192, 64), 256) + counts["messages"] * 1e-6        # a message takes 3 instead of 2 µs
    assert status == 0 and not err and not list(tmp_path.iterdir())
    assert f"a step         {wanted:.4g} s" in out and "compute" in out and "speed-up" in out
    status, out, err = inside("scaling", study, "--problem", "members", "--units", "1000", "--members", "64", "--ranks", "256", *machine)
    assert status == 0 and not err and "1000 units of 64 members on 256 ranks" in out


def test_of_several_cases_those_that_know_the_cut(study, inside):
    """So many ranks cut lines, which only one of the two cases was measured with."""
    status, out, err = inside("scaling", study, "--problem", "mixed", "--cells", "4096", "--lanes", "64", "--ranks", "256")
    assert status == 0 and not err and out.startswith("mixed, lines: ") and "mixed, lanes" not in out


@pytest.mark.filterwarnings("error")
def test_measured_runs(tmp_path, inside):
    (tmp_path / "runs.csv").write_text(TABLE)
    status, out, err = inside("scaling", "--measured", tmp_path / "runs.csv", "--out", tmp_path / "out")
    assert status == 0 and not err and drawn(tmp_path / "out") == both("scaling_measured")
    assert "strong 4 ranks: 0.2 s a step, speed-up 2.5" in out and "weak 4 ranks: 0.625 s a step, efficiency 0.8" in out


@pytest.mark.parametrize("arguments, words", [
    ([], "neither a study nor measured runs"), (["missing.json"], "no such file"), (["deck.toml"], "cannot be read"),
    (["{}"], "not a scaling study"),
    (["S", "--latency", "3 kg"], "--latency"), (["S", "--problem", "clowd", "--cells", "8"], "no such case"),
    (["S", "--problem", "angles"], "the size is missing"),
    (["S", "--problem", "members", "--cells", "8"], "--units"), (["S", "--problem", "angles", "--cells", "0"], "--cells"),
    (["S", "--problem", "angles", "--cells", "64", "--lanes", "8", "--ranks", "64"], "cannot be shared"),
    (["--measured", "missing.csv"], "cannot be read"), (["--measured", "empty.csv"], "no runs yet"),
    (["--measured", "other.csv"], "not a table")])
def test_bad_input(study, tmp_path, inside, monkeypatch, arguments, words):
    monkeypatch.chdir(tmp_path)
    for name, text in (("deck.toml", "problem = 1"), ("empty.csv", TABLE.splitlines()[0]), ("other.csv", "a,b\n1,2\n"), ("{}", "{}")):
        (tmp_path / name).write_text(text)
    status, _, err = inside("scaling", *(study if word == "S" else word for word in arguments))
    assert status == 2 and words in err and "Traceback" not in err
