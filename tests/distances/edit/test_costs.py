import math
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cgraph.distances.edit.costs import EditCosts
from cgraph.distances.edit.rules import read_label
from cgraph.errors import ArgumentError
from cgraph.graphs.computational import ComputationalGraph, Kernel, Memory
from cgraph.graphs.labels import OPERATION_FAMILIES, OTHER
from cgraph.tracing.operators import base_name

NASBENCH201 = ["skip_connect", "avg_pool_3x3", "nor_conv_1x1", "nor_conv_3x3", "input", "output"]
LABELS = [
    *NASBENCH201,
    "conv3x3-bn-relu",
    "conv1x1-bn-relu",
    "maxpool3x3",
    "conv2d[3x3]",
    "conv2d[1x1]",
    "conv2d[3x3,s2]",
    "conv2d[dw5x5]",
    "conv2d[7x7,s2]",
    "conv1d[3]",
    "conv2d[3x3,d2]",
    "conv2d[1x1,g4]",
    "batch_norm",
    "layer_norm",
    "relu",
    "gelu",
    "add",
    "mul",
    "linear",
    "max_pool2d[2x2,s2]",
    "adaptive_avg_pool2d",
    "mean",
    "view",
    "dropout",
    "softmax",
    "lstm",
    "gat",
    "none",
    "scaled_dot_product_attention",
]
inf = math.inf


def test_heuristic_table_of_nasbench201():
    costs = EditCosts.heuristic(NASBENCH201)
    assert costs.substitute.tolist() == [
        [0, 3, 5, 6, inf, inf],
        [3, 0, 6, 6, inf, inf],
        [5, 6, 0, 2, inf, inf],
        [6, 6, 2, 0, inf, inf],
        [inf, inf, inf, inf, 0, inf],
        [inf, inf, inf, inf, inf, 0],
    ]
    assert costs.insert[:4].tolist() == [2, 4, 5, 6]
    assert costs.edge == 1


def test_heuristic_reads_labels_of_traced_graphs():
    costs = EditCosts.heuristic(
        ["conv2d[3x3]", "conv2d[1x1]", "conv2d[3x3,s2]", "relu", "gelu", "max_pool2d[2x2,s2]"]
    )
    narrow, stride, activation, pooling = costs.substitute[0, [1, 2, 3, 5]]
    assert narrow == 2
    assert stride == 1
    assert activation == pooling == 6
    assert costs.substitute[3, 4] == 2
    assert read_label("conv2d[dw5x5]").options == {"dw"}
    assert read_label("conv3x3-bn-relu").window == 1


@pytest.mark.parametrize("make", [EditCosts.uniform, EditCosts.heuristic])
def test_rules_are_metrics_over_any_labels(make):
    costs = make(vocabulary=LABELS)
    assert costs.triangle_violations == ()
    assert costs.is_metric


def test_every_operator_of_pytorch_has_costs():
    import torch

    schemas = torch._C._jit_get_all_schemas()
    names = {base_name(s.name) for s in schemas if s.name.startswith("aten::")}
    assert len(names) > 1000
    families = {read_label(name).family for name in [*names, "my_operator", "", "[", "a[b"]}
    assert families <= {*OPERATION_FAMILIES, OTHER}
    # Two operations of each family stand for all: costs follow from the family.
    few = [name for f in OPERATION_FAMILIES.values() for name in sorted(f.operations)[:2]]
    costs = EditCosts.heuristic([*few, "my_operator", "your_operator"])
    assert costs.is_metric
    assert (costs.insert >= 1).all()


@given(st.lists(st.text(max_size=12), unique=True, max_size=6))
def test_any_label_has_costs(labels):
    assert EditCosts.heuristic(labels).is_metric


@given(st.lists(st.sampled_from(LABELS), unique=True))
def test_costs_do_not_depend_on_the_vocabulary(labels):
    whole = EditCosts.heuristic(LABELS)
    part, direct = whole.over(labels), EditCosts.heuristic(labels)
    assert part.vocabulary == tuple(labels)
    np.testing.assert_array_equal(part.substitute, direct.substitute)
    np.testing.assert_array_equal(part.insert, direct.insert)


def test_a_table_keeps_its_costs_where_a_rule_extends_it():
    own = EditCosts(
        [[0, 0.5], [0.5, 0]], 7, 7, 1, ["relu", "add"], rule=EditCosts.heuristic().rule
    ).over(["linear", "add", "relu"])
    assert own.substitute[1, 2] == 0.5
    assert own.insert.tolist() == [6, 7, 7]


def test_closure_is_the_cheapest_detour():
    costs = EditCosts([[0, 1, 9], [1, 0, 1], [9, 1, 0]], [1, 9, 9], [1, 9, 9], 1, list("abc"))
    assert not costs.is_metric
    assert any("inserting b" in sentence for sentence in costs.triangle_violations)
    closed = costs.closure()
    assert closed.substitute[0, 2] == 2
    assert closed.insert.tolist() == [1, 2, 3]
    assert closed.is_metric


def test_asymmetric_costs_are_refused_or_symmetrised():
    with pytest.raises(ArgumentError, match=r"substitute must be symmetric, got 1 from 'a' to 'b'"):
        EditCosts([[0, 1], [3, 0]], 1, 1, 1, list("ab"))
    with pytest.raises(ArgumentError, match=r"insert must equal delete, got 1 and 2 for 'a'"):
        EditCosts([[0]], [1], [2], 1, ["a"])
    with pytest.raises(ArgumentError, match=r"edge must cost the same both ways, got 1 and 3"):
        EditCosts([[0]], 1, 1, (1, 3), ["a"])
    costs = EditCosts([[0, 1], [3, 0]], 1, 2, (1, 3), ["a", "b"], symmetrise=True)
    assert costs.substitute[0, 1] == 2
    assert costs.insert[0] == costs.delete[0] == 1.5
    assert costs.edge == 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([[0, -1], [-1, 0]], 1, 1, 1), "substitute must hold numbers, 0 or more, got -1"),
        (([[0, 1], [1, 0]], [math.nan, 1], 1, 1), "insert must hold numbers, 0 or more, got nan"),
        (([[0, 1], [1, 0]], 1, 1, -2), "edge must be a finite number, 0 or more, got -2"),
        (([[0, 1], [1, 0]], inf, inf, 1), "insert must be a finite number"),
        (([[4, 1], [1, 0]], 1, 1, 1), "substitute must be 0 on the diagonal, got 4 for 'a'"),
        (
            ([[0, 1]], 1, 1, 1),
            r"costs, .* of shape \(2, 2\), got shape \(1, 2\)",
        ),
        (([[0, 1], [1, 0]], [1, 1, 1], 1, 1), r"insert must hold costs, .* of shape \(2,\)"),
    ],
)
def test_bad_costs_are_named(arguments, message):
    with pytest.raises(ArgumentError, match=message):
        EditCosts(*arguments, vocabulary=list("ab"))


def test_an_unknown_label_is_named():
    costs = EditCosts([[0]], 1, 1, 1, ["relu"])
    with pytest.raises(ArgumentError, match="know every label, got none for 'gelu'"):
        costs.over(["relu", "gelu"])


def test_hardware_costs_follow_macs_and_bytes():
    def program(name, macs, size):
        return ComputationalGraph(
            [
                Memory("x", "input", (8,), "float32", 32),
                Memory("y", "output", (size,), "float32", 4 * size),
            ],
            [Kernel(name, name, macs=macs)],
            [(0, 0)],
            [(0, 1)],
            [1],
        )

    graphs = [program("linear", 1000, 8), program("relu", 0, 8), program("gelu", 0, 8)]
    costs = EditCosts.hardware(graphs, floor=0.01)
    assert costs.vocabulary == ("gelu", "input", "linear", "output", "relu")
    gelu, _, linear, _, relu = range(5)
    assert costs.substitute[gelu, relu] == pytest.approx(0.01)
    assert costs.substitute[gelu, linear] > 1
    assert costs.insert[linear] > costs.insert[relu]
    assert costs.is_metric
    with pytest.raises(ArgumentError, match="at least one kernel, got none"):
        EditCosts.hardware([])
    with pytest.raises(ArgumentError, match="floor must be a finite number above 0, got 0"):
        EditCosts.hardware(graphs, floor=0)


def test_costs_survive_pickling():
    costs = pickle.loads(pickle.dumps(EditCosts.uniform(node=2)))
    assert costs.over(["a", "b"]).substitute[0, 1] == 2
