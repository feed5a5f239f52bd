"""Laws that every record of a table keeps; a new record is tested with no new test."""

import numpy as np

from cgraph.graphs.kernel import KernelGraph
from cgraph.graphs.population import Population

# Distances


def renumbered_population(population, seed=0):
    """The same programs with the kernels of each in another order."""
    rng = np.random.default_rng(seed)
    graphs = []
    for graph in population:
        number = rng.permutation(len(graph))
        labels = [""] * len(graph)
        for old, new in enumerate(number):
            labels[new] = graph.labels[old]
        graphs.append(KernelGraph(labels, number[graph.edges].reshape(-1, 2)))
    return Population(graphs, population.names, population.vocabulary)


def check_zero_to_itself(distances):
    assert np.array_equal(np.diagonal(distances), np.zeros(len(distances)))


def check_symmetry(distances):
    assert np.array_equal(distances, distances.T)


def check_triangle_inequality(distances, tolerance=1e-9):
    detours = distances[:, :, None] + distances[None, :, :]  # (i, via, j)
    assert (distances[:, None, :] <= detours + tolerance).all()


def check_finite(distances):
    assert np.isfinite(distances).all()
    assert (distances >= 0).all()
