"""Batches of inputs of any nest, and outputs of any nest, as tensors.

A batch is a tensor, a tuple of tensors (several positional arguments), or a dict (keyword
arguments); each may hold further tuples, lists and dicts. The first axis of every tensor with
axes is the batch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeAlias

import numpy as np
import torch
from torch import Tensor, nn

from cgraph.errors import ArgumentError, CGraphError

Nest: TypeAlias = Any  # a tensor, or tuples, lists and dicts of nests


def map_tensors(function: Callable[[Tensor], Tensor], nest: Nest) -> Nest:
    """The same nest with a function applied to every tensor (an ndarray counts as one)."""
    if isinstance(nest, Tensor):
        return function(nest)
    if isinstance(nest, np.ndarray):
        return function(torch.as_tensor(nest))
    if isinstance(nest, Mapping):
        return {key: map_tensors(function, value) for key, value in nest.items()}
    if isinstance(nest, tuple | list):
        return type(nest)([map_tensors(function, value) for value in nest])
    return nest


def tensors_of(nest: Nest) -> Iterator[Tensor]:
    """The tensors of a nest, in order."""
    if isinstance(nest, Tensor):
        yield nest
    elif isinstance(nest, Mapping):
        for value in nest.values():
            yield from tensors_of(value)
    elif isinstance(nest, tuple | list):
        for value in nest:
            yield from tensors_of(value)
    elif hasattr(nest, "__dataclass_fields__"):
        for name in nest.__dataclass_fields__:
            yield from tensors_of(getattr(nest, name))


def batch_size(nest: Nest) -> int:
    """Number of samples of a batch.

    Raises
    ------
    ArgumentError
        If no tensor has a batch axis, two disagree, or there is no sample.

    Examples
    --------
    >>> batch_size((torch.zeros(4, 3), {"mask": torch.ones(4)}))
    4
    """
    if any(t.is_meta for t in tensors_of(nest)):
        raise ArgumentError("inputs", "hold values", "tensors of the device 'meta', which has none")
    sizes = {len(t) for t in tensors_of(nest) if t.dim()}
    if len(sizes) != 1:
        raise ArgumentError(
            "inputs",
            "hold tensors that share their first axis, the batch",
            f"the sizes {sorted(sizes)}" if sizes else f"{type(nest).__name__} without a batch",
            "a tuple is several arguments, a list is several batches",
        )
    (size,) = sizes
    if size == 0:
        raise ArgumentError("inputs", "hold a sample at least", "an empty batch")
    return size


def head(nest: Nest, size: int) -> Nest:
    """The first `size` samples of a batch."""
    return map_tensors(lambda t: t[:size] if t.dim() else t, nest)


def call(model: nn.Module, inputs: Nest) -> Nest:
    """What a model gives for a batch: a tuple is arguments, a dict is keyword arguments.

    Raises
    ------
    ArgumentError
        If the model does not run on the batch; names the module that failed.
    """
    try:
        if isinstance(inputs, Mapping):
            return model(**inputs)
        if isinstance(inputs, tuple):
            return model(*inputs)
        return model(inputs)
    except (CGraphError, torch.OutOfMemoryError):
        raise
    except (RuntimeError, TypeError, ValueError, LookupError, AttributeError) as error:
        shapes = ", ".join(str(tuple(t.shape)) for t in tensors_of(inputs)) or "nothing"
        raise ArgumentError(
            "inputs",
            "be a batch that the model can run on",
            f"{shapes}, on which {_failed_module(model, error)} raised "
            f"{type(error).__name__}: {' '.join(str(error).split())}",
            "check shapes and types; a tuple is several arguments, a dict keyword arguments",
        ) from error


def _failed_module(model: nn.Module, error: BaseException) -> str:
    """The innermost module that was running when an error was raised, in words."""
    names = {id(module): name for name, module in model.named_modules()}
    found: nn.Module = model
    frame = error.__traceback__
    while frame is not None:
        running = frame.tb_frame.f_locals.get("self")
        if isinstance(running, nn.Module) and id(running) in names:
            found = running
        frame = frame.tb_next
    name = names[id(found)]
    kind = type(found).__name__
    return f"module {name!r} ({kind})" if name else f"the model ({kind})"


def logits_of(outputs: Nest) -> list[Tensor]:
    """The floating-point outputs of a model.

    The field `logits`, where there is one, stands for all: models of language and vision return
    it beside hidden states and caches.
    """
    if isinstance(outputs, Mapping) and isinstance(outputs.get("logits"), Tensor):
        return [outputs["logits"]]
    if isinstance(getattr(outputs, "logits", None), Tensor):
        return [outputs.logits]
    return [t for t in tensors_of(outputs) if t.is_floating_point()]


def fitted_to(model: nn.Module, inputs: Nest) -> Nest:
    """A batch on the device of a model, its floating-point tensors in the model's own type.

    The tensors are fresh leaves: nothing that a statistic does to them reaches the caller's.
    """
    held = [*model.parameters(), *model.buffers()]
    dtypes = {p.dtype for p in model.parameters() if p.is_floating_point()}
    devices = {t.device for t in held}
    dtype = dtypes.pop() if len(dtypes) == 1 else None
    device = devices.pop() if len(devices) == 1 else None

    def fit(tensor: Tensor) -> Tensor:
        target = dtype if tensor.is_floating_point() else None
        return tensor.detach().to(device=device, dtype=target, copy=True)

    return map_tensors(fit, inputs)
