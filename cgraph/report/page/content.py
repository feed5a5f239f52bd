"""The tables of a study as plain values for its page."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cgraph.ranking.scores import oriented_values
from cgraph.ranking.spread import Layout, different
from cgraph.report.page.drawings import drawings
from cgraph.report.page.points import (
    point_strata,
    point_weights,
    set_around,
    shown_positions,
)
from cgraph.report.tables import USAGE_PREFIX, StudyTables

_KNOWN = ("name", "class", "cluster", "is_medoid", "x", "y")
_UNITS = {"bytes": "bytes", "ms": "ms", "mj": "mJ", "seconds": "s"}
_SPELLINGS = {"macs": "MACs", "ram": "RAM"}


def page_content(tables: StudyTables, graphs: pd.DataFrame | None) -> dict[str, Any]:
    """What the script of the page works on.

    Parameters
    ----------
    tables : StudyTables
        The tables of the study.
    graphs : DataFrame or None
        Programs to be drawn, as `graphs_table` gives them.

    Returns
    -------
    dict
        Plain values: "n_architectures"; "clusters", their sizes in order; "points", columns of
        the architectures that are drawn; "bars" of a histogram of accuracy, or None; "numbers",
        the further columns of architectures with what they are; "operations", their names, and
        "usage", a column for each; "statistics", rows of the evaluated networks; "drawings".
    """
    architectures = tables.architectures
    evaluated = set(tables.statistics["name"])
    shown = shown_positions(architectures, evaluated)
    own = architectures.iloc[shown]
    strata = point_strata(architectures)
    place = {cluster: i + 1 for i, cluster in enumerate(tables.order)}
    usage = tables.usage()
    points: dict[str, Any] = {
        "name": own["name"].tolist(),
        "place": [place[c] for c in own["cluster"]],
        "weight": _rounded(point_weights(strata, shown)),
        "is_medoid": own["is_medoid"].astype(int).tolist(),
        "is_evaluated": own["name"].isin(evaluated).astype(int).tolist(),
        "program": own.get("class", pd.Series(own.index, own.index)).tolist(),
        "n_copies": _copies(architectures)[shown].tolist(),
        "turn": _turns(own).tolist(),
    }
    places = set_around(own[["x", "y"]].to_numpy(dtype=float))
    points["x"], points["y"] = _rounded(places[:, 0]), _rounded(places[:, 1])
    bars = None
    if tables.accuracies is not None:
        accuracy = tables.accuracy(own["name"]).reindex(own["name"]).to_numpy(dtype=float)
        points["accuracy"] = _rounded(accuracy)
        bars = _bars(accuracy)
    return {
        "n_architectures": len(architectures),
        "clusters": [int(size) for size in tables.clusters["n_members"]],
        "points": points,
        "bars": bars,
        "numbers": _numbers(architectures, own),
        "operations": list(usage.columns),
        "usage": usage.iloc[shown].T.to_numpy().tolist(),
        "statistics": _statistics(tables.statistics, own["name"]),
        "drawings": None if graphs is None else drawings(graphs),
    }


def _copies(architectures: pd.DataFrame) -> NDArray[np.int64]:
    """How many architectures of the same cluster are the same program, shape (n,)."""
    if "class" not in architectures:
        return np.ones(len(architectures), dtype=np.int64)
    alike = architectures.groupby(["cluster", "class"])["name"].transform("size")
    return alike.to_numpy(dtype=np.int64)


def _turns(own: pd.DataFrame) -> NDArray[np.int64]:
    """When each architecture comes among those of its cluster: medoid first, then the farthest."""
    programs = np.unique(own.get("class", own.index), return_inverse=True)[1]
    points = np.nan_to_num(own[["x", "y"]].to_numpy(dtype=float))
    turns = np.full(len(own), len(own), dtype=np.int64)
    for cluster in own["cluster"].unique():
        its = np.flatnonzero(own["cluster"] == cluster)
        medoid = np.flatnonzero(own["is_medoid"].to_numpy()[its])
        first = int(medoid[0]) if len(medoid) else None
        layout = Layout(programs[its], points[its], first)
        turns[its[different(layout, layout.n_programs)[0]]] = np.arange(layout.n_programs)
    return turns


def _bars(accuracy: NDArray[np.float64]) -> dict[str, Any] | None:
    """Edges of the bars of a histogram, and the bar of each point; None where nothing is known.

    A few poor networks would press all others into one bar: they are put into the first one.
    """
    known = accuracy[~np.isnan(accuracy)]
    if not len(known):
        return None
    least, most = np.quantile(known, 0.03), known.max()
    step = max(float(f"{(most - least) / 30:.1g}"), 1e-3)
    first = np.floor(least / step)
    n_bars = int(np.ceil(most / step + 1e-9) - first)
    edges = [float(f"{(first + i) * step:.9g}") for i in range(n_bars + 1)]
    number = np.clip(np.nan_to_num(accuracy / step) - first, 0, n_bars - 1).astype(int)
    of = [None if np.isnan(a) else int(i) for a, i in zip(accuracy, number, strict=True)]
    return {"edges": edges, "of": of}


def _numbers(architectures: pd.DataFrame, own: pd.DataFrame) -> list[dict[str, Any]]:
    """Further columns of the architectures, whatever they are: sizes, limits, latencies."""
    found = []
    for column in architectures.columns:
        if column in _KNOWN or column.startswith(USAGE_PREFIX):
            continue
        values = architectures[column]
        is_claim = pd.api.types.is_bool_dtype(values)
        if not is_claim and not pd.api.types.is_numeric_dtype(values):
            continue
        found.append(
            {
                "name": column,
                "words": _words(column),
                "is_claim": is_claim,
                "values": _rounded(own[column].to_numpy(dtype=float)),
            }
        )
    return found


def _words(column: str) -> str:
    """A column in words: "n_parameters" is "parameters", "ram_bytes" is "RAM (bytes)"."""
    name, _, last = column.removeprefix("n_").rpartition("_")
    unit = _UNITS.get(last, "") if name else ""
    words = (name if unit else column.removeprefix("n_")).split("_")
    text = " ".join(_SPELLINGS.get(word, word) for word in words)
    return f"{text} ({unit})" if unit else text


def _statistics(statistics: pd.DataFrame, names: pd.Series) -> list[dict[str, Any]]:
    """Rows of the evaluated networks: value, error or reason, and the share of networks below."""
    values, _ = oriented_values(statistics)
    shares = values.rank(pct=True, method="average")
    position = {name: i for i, name in enumerate(names)}
    rows = []
    for row in statistics.to_dict("records"):
        share = shares.loc[row["name"], row["protocol"]]
        is_known = not pd.isna(row["value"])
        rows.append(
            {
                "point": position[row["name"]],
                "protocol": row["protocol"],
                "value": _significant(row["value"]) if is_known else None,
                "error": None
                if pd.isna(row["standard_error"])
                else _significant(row["standard_error"]),
                "share": round(float(share), 4) if is_known else None,
                "reason": None if is_known else str(row.get("reason") or "no value"),
                "higher_is_better": bool(row["direction"] > 0),
            }
        )
    return rows


def _significant(value: float) -> float:
    return float(f"{value:.6g}")


def _rounded(values: np.ndarray[Any, Any]) -> list[float | int | None]:
    """Numbers in six digits; None where there is none."""
    found: list[float | int | None] = []
    for value in values.tolist():
        if value is None or value != value or value in (np.inf, -np.inf):
            found.append(None)
        else:
            number = value if abs(value) < 1e15 and value == int(value) else _significant(value)
            found.append(int(number) if number == int(number) else number)
    return found
