"""What ONNX's operators are called here: as PyTorch's where they are the same operation.

ONNX writes as inputs what PyTorch writes as arguments (the sizes of a reshape, the bounds of a
clamp); where they are constants they become attributes here too.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cgraph.graphs.computational import Attribute
from cgraph.tracing.depth import snake_case


@dataclass(frozen=True, slots=True)
class OnnxOperator:
    """An operator type of ONNX.

    Parameters
    ----------
    name : str
        Its type in the file: "Conv".
    operation : str
        What it is called here. "{n}" stands for the number of dimensions of its windows.
    arguments : mapping of int to str
        Inputs that are arguments where they are constant, and the names of the attributes.
    """

    name: str
    operation: str
    arguments: Mapping[int, str]


def _named(text: str) -> dict[str, OnnxOperator]:
    """Operators of lines "Type operation 1=argument 2=argument"."""
    found = {}
    for line in filter(None, map(str.strip, text.splitlines())):
        name, operation, *rest = line.split()
        arguments = {int(position): word for position, _, word in (r.partition("=") for r in rest)}
        found[name] = OnnxOperator(name, operation, arguments)
    return found


# The same for the operators of the standard and for what ONNX Runtime fuses. A type that is not
# here is called by its own name in lower case.
OPERATORS = _named(
    """
    Conv conv{n}d
    ConvTranspose conv_transpose{n}d
    ConvInteger conv{n}d
    QLinearConv conv{n}d
    FusedConv conv{n}d
    NhwcConv conv{n}d
    DeformConv deform_conv{n}d
    MaxPool max_pool{n}d
    AveragePool avg_pool{n}d
    LpPool lp_pool{n}d
    MaxUnpool max_unpool{n}d
    GlobalAveragePool adaptive_avg_pool{n}d
    GlobalMaxPool adaptive_max_pool{n}d
    GlobalLpPool lp_pool{n}d
    BatchNormalization batch_norm
    InstanceNormalization instance_norm
    LayerNormalization layer_norm
    SimplifiedLayerNormalization rms_norm
    SkipLayerNormalization layer_norm
    SkipSimplifiedLayerNormalization rms_norm
    GroupNormalization group_norm
    GroupNorm group_norm
    RMSNormalization rms_norm
    LRN local_response_norm
    Relu relu
    LeakyRelu leaky_relu
    PRelu prelu
    Elu elu
    Selu selu
    Celu celu
    Gelu gelu
    FastGelu gelu
    BiasGelu gelu
    QuickGelu gelu
    Swish silu
    Sigmoid sigmoid
    HardSigmoid hardsigmoid
    HardSwish hardswish
    Mish mish
    Softplus softplus
    Softsign softsign
    Tanh tanh
    Shrink softshrink
    ThresholdedRelu threshold
    Softmax softmax
    LogSoftmax log_softmax
    Clip clamp 1=min 2=max
    Add add
    Sub sub
    Mul mul
    Div div
    Neg neg
    Pow pow
    Max maximum
    Min minimum
    Sum add
    Mod remainder
    And logical_and
    Or logical_or
    Xor logical_xor
    Not logical_not
    Equal eq
    Greater gt
    GreaterOrEqual ge
    Less lt
    LessOrEqual le
    IsNaN isnan
    IsInf isinf
    BitShift bitwise_left_shift
    Mean element_mean
    MatMul matmul
    FusedMatMul matmul
    MatMulInteger int_mm
    QLinearMatMul matmul
    MatMulNBits matmul
    Gemm linear
    QGemm linear
    Einsum einsum
    Attention scaled_dot_product_attention
    MultiHeadAttention multihead_attention
    GroupQueryAttention multihead_attention
    LSTM lstm
    GRU gru
    RNN rnn_tanh
    Gather index_select
    GatherElements gather
    GatherND index
    ScatterElements scatter
    Scatter scatter
    ScatterND index_put
    Compress masked_select
    NonMaxSuppression nms 2=max_output_boxes 3=iou_threshold 4=score_threshold
    RoiAlign roi_align
    OneHot one_hot 1=depth
    TopK topk 1=k
    Reshape reshape 1=shape
    Flatten flatten
    Transpose permute
    Squeeze squeeze 1=dim
    Unsqueeze unsqueeze 1=dim
    Concat cat
    Slice slice 1=start 2=end 3=dim 4=step
    Split split 1=split_size
    Expand expand 1=size
    Tile tile 1=dims
    Pad pad 1=pad 2=value 3=axes
    Cast to
    CastLike to
    DepthToSpace pixel_shuffle
    SpaceToDepth pixel_unshuffle
    Trilu tril 1=diagonal
    Col2Im col2im 1=output_size 2=kernel_size
    ReverseSequence flip
    ReduceMean mean 1=dim
    ReduceSum sum 1=dim
    ReduceProd prod 1=dim
    ReduceMax amax 1=dim
    ReduceMin amin 1=dim
    ReduceL1 norm 1=dim
    ReduceL2 norm 1=dim
    ReduceLogSumExp logsumexp 1=dim
    ReduceLogSum log_sum 1=dim
    ReduceSumSquare sum_square 1=dim
    ArgMax argmax
    ArgMin argmin
    CumSum cumsum 1=dim
    CumProd cumprod 1=dim
    NonZero nonzero
    Resize interpolate 1=roi 2=scales 3=size
    Upsample interpolate 1=scales
    GridSample grid_sampler
    AffineGrid affine_grid_generator 1=size
    DFT fft_fft 1=n 2=dim
    STFT stft 1=hop_length 3=n_fft
    HannWindow hann_window 0=size
    HammingWindow hamming_window 0=size
    BlackmanWindow blackman_window 0=size
    ConstantOfShape full 0=size
    EyeLike eye
    Range arange 0=start 1=end 2=step
    RandomNormal randn
    RandomNormalLike randn_like
    RandomUniform rand
    RandomUniformLike rand_like
    Identity identity
    Dropout dropout 1=p 2=train
    SoftmaxCrossEntropyLoss cross_entropy_loss
    NegativeLogLikelihoodLoss nll_loss
    QuantizeLinear quantize_per_tensor
    DequantizeLinear dequantize
    DynamicQuantizeLinear quantize_per_tensor_dynamic
    If cond
    Loop while_loop
    """
)

# Inputs of a batch norm that are statistics, not learned.
STATISTICS = {"BatchNormalization": (3, 4)}

# Operators of two operands, of which a constant number is an attribute.
SCALED = frozenset(("Add", "Sub", "Mul", "Div", "Pow", "Mod", "Max", "Min", "Equal", "Greater"))

# Where an attribute of ONNX is one of PyTorch's under another name.
_RENAMED = {
    "strides": "stride",
    "dilations": "dilation",
    "group": "groups",
    "axis": "dim",
    "axes": "dim",
    "perm": "dims",
    "epsilon": "eps",
    "ratio": "p",
}


def operator_of(op_type: str) -> OnnxOperator:
    """What is known of an operator type; for an unknown one, its name in lower case.

    Examples
    --------
    >>> operator_of("Gemm").operation, operator_of("ReduceFancy").operation
    ('linear', 'reduce_fancy')
    """
    return OPERATORS.get(op_type) or OnnxOperator(op_type, snake_case(op_type), {})


def operation_of(
    op_type: str, attributes: Mapping[str, Any], shapes: Sequence[tuple[int, ...] | None]
) -> str:
    """Operation of a node.

    Parameters
    ----------
    op_type : str
        Its type.
    attributes : mapping of str to object
        Its attributes as the file has them.
    shapes : sequence of (tuple of int or None)
        Shapes of its inputs; None for one that is not known.
    """
    operation = operator_of(op_type).operation
    if "{n}" in operation:
        window = attributes.get("kernel_shape")
        known = next((s for s in reversed(shapes[:2]) if s is not None), ())
        n = len(window) if window else len(known) - 2
        return operation.format(n=n if n > 0 else "")
    if op_type == "Gemm" and (
        attributes.get("transA", 0) or not attributes.get("transB", 0) or not _is_plain(attributes)
    ):
        return "addmm" if len(shapes) > 2 else "mm"
    if op_type == "RNN" and b"Relu" in attributes.get("activations", ()):
        return "rnn_relu"
    if op_type == "Trilu" and attributes.get("upper", 1):
        return "triu"
    if op_type == "BitShift" and attributes.get("direction") == b"RIGHT":
        return "bitwise_right_shift"
    return operation


def attributes_of(
    operation: str,
    attributes: Mapping[str, Any],
    shapes: Sequence[tuple[int, ...] | None],
) -> dict[str, Attribute]:
    """Attributes of a node, called as PyTorch's; windows as for a traced model.

    Parameters
    ----------
    operation : str
        What `operation_of` gives.
    attributes : mapping of str to object
        As the file has them.
    shapes : sequence of (tuple of int or None)
        Shapes of its inputs; None for one that is not known.
    """
    found: dict[str, Attribute] = {}
    for name, value in attributes.items():
        plain = _plain(value)
        if plain is not None and name not in ("kernel_shape", "pads", "auto_pad"):
            found[_RENAMED.get(name, name)] = plain
    if "conv" in operation or "pool" in operation:
        _describe_window(operation, attributes, shapes, found)
    return found


def _describe_window(
    operation: str,
    attributes: Mapping[str, Any],
    shapes: Sequence[tuple[int, ...] | None],
    found: dict[str, Attribute],
) -> None:
    weight = shapes[1] if "conv" in operation and len(shapes) > 1 else None
    window = tuple(attributes.get("kernel_shape", ())) or (weight[2:] if weight else ())
    if not window:
        return
    found["kernel_size"] = window
    found.setdefault("stride", (1,) * len(window))
    pads = tuple(attributes.get("pads", (0,) * 2 * len(window)))
    begin, end = pads[: len(window)], pads[len(window) :]
    found["padding"] = begin if begin == end else pads
    if attributes.get("auto_pad", b"NOTSET").startswith(b"SAME"):
        found["padding"] = "same"
    if "avg" not in operation:
        found.setdefault("dilation", (1,) * len(window))
    if weight is not None:
        groups = int(attributes.get("group", 1))
        found["groups"] = groups
        channels = weight[0] if "transpose" in operation else weight[1] * groups
        if groups == channels > 1:
            found["depthwise"] = True


def _is_plain(attributes: Mapping[str, Any]) -> bool:
    return bool(attributes.get("alpha", 1) == attributes.get("beta", 1) == 1)


def _plain(value: Any) -> Attribute | None:
    """A value of an attribute; None for tensors and graphs."""
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    if isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, list | tuple) and value:
        if all(isinstance(v, int) for v in value):
            return tuple(value)
        if all(isinstance(v, int | float) for v in value):
            return "x".join(map(str, value))
        if all(isinstance(v, bytes) for v in value):
            return ",".join(v.decode(errors="replace") for v in value)
    return None
