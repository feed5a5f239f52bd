"""Graphs as PyTorch Geometric takes them: two types of nodes and two of edges, or the projection.

PyTorch Geometric takes seconds to load; it is loaded by the first call.
"""

from __future__ import annotations

import io
import json
import math
import warnings
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np

from cgraph.errors import ArgumentError, GraphError
from cgraph.export.networks import Fact, Graph, plain_facts
from cgraph.files.reading import told
from cgraph.files.source import BrokenFileError
from cgraph.files.tensors import load_tensors
from cgraph.graphs.computational import (
    ALIAS_KINDS,
    MEMORY_KINDS,
    ComputationalGraph,
    Kernel,
    Memory,
)
from cgraph.graphs.kernel import KernelGraph
from cgraph.graphs.labels import OPERATION_FAMILIES, OTHER, family_of
from cgraph.graphs.records import kernel_from, kernel_record

if TYPE_CHECKING:
    import torch
    from torch_geometric.data import Data, HeteroData

READS = ("memory", "reads", "kernel")
WRITES = ("kernel", "writes", "memory")
FAMILIES = (*OPERATION_FAMILIES, OTHER)

# Shapes are padded to this many sizes, so that graphs of one data set have rows of one length.
N_SIZES = 8


def to_hetero_data(
    graph: ComputationalGraph, operations: Iterable[str] | None = None
) -> HeteroData:
    """A computational graph as PyTorch Geometric's `HeteroData`.

    Parameters
    ----------
    graph : ComputationalGraph
        What to convert.
    operations : iterable of str, optional
        Names of operations, in the order of their numbers: give the same for all graphs of a data
        set. Those that occur, sorted, by default.

    Returns
    -------
    torch_geometric.data.HeteroData
        Node types "memory" and "kernel", edge types ("memory", "reads", "kernel") and
        ("kernel", "writes", "memory"), rows in the order of the graph.

        - memory: "x" (float32, 9 columns: logarithms of 1 + bytes and 1 + values, number of
          dimensions, kind one-hot), "shape" (int64, padded with -1 to 8 columns), "ndim",
          "bytes", "kind" (place in `MEMORY_KINDS`), "base" (-1 for none), "alias" (-1 none,
          0 view, 1 version), and the texts "name", "dtype" and "scope".
        - kernel: "x" (float32: logarithm of 1 + MACs, family one-hot), "operation" (number in
          "operations"), "family" (place in `FAMILIES`), "macs", and the texts "name", "scope"
          and "attributes" (JSON).
        - the graph: "name", "outputs", "operations".

    Raises
    ------
    ArgumentError
        If `graph` is something else.
    GraphError
        If an operation is not among `operations`.
    """
    if not isinstance(graph, ComputationalGraph):
        raise ArgumentError(
            "graph",
            "be a ComputationalGraph",
            type(graph).__name__,
            "to_data() takes a KernelGraph",
        )
    import torch

    occurring = [kernel.operation for kernel in graph.kernels]
    words, numbers = _numbered(occurring, operations, "operations")
    data = geometric().HeteroData()
    data["memory"].num_nodes = len(graph.memories)
    for name, values in _memory_columns(graph.memories).items():
        data["memory"][name] = values
    data["kernel"].num_nodes = len(graph.kernels)
    data["kernel"]["operation"] = torch.tensor(numbers, dtype=torch.int64)
    for name, values in _kernel_columns(graph.kernels).items():
        data["kernel"][name] = values
    for kind, relation in ((READS, graph.reads), (WRITES, graph.writes)):
        data[kind].edge_index = torch.from_numpy(relation.T.copy())
    data.name = graph.name
    data.outputs = torch.tensor(graph.outputs, dtype=torch.int64)
    data.operations = list(words)
    return data


def from_hetero_data(data: HeteroData) -> ComputationalGraph:
    """The computational graph that `to_hetero_data` made.

    Raises
    ------
    GraphError
        If a node type, an edge type or a column is missing.
    """
    try:
        memory, kernel = data["memory"], data["kernel"]
        memories = [
            Memory(
                name=memory["name"][i],
                kind=MEMORY_KINDS[int(memory["kind"][i])],
                shape=tuple(memory["shape"][i, : int(memory["ndim"][i])].tolist()),
                dtype=memory["dtype"][i],
                bytes=int(memory["bytes"][i]),
                scope=memory["scope"][i],
                base=None if memory["base"][i] < 0 else int(memory["base"][i]),
                alias=None if memory["alias"][i] < 0 else ALIAS_KINDS[int(memory["alias"][i])],
            )
            for i in range(memory.num_nodes)
        ]
        kernels = [
            kernel_from(
                {
                    "name": kernel["name"][k],
                    "operation": data["operations"][int(kernel["operation"][k])],
                    "attributes": json.loads(kernel["attributes"][k]),
                    "scope": kernel["scope"][k],
                    "macs": int(kernel["macs"][k]),
                },
                f"kernel {k}",
            )
            for k in range(kernel.num_nodes)
        ]
        reads, writes = data[READS].edge_index.T.numpy(), data[WRITES].edge_index.T.numpy()
        return ComputationalGraph(
            memories, kernels, reads, writes, data["outputs"].tolist(), name=data["name"]
        )
    except (KeyError, AttributeError, IndexError) as error:
        raise GraphError("data", "be made by to_hetero_data()", f"one without {error}") from error


def to_data(graph: KernelGraph, vocabulary: Iterable[str] | None = None) -> Data:
    """A kernel graph as PyTorch Geometric's `Data`.

    Parameters
    ----------
    graph : KernelGraph
        What to convert; a computational graph has to go through `project` first.
    vocabulary : iterable of str, optional
        The K labels, in the order of their numbers: give the same for all graphs of a data set.
        Those that occur, sorted, by default.

    Returns
    -------
    torch_geometric.data.Data
        "x" (float32, shape (n_kernels, K), the label one-hot), "edge_index" (int64, shape
        (2, n_edges)), "operation" (int64, the number of the label), "macs" and "bytes" (int64,
        where they are known), and the texts "kernel" (the names) and "vocabulary".

    Raises
    ------
    ArgumentError
        If `graph` is something else.
    GraphError
        If a label is not in the vocabulary.
    """
    if not isinstance(graph, KernelGraph):
        raise ArgumentError(
            "graph",
            "be a KernelGraph",
            type(graph).__name__,
            "a computational graph has to go through project() first",
        )
    import torch

    words, numbers = _numbered(graph.labels, vocabulary, "vocabulary")
    operation = torch.tensor(numbers, dtype=torch.int64)
    data = geometric().Data(
        x=_one_hot(operation, len(words)),
        edge_index=torch.from_numpy(graph.edges.T.copy()),
        operation=operation,
        kernel=list(graph.names),
        vocabulary=list(words),
        num_nodes=len(graph),
    )
    for name, sizes in (("macs", graph.macs), ("bytes", graph.bytes)):
        if sizes is not None:
            data[name] = torch.from_numpy(sizes.copy())
    return data


def from_data(data: Data) -> KernelGraph:
    """The kernel graph that `to_data` made.

    Raises
    ------
    GraphError
        If something is missing.
    """
    try:
        labels = [data["vocabulary"][k] for k in data["operation"].tolist()]
        sizes = {name: data[name].numpy() for name in ("macs", "bytes") if name in data}
        return KernelGraph(labels, data["edge_index"].T.numpy(), data["kernel"], **sizes)
    except (KeyError, AttributeError, IndexError, TypeError) as error:
        raise GraphError("data", "be made by to_data()", f"one without {error}") from error


def to_archive(graph: Graph, facts: Mapping[str, Fact] | None = None) -> bytes:
    """A graph as the bytes of a file for `torch.load`, which gives ``to_dict()`` of its data.

    Parameters
    ----------
    graph : ComputationalGraph or KernelGraph
        What to write; `HeteroData.from_dict`, or `Data.from_dict`, makes the data again.
    facts : mapping of str to plain value, optional
        What is known of the program, as the field "facts".
    """
    import torch

    data = to_data(graph) if isinstance(graph, KernelGraph) else to_hetero_data(graph)
    known = plain_facts(facts)
    if known:
        data.facts = known
    stream = io.BytesIO()
    torch.save(data.to_dict(), stream)
    return stream.getvalue()


def from_archive(content: bytes) -> Graph:
    """The graph of the bytes of `to_archive`; nothing of them is run.

    Raises
    ------
    GraphError
        If they are something else.
    """
    try:
        value = load_tensors(io.BytesIO(content))
    except (BrokenFileError, zipfile.BadZipFile) as error:
        raise GraphError(
            "the file", "be written by torch.save of plain values", told(error)
        ) from error
    if not isinstance(value, dict):
        raise GraphError("the file", "hold the to_dict() of data", type(value).__name__)
    for key, fields in value.items():
        _check_fields(fields if isinstance(fields, dict) else {key: fields})
    if "memory" in value:
        return from_hetero_data(geometric().HeteroData.from_dict(value))
    return from_data(geometric().Data.from_dict(value))


def _check_fields(fields: dict[Any, Any]) -> None:
    """Raise for names of fields that PyTorch Geometric has a meaning of its own for."""
    for name in fields:
        if not isinstance(name, str) or name.startswith("_") or not name.isidentifier():
            raise GraphError("the file", "hold fields of data by name", repr(name))


def geometric() -> ModuleType:
    """`torch_geometric.data`, whose own import warns of what it uses of PyTorch."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        import torch_geometric.data

    module: ModuleType = torch_geometric.data
    return module


def _numbered(
    words: Sequence[str], known: Iterable[str] | None, argument: str
) -> tuple[tuple[str, ...], list[int]]:
    """The known words, and the number of each word among them."""
    order = tuple(sorted(set(words))) if known is None else tuple(known)
    number = {word: i for i, word in enumerate(order)}
    unknown = sorted(set(words) - set(number))
    if unknown:
        raise GraphError(argument, "hold every one that occurs", f"none for {unknown[0]!r}")
    return order, [number[word] for word in words]


def _memory_columns(memories: Sequence[Memory]) -> dict[str, Any]:
    import torch

    def whole(values: Iterable[int]) -> torch.Tensor:
        return torch.tensor(list(values), dtype=torch.int64)

    width = max([N_SIZES, *(len(m.shape) for m in memories)])
    kind = whole(MEMORY_KINDS.index(m.kind) for m in memories)
    ndim = whole(len(m.shape) for m in memories)
    sizes = [[*m.shape, *[-1] * (width - len(m.shape))] for m in memories]
    logarithms = [[math.log1p(m.bytes), math.log1p(math.prod(m.shape))] for m in memories]
    features = (
        torch.tensor(logarithms, dtype=torch.float32).reshape(-1, 2),
        ndim.to(torch.float32)[:, None],
        _one_hot(kind, len(MEMORY_KINDS)),
    )
    return {
        "x": torch.cat(features, dim=1),
        "shape": whole(size for row in sizes for size in row).reshape(-1, width),
        "ndim": ndim,
        "bytes": whole(m.bytes for m in memories),
        "kind": kind,
        "base": whole(-1 if m.base is None else m.base for m in memories),
        "alias": whole(-1 if m.alias is None else ALIAS_KINDS.index(m.alias) for m in memories),
        "name": [m.name for m in memories],
        "dtype": [m.dtype for m in memories],
        "scope": [m.scope for m in memories],
    }


def _kernel_columns(kernels: Sequence[Kernel]) -> dict[str, Any]:
    import torch

    family = torch.tensor(
        [FAMILIES.index(family_of(k.operation)) for k in kernels], dtype=torch.int64
    )
    logarithms = torch.tensor([math.log1p(k.macs) for k in kernels], dtype=torch.float32)
    return {
        "x": torch.cat([logarithms[:, None], _one_hot(family, len(FAMILIES))], dim=1),
        "family": family,
        "macs": torch.tensor([k.macs for k in kernels], dtype=torch.int64),
        "name": [k.name for k in kernels],
        "scope": [k.scope for k in kernels],
        "attributes": [json.dumps(kernel_record(k)["attributes"]) for k in kernels],
    }


def _one_hot(numbers: torch.Tensor, n: int) -> torch.Tensor:
    import torch

    rows = np.eye(n, dtype=np.float32)[numbers.numpy()]
    return torch.from_numpy(rows.reshape(len(numbers), n))
