"""The computational graph of a program: memories, kernels, and who reads and writes what.

A directed bipartite graph. Memory nodes are tensors with their exact sizes; kernel nodes are
the operations of the program in the order they ran. A kernel reads memories and writes memories;
every memory is written at most once, so the graph has no cycle: an operation that works in place
writes a new *version* of its memory, and a view is a memory of its own that aliases its base and
costs no bytes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TypeAlias, TypeVar, get_args

import networkx as nx
import numpy as np
from numpy.typing import ArrayLike, NDArray

from cgraph import checks
from cgraph.errors import GraphError

if TYPE_CHECKING:
    from cgraph.graphs.audit import Audit

MemoryKind = Literal["input", "parameter", "buffer", "constant", "activation", "output"]
MEMORY_KINDS: tuple[MemoryKind, ...] = get_args(MemoryKind)

AliasKind = Literal["view", "version"]
ALIAS_KINDS: tuple[AliasKind, ...] = get_args(AliasKind)

# The dtype of a memory whose size its source does not tell; its shape is (), its bytes are 0.
UNKNOWN = "unknown"

Attribute: TypeAlias = "bool | int | float | str | tuple[int, ...]"


class Attributes(Mapping[str, Attribute]):
    """A read-only mapping of plain values that hashes, compares and pickles.

    Examples
    --------
    >>> Attributes(kernel_size=(3, 3), groups=1)["kernel_size"]
    (3, 3)
    """

    __slots__ = ("_items",)

    def __init__(
        self,
        items: Mapping[str, Attribute] | Iterable[tuple[str, Attribute]] = (),
        **named: Attribute,
    ):
        self._items: dict[str, Attribute] = dict(items, **named)

    def __getitem__(self, name: str) -> Attribute:
        return self._items[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._items)

    def __len__(self) -> int:
        return len(self._items)

    def __hash__(self) -> int:
        return hash(frozenset(self._items.items()))

    def __repr__(self) -> str:
        return f"Attributes({', '.join(f'{k}={v!r}' for k, v in self._items.items())})"


@dataclass(frozen=True, slots=True)
class Memory:
    """A tensor that a program holds.

    Parameters
    ----------
    name : str
        Unique in its graph. Parameters and buffers carry their name in the module.
    kind : {"input", "parameter", "buffer", "constant", "activation", "output"}
        Its role, from the module and the signature of the program. "output" is an activation
        that the program returns.
    shape : tuple of int
        Sizes.
    dtype : str
        Element type without its package: "float32", "int64". "unknown" where the file that a
        program comes from does not tell type or sizes: shape is () and bytes 0 then.
    bytes : int
        Bytes of storage it adds to the program; 0 for an alias of another memory.
    scope : str, default=""
        Dotted name of the module that made it; "" for the model itself.
    base : int, default=None
        Index of the memory whose storage it shares; None where it has its own.
    alias : {"view", "version"}, default=None
        How it shares the storage of `base`: another view of the same values, or the values
        after an operation wrote in place.
    """

    name: str
    kind: MemoryKind
    shape: tuple[int, ...]
    dtype: str
    bytes: int
    scope: str = ""
    base: int | None = None
    alias: AliasKind | None = None


@dataclass(frozen=True, slots=True)
class Kernel:
    """An operation that a program runs.

    Parameters
    ----------
    name : str
        Unique in its graph.
    operation : str
        PyTorch's name of the operation without overload and in-place mark: "conv2d", "relu".
    attributes : Attributes, default=Attributes()
        What distinguishes it from other calls of the operation: "kernel_size", "stride",
        "groups", ... Plain values only. "macs" is "unknown" where they cannot be known. "asked"
        says that the program looked at values of the result; "operands", where a kernel takes a
        memory more than once among others, which of its reads each operand is.
    scope : str, default=""
        Dotted name of the module that called it; "" for the model itself.
    macs : int, default=0
        Multiply-accumulate operations; 0 for an operation that multiplies nothing up.
    """

    name: str
    operation: str
    attributes: Attributes = field(default_factory=Attributes)
    scope: str = ""
    macs: int = 0


Node = TypeVar("Node", Memory, Kernel)


@dataclass(frozen=True, slots=True, eq=False, init=False)
class ComputationalGraph:
    """The memories and kernels of a program, and the relations between them.

    Parameters
    ----------
    memories : sequence of Memory
        V_M, in order of appearance.
    kernels : sequence of Kernel
        V_K, in the order they ran: a kernel reads only what earlier kernels wrote.
    reads : array-like of shape (n_reads, 2)
        E_R in V_M x V_K: row (m, k) says that kernel k reads memory m. No row twice.
    writes : array-like of shape (n_writes, 2)
        E_W in V_K x V_M: row (k, m) says that kernel k writes memory m. A memory is written by
        one kernel at most.
    outputs : sequence of int, default=()
        The memories that the program returns, in order; one that is returned twice is twice.
    name : str, default=""
        What the program is called.

    Raises
    ------
    GraphError
        If an index is out of range, a row stands twice, a memory has two writers, a kernel reads
        what a later kernel writes, or two nodes share a name.

    Examples
    --------
    >>> graph = ComputationalGraph(
    ...     memories=[
    ...         Memory("x", "input", (1, 8), "float32", 32),
    ...         Memory("y", "output", (1, 8), "float32", 32),
    ...     ],
    ...     kernels=[Kernel("relu", "relu")],
    ...     reads=[(0, 0)],
    ...     writes=[(0, 1)],
    ...     outputs=[1],
    ... )
    >>> graph
    ComputationalGraph(1 kernel, 2 memories, 0 parameters, 0 MACs)
    """

    memories: tuple[Memory, ...]
    kernels: tuple[Kernel, ...]
    reads: NDArray[np.int64]
    writes: NDArray[np.int64]
    outputs: tuple[int, ...] = ()
    name: str = ""

    def __init__(
        self,
        memories: Iterable[Memory],
        kernels: Iterable[Kernel],
        reads: ArrayLike,
        writes: ArrayLike,
        outputs: Iterable[int] = (),
        name: str = "",
    ) -> None:
        put = object.__setattr__
        must = "be {} records of cgraph.graphs.computational"
        put(self, "memories", _records("memories", memories, Memory, must.format("Memory")))
        put(self, "kernels", _records("kernels", kernels, Kernel, must.format("Kernel")))
        put(self, "reads", edge_array("reads", reads))
        put(self, "writes", edge_array("writes", writes))
        returned = checks.integers("outputs", outputs, (None,), error=GraphError)
        put(self, "outputs", tuple(returned.tolist()))
        put(self, "name", checks.text("name", name, error=GraphError))
        self._check()

    def _check(self) -> None:
        n_memories, n_kernels = len(self.memories), len(self.kernels)
        _check_relation("reads", self.reads, (n_memories, n_kernels))
        _check_relation("writes", self.writes, (n_kernels, n_memories))
        writer = self.writers()
        if len(np.unique(self.writes[:, 1])) != len(self.writes):
            twice = np.flatnonzero(np.bincount(self.writes[:, 1]) > 1)[0]
            raise GraphError(
                "writes",
                "name one writer for each memory",
                f"two for {self.memories[twice].name!r}",
                "an operation in place has to write a new version",
            )
        late = np.flatnonzero(writer[self.reads[:, 0]] >= self.reads[:, 1])
        if len(late):
            m, k = self.reads[late[0]]
            raise GraphError(
                "kernels",
                "stand in the order they ran",
                f"{self.kernels[k].name!r} reading {self.memories[m].name!r} before it is written",
            )
        for k, kernel in enumerate(self.kernels):
            _check_kernel(kernel, f"kernels[{k}]")
        names = Counter([m.name for m in self.memories] + [k.name for k in self.kernels])
        if len(names) != n_memories + n_kernels:
            raise GraphError(
                "names", "be unique in a graph", f"{names.most_common(1)[0][0]!r} twice"
            )
        for m in self.outputs:
            if not 0 <= m < n_memories:
                raise GraphError("outputs", f"be memories, 0 <= m < {n_memories}", m)
        for i, memory in enumerate(self.memories):
            _check_memory(memory, f"memories[{i}]")
            if memory.base is not None and not 0 <= memory.base < i:
                raise GraphError(
                    "base", f"be an earlier memory than {memory.name!r} (number {i})", memory.base
                )

    def writers(self) -> NDArray[np.int64]:
        """Index of the kernel that writes each memory, shape (n_memories,); -1 for none."""
        writer = np.full(len(self.memories), -1, dtype=np.int64)
        writer[self.writes[:, 1]] = self.writes[:, 0]
        return writer

    @property
    def inputs(self) -> tuple[int, ...]:
        """Indices of the memories of kind "input", in order."""
        return tuple(i for i, m in enumerate(self.memories) if m.kind == "input")

    @property
    def parameter_bytes(self) -> int:
        """Bytes of all parameters, at the dtype they were captured with."""
        return sum(m.bytes for m in self.memories if m.kind == "parameter")

    @property
    def n_parameters(self) -> int:
        """Number of scalar parameters; a shared parameter counts once."""
        return sum(
            int(np.prod(m.shape, dtype=np.int64))
            for m in self.memories
            if m.kind == "parameter" and m.base is None
        )

    @property
    def macs(self) -> int:
        """Multiply-accumulate operations of all kernels.

        Raises
        ------
        GraphError
            If those of a kernel are not known.
        """
        for kernel in self.kernels:
            if kernel.attributes.get("macs") == UNKNOWN:
                raise GraphError(
                    "macs",
                    "be known for every kernel",
                    f"none for {kernel.name!r}",
                    "its file does not tell the sizes: trace it with example inputs",
                )
        return sum(k.macs for k in self.kernels)

    @property
    def is_sized(self) -> bool:
        """Whether the sizes of all memories and the MACs of all kernels are known."""
        return all(m.dtype != UNKNOWN for m in self.memories) and all(
            k.attributes.get("macs") != UNKNOWN for k in self.kernels
        )

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, ComputationalGraph):
            return NotImplemented
        return (
            self.memories == other.memories
            and self.kernels == other.kernels
            and self.outputs == other.outputs
            and self.name == other.name
            and np.array_equal(self.reads, other.reads)
            and np.array_equal(self.writes, other.writes)
        )

    def __hash__(self) -> int:
        return hash((self.memories, self.kernels, self.outputs, self.name))

    def __repr__(self) -> str:
        name = f"{self.name!r}, " if self.name else ""
        n = len(self.kernels)
        macs = f"{self.macs:,} MACs" if self.is_sized else "sizes not all known"
        return (
            f"ComputationalGraph({name}{n:,} kernel{'s' if n != 1 else ''}, "
            f"{len(self.memories):,} memories, {self.n_parameters:,} parameters, "
            f"{macs})"
        )

    def summary(self) -> str:
        """Tables to read: kernels by operation, memories by kind, the largest memories.

        Returns
        -------
        str
            Lines of text of at most 80 columns for ordinary names. Parameters that kernels of
            several operations share stand with the first that reads them.
        """
        from cgraph.graphs.summary import summarise

        return summarise(self)

    def audit(self, *, least_share: float = 0.001) -> Audit:
        """What the program computes or stores for nothing, and what sets its peak memory.

        Parameters
        ----------
        least_share : float, default=0.001
            What has a smaller share than this of the parameters, of the bytes that the program
            writes and of its MACs is passed over; 0 shows all.

        Returns
        -------
        Audit
            Parameters that reach no output, results that are dropped, work that is done twice,
            casts there and back; and the activations that are held at the peak. Each finding has
            kind, scope, bytes, MACs and a sentence. It is of the captured run: with other inputs
            or in train mode a program may read what it does not read here.

        Raises
        ------
        ArgumentError
            If `least_share` is not between 0 and 1.
        GraphError
            If sizes are not known.
        """
        from cgraph.graphs.audit import audit

        return audit(self, least_share=least_share)

    def _repr_html_(self) -> str:
        """What a notebook shows: the tables of `summary`."""
        from cgraph.graphs.html import computational_graph_html

        return computational_graph_html(self)

    def to_networkx(self) -> nx.DiGraph:
        """The bipartite graph in networkx, every attribute a plain value.

        Returns
        -------
        networkx.DiGraph
            Nodes "m0", "m1", ... (``bipartite=0``) and "k0", "k1", ... (``bipartite=1``); their
            fields are attributes (a shape as "1,3,32,32"); the graph has "name" and "outputs".
        """
        from cgraph.graphs.exchange import to_networkx

        return to_networkx(self)

    @staticmethod
    def from_networkx(graph: nx.DiGraph) -> ComputationalGraph:
        """The graph that `to_networkx` made a networkx graph of.

        Raises
        ------
        GraphError
            If a node has no ``bipartite`` attribute, or lacks a field.
        """
        from cgraph.graphs.exchange import from_networkx

        checks.instance("graph", graph, nx.DiGraph, "be a networkx.DiGraph", error=GraphError)
        return from_networkx(graph)


def check_sized(memory: Memory) -> None:
    """Raise where the size of a memory is not known.

    Raises
    ------
    GraphError
        If it is not.
    """
    if memory.dtype == UNKNOWN:
        raise GraphError(
            "memories",
            "have sizes that are known",
            f"{memory.name!r} without",
            "its file does not tell them: trace it with example inputs",
        )


def check_graph(graph: object) -> ComputationalGraph:
    """The argument `graph` of whatever works on programs.

    Raises
    ------
    ArgumentError
        If it is something else than a `ComputationalGraph`.
    """
    hint = "a model has to go through trace() first"
    return checks.instance("graph", graph, ComputationalGraph, "be a ComputationalGraph", hint)


def edge_array(name: str, edges: ArrayLike) -> NDArray[np.int64]:
    """A read-only copy of rows of two indices, shape (n_edges, 2); an empty list is no edges.

    Raises
    ------
    GraphError
        If the shape is not (n_edges, 2) or the entries are not integers.
    """
    array = checks.integers(name, edges, (None, 2), error=GraphError)
    array.setflags(write=False)
    return array


def _records(name: str, given: Iterable[Node], kind: type[Node], must: str) -> tuple[Node, ...]:
    return checks.instances(name, given, kind, must, error=GraphError)


def _check_memory(memory: Memory, place: str) -> None:
    if memory.kind not in MEMORY_KINDS:
        raise GraphError(f"{place}.kind", f"be one of {', '.join(MEMORY_KINDS)}", memory.kind)
    if memory.alias not in (None, *ALIAS_KINDS):
        raise GraphError(f"{place}.alias", f"be one of {', '.join(ALIAS_KINDS)}", memory.alias)
    if type(memory.bytes) is not int or memory.bytes < 0:
        checks.whole(f"{place}.bytes", memory.bytes, 0, error=GraphError)
    if type(memory.shape) is not tuple or not all(type(n) is int and n >= 0 for n in memory.shape):
        checks.integers(f"{place}.shape", memory.shape, (None,), 0, error=GraphError)
    for field_name in ("name", "dtype", "scope"):
        value = getattr(memory, field_name)
        if type(value) is not str:
            checks.text(f"{place}.{field_name}", value, error=GraphError)


def _check_kernel(kernel: Kernel, place: str) -> None:
    for field_name in ("name", "operation", "scope"):
        value = getattr(kernel, field_name)
        if type(value) is not str:
            checks.text(f"{place}.{field_name}", value, error=GraphError)
    if type(kernel.macs) is not int or kernel.macs < 0:
        checks.whole(f"{place}.macs", kernel.macs, 0, error=GraphError)
    if not isinstance(kernel.attributes, Attributes):
        raise GraphError(f"{place}.attributes", "be Attributes", checks.came(kernel.attributes))


def _check_relation(name: str, rows: NDArray[np.int64], bounds: tuple[int, int]) -> None:
    if len(rows) and (rows.min() < 0 or (rows.max(axis=0) >= bounds).any()):
        bad = rows[((rows < 0) | (rows >= bounds)).any(axis=1)][0]
        raise GraphError(name, f"hold indices below {bounds}", tuple(bad.tolist()))
    if len(np.unique(rows[:, 0] * bounds[1] + rows[:, 1])) != len(rows):
        raise GraphError(name, "name each pair once", f"{len(rows)} rows with repetitions")
