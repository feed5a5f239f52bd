"""A model and example inputs in, its computational graph out.

It runs once, forward, on tensors that hold no data; every operator it calls is recorded with what
it reads, writes and aliases. Any Python control flow works: what is recorded is the branch that
the example takes. A program of `torch.export` or a graph of `torch.fx` is a model as well.
"""

from __future__ import annotations

import inspect
import os
import sys
import traceback
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.export import ExportedProgram
from torch.utils import _pytree as pytree
from torch.utils._python_dispatch import _disable_current_modes

from cgraph import checks
from cgraph.errors import ArgumentError, TraceError
from cgraph.generators import HELD
from cgraph.graphs.computational import ComputationalGraph
from cgraph.graphs.fusion import fused
from cgraph.tracing.bypasses import bypasses_of
from cgraph.tracing.depth import Depth, Recording, at_depth, check_depth
from cgraph.tracing.doors import found_file, open_door
from cgraph.tracing.ledger import Ledger
from cgraph.tracing.onnx_file import graph_of_onnx, is_onnx, read_onnx
from cgraph.tracing.recorder import AutocastOnMetaError, Recorder, ValuesNeededError
from cgraph.tracing.replay import Replay
from cgraph.tracing.restoring import process_restored, restored
from cgraph.tracing.scopes import Scopes
from cgraph.tracing.standins import Engine, StandIns

if TYPE_CHECKING:
    import onnx


def trace(
    model: nn.Module | ExportedProgram | onnx.ModelProto | str | os.PathLike[str],
    *inputs: Any,
    depth: Depth = "operator",
    fake: bool = True,
    **kwargs: Any,
) -> ComputationalGraph:
    """Computational graph of a model, by running it once on tensors without data.

    Parameters
    ----------
    model : torch.nn.Module, torch.export.ExportedProgram, onnx.ModelProto, or path
        Any module, on any device, in the mode it is in; a program that was exported from one,
        which gives the same graph; a model of ONNX; or the path of a `.pt2` or `.onnx` file. It
        is left as it was.
    *inputs : object
        Example arguments of its `forward`: tensors (their values are not read), or any nest of
        tuples, lists and dicts with tensors in it. An exported program has its own, and a
        `torch.fx.GraphModule` may tell their shapes: they may be left out. For ONNX they fix the
        sizes that the model leaves open.
    depth : {"operator", "module", "fused"} or type or tuple of types, default="operator"
        What a kernel is. "operator": a call of an operator as the model makes it (`conv2d`,
        `linear`, `scaled_dot_product_attention`). "module": a call of a module that calls no
        other module which runs an operator; operators called elsewhere stay. "fused": what a
        deployment runs, with batch norms folded, activations attached and identities gone. Types
        of modules: a call of a module of these types, with all that is in it. A model of ONNX
        does not tell its modules.
    fake : bool, default=True
        Whether nothing is computed. A model whose control flow depends on values of tensors
        needs `fake=False`, which computes, on copies.
    **kwargs : object
        Keyword arguments of its `forward`; one that is called `depth` or `fake` has to be given
        by position.

    Returns
    -------
    ComputationalGraph
        Memories: the inputs, all parameters and buffers under their names in the model, constants
        that it uses, and what its kernels write (kind "activation", or "output" for what it
        returns). A view has its base and no bytes; a write in place (batch norms in train mode
        write their running statistics) makes a new version, also without bytes. Kernels stand in
        the order they ran. Counting batches, which nothing depends on, is left out, so that train
        and eval mode have the same kernels.

    Raises
    ------
    ArgumentError
        If `model` is none of these or `depth` is not known.
    MissingPackageError
        If `model` is of ONNX and the package onnx is not installed.
    TraceError
        If the model cannot be run so, or the file not read; names the module that failed and what
        to do.

    Notes
    -----
    The model runs without gradients, with PyTorch's fused transformer layers switched off and
    compiled parts run as they were written. Meta tensors are tried first, which the model sees on
    the device of its own; where it does not run on them it runs on fake tensors. Threads that
    capture wait for each other.

    A program of `torch.export` is replayed operator by operator. As it was exported (not
    decomposed), it gives the very graph of its model; what export has left out (with `strict=True`
    it also rewrites loops over tensors) or broken down is gone here too.

    A model of ONNX is not run. Its nodes are the kernels, under PyTorch's names; its initializers
    are the parameters. Sizes are those that ONNX infers: a memory whose size is not told has the
    dtype "unknown", and asking for the MACs of such a graph raises a `GraphError`.

    Examples
    --------
    >>> model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU()).eval()
    >>> trace(model, torch.empty(1, 3, 8, 8))
    ComputationalGraph('Sequential', 3 kernels, 11 memories, 120 parameters, 3,888 MACs)
    >>> [k.operation for k in trace(model, torch.empty(1, 3, 8, 8), depth="fused").kernels]
    ['conv2d']
    """
    check_depth(depth)
    checks.truth("fake", fake)
    if isinstance(model, str | os.PathLike):
        model = found_file(model)
    if is_onnx(model):
        return _of_onnx(model, inputs, kwargs, depth, fake)
    module, args, keywords = open_door(model, inputs, kwargs)
    return at_depth(record(module, args, keywords, fake=fake), depth)


def _of_onnx(
    model: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any], depth: Depth, fake: bool
) -> ComputationalGraph:
    """Graph of an ONNX model or file, which is read and not run."""
    if depth not in ("operator", "fused"):
        raise ArgumentError("depth", "be 'operator' or 'fused' for an ONNX model", repr(depth))
    if not fake:
        raise ArgumentError("fake", "be True for an ONNX model, which is not run", fake)
    if isinstance(model, Path):
        model = read_onnx(model)
    graph = graph_of_onnx(model, args, kwargs)
    return graph if depth == "operator" else fused(graph)


def record(
    model: nn.Module, args: tuple[Any, ...], kwargs: Mapping[str, Any], *, fake: bool = True
) -> Recording:
    """The run of a model; see `trace`.

    Meta tensors are tried first and fake tensors where they fail: what either of them can run is
    recorded, and it is the same graph. A model that asks for gradients itself is run with them.
    """
    # One at a time: switches of PyTorch are set for the whole process meanwhile. And the caller
    # may be making fake tensors.
    with HELD, _disable_current_modes():
        if not fake:
            return _with_gradients_if_asked(model, args, kwargs, "real")
        try:
            return _with_gradients_if_asked(model, args, kwargs, "meta")
        except TraceError as first:
            try:
                return _with_gradients_if_asked(model, args, kwargs, "fake")
            except TraceError as second:
                raise second from first.__cause__


@contextmanager
def prepared_process() -> Iterator[None]:
    """A context in which models can be recorded on meta tensors, one at a time."""
    with ExitStack() as stack:
        stack.enter_context(HELD)
        stack.enter_context(_disable_current_modes())
        stack.enter_context(process_restored())
        stack.enter_context(torch.set_grad_enabled(False))
        stack.enter_context(torch._C._AutoDispatchBelowAutograd())
        stack.enter_context(_eager())
        yield


def _with_gradients_if_asked(
    model: nn.Module, args: tuple[Any, ...], kwargs: Mapping[str, Any], engine: Engine
) -> Recording:
    try:
        return _attempt(model, args, kwargs, engine)
    except TraceError as error:
        if "does not require grad" not in error.problem:
            raise
        return _attempt(model, args, kwargs, engine, autograd=True)


def _attempt(
    model: nn.Module,
    args: tuple[Any, ...],
    kwargs: Mapping[str, Any],
    engine: Engine,
    *,
    autograd: bool = False,
) -> Recording:
    parameters = dict(model.named_parameters())
    buffers = dict(model.named_buffers())
    scopes = Scopes(model)
    ledger = Ledger([*parameters, *buffers])
    stand_ins = StandIns(engine, autograd)
    given = [*parameters.values(), *buffers.values(), *tensors_in((args, kwargs))]
    recorder = Recorder(ledger, scopes, stand_ins, _only_device(given))
    # With autograd out of the way an operator arrives whole; with it, as what it is made of.
    below = nullcontext() if autograd else torch._C._AutoDispatchBelowAutograd()
    objects = pytree.tree_leaves((args, kwargs))
    with restored(model, objects), torch.set_grad_enabled(autograd), below, _eager():
        try:
            args, kwargs = brought(recorder, model, args, kwargs)
            for name, parameter in parameters.items():
                recorder.bring_named(parameter, "parameter", name)
            for name, buffer in buffers.items():
                recorder.bring_named(buffer, "buffer", name)
            with stand_ins.running(), scopes.watched(), bypasses_of(recorder), recorder:
                result = model(*args, **kwargs)
        except Exception as error:
            raise _explained(error, scopes, engine) from error
        if scopes.elsewhere is not None:
            raise _in_another_thread(scopes.elsewhere)
        scopes.reset()
        outputs = [
            ledger.current(recorder.bring(t, "constant", "constant")) for t in tensors_in(result)
        ]
    if not outputs:
        raise TraceError("", f"it returned no tensor but {_kind_of(result)}", "return its results")
    title = model.title if isinstance(model, Replay) else type(model).__name__
    graph, calls = ledger.graph(outputs, title)
    return Recording(graph, tuple(calls))


def brought(
    recorder: Recorder, model: nn.Module, args: tuple[Any, ...], kwargs: Mapping[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """The arguments with stand-ins in the place of their tensors.

    An object that PyTorch cannot take apart (a dataclass, a graph of PyG) stays as it is: its
    tensors are known, and exchanged when they are used.
    """
    leaves, spec = pytree.tree_flatten_with_path((args, dict(kwargs)))
    values = []
    for path, leaf in leaves:
        name = _input_name(model, path)
        if _is_tensor(leaf):
            leaf = recorder.bring(leaf, "input", name)
        else:
            for inner, tensor in _tensors_of_object(leaf):
                recorder.bring(tensor, "input", f"{name}.{inner}")
                recorder.stand_ins.hide(tensor)
        values.append(leaf)
    return pytree.tree_unflatten(values, spec)  # type: ignore[no-any-return]


def _tensors_of_object(value: Any, depth: int = 4) -> Iterator[tuple[str, Tensor]]:
    """The tensors that an object holds, each with the way to it."""
    if is_dataclass(value) and not isinstance(value, type):
        parts = [(f.name, getattr(value, f.name)) for f in fields(value)]
    elif isinstance(value, Mapping):
        parts = [(str(key), item) for key, item in value.items()]
    elif isinstance(value, list | tuple | set):
        parts = [(str(i), item) for i, item in enumerate(value)]
    elif isinstance(value, type | nn.Module) or not hasattr(value, "__dict__"):
        parts = []
    else:
        parts = [(name, item) for name, item in vars(value).items() if not callable(item)]
    for name, item in parts:
        if _is_tensor(item):
            yield name, item
        elif depth:
            yield from ((f"{name}.{way}", t) for way, t in _tensors_of_object(item, depth - 1))


def tensors_in(value: Any) -> list[Tensor]:
    """The tensors of a nest of tuples, lists, dicts and other objects, in order."""
    found: list[Tensor] = []
    for leaf in pytree.tree_leaves(value):
        if _is_tensor(leaf):
            found.append(leaf)
        else:
            found += [tensor for _, tensor in _tensors_of_object(leaf)]
    return found


def _only_device(tensors: Sequence[Tensor]) -> torch.device | None:
    """The device that all tensors are on; None where they are on several, or it is not here."""
    devices = {tensor.device for tensor in tensors}
    is_here = torch.cuda.is_available() or all(device.type != "cuda" for device in devices)
    return devices.pop() if len(devices) == 1 and is_here else None


def _is_tensor(value: Any) -> bool:
    return isinstance(value, Tensor)


def _kind_of(result: Any) -> str:
    return "None" if result is None else f"a {type(result).__name__}"


def _eager() -> AbstractContextManager[Any]:
    """A context in which compiled modules and functions run as they were written."""
    if "torch._dynamo" not in sys.modules:
        return nullcontext()
    stance: AbstractContextManager[Any] = torch.compiler.set_stance("force_eager")
    return stance


def _explained(error: Exception, scopes: Scopes, engine: Engine) -> TraceError:
    """What went wrong, where, and what to do."""
    scope = scopes.of_error(error)
    if _is_of_nested_tensors(error):
        problem = "it makes nested tensors, which have no shape"
        return TraceError(scope, problem, "pad them, and pass a mask")
    if isinstance(error, TraceError):
        return error
    if scopes.elsewhere is not None:
        return _in_another_thread(scopes.elsewhere)
    if isinstance(error, AutocastOnMetaError):
        return TraceError(scope, "autocast does not apply to meta tensors")
    lines = str(error).strip().splitlines()
    text = f"{type(error).__name__}: {lines[0] if lines else 'no message'}"
    if engine != "real" and _needs_values(error):
        return TraceError(
            scope,
            f"its control flow or shapes depend on values of tensors ({text})",
            "pass fake=False to run it on copies of the real tensors",
        )
    if engine != "real" and isinstance(error, NotImplementedError):
        return TraceError(
            scope,
            f"an operator does not run without data ({text})",
            "pass fake=False to run it on copies of the real tensors",
        )
    hint = "check that the model runs on these inputs"
    if engine != "real":
        hint += "; if it does, pass fake=False to run it on copies of the real tensors"
    return TraceError(scope, text, hint)


def _is_of_nested_tensors(error: Exception) -> bool:
    """Whether an operator of nested tensors failed, or PyTorch's code for them."""
    frames = traceback.walk_tb(error.__traceback__)
    nested = any(Path(frame.f_code.co_filename).parent.name == "nested" for frame, _ in frames)
    return nested or "aten._nested_tensor" in str(error)


def _in_another_thread(scope: str) -> TraceError:
    return TraceError(
        scope,
        "it runs in another thread, where its operators are not seen",
        "run it in the thread that calls the model",
    )


def _needs_values(error: Exception) -> bool:
    from torch._subclasses.fake_tensor import (
        DataDependentOutputException,
        DynamicOutputShapeException,
    )

    needing = ValuesNeededError, DataDependentOutputException, DynamicOutputShapeException
    if isinstance(error, needing):
        return True
    text = str(error)
    return any(
        phrase in text
        for phrase in (
            "cannot be called on meta tensors",
            "meta tensors cannot",
            "no data",
            "data is not allocated",
            "unallocated storage",
            "aten::nonzero",
        )
    )


def _input_name(model: nn.Module, path: Any) -> str:
    """Name of an argument, and the way into it: "x", "batch.ids", "args.1"."""
    steps = [str(getattr(step, "key", getattr(step, "idx", step))) for step in path]
    kind, first, *rest = steps
    if kind == "0":
        first = positional_name(model, int(first))
    return ".".join([first, *rest])


def positional_name(model: nn.Module, position: int) -> str:
    """Name of the argument of a model at a position."""
    if isinstance(model, Replay):
        given = model.argument_names
        return given[position] if position < len(given) else f"input.{position}"
    names: list[str] = []
    try:
        parameters = inspect.signature(model.forward).parameters.values()
    except (ValueError, TypeError):  # a method that is not Python's, as of a scripted module
        return f"input.{position}"
    for parameter in parameters:
        if parameter.kind is parameter.VAR_POSITIONAL and position >= len(names):
            return f"{parameter.name}.{position - len(names)}"
        names.append(parameter.name)
    return names[position] if position < len(names) else f"input.{position}"
