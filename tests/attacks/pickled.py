"""Pickles that do harm where they are believed: each takes a file that is made when it runs."""

import builtins
import bz2
import io
import struct
from pathlib import Path

import numpy as np


class Runs:
    """Makes a file when it is read by anyone who lets it."""

    def __init__(self, mark):
        self.mark = mark

    def __reduce__(self):
        return Path.touch, (self.mark,)


class Evaluates:
    """The same by way of a built-in function."""

    def __init__(self, mark):
        self.mark = mark

    def __reduce__(self):
        return builtins.eval, (f"__import__('pathlib').Path({str(self.mark)!r}).touch()",)


def text(words):
    return b"X" + struct.pack("<I", len(words)) + words.encode()


# A dtype that is made one of objects by its state, and a number of it: numpy follows the address.
DTYPE_OF_OBJECTS = b"cnumpy\ndtype\n" + text("V8") + b"K\x00K\x01\x87R"
STATE_OF_OBJECTS = b"(K\x03" + text("|") + b"NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x20tb"
ADDRESS = struct.pack("<Q", 0x4141414141414141)

HARMFUL = {
    "scalar of objects": b"\x80\x02cnumpy.core.multiarray\nscalar\ncnumpy\ndtype\n" + text("O8")
    + b"K\x00K\x01\x87RC\x08" + ADDRESS + b"\x86R.",
    "dtype made one of objects": b"\x80\x02cnumpy.core.multiarray\nscalar\n" + DTYPE_OF_OBJECTS
    + b"(K\x03" + text("|") + b"N" + text("f") + b"\x85}" + text("f") + b"cnumpy\ndtype\n"
    + text("O8") + b"K\x00K\x01\x87RK\x00\x86sK\x08K\x01K\x00tbC\x08" + ADDRESS + b"\x86R.",
    "flags of objects": b"\x80\x02cnumpy.core.multiarray\nscalar\n" + DTYPE_OF_OBJECTS
    + STATE_OF_OBJECTS + b"C\x08" + ADDRESS + b"\x86R.",
    "array of objects": b"\x80\x03cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85"
    b"C\x01b\x87R(K\x01K\x01\x85cnumpy\ndtype\n" + text("O8") + b"K\x00K\x01\x87R\x89C\x08"
    + ADDRESS + b"tb.",
    "array larger than its bytes": b"\x80\x03cnumpy.core.multiarray\n_reconstruct\n"
    b"cnumpy\nndarray\nK\x00\x85C\x01b\x87R(K\x01J\x00\x00\x00\x10\x85cnumpy\ndtype\n" + text("f8")
    + b"K\x00K\x01\x87R\x89C\x08" + ADDRESS + b"tb.",
    "index of the memo": b"\x80\x02]r\xff\xff\xff\x0f(h\x00e.",
    "bytes of 10^12": b"\x80\x04\x8e" + struct.pack("<Q", 10**12) + b"abc.",
    "text of 10^12": b"\x80\x04\x8d" + struct.pack("<Q", 10**12) + b"abc.",
    "bytearray of 10^12": b"\x80\x05\x96" + struct.pack("<Q", 10**12) + b"abc.",
    "frame of 10^12": b"\x80\x04\x95" + struct.pack("<Q", 10**12) + b".",
    "bytearray by number": b"\x80\x02c__builtin__\nbytearray\nJ\xff\xff\xff\x7f\x85R.",
    "copies of bytes": b"\x80\x04C\xff" + b"a" * 255 + b"\x94" + b"c_codecs\nencode\n("
    + text("a" * 100_000) + text("latin1") + b"t\x94R0"
    + b"c_codecs\nencode\nh\x01R" * 20_000 + b".",
    "tuples nested in a key": b"\x80\x04)" + b"2\x86" * 60 + b"}\x94" + b"0}(h\x00Ku.",
    "hash of doubled tuples": b"\x80\x04}(K\x01" + b"2\x86" * 60 + b"K\x01u.",
    "key nested deep": b"\x80\x04}(K\x01" + b"\x85" * 200_000 + b"K\x01u.",
    "marks nested deep": b"\x80\x04" + b"(" * 1_000_000 + b".",
    "lists nested deep": b"\x80\x04" + b"]" * 200_000 + b"a" * 199_999 + b".",
    "numbers of one hash": b"\x80\x04}("
    + b"".join(b"\x8a\x0c" + ((2**61 - 1) * k * 2**10).to_bytes(12, "little") + b"N"
               for k in range(1, 100_000)) + b"u.",
    "extension": b"\x80\x02\x82\x01.",
    "state for a list": b"\x80\x02]}b.",
    "instance": b"(S'id'\nios\nsystem\n.",
    "object": b"(cos\nsystem\nS'id'\no.",
    "persistent id": b"\x80\x02X\x01\x00\x00\x00aQ.",
    "own function changed": b"\x80\x02c_codecs\nencode\nN}X\x0c\x00\x00\x00__defaults__)s\x86b.",
}  # fmt: skip


def unpacks_to(n_bytes, piece=1 << 20):
    """A few bytes of bzip2 that unpack to many: a list of empty lists."""
    packer, stream = bz2.BZ2Compressor(), io.BytesIO()
    stream.write(packer.compress(b"\x80\x04]("))
    for _ in range(n_bytes // piece):
        stream.write(packer.compress(b"]" * piece))
    stream.write(packer.compress(b"e.") + packer.flush())
    return stream.getvalue()


def plain_numbers():
    """What the files of the benchmarks hold."""
    return {
        "meta": {"seeds": (777, 888), "none": None, "yes": True, 3: 0.5},
        "array": np.arange(6.0).reshape(2, 3),
        "number": np.float64(93.5),
    }
