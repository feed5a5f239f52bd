"""Bytes that the kernels of a program read and write."""

from __future__ import annotations

from cgraph.graphs.computational import ComputationalGraph
from cgraph.hardware.sizes import element_bytes


def bytes_of_kernels(
    graph: ComputationalGraph, *, dtype: str | None = None
) -> list[tuple[int, int]]:
    """Bytes that each kernel reads and writes.

    Parameters
    ----------
    graph : ComputationalGraph
        The program.
    dtype : str, optional
        Type that floating-point tensors are stored in; as captured by default.

    Returns
    -------
    list of (int, int)
        For each kernel the bytes of the elements it reads and of those it writes. A kernel that
        only makes views moves nothing: (0, 0).

    Raises
    ------
    ArgumentError
        If `dtype` is not known.

    Examples
    --------
    >>> bytes_of_kernels(ComputationalGraph([], [], [], []))
    []
    """
    moved = [[0, 0] for _ in graph.kernels]
    is_view = [True] * len(graph.kernels)
    for k, m in graph.writes.tolist():
        if graph.memories[m].alias != "view":
            is_view[k] = False
            moved[k][1] += element_bytes(graph.memories[m], dtype)
    for m, k in graph.reads.tolist():
        moved[k][0] += element_bytes(graph.memories[m], dtype)
    return [(0, 0) if is_view[k] else (r, w) for k, (r, w) in enumerate(moved)]
