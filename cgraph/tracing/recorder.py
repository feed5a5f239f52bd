"""The recorder: a PyTorch dispatch mode that books every operator a program calls.

With autograd excluded from dispatch, composite operators reach the mode whole: `linear`,
`conv2d`, `batch_norm`, `scaled_dot_product_attention` are one call each, as the user made them,
and schemas still say what is written and what is a view.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor
from torch._C import DispatchKey
from torch.utils._python_dispatch import TorchDispatchMode, _disable_current_modes

from cgraph.errors import TraceError
from cgraph.graphs.computational import Attributes, MemoryKind
from cgraph.tracing import costs, layouts, outcomes
from cgraph.tracing.ledger import Held, Ledger
from cgraph.tracing.operators import (
    Operator,
    attributes_of,
    bind,
    operator_of,
    packed_tensors,
    written_arguments,
)
from cgraph.tracing.outcomes import META
from cgraph.tracing.scopes import Scopes
from cgraph.tracing.standins import StandIns
from cgraph.tracing.values import KnownValues, on_device

# What PyTorch does to a constant on its way into the program, and lazily: no operation of it.
SILENT = frozenset(
    ("aten::lift_fresh", "aten::lift", "aten::detach_", "aten::resolve_conj", "aten::resolve_neg")
)


def _grouped_product(bound: Mapping[str, Any]) -> Tensor:
    """A tensor of the shape of a product of groups of matrices, of any type."""
    a, b = bound["self"], bound["mat2"]
    shape = [a.shape[-2], b.shape[-1]]
    if a.dim() == b.dim():
        shape.insert(0, a.shape[0] if a.dim() == 3 else bound["offs"].shape[0])
    return a.new_empty(shape, dtype=bound.get("out_dtype") or a.dtype)  # type: ignore[no-any-return]


# Operators that compute more than PyTorch lets them do on tensors without data.
STRICTER_WITHOUT_DATA = {"aten::_grouped_mm": _grouped_product}

# Products of two tensors of one type: without data PyTorch lets the types differ.
LAXER_WITHOUT_DATA = frozenset(
    f"aten::{name}"
    for name in ("linear", "matmul", "mm", "bmm", "mv", "dot", "conv1d", "conv2d", "conv3d")
)


class AutocastOnMetaError(Exception):
    """Autocast is on, and meta tensors would not follow it."""


class ValuesNeededError(Exception):
    """Values of tensors are asked for that are not computed."""


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
    device : torch.device, default=None
        The device that the program is to see meta tensors on; None for "meta".
    """

    supports_higher_order_operators = True

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        # Nothing is compiled while it is entered: no need to load the compiler.
        return False

    def __init__(
        self,
        ledger: Ledger,
        scopes: Scopes,
        stand_ins: StandIns,
        device: torch.device | None = None,
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.ledger = ledger
        self.scopes = scopes
        self.stand_ins = stand_ins
        self.shown_device = device
        self.values = KnownValues(ledger, stand_ins)
        self.held: Mapping[int, Held] = {}  # parameters and buffers in the books without stand-ins
        self.is_odd = False  # whether values were asked for, or storages exchanged
        self._on_meta = stand_ins.engine == "meta"
        self._computes = stand_ins.engine == "real"
        self._packed: dict[int, tuple[torch.ScriptObject, list[Tensor]]] = {}
        self._fresh: Tensor | None = None  # what a factory has just made
        self._is_assigning = False  # whether an item of a tensor is being set

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        """Run an operator on stand-ins and book it."""
        shown, self.shown_device = self.shown_device, None  # PyTorch itself sees where they are
        try:
            return self._dispatch(func, args, kwargs or {})
        finally:
            self.shown_device = shown

    def _dispatch(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if not isinstance(func, torch._ops.OpOverload):
            return self._run_higher_order(func, args, kwargs)
        if func.namespace == "prim":
            return func(*args, **kwargs)  # where a fake tensor is, and the like
        operator = operator_of(func)
        if not operator.returns_tensors and not operator.writes:
            return self._ask(func, args, kwargs)
        if operator.qualified in SILENT and not (args[0].is_conj() or args[0].is_neg()):
            return args[0]
        if operator.qualified == "aten::detach" and args[0] is self._fresh is not None:
            return self._renew(func, self._fresh)
        if self._is_assigning and operator.qualified == "aten::scalar_tensor":
            with _disable_current_modes():
                return torch.scalar_tensor(args[0], dtype=kwargs.get("dtype"))
        tensors: list[Tensor] = []
        args = tuple([self._stand_in(value, tensors) for value in args])
        if kwargs:
            kwargs = {name: self._stand_in(value, tensors) for name, value in kwargs.items()}
        if self._on_meta:
            if is_in_autocast():
                raise AutocastOnMetaError
            args, kwargs = on_device(operator, args, kwargs, META)
        known = None if self._computes else self.values.read_by(operator, tensors)
        result = self._run(func, operator, args, kwargs, tensors)
        if operator.is_pure and (operator.takes_device or not tensors):
            self._fresh = result
        if known is not None:
            self.values.follow(func, operator, args, kwargs, known, result)
        return result

    def _run(
        self,
        func: Any,
        operator: Operator,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        tensors: list[Tensor],
    ) -> Any:
        bound = bind(operator, args, kwargs)
        names = written_arguments(operator, bound)
        key = None
        if self._on_meta and operator.is_pure and tensors and not names:
            key = outcomes.key_of(func, args, kwargs)
            outcome = outcomes.recall(key) if key is not None else None
            if outcome is not None:
                _, _, attributes, macs = outcome
                return self._book(operator, attributes, macs, [], tensors, outcome.results())
        if operator.is_composite and operator.name not in costs.RULES and not operator.is_view:
            with costs.InnerMacs() as counter:
                result = func(*args, **kwargs)
            macs = counter.macs
        else:
            stand_in = None if self._computes else STRICTER_WITHOUT_DATA.get(operator.qualified)
            if operator.qualified in LAXER_WITHOUT_DATA and tensors[0].dtype != tensors[1].dtype:
                given = " and ".join(str(t.dtype).removeprefix("torch.") for t in tensors[:2])
                raise TypeError(f"{operator.name} takes tensors of one dtype, got {given}")
            result = stand_in(bound) if stand_in else func(*args, **kwargs)
            macs = costs.macs_of(operator.name, bound, result)
        if self._on_meta:
            result = layouts.laid_out(operator.name, bound, result)
        attributes = attributes_of(operator, bound)
        if key is not None and not any(map(self.ledger.knows_storage, _tensors_in(result))):
            outcomes.remember(key, result, attributes, macs)
        written = [t for name in names for t in _tensors_in(bound.get(name))]
        return self._book(operator, attributes, macs, written, tensors, result)

    def _book(
        self,
        operator: Operator,
        attributes: Attributes,
        macs: int,
        written: list[Tensor],
        tensors: list[Tensor],
        result: Any,
    ) -> Any:
        """Enter a call; gives back its result, which may have to be another object."""
        ledger = self.ledger
        if not written and not _tensors_in(result):
            return result
        unread = {id(t) for t in written} if operator.overwrites else ()
        reads = [ledger.current(t) for t in tensors if id(t) not in unread]
        if 1 < len(set(reads)) < len(reads):
            order = list(dict.fromkeys(reads))
            attributes = Attributes(attributes, operands=tuple(map(order.index, reads)))
        kernel = ledger.add_kernel(operator.name, attributes, self.scopes.current, macs, reads)
        result = self._enter(result, kernel, written, tensors)
        for tensor in written:
            ledger.add_version(tensor, kernel)
        return result

    def _enter(self, value: Any, kernel: int, written: list[Tensor], tensors: list[Tensor]) -> Any:
        if isinstance(value, Tensor):
            if any(value is t for t in written):
                return value
            if value.is_nested:
                problem = "it makes nested tensors, which have no shape"
                raise TraceError(self.scopes.current.scope, problem, "pad them, and pass a mask")
            if self.ledger.knows(value):
                # The very object that came in (dropout in eval mode): the result needs its own.
                value = torch.ops.aten.alias.default(value)
            self.ledger.add_result(value, kernel, tensors)
            return value
        if isinstance(value, list | tuple):
            entered = [self._enter(v, kernel, written, tensors) for v in value]
            return type(value)(entered) if type(value) in (list, tuple) else tuple(entered)
        return value

    def _renew(self, func: Any, tensor: Tensor) -> Any:
        """Another object for what a factory made: PyTorch detaches it before the program has it."""
        self._fresh = None
        result = func(tensor)
        self.ledger.adopt(result, self.scopes.current)
        value = self.values.of(tensor)
        if value is not None:
            self.values.note(result, value)
        return result

    def _stand_in(self, value: Any, tensors: list[Tensor]) -> Any:
        if isinstance(value, Tensor):
            if not self.ledger.knows(value):
                value = self.bring(value, "constant", "constant")
            tensors.append(value)
            return value
        if isinstance(value, list | tuple) and any(isinstance(v, Tensor) for v in value):
            return [self._stand_in(v, tensors) for v in value]
        if isinstance(value, torch.ScriptObject):
            tensors.extend(self._unpacked(value))
        return value

    def _unpacked(self, packed: torch.ScriptObject) -> list[Tensor]:
        """The weights that are packed in an object: parameters, though PyTorch shows none."""
        if id(packed) not in self._packed:
            scope = self.scopes.current.scope
            self.stand_ins.run_anew()
            with _disable_current_modes():
                found = packed_tensors(packed)
            for tensor, name in zip(found, ("weight", "bias"), strict=False):
                full_name = f"{scope}.{name}" if scope else name
                self.ledger.add_given(tensor, "parameter", full_name, scope)
            self._packed[id(packed)] = (packed, found)
        return self._packed[id(packed)][1]

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
            self.is_odd = True
            self.ledger.adopt(real, call)
            return real
        stand_in = self.stand_ins.of(real)
        if not self.ledger.knows(stand_in):
            if id(real) in self.held:
                self.held[id(real)].enter(self.ledger, stand_in)
                self.values.note(stand_in, real)
            elif kind == "constant" and self.ledger.knows_storage(stand_in):
                self.is_odd = True
                self.ledger.adopt(stand_in, call)  # another object for a parameter: `.data`
            else:
                self.ledger.add_given(stand_in, kind, name, call.scope)
                if kind == "constant":
                    self.values.note(stand_in, real)
        return stand_in

    def bring_named(self, real: Tensor, kind: MemoryKind, name: str) -> None:
        """Enter a parameter or buffer under its name."""
        stand_in = self.stand_ins.of(real)
        self.ledger.add_given(stand_in, kind, name, name.rpartition(".")[0])
        self.values.note(stand_in, real)

    def is_fresh(self, tensor: Tensor) -> bool:
        """Whether a tensor is what a factory has just made."""
        return tensor is self._fresh

    def forget_fresh(self) -> None:
        """Note that something else has happened since."""
        self._fresh = None

    def give_data(self, real: Tensor, data: Tensor) -> None:
        """Note that the program has set the `.data` of a tensor."""
        self.is_odd = True
        self.stand_ins.rebind(real, self.bring(data, "constant", "constant"))

    def read(self, tensor: Tensor) -> Tensor:
        """A tensor of the values that a tensor has.

        Raises
        ------
        ValuesNeededError
            If they are not known, since nothing is computed.
        """
        self.is_odd = True
        self._note_asked(tensor)
        if self._computes:
            stand_in = self.stand_ins.known(tensor)
            return tensor if stand_in is None else stand_in
        value = self.values.of(tensor)
        if value is not None:
            return value
        if self._is_made(tensor):
            raise ValuesNeededError("values are not computed")
        return tensor

    def _ask(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Answer a question about tensors.

        Parameters, buffers and constants are there with their values, and are asked as they are
        unless this run has written to them; others can only be asked when values are computed.
        """
        self.is_odd = True
        for tensor in _tensors_in((*args, *kwargs.values())):
            self._note_asked(tensor)
        if not self._computes:
            args, kwargs = self.values.in_place_of(args), self.values.in_place_of(kwargs)
            tensors = _tensors_in((*args, *kwargs.values()))
            if not any(map(self._is_made, tensors)):
                with _disable_current_modes():
                    return func(*args, **kwargs)
        args = tuple([self._stand_in(value, []) for value in args])
        return func(*args, **{name: self._stand_in(v, []) for name, v in kwargs.items()})

    def _note_asked(self, tensor: Tensor) -> None:
        stand_in = self.stand_ins.known(tensor)
        self.ledger.note_asked(tensor if stand_in is None else stand_in)

    def _is_made(self, tensor: Tensor) -> bool:
        """Whether a tensor has no real value, or one that this run has changed."""
        if self.ledger.knows_storage(tensor) or self.stand_ins.is_hidden(tensor):
            return True
        stand_in = self.stand_ins.known(tensor)
        return stand_in is not None and self.ledger.n_writes(stand_in) > 0

    def _run_higher_order(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Run an operator that takes functions: a branch or loop as its operators, else whole."""
        if func is torch.ops.higher_order.cond:
            predicate, if_true, if_false, *rest = args
            with self:
                return (if_true if bool(predicate) else if_false)(*(rest[0] if rest else ()))
        if func is torch.ops.higher_order.while_loop:
            with self:
                return func.py_kernels[DispatchKey.CompositeExplicitAutograd](*args, **kwargs)
        tensors: list[Tensor] = []
        args = tuple([self._stand_in(value, tensors) for value in args])
        kwargs = {name: self._stand_in(value, tensors) for name, value in kwargs.items()}
        name = func.name()
        result, macs = costs.run_and_count(func, args, kwargs)
        reads = [self.ledger.current(t) for t in tensors]
        kernel = self.ledger.add_kernel(name, Attributes(), self.scopes.current, macs, reads)
        return self._enter(result, kernel, [], tensors)

    @contextmanager
    def assigning(self) -> Iterator[None]:
        """A context in which an item of a tensor is set.

        On the way PyTorch makes a tensor of a number, on the device of the tensor, but for the
        CPU, where it is a constant: here it is one on the meta device as well.
        """
        self._is_assigning = self._on_meta
        try:
            yield
        finally:
            self._is_assigning = False


def is_in_autocast() -> bool:
    """Whether autocast is on."""
    # Whether it is on cannot be asked: while autocast casts for an operator, it says no.
    torch.autocast_increment_nesting()
    return torch.autocast_decrement_nesting() > 0


def _tensors_in(value: Any) -> list[Tensor]:
    if isinstance(value, Tensor):
        return [value]
    if isinstance(value, list | tuple):
        return [t for v in value for t in _tensors_in(v)]
    return []
