"""The sum of the terms, as PETSc's time steppers ask for it: F(t, u, u̇) = u̇ − R(t, u) and shift + ∂F/∂u."""

import numpy as np

from hpccr.operators import solve_kernels


class Blocks:
    """The Jacobian: blocks[j, a, b, i] of each node with itself and with its four neighbours.

    Attributes
    ----------
    lower, diag, upper : array (nodes, fields, fields, lanes)
        Couplings to node j − 1, j, j + 1.
    west, east : the same to lane i − 1 and i + 1, or None where no term couples lanes.
    """

    def __init__(self, shape, coupled):
        nodes, fields, lanes = shape
        self.lower, self.diag, self.upper = (np.zeros((nodes, fields, fields, lanes)) for _ in range(3))
        self.west, self.east = (np.zeros_like(self.diag) if coupled else None for _ in range(2))

    def reset(self, shift):
        """shift × identity."""
        for part in (self.lower, self.diag, self.upper, self.west, self.east):
            if part is not None:
                part[...] = 0.0
        for a in range(self.diag.shape[1]):
            self.diag[:, a, a] = shift


class System:
    """The terms of a problem, bound to a mesh.

    Parameters
    ----------
    mesh : Mesh
    terms : list of Term
    """

    def __init__(self, mesh, terms):
        self.mesh, self.terms = mesh, terms
        for term in terms:
            term.bind(mesh)
        self.blocks = Blocks(mesh.shape, mesh.coupled)
        self.residuals = self.jacobians = 0

    def rate(self, t, vector, r):
        """R(t, u) at the time t [s] into the array r (nodes, fields, lanes)."""
        u = self.mesh.ghosted(vector)
        r[...] = 0.0
        for term in self.terms:
            term.residual(t, u, r)

    def residual(self, ts, t, vector, rate_of_change, out):
        """PETSc's IFunction: u̇ − R(t, u) at the time t [s]."""
        r = self.mesh.array(out)
        self.rate(t, vector, r)
        np.subtract(self.mesh.array(rate_of_change, readonly=True), r, out=r)
        self.residuals += 1

    def jacobian(self, t, vector, shift):
        """shift + ∂F/∂u into the blocks, at the time t [s]; shift [1/s]."""
        u = self.mesh.ghosted(vector)
        self.blocks.reset(shift)
        for term in self.terms:
            term.jacobian(t, u, self.blocks)
        self.jacobians += 1

    def multiply(self, vector, y):
        """The array y (nodes, fields, lanes) ← blocks × vector."""
        x, blocks, (gj, gi) = self.mesh.ghosted(vector), self.blocks, self.mesh.ghost
        solve_kernels.multiply(blocks.lower, blocks.diag, blocks.upper, x, gj, gi, y)
        if blocks.west is not None:
            solve_kernels.multiply_lanes(blocks.west, blocks.east, x, gj, gi, y)
