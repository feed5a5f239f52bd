"""Values of draws on disk, so that a run that was killed goes on where it was.

An SQLite file with one row for each draw of a protocol. Every finished draw of a program is one
transaction. Only the process that evaluates writes.
"""

from __future__ import annotations

import json
import sqlite3
import warnings
from collections.abc import Iterable
from contextlib import AbstractContextManager, closing, suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from cgraph.errors import ArgumentError, WriteError
from cgraph.files.reading import reading
from cgraph.graphs.computational import Attributes
from cgraph.statistics.values import Reason, Statistic

SCHEMA_VERSION = 1

_SCHEMA = """
CREATE TABLE draws (
    program TEXT NOT NULL, protocol TEXT NOT NULL, inputs TEXT NOT NULL, seed INTEGER NOT NULL,
    draw INTEGER NOT NULL, value REAL, reason TEXT, note TEXT NOT NULL, parameters TEXT NOT NULL,
    seconds REAL NOT NULL,
    PRIMARY KEY (program, protocol, inputs, seed, draw)
) WITHOUT ROWID
"""


class DrawStore:
    """A file of finished draws.

    Parameters
    ----------
    path : str or Path
        The SQLite file; made where it is missing. ":memory:" keeps everything in memory.

    Raises
    ------
    ArgumentError
        If the file is not a store of draws, or one of another version.

    Examples
    --------
    >>> with DrawStore(":memory:") as store:
    ...     store.read("a program", "gaussian", 0)
    []
    """

    def __init__(self, path: str | Path) -> None:
        self.path = str(path)
        with self._reading():
            self._connection = sqlite3.connect(self.path)
        try:
            self._open()
        except (sqlite3.DatabaseError, UnicodeDecodeError) as error:
            self._connection.close()
            raise self._refused("something that is no SQLite file") from error
        except ArgumentError:
            self._connection.close()
            raise

    def _reading(self) -> AbstractContextManager[None]:
        hint = "give another path; nothing was changed"
        return reading(self.path, "be a whole store of draws", hint, argument="store")

    def _open(self) -> None:
        with self._connection as connection:
            connection.execute("PRAGMA trusted_schema = OFF")
            known = connection.execute("SELECT name, sql FROM sqlite_master WHERE sql NOT NULL")
            tables = dict(known.fetchall())
            (version,) = connection.execute("PRAGMA user_version").fetchone()
            if not tables and version == 0:
                connection.execute(_SCHEMA)
                connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
            elif "draws" not in tables:
                raise self._refused("a database of something else")
            elif version != SCHEMA_VERSION:
                raise self._refused(f"one of version {version}")
            elif set(tables) != {"draws"} or tables["draws"].split() != _SCHEMA.split():
                # A view or a trigger of that name runs what its author wrote.
                raise self._refused("a store with tables of another form")

    def _refused(self, what: str) -> ArgumentError:
        return ArgumentError(
            "store",
            f"be a store of draws of version {SCHEMA_VERSION}",
            f"{what} ({self.path})",
            "give another path; nothing was changed",
        )

    def read(self, program: str, inputs: str, seed: int) -> list[tuple[str, int, Statistic]]:
        """Finished draws of one program: protocol, draw, value."""
        with self._reading():
            rows = self._connection.execute(
                "SELECT protocol, draw, value, reason, note, parameters FROM draws "
                "WHERE program = ? AND inputs = ? AND seed = ?",
                (program, inputs, seed),
            )
            return [(protocol, draw, _statistic(protocol, *rest)) for protocol, draw, *rest in rows]

    def seconds(self) -> dict[str, float]:
        """Time of all draws on one thread, in seconds, by protocol."""
        with self._reading():
            rows = self._connection.execute(
                "SELECT protocol, SUM(seconds) FROM draws GROUP BY protocol ORDER BY protocol"
            )
            return {str(protocol): float(seconds) for protocol, seconds in rows}

    def write(
        self,
        program: str,
        inputs: str,
        seed: int,
        draw: int,
        values: Iterable[tuple[Statistic, float]],
    ) -> None:
        """Keep the values of one draw, with the seconds that each took, in one transaction."""
        rows = [
            (
                program, value.protocol, inputs, seed, draw, value.value,
                None if value.reason is None else str(value.reason), value.note,
                json.dumps(dict(value.parameters), sort_keys=True), seconds,
            )
            for value, seconds in values
        ]  # fmt: skip
        self.insert(rows)

    def insert(self, rows: Iterable[tuple[Any, ...]]) -> None:
        """Keep rows as they stand in the table, in one transaction.

        Raises
        ------
        WriteError
            If the system does not let them be written.
        """
        try:
            with self._connection as connection:
                connection.executemany(
                    "INSERT OR REPLACE INTO draws VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", rows
                )
        except sqlite3.OperationalError as error:
            raise WriteError(self.path, error) from error

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


def rescue(path: str | Path) -> None:
    """Set a damaged store aside, and begin a new one with the draws of it that can be read.

    Warns of it, naming both. A store that is whole, or not there, stays as it is.

    Parameters
    ----------
    path : path
        A store of one's own making, as that of a study.
    """
    path = Path(path)
    if not path.exists() or _is_sound(path):
        return
    aside = path.with_name(f"{path.name}.damaged")
    path.replace(aside)
    n_read = 0
    with (
        DrawStore(path) as store,
        closing(sqlite3.connect(aside)) as damaged,
        suppress(sqlite3.DatabaseError),  # as far as it goes
    ):
        for row in damaged.execute("SELECT * FROM draws"):
            store.insert([row])
            n_read += 1
    warnings.warn(
        f"{path} was damaged and was set aside as {aside}; {n_read:,} draws of it could be read, "
        "the others are drawn again",
        stacklevel=2,
    )


def _is_sound(path: Path) -> bool:
    try:
        with closing(sqlite3.connect(path)) as connection:
            (answer,) = connection.execute("PRAGMA quick_check(1)").fetchone()
            return bool(answer == "ok")
    except sqlite3.DatabaseError:
        return False


def _statistic(
    protocol: str, value: float | None, reason: str | None, note: str, parameters: str
) -> Statistic:
    if not isinstance(value, float | None):
        raise TypeError(f"a value that is a {type(value).__name__}")
    given = Reason(reason) if reason else None
    return Statistic(value, given, protocol, _attributes(parameters), note)


def _attributes(text: str) -> Attributes:
    plain = json.loads(text)
    return Attributes({k: tuple(v) if isinstance(v, list) else v for k, v in plain.items()})
