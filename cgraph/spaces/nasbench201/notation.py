"""The 15,625 cells of NAS-Bench-201: their strings, their numbers, and the official order.

A cell puts one of five operations on each of six edges. Its *operations* are six numbers below
five, in the order of `EDGES`; its *code* reads them as the digits of a number in base five; its
*index* is its place in the official order, which is a shuffle of the codes by a fixed seed.
"""

from __future__ import annotations

import difflib
import random
from collections.abc import Iterable
from functools import cache

import numpy as np
from numpy.typing import NDArray

from cgraph import checks
from cgraph.errors import ArchitectureError

OPERATIONS = ("none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3")
NONE, SKIP, CONV_1X1, CONV_3X3, AVG_POOL = range(5)
N_NODES = 4
EDGES = tuple((i, j) for j in range(1, N_NODES) for i in range(j))  # (source, target)
N_EDGES = len(EDGES)
N_ARCHITECTURES = len(OPERATIONS) ** N_EDGES

# The seed with which the authors shuffled the space before they numbered it.
_SHUFFLE_SEED = 88

_PATTERN = "|op~0|+|op~0|op~1|+|op~0|op~1|op~2|"


def parse(text: str) -> tuple[int, ...]:
    """Operations of a cell, from its string.

    Parameters
    ----------
    text : str
        ``|op~0|+|op~0|op~1|+|op~0|op~1|op~2|``, each `op` one of `OPERATIONS`.

    Returns
    -------
    tuple of 6 int
        Positions in `OPERATIONS`, in the order of `EDGES`.

    Raises
    ------
    ArchitectureError
        If the string does not read so; says at which character, what came and what may stand
        there.

    Examples
    --------
    >>> parse("|none~0|+|none~0|avg_pool_3x3~1|+|skip_connect~0|none~1|none~2|")
    (0, 0, 4, 1, 0, 0)
    >>> parse("|conv_3x3~0|+|none~0|none~1|+|none~0|none~1|none~2|")
    Traceback (most recent call last):
        ...
    cgraph.errors.ArchitectureError: arch must have one of none, skip_connect, nor_conv_1x1, \
nor_conv_3x3, avg_pool_3x3 at character 1 (edge 0 -> 1), got 'conv_3x3'; did you mean \
'nor_conv_3x3'?
    """
    if not isinstance(text, str):
        raise ArchitectureError("arch", f"be a string {_PATTERN}", checks.came(text))
    found = []
    position = 0
    for source, target in EDGES:
        opening = "|" if target == 1 else "+|" if source == 0 else ""
        position = _expect(text, position, opening, f"before edge {source} -> {target}")
        end = _end_of_operation(text, position)
        found.append(_operation(text[position:end], position, f"edge {source} -> {target}"))
        position = _expect(text, end, f"~{source}|", f"after the operation of {source} -> {target}")
    if position != len(text):
        raise ArchitectureError(
            "arch", f"end at character {position}", repr(text[position:]), f"it reads {_PATTERN}"
        )
    return tuple(found)


def format_operations(operations: Iterable[int]) -> str:
    """String of a cell, from its operations.

    Raises
    ------
    ArchitectureError
        If they are not six positions in `OPERATIONS`.

    Examples
    --------
    >>> format_operations((0, 0, 4, 1, 0, 0))
    '|none~0|+|none~0|avg_pool_3x3~1|+|skip_connect~0|none~1|none~2|'
    """
    numbers = tuple(operations)
    if len(numbers) != N_EDGES or not all(0 <= k < len(OPERATIONS) for k in numbers):
        raise ArchitectureError("operations", "be six numbers, 0 <= k < 5", numbers)
    words = [f"{OPERATIONS[k]}~{i}|" for k, (i, _) in zip(numbers, EDGES, strict=True)]
    return f"|{words[0]}+|{words[1]}{words[2]}+|{words[3]}{words[4]}{words[5]}"


def encode(operations: NDArray[np.integer]) -> NDArray[np.int64]:
    """Codes of cells: operations of shape (..., 6) as digits in base five, the first the highest.

    Examples
    --------
    >>> int(encode(np.array([0, 0, 4, 1, 0, 0])))
    525
    """
    weights = len(OPERATIONS) ** np.arange(N_EDGES - 1, -1, -1)
    return np.asarray(operations.astype(np.int64) @ weights, dtype=np.int64)


@cache
def codes() -> NDArray[np.int64]:
    """Code of each cell in the official order, shape (15625,), read-only.

    The authors list the cells in the order of their codes and shuffle the list by Python's
    `random.shuffle` after `random.seed(88)`.

    Examples
    --------
    >>> codes()[:3].tolist()
    [13931, 11791, 14874]
    """
    order = list(range(N_ARCHITECTURES))
    random.Random(_SHUFFLE_SEED).shuffle(order)
    return _frozen(np.array(order, dtype=np.int64))


@cache
def indices() -> NDArray[np.int64]:
    """Place in the official order of each code, shape (15625,), read-only."""
    inverse = np.empty(N_ARCHITECTURES, dtype=np.int64)
    inverse[codes()] = np.arange(N_ARCHITECTURES)
    return _frozen(inverse)


@cache
def operations_table() -> NDArray[np.int64]:
    """Operations of each cell in the official order, shape (15625, 6), read-only."""
    weights = len(OPERATIONS) ** np.arange(N_EDGES - 1, -1, -1)
    return _frozen(codes()[:, None] // weights % len(OPERATIONS))


@cache
def architectures() -> tuple[str, ...]:
    """String of each cell in the official order.

    Examples
    --------
    >>> architectures()[0]
    '|avg_pool_3x3~0|+|nor_conv_1x1~0|skip_connect~1|+|nor_conv_1x1~0|skip_connect~1|skip_connect~2|'
    """
    return tuple(format_operations(row) for row in operations_table().tolist())


def neighbours(index: int) -> NDArray[np.int64]:
    """Indices of the cells that differ in the operation of one edge, shape (24,).

    By edges, then by operations.

    Examples
    --------
    >>> architectures()[neighbours(1651)[-1]]
    '|none~0|+|none~0|none~1|+|none~0|none~1|avg_pool_3x3~2|'
    """
    near = np.repeat(operations_table()[[index]], N_EDGES * (len(OPERATIONS) - 1), axis=0)
    rows = np.arange(len(near))
    edge, step = np.divmod(rows, len(OPERATIONS) - 1)
    own = near[rows, edge]
    near[rows, edge] = step + (step >= own)  # every operation but its own
    return indices()[encode(near)]


def _end_of_operation(text: str, start: int) -> int:
    marks = [text.find(mark, start) for mark in "~|+"]
    return min((mark for mark in marks if mark >= 0), default=len(text))


def _operation(word: str, position: int, edge: str) -> int:
    if word in OPERATIONS:
        return OPERATIONS.index(word)
    near = difflib.get_close_matches(word, OPERATIONS, n=1, cutoff=0.5)
    raise ArchitectureError(
        "arch",
        f"have one of {', '.join(OPERATIONS)} at character {position} ({edge})",
        repr(word),
        f"did you mean {near[0]!r}?" if near else f"it reads {_PATTERN}",
    )


def _expect(text: str, position: int, literal: str, where: str) -> int:
    """Position behind a literal that has to stand here."""
    end = position + len(literal)
    if text[position:end] != literal:
        came = repr(text[position:end]) if position < len(text) else "the end"
        raise ArchitectureError(
            "arch",
            f"have {literal!r} at character {position} ({where})",
            came,
            f"it reads {_PATTERN}",
        )
    return end


def _frozen(array: NDArray[np.int64]) -> NDArray[np.int64]:
    array.setflags(write=False)
    return array
