"""How good was the choice: the order of the clusters against trained accuracy.

Accuracy is read after the order is fixed and never flows back into it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

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
        A row for each cluster, by number: "cluster", "n_members", "n_known" (members whose
        accuracy is known; what follows is about them), "accuracy" (mean, in percent),
        "accuracy_sd", "accuracy_se" (standard error of that mean as one of all members, if those
        known were drawn at random; 0 where all are), "top_share" (share of the best networks of
        the population that it holds), "lift" (that share over its share of the population). NaN
        where it cannot be known: none is, or for the error one of several.
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
    def accuracy_se(self) -> float:
        """Standard error of that mean, in points; 0 where every accuracy of it is known."""
        return float(self._chosen_row()["accuracy_se"])

    @property
    def n_known(self) -> int:
        """How many members of the chosen cluster have a known accuracy."""
        return int(self._chosen_row()["n_known"])

    @property
    def n_members(self) -> int:
        """How many members the chosen cluster has."""
        return int(self._chosen_row()["n_members"])

    @property
    def regret(self) -> float:
        """Mean accuracy of the best cluster less that of the chosen one, >= 0, in points."""
        return float(self.clusters["accuracy"].max() - self.accuracy)

    @property
    def lift(self) -> float:
        """Share of the best networks that the chosen cluster holds, over its share of all."""
        return float(self._chosen_row()["lift"])

    def __repr__(self) -> str:
        known, members = self.clusters["n_known"].sum(), self.clusters["n_members"].sum()
        part = "" if known == members else f", known for {known:,} of {members:,} networks"
        return (
            f"Validation(cluster {self.chosen}: accuracy {self.accuracy:.2f} against "
            f"{self.population_accuracy:.2f} of the population, regret {self.regret:.2f}, "
            f"lift {self.lift:.1f}{part})"
        )


def validate(
    clustering: Clustering,
    chosen: int,
    accuracies: pd.Series,
    *,
    top_fraction: float = 0.05,
    missing: Literal["error", "allow"] = "error",
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
    missing : {"error", "allow"}, default="error"
        Whether networks may lack an accuracy: they are then left out.

    Returns
    -------
    Validation
        Exact figures of the networks whose accuracy is known: no sampling is involved.

    Raises
    ------
    ArgumentError
        If an accuracy is missing where none may, none is known at all, or `chosen` is no cluster.

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
    is_known = known.notna().to_numpy()
    if missing == "error" and not is_known.all():
        names = known.index[~is_known]
        raise ArgumentError(
            "accuracies",
            f"hold all {len(known)} networks of the clustering",
            f"none for {len(names)}, first {names[0]!r}",
            "cluster the networks that have an accuracy, complete the table, or allow gaps",
        )
    labels, k = np.asarray(clustering.labels), clustering.n_clusters
    if not is_known.any():
        raise ArgumentError("accuracies", "hold networks of the clustering", "none of them")
    accuracy = known.to_numpy(dtype=float)[is_known]
    n_top = max(1, int(np.ceil(top_fraction * len(accuracy))))
    is_top = accuracy >= np.sort(accuracy)[-n_top]
    sizes = np.bincount(labels, minlength=k)
    rows = [
        _cluster_row(c, labels[is_known] == c, int(sizes[c]), accuracy, is_top) for c in range(k)
    ]
    table = pd.DataFrame(rows)
    return Validation(table, chosen, float(accuracy.mean()), top_fraction)


def _cluster_row(
    number: int,
    inside: NDArray[np.bool_],
    n_members: int,
    accuracy: NDArray[np.float64],
    is_top: NDArray[np.bool_],
) -> dict[str, float]:
    found = accuracy[inside]
    is_known = len(found) > 0
    share = float(is_top[inside].sum() / is_top.sum())
    return {
        "cluster": number,
        "n_members": n_members,
        "n_known": len(found),
        "accuracy": float(found.mean()) if is_known else np.nan,
        "accuracy_sd": float(found.std()) if is_known else np.nan,
        "accuracy_se": _standard_error(found, n_members),
        "top_share": share,
        "lift": share / float(inside.mean()) if is_known else np.nan,
    }


def _standard_error(found: NDArray[np.float64], n_members: int) -> float:
    """Error of the mean of members drawn without replacement, as one of all members."""
    if len(found) == n_members:
        return 0.0
    if len(found) < 2:
        return np.nan
    unseen = 1.0 - len(found) / n_members
    return float(found.std(ddof=1) * np.sqrt(unseen / len(found)))
