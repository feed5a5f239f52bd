"""What a program stores and how much it computes, from its computational graph alone."""

from __future__ import annotations

import math
from dataclasses import dataclass

from cgraph.graphs.computational import ComputationalGraph


@dataclass(frozen=True, slots=True)
class Footprint:
    """Sizes and work of a program.

    Parameters
    ----------
    parameter_bytes : int
        Bytes of the parameters at their dtype; a shared one counts once.
    n_parameters : int
        Number of scalar parameters.
    buffer_bytes : int
        Bytes of the buffers (running statistics, masks).
    constant_bytes : int
        Bytes of other constants.
    input_bytes : int
        Bytes of the inputs.
    activation_bytes : int
        Bytes of everything that is computed, the outputs included, as if all of it were kept:
        an upper bound of what is held at once. Views and writes in place add none.
    read_bytes : int
        Bytes that kernels read, added up; a memory counts for every kernel that reads it, at
        its own size. Views, which move nothing, are left out.
    written_bytes : int
        Bytes that kernels write, added up, those in place included.
    macs : int
        Multiply-accumulate operations.
    """

    parameter_bytes: int
    n_parameters: int
    buffer_bytes: int
    constant_bytes: int
    input_bytes: int
    activation_bytes: int
    read_bytes: int
    written_bytes: int
    macs: int

    @property
    def flops(self) -> int:
        """Floating-point operations: two for each MAC."""
        return 2 * self.macs

    @property
    def stored_bytes(self) -> int:
        """Bytes of what is stored with the program: parameters, buffers and constants."""
        return self.parameter_bytes + self.buffer_bytes + self.constant_bytes


def footprint(graph: ComputationalGraph) -> Footprint:
    """Sizes and work of a program.

    Parameters
    ----------
    graph : ComputationalGraph
        The program, as captured or after any pass.

    Returns
    -------
    Footprint

    Examples
    --------
    >>> from cgraph.graphs.computational import Kernel, Memory
    >>> graph = ComputationalGraph(
    ...     [Memory("x", "input", (1, 8), "float32", 32),
    ...      Memory("w", "parameter", (4, 8), "float32", 128),
    ...      Memory("y", "output", (1, 4), "float32", 16)],
    ...     [Kernel("linear", "linear", macs=32)], [(0, 0), (1, 0)], [(0, 2)], [2])
    >>> footprint(graph).parameter_bytes, footprint(graph).macs, footprint(graph).read_bytes
    (128, 32, 160)
    """
    by_kind: dict[str, int] = {}
    for memory in graph.memories:
        by_kind[memory.kind] = by_kind.get(memory.kind, 0) + memory.bytes
    traffic = bytes_of_kernels(graph)
    return Footprint(
        parameter_bytes=graph.parameter_bytes,
        n_parameters=graph.n_parameters,
        buffer_bytes=by_kind.get("buffer", 0),
        constant_bytes=by_kind.get("constant", 0),
        input_bytes=by_kind.get("input", 0),
        activation_bytes=by_kind.get("activation", 0) + by_kind.get("output", 0),
        read_bytes=sum(read for read, _ in traffic),
        written_bytes=sum(written for _, written in traffic),
        macs=graph.macs,
    )


def bytes_of_kernels(graph: ComputationalGraph) -> list[tuple[int, int]]:
    """Bytes that each kernel reads and writes.

    Parameters
    ----------
    graph : ComputationalGraph
        The program.

    Returns
    -------
    list of (int, int)
        For each kernel the bytes of the elements it reads and of those it writes. A kernel that
        only makes views moves nothing: (0, 0).

    Examples
    --------
    >>> bytes_of_kernels(ComputationalGraph([], [], [], []))
    []
    """
    moved = [[0, 0] for _ in graph.kernels]
    is_view = [True] * len(graph.kernels)
    for k, m in graph.writes.tolist():
        memory = graph.memories[m]
        if memory.alias != "view":
            is_view[k] = False
            moved[k][1] += _element_bytes(memory.shape, memory.dtype)
    for m, k in graph.reads.tolist():
        memory = graph.memories[m]
        moved[k][0] += _element_bytes(memory.shape, memory.dtype)
    return [(0, 0) if is_view[k] else (r, w) for k, (r, w) in enumerate(moved)]


# Bits of an element, where its name does not end in them.
_BITS = {"bool": 8, "bfloat16": 16, "qint8": 8, "quint8": 8, "qint32": 32}


def _element_bytes(shape: tuple[int, ...], dtype: str) -> int:
    return math.prod(shape) * bits_of(dtype) // 8


def bits_of(dtype: str) -> int:
    """Bits of an element of a type: 32 for "float32", 128 for "complex128".

    Examples
    --------
    >>> bits_of("bool"), bits_of("float8_e4m3fn")
    (8, 8)
    """
    if dtype in _BITS:
        return _BITS[dtype]
    digits = "".join(c for c in dtype.partition("_")[0] if c.isdigit())
    return int(digits)
