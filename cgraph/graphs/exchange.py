"""Computational graphs to networkx and back, every attribute a plain value."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import networkx as nx

from cgraph.errors import GraphError
from cgraph.graphs.computational import ComputationalGraph, Kernel, Memory
from cgraph.graphs.records import (
    KERNEL_FIELDS,
    MEMORY_FIELDS,
    kernel_from,
    kernel_record,
    memory_from,
    memory_record,
)


def to_networkx(graph: ComputationalGraph) -> nx.DiGraph:
    """The bipartite graph in networkx; see `ComputationalGraph.to_networkx`."""
    result = nx.DiGraph(name=graph.name, outputs=",".join(map(str, graph.outputs)))
    for i, memory in enumerate(graph.memories):
        fields = memory_record(memory)
        fields["shape"] = ",".join(map(str, memory.shape))
        fields["base"] = -1 if memory.base is None else memory.base
        fields["alias"] = memory.alias or ""
        result.add_node(f"m{i}", bipartite=0, **fields)
    for i, kernel in enumerate(graph.kernels):
        fields = kernel_record(kernel)
        fields["attributes"] = json.dumps(fields["attributes"])
        result.add_node(f"k{i}", bipartite=1, **fields)
    # The rows of a relation stand in the order of arguments and results: edges remember it.
    for row, (m, k) in enumerate(graph.reads.tolist()):
        result.add_edge(f"m{m}", f"k{k}", row=row)
    for row, (k, m) in enumerate(graph.writes.tolist()):
        result.add_edge(f"k{k}", f"m{m}", row=row)
    return result


def from_networkx(graph: nx.DiGraph) -> ComputationalGraph:
    """The computational graph of `to_networkx`; see `ComputationalGraph.from_networkx`."""
    memories: dict[Any, int] = {}
    kernels: dict[Any, int] = {}
    memory_records: list[Memory] = []
    kernel_records: list[Kernel] = []
    for node, data in graph.nodes(data=True):
        try:
            if data["bipartite"] == 0:
                memories[node] = len(memories)
                memory_records.append(_memory(data, node))
            else:
                kernels[node] = len(kernels)
                kernel_records.append(_kernel(data, node))
        except KeyError as error:
            raise GraphError(
                "graph", f"have the attribute {error} on every node", f"none on {node!r}"
            ) from error
    rows = sorted(graph.edges(data="row", default=0), key=lambda edge: edge[2])
    reads = [(memories[u], kernels[v]) for u, v, _ in rows if u in memories and v in kernels]
    writes = [(kernels[u], memories[v]) for u, v, _ in rows if u in kernels and v in memories]
    if len(reads) + len(writes) != graph.number_of_edges():
        raise GraphError("graph", "be bipartite", "an edge between two nodes of one side")
    outputs = _sizes(graph.graph.get("outputs", ""), "outputs")
    return ComputationalGraph(
        memory_records,
        kernel_records,
        reads,
        writes,
        outputs,
        name=str(graph.graph.get("name", "")),
    )


def _memory(data: Mapping[str, Any], node: object) -> Memory:
    record = {name: data[name] for name in MEMORY_FIELDS}
    record["shape"] = _sizes(data["shape"], f"node {node!r}.shape")
    record["base"] = None if data["base"] == -1 else data["base"]
    record["alias"] = data["alias"] or None
    return memory_from(record, f"node {node!r}")


def _kernel(data: Mapping[str, Any], node: object) -> Kernel:
    record = {name: data[name] for name in KERNEL_FIELDS}
    try:
        record["attributes"] = json.loads(data["attributes"])
    except (ValueError, TypeError, RecursionError) as error:
        raise GraphError(
            f"node {node!r}.attributes", "be JSON in text", repr(data["attributes"])
        ) from error
    return kernel_from(record, f"node {node!r}")


def _sizes(text: object, place: str) -> list[int]:
    """Numbers of a text with commas between them."""
    words = [word for word in str(text).split(",") if word]
    if not all(word.isascii() and word.isdecimal() for word in words):
        raise GraphError(place, "be whole numbers with commas between them", repr(text))
    return [int(word) for word in words]
