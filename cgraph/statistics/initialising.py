"""Initialisations that protocols ask for, beside the one that a model makes for itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import nn

from cgraph.errors import ArgumentError
from cgraph.registry import Table


@dataclass(frozen=True, slots=True)
class Initialiser:
    """How the weights of a fresh network are drawn.

    Parameters
    ----------
    name : str
        What it is called.
    function : callable
        Draws the weights of a network in place, from torch's default generator.
    summary : str
        What it does, in a line.
    """

    name: str
    function: Callable[[nn.Module], None]
    summary: str


_CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.Linear)


def _as_built(_model: nn.Module) -> None:
    """Keep what the model drew for itself when it was built."""


def _kaiming_fan_out(model: nn.Module) -> None:
    for module in model.modules():
        if isinstance(module, _CONVOLUTIONS):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
            if module.bias is not None:
                nn.init.zeros_(module.bias)
        elif isinstance(module, nn.modules.batchnorm._BatchNorm) and module.affine:
            nn.init.ones_(module.weight)
            nn.init.zeros_(module.bias)


def _normal(model: nn.Module) -> None:
    for module in model.modules():
        if isinstance(module, _CONVOLUTIONS):
            nn.init.normal_(module.weight)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
        elif isinstance(module, nn.modules.batchnorm._BatchNorm | nn.GroupNorm) and module.affine:
            nn.init.ones_(module.weight)
            nn.init.zeros_(module.bias)


INITIALISERS: Table[Initialiser] = Table(
    "initialisation",
    [
        Initialiser("default", _as_built, "what the model draws for itself: PyTorch's default"),
        Initialiser(
            "kaiming-fan-out",
            _kaiming_fan_out,
            "convolution and linear weights normal with variance 2 / fan-out, biases 0, "
            "batch norm 1 and 0",
        ),
        Initialiser(
            "normal",
            _normal,
            "convolution and linear weights standard normal, biases 0, norms 1 and 0",
        ),
    ],
)


def redraw(model: nn.Module) -> None:
    """Draw every parameter of a model again, by `reset_parameters` of its modules.

    Raises
    ------
    ArgumentError
        If a module has parameters of its own and no `reset_parameters`; names it.
    """
    for name, module in model.named_modules():
        if not any(True for _ in module.parameters(recurse=False)):
            continue
        reset = getattr(module, "reset_parameters", None) or getattr(
            module, "_reset_parameters", None
        )
        if reset is None:
            raise ArgumentError(
                "models",
                "be made of modules that can draw their parameters again",
                f"{name or 'the model'!r} ({type(module).__name__}) without reset_parameters()",
                "give a factory that makes the model anew",
            )
        reset()
