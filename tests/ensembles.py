"""Runs an ensemble in this process, without files: what the physics tests measure on."""

import numpy as np

from hpccr.deck import library, reader
from hpccr.problems import registry


def deck(name, *settings):
    """A deck of run/ with "section.key=value" settings, of which the last counts."""
    last = {setting.partition("=")[0]: setting for setting in settings}
    return reader.read(library.find(name), list(last.values()), problems=registry)


def outcome(resolved):
    """The Results of a resolved deck."""
    problem = registry.load(resolved.problem)(resolved)
    tallies = []
    for unit in problem.units():
        task = problem.begin(unit)
        while not task.advance():
            pass
        tallies.append(task.tally())
    return problem.results(problem.units(), np.array(tallies))


def variables(results):
    """The arrays of the snapshot by name: dict."""
    return {row[0]: np.asarray(row[2]) for row in results.variables}
