"""Models of one's own that a command line names: MODULE:FACTORY or FILE.py:FACTORY."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

from cgraph.errors import ArgumentError, UnknownNameError
from cgraph.spaces.loading import module_of, told

if TYPE_CHECKING:
    from torch import nn


def build_model(text: str, *, is_meta: bool = False) -> nn.Module:
    """Module of MODULE:FACTORY or FILE.py:FACTORY, in eval mode.

    Parameters
    ----------
    text : str
        The factory: a class or a function that needs no arguments, or a module that is there.
        Modules of the current directory can be named.
    is_meta : bool, default=False
        Whether it is built without values, so that a model of any size takes no memory.

    Raises
    ------
    ArgumentError
        If there is no such module or factory, or it raises; names the line that did.
    """
    import torch
    from torch import nn

    found = value_of(text)
    model = found
    if callable(found) and not isinstance(found, nn.Module):
        with torch.device("meta") if is_meta else nullcontext():
            model = _called(found, text)
    if not isinstance(model, nn.Module):
        raise ArgumentError(
            "program", "name what builds a torch.nn.Module", f"{text!r}, a {type(model).__name__}"
        )
    return model.eval()


def value_of(text: str) -> Any:
    """What MODULE:NAME or FILE.py:NAME stands for: a factory, a module, or something else.

    Raises
    ------
    ArgumentError
        If there is no such module, or nothing of that name in it.
    """
    home, colon, name = text.rpartition(":")
    if not colon or not home or not name:
        raise ArgumentError(
            "program", "be SPACE:ARCHITECTURE, MODULE:FACTORY or a file", repr(text)
        )
    found: Any = module_of(home, "program")
    for part in name.split("."):
        if not hasattr(found, part):
            near = UnknownNameError("factory", part, [n for n in dir(found) if n[0] != "_"]).near
            hint = f"did you mean {' or '.join(near)}?" if near else ""
            raise ArgumentError("program", f"name a factory in {home}", repr(name), hint)
        found = getattr(found, part)
    return found


def _called(factory: Callable[[], Any], text: str) -> Any:
    try:
        return factory()
    except Exception as error:  # whatever the code of others raises
        raise ArgumentError(
            "program",
            f"name what builds a model without arguments, as {text!r} does not",
            told(error),
        ) from error
