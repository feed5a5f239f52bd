"""Values that nobody should pass, and what becomes of them: each as a maker of fresh ones."""

from __future__ import annotations

import itertools
import random
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import numpy as np
import pandas as pd
import torch


class CallerError(Exception):
    """What a callable of the caller's own raises: it is theirs, so it goes through as it is."""


class EvilError(Exception):
    """What a value of no known kind raises when it is looked at: no door lets it through."""


class EvilLen:
    def __len__(self):
        raise EvilError("no length")

    def __iter__(self):
        return iter(())


class EvilArray:
    def __array__(self, *args, **kwargs):
        raise EvilError("no array")


class EvilIter:
    def __iter__(self):
        raise EvilError("no items")


class EvilText:
    def __repr__(self):
        raise EvilError("no text")

    __str__ = __repr__


class EvilEquality:
    def __eq__(self, other):
        raise EvilError("no equality")

    def __hash__(self):
        raise EvilError("no hash")


class EvilNumber:
    def __float__(self):
        raise EvilError("no number")

    __index__ = __int__ = __bool__ = __lt__ = __gt__ = __le__ = __ge__ = __float__


class EvilAttributes:
    def __getattr__(self, name):
        raise EvilError("no attribute")


def _raise(*args, **kwargs):
    raise CallerError("by the caller's own function")


def _to_none(*args, **kwargs):
    return None


def _raising():
    yield 1
    raise EvilError("no more items")


def _deep():
    value = []
    for _ in range(5000):
        value = [value]
    return value


def _looped():
    value = []
    value.append(value)
    return value


MAKERS = {
    "None": lambda: None,
    "True": lambda: True,
    "False": lambda: False,
    "nan": lambda: float("nan"),
    "inf": lambda: float("inf"),
    "-inf": lambda: float("-inf"),
    "-1": lambda: -1,
    "0": lambda: 0,
    "1": lambda: 1,
    "0.9": lambda: 0.9,
    "1.5": lambda: 1.5,
    "1.0": lambda: 1.0,
    "2**31": lambda: 2**31,
    "2**63": lambda: 2**63,
    "10**30": lambda: 10**30,
    "-10**30": lambda: -(10**30),
    "10**5000": lambda: 10**5000,
    "1e300": lambda: 1e300,
    "1j": lambda: 1j,
    "Decimal": lambda: Decimal("0.5"),
    "Fraction": lambda: Fraction(1, 3),
    "empty text": lambda: "",
    "a": lambda: "a",
    "number in text": lambda: "3",
    "surrogate": lambda: "\ud800",
    "zero byte": lambda: "a\0b",
    "long text": lambda: "x" * 100_000,
    "dots": lambda: "../../..",
    "bytes": lambda: b"abc",
    "no bytes": lambda: b"",
    "path": lambda: Path("nowhere/at/all"),
    "empty list": list,
    "empty tuple": tuple,
    "empty dict": dict,
    "empty set": set,
    "nested list": lambda: [[]],
    "ragged list": lambda: [[1], [2, 3]],
    "list of None": lambda: [None],
    "list of texts": lambda: ["a", "b"],
    "list of numbers": lambda: [1, 2],
    "list of pairs": lambda: [(0, 1)],
    "list of nan": lambda: [float("nan")],
    "deep list": _deep,
    "looped list": _looped,
    "long list": lambda: [0] * 200_000,
    "dict": lambda: {"a": 1},
    "dict of numbers": lambda: {0: None, 1.5: []},
    "set": lambda: {1, 2},
    "range": lambda: range(3),
    "generator": lambda: (i for i in range(2)),
    "raising generator": _raising,
    "object": object,
    "type": lambda: int,
    "raising function": lambda: _raise,
    "function to None": lambda: _to_none,
    "module": lambda: itertools,
    "array of objects": lambda: np.array([object(), None], dtype=object),
    "array of texts": lambda: np.array(["a", "b"]),
    "array of nothing": lambda: np.zeros(0),
    "array (0, 2)": lambda: np.zeros((0, 2)),
    "array of nan": lambda: np.full((2, 2), np.nan),
    "array (2,)": lambda: np.array([0.5, 0.5]),
    "array (2, 2)": lambda: np.array([[0, 1], [1, 0]]),
    "array of truths": lambda: np.ones((2, 2), dtype=bool),
    "array (3, 1, 2)": lambda: np.zeros((3, 1, 2)),
    "array of complex": lambda: np.full((2, 2), 1j),
    "array of uint64": lambda: np.array([2**64 - 1], dtype=np.uint64),
    "array of dates": lambda: np.array(["2020-01-01"], dtype="datetime64[D]"),
    "scalar array": lambda: np.array(3),
    "np.int64": lambda: np.int64(3),
    "np.float32": lambda: np.float32("nan"),
    "np.bool_": lambda: np.bool_(True),
    "date": lambda: np.datetime64("2020-01-01"),
    "frame": pd.DataFrame,
    "series": lambda: pd.Series(["a", None]),
    "tensor": lambda: torch.tensor(1.5),
    "tensor (2, 2)": lambda: torch.zeros(2, 2),
    "tensor of complex": lambda: torch.zeros(2, 2, dtype=torch.complex64),
    "meta tensor": lambda: torch.zeros(2, device="meta"),
    "sparse tensor": lambda: torch.zeros(2, 2).to_sparse(),
    "module of torch": torch.nn.ReLU,
    "evil length": EvilLen,
    "evil array": EvilArray,
    "evil iterator": EvilIter,
    "evil text": EvilText,
    "evil equality": EvilEquality,
    "evil number": EvilNumber,
    "evil attributes": EvilAttributes,
}  # fmt: skip


def hostile(rng: random.Random):
    """A name and a fresh value out of the list."""
    name = rng.choice(list(MAKERS))
    return name, MAKERS[name]()


def spoiled(value, rng: random.Random):
    """A name and a valid value with something wrong in it."""
    if isinstance(value, bool) or value is None:
        return hostile(rng)
    if isinstance(value, int | float | np.number):
        return _one(rng, {
            "negative": lambda: -value - 1,
            "half": lambda: value + 0.5,
            "text": lambda: str(value),
            "list": lambda: [value],
            "array": lambda: np.array([value, value]),
            "huge": lambda: value + 10**12,
            "nan": lambda: np.nan,
        })  # fmt: skip
    if isinstance(value, str):
        return _one(rng, {
            "longer": lambda: value + "x",
            "upper": value.upper,
            "list": lambda: [value],
            "bytes": value.encode,
            "split": lambda: tuple(value),
            "empty": lambda: "",
        })  # fmt: skip
    if isinstance(value, list | tuple):
        return _spoiled_items(value, rng)
    if isinstance(value, dict):
        return _spoiled_mapping(value, rng)
    if isinstance(value, np.ndarray):
        return _spoiled_array(value, rng)
    if isinstance(value, pd.DataFrame):
        return _spoiled_frame(value, rng)
    if isinstance(value, torch.Tensor):
        return _one(rng, {
            "complex": lambda: value.to(torch.complex64),
            "empty": lambda: value[:0],
            "nan": lambda: torch.full_like(value, float("nan"), dtype=torch.float32),
            "wrong shape": lambda: value[..., None],
            "transposed": lambda: value.T if value.dim() == 2 else value.reshape(-1),
            "scalar": lambda: value.sum(),
            "list": lambda: value.tolist(),
            "integers": value.long,
            "meta": lambda: value.to("meta"),
        })  # fmt: skip
    return hostile(rng)


def _one(rng, makers):
    name = rng.choice(list(makers))
    return f"valid but {name}", makers[name]()


def _spoiled_items(value, rng):
    kind = type(value) if type(value) in (list, tuple) else list
    choice = rng.randrange(7)
    items = list(value)
    if choice == 0 and items:
        i = rng.randrange(len(items))
        name, items[i] = spoiled(items[i], rng)
        return f"[{i}] {name}", kind(items)
    if choice <= 2 and items:
        i = rng.randrange(len(items))
        name, items[i] = hostile(rng)
        return f"[{i}] = {name}", kind(items)
    if choice == 3:
        return "one less", kind(items[1:])
    if choice == 4:
        return "twice", kind(items + items)
    if choice == 5:
        return "nested", kind([kind(items)])
    name, item = hostile(rng)
    return f"and {name}", kind([*items, item])


def _spoiled_mapping(value, rng):
    items = dict(value)
    if not items or rng.random() < 0.2:
        key, (name, item) = rng.choice(["a", 0, None, 1.5]), hostile(rng)
        return f"with {key!r}: {name}", {**items, key: item}
    key = rng.choice(list(items))
    if rng.random() < 0.3:
        del items[key]
        return f"without {key!r}", items
    name, items[key] = hostile(rng) if rng.random() < 0.5 else spoiled(items[key], rng)
    return f"{key!r}: {name}", items


def _spoiled_array(value, rng):
    return _one(rng, {
        "objects": lambda: value.astype(object),
        "texts": lambda: value.astype(str),
        "halves": lambda: value + 0.5,
        "complex": lambda: value.astype(complex),
        "nan": lambda: np.full(value.shape, np.nan),
        "inf": lambda: np.full(value.shape, np.inf),
        "negative": lambda: -value.astype(float) - 1,
        "longer": lambda: np.concatenate([value, value]) if value.ndim else value,
        "shorter": lambda: value[1:] if value.ndim else value,
        "transposed": lambda: value.T.copy(),
        "deeper": lambda: value[None],
        "flat": lambda: value.reshape(-1),
        "truths": lambda: value.astype(bool),
        "float16": lambda: value.astype(np.float16),
        "read-only": lambda: np.broadcast_to(value, value.shape),
    })  # fmt: skip


def _spoiled_frame(value, rng):
    frame = value.copy()
    column = rng.choice(list(frame.columns)) if len(frame.columns) else None
    choice = rng.randrange(6)
    if choice == 0 or column is None:
        return "without rows", frame.iloc[:0]
    if choice == 1:
        return f"without {column!r}", frame.drop(columns=column)
    if choice == 2:
        return "twice the rows", pd.concat([frame, frame])
    if choice == 3:
        return f"twice the column {column!r}", pd.concat([frame, frame[[column]]], axis=1)
    name, item = hostile(rng)
    cells = [item if i == 0 or choice == 4 else old for i, old in enumerate(frame[column])]
    series = pd.Series([None] * len(cells), dtype=object, index=frame.index)
    for i, cell in enumerate(cells):
        series.iat[i] = cell
    return f"{column!r} = {name}", frame.assign(**{str(column): series})
