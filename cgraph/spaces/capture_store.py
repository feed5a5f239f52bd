"""What was captured of a space, on disk: a run that was killed goes on where it was.

An SQLite file with one row for each batch of architectures, written in one transaction. A batch is
found again by its architectures and by the files that the space was read from: where one of them
has changed, it is captured anew.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
import sys
from collections.abc import Iterator
from functools import partial
from importlib import metadata
from pathlib import Path
from types import ModuleType, TracebackType
from typing import Any, Self

from cgraph.errors import ArgumentError
from cgraph.spaces.capture import Batch
from cgraph.spaces.space import Space

SCHEMA_VERSION = 1


class CaptureStore:
    """A file of captured batches of one space.

    Parameters
    ----------
    path : str or Path
        The SQLite file; made where it is missing.
    space : Space
        What the batches are of.

    Raises
    ------
    ArgumentError
        If the file is something else.
    """

    def __init__(self, path: str | Path, space: Space) -> None:
        self.path = str(path)
        self._origin = origin_of(space)
        self._connection = sqlite3.connect(self.path)
        try:
            with self._connection as connection:
                (version,) = connection.execute("PRAGMA user_version").fetchone()
                if version not in (0, SCHEMA_VERSION):
                    raise self._refused(f"one of version {version}")
                connection.execute(
                    "CREATE TABLE IF NOT EXISTS batches (key TEXT PRIMARY KEY, data BLOB NOT NULL)"
                )
                connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
        except sqlite3.DatabaseError as error:
            self._connection.close()
            raise self._refused("something that is no SQLite file") from error
        except ArgumentError:
            self._connection.close()
            raise

    def get(self, names: tuple[str, ...]) -> Batch | None:
        """The batch of these architectures; None where there is none."""
        query = "SELECT data FROM batches WHERE key = ?"
        row = self._connection.execute(query, (self._key(names),)).fetchone()
        if row is None:
            return None
        try:
            return Batch.from_bytes(row[0])
        except ValueError as error:
            raise self._refused("a damaged one") from error

    def __setitem__(self, names: tuple[str, ...], batch: Batch) -> None:
        with self._connection as connection:
            connection.execute(
                "INSERT OR REPLACE INTO batches VALUES (?, ?)",
                (self._key(names), batch.to_bytes()),
            )

    def _key(self, names: tuple[str, ...]) -> str:
        text = json.dumps([self._origin, names])
        return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()

    def _refused(self, what: str) -> ArgumentError:
        return ArgumentError(
            "store",
            f"be a store of captured architectures of version {SCHEMA_VERSION}",
            f"{what} ({self.path})",
            "remove it to capture them anew",
        )

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def origin_of(space: Space) -> str:
    """A name of what decides the models of a space: its files, those beside them, and versions."""
    text = hashlib.blake2b(digest_size=16)
    for package in ("cgraph", "torch"):
        text.update(f"{package} {metadata.version(package)}\n".encode())
    shapes = sorted((name, list(shape)) for name, shape in space.input_shapes.items())
    text.update(
        json.dumps([space.name, shapes, repr(dict(space.options)), _example(space)]).encode()
    )
    for path in sorted(set(_files(space))):
        text.update(str(path.name).encode() + b"\0" + path.read_bytes())
    return text.hexdigest()


def _example(space: Space) -> str:
    """Shapes and dtypes of what the models are given, where it is more than a shape."""
    args, kwargs = getattr(space, "example", None) or ((), {})
    given = [*enumerate(args), *kwargs.items()]
    return repr([(key, tuple(value.shape), str(value.dtype)) for key, value in given])


def _files(space: Space) -> Iterator[Path]:
    """The files that a space was read from, and those of loaded modules in their directories."""
    for name in set(_modules(space, 3)):
        home = _file(sys.modules.get(name))
        if home is None:
            continue
        yield home
        if "site-packages" in home.parts:
            continue
        for module in list(sys.modules.values()):
            path = _file(module)
            if path is not None and path.parent == home.parent:
                yield path


def _modules(value: Any, depth: int) -> Iterator[str]:
    """Names of the modules of an object, of its attributes, and of functions in its dicts."""
    if isinstance(value, partial):
        yield from _modules(value.func, depth)
        return
    if callable(value) and hasattr(value, "__module__"):
        yield str(value.__module__)
    if isinstance(value, Space):
        for kind in type(value).__mro__:
            yield kind.__module__
    if depth and isinstance(value, Space):
        for item in vars(value).values():
            yield from _modules(item, depth - 1)
    elif depth and isinstance(value, dict):
        for item in value.values():
            yield from _modules(item, depth - 1)


def _file(module: ModuleType | None) -> Path | None:
    path = getattr(module, "__file__", None)
    return Path(path) if isinstance(path, str) and path.endswith(".py") else None
