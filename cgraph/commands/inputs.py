"""Example inputs that a command line gives by their shapes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from cgraph.errors import ArgumentError

if TYPE_CHECKING:
    import torch
    from torch import Tensor

INPUT_HELP = (
    "Shape of an input, like 1,3,224,224 or 1,128:int64, or mask=1,128:bool for a keyword; once "
    "for each, in order."
)
_MUST = "be a shape like 1,3,224,224 or 1,128:int64"


def example_inputs(
    texts: Sequence[str], dtype: torch.dtype | None = None, *, is_drawn: bool = False
) -> tuple[tuple[Tensor, ...], dict[str, Tensor]]:
    """Positional arguments and keyword arguments of shapes, as in `example_input`.

    Parameters
    ----------
    texts : sequence of str
        The shapes; one that begins with NAME= is a keyword argument.
    dtype : torch.dtype, optional
        For shapes that name none; float32 by default.
    is_drawn : bool, default=False
        Whether floating-point values are drawn from a standard normal instead of being zeros.

    Raises
    ------
    ArgumentError
        If one is not so, or a keyword stands twice.

    Examples
    --------
    >>> args, kwargs = example_inputs(["2,3", "mask=2:bool"])
    >>> [tuple(tensor.shape) for tensor in args], kwargs["mask"].tolist()
    ([(2, 3)], [False, False])
    """
    args: list[Tensor] = []
    kwargs: dict[str, Tensor] = {}
    for text in texts:
        name, equals, shape = text.rpartition("=")
        tensor = example_input(shape, dtype, is_drawn=is_drawn)
        if not equals:
            args.append(tensor)
            continue
        if not name.isidentifier():
            raise ArgumentError("--input", "begin with the name of an argument", repr(text))
        if name in kwargs:
            raise ArgumentError("--input", "give each argument once", f"{name!r} twice")
        kwargs[name] = tensor
    return tuple(args), kwargs


def example_input(text: str, dtype: torch.dtype | None = None, *, is_drawn: bool = False) -> Tensor:
    """Tensor of a shape, with a dtype behind or before a colon.

    Parameters
    ----------
    text : str
        Sizes with commas between them; none for a scalar.
    dtype : torch.dtype, optional
        Where the text names none; float32 by default.
    is_drawn : bool, default=False
        Whether floating-point values are drawn from a standard normal, always the same, instead
        of being zeros.

    Raises
    ------
    ArgumentError
        If the text is not so.

    Examples
    --------
    >>> example_input("1,128:int64").shape
    torch.Size([1, 128])
    """
    import torch

    before, colon, after = text.partition(":")
    sizes, word = (after, before) if dtype_of(before) is not None else (before, after)
    found = dtype_of(word) if colon else dtype or torch.float32
    parts = sizes.split(",") if sizes.strip() else []
    if found is None or not all(part.strip().isdecimal() for part in parts):
        raise ArgumentError("--input", _MUST, repr(text))
    shape = [int(part) for part in parts]
    if is_drawn and found.is_floating_point:
        drawn = torch.randn(shape, generator=torch.Generator().manual_seed(0))
        return drawn.to(found)
    return torch.zeros(shape, dtype=found)


def dtype_of(name: str) -> torch.dtype | None:
    """The dtype of PyTorch that has a name; None where there is none.

    Examples
    --------
    >>> dtype_of("float16"), dtype_of("Tensor")
    (torch.float16, None)
    """
    import torch

    found = getattr(torch, name, None)
    return found if isinstance(found, torch.dtype) else None
