"""Pieces of recordings: what the call of a module adds to the books, to be added again.

A piece is cut out of a ledger behind the call that it was recorded from. It numbers its own
kernels and memories from 0 and names what it is given by slots: the tensors that its module is
called with come first, then the parameters and buffers of the module.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from cgraph.graphs.tape import NO_BASE, VERSION
from cgraph.tracing.ledger import NONE_BEFORE, Entry, Geometry, Ledger, Storage, Write, storage_key
from cgraph.tracing.outcomes import META
from cgraph.tracing.scopes import Call


class Mark(NamedTuple):
    """How far a ledger was when a call began."""

    n_kernels: int
    n_memories: int
    earliest: int


class _View(NamedTuple):
    """A tensor over a storage; the memory is one of the piece, or a slot."""

    shape: tuple[int, ...]
    strides: tuple[int, ...]
    offset: int
    dtype: torch.dtype
    memory: int
    n_seen: int


class _Made(NamedTuple):
    """A storage that a call made and whose tensors it returned."""

    owner: int
    n_bytes: int
    views: tuple[_View, ...]
    writes: tuple[tuple[int, Geometry, int], ...]
    is_plain: bool  # one tensor that is all of it


class _Returned(NamedTuple):
    """A tensor that a call returned: one it was given, a view of one, or one of a new storage."""

    given: int | None = None
    view: _View | None = None
    made: int | None = None
    which: int = 0


class Piece(NamedTuple):
    """What a call adds. Memories: its own from 0 on, slot i as -1 - i; bases one lower."""

    works: list[int]
    calls: list[int]
    scopes: list[tuple[str, type, int]]  # relative; class; the one it was made from
    reads: list[list[int]]
    facts: list[int]
    bases: list[int]
    aliases: list[int]
    writers: list[int]
    updates: list[tuple[int, list[tuple[int, Geometry, int]], int]]  # of slots of the module's own
    made: list[_Made]
    returned: list[_Returned]


def mark(ledger: Ledger) -> Mark:
    """Note how far a ledger is, before a call."""
    found = Mark(len(ledger.works), len(ledger.facts), ledger.earliest)
    ledger.earliest = NONE_BEFORE
    return found


def cut(
    ledger: Ledger,
    begin: Mark,
    slots: Sequence[int],
    given: Sequence[Tensor],
    updated: Sequence[tuple[int, Sequence[Write], int]],
    returned: Sequence[Tensor],
    call: Call | None,
) -> Piece | None:
    """The piece of a call that has just ended; None where it reached beyond its slots.

    Parameters
    ----------
    ledger : Ledger
        The books.
    begin : Mark
        How far they were.
    slots : sequence of int
        The memory of each slot when the call began; those of tensors it was called with first.
    given : sequence of Tensor
        The tensors that it was called with.
    updated : sequence of (int, list of Write, int)
        Slots of the module's own tensors that it wrote, the writes, and the memory they are now.
    returned : sequence of Tensor
        What it returned.
    call : Call, optional
        The call, where the ledger knows the calls of its kernels.
    """
    k0, m0 = begin.n_kernels, begin.n_memories
    place = {memory: -1 - slot for slot, memory in enumerate(slots)}
    n_memories = len(ledger.facts)
    place.update((m, m - m0) for m in range(m0, n_memories))
    if any(k < k0 for k in ledger.writers[m0:]):
        return None  # a constant, or a version of something older
    try:
        reads = [[place[m] for m in row] for row in ledger.reads[k0:]]
        bases = [NO_BASE if base == NO_BASE else _lower(place[base]) for base in ledger.bases[m0:]]
        own_updates = [
            (slot, [(w.kernel - k0, w.geometry, place[w.memory]) for w in writes], place[memory])
            for slot, writes, memory in updated
        ]
        if not _writes_only(ledger, m0, bases, {slot for slot, _, _ in updated}):
            return None
        made: list[_Made] = []
        results = [_result(ledger, t, given, place, k0, m0, made) for t in returned]
    except KeyError:
        return None  # what it read or returned is none of its slots
    if None in results:
        return None
    calls, scopes = _relative(ledger.calls[k0:], call) if call is not None else ([], [])
    if call is not None and len(calls) != len(reads):
        return None
    return Piece(
        works=ledger.works[k0:],
        calls=calls,
        scopes=scopes,
        reads=reads,
        facts=ledger.facts[m0:],
        bases=bases,
        aliases=ledger.aliases[m0:],
        writers=[k - k0 for k in ledger.writers[m0:]],
        updates=own_updates,
        made=made,
        returned=[r for r in results if r is not None],
    )


def _lower(place: int) -> int:
    return place if place >= 0 else place - 1  # -1 is no base


def _writes_only(ledger: Ledger, m0: int, bases: list[int], updated: set[int]) -> bool:
    """Whether it wrote to nothing that was there before, but for slots that are known updates."""
    roots: list[int] = []  # the slot whose storage each memory shares, or -1
    for i, base in enumerate(bases):
        root = -1 if base == NO_BASE else roots[base] if base >= 0 else -2 - base
        roots.append(root)
        if ledger.aliases[m0 + i] == VERSION and root >= 0 and root not in updated:
            return False
    return True


def _result(
    ledger: Ledger,
    tensor: Tensor,
    given: Sequence[Tensor],
    place: dict[int, int],
    k0: int,
    m0: int,
    made: list[_Made],
) -> _Returned | None:
    for i, other in enumerate(given):
        if tensor is other:
            return _Returned(given=i)
    entry = ledger.entries.get(id(tensor))
    if entry is None or type(tensor) is not Tensor or tensor.layout is not torch.strided:
        return None
    if tensor.is_conj() or tensor.is_neg() or tensor.requires_grad:
        return None
    storage = entry.storage
    if storage.owner < m0:
        # A view of what it was given; where that is another tensor, nobody can tell which.
        for i, other in enumerate(given):
            if ledger.entries[id(other)].storage is storage:
                if entry.memory < m0 or entry.n_seen != len(storage.writes):
                    return None
                view = _view(entry, place)
                return _Returned(given=i, view=view)
        return None
    owners = [found.owner for found in made]
    if storage.owner - m0 in owners:
        number = owners.index(storage.owner - m0)
    else:
        number = len(made)
        if not all(type(e.tensor) is Tensor for e in storage.entries):
            return None
        n_bytes = tensor.untyped_storage().nbytes()
        views = tuple(_view(e, place) for e in storage.entries)
        is_plain = len(views) == 1 and views[0].offset == 0 and _fills(tensor, n_bytes)
        writes = tuple((w.kernel - k0, w.geometry, place[w.memory]) for w in storage.writes)
        made.append(_Made(storage.owner - m0, n_bytes, views, writes, is_plain))
    which = next(i for i, e in enumerate(storage.entries) if e.tensor is tensor)
    return _Returned(made=number, which=which)


def _view(entry: Entry, place: dict[int, int]) -> _View:
    t = entry.tensor
    return _View(
        tuple(t.shape), t.stride(), int(t.storage_offset()), t.dtype, place[entry.memory],
        entry.n_seen,
    )  # fmt: skip


def _fills(tensor: Tensor, n_bytes: int) -> bool:
    reach = sum((n - 1) * s for n, s in zip(tensor.shape, tensor.stride(), strict=True))
    needed = (reach + 1) * tensor.element_size() if tensor.numel() else 0
    return needed == n_bytes


def _relative(calls: Sequence[Call], top: Call) -> tuple[list[int], list[tuple[str, type, int]]]:
    """Calls below a call, each once; fewer than there are where one is not below it."""
    scopes: list[tuple[str, type, int]] = []
    numbers: dict[int, int] = {}
    prefix = f"{top.scope}." if top.scope else ""

    def number(call: Call | None) -> int | None:
        if call is None:
            return None
        known = numbers.get(id(call))
        if known is not None:
            return known
        if call is top.parent:
            return -1
        parent = number(call.parent)
        if parent is None or not (call.scope == top.scope or call.scope.startswith(prefix)):
            return None
        scopes.append((call.scope.removeprefix(prefix) if call.scope != top.scope else "",
                       call.kind, parent))  # fmt: skip
        numbers[id(call)] = len(scopes) - 1
        return len(scopes) - 1

    found = [number(call) for call in calls]
    return [n for n in found if n is not None], scopes


def replay(
    ledger: Ledger,
    piece: Piece,
    slots: Sequence[int],
    given: Sequence[Tensor],
    scope: str,
    parent: Call,
) -> tuple[list[Tensor], list[tuple[int, list[Write], int]]]:
    """Add a piece to the books.

    Parameters
    ----------
    ledger : Ledger
        The books.
    piece : Piece
        What is added.
    slots : sequence of int
        The memory of each slot.
    given : sequence of Tensor
        The tensors that the module is called with.
    scope : str
        Name of the module.
    parent : Call
        The call that it is called from.

    Returns
    -------
    list of Tensor
        What the call returns.
    list of (int, list of Write, int)
        Slots that it writes, the writes, and the memory they are now.
    """
    k0, m0 = len(ledger.works), len(ledger.facts)
    ledger.works.extend(piece.works)
    ledger.reads.extend([[m + m0 if m >= 0 else slots[-1 - m] for m in row] for row in piece.reads])
    ledger.facts.extend(piece.facts)
    ledger.aliases.extend(piece.aliases)
    ledger.writers.extend([k + k0 for k in piece.writers])
    ledger.bases.extend(
        [b + m0 if b >= 0 else b if b == NO_BASE else slots[-2 - b] for b in piece.bases]
    )
    calls: list[Call] = []
    for name, kind, above in piece.scopes:
        full = f"{scope}.{name}" if scope and name else scope or name
        calls.append(Call(full, kind, parent if above < 0 else calls[above]))
    ledger.calls.extend([calls[c] for c in piece.calls] if calls else [parent] * len(piece.works))
    updates = [
        (slot, [Write(k + k0, geometry, m + m0) for k, geometry, m in writes], memory + m0)
        for slot, writes, memory in piece.updates
    ]
    # What is made here is no work of the program's.
    with torch._C._DisableTorchDispatch():
        made = [_made_again(ledger, new, k0, m0, slots) for new in piece.made]
        results = []
        for result in piece.returned:
            if result.made is not None:
                results.append(made[result.made][result.which])
            elif result.view is None:
                assert result.given is not None
                results.append(given[result.given])
            else:
                assert result.given is not None
                source, view = given[result.given], result.view
                results.append(_tensor_over(source, view))
                storage = ledger.entries[id(source)].storage
                entry = Entry(results[-1], view.memory + m0, storage, len(storage.writes))
                ledger.enter(entry)
    return results, updates


def _made_again(ledger: Ledger, new: _Made, k0: int, m0: int, slots: Sequence[int]) -> list[Tensor]:
    """New tensors over a new storage, in the books."""
    storage = Storage(new.owner + m0)
    storage.writes = [Write(k + k0, g, m + m0) for k, g, m in new.writes]
    tensors: list[Tensor] = []
    for view in new.views:
        if new.is_plain:
            tensor = torch.empty_strided(view.shape, view.strides, dtype=view.dtype, device=META)
        elif tensors:
            tensor = _tensor_over(tensors[0], view)
        else:
            flat = torch.empty(new.n_bytes, dtype=torch.uint8, device=META)
            tensor = _tensor_over(flat, view)
        if not tensors:
            ledger.storages[storage_key(tensor)] = storage
        tensors.append(tensor)
        memory = view.memory + m0 if view.memory >= 0 else slots[-1 - view.memory]
        ledger.enter(Entry(tensor, memory, storage, view.n_seen))
    return tensors


def _tensor_over(source: Tensor, view: _View) -> Tensor:
    """A tensor over the storage of another."""
    made = torch.empty(0, dtype=view.dtype, device=META)
    return made.set_(source.untyped_storage(), view.offset, view.shape, view.strides)
