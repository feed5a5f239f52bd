"""The cells of NAS-Bench-101 as their authors draw them: a node for each vertex."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from cgraph.graphs.kernel import INPUT_LABEL, OUTPUT_LABEL
from cgraph.graphs.population import Population
from cgraph.spaces.nasbench101.cells import OPERATIONS

_MAX_VERTICES = 7
_LABELS = (*OPERATIONS, INPUT_LABEL, OUTPUT_LABEL)
_INPUT, _OUTPUT = len(OPERATIONS), len(OPERATIONS) + 1


def operation_population(
    codes: NDArray[np.integer], names: Sequence[str], *, boundary: bool = False
) -> Population:
    """Vertices and edges of cells.

    Parameters
    ----------
    codes : ndarray of shape (n,)
        Codes of cells, as `cells.encode` makes them; not checked.
    names : sequence of str
        Name of each.
    boundary : bool, default=False
        Whether the input and the output are nodes too.

    Examples
    --------
    >>> from cgraph.spaces.nasbench101.cells import encode
    >>> from cgraph.spaces.nasbench101.notation import parse
    >>> text = "conv3x3~0|output~0,1"
    >>> population = operation_population(
    ...     np.array([encode(parse(text))]), [text], boundary=True)
    >>> population[0].labels, population[0].edges.tolist()
    (('input', 'conv3x3', 'output'), [[0, 1], [0, 2], [1, 2]])
    """
    rows = np.asarray(codes, dtype=np.int64)
    n_vertices = rows >> 29
    first = 0 if boundary else 1  # the vertex that becomes node 0
    n_nodes = n_vertices - 2 * first
    node_offsets = np.concatenate([[0], np.cumsum(n_nodes)])
    labels = np.empty(node_offsets[-1], dtype=np.int32)
    if boundary:
        labels[node_offsets[:-1]] = _INPUT
        labels[node_offsets[1:] - 1] = _OUTPUT
    for vertex in range(1, _MAX_VERTICES - 1):
        there = np.flatnonzero(vertex < n_vertices - 1)
        weight = len(OPERATIONS) ** (n_vertices[there] - 2 - vertex)  # the first digit is largest
        operation = (rows[there] & 255) // weight % len(OPERATIONS)
        labels[node_offsets[there] + vertex - first] = operation
    owners, edges = _edges(rows, n_vertices, first)
    used = len(_LABELS) if boundary else len(OPERATIONS)
    return Population.from_arrays(
        vocabulary=_LABELS[:used],
        node_offsets=node_offsets,
        label_ids=labels,
        edge_offsets=np.concatenate([[0], np.cumsum(np.bincount(owners, minlength=len(rows)))]),
        edges=edges,
        names=names,
    )


def _edges(
    rows: NDArray[np.int64], n_vertices: NDArray[np.int64], first: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The cell of each edge and its two nodes, in the order of cells and then of nodes."""
    bits = rows >> 8 & ((1 << 21) - 1)
    owners, pairs = [], []
    for target in range(1 + first, _MAX_VERTICES):
        for source in range(first, target):
            has_edge = bits >> (target * (target - 1) // 2 + source) & 1 == 1
            has_edge &= target < n_vertices - first
            owner = np.flatnonzero(has_edge)
            owners.append(owner)
            pairs.append(np.broadcast_to([source - first, target - first], (len(owner), 2)))
    owner, pair = np.concatenate(owners), np.concatenate(pairs).astype(np.int64)
    order = np.lexsort((pair[:, 1], pair[:, 0], owner))
    return owner[order], pair[order]
