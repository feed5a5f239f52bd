"""What a method of clustering finds: clusters of points, and what decides which is nearest.

The clusters of the points are those that the rule gives back, so that a program that was not
there gets its cluster by the same rule.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cgraph.distances.plans import Floats

_AS_NEAR = 1e-9  # relative; distances that differ by less are equal, and the first one counts


@dataclass(frozen=True, slots=True, eq=False)
class Grouping:
    """Clusters of points, numbered as the method does.

    Parameters
    ----------
    labels : ndarray of int64, shape (a,)
        Cluster of each point; none is empty.
    centres : ndarray of float64, shape (k, d), optional
        Centre of each cluster, among features or eigenvectors.
    medoids : ndarray of int64, shape (k,), optional
        The point that each cluster is nearest to.
    steps : ndarray of float64, shape (a, d), optional
        For spectral clustering: what a step to each point adds to the coordinates of a program.
    """

    labels: NDArray[np.int64]
    centres: NDArray[np.float64] | None = None
    medoids: NDArray[np.int64] | None = None
    steps: NDArray[np.float64] | None = None


def nearest(distances: Floats) -> NDArray[np.int64]:
    """The column of the least distance of each row, shape (n,); the first of equal ones.

    Parameters
    ----------
    distances : ndarray of shape (n, k)
        Distances, or their squares.
    """
    least = distances.min(axis=1, keepdims=True)
    near: NDArray[np.int64] = np.argmax(distances <= least * (1 + _AS_NEAR), axis=1)
    return near


def nearest_centres(
    features: NDArray[np.float64], centres: NDArray[np.float64]
) -> NDArray[np.int64]:
    """Number of the centre nearest to each row, shape (n,)."""
    squares = np.empty((len(features), len(centres)))
    for i, centre in enumerate(centres):
        squares[:, i] = np.square(features - centre).sum(axis=1)
    return nearest(squares)


def settle(
    features: NDArray[np.float64],
    weights: NDArray[np.float64],
    labels: NDArray[np.int64],
    n_clusters: int,
) -> Grouping:
    """The centres of clusters, and for each point the nearest one of them.

    Labels of a k-means that has converged are so already, but for points between two centres.
    """
    centres = np.zeros((n_clusters, features.shape[1]))
    np.add.at(centres, labels, features * weights[:, None])
    centres /= np.bincount(labels, weights, minlength=n_clusters)[:, None]
    found = nearest_centres(features, centres)
    is_full = (np.bincount(found, minlength=n_clusters) > 0).all()
    return Grouping(found if is_full else labels, centres=centres)
