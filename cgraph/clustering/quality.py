"""How good clusters are, and which program stands for each.

Points count as the programs they stand for: every number equals that of the full set.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cgraph.clustering.points import Points


@dataclass(frozen=True, slots=True, eq=False)
class Assessment:
    """What `assess` finds.

    Parameters
    ----------
    medoids : ndarray of int64, shape (k,)
        The point of each cluster from which the sum of distances to its members (of their squares
        for "inertia") is smallest; the first where several are as central.
    objective : float
        "inertia": sum of squared distances to the centres. "cost": sum of distances to the medoids.
    silhouette : float or None
        Mean silhouette of programs (Rousseeuw, 1987); None for a single cluster.
    """

    medoids: NDArray[np.int64]
    objective: float
    silhouette: float | None


def assess(
    points: Points, labels: NDArray[np.int64], n_clusters: int, objective: str
) -> Assessment:
    """Medoids and quality of clusters of points, block by block of the distances.

    Parameters
    ----------
    points : Points
        What was clustered.
    labels : ndarray of int64, shape (a,)
        Cluster of each point; none is empty.
    n_clusters : int
        k.
    objective : {"inertia", "cost"}
        What is to be summed.
    """
    member = np.zeros((len(points), n_clusters))
    member[np.arange(len(points)), labels] = points.weights
    total = member.sum(axis=0)
    silhouettes = np.zeros(len(points))
    central = np.empty(len(points))  # sum over the members of the own cluster
    for rows, distances in points.blocks():
        own = np.arange(rows.stop - rows.start), labels[rows]
        sums = distances @ member
        if n_clusters > 1:
            silhouettes[rows] = _silhouettes(sums, own, total, points.own_weights[rows])
        central[rows] = (np.square(distances) @ member if objective == "inertia" else sums)[own]
    # Sums that differ by rounding alone are equal: the first point wins.
    digits = np.round(central / max(central.max(initial=0.0), 1e-300), 12)
    order = np.lexsort((np.arange(len(points)), digits, labels))
    medoids = order[np.searchsorted(labels[order], np.arange(n_clusters))]
    if objective == "inertia":
        value = float((points.weights * central / (2 * total[labels])).sum())
    else:
        value = float(central[medoids].sum())
    mean = float(np.average(silhouettes, weights=points.weights)) if n_clusters > 1 else None
    return Assessment(medoids, value, mean)


def _silhouettes(
    sums: NDArray[np.float64],
    own: tuple[NDArray[np.int64], NDArray[np.int64]],
    total: NDArray[np.float64],
    own_weights: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Silhouette of a program of each point, from its sums of distances to clusters (r, k)."""
    others = total[own[1]] - own_weights
    is_alone = others < 0.5 * own_weights
    within = sums[own] / np.where(is_alone, 1.0, others)
    between = sums / total
    between[own] = np.inf
    nearest = between.min(axis=1)
    larger = np.maximum(within, nearest)
    silhouettes: NDArray[np.float64] = (nearest - within) / np.where(larger > 0, larger, 1.0)
    silhouettes[is_alone] = 0.0
    return silhouettes
