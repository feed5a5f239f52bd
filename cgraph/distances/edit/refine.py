"""Local search on the map of an edit: move a kernel, or swap two, while it makes the edit cheaper.

A kernel is tried next to where its neighbours are: on the kernels that an edge joins to their
images, the way its own edges run.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cgraph.distances._compile import compiled
from cgraph.distances.edit._inner import inner
from cgraph.distances.edit.costs import EditCosts
from cgraph.distances.edit.packing import to_grid
from cgraph.distances.edit.types import TypedGraphs, merge_types
from cgraph.graphs.population import Population

_PASSES = 50


def refine_map(
    population: Population, costs: EditCosts, mapping: NDArray[np.int64]
) -> NDArray[np.int64]:
    """A map of the first graph of a population to the second that costs no more than this one."""
    grid = to_grid(costs)
    image = mapping.copy()
    origin = np.full(int(population.n_kernels[1]), -1)
    mapped = np.flatnonzero(image >= 0)
    origin[image[mapped]] = mapped
    typed = merge_types(population)
    _refine(typed, grid.substitute, grid.indel, 2 * grid.half_edge, image, origin)
    return image


@compiled
def _refine(
    typed: TypedGraphs, substitute: Any, indel: Any, edge: float, image: Any, origin: Any
) -> None:
    n, other = typed.node_offsets[1], typed.node_offsets[1]
    for _ in range(_PASSES):
        improved = False
        for u in range(n):
            for forward in (True, False):
                begin = typed.first_in[u] if forward else typed.first_out[u]
                count = typed.n_in[u] if forward else typed.n_out[u]
                for e in range(begin, begin + count):
                    q = image[typed.sources[e] if forward else typed.targets[e]]
                    if q < 0:
                        continue
                    start = typed.first_out[other + q] if forward else typed.first_in[other + q]
                    room = typed.n_out[other + q] if forward else typed.n_in[other + q]
                    for f in range(start, start + room):
                        z = typed.targets[f] if forward else typed.sources[f]
                        if _try(typed, substitute, indel, edge, image, origin, u, z):
                            improved = True
        if not improved:
            return


@inner
def _try(
    typed: TypedGraphs,
    substitute: Any,
    indel: Any,
    edge: float,
    image: Any,
    origin: Any,
    u: int,
    z: int,
) -> bool:
    """Put u on z, and what was there where u was; whether it stays so because it is cheaper."""
    before, w = image[u], origin[z]
    if before == z:
        return False
    old = _cost_around(typed, substitute, indel, edge, image, u, w)
    _place(image, origin, u, w, z, before)
    if _cost_around(typed, substitute, indel, edge, image, u, w) < old:
        return True
    _place(image, origin, u, w, before, z)
    return False


@inner
def _place(image: Any, origin: Any, u: int, w: int, z: int, rest: int) -> None:
    """Map u to z and w to what is left; -1 stands for no kernel."""
    image[u] = z
    if w >= 0:
        image[w] = rest
    if z >= 0:
        origin[z] = u
    if rest >= 0:
        origin[rest] = w


@inner
def _cost_around(
    typed: TypedGraphs, substitute: Any, indel: Any, edge: float, image: Any, u: int, w: int
) -> float:
    """What of the cost of a map depends on where u and w are mapped, up to a constant."""
    other = typed.node_offsets[1]
    total = 0.0
    for x in (u, w):
        if x < 0:
            continue
        z = image[x]
        if z < 0:
            total += indel[typed.labels[x]]
            continue
        label = typed.labels[other + z]
        total += substitute[typed.labels[x], label] - indel[label]
        for e in range(typed.first_out[x], typed.first_out[x] + typed.n_out[x]):
            y = typed.targets[e]
            if not (x == w and y == u):  # an edge between the two counts once
                total -= 2 * edge * _joins(typed, other, z, image[y])
        for e in range(typed.first_in[x], typed.first_in[x] + typed.n_in[x]):
            y = typed.sources[e]
            if not (x == w and y == u):
                total -= 2 * edge * _joins(typed, other, image[y], z)
    return total


@inner
def _joins(typed: TypedGraphs, other: int, source: int, target: int) -> int:
    """1 where the second graph has the edge."""
    if source < 0 or target < 0:
        return 0
    begin = typed.first_out[other + source]
    for f in range(begin, begin + typed.n_out[other + source]):
        if typed.targets[f] == target:
            return 1
    return 0
