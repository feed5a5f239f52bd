"""Convolutions by 3x3 weights with fewer multiplications.

In the domain of Winograd's minimal filtering F(2x2, 3x3), a convolution is sixteen products of
matrices, one for each place of a tile of 4x4 pixels, with 4 in place of 9 multiplications a pixel
(Lavin and Gray, 2016, "Fast algorithms for convolutional neural networks", CVPR). Its transposes
are the backward passes: with respect to the input and to the weights, which share the transform
of the gradient. Numbers are those of the plain sums up to rounding.

Images are held with their channels innermost; tiles as (4, 4, batch, rows, columns, channels).
"""

from __future__ import annotations

import math
from functools import cache
from typing import Any

import numba
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

LEAST = 32  # channels from which on it was the quicker way when measured

# Three weights of a row in the domain of tiles.
_WEIGHTS = [[1.0, 0.0, 0.0], [0.5, 0.5, 0.5], [0.5, -0.5, 0.5], [0.0, 0.0, 1.0]]


class Workspace:
    """Memory for the tiles of many calls: memory that is new to a process costs as much as sums."""

    def __init__(self) -> None:
        self._buffers: dict[tuple[str, torch.dtype], Tensor] = {}

    def tiles(self, name: str, images: Tensor, n_channels: int) -> Tensor:
        """Tiles for images (batch, height, width, channels), with whatever was there before."""
        shape = _tiled(images, n_channels)
        size = math.prod(shape)
        buffer = self._buffers.get((name, images.dtype))
        if buffer is None or len(buffer) < size:
            buffer = self._buffers[name, images.dtype] = images.new_empty(size)
        return buffer[:size].view(shape)


class Transposed:
    """The backward passes of a convolution, for one gradient after another.

    Parameters
    ----------
    weight : Tensor of shape (n_out, n_in, 3, 3)
        Weights of the convolution, on the processor.
    workspace : Workspace
        One for all layers of a network.
    """

    def __init__(self, weight: Tensor, workspace: Workspace) -> None:
        self._weights = _weights_in_tiles(weight.detach())
        self._workspace = workspace

    def gradients(
        self, g: Tensor, x: Tensor, *, needs_input: bool = True, needs_weight: bool = True
    ) -> tuple[Tensor | None, Tensor | None]:
        """Gradients with respect to input and weight.

        Parameters
        ----------
        g : Tensor of shape (batch, n_out, height, width)
            Gradient with respect to the output.
        x : Tensor of shape (batch, n_in, height, width)
            Input of the convolution.
        needs_input, needs_weight : bool, default=True
            Which are computed.
        """
        gradient = _images(g)
        n_in, n_out = self._weights.shape[1:]
        tiles = self._workspace.tiles("tiles", gradient, n_out)
        _from_output(*_flat(gradient, tiles), *gradient.shape)
        grad_x = grad_weight = None
        if needs_input:
            products = self._workspace.tiles("products", gradient, n_in)
            torch.bmm(_matrices(tiles), self._weights.transpose(1, 2), out=_matrices(products))
            out = gradient.new_empty(*gradient.shape[:3], n_in)
            _to_input(*_flat(products, out), *out.shape)
            grad_x = out.permute(0, 3, 1, 2)
        if needs_weight:
            images = _images(x)
            inputs = self._workspace.tiles("products", images, n_in)
            _from_input(*_flat(images, inputs), *images.shape)
            sums = torch.bmm(_matrices(inputs).transpose(1, 2), _matrices(tiles))
            flat = _both_axes(sums.dtype).t() @ sums.flatten(1)
            grad_weight = flat.view(3, 3, n_in, n_out).permute(3, 2, 0, 1)
        return grad_x, grad_weight


def convolve(
    x: Tensor, weight: Tensor, bias: Tensor | None = None, *, workspace: Workspace | None = None
) -> Tensor:
    """A 3x3 convolution with one pixel of padding.

    Parameters
    ----------
    x : Tensor of shape (batch, n_in, height, width)
        On the processor; takes no gradient.
    weight : Tensor of shape (n_out, n_in, 3, 3)
        As `x`.
    bias : Tensor of shape (n_out,), optional
        As `x`.
    workspace : Workspace, optional
        One for many calls.

    Returns
    -------
    Tensor of shape (batch, n_out, height, width)
        With its channels innermost in memory.

    Examples
    --------
    >>> convolve(torch.ones(1, 1, 3, 3), torch.ones(1, 1, 3, 3))[0, 0].tolist()
    [[4.0, 6.0, 4.0], [6.0, 9.0, 6.0], [4.0, 6.0, 4.0]]
    """
    space = workspace or Workspace()
    images = _images(x)
    tiles = space.tiles("tiles", images, images.shape[3])
    _from_input(*_flat(images, tiles), *images.shape)
    products = space.tiles("products", images, len(weight))
    torch.bmm(_matrices(tiles), _weights_in_tiles(weight), out=_matrices(products))
    out = images.new_empty(*images.shape[:3], len(weight))
    _to_output(*_flat(products, out), *out.shape)
    found = out.permute(0, 3, 1, 2)
    return found if bias is None else found.add_(bias[:, None, None])


def _weights_in_tiles(weight: Tensor) -> Tensor:
    """Weights of shape (n_out, n_in, 3, 3) in the domain of tiles: (16, n_in, n_out)."""
    n_out, n_in = weight.shape[:2]
    flat = weight.permute(2, 3, 1, 0).reshape(9, n_in * n_out)
    return (_both_axes(weight.dtype) @ flat).view(16, n_in, n_out)


@cache
def _both_axes(dtype: torch.dtype) -> Tensor:
    """The transform of the weights of both axes, shape (16, 9)."""
    one = torch.tensor(_WEIGHTS, dtype=dtype)
    return torch.kron(one, one)


def _images(x: Tensor) -> Tensor:
    """The same as (batch, height, width, channels), contiguous."""
    return x.detach().permute(0, 2, 3, 1).contiguous()


def _tiled(images: Tensor, n_channels: int) -> tuple[int, ...]:
    n, height, width = images.shape[:3]
    return 4, 4, n, (height + 1) // 2, (width + 1) // 2, n_channels


def _matrices(tiles: Tensor) -> Tensor:
    """Tiles as (16, batch x rows x columns, channels)."""
    return tiles.flatten(0, 1).flatten(1, 3)


def _flat(source: Tensor, target: Tensor) -> tuple[NDArray[Any], NDArray[Any]]:
    return source.view(-1).numpy(), target.view(-1).numpy()


# Rows of images are taken apart into their even and odd columns, so that each transform is a few
# sums of long vectors: stretches of flat arrays, by where they start. What follows is compiled into
# the functions that call it, as the order of sums is not to depend on the cache on disk.


@numba.njit(inline="always")
def _copy(n: int, out: NDArray[Any], at: int, x: NDArray[Any], a: int) -> None:
    to, first = out[at : at + n], x[a : a + n]
    for i in range(n):
        to[i] = first[i]


@numba.njit(inline="always")
def _negate(n: int, out: NDArray[Any], at: int, x: NDArray[Any], a: int) -> None:
    to, first = out[at : at + n], x[a : a + n]
    for i in range(n):
        to[i] = -first[i]


@numba.njit(inline="always")
def _add(n: int, out: NDArray[Any], at: int, x: NDArray[Any], a: int, b: int) -> None:
    to, first, second = out[at : at + n], x[a : a + n], x[b : b + n]
    for i in range(n):
        to[i] = first[i] + second[i]


@numba.njit(inline="always")
def _subtract(n: int, out: NDArray[Any], at: int, x: NDArray[Any], a: int, b: int) -> None:
    to, first, second = out[at : at + n], x[a : a + n], x[b : b + n]
    for i in range(n):
        to[i] = first[i] - second[i]


@numba.njit(inline="always")
def _combine(
    n: int, out: NDArray[Any], at: int, x: NDArray[Any], a: int, b: int, c: int, u: Any, v: Any
) -> None:
    to, first, second, third = out[at : at + n], x[a : a + n], x[b : b + n], x[c : c + n]
    for i in range(n):
        to[i] = first[i] + u * second[i] + v * third[i]


@numba.njit(inline="always")
def _add_combined(
    n: int, out: NDArray[Any], at: int, x: NDArray[Any], a: int, b: int, c: int
) -> None:
    to, first, second, third = out[at : at + n], x[a : a + n], x[b : b + n], x[c : c + n]
    for i in range(n):
        to[i] += first[i] - second[i] + third[i]


@numba.njit(inline="always")
def _accumulate(n: int, out: NDArray[Any], at: int, x: NDArray[Any], a: int, u: Any) -> None:
    to, first = out[at : at + n], x[a : a + n]
    for i in range(n):
        to[i] += u * first[i]


@numba.njit(cache=True)
def _from_input(
    images: NDArray[Any], tiles: NDArray[Any], n: int, height: int, width: int, channels: int
) -> None:
    """Tiles of inputs: 4x4 pixels each, those of neighbours overlapping by two."""
    rows, columns = (height + 1) // 2, (width + 1) // 2
    length = columns * channels
    place = n * rows * length  # from one place of the tiles to the next
    half = length + channels
    # Even and odd columns of rows; row and column 0 are the padding, as is what is beyond the end.
    halves = np.zeros((2 * rows + 2) * 2 * half, images.dtype)
    pair = np.empty(2 * half, images.dtype)
    for s in range(n):
        for y in range(height):
            for x in range(width):
                to = ((y + 1) * 2 + (x + 1) % 2) * half + (x + 1) // 2 * channels
                _copy(channels, halves, to, images, ((s * height + y) * width + x) * channels)
        for i in range(rows):
            for v in range(4):
                # Rows 0 - 2, 1 + 2, 2 - 1 and 1 - 3, and the same of columns.
                first = (2 * i + (0, 1, 2, 1)[v]) * 2 * half
                second = (2 * i + (2, 2, 1, 3)[v]) * 2 * half
                if v == 1:
                    _add(2 * half, pair, 0, halves, first, second)
                else:
                    _subtract(2 * half, pair, 0, halves, first, second)
                to = 4 * v * place + (s * rows + i) * length
                _subtract(length, tiles, to, pair, 0, channels)
                _add(length, tiles, to + place, pair, half, channels)
                _subtract(length, tiles, to + 2 * place, pair, channels, half)
                _subtract(length, tiles, to + 3 * place, pair, half, half + channels)


@numba.njit(cache=True)
def _from_output(
    gradient: NDArray[Any], tiles: NDArray[Any], n: int, height: int, width: int, channels: int
) -> None:
    """Tiles of gradients with respect to outputs, of 2x2 pixels each."""
    rows, columns = (height + 1) // 2, (width + 1) // 2
    length = columns * channels
    place = n * rows * length
    halves = np.zeros(4 * length, gradient.dtype)  # even and odd columns of two rows
    pair = np.empty(2 * length, gradient.dtype)
    for s in range(n):
        for i in range(rows):
            for y in range(2):
                if 2 * i + y >= height:
                    halves[2 * y * length :] = 0
                    continue
                for x in range(width):
                    to = (2 * y + x % 2) * length + x // 2 * channels
                    pixel = (s * height + 2 * i + y) * width + x
                    _copy(channels, halves, to, gradient, pixel * channels)
            for v in range(4):
                # Rows 0, 0 + 1, 0 - 1 and -1, and the same of columns.
                if v == 0:
                    _copy(2 * length, pair, 0, halves, 0)
                elif v == 1:
                    _add(2 * length, pair, 0, halves, 0, 2 * length)
                elif v == 2:
                    _subtract(2 * length, pair, 0, halves, 0, 2 * length)
                else:
                    _negate(2 * length, pair, 0, halves, 2 * length)
                to = 4 * v * place + (s * rows + i) * length
                _copy(length, tiles, to, pair, 0)
                _add(length, tiles, to + place, pair, 0, length)
                _subtract(length, tiles, to + 2 * place, pair, 0, length)
                _negate(length, tiles, to + 3 * place, pair, length)


@numba.njit(cache=True)
def _to_output(
    tiles: NDArray[Any], out: NDArray[Any], n: int, height: int, width: int, channels: int
) -> None:
    """Images whose tiles of products are given: 2x2 pixels each."""
    rows, columns = (height + 1) // 2, (width + 1) // 2
    length = columns * channels
    place = n * rows * length
    sums = np.empty(4 * length, out.dtype)
    halves = np.empty(2 * length, out.dtype)
    plus, minus = out.dtype.type(1), out.dtype.type(-1)
    for s in range(n):
        for y in range(height):
            for k in range(4):
                # Rows 0 + 1 + 2 and 1 - 2 - 3, and the same of columns.
                a = k * place + (s * rows + y // 2) * length
                b, c, d = a + 4 * place, a + 8 * place, a + 12 * place
                if y % 2 == 0:
                    _combine(length, sums, k * length, tiles, a, b, c, plus, plus)
                else:
                    _combine(length, sums, k * length, tiles, b, c, d, minus, minus)
            _combine(length, halves, 0, sums, 0, length, 2 * length, plus, plus)
            _combine(length, halves, length, sums, length, 2 * length, 3 * length, minus, minus)
            for x in range(width):
                start = x % 2 * length + x // 2 * channels
                _copy(channels, out, ((s * height + y) * width + x) * channels, halves, start)


@numba.njit(cache=True)
def _to_input(
    tiles: NDArray[Any], out: NDArray[Any], n: int, height: int, width: int, channels: int
) -> None:
    """Gradients with respect to inputs whose tiles are given: sums of overlapping 4x4 pixels."""
    rows, columns = (height + 1) // 2, (width + 1) // 2
    length = columns * channels
    place = n * rows * length
    half = length + channels
    halves = np.empty((2 * rows + 2) * 2 * half, out.dtype)
    sums = np.empty(4 * length, out.dtype)
    plus, minus = out.dtype.type(1), out.dtype.type(-1)
    for s in range(n):
        halves[:] = 0
        for i in range(rows):
            for v in range(4):
                # Rows 0, 1 - 2 + 3, 1 - 0 + 2 and -3, and the same of columns.
                for k in range(4):
                    a = k * place + (s * rows + i) * length
                    b, c, d = a + 4 * place, a + 8 * place, a + 12 * place
                    if v == 0:
                        _copy(length, sums, k * length, tiles, a)
                    elif v == 1:
                        _combine(length, sums, k * length, tiles, b, c, d, minus, plus)
                    elif v == 2:
                        _combine(length, sums, k * length, tiles, b, a, c, minus, plus)
                    else:
                        _negate(length, sums, k * length, tiles, d)
                even = (2 * i + v) * 2 * half
                odd = even + half
                s1, s2, s3 = length, 2 * length, 3 * length
                _accumulate(length, halves, even, sums, 0, plus)
                _add_combined(length, halves, odd, sums, s1, s2, s3)
                _add_combined(length, halves, even + channels, sums, s1, 0, s2)
                _accumulate(length, halves, odd + channels, sums, s3, minus)
        for y in range(height):
            for x in range(width):
                start = ((y + 1) * 2 + (x + 1) % 2) * half + (x + 1) // 2 * channels
                _copy(channels, out, ((s * height + y) * width + x) * channels, halves, start)
