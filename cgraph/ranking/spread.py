"""Members of a cluster that differ: one of each program, the medoid first, then the farthest.

Architectures of a cluster may be the same program, and the programs that are drawn at random may
all lie in one corner of it. Here each further one is the program that is farthest from those
before it (Gonzalez, 1985), where it is known where they are.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

# So many are spread out; those behind them come at random.
N_SPREAD = 1_000


@dataclass(frozen=True, slots=True, eq=False)
class Layout:
    """What is known of the members of a cluster.

    Parameters
    ----------
    programs : ndarray of int64, shape (n_members,)
        Class of identical programs of each member.
    points : ndarray of float64, shape (n_members, n_dimensions)
        Where each member is; without dimensions where that is not known.
    medoid : int or None
        Position of the medoid among the members; None where it is none of them.
    """

    programs: NDArray[np.int64]
    points: NDArray[np.float64]
    medoid: int | None

    @property
    def n_programs(self) -> int:
        """How many of the members are different programs."""
        return len(np.unique(self.programs))


def different(layout: Layout, n: int, seed: int = 0) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Members that are different programs, spread over their cluster.

    Parameters
    ----------
    layout : Layout
        What is known of the members of the cluster.
    n : int
        How many, at most the number of different programs.
    seed : int, default=0
        Decides between programs that are equally far; without points, all but the first.

    Returns
    -------
    positions : ndarray of int64, shape (n,)
        Of the members: the medoid, where it is one, then the one that is farthest from those
        before it. A program is stood for by its first member, or by the medoid.
    n_copies : ndarray of int64, shape (n,)
        How many members are the same program, each itself included.

    Examples
    --------
    >>> points = np.array([[0.5], [1.0], [5.0], [5.0], [2.0]])
    >>> positions, n_copies = different(Layout(np.array([0, 1, 2, 2, 3]), points, 1), 3)
    >>> positions.tolist(), n_copies.tolist()
    ([1, 2, 4], [1, 2, 1])
    """
    _, first, counts = np.unique(layout.programs, return_index=True, return_counts=True)
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(first))
    if layout.medoid is not None:
        own = int(np.flatnonzero(np.unique(layout.programs) == layout.programs[layout.medoid])[0])
        first[own] = layout.medoid
        order = np.concatenate([[own], order[order != own]])
    first, counts = first[order], counts[order]
    chosen = _farthest_first(layout.points[first], min(n, N_SPREAD))
    is_left = np.ones(len(first), dtype=bool)
    is_left[chosen] = False
    chosen = np.concatenate([chosen, np.flatnonzero(is_left)])[:n]
    return first[chosen], counts[chosen]


def _farthest_first(points: NDArray[np.float64], n: int) -> NDArray[np.int64]:
    """The first point, then the farthest from those before it, of equally far ones the first."""
    chosen = np.arange(min(n, len(points)), dtype=np.int64)
    if points.shape[1] == 0 or not len(chosen):
        return chosen
    near = ((points - points[0]) ** 2).sum(axis=1)
    near[0] = -1.0
    for i in range(1, len(chosen)):
        chosen[i] = near.argmax()
        near = np.minimum(near, ((points - points[chosen[i]]) ** 2).sum(axis=1))
        near[chosen[: i + 1]] = -1.0  # not again, even where others are at 0 as well
    return chosen
