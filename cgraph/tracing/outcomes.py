"""What pure operator calls on meta tensors give, remembered.

On meta tensors the result of a call is a function of operator, shapes, strides, types and numbers
alone. Networks repeat themselves, and so do the networks of a search space: most calls are looked
up in place of being run.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from typing import Any, NamedTuple

import torch
from torch import Tensor

from cgraph.graphs.computational import Attributes

META = torch.device("meta")
N_OUTCOMES = 8192


class Outcome(NamedTuple):
    """What a call gave.

    Parameters
    ----------
    shapes : tuple of (torch.Size, tuple of int, torch.dtype)
        Shape, strides and type of each result.
    is_tuple : bool
        Whether it returned a tuple.
    attributes : Attributes
        The attributes of the kernel.
    macs : int
        Its multiply-accumulate operations.
    """

    shapes: tuple[tuple[torch.Size, tuple[int, ...], torch.dtype], ...]
    is_tuple: bool
    attributes: Attributes
    macs: int

    def results(self) -> Any:
        """New meta tensors as the call returned them."""
        made = [
            torch.empty_strided(shape, stride, dtype=dtype, device=META)
            for shape, stride, dtype in self.shapes
        ]
        return tuple(made) if self.is_tuple else made[0]


_OUTCOMES: OrderedDict[Hashable, Outcome] = OrderedDict()


def recall(key: Hashable) -> Outcome | None:
    """The outcome of a call with this key; None where it has not been seen."""
    return _OUTCOMES.get(key)


def remember(key: Hashable, result: Any, attributes: Attributes, macs: int) -> None:
    """Keep the outcome of a call whose results have storages of their own.

    Results that are not plain, or do not fill their storage, are not kept; the oldest outcomes go
    when there are many.
    """
    made = result if isinstance(result, tuple) else (result,)
    if not made or not all(_is_plain(tensor) for tensor in made):
        return
    shapes = tuple((t.shape, t.stride(), t.dtype) for t in made)
    _OUTCOMES[key] = Outcome(shapes, isinstance(result, tuple), attributes, macs)
    if len(_OUTCOMES) > N_OUTCOMES:
        _OUTCOMES.popitem(last=False)


def forget() -> None:
    """Empty the memory of outcomes."""
    _OUTCOMES.clear()


def key_of(func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Hashable:
    """What decides the outcome of a pure call on meta tensors; None where it is not clear."""
    parts: list[Hashable] = [func]
    for value in (*args, *kwargs.items()):
        part = _part(value)
        if part is None:
            return None
        parts.append(part)
    return tuple(parts)


def _part(value: Any) -> Hashable:
    if type(value) is Tensor:
        if value.layout is not torch.strided or value.is_conj() or value.is_neg():
            return None
        return (value.shape, value.stride(), value.dtype)
    # 1, 1.0 and True are equal, and not the same argument.
    if value is None or isinstance(value, bool | int | float | str | torch.dtype | torch.device):
        return (type(value), value)
    if isinstance(value, list | tuple):
        parts = tuple([_part(v) for v in value])
        return None if None in parts else parts
    return None


def _is_plain(tensor: Any) -> bool:
    """Whether a result is a strided tensor without gaps that owns its storage."""
    if type(tensor) is not Tensor or tensor.layout is not torch.strided:
        return False
    if tensor.is_conj() or tensor.is_neg() or tensor.storage_offset():
        return False
    reach = sum((n - 1) * s for n, s in zip(tensor.shape, tensor.stride(), strict=True))
    needed = (reach + 1) * tensor.element_size() if tensor.numel() else 0
    return needed == tensor.untyped_storage().nbytes()
