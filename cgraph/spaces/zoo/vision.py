"""The models of timm and of torchvision, without weights, on an image of the size they name."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

from cgraph.errors import MissingPackageError
from cgraph.spaces.zoo.models import Arguments, ZooModel

if TYPE_CHECKING:
    from torch import nn


def timm_models() -> list[ZooModel]:
    """The models of the installed timm, by name; the family is the module they are in.

    Raises
    ------
    MissingPackageError
        If timm is not installed.
    """
    timm = _library("timm")
    return [
        ZooModel(name, str(family), partial(_of_timm, name), _images)
        for family in timm.list_modules()
        for name in timm.list_models(module=family)
    ]


def torchvision_models() -> list[ZooModel]:
    """The models of the installed torchvision, by name; the family is the module they are in.

    Raises
    ------
    MissingPackageError
        If torchvision is not installed.
    """
    models = _library("torchvision.models")
    found = []
    for name in models.list_models():
        family = models.get_model_builder(name).__module__.rpartition(".")[2]
        found.append(ZooModel(name, family, partial(_of_torchvision, name), _images))
    return found


def _library(name: str) -> Any:
    package = name.partition(".")[0]
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise MissingPackageError(package, f"zoo:{package}", package) from error


def _of_timm(name: str) -> nn.Module:
    model: nn.Module = _library("timm").create_model(name, pretrained=False)
    return model


def _of_torchvision(name: str) -> nn.Module:
    models = _library("torchvision.models")
    builder = models.get_model_builder(name)
    extra = (
        {}
        if "weights_backbone" not in builder.__wrapped__.__annotations__
        else {"weights_backbone": None}
    )
    model: nn.Module = models.get_model(name, weights=None, **extra)
    return model


def _images(model: nn.Module) -> Iterator[Arguments]:
    import torch

    named = getattr(model, "default_cfg", None) or {}
    shapes = [tuple(named["input_size"])] if "input_size" in named else []
    for shape in dict.fromkeys([*shapes, (3, 224, 224), (3, 299, 299), (3, 8, 224, 224)]):
        yield (torch.empty(1, *shape),), {}
    yield (torch.empty(1, 3, 96, 96), torch.empty(1, 3, 96, 96)), {}
