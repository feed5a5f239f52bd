"""The books of a recording: which tensor is which memory, and who reads and writes it.

A storage is what tensors share; a write through one of them changes the others that overlap. The
ledger keeps the writes of each storage in order. A tensor that is read after an overlapping write
is read as a new version of its memory, written by the kernel that wrote: memories stay written
once, and the graph has exactly the dependencies of the program. Whether two views overlap is
decided exactly, by NumPy's solver.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from cgraph.graphs.computational import (
    AliasKind,
    Attributes,
    ComputationalGraph,
    Kernel,
    Memory,
    MemoryKind,
)
from cgraph.tracing.scopes import Call

# Where an exact answer takes more than this many steps, two views are taken to overlap.
OVERLAP_WORK = 10_000


class _Kernel(NamedTuple):
    """A kernel before it has a name."""

    operation: str
    attributes: Attributes
    call: Call
    macs: int


class _Memory(NamedTuple):
    """A memory; one that a kernel writes gets its name and scope from it at the end."""

    kind: MemoryKind
    shape: tuple[int, ...]
    dtype: str
    bytes: int
    base: int | None
    alias: AliasKind | None
    name: str = ""
    scope: str = ""


@dataclass(slots=True)
class _Write:
    """A write to a storage: by which kernel, through which view, into which memory."""

    kernel: int
    geometry: _Geometry
    memory: int


@dataclass(slots=True)
class _Storage:
    """A storage: the memory that brought it, its tensors, and the writes to it in order."""

    owner: int
    entries: list[_Entry] = field(default_factory=list)
    writes: list[_Write] = field(default_factory=list)


@dataclass(slots=True)
class _Entry:
    """A tensor: the memory that it is, and how many writes to its storage that includes."""

    tensor: Tensor  # held, so that neither its identity nor its storage's is used again
    memory: int
    storage: _Storage
    n_seen: int


class _Geometry(NamedTuple):
    """Which bytes of its storage a view covers; strides and offset are in bytes."""

    shape: tuple[int, ...]
    strides: tuple[int, ...]
    offset: int
    itemsize: int

    @staticmethod
    def of(tensor: Tensor) -> _Geometry:
        """The geometry of a strided tensor."""
        size = tensor.element_size()
        if tensor.layout is not torch.strided:
            return _Geometry(tuple(tensor.shape), (), 0, size)
        strides = tuple(step * size for step in tensor.stride())
        return _Geometry(tuple(tensor.shape), strides, int(tensor.storage_offset()) * size, size)

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

    def overlaps(self, other: _Geometry) -> bool:
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

    def covers(self, other: _Geometry) -> bool:
        """Whether every byte of the other is surely one of it."""
        (a, b), (c, d) = self.span, other.span
        return self == other or (self.is_dense and a <= c and d <= b)

    def _array(self) -> NDArray[np.void]:
        """An array of this geometry at a made-up address: only its bounds may be looked at."""
        return np.asarray(_Addressed(self))


class _Addressed:
    """What NumPy needs to know of an array: enough to compare addresses."""

    ORIGIN = 1 << 44  # far from both ends of the address space

    def __init__(self, geometry: _Geometry) -> None:
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
    """

    def __init__(self, reserved: Iterable[str] = ()) -> None:
        self._kernels: list[_Kernel] = []
        self._memories: list[_Memory] = []
        self._reads: dict[tuple[int, int], None] = {}  # a set in order of insertion
        self._writes: list[tuple[int, int]] = []
        self._entries: dict[int, _Entry] = {}
        self._storages: dict[int, _Storage] = {}
        self._reserved = set(reserved)
        self._names = Counter(self._reserved)
        self._dtypes: dict[object, str] = {}
        self._asked: set[int] = set()

    def knows(self, tensor: Tensor) -> bool:
        """Whether a tensor object is in the books."""
        return id(tensor) in self._entries

    def knows_storage(self, tensor: Tensor) -> bool:
        """Whether the storage of a tensor is in the books."""
        return _storage_key(tensor) in self._storages

    def n_writes(self, tensor: Tensor) -> int:
        """How often kernels have written to the storage of a tensor; 0 for an unknown one."""
        entry = self._entries.get(id(tensor))
        return len(entry.storage.writes) if entry else 0

    def add_given(self, tensor: Tensor, kind: MemoryKind, name: str, scope: str = "") -> None:
        """Enter a tensor that no kernel wrote, under its name.

        One that overlaps a tensor entered before is a view of it and adds no bytes.
        """
        if name in self._reserved:
            self._reserved.discard(name)  # it was kept for this tensor
        else:
            name = self._unique(name)
        key = _storage_key(tensor)
        storage = self._storages.get(key)
        base = None
        if storage is not None:
            geometry = _Geometry.of(tensor)
            overlapping = (
                e.memory for e in storage.entries if _Geometry.of(e.tensor).overlaps(geometry)
            )
            base = next(overlapping, None)
        memory = self._add_memory(tensor, kind, base, "view", name, scope)
        if storage is None:
            storage = self._storages[key] = _Storage(memory)
        self._enter(tensor, memory, storage)

    def add_kernel(
        self,
        operation: str,
        attributes: Attributes,
        call: Call,
        macs: int,
        reads: Iterable[int],
    ) -> int:
        """Enter an operation and what it reads; returns its index."""
        index = len(self._kernels)
        self._kernels.append(_Kernel(operation, attributes, call, macs))
        for memory in reads:
            self._reads[memory, index] = None
        return index

    def add_result(self, tensor: Tensor, kernel: int, sources: Sequence[Tensor]) -> None:
        """Enter a tensor that a kernel made, as memory of its own or as a view of a source."""
        key = _storage_key(tensor)
        storage = self._storages.get(key)
        if storage is None:
            memory = self._write(tensor, kernel, None, "view")
            storage = self._storages[key] = _Storage(memory)
        else:
            base = storage.owner
            for source in sources:
                entry = self._entries[id(source)]
                if entry.storage is storage:
                    base = entry.memory
                    break
            memory = self._write(tensor, kernel, base, "view")
        self._enter(tensor, memory, storage)

    def add_version(self, tensor: Tensor, kernel: int) -> None:
        """Enter that a kernel wrote into a known tensor: its memory has a new version."""
        entry = self._entries[id(tensor)]
        memory = self._write(tensor, kernel, entry.memory, "version")
        entry.storage.writes.append(_Write(kernel, _Geometry.of(tensor), memory))
        entry.memory, entry.n_seen = memory, len(entry.storage.writes)

    def current(self, tensor: Tensor) -> int:
        """The memory that a known tensor is now, after all writes to its storage."""
        entry = self._entries[id(tensor)]
        writes = entry.storage.writes
        if entry.n_seen < len(writes):
            geometry = _Geometry.of(tensor)
            for write in writes[entry.n_seen :]:
                if write.geometry == geometry:
                    entry.memory = write.memory
                elif write.geometry.overlaps(geometry):
                    if not write.geometry.covers(geometry):
                        # The rest of the view keeps what it held.
                        self._reads[entry.memory, write.kernel] = None
                    entry.memory = self._write(tensor, write.kernel, entry.memory, "version")
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
        storage = self._storages[_storage_key(tensor)]
        geometry = _Geometry.of(tensor)
        for entry in reversed(storage.entries):
            if _Geometry.of(entry.tensor) == geometry and entry.tensor.dtype == tensor.dtype:
                self._enter(tensor, self.current(entry.tensor), storage)
                return
        source = self.current(storage.entries[0].tensor)
        kernel = self.add_kernel("view", Attributes(), call, 0, [source])
        self._enter(tensor, self._write(tensor, kernel, source, "view"), storage)

    def graph(self, outputs: Sequence[int], name: str) -> tuple[ComputationalGraph, list[Call]]:
        """The recorded graph, and the module call that each of its kernels was made from.

        An update of a buffer that depends on nothing but buffers and that nothing reads (the
        count of batches of a batch norm in train mode) is left out.

        Parameters
        ----------
        outputs : sequence of int
            The memories that the program returns.
        name : str
            What the program is called.
        """
        cut = self._bookkeeping(set(outputs))
        kept = [k for k in range(len(self._kernels)) if k not in cut]
        position = {k: i for i, k in enumerate(kept)}
        writer = {m: k for k, m in self._writes}
        seen = {m for m, _ in self._reads} | {m.base for m in self._memories} | set(outputs)
        left = [
            m
            for m, memory in enumerate(self._memories)
            if writer.get(m) not in cut and (memory.kind != "constant" or m in seen)
        ]
        renumbered = {m: i for i, m in enumerate(left)}
        asked = {writer[m] for m in self._asked if m in writer}
        kernels = []
        for k in kept:
            operation, attributes, call, macs = self._kernels[k]
            if k in asked:
                attributes = Attributes(attributes, asked=True)
            kernels.append(Kernel(self._unique(operation), operation, attributes, call.scope, macs))
        returned = set(outputs)
        memories = []
        for m in left:
            kind, shape, dtype, size, base, alias, given, scope = self._memories[m]
            if m in writer:
                made = kernels[position[writer[m]]]
                given, scope = self._unique(f"{made.name}.out"), made.scope
                kind = "output" if m in returned else "activation"
            base = None if base is None else renumbered[base]
            memories.append(Memory(given, kind, shape, dtype, size, scope, base, alias))
        # Reads of a kernel stand together, in the order of its arguments.
        reads = sorted((row for row in self._reads if row[1] in position), key=lambda row: row[1])
        graph = ComputationalGraph(
            memories,
            kernels,
            [(renumbered[m], position[k]) for m, k in reads],
            [(position[k], renumbered[m]) for k, m in self._writes if k in position],
            [renumbered[m] for m in outputs],
            name=name,
        )
        return graph, [self._kernels[k].call for k in kept]

    def _bookkeeping(self, outputs: set[int]) -> set[int]:
        """Kernels that only update buffers from buffers, unread."""
        made: dict[int, list[int]] = {}
        for k, m in self._writes:
            made.setdefault(k, []).append(m)
        read: dict[int, list[int]] = {}
        for m, k in self._reads:
            read.setdefault(k, []).append(m)
        used = {m for m, _ in self._reads} | outputs
        return {
            k
            for k, results in made.items()
            if k in read
            and all(self._memories[m].kind == "buffer" for m in read[k])
            and all(self._memories[m].alias == "version" and m not in used for m in results)
        }

    def _enter(self, tensor: Tensor, memory: int, storage: _Storage) -> None:
        entry = self._entries[id(tensor)] = _Entry(tensor, memory, storage, len(storage.writes))
        storage.entries.append(entry)

    def _write(self, tensor: Tensor, kernel: int, base: int | None, alias: AliasKind) -> int:
        memory = self._add_memory(tensor, "activation", base, alias)
        self._writes.append((kernel, memory))
        return memory

    def _add_memory(
        self,
        tensor: Tensor,
        kind: MemoryKind,
        base: int | None,
        alias: AliasKind,
        name: str = "",
        scope: str = "",
    ) -> int:
        dtype = self._dtypes.get(tensor.dtype)
        if dtype is None:
            dtype = self._dtypes[tensor.dtype] = str(tensor.dtype).removeprefix("torch.")
        size = _own_bytes(tensor) if base is None else 0
        self._memories.append(
            _Memory(
                kind,
                tuple(tensor.shape),
                dtype,
                size,
                base,
                None if base is None else alias,
                name,
                scope,
            )
        )
        return len(self._memories) - 1

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


def _storage_key(tensor: Tensor) -> int:
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
