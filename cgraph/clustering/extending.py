"""From clusters that a method found to what gives other programs theirs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cgraph.clustering.assigning import Assigner, NearestCentre, NearestMedoid, WalkExtension
from cgraph.clustering.grouping import Grouping
from cgraph.clustering.landmarks import LandmarkTable
from cgraph.clustering.measured import Measured
from cgraph.clustering.points import Points
from cgraph.clustering.sources import MetricOptions
from cgraph.distances.features import categories
from cgraph.graphs.population import Population


def assigner_of(
    x: Population | ArrayLike,
    options: MetricOptions,
    points: Points,
    found: Grouping,
    labels: NDArray[np.int64],
    scale: float | None,
) -> Assigner | None:
    """What gives other programs the clusters of these; None where only distances are known.

    Parameters
    ----------
    x : Population or array-like
        The programs.
    options : MetricOptions
        The distance.
    points : Points
        The distinct ones of the programs.
    found : Grouping
        What the method found.
    labels : ndarray of int64, shape (a,)
        The clusters of the points under their final numbers.
    scale : float or None
        Of the affinities, where there are some.
    """
    if options.metric == "precomputed":
        return None
    programs = x if isinstance(x, Population) else np.asarray(x, dtype=np.float64)
    clusters = _final_numbers(found.labels, labels)
    if found.medoids is not None:
        kept = Measured(programs[points.first[found.medoids]], options)
        return NearestMedoid(kept, clusters)
    assert found.centres is not None
    if found.steps is None:
        words = categories(x, options.feature) if isinstance(x, Population) else None
        kept = Measured(programs[:1], options)
        return NearestCentre(kept, words, found.centres, clusters)
    assert scale is not None
    kept = Measured(programs[points.first], options)
    made = WalkExtension(
        kept, points.weights, found.steps, scale, found.centres, clusters, points.own_weights
    )
    return _with_share(made, points, labels)


def landmark_assigner(
    table: LandmarkTable, found: Grouping, labels: NDArray[np.int64], scale: float
) -> Assigner | None:
    """What gives other programs the clusters of a table of distances to landmarks."""
    if table.measured is None:
        return None
    assert found.centres is not None
    assert found.steps is not None
    return WalkExtension(
        table.measured,
        np.ones(len(table.landmarks)),
        found.steps,
        scale,
        found.centres,
        _final_numbers(found.labels, labels),
    )


def _with_share(made: WalkExtension, points: Points, labels: NDArray[np.int64]) -> WalkExtension:
    """The same with the share of programs to which it gives their own clusters."""
    agrees = np.empty(len(points), dtype=bool)
    for rows, distances in points.blocks():
        agrees[rows] = made.at(distances) == labels[rows]
    n_programs = np.bincount(points.index, minlength=len(points))
    return replace(made, share=float(np.average(agrees, weights=n_programs)))


def _final_numbers(found: NDArray[np.int64], labels: NDArray[np.int64]) -> NDArray[np.int64]:
    """The final number of each cluster of a method."""
    numbers = np.empty(int(found.max()) + 1, dtype=np.int64)
    numbers[found] = labels
    return numbers
