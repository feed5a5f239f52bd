"""Operations that the programs of each cluster are made of."""

from __future__ import annotations

import numpy as np
from matplotlib.colors import TwoSlopeNorm
from matplotlib.figure import Figure

from cgraph.report.figures.parts import place_names
from cgraph.report.style import (
    BALANCE_COLOURS,
    INK,
    PAGE_WIDTH,
    figure_style,
    is_narrow,
    new_figure,
)
from cgraph.report.tables import StudyTables


def draw_operations(tables: StudyTables, *, width: float = PAGE_WIDTH) -> Figure:
    """Operations used by each cluster: mean counts, coloured by their excess over the space."""
    usage = tables.usage()
    means = usage.groupby(tables.architectures["cluster"]).mean().loc[tables.order]
    whole = usage.mean()
    excess = (means - whole).to_numpy()
    limit = max(float(np.abs(excess).max(initial=0)), 1e-9)
    with figure_style(width):
        narrow = is_narrow(width)
        row = 0.24 if narrow else 0.3
        figure, (axes,) = new_figure(0.9 + row * (len(means) + 1), width=width)
        image = axes.imshow(
            np.vstack([excess, np.zeros(len(usage.columns))]),
            cmap=BALANCE_COLOURS,
            norm=TwoSlopeNorm(0, -limit, limit),
            aspect="auto",
        )
        shown = np.vstack([means.to_numpy(), whole.to_numpy()])
        for (i, j), value in np.ndenumerate(shown):
            strong = i < len(means) and abs(excess[i, j]) > 0.65 * limit
            axes.text(
                j, i, f"{value:.2g}", ha="center", va="center", color="white" if strong else INK
            )
        axes.set_xticks(range(len(usage.columns)), list(usage.columns), rotation=25, ha="right")
        axes.set_yticks(range(len(shown)), [*place_names(tables), "whole space"])
        axes.tick_params(length=0)
        axes.spines[:].set_visible(False)
        axes.axhline(len(means) - 0.5, color="white", linewidth=3)
        title = "Kernels of each type, mean by cluster" if narrow else (
            "Kernels of each type in a program, mean by cluster"
        )  # fmt: skip
        figure.suptitle(title, x=0.01, ha="left", fontsize="medium")
        bar = figure.colorbar(image, ax=axes, pad=0.02, fraction=0.03)
        bar.set_label("excess over the space")
        bar.outline.set_visible(False)
        return figure
