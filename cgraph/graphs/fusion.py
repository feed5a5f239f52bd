"""Several kernels as one: what a deployment runs, and what a module is.

`contract` makes one kernel of each given group; the passes below it choose the groups. What only
the kernels of a group saw disappears with them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from cgraph.errors import GraphError
from cgraph.graphs.computational import Attributes, ComputationalGraph, Kernel, Memory
from cgraph.graphs.labels import family_of
from cgraph.graphs.passes import Relations, assemble, remove_identities

# Activations that work on each value alone, so that they attach to whatever made it.
_ATTACHABLE = frozenset(
    (
        *("relu", "relu6", "leaky_relu", "elu", "selu", "celu", "gelu", "silu", "mish"),
        *("sigmoid", "tanh", "hardtanh", "hardsigmoid", "hardswish", "softplus", "hardshrink"),
        *("log_sigmoid", "softshrink", "threshold"),
    )
)
_FOLDABLE_INTO = frozenset({"convolution", "linear"})


def fused(graph: ComputationalGraph) -> ComputationalGraph:
    """What a deployment runs: batch norms folded, activations attached, identities gone.

    Parameters
    ----------
    graph : ComputationalGraph
        A program at operator depth, captured in eval mode: a batch norm that computes statistics
        cannot be folded and stays.

    Returns
    -------
    ComputationalGraph
        `fuse_activations` of `fold_batch_norm` of `remove_identities`.
    """
    return fuse_activations(fold_batch_norm(remove_identities(graph)))


def contract(
    graph: ComputationalGraph, groups: Iterable[tuple[Sequence[int], Kernel]]
) -> ComputationalGraph:
    """The graph with each group of kernels as one kernel.

    Parameters
    ----------
    graph : ComputationalGraph
        Any program.
    groups : iterable of (sequence of int, Kernel)
        Indices of the kernels of a group, and what stands in their place. No kernel is in two.

    Returns
    -------
    ComputationalGraph
        A group's kernel reads what its kernels read and writes what they wrote, but for memories
        that only they read: these are gone. Parameters, buffers and constants all stay. All that
        a group writes depends on all that it reads, so an output may depend on more inputs.

    Raises
    ------
    GraphError
        If a kernel outside reads what a group wrote before the group has ended, so that the two
        would wait for each other; or if a kernel is in two groups.

    Examples
    --------
    >>> graph = ComputationalGraph(
    ...     [Memory("x", "input", (8,), "float32", 32), Memory("h", "activation", (8,), "float32",
    ...      32), Memory("y", "output", (8,), "float32", 32)],
    ...     [Kernel("a", "relu"), Kernel("b", "neg")],
    ...     reads=[(0, 0), (1, 1)], writes=[(0, 1), (1, 2)], outputs=[2])
    >>> contract(graph, [([0, 1], Kernel("c", "negative_relu"))])
    ComputationalGraph(1 kernel, 2 memories, 0 parameters, 0 MACs)
    """
    return _contract(graph, groups, graph.memories, {})


def fold_batch_norm(graph: ComputationalGraph) -> ComputationalGraph:
    """The graph with each batch norm in eval mode folded into the convolution before it.

    Folded are batch norms that alone read the result of a convolution or linear operation whose
    weight no other kernel reads. The weight keeps its size; the scale and the running statistics
    disappear in it. A convolution without bias reads the batch norm's bias as its own (one is
    made where the batch norm has none); one with a bias keeps it, and the batch norm's is gone.

    Parameters
    ----------
    graph : ComputationalGraph
        Any program.
    """
    relations = Relations(graph)
    memories = list(graph.memories)
    groups: list[tuple[Sequence[int], Kernel]] = []
    reads: dict[int, list[int]] = {}
    for k, kernel in enumerate(graph.kernels):
        if kernel.operation != "batch_norm" or kernel.attributes.get("training"):
            continue
        first = relations.only_writer_before(k)
        if first is None or family_of(graph.kernels[first].operation) not in _FOLDABLE_INTO:
            continue
        weights = [m for m in relations.reads[first] if graph.memories[m].kind == "parameter"]
        if not weights or any(relations.readers[m] != [first] for m in weights):
            continue
        own = list(relations.reads[first])
        if len(weights) == 1:
            own.append(_bias(memories, relations, k, kernel))
        groups.append(([first, k], graph.kernels[first]))
        reads[k] = own
    return _contract(graph, groups, memories, reads)


def fuse_activations(graph: ComputationalGraph) -> ComputationalGraph:
    """The graph with activations attached to the convolution or linear operation before them.

    An activation that works on each value alone and that alone reads the result of a convolution
    or a linear operation becomes its attribute "activation"; its label ends in "+relu", say.

    Parameters
    ----------
    graph : ComputationalGraph
        Any program.
    """
    relations = Relations(graph)
    groups: list[tuple[Sequence[int], Kernel]] = []
    for k, kernel in enumerate(graph.kernels):
        if kernel.operation not in _ATTACHABLE or len(relations.reads[k]) != 1:
            continue
        first = relations.only_writer_before(k)
        if first is None:
            continue
        source = graph.kernels[first]
        if family_of(source.operation) in _FOLDABLE_INTO and "activation" not in source.attributes:
            attributes = Attributes({**source.attributes, "activation": kernel.operation})
            groups.append(([first, k], replace(source, attributes=attributes)))
    return contract(graph, groups)


def _bias(memories: list[Memory], relations: Relations, k: int, kernel: Kernel) -> int:
    """The memory of the bias that a batch norm leaves behind, made where it has none."""
    _, *given = relations.reads[k]
    # weight, bias, running mean, running variance; without an affine map only the last two
    if len(given) == 4:
        return given[1]
    one = memories[given[-1]]
    memories.append(
        Memory(f"{kernel.name}.bias", "parameter", one.shape, one.dtype, one.bytes, kernel.scope)
    )
    return len(memories) - 1


def _contract(
    graph: ComputationalGraph,
    groups: Iterable[tuple[Sequence[int], Kernel]],
    memories: Sequence[Memory],
    reads_of: Mapping[int, Sequence[int]],
) -> ComputationalGraph:
    relations = Relations(graph)
    leader = list(range(len(graph.kernels)))  # the last kernel of each kernel's group
    kernels = list(graph.kernels)
    reads: list[tuple[int, int]] = []
    seen: set[int] = set()
    settled = set()  # groups whose reads are given
    for members, kernel in groups:
        if not seen.isdisjoint(members):
            raise GraphError("groups", "hold a kernel once", f"{kernel.name!r} with one twice")
        seen.update(members)
        last = max(members)
        for k in members:
            leader[k] = last
        kernels[last] = kernel
        if last in reads_of:
            reads += [(m, last) for m in reads_of[last]]
            settled.add(last)
    _check_order(graph, leader)
    for k, row in enumerate(relations.reads):
        if leader[k] not in settled:
            reads += [(m, leader[k]) for m in row if not _is_inside(m, k, relations, leader)]
    returned = set(graph.outputs)
    inner = {
        m
        for m, k in relations.writer.items()
        if m in relations.readers
        and m not in returned
        and all(leader[r] == leader[k] for r in relations.readers[m])
    }
    kept = [k for k in range(len(kernels)) if leader[k] == k]
    position = {k: i for i, k in enumerate(kept)}
    return assemble(
        graph,
        [kernels[k] for k in kept],
        [(m, position[k]) for m, k in sorted(reads, key=lambda row: row[1])],
        [(position[leader[k]], m) for k, m in graph.writes.tolist() if m not in inner],
        memories=memories,
        keep_given=True,
    )


def _is_inside(m: int, k: int, relations: Relations, leader: Sequence[int]) -> bool:
    """Whether kernel k reads memory m from its own group."""
    writer = relations.writer.get(m)
    return writer is not None and leader[writer] == leader[k]


def _check_order(graph: ComputationalGraph, leader: Sequence[int]) -> None:
    writer = graph.writers()
    for m, k in graph.reads.tolist():
        w = int(writer[m])
        if w >= 0 and leader[w] != leader[k] and leader[w] > leader[k]:
            raise GraphError(
                "groups",
                "end before what they wrote is read",
                f"{graph.kernels[k].name!r} reading {graph.memories[m].name!r}",
                "take kernels that are called one after another",
            )
