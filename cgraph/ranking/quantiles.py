"""Accuracy of the best quantiles of each statistic, for a whole space and under storage limits."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cgraph.errors import ArgumentError
from cgraph.ranking.subsets import LEAST_NETWORKS, judged, times_drawn

ALL = "all networks"
SHOWN = {"p05": 0.05, "p25": 0.25, "median": 0.5, "p75": 0.75, "p95": 0.95}


def best_quantiles(
    table: pd.DataFrame,
    accuracies: pd.Series,
    *,
    fractions: Sequence[float] = (0.25, 0.10, 0.05),
    statistics: Sequence[str] | None = None,
    n_parameters: pd.Series | None = None,
    limits: Iterable[str] = (),
    n_bootstrap: int = 1000,
    random_state: int = 0,
) -> pd.DataFrame:
    """Accuracy of the networks that each statistic puts first, beside that of all.

    Parameters
    ----------
    table : DataFrame
        As `cgraph.evaluate` gives it: statistics of networks that stand for a space.
    accuracies : Series of float
        Trained accuracy in percent by name of the network.
    fractions : sequence of float, default=(0.25, 0.10, 0.05)
        Shares of the networks that count as the best, 0 < f < 1. Networks as good as the last of
        them count too; one whose statistic failed is never among them.
    statistics : sequence of str, optional
        Names of statistics or ids of protocols; all of the table by default.
    n_parameters : Series of int, optional
        Number of parameters by name of the network; needed with limits.
    limits : iterable of str, default=()
        Limits on the stored parameters, such as "0.5MB@int8". The best are then the best of the
        networks within the limit.
    n_bootstrap : int, default=1000
        Number of bootstrap replicates, >= 1.
    random_state : int, default=0
        Seed of the bootstrap.

    Returns
    -------
    DataFrame
        For each limit ("whole space" first) a row for all networks within it (protocol
        "all networks", fraction 1), then one for each protocol (and "all together", the mean
        log-rank over them) and fraction. Columns: "limit", "protocol", "fraction", "n"
        (networks), "mean", "p05", "p25", "median", "p75", "p95" of their accuracy, and "gain",
        "gain_low", "gain_high": the mean less that of all networks within the limit, in points,
        with its 95 % interval. NaN where there is no network, and for the interval of fewer than
        10 networks within the limit, of which a bootstrap knows too little.

    Raises
    ------
    ArgumentError
        If a fraction or `n_bootstrap` is out of range, or a network has no accuracy or size.

    Notes
    -----
    A replicate draws networks of the whole space anew, those within a limit are among them, and
    the best are found among those that were drawn: the interval holds the uncertainty of where
    the quantile begins.

    Examples
    --------
    >>> table = pd.DataFrame({"name": list("abcd"), "statistic": "s", "protocol": "s@1",
    ...     "value": [1.0, 2.0, 3.0, 4.0], "standard_error": 0.0, "direction": 1})
    >>> accuracies = pd.Series({"a": 60.0, "b": 90.0, "c": 80.0, "d": 90.0})
    >>> best_quantiles(table, accuracies, fractions=[0.5])[["protocol", "n", "mean", "gain"]]
           protocol  n  mean  gain
    0  all networks  4  80.0   0.0
    1           s@1  2  85.0   5.0
    """
    for fraction in fractions:
        if not 0 < fraction < 1:
            raise ArgumentError("fractions", "lie between 0 and 1", fraction)
    found = judged(
        table, accuracies, statistics=statistics, n_parameters=n_parameters, limits=limits
    )
    accuracy, protocols = found.accuracy, list(found.values.columns)
    shape = (len(found.inside), len(protocols), 1 + n_bootstrap, len(fractions))
    gains = np.empty(shape)
    for block, times in times_drawn(len(accuracy), n_bootstrap, random_state):
        for i, inside in enumerate(found.inside.values()):
            drawn = times[:, inside]
            for j, protocol in enumerate(protocols):
                value = found.values[protocol].to_numpy()[inside]
                gains[i, j, block] = _gains(value, accuracy[inside], drawn, fractions)
    rows = []
    for i, (limit, inside) in enumerate(found.inside.items()):
        rows.append(_row(limit, ALL, 1.0, accuracy[inside], np.zeros(1 + n_bootstrap)))
        for j, protocol in enumerate(protocols):
            value = found.values[protocol].to_numpy()[inside]
            for k, fraction in enumerate(fractions):
                best = accuracy[inside][_is_best(value, fraction)]
                is_sure = inside.sum() >= LEAST_NETWORKS
                spread = gains[i, j, :, k] if is_sure else gains[i, j, :1, k]
                rows.append(_row(limit, protocol, fraction, best, spread))
    return pd.DataFrame(rows)


def _row(
    limit: str,
    protocol: str,
    fraction: float,
    best: NDArray[np.float64],
    gains: NDArray[np.float64],
) -> dict[str, object]:
    """A row of the table; the first of the gains is that of the networks, others are drawn."""
    drawn = gains[1:][~np.isnan(gains[1:])]
    interval = np.quantile(drawn, [0.025, 0.975]) if len(drawn) and len(best) else [np.nan, np.nan]
    return {
        "limit": limit,
        "protocol": protocol,
        "fraction": float(fraction),
        "n": len(best),
        "mean": float(best.mean()) if len(best) else np.nan,
        **{name: float(np.quantile(best, q)) if len(best) else np.nan for name, q in SHOWN.items()},
        "gain": float(gains[0]) if len(best) else np.nan,
        "gain_low": float(interval[0]),
        "gain_high": float(interval[1]),
    }


def _is_best(value: NDArray[np.float64], fraction: float) -> NDArray[np.bool_]:
    """The networks of the best quantile, those tied with its last one too; no failed one."""
    known = ~np.isnan(value)
    n_best = int(np.ceil(fraction * len(value)))
    if not known.any():
        return known
    ranked = np.sort(value[known])[::-1]
    is_best: NDArray[np.bool_] = value >= ranked[min(n_best, len(ranked)) - 1]
    return is_best


def _gains(
    value: NDArray[np.float64],
    accuracy: NDArray[np.float64],
    times: NDArray[np.int64],
    fractions: Sequence[float],
) -> NDArray[np.float64]:
    """Mean accuracy of the best less that of all, shape (n_rows, n_fractions); NaN where none.

    Networks lie in order, best first; how often each is drawn weighs it, and a quantile ends with
    the ties of the network in which the weight reaches its share.
    """
    known = np.flatnonzero(~np.isnan(value))
    n_drawn = times.sum(axis=1)
    if not len(known):
        return np.full((len(times), len(fractions)), np.nan)
    order = known[np.argsort(-value[known], kind="stable")]
    ends = np.flatnonzero(np.append(value[order][1:] != value[order][:-1], True))
    weight = times[:, order].cumsum(axis=1)[:, ends]
    total = (times[:, order] * accuracy[order]).cumsum(axis=1)[:, ends]
    gains = np.empty((len(times), len(fractions)))
    with np.errstate(invalid="ignore"):  # a replicate may draw none of the networks
        everyone = times @ accuracy / n_drawn
        for k, fraction in enumerate(fractions):
            share = np.minimum(np.ceil(fraction * n_drawn), weight[:, -1])[:, None]
            place = (weight >= share).argmax(axis=1)[:, None]
            of_best = np.take_along_axis(total, place, axis=1)
            gains[:, k] = (of_best / np.take_along_axis(weight, place, axis=1))[:, 0] - everyone
    return gains
