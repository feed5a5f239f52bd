"""Distances between the operations that programs use: Jensen-Shannon, Hellinger, Kullback-Leibler.

Counts of usage come in, distances between their proportions leave. A program without kernels
uses nothing, which for Jensen-Shannon and Hellinger is a category of its own: two empty programs
are at 0, and an empty one is at the largest distance, 1, from any other. The smoothing of
Kullback-Leibler makes an empty program use everything alike.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from cgraph.distances._compile import compiled
from cgraph.distances.features import histograms
from cgraph.distances.plans import Floats, Programs

PSEUDO_COUNT = 0.5
"""Added to every count before Kullback-Leibler (Krichevsky and Trofimov, 1981)."""


def proportions(counts: NDArray[np.float64]) -> NDArray[np.float64]:
    """Share of each category in each row.

    Parameters
    ----------
    counts : ndarray of shape (n, K)
        Not negative.

    Returns
    -------
    ndarray of float64, shape (n, K) or (n, K + 1)
        Rows that sum to 1. Where a row counts nothing, a last category "nothing" holds it.

    Examples
    --------
    >>> proportions(np.array([[1.0, 3.0], [0.0, 0.0]])).tolist()
    [[0.25, 0.75, 0.0], [0.0, 0.0, 1.0]]
    """
    total = counts.sum(axis=1, keepdims=True)
    is_empty = total == 0
    if is_empty.any():
        counts = np.concatenate([counts, is_empty], axis=1)
        total = total + is_empty
    shares: NDArray[np.float64] = counts / total
    return shares


def hellinger_embedding(counts: NDArray[np.float64]) -> NDArray[np.float64]:
    """Points whose Euclidean distances are the Hellinger distances of the counts.

    Parameters
    ----------
    counts : ndarray of shape (n, K)
        Not negative.

    Returns
    -------
    ndarray of float64, shape (n, K) or (n, K + 1)
        Square roots of the proportions, over the square root of 2.

    Examples
    --------
    >>> points = hellinger_embedding(np.array([[4.0, 0.0], [0.0, 2.0]]))
    >>> round(float(np.linalg.norm(points[0] - points[1])), 12)
    1.0
    """
    return np.sqrt(proportions(counts) / 2)


def hellinger_points(x: Programs, feature: str, weigh_by: str | None = None) -> NDArray[np.float64]:
    """The `hellinger_embedding` of what programs use."""
    return hellinger_embedding(histograms(x, None, feature, weigh_by)[0])


def smoothed_proportions(counts: NDArray[np.float64]) -> NDArray[np.float64]:
    """Share of each category after `PSEUDO_COUNT` is added to every count; never 0.

    Examples
    --------
    >>> smoothed_proportions(np.array([[1.0, 2.0]])).tolist()
    [[0.375, 0.625]]
    """
    smooth = counts + PSEUDO_COUNT
    shares: NDArray[np.float64] = smooth / smooth.sum(axis=1, keepdims=True)
    return shares


def shares_and_entropies(counts: NDArray[np.float64]) -> NDArray[np.float64]:
    """Proportions, and in a last column the sum of 2p log2(2p), shape (n, K + 1)."""
    p = proportions(counts)
    entropy = np.empty((len(p), 1))
    doubled_entropies(p, entropy[:, 0])
    return np.concatenate([p, entropy], axis=1)


def shares_and_logarithms(counts: NDArray[np.float64]) -> NDArray[np.float64]:
    """Smoothed proportions, then their natural logarithms, shape (n, 2 K)."""
    p = smoothed_proportions(counts)
    return np.concatenate([p, np.log(p)], axis=1)


@compiled
def euclidean_tile(x: NDArray[np.float64], y: NDArray[np.float64], out: Floats) -> None:
    """Euclidean distances between rows of `x` and columns of `y`."""
    total = np.empty(y.shape[1])
    for i in range(x.shape[0]):
        total[:] = 0.0
        for k in range(x.shape[1]):
            a, column = x[i, k], y[k]
            for j in range(total.shape[0]):
                total[j] += (a - column[j]) ** 2
        row = out[i]
        for j in range(total.shape[0]):
            row[j] = math.sqrt(total[j])


@compiled
def kl_tile(x: NDArray[np.float64], y: NDArray[np.float64], out: Floats) -> None:
    """Sum of (p - q)(log p - log q); features are p, then log p."""
    total = np.empty(y.shape[1])
    n = x.shape[1] // 2
    for i in range(x.shape[0]):
        total[:] = 0.0
        for k in range(n):
            p, log_p = x[i, k], x[i, n + k]
            q, log_q = y[k], y[n + k]
            for j in range(total.shape[0]):
                total[j] += (p - q[j]) * (log_p - log_q[j])
        row = out[i]
        for j in range(total.shape[0]):
            row[j] = total[j]


# A double as its exponent and its mantissa; the offset puts the mantissa into [sqrt(1/2), sqrt(2)).
MANTISSA_BITS = np.uint64(52)
ONE_BITS = np.uint64(0x3FF0000000000000)
OFFSET_BITS = np.uint64(0x3FF0000000000000 - 0x3FE6A09E667F3BCD)
# An integer e < 2^52 or-ed into the mantissa of 2^52 reads 2^52 + e.
TWO_52_BITS = np.uint64(0x4330000000000000)
TWO_52_AND_BIAS = 2.0**52 + 1023
# log2(m) = z P(z^2) with z = (m - 1) / (m + 1), |z| < 0.1716, and P(u) = 2 atanh(sqrt(u)) /
# sqrt(u) / ln(2). Six nodes of Chebyshev give P to 3e-13; a Taylor series would need eight terms.
C0, C1, C2, C3, C4, C5 = (
    np.polynomial.Chebyshev.interpolate(
        lambda u: 2 * np.arctanh(np.sqrt(u)) / np.sqrt(u) / np.log(2),
        deg=5,
        domain=[0.0, (3 - 2 * math.sqrt(2)) ** 2],
    )
    .convert(kind=np.polynomial.Polynomial)
    .coef.tolist()
)


@compiled
def x_log2_x(x: float) -> float:
    """The product x log2(x), 0 at 0, to 2e-13 x; no branch and no table, so that it vectorises."""
    bits = np.float64(x).view(np.uint64)
    exponent = (bits + OFFSET_BITS) >> MANTISSA_BITS
    mantissa = np.uint64(bits + ONE_BITS - (exponent << MANTISSA_BITS)).view(np.float64)
    power = np.uint64(exponent | TWO_52_BITS).view(np.float64) - TWO_52_AND_BIAS
    z = (mantissa - 1) / (mantissa + 1)
    z2 = z * z
    z4 = z2 * z2
    log2: float = power + z * (C0 + z2 * C1 + z4 * (C2 + z2 * C3 + z4 * (C4 + z2 * C5)))
    return x * log2


@compiled
def doubled_entropies(p: NDArray[np.float64], out: NDArray[np.float64]) -> None:
    """Sum of 2p log2(2p) over each row."""
    for i in range(p.shape[0]):
        total = 0.0
        for k in range(p.shape[1]):
            total += x_log2_x(p[i, k] + p[i, k])
        out[i] = total


# Below this square the sum of entropies has lost too many digits to cancellation.
NEAR = 1e-4


@compiled
def jensen_shannon_tile(x: NDArray[np.float64], y: NDArray[np.float64], out: Floats) -> None:
    """Roots of the Jensen-Shannon divergence in bits; features are p, then its entropy.

    With s = p + q the divergence is half the sum of s log2(2 / s) + p log2(p) + q log2(q).
    """
    total = np.empty(y.shape[1])
    n = x.shape[1] - 1
    for i in range(x.shape[0]):
        total[:] = 0.0
        for k in range(n):
            p, q = x[i, k], y[k]
            for j in range(total.shape[0]):
                total[j] += x_log2_x(p + q[j])
        row, entropy, entropies = out[i], x[i, n], y[n]
        n_near = 0
        for j in range(total.shape[0]):
            total[j] = 0.5 * (0.5 * (entropy + entropies[j]) - total[j])
            n_near += total[j] < NEAR
        if n_near > 0:  # apart, so that the loops before and after are free of calls
            for j in range(total.shape[0]):
                if total[j] < NEAR:
                    total[j] = near_divergence(x[i], y, j)
        for j in range(total.shape[0]):
            row[j] = math.sqrt(min(total[j], 1.0))


@compiled
def near_divergence(x: NDArray[np.float64], y: NDArray[np.float64], j: int) -> float:
    """Jensen-Shannon divergence in bits without cancellation, for one pair.

    With d = (p - q) / (p + q) it is the sum of (p + q) / 4 times
    (1 + d) log2(1 + d) + (1 - d) log2(1 - d) = (d^2 / 1 + d^4 / 6 + d^6 / 15 + ...) / ln(2).
    """
    total = 0.0
    for k in range(x.shape[0] - 1):
        p, q = x[k], y[k, j]
        if p == q:
            continue
        d = (p - q) / (p + q)
        if abs(d) < 0.25:
            d2 = d * d
            term, power = 0.0, 1.0
            for m in range(1, 13):
                power *= d2
                term += power / (m * (2 * m - 1))
        elif abs(d) == 1.0:
            term = 2 * math.log(2.0)
        else:
            term = (1 + d) * math.log1p(d) + (1 - d) * math.log1p(-d)
        total += 0.25 * (p + q) * term
    return total / math.log(2.0)
