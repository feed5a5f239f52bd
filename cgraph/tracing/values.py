"""Values of small constants, so that a program may ask for them while nothing else is computed.

`torch.tensor([4, 4]).tolist()` or `torch.arange(3).sum().item()` depend on no input and no
parameter: what is made of small constants alone is computed beside the recording.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import _disable_current_modes

from cgraph.tracing.ledger import Ledger
from cgraph.tracing.operators import Operator

# Constants with more elements are not followed.
LIMIT = 64

CPU = torch.device("cpu")


class KnownValues:
    """The values of the tensors of a recording that have one.

    Parameters
    ----------
    ledger : Ledger
        Knows which tensors have been written to, whose value is lost.
    """

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._values: dict[int, Tensor] = {}

    def note(self, stand_in: Tensor, real: Tensor) -> None:
        """Keep the value of a constant that is small."""
        if real.numel() <= LIMIT and real.device.type == "cpu" and real.layout is torch.strided:
            self._values[id(stand_in)] = real

    def of(self, tensor: Tensor) -> Tensor | None:
        """The value of a tensor; None where it is not known."""
        value = self._values.get(id(tensor))
        if value is None or (self._ledger.knows(tensor) and self._ledger.is_written(tensor)):
            return None
        return value

    def follow(
        self,
        func: Callable[..., Any],
        operator: Operator,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        tensors: list[Tensor],
        result: Any,
    ) -> None:
        """Compute what a call gives where all it reads is known, and it is small."""
        if operator.writes or operator.is_random or not isinstance(result, Tensor):
            return
        if result.numel() > LIMIT or not all(self.of(t) is not None for t in tensors):
            return
        args, kwargs = on_device(operator, self.in_place_of(args), self.in_place_of(kwargs), CPU)
        with _disable_current_modes():
            value = func(*args, **kwargs)
        if isinstance(value, Tensor):
            self._values[id(result)] = value

    def in_place_of(self, value: Any) -> Any:
        """A nest of arguments with known values in the place of their stand-ins."""
        if isinstance(value, Tensor):
            known = self.of(value)
            return value if known is None else known
        if isinstance(value, list | tuple):
            return type(value)([self.in_place_of(v) for v in value])
        if isinstance(value, dict):
            return {name: self.in_place_of(v) for name, v in value.items()}
        return value


def on_device(
    operator: Operator, args: tuple[Any, ...], kwargs: dict[str, Any], device: torch.device
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """The arguments of a call with its device, if it takes one, replaced."""
    if not operator.takes_device:
        return args, kwargs
    position = operator.arguments.index("device")
    if position < operator.n_positional and position < len(args):
        return (*args[:position], device, *args[position + 1 :]), kwargs
    return args, {**kwargs, "device": device}
