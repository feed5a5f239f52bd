"""Bytes of a stream, forwards, of which no more is fetched than there can be.

A packed file may unpack to a million times its size. What it unpacks to is limited by a multiple
of its size; what is asked for at once is compared with what is left before memory is taken.
"""

from __future__ import annotations

import bz2
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

# What a packed file may unpack to: so many bytes in any case, and so many for each of its own.
FREE_BYTES = 1024**2
MOST_UNPACKED = 50

_PIECE = 1 << 16


class BrokenFileError(ValueError):
    """Bytes that are cut off, foreign, or ask for more than they may."""


class Source:
    """A stream that is read forwards within a limit.

    Parameters
    ----------
    file : file
        Open for reading bytes.
    n_bytes : int
        How many there can be at most, from where it stands.
    """

    __slots__ = ("_at", "_begin", "_buffer", "_file", "_left")

    def __init__(self, file: IO[bytes], n_bytes: int) -> None:
        self._file = file
        self._left = n_bytes  # not yet fetched
        self._buffer = b""
        self._begin = 0  # of the buffer in the stream
        self._at = 0

    @property
    def position(self) -> int:
        """How many bytes were taken."""
        return self._begin + self._at

    @property
    def left(self) -> int:
        """How many bytes can still come."""
        return self._left + len(self._buffer) - self._at

    def take(self, n: int) -> bytes:
        """The next n bytes.

        Raises
        ------
        BrokenFileError
            If there are not so many.
        """
        at = self._at
        end = at + n
        if end > len(self._buffer):
            self._fetch(n)
            at, end = 0, n
        self._at = end
        return self._buffer[at:end]

    def line(self) -> bytes:
        """What comes before the next line feed, which is passed over."""
        while True:
            end = self._buffer.find(b"\n", self._at)
            if end >= 0:
                found = self._buffer[self._at : end]
                self._at = end + 1
                return found
            # Doubled, so that a long line costs no more than twice its length.
            self._fetch(max(2 * (len(self._buffer) - self._at), 1))

    def take_match(self, pattern: re.Pattern[bytes]) -> bytes:
        """What a pattern matches of the bytes that are there already; it may be nothing."""
        found = pattern.match(self._buffer, self._at)
        if found is None:
            return b""
        self._at = found.end()
        return found.group()

    def _fetch(self, n: int) -> None:
        """Have n bytes in the buffer, from where we stand."""
        kept = self._buffer[self._at :]
        missing = n - len(kept)
        if missing > self._left:
            raise BrokenFileError(
                f"{n:,} bytes asked for at byte {self.position:,}, where {self.left:,} are left"
            )
        pieces = [kept]
        wanted = min(max(missing, _PIECE), self._left)
        while wanted > 0:
            piece = self._file.read(wanted)
            if not piece:
                break
            pieces.append(piece)
            wanted -= len(piece)
            self._left -= len(piece)
        self._begin, self._at = self.position, 0
        self._buffer = b"".join(pieces)
        if len(self._buffer) < n:
            raise BrokenFileError(f"it breaks off at byte {self._begin + len(self._buffer):,}")


@contextmanager
def plain(path: Path) -> Iterator[Source]:
    """A file as it lies there."""
    with path.open("rb") as file:
        yield Source(file, os.fstat(file.fileno()).st_size)


@contextmanager
def unpacked(path: Path) -> Iterator[Source]:
    """What a file of bzip2 unpacks to, up to 1 MiB and 50 times the size of the file."""
    limit = FREE_BYTES + MOST_UNPACKED * path.stat().st_size
    with bz2.open(path) as file:
        yield Source(file, limit)
