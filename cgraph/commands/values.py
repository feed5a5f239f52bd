"""Values of statistics, their agreement, and the table of protocols, printed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.box import SIMPLE_HEAD
from rich.padding import Padding
from rich.table import Table

from cgraph.commands.console import out

if TYPE_CHECKING:
    import pandas as pd

_FEW = 10  # networks whose values are printed one by one
_MOST_PAIRS = 30  # of protocols whose agreement is printed


def print_values(table: pd.DataFrame, title: str) -> None:
    """Print each value of a few networks, and the means over many.

    Parameters
    ----------
    table : DataFrame
        As `cgraph.evaluate` gives it.
    title : str
        What was evaluated.
    """
    if table["name"].nunique() <= _FEW:
        _print_each(table, title)
    else:
        _print_means(table, title)


def print_agreement(agreement: pd.DataFrame) -> None:
    """Print Kendall's tau-b between every two protocols, strongest first.

    Parameters
    ----------
    agreement : DataFrame
        As `cgraph.statistics.agreement.agreement` gives it.
    """
    given = [name for name in agreement.columns if name.startswith("tau_given_")]
    found = Table("", "programs", title="Kendall's tau-b, higher is better", box=SIMPLE_HEAD)
    for name in ("tau", *(name[4:].replace("_", " ") for name in given)):
        found.add_column(name, justify="right")
    known = agreement.dropna(subset=["tau"])
    order = known["tau"].abs().sort_values(ascending=False, kind="stable").index[:_MOST_PAIRS]
    for row in known.loc[order].to_dict("records"):
        taus = [_signed(row[name]) for name in ("tau", *given)]
        found.add_row(f"{row['a']}\n{row['b']}", f"{row['n_programs']:,}", *taus)
    out.print(found)
    n_left = len(agreement) - len(order)
    if n_left:
        out.print(f"{n_left:,} more pairs: weaker, or without a tau over these programs.")


def print_list() -> None:
    """Print what is known of each protocol in the table of statistics."""
    from cgraph.statistics.methods import STATISTICS

    for protocol in STATISTICS.values():
        mark = " (recommended)" if protocol.is_recommended else ""
        better = "higher" if protocol.direction == 1 else "lower"
        out.print(f"[bold]{protocol.name}[/]{mark}: {better} is better", highlight=False)
        lines = [protocol.definition]
        if protocol.needs:
            times = f"{protocol.n_batches} x " if protocol.n_batches > 1 else ""
            size = (
                f" of {protocol.image_size} x {protocol.image_size}" if protocol.image_size else ""
            )
            lines.append(
                f"{times}{protocol.batch_size} samples{size}, {protocol.mode} mode, "
                f"{protocol.skeleton} network, {protocol.initialisation} initialisation"
            )
        lines.append(f"needs {', '.join(protocol.needs) or 'nothing'}; {protocol.cost}")
        lines.append(protocol.source)
        for line in lines:
            out.print(Padding(line, (0, 0, 0, 4)), highlight=False, markup=False)
    out.print(
        "\nA plain name means the first recommended protocol that the networks come in; with a "
        "training, one of the full network."
    )


def _print_each(table: pd.DataFrame, title: str) -> None:
    has_time = "t" in table.columns
    for name, rows in table.groupby("name", sort=False):
        found = Table("protocol", title=f"{name} ({title})", box=SIMPLE_HEAD)
        for column in (*(["t"] if has_time else []), "value", "s.e."):
            found.add_column(column, justify="right")
        found.add_column("")
        for row in rows.to_dict("records"):
            time = [str(row["t"])] if has_time else []
            remark = row["note"] or (row["reason"] if row["n_failures"] else "")
            numbers = (_plain(row["value"]), _plain(row["standard_error"]))
            found.add_row(row["protocol"], *time, *numbers, remark)
        out.print(found)


def _print_means(table: pd.DataFrame, title: str) -> None:
    keys = ["protocol", "t"] if "t" in table.columns else ["protocol"]
    n = table["name"].nunique()
    found = Table("protocol", title=f"{n:,} networks of {title}", box=SIMPLE_HEAD)
    for name in (*keys[1:], "mean", "s.d.", "s.e.", "least", "largest", "without"):
        found.add_column(name, justify="right")
    for key, rows in table.groupby(keys, sort=False):
        values = rows["value"]
        numbers = (
            values.mean(), values.std(), rows["standard_error"].mean(), values.min(), values.max(),
        )  # fmt: skip
        n_without = f"{int(values.isna().sum()):,}"
        found.add_row(*map(str, key), *map(_plain, numbers), n_without)
    out.print(found)
    out.print(
        "mean and s.d. over networks; s.e.: mean standard error of one; without: no value",
        highlight=False,
    )
    for (protocol, reason), rows in table.groupby(["protocol", "reason"], sort=False):
        out.print(f"{protocol}: {reason} ({len(rows):,})", highlight=False, markup=False)


def _plain(value: Any) -> str:
    return "–" if value != value else f"{value:.4g}"


def _signed(value: Any) -> str:
    return "–" if value != value else f"{value:+.3f}"
