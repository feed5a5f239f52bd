"""Matrices of distances: a table of distinct programs, spread out over all of them."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from cgraph import checks
from cgraph.distances._loops import is_identity, spread
from cgraph.distances.blocks import compute, cut, write_condensed, write_square
from cgraph.distances.edit.costs import check_costs
from cgraph.distances.features import FEATURES, PACK, WEIGHINGS, check_counts
from cgraph.distances.methods import DISTANCES
from cgraph.distances.plans import (
    Certainty,
    DistanceMethod,
    DistanceOptions,
    DistancePlan,
    DistanceTable,
    Floats,
    Programs,
    Progress,
    joint,
)
from cgraph.errors import ArgumentError
from cgraph.graphs.population import Population

if TYPE_CHECKING:
    from cgraph.distances.edit.costs import EditCosts

_log = logging.getLogger(__name__)

PROGRAMS_A_TILE = 4096
"""Programs on each side of a tile, where a matrix is made of tiles."""

TILES_A_SIDE = 16
"""At least, of a matrix whose progress is told."""


def pairwise_distances(
    population: Population | ArrayLike,
    metric: str = "hellinger",
    other: Population | ArrayLike | None = None,
    *,
    dtype: DTypeLike | None = None,
    out: NDArray[Any] | None = None,
    n_jobs: int = -1,
    feature: str = "kernels",
    weigh_by: str | None = None,
    costs: EditCosts | None = None,
    condensed: bool = False,
    progress: Progress | None = None,
) -> Floats:
    """Distance of every program to every other.

    Parameters
    ----------
    population : Population or array-like of shape (n, K)
        The programs; for a metric of usage also their counts.
    metric : str, default="hellinger"
        A name in `DISTANCES`.
    other : Population or array-like of shape (m, K), optional
        The programs to measure to; `population` itself by default. Two populations may have
        different vocabularies: their union is used.
    dtype : {float64, float32}, optional
        Of the result; by default that of `out`, or float64. Computation is in float64, rounded
        once.
    out : ndarray of shape (n, m), optional
        Written to and returned: a matrix whose memory is in use already is filled several times
        faster than a new one.
    n_jobs : int, default=-1
        Number of threads; -1 uses every core.
    feature : {"kernels", "bigrams", "neighbourhoods"}, default="kernels"
        What a metric of usage counts.
    weigh_by : {"macs", "bytes"}, optional
        What it counts them by: the multiply-accumulates of the kernels, or the bytes that they
        move; each counts 1 by default.
    costs : EditCosts, optional
        Costs of edits, for the metrics of graphs.
    condensed : bool, default=False
        Whether only pairs i < j are given, row by row, as `scipy.spatial.distance.pdist` does.
    progress : callable, optional
        Called after each block with the number of distances done and the number of all.

    Returns
    -------
    ndarray of shape (n, m), or (n (n - 1) / 2,) where condensed
        The same bytes for any `n_jobs`.

    Raises
    ------
    UnknownNameError
        If the metric or the feature is not in its table; lists the near names.
    ArgumentError
        If counts are negative, NaN or infinite, the two sides do not fit, an option does not
        belong to the metric, a population does not know the sizes of its kernels, `condensed`
        comes with `other`, or `out` has the wrong shape or dtype.

    Notes
    -----
    Programs that a metric cannot tell apart are computed once. Edit distances that the work put
    into them does not prove are the middles of their certified intervals; how many there are is
    logged, and stands in the `certainty` of `distance_table`. See `distance_table` for their
    distances alone, `save_distances` for a matrix on disk, `nearest` for the programs next to
    each, and `landmarks` for a few programs to measure all others from.

    Examples
    --------
    >>> pairwise_distances([[4, 0], [2, 2], [0, 1]], "jensen-shannon").round(4).tolist()
    [[0.0, 0.5579, 1.0], [0.5579, 0.0, 0.5579], [1.0, 0.5579, 0.0]]
    """
    kept = check_dtype(dtype, out)
    check_progress(progress)
    plan = plan_distances(population, metric, other, kept, n_jobs, feature, weigh_by, costs)
    shape = check_shape(plan, condensed)
    result = np.empty(shape, kept) if out is None else _check_out(out, shape, kept)
    if condensed or progress is not None:
        certainty = _write_tiles(plan, result, progress)
    elif is_identity(plan.rows) and is_identity(plan.columns):
        certainty = plan.fill(result)
    else:
        table = plan.compute(kept)
        certainty = table.certainty
        spread(table, result, n_jobs)
    if certainty is not None and certainty.n_open:
        _log.info("%s: %s", metric, certainty)
    return result if out is None else out


def distance_table(
    population: Population | ArrayLike,
    metric: str = "hellinger",
    other: Population | ArrayLike | None = None,
    *,
    dtype: DTypeLike | None = None,
    n_jobs: int = -1,
    feature: str = "kernels",
    weigh_by: str | None = None,
    costs: EditCosts | None = None,
    progress: Progress | None = None,
) -> DistanceTable:
    """Distances between the programs that a metric can tell apart, and which each program is.

    Arguments and errors are those of `pairwise_distances`.

    Returns
    -------
    DistanceTable
        Its `values`, `rows` and `columns` hold what `pairwise_distances` spreads out; its
        `certainty` says how many distances are proved, for a metric that may leave some open.

    Examples
    --------
    >>> table = distance_table([[4, 0], [0, 1], [2, 0]])
    >>> table.values.tolist(), table.rows.tolist()
    ([[0.0, 1.0], [1.0, 0.0]], [0, 1, 0])
    """
    kept = check_dtype(dtype, None)
    plan = plan_distances(population, metric, other, kept, n_jobs, feature, weigh_by, costs)
    return plan.compute(kept, progress)


def plan_distances(
    population: Population | ArrayLike,
    metric: str,
    other: Population | ArrayLike | None,
    dtype: np.dtype[Any],
    n_jobs: int,
    feature: str,
    weigh_by: str | None,
    costs: EditCosts | None,
) -> DistancePlan:
    """What there is to compute; arguments and errors are those of `pairwise_distances`."""
    method = DISTANCES[metric]
    n_jobs = checks.workers("n_jobs", n_jobs)
    FEATURES[feature]  # an unknown name is an error of its own, here and below
    if method.feature == "usage" and costs is not None:
        raise ArgumentError("costs", "go with a metric of graphs", f"metric {metric!r}")
    check_costs(costs)
    if weigh_by is not None:
        WEIGHINGS[weigh_by]
    x = _programs("population", population, method, feature, weigh_by)
    y = None if other is None else _programs("other", other, method, feature, weigh_by)
    if y is not None and isinstance(x, Population) != isinstance(y, Population):
        raise ArgumentError("other", f"be a {type(x).__name__} as population is", type(y).__name__)
    if isinstance(x, np.ndarray) and isinstance(y, np.ndarray) and x.shape[1] != y.shape[1]:
        raise ArgumentError("other", f"have {x.shape[1]} columns as population has", y.shape[1])
    options = DistanceOptions(
        dtype=dtype, n_jobs=n_jobs, costs=costs, feature=feature, weigh_by=weigh_by
    )
    return method.function(x, y, options)


def check_dtype(dtype: DTypeLike | None, out: NDArray[Any] | None = None) -> np.dtype[Any]:
    """The dtype of distances: as asked for, that of an array, or float64.

    Raises
    ------
    ArgumentError
        If it is neither float64 nor float32.
    """
    if out is not None:
        checks.instance("out", out, np.ndarray, "be an array to write to")
    if dtype is None:
        dtype = np.float64 if out is None else out.dtype
    try:
        kept = np.dtype(dtype)
    except Exception as problem:  # foreign types can raise anything
        raise ArgumentError("dtype", "be float64 or float32", checks.came(dtype)) from problem
    if kept not in (np.float64, np.float32):
        raise ArgumentError("dtype", "be float64 or float32", kept)
    return kept


def check_progress(progress: object) -> None:
    """Raise where the argument `progress` is neither None nor a function.

    Raises
    ------
    ArgumentError
        Says what came.
    """
    if progress is not None:
        checks.function("progress", progress)


def check_shape(plan: DistancePlan, condensed: bool) -> tuple[int, ...]:
    """Shape of the matrix of a plan, or of its condensed vector.

    Raises
    ------
    ArgumentError
        If there is no condensed vector: two sides, or a metric that is not symmetric.
    """
    n, m = len(plan.rows), len(plan.columns)
    if not checks.truth("condensed", condensed):
        return n, m
    if not plan.is_mirrored:
        raise ArgumentError("condensed", "go without other: it holds pairs of one population", True)
    return (n * (n - 1) // 2,)


def _write_tiles(plan: DistancePlan, out: Floats, progress: Progress | None) -> Certainty | None:
    """Fill a matrix or a condensed vector tile by tile, so that no table is as large as it."""
    # Whoever watches wants to see something of a small matrix too.
    size = PROGRAMS_A_TILE if progress is None else -(-len(plan.rows) // TILES_A_SIDE)
    tiles = cut(plan, max(1, min(size, PROGRAMS_A_TILE)))
    total, done = sum(tile.size for tile in tiles), 0
    found = []
    computed = compute(plan, tiles, out.dtype, n_jobs=1, threads=True)
    for tile, (values, certainty) in zip(tiles, computed, strict=True):
        found.append(certainty)
        if out.ndim == 1:
            write_condensed(tile, values, out, len(plan.rows))
        else:
            write_square(tile, values, out)
        done += tile.size
        if progress is not None:
            progress(done, total)
    return joint(found)


def _programs(
    name: str,
    programs: Population | ArrayLike,
    method: DistanceMethod,
    feature: str,
    weigh_by: str | None,
) -> Programs:
    histogram = (("feature", feature, "kernels"), ("weigh_by", weigh_by, None))
    if isinstance(programs, Population):
        for option, given, default in histogram:
            if method.feature != "usage" and given != default:
                raise ArgumentError(option, "go with a metric of usage", f"metric {method.name!r}")
        return programs
    if method.feature != "usage":
        raise ArgumentError(
            name, f"be a Population for the metric {method.name!r}", type(programs).__name__, PACK
        )
    for option, given, default in histogram:
        if given != default:
            raise ArgumentError(
                option, "be left out where counts are given", repr(given), "pass a Population"
            )
    return check_counts(name, programs)


def _check_out(out: NDArray[Any], shape: tuple[int, ...], dtype: np.dtype[Any]) -> Floats:
    if out.shape != shape or out.dtype != dtype:
        raise ArgumentError(
            "out", f"have shape {shape} and dtype {dtype}", f"shape {out.shape}, dtype {out.dtype}"
        )
    if not (out.flags.c_contiguous and out.flags.writeable):
        raise ArgumentError("out", "be C-contiguous and writeable", f"flags\n{out.flags}")
    return np.asarray(out)
