"""Backward passes of narrow convolutions and poolings, in less time.

The libraries are tuned for wide layers. For a few channels, the gradient of a convolution with
respect to its input is found several times sooner as a convolution with the mirrored weights, the
gradients of one that looks at single pixels as products of matrices, and that of an average pooling
as sums of shifted images. Where torch vectorises a backward pass over many cotangents, gradients
come from `many`. The numbers are the same up to rounding.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812 (its name everywhere)
from torch import Tensor
from torch.overrides import TorchFunctionMode

from cgraph.statistics import many

# Widest layers, in channels, for which the quicker pass was the quicker one when measured.
_WIDEST_CONVOLUTION = 4
_WIDEST_POINTWISE = 16
_WIDEST_POOLING = 16
WIDEST_MANY = 12  # for many cotangents at once


class NarrowBackward(TorchFunctionMode):
    """While it is active, narrow layers record the quicker backward passes."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Run an operator, by the quicker function where there is one."""
        del types
        kwargs = kwargs or {}
        if func is torch.conv2d:
            convolution = _convolution_call(*args, **kwargs)
            if convolution is not None:
                return _Convolution.apply(*convolution)  # type: ignore[no-untyped-call]
        elif func is torch._C._nn.avg_pool2d:
            pooling = _pooling_call(*args, **kwargs)
            if pooling is not None:
                return _AveragePooling.apply(*pooling)  # type: ignore[no-untyped-call]
        elif func is F.batch_norm:
            norm = _norm_call(*args, **kwargs)
            if norm is not None:
                return _BatchNorm.apply(*norm)  # type: ignore[no-untyped-call]
        return func(*args, **kwargs)


def _convolution_call(
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> tuple[Tensor, Tensor, Tensor | None, tuple[int, int], tuple[int, int]] | None:
    """Arguments for `_Convolution`; None for a call that it is not for."""
    if isinstance(padding, str) or groups != 1 or _pair(dilation) != (1, 1) or x.dim() != 4:
        return None
    pad, kernel = _pair(padding), tuple(weight.shape[2:])
    is_pointwise = kernel == (1, 1) and _pair(stride) == (1, 1)
    widest = _WIDEST_POINTWISE if is_pointwise else WIDEST_MANY
    if max(weight.shape[:2]) > widest or not _is_for_kernels(x):
        return None
    if any(p > k - 1 for p, k in zip(pad, kernel, strict=True)):
        return None
    return x, weight, bias, _pair(stride), pad


def _pooling_call(
    x: Tensor,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> tuple[Tensor, int, bool] | None:
    """Arguments for `_AveragePooling`; None for a call that it is not for."""
    kernel = _pair(kernel_size)
    half = kernel[0] // 2
    keeps_size = (
        kernel[0] == kernel[1]
        and kernel[0] % 2 == 1
        and _pair(stride or kernel_size) == (1, 1)
        and _pair(padding) == (half, half)
    )
    if not keeps_size or ceil_mode or divisor_override is not None:
        return None
    if x.dim() != 4 or x.shape[1] > _WIDEST_POOLING or x.device.type != "cpu":
        return None
    return x, half, count_include_pad


def _norm_call(
    x: Tensor,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> tuple[Any, ...] | None:
    """Arguments for `_BatchNorm`; None for a call that it is not for."""
    if not training or weight is None or bias is None or x.dim() != 4:
        return None
    if x.shape[1] > WIDEST_MANY or not _is_for_kernels(x):
        return None
    return x, weight, bias, running_mean, running_var, momentum, eps


class _Convolution(torch.autograd.Function):
    """A convolution whose input gradient is a convolution."""

    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        weight: Tensor,
        bias: Tensor | None,
        stride: tuple[int, int],
        padding: tuple[int, int],
    ) -> Tensor:
        """The convolution itself."""
        ctx.save_for_backward(x, weight)
        ctx.has_bias, ctx.stride, ctx.padding = bias is not None, stride, padding
        return F.conv2d(x, weight, bias, stride, padding)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        """Gradients with respect to input, weight and bias."""
        (g,) = gradients
        x, weight = ctx.saved_tensors
        needs_x, needs_weight, needs_bias = ctx.needs_input_grad[:3]
        grad_x = grad_weight = None
        if many.is_many(g):
            call = (g, x, weight, ctx.stride, ctx.padding)
            if needs_x:
                grad_x = many.input_gradients(*call)
            if needs_weight:
                grad_weight = many.weight_gradients(*call)
            needs_x = needs_weight = False
        elif weight.shape[2:] == (1, 1) and ctx.stride == (1, 1):
            pixels = g.flatten(2)
            if needs_x:
                # bmm, as matmul would choose its way by what else takes a gradient.
                matrices = weight.flatten(1).t().expand(len(g), -1, -1)
                grad_x = torch.bmm(matrices, pixels).view(x.shape)
            if needs_weight:
                products = torch.bmm(pixels, x.flatten(2).transpose(1, 2))
                grad_weight = products.sum(0).view(weight.shape)
            needs_x = needs_weight = False
        if needs_x and max(weight.shape[:2]) <= _WIDEST_CONVOLUTION:
            needs_x = False
            grad_x = _input_gradient(g, x, weight, ctx.stride, ctx.padding)
        if needs_x or needs_weight:
            plain = torch.ops.aten.convolution_backward(
                g, x, weight, None, ctx.stride, ctx.padding, (1, 1), False, (0, 0), 1,
                (needs_x, needs_weight, False),
            )  # fmt: skip
            grad_x, grad_weight = plain[0] if needs_x else grad_x, plain[1]
        grad_bias = g.sum((0, 2, 3)) if ctx.has_bias and needs_bias else None
        return grad_x, grad_weight, grad_bias, None, None


def _input_gradient(
    g: Tensor, x: Tensor, weight: Tensor, stride: tuple[int, int], padding: tuple[int, int]
) -> Tensor:
    """The mirrored convolution of the gradient, spread out where the convolution has strides."""
    kernel = weight.shape[2:]
    reverse = [k - 1 - p for k, p in zip(kernel, padding, strict=True)]
    if stride != (1, 1):
        # Zeros between the values, and behind them what the strides left over.
        spread = [n + 2 * p - k + 1 for n, p, k in zip(x.shape[2:], padding, kernel, strict=True)]
        wide = g.new_zeros(*g.shape[:2], *spread)
        wide[:, :, :: stride[0], :: stride[1]] = g
        g = wide
    return F.conv2d(g, weight.transpose(0, 1).flip(2, 3), padding=reverse)


class _AveragePooling(torch.autograd.Function):
    """An average pooling that keeps the size, as sums of shifted images."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, half: int, count_include_pad: bool) -> Tensor:
        """The pooling itself."""
        width = 2 * half + 1
        shares = x.new_ones(1, 1, *x.shape[2:]).div_(width * width)
        if not count_include_pad:
            shares = 1.0 / _window_sums(torch.ones_like(shares), half)
        ctx.half = half
        ctx.save_for_backward(shares)
        return F.avg_pool2d(x, width, stride=1, padding=half, count_include_pad=count_include_pad)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        """Gradient with respect to the input."""
        (g,) = gradients
        (shares,) = ctx.saved_tensors
        return _window_sums(g * shares, ctx.half), None, None


class _BatchNorm(torch.autograd.Function):
    """Batch norm by the statistics of its batch."""

    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        weight: Tensor,
        bias: Tensor,
        running_mean: Tensor | None,
        running_var: Tensor | None,
        momentum: float,
        eps: float,
    ) -> Tensor:
        """Batch norm itself."""
        variance, mean = torch.var_mean(x, (0, 2, 3), correction=0)
        ctx.eps = eps
        ctx.save_for_backward(x, weight, mean, (variance + eps).rsqrt())
        return F.batch_norm(x, running_mean, running_var, weight, bias, True, momentum, eps)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        """Gradients with respect to input, weight and bias."""
        (g,) = gradients
        x, weight, mean, inverse_std = ctx.saved_tensors
        if many.is_many(g):
            found = many.norm_gradients(g, x, weight, mean, inverse_std)
        else:
            found = torch.ops.aten.native_batch_norm_backward(
                g, x, weight, None, None, mean, inverse_std, True, ctx.eps, [True, True, True]
            )
        needed = zip(found, ctx.needs_input_grad[:3], strict=True)
        return *(gradient if needs else None for gradient, needs in needed), *[None] * 4


def _window_sums(x: Tensor, half: int) -> Tensor:
    """Sums over windows around each pixel, rows first."""
    for axis in (2, 3):
        total = x.clone()
        length = x.shape[axis]
        for shift in range(1, min(half, length - 1) + 1):
            n = length - shift
            total.narrow(axis, 0, n).add_(x.narrow(axis, shift, n))
            total.narrow(axis, shift, n).add_(x.narrow(axis, 0, n))
        x = total
    return x


def _is_for_kernels(x: Tensor) -> bool:
    return x.device.type == "cpu" and x.dtype in (torch.float32, torch.float64)


def _pair(value: Any) -> tuple[int, int]:
    if isinstance(value, int):
        return value, value
    values = tuple(int(v) for v in value)
    return values if len(values) == 2 else (values[0], values[0])
