"""NAS-Bench-Graph as a `Space`."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, final

import numpy as np
from numpy.typing import NDArray

from cgraph import checks
from cgraph.graphs.series import compact
from cgraph.spaces.nasbenchgraph import notation, published, table
from cgraph.spaces.nasbenchgraph.datasets import CELL_CHANNELS, DATA_SETS, DataSet, at_skeleton
from cgraph.spaces.space import (
    Architecture,
    Form,
    Part,
    Space,
    check_graph_view,
    check_operations,
    check_view,
)

if TYPE_CHECKING:
    import pandas as pd
    from torch import nn

    from cgraph.graphs.computational import ComputationalGraph
    from cgraph.graphs.population import Population
    from cgraph.statistics.candidate import Candidate


@final
class NASBenchGraph(Space):
    """The 26,206 graph neural networks of NAS-Bench-Graph, as they are trained on a data set.

    An architecture is a tree of four operations, named by a string that says of each what it is
    and what it reads: 0 for the input, or the number of an earlier operation. A string that
    numbers them in another way is the same architecture.

    Parameters
    ----------
    dataset : str, default="cora"
        "cora", "citeseer", "pubmed", "cs", "physics", "photo", "computers", "arxiv" or
        "proteins". Widths follow from it. On proteins there are 2,021 architectures of five
        operations, and what is called accuracy is an area under the ROC curve.

    Raises
    ------
    UnknownNameError
        If there is no such data set.

    Notes
    -----
    Widths and layers give the published number of parameters of every network of every data set,
    but of 1,567 on physics: there the published number is a mean over runs of different widths.

    Examples
    --------
    >>> space = NASBenchGraph("citeseer")
    >>> space
    NASBenchGraph('nasbenchgraph', 26,206 architectures)
    >>> space.index("fc~0|gcn~0|gat~2|skip~2")
    3317
    >>> space.architectures()[3317]
    'gcn~0|fc~0|gat~1|skip~1'
    """

    name = "nasbenchgraph"
    summary = "graph neural networks of 4 operations in a tree, 9 operations, 9 data sets"
    source = "Qin et al., 2022, NAS-Bench-Graph, NeurIPS"
    parts: tuple[Part, ...] = ("cell", "network", "operations", "compact")
    input_shapes: Mapping[str, tuple[int, ...]]

    def __init__(self, dataset: str = "cora") -> None:
        self.dataset: DataSet = DATA_SETS[dataset]
        # Features of one node: a network takes those of all nodes, and edges.
        self.options = {"dataset": dataset}
        self.accuracy_sources = published.sources_of(dataset)
        self.row_keys = published.row_keys_of(dataset)
        self.input_shapes = {"full": (self.dataset.n_features,), "cell": (CELL_CHANNELS,)}

    def architectures(self) -> tuple[str, ...]:
        """String of each architecture, by rising key of the benchmark."""
        return table.strings(self.dataset.name)

    def parse(self, text: str) -> int:
        """Place of an architecture in the order, from its string, however it is numbered."""
        return table.place_of(notation.parse(text), self.dataset.name)

    def model(self, arch: Architecture, skeleton: str = "full") -> nn.Module:
        """Network of an architecture, in train mode, with its layers' default initialisation.

        Parameters
        ----------
        arch : str or int
            The architecture.
        skeleton : {"full", "cell"}, default="full"
            The network that is trained; or the cell alone, 4 channels wide.

        Returns
        -------
        nn.Module
            Its forward takes features of nodes, shape (n_nodes, n_features), and edges, int64 of
            shape (2, n_edges).

        Examples
        --------
        >>> model = NASBenchGraph("pubmed").model("gcn~0|gat~1|skip~1|fc~0")
        >>> sum(p.numel() for p in model.parameters())
        147203
        """
        from cgraph.spaces.nasbenchgraph import network

        checks.choice("skeleton", skeleton, self.input_shapes)
        return network.build(*self._nodes(arch), at_skeleton(self.dataset, skeleton))

    def graph(
        self, arch: Architecture, part: Part = "cell", form: Form = "raw"
    ) -> ComputationalGraph:
        """Computational graph of a cell, or of its network, for the graph of the data set.

        Composed from pieces that are traced once; equal to tracing the model in train mode with
        `fake=False`, on features and edges in the number that the data set has.

        Examples
        --------
        >>> NASBenchGraph("pubmed").graph("gcn~0|gat~1|skip~1|fc~0", "network")
        ComputationalGraph('Network', 91 kernels, 127 memories, 147,203 parameters, \
2,869,533,312 MACs)
        """
        from cgraph.graphs.passes import live
        from cgraph.spaces.nasbenchgraph import graphs

        check_graph_view(self, part, form)
        compose = graphs.compose_cell if part == "cell" else graphs.compose_network
        graph = compose(*self._nodes(arch), self.dataset)
        return graph if form == "raw" else live(graph)

    def population(
        self, part: Part = "cell", form: Form = "live", *, boundary: bool = False
    ) -> Population:
        """Kernel graphs of all cells, or of all networks, equal to projecting each `graph`.

        Examples
        --------
        >>> NASBenchGraph().population("operations")
        Population(26,206 graphs, 104,824 kernels, 63,964 edges, vocabulary of 9)
        """
        check_view(self, part, form, boundary)
        if part == "compact":
            return compact(self.population("cell", form, boundary=boundary))
        if part == "operations":
            from cgraph.spaces.nasbenchgraph.operations import operation_population

            check_operations(form)
            return operation_population(self._rows(), self.architectures(), boundary=boundary)
        from cgraph.spaces.nasbenchgraph.population import compose_population

        return compose_population(
            self._rows(), self.architectures(), self.dataset, part, form, boundary=boundary
        )

    def sizes(self) -> dict[str, NDArray[np.int64]]:
        """Parameters of every network, and MACs for the whole graph of the data set."""
        from cgraph.spaces.nasbenchgraph.graphs import totals

        return totals(self._rows(), self.dataset)

    def programs(self) -> NDArray[np.int64]:
        """Index of the architecture that stands for the program of each: its own, shape (n,).

        Trees are numbered in one way, and identities stand in a row at the root: what is left
        of a network without them gives its tree back. So no two architectures are one program.
        """
        return np.arange(len(self), dtype=np.int64)

    def neighbours(self, arch: Architecture) -> tuple[str, ...]:
        """The architectures that differ in one operation, or in what one operation reads.

        Examples
        --------
        >>> NASBenchGraph("proteins").neighbours("skip~0|skip~1|skip~2|fc~3")[:2]
        ('skip~0|skip~1|gcn~2|fc~3', 'skip~0|skip~1|sage~2|fc~3')
        """
        names = self.architectures()
        return tuple(names[i] for i in table.neighbours(self.index(arch), self.dataset.name))

    def candidate(self, arch: Architecture) -> Candidate:
        """The network of an architecture on a random graph, whose nodes are the samples.

        The graph is a stochastic block model with a block for each class, one for every number of
        nodes; a batch is the features of its nodes. Dropout is off. Rectified units are those
        that each node has; scores of attention, which edges have, are not counted.
        """
        from cgraph.spaces.nasbenchgraph.measured import NOTE, build_measured
        from cgraph.statistics.candidate import Candidate

        index = self.index(arch)
        return Candidate(
            name=self.architectures()[index],
            program=table.program_of(index, self.dataset.name),
            build=partial(build_measured, *self._nodes(index), self.dataset.name),
            input_shapes=self.input_shapes,
            note=NOTE,
        )

    def key(self, arch: Architecture) -> int:
        """The number that the benchmark has for an architecture.

        Examples
        --------
        >>> NASBenchGraph().key("gcn~0|fc~0|gat~1|skip~1")
        21708
        """
        return notation.key_of(*self._nodes(arch))

    def published(self) -> pd.DataFrame:
        """What the benchmark measured of every architecture on the data set.

        Returns
        -------
        DataFrame of float64
            "validation_accuracy" and "test_accuracy" in percent, "latency_seconds" and
            "n_parameters", means over three runs; indexed by architecture, in order.

        Raises
        ------
        MissingPackageError
            If the package `nas-bench-graph`, which holds them, is not installed.
        """
        return published.published(self.dataset.name).copy()

    def _rows(self) -> NDArray[np.int64]:
        return table.rows(self.dataset.name)

    def _nodes(self, arch: Architecture) -> notation.Nodes:
        return table.nodes_of(self._rows()[self.index(arch)].tolist())
