"""Clusters of programs that were not clustered, by the distance that made the clusters.

Each way keeps what it needs of the programs that were clustered (centres, medoids, or the
programs of a random walk) and gives these programs their own clusters back.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Hashable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cgraph.clustering.grouping import nearest, nearest_centres
from cgraph.clustering.measured import Measured
from cgraph.clustering.walks import extended
from cgraph.distances.features import check_counts, histogram_over
from cgraph.distances.methods import DISTANCES
from cgraph.distances.plans import Floats
from cgraph.graphs.population import Population
from cgraph.parallel import one_thread


class Assigner(ABC):
    """What decides the cluster of a program.

    Attributes
    ----------
    rule : str
        How it decides, in a line.
    share : float
        The share of the programs that were clustered to which the rule gives their own cluster.
    """

    rule: str
    share: float

    @abstractmethod
    def labels(self, x: Population | ArrayLike) -> NDArray[np.int64]:
        """Cluster of each program, shape (n,)."""


@dataclass(frozen=True, slots=True, eq=False)
class NearestCentre(Assigner):
    """The cluster of the nearest centre.

    Parameters
    ----------
    measured : Measured
        One of the programs, which says what they are, and the distance.
    words : tuple or None
        What the columns count, for a population.
    centres : ndarray of float64, shape (k, d) or (k, d + 1)
        Centres of the features of d columns; a last one may stand for programs without kernels.
    clusters : ndarray of int64, shape (k,)
        The cluster of each centre.
    share : float, default=1.0
        See `Assigner`.
    """

    rule = "nearest centre"
    measured: Measured
    words: tuple[Hashable, ...] | None
    centres: NDArray[np.float64]
    clusters: NDArray[np.int64]
    share: float = 1.0

    def labels(self, x: Population | ArrayLike) -> NDArray[np.int64]:
        """Cluster of each program, shape (n,)."""
        programs = self.measured.check(x)
        if not len(programs):
            return np.empty(0, dtype=np.int64)
        features = self._features(programs)
        if features.shape[1] > self.centres.shape[1]:
            padding = np.zeros((len(self.centres), features.shape[1] - self.centres.shape[1]))
            centres = np.concatenate([self.centres, padding], axis=1)
        else:
            centres = self.centres
        return self.clusters[nearest_centres(features, centres)]

    def _features(self, programs: Population | NDArray[np.float64]) -> NDArray[np.float64]:
        """Features in the columns of the centres; what is in others is as far from every centre."""
        how = self.measured.options
        if how.metric == "euclidean":
            assert not isinstance(programs, Population)
            return programs
        embedding = DISTANCES[how.metric].embedding
        assert embedding is not None
        if isinstance(programs, Population):
            assert self.words is not None
            counts, n_known = histogram_over(self.words, programs, how.feature), len(self.words)
        else:
            counts, n_known = check_counts("population", programs), programs.shape[1]
        found = embedding(counts, how.feature, None)
        features = np.zeros((len(found), max(n_known + 1, self.centres.shape[1])))
        features[:, :n_known] = found[:, :n_known]
        if found.shape[1] > counts.shape[1]:  # some program has no kernels
            features[:, n_known] = found[:, -1]
        return features


@dataclass(frozen=True, slots=True, eq=False)
class NearestMedoid(Assigner):
    """The cluster of the nearest medoid.

    Parameters
    ----------
    measured : Measured
        The medoids.
    clusters : ndarray of int64, shape (k,)
        The cluster of each of them.
    share : float, default=1.0
        See `Assigner`.
    """

    rule = "nearest medoid"
    measured: Measured
    clusters: NDArray[np.int64]
    share: float = 1.0

    def labels(self, x: Population | ArrayLike) -> NDArray[np.int64]:
        """Cluster of each program, shape (n,)."""
        found = [self.clusters[nearest(block)] for _, block in self.measured.distances(x)]
        return np.concatenate(found) if found else np.empty(0, dtype=np.int64)


@dataclass(frozen=True, slots=True, eq=False)
class WalkExtension(Assigner):
    """The nearest centre among eigenvectors that a random walk extends to other programs.

    Parameters
    ----------
    measured : Measured
        The programs that the walk steps to: landmarks, or all that were clustered.
    weights : ndarray of float64, shape (m,)
        How much each of them counts.
    steps : ndarray of float64, shape (m, d)
        What a step to each adds to the coordinates of a program.
    scale : float
        Of the affinities.
    centres : ndarray of float64, shape (k, d)
        Centres of the clusters among the coordinates.
    clusters : ndarray of int64, shape (k,)
        The cluster of each of them.
    own : ndarray of float64, shape (m,), optional
        What of `weights` is one program itself; see `cgraph.clustering.walks.chances`.
    share : float, default=1.0
        See `Assigner`.
    """

    rule = "nearest centre among eigenvectors, extended by the walk"
    measured: Measured
    weights: NDArray[np.float64]
    steps: NDArray[np.float64]
    scale: float
    centres: NDArray[np.float64]
    clusters: NDArray[np.int64]
    own: NDArray[np.float64] | None = None
    share: float = 1.0

    def labels(self, x: Population | ArrayLike) -> NDArray[np.int64]:
        """Cluster of each program, shape (n,)."""
        found = [np.empty(0, dtype=np.int64)]
        for _, block in self.measured.distances(x):
            with one_thread():
                found.append(self.at(block))
        return np.concatenate(found)

    def at(self, distances: Floats) -> NDArray[np.int64]:
        """Cluster of programs at given distances, shape (n, m)."""
        coordinates = extended(distances, self.steps, self.scale, self.weights, self.own)
        return self.clusters[nearest_centres(coordinates, self.centres)]
