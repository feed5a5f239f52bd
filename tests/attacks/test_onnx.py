"""Attacks by ONNX models: work without end, memory without measure, files of others."""

import resource
from contextlib import suppress

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from cgraph import trace
from cgraph.errors import TraceError

X = helper.make_tensor_value_info("x", TensorProto.FLOAT, [2])
Y = helper.make_tensor_value_info("y", TensorProto.FLOAT, None)


def model(nodes, functions=(), initializers=()):
    graph = helper.make_graph(nodes, "g", [X], [Y], initializer=list(initializers))
    opsets = [helper.make_opsetid("", 18), helper.make_opsetid("mine", 1)]
    return helper.make_model(graph, functions=list(functions), opset_imports=opsets)


def function(name, calls):
    return helper.make_function(
        "mine", name, ["a"], ["b"], calls,
        [helper.make_opsetid("", 18), helper.make_opsetid("mine", 1)],
    )  # fmt: skip


def call(name, source, target, domain="mine"):
    return helper.make_node(name, [source], [target], domain=domain)


def doubling(n):
    """Functions that each call the next twice: 2^n nodes of a few hundred bytes."""
    last = function(f"f{n}", [call("Relu", "a", "b", "")])
    rest = [
        function(f"f{k}", [call(f"f{k + 1}", "a", "m"), call(f"f{k + 1}", "m", "b")])
        for k in range(n)
    ]
    return model([call("f0", "x", "y")], [*rest, last])


def constant(name, values):
    return onnx.numpy_helper.from_array(np.array(values, dtype=np.int64), name)


def looping():
    inner = helper.make_graph(
        [helper.make_node("Identity", ["c"], ["d"])], "inner",
        [helper.make_tensor_value_info("i", TensorProto.INT64, []),
         helper.make_tensor_value_info("c", TensorProto.BOOL, [])],
        [helper.make_tensor_value_info("d", TensorProto.BOOL, [])],
    )  # fmt: skip
    return model(
        [helper.make_node("Loop", ["n", "go"], [], body=inner), call("Relu", "x", "y", "")],
        initializers=[
            constant("n", 10**15),
            onnx.numpy_helper.from_array(np.array(True), "go"),
        ],
    )


def filling(op_type, *inputs):
    names = [f"i{k}" for k in range(len(inputs))]
    return model(
        [helper.make_node(op_type, names, ["big"]), helper.make_node("Add", ["x", "big"], ["y"])],
        initializers=[constant(n, v) for n, v in zip(names, inputs, strict=True)],
    )


@pytest.mark.parametrize("n", [25, 60])
def test_doubling_functions_are_counted_before_they_are_written_out(n):
    with pytest.raises(TraceError, match=r"its functions write out to .* nodes, of at most"):
        trace(doubling(n))
    assert len(doubling(n).SerializeToString()) < 5_000


def test_a_few_functions_are_written_out():
    assert len(trace(doubling(3)).kernels) == 8


def test_a_function_that_calls_itself_is_named():
    with pytest.raises(TraceError, match="'f' calls itself"):
        trace(model([call("f", "x", "y")], [function("f", [call("f", "a", "b")])]))


@pytest.mark.parametrize(
    "given",
    [
        filling("ConstantOfShape", [10**6, 10**6]),
        filling("Range", 0, 10**12, 1),
        filling("Expand", [1], [10**6, 10**6]),
        filling("Tile", [1, 2], [10**12]),
        looping(),
    ],
    ids=["ConstantOfShape", "Range", "Expand", "Tile", "Loop"],
)
def test_sizes_are_computed_of_small_values_alone(given):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with suppress(TraceError):
        trace(given)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000  # KiB


@pytest.mark.parametrize("location", ["/etc/passwd", "../secret", "..\\secret", "link"])
def test_weights_elsewhere_are_never_looked_for(location, tmp_path):
    """A model may say that its weights lie anywhere; only their shapes are read."""
    folder = tmp_path / "inner"
    folder.mkdir()
    (tmp_path / "secret").write_bytes(b"secret  ")
    (folder / "link").symlink_to(tmp_path / "secret")
    weight = TensorProto(name="w", dims=[2], data_type=TensorProto.FLOAT)
    weight.data_location = TensorProto.EXTERNAL
    weight.external_data.add(key="location", value=location)
    given = model([helper.make_node("Add", ["x", "w"], ["y"])], initializers=[weight])
    path = folder / "a.onnx"
    path.write_bytes(given.SerializeToString())
    graph = trace(path)
    assert [memory.bytes for memory in graph.memories if memory.name == "w"] == [8]
    (tmp_path / "secret").chmod(0)
    assert trace(path) == graph


def test_names_of_modules_are_no_code():
    node = call("Relu", "x", "y", "")
    node.metadata_props.add(key="pkg.torch.onnx.name_scopes", value="__import__('os').getcwd()")
    with pytest.raises(TraceError, match="no well-formed ONNX"):
        trace(model([node]))
