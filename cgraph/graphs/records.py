"""Memories and kernels as plain records, and back with every field checked.

A record is what JSON can hold: a dict of texts, whole numbers and lists. Files are made of them,
and what a file gets wrong is said with the place where it stands.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from cgraph.errors import GraphError
from cgraph.graphs.computational import Attribute, Attributes, Kernel, Memory

_NON_FINITE = "float"  # the key of a float that JSON has no number for


class Kind(NamedTuple):
    """What the value of a field has to be.

    Parameters
    ----------
    must : str
        In words, completing "the field must be ...".
    accepts : callable
        Whether a value is so.
    """

    must: str
    accepts: Callable[[Any], bool]


def is_whole(value: object) -> bool:
    """Whether a value is a whole number, 0 or more.

    Examples
    --------
    >>> is_whole(3), is_whole(-1), is_whole(True), is_whole(3.0)
    (True, False, False, False)
    """
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def is_whole_list(value: object) -> bool:
    """Whether a value is a list of whole numbers, 0 or more."""
    return isinstance(value, list) and all(map(is_whole, value))


TEXT = Kind("text", lambda value: isinstance(value, str))
TEXT_OR_NULL = Kind("text or null", lambda value: value is None or isinstance(value, str))
WHOLE = Kind("a whole number, 0 or more", is_whole)
WHOLE_OR_NULL = Kind(
    "a whole number, 0 or more, or null", lambda value: value is None or is_whole(value)
)
WHOLE_LIST = Kind("a list of whole numbers, 0 or more", is_whole_list)
WHOLE_LIST_OR_NULL = Kind(
    "a list of whole numbers, 0 or more, or null",
    lambda value: value is None or is_whole_list(value),
)
OBJECT = Kind("an object", lambda value: isinstance(value, dict))

MEMORY_FIELDS: dict[str, Kind] = {
    "name": TEXT,
    "kind": TEXT,
    "shape": WHOLE_LIST,
    "dtype": TEXT,
    "bytes": WHOLE,
    "scope": TEXT,
    "base": WHOLE_OR_NULL,
    "alias": TEXT_OR_NULL,
}
KERNEL_FIELDS: dict[str, Kind] = {
    "name": TEXT,
    "operation": TEXT,
    "attributes": OBJECT,
    "scope": TEXT,
    "macs": WHOLE,
}


def check_fields(record: Any, fields: Mapping[str, Kind], place: str) -> None:
    """Raise unless a record has exactly these fields, each of its kind.

    Parameters
    ----------
    record : object
        What stands in the file.
    fields : mapping of str to Kind
        What has to stand there.
    place : str
        Where it stands: "memories[3]"; "" for the whole file.

    Raises
    ------
    GraphError
        Names the place and the field.
    """
    if not isinstance(record, dict):
        raise GraphError(place or "the file", "be an object", _quoted(record))
    for name, kind in fields.items():
        where = f"{place}.{name}" if place else name
        if name not in record:
            raise GraphError(where, f"be {kind.must}", "nothing: the field is missing")
        if not kind.accepts(record[name]):
            raise GraphError(where, f"be {kind.must}", _quoted(record[name]))
    for name in record:
        if name not in fields:
            raise GraphError(
                place or "the file", f"have the fields {', '.join(fields)} alone", repr(name)
            )


def memory_record(memory: Memory) -> dict[str, Any]:
    """Fields of a memory; its shape is a list."""
    record = {name: getattr(memory, name) for name in MEMORY_FIELDS}
    record["shape"] = list(memory.shape)
    return record


def memory_from(record: Any, place: str) -> Memory:
    """The memory of a record.

    Parameters
    ----------
    record : object
        As `memory_record` makes it.
    place : str
        Where it stands in its file; for the error.

    Raises
    ------
    GraphError
        If a field is missing, of another kind, or not known.
    """
    check_fields(record, MEMORY_FIELDS, place)
    return Memory(**{**record, "shape": tuple(record["shape"])})


def kernel_record(kernel: Kernel) -> dict[str, Any]:
    """Fields of a kernel; its attributes are an object of plain values."""
    record = {name: getattr(kernel, name) for name in KERNEL_FIELDS}
    record["attributes"] = {name: _plain(value) for name, value in kernel.attributes.items()}
    return record


def kernel_from(record: Any, place: str) -> Kernel:
    """The kernel of a record.

    Parameters
    ----------
    record : object
        As `kernel_record` makes it.
    place : str
        Where it stands in its file; for the error.

    Raises
    ------
    GraphError
        If a field is missing, of another kind, or not known.
    """
    check_fields(record, KERNEL_FIELDS, place)
    attributes = {
        name: _attribute(value, f"{place}.attributes.{name}")
        for name, value in record["attributes"].items()
    }
    return Kernel(**{**record, "attributes": Attributes(attributes)})


def _plain(value: Attribute) -> Any:
    """An attribute as JSON holds it: tuples as lists, what is not finite under its name."""
    if isinstance(value, tuple):
        return list(value)
    if isinstance(value, float) and not math.isfinite(value):
        return {_NON_FINITE: repr(value)}
    return value


def _attribute(value: Any, place: str) -> Attribute:
    if isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, list) and all(
        isinstance(v, int) and not isinstance(v, bool) for v in value
    ):
        return tuple(value)
    if isinstance(value, dict) and list(value) == [_NON_FINITE]:
        text = value[_NON_FINITE]
        if text in ("inf", "-inf", "nan"):
            return float(text)
    raise GraphError(
        place, "be a truth value, a number, text or a list of whole numbers", _quoted(value)
    )


def _quoted(value: object) -> str:
    """A value for a message, cut to a line."""
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
