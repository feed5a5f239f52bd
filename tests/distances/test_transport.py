import numpy as np
import pytest
from hypothesis import given, settings

from cgraph.distances.edit.costs import EditCosts
from cgraph.distances.matrix import pairwise_distances
from cgraph.distances.transport import transport_distance
from cgraph.errors import ArgumentError
from cgraph.graphs.kernel import KernelGraph
from cgraph.graphs.population import Population
from tests.naive import fused_gromov_wasserstein_of_plan
from tests.strategies import kernel_graphs

some = settings(max_examples=30, deadline=None)
CHAIN = KernelGraph(["relu", "conv2d[3x3]", "add"], [(0, 1), (1, 2)])


@some
@given(kernel_graphs(5), kernel_graphs(5))
def test_the_value_is_that_of_the_plan(a, b):
    costs = EditCosts.heuristic(list("abc"))
    result = transport_distance(a, b, costs)
    assert result.value >= 0
    assert result.plan.shape == (len(a), len(b))
    if len(a) and len(b):
        assert np.allclose(result.plan.sum(axis=1), 1 / len(a))
        assert np.allclose(result.plan.sum(axis=0), 1 / len(b))
        wanted = fused_gromov_wasserstein_of_plan(a, b, result.plan, costs, alpha=0.5)
        assert result.value == pytest.approx(wanted, abs=1e-9)


def test_direction_matters():
    back = KernelGraph(CHAIN.labels, [(1, 0), (2, 1)])
    assert transport_distance(CHAIN, CHAIN).value == pytest.approx(0, abs=1e-12)
    assert transport_distance(CHAIN, back).value > 0.05


def test_operations_alone_are_a_transport_of_labels():
    a, b = KernelGraph(["relu", "add"], []), KernelGraph(["relu", "conv2d[1x1]"], [(0, 1)])
    costs = EditCosts.uniform()
    assert transport_distance(a, b, costs, alpha=0).value == pytest.approx(0.5)
    heavy = transport_distance(a, b, costs, alpha=0, masses=([3, 1], [1, 3]))
    assert heavy.value == pytest.approx(0.75)
    assert heavy.plan.sum(axis=1) == pytest.approx([0.75, 0.25])


def test_nothing_is_a_point_that_costs_a_deletion():
    empty = KernelGraph([], [])
    assert transport_distance(empty, empty).value == 0
    costs = EditCosts.uniform(node=3)
    assert transport_distance(KernelGraph(["relu"], []), empty, costs).value == pytest.approx(1.5)
    assert transport_distance(empty, CHAIN, costs).plan.shape == (0, 3)


def test_the_matrix_is_the_pairs():
    graphs = [CHAIN, KernelGraph(["relu", "add"], [(0, 1)]), KernelGraph([], []), CHAIN]
    distances = pairwise_distances(Population(graphs), "transport")
    assert distances[0, 3] == 0
    assert distances[0, 1] == pytest.approx(transport_distance(graphs[0], graphs[1]).value)
    assert np.array_equal(distances, distances.T)


def test_bad_arguments_are_named():
    with pytest.raises(ArgumentError, match=r"alpha must be a finite number, from 0 to 1, got 2"):
        transport_distance(CHAIN, CHAIN, alpha=2)
    with pytest.raises(ArgumentError, match=r"masses\[1\] must be 3 numbers >= 0, got shape \(2,"):
        transport_distance(CHAIN, CHAIN, masses=([1, 1, 1], [1, 2]))
    with pytest.raises(ArgumentError, match=r"masses\[0\] must have a positive sum, got 0"):
        transport_distance(CHAIN, CHAIN, masses=([0, 0, 0], [1, 2, 3]))
