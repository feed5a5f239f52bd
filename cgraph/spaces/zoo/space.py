"""A library of models as a space of networks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import partial
from typing import TYPE_CHECKING, final

from cgraph.errors import ArgumentError
from cgraph.registry import Table
from cgraph.spaces.traced import TracedSpace
from cgraph.spaces.zoo.hugging import transformers_models
from cgraph.spaces.zoo.models import ZooModel, read_model
from cgraph.spaces.zoo.vision import timm_models, torchvision_models

if TYPE_CHECKING:
    from torch import nn

    from cgraph.graphs.computational import ComputationalGraph

PREFIX = "zoo:"


@dataclass(frozen=True, slots=True)
class Zoo:
    """A library of models.

    Parameters
    ----------
    name : str
        What it is called behind "zoo:".
    models : callable
        Lists its models; raises `MissingPackageError` where the library is not installed.
    extra : str
        The extra of cgraph that installs it.
    package : str
        The package, whose version decides what the models are.
    """

    name: str
    models: Callable[[], list[ZooModel]]
    extra: str
    package: str


ZOOS: Table[Zoo] = Table(
    "zoo",
    [
        Zoo("transformers", transformers_models, "zoo", "transformers"),
        Zoo("timm", timm_models, "timm", "timm"),
        Zoo("torchvision", torchvision_models, "torchvision", "torchvision"),
    ],
)


@final
class ZooSpace(TracedSpace):
    """The models of a library; made by ``cgraph.spaces.get("zoo:NAME")``.

    Parameters
    ----------
    zoo : str
        A name in `ZOOS`.
    pattern : str, default="*"
        Which models, by their names: ``*`` stands for anything, ``?`` for a character.

    Raises
    ------
    UnknownNameError
        If there is no such zoo.
    MissingPackageError
        If its library is not installed.
    ArgumentError
        If no model has such a name.

    Notes
    -----
    Models are built from their default configurations on the meta device, without weights, and
    nothing is downloaded. They are captured in eval mode, each on inputs that it takes.
    """

    # A model takes a second, and what is captured is kept by batches.
    batch_size = 8

    def __init__(self, zoo: str, pattern: str = "*") -> None:
        record = ZOOS[zoo]
        self.name = PREFIX + zoo + ("" if pattern == "*" else f"/{pattern}")
        self.summary = f"models of {record.package} from their configurations, without weights"
        self.source = record.package
        self.input_shapes = {"full": ()}
        self._zoo, self._pattern = zoo, pattern
        # Versions tell a kept capture from one of other models.
        from importlib import metadata

        self._models = {m.name: m for m in record.models() if fnmatchcase(m.name, pattern)}
        self.options = {"version": metadata.version(record.package), "pattern": pattern}
        if not self._models:
            raise ArgumentError("space", f"name models of zoo:{zoo}", f"{pattern!r}, which is none")
        self.reader = partial(_read, zoo)

    def architectures(self) -> tuple[str, ...]:
        """Names of the models, as the library calls them."""
        return tuple(self._models)

    def build(self, arch: str, skeleton: str) -> nn.Module:  # noqa: ARG002
        """A model, freshly drawn."""
        return self._models[arch].build()

    def families(self) -> Mapping[str, str]:
        """The library's family of each model."""
        return {name: model.family for name, model in self._models.items()}


_LISTED: dict[str, dict[str, ZooModel]] = {}


def _read(zoo: str, name: str) -> ComputationalGraph:
    if zoo not in _LISTED:
        _LISTED[zoo] = {model.name: model for model in ZOOS[zoo].models()}
    return read_model(_LISTED[zoo][name])


def zoo_of(text: str) -> ZooSpace:
    """The space of ``zoo:NAME``, or of ``zoo:NAME/PATTERN`` for some of its models.

    Parameters
    ----------
    text : str
        What is written; begins with "zoo:".

    Raises
    ------
    UnknownNameError, MissingPackageError, ArgumentError
        As `ZooSpace`.
    """
    zoo, slash, pattern = text.removeprefix(PREFIX).partition("/")
    return ZooSpace(zoo, pattern if slash else "*")
