"""What programs are shown as when they are compared, decided in one place.

- **Usage** is counted over kernels: of the cell where a space has cells, else of the network. A
  series of kernels as one category would tell two programs apart that differ in one activation
  as far as two that share nothing.
- **Graphs** are compared where exact distances are practical: as the authors draw their cells,
  where they do ("operations"), else in the compact view of the cell, or of the network where
  there are no cells. Where a program begins and ends is a part of it, so its inputs and outputs
  are nodes.
"""

from __future__ import annotations

from dataclasses import dataclass

from cgraph.errors import ArgumentError
from cgraph.graphs.population import Population
from cgraph.spaces.space import Part, Space

WITH_BOUNDARY: frozenset[Part] = frozenset(("operations", "compact"))
"""Parts whose inputs and outputs are nodes."""


@dataclass(frozen=True, slots=True)
class View:
    """What the graphs of the architectures of a space are made of.

    Parameters
    ----------
    part : str
        One of the parts of the space.
    boundary : bool
        Whether inputs and outputs are nodes too.
    """

    part: Part
    boundary: bool

    def of(self, space: Space) -> Population:
        """The graphs of all architectures."""
        return space.population(self.part, boundary=self.boundary)


def view_for(space: Space, feature: str = "usage", part: str | None = None) -> View:
    """The view of a space for a distance.

    Parameters
    ----------
    space : Space
        The space.
    feature : {"usage", "graph"}, default="usage"
        What the distance looks at; see `DistanceMethod`.
    part : str, optional
        The part that is asked for; the default by the reasons above.

    Raises
    ------
    ArgumentError
        If the space has no such part.

    Examples
    --------
    >>> from cgraph.spaces import get
    >>> view_for(get("nasbench201")), view_for(get("nasbench201"), "graph")
    (View(part='cell', boundary=False), View(part='operations', boundary=True))
    """
    if part is None:
        if feature == "graph":
            part = "operations" if "operations" in space.parts else "compact"
        else:
            part = space.parts[0]
    for known in space.parts:
        if known == part:
            return View(known, known in WITH_BOUNDARY)
    raise ArgumentError("part", f"be one of {', '.join(space.parts)}", f"{part!r:.200}")
