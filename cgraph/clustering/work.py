"""Whether the distances of all pairs are too many, and how many landmarks stand in for them.

Decided by counts of work alone, so the same programs are clustered the same way on any machine.
"""

from __future__ import annotations

import numpy as np

from cgraph.distances.edit.skeletons import WIDTH
from cgraph.distances.methods import DISTANCES
from cgraph.graphs.population import Population

MOST_PAIRS = 1 << 26
"""Of different programs whose distances are all computed: a matrix of 1 GB."""

MOST_WORK = 1 << 30
"""Products of the numbers of kernels of two graphs, summed over the pairs that are bounded."""

MOST_LANDMARKS = 256


def landmarks_for(x: object, metric: str, n_clusters: int) -> int | None:
    """How many landmarks distances go to where all pairs are too many; None where they are not.

    Parameters
    ----------
    x : object
        What is clustered. Only a population has pairs that can be too many.
    metric : str
        The distance. Those of usage are cheap, and have no such limit.
    n_clusters : int
        How many clusters are asked for: there are four landmarks for each, at least.

    Examples
    --------
    >>> from cgraph.graphs.kernel import KernelGraph
    >>> few = Population([KernelGraph(["relu"], [])] * 3)
    >>> landmarks_for(few, "edit", 2) is None
    True
    """
    if not isinstance(x, Population) or metric not in DISTANCES:
        return None
    if DISTANCES[metric].feature != "graph" or not _is_too_much(x, len(x) ** 2 / 2):
        return None
    first = np.unique(x.classes(), return_index=True)[1]
    distinct = x[first]
    n = len(distinct)
    if not _is_too_much(distinct, n * (n - 1) / 2):
        return None
    allowed = MOST_WORK / max(_work_of_a_pair(distinct) * n, 1.0)
    return min(n, max(4 * n_clusters, min(MOST_LANDMARKS, int(allowed))))


def _is_too_much(population: Population, n_pairs: float) -> bool:
    return n_pairs > MOST_PAIRS or n_pairs * _work_of_a_pair(population) > MOST_WORK


def _work_of_a_pair(population: Population) -> float:
    """Mean work of a pair, in products of kernels: small graphs are compared by tables."""
    sizes = population.n_kernels
    if not len(sizes):
        return 0.0
    tabled = float((sizes <= WIDTH).mean())
    return float(np.square(sizes.mean()) * (1 - tabled**2))
