"""Computational graphs of NAS-Bench-Graph, composed from pieces that are traced once.

Graph layers count loops and degrees, so they can be traced only while they compute. The pieces
run on a graph of a few nodes, and are then written with the data set's own numbers of nodes and
edges: the traced ones stand nowhere else in a shape.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 (its name everywhere)
from numpy.typing import NDArray
from torch import Tensor, nn

from cgraph.generators import untouched_generators
from cgraph.graphs.computational import Attribute, Attributes, ComputationalGraph, Kernel, Memory
from cgraph.spaces.assembly import Step, assemble
from cgraph.spaces.nasbenchgraph import network
from cgraph.spaces.nasbenchgraph.datasets import DATA_SETS, DataSet
from cgraph.spaces.nasbenchgraph.notation import LINKS, N_NODES, OPERATIONS, leaves
from cgraph.tracing.record import trace

# Of the graph that pieces run on. Neither they nor their sum are a number of features, channels
# or classes of any data set.
N_TRACED_NODES, N_TRACED_EDGES = 19, 46

_X, _EDGES = 0, 1  # the inputs of a program


@dataclass(frozen=True, slots=True)
class Pieces:
    """The traced pieces of the networks on a data set.

    Parameters
    ----------
    dropout : ComputationalGraph
        Of the features.
    pre, post : ComputationalGraph or None
        The linear layers around the cell, where there are any.
    nodes : mapping from (int, bool) to ComputationalGraph
        Each operation, reading features or not; what does not occur is left out.
    heads : tuple of ComputationalGraph
        What follows a cell in which 1, 2, 3 or 4 operations are read by nobody.
    """

    dropout: ComputationalGraph
    pre: ComputationalGraph | None
    post: ComputationalGraph | None
    nodes: Mapping[tuple[int, bool], ComputationalGraph]
    heads: tuple[ComputationalGraph, ...]


@cache
def pieces(name: str) -> Pieces:
    """The pieces of a data set, traced in train mode.

    Parameters
    ----------
    name : str
        A name of `DATA_SETS`.
    """
    dataset = DATA_SETS[name]
    features = torch.zeros(N_TRACED_NODES, dataset.n_features)
    hidden = torch.zeros(N_TRACED_NODES, dataset.channels)
    edges = _ring(N_TRACED_NODES, N_TRACED_EDGES)
    width = dataset.channels

    def traced(module: nn.Module, *inputs: Tensor) -> ComputationalGraph:
        return _at_size(trace(module, *inputs, fake=False), dataset)

    # What the initialisation draws must not change what the caller draws next.
    with untouched_generators():
        nodes = {}
        for operation, reads_features in _nodes_of(dataset):
            node = network.Node(operation, dataset, reads_features=reads_features)
            nodes[operation, reads_features] = traced(
                node, features if reads_features else hidden, edges
            )
        return Pieces(
            dropout=traced(_Dropout(dataset.dropout), features),
            pre=traced(nn.Linear(dataset.n_features, width), features) if dataset.has_pre else None,
            post=traced(nn.Linear(width, dataset.n_classes), hidden) if dataset.has_post else None,
            nodes=nodes,
            heads=tuple(
                traced(network.Head(n, dataset), *(torch.zeros_like(hidden) for _ in range(n)))
                for n in range(1, N_NODES + 1)
            ),
        )


def compose_cell(
    links: Sequence[int], operations: Sequence[int], dataset: DataSet
) -> ComputationalGraph:
    """Graph of the cell of an architecture on a data set, as `trace` gives it.

    Examples
    --------
    >>> compose_cell((0, 1, 2, 3), (8, 8, 8, 1), DATA_SETS["cora"])
    ComputationalGraph('Cell', 36 kernels, 62 memories, 434,944 parameters, 1,170,895,872 MACs)
    """
    steps: list[Step] = []
    _add_cell(steps, links, operations, dataset, "", _X)
    return assemble(steps, "Cell", inputs_of(dataset, is_cell=True))


def compose_network(
    links: Sequence[int], operations: Sequence[int], dataset: DataSet
) -> ComputationalGraph:
    """Graph of the network of an architecture on a data set, as `trace` gives it."""
    parts = pieces(dataset.name)
    steps = [Step("", parts.dropout, (_X,))]
    value = _of_last(steps)
    if parts.pre is not None:
        steps.append(Step("pre", parts.pre, (value,)))
        value = _of_last(steps)
    value = _add_cell(steps, links, operations, dataset, "cell", value)
    if parts.post is not None:
        steps.append(Step("post", parts.post, (value,)))
    return assemble(steps, "Network", inputs_of(dataset, is_cell=False))


def totals(rows: NDArray[np.int64], dataset: DataSet) -> dict[str, NDArray[np.int64]]:
    """Parameters and MACs of networks: what their pieces have, summed over where they run.

    Parameters
    ----------
    rows : ndarray of int64, shape (n, 5)
        Architectures: a position in `LINKS`, and operations.
    dataset : DataSet
        What they are trained on.

    Returns
    -------
    dict of str to ndarray of int64, shape (n,)
        "n_parameters" and "macs".
    """
    parts = pieces(dataset.name)
    fixed = [part for part in (parts.dropout, parts.pre, parts.post) if part is not None]
    n_leaves = np.array([len(leaves(links)) for links in LINKS])
    readers = features_readers_of(rows, dataset)
    result = {}
    for name in ("n_parameters", "macs"):
        of_node = np.zeros((len(OPERATIONS), 2), dtype=np.int64)
        for (operation, reads_features), graph in parts.nodes.items():
            of_node[operation, int(reads_features)] = getattr(graph, name)
        of_head = np.array([getattr(graph, name) for graph in parts.heads])
        total = of_head[n_leaves[rows[:, 0]] - 1] + sum(getattr(graph, name) for graph in fixed)
        result[name] = total + of_node[rows[:, 1:], readers.astype(np.int64)].sum(axis=1)
    return result


def features_readers_of(rows: NDArray[np.int64], dataset: DataSet) -> NDArray[np.bool_]:
    """`network.features_readers` of many architectures, shape (n, 4)."""
    found = np.zeros((len(rows), N_NODES), dtype=bool)
    for tree, links in enumerate(LINKS):
        there = np.flatnonzero(rows[:, 0] == tree)
        is_skip = rows[there, 1:] == OPERATIONS.index("skip")
        are_features = [np.full(len(there), not dataset.has_pre)]
        for node, source in enumerate(links):
            found[there, node] = are_features[source]
            are_features.append(is_skip[:, node] & are_features[source])
    return found


def inputs_of(dataset: DataSet, *, is_cell: bool) -> list[Memory]:
    """What a cell or a network on a data set is given: features of nodes, and edges."""
    width = dataset.channels if is_cell and dataset.has_pre else dataset.n_features
    shape, edges = (dataset.n_nodes, width), (2, dataset.n_edges)
    return [
        Memory("x", "input", shape, "float32", 4 * dataset.n_nodes * width),
        Memory("edge_index", "input", edges, "int64", 16 * dataset.n_edges),
    ]


def _add_cell(
    steps: list[Step],
    links: Sequence[int],
    operations: Sequence[int],
    dataset: DataSet,
    scope: str,
    value: int,
) -> int:
    """Append the steps of a cell that reads a value; returns the value that it makes."""
    parts = pieces(dataset.name)
    prefix = f"{scope}." if scope else ""
    values = [value]
    readers = network.features_readers(links, operations, dataset)
    for node, (source, operation) in enumerate(zip(links, operations, strict=True)):
        piece = parts.nodes[operation, readers[node]]
        steps.append(Step(f"{prefix}nodes.{node}", piece, (values[source], _EDGES)))
        values.append(_of_last(steps))
    read_by_nobody = [values[leaf] for leaf in leaves(links)]
    steps.append(Step(f"{prefix}head", parts.heads[len(read_by_nobody) - 1], tuple(read_by_nobody)))
    return _of_last(steps)


def _of_last(steps: list[Step]) -> int:
    """The value that the last step makes, behind the two inputs."""
    return len(steps) + 1


def _nodes_of(dataset: DataSet) -> list[tuple[int, bool]]:
    """Operations that occur on a data set, with whether they read features."""
    operations = [OPERATIONS.index(name) for name in dataset.operations]
    return [(k, b) for k in operations for b in ((False,) if dataset.has_pre else (False, True))]


def _ring(n_nodes: int, n_edges: int) -> Tensor:
    """Edges between neighbours and then between second neighbours, both ways, without loops."""
    pairs = [(i, (i + step) % n_nodes) for step in (1, 2) for i in range(n_nodes)]
    pairs = pairs[: n_edges // 2]
    return torch.tensor([*pairs, *((v, u) for u, v in pairs)]).t().contiguous()


def _at_size(graph: ComputationalGraph, dataset: DataSet) -> ComputationalGraph:
    """A graph traced on the small graph, with the numbers of nodes and edges of a data set."""
    sizes = {
        N_TRACED_NODES: dataset.n_nodes,
        N_TRACED_EDGES: dataset.n_edges,
        N_TRACED_NODES + N_TRACED_EDGES: dataset.n_nodes + dataset.n_edges,
    }
    return ComputationalGraph(
        [_resized(memory, sizes) for memory in graph.memories],
        [_rerun(kernel, sizes) for kernel in graph.kernels],
        graph.reads,
        graph.writes,
        graph.outputs,
        name=graph.name,
    )


def _resized(memory: Memory, sizes: Mapping[int, int]) -> Memory:
    shape = tuple(sizes.get(n, n) for n in memory.shape)
    n_values = int(np.prod(memory.shape, dtype=np.int64))
    bytes_ = memory.bytes // n_values * int(np.prod(shape, dtype=np.int64)) if n_values else 0
    return replace(memory, shape=shape, bytes=bytes_)


def _rerun(kernel: Kernel, sizes: Mapping[int, int]) -> Kernel:
    """A kernel on graphs of another size: what multiplies does so node by node."""
    attributes = {name: _scaled(value, sizes) for name, value in kernel.attributes.items()}
    macs = kernel.macs // N_TRACED_NODES * sizes[N_TRACED_NODES]
    return replace(kernel, attributes=Attributes(attributes), macs=macs)


def _scaled(value: Attribute, sizes: Mapping[int, int]) -> Attribute:
    if isinstance(value, tuple):
        return tuple(sizes.get(n, n) for n in value)
    if isinstance(value, int) and not isinstance(value, bool):
        return sizes.get(value, value)
    return value


class _Dropout(nn.Module):
    """Dropout as the network calls it."""

    def __init__(self, rate: float) -> None:
        super().__init__()
        self.rate = rate

    def forward(self, x: Tensor) -> Tensor:
        return F.dropout(x, self.rate, self.training)
