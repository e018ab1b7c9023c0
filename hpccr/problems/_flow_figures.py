"""What a run of gas and CRs tells: where its fronts are, how much gas it expelled, what a spectrograph would see."""

import numpy as np

from hpccr.units import GeV, Msun, k_B, pc

# Temperatures [K] between which gas shines in Hα and in [O III] λ5007 (Shimoda+2025, section 4.2).
HALPHA, OIII = (6e3, 1e4), (1e4, 1e5)


def steepest(x, slopes, chosen=None):
    """Position of the largest of `slopes` (n,) at `x` (n,), or of number `chosen`, to a part of a cell by a parabola through
    three points."""
    k = int(np.argmax(slopes)) if chosen is None else chosen
    if not 0 < k < len(x) - 1:
        return float(x[k])
    a, b, c = slopes[k - 1:k + 2]
    bend = a - 2 * b + c
    shift = 0.5 * (a - c) / bend if bend < 0 else 0.0
    return float(x[k] + shift * (x[k + 1] - x[k - 1]) / 2)


def shock_radius(line, patch, v):
    """The outermost place where the flow is compressed: where −∂v/∂r has its outermost maximum above a fifth of its largest; NaN
    if nothing flows. Collective where lines are cut.

    line : Axis, of the cells that this rank looks at (patch.span) [cm]; v (cells,) [cm/s] in them.
    """
    slopes = -np.diff(v) / np.diff(line.centers)
    own = _own(patch)
    peak, fastest = patch.highest([slopes[own].max(), np.abs(v[patch.inner]).max()])
    if not peak > 0 or fastest < 1.0:
        return np.nan
    high = (slopes[1:-1] >= slopes[:-2]) & (slopes[1:-1] > slopes[2:]) & (slopes[1:-1] > 0.2 * peak)
    found = [k for k in np.flatnonzero(high) + 1 if own.start <= k < own.stop]
    radius = patch.highest([steepest(line.faces[1:-1], slopes, int(found[-1])) if found else -np.inf])[0]
    return radius if np.isfinite(radius) else np.nan


def cavity_edge(line, patch, T, shock):
    """The edge of the hot cavity: where ln T falls most steeply within the shock; NaN if it falls by no more than a twentieth there from
    one cell to the next. As shock_radius; shock [cm]; T (cells,) [K]."""
    inside = line.faces[1:-1] < (0.97 * shock if np.isfinite(shock) else np.inf)
    gaps, own = np.diff(line.centers), _own(patch)
    slopes = np.where(inside, -np.diff(np.log(T)) / gaps, 0.0)
    top = patch.highest([slopes[own].max()])[0]
    k = own.start + int(np.argmax(slopes[own]))
    # Of equals the innermost.
    edge = -patch.highest([-steepest(line.faces[1:-1], slopes, k) if slopes[k] == top and top * gaps[k] > 0.05 else -np.inf])[0]
    return edge if np.isfinite(edge) else np.nan


def _own(patch):
    """Of the slopes (cells − 1,) between the cells of its span those that a rank answers for, with the cell above: slice."""
    return slice(max(patch.inner.start - 1, 0), patch.inner.stop - 1)


class FlowObserver:
    """Watches a Flow without steering it.

    Parameters
    ----------
    problem : Feedback
    flow : Flow
    """

    def __init__(self, problem, flow):
        self.problem, self.flow, self.first = problem, flow, None
        beyond = flow.model.line.volumes_between(problem.deck.diagnostics.expelled_beyond, np.inf)
        self._beyond = beyond[flow.patch.own_rows]

    def begin(self):
        """Look at the initial state; collective."""
        self.first = self.flow.patch.sum_rows([self._outside()])[0]

    def _outside(self):
        """Gas of this rank beyond the radius that counts [g]."""
        return self.flow.imex.gas[0, self.flow.patch.inner] @ self._beyond

    def temperature(self, gas):
        """T [K] of gas (3, cells): array (cells,)."""
        return self.flow.model.temperature(gas)

    def history(self):
        """This step's figures: list of (column, unit, value, meaning); collective."""
        flow, imex, patch = self.flow, self.flow.imex, self.flow.patch
        T, v = self.temperature(imex.gas), imex.gas[1] / imex.gas[0]
        shock = shock_radius(imex.line, patch, v)
        edge = cavity_edge(imex.line, patch, T, shock)
        gas, T, v = imex.gas[:, patch.inner], T[patch.inner], v[patch.inner]
        n = gas[0] / self.problem.mass
        T_max, v_max, thinnest = patch.highest([T.max(), np.abs(v).max(), -n.min()])
        lines = [np.where((T >= low) & (T <= high), n * n, 0.0) @ imex.volumes for low, high in (HALPHA, OIII)]
        *shining, kinetic, outside = patch.sum_rows([*lines, 0.5 * gas[1] * v @ imex.volumes, self._outside()])
        per, shine = flow.model.per, "1/cm5" if flow.model.per else "1/cm3"
        expelled = outside - self.first + flow.ledger.flows["mass_out"]
        rows = [("expelled_mass", "Msun" + per, expelled / Msun, "gas that has passed diagnostics.expelled_beyond, or the end of the axis"),
                ("cavity_edge", "pc", edge / pc, "where ln T falls most steeply within the shock"),
                ("shock_radius", "pc", shock / pc, "the outermost place where the flow is compressed"),
                ("T_max", "K", T_max, "highest temperature"), ("v_max", "km/s", v_max / 1e5, "highest speed"),
                ("n_min", "1/cm3", -thinnest, "lowest density"),
                ("em_Halpha", shine, shining[0], "n^2 over the gas at 6000 K to 1e4 K, a proxy of H alpha"),
                ("em_OIII", shine, shining[1], "n^2 over the gas at 1e4 K to 1e5 K, a proxy of [O III] 5007"),
                ("E_kinetic", "erg" + per, kinetic, "energy of the gas's motion")]
        return [(name, unit, float(value), meaning) for name, unit, value, meaning in rows]

    def summary(self):
        """The final figures; collective."""
        return {name: {"value": value, "unit": unit, "definition": meaning} for name, unit, value, meaning in self.history()}

    def state(self):
        """For a checkpoint: dict of plain values."""
        return {"first": float(self.first)}

    def restore(self, state):
        """Take back what `state` gave."""
        self.first = state["first"]


def lines(flow):
    """What a snapshot tells of the gas and of the rates at which energy moves: list of (name, this rank's array (rows,), unit, long_name);
    collective."""
    gas, problem = flow.imex.gas[:, flow.patch.inner], flow.problem
    n, v, T = gas[0] / problem.mass, gas[1] / gas[0], flow.observer.temperature(gas)
    P_g, rates = n * k_B * T, flow.imex.survey()
    shine = [np.where((T >= low) & (T <= high), n * n, 0.0) for low, high in (HALPHA, OIII)]
    rate = "erg/(cm3 s)"
    return [("n", n, "1/cm3", "density of the gas"), ("v", v / 1e5, "km/s", "velocity of the gas"), ("T", T, "K", "temperature of the gas"),
            ("P_g", P_g, "erg/cm3", "pressure of the gas"),
            ("P_cr", rates["P_cr"], "erg/cm3", "pressure of the CRs"), ("e_cr", rates["e_cr"], "erg/cm3", "kinetic energy density of the CRs"),
            ("work", rates["work"], rate, "work of the CRs on the gas, -v dP_cr/dr"),
            ("wave_heating", rates["waves"], rate, "heating of the gas by waves that CRs drive"),
            ("loss_heating", rates["losses"], rate, "heating of the gas by ionisation and Coulomb losses of CRs"),
            ("conduction", rates["conduction"], rate, "heat conducted to the gas"),
            ("radiative", rates["radiation"], rate, "heating by light less radiation"),
            ("em_Halpha", shine[0], "1/cm6", "n^2 where 6000 K <= T <= 1e4 K, a proxy of H alpha"),
            ("em_OIII", shine[1], "1/cm6", "n^2 where 1e4 K <= T <= 1e5 K, a proxy of [O III] 5007")]


def plane(flow):
    """The same of the CRs on r and p: list of (name, this rank's array (rows, lanes), unit, long_name); ghosts are filled by `lines`."""
    rays, lanes = flow.imex.rays, flow.patch.own_lanes
    p, x = flow.problem.p[lanes], rays.x
    per_pressure = p * flow.problem.speed[lanes] / 3
    u = flow.patch.own(rays.u)
    below, above = rays.u[1:-3, 2:-2], rays.u[3:-1, 2:-2]
    v = (flow.imex.gas[1] / flow.imex.gas[0])[flow.patch.inner, None]
    work = -v * per_pressure * (above - below) / (x[3:-1] - x[1:-3])[:, None]
    return [("f", u / (4 * np.pi * p**3), "s3/(g3 cm6)", "CR phase-space density"),
            ("work_p", work, "erg/(cm3 s)", "work of the CRs on the gas per ln p")]


def spectra(flow):
    """Coordinates and spectra on p: list of rows for Variable.whole; collective."""
    problem, rays, line = flow.problem, flow.imex.rays, flow.model.line
    per_ln_p = problem.kinetic
    left, escaped = flow.lanes(rays.content(rays.u)), flow.lanes(rays.escaped.sum(axis=0))
    chosen = [radius for radius in problem.deck.diagnostics.radii if line.faces[0] <= radius <= line.faces[-1]]
    at = np.zeros((len(chosen), len(problem.p)))
    own, rows, lanes = flow.patch.own(rays.u), flow.patch.own_rows, flow.patch.own_lanes
    for k, radius in enumerate(chosen):
        # Linear between midpoints; cells of other ranks weigh nothing here.
        for j, part in _between(line.centers, radius):
            if rows.start <= j < rows.stop:
                at[k, lanes] += part * own[j - rows.start] / (4 * np.pi * problem.p[lanes])
    at = flow.comm.sum(at.ravel()).reshape(at.shape)
    rows = [("radius", ("radius",), np.array(chosen) / pc, "pc", "where the intensity is taken")] if chosen else []
    rows += [(f"spectrum_{name}", ("p",), per_ln_p * content, "erg" + flow.model.per, f"CR energy per ln p, {meaning}")
             for name, content, meaning in (("left", left, "in the box"), ("escaped", escaped, "that has left through the outer end"),
                                            ("initial", flow.content, "at the start"))]
    return rows + ([("intensity", ("radius", "p"), at * GeV, "1/(cm2 s sr GeV)", "CR intensity")] if chosen else [])


def _between(x, at):
    """The two points around `at` and their weights: list of (int, float)."""
    k = int(np.clip(np.searchsorted(x, at) - 1, 0, len(x) - 2))
    share = float(np.clip((at - x[k]) / (x[k + 1] - x[k]), 0.0, 1.0))
    return [(k, 1 - share), (k + 1, share)]
