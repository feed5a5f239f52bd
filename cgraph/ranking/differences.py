"""How much of each statistic's order is due to the clusters that networks are in."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cgraph import checks
from cgraph.errors import ArgumentError
from cgraph.ranking.scores import oriented_values


def cluster_differences(
    table: pd.DataFrame,
    clusters: pd.Series,
    *,
    statistics: Sequence[str] | None = None,
    n_bootstrap: int = 1000,
    random_state: int = 0,
) -> pd.DataFrame:
    """Whether clusters differ in each statistic, and how much of its ranks they explain.

    Parameters
    ----------
    table : DataFrame
        As `cgraph.evaluate` gives it, for a sample of the networks of each cluster.
    clusters : Series of int
        Cluster of each network, by name.
    statistics : sequence of str, optional
        Names of statistics or ids of protocols; all of the table by default.
    n_bootstrap : int, default=1000
        Number of bootstrap replicates, >= 1.
    random_state : int, default=0
        Seed of the bootstrap.

    Returns
    -------
    DataFrame
        A row for each protocol: "protocol", "n" (networks that have it), "n_clusters" (with such a
        network), "h" and "p" of the test of Kruskal and Wallis, "p_adjusted" (Benjamini and
        Hochberg, over the protocols), "explained", "explained_low", "explained_high": the share
        of the variance of the ranks that lies between the clusters, less what chance would give
        (omega squared of the ranks: 0 where clusters do not differ, 1 where they part all
        networks), and its 95 % interval from a bootstrap within the clusters, less its bias. NaN
        where there are not two clusters, or one value for all.

    Raises
    ------
    ArgumentError
        If a network of the table has no cluster, or `n_bootstrap` is below 1.

    Notes
    -----
    With few networks the interval is too narrow: of 20 networks in each of four clusters, which
    explain 24 %, it holds the truth in 89 of 100 samples.

    Examples
    --------
    >>> table = pd.DataFrame({"name": list("abcd"), "statistic": "s", "protocol": "s@1",
    ...     "value": [1.0, 2.0, 8.0, 9.0], "standard_error": 0.0, "direction": 1})
    >>> found = cluster_differences(table, pd.Series({"a": 0, "b": 0, "c": 1, "d": 1}))
    >>> found[["protocol", "n", "n_clusters", "explained"]].round(2)
      protocol  n  n_clusters  explained
    0      s@1  4           2       0.64
    """
    from scipy.stats import false_discovery_control

    n_bootstrap = checks.whole("n_bootstrap", n_bootstrap, 1, checks.MOST_REPEATS)
    values, _ = oriented_values(table, statistics)
    missing = values.index[~values.index.isin(clusters.index)]
    if len(missing):
        raise ArgumentError(
            "clusters",
            f"hold all {len(values):,} networks of the table",
            f"none for {len(missing):,}, first {missing[0]!r}",
        )
    cluster = clusters.reindex(values.index).to_numpy()
    rows = [
        {"protocol": protocol, **_difference(values[protocol], cluster, n_bootstrap, random_state)}
        for protocol in values.columns
    ]
    found = pd.DataFrame(rows)
    is_tested = found["p"].notna()
    found.insert(5, "p_adjusted", np.nan)
    if is_tested.any():
        adjusted = false_discovery_control(found.loc[is_tested, "p"].to_numpy(), method="bh")
        found.loc[is_tested, "p_adjusted"] = adjusted
    return found


def _difference(
    values: pd.Series, cluster: NDArray[np.int64], n_bootstrap: int, seed: int
) -> dict[str, float]:
    from scipy.stats import kruskal

    known = values.notna().to_numpy()
    value, label = values.to_numpy()[known], cluster[known]
    groups = [value[label == c] for c in np.unique(label)]
    row = {"n": len(value), "n_clusters": len(groups)}
    nothing = dict.fromkeys(("h", "p", "explained", "explained_low", "explained_high"), np.nan)
    if len(groups) < 2 or len(value) <= len(groups) or len(np.unique(value)) < 2:
        return row | nothing
    test = kruskal(*groups)
    rng = np.random.default_rng(seed)
    drawn = [
        _explained([group[rng.integers(len(group), size=len(group))] for group in groups])
        for _ in range(n_bootstrap)
    ]
    explained = _explained(groups)
    # Networks drawn twice make clusters look more compact than they are: that is taken off.
    spread = np.array(drawn) - (np.nanmean(drawn) - explained)
    low, high = np.clip(np.nanquantile(spread, [0.025, 0.975]), 0, 1)
    return row | {
        "h": float(test.statistic),
        "p": float(test.pvalue),
        "explained": explained,
        "explained_low": float(low),
        "explained_high": float(high),
    }


def _explained(groups: Sequence[NDArray[np.float64]]) -> float:
    """Omega squared of the ranks, at least 0; NaN where all values are one."""
    from scipy.stats import rankdata

    ranks = rankdata(np.concatenate(groups))
    total = float(((ranks - ranks.mean()) ** 2).sum())
    if total == 0:
        return float("nan")
    sizes = np.array([len(group) for group in groups])
    means = np.array([part.mean() for part in np.split(ranks, np.cumsum(sizes)[:-1])])
    between = float((sizes * (means - ranks.mean()) ** 2).sum())
    n_between, n_within = len(sizes) - 1, len(ranks) - len(sizes)
    noise = (total - between) / n_within
    return max(0.0, (between - n_between * noise) / (total + noise))
