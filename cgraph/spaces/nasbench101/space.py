"""NAS-Bench-101 as a `Space`."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, final

import numpy as np
from numpy.typing import NDArray

from cgraph.errors import ArgumentError
from cgraph.graphs.series import compact
from cgraph.spaces.nasbench101 import accuracies, operations, table
from cgraph.spaces.nasbench101.cells import Cell
from cgraph.spaces.nasbench101.hashing import module_hash
from cgraph.spaces.nasbench101.notation import parse
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

# What the statistics measure in the place of the network that is trained.
_MEASURED = MappingProxyType({"full": "narrow"})


@final
class NASBench101(Space):
    """The 423,624 cells of NAS-Bench-101.

    A cell is named by a string that lists its vertices; a string that numbers them in another way
    is the same cell. What is built is the cell whose numbering comes first, which is the one in
    the benchmark's files: how channels are split depends on it.

    Examples
    --------
    >>> space = NASBench101()
    >>> space
    NASBench101('nasbench101', 423,624 architectures)
    >>> space.index("maxpool3x3~0|conv3x3~0|output~1,2")
    45
    >>> space.architectures()[45]
    'conv3x3~0|maxpool3x3~0|output~1,2'
    """

    name = "nasbench101"
    summary = "cells of at most 7 vertices and 9 edges, 3 operations"
    source = "Ying et al., 2019, NAS-Bench-101, ICML"
    parts: tuple[Part, ...] = ("cell", "network", "operations", "compact")
    accuracy_sources = accuracies.SOURCES
    row_keys = accuracies.ROW_KEYS
    # Skeleton: shape of one input. The skeletons themselves are in the module of the networks,
    # which loads PyTorch.
    input_shapes: Mapping[str, tuple[int, ...]] = MappingProxyType(
        {"full": (3, 32, 32), "narrow": (3, 32, 32), "thin": (3, 32, 32), "cell": (1, 1, 3)}
    )

    def architectures(self) -> tuple[str, ...]:
        """String of each cell, in the order in which the benchmark's script lists them."""
        return table.strings()

    def parse(self, text: str) -> int:
        """Place of a cell in the order, from its string, however its vertices are numbered."""
        return table.index_of(parse(text))

    def model(
        self, arch: Architecture, skeleton: str = "full", *, n_classes: int = 10
    ) -> nn.Module:
        """Network of a cell, in train mode, with PyTorch's default initialisation.

        Parameters
        ----------
        arch : str or int
            The cell.
        skeleton : {"full", "narrow", "thin", "cell"}, default="full"
            What it is put into: the network that is trained (128 channels, 3 cells a stack); the
            same with 16 channels; with 8 channels and 1 cell a stack; or the cell alone on 8
            channels.
        n_classes : int, default=10
            Classes of the linear layer.

        Examples
        --------
        >>> model = NASBench101().model("conv3x3~0|output~0,1")
        >>> sum(p.numel() for p in model.parameters())
        11051402
        """
        from cgraph.spaces.nasbench101 import network

        return network.build(self.cell(arch), skeleton, n_classes=n_classes)

    def graph(
        self, arch: Architecture, part: Part = "cell", form: Form = "raw"
    ) -> ComputationalGraph:
        """Computational graph of a cell at 128 channels, or of its network, for a batch of one.

        Traced in train mode: a cell takes 20 to 50 ms, a network ten times as long.

        Examples
        --------
        >>> NASBench101().graph("conv3x3~0|output~0,1")
        ComputationalGraph('CellBlock', 10 kernels, 35 memories, 180,992 parameters, \
184,549,376 MACs)
        """
        import torch

        from cgraph.graphs.passes import live
        from cgraph.spaces.nasbench101 import kernels, network
        from cgraph.tracing.record import trace

        check_graph_view(self, part, form)
        cell, width = self.cell(arch), kernels.CELL_CHANNELS
        # Modules on the meta device have no values, and draw none.
        with torch.device("meta"):
            if part == "cell":
                block = network.CellBlock(cell, width, width)
                graph = trace(block, torch.empty(1, width, 32, 32))
            else:
                graph = trace(network.build(cell), torch.empty(1, *self.input_shapes["full"]))
        return graph if form == "raw" else live(graph)

    def population(
        self, part: Part = "cell", form: Form = "live", *, boundary: bool = False
    ) -> Population:
        """Kernel graphs of all cells, equal to projecting each `graph`.

        Raises
        ------
        ArgumentError
            If `part` is "network": 423,624 of them have 80 million kernels.

        Examples
        --------
        >>> NASBench101().population()
        Population(423,624 graphs, 8,650,449 kernels, 8,954,496 edges, vocabulary of 8)
        """
        from cgraph.spaces.nasbench101.kernels import cell_population

        check_view(self, part, form, boundary)
        if part == "compact":
            return compact(self.population("cell", form, boundary=boundary))
        if part == "operations":
            check_operations(form)
            return operations.operation_population(
                table.codes(), self.architectures(), boundary=boundary
            )
        if part == "network":
            raise ArgumentError(
                "part",
                "be 'cell' for a population of 423,624",
                repr(part),
                "make a Population of project(space.graph(arch, 'network')) for some of them",
            )
        return cell_population(
            table.codes(), self.architectures(), is_flat=form == "live", boundary=boundary
        )

    def sizes(self) -> dict[str, NDArray[np.int64]]:
        """Parameters and MACs of every network for CIFAR-10, by formula."""
        from cgraph.spaces.nasbench101.channels import network_sizes

        return network_sizes(table.codes())

    def programs(self) -> NDArray[np.int64]:
        """Index of the cell that stands for the program of each: its own, shape (423624,).

        A kernel graph gives its cell back: a 1x1 convolution that no kernel feeds is a projection
        of the input, any other convolution with its batch norm and ReLU, or max pool, is a
        vertex, and what it adds are its sources. So no two cells are one program.
        """
        return np.arange(table.N_ARCHITECTURES, dtype=np.int64)

    def neighbours(self, arch: Architecture) -> tuple[str, ...]:
        """The cells one step away, however vertices are numbered, in the official order.

        A step gives another operation to a vertex, adds an edge, takes one away (vertices that
        are then on no path go with it), or adds a vertex with one edge in and one out.

        Notes
        -----
        Every step can be taken back by another, but for an edge whose loss prunes a vertex of
        more than one edge in or out, or several vertices.

        Examples
        --------
        >>> NASBench101().neighbours("conv3x3~0|output~1")[:3]
        ('conv1x1~0|output~1', 'maxpool3x3~0|output~1', 'conv3x3~0|output~0,1')
        """
        from cgraph.spaces.nasbench101.neighbours import neighbours

        names = self.architectures()
        return tuple(names[i] for i in neighbours(self.index(arch)).tolist())

    def candidate(self, arch: Architecture) -> Candidate:
        """The program of a cell, with 16 channels where the network that is trained has 128.

        So Mellor et al., 2021, scale this space down. The digest is the benchmark's module hash.
        """
        from cgraph.statistics.candidate import Candidate

        index = self.index(arch)
        cell = table.cell(index)
        return Candidate(
            name=self.architectures()[index],
            program=module_hash(cell),
            build=partial(_build_measured, cell),
            input_shapes={
                name: shape for name, shape in self.input_shapes.items() if name != "narrow"
            },
        )

    def cell(self, arch: Architecture) -> Cell:
        """The cell of an architecture, as a value: its vertices, operations and edges."""
        return table.cell(self.index(arch))

    def module_hash(self, arch: Architecture) -> str:
        """The name that the benchmark's files have for a cell.

        Examples
        --------
        >>> NASBench101().module_hash("conv3x3~0|maxpool3x3~0|output~1,2")
        '7c65f6bd01b87407734781b6038050bc'
        """
        return module_hash(self.cell(arch))


def _build_measured(cell: Cell, skeleton: str) -> nn.Module:
    from cgraph.spaces.nasbench101 import network

    return network.build(cell, _MEASURED.get(skeleton, skeleton))
