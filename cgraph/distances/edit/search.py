"""Branch and bound over node maps of two small graphs: the exact edit distance.

Kernels of the first graph are taken in the order they are packed in; each is mapped to a free
kernel of the second or deleted, cheapest first. What is left of the two graphs is bounded from
below by an assignment problem: mapping i to j costs the substitution, every edge to a kernel
already mapped that only one of them has, and half the difference of their open degrees (an edge
between two open kernels is seen from both ends). The value of a feasible solution of its dual
(row minima, then column minima) is the bound, and its reduced costs bound each child before it
is opened.

Costs are whole numbers (see `packing`), so no result depends on the order of a sum. Kernels that
are alike (same label, same neighbours) are interchangeable: only one order of them is searched.
Loops over columns run in blocks of `BLOCK` lanes without branches: each is a few vector
instructions.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from cgraph.distances.edit import lanes
from cgraph.distances.edit._inner import inlined, inner
from cgraph.distances.edit.lanes import BLOCK, lesser
from cgraph.distances.edit.packing import FORBIDDEN, count_bits

DELETED = -1
_ONE = np.uint64(1)


class Workspace(NamedTuple):
    """Arrays that one search writes to; "depth" counts the rows that are decided.

    Rows are kernels of the first graph, columns those of the second, padded to a multiple of
    `BLOCK`; a column that is taken or padding has costs of `FORBIDDEN` and more. "Open" is what
    joins two kernels that are not yet decided.
    """

    cost: Any  # (depth * rows, columns) substitution, and edges to what is mapped
    insert: Any  # (depth, columns) insertion, edges to what is mapped, half of the open ones
    delete: Any  # (depth, rows) as `insert`
    row_out: Any  # (depth, rows) open edges out of a kernel, times half the cost of an edge
    row_in: Any  # (depth, rows)
    column_out: Any  # (depth, columns)
    column_in: Any  # (depth, columns)
    bound: Any  # (depth, columns) lower bound of each child; `FORBIDDEN` and more once opened
    bound_delete: Any  # (depth,) the same for the deletion of the row
    spent: Any  # (depth,) cost of what is decided
    surplus: Any  # (depth,) free columns beyond the rows that are left
    taken: Any  # (depth,) the column of each decided row, or DELETED
    local: Any  # (rows, columns) costs of the assignment problem
    row_price: Any  # (rows,)
    column_price: Any  # (1, columns)
    row_edge: Any  # (2, rows, rows) 1 where the first graph has an edge out of, into the row
    row_sign: Any  # (2, rows, rows) -2 where the first graph has such an edge, 2 elsewhere
    column_edge: Any  # (2 * columns, columns) half the cost of an edge, where the second graph has
    # it out of, into the column
    row_twin: Any  # (rows,) the row before that is alike, or -1
    column_twins: Any  # (columns,) bits of the columns before that are alike
    column_class: Any  # (columns,) first column that is alike
    found: Any  # (rows,) the best map so far


@inner
def workspace(n_rows: int, n_columns: int) -> Workspace:
    """Room for pairs of up to so many kernels."""
    r = max(n_rows, 1)
    d = r + 1
    c = (n_columns + BLOCK) // BLOCK * BLOCK
    return Workspace(
        np.zeros((d * r, c), np.float64),
        np.zeros((d, c), np.float64),
        np.zeros((d, r), np.float64),
        np.zeros((d, r), np.float64),
        np.zeros((d, r), np.float64),
        np.zeros((d, c), np.float64),
        np.zeros((d, c), np.float64),
        np.zeros((d, c), np.float64),
        np.zeros(d, np.float64),
        np.zeros(d, np.float64),
        np.zeros(d, np.int64),
        np.zeros(d, np.int64),
        np.zeros((r, c), np.float64),
        np.zeros(r, np.float64),
        np.zeros((1, c), np.float64),
        np.zeros((2, r, r), np.float64),
        np.zeros((2, r, r), np.float64),
        np.zeros((2 * c, c), np.float64),
        np.zeros(r, np.int64),
        np.zeros(c, np.uint64),
        np.zeros(c, np.int64),
        np.zeros(r, np.int64),
    )


@inner
def search(
    work: Workspace,
    a: Any,
    b: Any,
    substitute: Any,
    indel: Any,
    half_edge: float,
    step: float,
    deletions: bool,
    best: float,
    budget: int,
) -> tuple[float, float, int]:
    """Lower bound, cost of the best map below `best`, and expansions of one search.

    `a` and `b` are (labels, out bits, in bits), the first with at most as many kernels. Costs of
    maps are multiples of `step`: what is less than that below `best` cannot be better. The map
    is left in `work.found`, by row; it is untouched where no map costs less than `best`.
    """
    n_rows, n_columns = len(a[0]), len(b[0])
    blocks = (n_columns + BLOCK - 1) // BLOCK
    twins = _load(work, a, b, substitute, indel, half_edge)
    lower = FORBIDDEN  # the least bound that is given up
    depth, expansions, entering = 0, 0, True
    while depth >= 0:
        if entering:
            expansions += 1
            if depth >= n_rows - 1:
                best = _finish(work, depth, n_rows, blocks, deletions, best)
                depth -= 1
                entering = False
                continue
            bound = _bound(work, depth, n_rows, blocks, deletions)
            if bound <= best - step and twins:
                _break_symmetry(work, depth, n_columns)
        else:
            bound = 0.0
        if bound <= best - step:
            column, bound = _cheapest(work, depth, blocks)
        # A budget never stops the search before it has found some map.
        if bound > best - step or (expansions >= budget and best < FORBIDDEN):
            lower = lesser(lower, np.ceil(bound / step) * step)
            depth -= 1
            entering = False
            continue
        work.taken[depth] = column
        if column == DELETED:
            _delete(work, depth, n_rows, blocks, half_edge)
        else:
            _map(work, depth, column, n_rows, blocks, half_edge)
        depth += 1
        entering = True
    return lesser(lower, best), best, expansions


@inner
def _load(
    work: Workspace,
    a: Any,
    b: Any,
    substitute: Any,
    indel: Any,
    half_edge: float,
) -> bool:
    """Write a pair of graphs to the arrays of depth 0; whether some kernels are alike."""
    labels_a, out_a, in_a = a
    labels_b, out_b, in_b = b
    n_rows, n_columns, room = len(labels_a), len(labels_b), work.column_edge.shape[1]
    padded = (n_columns + BLOCK - 1) // BLOCK * BLOCK
    for row in range(n_rows):
        for other in range(n_rows):
            bit = np.uint64(other)
            goes = np.int64((out_a[row] >> bit) & _ONE)
            comes = np.int64((in_a[row] >> bit) & _ONE)
            work.row_edge[0, row, other] = goes
            work.row_edge[1, row, other] = comes
            work.row_sign[0, row, other] = 2 - 4 * goes
            work.row_sign[1, row, other] = 2 - 4 * comes
        n_out, n_in = count_bits(out_a[row]), count_bits(in_a[row])
        work.row_out[0, row] = half_edge * n_out
        work.row_in[0, row] = half_edge * n_in
        work.delete[0, row] = indel[labels_a[row]] + half_edge * (n_out + n_in)
        for j in range(n_columns):
            work.cost[row, j] = substitute[labels_a[row], labels_b[j]]
        for j in range(n_columns, padded):
            work.cost[row, j] = FORBIDDEN
    for j in range(n_columns):
        for k in range(padded):
            bit = np.uint64(k)
            work.column_edge[j, k] = half_edge * np.int64((out_b[j] >> bit) & _ONE)
            work.column_edge[room + j, k] = half_edge * np.int64((in_b[j] >> bit) & _ONE)
        n_out, n_in = count_bits(out_b[j]), count_bits(in_b[j])
        work.column_out[0, j] = half_edge * n_out
        work.column_in[0, j] = half_edge * n_in
        work.insert[0, j] = indel[labels_b[j]] + half_edge * (n_out + n_in)
    for j in range(n_columns, padded):
        work.column_out[0, j] = 0
        work.column_in[0, j] = 0
        work.insert[0, j] = FORBIDDEN
    work.spent[0] = 0
    work.surplus[0] = n_columns - n_rows
    return _find_twins(work, a, b)


@inner
def _find_twins(work: Workspace, a: Any, b: Any) -> bool:
    """Note which kernels are alike: same label, same neighbours."""
    found = False
    labels, out_bits, in_bits = a
    for row in range(len(labels)):
        work.row_twin[row] = -1
        for k in range(row):
            same = out_bits[k] == out_bits[row] and in_bits[k] == in_bits[row]
            if same and labels[k] == labels[row]:
                work.row_twin[row] = k
                found = True
    labels, out_bits, in_bits = b
    for j in range(len(labels)):
        work.column_twins[j] = np.uint64(0)
        work.column_class[j] = j
        for k in range(j - 1, -1, -1):
            same = out_bits[k] == out_bits[j] and in_bits[k] == in_bits[j]
            if same and labels[k] == labels[j]:
                work.column_twins[j] |= _ONE << np.uint64(k)
                work.column_class[j] = k
                found = True
    return found


@inlined
def _bound(
    work: Workspace,
    depth: int,
    n_rows: int,
    blocks: int,
    deletions: bool,
) -> float:
    """Lower bound of all maps below, and of those below each child."""
    spare, surplus = _spare_price(work, depth, n_rows, blocks)
    n_all = len(work.row_price)
    bound: float = work.spent[depth]
    for _ in range(abs(surplus)):
        bound += spare if surplus > 0 else -spare
    # Where every column is taken and every row keeps one, insertion is no way out.
    raised = FORBIDDEN if surplus == 0 and not deletions else -spare
    for block in range(0, blocks * BLOCK, BLOCK):
        inserts = lanes.load(work.insert, depth, block)
        lanes.store(work.column_price, 0, block, lanes.add(inserts, lanes.spread(raised)))
    for row in range(depth, n_rows):
        row_out, row_in = work.row_out[depth, row], work.row_in[depth, row]
        price = work.delete[depth, row] + spare if deletions else FORBIDDEN
        for block in range(0, blocks * BLOCK, BLOCK):
            out = lanes.distance(lanes.load(work.column_out, depth, block), lanes.spread(row_out))
            into = lanes.distance(lanes.load(work.column_in, depth, block), lanes.spread(row_in))
            costs = lanes.load(work.cost, depth * n_all + row, block)
            costs = lanes.add(costs, lanes.add(out, into))
            lanes.store(work.local, row, block, costs)
            price = lesser(price, lanes.least(costs))
        work.row_price[row] = price
        bound += price
        for block in range(0, blocks * BLOCK, BLOCK):
            reduced = lanes.subtract(lanes.load(work.local, row, block), lanes.spread(price))
            prices = lanes.lesser_of(lanes.load(work.column_price, 0, block), reduced)
            lanes.store(work.column_price, 0, block, prices)
    for block in range(0, blocks * BLOCK, BLOCK):
        inserts = lanes.load(work.insert, depth, block)
        prices = lanes.load(work.column_price, 0, block)
        bound += lanes.total(lanes.where_below(inserts, FORBIDDEN, prices, 0.0))
    base = bound - work.row_price[depth]
    for block in range(0, blocks * BLOCK, BLOCK):
        costs = lanes.load(work.local, depth, block)
        reduced = lanes.subtract(costs, lanes.load(work.column_price, 0, block))
        bounds = lanes.add(reduced, lanes.spread(base))
        lanes.store(
            work.bound, depth, block, lanes.where_below(costs, FORBIDDEN, bounds, FORBIDDEN)
        )
    work.bound_delete[depth] = base + work.delete[depth, depth] + spare if deletions else FORBIDDEN
    return bound


@inlined
def _spare_price(
    work: Workspace,
    depth: int,
    n_rows: int,
    blocks: int,
) -> tuple[float, int]:
    """Free columns beyond the rows that are left, and what each costs at least.

    Negative numbers of them are rows too many: the price is then minus the least deletion.
    """
    surplus = work.surplus[depth]
    least = FORBIDDEN
    if surplus > 0:
        for block in range(0, blocks * BLOCK, BLOCK):
            least = lesser(least, lanes.least(lanes.load(work.insert, depth, block)))
        return float(least), surplus
    if surplus == 0:
        return 0.0, 0
    for row in range(depth, n_rows):
        least = lesser(least, work.delete[depth, row])
    return -float(least), surplus


@inner
def _break_symmetry(work: Workspace, depth: int, n_columns: int) -> None:
    """Leave out children that differ from another only by kernels that are alike.

    Columns that are alike are taken in order; rows that are alike take classes of columns in
    order, deletion last.
    """
    twin = work.row_twin[depth]
    column = work.taken[twin] if twin >= 0 else np.int64(0)
    first_class = work.column_class[column] if column != DELETED else n_columns
    free = np.uint64(0)
    for j in range(n_columns):
        if work.insert[depth, j] < FORBIDDEN:
            free |= _ONE << np.uint64(j)
    for j in range(n_columns):
        if work.column_twins[j] & free or (twin >= 0 and work.column_class[j] < first_class):
            work.bound[depth, j] = FORBIDDEN


@inlined
def _cheapest(work: Workspace, depth: int, blocks: int) -> tuple[int, float]:
    """The cheapest child that is not opened yet, and its bound; it counts as opened now."""
    least = work.bound_delete[depth]
    column = DELETED
    for block in range(0, blocks * BLOCK, BLOCK):
        bounds = lanes.load(work.bound, depth, block)
        smallest = lanes.least(bounds)
        if smallest < least:
            least = smallest
            column = block + lanes.first_equal(bounds, smallest)
    if column == DELETED:
        work.bound_delete[depth] = FORBIDDEN
    else:
        work.bound[depth, column] = FORBIDDEN
    return column, least


@inlined
def _finish(
    work: Workspace,
    depth: int,
    n_rows: int,
    blocks: int,
    deletions: bool,
    best: float,
) -> float:
    """Cost of the best map so far, once the last row has its cheapest place."""
    n_all = len(work.row_price)
    total = work.spent[depth]
    least = work.delete[depth, n_rows - 1] if n_rows > 0 and deletions else FORBIDDEN
    column = DELETED
    for block in range(0, blocks * BLOCK, BLOCK):
        inserts = lanes.load(work.insert, depth, block)
        total += lanes.total(lanes.where_below(inserts, FORBIDDEN, inserts, 0.0))
        if n_rows > 0:
            # Edges from the column to what is inserted are due in full.
            costs = lanes.load(work.cost, depth * n_all + n_rows - 1, block)
            costs = lanes.add(costs, lanes.load(work.column_out, depth, block))
            costs = lanes.add(costs, lanes.load(work.column_in, depth, block))
            costs = lanes.subtract(costs, inserts)
            costs = lanes.where_below(inserts, FORBIDDEN, costs, FORBIDDEN)
            smallest = lanes.least(costs)
            if smallest < least:
                least = smallest
                column = block + lanes.first_equal(costs, smallest)
    if n_rows > 0:
        total += least
    if total < best:
        best = total
        for row in range(n_rows - 1):
            work.found[row] = work.taken[row]
        if n_rows > 0:
            work.found[n_rows - 1] = column
    return best


@inlined
def _map(
    work: Workspace,
    depth: int,
    column: int,
    n_rows: int,
    blocks: int,
    half_edge: float,
) -> None:
    """Write the arrays of the next depth, where the row at `depth` takes a column."""
    below, n_all, room = depth + 1, len(work.row_price), work.column_edge.shape[1]
    work.surplus[below] = work.surplus[depth]
    work.spent[below] = work.spent[depth] + work.cost[depth * n_all + depth, column]
    for block in range(0, blocks * BLOCK, BLOCK):
        out = lanes.load(work.column_edge, column, block)
        into = lanes.load(work.column_edge, room + column, block)
        open_out = lanes.subtract(lanes.load(work.column_out, depth, block), into)
        open_in = lanes.subtract(lanes.load(work.column_in, depth, block), out)
        inserts = lanes.add(lanes.load(work.insert, depth, block), lanes.add(out, into))
        lanes.store(work.column_out, below, block, open_out)
        lanes.store(work.column_in, below, block, open_in)
        lanes.store(work.insert, below, block, inserts)
    work.insert[below, column] = FORBIDDEN
    for row in range(below, n_rows):
        goes, comes = work.row_edge[0, depth, row], work.row_edge[1, depth, row]
        work.row_out[below, row] = work.row_out[depth, row] - half_edge * comes
        work.row_in[below, row] = work.row_in[depth, row] - half_edge * goes
        work.delete[below, row] = work.delete[depth, row] + half_edge * (goes + comes)
        shift = (half_edge + half_edge) * (goes + comes)
        sign_out, sign_in = work.row_sign[0, depth, row], work.row_sign[1, depth, row]
        for block in range(0, blocks * BLOCK, BLOCK):
            out = lanes.load(work.column_edge, column, block)
            into = lanes.load(work.column_edge, room + column, block)
            # |edge of the row - edge of the column|, which is linear in the latter: a branch here
            # would be guessed wrong half of the time.
            costs = lanes.load(work.cost, depth * n_all + row, block)
            costs = lanes.add(costs, lanes.spread(shift))
            costs = lanes.add(costs, lanes.scale(out, sign_out))
            costs = lanes.add(costs, lanes.scale(into, sign_in))
            lanes.store(work.cost, below * n_all + row, block, costs)
        work.cost[below * n_all + row, column] = FORBIDDEN


@inner
def _delete(work: Workspace, depth: int, n_rows: int, blocks: int, half_edge: float) -> None:
    """As `_map`, where the row at `depth` is deleted: its open edges go with it."""
    below, n_all = depth + 1, len(work.row_price)
    work.surplus[below] = work.surplus[depth] + 1
    # `delete` holds half of the open edges; the other half is due as well.
    open_edges = work.row_out[depth, depth] + work.row_in[depth, depth]
    work.spent[below] = work.spent[depth] + work.delete[depth, depth] + open_edges
    for j in range(blocks * BLOCK):
        work.column_out[below, j] = work.column_out[depth, j]
        work.column_in[below, j] = work.column_in[depth, j]
        work.insert[below, j] = work.insert[depth, j]
    for row in range(below, n_rows):
        goes, comes = work.row_edge[0, depth, row], work.row_edge[1, depth, row]
        work.row_out[below, row] = work.row_out[depth, row] - half_edge * comes
        work.row_in[below, row] = work.row_in[depth, row] - half_edge * goes
        work.delete[below, row] = work.delete[depth, row] - half_edge * (goes + comes)
        for j in range(blocks * BLOCK):
            work.cost[below * n_all + row, j] = work.cost[depth * n_all + row, j]
