"""A recording at the depth that is asked for: operators, modules, or what a deployment runs."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from itertools import groupby
from typing import Literal, TypeAlias

from torch import nn

from cgraph import checks
from cgraph.errors import ArgumentError
from cgraph.graphs.computational import Attributes, ComputationalGraph, Kernel
from cgraph.graphs.fusion import contract, fused
from cgraph.tracing.scopes import Call

Depth: TypeAlias = (
    "Literal['operator', 'module', 'fused'] | type[nn.Module] | tuple[type[nn.Module], ...]"
)


@dataclass(frozen=True, slots=True)
class Recording:
    """A recorded run: the graph at operator depth, and who called its kernels.

    Parameters
    ----------
    graph : ComputationalGraph
        One kernel for each operator call.
    calls : tuple of Call
        The module call that each kernel was made from.
    """

    graph: ComputationalGraph
    calls: tuple[Call, ...]


def at_depth(recording: Recording, depth: Depth) -> ComputationalGraph:
    """The graph of a recording at a depth.

    Parameters
    ----------
    recording : Recording
        What `record` gives.
    depth : {"operator", "module", "fused"} or type or tuple of types
        See `trace`.
    """
    if depth == "operator":
        return recording.graph
    if depth == "fused":
        return fused(recording.graph)
    if depth == "module":
        parents = {id(call.parent) for call in recording.calls if call.parent is not None}
        return _contracted(recording, lambda call: call if id(call) not in parents else None)
    types = depth if isinstance(depth, tuple) else (depth,)
    return _contracted(recording, lambda call: _outermost(call, types))


def check_depth(depth: object) -> None:
    """Raise where a depth is neither a known word nor a type of modules, nor several.

    Raises
    ------
    ArgumentError
        If it is not.
    """
    types = depth if isinstance(depth, tuple) else (depth,)
    is_types = bool(types) and all(isinstance(t, type) and issubclass(t, nn.Module) for t in types)
    is_word = isinstance(depth, str) and depth in ("operator", "module", "fused")
    if not is_word and not is_types:
        must = "be 'operator', 'module', 'fused', or types of modules"
        raise ArgumentError("depth", must, checks.came(depth))


def _outermost(call: Call | None, types: tuple[type[nn.Module], ...]) -> Call | None:
    """The outermost call of a module of the types among a call and those it was made from."""
    found = None
    while call is not None:
        if issubclass(call.kind, types):
            found = call
        call = call.parent
    return found


def _contracted(recording: Recording, unit_of: Callable[[Call], Call | None]) -> ComputationalGraph:
    """The graph with one kernel for each unit: the kernels of a call follow each other."""
    units = [unit_of(call) for call in recording.calls]
    kernels = recording.graph.kernels
    groups = []
    for _, run in groupby(range(len(units)), key=lambda k: id(units[k])):
        members = list(run)
        unit = units[members[0]]
        if unit is not None:
            groups.append((members, _unit_kernel(unit, [kernels[k] for k in members])))
    return contract(recording.graph, groups)


def _unit_kernel(call: Call, kernels: list[Kernel]) -> Kernel:
    """One kernel for those of a module: itself if it is one, else called like the module."""
    if len(kernels) == 1:
        return kernels[0]
    operation = snake_case(call.kind.__name__)
    main = [kernel for kernel in kernels if kernel.operation == operation]
    attributes = main[0].attributes if len(main) == 1 else Attributes(n_operators=len(kernels))
    macs = sum(kernel.macs for kernel in kernels)
    return Kernel(kernels[-1].name, operation, attributes, call.scope, macs)


def snake_case(name: str) -> str:
    """Words of a class name, joined by underscores.

    Examples
    --------
    >>> snake_case("MultiheadAttention"), snake_case("LSTM"), snake_case("RMSNorm")
    ('multihead_attention', 'lstm', 'rms_norm')
    """
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()
