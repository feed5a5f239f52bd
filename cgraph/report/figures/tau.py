"""Kendall's tau-b of each statistic with the accuracy, under storage limits."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke

from cgraph.report.figures.parts import band_rows, limit_name
from cgraph.report.style import INK, PAGE_WIDTH, figure_style, is_narrow, new_figure, shades


def draw_tau(table: pd.DataFrame, *, width: float = PAGE_WIDTH) -> Figure:
    """Bars of tau-b for each statistic and limit, with 95 % intervals.

    Parameters
    ----------
    table : DataFrame
        As `cgraph.ranking.tau.accuracy_tau` gives it.
    width : float, default=7.0
        Width in inches.

    Returns
    -------
    Figure
    """
    limits = list(dict.fromkeys(table["limit"]))
    protocols = list(dict.fromkeys(table["protocol"]))
    thickness = 0.8 / len(limits)
    with figure_style(width):
        row = (0.12 if is_narrow(width) else 0.15) * len(limits) + 0.1
        n_columns = 3 if len(limits) == 3 and width >= 6.5 else 2  # names are two inches long
        legend_rows = -(-len(limits) // n_columns)
        height = 0.6 + 0.2 * legend_rows + row * len(protocols)
        figure, (axes,) = new_figure(height, width=width)
        for i, (limit, colour) in enumerate(zip(limits, shades(len(limits))[::-1], strict=True)):
            own = table[table["limit"] == limit].set_index("protocol").loc[protocols]
            where = np.arange(len(protocols)) + (i - (len(limits) - 1) / 2) * thickness
            tau = own["tau"].to_numpy()
            reach = np.abs(own[["tau_low", "tau_high"]].to_numpy().T - tau)
            bars = axes.barh(
                where,
                tau,
                0.92 * thickness,
                xerr=reach,
                color=colour,
                edgecolor=INK,
                linewidth=0.4,
                error_kw={"ecolor": INK, "elinewidth": 0.9, "capsize": 1.5},
                label=f"{limit_name(limit)} (n = {int(own['n'].max()):,})",
            )
            assert bars.errorbar is not None
            _, caps, lines = bars.errorbar.lines
            for artist in (*caps, *lines):  # to be seen on dark bars too
                artist.set_path_effects([withStroke(linewidth=2.2, foreground="white")])
        axes.axvline(0, color=INK, linewidth=0.8)
        axes.set_yticks(range(len(protocols)), [p.replace("@", "\n") for p in protocols])
        axes.set_ylim(len(protocols) - 0.5, -0.5)
        band_rows(axes, len(protocols))
        axes.tick_params(axis="y", length=0)
        label = "Kendall's tau-b with accuracy, 95 % interval"
        axes.set_xlabel("tau-b with accuracy, 95 % interval" if is_narrow(width) else label)
        figure.legend(loc="outside upper left", ncols=n_columns,
                      handlelength=1.2, columnspacing=1.2)  # fmt: skip
        return figure
