"""Graphs as JSON text that reads back as what it was: the same graph, and again the same bytes.

One record a line, so that two files can be compared by any tool. The first two fields say what
the file holds and in which version.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from cgraph.errors import GraphError
from cgraph.graphs.computational import ComputationalGraph
from cgraph.graphs.kernel import KernelGraph
from cgraph.graphs.records import (
    TEXT,
    WHOLE_LIST,
    WHOLE_LIST_OR_NULL,
    Kind,
    check_fields,
    is_whole,
    kernel_from,
    kernel_record,
    memory_from,
    memory_record,
)

VERSION = 1
COMPUTATIONAL_GRAPH = "cgraph.computational-graph"
KERNEL_GRAPH = "cgraph.kernel-graph"

_RECORDS = Kind("a list", lambda value: isinstance(value, list))
_PAIRS = Kind(
    "a list of pairs of whole numbers",
    lambda value: (
        isinstance(value, list)
        and all(isinstance(p, list) and len(p) == 2 and all(map(is_whole, p)) for p in value)
    ),
)
_TEXTS = Kind(
    "a list of texts",
    lambda value: isinstance(value, list) and all(isinstance(word, str) for word in value),
)
_HEAD = {"format": TEXT, "version": Kind("a whole number", is_whole)}
_COMPUTATIONAL_FIELDS = {
    **_HEAD,
    "name": TEXT,
    "memories": _RECORDS,
    "kernels": _RECORDS,
    "reads": _PAIRS,
    "writes": _PAIRS,
    "outputs": WHOLE_LIST,
}
_KERNEL_FIELDS = {
    **_HEAD,
    "labels": _TEXTS,
    "names": _TEXTS,
    "edges": _PAIRS,
    "macs": WHOLE_LIST_OR_NULL,
    "bytes": WHOLE_LIST_OR_NULL,
}


def to_json(graph: ComputationalGraph | KernelGraph) -> str:
    """A graph as JSON text.

    Parameters
    ----------
    graph : ComputationalGraph or KernelGraph
        What to write.

    Returns
    -------
    str
        ASCII; `from_json` gives the graph back, and that gives this text.

    Examples
    --------
    >>> print(to_json(KernelGraph(["relu", "add"], [(0, 1)])))
    {
     "format": "cgraph.kernel-graph",
     "version": 1,
     "labels": [
      "relu",
      "add"
     ],
     "names": [
      "0",
      "1"
     ],
     "edges": [
      [0, 1]
     ],
     "macs": null,
     "bytes": null
    }
    <BLANKLINE>
    """
    if isinstance(graph, KernelGraph):
        head = {"format": KERNEL_GRAPH, "version": VERSION}
        rows = {
            "labels": graph.labels,
            "names": graph.names,
            "edges": graph.edges.tolist(),
            "macs": None if graph.macs is None else graph.macs.tolist(),
            "bytes": None if graph.bytes is None else graph.bytes.tolist(),
        }
        return document(head, rows)
    head = {"format": COMPUTATIONAL_GRAPH, "version": VERSION, "name": graph.name}
    return document(
        head,
        {
            "memories": map(memory_record, graph.memories),
            "kernels": map(kernel_record, graph.kernels),
            "reads": graph.reads.tolist(),
            "writes": graph.writes.tolist(),
            "outputs": graph.outputs,
        },
    )


def from_json(text: str) -> ComputationalGraph | KernelGraph:
    """The graph of a JSON text.

    Parameters
    ----------
    text : str
        As `to_json` writes it; its layout does not matter.

    Raises
    ------
    GraphError
        If the text is not JSON (says at which line), of another format or a newer version, a
        field is missing, of another kind or not known (says which), or the graph is not well
        formed.
    """
    value = parse(text)
    if not isinstance(value, dict) or value.get("format") not in _READERS:
        came = value.get("format", "no such field") if isinstance(value, dict) else "no object"
        raise GraphError("format", f"be {' or '.join(_READERS)}", repr(came))
    check_version(value, VERSION)
    return _READERS[value["format"]](value)


def document(head: Mapping[str, Any], rows: Mapping[str, Iterable[Any] | None]) -> str:
    """JSON of an object: the fields of `head`, then lists with one entry a line, or null."""
    fields = [f"{json.dumps(name)}: {json.dumps(value)}" for name, value in head.items()]
    for name, entries in rows.items():
        if entries is None:
            fields.append(f"{json.dumps(name)}: null")
            continue
        lines = ",\n  ".join(json.dumps(entry, allow_nan=False) for entry in entries)
        fields.append(f"{json.dumps(name)}: " + (f"[\n  {lines}\n ]" if lines else "[]"))
    return "{\n " + ",\n ".join(fields) + "\n}\n"


def parse(text: str) -> Any:
    """The value of a JSON text.

    Raises
    ------
    GraphError
        If it is none; says at which line and column.
    """
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        is_cut = error.pos >= len(text.rstrip()) or error.msg.startswith("Unterminated string")
        place = f"line {error.lineno}, column {error.colno}"
        raise GraphError(
            "the text",
            "be whole JSON",
            f"{'its end' if is_cut else repr(text[error.pos : error.pos + 20])} at {place} "
            f"({error.msg})",
            "the file is cut off: write it again" if is_cut else "",
        ) from error


def check_version(value: Mapping[str, Any], newest: int) -> None:
    """Raise where the version of a file is not one that is read here.

    Raises
    ------
    GraphError
        Names the version that came and the newest that is known.
    """
    version = value.get("version")
    if not is_whole(version) or version == 0:
        raise GraphError("version", "be a whole number, 1 or more", repr(version))
    assert isinstance(version, int)
    if version > newest:
        raise GraphError(
            "version",
            f"be at most {newest}, the newest that this cgraph reads",
            version,
            "the file was written by a newer cgraph: pip install --upgrade cgraph",
        )


def _computational(value: dict[str, Any]) -> ComputationalGraph:
    check_fields(value, _COMPUTATIONAL_FIELDS, "")
    return ComputationalGraph(
        [memory_from(record, f"memories[{i}]") for i, record in enumerate(value["memories"])],
        [kernel_from(record, f"kernels[{i}]") for i, record in enumerate(value["kernels"])],
        value["reads"],
        value["writes"],
        value["outputs"],
        name=value["name"],
    )


def _kernel(value: dict[str, Any]) -> KernelGraph:
    check_fields(value, _KERNEL_FIELDS, "")
    return KernelGraph(
        value["labels"],
        value["edges"],
        value["names"],
        macs=value["macs"],
        bytes=value["bytes"],
    )


_READERS: dict[str, Callable[[dict[str, Any]], ComputationalGraph | KernelGraph]] = {
    COMPUTATIONAL_GRAPH: _computational,
    KERNEL_GRAPH: _kernel,
}
