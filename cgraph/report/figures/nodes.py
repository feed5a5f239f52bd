"""Graphs on axes: boxes with names, arrows between them, in layers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch
from matplotlib.path import Path

from cgraph.graphs.kernel import INPUT_LABEL, OUTPUT_LABEL
from cgraph.graphs.labels import OTHER, family_of
from cgraph.report.layered import Edge, Layout, layered_layout
from cgraph.report.style import FAINT, INK, ShownFigure, is_narrow

# Tints of the colours that colour-blind readers can tell apart; dark type reads on each.
FAMILY_FILLS = {
    "convolution": "#b8d8ec",
    "linear": "#b8d8ec",
    "pooling": "#f9d9a0",
    "normalisation": "#e4e4e4",
    "activation": "#bfe5d8",
    "element-wise": "#f8f3b0",
    "attention": "#ecd3e2",
    "recurrent": "#ecd3e2",
}
PLAIN_FILL = "#ffffff"
_FAMILY_OF_PART = {"conv": "convolution", "pool": "pooling", "norm": "normalisation"}

_CHARACTER = 0.62  # mean width of a character, of the size of the type
_POINT = 1 / 72  # inch


@dataclass(frozen=True, slots=True)
class Box:
    """How a node is drawn.

    Parameters
    ----------
    text : str
        One line, or several.
    fill, edge : str
        Colours.
    line : str, default="-"
        Style of the border.
    line_width : float, default=0.8
        Width of the border in points.
    """

    text: str
    fill: str = PLAIN_FILL
    edge: str = INK
    line: str = "-"
    line_width: float = 0.8


@dataclass(frozen=True, slots=True)
class Stroke:
    """How an edge is drawn: colour, style and width in points."""

    colour: str = FAINT
    line: str = "-"
    line_width: float = 0.9


def fill_of(label: str) -> str:
    """Colour of an operation, by its family; white for what is none."""
    if label in (INPUT_LABEL, OUTPUT_LABEL):
        return PLAIN_FILL
    family = family_of(label.partition("[")[0])
    if family == OTHER:  # a name of a search space's own
        family = next((name for part, name in _FAMILY_OF_PART.items() if part in label), OTHER)
    return FAMILY_FILLS.get(family, PLAIN_FILL)


def graph_figure(
    boxes: Sequence[Box],
    edges: Sequence[Edge],
    strokes: Mapping[Edge, Stroke],
    *,
    width: float,
    layout_edges: Sequence[Edge] | None = None,
    legend: Sequence[tuple[str, Box | Stroke]] = (),
) -> Figure:
    """A graph in layers from top to bottom, on a figure as high as it needs.

    Parameters
    ----------
    boxes : sequence of Box
        The nodes.
    edges : sequence of (int, int)
        Rows (u, v).
    strokes : mapping of edge to Stroke
        How some of the edges are drawn; the others are plain.
    width : float
        Width of the figure in inches. The type is made smaller where a layer does not fit.
    layout_edges : sequence of (int, int), optional
        Edges that are to point down, free of cycles; all of them by default.
    legend : sequence of (str, Box or Stroke), default=()
        Lines of a legend below the graph.

    Returns
    -------
    Figure
        Its axes are in inches.
    """
    size = 7.0 if is_narrow(width) else 8.0
    widths = [_text_width(box.text, size) + 0.14 for box in boxes]
    layout = layered_layout(widths, list(edges if layout_edges is None else layout_edges), gap=0.12)
    scale = min(1.0, (width - 0.1) / max(layout.width, 1e-9))
    size *= scale
    n_lines = max((box.text.count("\n") + 1 for box in boxes), default=1)
    box_height = (1.25 * n_lines * size + 5 * scale) * _POINT
    row_height = box_height + 0.17 * max(scale, 0.5)
    n_boxes = sum(isinstance(look, Box) for _, look in legend)
    n_legend_rows = max(n_boxes, len(legend) - n_boxes)
    legend_height = 0.22 * n_legend_rows + (0.1 if legend else 0)
    height = max(layout.n_layers, 1) * row_height + legend_height + 0.1
    figure = ShownFigure(figsize=(width, height))
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_axis_off()
    axes.set_xlim(0, width)
    axes.set_ylim(height, 0)
    shift = (width - layout.width * scale) / 2
    centres = [
        (shift + x * scale, 0.05 + (layer + 0.5) * row_height)
        for x, layer in zip(layout.x, layout.layer, strict=True)
    ]
    for edge in edges:
        points = _points(edge, centres, layout, (shift, scale, row_height), box_height)
        _draw_edge(axes, points, strokes.get(edge, Stroke()), scale, box_height)
    for box, (x, y), box_width in zip(boxes, centres, widths, strict=True):
        _draw_box(axes, box, (x, y), (box_width * scale, box_height), size)
    _draw_legend(axes, legend, height - legend_height + 0.1, width)
    return figure


def _draw_legend(
    axes: Axes, legend: Sequence[tuple[str, Box | Stroke]], top: float, width: float
) -> None:
    """What boxes mean on the left, what strokes mean on the right."""
    n_boxes = n_strokes = 0
    for words, look in legend:
        if isinstance(look, Box):
            left, y = 0.1, top + 0.22 * n_boxes
            n_boxes += 1
            _draw_box(axes, look, (left + 0.25, y), (0.5, 0.16), 6.5)
        else:
            left, y = width / 2, top + 0.22 * n_strokes
            n_strokes += 1
            ends = ([left, left + 0.5], [y, y])
            axes.plot(*ends, color=look.colour, linestyle=look.line, linewidth=look.line_width)
        axes.text(left + 0.58, y, words, va="center", fontsize=7, color=INK)


def _text_width(text: str, size: float) -> float:
    """Width of the longest line, in inches."""
    return max(map(len, text.split("\n"))) * _CHARACTER * size * _POINT


def _points(
    edge: Edge,
    centres: Sequence[tuple[float, float]],
    layout: Layout,
    frame: tuple[float, float, float],
    box_height: float,
) -> list[tuple[float, float]]:
    """The way of an edge in inches, from the bottom of one box to the top of another."""
    shift, scale, row_height = frame
    (x0, y0), (x1, y1) = centres[edge[0]], centres[edge[1]]
    down = y1 > y0
    start = (x0, y0 + box_height / 2 * (1 if down else -1))
    end = (x1, y1 - box_height / 2 * (1 if down else -1))
    between = [
        (shift + x * scale, 0.05 + (layer + 0.5) * row_height)
        for x, layer in layout.bends.get(edge, ())
    ]
    return [start, *between, end]


def _draw_edge(
    axes: Axes,
    points: Sequence[tuple[float, float]],
    stroke: Stroke,
    scale: float,
    box_height: float,
) -> None:
    """A curve that passes layers upright, and ends in an arrow."""
    vertices, codes = [points[0]], [Path.MOVETO]
    for i, ((x0, y0), (x1, y1)) in enumerate(pairwise(points)):
        if i > 0:  # straight past the boxes of a layer
            y0 += box_height / 2
            vertices.append((x0, y0))
            codes.append(Path.LINETO)
        if i < len(points) - 2:
            y1 -= box_height / 2
        middle = (y0 + y1) / 2
        vertices += [(x0, middle), (x1, middle), (x1, y1)]
        codes += [Path.CURVE4] * 3
    axes.add_patch(
        FancyArrowPatch(
            path=Path(vertices, codes),
            arrowstyle="-|>",
            mutation_scale=7 * max(scale, 0.5),
            color=stroke.colour,
            linestyle=stroke.line,
            linewidth=stroke.line_width * max(scale, 0.5),
            shrinkA=0,
            shrinkB=0,
            joinstyle="miter",
            capstyle="butt",
        )
    )


def _draw_box(
    axes: Axes, box: Box, centre: tuple[float, float], size: tuple[float, float], type_size: float
) -> None:
    (x, y), (box_width, box_height) = centre, size
    axes.add_patch(
        FancyBboxPatch(
            (x - box_width / 2, y - box_height / 2),
            box_width,
            box_height,
            boxstyle=f"round,pad=0,rounding_size={0.25 * box_height}",
            facecolor=box.fill,
            edgecolor=box.edge,
            linestyle=box.line,
            linewidth=box.line_width,
        )
    )
    axes.text(x, y, box.text, ha="center", va="center_baseline", fontsize=type_size, color=INK,
              linespacing=1.1)  # fmt: skip
