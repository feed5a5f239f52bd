"""Models in the plane: their clusters, their nearest relatives and their sizes, as a table."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from cgraph.clustering.cluster import cluster
from cgraph.clustering.embedding import embed
from cgraph.distances.matrix import pairwise_distances
from cgraph.errors import ArgumentError
from cgraph.graphs.population import Population

METRIC = "hellinger"
N_NEAREST = 5


@dataclass(frozen=True, slots=True, eq=False)
class ModelMap:
    """What a map shows.

    Parameters
    ----------
    table : DataFrame
        A row for each model: "name", "family", "cluster", "x", "y", "kernels", "parameters",
        "macs", "program" (the first model that is the same program) and "nearest" with
        "nearest_distance", the nearest models from near to far.
    usage : DataFrame
        How often each model uses each operation; rows as in `table`, a column an operation.
    failures : tuple of (str, str)
        Models that were not captured, with the reason.
    """

    table: pd.DataFrame
    usage: pd.DataFrame
    failures: tuple[tuple[str, str], ...] = ()


def map_models(
    population: Population,
    *,
    families: Mapping[str, str],
    n_parameters: Sequence[int],
    macs: Sequence[int],
    programs: Sequence[int],
    failures: Sequence[tuple[str, str]] = (),
    n_clusters: int | None = None,
) -> ModelMap:
    """The map of models, by the Hellinger distance of the operations that they use.

    Parameters
    ----------
    population : Population
        Their kernel graphs, two at least.
    families : mapping of str to str
        Family of each model; "" where it has none.
    n_parameters, macs : sequence of int
        Sizes of each.
    programs : sequence of int
        Index of the first model that is the same program as each.
    failures : sequence of (str, str), default=()
        Models that were not captured, with the reason.
    n_clusters : int, optional
        By default about the square root of the number of models.

    Raises
    ------
    ArgumentError
        If there are fewer than two models, or more clusters than models that differ.
    """
    n = len(population)
    if n < 2:
        raise ArgumentError("models", "be two at least that can be captured", n)
    names = list(population.names or map(str, range(n)))
    usage = population.usage()
    if n_clusters is None:
        shares = usage / np.maximum(usage.sum(axis=1, keepdims=True), 1)
        n_distinct = len(np.unique(np.round(shares, 12), axis=0))
        n_clusters = max(1, min(n_distinct, math.isqrt(n - 1) + 1))
    found = cluster(population, "kmeans", n_clusters, metric=METRIC)
    place = embed(population, METRIC)
    distances = np.array(pairwise_distances(population, METRIC), dtype=np.float64)
    np.fill_diagonal(distances, np.inf)
    near = np.argsort(distances, axis=1, kind="stable")[:, : min(N_NEAREST, n - 1)]
    table = pd.DataFrame(
        {
            "name": names,
            "family": [families.get(name, "") for name in names],
            "cluster": found.labels,
            "x": place[:, 0],
            "y": place[:, 1],
            "kernels": population.n_kernels,
            "parameters": n_parameters,
            "macs": macs,
            "program": [names[i] for i in programs],
            "nearest": [[names[j] for j in row] for row in near],
            "nearest_distance": [distances[i, row].tolist() for i, row in enumerate(near)],
        }
    )
    words = pd.Index([str(word) for word in population.vocabulary])
    return ModelMap(table, pd.DataFrame(usage, columns=words), tuple(failures))
