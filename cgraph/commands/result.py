"""The ranked clusters of a study, printed."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping
from typing import TYPE_CHECKING, Any

from rich.box import SIMPLE_HEAD
from rich.table import Table

from cgraph.commands.console import out

if TYPE_CHECKING:
    import pandas as pd

    from cgraph.ranking.order import Ranking
    from cgraph.study.result import StudyResult


def print_result(result: StudyResult) -> None:
    """Print the clusters in order, what was measured, and where it was written.

    Parameters
    ----------
    result : StudyResult
        A study that has run.
    """
    from cgraph.export.study_files import EXPORTS
    from cgraph.study.run import validation_rows

    n_drawn, programs = result.configuration.get("population"), result.architectures["class"]
    if n_drawn is not None:
        told = f"{len(programs):,} architectures drawn: {programs.nunique():,} distinct programs."
        out.print(told, highlight=False)
    print_ranking(result.ranking, f"Clusters of {result.configuration['space']}, best first")
    counted = result.statistics["protocol"].isin(result.ranking.protocols)
    print_failures(result.statistics[counted])
    rows = validation_rows(result)
    if rows:
        checked = Table("choice", title="Against trained accuracy", box=SIMPLE_HEAD)
        for name in ("accuracy", "known for", "regret", "lift"):
            checked.add_column(name, justify="right")
        for choice in rows:
            checked.add_row(choice["choice"], *_worth(choice))
        out.print(checked)
    print_sample(result.ranking, 3, result.configuration["seed"])
    out.print("Written:")
    for path in sorted(result.directory.rglob("*")):
        is_export = path.relative_to(result.directory).parts[0] == EXPORTS
        if path.is_file() and not is_export:
            out.print(f"  {path}", highlight=False, soft_wrap=True, markup=False)


def print_ranking(ranking: Ranking, title: str) -> None:
    """Print clusters in order, and what was measured of them.

    Parameters
    ----------
    ranking : Ranking
        The order.
    title : str
        What stands above it.
    """
    clusters = ranking.table.to_dict("records")
    table = Table(title=title, box=SIMPLE_HEAD)
    for name in ("place", "likely", "members", "evaluated", "score", "95 %", "P(first)"):
        table.add_column(name, justify="right")
    for row in clusters:
        table.add_row(*_cells(row))
    out.print(table)
    out.print(
        "Score: mean log-rank over the statistics, at most 0. Likely: 95 % interval of the place. "
        "A place with = cannot be told from the first.\n",
        highlight=False,
    )
    means = Table("place", title="Mean of each statistic", box=SIMPLE_HEAD)
    for protocol in ranking.protocols:
        means.add_column(protocol.replace("@", "\n@"), justify="right")
    for row in clusters:
        means.add_row(_place(row), *[_mean(row[p]) for p in ranking.protocols])
    out.print(means)


def print_failures(statistics: pd.DataFrame) -> None:
    """Print why statistics have no value, and of how many networks; nothing where all have one.

    Parameters
    ----------
    statistics : DataFrame
        As `cgraph.evaluate` gives it.
    """
    failed = statistics[statistics["value"].isna()]
    if failed.empty:
        return
    out.print("Without a value, and counted as last:")
    networks = statistics.groupby("protocol")["name"].nunique().to_dict()
    for (protocol, reason), rows in failed.groupby(["protocol", "reason"], sort=False):
        n = rows["name"].nunique()
        line = f"  {protocol}, {n:,} of {networks[protocol]:,} networks: {reason}"
        out.print(line, highlight=False, soft_wrap=True, markup=False)


def print_sample(ranking: Ranking, n: int, seed: int) -> None:
    """Print different programs of the best cluster; new ones where the space has more.

    Parameters
    ----------
    ranking : Ranking
        The order.
    n : int
        How many at most.
    seed : int
        Decides between programs that are equally far.
    """
    n = min(n, ranking.layout_of(ranking.best).n_programs)
    if n < 1:
        return
    if ranking.source is not None:
        drawn = ranking.source.draw(ranking.best, n, seed)
        out.print(f"New networks of the best cluster, {drawn.told()}:", highlight=False)
        for name in drawn:
            out.print(f"  {name}", highlight=False, soft_wrap=True, markup=False)
        return
    out.print("Networks of the best cluster:")
    for row in ranking.sample_table(n, random_state=seed).to_dict("records"):
        copies = f"  ({row['n_copies']:,} copies)" if row["n_copies"] > 1 else ""
        out.print(f"  {row['name']}{copies}", highlight=False, soft_wrap=True, markup=False)


def _mean(value: float) -> str:
    return "–" if math.isnan(value) else f"{value:.4g}"


def _worth(choice: Mapping[str, Any]) -> list[str]:
    """Accuracy, with its error where members have none, how many have one, regret and lift."""
    error, known = "", ""
    if "n_known" in choice:
        known = f"{choice['n_known']:,} of {choice['n_members']:,}"
        error = f" ± {choice['accuracy_se']:.2f}" if choice["accuracy_se"] else ""
    accuracy = f"{choice['accuracy']:.2f}{error}"
    return [accuracy, known, f"{choice['regret']:.2f}", f"{choice['lift']:.1f}"]


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
