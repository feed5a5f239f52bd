"""What each kernel of a program reads and writes: shapes, parameters, bytes, multiply-accumulates.

Labels say what a kernel does, not on how much. `sized_labels` puts the amounts behind the labels,
"linear{576,96,128,5f0c2a91}", so that whatever works on labels can tell a wide layer from a
narrow one.
"""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cgraph.errors import GraphError
from cgraph.graphs.computational import ComputationalGraph, check_sized

Shape = tuple[int, ...]

# What a program holds before it runs; all else are values.
_STATE = ("parameter", "buffer")

_AMOUNTS = re.compile(r"\{(\d+),(\d+),(\d+),[0-9a-f]{8}\}$")


@dataclass(frozen=True, slots=True)
class KernelTensors:
    """The tensors of a kernel.

    Parameters
    ----------
    reads, writes : tuple of tuple of int
        Shapes of the values that it reads, without parameters and buffers, and of those it
        writes.
    n_parameters : int
        Scalars of the parameters that it reads; of one that several kernels read, for each.
    parameter_bytes : int
        Bytes of these.
    activation_bytes : int
        Bytes of the values that it reads and writes; 0 for a kernel that only makes views.
    macs : int
        Its multiply-accumulates.
    digest : str
        Eight hexadecimal digits that differ where a shape or a data type does.
    """

    reads: tuple[Shape, ...]
    writes: tuple[Shape, ...]
    n_parameters: int
    parameter_bytes: int
    activation_bytes: int
    macs: int
    digest: str


class Amounts(NamedTuple):
    """The three amounts in a sized label: bytes, bytes, multiply-accumulates."""

    parameter_bytes: int
    activation_bytes: int
    macs: int


def kernel_tensors(graph: ComputationalGraph) -> tuple[KernelTensors, ...]:
    """The tensors of each kernel of a program.

    Parameters
    ----------
    graph : ComputationalGraph
        The program.

    Returns
    -------
    tuple of KernelTensors
        One for each kernel, in order.

    Raises
    ------
    GraphError
        If a size is not known.

    Examples
    --------
    >>> import torch
    >>> from cgraph.tracing.record import trace
    >>> kernel_tensors(trace(torch.nn.Linear(8, 16), torch.empty(1, 8)))[0].n_parameters
    144
    """
    n_bytes = element_bytes(graph).tolist()
    if not graph.is_sized:
        raise GraphError("graph", "have multiply-accumulates that are all known", repr(graph))
    kinds = _kinds(graph)
    read: list[list[int]] = [[] for _ in graph.kernels]
    written: list[list[int]] = [[] for _ in graph.kernels]
    for memory, kernel in graph.reads.tolist():
        read[kernel].append(memory)
    for kernel, memory in graph.writes.tolist():
        written[kernel].append(memory)
    return tuple(
        _tensors(graph, kinds, n_bytes, read[k], written[k], kernel.macs)
        for k, kernel in enumerate(graph.kernels)
    )


def sized_labels(labels: Sequence[str], tensors: Sequence[KernelTensors]) -> tuple[str, ...]:
    """Labels with the bytes of parameters, the bytes of values and the MACs of their kernels.

    Examples
    --------
    >>> tensors = KernelTensors(((1, 8),), ((1, 16),), 144, 576, 96, 128, "5f0c2a91")
    >>> sized_labels(["linear"], [tensors])
    ('linear{576,96,128,5f0c2a91}',)
    """
    return tuple(
        f"{label}{{{t.parameter_bytes},{t.activation_bytes},{t.macs},{t.digest}}}"
        for label, t in zip(labels, tensors, strict=True)
    )


def split_label(label: str) -> tuple[str, Amounts | None]:
    """What a sized label says: the label without the amounts, and these; None where it has none.

    Examples
    --------
    >>> split_label("linear{576,96,128,5f0c2a91}")
    ('linear', Amounts(parameter_bytes=576, activation_bytes=96, macs=128))
    >>> split_label("relu")
    ('relu', None)
    """
    found = _AMOUNTS.search(label)
    if found is None:
        return label, None
    return label[: found.start()], Amounts(*map(int, found.groups()))


def element_bytes(graph: ComputationalGraph) -> NDArray[np.int64]:
    """Bytes of the elements of each memory, whether or not the storage is its own.

    Raises
    ------
    GraphError
        If the size of a memory is not known.
    """
    sizes: list[int] = []
    for memory in graph.memories:
        check_sized(memory)
        root = memory
        while root.base is not None:
            root = graph.memories[root.base]
        n_elements, n_stored = math.prod(memory.shape), math.prod(root.shape)
        sizes.append(root.bytes if root is memory else n_elements * root.bytes // max(n_stored, 1))
    return np.array(sizes, dtype=np.int64)


def _kinds(graph: ComputationalGraph) -> list[str]:
    """Kind of each memory; a view of a parameter is a parameter."""
    kinds: list[str] = []
    for memory in graph.memories:
        root = memory
        while root.alias == "view" and root.base is not None:
            root = graph.memories[root.base]
        kinds.append(root.kind if root.kind in _STATE else memory.kind)
    return kinds


def _tensors(
    graph: ComputationalGraph,
    kinds: Sequence[str],
    n_bytes: Sequence[int],
    read: Sequence[int],
    written: Sequence[int],
    macs: int,
) -> KernelTensors:
    shapes = [memory.shape for memory in graph.memories]
    parameters = [m for m in read if kinds[m] == "parameter"]
    values = [m for m in read if kinds[m] not in _STATE]
    moves = any(graph.memories[m].alias != "view" for m in written)
    touched = [(kinds[m] in _STATE, shapes[m], graph.memories[m].dtype) for m in (*read, *written)]
    return KernelTensors(
        tuple(shapes[m] for m in values),
        tuple(shapes[m] for m in written),
        sum(math.prod(shapes[m]) for m in parameters),
        sum(n_bytes[m] for m in parameters),
        sum(n_bytes[m] for m in (*values, *written)) if moves else 0,
        macs,
        hashlib.blake2b(repr(touched).encode(), digest_size=4).hexdigest(),
    )
