"""Multiply-accumulate operations of a node of ONNX, from the shapes of its inputs and output."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

Shape: TypeAlias = "tuple[int, ...]"
Rule: TypeAlias = "Callable[[Mapping[str, Any], Sequence[Shape], Shape], int]"


def macs_of(
    op_type: str,
    attributes: Mapping[str, Any],
    inputs: Sequence[Shape | None],
    output: Shape | None,
) -> int | None:
    """MACs of a node; 0 where its operator multiplies nothing up, None where shapes are missing.

    Parameters
    ----------
    op_type : str
        Type of its operator.
    attributes : mapping of str to object
        Its attributes as the file has them.
    inputs : sequence of (tuple of int or None)
        Shapes of its inputs; () for one that is left out.
    output : tuple of int, optional
        Shape of its first output.

    Examples
    --------
    >>> macs_of("MatMul", {}, [(2, 3), (3, 4)], (2, 4)), macs_of("MatMul", {}, [None, (3, 4)], None)
    (24, None)
    """
    if op_type not in RULES:
        return 0
    n_needed, rule = RULES[op_type]
    n_needed = n_needed or len(inputs)
    known = [shape for shape in inputs[:n_needed] if shape is not None]
    if output is None or len(known) < n_needed:
        return None
    return rule(attributes, known, output)


def _convolution(weight_at: int) -> Rule:
    return lambda _, inputs, output: math.prod(output) * math.prod(inputs[weight_at][1:])


def _transposed(_attributes: Mapping[str, Any], inputs: Sequence[Shape], _output: Shape) -> int:
    return math.prod(inputs[0]) * math.prod(inputs[1][1:])


def _product(attributes: Mapping[str, Any], inputs: Sequence[Shape], output: Shape) -> int:
    return int(math.prod(output)) * inputs[0][0 if attributes.get("transA") else -1]


def _packed_product(attributes: Mapping[str, Any], _inputs: Sequence[Shape], output: Shape) -> int:
    return math.prod(output) * int(attributes["K"])


def _einsum(attributes: Mapping[str, Any], inputs: Sequence[Shape], _output: Shape) -> int:
    import torch

    from cgraph.tracing.costs import InnerMacs

    empty = [torch.empty(shape, device="meta") for shape in inputs]
    with InnerMacs() as counter:
        torch.einsum(attributes["equation"].decode(), *empty)
    return int(counter.macs)


def _recurrent(_attributes: Mapping[str, Any], inputs: Sequence[Shape], _output: Shape) -> int:
    source, *weights = inputs
    # The weights of all directions: a step of a sequence meets every one of them once.
    return math.prod(source[:-1]) * sum(math.prod(weight) for weight in weights)


def _attention(attributes: Mapping[str, Any], inputs: Sequence[Shape], _output: Shape) -> int:
    query, key, value = inputs
    n_keys, heads = key[-2], 1
    width = value[-1]
    if len(query) == 3:  # heads lie beside each other, and may share keys and values
        heads = int(attributes.get("q_num_heads", attributes.get("num_heads", 1)))
        width = heads * value[-1] // int(attributes.get("kv_num_heads", heads))
    return math.prod(query[:-1]) * n_keys * (query[-1] + width)


# How many inputs have to be known (0: all of them), and what they make.
RULES: dict[str, tuple[int, Rule]] = {
    **dict.fromkeys(("Conv", "FusedConv", "NhwcConv", "ConvInteger"), (2, _convolution(1))),
    "DeformConv": (2, _convolution(1)),
    "QLinearConv": (4, _convolution(3)),
    "ConvTranspose": (2, _transposed),
    **dict.fromkeys(("MatMul", "FusedMatMul", "MatMulInteger", "Gemm"), (1, _product)),
    **dict.fromkeys(("QLinearMatMul", "QGemm"), (1, _product)),
    "Einsum": (0, _einsum),
    "MatMulNBits": (1, _packed_product),
    **dict.fromkeys(("LSTM", "GRU", "RNN"), (3, _recurrent)),
    **dict.fromkeys(("Attention", "MultiHeadAttention"), (3, _attention)),
}
