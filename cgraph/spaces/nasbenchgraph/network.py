"""The networks of NAS-Bench-Graph, built from PyTorch Geometric's layers as the benchmark does.

Dropout of the features; a linear layer on some data sets; the cell; another linear layer on some.
An operation that reads features as they come reads them as they are; every other reads what batch
norm, ReLU and dropout make of its source. What nobody reads is concatenated, rectified, and goes
through a linear layer (Qin et al., 2022, NAS-Bench-Graph, NeurIPS).
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import torch
import torch.nn.functional as F  # noqa: N812 (its name everywhere)
from torch import Tensor, nn

from cgraph.spaces.nasbenchgraph.datasets import DataSet
from cgraph.spaces.nasbenchgraph.notation import OPERATIONS, SKIP, leaves

with warnings.catch_warnings():  # its import warns of what it uses of PyTorch
    warnings.simplefilter("ignore", DeprecationWarning)
    from torch_geometric.nn import (
        ARMAConv,
        ChebConv,
        GATConv,
        GCNConv,
        GINConv,
        GraphConv,
        SAGEConv,
    )
    from torch_geometric.utils import softmax

__all__ = [
    "ARMAConv",
    "Cell",
    "GATConv",
    "GCNConv",
    "Head",
    "Network",
    "Node",
    "build",
    "features_readers",
    "make_operation",
    "softmax",
]

_HEADS = 4


def build(links: Sequence[int], operations: Sequence[int], dataset: DataSet) -> Network:
    """Network of an architecture, in train mode, with the layers' default initialisation.

    Examples
    --------
    >>> from cgraph.spaces.nasbenchgraph.datasets import DATA_SETS
    >>> network = build((0, 1, 2, 3), (8, 8, 8, 1), DATA_SETS["cora"])
    >>> sum(p.numel() for p in network.parameters())
    436743
    """
    return Network(links, operations, dataset)


class Network(nn.Module):
    """Dropout, a linear layer or none, the cell, a linear layer or none."""

    def __init__(self, links: Sequence[int], operations: Sequence[int], dataset: DataSet) -> None:
        super().__init__()
        width = dataset.channels
        self.dropout = dataset.dropout
        self.pre = nn.Linear(dataset.n_features, width) if dataset.has_pre else nn.Identity()
        self.cell = Cell(links, operations, dataset)
        self.post = nn.Linear(width, dataset.n_classes) if dataset.has_post else nn.Identity()

    def forward(self, x: Tensor, edge_index: Tensor) -> Tensor:
        """Logits of nodes, shape (n_nodes, n_classes).

        Parameters
        ----------
        x : Tensor of float, shape (n_nodes, n_features)
            Features of nodes.
        edge_index : Tensor of int64, shape (2, n_edges)
            From which node to which.
        """
        x = F.dropout(x, self.dropout, self.training)
        out: Tensor = self.post(self.cell(self.pre(x), edge_index))
        return out


class Cell(nn.Module):
    """Four operations in a tree, and the linear layer behind those that nobody reads."""

    def __init__(self, links: Sequence[int], operations: Sequence[int], dataset: DataSet) -> None:
        super().__init__()
        self.links = tuple(links)
        nodes = []
        for operation, reads_features in zip(
            operations, features_readers(links, operations, dataset), strict=True
        ):
            nodes.append(Node(operation, dataset, reads_features=reads_features))
        self.nodes = nn.ModuleList(nodes)
        self.head = Head(len(leaves(links)), dataset)

    def forward(self, x: Tensor, edge_index: Tensor) -> Tensor:
        """What the linear layer gives for each node, shape (n_nodes, n_outputs)."""
        values = [x]
        for node, source in zip(self.nodes, self.links, strict=True):
            values.append(node(values[source], edge_index))
        out: Tensor = self.head(*(values[leaf] for leaf in leaves(self.links)))
        return out


class Node(nn.Module):
    """An operation, behind batch norm, ReLU and dropout but where it reads features."""

    def __init__(self, operation: int, dataset: DataSet, *, reads_features: bool) -> None:
        super().__init__()
        width = dataset.channels
        self.reads_features = reads_features
        self.dropout = dataset.dropout
        # The benchmark makes, and counts, a batch norm that it does not run.
        self.norm = nn.BatchNorm1d(width)
        n_inputs = dataset.n_features if reads_features else width
        self.operation = make_operation(operation, n_inputs, width, dataset.is_normalised)

    def forward(self, x: Tensor, edge_index: Tensor) -> Tensor:
        """What the operation makes of each node, shape (n_nodes, channels)."""
        if not self.reads_features:
            x = F.dropout(F.relu(self.norm(x)), self.dropout, self.training)
        out: Tensor = self.operation(x, edge_index)
        return out


class Head(nn.Module):
    """Concatenation, ReLU and a linear layer."""

    def __init__(self, n_leaves: int, dataset: DataSet) -> None:
        super().__init__()
        width = dataset.channels
        self.linear = nn.Linear(n_leaves * width, width if dataset.has_post else dataset.n_classes)

    def forward(self, *values: Tensor) -> Tensor:
        """One row for each node, shape (n_nodes, n_outputs)."""
        out: Tensor = self.linear(F.relu(torch.cat(values, 1)))
        return out


class OfNodes(nn.Module):
    """An operation that looks at each node alone."""

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, x: Tensor, edge_index: Tensor) -> Tensor:  # noqa: ARG002
        """The layer of the features."""
        out: Tensor = self.layer(x)
        return out


def make_operation(
    operation: int, n_inputs: int, width: int, is_normalised: bool = True
) -> nn.Module:
    """Module of an operation: takes features and edges."""
    layer: nn.Module
    match OPERATIONS[operation]:
        case "gat":
            layer = GATConv(n_inputs, width // _HEADS, _HEADS, add_self_loops=is_normalised)
        case "gcn":
            layer = GCNConv(n_inputs, width, add_self_loops=is_normalised, normalize=is_normalised)
        case "gin":
            layer = GINConv(nn.Linear(n_inputs, width))
        case "cheb":
            layer = ChebConv(n_inputs, width, K=2)
        case "sage":
            layer = SAGEConv(n_inputs, width)
        case "arma":
            layer = ARMAConv(n_inputs, width)
        case "graph":
            layer = GraphConv(n_inputs, width)
        case "fc":
            layer = OfNodes(nn.Linear(n_inputs, width))
        case _:
            layer = OfNodes(nn.Identity())
    return layer


def features_readers(
    links: Sequence[int], operations: Sequence[int], dataset: DataSet
) -> list[bool]:
    """Which operations read the features of nodes as they come: the input, or skips of it.

    Examples
    --------
    >>> from cgraph.spaces.nasbenchgraph.datasets import DATA_SETS
    >>> features_readers((0, 1, 2, 2), (8, 1, 8, 0), DATA_SETS["cora"])
    [True, True, False, False]
    """
    are_features = [not dataset.has_pre]
    for operation, source in zip(operations, links, strict=True):
        are_features.append(operation == SKIP and are_features[source])
    return [are_features[source] for source in links]
