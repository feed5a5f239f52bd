"""The cells of NAS-Bench-201 as their authors draw them: a node for each operation.

An edge joins an operation to every operation that reads the sum it enters. Operations that are
not on a way from the input to the output are left out; a skip is an operation like the others.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np

from cgraph.graphs.kernel import INPUT_LABEL, OUTPUT_LABEL, KernelGraph
from cgraph.graphs.population import Population
from cgraph.spaces.nasbench201.notation import (
    EDGES,
    N_NODES,
    NONE,
    OPERATIONS,
    architectures,
    operations_table,
)
from cgraph.spaces.nasbench201.programs import cut_dead


@cache
def operation_population(boundary: bool = False) -> Population:
    """Live operations of every cell; see `Space.population`.

    Parameters
    ----------
    boundary : bool, default=False
        Whether the input and the output are nodes too.

    Examples
    --------
    >>> operation_population(boundary=True)[6111].labels
    ('input', 'nor_conv_3x3', 'nor_conv_3x3', 'nor_conv_3x3', 'skip_connect', 'nor_conv_3x3', \
'nor_conv_1x1', 'output')
    """
    table = cut_dead(operations_table())
    graphs: dict[tuple[int, ...], KernelGraph] = {}
    for row in map(tuple, table.tolist()):
        if row not in graphs:
            graphs[row] = _graph_of(row, boundary)
    labels = [*OPERATIONS, INPUT_LABEL, OUTPUT_LABEL] if boundary else OPERATIONS
    used = sorted(set(labels) - {OPERATIONS[NONE]})
    return Population([graphs[tuple(row)] for row in table.tolist()], architectures(), used)


def _graph_of(operations: Sequence[int], boundary: bool) -> KernelGraph:
    """One cell, dead operations already taken away."""
    live = [e for e in range(len(EDGES)) if operations[e] != NONE]
    edges = [
        (a, b) for a, e in enumerate(live) for b, f in enumerate(live) if EDGES[e][1] == EDGES[f][0]
    ]
    labels = [OPERATIONS[operations[e]] for e in live]
    if boundary:
        last = len(live) + 1
        edges = [(a + 1, b + 1) for a, b in edges]
        edges += [(0, a) for a, e in enumerate(live, start=1) if EDGES[e][0] == 0]
        edges += [(a, last) for a, e in enumerate(live, start=1) if EDGES[e][1] == N_NODES - 1]
        labels = [INPUT_LABEL, *labels, OUTPUT_LABEL]
    return KernelGraph(labels, np.array(sorted(edges), dtype=np.int64).reshape(-1, 2))
