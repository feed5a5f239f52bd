"""What is evaluated: a program, and how to make fresh networks of it.

A candidate comes in one or more *skeletons*: "full" is the network itself; a cell of a search
space also comes "thin" (few channels, one cell a stage) and as a "cell" alone, which some
protocols measure in its place.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import nn

from cgraph import checks
from cgraph.errors import ArgumentError
from cgraph.generators import untouched_generators
from cgraph.statistics.identity import program_of
from cgraph.statistics.initialising import redraw
from cgraph.statistics.nests import Nest

FULL = "full"


@dataclass(frozen=True, slots=True)
class Candidate:
    """A program to evaluate.

    Parameters
    ----------
    name : str
        What it is called.
    program : str
        Digest of its canonical form. Seeds come from it, and candidates that share it share
        their values: they have to build the same networks.
    build : callable
        From the name of a skeleton to a fresh network, its weights drawn by PyTorch's default
        from torch's default generator, which the caller has seeded.
    input_shapes : mapping of str to tuple of int
        The skeletons it comes in, and the shape of one input of each, without the batch. There is
        always "full".
    note : str, default=""
        What one has to know to read any value, such as what a sample is.

    Raises
    ------
    ArgumentError
        If there is no "full".

    Examples
    --------
    >>> Candidate("a", "d41d8", lambda skeleton: nn.Linear(8, 2), {"full": (8,)}).name
    'a'
    """

    name: str
    program: str
    build: Callable[[str], nn.Module]
    input_shapes: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    note: str = ""

    def __post_init__(self) -> None:
        for field_name in ("name", "program", "note"):
            checks.text(field_name, getattr(self, field_name))
        checks.function("build", self.build)
        shapes = checks.mapping("input_shapes", self.input_shapes, "map skeletons to shapes")
        if FULL not in shapes:
            raise ArgumentError("input_shapes", f"have the skeleton {FULL!r}", checks.came(shapes))
        for skeleton, shape in shapes.items():
            checks.sizes(f"input_shapes[{checks.came(skeleton)}]", shape)


def candidates_of(
    models: Any, *, input_shape: tuple[int, ...] | None = None, inputs: Nest = None
) -> list[Candidate]:
    """Candidates of what users have.

    Parameters
    ----------
    models : object
        A `Candidate`, a module, a factory of modules (a callable without arguments); a sequence
        of these, or a mapping from names to these; or an object with a method `candidates()`,
        such as a space. A module is copied and its parameters are drawn again.
    input_shape : tuple of int, optional
        Shape of one input of a model, without the batch.
    inputs : nest of Tensor, optional
        A batch that the models take; gives the shape where there is no `input_shape`.

    Raises
    ------
    ArgumentError
        If something is none of these, a name stands twice, or the shape of a model's input is
        not known.
    """
    if input_shape is not None:
        input_shape = checks.sizes("input_shape", input_shape)
    if callable(getattr(type(models), "candidates", None)):
        return list(models.candidates())
    named = list(_named(models))
    names = [name for name, _ in named]
    twice = sorted({name for name in names if names.count(name) > 1}) if len(named) < 5000 else []
    if twice or len(set(names)) != len(names):
        raise ArgumentError("models", "have a name each", f"{', '.join(twice)} twice")
    return [_candidate(name, model, input_shape, inputs) for name, model in named]


@dataclass(frozen=True, slots=True)
class _FreshCopy:
    """Makes a copy of a module with its parameters drawn again."""

    template: nn.Module

    def __call__(self) -> nn.Module:
        model = copy.deepcopy(self.template)
        redraw(model)
        return model


@dataclass(frozen=True, slots=True)
class _FullOnly:
    """Makes a model in its one skeleton."""

    factory: Callable[[], nn.Module]

    def __call__(self, skeleton: str) -> nn.Module:
        assert skeleton == FULL, skeleton
        return self.factory()


def _named(models: Any) -> Iterable[tuple[str, Any]]:
    must = "be modules, factories of modules, a mapping from names to these, or a space"
    if isinstance(models, Mapping):
        named = checks.mapping("models", models, must)
        return [(checks.text("a name of models", name), model) for name, model in named.items()]
    if isinstance(models, nn.Module | Candidate) or callable(models):
        models = [models]
    if not isinstance(models, Iterable):
        raise ArgumentError("models", must, checks.type_of(models))
    return [
        (m.name if isinstance(m, Candidate) else _own_name(m) or str(i), m)
        for i, m in enumerate(checks.items("models", models, must))
    ]


def _own_name(model: object) -> str:
    name = vars(model).get("name") if isinstance(model, nn.Module) else None
    return name if isinstance(name, str) else ""


def _candidate(
    name: str, model: Any, input_shape: tuple[int, ...] | None, inputs: Nest
) -> Candidate:
    if isinstance(model, Candidate):
        return model
    if isinstance(model, nn.Module):
        factory: Callable[[], nn.Module] = _FreshCopy(model)
        with untouched_generators():
            factory()  # a model that cannot be drawn again is found before the work begins
    elif callable(model):
        factory = model
    else:
        raise ArgumentError(
            "models", "hold modules, factories or candidates", f"{type(model).__name__} ({name!r})"
        )
    if input_shape is None and inputs is None:
        raise ArgumentError(
            "input_shape", f"be given for {name!r}", None, "the shape of one input, without batch"
        )
    shape = tuple(input_shape) if input_shape is not None else _shape_of(inputs)
    example = inputs if inputs is not None else torch.zeros(2, *shape)
    program = program_of(factory, example)
    return Candidate(name, program, _FullOnly(factory), {FULL: shape})


def _shape_of(inputs: Nest) -> tuple[int, ...]:
    if isinstance(inputs, torch.Tensor | np.ndarray):
        return tuple(inputs.shape[1:])
    return ()
