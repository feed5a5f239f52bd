"""How wide each vertex of a cell is, and what that makes of parameters and multiplications.

The channels of the output are split evenly among the vertices that feed it, the first ones taking
the remainder; any other vertex is as wide as the widest that it feeds. So the numbering of the
vertices matters where the split has a remainder: isomorphic cells may differ in parameters.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from cgraph.errors import ArgumentError
from cgraph.spaces.nasbench101.cells import Cell

# The network that is trained: channels and height of the map in each stack, cells of a stack.
_STACKS = np.array([[128, 32], [256, 16], [512, 8]], dtype=np.int64)
_N_CELLS = 3
_N_INPUTS = 3
_N_CLASSES = 10


def vertex_channels(cell: Cell, n_in: int, n_out: int) -> tuple[int, ...]:
    """Channels of each vertex of a cell.

    Parameters
    ----------
    cell : Cell
        The cell.
    n_in, n_out : int
        Channels of its input and of its output.

    Returns
    -------
    tuple of int
        One for each vertex, the input and the output included.

    Raises
    ------
    ArgumentError
        If there are fewer channels than vertices that feed the output.

    Examples
    --------
    >>> from cgraph.spaces.nasbench101.notation import parse
    >>> vertex_channels(parse("conv3x3~0|conv1x1~1|conv3x3~1|maxpool3x3~0|output~2,3,4"), 64, 128)
    (64, 43, 43, 43, 42, 128)
    """
    last = cell.n_vertices - 1
    feeding = [v for v in cell.sources(last) if v]
    if n_out < max(len(feeding), 1) or n_in < 1:
        raise ArgumentError(
            "channels", f"be at least 1 in and {len(feeding)} out", f"{n_in} and {n_out}"
        )
    channels = [0] * cell.n_vertices
    channels[0], channels[last] = n_in, n_out
    for rank, vertex in enumerate(feeding):
        channels[vertex] = n_out // len(feeding) + (rank < n_out % len(feeding))
    for vertex in range(last - 1, 0, -1):
        if vertex not in feeding:
            channels[vertex] = max(channels[target] for target in cell.targets(vertex))
    return tuple(channels)


def network_sizes(codes: NDArray[np.integer]) -> dict[str, NDArray[np.int64]]:
    """Parameters and multiply-accumulates of the trained networks of many cells, by formula.

    Parameters
    ----------
    codes : ndarray of shape (n,)
        Codes of cells, as `cells.encode` makes them; not checked.

    Returns
    -------
    dict of str to ndarray of int64, shape (n,)
        "n_parameters" and "macs" (of the convolutions and the linear layer, for one image of
        3 x 32 x 32).

    Examples
    --------
    >>> from cgraph.spaces.nasbench101.cells import encode
    >>> from cgraph.spaces.nasbench101.notation import parse
    >>> sizes = network_sizes(np.array([encode(parse("conv3x3~0|output~1"))]))
    >>> {name: values.tolist() for name, values in sizes.items()}
    {'n_parameters': [10177674], 'macs': [1496716288]}
    """
    rows = np.empty((len(codes), 2), dtype=np.int64)
    _add_up(np.asarray(codes, dtype=np.int64), rows)
    return {"n_parameters": rows[:, 0].copy(), "macs": rows[:, 1].copy()}


@njit(cache=True, nogil=True)
def split_channels(edges: int, n: int, n_out: int, channels: NDArray[np.int64]) -> None:
    """Channels of the vertices between input and output, from the edges of a code."""
    into_output = edges >> ((n - 1) * (n - 2) // 2)
    n_feeding = 0
    for v in range(1, n - 1):
        n_feeding += into_output >> v & 1
    rank = 0
    for v in range(1, n - 1):
        channels[v] = 0
        if into_output >> v & 1:
            channels[v] = n_out // n_feeding + (rank < n_out % n_feeding)
            rank += 1
    for v in range(n - 2, 0, -1):
        if not into_output >> v & 1:
            for w in range(v + 1, n - 1):
                if edges >> (v + w * (w - 1) // 2) & 1:
                    channels[v] = max(channels[v], channels[w])


@njit(cache=True, nogil=True)
def _add_up(codes: NDArray[np.int64], rows: NDArray[np.int64]) -> None:
    channels = np.zeros(7, dtype=np.int64)
    for i in range(len(codes)):
        n = codes[i] >> 29
        edges = codes[i] >> 8 & ((1 << 21) - 1)
        width, height = _STACKS[0]
        n_parameters = 9 * _N_INPUTS * width + 2 * width  # the stem
        macs = 9 * _N_INPUTS * width * height * height
        n_in = width
        for stack in range(len(_STACKS)):
            n_out, height = _STACKS[stack]
            split_channels(edges, n, n_out, channels)
            channels[n - 1] = n_out
            for _ in range(_N_CELLS):
                weights, norms = _cell_weights(codes[i] & 255, edges, n, n_in, channels)
                n_parameters += weights + norms
                macs += weights * height * height
                n_in = n_out
        n_parameters += (n_in + 1) * _N_CLASSES
        macs += n_in * _N_CLASSES
        rows[i, 0], rows[i, 1] = n_parameters, macs


@njit(cache=True, nogil=True)
def _cell_weights(
    operations: int, edges: int, n: int, n_in: int, channels: NDArray[np.int64]
) -> tuple[int, int]:
    """Weights of the convolutions of a cell, and those of its batch norms."""
    weights, norms = 0, 0
    for v in range(n - 1, 0, -1):
        if edges >> (v * (v - 1) // 2) & 1:  # a projection
            weights += n_in * channels[v]
            norms += 2 * channels[v]
        if v < n - 1:
            operation = operations % 3
            operations //= 3
            if operation < 2:
                size = 9 if operation == 0 else 1
                weights += size * channels[v] * channels[v]
                norms += 2 * channels[v]
    return weights, norms
