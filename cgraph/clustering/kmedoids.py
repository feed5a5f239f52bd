"""K-medoids by eager swaps, on points that weigh several programs.

FasterPAM (Schubert and Rousseeuw, "Fast and eager k-medoids clustering", 2021) with weights: a
pass looks at every point once, and swaps it in for the medoid it replaces best as soon as that
lowers the sum of weighted distances.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cgraph.clustering.grouping import Grouping, nearest
from cgraph.clustering.points import Points
from cgraph.distances._compile import compiled
from cgraph.distances.plans import Floats

N_STARTS = 5


def k_medoids(points: Points, n_clusters: int, random_state: int) -> Grouping:
    """Clusters of weighted points that minimise the distances to their medoids.

    Parameters
    ----------
    points : Points
        With distances.
    n_clusters : int
        k, at most the number of points.
    random_state : int
        Seed of the starts; the best of `N_STARTS` is kept.

    Returns
    -------
    Grouping
        With medoids.
    """
    assert points.distances is not None
    distances, weights = np.ascontiguousarray(points.distances), points.weights
    random = np.random.default_rng(random_state)
    best_cost, best = np.inf, np.empty(0, np.int64)
    for _ in range(N_STARTS):
        medoids = _spread_out(distances, weights, n_clusters, random)
        cost = swap_medoids(distances, weights, medoids)
        if cost < best_cost:
            best_cost, best = cost, medoids
    labels = nearest(distances[best].T)
    labels[best] = np.arange(n_clusters)  # at distance 0 of another medoid, too
    return Grouping(labels, medoids=best)


def _spread_out(
    distances: Floats, weights: NDArray[np.float64], k: int, random: np.random.Generator
) -> NDArray[np.int64]:
    """Points drawn one by one with chances of weight times distance to those before."""
    chosen = [int(random.choice(len(weights), p=weights / weights.sum()))]
    nearest = distances[chosen[0]].astype(np.float64)
    while len(chosen) < k:
        chance = weights * nearest
        chance[chosen] = 0.0
        if chance.sum() == 0:  # what is left lies on medoids
            chance = np.ones(len(weights))
            chance[chosen] = 0.0
        chosen.append(int(random.choice(len(weights), p=chance / chance.sum())))
        nearest = np.minimum(nearest, distances[chosen[-1]])
    return np.array(chosen, dtype=np.int64)


@compiled
def swap_medoids(
    distances: Floats, weights: NDArray[np.float64], medoids: NDArray[np.int64]
) -> float:
    """Swap medoids, in place, until no swap lowers the cost; returns the cost."""
    n, k = len(weights), len(medoids)
    near, is_medoid = np.zeros(n, np.int64), np.zeros(n, np.bool_)
    d_near, d_second = np.empty(n), np.empty(n)
    loss = np.empty(k)  # of taking a medoid away
    is_medoid[medoids] = True
    assign(distances, medoids, near, d_near, d_second)
    since_swap, x = 0, 0
    while since_swap < n:
        if not is_medoid[x]:
            loss[:] = 0.0
            gain = 0.0
            row = distances[x]
            for o in range(n):
                d = row[o]
                if d < d_near[o]:
                    gain += weights[o] * (d - d_near[o])
                else:
                    loss[near[o]] += weights[o] * (min(d, d_second[o]) - d_near[o])
            i = np.argmin(loss)
            if gain + loss[i] < -1e-9 * (weights * d_near).sum():
                is_medoid[medoids[i]] = False
                is_medoid[x] = True
                medoids[i] = x
                assign(distances, medoids, near, d_near, d_second)
                since_swap = 0
        since_swap += 1
        x = (x + 1) % n
    return float((weights * d_near).sum())


@compiled
def assign(
    distances: Floats,
    medoids: NDArray[np.int64],
    near: NDArray[np.int64],
    d_near: NDArray[np.float64],
    d_second: NDArray[np.float64],
) -> None:
    """Write the nearest medoid of each point, and the distances to it and to the second one."""
    d_near[:] = np.inf
    d_second[:] = np.inf
    for i in range(len(medoids)):
        row = distances[medoids[i]]
        for o in range(len(near)):
            if row[o] < d_near[o]:
                d_second[o] = d_near[o]
                d_near[o] = row[o]
                near[o] = i
            elif row[o] < d_second[o]:
                d_second[o] = row[o]
