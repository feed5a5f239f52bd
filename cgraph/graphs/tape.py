"""A computational graph in numbers: what its nodes are stands in a table that many graphs share.

Networks of a search space have thousands of kernels of a few dozen kinds. A tape names each by its
place in a table and leaves out what only people read; the size of a network, the digest of its
program and its kernel graph are read off the numbers.
"""

from __future__ import annotations

import hashlib
import json
import math
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from cgraph.errors import GraphError
from cgraph.graphs.computational import (
    ALIAS_KINDS,
    AliasKind,
    Attribute,
    Attributes,
    ComputationalGraph,
    Kernel,
    Memory,
    MemoryKind,
)
from cgraph.graphs.kernel import INPUT_LABEL, OUTPUT_LABEL
from cgraph.graphs.labels import LABELLINGS
from cgraph.graphs.passes import Flow, Nature, live_flow, nature_of, rebased

# Bytes of packed tapes; those of a batch take about a hundredth of that.
_LARGEST = 1 << 28

NO_BASE = -1
NOT_WRITTEN = -1

# How an alias is written in a tape.
ALIASES: tuple[AliasKind | None, ...] = (None, *ALIAS_KINDS)
VIEW, VERSION = ALIASES.index("view"), ALIASES.index("version")


class Work(NamedTuple):
    """What a kernel does, wherever it stands."""

    operation: str
    attributes: Attributes
    macs: int


class Fact(NamedTuple):
    """What a memory is, wherever it stands; its bytes are those of its own storage."""

    kind: MemoryKind
    shape: tuple[int, ...]
    dtype: str
    bytes: int


@dataclass(slots=True)
class Nodes:
    """The works and facts of many tapes, each once, in the order in which they appeared."""

    works: list[Work] = field(default_factory=list)
    facts: list[Fact] = field(default_factory=list)
    _work_ids: dict[Work, int] = field(default_factory=dict)
    _fact_ids: dict[Fact, int] = field(default_factory=dict)
    _digests: tuple[list[bytes], list[bytes]] = field(default_factory=lambda: ([], []))
    _natures: list[Nature] = field(default_factory=list)
    _labels: list[str] = field(default_factory=list)
    _n_elements: list[int] = field(default_factory=list)
    _returned: dict[int, int] = field(default_factory=dict)

    def work(self, work: Work) -> int:
        """Place of a work."""
        # One and True are equal and hash alike, but are not the same attribute.
        found = self._work_ids.get(work)
        if found is None or not _same_attributes(self.works[found].attributes, work.attributes):
            found = self._work_ids[work] = len(self.works)
            self.works.append(work)
        return found

    def fact(self, fact: Fact) -> int:
        """Place of a fact."""
        found = self._fact_ids.get(fact)
        if found is None:
            found = self._fact_ids[fact] = len(self.facts)
            self.facts.append(fact)
        return found

    def returned(self, fact: int) -> int:
        """Place of a fact that a program returns: an activation is an output then."""
        found = self._returned.get(fact)
        if found is None:
            found = self.fact(self.facts[fact]._replace(kind="output"))
            self._returned[fact] = found
        return found

    def natures(self) -> list[Nature]:
        """What the passes know of each work."""
        natures = self._natures
        for operation, attributes, _ in self.works[len(natures) :]:
            natures.append(nature_of(operation, attributes))
        return natures

    def labels(self) -> list[str]:
        """Label of each work."""
        for operation, attributes, macs in self.works[len(self._labels) :]:
            kernel = Kernel("", operation, attributes, "", macs)
            self._labels.append(LABELLINGS["attributes"].function(kernel))
        return self._labels

    def n_elements(self) -> list[int]:
        """Number of elements of each fact."""
        for fact in self.facts[len(self._n_elements) :]:
            self._n_elements.append(math.prod(fact.shape))
        return self._n_elements

    def digests(self) -> tuple[list[bytes], list[bytes]]:
        """Eight bytes for each work and each fact, by what they are."""
        of_works, of_facts = self._digests
        for operation, attributes, _ in self.works[len(of_works) :]:
            of_works.append(_short(repr((operation, sorted(attributes.items())))))
        for fact in self.facts[len(of_facts) :]:
            of_facts.append(_short(repr(fact[:3])))
        return self._digests


def _same_attributes(a: Attributes, b: Attributes) -> bool:
    return a is b or repr(sorted(a.items())) == repr(sorted(b.items()))


def _short(text: str) -> bytes:
    return hashlib.blake2b(text.encode(), digest_size=8).digest()


class Projection(NamedTuple):
    """A kernel graph in lists; see `KernelGraph`."""

    labels: list[str]
    edges: list[tuple[int, int]]
    macs: list[int]
    bytes: list[int]


@dataclass(frozen=True, slots=True)
class Tape:
    """A program in numbers.

    Parameters
    ----------
    works : sequence of int
        The work of each kernel, in the order they ran.
    reads : sequence of sequence of int
        The memories that each kernel reads, each once.
    facts : sequence of int
        The fact of each memory.
    bases : sequence of int
        The memory whose storage each shares; `NO_BASE` for its own.
    aliases : sequence of int
        How it shares it: a place in `ALIASES`.
    writers : sequence of int
        The kernel that writes each memory; `NOT_WRITTEN` for none.
    outputs : sequence of int
        The memories that the program returns.
    """

    works: Sequence[int]
    reads: Sequence[Sequence[int]]
    facts: Sequence[int]
    bases: Sequence[int]
    aliases: Sequence[int]
    writers: Sequence[int]
    outputs: Sequence[int]

    @staticmethod
    def of(nodes: Nodes, graph: ComputationalGraph) -> Tape:
        """The tape of a graph."""
        reads: list[list[int]] = [[] for _ in graph.kernels]
        for m, k in graph.reads.tolist():
            reads[k].append(m)
        return Tape(
            works=[nodes.work(Work(k.operation, k.attributes, k.macs)) for k in graph.kernels],
            reads=reads,
            facts=[nodes.fact(Fact(m.kind, m.shape, m.dtype, m.bytes)) for m in graph.memories],
            bases=[NO_BASE if m.base is None else m.base for m in graph.memories],
            aliases=[ALIASES.index(m.alias) for m in graph.memories],
            writers=graph.writers().tolist(),
            outputs=list(graph.outputs),
        )

    def flow(self, nodes: Nodes) -> Flow:
        """The program as passes take it."""
        writes: list[list[int]] = [[] for _ in self.works]
        for m, k in enumerate(self.writers):
            if k >= 0:
                writes[k].append(m)
        facts, natures = nodes.facts, nodes.natures()
        known = [facts[f] for f in self.facts]
        return Flow(
            natures=[natures[work] for work in self.works],
            kernels=list(range(len(self.works))),
            reads=[list(row) for row in self.reads],
            writes=writes,
            outputs=list(self.outputs),
            inputs={m for m, fact in enumerate(known) if fact.kind == "input"},
            tensors=[fact[1:3] for fact in known],
            aliases=[ALIASES[a] for a in self.aliases],
        )

    def digest(self, nodes: Nodes) -> str:
        """Name of the program with all its sizes; kernels and memories in order."""
        of_works, of_facts = nodes.digests()
        ends = [len(row) for row in self.reads]
        numbers = [m for row in self.reads for m in row]
        text = hashlib.blake2b(digest_size=16)
        for part in (ends, numbers, self.bases, self.aliases, self.writers, self.outputs):
            text.update(np.array([len(part), *part], dtype="<i8").tobytes())
        text.update(b"".join([of_works[w] for w in self.works]))
        text.update(b"".join([of_facts[f] for f in self.facts]))
        return text.hexdigest()

    def totals(self, nodes: Nodes) -> tuple[int, int]:
        """Number of parameters, and MACs."""
        works, facts = nodes.works, nodes.facts
        n_parameters = 0
        for f, base in zip(self.facts, self.bases, strict=True):
            if base == NO_BASE and facts[f].kind == "parameter":
                n_parameters += math.prod(facts[f].shape)
        return n_parameters, sum(works[w].macs for w in self.works)

    def graph(
        self,
        nodes: Nodes,
        name: str,
        kernels: Sequence[tuple[str, str]],
        memories: Sequence[tuple[str, str]],
    ) -> ComputationalGraph:
        """The computational graph, with a name and a scope for each kernel and memory."""
        works, facts = nodes.works, nodes.facts
        made = []
        for (label, scope), w in zip(kernels, self.works, strict=True):
            operation, attributes, macs = works[w]
            made.append(Kernel(label, operation, attributes, scope, macs))
        held = []
        for (label, scope), f, base, alias in zip(
            memories, self.facts, self.bases, self.aliases, strict=True
        ):
            kind, shape, dtype, size = facts[f]
            shared = None if base == NO_BASE else base
            held.append(Memory(label, kind, shape, dtype, size, scope, shared, ALIASES[alias]))
        return ComputationalGraph(
            held,
            made,
            [(m, k) for k, row in enumerate(self.reads) for m in row],
            [(k, m) for m, k in enumerate(self.writers) if k >= 0],
            self.outputs,
            name=name,
        )

    def project(self, nodes: Nodes, *, is_live: bool, boundary: bool = False) -> Projection:
        """`cgraph.project` of the graph, or of what of it is alive.

        Parameters
        ----------
        nodes : Nodes
            The table.
        is_live : bool
            Whether `live` cuts it down before.
        boundary : bool, default=False
            Whether inputs and outputs are nodes too.
        """
        flow = self.flow(nodes)
        if is_live:
            live_flow(flow)
        sizes, views = self._sizes(nodes, flow, is_live)
        labels, works = nodes.labels(), nodes.works
        inputs = sorted(flow.inputs) if boundary else []
        feeder = {m: i for i, m in enumerate(inputs)}
        kinds = [INPUT_LABEL] * len(inputs)
        macs, moved = [0] * len(inputs), [sizes[m] for m in inputs]
        edges: list[tuple[int, int]] = []
        for k in flow.kernels:
            node = len(kinds)
            kinds.append(labels[self.works[k]])
            macs.append(works[self.works[k]].macs)
            row, made = flow.reads[k], flow.writes[k]
            edges += {(feeder[m], node) for m in row if m in feeder}
            values = [m for m in made if m not in views]
            moved.append(sum([sizes[m] for m in (*row, *values)]) if values else 0)
            for m in made:
                feeder[m] = node
        if boundary:
            for m in flow.outputs:
                if m in feeder:
                    edges.append((feeder[m], len(kinds)))
                kinds.append(OUTPUT_LABEL)
                macs.append(0)
                moved.append(sizes[m])
        edges.sort()
        return Projection(kinds, edges, macs, moved)

    def _sizes(self, nodes: Nodes, flow: Flow, is_live: bool) -> tuple[list[int], set[int]]:
        """The bytes of the elements of each memory; and the memories that are views."""
        facts, own = nodes.facts, self.facts
        sizes = [facts[f].bytes for f in own]
        bases = {m: base for m, base in enumerate(self.bases) if base != NO_BASE}
        views = {m for m in bases if self.aliases[m] == VIEW}
        if not bases:
            return sizes, views
        n_elements = nodes.n_elements()
        if is_live:
            used = {m for k in flow.kernels for m in (*flow.reads[k], *flow.writes[k])}
            used.update(flow.outputs, flow.inputs)
            had_writer = {m for m, k in enumerate(self.writers) if k != NOT_WRITTEN}
            for m, (base, root) in rebased(used, bases, had_writer, flow.substitute).items():
                if base is not None:
                    bases[m] = base
                elif root != m:
                    del bases[m]
                    sizes[m] = facts[own[root]].bytes
                    views.discard(m)
        for m, base in bases.items():
            while base in bases:
                base = bases[base]
            sizes[m] = n_elements[own[m]] * sizes[base] // max(n_elements[own[base]], 1)
        return sizes, views


def pack(nodes: Nodes, tapes: Sequence[Tape]) -> bytes:
    """Tapes and what of the table they need, in bytes that are the same wherever they were made.

    Examples
    --------
    >>> nodes = Nodes()
    >>> x = nodes.fact(Fact("input", (2,), "float32", 8))
    >>> tape = Tape([], [], [x], [NO_BASE], [0], [NOT_WRITTEN], [0])
    >>> unpack(Nodes(), pack(nodes, [tape])) == [tape]
    True
    """
    works = list(dict.fromkeys(w for tape in tapes for w in tape.works))
    facts = list(dict.fromkeys(f for tape in tapes for f in tape.facts))
    work_of, fact_of = _places(works), _places(facts)
    numbers: list[int] = []
    for tape in tapes:
        rows = (
            [work_of[w] for w in tape.works],
            [len(row) for row in tape.reads],
            [m for row in tape.reads for m in row],
            [fact_of[f] for f in tape.facts],
            tape.bases,
            tape.aliases,
            tape.writers,
            tape.outputs,
        )
        for row in rows:
            numbers.append(len(row))
            numbers += row
    table = {
        "works": [
            (w.operation, list(w.attributes.items()), w.macs)
            for w in map(nodes.works.__getitem__, works)
        ],
        "facts": [nodes.facts[f] for f in facts],
        "tapes": len(tapes),
    }
    text = json.dumps(table).encode()
    head = np.array([len(text)], dtype="<i8").tobytes()
    return zlib.compress(head + text + np.array(numbers, dtype="<i4").tobytes(), 1)


def unpack(nodes: Nodes, data: bytes) -> list[Tape]:
    """The tapes that were packed, by a table.

    Raises
    ------
    GraphError
        If the bytes are not such.
    """
    try:
        return _unpacked(nodes, inflated(data))
    except (zlib.error, ValueError, KeyError, IndexError, TypeError) as error:
        raise GraphError(
            "data", "be tapes as pack makes them", f"{len(data)} other bytes"
        ) from error


def inflated(data: bytes) -> bytes:
    """What was compressed, unless it is larger than anything that is kept so.

    Raises
    ------
    ValueError
        If it is, or is cut short.
    """
    stream = zlib.decompressobj()
    found = stream.decompress(data, _LARGEST)
    if not stream.eof:
        raise ValueError("compressed data that is too large, or cut short")
    return found


def _unpacked(nodes: Nodes, data: bytes) -> list[Tape]:
    n_text = int(np.frombuffer(data[:8], dtype="<i8")[0])
    table = json.loads(data[8 : 8 + n_text])
    numbers = np.frombuffer(data[8 + n_text :], dtype="<i4").tolist()
    works = [
        nodes.work(Work(name, Attributes([(k, _attribute(v)) for k, v in items]), macs))
        for name, items, macs in table["works"]
    ]
    facts = [nodes.fact(Fact(kind, tuple(shape), *rest)) for kind, shape, *rest in table["facts"]]
    at = 0

    def take() -> list[int]:
        nonlocal at
        n = numbers[at]
        row: list[int] = numbers[at + 1 : at + 1 + n]
        if len(row) != n:
            raise IndexError(n)
        at += n + 1
        return row

    tapes = []
    for _ in range(table["tapes"]):
        own, ends, flat = take(), take(), take()
        reads, begin = [], 0
        for n in ends:
            reads.append(flat[begin : begin + n])
            begin += n
        tapes.append(
            Tape(
                works=[works[w] for w in own],
                reads=reads,
                facts=[facts[f] for f in take()],
                bases=take(),
                aliases=take(),
                writers=take(),
                outputs=take(),
            )
        )
    return tapes


def _places(values: Sequence[int]) -> dict[int, int]:
    return {value: i for i, value in enumerate(values)}


def _attribute(value: Any) -> Attribute:
    return tuple(value) if isinstance(value, list) else value
