"""Passes keep what inputs reach which outputs, and cut what they say."""

import pytest
import torch
from hypothesis import given, settings
from torch import nn
from torch.nn import functional

from cgraph.graphs.fusion import contract, fold_batch_norm, fuse_activations, fused
from cgraph.graphs.passes import flatten_sums, live, remove_dead, remove_identities
from cgraph.tracing.record import trace
from tests.laws import reached_from
from tests.strategies import computational_graphs, tensor_programs
from tests.tracing.programs import SHAPE, Program
from tests.tracing.zoo import ZOO, Model, unit

PASSES = {
    "live": live,
    "remove_dead": remove_dead,
    "remove_identities": remove_identities,
    "remove_views": lambda graph: remove_identities(graph, views=True),
    "flatten_sums": flatten_sums,
    "fold_batch_norm": fold_batch_norm,
    "fuse_activations": fuse_activations,
    "fused": fused,
}


def connected(graph):
    return {
        (i, o)
        for i, m in enumerate(graph.inputs)
        for o, returned in enumerate(graph.outputs)
        if returned in reached_from(graph, m)
    }


def operations(graph):
    return [kernel.operation for kernel in graph.kernels]


def captured(forward, *inputs, **parts):
    return trace(Model(forward, **parts).eval(), *(inputs or (torch.ones(2, 4),)))


@pytest.mark.parametrize("name", PASSES)
@settings(deadline=None, max_examples=40)
@given(graph=computational_graphs())
def test_reachability_of_any_graph(name, graph):
    after = PASSES[name](graph)
    assert connected(after) == connected(graph)
    assert len(after.kernels) <= len(graph.kernels)
    assert PASSES[name](after) == after


@settings(deadline=None, max_examples=40)
@given(instructions=tensor_programs())
def test_reachability_of_programs_with_aliases(instructions):
    graph = trace(Program(instructions), torch.ones(SHAPE), torch.ones(SHAPE))
    for change in PASSES.values():
        after = change(graph)
        assert connected(after) == connected(graph)
        assert len(after.outputs) == len(graph.outputs)
        for memory in after.memories:  # storage stays whole: a base with bytes, or its own
            assert (memory.bytes > 0) == (memory.base is None)


@pytest.mark.parametrize("name", ["resnet", "densenet", "transformer", "unet", "cells", "cache"])
def test_reachability_of_models(name):
    model, inputs = ZOO[name]()
    graph = trace(model.eval(), *inputs)
    for change in PASSES.values():
        after = change(graph)
        assert connected(after) == connected(graph)
        assert after.macs == graph.macs


def test_dropout_goes_in_eval_mode_only():
    model = nn.Sequential(nn.Linear(4, 4), nn.Dropout(), nn.Identity(), nn.ReLU())
    x = torch.ones(2, 4)
    assert operations(remove_identities(trace(model.eval(), x))) == ["linear", "relu"]
    assert operations(remove_identities(trace(model.train(), x))) == ["linear", "dropout", "relu"]


def test_neutral_numbers_go_unless_the_type_changes():
    graph = captured(lambda _, x: (((x + 0) * 1 - 0) / 1).relu())
    assert operations(remove_identities(graph)) == ["relu"]
    graph = captured(lambda _, x: x / 1, torch.ones(2, dtype=torch.int64))
    assert operations(remove_identities(graph)) == ["div"]


def test_views_of_the_same_shape_go_by_option():
    graph = captured(lambda _, x: x.view(2, 4).expand(2, 4).t().relu())
    assert operations(remove_identities(graph)) == ["view", "expand", "t", "relu"]
    assert operations(remove_identities(graph, views=True)) == ["t", "relu"]
    square = captured(lambda _, x: x.t().relu(), torch.ones(3, 3))
    assert operations(remove_identities(square, views=True)) == ["t", "relu"]


def test_zeros_and_what_only_feeds_them_are_cut():
    graph = captured(lambda m, x: m.a(x).mul(0.0) + m.b(x), a=nn.Linear(4, 4), b=nn.Linear(4, 4))
    after = live(graph)
    assert operations(after) == ["linear"]
    assert [m.name for m in after.memories if m.kind == "parameter"] == ["b.weight", "b.bias"]
    assert after.memories[after.outputs[0]].kind == "output"


def test_zeros_stay_zeros():
    def forward(m, x):
        zero = functional.avg_pool2d(m.body(x * 0).relu(), 3, 1, 1)
        return x + zero + torch.zeros_like(x)

    body = nn.Conv2d(4, 4, 3, padding=1, bias=False)
    graph = captured(forward, torch.ones(1, 4, 8, 8), body=body)
    assert operations(live(graph)) == []
    biased = nn.Conv2d(4, 4, 3, padding=1)
    after = live(captured(forward, torch.ones(1, 4, 8, 8), body=biased))
    assert operations(after) == ["add"]
    assert [m.kind for m in after.memories] == ["input", "constant", "output"]


def test_a_zero_that_widens_a_sum_stays():
    graph = captured(lambda _, x: x + torch.zeros(3, 2, 4))
    assert operations(live(graph)) == ["add"]


def test_an_output_that_ignores_its_input_has_no_live_kernels():
    graph = captured(lambda m, x: m.layer(x) * 0, layer=nn.Linear(4, 4))
    after = live(graph)
    assert after.kernels == ()
    assert [m.kind for m in after.memories] == ["input", "constant"]
    assert after.n_parameters == 0


def test_constants_are_cut_and_stay_as_memories():
    graph = captured(lambda m, x: x @ m.w.t() + torch.arange(4), w=nn.Parameter(torch.ones(4, 4)))
    after = live(graph)
    assert operations(after) == ["matmul", "add"]
    weight, view = (m for m in after.memories if m.name in ("w", "t.out"))
    assert (weight.kind, view.kind, view.bytes) == ("parameter", "constant", 0)


def test_sums_become_one_kernel():
    graph = captured(lambda _, x: sum([x.relu(), x.tanh(), x.exp()]))
    after = live(graph)
    assert operations(graph).count("add") == 3
    assert operations(after) == ["relu", "tanh", "exp", "add"]
    assert after.kernels[-1].attributes["terms"] == 3


def test_a_sum_that_is_read_twice_is_not_merged():
    graph = captured(lambda _, x: [s := x.relu() + x.tanh(), s + x.exp()])
    assert operations(flatten_sums(graph)).count("add") == 2


def test_a_doubled_sum_is_not_merged():
    def forward(_, x):
        s = x.relu() + x.tanh()
        return s + s

    assert operations(flatten_sums(captured(forward))).count("add") == 2


def test_a_scaled_term_is_not_merged():
    graph = captured(lambda _, x: torch.add(x.relu() + x.tanh(), x.exp(), alpha=2))
    assert operations(flatten_sums(graph)).count("add") == 2


def test_batch_norms_fold_into_what_they_follow():
    graph = trace(unit(3, 4).eval(), torch.ones(1, 3, 8, 8))
    after = fold_batch_norm(graph)
    assert operations(after) == ["conv2d", "relu"]
    assert [m.name for m in after.memories if m.kind == "parameter"] == ["0.weight", "1.bias"]
    assert after.reads.tolist()[:3] == [[0, 0], [1, 0], [2, 0]]


def test_a_bias_stays_and_one_is_made_where_there_is_none():
    x = torch.ones(2, 4)
    biased = nn.Sequential(nn.Linear(4, 3), nn.BatchNorm1d(3)).eval()
    after = fold_batch_norm(trace(biased, x))
    assert [m.name for m in after.memories if m.kind == "parameter"] == ["0.weight", "0.bias"]
    plain = nn.Sequential(nn.Linear(4, 3, bias=False), nn.BatchNorm1d(3, affine=False)).eval()
    after = fold_batch_norm(trace(plain, x))
    assert [(m.name, m.bytes) for m in after.memories if m.kind == "parameter"] == [
        ("0.weight", 48),
        ("batch_norm.bias", 12),
    ]


def test_what_cannot_be_folded_stays():
    x = torch.ones(2, 3, 8, 8)
    assert fold_batch_norm(trace(unit(3, 4).train(), x)).kernels[1].operation == "batch_norm"
    shared = nn.Conv2d(3, 3, 1)
    parts = {"c": shared, "a": nn.BatchNorm2d(3), "b": nn.BatchNorm2d(3)}
    graph = captured(lambda m, x: m.a(m.c(x)) + m.b(m.c(x)), x, **parts)
    assert operations(fold_batch_norm(graph)).count("batch_norm") == 2
    seen = captured(lambda m, x: [y := m.c(x), m.a(y)], x, **parts)
    assert operations(fold_batch_norm(seen)).count("batch_norm") == 1


def test_activations_attach():
    layers = nn.Linear(4, 4), nn.ReLU(inplace=True), nn.Linear(4, 4), nn.Softmax(-1)
    after = fuse_activations(trace(nn.Sequential(*layers), torch.ones(2, 4)))
    assert operations(after) == ["linear", "linear", "softmax"]
    assert after.kernels[0].attributes["activation"] == "relu"
    (made,) = (m for m in after.memories if m.name == "relu.out")
    assert (made.bytes, made.base) == (32, None)


def test_groups_must_not_wait_for_each_other():
    graph = captured(lambda _, x: (y := x.relu()).exp() + y)
    kernel = graph.kernels[0]
    with pytest.raises(ValueError, match="end before what they wrote is read, got 'exp' reading"):
        contract(graph, [([0, 2], kernel)])
    with pytest.raises(ValueError, match="hold a kernel once"):
        contract(graph, [([0, 1], kernel), ([1, 2], kernel)])
