"""The files that NAS-Bench-201 and NATS-Bench come in, opened without running what is in them.

``NAS-Bench-201-v1_0-e61699.pth`` and ``NAS-Bench-201-v1_1-096897.pth`` were saved by PyTorch.
NATS-Bench has the same results, in one ``NATS-tss-v1_0-3ffb9.pickle.pbz2``, or in a directory
``NATS-tss-v1_0-3ffb9-simple`` with a file for each architecture, which takes the least memory:
the others need about five times their size, unpacked.
"""

from __future__ import annotations

import bz2
import logging
import pickle
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cgraph.errors import ArchitectureError, ArgumentError, of_file
from cgraph.files.pickles import ForeignClassError, load_plain
from cgraph.files.reading import reading
from cgraph.files.source import unpacked
from cgraph.files.tensors import load_tensors
from cgraph.spaces.nasbench201 import notation

LENGTHS = {"less": 12, "full": 200, "12": 12, "200": 200}
"""How many epochs trainings took, under the names of both benchmarks."""

_MEMBER = ".pickle.pbz2"
_META = f"meta{_MEMBER}"

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, eq=False)
class Record:
    """What an archive has about one architecture.

    Parameters
    ----------
    index : int
        Its place in the official order.
    results : mapping of int to object
        By the number of epochs, an `ArchResults` of `nas_201_api` or its `state_dict()`.
    where : str
        Which file it is from, and which architecture it is, for errors.
    """

    index: int
    results: Mapping[int, Any]
    where: str


def is_archive(source: object) -> bool:
    """Whether something is an archive by its name, a directory, or what an API has loaded."""
    if isinstance(source, str | Path):
        path = Path(source)
        return path.suffix == ".pth" or path.name.endswith(_MEMBER) or path.is_dir()
    return isinstance(source, dict) or hasattr(source, "arch2infos_dict")


def read_records(source: object, *, allow_pickle: bool = False) -> Iterator[Record]:
    """What an archive has, an architecture at a time.

    Parameters
    ----------
    source : path or object
        A ``.pth`` of NAS-Bench-201 (v1.0 or v1.1); a ``.pickle.pbz2`` or a directory of these of
        NATS-Bench's topology space; what `torch.load` gave for the first; or an API of
        `nas_201_api` or `nats_bench` that has loaded them.
    allow_pickle : bool, default=False
        Whether a file may run code when it is read. Only for files that you trust.

    Yields
    ------
    Record
        In the order of the archive.

    Raises
    ------
    ArgumentError
        If there is no such file, it was cut off, is of another benchmark, or asks for a class
        that is not plain data.
    """
    if isinstance(source, str | Path):
        path = Path(source)
        if path.is_dir():
            yield from _records_of_directory(path, allow_pickle)
            return
        content = _load(path, allow_pickle)
        name = str(path)
    else:
        content, name = source, f"a {type(source).__name__}"
    yield from _records_of_whole(content, name)


def _records_of_whole(content: Any, name: str) -> Iterator[Record]:
    """Records of a file that holds all architectures, or of an API."""
    if not isinstance(content, dict) and hasattr(content, "arch2infos_dict"):
        content = {"meta_archs": content.meta_archs, "arch2infos": content.arch2infos_dict}
    _check_architectures(content, name)
    infos = content.get("arch2infos")
    if not isinstance(infos, dict) or not infos:
        raise ArgumentError("source", "hold 'arch2infos' by architecture", of_file(name, "without"))
    for index in sorted(infos, key=str):
        yield _record(index, infos[index], f"{name}, architecture {index}")


def _records_of_directory(path: Path, allow_pickle: bool) -> Iterator[Record]:
    if not (path / _META).is_file():
        raise ArgumentError(
            "source",
            f"be a directory of NATS-Bench, with {_META} and 000000{_MEMBER}, ...",
            of_file(path, f"without {_META}"),
        )
    _check_architectures(_load(path / _META, allow_pickle), str(path / _META))
    members = sorted(member for member in path.glob(f"*{_MEMBER}") if member.name != _META)
    if not members:
        raise ArgumentError("source", f"hold 000000{_MEMBER}, ...", of_file(path, "without any"))
    for number, member in enumerate(members):
        if number % 1000 == 0:
            _log.info("read %d of %d files of %s", number, len(members), path)
        stem = member.name.removesuffix(_MEMBER)
        index = int(stem) if stem.isdecimal() else stem
        yield _record(index, _load(member, allow_pickle), str(member))


def _record(index: Any, results: Any, where: str) -> Record:
    if isinstance(index, bool) or not isinstance(index, int):
        raise ArgumentError("source", "number architectures", of_file(where, f", {index!r}"))
    if not 0 <= index < notation.N_ARCHITECTURES:
        raise ArgumentError(
            "source", f"number architectures from 0 to {notation.N_ARCHITECTURES - 1:,}",
            of_file(where, f", {index}"),
        )  # fmt: skip
    if not isinstance(results, dict) or not set(results) <= set(LENGTHS) or not results:
        keys = sorted(map(str, results)) if isinstance(results, dict) else type(results).__name__
        raise ArgumentError(
            "source",
            "hold trainings of 12 and 200 epochs for each architecture",
            of_file(where, f"with {keys}"),
        )
    return Record(index, {LENGTHS[key]: value for key, value in results.items()}, where)


def _check_architectures(content: Any, name: str) -> None:
    """Raise unless an archive lists the architectures in the official order."""
    listed = content.get("meta_archs") if isinstance(content, dict) else None
    if not isinstance(listed, list | tuple):
        raise ArgumentError(
            "source",
            "be an archive of NAS-Bench-201, with 'meta_archs' and 'arch2infos'",
            of_file(name, f", which holds {_described(content)}"),
        )
    if tuple(listed) == notation.architectures():
        return
    for index, (text, official) in enumerate(zip(listed, notation.architectures(), strict=False)):
        if text != official:
            hint = ""
            try:
                notation.parse(text)
            except ArchitectureError as error:
                hint = str(error)
            raise ArgumentError(
                "source",
                "list the 15,625 architectures of NAS-Bench-201 in the official order",
                of_file(name, f"with {text!r} at {index}"),
                hint,
            )
    raise ArgumentError(
        "source",
        "list the 15,625 architectures of NAS-Bench-201",
        of_file(name, f"with {len(listed):,}"),
    )


def _load(path: Path, allow_pickle: bool) -> Any:
    """What a file holds, read as plain data unless it may run code."""
    if not path.is_file():
        raise ArgumentError("source", "be an existing file or directory", repr(str(path)))
    must = "be a whole file of NAS-Bench-201 or NATS-Bench"
    with reading(path, must, argument="source"):
        try:
            if path.suffix == ".pth":
                return _run_torch(path) if allow_pickle else load_tensors(path)
            if allow_pickle:
                return _run_pickle(path)
            with unpacked(path) as source:
                return load_plain(source)
        except ForeignClassError as error:
            raise _foreign(path, str(error)) from error


def _run_torch(path: Path) -> Any:
    import torch

    return torch.load(path, map_location="cpu", weights_only=False)


def _run_pickle(path: Path) -> Any:
    with bz2.open(path) as file:
        return pickle.load(file)


def _foreign(path: Path, name: str) -> ArgumentError:
    return ArgumentError(
        "source",
        "hold plain data",
        of_file(path, f", which asks for {name}; nothing of it was run"),
        "pass allow_pickle=True if you trust whoever made the file: it can then run any code",
    )


def _described(content: Any) -> str:
    if isinstance(content, dict):
        words = [repr(key) for key in list(content)[:5]]
        return f"a dictionary with {', '.join(words) or 'nothing'}"
    return f"a {type(content).__name__}"
