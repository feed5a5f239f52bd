"""Large graphs packed for bounds: kernels merged to types, edges by source and by target.

Kernels of one label and equal degrees are interchangeable for the assignment problem that bounds
a distance: a network of 170 kernels has about 15 types.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cgraph.distances._compile import compiled
from cgraph.graphs.population import Population


class TypedGraphs(NamedTuple):
    """Graphs of any size; kernels are numbered from 0 in each graph."""

    node_offsets: NDArray[np.int64]  # (n_graphs + 1,)
    labels: NDArray[np.int64]  # (n_nodes,)
    order: NDArray[np.int64]  # (n_nodes,) kernels of each graph, sources before targets
    rank: NDArray[np.int64]  # (n_nodes,) place of each kernel in that order
    edge_offsets: NDArray[np.int64]  # (n_graphs + 1,)
    first_out: NDArray[np.int64]  # (n_nodes,) first edge out of a kernel, in `targets`
    n_out: NDArray[np.int64]  # (n_nodes,)
    targets: NDArray[np.int64]  # (n_edges,)
    first_in: NDArray[np.int64]  # (n_nodes,) first edge into a kernel, in `sources`
    n_in: NDArray[np.int64]  # (n_nodes,)
    sources: NDArray[np.int64]  # (n_edges,)
    type_of: NDArray[np.int64]  # (n_nodes,) numbered from 0 in each graph
    n_types: NDArray[np.int64]  # (n_graphs,)
    type_label: NDArray[np.int64]  # (n_nodes,) of type i at node offset + i; so are the next
    type_out: NDArray[np.int64]
    type_in: NDArray[np.int64]
    type_count: NDArray[np.int64]
    by_type: NDArray[np.int64]  # (n_nodes,) kernels of type 0 in their order, of type 1, ...


def merge_types(population: Population) -> TypedGraphs:
    """A population with the types of its kernels."""
    n_nodes, n_edges = len(population.label_ids), len(population.edges)
    nodes = [np.zeros(n_nodes, dtype=np.int64) for _ in range(12)]
    edges = [np.zeros(n_edges, dtype=np.int64) for _ in range(2)]
    typed = TypedGraphs(
        node_offsets=population.node_offsets,
        labels=population.label_ids.astype(np.int64),
        order=nodes[0],
        rank=nodes[1],
        edge_offsets=population.edge_offsets,
        first_out=nodes[2],
        n_out=nodes[3],
        targets=edges[0],
        first_in=nodes[4],
        n_in=nodes[5],
        sources=edges[1],
        type_of=nodes[6],
        n_types=np.zeros(len(population), dtype=np.int64),
        type_label=nodes[7],
        type_out=nodes[8],
        type_in=nodes[9],
        type_count=nodes[10],
        by_type=nodes[11],
    )
    _fill(typed, population.edges)
    return typed


@compiled
def _fill(typed: TypedGraphs, edges: Any) -> None:
    for g in range(len(typed.n_types)):
        first, n = typed.node_offsets[g], typed.node_offsets[g + 1] - typed.node_offsets[g]
        begin, end = typed.edge_offsets[g], typed.edge_offsets[g + 1]
        _fill_edges(typed, edges, first, n, begin, end)
        waiting = typed.n_in[first : first + n].copy()
        done = 0
        for u in range(n):  # Kahn's order, smallest numbers first
            if waiting[u] == 0:
                typed.order[first + done] = u
                done += 1
        next_node = 0
        while next_node < done:
            u = typed.order[first + next_node]
            typed.rank[first + u] = next_node
            next_node += 1
            for e in range(
                typed.first_out[first + u], typed.first_out[first + u] + typed.n_out[first + u]
            ):
                v = typed.targets[e]
                waiting[v] -= 1
                if waiting[v] == 0:
                    typed.order[first + done] = v
                    done += 1
        _fill_types(typed, g, first, n)


@compiled
def _fill_edges(typed: TypedGraphs, edges: Any, first: int, n: int, begin: int, end: int) -> None:
    for e in range(begin, end):
        typed.n_out[first + edges[e, 0]] += 1
        typed.n_in[first + edges[e, 1]] += 1
    out, into = begin, begin
    for u in range(first, first + n):
        typed.first_out[u], typed.first_in[u] = out, into
        out += typed.n_out[u]
        into += typed.n_in[u]
    placed_out, placed_in = np.zeros(n, np.int64), np.zeros(n, np.int64)
    for e in range(begin, end):
        u, v = edges[e]
        typed.targets[typed.first_out[first + u] + placed_out[u]] = v
        typed.sources[typed.first_in[first + v] + placed_in[v]] = u
        placed_out[u] += 1
        placed_in[v] += 1


@compiled
def _fill_types(typed: TypedGraphs, g: int, first: int, n: int) -> None:
    n_types = 0
    for p in range(first, first + n):
        u = first + typed.order[p]
        kind = 0
        while kind < n_types and not (
            typed.type_label[first + kind] == typed.labels[u]
            and typed.type_out[first + kind] == typed.n_out[u]
            and typed.type_in[first + kind] == typed.n_in[u]
        ):
            kind += 1
        if kind == n_types:
            typed.type_label[first + kind] = typed.labels[u]
            typed.type_out[first + kind] = typed.n_out[u]
            typed.type_in[first + kind] = typed.n_in[u]
            n_types += 1
        typed.type_of[u] = kind
        typed.type_count[first + kind] += 1
    typed.n_types[g] = n_types
    place = first
    for kind in range(n_types):
        for p in range(first, first + n):
            if typed.type_of[first + typed.order[p]] == kind:
                typed.by_type[place] = typed.order[p]
                place += 1
