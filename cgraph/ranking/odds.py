"""Which operations the best networks use more, or less, than the rest: log odds with intervals."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from cgraph.errors import ArgumentError

CONFIDENCE = 0.95


def operation_odds(
    usage: pd.DataFrame, is_best: ArrayLike, *, weights: ArrayLike | None = None
) -> pd.DataFrame:
    """Log odds ratio of each operation between the best networks and the rest.

    Parameters
    ----------
    usage : DataFrame of int, shape (n_networks, n_operations)
        How often each network uses each operation. Identical programs belong into one row, with
        their number as its weight: they are no independent evidence.
    is_best : array-like of bool, shape (n_networks,)
        Which networks are the best; there is one of each kind at least.
    weights : array-like of float, shape (n_networks,), optional
        How many networks each stands for, > 0; 1 by default.

    Returns
    -------
    DataFrame
        A row for each operation, most over-used first: "operation", "share_best", "share_rest"
        (of the kernels of a network, mean over networks), "log_odds", "low", "high" (the log odds
        ratio of the two shares and its 95 % interval), "p" (of no difference), "p_adjusted"
        (after Benjamini and Hochberg, 1995, over the operations).

    Raises
    ------
    ArgumentError
        If there is no network of a kind, a length differs, or a weight is not positive.

    Notes
    -----
    A network counts once, however many kernels it has: its datum is the share of its kernels
    that are the operation, and the standard error is that of a weighted mean over networks,
    carried to the log odds by the delta method. Half a network that has nothing but the operation
    and half a network that lacks it are added to each side, as Haldane (1956) and Anscombe did
    for counts, so that an operation that a side never uses has a finite ratio and an honest
    interval. Networks without kernels have no share and are left out.

    Examples
    --------
    >>> usage = pd.DataFrame({"conv": [3, 2, 1, 1, 0], "pool": [1, 1, 2, 3, 4]})
    >>> odds = operation_odds(usage, [True, True, False, False, False])
    >>> odds[["operation", "share_best", "share_rest", "log_odds"]].round(2)
      operation  share_best  share_rest  log_odds
    0      conv        0.71        0.19      1.56
    1      pool        0.29        0.81     -1.56
    """
    from scipy.stats import false_discovery_control, norm

    counts, best, weight = _checked(usage, is_best, weights)
    shares = counts / counts.sum(axis=1, keepdims=True)
    sides = [_side(shares[chosen], weight[chosen]) for chosen in (best, ~best)]
    (share_best, logit_best, variance_best), (share_rest, logit_rest, variance_rest) = sides
    log_odds = logit_best - logit_rest
    error = np.sqrt(variance_best + variance_rest)
    reach = norm.ppf((1 + CONFIDENCE) / 2) * error
    p = 2 * norm.sf(np.abs(log_odds) / error)
    table = pd.DataFrame(
        {
            "operation": list(usage.columns),
            "share_best": share_best,
            "share_rest": share_rest,
            "log_odds": log_odds,
            "low": log_odds - reach,
            "high": log_odds + reach,
            "p": p,
            "p_adjusted": false_discovery_control(p, method="bh") if len(p) else p,
        }
    )
    return table.sort_values(["log_odds", "operation"], ascending=[False, True], ignore_index=True)


def _checked(
    usage: pd.DataFrame, is_best: ArrayLike, weights: ArrayLike | None
) -> tuple[NDArray[np.float64], NDArray[np.bool_], NDArray[np.float64]]:
    counts = usage.to_numpy(dtype=np.float64)
    best = np.asarray(is_best, dtype=bool)
    weight = np.ones(len(counts)) if weights is None else np.asarray(weights, dtype=np.float64)
    for argument, array in (("is_best", best), ("weights", weight)):
        if array.shape != (len(counts),):
            raise ArgumentError(argument, f"have shape ({len(counts)},)", array.shape)
    if not (weight > 0).all():
        raise ArgumentError("weights", "be positive", weight.min())
    has_kernels = counts.sum(axis=1) > 0
    counts, best, weight = counts[has_kernels], best[has_kernels], weight[has_kernels]
    if best.all() or not best.any():
        raise ArgumentError(
            "is_best",
            "hold networks of both kinds that have kernels",
            f"{int(best.sum())} best of {len(best)}",
        )
    return counts, best, weight


def _side(
    shares: NDArray[np.float64], weight: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Mean share of each operation on one side, its logit, and the variance of that."""
    n_operations = shares.shape[1]
    half = weight.mean() / 2
    added = np.concatenate([shares, np.ones((1, n_operations)), np.zeros((1, n_operations))])
    added_weight = np.concatenate([weight, [half, half]])[:, None] / (weight.sum() + 2 * half)
    mean = (added_weight * added).sum(axis=0)
    spread = (added_weight**2 * (added - mean) ** 2).sum(axis=0)
    # Of a weighted mean: unbiased where the weights are equal.
    variance = spread / (1 - (added_weight**2).sum())
    logit = np.log(mean) - np.log1p(-mean)
    return (
        np.average(shares, axis=0, weights=weight),
        logit,
        variance / (mean * (1 - mean)) ** 2,
    )
