import math

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cgraph.distances.edit.costs import EditCosts
from cgraph.distances.edit.exact import edit_distance, edit_intervals
from cgraph.distances.edit.script import apply_edits, script_cost
from cgraph.errors import ArgumentError
from cgraph.graphs.canonical import certificate
from cgraph.graphs.kernel import KernelGraph
from cgraph.graphs.population import Population
from tests.distances.cells import random_cells, random_graph
from tests.distances.edit.models import COSTS, random_costs
from tests.naive import edit_distance_over_maps
from tests.strategies import kernel_graphs, renumbered

LABELS = list("abc")
some = settings(max_examples=60, deadline=None)
models = st.sampled_from(list(COSTS.values()))


def networkx_distance(a, b, costs):
    words = {label: i for i, label in enumerate(costs.vocabulary)}
    return nx.graph_edit_distance(
        a.to_networkx(),
        b.to_networkx(),
        node_subst_cost=lambda x, y: min(
            costs.substitute[words[x["label"]], words[y["label"]]], 1e6
        ),
        node_del_cost=lambda x: costs.delete[words[x["label"]]],
        node_ins_cost=lambda y: costs.insert[words[y["label"]]],
        edge_subst_cost=lambda _x, _y: 0,
        edge_del_cost=lambda _x: costs.edge,
        edge_ins_cost=lambda _y: costs.edge,
    )


@some
@given(kernel_graphs(5), kernel_graphs(5), models)
def test_equals_the_best_of_all_maps(a, b, costs):
    result = edit_distance(a, b, costs)
    assert result.exact
    assert result.lower == result.upper
    assert result.upper == pytest.approx(edit_distance_over_maps(a, b, costs), abs=1e-9)


@pytest.mark.parametrize("name", COSTS)
def test_equals_the_best_of_all_maps_on_random_pairs(name):
    rng = np.random.default_rng(1)
    for _ in range(12):
        n, m = rng.integers(0, 7, 2)
        a, b = random_graph(rng, n), random_graph(rng, m)
        wanted = edit_distance_over_maps(a, b, COSTS[name])
        assert edit_distance(a, b, COSTS[name]).upper == pytest.approx(wanted, abs=1e-9)


@pytest.mark.parametrize("kind", ["uniform", "heuristic", "random"])
def test_equals_networkx_on_cells(kind):
    cells = random_cells(24, seed=3)
    words = sorted({label for cell in cells for label in cell.labels})
    costs = {
        "uniform": EditCosts.uniform(vocabulary=words),
        "heuristic": EditCosts.heuristic(words),
        "random": random_costs(words, seed=5),
    }[kind]
    small = [cell for cell in cells if len(cell) <= 6]
    for a, b in zip(small[::2], small[1::2], strict=False):
        wanted = networkx_distance(a, b, costs)
        assert edit_distance(a, b, costs).upper == pytest.approx(wanted, abs=1e-9)


@some
@given(kernel_graphs(6), kernel_graphs(6), models)
def test_the_script_turns_one_into_the_other(a, b, costs):
    result = edit_distance(a, b, costs)
    assert certificate(apply_edits(a, result.operations)) == certificate(b)
    assert script_cost(result.operations) == result.upper


@some
@given(kernel_graphs(6), kernel_graphs(6), models)
def test_there_and_back_cost_the_same(a, b, costs):
    there, back = edit_distance(a, b, costs), edit_distance(b, a, costs)
    assert there.upper == pytest.approx(back.upper, abs=1e-9)


@some
@given(renumbered(), models)
def test_renumbered_graphs_are_at_zero(pair, costs):
    a, b = pair
    result = edit_distance(a, b, costs)
    assert result.upper == 0
    assert result.operations == ()
    assert result.expansions == 0


@some
@given(renumbered(), kernel_graphs(6), models)
def test_numbering_does_not_matter(pair, other, costs):
    a, b = pair
    assert edit_distance(a, other, costs).upper == pytest.approx(
        edit_distance(b, other, costs).upper, abs=1e-9
    )


@some
@given(kernel_graphs(4), kernel_graphs(4), kernel_graphs(4))
def test_triangle_inequality_of_metric_costs(a, b, c):
    costs = EditCosts.heuristic(LABELS)
    assert costs.is_metric
    direct = edit_distance(a, c, costs).upper
    assert direct <= edit_distance(a, b, costs).upper + edit_distance(b, c, costs).upper + 1e-9


@some
@given(kernel_graphs(6), kernel_graphs(6), models, st.integers(1, 12))
def test_a_small_budget_gives_an_interval_around_the_distance(a, b, costs, budget):
    exact = edit_distance(a, b, costs).upper
    result = edit_distance(a, b, costs, budget=budget)
    assert result.lower <= exact + 1e-9
    assert exact <= result.upper + 1e-9
    assert result.lower <= result.upper
    assert result.exact == (result.lower == result.upper)
    assert certificate(apply_edits(a, result.operations)) == certificate(b)
    assert script_cost(result.operations) == result.upper


def test_cells_of_twenty_kernels_are_exact():
    rng = np.random.default_rng(2)
    for _ in range(3):
        a = random_graph(rng, 18, labels="abcdef", density=0.15)
        keep = [i for i in range(18) if i not in (4, 9)]
        place = {old: new for new, old in enumerate(keep)}
        edges = [(place[u], place[v]) for u, v in a.edges.tolist() if u in place and v in place]
        b = KernelGraph([a.labels[i] for i in keep], edges)
        result = edit_distance(a, b, EditCosts.uniform())
        assert result.exact
        assert result.upper <= 2 + len(a.edges) - len(b.edges)


def test_many_pairs_are_the_pairs_one_by_one():
    cells = random_cells(40, seed=7)
    population = Population(cells)
    pairs = np.random.default_rng(0).integers(0, 40, size=(60, 2))
    for costs in (None, EditCosts.uniform(), random_costs(population.vocabulary, seed=1)):
        many = edit_intervals(population, pairs, costs, n_jobs=1)
        two = edit_intervals(population, pairs, costs, n_jobs=2)
        assert many.exact.all()
        assert np.array_equal(many.upper, two.upper)
        for (i, j), value in zip(pairs.tolist(), many.upper, strict=True):
            assert edit_distance(cells[i], cells[j], costs).upper == pytest.approx(value, abs=1e-9)


def test_edits_are_readable():
    a = KernelGraph(
        ["input", "conv2d[3x3]", "output"], [(0, 1), (1, 2)], ["x", "stage2.cell7.edge(0,3)", "y"]
    )
    b = KernelGraph(
        ["input", "conv2d[1x1]", "relu", "output"],
        [(0, 1), (1, 2), (2, 3)],
        ["x", "cell.conv", "cell.relu", "y"],
    )
    result = edit_distance(a, b)
    assert [str(edit) for edit in result.operations] == [
        "disconnect stage2.cell7.edge(0,3) -> y",
        "replace conv2d[3x3] at stage2.cell7.edge(0,3) by conv2d[1x1]",
        "insert relu as cell.relu",
        "connect stage2.cell7.edge(0,3) -> cell.relu",
        "connect cell.relu -> y",
    ]
    assert str(result).startswith("edit distance 7, 5 edits\n  disconnect")
    assert result.gap == 0
    assert apply_edits(a, result.operations).names == (
        "x",
        "stage2.cell7.edge(0,3)",
        "y",
        "cell.relu",
    )


def test_edits_that_do_not_fit_are_named():
    a = KernelGraph(["a", "b"], [(0, 1)])
    edits = edit_distance(a, KernelGraph(["a"], [])).operations
    assert [edit.kind for edit in edits] == ["disconnect", "delete"]
    with pytest.raises(ArgumentError, match=r"operations must each follow the deletion of its edg"):
        apply_edits(a, edits[1:])
    with pytest.raises(ArgumentError, match=r"find the edge, or its place.*disconnect"):
        apply_edits(a, [edits[0], edits[0]])
    with pytest.raises(ArgumentError, match=r"name a kernel of the graph"):
        apply_edits(a, [*edits, edits[1]])


def test_bad_arguments_are_named():
    a, b = KernelGraph(["a"], []), KernelGraph(["b"], [])
    with pytest.raises(ArgumentError, match=r"b must be a KernelGraph, got str"):
        edit_distance(a, "relu")
    with pytest.raises(ArgumentError, match=r"budget must be a whole number, from 1 to .*, got 0"):
        edit_distance(a, b, budget=0)
    with pytest.raises(ArgumentError, match=r"know every label, got none for 'b'"):
        edit_distance(a, b, EditCosts([[0]], 1, 1, 1, ["a"]))
    rng = np.random.default_rng(0)
    large = [random_graph(rng, 14, density=0.5) for _ in range(2)]
    with pytest.raises(ArgumentError, match=r"budget must suffice.*got 3 expansions, which leave"):
        edit_distance(*large, budget=3, exact=True)
    huge = KernelGraph(["a"] * 65, [])
    with pytest.raises(ArgumentError, match=r"exact must be False beyond 64 kernels, got 65"):
        edit_distance(huge, a, exact=True)
    population = Population([a, b, huge])
    with pytest.raises(ArgumentError, match=r"at most 64 kernels, got 65"):
        edit_intervals(population, [(0, 1)])
    with pytest.raises(ArgumentError, match=r"pairs must hold whole numbers, from 0 to 1, got 2"):
        edit_intervals(population[:2], [(0, 2)])
    with pytest.raises(ArgumentError, match=r"pairs must be whole numbers of shape \(n, 2\)"):
        edit_intervals(population[:2], [0, 1])


def test_no_pairs_and_empty_graphs():
    empty, one = KernelGraph([], []), KernelGraph(["a"], [])
    assert edit_distance(empty, empty).upper == 0
    assert edit_distance(empty, one, EditCosts.uniform(node=2)).upper == 2
    assert edit_distance(one, empty, EditCosts.uniform(node=2)).upper == 2
    assert len(edit_intervals(Population([one]), []).upper) == 0


def test_forbidden_substitutions_are_deletions_and_insertions():
    costs = EditCosts([[0, math.inf], [math.inf, 0]], 3, 3, 1, list("ab"))
    a, b = KernelGraph(list("aa"), [(0, 1)]), KernelGraph(list("ab"), [(0, 1)])
    result = edit_distance(a, b, costs)
    assert result.upper == 8
    assert sorted(edit.kind for edit in result.operations) == [
        "connect",
        "delete",
        "disconnect",
        "insert",
    ]
