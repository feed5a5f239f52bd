from itertools import combinations

import numpy as np
import pytest

from cgraph.clustering.cluster import cluster
from cgraph.clustering.kmedoids import swap_medoids


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("k", [1, 2, 3])
def test_nearly_as_good_as_the_best_of_all_choices(seed, k):
    rng = np.random.default_rng(seed)
    points = rng.random((10, 2))
    distances = np.linalg.norm(points[:, None] - points, axis=-1)
    weights = rng.integers(1, 4, 10).astype(float)
    found = cluster(distances, "kmedoids", k, metric="precomputed", weights=weights)
    best = min(
        (distances[list(chosen)].min(axis=0) * weights).sum()
        for chosen in combinations(range(10), k)
    )
    assert best - 1e-9 <= found.quality["cost"] <= 1.01 * best


def test_no_swap_helps_where_it_stops():
    rng = np.random.default_rng(0)
    points = rng.random((40, 2))
    distances = np.linalg.norm(points[:, None] - points, axis=-1)
    weights = np.ones(40)
    medoids = np.arange(4)
    cost = swap_medoids(distances, weights, medoids)
    assert cost == pytest.approx(distances[medoids].min(axis=0).sum())
    for i in range(4):
        for x in range(40):
            other = medoids.copy()
            other[i] = x
            assert distances[other].min(axis=0).sum() >= cost - 1e-9
