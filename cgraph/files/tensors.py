"""What `torch.save` writes, as plain data and tensors: nothing of it is run.

The values stand in a pickle, read by `cgraph.files.pickles`; the elements of tensors stand beside
it. A tensor is made here of its elements, its sizes and its strides, once all of them fit.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from cgraph.files import archives
from cgraph.files.pickles import PLAIN, Machine, Named, load_plain, named
from cgraph.files.source import BrokenFileError, Source

if TYPE_CHECKING:
    import torch

# What a file of torch.save begins with, before PyTorch 1.6.
_MAGIC = 0x1950A86A20F9469CFC6C

# Storages by the type that a file names, and their dtypes.
_STORAGES = {
    "FloatStorage": "float32",
    "DoubleStorage": "float64",
    "HalfStorage": "float16",
    "BFloat16Storage": "bfloat16",
    "LongStorage": "int64",
    "IntStorage": "int32",
    "ShortStorage": "int16",
    "CharStorage": "int8",
    "ByteStorage": "uint8",
    "BoolStorage": "bool",
}
_MOST_DIMENSIONS = 64

# Elements of a storage by its key, its dtype and how many there are.
_Reader = Callable[[str, "torch.dtype", int], "torch.Tensor"]


def load_tensors(
    file: str | Path | IO[bytes], also: Mapping[str, Callable[[Machine, Any], Any]] | None = None
) -> Any:
    """What `torch.save` wrote, with its tensors.

    Parameters
    ----------
    file : path or file
        In today's format, or in that of before PyTorch 1.6.
    also : mapping of str to callable, optional
        What stands for further classes, as in `load_plain`.

    Raises
    ------
    ForeignClassError
        If it names a class that is none of plain data or dense tensors; nothing of it was run.
    BrokenFileError
        If it is cut off or foreign, or a tensor is larger than its elements.

    Examples
    --------
    >>> import torch
    >>> stream = io.BytesIO()
    >>> torch.save({"weight": torch.ones(2, 1), "epoch": 3}, stream)
    >>> load_tensors(io.BytesIO(stream.getvalue()))
    {'weight': tensor([[1.],
            [1.]]), 'epoch': 3}
    """
    names = {**PLAIN, **_TENSORS, **(also or {})}
    if isinstance(file, str | Path):
        with Path(file).open("rb") as opened:
            return _load(opened, names)
    return _load(file, names)


def _load(file: IO[bytes], names: Mapping[str, Any]) -> Any:
    if zipfile.is_zipfile(file):
        with archives.opened(file) as archive:
            return _load_archive(archive, names)
    size = file.seek(0, io.SEEK_END)
    file.seek(0)
    source = Source(file, size)
    if load_plain(source) != _MAGIC:
        raise BrokenFileError("it was not written by torch.save")
    load_plain(source), load_plain(source)  # the version, and facts of the machine
    return _load_old(source, names)


def _load_archive(archive: zipfile.ZipFile, names: Mapping[str, Any]) -> Any:
    found = [name for name in archive.namelist() if name.endswith("/data.pkl")]
    if len(found) != 1:
        raise BrokenFileError("it was not written by torch.save")
    folder = found[0].removesuffix("data.pkl")
    if f"{folder}byteorder" in archive.namelist():
        order = archive.read(f"{folder}byteorder")
        if order != b"little":
            raise BrokenFileError(f"elements in the order of bytes {order[:20]!r}")
    known: dict[str, torch.Tensor] = {}

    def elements(key: str, dtype: torch.dtype, n: int) -> torch.Tensor:
        if key not in known:
            content = bytearray(archive.read(f"{folder}data/{key}"))
            known[key] = _of_bytes(content, dtype)
        return _checked(known[key], dtype, n)

    with archive.open(found[0]) as member:
        source = Source(member, archive.getinfo(found[0]).file_size)
        return load_plain(source, names, lambda found: _storage(found, elements))


def _load_old(source: Source, names: Mapping[str, Any]) -> Any:
    """The rest of a file in which the elements of all tensors come after the values."""
    known: dict[str, torch.Tensor] = {}
    n_bytes = 0

    def elements(key: str, dtype: torch.dtype, n: int) -> torch.Tensor:
        nonlocal n_bytes
        if key not in known:
            n_bytes += n * dtype.itemsize
            if n_bytes > source.left:
                raise BrokenFileError(f"tensors of {n_bytes:,} bytes, of which {source.left:,} are")
            known[key] = _of_bytes(bytearray(n * dtype.itemsize), dtype)
        return _checked(known[key], dtype, n)

    value = load_plain(source, names, lambda found: _storage(found, elements))
    keys = load_plain(source)
    if type(keys) is not list or set(map(str, keys)) != set(known):
        raise BrokenFileError("tensors without their elements")
    for key in keys:
        target = known[str(key)]
        if int.from_bytes(source.take(8), "little") != target.numel():
            raise BrokenFileError("tensors of another size than their elements")
        content = bytearray(source.take(target.numel() * target.dtype.itemsize))
        target.copy_(_of_bytes(content, target.dtype))
    return value


def _storage(found: Any, elements: _Reader) -> torch.Tensor:
    """Elements of the storage that a persistent id stands for."""
    import torch

    if type(found) is not tuple or len(found) not in (5, 6) or found[0] != "storage":
        raise BrokenFileError("a persistent id that is no storage of a tensor")
    _, kind, key, _, n = found[:5]
    if type(kind) is not Named or type(key) is not str or type(n) is not int or n < 0:
        raise BrokenFileError("a storage of another form")
    if len(found) == 6 and found[5] is not None:
        raise BrokenFileError("a storage that is a part of another")
    dtype = getattr(torch, _STORAGES[kind.name.removeprefix("torch.")])
    return elements(key, dtype, n)


def _of_bytes(content: bytearray, dtype: torch.dtype) -> torch.Tensor:
    import torch

    if len(content) % dtype.itemsize:
        raise BrokenFileError(f"{len(content):,} bytes, which are no elements of {dtype}")
    if not content:
        return torch.empty(0, dtype=dtype)
    if dtype is torch.bool and max(content) > 1:
        raise BrokenFileError("a truth value that is neither 0 nor 1")
    return torch.frombuffer(content, dtype=dtype)


def _checked(values: torch.Tensor, dtype: torch.dtype, n: int) -> torch.Tensor:
    if values.dtype != dtype or values.numel() != n:
        raise BrokenFileError(
            f"a storage of {n:,} {dtype} for {values.numel():,} elements of {values.dtype}"
        )
    return values


def _tensor(machine: Machine, arguments: tuple[Any, ...]) -> torch.Tensor:
    """The tensor of a storage, an offset, sizes and strides."""
    import torch

    storage, offset, sizes, strides, *_ = arguments
    if not isinstance(storage, torch.Tensor) or type(sizes) is not tuple:
        raise BrokenFileError("a tensor without a storage")
    if type(strides) is not tuple or len(strides) != len(sizes) or len(sizes) > _MOST_DIMENSIONS:
        raise BrokenFileError("a tensor without strides")
    if not all(type(n) is int and 0 <= n < 2**48 for n in (offset, *sizes, *strides)):
        raise BrokenFileError("a tensor of sizes that are no whole numbers")
    last = offset + sum((n - 1) * step for n, step in zip(sizes, strides, strict=True))
    numel = 1
    for n in sizes:
        numel *= n
    if numel and (last >= storage.numel() or numel > storage.numel()):
        raise BrokenFileError(f"a tensor of {numel:,} elements, of which {storage.numel():,} are")
    machine.spend(128)
    return torch.as_strided(storage, sizes, strides, offset if numel else 0)


def _parameter(machine: Machine, arguments: tuple[Any, ...]) -> Any:  # noqa: ARG001
    import torch

    if not arguments or type(arguments[0]) is not torch.Tensor:
        raise BrokenFileError("a parameter that is no tensor")
    return arguments[0]


_TENSORS = {
    "torch._utils._rebuild_tensor_v2": _tensor,
    "torch._utils._rebuild_tensor": _tensor,
    "torch._utils._rebuild_parameter": _parameter,
    **dict.fromkeys((f"torch.{name}" for name in _STORAGES), named),
}
