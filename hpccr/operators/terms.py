"""The terms of an equation. A problem lists them; the system adds them up.

A term is bound to a mesh once (geometry and coefficients of this rank) and then asked for its part of
du/dt and of the Jacobian. Coefficients are given over the whole mesh, as numbers, as arrays that broadcast to
(cells + 1, lanes) on line faces, (cells, lanes + 1) on lane faces and (cells, lanes) in cells, or as functions of two slices
that give the values there, so that no rank needs all of them.
"""

import numpy as np

from hpccr.operators import lane_kernels, line_kernels, wave_kernels


class Ends:
    """Values that a field takes at the two ends of its lines.

    Parameters
    ----------
    left, right : float or array (lanes,)
        What diffuses or flows in there [unit of the field]; closed ends of the axis ignore them.
    at : callable t -> (left, right), optional
        Values that change in time [s].
    """

    def __init__(self, left=0.0, right=0.0, at=None):
        self.left, self.right, self._at = left, right, at

    def bind(self, mesh):
        """Make this rank's arrays (lanes,)."""
        self._columns, self._lanes = mesh.columns, mesh.lanes
        self.values(0.0)
        return self

    def values(self, t):
        """The two arrays (lanes,) of this rank at time t [s]."""
        if self._at is not None:
            self.left, self.right = self._at(t)
            self._bound = None
        if getattr(self, "_bound", None) is None:
            self._bound = tuple(np.ascontiguousarray(np.broadcast_to(
                np.asarray(b, dtype=float), (self._lanes,))[self._columns]) for b in (self.left, self.right))
        return self._bound


class Term:
    """One term. Subclasses bind, and add to du/dt and to −∂(du/dt)/∂u."""

    couples_lanes = False
    # Whether it moves content along a line only, so that line and reservoirs together keep it.
    conserves = True

    def bind(self, mesh):
        """Prepare coefficients and geometry for this rank."""
        self.mesh = mesh
        self.g = mesh.ghost

    def residual(self, t, u, r):
        """r (nodes, fields, lanes) += this term's part of du/dt at time t [s]; u may carry ghosts."""
        raise NotImplementedError(f"{type(self).__name__} has no residual")

    def jacobian(self, t, u, blocks):
        """blocks += −∂r/∂u at time t [s]; u (nodes, fields, lanes) may carry ghosts."""
        raise NotImplementedError(f"{type(self).__name__} has no Jacobian")

    def _on_line_faces(self, values):
        """This rank's (nodes + 1, lanes) of values on the cells + 1 line faces; zero outside the two ends."""
        start, mesh = self.mesh.start[0], self.mesh
        return self._part(values, slice(max(start - 1, 0), min(start + mesh.shape[0], mesh.nodes - 1)), mesh.columns)

    def _in_cells(self, values):
        """This rank's (nodes, lanes) of values in the cells; zero on the reservoirs."""
        return self._part(values, self._cells(), self.mesh.columns)

    def _on_lane_faces(self, values):
        """This rank's (nodes, lanes + 1) of values on the lane faces; zero on the reservoirs."""
        return self._part(values, self._cells(), slice(self.mesh.columns.start, self.mesh.columns.stop + 1))

    def _cells(self):
        start = self.mesh.start[0]
        return slice(max(start - 1, 0), min(start + self.mesh.shape[0] - 1, self.mesh.nodes - 2))

    def _part(self, values, rows, columns):
        """Values at global rows and columns (slices), with a row of zeros where this rank has an end."""
        if callable(values):
            values = values(rows, columns)
        else:
            values = np.asarray(values, dtype=float)
            if values.ndim:
                values = values[..., columns if values.shape[-1] > 1 else slice(None)]
            if values.ndim == 2:
                values = values[rows if len(values) > 1 else slice(None)]
        found = np.broadcast_to(values, (rows.stop - rows.start, columns.stop - columns.start))
        return np.ascontiguousarray(np.pad(found, ((int(self.mesh.at_left), int(self.mesh.at_right)), (0, 0))))

    def _cell_rows(self):
        """First and last local node that is a cell."""
        cells, _ = self.mesh.cells()
        return cells.start, cells.stop - 1

    def _end_faces(self):
        """Local numbers of the faces at the two ends of the lines (far outside where not on this rank)."""
        start, nodes = self.mesh.start[0], self.mesh.nodes
        return 1 - start, nodes - 1 - start


class Diffusion(Term):
    """∂u/∂t = (1/A) ∂/∂x [A D ∂u/∂x] along the line axis.

    Parameters
    ----------
    field : int
    D : number, array (cells + 1, lanes) [cm2/s], or an object with bind, update(u, D) and partials(u, D)
        (WaveScattering) that makes D from other fields.
    ends : Ends
    """

    def __init__(self, field, D, ends):
        self.field, self.D, self.ends = field, D, ends

    def bind(self, mesh):
        super().bind(mesh)
        self.ends.bind(mesh)
        area, inverse_distance = mesh.face_geometry()
        self.conductance = area * inverse_distance
        self.inverse_volume = 1.0 / mesh.node_volumes()
        self.end_faces = self._end_faces()
        self.live = hasattr(self.D, "update")
        if self.live:
            self.D.bind(mesh)
            self.on_faces = np.empty((mesh.shape[0] + 1, mesh.shape[2]))
        else:
            self.on_faces = self._on_line_faces(self.D)

    def _coefficient(self, u):
        if self.live:
            self.D.update(u, self.on_faces)
        return self.on_faces

    def residual(self, t, u, r):
        line_kernels.diffuse_line(u, self.field, *self.g, self._coefficient(u), self.conductance,
                                  self.inverse_volume, *self.ends.values(t), *self.end_faces, r)

    def jacobian(self, t, u, blocks):
        D = self._coefficient(u)
        line_kernels.diffuse_line_jacobian(self.field, D, self.conductance, self.inverse_volume,
                                           *self.end_faces, blocks.lower, blocks.diag, blocks.upper)
        if self.live:
            for w, dD in self.D.partials(u, D):
                line_kernels.diffuse_line_jacobian_of_D(
                    u, self.field, w, *self.g, dD, self.conductance, self.inverse_volume,
                    *self.ends.values(t), *self.end_faces, blocks.lower, blocks.diag)


class WaveScattering:
    """D = D_ISM n/Σ exp(w_k) on faces, from n wave fields w_k = ln(I_k/I_b).

    Parameters
    ----------
    D_ism : array (lanes,) [cm2/s]
    waves : list of int
        The wave fields.
    """

    def __init__(self, D_ism, waves):
        self.D_ism, self.waves = np.asarray(D_ism, dtype=float), np.array(waves, dtype=np.int64)

    def bind(self, mesh):
        """Prepare this rank's coefficients."""
        self.g, self.here = mesh.ghost, np.ascontiguousarray(self.D_ism[mesh.columns])
        self.dD = np.empty((mesh.shape[0] + 1, mesh.shape[2]))

    def update(self, u, D):
        """D (nodes + 1, lanes) from the waves in u."""
        wave_kernels.scatter(u, self.waves, *self.g, self.here, D)

    def partials(self, u, D):
        """Pairs (wave field, ∂D/∂w)."""
        for k, w in enumerate(self.waves):
            wave_kernels.scatter_derivative(u, self.waves, k, *self.g, self.here, D, self.dD)
            yield w, self.dD


class Advection(Term):
    """∂u/∂t = −(1/A) ∂(A V u)/∂x along the line axis; for a staggered field −V ∂u/∂x with V uniform in x.

    Parameters
    ----------
    field : int
    V : number or array, on the line faces (cells + 1, lanes); for a staggered field (lanes,) [cm/s]
    ends : Ends
        What flows in.
    order : 1 or 2
    still : number or array (lanes,)
        What is not carried along: V (u − still) flows, so that a uniform u = still stays where V diverges.
    """

    def __init__(self, field, V, ends, order=2, still=0.0):
        self.field, self.V, self.ends, self.limited, self.still = field, V, ends, float(order == 2), still

    def bind(self, mesh):
        super().bind(mesh)
        self.ends.bind(mesh)
        start, n = mesh.start[0], mesh.nodes
        self.inverse_volume = 1.0 / mesh.node_volumes()
        if mesh.fields[self.field].staggered:
            # Node k stands on face k and owns what lies between the midpoints x_k and x_(k+1).
            nodes_at = np.append(mesh.line.faces, 2 * mesh.line.faces[-1] - mesh.line.faces[-2])
            faces_at = np.append(mesh.x, mesh.x[-1])
            self.inverse_volume = np.append(1.0 / np.diff(mesh.x), 0.0)[mesh.rows]
            V = np.broadcast_to(np.asarray(self.V, dtype=float), (mesh.lanes,))[mesh.columns]
            self.speed = np.tile(V, (mesh.shape[0] + 1, 1))
            self.valid = -start, n - 2 - start
        else:
            nodes_at = mesh.x
            faces_at = np.concatenate([mesh.x[:1], mesh.line.faces, mesh.x[-1:]])
            area, _ = mesh.face_geometry()
            self.speed = area[:, None] * self._on_line_faces(self.V)
            self.valid = 1 - start, n - 2 - start
        part = slice(start, start + mesh.shape[0] + 1)
        self.faces_at = np.ascontiguousarray(faces_at[part])
        self.nodes_at = np.ascontiguousarray(np.pad(nodes_at, 2, mode="edge")[start:start + mesh.shape[0] + 4])
        self._stays = self._unmoved() if np.any(self.still) else None

    def residual(self, t, u, r):
        line_kernels.advect_line(u, self.field, *self.g, self.speed, self.nodes_at, self.faces_at,
                                 self.inverse_volume, *self.ends.values(t), *self.valid, self.limited, r)
        if self._stays is not None:
            r[:, self.field] -= self._stays

    def _unmoved(self):
        """What would be carried of `still` alone: array (nodes, lanes), by the same sums."""
        lanes, one, moved = np.ones(self.mesh.shape[2]), np.ones(self.mesh.shape), np.zeros(self.mesh.shape)
        line_kernels.advect_line(one, self.field, 0, 0, self.speed, self.nodes_at, self.faces_at, self.inverse_volume, lanes, lanes,
                                 *self.valid, self.limited, moved)
        return moved[:, self.field] * np.broadcast_to(np.asarray(self.still, dtype=float), (self.mesh.lanes,))[self.mesh.columns]

    def jacobian(self, t, u, blocks):
        line_kernels.advect_line_jacobian(self.field, self.speed, self.inverse_volume, *self.valid,
                                          blocks.lower, blocks.diag, blocks.upper)


class Reaction(Term):
    """∂u/∂t = S − L u in the cells; L [1/s] and S [unit/s] numbers or arrays (cells, lanes)."""

    conserves = False

    def __init__(self, field, loss=0.0, source=0.0):
        self.field, self.loss, self.source = field, loss, source

    def bind(self, mesh):
        super().bind(mesh)
        self.rate, self.gain = self._in_cells(self.loss), self._in_cells(self.source)
        self.rows = self._cell_rows()

    def residual(self, t, u, r):
        line_kernels.react(u, self.field, *self.g, self.rate, self.gain, *self.rows, r)

    def jacobian(self, t, u, blocks):
        line_kernels.react_jacobian(self.field, self.rate, *self.rows, blocks.diag)


class LaneTerm(Term):
    """A flux across the lanes; its geometry."""

    couples_lanes, conserves = True, False

    def bind(self, mesh):
        super().bind(mesh)
        lane, first, count = mesh.lane, mesh.start[1], mesh.shape[2]
        self.part = slice(first, first + count + 1)
        self.inverse_volume = 1.0 / lane.volumes[mesh.columns]
        self.bounds = np.array([-first, mesh.lanes - 1 - first])
        self.rows = self._cell_rows()
        self.lanes_at = np.ascontiguousarray(np.pad(lane.centers, 2, mode="reflect", reflect_type="odd")
                                             if mesh.lanes > 2 else np.pad(lane.centers, 2, mode="edge"))[first:first + count + 4]


class LaneAdvection(LaneTerm):
    """∂u/∂t = −(1/A) ∂(A V u)/∂x across the lanes; V on lane faces, number or (cells, lanes + 1).

    What reaches an end flows out, nothing flows in; a closed end passes nothing.
    """

    def __init__(self, field, V, order=2):
        self.field, self.V, self.limited = field, V, float(order == 2)

    def bind(self, mesh):
        super().bind(mesh)
        areas = mesh.lane.areas.copy()
        for closed, k in zip(mesh.lane.closed, (0, -1)):
            if closed:
                areas[k] = 0.0
        self.speed = areas[self.part] * self._on_lane_faces(self.V)
        self.faces_at = np.ascontiguousarray(mesh.lane.faces[self.part])

    def residual(self, t, u, r):
        lane_kernels.advect_lanes(u, self.field, *self.g, self.speed, self.lanes_at, self.faces_at,
                                  self.inverse_volume, *self.rows, self.bounds, self.limited, r)

    def jacobian(self, t, u, blocks):
        lane_kernels.advect_lanes_jacobian(self.field, self.speed, self.inverse_volume, *self.rows, self.bounds,
                                           blocks.west, blocks.diag, blocks.east)


class LaneDiffusion(LaneTerm):
    """∂u/∂t = (1/A) ∂/∂x [A D ∂u/∂x] across the lanes, closed at both ends; D on lane faces."""

    def __init__(self, field, D):
        self.field, self.D = field, D

    def bind(self, mesh):
        super().bind(mesh)
        inside = mesh.lane.areas[1:-1] / np.diff(mesh.lane.centers)
        self.conductance = np.ascontiguousarray(np.concatenate([[0.0], inside, [0.0]])[self.part])
        self.on_faces = self._on_lane_faces(self.D)

    def residual(self, t, u, r):
        lane_kernels.diffuse_lanes(u, self.field, *self.g, self.on_faces, self.conductance,
                                   self.inverse_volume, *self.rows, r)

    def jacobian(self, t, u, blocks):
        lane_kernels.diffuse_lanes_jacobian(self.field, self.on_faces, self.conductance, self.inverse_volume,
                                            *self.rows, blocks.west, blocks.diag, blocks.east)


class WaveBalance(Term):
    """Growth and damping of one direction of waves, for w = ln(I/I_b) (Malkov et al. 2013; Nava et al. 2016).

    ∂w/∂t = (g V_A/I_b) max(0, −σ ∂P/∂x) e^{−w} − 2γ (1 − e^{−w}) − 2 γ_I (ΣI/I_0 − e^{−w})

    which is ∂I/∂t = −g σ V_A ∂P/∂x − 2Γ(ΣI) I + 2Γ(I_0) I_b with Γ = γ + γ_I ΣI/I_0, divided by I.

    Parameters
    ----------
    pressure : int
        The CR field, whose gradient drives.
    waves : list of int
        All wave fields.
    direction : (int, +1 or −1)
        Which of them this term moves, and where to.
    growth : array (lanes,)  g V_A/I_b [cm/s]
    gamma, gamma_I : array (lanes,)
        Linear damping, and non-linear Landau damping at I_0 [1/s].
    ends : Ends
        Of the CR field.
    reabsorption : bool
        Whether waves give energy back where the pressure rises along their way; else nothing happens there.
    """

    def __init__(self, pressure, waves, direction, growth, damping, ends, reabsorption=False):
        self.least = -np.inf if reabsorption else 0.0
        self.pressure, self.waves = pressure, np.array(waves, dtype=np.int64)
        self.k, self.sign = direction[0], float(direction[1])
        self.coefficients, self.ends = (growth, *damping), ends

    def bind(self, mesh):
        super().bind(mesh)
        self.ends.bind(mesh)
        start = mesh.start[0]
        self.here = [np.ascontiguousarray(np.asarray(c, dtype=float)[mesh.columns]) for c in self.coefficients]
        _, inverse_distance = mesh.face_geometry()
        self.gradient = np.ascontiguousarray(inverse_distance[1:])     # of the face right of each node
        self.end_nodes = np.array([-start, mesh.nodes - 2 - start])
        self.nodes_on = np.array([0, min(mesh.shape[0] - 1, mesh.nodes - 2 - start)])

    def residual(self, t, u, r):
        growth, gamma, gamma_I = self.here
        wave_kernels.wave_balance(u, self.pressure, self.waves, self.k, self.sign, *self.g, growth, self.gradient,
                                  self.least, gamma, gamma_I, *self.ends.values(t), self.end_nodes, self.nodes_on, r)

    def jacobian(self, t, u, blocks):
        growth, gamma, gamma_I = self.here
        wave_kernels.wave_balance_jacobian(
            u, self.pressure, self.waves, self.k, self.sign, *self.g, growth, self.gradient, self.least, gamma,
            gamma_I, *self.ends.values(t), self.end_nodes, self.nodes_on, blocks.diag, blocks.upper)
