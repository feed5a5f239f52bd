"""Records of a TFRecord file, one at a time, without TensorFlow.

A record is its length (8 bytes, little-endian), a checksum of these bytes, the data, and a
checksum of the data. A checksum is a CRC-32C, rotated and shifted by a constant ("masked").
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import google_crc32c

from cgraph.errors import ArgumentError, of_file

_MASK_DELTA = 0xA282EAD8
_HEADER = struct.Struct("<QI")
_FOOTER = struct.Struct("<I")


def read_records(path: str | Path) -> Iterator[tuple[int, bytes]]:
    """Records of a file, each with the byte at which it begins; one is held at a time.

    Parameters
    ----------
    path : path
        An uncompressed TFRecord file.

    Yields
    ------
    int, bytes
        Where the record begins, and its data.

    Raises
    ------
    ArgumentError
        If there is no such file, it ends within a record, or a checksum is wrong; says at which
        record and byte.
    """
    path = Path(path)
    if not path.is_file():
        raise ArgumentError("path", "be an existing TFRecord file", repr(str(path)))
    size = path.stat().st_size
    with path.open("rb") as file:
        number, offset = 0, 0
        while offset < size:
            data = _read_record(file, path, number, offset, size)
            yield offset, data
            offset += _HEADER.size + len(data) + _FOOTER.size
            number += 1


def masked_crc(data: bytes) -> int:
    """The masked CRC-32C of some bytes, as the format has it.

    Examples
    --------
    >>> hex(masked_crc(b"123456789"))
    '0xc78ab0e5'
    """
    crc = google_crc32c.value(data)
    return int((crc >> 15 | crc << 17 & 0xFFFFFFFF) + _MASK_DELTA & 0xFFFFFFFF)


def broken(path: Path, number: int, offset: int, problem: str) -> ArgumentError:
    """The error for a record that is not as it should be."""
    return ArgumentError(
        "path",
        "be an unbroken file of the benchmark",
        of_file(path, f"with {problem} in record {number} at byte {offset}"),
        "download it anew",
    )


def _read_record(file: BinaryIO, path: Path, number: int, offset: int, size: int) -> bytes:
    header = file.read(_HEADER.size)
    if len(header) < _HEADER.size:
        raise broken(path, number, offset, "an end in the middle")
    length, length_crc = _HEADER.unpack(header)
    # Checked before the length is believed, so that garbage asks for no memory.
    if masked_crc(header[:8]) != length_crc:
        raise broken(path, number, offset, "a wrong checksum of the length")
    if offset + _HEADER.size + length + _FOOTER.size > size:
        raise broken(path, number, offset, "an end in the middle")
    data = file.read(length)
    (data_crc,) = _FOOTER.unpack(file.read(_FOOTER.size))
    if masked_crc(data) != data_crc:
        raise broken(path, number, offset, "a wrong checksum of the data")
    return data
