"""The state must stay physical: finite, and above the floors of its fields.

An implicit method of high order may undershoot by about its tolerance where the solution is nearly zero.
That much is lifted to the floor; a conserved field gives it back from the rest of its line, so its content
stays. More than that, or anything not finite, refuses the step.
"""

import numpy as np

from hpccr.jit import kernel

# What the figure `lifted` says.
LIFTED = "sum over the steps of the largest part of a line's content that lay below a floor and was lifted to it"


@kernel
def _census(u, f, floor, volumes, first, last, out):
    """out[0] (lanes,) = Σ V max(floor − u, 0), out[1] = Σ V max(u − floor, 0), out[2] = max(floor − u)."""
    lanes = u.shape[2]
    for i in range(lanes):
        out[0, i] = out[1, i] = 0.0
        out[2, i] = 0.0
    for j in range(first, last + 1):
        for i in range(lanes):
            d = u[j, f, i] - floor
            out[0, i] += volumes[j] * max(-d, 0.0)
            out[1, i] += volumes[j] * max(d, 0.0)
            out[2, i] = max(out[2, i], -d)


class Guard:
    """Census of the floors after each step.

    Parameters
    ----------
    mesh : Mesh
    limit : float
        The largest undershoot that is lifted: relative to the content of a conserved field, and a tenth of
        the absolute undershoot of another.
    scales : array (fields, lanes)
        The size of each field, all lanes.
    """

    def __init__(self, mesh, limit, scales):
        self.mesh, self.limit, self.lifted = mesh, limit, 0.0
        self.volumes = mesh.node_volumes()
        # A line that is nearly empty is judged by what it could hold.
        self.capacity = scales[:, mesh.columns] * mesh.line.volumes.sum()
        start, n, rows = mesh.start[0], mesh.nodes, mesh.shape[0]
        self.guarded = []
        for f, field in enumerate(mesh.fields):
            if field.floor is not None:
                first = max(0, (0 if field.staggered else 1) - start)
                self.guarded.append((f, field, first, min(rows - 1, n - 2 - start)))
        self._counts = [np.zeros((3, mesh.shape[2])) for _ in self.guarded]

    def measure(self, u):
        """This rank's verdicts on u (nodes, fields, lanes): [not finite, worst undershoot of all fields]."""
        bad, worst = (0.0 if np.isfinite(np.sum(u)) else 1.0), 0.0
        for (f, field, first, last), counts in zip(self.guarded, self._counts):
            _census(u, f, field.floor, self.volumes, first, last, counts)
            if field.conserved:
                # Over whole lines, as the content is.
                counts[:2] = self.mesh.line_sum(counts[:2])
                worst = max(worst, (counts[0] / np.maximum(np.maximum(counts[1], self.capacity[f]), 1e-300)).max())
            else:
                worst = max(worst, 0.1 * counts[2].max())
        return [bad, worst if np.isfinite(worst) else np.inf]

    def lift(self, u):
        """Set what lies below a floor in u (nodes, fields, lanes) onto it; the content of conserved fields stays."""
        for (f, field, first, last), counts in zip(self.guarded, self._counts):
            below, above = counts[0], counts[1]
            if not (below > 0).any():
                continue
            values = u[first:last + 1, f]
            np.maximum(values, field.floor, out=values)
            if field.conserved:
                values -= field.floor
                values *= np.maximum(1.0 - below / np.where(above > 0, above, 1.0), 0.0)
                values += field.floor
                # What an almost empty line cannot give back had left it too early.
                if self.mesh.at_right:
                    u[-1, f] -= np.maximum(below - above, 0.0) / self.volumes[-1]
