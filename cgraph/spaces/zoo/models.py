"""A model of a zoo: what it is called, how it is built, and what it may be given."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cgraph.errors import CGraphError, TraceError

if TYPE_CHECKING:
    import torch
    from torch import nn

    from cgraph.graphs.computational import ComputationalGraph

Arguments = tuple[Sequence["torch.Tensor"], Mapping[str, Any]]
"""Positional and keyword arguments of a model."""


@dataclass(frozen=True, slots=True)
class ZooModel:
    """A model of a library, not yet built.

    Parameters
    ----------
    name : str
        What the library calls it.
    family : str
        What the library files it under.
    build : callable
        Makes the model from its configuration; nothing is downloaded.
    inputs : callable
        From the model to the arguments that it may take, the likeliest first. They are made on
        the device that is the default when they are asked for.
    """

    name: str
    family: str
    build: Callable[[], nn.Module]
    inputs: Callable[[nn.Module], Iterator[Arguments]]


def read_model(model: ZooModel) -> ComputationalGraph:
    """Capture a model without values, on the first of its inputs that it takes.

    Parameters
    ----------
    model : ZooModel
        The model; it is captured in eval mode.

    Raises
    ------
    TraceError
        If it takes none of them; says what went wrong with the first.
    """
    import torch

    from cgraph.tracing.record import trace

    first: Exception | None = None
    with torch.device("meta"):
        network = model.build().eval()
        arguments = list(model.inputs(network))
    for args, kwargs in arguments:
        try:
            return trace(network, *args, **kwargs)
        # Which of the inputs a model takes is found out by giving them; it can raise anything.
        except Exception as error:
            first = first or error
    if first is None:
        raise TraceError("", "no input of it is known")
    if isinstance(first, CGraphError):
        raise first
    raise TraceError("", f"{type(first).__name__}: {first}") from first
