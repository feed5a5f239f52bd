"""The transport problem between the types of two graphs, by successive shortest paths.

Rows are types of the first graph and one row for what is inserted; columns are types of the
second and one for what is deleted. Paths are found with potentials, as in the Hungarian method;
kernels of equal types are matched first, which costs nothing and so leaves the potentials valid.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from cgraph.distances.edit._inner import inner

_FAR = 1e300


@inner
def solve(cost: Any, supply: Any, demand: Any, flow: Any) -> float:
    """Least cost of moving all supply to all demand; writes how much goes where.

    Parameters
    ----------
    cost : ndarray of shape (n + 1, m + 1)
        Whole numbers >= 0; the last column is deletion, the last row insertion.
    supply, demand : ndarray of shape (n + 1,), (m + 1,)
        Kernels of each type, used up; the last entries are ignored.
    flow : ndarray of shape (n + 1, m + 1)
        Written.
    """
    n, m = len(supply) - 1, len(demand) - 1
    flow[:, :] = 0
    for i in range(n):
        for j in range(m):
            if cost[i, j] == 0 and supply[i] > 0 and demand[j] > 0:
                amount = min(supply[i], demand[j])
                flow[i, j] += amount
                supply[i] -= amount
                demand[j] -= amount
    price_row, price_column = np.zeros(n + 1), np.zeros(m + 1)
    for i in range(n):
        while supply[i] > 0:
            demand[m] = supply[i]  # any number may be deleted
            supply[i] -= _send(cost, demand, flow, price_row, price_column, i, supply[i])
    demand[m] = 0
    left = demand[:m].sum()
    while left > 0:
        left -= _send(cost, demand, flow, price_row, price_column, n, left)
    total = 0.0
    for i in range(n + 1):
        for j in range(m + 1):
            total += flow[i, j] * cost[i, j]
    return total


@inner
def _send(
    cost: Any, demand: Any, flow: Any, price_row: Any, price_column: Any, source: int, most: int
) -> int:
    """Send along the cheapest path from a row to a column with demand; how much was sent."""
    n, m = cost.shape
    near = np.full(m, _FAR)
    from_row = np.full(m, -1)
    done = np.zeros(m, np.bool_)
    via_column = np.full(n, -1)  # by which column a row was reached
    reached = np.full(n, _FAR)
    row, at = source, 0.0
    reached[source] = 0.0
    for j in range(m):
        near[j] = cost[source, j] - price_row[source] - price_column[j]
        from_row[j] = source
    while True:
        column = -1
        for j in range(m):
            if not done[j] and (column < 0 or near[j] < near[column]):
                column = j
        done[column] = True
        at = near[column]
        if demand[column] > 0:
            break
        for row in range(n):
            if flow[row, column] > 0 and reached[row] == _FAR:
                reached[row] = at
                via_column[row] = column
                for j in range(m):
                    length = at + cost[row, j] - price_row[row] - price_column[j]
                    if not done[j] and length < near[j]:
                        near[j] = length
                        from_row[j] = row
    for i in range(n):
        if reached[i] < _FAR:
            price_row[i] += at - reached[i]
    for j in range(m):
        if done[j]:
            price_column[j] -= at - near[j]
    amount = min(most, demand[column])
    j = column
    while from_row[j] != source:
        j_before = via_column[from_row[j]]
        amount = min(amount, flow[from_row[j], j_before])
        j = j_before
    demand[column] -= amount
    j = column
    while True:
        i = from_row[j]
        flow[i, j] += amount
        if i == source:
            break
        j = via_column[i]
        flow[i, j] -= amount
    return int(amount)
