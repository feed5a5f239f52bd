"""Kendall's tau-b of each statistic with trained accuracy, for a space and under storage limits."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cgraph.distances._compile import compiled
from cgraph.ranking.subsets import LEAST_NETWORKS, judged, times_drawn


def accuracy_tau(
    table: pd.DataFrame,
    accuracies: pd.Series,
    *,
    statistics: Sequence[str] | None = None,
    n_parameters: pd.Series | None = None,
    limits: Iterable[str] = (),
    n_bootstrap: int = 1000,
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
    n_bootstrap : int, default=1000
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
        the tau of the whole space. NaN where a tau is not defined (fewer than two networks, or one
        value for all), and for the interval of fewer than 10 networks, of which a bootstrap knows
        too little.

    Raises
    ------
    ArgumentError
        If a network has no accuracy or size, or `n_bootstrap` is below 1.

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
    found = judged(
        table, accuracies, statistics=statistics, n_parameters=n_parameters, limits=limits
    )
    values = found.values.to_numpy()
    known = np.array([inside[:, None] & ~np.isnan(values) for inside in found.inside.values()])
    taus = np.empty((1 + n_bootstrap, len(known), values.shape[1]))
    for block, times in times_drawn(len(values), n_bootstrap, random_state):
        for i, j in np.ndindex(taus.shape[1:]):
            chosen = known[i, :, j]
            taus[block, i, j] = _taus(values[chosen, j], found.accuracy[chosen], times[:, chosen])
    rows = []
    for i, limit in enumerate(found.inside):
        for j, protocol in enumerate(found.values.columns):
            n = int(known[i, :, j].sum())
            row = {"limit": limit, "protocol": protocol, "n": n}
            row |= _interval("tau", taus[:, i, j], n)
            rows.append(row | _interval("change", taus[:, i, j] - taus[:, 0, j], n))
    return pd.DataFrame(rows)


def _interval(name: str, taus: NDArray[np.float64], n: int) -> dict[str, float]:
    """The first value, and the middle 95 % of the others that there are."""
    known = taus[1:][~np.isnan(taus[1:])]
    low, high = np.nan, np.nan
    if n >= LEAST_NETWORKS and len(known):
        low, high = np.quantile(known, [0.025, 0.975])
    return {name: float(taus[0]), f"{name}_low": float(low), f"{name}_high": float(high)}


def _taus(
    x: NDArray[np.float64], y: NDArray[np.float64], times: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Tau-b of networks that are drawn several times, or not, for each row of `times`."""
    order = np.argsort(x, kind="stable")
    x_rank = np.unique(x[order], return_inverse=True)[1]
    y_rank = np.unique(y[order], return_inverse=True)[1]
    taus = np.empty(len(times))
    _fill(x_rank, y_rank, np.ascontiguousarray(times[:, order]), taus)
    return taus


@compiled
def _fill(
    x_rank: NDArray[np.int64],
    y_rank: NDArray[np.int64],
    times: NDArray[np.int64],
    taus: NDArray[np.float64],
) -> None:
    """Tau-b for each row of `times`; networks lie in the order of x.

    A Fenwick tree holds how many networks of each y came before, in x.
    """
    n = len(x_rank)
    n_values = 0 if n == 0 else y_rank.max() + 1
    for row in range(len(times)):
        tree = np.zeros(n_values + 1, dtype=np.int64)
        of_y = np.zeros(n_values, dtype=np.int64)
        n_drawn, surplus, tied_x = 0, 0, 0
        first = 0
        while first < n:
            last = first
            n_here = 0
            while last < n and x_rank[last] == x_rank[first]:
                w = times[row, last]
                # Earlier networks with less y less those with more.
                below, i = 0, y_rank[last]
                while i > 0:
                    below += tree[i]
                    i -= i & -i
                surplus += w * (2 * below + of_y[y_rank[last]] - n_drawn)
                n_here += w
                last += 1
            for k in range(first, last):
                i = y_rank[k] + 1
                while i <= n_values:
                    tree[i] += times[row, k]
                    i += i & -i
                of_y[y_rank[k]] += times[row, k]
            n_drawn += n_here
            tied_x += n_here * n_here
            first = last
        apart_x = n_drawn * n_drawn - tied_x
        apart_y = n_drawn * n_drawn - (of_y * of_y).sum()
        if apart_x > 0 and apart_y > 0:
            taus[row] = 2 * surplus / np.sqrt(float(apart_x)) / np.sqrt(float(apart_y))
        else:
            taus[row] = np.nan
