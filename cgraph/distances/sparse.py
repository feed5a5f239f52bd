"""Distances between histograms of many categories, each of which has few.

The neighbourhoods of half a million cells fall into hundreds of thousands of categories, and a
cell has some twenty. Rows hold the categories that occur, in order; a pair of rows is merged.
What stands in both, in one, or in neither is added in the order of the categories, whichever row
comes first: distances are symmetric to the last bit.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cgraph.distances._compile import compiled
from cgraph.distances.features import Histogram
from cgraph.distances.plans import DistancePlan, Floats
from cgraph.distances.usage import NEAR, PSEUDO_COUNT, x_log2_x
from cgraph.parallel import parallel_map

_PAIRS_A_TASK = 1 << 16
_SMALL = 1 << 14  # pairs that are done sooner than threads are started


class Rows(NamedTuple):
    """Histograms as a distance reads them."""

    offsets: NDArray[np.int64]  # (n + 1,)
    categories: NDArray[np.int64]  # (n_entries,) rising in each row
    values: NDArray[np.float64]  # (n_entries,)
    terms: NDArray[np.float64]  # (n_entries,) what else is known of each value
    absent: NDArray[np.float64]  # (n, 2) value and term of a category that a row does not have
    n_categories: int

    def of(self, chosen: slice | NDArray[np.int64]) -> Rows:
        """Some of the rows."""
        picked = np.arange(len(self.offsets) - 1)[chosen]
        counts = np.diff(self.offsets)[picked]
        offsets = np.concatenate([[0], np.cumsum(counts)])
        entries = np.repeat(self.offsets[picked] - offsets[:-1], counts) + np.arange(offsets[-1])
        return Rows(
            offsets,
            self.categories[entries],
            self.values[entries],
            self.terms[entries],
            self.absent[picked],
            self.n_categories,
        )


Prepare = Callable[[Histogram], Rows]
Fill = Callable[[Rows, Rows, Floats], None]


def sparse_plan(
    prepare: Prepare, fill: Fill, x: Histogram, other: Histogram | None, n_jobs: int
) -> DistancePlan:
    """Distances between distinct histograms; see `DistanceMethod.function`."""
    left, rows = _distinct(prepare(x))
    if other is None:
        block = partial(_fill_block, fill, left, left, n_jobs)
        shape = (len(left.offsets) - 1,) * 2
        return DistancePlan(rows, rows, shape, block, is_mirrored=True)
    right, columns = _distinct(prepare(other))
    block = partial(_fill_block, fill, left, right, n_jobs)
    shape = (len(left.offsets) - 1, len(right.offsets) - 1)
    return DistancePlan(rows, columns, shape, block, is_mirrored=False)


def roots_of_shares(counts: Histogram) -> Rows:
    """Share of each category, its root over sqrt(2) as the term."""
    shares = _shares(counts)
    return shares._replace(terms=np.sqrt(shares.values / 2))


def shares_with_entropies(counts: Histogram) -> Rows:
    """Share p of each category, with p log2(p) as the term."""
    shares = _shares(counts)
    return shares._replace(terms=shares.values * np.log2(shares.values))


def smoothed_shares(counts: Histogram) -> Rows:
    """Share of each category after `PSEUDO_COUNT` is added to all, its logarithm as the term."""
    n, k = len(counts.offsets) - 1, counts.n_categories
    owner = np.repeat(np.arange(n), np.diff(counts.offsets))
    total = np.bincount(owner, counts.counts, minlength=n) + PSEUDO_COUNT * k
    values = (counts.counts + PSEUDO_COUNT) / total[owner]
    rest = PSEUDO_COUNT / np.where(total > 0, total, 1)
    absent = np.stack([rest, np.log(rest)], axis=1)
    return Rows(counts.offsets, counts.categories, values, np.log(values), absent, k)


def _shares(counts: Histogram) -> Rows:
    """Shares; a row that counts nothing has a category of its own behind all others."""
    n, k = len(counts.offsets) - 1, counts.n_categories
    owner = np.repeat(np.arange(n), np.diff(counts.offsets))
    total = np.bincount(owner, counts.counts, minlength=n)
    is_empty = total == 0
    sizes = np.diff(counts.offsets) * ~is_empty + is_empty
    offsets = np.concatenate([[0], np.cumsum(sizes)])
    categories = np.full(offsets[-1], k, dtype=np.int64)
    values = np.ones(offsets[-1])
    kept = ~is_empty[owner]
    places = np.ones(offsets[-1], dtype=bool)
    places[offsets[:-1][is_empty]] = False
    categories[places] = counts.categories[kept]
    values[places] = (counts.counts / np.where(is_empty, 1, total)[owner])[kept]
    return Rows(offsets, categories, values, np.zeros_like(values), np.zeros((n, 2)), k + 1)


def _distinct(rows: Rows) -> tuple[Rows, NDArray[np.int64]]:
    """Rows that differ, numbered by first appearance, and the number of each row."""
    found: dict[tuple[bytes, bytes], int] = {}
    n = len(rows.offsets) - 1
    index = np.empty(n, dtype=np.int64)
    first: list[int] = []
    bounds = rows.offsets.tolist()
    for i in range(n):
        own = slice(bounds[i], bounds[i + 1])
        key = (rows.categories[own].tobytes(), rows.values[own].tobytes())
        index[i] = number = found.setdefault(key, len(found))
        if number == len(first):
            first.append(i)
    return rows.of(np.array(first, dtype=np.int64)), index


def _fill_block(
    fill: Fill, left: Rows, right: Rows, n_jobs: int, rows: slice, columns: slice, out: Floats
) -> None:
    others = right.of(columns)
    step = max(1, _PAIRS_A_TASK // max(1, out.shape[1]))

    def some(first: int) -> None:
        last = min(first + step, rows.stop)
        part = out[first - rows.start : last - rows.start]
        fill(left.of(slice(first, last)), others, part)

    n_workers = n_jobs if out.size > _SMALL else 1
    tasks = range(rows.start, rows.stop, step)
    for _ in parallel_map(some, tasks, n_jobs=n_workers, threads=True):
        pass


@compiled
def fill_hellinger(x: Rows, y: Rows, out: Any) -> None:
    """Euclidean distances of the terms."""
    for i in range(out.shape[0]):
        for j in range(out.shape[1]):
            a, a_end = x.offsets[i], x.offsets[i + 1]
            b, b_end = y.offsets[j], y.offsets[j + 1]
            total = 0.0
            while a < a_end or b < b_end:
                p, q = 0.0, 0.0
                k = x.categories[a] if a < a_end else x.n_categories
                m = y.categories[b] if b < b_end else y.n_categories
                if k <= m:
                    p = x.terms[a]
                    a += 1
                if m <= k:
                    q = y.terms[b]
                    b += 1
                total += (p - q) ** 2
            out[i, j] = math.sqrt(total)


@compiled
def fill_jensen_shannon(x: Rows, y: Rows, out: Any) -> None:
    """Roots of the divergence: 1 + half the sum of p log2(p) + q log2(q) - s log2(s), s = p + q.

    The sum is over what both have: elsewhere its terms are 0.
    """
    for i in range(out.shape[0]):
        for j in range(out.shape[1]):
            a, a_end = x.offsets[i], x.offsets[i + 1]
            b, b_end = y.offsets[j], y.offsets[j + 1]
            total = 0.0
            while a < a_end and b < b_end:
                k, m = x.categories[a], y.categories[b]
                if k == m:
                    both = x.terms[a] + y.terms[b]
                    total += both - x_log2_x(x.values[a] + y.values[b])
                a += k <= m
                b += m <= k
            divergence = 1 + 0.5 * total
            if divergence < NEAR:
                divergence = _near(x, y, i, j)
            out[i, j] = math.sqrt(min(max(divergence, 0.0), 1.0))


@compiled
def fill_kullback_leibler(x: Rows, y: Rows, out: Any) -> None:
    """Sum of (p - q)(log p - log q)."""
    for i in range(out.shape[0]):
        for j in range(out.shape[1]):
            a, a_end = x.offsets[i], x.offsets[i + 1]
            b, b_end = y.offsets[j], y.offsets[j + 1]
            total, n_union = 0.0, 0
            while a < a_end or b < b_end:
                p, log_p = x.absent[i, 0], x.absent[i, 1]
                q, log_q = y.absent[j, 0], y.absent[j, 1]
                k = x.categories[a] if a < a_end else x.n_categories
                m = y.categories[b] if b < b_end else y.n_categories
                if k <= m:
                    p, log_p = x.values[a], x.terms[a]
                    a += 1
                if m <= k:
                    q, log_q = y.values[b], y.terms[b]
                    b += 1
                total += (p - q) * (log_p - log_q)
                n_union += 1
            p, q = x.absent[i, 0], y.absent[j, 0]
            apart = (p - q) * (x.absent[i, 1] - y.absent[j, 1])
            out[i, j] = total + (x.n_categories - n_union) * apart


@compiled
def _near(x: Rows, y: Rows, i: int, j: int) -> float:
    """Jensen-Shannon divergence in bits without cancellation; see `near_divergence`."""
    a, a_end = x.offsets[i], x.offsets[i + 1]
    b, b_end = y.offsets[j], y.offsets[j + 1]
    total = 0.0
    while a < a_end or b < b_end:
        p, q = 0.0, 0.0
        k = x.categories[a] if a < a_end else x.n_categories
        m = y.categories[b] if b < b_end else y.n_categories
        if k <= m:
            p = x.values[a]
            a += 1
        if m <= k:
            q = y.values[b]
            b += 1
        if p != q:
            d = (p - q) / (p + q)
            if abs(d) == 1.0:
                term = 2 * math.log(2.0)
            else:
                term = (1 + d) * math.log1p(d) + (1 - d) * math.log1p(-d)
            if abs(d) < 0.25:
                d2 = d * d
                term, power = 0.0, 1.0
                for n in range(1, 13):
                    power *= d2
                    term += power / (n * (2 * n - 1))
            total += 0.25 * (p + q) * term
    return total / math.log(2.0)
