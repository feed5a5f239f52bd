"""What a run of a model may change, put back afterwards.

The values of parameters and buffers are safe because stand-ins are written in their place. This
guards the rest: what modules hold (a tensor assigned to `self`, a buffer rebound, a list that
grows), the states of random number generators, the default dtype, and two switches of PyTorch
that are turned off meanwhile: its fused transformer layers, which would hide the operators that a
model calls, and autocast's memory of cast weights.
"""

from __future__ import annotations

import functools
import sys
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from types import FunctionType
from typing import Any

import torch
from torch import nn

from cgraph.generators import untouched_generators

# Objects that an argument holds, and that are looked after; more are left as they become.
N_OBJECTS = 10_000


@contextmanager
def restored(model: nn.Module, arguments: Sequence[Any] = ()) -> Iterator[None]:
    """A context after which a model, its arguments and the random states are as before.

    Parameters
    ----------
    model : torch.nn.Module
        Attributes of its modules are put back, and the contents of lists, dicts and sets that
        are attributes; deeper changes are not seen.
    arguments : sequence, default=()
        Objects that the model is given, as a cache that it fills: they are put back with all
        that they hold.
    """
    saved: list[tuple[Any, _Contents]] = [(m, _contents(m)) for m in model.modules()]
    held = [(thing, _shallow(thing)) for thing in _held(arguments)]
    flags = [(t, t.requires_grad, t.grad) for t in (*model.parameters(), *model.buffers())]
    own = [(g, g.get_state().clone()) for g in _generators(model, arguments)]
    _forget_results(model)
    try:
        with process_restored():
            yield
    finally:
        _forget_results(model)
        for generator, state in own:
            generator.set_state(state)
        for module, contents in saved:
            _put_back(module, contents)
        for thing, copy in held:
            _refill(thing, copy)
        for tensor, requires_grad, grad in flags:
            if tensor.requires_grad != requires_grad:
                tensor.requires_grad_(requires_grad)
            if tensor.grad is not grad:
                tensor.grad = grad


@contextmanager
def process_restored() -> Iterator[None]:
    """A context after which the random states and the switches of the process are as before."""
    with untouched_generators():  # and no other thread sets or needs the switches meanwhile
        dtype = torch.get_default_dtype()
        fast_path = torch.backends.mha.get_fastpath_enabled()
        torch.backends.mha.set_fastpath_enabled(False)
        # Autocast keeps the weights it has cast: stand-ins must not stay among them.
        caches = torch.is_autocast_cache_enabled()
        torch.set_autocast_cache_enabled(False)
        try:
            yield
        finally:
            torch.set_autocast_cache_enabled(caches)
            torch.backends.mha.set_fastpath_enabled(fast_path)
            torch.set_default_dtype(dtype)


_Contents = dict[str, tuple[Any, Any]]


def _contents(module: nn.Module) -> _Contents:
    """Each attribute with a copy of what it holds, where it is a container."""
    return {name: (value, _copy(value)) for name, value in vars(module).items()}


def _copy(value: Any) -> Any:
    return value.copy() if type(value) in (dict, OrderedDict, list, set) and value else None


def _held(arguments: Iterable[Any]) -> list[Any]:
    """The objects, lists, dicts and sets among arguments and what they hold, each once."""
    found: dict[int, Any] = {}
    pending = list(arguments)
    while pending and len(found) < N_OBJECTS:
        thing = pending.pop()
        if id(thing) in found or isinstance(thing, torch.Tensor | nn.Module | type):
            continue
        if isinstance(thing, dict):
            pending += thing.values()
        elif isinstance(thing, list | set | tuple):
            pending += thing
        elif hasattr(thing, "__dict__") and not callable(thing):
            pending += vars(thing).values()
        else:
            continue
        found[id(thing)] = thing
    return list(found.values())


def _shallow(thing: Any) -> Any:
    """What an object or container holds."""
    for kind in (dict, list, set):
        if isinstance(thing, kind):
            return kind(thing)
    return () if isinstance(thing, tuple) else dict(vars(thing))


def _refill(thing: Any, copy: Any) -> None:
    """Put back what an object or container held."""
    if isinstance(thing, tuple):
        return
    holder = thing if isinstance(thing, dict | list | set) else vars(thing)
    if _same(holder, copy):
        return
    # Not by methods of its own, which may do more.
    if isinstance(holder, list):
        list.__setitem__(holder, slice(None), copy)
    elif isinstance(holder, set):
        set.clear(holder)
        set.update(holder, copy)
    else:
        dict.clear(holder)
        dict.update(holder, copy)


def _put_back(module: nn.Module, contents: _Contents) -> None:
    held = vars(module)
    for name in [name for name in held if name not in contents]:
        del held[name]
    for name, (value, copy) in contents.items():
        if held.get(name) is not value:
            held[name] = value
        if type(value) in (dict, OrderedDict, set, list) and not _same(value, copy):
            value.clear()
            if copy is not None:
                value.extend(copy) if isinstance(value, list) else value.update(copy)


def _same(value: Any, copy: Any) -> bool:
    """Whether a container holds the very objects of its copy."""
    if copy is None or len(value) != len(copy):
        return copy is None and not value
    if isinstance(value, set):
        return bool(value == copy)
    if isinstance(value, list):
        return all(a is b for a, b in zip(value, copy, strict=True))
    return all(a is b and value[a] is copy[b] for a, b in zip(value, copy, strict=True))


def _forget_results(model: nn.Module) -> None:
    """Empty the caches of functions of modules, of their classes and of the files of these.

    Stand-ins must not stay among what they remember.
    """
    for cache in [*_caches_of(model.modules()), *caches_of_kinds(map(type, model.modules()))]:
        cache.cache_clear()


def caches_of_kinds(kinds: Iterable[type]) -> list[functools._lru_cache_wrapper[Any]]:
    """The caches of functions of classes of modules, and of the files of these."""
    owners = {owner for kind in kinds for owner in kind.__mro__}
    files = {owner.__module__ for owner in owners}
    own = [sys.modules[name] for name in files if name in sys.modules and not _is_of_torch(name)]
    return _caches_of((*owners, *own))


def _caches_of(owners: Iterable[Any]) -> list[functools._lru_cache_wrapper[Any]]:
    found = []
    for owner in owners:
        for value in list(vars(owner).values()):
            method = value.__func__ if isinstance(value, staticmethod | classmethod) else value
            for function in (method, *_enclosed(method)):
                if isinstance(function, functools._lru_cache_wrapper):
                    found.append(function)
    return found


def _is_of_torch(name: str) -> bool:
    return name.partition(".")[0] == "torch"


def _enclosed(function: Any) -> list[Any]:
    """What stands behind a function, as a cache behind the one that decides whether to ask it."""
    if not isinstance(function, FunctionType) or function.__closure__ is None:
        return []
    found = []
    for cell in function.__closure__:
        with suppress(ValueError):  # of an empty cell
            found.append(cell.cell_contents)
    return found


def _generators(model: nn.Module, things: Iterable[Any]) -> list[torch.Generator]:
    """The generators among things, and among the attributes of modules."""
    attributes = (value for module in model.modules() for value in vars(module).values())
    return [thing for thing in (*attributes, *things) if type(thing) is torch.Generator]
