"""The difference of two graphs: what is kept, replaced, inserted and deleted, drawn in one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from itertools import groupby
from typing import Literal

import networkx as nx
from matplotlib.figure import Figure

from cgraph.distances.edit.exact import EditDistance
from cgraph.errors import ArgumentError
from cgraph.graphs.kernel import KernelGraph
from cgraph.report.figures.nodes import Box, Stroke, graph_figure
from cgraph.report.layered import Edge
from cgraph.report.style import BLUE, LINE, PAGE_WIDTH, VERMILION, figure_style

Change = Literal["kept", "resized", "replaced", "inserted", "deleted"]

# A change reads by its colour, by its sign and by its border.
_LOOKS: dict[Change, tuple[str, Box]] = {
    "kept": ("", Box("", "#ffffff", LINE)),
    "resized": ("", Box("a", "#f8f0d2", "#a08a3c", "-", 1.2)),
    "replaced": ("", Box("a → b", "#f3e0ec", "#9c5a86", "-", 1.4)),
    "inserted": ("+ ", Box("+", "#d4e8f5", BLUE, "-", 1.6)),
    "deleted": ("− ", Box("−", "#fbe3d6", VERMILION, "--", 1.4)),
}
_STROKES = {
    "kept": Stroke(LINE),
    "inserted": Stroke(BLUE, "-", 1.5),
    "deleted": Stroke(VERMILION, "--", 1.1),
}
_FOLDED = Box("", "#f7f7f7", LINE, ":")


def draw_difference(
    a: KernelGraph,
    b: KernelGraph,
    distance: EditDistance,
    *,
    max_nodes: int = 60,
    width: float = PAGE_WIDTH,
) -> Figure:
    """Two graphs on each other: the edit that turns the first into the second.

    Parameters
    ----------
    a, b : KernelGraph
        From and to.
    distance : EditDistance
        As `cgraph.edit_distance(a, b)` gives it; its map says which kernels are the same.
    max_nodes : int, default=60
        Where there are more kernels, runs of kept ones away from every change become one node.
    width : float, default=7.0
        Width in inches; the height is what the graphs need.

    Returns
    -------
    Figure

    Raises
    ------
    ArgumentError
        If the distance is not one of these graphs.
    """
    nodes, edges = _union(a, b, distance)
    n_nodes, n_edges = Counter(change for change, _ in nodes), Counter(edges.values())
    boxes = [_box(change, text) for change, text in nodes]
    if len(nodes) > max_nodes:
        boxes, edges = _folded(nodes, edges)
    strokes = {edge: _STROKES[change] for edge, change in edges.items()}
    legend: list[tuple[str, Box | Stroke]] = [
        (f"{name}: {_number(n_nodes[name], 'kernel')}", look)
        for name, (_, look) in _LOOKS.items()
        if n_nodes[name]
    ]
    legend += [
        (f"{name}: {_number(n_edges[name], 'edge')}", stroke)
        for name, stroke in _STROKES.items()
        if n_edges[name]
    ]
    with figure_style(width):
        return graph_figure(
            boxes, list(edges), strokes, width=width, layout_edges=_downwards(edges), legend=legend
        )


def _union(
    a: KernelGraph, b: KernelGraph, distance: EditDistance
) -> tuple[list[tuple[Change, str]], dict[Edge, str]]:
    """Nodes as (change, text), those of `a` first, and edges with their change."""
    mapping = distance.mapping
    images = [j for j in mapping if j is not None]
    if len(mapping) != len(a) or max(images, default=-1) >= len(b):
        raise ArgumentError(
            "distance",
            f"be of graphs of {len(a)} and {len(b)} kernels",
            f"one of {len(mapping)} kernels",
            "edit_distance(a, b) gives it",
        )
    resized = {change.kernel: change for change in distance.changes or ()}
    nodes: list[tuple[Change, str]] = []
    for i, (label, image) in enumerate(zip(a.labels, mapping, strict=True)):
        if image is None:
            nodes.append(("deleted", label))
        elif b.labels[image] == label and i in resized:
            nodes.append(("resized", f"{label}\n{resized[i].shapes}"))
        elif b.labels[image] == label:
            nodes.append(("kept", label))
        else:
            nodes.append(("replaced", f"{label}\n→ {b.labels[image]}"))
    number = {j: i for i, j in enumerate(mapping) if j is not None}
    for j, label in enumerate(b.labels):
        if j not in number:
            number[j] = len(nodes)
            nodes.append(("inserted", label))
    before = {(u, v) for u, v in a.edges.tolist()}
    after = {(number[u], number[v]) for u, v in b.edges.tolist()}
    edges = {edge: "kept" if edge in before else "inserted" for edge in sorted(after)}
    return nodes, edges | dict.fromkeys(sorted(before - after), "deleted")


def _number(n: int, what: str) -> str:
    return f"{n:,} {what}{'s' if n != 1 else ''}"


def _box(change: Change, text: str) -> Box:
    sign, look = _LOOKS[change]
    return Box(sign + text, look.fill, look.edge, look.line, look.line_width)


def _downwards(edges: Mapping[Edge, str]) -> list[Edge]:
    """Edges that can all point down: those of the second graph, and what fits of the first."""
    graph = nx.DiGraph()
    found = [edge for edge, change in edges.items() if change != "deleted"]
    graph.add_edges_from(found)
    graph.add_nodes_from(node for edge in edges for node in edge)
    for u, v in (edge for edge, change in edges.items() if change == "deleted"):
        if not nx.has_path(graph, v, u):
            graph.add_edge(u, v)
            found.append((u, v))
    return found


def _folded_box(changes: list[Change]) -> Box:
    n = changes.count("resized")
    look = _LOOKS["resized"][1] if n else _FOLDED
    text = f"{len(changes)} kept" + (f",\n{n} resized" if n else "")
    return Box(text, look.fill, look.edge, _FOLDED.line)


def _folded(
    nodes: list[tuple[Change, str]], edges: Mapping[Edge, str]
) -> tuple[list[Box], dict[Edge, str]]:
    """The same with one node for each run of kept or resized kernels away from all edits.

    A run is of nodes that follow each other in an order in which edges go forward, so that no
    cycle comes of it.
    """
    near = {i for i, (change, _) in enumerate(nodes) if change not in ("kept", "resized")}
    near |= {node for edge, change in edges.items() if change != "kept" for node in edge}
    near |= {node for edge in edges if near & set(edge) for node in edge}
    ordered = nx.DiGraph()
    ordered.add_nodes_from(range(len(nodes)))
    ordered.add_edges_from(_downwards(edges))
    order: Iterable[int] = nx.lexicographical_topological_sort(ordered)
    boxes: list[Box] = []
    number: dict[int, int] = {}
    for (shown, _), run in groupby(order, key=lambda i: (i in near, i if i in near else -1)):
        members = list(run)
        number |= dict.fromkeys(members, len(boxes))
        if shown or len(members) == 1:
            boxes.append(_box(*nodes[members[0]]))
        else:
            boxes.append(_folded_box([nodes[i][0] for i in members]))
    folded = {
        (number[u], number[v]): change for (u, v), change in edges.items() if number[u] != number[v]
    }
    return boxes, folded
