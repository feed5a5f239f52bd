"""Which module calls an operator: the calls of a model's modules while they run."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from types import TracebackType
from typing import Any

from torch import nn
from torch.nn.modules.module import (
    register_module_forward_hook,
    register_module_forward_pre_hook,
)


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a module.

    Parameters
    ----------
    scope : str
        Dotted name of the module; "" for the model itself.
    kind : type
        The class of the module.
    parent : Call, default=None
        The call that it was made from; None for that of the model.
    module : torch.nn.Module, default=None
        The module; None where the call is only remembered.
    """

    scope: str
    kind: type[nn.Module]
    parent: Call | None = None
    module: nn.Module | None = None


_RUNNING: ContextVar[Scopes] = ContextVar("running scopes")


def running_scopes() -> Scopes:
    """The scopes of the recording that is running."""
    return _RUNNING.get()


class Scopes:
    """The modules of a model by name, and the call that is running.

    Parameters
    ----------
    model : torch.nn.Module
        Its modules get the first of their names.
    names : mapping of int to str, optional
        Those names, by the identity of the modules, where they are known already.
    """

    def __init__(self, model: nn.Module, names: Mapping[int, str] | None = None) -> None:
        if names is None:
            names = {id(module): name for name, module in model.named_modules()}
        self.names = names
        self._root = Call("", type(model), None, model)
        self.current = self._root
        self.last = self._root  # the call that has ended last
        self.replayed: Call | None = None  # where no module says which call has failed
        self.elsewhere: str | None = None  # the scope of a module that another thread has run

    def reset(self) -> None:
        """Back to the state in which no module is running."""
        self.current = self._root

    @contextmanager
    def watched(self) -> Iterator[None]:
        """A context in which `current` follows the calls of modules.

        Hooks for all modules of the process are used and removed, so that nothing is written on
        the caller's modules. A call in another thread is noted where it is of a module of the
        model, and that thread does not record it itself.
        """
        thread = threading.get_ident()

        def enter(module: nn.Module, _args: Any) -> None:
            if threading.get_ident() == thread:
                parent = self.current
                scope = self.names.get(id(module), parent.scope)
                self.current = Call(scope, type(module), parent, module)
            elif _RUNNING.get(None) is None and id(module) in self.names:
                self.elsewhere = self.names[id(module)]

        def leave(module: nn.Module, _args: Any, _result: Any) -> None:
            if threading.get_ident() == thread:
                while self.current.module is not module and self.current.parent is not None:
                    self.current = self.current.parent  # calls that ended in a caught error
                self.last = self.current
                self.current = self.current.parent or self.current

        # The root is entered by its own hook: the stack starts below it.
        handles = [register_module_forward_pre_hook(enter), register_module_forward_hook(leave)]
        token = _RUNNING.set(self)
        try:
            yield
        finally:
            _RUNNING.reset(token)
            for handle in handles:
                handle.remove()

    def of_error(self, error: BaseException) -> str:
        """Scope of the innermost module whose method raised, read off the traceback."""
        scope = ""
        frame: TracebackType | None = error.__traceback__
        while frame is not None:
            owner = frame.tb_frame.f_locals.get("self")
            if isinstance(owner, nn.Module):
                scope = self.names.get(id(owner), scope)
            frame = frame.tb_next
        return scope or (self.replayed.scope if self.replayed else "")
