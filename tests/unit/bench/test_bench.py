"""hpccr bench: what a benchmark returns is shown as rows, and as JSON with all there is; the cases of the study are found."""

import json

import pytest

from hpccr import bench
from hpccr.bench import cases, scaling
from hpccr.errors import InputError
from hpccr.problems import registry

ROW = {"name": "something", "value": 2.5, "unit": "times", "wanted": "at least 2"}


@pytest.mark.parametrize("result", [[ROW], {"rows": [ROW], "cases": {}}])
def test_rows_and_json(monkeypatch, capsys, result):
    monkeypatch.setattr(scaling, "measure", lambda: result)
    assert bench.run("scaling") == 0
    assert capsys.readouterr().out.split() == ["scaling", "something", "2.5", "times", "at", "least", "2"]
    assert bench.run("scaling", as_json=True) == 0
    assert json.loads(capsys.readouterr().out) == {"scaling": result}


def test_no_such_benchmark():
    with pytest.raises(InputError, match="scaling"):
        bench.run("scalling")


def test_every_problem_is_studied():
    """Those without sizes of their own at those of their engine; each deck can be read at both sizes, and is as large as asked."""
    found = cases.names()
    assert {problem for _, problem, _ in found} == set(registry.names())
    for name, problem, case in found:
        for mode, ranks in (("strong", 0), ("weak", 2)):
            size = case.size(mode, ranks)
            made = registry.load(problem)(cases.deck(problem, case, size, ranks))
            if cases.described(name)["engine"] == "ensemble":
                assert len(made.units()) == size[0] and max(unit.count for unit in made.units()) == size[1]
            else:
                assert (len(made.line()), len(made.lane())) == size


@pytest.mark.parametrize("problem", registry.names())
def test_a_problem_without_sizes_of_its_own(monkeypatch, problem):
    monkeypatch.setattr(cases, "CHOSEN", {})
    monkeypatch.setattr(cases, "_UNITS", {**cases._UNITS})
    (name, case), = [(name, case) for name, which, case in cases.names() if which == problem]
    assert name == problem and cases.deck(problem, case, case.size("weak", 4), 4).problem == problem
