"""Values of small constants, so that a program may ask for them while nothing else is computed.

`torch.tensor([4, 4]).tolist()` or `torch.arange(3).sum().item()` depend on no input and no
parameter: what is made of small constants alone is computed beside the recording.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import torch
from torch import Tensor
from torch.utils import _pytree as pytree
from torch.utils._python_dispatch import _disable_current_modes

from cgraph.tracing.ledger import Ledger
from cgraph.tracing.operators import Operator
from cgraph.tracing.standins import StandIns

# Constants with more elements are not followed.
LIMIT = 64

CPU = torch.device("cpu")


class KnownValues:
    """The values of the tensors of a recording that have one.

    Parameters
    ----------
    ledger : Ledger
        Knows which tensors have been written to since their value was noted.
    stand_ins : StandIns
        Knows what stands in for the real tensors that the program has.
    """

    def __init__(self, ledger: Ledger, stand_ins: StandIns) -> None:
        self._ledger = ledger
        self._stand_ins = stand_ins
        self._values: dict[int, tuple[Tensor, int]] = {}  # and the writes that it includes

    def note(self, stand_in: Tensor, real: Tensor) -> None:
        """Keep the value of a constant that is small."""
        if real.numel() <= LIMIT and real.device.type == "cpu" and real.layout is torch.strided:
            self._values[id(stand_in)] = real, self._ledger.n_writes(stand_in)

    def of(self, tensor: Tensor) -> Tensor | None:
        """The value of a tensor; None where it is not known."""
        stand_in = self._stand_ins.known(tensor)
        tensor = tensor if stand_in is None else stand_in
        value, n_writes = self._values.get(id(tensor), (None, 0))
        return value if n_writes == self._ledger.n_writes(tensor) else None

    def read_by(self, operator: Operator, tensors: Iterable[Tensor]) -> dict[int, Tensor] | None:
        """The values of all that a call is about to read; None where one is not known."""
        if operator.is_random or "empty" in operator.name:
            return None
        values: dict[int, Tensor] = {}
        for tensor in tensors:
            value = self.of(tensor)
            if value is None:
                return None
            values[id(tensor)] = value
        if operator.writes:
            with _disable_current_modes():
                values = {key: value.clone() for key, value in values.items()}
        return values

    def follow(
        self,
        func: Callable[..., Any],
        operator: Operator,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        values: dict[int, Tensor],
        result: Any,
    ) -> None:
        """Compute what a call gives from the values it reads, where it is small."""
        if not isinstance(result, Tensor) or result.numel() > LIMIT:
            return
        args, kwargs = _exchanged(args, values), _exchanged(kwargs, values)
        args, kwargs = on_device(operator, args, kwargs, CPU)
        with _disable_current_modes():
            value = func(*args, **kwargs)
        if isinstance(value, Tensor):
            self.note(result, value)

    def in_place_of(self, value: Any) -> Any:
        """A nest of arguments with known values in the place of their tensors."""
        leaves = [v for v in pytree.tree_leaves(value) if isinstance(v, Tensor)]
        known = {id(v): self.of(v) for v in leaves}
        return _exchanged(value, {key: v for key, v in known.items() if v is not None})


def _exchanged(value: Any, values: Mapping[int, Tensor]) -> Any:
    """A nest of arguments with others in the place of some tensors."""
    if isinstance(value, Tensor):
        return values.get(id(value), value)
    if isinstance(value, list | tuple):
        return type(value)([_exchanged(v, values) for v in value])
    if isinstance(value, dict):
        return {name: _exchanged(v, values) for name, v in value.items()}
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
