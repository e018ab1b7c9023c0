"""Ensembles: waves, orbits, field lines, and how their units of work are shared."""
