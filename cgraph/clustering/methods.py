"""The table of clustering methods."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from cgraph.clustering.grouping import Grouping
from cgraph.clustering.kmeans import k_means
from cgraph.clustering.kmedoids import k_medoids
from cgraph.clustering.points import Points
from cgraph.clustering.spectral import spectral
from cgraph.registry import Table


@dataclass(frozen=True, slots=True)
class ClusteringMethod:
    """A way to group points.

    Parameters
    ----------
    name : str
        What it is called.
    function : callable
        From `Points`, the number of clusters and a seed to their `Grouping`; a method with a scale
        takes it as a fourth argument.
    needs : {"features", "distances"}
        What it works on.
    objective : {"inertia", "cost"}
        What its quality tells: the sum of squared distances to centres, or the sum of distances
        to medoids.
    has_scale : bool
        Whether a scale turns distances into affinities.
    has_landmarks : bool
        Whether distances to landmarks may stand in for those of all pairs.
    summary : str
        What it does, in a line.
    source : str
        Where it is defined.
    """

    name: str
    function: Callable[..., Grouping]
    needs: Literal["features", "distances"]
    objective: Literal["inertia", "cost"]
    has_scale: bool
    has_landmarks: bool
    summary: str
    source: str

    def group(
        self, points: Points, n_clusters: int, random_state: int, scale: float | None
    ) -> Grouping:
        """Clusters of points, by the method."""
        if self.has_scale:
            return self.function(points, n_clusters, random_state, scale)
        return self.function(points, n_clusters, random_state)


CLUSTERINGS: Table[ClusteringMethod] = Table(
    "method",
    [
        ClusteringMethod(
            name="kmeans",
            function=k_means,
            needs="features",
            objective="inertia",
            has_scale=False,
            has_landmarks=False,
            summary="k-means on the square roots of usage, where Euclidean is Hellinger",
            source="S. P. Lloyd, Least squares quantization in PCM, 1982; D. Arthur and "
            "S. Vassilvitskii, k-means++: the advantages of careful seeding, 2007",
        ),
        ClusteringMethod(
            name="spectral",
            function=spectral,
            needs="distances",
            objective="cost",
            has_scale=True,
            has_landmarks=True,
            summary="k-means on the leading eigenvectors of the affinity exp(-(d / scale)^2)",
            source="J. Shi and J. Malik, Normalized cuts and image segmentation, 2000; "
            "U. von Luxburg, A tutorial on spectral clustering, 2007",
        ),
        ClusteringMethod(
            name="kmedoids",
            function=k_medoids,
            needs="distances",
            objective="cost",
            has_scale=False,
            has_landmarks=False,
            summary="the k programs with the smallest sum of distances to those nearest to them",
            source="E. Schubert and P. J. Rousseeuw, Fast and eager k-medoids clustering, 2021",
        ),
    ],
)
