"""Transport between programs: fused Gromov-Wasserstein distances, by POT.

Kernels are masses; moving one to another costs the substitution of its operation, and moving two
costs what it changes in how they follow each other. Paths keep their direction. The method is
that of Vayer and others; the solver is POT's (Flamary and others, 2021).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cgraph import checks
from cgraph.distances.edit.costs import EditCosts, check_costs
from cgraph.distances.edit.matrix import by_appearance, joined
from cgraph.distances.plans import DistanceOptions, DistancePlan, Floats, Programs
from cgraph.errors import ArgumentError
from cgraph.graphs.canonical import canonical_order, certificate
from cgraph.graphs.kernel import KernelGraph
from cgraph.graphs.population import Population
from cgraph.parallel import parallel_map

DEFAULT_ALPHA = 0.5


@dataclass(frozen=True, slots=True, eq=False)
class Transport:
    """How far one program is from another, and what went where.

    Parameters
    ----------
    value : float
        The fused Gromov-Wasserstein distance: a local optimum, so an upper bound of it.
    plan : ndarray of float64, shape (n_kernels_a, n_kernels_b)
        Mass of kernel i that moves to kernel j; rows and columns sum to the masses.
    """

    value: float
    plan: NDArray[np.float64]

    def __repr__(self) -> str:
        return f"Transport({self.value:g}, plan of shape {self.plan.shape})"


def transport_distance(
    a: KernelGraph,
    b: KernelGraph,
    costs: EditCosts | None = None,
    *,
    alpha: float = DEFAULT_ALPHA,
    masses: tuple[ArrayLike, ArrayLike] | None = None,
) -> Transport:
    """Fused Gromov-Wasserstein distance of two kernel graphs, and its plan.

    Parameters
    ----------
    a, b : KernelGraph
        The programs.
    costs : EditCosts, optional
        Substitution costs are the costs of moving, at most those of a deletion and an insertion;
        `EditCosts.heuristic()` by default.
    alpha : float, default=0.5
        Weight of the structure, in [0, 1]; 0 leaves the operations alone, 1 the structure.
    masses : (array-like of shape (n_kernels_a,), array-like of shape (n_kernels_b,)), optional
        Weights of the kernels, >= 0, such as their MACs; equal ones by default.

    Returns
    -------
    Transport
        Without kernels on one side, the other is moved to a single point at the cost of deleting
        it, and the plan has no entries.

    Raises
    ------
    ArgumentError
        If `alpha` is out of range, masses do not fit, or a label has no cost.

    Notes
    -----
    The structure of a graph is the matrix of l / (1 + l), with l the length of the shortest
    directed path from one kernel to another: 0 for a kernel itself, 1/2 along an edge, 1 where
    there is no path. It is not symmetric.

    References
    ----------
    .. [1] T. Vayer, L. Chapel, R. Flamary, R. Tavenard and N. Courty, Optimal transport for
       structured data with application on graphs, ICML 2019.

    Examples
    --------
    >>> a = KernelGraph(["relu", "add"], [(0, 1)])
    >>> b = KernelGraph(["relu", "add"], [(1, 0)])
    >>> round(transport_distance(a, a).value, 6), round(transport_distance(a, b).value, 3)
    (0.0, 0.062)
    """
    alpha = checks.number("alpha", alpha, 0, 1)
    words = sorted({*a.labels, *b.labels})
    aligned = check_costs(costs).over(words)
    p, q = (None, None) if masses is None else masses
    left, right = _points(a, aligned, p, "masses[0]"), _points(b, aligned, q, "masses[1]")
    value, plan = _solve(left, right, aligned, alpha)
    if not len(a) or not len(b):
        plan = np.zeros((len(a), len(b)))
    return Transport(value, plan)


def transport_plan(x: Programs, other: Programs | None, options: DistanceOptions) -> DistancePlan:
    """Transport distances between the classes of identical programs, kernels of equal mass.

    Each pair is solved once, from the same numbering of its kernels in the same direction, so
    that the local optimum depends on the two programs alone.
    """
    assert isinstance(x, Population)
    assert other is None or isinstance(other, Population)
    both = x if other is None else joined(x, other)
    kinds = both.classes()
    first, rows = by_appearance(kinds[: len(x)])
    first_other, columns = (first, rows) if other is None else by_appearance(kinds[len(x) :])
    if other is not None:
        first_other = first_other + len(x)
    chosen, place = np.unique(np.concatenate([first, first_other]), return_inverse=True)
    used = [both.vocabulary[k] for k in np.unique(both.label_ids).tolist()]
    costs = check_costs(options.costs).over(used)
    points = [_points(_canonical(both[i]), costs, None, "masses") for i in chosen.tolist()]
    left = [points[i] for i in place[: len(first)].tolist()]
    right = [points[i] for i in place[len(first) :].tolist()]
    block = partial(_fill, left, right, other is None, costs, options.n_jobs)
    shape = (len(first), len(first_other))
    return DistancePlan(rows, columns, shape, block, is_mirrored=other is None)


@dataclass(frozen=True, slots=True, eq=False)
class _Points:
    """A program as the solver sees it."""

    labels: NDArray[np.int64]  # K for the point that stands for nothing
    structure: NDArray[np.float64]
    masses: NDArray[np.float64]
    key: bytes


def _points(graph: KernelGraph, costs: EditCosts, masses: ArrayLike | None, name: str) -> _Points:
    n = len(graph)
    weights = np.ones(n) if masses is None else np.array(masses, dtype=np.float64)
    if weights.shape != (n,) or not (np.isfinite(weights) & (weights >= 0)).all():
        raise ArgumentError(name, f"be {n} numbers >= 0", f"shape {weights.shape}: {weights}")
    if n and not weights.sum() > 0:
        raise ArgumentError(name, "have a positive sum", weights.sum())
    if n == 0:
        nothing = np.array([len(costs.vocabulary)])
        return _Points(nothing, np.zeros((1, 1)), np.ones(1), b"")
    place = {label: i for i, label in enumerate(costs.vocabulary)}
    labels = np.array([place[label] for label in graph.labels], dtype=np.int64)
    return _Points(labels, _structure(graph), weights / weights.sum(), certificate(graph))


def _structure(graph: KernelGraph) -> NDArray[np.float64]:
    """Lengths l of shortest directed paths as l / (1 + l), shape (n_kernels, n_kernels)."""
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import shortest_path

    n = len(graph)
    source, target = graph.edges.T
    edges = csr_array((np.ones(len(source)), (source, target)), shape=(n, n))
    length = shortest_path(edges, directed=True, unweighted=True)
    return np.where(np.isinf(length), 1.0, length / (1 + np.minimum(length, n)))


def _solve(
    a: _Points, b: _Points, costs: EditCosts, alpha: float
) -> tuple[float, NDArray[np.float64]]:
    import ot  # loads every array library that is installed

    moved = np.minimum(costs.substitute, costs.delete[:, None] + costs.insert[None])
    ground = np.pad(moved, ((0, 1), (0, 1)))
    ground[:-1, -1], ground[-1, :-1] = costs.delete, costs.insert
    plan, log = ot.gromov.fused_gromov_wasserstein(
        ground[np.ix_(a.labels, b.labels)],
        a.structure,
        b.structure,
        a.masses,
        b.masses,
        symmetric=False,
        alpha=alpha,
        log=True,
    )
    return max(float(log["fgw_dist"]), 0.0), np.asarray(plan)


def _fill(
    left: Sequence[_Points],
    right: Sequence[_Points],
    is_mirrored: bool,
    costs: EditCosts,
    n_jobs: int,
    rows: slice,
    columns: slice,
    out: Floats,
) -> None:
    chosen, others = left[rows], right[columns]
    is_square = is_mirrored and rows == columns

    def fill_row(i: int) -> None:
        for j in range(i if is_square else 0, len(others)):
            a, b = sorted((chosen[i], others[j]), key=_size_and_key)
            value = 0.0 if a.key == b.key else _solve(a, b, costs, DEFAULT_ALPHA)[0]
            out[i, j] = value
            if is_square:
                out[j, i] = value

    for _ in parallel_map(fill_row, range(len(chosen)), n_jobs=n_jobs, threads=True):
        pass


def _size_and_key(points: _Points) -> tuple[int, bytes]:
    return len(points.labels), points.key


def _canonical(graph: KernelGraph) -> KernelGraph:
    order = canonical_order(graph)
    number: NDArray[Any] = np.empty_like(order)
    number[order] = np.arange(len(order))
    return KernelGraph([graph.labels[k] for k in order], number[graph.edges].reshape(-1, 2))
