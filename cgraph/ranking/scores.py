"""One score for a network out of several statistics: the mean of its log-ranks.

Ranks need no common scale. Their logarithm makes one poor rank cost more than one good rank
gains, so a network has to do well by every statistic (Lee and Ham, 2024, "AZ-NAS: Assembling
Zero-Cost Proxies for Network Architecture Search").
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cgraph.errors import ArgumentError

COLUMNS = ("name", "statistic", "protocol", "value", "standard_error", "direction")


def oriented_values(
    table: pd.DataFrame, statistics: tuple[str, ...] | None = None
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Statistics as two arrays: values turned so that higher is better, and standard errors.

    Parameters
    ----------
    table : DataFrame
        As `cgraph.evaluate` gives it: a row for each network, statistic and protocol.
    statistics : tuple of str, optional
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
    if not isinstance(table, pd.DataFrame):
        raise ArgumentError(
            "table", "be a DataFrame", type(table).__name__, "evaluate() makes such a table"
        )
    lacking = [column for column in COLUMNS if column not in table.columns]
    if lacking:
        raise ArgumentError(
            "table",
            f"have the columns {', '.join(COLUMNS)}",
            f"none called {', '.join(lacking)}",
            "evaluate() makes such a table",
        )
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


def _protocols(table: pd.DataFrame, statistics: tuple[str, ...] | None) -> list[str]:
    known = table[["statistic", "protocol"]].drop_duplicates()
    if statistics is None:
        return list(known["protocol"])
    if not statistics:
        raise ArgumentError("statistics", "name at least one statistic", "none")
    chosen: list[str] = []
    for name in statistics:
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
