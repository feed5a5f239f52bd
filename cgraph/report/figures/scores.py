"""The order of the clusters."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from cgraph.report.figures.parts import place_names
from cgraph.report.style import INK, LINE, PAGE_WIDTH, figure_style, is_narrow, new_figure
from cgraph.report.tables import StudyTables


def draw_scores(tables: StudyTables, *, width: float = PAGE_WIDTH) -> Figure:
    """Score of each cluster with its interval, and which are tied with the first."""
    clusters = tables.clusters
    with figure_style(width):
        narrow = is_narrow(width)
        figure, (axes,) = new_figure(0.9 + 0.27 * len(clusters), width=width)
        columns = (clusters[name].to_numpy() for name in ("score", "score_low", "score_high"))
        for i, (score, low, high) in enumerate(zip(*columns, strict=True)):
            tied = clusters["tied_with_best"].iloc[i]
            colour = INK if tied else LINE
            if not np.isnan(low):
                axes.plot([low, high], [i, i], color=colour, linewidth=2)
            if np.isnan(score):
                axes.text(0, i, "not evaluated", transform=axes.get_yaxis_transform())
            else:
                face = colour if tied else "white"
                axes.plot(score, i, "o", color=colour, markersize=6, markerfacecolor=face)
        axes.set_yticks(range(len(clusters)), place_names(tables))
        axes.set_ylim(len(clusters) - 0.5, -0.5)
        label = "mean log-rank over the statistics, with 95 % interval (right is better)"
        axes.set_xlabel(label if not narrow else "mean log-rank, 95 % interval (right is better)")
        title = "Order of the clusters; filled ones are tied with the first"
        axes.set_title(
            title if not narrow else "Order of the clusters\nfilled: tied with the first"
        )
        return figure
