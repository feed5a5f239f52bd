"""Kernel graphs as adjacency tensors, and back.

T[i, j, k] = 1 where kernel i feeds kernel j and has operation k; T[i, i, k] = 1 for every kernel i
of operation k. A directed acyclic graph has no loops, so the diagonal is free to name the
operation of a kernel that feeds nobody: nothing is lost, and usage is the diagonal's sum.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from cgraph import checks
from cgraph.errors import GraphError
from cgraph.graphs.kernel import KernelGraph
from cgraph.graphs.population import Population

if TYPE_CHECKING:
    import torch


def adjacency_tensor(
    x: KernelGraph | Population, vocabulary: Iterable[str] | None = None
) -> torch.Tensor:
    """Adjacency tensor of a kernel graph, or of every graph of a population.

    Parameters
    ----------
    x : KernelGraph or Population
        What to encode.
    vocabulary : iterable of str, optional
        The K labels, in the order of the last axis; by default the vocabulary of the population,
        or the labels of the graph, sorted.

    Returns
    -------
    torch.Tensor of uint8
        Sparse (COO, coalesced), of shape (V, V, K) for a graph of V kernels, and (n, V, V, K) for
        a population of n graphs, where V is the largest of them: smaller ones are padded with
        kernels that have no entry.

    Raises
    ------
    GraphError
        If a label is not in the vocabulary.

    Examples
    --------
    >>> tensor = adjacency_tensor(KernelGraph(["relu", "add"], [(0, 1)]))
    >>> tuple(tensor.shape), tensor.to_dense()[0].tolist()
    ((2, 2, 2), [[0, 1], [0, 1]])
    """
    import torch

    if isinstance(x, KernelGraph):
        batch = adjacency_tensor(Population([x], vocabulary=vocabulary))
        return torch.sparse_coo_tensor(
            batch.indices()[1:],
            batch.values(),
            batch.shape[1:],
            is_coalesced=True,
            check_invariants=False,
        )
    checks.instance("x", x, Population, "be a KernelGraph or a Population")
    if vocabulary is not None:
        x = _with_vocabulary(x, checks.texts("vocabulary", vocabulary, different=True))
    n = len(x)
    graph_of_node = np.repeat(np.arange(n), x.n_kernels)
    node = np.arange(len(x.label_ids)) - x.node_offsets[graph_of_node]
    graph_of_edge = np.repeat(np.arange(n), np.diff(x.edge_offsets))
    operation = x.label_ids[x.node_offsets[graph_of_edge] + x.edges[:, 0]]
    diagonal = np.stack([graph_of_node, node, node, x.label_ids])
    off_diagonal = np.stack([graph_of_edge, x.edges[:, 0], x.edges[:, 1], operation])
    indices = torch.from_numpy(np.concatenate([diagonal, off_diagonal], axis=1))
    size = int(x.n_kernels.max(initial=0))
    return torch.sparse_coo_tensor(
        indices,
        torch.ones(indices.shape[1], dtype=torch.uint8),
        (n, size, size, len(x.vocabulary)),
        check_invariants=False,
    ).coalesce()


def from_adjacency_tensor(tensor: torch.Tensor, vocabulary: Iterable[str]) -> KernelGraph:
    """The kernel graph that `adjacency_tensor` encoded.

    Parameters
    ----------
    tensor : torch.Tensor of shape (V, V, K)
        Sparse or dense.
    vocabulary : iterable of str
        The K labels.

    Returns
    -------
    KernelGraph
        Padding (kernels without an entry on the diagonal, behind the others) is left out.

    Raises
    ------
    GraphError
        If the shape does not fit, or a kernel has no operation or two.

    Examples
    --------
    >>> graph = KernelGraph(["relu", "add"], [(0, 1)])
    >>> from_adjacency_tensor(adjacency_tensor(graph), ["add", "relu"]) == graph
    True
    """
    words = checks.texts("vocabulary", vocabulary, different=True)
    if tensor.dim() != 3 or tensor.shape[0] != tensor.shape[1] or tensor.shape[2] != len(words):
        raise GraphError("tensor", f"have shape (V, V, {len(words)})", tuple(tensor.shape))
    sparse = tensor.coalesce() if tensor.is_sparse else tensor.to_sparse().coalesce()
    source, target, operation = sparse.indices().numpy()
    on_diagonal = source == target
    kernels = source[on_diagonal]
    if len(np.unique(kernels)) != len(kernels):
        raise GraphError("tensor", "give each kernel one operation", "two on the diagonal")
    if len(kernels) and kernels.max() != len(kernels) - 1:
        raise GraphError("tensor", "give each kernel an operation", "none on the diagonal")
    labels = [words[k] for k in operation[on_diagonal]]
    return KernelGraph(labels, np.stack([source[~on_diagonal], target[~on_diagonal]], axis=1))


def _with_vocabulary(x: Population, words: tuple[str, ...]) -> Population:
    position = {label: i for i, label in enumerate(words)}
    used = np.unique(x.label_ids)
    for k in used:
        if x.vocabulary[k] not in position:
            raise GraphError(
                "vocabulary", "hold every label that occurs", f"none for {x.vocabulary[k]!r}"
            )
    renumbered = np.array([position.get(label, -1) for label in x.vocabulary], dtype=np.int32)
    return Population.from_arrays(
        vocabulary=words,
        node_offsets=x.node_offsets,
        label_ids=renumbered[x.label_ids],
        edge_offsets=x.edge_offsets,
        edges=x.edges,
        names=x.names,
    )
