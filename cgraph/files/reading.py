"""The one boundary between a parser of foreign bytes and the rest.

A parser raises whatever the bytes lead it to: a KeyError, a RecursionError, an error of its own.
What leaves here is one error of cgraph's that names the file, what is needed, and what came.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from cgraph.errors import ArgumentError, CGraphError, GraphError, of_file, shown


@contextmanager
def reading(
    path: str | Path,
    must: str,
    hint: str = "",
    *,
    argument: str = "path",
    error: Callable[[str, str, str, str], CGraphError] = ArgumentError,
) -> Iterator[None]:
    """Whatever goes wrong inside becomes one error that says so of the file.

    Parameters
    ----------
    path : path
        The file that is read inside.
    must : str
        What it must be, completing "*argument* must ...".
    hint : str, default=""
        What to do next.
    argument : str, default="path"
        What the caller knows the file as.
    error : callable, default=ArgumentError
        Makes the error of argument, must, what came, and hint.

    Raises
    ------
    CGraphError
        An error of cgraph's own goes through, with the file as a note where it does not name it;
        a `GraphError` gets the name in its message. Any other becomes `error`.

    Examples
    --------
    >>> with reading("a.json", "be a table"):
    ...     {}["columns"]
    Traceback (most recent call last):
        ...
    cgraph.errors.ArgumentError: path must be a table, got 'a.json' that cannot be read: \
KeyError: 'columns'
    """
    try:
        yield
    except GraphError as found:
        if str(path) in str(found.argument):
            raise
        raise GraphError(f"{path}: {found.argument}", found.must, found.got, found.hint) from found
    except CGraphError as found:
        if str(path) not in str(found):
            found.add_note(f"in {str(path)!r}")
        raise
    # Nobody lists what the parsers of a dozen formats raise; nothing is passed over.
    except Exception as found:
        came = of_file(path, f"that cannot be read: {told(found)}")
        raise error(argument, must, came, hint) from found


def told(error: BaseException) -> str:
    """An error in a line: its type and what it says first.

    Examples
    --------
    >>> told(KeyError("columns")), told(MemoryError())
    ("KeyError: 'columns'", 'MemoryError')
    """
    first = str(error).strip().partition("\n")[0]
    return f"{type(error).__name__}: {shown(first)}" if first else type(error).__name__
