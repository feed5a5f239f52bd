"""The cell of a network: the block of its module tree that repeats, and its graph alone.

Every kernel knows the module that ran it, so the kernels of a module are a part of the graph. Two
modules are alike where the kernel graphs of their parts are isomorphic, labels included, whatever
their widths. The cell is the module that, with all that are alike it, makes up the most of the
networks.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from cgraph.graphs.canonical import certificate
from cgraph.graphs.computational import ComputationalGraph, Memory, MemoryKind
from cgraph.graphs.kernel import KernelGraph, project
from cgraph.graphs.tensors import element_bytes


def part_of(graph: ComputationalGraph, scope: str) -> ComputationalGraph:
    """What one module of a program runs, as a program.

    Parameters
    ----------
    graph : ComputationalGraph
        The program.
    scope : str
        Dotted name of the module; "" gives the program itself.

    Returns
    -------
    ComputationalGraph
        Its kernels. What they read from others is its input, and what others read of theirs, or
        the program returns, its output. Without kernels where the module runs none.
    """
    if not scope:
        return graph
    own = [k for k, kernel in enumerate(graph.kernels) if _is_in(kernel.scope, scope)]
    position = {k: i for i, k in enumerate(own)}
    reads = [(m, position[k]) for m, k in graph.reads.tolist() if k in position]
    writes = [(position[k], m) for k, m in graph.writes.tolist() if k in position]
    written = {m for _, m in writes}
    left = set(graph.outputs) | {m for m, k in graph.reads.tolist() if k not in position}
    outputs = sorted(written & left)
    order = sorted({m for m, _ in reads} | written)
    number = {m: i for i, m in enumerate(order)}
    sizes = element_bytes(graph) if graph.is_sized else None

    def moved(m: int) -> Memory:
        memory = graph.memories[m]
        kind: MemoryKind
        if m in written:
            kind = "output" if m in outputs else "activation"
        else:
            kind = "input" if memory.kind in ("activation", "output") else memory.kind
        base = memory.base
        while base is not None and base not in number:
            base = graph.memories[base].base
        if base is not None:
            return replace(memory, kind=kind, base=number[base])
        own_bytes = memory.bytes if sizes is None else int(sizes[m])
        return replace(memory, kind=kind, base=None, alias=None, bytes=own_bytes)

    return ComputationalGraph(
        [moved(m) for m in order],
        [graph.kernels[k] for k in own],
        [(number[m], k) for m, k in reads],
        [(k, number[m]) for k, m in writes],
        [number[m] for m in outputs],
        name=graph.name,
    )


def find_cell(graphs: Sequence[ComputationalGraph]) -> tuple[str, int] | None:
    """Scope of the cell of some networks, and how many modules of a network are alike it.

    Parameters
    ----------
    graphs : sequence of ComputationalGraph
        Networks of one space; a few dozen tell.

    Returns
    -------
    (str, int) or None
        The scope that, with those alike it, makes up the largest share of the kernels, summed
        over the networks. Of equal ones the one with the most alike goes first, then the
        outermost, then the one that runs first. The number is the least over the networks that
        run it. None where nothing repeats.
    """
    share: Counter[str] = Counter()
    alike: dict[str, list[int]] = {}
    first: dict[str, int] = {}
    for graph in graphs:
        for scope, (n_alike, n_kernels) in _repeats(graph).items():
            share[scope] += round(1e9 * n_alike * n_kernels / len(graph.kernels))
            alike.setdefault(scope, []).append(n_alike)
            first.setdefault(scope, len(first))
    if not share:
        return None

    def merit(scope: str) -> tuple[int, float, int, int]:
        mean = sum(alike[scope]) / len(graphs)
        return share[scope], mean, -scope.count("."), -first[scope]

    best = max(share, key=merit)
    return best, min(alike[best])


def _repeats(graph: ComputationalGraph) -> dict[str, tuple[int, int]]:
    """For each module that has one alike, how many there are and how many kernels each has."""
    scopes: dict[str, list[int]] = {}
    for k, kernel in enumerate(graph.kernels):
        parts = kernel.scope.split(".") if kernel.scope else []
        for depth in range(1, len(parts) + 1):
            scopes.setdefault(".".join(parts[:depth]), []).append(k)
    shown = project(graph)
    forms: dict[str, bytes] = {}
    for scope, own in scopes.items():
        if 2 * len(own) <= len(graph.kernels) and len(own) > 1:
            forms[scope] = certificate(_induced(shown, own))
    counts = Counter(forms.values())
    return {
        scope: (counts[form], len(scopes[scope])) for scope, form in forms.items()
        if counts[form] > 1
    }  # fmt: skip


def _induced(graph: KernelGraph, own: Sequence[int]) -> KernelGraph:
    number = np.full(len(graph), -1)
    number[list(own)] = np.arange(len(own))
    edges = number[graph.edges].reshape(-1, 2)
    return KernelGraph([graph.labels[k] for k in own], edges[(edges >= 0).all(axis=1)])


def _is_in(scope: str, module: str) -> bool:
    return scope == module or scope.startswith(f"{module}.")
