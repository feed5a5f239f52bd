"""Skeleton tables: exact edit distances of all pairs of small graphs, a short scan each.

Node maps between two skeletons are listed once, with the edge part of their cost. A map that
another one beats whatever the labels are is dropped. For one labelled graph on the left, the
label part of every map is then tabled for each tuple of labels that half of the kernels on the
right may have; a pair costs the least, over the maps, of the sum of two entries: a loop that the
compiler makes vector instructions of.

Costs are whole numbers of 32 bits; `fits_tables` says where they are small enough.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cgraph.distances._compile import compiled
from cgraph.distances.edit._inner import inner
from cgraph.distances.edit.packing import FORBIDDEN, Grid, count_bits
from cgraph.distances.edit.skeletons import WIDTH, Members, Skeletons

_FORBIDDEN = 2**26  # WIDTH of them and all finite costs fit 31 bits
_LARGEST = 2.0**17
_MOST_MAPS = 50_000
ROWS_A_UNIT = 512  # rows that share a list of maps
# Nanoseconds that a map takes: to be listed, for each row, for each of its tuples, for each pair.
_LIST_NS, _ROW_NS, _TUPLE_NS, _SCAN_NS = 150.0, 12.0, 1.6, 0.1
_BEAT_NS = 20.0  # to see whether one map beats another
_TRIAL = 64  # maps that tell whether it is worth to look for beaten ones
_BEATEN_BY = 128  # maps that others are compared to
_TILE_ROWS = 16


class TableCosts(NamedTuple):
    """Costs as whole numbers of 32 bits."""

    substitute: NDArray[np.int32]  # (K + 1, K) the last row is for what is inserted
    indel: NDArray[np.int32]  # (K,)
    edge: int
    most_substitute: int  # of the labels that are not colours
    least_indel: int
    most_indel: int
    scale: float


def fits_tables(grid: Grid) -> bool:
    """Whether costs are whole numbers small enough for tables."""
    finite = grid.substitute[grid.substitute < FORBIDDEN]
    largest = max(finite.max(initial=0), grid.indel.max(initial=0), 2 * grid.half_edge)
    return grid.rounding == 0 and largest <= _LARGEST


def table_costs(grid: Grid, apart: NDArray[np.bool_]) -> TableCosts:
    """Costs of a grid that `fits_tables`."""
    k = len(grid.indel)
    substitute = np.empty((k + 1, k), dtype=np.int32)
    substitute[:k] = np.where(grid.substitute < FORBIDDEN, grid.substitute, _FORBIDDEN)
    substitute[k] = grid.indel
    inner_labels = substitute[:k][np.ix_(~apart, ~apart)]
    return TableCosts(
        substitute,
        grid.indel.astype(np.int32),
        round(2 * grid.half_edge),
        int(inner_labels.max(initial=0)),
        int(grid.indel.min(initial=np.inf)) if k else 0,
        int(grid.indel.max(initial=0)),
        grid.scale,
    )


def time_tables(
    skeletons: Skeletons,
    rows: Members,
    columns: Members,
    row_skeletons: NDArray[np.int64],
    column_skeletons: NDArray[np.int64],
    always: bool,
) -> NDArray[np.float64]:
    """About how long tables of pairs of skeletons take, in ns; infinite where maps are too many.

    Parameters
    ----------
    skeletons : Skeletons
        All of them.
    rows, columns : Members
        Whose tables have the rows on the left.
    row_skeletons, column_skeletons : ndarray of int64, shape (a,), (b,)
        Which pairs.
    always : bool
        As `needs_deletions` gives it.

    Returns
    -------
    ndarray of float64, shape (a, b)
    """
    kinds: dict[tuple[int, bytes], int] = {}

    def kinds_of(some: NDArray[np.int64]) -> NDArray[np.int64]:
        found = []
        for s in some.tolist():
            n = int(skeletons.n_kernels[s])
            key = n, np.sort(skeletons.colours[s, :n]).tobytes()
            found.append(kinds.setdefault(key, len(kinds)))
        return np.array(found, dtype=np.int64)

    left, right = kinds_of(row_skeletons), kinds_of(column_skeletons)
    counts = np.array([[_count_maps(a, b, always) for b in kinds] for a in kinds])
    maps = counts.reshape(len(kinds), len(kinds))[np.ix_(left, right)]
    n_rows = np.diff(rows.offsets)[row_skeletons, None]
    n_columns = np.diff(columns.offsets)[None, column_skeletons]
    n_tuples = np.diff(columns.tuple_offsets).sum(axis=0)[None, column_skeletons]
    of_map = _LIST_NS * np.ceil(n_rows / ROWS_A_UNIT)
    of_map = of_map + n_rows * (_ROW_NS + _TUPLE_NS * n_tuples) + n_rows * n_columns * _SCAN_NS
    return np.where(maps <= _MOST_MAPS, maps * of_map, np.inf)


def _count_maps(a: tuple[int, bytes], b: tuple[int, bytes], always: bool) -> int:
    """The number of maps that `list_maps` gives for two skeletons of given sizes and colours."""
    colours_a = np.frombuffer(a[1], dtype=np.int64).tolist()
    colours_b = np.frombuffer(b[1], dtype=np.int64).tolist()
    colours = {*colours_a, *colours_b}
    deletions = always or any(
        colours_a.count(colour) != colours_b.count(colour) for colour in colours - {-1}
    )
    total = 1
    for colour in colours:
        m, n = sorted((colours_a.count(colour), colours_b.count(colour)))
        if deletions:
            total *= sum(
                math.comb(n, k) * math.comb(m, k) * math.factorial(k) for k in range(m + 1)
            )
        else:
            total *= math.perm(n, m)
    return total


@compiled
def fill_rows(
    s: int,
    first: int,
    last: int,
    skeletons: Skeletons,
    rows: Members,
    columns: Members,
    costs: TableCosts,
    chosen: Any,
    always: bool,
    mirrored: bool,
    transposed: bool,
    out: Any,
) -> None:
    """Distances of the members `first` to `last` of skeleton s to all members of chosen ones.

    `out` is written at (row, column); at (column, row) if `transposed`; at both if `mirrored`,
    where rows and columns are the same members.
    """
    n_kernels = skeletons.n_kernels[s]
    labels = np.full(n_kernels + 1, len(costs.indel), np.int64)
    for t in range(len(skeletons.n_kernels)):
        start, stop = columns.offsets[t], columns.offsets[t + 1]
        if start == stop or not chosen[s, t]:
            continue
        inverse, deleted, edges = list_maps(skeletons, s, t, costs.edge, always)
        n_pairs = (last - first) * (stop - start)
        work = len(edges) * ((last - first) * _ROW_NS + n_pairs * _SCAN_NS)
        n_compared = min(len(edges), _BEATEN_BY)
        if work > 4 * _BEAT_NS * len(edges) * n_compared:
            inverse, deleted, edges = _drop_beaten(inverse, deleted, edges, n_kernels, costs, False)
        elif work > _BEAT_NS * min(n_compared, _TRIAL) ** 2:
            inverse, deleted, edges = _drop_beaten(inverse, deleted, edges, n_kernels, costs, True)
        halves = _empty_halves(columns, t, len(edges))
        tile = np.empty((_TILE_ROWS, stop - start))
        for block in range(first, last, _TILE_ROWS):
            n = min(_TILE_ROWS, last - block)
            for r in range(n):
                row = block + r
                labels[:n_kernels] = rows.labels[row, :n_kernels]
                _fill_halves(labels, columns, t, costs, inverse, deleted, edges, halves)
                begin = row - start if mirrored and s == t else 0
                _scan(columns, start, begin, stop - start, halves, costs.scale, tile[r])
            for c in range(stop - start):
                column = columns.graphs[start + c]
                for r in range(n):
                    row = rows.graphs[block + r]
                    if mirrored and s == t and start + c < block + r:
                        continue
                    if transposed or mirrored:
                        out[column, row] = tile[r, c]
                    if not transposed:
                        out[row, column] = tile[r, c]


@inner
def list_maps(
    skeletons: Skeletons, s: int, t: int, edge: int, always: bool
) -> tuple[Any, Any, Any]:
    """All maps of skeleton s to skeleton t that may be cheapest, by rising cost of their edges.

    Returns
    -------
    inverse : ndarray of int64, shape (n_t, n_maps)
        The kernel of s that each kernel of t comes from; n_s where it is inserted.
    deleted : ndarray of int64, shape (n_maps,)
        Bits of the kernels of s that are deleted.
    edges : ndarray of int32, shape (n_maps,)
        Cost of the edges that are deleted and inserted.
    """
    n_s, n_t = skeletons.n_kernels[s], skeletons.n_kernels[t]
    any_deletions = always or _colours_differ(skeletons, s, t)
    most_deleted = n_s if any_deletions else max(n_s - n_t, 0)
    out_s, in_s, n_edges_s = _adjacency(skeletons, s)
    out_t, in_t, n_edges_t = _adjacency(skeletons, t)
    room = 256
    images = np.empty((room, WIDTH), np.int8)
    kept_by = np.empty(room, np.int64)  # edges that a map keeps
    n_maps = 0
    image = np.full(WIDTH, -2, np.int8)  # -2: nothing tried; -1: deleted
    used = np.zeros(WIDTH + 1, np.int64)
    kept = np.zeros(WIDTH + 1, np.int64)
    n_deleted = np.zeros(WIDTH + 1, np.int64)
    from_u = np.zeros(WIDTH + 1, np.int64)  # images of the kernels before u that u feeds
    into_u = np.zeros(WIDTH + 1, np.int64)
    u = 0
    while u >= 0:
        if u == n_s:
            if n_maps == room:
                room *= 2
                images, kept_by = _grown(images, room), _grown_row(kept_by, room)
            for w in range(n_s):
                images[n_maps, w] = image[w]
            kept_by[n_maps] = kept[u]
            n_maps += 1
            u -= 1
            continue
        if image[u] == -2:
            from_u[u], into_u[u] = 0, 0
            for w in range(u):
                if image[w] >= 0:
                    from_u[u] |= ((out_s[u] >> w) & 1) << image[w]
                    into_u[u] |= ((in_s[u] >> w) & 1) << image[w]
        image[u] += 1
        v = image[u]
        if v == n_t:
            image[u] = -2
            u -= 1
        elif v == -1:
            if n_deleted[u] < most_deleted:
                used[u + 1], kept[u + 1] = used[u], kept[u]
                n_deleted[u + 1] = n_deleted[u] + 1
                u += 1
        elif (used[u] >> v) & 1 == 0 and skeletons.colours[s, u] == skeletons.colours[t, v]:
            used[u + 1] = used[u] | (1 << v)
            n_deleted[u + 1] = n_deleted[u]
            both = (from_u[u] & out_t[v]) | ((into_u[u] & in_t[v]) << WIDTH)
            kept[u + 1] = kept[u] + count_bits(np.uint64(both))
            u += 1
    return _sorted_maps(images, kept_by, n_maps, n_s, n_t, edge, n_edges_s + n_edges_t)


@inner
def _sorted_maps(
    images: Any, kept_by: Any, n_maps: int, n_s: int, n_t: int, edge: int, n_edges: int
) -> tuple[Any, Any, Any]:
    """What `list_maps` returns, from maps in any order (a counting sort, stable)."""
    starts = np.zeros(n_edges + 2, np.int64)
    for m in range(n_maps):
        starts[n_edges - 2 * kept_by[m] + 1] += 1
    for k in range(n_edges + 1):
        starts[k + 1] += starts[k]
    inverse = np.full((n_t, n_maps), n_s, np.int64)
    deleted = np.zeros(n_maps, np.int64)
    edges = np.empty(n_maps, np.int32)
    for m in range(n_maps):
        changed = n_edges - 2 * kept_by[m]
        place = starts[changed]
        starts[changed] += 1
        edges[place] = edge * changed
        for u in range(n_s):
            v = images[m, u]
            if v >= 0:
                inverse[v, place] = u
            else:
                deleted[place] |= 1 << u
    return inverse, deleted, edges


@inner
def _adjacency(skeletons: Skeletons, s: int) -> tuple[Any, Any, int]:
    """Bits of the edges out of each kernel and into it, and how many edges there are."""
    out_bits, in_bits = np.zeros(WIDTH, np.int64), np.zeros(WIDTH, np.int64)
    n_edges = 0
    for u in range(WIDTH):
        out_bits[u] = skeletons.out_bits[s, u]
        for v in range(WIDTH):
            has_edge = (skeletons.out_bits[s, u] >> v) & 1
            in_bits[v] |= has_edge << u
            n_edges += has_edge
    return out_bits, in_bits, n_edges


@inner
def _colours_differ(skeletons: Skeletons, s: int, t: int) -> bool:
    """Whether some colour has not as many kernels in s as in t."""
    for u in range(WIDTH):
        for wanted in (
            skeletons.colours[s, u] if u < skeletons.n_kernels[s] else -1,
            skeletons.colours[t, u] if u < skeletons.n_kernels[t] else -1,
        ):
            if wanted < 0:
                continue
            balance = np.int64(0)
            for v in range(WIDTH):
                balance += v < skeletons.n_kernels[s] and skeletons.colours[s, v] == wanted
                balance -= np.int64(
                    v < skeletons.n_kernels[t] and skeletons.colours[t, v] == wanted
                )
            if balance != 0:
                return True
    return False


@inner
def _grown(values: Any, room: int) -> Any:
    larger = np.empty((room, values.shape[1]), values.dtype)
    larger[: len(values)] = values
    return larger


@inner
def _grown_row(values: Any, room: int) -> Any:
    larger = np.empty(room, values.dtype)
    larger[: len(values)] = values
    return larger


@inner
def _drop_beaten(
    inverse: Any, deleted: Any, edges: Any, n_s: int, costs: TableCosts, may_stop: bool
) -> Any:
    """Without the maps that an earlier one beats, or equals, whatever the labels are.

    If most of the first ones are kept it may stop there, and keep them all.
    """
    n_maps = len(edges)
    keep = np.empty(n_maps, np.int64)
    n_kept = 0
    for m in range(n_maps):
        if may_stop and m == _TRIAL and 4 * n_kept > 3 * _TRIAL:
            return inverse, deleted, edges
        beaten = False
        for k in range(min(n_kept, _BEATEN_BY)):
            if _beats(inverse, deleted, edges, keep[k], m, n_s, costs):
                beaten = True
                break
        if not beaten:
            keep[n_kept] = m
            n_kept += 1
    kept_inverse = np.empty((len(inverse), n_kept), np.int64)
    for j in range(len(inverse)):
        for k in range(n_kept):
            kept_inverse[j, k] = inverse[j, keep[k]]
    return kept_inverse, deleted[keep[:n_kept]], edges[keep[:n_kept]]


@inner
def _beats(
    inverse: Any, deleted: Any, edges: Any, by: int, m: int, n_s: int, costs: TableCosts
) -> bool:
    """Whether map `by` costs at most what map m does, under any labels."""
    gap = np.int64(edges[m]) - edges[by]
    for j in range(len(inverse)):
        one, other = inverse[j, by], inverse[j, m]
        if one == other:
            continue
        if one == n_s:
            gap -= costs.most_indel
        elif other == n_s:
            gap -= costs.most_substitute - costs.least_indel
        else:
            gap -= costs.most_substitute
    for u in range(n_s):
        one, other = (deleted[by] >> u) & 1, (deleted[m] >> u) & 1
        if one > other:
            gap -= costs.most_indel
        elif one < other:
            gap += costs.least_indel
    return bool(gap >= 0)


@inner
def _empty_halves(columns: Members, t: int, n_maps: int) -> tuple[Any, Any]:
    """Tables for the tuples of both halves, shape (n_tuples, n_maps)."""
    n_0 = columns.tuple_offsets[0, t + 1] - columns.tuple_offsets[0, t]
    n_1 = columns.tuple_offsets[1, t + 1] - columns.tuple_offsets[1, t]
    return np.empty((n_0, n_maps), np.int32), np.empty((n_1, n_maps), np.int32)


@inner
def _fill_halves(
    labels: Any,
    columns: Members,
    t: int,
    costs: TableCosts,
    inverse: Any,
    deleted: Any,
    edges: Any,
    halves: Any,
) -> None:
    """Cost of each map for each tuple of labels; what no tuple decides is in the first half.

    `labels` are those of the graph on the left, and the row of `costs.substitute` for what is
    inserted.
    """
    n_maps = len(edges)
    parts = np.empty((len(costs.indel), n_maps), np.int32)
    filled = np.empty(len(costs.indel), np.bool_)
    base = edges.copy()
    for u in range(len(labels) - 1):
        price = costs.indel[labels[u]]
        for m in range(n_maps):
            base[m] += price if (deleted[m] >> u) & 1 else 0
    for half in range(2):
        table = halves[0] if half == 0 else halves[1]
        first = columns.tuple_offsets[half, t]
        for x in range(len(table)):
            for m in range(n_maps):
                table[x, m] = base[m] if half == 0 else 0
        for i in range(WIDTH):
            j = columns.half_kernels[half, t, i]
            if j < 0:
                break
            filled[:] = False
            for x in range(len(table)):
                label = columns.tuples[first + x, i]
                if not filled[label]:
                    filled[label] = True
                    for m in range(n_maps):
                        parts[label, m] = costs.substitute[labels[inverse[j, m]], label]
                for m in range(n_maps):
                    table[x, m] += parts[label, m]


@inner
def _scan(
    columns: Members, start: int, begin: int, n: int, halves: Any, scale: float, distances: Any
) -> None:
    """The cheapest map for each member from `begin` on."""
    one, other = halves
    for c in range(begin, n):
        x, y = columns.codes[0, start + c], columns.codes[1, start + c]
        best = np.int32(2**31 - 1)
        for m in range(one.shape[1]):
            value = np.int32(one[x, m] + other[y, m])
            best = value if value < best else best
        distances[c] = best / scale
