"""Graph in, graph out: small passes over computational graphs.

Every pass gives a new graph whose kernels are some of the old ones, in their order, and keeps
which inputs reach which outputs (a path that only carries zeros is none). Relations are sets, so
`add(x, x)` reads x once; the attribute "terms" of a flattened sum counts with repetition.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

from cgraph.graphs.computational import Attributes, ComputationalGraph, Kernel, Memory, MemoryKind


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Nothing at all, or a view of everything.
_IDENTITIES = frozenset({"identity", "alias", "detach", "lift", "lift_fresh", "contiguous"})
_DROPOUTS = frozenset(
    ("dropout", "alpha_dropout", "feature_dropout", "feature_alpha_dropout", "native_dropout")
)
# An operation with this scalar operand changes nothing.
_NEUTRAL = {"add": 0, "sub": 0, "mul": 1, "div": 1}
# Views that cannot change anything without changing the shape.
_SHAPE_VIEWS = _words(
    "view reshape flatten unflatten expand expand_as view_as squeeze slice narrow"
)
_ZERO_MAKERS = frozenset({"zeros", "zeros_like", "new_zeros"})
# Zero in, zero out.
_ZERO_KEEPERS = _SHAPE_VIEWS | _words(
    "add sub neg mul relu relu6 leaky_relu elu gelu silu tanh abs sqrt avg_pool1d avg_pool2d "
    "avg_pool3d max_pool1d max_pool2d max_pool3d adaptive_avg_pool1d adaptive_avg_pool2d "
    "adaptive_avg_pool3d mean sum clone unsqueeze transpose permute t select cat stack chunk "
    "split dropout pad"
)
# The same where nothing but a weight stands beside the zero.
_ZERO_KEEPERS_WITHOUT_BIAS = _words("conv1d conv2d conv3d linear matmul mm bmm")
# Zero in, bias out.
_NORMALISATIONS = frozenset({"batch_norm", "instance_norm"})


def live(graph: ComputationalGraph) -> ComputationalGraph:
    """What a program does to its inputs: kernels that depend on one and that an output needs.

    Identities are contracted, zeros and constants cut away, and sums written as one `add` of all
    their terms: `remove_identities`, `remove_dead` and `flatten_sums`, in this order.

    Parameters
    ----------
    graph : ComputationalGraph
        Any program.

    Returns
    -------
    ComputationalGraph
        Without kernels where no output depends on an input.

    Examples
    --------
    >>> graph = ComputationalGraph(
    ...     [Memory("x", "input", (8,), "float32", 32), Memory("z", "activation", (8,), "float32",
    ...      32), Memory("y", "output", (8,), "float32", 32)],
    ...     [Kernel("mul", "mul", Attributes(other=0.0)), Kernel("add", "add")],
    ...     reads=[(0, 0), (0, 1), (1, 1)], writes=[(0, 1), (1, 2)], outputs=[2])
    >>> live(graph)
    ComputationalGraph(0 kernels, 1 memories, 0 parameters, 0 MACs)
    """
    return flatten_sums(remove_dead(remove_identities(graph)))


def remove_identities(graph: ComputationalGraph, *, views: bool = False) -> ComputationalGraph:
    """The graph without kernels that give back what they read.

    These are dropout in eval mode, `identity`, `alias`, `detach`, a conversion (`to`) that shares
    the memory of what it converts, and a scalar operand that changes nothing (x + 0, x * 1; but
    not where shape or dtype change). Whoever read their result reads what they read.

    Parameters
    ----------
    graph : ComputationalGraph
        Any program.
    views : bool, default=False
        Whether views (`view`, `expand`, `slice`, ...) that keep the shape go as well.
    """
    table = Relations(graph)
    substitute: dict[int, int] = {}
    for k, kernel in enumerate(graph.kernels):
        reads, writes = table.reads[k], table.writes[k]
        if len(reads) == 1 and len(writes) >= 1 and _is_identity(kernel, table, k, views):
            substitute[writes[0]] = substitute.get(reads[0], reads[0])
    cut = {int(k) for k, m in graph.writes.tolist() if m in substitute}
    kept = [k for k in range(len(graph.kernels)) if k not in cut]
    return rebuild(graph, kept, substitute)


def remove_dead(graph: ComputationalGraph) -> ComputationalGraph:
    """The graph without zeros, constants, and kernels that no output depends on.

    A product with zero (also with `zeros`) is a constant zero, and so is what keeps a zero zero
    (`relu`, pooling, a convolution without bias, ...; a batch norm too, whose bias is taken to be
    the zero it is at initialisation). A kernel that depends on no input, or through zeros only,
    is cut; what it wrote becomes a memory of kind "constant" where somebody still reads it. An
    `add` whose other terms are all zero is contracted. Values are taken to be finite. A write in
    place that no output depends on is cut too.

    Parameters
    ----------
    graph : ComputationalGraph
        Any program.
    """
    table = Relations(graph)
    zero: set[int] = set()
    varying = {i for i, m in enumerate(graph.memories) if m.kind == "input"}
    substitute: dict[int, int] = {}
    constant: set[int] = set()
    for k, kernel in enumerate(graph.kernels):
        reads = [substitute.get(m, m) for m in table.reads[k]]
        if _is_zero(kernel, reads, zero):
            # The running statistics that a normalisation updates are not zero.
            is_normalisation = kernel.operation in _NORMALISATIONS
            zero.update(
                m
                for m in table.writes[k]
                if not (is_normalisation and graph.memories[m].alias == "version")
            )
            constant.add(k)
        elif not varying.intersection(reads):
            constant.add(k)
        else:
            rest = [m for m in reads if m not in zero]
            target = table.writes[k][0]
            if len(rest) < len(reads) and _is_sum_of(kernel, graph, reads, rest, target):
                substitute[target] = rest[0]
                constant.add(k)
            else:
                varying.update(table.writes[k])
    needed = {substitute.get(m, m) for m in graph.outputs}
    kept: list[int] = []
    for k in range(len(graph.kernels) - 1, -1, -1):
        if k not in constant and needed.intersection(table.writes[k]):
            kept.append(k)
            needed.update(substitute.get(m, m) for m in table.reads[k])
    return rebuild(graph, kept[::-1], substitute)


def flatten_sums(graph: ComputationalGraph) -> ComputationalGraph:
    """The graph with each chain of binary `add`s as one `add` of all terms.

    An inner sum is merged into the outer one where nobody else reads it, it is not returned, and
    neither shape nor dtype change. The outer kernel stays, with the attribute "terms" (how many,
    repetitions included) where there are more than two. Adding the number 0, as Python's `sum`
    does first, is contracted.

    Parameters
    ----------
    graph : ComputationalGraph
        Any program.
    """
    graph = _without_zero_operands(graph)
    table, returned = Relations(graph), set(graph.outputs)
    merged: set[int] = set()
    reads = [list(row) for row in table.reads]
    kernels = list(graph.kernels)
    for k, kernel in enumerate(graph.kernels):
        if not _is_plain_sum(kernel):
            continue
        target = table.writes[k][0]
        terms, n_terms = [], max(_n_terms(kernel), len(reads[k]))
        for m in reads[k]:
            inner = table.writer.get(m)
            if (
                inner is not None
                and _is_plain_sum(kernels[inner])
                and table.readers.get(m) == [k]
                and m not in returned
                and not (len(reads[k]) == 1 and n_terms > 1)  # add(s, s) would double the terms
                and _same_tensor(graph.memories[m], graph.memories[target])
            ):
                merged.add(inner)
                terms += reads[inner]
                n_terms += _n_terms(kernels[inner]) - 1
            else:
                terms.append(m)
        reads[k] = list(dict.fromkeys(terms))
        if n_terms > 2:
            attributes = Attributes({**kernel.attributes, "terms": n_terms})
            kernels[k] = replace(kernel, attributes=attributes)
    if not merged:
        return graph
    kept = [k for k in range(len(kernels)) if k not in merged]
    position = {k: i for i, k in enumerate(kept)}
    return assemble(
        graph,
        [kernels[k] for k in kept],
        [(m, position[k]) for k in kept for m in reads[k]],
        [(position[k], m) for k, m in graph.writes.tolist() if k in position],
    )


def rebuild(
    graph: ComputationalGraph, kernels: Collection[int], substitute: Mapping[int, int]
) -> ComputationalGraph:
    """The graph of some of the kernels, with memories read in the place of others.

    Parameters
    ----------
    graph : ComputationalGraph
        Any program.
    kernels : collection of int
        Indices of the kernels to keep.
    substitute : mapping of int to int
        The memory to read (and return) in the place of another. Not chained.

    Returns
    -------
    ComputationalGraph
        Inputs stay; of the other memories those that a kernel reads or writes, that are returned,
        or that share storage with such a one and were given. A memory whose base is gone takes
        over its bytes; one that was written by a kernel that is gone is a constant.
    """
    kept = sorted(kernels)
    position = {k: i for i, k in enumerate(kept)}
    rows = graph.reads.tolist()
    return assemble(
        graph,
        [graph.kernels[k] for k in kept],
        [(substitute.get(m, m), position[k]) for m, k in rows if k in position],
        [(position[k], m) for k, m in graph.writes.tolist() if k in position],
        substitute,
    )


def assemble(
    graph: ComputationalGraph,
    kernels: Sequence[Kernel],
    reads: Sequence[tuple[int, int]],
    writes: Sequence[tuple[int, int]],
    substitute: Mapping[int, int] = MappingProxyType({}),
    memories: Sequence[Memory] | None = None,
    *,
    keep_given: bool = False,
) -> ComputationalGraph:
    """A graph of other kernels over the memories of a graph; what a pass ends with.

    Parameters
    ----------
    graph : ComputationalGraph
        Where the memories, the outputs and the name come from.
    kernels : sequence of Kernel
        The new kernels.
    reads, writes : sequence of (int, int)
        Their relations; memories are numbered as in `graph`.
    substitute : mapping of int to int, default={}
        The memory to return in the place of another.
    memories : sequence of Memory, optional
        The memories of `graph`, changed, and perhaps further ones behind them.
    keep_given : bool, default=False
        Whether parameters, buffers and constants stay that nothing read in `graph` either.

    Returns
    -------
    ComputationalGraph
        Memories that are not used are left out, as in `rebuild`.
    """
    memories = graph.memories if memories is None else memories
    outputs = [substitute.get(m, m) for m in graph.outputs]
    written, returned = {m for _, m in writes}, set(outputs)
    had_writer = set(graph.writes[:, 1].tolist())
    used = {m for m, _ in reads} | written | returned | set(graph.inputs)
    if keep_given:
        had_use = had_writer | set(graph.reads[:, 0].tolist())
        used.update(m for m in range(len(graph.memories)) if m not in had_use)
    for m in sorted(used):
        base = memories[m].base
        while base is not None:
            base = substitute.get(base, base)
            if base not in had_writer:
                used.add(base)
            base = memories[base].base
    order = sorted(used)
    renumbered = {m: i for i, m in enumerate(order)}
    owner: dict[int, int] = {}  # of each storage whose root is gone
    left = []
    for m in order:
        memory = memories[m]
        if memory.base is not None:
            memory = _rebased(memories, m, renumbered, substitute, owner)
        kind = memory.kind
        if m in written:
            kind = "output" if m in returned else "activation"
        elif m in had_writer:
            kind = "constant"
        left.append(memory if kind == memory.kind else _changed(memory, kind, memory.base))
    return ComputationalGraph(
        left,
        kernels,
        list(dict.fromkeys((renumbered[m], k) for m, k in reads)),
        [(k, renumbered[m]) for k, m in writes],
        [renumbered[m] for m in outputs],
        name=graph.name,
    )


def _rebased(
    memories: Sequence[Memory],
    m: int,
    renumbered: Mapping[int, int],
    substitute: Mapping[int, int],
    owner: dict[int, int],
) -> Memory:
    """A memory with its base among the memories that are left."""
    memory = memories[m]
    base, root = memory.base, m
    while base is not None:
        root = substitute.get(base, base)
        if root in renumbered and root < m:
            return _changed(memory, memory.kind, renumbered[root])
        base = memories[root].base
    if root == m:
        return memory
    if root in owner:
        return _changed(memory, memory.kind, owner[root])
    owner[root] = renumbered[m]
    return replace(memory, base=None, alias=None, bytes=memories[root].bytes)


def _changed(memory: Memory, kind: MemoryKind, base: int | None) -> Memory:
    """A memory of another kind, or with its base at another place."""
    # By position: there are hundreds in a network, and `replace` takes twice as long.
    return Memory(
        memory.name,
        kind,
        memory.shape,
        memory.dtype,
        memory.bytes,
        memory.scope,
        base,
        memory.alias,
    )


class Relations:
    """The relations of a graph, by kernel and by memory.

    Parameters
    ----------
    graph : ComputationalGraph
        Any program.
    """

    def __init__(self, graph: ComputationalGraph) -> None:
        self.memories = graph.memories
        self.returned = set(graph.outputs)
        self.reads: list[list[int]] = [[] for _ in graph.kernels]
        self.writes: list[list[int]] = [[] for _ in graph.kernels]
        self.readers: dict[int, list[int]] = {}
        self.writer: dict[int, int] = {}
        for m, k in graph.reads.tolist():
            self.reads[k].append(m)
            self.readers.setdefault(m, []).append(k)
        for k, m in graph.writes.tolist():
            self.writes[k].append(m)
            self.writer[m] = k

    def only_writer_before(self, k: int) -> int | None:
        """The kernel whose one result kernel k alone reads, first; None where it is not so."""
        if not self.reads[k]:
            return None
        source = self.reads[k][0]
        first = self.writer.get(source)
        if first is None or len(self.writes[first]) != 1:
            return None
        return first if self.readers[source] == [k] and source not in self.returned else None


def _same_tensor(a: Memory, b: Memory) -> bool:
    return a.shape == b.shape and a.dtype == b.dtype


def _is_identity(kernel: Kernel, table: Relations, k: int, views: bool) -> bool:
    source = table.memories[table.reads[k][0]]
    target = table.memories[table.writes[k][0]]
    if not _same_tensor(source, target):
        return False
    operation, attributes = kernel.operation, kernel.attributes
    if operation in _IDENTITIES:
        return True
    if operation in _DROPOUTS:
        return not attributes.get("train", True) or attributes.get("p") == 0
    if operation == "to":
        return target.alias == "view"
    if operation in _NEUTRAL:
        return _scalar(kernel) == _NEUTRAL[operation]
    return views and operation in _SHAPE_VIEWS


def _scalar(kernel: Kernel) -> float | None:
    """The number that the second operand is; None where it is a tensor."""
    value = kernel.attributes.get("other")
    return None if isinstance(value, bool) or not isinstance(value, int | float) else value


def _is_zero(kernel: Kernel, reads: list[int], zero: set[int]) -> bool:
    if kernel.operation in _ZERO_MAKERS:
        return True
    if kernel.operation == "full" and kernel.attributes.get("fill_value") == 0:
        return True
    if kernel.operation == "mul":
        return _scalar(kernel) == 0 or any(m in zero for m in reads)
    if not reads or not any(m in zero for m in reads):
        return False
    if kernel.operation in _ZERO_KEEPERS_WITHOUT_BIAS:
        return reads[0] in zero and len(reads) == 2
    if kernel.operation in _ZERO_KEEPERS:
        return all(m in zero for m in reads) and not _scalar(kernel)
    # What a normalisation makes of zeros is its bias, which is zero at initialisation.
    return kernel.operation in _NORMALISATIONS and reads[0] in zero


def _is_plain_sum(kernel: Kernel) -> bool:
    return kernel.operation == "add" and not {"other", "alpha"} & set(kernel.attributes)


def _n_terms(kernel: Kernel) -> int:
    value = kernel.attributes.get("terms", 2)
    return value if isinstance(value, int) else 2


def _is_sum_of(
    kernel: Kernel, graph: ComputationalGraph, reads: list[int], rest: list[int], target: int
) -> bool:
    """Whether a kernel adds up its reads, and they are zero but for one of the same shape."""
    return (
        _is_plain_sum(kernel)
        and len(rest) == 1
        and len(reads) == _n_terms(kernel)
        and _same_tensor(graph.memories[rest[0]], graph.memories[target])
    )


def _without_zero_operands(graph: ComputationalGraph) -> ComputationalGraph:
    adders = [
        k
        for k, kernel in enumerate(graph.kernels)
        if kernel.operation == "add" and _scalar(kernel) == 0
    ]
    if not adders:
        return graph
    table = Relations(graph)
    substitute: dict[int, int] = {}
    cut = set()
    for k in adders:
        if len(table.reads[k]) == 1:
            source, target = table.reads[k][0], table.writes[k][0]
            if _same_tensor(graph.memories[source], graph.memories[target]):
                substitute[target] = substitute.get(source, source)
                cut.add(k)
    if not cut:
        return graph
    return rebuild(graph, [k for k in range(len(graph.kernels)) if k not in cut], substitute)
