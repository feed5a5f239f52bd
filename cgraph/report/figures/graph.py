"""A drawn graph, and the difference of two."""

from __future__ import annotations

from matplotlib.figure import Figure

from cgraph.graphs.computational import ComputationalGraph
from cgraph.graphs.kernel import KernelGraph
from cgraph.report.figures.nodes import Box, fill_of, graph_figure
from cgraph.report.folding import as_drawn
from cgraph.report.style import PAGE_WIDTH, figure_style


def draw_graph(
    graph: KernelGraph | ComputationalGraph, *, max_nodes: int = 40, width: float = PAGE_WIDTH
) -> Figure:
    """A program drawn in layers, its operations coloured by family.

    Parameters
    ----------
    graph : KernelGraph or ComputationalGraph
        The program.
    max_nodes : int, default=40
        A `ComputationalGraph` of more kernels is folded by its modules.
    width : float, default=7.0
        Width in inches; the height is what the graph needs.

    Returns
    -------
    Figure

    Raises
    ------
    ArgumentError
        If a `KernelGraph` has more kernels.
    """
    drawn = as_drawn(graph, max_nodes=max_nodes)
    boxes = []
    for label, n_kernels in zip(drawn.labels, drawn.n_kernels, strict=True):
        folded = n_kernels > 1
        text = f"{label} ({n_kernels})" if folded else label
        boxes.append(Box(text, fill_of(label) if not folded else "#f7f7f7"))
    with figure_style(width):
        return graph_figure(boxes, drawn.edges, {}, width=width)
