"""What the statistics measure: a network on a graph of its own, whose nodes are the samples.

Every number of nodes has a graph: a stochastic block model, drawn from a seed. So a batch is the
features of nodes, one row each, and a network of nodes alone is left. Dropout is off. What is said
of rectified units is said of those that each node has: the attention of an edge, which passes a
rectifier too, belongs to no node and is not counted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 (its name everywhere)
from torch import Tensor, nn

from cgraph.spaces.nasbenchgraph.datasets import DATA_SETS, at_skeleton
from cgraph.spaces.nasbenchgraph.network import (
    ARMAConv,
    GATConv,
    GCNConv,
    Network,
    build,
    softmax,
)

NOTE = "samples are the nodes of a random graph"

_DEGREE = 4.0  # expected
_SHARE_WITHIN = 0.8  # of the edges, between nodes of one block
_SMALLEST_BLOCK = 16  # nodes
_MOST_CHECKED = 1024  # nodes; of larger graphs hardly one is not singular


def build_measured(
    links: Sequence[int], operations: Sequence[int], dataset: str, skeleton: str = "full"
) -> OnGraph:
    """The network of an architecture that the statistics measure, in train mode.

    Parameters
    ----------
    links, operations : sequence of int
        The architecture.
    dataset : str
        A name of `DATA_SETS`; widths are those of its networks.
    skeleton : {"full", "cell"}, default="full"
        The network that is trained, or the cell alone on few channels.
    """
    record = at_skeleton(DATA_SETS[dataset], skeleton)
    network = build(links, operations, replace(record, dropout=0.0))
    for node in network.cell.nodes:
        if isinstance(node.operation, ARMAConv):
            node.operation = _Arma(node.operation)
        elif isinstance(node.operation, GATConv):
            node.operation = _attention_of(node.operation)
    return OnGraph(network, DATA_SETS[dataset].n_classes)


def block_graph(n_nodes: int, n_blocks: int) -> Tensor:
    """Edges of a stochastic block model, the same for the same numbers.

    Parameters
    ----------
    n_nodes : int
        How many nodes; node i is in block i modulo the number of blocks.
    n_blocks : int
        How many blocks there are; fewer, where a block would have under 16 nodes.

    Returns
    -------
    Tensor of int64, shape (2, n_edges)
        Each undirected edge twice, no loops. A node has 4 neighbours in expectation, or a third
        of all where that is less; 80 % of them are in its block. Of the graphs that are drawn
        the first whose adjacency, with a loop at every node, is not singular: else sums over
        neighbours could make two nodes the same. Graphs of over 1024 nodes are drawn once.

    Examples
    --------
    >>> edges = block_graph(64, 7)
    >>> edges.shape[0], bool((edges[0] == edges[1]).any())
    (2, False)
    """
    n_blocks = max(1, min(n_blocks, n_nodes // _SMALLEST_BLOCK))
    block = np.arange(n_nodes) % n_blocks
    pairs = np.stack(np.triu_indices(n_nodes, 1))
    is_within = block[pairs[0]] == block[pairs[1]]
    n_within = int(is_within.sum())
    share = _SHARE_WITHIN if n_blocks > 1 else 1.0
    # A graph of few nodes with all edges would be singular however often it is drawn.
    n_expected = min(_DEGREE, (n_nodes - 1) / 3) * n_nodes / 2
    probability = np.where(
        is_within,
        share * n_expected / max(n_within, 1),
        (1 - share) * n_expected / max(len(is_within) - n_within, 1),
    )
    rng = np.random.default_rng([n_nodes, n_blocks])
    while True:
        edges = pairs[:, rng.random(len(is_within)) < probability]
        with_loops = np.eye(n_nodes)
        with_loops[edges[0], edges[1]] = with_loops[edges[1], edges[0]] = 1
        if n_nodes > _MOST_CHECKED or np.linalg.matrix_rank(with_loops) == n_nodes:
            return torch.from_numpy(np.concatenate([edges, edges[::-1]], axis=1))


_cached_block_graph = lru_cache(maxsize=64)(block_graph)


class OnGraph(nn.Module):
    """A network that takes the features of nodes alone: for every number of them it has a graph."""

    def __init__(self, network: Network, n_blocks: int) -> None:
        super().__init__()
        self.network = network
        self.n_blocks = n_blocks

    def forward(self, x: Tensor) -> Tensor:
        """Logits of nodes, shape (n_nodes, n_classes), from features (n_nodes, n_features)."""
        edges = _cached_block_graph(len(x), self.n_blocks)
        out: Tensor = self.network(x, edges.to(x.device))
        return out


class _Arma(nn.Module):
    """The same as a layer of ARMA, its two products as linear layers, one rectified row a node."""

    def __init__(self, layer: ARMAConv) -> None:
        super().__init__()
        n_inputs, width = layer.in_channels, layer.out_channels
        self.neighbours = GCNConv(n_inputs, width, add_self_loops=False, bias=False)
        self.root = nn.Linear(n_inputs, width)
        self.neighbours.lin.weight = nn.Parameter(layer.init_weight[0].detach().t().contiguous())
        self.root.weight = nn.Parameter(layer.root_weight[0, 0].detach().t().contiguous())
        self.root.bias = nn.Parameter(layer.bias[0, 0, 0].detach().clone())
        # It has a matrix that a layer of one step does not use, and counts it.
        self.weight = layer.weight

    def forward(self, x: Tensor, edge_index: Tensor) -> Tensor:
        return F.relu(self.neighbours(x, edge_index) + self.root(x))


class _Attention(GATConv):  # type: ignore[misc]
    """A layer of attention whose scores are rectified without a rectifier."""

    def edge_update(
        self,
        alpha_j: Tensor,
        alpha_i: Tensor,
        edge_attr: Tensor | None,  # noqa: ARG002
        index: Tensor,
        ptr: Tensor | None,
        dim_size: int | None,
    ) -> Tensor:
        score = alpha_j + alpha_i
        score = torch.where(score > 0, score, self.negative_slope * score)
        out: Tensor = softmax(score, index, ptr, dim_size)
        return out


def _attention_of(layer: GATConv) -> _Attention:
    """The same layer, its weights included."""
    copy = _Attention(
        layer.in_channels, layer.out_channels, layer.heads, add_self_loops=layer.add_self_loops
    )
    copy.load_state_dict(layer.state_dict())
    return copy
