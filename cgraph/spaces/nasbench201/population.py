"""All kernel graphs of NAS-Bench-201 at once, equal to projecting each computational graph."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np

from cgraph.graphs.kernel import project
from cgraph.graphs.passes import live
from cgraph.graphs.population import Population
from cgraph.spaces.fragments import NOTHING, THROUGH, Block, Fragment, chain
from cgraph.spaces.nasbench201 import network
from cgraph.spaces.nasbench201.graphs import pieces
from cgraph.spaces.nasbench201.notation import (
    EDGES,
    N_NODES,
    NONE,
    SKIP,
    architectures,
    operations_table,
)
from cgraph.spaces.nasbench201.programs import INPUT, cut_dead, sums
from cgraph.spaces.space import Form, Part


def compose_population(part: Part, form: Form, *, boundary: bool = False) -> Population:
    """Kernel graphs of all cells, or of all networks; see `Space.population`."""
    parts, vocabulary, cells = _fragments(form), _vocabulary(form), _cells(form)
    blocks = [cells]
    if part == "network":
        skeleton = network.SKELETONS["full"]
        blocks = [Block.pack([parts["stem"]], vocabulary)]
        for stage in range(skeleton.n_stages):
            if stage:
                blocks.append(Block.pack([parts[f"reduction {stage - 1}"]], vocabulary))
            blocks += [cells] * skeleton.n_cells
        blocks.append(Block.pack([parts["head"]], vocabulary))
    return chain(blocks, vocabulary, architectures(), boundary=boundary)


@cache
def _cells(form: Form) -> Block:
    """Kernels of every cell, in the official order."""
    table = operations_table() if form == "raw" else cut_dead(operations_table())
    make = _raw_cell if form == "raw" else _live_cell
    rows, choice = np.unique(table, axis=0, return_inverse=True)
    return Block.pack([make(tuple(row)) for row in rows.tolist()], _vocabulary(form), choice)


@cache
def _vocabulary(form: Form) -> tuple[str, ...]:
    return tuple(sorted({label for part in _fragments(form).values() for label in part.labels}))


@cache
def _fragments(form: Form) -> dict[str, Fragment]:
    """Kernels of each piece. Labels do not know widths: one stage stands for all."""
    traced = pieces()
    graphs = {"stem": traced.stem, "head": traced.head, "sum": traced.sums[0]}
    graphs |= {f"reduction {i}": graph for i, graph in enumerate(traced.reductions)}
    graphs |= {f"operation {k}": graph for k, graph in enumerate(traced.operations[0])}
    found = {}
    for name, graph in graphs.items():
        if name == "sum":  # two inputs; the labels alone are needed
            labels = project(graph).labels
            found[name] = Fragment(labels, (), (), len(labels) - 1)
        else:
            shown = live(graph) if form == "live" else graph
            found[name] = Fragment.of(project(shown, boundary=True))
    return found


def _raw_cell(operations: Sequence[int]) -> Fragment:
    """Kernels of a cell as it runs: sums of two terms at a time, zeros and skips included."""
    cell = _Cell()
    nodes = [{INPUT}]
    for node in range(1, N_NODES):
        total: set[int] | None = None
        for edge, (source, target) in enumerate(EDGES):
            if target == node:
                term = cell.run(_fragments("raw")[f"operation {operations[edge]}"], nodes[source])
                total = term if total is None else cell.add("raw", total | term)
        assert total is not None
        nodes.append(total)
    return cell.fragment(nodes[-1])


def _live_cell(operations: tuple[int, ...]) -> Fragment:
    """Kernels of a cell without dead operations: each sum is one kernel, and a skip is none."""
    cell = _Cell()
    made = {INPUT: INPUT}  # the kernel that makes each term
    nodes = [{INPUT}]
    totals = sums(operations)
    for node in range(1, N_NODES):
        for edge, (source, target) in enumerate(EDGES):
            if target == node and operations[edge] not in (NONE, SKIP):
                piece = _fragments("live")[f"operation {operations[edge]}"]
                (made[edge],) = cell.run(piece, nodes[source])
        terms = {made[term] for term in totals[node]}
        # A sum that only a skip reads is part of the sum that the skip leads to.
        is_merged = node == N_NODES - 2 and operations[EDGES.index((node, node + 1))] == SKIP
        if totals[node].total() > 1 and not is_merged:
            terms = cell.add("live", terms)
        nodes.append(terms)
    return cell.fragment(nodes[-1])


class _Cell:
    """The kernels of a cell so far. Values are sets of kernels; `INPUT` is what it is given."""

    def __init__(self) -> None:
        self.labels: list[str] = []
        self.edges: list[tuple[int, int]] = []
        self.entries: list[int] = []

    def run(self, piece: Fragment, value: set[int]) -> set[int]:
        """Append a piece that reads a value; returns what it makes."""
        if piece.exit == THROUGH:
            return value
        offset = len(self.labels)
        self.labels += piece.labels
        self.edges += [(u + offset, v + offset) for u, v in piece.edges]
        for entry in piece.entries:
            self._feed(value, entry + offset)
        return {piece.exit + offset}

    def add(self, form: Form, terms: set[int]) -> set[int]:
        """Append the sum of terms; returns what it makes."""
        self.labels += _fragments(form)["sum"].labels
        self._feed(terms, len(self.labels) - 1)
        return {len(self.labels) - 1}

    def fragment(self, value: set[int]) -> Fragment:
        """The kernels as a fragment that gives a value."""
        exit_ = NOTHING
        for kernel in value:
            exit_ = THROUGH if kernel == INPUT else kernel
        return Fragment(
            tuple(self.labels), tuple(sorted(self.edges)), tuple(sorted(self.entries)), exit_
        )

    def _feed(self, value: set[int], reader: int) -> None:
        for kernel in value:
            if kernel == INPUT:
                self.entries.append(reader)
            else:
                self.edges.append((kernel, reader))
