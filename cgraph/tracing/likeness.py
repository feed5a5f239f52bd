"""When two modules do the same: keys of what a module is made of.

Two modules have the same key where their classes, their attributes and those of all modules in
them are equal, their parameters and buffers are of equal sizes, and what they do follows from
that and from their arguments (see `cgraph.tracing.purity`). A module for which that is not clear
has no key.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from operator import itemgetter
from types import BuiltinFunctionType, FunctionType
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from cgraph.tracing.purity import Read, Reading, is_trusted, plain, reading_of, reads_of_function


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# What nn.Module keeps of a module that does not change what it does.
_IRRELEVANT = _words(
    "_non_persistent_buffers_set _is_full_backward_hook _state_dict_hooks "
    "_state_dict_pre_hooks _load_state_dict_pre_hooks _load_state_dict_post_hooks"
)
_HELD = ("_parameters", "_buffers", "_modules")
_HOOKS = _words(
    "_backward_pre_hooks _backward_hooks _forward_hooks _forward_hooks_with_kwargs "
    "_forward_hooks_always_called _forward_pre_hooks _forward_pre_hooks_with_kwargs"
)
# Attributes in whose place another way of calling has come.
_REPLACED = frozenset(("forward", "_compiled_call_impl", "_call_impl", "__call__"))

_OF_MODULE = ("__getattr__", "_call_impl", "_wrapped_call_impl", "__getattribute__")


class _Layout(NamedTuple):
    """Which attributes the instances of a class have that were made alike."""

    number: int
    is_own: bool  # of a class that is not PyTorch's
    values: Callable[[Mapping[str, Any]], Any]
    hooks: Callable[[Mapping[str, Any]], tuple[Any, ...]]


class Likeness:
    """Keys of modules, numbered as they appear.

    Parameters
    ----------
    call : callable
        The `__call__` of nn.Module; a class with another one has no keys.
    """

    def __init__(self, call: Callable[..., Any]) -> None:
        self._call = call
        self._layouts: dict[tuple[type, tuple[str, ...]], _Layout | None] = {}
        self._configurations: dict[Hashable, int] = {}
        self._trees: dict[Hashable, int] = {}
        self._readings: dict[frozenset[type[nn.Module]], tuple[int, Reading]] = {}
        self._n_readings = 0
        self._reads: dict[FunctionType, tuple[Read, ...] | None] = {}
        self.shared: frozenset[int] = frozenset()
        self._sizes: dict[int, int] = {}

    def begin(self, shared: frozenset[int], sizes: dict[int, int]) -> None:
        """Take up a new model.

        Parameters
        ----------
        shared : frozenset of int
            The modules, by identity, that stand at several places in it.
        sizes : dict of int to int
            For each parameter and buffer, by identity, the number of what can be seen of it.
        """
        self.shared = shared
        self._sizes = sizes

    def key(self, module: nn.Module, own: list[Tensor]) -> int | None:
        """Number of the key of a module; None where it has none.

        Parameters
        ----------
        module : torch.nn.Module
            The module.
        own : list of Tensor
            Takes its parameters and buffers, and those of all modules in it, in order.
        """
        numbers: list[Hashable] = []
        kinds: set[type[nn.Module]] = set()
        reads: list[Read] = []
        if not self._walk(module, numbers, kinds, reads, own):
            return None
        if kinds:
            number, reading = self._reading(frozenset(kinds))
            if reading.reads is None:
                return None
            reads += reading.reads
            numbers.append(number)
        whole = tuple(numbers)
        if reads:
            seen = plain([read() for read in reads])
            if seen is None:
                return None
            return self._trees.setdefault((whole, seen), len(self._trees))
        return self._trees.setdefault(whole, len(self._trees))

    def _reading(self, kinds: frozenset[type[nn.Module]]) -> tuple[int, Reading]:
        """What some classes see, as their code is now, with its number."""
        found = self._readings.get(kinds)
        if found is None or not found[1].is_current():
            self._n_readings += 1
            found = self._readings[kinds] = (self._n_readings, reading_of(kinds))
        return found

    def _walk(
        self,
        module: nn.Module,
        numbers: list[Hashable],
        kinds: set[type[nn.Module]],
        reads: list[Read],
        own: list[Tensor],
    ) -> bool:
        held = module.__dict__
        kind = type(module)
        names = tuple(held)
        try:
            layout = self._layouts[kind, names]
        except KeyError:
            layout = self._layouts[kind, names] = self._layout(kind, names)
        if layout is None or any(layout.hooks(held)):
            return False
        attributes: Hashable = plain(layout.values(held))
        if attributes is None:
            attributes = self._told(layout.values(held), reads)
            if attributes is None:
                return False
        children = held["_modules"]
        parameters, buffers = held["_parameters"], held["_buffers"]
        tensors: Hashable = None
        if parameters or buffers:
            size = self._sizes.get
            found = [*parameters.values(), *buffers.values()]
            numbers_of_sizes = tuple([size(id(tensor)) for tensor in found])
            tensors = (tuple(parameters), tuple(buffers), numbers_of_sizes)
            own += [tensor for tensor in found if tensor is not None]
        configuration = (layout.number, attributes, tensors, tuple(children))
        numbers.append(self._configurations.setdefault(configuration, len(self._configurations)))
        if layout.is_own:
            kinds.add(kind)
        for child in children.values():
            if child is None:
                numbers.append(None)
            elif id(child) in self.shared or not self._walk(child, numbers, kinds, reads, own):
                return False
        return True

    def _layout(self, kind: type[nn.Module], names: tuple[str, ...]) -> _Layout | None:
        if not _REPLACED.isdisjoint(names) or not {*_HELD, *_HOOKS}.issubset(names):
            return None
        if issubclass(kind, torch.jit.ScriptModule) or kind.__call__ is not self._call:
            return None
        if any(getattr(kind, name) is not getattr(nn.Module, name) for name in _OF_MODULE):
            return None
        told = [n for n in names if n not in _HOOKS and n not in _HELD and n not in _IRRELEVANT]
        return _Layout(
            len(self._layouts),
            not is_trusted(kind.__module__),
            itemgetter(*told, "training"),
            itemgetter(*sorted(_HOOKS)),
        )

    def _told(self, value: Any, reads: list[Read]) -> Hashable | None:
        """A value that is more than plain, as what can be compared; None where it cannot."""
        found = plain(value)
        if found is not None:
            return found
        if type(value) in (tuple, list):
            parts = tuple(self._told(item, reads) for item in value)
            return None if None in parts else (type(value), parts)
        if type(value) is torch.Size:
            return (torch.Size, tuple(value))
        if type(value) is dict:
            keys = plain(list(value))
            parts = tuple(self._told(item, reads) for item in value.values())
            return None if keys is None or None in parts else (dict, keys, parts)
        if isinstance(value, torch.dtype | torch.device | torch.memory_format):
            return (type(value), str(value))
        if isinstance(value, BuiltinFunctionType) and is_trusted(
            getattr(value, "__module__", None) or type(value.__self__).__module__
        ):
            return value
        if isinstance(value, FunctionType):
            if value not in self._reads:
                self._reads[value] = reads_of_function(value)
            found_reads = self._reads[value]
            if found_reads is None:
                return None
            reads += found_reads
            return value
        return None
