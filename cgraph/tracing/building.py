"""Models without values: the layers of PyTorch are made on the meta device, and quickly.

Half of the time of building a network goes into drawing weights that a recording never reads, and
most of the other half into making the same layers again. Within `without_values` a layer of
`torch.nn` is made once for each way of calling its class; those that follow are filled from it,
with parameters and buffers of their own on the meta device. What a program makes itself stays as
it is.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.modules import module as module_calls

from cgraph.tracing.outcomes import META
from cgraph.tracing.purity import is_constant, plain

_OF_LAYERS = "torch.nn.modules."
_CONTAINERS = (nn.Sequential, nn.ModuleList, nn.ModuleDict, nn.ParameterList, nn.ParameterDict)

# Ways of calling that are kept.
_MOST_TEMPLATES = 4096


class _Template(NamedTuple):
    """What a layer holds."""

    attributes: dict[str, Any]  # in order, with those below as placeholders
    containers: list[tuple[str, Callable[[], Any]]]
    lists: list[tuple[str, list[Any]]]
    tensors: list[tuple[str, str, tuple[Any, ...] | None, bool]]  # group, name, sizes; a gradient


class Building:
    """Makes models whose layers have no values; the parameters and buffers made are told apart."""

    def __init__(self) -> None:
        self._templates: dict[Hashable, _Template | None] = {}
        self._thread: int | None = None
        self.made: set[int] = set()

    @contextmanager
    def ready(self) -> Iterator[None]:
        """A context in which classes of layers ask this; without `without_values` nothing changes.

        Their `__init__` is exchanged for the time, and put back.
        """
        exported = [kind for kind in vars(nn).values() if isinstance(kind, type)]
        classes = {kind for layer in exported for kind in layer.__mro__}
        own = {
            kind: vars(kind)["__init__"]
            for kind in classes - {nn.Module, *_CONTAINERS}
            if issubclass(kind, nn.Module)
            and kind.__module__.startswith(_OF_LAYERS)
            and "__init__" in vars(kind)
        }
        for kind, init in own.items():
            type.__setattr__(kind, "__init__", self._made_by(init))
        try:
            yield
        finally:
            for kind, init in own.items():
                type.__setattr__(kind, "__init__", init)

    @contextmanager
    def without_values(self) -> Iterator[None]:
        """A context in which this thread makes layers without values."""
        self.made = set()
        hooks = (
            module_calls._global_module_registration_hooks,
            module_calls._global_parameter_registration_hooks,
            module_calls._global_buffer_registration_hooks,
        )
        self._thread = None if any(hooks) else threading.get_ident()
        try:
            yield
        finally:
            self._thread = None

    def _made_by(self, init: Callable[..., None]) -> Callable[..., None]:
        def made(layer: nn.Module, /, *args: Any, **kwargs: Any) -> None:
            if self._thread is None or threading.get_ident() != self._thread:
                return init(layer, *args, **kwargs)
            kind = type(layer)
            is_own = kind.__init__ is made and kind.__module__.startswith(_OF_LAYERS)
            if not is_own or vars(layer) or torch._C._len_torch_function_stack():
                return init(layer, *args, **kwargs)
            given = plain((args, kwargs))
            if given is None or "device" in kwargs:
                return init(layer, *args, **kwargs)
            key = (kind, given, torch.get_default_dtype())
            if key not in self._templates:
                init(layer, *args, **kwargs)
                if len(self._templates) > _MOST_TEMPLATES:
                    self._templates.clear()
                template = self._templates[key] = _template(layer)
                if template is None:
                    return None
                vars(layer).clear()
            else:
                template = self._templates[key]
                if template is None:
                    return init(layer, *args, **kwargs)
            self._fill(layer, template)
            return None

        made.__wrapped__ = init  # type: ignore[attr-defined]
        return made

    def _fill(self, layer: nn.Module, template: _Template) -> None:
        held = layer.__dict__
        held.update(template.attributes)
        for name, make in template.containers:
            held[name] = make()
        for name, values in template.lists:
            held[name] = values.copy()
        for group, name, sizes, is_trained in template.tensors:
            if sizes is None:
                held[group][name] = None
                continue
            shape, strides, dtype = sizes
            tensor = torch.empty_strided(shape, strides, dtype=dtype, device=META)
            if group == "_parameters":
                tensor = nn.Parameter(tensor, is_trained)
            held[group][name] = tensor
            self.made.add(id(tensor))


def _template(layer: nn.Module) -> _Template | None:
    """What a new layer holds; None where that is more than can be made again."""
    held = vars(layer)
    containers: list[tuple[str, Callable[[], Any]]] = []
    lists: list[tuple[str, list[Any]]] = []
    tensors: list[tuple[str, str, tuple[Any, ...] | None, bool]] = []
    for name, value in held.items():
        if name in ("_parameters", "_buffers"):
            containers.append((name, type(value)))
            for key, tensor in value.items():
                sizes = None
                if tensor is not None:
                    kind = nn.Parameter if name == "_parameters" else Tensor
                    if type(tensor) is not kind or not tensor.is_contiguous():
                        return None
                    sizes = (tuple(tensor.shape), tensor.stride(), tensor.dtype)
                tensors.append((name, key, sizes, tensor is not None and tensor.requires_grad))
        elif type(value) in (dict, OrderedDict, set) and not value:
            containers.append((name, type(value)))
        elif type(value) is list and is_constant(tuple(value)):
            lists.append((name, value))
        elif not is_constant(value):
            return None
    return _Template(dict.fromkeys(held) | _constants(held), containers, lists, tensors)


def _constants(held: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in held.items() if is_constant(value)}
