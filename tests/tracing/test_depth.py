"""The three depths come from one recording and keep sizes, work and reachability."""

import pytest
import torch
from torch import nn

from cgraph.graphs.fusion import contract, fused
from cgraph.graphs.kernel import project
from cgraph.tracing.depth import at_depth, snake_case
from cgraph.tracing.record import record, trace
from tests.laws import reached_from
from tests.tracing.zoo import ZOO, Model, unit


def connected(graph):
    """Which inputs reach which outputs, by position."""
    return {
        (i, o)
        for i, m in enumerate(graph.inputs)
        for o, returned in enumerate(graph.outputs)
        if returned in reached_from(graph, m)
    }


def block():
    return nn.Sequential(unit(4, 4), nn.Dropout(), unit(4, 4, groups=4)).eval()


def test_module_depth_is_a_kernel_for_each_leaf_call():
    model = nn.Sequential(nn.LSTM(4, 6), Model(lambda _, x: x[0].relu() + 1))
    graph = trace(model, torch.randn(5, 2, 4), depth="module")
    assert [(k.operation, k.scope) for k in graph.kernels] == [("lstm", "0"), ("model", "1")]
    assert graph.macs == trace(model, torch.randn(5, 2, 4)).macs
    assert "activation" not in [m.kind for m in graph.memories if m.scope == "1"]


def test_operators_outside_leaves_stay():
    model = Model(lambda m, x: m.a(x).relu() + x, a=nn.Linear(4, 4))
    graph = trace(model, torch.randn(1, 4), depth="module")
    assert [k.operation for k in graph.kernels] == ["linear", "relu", "add"]


def test_a_shared_module_called_twice_is_two_kernels():
    class Pair(nn.Module):
        def forward(self, x):
            return x.exp() + 1

    pair = Pair()
    graph = trace(nn.Sequential(pair, pair), torch.ones(2), depth="module")
    assert [k.operation for k in graph.kernels] == ["pair", "pair"]


def test_types_are_contracted_with_all_that_is_in_them():
    model = nn.Sequential(block(), nn.Sequential(nn.Flatten(), nn.Linear(256, 2)))
    x = torch.randn(1, 4, 8, 8)
    graph = trace(model, x, depth=(nn.Conv2d, nn.Linear))
    assert len(graph.kernels) == len(trace(model, x).kernels)
    whole = trace(model, x, depth=nn.Sequential)
    assert [k.operation for k in whole.kernels] == ["sequential"]
    assert whole.macs == graph.macs
    assert whole.parameter_bytes == graph.parameter_bytes


def test_fused_depth_is_what_a_deployment_runs():
    graph = trace(block(), torch.randn(1, 4, 8, 8), depth="fused")
    assert project(graph).labels == ("conv2d[3x3]+relu", "conv2d[dw3x3]+relu")
    # Scales and running statistics are gone, biases are left.
    assert graph.n_parameters == 4 * 4 * 9 + 4 + 4 * 9 + 4
    assert not [m for m in graph.memories if m.kind == "buffer" and m.bytes > 8]


@pytest.mark.filterwarnings("ignore:LSTM with projections")
@pytest.mark.parametrize("name", ZOO)
def test_depths_agree(name):
    torch.manual_seed(0)
    model, inputs = ZOO[name]()
    recording = record(model.eval(), inputs, {})
    whole = recording.graph
    for depth in ("module", "fused"):
        graph = at_depth(recording, depth)
        assert graph.macs == whole.macs
        # A module is one kernel: all it returns depends on all it reads.
        assert connected(graph) >= connected(whole)
        assert connected(graph) == connected(whole) or (depth, name) == ("module", "attention")
        assert len(graph.kernels) <= len(whole.kernels)
        assert graph == trace(model, *inputs, depth=depth)
    assert at_depth(recording, "module").parameter_bytes == whole.parameter_bytes
    assert fused(whole) == at_depth(recording, "fused")


def test_module_depth_is_operator_depth_contracted():
    pair = Model(lambda _, x: x.exp() + 1)
    model = nn.Sequential(nn.Linear(4, 4), pair, pair)
    operators, modules = (trace(model, torch.ones(2, 4), depth=d) for d in ("operator", "module"))
    names = [kernel.name for kernel in operators.kernels]
    assert names == ["linear", "exp", "add", "exp_1", "add_1"]
    by_hand = contract(operators, [([1, 2], modules.kernels[1]), ([3, 4], modules.kernels[2])])
    assert by_hand == modules


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("Conv2d", "conv2d"),
        ("TransformerEncoderLayer", "transformer_encoder_layer"),
        ("GELU", "gelu"),
    ],
)
def test_snake_case(name, words):
    assert snake_case(name) == words
