"""Kernel graphs of many programs at once, put together from fragments in flat arrays.

A fragment is a kernel graph with one way in and one way out. Programs that run the same sequence
of blocks, each block one fragment for all or one for each program, are chained by array
operations: nothing is done program by program.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cgraph.graphs.kernel import INPUT_LABEL, OUTPUT_LABEL, KernelGraph
from cgraph.graphs.population import Population

# Exits of a fragment without a last kernel: it gives back what it is given, or a constant.
THROUGH = -1
NOTHING = -2

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Fragment:
    """A kernel graph with one way in and one way out.

    Parameters
    ----------
    labels : tuple of str
        Kernels, in the order they run.
    edges : tuple of (int, int)
        Who feeds whom, sorted.
    entries : tuple of int
        The kernels that read what the fragment is given, sorted.
    exit : int
        The kernel that writes what it gives: the last one; `THROUGH` or `NOTHING` without one.
    """

    labels: tuple[str, ...]
    edges: tuple[tuple[int, int], ...]
    entries: tuple[int, ...]
    exit: int

    @staticmethod
    def of(graph: KernelGraph) -> Fragment:
        """The fragment in a graph that was projected with its boundary: one input, one output."""
        assert graph.labels[0] == INPUT_LABEL
        assert graph.labels[-1] == OUTPUT_LABEL
        rows = graph.edges - 1  # the input becomes -1
        last = len(graph) - 2
        into_output = rows[rows[:, 1] == last, 0]
        inner = (rows[:, 0] >= 0) & (rows[:, 1] < last)
        exit_ = int(into_output[0]) if len(into_output) else NOTHING  # -1 is THROUGH
        return Fragment(
            graph.labels[1:-1],
            tuple((u, v) for u, v in rows[inner].tolist()),
            tuple(v for u, v in rows.tolist() if u < 0 and v < last),
            exit_,
        )


@dataclass(frozen=True, slots=True)
class Block:
    """One fragment for each of n programs, or one for all, packed.

    Attributes are flat arrays with offsets, as in `Population`: `labels` holds positions in the
    vocabulary that the block was packed with.
    """

    node_offsets: Ints
    labels: Ints
    edge_offsets: Ints
    edges: Ints
    entry_offsets: Ints
    entries: Ints
    exits: Ints

    @staticmethod
    def pack(
        fragments: Sequence[Fragment], vocabulary: Sequence[str], choice: Ints | None = None
    ) -> Block:
        """Fragments in a row; program i has ``fragments[choice[i]]`` where there is a choice."""
        place = {label: i for i, label in enumerate(vocabulary)}
        packed = Block(
            _cumulated([len(f.labels) for f in fragments]),
            _flat(place[label] for f in fragments for label in f.labels),
            _cumulated([len(f.edges) for f in fragments]),
            _flat(k for f in fragments for edge in f.edges for k in edge).reshape(-1, 2),
            _cumulated([len(f.entries) for f in fragments]),
            _flat(k for f in fragments for k in f.entries),
            _flat(f.exit for f in fragments),
        )
        return packed if choice is None else packed._taken(choice)

    def _taken(self, choice: Ints) -> Block:
        """The block whose fragment i is fragment ``choice[i]`` of this one."""
        node_offsets, labels = _taken_rows(self.node_offsets, self.labels, choice)
        edge_offsets, edges = _taken_rows(self.edge_offsets, self.edges, choice)
        entry_offsets, entries = _taken_rows(self.entry_offsets, self.entries, choice)
        return Block(
            node_offsets, labels, edge_offsets, edges, entry_offsets, entries, self.exits[choice]
        )


def chain(
    blocks: Iterable[Block],
    vocabulary: Sequence[str],
    names: Sequence[str],
    *,
    boundary: bool = False,
) -> Population:
    """Population of the programs that run blocks one after the other.

    A program with a block that gives a constant is dead: it has no kernel.

    Parameters
    ----------
    blocks : iterable of Block
        Each of `len(names)` fragments, or of one. Packed with `vocabulary`.
    vocabulary : sequence of str
        Labels; those that do not occur are left out of the population.
    names : sequence of str
        Name of each program.
    boundary : bool, default=False
        Whether the input and the output are nodes too, as for `cgraph.project`.
    """
    blocks = list(blocks)
    n = len(names)
    is_alive = np.ones(n, dtype=bool)
    for block in blocks:
        is_alive &= block.exits != NOTHING
    words = [*vocabulary, INPUT_LABEL, OUTPUT_LABEL]
    runs = [(block, is_alive) for block in blocks]
    if boundary:
        everywhere = np.ones(n, dtype=bool)
        ends = [
            Block.pack([Fragment((INPUT_LABEL,), (), (), 0)], words),
            Block.pack([Fragment((OUTPUT_LABEL,), (), (0,), 0)], words),
        ]
        runs = [(ends[0], everywhere), *runs, (ends[1], everywhere)]
    node_offsets, labels, edge_offsets, edges = _fill(runs, n, is_alive)
    used = np.unique(labels)
    used = used[np.argsort([words[k] for k in used])]
    renumbered = np.zeros(len(words), dtype=np.int32)
    renumbered[used] = np.arange(len(used))
    return Population.from_arrays(
        vocabulary=[words[k] for k in used],
        node_offsets=node_offsets,
        label_ids=renumbered[labels],
        edge_offsets=edge_offsets,
        edges=edges,
        names=names,
    )


def _fill(
    runs: Sequence[tuple[Block, NDArray[np.bool_]]], n: int, is_alive: NDArray[np.bool_]
) -> tuple[Ints, Ints, Ints, Ints]:
    """Nodes and edges of all programs; edges come out sorted, as every block's exit is its last."""
    sizes, joints = _plan(runs, n, is_alive)
    node_offsets = _cumulated(sum(sizes, np.zeros(n, dtype=np.int64)))
    n_edges = np.zeros(n, dtype=np.int64)
    for (block, where), joint in zip(runs, joints, strict=True):
        n_edges += _counts(block.edge_offsets, where) + joint[1]
    edge_offsets = _cumulated(n_edges)
    labels = np.empty(node_offsets[-1], dtype=np.int64)
    edges = np.empty((edge_offsets[-1], 2), dtype=np.int64)

    node, edge = node_offsets[:-1].copy(), edge_offsets[:-1].copy()  # cursors of each program
    for (block, where), size, (before, n_joints) in zip(runs, sizes, joints, strict=True):
        labels[_ranges(node, size)] = block.labels[_ranges(_starts(block.node_offsets, n), size)]
        base = node - node_offsets[:-1]
        rows = _ranges(edge, n_joints)
        edges[rows, 0] = np.repeat(before, n_joints)
        entries = block.entries[_ranges(_starts(block.entry_offsets, n), n_joints)]
        edges[rows, 1] = entries + np.repeat(base, n_joints)
        edge += n_joints
        n_inner = _counts(block.edge_offsets, where)
        inner = block.edges[_ranges(_starts(block.edge_offsets, n), n_inner)]
        edges[_ranges(edge, n_inner)] = inner + np.repeat(base, n_inner)[:, None]
        edge += n_inner
        node += size
    return node_offsets, labels, edge_offsets, edges


def _plan(
    runs: Sequence[tuple[Block, NDArray[np.bool_]]], n: int, is_alive: NDArray[np.bool_]
) -> tuple[list[Ints], list[tuple[Ints, Ints]]]:
    """Kernels of each run; the kernel before it, and by how many edges it feeds the run."""
    base = np.zeros(n, dtype=np.int64)
    before = np.full(n, -1, dtype=np.int64)  # no kernel yet
    sizes, joints = [], []
    for block, where in runs:
        size = _counts(block.node_offsets, where)
        n_entries = _counts(block.entry_offsets, where & is_alive)
        sizes.append(size)
        joints.append((before, np.where(before >= 0, n_entries, 0)))
        exits = np.broadcast_to(block.exits, n)
        before = np.where(where & (exits >= 0), base + exits, before)
        base = base + size
    return sizes, joints


def _counts(offsets: Ints, where: NDArray[np.bool_]) -> Ints:
    """How many entries each program has of a block, 0 where it does not run."""
    return np.where(where, np.diff(offsets), 0)


def _starts(offsets: Ints, n: int) -> Ints:
    return np.broadcast_to(offsets[:-1], n)


def _taken_rows(offsets: Ints, values: Ints, choice: Ints) -> tuple[Ints, Ints]:
    counts = np.diff(offsets)[choice]
    return _cumulated(counts), values[_ranges(offsets[choice], counts)]


def _ranges(starts: Ints, counts: Ints) -> Ints:
    """``start, start + 1, ...`` for each start and count, one after the other."""
    shifts = starts - (np.cumsum(counts) - counts)
    return np.repeat(shifts, counts) + np.arange(counts.sum())


def _cumulated(counts: ArrayLike) -> Ints:
    return np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(counts, dtype=np.int64)])


def _flat(numbers: Iterable[int]) -> Ints:
    return np.fromiter(numbers, dtype=np.int64)
