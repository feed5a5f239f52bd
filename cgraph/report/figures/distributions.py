"""Distributions of the statistics and of the accuracy by cluster."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from cgraph.report.figures.parts import (
    jitter,
    place_names,
    set_accuracy_scale,
    set_scale,
    split_protocol,
)
from cgraph.report.style import (
    FAINT,
    INK,
    LINE,
    PAGE_WIDTH,
    figure_style,
    is_narrow,
    new_figure,
    rank_colours,
)
from cgraph.report.tables import StudyTables


def draw_statistics(tables: StudyTables, *, width: float = PAGE_WIDTH) -> Figure:
    """Distribution of each statistic by cluster: every evaluated network is a point."""
    protocols = list(dict.fromkeys(tables.statistics["protocol"]))
    n_columns = min(len(protocols), 2 if is_narrow(width) else 4)
    n_rows = -(-len(protocols) // max(1, n_columns))
    n_clusters = len(tables.order)
    with figure_style(width):
        row = 0.3 if not is_narrow(width) else 0.22
        height = n_rows * (1.0 + row * n_clusters)
        figure, all_axes = new_figure(height, n_columns, n_rows=n_rows, width=width)
        for i, axes in enumerate(all_axes):
            if i >= len(protocols):
                axes.set_visible(False)
                continue
            _draw_statistic(axes, tables, protocols[i])
            names = place_names(tables)
            if is_narrow(width):
                names = [str(i + 1) for i in range(n_clusters)]
            axes.set_yticks(range(n_clusters), names if i % n_columns == 0 else [""] * n_clusters)
            axes.set_ylim(n_clusters - 0.5, -0.7)
        return figure


def draw_accuracy(tables: StudyTables, *, width: float = PAGE_WIDTH) -> Figure:
    """Trained accuracy by cluster: median, quartiles, and the range of 90 % of the networks."""
    accuracy = tables.accuracy().reindex(tables.architectures["name"]).to_numpy()
    cluster = tables.architectures["cluster"].to_numpy()
    groups = [accuracy[(cluster == c) & ~np.isnan(accuracy)] for c in tables.order]
    with figure_style(width):
        figure, (axes,) = new_figure(0.9 + 0.3 * len(groups), width=width)
        boxes = axes.boxplot(
            groups,
            orientation="horizontal",
            whis=(5, 95),
            showfliers=False,
            showmeans=True,
            positions=range(len(groups)),
            widths=0.6,
            patch_artist=True,
            medianprops={"color": INK},
            meanprops={
                "marker": "D",
                "markerfacecolor": "white",
                "markeredgecolor": INK,
                "markersize": 4,
            },
        )
        for box, colour in zip(boxes["boxes"], rank_colours(len(groups)), strict=True):
            box.set_facecolor((*colour[:3], 0.55))
        mean = float(np.nanmean(accuracy))
        axes.axvline(mean, color=LINE, linewidth=1, linestyle="--", zorder=0)
        axes.text(mean, -0.75, "mean of the space ", ha="right", va="center", color=FAINT)
        axes.set_yticks(range(len(groups)), place_names(tables))
        axes.set_ylim(len(groups) - 0.4, -1.0)
        shown = np.concatenate([np.quantile(g, [0.05, 0.25, 0.95]) for g in groups if len(g)])
        set_accuracy_scale([axes], float(min(shown.min(), mean)), float(shown.max()))
        note = "on a scale of log errors (diamond: mean)"
        label = "accuracy, percent" if is_narrow(width) else "accuracy after training, percent"
        axes.set_xlabel(f"{label}\n{note}" if is_narrow(width) else f"{label}, {note}")
        title = "Accuracy by cluster"
        axes.set_title(
            title if is_narrow(width) else f"{title}; the order was fixed before it was read"
        )
        return figure


def _draw_statistic(axes: Axes, tables: StudyTables, protocol: str) -> None:
    rows = tables.statistics[tables.statistics["protocol"] == protocol]
    colours = rank_colours(len(tables.order))
    set_scale(axes, rows["value"].dropna().to_numpy())
    for place, cluster in enumerate(tables.order):
        values = rows.loc[rows["cluster"] == cluster, "value"]
        found = values.dropna().to_numpy()
        axes.scatter(
            found, place + jitter(len(found)), s=12, color=colours[place], alpha=0.8, linewidths=0
        )
        if len(found):
            middle = float(np.median(found))
            axes.plot([middle, middle], [place - 0.33, place + 0.33], color=INK, linewidth=1.5)
        n_failed = len(values) - len(found)
        if n_failed:
            axes.text(
                1, place - 0.42, f"{n_failed} failed", fontsize=7, ha="right", va="center",
                transform=axes.get_yaxis_transform(), color=FAINT,
                bbox={"fc": "white", "ec": "none", "alpha": 0.7, "pad": 0.5},
            )  # fmt: skip
    better = "higher" if len(rows) and rows["direction"].iloc[0] > 0 else "lower"
    axes.set_title(f"{split_protocol(protocol)}\n{better} is better", fontsize="small")
    axes.tick_params(axis="x", labelsize=7)
