"""How good was the choice: the order of the clusters against trained accuracy.

Accuracy is read after the order is fixed and never flows back into it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cgraph.clustering.result import Clustering
from cgraph.errors import ArgumentError


@dataclass(frozen=True, slots=True, eq=False)
class Validation:
    """What choosing a cluster was worth.

    Parameters
    ----------
    clusters : DataFrame
        A row for each cluster, by number: "cluster", "n_members", "accuracy" (mean, in percent),
        "accuracy_sd", "top_share" (share of the best networks of the population that it holds),
        "lift" (that share over its share of the population).
    chosen : int
        The cluster that was chosen.
    population_accuracy : float
        Mean accuracy of the population, in percent.
    top_fraction : float
        Share of the population that counts as its best networks.
    """

    clusters: pd.DataFrame
    chosen: int
    population_accuracy: float
    top_fraction: float

    def _chosen_row(self) -> pd.Series:
        return self.clusters.loc[self.clusters["cluster"] == self.chosen].iloc[0]

    @property
    def accuracy(self) -> float:
        """Mean accuracy of the chosen cluster, in percent."""
        return float(self._chosen_row()["accuracy"])

    @property
    def regret(self) -> float:
        """Mean accuracy of the best cluster less that of the chosen one, >= 0, in points."""
        return float(self.clusters["accuracy"].max() - self.accuracy)

    @property
    def lift(self) -> float:
        """Share of the best networks that the chosen cluster holds, over its share of all."""
        return float(self._chosen_row()["lift"])

    def __repr__(self) -> str:
        return (
            f"Validation(cluster {self.chosen}: accuracy {self.accuracy:.2f} against "
            f"{self.population_accuracy:.2f} of the population, regret {self.regret:.2f}, "
            f"lift {self.lift:.1f})"
        )


def validate(
    clustering: Clustering, chosen: int, accuracies: pd.Series, *, top_fraction: float = 0.05
) -> Validation:
    """Accuracy of each cluster, and what the chosen one is worth.

    Parameters
    ----------
    clustering : Clustering
        The clusters.
    chosen : int
        The cluster that was chosen: `Ranking.best`, or a baseline's choice.
    accuracies : Series of float
        Accuracy in percent of every network of the clustering, indexed by name.
    top_fraction : float, default=0.05
        Share of the population that counts as its best networks, 0 < f < 1. Networks as accurate
        as the last of them count too.

    Returns
    -------
    Validation
        Exact figures of the population: no sampling is involved.

    Raises
    ------
    ArgumentError
        If an accuracy is missing, or `chosen` is no cluster.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> clustering = SimpleNamespace(
    ...     names=("a", "b", "c", "d"), labels=np.array([0, 0, 1, 1]), n_clusters=2)
    >>> accuracies = pd.Series({"a": 90.0, "b": 92.0, "c": 50.0, "d": 70.0})
    >>> validate(clustering, 0, accuracies, top_fraction=0.25)
    Validation(cluster 0: accuracy 91.00 against 75.50 of the population, regret 0.00, lift 2.0)
    """
    if not 0 < top_fraction < 1:
        raise ArgumentError("top_fraction", "lie between 0 and 1", top_fraction)
    if not 0 <= chosen < clustering.n_clusters:
        raise ArgumentError("chosen", f"be a cluster below {clustering.n_clusters}", chosen)
    known = accuracies.reindex(list(clustering.names))
    if known.isna().any():
        missing = known.index[known.isna()]
        raise ArgumentError(
            "accuracies",
            f"hold all {len(known)} networks of the clustering",
            f"none for {len(missing)}, first {missing[0]!r}",
            "cluster the networks that have an accuracy, or complete the table",
        )
    accuracy = known.to_numpy(dtype=float)
    n_top = max(1, int(np.ceil(top_fraction * len(accuracy))))
    is_top = accuracy >= np.sort(accuracy)[-n_top]
    rows = [
        _cluster_row(c, np.asarray(clustering.labels) == c, accuracy, is_top)
        for c in range(clustering.n_clusters)
    ]
    return Validation(pd.DataFrame(rows), chosen, float(accuracy.mean()), top_fraction)


def _cluster_row(
    number: int,
    inside: NDArray[np.bool_],
    accuracy: NDArray[np.float64],
    is_top: NDArray[np.bool_],
) -> dict[str, float]:
    share = is_top[inside].sum() / is_top.sum()
    return {
        "cluster": number,
        "n_members": int(inside.sum()),
        "accuracy": float(accuracy[inside].mean()),
        "accuracy_sd": float(accuracy[inside].std()),
        "top_share": float(share),
        "lift": float(share / inside.mean()),
    }
