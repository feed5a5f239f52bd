"""Layouts that results have on a device, where PyTorch gives meta tensors others.

A layout decides whether the view that follows is one, or a copy with bytes of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

Rule = Callable[[Mapping[str, Any], Tensor], Tensor]

_CHANNELS_LAST = {4: torch.channels_last, 5: torch.channels_last_3d}


def laid_out(name: str, bound: Mapping[str, Any], result: Any) -> Any:
    """The result of a call on meta tensors in the layout that it has on the CPU.

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
    return rule(bound, result) if rule and isinstance(result, Tensor) else result


def _of_attention(bound: Mapping[str, Any], result: Tensor) -> Tensor:
    """As the query; on meta tensors attention is done by matrix products."""
    query = bound["query"]
    if result.dim() != 4 or bound.get("dropout_p", 0.0) or result.shape != query.shape:
        return result
    return torch.empty_like(query)


def _of_images(bound: Mapping[str, Any], result: Tensor) -> Tensor:
    """Channels last where those of the input or of the weight are."""
    tensors = (bound["input"], bound.get("weight"))
    if any(t is not None and _has_channels_last(t) for t in tensors):
        return torch.empty_like(result, memory_format=_CHANNELS_LAST[result.dim()])
    return result


def _has_channels_last(tensor: Tensor) -> bool:
    """Whether the strides of images or volumes grow from the channels on, as PyTorch sees it."""
    strides, shape = tensor.stride(), tensor.shape
    if tensor.dim() not in _CHANNELS_LAST or strides[1] == 0 or 0 in shape:
        return False
    least = 0
    for dim in (1, *range(tensor.dim() - 1, 1, -1), 0):
        # Where all sizes but the first are 1 the strides leave it open: channels are first then.
        if strides[dim] < least or (dim == 0 and least == strides[1]):
            return False
        least = strides[dim] * shape[dim]
    return True


RULES: dict[str, Rule] = {
    "scaled_dot_product_attention": _of_attention,
    **dict.fromkeys(
        ("conv2d", "conv3d", "conv_transpose2d", "conv_transpose3d", "convolution", "group_norm"),
        _of_images,
    ),
}
