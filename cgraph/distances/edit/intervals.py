"""Certified bounds of the edit distances between all programs, as two methods of distance."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from cgraph.distances.edit.costs import EditCosts
from cgraph.distances.edit.exact import edit_bounds
from cgraph.distances.edit.matrix import by_appearance, joined
from cgraph.distances.plans import DistanceOptions, DistancePlan, Floats, Programs
from cgraph.graphs.canonical import canonical_order
from cgraph.graphs.kernel import KernelGraph
from cgraph.graphs.population import Population

_PAIRS_A_STEP = 1 << 18


def lower_plan(x: Programs, other: Programs | None, options: DistanceOptions) -> DistancePlan:
    """Lower bounds of the edit distances between the classes of identical programs."""
    return _plan(x, other, options, is_upper=False)


def upper_plan(x: Programs, other: Programs | None, options: DistanceOptions) -> DistancePlan:
    """Costs of edits between the classes of identical programs, the better of both directions."""
    return _plan(x, other, options, is_upper=True)


def _plan(
    x: Programs, other: Programs | None, options: DistanceOptions, is_upper: bool
) -> DistancePlan:
    assert isinstance(x, Population)
    assert other is None or isinstance(other, Population)
    both = x if other is None else joined(x, other)
    kinds = both.classes()
    first, rows = by_appearance(kinds[: len(x)])
    first_other, columns = (first, rows) if other is None else by_appearance(kinds[len(x) :])
    if other is not None:
        first_other = first_other + len(x)
    chosen, place = np.unique(np.concatenate([first, first_other]), return_inverse=True)
    some = _canonical(both, chosen)
    costs = (EditCosts.heuristic() if options.costs is None else options.costs).over(
        some.vocabulary
    )
    job = _Job(
        population=some,
        kinds=kinds[chosen],
        rows=place[: len(first)],
        columns=place[len(first) :],
        costs=costs,
        n_jobs=options.n_jobs,
        is_upper=is_upper,
    )
    shape = (len(first), len(first_other))
    return DistancePlan(rows, columns, shape, partial(_fill, job), is_mirrored=other is None)


@dataclass(frozen=True, slots=True, eq=False)
class _Job:
    """What bounds are computed from."""

    population: Population  # one graph of each class, in its canonical numbering
    kinds: NDArray[np.int64]  # the class of each
    rows: NDArray[np.int64]
    columns: NDArray[np.int64]
    costs: EditCosts
    n_jobs: int
    is_upper: bool


def _fill(job: _Job, rows: slice, columns: slice, out: Floats) -> None:
    left, right = job.rows[rows], job.columns[columns]
    step = max(1, _PAIRS_A_STEP // max(1, len(right)))
    for begin in range(0, len(left), step):
        block = left[begin : begin + step]
        i, j = (grid.reshape(-1) for grid in np.meshgrid(block, right, indexing="ij"))
        pairs = np.stack([i, j], axis=1)
        found = edit_bounds(job.population, pairs, job.costs, n_jobs=job.n_jobs)
        values = found.lower
        if job.is_upper:
            back = edit_bounds(job.population, pairs[:, ::-1], job.costs, n_jobs=job.n_jobs)
            values = np.minimum(found.upper, back.upper)
        values[job.kinds[i] == job.kinds[j]] = 0.0
        out[begin : begin + step] = values.reshape(len(block), len(right))


def _canonical(population: Population, chosen: NDArray[np.int64]) -> Population:
    """Some graphs over the labels that occur, numbered so that a program has one numbering.

    What a map costs that is built a kernel at a time depends on their order.
    """
    graphs = []
    for i in chosen.tolist():
        graph = population[i]
        order = canonical_order(graph)
        number = np.empty_like(order)
        number[order] = np.arange(len(order))
        labels = [graph.labels[k] for k in order]
        graphs.append(KernelGraph(labels, number[graph.edges].reshape(-1, 2)))
    return Population(graphs)
