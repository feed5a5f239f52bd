"""The metrics of a training run, from the protocol buffer that the benchmark keeps them in.

Only what the benchmark uses of the wire format is read: varints, doubles and nested messages.
The messages are `ModelMetrics` (1: evaluation data, repeated; 2: trainable parameters; 3: total
time) and `EvaluationData` (1: epoch; 2: training time; 3, 4, 5: accuracy on the training,
validation and test images).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeVar

Value = TypeVar("Value")

_DOUBLE = struct.Struct("<d")
_USUAL = struct.Struct("<" + "Bd" * 5)
_USUAL_KEYS = (9, 17, 25, 33, 41)
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5


class WireError(ValueError):
    """Bytes that are no message."""


@dataclass(frozen=True, slots=True)
class Evaluation:
    """One evaluation of a network during its training; a value that was not kept is 0.

    Parameters
    ----------
    epoch : float
        Epochs trained so far.
    training_seconds : float
        Seconds trained so far.
    train_accuracy, validation_accuracy, test_accuracy : float
        Fractions, each on 10,000 images.
    """

    epoch: float
    training_seconds: float
    train_accuracy: float
    validation_accuracy: float
    test_accuracy: float


@dataclass(frozen=True, slots=True)
class Metrics:
    """What the benchmark keeps of a training run.

    Parameters
    ----------
    evaluations : tuple of Evaluation
        Before training, half-way, and at the end.
    n_parameters : int
        Trainable parameters; 0 where they were not kept.
    total_seconds : float
        Seconds of training and evaluation; 0 where they were not kept.
    """

    evaluations: tuple[Evaluation, ...]
    n_parameters: int
    total_seconds: float


def decode_metrics(data: bytes) -> Metrics:
    """Metrics of the bytes of a `ModelMetrics` message; unknown fields are passed over.

    Raises
    ------
    WireError
        If the bytes are no such message; says at which byte.

    Examples
    --------
    >>> decode_metrics(bytes.fromhex("0a0921000000000000e83f1007"))
    Metrics(evaluations=(Evaluation(epoch=0.0, training_seconds=0.0, train_accuracy=0.0, \
validation_accuracy=0.75, test_accuracy=0.0),), n_parameters=7, total_seconds=0.0)
    """
    evaluations: list[Evaluation] = []
    n_parameters, total_seconds = 0, 0.0
    for number, value in _fields(data, 0, len(data)):
        if number == 1:
            evaluations.append(_evaluation(data, *_expect(value, tuple, number)))
        elif number == 2:
            n_parameters = _expect(value, int, number)
        elif number == 3:
            total_seconds = _expect(value, float, number)
    return Metrics(tuple(evaluations), n_parameters, total_seconds)


def _evaluation(data: bytes, start: int, end: int) -> Evaluation:
    # What the benchmark writes, five doubles in order, is read at once: files have millions.
    if end - start == _USUAL.size:
        entries = _USUAL.unpack_from(data, start)
        if entries[::2] == _USUAL_KEYS:
            return Evaluation(*entries[1::2])
    values = [0.0] * 5
    for number, value in _fields(data, start, end):
        if 1 <= number <= 5:
            values[number - 1] = _expect(value, float, number)
    return Evaluation(*values)


def _fields(
    data: bytes, position: int, end: int
) -> Iterator[tuple[int, int | float | tuple[int, int] | None]]:
    """Numbers and values of the fields of a message: an int, a float, or where bytes stand."""
    while position < end:
        begin = position
        key, position = _varint(data, position, end)
        kind = key & 7
        value: int | float | tuple[int, int] | None
        if kind == _FIXED64:
            following = position + 8
            value = _DOUBLE.unpack_from(data, position)[0] if following <= end else None
        elif kind == _BYTES:
            length, position = _varint(data, position, end)
            following = position + length
            value = (position, following)
        elif kind == _VARINT:
            value, following = _varint(data, position, end)
        elif kind == _FIXED32:
            following, value = position + 4, None
        else:
            raise WireError(f"a field of unknown type {kind} at byte {begin}")
        if following > end:
            raise WireError(f"a field that ends behind its message at byte {begin}")
        yield key >> 3, value
        position = following


def _varint(data: bytes, position: int, end: int) -> tuple[int, int]:
    """A number in base 128, the lowest digits first, and the position behind it."""
    begin, value, shift = position, 0, 0
    while position < end and shift < 64:
        byte = data[position]
        position += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, position
        shift += 7
    raise WireError(f"a number without an end at byte {begin}")


def _expect(value: object, kind: type[Value], number: int) -> Value:
    if not isinstance(value, kind):
        raise WireError(f"another type in field {number}")
    return value
