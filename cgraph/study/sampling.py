"""Which networks of each cluster are evaluated: a sample of its distinct programs.

Every program gets one random priority; the sample of a cluster is its programs of least priority.
Two clusterings of one space then share most of what they evaluate, and a larger sample holds
the smaller one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cgraph.errors import ArgumentError
from cgraph.graphs.population import Population
from cgraph.spaces.sampled import DrawnSpace
from cgraph.spaces.space import Space


def distinct_programs(space: Space, population: Population, part: str) -> NDArray[np.int64]:
    """Which architectures of a study are one program, by the one that stands for each.

    Parameters
    ----------
    space : Space
        What is studied.
    population : Population
        Its graphs.
    part : str
        What they are made of.

    Returns
    -------
    ndarray of int64, shape (n,)
        As `Space.programs`. Architectures that were drawn are one program, too, where the live
        graphs of their networks are isomorphic, labels and sizes of kernels included.
    """
    if not isinstance(space, DrawnSpace):
        return space.programs()
    networks = population if part == "network" else space.population("network")
    _, first, index = np.unique(
        networks.classes(sized=True), return_index=True, return_inverse=True
    )
    found: NDArray[np.int64] = first[index].astype(np.int64)
    return found


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """Networks to evaluate.

    Parameters
    ----------
    table : DataFrame
        A row for each: "position" (in the population), "cluster", "program" (its class) and
        "weight" (how many members of the cluster are the same program).
    n_programs : ndarray of int64, shape (n_clusters,)
        Number of distinct programs of each cluster.
    """

    table: pd.DataFrame
    n_programs: NDArray[np.int64]


def stratified_sample(
    labels: NDArray[np.int64],
    programs: NDArray[np.int64],
    *,
    n_per_cluster: int,
    seed: int = 0,
    eligible: NDArray[np.bool_] | None = None,
) -> Sample:
    """Distinct programs of each cluster, drawn uniformly without replacement.

    Parameters
    ----------
    labels : ndarray of int, shape (n,)
        Cluster of each member of the population.
    programs : ndarray of int, shape (n,)
        Class of identical programs of each member, 0, 1, ....
    n_per_cluster : int
        How many programs of each cluster, >= 1; a smaller cluster is taken whole.
    seed : int, default=0
        Seed of the priorities.
    eligible : ndarray of bool, shape (n,), optional
        Which members may be drawn, and count; all by default.

    Returns
    -------
    Sample
        Rows by cluster, then by priority; a program is represented by its first eligible member.

    Raises
    ------
    ArgumentError
        If `n_per_cluster` is below 1, or the arrays differ in length.

    Examples
    --------
    >>> labels, programs = np.array([0, 0, 0, 1]), np.array([0, 0, 1, 2])
    >>> sample = stratified_sample(labels, programs, n_per_cluster=5)
    >>> sorted(sample.table["weight"]), sample.n_programs.tolist()
    ([1, 1, 2], [2, 1])
    """
    if n_per_cluster < 1:
        raise ArgumentError("n_per_cluster", "be 1 or more", n_per_cluster)
    if len(labels) != len(programs):
        raise ArgumentError("programs", f"have length {len(labels)}", len(programs))
    priority = np.random.default_rng(seed).permutation(int(programs.max(initial=-1)) + 1)
    members = pd.DataFrame(
        {"position": np.arange(len(labels)), "cluster": labels, "program": programs}
    )
    if eligible is not None:
        members = members[eligible]
    groups = members.groupby(["cluster", "program"], as_index=False).agg(
        position=("position", "first"), weight=("position", "size")
    )
    groups["priority"] = priority[groups["program"]]
    groups = groups.sort_values(["cluster", "priority"], ignore_index=True)
    n_programs = np.bincount(groups["cluster"], minlength=int(labels.max(initial=-1)) + 1)
    drawn = groups.groupby("cluster").head(n_per_cluster).reset_index(drop=True)
    return Sample(drawn[["position", "cluster", "program", "weight"]], n_programs)
