"""Slow, obvious answers that the fast ones are held against."""

from itertools import permutations, product

import numpy as np

from cgraph.errors import ArchitectureError

# NAS-Bench-101


def nasbench101_cells(max_vertices, max_edges=9):
    """Cells as the benchmark's own script lists them: the first of each module hash."""
    from cgraph.spaces.nasbench101 import cells
    from cgraph.spaces.nasbench101.hashing import module_hash

    found = {}
    for n in range(2, max_vertices + 1):
        for edges in range(2 ** (n * (n - 1) // 2)):
            if edges.bit_count() > max_edges:
                continue
            for operations in product(range(3), repeat=n - 2):
                try:
                    cell = cells.Cell(operations, edges)
                except ArchitectureError:
                    break
                found.setdefault(module_hash(cell), cell)
    return list(found.values())


def nasbench101_renumberings(cell):
    """Every way to number the vertices of a cell of NAS-Bench-101."""
    from cgraph.spaces.nasbench101 import cells

    n = cell.n_vertices
    for order in permutations(range(1, n - 1)):
        order = [0, *order, n - 1]
        matrix = cell.matrix[np.ix_(order, order)]
        if not np.tril(matrix).any():
            names = [cells.OPERATIONS[cell.operations[v - 1]] for v in order[1:-1]]
            yield cells.from_matrix(matrix, names)
