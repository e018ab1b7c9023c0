"""The cost model finds the laws from which counts and times were made, and predicts by them far beyond."""

import math

import numpy as np
import pytest
import studies

from hpccr.bench import cost_model
from hpccr.errors import InputError

P = np.array(studies.RANKS[1:], float)


@pytest.mark.parametrize("values, law", [
    (0 * P, "none"), (7 + 0 * P, "constant"), (100 * (1 + 0.01 * np.cos(P)), "constant"), (np.minimum(P, 3), "constant"),
    (np.where(P < 4, 0, 5), "constant"), (3 + 2 * np.log2(P), "log P"), (1 + np.sqrt(P), "sqrt P"), (4 + 8 * P, "P"), (50 + 0.5 * P, "P"),
    (100 / P, "falls"), (P**2, "P^2"), (P**1.5, "P^1.5"), (9 - 8 / P, "below log P"), (np.minimum(P, 12), "below log P")])
def test_laws_of_growth(values, law):
    """Those of one side only, on 2 ranks, do not count."""
    assert cost_model.law(P, values) == law


def test_laws_of_few_points():
    assert cost_model.law([1, 2, 4], [0, 1, 2]) == "?"
    assert cost_model.law([1, 2, 4, 8], [0, 4, 8, 12]) == "log P"


def test_laws_are_ordered():
    names = ["falls", "constant", "below log P", "log P", "sqrt P", "P^0.7", "P", "P^2"]
    assert sorted(names, key=cost_model.speed) == names


@pytest.mark.parametrize("name", studies.CASES)
def test_the_laws_are_found(name):
    """Rates and counts of a made-up case, at a size and on ranks that were never measured."""
    case, (engine, coupled, _, _, _) = studies.case(name), studies.CASES[name]
    rates = case["model"]["rates"]
    assert np.allclose([rates["a"], rates["b"], rates["c"]], [studies.A, studies.B, 0 if engine == "ensemble" else studies.C], rtol=1e-6)
    assert max(case["model"]["misfit"].values()) < 1e-6
    size, ranks = {"ensemble": ((4096, 64), 256), "kinetic": ((8192, 96), 512)}.get(engine, ((8192, 1024), 512))
    if name == "mixed, lines":
        size = 8192, 4          # it was measured with so many lanes only
    for count, value in studies.sent(engine, coupled, size, ranks).items():
        assert cost_model.traffic(case, size, ranks)[count] == pytest.approx(value, rel=1e-6), count
    # Deals of an ensemble come on top.
    assert case["check"]["ratio"] == pytest.approx(1.0, rel=1e-2 if engine == "ensemble" else 1e-6)


@pytest.mark.parametrize("name", [name for name, (engine, *_) in studies.CASES.items() if engine != "ensemble"])
def test_the_time_of_a_step(name):
    """Compute, latency and bandwidth add up to what the case was made from."""
    case, (engine, coupled, _, _, _), link = studies.case(name), studies.CASES[name], studies.LINK
    size = (4096, 4) if name == "mixed, lines" else (4096, 256)
    found = cost_model.predict(case, size, 64, link["message"], 1 / link["byte"], link["collective"])
    assert found["total"] == pytest.approx(found["compute"] + found["latency"] + found["bandwidth"])
    assert found["total"] == pytest.approx(studies.seconds(engine, size, 64, coupled), rel=1e-6)
    slow = cost_model.predict(case, size, 64, 2 * link["message"], 0.5 / link["byte"], 2 * link["collective"])
    assert [slow[part] / found[part] for part in ("compute", "latency", "bandwidth")] == pytest.approx([1, 2, 2])


def test_the_fullest_rank_counts():
    """Units of work do not split: 10 on 4 ranks take as long as 12."""
    case, link = studies.case("members"), (1e-6, 1e10)
    ten, twelve = (cost_model.predict(case, (units, 1000), 4, *link)["compute"] for units in (10, 12))
    assert ten == twelve == pytest.approx(3 * (1000 * studies.A + studies.B))


def test_what_was_not_measured_is_refused():
    """More ranks than cells, and lines cut where they were not."""
    with pytest.raises(InputError, match="cannot be shared"):
        cost_model.predict(studies.case("angles"), (512, 32), 512, 1e-6, 1e10)
    with pytest.raises(InputError, match="lines are cut"):
        cost_model.predict(studies.case("mixed, lanes"), (4096, 64), 256, 1e-6, 1e10)
    assert cost_model.predict(studies.case("mixed, lines"), (4096, 64), 256, 1e-6, 1e10)["total"] > 0


def test_work_of_cut_lines_is_taken_from_two_ranks():
    """Where two ranks that cut lines take half as long again as the model says, so do all predictions of cut lines."""
    case = studies.case("mixed, lines")
    size, lanes = [4096, 2], [{"size": [n, 2], **dict.fromkeys(("wall", "cpu"), studies.A * 2 * n + studies.B)} for n in (1024, 4096)]
    counts = cost_model.traffic(case, size, 2)
    waits = counts["messages"] * 2e-6 + counts["collectives"] * 3e-6 + (counts["bytes"] + counts["received"]) * 1e-10
    two = [{"size": size, **dict.fromkeys(("wall", "cpu"), 1.5 * (studies.A * 4096 + studies.B) + waits)}]
    case = {**case, "times": [[lanes, two]], **cost_model.fitted({**case, "times": [[lanes, two]]}, studies.LINK)}
    assert case["model"]["cut work"] == pytest.approx(1.5, rel=1e-3) and case["check"]["ratio"] < 0.75
    found = [cost_model.predict(case, (8192, 4), ranks, 1e-6, 1e10)["compute"] for ranks in (1, 4)]
    # On 4 ranks two parts of the lanes × two of the lines.
    assert found == pytest.approx([studies.A * 4 * 8192 + studies.B, 1.5 * (studies.A * 8192 + studies.B)], rel=1e-3)


def test_nothing_is_sent_on_one_rank():
    assert set(cost_model.traffic(studies.case("angles"), (512, 32), 1).values()) == {0.0}
    alone = cost_model.predict(studies.case("angles"), (512, 32), 1, 1.0, 1.0)["total"]
    assert math.isclose(alone, studies.seconds("kinetic", (512, 32), 1), rel_tol=1e-6)
