"""The cells of NAS-Bench-101 as values: which vertices there are, what they do, what feeds what.

A cell is a directed acyclic graph. Vertex 0 is the input, the last one the output, and each one
between carries one of three operations. Edges go from lower to higher vertices, and every vertex
lies on a path from the input to the output. The definition is that of Ying et al., 2019,
"NAS-Bench-101: Towards Reproducible Neural Architecture Search", ICML.

Numbers follow the benchmark: edge x -> y is bit x + y (y - 1) / 2, operations stand in the order
of `OPERATIONS`. A *code* packs a cell into 32 bits such that codes sort as the benchmark's own
script enumerates: by vertices, then edges, then operations.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cgraph.errors import ArchitectureError

OPERATIONS = ("conv3x3", "conv1x1", "maxpool3x3")
CONV_3X3, CONV_1X1, MAX_POOL = range(3)
OFFICIAL_OPERATIONS = ("conv3x3-bn-relu", "conv1x1-bn-relu", "maxpool3x3")
INPUT, OUTPUT = "input", "output"
MAX_VERTICES = 7
MAX_EDGES = 9

# A code: number of vertices, then 21 bits of edges, then operations as digits in base three.
_OPERATION_BITS = 8
_EDGE_BITS = 21
_VERTEX_SHIFT = _OPERATION_BITS + _EDGE_BITS


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell of the space.

    Parameters
    ----------
    operations : tuple of int
        Position in `OPERATIONS` of each vertex between input and output; at most 5.
    edges : int
        Bit x + y (y - 1) / 2 is set where vertex x feeds vertex y, x < y; at most 9 bits.

    Raises
    ------
    ArchitectureError
        If there are too many vertices or edges, an operation or an edge is out of range, or a
        vertex lies on no path from the input to the output.

    Examples
    --------
    >>> cell = from_matrix([[0, 1, 1], [0, 0, 1], [0, 0, 0]], ["conv3x3"])
    >>> cell
    Cell(operations=(0,), edges=7)
    >>> cell.sources(2)
    (0, 1)
    """

    operations: tuple[int, ...]
    edges: int

    def __post_init__(self) -> None:
        n = self.n_vertices
        if n > MAX_VERTICES:
            raise ArchitectureError("cell", f"have at most {MAX_VERTICES} vertices", n)
        for vertex, operation in enumerate(self.operations, start=1):
            if not 0 <= operation < len(OPERATIONS):
                raise ArchitectureError(
                    "operations", f"be positions, 0 <= k < 3 (vertex {vertex})", operation
                )
        if not 0 <= self.edges < 1 << edge_bit(0, n):
            raise ArchitectureError("edges", f"join the {n} vertices of the cell", self.edges)
        if self.n_edges > MAX_EDGES:
            raise ArchitectureError("cell", f"have at most {MAX_EDGES} edges", self.n_edges)
        feeding = 0
        for vertex in range(1, n):
            sources = self.edges >> edge_bit(0, vertex) & ((1 << vertex) - 1)
            if not sources:
                raise _dangling(vertex, n, "from the input")
            feeding |= sources
        for vertex in range(n - 1):
            if not feeding >> vertex & 1:
                raise _dangling(vertex, n, "to the output")

    @property
    def n_vertices(self) -> int:
        """Number of vertices, input and output included; 2 to 7."""
        return len(self.operations) + 2

    @property
    def n_edges(self) -> int:
        """Number of edges; 1 to 9."""
        return self.edges.bit_count()

    @property
    def matrix(self) -> NDArray[np.int64]:
        """Adjacency matrix of shape (n_vertices, n_vertices): [x, y] = 1 where x feeds y."""
        matrix = np.zeros((self.n_vertices, self.n_vertices), dtype=np.int64)
        for y in range(self.n_vertices):
            matrix[list(self.sources(y)), y] = 1
        return matrix

    def has_edge(self, x: int, y: int) -> bool:
        """Whether vertex x feeds vertex y."""
        return x < y and bool(self.edges >> edge_bit(x, y) & 1)

    def sources(self, y: int) -> tuple[int, ...]:
        """Vertices that feed vertex y, in order."""
        return tuple(x for x in range(y) if self.has_edge(x, y))

    def targets(self, x: int) -> tuple[int, ...]:
        """Vertices that vertex x feeds, in order."""
        return tuple(y for y in range(x + 1, self.n_vertices) if self.has_edge(x, y))


def edge_bit(x: int, y: int) -> int:
    """Position of edge x -> y, x < y, in the edges of a cell."""
    return x + y * (y - 1) // 2


def from_matrix(matrix: ArrayLike, operations: Sequence[str]) -> Cell:
    """Cell of an adjacency matrix; vertices off every path from input to output are pruned.

    Parameters
    ----------
    matrix : array-like of shape (V, V)
        Zeros and ones, strictly upper triangular: [x, y] = 1 where vertex x feeds vertex y.
    operations : sequence of str
        One for each vertex, the first "input" and the last "output", or those between alone;
        as in `OPERATIONS` or as the benchmark writes them ("conv3x3-bn-relu").

    Raises
    ------
    ArchitectureError
        If the matrix or an operation is not so (names the entry), the input does not reach the
        output, or what is left after pruning is larger than the space allows.

    Examples
    --------
    >>> from_matrix([[0, 1, 1, 1], [0, 0, 0, 1], [0, 0, 0, 0], [0, 0, 0, 0]],
    ...             ["input", "maxpool3x3", "conv3x3-bn-relu", "output"])
    Cell(operations=(2,), edges=7)
    """
    array = np.asarray(matrix)
    _check_matrix(array)
    numbers = _interior(operations, len(array))
    rows = array.astype(bool).tolist()
    kept = _on_path(rows)
    if len(kept) > MAX_VERTICES:
        raise ArchitectureError(
            "matrix", f"have at most {MAX_VERTICES} vertices on its paths", len(kept)
        )
    edges = sum(
        1 << edge_bit(x, y) for y in range(len(kept)) for x in range(y) if rows[kept[x]][kept[y]]
    )
    return Cell(tuple(numbers[v - 1] for v in kept[1:-1]), edges)


def from_strings(adjacency: str, operations: str) -> Cell:
    """Cell of a row of a table: an adjacency of digits and operations with commas between.

    Parameters
    ----------
    adjacency : str
        The V * V entries of the matrix row by row, as in the benchmark's files, or the
        V (V - 1) / 2 above the diagonal, row by row.
    operations : str
        As in `from_matrix`, separated by commas.

    Raises
    ------
    ArchitectureError
        If the number of digits fits no number of vertices, one is not 0 or 1, or the cell is not
        in the space.

    Examples
    --------
    >>> from_strings("111", "conv3x3") == from_strings("011001000", "input,conv3x3,output")
    True
    """
    entries = ["01".find(digit) for digit in adjacency]
    if -1 in entries:
        place = entries.index(-1)
        raise ArchitectureError(
            "adjacency", f"hold 0 or 1 at character {place}", repr(adjacency[place])
        )
    names = [name for name in operations.split(",") if name]
    for n in range(2, max(len(entries), 2) + 1):
        if len(entries) == n * n:
            return from_matrix(np.array(entries).reshape(n, n), names)
        if len(entries) == n * (n - 1) // 2:
            matrix = np.zeros((n, n), dtype=np.int64)
            matrix[np.triu_indices(n, 1)] = entries
            return from_matrix(matrix, names)
    raise ArchitectureError(
        "adjacency", "have V * V or V (V - 1) / 2 digits", f"{len(entries)} of them"
    )


def encode(cell: Cell) -> int:
    """Code of a cell, below 2 ** 32.

    Examples
    --------
    >>> cell = from_strings("111", "maxpool3x3")
    >>> encode(cell), decode(encode(cell)) == cell
    (1610614530, True)
    """
    digits = 0
    for operation in cell.operations:
        digits = digits * len(OPERATIONS) + operation
    return cell.n_vertices << _VERTEX_SHIFT | cell.edges << _OPERATION_BITS | digits


def decode(code: int) -> Cell:
    """Cell of a code.

    Raises
    ------
    ArchitectureError
        If the number is not the code of a cell.
    """
    code = int(code)
    n_vertices = code >> _VERTEX_SHIFT
    digits = code & ((1 << _OPERATION_BITS) - 1)
    n_labellings = len(OPERATIONS) ** max(n_vertices - 2, 0)
    if code < 0 or not 2 <= n_vertices <= MAX_VERTICES or digits >= n_labellings:
        raise ArchitectureError("code", "be made by encode()", code)
    operations = []
    for _ in range(n_vertices - 2):
        digits, operation = divmod(digits, len(OPERATIONS))
        operations.append(operation)
    edges = code >> _OPERATION_BITS & ((1 << _EDGE_BITS) - 1)
    return Cell(tuple(reversed(operations)), edges)


def operation_number(name: str, where: str) -> int:
    """Position of an operation under either of its names; `where` goes into the error."""
    for names in (OPERATIONS, OFFICIAL_OPERATIONS):
        if name in names:
            return names.index(name)
    raise ArchitectureError(
        "operations", f"be one of {', '.join(OPERATIONS)} ({where})", repr(name)
    )


def _check_matrix(array: NDArray[np.generic]) -> None:
    if array.ndim != 2 or array.shape[0] != array.shape[1] or len(array) < 2:
        raise ArchitectureError("matrix", "be square, of 2 vertices at least", array.shape)
    wrong = np.argwhere((array != 0) & (array != 1))
    if len(wrong):
        x, y = wrong[0].tolist()
        raise ArchitectureError("matrix", f"hold 0 or 1 at [{x}, {y}]", array[x, y])
    lower = np.argwhere(np.tril(array != 0))
    if len(lower):
        x, y = lower[0].tolist()
        raise ArchitectureError(
            "matrix",
            "be upper triangular without its diagonal",
            f"1 at [{x}, {y}]",
            "number the vertices so that every edge goes forward",
        )


def _on_path(rows: list[list[bool]]) -> list[int]:
    """Vertices on a path from the first to the last, in order; all edges go forward."""
    n = len(rows)
    from_input, to_output = {0}, {n - 1}
    for x in range(n):
        if x in from_input:
            from_input.update(y for y in range(x + 1, n) if rows[x][y])
    for x in range(n - 2, -1, -1):
        if any(rows[x][y] and y in to_output for y in range(x + 1, n)):
            to_output.add(x)
    if n - 1 not in from_input:
        raise ArchitectureError(
            "matrix", "have a path from the input to the output", "none, so that nothing is left"
        )
    return sorted(from_input & to_output)


def _interior(operations: Sequence[str], n_vertices: int) -> list[int]:
    names = list(operations)
    if len(names) == n_vertices:
        for vertex, must in ((0, INPUT), (n_vertices - 1, OUTPUT)):
            if names[vertex] != must:
                raise ArchitectureError(
                    "operations", f"have {must!r} at vertex {vertex}", repr(names[vertex])
                )
        names = names[1:-1]
    if len(names) != n_vertices - 2:
        raise ArchitectureError(
            "operations",
            f"be one for each of the {n_vertices} vertices, or the {n_vertices - 2} between "
            "input and output",
            f"{len(operations)} of them",
        )
    return [operation_number(name, f"vertex {v}") for v, name in enumerate(names, start=1)]


def _dangling(vertex: int, n_vertices: int, way: str) -> ArchitectureError:
    name = {0: "the input", n_vertices - 1: "the output"}.get(vertex, f"vertex {vertex}")
    return ArchitectureError(
        "cell",
        "have every vertex on a path from input to output",
        f"{name} on no path {way}",
        "from_matrix() prunes such vertices",
    )
