"""Programs in the plane: coordinates that keep their distances as well as few can."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cgraph import checks
from cgraph.clustering.landmarks import LandmarkTable, planar_coordinates
from cgraph.clustering.points import Points, check_weights
from cgraph.clustering.sources import MetricOptions, Needs, count_programs, points_of
from cgraph.clustering.spectral import leading_eigenvectors
from cgraph.distances.methods import DISTANCES
from cgraph.graphs.population import Population
from cgraph.parallel import one_thread

if TYPE_CHECKING:
    from cgraph.distances.edit.costs import EditCosts


MOST_COMPONENTS = 1_000
"""Coordinates of a program at most; more than it has features would all be 0."""


def embed(
    x: Population | ArrayLike | LandmarkTable,
    metric: str = "hellinger",
    n_components: int = 2,
    *,
    weights: ArrayLike | None = None,
    feature: str = "kernels",
    costs: EditCosts | None = None,
    n_jobs: int = -1,
) -> NDArray[np.float64]:
    """Coordinates of programs whose Euclidean distances approximate a metric.

    Parameters
    ----------
    x, metric
        As for `cgraph.cluster`.
    n_components : int, default=2
        Number of coordinates, at least 1.
    weights, feature, costs, n_jobs
        As for `cgraph.cluster`.

    Returns
    -------
    ndarray of float64, shape (n, n_components)
        Principal components where the metric has points of its own ("hellinger", "euclidean"),
        and classical scaling, which is the same for such metrics, for any other. Centred at the
        weighted mean; the spread falls from the first coordinate to the last. Coordinates that
        the programs do not fill are 0. From distances to landmarks: classical scaling of the
        landmarks, and every program where its distances to them put it.

    Raises
    ------
    UnknownNameError, ArgumentError
        As `cgraph.cluster`.

    References
    ----------
    .. [1] W. S. Torgerson, Multidimensional scaling: I. Theory and method, 1952.

    Examples
    --------
    >>> embed([[1, 0], [1, 0], [0, 1]], n_components=1).round(3).tolist()
    [[-0.333], [-0.333], [0.667]]
    """
    n_components = checks.whole("n_components", n_components, 1, MOST_COMPONENTS)
    n_jobs = checks.workers("n_jobs", n_jobs)
    if isinstance(x, LandmarkTable):
        return embed_points(x, n_components)
    checks.text("metric", metric)
    has_points = metric == "euclidean" or (
        metric in DISTANCES and DISTANCES[metric].embedding is not None
    )
    needs: Needs = "features" if has_points else "distances"
    options = MetricOptions(metric, feature, costs, n_jobs)
    points = points_of(x, check_weights(weights, count_programs(x)), needs, options)
    return embed_points(points, n_components)


def embed_points(points: Points | LandmarkTable, n_components: int = 2) -> NDArray[np.float64]:
    """As `embed`, of what `cgraph.clustering.cluster.cluster_points` gives."""
    if isinstance(points, LandmarkTable):
        with one_thread():
            return _oriented(planar_coordinates(points, n_components))[points.index]
    has_points = points.features is not None
    with one_thread():
        operator = _scatter(points) if has_points else _scalar_products(points)
        kept = min(n_components, len(operator))
        vectors = leading_eigenvectors(operator, kept) if kept else np.empty((0, 0))
    values = np.einsum("ik,ij,jk->k", vectors, operator, vectors, optimize=True)
    result = np.zeros((len(points), n_components))
    if has_points:
        result[:, :kept] = _centred(points) @ vectors
    else:
        vectors = vectors / np.sqrt(points.weights)[:, None]
        result[:, :kept] = vectors * np.sqrt(np.maximum(values, 0.0))
    return _oriented(result)[points.index]


def _centred(points: Points) -> NDArray[np.float64]:
    assert points.features is not None
    if not len(points):
        return points.features
    mean = np.average(points.features, axis=0, weights=points.weights)
    centred: NDArray[np.float64] = points.features - mean
    return centred


def _scatter(points: Points) -> NDArray[np.float64]:
    """Weighted scatter of the features, shape (d, d)."""
    centred = _centred(points)
    scatter: NDArray[np.float64] = (centred * points.weights[:, None]).T @ centred
    return scatter


def _scalar_products(points: Points) -> NDArray[np.float64]:
    """Scalar products sqrt(w_a) x_a x_b sqrt(w_b) of centred points with the given distances."""
    assert points.distances is not None
    share = points.weights / points.weights.sum()
    products = np.square(points.distances, dtype=np.float64)
    mean = products @ share
    products -= mean
    products -= mean[:, None] - share @ mean
    products *= -0.5 * np.sqrt(points.weights)
    products *= np.sqrt(points.weights)[:, None]
    return products


def _oriented(coordinates: NDArray[np.float64]) -> NDArray[np.float64]:
    """Coordinates whose entry of largest magnitude is positive in each column."""
    if not len(coordinates):
        return coordinates
    largest = np.argmax(np.round(np.abs(coordinates), 9), axis=0)
    signs = np.where(coordinates[largest, np.arange(coordinates.shape[1])] < 0, -1.0, 1.0)
    return coordinates * signs
