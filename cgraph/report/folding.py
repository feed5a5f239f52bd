"""Large graphs folded for drawing: kernels of one module become one node."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from cgraph.errors import ArgumentError
from cgraph.graphs.computational import ComputationalGraph
from cgraph.graphs.kernel import INPUT_LABEL, OUTPUT_LABEL, KernelGraph, project

Unit = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Drawn:
    """A graph as it is drawn.

    Parameters
    ----------
    labels : tuple of str
        What each node is: the operation of a kernel, or the name of a module.
    n_kernels : tuple of int
        How many kernels each node stands for; 0 for an input or an output.
    edges : tuple of (int, int)
        Rows (u, v), from earlier nodes to later ones.
    """

    labels: tuple[str, ...]
    n_kernels: tuple[int, ...]
    edges: tuple[tuple[int, int], ...]


def as_drawn(graph: KernelGraph | ComputationalGraph, *, max_nodes: int = 40) -> Drawn:
    """The nodes of a drawing: the kernels, or where they are too many, the modules they are of.

    Parameters
    ----------
    graph : KernelGraph or ComputationalGraph
        A `ComputationalGraph` is drawn with its inputs and outputs.
    max_nodes : int, default=40
        More kernels are folded: kernels that follow each other and are of one module become one
        node, for the smallest modules with which the nodes are few enough; where even the
        outermost modules are too many, runs of them. A `KernelGraph` does not know modules.

    Returns
    -------
    Drawn

    Raises
    ------
    ArgumentError
        If `graph` is another thing, or a `KernelGraph` of more than `max_nodes` kernels.

    Examples
    --------
    >>> as_drawn(KernelGraph(["relu", "add"], [(0, 1)])).labels
    ('relu', 'add')
    """
    if isinstance(graph, KernelGraph):
        if len(graph) > max_nodes:
            raise ArgumentError(
                "graph",
                f"have at most {max_nodes} kernels to be drawn",
                len(graph),
                "a ComputationalGraph is folded by its modules; or raise max_nodes",
            )
        order = _topological(graph)
        place = {node: i for i, node in enumerate(order)}
        edges = sorted((place[u], place[v]) for u, v in graph.edges.tolist())
        labels = tuple(graph.labels[node] for node in order)
        counts = tuple(0 if label in (INPUT_LABEL, OUTPUT_LABEL) else 1 for label in labels)
        return Drawn(labels, counts, tuple(edges))
    if not isinstance(graph, ComputationalGraph):
        raise ArgumentError(
            "graph", "be a KernelGraph or a ComputationalGraph", type(graph).__name__
        )
    return _folded(graph, max_nodes)


def _folded(graph: ComputationalGraph, max_nodes: int) -> Drawn:
    projected = project(graph, boundary=True)
    n_inputs, n_kernels = len(graph.inputs), len(graph.kernels)
    scopes = [tuple(filter(None, kernel.scope.split("."))) for kernel in graph.kernels]
    room = max(1, max_nodes - n_inputs - len(graph.outputs))
    runs = _runs(scopes, room)
    node_of = list(range(n_inputs))
    labels, counts = [INPUT_LABEL] * n_inputs, [0] * n_inputs
    for name, run in runs:
        node_of += [len(labels)] * len(run)
        only = len(run) == 1
        labels.append(projected.labels[n_inputs + run[0]] if only else name)
        counts.append(len(run))
    node_of += range(len(labels), len(labels) + len(graph.outputs))
    labels += [OUTPUT_LABEL] * len(graph.outputs)
    counts += [0] * len(graph.outputs)
    assert len(node_of) == n_inputs + n_kernels + len(graph.outputs)
    edges = {(node_of[u], node_of[v]) for u, v in projected.edges.tolist()}
    return Drawn(tuple(labels), tuple(counts), tuple(sorted(e for e in edges if e[0] != e[1])))


def _runs(scopes: Sequence[Unit], room: int) -> list[tuple[str, list[int]]]:
    """Kernels in runs with a name, at most `room` of them.

    A run is of kernels that follow each other in the order they ran, so that what is folded has
    no cycle.
    """
    depths = range(max(map(len, scopes), default=0), 0, -1)
    runs = [("", [k]) for k in range(len(scopes))]
    for depth in depths:
        if len(runs) <= room:
            return runs
        runs = _grouped(scopes, depth)
    if len(runs) <= room:
        return runs
    joined = []
    for i in range(room):
        part = runs[i * len(runs) // room : (i + 1) * len(runs) // room]
        members = [k for _, run in part for k in run]
        joined.append((part[0][0] if len(part) == 1 else _span(part), members))
    return joined


def _grouped(scopes: Sequence[Unit], depth: int) -> list[tuple[str, list[int]]]:
    """One run for each call of a module at a depth; a kernel that is called above it is alone."""

    def unit(k: int) -> tuple[Unit, int]:
        scope = scopes[k]
        return (scope[:depth], -1) if len(scope) >= depth else (scope, k)

    grouped = groupby(range(len(scopes)), key=unit)
    return [(".".join(scope), list(run)) for (scope, _), run in grouped]


def _span(part: Sequence[tuple[str, list[int]]]) -> str:
    first, last = part[0][0], part[-1][0]
    return f"{first} … {last}" if first and last and first != last else first or last or "kernels"


def _topological(graph: KernelGraph) -> list[int]:
    import networkx as nx

    return list(nx.lexicographical_topological_sort(graph.to_networkx()))
