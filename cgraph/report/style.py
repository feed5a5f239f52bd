"""How every figure looks: size, type, and colours that colour-blind readers can tell apart."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

PAGE_WIDTH = 7.0  # inches: the text of a page
COLUMN_WIDTH = 3.3  # inches: a column of two
SCREEN_DOTS = 110  # an inch, on a screen
MOST_VECTOR_POINTS = 3000  # more are an image within the figure: a file stays a file to send
RANK_COLOURS = "viridis"  # uniform in lightness, so a rank reads in grey too
BALANCE_COLOURS = "PuOr"
INK = "#222222"
FAINT = "#767676"  # the lightest grey that reads on white
LINE = "#a6a6a6"

# Okabe and Ito (2008), "Color universal design".
BLUE, ORANGE, GREEN, VERMILION = "#0072b2", "#e69f00", "#009e73", "#d55e00"
SKY, PURPLE, YELLOW = "#56b4e9", "#cc79a7", "#f0e442"

Colour = tuple[float, float, float, float]

_SETTINGS: Any = {
    "font.size": 9,
    "axes.titlesize": 10,
    "axes.titlelocation": "left",
    "axes.edgecolor": LINE,
    "axes.labelcolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.color": INK,
    "ytick.color": INK,
    "text.color": INK,
    "legend.frameon": False,
    "svg.hashsalt": "cgraph",  # the same figure is the same bytes
    "pdf.fonttype": 42,  # text stays text
    "figure.dpi": 150,
}
_IN_A_COLUMN: Any = {
    "font.size": 7.5,
    "axes.titlesize": 8,
    "xtick.labelsize": 7,
    "ytick.labelsize": 7,
    "legend.fontsize": 7,
    "axes.labelsize": 7.5,
}


class ShownFigure(Figure):
    """A figure that a notebook shows, whether pyplot was imported there or not."""

    def _repr_png_(self) -> bytes:
        stream = io.BytesIO()
        with figure_style():
            self.savefig(stream, format="png", dpi=SCREEN_DOTS)
        return stream.getvalue()


@contextmanager
def figure_style(width: float = PAGE_WIDTH) -> Iterator[None]:
    """Settings of matplotlib that hold inside and are gone afterwards.

    Parameters
    ----------
    width : float, default=7.0
        Width of the figure in inches: a narrow one has smaller type.
    """
    with mpl.rc_context(_SETTINGS if not is_narrow(width) else {**_SETTINGS, **_IN_A_COLUMN}):
        yield


def is_narrow(width: float) -> bool:
    """Whether a figure is about as narrow as a column: the words of a page's need 5.5 inches."""
    return width < 5.6


def new_figure(
    height: float,
    n_columns: int = 1,
    *,
    n_rows: int = 1,
    heights: Sequence[float] | None = None,
    width: float = PAGE_WIDTH,
    share_x: bool = False,
    share_y: bool = False,
) -> tuple[Figure, Sequence[Axes]]:
    """An empty figure with axes row by row; it belongs to no window and no global state."""
    figure = ShownFigure(figsize=(width, height), layout="constrained")
    axes = figure.subplots(
        n_rows, n_columns, squeeze=False, sharex=share_x, sharey=share_y, height_ratios=heights
    )
    return figure, list(axes.flat)


def rank_colours(n: int) -> list[Colour]:
    """Colours of n clusters from the first to the last place."""
    colours = mpl.colormaps[RANK_COLOURS]
    return [colours(0.95 * i / max(1, n - 1)) for i in range(n)]


def shades(n: int) -> list[Colour]:
    """Blues for n steps of one quantity, light to dark, that read in grey too."""
    colours = mpl.colormaps["Blues"]
    return [colours(0.35 + 0.6 * i / max(1, n - 1)) for i in range(n)]
