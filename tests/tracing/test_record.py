"""What a capture says: kinds, names, sizes, aliases; and what it leaves untouched."""

import copy
import functools
import random
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from torch import nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.nn import functional

from cgraph.errors import TraceError
from cgraph.graphs.labels import label_with_attributes
from cgraph.tracing.record import trace
from tests.laws import reached_from
from tests.tracing.zoo import Model, unit


def kinds(graph):
    return {memory.name: memory.kind for memory in graph.memories}


def named(graph, name):
    return next(memory for memory in graph.memories if memory.name == name)


def test_kinds_come_from_module_and_signature():
    model = nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4)).eval().requires_grad_(False)
    model[1].running_mean.requires_grad_(True)
    found = kinds(trace(model, torch.randn(2, 4, requires_grad=True)))
    assert found["0.weight"] == found["1.bias"] == "parameter"
    assert found["1.running_mean"] == found["1.num_batches_tracked"] == "buffer"
    assert found["input"] == "input"
    assert found["linear.out"] == "activation"
    assert found["batch_norm.out"] == "output"


def test_constants_are_neither_inputs_nor_parameters():
    plain = torch.ones(4)
    graph = trace(Model(lambda _, x: x + plain + torch.tensor([1.0, 2, 3, 4])), torch.randn(4))
    assert list(kinds(graph).values()).count("constant") == 2
    assert len(graph.inputs) == 1


def test_inputs_are_named_by_the_signature():
    class Nested(nn.Module):
        def forward(self, batch, *others, scale=None):
            return {"sum": [batch["a"] + others[0][1], (scale * 2,)]}

    graph = trace(Nested(), {"a": torch.ones(2), "n": 3}, [1, torch.ones(2)], scale=torch.ones(1))
    assert [graph.memories[m].name for m in graph.inputs] == ["batch.a", "others.0.1", "scale"]
    assert len(graph.outputs) == 2


def test_bytes_and_dtypes():
    graph = trace(nn.Linear(4, 3, dtype=torch.bfloat16), torch.ones(5, 4, dtype=torch.bfloat16))
    assert named(graph, "weight").bytes == 24
    assert named(graph, "linear.out").dtype == "bfloat16"
    assert named(graph, "linear.out").bytes == 30


def test_a_shared_weight_is_one_memory_with_several_reads():
    model = Model(lambda m, x: m.a(m.b(x)), a=nn.Linear(4, 4), b=nn.Linear(4, 4))
    model.a.weight = model.b.weight
    graph = trace(model, torch.randn(2, 4))
    weight = [m.name for m in graph.memories].index("a.weight")
    assert sorted(k for m, k in graph.reads.tolist() if m == weight) == [0, 1]
    assert graph.n_parameters == 16 + 8


def test_parameters_that_are_views_of_one_buffer_do_not_count_twice():
    flat = torch.randn(20)
    parts = {"w": nn.Parameter(flat[:16].view(4, 4)), "b": nn.Parameter(flat[16:])}
    tied = nn.Parameter(flat[:16])
    graph = trace(
        Model(lambda m, x: functional.linear(x, m.w, m.b) + m.t.sum(), **parts, t=tied),
        torch.randn(2, 4),
    )
    assert graph.parameter_bytes == 80
    assert named(graph, "t").alias == "view"


def test_views_have_a_base_and_no_bytes():
    graph = trace(Model(lambda _, x: x.t().reshape(2, 6)[0] * 2), torch.randn(3, 4))
    transposed, copied, row = (named(graph, f"{n}.out") for n in ("t", "reshape", "select"))
    assert (transposed.bytes, transposed.alias, transposed.base) == (0, "view", 0)
    assert (copied.bytes, copied.alias) == (48, None)
    assert (row.bytes, graph.memories[row.base]) == (0, copied)


def test_in_place_writes_make_versions():
    graph = trace(Model(lambda _, x: x.relu_() + 1), torch.randn(3))
    assert (named(graph, "relu.out").alias, named(graph, "relu.out").bytes) == ("version", 0)
    assert [k.operation for k in graph.kernels] == ["relu", "add"]
    assert graph.reads.tolist() == [[0, 0], [1, 1]]


def test_a_write_through_a_view_reaches_readers_of_the_base():
    def forward(m, x, y):
        z = x.clone()
        z[0].copy_(y)
        return z * 2

    graph = trace(Model(forward), torch.randn(3, 4), torch.randn(4))
    (out,) = graph.outputs
    assert all(out in reached_from(graph, m) for m in graph.inputs)


def test_writes_to_disjoint_views_stay_apart():
    def forward(m, x, y):
        even, odd = x[:, ::2], x[:, 1::2]
        even.add_(y)
        return odd * 2, even * 2

    graph = trace(Model(forward), torch.randn(3, 4), torch.randn(1))
    odd, even = graph.outputs
    found = reached_from(graph, graph.inputs[1])
    assert even in found
    assert odd not in found


def test_batch_norm_in_train_mode_writes_its_statistics():
    model = nn.Sequential(unit(3, 4), nn.Dropout())
    trained, evaluated = (trace(model.train(m), torch.randn(2, 3, 8, 8)) for m in (True, False))
    labels = [[label_with_attributes(k) for k in g.kernels] for g in (trained, evaluated)]
    assert labels[0] == labels[1] == ["conv2d[3x3]", "batch_norm", "relu", "dropout"]
    versions = [m for m in trained.memories if m.alias == "version" and m.shape == (4,)]
    assert [trained.memories[m.base].name for m in versions] == [
        "0.1.running_mean",
        "0.1.running_var",
    ]
    assert not [m for m in evaluated.memories if m.alias == "version" and m.shape == (4,)]


def test_unused_parameters_are_counted():
    model = Model(lambda m, x: m.a(x), a=nn.Linear(4, 4), b=nn.Linear(40, 4))
    assert trace(model, torch.randn(1, 4)).n_parameters == 20 + 164


def test_scopes_follow_modules_hooks_included():
    model = nn.Sequential(nn.Sequential(nn.Linear(4, 4)), nn.ReLU())
    model[0][0].register_forward_pre_hook(lambda _, args: (args[0] * 2,))
    graph = trace(model, torch.randn(1, 4))
    assert [(k.operation, k.scope) for k in graph.kernels] == [
        ("mul", "0.0"),
        ("linear", "0.0"),
        ("relu", "1"),
    ]
    assert named(graph, "relu.out").scope == "1"
    assert named(graph, "0.0.weight").scope == "0.0"


def test_control_flow_takes_the_branch_of_the_example():
    model = Model(lambda _, x: x.relu() if x.shape[0] > 2 else x.tanh())
    assert trace(model, torch.ones(3)).kernels[0].operation == "relu"
    assert trace(model, torch.ones(2)).kernels[0].operation == "tanh"


@functools.lru_cache
def remembered(n, device):
    return torch.arange(n, device=device)


def asked_through_another(function):
    cached = functools.lru_cache(function)
    return lambda *args: cached(*args)


class OfMethod(nn.Module):
    @functools.lru_cache  # noqa: B019
    def table(self, n, device):
        return torch.arange(n, device=device)


class OfStaticMethod(nn.Module):
    @staticmethod
    @asked_through_another
    def table(n, device):
        return torch.arange(n, device=device)


class OfFile(nn.Module):
    def table(self, n, device):
        return remembered(n, device)


@pytest.mark.parametrize("kind", [OfMethod, OfStaticMethod, OfFile])
def test_no_stand_in_stays_in_a_cache(kind):
    class Positions(kind):
        def forward(self, x):
            return x + self.table(x.shape[-1], x.device)

    model, x = Positions(), torch.ones(2, 4)
    graph = trace(model, x)
    assert not model(x).is_meta
    assert trace(model, x) == graph


def test_a_program_sees_where_its_tensors_are():
    def forward(m, x):
        assert not x.is_meta
        places = torch.arange(4, device=x.device)
        made = torch.empty_like(x).copy_(x)
        if m.table.device != x.device or made.device.type != "cpu":
            m.table = m.table.to(x.device)
        return made + m.table + places

    model = Model(forward, table=torch.ones(4))
    graph = trace(model, torch.ones(2, 4))
    assert [k.operation for k in graph.kernels] == ["arange", "empty_like", "copy", "add", "add"]
    assert trace(model, torch.ones(2, 4), fake=False) == graph
    assert torch.ones(1, device="meta").is_meta


def test_the_same_twice_and_of_a_copy():
    model = nn.Sequential(unit(3, 8), unit(8, 8, groups=8), nn.Flatten(), nn.Linear(512, 2))
    x = torch.randn(1, 3, 8, 8)
    first = trace(model, x)
    assert trace(model, x) == first
    assert trace(copy.deepcopy(model), x.clone()) == first
    assert trace(copy.deepcopy(model).to("meta"), x.to("meta")) == first


def test_the_model_and_the_world_are_untouched():
    class Restless(nn.Module):
        def __init__(self):
            super().__init__()
            self.norm = nn.BatchNorm1d(4)
            self.register_buffer("count", torch.zeros(3))
            self.seen, self.table = [], {}

        def forward(self, x):
            self.count += 1
            self.last = x
            self.seen.append(x)
            self.table["x"] = x
            self.count = self.count * 2
            self.norm.weight.data.mul_(2)
            return self.norm(x.add_(random.random())) + torch.rand(4)

    model, x = Restless(), torch.randn(3, 4)
    before = copy.deepcopy(model.state_dict())
    given, states = x.clone(), (random.getstate(), torch.get_rng_state())
    for fake in (True, False):
        trace(model, x, fake=fake)
        assert states[0] == random.getstate()
        assert torch.equal(states[1], torch.get_rng_state())
        assert torch.equal(x, given)
        assert all(torch.equal(before[key], value) for key, value in model.state_dict().items())
        assert not hasattr(model, "last")
        assert (model.seen, model.table, model.training) == ([], {}, True)
        assert not model._forward_hooks
        assert not model._forward_pre_hooks
    model(x)


def test_small_constants_may_be_asked_for_their_values():
    def forward(m, x):
        steps = torch.tensor([1, 2]).tolist()
        half = (torch.arange(4).sum() // 2).item()
        rest = ((m.scale + 3) % 2).long()
        return functional.pad(x * steps[1] * half * m.scale.item(), (0, int(rest)))

    graph = trace(Model(forward, scale=torch.tensor(2.0)), torch.ones(2))
    assert [k.attributes.get("other") for k in graph.kernels if k.operation == "mul"] == [2, 3, 2.0]
    assert graph.memories[graph.outputs[0]].shape == (3,)


def test_captures_in_several_threads():
    def forward(m, x):
        x[0] = 1
        return m.layer(x)

    models = [Model(forward, layer=unit(3, n)).eval() for n in (4, 5, 6)]
    x = torch.ones(1, 3, 8, 8)
    fast_path = torch.backends.mha.get_fastpath_enabled()
    with ThreadPoolExecutor(3) as pool:
        graphs = list(pool.map(lambda model: trace(model, x), models * 4))
    assert graphs == [trace(model, x) for model in models] * 4
    assert "data" not in vars(torch.Tensor)
    assert torch.backends.mha.get_fastpath_enabled() == fast_path


def test_counts_in_buffers_may_be_asked_for():
    def forward(m, x):
        m.step += 1
        return x * m.step.item() if m.step % 2 else x + m.steps[1:].tolist()[0]

    model = Model(forward, step=torch.tensor(2), steps=torch.tensor([1, 2]))
    graph = trace(model, torch.ones(2))
    assert [k.operation for k in graph.kernels] == ["add", "remainder", "mul"]
    assert graph.kernels[-1].attributes["other"] == 3
    assert trace(model, torch.ones(2), fake=False) == graph
    norm = nn.BatchNorm1d(4, momentum=None)  # divides by the count
    assert trace(norm, torch.ones(2, 4)) == trace(norm, torch.ones(2, 4), fake=False)


@pytest.mark.parametrize(
    "read",
    [
        lambda x: x[1].tolist(),
        lambda x: x[1].numpy(),
        lambda x: torch.from_dlpack(x),
        lambda _: torch.empty(2)[0].item(),
    ],
    ids=["tolist", "numpy", "dlpack", "empty"],
)
def test_values_that_are_not_computed_cannot_be_read(read):
    with pytest.raises(TraceError, match="pass fake=False"):
        trace(Model(lambda _, x: (x, read(x))), torch.ones(2, 3))
    trace(Model(lambda _, x: (x, read(x))), torch.ones(2, 3), fake=False)
    assert "tolist" not in vars(torch.Tensor)


def test_gradients_inside_a_model():
    def forces(m, x):
        with torch.enable_grad():
            x = x.requires_grad_()
            return torch.autograd.grad(m.energy(x).sum(), x)[0]

    graph = trace(Model(forces, energy=nn.Linear(3, 1)), torch.randn(2, 3))
    weight = [m.name for m in graph.memories].index("energy.weight")
    assert graph.outputs[0] in reached_from(graph, weight)


def test_autocast_inside_a_model_leaves_nothing_behind():
    def forward(m, x):
        with torch.autocast("cpu", dtype=torch.bfloat16):
            return m.layer(x)

    model = Model(forward, layer=nn.Linear(4, 4))
    graph = trace(model, torch.randn(2, 4))
    assert [k.operation for k in graph.kernels] == ["to", "to", "to", "linear"]
    with torch.autocast("cpu", dtype=torch.bfloat16):
        trace(nn.Linear(4, 4), torch.randn(2, 4))
        assert model(torch.randn(2, 4)).dtype == torch.bfloat16


@pytest.mark.filterwarnings("ignore")
def test_quantised_and_compiled_modules():
    layers = nn.Sequential(nn.Linear(4, 4), nn.ReLU())
    compiled = trace(torch.compile(layers), torch.randn(2, 4))
    assert [k.operation for k in compiled.kernels] == ["linear", "relu"]
    quantised = torch.ao.quantization.quantize_dynamic(layers, {nn.Linear})
    graph = trace(quantised, torch.randn(2, 4))
    assert label_with_attributes(graph.kernels[0]) == "linear_dynamic"


def test_fake_and_meta_tensors_of_the_caller():
    model, x = nn.Sequential(unit(3, 4), nn.Flatten(), nn.Linear(256, 2)), torch.ones(1, 3, 8, 8)
    graph = trace(model, x)
    with FakeTensorMode() as mode:
        fake = nn.Sequential(unit(3, 4), nn.Flatten(), nn.Linear(256, 2))
        assert trace(fake, torch.ones(1, 3, 8, 8)) == graph
    assert trace(fake, mode.from_tensor(x)) == graph
    with torch.device("meta"):
        assert trace(model.to("meta"), torch.ones(1, 3, 8, 8)) == graph
    with pytest.raises(TraceError, match="hold no data; pass fake=True"):
        trace(fake, mode.from_tensor(x), fake=False)
