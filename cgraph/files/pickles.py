"""Pickles as data: a machine that knows plain values, and runs nothing.

A pickle is a program for a stack machine, and Python's own machine imports and calls what the
program names. This one knows numbers, text, bytes, lists, tuples, dicts, sets and contiguous
arrays of numbers. What a program names is looked up in a table of functions that are written
here; whatever else it names is an error before anything of it is imported. What a program takes
of memory is in proportion to its length, and checked before it is taken.
"""

from __future__ import annotations

import codecs
import io
import re
import struct
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import IO, Any, TypeAlias

from cgraph.files import numbers
from cgraph.files.source import BrokenFileError, Source

# Whole numbers have at most so many bytes; containers that are being filled nest so deep.
LONGEST_NUMBER = 1024
DEEPEST = 1_000

# What functions make of values that are there already may take so many bytes in any case, and so
# many for each byte of the program.
_FREE_BYTES = 16 * 1024**2
_FOR_EACH_BYTE = 16

# Keys are hashed by Python's own code, which follows tuples all the way down.
_FLAT_KEYS = frozenset((str, bytes, float, bool, type(None)))
_DEEPEST_KEY = 20


class ForeignClassError(BrokenFileError):
    """A pickle names a class or function that is not in the table."""


@dataclass(frozen=True, slots=True, eq=False)
class Named:
    """What stands for a class or function that a pickle names.

    Parameters
    ----------
    name : str
        "module.name".
    make : callable
        From the machine and the arguments to a value.
    """

    name: str
    make: Callable[[Machine, tuple[Any, ...]], Any]


Names: TypeAlias = "Mapping[str, Callable[[Machine, tuple[Any, ...]], Any]]"


class Record:
    """What stands for an object of a class: its attributes, without any behaviour."""

    def __init__(self) -> None:
        self.attributes: dict[str, Any] = {}


def load_plain(
    source: Source | IO[bytes],
    names: Names | None = None,
    persistent: Callable[[Any], Any] | None = None,
) -> Any:
    """What a pickle holds, without running anything of it.

    Parameters
    ----------
    source : Source or file
        At the beginning of a pickle of any protocol. A `Source` stands behind it afterwards.
    names : mapping of str to callable, optional
        What stands for a class or function in the pickle, by "module.name"; `PLAIN` by default.
    persistent : callable, optional
        What stands for a persistent id, of which there are none by default.

    Raises
    ------
    ForeignClassError
        If it names a class or function that is not in the table; nothing was imported or called.
    BrokenFileError
        If it is no pickle, cut off, asks for more memory than its length allows, or holds what is
        not plain data.

    Examples
    --------
    >>> import os, pickle
    >>> load_plain(io.BytesIO(pickle.dumps({"accuracy": 93.5, "seeds": (777, 888)})))
    {'accuracy': 93.5, 'seeds': (777, 888)}
    >>> load_plain(io.BytesIO(pickle.dumps(os.getcwd)))
    Traceback (most recent call last):
        ...
    cgraph.files.pickles.ForeignClassError: posix.getcwd
    """
    if not isinstance(source, Source):
        begin = source.tell()
        size = source.seek(0, io.SEEK_END) - begin
        source.seek(begin)
        source = Source(source, size)
    return Machine(source, PLAIN if names is None else names, persistent).run()


class Machine:
    """The state of a program that is being read.

    Parameters
    ----------
    source : Source
        The program.
    names, persistent
        As for `load_plain`.
    """

    __slots__ = ("_made", "fresh", "marks", "memo", "names", "persistent", "source", "stack")

    def __init__(
        self, source: Source, names: Names, persistent: Callable[[Any], Any] | None = None
    ) -> None:
        self.source = source
        self.names = names
        self.persistent = persistent
        self.stack: list[Any] = []
        self.marks: list[int] = []
        self.memo: dict[int, Any] = {}
        self.fresh: dict[int, Any] = {}  # arrays and records that wait for their contents
        self._made = 0

    def run(self) -> Any:
        """The value that the program leaves."""
        take, operations = self.source.take, _OPERATIONS
        begin = self.source.position
        try:
            while True:
                code = take(1)[0]
                if code == _STOP:
                    return self.stack.pop()
                operations[code](self)
        except BrokenFileError:
            raise
        except (
            # What a program that makes no sense leads to.
            *(LookupError, TypeError, ValueError, ArithmeticError, AttributeError, struct.error),
            *(RecursionError, MemoryError),
        ) as error:
            place = self.source.position - begin
            raise BrokenFileError(f"{type(error).__name__} at byte {place:,}: {error}") from error

    def pop_mark(self) -> list[Any]:
        """What stands on the stack above the last mark, which is taken away."""
        mark = self.marks.pop()
        items = self.stack[mark:]
        del self.stack[mark:]
        return items

    def spend(self, n_bytes: int) -> None:
        """Count memory that a function takes, before it does.

        Raises
        ------
        BrokenFileError
            If it is more than the length of the program so far allows.
        """
        self._made += n_bytes
        if self._made > _FREE_BYTES + _FOR_EACH_BYTE * self.source.position:
            raise BrokenFileError(
                f"{self._made:,} bytes asked for by a program of {self.source.position:,}"
            )

    def check_keys(self, keys: list[Any]) -> None:
        """Raise unless values can be keys, and hashing them takes no longer than reading them."""
        if _FLAT_KEYS.issuperset(map(type, keys)):
            return
        for key in keys:
            self._check_key(key, _DEEPEST_KEY)

    def _check_key(self, key: Any, depth: int) -> None:
        kind = type(key)
        if kind is int:
            if key.bit_length() > 64:
                raise BrokenFileError(f"a key of {key.bit_length()} bits")
        elif kind in (tuple, frozenset):
            if not depth:
                raise BrokenFileError("a key of nested tuples")
            self.spend(8 * len(key))
            for inner in key:
                self._check_key(inner, depth - 1)
        elif kind not in _FLAT_KEYS and kind is not complex and not numbers.is_scalar(key):
            raise BrokenFileError(f"a key that is a {kind.__name__}")


# Functions that a pickle may name ---------------------------------------------------------------


def _collection(kind: Callable[[list[Any]], Any]) -> Callable[[Machine, tuple[Any, ...]], Any]:
    def make(machine: Machine, arguments: tuple[Any, ...]) -> Any:
        values = _only(arguments, list) if arguments else []
        machine.spend(64 * len(values))
        machine.check_keys(values)
        return kind(values)

    return make


def _ordered(machine: Machine, arguments: tuple[Any, ...]) -> OrderedDict[Any, Any]:
    pairs = _only(arguments, list) if arguments else []
    machine.spend(128 * len(pairs))
    if not all(type(pair) in (list, tuple) and len(pair) == 2 for pair in pairs):
        raise BrokenFileError("an ordered dict of what are no pairs")
    machine.check_keys([key for key, _ in pairs])
    return OrderedDict(pairs)


def _encoded(machine: Machine, arguments: tuple[Any, ...]) -> bytes:
    """What pickles before protocol 3 make bytes with."""
    if not arguments:
        return b""
    text, encoding = arguments
    if type(text) is not str or encoding not in ("latin1", "latin-1"):
        raise BrokenFileError("bytes that are not written in Latin-1")
    machine.spend(len(text))
    return text.encode("latin1")


def _bytearray(machine: Machine, arguments: tuple[Any, ...]) -> bytearray:
    if len(arguments) == 1:
        content: bytes = _only(arguments, bytes)
        machine.spend(len(content))
        return bytearray(content)
    return bytearray(_encoded(machine, arguments))


def _complex(machine: Machine, arguments: tuple[Any, ...]) -> complex:  # noqa: ARG001
    real, imaginary = arguments
    if type(real) is not float or type(imaginary) is not float:
        raise BrokenFileError("a complex number of what are no floats")
    return complex(real, imaginary)


def _blank(machine: Machine, arguments: tuple[Any, ...]) -> Any:
    array = numbers.blank(arguments)
    machine.fresh[id(array)] = array
    return array


def _from_buffer(machine: Machine, arguments: tuple[Any, ...]) -> Any:
    machine.spend(len(arguments[0]))
    return numbers.from_buffer(arguments)


def record(machine: Machine, arguments: tuple[Any, ...]) -> Record:
    """Stands for a class whose objects are read as a `Record`."""
    if arguments:
        raise BrokenFileError("an object that is made of arguments")
    found = Record()
    machine.fresh[id(found)] = found
    return found


def named(machine: Machine, arguments: tuple[Any, ...]) -> Any:  # noqa: ARG001
    """Stands for what is only named, as a class in the place of a value."""
    raise BrokenFileError("a class that is called, where it is only named")


def _only(arguments: tuple[Any, ...], kind: type) -> Any:
    (value,) = arguments
    if type(value) is not kind:
        raise BrokenFileError(f"a {type(value).__name__} in the place of a {kind.__name__}")
    return value


def _everywhere(names: Mapping[str, Any]) -> dict[str, Any]:
    """The table with the names that old and new versions of Python and numpy have."""
    found = {}
    for name, value in names.items():
        found[name] = value
        found[name.replace("builtins.", "__builtin__.")] = value
        found[name.replace("numpy._core.", "numpy.core.")] = value
    return found


PLAIN: Names = _everywhere(
    {
        "builtins.set": _collection(set),
        "builtins.frozenset": _collection(frozenset),
        "builtins.bytes": _encoded,
        "builtins.bytearray": _bytearray,
        "builtins.complex": _complex,
        "collections.OrderedDict": _ordered,
        "_codecs.encode": _encoded,
        "numpy.ndarray": named,
        "numpy.dtype": lambda _, arguments: numbers.DType(arguments),
        "numpy._core.multiarray.scalar": lambda _, arguments: numbers.scalar(arguments),
        "numpy._core.multiarray._reconstruct": _blank,
        "numpy._core.numeric._frombuffer": _from_buffer,
    }
)
"""What numbers and plain containers are pickled as."""


# Operations --------------------------------------------------------------------------------------

_STOP = ord(".")
_Operation: TypeAlias = Callable[[Machine], None]


def _unknown(machine: Machine) -> None:
    raise BrokenFileError(f"no operation of plain data at byte {machine.source.position - 1:,}")


_OPERATIONS: list[_Operation] = [_unknown] * 256


def _operation(*codes: bytes) -> Callable[[_Operation], _Operation]:
    def enter(function: _Operation) -> _Operation:
        for code in codes:
            _OPERATIONS[code[0]] = function
        return function

    return enter


def _constant(code: bytes, value: Any) -> None:
    _operation(code)(lambda machine: machine.stack.append(value))


def _empty(code: bytes, kind: Callable[[], Any]) -> None:
    _operation(code)(lambda machine: machine.stack.append(kind()))


def _of_size(code: bytes, layout: str, convert: Callable[[bytes], Any]) -> None:
    """An operation with a size and so many bytes."""
    size = struct.Struct(layout)

    def push(machine: Machine) -> None:
        (n,) = size.unpack(machine.source.take(size.size))
        if n < 0:
            raise BrokenFileError(f"{n} bytes asked for")
        machine.stack.append(convert(machine.source.take(n)))

    _operation(code)(push)


def _packed(code: bytes, layout: str) -> None:
    """An operation with a number of fixed size."""
    number = struct.Struct(layout)
    unpack, n = number.unpack, number.size

    def push(machine: Machine) -> None:
        machine.stack.append(unpack(machine.source.take(n))[0])

    _operation(code)(push)


def _in_a_line(code: bytes, convert: Callable[[bytes], Any]) -> None:
    _operation(code)(lambda machine: machine.stack.append(convert(machine.source.line())))


def _text(content: bytes) -> str:
    return str(content, "utf-8", "surrogatepass")


def _ascii(content: bytes) -> str:
    return str(content, "ascii")


def _quoted(line: bytes) -> str:
    if len(line) < 2 or line[:1] not in b"'\"" or line[:1] != line[-1:]:
        raise BrokenFileError("text without quotes")
    return _ascii(codecs.escape_decode(line[1:-1])[0])


def _whole(content: bytes) -> int:
    if len(content) > LONGEST_NUMBER:
        raise BrokenFileError(f"a number of {len(content):,} bytes")
    return int.from_bytes(content, "little", signed=True)


def _whole_in_words(line: bytes) -> int | bool:
    if line in (b"00", b"01"):
        return line == b"01"
    if len(line) > 2 * LONGEST_NUMBER:
        raise BrokenFileError(f"a number of {len(line):,} digits")
    return int(line.removesuffix(b"L"))


_constant(b"N", None)
_constant(b"\x88", True)
_constant(b"\x89", False)
_constant(b")", ())
_empty(b"]", list)
_empty(b"}", dict)
_empty(b"\x8f", set)
_packed(b"K", "<B")
_packed(b"M", "<H")
_packed(b"J", "<i")
_packed(b"G", ">d")
_of_size(b"\x8a", "<B", _whole)
_of_size(b"\x8b", "<i", _whole)
_of_size(b"U", "<B", _ascii)
_of_size(b"T", "<i", _ascii)
_of_size(b"\x8c", "<B", _text)
_of_size(b"X", "<I", _text)
_of_size(b"\x8d", "<Q", _text)
_of_size(b"C", "<B", bytes)
_of_size(b"B", "<I", bytes)
_of_size(b"\x8e", "<Q", bytes)
_of_size(b"\x96", "<Q", bytearray)
_in_a_line(b"I", _whole_in_words)
_in_a_line(b"L", _whole_in_words)
_in_a_line(b"F", float)
_in_a_line(b"S", _quoted)
_in_a_line(b"V", lambda line: str(line, "raw-unicode-escape"))


@_operation(b"\x80")
def _protocol(machine: Machine) -> None:
    version = machine.source.take(1)[0]
    if version > 5:
        raise BrokenFileError(f"protocol {version}, of which there are 0 to 5")


@_operation(b"\x95")
def _frame(machine: Machine) -> None:
    machine.source.take(8)  # how much may be read ahead; each operation says itself what it needs


@_operation(b"(")
def _mark(machine: Machine) -> None:
    if len(machine.marks) >= DEEPEST:
        raise BrokenFileError(f"containers nested more than {DEEPEST:,} deep")
    machine.marks.append(len(machine.stack))

    _push_curve(machine)


# The benchmarks are, for the most part, values by epoch, or by a name that was read before.
_BY_EPOCH = re.compile(rb"(?:K.G.{8}){4,}", re.DOTALL)
_BY_NAME = re.compile(rb"(?:j.{4}G.{8}){4,}", re.DOTALL)
_POINTS = struct.Struct(">xBxd")
_INDICES, _VALUES = struct.Struct("<xI9x"), struct.Struct(">6xd")


def _push_curve(machine: Machine) -> None:
    """Push a run of such values at once, in a tenth of the time."""
    push = machine.stack.extend
    run = machine.source.take_match(_BY_EPOCH)
    push(chain.from_iterable(_POINTS.iter_unpack(run)))
    run = machine.source.take_match(_BY_NAME)
    names = (machine.memo[index] for (index,) in _INDICES.iter_unpack(run))
    values = (value for (value,) in _VALUES.iter_unpack(run))
    push(chain.from_iterable(zip(names, values, strict=True)))


@_operation(b"0")
def _pop(machine: Machine) -> None:
    stack, marks = machine.stack, machine.marks
    if marks and marks[-1] == len(stack):
        marks.pop()
    else:
        stack.pop()


@_operation(b"1")
def _pop_mark(machine: Machine) -> None:
    machine.pop_mark()


@_operation(b"2")
def _duplicate(machine: Machine) -> None:
    machine.stack.append(machine.stack[-1])


@_operation(b"l")
def _list(machine: Machine) -> None:
    machine.stack.append(machine.pop_mark())


@_operation(b"t")
def _tuple(machine: Machine) -> None:
    machine.stack.append(tuple(machine.pop_mark()))


@_operation(b"\x85")
def _tuple_of_one(machine: Machine) -> None:
    machine.stack[-1] = (machine.stack[-1],)


@_operation(b"\x86")
def _tuple_of_two(machine: Machine) -> None:
    machine.stack[-2:] = [(machine.stack[-2], machine.stack[-1])]


@_operation(b"\x87")
def _tuple_of_three(machine: Machine) -> None:
    machine.stack[-3:] = [(machine.stack[-3], machine.stack[-2], machine.stack[-1])]


@_operation(b"\x91")
def _frozen_set(machine: Machine) -> None:
    items = machine.pop_mark()
    machine.check_keys(items)
    machine.stack.append(frozenset(items))


@_operation(b"d")
def _dict(machine: Machine) -> None:
    items, found = machine.pop_mark(), dict[Any, Any]()
    _set(machine, found, items)
    machine.stack.append(found)


@_operation(b"a")
def _append(machine: Machine) -> None:
    value = machine.stack.pop()
    _top(machine, list).append(value)


@_operation(b"e")
def _extend(machine: Machine) -> None:
    items = machine.pop_mark()
    _top(machine, list).extend(items)


@_operation(b"s")
def _set_item(machine: Machine) -> None:
    items = machine.stack[-2:]
    del machine.stack[-2:]
    _set(machine, _top(machine, dict, OrderedDict), items)


@_operation(b"u")
def _set_items(machine: Machine) -> None:
    items = machine.pop_mark()
    _set(machine, _top(machine, dict, OrderedDict), items)


@_operation(b"\x90")
def _add_items(machine: Machine) -> None:
    items = machine.pop_mark()
    machine.check_keys(items)
    _top(machine, set).update(items)


def _top(machine: Machine, *kinds: type) -> Any:
    value = machine.stack[-1]
    if type(value) not in kinds:
        raise BrokenFileError(f"a {type(value).__name__} that is to be filled")
    return value


def _set(machine: Machine, target: dict[Any, Any], items: list[Any]) -> None:
    keys = items[::2]
    machine.check_keys(keys)
    target.update(zip(keys, items[1::2], strict=True))


def _put(code: bytes, index: Callable[[Machine], int]) -> None:
    def keep(machine: Machine) -> None:
        machine.memo[index(machine)] = machine.stack[-1]

    _operation(code)(keep)


def _get(code: bytes, index: Callable[[Machine], int]) -> None:
    def push(machine: Machine) -> None:
        machine.stack.append(machine.memo[index(machine)])

    _operation(code)(push)


def _long_index(machine: Machine) -> int:
    return int.from_bytes(machine.source.take(4), "little")


# A dict, and no list: an index that was never reached takes no memory.
_put(b"\x94", lambda machine: len(machine.memo))
for _code, _function in ((b"pqr", _put), (b"ghj", _get)):
    _function(_code[:1], lambda machine: int(_whole_in_words(machine.source.line())))
    _function(_code[1:2], lambda machine: machine.source.take(1)[0])
    _function(_code[2:], _long_index)


@_operation(b"c")
def _global(machine: Machine) -> None:
    module, name = _text(machine.source.line()), _text(machine.source.line())
    machine.stack.append(_looked_up(machine, module, name))


@_operation(b"\x93")
def _global_of_stack(machine: Machine) -> None:
    name, module = machine.stack.pop(), machine.stack.pop()
    if type(name) is not str or type(module) is not str:
        raise BrokenFileError("a name that is no text")
    machine.stack.append(_looked_up(machine, module, name))


def _looked_up(machine: Machine, module: str, name: str) -> Named:
    dotted = f"{module}.{name}"
    make = machine.names.get(dotted)
    if make is None:
        raise ForeignClassError(dotted)
    return Named(dotted, make)


@_operation(b"R", b"\x81")
def _make(machine: Machine) -> None:
    arguments, function = machine.stack.pop(), machine.stack.pop()
    if type(function) is not Named or type(arguments) is not tuple:
        raise BrokenFileError(f"a call of a {type(function).__name__}")
    machine.stack.append(function.make(machine, arguments))


@_operation(b"b")
def _build(machine: Machine) -> None:
    state, target = machine.stack.pop(), machine.stack[-1]
    if isinstance(target, numbers.DType):
        target.set_state(state)
        return
    if machine.fresh.pop(id(target), None) is not target:
        raise BrokenFileError(f"a state for a {type(target).__name__}")
    if isinstance(target, Record):
        if type(state) is not dict or not all(type(name) is str for name in state):
            raise BrokenFileError(f"a state that is a {type(state).__name__}")
        target.attributes.update(state)
        return
    machine.spend(numbers.size_of(state))
    numbers.fill(target, state)


@_operation(b"Q")
def _persistent(machine: Machine) -> None:
    if machine.persistent is None:
        raise BrokenFileError("a persistent id, of which there are none in plain data")
    machine.stack.append(machine.persistent(machine.stack.pop()))
