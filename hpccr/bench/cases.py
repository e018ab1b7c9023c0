"""What the scaling study runs: for every problem that exists one case or more, a fixed size and a size for each rank.

A problem that is not among CHOSEN is studied at the sizes of its engine, with the smallest of its decks.
"""

import functools
from dataclasses import dataclass, field

from hpccr.deck import library, reader
from hpccr.problems import registry


@dataclass(frozen=True)
class Case:
    """One way to run a problem.

    Attributes
    ----------
    how : str
        What is shared among the ranks, in words; "" if there is but one way.
    deck : str
        The deck; the smallest of the problem's if not given.
    settings : dict
        Of the deck, by "section.key".
    strong : (int, int)
        Cells and lanes of a fixed size; of an ensemble the units and the members in each.
    weak : (int, int)
        Those for each rank.
    grows : int
        Which of the two grows with the ranks.
    reach : dict
        Settings of the weak form that grow with the ranks as well, for each rank: the ends of an axis, so that cells stay as wide.
    skip, steps : int
        Steps before the counting begins, and those counted; of an ensemble deals.
    """

    how: str = ""
    deck: str = ""
    settings: dict = field(default_factory=dict)
    strong: tuple = (254, 128)
    weak: tuple = (510, 8)
    grows: int = 1
    reach: dict = field(default_factory=dict)
    skip: int = 3
    steps: int = 6

    def timed(self, ensemble):
        """Sizes at which a step is timed: list of (cells, lanes) or (units, members), the largest last."""
        n, m = self.strong
        if ensemble:
            return [(n, m), (n, 2 * m)] if m > 1 else [(n, m)]
        # Many lanes and few: a cell costs something of its own.
        if m <= 4:
            few = min(m, 2)         # even two ranks cut the lines
            return [(n, 32), (n, few), (4 * n, few), (16 * n, few)]
        few = max(4, m // 16)
        return [(n, few), (4 * n, few), (n, m), (2 * n, m), (n, 2 * m), (2 * n, 2 * m)]

    def size(self, mode, ranks):
        """(cells, lanes), or (units, members), of a mode, "strong" or "weak", on so many ranks."""
        if mode == "strong":
            return self.strong
        size = list(self.weak)
        size[self.grows] *= ranks
        return tuple(size)


_ENSEMBLE = {"strong": (256, 32), "weak": (10, 32), "grows": 0, "skip": 1, "steps": 1}
_ENGINES = {"grid": (Case(),), "flow": (Case(strong=(250, 128), weak=(250, 8)),),
            "kinetic": (Case(strong=(512, 32), weak=(64, 16), grows=0),), "ensemble": (Case(**_ENSEMBLE),)}
_CUT = {"strong": (1022, 1), "weak": (64, 1), "grows": 0}
_LOSSES = {"transport.loss_time": "1 Myr", "time.end": "10 Myr", "time.first_step": "0.25 kyr"}
# From 4 ranks on both are cut, where neighbouring lanes exchange something.
_BOTH = {"strong": (1022, 4), "weak": (64, 4), "grows": 0}
CHOSEN = {
    "cloud": (Case("lanes", settings={"time.first_step": "0.1 kyr"}), Case("lines", settings={"time.first_step": "0.1 kyr"}, **_CUT)),
    "transport": (Case("lanes, coupled", settings=_LOSSES, skip=10, steps=4),
                  Case("lanes and lines, coupled", settings=_LOSSES, skip=10, steps=4, **_BOTH)),
    "feedback": (Case("lanes", strong=(250, 128), weak=(250, 8)), Case("lanes and lines", **{**_BOTH, "strong": (510, 4)})),
    "focused": (Case("streaming explicit", settings={"time.streaming": "explicit"}, strong=(512, 32), weak=(64, 16), grows=0,
                     reach={"axes.z.from": -1.0, "axes.z.to": 1.0}),
                Case("streaming implicit", settings={"time.streaming": "implicit", "time.rtol": 1e-3, "time.first_step": 1.0,
                                                     "transport.epsilon": 0.1, "time.end": 1e4},
                     strong=(512, 32), weak=(32, 16), grows=0, reach={"axes.z.from": -0.5, "axes.z.to": 0.5}, skip=10, steps=4)),
    "orbits": (Case(settings={"turbulence.modes": 64, "ensemble.t_end": 2000.0}, **_ENSEMBLE),),
    "fieldlines": (Case(settings={"turbulence.modes": 64, "ensemble.s_end": 50.0, "ensemble.parameter": "s", "ensemble.store": []},
                        **_ENSEMBLE),),
    "beam": (Case(settings={"axes.mu.cells": 400}, **{**_ENSEMBLE, "strong": (192, 1), "weak": (6, 1)}),),
}
# The keys that make so many units of so many members.
_UNITS = {"beam": lambda units, _: {"beam.energies": [], "beam.epsilons": [1e-4 + 9e-3 * n / units for n in range(units)]}}


def names():
    """The cases of all problems: list of (name, problem, Case)."""
    found = []
    for problem in registry.names():
        for case in CHOSEN.get(problem) or _ENGINES[registry.load(problem).engine]:
            found.append((f"{problem}, {case.how}" if case.how else problem, problem, case))
    return found


def described(name):
    """What is known of a case beforehand: {"problem", "engine", "how", "coupled", "grows", "counted" steps and those "skipped"}."""
    problem, case = next((problem, case) for each, problem, case in names() if each == name)
    engine = registry.load(problem).engine
    coupled = engine == "grid" and registry.load(problem)(deck(problem, case, case.strong)).coupled()
    return {"problem": problem, "engine": engine, "how": case.how, "coupled": coupled, "grows": case.grows, "counted": case.steps,
            "skipped": case.skip}


def deck(problem, case, size, ranks=0):
    """The deck of a case at a size (Deck); `ranks` of its weak form."""
    name = case.deck or _smallest(problem)
    chosen = {**case.settings, **_sized(problem, name, size), **{key: ranks * value for key, value in case.reach.items() if ranks}}
    return reader.read(library.find(name), [f"{key}={_word(value)}" for key, value in chosen.items()], problems=registry)


@functools.cache
def _smallest(problem):
    """The deck of a problem that is meant to be quick, or else its first."""
    decks = library.decks()
    # Most decks are named after their problem.
    names = sorted(decks, key=lambda name: (not name.startswith(problem), not name.endswith("_quick"), name))
    return next(name for name in names if reader.read(decks[name], problems=registry).problem == problem)


def _sized(problem, name, size):
    """The settings that make a problem so large: dict."""
    if registry.load(problem).engine == "ensemble":
        units, members = size
        if problem in _UNITS:
            return _UNITS[problem](units, members)
        return {"ensemble.realisations": units, "ensemble.particles": members, "ensemble.unit": members}
    example = registry.load(problem)(reader.read(library.find(name), problems=registry))
    return {f"axes.{example.line().name}.cells": size[0], f"axes.{example.lane().name}.cells": size[1], "output.snapshots": []}


def _word(value):
    return value if isinstance(value, str) else repr(value)
