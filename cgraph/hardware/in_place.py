"""Graph in, graph out: the same program as an inference engine runs it, with fewer buffers.

PyTorch gives every result of `batch_norm` or `add` memory of its own. An engine folds the norm
into the convolution before it, and adds into one of the operands: the result is written where an
operand stood that nobody needs any more. Which of the two is meant decides the peak memory of a
network on a device.
"""

from __future__ import annotations

from dataclasses import replace

from cgraph.graphs.computational import ComputationalGraph
from cgraph.hardware.lifetimes import STORED_KINDS, Lifetimes, lifetimes
from cgraph.hardware.pieces import relatives

# Operations whose result may stand where an operand of its size stood: they work element by
# element, or, as a norm at inference, are folded into what made the operand.
ELEMENTWISE = frozenset(
    {
        "abs",
        "add",
        "batch_norm",
        "celu",
        "clamp",
        "div",
        "dropout",
        "elu",
        "exp",
        "gelu",
        "hardsigmoid",
        "hardswish",
        "hardtanh",
        "leaky_relu",
        "log_sigmoid",
        "mish",
        "mul",
        "neg",
        "prelu",
        "relu",
        "relu6",
        "sigmoid",
        "silu",
        "softplus",
        "sub",
        "tanh",
    }
)


def write_in_place(
    graph: ComputationalGraph, *, operations: frozenset[str] = ELEMENTWISE
) -> ComputationalGraph:
    """The program with results written over operands that nobody needs any more.

    Parameters
    ----------
    graph : ComputationalGraph
        A program, as captured. A `batch_norm` counts as folded: it costs no memory of its own.
    operations : frozenset of str, default=ELEMENTWISE
        The operations that may write over an operand.

    Returns
    -------
    ComputationalGraph
        The same kernels and memories; some memories are versions of others and add no bytes.
        Only what every order allows is done: all other users of the operand have to run before.
        Neither inputs of the network nor stored tensors are written over.

    Notes
    -----
    The order of least peak memory never needs more than that of `graph`.

    Examples
    --------
    >>> from cgraph.graphs.computational import Kernel, Memory
    >>> from cgraph.hardware.schedule import memory_over_time
    >>> graph = ComputationalGraph(
    ...     [Memory("x", "input", (2,), "int8", 2), Memory("h", "activation", (8,), "int8", 8),
    ...      Memory("n", "activation", (8,), "int8", 8), Memory("y", "output", (2,), "int8", 2)],
    ...     [Kernel("c", "conv2d"), Kernel("b", "batch_norm"), Kernel("d", "conv2d")],
    ...     reads=[(0, 0), (1, 1), (2, 2)], writes=[(0, 1), (1, 2), (2, 3)], outputs=[3],
    ... )
    >>> memory_over_time(graph).peak_bytes, memory_over_time(write_in_place(graph)).peak_bytes
    (16, 10)
    """
    lives = lifetimes(graph)
    ancestors, _ = relatives([sum(1 << p for p in before) for before in lives.predecessors])
    buffers = _Buffers(graph, lives)
    reads, writes = _neighbours(graph)
    for k, kernel in enumerate(graph.kernels):
        if kernel.operation not in operations or len(writes[k]) != 1:
            continue
        result = writes[k][0]
        for operand in reads[k]:
            if buffers.may_hold(operand, result, ancestors[k] | 1 << k):
                buffers.put(result, operand)
                break
    return ComputationalGraph(
        buffers.memories, graph.kernels, graph.reads, graph.writes, graph.outputs, graph.name
    )


class _Buffers:
    """The memories, with their storages merged as results are written over operands."""

    def __init__(self, graph: ComputationalGraph, lives: Lifetimes) -> None:
        self.memories = list(graph.memories)
        self._of_root = {root: s for s, root in enumerate(lives.memories)}
        self._users = [sum(1 << k for k in users) for users in lives.users]
        self._is_kept = list(lives.is_kept)

    def may_hold(self, operand: int, result: int, by_then: int) -> bool:
        """Whether a result may be written over an operand, once some kernels have run."""
        old, new = self.memories[operand], self.memories[result]
        root = self._root(operand)
        s = self._of_root[root]
        return (
            new.base is None
            and operand < result
            and self.memories[root].kind not in {"input", *STORED_KINDS}
            and not self._is_kept[s]
            and (old.shape, old.dtype) == (new.shape, new.dtype)
            and self.memories[root].bytes == new.bytes
            and not self._users[s] & ~by_then
        )

    def put(self, result: int, operand: int) -> None:
        """Write a result over an operand: one storage from now on."""
        s, merged = self._of_root[self._root(operand)], self._of_root[result]
        self._users[s] |= self._users[merged]
        self._is_kept[s] |= self._is_kept[merged]
        self.memories[result] = replace(
            self.memories[result], bytes=0, base=operand, alias="version"
        )

    def _root(self, memory: int) -> int:
        base = self.memories[memory].base
        while base is not None:
            memory, base = base, self.memories[base].base
        return memory


def _neighbours(graph: ComputationalGraph) -> tuple[list[list[int]], list[list[int]]]:
    """The memories that each kernel reads, and those that it writes."""
    reads: list[list[int]] = [[] for _ in graph.kernels]
    writes: list[list[int]] = [[] for _ in graph.kernels]
    for m, k in graph.reads.tolist():
        reads[k].append(m)
    for k, m in graph.writes.tolist():
        writes[k].append(m)
    return reads, writes
