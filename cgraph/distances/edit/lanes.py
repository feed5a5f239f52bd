"""Eight numbers at a time: what the compiled kernels do to a row of costs.

Written out lane by lane over tuples: everything is read before anything is written, so the
compiler can overlap the lanes, which in a loop over arrays it could not without knowing that
they do not overlap; and there is no branch to guess wrong.
"""

from __future__ import annotations

from typing import Any

from cgraph.distances.edit._inner import inlined

BLOCK = 8


@inlined
def lesser(x: float, y: float) -> float:
    """The smaller of two numbers, neither of them NaN: one instruction, unlike `min`."""
    return x if x < y else y


@inlined
def load(values: Any, row: int, first: int) -> Any:
    """Eight entries of a row of a matrix."""
    v = values
    a, b, c, d = v[row, first], v[row, first + 1], v[row, first + 2], v[row, first + 3]
    e, f, g, h = v[row, first + 4], v[row, first + 5], v[row, first + 6], v[row, first + 7]
    return a, b, c, d, e, f, g, h


@inlined
def store(values: Any, row: int, first: int, x: Any) -> None:
    """Write eight entries of a row of a matrix."""
    values[row, first] = x[0]
    values[row, first + 1] = x[1]
    values[row, first + 2] = x[2]
    values[row, first + 3] = x[3]
    values[row, first + 4] = x[4]
    values[row, first + 5] = x[5]
    values[row, first + 6] = x[6]
    values[row, first + 7] = x[7]


@inlined
def spread(s: float) -> Any:
    """A number in every lane."""
    return s, s, s, s, s, s, s, s


@inlined
def add(x: Any, y: Any) -> Any:
    """Sums."""
    return (
        x[0] + y[0],
        x[1] + y[1],
        x[2] + y[2],
        x[3] + y[3],
        x[4] + y[4],
        x[5] + y[5],
        x[6] + y[6],
        x[7] + y[7],
    )


@inlined
def subtract(x: Any, y: Any) -> Any:
    """Differences."""
    return (
        x[0] - y[0],
        x[1] - y[1],
        x[2] - y[2],
        x[3] - y[3],
        x[4] - y[4],
        x[5] - y[5],
        x[6] - y[6],
        x[7] - y[7],
    )


@inlined
def scale(x: Any, s: float) -> Any:
    """Products with a number."""
    return x[0] * s, x[1] * s, x[2] * s, x[3] * s, x[4] * s, x[5] * s, x[6] * s, x[7] * s


@inlined
def distance(x: Any, y: Any) -> Any:
    """Absolute differences."""
    return (
        abs(x[0] - y[0]),
        abs(x[1] - y[1]),
        abs(x[2] - y[2]),
        abs(x[3] - y[3]),
        abs(x[4] - y[4]),
        abs(x[5] - y[5]),
        abs(x[6] - y[6]),
        abs(x[7] - y[7]),
    )


@inlined
def lesser_of(x: Any, y: Any) -> Any:
    """Minima."""
    return (
        x[0] if x[0] < y[0] else y[0],
        x[1] if x[1] < y[1] else y[1],
        x[2] if x[2] < y[2] else y[2],
        x[3] if x[3] < y[3] else y[3],
        x[4] if x[4] < y[4] else y[4],
        x[5] if x[5] < y[5] else y[5],
        x[6] if x[6] < y[6] else y[6],
        x[7] if x[7] < y[7] else y[7],
    )


@inlined
def where_below(x: Any, limit: float, y: Any, otherwise: float) -> Any:
    """Lanes of y where those of x are below a limit, another number elsewhere."""
    s = otherwise
    return (
        y[0] if x[0] < limit else s,
        y[1] if x[1] < limit else s,
        y[2] if x[2] < limit else s,
        y[3] if x[3] < limit else s,
        y[4] if x[4] < limit else s,
        y[5] if x[5] < limit else s,
        y[6] if x[6] < limit else s,
        y[7] if x[7] < limit else s,
    )


@inlined
def least(x: Any) -> float:
    """The smallest lane, as a tree: in a chain each would wait for the last."""
    a, b = lesser(x[0], x[4]), lesser(x[1], x[5])
    c, d = lesser(x[2], x[6]), lesser(x[3], x[7])
    return lesser(lesser(a, c), lesser(b, d))


@inlined
def total(x: Any) -> float:
    """The sum of the lanes."""
    result: float = ((x[0] + x[4]) + (x[2] + x[6])) + ((x[1] + x[5]) + (x[3] + x[7]))
    return result


@inlined
def first_equal(x: Any, value: float) -> int:
    """The first lane that equals a value, or 8."""
    found = 7 if x[7] == value else 8
    found = 6 if x[6] == value else found
    found = 5 if x[5] == value else found
    found = 4 if x[4] == value else found
    found = 3 if x[3] == value else found
    found = 2 if x[2] == value else found
    found = 1 if x[1] == value else found
    return 0 if x[0] == value else found
