"""Kendall's tau-b of each statistic with trained accuracy, for a space and under storage limits."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cgraph.errors import ArgumentError
from cgraph.ranking.subsets import judged
from cgraph.statistics.agreement import tau_b


def accuracy_tau(
    table: pd.DataFrame,
    accuracies: pd.Series,
    *,
    statistics: Sequence[str] | None = None,
    n_parameters: pd.Series | None = None,
    limits: Iterable[str] = (),
    n_bootstrap: int = 500,
    random_state: int = 0,
) -> pd.DataFrame:
    """How far each statistic orders networks as their accuracy does, with intervals.

    Parameters
    ----------
    table : DataFrame
        As `cgraph.evaluate` gives it: statistics of networks that stand for a space.
    accuracies : Series of float
        Trained accuracy in percent by name of the network.
    statistics : sequence of str, optional
        Names of statistics or ids of protocols; all of the table by default.
    n_parameters : Series of int, optional
        Number of parameters by name of the network; needed with limits.
    limits : iterable of str, default=()
        Limits on the stored parameters, such as "0.5MB@int8".
    n_bootstrap : int, default=500
        Number of bootstrap replicates, >= 1.
    random_state : int, default=0
        Seed of the bootstrap.

    Returns
    -------
    DataFrame
        A row for each limit ("whole space" first) and protocol (and "all together", the mean
        log-rank over them). Columns: "limit", "protocol", "n" (networks that have the statistic),
        "tau", "tau_low", "tau_high": tau-b of the statistic, turned so that higher is better, with
        the accuracy, and its 95 % interval; "change", "change_low", "change_high": the same less
        the tau of the whole space. NaN where a tau is not defined: fewer than two networks, or one
        value for all.

    Raises
    ------
    ArgumentError
        If a network has no accuracy or size.

    Notes
    -----
    A replicate draws networks of the whole space anew, and those within a limit are among them:
    so the interval of a change takes into account that the networks are the same. A network that
    is drawn twice is tied with itself, which tau-b leaves out of count.

    Examples
    --------
    >>> table = pd.DataFrame({"name": list("abcd"), "statistic": "s", "protocol": "s@1",
    ...     "value": [1.0, 2.0, 3.0, 4.0], "standard_error": 0.0, "direction": -1})
    >>> accuracies = pd.Series({"a": 60.0, "b": 90.0, "c": 80.0, "d": 95.0})
    >>> accuracy_tau(table, accuracies)[["protocol", "n", "tau"]].round(3)
      protocol  n    tau
    0      s@1  4 -0.667
    """
    if n_bootstrap < 1:
        raise ArgumentError("n_bootstrap", "be 1 or more", n_bootstrap)
    found = judged(
        table, accuracies, statistics=statistics, n_parameters=n_parameters, limits=limits
    )
    values, protocols = found.values.to_numpy(), list(found.values.columns)
    inside = np.array(list(found.inside.values()))
    taus = _taus(values, found.accuracy, inside, np.arange(len(values)))
    n, rng = len(values), np.random.default_rng(random_state)
    replicates = np.array(
        [_taus(values, found.accuracy, inside, rng.integers(n, size=n)) for _ in range(n_bootstrap)]
    )
    rows = []
    for i, limit in enumerate(found.inside):
        for j, protocol in enumerate(protocols):
            low, high = _interval(replicates[:, i, j])
            change_low, change_high = _interval(replicates[:, i, j] - replicates[:, 0, j])
            rows.append(
                {
                    "limit": limit,
                    "protocol": protocol,
                    "n": int((inside[i] & ~np.isnan(values[:, j])).sum()),
                    "tau": taus[i, j],
                    "tau_low": low,
                    "tau_high": high,
                    "change": taus[i, j] - taus[0, j],
                    "change_low": change_low,
                    "change_high": change_high,
                }
            )
    return pd.DataFrame(rows)


def _taus(
    values: NDArray[np.float64],
    accuracy: NDArray[np.float64],
    inside: NDArray[np.bool_],
    drawn: NDArray[np.int64],
) -> NDArray[np.float64]:
    """Tau of each limit and protocol over some networks, shape (n_limits, n_protocols)."""
    taus = np.empty((len(inside), values.shape[1]))
    for i, allowed in enumerate(inside):
        own = drawn[allowed[drawn]]
        for j in range(values.shape[1]):
            known = own[~np.isnan(values[own, j])]
            taus[i, j] = tau_b(pd.Series(values[known, j]), pd.Series(accuracy[known]))
    return taus


def _interval(replicates: NDArray[np.float64]) -> tuple[float, float]:
    """Middle 95 % of the replicates in which there is a value; NaN where there is none."""
    known = replicates[~np.isnan(replicates)]
    if not len(known):
        return float("nan"), float("nan")
    low, high = np.quantile(known, [0.025, 0.975])
    return float(low), float(high)
