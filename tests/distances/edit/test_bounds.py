import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linear_sum_assignment

from cgraph.distances.edit.bounds import bound_pair
from cgraph.distances.edit.costs import EditCosts
from cgraph.distances.edit.exact import edit_bounds, edit_distance, edit_intervals
from cgraph.distances.edit.refine import refine_map
from cgraph.distances.edit.script import apply_edits, script_cost
from cgraph.distances.matrix import pairwise_distances
from cgraph.errors import ArgumentError
from cgraph.graphs.canonical import certificate
from cgraph.graphs.kernel import KernelGraph
from cgraph.graphs.population import Population
from tests.distances.cells import random_cells, random_graph
from tests.distances.edit.models import COSTS
from tests.naive import edit_assignment_bound, edit_distance_of_map
from tests.strategies import kernel_graphs

some = settings(max_examples=60, deadline=None)
models = st.sampled_from(list(COSTS.values()))


def network(rng, n_blocks):
    """A chain of residual blocks, each of one of two kinds."""
    labels, edges = ["conv2d[3x3]"], []
    for _ in range(n_blocks):
        block = ["relu", "conv2d[3x3]", "batch_norm"] * (1 + (rng.random() < 0.3)) + ["add"]
        start = len(labels)
        edges += [(i - 1, i) for i in range(start, start + len(block))]
        edges.append((start - 1, start + len(block) - 1))
        labels += block
    return KernelGraph(labels, edges)


@some
@given(kernel_graphs(6), kernel_graphs(6), models)
def test_bounds_hold_the_distance(a, b, costs):
    exact = edit_distance(a, b, costs).upper
    bounds = edit_bounds(
        Population([a, b], vocabulary=list("abc")), [(0, 1), (1, 0)], costs, n_jobs=1
    )
    assert (bounds.lower <= exact + 1e-9).all()
    assert (bounds.upper >= exact - 1e-9).all()


@some
@given(kernel_graphs(6), kernel_graphs(6), models)
def test_the_lower_bound_is_the_assignment_of_kernels(a, b, costs):
    lower, mapping = bound_pair(Population([a, b], vocabulary=list("abc")), costs)
    wanted = edit_assignment_bound(a, b, costs, linear_sum_assignment)
    assert lower == pytest.approx(wanted, abs=1e-8)
    assert len(mapping) == len(a)


@some
@given(kernel_graphs(6), kernel_graphs(6), models)
def test_refining_a_map_never_costs_more(a, b, costs):
    population = Population([a, b], vocabulary=list("abc"))
    _, mapping = bound_pair(population, costs)
    better = refine_map(population, costs, mapping)
    before = edit_distance_of_map(a, b, mapping.tolist(), costs)
    after = edit_distance_of_map(a, b, better.tolist(), costs)
    assert after <= before + 1e-9
    used = better[better >= 0]
    assert len(np.unique(used)) == len(used)


def test_bounds_of_cells_hold_all_distances():
    population = Population(random_cells(60, seed=2))
    pairs = np.random.default_rng(0).integers(0, 60, size=(800, 2))
    for costs in (EditCosts.uniform(), EditCosts.heuristic()):
        exact = edit_intervals(population, pairs, costs)
        bounds = edit_bounds(population, pairs, costs)
        assert (bounds.lower <= exact.upper).all()
        assert (bounds.upper >= exact.upper).all()


def test_large_networks_have_an_interval_and_a_script():
    rng = np.random.default_rng(0)
    a, b = network(rng, 40), network(rng, 36)
    assert min(len(a), len(b)) > 64
    for costs in (EditCosts.uniform(), EditCosts.heuristic()):
        result = edit_distance(a, b, costs)
        assert 0 < result.lower <= result.upper
        assert certificate(apply_edits(a, result.operations)) == certificate(b)
        assert script_cost(result.operations) == result.upper
        bounds = edit_bounds(Population([a, b]), [(0, 1)], costs)
        assert result.upper <= bounds.upper[0]
        assert result.lower == bounds.lower[0]


def test_a_network_and_itself_renumbered_are_at_zero():
    rng = np.random.default_rng(1)
    a = network(rng, 30)
    number = rng.permutation(len(a))
    labels = [""] * len(a)
    for old, new in enumerate(number):
        labels[new] = a.labels[old]
    b = KernelGraph(labels, number[a.edges])
    result = edit_distance(a, b)
    assert result.upper == 0
    assert result.exact


def test_an_interval_of_a_search_is_cut_with_the_bounds():
    rng = np.random.default_rng(3)
    a, b = (random_graph(rng, 40, density=0.2) for _ in range(2))
    result = edit_distance(a, b, budget=50)
    lower, _ = bound_pair(
        Population([a, b], vocabulary=list("abc")), EditCosts.heuristic(list("abc"))
    )
    assert not result.exact
    assert result.lower >= lower
    assert certificate(apply_edits(a, result.operations)) == certificate(b)


def test_any_number_of_threads_gives_the_same_bounds():
    rng = np.random.default_rng(2)
    population = Population([random_graph(rng, n) for n in rng.integers(0, 30, 20)])
    pairs = rng.integers(0, 20, size=(9000, 2))
    one, two = (edit_bounds(population, pairs, n_jobs=n) for n in (1, 2))
    assert np.array_equal(one.lower, two.lower)
    assert np.array_equal(one.upper, two.upper)
    with pytest.raises(ArgumentError, match=r"pairs must hold whole numbers, from 0 to 19, got 20"):
        edit_bounds(population, [(20, 0)])


def test_matrices_of_bounds_hold_the_exact_one():
    population = Population(random_cells(30, seed=9))
    lower = pairwise_distances(population, "edit-lower")
    exact = pairwise_distances(population, "edit")
    upper = pairwise_distances(population, "edit-upper")
    assert (lower <= exact).all()
    assert (exact <= upper).all()
