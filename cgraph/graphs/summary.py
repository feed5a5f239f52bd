"""What a graph holds, as tables to read: in a terminal and in a notebook."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from cgraph.graphs.computational import MEMORY_KINDS, UNKNOWN, ComputationalGraph, Memory
from cgraph.graphs.labels import OTHER, family_of, label_with_attributes


@dataclass(frozen=True, slots=True)
class Section:
    """A table of a summary.

    Parameters
    ----------
    columns : tuple of str
        Heads of the columns; the first is of words, and so is the last where `ends_in_words`.
    rows : tuple of tuple of str
        Its cells.
    ends_in_words : bool, default=False
        Whether the last column is flush left too.
    note : str, default=""
        A line below it.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    ends_in_words: bool = False
    note: str = ""

    def is_words(self, column: int) -> bool:
        """Whether a column is flush left."""
        return column == 0 or (self.ends_in_words and column == len(self.columns) - 1)


def summarise(graph: ComputationalGraph, n_largest: int = 5) -> str:
    """Lines of text: kernels by label, memories by kind, the largest memories.

    Parameters
    ----------
    graph : ComputationalGraph
        What to describe.
    n_largest : int, default=5
        How many of the largest activations and parameters are named.
    """
    parts = [repr(graph), *map(_text_of, sections(graph, n_largest))]
    return "\n\n".join(parts)


def sections(graph: ComputationalGraph, n_largest: int = 5) -> list[Section]:
    """The tables of a summary, those that have rows.

    Parameters
    ----------
    graph : ComputationalGraph
        What to describe.
    n_largest : int, default=5
        How many of the largest activations and parameters are named.
    """
    own = [memory for memory in graph.memories if memory.base is None]
    made = [memory for memory in own if memory.kind in ("activation", "output")]
    kept = [memory for memory in own if memory.kind == "parameter"]
    found = [
        _kernels(graph),
        _memories(own),
        _largest("largest activations", made, n_largest),
        _largest("largest parameters", kept, n_largest),
    ]
    return [section for section in found if section.rows]


def _kernels(graph: ComputationalGraph) -> Section:
    labels = [label_with_attributes(kernel) for kernel in graph.kernels]
    counts, macs = Counter(labels), Counter[str]()
    for label, kernel in zip(labels, graph.kernels, strict=True):
        macs[label] += kernel.macs
    parameters = _parameters_by_label(graph, labels)
    n_macs, is_sized = macs.total(), graph.is_sized
    rows = [
        (
            label,
            f"{counts[label]:,}",
            f"{parameters[label]:,}",
            f"{macs[label]:,}",
            _share(macs[label], n_macs) if is_sized else "",
        )
        for label in sorted(counts, key=lambda label: (-macs[label], -counts[label], label))
    ]
    if len(rows) > 1:
        total = f"{sum(parameters.values()):,}"
        work = (f"{n_macs:,}", _share(1, 1)) if is_sized else ("not known", "")
        rows.append(("all", f"{len(labels):,}", total, *work))
    n_other = sum(family_of(kernel.operation) == OTHER for kernel in graph.kernels)
    note = f"{n_other:,} of the kernels are of no known family (other)" if n_other else ""
    if not is_sized:
        note = "; ".join(filter(None, [note, "sizes that the file does not tell count as 0"]))
    return Section(("kernel", "count", "parameters", "MACs", "share"), tuple(rows), note=note)


def _parameters_by_label(graph: ComputationalGraph, labels: Sequence[str]) -> Counter[str]:
    """Scalar parameters that the kernels of each label read; one that is shared counts once."""
    found: Counter[str] = Counter()
    seen: set[int] = set()
    for m, k in sorted(graph.reads.tolist(), key=lambda row: row[1]):
        root = m
        while (base := graph.memories[root].base) is not None:
            root = base
        if graph.memories[root].kind == "parameter" and root not in seen:
            seen.add(root)
            found[labels[k]] += math.prod(graph.memories[root].shape)
    return found


def _memories(own: Sequence[Memory]) -> Section:
    rows = []
    for kind in MEMORY_KINDS:
        chosen = [memory for memory in own if memory.kind == kind]
        if chosen:
            values = sum(math.prod(m.shape) for m in chosen if m.dtype != UNKNOWN)
            size = sum(memory.bytes for memory in chosen)
            rows.append((f"{kind}s", f"{len(chosen):,}", f"{values:,}", f"{size:,}"))
    return Section(("memory", "count", "values", "bytes"), tuple(rows))


def _largest(title: str, memories: Sequence[Memory], n: int) -> Section:
    known = [memory for memory in memories if memory.dtype != UNKNOWN]
    chosen = sorted(known, key=lambda memory: -memory.bytes)[:n]
    rows = [
        (
            memory.name,
            f"{memory.bytes:,}",
            f"{'x'.join(map(str, memory.shape)) or 'scalar'} {memory.dtype}",
        )
        for memory in chosen
    ]
    return Section((title, "bytes", "shape"), tuple(rows), ends_in_words=True)


def _share(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f} %" if whole else "-"


def _text_of(section: Section) -> str:
    lines = (section.columns, *section.rows)
    widths = [max(len(line[i]) for line in lines) for i in range(len(section.columns))]
    text = [
        "  ".join(
            f"{cell:<{width}}" if section.is_words(i) else f"{cell:>{width}}"
            for i, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    ]
    return "\n".join([*text, section.note] if section.note else text)
