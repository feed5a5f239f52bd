"""Every distinct cell once, and which of them an arbitrary cell is, in compiled form.

Two cells are the same where renumbering the vertices between input and output turns one into the
other. The one that stands for all of them is the one with the smallest code, which is the first
that the benchmark's own script meets, so codes in rising order are its order too.

No hash is needed to find it. A matrix that no renumbering makes smaller is a *skeleton*; the
renumberings that leave a skeleton as it is are its symmetries; a labelling of a skeleton counts
where no symmetry makes it smaller. That leaves 6,472 matrices to look at (2,494 are skeletons)
instead of 1.3 million labelled graphs to hash.
"""

from __future__ import annotations

from itertools import permutations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from cgraph.errors import ArgumentError
from cgraph.spaces.nasbench101.cells import MAX_EDGES, MAX_VERTICES


def enumerate_codes(
    max_vertices: int = MAX_VERTICES, max_edges: int = MAX_EDGES
) -> NDArray[np.uint32]:
    """Codes of all distinct cells, rising.

    Parameters
    ----------
    max_vertices : int, default=7
        Input and output included, 2 <= max_vertices <= 7.
    max_edges : int, default=9
        At least 1.

    Returns
    -------
    ndarray of uint32, shape (n_cells,)
        423,624 for the whole space; `cells.decode` makes cells of them.

    Raises
    ------
    ArgumentError
        If an argument is out of range.

    Examples
    --------
    >>> len(enumerate_codes(max_vertices=5))
    2532
    """
    if not 2 <= max_vertices <= MAX_VERTICES:
        raise ArgumentError("max_vertices", f"be in [2, {MAX_VERTICES}]", max_vertices)
    if max_edges < 1:
        raise ArgumentError("max_edges", "be at least 1", max_edges)
    found = [np.empty(0, dtype=np.int64)]
    for n in range(2, max_vertices + 1):
        matrices = _full_matrices(n, max_edges)
        orders = _orders(n)
        found.append(_label_skeletons(matrices, n, orders, _bit_maps(n, orders)))
    return np.concatenate(found).astype(np.uint32)


def canonical_codes(codes: NDArray[np.integer]) -> NDArray[np.uint32]:
    """Codes of the cells that stand for the given ones.

    Parameters
    ----------
    codes : ndarray of shape (n,)
        Codes of cells, as `cells.encode` makes them; not checked.

    Returns
    -------
    ndarray of uint32, shape (n,)
        The smallest code of an isomorphic cell, which `enumerate_codes` lists.

    Examples
    --------
    >>> from cgraph.spaces.nasbench101.cells import decode, encode
    >>> from cgraph.spaces.nasbench101.notation import format_cell, parse
    >>> cell = parse("maxpool3x3~0|conv3x3~0|output~1,2")
    >>> format_cell(decode(canonical_codes(np.array([encode(cell)]))[0]))
    'conv3x3~0|maxpool3x3~0|output~1,2'
    """
    given = np.asarray(codes, dtype=np.int64)
    result = given.copy()
    for n in range(2, MAX_VERTICES + 1):
        chosen = np.flatnonzero(given >> 29 == n)
        if len(chosen):
            orders = _orders(n)
            result[chosen] = _smallest(given[chosen], n, orders, _bit_maps(n, orders))
    return result.astype(np.uint32)


def _orders(n: int) -> NDArray[np.int64]:
    """Renumberings of n vertices that keep the ends: [p, v] is the new number of v."""
    inner = np.array(list(permutations(range(1, n - 1))), dtype=np.int64)
    ends = np.zeros((len(inner), 1), dtype=np.int64)
    return np.concatenate([ends, inner.reshape(len(inner), n - 2), ends + n - 1], axis=1)


def _bit_maps(n: int, orders: NDArray[np.int64]) -> NDArray[np.int64]:
    """Where each renumbering sends each bit of the edges, and -1 where it turns an edge around."""
    x, y = np.array([(x, y) for y in range(n) for x in range(y)], dtype=np.int64).T
    new_x, new_y = orders[:, x], orders[:, y]
    return np.where(new_x < new_y, new_x + new_y * (new_y - 1) // 2, -1)


@njit(cache=True)
def _full_matrices(n: int, max_edges: int) -> NDArray[np.int64]:
    """Edges of the matrices of n vertices that need no pruning, rising."""
    found = []
    n_bits = n * (n - 1) // 2
    for edges in range(1, 1 << n_bits):
        rest, n_edges = edges, 0
        while rest:
            rest &= rest - 1
            n_edges += 1
        if n_edges > max_edges:
            continue
        fed, feeding, bit = 1, 1 << (n - 1), 0
        for y in range(1, n):
            sources = edges >> bit & ((1 << y) - 1)
            bit += y
            feeding |= sources
            if sources:
                fed |= 1 << y
        # In a graph whose edges all go forward, having both suffices to lie on a path.
        if fed == feeding == (1 << n) - 1:
            found.append(edges)
    return np.array(found, dtype=np.int64)


@njit(cache=True)
def _renumber(edges: int, bit_map: NDArray[np.int64]) -> int:
    """Edges after a renumbering; -1 where one would go backwards."""
    result = 0
    for bit in range(len(bit_map)):
        if edges >> bit & 1:
            if bit_map[bit] < 0:
                return -1
            result |= 1 << bit_map[bit]
    return result


@njit(cache=True)
def _relabel(digits: NDArray[np.int64], order: NDArray[np.int64], n: int) -> int:
    """Operations as a number in base three after a renumbering; digits[v] is that of vertex v."""
    result = 0
    for v in range(1, n - 1):
        weight = 1
        for _ in range(n - 2 - order[v]):
            weight *= 3
        result += digits[v] * weight
    return result


@njit(cache=True)
def _split_digits(number: int, n: int, digits: NDArray[np.int64]) -> None:
    for v in range(n - 2, 0, -1):
        digits[v] = number % 3
        number //= 3


@njit(cache=True)
def _label_skeletons(
    matrices: NDArray[np.int64], n: int, orders: NDArray[np.int64], bit_maps: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Codes of the labelled skeletons among some matrices, rising where the matrices rise."""
    found = []
    digits = np.zeros(7, dtype=np.int64)
    symmetries = np.empty(len(orders), dtype=np.int64)
    for edges in matrices:
        n_symmetries = 0
        is_skeleton = True
        for p in range(len(orders)):
            renumbered = _renumber(edges, bit_maps[p])
            if 0 <= renumbered < edges:
                is_skeleton = False
                break
            if renumbered == edges:
                symmetries[n_symmetries] = p
                n_symmetries += 1
        if not is_skeleton:
            continue
        for labels in range(3 ** (n - 2)):
            _split_digits(labels, n, digits)
            is_smallest = True
            for s in range(n_symmetries):
                if _relabel(digits, orders[symmetries[s]], n) < labels:
                    is_smallest = False
                    break
            if is_smallest:
                found.append(n << 29 | edges << 8 | labels)
    return np.array(found, dtype=np.int64)


@njit(cache=True)
def _smallest(
    codes: NDArray[np.int64], n: int, orders: NDArray[np.int64], bit_maps: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Smallest code among all renumberings of each cell of n vertices."""
    result = np.empty_like(codes)
    digits = np.zeros(7, dtype=np.int64)
    for i in range(len(codes)):
        edges = codes[i] >> 8 & ((1 << 21) - 1)
        _split_digits(codes[i] & 255, n, digits)
        best = codes[i]
        for p in range(len(orders)):
            renumbered = _renumber(edges, bit_maps[p])
            # Edges weigh more than operations: only ties and gains need the operations.
            if renumbered >= 0 and renumbered << 8 <= best & ((1 << 29) - 1):
                code = n << 29 | renumbered << 8 | _relabel(digits, orders[p], n)
                best = min(best, code)
        result[i] = best
    return result
