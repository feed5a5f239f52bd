"""The recorder: a PyTorch dispatch mode that books every operator a program calls.

With autograd excluded from dispatch, composite operators reach the mode whole: `linear`,
`conv2d`, `batch_norm`, `scaled_dot_product_attention` are one call each, as the user made them,
and schemas still say what is written and what is a view.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from cgraph.graphs.computational import MemoryKind
from cgraph.tracing import costs
from cgraph.tracing.ledger import Ledger
from cgraph.tracing.operators import (
    Operator,
    attributes_of,
    bind,
    operator_of,
    written_arguments,
)
from cgraph.tracing.scopes import Scopes
from cgraph.tracing.standins import StandIns

# Questions and book-keeping of PyTorch itself: no operation of the program.
SILENT = frozenset({"has_compatible_shallow_copy_type", "lift_fresh", "lift"})
CREATING = frozenset({"lift_fresh", "lift"})

META = torch.device("meta")


class Recorder(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Books every operator that is called while it is entered.

    Parameters
    ----------
    ledger : Ledger
        Where kernels and memories go.
    scopes : Scopes
        Says which module is running.
    stand_ins : StandIns
        Stand-ins for real tensors that the program brings along.
    """

    def __init__(self, ledger: Ledger, scopes: Scopes, stand_ins: StandIns) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.ledger = ledger
        self.scopes = scopes
        self.stand_ins = stand_ins

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        """Run an operator on stand-ins and book it."""
        operator = operator_of(func)
        kwargs = dict(kwargs or {})
        if not operator.returns_tensors and not operator.writes:
            return func(*args, **kwargs)
        tensors: list[Tensor] = []
        args = tuple(self._stand_in(value, tensors) for value in args)
        kwargs = {name: self._stand_in(value, tensors) for name, value in kwargs.items()}
        if operator.name in SILENT:
            result = func(*args, **kwargs)
            return tensors[0] if operator.name in CREATING else result
        if self.stand_ins.fake and operator.takes_device:
            args, kwargs = _on_meta(operator, args, kwargs)
        bound = bind(operator, args, kwargs)
        result, macs = self._run(func, operator, bound, args, kwargs)
        return self._book(operator, bound, tensors, result, macs)

    def _run(
        self,
        func: Callable[..., Any],
        operator: Operator,
        bound: dict[str, Any],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> tuple[Any, int]:
        if operator.is_composite and operator.name not in costs.RULES:
            with costs.InnerMacs() as counter:
                result = func(*args, **kwargs)
            return result, counter.macs
        result = func(*args, **kwargs)
        return result, costs.macs_of(operator.name, bound, result)

    def _book(
        self,
        operator: Operator,
        bound: dict[str, Any],
        tensors: list[Tensor],
        result: Any,
        macs: int,
    ) -> Any:
        ledger = self.ledger
        written = [bound[n] for n in written_arguments(operator, bound) if n in bound]
        written = [t for value in written for t in _tensors_in(value)]
        kept = {id(t) for t in written} if operator.overwrites else set()
        reads = [ledger.current(t) for t in tensors if id(t) not in kept]
        if not written and not any(True for _ in _tensors_in(result)):
            return result
        kernel = ledger.add_kernel(
            operator.name, attributes_of(operator, bound), self.scopes.current.scope, macs, reads
        )
        is_written = {id(t) for t in written}

        def enter(value: Any) -> Any:
            if isinstance(value, Tensor):
                if id(value) in is_written:
                    return value
                if ledger.knows(value):
                    # The same object again (dropout in eval mode): its result needs a name.
                    value = torch.ops.aten.alias.default(value)
                ledger.add_result(value, kernel, tensors)
                return value
            if isinstance(value, list | tuple):
                return type(value)(enter(v) for v in value)
            return value

        result = enter(result)
        for tensor in written:
            ledger.add_version(tensor, kernel)
        return result

    def _stand_in(self, value: Any, tensors: list[Tensor]) -> Any:
        if isinstance(value, Tensor):
            if not self.ledger.knows(value):
                value = self.bring(value, "constant", "constant")
            tensors.append(value)
            return value
        if isinstance(value, list | tuple) and any(isinstance(v, Tensor) for v in value):
            return type(value)(self._stand_in(v, tensors) for v in value)
        return value

    def bring_back(self, returned: Tensor) -> Tensor:
        """The tensor that a program returned, as it stands in the ledger."""
        if self.ledger.knows(returned):
            return returned
        return self.bring(returned, "constant", "constant")

    def bring(self, real: Tensor, kind: MemoryKind, name: str) -> Tensor:
        """The stand-in for a real tensor, entered in the ledger."""
        if real.device.type == "meta" and self.stand_ins.fake and self.ledger.adopt(real):
            return real
        stand_in = self.stand_ins.of(real)
        if not self.ledger.knows(stand_in):
            self.ledger.add_given(stand_in, kind, name, self.scopes.current.scope)
        return stand_in


def _on_meta(
    operator: Operator, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    position = operator.arguments.index("device")
    if position < operator.n_positional and position < len(args):
        return (*args[:position], META, *args[position + 1 :]), kwargs
    return args, {**kwargs, "device": META}


def _tensors_in(value: Any) -> list[Tensor]:
    if isinstance(value, Tensor):
        return [value]
    if isinstance(value, list | tuple):
        return [t for v in value for t in _tensors_in(v)]
    return []
