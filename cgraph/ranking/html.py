"""What a notebook shows of a ranking: the clusters in order, with their intervals."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from cgraph.graphs.html import table_html
from cgraph.graphs.summary import Section

if TYPE_CHECKING:
    from cgraph.ranking.order import Ranking

_HEADS = ("place", "cluster", "members", "evaluated", "score", "95 %", "P(first)")


def ranking_html(ranking: Ranking) -> str:
    """HTML of a ranking; "=" marks clusters that cannot be told from the first.

    Parameters
    ----------
    ranking : Ranking
        What to show.
    """
    rows = tuple(
        (*_cells(row), *(_number(row[protocol], ".4g") for protocol in ranking.protocols))
        for row in ranking.table.to_dict("records")
    )
    return table_html(repr(ranking), Section((*_HEADS, *ranking.protocols), rows))


def _cells(row: dict[Any, Any]) -> tuple[str, ...]:
    tie = "=" if row["tied_with_best"] else ""
    low, high = _number(row["score_low"], ".2f"), _number(row["score_high"], ".2f")
    return (
        "–" if pd.isna(row["rank"]) else f"{row['rank']}{tie}",
        f"{row['cluster']}",
        f"{row['n_members']:,}",
        f"{row['n_evaluated']:,}",
        _number(row["score"], ".3f"),
        "–" if low == "–" else f"{low} … {high}",
        f"{row['p_best']:.2f}",
    )


def _number(value: float, form: str) -> str:
    return "–" if pd.isna(value) else format(value, form)
