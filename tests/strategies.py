"""What hypothesis draws."""

from hypothesis import strategies as st

from cgraph.errors import ArchitectureError
from cgraph.spaces.nasbench101 import cells

# NAS-Bench-101


@st.composite
def nasbench101_matrices(draw, max_vertices=7):
    """Any upper triangular matrix with its operations, pruned or not, valid or not."""
    n = draw(st.integers(2, max_vertices))
    matrix = [[0] * n for _ in range(n)]
    for x in range(n):
        for y in range(x + 1, n):
            matrix[x][y] = draw(st.integers(0, 1))
    names = st.sampled_from(cells.OPERATIONS)
    return matrix, draw(st.lists(names, min_size=n - 2, max_size=n - 2))


@st.composite
def nasbench101_cells(draw, max_vertices=7):
    """A cell, from a chain of vertices with further edges."""
    n = draw(st.integers(2, max_vertices))
    numbers = st.integers(0, len(cells.OPERATIONS) - 1)
    operations = tuple(draw(st.lists(numbers, min_size=n - 2, max_size=n - 2)))
    # One source for each vertex first: what then feeds nobody feeds the output.
    edges = {(draw(st.integers(0, y - 1)), y) for y in range(1, n)}
    edges |= {(x, n - 1) for x in range(n - 1) if all(source != x for source, _ in edges)}
    spare = [(x, y) for y in range(n) for x in range(y) if (x, y) not in edges]
    if spare:
        room = cells.MAX_EDGES - len(edges)
        edges |= set(draw(st.lists(st.sampled_from(spare), max_size=max(room, 0), unique=True)))
    try:
        return cells.Cell(operations, sum(1 << cells.edge_bit(x, y) for x, y in edges))
    except ArchitectureError:
        assert len(edges) > cells.MAX_EDGES
        return cells.Cell((), 1)
