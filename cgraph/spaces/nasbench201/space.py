"""NAS-Bench-201 as a `Space`."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, final

import numpy as np
from numpy.typing import NDArray

from cgraph.graphs.series import compact
from cgraph.spaces.nasbench201 import equivalences, notation, operations, programs
from cgraph.spaces.nasbench201.analog import ANALOG
from cgraph.spaces.nasbench201.official import OFFICIAL
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
    from torch import nn

    from cgraph.graphs.computational import ComputationalGraph
    from cgraph.graphs.population import Population
    from cgraph.statistics.candidate import Candidate


@final
class NASBench201(Space):
    """The 15,625 cells of NAS-Bench-201, which are also the topology space of NATS-Bench.

    Examples
    --------
    >>> space = NASBench201()
    >>> space.index("|none~0|+|none~0|none~1|+|none~0|none~1|none~2|")
    1651
    >>> space.canonical(3)
    '|skip_connect~0|+|none~0|skip_connect~1|+|none~0|none~1|skip_connect~2|'
    """

    name = "nasbench201"
    summary = "cells of 4 nodes and 6 edges, 5 operations"
    source = "Dong and Yang, 2020, NAS-Bench-201, ICLR"
    parts: tuple[Part, ...] = ("cell", "network", "operations", "compact")
    accuracy_sources = (ANALOG, OFFICIAL)
    # Skeleton: shape of one input. The skeletons themselves are in the module of the networks,
    # which loads PyTorch.
    input_shapes: Mapping[str, tuple[int, ...]] = MappingProxyType(
        {"full": (3, 32, 32), "thin": (3, 32, 32), "cell": (1, 3, 3)}
    )

    def architectures(self) -> tuple[str, ...]:
        """String of each cell, in the official order."""
        return notation.architectures()

    def parse(self, text: str) -> int:
        """Place of a cell in the official order, from its string."""
        code = notation.encode(np.array(notation.parse(text)))
        return int(notation.indices()[code])

    def model(
        self, arch: Architecture, skeleton: str = "full", *, n_classes: int = 10
    ) -> nn.Module:
        """Network of a cell, in train mode, with PyTorch's default initialisation.

        Parameters
        ----------
        arch : str or int
            The cell.
        skeleton : {"full", "thin", "cell"}, default="full"
            What it is put into: the network that is trained (16 channels, 5 cells a stage); the
            same with 3 channels and 1 cell; or the cell alone on one channel, with the batch norm
            and the ReLU that end every network.
        n_classes : int, default=10
            Classes of the linear layer: 10, 100 and 120 in the benchmark.

        Examples
        --------
        >>> model = NASBench201().model(6111)
        >>> sum(p.numel() for p in model.parameters())
        1073466
        """
        from cgraph.spaces.nasbench201 import network

        return network.build(self._name_of(arch), skeleton, n_classes=n_classes)

    def graph(
        self, arch: Architecture, part: Part = "cell", form: Form = "raw"
    ) -> ComputationalGraph:
        """Computational graph of a cell at 16 channels, or of its network, for a batch of one.

        Composed from pieces that are traced once; equal to tracing the model in train mode.

        Examples
        --------
        >>> NASBench201().graph(6111, form="live")
        ComputationalGraph('Cell', 17 kernels, 53 memories, 9,632 parameters, 9,699,328 MACs)
        """
        from cgraph.graphs.passes import live
        from cgraph.spaces.nasbench201 import graphs

        check_graph_view(self, part, form)
        operations = notation.operations_table()[self.index(arch)].tolist()
        if part == "cell":
            cell = graphs.compose_cell(operations)
            return cell if form == "raw" else live(cell)
        compose = graphs.compose_network if form == "raw" else graphs.compose_live_network
        return compose(operations)

    def live_chain(self, arch: Architecture) -> list[tuple[ComputationalGraph, int]]:
        """Blocks of the live network of a cell, and how many of each it has; see `HasChains`."""
        from cgraph.spaces.nasbench201 import graphs

        return graphs.live_chain(notation.operations_table()[self.index(arch)].tolist())

    def population(
        self, part: Part = "cell", form: Form = "live", *, boundary: bool = False
    ) -> Population:
        """Kernel graphs of all cells, or of all networks, equal to projecting each `graph`.

        Examples
        --------
        >>> NASBench201().population()
        Population(15,625 graphs, 129,011 kernels, 118,852 edges, vocabulary of 6)
        """
        from cgraph.spaces.nasbench201.population import compose_population

        check_view(self, part, form, boundary)
        if part == "compact":
            return compact(self.population("cell", form, boundary=boundary))
        if part == "operations":
            check_operations(form)
            return operations.operation_population(boundary)
        return compose_population(part, form, boundary=boundary)

    def sizes(self) -> dict[str, NDArray[np.int64]]:
        """Parameters and MACs of every network for CIFAR-10, from the traced pieces."""
        from cgraph.spaces.nasbench201.graphs import totals

        return totals(notation.operations_table())

    def programs(self) -> NDArray[np.int64]:
        """Index of the cell that stands for the program of each, shape (15625,).

        Two cells are one program where their live parts are isomorphic, identities contracted and
        sums flattened, how often each term is added included. The first without a dead operation
        stands for all.
        """
        return programs.representatives()

    def neighbours(self, arch: Architecture) -> tuple[str, ...]:
        """The 24 cells with another operation on one edge: by edges, then by operations.

        Examples
        --------
        >>> NASBench201().neighbours("|none~0|+|none~0|none~1|+|none~0|none~1|none~2|")[0]
        '|skip_connect~0|+|none~0|none~1|+|none~0|none~1|none~2|'
        """
        names = notation.architectures()
        return tuple(names[i] for i in notation.neighbours(self.index(arch)).tolist())

    def candidate(self, arch: Architecture) -> Candidate:
        """The program of a cell: built from the cell that stands for it, dead parts left out."""
        from cgraph.spaces.nasbench201 import network
        from cgraph.statistics.candidate import Candidate

        index = self.index(arch)
        stands_for_it = int(self.programs()[index])
        return Candidate(
            name=notation.architectures()[index],
            program=programs.program_digest(stands_for_it),
            build=partial(network.build, notation.architectures()[stands_for_it], skip_zeros=True),
            input_shapes=self.input_shapes,
        )

    def equivalence(self, name: str) -> NDArray[np.int64]:
        """Class of each cell under an equivalence, numbered by first appearance.

        Parameters
        ----------
        name : str
            A name of `cgraph.spaces.nasbench201.equivalences.EQUIVALENCES`, which says of each
            what makes two cells the same, and whose it is.

        Returns
        -------
        ndarray of int64, shape (15625,)

        Raises
        ------
        UnknownNameError
            If there is no such equivalence; lists the near names.

        Notes
        -----
        How many cells are distinct depends on what is asked:

        - "string", 15,625: the same operation on every edge.
        - "skips", 12,751: the same expression with skips contracted.
        - "authors", 6,466: so with zeros passed on; the number that the benchmark's paper gives.
        - "zero-terms", 5,390: so with zeros dropped from sums.
        - "flat-sums", 4,930: so with sums that a skip carries into sums merged.
        - "dead-branches", 9,445: the same string after what no input reaches, or what reaches no
          output, is cut away.
        - "operations", 8,765: isomorphic live parts with each skip a node, by exact certificates.
        - "programs", 5,425: isomorphic live programs, how often each term is added included.
        - "kernels", 4,329: isomorphic live kernel graphs; "kernels-with-boundary", 5,303: so with
          inputs and outputs as nodes.

        Examples
        --------
        >>> int(NASBench201().equivalence("authors").max()) + 1
        6466
        """
        return equivalences.classes(name)

    def ignores_input(self) -> NDArray[np.bool_]:
        """Which cells give the same whatever they are given, by the graph alone, shape (15625,).

        Examples
        --------
        >>> int(NASBench201().ignores_input().sum())
        341
        """
        return programs.ignores_input(notation.operations_table())

    def _name_of(self, arch: Architecture) -> str:
        return notation.architectures()[self.index(arch)]
