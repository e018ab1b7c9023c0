"""postprocess/focused.py as a user starts it, on runs and scans written from exact results."""

import json

import numpy as np
import pytest
from figures import both, draw_alone, drawn

pytest.importorskip("matplotlib")
pytest.importorskip("h5netcdf")

from hpccr.output import snapshot  # noqa: E402
from hpccr.output.variable import Variable  # noqa: E402

FIGURES = ("profiles", "maps", "moments", "errors", "dispersion")
MODELS = ("diffusion", "hyperdiffusion", "telegraph")
WIDTH, LENGTH, CELLS, ROWS = 0.7, 9.0, 120, 16
TIMES = (0.0, 0.5, 2.0, 8.0, 20.0, 40.0)
KAPPA, K = 2 / 3, 11 / 270          # of D = 1

# -- runs from the kinetic equation with D = 1, in Fourier and Legendre modes --------------------------------


def decay(epsilon, k):
    """Rates and modes of the operator at a wave number: complex (24,), (24, 24)."""
    order = np.arange(24)
    beside = order[1:] / np.sqrt(4.0 * order[1:] ** 2 - 1)
    return np.linalg.eig(np.diag(-order * (order + 1.0)) - 1j * epsilon * k * (np.diag(beside, 1) + np.diag(beside, -1)))


def kinetic(z, mu, t, epsilon):
    """f of the isotropic Gaussian start, averaged over the cells: array (z, mu)."""
    legendre = np.polynomial.legendre.legvander(mu, 23) * np.sqrt(2 * np.arange(24) + 1)
    f, step, h = np.zeros((len(z), len(mu))), np.pi / 30, z[1] - z[0]
    for k in np.arange(0, 8 / WIDTH, step):
        rates, modes = decay(epsilon, k)
        kept = legendre @ (modes @ (np.exp(rates * t) * np.linalg.inv(modes)[:, 0]))
        size = (1 if k == 0 else 2) * np.exp(-((k * WIDTH) ** 2) / 2) * np.sinc(k * h / 2 / np.pi)
        f += size * (np.exp(1j * k * z)[:, None] * kept).real
    return f * WIDTH / np.sqrt(2 * np.pi) * step


def spread(z, variance):
    """A Gaussian of that variance with the number of the start."""
    return WIDTH / np.sqrt(variance) * np.exp(-(z**2) / 2 / variance)


def growth(t, epsilon):
    """<z²> of particles released at z = 0."""
    return epsilon**2 / 3 * (t + np.expm1(-2 * t) / 2)


def entries(**values):
    return {name: {"value": float(value), "unit": "1"} for name, value in values.items()}


def focused_run(directory, solo, epsilon=0.3, transport="", source=False, ended=True):
    """A run directory as hpccr leaves it; the models are Gaussians of about the right width. Returns it."""
    deck = f'problem = "focused"\n[transport]\nepsilon = {epsilon}\n{transport}\n[initial]\nwidth = {WIDTH}\n'
    deck += 'shape = "empty"\n[ends]\nleft = "source"\n' if source else ""
    attributes = {"title": "focused", "problem": "focused", "hpccr_version": "0", "deck": deck}
    (directory / "snapshots").mkdir(parents=True)
    (directory / "deck.toml").write_text(deck)
    face = np.linspace(-LENGTH, LENGTH, CELLS + 1)
    z, (mu, weight) = (face[1:] + face[:-1]) / 2, np.polynomial.legendre.leggauss(ROWS)
    for number, t in enumerate(TIMES):
        f = kinetic(z, mu, t, epsilon)
        slow = {name: spread(z, WIDTH**2 + epsilon**2 / 3 * (t + off)) for name, off in zip(MODELS, (0.3, -0.49, -0.51))}
        rows = [("time", (), np.array(t), "1/nu"), ("T", (), np.array(epsilon**2 * t / 4), "1"), ("z", ("z",), z, "l"),
                ("z_face", ("z_face",), face, "l"), ("mu", ("mu",), mu, "1"), ("weight", ("mu",), weight, "1"),
                ("area", ("z",), np.ones(CELLS), "1"), ("f", ("z", "mu"), f, "1"), ("f0", ("z",), f @ weight / 2, "1"),
                ("f1", ("z",), f @ (1.5 * weight * mu), "1"), *((name, ("z",), value, "1") for name, value in slow.items())]
        snapshot.write(directory / "snapshots" / f"{number:06d}.h5", [Variable.whole(*row) for row in rows], attributes, solo)
    t = np.append(0.0, np.geomspace(0.01, TIMES[-1], 500))
    z2 = WIDTH**2 + growth(t, epsilon)
    history = np.stack([np.arange(len(t)), t, (t > 0) * z2 if source else z2, 3 * z2**2 * (1 + 0.01 * np.tanh(t))])
    lines = [",".join(f"{x:.17g}" for x in row) for row in history.T]
    (directory / "history.csv").write_text("\n".join(["step [1],time [1/nu],z2 [l2],z4 [l4]", *lines]) + "\n")
    if ended:
        k = np.geomspace(0.1, 20, 30)
        slowest = [max(decay(epsilon, x)[0].real) for x in k]
        summary = entries(kappa=KAPPA, K=K, tau=epsilon**2 * K / KAPPA**2, z2=z2[-1], z2_exact=z2[-1] / (1 + 1e-5))
        summary["dispersion"] = {"k": k.tolist(), "value": slowest, "imaginary": [0.0] * len(k), "unit": "nu"}
        (directory / "summary.json").write_text(json.dumps(summary))
    return directory


def scan_of(directory, epsilons=(0.4, 0.05, 0.1, 0.2), laws=("",)):
    """A scan whose models are off by 0.02 eps², 0.003 eps⁴ and 0.005 eps⁴; the points are not in order."""
    points = []
    for law in laws:
        for epsilon in epsilons:
            place = f"points/{len(points):04d}"
            (directory / place).mkdir(parents=True)
            (directory / place / "deck.toml").write_text(f'problem = "focused"\n[transport]\nepsilon = {epsilon}\n{law}\n')
            errors = entries(error_diffusion=0.02 * epsilon**2, error_hyperdiffusion=0.003 * epsilon**4,
                             error_telegraph=0.005 * epsilon**4)
            (directory / place / "summary.json").write_text(json.dumps(errors))
            points.append({"directory": place, "values": {"transport.epsilon": epsilon}})
    (directory / "scan.json").write_text(json.dumps({"keys": ["transport.epsilon"], "points": points}))
    return directory


@pytest.fixture(scope="module")
def run(tmp_path_factory, solo):
    """A run that is only looked at."""
    return focused_run(tmp_path_factory.mktemp("runs") / "run", solo)


# -- as a user starts it ---------------------------------------------------------------------------------------


def test_needs_neither_mpi_nor_petsc(run, tmp_path):
    done = draw_alone("focused", run, "--out", tmp_path / "out")
    assert done.returncode == 0 and not done.stderr, done.stderr
    assert drawn(tmp_path / "out") == both(*FIGURES)


@pytest.mark.filterwarnings("error")
def test_figures(run, tmp_path, inside):
    status, out, err = inside("focused", run, "--out", tmp_path)
    assert status == 0 and not err
    assert drawn(tmp_path) == both(*FIGURES)
    assert "z2/exact - 1 = 1.00e-05" in out and "telegraph is off by" in out


def test_what_is_not_there_is_left_out(tmp_path, inside, solo):
    """A run that has not ended has no dispersion; with a source nothing is there at first; a table's law is not known."""
    ongoing = focused_run(tmp_path / "ongoing", solo, transport='scattering = "table"', ended=False)
    source = focused_run(tmp_path / "source", solo, transport="sigma = 1.0", source=True)
    status, out, err = inside("focused", ongoing, source, "--out", tmp_path / "out")
    assert status == 0
    assert drawn(tmp_path / "out" / "ongoing") == both("profiles", "maps", "moments", "errors")
    assert drawn(tmp_path / "out" / "source") == both("profiles", "maps", "errors")
    assert "no dispersion" in err and "without focusing" in err and "no particles at t = 0" in err


@pytest.mark.filterwarnings("error")
def test_scan(tmp_path, inside):
    """Two laws with a column each; of slopes 2 and 4; a point that has not ended is counted."""
    scan = scan_of(tmp_path / "scan", laws=("", 'scattering = "power"\nq = 1.5'))
    (scan / "points" / "0005" / "summary.json").unlink()
    status, out, err = inside("focused", scan)
    assert status == 0 and not err
    assert drawn(scan / "figures") == both("scaling")
    assert out.count("fitted:   diffusion 2.000, hyperdiffusion 4.000, telegraph 4.000") == 2
    assert "1 points are not finished: points/0005" in out


def test_a_scan_over_more_than_epsilon(tmp_path, inside):
    """Points of one epsilon are curves of their own, told by what they differ in; what varies with epsilon is none."""
    scan = scan_of(tmp_path / "scan", laws=("", "# as the first"))
    content = json.loads((scan / "scan.json").read_text())
    for number, point in enumerate(content["points"]):
        point["values"] |= {"initial.width": 0.5 if number < 4 else 2.0, "time.end": 1 / point["values"]["transport.epsilon"]}
    (scan / "scan.json").write_text(json.dumps(content))
    status, out, err = inside("focused", scan)
    assert status == 0 and not err
    assert out.count("fitted:   diffusion 2.000, hyperdiffusion 4.000, telegraph 4.000") == 2
    assert ", width = 0.5\n" in out and ", width = 2.0\n" in out and "end" not in out


# -- the numbers -----------------------------------------------------------------------------------------------


def test_moments_are_those_of_the_kinetic_equation(run, load):
    """<z²> and <z⁴> of the snapshots from modes, against the moments that the figure takes as exact; <z²> in closed form."""
    one = load("focused").Focused(run)
    first = one.moments_of(one.run.snapshots[0], "f0")
    assert first == pytest.approx([WIDTH**2, 3 * WIDTH**4], rel=1e-9)
    times = one.run.times[1:]
    exact = one.exact(times, first)
    assert exact[0] - WIDTH**2 == pytest.approx(growth(times, 0.3), rel=1e-9)
    for later, wanted in zip(one.later, exact.T):
        assert one.moments_of(later, "f0") == pytest.approx(wanted, rel=1e-6)


def test_models_are_off_by_what_they_differ(run, load):
    one = load("focused").Focused(run)
    last = one.run.snapshots[-1]
    found = [one.off(last, name) for name in MODELS]
    f0 = last["f0"].values
    assert found == pytest.approx([np.sqrt(np.sum((last[name].values - f0) ** 2) / np.sum(f0**2)) for name in MODELS])
    last["telegraph"].values[:] = 1.01 * f0
    assert one.off(last, "telegraph") == pytest.approx(0.01)


def test_branches_of_the_models(run, load):
    """Deviations from the operator's own rate fall as k², k⁴ and k⁴; the telegraph's modes merge at 1/(2√(κτ))."""
    module, one = load("focused_figures"), load("focused").Focused(run)
    k = np.array([0.4, 0.8])
    exact = np.array([-max(decay(0.3, x)[0].real) for x in k])
    for name, order in zip(MODELS, (2, 4, 4)):
        off = np.abs(module.branch(one, name, k) / exact - 1)
        assert np.log2(off[1] / off[0]) == pytest.approx(order, abs=0.1), name
    merging = 0.5 / np.sqrt(one.kappa * one.tau)
    beyond = module.branch(one, "telegraph", merging * np.array([1.0, 1.5, 4.0]))
    assert beyond == pytest.approx([0.3**2 / 8 / one.tau] * 3, rel=1e-6)
    one.K = -one.K
    assert np.all(np.diff(module.branch(one, "hyperdiffusion", np.geomspace(0.1, 1e3, 50))) >= 0)


def test_slopes(load):
    slope, local = load("focused").slope_of(np.array([0.1, 0.2, 0.4]), np.array([1e-4, 4e-4, 64e-4]))
    assert local == pytest.approx([2, 4]) and slope == pytest.approx(3)
    with np.errstate(all="raise"):
        assert np.isnan(load("focused").slope_of(np.array([0.1]), np.array([1e-4]))[0])


def test_shown_times_spread_from_first_to_last(run, load):
    times = [float(s["time"]) for s in load("focused").Focused(run).shown]
    assert times[0] == 0.5 and times[-1] == 40.0 and len(times) == 4


# -- what it refuses -------------------------------------------------------------------------------------------


def refuse_no_directory(run, tmp_path):
    return [tmp_path / "nowhere"], "no such directory"


def refuse_neither_run_nor_scan(run, tmp_path):
    return [tmp_path], "not a run directory"


def refuse_damaged_history(run, tmp_path):
    return [_copy(run, tmp_path, "history.csv", "step,time [1/nu]\n1,2,3\n")], "history.csv: cannot be read"


def refuse_damaged_summary(run, tmp_path):
    return [_copy(run, tmp_path, "summary.json", "{")], "summary.json: cannot be read"


def refuse_scan_without_points(run, tmp_path):
    (tmp_path / "scan.json").write_text("{}")
    return [tmp_path], "not the list of a scan's points"


def refuse_scan_that_has_only_begun(run, tmp_path):
    for summary in scan_of(tmp_path / "scan").glob("points/*/summary.json"):
        summary.unlink()
    return [tmp_path / "scan"], "no point of the scan is finished"


def refuse_scan_of_another_problem(run, tmp_path):
    (scan_of(tmp_path / "scan") / "points/0002/summary.json").write_text('{"kappa_par": {"value": 1.0}}')
    return [tmp_path / "scan"], "error_diffusion"


def refuse_too_many_laws(run, tmp_path):
    laws = [f'scattering = "power"\nq = {q}' for q in (1.1, 1.2, 1.3, 1.4, 1.5)]
    return [scan_of(tmp_path / "scan", laws=laws)], "too many laws"


def refuse_no_argument(run, tmp_path):
    return [], "DIR"


def refuse_out_is_a_file(run, tmp_path):
    (tmp_path / "file").write_text("")
    return [run, "--out", tmp_path / "file"], "cannot write"


def _copy(run, tmp_path, name, text):
    import shutil

    shutil.copytree(run, tmp_path / "copy")
    (tmp_path / "copy" / name).write_text(text)
    return tmp_path / "copy"


REFUSALS = [value for name, value in sorted(globals().items()) if name.startswith("refuse_")]


@pytest.mark.parametrize("refusal", REFUSALS, ids=[refusal.__name__ for refusal in REFUSALS])
def test_refusals(run, tmp_path, inside, refusal):
    """One message, status 2, no traceback."""
    arguments, words = refusal(run, tmp_path)
    status, out, err = inside("focused", *arguments)
    assert status == 2 and err.startswith("focused.py: ") and "Traceback" not in err
    assert words in err
