"""A space by what is written for it: its name, a name in a module, or a file.

So a space of one's own goes wherever the name of a space does, on the command line above all.
"""

from __future__ import annotations

import inspect
from types import ModuleType
from typing import Any

from cgraph import checks
from cgraph.errors import ArgumentError, UnknownNameError
from cgraph.spaces.catalogue import available, get, make
from cgraph.spaces.loading import ENDING, module_of
from cgraph.spaces.space import Space


def resolve(text: str, **options: Any) -> Space:
    """The space that a text stands for.

    Parameters
    ----------
    text : str
        The name of a space, as `get` takes it; ``package.module:Name``, where `Name` is a class,
        a function that gives a space, or a space; or a file ``path/to/file.py:Name``, or
        ``path/to/file.py`` where it defines one space. Modules are looked for in the working
        directory too. The module is run: give files that you trust.
    **options : object
        Passed on to what makes the space.

    Raises
    ------
    UnknownNameError
        If it is no name of a space, or there is no such name in the module.
    ArgumentError
        If there is no such file or module, it fails, or what is named is no space.

    Examples
    --------
    >>> resolve("cgraph.spaces.nasbench201.space:NASBench201")
    NASBench201('nasbench201', 15,625 architectures)
    """
    checks.text("space", text)
    if text.startswith("zoo:"):
        return get(text, **options)
    where, colon, name = text.rpartition(":")
    if text.endswith(ENDING):
        where, name = text, ""
    elif not colon:
        if text in available():
            return get(text, **options)
        raise UnknownNameError("space", text, (*available(), "MODULE:NAME", "FILE.py"))
    module = module_of(where, "space")
    if not name:
        name = _only_space(module, text)
    if not hasattr(module, name):
        public = [found for found in vars(module) if not found.startswith("_")]
        raise UnknownNameError(f"name in {where}", name, public)
    return make(getattr(module, name), text, options)


def _only_space(module: ModuleType, text: str) -> str:
    """Name of the one space that a module defines: a class, or else a space."""
    own = {name: value for name, value in vars(module).items() if not name.startswith("_")}
    classes = [
        name
        for name, value in own.items()
        if inspect.isclass(value)
        and issubclass(value, Space)
        and value.__module__ == module.__name__
        and not inspect.isabstract(value)
    ]
    found = classes or [name for name, value in own.items() if isinstance(value, Space)]
    if len(found) != 1:
        others = [
            name
            for name, value in own.items()
            if callable(value) and getattr(value, "__module__", None) == module.__name__
        ]
        named = [f"{text}:{name}" for name in found or others]
        raise ArgumentError(
            "space",
            "be FILE.py of one space, or FILE.py:NAME",
            f"{text!r} with {', '.join(found) or 'no space'}",
            f"name what is meant, such as {named[0]}" if named else "",
        )
    return found[0]
