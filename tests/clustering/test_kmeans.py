import numpy as np
import pytest

from cgraph.clustering.kmeans import fill_empty, weighted_k_means


def test_weights_move_the_clusters():
    features = np.array([[0.0], [1.0], [3.0], [4.2]])
    light = weighted_k_means(features, np.ones(4), 2, 0)
    assert light[0] == light[1] != light[2] == light[3]
    heavy = weighted_k_means(features, np.array([100.0, 100, 1, 1]), 2, 0)
    assert heavy[0] != heavy[1] == heavy[2] == heavy[3] or heavy[0] == heavy[1]
    copies = weighted_k_means(np.repeat(features, [3, 1, 1, 1], axis=0), np.ones(6), 2, 0)
    weights = weighted_k_means(features, np.array([3.0, 1, 1, 1]), 2, 0)
    assert len(set(copies[2:] * 2 + weights)) == 2


@pytest.mark.parametrize("k", [1, 2, 5])
def test_points_that_coincide_still_fill_every_cluster(k):
    labels = weighted_k_means(np.zeros((5, 2)), np.ones(5), k, 0)
    assert set(labels) == set(range(k))


def test_the_worst_point_fills_an_empty_cluster():
    features = np.array([[0.0], [0.1], [5.0], [9.0]])
    labels = fill_empty(features, np.array([1.0, 1, 1, 9]), np.array([0, 0, 0, 1]), 3)
    assert labels.tolist() == [0, 0, 2, 1]  # the heaviest is alone already
