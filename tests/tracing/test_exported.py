"""Programs of torch.export and graphs of torch.fx give the graph of the model they came from."""

import io
import zipfile
from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from torch import fx, nn
from torch.export import Dim, export
from torch.fx.passes.shape_prop import ShapeProp

from cgraph.errors import ArgumentError, TraceError
from cgraph.graphs.computational import ComputationalGraph
from cgraph.tracing.record import trace
from tests.strategies import tensor_programs
from tests.tracing.pretrained import PRETRAINED
from tests.tracing.programs import SHAPE, Program
from tests.tracing.zoo import ZOO, Model, unit

pytestmark = pytest.mark.filterwarnings("ignore")  # what torch.export warns of is not ours

# Dynamo unrolls a loop over a tensor otherwise, and imports for seconds.
SLOW = {"transformer", "lstm_with_projection"}


def unnamed(graph):
    """The graph with plain names for what came by `*args`, whose name an export forgets."""
    memories = [replace(m, name=m.name.replace("args.", "args_")) for m in graph.memories]
    return ComputationalGraph(
        memories, graph.kernels, graph.reads, graph.writes, graph.outputs, name=graph.name
    )


@pytest.mark.parametrize("name", [name for name in ZOO if name not in SLOW])
def test_an_exported_program_gives_the_graph_of_its_model(name):
    torch.manual_seed(0)
    model, inputs = ZOO[name]()
    model.train("norm" in name or name in ("vgg", "resnet"))
    program = export(model, inputs)
    for depth in ("operator", "module", nn.Sequential):
        expected = unnamed(trace(model, *inputs, depth=depth))
        assert unnamed(trace(program, depth=depth)) == expected


@pytest.mark.parametrize("name", ["bert", "swin", "clip"])
def test_a_file_of_results_in_a_class_of_a_package(name, tmp_path):
    pytest.importorskip("transformers", reason="the extra 'zoo' is not installed")
    torch.manual_seed(0)
    model, inputs = PRETRAINED[name]()
    program = export(model.eval(), (), inputs)
    torch.export.save(program, tmp_path / "program.pt2")
    assert trace(tmp_path / "program.pt2") == trace(program)


@pytest.mark.parametrize("name", ["vgg", "routing"])
def test_what_a_strict_export_leaves_out_of_its_signature(name):
    torch.manual_seed(0)
    model, inputs = ZOO[name]()
    program = export(model.eval(), inputs, strict=True)
    n_named = len(program.graph_signature.parameters) + len(program.graph_signature.buffers)
    assert n_named < len(model.state_dict())
    assert unnamed(trace(program)) == unnamed(trace(model, *inputs))


@settings(deadline=None, max_examples=15)
@given(tensor_programs())
def test_views_and_writes_in_place_come_through(instructions):
    model, inputs = Program(instructions), (torch.ones(SHAPE), torch.ones(SHAPE))
    assert trace(export(model, inputs)) == trace(model, *inputs)


class Everything(nn.Module):
    """Tied weights, buffers of each kind, constants, autocast, nested inputs and outputs."""

    def __init__(self):
        super().__init__()
        self.a, self.b, self.unused = nn.Linear(4, 4), nn.Linear(4, 4), nn.Linear(3, 3)
        self.b.weight = self.a.weight
        self.register_buffer("count", torch.zeros(4))
        self.register_buffer("scratch", torch.zeros(4), persistent=False)
        self.norm, self.constant = nn.BatchNorm1d(4), torch.ones(4)

    def forward(self, x, y=None, *, z):
        self.count += 1
        self.scratch = self.scratch * 2
        x.tanh()
        h = self.a(self.a(x)) + self.b(x) + (self.count if y is None else y)
        with torch.no_grad():
            h = h * 2
        with torch.autocast("cpu", torch.bfloat16):
            h = self.a(h)
        h = self.norm(h) + self.constant + torch.tensor([1.0, 2, 3, 4])
        return {"h": h.view(-1)[::2], "x": x, "n": 3, "z": z["q"]}


ARGUMENTS = (torch.ones(2, 4), None), {"z": {"q": torch.ones(2)}}


@pytest.fixture(scope="module")
def everything():
    args, kwargs = ARGUMENTS
    return export(Everything(), args, kwargs), trace(Everything(), *args, **kwargs)


def test_a_program_with_everything(everything, tmp_path):
    program, expected = everything
    args, kwargs = ARGUMENTS
    before = {name: t.clone() for name, t in program.state_dict.items()}
    assert trace(program) == expected
    assert trace(program, args[0], y=None, **kwargs) == expected
    assert trace(program, *args, **kwargs, fake=False) == expected
    assert trace(program.module(), *args, **kwargs) == expected
    assert all(torch.equal(program.state_dict[name], t) for name, t in before.items())
    torch.export.save(program, tmp_path / "program.pt2")
    assert trace(tmp_path / "program.pt2") == expected
    assert trace(str(tmp_path / "program.pt2")) == expected


def test_a_decomposed_program_writes_back_its_buffers(everything):
    graph = trace(everything[0].run_decompositions())
    assert graph.macs == everything[1].macs
    assert graph.parameter_bytes == everything[1].parameter_bytes
    versions = {graph.memories[m.base].name for m in graph.memories if m.alias == "version"}
    assert versions >= {"count", "scratch", "norm.running_mean", "norm.running_var"}
    assert len(graph.outputs) == 3


def test_sizes_that_vary_are_those_of_the_inputs():
    model = nn.Sequential(nn.Linear(4, 3), nn.Flatten(0), nn.ReLU())
    program = export(model, (torch.ones(5, 4),), dynamic_shapes=({0: Dim("n", min=2, max=9)},))
    assert trace(program) == trace(model, torch.ones(5, 4))
    assert trace(program, torch.ones(7, 4)) == trace(model, torch.ones(7, 4))
    with pytest.raises(TraceError, match="<= 9, but got 12"):
        trace(program, torch.ones(12, 4))


def test_what_lies_in_order_is_not_copied():
    model = Model(lambda _, x: x.contiguous() + 1)
    program = export(model, (torch.ones(2, 3).t(),))
    for x in (torch.ones(2, 3).t(), torch.ones(3, 2)):
        assert unnamed(trace(program, x)) == unnamed(trace(model, x))


def test_conditions_take_the_branch_of_the_values():
    def forward(_, x):
        return torch.cond(x.sum() > 0, lambda x: x.sin(), lambda x: x.cos(), (x,))

    program = export(Model(forward), (torch.ones(3),))
    with pytest.raises(TraceError, match="fake=False"):
        trace(program)
    assert trace(program, fake=False).kernels[-1].operation == "sin"
    assert trace(program, -torch.ones(3), fake=False).kernels[-1].operation == "cos"


@pytest.mark.parametrize(
    ("args", "kwargs", "said"),
    [
        ((torch.ones(3, 4), None), ARGUMENTS[1], "to be equal to 2, but got 3"),
        ((torch.ones(2, 4),), ARGUMENTS[1], "expected 3, got 2"),
        ((), {"x": torch.ones(2, 4)}, "z"),
        ((torch.ones(2, 4), torch.ones(1)), ARGUMENTS[1], "'y' is fixed to None"),
        ((torch.ones(2, 4), None), {"z": (torch.ones(2),)}, "x, y, z_q"),
    ],
    ids=["shape", "number", "keyword", "constant", "nest"],
)
def test_inputs_that_do_not_fit(everything, args, kwargs, said):
    with pytest.raises(TraceError) as caught:
        trace(everything[0], *args, **kwargs)
    assert said in str(caught.value)


def test_a_failing_program_names_the_module():
    program = export(nn.Sequential(nn.ReLU(), nn.Sequential(nn.Linear(4, 2))), (torch.ones(1, 4),))
    (weight,) = [node for node in program.graph.nodes if node.name == "p_1_0_weight"]
    (bias,) = [node for node in program.graph.nodes if node.name == "p_1_0_bias"]
    (linear,) = [node for node in program.graph.nodes if node.name == "linear"]
    linear.args = (linear.args[0], bias, weight)
    with pytest.raises(TraceError, match=r"module '1\.0'"):
        trace(program)


# Files


def saved(model, *inputs):
    buffer = io.BytesIO()
    torch.export.save(export(model, inputs), buffer)
    return buffer.getvalue()


def test_files_that_are_no_programs(tmp_path):
    path = tmp_path / "model.pt2"
    whole = saved(nn.Linear(2, 2), torch.ones(1, 2))

    def failure(content):
        path.write_bytes(content)
        with pytest.raises(TraceError) as caught:
            trace(path)
        assert str(path) in str(caught.value)
        return str(caught.value)

    for content in (b"", b"no archive", whole[: len(whole) // 2]):
        assert "no archive of torch.export, or cut off" in failure(content)
    start = whole.index(b'"graph_module"')
    assert "cannot be loaded" in failure(whole[:start] + bytes(100) + whole[start + 100 :])
    buffer = io.BytesIO()
    torch.save({"weight": torch.ones(2)}, buffer)
    assert "torch.save wrote it" in failure(buffer.getvalue())
    buffer = io.BytesIO()
    torch.jit.save(torch.jit.script(nn.Linear(2, 2)), buffer)
    assert "torch.jit.load" in failure(buffer.getvalue())
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("readme.txt", "hello")
    assert "no archive of torch.export" in failure(path.read_bytes())


def test_paths_that_lead_nowhere(tmp_path):
    with pytest.raises(ArgumentError) as caught:
        trace(tmp_path / "missing.pt2")
    assert "missing.pt2', where there is no file" in str(caught.value)
    (tmp_path / "weights.safetensors").touch()
    with pytest.raises(ArgumentError, match=r"path of a \.pt2 .* got .*weights\.safetensors"):
        trace(tmp_path / "weights.safetensors")


# Graphs of torch.fx


def test_a_graph_of_fx_gives_the_graph_of_its_model():
    model = nn.Sequential(unit(3, 4), Model(lambda m, x: m.pool(x).relu(), pool=nn.MaxPool2d(2)))
    x = torch.ones(1, 3, 8, 8)
    graph = fx.symbolic_trace(model.eval())
    expected = trace(model, x)
    assert trace(graph, x) == expected
    with pytest.raises(TraceError, match="does not tell the shape of 'input_1'; pass example"):
        trace(graph)
    ShapeProp(graph).propagate(x)
    assert trace(graph) == expected
    assert trace(graph, depth="module") == trace(model, x, depth="module")


def test_defaults_keywords_and_own_calls_of_a_graph():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.scale = nn.Parameter(torch.ones(3))

        def forward(self, x, y=2.0, *, z=1):
            return (x * y + z) * self.scale

    model, x = Net(), torch.ones(3)
    graph = fx.symbolic_trace(model)
    assert trace(graph, x, z=4) == trace(model, x, z=4)
    made = fx.experimental.proxy_tensor.make_fx(lambda x: x.sin() + 1)(x)
    assert [k.operation for k in trace(made).kernels] == ["sin", "add"]
