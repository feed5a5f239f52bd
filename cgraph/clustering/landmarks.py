"""Clusters and coordinates from distances to a few landmarks, where all pairs are too many.

Half a million programs have 10^11 pairs, but 10^8 distances to 256 of them. The clusters are those
of the walk that goes from a program to a landmark, by affinity, and from there to a program: it
needs no distance between two programs, and its spectrum is that of a matrix of the landmarks.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cgraph import checks
from cgraph.clustering.measured import Measured
from cgraph.clustering.sources import MetricOptions
from cgraph.clustering.spectral import SCALE_OVER_MEDIAN, leading_eigenvectors
from cgraph.clustering.walks import BLOCK, chances, extended
from cgraph.distances._loops import distinct_rows
from cgraph.distances.disk import save_distances
from cgraph.distances.features import check_counts
from cgraph.distances.journal import read_certainty
from cgraph.distances.matrix import distance_table
from cgraph.distances.plans import Certainty, Floats, Progress
from cgraph.graphs.population import Population

if TYPE_CHECKING:
    from cgraph.distances.edit.costs import EditCosts


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class LandmarkTable:
    """Distances of programs to landmarks.

    Parameters
    ----------
    values : ndarray of shape (a, m)
        Distance to each landmark of the a programs that the landmarks tell apart.
    index : ndarray of int64, shape (n,)
        Row of each program.
    landmarks : ndarray of int64, shape (m,)
        The landmarks, as positions among the n programs, ascending.
    names : tuple of str, length n
        Name of each program.
    metric : str
        The distance.
    measured : Measured, optional
        The landmarks themselves, to measure other programs from.
    certainty : Certainty, optional
        How many of the distances are proved, for a metric that may leave some open.
    """

    values: Floats
    index: NDArray[np.int64]
    landmarks: NDArray[np.int64]
    names: tuple[str, ...]
    metric: str
    measured: Measured | None = None
    certainty: Certainty | None = None

    def __len__(self) -> int:
        return len(self.index)

    def __repr__(self) -> str:
        return (
            f"LandmarkTable({self.metric} of {len(self):,} programs, {len(self.values):,} of them "
            f"distinct, to {len(self.landmarks):,} landmarks)"
        )


def landmark_table(
    x: Population | ArrayLike,
    n_landmarks: int,
    metric: str = "edit",
    *,
    random_state: int = 0,
    feature: str = "kernels",
    costs: EditCosts | None = None,
    n_jobs: int = -1,
    path: str | Path | None = None,
    progress: Progress | None = None,
) -> LandmarkTable:
    """Distances of all programs to some of them, drawn at random.

    Parameters
    ----------
    x : Population or array-like
        The programs, as for `cgraph.pairwise_distances`.
    n_landmarks : int
        m, from 2 to the number of programs. They are drawn uniformly without replacement.
    metric : str, default="edit"
        A name in `DISTANCES`.
    random_state : int, default=0
        Seed of the draw.
    feature, costs, n_jobs
        As for `cgraph.pairwise_distances`.
    path : path, optional
        A ``.npy`` file that keeps the distances while they come, as `save_distances` does: the
        same call goes on where another was stopped.
    progress : callable, optional
        Called with the number of distances done and the number of all.

    Returns
    -------
    LandmarkTable
        Of n m distances in single precision. Programs that no landmark tells apart are one row.

    Raises
    ------
    ArgumentError
        If `n_landmarks` is out of range, or the programs do not fit the metric.

    Examples
    --------
    >>> landmark_table([[4, 0], [0, 1], [2, 0], [1, 1]], 2, "hellinger")
    LandmarkTable(hellinger of 4 programs, 3 of them distinct, to 2 landmarks)
    """
    programs = x if isinstance(x, Population) else check_counts("x", x)
    n = len(programs)
    if progress is not None:
        checks.function("progress", progress)
    n_landmarks = checks.whole("n_landmarks", n_landmarks, 2, n)
    rng = np.random.default_rng(checks.seed("random_state", random_state))
    drawn = rng.choice(n, size=n_landmarks, replace=False)
    landmarks = np.sort(drawn).astype(np.int64)
    options: dict[str, Any] = {
        "dtype": np.float32, "feature": feature, "costs": costs, "n_jobs": n_jobs,
        "progress": progress,
    }  # fmt: skip
    chosen = programs[landmarks]
    if path is None:
        found = distance_table(programs, metric, chosen, **options)
        certainty = found.certainty
        distances = found.values[found.rows][:, found.columns]
    else:
        distances = save_distances(path, programs, metric, chosen, **options)
        certainty = read_certainty(Path(path))
    first, index = distinct_rows(distances)
    values = distances if len(first) == n else distances[first]
    names = x.names if isinstance(x, Population) else tuple(map(str, range(n)))
    measured = Measured(chosen, MetricOptions(metric, feature, costs, n_jobs), is_single=True)
    return LandmarkTable(values, index, landmarks, names, metric, measured, certainty)


def default_scale(table: LandmarkTable) -> float:
    """`SCALE_OVER_MEDIAN` times the median positive distance between landmarks; 1 without one."""
    between = table.values[table.index[table.landmarks]]
    positive = between[between > 0]
    return SCALE_OVER_MEDIAN * float(np.median(positive)) if len(positive) else 1.0


def spectral_coordinates(
    table: LandmarkTable, n_components: int, scale: float
) -> NDArray[np.float64]:
    """Leading eigenvectors of the walk from programs to landmarks and back; see `spectral_steps`.

    Returns
    -------
    ndarray of float64, shape (a, n_components)
        Entry of a program in each eigenvector.
    """
    return extended(table.values, spectral_steps(table, n_components, scale), scale)


def spectral_steps(table: LandmarkTable, n_components: int, scale: float) -> NDArray[np.float64]:
    """What a step to each landmark adds to the coordinates of a program.

    Parameters
    ----------
    table : LandmarkTable
        Distances d of a distinct programs to m landmarks.
    n_components : int
        How many, at most m; the first is constant.
    scale : float
        The distance at which the affinity exp(-(d / scale)^2) has fallen to exp(-1), above 0.

    Returns
    -------
    ndarray of float64, shape (m, n_components)
        The mean of them over the step of a program is its entry in each eigenvector.

    Notes
    -----
    A program steps to a landmark with chance p, its affinity over the sum of its affinities, and
    a landmark to a program in proportion to that program's p. With weights w of the programs and
    the mass c = sum of w p of each landmark, the walk is that of the affinity p C^-1 p', whose
    degrees are all 1 [1]_. Its eigenvectors are the left singular vectors of
    W^(1/2) p C^(-1/2), from an m x m matrix.

    References
    ----------
    .. [1] X. Chen and D. Cai, Large scale spectral clustering with landmark-based representation,
       2011.
    """
    weights = np.bincount(table.index, minlength=len(table.values)).astype(np.float64)
    mass = np.zeros(len(table.landmarks))
    gram = np.zeros((len(mass), len(mass)))
    for rows, chance in chances(table.values, scale):
        mass += weights[rows] @ chance
        gram += (chance * weights[rows, None]).T @ chance
    root = np.sqrt(np.where(mass > 0, mass, 1.0))
    gram /= root
    gram /= root[:, None]
    vectors = leading_eigenvectors(gram, n_components)
    values = np.einsum("ik,ij,jk->k", vectors, gram, vectors, optimize=True)
    steps: NDArray[np.float64] = vectors / root[:, None] / np.sqrt(np.maximum(values, 1e-300))
    return steps


def planar_coordinates(table: LandmarkTable, n_components: int) -> NDArray[np.float64]:
    """Coordinates whose Euclidean distances approximate those of the table.

    Parameters
    ----------
    table : LandmarkTable
        Distances of a distinct programs to m landmarks.
    n_components : int
        How many.

    Returns
    -------
    ndarray of float64, shape (a, n_components)
        Classical scaling of the landmarks, and every program where its distances to them put it
        [1]_. Coordinates that the landmarks do not fill are 0.

    References
    ----------
    .. [1] V. de Silva and J. B. Tenenbaum, Sparse multidimensional scaling using landmark points,
       2004.
    """
    squares = np.square(table.values[table.index[table.landmarks]], dtype=np.float64)
    squares = (squares + squares.T) / 2
    mean = squares.mean(axis=0)
    products = -0.5 * (squares - mean - mean[:, None] + mean.mean())
    kept = min(n_components, len(products))
    vectors = leading_eigenvectors(products, kept)
    values = np.einsum("ik,ij,jk->k", vectors, products, vectors, optimize=True)
    is_filled = values > 1e-9 * max(values.max(initial=0.0), 1e-300)
    steps = np.where(is_filled, vectors / np.sqrt(np.where(is_filled, values, 1.0)), 0.0)
    coordinates = np.zeros((len(table.values), n_components))
    for rows in _blocks(len(table.values)):
        apart = np.square(table.values[rows], dtype=np.float64)
        coordinates[rows, :kept] = 0.5 * (mean - apart) @ steps
    return coordinates


def landmark_silhouette(table: LandmarkTable, labels: NDArray[np.int64]) -> float | None:
    """Mean silhouette of the landmarks, by their distances to each other.

    Parameters
    ----------
    table : LandmarkTable
        The distances.
    labels : ndarray of int64, shape (n,)
        Cluster of each program.

    Returns
    -------
    float or None
        In [-1, 1]; None where all landmarks are in one cluster, or each is alone in its own.
    """
    from sklearn.metrics import silhouette_score

    own = labels[table.landmarks]
    between = table.values[table.index[table.landmarks]].astype(np.float64)
    between = (between + between.T) / 2
    np.fill_diagonal(between, 0.0)
    if not 2 <= len(np.unique(own)) < len(own):
        return None
    return float(silhouette_score(between, own, metric="precomputed"))


def _blocks(n: int) -> Iterator[slice]:
    for start in range(0, n, BLOCK):
        yield slice(start, min(start + BLOCK, n))
