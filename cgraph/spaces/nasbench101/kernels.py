"""Kernel graphs of all cells at once, in compiled form, equal to projecting traced cells.

The kernels of a cell follow from its definition: a projection and a convolution are three kernels
each, a vertex with several sources adds them first, sources with too many channels are sliced
before. They stand in the order in which the module of the cell runs them.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numba import njit
from numpy.typing import NDArray

from cgraph.graphs.kernel import INPUT_LABEL, OUTPUT_LABEL
from cgraph.graphs.population import Population
from cgraph.spaces.nasbench101.channels import split_channels

# Labels of kernels, as `cgraph.project` gives them, in the order of a vocabulary.
_LABELS = (
    "add", "batch_norm", "cat", "conv2d[1x1]", "conv2d[3x3]", INPUT_LABEL, "max_pool2d[3x3]",
    OUTPUT_LABEL, "relu", "slice",
)  # fmt: skip
_ADD, _NORM, _CAT, _CONV_1, _CONV_3, _INPUT, _POOL, _OUTPUT, _RELU, _SLICE = range(len(_LABELS))

# Channels of the first cell of the trained network, in and out.
CELL_CHANNELS = 128

# More than any cell has: 5 operations and 6 projections of 3 kernels, sums, slices, 3 for the ends.
_MAX_KERNELS = 64
_MAX_EDGES = 128
_NO_KERNEL = -1


def cell_population(
    codes: NDArray[np.integer],
    names: Sequence[str],
    *,
    is_flat: bool = True,
    boundary: bool = False,
) -> Population:
    """Kernel graphs of cells at the width of the first cell of the trained network.

    Parameters
    ----------
    codes : ndarray of shape (n,)
        Codes of cells, as `cells.encode` makes them; not checked.
    names : sequence of str
        Name of each.
    is_flat : bool, default=True
        Whether a sum of several terms is one kernel, as in a live graph, or adds two at a time.
    boundary : bool, default=False
        Whether the input and the output are nodes too, as for `cgraph.project`.

    Examples
    --------
    >>> from cgraph.spaces.nasbench101.cells import encode
    >>> from cgraph.spaces.nasbench101.notation import parse
    >>> text = "conv3x3~0|output~0,1"
    >>> population = cell_population(np.array([encode(parse(text))]), [text])
    >>> population[0].labels
    ('conv2d[1x1]', 'batch_norm', 'relu', 'conv2d[3x3]', 'batch_norm', 'relu', 'conv2d[1x1]', \
'batch_norm', 'relu', 'add')
    """
    rows = np.asarray(codes, dtype=np.int64)
    n_kernels, n_edges = np.empty_like(rows), np.empty_like(rows)
    none = np.empty((0, 2), dtype=np.int64)
    no_offsets = np.zeros(len(rows) + 1, dtype=np.int64)
    _fill(rows, is_flat, boundary, False, n_kernels, n_edges, no_offsets, no_offsets,
          np.empty(0, dtype=np.int32), none)  # fmt: skip
    node_offsets = np.concatenate([[0], np.cumsum(n_kernels)])
    edge_offsets = np.concatenate([[0], np.cumsum(n_edges)])
    labels = np.empty(node_offsets[-1], dtype=np.int32)
    edges = np.empty((edge_offsets[-1], 2), dtype=np.int64)
    _fill(rows, is_flat, boundary, True, n_kernels, n_edges, node_offsets, edge_offsets,
          labels, edges)  # fmt: skip
    used = np.flatnonzero(np.bincount(labels, minlength=len(_LABELS)))
    place = np.zeros(len(_LABELS), dtype=np.int32)
    place[used] = np.arange(len(used))
    return Population.from_arrays(
        vocabulary=[_LABELS[k] for k in used],
        node_offsets=node_offsets,
        label_ids=place[labels],
        edge_offsets=edge_offsets,
        edges=edges,
        names=names,
    )


@njit(cache=True, nogil=True)
def _fill(
    codes: NDArray[np.int64],
    is_flat: bool,
    boundary: bool,
    keeps: bool,
    n_kernels: NDArray[np.int64],
    n_edges: NDArray[np.int64],
    node_offsets: NDArray[np.int64],
    edge_offsets: NDArray[np.int64],
    labels: NDArray[np.int32],
    edges: NDArray[np.int64],
) -> None:
    """Count the kernels and edges of each cell, and keep them where asked."""
    channels = np.zeros(7, dtype=np.int64)
    label = np.empty(_MAX_KERNELS, dtype=np.int32)
    pairs = np.empty(_MAX_EDGES, dtype=np.int64)  # source * _MAX_KERNELS + target
    counts = np.empty(2, dtype=np.int64)
    for i in range(len(codes)):
        n = codes[i] >> 29
        split_channels(codes[i] >> 8 & ((1 << 21) - 1), n, CELL_CHANNELS, channels)
        _run_cell(codes[i], channels, is_flat, boundary, label, pairs, counts)
        n_kernels[i], n_edges[i] = counts
        if keeps:
            labels[node_offsets[i] : node_offsets[i + 1]] = label[: counts[0]]
            rows = np.sort(pairs[: counts[1]])
            for k in range(len(rows)):
                edges[edge_offsets[i] + k, 0] = rows[k] // _MAX_KERNELS
                edges[edge_offsets[i] + k, 1] = rows[k] % _MAX_KERNELS


@njit(cache=True, nogil=True)
def _run_cell(
    code: int,
    channels: NDArray[np.int64],
    is_flat: bool,
    boundary: bool,
    label: NDArray[np.int32],
    pairs: NDArray[np.int64],
    counts: NDArray[np.int64],
) -> None:
    """Kernels of a cell in the order in which they run, and who feeds whom."""
    n, edges = code >> 29, code >> 8 & ((1 << 21) - 1)
    value = np.empty(7, dtype=np.int64)  # the kernel that gives each vertex
    terms = np.empty(7, dtype=np.int64)
    counts[:] = 0
    value[0] = _append(_INPUT, _NO_KERNEL, label, pairs, counts) if boundary else _NO_KERNEL
    weight = 1
    for _ in range(n - 3):
        weight *= 3
    for v in range(1, n):
        sources = edges >> (v * (v - 1) // 2)
        n_terms = 0
        for u in range(1, v):
            if sources >> u & 1:
                terms[n_terms] = value[u]
                if v < n - 1 and channels[u] > channels[v]:
                    terms[n_terms] = _append(_SLICE, value[u], label, pairs, counts)
                n_terms += 1
        if v == n - 1 and n_terms > 1:  # the output joins what it does not add
            last = _append_sum(_CAT, terms, n_terms, label, pairs, counts)
            terms[0], n_terms = last, 1
        if sources & 1:
            terms[n_terms] = _append_conv(_CONV_1, value[0], label, pairs, counts)
            n_terms += 1
        if n_terms > 1 and not is_flat:
            for k in range(1, n_terms):
                terms[0] = _append_sum(_ADD, terms[k - 1 : k + 1], 2, label, pairs, counts)
                terms[k] = terms[0]
        elif n_terms > 1:
            terms[0] = _append_sum(_ADD, terms, n_terms, label, pairs, counts)
        value[v] = terms[0]
        if v < n - 1:
            operation = (code & 255) // weight % 3
            weight //= 3
            if operation == 2:
                value[v] = _append(_POOL, value[v], label, pairs, counts)
            else:
                kind = _CONV_3 if operation == 0 else _CONV_1
                value[v] = _append_conv(kind, value[v], label, pairs, counts)
    if boundary:
        _append(_OUTPUT, value[n - 1], label, pairs, counts)


@njit(cache=True, nogil=True)
def _append(
    kind: int,
    source: int,
    label: NDArray[np.int32],
    pairs: NDArray[np.int64],
    counts: NDArray[np.int64],
) -> int:
    """Append a kernel that reads what one other gives; its number."""
    kernel = counts[0]
    label[kernel] = kind
    counts[0] += 1
    if source != _NO_KERNEL:
        pairs[counts[1]] = source * _MAX_KERNELS + kernel
        counts[1] += 1
    return int(kernel)


@njit(cache=True, nogil=True)
def _append_sum(
    kind: int,
    terms: NDArray[np.int64],
    n_terms: int,
    label: NDArray[np.int32],
    pairs: NDArray[np.int64],
    counts: NDArray[np.int64],
) -> int:
    """Append a kernel that reads several; its number."""
    kernel = _append(kind, terms[0], label, pairs, counts)
    for k in range(1, n_terms):
        pairs[counts[1]] = terms[k] * _MAX_KERNELS + kernel
        counts[1] += 1
    return kernel


@njit(cache=True, nogil=True)
def _append_conv(
    kind: int,
    source: int,
    label: NDArray[np.int32],
    pairs: NDArray[np.int64],
    counts: NDArray[np.int64],
) -> int:
    """Append a convolution, a batch norm and a ReLU; the number of the last."""
    kernel = _append(kind, source, label, pairs, counts)
    kernel = _append(_NORM, kernel, label, pairs, counts)
    return _append(_RELU, kernel, label, pairs, counts)
