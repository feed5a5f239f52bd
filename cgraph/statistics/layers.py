"""The layers of a network that statistics of weights are about: convolutions and linear layers."""

from __future__ import annotations

import sys

from torch import Tensor, nn

CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d)
_LAYERS = (*CONVOLUTIONS, nn.Linear)


def layers_of(model: nn.Module) -> list[nn.Module]:
    """The convolutions and linear layers of a model, those of PyTorch Geometric too, each once."""
    # Who has such a layer has loaded its module.
    dense = sys.modules.get("torch_geometric.nn.dense.linear")
    kinds = _LAYERS if dense is None else (*_LAYERS, dense.Linear)
    return [module for module in model.modules() if isinstance(module, kinds)]


def weights_of(model: nn.Module) -> list[Tensor]:
    """The weights of the layers of a model, a shared one once.

    A weight with a parametrization is computed as it is asked for: within
    `torch.nn.utils.parametrize.cached` it is the one that a pass uses.
    """
    found = {id(weight): weight for weight in (layer.weight for layer in layers_of(model))}
    return [weight for weight in found.values() if isinstance(weight, Tensor)]
