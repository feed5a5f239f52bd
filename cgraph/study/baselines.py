"""Choices of a cluster that need no statistic, to compare a ranking with."""

from __future__ import annotations

import pandas as pd


def largest_cluster(architectures: pd.DataFrame) -> int:
    """Number of the cluster whose members have the most parameters on average.

    Parameters
    ----------
    architectures : DataFrame
        With the columns "cluster" and "n_parameters".

    Examples
    --------
    >>> largest_cluster(pd.DataFrame({"cluster": [0, 1, 1], "n_parameters": [5, 4, 8]}))
    1
    """
    means = architectures.groupby("cluster", as_index=False)["n_parameters"].mean()
    return int(means["cluster"].iloc[int(means["n_parameters"].argmax())])
