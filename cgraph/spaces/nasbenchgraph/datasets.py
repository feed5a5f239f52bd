"""The data sets of NAS-Bench-Graph, and the network that stands around the cell on each."""

from __future__ import annotations

from dataclasses import dataclass, replace

from cgraph.registry import Table
from cgraph.spaces.nasbenchgraph.notation import OPERATIONS


@dataclass(frozen=True, slots=True, kw_only=True)
class DataSet:
    """A data set of node classification, and what the benchmark trains on it.

    Parameters
    ----------
    name : str
        What it is called.
    n_nodes, n_edges : int
        Of its graph, as PyTorch Geometric and OGB give it: an undirected edge counts twice.
    n_features, n_classes : int
        Of a node.
    channels : int
        Width of the operations.
    has_pre, has_post : bool, default=False
        Whether a linear layer stands before the cell, and another behind it.
    dropout : float
        Rate of every dropout of the network.
    metric : str, default="accuracy"
        What the benchmark reports.
    operations : tuple of str, default=OPERATIONS
        What the architectures are made of.
    is_normalised : bool, default=True
        Whether graph convolutions normalise the adjacency and attention adds loops.
    """

    name: str
    n_nodes: int
    n_edges: int
    n_features: int
    n_classes: int
    channels: int
    has_pre: bool = False
    has_post: bool = False
    dropout: float
    metric: str = "accuracy"
    operations: tuple[str, ...] = OPERATIONS
    is_normalised: bool = True


# Widths and layers are those that give the published numbers of parameters; rates of dropout as
# in reproductions of the benchmark.
DATA_SETS: Table[DataSet] = Table(
    "dataset",
    [
        DataSet(
            name="cora", n_nodes=2708, n_edges=10556, n_features=1433, n_classes=7,
            channels=256, has_post=True, dropout=0.7,
        ),
        DataSet(
            name="citeseer", n_nodes=3327, n_edges=9104, n_features=3703, n_classes=6,
            channels=256, has_post=True, dropout=0.7,
        ),
        DataSet(
            name="pubmed", n_nodes=19717, n_edges=88648, n_features=500, n_classes=3,
            channels=128, dropout=0.3,
        ),
        DataSet(
            name="cs", n_nodes=18333, n_edges=163788, n_features=6805, n_classes=15,
            channels=128, has_pre=True, dropout=0.6,
        ),
        DataSet(
            name="physics", n_nodes=34493, n_edges=495924, n_features=8415, n_classes=5,
            channels=256, has_pre=True, dropout=0.4,
        ),
        DataSet(
            name="photo", n_nodes=7650, n_edges=238162, n_features=745, n_classes=8,
            channels=128, dropout=0.7,
        ),
        DataSet(
            name="computers", n_nodes=13752, n_edges=491722, n_features=767, n_classes=10,
            channels=64, has_pre=True, has_post=True, dropout=0.1,
        ),
        DataSet(
            name="arxiv", n_nodes=169343, n_edges=1166243, n_features=128, n_classes=40,
            channels=128, has_post=True, dropout=0.2,
        ),
        DataSet(
            name="proteins", n_nodes=132534, n_edges=79122504, n_features=8, n_classes=112,
            channels=256, has_pre=True, has_post=True, dropout=0.0, metric="ROC AUC",
            operations=("gcn", "sage", "arma", "fc", "skip"), is_normalised=False,
        ),
    ],
)  # fmt: skip


# Of the narrow network in the place of the one that is trained: attention has four heads.
CELL_CHANNELS = 4


def at_skeleton(dataset: DataSet, skeleton: str) -> DataSet:
    """What a network is built for: the data set, or one with a few features and channels.

    Parameters
    ----------
    dataset : DataSet
        The data set.
    skeleton : {"full", "cell"}
        The network that is trained; or the cell alone, 4 channels wide, for linear regions.
    """
    if skeleton == "full":
        return dataset
    return replace(
        dataset,
        n_features=CELL_CHANNELS,
        n_classes=CELL_CHANNELS,
        channels=CELL_CHANNELS,
        has_pre=False,
        has_post=False,
    )
