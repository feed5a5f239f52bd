"""The page of a study: its tables in, one HTML file out that needs nothing beside it."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from importlib import resources
from typing import Any

import pandas as pd

from cgraph.errors import MissingPackageError
from cgraph.report.figures.catalogue import FigureKind, figures_of
from cgraph.report.page.charts import charts, libraries
from cgraph.report.page.content import page_content
from cgraph.report.saving import figure_bytes
from cgraph.report.style import COLUMN_WIDTH, PAGE_WIDTH
from cgraph.report.tables import StudyTables


def render_page(
    tables: StudyTables,
    *,
    title: str,
    facts: Mapping[str, Any],
    validation: Sequence[Mapping[str, Any]] = (),
    graphs: pd.DataFrame | None = None,
    drawn: Mapping[str, bytes] | None = None,
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
    graphs : DataFrame, optional
        Programs to draw, as `graphs_table` gives them.
    drawn : mapping of str to bytes, optional
        Figures that are drawn already, by name, as SVG at the width of a page.

    Returns
    -------
    str
        The page. Where the packages of the extra `report` are missing it says so, and holds the
        tables and the figures alone.
    """
    import jinja2
    from markupsafe import Markup

    try:
        explorer = _explorer(tables, graphs)
        missing = ""
    except MissingPackageError as error:
        explorer = {"content": None}
        missing = f"{error}, then draw the page again with cgraph report."
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined)
    template = environment.from_string(_text("page.html"))
    readable = _readable(tables.clusters)
    return template.render(
        title=title,
        style=Markup(_text("page.css")),
        facts={name: _said(value) for name, value in facts.items()},
        columns=list(readable),
        rows=readable.to_dict("records"),
        validation=validation,
        figures=[_figure_entry(kind, tables, drawn or {}) for kind in figures_of(tables)],
        n_architectures=len(tables.architectures),
        n_tied=int(tables.clusters["tied_with_best"].sum()),
        medoids=_medoids(tables),
        missing=missing,
        wbr=Markup("<wbr>"),
        **explorer,
    )


def _explorer(tables: StudyTables, graphs: pd.DataFrame | None) -> dict[str, Any]:
    """What the template needs for the part of the page that one can choose in."""
    from markupsafe import Markup

    content = page_content(tables, graphs)
    specifications = charts(content)
    # Inside a script element "<" may begin the element's end; JSON can spell it otherwise.
    plain = json.dumps({"tables": content, "charts": specifications}, separators=(",", ":"))
    return {
        "content": Markup(plain.replace("<", "\\u003c")),
        "libraries": Markup(libraries()),
        "script": Markup(_text("page.js")),
        "n_points": len(content["points"]["name"]),
        "has_accuracy": "accuracy" in specifications,
    }


def _said(value: Any) -> str:
    """A value of a configuration, in words."""
    if isinstance(value, Mapping):
        value = [f"{name}: {_said(inner)}" for name, inner in value.items()]
    if isinstance(value, list | tuple):
        return ", ".join(map(_said, value)) or "none"
    return "none" if value is None else str(value)


def _text(name: str) -> str:
    return resources.files("cgraph.report.page").joinpath(name).read_text(encoding="utf-8")


def _figure_entry(
    kind: FigureKind, tables: StudyTables, drawn: Mapping[str, bytes]
) -> dict[str, str]:
    """A figure at the width of a page, and at that of a column for a narrow screen."""
    wide = drawn.get(kind.name) or figure_bytes(kind.draw(tables, width=PAGE_WIDTH), "svg")
    narrow = figure_bytes(kind.draw(tables, width=COLUMN_WIDTH), "svg")
    return {
        "name": kind.name,
        "caption": kind.caption,
        "source": _data_address(wide),
        "narrow": _data_address(narrow),
    }


def _data_address(svg: bytes) -> str:
    return f"data:image/svg+xml;base64,{base64.b64encode(svg).decode()}"


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
