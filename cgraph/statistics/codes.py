"""Binary codes of activations, packed 64 to a word, and what is counted on them.

The code of a sample is the sign of every rectified unit. Accumulators take the codes of one
activation after another, so that no more than one is held: `Agreements` sums the kernel of NASWOT
version 2, `Patterns` tells distinct samples (linear regions) and distinct units (SWAP) apart.
"""

from __future__ import annotations

import hashlib
from typing import Any
from typing import Protocol as Interface

import numba
import numpy as np
import torch
from numba import types
from numba.extending import intrinsic
from numpy.typing import NDArray
from torch import Tensor

from cgraph.errors import ArgumentError

_EXACT_IN_FLOAT32 = 1 << 24

MOST_SAMPLES = 8192
"""Samples that are compared with each other at most: 24 bytes a pair, 1.6 GB."""


class Accumulator(Interface):
    """What takes codes, one activation after another."""

    def add(self, values: Tensor) -> None:
        """Take one activation, positive where a unit is on: shape (batch, ...), any type."""


class Agreements:
    """K_ij: in how many units the codes of samples i and j agree.

    K = sum over activations of c c' + (1 - c)(1 - c)' = n_units - Hamming distance; exact, in
    integers.
    """

    def __init__(self) -> None:
        self.n_units = 0
        self._differences: NDArray[np.int64] | None = None

    def add(self, values: Tensor) -> None:
        """Take one activation, positive where a unit is on: shape (batch, ...), any type."""
        flat = _flat_in_storage_order(values)
        if len(flat) > MOST_SAMPLES:
            raise ArgumentError(
                "inputs",
                f"hold at most {MOST_SAMPLES:,} samples for a statistic that compares all pairs",
                f"{len(flat):,}",
                "give fewer",
            )
        if self._differences is None:
            self._differences = np.zeros((len(flat), len(flat)), dtype=np.int64)
        self.n_units += flat.shape[1]
        if flat.device.type == "cpu":
            _add_hamming(_packed(flat), self._differences)
        else:
            self._differences += _hamming_by_products(flat > 0).cpu().numpy()

    @property
    def kernel(self) -> NDArray[np.float64]:
        """K, shape (batch, batch)."""
        assert self._differences is not None, "no code was added"
        kernel = np.empty(self._differences.shape)
        for i, differences in enumerate(self._differences):  # row by row: one matrix, not four
            kernel[i, i:] = kernel[i:, i] = self.n_units - differences[i:]
        return kernel


class Patterns:
    """The codes of samples over all activations, several batches in one.

    Every batch has to run the same activations in the same order; `end_batch` closes one.
    """

    def __init__(self) -> None:
        self._open: list[NDArray[np.uint8]] = []
        self._rows: set[bytes] = set()
        self._batches: list[list[NDArray[np.uint8]]] = []
        self.n_samples = 0

    def add(self, values: Tensor) -> None:
        """Take one activation, positive where a unit is on: shape (batch, ...), any type."""
        self._open.append(np.packbits((values > 0).reshape(len(values), -1).cpu().numpy(), axis=1))

    def end_batch(self) -> None:
        """Close the batch whose activations were added."""
        if self._open:
            rows = np.concatenate(self._open, axis=1)
            self.n_samples += len(rows)
            # A long row is told apart by a hash of 256 bits, so that it need not be kept.
            short = rows.shape[1] <= 64
            self._rows.update(
                row.tobytes() if short else hashlib.blake2b(row, digest_size=32).digest()
                for row in rows
            )
        self._open = []

    @property
    def n_distinct(self) -> int:
        """Number of distinct codes of samples over all batches."""
        return len(self._rows)


class UnitPatterns:
    """Distinct patterns of units over the samples of one batch (the transposed count)."""

    def __init__(self) -> None:
        self._columns: set[bytes] = set()
        self.n_units = 0

    def add(self, values: Tensor) -> None:
        """Take one activation, positive where a unit is on: shape (batch, ...), any type."""
        columns = (values > 0).reshape(len(values), -1).cpu().numpy().T
        packed = np.unique(np.packbits(columns, axis=1), axis=0)
        self.n_units += len(columns)
        self._columns.update(row.tobytes() for row in packed)

    @property
    def n_distinct(self) -> int:
        """Number of distinct patterns of units."""
        return len(self._columns)


def _flat_in_storage_order(values: Tensor) -> Tensor:
    """Values as (batch, units), units in the order of memory, so that nothing is moved."""
    strides = values.stride()
    order = sorted(range(1, values.dim()), key=lambda d: -strides[d])
    return values.permute(0, *order).reshape(len(values), -1)


def _packed(flat: Tensor) -> NDArray[np.uint64]:
    """What is positive as bits in words, shape (batch, n_words), filled up with zeros."""
    if flat.dtype not in (torch.float32, torch.float64):
        flat = (flat > 0).float()
    words = np.zeros((len(flat), (flat.shape[1] + 63) // 64), np.uint64)
    _pack(flat.contiguous().numpy(), words)
    return words


def _hamming_by_products(flat: Tensor) -> Tensor:
    """Hamming distances on any device: (n - s s') / 2 for s = +-1, in chunks exact in float32."""
    total = torch.zeros(len(flat), len(flat), dtype=torch.int64, device=flat.device)
    for chunk in torch.split(flat, _EXACT_IN_FLOAT32 >> 1, dim=1):
        signs = chunk.float().mul_(2).sub_(1)
        total += chunk.shape[1] - (signs @ signs.T).to(torch.int64)
    return total // 2


@intrinsic
def _popcount(_typing_context: Any, _word: Any) -> Any:
    """Number of bits that are set in a word, in one instruction."""

    def generate(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        return builder.ctpop(arguments[0])

    return types.uint64(types.uint64), generate


@numba.njit(cache=True)
def _pack(values: NDArray[Any], words: NDArray[np.uint64]) -> None:
    """Compare and pack in one go, as codes of their own take longer to write than to make."""
    n, m = values.shape
    for s in range(n):
        row = values[s]
        for w in range(m // 64):
            chunk = row[64 * w : 64 * w + 64]
            word = np.uint64(0)
            for b in range(64):
                word |= np.uint64(chunk[b] > 0) << np.uint64(b)
            words[s, w] = word
        for k in range(m // 64 * 64, m):
            words[s, k // 64] |= np.uint64(row[k] > 0) << np.uint64(k % 64)


@numba.njit(cache=True)
def _add_hamming(words: NDArray[np.uint64], total: NDArray[np.int64]) -> None:
    """Add Hamming distances of rows to the upper triangle of `total`."""
    n, m = words.shape
    for i in range(n):
        for j in range(i + 1, n):
            count = np.uint64(0)
            for k in range(m):
                count += _popcount(words[i, k] ^ words[j, k])  # type: ignore[call-arg]
            total[i, j] += np.int64(count)
