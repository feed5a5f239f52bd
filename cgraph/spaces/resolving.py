"""A space by what is written for it: its name, a name in a module, or a file.

So a space of one's own goes wherever the name of a space does, on the command line above all.
"""

from __future__ import annotations

import inspect
import sys
from importlib import import_module, util
from pathlib import Path
from types import ModuleType
from typing import Any

from cgraph.errors import ArgumentError, UnknownNameError, of_file
from cgraph.spaces.catalogue import available, get, make
from cgraph.spaces.space import Space

_ENDING = ".py"


def resolve(text: str, **options: Any) -> Space:
    """The space that a text stands for.

    Parameters
    ----------
    text : str
        The name of a space; ``package.module:Name``, where `Name` is a class, a function that
        gives a space, or a space; or a file ``path/to/file.py:Name``, or ``path/to/file.py``
        where it defines one space. Modules are looked for in the working directory too. The
        module is run: give files that you trust.
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
    where, colon, name = text.rpartition(":")
    if text.endswith(_ENDING):
        where, name = text, ""
    elif not colon:
        if text in available():
            return get(text, **options)
        raise UnknownNameError("space", text, (*available(), "MODULE:NAME", "FILE.py"))
    module = _file_module(Path(where)) if where.endswith(_ENDING) else _module(where)
    if not name:
        name = _only_space(module, text)
    if not hasattr(module, name):
        public = [found for found in vars(module) if not found.startswith("_")]
        raise UnknownNameError(f"name in {where}", name, public)
    return make(getattr(module, name), text, options)


def _file_module(path: Path) -> ModuleType:
    """The module of a file, imported by its name so that other processes find it as well."""
    if not path.is_file():
        raise ArgumentError("space", "be an existing file", repr(str(path)))
    path = path.resolve()
    _look_in(path.parent)
    module = _module(path.stem)
    if Path(module.__file__ or "").resolve() != path:
        raise ArgumentError(
            "space",
            "be a file whose name is no other module's",
            of_file(path, f", where {path.stem!r} is {module.__file__ or 'built in'}"),
            "rename the file",
        )
    return module


def _module(name: str) -> ModuleType:
    _look_in(Path.cwd())
    try:
        # Nothing of that name runs before it is known to be there.
        found = util.find_spec(name)
    except (ImportError, ValueError) as error:
        raise _not_found(name) from error
    if found is None:
        raise _not_found(name)
    try:
        return import_module(name)
    # What runs when a foreign module is imported can raise anything.
    except (Exception, SystemExit) as error:
        raise ArgumentError(
            "space", f"be in a module that can be imported ({name})",
            f"{type(error).__name__}: {error}",
        ) from error  # fmt: skip


def _not_found(name: str) -> ArgumentError:
    return ArgumentError(
        "space",
        "be MODULE:NAME of a module that is installed or in the working directory",
        repr(name),
        "a file is given with its ending, as in path/to/file.py:Name",
    )


def _look_in(directory: Path) -> None:
    # Behind all others, so that no file beside the space hides an installed module.
    if str(directory) not in sys.path:
        sys.path.append(str(directory))


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
