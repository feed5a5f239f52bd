"""The one place where arguments are checked: each function gives the value as it will be used.

What comes is foreign: it may be of any type, and may itself fail when it is looked at. Whatever is
not what the caller's function needs is an `ArgumentError` that names the argument, the need and
what came. Nothing is converted that would lose something: 1.7 is no whole number, True is no
number, and "relu" is one text, not four.
"""

from __future__ import annotations

import math
import operator
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from cgraph.errors import ArgumentError, UnknownNameError, quoted, shown

if TYPE_CHECKING:
    import pandas as pd

Kind = TypeVar("Kind")
Error = type[ArgumentError]
Shape = tuple[int | None, ...]

SEEDS = 2**32
_WORD = 2**63
MOST_WORKERS = 4096
_LONGEST_NAME = 255  # bytes, in the file systems there are
MOST_REPEATS = 1_000_000  # draws, replicates: more take days, and their tables all memory


def came(value: object) -> str:
    """What came, as a message says it: plain values as they are written, others by their type."""
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, bool | int | float | complex | str | bytes | Path):
        return shown(quoted(value))
    if isinstance(value, list | tuple | dict | set) and len(value) <= 20:
        return shown(quoted(value))
    shape = value.shape if isinstance(value, np.ndarray) else None
    kind = type(value).__name__
    return kind if shape is None else f"{kind} of shape {shape} and dtype {value.dtype}"  # type: ignore[attr-defined]


def whole(
    name: str,
    value: object,
    least: int | None = None,
    most: int | None = None,
    *,
    error: Error = ArgumentError,
    hint: str = "",
) -> int:
    """A whole number, in a range where there is one.

    Parameters
    ----------
    name : str
        The argument.
    value : object
        What came.
    least, most : int, optional
        Its range, both ends included.
    error : type, default=ArgumentError
        What is raised.
    hint : str, default=""
        What to do next.

    Examples
    --------
    >>> whole("k", np.int64(3), 1)
    3
    >>> whole("k", 3.0, 1)
    Traceback (most recent call last):
        ...
    cgraph.errors.ArgumentError: k must be a whole number, 1 or more, got 3.0
    """
    must = f"be a whole number{_range(least, most)}"
    try:
        if isinstance(value, bool | np.bool_ | np.ndarray) or not hasattr(type(value), "__index__"):
            raise TypeError
        number = operator.index(value)  # type: ignore[arg-type]
    except Exception as problem:  # `__index__` of a foreign type can raise anything
        raise error(name, must, came(value), hint) from problem
    if (least is not None and number < least) or (most is not None and number > most):
        raise error(name, must, came(number), hint)
    if not -_WORD <= number < _WORD:
        raise error(name, "be a whole number of 64 bits", came(number), hint)
    return number


def seed(name: str, value: object) -> int:
    """The seed of a generator, 0 <= seed < 2^32."""
    return whole(name, value, 0, SEEDS - 1)


def generator(name: str, value: object) -> np.random.Generator:
    """A generator of random numbers, or that of a seed."""
    if isinstance(value, np.random.Generator):
        return value
    return np.random.default_rng(seed(name, value))


def workers(name: str, value: object) -> int:
    """A number of workers; -1 stands for every core."""
    number = whole(name, value, -1, MOST_WORKERS, hint="-1 uses every core")
    if number == 0:
        raise ArgumentError(name, "be a number of workers, or -1 for every core", value)
    return number


def number(
    name: str,
    value: object,
    least: float | None = None,
    most: float | None = None,
    *,
    above: float | None = None,
) -> float:
    """A finite number, in a range where there is one.

    Parameters
    ----------
    name : str
        The argument.
    value : object
        What came.
    least, most : float, optional
        Its range, both ends included.
    above : float, optional
        What it has to be larger than.

    Examples
    --------
    >>> number("scale", 2, above=0)
    2.0
    """
    ends = f" above {above:g}" if above is not None else _range(least, most, ",")
    must = f"be a finite number{ends}"
    try:
        if isinstance(value, bool | np.bool_ | str | bytes | np.ndarray):
            raise TypeError
        if not hasattr(type(value), "__float__") and not isinstance(value, int | float):
            raise TypeError
        found = float(value)  # type: ignore[arg-type]
    except Exception as problem:  # `__float__` of a foreign type can raise anything
        raise ArgumentError(name, must, came(value)) from problem
    inside = (
        math.isfinite(found)
        and (above is None or found > above)
        and (least is None or found >= least)
        and (most is None or found <= most)
    )
    if not inside:
        raise ArgumentError(name, must, came(value))
    return found


def truth(name: str, value: object) -> bool:
    """True or False: 1 and "no" are neither."""
    if not isinstance(value, bool | np.bool_):
        raise ArgumentError(name, "be True or False", came(value))
    return bool(value)


def text(name: str, value: object, must: str = "be text", *, error: Error = ArgumentError) -> str:
    """A string that can be written down: no half of a surrogate pair."""
    if not isinstance(value, str):
        raise error(name, must, came(value))
    if not value.isascii() and any("\ud800" <= c <= "\udfff" for c in value):
        raise error(name, "be text that UTF-8 has", came(value))
    return value


def choice(name: str, value: object, known: Iterable[str]) -> str:
    """One of a few words; an error lists the near ones.

    Examples
    --------
    >>> choice("mode", "train", ("train", "eval"))
    'train'
    """
    words = tuple(known)
    if not isinstance(value, str) or value not in words:
        raise UnknownNameError(name, value, words)
    return value


def items(
    name: str, value: object, must: str = "be a sequence", *, error: Error = ArgumentError
) -> tuple[Any, ...]:
    """What a sequence, an array or a generator holds, in its order.

    A text and a set are none of these: their items are characters, or in no order.
    """
    if isinstance(value, str | bytes | bytearray | set | frozenset):
        raise error(name, must, came(value))
    if isinstance(value, list | tuple):
        return tuple(value)
    try:
        return tuple(value)  # type: ignore[arg-type]
    except Exception as problem:  # what a foreign object gives can raise anything
        raise error(name, must, came(value)) from problem


def texts(
    name: str,
    value: object,
    *,
    n: int | None = None,
    of: str = "",
    different: bool = False,
    error: Error = ArgumentError,
) -> tuple[str, ...]:
    """Strings in order.

    Parameters
    ----------
    name : str
        The argument.
    value : object
        What came: any sequence but a single string.
    n : int, optional
        How many there have to be.
    of : str, default=""
        What each is for, in the plural.
    different : bool, default=False
        Whether none may stand twice.
    error : type, default=ArgumentError
        What is raised.

    Examples
    --------
    >>> texts("labels", ["relu", "add"])
    ('relu', 'add')
    >>> texts("labels", "relu")
    Traceback (most recent call last):
        ...
    cgraph.errors.ArgumentError: labels must be a sequence of texts, got 'relu'
    """
    found = items(name, value, "be a sequence of texts", error=error)
    for i, word in enumerate(found):
        if type(word) is not str or not word.isascii():
            text(f"{name}[{i}]", word, error=error)
    if n is not None and len(found) != n:
        raise error(name, f"be one for each of the {n:,}{f' {of}' if of else ''}", len(found))
    if different and len(set(found)) != len(found):
        seen: set[str] = set()
        twice = next(word for word in found if word in seen or seen.add(word))  # type: ignore[func-returns-value]
        raise error(name, "be different, each once", f"{came(twice)} twice")
    return found


def one_or_more(name: str, value: object, what: str) -> tuple[str, ...]:
    """Names of a family: a single text is one name, a sequence is several, at least one."""
    found = (value,) if isinstance(value, str) else texts(name, value)
    if not found:
        raise ArgumentError(name, f"name at least one {what}", "none")
    return found


def instances(
    name: str,
    value: object,
    kind: type[Kind],
    must: str,
    hint: str = "",
    *,
    error: Error = ArgumentError,
) -> tuple[Kind, ...]:
    """Values of a type, in order."""
    if not isinstance(value, Iterable):
        raise error(name, must, type_of(value), hint)
    found = items(name, value, must, error=error)
    for i, one in enumerate(found):
        if not isinstance(one, kind):
            raise error(name, must, f"{type_of(one)} at {i}", hint)
    return found


def instance(
    name: str,
    value: object,
    kind: type[Kind] | tuple[type[Kind], ...],
    must: str,
    hint: str = "",
    *,
    error: Error = ArgumentError,
) -> Kind:
    """A value of a type; `must` says which in words."""
    if not isinstance(value, kind):
        raise error(name, must, type_of(value), hint)
    return value


def having(name: str, value: object, fields: Iterable[str], must: str, hint: str = "") -> None:
    """Raise where a value lacks a field of what it has to be like."""
    try:
        for field in fields:
            getattr(value, field)
    except Exception as problem:  # foreign attributes can raise anything
        raise ArgumentError(name, must, type_of(value), hint) from problem


def type_of(value: object) -> str:
    """Name of the type of a value; None is called None."""
    return "None" if value is None else type(value).__name__


def function(name: str, value: object) -> Callable[..., Any]:
    """A function, or None where the caller allows it: check that first."""
    if not callable(value):
        raise ArgumentError(name, "be a function", came(value))
    return value


def mapping(name: str, value: object, must: str = "be a mapping") -> dict[Any, Any]:
    """A copy of a mapping."""
    if not isinstance(value, Mapping):
        raise ArgumentError(name, must, type_of(value))
    try:
        return dict(value)
    except Exception as problem:  # a foreign mapping can raise anything
        raise ArgumentError(name, must, type_of(value)) from problem


def path(name: str, value: object, must: str = "be a path") -> Path:
    """A path that a file system can have: text or a `Path`, not empty, no part too long."""
    try:
        if not isinstance(value, str | os.PathLike):
            raise TypeError
        found = os.fspath(value)
        if not isinstance(found, str) or not found or "\0" in found:
            raise ValueError
        if any(len(os.fsencode(part)) > _LONGEST_NAME for part in Path(found).parts):
            raise ValueError
    except Exception as problem:  # `__fspath__` of a foreign type can raise anything
        raise ArgumentError(name, must, came(value)) from problem
    return Path(found)


def integers(
    name: str,
    value: object,
    shape: Shape,
    least: int | None = None,
    most: int | None = None,
    *,
    words: str = "",
    error: Error = ArgumentError,
) -> NDArray[np.int64]:
    """A copy of whole numbers as an array of a shape.

    Parameters
    ----------
    name : str
        The argument.
    value : object
        What came; an empty list is an array without entries of any shape.
    shape : tuple of int or None
        Its shape; None where any length will do.
    least, most : int, optional
        Their range, both ends included.
    words : str, default=""
        What the array has to be, in words, in place of its shape.
    error : type, default=ArgumentError
        What is raised.

    Examples
    --------
    >>> integers("edges", [(0, 1)], (None, 2)).tolist()
    [[0, 1]]
    """
    must = words or f"be whole numbers of shape {_shape_text(shape)}"
    array = _array(name, value, shape, must, error)
    if array.size and array.dtype.kind not in "iu":
        raise error(name, must, _held(array))
    if array.dtype == np.uint64 and array.size and array.max() > np.iinfo(np.int64).max:
        raise error(name, "hold numbers below 2^63", int(array.max()))
    found = array.astype(np.int64)
    _in_range(name, found, f"hold whole numbers{_range(least, most)}", least, most, error)
    return found


def numbers(
    name: str,
    value: object,
    shape: Shape,
    least: float | None = None,
    *,
    above: float | None = None,
    finite: bool = True,
    words: str = "",
    hint: str = "",
    error: Error = ArgumentError,
) -> NDArray[np.float64]:
    """A copy of real numbers as an array of a shape; NaN is no number.

    Parameters
    ----------
    name : str
        The argument.
    value : object
        What came.
    shape : tuple of int or None
        Its shape; None where any length will do.
    least, above : float, optional
        The least that they may be, and what they have to be larger than.
    finite : bool, default=True
        Whether infinity is refused.
    words : str, default=""
        What the array has to be, in words, in place of its shape.
    hint : str, default=""
        What to do next.
    error : type, default=ArgumentError
        What is raised.

    Examples
    --------
    >>> numbers("weights", [1, 2.5], (2,), above=0).tolist()
    [1.0, 2.5]
    """
    must = words or f"be numbers of shape {_shape_text(shape)}"
    array = _array(name, value, shape, must, error, hint)
    if array.size and array.dtype.kind not in "iuf":
        raise error(name, must, _held(array), hint)
    found = array.astype(np.float64)
    bad = ~np.isfinite(found) if finite else np.isnan(found)
    if least is not None:
        bad |= found < least
    if above is not None:
        bad |= found <= above
    if bad.any():
        ends = f" above {above:g}" if above is not None else _range(least, None, ",")
        place = np.argwhere(bad)[0].tolist()
        where = f" at {place[0] if len(place) == 1 else tuple(place)}" if place else ""
        kind = "finite numbers" if finite else "numbers"
        raise error(name, f"hold {kind}{ends}", f"{found[tuple(place)]:g}{where}", hint)
    return found


def truths(name: str, value: object, n: int, of: str) -> NDArray[np.bool_]:
    """Truth values, one for each of n things."""
    must = f"be {n:,} truth values, one for each {of}"
    array = _array(name, value, (n,), must, ArgumentError)
    if array.size and array.dtype != np.bool_:
        raise ArgumentError(name, must, f"shape {array.shape} of {array.dtype}")
    return array.astype(np.bool_)


def sizes(name: str, value: object, most: int = 2**28) -> tuple[int, ...]:
    """A shape: whole numbers, 1 or more, whose product is at most `most`."""
    if isinstance(value, int) and not isinstance(value, bool):
        raise ArgumentError(name, "be a shape, a tuple of whole numbers", came(value))
    found = items(name, value, "be a shape, a tuple of whole numbers")
    shape = tuple(whole(f"{name}[{i}]", one, 1) for i, one in enumerate(found))
    if math.prod(shape) > most:
        raise ArgumentError(name, f"have at most {most:,} entries", came(shape))
    return shape


def table(name: str, value: object, columns: Mapping[str, str], hint: str = "") -> pd.DataFrame:
    """A table with columns of given kinds, each once; others are left as they are.

    Parameters
    ----------
    name : str
        The argument.
    value : object
        What came.
    columns : mapping of str to str
        Kind of each column that is needed: "text"; "number", where NaN or None says that there is
        none; or "" for any.
    hint : str, default=""
        What makes such a table.

    Returns
    -------
    DataFrame
        A copy whose columns of numbers are float64.
    """
    import pandas as pd

    if not isinstance(value, pd.DataFrame):
        raise ArgumentError(name, "be a DataFrame", type_of(value), hint)
    lacking = [column for column in columns if column not in value.columns]
    if lacking:
        need, lack = f"have the columns {', '.join(columns)}", f"none called {', '.join(lacking)}"
        raise ArgumentError(name, need, lack, hint)
    found = value.copy()
    for column, kind in columns.items():
        if isinstance(found[column], pd.DataFrame):
            raise ArgumentError(name, "have each column once", f"{column!r} twice", hint)
        if kind == "number":
            found[column] = _numbers_or_nan(f"column {column!r} of {name}", found[column])
        elif kind == "text":
            for cell in found[column].unique() if _is_plain(found[column]) else found[column]:
                text(f"column {column!r} of {name}", cell, "hold text")
    return found


def _is_plain(column: pd.Series[Any]) -> bool:
    return all(type(cell) is str for cell in column)


def _numbers_or_nan(name: str, column: pd.Series[Any]) -> NDArray[np.float64]:
    if column.dtype.kind in "iuf":
        array = column.to_numpy(dtype=np.float64, na_value=np.nan)
    else:
        cells = [math.nan if _is_missing(cell) else number(name, cell) for cell in column]
        array = np.array(cells, dtype=np.float64)
    if np.isinf(array).any():
        raise ArgumentError(name, "hold finite numbers", "an infinite one")
    return array


def _is_missing(cell: object) -> bool:
    import pandas as pd

    return cell is None or cell is pd.NA or (isinstance(cell, float) and math.isnan(cell))


def _array(
    name: str, value: object, shape: Shape, must: str, error: Error, hint: str = ""
) -> NDArray[Any]:
    if isinstance(value, str | bytes | set | frozenset | Mapping) or callable(value):
        raise error(name, must, came(value), hint)
    try:
        array = np.asarray(value)  # copied by the conversion that follows
    except Exception as problem:  # lists of different lengths, and whatever foreign types raise
        raise error(name, must, came(value), hint) from problem
    if array.shape == (0,) and any(length in (0, None) for length in shape):
        array = np.empty([length or 0 for length in shape], dtype=array.dtype)
    fits = array.ndim == len(shape) and all(
        length in (None, own) for length, own in zip(shape, array.shape, strict=True)
    )
    if not fits:
        raise error(name, must, f"shape {array.shape}", hint)
    return array


def _in_range(
    name: str,
    array: NDArray[np.int64],
    must: str,
    least: int | None,
    most: int | None,
    error: Error,
) -> None:
    bad = np.zeros(array.shape, dtype=bool)
    if least is not None:
        bad |= array < least
    if most is not None:
        bad |= array > most
    if bad.any():
        raise error(name, must, int(array[bad][0]))


def _held(array: NDArray[Any]) -> str:
    """The first entry of an array of a wrong type, and the type."""
    return f"{came(array.flat[0])} in an array of dtype {array.dtype}"


def _shape_text(shape: Sequence[int | None]) -> str:
    inside = ", ".join("n" if length is None else f"{length}" for length in shape)
    return f"({inside},)" if len(shape) == 1 else f"({inside})"


def _range(least: float | None, most: float | None, comma: str = ",") -> str:
    if least is None and most is None:
        return ""
    if most is None:
        return f"{comma} {least:,} or more"
    if least is None:
        return f"{comma} {most:,} or less"
    return f"{comma} from {least:,} to {most:,}"
