"""A computational graph in, the lives of its storages out: who makes, uses and ends them.

A storage is what memories share: a memory with its views and its versions after writes in place.
It comes into being with the first kernel that writes it, or is there from the start, and it ends
with the last kernel that touches it; what the program returns does not end. Parameters, buffers
and constants are stored with the program and count as nothing here.

A kernel may move in the order as long as every kernel still sees the same values: it runs after
the kernels that write what it reads, and a write in place keeps its place among all uses of its
storage.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from cgraph.graphs.computational import ComputationalGraph
from cgraph.hardware.sizes import storage_bytes

# Kinds of memory that are stored with the program, not held while it runs.
STORED_KINDS = frozenset({"parameter", "buffer", "constant"})


@dataclass(frozen=True, slots=True)
class Lifetimes:
    """The storages of a program, and what its kernels do to them.

    Parameters
    ----------
    memories : tuple of int
        The memory that has each storage; the others are its views and versions.
    bytes : tuple of int
        Bytes of each storage; 0 for one that does not count.
    is_io : tuple of bool
        Whether each storage is an input or an output of the network.
    makers : tuple of int
        The kernel that brings each storage into being; -1 where it is there from the start.
    users : tuple of tuple of int
        The kernels that touch each storage, its maker among them, ascending.
    is_kept : tuple of bool
        Whether each storage is still there at the end: the program returns it.
    touched : tuple of tuple of int
        The storages that each kernel touches, ascending.
    predecessors : tuple of tuple of int
        The kernels that have to run before each kernel, ascending; all are smaller than it.
    """

    memories: tuple[int, ...]
    bytes: tuple[int, ...]
    is_io: tuple[bool, ...]
    makers: tuple[int, ...]
    users: tuple[tuple[int, ...], ...]
    is_kept: tuple[bool, ...]
    touched: tuple[tuple[int, ...], ...]
    predecessors: tuple[tuple[int, ...], ...]

    @property
    def n_kernels(self) -> int:
        """Number of kernels."""
        return len(self.predecessors)

    @property
    def start_bytes(self) -> int:
        """Bytes that are there before the first kernel."""
        return sum(b for b, maker in zip(self.bytes, self.makers, strict=True) if maker < 0)


def lifetimes(graph: ComputationalGraph, *, dtype: str | None = None) -> Lifetimes:
    """Storages of a graph with their makers, users and ends, and what has to precede what.

    Parameters
    ----------
    graph : ComputationalGraph
        Any graph.
    dtype : str, optional
        Type that floating-point tensors are stored in ("int8", "float16", ...); as captured by
        default.

    Returns
    -------
    Lifetimes
        The network's inputs and outputs count: an input is there from the start until its last
        use, an output from its maker to the end.

    Raises
    ------
    ArgumentError
        If `dtype` is not known.

    Examples
    --------
    >>> from cgraph.graphs.computational import Kernel, Memory
    >>> graph = ComputationalGraph(
    ...     [Memory("x", "input", (8,), "float32", 32), Memory("y", "output", (8,), "float32", 32)],
    ...     [Kernel("relu", "relu")], reads=[(0, 0)], writes=[(0, 1)], outputs=[1],
    ... )
    >>> lifetimes(graph).bytes, lifetimes(graph, dtype="int8").bytes
    ((32, 32), (8, 8))
    >>> without_io(lifetimes(graph)).bytes
    (0, 0)
    """
    roots = _roots(graph)
    storages = sorted(set(roots))
    number = {root: s for s, root in enumerate(storages)}
    of_memory = [number[root] for root in roots]
    returned = {of_memory[m] for m in graph.outputs}
    touched, mutated = _accesses(graph, of_memory)
    users: list[list[int]] = [[] for _ in storages]
    for k, its in enumerate(touched):
        for s in its:
            users[s].append(k)
    written = {of_memory[m] for _, m in graph.writes.tolist() if graph.memories[m].base is None}
    makers = [its[0] if s in written else -1 for s, its in enumerate(users)]
    counted = [0] * len(storages)
    for memory, s in zip(graph.memories, of_memory, strict=True):
        if graph.memories[storages[s]].kind not in STORED_KINDS:
            counted[s] += storage_bytes(memory, dtype)
    return Lifetimes(
        memories=tuple(storages),
        bytes=tuple(counted),
        is_io=tuple(
            graph.memories[root].kind == "input" or s in returned for s, root in enumerate(storages)
        ),
        makers=tuple(makers),
        users=tuple(map(tuple, users)),
        is_kept=tuple(s in returned for s in range(len(storages))),
        touched=tuple(map(tuple, touched)),
        predecessors=_predecessors(graph, users, makers, mutated),
    )


def without_io(lives: Lifetimes) -> Lifetimes:
    """The same lives, with the network's inputs and outputs counting as nothing.

    Parameters
    ----------
    lives : Lifetimes
        Lives that count them.

    Returns
    -------
    Lifetimes
    """
    sizes = zip(lives.bytes, lives.is_io, strict=True)
    return replace(lives, bytes=tuple(0 if is_io else size for size, is_io in sizes))


def _roots(graph: ComputationalGraph) -> list[int]:
    """The memory whose storage each memory lives in; bases come before what is based on them."""
    roots: list[int] = []
    for m, memory in enumerate(graph.memories):
        roots.append(m if memory.base is None else roots[memory.base])
    return roots


def _accesses(
    graph: ComputationalGraph, of_memory: list[int]
) -> tuple[list[list[int]], list[set[int]]]:
    """Storages that each kernel touches, and those that it changes in place."""
    touched: list[set[int]] = [set() for _ in graph.kernels]
    mutated: list[set[int]] = [set() for _ in graph.kernels]
    for m, k in graph.reads.tolist():
        touched[k].add(of_memory[m])
    for k, m in graph.writes.tolist():
        touched[k].add(of_memory[m])
        if graph.memories[m].alias == "version":
            mutated[k].add(of_memory[m])
    return [sorted(its) for its in touched], mutated


def _predecessors(
    graph: ComputationalGraph,
    users: list[list[int]],
    makers: list[int],
    mutated: list[set[int]],
) -> tuple[tuple[int, ...], ...]:
    before: list[set[int]] = [set() for _ in graph.kernels]
    writers = graph.writers().tolist()
    for m, k in graph.reads.tolist():
        if writers[m] >= 0:
            before[k].add(writers[m])
    for s, its in enumerate(users):
        barrier = makers[s]  # the last kernel that set the values of the storage
        since: list[int] = []
        for k in its:
            if barrier not in (-1, k):
                before[k].add(barrier)
            if s in mutated[k]:
                before[k].update(since)
                barrier, since = k, []
            else:
                since.append(k)
    for k, its_before in enumerate(before):
        its_before.discard(k)
    return tuple(tuple(sorted(its_before)) for its_before in before)
