"""How every figure looks: size, type, and colours that colour-blind readers can tell apart."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

WIDTH = 7.0  # inches; a text column of a page
RANK_COLOURS = "viridis"  # uniform in lightness, so a rank reads in grey too
BALANCE_COLOURS = "PuOr"
INK = "#222222"
FAINT = "#9a9a9a"

_SETTINGS: Any = {
    "font.size": 9,
    "axes.titlesize": 10,
    "axes.titlelocation": "left",
    "axes.edgecolor": FAINT,
    "axes.labelcolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.color": INK,
    "ytick.color": INK,
    "text.color": INK,
    "legend.frameon": False,
    "svg.hashsalt": "cgraph",  # the same figure is the same bytes
    "figure.dpi": 150,
}


@contextmanager
def figure_style() -> Iterator[None]:
    """Settings of matplotlib that hold inside and are gone afterwards."""
    with mpl.rc_context(_SETTINGS):
        yield


def new_figure(
    height: float, n_columns: int = 1, *, width: float = WIDTH, share_y: bool = False
) -> tuple[Figure, Sequence[Axes]]:
    """An empty figure with axes side by side; it belongs to no window and no global state."""
    figure = Figure(figsize=(width, height), layout="constrained")
    axes = figure.subplots(1, n_columns, squeeze=False, sharey=share_y)
    return figure, list(axes[0])


def rank_colours(n: int) -> list[tuple[float, float, float, float]]:
    """Colours of n clusters from the first to the last place."""
    colours = mpl.colormaps[RANK_COLOURS]
    return [colours(0.95 * i / max(1, n - 1)) for i in range(n)]
