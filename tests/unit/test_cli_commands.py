"""The command line: what it prints, how it exits, and that it imports little."""

import resource
import subprocess
import sys

import pytest

from hpccr import cli, driver
from hpccr.errors import RunError


@pytest.fixture
def hpccr(capsys, monkeypatch, tmp_path):
    """Call the command line in this process, in an empty directory: (status, stdout, stderr)."""
    monkeypatch.chdir(tmp_path)

    def call(*arguments):
        with pytest.raises(SystemExit) as exit_:
            cli.main(list(arguments))
        out, err = capsys.readouterr()
        return exit_.value.code, out, err

    return call


@pytest.fixture
def deck(tmp_path):
    (tmp_path / "run").mkdir()
    path = tmp_path / "run" / "mine.toml"
    path.write_text('# my own cloud\nproblem = "cloud"\n')
    return path


@pytest.mark.parametrize("arguments, parts", [
    (["chek", "x"], ["unknown command", "did you mean check?"]), (["run"], ["Missing argument 'DECK'"]),
    (["run", "mine", "--otu", "x"], ["No such option", "did you mean --out?"]), (["run", "mine", "more"], ["unexpected extra argument"]),
    (["run", "min"], ["no such deck", "did you mean mine?"]), (["run", "mine", "--walltime", "2"], ["--walltime: missing unit", "2h"]),
    (["restart", "d", "--walltime", "-2h"], ["out of range"]), (["check", "mine", "--", "-ts_type", "bdf"], ["after hpccr run"]),
    (["run", "mine", "--set", "source.radius"], ["section.key=value"]), (["list", "--deck", "clod"], ["did you mean cloud?"]),
    (["check", "mine", "--set", "source.radius=10 kyr"], ["[source] radius: wrong unit"]), (["check", "no/such.toml"], ["no such deck"])])
def test_a_wrong_word_is_status_2_and_one_message(hpccr, deck, arguments, parts):
    status, out, err = hpccr(*arguments)
    assert status == 2 and out == "" and err.startswith("hpccr: ") and err.count("hpccr: ") == 1
    assert "Traceback" not in err and all(part in err for part in parts), err


def test_list_tells_of_problems_and_decks(hpccr, deck):
    status, out, err = hpccr("list")
    assert (status, err) == (0, "") and "cloud" in out and "mine" in out and "my own cloud" in out
    for name in ("cloud", "mine", str(deck)):
        status, out, _ = hpccr("list", "--deck", name)
        assert status == 0 and "[source]" in out and "D_ism" in out and "cm2/s" in out
    assert hpccr("list", "--problem", "cloud")[1] == hpccr("list", "--deck", "mine")[1]


def test_run_hands_over_what_was_asked(hpccr, deck, monkeypatch):
    calls = []
    monkeypatch.setattr(driver, "run", lambda *given: calls.append(given) or 75)
    status, _, err = hpccr("run", "mine", "--set", "source.radius=20 pc", "--walltime", "2h", "--", "-ts_type", "bdf", "--", "-x")
    (resolved, out, walltime, petsc, resume), = calls
    assert not resume
    assert (status, err) == (75, "") and resolved.raw["source"]["radius"] == "20 pc"
    assert (out, walltime, list(petsc)) == ("mine", 7200.0, ["-ts_type", "bdf", "--", "-x"])


def test_the_quick_form_is_told_of_and_has_a_directory_of_its_own(hpccr, deck, monkeypatch):
    calls = []
    monkeypatch.setattr(driver, "run", lambda *given: calls.append(given) or 0)
    assert "it has no [quick]" in hpccr("run", "mine", "--quick")[1]
    deck.write_text(deck.read_text() + "[quick]\naxes.z.cells = 40\n")
    status, out, err = hpccr("run", "mine", "--quick", "--set", "axes.p.cells=4")
    assert (status, err) == (0, "") and "axes.z.cells = 40" in out
    (_, plain, *_), (resolved, directory, *_) = calls
    assert (plain, directory) == ("mine", "mine_quick") and (resolved.axes.z.cells, resolved.axes.p.cells) == (40, 4)
    assert hpccr("check", "mine", "--quick")[0] == 0


def test_a_failing_run_is_status_1_and_an_interrupt_130(hpccr, deck, monkeypatch):
    def fail(*given):
        raise RunError("the disk is full")

    def interrupt(*given):
        raise KeyboardInterrupt

    monkeypatch.setattr(driver, "restart", fail)
    assert hpccr("restart", ".") == (1, "", "hpccr: the disk is full\n")
    monkeypatch.setattr(driver, "restart", interrupt)
    assert hpccr("restart", ".")[0] == 130


def test_help_is_printed_without_a_word(hpccr):
    assert hpccr()[0] == 0 and hpccr("--help")[1] == hpccr()[1]


def test_reading_a_deck_needs_neither_mpi_nor_petsc_nor_a_compiler(deck):
    """`hpccr check` must end within 2 s."""
    code = ("import sys; from hpccr import cli; cli._read(sys.argv[1], ()).as_toml(); "
            "print([m for m in ('mpi4py.MPI', 'petsc4py.PETSc', 'h5py', 'numba') if m in sys.modules])")
    done = subprocess.run([sys.executable, "-c", code, str(deck)], capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == "[]", done.stderr


def test_check_ends_within_two_seconds(deck, tmp_path):
    """Of a processor's time, for the machine may be busy: the whole process, imports included; the best of three."""
    def spent():
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        return used.ru_utime + used.ru_stime

    def once():
        before = spent()
        done = subprocess.run([sys.executable, "-m", "hpccr", "check", str(deck)], capture_output=True, text=True, timeout=60,
                              cwd=tmp_path)
        assert done.returncode == 0 and "Alfven speed" in done.stdout, done.stderr
        return spent() - before

    assert min(once() for _ in range(3)) < 2.0


def test_what_the_system_refuses_is_one_message(hpccr, monkeypatch):
    def refuse(path):
        raise FileNotFoundError(2, "No such file or directory", "gone.h5")

    monkeypatch.setattr(driver, "info", refuse)
    assert hpccr("info", "x") == (1, "", "hpccr: gone.h5: No such file or directory\n")
