"""K-means on points that weigh as many programs as they stand for."""

from __future__ import annotations

import warnings

import numpy as np
from numpy.typing import NDArray

from cgraph.clustering.grouping import Grouping, settle
from cgraph.clustering.points import Points

N_STARTS = 10


def k_means(points: Points, n_clusters: int, random_state: int) -> Grouping:
    """Clusters of weighted points that minimise the squared distances to their centres.

    Parameters
    ----------
    points : Points
        With features.
    n_clusters : int
        k, at most the number of points.
    random_state : int
        Seed of the starts.

    Returns
    -------
    Grouping
        With centres.
    """
    assert points.features is not None
    labels = weighted_k_means(points.features, points.weights, n_clusters, random_state)
    return settle(points.features, points.weights, labels, n_clusters)


def weighted_k_means(
    features: NDArray[np.float64],
    weights: NDArray[np.float64],
    n_clusters: int,
    random_state: int,
) -> NDArray[np.int64]:
    """Labels by scikit-learn's k-means, best of `N_STARTS` starts; no cluster is empty."""
    from sklearn.cluster import KMeans
    from sklearn.exceptions import ConvergenceWarning

    estimator = KMeans(n_clusters, n_init=N_STARTS, random_state=random_state)
    with warnings.catch_warnings():
        # Points that coincide leave clusters empty; they are filled below.
        warnings.simplefilter("ignore", ConvergenceWarning)
        labels = estimator.fit(features, sample_weight=weights).labels_.astype(np.int64)
    return fill_empty(features, weights, labels, n_clusters)


def fill_empty(
    features: NDArray[np.float64],
    weights: NDArray[np.float64],
    labels: NDArray[np.int64],
    n_clusters: int,
) -> NDArray[np.int64]:
    """Labels where every empty cluster has got the point that fits worst where it was.

    That is the point with the largest weighted squared distance to the centre of its cluster,
    among clusters of several points; the first such point where several are as bad.
    """
    labels = labels.copy()
    for empty in np.flatnonzero(np.bincount(labels, minlength=n_clusters) == 0):
        n_points = np.bincount(labels, minlength=n_clusters)
        total = np.bincount(labels, weights, minlength=n_clusters)
        centres = np.zeros((n_clusters, features.shape[1]))
        np.add.at(centres, labels, features * weights[:, None])
        centres /= np.where(total > 0, total, 1.0)[:, None]
        misfit = weights * ((features - centres[labels]) ** 2).sum(axis=1)
        misfit[n_points[labels] == 1] = -1.0
        labels[np.argmax(misfit)] = empty
    return labels
