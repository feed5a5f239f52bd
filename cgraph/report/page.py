"""One HTML file that shows a study: the ranked clusters and its figures, readable offline."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

import pandas as pd

from cgraph.report.figures.catalogue import FigureKind, figures_of
from cgraph.report.saving import figure_bytes, save_figure
from cgraph.report.tables import StudyTables


def save_figures(tables: StudyTables, directory: Path) -> list[Path]:
    """Draw every figure that the tables allow, as PNG and as SVG.

    Parameters
    ----------
    tables : StudyTables
        What is drawn.
    directory : Path
        Where the files go; made where it does not exist.

    Returns
    -------
    list of Path
        The PNG files, in the order of the table of figures.
    """
    paths = []
    for kind in figures_of(tables):
        figure = kind.draw(tables)
        save_figure(figure, directory / f"{kind.name}.svg")
        paths.append(save_figure(figure, directory / f"{kind.name}.png"))
    return paths


def render_page(
    tables: StudyTables,
    *,
    title: str,
    facts: Mapping[str, Any],
    validation: Sequence[Mapping[str, Any]] = (),
) -> str:
    """The page of a study, as HTML that needs nothing beside it.

    Parameters
    ----------
    tables : StudyTables
        What is shown.
    title : str
        Heading of the page.
    facts : mapping
        What was studied and how: shown as a list of names and values.
    validation : sequence of mapping, optional
        Rows of the validation against accuracy: "choice", "accuracy", "regret", "lift".

    Returns
    -------
    str
        The page.
    """
    import jinja2

    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined)
    template = environment.from_string(
        resources.files("cgraph.report").joinpath("page.html").read_text()
    )
    return template.render(
        title=title,
        facts=facts,
        columns=list(_readable(tables.clusters)),
        rows=_readable(tables.clusters).to_dict("records"),
        validation=validation,
        figures=[_figure_entry(kind, tables) for kind in figures_of(tables)],
        n_architectures=len(tables.architectures),
        n_tied=int(tables.clusters["tied_with_best"].sum()),
        medoids=_medoids(tables),
    )


def _figure_entry(kind: FigureKind, tables: StudyTables) -> dict[str, str]:
    encoded = base64.b64encode(figure_bytes(kind.draw(tables), "svg")).decode()
    return {
        "name": kind.name,
        "caption": kind.caption,
        "source": f"data:image/svg+xml;base64,{encoded}",
    }


def _medoids(tables: StudyTables) -> dict[int, str]:
    medoids = tables.architectures[tables.architectures["is_medoid"]]
    return dict(zip(medoids["cluster"].astype(int), medoids["name"], strict=True))


def _readable(clusters: pd.DataFrame) -> pd.DataFrame:
    """The ranked table in words: a column a reader compares, rounded as far as it is known."""
    interval = [
        "" if pd.isna(low) else f"{low:.2f} … {high:.2f}"
        for low, high in zip(clusters["score_low"], clusters["score_high"], strict=True)
    ]
    places = [
        "" if pd.isna(low) else (f"{low}" if low == high else f"{low}–{high}")
        for low, high in zip(clusters["rank_low"], clusters["rank_high"], strict=True)
    ]
    table = pd.DataFrame(
        {
            "place": clusters["rank"].map(lambda place: "–" if pd.isna(place) else str(place)),
            "likely places": places,
            "members": clusters["n_members"].map("{:,}".format),
            "evaluated": clusters["n_evaluated"],
            "failed": clusters["n_failed"],
            "score": clusters["score"].map(lambda x: "–" if pd.isna(x) else f"{x:.3f}"),
            "95 % interval": interval,
            "P(first)": clusters["p_best"].map("{:.2f}".format),
            "tied with first": clusters["tied_with_best"].map({True: "yes", False: ""}),
        }
    )
    for protocol in [column for column in clusters.columns if "@" in column]:
        table[protocol] = clusters[protocol].map(lambda x: "–" if pd.isna(x) else f"{x:,.5g}")
    table["cluster"] = clusters["cluster"]
    return table
