"""The books of a recording: which tensor is which memory, and who reads and writes it.

A storage is what tensors share; a write through one of them changes the others that overlap. The
ledger keeps the writes of each storage in order. A tensor that is read after an overlapping write
is read as a new version of its memory, written by the kernel that wrote: memories stay written
once, and the graph has exactly the dependencies of the program. Whether two views overlap is
decided exactly, by NumPy's solver.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from cgraph.graphs.computational import Attributes, ComputationalGraph, MemoryKind
from cgraph.graphs.tape import NO_BASE, NOT_WRITTEN, VERSION, VIEW, Fact, Nodes, Tape, Work
from cgraph.tracing.scopes import Call

# No kernel has a number that large.
NONE_BEFORE = sys.maxsize

# Where an exact answer takes more than this many steps, two views are taken to overlap.
OVERLAP_WORK = 10_000


@dataclass(slots=True)
class Write:
    """A write to a storage: by which kernel, through which view, into which memory."""

    kernel: int
    geometry: Geometry
    memory: int


@dataclass(slots=True)
class Storage:
    """A storage: the memory that brought it, its tensors, and the writes to it in order."""

    owner: int
    entries: list[Entry] = field(default_factory=list)
    writes: list[Write] = field(default_factory=list)


@dataclass(slots=True)
class Entry:
    """A tensor: the memory that it is, and how many writes to its storage that includes."""

    tensor: Tensor  # held, so that neither its identity nor its storage's is used again
    memory: int
    storage: Storage
    n_seen: int


class Held:
    """A parameter or buffer that is in the books while nothing stands in for it yet.

    Parameters
    ----------
    memory : int
        The memory that it is.
    """

    __slots__ = ("_given", "_memory", "entry", "writes")

    def __init__(self, memory: int) -> None:
        self._given = self._memory = memory
        self.entry: Entry | None = None
        self.writes: Sequence[Write] = ()

    @property
    def n_writes(self) -> int:
        """How often it has been written."""
        return len(self.writes)

    @property
    def current(self) -> int | None:
        """The memory that it is now; None where that has to be found out."""
        if self.entry is None:
            return self._memory
        is_known = self.entry.n_seen == len(self.writes)
        return self.entry.memory if is_known else None

    def update(self, writes: Sequence[Write], memory: int) -> None:
        """Note that it was written, and what it is now."""
        self._memory = memory
        if self.entry is None:
            self.writes = [*self.writes, *writes]
        else:
            self.entry.storage.writes.extend(writes)
            self.entry.memory, self.entry.n_seen = memory, len(self.writes)

    def enter(self, ledger: Ledger, stand_in: Tensor) -> None:
        """Enter what stands in for it."""
        storage = ledger.storages[storage_key(stand_in)] = Storage(self._given)
        storage.writes = self.writes = list(self.writes)
        self.entry = Entry(stand_in, self._memory, storage, len(storage.writes))
        ledger.enter(self.entry)


class Geometry(NamedTuple):
    """Which bytes of its storage a view covers; strides and offset are in bytes."""

    shape: tuple[int, ...]
    strides: tuple[int, ...]
    offset: int
    itemsize: int

    @staticmethod
    def of(tensor: Tensor) -> Geometry:
        """The geometry of a strided tensor."""
        size = tensor.element_size()
        if tensor.layout is not torch.strided:
            return Geometry(tuple(tensor.shape), (), 0, size)
        strides = tuple(step * size for step in tensor.stride())
        return Geometry(tuple(tensor.shape), strides, int(tensor.storage_offset()) * size, size)

    @property
    def span(self) -> tuple[int, int]:
        """First byte and the one after the last."""
        if 0 in self.shape:
            return self.offset, self.offset
        reach = sum((n - 1) * s for n, s in zip(self.shape, self.strides, strict=True))
        return self.offset, self.offset + reach + self.itemsize

    @property
    def is_dense(self) -> bool:
        """Whether every byte of its span is one of it."""
        start, stop = self.span
        return stop - start == int(np.prod(self.shape, dtype=np.int64)) * self.itemsize

    def overlaps(self, other: Geometry) -> bool:
        """Whether a byte belongs to both."""
        (a, b), (c, d) = self.span, other.span
        if max(a, c) >= min(b, d):
            return False
        if self.is_dense and other.is_dense:
            return True
        try:
            return np.shares_memory(self._array(), other._array(), max_work=OVERLAP_WORK)  # type: ignore[arg-type]
        except np.exceptions.TooHardError:
            return True

    def covers(self, other: Geometry) -> bool:
        """Whether every byte of the other is surely one of it."""
        (a, b), (c, d) = self.span, other.span
        return self == other or (self.is_dense and a <= c and d <= b)

    def _array(self) -> NDArray[np.void]:
        """An array of this geometry at a made-up address: only its bounds may be looked at."""
        return np.asarray(_Addressed(self))


class _Addressed:
    """What NumPy needs to know of an array: enough to compare addresses."""

    ORIGIN = 1 << 44  # far from both ends of the address space

    def __init__(self, geometry: Geometry) -> None:
        self.__array_interface__ = {
            "version": 3,
            "shape": geometry.shape,
            "strides": geometry.strides,
            "typestr": f"|V{geometry.itemsize}",
            "data": (self.ORIGIN + geometry.offset, False),
        }


class Ledger:
    """Memories, kernels and relations as they come, and the graph they make.

    Parameters
    ----------
    reserved : iterable of str
        Names that belong to parameters and buffers; nothing else gets them.
    nodes : Nodes, optional
        The table of what kernels and memories are, which other ledgers share; a new one by
        default.
    """

    def __init__(self, reserved: Iterable[str] = (), nodes: Nodes | None = None) -> None:
        self.nodes = Nodes() if nodes is None else nodes
        self.works: list[int] = []
        self.calls: list[Call] = []
        self.reads: list[list[int]] = []  # of each kernel
        self.facts: list[int] = []
        self.bases: list[int] = []
        self.aliases: list[int] = []
        self.writers: list[int] = []
        self.entries: dict[int, Entry] = {}
        self.storages: dict[int, Storage] = {}
        self.earliest = NONE_BEFORE  # the first kernel that was given a further read
        self._given: dict[int, tuple[str, str]] = {}  # name and scope
        self._reserved = set(reserved)
        self._names = Counter(self._reserved)
        self._dtypes: dict[object, str] = {}
        self._asked: set[int] = set()

    def knows(self, tensor: Tensor) -> bool:
        """Whether a tensor object is in the books."""
        return id(tensor) in self.entries

    def knows_storage(self, tensor: Tensor) -> bool:
        """Whether the storage of a tensor is in the books."""
        return storage_key(tensor) in self.storages

    def n_writes(self, tensor: Tensor) -> int:
        """How often kernels have written to the storage of a tensor; 0 for an unknown one."""
        entry = self.entries.get(id(tensor))
        return len(entry.storage.writes) if entry else 0

    def add_given(self, tensor: Tensor, kind: MemoryKind, name: str, scope: str = "") -> None:
        """Enter a tensor that no kernel wrote, under its name.

        One that overlaps a tensor entered before is a view of it and adds no bytes.
        """
        if name in self._reserved:
            self._reserved.discard(name)  # it was kept for this tensor
        else:
            name = self._unique(name)
        key = storage_key(tensor)
        storage = self.storages.get(key)
        base = None
        if storage is not None:
            geometry = Geometry.of(tensor)
            overlapping = (
                e.memory for e in storage.entries if Geometry.of(e.tensor).overlaps(geometry)
            )
            base = next(overlapping, None)
        memory = self._add_memory(tensor, kind, base, VIEW, NOT_WRITTEN)
        self._given[memory] = name, scope
        if storage is None:
            storage = self.storages[key] = Storage(memory)
        self._enter(tensor, memory, storage)

    def hold(self, fact: int, name: str, scope: str) -> int:
        """Enter a memory that no kernel wrote and that shares no storage; returns its number."""
        self._reserved.discard(name)
        self.facts.append(fact)
        self.bases.append(NO_BASE)
        self.aliases.append(0)
        self.writers.append(NOT_WRITTEN)
        self._given[len(self.facts) - 1] = name, scope
        return len(self.facts) - 1

    def add_kernel(
        self,
        operation: str,
        attributes: Attributes,
        call: Call,
        macs: int,
        reads: Iterable[int],
    ) -> int:
        """Enter an operation and what it reads; returns its index."""
        self.works.append(self.nodes.work(Work(operation, attributes, macs)))
        self.calls.append(call)
        self.reads.append(list(dict.fromkeys(reads)))
        return len(self.works) - 1

    def add_result(self, tensor: Tensor, kernel: int, sources: Sequence[Tensor]) -> None:
        """Enter a tensor that a kernel made, as memory of its own or as a view of a source."""
        key = storage_key(tensor)
        storage = self.storages.get(key)
        if storage is None:
            memory = self._write(tensor, kernel, None, VIEW)
            storage = self.storages[key] = Storage(memory)
        else:
            base = storage.owner
            for source in sources:
                entry = self.entries[id(source)]
                if entry.storage is storage:
                    base = entry.memory
                    break
            memory = self._write(tensor, kernel, base, VIEW)
        self._enter(tensor, memory, storage)

    def add_version(self, tensor: Tensor, kernel: int) -> None:
        """Enter that a kernel wrote into a known tensor: its memory has a new version."""
        entry = self.entries[id(tensor)]
        memory = self._write(tensor, kernel, entry.memory, VERSION)
        entry.storage.writes.append(Write(kernel, Geometry.of(tensor), memory))
        entry.memory, entry.n_seen = memory, len(entry.storage.writes)

    def current(self, tensor: Tensor) -> int:
        """The memory that a known tensor is now, after all writes to its storage."""
        entry = self.entries[id(tensor)]
        writes = entry.storage.writes
        if entry.n_seen < len(writes):
            geometry = Geometry.of(tensor)
            for write in writes[entry.n_seen :]:
                if write.geometry == geometry:
                    entry.memory = write.memory
                elif write.geometry.overlaps(geometry):
                    if not write.geometry.covers(geometry):
                        # The rest of the view keeps what it held.
                        row = self.reads[write.kernel]
                        if entry.memory not in row:
                            row.append(entry.memory)
                        self.earliest = min(self.earliest, write.kernel)
                    entry.memory = self._write(tensor, write.kernel, entry.memory, VERSION)
            entry.n_seen = len(writes)
        return entry.memory

    def note_asked(self, tensor: Tensor) -> None:
        """Enter that the program has looked at the values of a tensor; nothing for an unknown."""
        if self.knows(tensor):
            self._asked.add(self.current(tensor))

    def adopt(self, tensor: Tensor, call: Call) -> None:
        """Enter another object for a tensor of a known storage.

        It is the memory of the same geometry where there is one, else a view of the owner's.
        """
        storage = self.storages[storage_key(tensor)]
        geometry = Geometry.of(tensor)
        for entry in reversed(storage.entries):
            if Geometry.of(entry.tensor) == geometry and entry.tensor.dtype == tensor.dtype:
                self._enter(tensor, self.current(entry.tensor), storage)
                return
        source = self.current(storage.entries[0].tensor)
        kernel = self.add_kernel("view", Attributes(), call, 0, [source])
        self._enter(tensor, self._write(tensor, kernel, source, VIEW), storage)

    def tape(self, outputs: Sequence[int]) -> tuple[Tape, list[int], list[int]]:
        """The recorded program in numbers, and the kernels and memories that are left in it.

        An update of a buffer that depends on nothing but buffers and that nothing reads (the
        count of batches of a batch norm in train mode) is left out.

        Parameters
        ----------
        outputs : sequence of int
            The memories that the program returns.
        """
        cut = self._bookkeeping(set(outputs))
        kernels = [k for k in range(len(self.works)) if k not in cut]
        position = {k: i for i, k in enumerate(kernels)}
        kinds = [fact.kind for fact in self.nodes.facts]
        memories: list[int] | range = range(len(self.facts))
        if cut or "constant" in kinds:
            seen = {m for row in self.reads for m in row} | set(self.bases) | set(outputs)
            memories = [
                m
                for m in memories
                if self.writers[m] not in cut and (kinds[self.facts[m]] != "constant" or m in seen)
            ]
        renumbered = {m: i for i, m in enumerate(memories)}
        renumbered[NO_BASE] = NO_BASE
        position[NOT_WRITTEN] = NOT_WRITTEN
        facts = [self.facts[m] for m in memories]
        writers = [position[self.writers[m]] for m in memories]
        for m in map(renumbered.__getitem__, outputs):
            if writers[m] != NOT_WRITTEN:
                facts[m] = self.nodes.returned(facts[m])
        works = [self.works[k] for k in kernels]
        for m in self._asked:
            k = position.get(self.writers[m], NOT_WRITTEN)
            if k != NOT_WRITTEN:
                work = self.nodes.works[works[k]]
                asked = Attributes(work.attributes, asked=True)
                works[k] = self.nodes.work(work._replace(attributes=asked))
        tape = Tape(
            works=works,
            reads=[[renumbered[m] for m in self.reads[k]] for k in kernels],
            facts=facts,
            bases=[renumbered[self.bases[m]] for m in memories],
            aliases=[self.aliases[m] for m in memories],
            writers=writers,
            outputs=[renumbered[m] for m in outputs],
        )
        return tape, kernels, list(memories)

    def graph(self, outputs: Sequence[int], name: str) -> tuple[ComputationalGraph, list[Call]]:
        """The recorded graph, and the module call that each of its kernels was made from.

        Parameters
        ----------
        outputs : sequence of int
            The memories that the program returns.
        name : str
            What the program is called.
        """
        tape, kept, left = self.tape(outputs)
        works = self.nodes.works
        calls = [self.calls[k] for k in kept]
        kernels = [
            (self._unique(works[w].operation), call.scope)
            for w, call in zip(tape.works, calls, strict=True)
        ]
        memories = []
        for m, k in zip(left, tape.writers, strict=True):
            if k == NOT_WRITTEN:
                memories.append(self._given[m])
            else:
                made, scope = kernels[k]
                memories.append((self._unique(f"{made}.out"), scope))
        return tape.graph(self.nodes, name, kernels, memories), calls

    def _bookkeeping(self, outputs: set[int]) -> set[int]:
        """Kernels that only update buffers from buffers, unread."""
        facts = self.nodes.facts
        buffers = {f for f, fact in enumerate(facts) if fact.kind == "buffer"}
        own = self.facts
        chosen = {
            k
            for k, row in enumerate(self.reads)
            if row and own[row[0]] in buffers and all(own[m] in buffers for m in row)
        }
        if not chosen:
            return chosen
        read = {m for row in self.reads for m in row}
        kept: set[int] = set()
        made: set[int] = set()
        for m, k in enumerate(self.writers):
            if k in chosen:
                made.add(k)
                if self.aliases[m] != VERSION or m in read or m in outputs:
                    kept.add(k)
        return made - kept

    def enter(self, entry: Entry) -> None:
        """Enter a tensor of a known storage."""
        self.entries[id(entry.tensor)] = entry
        entry.storage.entries.append(entry)

    def _enter(self, tensor: Tensor, memory: int, storage: Storage) -> None:
        self.enter(Entry(tensor, memory, storage, len(storage.writes)))

    def _write(self, tensor: Tensor, kernel: int, base: int | None, alias: int) -> int:
        return self._add_memory(tensor, "activation", base, alias, kernel)

    def _add_memory(
        self, tensor: Tensor, kind: MemoryKind, base: int | None, alias: int, writer: int
    ) -> int:
        self.facts.append(self.fact_of(tensor, kind, is_own=base is None))
        self.bases.append(NO_BASE if base is None else base)
        self.aliases.append(0 if base is None else alias)
        self.writers.append(writer)
        return len(self.facts) - 1

    def fact_of(self, tensor: Tensor, kind: MemoryKind, *, is_own: bool) -> int:
        """What a tensor is, with the bytes of its storage where that is its own."""
        dtype = self._dtypes.get(tensor.dtype)
        if dtype is None:
            dtype = self._dtypes[tensor.dtype] = str(tensor.dtype).removeprefix("torch.")
        size = _own_bytes(tensor) if is_own else 0
        return self.nodes.fact(Fact(kind, tuple(tensor.shape), dtype, size))

    def _unique(self, name: str) -> str:
        """The name, or the name with the first free number."""
        while True:
            n = self._names[name]
            self._names[name] += 1
            if n == 0:
                return name
            candidate = f"{name}_{n}"
            if candidate not in self._names:
                self._names[candidate] = 1
                return candidate


def storage_key(tensor: Tensor) -> int:
    """What tensors share exactly where they share a storage."""
    if tensor.layout is not torch.strided:
        return -id(tensor)  # sparse: it shares nothing, and is held
    return int(tensor.untyped_storage()._cdata)


def _own_bytes(tensor: Tensor) -> int:
    if tensor.layout in (torch.sparse_csr, torch.sparse_bsr):
        parts = (tensor.crow_indices(), tensor.col_indices(), tensor.values())
        return sum(_own_bytes(part) for part in parts)
    if tensor.layout in (torch.sparse_csc, torch.sparse_bsc):
        parts = (tensor.ccol_indices(), tensor.row_indices(), tensor.values())
        return sum(_own_bytes(part) for part in parts)
    if tensor.layout is torch.sparse_coo:
        return _own_bytes(tensor._indices()) + _own_bytes(tensor._values())
    if tensor.layout is not torch.strided:
        return tensor.numel() * tensor.element_size()
    # An expanded tensor is smaller than its elements, a slice smaller than its storage.
    return min(tensor.numel() * tensor.element_size(), tensor.untyped_storage().nbytes())
