"""An ONNX model in, its computational graph out.

Nothing is run: the nodes are the kernels, initializers the parameters, and sizes are what ONNX's
own shape inference finds. What a file does not tell is missing: such a memory has the dtype
"unknown".
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cgraph.errors import CGraphError, MissingPackageError, TraceError, of_file
from cgraph.files.reading import told
from cgraph.graphs.computational import ComputationalGraph
from cgraph.tracing.onnx_reader import read_nodes
from cgraph.tracing.onnx_sizes import fix_sizes, inferred_sizes
from cgraph.tracing.onnx_values import LARGEST

if TYPE_CHECKING:
    import onnx


_HINT = "check that it was written completely, by torch.onnx.export for instance"

# Nodes that functions may write out to.
MOST_NODES = 200_000


def read_onnx(path: Path) -> onnx.ModelProto:
    """The model of an ONNX file, without its weights where these are in files of their own.

    Raises
    ------
    MissingPackageError
        If the package onnx is not installed.
    TraceError
        If the file is no ONNX model, or cut off.
    """
    package = _package()
    from google.protobuf.message import DecodeError  # type: ignore[import-untyped]

    try:
        # Weights in files of their own are never looked for: only their shapes are needed.
        model: onnx.ModelProto = package.load(path, load_external_data=False)
    except (DecodeError, ValueError) as error:
        problem = of_file(path, f"is no ONNX model, or cut off ({error})")
        raise TraceError("", problem, _HINT) from error
    if not model.graph.node and not model.graph.output:
        raise TraceError("", of_file(path, "is no ONNX model: it has no graph"), _HINT)
    return model


def graph_of_onnx(
    model: onnx.ModelProto, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
) -> ComputationalGraph:
    """Computational graph of an ONNX model.

    Parameters
    ----------
    model : onnx.ModelProto
        Any opset, operators of any domain. It is left as it is.
    args, kwargs
        Examples of its inputs by position and by name: anything with a `shape`. They say how
        large a size is that the model leaves open.

    Returns
    -------
    ComputationalGraph
        A kernel for each node, under PyTorch's name of the operation where it has one. Constants
        that PyTorch takes as arguments are attributes; the other initializers are parameters, the
        statistics of batch norms buffers. A node that holds graphs (If, Loop) is one kernel,
        without MACs. Nothing is a view: that is the business of what runs it.

    Raises
    ------
    MissingPackageError
        If the package onnx is not installed.
    TraceError
        If the inputs do not fit, or a node reads what nothing wrote.
    """
    package = _package()
    try:
        light = _without_weights(package, model)
        fix_sizes(light.graph, args, kwargs or {})
        if light.functions:
            _refuse_growth(light)
            light = package.inliner.inline_local_functions(light)
        return read_nodes(light.graph, inferred_sizes(light))
    except CGraphError:
        raise
    except Exception as error:  # a model may be wrong in any field, and each is used somewhere
        problem = f"the model is no well-formed ONNX ({told(error)})"
        raise TraceError("", problem, _HINT) from error


def _refuse_growth(model: onnx.ModelProto) -> None:
    """Raise where functions that call functions would become more nodes than can be read.

    A few of them, each with two calls of the next, are as many nodes as one likes.
    """
    functions = {(f.domain, f.name, f.overload): f for f in model.functions}
    sizes: dict[tuple[str, str, str], int] = {}

    def size_of_nodes(nodes: Iterable[onnx.NodeProto], outer: frozenset[Any]) -> int:
        total = 0
        for node in nodes:
            total += 1
            key = (node.domain, node.op_type, node.overload)
            if key in functions:
                total += size_of(key, outer)
            for attribute in node.attribute:
                for graph in (attribute.g, *attribute.graphs):
                    total += size_of_nodes(graph.node, outer)
        return total

    def size_of(key: tuple[str, str, str], outer: frozenset[Any]) -> int:
        if key in outer:
            raise TraceError("", f"the function {key[1]!r} calls itself", _HINT)
        if key not in sizes:
            sizes[key] = size_of_nodes(functions[key].node, outer | {key})
        return sizes[key]

    total = size_of_nodes(model.graph.node, frozenset())
    if total > MOST_NODES:
        problem = f"its functions write out to {total:,} nodes, of at most {MOST_NODES:,}"
        raise TraceError("", problem, "export it without functions")


def is_onnx(value: object) -> bool:
    """Whether a value is a model of ONNX or the path of one, without importing the package."""
    if isinstance(value, Path):
        return value.suffix == ".onnx"
    kind = type(value)
    return kind.__name__ == "ModelProto" and kind.__module__.startswith("onnx")


def _package() -> Any:
    try:
        import onnx
        import onnx.inliner
        import onnx.shape_inference
    except ModuleNotFoundError as error:
        raise MissingPackageError("onnx", "an ONNX file", "onnx") from error
    return onnx


def _without_weights(package: Any, model: onnx.ModelProto) -> onnx.ModelProto:
    """The model with the shapes of its large initializers alone."""
    light: onnx.ModelProto = package.ModelProto(ir_version=model.ir_version)
    light.opset_import.extend(model.opset_import)
    light.functions.extend(model.functions)
    graph, given = light.graph, model.graph
    graph.name = given.name
    for field in ("node", "input", "output", "value_info"):
        getattr(graph, field).extend(getattr(given, field))
    for tensor in _initializers(given):
        is_here = tensor.data_location != package.TensorProto.EXTERNAL
        if is_here and math.prod(tensor.dims) <= LARGEST:
            graph.initializer.append(tensor)
        else:
            graph.initializer.add(name=tensor.name, dims=tensor.dims, data_type=tensor.data_type)
    return light


def _initializers(graph: onnx.GraphProto) -> Iterator[onnx.TensorProto]:
    yield from graph.initializer
    for sparse in graph.sparse_initializer:
        yield sparse.values
