"""Operations that the best programs use more, or less, than the rest."""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure

from cgraph.report.figures.parts import band_rows
from cgraph.report.style import (
    BLUE,
    FAINT,
    INK,
    LINE,
    PAGE_WIDTH,
    VERMILION,
    figure_style,
    is_narrow,
    new_figure,
)

SIGNIFICANT = 0.05


def draw_odds(table: pd.DataFrame, *, width: float = PAGE_WIDTH) -> Figure:
    """Log odds ratio of each operation with its interval; filled where it is significant.

    Parameters
    ----------
    table : DataFrame
        As `cgraph.ranking.odds.operation_odds` gives it.
    width : float, default=7.0
        Width in inches.

    Returns
    -------
    Figure
    """
    with figure_style(width):
        narrow = is_narrow(width)
        figure, (axes,) = new_figure(1.15 + 0.25 * len(table), width=width)
        for i, row in enumerate(table.to_dict("records")):
            sure = row["p_adjusted"] < SIGNIFICANT
            colour = LINE if not sure else (BLUE if row["log_odds"] > 0 else VERMILION)
            axes.plot([row["low"], row["high"]], [i, i], color=colour, linewidth=2)
            axes.plot(
                row["log_odds"], i, "o", color=colour, markersize=6,
                markerfacecolor=colour if sure else "white",
            )  # fmt: skip
            shares = f"{row['share_best']:.1%} / {row['share_rest']:.1%}".replace("%", " %")
            axes.text(
                1.02, i, shares, transform=axes.get_yaxis_transform(), va="center", color=INK,
                fontsize="small",
            )  # fmt: skip
        axes.text(
            1.02, -0.9, "share: best / rest", transform=axes.get_yaxis_transform(), va="center",
            color=FAINT, fontsize="small",
        )  # fmt: skip
        axes.axvline(0, color=INK, linewidth=0.8, zorder=0)
        axes.set_yticks(range(len(table)), list(table["operation"]))
        axes.set_ylim(len(table) - 0.5, -0.6)
        axes.tick_params(axis="y", length=0)
        band_rows(axes, len(table))
        label = "log odds ratio, best against rest"
        axes.set_xlabel(label if narrow else f"{label}, with 95 % interval (right: used more)")
        title = "Operations of the best clusters"
        note = f"filled: adjusted p < {SIGNIFICANT} (Benjamini-Hochberg)"
        figure.suptitle(
            f"{title}\n{note}" if narrow else f"{title}; {note}",
            x=0.01, ha="left", fontsize="medium",
        )  # fmt: skip
        return figure
