"""The section that every ensemble shares beside its own: what is written, and how often."""

from hpccr.deck.schema import Section, integer, quantity

ENSEMBLE_OUTPUT = Section(
    "output", "what is written, and how often",
    checkpoint_every=quantity("10 min", "s", positive=True, high="1 yr", meaning="wall-clock time between checkpoints"),
    waves=integer(0, low=0, high=10_000, meaning="realisations whose waves are written, as waves/000000.h5 and so on"))
