"""The books of a recording: which tensor is which memory, and who read and wrote it.

A storage is what tensors share; a write through one of them changes the others that overlap. The
ledger keeps the writes of each storage in order. A tensor that is read after an overlapping write
is read as a new version of its memory, written by the kernel that wrote: memories stay written
once, and the graph has exactly the dependencies of the program. Whether two views overlap is
decided exactly, by NumPy's solver.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from torch import Tensor

from cgraph.graphs.computational import (
    Attributes,
    ComputationalGraph,
    Kernel,
    Memory,
    MemoryKind,
)

# Where an exact answer takes more than this many steps, two views are taken to overlap.
OVERLAP_WORK = 10_000


@dataclass(slots=True)
class _Write:
    """A write to a storage: through which view, by which kernel, into which memory."""

    kernel: int
    geometry: _Geometry
    memory: int


@dataclass(slots=True)
class _Storage:
    """What the ledger knows of a storage: the memory that brought it, and its writes."""

    owner: int
    writes: list[_Write] = field(default_factory=list)


@dataclass(slots=True)
class _Entry:
    """A tensor: the memory that it is, and how many writes to its storage that includes."""

    tensor: Tensor  # held, so that neither its identity nor its storage's is used again
    memory: int
    storage: _Storage
    n_seen: int


@dataclass(frozen=True, slots=True)
class _Geometry:
    """Which bytes of its storage a view covers."""

    shape: tuple[int, ...]
    strides: tuple[int, ...]  # in bytes, as the offset
    offset: int
    itemsize: int
    n_bytes: int

    @staticmethod
    def of(tensor: Tensor) -> _Geometry:
        size = tensor.element_size()
        return _Geometry(
            tuple(tensor.shape),
            tuple(step * size for step in tensor.stride()),
            tensor.storage_offset() * size,
            size,
            tensor.numel() * size,
        )

    @property
    def span(self) -> tuple[int, int]:
        """First byte and the one after the last."""
        if self.n_bytes == 0:
            return self.offset, self.offset
        reach = sum((n - 1) * s for n, s in zip(self.shape, self.strides, strict=True))
        return self.offset, self.offset + reach + self.itemsize

    def overlaps(self, other: _Geometry) -> bool:
        """Whether a byte belongs to both."""
        (a, b), (c, d) = self.span, other.span
        if max(a, c) >= min(b, d):
            return False
        if b - a == self.n_bytes and d - c == other.n_bytes:
            return True  # both are without gaps
        try:
            return np.shares_memory(self._array(), other._array(), max_work=OVERLAP_WORK)
        except np.exceptions.TooHardError:
            return True

    def covers(self, other: _Geometry) -> bool:
        """Whether every byte of the other is surely one of it."""
        (a, b), (c, d) = self.span, other.span
        return self == other or (b - a == self.n_bytes and a <= c and d <= b)

    def _array(self) -> np.ndarray:  # type: ignore[type-arg]
        """An array of this geometry whose elements must not be touched: only addresses count."""
        base = np.lib.stride_tricks.as_strided(
            np.empty(1, dtype=f"V{self.itemsize}"), shape=self.shape, strides=self.strides
        )
        # Addresses relative to a common origin: the interface is read, the memory is not.
        interface = dict(base.__array_interface__, data=(_ORIGIN + self.offset, False))
        return np.asarray(_Interface(interface, base))


# Any address does, far enough from both ends of the address space.
_ORIGIN = 1 << 44


class _Interface:
    """An object with an array interface and nothing else."""

    def __init__(self, interface: dict[str, object], keep: object) -> None:
        self.__array_interface__ = interface
        self.keep = keep


class Ledger:
    """Memories, kernels and relations as they come, and the graph they make."""

    def __init__(self, reserved_names: Iterable[str] = ()) -> None:
        self._kernels: list[Kernel] = []
        self._memories: list[Memory] = []
        self._reads: dict[tuple[int, int], None] = {}  # a set in order of insertion
        self._writes: list[tuple[int, int]] = []
        self._entries: dict[int, _Entry] = {}
        self._storages: dict[int, _Storage] = {}
        self._names = Counter(reserved_names)
        self._reserved = set(self._names)

    def knows(self, tensor: Tensor) -> bool:
        """Whether a tensor object is in the books."""
        return id(tensor) in self._entries

    def add_given(self, tensor: Tensor, kind: MemoryKind, name: str, scope: str = "") -> int:
        """Enter a tensor that no kernel wrote; returns its memory.

        One that overlaps a tensor entered before is a view of it and adds no bytes.
        """
        storage = self._storages.get(_storage_key(tensor))
        base = None
        if storage is not None:
            base = self._overlapping(tensor, storage)
        memory = self._add_memory(tensor, kind, self._unique(name, given=True), scope, base)
        if storage is None:
            storage = self._storages[_storage_key(tensor)] = _Storage(memory)
        self._entries[id(tensor)] = _Entry(tensor, memory, storage, len(storage.writes))
        return memory

    def add_kernel(
        self,
        operation: str,
        attributes: Attributes,
        scope: str,
        macs: int,
        reads: Iterable[int],
    ) -> int:
        """Enter an operation and what it reads; returns its index."""
        index = len(self._kernels)
        self._kernels.append(Kernel("", operation, attributes, scope, macs))  # named at the end
        for memory in reads:
            self._reads[memory, index] = None
        return index

    def add_result(self, tensor: Tensor, kernel: int, sources: Sequence[Tensor]) -> None:
        """Enter a tensor that a kernel made, as memory of its own or as a view of a source."""
        key = _storage_key(tensor)
        storage = self._storages.get(key)
        base = None
        if storage is not None:
            base = next(
                (
                    self._entries[id(source)].memory
                    for source in sources
                    if id(source) in self._entries and self._entries[id(source)].storage is storage
                ),
                storage.owner,
            )
        memory = self._write(tensor, kernel, base, "view")
        if storage is None:
            storage = self._storages[key] = _Storage(memory)
        self._entries[id(tensor)] = _Entry(tensor, memory, storage, len(storage.writes))

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

    def adopt(self, tensor: Tensor) -> bool:
        """Enter another object for a tensor of a known storage; False where none is known.

        It is the memory of the same geometry where there is one, else a view of the owner's.
        """
        storage = self._storages.get(_storage_key(tensor))
        if storage is None:
            return False
        geometry = _Geometry.of(tensor)
        for entry in list(self._entries.values()):
            if entry.storage is storage and _Geometry.of(entry.tensor) == geometry:
                same = _Entry(tensor, self.current(entry.tensor), storage, len(storage.writes))
                self._entries[id(tensor)] = same
                return True
        kernel = self.add_kernel("view", Attributes(), "", 0, [storage.owner])
        memory = self._write(tensor, kernel, storage.owner, "view")
        self._entries[id(tensor)] = _Entry(tensor, memory, storage, 0)
        return True

    def graph(self, outputs: Sequence[int], name: str) -> ComputationalGraph:
        """The recorded graph, given the memories that the program returns.

        An update of a buffer that depends on nothing but buffers and that nothing reads (the
        count of batches of a batch norm in train mode) is left out.
        """
        cut = self._bookkeeping(set(outputs))
        position = {
            k: i for i, k in enumerate(k for k in range(len(self._kernels)) if k not in cut)
        }
        writer = {m: k for k, m in self._writes}
        left = [m for m in range(len(self._memories)) if writer.get(m) not in cut]
        renumbered = {m: i for i, m in enumerate(left)}
        kernels = [
            replace(self._kernels[k], name=self._unique(self._kernels[k].operation))
            for k in position
        ]
        memories = []
        for m in left:
            memory = self._memories[m]
            if m in writer:
                made = kernels[position[writer[m]]]
                memory = replace(memory, name=self._unique(f"{made.name}.out"), scope=made.scope)
                if m in outputs:
                    memory = replace(memory, kind="output")
            if memory.base is not None:
                memory = replace(memory, base=renumbered[memory.base])
            memories.append(memory)
        # Reads of a kernel stand together, in the order of its arguments.
        reads = sorted((row for row in self._reads if row[1] in position), key=lambda row: row[1])
        return ComputationalGraph(
            memories,
            kernels,
            [(renumbered[m], position[k]) for m, k in reads],
            [(position[k], renumbered[m]) for k, m in self._writes if k in position],
            [renumbered[m] for m in outputs],
            name=name,
        )

    def _bookkeeping(self, outputs: set[int]) -> set[int]:
        """Kernels that only update buffers from buffers, unread."""
        written: dict[int, list[int]] = {}
        for k, m in self._writes:
            written.setdefault(k, []).append(m)
        read: dict[int, list[int]] = {}
        for m, k in self._reads:
            read.setdefault(k, []).append(m)
        used = {m for m, _ in self._reads} | outputs
        return {
            k
            for k, made in written.items()
            if read.get(k)
            and all(self._memories[m].kind == "buffer" for m in read[k])
            and all(self._memories[m].alias == "version" and m not in used for m in made)
        }

    def _write(self, tensor: Tensor, kernel: int, base: int | None, alias: str) -> int:
        memory = self._add_memory(tensor, "activation", "", "", base, alias)  # named at the end
        self._writes.append((kernel, memory))
        return memory

    def _add_memory(
        self,
        tensor: Tensor,
        kind: MemoryKind,
        name: str,
        scope: str,
        base: int | None,
        alias: str = "view",
    ) -> int:
        self._memories.append(
            Memory(
                name=name,
                kind=kind,
                shape=tuple(tensor.shape),
                dtype=str(tensor.dtype).removeprefix("torch."),
                bytes=_own_bytes(tensor) if base is None else 0,
                scope=scope,
                base=base,
                alias=None if base is None else ("version" if alias == "version" else "view"),
            )
        )
        return len(self._memories) - 1

    def _overlapping(self, tensor: Tensor, storage: _Storage) -> int | None:
        geometry = _Geometry.of(tensor)
        for entry in self._entries.values():
            if entry.storage is storage and _Geometry.of(entry.tensor).overlaps(geometry):
                return entry.memory
        return None

    def _unique(self, name: str, *, given: bool = False) -> str:
        """The name, or the name with the first free number."""
        if given and name in self._reserved:
            self._reserved.discard(name)  # the name was kept for this tensor
            return name
        n = self._names[name]
        self._names[name] += 1
        if n == 0:
            return name
        candidate = f"{name}_{n}"
        return candidate if candidate not in self._names else self._unique(name)


def _storage_key(tensor: Tensor) -> int:
    return int(tensor.untyped_storage()._cdata)


def _own_bytes(tensor: Tensor) -> int:
    # An expanded tensor is smaller than its elements, a slice smaller than its storage.
    return min(tensor.numel() * tensor.element_size(), tensor.untyped_storage().nbytes())
