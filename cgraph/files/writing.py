"""Files that are whole or not there: written beside their place, then moved into it.

A run that is killed leaves at most a file named ".NAME.PID.part", which the next run in the same
directory takes away. A disk that is full, a directory that is gone or may not be written to is one
error that says so; what was there before stays.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cgraph.errors import WriteError

_COUNT = itertools.count()
_LEFTOVER = re.compile(r"\..+\.(\d+)-\d+\.part(\.\w+)?")


@contextmanager
def whole_file(path: str | Path) -> Iterator[Path]:
    """A block that writes a file under another name; it gets its own when the block ends well.

    Parameters
    ----------
    path : path
        Where the file goes. What is there already stays until the new one is whole.

    Yields
    ------
    Path
        What to write to: in the same directory, with the same ending.

    Raises
    ------
    WriteError
        If the system does not let it be written: no space, no permission, no directory.

    Examples
    --------
    >>> import tempfile
    >>> place = Path(tempfile.mkdtemp()) / "names.txt"
    >>> with whole_file(place) as temporary:
    ...     _ = temporary.write_text("relu")
    >>> place.read_text()
    'relu'
    """
    path = Path(path)
    part = path.with_name(f".{path.name}.{os.getpid()}-{next(_COUNT)}.part{path.suffix}")
    try:
        yield part
        _flush(part)
        part.replace(path)
    except OSError as error:
        raise WriteError(path, error) from error
    finally:
        with contextlib.suppress(OSError):  # what could not be made is not there
            part.unlink(missing_ok=True)


def is_leftover(name: str) -> bool:
    """Whether a file of that name is what a killed run was writing.

    Examples
    --------
    >>> is_leftover(".study.json.4711-0.part.json"), is_leftover(".hidden"), is_leftover("a.part")
    (True, False, False)
    """
    return _LEFTOVER.fullmatch(name) is not None


def remove_leftovers(directory: str | Path) -> None:
    """Take away what killed runs were writing in a directory and below; the rest stays."""
    for path in list(Path(directory).rglob(".*")):
        found = _LEFTOVER.fullmatch(path.name)
        if found and not _runs(int(found[1])):
            path.unlink(missing_ok=True)


def _flush(path: Path) -> None:
    """Have the system write a file out: a move may reach the disk before what is moved."""
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def _runs(pid: int) -> bool:
    if pid == os.getpid():
        return False  # this process has left its own behind, or had the number of another
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
