"""Places for the nodes of a directed acyclic graph: layers from top to bottom, few crossings.

The steps of Sugiyama, Tagawa and Toda (1981): layers by the longest path, nodes of a layer in an
order with few crossings (barycentres), then positions across that keep edges straight. The places
follow from the graph alone.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import scipy.sparse as sp

_SWEEPS = 8
_STARTS = 6
# An edge that passes a layer takes this much room there.
_PASSING_WIDTH = 0.25
_PULL = (1.0, 2.0, 8.0)  # of an edge with no, one, two ends that pass
_LEAN = 1e-4

Edge = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Layout:
    """Where a graph is drawn.

    Parameters
    ----------
    x : tuple of float
        Centre of each node across; the leftmost border of all is 0.
    layer : tuple of int
        Layer of each node, 0 at the top.
    bends : dict of (int, int) to tuple of (float, int)
        For each edge the places (x, layer) that it passes between its ends, in order.
    width : float
        The rightmost border of all.
    """

    x: tuple[float, ...]
    layer: tuple[int, ...]
    bends: dict[Edge, tuple[tuple[float, int], ...]]
    width: float

    @property
    def n_layers(self) -> int:
        """Number of layers."""
        return max(self.layer, default=-1) + 1


def layered_layout(widths: Sequence[float], edges: Sequence[Edge], *, gap: float = 0.3) -> Layout:
    """Layers, order and positions of the nodes of a directed acyclic graph.

    Parameters
    ----------
    widths : sequence of float
        Width of each node, in any unit.
    edges : sequence of (int, int)
        Rows (u, v), free of cycles: v is drawn below u.
    gap : float, default=0.3
        Least room between nodes of a layer, in the same unit.

    Returns
    -------
    Layout

    Examples
    --------
    >>> layout = layered_layout([1.0, 1.0, 1.0], [(0, 1), (1, 2), (0, 2)])
    >>> layout.layer, [round(place, 2) for place, _ in layout.bends[0, 2]]
    ((0, 1, 2), [1.43])
    """
    layer = _layers(len(widths), edges)
    chain = _Chain(list(widths), layer, edges)
    order = _order(chain)
    x = _positions(chain, order, gap).tolist()
    left = min((place - w / 2 for place, w in zip(x, chain.width, strict=True)), default=0.0)
    right = max((place + w / 2 for place, w in zip(x, chain.width, strict=True)), default=0.0)
    # Rounded so that the last bits of a solver do not make equal drawings differ.
    places = [round(place - left, 6) for place in x]
    bends = {
        edge: tuple((places[d], chain.layer[d]) for d in dummies)
        for edge, dummies in chain.passing.items()
    }
    n = len(widths)
    return Layout(tuple(places[:n]), tuple(chain.layer[:n]), bends, round(right - left, 6))


class _Chain:
    """The graph with a small node wherever an edge passes a layer: every edge spans one layer."""

    def __init__(self, widths: list[float], layer: list[int], edges: Sequence[Edge]) -> None:
        self.n_real = len(widths)
        self.width, self.layer = widths, list(layer)
        self.passing: dict[Edge, list[int]] = {}
        self.above: list[list[int]] = [[] for _ in widths]
        self.below: list[list[int]] = [[] for _ in widths]
        for u, v in edges:
            path = [u]
            for height in range(layer[u] + 1, layer[v]):
                self.width.append(_PASSING_WIDTH)
                self.layer.append(height)
                self.above.append([])
                self.below.append([])
                path.append(len(self.width) - 1)
            self.passing[u, v] = path[1:]
            for a, b in zip(path, [*path[1:], v], strict=True):
                self.below[a].append(b)
                self.above[b].append(a)

    def rows(self) -> list[list[int]]:
        found: list[list[int]] = [[] for _ in range(max(self.layer, default=-1) + 1)]
        for node, height in enumerate(self.layer):
            found[height].append(node)
        return found


def _layers(n: int, edges: Sequence[Edge]) -> list[int]:
    """Longest path from a source; a source stands right above what it feeds."""
    below: list[list[int]] = [[] for _ in range(n)]
    n_above = [0] * n
    for u, v in edges:
        below[u].append(v)
        n_above[v] += 1
    is_source = [count == 0 for count in n_above]
    layer = [0] * n
    ready = [node for node in range(n) if is_source[node]]
    for node in ready:  # grows while it is read
        for v in below[node]:
            layer[v] = max(layer[v], layer[node] + 1)
            n_above[v] -= 1
            if n_above[v] == 0:
                ready.append(v)
    assert len(ready) == n, "the edges close a cycle"
    for node in range(n):
        if is_source[node] and below[node]:
            layer[node] = min(layer[v] for v in below[node]) - 1
    return layer


def _order(chain: _Chain) -> list[list[int]]:
    """The nodes of each layer in an order with few crossings: the best of several starts."""
    best = chain.rows()
    fewest = _n_crossings(chain, best)
    rng = random.Random(0)
    for start in range(_STARTS):
        if fewest == 0:
            break
        rows = chain.rows()
        if start > 0:
            rows = [rng.sample(row, len(row)) for row in rows]
        for sweep in range(_SWEEPS):
            rows = _swept(chain, rows, downwards=sweep % 2 == 0)
            n_crossings = _n_crossings(chain, rows)
            if n_crossings < fewest:
                best, fewest = rows, n_crossings
    return best


def _swept(chain: _Chain, rows: list[list[int]], *, downwards: bool) -> list[list[int]]:
    """Every layer sorted by the mean place of its neighbours in the one before."""
    neighbours = chain.above if downwards else chain.below
    place = _places(rows)
    rows = list(rows)
    heights = range(1, len(rows)) if downwards else range(len(rows) - 2, -1, -1)
    for height in heights:
        key = {}
        for node in rows[height]:
            near = neighbours[node]
            key[node] = sum(place[m] for m in near) / len(near) if near else place[node]
        rows[height] = sorted(rows[height], key=lambda node: (key[node], place[node]))
        place |= {node: float(i) for i, node in enumerate(rows[height])}
    return rows


def _places(rows: list[list[int]]) -> dict[int, float]:
    return {node: float(i) for row in rows for i, node in enumerate(row)}


def _n_crossings(chain: _Chain, rows: list[list[int]]) -> int:
    place = _places(rows)
    total = 0
    for row in rows[:-1]:
        ends = [(place[u], place[v]) for u in row for v in chain.below[u]]
        total += sum(
            (a - c) * (b - d) < 0 for i, (a, b) in enumerate(ends) for c, d in ends[i + 1 :]
        )
    return total


def _positions(chain: _Chain, order: list[list[int]], gap: float) -> NDArray[np.float64]:
    """Positions across that keep edges straight, most of all those that pass layers.

    The linear program of Gansner, Koutsofios, North and Vo (1993, "A technique for drawing
    directed graphs"): the least weighted sum of |x_u - x_v| over the edges, with room between the
    nodes of a layer. Of its many solutions the one that lies furthest to the left.
    """
    import scipy.sparse as sp
    from scipy.optimize import linprog

    n = len(chain.width)
    if n == 0:
        return np.empty(0)
    edges = [(u, v) for u in range(n) for v in chain.below[u]]
    pairs = [(a, b) for row in order for a, b in pairwise(row)]
    m = len(edges)
    # x_u - x_v = p - q, of which p and q count.
    equal = sp.hstack([_differences(edges, n), -sp.eye_array(m), sp.eye_array(m)], format="csr")
    apart = sp.hstack([_differences(pairs, n), sp.csr_array((len(pairs), 2 * m))], format="csr")
    room = [-(chain.width[a] + chain.width[b]) / 2 - gap for a, b in pairs]
    pull = np.array([_PULL[(u >= chain.n_real) + (v >= chain.n_real)] for u, v in edges])
    total = sum(chain.width) + gap * n  # everything side by side: wide enough for any order
    found = linprog(
        np.concatenate([np.full(n, _LEAN), pull, pull]),
        A_ub=apart if pairs else None,
        b_ub=room if pairs else None,
        A_eq=equal if edges else None,
        b_eq=np.zeros(m) if edges else None,
        bounds=[(0, total)] * n + [(0, None)] * (2 * m),
    )
    assert found.x is not None, found.message  # everything side by side is a solution
    return np.asarray(found.x[:n], dtype=np.float64)


def _differences(pairs: Sequence[Edge], n: int) -> sp.csr_array:
    """Rows that give x_a - x_b for each pair (a, b), shape (n_pairs, n)."""
    import scipy.sparse as sp

    rows = np.repeat(np.arange(len(pairs)), 2)
    columns = np.array(pairs, dtype=np.int64).reshape(-1)
    signs = np.tile([1.0, -1.0], len(pairs))
    return sp.csr_array((signs, (rows, columns)), (len(pairs), n))
