"""Differences that see sizes."""

import itertools
import math
from fractions import Fraction

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from cgraph import EditCosts, Population, edit_distance, pairwise_distances, project, trace
from cgraph.distances.edit.script import apply_edits
from cgraph.errors import ArgumentError
from cgraph.graphs.canonical import certificate
from cgraph.graphs.tensors import kernel_tensors


def tower(width, *, relu=True, dtype=torch.float32):
    layers = [nn.Linear(8, width), *([nn.ReLU()] if relu else []), nn.Linear(width, 4)]
    return trace(nn.Sequential(*layers).to(dtype), torch.empty(1, 8, dtype=dtype))


def test_what_changed_in_kernels_that_stay():
    found = edit_distance(tower(16), tower(4096))
    assert found.exact
    assert found.operations == ()
    first, relu, last = found.changes
    assert first.text == (
        "linear 8 -> 16 became 8 -> 4096 at linear: +36,720 parameters, +147 kB, +32,640 MACs"
    )
    assert (first.n_parameters, first.parameter_bytes) == (36_720, 146_880)
    assert (last.n_parameters, last.macs) == (16_320, 16_320)
    assert relu.activation_bytes == 2 * 4 * (4096 - 16)
    assert found.upper == pytest.approx(first.cost + relu.cost + last.cost)


def test_only_equal_programs_of_equal_sizes_are_at_zero():
    same = edit_distance(tower(16), tower(16))
    assert (same.upper, same.exact, same.changes) == (0, True, ())
    assert "structure" not in str(same)
    # 8 -> 16 and 16 -> 8 without bias: the same bytes and MACs, other shapes.
    sides = [trace(nn.Linear(n, m, bias=False), torch.empty(1, n)) for n, m in ((8, 16), (16, 8))]
    turned = edit_distance(*sides)
    assert turned.upper > 0
    assert turned.changes[0].text == (
        "linear 8 -> 16 became 16 -> 8 at linear: the same parameters and MACs"
    )
    half = edit_distance(tower(16), tower(16, dtype=torch.float16))
    assert half.upper > 0
    assert "linear 8 -> 16 at linear: -288 B" in half.changes[0].text


def test_costs_without_sizes_say_so():
    found = edit_distance(tower(16), tower(32), EditCosts.heuristic())
    assert found.upper == 0
    assert found.leaves_out_sizes
    assert str(found).startswith("edit distance 0 of the structure, 0 edits\n3 kernels on other")


@pytest.mark.parametrize("costs", [None, EditCosts.heuristic(), EditCosts.uniform()])
def test_edits_and_changes_cost_the_distance_and_edits_give_the_other_graph(costs):
    a, b = tower(16), tower(64, relu=False)
    found = edit_distance(a, b, costs)
    total = sum(edit.cost for edit in (*found.operations, *found.changes))
    assert total == pytest.approx(found.upper)
    ends = [project(graph, boundary=True) for graph in (a, b)]
    assert certificate(apply_edits(ends[0], found.operations)) == certificate(ends[1])
    assert not any("{" in edit.text for edit in found.operations)
    table = found.to_frame()
    assert table["cost"].sum() == pytest.approx(found.upper)
    assert (table["kind"] == "resize").sum() == len(found.changes) == 2


def test_a_kernel_that_is_replaced_tells_its_sizes_too():
    sides = [trace(nn.Conv2d(3, 8, k), torch.empty(1, 3, 8, 8)) for k in (3, 5)]
    found = edit_distance(*sides)
    assert [edit.kind for edit in found.operations] == ["replace"]
    (change,) = found.changes
    assert "conv2d[3x3] 3x8x8 -> 8x6x6 became conv2d[5x5] 3x8x8 -> 8x4x4" in change.text
    assert change.cost == 0
    assert found.operations[0].cost == found.upper


amounts = st.tuples(*[st.sampled_from([0, 1, 5, 40, 10**6])] * 3)
labels = st.builds(
    lambda word, sizes, digest: f"{word}{{{','.join(map(str, sizes))},{digest:08x}}}",
    st.sampled_from(["conv2d[3x3]", "conv2d[1x1]", "relu", "view", "linear"]),
    amounts,
    st.integers(0, 1),
)


@given(st.lists(labels, min_size=2, max_size=6, unique=True))
def test_costs_are_a_metric(words):
    costs = EditCosts.sized().over([*words, "input"])
    assert costs.is_metric, costs.triangle_violations


@given(st.lists(labels, min_size=2, max_size=4, unique=True))
def test_costs_are_their_definition(words):
    costs = EditCosts.sized(parameters=2.0, activations=0.5, macs=0.25).over(words)
    for (i, u), (j, v) in itertools.permutations(enumerate(words), 2):
        plain = EditCosts.heuristic(sorted({u.split("{")[0], v.split("{")[0]}))
        expected = plain.substitute[0, -1]
        sizes = [list(map(int, word.split("{")[1].split(",")[:3])) for word in (u, v)]
        for x, y, weight in zip(*sizes, (2.0, 0.5, 0.25), strict=True):
            share = Fraction(abs(x - y), max(x, y, 1))
            expected += weight * math.ceil(100 * share) / 100
        assert costs.substitute[i, j] == pytest.approx(expected + 0.1)


def test_populations_by_size():
    graphs = [project(tower(width), "sized", boundary=True) for width in (16, 17, 64)]
    table = pairwise_distances(Population(graphs), "edit", costs=EditCosts.sized())
    assert 0 < table[0, 1] < table[0, 2]
    direct = edit_distance(tower(16), tower(64)).upper
    assert table[0, 2] == pytest.approx(direct)


def test_labels_without_sizes_are_refused():
    graphs = [project(tower(width)) for width in (16, 64)]
    with pytest.raises(ArgumentError, match=r"sized costs for 'linear'; project\(graph, label="):
        edit_distance(*graphs, EditCosts.sized())


def test_weights_are_checked():
    with pytest.raises(ArgumentError, match="macs must"):
        EditCosts.sized(macs=-1)


def test_a_parameter_read_through_a_view_counts():
    class Turned(nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = nn.Parameter(torch.zeros(4, 8))

        def forward(self, x):
            return x @ self.weight.t()

    tensors = kernel_tensors(trace(Turned(), torch.empty(1, 8)))
    assert [t.n_parameters for t in tensors] == [32, 32]
    assert tensors[1].reads == ((1, 8),)
    assert np.all([t.activation_bytes for t in tensors] == [0, 48])
