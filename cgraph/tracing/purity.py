"""Whether what modules do follows from their attributes and arguments, by their code.

The forward of a module, and every function and method that it can reach by a name, is read
instruction by instruction. What it may see beside its arguments are modules of Python that are
known to be without state, functions that are read in their turn, and plain values, which are
handed out so that a change of one is noticed. Anything else may change behind its back, and the
module is taken to be one whose calls cannot be told alike.
"""

from __future__ import annotations

import builtins
import dis
import marshal
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache, partial
from types import BuiltinFunctionType, CodeType, FunctionType, MethodDescriptorType, ModuleType
from typing import Any, NamedTuple

import torch
from torch import nn


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Packages whose functions give the same for the same arguments, but for the names below.
TRUSTED = frozenset(("torch", "math", "operator", "itertools", "typing", "collections", "numbers"))

# Names in them, and of Python, by which a program sees or changes more than its arguments.
FORBIDDEN = _words(
    "seed manual_seed initial_seed get_rng_state set_rng_state default_generator Generator "
    "fork_rng backends cuda mps xpu accelerator compile compiler distributed multiprocessing "
    "hub load save get_num_threads set_num_threads set_default_dtype set_default_device "
    "get_default_device is_inference_mode_enabled are_deterministic_algorithms_enabled "
    "use_deterministic_algorithms library ops utils overrides _dynamo globals locals vars "
    "eval exec open input __import__ id hash print breakpoint compile __dict__ __globals__ "
    "__code__ __closure__ __defaults__ _modules _parameters _buffers register_buffer "
    "register_parameter register_module add_module register_forward_hook "
    "register_forward_pre_hook __setattr__ __delattr__ setattr delattr requires_grad_ "
    "load_state_dict data grad"
)

# By these a program reaches attributes whose names are not written in it.
_INDIRECT = frozenset(("getattr", "hasattr", "attrgetter", "methodcaller", "dir", "getmembers"))

_FORBIDDEN_INSTRUCTIONS = frozenset(
    ("STORE_GLOBAL", "DELETE_GLOBAL", "STORE_ATTR", "DELETE_ATTR", "STORE_DEREF", "DELETE_DEREF",
     "IMPORT_NAME", "IMPORT_FROM", "LOAD_BUILD_CLASS")
)  # fmt: skip

# Methods that do not run while a module does.
_NOT_RUN = frozenset(
    ("__init__", "__new__", "__init_subclass__", "__repr__", "__str__", "__module__", "__doc__",
     "__annotations__", "__qualname__", "__dict__", "__weakref__", "__constants__", "__getstate__",
     "__setstate__", "__reduce__", "__del__", "__abstractmethods__", "__parameters__",
     "__orig_bases__", "__static_attributes__", "__firstlineno__", "__slots__", "__match_args__")
)  # fmt: skip

_METHODS_OF_OBJECTS = frozenset(dir(object))

Read = Callable[[], Any]


class Impure(Exception):  # noqa: N818 - a finding, not an error
    """Code may see or change more than its arguments."""


class _Seen(NamedTuple):
    """What a piece of code refers to."""

    attributes: frozenset[str]
    chains: tuple[tuple[str, ...], ...]  # a global name, and the attributes taken of it in a row
    free: frozenset[str]
    is_indirect: bool


class Reading(NamedTuple):
    """What was found of some classes.

    Parameters
    ----------
    reads : tuple of callable or None
        Each gives a plain value that modules of them see beside what is theirs; None where
        their calls cannot be told alike.
    methods : tuple of (mapping, str, object)
        The attributes of classes that were read: where they stand, and what they were.
    """

    reads: tuple[Read, ...] | None
    methods: tuple[tuple[Mapping[str, Any], str, Any], ...]

    def is_current(self) -> bool:
        """Whether no other attribute has come in the place of one."""
        return all(space.get(name) is value for space, name, value in self.methods)


def reading_of(kinds: frozenset[type[nn.Module]]) -> Reading:
    """What modules of some classes see beside what is theirs, by their code.

    Parameters
    ----------
    kinds : frozenset of type
        The classes of a module and of all modules in it.

    Returns
    -------
    Reading
        Without reads for most.
    """
    reading = _Reading(kinds)
    try:
        reads: tuple[Read, ...] | None = tuple(reading.run())
    except Impure:
        reads = None
    return Reading(reads, tuple(reading.methods))


def is_trusted(name: object) -> bool:
    """Whether what is of a module of Python with this name is known to be without state."""
    return isinstance(name, str) and name.partition(".")[0] in TRUSTED


def reads_of_function(function: FunctionType) -> tuple[Read, ...] | None:
    """What a function that is an attribute of a module sees; None where it cannot be told."""
    reading = _Reading(frozenset())
    try:
        reading.add_function(function)
        return tuple(reading.run())
    except Impure:
        return None


class _Reading:
    """The code that can be reached, as it is found."""

    def __init__(self, kinds: Iterable[type[nn.Module]]) -> None:
        self.owners = [
            owner
            for owner in dict.fromkeys(owner for kind in kinds for owner in kind.__mro__)
            if not is_trusted(owner.__module__) and owner is not object
        ]
        self.pending: list[FunctionType] = []
        self.done: set[CodeType] = set()
        self.names: set[str] = set()
        self.reads: dict[Any, Read] = {}
        self.methods: list[tuple[Mapping[str, Any], str, Any]] = []

    def run(self) -> Iterator[Read]:
        """Read all of it; gives the plain values that it sees."""
        self._add_name("forward")
        for owner in self.owners:
            for name in vars(owner):
                if name.startswith("__") and name not in _NOT_RUN:
                    self._add_name(name)  # it runs without being named
        while self.pending:
            self._read(self.pending.pop())
        return iter(self.reads.values())

    def add_function(self, function: FunctionType) -> None:
        """Have a function read."""
        if is_trusted(function.__module__):
            if function.__name__ in FORBIDDEN:
                raise Impure
            return
        if function.__code__ not in self.done:
            self.done.add(function.__code__)
            self.pending.append(function)

    def _read(self, function: FunctionType) -> None:
        seen = _seen(function.__code__)
        for value in (*(function.__defaults__ or ()), *(function.__kwdefaults__ or {}).values()):
            self._see(value, None, None)
        for chain in seen.chains:
            self._follow(function, chain)
        cells = dict(zip(function.__code__.co_freevars, function.__closure__ or (), strict=True))
        for name in seen.free:
            cell = cells.get(name)
            if cell is None or name == "__class__":
                continue  # of a function that the function itself makes
            try:
                value = cell.cell_contents
            except ValueError:
                raise Impure from None
            self._see(value, (id(cell), name), partial(getattr, cell, "cell_contents"))
        for name in seen.attributes:
            self._add_name(name)
        if seen.is_indirect:
            for owner in self.owners:
                for name in vars(owner):
                    if not name.startswith("__"):
                        self._add_name(name)

    def _add_name(self, name: str) -> None:
        """Have read what an attribute of this name is, of every class in which it is there."""
        if name in self.names:
            return
        self.names.add(name)
        if name in FORBIDDEN:
            raise Impure
        for owner in self.owners:
            if name not in vars(owner) or name in ("__init__", "__doc__", "__class__"):
                continue
            value = vars(owner)[name]
            self.methods.append((vars(owner), name, value))
            if isinstance(value, property):
                value = value.fget
            elif isinstance(value, staticmethod | classmethod):
                value = value.__func__
            if isinstance(value, FunctionType):
                self.add_function(value)
            else:
                self._see(value, (owner, name), partial(vars(owner).get, name))

    def _follow(self, function: FunctionType, chain: tuple[str, ...]) -> None:
        """See what a global name stands for, down to what is no module of Python."""
        first, *rest = chain
        space = function.__globals__
        if first in space:
            value = space[first]
            read: Read = partial(space.get, first)
        elif hasattr(builtins, first):
            if first in FORBIDDEN:
                raise Impure
            return
        else:
            raise Impure  # it is not there yet
        key: tuple[Any, ...] = (id(space), first)
        for name in rest:
            if not isinstance(value, ModuleType):
                break
            if name in FORBIDDEN or name not in vars(value):
                raise Impure
            owner = value
            value = vars(owner)[name]
            read = partial(vars(owner).get, name)
            key = (id(owner), name)
            if is_trusted(owner.__name__) and not isinstance(value, ModuleType):
                return
        self._see(value, key, read)

    def _see(self, value: Any, key: Any, read: Read | None) -> None:
        """Check that a value is none that may change unnoticed."""
        if isinstance(value, FunctionType):
            self.add_function(value)
            if read is not None:
                self.reads[key] = lambda: id(read())  # another may come in its place
        elif isinstance(value, BuiltinFunctionType | MethodDescriptorType):
            owner = getattr(value, "__module__", None) or getattr(
                getattr(value, "__objclass__", None), "__module__", None
            )
            if not (is_trusted(owner) or owner == "builtins") or value.__name__ in FORBIDDEN:
                raise Impure
        elif isinstance(value, type):
            # Its methods may run, and those of what it makes.
            is_known = is_trusted(value.__module__) or value.__module__ == "builtins"
            if not is_known and value not in self.owners:
                raise Impure
        elif isinstance(value, ModuleType):
            if not is_trusted(value.__name__):
                raise Impure
        elif isinstance(value, torch.dtype | torch.device | torch.memory_format):
            pass
        else:
            if not is_constant(value):
                raise Impure
            if read is not None:
                self.reads[key] = read


def is_constant(value: Any) -> bool:
    """Whether a value is plain and cannot be changed in place."""
    if type(value) is tuple or type(value) is frozenset:
        return all(map(is_constant, value))
    return value is None or type(value) in (bool, int, float, complex, str, bytes)


def plain(values: Any) -> bytes | None:
    """The bytes of plain values, equal exactly for equal ones of equal types; None for others."""
    try:
        return marshal.dumps(values, 2)  # a later version notes who else refers to a value
    except ValueError:
        return None


@lru_cache(maxsize=4096)
def _seen(code: CodeType) -> _Seen:
    attributes: set[str] = set()
    chains: list[tuple[str, ...]] = []
    free: set[str] = set()
    chain: list[str] = []
    for instruction in dis.get_instructions(code):
        name, value = instruction.opname, instruction.argval
        if name == "EXTENDED_ARG":
            continue
        if name in _FORBIDDEN_INSTRUCTIONS and not (
            name == "STORE_DEREF" and value in code.co_cellvars
        ):
            raise Impure
        if name in ("LOAD_ATTR", "LOAD_METHOD"):
            attributes.add(value)
            if chain:
                chain.append(value)
            continue
        if chain:
            chains.append(tuple(chain))
            chain = []
        if name in ("LOAD_GLOBAL", "LOAD_NAME"):
            chain = [value]
        elif name in ("LOAD_DEREF", "LOAD_CLASSDEREF", "LOAD_CLOSURE"):
            free.add(value)
    if chain:
        chains.append(tuple(chain))
    inner = [_seen(constant) for constant in code.co_consts if isinstance(constant, CodeType)]
    own = {chain[0] for chain in chains}
    return _Seen(
        frozenset(attributes).union(*(part.attributes for part in inner)) - _METHODS_OF_OBJECTS,
        tuple(dict.fromkeys([*chains, *(c for part in inner for c in part.chains)])),
        frozenset(free).union(*(part.free for part in inner)),
        bool(own & _INDIRECT) or any(part.is_indirect for part in inner),
    )
