"""Graphs in the language of Graphviz, for people to look at: kernels are boxes, memories ellipses.

Nodes are grouped by the module that made them, one frame in another as the modules are. Nothing
reads it back.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from cgraph.export.networks import Fact, Graph, plain_facts
from cgraph.graphs.computational import ComputationalGraph, Memory
from cgraph.graphs.kernel import KernelGraph
from cgraph.graphs.labels import label_with_attributes

# Fills of the kinds of memories, light enough to read black on.
_FILLS = {
    "input": "#cfe8cf",
    "output": "#f6d5b0",
    "parameter": "#d9dcee",
    "buffer": "#e8e8ee",
    "constant": "#e8e8ee",
    "activation": "#ffffff",
}


@dataclass(slots=True)
class _Frame:
    """Statements of a module, and the modules in it."""

    statements: list[str] = field(default_factory=list)
    inner: dict[str, _Frame] = field(default_factory=dict)

    def at(self, scope: str) -> _Frame:
        frame = self
        for word in filter(None, scope.split(".")):
            frame = frame.inner.setdefault(word, _Frame())
        return frame


def to_dot(graph: Graph, facts: Mapping[str, Fact] | None = None) -> str:
    """A graph in DOT, the language of Graphviz.

    Parameters
    ----------
    graph : ComputationalGraph or KernelGraph
        What to draw.
    facts : mapping of str to plain value, optional
        What is known of the program; stands below the drawing, a line for each.

    Returns
    -------
    str
        ``dot -Tsvg`` draws it.

    Examples
    --------
    >>> print(to_dot(KernelGraph(["relu", "add"], [(0, 1)])))
    digraph {
      graph [rankdir=TB, fontname="Helvetica", label="", labeljust=l];
      node [shape=box, style="rounded,filled", fillcolor="#f4f4f4", fontname="Helvetica"];
      k0 [label="relu"];
      k1 [label="add"];
      k0 -> k1;
    }
    <BLANKLINE>
    """
    title = [f"{name}: {_shown(value)}" for name, value in plain_facts(facts).items()]
    if isinstance(graph, ComputationalGraph) and graph.name:
        title.insert(0, graph.name)
    lines = [
        f'graph [rankdir=TB, fontname="Helvetica", label={_quoted(*title)}, labeljust=l];',
        'node [shape=box, style="rounded,filled", fillcolor="#f4f4f4", fontname="Helvetica"];',
    ]
    if isinstance(graph, KernelGraph):
        lines += [f"k{i} [label={_quoted(label)}];" for i, label in enumerate(graph.labels)]
        lines += [f"k{u} -> k{v};" for u, v in graph.edges.tolist()]
    else:
        lines += _framed(_frames(graph), "cluster")
        lines += [f"m{m} -> k{k};" for m, k in graph.reads.tolist()]
        lines += [f"k{k} -> m{m};" for k, m in graph.writes.tolist()]
        lines += [
            f"m{memory.base} -> m{i} [style=dotted, arrowhead=none, constraint=false];"
            for i, memory in enumerate(graph.memories)
            if memory.base is not None
        ]
    return "digraph {\n" + "".join(f"  {line}\n" for line in lines) + "}\n"


def _frames(graph: ComputationalGraph) -> _Frame:
    root = _Frame()
    for i, memory in enumerate(graph.memories):
        label = _quoted(memory.name, _size_of(memory))
        root.at(memory.scope).statements.append(
            f'm{i} [shape=ellipse, style=filled, fillcolor="{_FILLS[memory.kind]}", label={label}];'
        )
    for k, kernel in enumerate(graph.kernels):
        words = [label_with_attributes(kernel)]
        if kernel.macs:
            words.append(f"{kernel.macs:,} MACs")
        root.at(kernel.scope).statements.append(f"k{k} [label={_quoted(*words)}];")
    return root


def _framed(frame: _Frame, name: str) -> Iterator[str]:
    """Statements of a frame and, each in a cluster of its own, of those in it."""
    yield from frame.statements
    for number, (word, inner) in enumerate(frame.inner.items()):
        own = f"{name}_{number}"
        yield f"subgraph {own} {{"
        yield f'  label={_quoted(word)}; color="#b0b0b0"; fontcolor="#606060";'
        for line in _framed(inner, own):
            yield f"  {line}"
        yield "}"


def _size_of(memory: Memory) -> str:
    shape = "x".join(map(str, memory.shape)) or "scalar"
    how = f" {memory.alias}" if memory.alias else f", {memory.bytes:,} bytes"
    return f"{shape} {memory.dtype}{how}"


def _shown(value: Fact) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _quoted(*lines: str) -> str:
    """Lines as one quoted text of DOT, in which backslashes and quotes are escaped."""
    escaped = (
        line.replace("\\", "\\\\").replace('"', '\\"').replace("\r", " ").replace("\n", "\\n")
        for line in lines
    )
    return '"' + "\\n".join(escaped) + '"'
