"""Matrices of distances: a table of distinct programs, spread out over all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from cgraph.distances._loops import is_identity, spread
from cgraph.distances.features import check_counts
from cgraph.distances.methods import DISTANCES
from cgraph.distances.plans import (
    DistanceMethod,
    DistanceOptions,
    DistancePlan,
    DistanceTable,
    Floats,
    Programs,
)
from cgraph.errors import ArgumentError
from cgraph.graphs.population import Population

if TYPE_CHECKING:
    from cgraph.distances.edit.costs import EditCosts


def pairwise_distances(
    population: Population | ArrayLike,
    metric: str = "hellinger",
    other: Population | ArrayLike | None = None,
    *,
    dtype: DTypeLike | None = None,
    out: NDArray[Any] | None = None,
    n_jobs: int = -1,
    feature: str = "kernels",
    costs: EditCosts | None = None,
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
    costs : EditCosts, optional
        Costs of edits, for the metrics of graphs.

    Returns
    -------
    ndarray of shape (n, m)
        The same bytes for any `n_jobs`.

    Raises
    ------
    UnknownNameError
        If the metric or the feature is not in its table; lists the near names.
    ArgumentError
        If counts are negative, NaN or infinite, the two sides do not fit, an option does not
        belong to the metric, or `out` has the wrong shape or dtype.

    Notes
    -----
    Programs that a metric cannot tell apart are computed once. See `distance_table` for their
    distances alone.

    Examples
    --------
    >>> pairwise_distances([[4, 0], [2, 2], [0, 1]], "jensen-shannon").round(4).tolist()
    [[0.0, 0.5579, 1.0], [0.5579, 0.0, 0.5579], [1.0, 0.5579, 0.0]]
    """
    kept = _dtype(dtype, out)
    plan = _plan(population, metric, other, kept, n_jobs, feature, costs)
    shape = (len(plan.rows), len(plan.columns))
    result = np.empty(shape, kept) if out is None else _check_out(out, shape, kept)
    if is_identity(plan.rows) and is_identity(plan.columns):
        plan.fill(result)
    else:
        spread(plan.compute(kept), result, n_jobs)
    return result if out is None else out


def distance_table(
    population: Population | ArrayLike,
    metric: str = "hellinger",
    other: Population | ArrayLike | None = None,
    *,
    dtype: DTypeLike | None = None,
    n_jobs: int = -1,
    feature: str = "kernels",
    costs: EditCosts | None = None,
) -> DistanceTable:
    """Distances between the programs that a metric can tell apart, and which each program is.

    Arguments and errors are those of `pairwise_distances`.

    Returns
    -------
    DistanceTable
        Its `values`, `rows` and `columns` hold what `pairwise_distances` spreads out.

    Examples
    --------
    >>> table = distance_table([[4, 0], [0, 1], [2, 0]])
    >>> table.values.tolist(), table.rows.tolist()
    ([[0.0, 1.0], [1.0, 0.0]], [0, 1, 0])
    """
    kept = _dtype(dtype, None)
    return _plan(population, metric, other, kept, n_jobs, feature, costs).compute(kept)


def _plan(
    population: Population | ArrayLike,
    metric: str,
    other: Population | ArrayLike | None,
    dtype: np.dtype[Any],
    n_jobs: int,
    feature: str,
    costs: EditCosts | None,
) -> DistancePlan:
    method = DISTANCES[metric]
    if n_jobs == 0:
        raise ArgumentError("n_jobs", "be a number of threads, or -1 for every core", n_jobs)
    if method.feature == "usage" and costs is not None:
        raise ArgumentError("costs", "go with a metric of graphs", f"metric {metric!r}")
    x = _programs("population", population, method, feature)
    y = None if other is None else _programs("other", other, method, feature)
    if y is not None and isinstance(x, Population) != isinstance(y, Population):
        raise ArgumentError("other", f"be a {type(x).__name__} as population is", type(y).__name__)
    if isinstance(x, np.ndarray) and isinstance(y, np.ndarray) and x.shape[1] != y.shape[1]:
        raise ArgumentError("other", f"have {x.shape[1]} columns as population has", y.shape[1])
    options = DistanceOptions(dtype=dtype, n_jobs=n_jobs, costs=costs, feature=feature)
    return method.function(x, y, options)


def _programs(
    name: str, programs: Population | ArrayLike, method: DistanceMethod, feature: str
) -> Programs:
    if isinstance(programs, Population):
        if method.feature != "usage" and feature != "kernels":
            raise ArgumentError("feature", "go with a metric of usage", f"metric {method.name!r}")
        return programs
    if method.feature != "usage":
        raise ArgumentError(
            name, f"be a Population for the metric {method.name!r}", type(programs).__name__
        )
    if feature != "kernels":
        raise ArgumentError(
            "feature", "be 'kernels' where counts are given", repr(feature), "pass a Population"
        )
    return check_counts(name, programs)


def _dtype(dtype: DTypeLike | None, out: NDArray[Any] | None) -> np.dtype[Any]:
    if dtype is None:
        dtype = np.float64 if out is None else out.dtype
    kept = np.dtype(dtype)
    if kept not in (np.float64, np.float32):
        raise ArgumentError("dtype", "be float64 or float32", kept)
    return kept


def _check_out(out: NDArray[Any], shape: tuple[int, int], dtype: np.dtype[Any]) -> Floats:
    if out.shape != shape or out.dtype != dtype:
        raise ArgumentError(
            "out", f"have shape {shape} and dtype {dtype}", f"shape {out.shape}, dtype {out.dtype}"
        )
    if not (out.flags.c_contiguous and out.flags.writeable):
        raise ArgumentError("out", "be C-contiguous and writeable", f"flags\n{out.flags}")
    return np.asarray(out)
