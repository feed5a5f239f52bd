"""A population: many kernel graphs packed in a handful of flat arrays.

Node and edge arrays of all graphs stand one after the other; offsets say where a graph begins.
Operation types are numbers of one shared vocabulary. Half a million graphs fit in megabytes, and
what runs over all of them is an array operation.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cgraph import checks
from cgraph.errors import ArgumentError, GraphError
from cgraph.graphs.canonical import certificate_of_arrays
from cgraph.graphs.kernel import KernelGraph, size_array


class NoSuchGraphError(ArgumentError, IndexError):
    """A population has fewer graphs; an `IndexError`, as of any sequence."""


@dataclass(frozen=True, slots=True, eq=False, init=False, repr=False)
class Population:
    """Kernel graphs of one vocabulary, packed.

    Parameters
    ----------
    graphs : iterable of KernelGraph
        The graphs, in order.
    names : iterable of str, optional
        Name of each graph, each once; "0", "1", ... by default.
    vocabulary : iterable of str, optional
        Every label that may occur, in the order of the columns of `usage`; the labels that
        occur, sorted, by default.

    Attributes
    ----------
    names : tuple of str
        Name of each graph.
    vocabulary : tuple of str
        The K labels.
    node_offsets, edge_offsets : ndarray of int64, shape (n_graphs + 1,)
        Graph i owns the nodes and edges from offset i to offset i + 1.
    label_ids : ndarray of int32, shape (total number of kernels,)
        Position of the label of each kernel in the vocabulary.
    edges : ndarray of int64, shape (total number of edges, 2)
        Edges, numbered from 0 in each graph.
    macs, bytes : ndarray of int64, shape (total number of kernels,), or None
        Multiply-accumulates of each kernel and the bytes that it reads and writes, where every
        graph has them.

    Raises
    ------
    GraphError
        If a label is not in the vocabulary.
    ArgumentError
        If names are not one for each graph, or a name stands twice.

    Examples
    --------
    >>> population = Population(
    ...     [KernelGraph(["relu", "add"], [(0, 1)]), KernelGraph(["add", "relu"], [(1, 0)])],
    ...     names=["a", "b"],
    ... )
    >>> population
    Population(2 graphs, 4 kernels, 2 edges, vocabulary of 2)
    >>> population.usage().tolist()
    [[1, 1], [1, 1]]
    >>> population.classes().tolist()
    [0, 0]
    """

    names: tuple[str, ...]
    vocabulary: tuple[str, ...]
    node_offsets: NDArray[np.int64]
    label_ids: NDArray[np.int32]
    edge_offsets: NDArray[np.int64]
    edges: NDArray[np.int64]
    macs: NDArray[np.int64] | None
    bytes: NDArray[np.int64] | None

    def __init__(
        self,
        graphs: Iterable[KernelGraph],
        names: Iterable[str] | None = None,
        vocabulary: Iterable[str] | None = None,
    ) -> None:
        hint = "a computational graph has to go through project() first"
        graphs = checks.instances("graphs", graphs, KernelGraph, "be kernel graphs", hint)
        occurring = {label for graph in graphs for label in graph.labels}
        words = (
            tuple(sorted(occurring))
            if vocabulary is None
            else checks.texts("vocabulary", vocabulary, different=True)
        )
        index = {label: i for i, label in enumerate(words)}
        unknown = sorted(occurring - set(index))
        if unknown:
            raise GraphError(
                "vocabulary", "hold every label that occurs", f"none for {unknown[0]!r}"
            )
        ids = [index[label] for graph in graphs for label in graph.labels]
        edges = [graph.edges for graph in graphs]
        self._set(
            names=names,
            vocabulary=words,
            node_offsets=_offsets([len(graph) for graph in graphs]),
            label_ids=np.array(ids, dtype=np.int32),
            edge_offsets=_offsets([len(rows) for rows in edges]),
            edges=np.concatenate([np.empty((0, 2), np.int64), *edges]),
            macs=_joined([graph.macs for graph in graphs if len(graph)]),
            bytes=_joined([graph.bytes for graph in graphs if len(graph)]),
        )

    @classmethod
    def from_arrays(
        cls,
        *,
        vocabulary: Iterable[str],
        node_offsets: ArrayLike,
        label_ids: ArrayLike,
        edge_offsets: ArrayLike,
        edges: ArrayLike,
        names: Iterable[str] | None = None,
        macs: ArrayLike | None = None,
        bytes: ArrayLike | None = None,  # noqa: A002
    ) -> Population:
        """The population of packed arrays, for those who build graphs in bulk.

        Arguments are the attributes of the class. Indices are checked to be in range; that no
        graph has a cycle is left to the caller.

        Raises
        ------
        GraphError
            If offsets do not fit the arrays, or an index is out of range.
        """
        population = object.__new__(cls)
        population._set(
            names=names,
            vocabulary=checks.texts("vocabulary", vocabulary, different=True),
            node_offsets=_integers("node_offsets", node_offsets),
            label_ids=checks.integers(
                "label_ids", label_ids, (None,), -1, np.iinfo(np.int32).max, error=GraphError
            ).astype(np.int32),
            edge_offsets=_integers("edge_offsets", edge_offsets),
            edges=checks.integers("edges", edges, (None, 2), error=GraphError),
            macs=macs,
            bytes=bytes,
        )
        population._check_ranges()
        return population

    def _set(
        self,
        *,
        names: Iterable[str] | None,
        vocabulary: tuple[str, ...],
        node_offsets: NDArray[np.int64],
        label_ids: NDArray[np.int32],
        edge_offsets: NDArray[np.int64],
        edges: NDArray[np.int64],
        macs: ArrayLike | None,
        bytes: ArrayLike | None,  # noqa: A002
    ) -> None:
        n = len(node_offsets) - 1
        names = (
            tuple(map(str, range(n)))
            if names is None
            else checks.texts("names", names, n=max(n, 0), of="graphs", different=True)
        )
        put = object.__setattr__
        put(self, "names", names)
        put(self, "vocabulary", vocabulary)
        for name, array in (
            ("node_offsets", node_offsets),
            ("label_ids", label_ids),
            ("edge_offsets", edge_offsets),
            ("edges", edges),
        ):
            array.setflags(write=False)
            put(self, name, array)
        put(self, "macs", size_array("macs", macs, len(label_ids)))
        put(self, "bytes", size_array("bytes", bytes, len(label_ids)))

    def _check_ranges(self) -> None:
        for name, offsets, length in (
            ("node_offsets", self.node_offsets, len(self.label_ids)),
            ("edge_offsets", self.edge_offsets, len(self.edges)),
        ):
            if len(offsets) != len(self) + 1 or offsets[0] != 0 or offsets[-1] != length:
                raise GraphError(name, f"go from 0 to {length} in {len(self) + 1} steps", offsets)
            if (np.diff(offsets) < 0).any():
                raise GraphError(name, "never fall", offsets)
        wrong = (self.label_ids < 0) | (self.label_ids >= len(self.vocabulary))
        if wrong.any():
            raise GraphError(
                "label_ids",
                f"be labels, 0 <= label < {len(self.vocabulary)}",
                int(self.label_ids[wrong][0]),
            )
        sizes = np.repeat(self.n_kernels, np.diff(self.edge_offsets))
        if ((self.edges < 0) | (self.edges >= sizes[:, None])).any():
            raise GraphError("edges", "hold kernels of their graph", "an index out of range")

    @property
    def n_kernels(self) -> NDArray[np.int64]:
        """Number of kernels of each graph, shape (n_graphs,)."""
        return np.diff(self.node_offsets)

    def __len__(self) -> int:
        return len(self.node_offsets) - 1

    @overload
    def __getitem__(self, index: int) -> KernelGraph: ...
    @overload
    def __getitem__(
        self, index: slice | Sequence[int] | NDArray[np.integer] | NDArray[np.bool_]
    ) -> Population: ...
    def __getitem__(
        self, index: int | slice | Sequence[int] | NDArray[np.integer] | NDArray[np.bool_]
    ) -> KernelGraph | Population:
        """One graph, or the population of several (a slice, indices, or a mask)."""
        if isinstance(index, int | np.integer):
            n = len(self)
            i = range(n)[checks.whole("index", index, -n, n - 1, error=NoSuchGraphError)]
            labels = [self.vocabulary[k] for k in self._label_ids_of(i)]
            own = self._nodes_of(i)
            return KernelGraph(
                labels,
                self._edges_of(i),
                macs=None if self.macs is None else self.macs[own],
                bytes=None if self.bytes is None else self.bytes[own],
            )
        chosen = self._chosen(index)
        node_offsets, nodes = _rows_of(self.node_offsets, chosen)
        edge_offsets, edges = _rows_of(self.edge_offsets, chosen)
        return Population.from_arrays(
            vocabulary=self.vocabulary,
            node_offsets=node_offsets,
            label_ids=self.label_ids[nodes],
            edge_offsets=edge_offsets,
            edges=self.edges[edges],
            names=[self.names[i] for i in chosen.tolist()],
            macs=None if self.macs is None else self.macs[nodes],
            bytes=None if self.bytes is None else self.bytes[nodes],
        )

    def _chosen(self, index: object) -> NDArray[np.int64]:
        """Positions of some graphs, >= 0."""
        n = len(self)
        if isinstance(index, list | tuple) and index and isinstance(index[0], bool):
            index = np.array(index)
        if isinstance(index, np.ndarray) and index.dtype == np.bool_:
            return np.flatnonzero(checks.truths("index", index, n, "graph"))
        if isinstance(index, slice):
            try:
                return np.arange(n)[index]
            except TypeError as error:
                raise ArgumentError("index", "be a slice of whole numbers", index) from error
        words = "be a whole number, a slice, a mask, or a sequence of whole numbers"
        return np.arange(n)[checks.integers("index", index, (None,), -n, n - 1, words=words)]

    def __iter__(self) -> Iterator[KernelGraph]:
        return (self[i] for i in range(len(self)))

    def __repr__(self) -> str:
        return (
            f"Population({len(self):,} graphs, {len(self.label_ids):,} kernels, "
            f"{len(self.edges):,} edges, vocabulary of {len(self.vocabulary)})"
        )

    def _repr_html_(self) -> str:
        """What a notebook shows: how often, and in how many graphs, each label occurs."""
        from cgraph.graphs.html import population_html

        return population_html(self)

    def usage(self) -> NDArray[np.int64]:
        """How often each graph uses each operation.

        Returns
        -------
        ndarray of int64, shape (n_graphs, K)
            Counts; columns in the order of the vocabulary. The diagonal of `adjacency_tensor`,
            summed.
        """
        n, k = len(self), len(self.vocabulary)
        owner = np.repeat(np.arange(n), self.n_kernels)
        counts = np.bincount(owner * k + self.label_ids, minlength=n * k)
        return counts.reshape(n, k).astype(np.int64, copy=False)

    def classes(self, *, sized: bool = False) -> NDArray[np.int64]:
        """Which graphs are identical programs, by exact certificates of labelled graphs.

        Parameters
        ----------
        sized : bool, default=False
            Whether kernels have to have as many multiply-accumulates and bytes, too.

        Returns
        -------
        ndarray of int64, shape (n_graphs,)
            Class of each graph, numbered by first appearance. Two graphs share a class exactly
            when they are isomorphic, labels included.

        Raises
        ------
        GraphError
            If sizes are asked for and not known.
        """
        checks.truth("sized", sized)
        found: dict[bytes, int] = {}
        names, kinds = self.vocabulary, self.label_ids
        if sized:
            names, kinds = self._sized_labels()
        result = np.empty(len(self), dtype=np.int64)
        # Graphs that are equal as they stand share the work of a certificate. Hashes of 256 bits
        # are kept: a certificate grows with the square of a graph.
        seen: dict[bytes, int] = {}
        for i in range(len(self)):
            ids, edges = kinds[self._nodes_of(i)], self._edges_of(i)
            literal = _hash(len(ids).to_bytes(8, "little") + ids.tobytes() + edges.tobytes())
            if literal not in seen:
                form = _hash(certificate_of_arrays([names[k] for k in ids], edges))
                seen[literal] = found.setdefault(form, len(found))
            result[i] = seen[literal]
        return result

    def _sized_labels(self) -> tuple[tuple[str, ...], NDArray[np.int32]]:
        """Labels with sizes, and which each kernel has."""
        if self.macs is None or self.bytes is None:
            raise GraphError("population", "know the sizes of its kernels", "one without them")
        columns = np.stack([self.label_ids, self.macs, self.bytes], axis=1)
        kinds, index = np.unique(columns, axis=0, return_inverse=True)
        names = tuple(f"{self.vocabulary[k]}:{macs}:{size}" for k, macs, size in kinds.tolist())
        return names, index.reshape(-1).astype(np.int32)

    def _label_ids_of(self, i: int) -> NDArray[np.int32]:
        return self.label_ids[self._nodes_of(i)]

    def _nodes_of(self, i: int) -> slice:
        return slice(int(self.node_offsets[i]), int(self.node_offsets[i + 1]))

    def _edges_of(self, i: int) -> NDArray[np.int64]:
        return self.edges[self.edge_offsets[i] : self.edge_offsets[i + 1]]


def _hash(data: bytes) -> bytes:
    return blake2b(data, digest_size=32).digest()


def _integers(name: str, value: object) -> NDArray[np.int64]:
    return checks.integers(name, value, (None,), error=GraphError)


def _joined(parts: Sequence[NDArray[np.int64] | None]) -> NDArray[np.int64] | None:
    """All parts one after the other; None where one is not there."""
    known = [part for part in parts if part is not None]
    return np.concatenate(known) if known and len(known) == len(parts) else None


def _rows_of(
    offsets: NDArray[np.int64], chosen: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Offsets and rows of some graphs, one after the other, in a flat array."""
    counts = np.diff(offsets)[chosen]
    result = np.concatenate([[0], np.cumsum(counts)])
    rows = np.repeat(offsets[chosen] - result[:-1], counts) + np.arange(result[-1])
    return result, rows


def _offsets(sizes: Sequence[int]) -> NDArray[np.int64]:
    return np.concatenate([[0], np.cumsum(sizes, dtype=np.int64)]).astype(np.int64)
