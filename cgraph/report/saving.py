"""Figures to files: PDF and SVG to print, PNG to show; the same figure is the same bytes."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

from matplotlib.figure import Figure

from cgraph.errors import UnknownNameError
from cgraph.files.writing import whole_file
from cgraph.report.figures.catalogue import figures_of
from cgraph.report.style import figure_style
from cgraph.report.tables import StudyTables

# The formats, with what their writers would say of the moment that they write in.
FORMATS: dict[str, dict[str, None]] = {
    "pdf": {"CreationDate": None},
    "svg": {"Date": None},
    "png": {},
}
PNG_DOTS = 300  # an inch, as journals ask
SCREEN_DOTS = 200


def figure_bytes(figure: Figure, form: str, *, dots: int = PNG_DOTS) -> bytes:
    """A figure as a file's content.

    Parameters
    ----------
    figure : Figure
        What is written.
    form : {"pdf", "svg", "png"}
        The format.
    dots : int, default=300
        Pixels for each inch of a PNG.

    Returns
    -------
    bytes
        The same for the same figure.

    Raises
    ------
    UnknownNameError
        If there is no such format.
    """
    if form not in FORMATS:
        raise UnknownNameError("format", form, FORMATS)
    stream = io.BytesIO()
    with figure_style():  # the names in an SVG follow from its salt
        figure.savefig(stream, format=form, dpi=dots, metadata=FORMATS[form])
    return stream.getvalue()


def save_figure(figure: Figure, path: str | Path) -> Path:
    """Write a figure in the format that the name of its file ends with.

    Parameters
    ----------
    figure : Figure
        What is written.
    path : path
        Ends with ".pdf", ".svg" or ".png"; its directory is made where it does not exist.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    UnknownNameError
        If the name ends otherwise.
    """
    path = Path(path)
    content = figure_bytes(figure, path.suffix.removeprefix(".").lower())
    path.parent.mkdir(parents=True, exist_ok=True)
    with whole_file(path) as temporary:
        temporary.write_bytes(content)
    return path


def save_figures(
    tables: StudyTables,
    directory: Path,
    *,
    progress: Callable[[int, int], None] = lambda *_: None,
) -> list[Path]:
    """Draw every figure that the tables of a study allow, as PNG and as SVG.

    Parameters
    ----------
    tables : StudyTables
        What is drawn.
    directory : Path
        Where the files go; made where it does not exist.
    progress : callable, optional
        Called with the figures that are drawn and how many there are.

    Returns
    -------
    list of Path
        The PNG files, in the order of the table of figures.
    """
    kinds = figures_of(tables)
    paths = []
    for done, kind in enumerate(kinds):
        progress(done, len(kinds))
        figure = kind.draw(tables)
        paths.append(directory / f"{kind.name}.png")
        save_figure(figure, paths[-1].with_suffix(".svg"))
        figure.set_layout_engine("none")  # as it lies now
        with whole_file(paths[-1]) as temporary:
            temporary.write_bytes(figure_bytes(figure, "png", dots=SCREEN_DOTS))
    progress(len(kinds), len(kinds))
    return paths
