"""Accuracy of the networks that each statistic puts first, beside that of all."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from cgraph.ranking.quantiles import ALL
from cgraph.report.figures.parts import band_rows, limit_name, set_accuracy_scale
from cgraph.report.style import (
    INK,
    LINE,
    PAGE_WIDTH,
    Colour,
    figure_style,
    is_narrow,
    new_figure,
    shades,
)

_GREY: Colour = (0.85, 0.85, 0.85, 1.0)


def draw_quantiles(table: pd.DataFrame, *, width: float = PAGE_WIDTH) -> Figure:
    """Box plot of the accuracy of the best networks by each statistic, a panel for each limit.

    Parameters
    ----------
    table : DataFrame
        As `cgraph.ranking.quantiles.best_quantiles` gives it.
    width : float, default=7.0
        Width in inches.

    Returns
    -------
    Figure
    """
    limits = list(dict.fromkeys(table["limit"]))
    groups = list(dict.fromkeys(table["protocol"]))  # all networks first
    fractions = sorted({f for f in table["fraction"] if f < 1}, reverse=True)
    colours = {1.0: _GREY, **dict(zip(fractions, shades(len(fractions)), strict=True))}
    with figure_style(width):
        n_columns = min(len(limits), 2 if is_narrow(width) else 4)
        n_rows = -(-len(limits) // n_columns)
        row = 0.42 if not is_narrow(width) else 0.36
        height = 0.55 + n_rows * (0.55 + row * (len(groups) - 0.6))
        figure, panels = new_figure(
            height, n_columns, n_rows=n_rows, width=width, share_x=True, share_y=True
        )
        for axes in panels[len(limits) :]:
            axes.set_visible(False)
        for axes in panels[max(0, len(limits) - n_columns) : len(limits)]:
            axes.tick_params(labelbottom=True)
        for axes, limit in zip(panels, limits, strict=False):
            _draw_panel(axes, table[table["limit"] == limit], groups, fractions, colours)
            n = int(table.loc[(table["limit"] == limit) & (table["protocol"] == ALL), "n"].iloc[0])
            axes.set_title(f"{limit_name(limit)}\n{n:,} networks", fontsize="small")
        shown = table[["p05", "p95", "mean"]].to_numpy()
        set_accuracy_scale(panels, float(np.nanmin(shown)), float(np.nanmax(shown)))
        names = [protocol.replace("@", "\n") for protocol in groups]
        panels[0].set_yticks(range(len(groups)), names)
        panels[0].set_ylim(len(groups) - 0.5, -0.35)
        label = "accuracy after training, percent (diamond: mean)"
        note = "accuracy, percent, on a scale of log errors"
        figure.supxlabel(note if is_narrow(width) else f"{label}, on a scale of log errors",
                         fontsize="medium")  # fmt: skip
        handles = [Patch(facecolor=colours[f], edgecolor=INK, linewidth=0.6) for f in colours]
        words = ["all", *(f"best {f:.0%}".replace("%", " %") for f in fractions)]
        figure.legend(handles, words, loc="outside upper left", ncols=len(words), handlelength=1.2)
        return figure


def _draw_panel(
    axes: Axes,
    rows: pd.DataFrame,
    groups: list[str],
    fractions: list[float],
    colours: dict[float, Colour],
) -> None:
    step = 0.8 / max(1, len(fractions))
    for row in rows[rows["n"] > 0].to_dict("records"):
        fraction = row["fraction"]
        offset = 0.0 if fraction == 1 else (fractions.index(fraction) - (len(fractions) - 1) / 2)
        axes.bxp(
            [
                {
                    "med": row["median"], "q1": row["p25"], "q3": row["p75"],
                    "whislo": row["p05"], "whishi": row["p95"], "mean": row["mean"],
                }
            ],
            positions=[groups.index(row["protocol"]) + offset * step],
            widths=0.8 * step,
            orientation="horizontal",
            showfliers=False,
            showcaps=False,
            showmeans=True,
            patch_artist=True,
            manage_ticks=False,
            boxprops={"facecolor": colours[fraction], "edgecolor": INK, "linewidth": 0.6},
            whiskerprops={"color": INK, "linewidth": 0.7},
            medianprops={"color": INK, "linewidth": 1.2},
            meanprops={
                "marker": "D", "markerfacecolor": "white", "markeredgecolor": INK,
                "markersize": 2.2, "markeredgewidth": 0.6,
            },
        )  # fmt: skip
    middle = rows.loc[rows["protocol"] == ALL, "median"].iloc[0]
    axes.axvline(middle, color=LINE, linewidth=0.8, linestyle="--", zorder=0)
    band_rows(axes, len(groups))
    axes.tick_params(axis="y", length=0)
