"""A bad deck ends with status 2 and one message that says what, where and what would be allowed, for every problem.

The keys come from the schema of each problem found, so a new key or a new problem is tested without a line here.
"""

import builtins
import os
import stat

import pytest
from launch import mpirun

from hpccr import cli, units
from hpccr.deck.compound import Fractions, Integers, Measure
from hpccr.deck.keys import Choice, Flag, Integer, Number, Quantities, Quantity, Table, Text
from hpccr.deck.messages import toml
from hpccr.deck.reader import read
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
