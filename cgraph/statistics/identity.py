"""Which models are one program: a digest of everything that a statistic of a model can see.

It takes in the operations with their attributes, the order of their arguments, the shape and type
of every tensor, who shares a parameter, how each parameter is drawn, and the modules that hold it.
Names, the order in which modules are made, and the order of the terms of a sum make no difference.
"""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from cgraph.errors import ArgumentError
from cgraph.generators import seed_generators, untouched_generators
from cgraph.graphs.canonical import digest
from cgraph.graphs.computational import ComputationalGraph
from cgraph.graphs.kernel import KernelGraph
from cgraph.statistics.nests import Nest, map_tensors

# The same whichever argument comes first.
_COMMUTATIVE = frozenset({"add", "mul", "maximum", "minimum"})
# Writes in place that leave nothing of what was there.
_OVERWRITING = frozenset(
    [
        *("uniform", "normal", "bernoulli", "exponential", "log_normal", "cauchy", "geometric"),
        *("random", "fill", "zero", "copy"),
    ]
)
# Arguments that say where a tensor is, not what it holds.
_WHERE = frozenset({"device", "pin_memory", "generator", "layout", "memory_format"})


def program_of(factory: Callable[[], nn.Module], example: Nest) -> str:
    """Digest of the program that a factory makes; equal where it makes the same network.

    Parameters
    ----------
    factory : callable
        Makes a model. Models that it makes differ in nothing but the numbers that are drawn.
    example : nest of Tensor
        A batch that the model takes; the shapes of its first two samples are seen.

    Returns
    -------
    str
        32 hexadecimal digits. Two factories that are written differently may get two digests
        where their networks are equal, but two different networks do not get the same.

    Raises
    ------
    ArgumentError
        If the factory makes no module.
    TraceError
        If the model does not take the example.

    Examples
    --------
    >>> x = torch.zeros(2, 8)
    >>> program_of(nn.ReLU, x) == program_of(lambda: nn.ReLU(inplace=True), x)
    True
    >>> program_of(lambda: nn.LeakyReLU(0.1), x) == program_of(lambda: nn.LeakyReLU(0.2), x)
    False
    """
    from cgraph.tracing.record import trace

    pair = map_tensors(lambda t: t[:2] if t.dim() else t, example)
    with untouched_generators(), warnings.catch_warnings(action="ignore"):
        seed_generators(0)
        origins = _Origins()
        with origins:
            model = factory()
        if not isinstance(model, nn.Module):
            raise ArgumentError("models", "make modules", type(model).__name__)
        held = {**dict(model.named_parameters()), **dict(model.named_buffers())}
        drawn = {name: origins.of(tensor) for name, tensor in held.items()}
        digests = []
        # A model may run other operations in training than after it.
        for mode in dict.fromkeys((model.training, False)):
            model.train(mode)
            seed_generators(0)
            if isinstance(pair, Mapping):
                graph = trace(model, **pair)
            else:
                graph = trace(model, *(pair if isinstance(pair, tuple) else (pair,)))
            digests.append(digest(_labelled(graph, model, drawn)))
    return digests[0] if len(digests) == 1 else _hash(*digests)


def _labelled(graph: ComputationalGraph, model: nn.Module, drawn: Mapping[str, str]) -> KernelGraph:
    """Memories, kernels and arguments of a program as one labelled graph without names."""
    kinds = {name: _kind(module) for name, module in model.named_modules()}
    owners = {f"{name}.{p}" if name else p: kinds[name] for name, p in _own_tensors(model)}
    places = {m: f"input {i}" for i, m in enumerate(graph.inputs)}
    labels = []
    for m, memory in enumerate(graph.memories):
        role = places.get(m, "activation" if memory.kind == "output" else memory.kind)
        origin = (owners.get(memory.name, ""), drawn.get(memory.name, ""))
        is_held = memory.kind in ("parameter", "buffer")
        labels.append(repr((role, memory.shape, memory.dtype, *(origin if is_held else ()))))
    first_kernel = len(labels)
    for kernel in graph.kernels:
        attributes = sorted((name, repr(value)) for name, value in kernel.attributes.items())
        labels.append(repr((kernel.operation, attributes, kinds.get(kernel.scope, ""))))
    edges = [(first_kernel + k, m) for k, m in graph.writes.tolist()]
    n_read = [0] * len(graph.kernels)
    for m, k in graph.reads.tolist():
        if graph.kernels[k].operation in _COMMUTATIVE:
            edges.append((m, first_kernel + k))
            continue
        edges += [(m, len(labels)), (len(labels), first_kernel + k)]
        labels.append(f"argument {n_read[k]}")
        n_read[k] += 1
    for i, m in enumerate(graph.outputs):
        edges.append((m, len(labels)))
        labels.append(f"output {i}")
    # What no operation reads is still a parameter of the model.
    traced = {memory.name for memory in graph.memories}
    labels += [
        repr(("unused", owners.get(name, ""), origin))
        for name, origin in drawn.items()
        if name not in traced
    ]
    return KernelGraph(labels, edges)


def _kind(module: nn.Module) -> str:
    """Class of a module without modules of its own: initialisations go by it."""
    return "" if any(True for _ in module.children()) else type(module).__qualname__


def _own_tensors(model: nn.Module) -> list[tuple[str, str]]:
    return [
        (name, own)
        for name, module in model.named_modules()
        for own in (*module._parameters, *module._buffers)
    ]


class _Origins(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """How each tensor came to its values while the mode was active: by which draws and fillings."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._origins: dict[int, str] = {}
        # Kept, so that no other tensor comes to lie where one that is gone has been.
        self._storages: list[torch.UntypedStorage] = []

    def of(self, tensor: Tensor) -> str:
        """How a tensor was made, or what it holds where that was not seen."""
        if is_lazy(tensor):
            return "lazy"
        facts = (tuple(tensor.shape), tensor.dtype)
        if tensor.is_meta or not tensor.numel():
            return _hash(*facts)
        origin = self._origins.get(tensor.untyped_storage().data_ptr())
        if origin is None:
            raw = tensor.detach().cpu().contiguous().view(-1).view(torch.uint8)
            origin = _hash("values", raw.numpy().tobytes())
        return _hash(origin, *facts)

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Run an operator, and note what it made or changed."""
        del types
        kwargs = kwargs or {}
        name = func.overloadpacket.__name__
        is_in_place = name.endswith("_") and not name.endswith("__")
        given = tree_leaves((args, {k: v for k, v in kwargs.items() if k not in _WHERE}))
        read = [a for a in given if isinstance(a, Tensor)]
        before = [self.of(t) for t in (read[1:] if is_in_place else read)]
        entry = _hash(name, [a for a in given if not isinstance(a, Tensor)], before)
        out = func(*args, **kwargs)
        if is_in_place and read:
            target = read[0]
            whole = target.numel() * target.element_size() == target.untyped_storage().nbytes()
            if not (whole and name.rstrip("_") in _OVERWRITING):
                entry = _hash(entry, self.of(target), tuple(target.shape), target.storage_offset())
            self._note(target, entry)
            return out
        for tensor in out if isinstance(out, tuple | list) else (out,):
            if isinstance(tensor, Tensor) and not self._is_known(tensor, read):
                self._note(tensor, entry)
        return out

    def _is_known(self, tensor: Tensor, read: list[Tensor]) -> bool:
        pointer = tensor.untyped_storage().data_ptr()
        return any(pointer == t.untyped_storage().data_ptr() for t in read)

    def _note(self, tensor: Tensor, entry: str) -> None:
        storage = tensor.untyped_storage()
        self._origins[storage.data_ptr()] = entry
        self._storages.append(storage)


def _hash(*facts: object) -> str:
    return hashlib.blake2b(repr(facts).encode(), digest_size=16).hexdigest()
