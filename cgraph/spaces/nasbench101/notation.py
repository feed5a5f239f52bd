"""Cells as strings: ``conv3x3~0|maxpool3x3~0,1|output~1,2``.

Each vertex after the input says what it is and which vertices feed it, in the manner of the
strings of NAS-Bench-201. Every cell has one string, and it holds nothing else.
"""

from __future__ import annotations

import difflib

from cgraph import checks
from cgraph.errors import ArchitectureError
from cgraph.spaces.nasbench101.cells import (
    MAX_VERTICES,
    OPERATIONS,
    OUTPUT,
    Cell,
    edge_bit,
)

_PATTERN = "op~sources|op~sources|output~sources, such as conv3x3~0|maxpool3x3~0,1|output~1,2"


def parse(text: str) -> Cell:
    """Cell of a string.

    Parameters
    ----------
    text : str
        ``op~sources|...|output~sources``: the vertices after the input in order, each `op` one
        of `OPERATIONS`, and the sources numbers of earlier vertices, rising, with commas between.

    Raises
    ------
    ArchitectureError
        If the string does not read so (says at which character), or the cell is not in the space.

    Examples
    --------
    >>> parse("conv3x3~0|maxpool3x3~0,1|output~1,2")
    Cell(operations=(0, 2), edges=55)
    >>> parse("conv3x3~0|maxpool~0,1|output~1,2")
    Traceback (most recent call last):
        ...
    cgraph.errors.ArchitectureError: arch must have one of conv3x3, conv1x1, maxpool3x3, output \
at character 10 (vertex 2), got 'maxpool'; did you mean 'maxpool3x3'?
    """
    if not isinstance(text, str):
        raise ArchitectureError("arch", f"be a string {_PATTERN}", checks.came(text))
    words = text.split("|")
    if len(words) > MAX_VERTICES - 1:
        raise ArchitectureError(
            "arch", f"have at most {MAX_VERTICES} vertices, the input included", len(words) + 1
        )
    position, edges = 0, 0
    operations = []
    for vertex, word in enumerate(words, start=1):
        name, tilde, sources = word.partition("~")
        is_last = vertex == len(words)
        operation = _operation(name, position, vertex, is_last)
        if not is_last:
            operations.append(operation)
        position += len(name)
        if not tilde:
            raise _unexpected("'~'", position, vertex, text)
        position += 1
        edges |= _edges(sources, position, vertex)
        position += len(sources) + 1
    return Cell(tuple(operations), edges)


def format_cell(cell: Cell) -> str:
    """String of a cell.

    Examples
    --------
    >>> format_cell(Cell((0, 2), 55))
    'conv3x3~0|maxpool3x3~0,1|output~1,2'
    """
    names = [OPERATIONS[k] for k in cell.operations] + [OUTPUT]
    return "|".join(
        f"{name}~{','.join(map(str, cell.sources(vertex)))}"
        for vertex, name in enumerate(names, start=1)
    )


def _operation(name: str, position: int, vertex: int, is_last: bool) -> int:
    """Position in `OPERATIONS`; that of "output" is behind them."""
    allowed = (OUTPUT,) if is_last else OPERATIONS
    if name in allowed:
        return OPERATIONS.index(name) if not is_last else len(OPERATIONS)
    known = (*OPERATIONS, OUTPUT)
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    hint = f"it reads {_PATTERN}"
    if name in known:
        hint = f"the last vertex, and no other, is {OUTPUT!r}"
    elif near:
        hint = f"did you mean {near[0]!r}?"
    raise ArchitectureError(
        "arch",
        f"have one of {', '.join(known)} at character {position} (vertex {vertex})",
        repr(name),
        hint,
    )


def _edges(sources: str, position: int, vertex: int) -> int:
    edges, last = 0, -1
    for word in sources.split(","):
        # isdecimal alone would let in digits of other scripts, and a leading zero a second name.
        number = int(word) if word.isascii() and word.isdecimal() and len(word) == 1 else -1
        if not last < number < vertex:
            raise ArchitectureError(
                "arch",
                f"have rising numbers below {vertex} at character {position} "
                f"(sources of vertex {vertex})",
                repr(word),
                f"it reads {_PATTERN}",
            )
        edges |= 1 << edge_bit(number, vertex)
        last = number
        position += len(word) + 1
    return edges


def _unexpected(must: str, position: int, vertex: int, text: str) -> ArchitectureError:
    came = repr(text[position]) if position < len(text) else "the end"
    return ArchitectureError(
        "arch",
        f"have {must} at character {position} (vertex {vertex})",
        came,
        f"it reads {_PATTERN}",
    )
