"""Files and modules of others that a command or a study names, imported once and under one rule.

Directories are looked in behind everything that is installed, so that no file beside the one that
is meant hides a module; and a file is imported by its name, so that other processes find it too.
"""

from __future__ import annotations

import sys
import traceback
from importlib import import_module, util
from pathlib import Path
from types import ModuleType

from cgraph.errors import ArgumentError, UnknownNameError, of_file

ENDING = ".py"

# Directories that were put on the path, the latest first; and files that were imported.
_ADDED: list[str] = []
_LOADED: set[Path] = set()


def module_of(home: str, argument: str) -> ModuleType:
    """The module of a dotted name, or of the path of a .py file.

    Parameters
    ----------
    home : str
        Modules of the working directory can be named; a file can import those beside it. The
        module is run: give files that you trust.
    argument : str
        What errors call it.

    Raises
    ------
    ArgumentError
        If there is none, or it cannot be imported; names the line that cannot.
    """
    if home.endswith(ENDING):
        return _of_file(Path(home), argument)
    _look_in(Path.cwd())  # a command itself is started from elsewhere
    module = _imported(home, argument)
    path = _file(module)
    if path is not None and str(path.parent) in _ADDED:
        _LOADED.add(path)
    return module


def _of_file(path: Path, argument: str) -> ModuleType:
    if not path.is_file():
        raise ArgumentError(argument, "be an existing file", repr(str(path)))
    path = path.resolve()
    _look_in(path.parent)
    known = sys.modules.get(path.stem)
    if known is not None and _file(known) != path and _file(known) in _LOADED:
        del sys.modules[path.stem]  # another file of that name came before
    module = _imported(path.stem, argument)
    if _file(module) != path:
        raise ArgumentError(
            argument,
            "be a file whose name is no other module's",
            of_file(path, f", where {path.stem!r} is {module.__file__ or 'built in'}"),
            "rename the file",
        )
    _LOADED.add(path)
    return module


def _imported(name: str, argument: str) -> ModuleType:
    try:
        # Nothing of that name runs before it is known to be there.
        found = util.find_spec(name)
    except (ImportError, ValueError) as error:
        raise _not_found(name, argument) from error
    if found is None:
        raise _not_found(name, argument)
    try:
        return import_module(name)
    # What runs when a foreign module is imported can raise anything.
    except (Exception, SystemExit) as error:
        must = f"be in a module that can be imported ({name})"
        raise ArgumentError(argument, must, told(error)) from error


def _not_found(name: str, argument: str) -> ArgumentError:
    from cgraph.spaces.catalogue import available

    near = UnknownNameError("space", name, available()).near
    hint = "a file is given with its ending, as in path/to/file.py:Name"
    return ArgumentError(
        argument,
        "be MODULE:NAME of a module that is installed or in the working directory",
        repr(name),
        f"did you mean the space {near[0]}?" if near else hint,
    )


def told(error: BaseException) -> str:
    """An error in a line, with the place that raised it."""
    message = (str(error).strip().splitlines() or ["no message"])[0]
    frames = traceback.extract_tb(error.__traceback__)
    place = f" at {frames[-1].filename}:{frames[-1].lineno}" if frames else ""
    if isinstance(error, SyntaxError):
        place = f" at {error.filename}:{error.lineno}"
        message = error.msg
    return f"{type(error).__name__}: {message}{place}"


def _look_in(directory: Path) -> None:
    """Put a directory on the path: before those that were put there, behind all others."""
    text = str(directory)
    if text in sys.path and text not in _ADDED:
        return
    if text in _ADDED:
        _ADDED.remove(text)
        sys.path[:] = [entry for entry in sys.path if entry != text]
    at = [sys.path.index(entry) for entry in _ADDED if entry in sys.path]
    sys.path.insert(min(at, default=len(sys.path)), text)
    _ADDED.insert(0, text)


def _file(module: ModuleType) -> Path | None:
    path = getattr(module, "__file__", None)
    return Path(path).resolve() if path else None
