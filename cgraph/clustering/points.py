"""What is clustered: the programs that a metric tells apart, with their weights.

Equal programs are one point that weighs more. Everything downstream (centres, spectra,
silhouettes, medoids) is computed on these points so that it equals, exactly, what the full set of
programs would give.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cgraph import checks
from cgraph.distances._loops import distinct_rows
from cgraph.distances.plans import Certainty, DistanceTable, Floats
from cgraph.distances.usage import euclidean_tile
from cgraph.errors import ArgumentError

BLOCK = 512


@dataclass(frozen=True, slots=True, eq=False)
class Points:
    """Distinct programs with weights, by their features or by their distances.

    Parameters
    ----------
    index : ndarray of int64, shape (n,)
        Point of each program.
    first : ndarray of int64, shape (a,)
        First program of each point.
    weights : ndarray of float64, shape (a,)
        Sum of the weights of the programs of each point.
    features : ndarray of float64, shape (a, d), or None
        Coordinates whose Euclidean distances are the distances.
    distances : ndarray of shape (a, a), or None
        Distances; None where they follow from the features.
    certainty : Certainty, optional
        How many of the distances are proved, for a metric that may leave some open.
    """

    index: NDArray[np.int64]
    first: NDArray[np.int64]
    weights: NDArray[np.float64]
    features: NDArray[np.float64] | None
    distances: Floats | None
    certainty: Certainty | None = None

    def __len__(self) -> int:
        return len(self.first)

    @property
    def own_weights(self) -> NDArray[np.float64]:
        """Mean weight of a program of each point, shape (a,)."""
        own: NDArray[np.float64] = self.weights / np.bincount(self.index, minlength=len(self))
        return own

    def blocks(self) -> Iterator[tuple[slice, NDArray[np.float64]]]:
        """Distances of some rows to all points, block by block, in float64."""
        columns = None if self.features is None else np.ascontiguousarray(self.features.T)
        for start in range(0, len(self), BLOCK):
            rows = slice(start, min(start + BLOCK, len(self)))
            if self.distances is not None:
                yield rows, self.distances[rows].astype(np.float64, copy=False)
            else:
                assert self.features is not None
                assert columns is not None
                part = np.empty((rows.stop - start, len(self)))
                euclidean_tile(self.features[rows], columns, part)
                yield rows, part


def points_of_features(features: NDArray[np.float64], weights: NDArray[np.float64]) -> Points:
    """Distinct rows of features, shape (n, d), with the weights of their programs, shape (n,)."""
    first, index = distinct_rows(features)
    return Points(index, first, _sums(index, weights), features[first], None)


def points_of_table(table: DistanceTable, weights: NDArray[np.float64]) -> Points:
    """The points of a symmetric table of distances."""
    _, first = np.unique(table.rows, return_index=True)
    return Points(
        table.rows, first, _sums(table.rows, weights), None, table.values, table.certainty
    )


def points_of_matrix(distances: NDArray[Any], weights: NDArray[np.float64]) -> Points:
    """The points of a full matrix of distances, shape (n, n): equal rows are one."""
    first, index = distinct_rows(distances)
    values = distances if len(first) == len(index) else distances[np.ix_(first, first)]
    return Points(index, first, _sums(index, weights), None, values)


def check_weights(weights: object, n: int) -> NDArray[np.float64]:
    """Weights of n programs; 1 each where None was given.

    Raises
    ------
    ArgumentError
        If they are not n finite numbers above 0.
    """
    if weights is None:
        return np.ones(n)
    words = f"be numbers above 0, one for each of the {n} programs"
    return checks.numbers("weights", weights, (n,), above=0, words=words)


def check_distances(distances: object) -> NDArray[Any]:
    """A matrix of distances, in float64 or float32.

    Raises
    ------
    ArgumentError
        If it is not square, has negative, infinite or NaN entries, a diagonal other than 0, or is
        not symmetric.
    """
    array = distances if isinstance(distances, np.ndarray) else np.empty(0)
    if array.dtype not in (np.float32, np.float64) or array.ndim != 2:
        array = checks.numbers("x", distances, (None, None), finite=False)
    if array.ndim != 2 or array.shape[0] != array.shape[1]:
        raise ArgumentError("x", "be a square matrix of distances", f"shape {array.shape}")
    for start in range(0, len(array), BLOCK):
        rows = slice(start, start + BLOCK)
        block = array[rows]
        bad = ~(np.isfinite(block) & (block >= 0))
        if bad.any():
            i, j = np.argwhere(bad)[0]
            raise ArgumentError(
                "x", "hold finite distances >= 0", f"{block[i, j]} at ({start + i}, {j})"
            )
        skewed = block != array[:, rows].T
        if skewed.any():
            _refuse_skew(array, block, start)
    if np.diagonal(array).any():
        i = int(np.flatnonzero(np.diagonal(array))[0])
        raise ArgumentError("x", "have zeros on the diagonal", f"{array[i, i]} at {i}")
    return array


def _sums(index: NDArray[np.int64], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.bincount(index, weights).astype(np.float64)


def _refuse_skew(array: NDArray[Any], block: NDArray[Any], start: int) -> None:
    """Raise where a block is not the mirror of its columns beyond rounding."""
    mirror = array[:, start : start + len(block)].T
    skewed = abs(block - mirror) > 1e-6 * np.maximum(block, mirror)
    if skewed.any():
        i, j = np.argwhere(skewed)[0]
        raise ArgumentError(
            "x",
            "be symmetric",
            f"{block[i, j]} at ({start + i}, {j}) and {mirror[i, j]} at ({j}, {start + i})",
            "use (x + x.T) / 2 where the mean of both directions is meant",
        )
