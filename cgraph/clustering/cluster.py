"""Clusters of programs, by any method of the table, from any distance."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cgraph import checks
from cgraph.clustering.extending import assigner_of, landmark_assigner
from cgraph.clustering.grouping import settle
from cgraph.clustering.kmeans import weighted_k_means
from cgraph.clustering.landmarks import (
    LandmarkTable,
    landmark_silhouette,
    landmark_table,
    spectral_steps,
)
from cgraph.clustering.landmarks import default_scale as default_landmark_scale
from cgraph.clustering.methods import CLUSTERINGS, ClusteringMethod
from cgraph.clustering.points import Points, check_weights
from cgraph.clustering.quality import assess
from cgraph.clustering.result import Clustering
from cgraph.clustering.sources import MetricOptions, count_programs, points_of
from cgraph.clustering.spectral import default_scale
from cgraph.clustering.walks import extended
from cgraph.clustering.work import landmarks_for
from cgraph.distances.plans import Progress
from cgraph.errors import ArgumentError
from cgraph.graphs.population import Population
from cgraph.parallel import one_thread

if TYPE_CHECKING:
    from cgraph.distances.edit.costs import EditCosts


def cluster(
    x: Population | ArrayLike | LandmarkTable,
    method: str = "kmeans",
    n_clusters: int = 8,
    *,
    random_state: int = 0,
    metric: str = "hellinger",
    weights: ArrayLike | None = None,
    scale: float | None = None,
    feature: str = "kernels",
    costs: EditCosts | None = None,
    n_landmarks: int | None = None,
    n_jobs: int = -1,
    progress: Progress | None = None,
) -> Clustering:
    """Groups of similar programs.

    Parameters
    ----------
    x : Population, array-like or LandmarkTable
        The programs. With the metric "precomputed" their distances, shape (n, n); with
        "euclidean" features, shape (n, d); with a metric of usage also counts, shape (n, K).
        Distances to landmarks bring their own metric.
    method : {"kmeans", "spectral", "kmedoids"}, default="kmeans"
        A name in `CLUSTERINGS`.
    n_clusters : int, default=8
        k; exactly so many clusters come out.
    random_state : int, default=0
        Seed of the starts, >= 0. The same seed gives the same clusters for any number of threads.
    metric : str, default="hellinger"
        A name in `DISTANCES`, "euclidean" or "precomputed". k-means needs points: "hellinger" or
        "euclidean".
    weights : array-like of shape (n,), optional
        How much each program counts, above 0; all alike by default.
    scale : float, optional
        For "spectral": the distance at which the affinity exp(-(d / scale)^2) is exp(-1), above 0.
        By default 0.6 times the median of the positive distances between pairs of programs.
    feature : {"kernels", "bigrams", "neighbourhoods"}, default="kernels"
        What a metric of usage counts.
    costs : EditCosts, optional
        Costs of edits, for the metrics of graphs.
    n_landmarks : int, optional
        For "spectral": how many programs, drawn at random, the distances go to, in place of those
        of all pairs; at least `n_clusters`. The affinity is then that of the walk over the
        landmarks, and the silhouette the mean over them. By default none, but for a metric of
        graphs where the pairs are too many, see `cgraph.clustering.work`.
    n_jobs : int, default=-1
        Threads for the distances; -1 uses every core.
    progress : callable, optional
        Called with the number of distances done and the number of all.

    Returns
    -------
    Clustering
        Clusters are numbered from the largest; of equal ones the one whose first program comes
        first goes first. Programs that the metric cannot tell apart share a cluster.

    Raises
    ------
    UnknownNameError
        If a name is not in its table; lists the near names.
    ArgumentError
        If `n_clusters` is below 1 or above the number of programs that the metric tells apart,
        a matrix of distances is not one, or an argument does not belong to the method.

    Notes
    -----
    The work is done on distinct programs, each with the weight of its copies, and equals that on
    all of them.

    Examples
    --------
    >>> cluster([[4, 0], [0, 3], [8, 0], [7, 1]], n_clusters=2)
    Clustering(2 clusters of 4 programs by kmeans on hellinger; sizes 3, 1; silhouette 0.607)
    """
    return cluster_points(
        x, method, n_clusters, random_state=random_state, metric=metric, weights=weights,
        scale=scale, feature=feature, costs=costs, n_landmarks=n_landmarks, n_jobs=n_jobs,
        progress=progress,
    )[0]  # fmt: skip


def cluster_points(
    x: Population | ArrayLike | LandmarkTable,
    method: str = "kmeans",
    n_clusters: int = 8,
    *,
    random_state: int = 0,
    metric: str = "hellinger",
    weights: ArrayLike | None = None,
    scale: float | None = None,
    feature: str = "kernels",
    costs: EditCosts | None = None,
    n_landmarks: int | None = None,
    n_jobs: int = -1,
    progress: Progress | None = None,
) -> tuple[Clustering, Points | LandmarkTable]:
    """As `cluster`, and what was clustered: points, or distances to landmarks."""
    record = CLUSTERINGS[method]
    n_clusters = checks.whole("n_clusters", n_clusters, 1)
    random_state = checks.seed("random_state", random_state)
    n_jobs = checks.workers("n_jobs", n_jobs)
    if scale is not None and not record.has_scale:
        raise ArgumentError("scale", "go with a method that has one", f"method {method!r}")
    if scale is not None:
        scale = checks.number("scale", scale, above=0)
    if n_landmarks is None and record.has_landmarks and weights is None:
        n_landmarks = landmarks_for(x, metric, n_clusters)
    if n_landmarks is not None or isinstance(x, LandmarkTable):
        _check_landmarks(record, weights)
        if not isinstance(x, LandmarkTable):
            assert n_landmarks is not None
            x = landmark_table(
                x, n_landmarks, metric, random_state=random_state, feature=feature, costs=costs,
                n_jobs=n_jobs, progress=progress,
            )  # fmt: skip
        return cluster_by_landmarks(x, n_clusters, random_state=random_state, scale=scale), x
    n = count_programs(x)
    options = MetricOptions(metric, feature, costs, n_jobs)
    points = points_of(x, check_weights(weights, n), record.needs, options, progress)
    if n_clusters > len(points):
        raise ArgumentError(
            "n_clusters",
            f"be at most {len(points)}, the number of programs that {metric!r} tells apart",
            n_clusters,
            "ask for fewer clusters, or use a metric that tells more programs apart",
        )
    # One thread: the last digits of sums depend on how many there are, and where it is close the
    # clusters depend on the last digits.
    with one_thread():
        if record.has_scale and scale is None:
            scale = default_scale(points)
        found = record.group(points, n_clusters, random_state, scale)
        labels = renumber(points, found.labels, n_clusters)
        assessment = assess(points, labels, n_clusters, record.objective)
        assigner = assigner_of(x, options, points, found, labels, scale)
    quality: dict[str, float] = {record.objective: assessment.objective}
    if assessment.silhouette is not None:
        quality["silhouette"] = assessment.silhouette
    return Clustering(
        labels=labels[points.index],
        medoids=points.first[assessment.medoids],
        quality=quality,
        names=x.names if isinstance(x, Population) else tuple(map(str, range(n))),
        method=method,
        metric=metric,
        random_state=random_state,
        n_distinct=len(points),
        parameters={} if scale is None else {"scale": float(scale)},
        assigner=assigner,
        certainty=points.certainty,
    ), points


def cluster_by_landmarks(
    table: LandmarkTable, n_clusters: int, *, random_state: int = 0, scale: float | None = None
) -> Clustering:
    """Spectral clusters of programs by their distances to landmarks.

    Parameters
    ----------
    table : LandmarkTable
        The distances.
    n_clusters : int
        k, at most the number of landmarks and of distinct programs.
    random_state : int, default=0
        Seed of the starts.
    scale : float, optional
        As for `cluster`; by default from the distances between landmarks.

    Returns
    -------
    Clustering
        The medoid of a cluster is its program nearest to the centre among the eigenvectors;
        "inertia" is measured there, "silhouette" is the mean over the landmarks.

    Raises
    ------
    ArgumentError
        If `n_clusters` is too large.
    """
    most = min(len(table.landmarks), len(table.values))
    if n_clusters > most:
        raise ArgumentError(
            "n_clusters",
            f"be at most {most}, the number of landmarks and of programs told apart",
            n_clusters,
            "take more landmarks",
        )
    scale = default_landmark_scale(table) if scale is None else scale
    weights = np.bincount(table.index, minlength=len(table.values)).astype(np.float64)
    _, first = np.unique(table.index, return_index=True)
    with one_thread():
        steps = spectral_steps(table, n_clusters, scale)
        coordinates = extended(table.values, steps, scale)
        points = Points(table.index, first, weights, coordinates, None)
        starts = weighted_k_means(coordinates, weights, n_clusters, random_state)
        found = settle(coordinates, weights, starts, n_clusters)
        labels = renumber(points, found.labels, n_clusters)
        medoids, inertia = _nearest_to_centres(points, labels, n_clusters)
        assigner = landmark_assigner(table, replace(found, steps=steps), labels, scale)
    labels = labels[points.index]
    quality = {"inertia": inertia}
    silhouette = landmark_silhouette(table, labels)
    if silhouette is not None:
        quality["silhouette"] = silhouette
    return Clustering(
        labels=labels,
        medoids=first[medoids],
        quality=quality,
        names=table.names,
        method="spectral",
        metric=table.metric,
        random_state=random_state,
        n_distinct=len(points),
        parameters={"scale": float(scale), "n_landmarks": len(table.landmarks)},
        assigner=assigner,
        certainty=table.certainty,
    )


def renumber(points: Points, labels: NDArray[np.int64], n_clusters: int) -> NDArray[np.int64]:
    """Labels of points with clusters numbered by falling number of programs, then by first one."""
    of_program = labels[points.index]
    sizes = np.bincount(of_program, minlength=n_clusters)
    assert (sizes > 0).all(), "a method left a cluster empty"
    assert len(sizes) == n_clusters, "a method made a cluster too many"
    _, first = np.unique(of_program, return_index=True)
    order = np.lexsort((first, -sizes))
    place = np.empty(n_clusters, dtype=np.int64)
    place[order] = np.arange(n_clusters)
    return place[labels]


def _nearest_to_centres(
    points: Points, labels: NDArray[np.int64], n_clusters: int
) -> tuple[NDArray[np.int64], float]:
    """The point of each cluster that is nearest to its centre, and the inertia."""
    features, weights = points.features, points.weights
    assert features is not None
    centres = np.empty((n_clusters, features.shape[1]))
    for k in range(n_clusters):
        own = labels == k
        centres[k] = np.average(features[own], axis=0, weights=weights[own])
    apart = np.square(features - centres[labels]).sum(axis=1)
    order = np.lexsort((np.arange(len(points)), np.round(apart, 12), labels))
    medoids = order[np.searchsorted(labels[order], np.arange(n_clusters))]
    return medoids, float(weights @ apart)


def _check_landmarks(record: ClusteringMethod, weights: ArrayLike | None) -> None:
    if not record.has_landmarks:
        able = ", ".join(name for name, method in CLUSTERINGS.items() if method.has_landmarks)
        raise ArgumentError("n_landmarks", f"go with the method {able}", f"method {record.name!r}")
    if weights is not None:
        raise ArgumentError("weights", "be left out where there are landmarks", "some")
