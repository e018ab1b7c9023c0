"""Jobs on gas and CRs: the grid's time loop around another simulation."""

from hpccr.driver.grid import GridJob


class FlowJob(GridJob):
    """A problem of gas and CRs, stepped to its end; parameters as Job."""

    def _simulate(self, petsc):
        from hpccr.output import flow_fields

        return self.problem.simulation(self.comm), flow_fields

    @staticmethod
    def seconds(problem):
        """Roughly the core seconds of a run."""
        return problem.expected_steps() * (3e-8 * GridJob.unknowns(problem) + 2e-7 * len(problem.line()) + 3e-4)

    @staticmethod
    def fit(problem, ranks):
        """Raise InputError where so many ranks cannot share the mesh."""
        from hpccr.grid.mesh import process_grid

        process_grid(ranks, len(problem.lane()), len(problem.line()) + 2, coupled=True)
