"""What `trace` takes, as a module to run and the arguments to run it with."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import fx, nn
from torch.export import ExportedProgram
from torch.nn.parameter import is_lazy

from cgraph import checks
from cgraph.errors import ArgumentError, TraceError
from cgraph.tracing.exported import open_graph, open_program
from cgraph.tracing.program_files import read_program

# What `trace` takes, completing "model must ...".
TAKEN = (
    "be a torch.nn.Module, a torch.export.ExportedProgram, an onnx.ModelProto, "
    "or the path of a .pt2 or .onnx file"
)

Opened = tuple[nn.Module, tuple[Any, ...], Mapping[str, Any]]


def open_door(model: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Opened:
    """A module to run for what the caller has, and its arguments.

    Parameters
    ----------
    model : object
        What `trace` takes, but for a model of ONNX.
    args, kwargs
        Example arguments; a program that tells the shapes of its own needs none.

    Raises
    ------
    ArgumentError
        If `model` is nothing that can be traced.
    TraceError
        If a file cannot be read, a module is not set up, or arguments are missing.
    """
    if isinstance(model, Path):
        model = read_program(model)
    if isinstance(model, ExportedProgram):
        replay, given = open_program(model, args, kwargs)
        return replay, *given
    if not isinstance(model, nn.Module):
        raise ArgumentError("model", TAKEN, type(model).__name__)
    _refuse_unfinished(model)
    module = _as_written(model)
    if isinstance(module, fx.GraphModule):
        module, given = open_graph(module, args, kwargs)
        return module, *given
    return module, args, kwargs


def found_file(path: str | os.PathLike[str]) -> Path:
    """The path of a file of a program.

    Raises
    ------
    ArgumentError
        If no file is there, or its ending is of another kind.
    """
    found = checks.path("model", path, TAKEN)
    if not found.is_file():
        raise ArgumentError("model", TAKEN, f"{str(found)!r}, where there is no file")
    if found.suffix not in (".pt2", ".onnx"):
        raise ArgumentError("model", TAKEN, repr(str(found)))
    return found


def _as_written(model: nn.Module) -> nn.Module:
    """The module that a compiled module was made of."""
    if "torch._dynamo" not in sys.modules:
        return model
    from torch._dynamo.eval_frame import OptimizedModule

    return model._orig_mod if isinstance(model, OptimizedModule) else model


def _refuse_unfinished(model: nn.Module) -> None:
    """Raise for a module that is not set up, has nothing to run, or no shapes yet."""
    kind = type(model)
    if isinstance(model, torch.jit.ScriptModule):
        return  # a traced one hides what it is made of
    if "_modules" not in vars(model):
        raise TraceError(
            "",
            f"{kind.__name__}.__init__ did not set up nn.Module",
            "call super().__init__() at its beginning",
        )
    if kind.forward is nn.Module.forward and "forward" not in vars(model):
        raise TraceError("", f"{kind.__name__} has no forward", "define it, or trace what calls it")
    for scope, module in model.named_modules():
        held = (*module._parameters.items(), *module._buffers.items())
        for name, tensor in held:
            if is_lazy(tensor):
                raise TraceError(
                    scope,
                    f"its {name!r} is lazy and has no shape yet",
                    "run the model once on an example before it is captured",
                )
