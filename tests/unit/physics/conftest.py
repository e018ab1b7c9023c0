"""The phases of the interstellar medium as Medium objects."""

import pytest

from hpccr import units
from hpccr.physics.media import PHASES, Medium

CGS = dict(temperature="K", B="G", n="cm-3", n_i="cm-3", injection_scale="cm")


@pytest.fixture
def medium():
    """medium("WNM", B=..., ...) -> Medium with CGS overrides."""

    def make(phase, **overrides):
        numbers = {key: units.parse(value, CGS[key]) if key in CGS else value for key, value in PHASES[phase].items()}
        return Medium(**{**numbers, **overrides})

    return make
