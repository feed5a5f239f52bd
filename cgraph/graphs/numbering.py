"""Value numbering: which kernels of a graph surely compute what an earlier one has computed.

Two kernels are equal if they run one operation with the same attributes on equal operands, and
the operation is pure: it draws no numbers and changes nothing that was there before the program.
Where the graph does not tell what is which operand, a kernel is equal to none.
"""

from __future__ import annotations

from collections.abc import Hashable

from cgraph.graphs.computational import ComputationalGraph, Kernel
from cgraph.graphs.labels import OTHER, family_of
from cgraph.graphs.passes import Relations

# Families with operations that are not functions of what they read, or not surely so.
_NOT_PURE = frozenset({"random", "control flow", "recurrent", OTHER})
# Tensors may be left out before the last one: which are there is not told.
_UNCLEAR = frozenset(
    (
        *("index", "index_put", "unsafe_index", "index_fill", "clamp", "clip", "embedding_bag"),
        *("multi_head_attention", "multihead_attention", "flex_attention"),
        "transformer_encoder_layer_fwd",
    )
)
# Kinds of memories that a program makes.
_MADE = frozenset({"activation", "output"})
# Families of operations that take weight and bias, or bias alone.
_WITH_WEIGHT_AND_BIAS = frozenset({"normalisation"})


def first_of_equals(graph: ComputationalGraph) -> list[int]:
    """For each kernel the first one that computes the same from equal values.

    Parameters
    ----------
    graph : ComputationalGraph
        Any program.

    Returns
    -------
    list of int
        One index a kernel: its own where no earlier kernel is equal to it. A kernel that writes in
        place is equal to one that computes the same elsewhere; but two results that are written
        into later, each in its own way, are not equal, for they cannot be one.

    Examples
    --------
    >>> from cgraph.graphs.computational import Kernel, Memory
    >>> graph = ComputationalGraph(
    ...     [Memory(name, "activation", (8,), "float32", 32) for name in "xabc"],
    ...     [Kernel("exp", "exp"), Kernel("exp_1", "exp"), Kernel("log", "log")],
    ...     reads=[(0, 0), (0, 1), (0, 2)], writes=[(0, 1), (1, 2), (2, 3)])
    >>> first_of_equals(graph)
    [0, 0, 2]
    """
    table = Relations(graph)
    memories = graph.memories
    roots: list[int] = []
    for m, memory in enumerate(memories):
        roots.append(m if memory.base is None else roots[memory.base])
    number = list(range(len(memories)))  # of the value of each memory: the first that has it
    first: list[int] = []
    seen: dict[Hashable, int] = {}
    for k, kernel in enumerate(graph.kernels):
        written = table.writes[k]
        first.append(k)
        n_changed = sum(memories[m].alias == "version" for m in written)
        if not is_pure(kernel, len(table.reads[k])) or (n_changed and len(written) > 1):
            continue
        if any(memories[roots[m]].kind not in _MADE for m in written if n_changed):
            continue
        results = tuple((memories[m].shape, memories[m].dtype) for m in written)
        operands = tuple(number[m] for m in table.reads[k])
        key = (kernel.operation, kernel.attributes, operands, results)
        first[k] = seen.setdefault(key, k)
        for m, same in zip(written, table.writes[first[k]], strict=True):
            number[m] = number[same]
    history: dict[int, list[int]] = {}  # of each storage: the values that are written into it
    for m, memory in enumerate(memories):
        if memory.alias == "version":
            history.setdefault(roots[m], []).append(number[m])
    for k, f in enumerate(first):
        pairs = zip(table.writes[k], table.writes[f], strict=True)
        if any(history.get(roots[m]) != history.get(roots[same]) for m, same in pairs):
            first[k] = k  # each is changed in its own way: they cannot be one
    return first


def is_pure(kernel: Kernel, n_reads: int) -> bool:
    """Whether operation, attributes and what it reads surely tell what a kernel computes.

    Parameters
    ----------
    kernel : Kernel
        The kernel.
    n_reads : int
        How many memories it reads.

    Examples
    --------
    >>> is_pure(Kernel("relu", "relu"), 1), is_pure(Kernel("randn", "randn"), 0)
    (True, False)
    """
    family = family_of(kernel.operation)
    if family in _NOT_PURE or "empty" in kernel.operation or kernel.operation == "rrelu":
        return False
    if kernel.operation in _UNCLEAR and n_reads > 1:
        return False
    if kernel.operation == "view" and not kernel.attributes:
        return False  # another object for a part of a storage, which part is not told
    if family in _WITH_WEIGHT_AND_BIAS and n_reads == 2:
        return False
    attributes = kernel.attributes
    if "dropout" in kernel.operation and attributes.get("train", True):
        return False
    return not attributes.get("dropout_p")
