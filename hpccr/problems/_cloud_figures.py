"""What a run of the CR cloud tells: half-lives, times of residence, grammage, and spectra at a distance."""

import numpy as np

from hpccr.grid.integrate import weights_within
from hpccr.steppers.observers import Crossing, LaneSum, Observer, Residence
from hpccr.units import GeV, c, kyr, m_p, pc

# Mass per hydrogen atom, helium included, in grammage [m_p].
MASS_PER_H = 1.4


class CloudObserver(Observer):
    """Half-life, residence time and grammage per momentum, and spectra at the chosen distances.

    half_life: when half of the CRs released within |z| < R(E) have left that interval (background not counted).
    grammage: X = 1.4 m_p n c × residence time (uniform medium; n counts nuclei of hydrogen, nearly, as long as they are no
    molecules); where its particles are heavier than that, ρ c × it.
    """

    name = "cloud"

    def __init__(self, problem, simulation):
        self.problem, self.mesh = problem, simulation.mesh
        # A short axis may end before the default distances.
        end = problem.deck.axes.z.to
        self.distances = [z for z in problem.deck.diagnostics.distances if z <= end] or [0.5 * end]
        faces, lanes, sides = problem.line().faces, self.mesh.columns, 2.0 if problem.whole else 1.0
        R, P0, floor = problem.R[lanes], problem.P0[lanes], problem.P_background[lanes]

        def within(lengths):
            weights = np.stack([weights_within(faces, x) for x in lengths], axis=1)
            return LaneSum(simulation, 0, self._on_nodes(weights)), weights.sum(axis=0)

        inside, length = within(R)
        # Half of all CRs of the cloud: its edge reaches out of |z| < R, but belongs to what was released within.
        initial = sides * R * (P0 + floor)
        self.half = Crossing("half_life", inside, initial, sides * R * floor)
        reach = problem.deck.diagnostics.residence_within or faces[-1]
        box, length = within(np.full(len(R), reach))
        start = sides * R * P0 + length * floor
        self.residence = Residence("residence_time", box, start, length * floor)
        self.cell_size = np.interp(R, problem.line().centers, problem.line().widths) / R
        self.at_distance = [LaneSum(simulation, 0, self._on_nodes(self._interpolation(x))) for x in self.distances]

    def _on_nodes(self, weights):
        """Weights (cells, lanes of this rank) as this rank's nodes."""
        pad = np.zeros((1, weights.shape[1]))
        return np.concatenate([pad, weights, pad])[self.mesh.rows]

    def _interpolation(self, z):
        """Weights of a linear interpolation between cell midpoints at z: array (cells, lanes of this rank)."""
        centers = self.problem.line().centers
        k = int(np.clip(np.searchsorted(centers, z) - 1, 0, len(centers) - 2))
        share = np.clip((z - centers[k]) / (centers[k + 1] - centers[k]), 0.0, 1.0)
        weights = np.zeros((len(centers), self.mesh.shape[2]))
        weights[k], weights[k + 1] = 1.0 - share, share
        return weights

    def begin(self, u, rate):
        self.half.begin(u, rate)
        self.residence.begin(u, rate)

    def update(self, stepper, u, rate):
        self.half.update(stepper, u, rate)
        self.residence.update(stepper, u, rate)

    def state(self):
        parts = (self.half, self.residence)
        return {f"{part.name}.{key}": value for part in parts for key, value in part.state().items()}

    def restore(self, state):
        for part in (self.half, self.residence):
            part.restore({key.split(".")[1]: v for key, v in state.items() if key.startswith(part.name + ".")})

    def spectra(self, u):
        """E² dN/dE = 3 P W_0 at the distances [erg/cm3]: array (distances, lanes) of all lanes; collective."""
        here = np.stack([s.of(u) for s in self.at_distance], axis=1)
        return 3 * self.problem.medium.W0 * self.mesh.all_lanes(here).T

    def replicated(self, u):
        """Small arrays for snapshots, the same on all ranks: (name, dims, array of the shape of dims, unit, long_name)."""
        return [("distance", ("distance",), np.array(self.distances) / pc, "pc", "distance along the flux tube"),
                ("spectrum", ("distance", "p"), self.spectra(u), "erg/cm3", "CR energy density per ln E at a distance")]

    def history(self):
        lanes = sorted({0, self.mesh.lanes // 2, self.mesh.lanes - 1})
        inside = self.mesh.some_lanes((self.half.value - self.half.floor) / (self.half.initial - self.half.floor), lanes)
        meaning = ("part of the CRs released within |z| < R(E) that is still there, background not counted, "
                   "at the lowest, the middle and the highest energy")
        return [(f"inside_{self.problem.E[lane] / GeV:.4g}GeV", "1", value, meaning) for lane, value in zip(lanes, inside)]

    def _uncertainty(self):
        """Error of the half-life [s]: what the content is known to, from the tolerance and the cell at R, over its slope.

        The coefficients bound the deviations from converged runs of all phases; carried waves leave a trough
        where ∂P/∂z changes sign, in which the scheme is of first order.
        """
        grid = 0.25 * self.cell_size if self.problem.deck.transport.advection else 0.1 * self.cell_size**1.5
        known = 5 * self.problem.deck.time.rtol + grid
        return known * self.half.initial / np.abs(self.half.fall)

    def summary(self):
        everywhere = self.mesh.all_lanes(np.stack(
            [self.half.time, self._uncertainty(), self.residence.integral, self._left()], axis=1))
        half, error, residence, left = everywhere.T
        E = {"E": (self.problem.E / GeV).tolist(), "E_unit": "GeV"}
        medium = self.problem.medium
        X = max(MASS_PER_H * m_p * medium.n, medium.rho) * c * residence
        return {"half_life": {**E, "value": half / kyr, "error": error / kyr, "unit": "kyr",
                              "definition": "when half of the CRs released within |z| < R(E) have left it; null: not within the run"},
                "residence_time": {**E, "value": residence / kyr, "left": left, "unit": "kyr",
                                   "definition": "mean time that a CR has spent within diagnostics.residence_within; left: the part still there"},
                "grammage": {**E, "value": X, "unit": "g/cm2", "definition": "1.4 m_p n c, in molecular gas rho c, times residence_time"},
                "Pi": {**E, "value": self.problem.Pi, "unit": "1", "definition": "(V_A/D_B) times the integral of P dz from 0 on, at first"}}

    def _left(self):
        """The part of the initial content that still counts for the residence time."""
        return self.residence.value / (self.residence.initial - self.residence.floor)
