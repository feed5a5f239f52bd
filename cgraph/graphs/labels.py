"""How a kernel is labelled: with its attributes, by its operation, or by its family."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from cgraph.graphs.computational import Kernel
from cgraph.registry import Table

# Family of each operation; one that is not here belongs to "other".
FAMILIES: dict[str, str] = {
    operation: family
    for family, operations in {
        "convolution": "conv1d conv2d conv3d conv_transpose1d conv_transpose2d conv_transpose3d",
        "pooling": "avg_pool1d avg_pool2d avg_pool3d max_pool1d max_pool2d max_pool3d "
        "adaptive_avg_pool1d adaptive_avg_pool2d adaptive_avg_pool3d adaptive_max_pool2d",
        "normalisation": "batch_norm layer_norm group_norm instance_norm rms_norm",
        "activation": "relu relu6 gelu silu sigmoid tanh hardswish hardsigmoid leaky_relu elu "
        "softmax log_softmax hardtanh",
        "element-wise": "add sub mul div neg pow exp sqrt rsqrt",
        "linear": "linear matmul mm bmm addmm einsum",
        "attention": "scaled_dot_product_attention",
        "recurrent": "lstm gru rnn_tanh rnn_relu",
        "movement": "view reshape flatten permute transpose cat stack contiguous clone "
        "unsqueeze squeeze expand slice select pad",
        "reduction": "mean sum max min argmax",
        "identity": "dropout identity",
    }.items()
    for operation in operations.split()
}


@dataclass(frozen=True, slots=True)
class Labelling:
    """A way to label kernels.

    Parameters
    ----------
    name : str
        What it is called.
    function : callable
        From a `Kernel` to its label.
    summary : str
        What the label says, in a line.
    """

    name: str
    function: Callable[[Kernel], str]
    summary: str


def label_with_attributes(kernel: Kernel) -> str:
    """Operation with the attributes that matter: "conv2d[3x3,s2]", "conv2d[dw5x5]".

    A window is given for every kernel that has one, square or not; stride ("s"), dilation ("d")
    and groups ("g", or "dw" before the window where each channel is a group of its own) only
    where they are not 1.
    """
    attributes = kernel.attributes
    window = attributes.get("kernel_size")
    parts = []
    if isinstance(window, tuple):
        depthwise = "dw" if attributes.get("depthwise") else ""
        parts.append(depthwise + "x".join(map(str, window)))
        for letter, name in (("s", "stride"), ("d", "dilation")):
            value = attributes.get(name)
            if isinstance(value, tuple) and any(v != 1 for v in value):
                sizes = value[:1] if len(set(value)) == 1 else value
                parts.append(letter + "x".join(map(str, sizes)))
        groups = attributes.get("groups", 1)
        if groups != 1 and not depthwise:
            parts.append(f"g{groups}")
    return f"{kernel.operation}[{','.join(parts)}]" if parts else kernel.operation


def label_with_operation(kernel: Kernel) -> str:
    """Operation alone: "conv2d"."""
    return kernel.operation


def label_with_family(kernel: Kernel) -> str:
    """Family of the operation: "convolution"; "other" for an operation without one."""
    return FAMILIES.get(kernel.operation, "other")


LABELLINGS: Table[Labelling] = Table(
    "label",
    [
        Labelling("attributes", label_with_attributes, "operation and the attributes that matter"),
        Labelling("operation", label_with_operation, "operation alone"),
        Labelling("family", label_with_family, "family of the operation"),
    ],
)
