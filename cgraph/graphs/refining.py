"""Canonical order of large labelled acyclic graphs, in time that grows with nodes and edges.

Kernels are coloured by what they are, then by the colours of what feeds them and of what they
feed, until nothing more is told apart (colour refinement; Weisfeiler and Leman, 1968). In an
acyclic graph a pass along the edges carries a colour all the way. Kernels that are left alike
fall, without the kernels of a colour of their own and the edges between colours that are joined
completely, into parts that can be ordered one by one: small ones by nauty.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

import numpy as np
import pynauty
from numba import njit
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

Ints = NDArray[np.int64]


def order_of(labels: Sequence[str], edges: NDArray[np.int64]) -> Ints:
    """Kernels in canonical order, shape (n_kernels,).

    Renumbering each of two isomorphic graphs by it gives the same graph, but for a collision of
    hashes of 128 bits.

    Parameters
    ----------
    labels : sequence of str
        Label of each kernel.
    edges : ndarray of int64, shape (n_edges, 2)
        Edges of an acyclic graph, each once.
    """
    colours = refined(labels, edges)
    size = np.bincount(colours)
    if len(size) == len(colours):
        return np.argsort(colours)
    part, rank = _parts(colours, size, edges), np.zeros(len(colours), dtype=np.int64)
    place = np.zeros(len(colours), dtype=np.int64)
    _order_parts(colours, edges, part, rank, place)
    return np.lexsort((place, rank, colours))


def form_of(labels: Sequence[str], edges: NDArray[np.int64]) -> bytes:
    """A full description of the graph in canonical order: equal exactly for isomorphic graphs."""
    order = order_of(labels, edges)
    place = np.empty_like(order)
    place[order] = np.arange(len(order))
    renumbered = place[edges]
    renumbered = renumbered[np.lexsort((renumbered[:, 1], renumbered[:, 0]))]
    words = [labels[k].encode() for k in order]
    names = b"".join(b"%d:%s" % (len(word), word) for word in words)  # no word ends another
    return names + b"\0" + renumbered.astype("<i8").tobytes()


def refined(labels: Sequence[str], edges: NDArray[np.int64]) -> Ints:
    """Colour of each kernel, 0, 1, ...: the coarsest partition that refinement cannot split.

    Two kernels of a colour have the same label, and as many neighbours of each colour on either
    side. Colours do not depend on how the kernels are numbered.
    """
    n = len(labels)
    words = {word: np.frombuffer(_hash(word), dtype=np.uint64) for word in set(labels)}
    colours = np.array([words[label] for label in labels], dtype=np.uint64).reshape(n, 2)
    into, out_of = _neighbours(edges[:, ::-1], n), _neighbours(edges, n)
    order = _topological(n, *into, *out_of)
    n_classes, backwards = 0, order[::-1].copy()
    while True:
        found, classes = np.unique(colours, axis=0, return_inverse=True)
        if len(found) == n_classes or len(found) == n:
            return classes.reshape(n).astype(np.int64)
        n_classes = len(found)
        colours = _pass(_pass(colours, order, *into), backwards, *out_of)


def _hash(word: str) -> bytes:
    return hashlib.blake2b(word.encode(), digest_size=16).digest()


def _neighbours(edges: NDArray[np.int64], n: int) -> tuple[Ints, Ints]:
    """Where the neighbours of each kernel begin, and the neighbours: targets by source."""
    order = np.argsort(edges[:, 0], kind="stable")
    starts = np.concatenate([[0], np.cumsum(np.bincount(edges[:, 0], minlength=n))])
    return starts.astype(np.int64), np.ascontiguousarray(edges[order, 1])


def _parts(colours: Ints, size: Ints, edges: NDArray[np.int64]) -> Ints:
    """The part of each kernel: what hangs together where colours alone do not say how."""
    n, n_colours = len(colours), len(size)
    ends = colours[edges]
    pair = ends[:, 0] * n_colours + ends[:, 1]
    _, index, count = np.unique(pair, return_inverse=True, return_counts=True)
    is_complete = count[index] == size[ends[:, 0]] * size[ends[:, 1]]
    rows = edges[~is_complete]
    joined = coo_array((np.ones(len(rows), dtype=np.int8), (rows[:, 0], rows[:, 1])), shape=(n, n))
    return connected_components(joined, directed=False)[1].astype(np.int64)


def _order_parts(
    colours: Ints, edges: NDArray[np.int64], part: Ints, rank: Ints, place: Ints
) -> None:
    """Rank of the part of each kernel among those of its colours, and place within the part."""
    by_part = np.argsort(part, kind="stable")
    starts = np.searchsorted(part[by_part], np.arange(part.max() + 2))
    inner = edges[part[edges[:, 0]] == part[edges[:, 1]]]
    inner = inner[np.argsort(part[inner[:, 0]], kind="stable")]
    edge_starts = np.searchsorted(part[inner[:, 0]], np.arange(part.max() + 2))
    forms: list[tuple[bytes, Ints]] = []
    for p in range(len(starts) - 1):
        members = by_part[starts[p] : starts[p + 1]]
        rows = inner[edge_starts[p] : edge_starts[p + 1]]
        forms.append(_part_form(members, colours[members], rows))
    for i, p in enumerate(sorted(range(len(forms)), key=lambda p: forms[p][0])):
        members = forms[p][1]
        rank[members] = i
        place[members] = np.arange(len(members))


def _part_form(members: Ints, colours: Ints, edges: NDArray[np.int64]) -> tuple[bytes, Ints]:
    """A description that isomorphic parts share, and the kernels of a part in its order."""
    order = np.argsort(colours, kind="stable")
    members, colours = members[order], colours[order]
    if len(members) > 1 and not (np.diff(colours) > 0).all():
        position = {int(k): i for i, k in enumerate(members)}
        rows = [(position[u], position[v]) for u, v in edges.tolist()]
        members = members[_nauty_order(colours, rows)]
    position = {int(k): i for i, k in enumerate(members)}
    rows = sorted((position[u], position[v]) for u, v in edges.tolist())
    form = np.array([len(members), *colours, *[i for row in rows for i in row]], dtype=">i8")
    return form.tobytes(), members


def _nauty_order(colours: Ints, rows: list[tuple[int, int]]) -> Ints:
    """Canonical order of a part that holds several kernels of a colour."""
    n = len(colours)
    # Two vertices for each kernel: where edges end, and where they begin.
    neighbours: dict[int, list[int]] = {u: [u + n] for u in range(n)}
    for u, v in rows:
        neighbours[v].append(u + n)
    cells = [set(np.flatnonzero(colours == c).tolist()) for c in np.unique(colours)]
    graph: Any = pynauty.Graph(
        2 * n,
        directed=False,
        adjacency_dict=neighbours,
        vertex_coloring=[*cells, set(range(n, 2 * n))],
    )
    return np.array(pynauty.canon_label(graph)[:n], dtype=np.int64)


@njit(cache=True)
def _topological(
    n: int, in_starts: Ints, _sources: Ints, out_starts: Ints, targets: Ints
) -> Ints:  # pragma: no cover
    """Kernels so that each stands behind all that feed it."""
    missing = in_starts[1:] - in_starts[:-1]
    order = np.empty(n, dtype=np.int64)
    n_done = 0
    for k in range(n):
        if missing[k] == 0:
            order[n_done] = k
            n_done += 1
    done = 0
    while done < n_done:
        k = order[done]
        done += 1
        for i in range(out_starts[k], out_starts[k + 1]):
            target = targets[i]
            missing[target] -= 1
            if missing[target] == 0:
                order[n_done] = target
                n_done += 1
    return order


@njit(cache=True)
def _mixed(value: np.uint64) -> np.uint64:  # pragma: no cover
    """A number that depends on every bit of another one (splitmix64; Steele et al., 2014)."""
    value = (value ^ (value >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    value = (value ^ (value >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return value ^ (value >> np.uint64(31))


@njit(cache=True)
def _pass(
    colours: NDArray[np.uint64], order: Ints, starts: Ints, neighbours: Ints
) -> NDArray[np.uint64]:  # pragma: no cover
    """Colours that know those of all kernels before them, and how they are joined to them."""
    found = np.empty_like(colours)
    first, second = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xD1B54A32D192ED03)
    for k in order:
        # A sum does not ask for the order of its terms; its terms are mixed, both halves in each.
        a = np.uint64(starts[k + 1] - starts[k])
        b = a
        for i in range(starts[k], starts[k + 1]):
            x, y = found[neighbours[i], 0], found[neighbours[i], 1]
            a += _mixed(x + first + _mixed(y))
            b += _mixed(y + second + _mixed(x ^ first))
        x, y = colours[k, 0], colours[k, 1]
        found[k, 0] = _mixed(x + _mixed(a + first) + _mixed(b ^ y))
        found[k, 1] = _mixed(y + _mixed(b + second) + _mixed(a ^ x))
    return found
