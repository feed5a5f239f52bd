"""All kernel graphs of NAS-Bench-Graph at once, equal to projecting each computational graph.

A program is a row of pieces, one of each column; which value a piece reads follows from the tree.
Everything is done for all programs at once, column by column.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cgraph.graphs.computational import ComputationalGraph
from cgraph.graphs.kernel import INPUT_LABEL, OUTPUT_LABEL, KernelGraph, project
from cgraph.graphs.passes import live
from cgraph.graphs.population import Population
from cgraph.spaces.nasbenchgraph.datasets import DataSet
from cgraph.spaces.nasbenchgraph.graphs import features_readers_of, inputs_of, pieces
from cgraph.spaces.nasbenchgraph.notation import LINKS, N_NODES, OPERATIONS, leaves
from cgraph.spaces.space import Form, Part

Ints = NDArray[np.int64]

# Values of a program: its inputs, then what each column makes.
_X, _EDGES, _FIRST = 0, 1, 2
_NO_VALUE = -1  # nothing is read there, or no kernel made it


@dataclass(frozen=True, slots=True)
class _Fragment:
    """Kernels of a piece, with their MACs and bytes.

    Parameters
    ----------
    kernels : KernelGraph
        Without what comes in and goes out.
    readers : tuple of ndarray
        The kernels that read each of the values that the piece is given.
    exit : int
        The kernel that writes what it gives; -1 where it gives back its first value.
    """

    kernels: KernelGraph
    readers: tuple[Ints, ...]
    exit: int


@dataclass(frozen=True, slots=True)
class _Column:
    """A piece of each program.

    Parameters
    ----------
    fragments : sequence of _Fragment
        The pieces that occur.
    choice : ndarray of shape (n,)
        Which of them each program has.
    sources : ndarray of shape (n, n_read)
        The values that it reads, `_NO_VALUE` behind the last.
    """

    fragments: Sequence[_Fragment]
    choice: Ints
    sources: Ints


def compose_population(
    rows: Ints, names: Sequence[str], dataset: DataSet, part: Part, form: Form, *, boundary: bool
) -> Population:
    """Kernel graphs of architectures on a data set; see `Space.population`.

    Parameters
    ----------
    rows : ndarray of shape (n, 5)
        Architectures: a position in `LINKS`, and operations.
    names : sequence of str
        Name of each.
    dataset : DataSet
        What they are trained on.
    part : {"cell", "network"}
        What is shown.
    form : {"raw", "live"}
        As it runs, or what of it is alive.
    boundary : bool
        Whether the two inputs and the output are nodes too.
    """
    columns = _columns(rows, dataset, part, form)
    if boundary:
        columns = _with_ends(columns, dataset, part)
    return _joined(columns, len(rows), names, inputs_are_nodes=boundary)


def _columns(rows: Ints, dataset: DataSet, part: Part, form: Form) -> list[_Column]:
    """The pieces of a cell or a network, in the order they run."""
    parts = pieces(dataset.name)
    n = len(rows)

    def same_for_all(graph: ComputationalGraph, source: int) -> _Column:
        return _Column([_fragment(graph, form)], np.zeros(n, np.int64), np.full((n, 1), source))

    columns = []
    value = _X
    if part == "network":
        columns.append(same_for_all(parts.dropout, value))
        value = _FIRST
        if parts.pre is not None:
            columns.append(same_for_all(parts.pre, value))
            value += 1
    columns += _cell_columns(rows, dataset, form, value, _FIRST + len(columns))
    if part == "network" and parts.post is not None:
        columns.append(same_for_all(parts.post, _FIRST + len(columns) - 1))
    return columns


def _cell_columns(
    rows: Ints, dataset: DataSet, form: Form, value: int, first: int
) -> list[_Column]:
    """The pieces of a cell that reads a value; the first of them makes value `first`."""
    parts = pieces(dataset.name)
    kinds = list(parts.nodes)
    place = np.zeros((len(OPERATIONS), 2), dtype=np.int64)
    for i, (operation, reads_features) in enumerate(kinds):
        place[operation, int(reads_features)] = i
    choice = place[rows[:, 1:], features_readers_of(rows, dataset).astype(np.int64)]
    nodes = [_fragment(parts.nodes[kind], form) for kind in kinds]
    # Value of node number 0, the input of the cell, and of nodes 1 to 4.
    values = np.array([value, *range(first, first + N_NODES)])
    links = np.array(LINKS)[rows[:, 0]]
    columns = []
    for node in range(N_NODES):
        sources = np.column_stack([values[links[:, node]], np.full(len(rows), _EDGES)])
        columns.append(_Column(nodes, choice[:, node], sources))
    read_by_head = np.full((len(LINKS), N_NODES), _NO_VALUE)
    for tree, tree_links in enumerate(LINKS):
        own = leaves(tree_links)
        read_by_head[tree, : len(own)] = values[own]
    sources = read_by_head[rows[:, 0]]
    heads = [_fragment(graph, form) for graph in parts.heads]
    columns.append(_Column(heads, (sources != _NO_VALUE).sum(axis=1) - 1, sources))
    return columns


def _with_ends(columns: list[_Column], dataset: DataSet, part: Part) -> list[_Column]:
    """The columns with the inputs before them and the output behind them."""
    n = len(columns[0].choice)
    nothing, zeros = np.empty((n, 0), dtype=np.int64), np.zeros(n, dtype=np.int64)
    inputs = [
        _Column([_end(INPUT_LABEL, memory.bytes)], zeros, nothing)
        for memory in inputs_of(dataset, is_cell=part == "cell")
    ]
    is_hidden = part == "cell" and dataset.has_post
    width = dataset.channels if is_hidden else dataset.n_classes
    last = np.full((n, 1), _FIRST + len(columns) - 1)
    output = _Column([_end(OUTPUT_LABEL, 4 * dataset.n_nodes * width)], zeros, last)
    return [*inputs, *columns, output]


def _joined(
    columns: Sequence[_Column], n: int, names: Sequence[str], *, inputs_are_nodes: bool
) -> Population:
    """The population of programs that run a piece of each column."""
    vocabulary = sorted({w for c in columns for f in c.fragments for w in f.kernels.labels})
    word = {label: i for i, label in enumerate(vocabulary)}
    offset = 0 if inputs_are_nodes else _FIRST  # value that the first column makes
    values = np.full((n, offset + len(columns)), _NO_VALUE)  # the kernel that wrote each
    base = np.zeros(n, dtype=np.int64)  # kernels so far
    nodes: list[Ints] = []  # (4, m): program, label, MACs, bytes
    edges: list[Ints] = []  # (3, m): program, who feeds, whom
    for i, column in enumerate(columns):
        graphs = [fragment.kernels for fragment in column.fragments]
        owner, labels = _spread([[word[w] for w in g.labels] for g in graphs], column.choice)
        macs, moved = (
            _spread([getattr(g, name) for g in graphs], column.choice)[1]
            for name in ("macs", "bytes")
        )
        nodes.append(np.stack([owner, labels, macs, moved]))
        owner, begins = _spread([g.edges[:, 0] for g in graphs], column.choice)
        _, ends = _spread([g.edges[:, 1] for g in graphs], column.choice)
        edges.append(np.stack([owner, base[owner] + begins, base[owner] + ends]))
        edges += _joints(column, values, base)
        values[:, offset + i] = _exits(column, values, base)
        base += np.array([len(g) for g in graphs])[column.choice]
    return _packed(np.concatenate(nodes, axis=1), np.concatenate(edges, axis=1), vocabulary, names)


def _joints(column: _Column, values: Ints, base: Ints) -> list[Ints]:
    """Edges from the kernels that wrote what pieces are given to those that read it."""
    found = []
    for slot in range(column.sources.shape[1]):
        readers = [f.readers[slot] if slot < len(f.readers) else () for f in column.fragments]
        owner, reader = _spread(readers, column.choice)
        feeder = values[owner, column.sources[owner, slot]]
        fed = feeder != _NO_VALUE
        owner = owner[fed]
        found.append(np.stack([owner, feeder[fed], base[owner] + reader[fed]]))
    return found


def _exits(column: _Column, values: Ints, base: Ints) -> Ints:
    """The kernels that write what pieces give."""
    exits = np.array([fragment.exit for fragment in column.fragments])[column.choice]
    written: Ints = base + exits
    gives_back = np.flatnonzero(exits == _NO_VALUE)
    if len(gives_back):
        written[gives_back] = values[gives_back, column.sources[gives_back, 0]]
    return written


def _packed(
    nodes: Ints, edges: Ints, vocabulary: Sequence[str], names: Sequence[str]
) -> Population:
    """The population of rows of nodes, in order for each program, and rows of edges."""
    n = len(names)
    nodes = nodes[:, np.argsort(nodes[0], kind="stable")]
    counts = np.bincount(nodes[0], minlength=n)
    stride = int(counts.max())
    keys = np.sort((edges[0] * stride + edges[1]) * stride + edges[2])
    begins, ends = np.divmod(keys % stride**2, stride)
    return Population.from_arrays(
        vocabulary=vocabulary,
        node_offsets=_offsets(counts),
        label_ids=nodes[1],
        edge_offsets=_offsets(np.bincount(edges[0], minlength=n)),
        edges=np.column_stack([begins, ends]),
        names=names,
        macs=nodes[2],
        bytes=nodes[3],
    )


def _spread(parts: Sequence[ArrayLike], choice: Ints) -> tuple[Ints, Ints]:
    """For each program the entries of the part it chose: whose they are, and they themselves."""
    arrays = [np.asarray(part, dtype=np.int64) for part in parts]
    starts = _offsets(np.array([len(array) for array in arrays]))
    counts = np.diff(starts)[choice]
    owner = np.repeat(np.arange(len(choice)), counts)
    within = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    return owner, np.concatenate(arrays)[starts[choice][owner] + within]


def _offsets(counts: Ints) -> Ints:
    return np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(counts, dtype=np.int64)])


def _fragment(graph: ComputationalGraph, form: Form) -> _Fragment:
    """Kernels of a piece, and where values come in and go out."""
    shown = live(graph) if form == "live" else graph
    whole = project(shown, boundary=True)
    n_inputs, last = len(shown.inputs), len(whole) - 1
    kernels = project(shown)
    begins, ends = whole.edges.T
    inner = ends < last
    written = begins[~inner] - n_inputs
    return _Fragment(
        kernels,
        tuple(ends[inner & (begins == i)] - n_inputs for i in range(n_inputs)),
        max(int(written[0]), _NO_VALUE),
    )


def _end(label: str, n_bytes: int) -> _Fragment:
    """An input or the output as a node."""
    graph = KernelGraph([label], [], macs=[0], bytes=[n_bytes])
    return _Fragment(graph, (np.zeros(1, dtype=np.int64),), 0)
