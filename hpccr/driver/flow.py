"""Jobs on gas and CRs: the grid's time loop around another simulation."""

from hpccr.driver.grid import GridJob


class FlowJob(GridJob):
    """A problem of gas and CRs, stepped to its end; parameters as Job."""

    def _simulate(self, petsc):
        from hpccr.output import flow_fields

        return self.problem.simulation(self.comm), flow_fields

    @staticmethod
    def fit(problem, ranks):
        from hpccr.grid.patch import cut

        cut(ranks, len(problem.line()), len(problem.lane()))

    @staticmethod
    def room(problem):
        """Bytes for each unknown."""
        return 70

    @staticmethod
    def seconds(problem):
        """Roughly the core seconds of a run."""
        from hpccr.grid.patch import GAS

        return GridJob.steps(problem) * (3e-8 * len(problem.line()) * (len(problem.lane()) + GAS) + 3e-4)
