"""The ranked clusters of a study, printed."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import TYPE_CHECKING, Any

from rich.box import SIMPLE_HEAD
from rich.table import Table

from cgraph.commands.console import out

if TYPE_CHECKING:
    from cgraph.study.result import StudyResult


def print_result(result: StudyResult) -> None:
    """Print the clusters in order, what was measured, and where it was written.

    Parameters
    ----------
    result : StudyResult
        A study that has run.
    """
    from cgraph.study.run import validation_rows

    clusters = result.ranking.table.to_dict("records")
    name = result.configuration["space"]
    table = Table(title=f"Clusters of {name}, best first", box=SIMPLE_HEAD)
    for name in ("place", "likely", "members", "evaluated", "score", "95 %", "P(first)"):
        table.add_column(name, justify="right")
    for row in clusters:
        table.add_row(*_cells(row))
    out.print(table)
    means = Table("place", title="Mean of each statistic", box=SIMPLE_HEAD)
    for protocol in result.ranking.protocols:
        means.add_column(protocol.replace("@", "\n@"), justify="right")
    for row in clusters:
        means.add_row(_place(row), *[f"{row[p]:.4g}" for p in result.ranking.protocols])
    out.print(means)
    rows = validation_rows(result)
    if rows:
        checked = Table("choice", title="Against trained accuracy", box=SIMPLE_HEAD)
        for name in ("accuracy", "regret", "lift"):
            checked.add_column(name, justify="right")
        for choice in rows:
            worth = (
                f"{choice['accuracy']:.2f}",
                f"{choice['regret']:.2f}",
                f"{choice['lift']:.1f}",
            )
            checked.add_row(choice["choice"], *worth)
        out.print(checked)
    out.print("Networks of the best cluster, at random:")
    size = len(result.ranking.members[result.ranking.best])
    for name in result.ranking.sample(min(3, size), random_state=result.configuration["seed"]):
        out.print(f"  {name}", highlight=False, soft_wrap=True, markup=False)
    out.print("Written:")
    for path in sorted(result.directory.rglob("*")):
        if path.is_file():
            out.print(f"  {path}", highlight=False, soft_wrap=True, markup=False)


def _cells(row: Mapping[Hashable, Any]) -> list[str]:
    import pandas as pd

    likely = "–" if pd.isna(row["rank_low"]) else f"{row['rank_low']}–{row['rank_high']}"
    interval = (
        "–" if pd.isna(row["score_low"]) else f"{row['score_low']:.2f}…{row['score_high']:.2f}"
    )
    failed = f" ({row['n_failed']} failed)" if row["n_failed"] else ""
    return [
        _place(row),
        likely,
        f"{row['n_members']:,}",
        f"{row['n_evaluated']}{failed}",
        f"{row['score']:.3f}",
        interval,
        f"{row['p_best']:.2f}",
    ]


def _place(row: Mapping[Hashable, Any]) -> str:
    """Place of a cluster; "=" marks those that cannot be told from the first."""
    import pandas as pd

    if pd.isna(row["rank"]):
        return "–"
    return f"{row['rank']}{'=' if row['tied_with_best'] else ''}"
