"""Gram matrix of the gradients of single samples, layer by layer, in one backward pass.

Where samples do not see each other, the gradient of the sum over a batch with respect to what a
layer gives holds the gradient of every sample. With the input of the layer that is enough for the
layer's part of the Gram matrix, and no gradient of all weights is ever held (Novak, Sohl-Dickstein
and Schoenholz, 2022, "Fast Finite Width Neural Tangent Kernel", ICML).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 (its name everywhere)
from numpy.typing import NDArray
from torch import Tensor
from torch.overrides import TorchFunctionMode

_CHUNK = 1 << 18  # values that are widened to float64 at a time


class PerSampleGram(TorchFunctionMode):
    """Takes up the gradients of single samples by weights while a pass and its backward pass run.

    Layers it knows are convolutions of images, linear layers, and batch norm with kept statistics.
    A weight that is used in another way gets its gradient from autograd as ever: the caller sees
    by it that the Gram matrix is not whole.

    Parameters
    ----------
    weights : sequence of Tensor
        The parameters that gradients are taken by.
    size : int
        Number of samples of the batch.
    """

    def __init__(self, weights: Sequence[Tensor], size: int) -> None:
        super().__init__()
        self._weights = {id(weight) for weight in weights}
        self._size = size
        self._n_uses: Counter[int] = Counter()
        self._rows: dict[int, Tensor] = {}
        self._total: Tensor | None = None

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Run an operator, by a function that keeps single samples apart where there is one."""
        del types
        kwargs = kwargs or {}
        layer = _LAYERS.get(func)
        if layer is not None:
            bound = layer.bind(*args, **kwargs)
            if bound is not None and self._is_for(bound[0], bound[1]):
                self._n_uses[id(bound[1])] += 1
                return layer.apply(self, *bound)
        return func(*args, **kwargs)

    def _is_for(self, x: Tensor, weight: Tensor | None) -> bool:
        return id(weight) in self._weights and x.dim() > 1 and len(x) == self._size

    def add(self, weight: Tensor, rows: Tensor) -> None:
        """Take up gradients by one use of a weight, shape (batch, ...)."""
        key = id(weight)
        rows = rows.reshape(self._size, -1)
        self._rows[key] = self._rows[key] + rows if key in self._rows else rows
        self._n_uses[key] -= 1
        if not self._n_uses[key]:
            self._close(key)

    def add_outer(self, weight: Tensor, x: Tensor, g: Tensor) -> None:
        """Take up gradients that are products g_i x_i' of two vectors."""
        if self._n_uses[id(weight)] > 1 or id(weight) in self._rows:
            self.add(weight, g.unsqueeze(2) * x.unsqueeze(1))
            return
        x, g = x.double(), g.double()
        self._accumulate((x @ x.T) * (g @ g.T))

    def gram(self) -> NDArray[np.float64]:
        """Sum over weights of the products of gradients, shape (batch, batch)."""
        for key in list(self._rows):  # weights with a use that no gradient came through
            self._close(key)
        if self._total is None:
            return np.zeros((self._size, self._size))
        result: NDArray[np.float64] = self._total.cpu().numpy()
        return result

    def _close(self, key: int) -> None:
        self._accumulate(products_of_rows(self._rows.pop(key)))

    def _accumulate(self, products: Tensor) -> None:
        self._total = products if self._total is None else self._total.add_(products)


def products_of_rows(rows: Tensor) -> Tensor:
    """Products of the rows of a matrix, in float64, by parts of columns that stay in the cache."""
    total = torch.zeros(len(rows), len(rows), dtype=torch.float64, device=rows.device)
    for part in torch.split(rows, max(1, _CHUNK // len(rows)), dim=1):
        wide = part.double()
        total.addmm_(wide, wide.T)
    return total


class _Convolution(torch.autograd.Function):
    """A convolution of images."""

    @staticmethod
    def bind(
        x: Tensor,
        weight: Tensor,
        bias: Tensor | None = None,
        stride: Any = 1,
        padding: Any = 0,
        dilation: Any = 1,
        groups: int = 1,
    ) -> tuple[Any, ...] | None:
        """Arguments in order; None for a call that this is not for."""
        if isinstance(padding, str) or groups != 1 or x.dim() != 4 or _pair(dilation) != (1, 1):
            return None
        return x, weight, bias, _pair(stride), _pair(padding)

    @staticmethod
    def forward(
        ctx: Any,
        gram: PerSampleGram,
        x: Tensor,
        weight: Tensor,
        bias: Tensor | None,
        stride: tuple[int, int],
        padding: tuple[int, int],
    ) -> Tensor:
        """The convolution itself."""
        ctx.save_for_backward(x, weight)
        ctx.gram, ctx.stride, ctx.padding = gram, stride, padding
        return F.conv2d(x, weight, bias, stride, padding)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        """Gradient with respect to the input; those of single samples by the weight are kept."""
        (g,) = gradients
        x, weight = ctx.saved_tensors
        patches = _patches(x, tuple(weight.shape[2:]), ctx.stride, ctx.padding)
        pixels = g.permute(0, 2, 3, 1).flatten(1, 2)
        ctx.gram.add(weight, torch.bmm(pixels.transpose(1, 2), patches))
        grad_x = None
        if ctx.needs_input_grad[1]:
            grad_x = torch.ops.aten.convolution_backward(
                g, x, weight, None, ctx.stride, ctx.padding, (1, 1), False, (0, 0), 1,
                (True, False, False),
            )[0]  # fmt: skip
        return None, grad_x, None, None, None, None


def _patches(
    x: Tensor, kernel: tuple[int, ...], stride: tuple[int, int], padding: tuple[int, int]
) -> Tensor:
    """What each output pixel looks at, shape (batch, pixels, values), channels innermost."""
    image = x.permute(0, 2, 3, 1)
    if kernel == (1, 1) and stride == (1, 1) and padding == (0, 0):
        return image.flatten(1, 2)
    (up, left), channels = padding, x.shape[1]
    image = F.pad(image, (0, 0, left, left, up, up)).contiguous()
    batch, height, width = image.shape[:3]
    rows, columns = (
        (n - k) // s + 1 for n, k, s in zip((height, width), kernel, stride, strict=True)
    )
    step = image.stride()
    # Neighbours in a row lie side by side in memory, so a patch is as many runs as it has rows.
    windows = image.as_strided(
        (batch, rows, columns, kernel[0], kernel[1] * channels),
        (step[0], step[1] * stride[0], step[2] * stride[1], step[1], 1),
    )
    return windows.reshape(batch, rows * columns, -1)


class _Linear(torch.autograd.Function):
    """A linear layer, on vectors or on sequences of them."""

    @staticmethod
    def bind(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> tuple[Any, ...]:
        """Arguments in order."""
        return x, weight, bias

    @staticmethod
    def forward(
        ctx: Any, gram: PerSampleGram, x: Tensor, weight: Tensor, bias: Tensor | None
    ) -> Tensor:
        """The layer itself."""
        ctx.save_for_backward(x, weight)
        ctx.gram = gram
        return F.linear(x, weight, bias)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        """Gradient with respect to the input; those of single samples by the weight are kept."""
        (g,) = gradients
        x, weight = ctx.saved_tensors
        if x.dim() == 2:
            ctx.gram.add_outer(weight, x, g)
        else:
            tokens = g.flatten(1, -2)
            ctx.gram.add(weight, torch.bmm(tokens.transpose(1, 2), x.flatten(1, -2)))
        return None, g @ weight if ctx.needs_input_grad[1] else None, None, None


class _BatchNorm(torch.autograd.Function):
    """Batch norm by its running statistics: a scale and a shift of each channel."""

    @staticmethod
    def bind(
        x: Tensor,
        running_mean: Tensor | None,
        running_var: Tensor | None,
        weight: Tensor | None = None,
        bias: Tensor | None = None,
        training: bool = False,
        momentum: float = 0.1,
        eps: float = 1e-5,
    ) -> tuple[Any, ...] | None:
        """Arguments in order; None for a call that this is not for."""
        del momentum
        if training or running_mean is None or running_var is None or weight is None:
            return None
        return x, weight, bias, running_mean, running_var, eps

    @staticmethod
    def forward(
        ctx: Any,
        gram: PerSampleGram,
        x: Tensor,
        weight: Tensor,
        bias: Tensor | None,
        mean: Tensor,
        variance: Tensor,
        eps: float,
    ) -> Tensor:
        """Batch norm itself."""
        ctx.save_for_backward(x, weight, mean, (variance + eps).rsqrt())
        ctx.gram = gram
        return F.batch_norm(x, mean, variance, weight, bias, False, 0.0, eps)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        """Gradient with respect to the input; those of single samples by the weight are kept."""
        (g,) = gradients
        x, weight, mean, inverse_std = ctx.saved_tensors
        axes = list(range(2, x.dim()))
        products, sums = ((g * x).sum(axes), g.sum(axes)) if axes else (g * x, g)
        ctx.gram.add(weight, (products - mean * sums) * inverse_std)
        factor = (weight * inverse_std).view(-1, *[1] * len(axes))
        grad_x = g * factor if ctx.needs_input_grad[1] else None
        return None, grad_x, *[None] * 5


_LAYERS: dict[Any, Any] = {
    torch.conv2d: _Convolution,
    F.linear: _Linear,
    F.batch_norm: _BatchNorm,
}


def _pair(value: Any) -> tuple[int, int]:
    if isinstance(value, int):
        return value, value
    values = tuple(int(v) for v in value)
    return values if len(values) == 2 else (values[0], values[0])
