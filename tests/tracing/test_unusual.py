"""Things that programs do now and then: each is captured as it is, or refused with a reason."""

from dataclasses import dataclass

import pytest
import torch
from torch import nn
from torch.nn.attention.flex_attention import flex_attention
from torch.nn.utils.rnn import pack_padded_sequence
from torch.utils.checkpoint import checkpoint

from cgraph.errors import TraceError
from cgraph.tracing.record import trace
from tests.laws import reached_from
from tests.tracing.zoo import Model

pytestmark = pytest.mark.filterwarnings("ignore")  # deprecations of quantisation and scripting


def operations(graph):
    return [kernel.operation for kernel in graph.kernels]


def rows(n):
    return torch.randn(n, 4)


# Inputs and outputs


@dataclass
class Pair:
    a: torch.Tensor
    b: object


class Holder:
    def __init__(self, tensor):
        self.tensor, self.label = tensor, "x"


@pytest.mark.parametrize(
    ("value", "name"),
    [(Pair(torch.ones(2, 4), None), "a"), (Holder(torch.ones(2, 4)), "tensor")],
    ids=["dataclass", "object"],
)
def test_tensors_within_an_object_are_inputs(value, name):
    def forward(m, given):
        given_tensor = getattr(given, name)
        given_tensor.mul_(2)
        return m.layer(given_tensor), given_tensor.sum()

    graph = trace(Model(forward, layer=nn.Linear(4, 4)), value)
    assert [graph.memories[m].name for m in graph.inputs] == [f"args.0.{name}"]
    assert operations(graph) == ["mul", "linear", "sum"]
    assert set(graph.outputs) <= reached_from(graph, graph.inputs[0])
    assert torch.equal(getattr(value, name), torch.ones(2, 4))
    asks = Model(lambda _, given: getattr(given, name) * getattr(given, name).max().item())
    with pytest.raises(TraceError, match="depend on values"):
        trace(asks, value)


def test_tensors_within_an_object_are_outputs():
    def forward(m, x):
        return torch.distributions.Normal(m.layer(x), x.exp(), validate_args=False), Holder(x)

    graph = trace(Model(forward, layer=nn.Linear(4, 4)), rows(2))
    names = [graph.memories[m].name for m in graph.outputs]
    assert names == ["broadcast_tensors.out", "broadcast_tensors.out_1", "args.0"]


class Cache:
    def __init__(self):
        self.layers, self.length, self.inner = [{}], 0, Holder(None)


def test_a_cache_that_the_model_fills_is_as_before():
    def forward(m, x, cache):
        cache.layers[0]["keys"] = m.layer(x)
        cache.layers.append(x)
        cache.length += 1
        cache.inner.tensor = cache.extra = x
        return cache.layers[0]["keys"] * 2

    cache = Cache()
    for fake in (True, False):
        graph = trace(Model(forward, layer=nn.Linear(4, 4)), rows(2), cache, fake=fake)
        assert operations(graph) == ["linear", "mul"]
        assert (cache.layers, cache.length, cache.inner.tensor) == ([{}], 0, None)
        assert not hasattr(cache, "extra")


def test_packed_sequences_need_their_lengths():
    packed = pack_padded_sequence(torch.randn(5, 3, 4), torch.tensor([5, 3, 2]))
    with pytest.raises(TraceError, match="fake=False"):
        trace(nn.LSTM(4, 6), packed)
    graph = trace(nn.LSTM(4, 6), packed, fake=False)
    assert graph.macs == (5 + 3 + 2) * 4 * 6 * (4 + 6)


@pytest.mark.parametrize("layout", [torch.strided, torch.jagged])
def test_nested_tensors_are_refused(layout):
    nested = torch.nested.nested_tensor([rows(2), rows(3)], layout=layout)
    with pytest.raises(TraceError, match="nested tensors, which have no shape; pad them"):
        trace(nn.Linear(4, 4), nested)
    made = Model(lambda _, x: torch.nested.as_nested_tensor([x, x], layout=layout))
    for fake in (True, False):
        with pytest.raises(TraceError, match="nested tensors, which have no shape; pad them"):
            trace(made, rows(2), fake=fake)


def test_a_quantised_input_needs_values():
    quantised = torch.quantize_per_tensor(rows(2), 0.1, 0, torch.quint8)
    model = Model(lambda m, x: m.layer(x.dequantize()), layer=nn.Linear(4, 4))
    with pytest.raises(TraceError, match="fake=False"):
        trace(model, quantised)
    assert operations(trace(model, quantised, fake=False)) == ["dequantize", "linear"]


def test_numbers_are_assigned_as_on_the_cpu():
    def forward(_, x, index):
        x[0] = 1.0
        x[index] = 2
        return x

    graph = trace(Model(forward), rows(3), torch.tensor([1]))
    assert operations(graph) == ["select", "fill", "index_put"]
    assert trace(Model(forward), rows(3), torch.tensor([1]), fake=False) == graph
    assert "__setitem__" not in vars(torch.Tensor)


@pytest.mark.parametrize("fake", [True, False])
def test_generators_and_the_default_dtype_are_as_before(fake):
    def forward(m, x, given):
        torch.set_default_dtype(torch.float64)
        return x + torch.randn(4, generator=given) + torch.rand(4, generator=m.own)

    model, given = Model(forward, own=torch.Generator()), torch.Generator()
    before = model.own.get_state().clone(), given.get_state().clone()
    trace(model, rows(2), given, fake=fake)
    assert torch.equal(before[0], model.own.get_state())
    assert torch.equal(before[1], given.get_state())
    assert torch.get_default_dtype() == torch.float32


# Parameters


@pytest.mark.parametrize("fake", [True, False])
def test_setting_the_data_of_a_parameter(fake):
    def forward(m, x):
        m.layer.weight.data = m.layer.weight.data * 2
        m.layer.weight.data.add_(1)
        m.layer.weight.requires_grad_(False)
        return m.layer(x)

    model = Model(forward, layer=nn.Linear(4, 4))
    before = model.layer.weight.clone()
    graph = trace(model, rows(2), fake=fake)
    assert [name for name in operations(graph) if name != "detach"] == ["mul", "add", "linear"]
    weight = [m.name for m in graph.memories].index("layer.weight")
    assert graph.outputs[0] in reached_from(graph, weight)
    assert torch.equal(model.layer.weight, before)
    assert model.layer.weight.requires_grad
    assert isinstance(torch.Tensor.data, type(torch._C.TensorBase.data))


def test_layers_of_hidden_weights():
    layers = nn.Sequential(nn.Linear(4, 3), nn.ReLU())
    model = torch.ao.quantization.quantize_dynamic(layers, {nn.Linear})
    graph = trace(model, rows(2))
    assert trace(model, rows(2)) == graph
    assert (graph.macs, graph.n_parameters, graph.parameter_bytes) == (2 * 4 * 3, 15, 12 + 3 * 4)
    recurrent = nn.Sequential(nn.LSTM(4, 5, 2, bidirectional=True))
    x = torch.randn(3, 2, 4)
    quantised = torch.ao.quantization.quantize_dynamic(recurrent, {nn.LSTM})
    assert trace(quantised, x).macs == trace(recurrent, x).macs


def test_a_quantised_network():
    quantization = torch.ao.quantization
    stubs = quantization.QuantStub(), quantization.DeQuantStub()
    model = nn.Sequential(stubs[0], nn.Conv2d(3, 4, 3, stride=2), nn.ReLU(), stubs[1]).eval()
    model.qconfig = quantization.get_default_qconfig("x86")
    x, plain = torch.randn(1, 3, 8, 8), trace(model[1], torch.randn(1, 3, 8, 8))
    quantization.prepare(model, inplace=True)(x)
    quantization.convert(model, inplace=True)
    with pytest.raises(TraceError, match=r"module '1'.* fake=False"):
        trace(model, x)
    graph = trace(model, x, fake=False)
    assert graph.macs == plain.macs
    assert graph.parameter_bytes == 4 * 3 * 9 + 4 * 4
    (convolution,) = [k for k in graph.kernels if k.operation == "conv2d"]
    assert convolution.attributes["kernel_size"] == (3, 3)
    assert convolution.attributes["stride"] == (2, 2)


# Ways to run


def test_scripted_and_traced_modules():
    layers = nn.Sequential(nn.Linear(4, 4), nn.ReLU())
    expected = trace(layers, rows(2))
    for model in (torch.jit.script(layers), torch.jit.trace(layers, rows(2))):
        graph = trace(model, rows(2))
        assert operations(graph) == ["linear", "relu"]
        assert (graph.macs, graph.n_parameters) == (expected.macs, expected.n_parameters)
    frozen = torch.jit.freeze(torch.jit.script(layers.eval()))
    assert trace(frozen, rows(2)).macs == expected.macs


@pytest.mark.parametrize("use_reentrant", [True, False])
def test_checkpoints_are_run_once(use_reentrant):
    def forward(m, x):
        return checkpoint(m.layer, x, use_reentrant=use_reentrant)

    model = Model(forward, layer=nn.Sequential(nn.Linear(4, 4), nn.Dropout()))
    graph = trace(model, rows(2).requires_grad_())
    assert [(k.operation, k.scope) for k in graph.kernels] == [
        ("linear", "layer.0"),
        ("dropout", "layer.1"),
    ]


class Product(torch.autograd.Function):
    @staticmethod
    def forward(ctx, a, b):
        ctx.save_for_backward(a, b)
        return a @ b

    @staticmethod
    def backward(ctx, gradient):
        a, b = ctx.saved_tensors
        return gradient @ b.T, a.T @ gradient


@torch.library.custom_op("cgraph_tests::double", mutates_args=("x",))
def double(x: torch.Tensor) -> torch.Tensor:
    x.mul_(2)
    return x.sum()


@double.register_fake
def _(x):
    return x.new_empty(())


W = nn.Parameter(torch.randn(4, 4))
UNUSUAL = {
    "autograd function": (lambda m, x: Product.apply(x, m.w), ["matmul"], 32),
    "vmap": (
        lambda m, x: torch.vmap(lambda row: torch.dot(row, m.w[0]))(x),
        ["select", "t", "matmul"],
        8,
    ),
    "gradient": (
        lambda m, x: torch.func.grad(lambda y: nn.functional.linear(y, m.w).sum())(x),
        None,
        64,
    ),
    "custom operator": (lambda _, x: (double(x), x + 1), ["double", "add"], 0),
    "map": (
        lambda m, x: torch._higher_order_ops.map(lambda row: m.w @ row, x),
        ["map_impl"],
        32,
    ),
    "scan": (
        lambda m, x: torch._higher_order_ops.scan(lambda c, r: (c + r, m.w @ c), x[0] * 0, x)[1],
        ["select", "mul", "scan"],
        32,
    ),
    "while": (
        lambda m, x: torch._higher_order_ops.while_loop(
            lambda n, _: n < 2, lambda n, x: (n + 1, x @ m.w), (torch.tensor(0), x)
        )[1],
        ["lt", "add", "matmul", "lt", "add", "matmul", "lt"],
        64,
    ),
    "flexible attention": (
        lambda _, x: flex_attention(*[x.reshape(1, 1, 2, 4)] * 3)[0],
        None,
        2 * 2 * (4 + 4),
    ),
}


@pytest.mark.parametrize("name", UNUSUAL)
def test_unusual_calls(name):
    forward, expected, macs = UNUSUAL[name]
    graph = trace(Model(forward, w=W), rows(2))
    assert expected is None or operations(graph) == expected
    assert macs is None or graph.macs == macs
    assert all(out in reached_from(graph, graph.inputs[0]) for out in graph.outputs)


def test_a_custom_operator_writes_what_it_says():
    graph = trace(Model(lambda _, x: (double(x), x + 1)), rows(2))
    versions = [m for m in graph.memories if m.alias == "version"]
    assert [graph.memories[m.base].name for m in versions] == ["args.0"]
