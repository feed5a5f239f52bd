"""From what a caller has (programs, counts, features, a matrix) to the points of a clustering."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cgraph import checks
from cgraph.clustering.points import (
    Points,
    check_distances,
    points_of_features,
    points_of_matrix,
    points_of_table,
)
from cgraph.distances.edit.costs import check_costs
from cgraph.distances.features import FEATURES, check_counts
from cgraph.distances.matrix import distance_table
from cgraph.distances.methods import DISTANCES
from cgraph.distances.plans import Progress
from cgraph.errors import ArgumentError
from cgraph.graphs.population import Population

if TYPE_CHECKING:
    from cgraph.distances.edit.costs import EditCosts

Needs = Literal["features", "distances"]


@dataclass(frozen=True, slots=True)
class MetricOptions:
    """How distances are computed; see `pairwise_distances`.

    Parameters
    ----------
    metric : str
        A name in `DISTANCES`, "euclidean" for features, or "precomputed" for a matrix.
    feature : str
        What a metric of usage counts.
    costs : EditCosts or None
        Costs of edits.
    n_jobs : int
        Number of threads.
    """

    metric: str
    feature: str
    costs: EditCosts | None
    n_jobs: int


def points_of(
    x: Population | ArrayLike,
    weights: NDArray[np.float64],
    needs: Needs,
    options: MetricOptions,
    progress: Progress | None = None,
) -> Points:
    """The distinct programs of what a caller gave, with what a method needs to know of them.

    Raises
    ------
    UnknownNameError
        If the metric is none of the known ones.
    ArgumentError
        If `x` does not fit the metric, or the metric has no features where they are needed.
    """
    metric = options.metric
    checks.choice("metric", metric, [*DISTANCES, *ARRAYS])
    FEATURES[options.feature]  # an unknown name is an error of its own
    check_costs(options.costs)
    if needs == "features" and metric not in _embedded():
        raise ArgumentError(
            "metric",
            f"be one of {', '.join(_embedded())} for k-means, which needs points",
            repr(metric),
            "spectral clustering and k-medoids work on any distance",
        )
    if metric in ARRAYS:
        if options.costs is not None or options.feature != "kernels":
            raise ArgumentError(
                "costs and feature", "be left out where distances do not need them", metric
            )
        points = ARRAYS[metric](x, weights)
    elif needs == "features":
        embedding = DISTANCES[metric].embedding
        assert embedding is not None
        programs = x if isinstance(x, Population) else check_counts("x", x)
        points = points_of_features(embedding(programs, options.feature, None), weights)
    else:
        table = distance_table(
            x, metric, feature=options.feature, costs=options.costs, n_jobs=options.n_jobs,
            progress=progress,
        )  # fmt: skip
        points = points_of_table(table, weights)
    return _with_distances(points) if needs == "distances" else points


def count_programs(x: Population | ArrayLike) -> int:
    """Number of programs that were given."""
    if isinstance(x, Population):
        return len(x)
    if not (isinstance(x, np.ndarray) and x.ndim == 2):
        words = "be a Population or an array of numbers of two dimensions"
        x = checks.numbers("x", x, (None, None), finite=False, words=words)
    return len(x)


def _embedded() -> list[str]:
    return [name for name, method in DISTANCES.items() if method.embedding] + ["euclidean"]


def _with_distances(points: Points) -> Points:
    """The points with their distances written out."""
    if points.distances is not None:
        return points
    values = np.empty((len(points), len(points)))
    for rows, block in points.blocks():
        values[rows] = block
    return Points(points.index, points.first, points.weights, points.features, values)


def _from_features(x: Population | ArrayLike, weights: NDArray[np.float64]) -> Points:
    if isinstance(x, Population):
        raise ArgumentError(
            "x", "be an array of features for the metric 'euclidean'", "a Population"
        )
    features = checks.numbers("x", x, (None, None))
    return points_of_features(features + 0.0, weights)  # a negative zero becomes a zero


def _from_matrix(x: Population | ArrayLike, weights: NDArray[np.float64]) -> Points:
    if isinstance(x, Population):
        raise ArgumentError(
            "x", "be a matrix of distances for the metric 'precomputed'", "a Population"
        )
    return points_of_matrix(check_distances(x), weights)


ARRAYS = {"euclidean": _from_features, "precomputed": _from_matrix}
"""Metrics that are no distances of programs: what the array they go with holds."""
