"""A model and example inputs in, its computational graph out.

The model runs once, forward, on tensors that hold no data; every operator it calls is recorded
with what it reads, writes and aliases. Any Python control flow works: what is recorded is the
branch that the example takes.
"""

from __future__ import annotations

import inspect
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils import _pytree as pytree

from cgraph.errors import ArgumentError, TraceError
from cgraph.graphs.computational import ComputationalGraph
from cgraph.tracing.ledger import Ledger
from cgraph.tracing.recorder import Recorder
from cgraph.tracing.scopes import Scopes
from cgraph.tracing.standins import StandIns


def trace(model: nn.Module, *inputs: Any, fake: bool = True, **kwargs: Any) -> ComputationalGraph:
    """Computational graph of a model, by running it once on tensors without data.

    Parameters
    ----------
    model : torch.nn.Module
        Any module, on any device, in the mode it is in. It is left as it was.
    *inputs : object
        Example arguments of its `forward`: tensors (their values are not read), or any nest of
        tuples, lists and dicts with tensors in it.
    fake : bool, default=True
        Whether nothing is computed. A model whose control flow depends on values of tensors
        needs `fake=False`, which computes, on copies.
    **kwargs : object
        Keyword arguments of its `forward`.

    Returns
    -------
    ComputationalGraph

    Raises
    ------
    ArgumentError
        If `model` is not a module.
    TraceError
        If the model cannot be run so; names the module that failed and what to do.

    Examples
    --------
    >>> graph = trace(nn.Sequential(nn.Linear(8, 4), nn.ReLU()), torch.empty(1, 8))
    >>> graph
    ComputationalGraph('Sequential', 2 kernels, 5 memories, 36 parameters, 32 MACs)
    >>> [kernel.operation for kernel in graph.kernels]
    ['linear', 'relu']
    """
    if not isinstance(model, nn.Module):
        raise ArgumentError("model", "be a torch.nn.Module", type(model).__name__)
    parameters = dict(model.named_parameters())
    buffers = dict(model.named_buffers())
    scopes = Scopes(model)
    ledger = Ledger([*parameters, *buffers])
    stand_ins = StandIns(fake)
    recorder = Recorder(ledger, scopes, stand_ins)
    leaves, spec = pytree.tree_flatten_with_path((inputs, kwargs))
    values = [
        recorder.bring(leaf, "input", _input_name(model, path))
        if isinstance(leaf, Tensor)
        else leaf
        for path, leaf in leaves
    ]
    for kind, named in (("parameter", parameters), ("buffer", buffers)):
        for name, tensor in named.items():
            scope, _, _ = name.rpartition(".")
            stand_in = stand_ins.of(tensor)
            ledger.add_given(stand_in, kind, name, scope)  # type: ignore[arg-type]
    args, named_args = pytree.tree_unflatten(values, spec)
    try:
        with torch.no_grad(), scopes.watched(), torch._C._AutoDispatchBelowAutograd(), recorder:
            result = model(*args, **named_args)
    except Exception as error:
        raise TraceError(scopes.of_error(error), str(error)) from error
    outputs = [leaf for leaf in pytree.tree_leaves(result) if isinstance(leaf, Tensor)]
    with torch.no_grad():
        returned = [ledger.current(recorder.bring_back(t)) for t in outputs]
    if not returned:
        raise TraceError("", f"it returned no tensor but {type(result).__name__}")
    return ledger.graph(returned, type(model).__name__)


def _input_name(model: nn.Module, path: Any) -> str:
    """Name of an argument, and the way into it: "x", "batch.ids", "args.1"."""
    steps = [str(getattr(step, "key", getattr(step, "idx", step))) for step in path]
    kind, first, *rest = steps
    if kind == "0":
        first = _positional_name(model, int(first))
    return ".".join([first, *rest])


def _positional_name(model: nn.Module, position: int) -> str:
    names: list[str] = []
    for parameter in inspect.signature(model.forward).parameters.values():
        if parameter.kind is parameter.VAR_POSITIONAL:
            return f"{parameter.name}.{position - len(names)}"
        names.append(parameter.name)
    return names[position] if position < len(names) else f"input.{position}"
