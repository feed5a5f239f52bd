"""The recorder: a PyTorch dispatch mode that books every operator a program calls.

With autograd excluded from dispatch, composite operators reach the mode whole: `linear`,
`conv2d`, `batch_norm`, `scaled_dot_product_attention` are one call each, as the user made them,
and schemas still say what is written and what is a view.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode, _disable_current_modes

from cgraph.graphs.computational import Attributes, MemoryKind
from cgraph.tracing import costs
from cgraph.tracing.ledger import Ledger
from cgraph.tracing.operators import (
    STATISTICS,
    Operator,
    attributes_of,
    bind,
    operator_of,
    written_arguments,
)
from cgraph.tracing.scopes import Scopes
from cgraph.tracing.standins import StandIns

# What happens to a constant that comes to life: no operation of the program.
SILENT = frozenset({"aten::lift_fresh", "aten::lift", "aten::detach_"})

META = torch.device("meta")


class AutocastOnMetaError(Exception):
    """Autocast is on, and meta tensors would not follow it."""


class _Outcome(NamedTuple):
    """What a call gave, so that the same call on the same shapes need not run again."""

    shapes: tuple[tuple[torch.Size, tuple[int, ...], torch.dtype], ...]
    is_tuple: bool
    attributes: Attributes
    macs: int


# Outcomes of calls on meta tensors: a function of operator, shapes and numbers alone.
_OUTCOMES: OrderedDict[Any, _Outcome] = OrderedDict()
_N_OUTCOMES = 8192


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
        self._on_meta = stand_ins.engine == "meta"

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        """Run an operator on stand-ins and book it."""
        if func.namespace == "prim":
            return func(*args, **(kwargs or {}))  # where a fake tensor is, and the like
        operator = operator_of(func)
        kwargs = kwargs or {}
        if not operator.returns_tensors and not operator.writes:
            return self._ask(func, args, kwargs)
        if operator.qualified in SILENT:
            return args[0]
        tensors: list[Tensor] = []
        args = tuple([self._stand_in(value, tensors) for value in args])
        if kwargs:
            kwargs = {name: self._stand_in(value, tensors) for name, value in kwargs.items()}
        if self._on_meta:
            if torch.is_autocast_cpu_enabled():
                raise AutocastOnMetaError
            if operator.takes_device:
                args, kwargs = _on_meta(operator, args, kwargs)
        return self._run(func, operator, args, kwargs, tensors)

    def _run(
        self,
        func: Any,
        operator: Operator,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        tensors: list[Tensor],
    ) -> Any:
        key = None
        if self._on_meta and operator.is_pure and tensors:
            key = _key(func, args, kwargs)
            if operator.qualified in STATISTICS and written_arguments(
                operator, bind(operator, args, kwargs)
            ):
                key = None
            outcome = _OUTCOMES.get(key) if key is not None else None
            if outcome is not None:
                made = [
                    torch.empty_strided(shape, stride, dtype=dtype, device=META)
                    for shape, stride, dtype in outcome.shapes
                ]
                result = tuple(made) if outcome.is_tuple else made[0]
                return self._book(
                    operator, outcome.attributes, outcome.macs, [], tensors, result, ()
                )
        bound = bind(operator, args, kwargs)
        if operator.is_composite and operator.name not in costs.RULES and not operator.is_view:
            with costs.InnerMacs() as counter:
                result = func(*args, **kwargs)
            macs = counter.macs
        else:
            result = func(*args, **kwargs)
            macs = costs.macs_of(operator.name, bound, result)
        attributes = attributes_of(operator, bound)
        if key is not None:
            self._remember(key, result, attributes, macs)
        written = [
            tensor
            for name in written_arguments(operator, bound)
            for tensor in _tensors_in(bound.get(name))
        ]
        unread = {id(t) for t in written} if operator.overwrites else ()
        return self._book(operator, attributes, macs, written, tensors, result, unread)

    def _book(
        self,
        operator: Operator,
        attributes: Attributes,
        macs: int,
        written: list[Tensor],
        tensors: list[Tensor],
        result: Any,
        unread: Any,
    ) -> Any:
        ledger = self.ledger
        if not written and not _tensors_in(result):
            return result
        reads = [ledger.current(t) for t in tensors if id(t) not in unread]
        kernel = ledger.add_kernel(operator.name, attributes, self.scopes.current, macs, reads)
        result = self._enter(result, kernel, written, tensors)
        for tensor in written:
            ledger.add_version(tensor, kernel)
        return result

    def _enter(self, value: Any, kernel: int, written: list[Tensor], tensors: list[Tensor]) -> Any:
        if isinstance(value, Tensor):
            if any(value is t for t in written):
                return value
            if self.ledger.knows(value):
                # The very object that came in (dropout in eval mode): the result needs its own.
                value = torch.ops.aten.alias.default(value)
            self.ledger.add_result(value, kernel, tensors)
            return value
        if isinstance(value, list | tuple):
            return type(value)([self._enter(v, kernel, written, tensors) for v in value])
        return value

    def _stand_in(self, value: Any, tensors: list[Tensor]) -> Any:
        if isinstance(value, Tensor):
            if not self.ledger.knows(value):
                value = self.bring(value, "constant", "constant")
            tensors.append(value)
            return value
        if isinstance(value, list | tuple) and any(isinstance(v, Tensor) for v in value):
            return [self._stand_in(v, tensors) for v in value]
        return value

    def bring(self, real: Tensor, kind: MemoryKind, name: str) -> Tensor:
        """The stand-in for a tensor that no recorded operator made, entered in the ledger.

        Parameters
        ----------
        real : Tensor
            A tensor of the program, or another object for a stand-in.
        kind : {"input", "parameter", "buffer", "constant"}
            Its role where it is new.
        name : str
            Its name where it is new.
        """
        if self.ledger.knows(real):
            return real
        call = self.scopes.current
        if self.ledger.knows_storage(real):
            self.ledger.adopt(real, call)
            return real
        stand_in = self.stand_ins.of(real)
        if not self.ledger.knows(stand_in):
            if kind == "constant" and self.ledger.knows_storage(stand_in):
                self.ledger.adopt(stand_in, call)  # another object for a parameter: `.data`
            else:
                self.ledger.add_given(stand_in, kind, name, call.scope)
        return stand_in

    def _ask(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Answer a question about tensors.

        Parameters, buffers and constants are there with their values, and are asked as they are
        unless this run has written to them; others can only be asked when values are computed.
        """
        tensors = [t for value in (*args, *kwargs.values()) for t in _tensors_in(value)]
        if self.stand_ins.engine != "real" and not any(map(self._is_made, tensors)):
            with _disable_current_modes():
                return func(*args, **kwargs)
        args = tuple([self._stand_in(value, []) for value in args])
        return func(*args, **{name: self._stand_in(v, []) for name, v in kwargs.items()})

    def _is_made(self, tensor: Tensor) -> bool:
        """Whether a tensor has no real value, or one that this run has changed."""
        if self.ledger.knows_storage(tensor):
            return True
        stand_in = self.stand_ins.known(tensor)
        return stand_in is not None and self.ledger.is_written(stand_in)

    def _remember(self, key: Any, result: Any, attributes: Attributes, macs: int) -> None:
        made = result if isinstance(result, tuple) else (result,)
        for tensor in made:
            if type(tensor) is not Tensor or tensor.layout is not torch.strided:
                return
            if self.ledger.knows_storage(tensor) or _extent(tensor) != _stored(tensor):
                return
        _OUTCOMES[key] = _Outcome(
            tuple((t.shape, t.stride(), t.dtype) for t in made),
            isinstance(result, tuple),
            attributes,
            macs,
        )
        if len(_OUTCOMES) > _N_OUTCOMES:
            _OUTCOMES.popitem(last=False)


def _extent(tensor: Tensor) -> int:
    """Bytes that a tensor of these strides needs."""
    if tensor.numel() == 0:
        return 0
    reach = sum((n - 1) * s for n, s in zip(tensor.shape, tensor.stride(), strict=True))
    return (reach + 1) * tensor.element_size()


def _stored(tensor: Tensor) -> int:
    return tensor.untyped_storage().nbytes()


def _key(func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """What decides the outcome of a pure call on meta tensors; None where it is not clear."""
    parts: list[Any] = [func]
    for value in (*args, *kwargs.items()):
        part = _key_of(value)
        if part is None:
            return None
        parts.append(part)
    return tuple(parts)


def _key_of(value: Any) -> Any:
    if type(value) is Tensor:
        if value.layout is not torch.strided or value.is_conj() or value.is_neg():
            return None
        return (value.shape, value.stride(), value.dtype)
    if value is None or isinstance(value, bool | int | float | str | torch.dtype | torch.device):
        return (type(value), value)
    if isinstance(value, list | tuple):
        parts = tuple([_key_of(v) for v in value])
        return None if None in parts else parts
    return None


def _on_meta(
    operator: Operator, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """The arguments with the device replaced: everything is on meta."""
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
