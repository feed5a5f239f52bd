"""Networks with a statistic and an accuracy, in the whole space and under storage limits."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cgraph import checks
from cgraph.errors import ArgumentError
from cgraph.hardware.limits import parse_parameter_limit
from cgraph.ranking.scores import log_rank_scores, oriented_values

WHOLE = "whole space"
TOGETHER = "all together"
LEAST_NETWORKS = 10  # for an interval: a bootstrap of fewer is too sure
_VALUES_A_BLOCK = 4_000_000


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """Networks whose statistics can be held against their accuracy.

    Parameters
    ----------
    values : DataFrame of float64, shape (n_networks, n_protocols)
        Statistics, turned so that higher is better; NaN where one failed. Where there are several
        protocols, the mean log-rank over all of them is the last column, `TOGETHER`.
    accuracy : ndarray of float64, shape (n_networks,)
        In percent.
    inside : dict of str to ndarray of bool, shape (n_networks,)
        Which networks keep each limit, by its text; `WHOLE`, which has all of them, is first.
    """

    values: pd.DataFrame
    accuracy: NDArray[np.float64]
    inside: Mapping[str, NDArray[np.bool_]]


def judged(
    table: pd.DataFrame,
    accuracies: pd.Series,
    *,
    statistics: Sequence[str] | None = None,
    n_parameters: pd.Series | None = None,
    limits: Iterable[str] = (),
) -> Judged:
    """Statistics, accuracies and limits of the same networks, in the order of the table.

    Parameters
    ----------
    table : DataFrame
        As `cgraph.evaluate` gives it.
    accuracies : Series of float
        Trained accuracy in percent by name of the network.
    statistics : sequence of str, optional
        Names of statistics or ids of protocols; all of the table by default.
    n_parameters : Series of int, optional
        Number of parameters by name of the network; needed with limits.
    limits : iterable of str, default=()
        Limits on the stored parameters, such as "0.5MB@int8"; see
        `cgraph.hardware.limits.parse_parameter_limit`.

    Returns
    -------
    Judged

    Raises
    ------
    ArgumentError
        If a network of the table has no accuracy, or no size where there are limits.

    Examples
    --------
    >>> table = pd.DataFrame({"name": ["a", "b"], "statistic": "s", "protocol": "s@1",
    ...     "value": [1.0, 2.0], "standard_error": 0.0, "direction": -1})
    >>> found = judged(table, pd.Series({"a": 90.0, "b": 80.0}), limits=["1kB@int8"],
    ...     n_parameters=pd.Series({"a": 500, "b": 5000}))
    >>> found.values["s@1"].tolist(), found.inside["1kB@int8"].tolist()
    ([-1.0, -2.0], [True, False])
    """
    values, _ = oriented_values(table, statistics)
    accuracy = _column("accuracies", accuracies, values.index)
    inside = {WHOLE: np.ones(len(values), dtype=bool)}
    texts = list(limits)
    if texts:
        if n_parameters is None:
            raise ArgumentError("n_parameters", "be given where there are limits", n_parameters)
        sizes = _column("n_parameters", n_parameters, values.index)
        inside |= {text: parse_parameter_limit(text).allows(sizes) for text in texts}
    if values.shape[1] > 1:
        values = values.assign(**{TOGETHER: log_rank_scores(values.to_numpy())})
    return Judged(values, accuracy, inside)


def times_drawn(n: int, n_bootstrap: int, seed: int) -> Iterator[tuple[slice, NDArray[np.int64]]]:
    """How often a bootstrap draws each network, in blocks of replicates.

    Parameters
    ----------
    n : int
        Number of networks; as many are drawn, with replacement.
    n_bootstrap : int
        Number of replicates, >= 1.
    seed : int
        Seed of the draws.

    Yields
    ------
    slice, ndarray of int64, shape (n_rows, n)
        Rows of the block, and how often each network is drawn in each. Row 0, alone in its block,
        is no replicate: each network once.

    Raises
    ------
    ArgumentError
        If `n_bootstrap` is below 1.

    Examples
    --------
    >>> [(rows.start, rows.stop, times.sum()) for rows, times in times_drawn(5, 3, seed=0)]
    [(0, 1, np.int64(5)), (1, 4, np.int64(15))]
    """
    n_bootstrap = checks.whole("n_bootstrap", n_bootstrap, 1, checks.MOST_REPEATS)
    rng = np.random.default_rng(seed)
    yield slice(0, 1), np.ones((1, n), dtype=np.int64)
    step = max(1, _VALUES_A_BLOCK // max(1, n))
    for first in range(0, n_bootstrap, step):
        size = min(step, n_bootstrap - first)
        drawn = rng.integers(max(1, n), size=(size, n)) + n * np.arange(size)[:, None]
        times = np.bincount(drawn.reshape(-1), minlength=size * n).reshape(size, n)
        yield slice(1 + first, 1 + first + size), times


def _column(argument: str, series: pd.Series, names: pd.Index) -> NDArray[np.float64]:
    found = series.reindex(names)
    missing = names[found.isna()]
    if len(missing):
        raise ArgumentError(
            argument,
            f"hold all {len(names):,} networks of the table",
            f"none for {len(missing):,}, first {missing[0]!r}",
        )
    column: NDArray[np.float64] = found.to_numpy(dtype=np.float64)
    return column
