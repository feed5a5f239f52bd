"""Accuracy of the best quantiles of each statistic, for a whole space and under storage limits."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cgraph.errors import ArgumentError
from cgraph.ranking.subsets import judged

ALL = "all networks"
SHOWN = {"p05": 0.05, "p25": 0.25, "median": 0.5, "p75": 0.75, "p95": 0.95}
_VALUES_A_BLOCK = 2_000_000


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
        with its 95 % interval. NaN where there is no network.

    Raises
    ------
    ArgumentError
        If a fraction is out of range, or a network has no accuracy or size.

    Notes
    -----
    A replicate draws the networks anew and finds the best of those that were drawn, so the
    interval holds the uncertainty of where the quantile begins.

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
    if n_bootstrap < 1:
        raise ArgumentError("n_bootstrap", "be 1 or more", n_bootstrap)
    found = judged(
        table, accuracies, statistics=statistics, n_parameters=n_parameters, limits=limits
    )
    rows = []
    for limit, inside in found.inside.items():
        accuracy = found.accuracy[inside]
        rows.append(_row(limit, ALL, 1.0, accuracy, accuracy, (0.0, 0.0)))
        for protocol in found.values.columns:
            value = found.values[protocol].to_numpy()[inside]
            rng = np.random.default_rng(random_state)
            spread = _spread_of_gains(value, accuracy, fractions, n_bootstrap, rng)
            for fraction, interval in zip(fractions, spread, strict=True):
                best = accuracy[_is_best(value, fraction)]
                rows.append(_row(limit, protocol, fraction, best, accuracy, interval))
    return pd.DataFrame(rows)


def _row(
    limit: str,
    protocol: str,
    fraction: float,
    best: NDArray[np.float64],
    accuracy: NDArray[np.float64],
    interval: tuple[float, float],
) -> dict[str, object]:
    is_empty = not len(best)
    shown = {
        name: float("nan") if is_empty else float(np.quantile(best, q)) for name, q in SHOWN.items()
    }
    mean = float("nan") if is_empty else float(best.mean())
    return {
        "limit": limit,
        "protocol": protocol,
        "fraction": float(fraction),
        "n": len(best),
        "mean": mean,
        **shown,
        "gain": float("nan") if is_empty else mean - float(accuracy.mean()),
        "gain_low": float("nan") if is_empty else interval[0],
        "gain_high": float("nan") if is_empty else interval[1],
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


def _spread_of_gains(
    value: NDArray[np.float64],
    accuracy: NDArray[np.float64],
    fractions: Sequence[float],
    n_bootstrap: int,
    rng: np.random.Generator,
) -> list[tuple[float, float]]:
    """95 % intervals of the gain of each fraction.

    Networks lie in order, best first and failed last; how often each is drawn weighs it, and the
    quantile ends with the ties of the network in which the weight reaches its share.
    """
    n = len(value)
    known = np.flatnonzero(~np.isnan(value))
    if not len(known):
        return [(float("nan"), float("nan"))] * len(fractions)
    order = known[np.argsort(-value[known], kind="stable")]
    is_last = np.append(value[order][1:] != value[order][:-1], True)
    ends = np.flatnonzero(is_last)
    gains = np.empty((len(fractions), n_bootstrap))
    for first in range(0, n_bootstrap, step := max(1, _VALUES_A_BLOCK // n)):
        block = slice(first, min(first + step, n_bootstrap))
        times = rng.multinomial(n, np.full(n, 1 / n), size=block.stop - first)
        everyone = times @ accuracy / n
        weight = times[:, order].cumsum(axis=1)[:, ends]
        total = (times[:, order] * accuracy[order]).cumsum(axis=1)[:, ends]
        for i, fraction in enumerate(fractions):
            reached = weight >= np.minimum(np.ceil(fraction * n), weight[:, -1:])
            place = reached.argmax(axis=1)[:, None]
            drawn = np.take_along_axis(weight, place, axis=1)[:, 0]
            with np.errstate(invalid="ignore"):  # a replicate that drew failed networks alone
                mean = np.take_along_axis(total, place, axis=1)[:, 0] / drawn
            gains[i, block] = mean - everyone
    low, high = np.nanquantile(gains, [0.025, 0.975], axis=1)
    return list(zip(low.tolist(), high.tolist(), strict=True))
