"""Recordings of many models that share modules: what was recorded once is put in again.

While a model runs, each call of a module is looked up by what the module is made of and what it
is called with. A call that is known adds its piece to the books and gives back new stand-ins; one
that is not runs as ever and leaves a piece, where it can be told that the same key means the same
call: it read and wrote nothing but what it was given and what is its own, asked for no values and
left everything as it was. What is composed is what `trace` records, names included.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Hashable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import Any, TypeAlias

import torch
from torch import Tensor, nn
from torch.nn.modules import module as module_calls

from cgraph.generators import HELD
from cgraph.graphs.computational import ComputationalGraph, MemoryKind
from cgraph.graphs.tape import Nodes, Tape
from cgraph.tracing.building import Building
from cgraph.tracing.bypasses import bypasses_of
from cgraph.tracing.ledger import Held, Ledger
from cgraph.tracing.likeness import Likeness
from cgraph.tracing.pieces import Piece, cut, mark, replay
from cgraph.tracing.purity import plain
from cgraph.tracing.record import brought, prepared_process, tensors_in
from cgraph.tracing.recorder import Recorder, is_in_autocast
from cgraph.tracing.restoring import caches_of_kinds
from cgraph.tracing.scopes import Scopes
from cgraph.tracing.standins import StandIns

CPU = torch.device("cpu")

# Kernels in pieces, and keys of modules, beyond which all are forgotten and learnt anew.
MOST_KERNELS = 100_000
MOST_KEYS = 50_000

# Models in a row that could not be made without values; the others are not tried.
_MOST_REFUSED = 3

_PLAIN_TENSORS = (Tensor, nn.Parameter, nn.Buffer)


# What can be seen of a parameter or buffer: its number, and its fact.
_Facts: TypeAlias = dict[Hashable, tuple[int, int]]


class NotComposedError(Exception):
    """A model whose recording has to be made without pieces."""


class Composer:
    """Records models one after the other, with the pieces of those before.

    Parameters
    ----------
    named : bool, default=False
        Whether graphs with names are made, not tapes alone.
    """

    def __init__(self, *, named: bool = False) -> None:
        self.nodes = Nodes()
        self.named = named
        self._plain_call = nn.Module.__call__
        self._building = Building()
        self._n_refused = 0
        self._forget()
        self._facts: _Facts = {}
        self._caches: dict[frozenset[type], tuple[int, list[Any]]] = {}
        self._run: _Run | None = None

        def call(module: nn.Module, *args: Any, **kwargs: Any) -> Any:
            run = self._run
            if run is None or run.thread != threading.get_ident():
                return self._plain_call(module, *args, **kwargs)
            return self._called(run, module, args, kwargs)

        self._call = call

    def _forget(self) -> None:
        self._pieces: dict[Hashable, tuple[Piece, Any] | None] = {}
        self._n_kernels = 0
        self._likeness: Likeness | None = None

    @contextmanager
    def working(self) -> Iterator[None]:
        """A context for recordings, in which calls of modules are seen; one at a time."""
        with HELD, self._building.ready():
            replaced = nn.Module.__call__
            nn.Module.__call__ = self._call  # type: ignore[method-assign]
            try:
                yield
            finally:
                nn.Module.__call__ = replaced  # type: ignore[method-assign]

    def tape(self, build: Callable[[], nn.Module], *args: Any, **kwargs: Any) -> Tape:
        """The recording of a model in numbers; within `working`.

        Parameters
        ----------
        build : callable
            Makes the model, anew for this recording: what its run changes is not put back.
        *args, **kwargs : object
            What it is given: as for `trace`.

        Raises
        ------
        NotComposedError
            If it has to be recorded without pieces.
        """
        ledger, outputs, _ = self._record(build, args, kwargs)
        return ledger.tape(outputs)[0]

    def graph(
        self, build: Callable[[], nn.Module], *args: Any, **kwargs: Any
    ) -> ComputationalGraph:
        """As `tape`, with names; of a composer that makes them."""
        ledger, outputs, name = self._record(build, args, kwargs)
        return ledger.graph(outputs, name)[0]

    def _record(
        self, build: Callable[[], nn.Module], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> tuple[Ledger, list[int], str]:
        """The books of a model that is made without values, or with them where it needs them."""
        if self._n_refused < _MOST_REFUSED:
            # Whatever goes wrong without values is seen with them, or is the model's own fault.
            with suppress(Exception):
                with self._building.without_values():
                    model = build()
                found = self._recorded(model, args, kwargs, self._building.made)
                self._n_refused = 0
                return found
            self._n_refused += 1
        return self._recorded(build(), args, kwargs, frozenset())

    def _recorded(
        self,
        model: nn.Module,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        made: Collection[int],
    ) -> tuple[Ledger, list[int], str]:
        if _has_other_hooks():
            raise NotComposedError
        if self._n_kernels > MOST_KERNELS or len(self._pieces) > MOST_KEYS:
            self._forget()
        if self._likeness is None:
            self._likeness = Likeness(self._call)
        given = _Given(model, made)
        self._likeness.begin(given.shared, given.sizes)
        self._clear_caches(given.kinds)
        with prepared_process():
            ledger, outputs = self._run_model(model, args, kwargs, given)
        return ledger, outputs, type(model).__name__

    def _run_model(
        self, model: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any], given: _Given
    ) -> tuple[Ledger, list[int]]:
        scopes = Scopes(model, given.names)
        ledger = Ledger([name for name, _, _ in given.tensors] if self.named else (), self.nodes)
        recorder = Recorder(ledger, scopes, StandIns("meta"), CPU)
        args, kwargs = brought(recorder, model, args, kwargs)
        held = recorder.held = given.enter(ledger, self._facts)
        with ExitStack() as stack:
            stack.enter_context(scopes.watched())
            stack.enter_context(bypasses_of(recorder))
            stack.enter_context(recorder)
            self._run = _Run(recorder, given, held)
            try:
                result = model(*args, **kwargs)
            finally:
                self._run = None
        if recorder.is_odd or scopes.elsewhere is not None:
            raise NotComposedError
        scopes.reset()
        found = [recorder.bring(t, "constant", "constant") for t in tensors_in(result)]
        if recorder.is_odd or not found:
            raise NotComposedError
        return ledger, [ledger.current(tensor) for tensor in found]

    def _clear_caches(self, kinds: frozenset[type]) -> None:
        """Empty what functions remember, as `trace` does; where they are is looked up once."""
        caches = self._caches.get(kinds)
        if caches is None:
            caches = self._caches[kinds] = (0, caches_of_kinds(kinds))
        for cache in caches[1]:
            cache.cache_clear()

    def _called(self, run: _Run, module: nn.Module, args: Any, kwargs: Any) -> Any:
        """The call of a module: put in where it is known, else run, and learnt if it can be."""
        recorder = run.recorder
        own: list[Tensor] = []
        key = self._key(run, module, args, kwargs, own)
        if key is None:
            return self._plain_call(module, *args, **kwargs)
        whole, given, slots = key
        if whole not in self._pieces:
            return self._learn(run, module, args, kwargs, key, own)
        found = self._pieces[whole]
        if found is None:
            return self._plain_call(module, *args, **kwargs)
        piece, form = found
        scopes = recorder.scopes
        scope = scopes.names[id(module)]
        tensors, updates = replay(recorder.ledger, piece, slots, given, scope, scopes.current)
        for slot, writes, memory in updates:
            run.held[id(own[slot - len(given)])].update(writes, memory)
        recorder.forget_fresh()
        return _filled(form, tensors)

    def _key(
        self, run: _Run, module: nn.Module, args: Any, kwargs: Any, own: list[Tensor]
    ) -> tuple[Hashable, list[Tensor], list[int]] | None:
        """What a call is looked up by, its tensors, and the memories of its slots."""
        if not run.given.is_part(module):
            return None
        recorder = run.recorder
        ledger = recorder.ledger
        given: list[Tensor] = []
        form = _form((args, kwargs), given)
        if form is None or not given or is_in_autocast():
            return None
        assert self._likeness is not None
        tree = self._likeness.key(module, own)
        if tree is None:
            return None
        slots: list[int] = []
        inputs: list[Hashable] = []
        for tensor in given:
            entry = ledger.entries.get(id(tensor))
            if entry is None or entry.n_seen != len(entry.storage.writes):
                return None
            owner = ledger.facts[entry.storage.owner]
            if self.nodes.facts[owner].kind in ("parameter", "buffer"):
                return None
            if tensor.layout is not torch.strided or tensor.is_conj() or tensor.is_neg():
                return None
            inputs.append(
                (
                    tensor.shape,
                    tensor.stride(),
                    tensor.storage_offset(),
                    tensor.dtype,
                    tensor.untyped_storage().nbytes(),
                )
            )
            slots.append(entry.memory)
        if len(given) > 1:
            storages = [id(ledger.entries[id(tensor)].storage) for tensor in given]
            for numbers in (list(map(id, given)), slots, storages):
                inputs.append(tuple([numbers.index(n) for n in numbers]))
        for tensor in own:
            held = run.held.get(id(tensor))
            memory = held.current if held is not None else None
            if memory is None:
                return None
            slots.append(memory)
        return (tree, form, tuple(inputs), _ambient()), given, slots

    def _learn(
        self,
        run: _Run,
        module: nn.Module,
        args: Any,
        kwargs: Any,
        key: tuple[Hashable, list[Tensor], list[int]],
        own: list[Tensor],
    ) -> Any:
        whole, given, slots = key
        recorder, held = run.recorder, run.held
        ledger, scopes = recorder.ledger, recorder.scopes
        n_writes = [held[id(t)].n_writes for t in own]
        begin = mark(ledger)
        was_odd, recorder.is_odd = recorder.is_odd, False
        try:
            result = self._plain_call(module, *args, **kwargs)
        finally:
            is_odd, recorder.is_odd = recorder.is_odd, recorder.is_odd or was_odd
            reached, ledger.earliest = ledger.earliest, min(ledger.earliest, begin.earliest)
        call = scopes.last
        returned: list[Tensor] = []
        form = _form(result, returned)
        again: list[Tensor] = []
        same = self._key(run, module, args, kwargs, again)
        piece = None
        is_like = (
            form is not None
            and returned
            and not is_odd
            and reached >= begin.n_kernels
            and same is not None
            and same[0] == whole
            and all(a is b for a, b in zip(given, same[1], strict=True))
            and len(own) == len(again)
            and all(a is b for a, b in zip(own, again, strict=True))
            and not any(recorder.is_fresh(t) for t in returned)
            and not _is_held(result, (args, kwargs))
        )
        if is_like:
            updated = []
            for i, tensor in enumerate(own):
                writes = held[id(tensor)].writes[n_writes[i] :]
                memory = held[id(tensor)].current
                if writes and memory is not None:
                    updated.append((len(given) + i, writes, memory))
            piece = cut(ledger, begin, slots, given, updated, returned,
                        call if self.named else None)  # fmt: skip
        self._pieces[whole] = None if piece is None else (piece, form)
        self._n_kernels += len(piece.works) if piece is not None else 0
        return result


class _Run:
    """A model while it is recorded."""

    def __init__(self, recorder: Recorder, given: _Given, held: dict[int, Held]) -> None:
        self.recorder = recorder
        self.given = given
        self.held = held
        self.thread = threading.get_ident()


class _Given:
    """The modules, parameters and buffers of a model, in the order of `trace`."""

    def __init__(self, model: nn.Module, made: Collection[int]) -> None:
        self._made = made
        self.sizes: dict[int, int] = {}
        self.names: dict[int, str] = {}
        self.n_below: dict[int, int] = {}
        self.modules: list[tuple[str, nn.Module]] = []
        shared: set[int] = set()
        self._find(model, "", shared)
        self.shared = frozenset(shared)
        self.kinds = frozenset([type(module) for _, module in self.modules])
        self.tensors: list[tuple[str, str, Tensor]] = []
        self.n_parameters = 0
        seen: set[int] = set()
        for group in ("_parameters", "_buffers"):
            for scope, module in self.modules:
                for name, tensor in module.__dict__[group].items():
                    if tensor is None:
                        continue
                    if id(tensor) in seen:
                        raise NotComposedError  # it is shared
                    seen.add(id(tensor))
                    full = f"{scope}.{name}" if scope else name
                    self.tensors.append((full, scope, tensor))
            if group == "_parameters":
                self.n_parameters = len(self.tensors)

    def _find(self, module: nn.Module, scope: str, shared: set[int]) -> int:
        number = id(module)
        if number in self.names:
            shared.add(number)
            return 0
        self.names[number] = scope
        self.modules.append((scope, module))
        n = 1
        prefix = f"{scope}." if scope else ""
        for name, child in module.__dict__["_modules"].items():
            if child is not None:
                n += self._find(child, prefix + name, shared)
        self.n_below[number] = n
        return n

    def is_part(self, module: nn.Module) -> bool:
        """Whether a module is of the model, and not the better part of it."""
        n = self.n_below.get(id(module))
        return n is not None and 2 * n <= len(self.modules)

    def enter(self, ledger: Ledger, known: _Facts) -> dict[int, Held]:
        """Enter the parameters and buffers; what stands in for them is made where it is needed."""
        storages = set()
        held: dict[int, Held] = {}
        sizes, made = self.sizes, self._made
        for i, (name, scope, tensor) in enumerate(self.tensors):
            storage = tensor.untyped_storage()
            storages.add(storage._cdata)
            kind: MemoryKind = "parameter" if i < self.n_parameters else "buffer"
            seen = (
                kind,
                type(tensor),
                tensor.device.type,
                tensor.shape,
                tensor.stride(),
                tensor.dtype,
                tensor.storage_offset(),
                storage.nbytes(),
                tensor.requires_grad,
            )
            found = known.get(seen)
            if found is None:
                if type(tensor) not in _PLAIN_TENSORS or tensor.is_quantized:
                    raise NotComposedError
                fact = ledger.fact_of(tensor, kind, is_own=True)
                found = known[seen] = (len(known), fact)
            if seen[2] != "cpu" and id(tensor) not in made:
                raise NotComposedError  # what the program sees of it may be another thing
            sizes[id(tensor)] = found[0]
            held[id(tensor)] = Held(ledger.hold(found[1], name, scope))
        if len(storages) < len(self.tensors):
            raise NotComposedError
        return held


def _has_other_hooks() -> bool:
    hooks = (
        module_calls._global_forward_hooks,
        module_calls._global_forward_pre_hooks,
        module_calls._global_backward_hooks,
        module_calls._global_backward_pre_hooks,
    )
    return any(hooks)


def _ambient() -> Hashable:
    """What a program can see of the process beside modules and tensors."""
    return (
        torch.is_grad_enabled(),
        torch.get_default_dtype(),
        torch._C._len_torch_function_stack(),
        torch._C._len_torch_dispatch_stack(),
    )


def _form(value: Any, tensors: list[Tensor]) -> Hashable | None:
    """What a nest of tuples, lists, dicts, tensors and plain values is without its tensors.

    None where it holds something else.
    """
    if type(value) is Tensor:
        tensors.append(value)
        return Tensor
    if type(value) is tuple or type(value) is list:
        parts = tuple([_form(v, tensors) for v in value])
        return None if None in parts else (type(value), parts)
    if type(value) is dict:
        keys = plain(list(value))
        parts = tuple([_form(v, tensors) for v in value.values()])
        return None if keys is None or None in parts else (dict, keys, tuple(value), parts)
    known = plain(value)
    return None if known is None or isinstance(value, set) else (bytes, known, _Value(value))


class _Value:
    """A plain value that a form carries; its bytes stand beside it and are compared."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Value)

    def __hash__(self) -> int:
        return 0


def _filled(form: Any, tensors: list[Tensor]) -> Any:
    """The nest of a form with tensors in it."""
    left = iter(tensors)

    def fill(part: Any) -> Any:
        if part is Tensor:
            return next(left)
        if part[0] is dict:
            return dict(zip(part[2], map(fill, part[3]), strict=True))
        if part[0] is bytes:
            return part[2].value
        return part[0](map(fill, part[1]))

    return fill(form)


def _is_held(result: Any, given: Any) -> bool:
    """Whether a list or dict that is returned is one that was given."""
    if type(result) not in (list, dict, tuple) or result == ():
        return False

    def containers(value: Any) -> list[Any]:
        if type(value) in (list, tuple):
            inner = [c for v in value for c in containers(v)]
        elif type(value) is dict:
            inner = [c for v in value.values() for c in containers(v)]
        else:
            return []
        return [value, *inner]

    theirs = {id(c) for c in containers(given) if type(c) is not tuple}
    return any(id(c) in theirs for c in containers(result))
