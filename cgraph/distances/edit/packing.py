"""Graphs and costs in the form that the compiled kernels read.

Adjacency is bits, one word a kernel, so it serves graphs of up to 64 kernels. Costs are whole
numbers held in floats: sums are exact and equal in any order, and comparisons need no tolerance.
Costs that are multiples of a common fraction (halves, tenths, hundredths, ...) are so exactly;
others are rounded to a 2^-36th of the largest of them.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cgraph.distances._compile import compiled
from cgraph.distances.edit._inner import inlined, inner
from cgraph.distances.edit.costs import EditCosts
from cgraph.graphs.population import Population

WORD = 64

_DENOMINATORS = (1, 2, 4, 5, 8, 10, 16, 20, 50, 100, 1000)
_LARGEST_ON_GRID = 2.0**30
_BITS_OFF_GRID = 36  # of the largest cost, where costs have no common fraction

# An infinite cost: no sum of finite ones over graphs of 64 kernels reaches it.
FORBIDDEN = 2.0**51


class Grid(NamedTuple):
    """Costs as whole numbers, over the labels of a population."""

    substitute: NDArray[np.float64]  # (K, K); `FORBIDDEN` for an infinite cost
    indel: NDArray[np.float64]  # (K,)
    half_edge: float  # half the cost of an edge
    step: float  # every distance is a multiple of it
    scale: float  # whole numbers to a unit of cost
    rounding: float  # the most that one cost is off; 0 on the grid


class PackedGraphs(NamedTuple):
    """Graphs of at most 64 kernels, each renumbered by falling degree.

    What a kernel of high degree is mapped to decides much about the edges: searches begin there.
    """

    offsets: NDArray[np.int64]  # (n_graphs + 1,)
    labels: NDArray[np.int32]  # (n_nodes,)
    out_bits: NDArray[np.uint64]  # (n_nodes,) bit v of word u: u feeds v
    in_bits: NDArray[np.uint64]  # (n_nodes,)
    order: NDArray[np.int64]  # (n_nodes,) number of each kernel in its graph as it was given


def pack(population: Population) -> PackedGraphs:
    """A population whose graphs have at most `WORD` kernels each, as bits."""
    assert population.n_kernels.max(initial=0) <= WORD
    n_nodes = len(population.label_ids)
    order = np.empty(n_nodes, dtype=np.int64)
    out_bits = np.zeros(n_nodes, dtype=np.uint64)
    in_bits = np.zeros(n_nodes, dtype=np.uint64)
    _pack(
        population.node_offsets, population.edge_offsets, population.edges, order, out_bits, in_bits
    )
    first = np.repeat(population.node_offsets[:-1], population.n_kernels)
    labels = population.label_ids[first + order]
    return PackedGraphs(population.node_offsets, labels, out_bits, in_bits, order)


def to_grid(costs: EditCosts) -> Grid:
    """Costs as whole numbers.

    The scale depends on the costs alone, so a pair has the same distance in any company.
    """
    finite = costs.substitute[np.isfinite(costs.substitute)]
    values = np.concatenate([finite, costs.insert, [costs.edge]])
    largest = max(float(values.max()), 1e-100)
    scale, rounding = 2.0 ** np.floor(_BITS_OFF_GRID - np.log2(largest)), 0.5
    for denominator in _DENOMINATORS:
        scaled = values * denominator
        off_grid = np.abs(scaled - np.round(scaled))
        if (
            off_grid <= 1e-12 * np.maximum(scaled, 1)
        ).all() and denominator * largest < _LARGEST_ON_GRID:
            scale, rounding = 2.0 * denominator, 0.0
            break
    allowed = np.isfinite(costs.substitute)
    substitute = np.round(np.where(allowed, costs.substitute, 0) * scale)
    indel = np.round(costs.insert * scale)
    half_edge = float(np.round(costs.edge * scale / 2))
    whole = np.concatenate([substitute.ravel(), indel, [2 * half_edge]]).astype(np.int64)
    return Grid(
        substitute=np.where(allowed, substitute, FORBIDDEN),
        indel=indel,
        half_edge=half_edge,
        step=float(max(np.gcd.reduce(whole), 1)),
        scale=float(scale),
        rounding=rounding,
    )


def needs_deletions(grid: Grid) -> tuple[bool, NDArray[np.bool_]]:
    """When a cheapest map may leave kernels of both graphs out.

    Where every substitution costs no more than a deletion and an insertion, two kernels that are
    left out are mapped to each other at no loss: their edges can only be kept by it. The same
    holds where the only exceptions are labels that nothing else may replace, and both graphs
    have equally many of each.

    Returns
    -------
    always : bool
        Whether other exceptions exist.
    apart : ndarray of bool, shape (K,)
        The labels that nothing else may replace.
    """
    k = len(grid.indel)
    off = ~np.eye(k, dtype=bool)
    banned = grid.substitute >= FORBIDDEN
    apart = np.zeros(k, dtype=bool)
    if k > 1:
        apart[:] = (banned | ~off).all(axis=1)
    dear = grid.substitute > grid.indel[:, None] + grid.indel[None]
    exception = dear & off & ~(apart[:, None] | apart[None])
    return bool(exception.any()), apart


@inlined
def count_bits(word: Any) -> int:
    """Number of ones in a word of 64 bits."""
    word = word - ((word >> np.uint64(1)) & np.uint64(0x5555555555555555))
    word = (word & np.uint64(0x3333333333333333)) + (
        (word >> np.uint64(2)) & np.uint64(0x3333333333333333)
    )
    word = (word + (word >> np.uint64(4))) & np.uint64(0x0F0F0F0F0F0F0F0F)
    return int((word * np.uint64(0x0101010101010101)) >> np.uint64(56))


@compiled
def _pack(
    node_offsets: Any, edge_offsets: Any, edges: Any, order: Any, out_bits: Any, in_bits: Any
) -> None:
    degree = np.empty(WORD, np.int64)
    place = np.empty(WORD, np.uint64)
    for g in range(len(node_offsets) - 1):
        first, n = node_offsets[g], node_offsets[g + 1] - node_offsets[g]
        degree[:n] = 0
        for e in range(edge_offsets[g], edge_offsets[g + 1]):
            degree[edges[e, 0]] += 1
            degree[edges[e, 1]] += 1
        for i in range(n):  # insertion sort, stable
            p = first + i
            while p > first and degree[order[p - 1]] < degree[i]:
                order[p] = order[p - 1]
                p -= 1
            order[p] = i
        for i in range(n):
            place[order[first + i]] = i
        for e in range(edge_offsets[g], edge_offsets[g + 1]):
            u, v = place[edges[e, 0]], place[edges[e, 1]]
            out_bits[first + np.int64(u)] |= np.uint64(1) << v
            in_bits[first + np.int64(v)] |= np.uint64(1) << u


@inner
def same_counts(labels_a: Any, labels_b: Any, apart: Any) -> bool:
    """Whether both graphs have equally many kernels of each label that stands apart."""
    for k in range(len(apart)):
        if apart[k]:
            balance = 0
            for label in labels_a:
                balance += label == k
            for label in labels_b:
                balance -= label == k
            if balance != 0:
                return False
    return True
