"""What rounding does to gradients: those that are nothing else, and passes in double precision."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

_NOISE = 1e3  # units of rounding that a gradient may have by rounding alone


def is_rounding(
    norm: float, outputs: Sequence[Tensor], leaves: Sequence[Tensor], rounding: float
) -> bool:
    """Whether the gradient of summed outputs is what rounding left of terms that cancel.

    The sum of probabilities does not depend on anything, nor does that of what batch norm gives
    over its batch: their gradients are zero, and computed as noise.

    Parameters
    ----------
    norm : float
        Euclidean norm of the gradient of the sum.
    outputs : sequence of Tensor
        What was summed, with their graph.
    leaves : sequence of Tensor
        What the gradient was taken by.
    rounding : float
        Unit of rounding of the gradient.

    Examples
    --------
    >>> x = torch.randn(3, 4, dtype=torch.float64, requires_grad=True)
    >>> y = x.softmax(1)
    >>> (g,) = torch.autograd.grad(y.sum(), x, retain_graph=True)
    >>> is_rounding(float(g.norm()), [y], [x], 2.2e-16)
    True
    """
    if not may_be_rounding(norm, magnitude_of(outputs), leaves, rounding):
        return False
    reached = [t for t in outputs if t.requires_grad]
    if not reached:
        return True
    # With signs at random, nothing cancels.
    signs = [_signs_like(t) for t in reached]
    gradients = torch.autograd.grad(
        reached, leaves, signs, retain_graph=True, allow_unused=True, materialize_grads=True
    )
    return bool(norm <= _NOISE * rounding * norm_of(gradients))


def may_be_rounding(
    norm: float, magnitude: float, leaves: Sequence[Tensor], rounding: float
) -> bool:
    """Whether a gradient is so small beside outputs of a magnitude that one has to look closer."""
    return bool(norm * norm_of(leaves) <= rounding**0.5 * magnitude)


def magnitude_of(outputs: Sequence[Tensor]) -> float:
    """Sum of the sizes of all outputs."""
    return sum(float(t.detach().double().abs().sum()) for t in outputs)


def norm_of(tensors: Sequence[Tensor]) -> float:
    """Euclidean norm of all values of several tensors."""
    return float(sum(float(t.detach().double().square().sum()) for t in tensors) ** 0.5)


def _signs_like(tensor: Tensor) -> Tensor:
    generator = torch.Generator().manual_seed(0)
    bits = torch.randint(0, 2, tensor.shape, generator=generator)
    return (2 * bits - 1).to(tensor)


@contextmanager
def widened() -> Iterator[None]:
    """Within it, what a model casts to float32 or makes by default is float64.

    A network that was made double casts its images, masks or positions still as it is written.
    """
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        with _Wide():
            yield
    finally:
        torch.set_default_dtype(before)


class _Wide(TorchFunctionMode):
    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Run an operator, in double precision where it asks for single."""
        del types
        if func is torch.Tensor.float:
            return args[0].double()
        wide = {key: _wide(value) for key, value in (kwargs or {}).items()}
        return func(*(_wide(value) for value in args), **wide)


def _wide(value: Any) -> Any:
    return torch.float64 if value is torch.float32 else value
