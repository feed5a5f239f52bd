"""Broken copies of whole files: the same ones in every run."""

import bz2
import io
import random
import re
import zipfile

NUMBERS = (b"-1", b"0", b"2", b"1e400", b"NaN", b"1000000000000", b"9223372036854775808", b"null")
BYTES = (0, 1, 0x7F, 0x80, 0xFF)
NUMBER = re.compile(rb"-?\d+(\.\d+)?")
WORD = re.compile(rb'"[^"]{0,60}"|\w+')


def broken(content, name, k):
    """The k-th broken copy of the bytes of a file."""
    rng = random.Random(f"{name}/{k}")
    # What packs other bytes is opened first: its checksums would hide what is inside.
    if rng.random() < 0.7 and zipfile.is_zipfile(io.BytesIO(content)):
        return _in_a_member(content, rng)
    if rng.random() < 0.7 and content.startswith(b"BZh"):
        return bz2.compress(_several(bz2.decompress(content), rng))
    return _several(content, rng)


def _in_a_member(content, rng):
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    chosen = rng.choice(sorted(members))
    members[chosen] = _several(members[chosen], rng)
    if rng.random() < 0.05:
        del members[chosen]
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, inner in members.items():
            archive.writestr(name, inner)
    return stream.getvalue()


def _several(content, rng):
    for _ in range(rng.choice((1, 1, 1, 2, 4))):
        content = rng.choice(MUTATIONS)(content, rng)
    return content


def _flipped(content, rng):
    if not content:
        return content
    changed = bytearray(content)
    for _ in range(rng.choice((1, 2, 8))):
        changed[rng.randrange(len(changed))] ^= 1 << rng.randrange(8)
    return bytes(changed)


def _overwritten(content, rng):
    if not content:
        return content
    changed = bytearray(content)
    place = rng.randrange(len(changed))
    n = rng.choice((1, 2, 4, 8))
    changed[place : place + n] = bytes([rng.choice(BYTES)]) * n
    return bytes(changed)


def _cut(content, rng):
    return content[: rng.randrange(len(content) + 1)]


def _without_a_piece(content, rng):
    start, end = sorted(rng.randrange(len(content) + 1) for _ in range(2))
    return content[:start] + content[min(end, start + 64) :]


def _with_a_piece_twice(content, rng):
    start, end = sorted(rng.randrange(len(content) + 1) for _ in range(2))
    end = min(end, start + 256)
    return content[:end] + content[start:end] + content[end:]


def _with_noise(content, rng):
    place = rng.randrange(len(content) + 1)
    return content[:place] + rng.randbytes(rng.choice((1, 4, 16))) + content[place:]


def _another_number(content, rng):
    return _replaced(content, rng, NUMBER, rng.choice(NUMBERS))


def _another_word(content, rng):
    words = WORD.findall(content)
    return _replaced(content, rng, WORD, rng.choice(words)) if words else content


def _replaced(content, rng, pattern, new):
    found = list(pattern.finditer(content))
    if not found:
        return content
    chosen = rng.choice(found)
    return content[: chosen.start()] + new + content[chosen.end() :]


MUTATIONS = (
    *(_flipped, _overwritten, _cut, _without_a_piece, _with_a_piece_twice, _with_noise),
    *(_another_number, _another_number, _another_word, _another_word),
)
