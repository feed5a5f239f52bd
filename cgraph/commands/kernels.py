"""Kernel graphs of programs that a command line names, their kernels called as people call them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from cgraph.commands.programs import Depth, Reading, architecture_of, read_program
from cgraph.errors import ArgumentError

if TYPE_CHECKING:
    from cgraph.graphs.computational import ComputationalGraph, Kernel
    from cgraph.graphs.kernel import KernelGraph

OPERATIONS = "operations"
"""The part of an architecture in which each of its operations is one node."""


@dataclass(frozen=True, slots=True)
class Comparable:
    """A program as it is compared.

    Parameters
    ----------
    graph : KernelGraph
        With its boundary.
    program : ComputationalGraph or None
        What it was projected from, its kernels called as in the graph; None where there is none.
    """

    graph: KernelGraph
    program: ComputationalGraph | None


def read_comparable(
    text: str, inputs: Sequence[str], *, depth: Depth | None, part: str | None
) -> Comparable:
    """A program to compare, from how it is written on a command line.

    Parameters
    ----------
    text : str
        The program; see `read_program`. A file may also hold a kernel graph.
    inputs : sequence of str
        Shapes of the inputs of a model.
    depth : {"operator", "module", "fused"} or None
        What a kernel is; by default an operator, or an operation of the cell where the
        architectures of a space have these.
    part : {"operations", "cell", "network"} or None
        What of an architecture; by default its operations, or the network where a depth is given.

    Raises
    ------
    ArgumentError
        If there is no such program, or an option does not belong to it.
    """
    found = architecture_of(text)
    if found is not None:
        space, name = found
        if part is None and depth is None and OPERATIONS in space.parts:
            part = OPERATIONS
        if part == OPERATIONS:
            if depth is not None:
                raise ArgumentError("--depth", "be left out for the part 'operations'", depth)
            return Comparable(_operations_of(space.name, space.index(name)), None)
    elif part is None and (graph := _saved_kernel_graph(Path(text))) is not None:
        return Comparable(graph, None)
    program = read_program(text, inputs, how=Reading(depth=depth or "operator", part=part))
    from cgraph.graphs.kernel import project

    speak = _speak_scope(None if found is None else found[0].name)
    program = _renamed(program, speak)
    return Comparable(project(program, boundary=True), program)


def kernel_names(kernels: Sequence[Kernel], speak: Callable[[str], str]) -> list[str]:
    """A name for each kernel: its scope, with its operation where several share the scope.

    Parameters
    ----------
    kernels : sequence of Kernel
        Of one program.
    speak : callable
        From a scope to what people call it.

    Returns
    -------
    list of str
        No name twice.
    """
    scopes = [speak(kernel.scope) for kernel in kernels]
    shared = Counter(scopes)
    parents = {scope[:i] for scope in shared for i, c in enumerate(scope) if c == "."}
    names: list[str] = []
    seen: Counter[str] = Counter()
    for scope, kernel in zip(scopes, kernels, strict=True):
        is_alone = shared[scope] == 1 and scope not in parents
        name = scope
        if not scope or (not is_alone and scope.rpartition(".")[2] != kernel.operation):
            name = f"{scope}.{kernel.operation}" if scope else kernel.operation
        seen[name] += 1
        names.append(name if seen[name] == 1 else f"{name}_{seen[name]}")
    return names


def _renamed(program: ComputationalGraph, speak: Callable[[str], str]) -> ComputationalGraph:
    from cgraph.graphs.computational import ComputationalGraph

    names = kernel_names(program.kernels, speak)
    kernels = [replace(k, name=name) for k, name in zip(program.kernels, names, strict=True)]
    return ComputationalGraph(
        program.memories,
        kernels,
        program.reads,
        program.writes,
        program.outputs,
        name=program.name,
    )


def _operations_of(space: str, index: int) -> KernelGraph:
    from cgraph.graphs.kernel import KernelGraph
    from cgraph.spaces import get

    graph = get(space).population("operations", boundary=True)[index]
    if space != "nasbench201":
        return graph
    from cgraph.spaces.nasbench201.naming import node_names

    return KernelGraph(graph.labels, graph.edges, node_names(index))


def _speak_scope(space: str | None) -> Callable[[str], str]:
    if space != "nasbench201":
        return str
    from cgraph.spaces.nasbench201.naming import speak_scope

    return speak_scope


def _saved_kernel_graph(path: Path) -> KernelGraph | None:
    """The kernel graph that a file holds; None where it is no file or holds something else."""
    from cgraph.export.graph_files import PROGRAM_ENDINGS, read_graph
    from cgraph.graphs.kernel import KernelGraph

    if ":" in path.name or not path.suffix or path.suffix in PROGRAM_ENDINGS:
        return None
    graph = read_graph(path)
    return graph if isinstance(graph, KernelGraph) else None
