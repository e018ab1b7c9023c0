"""Runs an ensemble in this process, without files: what the physics tests measure on."""

import numpy as np

from simulate import deck  # noqa: F401 - for the tests of ensembles

from hpccr.problems import registry


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
