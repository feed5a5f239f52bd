"""Costs of series of kernels follow from those of the kernels."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cgraph.distances.edit.costs import EditCosts
from cgraph.distances.edit.exact import edit_distance
from cgraph.graphs.kernel import KernelGraph
from cgraph.graphs.series import SEPARATOR, compact
from tests import naive
from tests.strategies import kernel_graphs

KERNELS = ("conv2d[3x3]", "conv2d[1x1]", "relu", "batch_norm", "view", "add", "strange")
series = st.lists(st.sampled_from(KERNELS), min_size=1, max_size=4).map(SEPARATOR.join)
costs = st.sampled_from(
    [EditCosts.heuristic(), EditCosts.uniform(edge=0.5), EditCosts.uniform(3, 0)]
)


@given(costs, st.lists(series, unique=True, min_size=2, max_size=5))
def test_equal_all_alignments(costs, labels):
    table, kernels = costs.over(labels), costs.over(KERNELS)
    for i, a in enumerate(labels):
        steps = a.split(SEPARATOR)
        alone = sum(kernels.insert[KERNELS.index(step)] for step in steps)
        assert table.insert[i] == pytest.approx(alone + costs.edge * (len(steps) - 1))
        for j, b in enumerate(labels):
            found = naive.align(steps, b.split(SEPARATOR), kernels)
            assert table.substitute[i, j] == (0 if i == j else pytest.approx(found))


@given(st.lists(series, unique=True, max_size=7))
def test_a_metric_where_costs_are(labels):
    for costs in (EditCosts.heuristic(), EditCosts.uniform()):
        assert costs.over([*labels, "input", "output"]).triangle_violations == ()


@given(st.lists(series, unique=True, max_size=5))
def test_costs_do_not_depend_on_the_vocabulary(labels):
    whole, part = (
        EditCosts.heuristic(dict.fromkeys([*KERNELS, *labels])),
        EditCosts.heuristic(labels),
    )
    assert np.array_equal(whole.over(labels).substitute, part.substitute)
    assert np.array_equal(EditCosts.heuristic(KERNELS).over(labels).insert, part.insert)


@given(kernel_graphs(max_kernels=6, labels=KERNELS))
def test_a_program_is_as_large_in_both_views(graph):
    empty = KernelGraph([], [])
    sizes = {edit_distance(empty, view).upper for view in (graph, compact(graph))}
    assert max(sizes) - min(sizes) < 1e-9


def test_a_series_of_ones_own_costs():
    own = EditCosts([[0, 7], [7, 0]], 1, 1, 1, ["relu>add", "add"])
    assert own.over(["add", "relu>add"]).substitute[0, 1] == 7
    with pytest.raises(Exception, match="none for 'gelu'"):
        own.over(["gelu>add"])
    assert own.over(["add>add", "add"]).substitute[0, 1] == 2
    ends = EditCosts.heuristic(["input", "relu>add"]).substitute
    assert ends[0, 1] == np.inf
