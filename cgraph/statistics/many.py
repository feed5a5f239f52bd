"""Gradients of narrow layers for many cotangents of one pass at once.

A backward pass that torch vectorises over cotangents comes to a layer with one gradient for each
of them. They are laid out as further channels, in the order (batch, channels, cotangents, height,
width): the gradients of the weights are then those of one convolution with many output channels,
which the libraries are quick at, and every other pass runs along whole images. Numbers are those
of one cotangent after another, up to rounding.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 (its name everywhere)
from numpy.typing import NDArray
from torch import Tensor

_FAST: Any = {"nsz", "arcp", "contract", "afn", "reassoc"}
_BLOCK = 2048  # values of a row that stay in the first cache with the one they are added to

Pair = tuple[int, int]


def is_many(gradient: Tensor) -> bool:
    """Whether a gradient is one for each of many cotangents, in a vectorised backward pass."""
    return bool(torch._C._functorch.is_batchedtensor(gradient))


def input_gradients(g: Tensor, x: Tensor, weight: Tensor, stride: Pair, padding: Pair) -> Tensor:
    """Gradients of a convolution with respect to its input; `g` as `is_many` has it."""
    return _Inputs.apply(g, x, weight, stride, padding)  # type: ignore[no-any-return, no-untyped-call]


def weight_gradients(g: Tensor, x: Tensor, weight: Tensor, stride: Pair, padding: Pair) -> Tensor:
    """Gradients of a convolution with respect to its weight; `g` as `is_many` has it."""
    return _Weights.apply(g, x, weight, stride, padding)  # type: ignore[no-any-return, no-untyped-call]


def norm_gradients(
    g: Tensor, x: Tensor, weight: Tensor, mean: Tensor, inverse_std: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """Gradients of batch norm by its batch with respect to input, weight and bias."""
    return _Norm.apply(g, x, weight, mean, inverse_std)  # type: ignore[no-any-return, no-untyped-call]


def convolve(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """A 3x3 convolution with one pixel of padding, quicker than the libraries in float64.

    Parameters
    ----------
    x : Tensor of shape (batch, channels, height, width)
        Contiguous, on the processor; takes no gradient.
    weight : Tensor of shape (n_out, channels, 3, 3)
        As `x`.
    bias : Tensor of shape (n_out,), optional
        As `x`.

    Examples
    --------
    >>> convolve(torch.ones(1, 1, 3, 3), torch.ones(1, 1, 3, 3))[0, 0].tolist()
    [[4.0, 6.0, 4.0], [6.0, 9.0, 6.0], [4.0, 6.0, 4.0]]
    """
    out = x.new_empty(len(x), len(weight), *x.shape[2:])
    _convolve(x.unsqueeze(2).numpy(), weight.numpy(), out.unsqueeze(2).numpy())
    return out if bias is None else out.add_(bias[:, None, None])


class _ForMany(torch.autograd.Function):
    """A function that is only ever called for many cotangents at once, by `vmap`."""

    @staticmethod
    def forward(*_arguments: Any) -> Tensor:
        raise AssertionError("for many cotangents only")

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
        """Nothing is kept: no gradient is taken of a gradient."""


class _Inputs(_ForMany):
    @staticmethod
    def vmap(
        _info: Any, dims: tuple[int | None, ...], g: Tensor, x: Tensor, weight: Tensor,
        stride: Pair, padding: Pair,
    ) -> tuple[Tensor, int]:  # fmt: skip
        """For all cotangents, which come and leave as axis 2."""
        g = _as_channels(g, dims[0])  # (batch, n_out, many, height, width)
        n, n_in, many = len(x), x.shape[1], g.shape[2]
        if weight.shape[2:] == (1, 1) and stride == (1, 1):
            # bmm, as matmul would choose its way by what else takes a gradient.
            matrices = weight.flatten(1).t().expand(n, -1, -1)
            return torch.bmm(matrices, g.flatten(2)).view(n, n_in, many, *x.shape[2:]), 2
        if stride != (1, 1):
            # Zeros between the values, and behind them what the strides left over.
            kernel = weight.shape[2:]
            spread = [
                s + 2 * p - k + 1 for s, p, k in zip(x.shape[2:], padding, kernel, strict=True)
            ]
            wide = g.new_zeros(*g.shape[:3], *spread)
            wide[..., :: stride[0], :: stride[1]] = g
            g = wide
        mirrored = weight.transpose(0, 1).flip(2, 3).contiguous()
        if weight.shape[2:] == (3, 3) and padding == (1, 1):
            out = g.new_empty(n, n_in, many, *x.shape[2:])
            _convolve(g.numpy(), mirrored.numpy(), out.numpy())
            return out, 2
        reverse = [k - 1 - p for k, p in zip(weight.shape[2:], padding, strict=True)]
        images = g.transpose(1, 2).flatten(0, 1)
        out = F.conv2d(images, mirrored, padding=reverse)
        return out.view(n, many, n_in, *x.shape[2:]), 1


class _Weights(_ForMany):
    @staticmethod
    def vmap(
        _info: Any, dims: tuple[int | None, ...], g: Tensor, x: Tensor, weight: Tensor,
        stride: Pair, padding: Pair,
    ) -> tuple[Tensor, int]:  # fmt: skip
        """For all cotangents: those of a convolution with as many times more channels."""
        g = _as_channels(g, dims[0])
        n_out, many = g.shape[1:3]
        shape = (n_out * many, *weight.shape[1:])
        found: Tensor = torch.ops.aten.convolution_backward(
            g.flatten(1, 2), x.contiguous(), weight.new_empty(shape), None, stride, padding,
            (1, 1), False, (0, 0), 1, (False, True, False),
        )[1]  # fmt: skip
        return found.view(n_out, many, *weight.shape[1:]), 1


class _Norm(_ForMany):
    @staticmethod
    def vmap(
        _info: Any, dims: tuple[int | None, ...], g: Tensor, x: Tensor, weight: Tensor,
        mean: Tensor, inverse_std: Tensor,
    ) -> tuple[tuple[Tensor, Tensor, Tensor], tuple[int, int, int]]:  # fmt: skip
        """For all cotangents, which come and leave as axis 2."""
        g = _as_channels(g, dims[0])
        n, channels, many = g.shape[:3]
        scaled = (x - mean[:, None, None]) * inverse_std[:, None, None]
        out, sums, products = (
            torch.empty_like(g),
            g.new_empty(channels, many),
            g.new_empty(channels, many),
        )
        _normalise_backward(
            g.view(n, channels, many, -1).numpy(),
            scaled.contiguous().view(n, channels, -1).numpy(),
            (weight * inverse_std).numpy(),
            out.view(n, channels, many, -1).numpy(),
            sums.numpy(),
            products.numpy(),
        )
        return (out, products, sums), (2, 1, 1)


def _as_channels(g: Tensor, axis: int | None) -> Tensor:
    """Gradients with their cotangents as axis 2, contiguous: (batch, channels, many, ...)."""
    assert axis is not None, "is_many() said so"
    return g.movedim(axis, 2).contiguous()


# What follows is compiled into the functions that call it: a function that is taken from the cache
# on disk would be called, not merged, and the last digits of sums would depend on which it was.


@numba.njit(inline="always")
def _copy(target: NDArray[Any], source: NDArray[Any]) -> None:
    for i in range(len(target)):
        target[i] = source[i]


@numba.njit(inline="always")
def _add_three(
    total: NDArray[Any], a: NDArray[Any], b: NDArray[Any], c: NDArray[Any],
    u: Any, v: Any, w: Any,
) -> None:  # fmt: skip
    # Arrays of their own, all indexed alike: what the compiler makes vector instructions of.
    for i in range(len(total)):
        total[i] += u * a[i] + v * b[i] + w * c[i]


@numba.njit(cache=True, fastmath=_FAST)
def _convolve(g: NDArray[Any], weight: NDArray[Any], out: NDArray[Any]) -> None:
    """Cross-correlation by 3x3 weights, one pixel of padding, on images (batch, channel, many)."""
    n, n_in, many, height, width = g.shape
    n_out = out.shape[1]
    # One column of zeros between rows is the padding of both.
    row = width + 1
    image = (height + 2) * row + 2
    block = max(1, min(many, _BLOCK // image))
    padded = np.zeros((n_in, block * image), g.dtype)
    length = block * image - 2 * row - 2
    total = np.empty(length, g.dtype)
    for s in range(n):
        for first in range(0, many, block):
            present = min(block, many - first)
            for c in range(n_in):
                for k in range(present):
                    for y in range(height):
                        start = k * image + (y + 1) * row + 1
                        _copy(padded[c, start : start + width], g[s, c, first + k, y])
            for d in range(n_out):
                total[:] = 0
                for c in range(n_in):
                    for y in range(3):
                        line = padded[c, y * row :]
                        _add_three(
                            total, line[:length], line[1 : length + 1], line[2 : length + 2],
                            weight[d, c, y, 0], weight[d, c, y, 1], weight[d, c, y, 2],
                        )  # fmt: skip
                for k in range(present):
                    for y in range(height):
                        start = k * image + y * row
                        _copy(out[s, d, first + k, y], total[start : start + width])


@numba.njit(inline="always")
def _sum_and_product(a: NDArray[Any], b: NDArray[Any]) -> tuple[Any, Any]:
    total, product = a.dtype.type(0), a.dtype.type(0)
    for i in range(len(a)):
        total += a[i]
        product += a[i] * b[i]
    return total, product


@numba.njit(inline="always")
def _combine(out: NDArray[Any], g: NDArray[Any], x: NDArray[Any], u: Any, v: Any, w: Any) -> None:
    for i in range(len(out)):
        out[i] = u * g[i] - v - w * x[i]


@numba.njit(cache=True, fastmath=_FAST)
def _normalise_backward(
    g: NDArray[Any], scaled: NDArray[Any], factors: NDArray[Any],
    out: NDArray[Any], sums: NDArray[Any], products: NDArray[Any],
) -> None:  # fmt: skip
    """Backward pass of batch norm: g less its mean and its part along the normalised values."""
    n, channels, many, size = g.shape
    share = g.dtype.type(1.0 / (n * size))
    sums[:] = 0
    products[:] = 0
    for s in range(n):
        for c in range(channels):
            for k in range(many):
                total, product = _sum_and_product(g[s, c, k], scaled[s, c])
                sums[c, k] += total
                products[c, k] += product
    for s in range(n):
        for c in range(channels):
            u = factors[c]
            for k in range(many):
                v, w = u * share * sums[c, k], u * share * products[c, k]
                _combine(out[s, c, k], g[s, c, k], scaled[s, c], u, v, w)
