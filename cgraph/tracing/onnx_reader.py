"""The nodes of an ONNX graph as memories, kernels, and who reads and writes what."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from cgraph.errors import TraceError
from cgraph.graphs.computational import (
    UNKNOWN,
    Attribute,
    Attributes,
    ComputationalGraph,
    Kernel,
    Memory,
    MemoryKind,
)
from cgraph.tracing.onnx_operators import (
    SCALED,
    STATISTICS,
    attributes_of,
    operation_of,
    operator_of,
)
from cgraph.tracing.onnx_sizes import Size
from cgraph.tracing.onnx_values import constants_of
from cgraph.tracing.onnx_work import RULES, macs_of

if TYPE_CHECKING:
    import onnx

# Types of initializers that are no weights: what they hold are positions and conditions.
_NOT_LEARNED = ("int64", "bool", "string")

# Where newer exporters keep the names of the modules that a node comes from.
_SCOPES = "pkg.torch.onnx.name_scopes"


def read_nodes(graph: onnx.GraphProto, sizes: Mapping[str, Size]) -> ComputationalGraph:
    """Computational graph of an ONNX graph.

    Parameters
    ----------
    graph : onnx.GraphProto
        Its nodes stand in the order they run.
    sizes : mapping of str to Size
        What is known of its values.

    Raises
    ------
    TraceError
        If a node reads what neither stands before it nor came in.
    """
    return _Reader(graph, sizes).read()


class _Reader:
    """What has been read of a graph so far."""

    def __init__(self, graph: onnx.GraphProto, sizes: Mapping[str, Size]) -> None:
        self.graph = graph
        self.sizes = sizes
        self.weights = {tensor.name for tensor in graph.initializer}
        self.returned = {value.name for value in graph.output}
        self.values: dict[str, int] = {}  # memory of each value
        self.constants = constants_of(graph)
        nodes = graph.node
        self.made = {n for node in nodes if node.op_type == "Constant" for n in node.output}
        self.read_names = {name for node in nodes for name in (*node.input, *_captured(node))}
        self.memories: list[Memory] = []
        self.kernels: list[Kernel] = []
        self.reads: dict[tuple[int, int], None] = {}  # a set in order of insertion
        self.writes: list[tuple[int, int]] = []
        self.names: Counter[str] = Counter()

    def read(self) -> ComputationalGraph:
        """The graph."""
        nodes = [node for node in self.graph.node if node.op_type != "Constant"]
        for value in self.graph.input:
            if value.name not in self.weights:
                self._add(value.name, "input", value.name)
        self._add_initializers(nodes)
        for node in nodes:
            self._add_node(node)
        outputs = []
        for value in self.graph.output:
            outputs.append(self._memory_of(value.name, "the graph"))
        return ComputationalGraph(
            self.memories,
            self.kernels,
            list(self.reads),
            self.writes,
            outputs,
            name=self.graph.name,
        )

    def _add_initializers(self, nodes: list[onnx.NodeProto]) -> None:
        """Enter the initializers, but for those that are arguments everywhere."""
        uses: dict[str, list[bool]] = {}  # whether each use is as an argument, a statistic
        statistics: dict[str, list[bool]] = {}
        for node in nodes:
            arguments = self._arguments(node)
            for position, name in enumerate(node.input):
                uses.setdefault(name, []).append(position in arguments)
                is_statistic = position in STATISTICS.get(node.op_type, ())
                statistics.setdefault(name, []).append(is_statistic)
        for tensor in self.graph.initializer:
            if all(uses.get(tensor.name, [False])):
                continue
            kind: MemoryKind = "parameter"
            if all(statistics.get(tensor.name, [False])):
                kind = "buffer"
            elif self.sizes[tensor.name].dtype in _NOT_LEARNED:
                kind = "constant"
            self._add(tensor.name, kind, tensor.name)

    def _arguments(self, node: onnx.NodeProto) -> dict[int, str]:
        """The inputs of a node that are constant arguments, and what they are called."""
        found = {
            position: name
            for position, name in operator_of(node.op_type).arguments.items()
            if position < len(node.input) and node.input[position] in self.constants
        }
        if node.op_type in SCALED and len(node.input) == 2:
            for position, name in enumerate(node.input):
                # A number in the program; an initializer may be learned.
                is_number = name in self.constants and self.constants[name].size == 1
                if is_number and name not in self.weights and not found:
                    found[position] = "other"
        return found

    def _add_node(self, node: onnx.NodeProto) -> None:
        given = {attribute.name: _value_of(attribute) for attribute in node.attribute}
        shapes = [self._shape_of(name) if name else () for name in node.input]
        arguments = self._arguments(node)
        operation = self._operation(node, given, shapes)
        found = attributes_of(operation, given, shapes)
        for position, name in arguments.items():
            found[name] = _attribute(self.constants[node.input[position]])
        if operation == "dropout":
            found.setdefault("train", False)
        scope, index = _scope_of(node), len(self.kernels)
        output = next((self._shape_of(name) for name in node.output if name), None)
        macs = macs_of(node.op_type, given, shapes, output)
        if macs is None or any(inner.op_type in RULES for inner in _inner_nodes(node)):
            found["macs"] = UNKNOWN
        operands = [v for at, v in enumerate(node.input) if v and at not in arguments]
        if 1 < len(set(operands)) < len(operands):
            order = list(dict.fromkeys(operands))
            found["operands"] = tuple(map(order.index, operands))
        name = self._unique(operation)
        self.kernels.append(Kernel(name, operation, Attributes(found), scope, macs or 0))
        for position, value in enumerate(node.input):
            if value and position not in arguments:
                self.reads[self._memory_of(value, node.name or name), index] = None
        for value in _captured(node):
            if value in self.values or value in self.made or value in self.weights:
                self.reads[self._memory_of(value, node.name or name), index] = None
        for value in filter(None, node.output):
            is_wanted = value in self.returned or value in self.read_names
            if not (is_wanted or self.sizes.get(value, Size()).is_known):
                continue  # a second result that is left unsaid because nobody wants it
            kind: MemoryKind = "output" if value in self.returned else "activation"
            self._add(value, kind, f"{name}.out", scope)
            self.writes.append((index, self.values[value]))

    def _operation(
        self, node: onnx.NodeProto, given: Mapping[str, Any], shapes: list[tuple[int, ...] | None]
    ) -> str:
        if node.op_type == "Gather" and given.get("axis", 0) == 0 and len(shapes[0] or ()) == 2:
            table = self.values.get(node.input[0])
            if table is not None and self.memories[table].kind == "parameter":
                return "embedding"
        return operation_of(node.op_type, given, shapes)

    def _shape_of(self, name: str) -> tuple[int, ...] | None:
        return self.sizes.get(name, Size()).shape

    def _memory_of(self, name: str, reader: str) -> int:
        if name not in self.values and (name in self.made or name in self.weights):
            self._add(name, "constant", name)
        if name not in self.values:
            raise TraceError(
                "",
                f"{reader!r} reads {name!r}, which nothing before it writes",
                "sort the nodes of the model, or check that it is complete",
            )
        return self.values[name]

    def _add(self, value: str, kind: MemoryKind, name: str, scope: str = "") -> None:
        size = self.sizes.get(value, Size())
        name = self._unique(name)
        if size.is_known:
            memory = Memory(name, kind, size.shape or (), size.dtype, size.bytes, scope)
        else:
            memory = Memory(name, kind, (), UNKNOWN, 0, scope)
        self.values[value] = len(self.memories)
        self.memories.append(memory)

    def _unique(self, name: str) -> str:
        """The name, or the name with the first free number."""
        while True:
            n = self.names[name]
            self.names[name] += 1
            candidate = f"{name}_{n}" if n else name
            if n == 0 or candidate not in self.names:
                self.names.setdefault(candidate, 1)
                return candidate


def _value_of(attribute: onnx.AttributeProto) -> Any:
    import onnx

    value = onnx.helper.get_attribute_value(attribute)
    return list(value) if isinstance(value, list | tuple) else value


def _attribute(array: NDArray[Any]) -> Attribute:
    """A constant argument as an attribute."""
    numbers = array.ravel().tolist()
    if len(numbers) == 1:
        return numbers[0] if isinstance(numbers[0], bool | int | float | str) else str(numbers[0])
    if all(isinstance(n, int) for n in numbers):
        return tuple(numbers)
    return "x".join(map(str, numbers))


def _inner_graphs(node: onnx.NodeProto) -> Iterator[onnx.GraphProto]:
    for attribute in node.attribute:
        if attribute.HasField("g"):
            yield attribute.g
        yield from attribute.graphs


def _inner_nodes(node: onnx.NodeProto) -> Iterator[onnx.NodeProto]:
    """The nodes of the graphs that a node holds, and of those that they hold."""
    for graph in _inner_graphs(node):
        for inner in graph.node:
            yield inner
            yield from _inner_nodes(inner)


def _captured(node: onnx.NodeProto) -> dict[str, None]:
    """Names that the graphs of a node read from around it, in order."""
    found: dict[str, None] = {}
    for graph in _inner_graphs(node):
        own = {value.name for value in graph.input} | {t.name for t in graph.initializer}
        for inner in graph.node:
            for name in (*inner.input, *_captured(inner)):
                if name and name not in own:
                    found[name] = None
            own.update(inner.output)
        found.update({value.name: None for value in graph.output if value.name not in own})
    return found


def _scope_of(node: onnx.NodeProto) -> str:
    """Name of the module that a node comes from, where its exporter has written it down.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> _scope_of(SimpleNamespace(metadata_props=[], name="/body/body.0/conv/Conv"))
    'body.0.conv'
    """
    for entry in node.metadata_props:
        if entry.key == _SCOPES:
            names = ast.literal_eval(entry.value)
            return str(names[-2]) if len(names) > 1 else ""
    if not node.name.startswith("/"):
        return ""
    parts: list[str] = []
    for part in node.name.strip("/").split("/")[:-1]:
        if parts and part.startswith(f"{parts[-1]}."):
            parts.pop()  # a part of a sequence repeats the name of the sequence
        parts.append(part)
    return ".".join(parts)
