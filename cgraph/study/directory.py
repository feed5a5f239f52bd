"""A study on disk: what its files are called, and whose directory it is.

`study.json` is written first and says which study the directory holds. A directory of another
study, or with files that are no study's, is never written to.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pandas as pd

from cgraph.errors import ArgumentError, StudyError, WriteError
from cgraph.files.reading import reading
from cgraph.files.tables import read_parquet
from cgraph.files.writing import is_leftover, remove_leftovers, whole_file

CONFIGURATION = "study.json"
ARCHITECTURES = "architectures.parquet"
STATISTICS = "statistics.parquet"
LIMITS = "limits.parquet"
LANDMARKS = "landmarks.npy"
CLUSTERS = "clusters.parquet"
ASSIGNER = "assigner.npz"
ACCURACIES = "accuracies.parquet"
VALIDATION = "validation.parquet"
GRAPHS = "graphs.parquet"
DRAWS = "draws.sqlite"
CAPTURED = "captured.sqlite"
FAILURES = "failures.parquet"
PAGE = "index.html"
FACTS = "decided.json"


def check_claim(directory: Path, configuration: Mapping[str, Any]) -> None:
    """Raise unless a directory is new, empty, or the one of this study; nothing is written.

    Parameters
    ----------
    directory : Path
        Where the study is to lie.
    configuration : mapping
        What identifies the study; plain JSON values.

    Raises
    ------
    StudyError
        If the directory holds another study, or files that are no study's.
    """
    if directory.exists() and not directory.is_dir():
        raise StudyError(f"{directory} is a file; give a directory that is new or holds this study")
    if (directory / CONFIGURATION).exists():
        found = read_configuration(directory)["configuration"]
        wanted = json.loads(json.dumps(configuration))
        differing = sorted(key for key in {*found, *wanted} if found.get(key) != wanted.get(key))
        if differing:
            facts = "; ".join(
                f"{key} is {found.get(key)!r} there and {wanted.get(key)!r} here"
                for key in differing
            )
            raise StudyError(
                f"{directory} holds another study ({facts}); nothing was changed. "
                "Give another directory, or the same options to resume it"
            )
        return
    # What was captured of a space serves any study of it.
    others = [path.name for path in directory.iterdir()] if directory.exists() else []
    others = sorted(
        name for name in others if not name.startswith(CAPTURED) and not is_leftover(name)
    )
    if others:
        first = others[0]
        raise StudyError(
            f"{directory} is not empty and holds no study (it has {first!r}); nothing was "
            "changed. Give a directory that is new, empty, or holds this study"
        )


def claim(directory: Path, configuration: Mapping[str, Any], record: Mapping[str, Any]) -> None:
    """Make a directory the one of a study, unless it is already.

    Parameters
    ----------
    directory : Path
        Made where it does not exist.
    configuration : mapping
        What identifies the study; plain JSON values.
    record : mapping
        What is written beside it: versions and the like.

    Raises
    ------
    StudyError
        As `check_claim`.
    """
    check_claim(directory, configuration)
    if (directory / CONFIGURATION).exists():
        return
    directory.mkdir(parents=True, exist_ok=True)
    write_json(directory / CONFIGURATION, {"configuration": configuration, **record})


def read_facts(directory: Path) -> dict[str, Any]:
    """What was decided on the way; nothing for a study of an earlier version."""
    path = directory / FACTS
    found: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    return found


def read_configuration(directory: Path) -> dict[str, Any]:
    """What `study.json` holds.

    Raises
    ------
    StudyError
        If there is none, or it is not one of cgraph's.
    """
    path = directory / CONFIGURATION
    if not path.exists():
        raise StudyError(f"{directory} holds no study: there is no {CONFIGURATION} in it")
    with reading(path, "be the record of a study", error=_study_error, argument="the file"):
        record: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        record["configuration"].items()
        return record


def read_table(directory: Path, name: str) -> pd.DataFrame:
    """A table of a study.

    Raises
    ------
    StudyError
        If the study has not come as far as to write it.
    """
    path = directory / name
    if not path.exists():
        raise StudyError(
            f"{directory} holds a study that is not finished: there is no {name}; "
            "run it again with the same options to resume it"
        )
    return _table(path)


def _table(path: Path) -> pd.DataFrame:
    hint = "delete the file and run the study again"
    with reading(path, "be a table of a study", hint, error=_study_error, argument="the file"):
        return read_parquet(path)


def _study_error(argument: str, must: str, got: str, hint: str) -> StudyError:
    return StudyError(str(ArgumentError(argument, must, got, hint)))


def read_optional_table(directory: Path, name: str) -> pd.DataFrame | None:
    """A table of a study; None where the study has none of that name."""
    path = directory / name
    return _table(path) if path.exists() else None


def write_table(directory: Path, name: str, table: pd.DataFrame) -> None:
    """Write a table as Parquet, whole or not at all."""
    with whole_file(directory / name) as path:
        table.to_parquet(path, index=False)


def write_json(path: Path, value: Mapping[str, Any]) -> None:
    """Write JSON, whole or not at all."""
    text = json.dumps(value, indent=2) + "\n"
    with whole_file(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


@contextmanager
def held(directory: Path) -> Iterator[None]:
    """A block in which no other process writes to the directory of a study.

    The system lets go of it with the process, however that ends. What killed runs were writing is
    taken away.

    Raises
    ------
    StudyError
        If another process is writing there.
    WriteError
        If the directory cannot be made or read.
    """
    try:
        directory.mkdir(parents=True, exist_ok=True)
        handle = os.open(directory, os.O_RDONLY)
    except OSError as error:
        raise WriteError(directory, error) from error
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StudyError(
                f"{directory} is being written by another process; nothing was changed. "
                "Wait until that ends, or give another directory"
            ) from None
        remove_leftovers(directory)
        yield
    finally:
        os.close(handle)
        with suppress(OSError):  # only where nothing was written to it
            directory.rmdir()
