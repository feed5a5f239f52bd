"""Sizes and types of the values of an ONNX model: what the file says, and what follows from it."""

from __future__ import annotations

import contextlib
import math
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from cgraph.errors import TraceError
from cgraph.graphs.computational import UNKNOWN
from cgraph.tracing.onnx_values import folded

if TYPE_CHECKING:
    import onnx

# Names of element types that ONNX calls otherwise.
_DTYPES = {"FLOAT": "float32", "DOUBLE": "float64", "UNDEFINED": UNKNOWN}


# Each round of inference may tell the next one something; real models need a handful.
_MOST_ROUNDS = 50


class Size(NamedTuple):
    """What is known of a value.

    Parameters
    ----------
    dtype : str
        Element type; "unknown" where it is not known, or the value is no tensor.
    shape : tuple of int, optional
        Sizes; None where one of them is not known.
    """

    dtype: str = UNKNOWN
    shape: tuple[int, ...] | None = None

    @property
    def is_known(self) -> bool:
        """Whether the number of bytes follows."""
        return self.shape is not None and _bits(self.dtype) is not None

    @property
    def bytes(self) -> int:
        """Bytes of all elements; 0 where they are not known."""
        bits = _bits(self.dtype)
        return 0 if self.shape is None or bits is None else -(-math.prod(self.shape) * bits // 8)


def inferred_sizes(model: onnx.ModelProto) -> dict[str, Size]:
    """Size of each value of a model, by ONNX's shape inference.

    Sizes are often computed by nodes, of shapes that are known. These nodes are evaluated, and
    what they give is put into the model for another inference, until nothing new is found. What
    the file itself says of a value is taken only where nothing else tells: some exporters write
    the sizes of their example there.
    """
    bare, said = _without_claims(model)
    opsets = {opset.domain: opset.version for opset in model.opset_import}
    values: dict[str, Any] = {}
    for _ in range(_MOST_ROUNDS):
        sizes = _inferred(_with_values(bare, values))
        found = folded(model.graph, opsets, {name: size.shape for name, size in sizes.items()})
        if len(found) > len(values):
            values = found
            continue
        missing = {name: kind for name, kind in said.items() if not _is_told(sizes, name)}
        if not missing:
            return sizes
        _claim(bare, missing)
        said = {name: kind for name, kind in said.items() if name not in missing}
    return sizes


def _inferred(model: onnx.ModelProto) -> dict[str, Size]:
    import onnx

    # Of an opset that it does not know, what the file says is left.
    with contextlib.suppress(onnx.shape_inference.InferenceError, RuntimeError, ValueError):
        model = onnx.shape_inference.infer_shapes(model, data_prop=True)
    graph = model.graph
    found = {v.name: _size_of(v.type) for v in (*graph.value_info, *graph.input, *graph.output)}
    for tensor in graph.initializer:
        found[tensor.name] = Size(dtype_name(tensor.data_type), tuple(tensor.dims))
    return found


def _without_claims(model: onnx.ModelProto) -> tuple[onnx.ModelProto, dict[str, Any]]:
    """The model without what it says of inner values and outputs, and what it says of them."""
    import onnx

    bare = onnx.ModelProto()
    bare.CopyFrom(model)
    said = {value.name: value.type for value in (*model.graph.value_info, *model.graph.output)}
    del bare.graph.value_info[:]
    for value in bare.graph.output:
        value.ClearField("type")
    return bare, said


def _claim(model: onnx.ModelProto, kinds: Mapping[str, Any]) -> None:
    """Say of values what a file says of them."""
    outputs = {value.name: value for value in model.graph.output}
    for name, kind in kinds.items():
        if name in outputs:
            outputs[name].type.CopyFrom(kind)
        else:
            model.graph.value_info.add(name=name).type.CopyFrom(kind)


def _is_told(sizes: Mapping[str, Size], name: str) -> bool:
    return name in sizes and sizes[name].shape is not None


def _with_values(model: onnx.ModelProto, values: Mapping[str, Any]) -> onnx.ModelProto:
    """The model with constants in the place of the nodes that compute known values."""
    import onnx

    if not values:
        return model
    changed = onnx.ModelProto()
    changed.CopyFrom(model)
    kept = [node for node in model.graph.node if not all(n in values for n in node.output if n)]
    del changed.graph.node[:]
    changed.graph.node.extend(kept)
    written = {name for node in kept for name in node.output}
    for name, array in values.items():
        if name not in written:
            changed.graph.initializer.append(onnx.numpy_helper.from_array(array, name))
    return changed


def fix_sizes(graph: onnx.GraphProto, args: Sequence[Any], kwargs: Mapping[str, Any]) -> None:
    """Give the inputs of a graph the shapes of examples, and sizes of the same name everywhere.

    Raises
    ------
    TraceError
        If there is no such input, or an example does not fit.
    """
    weights = {tensor.name for tensor in graph.initializer}
    inputs = {value.name: value for value in graph.input if value.name not in weights}
    if len(args) > len(inputs):
        raise _misfit(f"it has {len(inputs)} inputs, and {len(args)} came", inputs)
    given = {**dict(zip(inputs, args, strict=False)), **kwargs}
    sizes: dict[str, int] = {}
    for name, example in given.items():
        if name not in inputs:
            raise _misfit(f"it has no input {name!r}", inputs)
        _fix_input(inputs[name], example, sizes)
    for value in (*graph.input, *graph.output, *graph.value_info):
        for dim in value.type.tensor_type.shape.dim:
            if dim.dim_param in sizes:
                dim.dim_value = sizes[dim.dim_param]


def dtype_name(data_type: int) -> str:
    """Name of an element type: "float32", "int64"."""
    import onnx

    try:
        name = onnx.TensorProto.DataType.Name(data_type)
    except ValueError:  # one that came after this version of the package
        return UNKNOWN
    # PyTorch writes float8_e4m3fn
    return _DTYPES.get(name) or re.sub(r"(?<=\d)(?=e\d)", "_", name.lower())


def _fix_input(value: onnx.ValueInfoProto, example: Any, sizes: dict[str, int]) -> None:
    shape = getattr(example, "shape", None)
    if shape is None:
        raise TraceError(
            "", f"input {value.name!r} is a tensor, got {type(example).__name__}", "pass a tensor"
        )
    kind = value.type.tensor_type
    dtype, own = str(example.dtype).removeprefix("torch."), dtype_name(kind.elem_type)
    if dtype != own and own != UNKNOWN:
        raise TraceError("", f"input {value.name!r} is {own}, got {dtype}", f"pass {own}")
    if not kind.HasField("shape"):
        for size in shape:
            kind.shape.dim.add(dim_value=int(size))
        return
    told = "x".join(str(d.dim_value or d.dim_param or "?") for d in kind.shape.dim)
    problem = f"input {value.name!r} is {told}, got {'x'.join(map(str, shape))}"
    if len(kind.shape.dim) != len(shape):
        raise TraceError("", problem, "pass as many dimensions")
    for dim, size in zip(kind.shape.dim, map(int, shape), strict=True):
        is_fixed = dim.HasField("dim_value")
        expected = dim.dim_value if is_fixed else sizes.setdefault(dim.dim_param or "", size)
        if expected != size and (is_fixed or dim.dim_param):
            raise TraceError("", problem, "pass the sizes that the file tells")
        dim.dim_value = size
    sizes.pop("", None)


def _misfit(problem: str, inputs: Mapping[str, Any]) -> TraceError:
    return TraceError("", problem, f"its inputs are {', '.join(inputs) or 'none'}")


def _size_of(kind: onnx.TypeProto) -> Size:
    if not kind.HasField("tensor_type"):
        return Size()
    tensor = kind.tensor_type
    dims = tensor.shape.dim
    is_told = tensor.HasField("shape") and all(dim.HasField("dim_value") for dim in dims)
    return Size(
        dtype_name(tensor.elem_type), tuple(dim.dim_value for dim in dims) if is_told else None
    )


def _bits(dtype: str) -> int | None:
    """Bits of an element; None for what has no fixed size."""
    if dtype == "bool":
        return 8
    found = re.match(r"(?:b?float|u?int|complex)(\d+)", dtype)
    return int(found[1]) if found else None
