"""Small values that an ONNX graph tells: its constants, and what it computes of them alone."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import onnx

# Values with more elements are data, and are not looked at.
LARGEST = 64

# Operators that sizes are computed by: those that give no more values than they take, and those
# that give as many as they are told to, which has to be known to be few.
_SIZES = (
    "Add Sub Mul Div Mod Neg Abs Max Min Sum Pow Sqrt Floor Ceil Round Cast CastLike Identity "
    "Equal Greater Less GreaterOrEqual LessOrEqual And Or Not Where Concat Gather GatherElements "
    "GatherND Slice Split Squeeze Unsqueeze Reshape Flatten Transpose ReduceProd ReduceSum "
    "ReduceMax ReduceMin NonZero ScatterElements ScatterND Clip Sign Reciprocal TopK"
)
_SHRINKING = frozenset(_SIZES.split())
_SPREAD = "Range ConstantOfShape Expand Tile Pad OneHot EyeLike CumSum Trilu"
_SPREADING = frozenset(_SPREAD.split())

Values = dict[str, NDArray[Any]]

# What the evaluation of a node raises where it is not implemented, or its inputs do not fit.
_FAILURES = (
    *(ArithmeticError, AttributeError, IndexError, KeyError),
    *(NotImplementedError, RuntimeError, TypeError, ValueError),
)


def constants_of(graph: onnx.GraphProto) -> Values:
    """The small constants of a graph by name: initializers, and what nodes of constants make."""
    found: Values = {}
    for tensor in graph.initializer:
        array = array_of(tensor)
        if array is not None:
            found[tensor.name] = array
    for node in graph.node:
        if node.op_type == "Constant":
            for attribute in node.attribute:
                array = _constant(attribute)
                if array is not None:
                    found[node.output[0]] = array
    return found


def array_of(tensor: onnx.TensorProto) -> NDArray[Any] | None:
    """The elements of a tensor; None where it is large, or its data are somewhere else."""
    import onnx

    is_elsewhere = tensor.data_location == onnx.TensorProto.EXTERNAL
    if is_elsewhere or math.prod(tensor.dims) > LARGEST:
        return None
    with contextlib.suppress(ValueError, TypeError):  # it has been left without data
        return np.asarray(onnx.numpy_helper.to_array(tensor))
    return None


def folded(
    graph: onnx.GraphProto, opsets: Mapping[str, int], shapes: Mapping[str, tuple[int, ...] | None]
) -> Values:
    """What the nodes of a graph compute of constants and of shapes that are known.

    Parameters
    ----------
    graph : onnx.GraphProto
        The graph.
    opsets : mapping of str to int
        Version of each domain.
    shapes : mapping of str to (tuple of int or None)
        Shapes of its values.

    Returns
    -------
    dict of str to ndarray
        Small values by name, without the constants.
    """
    known = constants_of(graph)
    constant = set(known)
    for node in graph.node:
        if node.op_type in ("Shape", "Size"):
            shape = shapes.get(node.input[0])
            if shape is not None:
                known[node.output[0]] = _of_shape(node, shape)
        elif _is_small(node, shapes) and _is_given(node, known):
            known.update(_evaluated(node, opsets, known))
    return {name: array for name, array in known.items() if name not in constant}


def _is_small(node: onnx.NodeProto, shapes: Mapping[str, tuple[int, ...] | None]) -> bool:
    """Whether a node is known to compute no more than a few values."""
    if node.domain not in ("", "ai.onnx"):
        return False
    if node.op_type in _SHRINKING:
        return True
    if node.op_type not in _SPREADING:
        return False
    found = [shapes.get(name) for name in node.output if name]
    return all(shape is not None and math.prod(shape) <= LARGEST for shape in found)


def _is_given(node: onnx.NodeProto, known: Values) -> bool:
    """Whether all that a node reads is known, and something is."""
    inputs = [name for name in node.input if name]
    return bool(inputs) and all(name in known for name in inputs)


def _evaluated(node: onnx.NodeProto, opsets: Mapping[str, int], known: Values) -> Values:
    from onnx.reference import ReferenceEvaluator

    found: Values = {}
    with contextlib.suppress(*_FAILURES):
        evaluator = ReferenceEvaluator(node, opsets=dict(opsets))
        given = {name: known[name] for name in node.input if name}
        for name, value in zip(node.output, evaluator.run(None, given), strict=False):
            if isinstance(value, np.ndarray | np.generic) and np.size(value) <= LARGEST:
                found[name] = np.asarray(value)
    return found


def _of_shape(node: onnx.NodeProto, shape: tuple[int, ...]) -> NDArray[Any]:
    if node.op_type == "Size":
        return np.array(math.prod(shape), dtype=np.int64)
    bounds = {attribute.name: attribute.i for attribute in node.attribute}
    return np.array(shape[bounds.get("start", 0) : bounds.get("end", len(shape))], dtype=np.int64)


def _constant(attribute: onnx.AttributeProto) -> NDArray[Any] | None:
    import onnx

    value = onnx.helper.get_attribute_value(attribute)
    if attribute.HasField("t"):
        return array_of(value)
    if attribute.name.startswith("value_"):
        dtype = np.int64 if "int" in attribute.name else np.float32
        is_text = "string" in attribute.name
        array = np.array(value) if is_text else np.array(value, dtype=dtype)
        return array if array.size <= LARGEST else None
    return None
