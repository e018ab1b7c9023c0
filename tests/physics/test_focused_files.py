"""Problem `focused` with scattering and focusing from files: tables, and what a run of orbits has measured."""

import numpy as np
import pytest
from kinetics import apart, f0, figures, finish, start

from hpccr.errors import InputError

SMALL = ("axes.z.cells=48", "axes.mu.cells=24", "time.end=4.0")


def written(path, x, y):
    np.savetxt(path, np.stack([x, y], axis=1))
    return path


def test_a_table_of_scattering_is_the_law_it_was_made_of(tmp_path):
    s = np.linspace(-1, 1, 801)
    mu = s * np.abs(s)                     # close where the law bends
    path = written(tmp_path / "D.txt", mu, np.abs(mu) ** 0.5 + 0.1)
    table = finish(*SMALL, "transport.scattering=table", f"transport.table={path}")
    law = finish(*SMALL, "transport.scattering=filled", "transport.q=1.5", "transport.gap=0.1")
    assert apart(f0(table), f0(law)) < 1e-5
    assert table.problem.coefficients.kappa == pytest.approx(law.problem.coefficients.kappa, rel=1e-4)


def test_a_table_of_focusing_is_the_law_it_was_made_of(tmp_path):
    z = np.linspace(-9, 9, 2001)
    path = written(tmp_path / "sigma.txt", z, 1.3 * np.exp(-((z / 2.0) ** 2)))
    table = finish(*SMALL, "transport.focusing=table", f"transport.focusing_table={path}")
    law = finish(*SMALL, "transport.focusing=nozzle", "transport.sigma=1.3", "transport.length=2.0")
    assert apart(f0(table), f0(law)) < 1e-5 and figures(table)["mean"] == pytest.approx(figures(law)["mean"], rel=1e-3)


def test_scattering_measured_by_orbits(tmp_path):
    """D_mumu = 0.01 (1 − μ²)(1 + μ²)/<1 + μ²>: D with the mean 1, and ν = 0.01 Ω; bins that no orbit has visited do not matter."""
    import h5py

    edges = np.linspace(-1, 1, 41)
    mu = 0.5 * (edges[1:] + edges[:-1])
    D_mumu = 0.01 * (1 - mu**2) * (1 + mu**2) * 0.75
    D_mumu[[3, 20]] = np.nan
    path = tmp_path / "000000.h5"
    with h5py.File(path, "w") as file:
        file["mu"], file["D_mumu"] = mu, D_mumu
    kinetic = start(*SMALL, "transport.scattering=orbits", f"transport.orbits={path}")
    assert kinetic.problem.rate == pytest.approx(0.01, rel=5e-3)
    assert kinetic.problem.law.D(np.array([0.0, 0.5])) == pytest.approx([0.75, 0.9375], rel=1e-2)
    assert any(name == "nu" for name, _ in kinetic.problem.derived())


@pytest.mark.parametrize("settings, words", [
    (["transport.scattering=table"], "[transport] table: missing key"), (["transport.scattering=orbits"], "[transport] orbits: missing key"),
    (["transport.focusing=table"], "[transport] focusing_table: missing key"),
    (["transport.scattering=table", "transport.table=nowhere.txt"], "there is no such file"),
    (["transport.scattering=orbits", "transport.orbits={text}"], "not an HDF5 file"), (["transport.scattering=table", "transport.table={text}"], "not a line of a table of D"),
    (["ends.left=periodic"], "one end alone cannot be periodic"), (["ends.left=periodic", "ends.right=periodic", "transport.sigma=1.0"], "differ in area"),
    (["axes.mu.spacing=legendre", "transport.scattering=power"], "do not resolve"), (["axes.mu.spacing=legendre", "axes.mu.cells=12", "initial.angle=beam"], "do not resolve a beam"),
    (["transport.sigma=99.0"], "the area of the tube"), (["axes.mu.spacing=legendre", "axes.mu.cells=600"], "too many Gauss points"),
    (["axes.mu.spacing=legendre", "transport.focusing=nozzle"], "the same focusing everywhere")])
def test_what_does_not_fit_together_is_refused(tmp_path, settings, words):
    text = tmp_path / "text"
    text.write_text("what is this?\n")
    with pytest.raises(InputError) as error:
        start(*SMALL, *(setting.format(text=text) for setting in settings))
    assert words in str(error.value), error.value
