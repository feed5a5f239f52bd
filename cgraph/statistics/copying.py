"""Copies of models, so that those given are left as they were found."""

from __future__ import annotations

import copy
from collections import OrderedDict
from typing import Any

from torch import nn

from cgraph.errors import ArgumentError


def copy_of(model: nn.Module) -> nn.Module:
    """A copy of a model that shares nothing with it.

    Raises
    ------
    ArgumentError
        If the model holds something that cannot be copied, such as a tensor that is still part of
        a graph of autograd.
    """
    copies: dict[int, Any] = {}
    for module in model.modules():
        # Most of what a module holds is empty dicts for hooks, which take the longest to copy.
        for held in vars(module).values():
            if type(held) is OrderedDict and not held:
                copies[id(held)] = OrderedDict()
    try:
        return copy.deepcopy(model, copies)
    except (RuntimeError, TypeError) as error:
        raise ArgumentError(
            "model",
            "be a module that copy.deepcopy can copy, so that it is left as it was found",
            f"{type(model).__name__}, which it cannot: {error}",
            "drop cached tensors, or measure a model fresh from its factory",
        ) from error
