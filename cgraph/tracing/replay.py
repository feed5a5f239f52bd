"""A graph of torch.fx as a module that makes its calls one by one.

`torch.export` and `torch.fx` keep a program as a list of calls, each with the modules that it was
made from. A replay makes the same calls in the same order under the same modules, so that the
recorder sees what it would have seen of the model itself.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import fx, nn

from cgraph.tracing.scopes import Call, Scopes, running_scopes

# Operators that call a graph with the arguments behind it, and are nothing themselves.
_WRAPPERS = frozenset(
    ("wrap", "wrap_with_set_grad_enabled", "tag_activation_checkpoint", "invoke_subgraph")
)

# Calls that check something, or tell the compiler about it.
_CHECKS = ("_assert", "sym_constrain_range", "_guards_fn", "_check")


class Replay(nn.Module):
    """What a graph of torch.fx computes, call by call.

    Parameters
    ----------
    root : torch.nn.Module
        Has the parameters and buffers of the program under their names. They are shared, not
        copied.
    calls : torch.fx.GraphModule
        Has the graph, and what the graph refers to.
    title : str
        What the program is called.
    argument_names : sequence of str
        Names of the positional arguments of `forward`.
    flatten : callable
        From positional and keyword arguments to the values of the placeholders.
    finish : callable
        From what the graph returns to what the program returns.
    """

    def __init__(
        self,
        root: nn.Module,
        calls: fx.GraphModule,
        title: str,
        argument_names: Sequence[str],
        flatten: Callable[[tuple[Any, ...], dict[str, Any]], Sequence[Any]],
        finish: Callable[[Any], Any],
    ) -> None:
        super().__init__()
        self._parameters = root._parameters
        self._buffers = root._buffers
        self._modules = root._modules
        self.title = title
        self.argument_names = tuple(argument_names)
        self.flatten = flatten
        self.finish = finish
        vars(self)["calls"] = calls  # not a child: its parameters have no second name

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """What the program returns."""
        modules = _Calls(running_scopes())
        run = _Run(vars(self)["calls"], modules, ())
        found = run.run(*self.flatten(args, kwargs), enable_io_processing=False)
        modules.enter(())
        return self.finish(found)


def remembers_modules(graph: fx.Graph) -> bool:
    """Whether a call of a graph says which modules it was made from."""
    return any(node.meta.get("nn_module_stack") for node in graph.nodes)


class _Run(fx.Interpreter):
    """A run of a graph; that of a graph within a graph shares the calls of modules."""

    def __init__(self, body: fx.GraphModule, calls: _Calls, stack: Sequence[_Frame]) -> None:
        super().__init__(body)
        self.calls = calls
        self.outer = stack
        self.stack = stack

    def run_node(self, n: fx.Node) -> Any:
        if n.op in ("placeholder", "get_attr", "output"):
            return super().run_node(n)
        name = n.target if isinstance(n.target, str) else getattr(n.target, "__name__", "")
        if not n.users and (name.startswith(_CHECKS) or _rebinds_a_buffer(n)):
            return None
        stack = tuple(n.meta.get("nn_module_stack", {}).items())
        self.stack = stack[:-1] if n.op == "call_module" else stack  # its own hook enters it
        self.calls.enter(self.stack or self.outer)
        return super().run_node(n)

    def call_function(self, target: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if target is torch.ops.aten.lift_fresh_copy.default:
            return args[0]  # a constant comes into the program
        if target is torch.ops.aten.contiguous.default and args[0].is_contiguous(**kwargs):
            return args[0]  # PyTorch does not call the operator then, but export writes it
        if not isinstance(target, torch._ops.HigherOrderOperator):
            return super().call_function(target, args, kwargs)
        name = str(target.name())  # type: ignore[no-untyped-call]
        if name == "cond":
            predicate, if_true, if_false, operands = args
            return self._inner(if_true if bool(predicate) else if_false, operands)
        if name == "wrap_with_autocast":
            device, dtype, enabled, caches, body, *operands = args
            with torch.autocast(device, dtype, enabled, caches):
                return self._inner(body, operands)
        if name in _WRAPPERS:
            at = next(i for i, value in enumerate(args) if isinstance(value, fx.GraphModule))
            operands = [value for value in args[at + 1 :] if not isinstance(value, str)]
            return self._inner(args[at], operands)
        return super().call_function(target, args, kwargs)

    def _inner(self, body: fx.GraphModule, operands: Sequence[Any]) -> Any:
        inner = _Run(body, self.calls, self.stack or self.outer)
        return inner.run(*operands, enable_io_processing=False)


def _rebinds_a_buffer(node: fx.Node) -> bool:
    """Whether a call is what `torch.export` writes where a program rebinds a buffer at its end."""
    return (
        node.target is torch.ops.aten.copy_.default
        and node.name.startswith("copy__default")
        and "nn_module_stack" in node.meta
    )


# A module on the way to a call: key of the call of the module, and its name and class.
_Frame = tuple[str, tuple[str, Any]]


class _Calls:
    """The calls of modules that a graph remembers, each made once."""

    def __init__(self, scopes: Scopes) -> None:
        self.scopes = scopes
        self.root = scopes.current
        self.made: dict[tuple[str, ...], Call] = {}

    def enter(self, stack: Sequence[_Frame]) -> None:
        """Let the call that a stack of modules describes be the current one."""
        call = self.root
        path: tuple[str, ...] = ()
        for key, (name, kind) in stack:
            # The second call of a module has a key that ends in "@1".
            path = (*path, f"{name}@{key.partition('@')[2]}")
            if path not in self.made:
                self.made[path] = Call(name, _class_of(kind), call)
            call = self.made[path]
        self.scopes.current = self.scopes.replayed = call


_CLASSES: dict[str, type[nn.Module]] = {}


def _class_of(kind: Any) -> type[nn.Module]:
    """A class of modules by its qualified name; one that is not loaded, by its name alone."""
    if isinstance(kind, type):
        return kind
    package, _, name = str(kind).rpartition(".")
    found = getattr(sys.modules.get(package), name, None)
    if isinstance(found, type) and issubclass(found, nn.Module):
        return found
    if kind not in _CLASSES:
        _CLASSES[kind] = type(name, (nn.Module,), {})
    return _CLASSES[kind]
