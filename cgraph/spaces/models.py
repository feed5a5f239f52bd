"""A space out of a dictionary of models."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, final

from cgraph import checks
from cgraph.errors import ArgumentError
from cgraph.spaces.capture import Arguments
from cgraph.spaces.traced import TracedSpace

if TYPE_CHECKING:
    import torch
    from torch import nn


@final
class ModelsSpace(TracedSpace):
    """Models under their names; made by `from_models`."""

    def __init__(
        self,
        factories: Mapping[str, Callable[[], nn.Module]],
        input_shape: tuple[int, ...],
        example: Arguments | None = None,
        *,
        name: str,
        summary: str,
        source: str,
    ) -> None:
        self.name, self.summary, self.source = name, summary, source
        self.input_shapes = {"full": input_shape}
        self.example = example
        self._factories = dict(factories)

    def architectures(self) -> tuple[str, ...]:
        """Names of the models, in the order in which they were given."""
        return tuple(self._factories)

    def build(self, arch: str, skeleton: str) -> nn.Module:  # noqa: ARG002
        """A new model of that name."""
        model = self._factories[arch]()
        from torch import nn

        if not isinstance(model, nn.Module):
            raise ArgumentError(
                f"models[{arch!r}]", "make an nn.Module when called", type(model).__name__
            )
        return model


def from_models(
    models: Mapping[str, Callable[[], nn.Module]],
    inputs: Sequence[int] | torch.Tensor | Sequence[torch.Tensor] | Mapping[str, torch.Tensor],
    *,
    name: str = "models",
    summary: str = "models of one's own",
    source: str = "given by name",
) -> TracedSpace:
    """A search space out of named models, ready for everything that the line does.

    Parameters
    ----------
    models : mapping of str to callable
        What makes each model: called without arguments, it gives a new module, freshly drawn.
    inputs : tuple of int, Tensor, tuple of Tensor, or mapping of str to Tensor
        The shape of one input of floating-point numbers, without the batch; or a batch of inputs
        of any dtype, several of them, or several by the names of the arguments. Only shapes and
        dtypes are taken, for a batch of one.
    name, summary, source : str
        What the space is called, what it holds, and whose it is.

    Returns
    -------
    TracedSpace
        Architectures are the names, in the order given. Evaluating it with several workers sends
        the factories to them.

    Raises
    ------
    ArgumentError
        If there is no model, a name is not a string, a factory cannot be called (a module is
        none: its weights could not be drawn anew), or the shape is none.

    Examples
    --------
    >>> from functools import partial
    >>> from torch import nn
    >>> space = from_models({"narrow": partial(nn.Linear, 4, 2), "wide": partial(nn.Linear, 4, 64)},
    ...                     inputs=(4,))
    >>> space
    ModelsSpace('models', 2 architectures)
    >>> space.sizes()["n_parameters"].tolist()
    [10, 320]
    """
    if not isinstance(models, Mapping) or not models:
        raise ArgumentError(
            "models", "map a name to what makes the model, one at least", _described(models)
        )
    for key, factory in models.items():
        if not isinstance(key, str):
            raise ArgumentError("models", "have strings as names", repr(key))
        if not callable(factory) or _is_module(factory):
            raise ArgumentError(
                f"models[{key!r}]",
                "be a callable that makes the model",
                type(factory).__name__,
                "give its class, or lambda: Net(...), so that weights can be drawn anew",
            )
    for field, value in (("name", name), ("summary", summary), ("source", source)):
        checks.text(field, value)
    shape, example = _inputs(inputs)
    return ModelsSpace(models, shape, example, name=name, summary=summary, source=source)


def _inputs(inputs: Any) -> tuple[tuple[int, ...], Arguments | None]:
    """Shape of the first input, and the example where it is more than a shape."""
    import torch

    several = isinstance(inputs, list | tuple | Mapping) and len(inputs) > 0
    keywords = dict(inputs) if several and isinstance(inputs, Mapping) else {}
    given = inputs if several and not keywords else (inputs,)
    tensors = list(keywords.values()) or list(given)
    if not all(isinstance(tensor, torch.Tensor) for tensor in tensors):
        return _shape(inputs), None
    if any(tensor.ndim == 0 for tensor in tensors):
        raise ArgumentError("inputs", "be a batch of inputs", "a single number")
    # Of the examples only shapes and dtypes are kept: a batch may be large.
    positional = () if keywords else tuple(tensor[:1].to("meta") for tensor in given)
    named = {key: tensor[:1].to("meta") for key, tensor in keywords.items()}
    return tuple(tensors[0].shape[1:]), (positional, named)


def _shape(inputs: Any) -> tuple[int, ...]:
    try:
        return checks.sizes("inputs", inputs)
    except ArgumentError as error:
        must = "be the shape of one input, such as (3, 32, 32), or a batch"
        raise ArgumentError("inputs", must, checks.came(inputs), str(error)) from error


def _is_module(value: Any) -> bool:
    from torch import nn

    return isinstance(value, nn.Module)


def _described(value: Any) -> str:
    return "none" if isinstance(value, Mapping) else type(value).__name__
