"""What lives on the mesh."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Field:
    """One unknown per node.

    Attributes
    ----------
    name : str
    staggered : bool
        On the faces of the line axis (a wave that grows on a gradient) instead of in the cells.
    floor : float or None
        The least value that the physics allows; what a step leaves below it beyond the tolerance refuses it.
    conserved : bool
        Whether what is lifted to the floor is taken from the rest of its line, so that the content stays.
    """

    name: str
    staggered: bool = False
    floor: float | None = None
    conserved: bool = True
