import pickle

import numpy as np
import pytest

from cgraph.clustering.result import Clustering
from cgraph.errors import ArgumentError

FIELDS = {
    "labels": [0, 1, 0],
    "medoids": [2, 1],
    "quality": {"silhouette": 0.25},
    "names": ("a", "b", "c"),
    "method": "kmeans",
    "metric": "hellinger",
}


def test_what_it_tells():
    clustering = Clustering(**FIELDS)
    assert clustering.n_clusters == 2
    assert len(clustering) == 3
    assert clustering.sizes.tolist() == [2, 1]
    assert clustering.members(0).tolist() == [0, 2]
    frame = clustering.to_frame()
    assert frame["name"].tolist() == ["a", "b", "c"]
    assert frame["cluster"].tolist() == [0, 1, 0]
    assert frame["is_medoid"].tolist() == [False, True, True]
    assert "2 clusters of 3 programs by kmeans" in repr(clustering)
    assert "silhouette 0.250" in repr(clustering)


def test_it_is_a_value():
    clustering = Clustering(**FIELDS)
    with pytest.raises(AttributeError):
        clustering.labels = np.zeros(3)
    with pytest.raises(ValueError, match="read-only"):
        clustering.labels[0] = 1
    again = pickle.loads(pickle.dumps(clustering))
    assert np.array_equal(again.labels, clustering.labels)
    assert again.quality == clustering.quality


@pytest.mark.parametrize(
    ("change", "quoted"),
    [
        ({"labels": [0, 1]}, r"labels must be whole numbers of shape \(3,\), got shape \(2,\)"),
        ({"labels": [0, 1, 2]}, "labels must hold whole numbers, from 0 to 1, got 2"),
        ({"labels": [0, 0, 0]}, "leave no cluster empty"),
        ({"medoids": [1, 2]}, r"medoids must lie in their clusters, got \[1 2\]"),
        ({"medoids": [0, 3]}, "medoids must lie in their clusters"),
    ],
)
def test_errors(change, quoted):
    with pytest.raises(ArgumentError, match=quoted):
        Clustering(**(FIELDS | change))
    with pytest.raises(ArgumentError, match=r"from 0 to 1, got 2"):
        Clustering(**FIELDS).members(2)
