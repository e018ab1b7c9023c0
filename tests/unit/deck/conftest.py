"""A small registry with one problem that uses every kind of key."""

import types

import pytest

from hpccr.deck.common import OUTPUT, SOLVER, axis_section, time_section
from hpccr.deck.schema import Refused, Section, choice, flag, integer, number, quantities, quantity, table, text

FIELD = {"hot": "1 uG", "cold": "6 uG"}


def ordered(values):
    if values.E_max is not None and values.E_max <= values.E_min:
        raise Refused("must exceed E_min", "E_max", allowed="more than E_min")


SECTIONS = (
    Section("medium", "the gas",
            phase=choice("hot", ("hot", "cold"), meaning="preset"),
            B=quantity(lambda s: FIELD[s["phase"]], "G", low="1 nG", high="1 G", otherwise="of the phase", meaning="field"),
            n=quantity("1 cm-3", "cm-3", positive=True, high="1e6 cm-3", meaning="density")),
    Section("source", "the cloud", check=ordered,
            radius=table("10 pc", "cm", low="1e-3 pc", high="10 kpc", over="GeV", meaning="half-length"),
            E_min=quantity("0.1 GeV", "erg", low="1 MeV", high="1 PeV", meaning="lowest energy"),
            E_max=quantity(None, "erg", low="1 MeV", high="1 PeV", otherwise="no cut-off", meaning="highest energy"),
            power=quantity("1e38 erg/s", "erg/s", positive=True, meaning="luminosity"),
            rate=quantity("1e-9 1/s", "1/s", low="0 1/s", meaning="losses"),
            grammage=quantity("5 g/cm2", "g/cm2", low="0 g/cm2", meaning="grammage"),
            index=number(2.2, low=1.0, high=4.0, meaning="slope"),
            advection=flag(True, meaning="whether the waves carry the CRs"),
            members=integer(3, low=1, high=100, meaning="how many"),
            at=quantities(["1 pc", "2 pc"], "cm", low="0 pc", high="1 kpc", shortest=1, longest=4, increasing=True,
                          meaning="distances"),
            title=text("", meaning="a name"),
            lambda_=number(1.0, meaning="a word that Python reserves")),
    axis_section("z", from_="0 pc", to="1 kpc", spacing="sinh", focus="0 pc", scale="10 pc", high="1 Mpc", low="-1 Mpc"),
    axis_section("mu", "", cells=16, from_=-1.0, to=1.0, spacings=("uniform",), low=-1.0, high=1.0),
    time_section(), OUTPUT, SOLVER)


def problems():
    toy = types.SimpleNamespace(name="toy", summary="a toy", reproduces="nothing", sections=SECTIONS,
                                check=lambda deck: None)
    return types.SimpleNamespace(names=lambda: ["toy"], load={"toy": toy}.__getitem__)


@pytest.fixture
def registry():
    return problems()
