"""Computational graphs of NAS-Bench-201, composed from pieces that are traced once.

The pieces are the stem, each operation at each width, the sum of two terms at each width, the
reductions and the head. What is composed is what `trace` gives for the whole, names included.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from cgraph.graphs.computational import ComputationalGraph, Memory
from cgraph.graphs.passes import live
from cgraph.spaces.assembly import Step, assemble, join
from cgraph.spaces.nasbench201 import network
from cgraph.spaces.nasbench201.notation import EDGES, N_NODES, OPERATIONS
from cgraph.spaces.nasbench201.programs import ignores_input
from cgraph.tracing.record import trace


@dataclass(frozen=True, slots=True)
class Pieces:
    """The traced pieces of the full skeleton.

    Parameters
    ----------
    stem, head : ComputationalGraph
        Before the first cell, and behind the last.
    operations : tuple of tuple of ComputationalGraph
        ``operations[stage][k]``: operation k at the width of the stage.
    sums : tuple of ComputationalGraph
        The sum of two terms at the width of each stage.
    reductions : tuple of ComputationalGraph
        The one that follows each stage but the last.
    """

    stem: ComputationalGraph
    head: ComputationalGraph
    operations: tuple[tuple[ComputationalGraph, ...], ...]
    sums: tuple[ComputationalGraph, ...]
    reductions: tuple[ComputationalGraph, ...]


@cache
def pieces() -> Pieces:
    """The pieces, traced in train mode on a batch of one."""
    skeleton = network.SKELETONS["full"]
    n_stages = skeleton.n_stages
    channels = [skeleton.channels * 2**stage for stage in range(n_stages)]
    n_inputs, height, width = skeleton.input_shape
    maps = [_empty(c, height >> stage, width >> stage) for stage, c in enumerate(channels)]
    # Modules on the meta device have no values, and draw none.
    with torch.device("meta"):
        stem = network.make_stem(n_inputs, channels[0])
        head = network.make_head(channels[-1], n_classes=10)
        operations = [
            [network.make_operation(k, c) for k in range(len(OPERATIONS))] for c in channels
        ]
        reductions = [network.Reduction(c) for c in channels[:-1]]
    return Pieces(
        stem=trace(stem, _empty(*skeleton.input_shape)),
        head=trace(head, maps[-1]),
        operations=tuple(
            tuple(trace(module, x) for module in row)
            for row, x in zip(operations, maps, strict=True)
        ),
        sums=tuple(trace(_Sum(), x, torch.empty_like(x)) for x in maps),
        reductions=tuple(trace(m, x) for m, x in zip(reductions, maps[:-1], strict=True)),
    )


def compose_cell(operations: Sequence[int], *, stage: int = 0) -> ComputationalGraph:
    """Graph of a cell at the width of a stage, as `trace` gives it.

    Examples
    --------
    >>> compose_cell((1, 1, 1, 1, 1, 1))
    ComputationalGraph('Cell', 3 kernels, 4 memories, 0 parameters, 0 MACs)
    """
    steps: list[Step] = []
    _add_cell(steps, operations, "", stage, 0)
    return assemble(steps, "Cell", _input(steps))


def compose_network(operations: Sequence[int]) -> ComputationalGraph:
    """Graph of the network of a cell in the full skeleton, as `trace` gives it.

    Examples
    --------
    >>> compose_network((0, 0, 0, 3, 0, 0))
    ComputationalGraph('Network', 190 kernels, 362 memories, 316,346 parameters, 43,172,480 MACs)
    """
    skeleton, parts = network.SKELETONS["full"], pieces()
    steps = [Step("stem", parts.stem, (0,))]
    value, block = 1, 0
    for stage in range(skeleton.n_stages):
        if stage:
            steps.append(Step(f"blocks.{block}", parts.reductions[stage - 1], (value,)))
            value, block = len(steps), block + 1
        for _ in range(skeleton.n_cells):
            value = _add_cell(steps, operations, f"blocks.{block}", stage, value)
            block += 1
    steps.append(Step("head", parts.head, (value,)))
    return assemble(steps, "Network", _input(steps))


def compose_live_network(operations: Sequence[int]) -> ComputationalGraph:
    """What of the network of a cell is alive: `live` of `compose_network`, in a third of the time.

    What is alive of a network is what is alive of its cells: a sum is never part of one in the
    next cell, since whatever else the next cell adds to it is computed from it.

    Examples
    --------
    >>> compose_live_network((0, 0, 0, 3, 0, 0))
    ComputationalGraph('Network', 70 kernels, 221 memories, 316,346 parameters, 43,172,480 MACs)
    """
    skeleton, parts, shown = network.SKELETONS["full"], pieces(), _live_pieces()
    if ignores_input(np.array([operations], dtype=np.int64)).any():
        return live(compose_network(operations))
    steps = [Step("stem", shown.stem, (0,), parts.stem)]
    for stage in range(skeleton.n_stages):
        if stage:
            scope = f"blocks.{len(steps) - 1}"
            reduction, whole = shown.reductions[stage - 1], parts.reductions[stage - 1]
            steps.append(Step(scope, reduction, (len(steps),), whole))
        whole = compose_cell(operations, stage=stage)
        cell = live(whole)
        for _ in range(skeleton.n_cells):
            steps.append(Step(f"blocks.{len(steps) - 1}", cell, (len(steps),), whole))
    steps.append(Step("head", shown.head, (len(steps),), parts.head))
    return assemble(steps, "Network", _input(steps))


def live_chain(operations: Sequence[int]) -> list[tuple[ComputationalGraph, int]]:
    """The blocks of `compose_live_network`, and how many of each it has.

    Examples
    --------
    >>> [(len(block.kernels), times) for block, times in live_chain((0, 0, 0, 3, 0, 0))]
    [(2, 1), (3, 5), (9, 1), (3, 5), (9, 1), (3, 5), (5, 1)]
    """
    skeleton, shown = network.SKELETONS["full"], _live_pieces()
    if ignores_input(np.array([operations], dtype=np.int64)).any():
        return [(compose_live_network(operations), 1)]
    chain = [(shown.stem, 1)]
    for stage in range(skeleton.n_stages):
        if stage:
            chain.append((shown.reductions[stage - 1], 1))
        chain.append((live(compose_cell(operations, stage=stage)), skeleton.n_cells))
    return [*chain, (shown.head, 1)]


@cache
def _live_pieces() -> Pieces:
    """What of each piece is alive."""
    parts = pieces()
    return Pieces(
        stem=live(parts.stem),
        head=live(parts.head),
        operations=tuple(tuple(map(live, row)) for row in parts.operations),
        sums=tuple(map(live, parts.sums)),
        reductions=tuple(map(live, parts.reductions)),
    )


def totals(operations: NDArray[np.int64]) -> dict[str, NDArray[np.int64]]:
    """Parameters and MACs of networks: what their pieces have, summed over where they run.

    Parameters
    ----------
    operations : ndarray of int64, shape (n, 6)
        Cells.

    Returns
    -------
    dict of str to ndarray of int64, shape (n,)
        "n_parameters" and "macs".
    """
    parts, n_cells = pieces(), network.SKELETONS["full"].n_cells
    fixed = [parts.stem, parts.head, *parts.reductions]
    result = {}
    for name in ("n_parameters", "macs"):
        # (n_stages, n_operations)
        of_operation = np.array([[getattr(g, name) for g in row] for row in parts.operations])
        in_cells = n_cells * of_operation.sum(axis=0)[operations].sum(axis=1)
        result[name] = in_cells + sum(getattr(graph, name) for graph in fixed)
    return result


def _add_cell(
    steps: list[Step], operations: Sequence[int], scope: str, stage: int, value: int
) -> int:
    """Append the steps of a cell that reads a value; returns the value that it makes."""
    parts = pieces()
    nodes = [value]
    for node in range(1, N_NODES):
        total: int | None = None
        for edge, (source, target) in enumerate(EDGES):
            if target != node:
                continue
            piece = parts.operations[stage][operations[edge]]
            steps.append(Step(join(scope, f"edges.{edge}"), piece, (nodes[source],)))
            if total is None:
                total = len(steps)
            else:
                steps.append(Step(scope, parts.sums[stage], (total, len(steps))))
                total = len(steps)
        assert total is not None
        nodes.append(total)
    return nodes[-1]


def _input(steps: Sequence[Step]) -> list[Memory]:
    """What a program is given: the input of its first piece."""
    first = steps[0].piece
    # The forward of a cell and of a network calls its input x.
    return [replace(first.memories[first.inputs[0]], name="x")]


def _empty(*shape: int) -> Tensor:
    """A batch of one without values."""
    return torch.empty(1, *shape, device="meta")


class _Sum(nn.Module):
    """The sum of two terms."""

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        return x + y
