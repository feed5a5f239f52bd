"""Each statistic against the accuracy, network by network."""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure

from cgraph.ranking.scores import oriented_values
from cgraph.report.figures.parts import set_scale, split_protocol
from cgraph.report.style import MOST_VECTOR_POINTS, PAGE_WIDTH, figure_style, is_narrow, new_figure
from cgraph.statistics.agreement import tau_b


def draw_scatter(
    table: pd.DataFrame,
    accuracies: pd.Series,
    n_parameters: pd.Series,
    *,
    width: float = PAGE_WIDTH,
) -> Figure:
    """A panel for each statistic: its values against accuracy, coloured by parameters.

    Parameters
    ----------
    table : DataFrame
        As `cgraph.evaluate` gives it.
    accuracies : Series of float
        Trained accuracy in percent by name of the network.
    n_parameters : Series of int
        Number of parameters by name.
    width : float, default=7.0
        Width in inches.

    Returns
    -------
    Figure
    """
    values, _ = oriented_values(table)
    direction = table.groupby("protocol")["direction"].first()
    accuracy = accuracies.reindex(values.index)
    sizes = n_parameters.reindex(values.index)
    n_columns = min(values.shape[1], 2 if is_narrow(width) else 4)
    n_rows = -(-values.shape[1] // n_columns)
    norm = LogNorm(max(1, sizes.min()), max(2, sizes.max()))
    with figure_style(width):
        figure, panels = new_figure(
            0.75 + 1.75 * n_rows, n_columns, n_rows=n_rows, width=width, share_y=True
        )
        for axes in panels[values.shape[1] :]:
            axes.set_visible(False)
        for axes, protocol in zip(panels, values.columns, strict=False):
            found = values[protocol] * direction[protocol]
            known = found.notna()
            set_scale(axes, found[known].to_numpy())
            axes.scatter(
                found, accuracy, c=sizes, cmap="cividis", norm=norm, s=9, alpha=0.8, linewidths=0,
                rasterized=len(found) > MOST_VECTOR_POINTS,
            )  # fmt: skip
            tau = tau_b(values.loc[known, protocol], accuracy[known])
            shown = "not defined" if np.isnan(tau) else f"{tau:.2f}"
            axes.set_title(f"{split_protocol(protocol)}\ntau-b {shown}", fontsize="small")
            axes.tick_params(labelsize=7)
        figure.supylabel("accuracy after training, percent", fontsize="medium")
        colours = mpl.cm.ScalarMappable(norm, "cividis")
        bar = figure.colorbar(colours, ax=list(panels), pad=0.02, fraction=0.04, aspect=30)
        bar.set_label("parameters")
        bar.outline.set_visible(False)
        return figure
