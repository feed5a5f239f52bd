"""Architectures of NAS-Bench-Graph as their authors draw them: a node for each operation."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from cgraph.graphs.kernel import INPUT_LABEL, OUTPUT_LABEL
from cgraph.graphs.population import Population
from cgraph.spaces.nasbenchgraph.notation import LINKS, N_NODES, OPERATIONS, leaves

_LABELS = (*OPERATIONS, INPUT_LABEL, OUTPUT_LABEL)


def operation_population(
    rows: NDArray[np.int64], names: Sequence[str], *, boundary: bool = False
) -> Population:
    """Operations of architectures, and who reads whom.

    Parameters
    ----------
    rows : ndarray of shape (n, 5)
        Architectures: a position in `LINKS`, and operations.
    names : sequence of str
        Name of each.
    boundary : bool, default=False
        Whether the input and the output are nodes too.

    Examples
    --------
    >>> population = operation_population(
    ...     np.array([[2, 1, 7, 0, 8]]), ["gcn~0|fc~0|gat~1|skip~1"], boundary=True)
    >>> population[0].labels
    ('input', 'gcn', 'fc', 'gat', 'skip', 'output')
    >>> population[0].edges.tolist()
    [[0, 1], [0, 2], [1, 3], [1, 4], [2, 5], [3, 5], [4, 5]]
    """
    n = len(rows)
    labels = rows[:, 1:]
    if boundary:
        ends = [np.full(n, _LABELS.index(label)) for label in (INPUT_LABEL, OUTPUT_LABEL)]
        labels = np.column_stack([ends[0], labels, ends[1]])
    edges = [np.array(_edges(links, boundary), dtype=np.int64).reshape(-1, 2) for links in LINKS]
    counts = np.array([len(part) for part in edges])[rows[:, 0]]
    return Population.from_arrays(
        vocabulary=_LABELS if boundary else OPERATIONS,
        node_offsets=np.arange(n + 1) * labels.shape[1],
        label_ids=labels.ravel(),
        edge_offsets=np.concatenate([[0], np.cumsum(counts)]),
        edges=np.concatenate([edges[tree] for tree in rows[:, 0].tolist()]),
        names=names,
    )


def _edges(links: Sequence[int], boundary: bool) -> list[tuple[int, int]]:
    """Edges of a tree, sorted; with the input as node 0, or without it."""
    rows = [(source, node) for node, source in enumerate(links, start=1)]
    if boundary:
        return sorted([*rows, *((leaf, N_NODES + 1) for leaf in leaves(links))])
    return sorted((source - 1, node - 1) for source, node in rows if source)
