"""Steps of a random walk from programs to others, by affinity, and what follows from them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from cgraph.distances.plans import Floats

BLOCK = 8192


def chances(
    distances: Floats,
    scale: float,
    weights: NDArray[np.float64] | None = None,
    own: NDArray[np.float64] | None = None,
) -> Iterator[tuple[slice, NDArray[np.float64]]]:
    """Chance of each step from programs to others, block by block.

    Parameters
    ----------
    distances : ndarray of shape (n, m)
        Of programs to those others.
    scale : float
        The distance at which the affinity exp(-(d / scale)^2) has fallen to exp(-1), above 0.
    weights : ndarray of float64, shape (m,), optional
        How much each of the others counts; all alike by default.
    own : ndarray of float64, shape (m,), optional
        What of `weights` is the program itself, where it is at distance 0: no step stays where
        it is, but for a program that no other is near to. By default every step counts.

    Yields
    ------
    (slice, ndarray of float64, shape (b, m))
        Some rows, and their chances; a row sums to 1.
    """
    for start in range(0, len(distances), BLOCK):
        rows = slice(start, min(start + BLOCK, len(distances)))
        exponent = np.square(distances[rows] / scale, dtype=np.float64)
        exponent -= exponent.min(axis=1, keepdims=True)  # the sum of a row is never 0
        chance = np.exp(-exponent)
        if weights is not None:
            chance *= weights
        if own is not None:
            is_there = distances[rows] == 0
            chance -= is_there * own
            is_alone = chance.max(axis=1) <= 1e-300
            chance[is_alone] = is_there[is_alone]
        chance /= chance.sum(axis=1, keepdims=True)
        yield rows, chance


def extended(
    distances: Floats,
    steps: NDArray[np.float64],
    scale: float,
    weights: NDArray[np.float64] | None = None,
    own: NDArray[np.float64] | None = None,
) -> NDArray[np.float64]:
    """Coordinates of programs: the mean of `steps` over where the walk takes them.

    Parameters
    ----------
    distances : ndarray of shape (n, m)
        As for `chances`.
    steps : ndarray of float64, shape (m, k)
        What a step to each of the others adds.
    scale, weights, own
        As for `chances`.

    Returns
    -------
    ndarray of float64, shape (n, k)

    References
    ----------
    .. [1] Y. Bengio et al., Out-of-sample extensions for LLE, Isomap, MDS, Eigenmaps, and spectral
       clustering, 2003.
    """
    coordinates = np.empty((len(distances), steps.shape[1]))
    for rows, chance in chances(distances, scale, weights, own):
        coordinates[rows] = chance @ steps
    return coordinates
