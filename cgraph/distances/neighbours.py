"""Programs next to each program, and a few programs to measure all others from."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from cgraph import checks
from cgraph.distances._compile import compiled
from cgraph.distances.matrix import check_dtype, check_progress, plan_distances
from cgraph.distances.methods import DISTANCES
from cgraph.distances.plans import DistancePlan, Floats, Progress
from cgraph.graphs.population import Population
from cgraph.parallel import parallel_map

if TYPE_CHECKING:
    from cgraph.distances.edit.costs import EditCosts

_BLOCK = 1 << 22  # distances that are held at a time by each worker


class Neighbours(NamedTuple):
    """The programs next to each program.

    Parameters
    ----------
    indices : ndarray of int64, shape (n, k)
        Of the nearest programs, nearest first; of equally near ones the first ones come, in order.
    distances : ndarray of shape (n, k)
        How far they are.
    """

    indices: NDArray[np.int64]
    distances: NDArray[np.floating[Any]]


def nearest(
    population: Population | ArrayLike,
    k: int = 1,
    metric: str = "hellinger",
    other: Population | ArrayLike | None = None,
    *,
    distinct: bool = True,
    dtype: DTypeLike | None = None,
    n_jobs: int = -1,
    feature: str = "kernels",
    weigh_by: str | None = None,
    costs: EditCosts | None = None,
    progress: Progress | None = None,
) -> Neighbours:
    """The k programs nearest to each program, exactly, without a matrix of all distances.

    Parameters
    ----------
    population : Population or array-like of shape (n, K)
        The programs whose neighbours are sought.
    k : int, default=1
        How many for each.
    metric : str, default="hellinger"
        A name in `DISTANCES`.
    other : Population or array-like of shape (m, K), optional
        Where they are sought; by default among the other programs of `population`, each program
        itself left out.
    distinct : bool, default=True
        Whether those of a `Population` are different programs, by `Population.classes`: the first
        of those that are identical, and by default none that is identical to the program itself.
        Rows of an array are different in any case.
    dtype, n_jobs, feature, weigh_by, costs
        As in `pairwise_distances`.
    progress : callable, optional
        Called with the number of distances done and the number of all.

    Returns
    -------
    Neighbours
        `indices` and `distances`, both of shape (n, k).

    Raises
    ------
    ArgumentError
        If there are no k programs to find, or as in `pairwise_distances`.

    Examples
    --------
    >>> indices, distances = nearest([[4, 0], [0, 3], [3, 1], [8, 0]], k=2)
    >>> indices.tolist()
    [[3, 2], [2, 0], [0, 3], [0, 2]]
    """
    pool = population if other is None else other
    checks.truth("distinct", distinct)
    if distinct and isinstance(pool, Population):
        options: dict[str, Any] = {"feature": feature, "weigh_by": weigh_by, "costs": costs}
        options |= {"dtype": dtype, "n_jobs": n_jobs, "progress": progress}
        return _nearest_different(population, k, metric, pool, other is None, options)
    kept = check_dtype(dtype)
    plan = plan_distances(population, metric, other, kept, 1, feature, weigh_by, costs)
    n, m = len(plan.rows), len(plan.columns)
    n_others = m if other is not None else max(m - 1, 0)
    k, n_jobs = checks.whole("k", k, 1, n_others), checks.workers("n_jobs", n_jobs)
    check_progress(progress)
    wanted = k + (other is None)
    step = max(1, _BLOCK // max(1, plan.shape[1]))
    blocks = [slice(i, min(i + step, plan.shape[0])) for i in range(0, plan.shape[0], step)]
    found = parallel_map(
        partial(_nearest_of_block, plan, wanted, kept),
        blocks,
        n_jobs=n_jobs if len(blocks) > 1 else 1,
        threads=not DISTANCES[metric].holds_lock,
    )
    indices = np.empty((plan.shape[0], wanted), dtype=np.int64)
    distances = np.empty((plan.shape[0], wanted), dtype=kept)
    for block, (some_indices, some_distances) in zip(blocks, found, strict=True):
        indices[block], distances[block] = some_indices, some_distances
        if progress is not None:
            progress(block.stop * plan.shape[1], plan.shape[0] * plan.shape[1])
    indices, distances = indices[plan.rows], distances[plan.rows]
    if other is None:
        left_out = indices == np.arange(n)[:, None]
        left_out[:, -1] |= ~left_out.any(axis=1)  # a program with so many copies before itself
        indices, distances = indices[~left_out].reshape(n, -1), distances[~left_out].reshape(n, -1)
    return Neighbours(indices, distances)


def _nearest_different(
    population: Population | ArrayLike,
    k: int,
    metric: str,
    pool: Population,
    is_own: bool,
    options: dict[str, Any],
) -> Neighbours:
    """The nearest of the programs of a pool that differ, and that differ from each itself."""
    classes = pool.classes()
    first = np.unique(classes, return_index=True)[1]
    n_others = max(len(first) - is_own, 0)
    hint = "distinct=False counts copies" if n_others < len(pool) - is_own else ""
    k = checks.whole("k", k, 1, n_others, hint=hint)
    found = nearest(population, k + is_own, metric, pool[first], distinct=False, **options)
    indices, distances = first[found.indices], found.distances
    if is_own:
        left_out = classes[indices] == classes[:, None]
        left_out[:, -1] |= ~left_out.any(axis=1)  # so many equally near ones before itself
        kept = ~left_out
        indices = indices[kept].reshape(len(classes), -1)
        distances = distances[kept].reshape(len(classes), -1)
    return Neighbours(indices, distances)


def landmarks(
    population: Population | ArrayLike,
    n_landmarks: int,
    metric: str = "hellinger",
    *,
    random_state: int = 0,
    n_jobs: int = -1,
    feature: str = "kernels",
    weigh_by: str | None = None,
    costs: EditCosts | None = None,
    progress: Progress | None = None,
) -> NDArray[np.int64]:
    """Programs that are far from each other, to measure all others from.

    The first is drawn; each further one is the program that is farthest from those before it. So
    no program is farther from its nearest landmark than twice what the best choice allows [1]_,
    and the first landmarks of many are those of few.

    Parameters
    ----------
    population : Population or array-like of shape (n, K)
        The programs.
    n_landmarks : int
        How many to choose.
    metric : str, default="hellinger"
        A name in `DISTANCES`. Each landmark takes a distance to every program that the metric
        tells apart.
    random_state : int, default=0
        Seed of the first one, >= 0.
    n_jobs, feature, weigh_by, costs
        As in `pairwise_distances`.
    progress : callable, optional
        Called with the number of landmarks chosen and the number of all.

    Returns
    -------
    ndarray of int64, shape (n_landmarks,)
        Positions in `population`, in the order they were chosen.

    Raises
    ------
    ArgumentError
        If the metric does not tell so many programs apart, or as in `pairwise_distances`.

    References
    ----------
    .. [1] T. F. Gonzalez, Clustering to minimize the maximum intercluster distance, Theoretical
       Computer Science 38, 1985.

    Examples
    --------
    >>> counts = [[4, 0], [0, 3], [3, 1], [8, 0]]
    >>> chosen = landmarks(counts, 2)
    >>> sorted(chosen.tolist())
    [0, 1]
    """
    dtype = np.dtype(np.float64)
    plan = plan_distances(population, metric, None, dtype, n_jobs, feature, weigh_by, costs)
    n, n_distinct = len(plan.rows), plan.shape[0]
    hint = "a metric or a feature that tells more programs apart allows more"
    n_landmarks = checks.whole("n_landmarks", n_landmarks, 0, n_distinct, hint=hint)
    random_state = checks.seed("random_state", random_state)
    check_progress(progress)
    first = np.unique(plan.rows, return_index=True)[1]
    chosen = np.empty(n_landmarks, dtype=np.int64)
    near = np.full(n_distinct, np.inf)  # distance to the nearest landmark
    column = np.empty((n_distinct, 1))
    for i in range(n_landmarks):
        if i == 0:
            row = int(plan.rows[np.random.default_rng(random_state).integers(n)])
        else:
            row = int(near.argmax())
        chosen[i] = first[row]
        plan.block(slice(0, n_distinct), slice(row, row + 1), column)
        near = np.minimum(near, column[:, 0])
        near[row] = -1.0  # not again, even where others are at 0 as well
        if progress is not None:
            progress(i + 1, n_landmarks)
    return chosen


def _nearest_of_block(
    plan: DistancePlan, k: int, dtype: np.dtype[Any], rows: slice
) -> tuple[NDArray[np.int64], Floats]:
    """The k programs nearest to those of some rows of the table, all programs considered."""
    values = np.empty((rows.stop - rows.start, plan.shape[1]), dtype)
    plan.block(rows, slice(0, plan.shape[1]), values)
    indices = np.empty((len(values), k), dtype=np.int64)
    distances = np.empty((len(values), k), dtype)
    select_nearest(values, plan.columns, indices, distances)
    return indices, distances


@compiled
def select_nearest(values: Any, columns: Any, indices: Any, distances: Any) -> None:
    """The smallest entries of each row spread over its columns, in order, the first ones first."""
    k = indices.shape[1]
    for i in range(len(values)):
        row = values[i]
        n_found = 0
        for j in range(len(columns)):
            value = row[columns[j]]
            if n_found == k and value >= distances[i, k - 1]:
                continue
            place = n_found if n_found < k else k - 1
            while place > 0 and distances[i, place - 1] > value:
                distances[i, place] = distances[i, place - 1]
                indices[i, place] = indices[i, place - 1]
                place -= 1
            distances[i, place] = value
            indices[i, place] = j
            n_found = min(n_found + 1, k)
