"""Graphs sorted by skeleton: what is left of a graph when its labels are taken off.

The cells of a search space are many labellings of few skeletons: the 8,765 different cells of
NAS-Bench-201 have 14. Node maps between two skeletons, with the edge part of their costs, are the
same for all of their labellings (see `tables`). A label that nothing else may replace ("input",
"output") is no label but a colour of the skeleton: maps have to keep it.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cgraph.distances._loops import distinct_rows
from cgraph.graphs.canonical import canonical_order, certificate
from cgraph.graphs.kernel import KernelGraph
from cgraph.graphs.population import Population

WIDTH = 8  # kernels of the largest graph that has a skeleton
NO_SKELETON = -1


class Skeletons(NamedTuple):
    """Skeletons of a population, by rising number of kernels, and what each graph is of them."""

    n_kernels: NDArray[np.int64]  # (S,)
    out_bits: NDArray[np.int64]  # (S, WIDTH) bit v of word u: u feeds v
    colours: NDArray[np.int64]  # (S, WIDTH) the label that is a colour, or -1
    of_graph: NDArray[np.int64]  # (n_graphs,) number of the skeleton, or NO_SKELETON
    labels: NDArray[np.int64]  # (n_graphs, WIDTH) labels in the numbering of the skeleton


class Members(NamedTuple):
    """Some graphs of a population, by skeleton; labels are split in two halves.

    A half is some kernels of the skeleton; its tuples are the labels that these have in some
    member. A member is a tuple of either half.
    """

    offsets: NDArray[np.int64]  # (S + 1,) members of each skeleton
    graphs: NDArray[np.int64]  # (n,) position of each member among the graphs that were given
    labels: NDArray[np.int64]  # (n, WIDTH)
    codes: NDArray[np.int64]  # (2, n) the tuple of each member
    half_kernels: NDArray[np.int64]  # (2, S, WIDTH) kernels of each half, -1 behind them
    tuple_offsets: NDArray[np.int64]  # (2, S + 1)
    tuples: NDArray[np.int64]  # (n_tuples, WIDTH) labels of the kernels of the half


def find_skeletons(population: Population, apart: NDArray[np.bool_]) -> Skeletons:
    """Skeletons of graphs of at most `WIDTH` kernels.

    Parameters
    ----------
    population : Population
        The graphs; larger ones have no skeleton.
    apart : ndarray of bool, shape (K,)
        Labels that are colours.
    """
    sizes = population.n_kernels
    small = np.flatnonzero(sizes <= WIDTH)
    # Graphs that are equal but for their labels share the work of a canonical form.
    first, key = distinct_rows(_unlabelled(population, small, apart))
    forms: dict[bytes, KernelGraph] = {}
    form_of_key: list[bytes] = []
    orders = np.zeros((len(first), WIDTH), dtype=np.int64)
    for g, i in enumerate(small[first].tolist()):
        ids = population.label_ids[population.node_offsets[i] : population.node_offsets[i + 1]]
        edges = population.edges[population.edge_offsets[i] : population.edge_offsets[i + 1]]
        bare = KernelGraph(map(str, np.where(apart[ids], ids, -1).tolist()), edges)
        form = len(ids).to_bytes(1, "big") + certificate(bare)
        orders[g, : len(ids)] = order = canonical_order(bare)
        forms.setdefault(form, _renumbered(bare, order))
        form_of_key.append(form)
    number = {form: i for i, form in enumerate(sorted(forms))}
    of_graph = np.full(len(population), NO_SKELETON, dtype=np.int64)
    of_graph[small] = np.array([number[form] for form in form_of_key], dtype=np.int64)[key]
    labels = np.zeros((len(population), WIDTH), dtype=np.int64)
    places = np.arange(WIDTH)[None] < sizes[small, None]
    nodes = population.node_offsets[small, None] + orders[key]
    chosen = np.zeros((len(small), WIDTH), dtype=np.int64)
    chosen[places] = population.label_ids[nodes[places]]
    labels[small] = chosen
    return _number(forms, number, of_graph, labels)


def _unlabelled(
    population: Population, graphs: NDArray[np.int64], apart: NDArray[np.bool_]
) -> NDArray[np.int64]:
    """Number of kernels, edges as bits, and colours of some small graphs, shape (n, 2 + WIDTH)."""
    rows = np.full((len(population), 2 + WIDTH), -1, dtype=np.int64)
    rows[:, 0] = population.n_kernels
    owner = np.repeat(np.arange(len(population)), np.diff(population.edge_offsets))
    is_small = population.n_kernels[owner] <= WIDTH
    source, target = population.edges[is_small].T
    bits = np.zeros(len(population), dtype=np.int64)
    np.bitwise_or.at(bits, owner[is_small], np.int64(1) << (WIDTH * source + target))
    rows[:, 1] = bits
    owner = np.repeat(np.arange(len(population)), population.n_kernels)
    place = np.arange(len(owner)) - population.node_offsets[owner]
    coloured = np.flatnonzero(apart[population.label_ids] & (place < WIDTH))
    rows[owner[coloured], 2 + place[coloured]] = population.label_ids[coloured]
    return rows[graphs]


def sort_by_skeleton(skeletons: Skeletons, graphs: NDArray[np.int64]) -> Members:
    """Some graphs of those that `skeletons` was found for, by skeleton."""
    n_skeletons = len(skeletons.n_kernels)
    kind = skeletons.of_graph[graphs]
    order = np.argsort(kind, kind="stable")
    order = order[kind[order] != NO_SKELETON]
    offsets = np.searchsorted(kind[order], np.arange(n_skeletons + 1))
    kind = kind[order]
    labels = skeletons.labels[graphs[order]]
    halves = _halves(skeletons, kind, labels)
    codes = np.zeros((2, len(order)), dtype=np.int64)
    tuple_offsets = np.zeros((2, n_skeletons + 1), dtype=np.int64)
    tuples = [np.empty((0, WIDTH), dtype=np.int64)]
    n_tuples, n_labels = 0, int(labels.max(initial=0)) + 1
    for half in range(2):
        chosen = halves[half, kind]
        own = np.where(chosen >= 0, np.take_along_axis(labels, np.maximum(chosen, 0), axis=1), 0)
        code = kind  # and then a digit for each kernel of the half
        for i in range(WIDTH // 2):
            _, first, code = np.unique(
                code * n_labels + own[:, i], return_index=True, return_inverse=True
            )
        starts = np.searchsorted(kind[first], np.arange(n_skeletons + 1))
        codes[half] = code - starts[kind]
        tuple_offsets[half] = n_tuples + starts
        tuples.append(own[first])
        n_tuples += len(first)
    return Members(
        offsets.astype(np.int64),
        order,
        labels,
        codes,
        halves,
        tuple_offsets,
        np.concatenate(tuples),
    )


def _halves(
    skeletons: Skeletons, kind: NDArray[np.int64], labels: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Every other kernel by falling number of labels it has, shape (2, S, WIDTH); -1 behind them.

    So both halves have few tuples.
    """
    n_skeletons = len(skeletons.n_kernels)
    occurs = np.zeros((n_skeletons, WIDTH, int(labels.max(initial=0)) + 1), dtype=bool)
    occurs[kind[:, None], np.arange(WIDTH), labels] = True
    there = np.arange(WIDTH) < skeletons.n_kernels[:, None]
    variety = np.where(there, occurs.sum(axis=2), -1)
    order = np.argsort(-variety, axis=1, kind="stable")
    halves = np.full((2, n_skeletons, WIDTH), -1, dtype=np.int64)
    for half in range(2):
        chosen = order[:, half::2]
        is_kernel = np.take_along_axis(there, chosen, axis=1)
        halves[half, :, : WIDTH // 2] = np.where(is_kernel, chosen, -1)
    return halves


def _renumbered(graph: KernelGraph, order: NDArray[np.int64]) -> KernelGraph:
    place = np.empty_like(order)
    place[order] = np.arange(len(order))
    return KernelGraph([graph.labels[i] for i in order], place[graph.edges].reshape(-1, 2))


def _number(
    forms: dict[bytes, KernelGraph],
    number: dict[bytes, int],
    of_graph: NDArray[np.int64],
    labels: NDArray[np.int64],
) -> Skeletons:
    n = len(forms)
    sizes = np.zeros(n, dtype=np.int64)
    out_bits = np.zeros((n, WIDTH), dtype=np.int64)
    colours = np.full((n, WIDTH), -1, dtype=np.int64)
    for form, graph in forms.items():
        s = number[form]
        sizes[s] = len(graph)
        colours[s, : len(graph)] = [int(label) for label in graph.labels]
        for u, v in graph.edges.tolist():
            out_bits[s, u] |= 1 << v
    return Skeletons(sizes, out_bits, colours, of_graph, labels)
