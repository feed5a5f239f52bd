"""Multiply-accumulate operations of an operator call, from the shapes of its arguments.

One MAC is one product that is added up; what multiplies nothing up (normalisation, activation,
pooling) has none. Wherever `torch.utils.flop_counter` counts, it counts twice as much.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor
from torch._C import DispatchKey
from torch.utils._python_dispatch import TorchDispatchMode

from cgraph.tracing.operators import bind, operator_of, weight_of

COMPOSITE = DispatchKey.CompositeImplicitAutograd

Rule = Callable[[Mapping[str, Any], Any], int]


def macs_of(name: str, bound: Mapping[str, Any], result: Any) -> int:
    """MACs of a call of an operator that has a rule; 0 for any other.

    Parameters
    ----------
    name : str
        Base name of the operator.
    bound : mapping of str to object
        Its arguments by name.
    result : object
        What it returned.
    """
    rule = RULES.get(name)
    return rule(bound, result) if rule else 0


class InnerMacs(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Counts the MACs of the operators that an operator without a rule is made of.

    Entered around the call of a composite operator (`einsum`, `tensordot`), which is decomposed
    until operators with a rule appear.
    """

    supports_higher_order_operators = True

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False  # as for the recorder

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.macs = 0

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        """Count a call, or what it is made of."""
        kwargs = kwargs or {}
        if not isinstance(func, torch._ops.OpOverload) or func.namespace == "prim":
            return func(*args, **kwargs)
        operator = operator_of(func)
        if operator.name in RULES:
            result = func(*args, **kwargs)
            self.macs += macs_of(operator.name, bind(operator, args, kwargs), result)
            return result
        if operator.is_composite:
            with self:
                # By the very kernel: PyTorch's Python decompositions may differ in what they alias.
                return func._op_dk(COMPOSITE, *args, **kwargs)
        return func(*args, **kwargs)


def run_and_count(func: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> tuple[Any, int]:
    """Result and MACs of an operator that takes functions, run as plain PyTorch runs it.

    Parameters
    ----------
    func : torch._ops.HigherOrderOperator
        As `torch.ops.higher_order.map_impl`.
    args, kwargs
        Its arguments.
    """
    if func.name() in RULES:
        result = func(*args, **kwargs)
        bound = dict(zip(("query", "key", "value"), args, strict=False))
        return result, macs_of(func.name(), bound, result)
    if func is torch.ops.higher_order.scan:
        body, first, steps, rest = args
        with InnerMacs() as counter:
            body(*first, *(step[0] for step in steps), *rest)
        return func(*args, **kwargs), counter.macs * int(steps[0].shape[0])
    plain = func.py_kernels.get(DispatchKey.CompositeExplicitAutograd, func)
    with InnerMacs() as counter:
        result = plain(*args, **kwargs)
    return result, counter.macs


def _convolution(bound: Mapping[str, Any], result: Tensor) -> int:
    weight = weight_of(bound)
    if weight is None:
        return 0
    per_element: int = math.prod(weight.shape[1:])
    # The elements of the input are spread where it is transposed, those of the output gathered.
    source: Tensor = bound["input"] if bound.get("transposed") else result
    return int(source.numel()) * per_element


def _transposed_convolution(bound: Mapping[str, Any], _result: Tensor) -> int:
    per_element: int = math.prod(bound["weight"].shape[1:])
    return int(bound["input"].numel()) * per_element


def _linear(bound: Mapping[str, Any], result: Tensor) -> int:
    source = bound["input"] if "input" in bound else bound["X"]  # X where weights are quantised
    return result.numel() * int(source.shape[-1])


def _inner(first: str) -> Rule:
    """Rule of a product that sums over the last dimension of the argument `first`."""

    def rule(bound: Mapping[str, Any], result: Tensor) -> int:
        return result.numel() * int(bound[first].shape[-1])

    return rule


def _grouped(bound: Mapping[str, Any], _result: Tensor) -> int:
    a, b = bound["self"], bound["mat2"]
    n_groups = a.shape[0] if a.dim() == b.dim() == 3 else 1  # else groups share out the rows
    return int(n_groups * a.shape[-2] * a.shape[-1] * b.shape[-1])


def _sparse(bound: Mapping[str, Any], _result: Tensor) -> int:
    a, b = bound["sparse"], bound["dense"]
    return int(a._nnz() * b.shape[-1]) if b.layout is torch.strided else 0


def _addbmm(bound: Mapping[str, Any], _result: Tensor) -> int:
    batch, rows, inner = bound["batch1"].shape
    return int(batch * rows * inner * bound["batch2"].shape[-1])


def _attention(bound: Mapping[str, Any], result: Any) -> int:
    query, key, value = bound["query"], bound["key"], bound["value"]
    output = result[0] if isinstance(result, tuple | list) else result
    rows: int = math.prod(output.shape[:-1])  # every query of every head
    return rows * int(key.shape[-2]) * int(query.shape[-1] + value.shape[-1])


def _recurrent(bound: Mapping[str, Any], _result: Any) -> int:
    # Packed sequences come as (data, batch_sizes): a row of data is a step of a sequence.
    source = bound["data"] if "data" in bound else bound["input"]
    n_steps: int = math.prod(source.shape[:-1])
    return n_steps * sum(int(w.numel()) for w in bound["params"] if w.dim() == 2)


def _quantised_recurrent(n_gates: int) -> Rule:
    """Rule of layers whose weights are hidden, by the sizes of input and state."""

    def rule(bound: Mapping[str, Any], _result: Any) -> int:
        state = bound["hx"][0] if isinstance(bound["hx"], list | tuple) else bound["hx"]
        source = bound["data"] if "data" in bound else bound["input"]
        n_steps: int = math.prod(source.shape[:-1])
        n_states, n_ways = int(state.shape[-1]), 2 if bound.get("bidirectional") else 1
        n_inputs = int(source.shape[-1]) + (int(bound["num_layers"]) - 1) * n_states * n_ways
        per_way = n_inputs + int(bound["num_layers"]) * n_states
        return n_steps * n_ways * n_gates * n_states * per_way

    return rule


def _recurrent_cell(bound: Mapping[str, Any], _result: Any) -> int:
    n_rows: int = math.prod(bound["input"].shape[:-1])
    return n_rows * int(bound["w_ih"].numel() + bound["w_hh"].numel())


def _bilinear(bound: Mapping[str, Any], result: Tensor) -> int:
    first, second = bound["input1"].shape[-1], bound["input2"].shape[-1]
    return result.numel() * int(second) * (int(first) + 1)


RULES: dict[str, Rule] = {
    **dict.fromkeys(
        ("conv1d", "conv2d", "conv3d", "convolution", "conv_depthwise3d"), _convolution
    ),
    **dict.fromkeys(("conv1d_relu", "conv2d_relu", "conv3d_relu", "conv2d_dynamic"), _convolution),
    **dict.fromkeys(
        ("conv_transpose1d", "conv_transpose2d", "conv_transpose3d"), _transposed_convolution
    ),
    **dict.fromkeys(("linear", "linear_dynamic", "linear_relu", "linear_relu_dynamic"), _linear),
    **dict.fromkeys(("linear_dynamic_fp16", "linear_relu_dynamic_fp16"), _linear),
    "grouped_mm_fallback": _linear,  # of transformers: each row by the matrix of its group
    "matmul": _inner("self"),
    "mm": _inner("self"),
    "mv": _inner("self"),
    "bmm": _inner("self"),
    "dot": _inner("self"),
    "vdot": _inner("self"),
    "addmm": _inner("mat1"),
    "addmv": _inner("mat"),
    "baddbmm": _inner("batch1"),
    "addbmm": _addbmm,
    "scaled_mm": _inner("self"),
    "int_mm": _inner("self"),
    "sparse_mm": _sparse,
    "grouped_mm": _grouped,
    **dict.fromkeys(
        (
            "scaled_dot_product_attention",
            "scaled_dot_product_flash_attention",
            "scaled_dot_product_flash_attention_for_cpu",
            "scaled_dot_product_efficient_attention",
            "scaled_dot_product_cudnn_attention",
            "scaled_dot_product_attention_math",
            "flex_attention",
        ),
        _attention,
    ),
    **dict.fromkeys(("lstm", "gru", "rnn_tanh", "rnn_relu"), _recurrent),
    **dict.fromkeys(("lstm_cell", "gru_cell", "rnn_tanh_cell", "rnn_relu_cell"), _recurrent_cell),
    "quantized_lstm": _quantised_recurrent(4),
    "quantized_gru": _quantised_recurrent(3),
    "bilinear": _bilinear,
}
