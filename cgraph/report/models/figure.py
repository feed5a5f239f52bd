"""The figure of a map: models in the plane, with labels that do not overlap."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.transforms import Bbox

from cgraph.report.style import FAINT, figure_style, new_figure, rank_colours

_WIDTH, _HEIGHT = 12.0, 9.0
# Where a label may lie, seen from its point: nearest first.
_SIDES = [(r * np.cos(a), r * np.sin(a)) for r in (6, 14, 24, 36) for a in np.arange(8) * np.pi / 4]


def draw_models(table: pd.DataFrame) -> Figure:
    """Models in the plane, coloured by cluster, each labelled where there is room.

    Parameters
    ----------
    table : DataFrame
        As `ModelMap` has it.
    """
    with figure_style():
        figure, (axes,) = new_figure(_HEIGHT, width=_WIDTH)
        colours = rank_colours(int(table["cluster"].max()) + 1)
        axes.scatter(
            table["x"], table["y"], s=14, color=[colours[c] for c in table["cluster"]],
            linewidths=0.3, edgecolors="white",
        )  # fmt: skip
        axes.set_xlabel("first coordinate of the embedding")
        axes.set_ylabel("second coordinate")
        axes.set_title("Models in the plane, coloured by cluster")
        figure.draw_without_rendering()
        figure.set_layout_engine("none")
        n_labels = _label(figure, table)
        left_out = len(table) - n_labels
        if left_out:
            axes.set_title(f"{axes.get_title(loc='left')}; {left_out:,} labels have no room")
        return figure


def _label(figure: Figure, table: pd.DataFrame) -> int:
    """Label points in turn, those with the most room first; how many were."""
    axes = figure.axes[0]
    renderer = FigureCanvasAgg(figure).get_renderer()  # type: ignore[no-untyped-call]
    points = axes.transData.transform(table[["x", "y"]].to_numpy())
    apart = np.hypot(*(points[:, None] - points[None]).transpose(2, 0, 1))
    np.fill_diagonal(apart, np.inf)
    order = np.argsort(-apart.min(axis=1), kind="stable")
    scale = figure.dpi / 72
    taken: list[Bbox] = []
    frame = axes.get_window_extent(renderer)
    for i in order:
        text = axes.annotate(
            table["name"].iloc[i], table[["x", "y"]].iloc[i].tolist(), xytext=(0, 0),
            textcoords="offset points", fontsize=5.5, parse_math=False,
        )  # fmt: skip
        box = text.get_window_extent(renderer)
        width, height = box.width, box.height
        for dx, dy in _SIDES:
            left = points[i][0] + dx * scale - (width if dx < -1 else 0 if dx > 1 else width / 2)
            low = points[i][1] + dy * scale - height / 2
            here = Bbox.from_bounds(left, low, width, height)
            inside = frame.x0 <= here.x0 and here.x1 <= frame.x1
            if inside and not any(here.overlaps(other) for other in taken):
                taken.append(here)
                text.set_position(((left - points[i][0]) / scale, (low - points[i][1]) / scale))
                text.set_verticalalignment("bottom")
                if np.hypot(dx, dy) > 10:
                    axes.plot(
                        *axes.transData.inverted().transform([points[i], here.p0]).T,
                        color=FAINT, linewidth=0.25,
                    )  # fmt: skip
                break
        else:
            text.remove()
    return len(taken)
