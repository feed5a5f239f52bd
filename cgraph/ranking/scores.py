"""One score for a network out of several statistics: the mean of its log-ranks.

Ranks need no common scale. Their logarithm makes one poor rank cost more than one good rank
gains, so a network has to do well by every statistic (Lee and Ham, 2024, "AZ-NAS: Assembling
Zero-Cost Proxies for Network Architecture Search").
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cgraph import checks
from cgraph.errors import ArgumentError

COLUMNS = {
    "name": "text",
    "statistic": "text",
    "protocol": "text",
    "value": "number",
    "standard_error": "number",
    "direction": "number",
}


def checked_table(table: object) -> pd.DataFrame:
    """A copy of a table of statistics, with its columns checked.

    Raises
    ------
    ArgumentError
        If it is no table, or lacks a column; if a name is no text, a value is infinite, a standard
        error is negative, a direction is not 1 or -1, or a protocol has two.
    """
    found = checks.table("table", table, COLUMNS, "evaluate() makes such a table")
    if (found["standard_error"] < 0).any():
        worst = found["standard_error"].min()
        raise ArgumentError("table", "have standard errors, 0 or more", worst)
    wrong = found.loc[~found["direction"].isin([1, -1]), "direction"]
    if len(wrong):
        must = "have directions, 1 where higher is better and -1 where lower is"
        raise ArgumentError("table", must, wrong.iloc[0])
    twice = found.groupby("protocol")["direction"].nunique()
    if (twice > 1).any():
        must = "have one direction for a protocol"
        raise ArgumentError("table", must, f"two for {twice.idxmax()!r}")
    return found


def oriented_values(
    table: pd.DataFrame, statistics: Sequence[str] | str | None = None
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Statistics as two arrays: values turned so that higher is better, and standard errors.

    Parameters
    ----------
    table : DataFrame
        As `cgraph.evaluate` gives it: a row for each network, statistic and protocol.
    statistics : sequence of str, optional
        Names of statistics or ids of protocols, in order; every protocol of the table by default.

    Returns
    -------
    values, errors : DataFrame of float64, shape (n_networks, n_statistics)
        Rows are the networks in order of appearance, columns the protocols. A value that is
        missing in the table is NaN here, and so is an error that is not known.

    Raises
    ------
    ArgumentError
        If the table lacks a column or a statistic, or has two rows for one value.
    """
    table = checked_table(table)
    protocols = _protocols(table, statistics)
    rows = table[table["protocol"].isin(protocols)]
    if rows.duplicated(["name", "protocol"]).any():
        twice = rows[rows.duplicated(["name", "protocol"])].iloc[0]
        raise ArgumentError(
            "table",
            "have one row for a network and a protocol",
            f"two for {twice['name']!r} and {twice['protocol']!r}",
        )
    names = list(pd.unique(rows["name"]))
    values = rows.pivot(index="name", columns="protocol", values="value")
    errors = rows.pivot(index="name", columns="protocol", values="standard_error")
    direction = rows.groupby("protocol")["direction"].first().astype(float)
    turned = values.reindex(index=names, columns=protocols).astype(float) * direction[protocols]
    return turned, errors.reindex(index=names, columns=protocols).astype(float)


def log_rank_scores(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean log-rank of each network over the statistics.

    Parameters
    ----------
    values : ndarray of float64, shape (..., n_networks, n_statistics)
        Higher is better. NaN counts as last, tied with every other NaN.

    Returns
    -------
    ndarray of float64, shape (..., n_networks)
        Mean over the statistics of log(rank / n_networks), where the best has rank n_networks and
        ties share their mean rank; at most 0.

    Examples
    --------
    >>> log_rank_scores(np.array([[1.0, 10.0], [2.0, 30.0], [3.0, 20.0]])).round(3).tolist()
    [-1.099, -0.203, -0.203]
    """
    from scipy.stats import rankdata

    ranks = rankdata(np.where(np.isnan(values), -np.inf, values), axis=-2)
    scores: NDArray[np.float64] = np.log(ranks / values.shape[-2]).mean(axis=-1)
    return scores


def _protocols(table: pd.DataFrame, statistics: Sequence[str] | str | None) -> list[str]:
    known = table[["statistic", "protocol"]].drop_duplicates()
    if statistics is None:
        return list(known["protocol"])
    chosen: list[str] = []
    for name in checks.one_or_more("statistics", statistics, "statistic"):
        match = known[(known["statistic"] == name) | (known["protocol"] == name)]
        if match.empty:
            raise ArgumentError(
                "statistics",
                f"be in the table, which has {', '.join(known['protocol'])}",
                repr(name),
                "evaluate() it first",
            )
        chosen += [protocol for protocol in match["protocol"] if protocol not in chosen]
    return chosen
