"""Which cells of NAS-Bench-101 are one step apart.

A step changes the operation of a vertex, adds or takes away an edge, or adds a vertex with one
edge in and one edge out. What leaves the space is no neighbour, and vertices on no path from the
input to the output are pruned, as everywhere. Steps do not depend on how vertices are numbered:
an edge may be added wherever it closes no cycle.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from cgraph.errors import ArchitectureError
from cgraph.spaces.nasbench101 import table
from cgraph.spaces.nasbench101.cells import (
    MAX_EDGES,
    MAX_VERTICES,
    OPERATIONS,
    Cell,
    encode,
    from_matrix,
)


def neighbours(index: int) -> NDArray[np.int64]:
    """Indices of the cells one step from a cell, rising, without its own.

    Examples
    --------
    >>> neighbours(0).tolist()  # a vertex beside the edge from the input to the output
    [4, 5, 6]
    """
    codes = np.array([encode(cell) for cell in _steps(table.cell(index))], dtype=np.int64)
    return np.setdiff1d(table.indices(codes), [index])


def _steps(cell: Cell) -> Iterator[Cell]:
    """Cells after one step, some of them more than once."""
    operations, matrix = cell.operations, cell.matrix.astype(bool)
    n = cell.n_vertices
    for place, own in enumerate(operations):
        for other in range(len(OPERATIONS)):
            if other != own:
                yield Cell((*operations[:place], other, *operations[place + 1 :]), cell.edges)
    reaches = _reachability(matrix)
    for x in range(n):
        for y in range(n):
            # No edge can enter the input, which reaches all, or leave the output.
            is_open = not reaches[y, x]
            if matrix[x, y] or (is_open and cell.n_edges < MAX_EDGES):
                yield from _pruned(_flipped(matrix, x, y), operations)
            if is_open and n < MAX_VERTICES and cell.n_edges + 2 <= MAX_EDGES:
                for operation in range(len(OPERATIONS)):
                    yield from _pruned(_inserted(matrix, x, y), (*operations, operation))


def _reachability(matrix: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Whether a path, the empty one included, leads from one vertex to another."""
    reaches = matrix | np.eye(len(matrix), dtype=bool)
    for middle in range(len(matrix)):
        reaches |= np.outer(reaches[:, middle], reaches[middle])
    return reaches


def _flipped(matrix: NDArray[np.bool_], x: int, y: int) -> NDArray[np.bool_]:
    """The matrix with the edge from x to y, or without."""
    changed = matrix.copy()
    changed[x, y] = not changed[x, y]
    return changed


def _inserted(matrix: NDArray[np.bool_], x: int, y: int) -> NDArray[np.bool_]:
    """The matrix with one more vertex between x and y, the last but the output."""
    n = len(matrix)
    changed = np.zeros((n + 1, n + 1), dtype=bool)
    kept = [*range(n - 1), n]
    changed[np.ix_(kept, kept)] = matrix
    changed[kept[x], n - 1] = changed[n - 1, kept[y]] = True
    return changed


def _pruned(matrix: NDArray[np.bool_], operations: tuple[int, ...]) -> Iterator[Cell]:
    """The cell of a matrix without a cycle, or none where it is not in the space."""
    n = len(matrix)
    # A vertex that reaches more comes first; the input reaches all, the output itself alone.
    order = np.argsort(-_reachability(matrix).sum(axis=1), kind="stable")
    # The input or the output may have lost its edges, and its place with them.
    order = np.array([0, *(v for v in order if 0 < v < n - 1), n - 1])
    names = [OPERATIONS[operations[v - 1]] for v in order[1:-1]]
    try:
        yield from_matrix(matrix[np.ix_(order, order)], names)
    except ArchitectureError:  # no path is left from the input to the output
        return
