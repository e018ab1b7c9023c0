"""postprocess/feedback.py as a user starts it, on runs written from formulas: what it draws, leaves out and refuses."""

import math
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
from figures import both, draw, draw_alone, drawn

pytest.importorskip("matplotlib")
pytest.importorskip("h5netcdf")
xarray = pytest.importorskip("xarray")

from hpccr.errors import InputError  # noqa: E402
from hpccr.units import GeV, c, kyr, m_p, pc  # noqa: E402

EVERY = ("pressure", "velocity", "work", "spectra", "heating", "cr_heating", "edge", "cavity", "intensity", "expelled",
         "emission")
TIMES = (0, 0.5, 2, 10, 30, 100, 300, 1000, 1200, 2000, 2900, 5000, 6600, 10000)
E_CR, R_MAX, V_A = 1e50, 300.0, 4.9e5

# -- runs from formulas --------------------------------------------------------------------------------------


def state(D0, t, heated=True, cells=150):
    """A Gaussian of cosmic rays that spreads by diffusion, and a cavity in a shell: dict of (dims, values, unit)."""
    face, p = np.linspace(0, R_MAX, cells + 1), np.geomspace(0.05, 2e3, 24) * m_p * c
    r = 0.5 * (face[1:] + face[:-1])
    energy = np.sqrt((p * c) ** 2 + (m_p * c**2) ** 2)
    E, v = p**2 * c**2 / (energy + m_p * c**2), p * c**2 / energy
    volume, dlnp = 4 / 3 * np.pi * np.diff(face * face**2) * pc**3, np.log(p[1] / p[0])
    # N per dp: content p^-2.3 of which a part exp(-t D/L²) is left in the box, in a Gaussian of width² = 5 pc² + 4 D t
    D, content = D0 * (p / (m_p * c)) ** (1 / 3), p**-2.3
    content *= E_CR / np.sum(E * p * content * dlnp)
    left = np.exp(-4 * D * t * kyr / (R_MAX * pc) ** 2)
    shape = np.exp(-((r * pc) ** 2)[:, None] / ((5 * pc) ** 2 + 4 * D * t * kyr))
    N = content * left * shape / (volume @ shape)
    e_cr, P_cr = (E * p * dlnp * N).sum(axis=1), (p * v / 3 * p * dlnp * N).sum(axis=1)
    # the shell moves as t^0.45, the gas in it and the cavity are given by hand
    front = 3.0 + 2.0 * t**0.45 * (1e27 / D0) ** 0.1
    inside, shell = 1 / (1 + np.exp((r - 0.8 * front) / 0.7)), np.exp(-(((r - front) / (0.08 * front)) ** 2))
    moving = t > 0
    n = 0.2044 * (1 + moving * (1.5 * shell - 0.999 * inside))
    T = 7000 * (1 + moving * (0.5 * shell + (25 if heated else -0.4) * inside))
    speed = moving * (300 * np.minimum(1, (t + 0.1) ** -0.4) * np.exp(-(((r - front) / (0.3 * front)) ** 2)))
    gradient = np.gradient(P_cr, r * pc)
    J = np.array([np.interp(x, r, lane) for x in (1.0, 41.2, 250.0) for lane in N.T]).reshape(3, -1)
    rate = "erg/(cm3 s)"
    return {
        "time": ((), float(t), "kyr"), "r": (("r",), r, "pc"), "r_face": (("r_face",), face, "pc"),
        "p": (("p",), p * c / GeV, "GeV/c"), "E": (("p",), E / GeV, "GeV"),
        "radius": (("radius",), np.array([1.0, 41.2, 250.0]), "pc"),
        "n": (("r",), n, "1/cm3"), "v": (("r",), speed, "km/s"), "T": (("r",), T, "K"),
        "P_g": (("r",), n * 1.380649e-16 * T, "erg/cm3"), "P_cr": (("r",), P_cr, "erg/cm3"), "e_cr": (("r",), e_cr, "erg/cm3"),
        "work": (("r",), -1e5 * speed * gradient, rate), "wave_heating": (("r",), V_A * np.abs(gradient) * heated, rate),
        "loss_heating": (("r",), 1e-30 * e_cr, rate), "conduction": (("r",), 3e-28 * np.sin(r / 4), rate),
        "radiative": (("r",), np.zeros(cells), rate),
        "em_Halpha": (("r",), n**2 * ((T >= 6000) & (T <= 1e4)), "1/cm6"),
        "em_OIII": (("r",), n**2 * ((T > 1e4) & (T <= 1e5)), "1/cm6"),
        "f": (("r", "p"), N / (4 * np.pi * p**2), "s3/(g3 cm6)"), "work_p": (("r", "p"), 1e-30 * N, rate),
        "spectrum_left": (("p",), E * p * content * left, "erg"),
        "spectrum_escaped": (("p",), 0.8 * E * p * content * (1 - left), "erg"),
        "spectrum_initial": (("p",), E * p * content, "erg"),
        "intensity": (("radius", "p"), J / (4 * np.pi) * GeV, "1/(cm2 s sr GeV)")}      # v dp/dE = 1


def write(directory, D0, times=TIMES, heated=True, without=(), geometry="sphere"):
    """A run directory as hpccr leaves it; `without`: variables that its snapshots lack."""
    (directory / "snapshots").mkdir(parents=True)
    deck = f'problem = "feedback"\n[transport]\nD0 = "{D0:g} cm2/s"\n[gas]\nheating = {str(heated).lower()}\n'
    deck += f'geometry = "{geometry}"\n'
    (directory / "deck.toml").write_text(deck)
    for k, t in enumerate(times):
        fields = {name: (dims, value, {"units": unit}) for name, (dims, value, unit) in state(D0, t, heated).items()
                  if name not in without}
        data = xarray.Dataset(fields, attrs={"problem": "feedback"}).set_coords("time")
        data.to_netcdf(directory / "snapshots" / f"{k:06d}.h5", engine="h5netcdf")
    t = np.linspace(0, times[-1], 300)
    rows = [f"{a!r},{5e-5 * a**1.9!r},{E_CR * math.exp(-a * D0 / 2e30)!r}" for a in t.tolist()]
    (directory / "history.csv").write_text("\n".join(["time [kyr],expelled_mass [Msun],E_cr_left [erg]", *rows]) + "\n")
    return directory


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Three D0 and one run without CR heating; only looked at."""
    base = tmp_path_factory.mktemp("runs")
    named = {f"d{exponent}": write(base / f"d{exponent}", 10.0**exponent) for exponent in (26, 27, 28)}
    return {**named, "cold": write(base / "cold", 1e27, heated=False)}


@pytest.fixture
def copy(runs, tmp_path):
    return Path(shutil.copytree(runs["d27"], tmp_path / "copy"))


@pytest.fixture
def data(tmp_path):
    """Measured spectra: J = 1e4 R^-2.7 of rigidity, J = 1e4 E^-2.7, and one of Voyager's; errors of 3 and 4 % make 5 %."""
    directory, x = tmp_path / "data", np.geomspace(10, 1e4, 12)
    directory.mkdir()
    J = 1e4 * x**-2.7
    for name in ("ONE_H_rigidity.txt", "TWO_H_kineticEnergy.txt"):
        np.savetxt(directory / name, np.stack([x, J, 0.03 * J, 0.03 * J, 0.04 * J, 0.04 * J], axis=1), header="a header")
    E, ones = np.geomspace(0.004, 0.3, 8), np.ones(8)
    columns = [E, E, E, 2e4 * ones, *[1e3 * ones] * 5, 2e3 * ones]
    np.savetxt(directory / "Voyager1_Proton.dat", np.stack(columns, axis=1))
    return directory


@pytest.fixture
def modules(load):
    """The scripts' modules: (feedback, feedback_figures)."""
    return load("feedback"), load("feedback_figures")


def words(figure):
    """All texts of the legends of a figure."""
    legends = [*figure.legends, *(axis.get_legend() for axis in figure.axes)]
    return [text.get_text() for legend in legends if legend for text in (*legend.get_texts(), legend.get_title())]


# -- as a user starts it -------------------------------------------------------------------------------------


def test_all_figures_of_three_coefficients(runs, data, tmp_path):
    done = draw("feedback", *runs.values(), "--out", tmp_path / "here", "--data", data)
    assert done.returncode == 0 and not done.stderr, done.stderr
    assert drawn(tmp_path / "here") == both(*EVERY, "local", "local_distant")


def test_what_a_short_run_lacks_is_left_out(tmp_path):
    """Up to 100 kyr, without some variables, and without numba: a line on stderr for each figure that is not drawn."""
    run = write(tmp_path / "short", 3e27, times=(0, 1, 100), without=("em_Halpha", "spectrum_left", "radius"))
    done = draw_alone("feedback", run)
    absent = {"spectra", "cr_heating", "edge", "cavity", "intensity", "emission"}
    assert done.returncode == 0, done.stderr
    assert {line.split(" is not drawn: ")[0] for line in done.stderr.splitlines()} == absent
    assert len(done.stderr.splitlines()) == len(absent) and "spectrum_left" in done.stderr
    assert drawn(run / "figures") == both(*set(EVERY) - absent)


def test_refusal_is_one_message(tmp_path):
    done = draw("feedback", tmp_path / "nowhere")
    assert done.returncode == 2 and done.stdout == ""
    assert done.stderr.startswith("feedback.py: ") and "no such directory" in done.stderr and "Traceback" not in done.stderr


# -- what is drawn -------------------------------------------------------------------------------------------


def test_energy_density_per_momentum_adds_up(runs, modules):
    """Σ ε p N Δln p = e_cr, with N = 4π p² f from the file."""
    one = modules[0].Feedback(runs["d26"])
    snapshot = one.near(100)[0]
    total = modules[1].density_per_lnp(one, snapshot).sum(axis=1) * np.log(one.p[1] / one.p[0])
    np.testing.assert_allclose(total, snapshot["e_cr"].values, rtol=1e-10)


def test_intensity_from_f_is_the_stored_one(runs, modules):
    """J = v N/(4π) dp/dε = p² f; per m² it is 1e4 times the file's."""
    one = modules[0].Feedback(runs["d26"])
    snapshot = one.near(2900)[0]
    for radius, stored in zip(snapshot["radius"].values, snapshot["intensity"].values):
        np.testing.assert_allclose(one.intensity_at(snapshot, radius), 1e4 * stored, rtol=1e-10)


def test_spectra_add_up(runs, modules):
    """Dashed = solid + dotted; the initial one holds E_cr; two panels, of 1 and 10 Myr."""
    figure = modules[0].spectra([modules[0].Feedback(runs["d27"])])
    panels = [axis for axis in figure.axes if axis.get_title()]
    assert [axis.get_title() for axis in panels] == ["1 Myr", "10 Myr"]
    for axis in panels:
        left, escaped, total, initial = (line.get_ydata() for line in axis.get_lines())
        np.testing.assert_allclose(total, left + escaped, rtol=1e-12)
        E = axis.get_lines()[0].get_xdata() * GeV
        dlnp = np.diff(np.log(np.sqrt(E * (E + 2 * m_p * c**2))))[0]
        assert np.sum(initial) * dlnp == pytest.approx(E_CR, rel=1e-6)


def test_totals_of_slabs_are_per_area(copy, modules):
    """And there is no 10³ Msun to compare with."""
    per = "cm$^{-2}$]"
    for round_ in (True, False):
        deck = (copy / "deck.toml").read_text().replace('"sphere"', '"sphere"' if round_ else '"slab"')
        (copy / "deck.toml").write_text(deck)
        seen = [modules[0].Feedback(copy)]
        spectra, expelled = modules[0].spectra(seen), modules[0].expelled(seen)
        labels = [axis.get_ylabel() for axis in (spectra.axes[0], *expelled.axes[:2])]
        assert [("erg" in label or "odot" in label, label.endswith(per)) for label in labels] == [(True, not round_)] * 3
        assert any("10^3" in word for word in words(expelled)) == round_


def test_sources_beyond_the_box_are_not_drawn(runs, data, modules):
    """The box ends at 300 pc: a source there is drawn, one further out not, nor one in a wall at the inner end."""
    feedback, measured = modules[0], modules[0].measured(data)
    seen = [feedback.Feedback(runs["d26"])]
    for d, drawn_ in ((0.0, True), (R_MAX, True), (R_MAX + 1, False)):
        if drawn_:
            assert feedback.local(seen, measured, (d,)).axes
        else:
            with pytest.raises(modules[1].Absent, match="301 pc is beyond the box"):
                feedback.local(seen, measured, (d,))
    for snapshot in seen[0].run.snapshots:
        snapshot["r_face"] = snapshot["r_face"] + 5.0
    with pytest.raises(modules[1].Absent, match="5 to 305 pc"):
        feedback.local(seen, measured, (2.5,))


def test_distant_sources_are_what_near_ones_leave(runs, modules):
    """A p^-s is found again from what it and the near sources give together; where they leave nothing there is none."""
    feedback, _ = modules
    one = feedback.Feedback(runs["d26"])
    near = 2.0 * one.E**-2.2
    E = np.geomspace(one.E[0], one.E[-1], 200)
    J = np.exp(np.interp(np.log(E), np.log(one.E), np.log(near)))
    A, s = feedback.distant(one, [("all", E, np.interp(np.log(E), np.log(one.E), near) + 1e4 * (E * (E + 2 * 0.938272089)) ** -1.35, 0 * E)], near)
    assert (A, s) == pytest.approx((1e4, 2.7), rel=1e-6)
    with pytest.raises(feedback.Absent):
        feedback.distant(one, [("less", E, 0.5 * J, 0 * E)], near)


def test_heat_is_rate_times_time(runs, modules):
    """Red is t V_A|∂P_cr/∂r|, t in seconds; light blue −t ∇·(K∇T), dashed where that is negative."""
    one = modules[0].Feedback(runs["d27"])
    axis = modules[1].heating([one]).axes[1]
    assert axis.get_title() == "10 kyr"
    _, waves, lost, gained = (line.get_ydata() for line in axis.get_lines())
    stored = state(1e27, 10)
    np.testing.assert_allclose(waves, 10 * kyr * stored["wave_heating"][1], rtol=1e-10)
    np.testing.assert_allclose(np.nan_to_num(gained) - np.nan_to_num(lost), 10 * kyr * stored["conduction"][1], rtol=1e-10)


def test_work_is_rate_times_time(runs, modules):
    axis = modules[1].work([modules[0].Feedback(runs["d26"])]).axes[0]
    black = next(line for line in axis.get_lines() if isinstance(line.get_color(), str))
    stored = 0.5 * kyr * state(1e26, 0.5)["work"][1]
    np.testing.assert_allclose(np.nan_to_num(black.get_ydata()), np.maximum(stored, 0), rtol=1e-10)


def test_each_figure_takes_the_published_coefficient(runs, modules):
    """Of all runs, those nearest to the paper's D0, with CR heating; the comparison has them all but the one without."""
    feedback, figures = modules
    seen = [feedback.Feedback(runs[name]) for name in ("cold", "d28", "d26", "d27")]
    assert figures.nearest(seen, 1e26, ("T",)).D0 == 1e26
    assert figures.nearest(seen, 1.2e27, ("T",)) is seen[3]
    assert [one.D0 for one in figures.having(seen, ("T",))] == [1e26, 1e27, 1e28]
    assert figures.having(seen[:1], ("T",)) == seen[:1]
    assert [one.heated for one in seen] == [False, True, True, True]


def test_temperature_with_and_without_heating(runs, modules):
    feedback, figures = modules
    figure = figures.cr_heating([feedback.Feedback(runs[name]) for name in ("cold", "d26", "d27")])
    solid, dotted = figure.axes[0].get_lines()[:2]
    np.testing.assert_allclose(solid.get_ydata(), state(1e27, 10)["T"][1])
    np.testing.assert_allclose(dotted.get_ydata(), state(1e27, 10, heated=False)["T"][1])
    with pytest.raises(figures.Absent, match="same D0"):
        figures.cr_heating([feedback.Feedback(runs[name]) for name in ("cold", "d26")])


def test_nearest_times_once_each(copy, modules):
    """Nearest in ln t, never t = 0, no snapshot twice; the legend says the true times."""
    for name in ("000001", "000007"):           # 0.5 kyr and 1 Myr
        (copy / "snapshots" / f"{name}.h5").unlink()
    one = modules[0].Feedback(copy)
    near = {k: float(s["time"]) for k, s in one.near(0.5, 10, 1000).items()}
    assert near == {0: 2.0, 1: 10.0, 2: 1200.0}
    assert {k: float(s["time"]) for k, s in one.near(6000, 7000).items()} == {1: 6600.0}
    assert {"2 kyr", "10 kyr", "1.2 Myr"} <= set(words(modules[1].pressure([one])))


def test_words_of_times_and_coefficients(runs, modules):
    figures = modules[1]
    assert figures.time_label(0.5) == "0.5 kyr" and figures.time_label(1000.0) == "1 Myr"
    assert figures.time_label(10.0, 10.1) == "10 kyr" and figures.time_label(2000, 900) == "900 kyr–2 Myr"
    assert "$D_0=10^{27}$" in figures.D0_label(1e27) and r"$D_0=3\times" in figures.D0_label(3e27).replace(" ", "")
    assert figures.D0_label(0.0) == "$D_0=0$"
    twins = [modules[0].Feedback(runs["d27"]), modules[0].Feedback(runs["d27"])]
    assert len(set(figures.tints(twins))) == 2 and all("(d27)" in word for word in figures.labels(twins))


def test_lines_of_sight_through_a_ball(modules):
    """Uniform emissivity j in r < R: 2 j √(R² − b²); a shell of other density adds and takes away exactly."""
    faces = np.concatenate([np.linspace(0, 20, 41), np.linspace(21, 60, 30)])
    b, inside = 0.5 * (faces[1:] + faces[:-1]), faces[1:] <= 20
    chord = 2 * np.sqrt(np.maximum(20**2 - b**2, 0)), 2 * np.sqrt(60**2 - b**2)
    np.testing.assert_allclose(modules[1].along_sight(faces, 0.3 * inside), 0.3 * chord[0], atol=1e-12)
    np.testing.assert_allclose(modules[1].along_sight(faces, 0.3 + 0.5 * ~inside), 0.8 * chord[1] - 0.5 * chord[0], rtol=1e-12)


def test_measured_protons(data, modules):
    """J_ε dε = J_R dR with R = p c/e: the integrals over any range agree; errors add in squares; Voyager's total errors."""
    found = {name: rest for name, *rest in modules[0].measured(data)}
    E, J, errors = found["ONE"]
    R = np.geomspace(10, 1e4, 12)
    mass = m_p * c**2 / GeV
    np.testing.assert_allclose(E, np.sqrt(R**2 + mass**2) - mass, rtol=1e-10)
    step = 1e-4
    dE = np.sqrt((R * (1 + step)) ** 2 + mass**2) - np.sqrt((R * (1 - step)) ** 2 + mass**2)
    np.testing.assert_allclose(J * dE, 1e4 * R**-2.7 * 2 * step * R, rtol=1e-6)
    np.testing.assert_allclose(errors, 0.05 * np.stack([J, J]), rtol=1e-10)
    np.testing.assert_allclose(found["TWO"][1], 1e4 * R**-2.7, rtol=1e-10)
    np.testing.assert_allclose(found["Voyager1"][2][:, 0], [1e3, 2e3])


def test_history_by_name(copy, modules):
    one = modules[0].Feedback(copy)
    assert set(one.history) == {"time", "expelled_mass", "E_cr_left"} and one.history["time"][-1] == 10000
    (copy / "history.csv").write_text("time [kyr],expelled_mass [Msun],E_cr_left [erg]\n")
    assert modules[0].Feedback(copy).history == {}
    with pytest.raises(modules[1].Absent):
        modules[0].expelled([modules[0].Feedback(copy)])


# -- what is refused -----------------------------------------------------------------------------------------


def refuse_other_problem(copy):
    file = copy / "snapshots" / "000000.h5"
    file.unlink()
    xarray.Dataset({"r": ("r", np.arange(3.0))}, attrs={"problem": "cloud"}).to_netcdf(file, engine="h5netcdf")
    return [copy], "not a snapshot of the problem feedback"


def refuse_no_coefficient(copy):
    (copy / "deck.toml").write_text('problem = "feedback"\n')
    return [copy], "D0"


def refuse_wrong_unit(copy):
    (copy / "deck.toml").write_text('problem = "feedback"\n[transport]\nD0 = "1e27 km"\n')
    return [copy], "wrong unit"


def refuse_broken_deck(copy):
    (copy / "deck.toml").write_text("[transport\n")
    return [copy], "cannot be read"


def refuse_broken_history(copy):
    with (copy / "history.csv").open("a") as file:
        file.write("12,13\n")
    return [copy], "history.csv: cannot be read"


def refuse_data_nowhere(copy):
    return [copy, "--data", copy / "nowhere"], "no such directory"


def refuse_no_data(copy):
    return [copy, "--data", copy / "snapshots"], "no proton spectra"


def refuse_broken_data(copy):
    (copy / "X_H_rigidity.txt").write_text("1 2 3\n")
    return [copy, "--data", copy], "cannot be read as a spectrum"


def refuse_too_many(copy):
    return [copy] * 13, "too many runs"


def refuse_slab_and_sphere(copy):
    return [copy, write(copy / "slab", 1e26, times=(0, 1), geometry="slab")], "slabs and spheres cannot be compared"


def refuse_out_is_a_file(copy):
    (copy / "file").write_text("")
    return [copy, "--out", copy / "file"], "cannot write"


def refuse_nothing_to_draw(copy):
    for file in sorted((copy / "snapshots").iterdir())[1:]:
        file.unlink()
    (copy / "history.csv").unlink()
    return [copy], "no figure can be drawn"


REFUSALS = [value for name, value in list(globals().items()) if name.startswith("refuse_")]


@pytest.mark.parametrize("case", REFUSALS, ids=lambda case: case.__name__.removeprefix("refuse_"))
def test_bad_input_is_refused(case, copy, modules, monkeypatch):
    arguments, expected = case(copy)
    monkeypatch.setattr(sys, "argv", ["feedback.py", *map(str, arguments)])
    monkeypatch.setattr(modules[0], "FIGURES", modules[0].FIGURES if "figure" in expected else (modules[0].expelled,))
    with pytest.raises(InputError) as refused:
        modules[0].main()
    assert expected in str(refused.value)
