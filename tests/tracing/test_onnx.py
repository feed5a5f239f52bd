"""ONNX models give graphs of the same work and sizes as the modules they were exported from."""

import io
import sys

import numpy as np
import pytest
import torch
from torch import nn

from cgraph.errors import ArgumentError, GraphError, MissingPackageError, TraceError
from cgraph.graphs.kernel import project
from cgraph.graphs.labels import label_with_attributes
from cgraph.graphs.passes import live
from cgraph.hardware.footprint import footprint
from cgraph.tracing.record import trace
from tests.laws import reached_from
from tests.tracing.zoo import ZOO, unit

onnx = pytest.importorskip("onnx", reason="the extra 'onnx' is not installed")

pytestmark = pytest.mark.filterwarnings("ignore")  # what torch.onnx warns of is not ours


def exported(model, inputs, **options):
    buffer = io.BytesIO()
    torch.onnx.export(model, inputs, buffer, dynamo=False, **options)
    return onnx.load_from_string(buffer.getvalue())


def parsed(text):
    return onnx.parser.parse_model(text)


def operations(graph):
    return [kernel.operation for kernel in graph.kernels]


def attributes(graph, name):
    return next(dict(kernel.attributes) for kernel in graph.kernels if kernel.name == name)


# Against the modules

SAME = (
    *("alexnet", "autoencoder", "super_resolution", "video", "waveform", "mixer", "gru", "rnn"),
    *("cells", "linear_attention", "state_space", "deep_sets", "residual_flow", "variational"),
)


@pytest.mark.parametrize("name", SAME)
def test_work_and_parameters_are_those_of_the_module(name):
    torch.manual_seed(0)
    model, inputs = ZOO[name]()
    expected = trace(model.eval(), *inputs)
    graph = trace(exported(model, inputs))
    assert graph.is_sized
    assert graph.macs == expected.macs
    assert graph.parameter_bytes == expected.parameter_bytes
    assert [graph.memories[m].shape for m in graph.outputs] == [
        expected.memories[m].shape for m in expected.outputs
    ]
    assert all(out in reached_from(graph, graph.inputs[0]) for out in graph.outputs[:1])


def test_a_network_has_the_labels_of_its_module():
    torch.manual_seed(0)
    layers = [nn.MaxPool2d(2), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 3)]
    model = nn.Sequential(unit(3, 8), unit(8, 8, k=5, s=2, groups=8), *layers).eval()
    x = torch.randn(1, 3, 16, 16)
    with torch.no_grad():  # the exporter merges tensors of equal values
        for tensor in (*model.parameters(), *model.buffers()):
            if tensor.is_floating_point():
                tensor.uniform_(0.5, 1.5)
    given = exported(model, x, training=torch.onnx.TrainingMode.PRESERVE, do_constant_folding=False)
    graph, expected = trace(given), trace(model, x)
    assert project(live(graph)).labels == project(live(expected)).labels
    assert project(live(graph)).edges.tolist() == project(live(expected)).edges.tolist()
    scopes = [k.scope for k in graph.kernels if k.operation != "identity"]
    assert scopes[:3] == ["0.0", "0.1", "0.2"]
    fused = [trace(given, depth="fused"), trace(model, x, depth="fused")]
    assert project(fused[0]).labels == project(fused[1]).labels
    buffers = [m.bytes for m in graph.memories if m.kind == "buffer"]
    assert buffers == [32, 32, 32, 32]
    assert graph.n_parameters == expected.n_parameters


def test_sizes_that_are_left_open_are_given_by_inputs():
    model = nn.Sequential(nn.Linear(4, 3), nn.Unflatten(1, (1, 3)), nn.ReLU())
    open_size = exported(
        model, torch.ones(5, 4), input_names=["x"], dynamic_axes={"x": {0: "batch"}}
    )
    graph = trace(open_size)
    assert not graph.is_sized
    assert graph.n_parameters == 15
    for inputs, named in (((torch.ones(7, 4),), {}), ((), {"x": np.ones((7, 4), np.float32)})):
        sized = trace(open_size, *inputs, **named)
        assert sized.macs == 7 * 12
        assert sized.memories[sized.outputs[0]].shape == (7, 1, 3)
        assert operations(sized) == operations(graph)


# What a file does not tell

WEIRD = """<ir_version: 8, opset_import: ["" : 18, "mine": 1]>
net (float[N,4] x) => (float[N,M] y) <float[4,3] w = {1,2,3,4,5,6,7,8,9,10,11,12}> {
    h = MatMul(x, w)
    z = mine.WeirdThing<k=3>(h)
    y = Relu(z)
}"""


def test_an_unknown_operator_hides_what_follows():
    graph = trace(parsed(WEIRD), torch.ones(5, 4))
    assert operations(graph) == ["matmul", "weird_thing", "relu"]
    assert attributes(graph, "weird_thing") == {"k": 3}
    assert project(graph, "family").labels == ("linear", "other", "activation")
    assert [m.dtype for m in graph.memories][:3] == ["float32", "float32", "float32"]
    assert [m.dtype for m in graph.memories][3:] == ["unknown", "unknown"]
    assert graph.macs == 60  # of every kernel that has some, the sizes are known
    assert "sizes not all known" in repr(graph)
    assert "does not tell" in graph.summary()
    kernels = project(graph, boundary=True)
    assert (kernels.macs, kernels.bytes) == (None, None)
    assert kernels.edges.tolist() == [[0, 1], [1, 2], [2, 3], [3, 4]]
    with pytest.raises(GraphError, match=r"'weird_thing\.out' without; .* example inputs"):
        footprint(graph)
    with pytest.raises(GraphError, match=r"none for 'matmul'; .* example inputs"):
        _ = trace(parsed(WEIRD)).macs
    assert "not known" in trace(parsed(WEIRD)).summary()


@pytest.mark.parametrize("version", [1, 18, 999])
def test_any_opset_is_read(version):
    model = parsed(WEIRD.replace("18", str(version)))
    assert operations(trace(model)) == ["matmul", "weird_thing", "relu"]


def test_control_flow_is_a_kernel_that_reads_what_its_graphs_read():
    graph = trace(
        parsed("""<ir_version: 8, opset_import: ["" : 18]>
net (float[2,4] x, bool c) => (float[2,3] y) <float[4,3] w = {1,2,3,4,5,6,7,8,9,10,11,12}> {
    y = If(c) <then_branch = yes () => (float[2,3] a) { a = MatMul(x, w) },
               else_branch = no () => (float[2,3] b) { m = MatMul(x, w)
                                                       b = Neg(m) }>
}""")
    )
    assert operations(graph) == ["cond"]
    assert [graph.memories[m].name for m, _ in graph.reads.tolist()] == ["c", "x", "w"]
    assert project(graph, "family").labels == ("control flow",)
    with pytest.raises(GraphError, match="none for 'cond'"):
        _ = graph.macs


def test_functions_of_a_model_are_opened():
    graph = trace(
        parsed("""<ir_version: 8, opset_import: ["" : 18, "f": 1]>
net (float[2,4] x) => (float[2,4] y) { y = f.twice(x) }
<domain: "f", opset_import: ["" : 18]> twice (a) => (b) { c = Relu(a)
    b = Add(c, c) }""")
    )
    assert operations(graph) == ["relu", "add"]
    assert graph.reads.tolist() == [[0, 0], [1, 1]]


# Constants

CONSTANTS = """<ir_version: 8, opset_import: ["" : 18]>
net (float[2,6] x) => (float[3,4] y, int64[2] s)
    <int64[2] size = {3, 4}, float zero = {0.0}, float learned = {2.0}> {
    half = Constant<value = float {0.5}>()
    a = Mul(x, half)
    b = Mul(a, learned)
    c = Clip(b, zero)
    y = Reshape(c, size)
    s = Shape(c)
}"""


def test_constant_arguments_are_attributes_and_others_memories():
    graph = trace(parsed(CONSTANTS))
    assert operations(graph) == ["mul", "mul", "clamp", "reshape", "shape"]
    assert attributes(graph, "mul") == {"other": 0.5}
    assert attributes(graph, "mul_1") == {}
    assert attributes(graph, "clamp") == {"min": 0.0}
    assert attributes(graph, "reshape") == {"shape": (3, 4)}
    names = {memory.name: memory.kind for memory in graph.memories}
    assert [name for name, kind in names.items() if kind == "parameter"] == ["learned"]
    assert "constant" not in names.values()


def test_operands_that_repeat_are_told_apart():
    graph = trace(
        parsed(
            """
            <ir_version: 8, opset_import: ["" : 18]>
            f (float[2,2] x, float[2,2] y) => (float[6,2] a, float[6,2] b) {
                a = Concat <axis = 0> (x, x, y)
                b = Concat <axis = 0> (x, y, y)
            }
            """
        )
    )
    assert [k.attributes["operands"] for k in graph.kernels] == [(0, 0, 1), (0, 1, 1)]
    assert graph.audit().waste == ()


def test_large_constants_and_results_that_nobody_reads():
    table = ",".join(map(str, range(100)))
    graph = trace(
        parsed(f"""<ir_version: 3, opset_import: ["" : 6]>
net (float[10,10] x) => (float[10,10] y) {{
    c = Constant<value = float[10,10] {{{table}}}>()
    s = Add(x, c)
    y, mask = Dropout<is_test = 1>(s)
}}""")
    )
    kinds = {memory.name: (memory.kind, memory.bytes) for memory in graph.memories}
    assert kinds["c"] == ("constant", 400)
    assert list(kinds) == ["x", "c", "add.out", "dropout.out"]
    assert graph.is_sized


def test_windows_and_groups():
    model = nn.Sequential(
        nn.Conv2d(4, 4, (3, 5), stride=(2, 1), padding=(1, 2), dilation=(1, 2), groups=2),
        nn.ConvTranspose2d(4, 4, 3, groups=4),
        nn.AvgPool2d(2),
    )
    x = torch.randn(1, 4, 16, 16)
    graph, expected = trace(exported(model, x)), trace(model, x)
    assert [label_with_attributes(k) for k in graph.kernels if k.operation != "pad"] == [
        label_with_attributes(k) for k in expected.kernels
    ]
    assert graph.macs == expected.macs
    ours = attributes(graph, "conv2d")
    assert {name: ours[name] for name in ("stride", "padding", "dilation", "groups")} == {
        "stride": (2, 1),
        "padding": (1, 2),
        "dilation": (1, 2),
        "groups": 2,
    }


@pytest.mark.parametrize(
    ("node", "macs"),
    [
        ("y = Attention(q, k, k)", 2 * 3 * 5 * 7 * (4 + 4)),
        ("y = Einsum<equation = 'abij,abkj->abik'>(q, k)", 2 * 3 * 5 * 7 * 4),
        ("y = Gemm<transA = 1>(m, m)", 6 * 6 * 5),
        ("y = MatMulInteger(i, i)", 4 * 4 * 4),
        ("y = Relu(q)", 0),
    ],
    ids=["attention", "einsum", "transposed", "integers", "none"],
)
def test_work_of_single_operators(node, macs):
    graph = trace(
        parsed(f"""<ir_version: 10, opset_import: ["" : 23]>
net (float[2,3,5,4] q, float[2,3,7,4] k, float[5,6] m, uint8[4,4] i) => (y)
{{ {node.replace("'", '"')} }}""")
    )
    assert graph.macs == macs


# Files and arguments


def test_files(tmp_path):
    model, path = parsed(CONSTANTS), tmp_path / "model.onnx"
    onnx.save(model, path)
    whole = path.read_bytes()
    assert trace(path) == trace(str(path)) == trace(model)
    for content in (whole[: len(whole) // 2], whole[:-3], b"no model", b""):
        path.write_bytes(content)
        with pytest.raises(TraceError, match=r"model\.onnx' is no ONNX model"):
            trace(path)


def test_weights_in_a_missing_file_have_their_sizes(tmp_path):
    path = tmp_path / "model.onnx"
    linear = nn.Linear(40, 30)
    onnx.save(
        exported(linear, torch.ones(2, 40)),
        path,
        save_as_external_data=True,
        location="weights",
        size_threshold=0,
    )
    (tmp_path / "weights").unlink()
    graph = trace(path)
    assert graph.parameter_bytes == 4 * 30 * 41
    assert graph.macs == 2 * 40 * 30


def test_a_missing_writer_is_named():
    model = parsed(CONSTANTS)
    del model.graph.node[1]
    with pytest.raises(TraceError, match="reads 'a', which nothing before it"):
        trace(model)


@pytest.mark.parametrize(
    ("args", "kwargs", "said"),
    [
        ((torch.ones(5, 3),), {}, "input 'x' is Nx4, got 5x3"),
        ((torch.ones(5, 4, 1),), {}, "got 5x4x1; pass as many dimensions"),
        ((torch.ones(5, 4).double(),), {}, "is float32, got float64"),
        ((torch.ones(5, 4), torch.ones(1)), {}, "it has 1 inputs, and 2 came"),
        ((), {"q": torch.ones(1)}, "no input 'q'; its inputs are x"),
        ((3,), {}, "is a tensor, got int"),
    ],
    ids=["size", "dimensions", "type", "number", "name", "kind"],
)
def test_inputs_that_do_not_fit(args, kwargs, said):
    with pytest.raises(TraceError) as caught:
        trace(parsed(WEIRD), *args, **kwargs)
    assert said in str(caught.value)


def test_arguments_that_have_no_meaning():
    with pytest.raises(ArgumentError, match=r"depth must be .* got 'module'"):
        trace(parsed(WEIRD), depth="module")
    with pytest.raises(ArgumentError, match="fake must be True"):
        trace(parsed(WEIRD), fake=False)


def test_without_the_package(monkeypatch, tmp_path):
    path = tmp_path / "model.onnx"
    onnx.save(parsed(WEIRD), path)
    for name in [name for name in sys.modules if name.partition(".")[0] == "onnx"]:
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(MissingPackageError, match=r"pip install 'cgraph\[onnx\]'"):
        trace(path)
