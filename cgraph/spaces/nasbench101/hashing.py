"""The benchmark's module hash: the name under which its files keep a cell.

MD5 over the sorted hashes of the vertices, each refined as many times as there are vertices by
the hashes of its neighbours, starting from (out-degree, in-degree, label). Isomorphic cells have
the same hash, and up to 7 vertices and 9 edges no others do (Ying et al., 2019, who checked it).
`module_hash` says it for one cell and is the definition; `module_hashes` is the same in compiled
form, for all of them: 24 million MD5 sums.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

import numpy as np
from numba import njit
from numpy.typing import NDArray

from cgraph.errors import ArchitectureError
from cgraph.spaces.nasbench101.cells import Cell

HASH_BYTES = 16
_HEX = np.frombuffer(b"0123456789abcdef", dtype=np.uint8)

# The two tables of MD5 (RFC 1321): sines as integers, and how far each step rotates.
_SINES = np.floor(np.abs(np.sin(np.arange(1, 65))) * 2**32).astype(np.uint32)
_TURNS = np.array(
    [[7, 12, 17, 22], [5, 9, 14, 20], [4, 11, 16, 23], [6, 10, 15, 21]], dtype=np.uint32
)

# The longest message: six neighbours, two bars, and the vertex itself, at 32 digits a hash;
# rounded up to whole blocks with room for the padding.
_MESSAGE_BYTES = 320


def module_hash(cell: Cell) -> str:
    """The benchmark's hash of a cell, 32 hexadecimal digits.

    Examples
    --------
    >>> module_hash(Cell((0, 2), 55))
    '5498ba534c256c9d086596e2b51cf170'
    """
    n = cell.n_vertices
    labels = (-1, *cell.operations, -2)
    sources = [cell.sources(v) for v in range(n)]
    targets = [cell.targets(v) for v in range(n)]
    hashes = [_md5(str((len(targets[v]), len(sources[v]), labels[v]))) for v in range(n)]
    for _ in range(n):
        hashes = [
            _md5(
                "".join(sorted(hashes[w] for w in sources[v]))
                + "|"
                + "".join(sorted(hashes[w] for w in targets[v]))
                + "|"
                + hashes[v]
            )
            for v in range(n)
        ]
    return _md5(str(sorted(hashes)))


def module_hashes(codes: NDArray[np.integer]) -> NDArray[np.uint8]:
    """The benchmark's hashes of many cells.

    Parameters
    ----------
    codes : ndarray of shape (n_cells,)
        Codes of cells, as `cells.encode` makes them; not checked.

    Returns
    -------
    ndarray of uint8, shape (n_cells, 16)
        The bytes of each hash.

    Examples
    --------
    >>> from cgraph.spaces.nasbench101.cells import encode
    >>> module_hashes(np.array([encode(Cell((0, 2), 55))]))[0].tobytes().hex()
    '5498ba534c256c9d086596e2b51cf170'
    """
    hashes = np.empty((len(codes), HASH_BYTES), dtype=np.uint8)
    _hash_all(np.asarray(codes, dtype=np.int64), hashes)
    return hashes


def hash_bytes(texts: Iterable[str]) -> NDArray[np.uint8]:
    """Bytes of hashes written in hexadecimal digits, shape (n, 16).

    Raises
    ------
    ArchitectureError
        If one is not 32 hexadecimal digits; says which.
    """
    rows = []
    for i, text in enumerate(texts):
        try:
            row = bytes.fromhex(text)
        except (ValueError, TypeError):
            row = b""
        if len(row) != HASH_BYTES or len(text) != 2 * HASH_BYTES:
            raise ArchitectureError(
                "module_hash", f"be 32 hexadecimal digits (number {i})", repr(text)
            )
        rows.append(row)
    return np.frombuffer(b"".join(rows), dtype=np.uint8).reshape(-1, HASH_BYTES)


def _md5(text: str) -> str:
    # A name, not a secret: some builds of Python refuse MD5 otherwise.
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


# The hash of a vertex is kept twice: as the digits that go into messages, and as two numbers that
# sort as the digits do. Rows are passed as an array and an index: a slice costs a reference count.


@njit(cache=True, nogil=True)
def _hash_all(codes: NDArray[np.int64], hashes: NDArray[np.uint8]) -> None:
    """Module hashes of codes into rows of bytes."""
    labels = np.empty(7, dtype=np.int64)
    near = np.empty((2, 7, 7), dtype=np.bool_)  # [0, v, w]: w feeds v; [1, v, w]: v feeds w
    digits = np.empty((2, 7, 32), dtype=np.uint8)
    keys = np.empty((2, 7, 2), dtype=np.uint64)
    order = np.empty(7, dtype=np.int64)
    message = np.empty(_MESSAGE_BYTES, dtype=np.uint8)
    digest = np.empty(HASH_BYTES, dtype=np.uint8)
    for i in range(len(codes)):
        n = _unpack(codes[i], labels, near)
        for v in range(n):
            _md5_bytes(message, _first_message(near, labels, n, v, message), digest)
            _keep(digest, digits, keys, 0, v)
        for step in range(n):
            old, new = step & 1, 1 - (step & 1)
            for v in range(n):
                length = 0
                for side in range(2):
                    count = 0
                    for w in range(n):
                        if near[side, v, w]:
                            order[count] = w
                            count += 1
                    _sort(order, count, keys, old)
                    for k in range(count):
                        _append(digits, old, order[k], message, length)
                        length += 32
                    message[length] = 124  # "|"
                    length += 1
                _append(digits, old, v, message, length)
                _md5_bytes(message, length + 32, digest)
                _keep(digest, digits, keys, new, v)
        _md5_bytes(message, _last_message(digits, keys, n & 1, n, order, message), digest)
        for k in range(HASH_BYTES):
            hashes[i, k] = digest[k]


@njit(cache=True, nogil=True)
def _unpack(code: int, labels: NDArray[np.int64], near: NDArray[np.bool_]) -> int:
    """Labels and neighbours of a code into arrays; the number of vertices."""
    n = code >> 29
    labels[0], labels[n - 1] = -1, -2
    operations = code & 255
    for v in range(n - 2, 0, -1):
        labels[v] = operations % 3
        operations //= 3
    edges = code >> 8 & ((1 << 21) - 1)
    for y in range(n):
        for x in range(n):
            fed = x < y and (edges >> (x + y * (y - 1) // 2)) & 1 == 1
            near[0, y, x] = fed
            near[1, x, y] = fed
    return n


@njit(cache=True, nogil=True)
def _first_message(
    near: NDArray[np.bool_], labels: NDArray[np.int64], n: int, v: int, message: NDArray[np.uint8]
) -> int:
    """Write "(out-degree, in-degree, label)" of vertex v; its length."""
    n_in, n_out = 0, 0
    for w in range(n):
        n_in += near[0, v, w]
        n_out += near[1, v, w]
    message[0] = 40  # "("
    message[1] = 48 + n_out
    message[2], message[3] = 44, 32  # ", "
    message[4] = 48 + n_in
    message[5], message[6] = 44, 32
    length = 7
    if labels[v] < 0:
        message[length] = 45  # "-"
        length += 1
    message[length] = 48 + abs(labels[v])
    message[length + 1] = 41  # ")"
    return length + 2


@njit(cache=True, nogil=True)
def _last_message(
    digits: NDArray[np.uint8],
    keys: NDArray[np.uint64],
    side: int,
    n: int,
    order: NDArray[np.int64],
    message: NDArray[np.uint8],
) -> int:
    """Write the sorted hashes as Python writes a list of strings; its length."""
    for v in range(n):
        order[v] = v
    _sort(order, n, keys, side)
    message[0] = 91  # "["
    length = 1
    for k in range(n):
        if k:
            message[length], message[length + 1] = 44, 32  # ", "
            length += 2
        message[length] = 39  # "'"
        _append(digits, side, order[k], message, length + 1)
        message[length + 33] = 39
        length += 34
    message[length] = 93  # "]"
    return length + 1


@njit(cache=True, nogil=True)
def _sort(order: NDArray[np.int64], count: int, keys: NDArray[np.uint64], side: int) -> None:
    """Sort the first vertices of `order` by their hashes, by insertion."""
    for k in range(1, count):
        v = order[k]
        place = k
        while place:
            w = order[place - 1]
            if keys[side, v, 0] > keys[side, w, 0]:
                break
            if keys[side, v, 0] == keys[side, w, 0] and keys[side, v, 1] >= keys[side, w, 1]:
                break
            order[place] = w
            place -= 1
        order[place] = v


@njit(cache=True, nogil=True)
def _append(
    digits: NDArray[np.uint8], side: int, v: int, message: NDArray[np.uint8], length: int
) -> None:
    for k in range(32):
        message[length + k] = digits[side, v, k]


@njit(cache=True, nogil=True)
def _keep(
    digest: NDArray[np.uint8],
    digits: NDArray[np.uint8],
    keys: NDArray[np.uint64],
    side: int,
    v: int,
) -> None:
    """Keep the hash of vertex v as hexadecimal digits and as two numbers."""
    for half in range(2):
        key = np.uint64(0)
        for k in range(8 * half, 8 * half + 8):
            key = (key << np.uint64(8)) | np.uint64(digest[k])
            digits[side, v, 2 * k] = _HEX[digest[k] >> 4]
            digits[side, v, 2 * k + 1] = _HEX[digest[k] & 15]
        keys[side, v, half] = key


@njit(cache=True, nogil=True)
def _md5_bytes(message: NDArray[np.uint8], length: int, digest: NDArray[np.uint8]) -> None:
    """MD5 (RFC 1321) of the first bytes of a buffer, which is padded in place."""
    n_blocks = (length + 8) // 64 + 1
    message[length] = 128
    for k in range(length + 1, 64 * n_blocks - 8):
        message[k] = 0
    for k in range(8):
        message[64 * n_blocks - 8 + k] = (8 * length) >> (8 * k) & 255
    words = message.view(np.uint32)
    state = digest.view(np.uint32)
    state[0], state[1], state[2], state[3] = 0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476
    for block in range(n_blocks):
        _md5_block(words[16 * block : 16 * block + 16], state)


@njit(cache=True, nogil=True)
def _md5_block(words: NDArray[np.uint32], state: NDArray[np.uint32]) -> None:
    a, b, c, d = state[0], state[1], state[2], state[3]
    # Four loops rather than a branch in one: each is then unrolled with its constants.
    for k in range(16):
        mixed = (b & c) | (~b & d)
        a, d, c, b = d, c, b, _md5_step(a, b, mixed, words[k], k, 0)
    for k in range(16):
        mixed = (d & b) | (~d & c)
        a, d, c, b = d, c, b, _md5_step(a, b, mixed, words[(5 * k + 1) & 15], k, 1)
    for k in range(16):
        mixed = b ^ c ^ d
        a, d, c, b = d, c, b, _md5_step(a, b, mixed, words[(3 * k + 5) & 15], k, 2)
    for k in range(16):
        mixed = c ^ (b | ~d)
        a, d, c, b = d, c, b, _md5_step(a, b, mixed, words[(7 * k) & 15], k, 3)
    state[0] = np.uint32(state[0] + a)
    state[1] = np.uint32(state[1] + b)
    state[2] = np.uint32(state[2] + c)
    state[3] = np.uint32(state[3] + d)


@njit(cache=True, nogil=True, inline="always")
def _md5_step(a: int, b: int, mixed: int, word: int, k: int, part: int) -> np.uint32:
    total = np.uint32(a + mixed + _SINES[16 * part + k] + word)
    turn = _TURNS[part, k & 3]
    return np.uint32(b + np.uint32((total << turn) | (total >> (np.uint32(32) - turn))))
