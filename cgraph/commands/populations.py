"""Populations that a command line names: a search space, or a sample of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from cgraph.errors import ArgumentError

if TYPE_CHECKING:
    from cgraph.graphs.population import Population

SPACE_HELP = (
    "A search space: its name (see `cgraph spaces`), MODULE:NAME, or FILE.py:NAME of one's own."
)
PART_HELP = (
    "What the graphs are made of: cell, network, operations of the cell, or compact (series of "
    "kernels as one node); by default operations or compact for a metric of graphs, and the "
    "kernels of cells or networks for one of usage."
)


def read_population(
    text: str, metric: str, *, part: str | None, sample: int | None, seed: int
) -> Population:
    """The graphs of a space, or of some of its architectures at random.

    Parameters
    ----------
    text : str
        The space; see `cgraph.spaces.resolve`.
    metric : str
        What they are compared by, a name in `DISTANCES`.
    part : str or None
        What the graphs are made of.
    sample : int or None
        How many architectures; None for all.
    seed : int
        Of the sample. A sample of the same seed is the same, in the order of the space.

    Raises
    ------
    ArgumentError
        If the space has no such part, or not so many architectures.
    """
    from cgraph.distances.methods import DISTANCES
    from cgraph.spaces import resolve
    from cgraph.spaces.views import view_for

    method, space = DISTANCES[metric], resolve(text)
    if part is not None and part not in space.parts:
        raise ArgumentError("--part", f"be one of {', '.join(space.parts)}", repr(part))
    population = view_for(space, method.feature, part).of(space)
    if sample is None:
        return population
    if not 1 <= sample <= len(population):
        raise ArgumentError("--sample", f"be a number of graphs, 1 to {len(population)}", sample)
    if seed < 0:
        raise ArgumentError("--seed", "be an integer >= 0", seed)
    chosen = np.random.default_rng(seed).choice(len(population), sample, replace=False)
    return population[np.sort(chosen)]
