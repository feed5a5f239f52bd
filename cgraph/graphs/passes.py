"""Graph in, graph out: small passes over computational graphs.

Every pass gives a new graph whose kernels are some of the old ones, in their order, and keeps
which inputs reach which outputs (a path that only carries zeros is none). Relations are sets, so
`add(x, x)` reads x once; the attribute "terms" of a flattened sum counts with repetition.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import NamedTuple

from cgraph import checks
from cgraph.graphs.computational import (
    AliasKind,
    Attributes,
    ComputationalGraph,
    Kernel,
    Memory,
    MemoryKind,
    check_graph,
)


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
    flow = Flow.of(graph)
    live_flow(flow)
    return _of_flow(graph, flow)


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
    checks.truth("views", views)
    flow = Flow.of(graph)
    _drop_identities(flow, views=views)
    return _of_flow(graph, flow)


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
    flow = Flow.of(graph)
    _drop_dead(flow)
    return _of_flow(graph, flow)


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
    flow = Flow.of(graph)
    _merge_sums(flow)
    return graph if len(flow.kernels) == len(graph.kernels) else _of_flow(graph, flow)


class Nature(NamedTuple):
    """What the passes know of an operation.

    Parameters
    ----------
    identity : {"", "plain", "view", "shape"}
        Whether it gives back what it reads, where shape and dtype are kept: surely, where its
        result is a view, or where it is a view that keeps the shape.
    zeros : {"", "made", "product", "kept", "without bias", "norm"}
        When its result is zero: always, where one factor is, where all that it reads is, where
        what it reads first is and there is no bias, where what it reads first is.
    is_sum : bool
        Whether it adds up its reads and does nothing else.
    adds_zero : bool
        Whether it adds the number 0.
    n_terms : int
        How many terms a sum has, repetitions included.
    """

    identity: str
    zeros: str
    is_sum: bool
    adds_zero: bool
    n_terms: int


@dataclass(slots=True)
class Flow:
    """What of a program is left while passes cut it down; memories keep their numbers.

    Parameters
    ----------
    natures : list of Nature
        Of each kernel of the program.
    kernels : list of int
        The kernels that are left, in order.
    reads, writes : list of list of int
        The memories that each kernel of the program reads, each once, and writes.
    outputs : list of int
        The memories that are returned.
    inputs : set of int
        The memories of kind "input".
    tensors : list of tuple
        Shape and dtype of each memory.
    aliases : list of str or None
        How each memory shares its storage.
    substitute : dict of int to int
        The memory that has come in the place of another.
    n_terms : dict of int to int
        Terms of the sums into which others were merged.
    """

    natures: list[Nature]
    kernels: list[int]
    reads: list[list[int]]
    writes: list[list[int]]
    outputs: list[int]
    inputs: set[int]
    tensors: list[tuple[object, ...]]
    aliases: list[AliasKind | None]
    substitute: dict[int, int] = field(default_factory=dict)
    n_terms: dict[int, int] = field(default_factory=dict)

    @staticmethod
    def of(graph: ComputationalGraph) -> Flow:
        """The whole of a graph."""
        table = Relations(graph)
        return Flow(
            natures=[nature_of(kernel.operation, kernel.attributes) for kernel in graph.kernels],
            kernels=list(range(len(graph.kernels))),
            reads=table.reads,
            writes=table.writes,
            outputs=list(graph.outputs),
            inputs=set(graph.inputs),
            tensors=[(m.shape, m.dtype) for m in graph.memories],
            aliases=[m.alias for m in graph.memories],
        )

    def keep(self, kernels: list[int], substitute: Mapping[int, int]) -> None:
        """Leave some of the kernels, which read and return memories in the place of others."""
        self.kernels = kernels
        if not substitute:
            return
        for k in kernels:
            row = self.reads[k]
            if any(m in substitute for m in row):
                self.reads[k] = list(dict.fromkeys([substitute.get(m, m) for m in row]))
        self.outputs = [substitute.get(m, m) for m in self.outputs]
        for m, other in self.substitute.items():
            self.substitute[m] = substitute.get(other, other)
        self.substitute.update(substitute)


def live_flow(flow: Flow) -> None:
    """Cut a flow down to what is alive; see `live`."""
    _drop_identities(flow)
    _drop_dead(flow)
    _merge_sums(flow)


def nature_of(operation: str, attributes: Attributes) -> Nature:
    """What the passes know of a kernel.

    Examples
    --------
    >>> nature_of("mul", Attributes(other=1.0)).identity
    'plain'
    """
    scalar = attributes.get("other")
    if isinstance(scalar, bool) or not isinstance(scalar, int | float):
        scalar = None  # the second operand is a tensor
    is_identity = operation in _IDENTITIES
    if operation in _DROPOUTS:
        is_identity = not attributes.get("train", True) or attributes.get("p") == 0
    elif operation in _NEUTRAL:
        is_identity = scalar == _NEUTRAL[operation]
    identity = "plain" if is_identity else "view" if operation == "to" else ""
    if not identity and operation in _SHAPE_VIEWS:
        identity = "shape"
    zeros = ""
    is_of_zeros = operation == "full" and attributes.get("fill_value") == 0
    if operation in _ZERO_MAKERS or is_of_zeros or (operation == "mul" and scalar == 0):
        zeros = "made"
    elif operation == "mul":
        zeros = "product"
    elif operation in _ZERO_KEEPERS_WITHOUT_BIAS:
        zeros = "without bias"
    elif operation in _ZERO_KEEPERS:
        zeros = "" if scalar else "kept"
    elif operation in _NORMALISATIONS:
        # What a normalisation makes of zeros is its bias, which is zero at initialisation.
        zeros = "norm"
    terms = attributes.get("terms", 2)
    return Nature(
        identity,
        zeros,
        operation == "add" and not {"other", "alpha"} & set(attributes),
        operation == "add" and scalar == 0,
        terms if isinstance(terms, int) else 2,
    )


def _drop_identities(flow: Flow, *, views: bool = False) -> None:
    substitute: dict[int, int] = {}
    kept = []
    for k in flow.kernels:
        kind = flow.natures[k].identity
        if kind and (kind != "shape" or views) and len(flow.reads[k]) == 1 and flow.writes[k]:
            source, target = flow.reads[k][0], flow.writes[k][0]
            is_same = flow.tensors[source] == flow.tensors[target]
            if is_same and (kind != "view" or flow.aliases[target] == "view"):
                substitute[target] = substitute.get(source, source)
                continue
        kept.append(k)
    flow.keep(kept, substitute)


def _drop_dead(flow: Flow) -> None:
    zero: set[int] = set()
    varying = set(flow.inputs)
    substitute: dict[int, int] = {}
    living = []
    for k in flow.kernels:
        reads, writes, nature = flow.reads[k], flow.writes[k], flow.natures[k]
        if substitute:
            reads = [substitute.get(m, m) for m in reads]
        if nature.zeros and _is_zero(nature.zeros, reads, zero):
            # The running statistics that a normalisation updates are not zero.
            is_norm = nature.zeros == "norm"
            zero.update(m for m in writes if not (is_norm and flow.aliases[m] == "version"))
        elif not varying.isdisjoint(reads):
            rest = [m for m in reads if m not in zero] if zero else reads
            if len(rest) < len(reads) and _is_sum_of(flow, k, reads, rest):
                substitute[writes[0]] = rest[0]
            else:
                varying.update(writes)
                living.append(k)
    needed = {substitute.get(m, m) for m in flow.outputs}
    kept: list[int] = []
    for k in reversed(living):
        if not needed.isdisjoint(flow.writes[k]):
            kept.append(k)
            needed.update([substitute.get(m, m) for m in flow.reads[k]])
    flow.keep(kept[::-1], substitute)


def _merge_sums(flow: Flow) -> None:
    _drop_added_zeros(flow)
    sums = [k for k in flow.kernels if flow.natures[k].is_sum]
    writer = {m: k for k in sums for m in flow.writes[k]}
    readers: dict[int, int] = dict.fromkeys(writer, 0)
    for k in flow.kernels:
        for m in flow.reads[k]:
            if m in readers:
                readers[m] += 1
    returned = set(flow.outputs)
    merged: set[int] = set()
    n_terms = {k: flow.natures[k].n_terms for k in sums}
    for k in sums:
        row, target = flow.reads[k], flow.writes[k][0]
        terms, n = [], max(n_terms[k], len(row))
        for m in row:
            inner = writer.get(m)
            if (
                inner is not None
                and readers[m] == 1
                and m not in returned
                and not (len(row) == 1 and n > 1)  # add(s, s) would double the terms
                and flow.tensors[m] == flow.tensors[target]
            ):
                merged.add(inner)
                terms += flow.reads[inner]
                n += n_terms[inner] - 1
            else:
                terms.append(m)
        flow.reads[k] = list(dict.fromkeys(terms))
        if n > 2:
            n_terms[k] = n
    if merged:
        flow.n_terms = {k: n for k, n in n_terms.items() if n > 2}
        flow.keep([k for k in flow.kernels if k not in merged], {})


def _drop_added_zeros(flow: Flow) -> None:
    substitute: dict[int, int] = {}
    kept = []
    for k in flow.kernels:
        if flow.natures[k].adds_zero and len(flow.reads[k]) == 1:
            source, target = flow.reads[k][0], flow.writes[k][0]
            if flow.tensors[source] == flow.tensors[target]:
                substitute[target] = substitute.get(source, source)
                continue
        kept.append(k)
    flow.keep(kept, substitute)


def _is_zero(when: str, reads: list[int], zero: set[int]) -> bool:
    if when == "made":
        return True
    if not zero or not reads:
        return False
    if when == "product":
        return not zero.isdisjoint(reads)
    if when == "without bias":
        return reads[0] in zero and len(reads) == 2
    return reads[0] in zero if when == "norm" else zero.issuperset(reads)


def _is_sum_of(flow: Flow, k: int, reads: list[int], rest: list[int]) -> bool:
    """Whether a kernel adds up its reads, and they are zero but for one of the same shape."""
    nature = flow.natures[k]
    return (
        nature.is_sum
        and len(rest) == 1
        and len(reads) == nature.n_terms
        and flow.tensors[rest[0]] == flow.tensors[flow.writes[k][0]]
    )


def _of_flow(graph: ComputationalGraph, flow: Flow) -> ComputationalGraph:
    """The graph of what is left of it."""
    kernels = []
    for k in flow.kernels:
        kernel = graph.kernels[k]
        if k in flow.n_terms:
            attributes = Attributes({**kernel.attributes, "terms": flow.n_terms[k]})
            kernel = replace(kernel, attributes=attributes)
        kernels.append(kernel)
    position = {k: i for i, k in enumerate(flow.kernels)}
    return assemble(
        graph,
        kernels,
        [(m, position[k]) for k in flow.kernels for m in flow.reads[k]],
        [(position[k], m) for k, m in graph.writes.tolist() if k in position],
        flow.substitute,
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
        Inputs stay; of the other memories those that a kernel reads or writes, that are returned,
        or that share storage with such a one and were given. A memory whose base is gone takes
        over its bytes; one that was written by a kernel that is gone is a constant.
    """
    memories = graph.memories if memories is None else memories
    outputs = [substitute.get(m, m) for m in graph.outputs]
    written, returned = {m for _, m in writes}, set(outputs)
    had_writer = set(graph.writes[:, 1].tolist())
    used = {m for m, _ in reads} | written | returned | set(graph.inputs)
    if keep_given:
        had_use = had_writer | set(graph.reads[:, 0].tolist())
        used.update(m for m in range(len(graph.memories)) if m not in had_use)
    bases = {m: memory.base for m, memory in enumerate(memories) if memory.base is not None}
    places = rebased(used, bases, had_writer, substitute)
    order = sorted(used)
    renumbered = {m: i for i, m in enumerate(order)}
    left = []
    for m in order:
        memory = memories[m]
        base = memory.base
        if base is not None:
            base, root = places[m]
            if base is not None:
                base = renumbered[base]
            elif root != m:
                memory = replace(memory, base=None, alias=None, bytes=memories[root].bytes)
        kind = memory.kind
        if m in written:
            kind = "output" if m in returned else "activation"
        elif m in had_writer:
            kind = "constant"
        is_same = kind == memory.kind and base == memory.base
        left.append(memory if is_same else _changed(memory, kind, base))
    return ComputationalGraph(
        left,
        kernels,
        list(dict.fromkeys((renumbered[m], k) for m, k in reads)),
        [(k, renumbered[m]) for k, m in writes],
        [renumbered[m] for m in outputs],
        name=graph.name,
    )


def rebased(
    used: set[int],
    bases: Mapping[int, int],
    had_writer: Collection[int],
    substitute: Mapping[int, int],
) -> dict[int, tuple[int | None, int]]:
    """Where the storages are of memories that have a base, once others are gone.

    Parameters
    ----------
    used : set of int
        The memories that are left; those that were given and whose storage one of them shares are
        added.
    bases : mapping of int to int
        The base of each memory that has one.
    had_writer : collection of int
        The memories that are not given.
    substitute : mapping of int to int
        The memory that stands in the place of another.

    Returns
    -------
    dict of int to (int or None, int)
        For each memory left that has a base, its new one; or None and the memory, gone by now,
        whose storage it is the first to share.
    """
    shared = sorted(m for m in used if m in bases)
    for m in shared:
        base: int | None = bases[m]
        while base is not None:
            base = substitute.get(base, base)
            if base not in had_writer:
                used.add(base)
            base = bases.get(base)
    owner: dict[int, int] = {}  # of each storage whose root is gone
    found: dict[int, tuple[int | None, int]] = {}
    for m in sorted(m for m in used if m in bases):
        base, root = bases[m], m
        while base is not None:
            root = substitute.get(base, base)
            if root in used and root < m:
                break
            base = bases.get(root)
        if base is not None:
            found[m] = root, root
        elif root in owner:
            found[m] = owner[root], root
        else:
            found[m] = None, root
            if root != m:
                owner[root] = m
    return found


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
        self.memories = check_graph(graph).memories
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
