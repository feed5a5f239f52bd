"""The compact view: kernels that follow each other with one way through them, as one node.

A series is a longest run of kernels in which each is read by the next alone and the next reads it
alone: relu, convolution, batch norm. Its node is labelled with the kernels in their order,
"relu>conv2d[3x3]>batch_norm", and nothing is lost: `expand` gives the kernels back. Inputs and
outputs of a program belong to no series.

What `cgraph.graphs.fusion` contracts are programs, with their memories; here it is the graph of
kernels alone, which is all that distances see.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, overload

import numpy as np
from numpy.typing import NDArray

from cgraph.errors import ArgumentError
from cgraph.graphs.kernel import INPUT_LABEL, OUTPUT_LABEL, KernelGraph
from cgraph.graphs.population import Population

SEPARATOR = ">"
"""Between the kernels of a series; a label that holds it is read as a series."""


def steps_of(label: str) -> tuple[str, ...]:
    """Labels of the kernels that a label stands for, in their order.

    Examples
    --------
    >>> steps_of("relu>conv2d[3x3]>batch_norm"), steps_of("add")
    (('relu', 'conv2d[3x3]', 'batch_norm'), ('add',))
    """
    return tuple(label.split(SEPARATOR))


@overload
def compact(graphs: KernelGraph) -> KernelGraph: ...
@overload
def compact(graphs: Population) -> Population: ...
def compact(graphs: KernelGraph | Population) -> KernelGraph | Population:
    """Kernel graphs with each series of kernels as one node.

    Parameters
    ----------
    graphs : KernelGraph or Population
        Any graphs; inputs and outputs may be nodes.

    Returns
    -------
    KernelGraph or Population
        As the argument. A node of several kernels is labelled with all of them and has the sum of
        their MACs and bytes; a kernel graph names it by the first and the last. Nodes stand in
        the order of their last kernels. Compact graphs come back as they are.

    Raises
    ------
    ArgumentError
        If it is something else.

    Notes
    -----
    Two graphs are isomorphic exactly when their compact views are, so certificates and classes of
    programs are the same for both.

    Examples
    --------
    >>> graph = KernelGraph(["relu", "conv2d[3x3]", "batch_norm", "add"],
    ...                     [(0, 1), (1, 2), (2, 3), (0, 3)])
    >>> compact(graph).labels
    ('relu', 'conv2d[3x3]>batch_norm', 'add')
    """
    if isinstance(graphs, Population):
        return _packed(graphs)
    if not isinstance(graphs, KernelGraph):
        raise ArgumentError(
            "graphs",
            "be a KernelGraph or a Population",
            type(graphs).__name__,
            "a computational graph has to go through project() first",
        )
    packed = Population([graphs])
    if not len(graphs):
        return graphs
    found = _find(packed)
    first, last = found.head.tolist(), found.tail.tolist()
    names = [
        graphs.names[u] if u == v else f"{graphs.names[u]} to {graphs.names[v]}"
        for u, v in zip(first, last, strict=True)
    ]
    view = _packed(packed, found)[0]
    return KernelGraph(view.labels, view.edges, names, macs=view.macs, bytes=view.bytes)


def expand(graph: KernelGraph) -> KernelGraph:
    """The kernels behind the nodes of a compact graph, each a node again.

    Parameters
    ----------
    graph : KernelGraph
        As `compact` gives it. What a series sums up is not known of its kernels, so MACs and
        bytes are left out.

    Examples
    --------
    >>> expand(KernelGraph(["add", "relu>conv2d[3x3]"], [(0, 1)])).edges.tolist()
    [[0, 1], [1, 2]]
    """
    parts = [steps_of(label) for label in graph.labels]
    ends = np.cumsum([len(part) for part in parts], dtype=np.int64)
    starts = ends - [len(part) for part in parts]
    inner = [
        (k, k + 1)
        for i, j in zip(starts.tolist(), ends.tolist(), strict=True)
        for k in range(i, j - 1)
    ]
    outer = [(int(ends[u]) - 1, int(starts[v])) for u, v in graph.edges.tolist()]
    return KernelGraph([step for part in parts for step in part], inner + outer)


class _Series(NamedTuple):
    """The series of a population; kernels are numbered over all graphs."""

    owner: NDArray[np.int64]  # (n_kernels,) series of each kernel
    head: NDArray[np.int64]  # (n_series,) its first kernel
    tail: NDArray[np.int64]  # (n_series,) its last kernel, ascending
    is_inner: NDArray[np.bool_]  # (n_edges,) whether an edge joins two kernels of a series
    label_ids: NDArray[np.int32]  # (n_series,) of the vocabulary
    vocabulary: tuple[str, ...]
    edges: NDArray[np.int64]  # (n_edges, 2) over all graphs


def _find(population: Population) -> _Series:
    words = population.vocabulary
    n = len(population.label_ids)
    shift = np.repeat(population.node_offsets[:-1], np.diff(population.edge_offsets))
    edges = population.edges + shift[:, None]
    source, target = edges.T
    n_out, n_in = np.bincount(source, minlength=n), np.bincount(target, minlength=n)
    is_end = np.isin(words, (INPUT_LABEL, OUTPUT_LABEL))[population.label_ids]
    is_inner = (n_out[source] == 1) & (n_in[target] == 1) & ~is_end[source] & ~is_end[target]
    after = np.full(n, -1, dtype=np.int64)
    after[source[is_inner]] = target[is_inner]
    is_head = np.ones(n, dtype=bool)
    is_head[target[is_inner]] = False

    head = np.flatnonzero(is_head)
    tail, owner = head.copy(), np.empty(n, dtype=np.int64)
    code = population.label_ids[head].astype(np.int64)  # of the labels so far, in `sequences`
    sequences: list[tuple[str, ...]] = [(word,) for word in words]
    going, here = np.arange(len(head)), head
    while True:
        owner[here] = going
        following = after[here]
        going, here = going[following >= 0], following[following >= 0]
        if not len(going):
            break
        tail[going] = here
        pairs = np.stack([code[going], population.label_ids[here]], axis=1)
        distinct, place = np.unique(pairs, axis=0, return_inverse=True)
        code[going] = len(sequences) + place.reshape(-1)
        sequences += [(*sequences[i], words[k]) for i, k in distinct.tolist()]
    order = np.argsort(tail)
    place = np.empty_like(order)
    place[order] = np.arange(len(order))
    vocabulary, label_ids = _vocabulary(sequences, code[order])
    return _Series(place[owner], head[order], tail[order], is_inner, label_ids, vocabulary, edges)


def _vocabulary(
    sequences: Sequence[tuple[str, ...]], codes: NDArray[np.int64]
) -> tuple[tuple[str, ...], NDArray[np.int32]]:
    """The labels that occur, sorted, and which of them each node has."""
    used, place = np.unique(codes, return_inverse=True)
    labels = [SEPARATOR.join(sequences[i]) for i in used.tolist()]
    words = tuple(sorted(set(labels)))
    number = {word: i for i, word in enumerate(words)}
    ids = np.array([number[label] for label in labels], dtype=np.int32)
    return words, ids[place.reshape(-1)]


def _packed(population: Population, found: _Series | None = None) -> Population:
    series = _find(population) if found is None else found
    graph_of = np.repeat(np.arange(len(population)), population.n_kernels)
    counts = np.bincount(graph_of[series.tail], minlength=len(population))
    node_offsets = np.concatenate([[0], np.cumsum(counts)])
    outer = ~series.is_inner
    edges = series.owner[series.edges[outer]].reshape(-1, 2)
    of_edge = np.repeat(np.arange(len(population)), np.diff(population.edge_offsets))[outer]
    edges -= node_offsets[of_edge][:, None]
    return Population.from_arrays(
        vocabulary=series.vocabulary,
        node_offsets=node_offsets,
        label_ids=series.label_ids,
        edge_offsets=np.concatenate(
            [[0], np.cumsum(np.bincount(of_edge, minlength=len(population)))]
        ),
        edges=edges,
        names=population.names,
        macs=_summed(population.macs, series),
        bytes=_summed(population.bytes, series),
    )


def _summed(sizes: NDArray[np.int64] | None, series: _Series) -> NDArray[np.int64] | None:
    if sizes is None:
        return None
    total = np.zeros(len(series.tail), dtype=np.int64)
    np.add.at(total, series.owner, sizes)
    return total
