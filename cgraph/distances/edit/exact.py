"""The edit distance of two graphs, and of many pairs: exact, or an interval that says so.

Graphs of up to 64 kernels are searched by branch and bound within a budget of expansions, never
of seconds, so the answer is the same on any machine. What the budget does not finish, and larger
graphs, come back as an interval with the edit of its upper end.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cgraph import checks
from cgraph.distances._compile import compiled
from cgraph.distances.edit.bounds import bound_pair, bound_pairs
from cgraph.distances.edit.changes import SizeChange, split_script
from cgraph.distances.edit.costs import EditCosts, check_costs
from cgraph.distances.edit.packing import (
    FORBIDDEN,
    WORD,
    PackedGraphs,
    needs_deletions,
    pack,
    same_counts,
    to_grid,
)
from cgraph.distances.edit.refine import refine_map
from cgraph.distances.edit.script import EditOperation, edit_script, script_cost
from cgraph.distances.edit.search import DELETED, search, workspace
from cgraph.distances.edit.sized import SizedRule
from cgraph.errors import ArgumentError
from cgraph.graphs.canonical import canonical_order, certificate
from cgraph.graphs.computational import ComputationalGraph
from cgraph.graphs.kernel import KernelGraph, project
from cgraph.graphs.population import Population
from cgraph.graphs.tensors import KernelTensors, kernel_tensors
from cgraph.parallel import parallel_map

if TYPE_CHECKING:
    import pandas as pd

DEFAULT_BUDGET = 200_000
_MOST_EXPANSIONS = 2**62
_PAIRS_A_BLOCK = 4096


@dataclass(frozen=True, slots=True)
class EditDistance:
    """How far one graph is from another, and the edit that shows it.

    Parameters
    ----------
    lower, upper : float
        The distance is at least `lower` and at most `upper`; both are certified.
    exact : bool
        Whether they are equal because it was proved, and not by chance.
    operations : tuple of EditOperation
        Edits that turn the first graph into the second; with `changes` they cost exactly `upper`.
    mapping : tuple of (int or None)
        For each kernel of the first graph, the kernel of the second that it becomes; None where
        it is deleted.
    expansions : int
        Nodes of the search tree that were looked at; 0 where no search was needed.
    changes : tuple of SizeChange, optional
        Kernels that both programs run, on tensors of other sizes; under costs that see sizes,
        what they cost is part of `upper`. None where sizes are not known: between kernel graphs.
    """

    lower: float
    upper: float
    exact: bool
    operations: tuple[EditOperation, ...]
    mapping: tuple[int | None, ...]
    expansions: int
    changes: tuple[SizeChange, ...] | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "lower", checks.number("lower", self.lower, 0))
        object.__setattr__(self, "upper", checks.number("upper", self.upper, self.lower))
        checks.truth("exact", self.exact)
        checks.whole("expansions", self.expansions, 0)
        edits = checks.instances("operations", self.operations, EditOperation, "be edits")
        object.__setattr__(self, "operations", edits)
        mapped = checks.items("mapping", self.mapping, "be numbers of kernels, or None")
        for i, kernel in enumerate(mapped):
            if kernel is not None:
                checks.whole(f"mapping[{i}]", kernel, 0)
        object.__setattr__(self, "mapping", mapped)
        if self.changes is not None:
            changes = checks.instances("changes", self.changes, SizeChange, "be changes of sizes")
            object.__setattr__(self, "changes", changes)

    @property
    def gap(self) -> float:
        """Width of the interval; 0 for an exact distance."""
        return self.upper - self.lower

    @property
    def leaves_out_sizes(self) -> bool:
        """Whether sizes changed and the costs do not see it."""
        return bool(self.changes) and not any(edit.cost for edit in self.changes or ())

    def to_frame(self) -> pd.DataFrame:
        """The edit as a table: the edits of the structure, then the kernels on other sizes.

        Returns
        -------
        DataFrame
            "kind" (of the edit; "resize" for a kernel on other sizes), "kernel", "target", "label",
            "cost", "text", and of a resized kernel what it has more of: "n_parameters",
            "parameter_bytes", "activation_bytes", "macs".
        """
        from cgraph.distances.edit.changes import edit_table

        return edit_table(self.operations, self.changes or ())

    def __str__(self) -> str:
        value = f"{self.upper:g}" if self.exact else f"{self.lower:g} to {self.upper:g}"
        n = len(self.operations)
        free = " of the structure" if self.leaves_out_sizes else ""
        lines = [f"edit distance {value}{free}, {n} edit{'s' if n != 1 else ''}"]
        lines += [f"  {edit} ({edit.cost:g})" for edit in self.operations]
        if self.changes:
            n = len(self.changes)
            lines.append(f"{n} kernel{'s' if n != 1 else ''} on other sizes")
            lines += [f"  {change} ({change.cost:g})" for change in self.changes]
        return "\n".join(lines)


def edit_distance(
    a: KernelGraph | ComputationalGraph,
    b: KernelGraph | ComputationalGraph,
    costs: EditCosts | None = None,
    *,
    budget: int = DEFAULT_BUDGET,
    exact: bool = False,
) -> EditDistance:
    """Cost of the cheapest edit that turns one program into another, and the edit.

    Parameters
    ----------
    a, b : KernelGraph or ComputationalGraph
        From and to, both of one kind. Computational graphs are projected with their boundary, and
        what changes in the sizes of their tensors is told beside the edit.
    costs : EditCosts, optional
        What edits cost; by default `EditCosts.heuristic()` between kernel graphs and
        `EditCosts.sized()` between computational graphs.
    budget : int, default=200,000
        Nodes of the search tree to look at before an interval is given.
    exact : bool, default=False
        Whether an interval is refused.

    Returns
    -------
    EditDistance
        Exact for cells of up to about 20 kernels, an interval where the budget did not suffice
        or a graph has more than 64 kernels.

    Raises
    ------
    ArgumentError
        If an argument is not a graph, a label has no cost, or `exact` is asked for and the budget
        does not suffice or a graph has more than 64 kernels.

    Notes
    -----
    The distance is the least, over all maps of some kernels of `a` to different kernels of `b`,
    of the costs of substituting what is mapped, deleting and inserting what is not, and every
    edge whose ends are not mapped to the ends of an edge [1]_. Costs without a common fraction
    are rounded to a 2^-36th of the largest while searching.

    References
    ----------
    .. [1] A. Sanfeliu and K.-S. Fu, A distance measure between attributed relational graphs for
       pattern recognition, IEEE Trans. SMC 13, 1983.

    Examples
    --------
    >>> a = KernelGraph(["input", "conv2d[3x3]", "relu", "output"], [(0, 1), (1, 2), (2, 3)])
    >>> b = KernelGraph(["input", "conv2d[1x1]", "output"], [(0, 1), (1, 2)])
    >>> print(edit_distance(a, b))
    edit distance 7, 5 edits
      disconnect kernel 1 -> kernel 2 (1)
      disconnect kernel 2 -> kernel 3 (1)
      delete relu at kernel 2 (2)
      replace conv2d[3x3] at kernel 1 by conv2d[1x1] (2)
      connect kernel 1 -> kernel 3 (1)
    """
    budget = checks.whole("budget", budget, 1, _MOST_EXPANSIONS)
    checks.truth("exact", exact)
    check_costs(costs)
    if isinstance(a, ComputationalGraph) and isinstance(b, ComputationalGraph):
        return _program_distance(a, b, costs, budget=budget, exact=exact)
    for name, graph in (("a", a), ("b", b)):
        _check_graph(name, graph)
    assert isinstance(a, KernelGraph)
    assert isinstance(b, KernelGraph)
    costs = check_costs(costs).over(sorted({*a.labels, *b.labels}))
    if certificate(a) == certificate(b):
        mapping = np.empty(len(a), dtype=np.int64)
        mapping[canonical_order(a)] = canonical_order(b)
        return _result(a, b, costs, mapping, 0.0, 0)
    largest = max(len(a), len(b))
    if exact and largest > WORD:
        raise ArgumentError("exact", f"be False beyond {WORD} kernels", f"{largest} kernels")
    result = None
    if largest <= WORD:
        result = _result(a, b, costs, *_search_pair(a, b, costs, budget))
    if result is None or not result.exact:
        result = _narrowed(a, b, costs, result)
    if exact and not result.exact:
        raise ArgumentError(
            "budget",
            "suffice for an exact distance",
            f"{budget:,} expansions, which leave {result.lower:g} to {result.upper:g}",
            "a larger budget, or exact=False for the interval",
        )
    return result


def _program_distance(
    a: ComputationalGraph,
    b: ComputationalGraph,
    costs: EditCosts | None,
    *,
    budget: int,
    exact: bool,
) -> EditDistance:
    """The distance of two programs, and what changes in the tensors that both have."""
    for name, graph in (("a", a), ("b", b)):
        if not graph.is_sized:
            raise ArgumentError(
                name, "have sizes that are all known", repr(graph), "compare project(graph)"
            )
    costs = EditCosts.sized() if costs is None else costs
    plain = (project(a, boundary=True), project(b, boundary=True))
    compared = plain
    if costs.sees_sizes:
        compared = (project(a, "sized", boundary=True), project(b, "sized", boundary=True))
    found = edit_distance(*compared, costs, budget=budget, exact=exact)
    if not found.exact and costs.sees_sizes:
        found = _better_by_structure(found, plain, compared, costs)
    operations, changes = split_script(
        found.operations, plain, found.mapping, (_node_tensors(a), _node_tensors(b))
    )
    return replace(found, operations=operations, changes=changes)


def _better_by_structure(
    found: EditDistance,
    plain: tuple[KernelGraph, KernelGraph],
    compared: tuple[KernelGraph, KernelGraph],
    costs: EditCosts,
) -> EditDistance:
    """The interval, cut by the map of the structure alone, which sizes can hide from a search."""
    a, b = compared
    rule = costs.rule
    assert isinstance(rule, SizedRule)
    words = sorted({*plain[0].labels, *plain[1].labels})
    substitute, indel = rule.base(words)
    alone = EditCosts(substitute, indel, indel, costs.edge, words)
    _, mapping = bound_pair(Population(plain, vocabulary=words), alone)
    mapping = refine_map(Population(plain, vocabulary=words), alone, mapping)
    costs = costs.over(sorted({*a.labels, *b.labels}))
    mapping = refine_map(Population([a, b], vocabulary=costs.vocabulary), costs, mapping)
    other = _result(a, b, costs, mapping, found.lower, found.expansions)
    return other if other.upper < found.upper else found


def _node_tensors(graph: ComputationalGraph) -> list[KernelTensors | None]:
    """Tensors of the nodes of a graph that is projected with its boundary."""
    return [*[None] * len(graph.inputs), *kernel_tensors(graph), *[None] * len(graph.outputs)]


@dataclass(frozen=True, slots=True, eq=False)
class EditIntervals:
    """Edit distances of many pairs.

    Parameters
    ----------
    lower, upper : ndarray of float64, shape (n_pairs,)
        Certified bounds of each distance; equal where `exact`.
    exact : ndarray of bool, shape (n_pairs,)
        Which distances are proved.
    expansions : ndarray of int64, shape (n_pairs,)
        Nodes of the search tree that were looked at.
    """

    lower: NDArray[np.float64]
    upper: NDArray[np.float64]
    exact: NDArray[np.bool_]
    expansions: NDArray[np.int64]


def edit_intervals(
    population: Population,
    pairs: ArrayLike,
    costs: EditCosts | None = None,
    *,
    budget: int = DEFAULT_BUDGET,
    n_jobs: int = -1,
) -> EditIntervals:
    """Edit distances of chosen pairs of a population of small graphs, by branch and bound.

    Parameters
    ----------
    population : Population
        Graphs of at most 64 kernels each.
    pairs : array-like of int, shape (n_pairs, 2)
        Which two graphs to compare.
    costs, budget
        As in `edit_distance`.
    n_jobs : int, default=-1
        Number of threads; -1 uses every core. The result does not depend on it.

    Raises
    ------
    ArgumentError
        If a graph is too large, an index is out of range or a label has no cost.

    Examples
    --------
    >>> cells = Population([KernelGraph(["relu"], []), KernelGraph(["gelu", "relu"], [(0, 1)])])
    >>> edit_intervals(cells, [(0, 0), (0, 1)], EditCosts.uniform()).upper.tolist()
    [0.0, 2.0]
    """
    rows = _check_pairs(pairs, len(population))
    largest = int(population.n_kernels.max(initial=0))
    if largest > WORD:
        raise ArgumentError("population", f"have graphs of at most {WORD} kernels", largest)
    aligned = check_costs(costs).over(population.vocabulary)
    job = _job(population, aligned, budget)
    n = len(rows)
    lower, upper = np.empty(n), np.empty(n)
    expansions = np.empty(n, dtype=np.int64)
    maps = np.empty((0, 0), dtype=np.int64)

    def run(first: int) -> None:
        some = slice(first, first + _PAIRS_A_BLOCK)
        job.search(rows[some], lower[some], upper[some], expansions[some], maps)

    for _ in parallel_map(run, range(0, n, _PAIRS_A_BLOCK), n_jobs=n_jobs, threads=True):
        pass
    exact = lower == upper
    slack = np.where(exact, 0.0, job.slack)
    return EditIntervals(np.maximum(lower - slack, 0.0), upper, exact, expansions)


def edit_bounds(
    population: Population,
    pairs: ArrayLike,
    costs: EditCosts | None = None,
    *,
    n_jobs: int = -1,
) -> EditIntervals:
    """Certified intervals of the edit distances of chosen pairs, for graphs of any size.

    Parameters
    ----------
    population, pairs, costs, n_jobs
        As in `edit_intervals`, without a limit of size.

    Returns
    -------
    EditIntervals
        From the transport between types of kernels, and from the map that follows it; tens of
        thousands of pairs of networks of 170 kernels a second.

    Examples
    --------
    >>> networks = Population([KernelGraph(["relu"] * 90, []), KernelGraph(["relu"] * 80, [])])
    >>> bounds = edit_bounds(networks, [(0, 1)], EditCosts.uniform())
    >>> bounds.lower.tolist(), bounds.upper.tolist()
    ([10.0], [10.0])
    """
    rows = _check_pairs(pairs, len(population))
    aligned = check_costs(costs).over(population.vocabulary)
    lower, upper = bound_pairs(population, rows, aligned, n_jobs)
    return EditIntervals(lower, upper, lower == upper, np.zeros(len(rows), dtype=np.int64))


@dataclass(frozen=True, slots=True)
class _Job:
    """What the search needs to know beside the pairs."""

    search: Callable[..., None]  # takes the pairs and where to write
    slack: float  # the most that rounding of costs can move a distance


def _job(population: Population, costs: EditCosts, budget: int) -> _Job:
    packed: PackedGraphs = pack(population)
    n_nodes = 2 * int(population.n_kernels.max(initial=0))
    n_edges = 2 * int(np.diff(population.edge_offsets).max(initial=0))
    grid = to_grid(costs)
    always, apart = needs_deletions(grid)
    run = partial(
        search_pairs,
        packed.offsets,
        packed.labels,
        packed.out_bits,
        packed.in_bits,
        packed.order,
        grid.substitute,
        grid.indel,
        grid.half_edge,
        grid.step,
        grid.scale,
        always,
        apart,
        budget,
    )
    return _Job(run, grid.rounding * (n_nodes + n_edges) / grid.scale)


def _narrowed(
    a: KernelGraph, b: KernelGraph, costs: EditCosts, found: EditDistance | None
) -> EditDistance:
    """The interval of the bounds, cut with one that was found before."""
    population = Population([a, b], vocabulary=costs.vocabulary)
    lower, mapping = bound_pair(population, costs)
    mapping = refine_map(population, costs, mapping)
    result = _result(a, b, costs, mapping, lower, 0)
    if found is None:
        return result
    lower = max(result.lower, found.lower)
    best = result if result.upper < found.upper else found
    exact = lower >= best.upper
    return replace(best, lower=min(lower, best.upper), exact=exact, expansions=found.expansions)


def _search_pair(
    a: KernelGraph, b: KernelGraph, costs: EditCosts, budget: int
) -> tuple[NDArray[np.int64], float, int]:
    """Map of the kernels of a, lower bound, and expansions."""
    job = _job(Population([a, b], vocabulary=costs.vocabulary), costs, budget)
    lower, upper = np.empty(1), np.empty(1)
    expansions = np.empty(1, dtype=np.int64)
    maps = np.full((1, max(len(a), 1)), DELETED)
    job.search(np.array([[0, 1]]), lower, upper, expansions, maps)
    slack = 0.0 if lower[0] == upper[0] else job.slack
    bound = np.inf if lower[0] == upper[0] else max(float(lower[0]) - slack, 0.0)
    return maps[0, : len(a)], bound, int(expansions[0])


def _result(
    a: KernelGraph,
    b: KernelGraph,
    costs: EditCosts,
    mapping: NDArray[np.int64],
    lower: float,
    expansions: int,
) -> EditDistance:
    """The value to return; a lower bound of infinity says that the map is known to be best."""
    chosen = tuple(None if j == DELETED else j for j in mapping.tolist())
    operations = edit_script(a, b, chosen, costs)
    upper = script_cost(operations)
    exact = lower >= upper
    return EditDistance(upper if exact else lower, upper, exact, operations, chosen, expansions)


def _check_graph(name: str, graph: object) -> None:
    hint = "project() makes one of a computational graph; two of these are compared as they are"
    checks.instance(name, graph, KernelGraph, "be a KernelGraph", hint)


def _check_pairs(pairs: ArrayLike, n_graphs: int) -> NDArray[np.int64]:
    return checks.integers("pairs", pairs, (None, 2), 0, n_graphs - 1)


@compiled
def search_pairs(
    offsets: Any,
    labels: Any,
    out_bits: Any,
    in_bits: Any,
    order: Any,
    substitute: Any,
    indel: Any,
    half_edge: float,
    step: float,
    scale: float,
    always: bool,
    apart: Any,
    budget: int,
    pairs: Any,
    lower: Any,
    upper: Any,
    expansions: Any,
    maps: Any,
) -> None:
    """Search each pair; write a map from the first graph to the second where there is room."""
    largest = 0
    for a, b in pairs:
        largest = max(largest, offsets[a + 1] - offsets[a], offsets[b + 1] - offsets[b])
    work = workspace(largest, largest)
    for p in range(len(pairs)):
        a, b = pairs[p]
        swapped = offsets[a + 1] - offsets[a] > offsets[b + 1] - offsets[b]
        if swapped:
            a, b = b, a
        first, rows = offsets[a], slice(offsets[a], offsets[a + 1])
        other, columns = offsets[b], slice(offsets[b], offsets[b + 1])
        deletions = always or not same_counts(labels[rows], labels[columns], apart)
        low, high, count = search(
            work,
            (labels[rows], out_bits[rows], in_bits[rows]),
            (labels[columns], out_bits[columns], in_bits[columns]),
            substitute,
            indel,
            half_edge,
            step,
            deletions,
            FORBIDDEN,
            budget,
        )
        lower[p] = low / scale
        upper[p] = high / scale
        expansions[p] = count
        if len(maps) == len(pairs):
            for row in range(offsets[a + 1] - first):
                column = work.found[row]
                if column != DELETED and swapped:
                    maps[p, order[other + column]] = order[first + row]
                elif column != DELETED:
                    maps[p, order[first + row]] = order[other + column]
