"""Which programs are identical: exact certificates of labelled directed graphs.

Two kernel graphs have the same certificate exactly when a renumbering of the kernels turns one
into the other, labels included. The canonical form is nauty's (McKay and Piperno, 2014,
"Practical graph isomorphism, II"), through pynauty; large graphs are refined before.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
import pynauty
from numpy.typing import NDArray

from cgraph.graphs.kernel import KernelGraph

_LARGEST_DIRECTED = 24  # kernels; small graphs are quicker as they are
LARGEST_DENSE = 4096  # kernels; nauty's time and memory grow with the square


def certificate(graph: KernelGraph) -> bytes:
    """A value that is equal for two graphs exactly when they are isomorphic.

    Parameters
    ----------
    graph : KernelGraph
        Any labelled graph, the empty one included.

    Returns
    -------
    bytes
        Sorted labels and nauty's canonical form, whose length grows with the square of the number
        of kernels; for more than 4,096 kernels the graph itself in canonical order. `digest`
        shortens it.

    Examples
    --------
    >>> a = KernelGraph(["relu", "add"], [(0, 1)])
    >>> b = KernelGraph(["add", "relu"], [(1, 0)])
    >>> certificate(a) == certificate(b)
    True
    """
    return certificate_of_arrays(graph.labels, graph.edges)


def digest(graph: KernelGraph) -> str:
    """A short name of a program: 32 hexadecimal digits of the hash of its certificate.

    Isomorphic graphs have the same one on every 64-bit little-endian machine; it seeds what is
    drawn for a program.

    Examples
    --------
    >>> digest(KernelGraph(["relu"], []))
    'ff0427d06c9be2409f0bba30cc139bc9'
    """
    return hashlib.blake2b(certificate(graph), digest_size=16).hexdigest()


def canonical_order(graph: KernelGraph) -> NDArray[np.int64]:
    """Kernels in canonical order, shape (n_kernels,).

    Renumbering each of two isomorphic graphs by it gives the same graph.

    Examples
    --------
    >>> canonical_order(KernelGraph(["relu", "add"], [(0, 1)])).tolist()
    [1, 0]
    """
    if not graph.labels:
        return np.empty(0, dtype=np.int64)
    if len(graph) > LARGEST_DENSE:
        from cgraph.graphs.refining import order_of  # compiled: not for small graphs

        return order_of(graph.labels, graph.edges)
    order = pynauty.canon_label(_coloured(graph.labels, graph.edges))
    return np.array(order[: len(graph)], dtype=np.int64)


def certificate_of_arrays(labels: Sequence[str], edges: NDArray[np.int64]) -> bytes:
    """`certificate` of a graph given by its labels and its edges, unchecked."""
    if not labels:
        return b""
    if len(labels) > LARGEST_DENSE:
        from cgraph.graphs.refining import form_of

        return form_of(labels, edges)
    # nauty sees an ordered partition, not the labels: they are put before its form.
    head = "\0".join(sorted(labels)).encode()
    return head + b"\0\0" + bytes(pynauty.certificate(_coloured(labels, edges)))


def _coloured(labels: Sequence[str], edges: NDArray[np.int64]) -> pynauty.Graph:
    cells: dict[str, set[int]] = {}
    for i, label in enumerate(labels):
        cells.setdefault(label, set()).add(i)
    n = len(labels)
    if n > _LARGEST_DIRECTED:
        return _undirected(n, [cells[label] for label in sorted(cells)], edges)
    successors: dict[int, list[int]] = {}
    for u, v in edges.tolist():
        successors.setdefault(u, []).append(v)
    return pynauty.Graph(
        n,
        directed=True,
        adjacency_dict=successors,
        vertex_coloring=[cells[label] for label in sorted(cells)],
    )


def _undirected(n: int, cells: list[set[int]], edges: NDArray[np.int64]) -> pynauty.Graph:
    """The same graph with two vertices for each kernel: where its edges end, where they begin.

    nauty refines a directed graph along its edges only, and tries every combination of branches
    that are alike: hours for a network of 150 kernels with a pair of them in each cell.
    """
    neighbours: dict[int, list[int]] = {u: [u + n] for u in range(n)}
    for u, v in edges.tolist():
        neighbours[v].append(u + n)
    beginnings = set(range(n, 2 * n))
    return pynauty.Graph(
        2 * n, directed=False, adjacency_dict=neighbours, vertex_coloring=[*cells, beginnings]
    )
