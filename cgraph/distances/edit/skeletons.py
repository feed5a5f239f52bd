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
    seen: dict[tuple[bytes, bytes], tuple[bytes, NDArray[np.int64]]] = {}
    forms: dict[bytes, KernelGraph] = {}
    form_of: list[bytes | None] = []
    labels = np.zeros((len(population), WIDTH), dtype=np.int64)
    for i, n in enumerate(population.n_kernels.tolist()):
        if n > WIDTH:
            form_of.append(None)
            continue
        ids = population.label_ids[population.node_offsets[i] :][:n]
        edges = population.edges[population.edge_offsets[i] : population.edge_offsets[i + 1]]
        colours = np.where(apart[ids], ids, -1).astype(np.int64)
        key = (colours.tobytes(), edges.tobytes())
        if key not in seen:
            bare = KernelGraph(map(str, colours.tolist()), edges)
            form = n.to_bytes(1, "big") + certificate(bare)
            order = canonical_order(bare)
            seen[key] = form, order
            forms.setdefault(form, _renumbered(bare, order))
        form, order = seen[key]
        form_of.append(form)
        labels[i, :n] = ids[order]
    return _number(forms, form_of, labels)


def sort_by_skeleton(skeletons: Skeletons, graphs: NDArray[np.int64]) -> Members:
    """Some graphs of those that `skeletons` was found for, by skeleton."""
    n_skeletons = len(skeletons.n_kernels)
    kind = skeletons.of_graph[graphs]
    order = np.argsort(kind, kind="stable")
    order = order[kind[order] != NO_SKELETON]
    offsets = np.searchsorted(kind[order], np.arange(n_skeletons + 1))
    labels = skeletons.labels[graphs[order]]
    codes = np.zeros((2, len(order)), dtype=np.int64)
    half_kernels = np.full((2, n_skeletons, WIDTH), -1, dtype=np.int64)
    tuple_offsets = np.zeros((2, n_skeletons + 1), dtype=np.int64)
    tuples = []
    n_tuples = 0
    for half in range(2):
        for s in range(n_skeletons):
            some = labels[offsets[s] : offsets[s + 1], : skeletons.n_kernels[s]]
            chosen = _half(some, half)
            kinds, code = np.unique(some[:, chosen], axis=0, return_inverse=True)
            codes[half, offsets[s] : offsets[s + 1]] = code.reshape(-1)
            half_kernels[half, s, : len(chosen)] = chosen
            tuples.append(np.pad(kinds, ((0, 0), (0, WIDTH - len(chosen)))))
            tuple_offsets[half, s] = n_tuples
            n_tuples += len(kinds)
        tuple_offsets[half, n_skeletons] = n_tuples
    return Members(
        offsets.astype(np.int64),
        order,
        labels,
        codes,
        half_kernels,
        tuple_offsets,
        np.concatenate([np.empty((0, WIDTH), np.int64), *tuples]),
    )


def _half(labels: NDArray[np.int64], half: int) -> NDArray[np.int64]:
    """Every other kernel, by falling number of labels it has: halves with few tuples each."""
    variety = [len(np.unique(column)) for column in labels.T]
    return np.argsort(-np.array(variety, dtype=np.int64), kind="stable")[half::2]


def _renumbered(graph: KernelGraph, order: NDArray[np.int64]) -> KernelGraph:
    place = np.empty_like(order)
    place[order] = np.arange(len(order))
    return KernelGraph([graph.labels[i] for i in order], place[graph.edges].reshape(-1, 2))


def _number(
    forms: dict[bytes, KernelGraph], form_of: list[bytes | None], labels: NDArray[np.int64]
) -> Skeletons:
    n = len(forms)
    number = {form: i for i, form in enumerate(sorted(forms))}
    sizes = np.zeros(n, dtype=np.int64)
    out_bits = np.zeros((n, WIDTH), dtype=np.int64)
    colours = np.full((n, WIDTH), -1, dtype=np.int64)
    for form, graph in forms.items():
        s = number[form]
        sizes[s] = len(graph)
        colours[s, : len(graph)] = [int(label) for label in graph.labels]
        for u, v in graph.edges.tolist():
            out_bits[s, u] |= 1 << v
    of_graph = [NO_SKELETON if form is None else number[form] for form in form_of]
    return Skeletons(sizes, out_bits, colours, np.array(of_graph, dtype=np.int64), labels)
