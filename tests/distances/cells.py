"""NAS-Bench-201 cells at module depth, and random graphs, for the tests of distances.

A plain enumeration of the definition, so that the tests of distances stand on their own.
"""

import itertools

import numpy as np

from cgraph.graphs.kernel import KernelGraph

OPERATIONS = ("none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3")
EDGES = ((0, 1), (0, 2), (1, 2), (0, 3), (1, 3), (2, 3))


def live_cell(operations):
    """Live part of a cell: a node for each operation that is on a way from input to output."""
    present = [e for e in range(6) if operations[e] != "none"]
    from_input, to_output = {0}, {3}
    for _ in range(3):
        from_input |= {EDGES[e][1] for e in present if EDGES[e][0] in from_input}
        to_output |= {EDGES[e][0] for e in present if EDGES[e][1] in to_output}
    live = [e for e in present if EDGES[e][0] in from_input and EDGES[e][1] in to_output]
    labels = ["input", *(operations[e] for e in live), "output"]
    last = len(live) + 1
    edges = []
    for a, e in enumerate(live, start=1):
        if EDGES[e][0] == 0:
            edges.append((0, a))
        if EDGES[e][1] == 3:
            edges.append((a, last))
        edges += [(a, b) for b, f in enumerate(live, start=1) if EDGES[e][1] == EDGES[f][0]]
    return KernelGraph(labels, edges)


def nasbench201_cells():
    """All 15,625 cells, in the order of their operations."""
    return [live_cell(operations) for operations in itertools.product(OPERATIONS, repeat=6)]


def random_cells(n, seed=0):
    """Cells drawn uniformly."""
    draw = np.random.default_rng(seed).integers(0, 5, size=(n, 6))
    return [live_cell([OPERATIONS[k] for k in row]) for row in draw]


def random_graph(rng, n_kernels, labels="abc", density=0.4):
    """A random acyclic graph whose numbering is not a topological order."""
    order = rng.permutation(n_kernels)
    edges = [
        (order[i], order[j])
        for i in range(n_kernels)
        for j in range(i + 1, n_kernels)
        if rng.random() < density
    ]
    return KernelGraph([labels[k] for k in rng.integers(0, len(labels), n_kernels)], edges)
