"""Which architectures a page shows one by one, and where."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cgraph.spaces.limits import KEEPS

N_POINTS = 3000
LEAST_PER_CLUSTER = 20


def shown_positions(
    architectures: pd.DataFrame, evaluated: Collection[str], *, n_points: int = N_POINTS
) -> NDArray[np.int64]:
    """Positions of the architectures that a page draws as points.

    Parameters
    ----------
    architectures : DataFrame
        Columns "name", "cluster", "is_medoid"; with "keeps_limits", those of a cluster that keep
        the limits and those that do not are shares of their own.
    evaluated : collection of str
        Names of the evaluated networks.
    n_points : int, default=3000
        About how many are drawn of a larger space.

    Returns
    -------
    ndarray of int64, shape (n_shown,)
        Ascending: all of them, or of each cluster its share of `n_points` at random and at least
        20, and every evaluated network and every medoid. It follows from the arguments alone.

    Examples
    --------
    >>> table = pd.DataFrame({"name": ["a", "b", "c"], "cluster": 0, "is_medoid": False})
    >>> shown_positions(table, ["b"])
    array([0, 1, 2])
    """
    n = len(architectures)
    if n <= n_points:
        return np.arange(n)
    rng = np.random.default_rng(0)
    is_shown = (architectures["is_medoid"] | architectures["name"].isin(evaluated)).to_numpy()
    is_shown = is_shown.copy()
    strata = point_strata(architectures)
    for number in np.unique(strata):
        members = np.flatnonzero(strata == number)
        wanted = max(LEAST_PER_CLUSTER, round(n_points * len(members) / n))
        missing = min(wanted, len(members)) - int(is_shown[members].sum())
        if missing > 0:
            others = members[~is_shown[members]]
            is_shown[rng.choice(others, missing, replace=False)] = True
    return np.flatnonzero(is_shown)


def point_strata(architectures: pd.DataFrame) -> NDArray[np.int64]:
    """Which architectures a point may stand for: numbers of groups, shape (n,)."""
    strata = 2 * architectures["cluster"].to_numpy(dtype=np.int64)
    if KEEPS in architectures:
        strata = strata + architectures[KEEPS].to_numpy(dtype=np.int64)
    return strata


def point_weights(strata: NDArray[np.int64], shown: NDArray[np.int64]) -> NDArray[np.float64]:
    """How many architectures of its group each point stands for, shape (n_shown,)."""
    size = np.bincount(strata)
    drawn = np.bincount(strata[shown], minlength=len(size))
    weights: NDArray[np.float64] = (size / np.maximum(drawn, 1))[strata[shown]]
    return weights


def set_around(xy: NDArray[np.float64]) -> NDArray[np.float64]:
    """Points that lie in one place set around it, so that each can be seen and chosen.

    Parameters
    ----------
    xy : ndarray of float64, shape (n, 2)
        Places.

    Returns
    -------
    ndarray of float64, shape (n, 2)
        The same, those of one place on a spiral around it that has the density of a sunflower.
    """
    places = pd.DataFrame(xy, columns=["x", "y"])
    number = places.groupby(["x", "y"]).cumcount().to_numpy()
    radius = 0.0022 * np.ptp(xy, axis=0).clip(1e-12) if len(xy) else np.zeros(2)
    angle = number * np.pi * (3 - np.sqrt(5))
    direction = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    moved: NDArray[np.float64] = xy + np.sqrt(number)[:, None] * direction * radius
    return moved
