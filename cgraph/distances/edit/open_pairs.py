"""Distances of pairs that no table serves: searched as far as the work suffices, else estimated.

The work is counted, never timed, and is the same for every pair of a plan: how many expansions
each search may take follows from how many pairs there are and how long a sample of their searches
is. What they do not prove, and pairs of graphs that are too large to search, is an interval of
certified bounds; the distance is its middle.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cgraph.distances.edit.costs import EditCosts
from cgraph.distances.edit.exact import DEFAULT_BUDGET, EditIntervals, edit_bounds, edit_intervals
from cgraph.distances.edit.packing import WORD
from cgraph.graphs.canonical import canonical_order
from cgraph.graphs.kernel import KernelGraph
from cgraph.graphs.population import Population

TOTAL_EXPANSIONS = 200_000_000
"""Of all searches of a plan: a minute of two cores."""

_SAMPLED = 128  # pairs that are searched to see how long searches are
_SAMPLED_BUDGET = 5_000  # expansions of each of them at most


def budget_of(
    population: Population,
    costs: EditCosts,
    sides: tuple[NDArray[np.int64], NDArray[np.int64]],
    is_large: NDArray[np.bool_],
    n_pairs: int,
    n_jobs: int,
) -> int:
    """Expansions that the search of a pair may take, so that all of them together are done soon.

    Parameters
    ----------
    population : Population
        All graphs.
    costs : EditCosts
        Over its vocabulary.
    sides : (ndarray of int64, ndarray of int64)
        The graphs on either side.
    is_large : ndarray of bool, shape (n_graphs,)
        Which graphs no table serves.
    n_pairs : int
        How many pairs have such a graph.
    n_jobs : int
        Number of threads.

    Returns
    -------
    int
        From 1 to `DEFAULT_BUDGET`.
    """
    if n_pairs * DEFAULT_BUDGET <= TOTAL_EXPANSIONS:
        return DEFAULT_BUDGET
    rng = np.random.default_rng(0)
    pairs = np.stack([rng.choice(side, 64 * _SAMPLED) for side in sides], axis=1)
    searched = is_large[pairs].any(axis=1) & (population.n_kernels[pairs] <= WORD).all(axis=1)
    pairs = pairs[searched & (pairs[:, 0] != pairs[:, 1])][:_SAMPLED]
    if not len(pairs):
        return DEFAULT_BUDGET
    graphs, numbered = np.unique(pairs, return_inverse=True)
    found = edit_intervals(
        population[graphs], numbered.reshape(-1, 2), costs, budget=_SAMPLED_BUDGET, n_jobs=n_jobs
    )
    # A search that did not end would have taken all that it is given.
    needed = np.where(found.exact, found.expansions, DEFAULT_BUDGET)
    budget = DEFAULT_BUDGET
    while budget > 1 and n_pairs * np.minimum(needed, budget).mean() > TOTAL_EXPANSIONS:
        budget //= 2
    return budget


def find_intervals(
    population: Population,
    pairs: NDArray[np.int64],
    costs: EditCosts,
    is_large: NDArray[np.bool_],
    budget: int,
    n_jobs: int,
) -> EditIntervals:
    """Certified intervals of the distances of pairs, searched where both graphs are small enough.

    Parameters
    ----------
    population : Population
        All graphs.
    pairs : ndarray of int64, shape (n_pairs, 2)
        Which two graphs to compare; one graph twice is at 0.
    costs : EditCosts
        Over the vocabulary.
    is_large : ndarray of bool, shape (n_graphs,)
        Which graphs no table serves.
    budget : int
        Expansions of each pair with such a graph; others have `DEFAULT_BUDGET`.
    n_jobs : int
        Number of threads.
    """
    n = len(pairs)
    lower, upper, expansions = np.zeros(n), np.zeros(n), np.zeros(n, dtype=np.int64)
    exact = pairs[:, 0] == pairs[:, 1]
    fits = np.asarray((population.n_kernels[pairs] <= WORD).all(axis=1))
    hard = is_large[pairs].any(axis=1)
    # All that may be searched, for any pairs: what rounding allows for depends on the largest.
    small = np.flatnonzero(population.n_kernels <= WORD)
    few = population if len(small) == len(population) else population[small]
    for chosen, allowed in ((fits & ~hard, DEFAULT_BUDGET), (fits & hard, budget)):
        todo = np.flatnonzero(chosen & ~exact)
        if len(todo):
            numbered = np.searchsorted(small, pairs[todo])
            found = edit_intervals(few, numbered, costs, budget=allowed, n_jobs=n_jobs)
            lower[todo], upper[todo], exact[todo] = found.lower, found.upper, found.exact
            expansions[todo] = found.expansions
    todo = np.flatnonzero(~exact)
    if len(todo):
        upper[todo] = np.where(fits[todo], upper[todo], np.inf)
        for both in (pairs[todo], pairs[todo][:, ::-1]):
            bounds = edit_bounds(population, both, costs, n_jobs=n_jobs)
            lower[todo] = np.maximum(lower[todo], bounds.lower)
            upper[todo] = np.minimum(upper[todo], bounds.upper)
        lower = np.minimum(lower, upper)  # the two ends are rounded apart
        exact[todo] = lower[todo] == upper[todo]
    return EditIntervals(lower, upper, exact, expansions)


def in_one_numbering(population: Population, chosen: NDArray[np.int64]) -> Population:
    """The population with some of its graphs numbered so that a program has one numbering.

    How far a search gets within a budget depends on the order of kernels.
    """
    label_ids, edges = population.label_ids.copy(), population.edges.copy()
    for i in chosen.tolist():
        nodes = slice(population.node_offsets[i], population.node_offsets[i + 1])
        rows = slice(population.edge_offsets[i], population.edge_offsets[i + 1])
        labels = [population.vocabulary[k] for k in population.label_ids[nodes].tolist()]
        order = canonical_order(KernelGraph(labels, population.edges[rows]))
        number = np.empty_like(order)
        number[order] = np.arange(len(order))
        label_ids[nodes] = population.label_ids[nodes][order]
        moved = number[population.edges[rows]].reshape(-1, 2)
        edges[rows] = moved[np.lexsort((moved[:, 1], moved[:, 0]))]
    return Population.from_arrays(
        vocabulary=population.vocabulary,
        node_offsets=population.node_offsets,
        label_ids=label_ids,
        edge_offsets=population.edge_offsets,
        edges=edges,
        names=population.names,
    )


def rank_graphs(population: Population) -> NDArray[np.int64]:
    """Place of each graph in an order that the programs decide, shape (n_graphs,).

    The two graphs of a pair are searched in this order, whoever asks.
    """
    words = np.array(population.vocabulary, dtype=object)
    keys = [
        (
            int(population.n_kernels[i]),
            tuple(words[population.label_ids[population.node_offsets[i] : end]]),
            population.edges[population.edge_offsets[i] : population.edge_offsets[i + 1]].tobytes(),
        )
        for i, end in enumerate(population.node_offsets[1:].tolist())
    ]
    order = sorted(range(len(keys)), key=keys.__getitem__)
    rank = np.empty(len(keys), dtype=np.int64)
    rank[order] = np.arange(len(keys))
    return rank
