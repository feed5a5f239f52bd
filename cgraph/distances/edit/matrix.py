"""Edit distances between all programs of one population, or of two: the plan of the work.

Distances are computed between classes of identical programs. Pairs of small graphs that share
their skeletons with many others are read from tables; every other pair is searched, and what the
search does not prove is the middle of a certified interval.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from cgraph.distances.edit.costs import EditCosts
from cgraph.distances.edit.exact import DEFAULT_BUDGET
from cgraph.distances.edit.open_pairs import (
    budget_of,
    find_intervals,
    in_one_numbering,
    rank_graphs,
)
from cgraph.distances.edit.packing import needs_deletions, to_grid
from cgraph.distances.edit.skeletons import (
    NO_SKELETON,
    Members,
    Skeletons,
    find_skeletons,
    sort_by_skeleton,
)
from cgraph.distances.edit.tables import (
    ROWS_A_UNIT,
    TableCosts,
    fill_rows,
    fits_tables,
    table_costs,
    time_tables,
)
from cgraph.distances.plans import Certainty, DistanceOptions, DistancePlan, Floats, Programs
from cgraph.graphs.population import Population
from cgraph.parallel import parallel_map

_SEARCH_NS = 150.0  # that the search of a pair takes, times the square of its kernels
_PAIRS_A_TASK = 1 << 18


def edit_plan(x: Programs, other: Programs | None, options: DistanceOptions) -> DistancePlan:
    """Edit distances between the classes of identical programs.

    They are exact as far as a total of work goes; others are the middles of certified intervals,
    and the certainty of what is filled says how many.
    """
    assert isinstance(x, Population)
    assert other is None or isinstance(other, Population)
    both = x if other is None else joined(x, other)
    kinds = both.classes()
    first, rows = by_appearance(kinds[: len(x)])
    first_other, columns = (first, rows) if other is None else by_appearance(kinds[len(x) :])
    shape = (len(first), len(first_other))
    if other is not None:
        # A program that both sides have is one graph.
        stands_for = np.unique(kinds, return_index=True)[1]
        first, first_other = stands_for[kinds[first]], stands_for[kinds[first_other + len(x)]]
    # One graph of each class, once: the others are not looked at again.
    chosen, place = np.unique(np.concatenate([first, first_other]), return_inverse=True)
    costs = EditCosts.heuristic() if options.costs is None else options.costs
    prepared = prepare(both[chosen], costs)
    left, right = place[: shape[0]], place[shape[0] :]
    members = sort_by_skeleton(prepared.skeletons, left)
    others = members if other is None else sort_by_skeleton(prepared.skeletons, right)
    job = _Job(
        prepared, left, right, members, others, other is None, options.n_jobs,
        _budget(prepared, left, right, other is None, options.n_jobs),
    )  # fmt: skip
    return DistancePlan(rows, columns, shape, partial(_fill_block, job), other is None)


@dataclass(frozen=True, slots=True, eq=False)
class _Job:
    """What the blocks of a plan are filled from."""

    prepared: Prepared
    left: NDArray[np.int64]
    right: NDArray[np.int64]
    members: Members  # of all on the left
    others: Members
    is_mirrored: bool
    n_jobs: int
    budget: int


def _budget(
    prepared: Prepared,
    left: NDArray[np.int64],
    right: NDArray[np.int64],
    is_mirrored: bool,
    n_jobs: int,
) -> int:
    """Expansions of the search of a pair that no table serves."""
    is_large = prepared.is_large
    n_tabled = int((~is_large[left]).sum()) * int((~is_large[right]).sum())
    n_pairs = (len(left) * len(right) - n_tabled) // (2 if is_mirrored else 1)
    return budget_of(prepared.population, prepared.costs, (left, right), is_large, n_pairs, n_jobs)


def _fill_block(job: _Job, rows: slice, columns: slice, out: Floats) -> Certainty:
    is_square = job.is_mirrored and rows == columns
    skeletons, n_rows = job.prepared.skeletons, rows.stop - rows.start
    left, right = job.left[rows], job.right[columns]
    # To sort half a million graphs takes longer than some distances of theirs.
    members = job.members if n_rows == len(job.left) else sort_by_skeleton(skeletons, left)
    if is_square:
        others = members
    elif len(right) == len(job.right):
        others = job.others
    else:
        others = sort_by_skeleton(skeletons, right)
    return fill_between(
        job.prepared,
        (left, members),
        None if is_square else (right, others),
        out,
        budget=job.budget,
        n_jobs=job.n_jobs,
    )


@dataclass(frozen=True, slots=True, eq=False)
class Prepared:
    """A population and costs as the tables and the search read them.

    Parameters
    ----------
    population : Population
        The graphs, over the labels that occur.
    costs : EditCosts
        Over the same labels.
    skeletons : Skeletons
        Of the graphs.
    always : bool
        Whether a cheapest map may always leave kernels of both graphs out.
    prices : TableCosts or None
        Costs as whole numbers; None where they are too large for tables.
    is_large : ndarray of bool, shape (n_graphs,)
        Which graphs are too large for tables.
    rank : ndarray of int64, shape (n_graphs,)
        The order in which the graphs of a pair are searched.
    """

    population: Population
    costs: EditCosts
    skeletons: Skeletons
    always: bool
    prices: TableCosts | None
    is_large: NDArray[np.bool_]
    rank: NDArray[np.int64]


def prepare(population: Population, costs: EditCosts) -> Prepared:
    """What is found once, before distances between any graphs of a population are computed."""
    population, costs = _occurring(population, costs)
    grid = to_grid(costs)
    always, apart = needs_deletions(grid)
    skeletons = find_skeletons(population, apart)
    prices = table_costs(grid, apart) if fits_tables(grid) else None
    is_large = skeletons.of_graph == NO_SKELETON
    rank = np.arange(len(population))
    if is_large.any():
        population = in_one_numbering(population, np.flatnonzero(is_large))
        rank = rank_graphs(population)
    return Prepared(population, costs, skeletons, always, prices, is_large, rank)


def fill_distances(
    population: Population,
    rows: NDArray[np.int64],
    columns: NDArray[np.int64] | None,
    costs: EditCosts,
    out: Floats,
    *,
    budget: int = DEFAULT_BUDGET,
    n_jobs: int = 1,
) -> Certainty:
    """Write the distances between some graphs of a population into an array.

    Parameters
    ----------
    population : Population
        All graphs.
    rows, columns : ndarray of int64
        Which graphs are compared; None for the rows again.
    costs : EditCosts
        What edits cost.
    out : ndarray of shape (n_rows, n_columns)
        Filled.
    budget, n_jobs
        As in `edit_intervals`.
    """
    prepared = prepare(population, costs)
    sides = [
        (side, sort_by_skeleton(prepared.skeletons, side))
        for side in (rows, columns)
        if side is not None
    ]
    other = None if columns is None else sides[1]
    return fill_between(prepared, sides[0], other, out, budget=budget, n_jobs=n_jobs)


Side: TypeAlias = "tuple[NDArray[np.int64], Members]"
"""Some graphs of a population, and the same sorted by skeleton."""


def fill_between(
    prepared: Prepared,
    rows: Side,
    columns: Side | None,
    out: Floats,
    *,
    budget: int = DEFAULT_BUDGET,
    n_jobs: int = 1,
) -> Certainty:
    """As `fill_distances`, of a population that is prepared."""
    skeletons, always = prepared.skeletons, prepared.always
    members = rows[1]
    others = members if columns is None else columns[1]
    n = len(skeletons.n_kernels)
    chosen, back = np.zeros((n, n), dtype=bool), np.zeros((n, n), dtype=bool)
    if prepared.prices is not None:
        _choose_tables(chosen, back, skeletons, members, others, always, columns is None)
        for side in (False, True) if columns is not None else (False,):
            left, right = (others, members) if side else (members, others)
            fill = partial(
                _fill_some,
                skeletons=skeletons,
                rows=left,
                columns=right,
                costs=prepared.prices,
                chosen=back if side else chosen,
                always=always,
                mirrored=columns is None,
                transposed=side,
                out=out,
            )
            tasks = _tasks(left, len(right.graphs))
            for _ in parallel_map(fill, tasks, n_jobs=n_jobs, threads=True):
                pass
    other = None if columns is None else columns[0]
    tabled = chosen | (chosen.T if columns is None else back.T)
    return _search_others(prepared, rows[0], other, tabled, budget, n_jobs, out)


def _choose_tables(
    chosen: NDArray[np.bool_],
    back: NDArray[np.bool_],
    skeletons: Skeletons,
    members: Members,
    others: Members,
    always: bool,
    is_mirrored: bool,
) -> None:
    """Mark the pairs of skeletons that a table is made for: (left, right), or back (right, left).

    A table has the skeleton on the left for which it is quicker; a mirrored one is made once.
    """
    left = np.flatnonzero(np.diff(members.offsets))
    right = np.flatnonzero(np.diff(others.offsets))
    forth_ns = time_tables(skeletons, members, others, left, right, always)
    back_ns = time_tables(skeletons, others, members, right, left, always).T
    n_pairs = np.diff(members.offsets)[left, None] * np.diff(others.offsets)[None, right]
    largest = np.maximum(skeletons.n_kernels[left, None], skeletons.n_kernels[None, right])
    limit = _SEARCH_NS * largest**2 * n_pairs
    is_forth = (forth_ns <= back_ns) & (forth_ns <= limit)
    if is_mirrored:
        is_forth &= (forth_ns < back_ns) | (left[:, None] <= right[None])
        chosen[np.ix_(left, right)] = is_forth
    else:
        chosen[np.ix_(left, right)] = is_forth
        back[np.ix_(right, left)] = ((back_ns < forth_ns) & (back_ns <= limit)).T


def _fill_some(
    task: list[tuple[int, int, int]],
    *,
    skeletons: Skeletons,
    rows: Members,
    columns: Members,
    costs: TableCosts,
    chosen: NDArray[np.bool_],
    always: bool,
    mirrored: bool,
    transposed: bool,
    out: Floats,
) -> None:
    for s, first, last in task:
        fill_rows(
            s,
            first,
            last,
            skeletons,
            rows,
            columns,
            costs,
            chosen,
            always,
            mirrored,
            transposed,
            out,
        )


def _tasks(members: Members, n_columns: int) -> Iterator[list[tuple[int, int, int]]]:
    """Skeletons and ranges of their members, the largest graphs first, enough for a task each."""
    task, n_pairs = [], 0
    for s in range(len(members.offsets) - 2, -1, -1):
        for first in range(members.offsets[s], members.offsets[s + 1], ROWS_A_UNIT):
            last = min(first + ROWS_A_UNIT, int(members.offsets[s + 1]))
            task.append((s, first, last))
            n_pairs += (last - first) * n_columns
            if n_pairs >= _PAIRS_A_TASK:
                yield task
                task, n_pairs = [], 0
    if task:
        yield task


def _search_others(
    prepared: Prepared,
    rows: NDArray[np.int64],
    columns: NDArray[np.int64] | None,
    tabled: NDArray[np.bool_],
    budget: int,
    n_jobs: int,
    out: Floats,
) -> Certainty:
    """Search the pairs that no table was made for."""
    right = rows if columns is None else columns
    n_pairs = len(rows) * (len(rows) - 1) // 2 if columns is None else len(rows) * len(right)
    # Graphs without a skeleton have the number -1: the last row and column.
    tabled = np.pad(tabled, ((0, 1), (0, 1)))
    population, of_graph = prepared.population, prepared.skeletons.of_graph
    kind, other_kind = of_graph[rows], of_graph[right]
    widths: list[NDArray[np.float64]] = [np.empty(0)]
    is_done = tabled[np.ix_(np.unique(kind), np.unique(other_kind))].all()
    step = max(1, _PAIRS_A_TASK // max(1, len(right)))
    for begin in range(0, 0 if is_done else len(rows), step):
        todo = ~tabled[np.ix_(kind[begin : begin + step], other_kind)]
        if columns is None:
            todo &= np.arange(begin, begin + len(todo))[:, None] <= np.arange(len(right))[None]
        i, j = np.nonzero(todo)
        i += begin
        pairs = np.stack([rows[i], right[j]], axis=1)
        turned = prepared.rank[pairs[:, 0]] > prepared.rank[pairs[:, 1]]
        pairs[turned] = pairs[turned, ::-1]
        found = find_intervals(population, pairs, prepared.costs, prepared.is_large, budget, n_jobs)
        widths.append((found.upper - found.lower)[~found.exact])
        out[i, j] = np.where(found.exact, found.upper, (found.lower + found.upper) / 2)
        if columns is None:
            out[j, i] = out[i, j]
    width = np.concatenate(widths)
    return Certainty(n_pairs, len(width), float(width.sum()), float(width.max(initial=0.0)))


def _occurring(population: Population, costs: EditCosts) -> tuple[Population, EditCosts]:
    """The population over the labels that occur, and costs over the same ones."""
    used, ids = np.unique(population.label_ids, return_inverse=True)
    words = [population.vocabulary[k] for k in used.tolist()]
    return _relabelled(population, words, ids.reshape(-1)), costs.over(words)


def _relabelled(
    population: Population, words: list[str], label_ids: NDArray[np.int64]
) -> Population:
    return Population.from_arrays(
        vocabulary=words,
        node_offsets=population.node_offsets,
        label_ids=label_ids,
        edge_offsets=population.edge_offsets,
        edges=population.edges,
        names=population.names,
    )


def joined(x: Population, y: Population) -> Population:
    """Both populations, one after the other, over the union of their vocabularies."""
    words = list(dict.fromkeys([*x.vocabulary, *y.vocabulary]))
    place = {label: i for i, label in enumerate(words)}
    ids = [
        np.array([place[label] for label in p.vocabulary], dtype=np.int64)[p.label_ids]
        for p in (x, y)
    ]
    return Population.from_arrays(
        vocabulary=words,
        node_offsets=np.concatenate([x.node_offsets, y.node_offsets[1:] + x.node_offsets[-1]]),
        label_ids=np.concatenate(ids),
        edge_offsets=np.concatenate([x.edge_offsets, y.edge_offsets[1:] + x.edge_offsets[-1]]),
        edges=np.concatenate([x.edges, y.edges]),
        names=[f"population[{i}]" for i in range(len(x))] + [f"other[{i}]" for i in range(len(y))],
    )


def by_appearance(kinds: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """First graph of each kind and the number of each graph, by first appearance."""
    _, first, index = np.unique(kinds, return_index=True, return_inverse=True)
    order = np.argsort(first)
    number = np.empty_like(order)
    number[order] = np.arange(len(order))
    return first[order], number[index.reshape(-1)]
