"""Zip archives whose members are what they say, no larger, and nothing but files.

An archive can hold links, names that lead out of its folder, two members of one name, members that
lie over each other, and members that unpack to a million times their size.
"""

from __future__ import annotations

import os
import stat
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO

from cgraph.files.source import FREE_BYTES, MOST_UNPACKED, BrokenFileError

_MOST_MEMBERS = 1_000_000


@contextmanager
def opened(file: str | Path | IO[bytes], *, may_pack: bool = False) -> Iterator[zipfile.ZipFile]:
    """An archive whose members were checked, open for reading.

    Parameters
    ----------
    file : path or file
        The archive.
    may_pack : bool, default=False
        Whether members may be packed. PyTorch's are not; of numpy's `savez_compressed` all are.

    Raises
    ------
    BrokenFileError
        If a member is a link, leads out of the archive, is there twice or encrypted, or they
        unpack to more than the archive may.
    zipfile.BadZipFile
        If it is no archive.
    """
    with zipfile.ZipFile(file) as archive:
        _check(archive, _size(file), may_pack)
        yield archive


def _check(archive: zipfile.ZipFile, size: int, may_pack: bool) -> None:
    members = archive.infolist()
    if len(members) > _MOST_MEMBERS:
        raise BrokenFileError(f"an archive of {len(members):,} members")
    names: set[str] = set()
    for member in members:
        _check_member(member, may_pack)
        if member.filename in names:
            raise BrokenFileError(f"two members of the name {member.filename!r}")
        names.add(member.filename)
    total = sum(member.file_size for member in members)
    most = FREE_BYTES + MOST_UNPACKED * size if may_pack else size
    if total > most:
        raise BrokenFileError(f"members of {total:,} bytes in an archive of {size:,}")


def _check_member(member: zipfile.ZipInfo, may_pack: bool) -> None:
    name = member.filename
    if stat.S_ISLNK(member.external_attr >> 16):
        raise BrokenFileError(f"a link in the place of the member {name!r}")
    if name.startswith("/") or "\\" in name or ".." in PurePosixPath(name).parts or "\0" in name:
        raise BrokenFileError(f"a member that leads elsewhere, {name!r}")
    if member.flag_bits & 1:
        raise BrokenFileError(f"an encrypted member, {name!r}")
    known = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) if may_pack else (zipfile.ZIP_STORED,)
    if member.compress_type not in known:
        raise BrokenFileError(f"a packed member, {name!r}")


def _size(file: str | Path | IO[bytes]) -> int:
    if isinstance(file, str | Path):
        return Path(file).stat().st_size
    place = file.tell()
    size = file.seek(0, os.SEEK_END)
    file.seek(place)
    return size
