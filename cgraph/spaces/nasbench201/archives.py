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
import re
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from cgraph.errors import ArchitectureError, ArgumentError
from cgraph.spaces.nasbench201 import notation
from cgraph.spaces.pickles import BROKEN, PLAIN, ForeignClassError, load_plain

LENGTHS = {"less": 12, "full": 200, "12": 12, "200": 200}
"""How many epochs trainings took, under the names of both benchmarks."""

_MEMBER = ".pickle.pbz2"
_META = f"meta{_MEMBER}"
# What a file of torch.save begins with, before PyTorch 1.6.
_MAGIC = 0x1950A86A20F9469CFC6C

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
        raise ArgumentError("source", "hold 'arch2infos' by architecture", f"{name!r} without")
    for index in sorted(infos, key=str):
        yield _record(index, infos[index], f"{name}, architecture {index}")


def _records_of_directory(path: Path, allow_pickle: bool) -> Iterator[Record]:
    if not (path / _META).is_file():
        raise ArgumentError(
            "source",
            f"be a directory of NATS-Bench, with {_META} and 000000{_MEMBER}, ...",
            f"{str(path)!r} without {_META}",
        )
    _check_architectures(_load(path / _META, allow_pickle), str(path / _META))
    members = sorted(member for member in path.glob(f"*{_MEMBER}") if member.name != _META)
    if not members:
        raise ArgumentError("source", f"hold 000000{_MEMBER}, ...", f"{str(path)!r} without any")
    for number, member in enumerate(members):
        if number % 1000 == 0:
            _log.info("read %d of %d files of %s", number, len(members), path)
        stem = member.name.removesuffix(_MEMBER)
        index = int(stem) if stem.isdecimal() else stem
        yield _record(index, _load(member, allow_pickle), str(member))


def _record(index: Any, results: Any, where: str) -> Record:
    if isinstance(index, bool) or not isinstance(index, int):
        raise ArgumentError("source", "number architectures", f"{where!r}, {index!r}")
    if not 0 <= index < notation.N_ARCHITECTURES:
        raise ArgumentError(
            "source", f"number architectures from 0 to {notation.N_ARCHITECTURES - 1:,}",
            f"{where!r}, {index}",
        )  # fmt: skip
    if not isinstance(results, dict) or not set(results) <= set(LENGTHS) or not results:
        keys = sorted(map(str, results)) if isinstance(results, dict) else type(results).__name__
        raise ArgumentError(
            "source",
            "hold trainings of 12 and 200 epochs for each architecture",
            f"{where!r} with {keys}",
        )
    return Record(index, {LENGTHS[key]: value for key, value in results.items()}, where)


def _check_architectures(content: Any, name: str) -> None:
    """Raise unless an archive lists the architectures in the official order."""
    listed = content.get("meta_archs") if isinstance(content, dict) else None
    if not isinstance(listed, list | tuple):
        raise ArgumentError(
            "source",
            "be an archive of NAS-Bench-201, with 'meta_archs' and 'arch2infos'",
            f"{name!r}, which holds {_described(content)}",
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
                f"{name!r} with {text!r} at {index}",
                hint,
            )
    raise ArgumentError(
        "source", "list the 15,625 architectures of NAS-Bench-201", f"{name!r} with {len(listed):,}"
    )


def _load(path: Path, allow_pickle: bool) -> Any:
    """What a file holds, read as plain data wherever that goes."""
    if not path.is_file():
        raise ArgumentError("source", "be an existing file or directory", repr(str(path)))
    try:
        if path.suffix == ".pth":
            return _load_pth(path, allow_pickle)
        with bz2.open(path) as file:
            return pickle.load(file) if allow_pickle else load_plain(file)
    except ForeignClassError as error:
        raise _foreign(path, str(error)) from error
    except BROKEN as error:
        raise ArgumentError(
            "source",
            "be a whole file of NAS-Bench-201 or NATS-Bench",
            f"{str(path)!r}, which cannot be read: {type(error).__name__}: {error}",
        ) from error


def _load_pth(path: Path, allow_pickle: bool) -> Any:
    """What `torch.save` wrote.

    Plain data is read here, which is 20 times as fast as `torch.load(..., weights_only=True)` and
    allows less; that is tried next, for files that hold tensors as well.
    """
    if allow_pickle:
        import torch

        return torch.load(path, map_location="cpu", weights_only=False)
    try:
        with path.open("rb") as file:
            if zipfile.is_zipfile(file):
                return _load_member(file)
            file.seek(0)
            if load_plain(file) != _MAGIC:
                raise pickle.UnpicklingError("it was not written by torch.save")
            load_plain(file), load_plain(file)  # the version, and facts of the machine
            return load_plain(file)
    except ForeignClassError as error:
        if not str(error).startswith("torch."):
            raise
        return _load_tensors(path)


def _load_member(file: IO[bytes]) -> Any:
    with zipfile.ZipFile(file) as archive:
        names = [name for name in archive.namelist() if name.endswith("/data.pkl")]
        if len(names) != 1:
            raise pickle.UnpicklingError("it was not written by torch.save")
        with archive.open(names[0]) as member:
            return load_plain(member)


def _load_tensors(path: Path) -> Any:
    import numpy as np
    import torch

    scalar = PLAIN["numpy._core.multiarray.scalar"]
    numbers: list[Any] = [
        (scalar, "numpy.core.multiarray.scalar"),
        (scalar, "numpy._core.multiarray.scalar"),
        np.dtype,
        type(np.dtype(np.float64)),
    ]
    try:
        with torch.serialization.safe_globals(numbers):
            return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        named = re.search(r"GLOBAL (\S+)", str(error))
        raise (ForeignClassError(named.group(1)) if named else error) from error


def _foreign(path: Path, name: str) -> ArgumentError:
    return ArgumentError(
        "source",
        "hold plain data",
        f"{str(path)!r}, which asks for {name}; nothing of it was run",
        "pass allow_pickle=True if you trust whoever made the file: it can then run any code",
    )


def _described(content: Any) -> str:
    if isinstance(content, dict):
        words = [repr(key) for key in list(content)[:5]]
        return f"a dictionary with {', '.join(words) or 'nothing'}"
    return f"a {type(content).__name__}"
