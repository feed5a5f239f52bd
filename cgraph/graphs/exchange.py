"""Computational graphs to networkx and back, every attribute a plain value."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

import networkx as nx

from cgraph.errors import GraphError
from cgraph.graphs.computational import Attributes, ComputationalGraph, Kernel, Memory


def to_networkx(graph: ComputationalGraph) -> nx.DiGraph:
    """The bipartite graph in networkx; see `ComputationalGraph.to_networkx`."""
    result = nx.DiGraph(name=graph.name, outputs=",".join(map(str, graph.outputs)))
    for i, memory in enumerate(graph.memories):
        fields: dict[str, Any] = asdict(memory)
        fields["shape"] = ",".join(map(str, memory.shape))
        fields["base"] = -1 if memory.base is None else memory.base
        fields["alias"] = memory.alias or ""
        result.add_node(f"m{i}", bipartite=0, **fields)
    for i, kernel in enumerate(graph.kernels):
        result.add_node(
            f"k{i}",
            bipartite=1,
            name=kernel.name,
            operation=kernel.operation,
            attributes=json.dumps(dict(kernel.attributes)),
            scope=kernel.scope,
            macs=kernel.macs,
        )
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
                memory_records.append(_memory(data))
            else:
                kernels[node] = len(kernels)
                kernel_records.append(_kernel(data))
        except KeyError as error:
            raise GraphError(
                "graph", f"have the attribute {error} on every node", f"none on {node!r}"
            ) from error
    rows = sorted(graph.edges(data="row", default=0), key=lambda edge: edge[2])
    reads = [(memories[u], kernels[v]) for u, v, _ in rows if u in memories and v in kernels]
    writes = [(kernels[u], memories[v]) for u, v, _ in rows if u in kernels and v in memories]
    if len(reads) + len(writes) != graph.number_of_edges():
        raise GraphError("graph", "be bipartite", "an edge between two nodes of one side")
    outputs = [int(m) for m in str(graph.graph.get("outputs", "")).split(",") if m]
    return ComputationalGraph(
        memory_records,
        kernel_records,
        reads,
        writes,
        outputs,
        name=str(graph.graph.get("name", "")),
    )


def _memory(data: dict[str, Any]) -> Memory:
    return Memory(
        name=data["name"],
        kind=data["kind"],
        shape=tuple(int(size) for size in data["shape"].split(",") if size),
        dtype=data["dtype"],
        bytes=data["bytes"],
        scope=data["scope"],
        base=None if data["base"] < 0 else data["base"],
        alias=data["alias"] or None,
    )


def _kernel(data: dict[str, Any]) -> Kernel:
    attributes = {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in json.loads(data["attributes"]).items()
    }
    return Kernel(
        name=data["name"],
        operation=data["operation"],
        attributes=Attributes(attributes),
        scope=data["scope"],
        macs=data["macs"],
    )
