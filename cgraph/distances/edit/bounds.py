"""Certified bounds of the edit distance for graphs of any size.

From below: the assignment problem in which mapping kernel i to j costs the substitution and half
of what their degrees differ by. Every edit script pays at least that, because an edge that is
deleted or inserted is seen from both of its ends (Riesen and Bunke, 2009; the half: Riesen,
Fischer and Bunke, 2014, "Computing upper and lower bounds of graph edit distance in cubic time").
Kernels of one type share their row, so it is a small transport problem. From above: the map that
follows the flow, a kernel at a time from the inputs on, next to where its sources went; its cost
is that of an edit script.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cgraph.distances._compile import compiled
from cgraph.distances.edit._inner import inner
from cgraph.distances.edit.costs import EditCosts
from cgraph.distances.edit.flow import solve
from cgraph.distances.edit.packing import to_grid
from cgraph.distances.edit.types import TypedGraphs, merge_types
from cgraph.graphs.population import Population
from cgraph.parallel import parallel_map

_PAIRS_A_BLOCK = 4096


def bound_pairs(
    population: Population, pairs: NDArray[np.int64], costs: EditCosts, n_jobs: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Lower and upper bounds of the distances of some pairs; costs are over the vocabulary."""
    typed, grid = merge_types(population), to_grid(costs)
    slack = _slack(population, grid.rounding) / grid.scale
    lower, upper = np.empty(len(pairs)), np.empty(len(pairs))
    maps = np.empty((0, 0), dtype=np.int64)
    run = partial(_bound_some, typed, grid.substitute, grid.indel, grid.half_edge, grid.scale)

    def block(first: int) -> None:
        some = slice(first, first + _PAIRS_A_BLOCK)
        run(pairs[some], lower[some], upper[some], maps)

    for _ in parallel_map(block, range(0, len(pairs), _PAIRS_A_BLOCK), n_jobs=n_jobs, threads=True):
        pass
    return np.maximum(lower - slack, 0.0), upper + slack


def bound_pair(population: Population, costs: EditCosts) -> tuple[float, NDArray[np.int64]]:
    """Lower bound of the distance of the two graphs of a population, and a good map."""
    typed, grid = merge_types(population), to_grid(costs)
    lower, upper = np.empty(1), np.empty(1)
    maps = np.full((1, max(1, int(population.n_kernels[0]))), -1)
    _bound_some(
        typed,
        grid.substitute,
        grid.indel,
        grid.half_edge,
        grid.scale,
        np.array([[0, 1]]),
        lower,
        upper,
        maps,
    )
    slack = _slack(population, grid.rounding) / grid.scale
    return max(float(lower[0]) - slack, 0.0), maps[0, : int(population.n_kernels[0])]


def _slack(population: Population, rounding: float) -> float:
    """The most that rounding of costs can move a distance."""
    most = int(population.n_kernels.max(initial=0))
    most += int(np.diff(population.edge_offsets).max(initial=0))
    return 2 * rounding * most


@compiled
def _bound_some(
    typed: TypedGraphs,
    substitute: Any,
    indel: Any,
    half_edge: float,
    scale: float,
    pairs: Any,
    lower: Any,
    upper: Any,
    maps: Any,
) -> None:
    n_rows, n_columns, n_nodes = 0, 0, 0
    for a, b in pairs:
        n_rows = max(n_rows, typed.n_types[a], typed.n_types[b])
        n_nodes = max(n_nodes, typed.node_offsets[a + 1] - typed.node_offsets[a])
        n_nodes = max(n_nodes, typed.node_offsets[b + 1] - typed.node_offsets[b])
    n_columns = n_rows
    all_costs = np.empty((n_rows + 1) * (n_columns + 1))
    all_flow = np.empty((n_rows + 1) * (n_columns + 1), np.int64)
    image, used = np.empty(n_nodes, np.int64), np.empty(n_nodes, np.bool_)
    for p in range(len(pairs)):
        a, b = pairs[p]
        n, m = typed.n_types[a], typed.n_types[b]
        cost = all_costs[: (n + 1) * (m + 1)].reshape(n + 1, m + 1)
        flow = all_flow[: (n + 1) * (m + 1)].reshape(n + 1, m + 1)
        supply, demand = np.zeros(n + 1, np.int64), np.zeros(m + 1, np.int64)
        _price_types(typed, a, b, substitute, indel, half_edge, cost)
        first, other = typed.node_offsets[a], typed.node_offsets[b]
        supply[:n] = typed.type_count[first : first + n]
        demand[:m] = typed.type_count[other : other + m]
        lower[p] = solve(cost, supply, demand, flow) / scale
        _follow(typed, a, b, flow, image, used)
        found = _price_map(typed, a, b, substitute, indel, half_edge, image)
        upper[p] = found / scale
        if len(maps) == len(pairs):
            for u in range(typed.node_offsets[a + 1] - first):
                maps[p, u] = image[u]


@inner
def _price_types(
    typed: TypedGraphs, a: int, b: int, substitute: Any, indel: Any, half_edge: float, cost: Any
) -> None:
    """Costs of the transport problem."""
    n, m = typed.n_types[a], typed.n_types[b]
    first, other = typed.node_offsets[a], typed.node_offsets[b]
    for i in range(n):
        x, out, into = (
            typed.type_label[first + i],
            typed.type_out[first + i],
            typed.type_in[first + i],
        )
        for j in range(m):
            y = typed.type_label[other + j]
            apart = abs(out - typed.type_out[other + j]) + abs(into - typed.type_in[other + j])
            cost[i, j] = substitute[x, y] + half_edge * apart
        cost[i, m] = indel[x] + half_edge * (out + into)
    for j in range(m):
        degree = typed.type_out[other + j] + typed.type_in[other + j]
        cost[n, j] = indel[typed.type_label[other + j]] + half_edge * degree
    cost[n, m] = 0.0


@inner
def _follow(typed: TypedGraphs, a: int, b: int, flow: Any, image: Any, used: Any) -> None:
    """A map of kernels that keeps to the flow between types, which is used up; -1 deletes."""
    first, n = typed.node_offsets[a], typed.node_offsets[a + 1] - typed.node_offsets[a]
    other, m = typed.node_offsets[b], typed.node_offsets[b + 1] - typed.node_offsets[b]
    n_types = typed.n_types[b]
    used[:m] = False
    queue = np.empty(n_types, np.int64)  # the next kernel of each type, in `by_type`
    place = other
    for j in range(n_types):
        queue[j] = place
        place += typed.type_count[other + j]
    for p in range(first, first + n):
        u = typed.order[p]
        i = typed.type_of[first + u]
        best, best_score, best_rank = -1, 0, 0
        begin = typed.first_in[first + u]
        for e in range(begin, begin + typed.n_in[first + u]):
            q = image[typed.sources[e]]
            if q < 0:
                continue
            start = typed.first_out[other + q]
            for f in range(start, start + typed.n_out[other + q]):
                z = typed.targets[f]
                if used[z] or flow[i, typed.type_of[other + z]] == 0:
                    continue
                score = _common_sources(typed, first + u, other + z, image)
                rank = typed.rank[other + z]
                if score > best_score or (score == best_score and rank < best_rank):
                    best, best_score, best_rank = z, score, rank
        if best < 0 and flow[i, n_types] == 0:
            best = _next_of_type(typed, other, n_types, flow, i, queue, used)
        image[u] = best
        if best < 0:
            flow[i, n_types] -= 1
        else:
            used[best] = True
            flow[i, typed.type_of[other + best]] -= 1


@inner
def _common_sources(typed: TypedGraphs, u: int, z: int, image: Any) -> int:
    """How many edges into u are mapped to edges into z."""
    common = 0
    for e in range(typed.first_in[u], typed.first_in[u] + typed.n_in[u]):
        q = image[typed.sources[e]]
        for f in range(typed.first_in[z], typed.first_in[z] + typed.n_in[z]):
            common += typed.sources[f] == q
    return common


@inner
def _next_of_type(
    typed: TypedGraphs, other: int, n_types: int, flow: Any, i: int, queue: Any, used: Any
) -> int:
    """The earliest free kernel of the types that row i still flows to."""
    best, best_rank = -1, 0
    for j in range(n_types):
        if flow[i, j] > 0:
            while used[typed.by_type[queue[j]]]:
                queue[j] += 1
            z = typed.by_type[queue[j]]
            if best < 0 or typed.rank[other + z] < best_rank:
                best, best_rank = z, typed.rank[other + z]
    return best


@inner
def _price_map(
    typed: TypedGraphs,
    a: int,
    b: int,
    substitute: Any,
    indel: Any,
    half_edge: float,
    image: Any,
) -> float:
    """What the edit of a map costs."""
    first, n = typed.node_offsets[a], typed.node_offsets[a + 1] - typed.node_offsets[a]
    other, m = typed.node_offsets[b], typed.node_offsets[b + 1] - typed.node_offsets[b]
    total = 0.0
    for z in range(m):
        total += indel[typed.labels[other + z]]
    changed = typed.edge_offsets[a + 1] - typed.edge_offsets[a]
    changed += typed.edge_offsets[b + 1] - typed.edge_offsets[b]
    for u in range(n):
        z = image[u]
        x = typed.labels[first + u]
        if z < 0:
            total += indel[x]
            continue
        y = typed.labels[other + z]
        total += substitute[x, y] - indel[y]
        begin, start = typed.first_out[first + u], typed.first_out[other + z]
        for e in range(begin, begin + typed.n_out[first + u]):
            v = image[typed.targets[e]]
            for f in range(start, start + typed.n_out[other + z]):
                changed -= 2 * (typed.targets[f] == v)
    return float(total + 2 * half_edge * changed)
