"""Models of one's own that a command line names: MODULE:FACTORY or FILE.py:FACTORY."""

from __future__ import annotations

import importlib
import importlib.util
import sys
import traceback
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from cgraph.errors import ArgumentError, UnknownNameError

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
    found: Any = module_of(home)
    for part in name.split("."):
        if not hasattr(found, part):
            near = UnknownNameError("factory", part, [n for n in dir(found) if n[0] != "_"]).near
            hint = f"did you mean {' or '.join(near)}?" if near else ""
            raise ArgumentError("program", f"name a factory in {home}", repr(name), hint)
        found = getattr(found, part)
    return found


def module_of(home: str) -> ModuleType:
    """The module of a dotted name, or of the path of a .py file.

    Parameters
    ----------
    home : str
        Modules of the current directory can be named; a file can import those beside it.

    Raises
    ------
    ArgumentError
        If there is none, or it cannot be imported; names the line that cannot.
    """
    if home.endswith(".py"):
        return _module_of_file(Path(home))
    _put_on_path(Path.cwd())  # the command itself is started from elsewhere
    try:
        return importlib.import_module(home)
    except ModuleNotFoundError as error:
        if error.name and not f"{home}.".startswith(f"{error.name}."):
            raise _not_importable(home, error) from error  # it needs one that is not there
        from cgraph.spaces import available

        near = UnknownNameError("space", home, available()).near
        hint = f"did you mean {near[0]}?" if near else "is it installed, or in this directory?"
        raise ArgumentError(
            "program", "name a space or a module that can be imported", repr(home), hint
        ) from error
    except Exception as error:  # whatever the code of others raises
        raise _not_importable(home, error) from error


def _module_of_file(path: Path) -> ModuleType:
    if not path.is_file():
        raise ArgumentError("program", "name a file that is there", repr(str(path)))
    _put_on_path(path.parent.resolve())
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    known = sys.modules.get(path.stem)
    sys.modules[path.stem] = module  # dataclasses and pickle look their module up
    try:
        spec.loader.exec_module(module)
    except Exception as error:  # whatever the code of others raises
        del sys.modules[path.stem]
        if known is not None:
            sys.modules[path.stem] = known
        raise _not_importable(str(path), error) from error
    return module


def _called(factory: Callable[[], Any], text: str) -> Any:
    try:
        return factory()
    except Exception as error:  # whatever the code of others raises
        raise ArgumentError(
            "program",
            f"name what builds a model without arguments, as {text!r} does not",
            _told(error),
        ) from error


def _not_importable(home: str, error: Exception) -> ArgumentError:
    return ArgumentError("program", f"name a module that can be imported ({home})", _told(error))


def _told(error: Exception) -> str:
    """An error in a line, with the place that raised it."""
    message = (str(error).strip().splitlines() or ["no message"])[0]
    frames = traceback.extract_tb(error.__traceback__)
    place = f" at {frames[-1].filename}:{frames[-1].lineno}" if frames else ""
    if isinstance(error, SyntaxError):
        place = f" at {error.filename}:{error.lineno}"
        message = error.msg
    return f"{type(error).__name__}: {message}{place}"


def _put_on_path(directory: Path) -> None:
    if (text := str(directory)) not in sys.path:
        sys.path.insert(0, text)
