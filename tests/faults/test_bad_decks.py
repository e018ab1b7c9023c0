"""A bad deck ends with status 2 and one message that says what, where and what would be allowed, for every problem.

The keys come from the schema of each problem found, so a new key or a new problem is tested without a line here.
"""

import builtins
import os
import stat
import subprocess
import sys

import pytest
from jobs import deck, ensembles, kinds, small
from launch import environment, mpirun, succeed

from hpccr import cli, driver, parallel, units
from hpccr.deck.common import no_option
from hpccr.deck.compound import Fractions, Integers, Measure
from hpccr.deck.keys import Choice, Flag, Integer, Number, Quantities, Quantity, Table, Text
from hpccr.deck.messages import toml
from hpccr.deck.reader import read
from hpccr.deck.schema import Section
from hpccr.errors import InputError
from hpccr.problems import registry

KEYS = [(problem, section, key, kind) for problem in registry.names() for section in registry.load(problem).sections
        for key, kind in section.keys.items()]
each_key = pytest.mark.parametrize("problem, section, key, kind", KEYS, ids=[f"{p}-{s.name}.{k}" for p, s, k, _ in KEYS])


def wrong_values(kind):
    """Plain values that a key of this kind must refuse, as TOML text."""
    anything = ["[[1]]", "{ x = 1 }", "2020-01-01"]
    if isinstance(kind, Quantity):
        other = "5 kyr" if kind.unit != "s" else "5 pc"
        each = ["5", "5.0", "nan", "inf", "true", '""', '"5"', '"pc"', f'"nan {kind.unit}"', f'"inf {kind.unit}"', '"5 furlong"',
                toml(other), f'"5 {kind.unit}2"', *beyond(kind)]
        if not kind.unit:
            each = ["nan", "inf", "true", '""', '"5"', '"5 pc"', *beyond(kind)]
        if isinstance(kind, Quantities):
            # Times may also be one interval.
            return anything + (["5"] if kind.unit else []) + ["true"] + [f"[{one}]" for one in each]
        if isinstance(kind, Table):
            x, y = kind.columns
            return anything + each + [f'{{ {x} = ["1 GeV"], {y} = [{one}] }}' for one in each] + [
                f'{{ {x} = ["1 {kind.over}"] }}', f"{{ {x} = [], {y} = [] }}"]
        return anything + each + ["[]", '["1 pc"]']
    if isinstance(kind, Measure):
        numbers = ["nan", "inf", "true", '""', f'"nan {kind.unit}"', '"5 furlong"', '"5 K"', "[1]", "[]"]
        return anything + numbers + (["0", "-1.0", f'"-1 {kind.unit}"'] if kind.positive else [])
    if isinstance(kind, Fractions):
        one, *others = kind.words
        return ["1", '"1"', "[1]", "{}", f"{{ {one}x = 1.0 }}", f"{{ {one} = 0.5 }}", f"{{ {one} = 2.0, {others[0]} = -1.0 }}", f'{{ {one} = "1" }}']
    if isinstance(kind, Integers):
        return anything + ["1", "true", '["1"]', "[1.5]", *(f"[{one}]" for one in beyond(kind))]
    if isinstance(kind, (Number, Integer)):
        fraction = ["1.5", "1e3"] if isinstance(kind, Integer) else []
        return anything + ["true", '"1"', "nan", "inf", "[1]"] + fraction + beyond(kind)
    if isinstance(kind, Text):
        return anything + ["1", "true"]
    return anything + {Flag: ["0", "1", '"true"', "nan"], Choice: ["1", "true", '"no such word"', '""']}[type(kind)]


def beyond(kind):
    """Values just outside the limits of a bounded key, as TOML text."""
    def written(value):
        if isinstance(kind, Quantity) and kind.unit:
            return toml(f"{value!r} {kind.unit}")
        return toml(int(value) if isinstance(kind, Integer) else float(value))

    def plain(limit):
        return units.parse(limit, kind.unit) if isinstance(kind, Quantity) else limit

    margin = (lambda v: 1) if isinstance(kind, Integer) else (lambda v: 1e-3 * abs(v) or 1e-3)
    result = []
    if kind.low is not None:
        result.append(written(plain(kind.low) - margin(plain(kind.low))))
    if kind.high is not None:
        result.append(written(plain(kind.high) + margin(plain(kind.high))))
    if kind.positive:
        result += [written(0.0), written(-1.0)]
    return result


def message(path, *overrides):
    with pytest.raises(InputError) as error:
        read(path, overrides, problems=registry)
    return str(error.value)


def write(path, problem, section, line):
    path.write_text(f"problem = {toml(problem)}\n\n[{section.name}]\n{line}\n", encoding="utf-8")
    return str(path)


@each_key
def test_a_misspelt_key_is_refused_and_the_right_one_offered(tmp_path, problem, section, key, kind):
    path = write(tmp_path / "deck.toml", problem, section, f"{key}x = 1")
    text = message(path)
    assert text.startswith(f"{path}, [{section.name}] {key}x: unknown key\n  given    {key}x = 1\n  allowed  ") and key in text
    assert text.endswith(f"did you mean {key}?"), text
    good = tmp_path / "good.toml"
    good.write_text(f"problem = {toml(problem)}\n")
    text = message(good, f"{section.name}.{key}x=1")
    assert text.startswith(f"--set {section.name}.{key}x: unknown key") and text.endswith(f"did you mean {section.name}.{key}?"), text


@each_key
def test_a_wrong_value_is_refused_with_what_is_allowed(tmp_path, problem, section, key, kind):
    for value in wrong_values(kind):
        line = f"{key} = {value}"
        path = write(tmp_path / "deck.toml", problem, section, line)
        text = message(path)
        assert text.startswith(f"{path}, [{section.name}] {key}: "), f"{line}\n{text}"
        assert "\n  given    " in text and "\n  allowed  " in text and len(text.splitlines()) <= 4, f"{line}\n{text}"


@each_key
def test_a_default_is_a_value_that_the_deck_takes(tmp_path, problem, section, key, kind):
    path = tmp_path / "deck.toml"
    path.write_text(f"problem = {toml(problem)}\n")
    raw = read(path, problems=registry).raw[section.name][key]
    if raw is not None:
        written = write(path, problem, section, f"{key} = {toml(raw)}")
        assert read(written, problems=registry).raw[section.name][key] == raw
    assert kind.meaning and "\n" not in kind.meaning


@pytest.mark.parametrize("problem", registry.names())
def test_the_echo_of_every_problem_reads_back(tmp_path, problem):
    path, echo = tmp_path / "deck.toml", tmp_path / "echo.toml"
    path.write_text(f"problem = {toml(problem)}\n")
    deck = read(path, problems=registry)
    echo.write_text(deck.as_toml(), encoding="utf-8")
    assert read(echo, problems=registry).digest() == deck.digest()


@pytest.fixture
def files(tmp_path):
    """Paths that are no decks, by name."""
    paths = {name: tmp_path / name for name in ("empty", "binary", "directory", "missing", "syntax", "misspelt", "fifo", "unreadable")}
    paths["empty"].write_text("")
    paths["binary"].write_bytes(bytes(range(256)))
    paths["directory"].mkdir()
    paths["syntax"].write_text('problem = "cloud"\n[source\n')
    paths["misspelt"].write_text('problem = "cloud"\n[source]\nradus = "20 pc"\n')
    os.mkfifo(paths["fifo"])
    paths["unreadable"].write_text('problem = "cloud"\n')
    paths["unreadable"].chmod(0)
    return paths


WORDS = {"empty": "empty deck", "binary": "binary file", "directory": "a directory", "missing": "no such deck", "syntax": "line 2",
         "misspelt": "did you mean radius?", "fifo": "not a regular file", "unreadable": "cannot be read: Permission denied"}


@pytest.mark.parametrize("command", ["check", "run"])
@pytest.mark.parametrize("name", WORDS)
def test_a_bad_file_is_status_2_and_one_message(files, tmp_path, capsys, monkeypatch, command, name):
    monkeypatch.chdir(tmp_path)
    if os.geteuid() == 0:       # nothing is unreadable to root; the system's answer to others is put in its place
        real = builtins.open

        def refuse(file, *args, **kwargs):
            if not isinstance(file, int) and os.path.exists(file) and not stat.S_IMODE(os.stat(file).st_mode):
                raise PermissionError(13, "Permission denied", file)
            return real(file, *args, **kwargs)

        monkeypatch.setattr(builtins, "open", refuse)
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(SystemExit) as exit_:
        cli.main([command, str(files[name])])
    out, err = capsys.readouterr()
    assert exit_.value.code == 2 and out == "" and err.count("hpccr: ") == 1 and err.startswith(f"hpccr: {files[name]}")
    assert WORDS[name] in err and "Traceback" not in err
    assert sorted(tmp_path.rglob("*")) == before        # nothing was created


@pytest.mark.parametrize("ranks, arguments, words", [
    (0, ["check", "misspelt"], "did you mean radius?"), (1, ["run", "binary"], "binary file"), (4, ["run", "misspelt"], "did you mean radius?"),
    (4, ["run", "directory"], "a directory"), (4, ["rum", "misspelt"], "did you mean run?"),
    (4, ["check", "empty"], "empty deck")])
def test_all_ranks_end_with_one_message(files, tmp_path, ranks, arguments, words):
    """As programs: no traceback, no hang, and rank 0 is heard before the launcher ends the others."""
    done = mpirun(ranks, ["-m", "hpccr", *arguments], cwd=tmp_path)
    assert done.returncode == 2, done.stderr
    assert done.stderr.count("hpccr: ") == 1 and words in done.stderr and "Traceback" not in done.stderr and done.stdout == ""


@pytest.mark.parametrize("error, status, words", [("RunError('alone')", 1, "hpccr: rank 1: alone"), ("KeyError('slip')", 1, "hpccr: rank 1:\n")])
def test_a_rank_alone_with_its_error_ends_the_job(tmp_path, error, status, words):
    """A slip of ours: rank 1 fails where nobody expects it, and rank 0 waits for it in a sum."""
    (tmp_path / "deck.toml").write_text('problem = "cloud"\n')
    code = f"""
from hpccr import cli, driver, parallel
from hpccr.errors import RunError
def run(*given):
    if parallel.world().rank == 1:
        raise {error}
    parallel.world().sum(1.0)
driver.run, cli._PATIENCE = run, 0.5
cli.main(["run", "deck.toml"])
"""
    done = mpirun(2, code, timeout=30, cwd=tmp_path)
    assert done.returncode == status and words in done.stderr, done.stderr


def test_processes_that_mpi_does_not_join_are_told(tmp_path):
    """As under a launcher of another MPI: two processes, each a world of one. Neither makes a run, and it is said once."""
    (tmp_path / "bare").write_text("#!/bin/bash\nunset $(env | grep -oE '^(PMIX|OMPI_MCA_(ess|orte|pmix))[A-Za-z0-9_]*')\n"
                                   f'exec {sys.executable} "$@"\n')
    (tmp_path / "bare").chmod(0o755)
    done = subprocess.run(["mpirun", "-n", "2", str(tmp_path / "bare"), "-m", "hpccr", "run", "transport_slab", "--out", "out"], env=environment(),
                          cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert done.returncode == 2 and done.stderr.count("hpccr: ") == 1 and not (tmp_path / "out").exists(), done.stderr
    assert "the launcher and MPI do not find each other" in done.stderr and "2 processes; mpi4py with Open MPI" in done.stderr


def refused(capsys, *words):
    """What the command line says when it refuses these words."""
    with pytest.raises(SystemExit) as exit_:
        cli.main(list(words))
    out, err = capsys.readouterr()
    assert exit_.value.code == 2 and out == "" and err.count("hpccr: ") == 1, err
    return err


def test_what_a_terminal_would_obey_or_hide_is_written_out(tmp_path, capsys):
    path = tmp_path / "deck.toml"
    path.write_text('problem = "cloud"\n[medium]\nphase = "\\u001b[31mred\\u202e"\n"\\u0085x" = 1\n', encoding="utf-8")
    err = refused(capsys, "check", str(path))
    assert "\\x85x" in err and all(c.isprintable() or c == "\n" for c in err), ascii(err)
    err = refused(capsys, "check", "cloud_quick", "--set", "medium.phase=a\rb\nc\x1b[2Jd")
    assert "\\u001b[2Jd" in err and len(err.splitlines()) == 3 and all(c.isprintable() or c == "\n" for c in err), ascii(err)


def test_a_value_set_twice_is_refused_and_both_are_shown_in_short(capsys):
    err = refused(capsys, "check", "cloud_quick", "--set", f"medium.phase={'x' * 500}", "--set", "medium.phase=WNM")
    assert "set twice" in err and "\n  allowed  each key once" in err and "…" in err and len(err) < 400


def test_no_distances_at_all_are_refused(tmp_path):
    text = message(write(tmp_path / "deck.toml", "cloud", Section("diagnostics", ""), "distances = []"))
    assert "distances: 0 values" in text and "allowed  1 to" in text


def test_petsc_options_cannot_be_varied_and_others_can(tmp_path):
    text = message(write(tmp_path / "deck.toml", "cloud", Section("scan", ""), '"solver.petsc" = ["-ksp_type gmres", ""]'))
    assert "[scan] solver.petsc: this key cannot be varied" in text and "\n  allowed  " in text


@pytest.mark.parametrize("problem", [name for name in registry.names() if registry.load(name).engine != "ensemble"])
def test_more_cells_than_an_integer_counts_are_refused(tmp_path, problem):
    axes = [section for section in registry.load(problem).sections if section.name.startswith("axes.")]
    lines = "\n".join(f"[{axis.name}]\ncells = {axis.keys['cells'].high}" for axis in axes)
    path = tmp_path / "deck.toml"
    path.write_text(f"problem = {toml(problem)}\n{lines}\n")
    text = message(path)
    assert "cells on all axes together" in text and "\n  allowed  at most 5e+08" in text


@pytest.mark.parametrize("name", [*kinds(), *ensembles()])
def test_a_run_beyond_the_memory_of_the_machine_is_refused_and_leaves_nothing(tmp_path, solo, monkeypatch, name):
    monkeypatch.setattr(parallel, "_machine_memory", lambda: 100.0 * 2**20)
    path = small(tmp_path / "deck.toml", name)
    with pytest.raises(InputError, match="this run needs more memory than there is\n  given    about .* MiB\n  allowed  100 MiB"):
        driver.run(read(path, problems=registry), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_groups_of_ranks_share_the_memory_of_their_machine(tmp_path):
    """And a process has no more than its shell allows."""
    code = """
import resource
from hpccr import parallel
world = parallel.world()
one, all_ = world.split(world.rank, 0), world.split(0, world.rank)
assert world.memory() == all_.memory() == 2 * one.memory() > 100 * 2**20
resource.setrlimit(resource.RLIMIT_AS, (1 << 60, resource.RLIM_INFINITY))
assert one.memory() == world.memory() / 2
parallel._machine_memory = lambda: 2.0**62
assert one.memory() == 2.0**60
"""
    succeed(2, code, cwd=tmp_path)


def test_a_point_without_memory_leaves_the_others(tmp_path):
    """By the shell's limit before it begins, or in the middle of it: noted as failed, and the scan ends with 1."""
    path = write(tmp_path / "deck.toml", "transport", Section("scan", ""), '"axes.r.cells" = [32, 300000]')
    words = [sys.executable, "-m", "hpccr", "scan", path, "--out", "limited", "--set", "axes.p.cells=49", "--set", "time.end=1 yr"]
    done = subprocess.run(["bash", "-c", 'ulimit -v 3000000; exec "$@"', "-", *words], env=environment(), cwd=tmp_path, capture_output=True,
                          text=True, timeout=120)
    assert done.returncode == 1 and "Traceback" not in done.stderr and "1 of 2 points failed; all others are finished" in done.stderr, done.stderr
    assert "needs more memory" in done.stderr and len(list(tmp_path.glob("limited/points/*/summary.json"))) == 1
    code = f"""
from hpccr import cli, driver
from hpccr.driver import grid
start = grid.GridJob.start
def short(job):
    if job.deck.axes.r.cells > 32:
        raise MemoryError("Unable to allocate 9 GiB")
    start(job)
grid.GridJob.start = short
cli.main(["scan", "deck.toml", "--out", "short", "--set", "time.end=1 yr", "--set", "scan.axes.r.cells=[32, 64]"])
"""
    done = subprocess.run([sys.executable, "-c", code], env=environment(), cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert done.returncode == 1 and "Traceback" not in done.stderr and "1 of 2 points failed" in done.stderr, done.stderr
    assert "Unable to allocate 9 GiB" in done.stderr and len(list(tmp_path.glob("short/points/*/summary.json"))) == 1


def test_an_ensemble_takes_memory_on_each_rank():
    chosen = deck("orbits_quick")
    problem = registry.load(chosen.problem)(chosen)
    one, many = (driver.ensemble.EnsembleJob.memory(problem, ranks) for ranks in (1, 100))
    assert many > 99 * problem.seconds()[1] + one


def test_the_memory_of_the_machine_is_that_of_its_kernel_at_most(solo):
    assert 2**26 < solo.memory() <= os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def test_a_cooling_table_is_found_beside_its_deck(tmp_path, monkeypatch):
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "table.txt").write_text("4 -23\n6 -22\n8 -22.5\n")
    path = write(tmp_path / "there" / "deck.toml", "feedback", Section("gas", ""), 'cooling_table = "table.txt"')
    monkeypatch.chdir(tmp_path)
    assert "density" in driver.check(read(path, problems=registry))
    path = write(tmp_path / "there" / "deck.toml", "feedback", Section("gas", ""), 'cooling_table = "tabel.txt"')
    assert "[gas] cooling_table: tabel.txt: there is no such file" in message(path)
    # A run keeps the whole path in its deck, which is UTF-8.
    odd = tmp_path / os.fsdecode(b"d\xe9ck")
    odd.mkdir()
    (odd / "table.txt").write_text("4 -23\n6 -22\n8 -22.5\n")
    monkeypatch.chdir(odd)
    path = write(tmp_path / "there" / "deck.toml", "feedback", Section("gas", ""), 'cooling_table = "table.txt"')
    with pytest.raises(InputError, match="cooling_table: a deck is UTF-8, and the name"):
        driver.check(read(path, problems=registry))


def test_a_file_that_is_not_there_is_refused_even_where_it_is_not_used(tmp_path):
    """By check as by run, which keeps its whole path."""
    path = write(tmp_path / "deck.toml", "focused", Section("transport", ""), 'table = "missing.txt"')
    with pytest.raises(InputError, match="table: missing.txt: there is no such file"):
        driver.check(read(path, problems=registry))


def test_petsc_options_that_are_none_are_refused_before_the_run(tmp_path):
    text = message(write(tmp_path / "deck.toml", "transport", Section("solver", ""), 'petsc = "ksp_rtol 1e-6"'))
    assert "[solver] petsc: not a PETSc option" in text and '\n  allowed  "-name [value]"' in text
    for none in ("-", "--", "-ksp_rtol 1e-6 -", "-ksp_rtol nan", "-ts_adapt_clip 0.1,-NaN", "-ts_dt NAN(7)"):
        assert "not a PETSc option" in message(write(tmp_path / "deck.toml", "transport", Section("solver", ""), f'petsc = "{none}"'))
    assert no_option("-log_view nan.txt,nancy".split()) is None
    text = refusal(tmp_path, 'petsc = "-snes_type nonsense"')
    assert text.startswith("[solver] petsc, or after --: PETSc does not accept these options")
    for kind in ("alpha2", "glee"):        # glee would leave the state as it was
        text = refusal(tmp_path, f'petsc = "-ts_type {kind}"')
        assert text.startswith("[solver] petsc, or after --: this time stepping is not possible here") and "allowed  rosw, " in text


def refusal(tmp_path, line):
    """What a run of problem transport says to PETSc options, from a process of its own: PETSc keeps them."""
    path = write(tmp_path / "deck.toml", "transport", Section("solver", ""), line)
    done = mpirun(1, ["-m", "hpccr", "run", path, "--out", str(tmp_path / "run")], cwd=tmp_path)
    assert done.returncode == 2 and not (tmp_path / "run").exists(), done.stderr
    return done.stderr.partition("hpccr: ")[2]


@pytest.mark.parametrize("cut, kind", [('p_low = "1e12 GeV"', "wave"), ('p_low = "1e12 GeV"', "cloud"), ('p_high = "1e-9 GeV"', "tube")])
def test_a_cut_off_that_leaves_no_cosmic_rays_is_refused(tmp_path, cut, kind):
    path = write(tmp_path / "deck.toml", "feedback", Section("source", ""), f"{cut}\n[initial]\nkind = {toml(kind)}")
    with pytest.raises(InputError, match=f"(?s){cut[:5]}.*no CRs between the ends of the p axis\n  given .*\n  allowed"):
        driver.check(read(path, problems=registry))
