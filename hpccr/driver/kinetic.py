"""Jobs on pitch-angle transport: the grid's time loop around another simulation."""

from hpccr.driver.grid import GridJob
from hpccr.grid.strip import Strip


class KineticJob(GridJob):
    """A problem of pitch-angle transport, stepped to its end; parameters as Job."""

    def _simulate(self, petsc):
        from hpccr.output import kinetic_fields
        from hpccr.steppers.implicit import initialise

        initialise([*self.deck.solver.petsc.split(), *petsc])
        return self.problem.simulation(self.comm), kinetic_fields

    @staticmethod
    def fit(problem, ranks):
        """Raise InputError where so many ranks cannot share the mesh."""
        Strip.fit(len(problem.line()), ranks)

    @staticmethod
    def unknowns(problem):
        """Unknowns of a problem on its mesh."""
        return len(problem.line()) * len(problem.lane())

    @staticmethod
    def room(problem):
        """Bytes for each unknown: an implicit step holds its Krylov vectors and the lines' matrices, an explicit one a few copies."""
        return 130 if problem.deck.time.streaming == "explicit" else 450

    @staticmethod
    def seconds(problem):
        """Roughly the core seconds of a run, at most: with explicit streaming."""
        return GridJob.steps(problem) * (2e-8 * KineticJob.unknowns(problem) + 2e-4)
