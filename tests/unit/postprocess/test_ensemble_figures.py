"""postprocess/orbits.py, fieldlines.py, rigidity_scan.py and dmumu.py as a user starts them, on runs with known answers."""

import csv
import json

import numpy as np
import pytest
from figures import both, draw_alone, drawn

pytest.importorskip("matplotlib")
pytest.importorskip("h5netcdf")

from hpccr.output import snapshot  # noqa: E402
from hpccr.output.variable import Variable  # noqa: E402

# -- runs whose answers are known ----------------------------------------------------------------------------


def store(directory, problem, rows, summary, deck, solo):
    """A run directory as hpccr leaves it."""
    attributes = {"title": problem, "problem": problem, "hpccr_version": "0", "deck": deck}
    (directory / "snapshots").mkdir(parents=True)
    (directory / "deck.toml").write_text(deck)
    snapshot.write(directory / "snapshots" / "000000.h5", [Variable.whole(*row) for row in rows], attributes, solo)
    if summary is not None:
        (directory / "summary.json").write_text(json.dumps(summary))
    return directory


def deck_of(problem, kind, eta):
    return f'problem = "{problem}"\n[turbulence]\nkind = "{kind}"\neta = {eta}\n'


def with_error(name, dims, value, error, unit, rng):
    """Rows of a variable that scatters by its error, and of the error."""
    error = np.broadcast_to(error, value.shape)
    scattered = value + np.nan_to_num(error) * rng.standard_normal(value.shape)
    return [(name, dims, scattered, unit, name), (f"{name}_error", dims, error, unit, name)]


def lines_with(figure, words):
    """Of each panel the ends [r_g/L_c] of the lines drawn like `words` in the legend of a figure."""
    legend = figure.legends[0]
    sample = next((line for line, text in zip(legend.get_lines(), legend.get_texts()) if text.get_text() == words), None)
    style = None if sample is None else (sample.get_color(), sample.get_linewidth())
    return [[tuple(line.get_xdata()) for line in axis.get_lines() if (line.get_color(), line.get_linewidth()) == style] for axis in figure.axes]


def orbits_run(directory, solo, tau=30.0, wander=0.06, kind="isotropic", eta=0.5, rigidity=0.1, noise=0.02, physical=False,
               flat=True, times=90):
    """Velocities that are forgotten after tau, gyration that dies out, field lines that wander: coefficients in closed form."""
    rng, t = np.random.default_rng(1), np.unique(np.geomspace(0.03, 30 * tau, times))
    par, rate = tau / 3, complex(1 / 6.0, -1.0)
    d_par = par * -np.expm1(-t / tau)
    gyration = ((-np.expm1(-rate * t)) / rate).real / 3
    d_perp = gyration + wander * np.sqrt(par) * t / (t + 20) * (1 + 3 * np.exp(-((t / tau) ** 0.7)))
    square = {"par": 2 * par * (t + tau * np.expm1(-t / tau)), "perp": 2 * np.cumsum(np.gradient(t) * d_perp)}
    exponents = np.stack([np.gradient(np.log(square[w]), np.log(t)) for w in ("perp", "perp", "par")], axis=1)
    velocity, green_kubo = np.zeros((len(t), 3, 3)), np.zeros((len(t), 3, 3))
    for i in range(2):
        velocity[:, i, i], green_kubo[:, i, i] = np.exp(-rate * t).real / 3, d_perp
    velocity[:, 2, 2], green_kubo[:, 2, 2] = np.exp(-t / tau) / 3, d_par
    growing, pairs = noise * (t / t[-1]) ** 0.25, ("time", "axis", "axis_j")
    mu = (np.arange(40) + 0.5) / 20 - 1
    theory = np.where(np.abs(mu) > 0.12, 0.004 * (1 - mu**2) * np.abs(mu) ** (2 / 3), 0.0)
    D = np.maximum(theory, 2e-4)
    rows = [("time", ("time",), t, "1/Omega", "time"), ("mu", ("mu",), mu, "1", "mu"),
            ("lag", (), np.array(10.0), "1/Omega", "lag"),
            *with_error("d_par", ("time",), d_par, growing * d_par, "c r_g", rng),
            *with_error("d_perp", ("time",), d_perp, 2 * growing * d_perp, "c r_g", rng),
            *with_error("exponent", ("time", "axis"), exponents, (2 * growing)[:, None], "1", rng),
            *with_error("velocity_correlation", pairs, velocity, 0.003 * noise / 0.02, "v2", rng),
            *with_error("green_kubo", pairs, green_kubo, (growing * d_perp)[:, None, None], "c r_g", rng),
            *with_error("D_mumu", ("mu",), D, 1.5 * noise * D, "Omega", rng),
            ("D_mumu_qlt", ("mu",), theory, "Omega", "quasi-linear")]
    if physical:
        values = {row[0]: row[2] for row in rows}
        rows += [("time_physical", ("time",), 2.5 * t, "yr", "time"),
                 ("d_par_physical", ("time",), 7e27 * values["d_par"], "cm2/s", "d"),
                 ("d_perp_physical", ("time",), 7e27 * values["d_perp"], "cm2/s", "d")]
    window = [float(t[-1] / 2), float(t[-1])]
    summary = {"eta": {"value": eta, "unit": "1"}, "rigidity": {"value": rigidity, "unit": "L_c"},
               "resonance": {"value": 8.0, "unit": "1"}}
    for which, value in (("par", par), ("perp", float(d_perp[-1]))):
        summary[f"kappa_{which}"] = {"value": value, "error": noise * value, "unit": "c r_g", "window": window, "converged": flat}
        summary[f"lambda_{which}"] = {"value": 3 * rigidity * value, "error": 3 * rigidity * noise * value, "unit": "L_c"}
    return store(directory, "orbits", rows, summary, deck_of("orbits", kind, eta), solo)


def lines_run(directory, solo, kind="isotropic", eta=0.1, factor=0.25, noise=0.03):
    """Field lines that go straight for L_c and then diffuse with `factor` of (dB/B0)² L_c."""
    rng, level = np.random.default_rng(2), eta / (1 - eta)
    D_end, rows = factor * level, []
    for name, scale in (("s", 1.0), ("tau", 0.95)):
        x = np.geomspace(0.01, 300, 60)
        D, growing = D_end * scale * -np.expm1(-2 * x), noise * (x / x[-1]) ** 0.2
        rows += [(name, (name,), x, "L_c", name), *with_error(f"D_{name}", (name,), D, growing * D, "L_c", rng),
                 *with_error(f"exponent_{name}", (name,), -np.expm1(-2 * x) / (1 + np.expm1(-2 * x) / 2 / x), growing, "1", rng)]
    if factor > 0.1:
        rows += [("qlt", (), np.array(D_end), "L_c", "quasi-linear"), ("s_physical", ("s",), 3.0 * x, "pc", "arc length")]
    entry = {"error": noise * D_end, "unit": "L_c", "window": [100.0, 300.0]}
    summary = {"D_perp": {"value": D_end, **entry}, "D_perp_tau": {"value": 0.95 * D_end, **entry}, "eta": {"value": eta}}
    if factor > 0.1:
        summary["ratio_to_qlt"] = {"value": 1.0, "error": noise}
    return store(directory, "fieldlines", rows, summary, deck_of("fieldlines", kind, eta), solo)


def mean_free_path(r, eta):
    """lambda_par/L_c: slope 1/3 far below r_g = L_c and 2 far above."""
    return 4 * (1 - eta) / eta * (r ** (1 / 3) + 6 * r**2 / (1 - eta))


def scan_of(directory, kinds=("isotropic", "alfven", "magnetosonic"), etas=(0.1, 0.5, 0.9),
            rigidities=np.geomspace(1e-3, 30, 12), error=0.03):
    """A scan whose mean free paths are those of `mean_free_path`; the lowest rigidity of the lowest eta is not a plateau."""
    points = []
    for kind in kinds:
        for eta in etas:
            for r in map(float, rigidities):
                par = mean_free_path(r, eta)
                height, slope = {"alfven": (0.3, 0.4), "magnetosonic": (0.05, 1.0)}.get(kind, (0.15, 0.7))
                perp = eta * height * r**slope / (1 + r**0.7)
                place = f"points/{len(points):04d}"
                (directory / place).mkdir(parents=True)
                kappa = {"value": par / r / 3, "window": [3 * par / r, 9 * par / r],
                         "converged": not (r < 2e-3 and eta == etas[0])}
                summary = {"eta": {"value": eta}, "rigidity": {"value": r, "unit": "L_c"}, "kappa_par": kappa,
                           "lambda_par": {"value": par, "error": error * par},
                           "lambda_perp": {"value": perp, "error": 2 * error * perp}}
                (directory / place / "summary.json").write_text(json.dumps(summary))
                (directory / place / "deck.toml").write_text(deck_of("orbits", kind, eta))
                values = {"turbulence.kind": kind, "turbulence.eta": eta, "ensemble.rigidity": r}
                points.append({"directory": place, "values": values})
    (directory / "scan.json").write_text(json.dumps({"keys": list(points[0]["values"]), "points": points}))
    return directory


@pytest.fixture(scope="module")
def runs(tmp_path_factory, solo):
    """One run of each sort; only looked at."""
    base = tmp_path_factory.mktemp("runs")
    orbits_run(base / "iso", solo, physical=True)
    orbits_run(base / "alf", solo, tau=300.0, wander=0.1, kind="alfven", eta=0.2, flat=False)
    lines_run(base / "lines", solo)
    lines_run(base / "flat", solo, kind="magnetosonic", factor=0.02)
    return base


# -- as a user starts them -------------------------------------------------------------------------------------


def test_needs_neither_mpi_nor_petsc(runs, tmp_path):
    done = draw_alone("dmumu", runs / "iso", "--out", tmp_path / "out")
    assert done.returncode == 0 and not done.stderr, done.stderr
    assert drawn(tmp_path / "out") == both("dmumu")


FIGURES = [("orbits", ["iso"], "running"), ("fieldlines", ["lines", "flat"], "fieldlines_compared"),
           ("dmumu", ["iso", "alf"], "dmumu_compared")]


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("script, names, figure", FIGURES, ids=[figure for *_, figure in FIGURES])
def test_figures(runs, tmp_path, inside, script, names, figure):
    status, out, err = inside(script, *(runs / name for name in names), "--out", tmp_path)
    assert status == 0 and not err
    assert drawn(tmp_path) == both(figure)


def test_runs_of_unequal_length_and_without_errors(tmp_path, inside, runs, solo):
    """A sole realisation has no jackknife error: NaN. Plateaus are printed with their windows."""
    sole = orbits_run(tmp_path / "sole", solo, tau=3.0, noise=float("nan"), kind="slab", times=50)
    status, out, err = inside("orbits", runs / "iso", runs / "alf", sole, "--out", tmp_path / "out")
    assert status == 0 and not err and drawn(tmp_path / "out") == both("running_compared")
    assert "iso: kappa_par = 10.00 ± 0.20 v r_g for Omega t from 450 to 900\n" in out
    assert "alf: kappa_par = 100.0 ± 2.0 v r_g for Omega t from 4500 to 9000, no plateau\n" in out


def test_one_parametrisation(tmp_path, inside, solo):
    """A run along tau alone is a figure of one column; the magnetosonic quasi-linear value is 0, not on a log axis."""
    x = np.geomspace(0.1, 10, 9)
    rows = [("tau", ("tau",), x, "L_c/B_ref"), ("D_tau", ("tau",), 0.1 * x, "L_c B_ref"),
            ("exponent_tau", ("tau",), 2 + 0 * x, "1"), ("qlt", (), np.array(0.0), "L_c")]
    run = store(tmp_path / "run", "fieldlines", rows, {}, deck_of("fieldlines", "magnetosonic", 0.5), solo)
    status, out, err = inside("fieldlines", run)
    assert status == 0 and not err and drawn(run / "figures") == both("fieldlines")


def test_unfinished_run_has_no_plateau(tmp_path, inside, solo):
    (lines_run(tmp_path / "run", solo) / "summary.json").unlink()
    status, out, err = inside("fieldlines", tmp_path / "run")
    assert status == 0 and not err and "no summary.json" in out
    assert drawn(tmp_path / "run" / "figures") == both("fieldlines")


def test_scattering_without_theory(tmp_path, inside, solo):
    """Waves that are not slab have no quasi-linear curve: a figure without ratio, and it is said."""
    rows = [("mu", ("mu",), np.linspace(-0.9, 0.9, 10), "1"), ("D_mumu", ("mu",), np.ones(10), "Omega")]
    run = store(tmp_path / "run", "orbits", rows, {}, deck_of("orbits", "isotropic", 0.5), solo)
    status, out, err = inside("dmumu", run)
    assert status == 0 and not err and "no quasi-linear" in out
    assert drawn(run / "figures") == both("dmumu")


@pytest.mark.parametrize("eta, gap", [(0.5, 1 / 8), (1.0, 0.0)])
def test_the_gap_is_that_of_a_mean_field(tmp_path, load, solo, eta, gap):
    """Without a mean field no wave is out of resonance: no words of it, nothing shaded."""
    module = load("dmumu")
    seen = module.Scattering(orbits_run(tmp_path / "run", solo, eta=eta))
    seen.theory[:] = np.nan
    axis = module.dmumu([seen]).axes[0]
    assert seen.gap == gap and [bool(axis.texts), bool(axis.patches)] == [gap > 0] * 2


@pytest.mark.filterwarnings("error")
def test_scan_draws_what_there_is(tmp_path, inside):
    """Figures, table and csv of a scan of which two points have not ended."""
    scan = scan_of(tmp_path / "scan", etas=(0.1, 0.5), rigidities=np.geomspace(1e-3, 30, 6))
    for place in ("0007", "0035"):
        (scan / "points" / place / "summary.json").unlink()
    status, out, err = inside("rigidity_scan", scan)
    assert status == 0 and not err
    assert drawn(scan / "figures") == sorted(both("scan", "slopes") + ["scan.csv"])
    assert "2 of 36 points are not finished: points/0007, points/0035" in out and "those of independent points" in out
    rows = list(csv.DictReader((scan / "figures" / "scan.csv").read_text().splitlines()))
    assert len(rows) == 34 and all(word in out for word in ("isotropic", "alfven", "magnetosonic"))
    for row in rows:
        r, eta = float(row["rigidity [L_c]"]), float(row["eta"])
        assert float(row["lambda_par [L_c]"]) == pytest.approx(mean_free_path(r, eta))
        assert row["plateau_par"] == ("0" if r < 2e-3 and eta == 0.1 else "1") and row["plateau_perp"] == "1"


# -- the numbers -----------------------------------------------------------------------------------------------


def test_local_slopes_of_the_scan(tmp_path, load):
    """Of (r^(1/3) + 6 r²/(1 − η)): 1/3 far below, 2 far above; 3-point differences of a power law are exact."""
    directory = scan_of(tmp_path, kinds=("isotropic",), etas=(0.5,), rigidities=np.geomspace(1e-4, 100, 13))
    scan = load("rigidity_scan").Scan(directory)
    slope = [p.slope["par"] for p in scan.curves("isotropic")[0]]
    assert slope[0] == pytest.approx(1 / 3, abs=2e-4) and slope[-1] == pytest.approx(2, abs=2e-4)
    assert all(a <= b + 1e-9 for a, b in zip(slope, slope[1:]))


def test_published_slopes_are_those_of_the_kind(tmp_path, load):
    """Across the field 1/3 of isotropic waves up to 1e-3, 1 of magnetosonic ones from there to 1; along it 1/3 and 2 of the three kinds."""
    module = load("rigidity_scan")
    rigidities = (0.00030000000000000003, 0.0010000000000000002, 0.01, 0.10000000000000002, 0.9999999999999999, 2.9999999999999996, 30.0)
    scan = module.Scan(scan_of(tmp_path, kinds=("isotropic", "alfven", "magnetosonic", "slab"), etas=(0.5,), rigidities=rigidities))
    known = [pytest.approx((0.0003, 0.1)), pytest.approx((3, 30))]
    expected = [known, known, known, [], [pytest.approx((0.0003, 0.001))], [], [pytest.approx((0.001, 1))], []]
    assert lines_with(module.paths(scan), "published slopes") == expected
    # Of slopes the whole range that is in the picture, with room at its left.
    left, right = 0.0003 / 4, 30 * 1.6
    known = [pytest.approx((left, 0.1)), pytest.approx((3, right))]
    expected = [known, known, known, [], [pytest.approx((left, 0.001))], [], [pytest.approx((0.001, 1))], []]
    assert lines_with(module.slopes(scan), "published slopes") == expected


def test_published_slopes_are_those_of_the_spectrum(tmp_path, load):
    """Of Kolmogorov's alone, which the deck has by default."""
    module = load("rigidity_scan")
    directory = scan_of(tmp_path, kinds=("magnetosonic",), etas=(0.5,), rigidities=(0.003, 0.01, 0.1))
    assert all(lines_with(figure(module.Scan(directory)), "published slopes") != [[], []] for figure in (module.paths, module.slopes))
    for path in directory.glob("points/*/deck.toml"):
        path.write_text(path.read_text() + "index = 1.5\n")
    assert all(lines_with(figure(module.Scan(directory)), "published slopes") == [[], []] for figure in (module.paths, module.slopes))


def test_a_plateau_that_is_not_decided_is_called_so(tmp_path, load, inside, capsys):
    """Neither one nor none: grey inside, empty in the table, and said by all scripts."""
    scan = scan_of(tmp_path / "scan", kinds=("isotropic",), etas=(0.1,), rigidities=(1e-3, 0.1, 10.0))
    path = scan / "points" / "0001" / "summary.json"
    summary = json.loads(path.read_text())
    path.write_text(json.dumps({**summary, "kappa_par": {**summary["kappa_par"], "converged": None}}))
    status, out, _ = inside("rigidity_scan", scan)
    assert status == 0 and "plateau not decided: par" in out and "no plateau: par" in out
    rows = list(csv.DictReader((scan / "figures" / "scan.csv").read_text().splitlines()))
    assert [row["plateau_par"] for row in rows] == ["0", "", "1"]
    seen = load("rigidity_scan").Scan(scan)
    assert [p.slope_flat["par"] for p in seen.points][0] == 0 and np.isnan(seen.points[2].slope_flat["par"])
    legend = load("rigidity_scan").paths(seen).legends[0]
    assert {"no plateau", "plateau not decided"} <= {text.get_text() for text in legend.get_texts()}


def test_a_sole_point_has_its_neighbour(load):
    """The nearest one on either side; what differs by rounding is one rigidity; nothing where there is none."""
    span = load("rigidity_scan")._span
    assert list(span([1e-4, 0.5, 1.5, 30.0], 1e-3, 1.0)) == [0.5, 1.5] and list(span([0.3, 0.5, 3.0], 0.4, 1.0)) == [0.3, 0.5]
    assert list(span([0.1, 0.3, 1.0], 0.0, 0.1)) == [0.1, 0.3] and list(span([1.0, 3.0], 3.0, np.inf)) == [1.0, 3.0]
    assert list(span([0.1, 0.1 * (1 + 4e-16), 0.3], 0.0, 0.1)) == [0.1, 0.3]
    assert not len(span([0.1, 0.1 * (1 + 4e-16)], 0.0, 0.1)) and not len(span([0.1, 0.3], 3.0, np.inf))


def test_given_waves_are_called_so(tmp_path, load):
    """The deck has a kind, by default, that waves from a file do not heed; nothing is published of them."""
    module, scan = load("rigidity_scan"), scan_of(tmp_path, kinds=("isotropic",), etas=(0.5,), rigidities=(0.01, 0.1))
    for file in scan.glob("points/*/deck.toml"):
        file.write_text(file.read_text() + 'waves_file = "waves.h5"\n')
    seen = module.Scan(scan)
    figure = module.paths(seen)
    assert seen.kinds == ["given waves"] and figure.axes[0].get_title() == "given waves"
    assert lines_with(figure, "published slopes") == [[], []]


def test_error_of_a_slope_between_two_points(tmp_path, load):
    """Two points a factor e apart, 3 % each and independent: 0.03 √2."""
    scan = load("rigidity_scan").Scan(scan_of(tmp_path, kinds=("slab",), etas=(0.5,), rigidities=(1.0, np.e)))
    for p in scan.points:
        assert p.slope_error["par"] == pytest.approx(0.03 * np.sqrt(2), rel=1e-9)


def test_error_of_a_slope_is_its_scatter(tmp_path, load):
    """Three uneven points, their mean free paths drawn 4000 times: the scatter of the slope is its error (within 3 √(1/8000))."""
    module, rng = load("rigidity_scan"), np.random.default_rng(5)
    points = module.Scan(scan_of(tmp_path, kinds=("slab",), etas=(0.5,), rigidities=(0.1, 0.15, 0.4), error=0.01)).points
    expected, true, found = points[1].slope_error["par"], [p.path["par"] for p in points], []
    for _ in range(4000):
        for p, value in zip(points, true):
            p.path["par"] = value * (1 + 0.01 * rng.standard_normal())
        module.slopes_of(points)
        found.append(points[1].slope["par"])
    assert np.std(found) == pytest.approx(expected, rel=0.04)


def test_points_that_differ_in_more_than_rigidity_are_not_joined(tmp_path, load):
    """Another number of waves is another curve, and a slope does not mix the two."""
    scan = scan_of(tmp_path, kinds=("isotropic",), etas=(0.5,), rigidities=(0.1, 0.1, 1.0, 1.0))
    listed = json.loads((scan / "scan.json").read_text())
    for number, point in enumerate(listed["points"]):
        point["values"]["turbulence.modes"] = (128, 512)[number % 2]
    (scan / "scan.json").write_text(json.dumps(listed))
    curves = load("rigidity_scan").Scan(scan).curves()
    assert [[p.rigidity for p in curve] for curve in curves] == [[0.1, 1.0]] * 2
    assert len({p.slope["par"] for curve in curves for p in curve}) == 1


def test_what_goes_along_with_rigidity_does_not_break_a_curve(tmp_path, load):
    """L_min and t_end that follow the rigidity, as [scan.together] has them; they stand in the table."""
    scan = scan_of(tmp_path, kinds=("isotropic", "slab"), etas=(0.5,), rigidities=(0.1, 0.3, 1.0))
    listed = json.loads((scan / "scan.json").read_text())
    for point in listed["points"]:
        point["values"]["turbulence.L_min"] = 0.01 * point["values"]["ensemble.rigidity"]
    (scan / "scan.json").write_text(json.dumps(listed))
    seen = load("rigidity_scan").Scan(scan)
    assert [len(curve) for curve in seen.curves()] == [3, 3] and seen.others == [()]
    header, rows = load("rigidity_tables").table(seen)
    assert [row[header.index("turbulence.L_min")] for row in rows] == pytest.approx([0.001, 0.003, 0.01] * 2)


def test_settings_of_one_rigidity_alone_are_told_as_multiples(tmp_path, load):
    """Twice the waves and half the L_min at each rigidity, which has waves and L_min of its own: three curves; the table has the values, too."""
    scan = scan_of(tmp_path, kinds=("isotropic",), etas=(0.5,), rigidities=(0.1, 0.1, 0.1, 1.0, 1.0, 1.0))
    listed = json.loads((scan / "scan.json").read_text())
    for number, point in enumerate(listed["points"]):
        first = (number // 3 + 1, number // 3 + 3)
        point["values"] |= {"turbulence.modes": 100 * first[0] * (1, 2, 1.1)[number % 3], "turbulence.L_min": first[1] * (1, 1, 0.5)[number % 3]}
    (scan / "scan.json").write_text(json.dumps(listed))
    module = load("rigidity_scan")
    seen = module.Scan(scan)
    assert [[p.rigidity for p in curve] for curve in seen.curves()] == [[0.1, 1.0]] * 3
    assert {module._setting(other) for other in seen.others} == {"the first of its rigidity", "modes × 2", "L_min × 0.5"}
    header, rows = load("rigidity_tables").table(seen)
    assert sorted(row[header.index("turbulence.modes")] for row in rows) == pytest.approx([100, 110, 200, 200, 220, 400])


def test_a_window_before_the_first_scattering_is_no_plateau(load):
    """3 kappa_par = 60/Omega between scatterings; a window from 50 is too early whatever the run says."""
    flat = load("rigidity_scan")._flat
    entry = {"value": 20.0, "window": [50.0, 100.0], "converged": True}
    assert not flat({"kappa_par": entry}, "par") and not flat({"kappa_par": entry, "kappa_perp": {"converged": True}}, "perp")
    assert flat({"kappa_par": {**entry, "window": [70.0, 140.0]}}, "par")
    assert not flat({"kappa_par": {**entry, "window": [70.0, 140.0]}, "kappa_perp": {"converged": False}}, "perp")


def test_exponents_and_ratio_are_those_of_the_run(runs, load):
    """Field lines straight (2), then diffusive (1); D_mumu over theory is 1 outside the gap and not defined in it."""
    seen = load("fieldlines").FieldLines(runs / "lines")
    assert seen.quasilinear == pytest.approx(0.25 * 0.1 / 0.9)
    value, error = seen.exponent("s")
    assert value[0] == pytest.approx(2, abs=5 * error[0] + 0.02) and value[-1] == pytest.approx(1, abs=5 * error[-1])
    slab = load("dmumu").Scattering(runs / "iso")
    ratio, error = slab.ratio()
    assert np.array_equal(np.isnan(ratio), np.abs(slab.mu) < 0.12)
    assert np.nanmax(np.abs(ratio - 1) / error) < 5 and slab.near(0.5)[0] == pytest.approx(1, abs=0.15)
    x, y = slab.theory_line()
    assert np.all(np.diff(x) >= 0) and {-slab.gap, slab.gap} <= set(x) and np.all(y[np.abs(x) < slab.gap] == 0)


def test_physical_axes_where_the_runs_agree(runs, load):
    module, orbits = load("ensembles"), load("orbits")
    iso, alf = (orbits.Orbits(runs / name).run for name in ("iso", "alf"))
    factor, unit = module.common_factor([iso, iso], "d_par")
    assert factor == pytest.approx(7e27) and unit == "cm2/s"
    assert module.common_factor([iso, alf], "time") is None


def test_numbers_to_two_digits_of_their_error(load):
    measured = load("ensembles").measured
    assert measured(3.41234, 0.1234) == "3.41 ± 0.12" and measured(3.41234, float("nan"), "L_c") == "3.412 L_c"
    assert measured(2.345e28, 1.2e27, "cm2/s") == "(2.35 ± 0.12)e28 cm2/s" and measured(2.3e-5, 1.2e-5) == "(2.3 ± 1.2)e-5"
    assert measured(515.3, 15.2) == "515 ± 15"


def test_labels_say_what_differs(runs, load):
    labels, open_ensemble = load("ensembles").labels, load("ensembles").open_ensemble
    iso, alf = (open_ensemble(runs / name, "orbits", ()) for name in ("iso", "alf"))
    assert labels([iso, alf]) == ["isotropic, $\\eta$ = 0.5", "Alfvénic, $\\eta$ = 0.2"]
    assert labels([iso]) == ["isotropic, $\\eta$ = 0.5, $r_g/L_c$ = 0.1"]
    assert labels([iso, iso], ["lag 1", "lag 2"]) == ["lag 1", "lag 2"]


# -- what they refuse ------------------------------------------------------------------------------------------


def refuse_no_directory(runs, tmp_path):
    return "orbits", [tmp_path / "nowhere"], "no such directory"


def refuse_second_directory(runs, tmp_path):
    return "dmumu", [runs / "iso", runs], "not a run directory"


def refuse_another_problem(runs, tmp_path):
    return "fieldlines", [runs / "iso"], "not a snapshot of the problem fieldlines"


def refuse_broken_snapshot(runs, tmp_path):
    (tmp_path / "snapshots").mkdir()
    (tmp_path / "deck.toml").write_text("")
    (tmp_path / "snapshots" / "000000.h5").write_bytes(b"no HDF5 at all")
    return "orbits", [tmp_path], "cannot be read as a snapshot"


def refuse_no_snapshots(runs, tmp_path):
    (tmp_path / "snapshots").mkdir()
    (tmp_path / "deck.toml").write_text("")
    return "dmumu", [tmp_path], "no snapshots"


def refuse_too_many(runs, tmp_path):
    return "orbits", [runs / "iso"] * 13, "too many runs"


def refuse_no_argument(runs, tmp_path):
    return "fieldlines", [], "DIR"


def refuse_unknown_option(runs, tmp_path):
    return "dmumu", [runs / "iso", "--log"], "--log"


def refuse_out_is_a_file(runs, tmp_path):
    (tmp_path / "file").write_text("")
    return "dmumu", [runs / "iso", "--out", tmp_path / "file"], "cannot write"


def refuse_no_scan(runs, tmp_path):
    return "rigidity_scan", [runs / "iso"], "no scan.json"


def refuse_broken_scan(runs, tmp_path):
    (tmp_path / "scan.json").write_text("{")
    return "rigidity_scan", [tmp_path], "cannot be read"


def refuse_list_of_another_form(runs, tmp_path):
    (tmp_path / "scan.json").write_text('{"points": [3]}')
    return "rigidity_scan", [tmp_path], "not the list of a scan's points"


def refuse_nothing_finished(runs, tmp_path):
    for file in scan_of(tmp_path / "scan", kinds=("slab",)).glob("points/*/summary.json"):
        file.unlink()
    return "rigidity_scan", [tmp_path / "scan"], "no point of the scan is finished"


def refuse_scan_of_another_problem(runs, tmp_path):
    (scan_of(tmp_path / "scan") / "points" / "0002" / "summary.json").write_text('{"half_life": {"value": 1.0}}')
    return "rigidity_scan", [tmp_path / "scan"], "summary lacks"


REFUSALS = [value for name, value in list(globals().items()) if name.startswith("refuse_")]


@pytest.mark.parametrize("case", REFUSALS, ids=lambda case: case.__name__.removeprefix("refuse_"))
def test_bad_input_is_refused_with_one_message(case, runs, tmp_path, inside):
    script, arguments, expected = case(runs, tmp_path)
    status, _, err = inside(script, *arguments)
    assert status == 2
    assert err.startswith(f"{script}.py: ") and expected in err and "Traceback" not in err
    assert err.count(f"{script}.py: ") == 1
