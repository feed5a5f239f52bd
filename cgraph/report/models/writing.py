"""A map on disk: its table, its usage, its figure and its page."""

from __future__ import annotations

import json
from importlib import resources
from pathlib import Path

import pandas as pd

from cgraph.report.models.figure import draw_models
from cgraph.report.models.table import ModelMap
from cgraph.report.saving import save_figure

TABLE, USAGE, FAILURES, PAGE = "models.parquet", "usage.parquet", "failures.parquet", "index.html"
FIGURE = "map.svg"


def write_map(found: ModelMap, directory: Path) -> Path:
    """Write a map into a directory, which is made where it does not exist.

    Returns
    -------
    Path
        Its page, which opens offline and needs nothing beside it.
    """
    directory.mkdir(parents=True, exist_ok=True)
    found.table.to_parquet(directory / TABLE, index=False)
    found.usage.to_parquet(directory / USAGE, index=False)
    failures = pd.DataFrame(list(found.failures), columns=["name", "reason"])
    failures.to_parquet(directory / FAILURES, index=False)
    save_figure(draw_models(found.table), directory / FIGURE)
    page = directory / PAGE
    page.write_text(render_map(found), encoding="utf-8")
    return page


def render_map(found: ModelMap) -> str:
    """The page of a map."""
    import jinja2
    from markupsafe import Markup

    usage = [
        {int(k): int(n) for k, n in enumerate(row) if n} for row in found.usage.to_numpy().tolist()
    ]
    data = {
        "models": json.loads(found.table.to_json(orient="records", double_precision=6)),
        "words": list(found.usage.columns),
        "usage": usage,
    }
    # Within a script no text may end it.
    text = json.dumps(data, separators=(",", ":")).replace("<", "\\u003c")
    text = text.replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined)
    source = resources.files("cgraph.report.models").joinpath("map.html").read_text("utf-8")
    return environment.from_string(source).render(
        data=Markup(text), n=len(found.table), failures=found.failures
    )
